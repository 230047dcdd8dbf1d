//! Winning limits: for each order that was given nothing, the limit nearest to its own with which it would have been given
//! something, all others unchanged.
//!
//! Where the cascade begins with `most-volume` and no order has a minimum, one limit answers for a whole side. Let a buy order have
//! the limit *x*, and let *A* be what the others want strictly dearer. (Sell orders are the mirror image.)
//!
//! - Is no more than *A* offered at *x* or cheaper, or at the ceiling where that is lower, or is *x* below the floor, then whatever
//!   the price, those with dearer limits take all of it.
//! - Is more offered, then at the dearest candidate up to *x* more than *A* can trade. At any price above *x* no more than *A*
//!   can. So the price is not above *x*, and more than *A* trades: the order is reached, whichever criteria come next.
//!
//! So an order is reached from the lowest *x* on at which more is offered than others want dearer, whatever its quantity: at the side's
//! **threshold**. With orders of others just there, the allocation says whether it gets any of what they share. One tick dearer it
//! always does: what is left then is at least a lot more than all others who stand there want.
//!
//! That holds if there is a price at all. With a reference price that the cascade names, with limits as candidates and an end,
//! or with `last-accepted-offer` there always is, where an order is reached. Otherwise each limit at which something changes is tried from
//! there on, by deciding again over no more prices than can have the most volume.
//!
//! So it takes orders × log(orders), and for each order beyond the threshold a share of what those at it share; where a price is
//! not certain, also the prices with the most volume, for each quantity anew. By any other rule, and with minimums, the book is
//! cleared again for each limit that is tried, up to four times the orders for each order: that is for small books.

use std::collections::BTreeMap;
use std::convert::Infallible;

use super::allocate::{Member, shares};
use super::cascade::decide;
use super::curve::{AtAnyPrice, Curve, Step};
use super::rule::{Candidates, Criterion, Rule};
use super::{ClearingError, Decision, Order, Outcome, admit, clear};
use crate::book::Side;
use crate::num::{Price, Quantity};

/// For each order of a book, in the order of the book, the limit nearest to its own with which it would have been given something,
/// all others unchanged. `None` for one that was given something, wants nothing, has no limit or has a minimum, and where no
/// limit would help. `outcome` is what [`clear`] gave for the same book and rule.
///
/// # Errors
///
/// As [`clear`].
// Rules: R-AUC-029.
pub fn winning_limits(
    orders: &[Order<'_>],
    rule: &Rule,
    seed: Option<&[u8]>,
    outcome: &Outcome,
) -> Result<Vec<Option<Price>>, ClearingError> {
    let mut lost = vec![true; orders.len()];
    for fill in &outcome.fills {
        if let Some(lost) = usize::try_from(fill.order).ok().and_then(|row| lost.get_mut(row)) {
            *lost = false;
        }
    }
    winning_limits_of(orders, rule, seed, &lost)
}

/// The same for the orders that are said to have been given nothing; all others are told nothing.
pub(crate) fn winning_limits_of(
    orders: &[Order<'_>],
    rule: &Rule,
    seed: Option<&[u8]>,
    lost: &[bool],
) -> Result<Vec<Option<Price>>, ClearingError> {
    admit(orders, rule, seed)?;
    let can_ask = |order: &Order<'_>| {
        order.price.is_some() && !order.quantity.is_zero() && order.min_quantity.is_zero()
    };
    let lost = lost.iter().copied().chain(std::iter::repeat(false));
    let asks: Vec<bool> = orders.iter().zip(lost).map(|(order, lost)| lost && can_ask(order)).collect();
    let has_minimums = orders.iter().any(|order| order.min_quantity > Quantity::ZERO);
    if rule.cascade.first() != Some(&Criterion::MostVolume) || has_minimums {
        let limit = |(row, asks)| if asks { by_clearing_again(orders, rule, seed, row) } else { Ok(None) };
        return asks.into_iter().enumerate().map(limit).collect();
    }
    let mut search = Search::new(orders, rule, seed.unwrap_or(&[]))?;
    let thresholds = Side::BOTH.map(|side| search.threshold(side));
    let [buyers, sellers] = &thresholds;
    let limit = |(row, asks)| {
        let order: &Order<'_> = orders.get(row).filter(|_| asks)?;
        let threshold = if order.side == Side::Buy { buyers } else { sellers };
        search.limit(threshold.as_ref()?, row, order).map(Price::from_millionths)
    };
    Ok(asks.into_iter().enumerate().map(limit).collect())
}

/// The least keen limit with which an order of a side is reached.
struct Threshold {
    limit: i64,
    /// What is left for orders with this limit.
    left: i64,
    /// Those that have it, by time and row.
    there: Vec<(i64, usize)>,
    /// What they want.
    wanted: i64,
}

struct Search<'a> {
    orders: &'a [Order<'a>],
    rule: &'a Rule,
    seed: &'a [u8],
    curve: Curve,
    /// What is wanted and offered with each limit, ascending, each limit once.
    steps: Vec<Step>,
    market: AtAnyPrice,
    /// The most volume of any candidate.
    volume: i64,
    /// Whether there is a price wherever an order is reached.
    is_always_decided: bool,
    /// By side, quantity and the first limit tried, the first with which there is a price.
    tried: BTreeMap<(bool, i64, i64), Option<i64>>,
}

