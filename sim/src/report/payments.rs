//! The chart of the settlement: reference prices against the strike, and below it the payments that follow.

use std::fmt::Write;
use std::ops::Range;

use golv_engine::num::{Currency, Price};
use golv_engine::time::Month;

use super::MonthReport;
use super::svg::{
    Anchor, Axis, Drawing, Fill, Sample, bold_width, logarithmic_ticks, tag_width, text_width, ticks,
};
use super::text::{self, Glance};

/// Reference prices against the strike, the gap below it shaded, and each month's payment as a bar.
///
/// `settlement` is in order of month. Without a strike (nobody won one) only the prices are drawn. Prices
/// are in `currency` per `unit`; `source` is whose they are. `width` is in pixels, 320 at least.
pub fn payments_svg(
    settlement: &[MonthReport],
    strike: Option<Price>,
    currency: Currency,
    unit: &str,
    source: &str,
    width: u16,
) -> String {
    let labels = PriceLabels { currency, unit, source, is_yearly: false, paid: "Difference payments" };
    draw("payments", settlement, strike, labels, width)
}

/// What prices are in, and whose they are.
#[derive(Clone, Copy)]
pub(super) struct PriceLabels<'a> {
    pub(super) currency: Currency,
    pub(super) unit: &'a str,
    pub(super) source: &'a str,
    /// Whether a price is a year's average, and stands for each of its months.
    pub(super) is_yearly: bool,
    /// What the bars are.
    pub(super) paid: &'a str,
}

/// As [`payments_svg`], under a name that no other chart of the page has.
pub(super) fn draw(
    name: &str,
    settlement: &[MonthReport],
    strike: Option<Price>,
    PriceLabels { currency, unit, source, is_yearly, paid: bars }: PriceLabels<'_>,
    width: u16,
) -> String {
    let title = "Reference price and payments";
    let total: i128 = settlement.iter().map(|month| i128::from(month.payment.millionths)).sum();
    let glance = Glance::up_to(total, currency);
    let paid = settlement.iter().filter(|month| !month.payment.is_zero()).count();
    let says = match (settlement.first(), settlement.last()) {
        (Some(first), Some(last)) => format!(
            "{} to {}: payments in {paid} of {} months, {} {} in all",
            first.month,
            last.month,
            settlement.len(),
            glance.amount(total),
            glance.unit()
        ),
        _ => "No month was settled".to_owned(),
    };
    let mut drawing = Drawing::new(name, width);
    let average =
        if is_yearly { "Reference price, yearly average" } else { "Reference price, monthly average" };
    let mut legend = vec![(Sample::Line("reference"), average)];
    if strike.is_some() {
        legend.push((Sample::Line("strike"), "Strike"));
        legend.push((Sample::Box(Fill::Paid), "Gap below the strike, and what is paid for it"));
        if drawing.is_narrow() {
            legend[2].1 = "Gap below the strike; payment";
        }
    }
    let legend_end = drawing.heading(title, &says, &legend);
    let (Some(first), Some(last)) = (settlement.first(), settlement.last()) else {
        return drawing.finish(legend_end, title, &says);
    };

    let room = PaymentAxis::new(settlement, currency).room();
    let plot = PricePlot::new(settlement, strike, &drawing, legend_end + 18.0, room, is_yearly);
    let months = Months::new(first.month, last.month, plot.left, drawing.width() - 8.0);
    let axis_name = if plot.is_logarithmic() { ", logarithmic scale" } else { "" };
    drawing.text("soft", [0.0, legend_end + 6.0], Anchor::Start, &format!("{currency}/{unit}{axis_name}"));
    let bars_top = plot.bottom + 34.0;
    let bars_bottom = bars_top + (drawing.width() * 0.14).clamp(100.0, 150.0);

    months.draw_years(&mut drawing, [plot.top, plot.bottom], [bars_top, bars_bottom]);
    plot.draw(&mut drawing, settlement, strike, &months);
    let axis_title = format!("{bars}, {} a month", monthly_glance(settlement, currency).unit());
    drawing.text("soft", [0.0, bars_top - 10.0], Anchor::Start, &axis_title);
    draw_bars(&mut drawing, settlement, currency, &months, [bars_top, bars_bottom]);

    let end = drawing.paragraph("soft", bars_bottom + 44.0, &format!("Source of prices: {source}"));
    drawing.finish(end - 4.0, title, &says)
}

