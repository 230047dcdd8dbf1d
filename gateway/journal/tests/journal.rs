//! The journal from outside: what is appended is read again, and every kind of damage gets its verdict.

#![cfg(not(loom))]

use std::fs;
use std::path::{Path, PathBuf};

use golv_engine::id::Sequence;
use golv_journal::{
    AppendError, Content, Corruption, CreateError, Gap, Header, Journal, Mode, OpenError, PAYLOAD_MAX,
    RecoverError, ScanError, Settings, Verdict, scan, scan_from,
};
use proptest::prelude::*;
use tempfile::TempDir;

/// Segments so short that the sample has two.
const SETTINGS: Settings =
    Settings { mode: Mode::Rehearsal { seed: 9 }, rules_version: 3, segment_bytes: SEGMENT as u32 };
const SEGMENT: usize = 512;
const GENESIS: [u8; 32] = [0x90; 32];
const HEADER: usize = 128;
const FRAME_HEADER: usize = 64;

/// A frame as a test compares it. A seal has no count and no payload.
#[derive(Clone, Debug, PartialEq)]
struct Read {
    segment: u32,
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

/// A directory for tests that open thousands of journals: in memory where the system has such a place, since each
/// opening flushes.
fn scratch() -> TempDir {
    let memory = Path::new("/dev/shm");
    let made = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    made.expect("a temporary directory")
}

fn segment(dir: &Path, number: u32) -> PathBuf {
    dir.join(format!("{number:08}.journal"))
}

/// The whole frames of a journal that is only read, and the verdict.
fn read(dir: &Path) -> (Vec<Read>, Verdict) {
    let mut reader = scan(dir).expect("a journal");
    let mut frames = Vec::new();
    while let Some(frame) = reader.next_frame().expect("the disk works") {
        let (count, payload) = match frame.content {
            Content::Batch { count, payload, skip: None } => (count, payload.to_vec()),
            Content::Seal => (0, Vec::new()),
            other => panic!("{other:?}"),
        };
        assert_eq!(frame.epoch, 0);
        frames.push(Read {
            segment: frame.segment,
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

/// The two segments of a journal, byte for byte.
#[derive(Clone, Debug, PartialEq)]
struct Image([Vec<u8>; 2]);

impl Image {
    fn of(dir: &Path) -> Self {
        Self([1, 2].map(|number| fs::read(segment(dir, number)).expect("it is there")))
    }

    fn put(&self, dir: &Path) {
        for (number, bytes) in (1..).zip(&self.0) {
            fs::write(segment(dir, number), bytes).expect("a writable file");
        }
    }
}

/// In the first segment three batches and a seal; in the second, which was begun after a restart, two batches and, if
/// asked for, another seal.
fn sample(dir: &Path, sealed: bool) -> (Image, Vec<Read>) {
    let mut journal = Journal::create(dir, SETTINGS, GENESIS).expect("a new directory");
    append(&mut journal, 1, b"one");
    append(&mut journal, 3, b"two to four");
    append(&mut journal, 1, b"five\0\0\0");
    journal.seal(&[0x55; 32]).expect("the disk works");
    append(&mut journal, 2, b"six and seven");
    append(&mut journal, 1, b"eight\0\0\0\0\0");
    if sealed {
        journal.seal(&[0x77; 32]).expect("the disk works");
    }
    drop(journal);
    let (frames, verdict) = read(dir);
    assert_eq!(verdict, Verdict::Clean { last: Sequence(8), sealed });
    let segments: Vec<u32> = frames.iter().map(|frame| frame.segment).collect();
    assert_eq!(segments, if sealed { vec![1, 1, 1, 1, 2, 2, 2] } else { vec![1, 1, 1, 1, 2, 2] });
    (Image::of(dir), frames)
}

/// Puts these segments in the place of the journal's, reads them, opens them and says what both found: the verdict
/// is the same, and opening changes nothing unless it cuts.
fn judge(dir: &Path, image: &Image) -> (Vec<Read>, Verdict) {
    image.put(dir);
    let (frames, verdict) = read(dir);
    let opened = Journal::open(dir).expect("the headers are whole");
    match (&verdict, opened.into_journal()) {
        (Verdict::Corrupt(corruption), Err(RecoverError::Corrupt(refused))) => {
            assert_eq!(&refused, corruption);
            assert_eq!(&Image::of(dir), image, "nothing is changed");
        }
        (Verdict::Gap(gap), Err(RecoverError::Gap(refused))) => {
            assert_eq!(&refused, gap);
            assert_eq!(&Image::of(dir), image, "nothing is changed");
        }
        (Verdict::Clean { .. } | Verdict::TornTail { .. }, Ok((mut journal, same))) => {
            assert_eq!(same, verdict);
            let end = frames.iter().filter(|frame| frame.segment == 2).map(Read::end).max().unwrap_or(HEADER);
            let mut expected = image.clone();
            expected.0[1].truncate(end);
            expected.0[1].resize(SEGMENT.max(image.0[1].len()), 0);
            assert_eq!(Image::of(dir), expected, "zeros, and nothing else, behind the whole frames");
            assert_goes_on(dir, &mut journal, &frames);
        }
        (verdict, opened) => panic!("{verdict:?} when read, {opened:?} when opened"),
    }
    // What going on has added.
    let _ = fs::remove_file(segment(dir, 3));
    (frames, verdict)
}

/// What was recovered takes two more batches, and is clean with them.
fn assert_goes_on(dir: &Path, journal: &mut Journal, frames: &[Read]) {
    append(journal, 1, b"next");
    append(journal, 1, &[7; SEGMENT / 2]);
    let (again, verdict) = read(dir);
    assert_eq!(&again[..frames.len()], frames);
    assert_eq!(again.len(), frames.len() + 2);
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

    // Long enough for several segments.
    for (round, sealed) in (0..20).zip([false, true, false].into_iter().cycle()) {
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
    assert!(read(&dir).0.last().is_some_and(|frame| frame.segment > 3));
}

#[test]
fn a_segment_is_long_from_its_beginning_and_the_next_continues_it() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (image, frames) = sample(dir.path(), true);
    assert_eq!(image.0.each_ref().map(Vec::len), [SEGMENT; 2]);
    for frame in &frames {
        let next_in_segment = frames.iter().find(|f| f.segment == frame.segment && f.offset >= frame.end());
        assert!(next_in_segment.is_none_or(|next| next.offset == frame.end()));
    }
    let second = scan_from(dir.path(), 2).expect("a journal");
    let header = Header { settings: SETTINGS, segment: 2, first: Sequence(6), chain: [6; 32] };
    assert_eq!(*second.header(), header);
    assert_eq!(second.finish().expect("the disk works"), Verdict::Clean { last: Sequence(8), sealed: true });
    assert!(matches!(scan_from(dir.path(), 3), Err(ScanError::Missing { .. })));
}

#[test]
fn a_batch_longer_than_a_segment_has_one_of_its_own() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let mut journal = Journal::create(dir.path(), SETTINGS, GENESIS).expect("a new directory");
    let long = [5; 3 * SEGMENT];
    for payload in [b"short".as_slice(), &long, &long, b"short"] {
        append(&mut journal, 1, payload);
    }
    journal.seal(&[9; 32]).expect("the disk works");
    drop(journal);
    let (frames, verdict) = read(dir.path());
    assert_eq!(verdict, Verdict::Clean { last: Sequence(4), sealed: true });
    assert_eq!(frames.iter().map(|frame| frame.segment).collect::<Vec<_>>(), [1, 2, 3, 4, 4]);
}

#[test]
fn a_journal_without_a_batch_is_clean() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let live = Settings { mode: Mode::Live, rules_version: 1, segment_bytes: 4096 };
    drop(Journal::create(dir.path(), live, GENESIS).expect("an empty directory"));
    assert_eq!(read(dir.path()), (Vec::new(), Verdict::Clean { last: Sequence(0), sealed: false }));
    assert_eq!(*scan(dir.path()).expect("a journal").settings(), live);
}

/// What is due behind so many frames.
fn due_after(frames: &[Read]) -> Sequence {
    Sequence(frames.last().map_or(1, |frame| frame.sequence + u64::from(frame.count)))
}

#[test]
fn every_truncation_has_its_verdict() {
    for sealed in [true, false] {
        let dir = scratch();
        let (image, frames) = sample(dir.path(), sealed);
        for (index, number) in [(0, 1), (1, 2)] {
            for length in HEADER..SEGMENT {
                let mut cut = image.clone();
                cut.0[index].truncate(length);
                // A frame may lose zeros at its end, which nobody can see.
                let end_without_zeros = |frame: &Read| {
                    let bytes = &image.0[index][frame.offset..frame.end()];
                    frame.offset
                        + bytes.iter().rposition(|&byte| byte != 0).expect("some byte is not zero")
                        + 1
                };
                let whole = |frame: &&Read| frame.segment < number || end_without_zeros(frame) <= length;
                let before: Vec<Read> = frames
                    .iter()
                    .take_while(whole)
                    .filter(|frame| frame.segment <= number)
                    .cloned()
                    .collect();
                let of_segment = before.iter().filter(|frame| frame.segment == number);
                let end = of_segment.map(Read::end).max().unwrap_or(HEADER);
                let (file, sequence) = (segment(dir.path(), number), due_after(&before));
                let lost = cut.0[index]
                    .get(end..)
                    .unwrap_or_default()
                    .iter()
                    .rposition(|&byte| byte != 0)
                    .map(|last| last as u64 + 1);
                let (read, verdict) = judge(dir.path(), &cut);
                let offset = end as u64;
                let expected = match (lost, number) {
                    // The second segment begins with sequence 6.
                    (None, 1) if sequence != Sequence(6) => Verdict::Gap(Gap {
                        file: segment(dir.path(), 2),
                        offset: 0,
                        expected: sequence,
                        found: Sequence(6),
                    }),
                    // The seal alone may be missing at the end of the first segment.
                    (None, 1) => Verdict::Clean { last: Sequence(8), sealed },
                    (None, _) => Verdict::Clean {
                        last: Sequence(sequence.0 - 1),
                        sealed: before.last().is_some_and(|frame| frame.count == 0),
                    },
                    (Some(_), 1) => Verdict::Corrupt(Corruption::SegmentFollows {
                        file,
                        offset,
                        sequence,
                        next: segment(dir.path(), 2),
                    }),
                    (Some(bytes), _) => Verdict::TornTail { file, sequence, offset, bytes },
                };
                assert_eq!(verdict, expected, "segment {number} cut to {length}");
                if number == 2 || matches!(verdict, Verdict::Gap(_) | Verdict::Corrupt(_)) {
                    assert_eq!(read, before, "segment {number} cut to {length}");
                }
            }
        }
    }
}

#[test]
fn every_flipped_bit_has_its_verdict() {
    for sealed in [true, false] {
        let dir = scratch();
        let (image, frames) = sample(dir.path(), sealed);
        for (index, number) in [(0, 1), (1, 2)] {
            for bit in HEADER * 8..SEGMENT * 8 {
                let mut damaged = image.clone();
                damaged.0[index][bit / 8] ^= 1 << (bit % 8);
                let before = |frame: &&Read| {
                    frame.segment < number || (frame.segment == number && frame.end() <= bit / 8)
                };
                let before: Vec<Read> = frames.iter().take_while(before).cloned().collect();
                let of_segment = before.iter().filter(|frame| frame.segment == number);
                // A bit behind the last frame is damage where the next would be.
                let offset = of_segment.map(Read::end).max().unwrap_or(HEADER) as u64;
                let (file, sequence) = (segment(dir.path(), number), due_after(&before));
                // The frame after the one that is hit.
                let next = frames.get(before.len() + 1).filter(|next| next.segment == number);
                let expected = match (next, number) {
                    (Some(next), _) => {
                        let next = next.offset as u64;
                        Verdict::Corrupt(Corruption::FrameFollows { file, offset, sequence, next })
                    }
                    (None, 1) => {
                        let next = segment(dir.path(), 2);
                        Verdict::Corrupt(Corruption::SegmentFollows { file, offset, sequence, next })
                    }
                    (None, _) => {
                        let used =
                            damaged.0[1].iter().rposition(|&byte| byte != 0).expect("some byte is not zero");
                        Verdict::TornTail { file, sequence, offset, bytes: used as u64 + 1 - offset }
                    }
                };
                assert_eq!(judge(dir.path(), &damaged), (before, expected), "segment {number}, bit {bit}");
            }
        }
    }
}

#[test]
fn every_damaged_header_is_refused() {
    let dir = scratch();
    let (image, _) = sample(dir.path(), true);
    for index in [0, 1] {
        let refused = |bytes: &[u8]| {
            let mut image = image.clone();
            image.0[index] = bytes.to_vec();
            image.put(dir.path());
            let opened = Journal::open(dir.path());
            assert!(matches!(opened, Err(OpenError::Scan(_))), "{opened:?}");
            assert_eq!(Image::of(dir.path()), image, "nothing is changed");
            scan(dir.path()).expect_err("as when opened")
        };
        let bytes = &image.0[index];
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
}

/// A segment's bytes with zeros to its full length.
fn padded(bytes: Vec<u8>) -> Vec<u8> {
    let mut bytes = bytes;
    bytes.resize(SEGMENT.max(bytes.len()), 0);
    bytes
}

#[test]
fn frames_missing_doubled_or_moved_are_a_gap() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (image, frames) = sample(dir.path(), true);
    let bytes = &image.0[0];
    let frame = |index: usize| &bytes[frames[index].offset..frames[index].end()];
    let gap = |bytes: Vec<u8>, offset: usize, expected, found| {
        let file = segment(dir.path(), 1);
        let (expected, found) = (Sequence(expected), Sequence(found));
        let image = Image([padded(bytes), image.0[1].clone()]);
        let gap = Gap { file, offset: offset as u64, expected, found };
        assert_eq!(judge(dir.path(), &image).1, Verdict::Gap(gap));
    };
    let missing = [&bytes[..frames[1].offset], &bytes[frames[2].offset..]].concat();
    gap(missing, frames[1].offset, 2, 5);
    let doubled = [&bytes[..frames[1].end()], frame(1), &bytes[frames[2].offset..]].concat();
    gap(doubled, frames[1].end(), 5, 2);
    let moved = [&bytes[..frames[1].offset], frame(2), frame(1), &bytes[frames[3].offset..]].concat();
    gap(moved, frames[1].offset, 2, 5);
}

#[test]
fn a_segment_that_is_missing_is_a_gap() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let mut journal = Journal::create(dir.path(), SETTINGS, GENESIS).expect("a new directory");
    for _ in 0..4 {
        append(&mut journal, 1, &[7; SEGMENT / 2]);
    }
    drop(journal);
    assert_eq!(read(dir.path()).0.len(), 4);
    fs::remove_file(segment(dir.path(), 3)).expect("it is there");
    let gap = Gap { file: segment(dir.path(), 4), offset: 0, expected: Sequence(3), found: Sequence(4) };
    assert_eq!(read(dir.path()).1, Verdict::Gap(gap));
    // The first ones may be missing, for whoever has a snapshot.
    fs::remove_file(segment(dir.path(), 1)).expect("it is there");
    fs::remove_file(segment(dir.path(), 2)).expect("it is there");
    assert_eq!(scan(dir.path()).expect("a journal").header().segment, 4);
    assert!(matches!(scan_from(dir.path(), 2), Err(ScanError::BeginsLater { wanted: 2, .. })));
}

#[test]
fn a_segment_of_another_journal_is_corruption() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (mut image, _) = sample(dir.path(), true);
    // Another seed.
    image.0[1][16] ^= 1;
    let crc = crc32c::crc32c(&image.0[1][..124]);
    image.0[1][124..128].copy_from_slice(&crc.to_le_bytes());
    let corruption = Corruption::OtherJournal { file: segment(dir.path(), 2), sequence: Sequence(6) };
    assert_eq!(judge(dir.path(), &image).1, Verdict::Corrupt(corruption));
}

#[test]
fn archived_segments_are_read_where_they_are() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (_, frames) = sample(dir.path(), true);
    fs::create_dir(dir.path().join("archive")).expect("a writable directory");
    fs::rename(segment(dir.path(), 1), segment(&dir.path().join("archive"), 1)).expect("in one file system");
    let clean = Verdict::Clean { last: Sequence(8), sealed: true };
    assert_eq!(read(dir.path()), (frames.clone(), clean.clone()));
    // Also by a reader that listed them before.
    let mut reader = scan(dir.path()).expect("a journal");
    assert!(reader.next_frame().expect("the disk works").is_some());
    fs::rename(segment(dir.path(), 2), segment(&dir.path().join("archive"), 2)).expect("in one file system");
    assert_eq!(reader.finish().expect("the disk works"), clean);
}

