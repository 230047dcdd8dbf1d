//! The price of a call auction: one price for all, by a cascade of criteria.
//!
//! Candidates are the levels at which somebody has a limit. Among them, in this order:
//! 1. *most volume*: min(demand at or above the price, supply at or below it) is greatest;
//! 2. *least surplus*: |demand − supply| is least;
//! 3. *surplus side*: all that remain have a surplus of demand: the highest; all of supply: the lowest;
//! 4. *reference*: the one nearest to the reference price, the higher of two that are equally near.
//!
//! This is the cascade of Xetra's market model for equities (release 14.0, chapter 13.1), whose worked
//! examples are the tests below. Known oddity of limits as the only candidates: with surpluses on both
//! sides, a price between two limits could balance the book and is not considered.

use serde::{Deserialize, Serialize};

use crate::book::{Ladder, for_each_level};
use crate::num::Price;

/// The criterion that left a single candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum CascadeStep {
    /// One candidate alone had the most volume.
    MostVolume,
    /// Of those, one alone had the least surplus.
    LeastSurplus,
    /// The surplus of all that remained was on one side.
    SurplusSide,
    /// The reference price decided.
    Reference,
}

/// A cleared price, in the market's grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Clearing {
    pub(crate) level: u32,
    /// Lots that are bought and sold.
    pub(crate) volume: i64,
    /// Lots wanted at or above the price.
    pub(crate) demand: i64,
    /// Lots offered at or below the price.
    pub(crate) supply: i64,
    pub(crate) step: CascadeStep,
}

/// A level where somebody has a limit.
#[derive(Clone, Copy)]
struct Candidate {
    level: u32,
    demand: i64,
    supply: i64,
}

impl Candidate {
    fn volume(&self) -> i64 {
        self.demand.min(self.supply)
    }

    fn surplus(&self) -> u64 {
        self.demand.abs_diff(self.supply)
    }
}

/// The best candidates seen so far, on an ascending walk.
struct Best {
    /// How many candidates have the most volume, whatever their surplus.
    by_volume: u32,
    /// How many of those have the least surplus.
    by_surplus: u32,
    lowest: Candidate,
    highest: Candidate,
    nearest: Candidate,
}

/// The clearing price of a book, or `None` where nothing can trade. `price_of` gives a level's price.
/// Linear in the touched levels.
pub(crate) fn clear(
    demand: &Ladder,
    supply: &Ladder,
    reference: Price,
    price_of: impl Fn(u32) -> Price,
) -> Option<Clearing> {
    let mut wanted = demand.total();
    let mut offered: i64 = 0;
    let mut best: Option<Best> = None;
    for_each_level(demand, supply, |level, bought, sold| {
        // Partial sums of a ladder's lots fit, since its total does.
        offered = offered.saturating_add(sold);
        let candidate = Candidate { level, demand: wanted, supply: offered };
        wanted = wanted.saturating_sub(bought);
        if candidate.volume() > 0 {
            let is_nearer = |other: Candidate| {
                price_of(level).distance(reference) <= price_of(other.level).distance(reference)
            };
            consider(&mut best, candidate, is_nearer);
        }
    });
    best.map(|best| {
        let (chosen, step) = best.choose();
        Clearing {
            level: chosen.level,
            volume: chosen.volume(),
            demand: chosen.demand,
            supply: chosen.supply,
            step,
        }
    })
}

fn consider(best: &mut Option<Best>, candidate: Candidate, is_nearer: impl Fn(Candidate) -> bool) {
    let alone = |by_volume| Best {
        by_volume,
        by_surplus: 1,
        lowest: candidate,
        highest: candidate,
        nearest: candidate,
    };
    match best {
        Some(best) if candidate.volume() < best.lowest.volume() => {}
        Some(best) if candidate.volume() == best.lowest.volume() => {
            best.by_volume = best.by_volume.saturating_add(1);
            if candidate.surplus() < best.lowest.surplus() {
                *best = alone(best.by_volume);
            } else if candidate.surplus() == best.lowest.surplus() {
                best.by_surplus = best.by_surplus.saturating_add(1);
                best.highest = candidate;
                // On an ascending walk the later of two equally near is the higher.
                if is_nearer(best.nearest) {
                    best.nearest = candidate;
                }
            }
        }
        _ => *best = Some(alone(1)),
    }
}

