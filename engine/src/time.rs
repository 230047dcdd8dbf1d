//! Instants and months, as integers that come in from outside: the engine has no clock.
//!
//! An [`Instant`] is in UTC. Days and months belong to a contract's calendar; the only calendar so far is
//! the civil one in UTC, and the only period the calendar [`Month`].

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

const NANOSECONDS_PER_SECOND: i64 = 1_000_000_000;
const SECONDS_PER_DAY: i64 = 86_400;

/// Nanoseconds since 1970-01-01T00:00:00Z. Reaches the year 2262.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Instant(pub i64);

/// A calendar month, counted from January of the year 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Month(i32);

impl Instant {
    /// The instant at which a UTC day begins; `None` for no such day, or outside the years 1678 to 2262.
    pub fn at_midnight(year: i32, month: u8, day: u8) -> Option<Self> {
        if day == 0 || i64::from(day) > days_in_month(year, month)? {
            return None;
        }
        let days = days_from_civil(year, month)?.checked_add(i64::from(day).checked_sub(1)?)?;
        days.checked_mul(SECONDS_PER_DAY)?.checked_mul(NANOSECONDS_PER_SECOND).map(Self)
    }

    /// This much later, if it fits.
    pub const fn plus_seconds(self, seconds: u32) -> Option<Self> {
        // A u32 of seconds is at most 4.3 × 10¹⁸ ns, which an i64 holds.
        match (seconds as i64).checked_mul(NANOSECONDS_PER_SECOND) {
            Some(nanoseconds) => match self.0.checked_add(nanoseconds) {
                Some(later) => Some(Self(later)),
                None => None,
            },
            None => None,
        }
    }
}

impl Month {
    /// The month of a year, 1 to 12; years 1 to 9999.
    pub fn new(year: i32, month: u8) -> Option<Self> {
        if !(1..=9999).contains(&year) || !(1..=12).contains(&month) {
            return None;
        }
        year.checked_mul(12)?.checked_add(i32::from(month).checked_sub(1)?).map(Self)
    }

    /// The month that an instant lies in; `None` before the year 1.
    pub fn of(at: Instant) -> Option<Self> {
        let seconds = at.0.div_euclid(NANOSECONDS_PER_SECOND);
        let (year, month, _) = civil_from_days(seconds.div_euclid(SECONDS_PER_DAY))?;
        Self::new(year, month)
    }

    /// The year.
    pub const fn year(self) -> i32 {
        self.0.div_euclid(12)
    }

    /// The month of the year, 1 to 12.
    pub const fn month(self) -> u8 {
        match self.0.rem_euclid(12) {
            0 => 1,
            1 => 2,
            2 => 3,
            3 => 4,
            4 => 5,
            5 => 6,
            6 => 7,
            7 => 8,
            8 => 9,
            9 => 10,
            10 => 11,
            _ => 12,
        }
    }

    /// The month after, if there is one.
    pub const fn next(self) -> Option<Self> {
        match self.0.checked_add(1) {
            Some(next) => Some(Self(next)),
            None => None,
        }
    }

    /// How many months there are from this one to `last`, both included; 0 if `last` is earlier.
    pub fn through(self, last: Self) -> u32 {
        last.0.checked_sub(self.0).and_then(|n| n.checked_add(1)).map_or(0, |n| u32::try_from(n).unwrap_or(0))
    }

    /// The instant at which the month is over; `None` past the reach of [`Instant`].
    pub fn end(self) -> Option<Instant> {
        let next = self.next()?;
        Instant::at_midnight(next.year(), next.month(), 1)
    }
}

/// Days from 1970-01-01 to the first of a month, proleptic Gregorian.
fn days_from_civil(year: i32, month: u8) -> Option<i64> {
    let before = |year: i64| -> Option<i64> {
        // Leap days up to the end of the year before `year`.
        let last = year.checked_sub(1)?;
        let leaps =
            last.div_euclid(4).checked_sub(last.div_euclid(100))?.checked_add(last.div_euclid(400))?;
        last.checked_mul(365)?.checked_add(leaps)
    };
    let mut days = before(i64::from(year))?.checked_sub(before(1970)?)?;
    for earlier in 1..month {
        days = days.checked_add(days_in_month(year, earlier)?)?;
    }
    Some(days)
}

fn days_in_month(year: i32, month: u8) -> Option<i64> {
    let divides = |by: i32| year.checked_rem(by) == Some(0);
    let leap = divides(4) && (!divides(100) || divides(400));
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => Some(31),
        4 | 6 | 9 | 11 => Some(30),
        2 => Some(if leap { 29 } else { 28 }),
        _ => None,
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{:04}-{:02}", self.year(), self.month()))
    }
}

