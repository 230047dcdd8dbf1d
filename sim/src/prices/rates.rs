//! Exchange rates and consumer prices, month by month, as they come with the project.
//!
//! Rates are monthly averages of units of a currency for one US dollar (Federal Reserve, H.10). A yearly price is converted at the
//! simple average of its year's twelve rates, and one that is missing refuses the year.
//!
//! Deliberately absent: rates of pound and yen, for which no free series was at hand: a conversion with them is refused.

use std::fmt;

use golv_engine::num::{Currency, Price, divide_half_even};
use golv_engine::time::Month;

use super::read;
use super::unit::Frequency;
use super::{month, number};

/// A monthly series of values that are not prices.
#[derive(Clone, Debug)]
struct Monthly(Vec<(Month, Price)>);

impl Monthly {
    fn read(text: &str) -> Self {
        let (frequency, points) =
            read::points(text, "value").expect("what comes with the project reads, as a test checks");
        assert_eq!(frequency, Frequency::Monthly, "rates are monthly");
        Self(points)
    }

    /// The sum of the values of some months from `first` on, in millionths.
    ///
    /// # Errors
    /// The first month that has none.
    fn sum(&self, first: Month, months: i64) -> Result<i128, Month> {
        let mut sum = 0;
        for step in 0..months {
            let at = month(number(first) + step);
            let place = self.0.binary_search_by_key(&at, |(month, _)| *month).map_err(|_| at)?;
            sum += i128::from(self.0[place].1.millionths());
        }
        Ok(sum)
    }
}

/// An average over some months, kept as a sum so that nothing is rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Average {
    /// In millionths, positive.
    pub(super) sum: i128,
    pub(super) months: i64,
}

impl fmt::Display for Average {
    /// Rounded half to even to millionths.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let average = divide_half_even(self.sum, self.months.into()).and_then(|sum| i64::try_from(sum).ok());
        Price::from_millionths(average.expect("an average of values is one")).fmt(f)
    }
}

/// Exchange rates by month.
#[derive(Clone, Debug)]
pub struct Rates {
    euro: Monthly,
    yuan: Monthly,
}

/// There is no rate of a currency for a month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoRate {
    /// The series lacks the month.
    #[error("there is no exchange rate of {currency} to USD for {month}")]
    Month {
        /// The currency.
        currency: Currency,
        /// The month.
        month: Month,
    },
    /// There is no series.
    #[error("there are no exchange rates of {0}: only EUR, USD and CNY have any")]
    Currency(Currency),
}

impl Rates {
    /// Whose the rates are, as they are to be cited.
    pub const SOURCE: &str = "Federal Reserve, H.10, monthly averages";

    /// The rates that come with the project.
    pub fn published() -> Self {
        let euro = Monthly::read(include_str!("../../data/rates/eur-per-usd.csv"));
        Self { euro, yuan: Monthly::read(include_str!("../../data/rates/cny-per-usd.csv")) }
    }

    /// Units of a currency for a US dollar, on average over some months from `first` on.
    ///
    /// # Errors
    /// [`NoRate`] where one of the months has none.
    pub fn per_dollar(&self, currency: Currency, first: Month, months: i64) -> Result<Average, NoRate> {
        let sum = match currency {
            Currency::Usd => Ok(1_000_000 * i128::from(months)),
            Currency::Eur => self.euro.sum(first, months),
            Currency::Cny => self.yuan.sum(first, months),
            Currency::Gbp | Currency::Jpy => return Err(NoRate::Currency(currency)),
        };
        let sum = sum.map_err(|month| NoRate::Month { currency, month })?;
        Ok(Average { sum, months })
    }
}

/// Consumer prices of a currency's area, by month.
#[derive(Clone, Debug)]
pub struct ConsumerPrices {
    /// What it is, as it is to be cited.
    pub source: &'static str,
    values: Monthly,
}

impl ConsumerPrices {
    /// The index that comes with the project: CPI-U for the dollar, HICP of the euro area for the euro; `None` for other currencies.
    pub fn of(currency: Currency) -> Option<Self> {
        let (source, text) = match currency {
            Currency::Usd => (
                "Bureau of Labor Statistics, CPI-U, all items, 1982–84 = 100",
                include_str!("../../data/rates/cpi-us.csv"),
            ),
            Currency::Eur => (
                "Eurostat, HICP of the euro area of 19 countries, all items, 2015 = 100",
                include_str!("../../data/rates/hicp-euro-area.csv"),
            ),
            Currency::Gbp | Currency::Cny | Currency::Jpy => return None,
        };
        Some(Self { source, values: Monthly::read(text) })
    }

    /// Its average over some months from `first` on.
    ///
    /// # Errors
    /// The first month without a value.
    pub fn average(&self, first: Month, months: i64) -> Result<Average, Month> {
        Ok(Average { sum: self.values.sum(first, months)?, months })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn month(text: &str) -> Month {
        text.parse().expect("a month")
    }

    #[test]
    fn rates_are_as_published() {
        let rates = Rates::published();
        let rate =
            |currency, at, months| rates.per_dollar(currency, month(at), months).map(|r| r.to_string());
        assert_eq!(rate(Currency::Eur, "1999-01", 1), Ok("0.8627".into()));
        assert_eq!(rate(Currency::Eur, "2008-07", 1), Ok("0.6346".into()));
        assert_eq!(rate(Currency::Cny, "1994-04", 1), Ok("8.7251".into()));
        assert_eq!(rate(Currency::Usd, "1994-04", 12), Ok("1".into()));
        let missing = NoRate::Month { currency: Currency::Eur, month: month("1998-12") };
        assert_eq!(rate(Currency::Eur, "1998-12", 12), Err(missing));
        assert_eq!(rate(Currency::Jpy, "2020-01", 1), Err(NoRate::Currency(Currency::Jpy)));
    }

    /// A year's rate is the average of its months, neither the first nor the last.
    #[test]
    fn a_year_has_the_average_of_its_rates() {
        let rates = Rates::published();
        let of = |at: &str, months| {
            let average = rates.per_dollar(Currency::Eur, month(at), months).expect("there");
            average.sum
        };
        let months: i128 = (1..=12).map(|at| of(&format!("2022-{at:02}"), 1)).sum();
        assert_eq!(of("2022-01", 12), months);
    }

    #[test]
    fn a_month_without_consumer_prices_is_told() {
        let prices = ConsumerPrices::of(Currency::Usd).expect("there");
        assert_eq!(prices.average(month("2025-09"), 1).map(|value| value.to_string()), Ok("324.8".into()));
        assert_eq!(prices.average(month("2025-01"), 12), Err(month("2025-10")));
        assert!(ConsumerPrices::of(Currency::Jpy).is_none());
    }
}
