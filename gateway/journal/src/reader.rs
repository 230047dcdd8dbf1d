//! Reading a journal from its beginning, or from a segment on, to a verdict.
//!
//! A [`Reader`] goes from segment to segment. It changes nothing and takes no lock, so it serves for a journal
//! in use and for a copy. Where a frame is damaged it searches the rest of the segment for a later one: what a
//! crash tore is the end of the last segment, so a whole frame, or a segment, after damage means that something else
//! happened.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use golv_engine::id::Sequence;

use crate::directory;
use crate::format::{
    FORMAT, FRAME_HEADER, FRAME_MAX, FrameHeader, FrameKind, Header, SEGMENT_HEADER, Settings,
};
use crate::segment::{Found, Segment, read_header};

/// The segment that a journal begins with.
pub(crate) const FIRST_SEGMENT: u32 = 1;

/// A frame that was read whole: its checksum holds and it is where it belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The sequence of a batch's first command; with a seal, that of the next.
    pub sequence: Sequence,
    /// The term of the writer; 0 in a journal that one process writes.
    pub epoch: u64,
    /// The chain up to the batch before. The journal carries it and does not check it.
    pub chain: [u8; 32],
    /// The number of the segment that holds it.
    pub segment: u32,
    /// The chain that that segment says to begin with.
    pub segment_chain: [u8; 32],
    /// Offset of the frame in its file, in bytes.
    pub offset: u64,
    /// What it holds.
    pub content: Content<'a>,
}

impl Frame<'_> {
    /// The payload's length in bytes.
    pub fn payload_length(&self) -> u64 {
        match self.content {
            Content::Batch { payload, .. } | Content::Skip { payload } => payload.len() as u64,
            Content::Seal => 0,
        }
    }

    /// Where it ends in its file, in bytes.
    pub fn end(&self) -> u64 {
        self.offset + FRAME_HEADER as u64 + self.payload_length()
    }
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
        /// The payload of the skip behind it, if there is one: it sets commands of this batch aside.
        skip: Option<&'a [u8]>,
    },
    /// Sets commands of the batch before it aside: a [`crate::skip::Skip`].
    Skip {
        /// The skip's encoding.
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
    /// The end is damaged, by no more bytes than one frame can have, and nothing whole follows. Opening cuts it. It was an
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
    /// All that is there is whole, and something between is not there. Opening refuses it and changes nothing.
    Gap(Gap),
}

