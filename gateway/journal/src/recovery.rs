//! Opening a journal: the lock, the frames for replay, the cut of a torn tail, and then a [`Journal`].
//!
//! Nothing is changed before the last frame has been handed out and the verdict is known.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::directory::{self, Listing};
use crate::disk::{Directory, DiskFile};
use crate::format::Header;
use crate::reader::{
    Corruption, FIRST_SEGMENT, Frame, Gap, ReadError, Reader, ScanError, Verdict, scan_from,
};
use crate::shared::Target;
use crate::spare::write_zeros;
use crate::writer::Journal;

/// Why a journal was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There is no journal that this version can read.
    #[error(transparent)]
    Scan(#[from] ScanError),
    /// Another process has it open, or this one has it open twice.
    #[error("the journal in {} is in use by another process, which holds {}", dir.display(), directory::LOCK)]
    Locked {
        /// The directory.
        dir: PathBuf,
    },
    /// The lock cannot be taken.
    #[error("{} cannot be locked", path.display())]
    Lock {
        /// The lock file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Why a journal that was opened cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum RecoverError {
    /// Reading failed.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The journal is damaged in a way that no interrupted write explains. Nothing was changed.
    #[error(transparent)]
    Corrupt(#[from] Corruption),
    /// Something is missing from the journal. Nothing was changed.
    #[error(transparent)]
    Gap(#[from] Gap),
    /// The torn tail could not be cut.
    #[error("{} cannot be cut at offset {offset}", file.display())]
    Cut {
        /// The file.
        file: PathBuf,
        /// Where it was to end, in bytes.
        offset: u64,
        /// What the system said.
        source: io::Error,
    },
    /// What was read could not be made durable.
    #[error("{} cannot be flushed", file.display())]
    Flush {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// A journal that is locked, and not read yet.
#[derive(Debug)]
pub struct Locked {
    dir: Directory,
    lock: File,
}

/// A journal that is locked and being read. It becomes a [`Journal`] when it has been read to its end.
#[derive(Debug)]
pub struct Opened {
    dir: Directory,
    reader: Reader,
    lock: File,
}

impl Journal {
    /// Takes the lock of the journal in a directory.
    ///
    /// # Errors
    ///
    /// When there is no journal, or it is in use.
    pub fn lock(dir: impl Into<Directory>) -> Result<Locked, OpenError> {
        let directory = dir.into();
        let dir = directory.path();
        // Segments come first, so that no lock appears in a directory that holds no journal. Their headers are looked
        // at by whoever reads them: most starts need few.
        let io = |source| ScanError::Io { path: dir.to_owned(), source };
        let listing = if dir.is_dir() { directory::list(dir).map_err(io)? } else { Listing::default() };
        if listing.segments.is_empty() {
            let file = directory::segment_path(dir, FIRST_SEGMENT);
            return Err(ScanError::Missing { dir: dir.to_owned(), file }.into());
        }
        let path = dir.join(directory::LOCK);
        // A copy of a journal may lack the lock.
        let lock = match OpenOptions::new().write(true).create(true).truncate(false).open(&path) {
            Ok(lock) => lock,
            Err(source) => return Err(OpenError::Lock { path, source }),
        };
        match lock.try_lock() {
            Ok(()) => Ok(Locked { dir: directory, lock }),
            Err(TryLockError::WouldBlock) => Err(OpenError::Locked { dir: dir.to_owned() }),
            Err(TryLockError::Error(source)) => Err(OpenError::Lock { path, source }),
        }
    }

    /// Takes the lock of the journal in a directory and begins to read it from its first segment on.
    ///
    /// # Errors
    ///
    /// When there is no journal, it is in use, or a header cannot be read.
    pub fn open(dir: impl Into<Directory>) -> Result<Opened, OpenError> {
        let Locked { dir, lock } = Self::lock(dir)?;
        let reader = crate::scan(dir.path())?;
        Ok(Opened { dir, reader, lock })
    }
}

impl Locked {
    /// The journal's directory.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Begins to read from a segment on.
    ///
    /// # Errors
    ///
    /// When the segment is not there, or a header from there on cannot be read.
    pub fn read_from(self, segment: u32) -> Result<Opened, OpenError> {
        let reader = scan_from(self.dir.path(), segment)?;
        Ok(Opened { dir: self.dir, reader, lock: self.lock })
    }
}

impl Opened {
    /// What the first segment that is read says of itself.
    pub fn header(&self) -> &Header {
        self.reader.header()
    }

    /// What the segment says of itself that reading has come to.
    pub fn current(&self) -> &Header {
        let (_, header, ..) = self.reader.end();
        header
    }

    /// The next frame, or nothing where the whole frames end.
    ///
    /// # Errors
    ///
    /// When reading fails, and when the journal is corrupt from here on or has a gap.
    pub fn next_frame(&mut self) -> Result<Option<Frame<'_>>, RecoverError> {
        match self.reader.advance()? {
            Some((offset, header)) => Ok(Some(self.reader.frame(offset, &header))),
            None => recoverable(self.reader.verdict()?).map(|_| None),
        }
    }

    /// Reads what is left, cuts a torn tail, makes what was read durable and goes on to append.
    ///
    /// Until this returns, what was read may be in the system's cache alone: the process that wrote it may
    /// have died before its flush. So nothing that replay brought about may leave before.
    ///
    /// The verdict is [`Verdict::Clean`] or [`Verdict::TornTail`], which is worth a warning.
    ///
    /// # Errors
    ///
    /// When the journal is corrupt or has a gap, and when the system fails.
    pub fn into_journal(mut self) -> Result<(Journal, Verdict), RecoverError> {
        let verdict = recoverable(self.reader.verdict()?)?;
        let (path, &header, end, next) = self.reader.end();
        let last = self.reader.last_frame();
        let file = path.to_owned();
        let cut = |source| RecoverError::Cut { file: file.clone(), offset: end, source };
        let length = fs::metadata(&file).map_err(cut)?.len();
        let open = self.dir.disk().open(&file).map_err(cut)?;
        if let Verdict::TornTail { bytes, .. } = verdict {
            write_zeros(&*open, end, end + bytes).map_err(cut)?;
        }
        // What a copy may lack.
        write_zeros(&*open, length, end.max(u64::from(header.settings.segment_bytes))).map_err(cut)?;
        if let Some((offset, length)) = last {
            write_again(&file, &*open, offset, length).map_err(cut)?;
        }
        // The segment's name too: the process that gave it may have been killed before it was durable.
        if let Err(source) = open.flush_all().and_then(|()| self.dir.disk().flush_dir(self.dir.path())) {
            return Err(RecoverError::Flush { file, source });
        }
        let target = Target { file, open };
        Ok((Journal::new(self.dir, target, self.lock, &header, next, end), verdict))
    }
}

/// Writes a frame where it is, so that the next flush makes it durable whatever was the matter with an earlier one: a
/// system that has failed to write a page calls it clean, and shows what the disk does not have. One frame at most can be
/// such, the last.
fn write_again(file: &Path, open: &dyn DiskFile, offset: u64, length: u64) -> io::Result<()> {
    let mut frame = vec![0; usize::try_from(length).map_err(io::Error::other)?];
    File::open(file)?.read_exact_at(&mut frame, offset)?;
    open.write_all_at(offset, &frame)
}

/// Refuses any verdict on closed segments but that they are whole: nothing in them can be torn.
pub(crate) fn whole(verdict: Verdict) -> Result<(), RecoverError> {
    match recoverable(verdict)? {
        Verdict::TornTail { file, sequence, offset, .. } => {
            Err(Corruption::ClosedSegment { file, offset, sequence }.into())
        }
        _ => Ok(()),
    }
}

/// The verdict, if a journal can go on with it.
fn recoverable(verdict: Verdict) -> Result<Verdict, RecoverError> {
    match verdict {
        Verdict::Corrupt(corruption) => Err(corruption.into()),
        Verdict::Gap(gap) => Err(gap.into()),
        Verdict::Clean { .. } | Verdict::TornTail { .. } => Ok(verdict),
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::sync::{Arc, Mutex, PoisonError};

    use golv_engine::id::Sequence;

    use super::*;
    use crate::disk::{Disk, System};
    use crate::format::{FRAME_HEADER, Mode, SEGMENT_HEADER, Settings};

    /// What was done to files: writes with their offset and bytes, flushes as nothing.
    type Done = Arc<Mutex<Vec<Option<(u64, Vec<u8>)>>>>;

    /// The system's disk, on which what is done to files that are opened is noted.
    #[derive(Debug)]
    struct Noted(Done);

    #[derive(Debug)]
    struct NotedFile(Box<dyn DiskFile>, Done);

    impl Disk for Noted {
        fn create(&self, file: &Path) -> io::Result<Box<dyn DiskFile>> {
            System.create(file)
        }

        fn open(&self, file: &Path) -> io::Result<Box<dyn DiskFile>> {
            Ok(Box::new(NotedFile(System.open(file)?, Arc::clone(&self.0))))
        }

        fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
            System.rename(from, to)
        }

        fn remove(&self, file: &Path) -> io::Result<()> {
            System.remove(file)
        }

        fn create_dir(&self, dir: &Path) -> io::Result<()> {
            System.create_dir(dir)
        }

        fn flush_dir(&self, dir: &Path) -> io::Result<()> {
            System.flush_dir(dir)
        }
    }

    impl DiskFile for NotedFile {
        fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<usize> {
            self.1.lock().unwrap_or_else(PoisonError::into_inner).push(Some((offset, bytes.to_vec())));
            self.0.write_at(offset, bytes)
        }

        fn flush(&self) -> io::Result<()> {
            self.1.lock().unwrap_or_else(PoisonError::into_inner).push(None);
            self.0.flush()
        }
    }

    /// What a journal of these payloads does to its file when it goes on.
    fn done_to(payloads: &[&[u8]]) -> Vec<Option<(u64, Vec<u8>)>> {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let settings = Settings { mode: Mode::Live, rules_version: 1, segment_bytes: 16 * 1024 };
        let mut journal = Journal::create(dir.path(), settings, [7; 32]).expect("an empty directory");
        for (sequence, payload) in (1..).zip(payloads) {
            journal.append(Sequence(sequence), 1, &[7; 32], payload).expect("the disk works");
        }
        drop(journal);
        let done = Done::default();
        let directory = Directory::on(Arc::new(Noted(Arc::clone(&done))), dir.path());
        Journal::open(directory).expect("a journal").into_journal().expect("it is whole");
        let done = done.lock().unwrap_or_else(PoisonError::into_inner);
        done.clone()
    }

    /// The last frame may be in the system's cache alone, which calls it clean after a flush that failed: it is written
    /// again where it is, and then made durable.
    #[test]
    fn the_last_frame_is_written_again_before_the_journal_goes_on() {
        let done = done_to(&[b"one", b"another"]);
        let [Some((offset, frame)), None] = &done[..] else { panic!("{done:?}") };
        assert_eq!(*offset, (SEGMENT_HEADER + FRAME_HEADER + 3) as u64);
        assert_eq!(frame.len(), FRAME_HEADER + 7);
        assert_eq!(&frame[FRAME_HEADER..], b"another");
        assert_eq!(done_to(&[]), [None], "there is none");
    }
}
