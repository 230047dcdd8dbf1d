//! How long it takes to clear an indivisible book for the greatest welfare, or how far the search comes in a second; and
//! beside it a solver of mixed-integer programs.
//!
//! `cargo bench -p golv-gateway --bench indivisible` prints the table of `docs/performance.md`.

mod common;

use std::time::{Duration, Instant as Clock};

use golv_engine::book::Side;
use golv_engine::clearing::{Allocation, Candidates, Criterion, Order, Payment, Rounding, Rule};
use golv_engine::indivisible::{Optimum, Proof, Welfare, check, optimum};
use golv_engine::num::{MILLIONTHS, Price, Quantity};
use microlp::{ComparisonOp, OptimizationDirection, Problem, SolutionStatus, SolveOptions};

/// What the solver may take for a book.
const PATIENCE: Duration = Duration::from_secs(10);

/// The books. Offers and bids have limits of 50 to 150, to the cent, and up to 1,000 tonnes, whole tonnes each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Offers whole or not at all; half as many bids that take any part.
    Whole,
    /// Offers of use from half of their quantity on; half as many bids that take any part.
    FromHalf,
    /// Offers whole or not at all; one buyer wants half of all that is offered, at any of their limits.
    OneBuyer,
    /// Offers and half as many bids, all whole or not at all.
    BothSides,
    /// As `OneBuyer`, but the larger an offer, the cheaper, to the cent: the hardest for such a search.
    Correlated,
}

impl Kind {
    const ALL: [Self; 5] = [Self::Whole, Self::FromHalf, Self::OneBuyer, Self::BothSides, Self::Correlated];

    const fn name(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::FromHalf => "from half",
            Self::OneBuyer => "one buyer",
            Self::BothSides => "both sides",
            Self::Correlated => "correlated",
        }
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let is_short = common::is_short(&arguments);
    let (sizes, books): (&[u64], u64) = if is_short { (&[20], 2) } else { (&[50, 200, 1_000], 9) };
    println!(
        "| book | offers | optimal, of {books} | ms, median | ms, most | nodes, median | nodes, most | widest gap | \
         solver done, of {books} | its ms, median | its ms, most |"
    );
    println!("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|");
    for kind in Kind::ALL {
        for &offers in sizes {
            measure(kind, offers, books);
        }
    }
}

/// Clears so many books of a kind and size, and prints a row.
fn measure(kind: Kind, offers: u64, books: u64) {
    let mut searched: Vec<(Duration, Optimum)> = Vec::new();
    let mut solved: Vec<Duration> = Vec::new();
    for number in 0..books {
        let orders = book(kind, offers, number);
        let (took, found) = search(&orders);
        let began = Clock::now();
        if let Some(welfare) = solver(&orders) {
            solved.push(began.elapsed());
            // Up to the solver's own precision.
            let ours = in_units(found.welfare);
            assert!(
                welfare <= in_units(found.bound()) * (1.0 + 1e-9) + 1e-3,
                "{welfare} of {}",
                found.bound()
            );
            assert!(
                found.proof != Proof::Optimal || welfare >= ours * (1.0 - 1e-9) - 1e-3,
                "{welfare} of {ours}"
            );
        }
        searched.push((took, found));
    }
    let milliseconds = |took: Duration| took.as_secs_f64() * 1_000.0;
    let mut times: Vec<f64> = searched.iter().map(|(took, _)| milliseconds(*took)).collect();
    let mut nodes: Vec<f64> = searched.iter().map(|(_, found)| found.nodes as f64).collect();
    let mut solver_times: Vec<f64> = solved.iter().copied().map(milliseconds).collect();
    let optimal = searched.iter().filter(|(_, found)| found.proof == Proof::Optimal).count();
    let gap = |found: &Optimum| match found.gap() {
        Welfare::ZERO => 0.0,
        gap => in_units(gap) / in_units(found.bound()),
    };
    let widest = searched.iter().map(|(_, found)| gap(found)).fold(0.0, f64::max);
    let [median_time, most_time] = median_and_most(&mut times);
    let [median_nodes, most_nodes] = median_and_most(&mut nodes);
    let [solver_median, solver_most] = median_and_most(&mut solver_times);
    let time = |time: Option<f64>| time.map_or_else(|| "-".to_owned(), |time| format!("{time:.1}"));
    let count = |count: Option<f64>| count.map_or_else(|| "-".to_owned(), common::thousands);
    let gap = if widest == 0.0 { "0".to_owned() } else { format!("{:.4} %", widest * 100.0) };
    println!(
        "| {} | {} | {optimal} | {} | {} | {} | {} | {gap} | {} | {} | {} |",
        kind.name(),
        common::thousands(offers as f64),
        time(median_time),
        time(most_time),
        count(median_nodes),
        count(most_nodes),
        solved.len(),
        time(solver_median),
        time(solver_most),
    );
}

