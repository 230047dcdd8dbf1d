//! What came out of one policy, as tables for people and as JSON for programs.
//!
//! The JSON says nothing of where it was played, so that two plays can be compared byte for byte.

use std::collections::BTreeMap;

use golv_engine::num::{Price, Quantity, divide_half_even};
use golv_sim::metrics::Metrics;
use golv_sim::play::{MonthFacts, Outcome, ProducerFacts};
use golv_sim::report::comparison::{Comparison, PlayedPolicy};
use golv_sim::scenario::{Policy, Scenario};
use serde_json::{Map, Value, json};

use crate::command_line::statement::Statement;
use crate::print::{grouped, millionths, price, quantity, table};

/// One policy that was played.
pub(super) struct Told<'a> {
    scenario: &'a Scenario,
    policy: &'a Policy,
    outcome: Outcome,
    /// Its figures by name, as texts.
    figures: Vec<(&'static str, String)>,
    statements: &'a [Statement],
}

/// What a year cost.
#[derive(Clone, Copy, Default)]
struct Year {
    paid: i128,
    given: i128,
    gap: i128,
}

impl<'a> Told<'a> {
    pub(super) fn new(
        scenario: &'a Scenario,
        policy: &'a Policy,
        outcome: Outcome,
        statements: &'a [Statement],
    ) -> Self {
        let metrics = Metrics::of(scenario, policy, &outcome);
        let played = [PlayedPolicy { policy, outcome, metrics }];
        let compared = Comparison::of(scenario, &played, &[]);
        let figures = compared.policies.first().map_or_else(Vec::new, |policy| policy.figures());
        let [PlayedPolicy { outcome, .. }] = played;
        Self { scenario, policy, outcome, figures, statements }
    }

    /// Tables of figures, the award, producers, buyers and years.
    pub(super) fn tables(&self) -> String {
        let Scenario { title, first, last, seed, .. } = self.scenario;
        let head = format!(
            "{title}\npolicy {}: {}; {first} to {last}, seed {seed}",
            self.policy.key, self.policy.name
        );
        [head, self.figures(), self.award(), self.producers(), self.buyers(), self.years_table()].join("\n\n")
    }

