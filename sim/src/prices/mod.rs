//! Price series: real ones that come with the project (`sim/data`, with sources and licences) and a user's own, read exactly.
//!
//! A series has a price for each month or each calendar year, with labels that say what it is the price of. What is missing is
//! told ([`Series::gaps`]) and stays missing, unless somebody asks for it to be filled ([`Series::filled`]), and then what was filled
//! is told too. A price in another unit, currency or year's money is a conversion ([`convert`]) that tells the rates it used.
//!
//! | to find … | look in |
//! |---|---|
//! | the series that come with the project | `catalogue.rs` |
//! | what is wrong with a file | `read.rs` |
//! | units of mass, monthly and yearly | `unit.rs` |
//! | exchange rates and consumer prices, by month | `rates.rs` |
//! | another unit, currency or year's money | `convert.rs` |
//!
//! Deliberately absent: fetching anything, and daily prices, since none that are free to copy were found.

mod catalogue;
pub mod convert;
pub mod rates;
mod read;
mod unit;

use std::borrow::Cow;
use std::path::Path;
use std::{fs, io};

use golv_engine::num::{Currency, Price, divide_half_even};
use golv_engine::time::Month;

use crate::parquet;

pub use catalogue::{Entry, catalogue};
pub use read::SeriesError;
pub use unit::{Frequency, Mass, ParseMassError};

/// The text of somebody's own price file, as [`Series::parse`] reads it: a file that ends in `.parquet` as the CSV that it comes to, any
/// other as it stands. A scenario that names a file is read with this.
///
/// # Errors
/// Where the file cannot be opened; of a Parquet file a [`parquet::ParquetError`].
pub fn text_of(file: &Path) -> Result<String, io::Error> {
    if !parquet::is_parquet(file) {
        return fs::read_to_string(file);
    }
    parquet::price_csv(fs::read(file)?).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

/// A price series.
#[derive(Clone, Debug)]
pub struct Series {
    /// The name that it is asked for by.
    pub id: Cow<'static, str>,
    /// What it is the price of.
    pub material: Cow<'static, str>,
    /// In which form and grade, such as `metal, at least 99 %, battery grade`.
    pub form: &'static str,
    /// Where and how it is priced, such as `import, CIF north-west Europe`.
    pub basis: &'static str,
    /// The currency of its prices.
    pub currency: Currency,
    /// The mass that they are per.
    pub mass: Mass,
    /// What each price is the average of.
    pub frequency: Frequency,
    /// Whose series it is and what of, as it is to be cited.
    pub source: &'static str,
    /// On what terms it may be copied.
    pub licence: &'static str,
    /// What else its reader must know; may be empty.
    pub note: &'static str,
    /// Each period by its first month, in order; never empty.
    points: Vec<(Month, Price)>,
}

/// Periods that a series lacks between its first and its last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The first month without a price.
    pub first: Month,
    /// The last one.
    pub last: Month,
}

/// How gaps are filled, if somebody asks for that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fill {
    /// The last price before the gap.
    Last,
    /// A straight line from the last price before the gap to the first after it, rounded half to even to millionths.
    Linear,
}

impl Series {
    /// The series of the catalogue with that id.
    pub fn named(id: &str) -> Option<Self> {
        catalogue().iter().find(|entry| entry.id == id).map(Entry::series)
    }

    /// Lithium metal, battery grade, USD per tonne, monthly averages from 2012-06 to 2025-09 (IMF). It is the
    /// *metal*, six to nine times as dear as the carbonate.
    pub fn lithium_metal() -> Self {
        Self::named("lithium-metal").expect("the catalogue has it, as a test checks")
    }

    /// Reads somebody's own series from CSV: the header `month,price` or `year,price`, then a line for each, such as
    /// `2012-06,63643.22`.
    ///
    /// # Errors
    /// For the first line that cannot be read, or is not after the one before; and for a series without a price.
    pub fn parse(id: String, currency: Currency, mass: Mass, text: &str) -> Result<Self, SeriesError> {
        let (frequency, points) = read::points(text, "price")?;
        Ok(Self {
            material: id.clone().into(),
            id: id.into(),
            form: "as its user says",
            basis: "as its user says",
            currency,
            mass,
            frequency,
            source: "a file of the user's own",
            licence: "the user's own",
            note: "",
            points,
        })
    }

    /// The price that counts for a month: its own, or of a yearly series its year's. `None` where the series has none.
    pub fn price(&self, month: Month) -> Option<Price> {
        let at = self.period_of(month)?;
        let place = self.points.binary_search_by_key(&at, |(month, _)| *month).ok()?;
        self.points.get(place).map(|(_, price)| *price)
    }

