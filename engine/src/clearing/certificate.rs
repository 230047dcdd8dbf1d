//! What proves a result: a public part for all, and for each bidder its own standing.
//!
//! The public part shows demand and supply at the price and next to it, so that anybody can see that the criteria hold, and
//! tells nothing about a single order that the curves do not tell. [`check`](super::check::check) needs the whole book,
//! and accepts the result or names who was wronged.

use serde::{Deserialize, Serialize};

use super::curve::{Curve, quantity};
use super::rule::Rule;
use super::{ClearingError, Decision, Equilibrium, Order, Outcome, Reason, admit, reason};
use crate::book::Side;
use crate::num::{Price, Quantity};

/// The public part of a proof.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// The price and the criterion that decided, or why there is none.
    pub decision: Decision,
    /// The prices at which demand and supply balance.
    pub equilibrium: Equilibrium,
    /// All that is wanted at any price.
    pub total_demand: Quantity,
    /// All that is offered at any price.
    pub total_supply: Quantity,
    /// All that buyers were given.
    pub bought: Quantity,
    /// All that sellers were given.
    pub sold: Quantity,
    /// Demand and supply at the decisive prices, ascending: the clearing price, the ends of the equilibrium and of what is
    /// undecided, and the nearest limits below and above each. Without a price, at the best limits of both sides.
    pub curve: Vec<CurvePoint>,
}

impl Certificate {
    /// The price, if there is one.
    pub const fn price(&self) -> Option<Price> {
        match self.decision {
            Decision::Price { price, .. } => Some(price),
            Decision::NothingTrades | Decision::Undecided { .. } => None,
        }
    }

    /// Demand and supply at the price, if there is one.
    pub fn at_price(&self) -> Option<CurvePoint> {
        let price = self.price()?;
        self.curve.iter().copied().find(|point| point.price == price)
    }
}

/// Demand and supply at one price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CurvePoint {
    /// The price.
    pub price: Price,
    /// What is wanted at it or dearer.
    pub demand: Quantity,
    /// What is offered at it or cheaper.
    pub supply: Quantity,
}

/// What one bidder is told: its own order alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderStanding {
    /// The order's row in the book, counted from zero.
    pub order: u32,
    /// What it was given.
    pub given: Quantity,
    /// Why.
    pub reason: Reason,
}

/// The proof of an outcome that [`clear`](super::clear) gave for the same book and rule: the public part, and each order's standing in the
/// order of the book.
///
/// # Errors
///
/// As [`clear`](super::clear).
pub fn certificate(
    orders: &[Order<'_>],
    rule: &Rule,
    seed: Option<&[u8]>,
    outcome: &Outcome,
) -> Result<(Certificate, Vec<OrderStanding>), ClearingError> {
    admit(orders, rule, seed)?;
    let curve = Curve::new(orders, rule)?;
    let mut given = vec![Quantity::ZERO; orders.len()];
    for fill in &outcome.fills {
        if let Some(place) = usize::try_from(fill.order).ok().and_then(|row| given.get_mut(row)) {
            *place = fill.quantity;
        }
    }
    let side_sum = |side: Side| {
        let of_side = orders.iter().zip(&given).filter(|(order, _)| order.side == side);
        of_side.fold(0_i64, |sum, (_, given)| sum.saturating_add(given.millionths()))
    };
    let public = summary(&curve, outcome.decision, side_sum(Side::Buy), side_sum(Side::Sell));
    let standings = (0_u32..)
        .zip(orders.iter().zip(&given))
        .map(|(row, (order, given))| OrderStanding {
            order: row,
            given: *given,
            reason: reason(order, outcome.price(), *given),
        })
        .collect();
    Ok((public, standings))
}

/// The public part for a decision and what was given to either side, in millionths.
pub(crate) fn summary(curve: &Curve, decision: Decision, bought: i64, sold: i64) -> Certificate {
    let (bottom, top) = curve.ends();
    let equilibrium = curve.equilibrium();
    Certificate {
        decision,
        equilibrium,
        total_demand: quantity(bottom.demand),
        total_supply: quantity(top.supply),
        bought: quantity(bought),
        sold: quantity(sold),
        curve: decisive(curve, decision, equilibrium),
    }
}

/// Demand and supply at the prices that show why the price is what it is.
fn decisive(curve: &Curve, decision: Decision, equilibrium: Equilibrium) -> Vec<CurvePoint> {
    let (first, second) = match decision {
        Decision::Price { price, .. } => (Some(price), None),
        Decision::Undecided { lowest, highest } => (lowest, highest),
        Decision::NothingTrades => curve.best_limits(),
    };
    let mut prices: Vec<i64> = Vec::new();
    for price in
        [first, second, equilibrium.low, equilibrium.high].into_iter().flatten().map(Price::millionths)
    {
        let (below, above) = curve.neighbours(price);
        prices.extend([Some(price), below, above].into_iter().flatten());
    }
    prices.sort_unstable();
    prices.dedup();
    let point = |price: i64| {
        let at = curve.at(price);
        CurvePoint {
            price: Price::from_millionths(price),
            demand: quantity(at.demand),
            supply: quantity(at.supply),
        }
    };
    prices.into_iter().map(point).collect()
}
