//! Figures of what was played, each with its formula (`docs/scenarios.md` has them all in one table).
//!
//! This is statistics: facts are exact, and become floating-point numbers here, in units of the market's currency and mass. Nothing that is settled
//! or decided depends on them.
//!
//! *Home* producers are those from the origins that any policy of the scenario supports, so that they are the same under every policy.

mod distribution;

use std::collections::BTreeMap;

use golv_engine::num::Amount;
use golv_engine::text::Country;
use golv_engine::time::Month;
use ordered_float::OrderedFloat;

use crate::play::{Outcome, ProducerFacts};
use crate::scenario::{Policy, Scenario};

pub use distribution::Distribution;

/// The share of one third country that the Critical Raw Materials Act sets as a benchmark for 2030 (Regulation (EU) 2024/1252, article 5).
pub const BENCHMARK_SHARE: f64 = 0.65;

/// The least concentration of a market in which one origin has the benchmark's share: 65² = 4,225 of 10,000.
pub const BENCHMARK_CONCENTRATION: f64 = 4_225.0;

/// Figures of one play. Amounts are in the market's currency, quantities in its unit.
#[derive(Clone, Debug, PartialEq)]
pub struct Metrics {
    /// What contracts paid to holders: Σ over months and contracts of what is positive.
    pub paid: f64,
    /// What holders gave: Σ of what is negative, as a positive number.
    pub given: f64,
    /// What an intermediary paid its suppliers less what its buyers paid it.
    pub gap: f64,
    /// Public cost: paid − given + gap. Negative where the programme gained.
    pub public_cost: f64,
    /// Σₖ costₖ ÷ (1 + r)^(k/12), costₖ being that of the kth month and r the scenario's rate.
    pub public_cost_discounted: f64,
    /// The calendar year with the highest public cost, and that cost.
    pub worst_year: (i32, f64),
    /// What the programme was funded with.
    pub budget: f64,
    /// The most that it ever had reserved: max(0, strike − stress price) × volume × periods left, over its contracts.
    pub reserved_most: f64,
    /// What it still owed at the end.
    pub unpaid: f64,
    /// What home producers were paid by buyers, here and elsewhere.
    pub home_revenue: f64,
    /// What they were paid in all, less cost of production and fixed costs; before capital.
    pub home_result: f64,
    /// Home producers that stand at the end ÷ all home producers; one that was never built does not stand.
    pub survival: f64,
    /// Σ capital of the plants that were decided on.
    pub investment: f64,
    /// What buyers paid.
    pub buyers_cost: f64,
    /// What they bought.
    pub bought: f64,
    /// What they bought ÷ what they wanted.
    pub served: f64,
    /// By origin: what it sold in the market ÷ all that was sold there. Sums to 1, or is empty.
    pub shares: BTreeMap<Country, f64>,
    /// Σ (100 × share)², from 0 to 10,000: the Herfindahl–Hirschman index of origins.
    pub concentration: f64,
    /// Σ surplus ÷ Σ greatest surplus, over all times that the market traded: at true costs (or what the producer could get elsewhere) and true
    /// worth. 1 where there was none to be had.
    pub efficiency: f64,
}

/// Millionths as a number.
fn number(millionths: i128) -> f64 {
    millionths as f64 / 1_000_000.0
}

impl Metrics {
    /// The figures of a play.
    pub fn of(scenario: &Scenario, policy: &Policy, outcome: &Outcome) -> Self {
        let paid = outcome.months.iter().map(|month| month.paid).sum();
        let given = outcome.months.iter().map(|month| month.given).sum();
        let gap = outcome.months.iter().map(|month| month.gap).sum();
        let home: Vec<&ProducerFacts> =
            outcome.producers.iter().filter(|producer| is_home(scenario, producer.origin)).collect();
        let of_home = |of: fn(&ProducerFacts) -> i128| number(home.iter().map(|producer| of(producer)).sum());
        let stands = |producer: &&&ProducerFacts| !producer.is_absent && producer.closed.is_none();
        let standing = home.iter().filter(stands).count();
        let buyers = &outcome.buyers;
        let bought: i128 = buyers.iter().map(|buyer| i128::from(buyer.bought.millionths())).sum();
        let wanted: i128 = buyers.iter().map(|buyer| i128::from(buyer.wanted.millionths())).sum();
        let shares = shares(outcome);
        let (surplus, most) = outcome
            .trades
            .iter()
            .fold((0, 0), |(surplus, most), trade| (surplus + trade.surplus, most + trade.surplus_most));
        Self {
            paid: number(paid),
            given: number(given),
            gap: number(gap),
            public_cost: number(paid - given + gap),
            public_cost_discounted: discounted(outcome, rate(scenario)),
            worst_year: worst_year(outcome),
            budget: number(budget(policy).millionths().into()),
            reserved_most: number(outcome.reserved_most),
            unpaid: number(outcome.unpaid),
            home_revenue: of_home(|producer| producer.revenue + producer.revenue_elsewhere),
            home_result: of_home(|producer| {
                producer.revenue + producer.revenue_elsewhere + producer.support - producer.cost
            }),
            survival: ratio(standing as f64, home.len() as f64),
            investment: number(outcome.producers.iter().map(|producer| producer.capital).sum()),
            buyers_cost: number(buyers.iter().map(|buyer| buyer.paid).sum()),
            bought: number(bought),
            served: ratio(bought as f64, wanted as f64),
            concentration: shares.values().map(|share| (100.0 * share).powi(2)).sum(),
            shares,
            efficiency: ratio(surplus as f64, most as f64),
        }
    }

