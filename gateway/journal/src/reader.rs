//! Reading a segment from its beginning to a verdict.
//!
//! A [`Reader`] holds one frame in memory. It changes nothing and takes no lock, so it serves for a journal
//! in use and for a copy. Where a frame is damaged it searches the rest of the file for a later one: what a
//! crash tore is the end of a file, so a whole frame after damage means that something else happened.
//!
//! Cost: linear in the file, both for reading and, with ordinary damage, for the search, which looks at
//! checksums only where a header is plausible.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek};
use std::path::{Path, PathBuf};

use golv_engine::id::Sequence;

use crate::directory;
use crate::format::{
    BadHeader, FORMAT, FRAME_HEADER, FRAME_MAX, FrameHeader, Header, SEGMENT_HEADER, frame_crc,
};

/// The only segment so far.
pub(crate) const FIRST_SEGMENT: u32 = 1;

/// How much of the file a search looks at in one read, in bytes.
const WINDOW: usize = 64 * 1024;

/// A frame that was read whole: its checksum holds and it is where it belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The sequence of a batch's first command; with a seal, that of the next.
    pub sequence: Sequence,
    /// The term of the writer; 0 in a journal that one process writes.
    pub epoch: u64,
    /// The chain up to the batch before. The journal carries it and does not check it.
    pub chain: [u8; 32],
    /// Offset of the frame in its file, in bytes.
    pub offset: u64,
    /// Batch or seal.
    pub content: Content<'a>,
}

/// What a frame is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content<'a> {
    /// Commands.
    Batch {
        /// How many there are, at least 1.
        count: u32,
        /// The batch's encoding.
        payload: &'a [u8],
    },
    /// An orderly stop: every batch before was durable, and the frame's chain is the one after the last.
    Seal,
}

/// How a journal ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every byte is accounted for.
    Clean {
        /// The sequence of the last command; that before the first if there is none.
        last: Sequence,
        /// Whether the last frame is a seal. If not, the last stop was not orderly, or the end has been
        /// cut off.
        sealed: bool,
    },
    /// The end is damaged, by no more than one frame, and nothing whole follows. Opening cuts it. It was an
    /// interrupted write in all likelihood, but may have been acknowledged.
    TornTail {
        /// The file.
        file: PathBuf,
        /// The sequence due where the damage begins: the first that is lost, if any is.
        sequence: Sequence,
        /// Where the damage begins, in bytes from the beginning of the file.
        offset: u64,
        /// How many bytes there are from there to the end.
        bytes: u64,
    },
    /// What no interrupted write explains. Opening refuses it and changes nothing.
    Corrupt(Corruption),
}

/// Damage that no interrupted write explains. Offsets are in bytes from the beginning of the file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Corruption {
    /// Damage with a whole frame after it.
    #[error(
        "{} is damaged at offset {offset}, where sequence {sequence} is due, \
         and a whole frame follows at offset {next}",
        file.display()
    )]
    FrameFollows {
        /// The file.
        file: PathBuf,
        /// Where the damage begins.
        offset: u64,
        /// The sequence due there.
        sequence: Sequence,
        /// Where the first whole frame after it begins.
        next: u64,
    },
    /// A damaged end that is longer than the one frame that a crash can tear.
    #[error(
        "{} is damaged from offset {offset}, where sequence {sequence} is due, to its end: \
         {bytes} bytes are more than one frame",
        file.display()
    )]
    LongTail {
        /// The file.
        file: PathBuf,
        /// Where the damage begins.
        offset: u64,
        /// The sequence due there.
        sequence: Sequence,
        /// How many bytes there are from there to the end.
        bytes: u64,
    },
    /// A whole frame of another segment.
    #[error(
        "{} has a frame of segment {found} at offset {offset}, where sequence {sequence} is due",
        file.display()
    )]
    OtherSegment {
        /// The file.
        file: PathBuf,
        /// Where the frame is.
        offset: u64,
        /// The sequence due there.
        sequence: Sequence,
        /// The segment that the frame names.
        found: u32,
    },
    /// A whole frame that does not continue the one before: frames are missing, doubled or moved.
    #[error("{} goes on with sequence {found} at offset {offset}, where {expected} is due", file.display())]
    Gap {
        /// The file.
        file: PathBuf,
        /// Where the frame is.
        offset: u64,
        /// The sequence due there.
        expected: Sequence,
        /// The sequence that the frame has.
        found: Sequence,
    },
}

