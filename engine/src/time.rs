//! Instants, days, months and the periods of a contract, as integers that come in from outside: the engine has no clock.
//!
//! An [`Instant`] is in UTC, and so are days: the only time zone so far. A [`Calendar`] cuts the civil year into the
//! [`Period`]s that a contract is settled by.

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
#[serde(try_from = "i32", into = "i32")]
pub struct Month(i32);

/// A civil day, counted from 1970-01-01; years 1 to 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "i32", into = "i32")]
pub struct Day(i32);

/// A run of days, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Period {
    /// Its first day.
    pub first: Day,
    /// Its last day.
    pub last: Day,
}

/// How the year is cut into periods; none of them crosses a year's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Calendar {
    /// Each day.
    Daily,
    /// Each calendar month.
    Monthly,
    /// Three months, from January, April, July and October.
    Quarterly,
}

impl Instant {
    /// The instant at which a UTC day begins; `None` for no such day, or outside the years 1678 to 2262.
    pub fn at_midnight(year: i32, month: u8, day: u8) -> Option<Self> {
        Day::new(year, month, day)?.begins_at()
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
        Day::of(at).map(Day::month)
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

    /// The month after; `None` after the year 9999.
    pub fn next(self) -> Option<Self> {
        self.0.checked_add(1)?.try_into().ok()
    }

    /// How many months there are from this one to `last`, both included; 0 if `last` is earlier.
    pub fn through(self, last: Self) -> u32 {
        last.0.checked_sub(self.0).and_then(|n| n.checked_add(1)).map_or(0, |n| u32::try_from(n).unwrap_or(0))
    }

    /// Its first day.
    pub fn first_day(self) -> Day {
        let first = Day::new(self.year(), self.month(), 1);
        assert!(first.is_some(), "a month lies in the years that days do");
        first.unwrap_or(Day(0))
    }

    /// Its last day.
    pub fn last_day(self) -> Day {
        let last = Day::new(self.year(), self.month(), days_in_month(self.year(), self.month()));
        assert!(last.is_some(), "a month lies in the years that days do");
        last.unwrap_or(Day(0))
    }

    /// The instant at which the month is over; `None` past the reach of [`Instant`].
    pub fn end(self) -> Option<Instant> {
        self.last_day().end()
    }
}

impl Day {
    /// The day of a civil date, if there is such a day; years 1 to 9999.
    pub fn new(year: i32, month: u8, day: u8) -> Option<Self> {
        let known = (1..=9999).contains(&year) && (1..=12).contains(&month);
        if !known || day == 0 || day > days_in_month(year, month) {
            return None;
        }
        days_from_civil(year, month, day).map(Self)
    }

    /// The day that an instant lies in; `None` before the year 1.
    pub fn of(at: Instant) -> Option<Self> {
        let days = at.0.div_euclid(NANOSECONDS_PER_SECOND).div_euclid(SECONDS_PER_DAY);
        i32::try_from(days).ok()?.try_into().ok()
    }

    /// Days since 1970-01-01.
    pub const fn number(self) -> i32 {
        self.0
    }

    /// Its year.
    pub fn year(self) -> i32 {
        civil_from_days(self.0).0
    }

    /// Its month.
    pub fn month(self) -> Month {
        let (year, month, _) = civil_from_days(self.0);
        let found = Month::new(year, month);
        assert!(found.is_some(), "a day lies in the years that months do");
        found.unwrap_or(Month(0))
    }

    /// The day after; `None` after the year 9999.
    pub fn next(self) -> Option<Self> {
        self.0.checked_add(1)?.try_into().ok()
    }

    /// The day before; `None` before the year 1.
    pub fn previous(self) -> Option<Self> {
        self.0.checked_sub(1)?.try_into().ok()
    }

    /// The day so many days before; the first of all days where there is none.
    pub(crate) fn minus_days(self, days: u16) -> Self {
        let earlier = self.0.saturating_sub(i32::from(days)).try_into().ok();
        earlier.or_else(|| Self::new(1, 1, 1)).unwrap_or(self)
    }

    /// How many days later `later` is; negative if it is earlier.
    pub fn days_until(self, later: Self) -> i32 {
        // Days lie within ten thousand years, some 3.7 million of them.
        later.0.saturating_sub(self.0)
    }

    /// When it begins; `None` outside the reach of [`Instant`].
    pub fn begins_at(self) -> Option<Instant> {
        i64::from(self.0).checked_mul(SECONDS_PER_DAY)?.checked_mul(NANOSECONDS_PER_SECOND).map(Instant)
    }