impl fmt::Display for Instant {
    /// As `2018-12-03T10:00:00Z`, with the fraction of a second only where there is one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.div_euclid(NANOSECONDS_PER_SECOND);
        let nanoseconds = self.0.rem_euclid(NANOSECONDS_PER_SECOND);
        let (days, of_day) = (seconds.div_euclid(SECONDS_PER_DAY), seconds.rem_euclid(SECONDS_PER_DAY));
        let (year, month, day) = civil_from_days(days).ok_or(fmt::Error)?;
        let (hours, minutes) = (of_day.div_euclid(3600), of_day.rem_euclid(3600).div_euclid(60));
        write!(f, "{year:04}-{month:02}-{day:02}T{hours:02}:{minutes:02}:{:02}", of_day.rem_euclid(60))?;
        if nanoseconds != 0 {
            write!(f, ".{nanoseconds:09}")?;
        }
        f.write_str("Z")
    }
}

/// Year, month and day of a day counted from 1970-01-01. Steps through months, which is quick enough for
/// printing, and for what happens once an award.
fn civil_from_days(days: i64) -> Option<(i32, u8, i64)> {
    // 146,097 days make 400 years, so this first guess is at most one year off.
    let guess = days.checked_mul(400)?.div_euclid(146_097).checked_add(1970)?;
    let mut year = i32::try_from(guess).ok()?;
    while days_from_civil(year, 1)? > days {
        year = year.checked_sub(1)?;
    }
    while days_from_civil(year.checked_add(1)?, 1)? <= days {
        year = year.checked_add(1)?;
    }
    let mut month = 1_u8;
    while month < 12 && days_from_civil(year, month.checked_add(1)?)? <= days {
        month = month.checked_add(1)?;
    }
    Some((year, month, days.checked_sub(days_from_civil(year, month)?)?.checked_add(1)?))
}

/// A text that is not a month.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a month such as 2019-01")]
pub struct ParseMonthError(pub String);

impl FromStr for Month {
    type Err = ParseMonthError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || {
            let (year, month) = text.split_once('-')?;
            if year.len() != 4 || month.len() != 2 {
                return None;
            }
            Self::new(year.parse().ok()?, month.parse().ok()?)
        };
        parse().ok_or_else(|| ParseMonthError(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_days() {
        assert_eq!(Instant::at_midnight(1970, 1, 1), Some(Instant(0)));
        // `date -d 2019-03-01T00:00:00Z +%s`
        assert_eq!(Instant::at_midnight(2019, 3, 1), Some(Instant(1_551_398_400 * NANOSECONDS_PER_SECOND)));
        assert_eq!(
            Instant::at_midnight(2000, 2, 29).map(|at| at.to_string()),
            Some("2000-02-29T00:00:00Z".into())
        );
        assert_eq!(Instant::at_midnight(1900, 2, 29), None);
        assert_eq!(Instant::at_midnight(2019, 13, 1), None);
        assert_eq!(Instant(1).to_string(), "1970-01-01T00:00:00.000000001Z");
        assert_eq!(Instant(-1).to_string(), "1969-12-31T23:59:59.999999999Z");
    }

    #[test]
    fn months_count_and_end() {
        let january: Month = "2019-01".parse().expect("a month");
        let december: Month = "2018-12".parse().expect("a month");
        assert_eq!(december.next(), Some(january));
        assert_eq!(december.through(january), 2);
        assert_eq!(january.through(december), 0);
        assert_eq!(december.end(), Instant::at_midnight(2019, 1, 1));
        for text in ["2019", "2019-1", "2019-13", "2019-00", "0000-01", "19-01", "2019-01-01", "+019-01x"] {
            assert!(text.parse::<Month>().is_err(), "{text}");
        }
    }

    proptest! {
        /// Days are consecutive: stepping by one day steps the civil date by one day.
        #[test]
        fn civil_dates_and_days_are_inverse(days in -106_000_i64..106_000) {
            let (year, month, day) = civil_from_days(days).expect("in reach");
            let at = Instant::at_midnight(year, month, u8::try_from(day).expect("a day")).expect("in reach");
            prop_assert_eq!(at.0, days * SECONDS_PER_DAY * NANOSECONDS_PER_SECOND);
            let lies_in = Month::new(year, month);
            prop_assert_eq!(Month::of(at), lies_in);
            prop_assert_eq!(Month::of(Instant(at.0 + SECONDS_PER_DAY * NANOSECONDS_PER_SECOND - 1)), lies_in);
        }

        #[test]
        fn months_print_and_parse(year in 1_i32..=9999, month in 1_u8..=12) {
            let value = Month::new(year, month).expect("in range");
            prop_assert_eq!((value.year(), value.month()), (year, month));
            prop_assert_eq!(value.to_string().parse::<Month>(), Ok(value));
        }
    }
}
