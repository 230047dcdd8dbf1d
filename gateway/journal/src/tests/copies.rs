//! Places in a journal: what is read, replayed and copied up to one.

use super::*;

/// The state after each command, told by a replay that executes whole batches and the one in question in part.
fn within(dir: &Path, last: u64) -> (Sequence, Digest) {
    let mut reader = scan(dir).expect("a journal");
    let mut replay = Replay::new(reader.header()).expect("the first segment");
    while let Some(frame) = reader.next_frame().expect("the disk works") {
        if let Content::Batch { count, .. } = frame.content
            && frame.sequence.0 + u64::from(count) > last
        {
            let exchange = replay.finish_within(&frame, Sequence(last)).expect("no fault before that");
            return (exchange.sequence(), exchange.state_digest());
        }
        replay.frame(&frame).expect("it replays");
    }
    panic!("sequence {last} is not in the journal");
}

#[test]
fn a_batch_is_executed_up_to_any_of_its_commands() {
    let dir = scratch();
    let mut world = World::found(dir.path());
    let entries: Vec<_> = (2..=9_u32)
        .map(|number| {
            let name = "Floors".parse().expect("a name");
            let programme = ProgrammeId(number);
            let terms = ProgrammeTerms { name, currency: Currency::Eur, backing: Backing::Capped };
            let action = Action::OpenProgramme { programme, terms };
            let (id, command) = (CommandId(number.into()), Command::Propose { action });
            Entry { sender: OPERATORS[0], id, command }
        })
        .collect();
    world.commit(&entries[..3]).expect("no fault");
    world.commit(&entries[3..]).expect("no fault");

    // The same commands one by one.
    let mut bare = Exchange::new(ExchangeMode::Rehearsal, RulesVersion::NEWEST);
    let name = "The centre".parse().expect("a name");
    let operators = OPERATORS.map(|id| Operator::local(id.0));
    let founding = Command::Found { participant: ParticipantId(1), name, operators };
    let first = Entry { sender: IdentityId::SYSTEM, id: CommandId(1), command: founding };
    let mut seen = Vec::new();
    for (sequence, entry) in (1_u64..).zip(std::iter::once(&first).chain(&entries)) {
        let (at, sequence) = (header(sequence).at, Sequence(sequence));
        bare.apply(sequence, at, entry.sender, entry.id, &entry.command, &mut Vec::new()).expect("done");
        assert_eq!(within(dir.path(), sequence.0), (sequence, bare.state_digest()));
        seen.push(bare.state_digest());
    }
    seen.dedup();
    assert_eq!(seen.len(), 9, "each command changes the state");
    assert_eq!(world.exchange.state_digest(), bare.state_digest());
    // A command that fails only hides what comes after it.
    fail_at(&[7]);
    assert_eq!(within(dir.path(), 6), (Sequence(6), seen[5]));
}

#[test]
fn a_replay_begins_at_or_before_any_place() {
    let dir = scratch();
    kept(dir.path(), 6);
    let snapshots: Vec<_> = directory::list(dir.path())
        .expect("readable")
        .snapshots
        .values()
        .map(|file| SnapshotHeader::read(file).expect("a snapshot"))
        .map(|header| (header.segment, header.sequence))
        .collect();
    let [older, newer] = snapshots[..] else { panic!("two are kept: {snapshots:?}") };
    for (last, expected) in [
        (Sequence(older.1.0 - 1), None),
        (older.1, Some(older)),
        (Sequence(newer.1.0 - 1), Some(older)),
        (newer.1, Some(newer)),
        (Sequence(u64::MAX), Some(newer)),
    ] {
        assert_eq!(begin_at_or_before(dir.path(), last).expect("a journal").snapshot, expected, "{last}");
    }
    assert_eq!(begin_earliest(dir.path()).expect("a journal").snapshot, None);
    fs::remove_dir_all(dir.path().join("archive")).expect("it is there");
    assert_eq!(begin_earliest(dir.path()).expect("a journal").snapshot, Some(older));
    assert!(begin_at_or_before(dir.path(), Sequence(older.1.0 - 1)).is_err());
}

/// All frames from the first segment on, as bytes, with the place after the last.
fn frames(dir: &Path) -> Vec<(u32, u64, Vec<u8>)> {
    let files = directory::list(dir).expect("readable").segments;
    let mut reader = scan(dir).expect("a journal");
    let mut frames = Vec::new();
    while let Some(frame) = reader.next_frame().expect("the disk works") {
        let file = fs::read(&files[&frame.segment]).expect("it is there");
        let range =
            usize::try_from(frame.offset).expect("small")..usize::try_from(frame.end()).expect("small");
        frames.push((frame.segment, frame.offset, file[range].to_vec()));
    }
    frames
}

