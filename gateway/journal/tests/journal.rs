//! The journal from outside: what is appended is read again, and every kind of damage gets its verdict.

use std::fs;
use std::path::{Path, PathBuf};

use golv_engine::id::Sequence;
use golv_journal::{
    Content, Corruption, CreateError, Header, Journal, Mode, OpenError, PAYLOAD_MAX, RecoverError, ScanError,
    Settings, Verdict, scan,
};
use proptest::prelude::*;

const SETTINGS: Settings = Settings { mode: Mode::Rehearsal { seed: 9 }, rules_version: 3 };
const GENESIS: [u8; 32] = [0x90; 32];
const HEADER: usize = 128;
const FRAME_HEADER: usize = 64;

/// A frame as a test compares it. A seal has no count and no payload.
#[derive(Clone, Debug, PartialEq)]
struct Read {
    offset: usize,
    sequence: u64,
    count: u32,
    chain: u8,
    payload: Vec<u8>,
}

impl Read {
    fn end(&self) -> usize {
        self.offset + FRAME_HEADER + self.payload.len()
    }
}

fn segment(dir: &Path) -> PathBuf {
    dir.join("00000001.journal")
}

/// The whole frames of a journal that is only read, and the verdict.
fn read(dir: &Path) -> (Vec<Read>, Verdict) {
    let mut reader = scan(dir).expect("a journal");
    let mut frames = Vec::new();
    while let Some(frame) = reader.next_frame().expect("the disk works") {
        let (count, payload) = match frame.content {
            Content::Batch { count, payload } => (count, payload.to_vec()),
            Content::Seal => (0, Vec::new()),
        };
        assert_eq!(frame.epoch, 0);
        frames.push(Read {
            offset: usize::try_from(frame.offset).expect("a small file"),
            sequence: frame.sequence.0,
            count,
            chain: frame.chain[0],
            payload,
        });
    }
    (frames, reader.finish().expect("the disk works"))
}

fn append(journal: &mut Journal, count: u32, payload: &[u8]) {
    let next = journal.next_sequence();
    let chain = [u8::try_from(next.0).expect("a small journal"); 32];
    journal.append(next, count, &chain, payload).expect("the disk works");
    journal.flusher().flush().expect("the disk works");
}

/// Three batches, a seal, a batch after a restart and, if asked for, another seal.
fn sample(dir: &Path, sealed: bool) -> (Vec<u8>, Vec<Read>) {
    let mut journal = Journal::create(dir, SETTINGS, GENESIS).expect("a new directory");
    append(&mut journal, 1, b"one");
    append(&mut journal, 3, b"two to four");
    append(&mut journal, 1, b"five");
    journal.seal(&[0x55; 32]).expect("the disk works");
    append(&mut journal, 2, b"six and seven");
    if sealed {
        journal.seal(&[0x77; 32]).expect("the disk works");
    }
    drop(journal);
    let (frames, verdict) = read(dir);
    assert_eq!(verdict, Verdict::Clean { last: Sequence(7), sealed });
    assert_eq!(frames.len(), if sealed { 6 } else { 5 });
    (fs::read(segment(dir)).expect("it is there"), frames)
}

/// Puts these bytes in the place of the segment, reads them, opens them and says what both found: the verdict
/// is the same, and opening changes nothing unless it cuts.
fn judge(dir: &Path, bytes: &[u8]) -> (Vec<Read>, Verdict) {
    fs::write(segment(dir), bytes).expect("a writable file");
    let (frames, verdict) = read(dir);
    let opened = Journal::open(dir).expect("the header is whole");
    match (&verdict, opened.into_journal()) {
        (Verdict::Corrupt(corruption), Err(RecoverError::Corrupt(refused))) => {
            assert_eq!(&refused, corruption);
            assert_eq!(fs::read(segment(dir)).expect("it is there"), bytes, "nothing is changed");
        }
        (Verdict::TornTail { offset, .. }, Ok((mut journal, same))) => {
            assert_eq!(same, verdict);
            let whole = usize::try_from(*offset).expect("a small file");
            assert_eq!(fs::read(segment(dir)).expect("it is there"), bytes[..whole]);
            assert_goes_on(dir, &mut journal, &frames);
        }
        (Verdict::Clean { .. }, Ok((mut journal, same))) => {
            assert_eq!(same, verdict);
            assert_goes_on(dir, &mut journal, &frames);
        }
        (verdict, opened) => panic!("{verdict:?} when read, {opened:?} when opened"),
    }
    (frames, verdict)
}

