//! What happened before the stretch that is kept in memory, for clients that have not seen it.
//!
//! Most clients have seen it. For those who have not, the journal is replayed from the founding on, on a thread of its own that
//! gives way to all others, and what happens there is passed on as it happens: nothing is kept. One replay serves all who
//! have asked when it begins, at the pace of the slowest among them; one that takes nothing for [`PATIENCE`] is left behind.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use golv_journal::execute::Happened;
use golv_journal::restart::replay_before;
use tokio::runtime::Handle;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::time::timeout;
use tracing::warn;

use super::snapshots::give_way;
use crate::logs::with_sources;

/// Batches that wait for somebody who has asked.
const CAPACITY: usize = 64;

/// How long a replay waits for somebody who takes nothing, which then is too slow.
const PATIENCE: Duration = Duration::from_secs(5);

/// A part of what happened before.
#[derive(Clone, Debug)]
pub enum Piece {
    /// What a batch made happen; at least one event.
    Batch(Arc<[Happened]>),
    /// That was all.
    End,
    /// The rest is not to be had: segments are missing or damaged.
    Gone,
}

/// Somebody who waits for what happened before a segment.
struct Asked {
    segment: u32,
    pieces: Sender<Piece>,
}

/// The journal's past.
#[derive(Clone)]
pub(super) struct Older {
    dir: Arc<PathBuf>,
    /// Those who wait for the next replay; `None` while no thread replays. Held for a moment at a time, and never by the writer.
    waiting: Arc<Mutex<Option<Vec<Asked>>>>,
}

impl Older {
    /// The past of the journal in a directory.
    pub(super) fn of(dir: &Path) -> Self {
        Self { dir: Arc::new(dir.to_owned()), waiting: Arc::default() }
    }

    /// What happened before a segment.
    pub(super) fn before(&self, segment: u32) -> Receiver<Piece> {
        let (pieces, receiver) = channel(CAPACITY);
        let asked = Asked { segment, pieces };
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(waiting) = waiting.as_mut() {
            waiting.push(asked);
            return receiver;
        }
        *waiting = Some(vec![asked]);
        let (older, runtime) = (self.clone(), Handle::current());
        // A thread of its own, which nobody waits for when the process ends.
        let spawned = std::thread::Builder::new().name("golv-older".into()).spawn(move || {
            give_way();
            older.work(&runtime);
        });
        if spawned.is_err() {
            // Whoever waits finds its queue closed.
            *waiting = None;
        }
        receiver
    }

    /// Replays for all who wait, until nobody does.
    fn work(&self, runtime: &Handle) {
        let working = Working(self);
        while let Some(mut asked) = working.next() {
            self.replay(runtime, &mut asked);
        }
    }

    /// Tells each what happened before its segment, unless that is not to be had, or nobody waits for it any more.
    fn replay(&self, runtime: &Handle, asked: &mut Vec<Asked>) {
        let Some(until) = asked.iter().map(|asked| asked.segment).max() else { return };
        let replayed = replay_before(&self.dir, until, |replay| {
            let segment = replay.segment();
            if !replay.happened().is_empty() {
                let batch: Arc<[Happened]> = replay.happened().into();
                asked.retain(|asked| {
                    segment >= asked.segment || tell(runtime, asked, Piece::Batch(Arc::clone(&batch)))
                });
            }
            !asked.is_empty()
        });
        match replayed {
            Ok(_) => {
                for asked in asked.iter() {
                    // Who does not take it has gone.
                    let _ = tell(runtime, asked, Piece::End);
                }
            }
            Err(error) => {
                let reason = with_sources(&error);
                warn!(segment = until, reason, "what happened before this segment is not to be had");
                for asked in asked.iter() {
                    // Who does not take it is told that it is too slow.
                    let _ = tell(runtime, asked, Piece::Gone);
                }
            }
        }
    }
}

/// The one thread that replays. Should it fail, whoever waits finds its queue closed, and the next who asks begins anew.
struct Working<'a>(&'a Older);

impl Working<'_> {
    /// Those who wait now; `None` if nobody does: then this is the end of the thread, and said so in the same moment.
    fn next(&self) -> Option<Vec<Asked>> {
        let mut waiting = self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let asked = waiting.as_mut().map(std::mem::take).filter(|asked| !asked.is_empty());
        if asked.is_none() {
            *waiting = None;
        }
        asked
    }
}

impl Drop for Working<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            *self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
    }
}

/// `false` if it is not wanted any more, or taken too slowly.
fn tell(runtime: &Handle, asked: &Asked, piece: Piece) -> bool {
    let sent = async { timeout(PATIENCE, asked.pieces.send(piece)).await };
    matches!(runtime.block_on(sent), Ok(Ok(())))
}