#[test]
fn a_frame_of_another_segment_is_not_accepted() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (image, frames) = sample(dir.path(), false);
    let last = frames.last().expect("there are some");
    let bytes = &image.0[1];
    let mut stale = bytes[last.offset..last.end()].to_vec();
    stale[8] = 1;
    let stale = with_checksum(&stale);
    let second = |bytes: Vec<u8>| Image([image.0[0].clone(), padded(bytes)]);

    // In its place: corrupt.
    let replaced = second([&bytes[..last.offset], &stale].concat());
    let corruption = Corruption::OtherSegment {
        file: segment(dir.path(), 2),
        offset: last.offset as u64,
        sequence: Sequence(last.sequence),
        found: 1,
    };
    assert_eq!(judge(dir.path(), &replaced).1, Verdict::Corrupt(corruption));

    // After damage it does not count as one that follows.
    let after_damage = second([&bytes[..last.end() - 1], &stale].concat());
    let verdict = judge(dir.path(), &after_damage).1;
    assert!(
        matches!(verdict, Verdict::TornTail { offset, .. } if offset == last.offset as u64),
        "{verdict:?}"
    );
}

#[test]
fn a_valid_checksum_does_not_make_a_frame() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (image, frames) = sample(dir.path(), false);
    let last = frames.last().expect("there are some");
    // A batch with more commands than bytes.
    let bytes = &image.0[1];
    let mut odd = bytes[last.offset..last.end()].to_vec();
    odd[28] = 99;
    let odd = [&bytes[..last.offset], &with_checksum(&odd)].concat();
    let verdict = judge(dir.path(), &Image([image.0[0].clone(), padded(odd)])).1;
    assert!(matches!(verdict, Verdict::TornTail { .. }), "{verdict:?}");
}

