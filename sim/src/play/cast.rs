//! The participants as a seed draws them, and what they cost and are worth at a reference price.

use golv_engine::id::{IdentityId, ParticipantId};
use golv_engine::num::{Price, Quantity};

use crate::random::Stream;
use crate::scenario::{At, Buyer, Producer, Ratio, Scenario, Step};

/// The number of the first producer, as participant and as identity.
const PRODUCERS: u32 = 1_001;
/// The number of the first buyer.
const BUYERS: u32 = 5_001;

/// A producer or buyer with the numbers that were drawn for it.
#[derive(Clone, Debug)]
pub(super) struct Party {
    /// As participant and as identity.
    pub(super) id: u32,
    /// What it makes or wants in a month, in lots.
    pub(super) lots: i64,
    /// A unit's cost or worth by part, and where each part ends, in millionths of the whole.
    steps: Vec<(i64, Unit)>,
}

/// What a unit costs or is worth.
#[derive(Clone, Copy, Debug)]
enum Unit {
    Price(Price),
    Index(Ratio),
}

/// A part of a quantity at a true cost or worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) lots: i64,
    pub(super) limit: Price,
}

impl Party {
    fn drawn(scenario: &Scenario, id: u32, side: &str, key: &str, steps: &[Step], most: Quantity) -> Self {
        let mut ends = 0;
        let steps = steps.iter().enumerate().map(|(number, step)| {
            ends += i64::from(step.part.millionths());
            let mut stream = Stream::new(scenario.seed, &format!("{side} {key} step {number}"));
            let unit = match step.at {
                At::Price(price) => Unit::Price(price.draw(&mut stream)),
                At::Index(ratio) => Unit::Index(ratio.draw(&mut stream)),
            };
            (ends, unit)
        });
        let steps = steps.collect();
        Self { id, lots: most.millionths() / scenario.market.lot.millionths(), steps }
    }

    pub(super) fn participant(&self) -> ParticipantId {
        ParticipantId(self.id)
    }

    pub(super) fn identity(&self) -> IdentityId {
        IdentityId(self.id)
    }

    /// The parts of so many lots at a reference price, in the order of the file.
    pub(super) fn parts(&self, lots: i64, reference: Price) -> Vec<Part> {
        let mut before = 0;
        let part = |&(end, unit): &(i64, Unit)| {
            let until = i128::from(lots) * i128::from(end) / 1_000_000;
            let until = i64::try_from(until).expect("a part of the lots");
            let lots = until - before;
            before = until;
            let limit = match unit {
                Unit::Price(price) => price,
                // A ratio that takes a price past all prices makes it the highest there is.
                Unit::Index(ratio) => ratio.of(reference).unwrap_or(Price::from_millionths(i64::MAX)),
            };
            Part { lots, limit }
        };
        self.steps.iter().map(part).filter(|part| part.lots > 0).collect()
    }
}

/// Producers as drawn, in the order of the scenario.
pub(super) fn producers(scenario: &Scenario) -> Vec<Party> {
    let party = |(id, producer): (u32, &Producer)| {
        let mut stream = Stream::new(scenario.seed, &format!("producer {} capacity", producer.key));
        let capacity = producer.capacity.draw(&mut stream);
        Party::drawn(scenario, id, "producer", &producer.key, &producer.costs, capacity)
    };
    (PRODUCERS..).zip(&scenario.producers).map(party).collect()
}

/// Buyers as drawn, in the order of the scenario.
pub(super) fn buyers(scenario: &Scenario) -> Vec<Party> {
    let party = |(id, buyer): (u32, &Buyer)| {
        let mut stream = Stream::new(scenario.seed, &format!("buyer {} demand", buyer.key));
        let demand = buyer.demand.draw(&mut stream);
        Party::drawn(scenario, id, "buyer", &buyer.key, &buyer.worth, demand)
    };
    (BUYERS..).zip(&scenario.buyers).map(party).collect()
}

