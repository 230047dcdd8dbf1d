//! The chart of an auction: what was offered and wanted, cumulated, and where it cleared.

use std::fmt::Write;

use golv_engine::num::{Price, Quantity};

use super::AuctionReport;
use super::svg::{Anchor, Axis, Drawing, Sample, tag_width, text_width, ticks};
use super::text;

/// Supply and demand of an auction as step curves, with the price and volume at which it cleared.
///
/// `price_unit` is what prices are in, such as `USD/t`. `width` is in pixels, 320 at least.
pub fn supply_and_demand_svg(auction: &AuctionReport, price_unit: &str, width: u16) -> String {
    let supply = cumulated(&auction.supply, |a, b| a.cmp(&b));
    let demand = cumulated(&auction.demand, |a, b| b.cmp(&a));
    let says = match auction.price {
        Some(price) => format!(
            "Cleared at {} {price_unit}: {} {}",
            text::price(price),
            text::quantity(auction.volume),
            auction.unit
        ),
        None => "Nothing traded".to_owned(),
    };

    let mut drawing = Drawing::new("supply-and-demand", width);
    let mut legend = vec![
        (Sample::Line("supply"), "Supply, cheapest first"),
        (Sample::Line("demand"), "Demand, dearest first"),
    ];
    if auction.price.is_some() {
        legend.push((Sample::Dot, "Clearing"));
    }
    let legend_end = drawing.heading(&auction.name, &says, &legend);
    drawing.text("soft", [0.0, legend_end + 6.0], Anchor::Start, price_unit);
    let top = legend_end + 18.0;
    let right = drawing.width() - 8.0;
    let bottom = top + (drawing.width() * 0.52).clamp(200.0, 330.0);

    let (lowest, highest) = price_range(auction);
    let price_ticks = ticks(lowest, highest, 6);
    let tick_room = price_ticks.iter().map(|&tick| text_width(&text::exact(tick))).fold(0.0, f64::max) + 10.0;
    let tag_room = auction.price.map_or(0.0, |price| tag_width(&text::price(price))) + 2.0;
    let left = tick_room.max(tag_room);
    let prices = Axis::linear(lowest, highest, bottom, top);

    let largest = total(&supply).max(total(&demand)).max(auction.volume.millionths().into()).max(1);
    let most = largest + (largest / 20).max(1);
    let quantities = Axis::linear(0, most, left, right);

    let clearing = auction.price.map(|price| {
        (price, [quantities.at(auction.volume.millionths().into()), { prices.at(price.millionths().into()) }])
    });

    for &tick in &price_ticks {
        let y = prices.at(tick);
        drawing.line("grid", [left, y], [right, y]);
        if clearing.is_none_or(|(_, [_, marked])| (marked - y).abs() > 16.0) {
            drawing.text("soft", [left - 8.0, y + 4.0], Anchor::End, &text::exact(tick));
        }
    }
    let volume = text::quantity(auction.volume);
    for tick in ticks(0, most, if drawing.is_narrow() { 5 } else { 8 }) {
        let x = quantities.at(tick);
        let label = text::exact(tick);
        drawing.line("axis", [x, bottom], [x, bottom + 5.0]);
        let needed = (text_width(&label) + tag_width(&volume)) / 2.0 + 4.0;
        let fits = x + text_width(&label) / 2.0 < drawing.width();
        if fits && clearing.is_none_or(|(_, [marked, _])| (marked - x).abs() > needed) {
            drawing.text("soft", [x, bottom + 19.0], Anchor::Middle, &label);
        }
    }
    drawing.line("axis", [left, bottom], [right, bottom]);
    let axis_title = format!("Cumulative quantity, {}", auction.unit);
    drawing.text("soft", [right, bottom + 38.0], Anchor::End, &axis_title);

    if let Some((_, [x, y])) = clearing {
        drawing.line("mark", [left, y], [x, y]);
        drawing.line("mark", [x, y], [x, bottom]);
    }
    // Beyond the last bid nothing is offered at any price, and nothing wanted.
    draw(&mut drawing, "supply", &supply, quantities, prices, top);
    draw(&mut drawing, "demand", &demand, quantities, prices, bottom);
    if let Some((price, [x, y])) = clearing {
        drawing.dot("dot", [x, y], 6.0);
        let price = text::price(price);
        drawing.tag([left - 2.0 - tag_width(&price) / 2.0, y], &price);
        let half = tag_width(&volume) / 2.0;
        let centre = x.min(drawing.width() - half).max(left + half);
        drawing.tag([centre, bottom + 15.0], &volume);
    }
    let title = format!("{}: supply and demand", auction.name);
    drawing.finish(bottom + 46.0, &title, &says)
}

/// Bids in order of price, each with the cumulated quantity after it; without those of nothing.
fn cumulated(
    bids: &[(Price, Quantity)],
    order: impl Fn(Price, Price) -> std::cmp::Ordering,
) -> Vec<(i128, i128)> {
    let mut sorted: Vec<_> = bids.iter().filter(|(_, quantity)| !quantity.is_zero()).collect();
    sorted.sort_by(|a, b| order(a.0, b.0));
    let mut sum = 0;
    let step = |&&(price, quantity): &&(Price, Quantity)| {
        sum += i128::from(quantity.millionths());
        (i128::from(price.millionths()), sum)
    };
    sorted.iter().map(step).collect()
}

fn total(curve: &[(i128, i128)]) -> i128 {
    curve.last().map_or(0, |&(_, sum)| sum)
}

/// The lowest and highest price to be shown, with room around them.
fn price_range(auction: &AuctionReport) -> (i128, i128) {
    let bids = auction.supply.iter().chain(&auction.demand).map(|&(price, _)| price);
    let prices: Vec<i128> = bids.chain(auction.price).map(|price| price.millionths().into()).collect();
    let lowest = prices.iter().min().copied().unwrap_or(0);
    let highest = prices.iter().max().copied().unwrap_or(0);
    let room = ((highest - lowest) / 10).max(1);
    (lowest - room, highest + room)
}

fn draw(
    drawing: &mut Drawing,
    class: &str,
    curve: &[(i128, i128)],
    quantities: Axis,
    prices: Axis,
    ends_at: f64,
) {
    let Some(&(first, _)) = curve.first() else { return };
    let mut commands = format!("M{:.1},{:.1}", quantities.at(0), prices.at(first));
    for &(price, sum) in curve {
        write!(commands, "V{:.1}H{:.1}", prices.at(price), quantities.at(sum))
            .expect("writing to a string does not fail");
    }
    write!(commands, "V{ends_at:.1}").expect("writing to a string does not fail");
    drawing.path(class, &commands);
}