/// Where months lie: each has a slot of the same width.
pub(super) struct Months {
    first: i64,
    count: i64,
    left: f64,
    right: f64,
}

impl Months {
    pub(super) fn new(first: Month, last: Month, left: f64, right: f64) -> Self {
        let first = number(first);
        Self { first, count: (number(last) - first + 1).max(1), left, right }
    }

    fn edge(&self, month: i64) -> f64 {
        let share = (month - self.first) as f64 / self.count as f64;
        self.left + share.clamp(0.0, 1.0) * (self.right - self.left)
    }

    /// Where a month begins and ends.
    fn slot(&self, month: Month) -> [f64; 2] {
        [self.edge(number(month)), self.edge(number(month) + 1)]
    }

    fn middle(&self, month: Month) -> f64 {
        let [from, to] = self.slot(month);
        f64::midpoint(from, to)
    }

    /// A line at the beginning of each year through both plots, and the year under them.
    pub(super) fn draw_years(&self, drawing: &mut Drawing, upper: [f64; 2], lower: [f64; 2]) {
        let most = ((self.right - self.left) / 52.0).max(1.0) as i128;
        let first_year = self.first.div_euclid(12) + i64::from(self.first.rem_euclid(12) != 0);
        let last_year = (self.first + self.count - 1).div_euclid(12);
        for year in ticks(first_year.into(), last_year.max(first_year).into(), most) {
            let Ok(january) = i64::try_from(year * 12) else { continue };
            if january >= self.first + self.count {
                continue;
            }
            let x = self.edge(january);
            drawing.line("grid", [x, upper[0]], [x, upper[1]]);
            drawing.line("grid", [x, lower[0]], [x, lower[1]]);
            drawing.line("axis", [x, lower[1]], [x, lower[1] + 5.0]);
            let label = year.to_string();
            if x + text_width(&label) < drawing.width() {
                drawing.text("soft", [x + 3.0, lower[1] + 17.0], Anchor::Start, &label);
            }
        }
    }
}

/// Months as numbers in a row.
fn number(month: Month) -> i64 {
    i64::from(month.year()) * 12 + i64::from(month.month()) - 1
}

/// The upper plot.
pub(super) struct PricePlot {
    prices: Axis,
    ticks: Vec<i128>,
    left: f64,
    top: f64,
    bottom: f64,
    is_yearly: bool,
}

impl PricePlot {
    /// A plot that leaves so much room at its left at least.
    pub(super) fn new(
        settlement: &[MonthReport],
        strike: Option<Price>,
        drawing: &Drawing,
        top: f64,
        room: f64,
        is_yearly: bool,
    ) -> Self {
        let bottom = top + (drawing.width() * 0.32).clamp(210.0, 320.0);
        let shown: Vec<i128> = settlement
            .iter()
            .map(|month| month.reference_price)
            .chain(strike)
            .map(|price| price.millionths().into())
            .collect();
        let lowest = shown.iter().min().copied().unwrap_or(0);
        let highest = shown.iter().max().copied().unwrap_or(0);
        // On an even scale, prices that rose eightfold would press the gap below the strike into a line.
        let (prices, ticks) = if lowest > 100 && highest / lowest >= 3 {
            let (low, high) = (lowest - lowest / 4, highest + highest / 4);
            (Axis::logarithmic(low, high, bottom, top), logarithmic_ticks(low, high))
        } else {
            let room = ((highest - lowest) / 6).max(1);
            let (low, high) = (lowest - room, highest + room);
            (Axis::linear(low, high, bottom, top), ticks(low, high, 7))
        };
        let tick_room = ticks.iter().map(|&tick| text_width(&text::exact(tick))).fold(0.0, f64::max) + 10.0;
        let tag_room = strike.map_or(0.0, |strike| tag_width(&text::price(strike))) + 2.0;
        Self { prices, ticks, left: tick_room.max(tag_room).max(room), top, bottom, is_yearly }
    }