/// What a producer needs for a unit in the long run: cost on average over its capacity, with its fixed costs and its capital in equal parts
/// over the years; rounded up. `None` where it makes nothing, or the number does not fit.
pub(super) fn full_cost(
    party: &Party,
    producer: &Producer,
    reference: Price,
    lot: Quantity,
) -> Option<Price> {
    let quantity = i128::from(party.lots) * i128::from(lot.millionths());
    if quantity == 0 {
        return None;
    }
    let parts = party.parts(party.lots, reference);
    let variable = parts.iter().map(|part| {
        i128::from(part.limit.millionths()) * i128::from(part.lots) * i128::from(lot.millionths())
    });
    let capital = producer.investment.map_or(0, |investment| {
        i128::from(investment.capital.millionths()) / (12 * i128::from(investment.years))
    });
    let monthly = (i128::from(producer.fixed.millionths()) + capital) * 1_000_000;
    let sum = variable.sum::<i128>() + monthly;
    i64::try_from(sum.div_euclid(quantity) + i128::from(sum.rem_euclid(quantity) != 0))
        .ok()
        .map(Price::from_millionths)
}

/// The surplus of trading the cheapest of what is offered for the dearest of what is wanted, in parts of 10⁻¹², each side up to so many lots of
/// each party: cost or worth of the first lots of its parts.
pub(super) fn value(parts: &[Part], lots: i64, lot: Quantity, cheapest_first: bool) -> i128 {
    let mut parts = parts.to_vec();
    parts.sort_by_key(|part| part.limit);
    if !cheapest_first {
        parts.reverse();
    }
    let mut left = lots;
    let mut sum = 0;
    for part in parts {
        let taken = part.lots.min(left);
        sum += i128::from(part.limit.millionths()) * i128::from(taken) * i128::from(lot.millionths());
        left -= taken;
    }
    sum
}

/// The greatest surplus of all that is offered and wanted, in parts of 10⁻¹².
pub(super) fn greatest_surplus(supply: &[Part], demand: &[Part], lot: Quantity) -> i128 {
    let (mut supply, mut demand) = (supply.to_vec(), demand.to_vec());
    supply.sort_by_key(|part| part.limit);
    demand.sort_by_key(|part| std::cmp::Reverse(part.limit));
    let (mut sellers, mut buyers) = (supply.into_iter(), demand.into_iter());
    let (mut seller, mut buyer) = (sellers.next(), buyers.next());
    let mut sum = 0;
    while let (Some(offer), Some(request)) = (&mut seller, &mut buyer) {
        if offer.limit >= request.limit {
            break;
        }
        let lots = offer.lots.min(request.lots);
        let gain = i128::from(request.limit.millionths()) - i128::from(offer.limit.millionths());
        sum += gain * i128::from(lots) * i128::from(lot.millionths());
        offer.lots -= lots;
        request.lots -= lots;
        if offer.lots == 0 {
            seller = sellers.next();
        }
        if request.lots == 0 {
            buyer = buyers.next();
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn part() -> impl Strategy<Value = Part> {
        (1_i64..5, 0_i64..8).prop_map(|(lots, limit)| Part { lots, limit: Price::from_millionths(limit) })
    }

    /// By trying how many lots are traded: the cheapest against the dearest.
    fn naive(supply: &[Part], demand: &[Part]) -> i128 {
        let units = |parts: &[Part]| -> Vec<i128> {
            let unit = |part: &Part| vec![i128::from(part.limit.millionths()); part.lots as usize];
            parts.iter().flat_map(unit).collect()
        };
        let (mut supply, mut demand) = (units(supply), units(demand));
        supply.sort_unstable();
        demand.sort_unstable_by(|a, b| b.cmp(a));
        let gains = supply.iter().zip(&demand).map(|(cost, worth)| worth - cost);
        gains
            .scan(0, |sum, gain| {
                *sum += gain;
                Some(*sum)
            })
            .fold(0, i128::max)
    }

    proptest! {
        #[test]
        fn nothing_is_worth_more_than_the_greatest_surplus(
            supply in prop::collection::vec(part(), 0..6),
            demand in prop::collection::vec(part(), 0..6),
        ) {
            let lot = Quantity::from_millionths(1).expect("positive");
            prop_assert_eq!(greatest_surplus(&supply, &demand, lot), naive(&supply, &demand));
        }
    }
}
