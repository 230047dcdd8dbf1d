//! The thread that flushes the journal while the writer executes.

use std::thread::JoinHandle;
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender, bounded};
use golv_journal::{FlushError, Flusher};
use prometheus::Histogram;

/// A thread that flushes when it is told to. One flush is under way at most.
pub(super) struct FlushThread {
    begin: Option<Sender<()>>,
    finished: Receiver<Result<(), FlushError>>,
    thread: Option<JoinHandle<()>>,
}

impl FlushThread {
    /// Measures each flush in `seconds`.
    pub(super) fn start(flusher: Flusher, seconds: Histogram) -> Self {
        let (begin, begun) = bounded::<()>(1);
        let (finish, finished) = bounded(1);
        let flush = move || {
            while begun.recv().is_ok() {
                let began = Instant::now();
                let flushed = flusher.flush();
                seconds.observe(began.elapsed().as_secs_f64());
                if finish.send(flushed).is_err() {
                    return;
                }
            }
        };
        let thread = std::thread::Builder::new()
            .name("golv-flush".into())
            .spawn(flush)
            .expect("the system has room for one more thread");
        Self { begin: Some(begin), finished, thread: Some(thread) }
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
