//! Tables and numbers for people, in one layout for every command.

use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{CellAlignment, Table};
use golv_engine::num::{Money, Price, Quantity};

/// A table with these column titles; those that begin with `>` are aligned to the right.
pub(crate) fn table(columns: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_HORIZONTAL_ONLY);
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

pub(crate) fn price(price: Price) -> String {
    grouped(&price.to_string())
}

pub(crate) fn quantity(quantity: Quantity) -> String {
    grouped(&quantity.to_string())
}

/// The amount without its currency.
pub(crate) fn money(money: Money) -> String {
    grouped(&Price::from_millionths(money.millionths).to_string())
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
