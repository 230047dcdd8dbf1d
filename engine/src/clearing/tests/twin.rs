//! The naive twin: the cascade word for word over every single price of a world.
//!
//! Two crates compile this file, the tests here and the fuzz targets, so it goes by what is public alone, and takes its names from
//! whoever includes it. It is an oracle for decision, equilibrium, volume and surplus, and for winning limits. Who gets what it does
//! not say; [`check`](super::check::check) does.

use super::*;

/// A book, a rule, and the prices that are looked at.
pub(super) struct Twin<'a> {
    pub(super) orders: &'a [Order<'a>],
    pub(super) rule: &'a Rule,
    /// Ascending, in millionths: each at which something changes, with those next to it. Some may be too large to be written.
    pub(super) world: Vec<i128>,
}

/// The prices at which anything can change, with those around them, ascending: as good a world as all prices are, and a short one
/// however far the limits of a book are from each other.
pub(super) fn prices_that_matter(orders: &[Order<'_>], rule: &Rule) -> Vec<i128> {
    let twin = Twin { orders, rule, world: Vec::new() };
    let edges = twin.band_edge(1).into_iter().chain(twin.band_edge(-1));
    let ends = [i128::from(i64::MIN), i128::from(i64::MAX)];
    let centres = twin.levels().into_iter().chain(twin.reference()).chain(edges).chain(ends).chain([0]);
    let tick = twin.tick();
    let around = |centre: i128| {
        let on_tick = centre - centre.rem_euclid(tick);
        (-2..=2).flat_map(move |by| [centre + by, centre + by * tick, on_tick + by * tick])
    };
    let mut world: Vec<i128> = centres.flat_map(around).collect();
    world.sort_unstable();
    world.dedup();
    world
}

/// The limit nearest to its own, among all prices of a world, with which an order that has one would be given something.
pub(super) fn nearest_winning(
    orders: &[Order<'_>],
    rule: &Rule,
    world: &[i128],
    row: usize,
    clears: impl Fn(&[Order<'_>]) -> Outcome,
) -> Option<Price> {
    let (side, own) = (orders[row].side, millionths(orders[row].price?));
    let tick = rule.tick.map_or(1, millionths);
    let is_keener = |p: i128| if side == Side::Buy { p > own } else { p < own };
    let mut keener: Vec<i128> = world.iter().copied().filter(|p| p % tick == 0 && is_keener(*p)).collect();
    keener.sort_by_key(|p| (p - own).abs());
    let mut changed = orders.to_vec();
    keener.into_iter().filter_map(written).find(|limit| {
        changed[row].price = Some(*limit);
        clears(&changed).fills.iter().any(|fill| usize::try_from(fill.order) == Ok(row))
    })
}

fn millionths(price: Price) -> i128 {
    price.millionths().into()
}

/// A price that can be written.
fn written(p: i128) -> Option<Price> {
    i64::try_from(p).ok().map(Price::from_millionths)
}

impl Twin<'_> {
    /// What it would say otherwise than an outcome of its book and rule.
    pub(super) fn objection(&self, outcome: &Outcome) -> Option<String> {
        let (decision, equilibrium) = (self.decision(), self.equilibrium());
        if (outcome.decision, outcome.equilibrium) != (decision, equilibrium) {
            return Some(format!("{decision:?}, {equilibrium:?}"));
        }
        let price = millionths(outcome.price()?);
        let (volume, surplus) = (self.volume(price), self.surplus(price));
        // What cannot be given in parts can make the volume less.
        let is_volume = i128::from(outcome.volume.millionths()) == volume
            || self.rule.allocation == Allocation::MinimumFill;
        let is_right = is_volume && i128::from(outcome.surplus.millionths()) == surplus;
        (!is_right).then(|| format!("a volume of {volume} and a surplus of {surplus}"))
    }

    fn sum(&self, is_counted: impl Fn(&Order<'_>) -> bool) -> i128 {
        let counted = self.orders.iter().filter(|order| is_counted(order));
        counted.map(|order| i128::from(order.quantity.millionths())).sum()
    }

    fn demand(&self, p: i128) -> i128 {
        self.sum(|o| o.side == Side::Buy && o.price.is_none_or(|limit| millionths(limit) >= p))
    }

    fn supply(&self, p: i128) -> i128 {
        self.sum(|o| o.side == Side::Sell && o.price.is_none_or(|limit| millionths(limit) <= p))
    }

    fn volume(&self, p: i128) -> i128 {
        self.demand(p).min(self.supply(p))
    }

    fn surplus(&self, p: i128) -> i128 {
        (self.demand(p) - self.supply(p)).abs()
    }

    /// Limits and bounds.
    fn levels(&self) -> Vec<i128> {
        let bounds = self.rule.lowest_price().into_iter().chain(self.rule.highest_price());
        let limits =
            self.orders.iter().filter(|order| !order.quantity.is_zero()).filter_map(|order| order.price);
        let mut levels: Vec<i128> = limits.chain(bounds).map(millionths).collect();
        levels.sort_unstable();
        levels.dedup();
        levels
    }

    fn tick(&self) -> i128 {
        self.rule.tick.map_or(1, millionths)
    }

    fn reference(&self) -> Option<i128> {
        self.rule.reference().map(millionths)
    }

    /// Of the whole multiples of the tick that can be written, the one that is meant; `doubled` is twice the price to be rounded.
    fn rounded(&self, doubled: i128) -> i128 {
        let tick = self.tick();
        let below = doubled.div_euclid(2 * tick) * tick;
        let ticks: Vec<i128> = [below, below + tick].into_iter().filter(|p| written(*p).is_some()).collect();
        let ticks = || ticks.iter().copied();
        let distance = |p: i128| (2 * p - doubled).abs();
        match self.rule.rounding {
            Rounding::Up => ticks().find(|p| 2 * p >= doubled).or_else(|| ticks().max()),
            Rounding::Down => ticks().rfind(|p| 2 * p <= doubled).or_else(|| ticks().min()),
            Rounding::HalfUp => ticks().min_by_key(|p| (distance(*p), -p)),
            Rounding::HalfDown => ticks().min_by_key(|p| (distance(*p), *p)),
            Rounding::HalfEven => ticks().min_by_key(|p| (distance(*p), (p / tick) % 2 != 0)),
        }
        .expect("of two ticks next to a price one can be written")
    }

    /// How far `pressure` may move the price up (1) or down (-1), if it has a reference and a band.
    fn band_edge(&self, direction: i128) -> Option<i128> {
        let (reference, band) = (self.reference()?, self.rule.band?);
        let width = reference.abs() * i128::from(band.millionths()) / 1_000_000;
        let edge = (reference + direction * width).clamp(i64::MIN.into(), i64::MAX.into());
        Some(self.rounded(2 * edge))
    }

    fn equilibrium(&self) -> Equilibrium {
        if self.world.iter().all(|&p| self.volume(p) == 0) {
            return Equilibrium { low: None, high: None };
        }
        let is_balanced =
            |p: &i128| self.supply(p - 1) <= self.demand(*p) && self.demand(p + 1) <= self.supply(*p);
        let balanced: Vec<i128> = self.world.iter().copied().filter(is_balanced).collect();
        let levels = self.levels();
        // What reaches beyond all limits has no end.
        let low = balanced.first().filter(|p| levels.first().is_some_and(|first| first <= *p));
        let high = balanced.last().filter(|p| levels.last().is_some_and(|last| last >= *p));
        let end = |p: Option<&i128>| p.and_then(|p| written(*p));
        Equilibrium { low: end(low), high: end(high) }
    }

    fn decision(&self) -> Decision {
        let rule = self.rule;
        let levels = self.levels();
        let tick = self.tick();
        let all = || self.world.iter().copied().filter(|p| written(*p).is_some());
        let mut left: Vec<i128> = match rule.candidates {
            Candidates::Limits => levels.clone(),
            Candidates::Ticks => all().filter(|p| p % tick == 0).collect(),
            Candidates::Interval => all().collect(),
        };
        left.retain(|&p| rule.lowest_price().is_none_or(|low| p >= millionths(low)));
        left.retain(|&p| rule.highest_price().is_none_or(|high| p <= millionths(high)));
        left.retain(|&p| self.volume(p) > 0);
        let reference = self.reference();
        let decided = |p: i128, step| {
            let price = written(self.rounded(2 * p)).expect("a tick that can be written");
            Decision::Price { price, step }
        };
        if left.is_empty() {
            return match reference {
                _ if !levels.is_empty() || self.volume(0) == 0 => Decision::NothingTrades,
                Some(reference) => decided(reference, Criterion::Reference),
                None => Decision::Undecided { lowest: None, highest: None },
            };
        }
        // What reaches beyond all limits has no end.
        let lowest = |left: &[i128]| left.first().copied().filter(|p| levels.first().is_some_and(|l| l <= p));
        let highest = |left: &[i128]| left.last().copied().filter(|p| levels.last().is_some_and(|l| l >= p));
        for &step in &rule.cascade {
            let (low, high) = (lowest(&left), highest(&left));
            let all_buy = left.iter().all(|&p| self.demand(p) > self.supply(p));
            let all_sell = left.iter().all(|&p| self.demand(p) < self.supply(p));
            let chosen = match step {
                Criterion::MostVolume => {
                    let most = left.iter().map(|&p| self.volume(p)).max();
                    left.retain(|&p| Some(self.volume(p)) == most);
                    None
                }
                Criterion::LeastSurplus => {
                    let least = left.iter().map(|&p| self.surplus(p)).min();
                    left.retain(|&p| Some(self.surplus(p)) == least);
                    None
                }
                Criterion::SurplusSide if all_buy => high,
                Criterion::SurplusSide if all_sell => low,
                Criterion::Pressure if all_buy => match self.band_edge(1) {
                    None => high,
                    Some(edge) => left.iter().copied().rfind(|p| *p <= edge).or(low),
                },
                Criterion::Pressure if all_sell => match self.band_edge(-1) {
                    None => low,
                    Some(edge) => left.iter().copied().find(|p| *p >= edge).or(high),
                },
                Criterion::SurplusSide | Criterion::Pressure => None,
                Criterion::Reference => reference
                    .and_then(|reference| left.iter().copied().min_by_key(|p| ((p - reference).abs(), -p))),
                Criterion::Midpoint => low.zip(high).map(|(low, high)| {
                    // An open end of an interval ends at the limit next to it.
                    let is_open = |p: i128, next: i128| {
                        rule.candidates == Candidates::Interval
                            && !levels.contains(&p)
                            && levels.contains(&next)
                    };
                    let from = if is_open(low, low - 1) { low - 1 } else { low };
                    let to = if is_open(high, high + 1) { high + 1 } else { high };
                    let middle = self.rounded(from + to);
                    if rule.tick.is_none() { middle.clamp(low, high) } else { middle }
                }),
                Criterion::Highest => high,
                Criterion::Lowest => low,
                Criterion::LastAcceptedOffer => self.last_accepted(&left).map(|p| {
                    let p = low.map_or(p, |low| p.max(low));
                    high.map_or(p, |high| p.min(high))
                }),
            };
            if let Some(price) = chosen {
                return decided(price, step);
            }
            if let ([one], Some(_), Some(_)) = (&left[..], lowest(&left), highest(&left)) {
                return decided(*one, step);
            }
        }
        Decision::Undecided {
            lowest: lowest(&left).and_then(written),
            highest: highest(&left).and_then(written),
        }
    }

    /// Takes the cheapest sell orders one by one until the volume is reached, then the dearest buy orders.
    fn last_accepted(&self, left: &[i128]) -> Option<i128> {
        let volume = left.iter().map(|&p| self.volume(p)).max()?;
        let reached = |side: Side, sign: i128| {
            let mut orders: Vec<&Order<'_>> = self.orders.iter().filter(|order| order.side == side).collect();
            orders.sort_by_key(|order| order.price.map(|limit| sign * millionths(limit)));
            let mut sum = 0;
            orders
                .into_iter()
                .find(|order| {
                    sum += i128::from(order.quantity.millionths());
                    sum >= volume
                })
                .and_then(|order| order.price)
                .map(millionths)
        };
        let price = reached(Side::Sell, 1).or_else(|| reached(Side::Buy, -1))?;
        if self.rule.candidates != Candidates::Interval {
            return Some(price);
        }
        let equilibrium = self.equilibrium();
        let price = equilibrium.low.map_or(price, |low| price.max(millionths(low)));
        Some(equilibrium.high.map_or(price, |high| price.min(millionths(high))))
    }
}
