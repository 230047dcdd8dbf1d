//! Which price a rule gives: demand and supply by search in sorted limits, and the criteria one after another.

use super::super::{Candidates, Criterion, Decision, Equilibrium, Order, Rounding, Rule};
use crate::book::Side;
use crate::num::Price;

/// One side's limits, best first, each with the sum of all quantities up to it.
struct Merit(Vec<(i128, i128)>);

/// A book with each side in merit order. Buyers' limits are negated, so that both ascend.
pub(super) struct Sorted {
    buyers: Merit,
    sellers: Merit,
    market_buyers: i128,
    market_sellers: i128,
}

impl Merit {
    /// The sum of quantities with a limit up to this.
    fn up_to(&self, limit: i128) -> i128 {
        let number = self.0.partition_point(|entry| entry.0 <= limit);
        number.checked_sub(1).and_then(|last| self.0.get(last)).map_or(0, |entry| entry.1)
    }

    /// The limit of the order with which the sum reaches this much.
    fn reaching(&self, sum: i128) -> Option<i128> {
        self.0.iter().find(|entry| entry.1 >= sum).map(|entry| entry.0)
    }
}

/// Candidates without a limit between them, `None` where there is no end.
#[derive(Clone, Copy)]
struct Range {
    from: Option<i128>,
    to: Option<i128>,
    /// The ends of the gap that the range fills, for the midpoint.
    edges: (Option<i128>, Option<i128>),
    wanted: i128,
    offered: i128,
}

