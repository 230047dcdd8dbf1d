//! What a bidder would have had to bid: the limit nearest to its own with which it would have been given something, all others
//! unchanged.
//!
//! Nothing is sorted again for it: the steps of the curves are worked out once, and with a limit moved the cascade decides
//! again on them. Between two neighbouring limits of the book (and bounds, and the reference) an order's rank does not change, so the
//! limits that were tried are those, one step beside each, and what lies between the last that did not help and the first that did.
//!
//! Most of them cannot help, where the cascade begins with the most volume *V*. Let *a* be the lowest candidate with that volume. Below
//! *a* less than *V* is offered, and a buyer whose limit stays below *a* changes nothing from *a* on; so the price is at *a* or above
//! it as before, and it is given nothing. And with a limit that helps, those who stay before it want less than trades then, which is at most
//! *V* and its own quantity. Sellers the other way round.

use super::allocate::{Member, shares};
use super::cascade::{candidates, decide};
use super::curve::{AtAnyPrice, Curve, Place, Step};
use super::rule::{Criterion, Rule};
use super::{ClearingError, Decision, Order, Outcome, admit};
use crate::book::Side;
use crate::num::Price;

/// For each order that [`clear`](super::clear()) gave nothing in the outcome, the limit nearest to its own with which it would have been given
/// something, all others unchanged; `None` for one that was given something or has no limit, and where no limit would
/// have helped.
///
/// Exact where the cascade begins with the most volume, as every preset's does. With another, a price between limits can move with the
/// order's own; what is found then wins, and is the nearest of the limits of the book and those one step beside them.
///
/// One order takes a few times as long as a book that is already sorted takes to clear, so a whole book takes time that is quadratic in its
/// orders.
///
/// # Errors
///
/// As [`clear`](super::clear()), and for a book with minimums [`ClearingError::MinimumNotHonoured`].
pub fn winning_limits(
    orders: &[Order<'_>],
    rule: &Rule,
    seed: Option<&[u8]>,
    outcome: &Outcome,
) -> Result<Vec<Option<Price>>, ClearingError> {
    let mut book = Counterfactual::new(orders, rule, seed, u64::MAX)?;
    let mut given = outcome.fills.iter().map(|fill| fill.order).peekable();
    let mut limits = Vec::with_capacity(orders.len());
    for (row, order) in (0_u32..).zip(orders) {
        let is_given = given.next_if_eq(&row).is_some();
        let limit = if is_given { Ok(None) } else { book.winning_limit(row, order) };
        // There are fewer limits to try than can be counted.
        limits.push(limit.unwrap_or(None));
    }
    Ok(limits)
}

/// A book in which one limit is moved.
pub(crate) struct Counterfactual<'a> {
    orders: &'a [Order<'a>],
    rule: &'a Rule,
    seed: &'a [u8],
    /// Ascending, each price once.
    steps: Vec<Step>,
    at_any_price: AtAnyPrice,
    /// What most trades at, where the cascade begins with that.
    most: Option<Most>,
    /// How many more limits may be tried.
    tries_left: u64,
}

/// The most volume, and where it trades.
struct Most {
    curve: Curve,
    volume: i64,
    lowest: Option<i64>,
    highest: Option<i64>,
}

/// As many limits were tried as was allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OutOfTries;

