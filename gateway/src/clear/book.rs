//! The book of an auction as a CSV file: read whole, or refused with the line and column that cannot be read.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::Read;
use std::str::FromStr;

use golv_engine::book::Side;
use golv_engine::clearing::Order;
use golv_engine::num::{Price, Quantity};

use crate::print::unreadable;

/// The columns of a book of orders. The last four are for people; no rule looks at them.
const COLUMNS: Columns = Columns {
    what: "book",
    needed: &["id", "side", "price", "quantity"],
    allowed: &["min_quantity", "received", "participant", "origin", "group", "score"],
};

/// The columns that a book must have, and those that it may have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Columns {
    /// What the file is.
    pub(crate) what: &'static str,
    pub(crate) needed: &'static [&'static str],
    pub(crate) allowed: &'static [&'static str],
}

impl std::fmt::Display for Columns {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "it needs {}, and may have {}", self.needed.join(","), self.allowed.join(","))
    }
}

/// A row of a book.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// The line of the file that it begins at, counted from 1.
    pub(super) line: u64,
    pub(super) id: String,
    side: Side,
    price: Option<Price>,
    quantity: Quantity,
    min_quantity: Quantity,
    received: i64,
    /// The place of the id among all.
    rank: u32,
}

/// Why a file is no book. Nothing is cleared then.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BookError {
    /// The file is no CSV, or could not be read.
    #[error("the book cannot be read")]
    Csv(#[from] csv::Error),
    /// A column is missing.
    #[error("the {} has no column {missing}; {columns}", columns.what)]
    Missing {
        /// The column.
        missing: &'static str,
        /// What there can be.
        columns: Columns,
    },
    /// A column is not known, or there twice.
    #[error("the {} has a column '{column}' that is not known, or twice; {columns}", columns.what)]
    Column {
        /// The column.
        column: String,
        /// What there can be.
        columns: Columns,
    },
    /// A field cannot be read.
    #[error("line {line}, column {column}: '{value}' {reason}")]
    Field {
        /// The line, counted from 1.
        line: u64,
        /// The column.
        column: &'static str,
        /// What stands there.
        value: String,
        /// Why that cannot be.
        reason: String,
    },
}

/// Reads a book.
pub(super) fn read(source: impl Read) -> Result<Vec<Row>, BookError> {
    let mut rows = read_rows(source, COLUMNS, |fields, place| fields.row(place))?;
    rank(&mut rows);
    Ok(rows)
}

/// Reads rows whose ids differ; `row` is given each row's fields and its place.
pub(crate) fn read_rows<R>(
    source: impl Read,
    columns: Columns,
    row: impl Fn(&Fields<'_>, i64) -> Result<R, BookError>,
) -> Result<Vec<R>, BookError> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(source);
    let places = columns.places(reader.headers()?)?;
    let mut rows = Vec::new();
    let mut lines = BTreeMap::new();
    for record in reader.records() {
        let record = record?;
        let line = record.position().map_or(0, csv::Position::line);
        let fields = Fields { columns: &places, record: &record, line };
        let id = fields.text("id");
        if id.is_empty() {
            return Err(fields.error("id", "is empty; every order has an id".to_owned()));
        }
        let read = row(&fields, i64::try_from(rows.len()).unwrap_or(i64::MAX))?;
        if let Some(first) = lines.insert(id.to_owned(), line) {
            return Err(fields.error("id", format!("is the id of line {first} too; an id names one order")));
        }
        rows.push(read);
    }
    Ok(rows)
}

impl Columns {
    /// Where each known column is.
    fn places(self, header: &csv::StringRecord) -> Result<BTreeMap<&'static str, usize>, BookError> {
        let mut places = BTreeMap::new();
        for (place, name) in header.iter().enumerate() {
            let known = self.needed.iter().chain(self.allowed).find(|known| **known == name);
            let new = known.filter(|known| places.insert(**known, place).is_none());
            if new.is_none() {
                return Err(BookError::Column { column: name.to_owned(), columns: self });
            }
        }
        match self.needed.iter().find(|needed| !places.contains_key(**needed)) {
            Some(missing) => Err(BookError::Missing { missing, columns: self }),
            None => Ok(places),
        }
    }
}

/// The fields of one row.
pub(crate) struct Fields<'a> {
    columns: &'a BTreeMap<&'static str, usize>,
    record: &'a csv::StringRecord,
    line: u64,
}

