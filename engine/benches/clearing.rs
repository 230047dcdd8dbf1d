//! How long it takes to clear a book: price and all fills, beside `sort_unstable` of the same orders' keys.
//!
//! `cargo bench -p golv-engine --bench clearing [-- --most ORDERS]` prints the tables of `docs/performance.md`. In each round
//! every row's parts are timed one after another, so that a slow moment of the machine is slow for all. The keys
//! are packed into 64 bits, the level above the place in time: the least that a clearing by sorting would sort.

#![expect(clippy::disallowed_types, reason = "the engine has no clock, and its bench measures it with one")]

use std::hint::black_box;
use std::time::{Duration, Instant as Clock};

use golv_engine::auction::{self, Cleared};
use golv_engine::book::{Book, Ladder, Order, Side};
use golv_engine::clearing::{Allocation, Candidates, Criterion, Rule, check, clear, winning_limits};
use golv_engine::id::{BidId, CommandId, IdentityId, ParticipantId};
use golv_engine::market::{Market, Unit};
use golv_engine::num::{Currency, Price, Quantity};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Price levels of the market.
const LEVELS: u32 = 10_000;
/// Largest lots of a bid.
const LOTS_MAX: u32 = 100;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    // `cargo bench` says so; `cargo test` only wants to know that it works.
    let is_short = !arguments.iter().any(|argument| argument == "--bench");
    let most = arguments.iter().position(|argument| argument == "--most").map(|at| {
        let most = arguments.get(at + 1).expect("--most ORDERS");
        most.parse::<u32>().expect("a number of orders")
    });
    let sizes: &[u32] = if is_short { &[1_000] } else { &[1_000, 10_000, 100_000, 1_000_000, 10_000_000] };
    println!(
        "| orders | allocation | sorting the keys, ms | ladder, ms | price and fills, ms | both, ns an order | \
         both ÷ sorting |"
    );
    println!("|--:|---|--:|--:|--:|--:|--:|");
    let sizes = sizes.iter().copied().filter(|size| most.is_none_or(|most| *size <= most));
    for size in sizes.clone() {
        for allocation in [Allocation::PriceTime, Allocation::ProRata] {
            by_level(size, allocation);
        }
    }
    println!();
    println!("| orders | a list of orders cleared, ms | ns an order | the result checked, ms |");
    println!("|--:|--:|--:|--:|");
    sizes.clone().filter(|size| *size <= 1_000_000).for_each(by_list);
    println!();
    println!(
        "| orders | reference | allocation | with a winning limit | all winning limits, ms | checked, ms |"
    );
    println!("|--:|---|---|--:|--:|--:|");
    for size in sizes.filter(|size| *size <= 1_000_000) {
        for allocation in [Allocation::PriceTime, Allocation::ProRata] {
            for has_reference in [true, false] {
                winning(size, allocation, has_reference);
            }
        }
    }
}

fn market() -> Market {
    let price = |units| Price::from_units(units).expect("fits");
    let quantity = |units| Quantity::from_units(units).expect("fits");
    Market {
        name: "Lithium".parse().expect("a name"),
        unit: Unit::Tonne,
        currency: Currency::Usd,
        lot: quantity(1),
        tick: price(10),
        lowest: price(10),
        highest: price(10 * i64::from(LEVELS)),
        largest: quantity(LOTS_MAX),
    }
}

fn rule(allocation: Allocation) -> Rule {
    let cascade =
        vec![Criterion::MostVolume, Criterion::LeastSurplus, Criterion::SurplusSide, Criterion::Reference];
    let rule = Rule::new(Candidates::Limits, cascade, allocation);
    Rule { reference_price: Price::from_units(10 * i64::from(LEVELS / 2)), ..rule }
}

/// Both sides over the whole band, one in a hundred a market order.
fn orders(size: u32) -> Vec<Order> {
    let mut random = ChaCha8Rng::seed_from_u64(u64::from(size));
    let mut below =
        |bound: u32| u32::try_from((u64::from(random.next_u32()) * u64::from(bound)) >> 32).expect("below");
    (0..size)
        .map(|number| Order {
            bid: BidId {
                identity: IdentityId(1 + number % 64),
                command: CommandId(u64::from(number / 64) + 1),
            },
            participant: ParticipantId(1),
            side: if below(2) == 0 { Side::Buy } else { Side::Sell },
            level: (below(100) != 0).then(|| below(LEVELS)),
            lots: i64::from(below(LOTS_MAX)) + 1,
            origin: None,
        })
        .collect()
}

fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let begin = Clock::now();
    let done = black_box(work());
    (begin.elapsed(), done)
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64()
}

fn rounds(size: u32) -> usize {
    (20_000_000 / size as usize).clamp(7, 201)
}