impl<'a> Search<'a> {
    fn new(orders: &'a [Order<'a>], rule: &'a Rule, seed: &'a [u8]) -> Result<Self, ClearingError> {
        let curve = Curve::new(orders, rule)?;
        let mut steps: BTreeMap<i64, Step> = BTreeMap::new();
        let mut market = AtAnyPrice::default();
        for order in orders.iter().filter(|order| !order.quantity.is_zero()) {
            let quantity = order.quantity.millionths();
            let (bought, sold) = match order.price.map(Price::millionths) {
                Some(price) => {
                    let step = steps.entry(price).or_insert(Step { price, bought: 0, sold: 0 });
                    (&mut step.bought, &mut step.sold)
                }
                None => (&mut market.bought, &mut market.sold),
            };
            let sum = if order.side == Side::Buy { bought } else { sold };
            // A part of a total that was checked.
            *sum = sum.saturating_add(quantity);
        }
        let volume = most_volume(&curve, rule);
        Ok(Self {
            orders,
            rule,
            seed,
            curve,
            steps: steps.into_values().collect(),
            market,
            volume,
            is_always_decided: is_always_decided(rule),
            tried: BTreeMap::new(),
        })
    }

    fn threshold(&self, side: Side) -> Option<Threshold> {
        let tick = self.tick();
        let [lowest, highest] = end_ticks(tick);
        let (laxest, keenest) = if side == Side::Buy { (lowest, highest) } else { (highest, lowest) };
        let is_reached = |limit: i64| self.left(side, limit) > 0;
        let limit = match (is_reached(laxest), is_reached(keenest)) {
            (true, _) => laxest,
            (false, false) => return None,
            // Beyond one that is reached all are.
            (false, true) => {
                let mut is_reached = |limit: i64| Ok::<_, Infallible>(is_reached(limit));
                let Ok(limit) = nearest_between(laxest, keenest, tick, &mut is_reached);
                limit
            }
        };
        let mut there: Vec<(i64, usize)> = self
            .orders
            .iter()
            .enumerate()
            .filter(|(_, order)| order.side == side && !order.quantity.is_zero())
            .filter(|(_, order)| order.price.map(Price::millionths) == Some(limit))
            .map(|(row, order)| (order.received, row))
            .collect();
        there.sort_unstable();
        let step = self.step(limit);
        let wanted = if side == Side::Buy { step.bought } else { step.sold };
        Some(Threshold { limit, left: self.left(side, limit), there, wanted })
    }

    fn tick(&self) -> i64 {
        self.rule.tick.map_or(1, Price::millionths)
    }

    /// What is wanted and offered with a limit.
    fn step(&self, price: i64) -> Step {
        let place = self.steps.binary_search_by_key(&price, |step| step.price).ok();
        place.and_then(|place| self.steps.get(place)).copied().unwrap_or_default()
    }

    /// What is left at a limit for those who have it, after all with a keener one, and at most as much as can be traded with it;
    /// not above zero where none of it is. An order with a laxer limit of its own is not counted.
    fn left(&self, side: Side, limit: i64) -> i64 {
        let floor = self.rule.lowest_price().map(Price::millionths);
        let ceiling = self.rule.highest_price().map(Price::millionths);
        let other_side = match side {
            Side::Buy if floor.is_some_and(|floor| limit < floor) => 0,
            Side::Buy => self.curve.at(ceiling.map_or(limit, |ceiling| limit.min(ceiling))).supply,
            Side::Sell if ceiling.is_some_and(|ceiling| limit > ceiling) => 0,
            Side::Sell => self.curve.at(floor.map_or(limit, |floor| limit.max(floor))).demand,
        };
        other_side.saturating_sub(self.keener(side, limit))
    }

    /// What a side wants, or offers, with limits strictly keener than one, and without a limit.
    fn keener(&self, side: Side, limit: i64) -> i64 {
        match side {
            Side::Buy => limit.checked_add(1).map_or(self.market.bought, |above| self.curve.at(above).demand),
            Side::Sell => limit.checked_sub(1).map_or(self.market.sold, |below| self.curve.at(below).supply),
        }
    }

    /// The winning limit of an order that was given nothing.
    fn limit(&mut self, threshold: &Threshold, row: usize, order: &Order<'_>) -> Option<i64> {
        let own = order.price?.millionths();
        let is_beyond = is_keener(order.side, threshold.limit, own);
        let first = if is_beyond && self.has_share(threshold, row, order) {
            threshold.limit
        } else {
            self.one_tick_keener(order.side, if is_beyond { threshold.limit } else { own })?
        };
        if self.is_always_decided {
            return Some(first);
        }
        let moved = Moved { side: order.side, own, quantity: order.quantity.millionths() };
        // Where too little of the other side could trade at its own limit, it has no part in any of what follows.
        let from_other_side = match order.side {
            Side::Buy => self.curve.at(own).supply,
            Side::Sell => self.curve.at(own).demand,
        };
        if from_other_side >= self.volume {
            return self.first_decided(&moved, first);
        }
        let key = (order.side == Side::Buy, moved.quantity, first);
        if let Some(known) = self.tried.get(&key) {
            return *known;
        }
        let found = self.first_decided(&moved, first);
        self.tried.insert(key, found);
        found
    }

    fn one_tick_keener(&self, side: Side, limit: i64) -> Option<i64> {
        match side {
            Side::Buy => limit.checked_add(self.tick()),
            Side::Sell => limit.checked_sub(self.tick()),
        }
    }

    /// Whether an order from beyond would be given anything at the threshold.
    fn has_share(&self, threshold: &Threshold, row: usize, order: &Order<'_>) -> bool {
        let Threshold { left, there, wanted, .. } = threshold;
        if there.is_empty() || order.quantity.millionths() <= left.saturating_sub(*wanted) {
            return true;
        }
        let place = there.partition_point(|other| *other < (order.received, row));
        let (earlier, later) = there.split_at_checked(place).unwrap_or((there, &[]));
        let others = |others: &[(i64, usize)]| -> Vec<Member<'a>> {
            others.iter().filter_map(|(_, row)| self.orders.get(*row)).map(member).collect()
        };
        let mut members = others(earlier);
        members.push(member(order));
        members.extend(others(later));
        shares(&members, self.rule, self.seed, *left).get(place).is_some_and(|share| *share > 0)
    }

    /// The first limit with which there is a price, from one on with which an order is reached.
    fn first_decided(&self, moved: &Moved, first: i64) -> Option<i64> {
        let mut limit = first;
        loop {
            let curve = self.curve_with(moved, limit);
            if let Decision::Price { .. } = decide(&curve, self.rule) {
                return Some(limit);
            }
            // A limit at which no longer the most can trade changes nothing, nor does any keener one.
            let is_inside = self.rule.lowest_price().is_none_or(|lowest| lowest.millionths() <= limit)
                && self.rule.highest_price().is_none_or(|highest| limit <= highest.millionths());
            if !is_inside || curve.at(limit).volume() < most_volume(&curve, self.rule) {
                return None;
            }
            limit = self.next_limit(moved.side, limit)?;
        }
    }

    /// The next keener limit at which something can change: one tick from a limit or bound, or the next limit or bound.
    fn next_limit(&self, side: Side, limit: i64) -> Option<i64> {
        let bounds = self.rule.lowest_price().into_iter().chain(self.rule.highest_price());
        let is_level = self.step(limit) != Step::default()
            || bounds.into_iter().any(|bound| bound.millionths() == limit);
        let (below, above) = self.curve.neighbours(limit);
        match side {
            _ if is_level => self.one_tick_keener(side, limit),
            Side::Buy => above,
            Side::Sell => below,
        }
    }

    /// The curve with an order's limit moved, as it is where the most volume can be: limits with less are gathered into the next of
    /// them on either side.
    fn curve_with(&self, moved: &Moved, limit: i64) -> Curve {
        let Moved { side, own, quantity } = *moved;
        // At least so much trades; what is kept of the other side reaches it, what is kept of its own does with its quantity.
        let least = self.volume.max(self.keener(side, limit).saturating_add(1));
        let others = least.saturating_sub(quantity);
        let (low, high) = match side {
            Side::Buy => {
                let high = self.curve.wanted_until(others).map_or(limit, |until| until.min(limit));
                (self.curve.offered_from(least), Some(high))
            }
            Side::Sell => {
                let low = self.curve.offered_from(others).map_or(limit, |from| from.max(limit));
                (Some(low), self.curve.wanted_until(least))
            }
        };
        let from = low.map_or(0, |low| self.steps.partition_point(|step| step.price < low));
        let until =
            high.map_or(self.steps.len(), |high| self.steps.partition_point(|step| step.price <= high));
        let (below, rest) = self.steps.split_at_checked(from).unwrap_or_default();
        let (between, above) = rest.split_at_checked(until.saturating_sub(from)).unwrap_or_default();
        let kept = |step: &Step| {
            let mut step = *step;
            if step.price == own {
                let own = if side == Side::Buy { &mut step.bought } else { &mut step.sold };
                *own = own.saturating_sub(quantity);
            }
            (step.bought != 0 || step.sold != 0).then_some(step)
        };
        let own_among = |is_among: bool| if is_among { quantity } else { 0 };
        let gathered_below = below.last().map(|&Step { price, .. }| {
            let sold = self.curve.at(price).supply.saturating_sub(self.market.sold);
            let sold = sold.saturating_sub(own_among(side == Side::Sell && own <= price));
            Step { price, bought: 0, sold }
        });
        let gathered_above = above.first().map(|&Step { price, .. }| {
            let bought = self.curve.at(price).demand.saturating_sub(self.market.bought);
            let bought = bought.saturating_sub(own_among(side == Side::Buy && own >= price));
            Step { price, bought, sold: 0 }
        });
        let moved = match side {
            Side::Buy => Step { price: limit, bought: quantity, sold: 0 },
            Side::Sell => Step { price: limit, bought: 0, sold: quantity },
        };
        let mut steps: Vec<Step> =
            gathered_below.into_iter().chain(between.iter().filter_map(kept)).collect();
        steps.extend([Some(moved), gathered_above].into_iter().flatten());
        steps.sort_by_key(|step| step.price);
        Curve::of_steps(steps, self.market, self.rule)
    }
}

