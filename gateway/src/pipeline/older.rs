//! What happened before the snapshot that an exchange was started with, for clients that have not seen it.
//!
//! A start replays from the newest snapshot on, so what happened before is not in memory. Most clients have seen it. For
//! the first that has not, the journal is replayed from the founding up to the snapshot, on a thread of its own, and what
//! came of it is kept for all others.

use std::path::{Path, PathBuf};

use golv_journal::restart::replay_before;
use tokio::sync::OnceCell;

use tracing::warn;

use super::History;
use crate::logs::with_sources;

/// The history before a segment.
pub(super) struct Older {
    /// The journal's directory and the segment; nothing if there is no history before.
    place: Option<(PathBuf, u32)>,
    history: OnceCell<Option<History>>,
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
        let replayed = self.history.get_or_init(|| async {
            let Some((dir, segment)) = self.place.clone() else { return Some(History::default()) };
            let replay = tokio::task::spawn_blocking(move || replay(&dir, segment));
            // A panic is told where it happens.
            replay.await.ok().flatten()
        });
        replayed.await.clone()
    }
}

fn replay(dir: &Path, segment: u32) -> Option<History> {
    let mut history = History::default();
    let replayed = replay_before(dir, segment, |happened| {
        if !happened.is_empty() {
            history.add(happened.into());
        }
    });
    match replayed {
        Ok(()) => Some(history),
        Err(error) => {
            warn!(
                segment,
                reason = with_sources(&error),
                "what happened before this segment is not to be had"
            );
            None
        }
    }
}
