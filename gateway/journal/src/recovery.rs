//! Opening a journal: the lock, the frames for replay, the cut of a torn tail, and then a [`Journal`].
//!
//! Nothing is changed before the last frame has been handed out and the verdict is known.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use crate::directory;
use crate::format::Header;
use crate::reader::{Corruption, FIRST_SEGMENT, Frame, ReadError, Reader, ScanError, Verdict, cannot_open};
use crate::writer::Journal;

/// Why a journal was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There is no journal that this version can read.
    #[error(transparent)]
    Scan(#[from] ScanError),
    /// Another process has it open, or this one has it open twice.
    #[error("the journal in {} is in use: {} is locked", dir.display(), directory::LOCK)]
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

/// A journal that is locked and being read. It becomes a [`Journal`] when it has been read to its end.
#[derive(Debug)]
pub struct Opened {
    reader: Reader,
    lock: File,
}

impl Journal {
    /// Takes the lock of the journal in a directory and begins to read it.
    ///
    /// # Errors
    ///
    /// When there is no journal, it is in use, or its header cannot be read.
    pub fn open(dir: &Path) -> Result<Opened, OpenError> {
        // The segment comes first, so that no lock appears in a directory that holds no journal.
        let file = directory::segment_path(dir, FIRST_SEGMENT);
        let open = match OpenOptions::new().read(true).write(true).open(&file) {
            Ok(open) => open,
            Err(source) => return Err(cannot_open(dir, file, source).into()),
        };
        let path = dir.join(directory::LOCK);
        // A copy of a journal may lack the lock.
        let lock = match OpenOptions::new().write(true).create(true).truncate(false).open(&path) {
            Ok(lock) => lock,
            Err(source) => return Err(OpenError::Lock { path, source }),
        };
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(OpenError::Locked { dir: dir.to_owned() }),
            Err(TryLockError::Error(source)) => return Err(OpenError::Lock { path, source }),
        }
        Ok(Opened { reader: Reader::new(dir, file, open)?, lock })
    }
}

impl Opened {
    /// What the journal says of itself.
    pub fn header(&self) -> &Header {
        self.reader.header()
    }

    /// The next frame, or nothing where the whole frames end.
    ///
    /// # Errors
    ///
    /// When reading fails, and when the journal is corrupt from here on.
    pub fn next_frame(&mut self) -> Result<Option<Frame<'_>>, RecoverError> {
        match self.reader.advance()? {
            Some((offset, header)) => Ok(Some(self.reader.frame(offset, &header))),
            None => match self.reader.verdict()? {
                Verdict::Corrupt(corruption) => Err(corruption.into()),
                Verdict::Clean { .. } | Verdict::TornTail { .. } => Ok(None),
            },
        }
    }

    /// Reads what is left, cuts a torn tail, makes what was read durable and goes on to append.
    ///
    /// Until this returns, what was read may be in the system's cache alone: the process that wrote it may
    /// have died before its flush. So nothing that replay brought about may leave before.
    ///
    /// The verdict is never [`Verdict::Corrupt`]; a [`Verdict::TornTail`] is worth a warning.
    ///
    /// # Errors
    ///
    /// When the journal is corrupt, and when the system fails.
    pub fn into_journal(mut self) -> Result<(Journal, Verdict), RecoverError> {
        let verdict = self.reader.verdict()?;
        let header = *self.reader.header();
        let (file, mut open, end, next) = self.reader.into_parts();
        match &verdict {
            Verdict::Corrupt(corruption) => return Err(corruption.clone().into()),
            Verdict::Clean { .. } => {}
            Verdict::TornTail { .. } => {
                if let Err(source) = open.set_len(end) {
                    return Err(RecoverError::Cut { file, offset: end, source });
                }
            }
        }
        if let Err(source) = open.sync_all() {
            return Err(RecoverError::Flush { file, source });
        }
        if let Err(source) = open.seek(SeekFrom::Start(end)) {
            return Err(ReadError { file, offset: end, sequence: next, source }.into());
        }
        Ok((Journal::new(file, Box::new(open), self.lock, header.segment, next, end), verdict))
    }
}
