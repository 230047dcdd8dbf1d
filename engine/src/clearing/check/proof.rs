//! Whether what proves a result is right: the public part, and what each bidder is told.

use super::super::{Certificate, CurvePoint, Decision, Order, OrderStanding, Outcome, Reason, Rule};
use super::price::{Sorted, bounds, to_price};
use super::{Fault, Total, read_fills, sum};
use crate::book::Side;
use crate::num::{Price, Quantity};

/// Checks the public part of a proof against the book, its rule, and the outcome that it is of, which [`check`](super::check())
/// accepts.
///
/// # Errors
///
/// The first fault found, in this order: decision, equilibrium, totals, curve.
pub fn check_certificate(
    orders: &[Order<'_>],
    rule: &Rule,
    outcome: &Outcome,
    certificate: &Certificate,
) -> Result<(), Fault> {
    if certificate.decision != outcome.decision {
        return Err(Fault::WrongDecision { given: certificate.decision, due: outcome.decision });
    }
    if certificate.equilibrium != outcome.equilibrium {
        return Err(Fault::WrongEquilibrium { given: certificate.equilibrium, due: outcome.equilibrium });
    }
    let given = read_fills(orders, outcome)?;
    let all: Vec<i128> = orders.iter().map(|order| i128::from(order.quantity.millionths())).collect();
    for (which, said, due) in [
        (Total::Demand, certificate.total_demand, sum(orders, Side::Buy, &all)),
        (Total::Supply, certificate.total_supply, sum(orders, Side::Sell, &all)),
        (Total::Bought, certificate.bought, sum(orders, Side::Buy, &given)),
        (Total::Sold, certificate.sold, sum(orders, Side::Sell, &given)),
    ] {
        if i128::from(said.millionths()) != due {
            return Err(Fault::WrongTotal { which });
        }
    }
    let due = curve(orders, rule, outcome);
    for place in 0..due.len().max(certificate.curve.len()) {
        let (given, due) = (certificate.curve.get(place).copied(), due.get(place).copied());
        if given != due {
            return Err(Fault::WrongCurve { given, due });
        }
    }
    Ok(())
}

/// Demand and supply at the decisive prices of an outcome, and at the limits and bounds next to each.
fn curve(orders: &[Order<'_>], rule: &Rule, outcome: &Outcome) -> Vec<CurvePoint> {
    let book = Sorted::new(orders);
    let mut levels = book.limits();
    levels.extend(bounds(rule).into_iter().flatten());
    let best = |side: Side| {
        let of_side = orders.iter().filter(move |order| order.side == side && !order.quantity.is_zero());
        of_side.filter_map(|order| order.price)
    };
    let decision = match outcome.decision {
        Decision::Price { price, .. } => [Some(price), None],
        Decision::Undecided { lowest, highest } => [lowest, highest],
        Decision::NothingTrades => [best(Side::Buy).max(), best(Side::Sell).min()],
    };
    let decisive = decision.into_iter().chain([outcome.equilibrium.low, outcome.equilibrium.high]).flatten();
    let mut prices: Vec<i128> = decisive
        .map(|price| i128::from(price.millionths()))
        .flat_map(|price| {
            let below = levels.iter().copied().filter(|level| *level < price).max();
            let above = levels.iter().copied().filter(|level| *level > price).min();
            [below, Some(price), above]
        })
        .flatten()
        .collect();
    prices.sort_unstable();
    prices.dedup();
    let point = |&price: &i128| {
        let (demand, supply) = (book.wanted_from(price), book.offered_to(price));
        Some(CurvePoint {
            price: to_price(price)?,
            demand: to_quantity(demand)?,
            supply: to_quantity(supply)?,
        })
    };
    // All are prices and quantities of the book.
    prices.iter().filter_map(point).collect()
}

fn to_quantity(millionths: i128) -> Option<Quantity> {
    i64::try_from(millionths).ok().and_then(Quantity::from_millionths)
}

/// Checks what each bidder is told against the book and the outcome, which [`check`](super::check()) accepts.
///
/// # Errors
///
/// The first order that is told something else than is so, or nothing.
pub fn check_standings(
    orders: &[Order<'_>],
    outcome: &Outcome,
    standings: &[OrderStanding],
) -> Result<(), Fault> {
    let given = read_fills(orders, outcome)?;
    for (row, (order, given)) in (0_u32..).zip(orders.iter().zip(given)) {
        let place = usize::try_from(row).ok().and_then(|row| standings.get(row));
        let Some(standing) = place.filter(|standing| standing.order == row) else {
            return Err(Fault::StandingMissing { order: row });
        };
        let given = to_quantity(given).unwrap_or(Quantity::ZERO);
        if standing.given != given {
            return Err(Fault::WrongStanding { order: row, given: standing.given, due: given });
        }
        let due = reason(order, outcome.price(), given);
        if standing.reason != due {
            return Err(Fault::WrongReason { order: row, given: standing.reason, due });
        }
    }
    match standings.get(orders.len()) {
        Some(standing) => Err(Fault::StandingLeftOver { order: standing.order }),
        None => Ok(()),
    }
}

/// Why an order has what it has.
pub(super) fn reason(order: &Order<'_>, price: Option<Price>, given: Quantity) -> Reason {
    let Some(price) = price.filter(|_| !order.quantity.is_zero()) else {
        return if order.quantity.is_zero() { Reason::NoQuantity } else { Reason::NothingTraded };
    };
    // By how much its limit is better than the price.
    let gain = order.price.map(|limit| {
        let (limit, price) = (i128::from(limit.millionths()), i128::from(price.millionths()));
        if order.side == Side::Buy { limit.saturating_sub(price) } else { price.saturating_sub(limit) }
    });
    match gain {
        Some(gain) if gain < 0 => Reason::OutOfTheMoney,
        _ if given.is_zero() && order.min_quantity.is_zero() => Reason::NothingLeft,
        _ if given.is_zero() => Reason::MinimumNotMet,
        _ if given < order.quantity => Reason::Rationed,
        Some(0) => Reason::AtThePrice,
        _ => Reason::InTheMoney,
    }
}