/// Why a directory cannot be read as a journal.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// There is no journal in the directory.
    #[error("there is no journal in {}: {} is missing", dir.display(), file.display())]
    Missing {
        /// The directory.
        dir: PathBuf,
        /// The segment that every journal has.
        file: PathBuf,
    },
    /// There is a segment that this version cannot know.
    #[error("{} is a segment that this version does not read", file.display())]
    UnknownSegment {
        /// The file.
        file: PathBuf,
    },
    /// The file does not begin as a segment does.
    #[error("{} is not a journal", file.display())]
    NotAJournal {
        /// The file.
        file: PathBuf,
    },
    /// The segment has a format that this version does not know.
    #[error("{} has format {found}, and this version reads format {FORMAT}", file.display())]
    UnknownFormat {
        /// The file.
        file: PathBuf,
        /// The format that it names.
        found: u16,
    },
    /// The header is cut short, its checksum does not hold, or it has a value that the format does not know.
    #[error("the header of {}, its first {SEGMENT_HEADER} bytes, is damaged", file.display())]
    DamagedHeader {
        /// The file.
        file: PathBuf,
    },
    /// The header is that of another segment: the file was renamed.
    #[error("{} has the header of segment {found}", file.display())]
    OtherSegment {
        /// The file.
        file: PathBuf,
        /// The segment that the header names.
        found: u32,
    },
    /// The system failed.
    #[error("{} cannot be read", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Reading failed; that is not a verdict on what is there.
#[derive(Debug, thiserror::Error)]
#[error("{} cannot be read at offset {offset}, where sequence {sequence} is due", file.display())]
pub struct ReadError {
    /// The file.
    pub file: PathBuf,
    /// Where, in bytes from the beginning of the file.
    pub offset: u64,
    /// The sequence due there.
    pub sequence: Sequence,
    /// What the system said.
    pub source: io::Error,
}

/// Reads the journal in a directory, without its lock and without changing anything.
///
/// What is appended after this call is not read. In a directory in use the end may be caught in the middle of
/// a write, which looks like a torn tail.
///
/// # Errors
///
/// When there is no journal, or its header cannot be read.
pub fn scan(dir: &Path) -> Result<Reader, ScanError> {
    let file = directory::segment_path(dir, FIRST_SEGMENT);
    match File::open(&file) {
        Ok(open) => Reader::new(dir, file, open),
        Err(source) => Err(cannot_open(dir, file, source)),
    }
}

/// A segment that is not there has an error of its own, since a wrong directory is a common mistake.
pub(crate) fn cannot_open(dir: &Path, file: PathBuf, source: io::Error) -> ScanError {
    match source.kind() {
        io::ErrorKind::NotFound => ScanError::Missing { dir: dir.to_owned(), file },
        _ => ScanError::Io { path: file, source },
    }
}

/// Reads frames in order, then knows the verdict.
#[derive(Debug)]
pub struct Reader {
    file: PathBuf,
    source: BufReader<File>,
    /// The file's length when reading began.
    length: u64,
    header: Header,
    /// Where the next frame begins.
    offset: u64,
    /// The sequence due there.
    expected: u64,
    sealed: bool,
    payload: Vec<u8>,
    verdict: Option<Verdict>,
}

/// What stands at an offset.
enum Found {
    Whole(FrameHeader),
    End,
    Damage,
}

