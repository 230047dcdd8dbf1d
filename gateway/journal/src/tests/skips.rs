//! Commands that are set aside.

use super::*;

#[test]
fn a_command_that_makes_the_engine_fail_is_set_aside() {
    let dir = scratch();
    failing(dir.path(), &[8]);
    // It fails at each start, until it is set aside.
    let refused = restart(dir.path());
    assert!(
        matches!(&refused, Err(RestartError::Replay(ReplayError::Engine(fault))) if fault.sequence == Sequence(8)),
        "{refused:?}"
    );
    skip(dir.path(), vec![Sequence(8)], "an assertion in the ledger, see incident 12", NOW)
        .expect("set aside");

    let mut world = World::restart(dir.path());
    assert_eq!(world.exchange.sequence(), Sequence(10));
    let answer = world.exchange.answer(OPERATORS[0], CommandId(8)).expect("kept");
    assert_eq!((answer.sequence, answer.outcome), (Sequence(8), Err(Reject::InternalFault)));
    // The rest of its batch was executed.
    assert_eq!(world.exchange.answer(OPERATORS[0], CommandId(10)).expect("kept").outcome, Ok(()));
    // Sent again it is answered so again, and not executed: it would fail.
    world.commit(&[set_clock(8)]).expect("no fault");
    assert_eq!(world.effects.answers(), [answer]);
    world.work(3).expect("no fault");
    let digests = world.digests();
    drop(world);
    assert_eq!(World::restart(dir.path()).digests(), digests);

    // The reason can be read, and is part of the chain.
    let mut reader = scan(dir.path()).expect("a journal");
    let mut skips = Vec::new();
    while let Some(frame) = reader.next_frame().expect("the disk works") {
        if let Content::Skip { payload } = frame.content {
            skips.push((frame.offset, payload.len(), Skip::decode(payload).expect("a skip")));
        }
    }
    let reason = "an assertion in the ledger, see incident 12".to_owned();
    let [(offset, length, ref found)] = skips[..] else { panic!("{skips:?}") };
    assert_eq!(*found, Skip { at: NOW, sequences: vec![Sequence(8)], reason });
    let file = directory::segment_path(dir.path(), 1);
    let mut bytes = fs::read(&file).expect("it is there");
    let frame =
        usize::try_from(offset).expect("small")..usize::try_from(offset).expect("small") + 64 + length;
    bytes[frame.end - 1] = b'3';
    let crc = crc32c::crc32c(&bytes[frame.start + 4..frame.end]);
    bytes[frame.start..frame.start + 4].copy_from_slice(&crc.to_le_bytes());
    fs::write(&file, &bytes).expect("a writable file");
    let refused = restart(dir.path());
    assert!(matches!(refused, Err(RestartError::Replay(ReplayError::Diverged { .. }))), "{refused:?}");
}

#[test]
fn only_what_fails_is_set_aside_and_all_of_it() {
    let dir = scratch();
    failing(dir.path(), &[7, 9]);
    let before = fs::read(directory::segment_path(dir.path(), 1)).expect("it is there");
    let refused = |sequences: &[u64], reason: &str| {
        let sequences = sequences.iter().copied().map(Sequence).collect();
        let refused = skip(dir.path(), sequences, reason, NOW).expect_err("refused");
        let after = fs::read(directory::segment_path(dir.path(), 1)).expect("it is there");
        assert_eq!(after, before, "nothing is changed by a refusal");
        refused
    };
    assert!(matches!(refused(&[7, 9], " "), SkipError::Reason));
    assert!(matches!(refused(&[7, 9], &"x".repeat(1_001)), SkipError::Reason));
    assert!(matches!(refused(&[8], "why"), SkipError::FailsElsewhere { failing: Sequence(7) }));
    assert!(matches!(refused(&[7], "why"), SkipError::FailsElsewhere { failing: Sequence(9) }));
    assert!(matches!(
        refused(&[7, 9, 11], "why"),
        SkipError::NotInBatch { sequence: Sequence(11), first: Sequence(6), last: Sequence(10) }
    ));
    skip(dir.path(), vec![Sequence(9), Sequence(7), Sequence(9)], "why", NOW).expect("set aside");
    let world = World::restart(dir.path());
    for id in [7, 9] {
        let answer = world.exchange.answer(OPERATORS[0], CommandId(id)).expect("kept");
        assert_eq!(answer.outcome, Err(Reject::InternalFault));
    }
    drop(world);
    let nothing = skip(dir.path(), vec![Sequence(7)], "why", NOW);
    assert!(matches!(nothing, Err(SkipError::NothingFails)), "{nothing:?}");
}