#[test]
fn an_end_longer_than_a_frame_is_no_torn_write() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (image, frames) = sample(dir.path(), false);
    let whole = frames.last().expect("there are some").end();
    let frame_max = FRAME_HEADER + PAYLOAD_MAX as usize;
    let mut bytes = image.0[1][..whole].to_vec();
    bytes.resize(whole + frame_max, 1);
    let (_, verdict) = judge(dir.path(), &Image([image.0[0].clone(), bytes.clone()]));
    assert!(matches!(verdict, Verdict::TornTail { bytes, .. } if bytes == frame_max as u64), "{verdict:?}");
    bytes.push(1);
    let corruption = Corruption::LongTail {
        file: segment(dir.path(), 2),
        offset: whole as u64,
        sequence: Sequence(9),
        bytes: frame_max as u64 + 1,
    };
    let verdict = judge(dir.path(), &Image([image.0[0].clone(), bytes])).1;
    assert_eq!(verdict, Verdict::Corrupt(corruption));
}

#[test]
fn a_later_frame_is_found_wherever_it_begins() {
    // The search reads 64 KiB at a time: let the frame begin before, at and after each seam.
    for length in (65_536 - 140..65_536 + 10).chain([2 * 65_536, PAYLOAD_MAX as usize]) {
        let dir = scratch();
        let settings = Settings { segment_bytes: 4 * 1024 * 1024, ..SETTINGS };
        let mut journal = Journal::create(dir.path(), settings, GENESIS).expect("an empty directory");
        let next = HEADER + FRAME_HEADER + length;
        // Full of the segment's number, so that the search stops at every fourth byte.
        let payload: Vec<u8> = [1, 0, 0, 0].into_iter().cycle().take(length).collect();
        journal.append(Sequence(1), 1, &GENESIS, &payload).expect("the disk works");
        journal.append(Sequence(2), 1, &GENESIS, b"next").expect("the disk works");
        drop(journal);
        let mut bytes = fs::read(segment(dir.path(), 1)).expect("it is there");
        bytes[HEADER] ^= 1;
        fs::write(segment(dir.path(), 1), &bytes).expect("a writable file");
        let corruption = Corruption::FrameFollows {
            file: segment(dir.path(), 1),
            offset: HEADER as u64,
            sequence: Sequence(1),
            next: next as u64,
        };
        assert_eq!(read(dir.path()).1, Verdict::Corrupt(corruption), "length {length}");
    }
}