/// The last sequence of each batch, with the digests after it.
fn batches(dir: &Path) -> Vec<(Sequence, (Digest, Digest))> {
    let mut reader = scan(dir).expect("a journal");
    let mut replay = Replay::new(reader.header()).expect("the first segment");
    let mut ends: Vec<(Sequence, (Digest, Digest))> = Vec::new();
    while let Some(frame) = reader.next_frame().expect("the disk works") {
        replay.frame(&frame).expect("it replays");
        let end = (replay.exchange().sequence(), (replay.exchange().state_digest(), replay.chain()));
        // What a skip adds belongs to its batch.
        ends.retain(|(sequence, _)| *sequence != end.0);
        ends.push(end);
    }
    ends
}

fn bytes_of(dir: &Path) -> Vec<(u32, Vec<u8>)> {
    let listing = directory::list(dir).expect("readable");
    let files = listing.segments.iter().chain(&listing.snapshots);
    files.map(|(number, file)| (*number, fs::read(file).expect("it is there"))).collect()
}

#[test]
fn a_copy_ends_after_any_batch_and_goes_on_from_there() {
    let dir = scratch();
    kept(dir.path(), 6);
    let (before, original, ends) = (bytes_of(dir.path()), frames(dir.path()), batches(dir.path()));
    for (last, digests) in &ends {
        let scratch = scratch();
        let into = scratch.path().join("some/where");
        let copied = copy_up_to(dir.path(), *last, &into).expect("a batch ends there");
        let copy = frames(&into);
        assert_eq!(copy, original[..copy.len()], "byte for byte");
        assert_eq!(copied.segments, directory::list(&into).expect("readable").segments.len());
        let file = directory::segment_path(&into, u32::try_from(copied.segments).expect("few"));
        let bytes = fs::read(&file).expect("it is there");
        let end = usize::try_from(copy.last().expect("some").1).expect("small")
            + copy.last().expect("some").2.len();
        assert_eq!(bytes.len(), 2048, "as long as the writer makes it");
        assert!(bytes[end..].iter().all(|&byte| byte == 0));
        let begun = Restart::begin(&into).expect("a journal");
        assert_eq!(begun.begun.passed_over.len(), 0, "only snapshots of use were copied");
        assert_eq!(begun.begun.snapshot.is_some(), copied.snapshots > 0);
        let restarted = begun.finish(|_| {}).expect("a journal");
        assert_eq!(came_to(&restarted), *digests);
        assert_eq!(restarted.verdict, Verdict::Clean { last: *last, sealed: false });
        drop(restarted);
        let mut world = World::restart(&into);
        for _ in 0..10 {
            world.work(5).expect("no fault");
        }
        let digests = world.digests();
        drop(world);
        assert_eq!(World::restart(&into).digests(), digests);
    }
    assert_eq!(bytes_of(dir.path()), before, "the journal stays as it is");
    let all = copy_up_to(dir.path(), ends.last().expect("some").0, &scratch().path().join("copy"));
    assert_eq!(all.expect("the whole"), Copied { segments: 6, snapshots: 2 });
}

#[test]
fn a_copy_ends_where_a_batch_ends_and_nowhere_else() {
    let dir = scratch();
    kept(dir.path(), 3);
    let place = scratch();
    let into = place.path().join("copy");
    let refused = |sequence| {
        let refused = copy_up_to(dir.path(), Sequence(sequence), &into).expect_err("refused");
        assert!(!into.exists(), "nothing is created by a refusal");
        refused
    };
    assert!(matches!(refused(0), CopyError::BeforeFirst { first: Sequence(1), .. }));
    // Founded alone, then batches of five.
    assert!(matches!(refused(2), CopyError::InsideBatch { before: Sequence(1), after: Sequence(6), .. }));
    assert!(matches!(refused(10), CopyError::InsideBatch { before: Sequence(6), after: Sequence(11), .. }));
    let end = batches(dir.path()).last().expect("some").0;
    assert!(matches!(refused(end.0 + 1), CopyError::BeyondEnd { last, .. } if last == end));
    for inside in ["copy", "archive/copy", "."] {
        let refused = copy_up_to(dir.path(), Sequence(1), &dir.path().join(inside));
        assert!(matches!(refused, Err(CopyError::Inside { .. })), "{refused:?}");
    }
    copy_up_to(dir.path(), Sequence(1), &into).expect("a batch ends there");
    let again = copy_up_to(dir.path(), Sequence(1), &into);
    assert!(matches!(again, Err(CopyError::Create(crate::CreateError::Exists { .. }))), "{again:?}");
}

