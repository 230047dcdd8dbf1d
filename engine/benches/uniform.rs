//! Call auctions at one price, to be cleared by others too: the books as CSV, and what clearing them took and came to.
//!
//! `benches/peers/assume/clear.py` runs it and clears the same books with assume-framework. By itself: `cargo bench -p golv-engine --bench
//! uniform -- --dir DIR [--most ORDERS]` writes each book as `DIR/ORDERS-NUMBER.csv` and what came of them as `DIR/golv.csv`; without
//! `--dir` it clears some small ones and has them checked.

#![expect(clippy::disallowed_types, reason = "the engine has no clock, and its bench measures it with one")]

use std::fmt::Write as _;
use std::hint::black_box;
use std::path::PathBuf;
use std::time::{Duration, Instant as Clock};
use std::{fs, iter};

use golv_engine::book::Side;
use golv_engine::clearing::{Allocation, Candidates, Criterion, Order, Outcome, Rule, check, clear};
use golv_engine::num::{Price, Quantity};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Books of each size.
const BOOKS: u64 = 5;
/// Prices are 0.01 to 100.00.
const LEVELS: u32 = 10_000;
const TICK: i64 = 10_000;
const QUANTITY_MAX: u32 = 100;
/// Clearings of a book, of which the quickest counts.
const ROUNDS: usize = 11;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let value = |flag: &str| {
        let at = arguments.iter().position(|argument| argument == flag)?;
        Some(arguments.get(at + 1).expect("a value after the flag"))
    };
    let dir = value("--dir").map(PathBuf::from);
    let most = value("--most").map_or(10_000, |most| most.parse().expect("a number of orders"));
    let most = if dir.is_some() { most } else { 1_000 };
    let mut results = "orders,book,seconds,price,volume\n".to_owned();
    for size in iter::successors(Some(100_u32), |size| size.checked_mul(10)).take_while(|size| *size <= most)
    {
        for number in 0..BOOKS {
            let orders = orders(size, number);
            let (seconds, outcome) = cleared(&orders);
            let price = outcome.price().expect("some of a random book trades");
            writeln!(results, "{size},{number},{seconds:.9},{price},{}", outcome.volume).expect("a string");
            if let Some(dir) = &dir {
                fs::write(dir.join(format!("{size}-{number}.csv")), csv(&orders)).expect("written");
            }
        }
    }
    match dir {
        Some(dir) => fs::write(dir.join("golv.csv"), results).expect("written"),
        None => print!("{results}"),
    }
}

/// Both sides alike over all prices; the place in the book is the order's time.
fn orders(size: u32, number: u64) -> Vec<Order<'static>> {
    let mut random = ChaCha8Rng::seed_from_u64(u64::from(size) << 8 | number);
    let mut below =
        |bound: u32| u32::try_from((u64::from(random.next_u32()) * u64::from(bound)) >> 32).expect("below");
    (0..size)
        .map(|rank| Order {
            id: b"",
            rank,
            side: if below(2) == 0 { Side::Buy } else { Side::Sell },
            price: Some(Price::from_millionths(TICK * (i64::from(below(LEVELS)) + 1))),
            quantity: Quantity::from_units(below(QUANTITY_MAX) + 1).expect("fits"),
            min_quantity: Quantity::ZERO,
            received: 0,
        })
        .collect()
}

/// The quickest of some clearings, in seconds, and what they came to.
fn cleared(orders: &[Order]) -> (f64, Outcome) {
    // Of the prices with the most volume the highest at which something is sold: pay as clear, as it is done where energy is traded.
    let cascade = vec![Criterion::MostVolume, Criterion::LastAcceptedOffer];
    let rule = Rule::new(Candidates::Limits, cascade, Allocation::PriceTime);
    let rule = Rule { tick: Some(Price::from_millionths(TICK)), lot: Quantity::from_units(1), ..rule };
    let (mut quickest, mut outcome) = (Duration::MAX, None);
    for _ in 0..ROUNDS {
        let begin = Clock::now();
        let done = black_box(clear(orders, &rule, None).expect("on the grid"));
        quickest = quickest.min(begin.elapsed());
        outcome = Some(done);
    }
    let outcome = outcome.expect("at least one round");
    assert_eq!(check::check(orders, &rule, None, &outcome), Ok(()));
    (quickest.as_secs_f64(), outcome)
}

fn csv(orders: &[Order]) -> String {
    let mut text = "side,price,quantity\n".to_owned();
    for order in orders {
        let side = if order.side == Side::Buy { "buy" } else { "sell" };
        writeln!(text, "{side},{},{}", order.price.expect("a limit"), order.quantity).expect("a string");
    }
    text
}
