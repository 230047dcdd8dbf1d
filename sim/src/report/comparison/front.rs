//! The chart of what can be had: public cost against survival, and which policies no other one beats in both.

use std::fmt::Write;

use ordered_float::OrderedFloat;

use super::super::svg::{Anchor, Axis, Drawing, Sample, text_width, ticks};
use super::super::text::Glance;
use super::{Comparison, millionths};

/// A dot for each policy; those that no other one beats are joined by a line. `width` is in pixels, 320 at least.
pub fn front_svg(comparison: &Comparison, width: u16) -> String {
    let title = "Public cost against survival";
    let says = format!("Home producers that stand at the end, {}", comparison.basis());
    let mut drawing = Drawing::new("front", width);
    let legend = [
        (Sample::Dot, "Policy"),
        (Sample::Line("front"), "No other policy is cheaper and keeps as many alive"),
    ];
    let legend = if drawing.is_narrow() { [legend[0], (legend[1].0, "Beaten by no other")] } else { legend };
    let top = drawing.heading(title, &says, &legend) + 18.0;
    drawing.text("soft", [0.0, top - 8.0], Anchor::Start, "Survival, % of home producers");
    let bottom = top + (drawing.width() * 0.42).clamp(210.0, 330.0);

    let points: Vec<(f64, f64)> = comparison
        .policies
        .iter()
        .map(|policy| (comparison.cost(policy), comparison.survival(policy)))
        .collect();
    let costs: Vec<i128> = points.iter().map(|(cost, _)| millionths(*cost)).collect();
    let lowest = costs.iter().min().copied().unwrap_or(0).min(0);
    let highest = costs.iter().max().copied().unwrap_or(0).max(0);
    let room = ((highest - lowest) / 8).max(1_000_000);
    let (lowest, highest) = (lowest - room, highest + room);
    let glance = Glance::up_to(highest.max(-lowest), comparison.currency);
    let (left, right) = (44.0, drawing.width() - 12.0);
    let across = Axis::linear(lowest, highest, left, right);
    let up = Axis::linear(-40_000, 1_080_000, bottom, top);

    for tick in [0, 250_000, 500_000, 750_000, 1_000_000] {
        let y = up.at(tick);
        drawing.line("grid", [left, y], [right, y]);
        drawing.text("soft", [left - 8.0, y + 4.0], Anchor::End, &(tick / 10_000).to_string());
    }
    for tick in ticks(lowest, highest, if drawing.is_narrow() { 4 } else { 8 }) {
        let (x, label) = (across.at(tick), glance.tick(tick));
        drawing.line("axis", [x, bottom], [x, bottom + 5.0]);
        if x + text_width(&label) / 2.0 < drawing.width() {
            drawing.text("soft", [x, bottom + 19.0], Anchor::Middle, &label);
        }
    }
    drawing.line("axis", [left, bottom], [right, bottom]);
    drawing.line("grid", [across.at(0), top], [across.at(0), bottom]);

    let mut front = unbeaten(&points);
    front.sort_by_key(|place| OrderedFloat(points[*place].0));
    let at = |(cost, survival): (f64, f64)| [across.at(millionths(cost)), up.at(millionths(survival))];
    let mut commands = String::new();
    for place in &front {
        let [x, y] = at(points[*place]);
        let command = if commands.is_empty() { 'M' } else { 'L' };
        write!(commands, "{command}{x:.1},{y:.1}").expect("writing to a string does not fail");
    }
    if front.len() > 1 {
        drawing.path("front", &commands);
    }
    let dots: Vec<[f64; 2]> = points.iter().map(|point| at(*point)).collect();
    let line: Vec<[f64; 2]> = front.iter().map(|place| dots[*place]).collect();
    let mut taken: Vec<[f64; 4]> = dots.iter().map(|[x, y]| [x - 8.0, y - 8.0, x + 8.0, y + 8.0]).collect();
    // A phone has no room for names: there they are numbered.
    let narrow = drawing.is_narrow();
    let names = comparison.policies.iter().zip(1..);
    let names = names.map(|(policy, number)| if narrow { number.to_string() } else { policy.name.clone() });
    for (name, dot) in names.zip(&dots) {
        drawing.dot("dot", *dot, 6.0);
        let place = free_place(&name, *dot, drawing.width(), &taken, &line);
        drawing.text("halo", [place[0].max(0.0), place[3] - 3.0], Anchor::Start, &name);
        taken.push(place);
    }
    let axis = format!("Public cost, {}, undiscounted, {}", glance.unit(), comparison.basis());
    let mut end = drawing.paragraph("soft", bottom + 40.0, &axis);
    if narrow {
        let names = comparison.policies.iter().zip(1..);
        let names: Vec<String> = names.map(|(policy, number)| format!("{number} {}", policy.name)).collect();
        end = drawing.paragraph("", end + 4.0, &names.join(", "));
    }
    drawing.finish(end - 4.0, title, &says)
}

/// A box beside a dot for its name: the first that is free of dots, of other names and of the line; else of dots and names alone.
fn free_place(name: &str, [x, y]: [f64; 2], room: f64, taken: &[[f64; 4]], line: &[[f64; 2]]) -> [f64; 4] {
    // In some fonts letters are wider than they are measured here.
    let width = (text_width(name) * 1.15).min(room);
    let places = [
        [10.0, -8.0],
        [10.0, 18.0],
        [-10.0 - width, -8.0],
        [-10.0 - width, 18.0],
        [-width / 2.0, -14.0],
        [-width / 2.0, 26.0],
        [10.0, 34.0],
        [10.0, -24.0],
        [-10.0 - width, 34.0],
    ];
    let boxed = |[dx, dy]: [f64; 2]| [x + dx, y + dy - 11.0, x + dx + width, y + dy + 3.0];
    let is_apart = |place: &[f64; 4], other: &[f64; 4]| {
        place[2] < other[0] || other[2] < place[0] || place[3] < other[1] || other[3] < place[1]
    };
    let is_free = |place: &[f64; 4]| {
        let is_inside = place[0] >= 0.0 && place[2] <= room;
        is_inside && taken.iter().all(|other| is_apart(place, other))
    };
    let is_off_line = |place: &[f64; 4]| !line.windows(2).any(|pair| crosses(place, pair[0], pair[1]));
    let free: Vec<[f64; 4]> = places.into_iter().map(boxed).filter(is_free).collect();
    let best = free.iter().find(|place| is_off_line(place)).or(free.first());
    best.copied().unwrap_or_else(|| {
        let [left, top, right, bottom] = boxed(places[0]);
        let over = (right - room).max(0.0);
        [left - over, top, right - over, bottom]
    })
}

/// Whether a straight line goes through a box, as far as some points of it tell.
fn crosses(place: &[f64; 4], from: [f64; 2], to: [f64; 2]) -> bool {
    (0..=200).any(|step| {
        let share = f64::from(step) / 200.0;
        let [x, y] = [0, 1].map(|axis: usize| from[axis] + share * (to[axis] - from[axis]));
        (place[0]..=place[2]).contains(&x) && (place[1]..=place[3]).contains(&y)
    })
}

/// The places of points (cost, survival) that no other beats: none is as good in both and better in one.
pub(super) fn unbeaten(points: &[(f64, f64)]) -> Vec<usize> {
    let beats = |a: (f64, f64), b: (f64, f64)| a.0 <= b.0 && a.1 >= b.1 && (a.0 < b.0 || a.1 > b.1);
    let is_unbeaten = |place: &usize| !points.iter().any(|point| beats(*point, points[*place]));
    (0..points.len()).filter(is_unbeaten).collect()
}