    /// When it is over; `None` outside the reach of [`Instant`].
    pub fn end(self) -> Option<Instant> {
        i64::from(self.0)
            .checked_add(1)?
            .checked_mul(SECONDS_PER_DAY)?
            .checked_mul(NANOSECONDS_PER_SECOND)
            .map(Instant)
    }
}

impl Period {
    /// Whether a day lies in it.
    pub fn contains(self, day: Day) -> bool {
        self.first <= day && day <= self.last
    }
}

impl fmt::Display for Period {
    /// As `2019-01` where it is a month, `2019-01-31` where it is a day, or else `2019-01-01 to 2019-03-31`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let month = self.first.month();
        if self.first == self.last {
            self.first.fmt(f)
        } else if (self.first, self.last) == (month.first_day(), month.last_day()) {
            month.fmt(f)
        } else {
            f.pad(&format!("{} to {}", self.first, self.last))
        }
    }
}

impl Calendar {
    /// The period that a day lies in.
    pub fn period(self, day: Day) -> Period {
        let month = match self {
            Self::Daily => return Period { first: day, last: day },
            Self::Monthly | Self::Quarterly => day.month(),
        };
        let first = match self {
            Self::Quarterly => Month(month.0.saturating_sub(month.0.rem_euclid(3))),
            _ => month,
        };
        let last = match self {
            Self::Quarterly => Month(first.0.saturating_add(2)),
            _ => first,
        };
        Period { first: first.first_day(), last: last.last_day() }
    }

    /// The period after one; `None` after the year 9999.
    pub fn after(self, period: Period) -> Option<Period> {
        period.last.next().map(|day| self.period(day))
    }

    /// How many periods there are from the one that `first` lies in to the one that `last` lies in; 0 if `last` is earlier.
    pub fn count(self, first: Day, last: Day) -> u32 {
        if last < first {
            return 0;
        }
        let quarter = |day: Day| day.month().0.div_euclid(3);
        let steps = match self {
            Self::Daily => last.0.checked_sub(first.0),
            Self::Monthly => last.month().0.checked_sub(first.month().0),
            Self::Quarterly => quarter(last).checked_sub(quarter(first)),
        };
        steps.and_then(|steps| steps.checked_add(1)).and_then(|n| u32::try_from(n).ok()).unwrap_or(0)
    }

    /// Its word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Daily => "daily",
            Self::Monthly => "monthly",
            Self::Quarterly => "quarterly",
        }
    }
}

impl FromStr for Calendar {
    type Err = UnknownCalendar;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let all = [Self::Daily, Self::Monthly, Self::Quarterly];
        all.into_iter().find(|calendar| calendar.word() == text).ok_or(UnknownCalendar)
    }
}

/// A text that is no calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is no calendar: daily, monthly or quarterly")]
pub struct UnknownCalendar;

impl fmt::Display for Calendar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl TryFrom<i32> for Month {
    type Error = NoSuchMonth;
    fn try_from(number: i32) -> Result<Self, Self::Error> {
        if MONTHS.contains(&number) { Ok(Self(number)) } else { Err(NoSuchMonth) }
    }
}

impl From<Month> for i32 {
    fn from(month: Month) -> Self {
        month.0
    }
}

/// The first month of the year 1, and the last of the year 9999.
const MONTHS: std::ops::RangeInclusive<i32> = 12..=119_999;

/// A month outside the years 1 to 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("months lie in the years 1 to 9999")]
pub struct NoSuchMonth;

/// The first day of the year 1, and the last of the year 9999.
const DAYS: std::ops::RangeInclusive<i32> = -719_162..=2_932_896;

impl TryFrom<i32> for Day {
    type Error = NoSuchDay;
    fn try_from(number: i32) -> Result<Self, Self::Error> {
        if DAYS.contains(&number) { Ok(Self(number)) } else { Err(NoSuchDay) }
    }
}

impl From<Day> for i32 {
    fn from(day: Day) -> Self {
        day.0
    }
}

/// A day outside the years 1 to 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("days lie in the years 1 to 9999")]
pub struct NoSuchDay;

/// Days in the 400 years after which the civil calendar repeats itself.
const DAYS_IN_400_YEARS: i32 = 146_097;

/// Days from 1970-01-01 to a civil date, proleptic Gregorian. `None` where it does not fit; the date is not checked.
///
/// Years are counted from March, so that the leap day is a year's last and the days before a month of such a year are
/// (153 × months + 2) ÷ 5.
fn days_from_civil(year: i32, month: u8, day: u8) -> Option<i32> {
    let year = if month <= 2 { year.checked_sub(1)? } else { year };
    let since_march = i32::from(month).checked_add(9)?.checked_rem(12)?;
    let cycle = year.div_euclid(400);
    let year_of_cycle = year.rem_euclid(400);
    let day_of_year = since_march
        .checked_mul(153)?
        .checked_add(2)?
        .checked_div(5)?
        .checked_add(i32::from(day))?
        .checked_sub(1)?;
    let day_of_cycle = year_of_cycle
        .checked_mul(365)?
        .checked_add(year_of_cycle.checked_div(4)?)?
        .checked_sub(year_of_cycle.checked_div(100)?)?
        .checked_add(day_of_year)?;
    // 719,468 days lie between 0000-03-01 and 1970-01-01.
    cycle.checked_mul(DAYS_IN_400_YEARS)?.checked_add(day_of_cycle)?.checked_sub(719_468)
}