impl Reader {
    /// The file's length is taken here: with the lock held, nobody changes it any more.
    pub(crate) fn new(dir: &Path, file: PathBuf, mut open: File) -> Result<Self, ScanError> {
        if let Some(file) = directory::other_segment(dir, &file)
            .map_err(|source| ScanError::Io { path: dir.to_owned(), source })?
        {
            return Err(ScanError::UnknownSegment { file });
        }
        let io = |source| ScanError::Io { path: file.clone(), source };
        let length = open.metadata().map_err(io)?.len();
        if length < SEGMENT_HEADER as u64 {
            return Err(ScanError::DamagedHeader { file });
        }
        let mut bytes = [0; SEGMENT_HEADER];
        open.read_exact(&mut bytes).map_err(io)?;
        let header = match Header::from_bytes(&bytes) {
            Ok(header) if header.segment == FIRST_SEGMENT => header,
            Ok(header) => return Err(ScanError::OtherSegment { file, found: header.segment }),
            Err(BadHeader::Magic) => return Err(ScanError::NotAJournal { file }),
            Err(BadHeader::Format(found)) => return Err(ScanError::UnknownFormat { file, found }),
            Err(BadHeader::Checksum | BadHeader::Field) => return Err(ScanError::DamagedHeader { file }),
        };
        Ok(Self {
            file,
            source: BufReader::with_capacity(WINDOW, open),
            length,
            header,
            offset: SEGMENT_HEADER as u64,
            expected: header.first.0,
            sealed: false,
            payload: Vec::new(),
            verdict: None,
        })
    }