/// A crash in the middle of a write leaves any part of the frame's sectors behind, in any order: none of it is
/// corruption, and nothing before it is lost.
#[test]
fn a_write_torn_in_any_of_its_sectors_is_a_torn_tail() {
    const SECTOR: usize = 512;
    let dir = scratch();
    let settings = Settings { segment_bytes: 16 * 1024, ..SETTINGS };
    let mut journal = Journal::create(dir.path(), settings, GENESIS).expect("an empty directory");
    append(&mut journal, 1, b"acknowledged");
    let whole = fs::read(segment(dir.path(), 1)).expect("it is there");
    // Not a whole number of sectors, and with zeros in it.
    append(&mut journal, 2, &[[1; 1000], [0; 1000], [2; 1000]].concat());
    drop(journal);
    let bytes = fs::read(segment(dir.path(), 1)).expect("it is there");
    let changed: Vec<usize> = (0..bytes.len() / SECTOR)
        .filter(|at| bytes[at * SECTOR..][..SECTOR] != whole[at * SECTOR..][..SECTOR])
        .collect();
    assert!(changed.len() >= 5, "{changed:?}");
    for subset in 0..1_u32 << changed.len() {
        let mut image = whole.clone();
        let written = changed.iter().enumerate().filter(|(bit, _)| subset >> bit & 1 == 1);
        for (_, &sector) in written {
            let at = sector * SECTOR..(sector + 1) * SECTOR;
            image[at.clone()].copy_from_slice(&bytes[at]);
        }
        fs::write(segment(dir.path(), 1), &image).expect("a writable file");
        let (frames, verdict) = read(dir.path());
        let all = subset + 1 == 1 << changed.len();
        match verdict {
            Verdict::Clean { last, sealed: false } if all => assert_eq!(last, Sequence(3)),
            Verdict::Clean { last, sealed: false } => {
                // None of it, or zeros alone.
                assert_eq!((last, image == whole), (Sequence(1), true));
            }
            Verdict::TornTail { sequence, .. } => assert_eq!((sequence, all), (Sequence(2), false)),
            other => panic!("subset {subset:b}: {other:?}"),
        }
        assert_eq!(frames.len(), 1 + usize::from(all), "subset {subset:b}");
    }
}

