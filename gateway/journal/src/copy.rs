//! A copy of a journal's beginning: what a damaged journal, or one with something at its end that must not be replayed, is
//! cut down to. The journal itself stays as it is.
//!
//! Frames are copied byte for byte, with what stands behind the last batch and belongs to it: a skip, a seal. All
//! segments of the copy lie in one directory; the next snapshot archives those that are not needed for starting. Its files
//! get their names when all are durable: segments from the last to the first, then snapshots. So a copy that was
//! interrupted does not pass for a shorter journal.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use golv_engine::id::Sequence;

use crate::disk::Directory;
use crate::inventory::{Inventory, SegmentFile};
use crate::spare::write_zeros;
use crate::writer::claim;
use crate::{
    Content, Corruption, CreateError, Gap, ReadError, ScanError, Verdict, directory, restart, scan_up_to,
};

/// Why nothing was copied, or not all. The journal is as it was.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// There is no journal, or a segment that is needed cannot be read.
    #[error(transparent)]
    Scan(#[from] ScanError),
    /// Reading failed.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The journal is damaged before the place.
    #[error("the journal is damaged before sequence {sequence}")]
    Corrupt {
        /// Where the copy was to end.
        sequence: Sequence,
        /// What is wrong.
        source: Corruption,
    },
    /// Something is missing before the place.
    #[error("the journal has a gap before sequence {sequence}")]
    Gap {
        /// Where the copy was to end.
        sequence: Sequence,
        /// What is missing.
        source: Gap,
    },
    /// The place is before the end of the first batch that there is.
    #[error("sequence {sequence} ends no batch of this journal; the first ends at {first}")]
    BeforeFirst {
        /// Where the copy was to end.
        sequence: Sequence,
        /// The first place where it can.
        first: Sequence,
    },
    /// The place is in the middle of a batch, which became durable as a whole.
    #[error(
        "sequence {sequence} is in the middle of a batch; a copy can end after {before} or after {after}"
    )]
    InsideBatch {
        /// Where the copy was to end.
        sequence: Sequence,
        /// The end of the batch before.
        before: Sequence,
        /// The end of the batch.
        after: Sequence,
    },
    /// The journal ends before.
    #[error("sequence {sequence} is not in the journal; its last is {last}")]
    BeyondEnd {
        /// Where the copy was to end.
        sequence: Sequence,
        /// The last command.
        last: Sequence,
    },
    /// The copy would lie in the journal's own directory.
    #[error("{} is in the journal's own directory; choose another", into.display())]
    Inside {
        /// Where the copy was to go.
        into: PathBuf,
    },
    /// The directory for the copy holds something or cannot be created.
    #[error(transparent)]
    Create(#[from] CreateError),
    /// A file could not be copied. Remove the new directory and begin again.
    #[error("{} cannot be copied to {}", from.display(), to.display())]
    Copy {
        /// The file.
        from: PathBuf,
        /// Where to.
        to: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// What was copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Copied {
    /// How many segments.
    pub segments: usize,
    /// How many snapshots.
    pub snapshots: usize,
}

/// Copies a journal up to the end of the batch that ends with the command `last` into a directory that is empty or does
/// not exist yet, durably, with the snapshots up to there that are of use.
///
/// # Errors
/// If no batch ends with that command, what is before it is damaged, or the system fails.
pub fn copy_up_to(dir: &Path, last: Sequence, into: &Path) -> Result<Copied, CopyError> {
    let cut = Cut::find(dir, last)?;
    if is_inside(into, dir) {
        return Err(CopyError::Inside { into: into.to_owned() });
    }
    let directory = Directory::from(into);
    let _lock = claim(&directory)?;
    let inventory = Inventory::take(dir)?;
    let mut segments = Vec::new();
    for SegmentFile { number, content, file, .. } in inventory.segments {
        if number > cut.segment {
            break;
        }
        let (length, header) = content?;
        // Whole up to the last one, which is filled with zeros as the writer fills it.
        let (end, length) = if number == cut.segment {
            (cut.offset, cut.offset.max(u64::from(header.settings.segment_bytes)))
        } else {
            (length, length)
        };
        segments.push(Copy::make(&file, directory::segment_path(into, number), end, length)?);
    }
    let mut snapshots = Vec::new();
    for snapshot in inventory.snapshots.iter().filter(|snapshot| snapshot.segment <= cut.segment) {
        // One that is of no use is none here either.
        if restart::fitting(dir, &snapshot.file).is_err() {
            continue;
        }
        let to = directory::snapshot_path(into, snapshot.segment);
        let length = fs::metadata(&snapshot.file).map(|metadata| metadata.len());
        let length = length.map_err(|source| failed(&snapshot.file, &to, source))?;
        snapshots.push(Copy::make(&snapshot.file, to, length, length)?);
    }
    for copy in segments.iter().rev().chain(&snapshots) {
        copy.give_name()?;
        directory.disk().flush_dir(into).map_err(|source| failed(&copy.from, &copy.to, source))?;
    }
    Ok(Copied { segments: segments.len(), snapshots: snapshots.len() })
}

/// Where a copy ends.
struct Cut {
    segment: u32,
    offset: u64,
}

impl Cut {
    fn find(dir: &Path, sequence: Sequence) -> Result<Self, CopyError> {
        let mut reader = scan_up_to(dir, None, sequence)?;
        let mut cut = Self { segment: reader.header().segment, offset: 0 };
        let mut reached = None;
        while let Some(frame) = reader.next_frame()? {
            if let Content::Batch { count, .. } = frame.content {
                let end = Sequence(frame.sequence.0 + u64::from(count) - 1);
                match reached {
                    Some(before) if before == sequence => return Ok(cut),
                    _ if end <= sequence => reached = Some(end),
                    None => return Err(CopyError::BeforeFirst { sequence, first: end }),
                    Some(before) => return Err(CopyError::InsideBatch { sequence, before, after: end }),
                }
            }
            cut = Self { segment: frame.segment, offset: frame.end() };
        }
        if reached == Some(sequence) {
            return Ok(cut);
        }
        match reader.finish()? {
            Verdict::Clean { last, .. } => Err(CopyError::BeyondEnd { sequence, last }),
            Verdict::TornTail { sequence: due, .. } => {
                Err(CopyError::BeyondEnd { sequence, last: Sequence(due.0 - 1) })
            }
            Verdict::Corrupt(source) => Err(CopyError::Corrupt { sequence, source }),
            Verdict::Gap(source) => Err(CopyError::Gap { sequence, source }),
        }
    }
}

/// A file that was copied, durably, and has no name yet that means anything.
struct Copy {
    from: PathBuf,
    to: PathBuf,
}

impl Copy {
    /// Copies a file's first `end` bytes and fills up with zeros to `length`.
    fn make(from: &Path, to: PathBuf, end: u64, length: u64) -> Result<Self, CopyError> {
        let copy = Self { from: from.to_owned(), to };
        let write = || {
            let mut to = File::create_new(copy.part())?;
            // A segment that was archived since it was listed fails here; nothing has a name yet.
            let copied = io::copy(&mut File::open(from)?.take(end), &mut to)?;
            if copied < end {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            write_zeros(&to, end, length)?;
            to.sync_all()
        };
        write().map_err(|source| failed(from, &copy.to, source))?;
        Ok(copy)
    }

    fn part(&self) -> PathBuf {
        self.to.with_added_extension("part")
    }

    fn give_name(&self) -> Result<(), CopyError> {
        fs::rename(self.part(), &self.to).map_err(|source| failed(&self.from, &self.to, source))
    }
}

fn failed(from: &Path, to: &Path, source: io::Error) -> CopyError {
    CopyError::Copy { from: from.to_owned(), to: to.to_owned(), source }
}

/// Whether a directory, which need not exist, is another or lies in it.
fn is_inside(inner: &Path, outer: &Path) -> bool {
    let Ok(outer) = fs::canonicalize(outer) else { return false };
    let there =
        |path: &Path| fs::canonicalize(if path == Path::new("") { Path::new(".") } else { path }).ok();
    inner.ancestors().find_map(there).is_some_and(|there| there.starts_with(&outer))
}
