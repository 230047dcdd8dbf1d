//! The page of a comparison.

use super::super::page::{HALF, PHONE, WIDE, document, figure, table, tile};
use super::super::supply_and_demand_svg;
use super::super::text::{self, Glance, escape};
use super::numbers::payments_svg_of;
use super::{Compared, Comparison, cost_svg, front_svg, millionths, origins_svg};
use crate::metrics::{BENCHMARK_CONCENTRATION, BENCHMARK_SHARE};

/// The whole page, which needs no other file and no script.
pub fn comparison_html(comparison: &Comparison) -> String {
    let title = escape(&comparison.title);
    let body = [
        header(comparison),
        costs(comparison),
        payments(comparison),
        front(comparison),
        origins(comparison),
        auctions(comparison),
        figures(comparison),
    ];
    document(&title, &body.concat(), &footer(comparison))
}

fn header(comparison: &Comparison) -> String {
    let amounts = comparison.policies.iter().map(|policy| millionths(policy.metrics.public_cost).abs());
    let glance = Glance::up_to(amounts.max().unwrap_or(0), comparison.currency);
    let tiles: String = comparison
        .policies
        .iter()
        .map(|policy| {
            let cost = glance.amount(millionths(policy.metrics.public_cost));
            let survival = percent(policy.metrics.survival);
            tile(
                &policy.name,
                &cost,
                &glance.unit(),
                &format!("{survival} of home producers stand at the end"),
            )
        })
        .collect();
    let steps = if comparison.is_step {
        "<p><strong>Prices are yearly averages.</strong> Drawn by month they are steps, and what prices did within a year is in no \
         figure of this page.</p>\n"
    } else {
        ""
    };
    let note = match comparison.price_note.as_str() {
        "" => String::new(),
        note => format!("<p><strong>On the prices:</strong> {}</p>\n", escape(note)),
    };
    format!(
        "<header>\n<p class=\"kicker\">Golv · scenario with seed {}</p>\n<h1>{}</h1>\n<p>{}</p>\n{steps}{note}\
         <p class=\"soft\">Market: {}. Prices in {}. Public cost on historic prices, undiscounted:</p>\n\
         <dl class=\"tiles\">\n{tiles}</dl>\n</header>\n<main>\n",
        comparison.seed,
        escape(&comparison.title),
        escape(&comparison.summary),
        escape(&comparison.market),
        escape(&comparison.price_unit()),
    )
}

fn costs(comparison: &Comparison) -> String {
    let chart = |width| cost_svg(comparison, width);
    let says = if comparison.paths > 0 {
        "Every policy was played on the same paths, so what differs between them is the policy alone."
    } else {
        "On the prices of history alone. How cost is distributed over prices that might have been is shown after a sweep over paths."
    };
    format!(
        "<section>\n<h2>What it costs</h2>\n<p class=\"soft\">{says}</p>\n{}</section>\n",
        figure(&chart(WIDE), &chart(PHONE), "")
    )
}

fn payments(comparison: &Comparison) -> String {
    let with_money = comparison.policies.iter().filter(|policy| policy.metrics.budget > 0.0);
    let charts: String = with_money
        .map(|policy| {
            let chart = |width| payments_svg_of(comparison, policy, width);
            format!("<h3>{}</h3>\n{}", escape(&policy.name), figure(&chart(WIDE), &chart(PHONE), ""))
        })
        .collect();
    if charts.is_empty() {
        return String::new();
    }
    format!(
        "<section>\n<h2>Reference price, strike and payments</h2>\n<p class=\"soft\">A payment above zero goes to producers, one below comes \
         from them. What settles by quarter is drawn in the quarter's last month; an intermediary's gap in the month of its \
         sale.</p>\n{charts}</section>\n"
    )
}

fn front(comparison: &Comparison) -> String {
    let chart = |width| front_svg(comparison, width);
    format!(
        "<section>\n<h2>What can be had for it</h2>\n{}</section>\n",
        figure(
            &chart(WIDE),
            &chart(PHONE),
            "Home producers are those from origins that any policy supports."
        )
    )
}

fn origins(comparison: &Comparison) -> String {
    let chart = |width| origins_svg(comparison, width);
    let above =
        |policy: &&Compared| policy.metrics.largest_share().is_some_and(|(_, share)| share > BENCHMARK_SHARE);
    let above: Vec<String> =
        comparison.policies.iter().filter(above).map(|policy| escape(&policy.name)).collect();
    let caption = match above.as_slice() {
        [] => "Under no policy does one origin have more than 65 %.".to_owned(),
        names => format!("More than 65 % from one origin under: {}.", names.join(", ")),
    };
    let rows: String = comparison
        .policies
        .iter()
        .map(|policy| {
            let largest = policy.metrics.largest_share();
            let largest = largest
                .map_or_else(|| "–".to_owned(), |(origin, share)| format!("{origin} {}", percent(share)));
            let price = policy.diversification.map_or_else(|| "–".to_owned(), |price| number(price, 0));
            row(&policy.name, &[largest, number(policy.metrics.concentration, 0), price])
        })
        .collect();
    let price = format!("Price of diversification, {}", comparison.price_unit());
    let columns = [("Policy", false), ("Largest origin", true), ("HHI of origins", true), (&*price, true)];
    let table = table(
        "Concentration, and what a unit of supply moved away from the largest origin costs",
        &columns,
        &rows,
        "",
    );
    format!(
        "<section>\n<h2>Where supply comes from</h2>\n{}{table}<p class=\"soft\">HHI: the sum of squared percentages, 10,000 where all comes \
         from one origin; a market with one at 65 % has at least {}.</p>\n</section>\n",
        figure(&chart(WIDE), &chart(PHONE), &caption),
        number(BENCHMARK_CONCENTRATION, 0)
    )
}