impl Best {
    fn choose(&self) -> (Candidate, CascadeStep) {
        // The surplus falls as the price rises, so the two ends tell the side of all between.
        if self.by_volume == 1 {
            (self.lowest, CascadeStep::MostVolume)
        } else if self.by_surplus == 1 {
            (self.lowest, CascadeStep::LeastSurplus)
        } else if self.highest.demand > self.highest.supply {
            (self.highest, CascadeStep::SurplusSide)
        } else if self.lowest.demand < self.lowest.supply {
            (self.lowest, CascadeStep::SurplusSide)
        } else {
            (self.nearest, CascadeStep::Reference)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use CascadeStep::*;
    use proptest::prelude::*;

    fn ladder(orders: &[(u32, i64)]) -> Ladder {
        let mut ladder = Ladder::default();
        orders.iter().for_each(|&(level, lots)| ladder.change(level, lots));
        ladder
    }

    fn price_of(level: u32) -> Price {
        Price::from_millionths(i64::from(level))
    }

    fn clear_orders(bids: &[(u32, i64)], asks: &[(u32, i64)], reference: u32) -> Option<Clearing> {
        clear(&ladder(bids), &ladder(asks), price_of(reference), price_of)
    }

    type Orders = &'static [(u32, i64)];

    /// Worked examples whose books have limits alone: bids, asks, reference, and the price, volume and
    /// criterion that come out. Xetra: Release 14.0, Market Model Equities (2013), chapter 13.1, examples 1, 2,
    /// 3, 5 (three references) and 7. NSE: the pre-open session's official example.
    #[test]
    fn worked_examples_of_rule_books() {
        const XETRA_1: (Orders, Orders) =
            (&[(202, 200), (201, 200), (200, 300)], &[(200, 100), (198, 200), (197, 400)]);
        const XETRA_2: (Orders, Orders) = (&[(202, 400), (201, 200)], &[(199, 300), (198, 200)]);
        const XETRA_3: (Orders, Orders) = (&[(202, 300), (201, 200)], &[(199, 400), (198, 200)]);
        const XETRA_5: (Orders, Orders) = (&[(202, 300), (201, 200)], &[(199, 300), (198, 200)]);
        const XETRA_7: (Orders, Orders) = (&[(200, 80), (199, 80)], &[(201, 80)]);
        const NSE: (Orders, Orders) = (
            &[(103, 13_500), (104, 9_500), (105, 12_000), (106, 6_500), (107, 5_000), (108, 4_000)],
            &[(103, 11_500), (104, 9_800), (105, 15_000), (106, 12_000), (107, 12_500)],
        );
        for ((bids, asks), reference, expected) in [
            (XETRA_1, 0, Some((200, 700, MostVolume))),
            (XETRA_2, 0, Some((201, 500, SurplusSide))),
            (XETRA_3, 0, Some((199, 500, SurplusSide))),
            (XETRA_5, 200, Some((201, 500, Reference))),
            (XETRA_5, 202, Some((201, 500, Reference))),
            (XETRA_5, 198, Some((199, 500, Reference))),
            (XETRA_7, 0, None),
            (NSE, 0, Some((105, 27_500, MostVolume))),
        ] {
            let found = clear_orders(bids, asks, reference).map(|c| (c.level, c.volume, c.step));
            assert_eq!(found, expected, "{bids:?} {asks:?} {reference}");
        }
    }

    #[test]
    fn nothing_trades_in_a_book_that_does_not_cross() {
        assert_eq!(clear_orders(&[], &[], 0), None);
        assert_eq!(clear_orders(&[(10, 1)], &[], 0), None);
        assert_eq!(clear_orders(&[(10, 1)], &[(11, 1)], 0), None);
    }

    /// The cascade as it is written, over the list of candidates.
    fn naive(bids: &[(u32, i64)], asks: &[(u32, i64)], reference: u32) -> Option<(u32, i64, CascadeStep)> {
        let mut levels: Vec<u32> = bids.iter().chain(asks).map(|order| order.0).collect();
        levels.sort_unstable();
        levels.dedup();
        let demand = |p: u32| bids.iter().filter(|order| order.0 >= p).map(|order| order.1).sum::<i64>();
        let supply = |p: u32| asks.iter().filter(|order| order.0 <= p).map(|order| order.1).sum::<i64>();
        let volume = |p: &u32| demand(*p).min(supply(*p));
        let surplus = |p: &u32| (demand(*p) - supply(*p)).abs();
        let most = levels.iter().map(volume).max().filter(|most| *most > 0)?;
        levels.retain(|p| volume(p) == most);
        if let [one] = levels[..] {
            return Some((one, most, MostVolume));
        }
        let least = levels.iter().map(surplus).min()?;
        levels.retain(|p| surplus(p) == least);
        if let [one] = levels[..] {
            return Some((one, most, LeastSurplus));
        }
        if levels.iter().all(|&p| demand(p) > supply(p)) {
            return Some((*levels.last()?, most, SurplusSide));
        }
        if levels.iter().all(|&p| demand(p) < supply(p)) {
            return Some((*levels.first()?, most, SurplusSide));
        }
        let near = levels.iter().min_by_key(|&&p| (p.abs_diff(reference), std::cmp::Reverse(p)))?;
        Some((*near, most, Reference))
    }

    /// Every book of up to three orders a side over four prices and two quantities: small enough to try all.
    #[test]
    fn agrees_with_the_cascade_as_written_on_all_small_books() {
        let mut orders = vec![vec![]];
        for size in 1..=3 {
            let smaller: Vec<_> = orders.iter().filter(|o: &&Vec<_>| o.len() == size - 1).cloned().collect();
            for side in smaller {
                for order in (0..8_u32).map(|n| (n / 2, i64::from(n % 2) + 1)) {
                    // As multisets: in one order alone.
                    if side.last().is_none_or(|last| *last <= order) {
                        orders.push(side.iter().copied().chain([order]).collect());
                    }
                }
            }
        }
        let mut steps = std::collections::BTreeMap::<CascadeStep, u32>::new();
        for bids in &orders {
            for asks in &orders {
                for reference in [0, 2, 5] {
                    let found = clear_orders(bids, asks, reference).map(|c| (c.level, c.volume, c.step));
                    assert_eq!(found, naive(bids, asks, reference), "{bids:?} {asks:?} {reference}");
                    if let Some((_, _, step)) = found {
                        *steps.entry(step).or_default() += 1;
                    }
                }
            }
        }
        assert_eq!(steps.len(), 4, "every criterion decided some book: {steps:?}");
    }

    proptest! {
        #[test]
        fn agrees_with_the_cascade_as_written(
            bids in prop::collection::vec((0_u32..1200, 1_i64..100), 0..30),
            asks in prop::collection::vec((0_u32..1200, 1_i64..100), 0..30),
            reference in 0_u32..1200,
        ) {
            let found = clear_orders(&bids, &asks, reference).map(|c| (c.level, c.volume, c.step));
            prop_assert_eq!(found, naive(&bids, &asks, reference));
        }
    }
}
