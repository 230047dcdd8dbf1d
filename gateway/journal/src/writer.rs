//! Creating a journal, appending to it and flushing it.
//!
//! One thread owns the [`Journal`] and appends; a [`Flusher`] serves another, so that the engine works while
//! the disk does. Any failure poisons both: what is on the disk is not known any more, and only
//! reading it again can tell.
//!
//! Progress: an append waits for nothing of ours, not even a running flush (the system may make it wait).
//! Flushes wait for each other.

use std::fmt::Debug;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use golv_engine::id::Sequence;

use crate::directory;
use crate::format::{Header, PAYLOAD_MAX, SEGMENT_HEADER, Settings, write_frame};
use crate::reader::FIRST_SEGMENT;

/// Why a journal was not created.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// The directory holds a journal.
    #[error("there is a journal in {} already; open it, or choose another directory", dir.display())]
    Exists {
        /// The directory.
        dir: PathBuf,
    },
    /// The directory holds something else.
    #[error(
        "{} is not empty, it holds {}; choose an empty or a new directory",
        dir.display(),
        found.display()
    )]
    NotEmpty {
        /// The directory.
        dir: PathBuf,
        /// One of the things that it holds.
        found: PathBuf,
    },
    /// The system failed. What was created up to then stays.
    #[error("{} cannot be created", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Why a frame was not appended. Except when it was poisoned before, the journal is poisoned now.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// An earlier write or flush failed.
    #[error("{} is not written to after a failed write or flush", file.display())]
    Poisoned {
        /// The file.
        file: PathBuf,
    },
    /// The system failed to write.
    #[error("sequence {sequence} was not written to {} at offset {offset}", file.display())]
    Write {
        /// The file.
        file: PathBuf,
        /// Where the frame was to begin, in bytes.
        offset: u64,
        /// The sequence of the frame.
        sequence: Sequence,
        /// What the system said.
        source: io::Error,
    },
    /// The system wrote less than it was given, as it does on a full disk.
    #[error(
        "only {written} of {length} bytes of sequence {sequence} were written to {} at offset {offset}",
        file.display()
    )]
    Short {
        /// The file.
        file: PathBuf,
        /// Where the frame begins, in bytes.
        offset: u64,
        /// The sequence of the frame.
        sequence: Sequence,
        /// How many bytes were written.
        written: usize,
        /// How many bytes the frame has.
        length: usize,
    },
}

/// Why nothing can be taken for durable that was not before. The journal is poisoned.
#[derive(Debug, thiserror::Error)]
pub enum FlushError {
    /// An earlier write or flush failed.
    #[error("{} is not flushed after a failed write or flush", file.display())]
    Poisoned {
        /// The file.
        file: PathBuf,
    },
    /// The system failed to flush.
    #[error("{} was not flushed", file.display())]
    Sync {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Why a journal was not sealed.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The seal was not written.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// The batches before it, or the seal itself, did not become durable.
    #[error(transparent)]
    Flush(#[from] FlushError),
}

/// What the journal asks of its file. The other implementor fails on demand, in tests.
pub(crate) trait Disk: Debug + Send + Sync {
    /// Writes at the end; returns how many bytes.
    fn write(&self, bytes: &[u8]) -> io::Result<usize>;
    /// Makes what was written durable.
    fn flush(&self) -> io::Result<()>;
}

impl Disk for File {
    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        let mut file = self;
        Write::write(&mut file, bytes)
    }

    fn flush(&self) -> io::Result<()> {
        self.sync_data()
    }
}

/// What a journal and its flushers share.
#[derive(Debug)]
struct Shared {
    file: PathBuf,
    disk: Box<dyn Disk>,
    poisoned: AtomicBool,
    /// Held during a flush. The system reports a lost page to one caller and then calls it clean, so of two
    /// flushes at once, one could succeed with what the other has lost.
    flushing: Mutex<()>,
}

impl Shared {
    fn poison(&self) {
        // Ordering: the flag guards no other memory, so Relaxed is enough, here and where it is read. It has
        // to be seen by what comes after the failure: flushes come after each other by the mutex, an append
        // after a flush whose result its thread has received by whatever brought it.
        self.poisoned.store(true, Ordering::Relaxed);
    }

