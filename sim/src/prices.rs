//! Price series: real ones that come with the project (`sim/data`, with sources and licences), read exactly.
//!
//! A series is monthly and whole: a month that is missing is an error, never filled in.

use golv_engine::num::{ParseNumberError, Price};
use golv_engine::time::{Month, ParseMonthError};

/// A monthly price series without gaps.
#[derive(Clone, Debug)]
pub struct Series {
    /// Whose series it is and what of, as it is to be cited.
    pub source: &'static str,
    /// Currency and unit of mass.
    pub unit: &'static str,
    /// Months in order, each the one after the last; never empty.
    prices: Vec<(Month, Price)>,
}

/// What is wrong with a series' text, by its line, counted from 1.
#[derive(Debug, thiserror::Error)]
pub enum SeriesError {
    /// The text is not CSV.
    #[error("the series is not CSV")]
    Csv(#[from] csv::Error),
    /// The first line is not the header.
    #[error("line 1 must be 'month,price'")]
    Header,
    /// A month cannot be read.
    #[error("line {line}, column 'month'")]
    Month {
        /// The line.
        line: u64,
        /// What is wrong with it.
        source: ParseMonthError,
    },
    /// A price cannot be read.
    #[error("line {line}, column 'price'")]
    Price {
        /// The line.
        line: u64,
        /// What is wrong with it.
        source: ParseNumberError,
    },
    /// A month does not follow the one before.
    #[error("line {line}: {month} does not follow {before}; a series has every month once, in order")]
    Gap {
        /// The line.
        line: u64,
        /// The month there.
        month: Month,
        /// The month before.
        before: Month,
    },
    /// There is no price at all.
    #[error("the series is empty")]
    Empty,
}

impl Series {
    /// Lithium metal, battery grade, USD per tonne, monthly averages (IMF). It is the *metal*, six to nine
    /// times as dear as the carbonate.
    pub fn lithium_metal() -> Self {
        let prices = parse(include_str!("../data/lithium-metal.csv"))
            .expect("the series that comes with the project is whole, as a test checks");
        Self {
            source: "IMF Primary Commodity Price System: lithium metal, at least 99 %, battery grade",
            unit: "USD/t",
            prices,
        }
    }

    /// The price of a month, if the series reaches it.
    pub fn price(&self, month: Month) -> Option<Price> {
        let (first, _) = self.prices.first()?;
        let after_first = usize::try_from(first.through(month)).ok()?.checked_sub(1)?;
        self.prices.get(after_first).map(|(_, price)| *price)
    }

    /// All months with their prices, in order.
    pub fn months(&self) -> &[(Month, Price)] {
        &self.prices
    }
}

/// Reads `month,price` lines.
fn parse(text: &str) -> Result<Vec<(Month, Price)>, SeriesError> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    if reader.headers()? != vec!["month", "price"] {
        return Err(SeriesError::Header);
    }
    let mut prices: Vec<(Month, Price)> = Vec::new();
    for record in reader.records() {
        let record = record?;
        let line = record.position().map_or(0, csv::Position::line);
        let field = |column| record.get(column).unwrap_or_default();
        let month: Month = field(0).parse().map_err(|source| SeriesError::Month { line, source })?;
        let price = field(1).parse().map_err(|source| SeriesError::Price { line, source })?;
        if let Some(&(before, _)) = prices.last()
            && before.next() != Some(month)
        {
            return Err(SeriesError::Gap { line, month, before });
        }
        prices.push((month, price));
    }
    if prices.is_empty() { Err(SeriesError::Empty) } else { Ok(prices) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn month(text: &str) -> Month {
        text.parse().expect("a month")
    }

    /// Span and extremes as published: see `data/SOURCES.md`.
    #[test]
    fn lithium_metal_is_whole() {
        let series = Series::lithium_metal();
        let prices = series.months();
        assert_eq!(prices.len(), 160);
        assert_eq!((prices[0].0, prices[159].0), (month("2012-06"), month("2025-09")));
        let lowest = prices.iter().min_by_key(|(_, price)| *price).expect("not empty");
        let highest = prices.iter().max_by_key(|(_, price)| *price).expect("not empty");
        assert_eq!((lowest.0, lowest.1.to_string()), (month("2015-02"), "62376.58".into()));
        assert_eq!((highest.0, highest.1.to_string()), (month("2022-04"), "490008.18".into()));
        assert_eq!(series.price(month("2018-12")), Some(prices[78].1));
        assert_eq!(series.price(month("2012-05")), None);
        assert_eq!(series.price(month("2025-10")), None);
    }

    #[test]
    fn errors_name_the_line() {
        let error = |text| parse(text).expect_err("refused").to_string();
        assert_eq!(error("date,price\n"), "line 1 must be 'month,price'");
        assert_eq!(error("month,price\n"), "the series is empty");
        assert_eq!(error("month,price\n2012-06,1\n2012-6,2\n"), "line 3, column 'month'");
        assert_eq!(error("month,price\n2012-06,1 000\n"), "line 2, column 'price'");
        let gap = error("month,price\n2012-06,1\n2012-08,2\n");
        assert_eq!(gap, "line 3: 2012-08 does not follow 2012-06; a series has every month once, in order");
        assert!(parse("month,price\n2012-06\n").is_err());
    }
}