/// Clears a book with as many nodes as take a second. A shorter search first, which is not counted, tells how many that is.
fn search(orders: &[Order<'_>]) -> (Duration, Optimum) {
    let rule = rule();
    let timed = |limit: u64| {
        let began = Clock::now();
        let found = optimum(orders, &rule, limit).expect("a book");
        (began.elapsed(), found)
    };
    let mut limit = 10_000;
    loop {
        let (took, found) = timed(limit);
        if found.proof == Proof::Optimal || took > Duration::from_millis(900) {
            check::check(orders, &rule, &found).expect("what it may be");
            return (took, found);
        }
        let of_a_second = took.as_secs_f64().max(0.001);
        limit = (limit as f64 / of_a_second).min(limit as f64 * 16.0) as u64;
    }
}

fn in_units(welfare: Welfare) -> f64 {
    welfare.raw() as f64 / 1e12
}

fn median_and_most(numbers: &mut [f64]) -> [Option<f64>; 2] {
    numbers.sort_by(f64::total_cmp);
    [numbers.get(numbers.len() / 2).copied(), numbers.last().copied()]
}

fn rule() -> Rule {
    Rule {
        candidates: Candidates::Limits,
        cascade: vec![Criterion::MostVolume, Criterion::LastAcceptedOffer],
        allocation: Allocation::PriceTime,
        payment: Payment::OnePrice,
        reference_price: None,
        tick: None,
        rounding: Rounding::HalfUp,
        lot: None,
        minimum: None,
        band: None,
        floor: None,
        ceiling: None,
        quote: None,
    }
}

/// A book, the same for the same numbers.
fn book(kind: Kind, offers: u64, number: u64) -> Vec<Order<'static>> {
    let mut state = number * 1_000_003 + offers;
    let mut any = |below: i64| {
        state += 1;
        (common::mixed(state) >> 1) as i64 % below
    };
    let order = |side: Side, cents: i64, tonnes: i64, minimum: i64| Order {
        id: b"",
        rank: 0,
        side,
        price: Some(Price::from_millionths(cents * MILLIONTHS / 100)),
        quantity: Quantity::from_millionths(tonnes * MILLIONTHS).expect("positive"),
        min_quantity: Quantity::from_millionths(minimum * MILLIONTHS).expect("positive"),
        received: 0,
    };
    let mut orders = Vec::new();
    for _ in 0..offers {
        let (tonnes, cents) = (1 + any(1_000), 5_000 + any(10_001));
        let minimum = if kind == Kind::FromHalf { (tonnes + 1) / 2 } else { tonnes };
        let cents = if kind == Kind::Correlated { 15_000 - tonnes } else { cents };
        orders.push(order(Side::Sell, cents, tonnes, minimum));
    }
    let offered: i64 = orders.iter().map(|order| order.quantity.millionths() / MILLIONTHS).sum();
    if matches!(kind, Kind::OneBuyer | Kind::Correlated) {
        orders.push(order(Side::Buy, 15_000, offered / 2, 0));
        return orders;
    }
    for _ in 0..offers / 2 {
        // Twice as large as offers, so that as much is wanted as offered.
        let (tonnes, cents) = (2 * (1 + any(1_000)), 5_000 + any(10_001));
        orders.push(order(Side::Buy, cents, tonnes, if kind == Kind::BothSides { tonnes } else { 0 }));
    }
    orders
}