    /// Where it begins from the left.
    pub(super) fn left(&self) -> f64 {
        self.left
    }

    /// Its top and bottom.
    pub(super) fn span(&self) -> [f64; 2] {
        [self.top, self.bottom]
    }

    pub(super) fn is_logarithmic(&self) -> bool {
        self.prices.is_logarithmic()
    }

    pub(super) fn draw(
        &self,
        drawing: &mut Drawing,
        settlement: &[MonthReport],
        strike: Option<Price>,
        months: &Months,
    ) {
        let height = |price: Price| self.prices.at(price.millionths().into());
        let strike_y = strike.map(height);
        for &tick in &self.ticks {
            let y = self.prices.at(tick);
            drawing.line("grid", [self.left, y], [months.right, y]);
            if strike_y.is_none_or(|marked| (marked - y).abs() > 16.0) {
                drawing.text("soft", [self.left - 8.0, y + 4.0], Anchor::End, &text::exact(tick));
            }
        }
        drawing.line("axis", [self.left, self.bottom], [months.right, self.bottom]);
        let (mut gap, mut curve) = (String::new(), String::new());
        let mut follows = None;
        for month in settlement {
            let ([from, to], y) = (months.slot(month.month), height(month.reference_price));
            // A month without a price is a gap in the curve.
            let command = if follows == Some(month.month) { "L" } else { "M" };
            follows = month.month.next();
            write!(curve, "{command}{from:.1},{y:.1}H{to:.1}").expect("writing to a string does not fail");
            if let Some(strike_y) = strike_y.filter(|&strike_y| strike_y < y) {
                write!(gap, "M{from:.1},{strike_y:.1}H{to:.1}V{y:.1}H{from:.1}Z")
                    .expect("writing to a string does not fail");
            }
        }
        if !gap.is_empty() {
            drawing.hatched(&gap);
        }
        if let Some((strike, y)) = strike.zip(strike_y) {
            drawing.line("strike", [self.left, y], [months.right, y]);
            let label = text::price(strike);
            drawing.tag([self.left - 2.0 - tag_width(&label) / 2.0, y], &label);
        }
        drawing.path("reference", &curve);
        if let Some(highest) = settlement.iter().max_by_key(|month| month.reference_price) {
            self.label(drawing, months, highest, -9.0);
        }
        let lowest = settlement.iter().min_by_key(|month| month.reference_price);
        if let Some(lowest) = lowest.filter(|month| strike.is_some_and(|s| month.reference_price < s)) {
            self.label(drawing, months, lowest, 18.0);
        }
    }

    /// Marks a month's price and says it, so far above or below.
    fn label(&self, drawing: &mut Drawing, months: &Months, month: &MonthReport, below: f64) {
        let (x, y) = (months.middle(month.month), self.prices.at(month.reference_price.millionths().into()));
        drawing.dot("end", [x, y], 3.0);
        let when = if self.is_yearly { month.month.year().to_string() } else { month.month.to_string() };
        let label = format!("{} in {when}", text::price(month.reference_price));
        let middle = within(x, text_width(&label), self.left + 4.0, months.right);
        drawing.text("halo", [middle, y + below], Anchor::Middle, &label);
    }
}

/// The middle of a text as near to `x` as it stays between two edges.
fn within(x: f64, width: f64, left: f64, right: f64) -> f64 {
    x.min(right - width / 2.0).max(left + width / 2.0)
}

fn monthly_glance(settlement: &[MonthReport], currency: Currency) -> Glance {
    let largest = settlement.iter().map(|month| i128::from(month.payment.millionths).abs()).max();
    Glance::up_to(largest.unwrap_or(0), currency)
}

/// The amounts of the lower plot.
struct PaymentAxis {
    lowest: i128,
    highest: i128,
    glance: Glance,
}

impl PaymentAxis {
    fn new(settlement: &[MonthReport], currency: Currency) -> Self {
        let amounts = || settlement.iter().map(|month| i128::from(month.payment.millionths));
        let (lowest, highest) = (amounts().min().unwrap_or(0).min(0), amounts().max().unwrap_or(0).max(0));
        Self { lowest, highest, glance: monthly_glance(settlement, currency) }
    }