/// What was recovered takes another batch, and is clean with it.
fn assert_goes_on(dir: &Path, journal: &mut Journal, frames: &[Read]) {
    append(journal, 1, b"next");
    let (again, verdict) = read(dir);
    assert_eq!(&again[..frames.len()], frames);
    assert_eq!(again.len(), frames.len() + 1);
    assert_eq!(again[frames.len()].payload, b"next");
    assert!(matches!(verdict, Verdict::Clean { sealed: false, .. }), "{verdict:?}");
}

/// Writes the checksum that a frame should have.
fn with_checksum(frame: &[u8]) -> Vec<u8> {
    let mut frame = frame.to_vec();
    let crc = crc32c::crc32c(&frame[4..]);
    frame[..4].copy_from_slice(&crc.to_le_bytes());
    frame
}

#[test]
fn append_reopen_append_reopen() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let dir = dir.path().join("new/and/deep");
    let mut journal = Journal::create(&dir, SETTINGS, GENESIS).expect("a new directory");
    assert_eq!(journal.next_sequence(), Sequence(1));
    append(&mut journal, 2, b"first");
    drop(journal);

    for (round, sealed) in [(0, false), (1, true), (2, false)] {
        let mut opened = Journal::open(&dir).expect("a journal");
        let expected = Header { settings: SETTINGS, segment: 1, first: Sequence(1), chain: GENESIS };
        assert_eq!(*opened.header(), expected);
        let mut batches = 0;
        while let Some(frame) = opened.next_frame().expect("a clean journal") {
            batches += u64::from(matches!(frame.content, Content::Batch { .. }));
        }
        assert_eq!(batches, round + 1);
        let (mut journal, _) = opened.into_journal().expect("a clean journal");
        assert_eq!(journal.next_sequence(), Sequence(3 + 5 * round));
        append(&mut journal, 5, b"later");
        if sealed {
            journal.seal(&[1; 32]).expect("the disk works");
        }
        drop(journal);
        assert_eq!(read(&dir).1, Verdict::Clean { last: Sequence(7 + 5 * round), sealed });
    }
}

#[test]
fn a_journal_without_a_batch_is_clean() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let live = Settings { mode: Mode::Live, rules_version: 1 };
    drop(Journal::create(dir.path(), live, GENESIS).expect("an empty directory"));
    assert_eq!(read(dir.path()), (Vec::new(), Verdict::Clean { last: Sequence(0), sealed: false }));
    assert_eq!(scan(dir.path()).expect("a journal").header().settings, live);
}

#[test]
fn every_truncation_has_its_verdict() {
    for sealed in [true, false] {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let (bytes, frames) = sample(dir.path(), sealed);
        for length in HEADER..bytes.len() {
            let whole: Vec<Read> = frames.iter().filter(|frame| frame.end() <= length).cloned().collect();
            let end = whole.last().map_or(HEADER, Read::end);
            let last = whole.last().map_or(0, |frame| frame.sequence + u64::from(frame.count) - 1);
            let expected = if end == length {
                Verdict::Clean {
                    last: Sequence(last),
                    sealed: whole.last().is_some_and(|frame| frame.count == 0),
                }
            } else {
                Verdict::TornTail {
                    file: segment(dir.path()),
                    sequence: Sequence(last + 1),
                    offset: end as u64,
                    bytes: (length - end) as u64,
                }
            };
            assert_eq!(judge(dir.path(), &bytes[..length]), (whole, expected), "length {length}");
        }
    }
}

