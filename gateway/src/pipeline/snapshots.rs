//! The thread of the second exchange, which takes snapshots while the writer works.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, bounded};
use golv_journal::disk::Directory;
use golv_journal::keeper::{KeepError, Keeper};
use tracing::info;

use super::metrics::Metrics;
use crate::alarm;
use crate::logs::with_sources;

/// Closed segments that wait for the second exchange at most. It takes all that wait at once, so one that finds no room
/// is made good with the next.
const WAITING_MAX: usize = 1024;

/// A thread that replays segments when they are closed, and keeps snapshots. It begins its work with the first one, so an
/// exchange that never fills a segment pays nothing for it.
pub(super) struct SnapshotThread {
    closed: Option<Sender<u32>>,
    /// Set when the exchange stops: nobody waits for a snapshot then.
    stopping: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl SnapshotThread {
    pub(super) fn start(dir: &Directory, metrics: Arc<Metrics>) -> Self {
        let (closed, segments) = bounded(WAITING_MAX);
        let (dir, stopping) = (dir.clone(), Arc::new(AtomicBool::new(false)));
        let told_to_stop = Arc::clone(&stopping);
        let keep = move || {
            give_way();
            // The exchange goes on: its journal is not touched by this.
            // Unwind safety: nothing of it is used afterwards.
            let kept = catch_unwind(AssertUnwindSafe(|| keep(&dir, &segments, &told_to_stop, &metrics)));
            match kept {
                Ok(Ok(())) => {}
                Ok(Err(error)) => alarm::no_more_snapshots(&metrics, &with_sources(&error)),
                Err(_) => alarm::no_more_snapshots(&metrics, "a panic, which was told where it came"),
            }
        };
        let thread = std::thread::Builder::new()
            .name("golv-snapshots".into())
            .spawn(keep)
            .expect("the system has room for one more thread");
        Self { closed: Some(closed), stopping, thread: Some(thread) }
    }

    /// No thread: snapshots are taken by whoever simulates it.
    #[cfg(test)]
    pub(super) fn none() -> Self {
        Self { closed: None, stopping: Arc::default(), thread: None }
    }

    /// Says that the segments before this one are closed.
    pub(super) fn begun(&self, open: u32) {
        if let Some(closed) = &self.closed {
            let _ = closed.try_send(open);
        }
    }
}

impl Drop for SnapshotThread {
    /// Waits, so that nothing works in the directory once it is unlocked. A replay is given up; a snapshot that is being
    /// written is finished.
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::Relaxed);
        drop(self.closed.take());
        if let Some(thread) = self.thread.take() {
            // Its panic was told when it came, and touched nothing but snapshots.
            let _ = thread.join();
        }
    }
}

/// Keeps snapshots until nobody closes segments any more.
fn keep(
    dir: &Directory,
    segments: &Receiver<u32>,
    stopping: &AtomicBool,
    metrics: &Metrics,
) -> Result<(), KeepError> {
    let mut keeper: Option<Keeper> = None;
    while let Ok(open) = segments.recv() {
        if stopping.load(Ordering::Relaxed) {
            break;
        }
        // Only the latest counts.
        let open = segments.try_iter().last().unwrap_or(open);
        let keeper = match &mut keeper {
            Some(keeper) => keeper,
            none => none.insert(Keeper::new(dir.clone())?),
        };
        // Ordering: the flag guards no other memory.
        let go_on = || !stopping.load(Ordering::Relaxed);
        if let Some(snapshot) = keeper.keep(open, go_on)? {
            metrics.set_snapshot(snapshot.sequence);
            info!(segment = snapshot.segment, sequence = snapshot.sequence.0, chain = %snapshot.chain, "snapshot");
        }
    }
    Ok(())
}

/// Lets every other thread go before the calling one.
pub(super) fn give_way() {
    // On Linux a priority belongs to a thread, and no process means the calling one. Elsewhere it would be the process.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::setpriority_process(None, 19);
}