    fn is_poisoned(&self) -> bool {
        self.poisoned.load(Ordering::Relaxed)
    }

    fn flush(&self) -> Result<(), FlushError> {
        let _turn = self.flushing.lock().expect("nothing panics with this lock held");
        if self.is_poisoned() {
            return Err(FlushError::Poisoned { file: self.file.clone() });
        }
        self.disk.flush().map_err(|source| {
            self.poison();
            FlushError::Sync { file: self.file.clone(), source }
        })
    }
}

/// A journal at its end, where batches are appended. It holds the directory's lock as long as it lives.
#[derive(Debug)]
pub struct Journal {
    shared: Arc<Shared>,
    segment: u32,
    next: Sequence,
    /// Where the next frame begins.
    offset: u64,
    /// The frame being written; serves again for each.
    buffer: Vec<u8>,
    /// Locked; closing it frees the directory.
    _lock: File,
}

/// Makes durable what was appended. Clones may be used from any thread.
#[derive(Clone, Debug)]
pub struct Flusher {
    shared: Arc<Shared>,
}

impl Flusher {
    /// Makes durable every batch whose append returned before this call.
    ///
    /// # Errors
    ///
    /// When the flush fails or a write or flush has failed before. What was not durable before must not be
    /// taken for durable then, and the journal refuses all that follows.
    pub fn flush(&self) -> Result<(), FlushError> {
        self.shared.flush()
    }
}

impl Journal {
    /// Creates a journal in a directory that is empty or does not exist yet, durably. Its first command has
    /// sequence 1.
    ///
    /// # Errors
    ///
    /// When the directory holds anything, and when the system fails.
    pub fn create(dir: &Path, settings: Settings, genesis_chain: [u8; 32]) -> Result<Self, CreateError> {
        let io = |path: &Path| {
            let path = path.to_owned();
            move |source| CreateError::Io { path, source }
        };
        directory::create_durably(dir).map_err(io(dir))?;
        let file = directory::segment_path(dir, FIRST_SEGMENT);
        if file.exists() {
            return Err(CreateError::Exists { dir: dir.to_owned() });
        }
        let not_empty = |found| CreateError::NotEmpty { dir: dir.to_owned(), found };
        if let Some(entry) = fs::read_dir(dir).map_err(io(dir))?.next() {
            return Err(not_empty(entry.map_err(io(dir))?.path()));
        }
        // Of two that find the directory empty at once, one creates the lock.
        let path = dir.join(directory::LOCK);
        let lock = match File::create_new(&path) {
            Ok(lock) => lock,
            Err(source) if source.kind() == io::ErrorKind::AlreadyExists => return Err(not_empty(path)),
            Err(source) => return Err(CreateError::Io { path, source }),
        };
        lock.try_lock().map_err(io::Error::from).map_err(io(&path))?;

        let header = Header { settings, segment: FIRST_SEGMENT, first: Sequence(1), chain: genesis_chain };
        let mut open = OpenOptions::new().write(true).create_new(true).open(&file).map_err(io(&file))?;
        open.write_all(&header.to_bytes()).and_then(|()| open.sync_all()).map_err(io(&file))?;
        directory::sync(dir).map_err(io(dir))?;
        Ok(Self::new(file, Box::new(open), lock, header.segment, header.first, SEGMENT_HEADER as u64))
    }

    /// A journal whose file stands at `offset`.
    pub(crate) fn new(
        file: PathBuf,
        disk: Box<dyn Disk>,
        lock: File,
        segment: u32,
        next: Sequence,
        offset: u64,
    ) -> Self {
        let shared = Shared { file, disk, poisoned: AtomicBool::new(false), flushing: Mutex::new(()) };
        Self { shared: Arc::new(shared), segment, next, offset, buffer: Vec::new(), _lock: lock }
    }

    /// The sequence of the next command to be appended.
    pub fn next_sequence(&self) -> Sequence {
        self.next
    }

