//! Reading one segment from its beginning to where its whole frames end, and what stands there.
//!
//! A segment is filled with zeros before it is used, so its frames end where nothing but zeros follows. Bytes that
//! are missing at a file's end are taken for zeros: a copy may lack them.
//!
//! A [`Segment`] holds one frame in memory. Cost: linear in the file, both for reading and, with ordinary damage, for
//! the search behind it, which looks at checksums only where a header is plausible.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use golv_engine::id::Sequence;

use crate::format::{BadHeader, FRAME_HEADER, FrameHeader, FrameKind, Header, SEGMENT_HEADER, frame_crc};
use crate::reader::{ReadError, ScanError};

/// How much of the file a search looks at in one read, in bytes.
const WINDOW: usize = 64 * 1024;

/// Reads a segment's header, and leaves the file behind it.
pub(crate) fn read_header(file: &Path, number: u32, open: &mut File) -> Result<Header, ScanError> {
    let mut bytes = [0; SEGMENT_HEADER];
    match open.read_exact(&mut bytes) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            return Err(ScanError::DamagedHeader { file: file.to_owned() });
        }
        Err(source) => return Err(ScanError::Io { path: file.to_owned(), source }),
    }
    let file = file.to_owned();
    match Header::from_bytes(&bytes) {
        Ok(header) if header.segment == number => Ok(header),
        Ok(header) => Err(ScanError::OtherSegment { file, found: header.segment }),
        Err(BadHeader::Magic) => Err(ScanError::NotAJournal { file }),
        Err(BadHeader::Format(found)) => Err(ScanError::UnknownFormat { file, found }),
        Err(BadHeader::Checksum | BadHeader::Field) => Err(ScanError::DamagedHeader { file }),
    }
}

/// Reads the frames of a segment in order.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) file: PathBuf,
    pub(crate) header: Header,
    source: BufReader<File>,
    /// The file's length when reading began.
    length: u64,
    /// Where the next frame begins.
    pub(crate) offset: u64,
    /// The sequence due there.
    pub(crate) expected: u64,
    /// Where the last whole frame is, and how long.
    pub(crate) last: Option<(u64, u64)>,
    /// The payload of the frame that was read last.
    pub(crate) payload: Vec<u8>,
}

/// What stands where the next frame is due.
#[derive(Debug)]
pub(crate) enum Found {
    /// A whole frame, in its place; it was gone past.
    Frame(FrameHeader),
    /// Zeros to the end.
    End,
    /// A whole frame that does not belong there.
    Misplaced(FrameHeader),
    /// Neither: so many bytes up to the last that is not zero.
    Damage {
        bytes: u64,
        /// The offset of the first whole frame after it that can have been written after it.
        next: Option<u64>,
    },
}

impl Segment {
    /// The file stands behind its header. Its length is taken here: with the lock held, nobody changes it any more.
    pub(crate) fn new(file: PathBuf, header: Header, open: File) -> io::Result<Self> {
        let length = open.metadata()?.len();
        Ok(Self {
            file,
            header,
            source: BufReader::with_capacity(WINDOW, open),
            length,
            offset: SEGMENT_HEADER as u64,
            expected: header.first.0,
            last: None,
            payload: Vec::new(),
        })
    }

    /// Goes past the next frame, if there is one.
    pub(crate) fn advance(&mut self) -> Result<Found, ReadError> {
        let header = match self.frame_at(self.offset)? {
            Some(header) => header,
            None => {
                let bytes = self.bytes_used_from(self.offset)?;
                if bytes == 0 {
                    return Ok(Found::End);
                }
                let next = self.whole_frame_after(self.offset, bytes)?;
                // What was buffered may be older than what was found behind it, if the journal is in use: a frame is
                // written after the one before, so that one must be there by now.
                self.forget_buffer()?;
                match self.frame_at(self.offset)? {
                    Some(header) => header,
                    None => return Ok(Found::Damage { bytes, next }),
                }
            }
        };
        if header.segment != self.header.segment || header.sequence != self.expected {
            return Ok(Found::Misplaced(header));
        }
        self.last = Some((self.offset, header.frame_length()));
        self.offset += header.frame_length();
        self.expected += u64::from(header.count);
        Ok(Found::Frame(header))
    }