impl Sorted {
    pub(super) fn new(orders: &[Order<'_>]) -> Self {
        let side = |side: Side| orders.iter().filter(move |order| order.side == side);
        let merit = |of: Side, sign: i128| {
            let mut entries: Vec<(i128, i128)> = side(of)
                .filter(|order| !order.quantity.is_zero())
                .filter_map(|order| {
                    let limit = i128::from(order.price?.millionths()).saturating_mul(sign);
                    Some((limit, i128::from(order.quantity.millionths())))
                })
                .collect();
            entries.sort_unstable();
            let mut sum = 0_i128;
            for entry in &mut entries {
                sum = sum.saturating_add(entry.1);
                entry.1 = sum;
            }
            Merit(entries)
        };
        let market = |of: Side| {
            let without_limit = side(of).filter(|order| order.price.is_none());
            without_limit.map(|order| i128::from(order.quantity.millionths())).sum()
        };
        Self {
            buyers: merit(Side::Buy, -1),
            sellers: merit(Side::Sell, 1),
            market_buyers: market(Side::Buy),
            market_sellers: market(Side::Sell),
        }
    }

    /// Wanted at a price or dearer.
    pub(super) fn wanted_from(&self, price: i128) -> i128 {
        self.market_buyers.saturating_add(self.buyers.up_to(price.saturating_neg()))
    }

    /// Offered at a price or cheaper.
    pub(super) fn offered_to(&self, price: i128) -> i128 {
        self.market_sellers.saturating_add(self.sellers.up_to(price))
    }

    pub(super) fn limits(&self) -> Vec<i128> {
        let buyers = self.buyers.0.iter().map(|entry| entry.0.saturating_neg());
        let mut limits: Vec<i128> = buyers.chain(self.sellers.0.iter().map(|entry| entry.0)).collect();
        limits.sort_unstable();
        limits.dedup();
        limits
    }

    /// Word for word: supply below *p* ≤ demand at or above *p*, demand above *p* ≤ supply at or below *p*.
    pub(super) fn equilibrium(&self) -> Equilibrium {
        let limits = self.limits();
        let trades = |price: i128| self.wanted_from(price).min(self.offered_to(price)) > 0;
        let only_market = self.market_buyers.min(self.market_sellers) > 0;
        if !only_market && !limits.iter().any(|&limit| trades(limit)) {
            return Equilibrium { low: None, high: None };
        }
        let is_balanced = |price: i128| {
            let below = self.offered_to(price.saturating_sub(1));
            let above = self.wanted_from(price.saturating_add(1));
            below <= self.wanted_from(price) && above <= self.offered_to(price)
        };
        let balanced: Vec<i128> = limits.iter().copied().filter(|&limit| is_balanced(limit)).collect();
        // Beyond the outermost limits nothing changes any more.
        let beyond = |limit: Option<&i128>, by: i128| limit.map(|limit| limit.saturating_add(by));
        let open_below = beyond(limits.first(), -1).is_none_or(is_balanced);
        let open_above = beyond(limits.last(), 1).is_none_or(is_balanced);
        let end = |is_open: bool, limit: Option<&i128>| limit.filter(|_| !is_open).and_then(|p| to_price(*p));
        Equilibrium { low: end(open_below, balanced.first()), high: end(open_above, balanced.last()) }
    }

    /// All candidates of a rule at which something trades.
    fn ranges(&self, rule: &Rule) -> Vec<Range> {
        let [lowest, highest] = bounds(rule);
        let mut points = self.limits();
        points.extend(lowest.into_iter().chain(highest));
        points.sort_unstable();
        points.dedup();
        points.retain(|&p| lowest.is_none_or(|low| p >= low) && highest.is_none_or(|high| p <= high));
        let at = |price: i128| (self.wanted_from(price), self.offered_to(price));
        let mut ranges: Vec<Range> = points
            .iter()
            .map(|&p| {
                let (wanted, offered) = at(p);
                Range { from: Some(p), to: Some(p), edges: (Some(p), Some(p)), wanted, offered }
            })
            .collect();
        if rule.candidates != Candidates::Limits {
            let step = match rule.candidates {
                Candidates::Ticks => step(rule),
                _ => 1,
            };
            let starts = [None].into_iter().chain(points.iter().copied().map(Some));
            let ends = points.iter().copied().map(Some).chain([None]);
            for (below, above) in starts.zip(ends) {
                // A bound has nothing beyond it.
                if (below.is_none() && lowest.is_some()) || (above.is_none() && highest.is_some()) {
                    continue;
                }
                let from = below.map(|below| below.saturating_add(step));
                let to = above.map(|above| above.saturating_sub(step));
                // Nor has the largest price that can be written.
                let fits = |end: Option<i128>| end.is_none_or(|end| to_price(end).is_some());
                if from.zip(to).is_some_and(|(from, to)| from > to) || !fits(from) || !fits(to) {
                    continue;
                }
                let (wanted, offered) = at(from.or(to).unwrap_or(0));
                let edges = if rule.candidates == Candidates::Interval { (below, above) } else { (from, to) };
                ranges.push(Range { from, to, edges, wanted, offered });
            }
            // From the cheapest: what has no beginning comes first.
            ranges.sort_by_key(|range| (range.from, range.to.is_none()));
        }
        ranges.retain(|range| range.wanted.min(range.offered) > 0);
        ranges
    }

    /// The most that can trade at any candidate.
    pub(super) fn most(&self, rule: &Rule) -> i128 {
        self.ranges(rule).iter().map(|range| range.wanted.min(range.offered)).max().unwrap_or(0)
    }

    /// The price that a rule gives.
    pub(super) fn decision(&self, rule: &Rule) -> Decision {
        let mut left = self.ranges(rule);
        let reference = reference(rule);
        if left.is_empty() {
            let has_limits = !self.limits().is_empty() || bounds(rule) != [None, None];
            return if has_limits || self.market_buyers.min(self.market_sellers) == 0 {
                Decision::NothingTrades
            } else {
                reference.map_or(Decision::Undecided { lowest: None, highest: None }, |reference| {
                    decided(reference, rule, Criterion::Reference)
                })
            };
        }
        for &criterion in &rule.cascade {
            let low = left.first().and_then(|range| range.from);
            let high = left.last().and_then(|range| range.to);
            let all_wanted = left.iter().all(|range| range.wanted > range.offered);
            let all_offered = left.iter().all(|range| range.wanted < range.offered);
            let one = match criterion {
                Criterion::MostVolume => {
                    let volume = |range: &Range| range.wanted.min(range.offered);
                    let most = left.iter().map(volume).max();
                    left.retain(|range| Some(volume(range)) == most);
                    None
                }
                Criterion::LeastSurplus => {
                    let surplus = |range: &Range| range.wanted.abs_diff(range.offered);
                    let least = left.iter().map(surplus).min();
                    left.retain(|range| Some(surplus(range)) == least);
                    None
                }
                Criterion::SurplusSide if all_wanted => high,
                Criterion::SurplusSide if all_offered => low,
                Criterion::Pressure if all_wanted => match band_edge(rule, reference, 1) {
                    Some(edge) => left.iter().filter_map(|range| range.last_up_to(edge)).max().or(low),
                    None => high,
                },
                Criterion::Pressure if all_offered => match band_edge(rule, reference, -1) {
                    Some(edge) => left.iter().filter_map(|range| range.first_from(edge)).min().or(high),
                    None => low,
                },
                Criterion::SurplusSide | Criterion::Pressure => None,
                Criterion::Reference => reference.and_then(|reference| {
                    let near = left.iter().flat_map(|range| {
                        [range.last_up_to(reference), range.first_from(reference)].into_iter().flatten()
                    });
                    near.min_by_key(|p| (p.abs_diff(reference), std::cmp::Reverse(*p)))
                }),
                Criterion::Midpoint => {
                    let from = left.first().and_then(|range| range.edges.0);
                    let to = left.last().and_then(|range| range.edges.1);
                    from.zip(to).map(|(from, to)| {
                        let middle = round(from.saturating_add(to), 2, step(rule), rule.rounding);
                        if rule.tick.is_some() {
                            return middle;
                        }
                        middle.max(low.unwrap_or(middle)).min(high.unwrap_or(middle))
                    })
                }
                Criterion::Highest => high,
                Criterion::Lowest => low,
                Criterion::LastAcceptedOffer => {
                    let most = left.iter().map(|range| range.wanted.min(range.offered)).max().unwrap_or(0);
                    self.last_accepted(most, rule).map(|price| {
                        let price = low.map_or(price, |low| price.max(low));
                        high.map_or(price, |high| price.min(high))
                    })
                }
            };
            if let Some(price) = one {
                return decided(price, rule, criterion);
            }
            if let [range] = left.as_slice()
                && let (Some(from), Some(to)) = (range.from, range.to)
                && from == to
            {
                return decided(from, rule, criterion);
            }
        }
        Decision::Undecided {
            lowest: left.first().and_then(|range| range.from).and_then(to_price),
            highest: left.last().and_then(|range| range.to).and_then(to_price),
        }
    }

    /// The limit of the last sell order that is needed for a volume, or else of the last buy order.
    fn last_accepted(&self, volume: i128, rule: &Rule) -> Option<i128> {
        let offer = self.sellers.reaching(volume.saturating_sub(self.market_sellers));
        let bid = self.buyers.reaching(volume.saturating_sub(self.market_buyers)).map(i128::saturating_neg);
        let price = if volume > self.market_sellers {
            offer
        } else if volume > self.market_buyers {
            bid
        } else {
            None
        }?;
        if rule.candidates != Candidates::Interval {
            return Some(price);
        }
        let equilibrium = self.equilibrium();
        let low = equilibrium.low.map(|low| i128::from(low.millionths()));
        let high = equilibrium.high.map(|high| i128::from(high.millionths()));
        let price = low.map_or(price, |low| price.max(low));
        Some(high.map_or(price, |high| price.min(high)))
    }
}

impl Range {
    /// Its highest price that is not above another.
    fn last_up_to(&self, price: i128) -> Option<i128> {
        let last = self.to.map_or(price, |to| to.min(price));
        self.from.is_none_or(|from| from <= last).then_some(last)
    }

