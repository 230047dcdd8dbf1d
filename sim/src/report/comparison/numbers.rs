//! The files of a report: the page, each chart, and the numbers behind each.

use super::super::payments::{PriceLabels, draw};
use super::super::{page::WIDE, supply_and_demand_svg};
use super::{Compared, Comparison, comparison_html, cost_svg, front_svg, origins_svg};

/// All files of a report by name.
pub fn files(comparison: &Comparison) -> Vec<(String, String)> {
    let mut files = vec![
        ("report.html".to_owned(), comparison_html(comparison)),
        ("figures.csv".to_owned(), figures(comparison)),
        ("cost.svg".to_owned(), cost_svg(comparison, WIDE)),
        ("cost.csv".to_owned(), costs(comparison)),
        ("front.svg".to_owned(), front_svg(comparison, WIDE)),
        ("front.csv".to_owned(), front(comparison)),
        ("origins.svg".to_owned(), origins_svg(comparison, WIDE)),
        ("origins.csv".to_owned(), origins(comparison)),
    ];
    for policy in &comparison.policies {
        let key = &policy.key;
        files.push((format!("payments-{key}.svg"), payments_svg_of(comparison, policy, WIDE)));
        files.push((format!("payments-{key}.csv"), payments(comparison, policy)));
        for (name, auction) in [("award", &policy.award), ("trade", &policy.trade)] {
            let Some(auction) = auction else { continue };
            let chart = supply_and_demand_svg(auction, &comparison.price_unit(), WIDE);
            files.push((format!("{name}-{key}.svg"), chart));
            let side =
                |side: &str, bids: &[(golv_engine::num::Price, golv_engine::num::Quantity)]| -> String {
                    bids.iter().map(|(price, quantity)| format!("{side},{price},{quantity}\n")).collect()
                };
            let rows = side("supply", &auction.supply) + &side("demand", &auction.demand);
            files.push((format!("{name}-{key}.csv"), format!("side,price,quantity\n{rows}")));
        }
    }
    files
}

/// A policy's reference prices and payments; what an intermediary lost is a payment too.
pub(super) fn payments_svg_of(comparison: &Comparison, policy: &Compared, width: u16) -> String {
    let labels = PriceLabels {
        currency: comparison.currency,
        unit: &comparison.unit,
        source: &comparison.price_source,
        is_yearly: comparison.is_step,
        paid: if policy.is_intermediary { "Gap between purchases and sales" } else { "Difference payments" },
    };
    draw(&format!("payments-{}", policy.key), &policy.months, policy.strike, labels, width)
}

fn payments(comparison: &Comparison, policy: &Compared) -> String {
    let rows = policy.months.iter().map(|month| {
        let (month, price, payment) = (month.month, month.reference_price, month.payment);
        format!("{month},{price},{}\n", golv_engine::num::Price::from_millionths(payment.millionths))
    });
    let head = format!("month,reference_price_{0},payment_{0}\n", comparison.currency.code().to_lowercase());
    head + &rows.collect::<String>()
}

