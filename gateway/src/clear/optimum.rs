//! Results of indivisible books: printed for people and programs, and read back to be checked.

use golv_engine::clearing::{Criterion, Rule};
use golv_engine::indivisible::check::Value;
use golv_engine::indivisible::{Chosen, Optimum, Proof, Welfare};
use golv_engine::num::Price;
use serde::{Deserialize, Serialize};

use super::book::Row;
use super::result::{
    FillText, Range, ReadError, id, number, only_with_a_price, optional, place, places, print_csv_rows,
    print_fills, row,
};
use crate::print::{self, grouped};

/// Why an order got nothing although its limit is better than the price.
const PARADOXICALLY_REJECTED: &str = "paradoxically-rejected";

/// A result as text, its numbers as decimal texts.
#[derive(Serialize, Deserialize)]
struct Text {
    price: Option<String>,
    volume: String,
    cascade_step: Option<String>,
    /// The prices at which no accepted order is out of the money.
    supporting: Range,
    status: Status,
    welfare: String,
    bound: String,
    gap: String,
    nodes: u64,
    paradoxically_rejected: Vec<String>,
    fills: Vec<FillText>,
    rule: Rule,
}

/// Whether anything can be better.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Status {
    Optimal,
    Bound,
}

impl Text {
    fn new(rows: &[Row], rule: &Rule, found: &Optimum) -> Self {
        let price = |price: Option<Price>| price.map(|price| price.to_string());
        let chosen = found.chosen;
        Self {
            price: price(found.price()),
            volume: found.volume.to_string(),
            cascade_step: chosen.map(|chosen| chosen.step.to_string()),
            supporting: Range {
                low: price(chosen.and_then(|chosen| chosen.lowest)),
                high: price(chosen.and_then(|chosen| chosen.highest)),
            },
            status: match found.proof {
                Proof::Optimal => Status::Optimal,
                Proof::Bound(_) => Status::Bound,
            },
            welfare: found.welfare.to_string(),
            bound: found.bound().to_string(),
            gap: found.gap().to_string(),
            nodes: found.nodes,
            paradoxically_rejected: found
                .paradoxically_rejected
                .iter()
                .map(|order| id(rows, *order))
                .collect(),
            fills: found.fills.iter().map(|fill| FillText::new(rows, fill)).collect(),
            rule: rule.clone(),
        }
    }
}

/// A result as JSON, with the rule.
pub(super) fn json(rows: &[Row], rule: &Rule, found: &Optimum) -> String {
    let value = serde_json::to_value(Text::new(rows, rule, found)).expect("texts, names and a count");
    format!("{value:#}")
}

/// Whether a text is such a result, and not that of a clearing by price.
pub(super) fn is_one(text: &str) -> bool {
    let value: Option<serde_json::Value> = serde_json::from_str(text).ok();
    value.is_some_and(|value| value.get("status").is_some())
}

/// Reads a result of a book back.
pub(super) fn read(text: &str, rows: &[Row]) -> Result<(Rule, Optimum), ReadError> {
    let text: Text = serde_json::from_str(text)?;
    let places = places(rows);
    let price = |text: &Option<String>| optional("price", text);
    let chosen = match price(&text.price)? {
        None => None,
        Some(found) => Some(Chosen {
            price: found,
            step: number::<Criterion>("cascade_step", text.cascade_step.as_deref().unwrap_or(""))?,
            lowest: price(&text.supporting.low)?,
            highest: price(&text.supporting.high)?,
        }),
    };
    for (field, stated) in
        [("cascade_step", &text.cascade_step), ("low", &text.supporting.low), ("high", &text.supporting.high)]
    {
        only_with_a_price(&text.price, field, stated)?;
    }
    let welfare: Welfare = number("welfare", &text.welfare)?;
    let bound: Welfare = number("bound", &text.bound)?;
    let proof = match text.status {
        Status::Optimal if bound != welfare => {
            return Err(ReadError::Field { field: "bound", value: text.bound });
        }
        Status::Optimal => Proof::Optimal,
        Status::Bound => Proof::Bound(bound),
    };
    let rejected = text.paradoxically_rejected.iter().map(|id| place(&places, id));
    let found = Optimum {
        chosen,
        volume: number("volume", &text.volume)?,
        welfare,
        proof,
        fills: text.fills.iter().map(|fill| fill.read(&places)).collect::<Result<_, ReadError>>()?,
        paradoxically_rejected: rejected.collect::<Result<_, ReadError>>()?,
        nodes: text.nodes,
    };
    if found.gap() != number("gap", &text.gap)? {
        return Err(ReadError::Field { field: "gap", value: text.gap });
    }
    Ok((text.rule, found))
}

/// Prints a result for people.
pub(super) fn print_table(rows: &[Row], rule: &Rule, found: &Optimum) {
    let text = Text::new(rows, rule, found);
    let end = |end: &Option<String>| end.as_ref().map_or_else(|| "-".to_owned(), |end| grouped(end));
    match (&text.price, &text.cascade_step) {
        (Some(price), Some(step)) => {
            print::line(format_args!("price        {}, by {step}", grouped(price)));
            let Range { low, high } = &text.supporting;
            print::line(format_args!("supporting   {} to {}", end(low), end(high)));
        }
        _ if found.proof == Proof::Optimal => print::line("price        none: no price supports a trade"),
        _ => print::line("price        none: no trade was found"),
    }
    print::line(format_args!("volume       {}", grouped(&text.volume)));
    let known = match found.proof {
        Proof::Optimal => "optimal".to_owned(),
        Proof::Bound(_) if found.gap() == Welfare::ZERO => {
            "the greatest; another choice worth as much may be better otherwise".to_owned()
        }
        Proof::Bound(_) => format!("at most {}, a gap of {}", grouped(&text.bound), grouped(&text.gap)),
    };
    print::line(format_args!("welfare      {}, {known}", grouped(&text.welfare)));
    print::line(format_args!("nodes        {}", grouped(&text.nodes.to_string())));
    print_fills(lines(text));
}

/// Prints what each was given as CSV, and whom the price would have suited.
pub(super) fn print_csv(rows: &[Row], rule: &Rule, found: &Optimum) {
    print_csv_rows(lines(Text::new(rows, rule, found)));
}

/// The fills, and then those who were rejected paradoxically and got nothing.
fn lines(text: Text) -> impl Iterator<Item = [String; 4]> {
    let Text { fills, paradoxically_rejected, price, .. } = text;
    let price = price.unwrap_or_default();
    let without: Vec<String> =
        paradoxically_rejected.into_iter().filter(|id| !fills.iter().any(|fill| fill.id == *id)).collect();
    let rejected = move |id: String| [id, "0".to_owned(), price.clone(), PARADOXICALLY_REJECTED.to_owned()];
    fills.into_iter().map(row).chain(without.into_iter().map(rejected))
}

/// What a check found, for people.
pub(super) fn print_checked(rows: &[Row], found: &Optimum, value: &Value) {
    print::line(format_args!(
        "the result is possible and its numbers are right: {} orders, {} of them filled, worth {}",
        grouped(&rows.len().to_string()),
        grouped(&found.fills.len().to_string()),
        grouped(&value.welfare.to_string()),
    ));
    let text = |welfare: Welfare| grouped(&welfare.to_string());
    let claimed = found.bound();
    if let Some(proved) = value.proved_bound {
        print::line(format_args!("its price proves that nothing is worth more than {}", text(proved)));
        if proved <= claimed {
            return;
        }
    }
    print::line(format_args!("that nothing is worth more than {} is the search's own word", text(claimed)));
}