impl Fields<'_> {
    fn row(&self, place: i64) -> Result<Row, BookError> {
        let side = match self.text("side") {
            "buy" => Side::Buy,
            "sell" => Side::Sell,
            _ => return Err(self.error("side", "is neither buy nor sell".to_owned())),
        };
        let quantity = self.needed("quantity")?;
        Ok(Row {
            line: self.line,
            id: self.text("id").to_owned(),
            side,
            price: self.parsed("price")?,
            quantity,
            min_quantity: self.parsed("min_quantity")?.unwrap_or(Quantity::ZERO),
            received: self.parsed("received")?.unwrap_or(place),
            rank: 0,
        })
    }

    pub(crate) fn text(&self, column: &'static str) -> &str {
        self.columns.get(column).and_then(|place| self.record.get(*place)).unwrap_or("")
    }

    /// What stands in a column; nothing if that is empty, or there is no such column.
    pub(crate) fn parsed<T: FromStr<Err: Error + 'static>>(
        &self,
        column: &'static str,
    ) -> Result<Option<T>, BookError> {
        match self.text(column) {
            "" => Ok(None),
            text => {
                text.parse().map(Some).map_err(|error: T::Err| self.error(column, unreadable(text, &error)))
            }
        }
    }

    /// What stands in a column, which must not be empty.
    pub(crate) fn needed<T: FromStr<Err: Error + 'static>>(
        &self,
        column: &'static str,
    ) -> Result<T, BookError> {
        self.parsed(column)?.ok_or_else(|| self.error(column, format!("is no {column}")))
    }

    pub(crate) fn line(&self) -> u64 {
        self.line
    }

    pub(crate) fn error(&self, column: &'static str, reason: String) -> BookError {
        BookError::Field { line: self.line, column, value: self.text(column).to_owned(), reason }
    }
}

/// Ranks ids: as integers if all are, else as bytes.
fn rank(rows: &mut [Row]) {
    let numbers: Option<Vec<i128>> = rows.iter().map(|row| row.id.parse().ok()).collect();
    let mut places: Vec<usize> = (0..rows.len()).collect();
    match &numbers {
        Some(numbers) => places.sort_by_key(|place| numbers[*place]),
        None => places.sort_by(|one, other| rows[*one].id.cmp(&rows[*other].id)),
    }
    for (rank, place) in (0..).zip(places) {
        rows[place].rank = rank;
    }
}

/// The rows as the clearing takes them.
pub(super) fn orders(rows: &[Row]) -> Vec<Order<'_>> {
    rows.iter().map(Row::order).collect()
}

impl Row {
    fn order(&self) -> Order<'_> {
        let Self { ref id, rank, side, price, quantity, min_quantity, received, line: _ } = *self;
        Order { id: id.as_bytes(), rank, side, price, quantity, min_quantity, received }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        read(text.as_bytes()).expect_err("refused").to_string()
    }

    #[test]
    fn a_book_is_read_with_what_it_leaves_out() {
        let text = "quantity,id,price,side\n10,b1,,buy\n 0 , s1 , -2.5 , sell\n";
        let rows = read(text.as_bytes()).expect("a book");
        let orders = orders(&rows);
        assert_eq!((orders[0].price, orders[0].received, orders[0].side), (None, 0, Side::Buy));
        assert_eq!(orders[1].price, Some("-2.5".parse().expect("a price")));
        assert_eq!(
            (orders[1].received, orders[1].quantity, orders[1].id),
            (1, Quantity::ZERO, b"s1".as_slice())
        );
        assert_eq!((rows[0].line, rows[1].line), (2, 3));
    }

    #[test]
    fn ids_rank_as_integers_if_all_are() {
        let ranks = |ids: [&str; 3]| {
            let rows: String = ids.iter().map(|id| format!("{id},buy,1,1\n")).collect();
            let rows = read(format!("id,side,price,quantity\n{rows}").as_bytes()).expect("a book");
            rows.iter().map(|row| row.rank).collect::<Vec<_>>()
        };
        assert_eq!(ranks(["10", "9", "-1"]), [2, 1, 0]);
        assert_eq!(ranks(["10", "9", "x"]), [0, 1, 2]);
    }

    #[test]
    fn what_cannot_be_read_is_named_by_line_and_column() {
        let head = "id,side,price,quantity\n";
        for (rows, said) in [
            ("b1,buy,1,1\nb2,by,1,1\n", "line 3, column side: 'by' is neither buy nor sell"),
            ("b1,buy,1.2345678,1\n", "line 2, column price: '1.2345678' has more than six decimals"),
            ("b1,buy,1,-1\n", "line 2, column quantity: '-1' is negative"),
            ("b1,buy,1,\n", "line 2, column quantity: '' is no quantity"),
            (",buy,1,1\n", "line 2, column id: '' is empty"),
            ("b1,buy,1,1\nb1,sell,1,1\n", "line 3, column id: 'b1' is the id of line 2 too"),
        ] {
            let error = refused(&format!("{head}{rows}"));
            assert!(error.starts_with(said), "{error}");
        }
        assert!(refused("id,side,price\n").starts_with("the book has no column quantity"));
        assert!(refused("id,side,price,quantity,colour\n").contains("'colour'"));
        assert!(refused("id,side,price,quantity,id\n").contains("'id'"));
        assert_eq!(refused(&format!("{head}b1,buy,1\n")), "the book cannot be read");
    }
}