    /// A handle that makes durable what is appended here.
    pub fn flusher(&self) -> Flusher {
        Flusher { shared: Arc::clone(&self.shared) }
    }

    /// Appends a batch of `count` commands with one write, without waiting for the disk.
    ///
    /// `chain` is the chain up to the batch before. The batch before should be durable by now: recovery takes
    /// two damaged frames for corruption.
    ///
    /// # Errors
    ///
    /// When the write fails or is short, or any write or flush has failed before.
    ///
    /// # Panics
    ///
    /// If `sequence` is not the next, or `payload` is longer than [`PAYLOAD_MAX`] or shorter than `count`
    /// bytes, or `count` is 0.
    pub fn append(
        &mut self,
        sequence: Sequence,
        count: u32,
        chain: &[u8; 32],
        payload: &[u8],
    ) -> Result<(), AppendError> {
        assert_eq!(sequence, self.next, "a batch goes on where the one before ended");
        assert!(count > 0, "a batch holds at least one command");
        assert!(payload.len() >= count as usize, "a command takes at least a byte");
        assert!(payload.len() <= PAYLOAD_MAX as usize, "a batch is at most PAYLOAD_MAX");
        self.write(count, chain, payload)
    }

    /// Marks an orderly stop, durably. `chain` is the chain after the last batch.
    ///
    /// All batches are flushed before the seal is written, so that a seal vouches for them. The journal may
    /// go on afterwards.
    ///
    /// # Errors
    ///
    /// When a write or flush fails, or has failed before.
    pub fn seal(&mut self, chain: &[u8; 32]) -> Result<(), SealError> {
        self.shared.flush()?;
        self.write(0, chain, &[])?;
        self.shared.flush()?;
        Ok(())
    }

