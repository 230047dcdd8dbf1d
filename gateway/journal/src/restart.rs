//! From what is on the disk to an exchange that goes on: the newest snapshot that is of use, then the rest of the
//! journal.

use std::path::{Path, PathBuf};

use golv_engine::id::Sequence;

use crate::directory::{self, Listing};
use crate::disk::Directory;
use crate::reader::{FIRST_SEGMENT, scan_range};
use crate::recovery::whole;
use crate::replay::{Replay, ReplayError, Replayed};
use crate::snapshot::{self, Snapshot, SnapshotError, SnapshotHeader};
use crate::{Journal, Locked, OpenError, ReadError, RecoverError, ScanError, Verdict, scan_from};

/// Why an exchange cannot go on from its journal.
#[derive(Debug, thiserror::Error)]
pub enum RestartError {
    /// The journal could not be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// It could not be replayed.
    #[error(transparent)]
    Replay(#[from] ReplayError),
    /// It could not be read to its end, or made ready for appending.
    #[error(transparent)]
    Recover(#[from] RecoverError),
    /// It holds no command: creating it was interrupted.
    #[error("{} was never founded; remove it and found the exchange again", dir.display())]
    NotFounded {
        /// The journal's directory.
        dir: PathBuf,
    },
}

impl RestartError {
    pub(crate) fn read(error: ReadError) -> Self {
        Self::Recover(error.into())
    }
}

/// Where a replay begins.
#[derive(Debug)]
pub struct Begun {
    /// Before the first frame of [`Replay::segment`].
    pub replay: Replay,
    /// The snapshot that it begins with: its segment and last command. `None` if it begins with the founding.
    pub snapshot: Option<(u32, Sequence)>,
    /// Newer snapshots that were of no use.
    pub passed_over: Vec<SnapshotError>,
}

/// An exchange that is about to go on: its journal is locked, and nothing was replayed yet.
#[derive(Debug)]
pub struct Restart {
    locked: Locked,
    /// Where replay begins.
    pub begun: Begun,
}

/// An exchange that goes on.
#[derive(Debug)]
pub struct Restarted {
    /// Where the journal took it to.
    pub replayed: Replayed,
    /// The journal, to append to.
    pub journal: Journal,
    /// How it ended: [`Verdict::Clean`] or [`Verdict::TornTail`], which is worth a warning.
    pub verdict: Verdict,
}

impl Restart {
    /// Locks the journal in a directory, and begins where [`begin`] does.
    ///
    /// # Errors
    /// If there is no journal, it is in use, or there is neither a snapshot nor the first segment.
    pub fn begin(dir: impl Into<Directory>) -> Result<Self, RestartError> {
        let locked = Journal::lock(dir)?;
        let begun = begin(locked.dir())?;
        Ok(Self { locked, begun })
    }

    /// Replays what is left and makes the journal ready for appending. `each` is called after each frame.
    ///
    /// # Errors
    /// If the journal is damaged, or replaying it does not give what it was written from.
    pub fn finish(self, mut each: impl FnMut(&Replay)) -> Result<Restarted, RestartError> {
        let Self { locked, begun: Begun { mut replay, .. } } = self;
        let dir = locked.dir().to_owned();
        let mut opened = locked.read_from(replay.segment())?;
        while let Some(frame) = opened.next_frame()? {
            replay.frame(&frame)?;
            each(&replay);
        }
        // A segment that was begun, and in which nothing is yet, vouches for the last batch before it.
        if opened.current().segment != replay.segment() {
            replay.begins(opened.current())?;
        }
        let replayed = replay.finish();
        if replayed.exchange.sequence() == Sequence(0) {
            return Err(RestartError::NotFounded { dir });
        }
        let (journal, verdict) = opened.into_journal()?;
        Ok(Restarted { replayed, journal, verdict })
    }
}

/// Begins a replay with the newest snapshot that is of use, or before the founding.
///
/// # Errors
/// If there is no journal, or neither a snapshot nor the first segment.
pub fn begin(dir: &Path) -> Result<Begun, RestartError> {
    begin_at_or_before(dir, Sequence(u64::MAX))
}

/// Begins a replay as [`begin`] does, but not after a sequence.
///
/// # Errors
/// If there is no journal, or neither a snapshot at or before that place nor the first segment.
pub fn begin_at_or_before(dir: &Path, last: Sequence) -> Result<Begun, RestartError> {
    let listing = list(dir)?;
    let mut passed_over = Vec::new();
    for file in listing.snapshots.values().rev() {
        if SnapshotHeader::read(file).is_ok_and(|header| header.sequence > last) {
            continue;
        }
        match fitting(dir, file) {
            Ok(snapshot) => return Ok(Begun::from(snapshot, passed_over)),
            Err(error) => passed_over.push(error),
        }
    }
    from_the_founding(dir, passed_over)
}

/// Begins a replay as early as can be: before the founding or, where the first segments are missing, with the oldest
/// snapshot that is of use.
///
/// # Errors
/// If there is no journal, or neither the first segment nor a snapshot.
pub fn begin_earliest(dir: &Path) -> Result<Begun, RestartError> {
    let listing = list(dir)?;
    let mut passed_over = Vec::new();
    if !listing.segments.contains_key(&FIRST_SEGMENT) {
        for file in listing.snapshots.values() {
            match fitting(dir, file) {
                Ok(snapshot) => return Ok(Begun::from(snapshot, passed_over)),
                Err(error) => passed_over.push(error),
            }
        }
    }
    from_the_founding(dir, passed_over)
}

impl Begun {
    fn from(snapshot: Snapshot, passed_over: Vec<SnapshotError>) -> Self {
        let taken = Some((snapshot.segment, snapshot.replayed.exchange.sequence()));
        Self { replay: Replay::from_snapshot(snapshot), snapshot: taken, passed_over }
    }
}

fn list(dir: &Path) -> Result<Listing, RestartError> {
    let io = |source| ScanError::Io { path: dir.to_owned(), source };
    Ok(directory::list(dir).map_err(io).map_err(OpenError::Scan)?)
}

fn from_the_founding(dir: &Path, passed_over: Vec<SnapshotError>) -> Result<Begun, RestartError> {
    // Headers of later segments are looked at by whoever reads those.
    let reader = scan_range(dir, FIRST_SEGMENT, FIRST_SEGMENT + 1).or_else(|_| scan_from(dir, FIRST_SEGMENT));
    let reader = reader.map_err(OpenError::Scan)?;
    Ok(Begun { replay: Replay::new(reader.header())?, snapshot: None, passed_over })
}

/// Reads a snapshot and looks whether its segment continues it.
///
/// # Errors
/// If it is of no use.
pub fn fitting(dir: &Path, file: &Path) -> Result<Snapshot, SnapshotError> {
    // What it says of itself first, which costs nothing.
    let SnapshotHeader { segment, sequence, chain, .. } = SnapshotHeader::read(file)?;
    let fits = scan_range(dir, segment, segment.saturating_add(1)).is_ok_and(|reader| {
        let header = reader.header();
        header.chain == chain.0
            && Some(header.first.0) == sequence.0.checked_add(1)
            && file == directory::snapshot_path(dir, segment)
    });
    if !fits {
        return Err(SnapshotError::OtherJournal { file: file.to_owned(), segment });
    }
    snapshot::read(file)
}

/// Replays from the founding up to a segment's beginning, for what happened before a snapshot. `each` is called after each
/// frame, and says whether to go on; if not, this returns `false`.
///
/// # Errors
/// If the segments before are not all there, or do not replay to where that segment begins.
pub fn replay_before(
    dir: &Path,
    segment: u32,
    each: impl FnMut(&Replay) -> bool,
) -> Result<bool, RestartError> {
    let mut replay = from_the_founding(dir, Vec::new())?.replay;
    replay_closed(&mut replay, dir, (FIRST_SEGMENT, segment), each)
}

/// Replays closed segments, from one up to another, at whose beginning the replay must come out.
pub(crate) fn replay_closed(
    replay: &mut Replay,
    dir: &Path,
    (from, before): (u32, u32),
    mut each: impl FnMut(&Replay) -> bool,
) -> Result<bool, RestartError> {
    let mut reader = scan_range(dir, from, before).map_err(OpenError::Scan)?;
    while let Some(frame) = reader.next_frame().map_err(RestartError::read)? {
        replay.frame(&frame)?;
        if !each(replay) {
            return Ok(false);
        }
    }
    whole(reader.finish().map_err(RestartError::read)?)?;
    let next = scan_range(dir, before, before.saturating_add(1)).map_err(OpenError::Scan)?;
    replay.begins(next.header())?;
    Ok(true)
}
