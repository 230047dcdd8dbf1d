//! Call auctions: one pure function from a book and a rule to a result that can be proved.
//!
//! [`clear`] finds one price for all by the rule's cascade and shares what trades by its allocation. The rule is
//! data ([`Rule`]); `engine/rules` holds those of venues whose rule books were followed. [`certificate`] says what
//! proves a result, to all and to each bidder, and [`check`] verifies one without using any of the code that made it.
//!
//! | step | where |
//! |---|---|
//! | demand and supply over the price, and the pieces between limits | `curve.rs` |
//! | one criterion after another, until one price is left | `cascade.rs` |
//! | who gets what at that price | `allocate.rs` |
//! | the proof | `certificate.rs`, `check/` |
//! | with which limit an order would have won | `winning.rs` |
//!
//! Everything is whole millionths. The price is one of them, never an average that nobody can pay; `interval` looks at all of
//! them in time that is linear in the orders. Sorting them by price takes the most of it.
//!
//! ```
//! use golv_engine::book::Side;
//! use golv_engine::clearing::{Allocation, Candidates, Criterion, Order, Rule, check, clear};
//! use golv_engine::num::Quantity;
//!
//! let cascade = vec![Criterion::MostVolume, Criterion::LastAcceptedOffer];
//! let rule = Rule::new(Candidates::Limits, cascade, Allocation::ProRata);
//! let order = |id: &'static [u8], rank, side, price: &str, quantity: &str| Order {
//!     id,
//!     rank,
//!     side,
//!     price: Some(price.parse().expect("a price")),
//!     quantity: quantity.parse().expect("a quantity"),
//!     min_quantity: Quantity::ZERO,
//!     received: 0,
//! };
//! let book = [
//!     order(b"a", 0, Side::Buy, "110", "5"),
//!     order(b"b", 1, Side::Sell, "90", "3"),
//!     order(b"c", 2, Side::Sell, "100", "4"),
//! ];
//! let outcome = clear(&book, &rule, None).expect("a book that the rule takes");
//! assert_eq!(outcome.price().map(|price| price.to_string()), Some("100".into()));
//! let fills: Vec<String> = outcome.fills.iter().map(|fill| fill.quantity.to_string()).collect();
//! assert_eq!(fills, ["5", "3", "2"]);
//! assert_eq!(check::check(&book, &rule, None, &outcome), Ok(()));
//! ```
//!
//! Deliberately absent: orders that are filled whole or not at all, groups, origins and budgets, which need a
//! choice among orders and not only a price; and reading files, which is the caller's.

mod allocate;
mod cascade;
mod certificate;
pub mod check;
mod curve;
mod rule;
#[cfg(test)]
mod tests;
mod winning;

use serde::{Deserialize, Serialize};

use crate::book::Side;
use crate::num::{Price, Quantity};
use curve::quantity;

pub(crate) use allocate::{Member, shares};
pub(crate) use cascade::decide;
pub(crate) use certificate::summary;
pub(crate) use curve::{AtAnyPrice, Curve, Step};

pub use certificate::{Certificate, CurvePoint, OrderStanding, certificate};
pub use rule::{
    Allocation, Candidates, Criterion, ParseQuoteError, Payment, Quote, Rounding, Rule, RuleError,
    UnknownName,
};
pub use winning::winning_limits;
pub(crate) use winning::{is_always_decided, winning_limits_of};

/// An order of a book. Its place in the book is its row: orders received together rank by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order<'a> {
    /// What decides a draw.
    pub id: &'a [u8],
    /// The place of the id among those of the orders that it is compared with, which ties of remainders go by: the lower first.
    pub rank: u32,
    /// Whether it wants or offers.
    pub side: Side,
    /// The limit; `None` for a market order, which trades at any price.
    pub price: Option<Price>,
    /// How much; an order of nothing is ignored.
    pub quantity: Quantity,
    /// The least that is of use to it; zero where anything is. Only [`Allocation::MinimumFill`] takes others.
    pub min_quantity: Quantity,
    /// When it came; the smaller the earlier.
    pub received: i64,
}

/// What came out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// The price, or why there is none.
    pub decision: Decision,
    /// How much is wanted and offered at the price, whichever is less. With minimums it is what can be given to both sides.
    pub volume: Quantity,
    /// By how much the larger of demand and supply exceeds the other at the price.
    pub surplus: Quantity,
    /// The side that has the surplus; `None` where there is none.
    pub surplus_side: Option<Side>,
    /// The prices at which demand and supply balance, whatever the rule.
    pub equilibrium: Equilibrium,
    /// What was given, in the order of the book; orders that got nothing are left out.
    pub fills: Vec<Fill>,
    /// What was given beyond the volume to the side that was rationed; only [`Allocation::RoundUp`] does that.
    pub over_allotted: Quantity,
}

