//! What a journal asks of a file system to change what is on it.
//!
//! Everything that this crate writes, renames or makes durable goes through a [`Disk`], so that a simulated one can fail, forget
//! what was not flushed, or lie about it. Reading goes past it: whoever asks the system is shown what was written, durable or not.
//!
//! Deliberately absent: the lock, which is the process's and not the disk's, and copies of a journal, which are made beside it.

use std::fmt::Debug;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
// Not loom's: nothing that is modelled is shared by it.
use std::sync::Arc;

/// A file system.
pub trait Disk: Debug + Send + Sync {
    /// Creates a file, or empties one that is there.
    ///
    /// # Errors
    /// If the system fails.
    fn create(&self, file: &Path) -> io::Result<Box<dyn DiskFile>>;

    /// Opens a file for writing.
    ///
    /// # Errors
    /// If the system fails, or there is none.
    fn open(&self, file: &Path) -> io::Result<Box<dyn DiskFile>>;

    /// Gives a file another name, of the same directory or another; one that has it is replaced.
    ///
    /// # Errors
    /// If the system fails.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// If the system fails.
    fn remove(&self, file: &Path) -> io::Result<()>;

    /// Creates a directory.
    ///
    /// # Errors
    /// If the system fails.
    fn create_dir(&self, dir: &Path) -> io::Result<()>;

    /// Makes the entries of a directory durable: files that were created, renamed or removed in it.
    ///
    /// # Errors
    /// If the system fails.
    fn flush_dir(&self, dir: &Path) -> io::Result<()>;
}

/// A file that is written to. What was written is durable after a flush that begins later, and not before.
pub trait DiskFile: Debug + Send + Sync {
    /// Writes at an offset, with one call to the system; returns how many bytes.
    ///
    /// # Errors
    /// If the system fails.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<usize>;

    /// Makes what was written durable, and the length where it has changed.
    ///
    /// # Errors
    /// If the system fails.
    fn flush(&self) -> io::Result<()>;

    /// Makes what was written durable, with all that the system knows of the file.
    ///
    /// # Errors
    /// If the system fails.
    fn flush_all(&self) -> io::Result<()> {
        self.flush()
    }
}

impl dyn DiskFile + '_ {
    /// Writes all of it, with as many calls as that takes.
    pub(crate) fn write_all_at(&self, mut offset: u64, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let written = match self.write_at(offset, bytes) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => written,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            offset += written as u64;
            bytes = &bytes[written..];
        }
        Ok(())
    }
}

/// The system's own.
#[derive(Clone, Copy, Debug)]
pub struct System;

impl Disk for System {
    fn create(&self, file: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(File::create(file)?))
    }

    fn open(&self, file: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(OpenOptions::new().write(true).open(file)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, file: &Path) -> io::Result<()> {
        fs::remove_file(file)
    }

    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        fs::create_dir(dir)
    }

    fn flush_dir(&self, dir: &Path) -> io::Result<()> {
        File::open(dir)?.sync_all()
    }
}

impl DiskFile for File {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<usize> {
        FileExt::write_at(self, bytes, offset)
    }

    fn flush(&self) -> io::Result<()> {
        self.sync_data()
    }

    fn flush_all(&self) -> io::Result<()> {
        self.sync_all()
    }
}

/// A journal's directory, and the disk that it is on: the system's, unless it was named [on another](Self::on).
#[derive(Clone, Debug)]
pub struct Directory {
    path: PathBuf,
    disk: Arc<dyn Disk>,
}

impl Directory {
    /// A directory on a disk of the caller's.
    pub fn on(disk: Arc<dyn Disk>, path: &Path) -> Self {
        Self { path: path.to_owned(), disk }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn disk(&self) -> &dyn Disk {
        &*self.disk
    }

    /// Creates a directory and those above it, each durably: a file survives a power loss only if all do.
    pub(crate) fn create_durably(&self, dir: &Path) -> io::Result<()> {
        // The parent of a relative path with one part is the empty path.
        let parent = match dir.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        if !dir.is_dir() {
            self.create_durably(parent)?;
            self.disk.create_dir(dir)?;
        }
        // Also of one that was there: whoever made it may have been killed before this.
        self.disk.flush_dir(parent)
    }
}

impl From<&Path> for Directory {
    fn from(path: &Path) -> Self {
        Self::on(Arc::new(System), path)
    }
}

impl From<&PathBuf> for Directory {
    fn from(path: &PathBuf) -> Self {
        path.as_path().into()
    }
}
