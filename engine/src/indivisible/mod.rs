//! Indivisible books: orders that are of use to their owners only from a minimum on, cleared for the greatest welfare.
//!
//! An order takes nothing, or anything between its minimum and its quantity; where the two are the same it is filled whole
//! or not at all. Then no price need balance demand and supply, and a choice among orders is needed, not only a price.
//! [`optimum`] makes it by these objectives, each among the best of the one before:
//!
//! 1. the greatest *welfare*: what buyers would have paid less what sellers would have asked for what is traded;
//! 2. the greatest volume;
//! 3. the fewest *paradoxical rejections*: orders strictly in the money at the price that are not filled whole;
//! 4. the earliest: of two choices, that which accepts the earliest order with a minimum that the other does not.
//!
//! What is bought is sold, and there is one price for all at which no accepted order is out of the money. Where no price
//! supports a trade none is made, however much it would be worth. Order by order:
//!
//! - Of orders that are alike (side, limit, quantity and minimum), the earlier is accepted first.
//! - Orders without a minimum, and what accepted ones take beyond theirs, go by limit, market orders first, and then by time.
//!   The rule's allocation is not looked at, since ties are settled by time.
//! - A market order is worth as much as if its limit were the best in the book: a buy as at the highest limit or bound, a
//!   sell as at the lowest. It is strictly in the money at any price.
//! - The price is chosen by the rule's cascade among the prices that support the trade, as in any call auction: without
//!   the rejected orders that have a minimum, and with all that the others want. A cascade that leaves several prices ends in
//!   `last-accepted-offer`. So a book without minimums has the price that the clearing gives it, by a rule that begins with
//!   `most-volume`; by another rule the clearing can choose a price at which less trades, and this cannot.
//!
//! The search is exact, in whole numbers, and looks at the same choices in the same order each time. It stops after as
//! many [nodes](Optimum::nodes) as its caller allows, and then tells the best that it found and what nothing can exceed.
//!
//! | step | where |
//! |---|---|
//! | branch and bound | `search.rs` |
//! | the price that supports it | `price.rs` |
//! | what a result is worth, and whether it may be | `check.rs` |
//!
//! ```
//! use golv_engine::book::Side;
//! use golv_engine::clearing::Order;
//! use golv_engine::indivisible::{Proof, check, optimum};
//! # use golv_engine::clearing::{Allocation, Candidates, Criterion, Payment, Rounding, Rule};
//! # use golv_engine::num::Quantity;
//! # let rule = Rule {
//! #     candidates: Candidates::Interval,
//! #     cascade: vec![Criterion::MostVolume, Criterion::Midpoint],
//! #     allocation: Allocation::ProRata,
//! #     payment: Payment::OnePrice,
//! #     reference_price: None,
//! #     tick: None,
//! #     rounding: Rounding::HalfUp,
//! #     lot: None,
//! #     minimum: None,
//! #     band: None,
//! #     floor: None,
//! #     ceiling: None,
//! #     quote: None,
//! # };
//!
//! let order = |id: &'static [u8], rank, side, price: &str, quantity: &str, minimum: &str| Order {
//!     id,
//!     rank,
//!     side,
//!     price: Some(price.parse().expect("a price")),
//!     quantity: quantity.parse().expect("a quantity"),
//!     min_quantity: minimum.parse().expect("a quantity"),
//!     received: 0,
//! };
//! // The first buyer takes two or none, and there are no more than two.
//! let book = [
//!     order(b"a", 0, Side::Buy, "2.5", "2", "2"),
//!     order(b"b", 1, Side::Buy, "3", "1", "1"),
//!     order(b"c", 2, Side::Sell, "1", "2", "0"),
//! ];
//! let found = optimum(&book, &rule, 1_000).expect("a book that can be cleared");
//! assert_eq!(found.proof, Proof::Optimal);
//! assert_eq!(found.welfare.to_string(), "3");
//! // Half way between 1 and 2.5, which the second buyer would have paid.
//! assert_eq!(found.price().map(|price| price.to_string()), Some("1.75".into()));
//! assert_eq!(found.paradoxically_rejected, [1]);
//! assert!(check::check(&book, &rule, &found).is_ok());
//! ```
//!
//! A choice that was found elsewhere is worked out and checked by [`of_choice`], without any search.
//!
//! Deliberately absent: orders that exclude or need each other, and several hours or places at once.

pub mod check;
mod price;
mod search;
#[cfg(test)]
mod tests;
mod welfare;

use crate::book::Side;
use crate::clearing::{Allocation, ClearingError, Criterion, Fill, Order, Payment, Reason, Rule, clear};
use crate::num::{Price, Quantity};
use price::PriceRule;
use search::{Found, Search};

pub use welfare::{ParseWelfareError, Welfare};

/// The best choice among the orders of a book that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Optimum {
    /// The price; `None` where nothing trades.
    pub chosen: Option<Chosen>,
    /// How much is bought, and sold.
    pub volume: Quantity,
    /// What the trade is worth.
    pub welfare: Welfare,
    /// Whether anything could be better.
    pub proof: Proof,
    /// What was given, in the order of the book; orders that got nothing are left out.
    pub fills: Vec<Fill>,
    /// The rows of orders strictly in the money at the price that are not filled whole, ascending.
    pub paradoxically_rejected: Vec<u32>,
    /// How many partial choices were looked at. The same book, rule and limit give the same number.
    pub nodes: u64,
}

/// A price, and those that it was chosen among.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// The price of all trades.
    pub price: Price,
    /// The criterion that left it alone.
    pub step: Criterion,
    /// The lowest price at which no accepted order is out of the money; `None` where there is none.
    pub lowest: Option<Price>,
    /// The highest; `None` where there is none.
    pub highest: Option<Price>,
}

