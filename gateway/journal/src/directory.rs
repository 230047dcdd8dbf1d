//! The directory around the segments: what its files are named, and which there are.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The file that one process at a time holds locked. It stays empty.
pub(crate) const LOCK: &str = "lock";
/// The next segment while it is being filled with zeros. Of no worth until it is renamed.
pub(crate) const SPARE: &str = "spare";
/// A snapshot while it is written. Of no worth until it is renamed.
pub(crate) const SNAPSHOT_PART: &str = "snapshot-part";
/// Where segments go that a snapshot has made needless for starting.
pub(crate) const ARCHIVE: &str = "archive";

const SEGMENT: &str = "journal";
const SNAPSHOT: &str = "snapshot";

pub(crate) fn segment_path(dir: &Path, segment: u32) -> PathBuf {
    dir.join(format!("{segment:08}.{SEGMENT}"))
}

/// Where the snapshot is of the state that a segment begins with.
pub(crate) fn snapshot_path(dir: &Path, segment: u32) -> PathBuf {
    dir.join(format!("{segment:08}.{SNAPSHOT}"))
}

/// What a journal's directory holds, by number.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    /// Archived segments too.
    pub(crate) segments: BTreeMap<u32, PathBuf>,
    pub(crate) snapshots: BTreeMap<u32, PathBuf>,
}

/// Lists a directory. A file whose name only looks like a segment's is an error: it may be one that was meant.
pub(crate) fn list(dir: &Path) -> io::Result<Listing> {
    let mut listing = Listing::default();
    let archive = dir.join(ARCHIVE);
    // The archive last, so that a segment which is moved there meanwhile is found in one of the two.
    for dir in [dir, archive.as_path()] {
        let entries = match fs::read_dir(dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound && dir == archive => continue,
            Err(error) => return Err(error),
        };
        for entry in entries {
            let path = entry?.path();
            let files = match path.extension().and_then(|extension| extension.to_str()) {
                Some(SEGMENT) => &mut listing.segments,
                // In the archive it is none of the writer's any more.
                Some(SNAPSHOT) if dir != archive => &mut listing.snapshots,
                _ => continue,
            };
            let is_number = |stem: &&str| stem.len() >= 8 && stem.bytes().all(|byte| byte.is_ascii_digit());
            let number = path.file_stem().and_then(|stem| stem.to_str()).filter(is_number);
            let Some(number) = number.and_then(|stem| stem.parse().ok()) else {
                let message = format!("{} is named like none of a journal's files", path.display());
                return Err(io::Error::new(io::ErrorKind::InvalidData, message));
            };
            files.entry(number).or_insert(path);
        }
    }
    Ok(listing)
}