/// The greatest welfare by the solver, one program for each price; `None` if it was not done in time. The most promising
/// price comes first, and one whose merit order is worth no more than what was found is left out.
fn solver(orders: &[Order<'_>]) -> Option<f64> {
    let deadline = Clock::now() + PATIENCE;
    let limits = orders.iter().filter(|order| order.side == Side::Sell).filter_map(|order| order.price);
    let mut prices: Vec<(f64, Price)> = limits.map(|price| (by_merit(orders, price), price)).collect();
    prices.sort_by(|one, other| other.0.total_cmp(&one.0).then(one.1.cmp(&other.1)));
    prices.dedup();
    let mut best = 0.0_f64;
    for (at_most, price) in prices {
        if at_most <= best + 1e-6 {
            break;
        }
        best = best.max(program(orders, price, deadline)?);
    }
    Some(best)
}

/// What a price would be worth without minimums.
fn by_merit(orders: &[Order<'_>], price: Price) -> f64 {
    let gains = |side: Side| {
        let mut gains: Vec<(f64, f64)> = orders
            .iter()
            .filter(|order| order.side == side)
            .map(|order| (gain(order, price), units(order.quantity.millionths())))
            .filter(|(gain, _)| *gain >= 0.0)
            .collect();
        gains.sort_by(|one, other| other.0.total_cmp(&one.0));
        gains
    };
    let sides = [gains(Side::Buy), gains(Side::Sell)];
    let [bought, sold] = sides.each_ref().map(|side| side.iter().map(|(_, quantity)| quantity).sum::<f64>());
    let worth = |side: &[(f64, f64)]| {
        let mut left = bought.min(sold);
        side.iter().fold(0.0, |worth, (gain, quantity)| {
            let takes = quantity.min(left);
            left -= takes;
            worth + gain * takes
        })
    };
    sides.iter().map(|side| worth(side)).sum()
}

fn units(millionths: i64) -> f64 {
    millionths as f64 / 1e6
}

/// What an order gains with each tonne at a price.
fn gain(order: &Order<'_>, price: Price) -> f64 {
    let limit = order.price.expect("limits alone").millionths();
    let gain = if order.side == Side::Buy { limit - price.millionths() } else { price.millionths() - limit };
    units(gain)
}

/// The greatest welfare at a price; `None` if it was not found in time.
fn program(orders: &[Order<'_>], price: Price, deadline: Clock) -> Option<f64> {
    let mut program = Problem::new(OptimizationDirection::Maximize);
    let mut balance = Vec::new();
    for order in orders {
        let (sign, gain) = (if order.side == Side::Buy { 1.0 } else { -1.0 }, gain(order, price));
        let (quantity, minimum) =
            (units(order.quantity.millionths()), units(order.min_quantity.millionths()));
        if gain < 0.0 {
            continue;
        }
        if minimum == quantity {
            balance.push((program.add_binary_var(gain * quantity), sign * quantity));
            continue;
        }
        let takes = program.add_var(gain, (0.0, quantity));
        balance.push((takes, sign));
        if minimum > 0.0 {
            let is_accepted = program.add_binary_var(0.0);
            program.add_constraint([(takes, 1.0), (is_accepted, -quantity)], ComparisonOp::Le, 0.0);
            program.add_constraint([(takes, 1.0), (is_accepted, -minimum)], ComparisonOp::Ge, 0.0);
        }
    }
    program.add_constraint(&balance, ComparisonOp::Eq, 0.0);
    let mut options = SolveOptions::default();
    options.time_limit = Some(deadline.saturating_duration_since(Clock::now()));
    let solution = program.solve_with(options).ok()?.into_solution().ok()?;
    (solution.status() == SolutionStatus::Optimal).then(|| solution.objective())
}
