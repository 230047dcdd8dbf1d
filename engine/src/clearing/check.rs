//! The checker: accepts a result, or names the order that was wronged.
//!
//! It is a second, plainer reading of the rules and shares no code with the clearing but the types of its arguments. It
//! works out demand and supply by search in sorted limits where the clearing walks levels, and says for each order what it
//! is due. What a checker is for is to be read and believed, so it takes the simplest way that is not too slow:
//! orders × log(orders), but for minimums, where each round that drops an order counts again.

use sha2::{Digest as _, Sha256};

use super::{
    Allocation, Candidates, Criterion, Decision, Equilibrium, Order, Outcome, Payment, Reason, Rounding, Rule,
};
use crate::book::Side;
use crate::num::{Price, Quantity};

/// What is wrong with a result. Orders are named by their row, counted from zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A fill of an order that is not in the book.
    #[error("row {order} is given something and is not in the book")]
    UnknownOrder {
        /// The row.
        order: u32,
    },
    /// An order has two fills.
    #[error("row {order} is given something twice")]
    FilledTwice {
        /// The order.
        order: u32,
    },
    /// A fill of nothing, or of more than was wanted.
    #[error("row {order} is given {given} and wants {wanted}")]
    NotWanted {
        /// The order.
        order: u32,
        /// What it was given.
        given: Quantity,
        /// What it wants.
        wanted: Quantity,
    },
    /// An order trades although its limit is worse than the price, or although there is no price.
    #[error("row {order} trades beyond its limit")]
    BeyondLimit {
        /// The order.
        order: u32,
    },
    /// The price is not the one that the rule gives.
    #[error("the decision is {given:?}, by the rule it is {due:?}")]
    WrongDecision {
        /// What the result says.
        given: Decision,
        /// What the rule gives.
        due: Decision,
    },
    /// The equilibrium is not that of the book.
    #[error("the equilibrium is {given:?}, by its definition it is {due:?}")]
    WrongEquilibrium {
        /// What the result says.
        given: Equilibrium,
        /// What it is.
        due: Equilibrium,
    },
    /// An order pays or is paid another price than its own or that of all.
    #[error("row {order} trades at {given} instead of {due}")]
    WrongPrice {
        /// The order.
        order: u32,
        /// The price of the fill.
        given: Price,
        /// What it should be.
        due: Price,
    },
    /// An order was given less than it is due.
    #[error("row {order} is wronged: it is given {given} and is due {due}")]
    Wronged {
        /// The order.
        order: u32,
        /// What it was given.
        given: Quantity,
        /// What the rule gives it.
        due: Quantity,
    },
    /// An order was given more than it is due, and nobody less.
    #[error("row {order} is favoured: it is given {given} and is due {due}")]
    Favoured {
        /// The order.
        order: u32,
        /// What it was given.
        given: Quantity,
        /// What the rule gives it.
        due: Quantity,
    },
    /// The reason given for a fill does not hold.
    #[error("row {order} is told {given:?}, and it is {due:?}")]
    WrongReason {
        /// The order.
        order: u32,
        /// What the result says.
        given: Reason,
        /// What is so.
        due: Reason,
    },
    /// Volume, surplus, its side or what was over-allotted are not what the fills and the book say.
    #[error("the totals do not add up: the {which} is wrong")]
    WrongTotal {
        /// Which total.
        which: Total,
    },
}

/// A total of a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Total {
    /// How much trades.
    Volume,
    /// How much more is wanted or offered, and by whom.
    Surplus,
    /// How much more was given than there was.
    OverAllotted,
}

impl std::fmt::Display for Total {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Volume => "volume",
            Self::Surplus => "surplus",
            Self::OverAllotted => "over-allotment",
        })
    }
}