    /// The payload of the frame that comes next, if that is a whole skip; `payload` stays as it is.
    pub(crate) fn skip_ahead(&mut self) -> Result<Option<Vec<u8>>, ReadError> {
        let Some(header) = self.header_at(self.offset)?.map(|(header, _)| header) else { return Ok(None) };
        if header.kind() != FrameKind::Skip || header.segment != self.header.segment {
            return Ok(None);
        }
        let payload = std::mem::take(&mut self.payload);
        let found = self.frame_at(self.offset)?;
        let skip = std::mem::replace(&mut self.payload, payload);
        Ok(found.map(|_| skip))
    }

    /// The header of a plausible frame.
    fn header_at(&mut self, offset: u64) -> Result<Option<(FrameHeader, [u8; FRAME_HEADER])>, ReadError> {
        if offset >= self.length {
            return Ok(None);
        }
        let mut bytes = [0; FRAME_HEADER];
        self.read(offset, &mut bytes)?;
        let header = FrameHeader::from_bytes(&bytes);
        Ok(header.is_plausible().then_some((header, bytes)))
    }

    /// A whole frame, of whatever segment and sequence, at an offset. Its payload is in `self.payload` then.
    fn frame_at(&mut self, offset: u64) -> Result<Option<FrameHeader>, ReadError> {
        let Some((header, bytes)) = self.header_at(offset)? else { return Ok(None) };
        let mut payload = std::mem::take(&mut self.payload);
        payload.resize(header.length as usize, 0);
        let read = self.read(offset + FRAME_HEADER as u64, &mut payload);
        self.payload = payload;
        read?;
        Ok((frame_crc(&bytes, &self.payload) == header.crc).then_some(header))
    }

    /// How many bytes there are from an offset to the last that is not zero.
    fn bytes_used_from(&mut self, offset: u64) -> Result<u64, ReadError> {
        let mut window = vec![0; WINDOW];
        let (mut start, mut used) = (offset, 0);
        while start < self.length {
            let window = self.window(start, self.length, &mut window)?;
            if let Some(last) = window.iter().rposition(|&byte| byte != 0) {
                used = start + last as u64 + 1 - offset;
            }
            start += window.len() as u64;
        }
        Ok(used)
    }

    /// The offset of the first whole frame that can have been written after what is damaged.
    fn whole_frame_after(&mut self, damage: u64, bytes: u64) -> Result<Option<u64>, ReadError> {
        let mut window = vec![0; WINDOW];
        let mut start = damage;
        // A header begins before the last byte that is not zero, and may end in zeros itself.
        let end = (damage + bytes + FRAME_HEADER as u64).min(self.length);
        while end.saturating_sub(start) >= FRAME_HEADER as u64 {
            let window = self.window(start, end, &mut window)?;
            let places = window.windows(FRAME_HEADER);
            // The next window begins with the first place at which this one holds no whole header.
            let next = start + places.len() as u64;
            for (offset, bytes) in (start..).zip(places) {
                // Most places fail this one comparison.
                if bytes[8..12] != self.header.segment.to_le_bytes() {
                    continue;
                }
                let bytes = bytes.first_chunk().expect("windows have this length");
                if self.can_follow(damage, offset, &FrameHeader::from_bytes(bytes))
                    && self.frame_at(offset)?.is_some()
                {
                    return Ok(Some(offset));
                }
            }
            start = next;
        }
        Ok(None)
    }

    /// Whether a frame at `offset` can have been written after what is damaged: its sequence is not before
    /// the one due there, nor further on than there are bytes between, of which each command takes one.
    fn can_follow(&self, damage: u64, offset: u64, header: &FrameHeader) -> bool {
        let skipped = header.sequence.checked_sub(self.expected);
        header.is_plausible() && skipped.is_some_and(|skipped| skipped <= offset - damage)
    }

    /// As much of the file from `start` on as the window holds and there is before `end`.
    fn window<'w>(&mut self, start: u64, end: u64, window: &'w mut [u8]) -> Result<&'w [u8], ReadError> {
        let take = usize::try_from(end.saturating_sub(start)).map_or(WINDOW, |left| left.min(WINDOW));
        let window = &mut window[..take];
        self.read(start, window)?;
        Ok(window)
    }

    /// Reads what is at an offset; zeros where the file has ended.
    fn read(&mut self, offset: u64, bytes: &mut [u8]) -> Result<(), ReadError> {
        let there =
            usize::try_from(self.length.saturating_sub(offset)).unwrap_or(usize::MAX).min(bytes.len());
        let (there, missing) = bytes.split_at_mut(there);
        missing.fill(0);
        let source = &mut self.source;
        let read = seek(source, offset).and_then(|()| source.read_exact(there));
        self.failed(offset, read)
    }

    /// Reads anew what is read from now on.
    fn forget_buffer(&mut self) -> Result<(), ReadError> {
        // A seek that is not relative drops what is buffered.
        let sought = self.source.seek(SeekFrom::Start(self.offset)).map(drop);
        self.failed(self.offset, sought)
    }

    fn failed(&self, offset: u64, read: io::Result<()>) -> Result<(), ReadError> {
        read.map_err(|source| ReadError {
            file: self.file.clone(),
            offset,
            sequence: Sequence(self.expected),
            source,
        })
    }
}

