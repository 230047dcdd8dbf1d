//! How many sealed bids a second our book admits and stores, beside the passive add of three published order books.
//!
//! `cargo bench --manifest-path benches/peers/Cargo.toml` prints the tables of `docs/performance.md`. Those books look
//! for a match when an order arrives; ours only stores it, as a sealed-bid auction does, so this compares what an order
//! costs before the close and not what a book is good for.
//!
//! All are given the same orders, made before the clock starts, and take turns, each time with an empty book. The time
//! is the thread's own processor time, which other programs on the machine do not lengthen as they do the time on the
//! wall; both are printed. Afterwards, with the clock stopped, each book must hold at each price what it was given.
//!
//! | book | licence |
//! |---|---|
//! | [orderbook-rs](https://crates.io/crates/orderbook-rs) | MIT |
//! | [matchcore](https://crates.io/crates/matchcore) | MIT or Apache-2.0 |
//! | [lobster](https://crates.io/crates/lobster) | ISC |

mod books;
mod orders;

use std::time::Instant;

use books::{Book, Golv};
use orders::{Held, Order, orders};
use rustix::time::{ClockId, clock_gettime};

/// How many identities send, as in the exchange's own benches; and many more, since ours alone files a bid by its sender.
const IDENTITIES: [u32; 2] = [64, 10_000];

/// A row of the table.
struct Row {
    name: &'static str,
    /// Which of [`IDENTITIES`] sends the orders.
    senders: usize,
    measure: fn(&[Order]) -> Took,
}

/// Ours come first.
const ROWS: [Row; 5] = [
    Row { name: "Golv, 64 identities", senders: 0, measure: measure::<Golv> },
    Row { name: "Golv, 10,000 identities", senders: 1, measure: measure::<Golv> },
    Row { name: "orderbook-rs", senders: 0, measure: measure::<orderbook_rs::DefaultOrderBook> },
    Row { name: "matchcore", senders: 0, measure: measure::<matchcore::OrderBook> },
    Row { name: "lobster", senders: 0, measure: measure::<lobster::OrderBook> },
];
const OURS: usize = IDENTITIES.len();

/// What a run took, in nanoseconds an order.
struct Took {
    processor: f64,
    wall: f64,
}

fn main() {
    // `cargo bench` passes `--bench`; without it, as under `cargo test`, nothing is measured.
    let short = !std::env::args().any(|argument| argument == "--bench");
    let (count, rounds) = if short { (2_000, 1) } else { (200_000, 15) };
    let streams = IDENTITIES.map(|identities| orders(count, identities));
    let round = || ROWS.map(|row| (row.measure)(&streams[row.senders]));
    // The first fills what the allocator and the processor keep, and is not counted.
    round();
    let rounds: Vec<_> = (0..rounds).map(|_| round()).collect();

    println!(
        "| {} runs of {count} orders | ns an order, median | least | greatest | M orders/s | by the wall, ns |",
        rounds.len()
    );
    println!("|---|--:|--:|--:|--:|--:|");
    for (at, row) in ROWS.iter().enumerate() {
        let (median, least, greatest) = spread(rounds.iter().map(|round| round[at].processor).collect());
        let (wall, _, _) = spread(rounds.iter().map(|round| round[at].wall).collect());
        let millions = 1_000.0 / median;
        println!("| {} | {median:.1} | {least:.1} | {greatest:.1} | {millions:.1} | {wall:.1} |", row.name);
    }
    println!();
    println!("| the fastest of the others ÷ ours, run by run | median | least | greatest |");
    println!("|---|--:|--:|--:|");
    for (at, row) in ROWS.iter().enumerate().take(OURS) {
        let ratio = |round: &[Took; ROWS.len()]| {
            let others = round[OURS..].iter().map(|took| took.processor);
            others.fold(f64::INFINITY, f64::min) / round[at].processor
        };
        let (median, least, greatest) = spread(rounds.iter().map(ratio).collect());
        println!("| {} | {median:.1} | {least:.1} | {greatest:.1} |", row.name);
    }
    println!();
    println!("The others match an order when it arrives; Golv only stores it, as a sealed-bid auction does.");
}

/// Gives all orders to an empty book.
fn measure<B: Book>(orders: &[Order]) -> Took {
    let mut book = B::empty();
    let (processor, wall) = (processor_nanoseconds(), Instant::now());
    for order in orders {
        book.add(order);
    }
    let wall = wall.elapsed().as_nanos() as f64;
    let processor = processor_nanoseconds() - processor;
    assert_eq!(book.held(), Held::of(orders), "a book holds what it was given");
    let count = orders.len() as f64;
    Took { processor: processor / count, wall: wall / count }
}

/// The processor time that this thread has used.
fn processor_nanoseconds() -> f64 {
    let used = clock_gettime(ClockId::ThreadCPUTime);
    used.tv_sec as f64 * 1e9 + used.tv_nsec as f64
}

/// The middle one, the least and the greatest.
fn spread(mut values: Vec<f64>) -> (f64, f64, f64) {
    values.sort_by(f64::total_cmp);
    (values[values.len() / 2], values[0], values[values.len() - 1])
}
