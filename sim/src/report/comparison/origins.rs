//! The chart of origins: where supply comes from under each policy.

use std::collections::BTreeMap;

use golv_engine::text::Country;
use ordered_float::OrderedFloat;

use super::super::svg::{Anchor, Axis, Drawing, Sample, shortened, text_width};
use super::Comparison;
use crate::metrics::BENCHMARK_SHARE;

/// How many origins have a colour of their own; what is left is one part.
const PARTS: usize = 5;

/// A bar for each policy, of all that was sold in the market, in parts by origin: the largest first, and the benchmark of 65 % as a
/// line. `width` is in pixels, 320 at least.
pub fn origins_svg(comparison: &Comparison, width: u16) -> String {
    let title = "Where supply comes from";
    let says = "Shares of what was sold in the market, on historic prices";
    let mut drawing = Drawing::new("origins", width);
    let mut sums = BTreeMap::<Country, f64>::new();
    for (origin, share) in comparison.policies.iter().flat_map(|policy| &policy.metrics.shares) {
        *sums.entry(*origin).or_default() += share;
    }
    let mut order: Vec<Country> = sums.keys().copied().collect();
    order.sort_by_key(|origin| std::cmp::Reverse(OrderedFloat(sums[origin])));
    let named = &order[..order.len().min(PARTS)];

    let benchmark = if drawing.is_narrow() {
        "65 % benchmark"
    } else {
        "65 %: the most from one third country (CRM Act, 2030)"
    };
    let mut names: Vec<String> = named.iter().map(Country::to_string).collect();
    names.extend((order.len() > PARTS).then(|| "others".to_owned()));
    let parts = names.iter().enumerate().map(|(place, name)| (Sample::Part(place), name.as_str()));
    let legend: Vec<_> = [(Sample::Line("limit"), benchmark)].into_iter().chain(parts).collect();
    let top = drawing.heading(title, says, &legend) + 8.0;

    let narrow = drawing.is_narrow();
    let name_room = if narrow { 0.0 } else { (drawing.width() * 0.25).min(230.0) };
    let left = name_room + if narrow { 0.0 } else { 8.0 };
    let shares = Axis::linear(0, 1_000_000, left, drawing.width() - 2.0);
    let at = |share: f64| shares.at((share * 1e6).round() as i128);
    let (row_height, bar_height) = if narrow { (48.0, 22.0) } else { (34.0, 22.0) };
    let mut y = top;
    for policy in &comparison.policies {
        let bar = if narrow { y + 20.0 } else { y + 6.0 };
        if narrow {
            drawing.text("name", [0.0, y + 14.0], Anchor::Start, &shortened(&policy.name, drawing.width()));
        } else {
            drawing.text("name", [0.0, bar + 15.0], Anchor::Start, &shortened(&policy.name, name_room));
        }
        let share = |origin: &Country| policy.metrics.shares.get(origin).copied().unwrap_or(0.0);
        let rest = 1.0 - named.iter().map(share).sum::<f64>();
        let parts = named.iter().map(|origin| (origin.to_string(), share(origin)));
        let rest = (order.len() > PARTS).then(|| ("others".to_owned(), rest));
        let mut from = 0.0;
        for (place, (origin, share)) in parts.chain(rest).enumerate() {
            let (x, end) = (at(from), at((from + share).min(1.0)));
            from += share;
            if end - x < 0.5 || policy.metrics.shares.is_empty() {
                continue;
            }
            drawing.part(&format!("part part{place}"), [x, bar], [end - x, bar_height]);
            let on = if matches!(place, 0 | 2 | 4) { "on-dark" } else { "on-light" };
            let full = format!("{origin} {:.0} %", share * 100.0);
            let label = if text_width(&full) + 6.0 < end - x { full } else { origin };
            if text_width(&label) + 4.0 < end - x {
                drawing.text(on, [f64::midpoint(x, end), bar + 15.5], Anchor::Middle, &label);
            }
        }
        y += row_height;
    }
    let benchmark = at(BENCHMARK_SHARE);
    drawing.line("under", [benchmark, top - 2.0], [benchmark, y + 2.0]);
    drawing.line("limit", [benchmark, top - 2.0], [benchmark, y + 2.0]);
    for percent in [0_i128, 25, 50, 75, 100] {
        let (x, label) = (shares.at(percent * 10_000), format!("{percent} %"));
        // The first and the last stay within the drawing, however wide the letters are.
        let anchor = match percent {
            0 => Anchor::Start,
            100 => Anchor::End,
            _ => Anchor::Middle,
        };
        drawing.text("soft", [x, y + 18.0], anchor, &label);
    }
    drawing.finish(y + 26.0, title, says)
}
