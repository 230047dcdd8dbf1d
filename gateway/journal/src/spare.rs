//! The next segment, filled with zeros before it is needed, on a thread of its own.
//!
//! A flush is cheaper when the file already has its length and its blocks, and a full disk shows before a batch is on
//! its way. Zeros are really written: a file that was only made longer has no blocks yet.

use std::io;
use std::path::PathBuf;
use std::thread::JoinHandle;

use crate::directory;
use crate::disk::{Directory, DiskFile};

/// Written and flushed at once, in bytes, so that flushes of batches come in between.
const PIECE: u64 = 1024 * 1024;

/// A file of zeros in the making.
#[derive(Debug)]
pub(crate) struct Spare {
    dir: Directory,
    bytes: u32,
    thread: Option<JoinHandle<io::Result<Box<dyn DiskFile>>>>,
}

impl Spare {
    pub(crate) fn new(dir: &Directory, bytes: u32) -> Self {
        Self { dir: dir.clone(), bytes, thread: None }
    }

    pub(crate) fn path(&self) -> PathBuf {
        path(&self.dir)
    }

    /// Begins to make it, unless that was begun. A failure shows when it is taken.
    pub(crate) fn prepare(&mut self) {
        if self.thread.is_none() {
            let (dir, bytes) = (self.dir.clone(), u64::from(self.bytes));
            let thread = std::thread::Builder::new().name("golv-spare".into());
            // Without a thread it is made when it is taken.
            self.thread = thread.spawn(move || make(&dir, bytes)).ok();
        }
    }

    /// The file, of the full length and durable, waiting for it if need be.
    pub(crate) fn take(&mut self) -> io::Result<Box<dyn DiskFile>> {
        match self.thread.take() {
            Some(thread) => thread.join().expect("writing zeros does not panic"),
            None => make(&self.dir, u64::from(self.bytes)),
        }
    }
}

impl Drop for Spare {
    /// Waits, so that nothing writes to the directory once it is unlocked.
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn path(dir: &Directory) -> PathBuf {
    dir.path().join(directory::SPARE)
}

fn make(dir: &Directory, bytes: u64) -> io::Result<Box<dyn DiskFile>> {
    // One that an earlier process left is begun anew.
    let file = dir.disk().create(&path(dir))?;
    write_zeros(&*file, 0, bytes)?;
    file.flush_all()?;
    Ok(file)
}

/// Writes zeros from an offset up to another, durably but for the file's other properties.
pub(crate) fn write_zeros(file: &dyn DiskFile, from: u64, to: u64) -> io::Result<()> {
    let zeros = vec![0; usize::try_from(PIECE.min(to.saturating_sub(from))).expect("a piece is small")];
    let mut at = from;
    while at < to {
        let piece = usize::try_from((to - at).min(PIECE)).expect("a piece is small");
        file.write_all_at(at, &zeros[..piece])?;
        file.flush()?;
        at += piece as u64;
    }
    Ok(())
}