impl Compared {
    /// The names of the figures and what they are of a policy, in the order to be shown; those over many paths where there are any. What has
    /// no value is an empty text.
    pub fn figures(&self) -> Vec<(&'static str, String)> {
        let metrics = &self.metrics;
        let amount = |figure: f64| format!("{:.0}", figure + 0.0);
        let share = |figure: f64| format!("{figure:.4}");
        let none = || String::new();
        let mut figures = vec![
            ("public_cost", amount(metrics.public_cost)),
            ("public_cost_discounted", amount(metrics.public_cost_discounted)),
            ("worst_year", metrics.worst_year.0.to_string()),
            ("worst_year_cost", amount(metrics.worst_year.1)),
            ("paid", amount(metrics.paid)),
            ("given", amount(metrics.given)),
            ("gap", amount(metrics.gap)),
            ("budget", amount(metrics.budget)),
            ("reserved_most", amount(metrics.reserved_most)),
            ("unpaid", amount(metrics.unpaid)),
            ("home_revenue", amount(metrics.home_revenue)),
            ("home_result", amount(metrics.home_result)),
            ("survival", share(metrics.survival)),
            ("investment", amount(metrics.investment)),
            ("buyers_cost", amount(metrics.buyers_cost)),
            ("bought", amount(metrics.bought)),
            ("served", share(metrics.served)),
            ("largest_share", metrics.largest_share().map_or_else(none, |(_, part)| share(part))),
            ("concentration", amount(metrics.concentration)),
            ("price_of_diversification", self.diversification.map_or_else(none, amount)),
            ("efficiency", share(metrics.efficiency)),
        ];
        if let Some(summary) = &self.summary {
            figures.extend([
                ("public_cost_mean", amount(summary.cost.mean())),
                ("public_cost_95", amount(summary.cost.quantile(0.95))),
                ("public_cost_99", amount(summary.cost.quantile(0.99))),
                ("public_cost_discounted_mean", amount(summary.discounted.mean())),
                ("public_cost_discounted_95", amount(summary.discounted.quantile(0.95))),
                ("worst_year_95", amount(summary.worst_year.quantile(0.95))),
                ("budget_at_risk", amount(summary.budget_at_risk())),
                ("paths_above_budget", share(summary.cost.share_above(summary.budget))),
                ("survival_mean", share(summary.survival.mean())),
            ]);
        }
        figures
    }
}

/// A row for each figure, a column for each policy.
fn figures(comparison: &Comparison) -> String {
    let columns: Vec<_> = comparison.policies.iter().map(Compared::figures).collect();
    let keys: Vec<&str> = comparison.policies.iter().map(|policy| policy.key.as_str()).collect();
    let mut text = format!("figure,{}\n", keys.join(","));
    for (place, (name, _)) in
        columns.iter().max_by_key(|column| column.len()).into_iter().flatten().enumerate()
    {
        let value =
            |column: &Vec<(&str, String)>| column.get(place).map_or_else(String::new, |(_, v)| v.clone());
        let values: Vec<String> = columns.iter().map(value).collect();
        text.push_str(&format!("{name},{}\n", values.join(",")));
    }
    text
}

fn costs(comparison: &Comparison) -> String {
    let mut text = "policy,historic,quantile_5,median,quantile_95,quantile_99\n".to_owned();
    for policy in &comparison.policies {
        let quantiles = policy.summary.as_ref().map(|summary| {
            [0.05, 0.5, 0.95, 0.99].map(|share| format!("{:.0}", summary.cost.quantile(share) + 0.0))
        });
        let quantiles = quantiles.map_or_else(|| ",,,".to_owned(), |quantiles| quantiles.join(","));
        text.push_str(&format!("{},{:.0},{quantiles}\n", policy.key, policy.metrics.public_cost + 0.0));
    }
    text
}

fn front(comparison: &Comparison) -> String {
    let points: Vec<(f64, f64)> = comparison
        .policies
        .iter()
        .map(|policy| (comparison.cost(policy), comparison.survival(policy)))
        .collect();
    let unbeaten = super::front::unbeaten(&points);
    let mut text = "policy,public_cost,survival,beaten_by_no_other\n".to_owned();
    for (place, (policy, (cost, survival))) in comparison.policies.iter().zip(&points).enumerate() {
        let is_unbeaten = unbeaten.contains(&place);
        text.push_str(&format!("{},{:.0},{survival:.4},{is_unbeaten}\n", policy.key, cost + 0.0));
    }
    text
}

fn origins(comparison: &Comparison) -> String {
    let mut text = "policy,origin,share\n".to_owned();
    for policy in &comparison.policies {
        for (origin, share) in &policy.metrics.shares {
            text.push_str(&format!("{},{origin},{share:.6}\n", policy.key));
        }
    }
    text
}
