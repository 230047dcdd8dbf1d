//! What call auctions must do: worked examples of rule books, properties, and the clearing against its naive twin.

mod certificates;
mod examples;
mod proof;
mod properties;
mod small_books;
mod twin;
mod winning;

use super::*;

/// The rules in `engine/rules`, as they stand there.
pub(super) const PRESETS: [(&str, &str); 12] = [
    ("xetra-equities", include_str!("../../../rules/xetra-equities.toml")),
    ("xetra-continuous-auction", include_str!("../../../rules/xetra-continuous-auction.toml")),
    ("euronext", include_str!("../../../rules/euronext.toml")),
    ("asx", include_str!("../../../rules/asx.toml")),
    ("bnb", include_str!("../../../rules/bnb.toml")),
    ("iex", include_str!("../../../rules/iex.toml")),
    ("moex", include_str!("../../../rules/moex.toml")),
    ("nse", include_str!("../../../rules/nse.toml")),
    ("krx", include_str!("../../../rules/krx.toml")),
    ("us-treasury", include_str!("../../../rules/us-treasury.toml")),
    ("pay-as-clear", include_str!("../../../rules/pay-as-clear.toml")),
    ("pay-as-bid", include_str!("../../../rules/pay-as-bid.toml")),
];

/// A preset, with further lines after its own.
pub(super) fn rule_with(preset: &str, more: &str) -> Rule {
    let (_, text) = PRESETS.iter().find(|(name, _)| *name == preset).expect("a preset");
    toml::from_str(&format!("{text}\n{more}")).expect("a rule")
}

pub(super) fn rule(preset: &str) -> Rule {
    rule_with(preset, "")
}

/// `100@202` is a limit order, `100` a market order, `100>=40@202` has a minimum; each its own letter as its id.
pub(super) fn book(bids: &str, asks: &str) -> Vec<Order<'static>> {
    const IDS: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    let sides = [(Side::Buy, bids), (Side::Sell, asks)];
    let texts =
        sides.into_iter().flat_map(|(side, texts)| texts.split_whitespace().map(move |text| (side, text)));
    (0_u32..)
        .zip(texts)
        .map(|(rank, (side, text))| {
            let (amount, price) =
                text.split_once('@').map_or((text, None), |(amount, price)| (amount, Some(price)));
            let (amount, minimum) = amount.split_once(">=").unwrap_or((amount, "0"));
            let row = usize::try_from(rank).expect("small");
            Order {
                id: &IDS[row..=row],
                rank,
                side,
                price: price.map(|price| price.parse().expect("a price")),
                quantity: amount.parse().expect("a quantity"),
                min_quantity: minimum.parse().expect("a minimum"),
                received: 0,
            }
        })
        .collect()
}

/// Clears, and has the checker accept what came out.
pub(super) fn cleared(orders: &[Order<'_>], rule: &Rule) -> Outcome {
    let outcome = clear(orders, rule, Some(b"seed")).expect("a book that can be cleared");
    assert_eq!(check::check(orders, rule, Some(b"seed"), &outcome), Ok(()), "{orders:#?} {outcome:#?}");
    outcome
}

/// `200 x 700`, or `none`.
pub(super) fn summary(outcome: &Outcome) -> String {
    outcome.price().map_or_else(|| "none".to_owned(), |price| format!("{price} x {}", outcome.volume))
}

/// `a 300, b 100`.
pub(super) fn given(orders: &[Order<'_>], outcome: &Outcome) -> String {
    let id = |row: u32| String::from_utf8_lossy(orders[row as usize].id).into_owned();
    let fills = outcome.fills.iter().map(|fill| format!("{} {}", id(fill.order), fill.quantity));
    fills.collect::<Vec<_>>().join(", ")
}

pub(super) fn price(text: &str) -> Price {
    text.parse().expect("a price")
}

/// An order of a small world, in millionths.
pub(super) fn small(side: Side, limit: Option<i64>, quantity: i64) -> Order<'static> {
    let quantity = Quantity::from_millionths(quantity).expect("not negative");
    Order {
        id: b"",
        rank: 0,
        side,
        price: limit.map(Price::from_millionths),
        quantity,
        min_quantity: Quantity::ZERO,
        received: 0,
    }
}

/// Gives each order an id of its own, in the order of the book.
pub(super) fn numbered(mut orders: Vec<Order<'static>>) -> Vec<Order<'static>> {
    const IDS: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    for (row, order) in orders.iter_mut().enumerate() {
        order.id = &IDS[row..=row];
        order.rank = u32::try_from(row).expect("small");
    }
    orders
}
