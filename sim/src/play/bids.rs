//! What participants bid: their limits, and what their behaviour makes of them.
//!
//! A producer's limit is what a unit costs, less what support a delivery of it is expected to earn at the reference price that is known. So a
//! producer with a floor sells below its cost when prices are low, and one with a two-way contract asks more than its cost when
//! they are high: it would have to give the difference. Annual caps are not looked ahead to.

use golv_engine::cfd::{Payoff, PeriodFacts, YearToDate};
use golv_engine::market::Market;
use golv_engine::num::{Currency, Price, Quantity};
use golv_engine::time::{Calendar, Month};

use super::cast::Part;
use crate::scenario::Behaviour;

/// What somebody remembers of the last time that the market traded.
#[derive(Clone, Copy, Debug)]
pub(super) struct Memory {
    /// The price then.
    pub(super) price: Price,
    /// Whether it traded all that it had bid.
    pub(super) got_all: bool,
}

/// What a contract makes of a unit that is delivered in a month, in millionths: positive where it pays.
pub(super) fn support_of_unit(
    payoff: &Payoff,
    month: Month,
    strike: Price,
    reference: Price,
    currency: Currency,
) -> i128 {
    let facts = PeriodFacts {
        period: Calendar::Monthly.period(month.first_day()),
        strike,
        reference_price: Some(reference),
        quantity: Quantity::from_units(1).expect("one"),
        is_upside_shared: true,
    };
    let settled = payoff.settle(&mut YearToDate::default(), &facts, currency);
    let settled = settled.expect("there is a price, and what a unit earns is less than all can hold");
    i128::from(settled.amount.millionths) + i128::from(settled.remainder.millionths)
}

/// The parts with the first so many lots, the cheapest, at a limit that is lower by the support of a unit.
pub(super) fn supported(parts: Vec<Part>, lots: i64, unit: i128) -> Vec<Part> {
    let mut left = lots;
    let mut limits = Vec::with_capacity(parts.len() + 1);
    for part in parts {
        let with = part.lots.min(left);
        left -= with;
        if with > 0 {
            limits.push(Part { lots: with, limit: moved(part.limit, -unit) });
        }
        if part.lots > with {
            limits.push(Part { lots: part.lots - with, limit: part.limit });
        }
    }
    limits
}

/// What a producer asks for its parts, which are those of its limits.
pub(super) fn asks(
    behaviour: Behaviour,
    parts: Vec<Part>,
    reference: Price,
    memory: Option<Memory>,
) -> Vec<Part> {
    let each = |ask: &dyn Fn(Price) -> Price| -> Vec<Part> {
        parts.iter().map(|part| Part { limit: ask(part.limit), ..*part }).collect()
    };
    match behaviour {
        Behaviour::Truthful => parts,
        Behaviour::Shaded { margin } => {
            each(&|limit| scaled(limit, 1_000_000 + i128::from(margin.millionths())))
        }
        Behaviour::LastPrice { step } => {
            let Some(Memory { price, got_all }) = memory else { return parts };
            let step = i128::from(step.millionths());
            let aim = scaled(price, if got_all { 1_000_000 + step } else { 1_000_000 - step });
            each(&|limit| limit.max(aim))
        }
        Behaviour::Withhold { keep, ask } => {
            let all: i64 = parts.iter().map(|part| part.lots).sum();
            let kept = i128::from(all) * i128::from(keep.millionths()) / 1_000_000;
            let kept = i64::try_from(kept).expect("a part of the lots");
            let mut offered = all - kept;
            let mut asks = Vec::with_capacity(parts.len() + 1);
            for part in parts {
                let plain = part.lots.min(offered);
                offered -= plain;
                if plain > 0 {
                    asks.push(Part { lots: plain, ..part });
                }
                if part.lots > plain {
                    let limit = scaled(part.limit, ask.millionths().into());
                    asks.push(Part { lots: part.lots - plain, limit });
                }
            }
            asks
        }
        Behaviour::Dump { ask } => {
            let most = scaled(reference, ask.millionths().into());
            each(&|limit| limit.min(most))
        }
    }
}

/// What a buyer bids for its parts, which are those of its worth.
pub(super) fn wishes(behaviour: Behaviour, parts: Vec<Part>, memory: Option<Memory>) -> Vec<Part> {
    let each = |bid: &dyn Fn(Price) -> Price| -> Vec<Part> {
        parts.iter().map(|part| Part { limit: bid(part.limit), ..*part }).collect()
    };
    match (behaviour, memory) {
        (Behaviour::Shaded { margin }, _) => {
            each(&|limit| scaled(limit, 1_000_000 - i128::from(margin.millionths())))
        }
        (Behaviour::LastPrice { step }, Some(Memory { price, got_all })) => {
            let step = i128::from(step.millionths());
            let aim = scaled(price, if got_all { 1_000_000 - step } else { 1_000_000 + step });
            each(&|limit| limit.min(aim))
        }
        // The other rules are a producer's, as a scenario is checked for.
        _ => parts,
    }
}

