//! The directory around the segments: names, the lock, and what it takes to make entries durable.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// The file that one process at a time holds locked. It stays empty.
pub(crate) const LOCK: &str = "lock";

const EXTENSION: &str = "journal";

pub(crate) fn segment_path(dir: &Path, segment: u32) -> PathBuf {
    dir.join(format!("{segment:08}.{EXTENSION}"))
}

/// A file that is named like a segment and is not this one.
pub(crate) fn other_segment(dir: &Path, segment: &Path) -> io::Result<Option<PathBuf>> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == EXTENSION) && path != segment {
            return Ok(Some(path));
        }
    }
    Ok(None)
}

/// Creates a directory and those above it, each durably: a file survives a power loss only if all do.
pub(crate) fn create_durably(dir: &Path) -> io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    // The parent of a relative path with one part is the empty path.
    let parent = match dir.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    create_durably(parent)?;
    fs::create_dir(dir)?;
    sync(parent)
}

/// Makes the entries of a directory durable.
pub(crate) fn sync(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}
