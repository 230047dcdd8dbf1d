//! Results: printed for people and programs, and read back to be proved.

use std::collections::BTreeMap;

use golv_engine::book::Side;
use golv_engine::clearing::{
    Certificate, Criterion, CurvePoint, Decision, Equilibrium, Fill, OrderStanding, Outcome, Reason, Rule,
};
use golv_engine::num::Price;
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

/// Two ends of a range of prices.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Range {
    pub(super) low: Option<String>,
    pub(super) high: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Ends {
    lowest: Option<String>,
    highest: Option<String>,
}

/// A fill as text.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct FillText {
    pub(super) id: String,
    pub(super) quantity: String,
    pub(super) price: String,
    pub(super) reason: Reason,
}

impl FillText {
    pub(super) fn new(rows: &[Row], fill: &Fill) -> Self {
        Self {
            id: id(rows, fill.order),
            quantity: fill.quantity.to_string(),
            price: fill.price.to_string(),
            reason: fill.reason,
        }
    }

    pub(super) fn read(&self, places: &BTreeMap<&str, u32>) -> Result<Fill, ReadError> {
        Ok(Fill {
            order: place(places, &self.id)?,
            quantity: number("quantity", &self.quantity)?,
            price: number("price", &self.price)?,
            reason: self.reason,
        })
    }
}

/// A result with what proves it.
#[derive(Serialize, Deserialize)]
struct Proved {
    #[serde(flatten)]
    result: Text,
    rule: Rule,
    seed: Option<String>,
    certificate: Option<CertificateText>,
    /// The private part, if it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    standings: Option<Vec<StandingText>>,
}

/// The public part of a proof, without what stands in the result.
#[derive(Serialize, Deserialize)]
pub(crate) struct CertificateText {
    total_demand: String,
    total_supply: String,
    bought: String,
    sold: String,
    curve: Vec<PointText>,
}

#[derive(Serialize, Deserialize)]
struct PointText {
    price: String,
    demand: String,
    supply: String,
}

/// What one order is told of itself alone.
#[derive(Serialize, Deserialize)]
struct StandingText {
    id: String,
    given: String,
    reason: Reason,
    winning_limit: Option<String>,
}

/// A result that was read, and what is said to prove it.
pub(super) struct Claimed {
    pub(super) rule: Rule,
    pub(super) seed: Option<String>,
    pub(super) outcome: Outcome,
    pub(super) certificate: Option<Certificate>,
    pub(super) private: Option<Private>,
}

/// What each order is told, in the order of the book, and its winning limit.
pub(super) struct Private {
    pub(super) standings: Vec<OrderStanding>,
    pub(super) winning_limits: Vec<Option<Price>>,
}