#[test]
fn what_another_engine_got_through_is_not_set_aside() {
    let dir = scratch();
    let mut world = World::found(dir.path());
    world.work(4).expect("no fault");
    world.work(5).expect("no fault");
    drop(world);
    fail_at(&[3]);
    let refused = skip(dir.path(), vec![Sequence(3)], "why", NOW);
    assert!(matches!(refused, Err(SkipError::NotLast { failing: Sequence(3) })), "{refused:?}");
}

#[test]
fn a_journal_in_use_is_not_skipped_in() {
    let dir = scratch();
    let world = World::found(dir.path());
    let refused = skip(dir.path(), vec![Sequence(1)], "why", NOW);
    assert!(matches!(refused, Err(SkipError::Open(crate::OpenError::Locked { .. }))), "{refused:?}");
    drop(world);
}

/// A skip that was torn is cut like any tail, and can be made again.
#[test]
fn a_torn_skip_is_made_again() {
    let dir = scratch();
    failing(dir.path(), &[8]);
    skip(dir.path(), vec![Sequence(8)], "why", NOW).expect("set aside");
    let file = directory::segment_path(dir.path(), 1);
    let mut bytes = fs::read(&file).expect("it is there");
    let last = bytes.iter().rposition(|&byte| byte != 0).expect("some byte is not zero");
    bytes[last] = 0;
    fs::write(&file, &bytes).expect("a writable file");
    assert!(matches!(restart(dir.path()), Err(RestartError::Replay(ReplayError::Engine(_)))));
    skip(dir.path(), vec![Sequence(8)], "why", NOW).expect("set aside");
    let restarted = restart(dir.path()).expect("goes on");
    assert_eq!(restarted.verdict, Verdict::Clean { last: Sequence(10), sealed: false });
}

/// As a crash leaves it right after a segment was begun: nothing is in it but its header, with this chain.
fn begin_next_segment(dir: &Path, segment: u32, first: u64, chain: Digest) {
    let header = Header { settings: SETTINGS, segment, first: Sequence(first), chain: chain.0 };
    fs::write(directory::segment_path(dir, segment), header.to_bytes()).expect("a writable directory");
}

#[test]
fn a_segment_that_was_only_begun_vouches_for_the_batch_before_it() {
    let dir = scratch();
    let mut world = World::found(dir.path());
    world.work(4).expect("no fault");
    let (digests, next) = (world.digests(), world.journal.next_sequence().0);
    drop(world);
    begin_next_segment(dir.path(), 2, next, digests.1);
    assert_eq!(came_to(&restart(dir.path()).expect("goes on")), digests);
    begin_next_segment(dir.path(), 2, next, Digest([0xaa; 32]));
    let refused = restart(dir.path());
    assert!(matches!(refused, Err(RestartError::Replay(ReplayError::Diverged { .. }))), "{refused:?}");

    // And what it vouches for cannot be set aside: it was made by an engine that did not fail.
    begin_next_segment(dir.path(), 2, next, digests.1);
    fail_at(&[4]);
    let refused = skip(dir.path(), vec![Sequence(4)], "why", NOW);
    assert!(matches!(refused, Err(SkipError::NotLast { failing: Sequence(4) })), "{refused:?}");
    fail_at(&[]);
    assert_eq!(came_to(&restart(dir.path()).expect("goes on")), digests);
}

#[test]
fn a_tick_is_not_set_aside() {
    let dir = scratch();
    let mut world = World::found(dir.path());
    fail_at(&[2]);
    let tick = Entry { sender: IdentityId::SYSTEM, id: CommandId(2), command: Command::Tick };
    world.commit(&[tick]).expect_err("a fault");
    drop(world);
    let refused = skip(dir.path(), vec![Sequence(2)], "why", NOW);
    assert!(matches!(refused, Err(SkipError::System { failing: Sequence(2) })), "{refused:?}");
}
