//! What happened before the snapshot that an exchange was started with, for clients that have not seen it.
//!
//! A start replays from the newest snapshot on, so what happened before is not in memory. Most clients have seen it. For
//! the first that has not, the journal is replayed from the founding up to the snapshot, on a thread of its own, and what
//! came of it is kept for all others.

use std::path::{Path, PathBuf};

use golv_journal::restart::replay_before;
use tokio::sync::{OnceCell, oneshot};

use tracing::warn;

use super::History;
use super::snapshots::give_way;
use crate::logs::with_sources;

/// The history before a segment.
pub(super) struct Older {
    /// The journal's directory and the segment; nothing if there is no history before.
    place: Option<(PathBuf, u32)>,
    history: OnceCell<History>,
}

impl Older {
    /// There is nothing before.
    pub(super) fn none() -> Self {
        Self { place: None, history: OnceCell::new() }
    }

    /// What is in the segments before this one.
    pub(super) fn before(dir: &Path, segment: u32) -> Self {
        Self { place: Some((dir.to_owned(), segment)), history: OnceCell::new() }
    }

    /// The history; `None` if the journal does not hold it any more.
    pub(super) async fn history(&self) -> Option<History> {
        // A failure is not kept: what was missing may be there when the next one asks.
        let replayed = self.history.get_or_try_init(|| async {
            let Some((dir, segment)) = self.place.clone() else { return Ok(History::default()) };
            let (tell, told) = oneshot::channel();
            // A thread of its own, which may give way to all others, and which nobody waits for when the process ends.
            let thread = std::thread::Builder::new().name("golv-older".into());
            let spawned = thread.spawn(move || {
                give_way();
                replay(&dir, segment, tell);
            });
            spawned.map_err(drop)?;
            told.await.map_err(drop)
        });
        replayed.await.ok().cloned()
    }
}

/// Tells what happened before a segment, unless it is not to be had, or nobody waits for it any more.
fn replay(dir: &Path, segment: u32, tell: oneshot::Sender<History>) {
    let mut history = History::default();
    let replayed = replay_before(dir, segment, |replay| {
        if !replay.happened().is_empty() {
            history.add(replay.happened().into());
        }
        !tell.is_closed()
    });
    match replayed {
        Ok(_) => drop(tell.send(history)),
        Err(error) => {
            warn!(
                segment,
                reason = with_sources(&error),
                "what happened before this segment is not to be had"
            );
        }
    }
}
