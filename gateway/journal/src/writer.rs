//! Creating a journal, appending to it, flushing it, and going on to the next segment.
//!
//! One thread owns the [`Journal`] and appends; a [`Flusher`] serves another, so that the engine works while
//! the disk does. Any failure poisons both: what is on the disk is not known any more, and only
//! reading it again can tell.
//!
//! Progress: an append waits for nothing of ours, not even a running flush (the system may make it wait).
//! Flushes wait for each other.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

#[cfg(loom)]
use loom::sync::Arc;
#[cfg(not(loom))]
use std::sync::Arc;

use golv_engine::id::Sequence;

use crate::directory;
use crate::disk::Directory;
use crate::format::{
    FRAME_HEADER, FRAME_MAX, Header, PAYLOAD_MAX, SEGMENT_BYTES_MAX, SEGMENT_HEADER, Settings, write_frame,
};
use crate::reader::FIRST_SEGMENT;
use crate::shared::{Shared, Target};
use crate::spare::Spare;

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
    /// The next segment could not be begun.
    #[error("{} was not begun at sequence {sequence}", file.display())]
    Rotate {
        /// The next segment.
        file: PathBuf,
        /// The sequence that it was to begin with.
        sequence: Sequence,
        /// What the system said.
        source: io::Error,
    },
    /// The segment that was full did not become durable, so the next one was not begun.
    #[error(transparent)]
    Flush(#[from] FlushError),
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

/// A journal at its end, where batches are appended. It holds the directory's lock as long as it lives.
#[derive(Debug)]
pub struct Journal {
    dir: Directory,
    shared: Arc<Shared>,
    /// The segment that is written to.
    target: Arc<Target>,
    settings: Settings,
    segment: u32,
    next: Sequence,
    /// Where the next frame begins.
    offset: u64,
    /// The frame being written; serves again for each.
    buffer: Vec<u8>,
    /// Before the lock, since it is dropped first: nothing writes to a directory that is not locked.
    spare: Spare,
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
    ///
    /// # Panics
    ///
    /// If segments are to be longer than [`crate::SEGMENT_BYTES_MAX`].
    pub fn create(
        dir: impl Into<Directory>,
        settings: Settings,
        genesis_chain: [u8; 32],
    ) -> Result<Self, CreateError> {
        assert!(settings.segment_bytes <= SEGMENT_BYTES_MAX, "longer segments are not read");
        let dir = dir.into();
        let lock = claim(&dir)?;
        let io = |source| CreateError::Io { path: dir.path().to_owned(), source };
        let header = Header { settings, segment: FIRST_SEGMENT, first: Sequence(1), chain: genesis_chain };
        let mut spare = Spare::new(&dir, settings.segment_bytes);
        let target = begin_segment(&dir, &header, &mut spare).map_err(io)?;
        Ok(Self::new(dir, target, lock, &header, header.first, SEGMENT_HEADER as u64))
    }

    /// A journal whose next frame goes to `offset` of a segment with this header.
    pub(crate) fn new(
        dir: Directory,
        target: Target,
        lock: File,
        header: &Header,
        next: Sequence,
        offset: u64,
    ) -> Self {
        let target = Arc::new(target);
        Self {
            spare: Spare::new(&dir, header.settings.segment_bytes),
            dir,
            shared: Arc::new(Shared::new(Arc::clone(&target))),
            target,
            settings: header.settings,
            segment: header.segment,
            next,
            offset,
            buffer: Vec::new(),
            _lock: lock,
        }
    }

    /// The sequence of the next command to be appended.
    pub fn next_sequence(&self) -> Sequence {
        self.next
    }

    /// The number of the segment that is written to. When it has risen, those before it are closed, and durable.
    pub fn segment(&self) -> u32 {
        self.segment
    }

    /// What was settled when the journal was created.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// A handle that makes durable what is appended here.
    pub fn flusher(&self) -> Flusher {
        Flusher { shared: Arc::clone(&self.shared) }
    }

    /// Appends a batch of `count` commands with one write, without waiting for the disk. Where the segment has no room
    /// for it, the next one is begun, which does wait.
    ///
    /// `chain` is the chain up to the batch before. The batch before should be durable by now: what is
    /// damaged at the end is cut, and more than a frame can be long is corruption.
    ///
    /// # Errors
    ///
    /// When the write fails or is short, the next segment cannot be begun, or any write or flush has failed before.
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
        self.refuse_if_poisoned()?;
        let segment_bytes = u64::from(self.settings.segment_bytes);
        // With room for a seal behind it. An empty segment takes any batch.
        let end = self.offset + (2 * FRAME_HEADER + payload.len()) as u64;
        if end > segment_bytes && self.offset > SEGMENT_HEADER as u64 {
            self.rotate(chain)?;
        }
        self.write(count, chain, payload)?;
        // Early enough that one frame of any length does not come before it.
        if self.offset + FRAME_MAX.max(segment_bytes / 2) > segment_bytes {
            self.spare.prepare();
        }
        Ok(())
    }

    /// Appends a skip, durably: the batch before it has commands that are set aside. `chain` is the chain after that
    /// batch, as it is with the skip.
    ///
    /// # Errors
    ///
    /// When a write or flush fails, or has failed before.
    pub(crate) fn append_skip(&mut self, chain: &[u8; 32], payload: &[u8]) -> Result<(), SealError> {
        assert!(!payload.is_empty(), "a skip says something");
        self.refuse_if_poisoned()?;
        // In the segment of its batch, whatever room there is.
        self.write(0, chain, payload)?;
        self.shared.flush()?;
        Ok(())
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

    fn refuse_if_poisoned(&self) -> Result<(), AppendError> {
        if self.shared.is_poisoned() {
            return Err(AppendError::Poisoned { file: self.target.file.clone() });
        }
        Ok(())
    }

    /// Goes on to the next segment. `chain` is the chain up to the last batch of this one.
    fn rotate(&mut self, chain: &[u8; 32]) -> Result<(), AppendError> {
        self.shared.flush()?;
        let segment = self.segment.checked_add(1).expect("a disk has no room for so many segments");
        let header = Header { settings: self.settings, segment, first: self.next, chain: *chain };
        let target = begin_segment(&self.dir, &header, &mut self.spare).map_err(|source| {
            self.shared.poison();
            let file = directory::segment_path(self.dir.path(), segment);
            AppendError::Rotate { file, sequence: self.next, source }
        })?;
        self.target = Arc::new(target);
        self.shared.rotate(Arc::clone(&self.target));
        self.segment = segment;
        self.offset = SEGMENT_HEADER as u64;
        Ok(())
    }

    fn write(&mut self, count: u32, chain: &[u8; 32], payload: &[u8]) -> Result<(), AppendError> {
        let (offset, sequence) = (self.offset, self.next);
        let file = || self.target.file.clone();
        self.refuse_if_poisoned()?;
        write_frame(&mut self.buffer, self.segment, sequence, count, chain, payload);
        let length = self.buffer.len();
        match self.target.open.write_at(offset, &self.buffer) {
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

/// Takes a directory for a new journal, which is empty or does not exist yet, and locks it.
pub(crate) fn claim(directory: &Directory) -> Result<File, CreateError> {
    let dir = directory.path();
    let io = |path: &Path| {
        let path = path.to_owned();
        move |source| CreateError::Io { path, source }
    };
    directory.create_durably(dir).map_err(io(dir))?;
    if directory::segment_path(dir, FIRST_SEGMENT).exists() {
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
    Ok(lock)
}

/// Makes the spare a segment: its header first, then its name, each durably. So a file that is named like a segment
/// has a whole header.
fn begin_segment(dir: &Directory, header: &Header, spare: &mut Spare) -> io::Result<Target> {
    let open = spare.take()?;
    let path = directory::segment_path(dir.path(), header.segment);
    open.write_all_at(0, &header.to_bytes())?;
    open.flush_all()?;
    if path.exists() {
        // A rename would replace it.
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, "there is a file of this name already"));
    }
    dir.disk().rename(&spare.path(), &path)?;
    dir.disk().flush_dir(dir.path())?;
    Ok(Target { file: path, open })
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::Mode;
    use crate::disk::DiskFile;
    use std::sync::Mutex;

    /// What goes wrong, and at which call, counted from 0.
    #[derive(Clone, Copy, Debug)]
    enum Fault {
        Write(usize, io::ErrorKind),
        Short(usize),
        Flush(usize, io::ErrorKind),
    }

    /// Nothing goes wrong.
    const NONE: Fault = Fault::Short(usize::MAX);

    /// Of any kind, and what a full disk says.
    const KINDS: [io::ErrorKind; 2] = [io::ErrorKind::Other, io::ErrorKind::StorageFull];

    #[derive(Debug)]
    struct Faulty {
        fault: Fault,
        writes: Arc<Mutex<Vec<Vec<u8>>>>,
        flushes: Arc<Mutex<usize>>,
    }

    impl DiskFile for Faulty {
        fn write_at(&self, _: u64, bytes: &[u8]) -> io::Result<usize> {
            let mut writes = self.writes.lock().expect("not poisoned");
            let call = writes.len();
            writes.push(bytes.to_vec());
            match self.fault {
                Fault::Write(at, kind) if at == call => Err(kind.into()),
                Fault::Short(at) if at == call => Ok(bytes.len() - 1),
                _ => Ok(bytes.len()),
            }
        }

        fn flush(&self) -> io::Result<()> {
            let mut flushes = self.flushes.lock().expect("not poisoned");
            let call = *flushes;
            *flushes += 1;
            match self.fault {
                Fault::Flush(at, kind) if at == call => Err(kind.into()),
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
            let target = Target { file: "faulty".into(), open: Box::new(disk) };
            // With room for all that a test writes, so that no other file comes in.
            let settings = Settings { mode: Mode::Live, rules_version: 0, segment_bytes: 1 << 30 };
            let header = Header { settings, segment: 1, first: Sequence(1), chain: [0; 32] };
            let journal = Journal::new(Path::new("faulty").into(), target, lock, &header, header.first, 128);
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
        for kind in KINDS {
            let mut rig = Rig::new(Fault::Write(1, kind));
            rig.append().expect("the first write works");
            match rig.append() {
                Err(AppendError::Write { offset: 199, sequence: Sequence(2), source, .. }) => {
                    assert_eq!(source.kind(), kind);
                }
                other => panic!("{other:?}"),
            }
            rig.assert_poisoned();
        }
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
        for kind in KINDS {
            let mut rig = Rig::new(Fault::Flush(1, kind));
            let flusher = rig.journal.flusher();
            rig.append().expect("the first write works");
            flusher.flush().expect("the first flush works");
            rig.append().expect("the second write works");
            match flusher.flush() {
                Err(FlushError::Sync { source, .. }) => assert_eq!(source.kind(), kind),
                other => panic!("{other:?}"),
            }
            rig.assert_poisoned();
        }
    }

    #[test]
    fn a_seal_follows_what_it_vouches_for() {
        for failing in [0, 1] {
            let mut rig = Rig::new(Fault::Flush(failing, io::ErrorKind::Other));
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
        let mut rig = Rig::new(NONE);
        rig.append().expect("nothing fails");
        rig.append().expect("nothing fails");
        assert_eq!(rig.calls(), (2, 0));
        let writes = rig.writes.lock().expect("not poisoned");
        assert_eq!(writes[0].len(), 64 + 7);
    }

    #[test]
    fn flushing_from_another_thread_does_not_hold_up_appending() {
        let mut rig = Rig::new(NONE);
        // A flush that does not come to its end.
        let held = Arc::clone(&rig.flushes);
        let stuck = held.lock().expect("not poisoned");
        let flusher = rig.journal.flusher();
        std::thread::scope(|scope| {
            let flushing = scope.spawn(move || flusher.flush());
            while !rig.journal.shared.is_flushing() {
                std::thread::yield_now();
            }
            rig.append().expect("an append waits for no flush");
            drop(stuck);
            flushing.join().expect("no panic").expect("no fault");
        });
    }
}
