//! `golv sim compare`: policies beside each other.

use std::error::Error;

use clap::Args;
use golv_sim::metrics::Metrics;
use golv_sim::play::{PricePath, play_on_engine};
use golv_sim::report::comparison::{Comparison, PlayedPolicy};
use serde_json::{Map, Value, json};

use super::paths::PathOptions;
use super::source::{self, Source};
use super::told::{figure, text};
use crate::print::{self, table};

/// What to compare, on what.
#[derive(Args, Debug)]
pub struct Compare {
    #[command(flatten)]
    pub(super) compared: Compared,
    /// Print one JSON object instead of a table
    #[arg(long)]
    json: bool,
}

/// Policies of a scenario, and how many paths beside history.
#[derive(Args, Debug)]
pub(super) struct Compared {
    /// The scenario: a name of golv sim scenarios, or a file that ends in .toml
    #[arg(value_name = "SCENARIO")]
    scenario: String,
    /// The policies, by their keys; all if not given
    #[arg(long, value_name = "KEY,…", value_delimiter = ',')]
    policies: Vec<String>,
    /// How many paths to play beside history
    #[arg(long, value_name = "N", default_value_t = 0)]
    paths: u32,
    #[command(flatten)]
    how: PathOptions,
}

impl Compared {
    /// Plays everything.
    pub(super) fn comparison(&self) -> Result<Comparison, Box<dyn Error>> {
        let source = Source::find(&self.scenario)?;
        let scenario = source.scenario()?;
        let policies = source::policies(&scenario, &self.policies)?;
        self.how.set_threads()?;
        let (history, _) = PricePath::historic(&scenario)?;
        let path = history.shocked(&scenario);
        let mut played = Vec::new();
        for policy in policies {
            let (outcome, _) = play_on_engine(&scenario, policy, &path)?;
            let metrics = Metrics::of(&scenario, policy, &outcome);
            played.push(PlayedPolicy { policy, outcome, metrics });
        }
        let summaries = self.how.summaries(&source, &self.policies, self.paths)?;
        Ok(Comparison::of(&scenario, &played, &summaries))
    }
}

/// Plays policies and prints their figures.
pub(super) fn run(options: &Compare) -> Result<(), Box<dyn Error>> {
    let comparison = options.compared.comparison()?;
    if options.json {
        print::line(as_json(&comparison));
    } else {
        print::line(as_table(&comparison));
    }
    Ok(())
}

/// A row for each figure that any policy has, a column for each policy.
fn as_table(comparison: &Comparison) -> String {
    let columns: Vec<_> = comparison.policies.iter().map(|policy| policy.figures()).collect();
    let titles: Vec<String> = comparison.policies.iter().map(|policy| format!(">{}", policy.key)).collect();
    let titles: Vec<&str> = ["figure"].into_iter().chain(titles.iter().map(String::as_str)).collect();
    let names = columns.first().into_iter().flatten().map(|(name, _)| *name);
    let rows = names.enumerate().filter_map(|(place, name)| {
        // All policies have the same figures in the same order.
        let values = columns.iter().map(|column| figure(name, &column[place].1));
        let row: Vec<String> = [name.to_owned()].into_iter().chain(values).collect();
        row.iter().skip(1).any(|value| !value.is_empty()).then_some(row)
    });
    let on = match comparison.paths {
        0 => "on historic prices".to_owned(),
        1 => "on historic prices, and over 1 path where a figure says so".to_owned(),
        paths => format!("on historic prices, and over {paths} paths where a figure says so"),
    };
    format!(
        "{}\nAmounts in {}, quantities in {}, {on}\n{}",
        comparison.title,
        comparison.currency,
        comparison.unit,
        table(&titles, rows)
    )
}

fn as_json(comparison: &Comparison) -> Value {
    let policies: Map<String, Value> = comparison
        .policies
        .iter()
        .map(|policy| {
            let figures: Map<String, Value> =
                policy.figures().iter().map(|(name, value)| ((*name).to_owned(), text(value))).collect();
            (policy.key.clone(), json!({"name": policy.name, "figures": figures}))
        })
        .collect();
    json!({
        "scenario": comparison.hash,
        "title": comparison.title,
        "currency": comparison.currency.code(),
        "unit": comparison.unit,
        "paths": comparison.paths,
        "policies": policies,
    })
}
