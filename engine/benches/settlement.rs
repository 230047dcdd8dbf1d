//! How long it takes to settle contracts for difference: period after period through the engine's payoff, beside the same arithmetic
//! as a plain pass over arrays.
//!
//! `cargo bench -p golv-engine --bench settlement` prints the table of `docs/performance.md`. In each round both are timed one after
//! the other, so that a slow moment of the machine is slow for both. The plain pass has no terms, no errors and no checks: for each
//! line a difference, a product, one division half to even and what it cuts off, and what the year has used of its cap.

#![expect(clippy::disallowed_types, reason = "the engine has no clock, and its bench measures it with one")]

use std::hint::black_box;
use std::time::{Duration, Instant as Clock};

use golv_engine::cfd::{Payoff, PeriodFacts, Upside, YearToDate};
use golv_engine::num::{Currency, Price, Quantity, Share};
use golv_engine::time::{Calendar, Day, Period};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

const MILLIONTH: i128 = 1_000_000;
/// A cent in units of 10⁻¹².
const CENT: i128 = 10_000 * MILLIONTH;
const SHARE: i128 = 300_000;
const ANNUAL_CAP: i64 = 10_000_000_000_000;

/// Contracts of as many periods each, all against one index.
struct World {
    strikes: Vec<i64>,
    /// The periods, with the years that they are in, and the reference price of each.
    periods: Vec<Period>,
    years: Vec<i32>,
    prices: Vec<i64>,
    /// Contract after contract.
    quantities: Vec<i64>,
}

/// What a pass comes to, so that two can be compared and none is left out.
#[derive(Debug, Default, PartialEq, Eq)]
struct Sums {
    amounts: i128,
    remainders: i128,
}

fn main() {
    // `cargo bench` says so; `cargo test` only wants to know that it works.
    let is_short = !std::env::args().any(|argument| argument == "--bench");
    println!(
        "| payoff | contracts | periods | lines | plain, ms | settled, ms | ns a line | settled ÷ plain |"
    );
    println!("|---|--:|---|--:|--:|--:|--:|--:|");
    let sizes: &[(usize, usize, Calendar)] = if is_short {
        &[(10, 120, Calendar::Monthly)]
    } else {
        &[(10_000, 120, Calendar::Monthly), (10_000, 100, Calendar::Daily), (10_000, 1_000, Calendar::Daily)]
    };
    for &(contracts, periods, calendar) in sizes {
        let world = World::new(contracts, periods, calendar);
        let rounds = if is_short { 1 } else { 9 };
        let two_way = Payoff {
            upside: Some(Upside { above: None, share: Share::WHOLE, annual_cap: None, condition: None }),
            minimum: Some(Price::ZERO),
            ..Payoff::floor()
        };
        world.row("two-way", calendar, rounds, &two_way, World::plain_two_way);
        let share = Share::from_millionths(u32::try_from(SHARE).expect("a share")).expect("a share");
        let cap = i128::from(ANNUAL_CAP / 1_000_000).to_string().parse().ok();
        let shared = Upside { above: None, share, annual_cap: cap, condition: None };
        let floor = Payoff { upside: Some(shared), ..Payoff::floor() };
        world.row("floor, share with an annual cap", calendar, rounds, &floor, World::plain_shared);
    }
}

