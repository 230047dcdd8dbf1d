//! Prices and deliveries, with their revisions, and what of them a run can see.

use std::collections::HashMap;
use std::path::Path;

use golv_engine::cfd::Average;
use golv_engine::num::{Price, Quantity};
use golv_engine::time::{Calendar, Day};
use indicatif::ProgressBar;

use super::contracts::Contracts;
use super::rows::{Columns, InputError, Place, Rows};

const PRICES: Columns = Columns { needed: &["index", "date", "price"], allowed: &["revision"] };
const DELIVERIES: Columns = Columns { needed: &["contract", "date", "quantity"], allowed: &["revision"] };

/// Which revisions a run sees: of each price and delivery the highest up to this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct View(pub(super) u32);

/// What is known of a day, and with which revision.
#[derive(Clone, Copy, Debug)]
pub(super) struct Revised<T> {
    pub(super) day: Day,
    pub(super) revision: u32,
    pub(super) value: T,
}

/// What was told of one index or contract, in order of day and revision.
pub(super) type Told<T> = Vec<Revised<T>>;

/// Sorts what was told; two of one day and revision are given back.
fn sort<T: Copy>(told: &mut Told<T>) -> Option<Revised<T>> {
    let key = |revised: &Revised<T>| (revised.day, revised.revision);
    if !told.is_sorted_by_key(key) {
        told.sort_unstable_by_key(key);
    }
    told.windows(2).find(|pair| key(&pair[0]) == key(&pair[1])).map(|pair| pair[0])
}

/// The days of what was told, each with what a view sees of it, if it sees anything.
pub(super) fn days<T: Copy, const N: usize>(
    told: &[Revised<T>],
    views: [View; N],
) -> impl Iterator<Item = (Day, [Option<T>; N])> {
    told.chunk_by(|one, other| one.day == other.day).map(move |of_day| {
        let seen = views.map(|View(highest)| {
            of_day.iter().rev().find(|revised| revised.revision <= highest).map(|revised| revised.value)
        });
        (of_day[0].day, seen)
    })
}

/// Everything that was told.
pub(super) struct Data {
    /// By the number of the index.
    prices: Vec<Told<Price>>,
    /// By the number of the contract.
    pub(super) deliveries: Vec<Told<Quantity>>,
    /// How many deliveries lie outside their contracts' days, and where the first is: nobody is paid for them.
    pub(super) outside: Option<(u64, Place)>,
    /// The highest revision of a price or delivery; 1 where there is none.
    pub(super) newest: u32,
}

impl Data {
    /// Reads prices and deliveries; revisions above `hidden_above` are not seen.
    pub(super) fn read(
        contracts: &Contracts,
        prices: &Path,
        deliveries: &Path,
        hidden_above: Option<u32>,
        progress: &ProgressBar,
    ) -> Result<Self, InputError> {
        let mut data = Self {
            prices: (0..contracts.indices.len()).map(|_| Vec::new()).collect(),
            deliveries: contracts.all.iter().map(|_| Vec::new()).collect(),
            outside: None,
            newest: 1,
        };
        let is_hidden = |revision| hidden_above.is_some_and(|highest| revision > highest);
        let mut rows = Rows::open(prices, PRICES, progress)?;
        while rows.next()? {
            let (day, value, revision) = (rows.day(1)?, rows.needed(2)?, rows.revision(3)?);
            if is_hidden(revision) {
                continue;
            }
            data.newest = data.newest.max(revision);
            // An index that no contract looks to is nobody's business.
            if let Some(index) = contracts.indices.find(rows.bytes(0)) {
                data.prices[index as usize].push(Revised { day, revision, value });
            }
        }
        for (index, told) in (0..).zip(&mut data.prices) {
            if let Some(twice) = sort(told) {
                return Err(twice_told(prices, PRICES, contracts.indices.name(index), &twice));
            }
        }
        let mut rows = Rows::open(deliveries, DELIVERIES, progress)?;
        // Rows mostly come contract by contract, or contract after contract of a day.
        let mut last: Option<u32> = None;
        while rows.next()? {
            let name = rows.bytes(0);
            let is_same = last.is_some_and(|last| contracts.names.name(last).as_bytes() == name);
            let found = if is_same { last } else { contracts.names.find(name) };
            let number = found.ok_or_else(|| rows.error(0, "is no contract of the contracts file"))?;
            last = found;
            let day = rows.day(1)?;
            let contract = &contracts.all[number as usize];
            let (value, revision): (Quantity, _) = (rows.needed(2)?, rows.revision(3)?);
            if is_hidden(revision) {
                continue;
            }
            data.newest = data.newest.max(revision);
            if contract.covers(day) {
                data.deliveries[number as usize].push(Revised { day, revision, value });
            } else {
                let first = data.outside.map_or_else(|| rows.place(), |(_, first)| first);
                data.outside = Some((data.outside.map_or(1, |(count, _)| count + 1), first));
            }
        }
        for (contract, told) in (0..).zip(&mut data.deliveries) {
            if let Some(twice) = sort(told) {
                return Err(twice_told(deliveries, DELIVERIES, contracts.names.name(contract), &twice));
            }
        }
        Ok(data)
    }

