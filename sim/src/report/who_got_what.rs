//! The chart of the participants: what each won, traded and was paid.

use golv_engine::num::Currency;

use super::svg::{Anchor, Axis, Drawing, Fill, Sample, shortened, text_width};
use super::text::{self, Glance};
use super::{AwardRow, Deal};

/// Three bars for each participant: its award in the support auction, its trade in the call auction, and
/// its difference payments. Each column has its own scale.
///
/// `unit` is of quantities, such as `t`. `width` is in pixels, 320 at least.
pub fn who_got_what_svg(awards: &[AwardRow], currency: Currency, unit: &str, width: u16) -> String {
    let title = "Who got what";
    let mut drawing = Drawing::new("who-got-what", width);
    let legend = [
        (Sample::Box(Fill::Won), "Support won"),
        (Sample::Box(Fill::Sold), "Sold"),
        (Sample::Box(Fill::Bought), "Bought"),
        (Sample::Box(Fill::Paid), "Difference payments"),
    ];
    if awards.is_empty() {
        let says = "Nobody was given anything";
        let end = drawing.heading(title, says, &[]);
        return drawing.finish(end, title, says);
    }
    let largest_payment = awards.iter().map(|row| i128::from(row.difference_payments.millionths).abs()).max();
    let glance = Glance::up_to(largest_payment.unwrap_or(0), currency);
    let says = format!("{} participants; each column has its own scale", awards.len());
    let legend_end = drawing.heading(title, &says, &legend);

    // On a phone the name stands above its bars, elsewhere before them.
    let narrow = drawing.is_narrow();
    let name_room = if narrow { 0.0 } else { (drawing.width() * 0.27).min(280.0) };
    let column = (drawing.width() - name_room) / 3.0;
    let (bar_height, row_height, bar_top) = if narrow { (13.0, 44.0, 20.0) } else { (15.0, 28.0, 6.0) };
    let heads = [
        format!("Support, {unit}/month"),
        format!("Call auction, {unit}"),
        format!("Paid, {}", glance.unit()),
    ];
    for (place, head) in (0_u8..).zip(&heads) {
        let x = name_room + column * f64::from(place);
        drawing.text("soft", [x, legend_end + 6.0], Anchor::Start, &shortened(head, column - 2.0));
    }
    let top = legend_end + 14.0;

    let rows: Vec<[Option<Bar>; 3]> = awards.iter().map(|row| bars(row, glance)).collect();
    let mut columns = [Axis::linear(0, 1, 0.0, 0.0); 3];
    for (place, axis) in columns.iter_mut().enumerate() {
        let shown = || rows.iter().filter_map(|row| row[place].as_ref());
        let largest = shown().map(|bar| bar.size).max().unwrap_or(0).max(1);
        let label_room = shown().map(|bar| text_width(&bar.label)).fold(0.0, f64::max) + 16.0;
        *axis = Axis::linear(0, largest, 0.0, (column - label_room).max(4.0));
    }

    let mut y = top;
    for (row, bars) in awards.iter().zip(&rows) {
        drawing.line("grid", [0.0, y], [drawing.width(), y]);
        let place = format!("{}, {}", row.role, row.country);
        if narrow {
            let name = shortened(&row.participant, drawing.width() * 0.55);
            drawing.text("name", [0.0, y + 14.0], Anchor::Start, &name);
            let place = shortened(&place, drawing.width() * 0.35);
            drawing.text("soft", [drawing.width(), y + 14.0], Anchor::End, &place);
        } else {
            let name = shortened(&row.participant, name_room * 0.56);
            drawing.text("name", [0.0, y + 18.0], Anchor::Start, &name);
            let place = shortened(&place, name_room * 0.36);
            drawing.text("soft", [name_room * 0.62, y + 18.0], Anchor::Start, &place);
        }
        for ((bar, axis), place) in bars.iter().zip(&columns).zip(0_u8..) {
            let x = name_room + column * f64::from(place);
            let label_y = y + bar_top + bar_height / 2.0 + 4.0;
            match bar {
                Some(bar) => {
                    let length = axis.at(bar.size).max(1.0);
                    drawing.bar(bar.fill, [x, y + bar_top], [length, bar_height]);
                    drawing.text("", [x + length + 6.0, label_y], Anchor::Start, &bar.label);
                }
                None => drawing.text("soft", [x, label_y], Anchor::Start, "–"),
            }
        }
        y += row_height;
    }
    drawing.line("grid", [0.0, y], [drawing.width(), y]);
    drawing.finish(y + 4.0, title, &says)
}

struct Bar {
    size: i128,
    label: String,
    fill: Fill,
}

/// A participant's bars, `None` where it got nothing. What was taken back is told by its sign alone.
fn bars(row: &AwardRow, glance: Glance) -> [Option<Bar>; 3] {
    let support = row.support.map(|award| Bar {
        size: award.per_period.millionths().into(),
        label: text::quantity(award.per_period),
        fill: Fill::Won,
    });
    let call = row.call.map(|award| Bar {
        size: award.quantity.millionths().into(),
        label: text::quantity(award.quantity),
        fill: match award.deal {
            Deal::Sold => Fill::Sold,
            Deal::Bought => Fill::Bought,
        },
    });
    let paid = i128::from(row.difference_payments.millionths);
    let payments =
        (paid != 0).then(|| Bar { size: paid.abs(), label: glance.amount(paid), fill: Fill::Paid });
    [support, call, payments]
}
