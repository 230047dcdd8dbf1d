//! Results of support auctions: printed for people and programs, and read back to be checked.

use std::collections::BTreeMap;

use golv_engine::num::{Amount, Price};
use golv_engine::support::{
    Award, Breach, ClearingScore, Constraint, Most, Outcome, Reason, Rejection, Size, SupportRule, Totals,
    Void,
};
use serde::{Deserialize, Serialize};

use super::offers::Row;
use crate::clear::result::{ReadError, number, optional, print_csv_rows, print_fills};
use crate::print::{self, grouped};

/// A result as text, its numbers as decimal texts, its limits by name.
#[derive(Serialize, Deserialize)]
struct Text {
    awards: Vec<AwardText>,
    rejections: Vec<RejectionText>,
    void: Option<VoidText>,
    clearing: Vec<ClearingText>,
    limits: Vec<LimitText>,
    totals: TotalsText,
    /// What there would be without the cap by origin, and what the cap costs by that.
    without_origin_cap: Option<TotalsText>,
    price_of_diversification: Option<Diversification>,
    /// Of how much volume each country was allowed its share.
    origin_volume: Option<String>,
    seed: Option<String>,
    rule: SupportRule,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    winning_prices: Option<WinningText>,
    /// What the winning prices are whole multiples of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    winning_tick: Option<String>,
}

/// Which prices would have won.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum WinningText {
    /// Of each offer that was awarded nothing the price with which it would have been, or none.
    Found(BTreeMap<String, Option<String>>),
    Not(NotFound),
}

/// Why there are no winning prices.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum NotFound {
    /// The book is too large.
    NotLookedFor,
}

