//! Demand and supply as steps over the price, and the pieces between the steps.
//!
//! Demand at a price is what is wanted there or dearer, supply what is offered there or cheaper. Both are constant between two
//! neighbouring limits, so the whole line of prices falls into as many pieces as there are limits (points), gaps
//! between them, and two outer gaps without an end. That is what makes *every price* a set of candidates that can be
//! gone through in linear time. A gap's ends are open: `edge` is where it ends, `inside` the last price that lies in it.

use std::cmp::Ordering;

use super::rule::{Candidates, Rounding, Rule};
use super::{ClearingError, Equilibrium, Order};
use crate::book::Side;
use crate::num::{Price, Quantity};

/// What is wanted and offered at one price, in millionths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Balance {
    pub(crate) demand: i64,
    pub(crate) supply: i64,
}

impl Balance {
    pub(crate) fn volume(self) -> i64 {
        self.demand.min(self.supply)
    }

    pub(crate) fn surplus(self) -> u64 {
        self.demand.abs_diff(self.supply)
    }
}

/// The limit at which the best of a side comes to a volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Margin {
    /// `None` where market orders alone come to it.
    pub(crate) limit: Option<i64>,
    /// How much is left for the orders with that limit.
    pub(crate) left: i64,
}

impl Margin {
    /// Where a limit stands to it: all better ones are filled, all worse ones are not.
    pub(crate) fn place(&self, side: Side, limit: Option<i64>) -> Place {
        let (Some(limit), Some(margin)) = (limit, self.limit) else {
            return match (limit, self.limit) {
                (None, None) => Place::AtMargin,
                (None, Some(_)) => Place::Better,
                (Some(_), _) => Place::Worse,
            };
        };
        let better = match side {
            Side::Buy => limit.cmp(&margin),
            Side::Sell => margin.cmp(&limit),
        };
        match better {
            Ordering::Greater => Place::Better,
            Ordering::Equal => Place::AtMargin,
            Ordering::Less => Place::Worse,
        }
    }
}

/// Where an order stands to the margin of its side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// It is filled whole.
    Better,
    /// It shares what is left.
    AtMargin,
    /// It is given nothing.
    Worse,
}

/// A price at which somebody has a limit, or a bound.
struct Level {
    price: i64,
    at: Balance,
}

/// Demand and supply of a book.
pub(crate) struct Curve {
    /// Ascending, each price once.
    levels: Vec<Level>,
    /// At prices above all limits: demand by market orders alone, and the whole supply.
    top: Balance,
    /// At prices below all limits: the whole demand, and supply by market orders alone.
    bottom: Balance,
}

/// One end of a piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct End {
    /// The outermost price that belongs to the piece.
    pub(super) inside: i64,
    /// Where the piece ends; the same but for the open ends of a gap among all prices.
    pub(super) edge: i64,
}

/// Prices next to each other with the same demand and supply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    /// Absent where there is no lowest.
    pub(super) low: Option<End>,
    /// Absent where there is no highest.
    pub(super) high: Option<End>,
    pub(super) at: Balance,
}

impl Piece {
    pub(super) fn point(price: i64, at: Balance) -> Self {
        let end = Some(End { inside: price, edge: price });
        Self { low: end, high: end, at }
    }

    /// The price of the piece that is nearest to another.
    pub(super) fn nearest(&self, to: i64) -> i64 {
        let from_below = self.low.map_or(to, |low| to.max(low.inside));
        self.high.map_or(from_below, |high| from_below.min(high.inside))
    }
}

/// What is wanted and offered with one limit, in millionths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) price: i64,
    pub(crate) bought: i64,
    pub(crate) sold: i64,
}

/// What is wanted and offered at any price, in millionths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct AtAnyPrice {
    pub(crate) bought: i64,
    pub(crate) sold: i64,
}