    fn currency(&self) -> &'static str {
        self.scenario.market.currency.code()
    }

    fn unit(&self) -> &'static str {
        self.scenario.market.unit.symbol()
    }

    fn figures(&self) -> String {
        let rows = self.figures.iter().filter(|(_, value)| !value.is_empty());
        let rows = rows.map(|(name, value)| vec![(*name).to_owned(), figure(name, value)]);
        let (currency, unit) = (self.currency(), self.unit());
        format!(
            "Figures, amounts in {currency}, quantities in {unit}\n{}",
            table(&["figure", ">value"], rows)
        )
    }

    fn award(&self) -> String {
        let price_unit = self.scenario.price_unit();
        match &self.outcome.award {
            None => "Nothing was awarded in an auction.".to_owned(),
            Some(award) => {
                let at = award.price.map_or_else(|| "no price".to_owned(), price);
                let cut = match award.cut_by_origin {
                    Quantity::ZERO => String::new(),
                    cut => format!("; {} less because of the cap by origin", quantity(cut)),
                };
                let volume = quantity(award.volume);
                format!("Awarded in {}: {volume} {} at {at} {price_unit}{cut}", award.month, self.unit())
            }
        }
    }

    fn producers(&self) -> String {
        let columns = [
            "producer",
            "origin",
            ">sold",
            ">elsewhere",
            ">revenue",
            ">support",
            ">cost",
            ">result",
            "invested",
            "closed",
        ];
        let rows = self.outcome.producers.iter().map(|producer| {
            let revenue = producer.revenue + producer.revenue_elsewhere;
            let built = match producer.invested {
                Some(month) => month.to_string(),
                None if producer.is_absent => "never".to_owned(),
                None => String::new(),
            };
            vec![
                producer.name.clone(),
                producer.origin.to_string(),
                quantity(producer.sold),
                quantity(producer.sold_elsewhere),
                whole(revenue),
                whole(producer.support),
                whole(producer.cost),
                whole(result(producer)),
                built,
                producer.closed.map_or_else(String::new, |month| month.to_string()),
            ]
        });
        format!("Producers; the result is before capital\n{}", table(&columns, rows))
    }

    fn buyers(&self) -> String {
        let rows = self.outcome.buyers.iter().map(|buyer| {
            vec![buyer.name.clone(), quantity(buyer.wanted), quantity(buyer.bought), whole(buyer.paid)]
        });
        format!("Buyers\n{}", table(&["buyer", ">wanted", ">bought", ">paid"], rows))
    }

    fn years_table(&self) -> String {
        let rows = self.years().into_iter().map(|(year, Year { paid, given, gap })| {
            [year.to_string()].into_iter().chain([paid, given, gap, paid - given + gap].map(whole)).collect()
        });
        format!("Public cost by year\n{}", table(&["year", ">paid", ">given", ">gap", ">cost"], rows))
    }

    fn years(&self) -> BTreeMap<i32, Year> {
        let mut years = BTreeMap::<i32, Year>::new();
        for MonthFacts { month, paid, given, gap, .. } in &self.outcome.months {
            let year = years.entry(month.year()).or_default();
            year.paid += paid;
            year.given += given;
            year.gap += gap;
        }
        years
    }

    /// All facts, the figures, and everybody's statement.
    pub(super) fn json(&self) -> Value {
        let figures: Map<String, Value> =
            self.figures.iter().map(|(name, value)| ((*name).to_owned(), text(value))).collect();
        json!({
            "scenario": self.scenario.hash.to_string(),
            "title": self.scenario.title,
            "seed": self.scenario.seed,
            "policy": self.policy.key,
            "currency": self.currency(),
            "unit": self.unit(),
            "figures": figures,
            "award": self.outcome.award.as_ref().map(|award| json!({
                "month": award.month.to_string(),
                "price": award.price.map(|price| price.to_string()),
                "volume": award.volume.to_string(),
                "cut_by_origin": award.cut_by_origin.to_string(),
                "supply": limits(&award.supply),
            })),
            "producers": self.outcome.producers.iter().map(producer_json).collect::<Vec<_>>(),
            "buyers": self.outcome.buyers.iter().map(|buyer| json!({
                "name": buyer.name,
                "wanted": buyer.wanted.to_string(),
                "bought": buyer.bought.to_string(),
                "paid": millionths(buyer.paid),
            })).collect::<Vec<_>>(),
            "trades": self.outcome.trades.iter().map(|trade| json!({
                "month": trade.month.to_string(),
                "months": trade.months,
                "price": trade.price.map(|price| price.to_string()),
                "volume": trade.volume.to_string(),
            })).collect::<Vec<_>>(),
            "months": self.outcome.months.iter().map(|month| json!({
                "month": month.month.to_string(),
                "reference_price": month.reference_price.to_string(),
                "paid": millionths(month.paid),
                "given": millionths(month.given),
                "gap": millionths(month.gap),
            })).collect::<Vec<_>>(),
            "years": self.years().into_iter().map(|(year, Year { paid, given, gap })| json!({
                "year": year,
                "paid": millionths(paid),
                "given": millionths(given),
                "gap": millionths(gap),
                "cost": millionths(paid - given + gap),
            })).collect::<Vec<_>>(),
            "statements": self.statements.iter().map(Statement::json).collect::<Vec<_>>(),
        })
    }
}

fn producer_json(producer: &ProducerFacts) -> Value {
    json!({
        "name": producer.name,
        "origin": producer.origin.to_string(),
        "sold": producer.sold.to_string(),
        "revenue": millionths(producer.revenue),
        "sold_elsewhere": producer.sold_elsewhere.to_string(),
        "revenue_elsewhere": millionths(producer.revenue_elsewhere),
        "support": millionths(producer.support),
        "cost": millionths(producer.cost),
        "result": millionths(result(producer)),
        "capital": millionths(producer.capital),
        "invested": producer.invested.map(|month| month.to_string()),
        "closed": producer.closed.map(|month| month.to_string()),
        "never_built": producer.is_absent,
    })
}

/// What a producer was paid in all less what that cost it, before capital.
fn result(producer: &ProducerFacts) -> i128 {
    producer.revenue + producer.revenue_elsewhere + producer.support - producer.cost
}

fn limits(bids: &[(Price, Quantity)]) -> Vec<Value> {
    bids.iter()
        .map(|(price, quantity)| json!({"price": price.to_string(), "quantity": quantity.to_string()}))
        .collect()
}

/// A figure's text, null where it has no value.
pub(super) fn text(value: &str) -> Value {
    if value.is_empty() { Value::Null } else { value.into() }
}

/// A figure for people: a year as it is, all others with their thousands set apart.
pub(super) fn figure(name: &str, value: &str) -> String {
    if name == "worst_year" { value.to_owned() } else { grouped(value) }
}

/// Millionths, rounded to the unit.
fn whole(millionths: i128) -> String {
    let units = divide_half_even(millionths, 1_000_000).expect("a million is positive");
    grouped(&units.to_string())
}
