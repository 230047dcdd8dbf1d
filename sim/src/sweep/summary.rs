//! What a sweep comes to: for each point and policy, figures over its paths.

use super::rows::{Done, Row};
use crate::metrics::Distribution;

/// What a point's policy comes to over its paths. Amounts are in the market's currency.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// What the parameters were.
    pub point: Vec<String>,
    /// The policy's key.
    pub policy: String,
    /// Public cost, undiscounted.
    pub cost: Distribution,
    /// Public cost, discounted.
    pub discounted: Distribution,
    /// The cost of the dearest year.
    pub worst_year: Distribution,
    /// Survival.
    pub survival: Distribution,
    /// Capital of the plants decided on.
    pub investment: Distribution,
    /// What buyers paid for a unit.
    pub buyers_unit_cost: Distribution,
    /// The largest share of an origin.
    pub largest_share: Distribution,
    /// Concentration of origins.
    pub concentration: Distribution,
    /// Efficiency.
    pub efficiency: Distribution,
    /// The budget.
    pub budget: f64,
}

impl Summary {
    /// Budget at risk: what the budget lacks to the cost that 95 % of the paths do not exceed; 0 where it suffices.
    pub fn budget_at_risk(&self) -> f64 {
        (self.cost.quantile(0.95) - self.budget).max(0.0)
    }
}

/// Summaries in the order in which points and policies first come. A point whose figures are not numbers is left out.
pub fn summarise(done: &Done) -> Vec<Summary> {
    let mut groups: Vec<Vec<&Row>> = Vec::new();
    for row in &done.rows {
        let is_same = |group: &&mut Vec<&Row>| {
            group.first().is_some_and(|first| first.point == row.point && first.policy == row.policy)
        };
        match groups.iter_mut().find(is_same) {
            Some(group) => group.push(row),
            None => groups.push(vec![row]),
        }
    }
    groups.iter().filter_map(|group| of(group)).collect()
}

fn of(group: &[&Row]) -> Option<Summary> {
    let first = group.first()?;
    let figure = |name: &'static str| {
        let figures: Option<Vec<f64>> = group.iter().map(|row| row.figure(name)).collect();
        Distribution::of(figures?)
    };
    let unit_cost =
        |row: &&Row| Some(row.figure("buyers_cost")? / row.figure("bought")?.max(f64::MIN_POSITIVE));
    let unit_costs: Option<Vec<f64>> = group.iter().map(unit_cost).collect();
    Some(Summary {
        point: first.point.clone(),
        policy: first.policy.clone(),
        cost: figure("public_cost")?,
        discounted: figure("public_cost_discounted")?,
        worst_year: figure("worst_year_cost")?,
        survival: figure("survival")?,
        investment: figure("investment")?,
        buyers_unit_cost: Distribution::of(unit_costs?)?,
        largest_share: figure("largest_share")?,
        concentration: figure("concentration")?,
        efficiency: figure("efficiency")?,
        budget: first.figure("budget")?,
    })
}