#[test]
fn every_flipped_bit_has_its_verdict() {
    for sealed in [true, false] {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let (bytes, frames) = sample(dir.path(), sealed);
        for bit in HEADER * 8..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            let hit = frames.iter().position(|frame| bit / 8 < frame.end()).expect("some frame holds it");
            let (file, offset) = (segment(dir.path()), frames[hit].offset as u64);
            let sequence = Sequence(frames[hit].sequence);
            let expected = match frames.get(hit + 1) {
                Some(next) => {
                    let next = next.offset as u64;
                    Verdict::Corrupt(Corruption::FrameFollows { file, offset, sequence, next })
                }
                None => {
                    let bytes = bytes.len() as u64 - offset;
                    Verdict::TornTail { file, sequence, offset, bytes }
                }
            };
            assert_eq!(judge(dir.path(), &damaged), (frames[..hit].to_vec(), expected), "bit {bit}");
        }
    }
}

#[test]
fn every_damaged_header_is_refused() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (bytes, _) = sample(dir.path(), true);
    let refused = |bytes: &[u8]| {
        fs::write(segment(dir.path()), bytes).expect("a writable file");
        let opened = Journal::open(dir.path());
        assert!(matches!(opened, Err(OpenError::Scan(_))), "{opened:?}");
        assert_eq!(fs::read(segment(dir.path())).expect("it is there"), bytes, "nothing is changed");
        scan(dir.path()).expect_err("as when opened")
    };
    for length in 0..HEADER {
        assert!(matches!(refused(&bytes[..length]), ScanError::DamagedHeader { .. }));
    }
    for bit in 0..HEADER * 8 {
        let mut damaged = bytes.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        let error = refused(&damaged);
        let as_expected = match bit / 8 {
            0..8 => matches!(error, ScanError::NotAJournal { .. }),
            8..10 => matches!(error, ScanError::UnknownFormat { .. }),
            _ => matches!(error, ScanError::DamagedHeader { .. }),
        };
        assert!(as_expected, "bit {bit}: {error:?}");
    }
}

#[test]
fn frames_missing_doubled_or_moved_are_a_gap() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (bytes, frames) = sample(dir.path(), true);
    let frame = |index: usize| &bytes[frames[index].offset..frames[index].end()];
    let gap = |bytes: &[u8], offset: usize, expected, found| {
        let corruption = Corruption::Gap {
            file: segment(dir.path()),
            offset: offset as u64,
            expected: Sequence(expected),
            found: Sequence(found),
        };
        assert_eq!(judge(dir.path(), bytes).1, Verdict::Corrupt(corruption));
    };
    let missing = [&bytes[..frames[1].offset], &bytes[frames[2].offset..]].concat();
    gap(&missing, frames[1].offset, 2, 5);
    let doubled = [&bytes[..frames[1].end()], frame(1), &bytes[frames[2].offset..]].concat();
    gap(&doubled, frames[1].end(), 5, 2);
    let moved = [&bytes[..frames[1].offset], frame(2), frame(1), &bytes[frames[3].offset..]].concat();
    gap(&moved, frames[1].offset, 2, 5);
}

#[test]
fn a_frame_of_another_segment_is_not_accepted() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (bytes, frames) = sample(dir.path(), false);
    let last = frames.last().expect("there are some");
    let mut stale = bytes[last.offset..].to_vec();
    stale[8] = 2;
    let stale = with_checksum(&stale);

    // In its place: corrupt.
    let replaced = [&bytes[..last.offset], &stale].concat();
    let corruption = Corruption::OtherSegment {
        file: segment(dir.path()),
        offset: last.offset as u64,
        sequence: Sequence(last.sequence),
        found: 2,
    };
    assert_eq!(judge(dir.path(), &replaced).1, Verdict::Corrupt(corruption));

    // After damage it does not count as one that follows.
    let after_damage = [&bytes[..bytes.len() - 1], &stale].concat();
    let verdict = judge(dir.path(), &after_damage).1;
    assert!(
        matches!(verdict, Verdict::TornTail { offset, .. } if offset == last.offset as u64),
        "{verdict:?}"
    );
}