    /// All periods by their first month with their prices, in order; never empty.
    pub fn points(&self) -> &[(Month, Price)] {
        &self.points
    }

    /// The first month that the series has a price for.
    pub fn first(&self) -> Month {
        self.points.first().expect("a series is never empty").0
    }

    /// The last month that the series has a price for: of a yearly series the last year's December.
    pub fn last(&self) -> Month {
        let (last, _) = *self.points.last().expect("a series is never empty");
        match self.frequency {
            Frequency::Monthly => last,
            Frequency::Yearly => Month::new(last.year(), 12).expect("a year has a December"),
        }
    }

    /// The points from `first` to `last`, both included; `None` unless the series has them all.
    pub fn range(&self, first: Month, last: Month) -> Option<&[(Month, Price)]> {
        let (first, last) = (self.period_of(first)?, self.period_of(last)?);
        let place = |at| self.points.binary_search_by_key(&at, |(month, _)| *month).ok();
        let found = self.points.get(place(first)?..=place(last)?)?;
        let wanted = (number(last) - number(first)) / self.frequency.months() + 1;
        (i64::try_from(found.len()).ok()? == wanted).then_some(found)
    }

    /// The part of the series that has prices from one month to another, both included; `None` where it has none of them.
    pub fn within(&self, first: Month, last: Month) -> Option<Self> {
        let (first, last) = (self.period_of(first)?, self.period_of(last)?);
        let is_within = |(at, _): &&(Month, Price)| (first..=last).contains(at);
        let points: Vec<_> = self.points.iter().filter(is_within).copied().collect();
        (!points.is_empty()).then(|| Self { points, ..self.clone() })
    }

    /// What the series lacks between its first and its last period, in order.
    pub fn gaps(&self) -> Vec<Gap> {
        let pairs = self.points.iter().zip(self.points.iter().skip(1));
        let gap = |((before, _), (after, _)): (&(Month, Price), &(Month, Price))| {
            let step = self.frequency.months();
            let (before, after) = (number(*before), number(*after));
            let first = before + step;
            (first < after).then(|| Gap { first: month(first), last: month(after - 1) })
        };
        pairs.filter_map(gap).collect()
    }

    /// The series with its gaps filled, and the first month of each period that was.
    pub fn filled(&self, fill: Fill) -> (Self, Vec<Month>) {
        let step = self.frequency.months();
        let mut points: Vec<(Month, Price)> = Vec::with_capacity(self.points.len());
        let mut made = Vec::new();
        for &(at, price) in &self.points {
            if let Some(&(before, low)) = points.last() {
                let (from, to) = (number(before), number(at));
                let mut next = from + step;
                while next < to {
                    let filled = match fill {
                        Fill::Last => low,
                        Fill::Linear => between(low, price, next - from, to - from),
                    };
                    points.push((month(next), filled));
                    made.push(month(next));
                    next += step;
                }
            }
            points.push((at, price));
        }
        (Self { points, ..self.clone() }, made)
    }

    /// Currency and unit of the prices, such as `USD/t`.
    pub fn unit(&self) -> String {
        format!("{}/{}", self.currency, self.mass)
    }

    /// Material and form, as a chart is labelled.
    pub fn label(&self) -> String {
        format!("{}, {}", self.material, self.form)
    }

    /// The text of a period, as files have it: `2019-01`, or `2019` where prices are yearly.
    pub fn period_text(&self, month: Month) -> String {
        read::period(month, self.frequency)
    }

    /// The first month of the period that a month lies in.
    fn period_of(&self, month: Month) -> Option<Month> {
        match self.frequency {
            Frequency::Monthly => Some(month),
            Frequency::Yearly => Month::new(month.year(), 1),
        }
    }
}

/// `low + (high − low) × step ÷ steps`, rounded half to even.
fn between(low: Price, high: Price, step: i64, steps: i64) -> Price {
    let (low, high) = (i128::from(low.millionths()), i128::from(high.millionths()));
    let sum = low * i128::from(steps - step) + high * i128::from(step);
    let price = divide_half_even(sum, steps.into()).and_then(|price| i64::try_from(price).ok());
    Price::from_millionths(price.expect("what lies between two prices is one"))
}

/// Months as numbers in a row.
fn number(month: Month) -> i64 {
    i64::from(month.year()) * 12 + i64::from(month.month()) - 1
}

/// The month of a number.
fn month(number: i64) -> Month {
    let year = i32::try_from(number.div_euclid(12)).ok();
    let month = u8::try_from(number.rem_euclid(12) + 1).ok();
    let month = year.zip(month).and_then(|(year, month)| Month::new(year, month));
    month.expect("it lies between two months of a series")
}

#[cfg(test)]
mod tests;
