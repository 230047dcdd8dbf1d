//! What a journal and its flushers share: the file that is written to, and whether anything has failed.
//!
//! One thread appends and rotates, others flush. The rules that hold between them:
//!
//! - A flush that begins after an append has returned covers the file that was appended to.
//! - After any failure nothing succeeds: of two flushes at once, one cannot call clean what the other has lost, since
//!   the system reports a lost page to one caller and then forgets it.
//!
//! The model checker runs this very code: see the tests under `cfg(loom)`.

use std::path::PathBuf;

#[cfg(loom)]
use loom::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};
#[cfg(not(loom))]
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use crate::disk::DiskFile;
use crate::writer::FlushError;

/// A segment that is written to.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) file: PathBuf,
    pub(crate) open: Box<dyn DiskFile>,
}

#[derive(Debug)]
pub(crate) struct Shared {
    poisoned: AtomicBool,
    /// Held during a flush, so that flushes wait for each other.
    target: Mutex<Arc<Target>>,
}

impl Shared {
    pub(crate) fn new(target: Arc<Target>) -> Self {
        Self { poisoned: AtomicBool::new(false), target: Mutex::new(target) }
    }

    pub(crate) fn poison(&self) {
        // Ordering: the flag guards no other memory, so Relaxed is enough, here and where it is read. It has
        // to be seen by what comes after the failure: flushes come after each other by the mutex, an append
        // after a flush whose result its thread has received by whatever brought it.
        self.poisoned.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_poisoned(&self) -> bool {
        self.poisoned.load(Ordering::Relaxed)
    }

    pub(crate) fn flush(&self) -> Result<(), FlushError> {
        let target = self.target.lock().expect("nothing panics with this lock held");
        if self.is_poisoned() {
            return Err(FlushError::Poisoned { file: target.file.clone() });
        }
        target.open.flush().map_err(|source| {
            self.poison();
            FlushError::Sync { file: target.file.clone(), source }
        })
    }

    /// From now on flushes are of another file. Only its owner rotates, and has flushed the one before.
    pub(crate) fn rotate(&self, target: Arc<Target>) {
        *self.target.lock().expect("nothing panics with this lock held") = target;
    }

    /// Whether a flush is under way. For tests.
    #[cfg(all(test, not(loom)))]
    pub(crate) fn is_flushing(&self) -> bool {
        self.target.try_lock().is_err()
    }
}

#[cfg(all(test, loom))]
mod tests {
    use std::io;

    use super::*;
    use loom::sync::atomic::AtomicUsize;
    use loom::thread;

    /// A disk that keeps what was written in a cache until it is flushed, as the system does: a flush that fails loses
    /// the cache, and the next one succeeds.
    #[derive(Debug, Default)]
    struct Cache {
        written: AtomicUsize,
        durable: AtomicUsize,
        lost: AtomicBool,
        fails_once: AtomicBool,
    }

    #[derive(Clone, Debug)]
    struct Handle(Arc<Cache>);

    impl DiskFile for Handle {
        fn write_at(&self, _: u64, bytes: &[u8]) -> io::Result<usize> {
            self.0.written.fetch_add(bytes.len(), Ordering::SeqCst);
            Ok(bytes.len())
        }

        fn flush(&self) -> io::Result<()> {
            if self.0.fails_once.swap(false, Ordering::SeqCst) {
                self.0.lost.store(true, Ordering::SeqCst);
                return Err(io::Error::other("a page was lost"));
            }
            self.0.durable.store(self.0.written.load(Ordering::SeqCst), Ordering::SeqCst);
            Ok(())
        }
    }

    fn target(cache: &Arc<Cache>) -> Arc<Target> {
        Arc::new(Target { file: "modelled".into(), open: Box::new(Handle(Arc::clone(cache))) })
    }

    fn cache(fails_once: bool) -> Arc<Cache> {
        Arc::new(Cache { fails_once: AtomicBool::new(fails_once), ..Cache::default() })
    }

    #[test]
    fn of_two_flushes_at_once_none_calls_clean_what_was_lost() {
        loom::model(|| {
            let cache = cache(true);
            let open = target(&cache);
            let shared = Arc::new(Shared::new(Arc::clone(&open)));
            open.open.write_at(0, b"frame").expect("writes work");
            let other = Arc::clone(&shared);
            let flushing = thread::spawn(move || other.flush());
            let outcomes = [shared.flush(), flushing.join().expect("no panic")];
            assert!(outcomes.iter().all(Result::is_err), "{outcomes:?}");
            assert!(shared.is_poisoned());
        });
    }

    #[test]
    fn a_flush_after_an_append_covers_it_through_a_rotation() {
        loom::model(|| {
            let (old, new) = (cache(false), cache(false));
            let first = target(&old);
            let shared = Arc::new(Shared::new(Arc::clone(&first)));
            // A flush that was begun before, and may come at any time.
            let stray = Arc::clone(&shared);
            let stray = thread::spawn(move || stray.flush().is_ok());
            first.open.write_at(0, b"one").expect("writes work");
            // As a journal rotates: flush, then the next file.
            shared.flush().expect("flushes work");
            assert_eq!(old.durable.load(Ordering::SeqCst), 3);
            let second = target(&new);
            shared.rotate(Arc::clone(&second));
            second.open.write_at(0, b"two!").expect("writes work");
            let flusher = Arc::clone(&shared);
            thread::spawn(move || flusher.flush().expect("flushes work")).join().expect("no panic");
            assert_eq!(new.durable.load(Ordering::SeqCst), 4);
            assert!(stray.join().expect("no panic"));
        });
    }

    #[test]
    fn after_a_failed_write_no_flush_succeeds_that_begins_later() {
        loom::model(|| {
            let shared = Arc::new(Shared::new(target(&cache(false))));
            let other = Arc::clone(&shared);
            let poisoning = thread::spawn(move || other.poison());
            // May come before or after.
            let _ = shared.flush();
            poisoning.join().expect("no panic");
            assert!(matches!(shared.flush(), Err(FlushError::Poisoned { .. })));
        });
    }
}
