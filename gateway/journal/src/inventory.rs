//! What a journal's directory holds, file by file, for whoever looks into it; damaged files too.

use std::path::{Path, PathBuf};

use crate::directory;
use crate::format::Header;
use crate::reader::{FIRST_SEGMENT, ScanError, open};
use crate::segment::read_header;

/// A segment, by its name.
#[derive(Debug)]
pub struct SegmentFile {
    /// Its number.
    pub number: u32,
    /// Where it was found.
    pub file: PathBuf,
    /// Whether it is in the archive.
    pub archived: bool,
    /// How long the file is in bytes, and what it says of itself.
    pub content: Result<(u64, Header), ScanError>,
}

/// A snapshot, by its name.
#[derive(Debug)]
pub struct SnapshotFile {
    /// The segment that begins with its state.
    pub segment: u32,
    /// Where it was found.
    pub file: PathBuf,
}

/// What a directory holds. Each list is in ascending order.
#[derive(Debug)]
pub struct Inventory {
    /// The segments; at least one.
    pub segments: Vec<SegmentFile>,
    /// The snapshots.
    pub snapshots: Vec<SnapshotFile>,
}

impl Inventory {
    /// Lists a directory, without its lock and without changing anything.
    ///
    /// # Errors
    /// If there is no journal, or the system fails to list it.
    pub fn take(dir: &Path) -> Result<Self, ScanError> {
        let missing =
            || ScanError::Missing { dir: dir.to_owned(), file: directory::segment_path(dir, FIRST_SEGMENT) };
        let listing = directory::list(dir).map_err(|source| match source.kind() {
            std::io::ErrorKind::NotFound => missing(),
            _ => ScanError::Io { path: dir.to_owned(), source },
        })?;
        if listing.segments.is_empty() {
            return Err(missing());
        }
        let archive = dir.join(directory::ARCHIVE);
        let segments = listing.segments.into_iter().map(|(number, file)| {
            let archived = file.starts_with(&archive);
            SegmentFile { number, archived, content: look(dir, number, &file), file }
        });
        let snapshots = listing.snapshots.into_iter().map(|(segment, file)| SnapshotFile { segment, file });
        Ok(Self { segments: segments.collect(), snapshots: snapshots.collect() })
    }
}

fn look(dir: &Path, number: u32, file: &Path) -> Result<(u64, Header), ScanError> {
    let mut open = open(dir, number, file)?;
    let io = |source| ScanError::Io { path: file.to_owned(), source };
    let length = open.metadata().map_err(io)?.len();
    Ok((length, read_header(file, number, &mut open)?))
}
