//! Tables and numbers for people, in one layout for every command.

use std::error::Error;
use std::fmt::Display;
use std::io::Write as _;
use std::num::{IntErrorKind, ParseIntError};

use clap::Args;
use comfy_table::{CellAlignment, ContentLineStyle, LineStyle, Table, TableStyle};
use golv_engine::num::{Amount, Currency, Money, Price, Quantity};

/// How rows are asked for.
#[derive(Args, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Printed {
    /// Print JSON instead of tables, numbers as decimal texts
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// Print the rows alone, as CSV
    #[arg(long)]
    csv: bool,
}

impl Printed {
    /// What was asked for.
    pub(crate) const fn format(self) -> Format {
        Format::of(self.json, self.csv)
    }
}

/// What is wrong with a field of a file: what reading it said, without the field itself, which the errors of numbers and days begin with.
pub(crate) fn unreadable(field: &str, error: &(dyn Error + 'static)) -> String {
    if let Some(error) = error.downcast_ref::<ParseIntError>() {
        let is_large = matches!(error.kind(), IntErrorKind::PosOverflow | IntErrorKind::NegOverflow);
        return if is_large { "is too large" } else { "is not a whole number" }.to_owned();
    }
    let said = error.to_string();
    match said.strip_prefix(&format!("'{field}' ")) {
        Some(reason) => reason.to_owned(),
        None => format!("cannot be read: {said}"),
    }
}

/// How rows are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Table,
    /// For programs: numbers as decimal texts.
    Json,
    /// The same, as rows.
    Csv,
}

impl Format {
    /// What two flags ask for. A command's own `--csv` goes before a `--json` that was said to all.
    pub(crate) const fn of(json: bool, csv: bool) -> Self {
        match (json, csv) {
            (_, true) => Self::Csv,
            (true, false) => Self::Json,
            (false, false) => Self::Table,
        }
    }
}

/// The exit code where whoever read what is printed has gone: as of a process that SIGPIPE has ended.
const NOBODY_READS: i32 = 141;

/// Prints a line. If whoever read it has gone (`golv … | head`), the process ends: nobody is left to tell, and what was
/// asked for is not done.
pub(crate) fn line(text: impl Display) {
    if let Err(error) = writeln!(std::io::stdout().lock(), "{text}") {
        let gone = error.kind() == std::io::ErrorKind::BrokenPipe;
        std::process::exit(if gone { NOBODY_READS } else { 1 });
    }
}

/// A rule above, below, and under the titles; nothing between rows, so that a table stays short.
const STYLE: TableStyle = TableStyle::new()
    .top_border(LineStyle::none().fill('─').junction('─'))
    .header_lines(ContentLineStyle::none().junction(' '))
    .header_separator(LineStyle::none().fill('─').junction('─'))
    .content_lines(ContentLineStyle::none().junction(' '))
    .bottom_border(LineStyle::none().fill('─').junction('─'));

/// A table with these column titles; those that begin with `>` are aligned to the right.
pub(crate) fn table(columns: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> Table {
    let mut table = Table::new();
    table.load_style(STYLE);
    table.set_header(columns.iter().map(|title| title.trim_start_matches('>')));
    for (title, column) in columns.iter().zip(table.column_iter_mut()) {
        if title.starts_with('>') {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    for row in rows {
        table.add_row(row);
    }
    table
}

/// Rows with these column titles as CSV, without the last line's end; `>` at a title's beginning is left out, and a title of several
/// words is joined as the names in JSON are.
pub(crate) fn csv(columns: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let titles = columns.iter().map(|title| title.trim_start_matches('>').replace([' ', '-'], "_")).collect();
    for row in [titles].into_iter().chain(rows) {
        writer.write_record(row).expect("memory takes rows of one length");
    }
    let bytes = writer.into_inner().expect("memory takes all");
    String::from_utf8(bytes).expect("texts alone").trim_end().to_owned()
}

/// A decimal text with its thousands set apart: `-1234567.5` as `-1,234,567.5`.
pub(crate) fn grouped(decimal: &str) -> String {
    let (sign, digits) = decimal.strip_prefix('-').map_or(("", decimal), |digits| ("-", digits));
    let (whole, rest) = digits.split_at(digits.find('.').unwrap_or(digits.len()));
    let mut text = sign.to_owned();
    for (place, digit) in whole.char_indices() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text + rest
}

/// A whole price as it is, a price with decimals with two at least.
pub(crate) fn price(price: Price) -> String {
    let text = price.to_string();
    if text.contains('.') { grouped(&two_decimals(text)) } else { grouped(&text) }
}

pub(crate) fn quantity(quantity: Quantity) -> String {
    grouped(&quantity.to_string())
}

/// The amount without its currency, to the cent.
pub(crate) fn money(money: Money) -> String {
    grouped(&two_decimals(Price::from_millionths(money.millionths).to_string()))
}

/// An amount of a currency that is known from elsewhere.
pub(crate) fn amount(amount: Amount) -> String {
    grouped(&two_decimals(amount.to_string()))
}

/// A sum of amounts as a plain decimal with all decimals of its currency's minor unit.
pub(crate) fn sum(millionths: i128, currency: Currency) -> String {
    let magnitude = millionths.unsigned_abs();
    let sign = if millionths < 0 { "-" } else { "" };
    let decimals = format!("{:06}", magnitude % 1_000_000);
    let shown = decimals.trim_end_matches('0').len().max(currency.decimals() as usize);
    let point = if shown > 0 { "." } else { "" };
    format!("{sign}{}{point}{}", magnitude / 1_000_000, &decimals[..shown])
}

/// Millionths as a plain decimal.
pub(crate) fn millionths(millionths: i128) -> String {
    let (sign, size) = (if millionths < 0 { "-" } else { "" }, millionths.unsigned_abs());
    let text = format!("{sign}{}.{:06}", size / 1_000_000, size % 1_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn two_decimals(text: String) -> String {
    match text.split_once('.') {
        Some((whole, decimals)) => format!("{whole}.{decimals:0<2}"),
        None => text + ".00",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        for (text, expected) in [
            ("0", "0"),
            ("999", "999"),
            ("1000", "1,000"),
            ("-1234567.5", "-1,234,567.5"),
            ("0.123456", "0.123456"),
        ] {
            assert_eq!(grouped(text), expected);
        }
    }
}
