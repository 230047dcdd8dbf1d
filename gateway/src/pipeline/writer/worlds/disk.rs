//! A disk that fails, that forgets at a power cut what was not flushed, and that may lie about what was.
//!
//! The files are real ones in a directory of the world's own: whoever reads them is shown what was written, as a system's cache shows
//! it. Beside them stands what is not durable yet, oldest first. At a power cut any first part of the changed names stays, and of
//! the bytes any sectors; the rest is as it was.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::ops::RangeInclusive;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::ThreadId;

use golv_journal::disk::{Disk, DiskFile};

use super::draw::Draw;

/// What is written whole or not at all, in bytes.
const SECTOR: usize = 512;
/// What a system keeps in its cache and writes back together, in bytes.
const PAGE: u64 = 4096;

/// What goes wrong once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The system says that it failed. What a flush should have made durable never will be, and looks as if it were.
    Fails,
    /// A write ends early.
    Short,
    /// The power is gone.
    PowerCut,
}

/// The disk of a world.
#[derive(Clone, Debug)]
pub(super) struct WorldDisk(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    /// The world's thread. What another does, which is to fill the next segment with zeros, comes at no certain time, and is of no worth
    /// until this one goes on with it; so faults hit this one alone.
    thread: ThreadId,
    draw: Draw,
    /// What goes wrong, after how many operations.
    next: Option<(Fault, u64)>,
    is_down: bool,
    lies: bool,
    has_lied: bool,
    files: u64,
    paths: BTreeMap<u64, PathBuf>,
    /// Names that have changed.
    names: Vec<Name>,
    /// Bytes that were written, by file.
    writes: BTreeMap<u64, Vec<Written>>,
}

/// A name that has changed, and how to change it back.
#[derive(Debug)]
enum Name {
    Created { file: PathBuf },
    Renamed { from: PathBuf, to: PathBuf, replaced: Option<PathBuf> },
    Removed { file: PathBuf, grave: PathBuf },
}

impl Name {
    fn is_in(&self, dir: &Path) -> bool {
        let file = match self {
            Self::Created { file } | Self::Removed { file, .. } => file,
            Self::Renamed { to, .. } => to,
        };
        file.parent() == Some(dir)
    }
}

#[derive(Debug)]
struct Written {
    offset: u64,
    before: Vec<u8>,
    bytes: Vec<u8>,
    /// A flush of it has failed: it is not on the disk, and a later flush brings it there only with something else that was written to the
    /// same page.
    is_lost: bool,
}