impl<'a> Counterfactual<'a> {
    pub(crate) fn new(
        orders: &'a [Order<'a>],
        rule: &'a Rule,
        seed: Option<&'a [u8]>,
        tries_left: u64,
    ) -> Result<Self, ClearingError> {
        admit(orders, rule, seed)?;
        let with_minimum = (0..).zip(orders).find(|(_, order)| !order.min_quantity.is_zero());
        if let Some((order, _)) = with_minimum {
            return Err(ClearingError::MinimumNotHonoured { order, allocation: rule.allocation });
        }
        let (mut steps, at_any_price) = Curve::steps(orders)?;
        steps.dedup_by(|later, kept| {
            let is_same = later.price == kept.price;
            if is_same {
                kept.bought = kept.bought.saturating_add(later.bought);
                kept.sold = kept.sold.saturating_add(later.sold);
            }
            is_same
        });
        let most = (rule.cascade.first() == Some(&Criterion::MostVolume)).then(|| {
            let curve = Curve::of_steps(steps.clone(), at_any_price, rule);
            let pieces = candidates(&curve, rule);
            Most {
                volume: pieces.first().map_or(0, |piece| piece.at.volume()),
                lowest: pieces.first().and_then(|piece| piece.low).map(|low| low.inside),
                highest: pieces.last().and_then(|piece| piece.high).map(|high| high.inside),
                curve,
            }
        });
        Ok(Self { orders, rule, seed: seed.unwrap_or(&[]), steps, at_any_price, most, tries_left })
    }

    /// Whether a limit can help, as far as can be told without trying it.
    fn can_help(&self, order: &Order<'_>, limit: i64) -> bool {
        let Some(Most { curve, volume, lowest, highest }) = &self.most else {
            return true;
        };
        let (bottom, top) = curve.ends();
        let (is_inside, before, other_side) = match order.side {
            Side::Buy => (lowest.is_none_or(|lowest| limit >= lowest), curve.demand_above(limit), top.supply),
            Side::Sell => {
                (highest.is_none_or(|highest| limit <= highest), curve.supply_below(limit), bottom.demand)
            }
        };
        let most = volume.saturating_add(order.quantity.millionths()).min(other_side);
        is_inside && before < most
    }

    /// What would have won for an order that was given nothing.
    pub(crate) fn winning_limit(&mut self, row: u32, order: &Order<'_>) -> Result<Option<Price>, OutOfTries> {
        let Some(own) = order.price.filter(|_| !order.quantity.is_zero()).map(Price::millionths) else {
            return Ok(None);
        };
        let step = self.rule.tick.map_or(1, Price::millionths);
        let is_better = |price: i64| match order.side {
            Side::Buy => price > own,
            Side::Sell => price < own,
        };
        let (lowest, highest) = self.most.as_ref().map_or((None, None), |most| (most.lowest, most.highest));
        let beside = [self.rule.lowest_price(), self.rule.highest_price(), self.rule.reference()];
        let beside = beside
            .into_iter()
            .flatten()
            .map(Price::millionths)
            .chain([lowest, highest].into_iter().flatten());
        let mut tried: Vec<i64> = self
            .steps
            .iter()
            .map(|step| step.price)
            .chain(beside)
            .flat_map(|price| [Some(price), price.checked_add(step), price.checked_sub(step)])
            .flatten()
            .filter(|price| price.checked_rem(step) == Some(0))
            .filter(|price| is_better(*price) && self.can_help(order, *price))
            .collect();
        tried.sort_unstable();
        if order.side == Side::Sell {
            tried.reverse();
        }
        tried.dedup();
        // What lies before the first that is worth trying does not help.
        let mut failed = match (order.side, tried.first()) {
            (_, None) => return Ok(None),
            (Side::Buy, Some(first)) => first.checked_sub(step).map_or(own, |before| before.max(own)),
            (Side::Sell, Some(first)) => first.checked_add(step).map_or(own, |before| before.min(own)),
        };
        for price in tried {
            if self.wins(row, order, price)? {
                return self.first_between(failed, price, row, order).map(Some);
            }
            failed = price;
        }
        Ok(None)
    }

    /// Between a limit that does not help and one that does, the first that does.
    fn first_between(
        &mut self,
        failed: i64,
        won: i64,
        row: u32,
        order: &Order<'_>,
    ) -> Result<Price, OutOfTries> {
        let step = i128::from(self.rule.tick.map_or(1, Price::millionths));
        let (mut failed, mut won) = (i128::from(failed), i128::from(won));
        loop {
            let steps = won.saturating_sub(failed).checked_div(step).unwrap_or(0);
            let half = steps.checked_div(2).unwrap_or(0);
            let middle = failed.saturating_add(half.saturating_mul(step));
            match i64::try_from(middle) {
                Ok(price) if half != 0 => {
                    if self.wins(row, order, price)? {
                        won = middle;
                    } else {
                        failed = middle;
                    }
                }
                // Both ends are prices.
                _ => return Ok(Price::from_millionths(i64::try_from(won).unwrap_or(i64::MAX))),
            }
        }
    }

    /// Whether the order is given anything with another limit.
    fn wins(&mut self, row: u32, order: &Order<'_>, limit: i64) -> Result<bool, OutOfTries> {
        self.tries_left = self.tries_left.checked_sub(1).ok_or(OutOfTries)?;
        let curve = Curve::of_steps(self.moved(order, limit), self.at_any_price, self.rule);
        let Decision::Price { price, .. } = decide(&curve, self.rule) else {
            return Ok(false);
        };
        let margin = curve.margin(order.side, curve.at(price.millionths()).volume());
        Ok(match margin.place(order.side, Some(limit)) {
            Place::Better => true,
            Place::Worse => false,
            Place::AtMargin => {
                let mut sharing: Vec<(i64, u32, &Order<'_>)> = (0_u32..)
                    .zip(self.orders)
                    .filter(|(other, member)| {
                        let at = member.price.map(Price::millionths);
                        let is_there = *other == row || (at == Some(limit) && member.side == order.side);
                        is_there && !member.quantity.is_zero()
                    })
                    .map(|(other, member)| (member.received, other, member))
                    .collect();
                sharing.sort_by_key(|(received, ..)| *received);
                let members: Vec<Member<'_>> =
                    sharing.iter().map(|(_, _, member)| Member::of(member)).collect();
                let shares = shares(&members, self.rule, self.seed, margin.left);
                sharing.iter().zip(shares).any(|((_, other, _), share)| *other == row && share > 0)
            }
        })
    }

    /// The steps with one order's limit moved.
    fn moved(&self, order: &Order<'_>, limit: i64) -> Vec<Step> {
        let mut steps = Vec::with_capacity(self.steps.len().saturating_add(3));
        steps.extend_from_slice(&self.steps);
        let quantity = order.quantity.millionths();
        let mut change = |price: i64, by: i64| {
            let place = steps.partition_point(|step| step.price < price);
            if steps.get(place).is_none_or(|step| step.price != price) {
                steps.insert(place, Step { price, bought: 0, sold: 0 });
            }
            if let Some(step) = steps.get_mut(place) {
                let changed = match order.side {
                    Side::Buy => &mut step.bought,
                    Side::Sell => &mut step.sold,
                };
                *changed = changed.saturating_add(by);
                // Nobody's limit is there any more, so it is no candidate.
                if step.bought == 0 && step.sold == 0 {
                    steps.remove(place);
                }
            }
        };
        change(limit, quantity);
        if let Some(own) = order.price {
            change(own.millionths(), quantity.saturating_neg());
        }
        steps
    }
}