    /// The averages of every index over every period of each calendar that a contract settles it by, as each view sees them.
    pub(super) fn reference_prices<const N: usize>(
        &self,
        contracts: &Contracts,
        views: [View; N],
    ) -> ReferencePrices<N> {
        let mut averages = HashMap::new();
        for contract in &contracts.all {
            averages
                .entry((contract.index, contract.calendar))
                .or_insert_with(|| averaged(&self.prices[contract.index as usize], contract.calendar, views));
        }
        ReferencePrices(averages)
    }
}

/// Averages by index and calendar, in the order of the periods.
pub(super) struct ReferencePrices<const N: usize>(HashMap<(u32, Calendar), Averages<N>>);

/// The first day of each period with a price, and its average in each view that has one.
type Averages<const N: usize> = Vec<(Day, [Option<Price>; N])>;

impl<const N: usize> ReferencePrices<N> {
    pub(super) fn of(&self, index: u32, calendar: Calendar) -> &[(Day, [Option<Price>; N])] {
        self.0.get(&(index, calendar)).map_or(&[], Vec::as_slice)
    }
}

/// The simple average of the prices dated in each period, rounded half to even to millionths.
fn averaged<const N: usize>(told: &[Revised<Price>], calendar: Calendar, views: [View; N]) -> Averages<N> {
    let mut averages: Vec<(Day, [Average; N])> = Vec::new();
    let equally = Quantity::from_units(1).expect("one fits");
    for (day, seen) in days(told, views) {
        let first = calendar.period(day).first;
        if averages.last().is_none_or(|(last, _)| *last != first) {
            averages.push((first, [Average::default(); N]));
        }
        let (_, of_period) = averages.last_mut().expect("one was just put there");
        for (average, price) in of_period.iter_mut().zip(seen) {
            if let Some(price) = price {
                average.add(price, equally).expect("a period has too few days for their prices not to fit");
            }
        }
    }
    averages.into_iter().map(|(first, averages)| (first, averages.map(|average| average.price()))).collect()
}

/// What is said of two rows that tell the same: the second is looked for in the file.
fn twice_told<T>(file: &Path, columns: Columns, name: &str, twice: &Revised<T>) -> InputError {
    let is_one = |rows: &Rows<'_>| rows.revision(3).is_ok_and(|revision| revision == twice.revision);
    let mut first = None;
    let told_twice = format!("{} is told twice with one revision", twice.day);
    let found = find(file, columns, name, &told_twice, |rows| {
        if !rows.day(1).is_ok_and(|day| day == twice.day) || !is_one(rows) {
            return None;
        }
        match first {
            None => {
                first = Some(rows.place());
                None
            }
            Some(first) => {
                let first = first.line_in(file);
                let reason = format!("has this revision of this {} in line {first} too", columns.needed[0]);
                Some(rows.error(1, &reason))
            }
        }
    });
    found.unwrap_or_else(|error| error)
}

/// What is said of a delivery that cannot be settled: it is looked for.
pub(super) fn delivery_error(
    file: &Path,
    contract: &str,
    delivery: &Revised<Quantity>,
    reason: &str,
) -> InputError {
    let found = find(file, DELIVERIES, contract, reason, |rows| {
        let is_it = rows.day(1).is_ok_and(|day| day == delivery.day)
            && rows.revision(3).is_ok_and(|revision| revision == delivery.revision);
        is_it.then(|| rows.error(1, reason))
    });
    found.unwrap_or_else(|error| error)
}

/// Reads a file again for a row of a name that something can be said of; says it without a place where the file is a stream.
fn find(
    file: &Path,
    columns: Columns,
    name: &str,
    reason: &str,
    mut said: impl FnMut(&Rows<'_>) -> Option<InputError>,
) -> Result<InputError, InputError> {
    let unplaced =
        || InputError::Unplaced { file: file.to_owned(), name: name.to_owned(), reason: reason.to_owned() };
    let Some(mut rows) = Rows::open(file, columns, &ProgressBar::hidden()).ok() else {
        return Ok(unplaced());
    };
    while rows.next()? {
        if rows.text(0) == name
            && let Some(said) = said(&rows)
        {
            return Ok(said);
        }
    }
    Ok(unplaced())
}