/// Year, month and day of a day counted from 1970-01-01: the inverse of [`days_from_civil`].
#[expect(
    clippy::arithmetic_side_effects,
    reason = "a day lies within ten thousand years of 1970, so nothing here comes near the ends of an i64"
)]
fn civil_from_days(days: i32) -> (i32, u8, u8) {
    let days = i64::from(days) + 719_468;
    let cycle_days = i64::from(DAYS_IN_400_YEARS);
    let cycle = days.div_euclid(cycle_days);
    let day_of_cycle = days.rem_euclid(cycle_days);
    // One day in 1,460, one in 36,524 and one in 146,096 is a leap day that does not belong to a year of 365.
    let year_of_cycle =
        (day_of_cycle - day_of_cycle / 1_460 + day_of_cycle / 36_524 - day_of_cycle / 146_096) / 365;
    let day_of_year = day_of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
    let since_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * since_march + 2) / 5 + 1;
    let month = (since_march + 2) % 12 + 1;
    let year = cycle * 400 + year_of_cycle + i64::from(month <= 2);
    let fits = (i32::try_from(year), u8::try_from(month), u8::try_from(day));
    assert!(matches!(fits, (Ok(_), Ok(_), Ok(_))), "a civil date is small");
    (fits.0.unwrap_or(0), fits.1.unwrap_or(0), fits.2.unwrap_or(0))
}

/// How many days a month has; 0 where there is no such month.
const fn days_in_month(year: i32, month: u8) -> u8 {
    let leap = year.rem_euclid(4) == 0 && (year.rem_euclid(100) != 0 || year.rem_euclid(400) == 0);
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => 0,
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(std::str::from_utf8(&self.to_ascii()).unwrap_or_default())
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
        let days = i32::try_from(days).map_err(|_| fmt::Error)?;
        let (year, month, day) = civil_from_days(days);
        let (hours, minutes) = (of_day.div_euclid(3600), of_day.rem_euclid(3600).div_euclid(60));
        write!(f, "{year:04}-{month:02}-{day:02}T{hours:02}:{minutes:02}:{:02}", of_day.rem_euclid(60))?;
        if nanoseconds != 0 {
            write!(f, ".{nanoseconds:09}")?;
        }
        f.write_str("Z")
    }
}

/// A text that is not a month.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a month such as 2019-01")]
pub struct ParseMonthError(pub String);

impl FromStr for Month {
    type Err = ParseMonthError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || {
            // A month is read as its first day is.
            let first = Day::from_ascii(format!("{text}-01").as_bytes())?;
            Some(first.month())
        };
        parse().ok_or_else(|| ParseMonthError(text.to_owned()))
    }
}

/// A text that is not a day.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a day such as 2019-01-31")]
pub struct ParseDayError(pub String);

impl FromStr for Day {
    type Err = ParseDayError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::from_ascii(text.as_bytes()).ok_or_else(|| ParseDayError(text.to_owned()))
    }
}