impl Curve {
    /// Reads a book, with the rule's bounds as levels of their own. Refuses a total that does not fit.
    pub(super) fn new(orders: &[Order<'_>], rule: &Rule) -> Result<Self, ClearingError> {
        let (steps, market) = Self::steps(orders)?;
        Ok(Self::of_steps(steps, market, rule))
    }

    /// The limits of a book with what is wanted and offered at each, ascending, and what is wanted and offered at any price.
    pub(super) fn steps(orders: &[Order<'_>]) -> Result<(Vec<Step>, AtAnyPrice), ClearingError> {
        let mut steps: Vec<Step> = Vec::with_capacity(orders.len().saturating_add(2));
        let (mut all, mut market) = (AtAnyPrice::default(), AtAnyPrice::default());
        for (index, order) in (0_u32..).zip(orders) {
            let quantity = order.quantity.millionths();
            let too_large = ClearingError::TotalTooLarge { order: index };
            all = add(all, order.side, quantity).ok_or(too_large)?;
            match order.price {
                None => market = add(market, order.side, quantity).ok_or(too_large)?,
                Some(_) if quantity == 0 => {}
                Some(price) => {
                    let AtAnyPrice { bought, sold } =
                        add(AtAnyPrice::default(), order.side, quantity).ok_or(too_large)?;
                    steps.push(Step { price: price.millionths(), bought, sold });
                }
            }
        }
        steps.sort_unstable_by_key(|step| step.price);
        Ok((steps, market))
    }

    /// The curve of steps that ascend, and whose quantities all together fit.
    pub(crate) fn of_steps(mut steps: Vec<Step>, market: AtAnyPrice, rule: &Rule) -> Self {
        for bound in rule.lowest_price().into_iter().chain(rule.highest_price()).map(Price::millionths) {
            let place = steps.partition_point(|step| step.price < bound);
            steps.insert(place, Step { price: bound, bought: 0, sold: 0 });
        }
        // Partial sums of what fits, fit; so do differences from the whole.
        let wanted = steps.iter().fold(market.bought, |sum, step| sum.saturating_add(step.bought));
        let bottom = Balance { demand: wanted, supply: market.sold };
        let mut levels: Vec<Level> = Vec::with_capacity(steps.len());
        let mut below = bottom;
        for Step { price, bought, sold } in steps {
            let demand_above = below.demand.saturating_sub(bought);
            let supply = below.supply.saturating_add(sold);
            match levels.last_mut() {
                Some(last) if last.price == price => last.at.supply = supply,
                _ => levels.push(Level { price, at: Balance { demand: below.demand, supply } }),
            }
            below = Balance { demand: demand_above, supply };
        }
        assert!(below.demand == market.bought, "above the last limit only market orders want anything");
        Self { levels, top: below, bottom }
    }

    /// Demand and supply at a price.
    pub(crate) fn at(&self, price: i64) -> Balance {
        let from = self.levels.partition_point(|level| level.price < price);
        match self.levels.get(from) {
            Some(level) if level.price == price => level.at,
            _ => self.below_level(from),
        }
    }

    /// Demand and supply in the gap below the level with that number; above all for the number of levels.
    fn below_level(&self, number: usize) -> Balance {
        let demand = self.levels.get(number).map_or(self.top.demand, |level| level.at.demand);
        let lower = number.checked_sub(1).and_then(|lower| self.levels.get(lower));
        Balance { demand, supply: lower.map_or(self.bottom.supply, |level| level.at.supply) }
    }

    /// Whether there is no limit and no bound.
    pub(super) fn is_flat(&self) -> bool {
        self.levels.is_empty()
    }

    /// At prices below all limits and above them.
    pub(super) fn ends(&self) -> (Balance, Balance) {
        (self.bottom, self.top)
    }

    /// The highest limit to buy and the lowest to sell.
    pub(super) fn best_limits(&self) -> (Option<Price>, Option<Price>) {
        // Anything more than market orders want, or offer.
        let bid = self.wanted_until(self.top.demand.saturating_add(1));
        let ask = self.offered_from(self.bottom.supply.saturating_add(1));
        (bid.map(Price::from_millionths), ask.map(Price::from_millionths))
    }

    /// The nearest level strictly below a price and the nearest strictly above.
    pub(super) fn neighbours(&self, price: i64) -> (Option<i64>, Option<i64>) {
        let from = self.levels.partition_point(|level| level.price < price);
        let above = self.levels.partition_point(|level| level.price <= price);
        let below = from.checked_sub(1).and_then(|number| self.levels.get(number));
        (below.map(|level| level.price), self.levels.get(above).map(|level| level.price))
    }

    /// Visits the candidates that a rule looks at, ascending, whatever trades there.
    // Rules: R-AUC-038.
    pub(super) fn for_each_candidate(&self, rule: &Rule, mut visit: impl FnMut(Piece)) {
        let lowest = rule.lowest_price().map(Price::millionths);
        let highest = rule.highest_price().map(Price::millionths);
        let is_inside = |price: i64| {
            lowest.is_none_or(|lowest| price >= lowest) && highest.is_none_or(|highest| price <= highest)
        };
        let step = match rule.candidates {
            Candidates::Limits => None,
            Candidates::Interval => Some(1),
            Candidates::Ticks => Some(rule.tick.map_or(1, Price::millionths)),
        };
        let is_open = rule.candidates == Candidates::Interval;
        let mut previous: Option<i64> = None;
        for (number, level) in self.levels.iter().enumerate() {
            // A bound is a level, so a gap lies inside when both of its ends do; without a bound it has no end.
            let gap_inside = previous.map_or(lowest.is_none(), is_inside) && is_inside(level.price);
            if let Some(step) = step.filter(|_| gap_inside) {
                gap(previous, Some(level.price), step, is_open, self.below_level(number)).map(&mut visit);
            }
            if is_inside(level.price) {
                visit(Piece::point(level.price, level.at));
            }
            previous = Some(level.price);
        }
        if let Some(step) = step.filter(|_| highest.is_none() && (previous.is_some() || lowest.is_none())) {
            gap(previous, None, step, is_open, self.below_level(self.levels.len())).map(&mut visit);
        }
    }

    /// The most that could trade at any price.
    pub(super) fn most_volume(&self) -> i64 {
        let at_levels = self.levels.iter().map(|level| level.at.volume());
        // Within a gap no more trades than at its ends.
        at_levels.max().unwrap_or_else(|| self.bottom.volume()).max(0)
    }

    /// The prices at which nobody who would want to trade is left out, as [`Equilibrium`] defines them.
    pub(super) fn equilibrium(&self) -> Equilibrium {
        if self.most_volume() == 0 {
            return Equilibrium { low: None, high: None };
        }
        let demand_above = |number: usize| {
            let next = number.checked_add(1).and_then(|next| self.levels.get(next));
            next.map_or(self.top.demand, |level| level.at.demand)
        };
        let supply_below = |number: usize| {
            let lower = number.checked_sub(1).and_then(|lower| self.levels.get(lower));
            lower.map_or(self.bottom.supply, |level| level.at.supply)
        };
        let is_low_enough = |(number, level): &(usize, &Level)| demand_above(*number) <= level.at.supply;
        let is_high_enough = |(number, level): &(usize, &Level)| supply_below(*number) <= level.at.demand;
        let price = |(_, level): (usize, &Level)| Price::from_millionths(level.price);
        let low = if self.bottom.demand <= self.bottom.supply {
            None
        } else {
            self.levels.iter().enumerate().find(is_low_enough).map(price)
        };
        let high = if self.top.supply <= self.top.demand {
            None
        } else {
            self.levels.iter().enumerate().rev().find(is_high_enough).map(price)
        };
        Equilibrium { low, high }
    }

    /// Where the best of a side comes to a volume, and how much of the orders there belongs to it. The side has that much.
    pub(crate) fn margin(&self, side: Side, volume: i64) -> Margin {
        let (limit, better) = match side {
            Side::Buy => {
                let limit = self.wanted_until(volume);
                (limit, limit.map(|limit| self.demand_above(limit)))
            }
            Side::Sell => {
                let limit = self.offered_from(volume);
                (limit, limit.map(|limit| self.supply_below(limit)))
            }
        };
        Margin { limit, left: volume.saturating_sub(better.unwrap_or(0)) }
    }

    /// What is wanted at prices strictly above one.
    pub(super) fn demand_above(&self, price: i64) -> i64 {
        let next = self.levels.partition_point(|level| level.price <= price);
        self.below_level(next).demand
    }

    /// What is offered at prices strictly below one.
    pub(super) fn supply_below(&self, price: i64) -> i64 {
        self.below_level(self.levels.partition_point(|level| level.price < price)).supply
    }

    /// The lowest level at which so much is offered; `None` where market orders alone offer it.
    pub(super) fn offered_from(&self, volume: i64) -> Option<i64> {
        if self.bottom.supply >= volume {
            return None;
        }
        let from = self.levels.partition_point(|level| level.at.supply < volume);
        self.levels.get(from).map(|level| level.price)
    }

    /// The highest level at which so much is wanted; `None` where market orders alone want it.
    pub(super) fn wanted_until(&self, volume: i64) -> Option<i64> {
        if self.top.demand >= volume {
            return None;
        }
        let beyond = self.levels.partition_point(|level| level.at.demand >= volume);
        beyond.checked_sub(1).and_then(|last| self.levels.get(last)).map(|level| level.price)
    }
}

/// The prices strictly between two levels, if there are any.
fn gap(below: Option<i64>, above: Option<i64>, step: i64, is_open: bool, at: Balance) -> Option<Piece> {
    let end = |level: Option<i64>, inside: Option<i64>| match (level, inside) {
        (None, _) => Some(None),
        (Some(_), None) => None,
        (Some(level), Some(inside)) => Some(Some(End { inside, edge: if is_open { level } else { inside } })),
    };
    let low = end(below, below.and_then(|below| below.checked_add(step)))?;
    let high = end(above, above.and_then(|above| above.checked_sub(step)))?;
    match (low, high) {
        (Some(low), Some(high)) if low.inside > high.inside => None,
        _ => Some(Piece { low, high, at }),
    }
}

fn add(sums: AtAnyPrice, side: Side, quantity: i64) -> Option<AtAnyPrice> {
    let AtAnyPrice { bought, sold } = sums;
    Some(match side {
        Side::Buy => AtAnyPrice { bought: bought.checked_add(quantity)?, sold },
        Side::Sell => AtAnyPrice { bought, sold: sold.checked_add(quantity)? },
    })
}

/// `numerator ÷ denominator`, rounded to a whole multiple of `step` (both positive). Near the ends of what fits, the
/// multiple that fits.
pub(super) fn round_to_step(numerator: i128, denominator: i128, step: i64, rounding: Rounding) -> i64 {
    let unit = denominator.saturating_mul(i128::from(step));
    let quotient = numerator.checked_div_euclid(unit).unwrap_or(0);
    let remainder = numerator.checked_rem_euclid(unit).unwrap_or(0);
    let rest = unit.saturating_sub(remainder);
    let is_up = match rounding {
        _ if remainder == 0 => false,
        Rounding::Up => true,
        Rounding::Down => false,
        Rounding::HalfUp => remainder >= rest,
        Rounding::HalfDown => remainder > rest,
        Rounding::HalfEven => remainder > rest || (remainder == rest && quotient.rem_euclid(2) == 1),
    };
    let lower = quotient.saturating_mul(i128::from(step));
    let upper = lower.saturating_add(i128::from(step));
    let (wanted, other) = if is_up { (upper, lower) } else { (lower, upper) };
    i64::try_from(wanted).or_else(|_| i64::try_from(other)).unwrap_or(0)
}

/// A sum of quantities that is known to fit.
pub(super) fn quantity(millionths: i64) -> Quantity {
    let quantity = Quantity::from_millionths(millionths);
    assert!(quantity.is_some(), "no part of a book is negative");
    quantity.unwrap_or(Quantity::ZERO)
}
