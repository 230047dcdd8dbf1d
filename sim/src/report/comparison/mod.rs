//! The report of a scenario: its policies beside each other on the same prices, as one HTML page, and each chart with its numbers as files.
//!
//! Figures are those of [`crate::metrics`]; what a chart shows stands beside it as CSV. The same plays make the same bytes.
//!
//! Deliberately absent: scripts, anything loaded from elsewhere, and advice.

mod cost;
mod front;
mod numbers;
mod origins;
mod page;
#[cfg(test)]
mod tests;

use golv_engine::num::{Currency, Money, Price};

use super::{AuctionReport, MonthReport};
use crate::metrics::Metrics;
use crate::play::{Outcome, is_step};
use crate::scenario::{Kind, Policy, Scenario, Trade};
use crate::sweep::Summary;

pub use cost::cost_svg;
pub use front::front_svg;
pub use numbers::files;
pub use origins::origins_svg;
pub use page::comparison_html;

/// A scenario's policies beside each other.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// The scenario's title.
    pub title: String,
    /// What it shows and what it cannot.
    pub summary: String,
    /// What everything was drawn from.
    pub seed: u64,
    /// The SHA-256 of the scenario's file, in hexadecimal.
    pub hash: String,
    /// What is traded.
    pub market: String,
    /// The unit of quantities.
    pub unit: String,
    /// The currency.
    pub currency: Currency,
    /// What reference prices are of and whose, as it is to be cited.
    pub price_source: String,
    /// What else a reader must know of the prices; may be empty.
    pub price_note: String,
    /// Whether prices are yearly, so that what is drawn by month is a step.
    pub is_step: bool,
    /// The rate that costs are discounted at.
    pub discount_rate: String,
    /// The policies, the one that others are compared with first.
    pub policies: Vec<Compared>,
    /// How many paths the distributions are over; 0 without any.
    pub paths: usize,
}

/// A policy in a comparison.
#[derive(Clone, Debug)]
pub struct Compared {
    /// Its key.
    pub key: String,
    /// Its name.
    pub name: String,
    /// Whether it buys and sells again, and what it pays is a gap.
    pub is_intermediary: bool,
    /// Its figures on history.
    pub metrics: Metrics,
    /// What a unit moved away from the largest origin costs; `None` where none is moved.
    pub diversification: Option<f64>,
    /// Each month's reference price, and what the policy paid; negative where it was given.
    pub months: Vec<MonthReport>,
    /// The strike of its contracts: the highest that was awarded, or the one that was granted.
    pub strike: Option<Price>,
    /// The auction in which support was awarded, or the purchase.
    pub award: Option<AuctionReport>,
    /// The market's last trade.
    pub trade: Option<AuctionReport>,
    /// Its figures over many paths.
    pub summary: Option<Summary>,
}

/// A play with its figures.
pub struct PlayedPolicy<'a> {
    /// The policy.
    pub policy: &'a Policy,
    /// What came out.
    pub outcome: Outcome,
    /// Its figures.
    pub metrics: Metrics,
}

impl Comparison {
    /// The comparison of plays of a scenario, with what its policies came to over many paths, as far as that was played.
    pub fn of(scenario: &Scenario, played: &[PlayedPolicy<'_>], summaries: &[Summary]) -> Self {
        let baseline = scenario.baseline();
        let of_baseline = played.iter().find(|play| play.policy.key == baseline.key);
        let summary_of = |key: &str| {
            summaries.iter().find(|summary| summary.policy == key && summary.point.is_empty()).cloned()
        };
        let compared = |play: &PlayedPolicy<'_>| {
            let PlayedPolicy { policy, outcome, metrics } = play;
            Compared {
                key: policy.key.clone(),
                name: policy.name.clone(),
                is_intermediary: matches!(policy.kind, Kind::Intermediary(_)),
                diversification: of_baseline
                    .and_then(|baseline| metrics.price_of_diversification(&baseline.metrics)),
                metrics: metrics.clone(),
                months: months(scenario, outcome),
                strike: strike(policy, outcome),
                award: award(scenario, policy, outcome),
                trade: trade(scenario, outcome),
                summary: summary_of(&policy.key),
            }
        };
        let mut policies: Vec<Compared> = played.iter().map(compared).collect();
        policies.sort_by_key(|policy| policy.key != baseline.key);
        let series = &scenario.prices.series;
        let counts = policies.iter().filter_map(|policy| policy.summary.as_ref());
        Self {
            title: scenario.title.clone(),
            summary: scenario.summary.trim().to_owned(),
            seed: scenario.seed,
            hash: scenario.hash.to_string(),
            market: scenario.market.name.to_string(),
            unit: scenario.market.unit.symbol().to_owned(),
            currency: scenario.market.currency,
            price_source: format!("{} ({}): {}", series.label(), series.basis, series.source),
            price_note: series.note.to_owned(),
            is_step: is_step(scenario),
            discount_rate: scenario.discount_rate.to_string(),
            paths: counts.map(|summary| summary.cost.count()).max().unwrap_or(0),
            policies,
        }
    }