impl Day {
    /// As `2019-01-31`.
    #[expect(
        clippy::arithmetic_side_effects,
        clippy::cast_possible_truncation,
        reason = "years have four digits and are not negative, months and days have two"
    )]
    pub fn to_ascii(self) -> [u8; 10] {
        let (year, month, day) = civil_from_days(self.0);
        let digit = |number: i32| b'0' + number.rem_euclid(10) as u8;
        let pair = |number: u8| [digit(i32::from(number) / 10), digit(i32::from(number))];
        let ([m0, m1], [d0, d1]) = (pair(month), pair(day));
        [digit(year / 1_000), digit(year / 100), digit(year / 10), digit(year), b'-', m0, m1, b'-', d0, d1]
    }

    /// Reads `2019-01-31`, and nothing else.
    pub fn from_ascii(text: &[u8]) -> Option<Self> {
        let &[y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1] = text else {
            return None;
        };
        let number = |digits: &[u8]| {
            digits.iter().try_fold(0_i32, |sum, digit| {
                let digit = digit.checked_sub(b'0').filter(|digit| *digit <= 9)?;
                sum.checked_mul(10)?.checked_add(i32::from(digit))
            })
        };
        let [month, day] = [number(&[m0, m1])?, number(&[d0, d1])?].map(u8::try_from);
        Self::new(number(&[y0, y1, y2, y3])?, month.ok()?, day.ok()?)
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

    fn month_of(number: i32) -> Result<Month, NoSuchMonth> {
        number.try_into()
    }

    #[test]
    fn months_count_and_end() {
        let january: Month = "2019-01".parse().expect("a month");
        let december: Month = "2018-12".parse().expect("a month");
        assert_eq!(december.next(), Some(january));
        assert_eq!(month_of(11), Err(NoSuchMonth));
        assert_eq!(month_of(119_999).map(Month::next), Ok(None));
        assert_eq!(month_of(120_000), Err(NoSuchMonth));
        assert_eq!(december.through(january), 2);
        assert_eq!(january.through(december), 0);
        assert_eq!(december.end(), Instant::at_midnight(2019, 1, 1));
        assert_eq!(january.last_day().to_string(), "2019-01-31");
        let shown = [Calendar::Daily, Calendar::Monthly, Calendar::Quarterly]
            .map(|calendar| calendar.period(december.first_day()).to_string());
        assert_eq!(shown, ["2018-12-01", "2018-12", "2018-10-01 to 2018-12-31"]);
        let quarter = Calendar::Quarterly.period(december.first_day());
        assert_eq!(
            (quarter.first.to_string(), quarter.last.to_string()),
            ("2018-10-01".into(), "2018-12-31".into())
        );
        for text in
            ["2019-02-29", "2019-2-01", "2019-13-01", "2019-00-10", "0000-01-01", "2019-01-00", "2019/01/01"]
        {
            assert!(text.parse::<Day>().is_err(), "{text}");
        }
        for text in
            ["2019", "2019-1", "2019-13", "2019-00", "0000-01", "19-01", "2019-01-01", "+019-01", "2019-+1"]
        {
            assert!(text.parse::<Month>().is_err(), "{text}");
        }
    }

    proptest! {
        /// Days are consecutive: stepping by one day steps the civil date by one day.
        #[test]
        fn civil_dates_and_days_are_inverse(number in DAYS) {
            let day = Day::try_from(number).expect("in reach");
            let (year, month, of_month) = civil_from_days(number);
            prop_assert_eq!(Day::new(year, month, of_month), Some(day));
            prop_assert_eq!(day.to_string().parse::<Day>(), Ok(day));
            prop_assert_eq!((day.year(), day.month()), (year, Month::new(year, month).expect("a month")));
            if let Some(next) = day.next() {
                let (next_year, next_month, next_of_month) = civil_from_days(next.number());
                let steps = (next_year, next_month, next_of_month) == (year, month, of_month + 1)
                    || (next_of_month == 1 && of_month == days_in_month(year, month));
                prop_assert!(steps);
            }
        }

        #[test]
        fn a_day_begins_and_ends_where_its_neighbours_do(number in -106_000_i32..106_000) {
            let day = Day::try_from(number).expect("in reach");
            let begins_at = day.begins_at().expect("in reach");
            prop_assert_eq!(Day::of(begins_at), Some(day));
            prop_assert_eq!(Day::of(Instant(begins_at.0 - 1)), day.previous());
            prop_assert_eq!(day.end(), day.next().expect("in reach").begins_at());
            prop_assert_eq!(Month::of(begins_at), Some(day.month()));
        }

        /// Each calendar cuts the years into periods without gap or overlap, none of which crosses a year's end.
        #[test]
        fn periods_follow_each_other(number in -700_000_i32..2_900_000, calendar in 0..3_usize) {
            let calendar = [Calendar::Daily, Calendar::Monthly, Calendar::Quarterly][calendar];
            let day = Day::try_from(number).expect("in reach");
            let period = calendar.period(day);
            prop_assert!(period.contains(day));
            prop_assert_eq!(calendar.period(period.first), period);
            prop_assert_eq!(calendar.period(period.last), period);
            prop_assert_eq!(period.first.year(), period.last.year());
            let after = calendar.after(period).expect("in reach");
            prop_assert_eq!(period.last.next(), Some(after.first));
            prop_assert_eq!(calendar.count(day, after.last), 2);
            prop_assert_eq!(calendar.count(day, period.last), 1);
        }

        #[test]
        fn months_print_and_parse(year in 1_i32..=9999, month in 1_u8..=12) {
            let value = Month::new(year, month).expect("in range");
            prop_assert_eq!((value.year(), value.month()), (year, month));
            prop_assert_eq!(value.to_string().parse::<Month>(), Ok(value));
            prop_assert_eq!(Month::try_from(i32::from(value)), Ok(value));
        }
    }
}
