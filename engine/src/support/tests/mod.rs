//! What awarding support must do: worked examples, and properties on random auctions.

mod brute;
mod examples;
mod properties;
mod twin;
mod worlds;

use std::num::NonZeroU32;

use super::*;
use crate::num::Amount;

/// A rule from a file's text.
fn rule(text: &str) -> SupportRule {
    toml::from_str(text).expect("a rule")
}

fn hydrogen_bank() -> SupportRule {
    rule(include_str!("../../../rules/support/european-hydrogen-bank.toml"))
}

fn stacked_budget() -> SupportRule {
    rule(include_str!("../../../rules/support/stacked-budget.toml"))
}

/// An offer of its own owner and unit, of no technology: the bare case.
fn offer(id: &str, price: &str, quantity: &str) -> Offer<'static> {
    Offer {
        id: id.to_owned().leak().as_bytes(),
        price: price.parse().expect("a price"),
        quantity: quantity.parse().expect("a quantity"),
        min_quantity: Quantity::ZERO,
        received: 0,
        owner_group: 0,
        origin: None,
        technology: None,
        year: 0,
        quality: Quantity::ZERO,
        unit: None,
    }
}

fn awarded(offers: &[Offer<'_>], rule: &SupportRule) -> Outcome {
    award(offers, rule, Some(b"seed")).expect("an auction that can be held")
}

/// `a 10 @ 5`, one after the other.
fn told(offers: &[Offer<'_>], outcome: &Outcome) -> Vec<String> {
    let name = |row: u32| String::from_utf8_lossy(offers[row as usize].id).into_owned();
    outcome
        .awards
        .iter()
        .map(|award| format!("{} {} @ {}", name(award.offer), award.quantity, award.price))
        .collect()
}

/// Awards, and has the checker accept what came out.
fn checked(offers: &[Offer<'_>], rule: &SupportRule) -> Outcome {
    let outcome = awarded(offers, rule);
    let verdict = check::check(offers, rule, Some(b"seed"), &outcome);
    assert_eq!(verdict, Ok(()), "{offers:#?} {rule:#?} {outcome:#?}");
    outcome
}