    /// Its lowest price that is not below another.
    fn first_from(&self, price: i128) -> Option<i128> {
        let first = self.from.map_or(price, |from| from.max(price));
        self.to.is_none_or(|to| first <= to).then_some(first)
    }
}

pub(super) fn bounds(rule: &Rule) -> [Option<i128>; 2] {
    let low = rule.floor.into_iter().chain(rule.quote.map(|quote| quote.bid)).max();
    let high = rule.ceiling.into_iter().chain(rule.quote.map(|quote| quote.ask)).min();
    [low, high].map(|bound| bound.map(|bound| i128::from(bound.millionths())))
}

pub(super) fn step(rule: &Rule) -> i128 {
    rule.tick.map_or(1, |tick| i128::from(tick.millionths()))
}

/// The reference price, or half way between bid and ask.
fn reference(rule: &Rule) -> Option<i128> {
    let middle = rule.quote.map(|quote| {
        let sum = i128::from(quote.bid.millionths()).saturating_add(i128::from(quote.ask.millionths()));
        round(sum, 2, 1, rule.rounding)
    });
    rule.reference_price.map(|reference| i128::from(reference.millionths())).or(middle)
}

/// The furthest price from the reference in a direction that the band allows, on the tick.
fn band_edge(rule: &Rule, reference: Option<i128>, direction: i128) -> Option<i128> {
    let (reference, band) = (reference?, rule.band?);
    let width =
        reference.saturating_abs().saturating_mul(i128::from(band.millionths())).checked_div(1_000_000)?;
    let edge = reference.saturating_add(width.saturating_mul(direction));
    let edge = edge.clamp(i128::from(i64::MIN), i128::from(i64::MAX));
    Some(round(edge, 1, step(rule), rule.rounding))
}

fn decided(price: i128, rule: &Rule, criterion: Criterion) -> Decision {
    let price = to_price(round(price, 1, step(rule), rule.rounding));
    price.map_or(Decision::NothingTrades, |price| Decision::Price { price, step: criterion })
}

pub(super) fn to_price(millionths: i128) -> Option<Price> {
    i64::try_from(millionths).ok().map(Price::from_millionths)
}

/// `numerator ÷ parts` to a whole multiple of `step`: the multiple below and the one above, and which of them is meant.
fn round(numerator: i128, parts: i128, step: i128, rounding: Rounding) -> i128 {
    let unit = step.saturating_mul(parts);
    let number = numerator.checked_div_euclid(unit).unwrap_or(0);
    let below = number.saturating_mul(step);
    let above = below.saturating_add(step);
    // Distances to both, in parts.
    let from_below = numerator.saturating_sub(below.saturating_mul(parts));
    let to_above = above.saturating_mul(parts).saturating_sub(numerator);
    if from_below == 0 {
        return below;
    }
    let nearest = match from_below.cmp(&to_above) {
        std::cmp::Ordering::Less => below,
        std::cmp::Ordering::Greater => above,
        std::cmp::Ordering::Equal => match rounding {
            Rounding::HalfDown => below,
            Rounding::HalfEven if number.rem_euclid(2) == 0 => below,
            _ => above,
        },
    };
    let meant = match rounding {
        Rounding::Up => above,
        Rounding::Down => below,
        _ => nearest,
    };
    // Next to the largest price that can be written, only one of the two can be.
    match to_price(meant) {
        Some(_) => meant,
        None => below.saturating_add(above).saturating_sub(meant),
    }
}