/// A whole frame or segment that does not continue the one before: something is missing, doubled or moved.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} goes on with sequence {found} at offset {offset}, where {expected} is due", file.display())]
pub struct Gap {
    /// The file.
    pub file: PathBuf,
    /// Where the frame is; 0 for a segment as a whole.
    pub offset: u64,
    /// The sequence due there.
    pub expected: Sequence,
    /// The sequence that it has.
    pub found: Sequence,
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
    /// Damage in a segment that another follows. A writer begins a segment when all before it is durable.
    #[error(
        "{} is damaged at offset {offset}, where sequence {sequence} is due, and {} follows",
        file.display(),
        next.display()
    )]
    SegmentFollows {
        /// The file.
        file: PathBuf,
        /// Where the damage begins.
        offset: u64,
        /// The sequence due there.
        sequence: Sequence,
        /// The segment after it.
        next: PathBuf,
    },
    /// Damage at the end of a segment that is closed.
    #[error(
        "{} is damaged at offset {offset}, where sequence {sequence} is due, and it is closed",
        file.display()
    )]
    ClosedSegment {
        /// The file.
        file: PathBuf,
        /// Where the damage begins.
        offset: u64,
        /// The sequence due there.
        sequence: Sequence,
    },
    /// The next segment is of another journal: its settings are others.
    #[error(
        "{} is of another journal than the segments before it: at its offset 0, sequence {sequence} of that one is due",
        file.display()
    )]
    OtherJournal {
        /// The file.
        file: PathBuf,
        /// The sequence due at its beginning.
        sequence: Sequence,
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
    /// There are segments, but not the one to begin with.
    #[error("{} begins with {}, and segment {wanted} is needed", dir.display(), file.display())]
    BeginsLater {
        /// The directory.
        dir: PathBuf,
        /// The first segment there is from there on.
        file: PathBuf,
        /// The one that is needed.
        wanted: u32,
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

/// Reads the journal in a directory from its first segment on, archived ones included, without its lock and without
/// changing anything.
///
/// Segments that come after this call are not read. In a directory in use the end may be caught in the middle of
/// a write, which looks like a torn tail.
///
/// # Errors
///
/// When there is no journal, or a segment's header cannot be read.
pub fn scan(dir: &Path) -> Result<Reader, ScanError> {
    let segments = list(dir)?;
    let first = *segments.front().map_or(&FIRST_SEGMENT, |(number, _)| number);
    Reader::new(dir, segments, first)
}

/// Reads as [`scan`] does, from a segment on.
///
/// # Errors
///
/// As [`scan`]; also when that segment is not there.
pub fn scan_from(dir: &Path, segment: u32) -> Result<Reader, ScanError> {
    let mut segments = list(dir)?;
    segments.retain(|(number, _)| *number >= segment);
    Reader::new(dir, segments, segment)
}

/// Reads as [`scan_from`] does, from a segment on up to another that is not read.
///
/// # Errors
///
/// As [`scan_from`].
pub fn scan_range(dir: &Path, from: u32, before: u32) -> Result<Reader, ScanError> {
    let mut segments = list(dir)?;
    segments.retain(|(number, _)| (from..before).contains(number));
    Reader::new(dir, segments, from)
}

/// Reads from a segment on, or from the first that there is, up to the end of the segment that holds a sequence, or to the
/// journal's end if none does. What comes after that segment may be damaged in any way.
///
/// # Errors
///
/// As [`scan_from`]; of headers, only one of a segment that is needed.
pub fn scan_up_to(dir: &Path, from: Option<u32>, last: Sequence) -> Result<Reader, ScanError> {
    let mut needed = VecDeque::new();
    let mut before = None;
    for (number, file) in list(dir)? {
        if from.is_some_and(|from| number < from) {
            continue;
        }
        let header = open(dir, number, &file).and_then(|mut open| read_header(&file, number, &mut open));
        let past = match (&header, before) {
            (_, None) => false,
            (Ok(header), Some(_)) => header.first > last,
            // Its header does not tell, so the segment before it must.
            (Err(_), Some(before)) => end_of(dir, before).is_some_and(|end| end >= last),
        };
        if past {
            break;
        }
        needed.push_back((number, file));
        before = Some(number);
    }
    let first = from.or(needed.front().map(|(number, _)| *number)).unwrap_or(FIRST_SEGMENT);
    Reader::new(dir, needed, first)
}

/// The last sequence in one segment, if it can be read.
fn end_of(dir: &Path, segment: u32) -> Option<Sequence> {
    let mut reader = scan_range(dir, segment, segment.checked_add(1)?).ok()?;
    while reader.next_frame().ok()?.is_some() {}
    let (.., due) = reader.end();
    Some(Sequence(due.0 - 1))
}

fn list(dir: &Path) -> Result<VecDeque<(u32, PathBuf)>, ScanError> {
    match directory::list(dir) {
        Ok(listing) => Ok(listing.segments.into_iter().collect()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(VecDeque::new()),
        Err(source) => Err(ScanError::Io { path: dir.to_owned(), source }),
    }
}

/// Reads frames in order, then knows the verdict.
#[derive(Debug)]
pub struct Reader {
    dir: PathBuf,
    current: Segment,
    /// The segments after it.
    rest: VecDeque<(Header, PathBuf)>,
    header: Header,
    sealed: bool,
    /// The skip behind the batch that was read last.
    skip: Option<Vec<u8>>,
    verdict: Option<Verdict>,
}

impl Reader {
    fn new(dir: &Path, segments: VecDeque<(u32, PathBuf)>, wanted: u32) -> Result<Self, ScanError> {
        match segments.front() {
            Some((number, _)) if *number == wanted => {}
            Some((_, file)) => {
                return Err(ScanError::BeginsLater { dir: dir.to_owned(), file: file.clone(), wanted });
            }
            None => {
                let file = directory::segment_path(dir, wanted);
                return Err(ScanError::Missing { dir: dir.to_owned(), file });
            }
        }
        // All headers before any frame, so that what cannot be read is refused before anything is done with the rest.
        let mut rest = VecDeque::with_capacity(segments.len());
        for (number, file) in segments {
            let mut open = open(dir, number, &file)?;
            rest.push_back((read_header(&file, number, &mut open)?, file));
        }
        let (header, file) = rest.pop_front().expect("there is a first segment");
        let current = begin(dir, header, file)?;
        Ok(Self { dir: dir.to_owned(), current, rest, header, sealed: false, skip: None, verdict: None })
    }

    /// What the first segment that is read says of itself.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// What all segments have in common.
    pub fn settings(&self) -> &Settings {
        &self.header.settings
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

    /// Goes past the next frame; its payload is with the current segment then. At the end there is a verdict.
    pub(crate) fn advance(&mut self) -> Result<Option<(u64, FrameHeader)>, ReadError> {
        while self.verdict.is_none() {
            let offset = self.current.offset;
            match self.current.advance()? {
                Found::Frame(header) => {
                    self.sealed = header.kind() == FrameKind::Seal;
                    self.skip = match header.kind() {
                        FrameKind::Batch => self.current.skip_ahead()?,
                        FrameKind::Seal | FrameKind::Skip => None,
                    };
                    return Ok(Some((offset, header)));
                }
                Found::End => match self.rest.pop_front() {
                    Some((header, file)) => self.next_segment(header, file)?,
                    None => {
                        let last = Sequence(self.current.expected - 1);
                        self.verdict = Some(Verdict::Clean { last, sealed: self.sealed });
                    }
                },
                Found::Misplaced(header) => self.verdict = Some(self.misplaced(&header)),
                Found::Damage { bytes, next } => self.verdict = Some(self.damaged(bytes, next)),
            }
        }
        Ok(None)
    }

    /// The frame that [`Self::advance`] has just gone past.
    pub(crate) fn frame(&self, offset: u64, header: &FrameHeader) -> Frame<'_> {
        let payload = self.current.payload.as_slice();
        let content = match header.kind() {
            FrameKind::Seal => Content::Seal,
            FrameKind::Skip => Content::Skip { payload },
            FrameKind::Batch => Content::Batch { count: header.count, payload, skip: self.skip.as_deref() },
        };
        let sequence = Sequence(header.sequence);
        let segment = header.segment;
        let segment_chain = self.current.header.chain;
        Frame { sequence, epoch: header.epoch, chain: header.chain, segment, segment_chain, offset, content }
    }

    /// Where the whole frames end: the last segment's file, its header, the offset there and the sequence due.
    pub(crate) fn end(&self) -> (&Path, &Header, u64, Sequence) {
        (&self.current.file, &self.current.header, self.current.offset, Sequence(self.current.expected))
    }

    /// Where the last whole frame is in that file, and how long it is; nothing if there is none.
    pub(crate) fn last_frame(&self) -> Option<(u64, u64)> {
        self.current.last
    }

    /// Goes on to the next segment, unless it does not continue this one.
    fn next_segment(&mut self, header: Header, file: PathBuf) -> Result<(), ReadError> {
        let due = Sequence(self.current.expected);
        if header.settings != self.header.settings {
            self.verdict = Some(Verdict::Corrupt(Corruption::OtherJournal { file, sequence: due }));
        } else if header.segment - 1 != self.current.header.segment || header.first != due {
            let (expected, found) = (due, header.first);
            self.verdict = Some(Verdict::Gap(Gap { file, offset: 0, expected, found }));
        } else {
            self.current = begin(&self.dir, header, file.clone()).map_err(|error| match error {
                ScanError::Io { source, .. } => ReadError { file, offset: 0, sequence: due, source },
                // It was read a while ago, and now it is another file or none.
                other => ReadError { file, offset: 0, sequence: due, source: io::Error::other(other) },
            })?;
        }
        Ok(())
    }

    /// What is wrong with a whole frame in the place that has been reached.
    fn misplaced(&self, header: &FrameHeader) -> Verdict {
        let (file, offset) = (self.current.file.clone(), self.current.offset);
        let due = Sequence(self.current.expected);
        if header.segment != self.current.header.segment {
            let found = header.segment;
            return Verdict::Corrupt(Corruption::OtherSegment { file, offset, sequence: due, found });
        }
        Verdict::Gap(Gap { file, offset, expected: due, found: Sequence(header.sequence) })
    }

    /// The verdict on damage in the place that has been reached.
    fn damaged(&self, bytes: u64, next: Option<u64>) -> Verdict {
        let (file, offset) = (self.current.file.clone(), self.current.offset);
        let sequence = Sequence(self.current.expected);
        Verdict::Corrupt(match (next, self.rest.front()) {
            (Some(next), _) => Corruption::FrameFollows { file, offset, sequence, next },
            (None, Some((_, next))) => {
                Corruption::SegmentFollows { file, offset, sequence, next: next.clone() }
            }
            (None, None) if bytes > FRAME_MAX => Corruption::LongTail { file, offset, sequence, bytes },
            (None, None) => return Verdict::TornTail { file, sequence, offset, bytes },
        })
    }
}

/// Opens a segment behind its header.
fn begin(dir: &Path, header: Header, file: PathBuf) -> Result<Segment, ScanError> {
    let mut open = open(dir, header.segment, &file)?;
    read_header(&file, header.segment, &mut open)?;
    Segment::new(file.clone(), header, open).map_err(|source| ScanError::Io { path: file, source })
}

/// Opens a segment where it was listed or, if it was archived since, in the archive.
pub(crate) fn open(dir: &Path, number: u32, file: &Path) -> Result<File, ScanError> {
    let archived = || File::open(directory::segment_path(&dir.join(directory::ARCHIVE), number));
    let opened = File::open(file).or_else(|error| match error.kind() {
        io::ErrorKind::NotFound => archived().map_err(|_| error),
        _ => Err(error),
    });
    opened.map_err(|source| ScanError::Io { path: file.to_owned(), source })
}
