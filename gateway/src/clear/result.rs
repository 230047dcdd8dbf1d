//! Results: printed for people and programs, and read back to be proved.

use golv_engine::book::Side;
use golv_engine::clearing::{Certificate, Criterion, Decision, Equilibrium, Fill, Outcome, Reason, Rule};
use golv_engine::num::{Price, Quantity};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::book::Row;
use crate::print::{self, grouped};

/// A result as text, its numbers as decimal texts.
#[derive(Debug, Serialize, Deserialize)]
struct Text {
    price: Option<String>,
    volume: String,
    surplus: String,
    surplus_side: Option<String>,
    cascade_step: Option<String>,
    /// Where the rule leaves several prices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    undecided: Option<Ends>,
    equilibrium: Range,
    /// What was given beyond the volume.
    over_allotted: String,
    fills: Vec<FillText>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Range {
    low: Option<String>,
    high: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Ends {
    lowest: Option<String>,
    highest: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct FillText {
    id: String,
    quantity: String,
    price: String,
    reason: Reason,
}

/// A result with what proves it.
#[derive(Deserialize)]
struct Proved {
    rule: Rule,
    seed: Option<String>,
    #[serde(flatten)]
    result: Text,
}

/// Why a text is no result of a book.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadError {
    /// It is no JSON of this form.
    #[error("the result cannot be read; it is printed by golv clear --format json")]
    Json(#[from] serde_json::Error),
    /// A number or a name in it cannot be read.
    #[error("the result's {field} '{value}' cannot be read")]
    Field {
        /// Where.
        field: &'static str,
        /// What stands there.
        value: String,
    },
    /// It fills an order that is not in the book.
    #[error("the result gives something to '{id}', which is not in the book")]
    UnknownOrder {
        /// The order's id.
        id: String,
    },
}

fn side_name(side: Side) -> &'static str {
    match side {
        Side::Buy => "buy",
        Side::Sell => "sell",
    }
}

fn id(rows: &[Row], fill: &Fill) -> String {
    usize::try_from(fill.order)
        .ok()
        .and_then(|row| rows.get(row))
        .map_or_else(String::new, |row| row.id.clone())
}

fn text(rows: &[Row], outcome: &Outcome) -> Text {
    let price = |price: Option<Price>| price.map(|price| price.to_string());
    let Equilibrium { low, high } = outcome.equilibrium;
    let undecided = match outcome.decision {
        Decision::Undecided { lowest, highest } => {
            Some(Ends { lowest: price(lowest), highest: price(highest) })
        }
        Decision::Price { .. } | Decision::NothingTrades => None,
    };
    let fill = |fill: &Fill| FillText {
        id: id(rows, fill),
        quantity: fill.quantity.to_string(),
        price: fill.price.to_string(),
        reason: fill.reason,
    };
    Text {
        price: price(outcome.price()),
        volume: outcome.volume.to_string(),
        surplus: outcome.surplus.to_string(),
        surplus_side: outcome.surplus_side.map(|side| side_name(side).to_owned()),
        cascade_step: outcome.step().map(|step| step.to_string()),
        undecided,
        equilibrium: Range { low: price(low), high: price(high) },
        over_allotted: outcome.over_allotted.to_string(),
        fills: outcome.fills.iter().map(fill).collect(),
    }
}

/// A result as JSON, with the rule, the seed and the public part of its proof.
pub(super) fn json(
    rows: &[Row],
    outcome: &Outcome,
    rule: &Rule,
    seed: Option<&str>,
    certificate: &Certificate,
) -> String {
    let mut value = serde_json::to_value(text(rows, outcome)).expect("texts and names alone");
    let point = |point: &golv_engine::clearing::CurvePoint| {
        json!({
            "price": point.price.to_string(),
            "demand": point.demand.to_string(),
            "supply": point.supply.to_string(),
        })
    };
    value["rule"] = serde_json::to_value(rule).expect("texts and names alone");
    value["seed"] = json!(seed);
    value["certificate"] = json!({
        "total_demand": certificate.total_demand.to_string(),
        "total_supply": certificate.total_supply.to_string(),
        "bought": certificate.bought.to_string(),
        "sold": certificate.sold.to_string(),
        "curve": certificate.curve.iter().map(point).collect::<Vec<_>>(),
    });
    format!("{value:#}")
}

/// Reads a result of a book back: its rule, seed and outcome.
pub(super) fn read(text: &str, rows: &[Row]) -> Result<(Rule, Option<String>, Outcome), ReadError> {
    let Proved { rule, seed, result } = serde_json::from_str(text)?;
    let price = |text: &Option<String>| text.as_deref().map(|text| number("price", text)).transpose();
    let decision = match (&result.price, &result.undecided) {
        (Some(found), _) => {
            let step = result.cascade_step.as_deref().unwrap_or("");
            Decision::Price {
                price: number("price", found)?,
                step: number::<Criterion>("cascade_step", step)?,
            }
        }
        (None, Some(Ends { lowest, highest })) => {
            Decision::Undecided { lowest: price(lowest)?, highest: price(highest)? }
        }
        (None, None) => Decision::NothingTrades,
    };
    let surplus_side = match result.surplus_side.as_deref() {
        None => None,
        Some("buy") => Some(Side::Buy),
        Some("sell") => Some(Side::Sell),
        Some(other) => return Err(ReadError::Field { field: "surplus_side", value: other.to_owned() }),
    };
    let places: std::collections::BTreeMap<&str, u32> =
        (0..).zip(rows).map(|(place, row)| (row.id.as_str(), place)).collect();
    let fill = |fill: &FillText| {
        let order = places.get(fill.id.as_str());
        Ok(Fill {
            order: *order.ok_or_else(|| ReadError::UnknownOrder { id: fill.id.clone() })?,
            quantity: number::<Quantity>("quantity", &fill.quantity)?,
            price: number::<Price>("price", &fill.price)?,
            reason: fill.reason,
        })
    };
    let outcome = Outcome {
        decision,
        volume: number("volume", &result.volume)?,
        surplus: number("surplus", &result.surplus)?,
        surplus_side,
        equilibrium: Equilibrium {
            low: price(&result.equilibrium.low)?,
            high: price(&result.equilibrium.high)?,
        },
        fills: result.fills.iter().map(fill).collect::<Result<_, ReadError>>()?,
        over_allotted: number("over_allotted", &result.over_allotted)?,
    };
    Ok((rule, seed, outcome))
}

fn number<T: std::str::FromStr>(field: &'static str, text: &str) -> Result<T, ReadError> {
    text.parse().map_err(|_| ReadError::Field { field, value: text.to_owned() })
}

/// Prints a result for people.
pub(super) fn print_table(rows: &[Row], outcome: &Outcome) {
    let Text {
        price, volume, surplus, surplus_side, cascade_step, equilibrium, over_allotted, fills, ..
    } = text(rows, outcome);
    let decided = match (&price, outcome.decision) {
        (Some(price), _) => format!("{}, by {}", grouped(price), cascade_step.unwrap_or_default()),
        (None, Decision::Undecided { .. }) => {
            "none: several are as good by the rule; a reference price would decide".to_owned()
        }
        (None, _) => "none: nothing is both wanted and offered at any price".to_owned(),
    };
    let end = |end: Option<String>| end.map_or_else(|| "-".to_owned(), |end| grouped(&end));
    print::line(format_args!("price        {decided}"));
    print::line(format_args!("volume       {}", grouped(&volume)));
    let of = surplus_side.map_or_else(String::new, |side| format!(" to {side}"));
    print::line(format_args!("surplus      {}{of}", grouped(&surplus)));
    print::line(format_args!("equilibrium  {} to {}", end(equilibrium.low), end(equilibrium.high)));
    if over_allotted != "0" {
        print::line(format_args!("beyond it    {} were given by rounding up", grouped(&over_allotted)));
    }
    if !fills.is_empty() {
        let row = |fill: FillText| {
            vec![fill.id, grouped(&fill.quantity), grouped(&fill.price), fill.reason.to_string()]
        };
        print::line(print::table(&["order", ">quantity", ">price", "why"], fills.into_iter().map(row)));
    }
}

/// Prints the fills as CSV.
pub(super) fn print_csv(rows: &[Row], outcome: &Outcome) {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let fills = text(rows, outcome).fills;
    let header = writer.write_record(["id", "quantity", "price", "reason"]);
    let written = fills.iter().try_fold((), |(), fill| {
        writer.write_record([&fill.id, &fill.quantity, &fill.price, &fill.reason.to_string()])
    });
    header.and(written).expect("four fields a row, in memory");
    let text = String::from_utf8(writer.into_inner().expect("in memory")).expect("ids were read as text");
    print::line(text.trim_end());
}

/// Prints what each rule would do with a book.
pub(super) fn print_comparison(outcomes: &[(&'static str, Result<Outcome, String>)]) {
    let row = |(name, outcome): &(&'static str, Result<Outcome, String>)| match outcome {
        Ok(outcome) => {
            let Text { price, volume, surplus, surplus_side, cascade_step, .. } = text(&[], outcome);
            let undecided = matches!(outcome.decision, Decision::Undecided { .. });
            let why = cascade_step
                .unwrap_or_else(|| if undecided { "undecided" } else { "nothing trades" }.to_owned());
            let price = price.map_or_else(|| "-".to_owned(), |price| grouped(&price));
            let side = surplus_side.unwrap_or_else(|| "-".to_owned());
            vec![(*name).to_owned(), price, grouped(&volume), grouped(&surplus), side, why]
        }
        Err(said) => vec![(*name).to_owned(), "-".into(), "-".into(), "-".into(), "-".into(), said.clone()],
    };
    let columns = ["rule", ">price", ">volume", ">surplus", "to", "by"];
    print::line(print::table(&columns, outcomes.iter().map(row)));
}

/// What each rule would do with a book, as JSON.
pub(super) fn comparison_json(rows: &[Row], outcomes: &[(&'static str, Result<Outcome, String>)]) -> String {
    let value = |(name, outcome): &(&'static str, Result<Outcome, String>)| match outcome {
        Ok(outcome) => {
            let mut value = serde_json::to_value(text(rows, outcome)).expect("texts and names alone");
            value["preset"] = json!(name);
            value
        }
        Err(said) => json!({ "preset": name, "refused": said }),
    };
    format!("{:#}", Value::Array(outcomes.iter().map(value).collect()))
}