    /// What the segment says of itself.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The next frame, or nothing where the journal ends, for better or worse: [`Reader::finish`] says which.
    ///
    /// # Errors
    ///
    /// When the system fails to read.
    pub fn next_frame(&mut self) -> Result<Option<Frame<'_>>, ReadError> {
        let next = self.advance()?;
        Ok(next.map(|(offset, header)| self.frame(offset, &header)))
    }

    /// Reads what is left and says how the journal ends.
    ///
    /// # Errors
    ///
    /// When the system fails to read.
    pub fn finish(mut self) -> Result<Verdict, ReadError> {
        self.verdict()
    }

    pub(crate) fn verdict(&mut self) -> Result<Verdict, ReadError> {
        loop {
            if let Some(verdict) = &self.verdict {
                return Ok(verdict.clone());
            }
            self.advance()?;
        }
    }

    /// Goes past the next frame; its payload is in `self.payload` then. At the end there is a verdict.
    pub(crate) fn advance(&mut self) -> Result<Option<(u64, FrameHeader)>, ReadError> {
        if self.verdict.is_some() {
            return Ok(None);
        }
        let offset = self.offset;
        let header = match self.frame_at(offset)? {
            Found::Whole(header) => header,
            Found::End => {
                let last = Sequence(self.expected - 1);
                self.verdict = Some(Verdict::Clean { last, sealed: self.sealed });
                return Ok(None);
            }
            Found::Damage => {
                self.verdict = Some(self.judge_damage()?);
                return Ok(None);
            }
        };
        if let Some(corruption) = self.misplaced(&header) {
            self.verdict = Some(Verdict::Corrupt(corruption));
            return Ok(None);
        }
        self.offset += FRAME_HEADER as u64 + u64::from(header.length);
        self.expected += u64::from(header.count);
        self.sealed = header.count == 0;
        Ok(Some((offset, header)))
    }

    /// The frame that [`Self::advance`] has just gone past.
    pub(crate) fn frame(&self, offset: u64, header: &FrameHeader) -> Frame<'_> {
        let content = match header.count {
            0 => Content::Seal,
            count => Content::Batch { count, payload: &self.payload },
        };
        let sequence = Sequence(header.sequence);
        Frame { sequence, epoch: header.epoch, chain: header.chain, offset, content }
    }

    /// Takes the reader apart: path, file, where the whole frames end and the sequence due there.
    pub(crate) fn into_parts(self) -> (PathBuf, File, u64, Sequence) {
        (self.file, self.source.into_inner(), self.offset, Sequence(self.expected))
    }

    /// What is wrong with a whole frame in the place that has been reached.
    fn misplaced(&self, header: &FrameHeader) -> Option<Corruption> {
        let (offset, due) = (self.offset, Sequence(self.expected));
        if header.segment != self.header.segment {
            let found = header.segment;
            return Some(Corruption::OtherSegment { file: self.file.clone(), offset, sequence: due, found });
        }
        if header.sequence != self.expected {
            let found = Sequence(header.sequence);
            return Some(Corruption::Gap { file: self.file.clone(), offset, expected: due, found });
        }
        None
    }

    /// The verdict on damage in the place that has been reached.
    fn judge_damage(&mut self) -> Result<Verdict, ReadError> {
        let (offset, sequence) = (self.offset, Sequence(self.expected));
        let next = self.whole_frame_after(offset)?;
        let (file, bytes) = (self.file.clone(), self.length - offset);
        Ok(match next {
            Some(next) => Verdict::Corrupt(Corruption::FrameFollows { file, offset, sequence, next }),
            None if bytes > FRAME_MAX => {
                Verdict::Corrupt(Corruption::LongTail { file, offset, sequence, bytes })
            }
            None => Verdict::TornTail { file, sequence, offset, bytes },
        })
    }

    /// Looks whether a whole frame, of whatever segment and sequence, begins at an offset. Its payload is in
    /// `self.payload` then.
    fn frame_at(&mut self, offset: u64) -> Result<Found, ReadError> {
        let left = self.length - offset;
        if left == 0 {
            return Ok(Found::End);
        }
        if left < FRAME_HEADER as u64 {
            return Ok(Found::Damage);
        }
        let mut bytes = [0; FRAME_HEADER];
        let source = &mut self.source;
        seek(source, offset)
            .and_then(|()| source.read_exact(&mut bytes))
            .map_err(|source| read_error(&self.file, offset, self.expected, source))?;
        let header = FrameHeader::from_bytes(&bytes);
        if !header.is_plausible() || u64::from(header.length) > left - FRAME_HEADER as u64 {
            return Ok(Found::Damage);
        }
        self.payload.resize(header.length as usize, 0);
        self.source
            .read_exact(&mut self.payload)
            .map_err(|source| read_error(&self.file, offset, self.expected, source))?;
        Ok(if frame_crc(&bytes, &self.payload) == header.crc { Found::Whole(header) } else { Found::Damage })
    }

    /// The offset of the first whole frame after damage that can have been written after it.
    fn whole_frame_after(&mut self, damage: u64) -> Result<Option<u64>, ReadError> {
        let mut window = vec![0; WINDOW];
        let mut start = damage + 1;
        while self.length.saturating_sub(start) >= FRAME_HEADER as u64 {
            let take = usize::try_from(self.length - start).map_or(WINDOW, |left| left.min(WINDOW));
            let window = &mut window[..take];
            let source = &mut self.source;
            seek(source, start)
                .and_then(|()| source.read_exact(window))
                .map_err(|source| read_error(&self.file, start, self.expected, source))?;
            for (offset, bytes) in (start..).zip(window.windows(FRAME_HEADER)) {
                // Most places fail this one comparison.
                if bytes[8..12] != self.header.segment.to_le_bytes() {
                    continue;
                }
                let bytes = bytes.first_chunk().expect("windows have this length");
                if self.can_follow(damage, offset, &FrameHeader::from_bytes(bytes))
                    && matches!(self.frame_at(offset)?, Found::Whole(_))
                {
                    return Ok(Some(offset));
                }
            }
            // The next window begins with the first place at which this one held no whole header.
            start += (take - FRAME_HEADER + 1) as u64;
        }
        Ok(None)
    }

    /// Whether a frame at `offset` can have been written after what is damaged: its sequence is not before
    /// the one due there, nor further on than there are bytes between, of which each command takes one.
    fn can_follow(&self, damage: u64, offset: u64, header: &FrameHeader) -> bool {
        let skipped = header.sequence.checked_sub(self.expected);
        header.is_plausible() && skipped.is_some_and(|skipped| skipped <= offset - damage)
    }
}

fn read_error(file: &Path, offset: u64, expected: u64, source: io::Error) -> ReadError {
    ReadError { file: file.to_owned(), offset, sequence: Sequence(expected), source }
}

/// Goes to an offset, and keeps what is buffered: mostly the place is reached already.
///
/// It asks where it is instead of trusting that a read went to its end, so that nothing is read from a wrong
/// place after an error.
fn seek(source: &mut BufReader<File>, offset: u64) -> io::Result<()> {
    let position = source.stream_position()?;
    source.seek_relative(offset.wrapping_sub(position).cast_signed())
}