#[test]
fn a_valid_checksum_does_not_make_a_frame() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (bytes, frames) = sample(dir.path(), false);
    let last = frames.last().expect("there are some");
    // A batch without commands, and one with more commands than bytes.
    for count in [0_u8, 99] {
        let mut odd = bytes[last.offset..].to_vec();
        odd[28] = count;
        let verdict = judge(dir.path(), &[&bytes[..last.offset], &with_checksum(&odd)].concat()).1;
        assert!(matches!(verdict, Verdict::TornTail { .. }), "{verdict:?}");
    }
}

#[test]
fn an_end_longer_than_a_frame_is_no_torn_write() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (mut bytes, _) = sample(dir.path(), false);
    let whole = bytes.len();
    let frame_max = FRAME_HEADER + PAYLOAD_MAX as usize;
    bytes.resize(whole + frame_max, 0);
    let (_, verdict) = judge(dir.path(), &bytes);
    assert!(matches!(verdict, Verdict::TornTail { bytes, .. } if bytes == frame_max as u64), "{verdict:?}");
    bytes.push(0);
    let corruption = Corruption::LongTail {
        file: segment(dir.path()),
        offset: whole as u64,
        sequence: Sequence(8),
        bytes: frame_max as u64 + 1,
    };
    assert_eq!(judge(dir.path(), &bytes).1, Verdict::Corrupt(corruption));
}

#[test]
fn a_later_frame_is_found_wherever_it_begins() {
    // The search reads 64 KiB at a time: let the frame begin before, at and after each seam.
    for length in (65_536 - 140..65_536 + 10).chain([2 * 65_536, PAYLOAD_MAX as usize]) {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let mut journal = Journal::create(dir.path(), SETTINGS, GENESIS).expect("an empty directory");
        let next = HEADER + FRAME_HEADER + length;
        // Full of the segment's number, so that the search stops at every fourth byte.
        let payload: Vec<u8> = [1, 0, 0, 0].into_iter().cycle().take(length).collect();
        journal.append(Sequence(1), 1, &GENESIS, &payload).expect("the disk works");
        journal.append(Sequence(2), 1, &GENESIS, b"next").expect("the disk works");
        drop(journal);
        let mut bytes = fs::read(segment(dir.path())).expect("it is there");
        bytes[HEADER] ^= 1;
        fs::write(segment(dir.path()), &bytes).expect("a writable file");
        let corruption = Corruption::FrameFollows {
            file: segment(dir.path()),
            offset: HEADER as u64,
            sequence: Sequence(1),
            next: next as u64,
        };
        assert_eq!(read(dir.path()).1, Verdict::Corrupt(corruption), "length {length}");
    }
}

#[test]
fn corruption_is_met_after_the_frames_before_it() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (mut bytes, frames) = sample(dir.path(), true);
    bytes[frames[2].offset + FRAME_HEADER] ^= 1;
    fs::write(segment(dir.path()), &bytes).expect("a writable file");
    let mut opened = Journal::open(dir.path()).expect("the header is whole");
    for _ in 0..2 {
        assert!(opened.next_frame().expect("whole").is_some());
    }
    for _ in 0..2 {
        let refused = opened.next_frame();
        assert!(matches!(refused, Err(RecoverError::Corrupt(_))), "{refused:?}");
    }
    let refused = opened.into_journal().expect_err("corrupt").to_string();
    let place = format!(
        "00000001.journal is damaged at offset {}, where sequence 5 is due, \
         and a whole frame follows at offset {}",
        frames[2].offset, frames[3].offset
    );
    assert!(refused.ends_with(&place), "{refused}");
}

#[test]
fn a_journal_is_opened_once() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let locked = || matches!(Journal::open(dir.path()), Err(OpenError::Locked { .. }));
    let journal = Journal::create(dir.path(), SETTINGS, GENESIS).expect("an empty directory");
    let flusher = journal.flusher();
    assert!(locked());
    drop(journal);
    // A flusher that is left over holds nobody up.
    flusher.flush().expect("the disk works");
    let opened = Journal::open(dir.path()).expect("nobody holds it");
    assert!(locked());
    let (journal, _) = opened.into_journal().expect("clean");
    assert!(locked());
    assert!(scan(dir.path()).is_ok(), "reading needs no lock");
    drop(journal);
    assert!(!locked());
}