/// A book that is kept by level, as the exchange's are.
fn by_level(size: u32, allocation: Allocation) {
    let (market, orders) = (market(), orders(size));
    let rule = market.rule(&rule(allocation));
    let mut book = Book::new();
    orders.iter().for_each(|order| book.add(*order));
    let limits: Vec<(Option<u32>, i64, Side)> =
        orders.iter().map(|order| (order.level, order.lots, order.side)).collect();
    let keys: Vec<u64> = (0_u64..)
        .zip(&orders)
        .map(|(place, order)| u64::from(order.level.map_or(0, |level| level + 1)) << 32 | place)
        .collect();
    let ([mut sorting, mut ladder, mut clearing, mut ratio], mut last) = (<[Vec<_>; 4]>::default(), None);
    for _ in 0..rounds(size) {
        let mut keys = keys.clone();
        let (sorted, _) = timed(|| keys.sort_unstable());
        let (laddered, _) = timed(|| {
            let mut sides = [Ladder::default(), Ladder::default()];
            for &(level, lots, side) in &limits {
                sides[usize::from(side == Side::Sell)].change(level, lots);
            }
            sides
        });
        let (cleared, outcome) = timed(|| auction::clear(&book, &market, None, &rule, &[]));
        sorting.push(sorted);
        ladder.push(laddered);
        clearing.push(cleared);
        ratio.push(Duration::from_secs_f64((laddered + cleared).as_secs_f64() / sorted.as_secs_f64()));
        last = Some(outcome);
    }
    let Cleared { certificate, given } = last.expect("at least one round");
    // What was measured was the whole work: both sides are given the volume.
    let given_to = |side: Side| {
        let of_side = orders.iter().zip(&given).filter(|(order, _)| order.side == side);
        market.quantity(of_side.map(|(_, given)| given).sum())
    };
    assert_eq!(given_to(Side::Buy), Some(certificate.bought));
    assert_eq!(given_to(Side::Sell), Some(certificate.sold));
    assert!(!certificate.sold.is_zero());
    let (ladder, clearing) = (median(ladder), median(clearing));
    println!(
        "| {size} | {allocation} | {:.3} | {:.3} | {:.3} | {:.1} | {:.2} |",
        median(sorting) * 1e3,
        ladder * 1e3,
        clearing * 1e3,
        (ladder + clearing) * 1e9 / f64::from(size),
        median(ratio),
    );
}

/// A list of orders, as `golv clear` reads it.
fn list<'a>(market: &Market, bids: &[Order], ids: &'a [String]) -> Vec<golv_engine::clearing::Order<'a>> {
    let order = |(rank, (bid, id)): (u32, (&Order, &'a String))| golv_engine::clearing::Order {
        id: id.as_bytes(),
        rank,
        side: bid.side,
        price: bid.level.map(|level| market.price(level)),
        quantity: market.quantity(bid.lots).expect("fits"),
        min_quantity: Quantity::ZERO,
        received: 0,
    };
    (0_u32..).zip(bids.iter().zip(ids)).map(order).collect()
}

fn by_list(size: u32) {
    let (market, bids) = (market(), orders(size));
    let rule = market.rule(&rule(Allocation::PriceTime));
    let ids: Vec<String> = (0..size).map(|number| number.to_string()).collect();
    let orders = list(&market, &bids, &ids);
    let ([mut clearing, mut checking], rounds) = (<[Vec<_>; 2]>::default(), rounds(size).min(21));
    for _ in 0..rounds {
        let (cleared, outcome) = timed(|| clear(&orders, &rule, None).expect("on the grid"));
        let (checked, verdict) = timed(|| check::check(&orders, &rule, None, &outcome));
        assert_eq!(verdict, Ok(()));
        clearing.push(cleared);
        checking.push(checked);
    }
    let clearing = median(clearing);
    println!(
        "| {size} | {:.3} | {:.0} | {:.3} |",
        clearing * 1e3,
        clearing * 1e9 / f64::from(size),
        median(checking) * 1e3
    );
}

/// Every order's winning limit. Checking them reads the whole book again for each quantity, so it is measured once, and not on the largest
/// books.
fn winning(size: u32, allocation: Allocation, has_reference: bool) {
    let (market, bids) = (market(), orders(size));
    let mut rule = market.rule(&rule(allocation));
    rule.reference_price = rule.reference_price.filter(|_| has_reference);
    let ids: Vec<String> = (0..size).map(|number| number.to_string()).collect();
    let orders = list(&market, &bids, &ids);
    let outcome = clear(&orders, &rule, None).expect("on the grid");
    let (mut times, mut limits) = (Vec::new(), Vec::new());
    for _ in 0..rounds(size).min(21) {
        let (time, found) = timed(|| winning_limits(&orders, &rule, None, &outcome).expect("it was cleared"));
        times.push(time);
        limits = found;
    }
    let checked = if size <= 100_000 {
        let check = || check::check_winning_limits(&orders, &rule, None, &outcome, &limits);
        let (time, verdict) = timed(check);
        assert_eq!(verdict, Ok(()));
        format!("{:.0}", time.as_secs_f64() * 1e3)
    } else {
        "-".to_owned()
    };
    println!(
        "| {size} | {} | {allocation} | {} | {:.3} | {checked} |",
        if has_reference { "yes" } else { "no" },
        limits.iter().flatten().count(),
        median(times) * 1e3,
    );
}