/// An order whose limit is moved.
struct Moved {
    side: Side,
    own: i64,
    quantity: i64,
}

fn is_keener(side: Side, limit: i64, than: i64) -> bool {
    match side {
        Side::Buy => limit > than,
        Side::Sell => limit < than,
    }
}

/// The lowest and the highest whole multiple of a tick that can be written.
fn end_ticks(tick: i64) -> [i64; 2] {
    [i64::MIN, i64::MAX].map(|end| end.saturating_sub(end.checked_rem(tick).unwrap_or(0)))
}

fn member<'a>(order: &Order<'a>) -> Member<'a> {
    // Books with minimums are not searched.
    Member { wanted: order.quantity.millionths(), minimum: 0, rank: order.rank, id: order.id }
}

/// The most volume of any candidate.
fn most_volume(curve: &Curve, rule: &Rule) -> i64 {
    let mut most = 0;
    curve.for_each_candidate(rule, |piece| most = most.max(piece.at.volume()));
    most
}

/// Whether a cascade that begins with the most volume ends in a price wherever an order with a limit is reached.
pub(crate) fn is_always_decided(rule: &Rule) -> bool {
    rule.cascade.first() == Some(&Criterion::MostVolume)
        && rule.cascade.iter().any(|criterion| match criterion {
            // Limits alone, of one side or the other, come to more than market orders do.
            Criterion::LastAcceptedOffer => true,
            Criterion::Reference => rule.reference().is_some(),
            // Limits have a lowest and a highest.
            Criterion::Midpoint | Criterion::Highest | Criterion::Lowest => {
                rule.candidates == Candidates::Limits
            }
            Criterion::MostVolume
            | Criterion::LeastSurplus
            | Criterion::SurplusSide
            | Criterion::Pressure => false,
        })
}