#[test]
fn a_copy_without_its_lock_can_be_opened() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    sample(dir.path(), true);
    fs::remove_file(dir.path().join("lock")).expect("it is there");
    assert!(Journal::open(dir.path()).is_ok());
}

#[test]
fn a_journal_is_created_in_an_empty_directory_only() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    fs::write(dir.path().join("notes.txt"), "mine").expect("a writable directory");
    let refused = Journal::create(dir.path(), SETTINGS, GENESIS);
    assert!(
        matches!(&refused, Err(CreateError::NotEmpty { found, .. }) if found.ends_with("notes.txt")),
        "{refused:?}"
    );
    assert_eq!(fs::read_dir(dir.path()).expect("readable").count(), 1, "nothing was added");

    let dir = tempfile::tempdir().expect("a temporary directory");
    drop(Journal::create(dir.path(), SETTINGS, GENESIS).expect("an empty directory"));
    let refused = Journal::create(dir.path(), SETTINGS, GENESIS);
    assert!(matches!(refused, Err(CreateError::Exists { .. })), "{refused:?}");
}

#[test]
fn a_directory_without_a_journal_is_left_alone() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let missing = |path: &Path| {
        let opened = Journal::open(path);
        assert!(matches!(opened, Err(OpenError::Scan(ScanError::Missing { .. }))), "{opened:?}");
        assert!(matches!(scan(path), Err(ScanError::Missing { .. })));
    };
    missing(dir.path());
    missing(&dir.path().join("nowhere"));
    assert_eq!(fs::read_dir(dir.path()).expect("readable").count(), 0, "nothing was added");
}

#[test]
fn a_segment_that_is_not_understood_is_not_passed_over() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (bytes, _) = sample(dir.path(), true);
    let second = dir.path().join("00000002.journal");
    fs::write(&second, b"").expect("a writable directory");
    let refused = scan(dir.path());
    assert!(matches!(&refused, Err(ScanError::UnknownSegment { file }) if *file == second), "{refused:?}");
    fs::remove_file(&second).expect("it is there");

    // The second segment under the name of the first.
    let mut header = bytes[..HEADER].to_vec();
    header[64] = 2;
    let crc = crc32c::crc32c(&header[..124]);
    header[124..].copy_from_slice(&crc.to_le_bytes());
    fs::write(segment(dir.path()), &header).expect("a writable file");
    let refused = scan(dir.path());
    assert!(matches!(refused, Err(ScanError::OtherSegment { found: 2, .. })), "{refused:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is overwritten, cut and appended: nothing panics, what is read is what was written, and clean
    /// is only what ends with a frame.
    #[test]
    fn damage_of_any_kind_gives_frames_that_were_written(
        overwritten in proptest::collection::vec((any::<prop::sample::Index>(), any::<[u8; 3]>()), 0..3),
        cut in proptest::option::of(any::<prop::sample::Index>()),
        appended in proptest::collection::vec(any::<u8>(), 0..100),
    ) {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let (mut bytes, frames) = sample(dir.path(), true);
        for (at, with) in overwritten {
            let at = HEADER + at.index(bytes.len() - HEADER - with.len());
            bytes[at..at + with.len()].copy_from_slice(&with);
        }
        if let Some(cut) = cut {
            bytes.truncate(HEADER + cut.index(bytes.len() - HEADER));
        }
        bytes.extend(appended);
        let (whole, verdict) = judge(dir.path(), &bytes);
        prop_assert_eq!(&whole[..], &frames[..whole.len()]);
        if matches!(verdict, Verdict::Clean { .. }) {
            prop_assert_eq!(whole.last().map_or(HEADER, Read::end), bytes.len());
        }
    }
}
