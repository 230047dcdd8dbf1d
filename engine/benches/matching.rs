//! How long it takes to match a sparse board of offers and requests, to check the result, and how far the search comes with
//! least quantities; and beside it a solver of linear and mixed-integer programs.
//!
//! `cargo bench -p golv-engine --bench matching` prints the table of `docs/performance.md`. An offer and a request go together
//! if their grades do, of which there are a tenth as many as entries on a side. Both find the same quantity and surplus where there are no
//! least quantities, or the bench fails.

#![expect(clippy::disallowed_types, reason = "the engine has no clock, and its bench measures it with one")]

use std::time::{Duration, Instant as Clock};

use golv_engine::bilateral::{Board, Entry, Preference, PriceRule, Proof, RoundRule, check, hold_round};
use golv_engine::num::Price;
use golv_engine::time::Day;
use microlp::{ComparisonOp, OptimizationDirection, Problem, SolutionStatus, SolveOptions, Variable};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// What the solver may take for a board.
const PATIENCE: Duration = Duration::from_secs(10);

/// How many partial choices the search may look at.
const NODES: u64 = 500;

struct Names {
    ids: Vec<String>,
    grades: Vec<String>,
}

fn main() {
    // `cargo bench` says so; `cargo test` only wants to know that it works.
    let is_short = !std::env::args().any(|argument| argument == "--bench");
    println!(
        "| board | pairs | least lots | matched | ms | checked, ms | nodes | gap | solver, ms | its quantity |"
    );
    println!("|---|--:|---|--:|--:|--:|--:|--:|--:|--:|");
    let sizes: &[usize] = if is_short { &[10] } else { &[10, 100, 1_000] };
    for &size in sizes {
        for with_least in [false, true] {
            row(size, with_least, is_short);
        }
    }
}

fn row(size: usize, with_least: bool, is_short: bool) {
    let names = Names {
        ids: (0..2 * size).map(|number| format!("e{number:05}")).collect(),
        grades: (0..size.div_ceil(10)).map(|number| format!("grade {number}")).collect(),
    };
    let mut random = ChaCha8Rng::seed_from_u64(size as u64);
    let board = board(&names, size, with_least, &mut random);
    let rule = RoundRule {
        preference: Preference::Surplus,
        price: PriceRule::Uniform,
        floor: None,
        origin_cap: None,
        owner_cap: None,
    };
    let rounds = if is_short { 1 } else { 5 };
    let (mut best, mut round) = (Duration::MAX, None);
    for _ in 0..rounds {
        let begun = Clock::now();
        let found = hold_round(&board, &rule, NODES).expect("a board");
        best = best.min(begun.elapsed());
        round = Some(found);
    }
    let round = round.expect("at least one");
    let begun = Clock::now();
    check(&board, &rule, &round.deals, &round.worth, round.duals.as_ref()).expect("right");
    let checked = begun.elapsed();
    let gap = match &round.proof {
        Proof::Optimal => 0,
        Proof::Bound(bound) => bound.quantity - round.worth.quantity,
    };
    let pairs = pairs(&board);
    let (solver, its) = solved(&board, &pairs, with_least);
    if !with_least && let Some(its) = its {
        assert!((its - round.worth.quantity as f64).abs() < 0.5, "both match as much");
    }
    println!(
        "| {size} × {size} | {} | {} | {} | {:.1} | {:.1} | {} | {gap} | {} | {} |",
        pairs.len(),
        if with_least { "yes" } else { "no" },
        round.worth.quantity,
        best.as_secs_f64() * 1_000.0,
        checked.as_secs_f64() * 1_000.0,
        round.nodes,
        solver.map_or_else(|| "stopped".to_owned(), |took| format!("{:.1}", took.as_secs_f64() * 1_000.0)),
        its.map_or_else(|| "-".to_owned(), |quantity| format!("{quantity:.0}")),
    );
}

fn board<'a>(names: &'a Names, size: usize, with_least: bool, random: &mut ChaCha8Rng) -> Board<'a> {
    let day = Day::new(2026, 1, 1).expect("a day");
    let mut entry = |number: usize, is_offer: bool| {
        let mut below = |most: u32| random.next_u32() % most;
        let quantity = i64::from(below(100) + 1);
        let limit = i64::from(below(100)) + if is_offer { 50 } else { 90 };
        let minimum = if with_least { i64::from(below(60)).min(quantity) } else { 0 };
        let party = u32::try_from(number).expect("few");
        Entry {
            id: names.ids[number].as_bytes(),
            party,
            owner: party,
            material: "gallium",
            grade: &names.grades[below(u32::try_from(names.grades.len()).expect("few")) as usize],
            purity: None,
            place: "",
            origin: None,
            first: day,
            last: day,
            minimum,
            quantity,
            limit: Price::from_units(limit).expect("fits"),
            sector: 0,
        }
    };
    let offers = (0..size).map(|number| entry(number, true)).collect();
    Board { offers, requests: (size..2 * size).map(|number| entry(number, false)).collect() }
}

fn pairs(board: &Board<'_>) -> Vec<(usize, usize)> {
    let mut pairs = Vec::new();
    for (offer, ask) in board.offers.iter().enumerate() {
        for (request, bid) in board.requests.iter().enumerate() {
            if golv_engine::bilateral::are_compatible(ask, bid, None) {
                pairs.push((offer, request));
            }
        }
    }
    pairs
}

/// The same by the solver: quantity first, by a weight above all surpluses of a lot.
fn solved(board: &Board<'_>, pairs: &[(usize, usize)], with_least: bool) -> (Option<Duration>, Option<f64>) {
    let begun = Clock::now();
    let mut program = Problem::new(OptimizationDirection::Maximize);
    let mut ends: [Vec<Vec<(Variable, f64)>>; 2] =
        [vec![Vec::new(); board.offers.len()], vec![Vec::new(); board.requests.len()]];
    let mut lots = Vec::new();
    for &(offer, request) in pairs {
        let (ask, bid) = (&board.offers[offer], &board.requests[request]);
        let gain = (bid.limit.millionths() - ask.limit.millionths()) as f64 / 1e6;
        let most = ask.quantity.min(bid.quantity) as f64;
        let variable = program.add_var(1_000.0 + gain, (0.0, most));
        let least = ask.minimum.max(bid.minimum) as f64;
        if with_least && least > 0.0 {
            // There is a deal or not: least × is there ≤ lots ≤ most × is there.
            let there = program.add_binary_var(0.0);
            program.add_constraint([(variable, 1.0), (there, -least)], ComparisonOp::Ge, 0.0);
            program.add_constraint([(variable, 1.0), (there, -most)], ComparisonOp::Le, 0.0);
        }
        ends[0][offer].push((variable, 1.0));
        ends[1][request].push((variable, 1.0));
        lots.push(variable);
    }
    let quantities =
        [&board.offers, &board.requests].map(|side| side.iter().map(|entry| entry.quantity as f64));
    for (terms, quantities) in ends.iter().zip(quantities) {
        for (terms, quantity) in terms.iter().zip(quantities) {
            if !terms.is_empty() {
                program.add_constraint(terms.as_slice(), ComparisonOp::Le, quantity);
            }
        }
    }
    let mut options = SolveOptions::default();
    options.time_limit = Some(PATIENCE);
    let solution = program.solve_with(options).ok().and_then(|outcome| outcome.into_solution().ok());
    let Some(solution) = solution else { return (None, None) };
    let quantity = lots.iter().map(|variable| solution[*variable]).sum();
    let is_done = solution.status() == SolutionStatus::Optimal;
    (is_done.then(|| begun.elapsed()), Some(quantity))
}