/// Goes to an offset, and keeps what is buffered: mostly the place is reached already.
///
/// It asks where it is instead of trusting that a read went to its end, so that nothing is read from a wrong
/// place after an error.
fn seek(source: &mut BufReader<File>, offset: u64) -> io::Result<()> {
    let position = source.stream_position()?;
    source.seek_relative(offset.wrapping_sub(position).cast_signed())
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;
    use crate::format::{Mode, Settings, write_frame};

    const LENGTH: usize = 4096;

    fn header() -> Header {
        let settings = Settings { mode: Mode::Live, rules_version: 1, segment_bytes: LENGTH as u32 };
        Header { settings, segment: 7, first: Sequence(10), chain: [0; 32] }
    }

    /// A frame of one command; of a chain and a payload of zeros, so that it ends in them.
    fn frame(sequence: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        write_frame(&mut bytes, 7, Sequence(sequence), 1, &[0; 32], &[0]);
        bytes
    }

    /// A file of a segment with these bytes behind its header, and zeros.
    fn written(bytes: &[u8]) -> (TempDir, PathBuf) {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let file = dir.path().join("segment");
        write(&file, bytes);
        (dir, file)
    }

    fn write(file: &Path, bytes: &[u8]) {
        let mut all = [&header().to_bytes()[..], bytes].concat();
        all.resize(LENGTH, 0);
        fs::write(file, all).expect("written");
    }

    fn open(file: &Path) -> Segment {
        let mut open = File::open(file).expect("it is there");
        let header = read_header(file, 7, &mut open).expect("a header");
        Segment::new(file.to_owned(), header, open).expect("it has a length")
    }

    /// What follows damage has a sequence that can come after it, and a count and length that can be.
    #[test]
    fn what_can_follow_damage() {
        let (_dir, file) = written(&[]);
        let segment = open(&file);
        let header = |sequence, count| FrameHeader { sequence, count, ..frame_header(&frame(10)) };
        let can = |header| segment.can_follow(100, 150, &header);
        assert!(can(header(10, 1)) && can(header(60, 1)));
        assert!(!can(header(9, 1)), "it was written before");
        assert!(!can(header(61, 1)), "fifty bytes do not hold fifty-one commands");
        assert!(!can(header(10, 2)), "one byte does not hold two commands");
    }

    fn frame_header(frame: &[u8]) -> FrameHeader {
        FrameHeader::from_bytes(frame.first_chunk().expect("a header"))
    }

    /// The last frame is found behind damage though it ends in zeros, as the file does.
    #[test]
    fn a_frame_that_ends_in_zeros_is_found_behind_damage() {
        let (_dir, file) = written(&[&[1, 2, 3], &frame(11)[..]].concat());
        let found = open(&file).advance().expect("it is read");
        let next = SEGMENT_HEADER as u64 + 3;
        assert!(matches!(found, Found::Damage { next: Some(found), .. } if found == next), "{found:?}");
    }

    /// A journal is read while it is written: what was half there when it was buffered is read again.
    #[test]
    fn a_frame_that_was_half_written_is_read_again() {
        let (first, second) = (frame(10), frame(11));
        let (_dir, file) = written(&[&first[..], &second[..20]].concat());
        let mut segment = open(&file);
        assert!(matches!(segment.advance(), Ok(Found::Frame(_))));
        write(&file, &[first, second].concat());
        let found = segment.advance().expect("it is read");
        assert!(matches!(found, Found::Frame(header) if header.sequence == 11), "{found:?}");
    }

    /// What cannot be read is no damage. A directory opens as a file does, and refuses to be read.
    #[test]
    fn a_failing_read_is_no_damage() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let mut unreadable = File::open(dir.path()).expect("it opens");
        let said = read_header(dir.path(), 7, &mut unreadable);
        assert!(matches!(said, Err(ScanError::Io { .. })), "{said:?}");
        let mut segment = Segment::new(dir.path().to_owned(), header(), unreadable).expect("it has a length");
        // Some file systems say that a directory has no bytes.
        segment.length = LENGTH as u64;
        assert!(segment.advance().is_err());
    }
}