/// An ask or bid as the market takes it: on the tick, against the bidder, and inside the market's band. `None` for an ask above the band, or
/// a bid below it.
pub(super) fn on_grid(market: &Market, part: Part, is_ask: bool) -> Option<(Price, Quantity)> {
    let tick = market.tick.millionths();
    let limit = part.limit.millionths().clamp(
        market.lowest.millionths().saturating_sub(tick),
        market.highest.millionths().saturating_add(tick),
    );
    let down = limit.div_euclid(tick) * tick;
    let price = if is_ask && down < limit { down + tick } else { down };
    let price = Price::from_millionths(price);
    let quantity = market.quantity(part.lots)?;
    match (is_ask, price < market.lowest, price > market.highest) {
        (true, true, _) => Some((market.lowest, quantity)),
        (false, _, true) => Some((market.highest, quantity)),
        (true, _, true) | (false, true, _) => None,
        _ => Some((price, quantity)),
    }
}

/// A price that is moved by so many millionths, at most to the ends of what can be held.
fn moved(price: Price, by: i128) -> Price {
    let moved = i128::from(price.millionths()) + by;
    let held = moved.clamp(i128::from(i64::MIN), i128::from(i64::MAX));
    Price::from_millionths(i64::try_from(held).expect("it was cut to what can be held"))
}

/// A price times a number of millionths, rounded down.
pub(super) fn scaled(price: Price, by: i128) -> Price {
    let exact = (i128::from(price.millionths()) * by).div_euclid(1_000_000);
    moved(Price::ZERO, exact)
}

#[cfg(test)]
mod tests {
    use super::*;
    use golv_engine::num::Share;

    fn price(units: i64) -> Price {
        Price::from_units(units).expect("small")
    }

    fn parts(pairs: &[(i64, i64)]) -> Vec<Part> {
        pairs.iter().map(|&(lots, units)| Part { lots, limit: price(units) }).collect()
    }

    fn share(text: &str) -> Share {
        text.parse().expect("a share")
    }

    #[test]
    fn each_behaviour_bids_as_its_rule_says() {
        let limits = || parts(&[(6, 100), (4, 120)]);
        let asks = |behaviour, memory| asks(behaviour, limits(), price(90), memory);
        let last = |got_all| Some(Memory { price: price(110), got_all });
        assert_eq!(asks(Behaviour::Truthful, None), limits());
        assert_eq!(asks(Behaviour::Shaded { margin: share("0.1") }, None), parts(&[(6, 110), (4, 132)]));
        let step = Behaviour::LastPrice { step: share("0.1") };
        assert_eq!(asks(step, None), limits());
        assert_eq!(asks(step, last(false)), parts(&[(6, 100), (4, 120)]), "99 is below both limits");
        assert_eq!(asks(step, last(true)), parts(&[(6, 121), (4, 121)]));
        let withhold = Behaviour::Withhold { keep: share("0.5"), ask: "2".parse().expect("a ratio") };
        assert_eq!(asks(withhold, None), parts(&[(5, 100), (1, 200), (4, 240)]));
        let dump = Behaviour::Dump { ask: "0.9".parse().expect("a ratio") };
        assert_eq!(asks(dump, None), parts(&[(6, 81), (4, 81)]));
        let wish = |behaviour, memory| wishes(behaviour, limits(), memory);
        assert_eq!(wish(Behaviour::Shaded { margin: share("0.1") }, None), parts(&[(6, 90), (4, 108)]));
        assert_eq!(wish(step, last(true)), parts(&[(6, 99), (4, 99)]));
        assert_eq!(wish(step, last(false)), parts(&[(6, 100), (4, 120)]));
    }

    /// A floor lowers what is asked for the supported part when prices are low; a two-way contract raises it when they are high.
    #[test]
    fn support_moves_what_a_producer_needs() {
        let month = "2025-03".parse().expect("a month");
        let of_unit = |payoff: &Payoff, strike, reference| {
            support_of_unit(payoff, month, price(strike), price(reference), Currency::Usd)
        };
        let floor = Payoff::floor();
        assert_eq!(of_unit(&floor, 100, 70), 30_000_000);
        assert_eq!(of_unit(&floor, 100, 130), 0);
        let upside = golv_engine::cfd::Upside {
            above: Some(price(120)),
            share: share("0.3"),
            annual_cap: None,
            condition: None,
        };
        let shared = Payoff { upside: Some(upside), ..Payoff::floor() };
        assert_eq!(of_unit(&shared, 100, 150), -9_000_000);
        let cheaper = supported(parts(&[(6, 100), (4, 120)]), 8, 30_000_000);
        assert_eq!(cheaper, parts(&[(6, 70), (2, 90), (2, 120)]));
    }
}
