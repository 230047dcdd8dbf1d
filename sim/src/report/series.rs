//! The chart of a price series alone.

use super::MonthReport;
use super::payments::{Months, PricePlot};
use super::svg::{Anchor, Drawing};
use crate::prices::{Frequency, Series};
use golv_engine::num::Money;

/// A series as steps, one for each month or year; where it has no price there is none. `width` is in pixels, 320 at least.
pub fn series_svg(series: &Series, width: u16) -> String {
    let title = series.label();
    let (first, last) = (series.period_text(series.first()), series.period_text(series.last()));
    let says = format!("{}; {} averages, {first} to {last}", series.basis, series.frequency.word());
    // A year's price stands for each of its months.
    let months = series.points().iter().flat_map(|&(from, reference_price)| {
        let count = match series.frequency {
            Frequency::Monthly => 1,
            Frequency::Yearly => 12,
        };
        let payment = Money::zero(series.currency);
        let months = std::iter::successors(Some(from), |month| month.next()).take(count);
        months.map(move |month| MonthReport { month, reference_price, payment })
    });
    let months: Vec<MonthReport> = months.collect();
    let mut drawing = Drawing::new("series", width);
    let top = drawing.heading(&title, &says, &[]);
    let is_yearly = series.frequency == Frequency::Yearly;
    let plot = PricePlot::new(&months, None, &drawing, top + 24.0, 0.0, is_yearly);
    let places = Months::new(series.first(), series.last(), plot.left(), drawing.width() - 8.0);
    let scale = if plot.is_logarithmic() { ", logarithmic scale" } else { "" };
    drawing.text("soft", [0.0, top + 10.0], Anchor::Start, &format!("{}{scale}", series.unit()));
    places.draw_years(&mut drawing, plot.span(), plot.span());
    plot.draw(&mut drawing, &months, None, &places);
    let [_, bottom] = plot.span();
    let end = drawing.paragraph("soft", bottom + 44.0, &format!("Source of prices: {}", series.source));
    drawing.finish(end - 4.0, &title, &says)
}