    /// The origin that sold most, of two alike the first by letters, and its share; `None` where nothing was sold.
    pub fn largest_share(&self) -> Option<(Country, f64)> {
        let first_of_largest = self.shares.iter().rev().max_by_key(|(_, share)| OrderedFloat(**share));
        first_of_largest.map(|(origin, share)| (*origin, *share))
    }

    /// What it costs to move a unit of supply away from the origin that is largest without the policy:
    ///
    /// ```text
    /// (c − c₀) ÷ (s₀ − s),   c = (buyers' cost + public cost) ÷ bought
    /// ```
    ///
    /// with s the share of that origin, and ₀ the play that it is compared with. `None` unless the share fell.
    pub fn price_of_diversification(&self, baseline: &Self) -> Option<f64> {
        let (origin, before) = baseline.largest_share()?;
        let moved = before - self.shares.get(&origin).copied().unwrap_or(0.0);
        let per_unit = |metrics: &Self| (metrics.buyers_cost + metrics.public_cost) / metrics.bought;
        let is_known = moved > 1e-9 && self.bought > 0.0 && baseline.bought > 0.0;
        is_known.then(|| (per_unit(self) - per_unit(baseline)) / moved)
    }
}

/// Whether any policy of a scenario supports an origin.
fn is_home(scenario: &Scenario, origin: Country) -> bool {
    let mut programmes = scenario.policies.iter().filter_map(Policy::programme);
    programmes.any(|programme| programme.origins.contains(&origin))
}

fn budget(policy: &Policy) -> Amount {
    policy.programme().map_or(Amount::ZERO, |programme| programme.budget)
}

fn rate(scenario: &Scenario) -> f64 {
    f64::from(scenario.discount_rate.millionths()) / 1_000_000.0
}

/// A part of a whole, and 1 where there is no whole: nothing was missed of nothing.
fn ratio(part: f64, whole: f64) -> f64 {
    if whole == 0.0 { 1.0 } else { part / whole }
}

/// What a month cost the public, in millionths.
fn cost_of(month: &crate::play::MonthFacts) -> i128 {
    month.paid - month.given + month.gap
}

fn discounted(outcome: &Outcome, rate: f64) -> f64 {
    let months = outcome.months.iter().zip(1_u32..);
    let present = |(month, number_of): (_, u32)| {
        number(cost_of(month)) / (1.0 + rate).powf(f64::from(number_of) / 12.0)
    };
    months.map(present).sum()
}

fn worst_year(outcome: &Outcome) -> (i32, f64) {
    let mut years = BTreeMap::<i32, i128>::new();
    for month in &outcome.months {
        *years.entry(Month::year(month.month)).or_default() += cost_of(month);
    }
    let worst = years.iter().rev().max_by_key(|(_, cost)| **cost);
    worst.map_or((0, 0.0), |(year, cost)| (*year, number(*cost)))
}

fn shares(outcome: &Outcome) -> BTreeMap<Country, f64> {
    let mut sold = BTreeMap::<Country, i128>::new();
    for producer in &outcome.producers {
        *sold.entry(producer.origin).or_default() += i128::from(producer.sold.millionths());
    }
    let all: i128 = sold.values().sum();
    let sold = sold.into_iter().filter(|_| all > 0);
    sold.map(|(origin, sold)| (origin, sold as f64 / all as f64)).collect()
}

#[cfg(test)]
mod tests;
