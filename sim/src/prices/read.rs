//! Reading a series from CSV, and saying what is wrong with it: by line and column, with what would be right.

use golv_engine::num::{ParseNumberError, Price};
use golv_engine::time::{Month, ParseMonthError};

use super::unit::Frequency;

/// What is wrong with a series' text, by its line, counted from 1, and its column.
#[derive(Debug, thiserror::Error)]
pub enum SeriesError {
    /// The text is not CSV, or a line has more or fewer fields than two.
    #[error("the series is not CSV")]
    Csv(#[from] csv::Error),
    /// The first line is not the header.
    #[error("line 1 must be 'month,{0}' or 'year,{0}'")]
    Header(&'static str),
    /// A month cannot be read.
    #[error("line {line}, column 'month'")]
    Month {
        /// The line.
        line: u64,
        /// What is wrong with it.
        source: ParseMonthError,
    },
    /// A year cannot be read.
    #[error("line {line}, column 'year': '{text}' is not a year such as 2019")]
    Year {
        /// The line.
        line: u64,
        /// What stands there.
        text: String,
    },
    /// A number cannot be read.
    #[error("line {line}, column '{column}'")]
    Price {
        /// The line.
        line: u64,
        /// `price` or `value`.
        column: &'static str,
        /// What is wrong with it.
        source: ParseNumberError,
    },
    /// A period is repeated or out of order.
    #[error(
        "line {line}, column '{column}': {at} does not come after {before}; a series has every {column} once, in order"
    )]
    Order {
        /// The line.
        line: u64,
        /// `month` or `year`.
        column: &'static str,
        /// The period there.
        at: String,
        /// The period before.
        before: String,
    },
    /// There is no price at all.
    #[error("the series is empty")]
    Empty,
}

/// The text of a period: `2019-01`, or `2019` where prices are yearly.
pub(super) fn period(month: Month, frequency: Frequency) -> String {
    match frequency {
        Frequency::Monthly => month.to_string(),
        Frequency::Yearly => format!("{:04}", month.year()),
    }
}

/// Reads `month,…` or `year,…`, the second column named `column`: each period by its first month, strictly increasing, never empty.
pub(super) fn points(
    text: &str,
    column: &'static str,
) -> Result<(Frequency, Vec<(Month, Price)>), SeriesError> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let headers = reader.headers()?;
    let frequency = [Frequency::Monthly, Frequency::Yearly]
        .into_iter()
        .find(|frequency| headers == [frequency.column(), column].as_slice())
        .ok_or(SeriesError::Header(column))?;
    let mut points: Vec<(Month, Price)> = Vec::new();
    for record in reader.records() {
        let record = record?;
        let line = record.position().map_or(0, csv::Position::line);
        let field = |column| record.get(column).unwrap_or_default();
        let at = match frequency {
            Frequency::Monthly => {
                field(0).parse::<Month>().map_err(|source| SeriesError::Month { line, source })?
            }
            Frequency::Yearly => {
                year(field(0)).ok_or_else(|| SeriesError::Year { line, text: field(0).to_owned() })?
            }
        };
        let price = field(1).parse().map_err(|source| SeriesError::Price { line, column, source })?;
        if let Some(&(before, _)) = points.last()
            && before >= at
        {
            let [at, before] = [at, before].map(|month| period(month, frequency));
            return Err(SeriesError::Order { line, column: frequency.column(), at, before });
        }
        points.push((at, price));
    }
    if points.is_empty() { Err(SeriesError::Empty) } else { Ok((frequency, points)) }
}

/// January of a year of four digits.
fn year(text: &str) -> Option<Month> {
    let is_year = text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_digit());
    is_year.then(|| format!("{text}-01").parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        points(text, "price").expect_err("refused").to_string()
    }

    #[test]
    fn errors_name_line_and_column() {
        assert_eq!(error("date,price\n"), "line 1 must be 'month,price' or 'year,price'");
        assert_eq!(error(""), "line 1 must be 'month,price' or 'year,price'");
        assert_eq!(error("month,price\n"), "the series is empty");
        assert_eq!(error("month,price\n2012-06,1\n2012-7,2\n"), "line 3, column 'month'");
        assert_eq!(error("month,price\n2012-06,1 000\n"), "line 2, column 'price'");
        assert_eq!(error("month,price\n2012-06\n"), "the series is not CSV");
        let year = "line 2, column 'year': '2012-06' is not a year such as 2019";
        assert_eq!(error("year,price\n2012-06,1\n"), year);
        assert!(error("year,price\n+201,1\n").contains("'+201' is not a year"));
    }

    #[test]
    fn a_period_repeated_or_out_of_order_is_an_error() {
        let rule = "a series has every month once, in order";
        for after in ["2012-06", "2012-05"] {
            let text = format!("month,price\n2012-06,1\n{after},2\n");
            assert_eq!(
                error(&text),
                format!("line 3, column 'month': {after} does not come after 2012-06; {rule}")
            );
        }
        let rule = "a series has every year once, in order";
        assert_eq!(
            error("year,price\n2012,1\n2011,2\n"),
            format!("line 3, column 'year': 2011 does not come after 2012; {rule}")
        );
    }
}
