//! What clearing an indivisible book must do: worked examples, properties, a naive twin that tries every choice, and a
//! solver of mixed-integer programs as a second opinion.

mod examples;
mod properties;
mod solver;
mod twin;

use super::*;
use crate::book::Side;
use crate::clearing::Candidates;

const ENOUGH: u64 = 1_000_000;

/// A rule that ends in these criteria and looks at every price.
fn rule(cascade: &[Criterion]) -> Rule {
    let text = include_str!("../../../rules/pay-as-clear.toml");
    let preset: Rule = toml::from_str(text).expect("a rule");
    Rule { candidates: Candidates::Interval, cascade: cascade.to_vec(), ..preset }
}

fn pay_as_clear() -> Rule {
    rule(&[Criterion::LastAcceptedOffer])
}

/// An order of a small world, in millionths.
fn order(side: Side, limit: Option<i64>, quantity: i64, minimum: i64) -> Order<'static> {
    Order {
        id: b"",
        rank: 0,
        side,
        price: limit.map(Price::from_millionths),
        quantity: Quantity::from_millionths(quantity).expect("not negative"),
        min_quantity: Quantity::from_millionths(minimum).expect("not negative"),
        received: 0,
    }
}

/// `100@202` is a limit order, `100` a market order, `100>=40@202` has a minimum, and `100!@202` is filled whole or not at all.
fn book(bids: &str, asks: &str) -> Vec<Order<'static>> {
    let sides = [(Side::Buy, bids), (Side::Sell, asks)];
    let texts = sides.into_iter().flat_map(|(side, all)| all.split_whitespace().map(move |one| (side, one)));
    texts
        .map(|(side, text)| {
            let (amount, price) =
                text.split_once('@').map_or((text, None), |(amount, price)| (amount, Some(price)));
            let (amount, minimum) = match amount.strip_suffix('!') {
                Some(whole) => (whole, whole),
                None => amount.split_once(">=").unwrap_or((amount, "0")),
            };
            Order {
                price: price.map(|price| price.parse().expect("a price")),
                quantity: amount.parse().expect("a quantity"),
                min_quantity: minimum.parse().expect("a minimum"),
                ..order(side, None, 0, 0)
            }
        })
        .collect()
}

/// Clears, and has the checker accept what came out.
fn cleared(orders: &[Order<'_>], rule: &Rule) -> Optimum {
    let found = optimum(orders, rule, ENOUGH).expect("a book that can be cleared");
    let value = check::check(orders, rule, &found);
    let value = value.unwrap_or_else(|fault| panic!("{fault}: {orders:#?} {found:#?}"));
    assert!(value.proved_bound.is_none_or(|proved| proved >= found.bound()));
    found
}

/// `1.75 x 2 = 3`: the price, the volume and the welfare; or `none`.
fn summary(found: &Optimum) -> String {
    match found.price() {
        Some(price) => format!("{price} x {} = {}", found.volume, found.welfare),
        None => "none".to_owned(),
    }
}

/// What each row was given, in millionths.
fn amounts(orders: &[Order<'_>], found: &Optimum) -> Vec<i64> {
    let mut amounts = vec![0; orders.len()];
    found.fills.iter().for_each(|fill| amounts[fill.order as usize] = fill.quantity.millionths());
    amounts
}