    /// Currency and unit of prices, such as `USD/t`.
    pub fn price_unit(&self) -> String {
        format!("{}/{}", self.currency, self.unit)
    }

    /// The public cost that a policy is judged by: on average over the paths, or on history where there are none.
    fn cost(&self, policy: &Compared) -> f64 {
        policy.summary.as_ref().map_or(policy.metrics.public_cost, |summary| summary.cost.mean())
    }

    /// The survival that a policy is judged by, likewise.
    fn survival(&self, policy: &Compared) -> f64 {
        policy.summary.as_ref().map_or(policy.metrics.survival, |summary| summary.survival.mean())
    }

    /// What figures are judged by, for captions.
    fn basis(&self) -> String {
        match self.paths {
            0 => "on historic prices".to_owned(),
            paths => format!("on average over {paths} paths"),
        }
    }
}

fn months(scenario: &Scenario, outcome: &Outcome) -> Vec<MonthReport> {
    let month = |facts: &crate::play::MonthFacts| {
        let net = facts.paid - facts.given + facts.gap;
        // A month's net payment is a sum of amounts that an exchange posted, and fits.
        let millionths = i64::try_from(net).unwrap_or(if net < 0 { i64::MIN } else { i64::MAX });
        let payment = Money { currency: scenario.market.currency, millionths };
        MonthReport { month: facts.month, reference_price: facts.reference_price, payment }
    };
    outcome.months.iter().map(month).collect()
}

fn strike(policy: &Policy, outcome: &Outcome) -> Option<Price> {
    match &policy.kind {
        Kind::Contracts(contracts) => match &outcome.award {
            Some(award) => award.price,
            None => Some(contracts.strike),
        },
        Kind::NoSupport | Kind::Intermediary(_) => None,
    }
}

fn award(scenario: &Scenario, policy: &Policy, outcome: &Outcome) -> Option<AuctionReport> {
    let award = outcome.award.as_ref()?;
    let unit = scenario.market.unit.symbol();
    let (name, unit, wanted, limit) = match &policy.kind {
        Kind::Contracts(contracts) => {
            let crate::scenario::Award::Auction { volume, .. } = contracts.award else { return None };
            (
                format!("Support auction, {}", award.month),
                format!("{unit} a period"),
                volume,
                contracts.strike,
            )
        }
        Kind::Intermediary(intermediary) => {
            let months = intermediary.programme.first.through(intermediary.programme.last);
            let wanted = intermediary.volume.millionths().checked_mul(i64::from(months));
            let wanted = wanted.and_then(golv_engine::num::Quantity::from_millionths)?;
            (format!("Purchase, {}", award.month), unit.to_owned(), wanted, intermediary.ceiling)
        }
        Kind::NoSupport => return None,
    };
    let offered = award.supply.iter().filter(|(price, _)| award.price.is_some_and(|limit| *price <= limit));
    let offered = offered.map(|(_, quantity)| quantity.millionths()).sum();
    Some(AuctionReport {
        name,
        unit,
        supply: award.supply.clone(),
        demand: vec![(limit, wanted)],
        price: award.price,
        volume: award.volume,
        offered: golv_engine::num::Quantity::from_millionths(offered)?,
        wanted,
        decided_by: None,
    })
}

fn trade(scenario: &Scenario, outcome: &Outcome) -> Option<AuctionReport> {
    let trade = outcome.trades.last()?;
    let name = match scenario.trade {
        Trade::Call => format!("The market's auction, {}", trade.month),
        Trade::Rounds => format!("The round, {}, deals at their average price", trade.month),
    };
    let within = |bids: &[(Price, golv_engine::num::Quantity)], is_in: &dyn Fn(Price, Price) -> bool| {
        let bids = bids.iter().filter(|(price, _)| trade.price.is_some_and(|at| is_in(*price, at)));
        golv_engine::num::Quantity::from_millionths(bids.map(|(_, quantity)| quantity.millionths()).sum())
    };
    Some(AuctionReport {
        name,
        unit: scenario.market.unit.symbol().to_owned(),
        offered: within(&trade.supply, &|price, at| price <= at)?,
        wanted: within(&trade.demand, &|price, at| price >= at)?,
        supply: trade.supply.clone(),
        demand: trade.demand.clone(),
        price: trade.price,
        volume: trade.volume,
        decided_by: None,
    })
}

/// A figure in millionths, to be drawn and rounded: at most what a number of 128 bits holds.
fn millionths(figure: f64) -> i128 {
    (figure * 1e6).round() as i128
}