impl World {
    fn new(contracts: usize, periods: usize, calendar: Calendar) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(7);
        let mut below = |bound: u32| (i64::from(random.next_u32()) * i64::from(bound)) >> 32;
        let strikes = (0..contracts).map(|_| 80_000_000 + below(40_000_000)).collect();
        let prices = (0..periods).map(|_| 40_000_000 + below(120_000_000)).collect();
        let quantities = (0..contracts * periods).map(|_| 1_000 * below(400_000_000)).collect();
        let first = calendar.period(Day::new(2016, 1, 1).expect("a day"));
        let after = |period: &Period| calendar.after(*period);
        let periods: Vec<Period> = std::iter::successors(Some(first), after).take(periods).collect();
        let years = periods.iter().map(|period| period.first.year()).collect();
        Self { strikes, periods, years, prices, quantities }
    }

    fn row(&self, name: &str, calendar: Calendar, rounds: usize, payoff: &Payoff, plain: fn(&Self) -> Sums) {
        let [mut plains, mut settleds, mut ratios] = <[Vec<_>; 3]>::default();
        for _ in 0..rounds {
            let (plainly, expected) = timed(|| plain(self));
            let (settled, sums) = timed(|| self.settle(payoff));
            assert_eq!(sums, expected, "both come to the same");
            ratios.push(Duration::from_secs_f64(settled.as_secs_f64() / plainly.as_secs_f64()));
            plains.push(plainly);
            settleds.push(settled);
        }
        let (lines, settled) = (self.quantities.len(), median(settleds));
        println!(
            "| {name} | {} | {} {} | {lines} | {:.1} | {:.1} | {:.1} | {:.1} |",
            self.strikes.len(),
            self.periods.len(),
            calendar.word(),
            median(plains) * 1e3,
            settled * 1e3,
            settled * 1e9 / lines as f64,
            median(ratios),
        );
    }

    fn settle(&self, payoff: &Payoff) -> Sums {
        let mut sums = Sums::default();
        for (strike, quantities) in self.strikes.iter().zip(self.quantities.chunks(self.periods.len())) {
            let mut year = YearToDate::default();
            for ((period, price), quantity) in self.periods.iter().zip(&self.prices).zip(quantities) {
                let facts = PeriodFacts {
                    period: *period,
                    strike: Price::from_millionths(*strike),
                    reference_price: Some(Price::from_millionths(*price)),
                    quantity: Quantity::from_millionths(*quantity).expect("not negative"),
                    is_upside_shared: true,
                };
                let settled = payoff.settle(&mut year, &facts, Currency::Eur).expect("fits");
                sums.amounts += i128::from(settled.amount.millionths);
                sums.remainders += i128::from(settled.remainder.millionths);
            }
        }
        sums
    }

    fn plain_two_way(&self) -> Sums {
        let mut sums = Sums::default();
        for (strike, quantities) in self.strikes.iter().zip(self.quantities.chunks(self.periods.len())) {
            for (price, quantity) in self.prices.iter().zip(quantities) {
                let exact = i128::from(strike - price.max(&0)) * i128::from(*quantity);
                sums.add(exact, CENT, MILLIONTH);
            }
        }
        sums
    }

    fn plain_shared(&self) -> Sums {
        let mut sums = Sums::default();
        let scale = MILLIONTH * MILLIONTH;
        for (strike, quantities) in self.strikes.iter().zip(self.quantities.chunks(self.periods.len())) {
            let (mut this_year, mut used) = (0, 0_i64);
            for (((year, price), quantity), _) in
                self.years.iter().zip(&self.prices).zip(quantities).zip(&self.periods)
            {
                if *year != this_year {
                    (this_year, used) = (*year, 0);
                }
                let difference = i128::from(strike - price) * i128::from(*quantity);
                let exact = if difference >= 0 {
                    difference * MILLIONTH
                } else {
                    -(-difference * SHARE).min(i128::from(ANNUAL_CAP - used) * scale)
                };
                let amount = sums.add(exact, CENT * MILLIONTH, scale);
                used -= amount.min(0);
            }
        }
        sums
    }
}

impl Sums {
    /// Rounds an exact amount half to even to a cent, which `cent` parts make, and adds it and what was cut off.
    fn add(&mut self, exact: i128, cent: i128, scale: i128) -> i64 {
        let amount = half_even(exact, cent) * (cent / scale);
        self.amounts += amount;
        self.remainders += half_even(exact - amount * scale, scale);
        amount as i64
    }
}

fn half_even(numerator: i128, denominator: i128) -> i128 {
    let quotient = numerator.div_euclid(denominator);
    let twice = 2 * (numerator - quotient * denominator);
    quotient + i128::from(twice > denominator || (twice == denominator && quotient % 2 != 0))
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
