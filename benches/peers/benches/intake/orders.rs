//! The orders that every book is given, and what a book must hold of them afterwards.

use std::collections::BTreeMap;

use golv_engine::book::Side;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

/// So many price levels a side. Bids to buy are at 1 to 1,000 and offers at 1,001 to 2,000: none can trade.
pub const LEVELS: u32 = 1_000;
/// The largest quantity of one order.
pub const LOTS_MAX: u32 = 100;

/// A limit order, in no book's own form.
#[derive(Clone, Copy)]
pub struct Order {
    /// Its place in the stream, from 0.
    pub number: u64,
    /// Who sends it.
    pub identity: u32,
    /// Its sender's number for it, from 1 without gaps.
    pub command: u64,
    pub side: Side,
    pub price: u32,
    pub lots: u32,
}

/// The first so many orders of the stream: sides, levels, quantities and senders are each as likely as any other.
pub fn orders(count: u64, identities: u32) -> Vec<Order> {
    let mut random = ChaCha8Rng::seed_from_u64(2018);
    let mut below = |bound: u32| u32::try_from(random.next_u64() % u64::from(bound)).expect("below a u32");
    let mut sent = BTreeMap::new();
    let mut order = |number| {
        let (side, lowest) = if below(2) == 0 { (Side::Buy, 1) } else { (Side::Sell, 1 + LEVELS) };
        let price = lowest + below(LEVELS);
        let lots = 1 + below(LOTS_MAX);
        let identity = 1 + below(identities);
        let command = sent.entry(identity).or_insert(0);
        *command += 1;
        Order { number, identity, command: *command, side, price, lots }
    };
    (0..count).map(&mut order).collect()
}

/// The lots at each price of a book.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Held {
    buy: BTreeMap<u64, u64>,
    sell: BTreeMap<u64, u64>,
}

impl Held {
    pub fn add(&mut self, side: Side, price: u64, lots: u64) {
        let side = match side {
            Side::Buy => &mut self.buy,
            Side::Sell => &mut self.sell,
        };
        *side.entry(price).or_default() += lots;
    }

    /// What a book holds that was given these orders.
    pub fn of(orders: &[Order]) -> Self {
        let mut held = Self::default();
        for order in orders {
            held.add(order.side, u64::from(order.price), u64::from(order.lots));
        }
        held
    }
}