/// The price of an auction, or why there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Decision {
    /// One price was left.
    Price {
        /// The price.
        price: Price,
        /// The criterion that left it alone.
        step: Criterion,
    },
    /// At no price that the rule allows is anything both wanted and offered.
    #[default]
    NothingTrades,
    /// Several prices are as good by the rule: a reference price, or another criterion at the end, would decide.
    Undecided {
        /// The lowest of them, if there is one.
        lowest: Option<Price>,
        /// The highest of them, if there is one.
        highest: Option<Price>,
    },
}

/// All prices *p* at which supply below *p* ≤ demand at or above *p*, and demand above *p* ≤ supply at or below *p*.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Equilibrium {
    /// The lowest; `None` where there is none, or nothing can trade at any price.
    pub low: Option<Price>,
    /// The highest; `None` where there is none, or nothing can trade at any price.
    pub high: Option<Price>,
}

/// What one order was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fill {
    /// The order's row in the book, counted from zero.
    pub order: u32,
    /// How much.
    pub quantity: Quantity,
    /// At which price.
    pub price: Price,
    /// Why so much.
    pub reason: Reason,
}

/// Why an order was given what it was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// Filled whole: a market order, or a limit better than the price.
    InTheMoney,
    /// Filled whole, with its limit at the price.
    AtThePrice,
    /// Filled in part, since not all who would trade could.
    Rationed,
    /// It would trade at the price, but nothing was left for it.
    NothingLeft,
    /// It would trade at the price, but could not be given its minimum.
    MinimumNotMet,
    /// Its limit is worse than the price.
    OutOfTheMoney,
    /// Nothing was traded.
    NothingTraded,
    /// It wants nothing.
    NoQuantity,
}

/// Why a book is not cleared. Orders are named by their row, counted from zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClearingError {
    /// The rule makes no sense.
    #[error(transparent)]
    Rule(#[from] RuleError),
    /// There is no draw without a seed.
    #[error("a seeded draw needs a seed")]
    SeedMissing,
    /// More rows than can be numbered.
    #[error("the book has more orders than {}", u32::MAX)]
    TooManyOrders,
    /// A limit is between two ticks.
    #[error("its price is not a whole multiple of the tick {tick}")]
    PriceOffTick {
        /// The order.
        order: u32,
        /// The rule's tick.
        tick: Price,
    },
    /// A quantity is not in whole lots.
    #[error("its quantity or minimum is not a whole multiple of the lot {lot}")]
    QuantityOffLot {
        /// The order.
        order: u32,
        /// The rule's lot.
        lot: Quantity,
    },
    /// The rule fills any part of an order.
    #[error("it has a minimum quantity, which {allocation} does not honour; minimum-fill does")]
    MinimumNotHonoured {
        /// The order.
        order: u32,
        /// The rule's allocation.
        allocation: Allocation,
    },
    /// It could never be met.
    #[error("its minimum quantity is above its quantity {quantity}")]
    MinimumAboveQuantity {
        /// The order.
        order: u32,
        /// Its quantity.
        quantity: Quantity,
    },
    /// All quantities of a side together do not fit.
    #[error("with it the quantities of its side add up to more than can be held (about 9.2 trillion)")]
    TotalTooLarge {
        /// The order at which the sum no longer fits.
        order: u32,
    },
}

impl ClearingError {
    /// The row of the order that it is about, counted from zero.
    pub const fn order(&self) -> Option<u32> {
        match self {
            Self::Rule(_) | Self::SeedMissing | Self::TooManyOrders => None,
            Self::PriceOffTick { order, .. }
            | Self::QuantityOffLot { order, .. }
            | Self::MinimumNotHonoured { order, .. }
            | Self::MinimumAboveQuantity { order, .. }
            | Self::TotalTooLarge { order } => Some(*order),
        }
    }
}

impl Outcome {
    /// The price, if there is one.
    pub const fn price(&self) -> Option<Price> {
        match self.decision {
            Decision::Price { price, .. } => Some(price),
            Decision::NothingTrades | Decision::Undecided { .. } => None,
        }
    }

    /// The criterion that decided, if there is a price.
    pub const fn step(&self) -> Option<Criterion> {
        match self.decision {
            Decision::Price { step, .. } => Some(step),
            Decision::NothingTrades | Decision::Undecided { .. } => None,
        }
    }
}