#[derive(Serialize, Deserialize)]
struct AwardText {
    id: String,
    quantity: String,
    price: String,
    minimum: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct RejectionText {
    id: String,
    reason: ReasonText,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum ReasonText {
    AboveCeiling { ceiling: String },
    Limited(Vec<BreachText>),
    Stopped { limit: ConstraintText, by: String },
    YearClosed { by: String },
    Excluded { by: String },
    Void,
}

#[derive(Serialize, Deserialize)]
struct BreachText {
    limit: ConstraintText,
    over: SizeText,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum ConstraintText {
    Named(String),
    Competition,
    Origin(String),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum SizeText {
    Quantity(String),
    Money(String),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum VoidText {
    TooFewOwners(u32),
    AllWin,
}

#[derive(Serialize, Deserialize)]
struct ClearingText {
    pot: Option<String>,
    minimum: Option<String>,
    year: u16,
    score: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct LimitText {
    name: String,
    most: SizeText,
    used: Option<SizeText>,
}

#[derive(Serialize, Deserialize)]
struct TotalsText {
    quantity: String,
    cost: String,
}

/// What the cap by origin costs.
#[derive(Serialize, Deserialize)]
struct Diversification {
    /// How much less is awarded.
    less_quantity: String,
    /// How much more the awards cost; negative where less is awarded for less.
    more_cost: String,
}

impl Text {
    fn new(rows: &[Row], rule: &SupportRule, seed: Option<&str>, outcome: &Outcome) -> Self {
        let minimum = |number: Option<u32>| {
            let number = usize::try_from(number?).ok()?;
            rule.minima.get(number).map(|minimum| minimum.name.to_string())
        };
        let award = |award: &Award| AwardText {
            id: id(rows, award.offer),
            quantity: award.quantity.to_string(),
            price: award.price.to_string(),
            minimum: minimum(award.minimum),
        };
        let rejection = |rejection: &Rejection| RejectionText {
            id: id(rows, rejection.offer),
            reason: reason_text(rows, rule, &rejection.reason),
        };
        let clearing = |clearing: &ClearingScore| ClearingText {
            pot: clearing.pot.as_ref().map(ToString::to_string),
            minimum: minimum(clearing.minimum),
            year: clearing.year,
            score: clearing.score.map(|score| score.to_string()),
        };
        let limits = rule.limits.iter().zip(&outcome.used).map(|(limit, used)| LimitText {
            name: limit.name.to_string(),
            most: match limit.most {
                Most::Quantity(quantity) => SizeText::Quantity(quantity.to_string()),
                Most::Money { amount, .. } => SizeText::Money(amount.to_string()),
            },
            used: used.map(size_text),
        });
        let totals = |totals: Totals| TotalsText {
            quantity: totals.quantity.to_string(),
            cost: totals.cost.to_string(),
        };
        let diversification = |without: Totals| Diversification {
            less_quantity: difference(without.quantity.millionths(), outcome.totals.quantity.millionths()),
            more_cost: difference(outcome.totals.cost.millionths(), without.cost.millionths()),
        };
        Self {
            awards: outcome.awards.iter().map(award).collect(),
            rejections: outcome.rejections.iter().map(rejection).collect(),
            void: outcome.void.map(|void| match void {
                Void::TooFewOwners { owners } => VoidText::TooFewOwners(owners),
                Void::AllWin => VoidText::AllWin,
            }),
            clearing: outcome.clearing.iter().map(clearing).collect(),
            limits: limits.collect(),
            totals: totals(outcome.totals),
            without_origin_cap: outcome.without_origin_cap.map(totals),
            price_of_diversification: outcome.without_origin_cap.map(diversification),
            origin_volume: outcome.origin_volume.map(|volume| volume.to_string()),
            seed: seed.map(str::to_owned),
            rule: rule.clone(),
            winning_prices: None,
            winning_tick: None,
        }
    }
}

/// The difference of two numbers of millionths that are not negative.
fn difference(one: i64, other: i64) -> String {
    Price::from_millionths(one - other).to_string()
}

fn reason_text(rows: &[Row], rule: &SupportRule, reason: &Reason) -> ReasonText {
    let breach = |breach: &Breach| BreachText {
        limit: constraint_text(rule, breach.constraint),
        over: size_text(breach.over),
    };
    match reason {
        Reason::AboveCeiling { ceiling } => ReasonText::AboveCeiling { ceiling: ceiling.to_string() },
        Reason::Limited(breaches) => ReasonText::Limited(breaches.iter().map(breach).collect()),
        Reason::Stopped { constraint, by } => {
            ReasonText::Stopped { limit: constraint_text(rule, *constraint), by: id(rows, *by) }
        }
        Reason::YearClosed { by } => ReasonText::YearClosed { by: id(rows, *by) },
        Reason::Excluded { by } => ReasonText::Excluded { by: id(rows, *by) },
        Reason::Void => ReasonText::Void,
    }
}

fn constraint_text(rule: &SupportRule, constraint: Constraint) -> ConstraintText {
    match constraint {
        Constraint::Limit(number) => {
            let limit = usize::try_from(number).ok().and_then(|number| rule.limits.get(number));
            ConstraintText::Named(limit.map_or_else(String::new, |limit| limit.name.to_string()))
        }
        Constraint::Competition => ConstraintText::Competition,
        Constraint::Origin(country) => ConstraintText::Origin(country.to_string()),
    }
}

fn size_text(size: Size) -> SizeText {
    match size {
        Size::Quantity(quantity) => SizeText::Quantity(quantity.to_string()),
        Size::Money(amount) => SizeText::Money(amount.to_string()),
    }
}

fn id(rows: &[Row], offer: u32) -> String {
    let row = usize::try_from(offer).ok().and_then(|row| rows.get(row));
    row.map_or_else(String::new, |row| row.id.clone())
}

/// A result as JSON, with the rule.
pub(super) fn json(
    rows: &[Row],
    rule: &SupportRule,
    seed: Option<&str>,
    outcome: &Outcome,
    winning: Option<&Winning>,
) -> String {
    let text = Text::new(rows, rule, seed, outcome);
    let text = match winning {
        None => text,
        Some(Winning::NotLookedFor) => {
            Text { winning_prices: Some(WinningText::Not(NotFound::NotLookedFor)), ..text }
        }
        Some(Winning::Found { tick, prices }) => {
            let told = |(offer, price): &(u32, Option<Price>)| {
                (id(rows, *offer), price.map(|price| price.to_string()))
            };
            let prices = WinningText::Found(prices.iter().map(told).collect());
            Text { winning_prices: Some(prices), winning_tick: Some(tick.to_string()), ..text }
        }
    };
    let value = serde_json::to_value(text).expect("texts, names and counts");
    format!("{value:#}")
}

/// Whether a text is such a result.
pub(crate) fn is_one(text: &str) -> bool {
    let value: Option<serde_json::Value> = serde_json::from_str(text).ok();
    value.is_some_and(|value| value.get("awards").is_some())
}

/// A result as it was read.
pub(super) struct Claimed {
    pub(super) seed: Option<String>,
    pub(super) outcome: Outcome,
    /// The winning prices, if they were asked for.
    pub(super) winning: Option<Winning>,
}

/// Which prices would have won.
pub(super) enum Winning {
    /// Of each offer that was awarded nothing the highest price on the tick that would have won, if there is one.
    Found { tick: Price, prices: Vec<(u32, Option<Price>)> },
    /// There are more offers than this is done for.
    NotLookedFor,
}

/// The rule of a result, which the book is read by.
pub(super) fn read_rule(text: &str) -> Result<SupportRule, ReadError> {
    Ok(serde_json::from_str::<Text>(text)?.rule)
}

/// Reads a result of a book back.
pub(super) fn read(text: &str, rows: &[Row]) -> Result<Claimed, ReadError> {
    let text: Text = serde_json::from_str(text)?;
    let places: BTreeMap<&str, u32> = (0..).zip(rows).map(|(place, row)| (row.id.as_str(), place)).collect();
    let names = Names { places: &places, rule: &text.rule };
    let award = |award: &AwardText| {
        Ok(Award {
            offer: names.offer(&award.id)?,
            quantity: number("quantity", &award.quantity)?,
            price: number("price", &award.price)?,
            minimum: names.minimum(award.minimum.as_deref())?,
        })
    };
    let rejection = |rejection: &RejectionText| {
        Ok(Rejection { offer: names.offer(&rejection.id)?, reason: names.reason(&rejection.reason)? })
    };
    let clearing = |clearing: &ClearingText| {
        Ok(ClearingScore {
            pot: optional("pot", &clearing.pot)?,
            minimum: names.minimum(clearing.minimum.as_deref())?,
            year: clearing.year,
            score: optional("score", &clearing.score)?,
        })
    };
    let totals = |totals: &TotalsText| {
        let cost: Amount = number("cost", &totals.cost)?;
        Ok::<_, ReadError>(Totals { quantity: number("quantity", &totals.quantity)?, cost })
    };
    let winning = match (&text.winning_prices, &text.winning_tick) {
        (None, None) => None,
        (Some(WinningText::Not(NotFound::NotLookedFor)), None) => Some(Winning::NotLookedFor),
        (Some(WinningText::Found(prices)), Some(tick)) => {
            let told =
                |(id, price): (&String, &Option<String>)| Ok((names.offer(id)?, optional("price", price)?));
            let prices = prices.iter().map(told).collect::<Result<_, ReadError>>()?;
            Some(Winning::Found { tick: number("winning_tick", tick)?, prices })
        }
        (_, tick) => {
            let value = tick.clone().unwrap_or_else(|| "none".to_owned());
            return Err(ReadError::Field { field: "winning_tick", value });
        }
    };
    let used = text.limits.iter().map(|limit| limit.used.as_ref().map(size).transpose());
    let outcome = Outcome {
        awards: text.awards.iter().map(award).collect::<Result<_, ReadError>>()?,
        rejections: text.rejections.iter().map(rejection).collect::<Result<_, ReadError>>()?,
        void: text.void.map(|void| match void {
            VoidText::TooFewOwners(owners) => Void::TooFewOwners { owners },
            VoidText::AllWin => Void::AllWin,
        }),
        clearing: text.clearing.iter().map(clearing).collect::<Result<_, ReadError>>()?,
        totals: totals(&text.totals)?,
        without_origin_cap: text.without_origin_cap.as_ref().map(totals).transpose()?,
        origin_volume: optional("origin_volume", &text.origin_volume)?,
        used: used.collect::<Result<_, ReadError>>()?,
    };
    Ok(Claimed { seed: text.seed, outcome, winning })
}

/// What names of a result stand for.
struct Names<'a> {
    places: &'a BTreeMap<&'a str, u32>,
    rule: &'a SupportRule,
}

impl Names<'_> {
    fn offer(&self, id: &str) -> Result<u32, ReadError> {
        self.places.get(id).copied().ok_or_else(|| ReadError::UnknownOrder { id: id.to_owned() })
    }

    fn minimum(&self, name: Option<&str>) -> Result<Option<u32>, ReadError> {
        name.map(|name| numbered("minimum", name, &self.rule.minima)).transpose()
    }

    fn reason(&self, reason: &ReasonText) -> Result<Reason, ReadError> {
        Ok(match reason {
            ReasonText::AboveCeiling { ceiling } => {
                Reason::AboveCeiling { ceiling: number("ceiling", ceiling)? }
            }
            ReasonText::Limited(breaches) => {
                let breach = |breach: &BreachText| {
                    Ok(Breach { constraint: self.constraint(&breach.limit)?, over: size(&breach.over)? })
                };
                Reason::Limited(breaches.iter().map(breach).collect::<Result<_, ReadError>>()?)
            }
            ReasonText::Stopped { limit, by } => {
                Reason::Stopped { constraint: self.constraint(limit)?, by: self.offer(by)? }
            }
            ReasonText::YearClosed { by } => Reason::YearClosed { by: self.offer(by)? },
            ReasonText::Excluded { by } => Reason::Excluded { by: self.offer(by)? },
            ReasonText::Void => Reason::Void,
        })
    }

    fn constraint(&self, constraint: &ConstraintText) -> Result<Constraint, ReadError> {
        Ok(match constraint {
            ConstraintText::Named(name) => Constraint::Limit(numbered("limit", name, &self.rule.limits)?),
            ConstraintText::Competition => Constraint::Competition,
            ConstraintText::Origin(country) => Constraint::Origin(number("country", country)?),
        })
    }
}

/// The number of a limit by its name.
fn numbered(
    field: &'static str,
    name: &str,
    limits: &[golv_engine::support::Limit],
) -> Result<u32, ReadError> {
    let number = limits.iter().position(|limit| limit.name.as_str() == name);
    let number = number.and_then(|number| u32::try_from(number).ok());
    number.ok_or_else(|| ReadError::Field { field, value: name.to_owned() })
}

fn size(text: &SizeText) -> Result<Size, ReadError> {
    Ok(match text {
        SizeText::Quantity(quantity) => Size::Quantity(number("quantity", quantity)?),
        SizeText::Money(amount) => Size::Money(number("money", amount)?),
    })
}

/// Prints a result for people.
pub(super) fn print_table(rows: &[Row], rule: &SupportRule, outcome: &Outcome) {
    let text = Text::new(rows, rule, None, outcome);
    match text.void {
        Some(VoidText::TooFewOwners(owners)) => {
            print::line(format_args!("void         offers of {owners} owners alone"));
        }
        Some(VoidText::AllWin) => print::line("void         all would have won"),
        None => {}
    }
    print::line(format_args!("awarded      {}", grouped(&text.totals.quantity)));
    print::line(format_args!("cost         {}", grouped(&text.totals.cost)));
    for ClearingText { pot, minimum, year, score } in &text.clearing {
        let names = [pot.clone(), minimum.as_ref().map(|minimum| format!("minimum {minimum}"))];
        let mut place: Vec<String> = names.into_iter().flatten().collect();
        place.extend((*year != 0).then(|| year.to_string()));
        let place = if place.is_empty() { String::new() } else { format!(", {}", place.join(", ")) };
        let score =
            score.as_ref().map_or_else(|| "uncontested, at ceilings".to_owned(), |score| grouped(score));
        print::line(format_args!("clears at    {score}{place}"));
    }
    for LimitText { name, most, used } in &text.limits {
        if let Some(used) = used {
            print::line(format_args!("limit        {name}: {} of {}", amount(used), amount(most)));
        }
    }
    if let (Some(without), Some(price)) = (&text.without_origin_cap, &text.price_of_diversification) {
        print::line(format_args!(
            "origin cap   {} for {} without it: {} less for {} more",
            grouped(&without.quantity),
            grouped(&without.cost),
            grouped(&price.less_quantity),
            grouped(&price.more_cost)
        ));
    }
    print_fills(lines(text));
}

fn amount(size: &SizeText) -> String {
    match size {
        SizeText::Quantity(text) | SizeText::Money(text) => grouped(text),
    }
}

/// Prints what each was awarded as CSV, and why the others were not.
pub(super) fn print_csv(rows: &[Row], rule: &SupportRule, outcome: &Outcome) {
    print_csv_rows(lines(Text::new(rows, rule, None, outcome)));
}

/// The awards, and then the rejections.
fn lines(text: Text) -> impl Iterator<Item = [String; 4]> {
    let awards = text.awards.into_iter().map(|award| {
        let why = award
            .minimum
            .map_or_else(|| "awarded".to_owned(), |minimum| format!("awarded, minimum {minimum}"));
        [award.id, award.quantity, award.price, why]
    });
    let rejections = text
        .rejections
        .into_iter()
        .map(|RejectionText { id, reason }| [id, "0".to_owned(), String::new(), reason_line(&reason)]);
    awards.chain(rejections)
}

fn reason_line(reason: &ReasonText) -> String {
    let name = |constraint: &ConstraintText| match constraint {
        ConstraintText::Named(name) => name.clone(),
        ConstraintText::Competition => "part of what is offered".to_owned(),
        ConstraintText::Origin(country) => format!("share of {country}"),
    };
    match reason {
        ReasonText::AboveCeiling { ceiling } => format!("above the ceiling {ceiling}"),
        ReasonText::Limited(breaches) => {
            let told = breaches
                .iter()
                .map(|breach| format!("{} over {}", amount(&breach.over), name(&breach.limit)));
            told.collect::<Vec<_>>().join(", ")
        }
        ReasonText::Stopped { limit, by } => format!("{} stopped at {by}", name(limit)),
        ReasonText::YearClosed { by } => format!("its year is closed since {by}"),
        ReasonText::Excluded { by } => format!("{by} of its unit is awarded"),
        ReasonText::Void => "the auction is void".to_owned(),
    }
}