fn auctions(comparison: &Comparison) -> String {
    let charts = |policy: &Compared| -> String {
        let shown = [&policy.award, &policy.trade].into_iter().flatten();
        let figures = shown.map(|auction| {
            let chart = |width| supply_and_demand_svg(auction, &comparison.price_unit(), width);
            figure(&chart(HALF), &chart(PHONE), "")
        });
        format!(
            "<h3>{}</h3>\n<div class=\"pair\">\n{}</div>\n",
            escape(&policy.name),
            figures.collect::<String>()
        )
    };
    let charts: String = comparison.policies.iter().map(charts).collect();
    format!(
        "<section>\n<h2>The auctions</h2>\n<p class=\"soft\">Of each policy the award of support, where there was one, and the market's last \
         trade.</p>\n{charts}</section>\n"
    )
}

/// How figures are named and told.
const NAMED: [(&str, &str, Told); 19] = [
    ("public_cost", "Public cost", Told::Amount),
    ("public_cost_discounted", "Public cost, discounted", Told::Amount),
    ("worst_year_cost", "Cost of the dearest year", Told::Amount),
    ("public_cost_mean", "Public cost, mean of the paths", Told::Amount),
    ("public_cost_95", "Public cost, no more in 95 %", Told::Amount),
    ("public_cost_99", "Public cost, no more in 99 %", Told::Amount),
    ("budget", "Budget", Told::Amount),
    ("reserved_most", "Most that was reserved", Told::Amount),
    ("budget_at_risk", "Budget at risk, 95 %", Told::Amount),
    ("unpaid", "Still owed at the end", Told::Amount),
    ("home_revenue", "Home producers' revenue", Told::Amount),
    ("home_result", "Home producers' result, before capital", Told::Amount),
    ("survival", "Survival", Told::Share),
    ("survival_mean", "Survival, mean of the paths", Told::Share),
    ("investment", "Investment unlocked", Told::Amount),
    ("buyers_cost", "Buyers' cost", Told::Amount),
    ("bought", "Bought", Told::Amount),
    ("served", "Bought of what was wanted", Told::Share),
    ("efficiency", "Allocative efficiency", Told::Share),
];

/// How a figure is told.
#[derive(Clone, Copy)]
enum Told {
    Amount,
    Share,
}

fn figures(comparison: &Comparison) -> String {
    let columns: Vec<_> = comparison.policies.iter().map(Compared::figures).collect();
    let rows: String = NAMED
        .iter()
        .filter_map(|&(key, name, told)| {
            let value = |column: &Vec<(&str, String)>| {
                let figure = column.iter().find(|(name, _)| *name == key)?.1.parse::<f64>().ok()?;
                Some(match told {
                    Told::Amount => number(figure, 0),
                    Told::Share => percent(figure),
                })
            };
            let values: Vec<Option<String>> = columns.iter().map(value).collect();
            let is_known = values.iter().any(Option::is_some);
            let values: Vec<String> =
                values.into_iter().map(|value| value.unwrap_or_else(|| "–".to_owned())).collect();
            is_known.then(|| row(name, &values))
        })
        .collect();
    let mut heads = vec![("Figure", false)];
    heads.extend(comparison.policies.iter().map(|policy| (policy.name.as_str(), true)));
    let unit = format!(
        "Amounts in {}, quantities in {}; figures on historic prices where nothing else is said",
        comparison.currency, comparison.unit
    );
    format!(
        "<section>\n<h2>All figures</h2>\n{}<p class=\"soft\">Discounted at {} a year. Each figure's formula is in docs/scenarios.md.</p>\n\
         </section>\n",
        table(&escape(&unit), &heads, &rows, ""),
        escape(&comparison.discount_rate),
    )
}

fn row(name: &str, values: &[String]) -> String {
    let cells: String =
        values.iter().map(|value| format!("<td class=\"number\">{}</td>", escape(value))).collect();
    format!("<tr><th scope=\"row\">{}</th>{cells}</tr>\n", escape(name))
}

fn number(figure: f64, decimals: usize) -> String {
    text::rounded(millionths(figure), decimals)
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

fn footer(comparison: &Comparison) -> String {
    format!(
        "<footer>\n<p>Reference prices are real; producers, buyers, their costs and what goes wrong are the scenario's.</p>\n\
         <p>Source of prices: {}.</p>\n<p>Scenario <code>{}</code></p>\n</footer>\n",
        escape(comparison.price_source.trim_end_matches('.')),
        escape(&comparison.hash)
    )
}