/// Why a text is no result of a book.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadError {
    /// It is no JSON of this form.
    #[error("the result cannot be read; it is printed by golv clear --json")]
    Json(#[from] serde_json::Error),
    /// A number or a name in it cannot be read.
    #[error("the result's {field} '{value}' cannot be read, or contradicts the rest")]
    Field {
        /// Where.
        field: &'static str,
        /// What stands there.
        value: String,
    },
    /// It names an order that is not in the book.
    #[error("the result names '{id}', which is not in the book")]
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

/// The id of a row.
pub(super) fn id(rows: &[Row], order: u32) -> String {
    let row = usize::try_from(order).ok().and_then(|row| rows.get(row));
    row.map_or_else(String::new, |row| row.id.clone())
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
    Text {
        price: price(outcome.price()),
        volume: outcome.volume.to_string(),
        surplus: outcome.surplus.to_string(),
        surplus_side: outcome.surplus_side.map(|side| side_name(side).to_owned()),
        cascade_step: outcome.step().map(|step| step.to_string()),
        undecided,
        equilibrium: Range { low: price(low), high: price(high) },
        over_allotted: outcome.over_allotted.to_string(),
        fills: outcome.fills.iter().map(|fill| FillText::new(rows, fill)).collect(),
    }
}

/// A result as JSON, with the rule, the seed, the public part of its proof, and the private part if there is one.
pub(super) fn json(
    rows: &[Row],
    outcome: &Outcome,
    rule: &Rule,
    seed: Option<&str>,
    certificate: &Certificate,
    private: Option<&Private>,
) -> String {
    let proved = Proved {
        result: text(rows, outcome),
        rule: rule.clone(),
        seed: seed.map(str::to_owned),
        certificate: Some(certificate_text(certificate)),
        standings: private.map(|private| standing_texts(rows, private)),
    };
    format!("{:#}", serde_json::to_value(proved).expect("texts and names alone"))
}

pub(crate) fn certificate_text(certificate: &Certificate) -> CertificateText {
    let point = |point: &CurvePoint| PointText {
        price: point.price.to_string(),
        demand: point.demand.to_string(),
        supply: point.supply.to_string(),
    };
    CertificateText {
        total_demand: certificate.total_demand.to_string(),
        total_supply: certificate.total_supply.to_string(),
        bought: certificate.bought.to_string(),
        sold: certificate.sold.to_string(),
        curve: certificate.curve.iter().map(point).collect(),
    }
}

fn standing_texts(rows: &[Row], private: &Private) -> Vec<StandingText> {
    let standing = |(standing, limit): (&OrderStanding, &Option<Price>)| StandingText {
        id: id(rows, standing.order),
        given: standing.given.to_string(),
        reason: standing.reason,
        winning_limit: limit.map(|limit| limit.to_string()),
    };
    private.standings.iter().zip(&private.winning_limits).map(standing).collect()
}

/// Reads a result of a book back, and what is said to prove it.
pub(super) fn read(text: &str, rows: &[Row]) -> Result<Claimed, ReadError> {
    let Proved { result, rule, seed, certificate, standings } = serde_json::from_str(text)?;
    let places = places(rows);
    let outcome = read_outcome(&result, &places)?;
    let certificate = certificate.map(|text| read_certificate(&text, &outcome)).transpose()?;
    let private = standings.map(|texts| read_private(&texts, &places)).transpose()?;
    Ok(Claimed { rule, seed, outcome, certificate, private })
}

fn read_outcome(result: &Text, places: &BTreeMap<&str, u32>) -> Result<Outcome, ReadError> {
    let price = |text: &Option<String>| optional("price", text);
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
    // Two decisions in one text contradict each other, and only one of them would be proved.
    if let (Some(price), Some(_)) = (&result.price, &result.undecided) {
        return Err(ReadError::Field { field: "price", value: price.clone() });
    }
    only_with_a_price(&result.price, "cascade_step", &result.cascade_step)?;
    let surplus_side = match result.surplus_side.as_deref() {
        None => None,
        Some("buy") => Some(Side::Buy),
        Some("sell") => Some(Side::Sell),
        Some(other) => return Err(ReadError::Field { field: "surplus_side", value: other.to_owned() }),
    };
    Ok(Outcome {
        decision,
        volume: number("volume", &result.volume)?,
        surplus: number("surplus", &result.surplus)?,
        surplus_side,
        equilibrium: Equilibrium {
            low: price(&result.equilibrium.low)?,
            high: price(&result.equilibrium.high)?,
        },
        fills: result.fills.iter().map(|fill| fill.read(places)).collect::<Result<_, ReadError>>()?,
        over_allotted: number("over_allotted", &result.over_allotted)?,
    })
}

fn read_certificate(text: &CertificateText, outcome: &Outcome) -> Result<Certificate, ReadError> {
    let point = |point: &PointText| {
        Ok(CurvePoint {
            price: number("price", &point.price)?,
            demand: number("demand", &point.demand)?,
            supply: number("supply", &point.supply)?,
        })
    };
    Ok(Certificate {
        decision: outcome.decision,
        equilibrium: outcome.equilibrium,
        total_demand: number("total_demand", &text.total_demand)?,
        total_supply: number("total_supply", &text.total_supply)?,
        bought: number("bought", &text.bought)?,
        sold: number("sold", &text.sold)?,
        curve: text.curve.iter().map(point).collect::<Result<_, ReadError>>()?,
    })
}

fn read_private(texts: &[StandingText], places: &BTreeMap<&str, u32>) -> Result<Private, ReadError> {
    let standing = |text: &StandingText| {
        let (order, given) = (place(places, &text.id)?, number("given", &text.given)?);
        Ok(OrderStanding { order, given, reason: text.reason })
    };
    let limit = |text: &StandingText| optional("winning_limit", &text.winning_limit);
    Ok(Private {
        standings: texts.iter().map(standing).collect::<Result<_, ReadError>>()?,
        winning_limits: texts.iter().map(limit).collect::<Result<_, ReadError>>()?,
    })
}

/// Rows by their ids.
pub(super) fn places(rows: &[Row]) -> BTreeMap<&str, u32> {
    (0..).zip(rows).map(|(place, row)| (row.id.as_str(), place)).collect()
}

/// The row of an id.
pub(super) fn place(places: &BTreeMap<&str, u32>, id: &str) -> Result<u32, ReadError> {
    places.get(id).copied().ok_or_else(|| ReadError::UnknownOrder { id: id.to_owned() })
}

/// A number in a field, if there is one.
pub(super) fn optional<T: std::str::FromStr>(
    field: &'static str,
    text: &Option<String>,
) -> Result<Option<T>, ReadError> {
    text.as_deref().map(|text| number(field, text)).transpose()
}

/// Refuses what only a result with a price can have.
pub(super) fn only_with_a_price(
    price: &Option<String>,
    field: &'static str,
    text: &Option<String>,
) -> Result<(), ReadError> {
    match text {
        Some(value) if price.is_none() => Err(ReadError::Field { field, value: value.clone() }),
        _ => Ok(()),
    }
}

/// A number, or a name, in a field.
pub(super) fn number<T: std::str::FromStr>(field: &'static str, text: &str) -> Result<T, ReadError> {
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
    print_fills(fills.into_iter().map(row));
}

/// A fill in four texts.
pub(super) fn row(fill: FillText) -> [String; 4] {
    [fill.id, fill.quantity, fill.price, fill.reason.to_string()]
}

/// Prints rows of an id, a quantity, a price and a reason as a table, if there are any.
pub(super) fn print_fills(rows: impl Iterator<Item = [String; 4]>) {
    let mut rows = rows
        .map(|[id, quantity, price, reason]| vec![id, grouped(&quantity), grouped(&price), reason])
        .peekable();
    if rows.peek().is_some() {
        print::line(print::table(&["order", ">quantity", ">price", "reason"], rows));
    }
}

/// Prints the fills as CSV.
pub(super) fn print_csv(rows: &[Row], outcome: &Outcome) {
    print_csv_rows(text(rows, outcome).fills.into_iter().map(row));
}

/// Prints rows of an id, a quantity, a price and a reason as CSV.
pub(super) fn print_csv_rows(mut rows: impl Iterator<Item = [String; 4]>) {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let header = writer.write_record(["id", "quantity", "price", "reason"]);
    let written = rows.try_for_each(|row| writer.write_record(row));
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