/// Clears a book by a rule. `seed` is what a seeded draw is made with; other allocations do not look at it.
///
/// # Errors
///
/// A rule that makes no sense, and the first order that the rule cannot take. Then nothing is cleared.
pub fn clear(orders: &[Order<'_>], rule: &Rule, seed: Option<&[u8]>) -> Result<Outcome, ClearingError> {
    admit(orders, rule, seed)?;
    let curve = Curve::new(orders, rule)?;
    let equilibrium = curve.equilibrium();
    let decision = decide(&curve, rule);
    let Decision::Price { price, .. } = decision else {
        let nothing = Quantity::ZERO;
        return Ok(Outcome {
            decision,
            volume: nothing,
            surplus: nothing,
            surplus_side: None,
            equilibrium,
            fills: Vec::new(),
            over_allotted: nothing,
        });
    };
    let at = curve.at(price.millionths());
    let given =
        allocate::allocate(orders, rule, seed.unwrap_or(&[]), &curve, price.millionths(), at.volume());
    let fills = fills(orders, &given, price, rule.payment);
    let sum = |side: Side| {
        let of_side = orders.iter().zip(&given).filter(|(order, _)| order.side == side);
        // No more than was wanted, whose total fits.
        of_side.fold(0_i64, |sum, (_, given)| sum.saturating_add(*given))
    };
    let (bought, sold) = (sum(Side::Buy), sum(Side::Sell));
    let surplus = i64::try_from(at.surplus()).unwrap_or(i64::MAX);
    Ok(Outcome {
        decision,
        volume: quantity(bought.min(sold)),
        surplus: quantity(surplus),
        surplus_side: match at.demand.cmp(&at.supply) {
            std::cmp::Ordering::Greater => Some(Side::Buy),
            std::cmp::Ordering::Less => Some(Side::Sell),
            std::cmp::Ordering::Equal => None,
        },
        equilibrium,
        fills,
        over_allotted: quantity(bought.max(sold).saturating_sub(bought.min(sold))),
    })
}

/// Refuses a rule or an order that cannot be cleared, the first that there is.
fn admit(orders: &[Order<'_>], rule: &Rule, seed: Option<&[u8]>) -> Result<(), ClearingError> {
    rule.check()?;
    if rule.allocation == Allocation::SeededDraw && seed.is_none() {
        return Err(ClearingError::SeedMissing);
    }
    if u32::try_from(orders.len()).is_err() {
        return Err(ClearingError::TooManyOrders);
    }
    let lot = rule.lot_or_smallest();
    for (order, given) in (0_u32..).zip(orders).filter(|(_, given)| !given.quantity.is_zero()) {
        if let Some(tick) = rule.tick
            && given.price.is_some_and(|price| !price.is_on(tick))
        {
            return Err(ClearingError::PriceOffTick { order, tick });
        }
        if !given.quantity.is_in(lot) || !given.min_quantity.is_in(lot) {
            return Err(ClearingError::QuantityOffLot { order, lot });
        }
        if !given.min_quantity.is_zero() && rule.allocation != Allocation::MinimumFill {
            return Err(ClearingError::MinimumNotHonoured { order, allocation: rule.allocation });
        }
        if given.min_quantity > given.quantity {
            return Err(ClearingError::MinimumAboveQuantity { order, quantity: given.quantity });
        }
    }
    Ok(())
}

// Rules: R-AUC-048.
fn fills(orders: &[Order<'_>], given: &[i64], price: Price, payment: Payment) -> Vec<Fill> {
    (0_u32..)
        .zip(orders.iter().zip(given))
        .filter(|(_, (_, given))| **given > 0)
        .map(|(order, (of, given))| Fill {
            order,
            quantity: quantity(*given),
            price: match payment {
                Payment::OnePrice => price,
                Payment::OwnPrice => of.price.unwrap_or(price),
            },
            reason: reason(of, Some(price), quantity(*given)),
        })
        .collect()
}

/// Why an order was given so much at a price.
fn reason(order: &Order<'_>, price: Option<Price>, given: Quantity) -> Reason {
    let reason = reason_at(price, order.side, order.price, order.quantity, given);
    match reason {
        Reason::NothingLeft if !order.min_quantity.is_zero() => Reason::MinimumNotMet,
        reason => reason,
    }
}

/// Why an order without a minimum was given so much, if there is a price.
pub(crate) fn reason_at(
    price: Option<Price>,
    side: Side,
    limit: Option<Price>,
    wanted: Quantity,
    given: Quantity,
) -> Reason {
    if wanted.is_zero() {
        return Reason::NoQuantity;
    }
    let Some(price) = price else {
        return Reason::NothingTraded;
    };
    let is_worse = limit.is_some_and(|limit| match side {
        Side::Buy => limit < price,
        Side::Sell => limit > price,
    });
    if is_worse {
        Reason::OutOfTheMoney
    } else if given.is_zero() {
        Reason::NothingLeft
    } else if given < wanted {
        Reason::Rationed
    } else if limit == Some(price) {
        Reason::AtThePrice
    } else {
        Reason::InTheMoney
    }
}
