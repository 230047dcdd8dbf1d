//! The second exchange: it replays each segment once it is closed, compares digests, and writes a snapshot of the state
//! that the next one begins with.
//!
//! The writer of the journal thus never stops to serialise anything, and every command is executed twice, by two
//! exchanges that must agree: the chain that the next segment begins with is the writer's, and the one that replay comes
//! to is the keeper's.
//!
//! Two snapshots are kept, so that one that is damaged has another behind it. Segments that neither needs are moved to
//! the folder `archive`, where everybody who reads the journal still finds them; nothing here ever deletes a segment.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::reader::{ScanError, scan_from, scan_range};
use crate::replay::Replay;
use crate::restart::{self, RestartError};
use crate::snapshot::{self, SnapshotHeader, WriteSnapshotError};
use crate::{OpenError, directory};

/// How many snapshots are kept.
const KEPT: usize = 2;

/// Why the second exchange cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// It does not come to what the writer came to, or a closed segment cannot be read.
    #[error(transparent)]
    Replay(#[from] RestartError),
    /// A snapshot was not written.
    #[error(transparent)]
    Write(#[from] WriteSnapshotError),
    /// Older files were not put away.
    #[error("{} was not put away", path.display())]
    PutAway {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// The second exchange.
#[derive(Debug)]
pub struct Keeper {
    dir: PathBuf,
    replay: Replay,
    /// The first segment that was not replayed.
    next: u32,
}

impl Keeper {
    /// Begins with the newest snapshot that is of use, or before the founding.
    ///
    /// # Errors
    /// If there is no journal, or neither a snapshot nor the first segment.
    pub fn new(dir: &Path) -> Result<Self, KeepError> {
        let replay = restart::begin(dir)?.replay;
        Ok(Self { dir: dir.to_owned(), next: replay.segment(), replay })
    }

    /// Replays what is closed before the segment `open`, and keeps a snapshot of the state that it begins with. Returns
    /// nothing if there is one already.
    ///
    /// # Errors
    /// If it comes to another chain than the writer's, or the system fails. The keeper is of no more use then.
    pub fn keep(&mut self, open: u32) -> Result<Option<SnapshotHeader>, KeepError> {
        if open <= self.next {
            return Ok(None);
        }
        let mut reader = scan_range(&self.dir, self.next, open).map_err(scan_error)?;
        while let Some(frame) = reader.next_frame().map_err(RestartError::read)? {
            self.replay.frame(&frame).map_err(RestartError::Replay)?;
        }
        let verdict = reader.finish().map_err(RestartError::read)?;
        crate::recovery::whole(verdict).map_err(RestartError::Recover)?;
        let after = *scan_from(&self.dir, open).map_err(scan_error)?.header();
        self.replay.begins(&after).map_err(RestartError::Replay)?;
        self.next = open;
        let header = snapshot::write(&self.dir, open, &self.replay)?;
        self.put_away()?;
        Ok(Some(header))
    }

    /// Deletes all snapshots but the newest, and archives the segments that they do not need.
    fn put_away(&self) -> Result<(), KeepError> {
        let at = |path: &Path| {
            let path = path.to_owned();
            move |source| KeepError::PutAway { path, source }
        };
        let listing = directory::list(&self.dir).map_err(at(&self.dir))?;
        let mut oldest = None;
        for (place, (segment, file)) in listing.snapshots.iter().rev().enumerate() {
            if place < KEPT {
                oldest = Some(*segment);
            } else {
                fs::remove_file(file).map_err(at(file))?;
            }
        }
        // With one snapshot alone everything is still needed, should it be damaged.
        let Some(oldest) = oldest.filter(|_| listing.snapshots.len() >= KEPT) else { return Ok(()) };
        let archive = self.dir.join(directory::ARCHIVE);
        directory::create_durably(&archive).map_err(at(&archive))?;
        for (_, file) in listing.segments.range(..oldest).filter(|(_, file)| !file.starts_with(&archive)) {
            let name = file.file_name().expect("a segment's path ends in its name");
            fs::rename(file, archive.join(name)).map_err(at(file))?;
        }
        directory::sync(&archive).and_then(|()| directory::sync(&self.dir)).map_err(at(&archive))
    }
}

fn scan_error(error: ScanError) -> KeepError {
    KeepError::Replay(OpenError::Scan(error).into())
}