/// The winning limit of an order that was given nothing, by any rule: the book is cleared again with each limit and bound, one tick
/// beside each, and the keenest of all, the nearest first; and then between the last that did not help and the first that did.
///
/// Where a limit of its own can move the price without being reached, as under a midpoint of all prices at which anything trades, a
/// nearer one between those that are tried can be missed.
pub(super) fn by_clearing_again(
    orders: &[Order<'_>],
    rule: &Rule,
    seed: Option<&[u8]>,
    row: usize,
) -> Result<Option<Price>, ClearingError> {
    let Some((side, own)) = orders.get(row).and_then(|order| Some((order.side, order.price?.millionths())))
    else {
        return Ok(None);
    };
    let mut changed = orders.to_vec();
    let mut wins = |price: i64| -> Result<bool, ClearingError> {
        if let Some(place) = changed.get_mut(row) {
            place.price = Some(Price::from_millionths(price));
        }
        let outcome = clear(&changed, rule, seed)?;
        Ok(outcome.fills.iter().any(|fill| usize::try_from(fill.order) == Ok(row)))
    };
    let tick = rule.tick.map_or(1, Price::millionths);
    let mut tried: Vec<i64> = orders
        .iter()
        .filter_map(|order| order.price)
        .chain(rule.lowest_price())
        .chain(rule.highest_price())
        .chain(rule.reference())
        .map(Price::millionths)
        .flat_map(|price| {
            // A reference can lie between two ticks.
            let lower = price.checked_sub(price.checked_rem_euclid(tick).unwrap_or(0));
            let beside = |ticks: i64| lower?.checked_add(tick.checked_mul(ticks)?);
            [beside(-1), beside(0), beside(1), beside(2)]
        })
        .flatten()
        .chain(end_ticks(tick))
        .filter(|price| is_keener(side, *price, own))
        .collect();
    tried.sort_unstable_by_key(|price| price.abs_diff(own));
    tried.dedup();
    let mut failed = own;
    for price in tried {
        if wins(price)? {
            return nearest_between(failed, price, tick, &mut wins)
                .map(|limit| Some(Price::from_millionths(limit)));
        }
        failed = price;
    }
    Ok(None)
}

/// Between a limit that does not do and one that does, the first that does.
fn nearest_between<E>(
    failed: i64,
    won: i64,
    tick: i64,
    wins: &mut impl FnMut(i64) -> Result<bool, E>,
) -> Result<i64, E> {
    let (mut failed, mut won) = (failed, won);
    loop {
        let ticks = i128::from(won).saturating_sub(i128::from(failed)).checked_div(i128::from(tick));
        let half = ticks.and_then(|ticks| ticks.checked_div(2)).unwrap_or(0);
        let middle = i128::from(failed).saturating_add(half.saturating_mul(i128::from(tick)));
        match i64::try_from(middle) {
            Ok(middle) if half != 0 => {
                if wins(middle)? {
                    won = middle;
                } else {
                    failed = middle;
                }
            }
            _ => return Ok(won),
        }
    }
}
