//! The twelve traders of the market day: who they are, what they can do, and how they bid.
//!
//! They are invented; the prices that they look to are real. Every number is drawn from the seed within
//! the ranges below, in USD per tonne of battery-grade lithium metal:
//!
//! | supplier | unit cost | capacity, t a month |
//! |---|---|---|
//! | Pohjola Lithium (FI) | 84,000–98,000 | 20–40 |
//! | Erzgebirge Metals (DE) | 88,000–104,000 | 20–40 |
//! | Alentejo Minerals (PT) | 78,000–92,000 | 20–40 |
//! | Massif Lithium (FR) | 86,000–102,000 | 20–40 |
//! | Krušné Hory Refining (CZ) | 82,000–100,000 | 20–40 |
//! | Salar del Norte (CL) | 62,000–76,000 | 10–30 |
//! | Gan River Metals (CN) | 58,000–72,000 | 40–80 |
//!
//! *In the support auction* a supplier offers its monthly capacity at its cost plus 0 to 4 %. *In the call
//! auction* it offers three months' capacity in three equal parts, each at the index × 90 to 106 %, never below
//! its cost. A buyer bids in three parts of 10 to 40 t, each at the index × 94 to 112 %. All limits are
//! rounded to the tick, against the bidder.

use golv_engine::book::Side;
use golv_engine::command::NewBid;
use golv_engine::id::{IdentityId, ParticipantId};
use golv_engine::num::{Price, Quantity};

use crate::random::Stream;

/// A trader of the market day.
#[derive(Clone, Debug)]
pub struct Trader {
    /// Its participant id; its one identity has the same number.
    pub id: u32,
    /// Its name.
    pub name: &'static str,
    /// Where it is, and where what it sells comes from.
    pub country: &'static str,
    /// What it does.
    pub business: Business,
}

/// What a trader does, with what it knows of itself.
#[derive(Clone, Copy, Debug)]
pub enum Business {
    /// Sells lithium metal.
    Supplier {
        /// What a tonne costs it, in USD.
        cost: i64,
        /// What it can make in a month, in tonnes.
        capacity: i64,
    },
    /// Makes something of lithium metal.
    Buyer,
}

/// Name, country, lowest and highest cost in USD per tonne, least and most capacity in tonnes a month.
const SUPPLIERS: [(&str, &str, [i64; 2], [i64; 2]); 7] = [
    ("Pohjola Lithium", "FI", [84_000, 98_000], [20, 40]),
    ("Erzgebirge Metals", "DE", [88_000, 104_000], [20, 40]),
    ("Alentejo Minerals", "PT", [78_000, 92_000], [20, 40]),
    ("Massif Lithium", "FR", [86_000, 102_000], [20, 40]),
    ("Krušné Hory Refining", "CZ", [82_000, 100_000], [20, 40]),
    ("Salar del Norte", "CL", [62_000, 76_000], [10, 30]),
    ("Gan River Metals", "CN", [58_000, 72_000], [40, 80]),
];

const BUYERS: [(&str, &str); 5] = [
    ("Nordic Cells", "SE"),
    ("Rhein Batterie", "DE"),
    ("Vistula Cathodes", "PL"),
    ("Ebro Motors", "ES"),
    ("Po Valley Alloys", "IT"),
];

/// In how many parts a trader bids in the call auction.
const PARTS: i64 = 3;

impl Trader {
    /// The participant that it is.
    pub fn participant(&self) -> ParticipantId {
        ParticipantId(self.id)
    }

    /// The identity that acts for it.
    pub fn identity(&self) -> IdentityId {
        IdentityId(self.id)
    }

    /// Its offer in the support auction: strike and monthly tonnes. `None` for a buyer.
    pub fn support_offer(&self, seed: u64, tick: i64) -> Option<(Price, Quantity)> {
        let Business::Supplier { cost, capacity } = self.business else {
            return None;
        };
        let margin = Stream::new(seed, &format!("support margin {}", self.id)).between(0, 400);
        let strike = round_up(cost * (10_000 + margin) / 10_000, tick);
        Some((dollars(strike), tonnes(capacity)))
    }

    /// Its bids in the call auction, looking to an index price in USD.
    pub fn call_bids(&self, seed: u64, index: i64, tick: i64) -> Vec<NewBid> {
        let mut stream = Stream::new(seed, &format!("call auction {}", self.id));
        (0..PARTS)
            .map(|_| match self.business {
                Business::Supplier { cost, capacity } => {
                    let limit = (index * stream.between(900, 1_060) / 1_000).max(cost);
                    let origin = Some(self.country.parse().expect("the table holds country codes"));
                    let price = Some(dollars(round_up(limit, tick)));
                    NewBid {
                        side: Side::Sell,
                        price,
                        quantity: tonnes(capacity * 3 / PARTS),
                        origin,
                        details: None,
                    }
                }
                Business::Buyer => {
                    let limit = index * stream.between(940, 1_120) / 1_000;
                    let price = Some(dollars(limit / tick * tick));
                    NewBid {
                        side: Side::Buy,
                        price,
                        quantity: tonnes(stream.between(10, 40)),
                        origin: None,
                        details: None,
                    }
                }
            })
            .collect()
    }
}

/// The twelve traders as a seed makes them: suppliers from 101, buyers from 201.
pub fn traders(seed: u64) -> Vec<Trader> {
    let suppliers = (101..).zip(SUPPLIERS).map(|(id, (name, country, cost, capacity))| {
        let mut stream = Stream::new(seed, &format!("supplier {id}"));
        let mut draw = |[low, high]: [i64; 2]| stream.between(low, high);
        let business = Business::Supplier { cost: draw(cost), capacity: draw(capacity) };
        Trader { id, name, country, business }
    });
    let buyers = (201..).zip(BUYERS).map(|(id, (name, country))| Trader {
        id,
        name,
        country,
        business: Business::Buyer,
    });
    suppliers.chain(buyers).collect()
}

fn round_up(price: i64, tick: i64) -> i64 {
    (price + tick - 1) / tick * tick
}

fn dollars(units: i64) -> Price {
    Price::from_units(units).expect("a trader's prices are some hundred thousand")
}

fn tonnes(units: i64) -> Quantity {
    Quantity::from_units(u32::try_from(units).expect("a trader's tonnes are some hundred"))
        .expect("a trader's tonnes fit")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_makes_the_same_traders_within_their_ranges() {
        for seed in 0..50 {
            let traders = traders(seed);
            assert_eq!(traders.len(), 12);
            for (trader, (_, _, [low, high], _)) in traders.iter().zip(SUPPLIERS) {
                let Business::Supplier { cost, .. } = trader.business else { panic!("a supplier") };
                assert!((low..=high).contains(&cost));
                let (strike, _) = trader.support_offer(seed, 10).expect("a supplier offers");
                assert!(strike >= dollars(cost) && strike <= dollars(cost * 104 / 100 + 10));
                assert!(
                    trader.call_bids(seed, 119_540, 10).iter().all(|bid| bid.price >= Some(dollars(cost)))
                );
            }
        }
        assert_eq!(format!("{:?}", traders(1)), format!("{:?}", traders(1)));
    }
}