/// What is whole before damage can be taken out, wherever the damage is.
#[test]
fn a_copy_needs_nothing_of_what_comes_after_it() {
    let dir = scratch();
    kept(dir.path(), 3);
    let (original, ends) = (frames(dir.path()), batches(dir.path()));
    let file = directory::segment_path(dir.path(), 2);
    let bytes = fs::read(&file).expect("it is there");
    // The header of segment 2, and its second frame.
    let second = original.iter().filter(|frame| frame.0 == 2).nth(1).expect("it has two").1;
    for offset in [70, usize::try_from(second).expect("small") + 70] {
        let mut damaged = bytes.clone();
        damaged[offset] ^= 1;
        fs::write(&file, &damaged).expect("a writable file");
        let (mut whole, mut refused) = (0, 0);
        for (last, digests) in &ends {
            let place = scratch();
            let into = place.path().join("copy");
            match copy_up_to(dir.path(), *last, &into) {
                Ok(_) => {
                    assert_eq!(came_to(&restart(&into).expect("a journal")), *digests);
                    whole += 1;
                }
                Err(CopyError::Corrupt { .. } | CopyError::Scan(ScanError::DamagedHeader { .. })) => {
                    refused += 1;
                }
                Err(error) => panic!("{error}"),
            }
        }
        let before = original.iter().filter(|frame| frame.0 < 2).count() + usize::from(offset > 128);
        assert_eq!((whole, refused), (before, ends.len() - before), "offset {offset}");
    }
    fs::write(&file, bytes).expect("a writable file");
}

#[test]
fn a_skip_is_copied_with_its_batch() {
    let dir = scratch();
    failing(dir.path(), &[8]);
    skip(dir.path(), vec![Sequence(8)], "why", NOW).expect("set aside");
    let mut world = World::restart(dir.path());
    let digests = world.digests();
    world.work(3).expect("no fault");
    drop(world);
    let place = scratch();
    let into = place.path().join("copy");
    copy_up_to(dir.path(), Sequence(10), &into).expect("a batch ends there");
    assert_eq!(World::restart(&into).digests(), digests);
}

/// The first and the last segment of which anything is read, from one on up to a place.
fn read_up_to(dir: &Path, from: Option<u32>, last: u64) -> Result<(u32, u32), ScanError> {
    let mut reader = scan_up_to(dir, from, Sequence(last))?;
    let (mut first, mut read) = (None, 0);
    while let Some(frame) = reader.next_frame().expect("the disk works") {
        first.get_or_insert(frame.segment);
        read = frame.segment;
    }
    Ok((first.expect("each has a batch"), read))
}

fn firsts(dir: &Path) -> Vec<u64> {
    (1..=4).map(|segment| crate::scan_from(dir, segment).expect("a journal").header().first.0).collect()
}

#[test]
fn what_comes_after_a_place_is_not_looked_at() {
    let dir = scratch();
    kept(dir.path(), 4);
    let firsts = firsts(dir.path());
    for (last, segments) in [(0, 1), (firsts[1] - 1, 1), (firsts[1], 2), (firsts[3] - 1, 3), (u64::MAX, 4)] {
        for from in [None, Some(1), Some(2), Some(3)] {
            let begin = from.unwrap_or(1);
            let read = read_up_to(dir.path(), from, last).expect("a journal");
            assert_eq!(read, (begin, segments.max(begin)), "from {from:?} up to {last}");
        }
    }
}

/// Where a header does not tell where its segment begins, the one before it says whether it is needed.
#[test]
fn a_damaged_header_behind_a_place_is_not_looked_at() {
    let dir = scratch();
    kept(dir.path(), 4);
    let third = firsts(dir.path())[2];
    let file = directory::list(dir.path()).expect("readable").segments[&3].clone();
    let mut bytes = fs::read(&file).expect("it is there");
    bytes[3] ^= 1;
    fs::write(&file, bytes).expect("a writable file");
    for from in [None, Some(2)] {
        let (begin, last) = (from.unwrap_or(1), third - 1);
        assert_eq!(read_up_to(dir.path(), from, last).expect("whole up to there"), (begin, 2));
        let needed = read_up_to(dir.path(), from, third).expect_err("its first command is in it");
        assert!(needed.to_string().contains("00000003"), "{needed}");
    }
}

/// Whoever begins at the founding looks at no later header before it comes there.
#[test]
fn a_beginning_needs_no_later_header() {
    let dir = scratch();
    kept(dir.path(), 4);
    let listing = directory::list(dir.path()).expect("readable");
    for segment in 1..=4 {
        let _ = fs::remove_file(directory::snapshot_path(dir.path(), segment));
    }
    let mut bytes = fs::read(&listing.segments[&3]).expect("it is there");
    bytes[3] ^= 1;
    fs::write(&listing.segments[&3], bytes).expect("a writable file");
    let begun = begin_earliest(dir.path()).expect("the first segment is whole");
    assert_eq!(begun.replay.exchange().sequence(), Sequence(0));
}