/// Checks a result against its book and rule, which must be ones that can be cleared.
///
/// # Errors
///
/// The first fault found, in this order: fills that no rule could give, the decision, the equilibrium, who got what (the
/// first row that got too little, before the first that got too much), prices and reasons, totals.
pub fn check(orders: &[Order<'_>], rule: &Rule, seed: Option<&[u8]>, outcome: &Outcome) -> Result<(), Fault> {
    let given = read_fills(orders, outcome)?;
    let book = Sorted::new(orders);
    let due = book.decision(rule);
    if outcome.decision != due {
        return Err(Fault::WrongDecision { given: outcome.decision, due });
    }
    let equilibrium = book.equilibrium();
    if outcome.equilibrium != equilibrium {
        return Err(Fault::WrongEquilibrium { given: outcome.equilibrium, due: equilibrium });
    }
    let Decision::Price { price, .. } = due else {
        // Nothing was filled, or it would have been refused above.
        return check_nothing(outcome);
    };
    let price = i128::from(price.millionths());
    let dues = dues(orders, rule, seed.unwrap_or_default(), price);
    compare(&given, &dues)?;
    check_fills(orders, rule, outcome)?;

    let sum = |side: Side| -> i128 {
        let of_side = orders.iter().zip(&given).filter(|(order, _)| order.side == side);
        of_side.map(|(_, given)| *given).sum()
    };
    let (bought, sold) = (sum(Side::Buy), sum(Side::Sell));
    if i128::from(outcome.volume.millionths()) != bought.min(sold) {
        return Err(Fault::WrongTotal { which: Total::Volume });
    }
    let (wanted, offered) = (book.wanted_from(price), book.offered_to(price));
    let side = if wanted > offered { Some(Side::Buy) } else { (wanted < offered).then_some(Side::Sell) };
    let surplus = u128::try_from(outcome.surplus.millionths()).ok();
    if surplus != Some(wanted.abs_diff(offered)) || outcome.surplus_side != side {
        return Err(Fault::WrongTotal { which: Total::Surplus });
    }
    if u128::try_from(outcome.over_allotted.millionths()).ok() != Some(bought.abs_diff(sold)) {
        return Err(Fault::WrongTotal { which: Total::OverAllotted });
    }
    Ok(())
}

/// Where there is no price there are no totals.
fn check_nothing(outcome: &Outcome) -> Result<(), Fault> {
    let which = if !outcome.volume.is_zero() {
        Total::Volume
    } else if !outcome.surplus.is_zero() || outcome.surplus_side.is_some() {
        Total::Surplus
    } else if !outcome.over_allotted.is_zero() {
        Total::OverAllotted
    } else {
        return Ok(());
    };
    Err(Fault::WrongTotal { which })
}

/// What each order was given, after refusing what no rule could give.
fn read_fills(orders: &[Order<'_>], outcome: &Outcome) -> Result<Vec<i128>, Fault> {
    let mut given = vec![0_i128; orders.len()];
    for fill in &outcome.fills {
        let order = fill.order;
        let row = usize::try_from(order).ok();
        let (Some(of), Some(place)) =
            (row.and_then(|row| orders.get(row)), row.and_then(|row| given.get_mut(row)))
        else {
            return Err(Fault::UnknownOrder { order });
        };
        if *place != 0 {
            return Err(Fault::FilledTwice { order });
        }
        if fill.quantity.is_zero() || fill.quantity > of.quantity {
            return Err(Fault::NotWanted { order, given: fill.quantity, wanted: of.quantity });
        }
        let fits = outcome.price().is_some_and(|price| {
            of.price.is_none_or(|limit| if of.side == Side::Buy { limit >= price } else { limit <= price })
        });
        if !fits {
            return Err(Fault::BeyondLimit { order });
        }
        *place = i128::from(fill.quantity.millionths());
    }
    Ok(given)
}

/// Names the first order that got less than its due, or else the first that got more.
fn compare(given: &[i128], dues: &[i128]) -> Result<(), Fault> {
    let quantity = |amount: i128| {
        i64::try_from(amount).ok().and_then(Quantity::from_millionths).unwrap_or(Quantity::ZERO)
    };
    let rows = || (0_u32..).zip(given.iter().zip(dues));
    if let Some((order, (given, due))) = rows().find(|(_, (given, due))| given < due) {
        return Err(Fault::Wronged { order, given: quantity(*given), due: quantity(*due) });
    }
    if let Some((order, (given, due))) = rows().find(|(_, (given, due))| given > due) {
        return Err(Fault::Favoured { order, given: quantity(*given), due: quantity(*due) });
    }
    Ok(())
}

/// Each fill's price and reason.
fn check_fills(orders: &[Order<'_>], rule: &Rule, outcome: &Outcome) -> Result<(), Fault> {
    let Some(price) = outcome.price() else {
        return Ok(());
    };
    for fill in &outcome.fills {
        let Some(order) = usize::try_from(fill.order).ok().and_then(|row| orders.get(row)) else {
            return Err(Fault::UnknownOrder { order: fill.order });
        };
        let due = match (rule.payment, order.price) {
            (Payment::OwnPrice, Some(limit)) => limit,
            _ => price,
        };
        if fill.price != due {
            return Err(Fault::WrongPrice { order: fill.order, given: fill.price, due });
        }
        let due = match order.price {
            _ if fill.quantity != order.quantity => Reason::Rationed,
            Some(limit) if limit == price => Reason::AtThePrice,
            _ => Reason::InTheMoney,
        };
        if fill.reason != due {
            return Err(Fault::WrongReason { order: fill.order, given: fill.reason, due });
        }
    }
    Ok(())
}

/// One side's limits, best first, each with the sum of all quantities up to it.
struct Merit(Vec<(i128, i128)>);

/// A book with each side in merit order. Buyers' limits are negated, so that both ascend.
struct Sorted {
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
    fn new(orders: &[Order<'_>]) -> Self {
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
    fn wanted_from(&self, price: i128) -> i128 {
        self.market_buyers.saturating_add(self.buyers.up_to(price.saturating_neg()))
    }

    /// Offered at a price or cheaper.
    fn offered_to(&self, price: i128) -> i128 {
        self.market_sellers.saturating_add(self.sellers.up_to(price))
    }

    fn limits(&self) -> Vec<i128> {
        let buyers = self.buyers.0.iter().map(|entry| entry.0.saturating_neg());
        let mut limits: Vec<i128> = buyers.chain(self.sellers.0.iter().map(|entry| entry.0)).collect();
        limits.sort_unstable();
        limits.dedup();
        limits
    }

    /// Word for word: supply below *p* ≤ demand at or above *p*, demand above *p* ≤ supply at or below *p*.
    fn equilibrium(&self) -> Equilibrium {
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

    /// The price that a rule gives.
    fn decision(&self, rule: &Rule) -> Decision {
        let mut left = self.ranges(rule);
        let reference = rule.reference().map(|reference| i128::from(reference.millionths()));
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

fn bounds(rule: &Rule) -> [Option<i128>; 2] {
    let low = rule.floor.into_iter().chain(rule.quote.map(|quote| quote.bid)).max();
    let high = rule.ceiling.into_iter().chain(rule.quote.map(|quote| quote.ask)).min();
    [low, high].map(|bound| bound.map(|bound| i128::from(bound.millionths())))
}

fn step(rule: &Rule) -> i128 {
    rule.tick.map_or(1, |tick| i128::from(tick.millionths()))
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

fn to_price(millionths: i128) -> Option<Price> {
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

/// What each order is due at a price, by its row.
fn dues(orders: &[Order<'_>], rule: &Rule, seed: &[u8], price: i128) -> Vec<i128> {
    let trading = |side: Side| -> Vec<Due> {
        let of_side =
            orders.iter().enumerate().filter(|(_, order)| order.side == side && !order.quantity.is_zero());
        let mut trading: Vec<Due> = of_side
            .filter_map(|(row, order)| {
                let limit = order.price.map(|limit| i128::from(limit.millionths()));
                let gain = match (side, limit) {
                    (_, None) => i128::MAX,
                    (Side::Buy, Some(limit)) => limit.saturating_sub(price),
                    (Side::Sell, Some(limit)) => price.saturating_sub(limit),
                };
                (gain >= 0).then(|| Due {
                    row,
                    gain,
                    wanted: i128::from(order.quantity.millionths()),
                    least: i128::from(order.min_quantity.millionths()),
                })
            })
            .collect();
        trading.sort_by_key(|due| (std::cmp::Reverse(due.gain), due.row));
        trading
    };
    let sides = [trading(Side::Buy), trading(Side::Sell)];
    let wanted = sides.each_ref().map(|side| side.iter().map(|due| due.wanted).sum::<i128>());
    let mut volume = wanted.into_iter().min().unwrap_or(0);
    loop {
        let mut dues = vec![0_i128; orders.len()];
        let mut least = volume;
        for side in &sides {
            let mut left = volume;
            for level in side.chunk_by(|a, b| a.gain == b.gain) {
                for (due, share) in level.iter().zip(level_dues(level, orders, rule, seed, left.max(0))) {
                    if let Some(place) = dues.get_mut(due.row) {
                        *place = share;
                    }
                    left = left.saturating_sub(share);
                }
            }
            least = least.min(volume.saturating_sub(left.max(0)));
        }
        if least == volume {
            return dues;
        }
        volume = least;
    }
}

/// An order that would trade.
struct Due {
    row: usize,
    /// By how much its limit is better than the price.
    gain: i128,
    wanted: i128,
    least: i128,
}

/// What the orders of one price are due of what is left for them, in the order in which they are given.
fn level_dues(level: &[Due], orders: &[Order<'_>], rule: &Rule, seed: &[u8], left: i128) -> Vec<i128> {
    let total: i128 = level.iter().map(|due| due.wanted).sum();
    if total <= left {
        return level.iter().map(|due| due.wanted).collect();
    }
    if left == 0 {
        return vec![0; level.len()];
    }
    let lot = i128::from(rule.lot.map_or(1, Quantity::millionths));
    let minimum = rule.minimum.map_or(lot, |minimum| i128::from(minimum.millionths()));
    let received = |due: &Due| orders.get(due.row).map_or((0, 0), |order| (order.received, due.row));
    let rank = |due: &Due| orders.get(due.row).map_or(0, |order| order.rank);
    // Positions in the level, by what decides who comes first.
    let by_time = || sorted_by(level, |due| received(due));
    match rule.allocation {
        Allocation::PriceTime => queue(level, &by_time(), left),
        Allocation::SeededLot => {
            let drawn = sorted_by(level, |due| {
                let id = orders.get(due.row).map_or(&[][..], |order| order.id);
                let drawn: [u8; 32] = Sha256::digest([seed, id].concat()).into();
                (drawn, rank(due))
            });
            queue(level, &drawn, left)
        }
        Allocation::QuantityPriority => {
            let by_size = sorted_by(level, |due| (std::cmp::Reverse(due.wanted), received(due)));
            let mut shares = vec![0_i128; level.len()];
            let mut left = left;
            for round in 0..3 {
                for &place in &by_size {
                    let (Some(due), Some(share)) = (level.get(place), shares.get_mut(place)) else {
                        continue;
                    };
                    let lacking = due.wanted.saturating_sub(*share);
                    let half_lots = lacking.checked_div(lot.saturating_mul(2)).unwrap_or(0);
                    let more = [minimum, half_lots.saturating_mul(lot), lacking].get(round).copied();
                    let more = more.unwrap_or(0).min(lacking).min(left);
                    *share = share.saturating_add(more);
                    left = left.saturating_sub(more);
                }
            }
            shares
        }
        Allocation::RoundUp => {
            let up = |numerator: i128, denominator: i128| {
                numerator.saturating_add(denominator).saturating_sub(1).checked_div(denominator).unwrap_or(0)
            };
            let hundredths = up(left.saturating_mul(10_000), total);
            let award = |due: &Due| {
                let exact_by_ten_thousand = due.wanted.saturating_mul(hundredths);
                let award = up(exact_by_ten_thousand, lot.saturating_mul(10_000)).saturating_mul(lot);
                award.max(minimum).min(due.wanted)
            };
            level.iter().map(award).collect()
        }
        Allocation::ProRata => in_proportion(level, &vec![true; level.len()], rank, lot, left),
        Allocation::MinimumFill => {
            let mut stays = vec![true; level.len()];
            loop {
                let staying = || level.iter().zip(&stays).filter(|(_, stays)| **stays).map(|(due, _)| due);
                let total: i128 = staying().map(|due| due.wanted).sum();
                if total <= left {
                    return level
                        .iter()
                        .zip(&stays)
                        .map(|(due, stays)| if *stays { due.wanted } else { 0 })
                        .collect();
                }
                let fails = |due: &Due| due.wanted.saturating_mul(left) < due.least.saturating_mul(total);
                if !staying().any(fails) {
                    return in_proportion(level, &stays, rank, lot, left);
                }
                // Who needs the largest part of its quantity leaves.
                let mut leaves: Option<(usize, &Due)> = None;
                for (place, due) in
                    level.iter().enumerate().filter(|(place, _)| stays.get(*place) == Some(&true))
                {
                    let is_harder = leaves.is_none_or(|(_, hardest)| {
                        let (its, other) = (
                            due.least.saturating_mul(hardest.wanted),
                            hardest.least.saturating_mul(due.wanted),
                        );
                        its > other || (its == other && rank(due) > rank(hardest))
                    });
                    if is_harder {
                        leaves = Some((place, due));
                    }
                }
                match leaves.and_then(|(place, _)| stays.get_mut(place)) {
                    Some(stays) => *stays = false,
                    None => return vec![0; level.len()],
                }
            }
        }
    }
}

/// Positions in a level, sorted by a key.
fn sorted_by<K: Ord>(level: &[Due], key: impl Fn(&Due) -> K) -> Vec<usize> {
    let mut keyed: Vec<(K, usize)> = level.iter().enumerate().map(|(place, due)| (key(due), place)).collect();
    keyed.sort();
    keyed.into_iter().map(|(_, place)| place).collect()
}

/// One after another, as much as is left.
fn queue(level: &[Due], places: &[usize], left: i128) -> Vec<i128> {
    let mut shares = vec![0_i128; level.len()];
    let mut left = left;
    for &place in places {
        if let (Some(due), Some(share)) = (level.get(place), shares.get_mut(place)) {
            *share = due.wanted.min(left);
            left = left.saturating_sub(*share);
        }
    }
    shares
}

/// Whole lots of the exact quota, and a lot more for the largest remainders, the lower id first.
fn in_proportion(
    level: &[Due],
    takes: &[bool],
    rank: impl Fn(&Due) -> u32,
    lot: i128,
    left: i128,
) -> Vec<i128> {
    let lots = |amount: i128| amount.checked_div(lot).unwrap_or(0);
    let wanted = |due: &Due, takes: bool| if takes { lots(due.wanted) } else { 0 };
    let total: i128 = level.iter().zip(takes).map(|(due, takes)| wanted(due, *takes)).sum();
    let quota = |due: &Due, takes: bool| wanted(due, takes).saturating_mul(lots(left));
    let mut shares: Vec<i128> = level
        .iter()
        .zip(takes)
        .map(|(due, takes)| quota(due, *takes).checked_div(total).unwrap_or(0))
        .collect();
    let missing = lots(left).saturating_sub(shares.iter().sum());
    let mut by_remainder: Vec<(std::cmp::Reverse<i128>, u32, usize)> = level
        .iter()
        .zip(takes)
        .enumerate()
        .filter(|(_, (_, takes))| **takes)
        .map(|(place, (due, _))| {
            let remainder = quota(due, true).checked_rem(total).unwrap_or(0);
            (std::cmp::Reverse(remainder), rank(due), place)
        })
        .collect();
    by_remainder.sort_unstable();
    for (_, _, place) in by_remainder.into_iter().take(usize::try_from(missing).unwrap_or(0)) {
        if let Some(share) = shares.get_mut(place) {
            *share = share.saturating_add(1);
        }
    }
    shares.into_iter().map(|share| share.saturating_mul(lot)).collect()
}
