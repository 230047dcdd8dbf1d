//! Flushes of the journal: on a thread of their own while the writer executes, or on the writer's.

use std::thread::JoinHandle;
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender, bounded};
use golv_journal::{FlushError, Flusher};
use prometheus::Histogram;

/// A thread that flushes when it is told to, and the same done by the caller. One flush is under way at most.
pub(super) struct FlushThread {
    here: Measured,
    begin: Option<Sender<()>>,
    finished: Receiver<Result<(), FlushError>>,
    thread: Option<JoinHandle<()>>,
}

/// Flushes, and how long they take.
#[derive(Clone)]
struct Measured {
    flusher: Flusher,
    seconds: Histogram,
}

impl Measured {
    fn flush(&self) -> Result<(), FlushError> {
        let began = Instant::now();
        let flushed = self.flusher.flush();
        self.seconds.observe(began.elapsed().as_secs_f64());
        flushed
    }
}

impl FlushThread {
    /// Measures each flush in `seconds`.
    pub(super) fn start(flusher: Flusher, seconds: Histogram) -> Self {
        let (begin, begun) = bounded::<()>(1);
        let (finish, finished) = bounded(1);
        let here = Measured { flusher, seconds };
        let there = here.clone();
        let flush = move || {
            while begun.recv().is_ok() {
                if finish.send(there.flush()).is_err() {
                    return;
                }
            }
        };
        let thread = std::thread::Builder::new()
            .name("golv-flush".into())
            .spawn(flush)
            .expect("the system has room for one more thread");
        Self { here, begin: Some(begin), finished, thread: Some(thread) }
    }

    /// Flushes everything appended so far, on the caller's thread: where nothing is left to do meanwhile, that spares waking another
    /// and being woken by it.
    pub(super) fn here(&self) -> Result<(), FlushError> {
        self.here.flush()
    }

    /// Begins a flush of everything appended so far.
    pub(super) fn begin(&self) {
        let begun = self.begin.as_ref().map(|begin| begin.send(()));
        assert_eq!(begun, Some(Ok(())), "the flush thread ends with this handle alone");
    }

    /// Waits for the flush that was begun.
    pub(super) fn finish(&self) -> Result<(), FlushError> {
        self.finished.recv().expect("the flush thread answers each flush that was begun")
    }
}

impl Drop for FlushThread {
    fn drop(&mut self) {
        drop(self.begin.take());
        if let Some(thread) = self.thread.take() {
            // Its panic, if any, was met as a missing answer.
            let _ = thread.join();
        }
    }
}