    fn ticks(&self) -> Vec<i128> {
        ticks(self.lowest, self.highest, 5)
    }

    /// What its numbers take at the left.
    fn room(&self) -> f64 {
        let widths = self.ticks().into_iter().map(|tick| text_width(&self.glance.tick(tick)));
        widths.fold(0.0, f64::max) + 10.0
    }
}

/// The lower plot: a bar a month, and over each stretch of payments their sum; under it where they are below zero.
fn draw_bars(
    drawing: &mut Drawing,
    settlement: &[MonthReport],
    currency: Currency,
    months: &Months,
    [top, bottom]: [f64; 2],
) {
    let axis = PaymentAxis::new(settlement, currency);
    let (lowest, glance) = (axis.lowest, axis.glance);
    let under = if lowest < 0 { 20.0 } else { 0.0 };
    let payments = Axis::linear(lowest, axis.highest.max(lowest + 1), bottom - under, top + 22.0);
    for tick in axis.ticks() {
        let y = payments.at(tick);
        drawing.line("grid", [months.left, y], [months.right, y]);
        drawing.text("soft", [months.left - 8.0, y + 4.0], Anchor::End, &glance.tick(tick));
    }
    let zero = payments.at(0);
    for month in settlement.iter().filter(|month| !month.payment.is_zero()) {
        let ([from, to], y) = (months.slot(month.month), payments.at(month.payment.millionths.into()));
        let gap = (to - from) * 0.1;
        drawing.bar(Fill::Paid, [from + gap, y.min(zero)], [to - from - 2.0 * gap, (y - zero).abs()]);
    }
    drawing.line("axis", [months.left, zero], [months.right, zero]);

    let (every, stretches) = stretches(settlement);
    // How far labels go already, above and below.
    let mut free_from = [0.0, 0.0];
    for stretch in stretches {
        let paid = &settlement[stretch];
        let (Some(first), Some(last)) = (paid.first(), paid.last()) else { continue };
        let sum: i128 = paid.iter().map(|month| i128::from(month.payment.millionths)).sum();
        let count = paid.iter().filter(|month| !month.payment.is_zero()).count();
        let word = match (every, count) {
            (1, 1) => "month",
            (1, _) => "months",
            (_, 1) => "payment",
            _ => "payments",
        };
        // On a phone the unit is told by the axis alone.
        let unit = if drawing.is_narrow() { String::new() } else { format!(" {}", glance.unit()) };
        let label = format!("{}{unit} in {count} {word}", glance.amount(sum));
        let middle = f64::midpoint(months.middle(first.month), months.middle(last.month));
        let width = bold_width(&label);
        let middle = within(middle, width, months.left, drawing.width() - 2.0);
        let (side, y) = if sum < 0 { (1, bottom - 5.0) } else { (0, top + 10.0) };
        if middle - width / 2.0 >= free_from[side] {
            drawing.text("name", [middle, y], Anchor::Middle, &label);
            free_from[side] = middle + width / 2.0 + 12.0;
        }
    }
}

/// How many months the nearest two payments are apart; and the runs of payments of one sign that are so far apart, as places in
/// `settlement`.
fn stretches(settlement: &[MonthReport]) -> (i64, Vec<Range<usize>>) {
    let paid = (0..settlement.len()).filter(|place| !settlement[*place].payment.is_zero());
    let paid: Vec<usize> = paid.collect();
    let at = |place: usize| number(settlement[place].month);
    let is_positive = |place: usize| settlement[place].payment.millionths > 0;
    let every = paid.windows(2).map(|pair| at(pair[1]) - at(pair[0])).min().unwrap_or(1);
    let mut stretches: Vec<Range<usize>> = Vec::new();
    for place in paid {
        match stretches.last_mut() {
            Some(stretch)
                if at(place) - at(stretch.end - 1) == every
                    && is_positive(place) == is_positive(stretch.end - 1) =>
            {
                stretch.end = place + 1;
            }
            _ => stretches.push(place..place + 1),
        }
    }
    (every, stretches)
}