#[test]
fn corruption_is_met_after_the_frames_before_it() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (mut image, frames) = sample(dir.path(), true);
    image.0[0][frames[2].offset + FRAME_HEADER] ^= 1;
    image.put(dir.path());
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
fn a_file_named_almost_like_a_segment_is_not_passed_over() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (image, _) = sample(dir.path(), true);
    let odd = dir.path().join("2.journal");
    fs::write(&odd, b"").expect("a writable directory");
    let refused = scan(dir.path()).expect_err("it may be one that was meant");
    let source = std::error::Error::source(&refused).map(ToString::to_string).unwrap_or_default();
    assert!(source.contains("2.journal"), "{refused}: {source}");
    fs::remove_file(&odd).expect("it is there");

    // The second segment under the name of the first.
    Image([image.0[1].clone(), image.0[1].clone()]).put(dir.path());
    let refused = scan(dir.path());
    assert!(matches!(refused, Err(ScanError::OtherSegment { found: 2, .. })), "{refused:?}");
}

#[test]
fn a_next_segment_that_cannot_be_begun_poisons() {
    // A directory where the spare, or the next segment, is to be: as good as a disk that is full.
    for obstacle in ["spare", "00000002.journal"] {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let mut journal = Journal::create(dir.path(), SETTINGS, GENESIS).expect("an empty directory");
        fs::create_dir(dir.path().join(obstacle)).expect("a writable directory");
        append(&mut journal, 1, &[7; SEGMENT / 2]);
        for _ in 0..2 {
            let refused = journal.append(Sequence(2), 1, &[2; 32], &[7; SEGMENT / 2]);
            assert!(
                matches!(refused, Err(AppendError::Rotate { .. } | AppendError::Poisoned { .. })),
                "{refused:?}"
            );
        }
        assert!(journal.flusher().flush().is_err());
        assert!(journal.seal(&[2; 32]).is_err());
        drop(journal);
        fs::remove_dir(dir.path().join(obstacle)).expect("it is empty");
        let (mut journal, verdict) =
            Journal::open(dir.path()).expect("a journal").into_journal().expect("recoverable");
        assert_eq!(verdict, Verdict::Clean { last: Sequence(1), sealed: false });
        append(&mut journal, 1, &[7; SEGMENT / 2]);
        assert_eq!(journal.segment(), 2);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is overwritten, cut and appended: nothing panics, what is read is what was written, and clean
    /// is only what ends with a frame and zeros.
    #[test]
    fn damage_of_any_kind_gives_frames_that_were_written(
        index in 0..2_usize,
        overwritten in proptest::collection::vec((any::<prop::sample::Index>(), any::<[u8; 3]>()), 0..3),
        cut in proptest::option::of(any::<prop::sample::Index>()),
        appended in proptest::collection::vec(any::<u8>(), 0..100),
    ) {
        let dir = scratch();
        let (mut image, frames) = sample(dir.path(), true);
        let bytes = &mut image.0[index];
        for (at, with) in overwritten {
            let at = HEADER + at.index(bytes.len() - HEADER - with.len());
            bytes[at..at + with.len()].copy_from_slice(&with);
        }
        if let Some(cut) = cut {
            bytes.truncate(HEADER + cut.index(bytes.len() - HEADER));
        }
        bytes.extend(appended);
        let (whole, verdict) = judge(dir.path(), &image);
        if matches!(verdict, Verdict::Clean { .. }) {
            // A seal alone may be gone.
            let batches = |frames: &[Read]| frames.iter().filter(|frame| frame.count > 0).cloned().collect::<Vec<_>>();
            let (whole, all) = (batches(&whole), batches(&frames));
            prop_assert_eq!(&whole[..], &all[..whole.len()]);
        } else {
            prop_assert_eq!(&whole[..], &frames[..whole.len()]);
        }
    }
}
