//! The second exchange: it replays each segment once it is closed, compares digests, and writes a snapshot of the state
//! that the next one begins with.
//!
//! The writer of the journal thus never stops to serialise anything, and every command is executed twice, by two
//! exchanges that must agree: the chain that the next segment begins with is the writer's, and the one that replay comes
//! to is the keeper's.
//!
//! Two snapshots are kept, so that one that is damaged has another behind it. Segments that neither needs are moved to
//! the folder `archive`, where everybody who reads the journal still finds them; nothing here ever deletes a segment.

use std::io;
use std::path::{Path, PathBuf};

use crate::directory;
use crate::disk::Directory;
use crate::replay::Replay;
use crate::restart::{self, Begun, RestartError, replay_closed};
use crate::snapshot::{self, SnapshotError, SnapshotHeader, WriteSnapshotError};

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
    /// A snapshot was written and is of no use.
    #[error(transparent)]
    ReadAgain(#[from] SnapshotError),
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
    dir: Directory,
    replay: Replay,
    /// The first segment that was not replayed.
    next: u32,
    /// The snapshots that are known to be of use: the one that it began with, and those that it wrote; the latest
    /// [`KEPT`], in ascending order.
    kept: Vec<u32>,
}

impl Keeper {
    /// Begins with the newest snapshot that is of use, or before the founding.
    ///
    /// # Errors
    /// If there is no journal, or neither a snapshot nor the first segment.
    pub fn new(dir: impl Into<Directory>) -> Result<Self, KeepError> {
        let dir = dir.into();
        let Begun { replay, snapshot, .. } = restart::begin(dir.path())?;
        let kept = snapshot.into_iter().map(|(segment, _)| segment).collect();
        Ok(Self { dir, next: replay.segment(), replay, kept })
    }

    /// Replays what is closed before the segment `open`, and keeps a snapshot of the state that it begins with. Returns
    /// nothing if there is one already, or if `go_on`, which is asked after each frame, says to stop; the keeper is of no
    /// more use then.
    ///
    /// # Errors
    /// If it comes to another chain than the writer's, the system fails, or what was written cannot be read again. The
    /// keeper is of no more use then.
    pub fn keep(
        &mut self,
        open: u32,
        mut go_on: impl FnMut() -> bool,
    ) -> Result<Option<SnapshotHeader>, KeepError> {
        if open <= self.next
            || !replay_closed(&mut self.replay, self.dir.path(), (self.next, open), |_| go_on())?
        {
            return Ok(None);
        }
        self.next = open;
        let header = snapshot::write(&self.dir, open, &self.replay)?;
        // Before anything is put away that it takes the place of.
        snapshot::read(&directory::snapshot_path(self.dir.path(), open))?;
        self.kept.push(open);
        self.put_away()?;
        Ok(Some(header))
    }

    /// Deletes snapshots that are older than those kept, and archives the segments that these do not need.
    fn put_away(&mut self) -> Result<(), KeepError> {
        let surplus = self.kept.len().saturating_sub(KEPT);
        self.kept.drain(..surplus);
        // With one snapshot alone everything is still needed, should it be damaged.
        let &[oldest, _] = self.kept.as_slice() else { return Ok(()) };
        let (dir, disk) = (self.dir.path(), self.dir.disk());
        let at = |path: &Path| {
            let path = path.to_owned();
            move |source| KeepError::PutAway { path, source }
        };
        let listing = directory::list(dir).map_err(at(dir))?;
        for (_, file) in listing.snapshots.range(..oldest) {
            disk.remove(file).map_err(at(file))?;
        }
        let archive = dir.join(directory::ARCHIVE);
        self.dir.create_durably(&archive).map_err(at(&archive))?;
        for (_, file) in listing.segments.range(..oldest).filter(|(_, file)| !file.starts_with(&archive)) {
            let name = file.file_name().expect("a segment's path ends in its name");
            disk.rename(file, &archive.join(name)).map_err(at(file))?;
        }
        disk.flush_dir(&archive).and_then(|()| disk.flush_dir(dir)).map_err(at(&archive))
    }
}
