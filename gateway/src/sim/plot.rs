//! A plot of a series in a terminal.

use golv_engine::num::Price;
use golv_engine::time::Month;
use golv_sim::prices::Series;

use crate::print::price;

/// Rows and columns of the plot, without its axes.
const ROWS: usize = 12;
const COLUMNS: usize = 72;

/// Eighths of a cell, from the bottom.
const BLOCKS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Columns of blocks from zero to the highest price; a column without a price is empty.
pub(super) fn plot(series: &Series) -> String {
    let highest = series.points().iter().map(|(_, price)| *price).max().unwrap_or(Price::ZERO);
    let months = i64::from(series.first().through(series.last()));
    let width = COLUMNS.min(usize::try_from(months).unwrap_or(COLUMNS));
    let heights: Vec<usize> = (0..width)
        .map(|column| {
            let from = month_at(series.first(), months, column, width);
            series.price(from).map_or(0, |price| eighths(price, highest))
        })
        .collect();
    let label = price(highest);
    let room = label.chars().count();
    let mut text = String::new();
    for row in (0..ROWS).rev() {
        let side = match row {
            _ if row == ROWS - 1 => label.as_str(),
            0 => "0",
            _ => "",
        };
        let cells: String =
            heights.iter().map(|height| BLOCKS[height.saturating_sub(row * 8).min(8)]).collect();
        text.push_str(&format!("{side:>room$} │{}\n", cells.trim_end()));
    }
    let (first, last) = (series.first().to_string(), series.last().to_string());
    let gap = width.saturating_sub(first.len() + last.len()).max(1);
    text.push_str(&format!(
        "{:>room$} └{}\n{:>room$}  {first}{}{last}",
        "",
        "─".repeat(width),
        "",
        " ".repeat(gap)
    ));
    text
}

/// The month that a column begins with.
fn month_at(first: Month, months: i64, column: usize, width: usize) -> Month {
    let steps = months * i64::try_from(column).unwrap_or(0) / i64::try_from(width).unwrap_or(1).max(1);
    let after = std::iter::successors(Some(first), |month| month.next());
    after.take(usize::try_from(steps).unwrap_or(0) + 1).last().unwrap_or(first)
}

/// How high a price stands, in eighths of a row; what is above zero is seen.
fn eighths(price: Price, highest: Price) -> usize {
    let (price, highest) = (i128::from(price.millionths()), i128::from(highest.millionths()));
    if price <= 0 || highest <= 0 {
        return 0;
    }
    let full = i128::try_from(ROWS * 8).unwrap_or(0);
    usize::try_from(price * full / highest).unwrap_or(0).max(1)
}