impl WorldDisk {
    pub(super) fn new(draw: Draw) -> Self {
        Self(Arc::new(Mutex::new(State {
            thread: std::thread::current().id(),
            draw,
            next: None,
            is_down: false,
            lies: false,
            has_lied: false,
            files: 0,
            paths: BTreeMap::new(),
            names: Vec::new(),
            writes: BTreeMap::new(),
        })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no panic with it held")
    }

    /// Lets something go wrong after so many operations.
    pub(super) fn plan(&self, fault: Fault, operations: u64) {
        self.state().next = Some((fault, operations));
    }

    /// Whether something is still to go wrong.
    pub(super) fn is_planned(&self) -> bool {
        self.state().next.is_some()
    }

    /// What there is becomes durable, and from now on not everything does that is said to be.
    pub(super) fn lie(&self) {
        let mut state = self.state();
        state.names.clear();
        state.writes.clear();
        state.lies = true;
    }

    /// Nothing goes wrong any more, and nothing is lied about.
    pub(super) fn heal(&self) {
        let mut state = self.state();
        (state.next, state.lies) = (None, false);
    }

    /// Whether the power was cut.
    pub(super) fn is_down(&self) -> bool {
        self.state().is_down
    }

    /// Whether something was said to be durable that is not.
    pub(super) fn has_lied(&self) -> bool {
        self.state().has_lied
    }

    /// Cuts the power, if that has not happened, and gives it back. Nobody has a file open any more.
    pub(super) fn power_cycle(&self) {
        let mut state = self.state();
        state.forget();
        state.is_down = false;
        state.next = None;
    }
}

impl State {
    /// Counts an operation; what goes wrong with it.
    fn operation(&mut self) -> io::Result<Option<Fault>> {
        if self.is_down {
            return Err(io::Error::other("there is no power"));
        }
        if self.thread != std::thread::current().id() {
            return Ok(None);
        }
        match &mut self.next {
            Some((_, operations)) if *operations > 0 => {
                *operations -= 1;
                Ok(None)
            }
            Some((fault, _)) => {
                let fault = *fault;
                self.next = None;
                self.is_down = fault == Fault::PowerCut;
                Ok(Some(fault))
            }
            None => Ok(None),
        }
    }

    /// An operation that happens or does not.
    fn whole_operation(&mut self) -> io::Result<()> {
        match self.operation()? {
            None | Some(Fault::Short) => Ok(()),
            Some(fault) => Err(failed(fault)),
        }
    }

    /// A name that no journal looks for, under which a file is kept that may come back.
    fn grave(&mut self, file: &Path) -> PathBuf {
        self.files += 1;
        file.with_extension(format!("{}-removed", self.files))
    }

    fn opened(&mut self, file: &Path) -> u64 {
        self.files += 1;
        self.paths.retain(|_, path| path != file);
        self.paths.insert(self.files, file.to_owned());
        self.files
    }

    fn write(&mut self, number: u64, open: &File, offset: u64, bytes: &[u8]) -> io::Result<usize> {
        let fault = self.operation()?;
        let length = match fault {
            None => bytes.len(),
            Some(_) => self.draw.below(bytes.len() as u64) as usize,
        };
        let bytes = &bytes[..length];
        if self.thread == std::thread::current().id() {
            let there = open.metadata()?.len().saturating_sub(offset).min(length as u64);
            let mut before = vec![0; usize::try_from(there).expect("short")];
            open.read_exact_at(&mut before, offset)?;
            let written = Written { offset, before, bytes: bytes.to_vec(), is_lost: false };
            self.writes.entry(number).or_default().push(written);
        }
        open.write_all_at(bytes, offset)?;
        match fault {
            None | Some(Fault::Short) => Ok(length),
            Some(fault) => Err(failed(fault)),
        }
    }

    fn flush(&mut self, number: u64) -> io::Result<()> {
        match self.operation()? {
            None | Some(Fault::Short) => {}
            Some(Fault::Fails) => {
                let writes = self.writes.entry(number).or_default();
                *writes = writes.iter().flat_map(Written::lost).collect();
                return Err(failed(Fault::Fails));
            }
            Some(Fault::PowerCut) => return Err(failed(Fault::PowerCut)),
        }
        if self.lies && self.thread == std::thread::current().id() && self.draw.one_in(3) {
            self.has_lied = true;
            return Ok(());
        }
        let Some(writes) = self.writes.get_mut(&number) else { return Ok(()) };
        let written_back: Vec<RangeInclusive<u64>> =
            writes.iter().filter(|written| !written.is_lost).map(Written::pages).collect();
        writes.retain(|written| {
            // One page, where it is lost.
            written.is_lost && !written_back.iter().any(|pages| pages.contains(written.pages().start()))
        });
        Ok(())
    }

    /// What a power cut leaves.
    fn forget(&mut self) {
        let stay = self.draw.below(self.names.len() as u64 + 1) as usize;
        for name in self.names.drain(stay..).rev() {
            match name {
                Name::Created { file } => {
                    self.paths.retain(|_, path| *path != file);
                    fs::remove_file(file).expect("a file of the world's");
                }
                Name::Renamed { from, to, replaced } => {
                    fs::rename(&to, &from).expect("a file of the world's");
                    if let Some(grave) = replaced {
                        fs::rename(grave, &to).expect("a file of the world's");
                    }
                    self.paths
                        .values_mut()
                        .filter(|path| **path == to)
                        .for_each(|path| path.clone_from(&from));
                }
                Name::Removed { file, grave } => fs::rename(grave, file).expect("a file of the world's"),
            }
        }
        self.names.clear();
        // By name: in which order files were numbered is a matter of threads.
        let written = std::mem::take(&mut self.writes).into_iter();
        let written: BTreeMap<PathBuf, Vec<Written>> =
            written.filter_map(|(number, writes)| Some((self.paths.remove(&number)?, writes))).collect();
        for (path, writes) in written {
            let Ok(open) = OpenOptions::new().write(true).open(path) else { continue };
            for written in writes.iter().rev() {
                written.undo(&open).expect("a file of the world's");
            }
            for written in writes.iter().filter(|written| !written.is_lost) {
                let all = self.draw.one_in(3);
                for (sector, bytes) in written.bytes.chunks(SECTOR).enumerate() {
                    if all || self.draw.one_in(2) {
                        let offset = written.offset + (sector * SECTOR) as u64;
                        open.write_all_at(bytes, offset).expect("a file of the world's");
                    }
                }
            }
        }
        self.paths.clear();
    }
}

impl Written {
    fn pages(&self) -> RangeInclusive<u64> {
        let last = self.offset + (self.bytes.len() as u64).saturating_sub(1);
        self.offset / PAGE..=last / PAGE
    }

    /// The same page by page, and lost.
    fn lost(&self) -> impl Iterator<Item = Self> {
        self.pages().map(|page| {
            let place = |offset: u64| usize::try_from(offset.saturating_sub(self.offset)).expect("short");
            let from = place(page * PAGE);
            let to = place((page + 1) * PAGE).min(self.bytes.len());
            let before = self.before.get(from..to.min(self.before.len())).unwrap_or_default();
            Self {
                offset: self.offset + from as u64,
                before: before.to_vec(),
                bytes: self.bytes[from..to].to_vec(),
                is_lost: true,
            }
        })
    }

    fn undo(&self, open: &File) -> io::Result<()> {
        open.write_all_at(&self.before, self.offset)?;
        if self.before.len() < self.bytes.len() {
            open.set_len(self.offset + self.before.len() as u64)?;
        }
        Ok(())
    }
}

fn failed(fault: Fault) -> io::Error {
    io::Error::other(format!("{fault:?}, as this world has it"))
}

/// An open file.
#[derive(Debug)]
struct WorldFile {
    disk: WorldDisk,
    number: u64,
    open: File,
}

impl DiskFile for WorldFile {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<usize> {
        self.disk.state().write(self.number, &self.open, offset, bytes)
    }

    fn flush(&self) -> io::Result<()> {
        self.disk.state().flush(self.number)
    }
}

impl Disk for WorldDisk {
    fn create(&self, file: &Path) -> io::Result<Box<dyn DiskFile>> {
        let mut state = self.state();
        state.whole_operation()?;
        let is_new = !file.exists();
        let open = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(file)?;
        // The name of what another thread fills is of no worth until it is changed.
        if is_new && state.thread == std::thread::current().id() {
            state.names.push(Name::Created { file: file.to_owned() });
        }
        let number = state.opened(file);
        Ok(Box::new(WorldFile { disk: self.clone(), number, open }))
    }

    fn open(&self, file: &Path) -> io::Result<Box<dyn DiskFile>> {
        let mut state = self.state();
        state.whole_operation()?;
        let open = OpenOptions::new().read(true).write(true).open(file)?;
        let known = state.paths.iter().find(|(_, path)| *path == file).map(|(number, _)| *number);
        let number = known.unwrap_or_else(|| state.opened(file));
        Ok(Box::new(WorldFile { disk: self.clone(), number, open }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.whole_operation()?;
        let replaced = to.exists().then(|| state.grave(to));
        if let Some(grave) = &replaced {
            fs::rename(to, grave)?;
        }
        fs::rename(from, to)?;
        state.paths.values_mut().filter(|path| *path == from).for_each(|path| to.clone_into(path));
        state.names.push(Name::Renamed { from: from.to_owned(), to: to.to_owned(), replaced });
        Ok(())
    }

    fn remove(&self, file: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.whole_operation()?;
        let grave = state.grave(file);
        fs::rename(file, &grave)?;
        state.names.push(Name::Removed { file: file.to_owned(), grave });
        Ok(())
    }

    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        self.state().whole_operation()?;
        // One that is empty is as good as none, so it does not come undone.
        fs::create_dir(dir)
    }

    fn flush_dir(&self, dir: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.whole_operation()?;
        state.names.retain(|name| !name.is_in(dir));
        Ok(())
    }
}
