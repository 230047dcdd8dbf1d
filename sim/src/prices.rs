//! Price series: real ones that come with the project (`sim/data`, with sources and licences), read exactly.
//!
//! A series is monthly and whole: a month that is missing is an error, never filled in. Prices are exact
//! decimals as in the file.
//!
//! Deliberately absent: interpolation, conversion between currencies or units, and fetching anything.

use golv_engine::num::{ParseNumberError, Price};
use golv_engine::time::{Month, ParseMonthError};

/// A monthly price series without gaps.
#[derive(Clone, Debug)]
pub struct Series {
    /// What it is the price of.
    pub name: &'static str,
    /// Whose series it is and what of, as it is to be cited.
    pub source: &'static str,
    /// Currency and unit of mass, such as `USD/t`.
    pub unit: &'static str,
    /// Months in order, each the one after the last; never empty.
    prices: Vec<(Month, Price)>,
}

/// What is wrong with a series' text, by its line, counted from 1, and its column.
#[derive(Debug, thiserror::Error)]
pub enum SeriesError {
    /// The text is not CSV, or a line has more or fewer fields than two.
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
    /// A month does not follow the one before: it is missing, repeated or out of order.
    #[error(
        "line {line}, column 'month': {month} does not follow {before}; a series has every month once, in order"
    )]
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
    /// Lithium metal, battery grade, USD per tonne, monthly averages from 2012-06 to 2025-09 (IMF). It is the
    /// *metal*, six to nine times as dear as the carbonate.
    pub fn lithium_metal() -> Self {
        Self::parse(
            "Lithium metal, battery grade",
            "IMF Primary Commodity Price System: lithium metal, at least 99 %, battery grade",
            "USD/t",
            include_str!("../data/lithium-metal.csv"),
        )
        .expect("the series that comes with the project is whole, as a test checks")
    }

    /// Reads a series from CSV: the header `month,price`, then a line for each month, such as
    /// `2012-06,63643.22`.
    ///
    /// # Errors
    /// For the first line that cannot be read, or whose month does not follow the one before; and for a
    /// series without a price.
    pub fn parse(
        name: &'static str,
        source: &'static str,
        unit: &'static str,
        text: &str,
    ) -> Result<Self, SeriesError> {
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        if reader.headers()? != ["month", "price"].as_slice() {
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
        if prices.is_empty() { Err(SeriesError::Empty) } else { Ok(Self { name, source, unit, prices }) }
    }

    /// The price of a month, if the series reaches it.
    pub fn price(&self, month: Month) -> Option<Price> {
        self.prices.get(self.position(month)?).map(|(_, price)| *price)
    }

    /// All months with their prices, in order.
    pub fn months(&self) -> &[(Month, Price)] {
        &self.prices
    }

    /// The months from `first` to `last`, both included, with their prices; `None` unless the series has
    /// them all.
    pub fn range(&self, first: Month, last: Month) -> Option<&[(Month, Price)]> {
        self.prices.get(self.position(first)?..=self.position(last)?)
    }

    /// Where a month stands, counted from the first; past the end for months after the last.
    fn position(&self, month: Month) -> Option<usize> {
        let (first, _) = self.prices.first()?;
        usize::try_from(first.through(month)).ok()?.checked_sub(1)
    }
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
        let shown = |(month, price): (Month, Price)| format!("{month} {price}");
        assert_eq!(prices.len(), 160);
        assert_eq!(shown(prices[0]), "2012-06 63643.22");
        assert_eq!(shown(prices[159]), "2025-09 84644.21");
        let by_price = |&&(_, price): &&(Month, Price)| price;
        assert_eq!(prices.iter().min_by_key(by_price).copied().map(shown), Some("2015-02 62376.58".into()));
        assert_eq!(prices.iter().max_by_key(by_price).copied().map(shown), Some("2022-04 490008.18".into()));
        let sum: i64 = prices.iter().map(|(_, price)| price.millionths()).sum();
        assert_eq!(Price::from_millionths(sum).to_string(), "20819964.93");
    }

    #[test]
    fn a_month_is_found_only_within_the_series() {
        let series = Series::lithium_metal();
        assert_eq!(series.price(month("2018-12")), "119539.94".parse().ok());
        assert_eq!(series.price(month("2012-05")), None);
        assert_eq!(series.price(month("2025-10")), None);
        let contract = series.range(month("2019-01"), month("2025-09")).expect("in the series");
        assert_eq!((contract.len(), contract[0].0, contract[80].0), (81, month("2019-01"), month("2025-09")));
        assert_eq!(series.range(month("2019-01"), month("2025-10")), None);
        assert_eq!(series.range(month("2012-05"), month("2025-09")), None);
        assert_eq!(series.range(month("2019-03"), month("2019-01")), None);
    }

    #[test]
    fn errors_name_line_and_column() {
        let error = |text| Series::parse("", "", "", text).expect_err("refused").to_string();
        assert_eq!(error("date,price\n"), "line 1 must be 'month,price'");
        assert_eq!(error(""), "line 1 must be 'month,price'");
        assert_eq!(error("month,price\n"), "the series is empty");
        assert_eq!(error("month,price\n2012-06,1\n2012-7,2\n"), "line 3, column 'month'");
        assert_eq!(error("month,price\n2012-06,1 000\n"), "line 2, column 'price'");
        assert_eq!(error("month,price\n2012-06\n"), "the series is not CSV");
    }

    #[test]
    fn a_month_missing_repeated_or_out_of_order_is_an_error() {
        for after in ["2012-08", "2012-06", "2012-05"] {
            let text = format!("month,price\n2012-06,1\n{after},2\n");
            let error = Series::parse("", "", "", &text).expect_err("refused").to_string();
            let rule = "a series has every month once, in order";
            assert_eq!(error, format!("line 3, column 'month': {after} does not follow 2012-06; {rule}"));
        }
    }
}
