//! The rows of a file of any length, one after another, without a copy of each; what cannot be read is named by file, line and
//! column.

use std::borrow::Cow;
use std::error::Error;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use golv_engine::time::Day;
use indicatif::ProgressBar;

use crate::print::unreadable;

/// Bytes that are read at once.
const BUFFER: usize = 1 << 20;

/// The columns of a file, in the order in which they are named here whatever that of the file is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Columns {
    pub(crate) needed: &'static [&'static str],
    pub(crate) allowed: &'static [&'static str],
}

impl Columns {
    fn name(self, column: usize) -> &'static str {
        self.needed.iter().chain(self.allowed).nth(column).copied().unwrap_or_default()
    }
}

impl std::fmt::Display for Columns {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "it needs {}", self.needed.join(","))?;
        if self.allowed.is_empty() { Ok(()) } else { write!(f, ", and may have {}", self.allowed.join(",")) }
    }
}

/// Why a file cannot be read. Nothing is settled then.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InputError {
    /// The system said so.
    #[error("{} cannot be read", file.display())]
    Open { file: PathBuf, source: std::io::Error },
    /// The file is no CSV.
    #[error("{} cannot be read", file.display())]
    Csv { file: PathBuf, source: csv::Error },
    /// A column is missing.
    #[error("{} has no column {missing}; {columns}", file.display())]
    Missing { file: PathBuf, missing: &'static str, columns: Columns },
    /// A column is not known, or there twice.
    #[error("{} has a column '{column}' that is not known, or twice; {columns}", file.display())]
    Column { file: PathBuf, column: String, columns: Columns },
    /// Something is wrong with a row that cannot be found again.
    #[error("{}, {name}: {reason}", file.display())]
    Unplaced { file: PathBuf, name: String, reason: String },
    /// A field cannot be read.
    #[error("{}, line {line}, column {column}: '{value}' {reason}", file.display())]
    Field { file: PathBuf, line: u64, column: &'static str, value: String, reason: String },
}

/// Where a row is. A reader counts what ends the row before it, and lines without anything, to the row after.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    byte: u64,
    line: u64,
}

impl Place {
    /// The line, counted from 1 by reading the file once more; about as it was read if that cannot be done.
    pub(crate) fn line_in(self, file: &Path) -> u64 {
        self.counted(file).unwrap_or(self.line)
    }

    fn counted(self, file: &Path) -> Option<u64> {
        if !file.metadata().ok()?.is_file() {
            return None;
        }
        let mut rest = BufReader::new(File::open(file).ok()?);
        let (mut line, mut at) = (1, 0);
        loop {
            let buffer = rest.fill_buf().ok()?;
            let read = buffer.len();
            if read == 0 {
                return Some(line);
            }
            for byte in buffer {
                if at >= self.byte && !matches!(byte, b'\r' | b'\n') {
                    return Some(line);
                }
                line += u64::from(*byte == b'\n');
                at += 1;
            }
            rest.consume(read);
        }
    }
}

/// The rows of a file; the one that was read last is looked at.
pub(crate) struct Rows<'a> {
    file: &'a Path,
    columns: Columns,
    /// Where each column is in the file.
    places: Vec<Option<usize>>,
    reader: csv::Reader<Box<dyn Read>>,
    row: csv::ByteRecord,
}

impl<'a> Rows<'a> {
    /// Begins to read a file; `progress` follows by how much was read.
    pub(crate) fn open(file: &'a Path, columns: Columns, progress: &ProgressBar) -> Result<Self, InputError> {
        let named = || file.to_owned();
        let opened = File::open(file).map_err(|source| InputError::Open { file: named(), source })?;
        let source: Box<dyn Read> = Box::new(progress.wrap_read(opened));
        let mut reader = csv::ReaderBuilder::new().buffer_capacity(BUFFER).from_reader(source);
        let header = reader.byte_headers().map_err(|source| InputError::Csv { file: named(), source })?;
        let mut places = vec![None; columns.needed.len() + columns.allowed.len()];
        for (place, name) in header.iter().enumerate() {
            let name = String::from_utf8_lossy(name.trim_ascii());
            // Some programs begin a file with a mark of its byte order.
            let name = if place == 0 { name.trim_start_matches('\u{feff}') } else { &name };
            let known = columns.needed.iter().chain(columns.allowed).position(|known| *known == name);
            match known.and_then(|known| places.get_mut(known)) {
                Some(free) if free.is_none() => *free = Some(place),
                _ => return Err(InputError::Column { file: named(), column: name.to_owned(), columns }),
            }
        }
        let missing = columns.needed.iter().zip(&places).find(|(_, place)| place.is_none());
        if let Some((missing, _)) = missing {
            return Err(InputError::Missing { file: named(), missing, columns });
        }
        Ok(Self { file, columns, places, reader, row: csv::ByteRecord::new() })
    }

    /// Goes on to the next row, if there is one.
    pub(crate) fn next(&mut self) -> Result<bool, InputError> {
        let read = self.reader.read_byte_record(&mut self.row);
        read.map_err(|source| InputError::Csv { file: self.file.to_owned(), source })
    }

    /// Where the row is, to be told as a line if that is asked.
    pub(crate) fn place(&self) -> Place {
        let position = self.row.position();
        Place { byte: position.map_or(0, csv::Position::byte), line: position.map_or(0, csv::Position::line) }
    }

    /// The line that the row begins at.
    pub(crate) fn line(&self) -> u64 {
        self.place().line_in(self.file)
    }

    /// A field of the row, without spaces around it; empty where the file has no such column.
    pub(crate) fn bytes(&self, column: usize) -> &[u8] {
        let place = self.places.get(column).copied().flatten();
        place.and_then(|place| self.row.get(place)).unwrap_or_default().trim_ascii()
    }

    pub(crate) fn text(&self, column: usize) -> Cow<'_, str> {
        String::from_utf8_lossy(self.bytes(column))
    }

    /// A field that must be there.
    pub(crate) fn needed<T: FromStr<Err: Error + 'static>>(&self, column: usize) -> Result<T, InputError> {
        let text = std::str::from_utf8(self.bytes(column)).unwrap_or("\u{fffd}");
        text.parse().map_err(|error: T::Err| self.error(column, &unreadable(text, &error)))
    }

    /// A field that may be empty.
    pub(crate) fn optional<T: FromStr<Err: Error + 'static>>(
        &self,
        column: usize,
    ) -> Result<Option<T>, InputError> {
        if self.bytes(column).is_empty() { Ok(None) } else { self.needed(column).map(Some) }
    }

    pub(crate) fn day(&self, column: usize) -> Result<Day, InputError> {
        let day = Day::from_ascii(self.bytes(column));
        day.ok_or_else(|| self.error(column, "is not a day such as 2019-01-31"))
    }

    /// A revision: a whole number from 1 on, and 1 where none is stated.
    pub(crate) fn revision(&self, column: usize) -> Result<u32, InputError> {
        let wrong = || self.error(column, "is no revision: a whole number from 1 on");
        match self.bytes(column) {
            [] => Ok(1),
            digits => {
                let text = std::str::from_utf8(digits).map_err(|_| wrong())?;
                let revision = if text.starts_with('+') { None } else { text.parse().ok() };
                revision.filter(|revision| *revision > 0).ok_or_else(wrong)
            }
        }
    }

    /// What is wrong with a field of the row.
    pub(crate) fn error(&self, column: usize, reason: &str) -> InputError {
        InputError::Field {
            file: self.file.to_owned(),
            line: self.line(),
            column: self.columns.name(column),
            value: self.text(column).into_owned(),
            reason: reason.to_owned(),
        }
    }
}
