//! The chart of costs: what each policy costs the public, over many paths or on history alone.

use super::super::svg::{Anchor, Axis, Drawing, Fill, Sample, shortened, text_width, ticks};
use super::super::text::Glance;
use super::{Comparison, millionths};

/// A row for each policy: from the 5 % to the 95 % quantile as a bar with the median in it, the 99 % quantile as a line beyond, and what
/// history came to as a dot; without paths, history as a bar. The budget is a dashed line. `width` is in pixels, 320 at least.
pub fn cost_svg(comparison: &Comparison, width: u16) -> String {
    let title = "Public cost by policy";
    let is_spread = comparison.paths > 0;
    let says = if is_spread {
        format!("What was paid less what was given, over {} paths, undiscounted", comparison.paths)
    } else {
        "What was paid less what was given, on historic prices, undiscounted".to_owned()
    };
    let mut drawing = Drawing::new("cost", width);
    let mut legend = Vec::new();
    if is_spread {
        legend.extend([
            (Sample::Box(Fill::Bought), "5 % to 95 % of the paths"),
            (Sample::Line("middle"), "Median"),
            (Sample::Line("far"), "Up to 99 %"),
            (Sample::Dot, "Historic prices"),
        ]);
    } else {
        legend.push((Sample::Box(Fill::Bought), "Historic prices"));
    }
    let top = drawing.heading(title, &says, &legend) + 10.0;

    let shown: Vec<i128> = comparison
        .policies
        .iter()
        .flat_map(|policy| {
            let spread = policy.summary.as_ref().map(|summary| &summary.cost);
            let ends = spread.map(|cost| [cost.quantile(0.05), cost.quantile(0.99)]);
            ends.into_iter().flatten().chain([policy.metrics.public_cost]).map(millionths)
        })
        .collect();
    let lowest = shown.iter().min().copied().unwrap_or(0).min(0);
    let highest = shown.iter().max().copied().unwrap_or(0).max(0);
    let room = ((highest - lowest) / 20).max(1_000_000);
    let (lowest, highest) = (if lowest < 0 { lowest - room } else { 0 }, highest + room);
    let glance = Glance::up_to(highest.max(-lowest), comparison.currency);
    let narrow = drawing.is_narrow();
    let name_room = if narrow { 0.0 } else { (drawing.width() * 0.25).min(230.0) };
    let right = drawing.width() - 12.0;
    let costs = Axis::linear(lowest, highest, name_room + 8.0, right);
    let row_height = if narrow { 46.0 } else { 34.0 };
    let bottom = top + row_height * comparison.policies.len() as f64;

    for tick in ticks(lowest, highest, if narrow { 4 } else { 8 }) {
        let (x, label) = (costs.at(tick), glance.tick(tick));
        drawing.line("grid", [x, top], [x, bottom]);
        let half = text_width(&label) / 2.0;
        let x = x.max(half).min(drawing.width() - half);
        drawing.text("soft", [x, bottom + 18.0], Anchor::Middle, &label);
    }
    let mut y = top;
    for policy in &comparison.policies {
        let middle = if narrow { y + 31.0 } else { y + row_height / 2.0 };
        if narrow {
            let name = shortened(&policy.name, drawing.width());
            drawing.text("name", [0.0, y + 14.0], Anchor::Start, &name);
        } else {
            let name = shortened(&policy.name, name_room);
            drawing.text("name", [0.0, middle + 4.0], Anchor::Start, &name);
        }
        let at = |figure: f64| costs.at(millionths(figure));
        let history = at(policy.metrics.public_cost);
        if let Some(summary) = &policy.summary {
            let [low, half, high, far] =
                [0.05, 0.5, 0.95, 0.99].map(|share| at(summary.cost.quantile(share)));
            drawing.line("far", [high, middle], [far, middle]);
            drawing.line("far", [far, middle - 6.0], [far, middle + 6.0]);
            drawing.bar(Fill::Bought, [low, middle - 9.0], [(high - low).max(1.0), 18.0]);
            drawing.line("middle", [half, middle - 9.0], [half, middle + 9.0]);
            drawing.dot("dot", [history, middle], 5.0);
        } else {
            let zero = costs.at(0);
            let (from, to) = (zero.min(history), zero.max(history));
            drawing.bar(Fill::Bought, [from, middle - 9.0], [(to - from).max(1.0), 18.0]);
            let label = glance.amount(millionths(policy.metrics.public_cost));
            let is_room = to + 6.0 + text_width(&label) < drawing.width();
            let (x, anchor) = if is_room { (to + 6.0, Anchor::Start) } else { (from - 6.0, Anchor::End) };
            drawing.text("halo", [x, middle + 4.0], anchor, &label);
        }
        y += row_height;
    }
    let zero = costs.at(0);
    drawing.line("axis", [zero, top], [zero, bottom]);
    drawing.line("axis", [name_room + 8.0, bottom], [right, bottom]);
    let axis = format!("{}; below zero the programme gains", glance.unit());
    let end = drawing.paragraph("soft", bottom + 38.0, &axis);
    drawing.finish(end - 4.0, title, &says)
}
