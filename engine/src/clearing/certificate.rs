//! What proves a result: a public part for all, and for each bidder its own standing.
//!
//! The public part shows demand and supply at the price and next to it, so that anybody can see that the criteria hold, and
//! tells nothing about a single order that the curves do not tell. [`check`](super::check::check) needs the whole book,
//! and accepts the result or names who was wronged.

use serde::{Deserialize, Serialize};

use super::curve::{Curve, quantity};
use super::rule::Rule;
use super::{ClearingError, Decision, Equilibrium, Order, Outcome, Reason, admit, clear, reason};
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
pub struct Standing {
    /// The order's row in the book, counted from zero.
    pub order: u32,
    /// What it was given.
    pub given: Quantity,
    /// Why.
    pub reason: Reason,
}

/// The proof of an outcome that [`clear`] gave for the same book and rule: the public part, and each order's standing in the
/// order of the book.
///
/// # Errors
///
/// As [`clear`].
pub fn certificate(
    orders: &[Order<'_>],
    rule: &Rule,
    seed: Option<&[u8]>,
    outcome: &Outcome,
) -> Result<(Certificate, Vec<Standing>), ClearingError> {
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
        .map(|(row, (order, given))| Standing {
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

/// The limit nearest to its own with which an order that was given nothing would have been given something, all others
/// unchanged; `None` for one that was given something or has no limit, and where no limit would have helped.
///
/// It is found by clearing the book again with each limit at which the order's rank among the others changes, and then
/// between the last that did not help and the first that did. So it is for a bidder's question, not for every
/// order of a large book: each limit in it can cost one clearing. For books without minimums.
///
/// # Errors
///
/// As [`clear`].
pub fn winning_limit(
    orders: &[Order<'_>],
    rule: &Rule,
    seed: Option<&[u8]>,
    order: u32,
) -> Result<Option<Price>, ClearingError> {
    let Some((row, own)) = usize::try_from(order).ok().and_then(|row| Some((row, *orders.get(row)?))) else {
        return Ok(None);
    };
    let Some(limit) = own.price.filter(|_| !own.quantity.is_zero()) else {
        return Ok(None);
    };
    let mut changed = orders.to_vec();
    let mut wins = |price: i64| -> Result<bool, ClearingError> {
        if let Some(place) = changed.get_mut(row) {
            place.price = Some(Price::from_millionths(price));
        }
        let outcome = clear(&changed, rule, seed)?;
        Ok(outcome.fills.iter().any(|fill| fill.order == order))
    };
    if wins(limit.millionths())? {
        return Ok(None);
    }
    let step = rule.tick.map_or(1, Price::millionths);
    let mut tried: Vec<i64> = orders
        .iter()
        .filter_map(|order| order.price)
        .chain(rule.lowest_price())
        .chain(rule.highest_price())
        .chain(rule.reference())
        .map(Price::millionths)
        .flat_map(|price| [Some(price), price.checked_add(step), price.checked_sub(step)])
        .flatten()
        .filter(|price| price.checked_rem(step) == Some(0))
        .filter(|&price| match own.side {
            Side::Buy => price > limit.millionths(),
            Side::Sell => price < limit.millionths(),
        })
        .collect();
    tried.sort_unstable_by_key(|price| price.abs_diff(limit.millionths()));
    tried.dedup();
    let mut failed = limit.millionths();
    for price in tried {
        if wins(price)? {
            return nearest_winning(failed, price, step, &mut wins).map(Some);
        }
        failed = price;
    }
    Ok(None)
}

/// Between a limit that did not help and one that did, the first that does.
fn nearest_winning(
    failed: i64,
    won: i64,
    step: i64,
    wins: &mut impl FnMut(i64) -> Result<bool, ClearingError>,
) -> Result<Price, ClearingError> {
    let (mut failed, mut won) = (failed, won);
    loop {
        let steps = i128::from(won).saturating_sub(i128::from(failed)).checked_div(i128::from(step));
        let half = steps.and_then(|steps| steps.checked_div(2)).unwrap_or(0);
        let middle = i128::from(failed).saturating_add(half.saturating_mul(i128::from(step)));
        match i64::try_from(middle) {
            Ok(middle) if half != 0 => {
                if wins(middle)? {
                    won = middle;
                } else {
                    failed = middle;
                }
            }
            _ => return Ok(Price::from_millionths(won)),
        }
    }
}