/// What is known of a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// Nothing is better, by any of the four objectives.
    Optimal,
    /// The search was stopped: no welfare exceeds this. Where it is the welfare of the result, what was left open is whether
    /// another choice that is worth as much trades more, rejects fewer orders or is earlier.
    Bound(Welfare),
}

/// Why a book is not cleared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IndivisibleError {
    /// A rule or an order that no clearing takes.
    #[error(transparent)]
    Clearing(#[from] ClearingError),
    /// Market orders of both sides may trade with each other alone, and then nothing says at which price.
    #[error(
        "both sides have market orders, which can trade with each other at any price; a reference price is needed"
    )]
    ReferenceMissing,
}

impl IndivisibleError {
    /// The row of the order that it is about, counted from zero.
    pub const fn order(&self) -> Option<u32> {
        match self {
            Self::Clearing(error) => error.order(),
            Self::ReferenceMissing => None,
        }
    }
}

impl Optimum {
    /// The price, if anything trades.
    pub fn price(&self) -> Option<Price> {
        self.chosen.map(|chosen| chosen.price)
    }

    /// What no welfare exceeds.
    pub const fn bound(&self) -> Welfare {
        match self.proof {
            Proof::Optimal => self.welfare,
            Proof::Bound(bound) => bound,
        }
    }

    /// By how much the welfare could be exceeded.
    pub const fn gap(&self) -> Welfare {
        self.bound().minus(self.welfare)
    }
}

/// The best choice among a book's orders, found by looking at up to `node_limit` partial choices (at least one).
///
/// # Errors
///
/// A rule that makes no sense, the first order that it cannot take, or market orders on both sides without a reference price.
pub fn optimum(orders: &[Order<'_>], rule: &Rule, node_limit: u64) -> Result<Optimum, IndivisibleError> {
    // Takes minimums, and refuses what no rule could clear.
    clear(orders, &Rule { allocation: Allocation::MinimumFill, ..rule.clone() }, None)?;
    let has_market_orders = |side: Side| {
        let of_side = |order: &&Order<'_>| order.side == side && !order.quantity.is_zero();
        orders.iter().filter(of_side).any(|order| order.price.is_none())
    };
    if rule.reference().is_none() && has_market_orders(Side::Buy) && has_market_orders(Side::Sell) {
        return Err(IndivisibleError::ReferenceMissing);
    }
    let found = Search::new(orders, rule, node_limit).run(&PriceRule::new(orders, rule));
    Ok(result(orders, rule, found))
}

/// A choice of anybody's making as a result: with the price that the rule finds for it, and checked. `given` is in the order of the
/// book; `bound` is what no choice is said to be worth more than. Nothing is searched.
///
/// # Errors
///
/// The first fault, as [`check::check`] finds it.
pub fn of_choice(
    orders: &[Order<'_>],
    rule: &Rule,
    given: &[(u32, Quantity)],
    bound: Option<Welfare>,
) -> Result<(Optimum, check::Value), check::Fault> {
    let mut amounts = vec![0_i64; orders.len()];
    for &(order, amount) in given {
        let place = usize::try_from(order).ok().and_then(|row| amounts.get_mut(row));
        let place = place.ok_or(check::Fault::UnknownOrder { order })?;
        if *place != 0 {
            return Err(check::Fault::GivenTwice { order });
        }
        *place = amount.millionths();
    }
    let trades = amounts.iter().any(|amount| *amount > 0);
    let chosen = if trades { PriceRule::new(orders, rule).choose(&amounts) } else { None };
    // What it is worth is looked at before anything is worked out from it.
    let claim = check::Claim { price: chosen.map(|chosen| chosen.price), given, bound };
    let value = check::value(orders, rule, claim)?;
    let found = Found {
        chosen,
        worth: search::Worth { welfare: value.welfare.raw(), volume: value.volume.millionths() },
        proof: Proof::Bound(bound.or(value.proved_bound).unwrap_or(value.welfare)),
        given: amounts,
        paradoxically_rejected: value.paradoxically_rejected.clone(),
        nodes: 0,
    };
    let optimum = result(orders, rule, found);
    check::check(orders, rule, &optimum)?;
    Ok((optimum, value))
}

/// What was found, as it is told.
fn result(orders: &[Order<'_>], rule: &Rule, found: Found) -> Optimum {
    let Found { chosen, worth, proof, given, mut paradoxically_rejected, nodes } = found;
    paradoxically_rejected.sort_unstable();
    let fill = |((row, order), amount): ((u32, &Order<'_>), i64)| {
        let price = chosen.filter(|_| amount > 0)?.price;
        let quantity = Quantity::from_millionths(amount)?;
        Some(Fill {
            order: row,
            quantity,
            price: match rule.payment {
                Payment::OnePrice => price,
                Payment::OwnPrice => order.price.unwrap_or(price),
            },
            reason: match order.price {
                _ if quantity < order.quantity => Reason::Rationed,
                Some(limit) if limit == price => Reason::AtThePrice,
                _ => Reason::InTheMoney,
            },
        })
    };
    Optimum {
        chosen,
        // Part of a side's total, which fits and is not negative.
        volume: Quantity::from_millionths(worth.volume).unwrap_or(Quantity::ZERO),
        welfare: Welfare::from_raw(worth.welfare),
        proof,
        fills: (0..).zip(orders).zip(given).filter_map(fill).collect(),
        paradoxically_rejected,
        nodes,
    }
}
