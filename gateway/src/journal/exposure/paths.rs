//! Paths that prices may take, read from a file: sixteen bytes a price, in any order.

use std::collections::BTreeSet;
use std::path::Path;

use golv_engine::cfd::Average;
use golv_engine::id::IndexId;
use golv_engine::num::{Price, Quantity};
use golv_engine::time::{Day, Period};
use indicatif::ProgressBar;

use crate::settle::rows::{Columns, InputError, Rows};
use crate::settle::{Names, reading};

const COLUMNS: Columns = Columns { needed: &["path", "index", "date", "price"], allowed: &[] };

/// The columns of [`COLUMNS`], by their place in it.
mod column {
    pub(super) const PATH: usize = 0;
    pub(super) const INDEX: usize = 1;
    pub(super) const DATE: usize = 2;
    pub(super) const PRICE: usize = 3;
}

/// Prices of an index on a path, in the order of their days.
type Told = Vec<(Day, Price)>;

/// All paths of a file, counted from 0 in the order in which they are first met.
pub(super) struct Paths<'a> {
    file: &'a Path,
    names: Names,
    /// The indices that are looked at, in their order.
    indices: Vec<IndexId>,
    /// By path and then by index.
    told: Vec<Told>,
    /// Whether each index has a price on any path.
    carried: Vec<bool>,
}

impl<'a> Paths<'a> {
    /// Reads the prices of some indices; those of others are nobody's business.
    pub(super) fn read(file: &'a Path, indices: BTreeSet<IndexId>) -> Result<Self, InputError> {
        let indices: Vec<IndexId> = indices.into_iter().collect();
        let carried = vec![false; indices.len()];
        let mut paths = Self { file, names: Names::default(), indices, told: Vec::new(), carried };
        let progress = reading(&[file]);
        let mut rows = Rows::open(file, COLUMNS, &progress)?;
        while rows.next()? {
            if rows.bytes(column::PATH).is_empty() {
                return Err(rows.error(column::PATH, "is empty; every path has a name"));
            }
            let path = paths.names.number(rows.bytes(column::PATH)) as usize;
            paths.told.resize_with(paths.names.len() * paths.indices.len(), Vec::new);
            let index = IndexId(rows.needed(column::INDEX)?);
            let (day, price) = (rows.day(column::DATE)?, rows.needed(column::PRICE)?);
            if let Some(place) = paths.place(path, index) {
                paths.told[place].push((day, price));
                let number = place % paths.indices.len();
                paths.carried[number] = true;
            }
        }
        progress.finish_and_clear();
        paths.sort()?;
        Ok(paths)
    }

    /// Sorts all prices; two of one day are refused.
    fn sort(&mut self) -> Result<(), InputError> {
        let of_path = self.indices.len();
        for (place, told) in self.told.iter_mut().enumerate() {
            told.sort_by_key(|(day, _)| *day);
            if let Some(pair) = told.windows(2).find(|pair| pair[0].0 == pair[1].0) {
                let path = u32::try_from(place / of_path).expect("paths are counted by a u32");
                return Err(twice(
                    self.file,
                    self.names.name(path),
                    self.indices[place % of_path],
                    pair[0].0,
                ));
            }
        }
        Ok(())
    }

    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    fn place(&self, path: usize, index: IndexId) -> Option<usize> {
        let number = self.indices.binary_search(&index).ok()?;
        Some(path * self.indices.len() + number)
    }

    /// Whether an index has a price on any path.
    pub(super) fn carry(&self, index: IndexId) -> bool {
        self.indices.binary_search(&index).is_ok_and(|number| self.carried[number])
    }

    /// The prices of a path that are dated in a period.
    fn prices(&self, path: usize, index: IndexId, period: Period) -> &[(Day, Price)] {
        let Some(told) = self.place(path, index).map(|place| &self.told[place]) else { return &[] };
        let begins = told.partition_point(|(day, _)| *day < period.first);
        let ends = told.partition_point(|(day, _)| *day <= period.last);
        &told[begins..ends]
    }

    /// The simple average of the prices dated in a period, rounded half to even to millionths.
    pub(super) fn average(&self, path: usize, index: IndexId, period: Period) -> Option<Price> {
        let equally = Quantity::from_units(1).expect("one fits");
        let mut average = Average::default();
        for (_, price) in self.prices(path, index, period) {
            average.add(*price, equally).expect("a period has too few days for their prices not to fit");
        }
        average.price()
    }

    /// The last value in a period.
    pub(super) fn value_of(&self, path: usize, index: IndexId, period: Period) -> Option<Price> {
        self.prices(path, index, period).last().map(|(_, value)| *value)
    }

    /// What is said of a path that lacks something.
    pub(super) fn missing(&self, path: usize, reason: &str) -> InputError {
        let path = u32::try_from(path).expect("paths are counted by a u32");
        InputError::Unplaced {
            file: self.file.to_owned(),
            name: format!("path {}", self.names.name(path)),
            reason: reason.to_owned(),
        }
    }
}

/// What is said of two prices of one day: the second is looked for in the file, which may be a stream that is over.
fn twice(file: &Path, path: &str, index: IndexId, day: Day) -> InputError {
    let unplaced = InputError::Unplaced {
        file: file.to_owned(),
        name: format!("path {path}"),
        reason: format!("index {index} has two prices on {day}"),
    };
    find_twice(file, path, index, day).ok().flatten().unwrap_or(unplaced)
}

fn find_twice(file: &Path, path: &str, index: IndexId, day: Day) -> Result<Option<InputError>, InputError> {
    let mut rows = Rows::open(file, COLUMNS, &ProgressBar::hidden())?;
    let mut first = None;
    while rows.next()? {
        let is_it = rows.text(column::PATH) == path
            && IndexId(rows.needed(column::INDEX)?) == index
            && rows.day(column::DATE)? == day;
        match first {
            _ if !is_it => {}
            None => first = Some(rows.line()),
            Some(first) => {
                let reason = format!("has a price of this index and path in line {first} too");
                return Ok(Some(rows.error(column::DATE, &reason)));
            }
        }
    }
    Ok(None)
}