    fn write(&mut self, count: u32, chain: &[u8; 32], payload: &[u8]) -> Result<(), AppendError> {
        let (offset, sequence) = (self.offset, self.next);
        let file = || self.shared.file.clone();
        if self.shared.is_poisoned() {
            return Err(AppendError::Poisoned { file: file() });
        }
        write_frame(&mut self.buffer, self.segment, sequence, count, chain, payload);
        let length = self.buffer.len();
        match self.shared.disk.write(&self.buffer) {
            Ok(written) if written == length => {
                self.offset += length as u64;
                self.next = Sequence(sequence.0 + u64::from(count));
                Ok(())
            }
            Ok(written) => {
                self.shared.poison();
                Err(AppendError::Short { file: file(), offset, sequence, written, length })
            }
            Err(source) => {
                self.shared.poison();
                Err(AppendError::Write { file: file(), offset, sequence, source })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What goes wrong, and at which call, counted from 0.
    #[derive(Clone, Copy, Debug)]
    enum Fault {
        Write(usize),
        Short(usize),
        Flush(usize),
    }

    #[derive(Debug)]
    struct Faulty {
        fault: Fault,
        writes: Arc<Mutex<Vec<Vec<u8>>>>,
        flushes: Arc<Mutex<usize>>,
    }

    impl Disk for Faulty {
        fn write(&self, bytes: &[u8]) -> io::Result<usize> {
            let mut writes = self.writes.lock().expect("not poisoned");
            let call = writes.len();
            writes.push(bytes.to_vec());
            match self.fault {
                Fault::Write(at) if at == call => Err(io::Error::other("no write")),
                Fault::Short(at) if at == call => Ok(bytes.len() - 1),
                _ => Ok(bytes.len()),
            }
        }

        fn flush(&self) -> io::Result<()> {
            let mut flushes = self.flushes.lock().expect("not poisoned");
            let call = *flushes;
            *flushes += 1;
            match self.fault {
                Fault::Flush(at) if at == call => Err(io::Error::other("no flush")),
                _ => Ok(()),
            }
        }
    }

    /// A journal on a faulty disk, and how often it was written to and flushed.
    struct Rig {
        journal: Journal,
        writes: Arc<Mutex<Vec<Vec<u8>>>>,
        flushes: Arc<Mutex<usize>>,
    }

    impl Rig {
        fn new(fault: Fault) -> Self {
            let (writes, flushes) = (Arc::default(), Arc::default());
            let disk = Faulty { fault, writes: Arc::clone(&writes), flushes: Arc::clone(&flushes) };
            let lock = tempfile::tempfile().expect("a temporary file");
            let journal = Journal::new("faulty".into(), Box::new(disk), lock, 1, Sequence(1), 128);
            Self { journal, writes, flushes }
        }

        fn append(&mut self) -> Result<(), AppendError> {
            let next = self.journal.next_sequence();
            self.journal.append(next, 1, &[0; 32], b"command")
        }

        fn calls(&self) -> (usize, usize) {
            (self.writes.lock().expect("not poisoned").len(), *self.flushes.lock().expect("not poisoned"))
        }

        /// Everything is refused, and nothing more reaches the disk.
        fn assert_poisoned(&mut self) {
            let calls = self.calls();
            assert!(matches!(self.append(), Err(AppendError::Poisoned { .. })));
            assert!(matches!(self.journal.flusher().flush(), Err(FlushError::Poisoned { .. })));
            let sealed = self.journal.seal(&[0; 32]);
            assert!(matches!(sealed, Err(SealError::Flush(FlushError::Poisoned { .. }))));
            assert_eq!(self.calls(), calls);
        }
    }

    #[test]
    fn a_failed_write_poisons() {
        let mut rig = Rig::new(Fault::Write(1));
        rig.append().expect("the first write works");
        let failed = rig.append();
        assert!(
            matches!(&failed, Err(AppendError::Write { offset: 199, sequence: Sequence(2), .. })),
            "{failed:?}"
        );
        rig.assert_poisoned();
    }

    #[test]
    fn a_short_write_poisons() {
        let mut rig = Rig::new(Fault::Short(0));
        let failed = rig.append();
        assert!(
            matches!(&failed, Err(AppendError::Short { written: 70, length: 71, offset: 128, .. })),
            "{failed:?}"
        );
        rig.assert_poisoned();
    }

    #[test]
    fn a_failed_flush_poisons() {
        let mut rig = Rig::new(Fault::Flush(1));
        let flusher = rig.journal.flusher();
        rig.append().expect("the first write works");
        flusher.flush().expect("the first flush works");
        rig.append().expect("the second write works");
        assert!(matches!(flusher.flush(), Err(FlushError::Sync { .. })));
        rig.assert_poisoned();
    }

    #[test]
    fn a_seal_follows_what_it_vouches_for() {
        for failing in [0, 1] {
            let mut rig = Rig::new(Fault::Flush(failing));
            rig.append().expect("writes work");
            let sealed = rig.journal.seal(&[0; 32]);
            assert!(matches!(sealed, Err(SealError::Flush(FlushError::Sync { .. }))), "{sealed:?}");
            // Without the first flush there is no seal.
            assert_eq!(rig.calls(), (1 + failing, 1 + failing));
            rig.assert_poisoned();
        }
    }

    #[test]
    fn a_frame_is_one_write_and_no_flush() {
        let mut rig = Rig::new(Fault::Write(usize::MAX));
        rig.append().expect("nothing fails");
        rig.append().expect("nothing fails");
        assert_eq!(rig.calls(), (2, 0));
        let writes = rig.writes.lock().expect("not poisoned");
        assert_eq!(writes[0].len(), 64 + 7);
    }

    #[test]
    fn flushing_from_another_thread_does_not_hold_up_appending() {
        let mut rig = Rig::new(Fault::Write(usize::MAX));
        // A flush that does not come to its end.
        let held = Arc::clone(&rig.flushes);
        let stuck = held.lock().expect("not poisoned");
        let flusher = rig.journal.flusher();
        std::thread::scope(|scope| {
            let flushing = scope.spawn(move || flusher.flush());
            while rig.journal.shared.flushing.try_lock().is_ok() {
                std::thread::yield_now();
            }
            rig.append().expect("an append waits for no flush");
            drop(stuck);
            flushing.join().expect("no panic").expect("no fault");
        });
    }
}
