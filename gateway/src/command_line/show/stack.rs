//! How stacks of offers, their awards and their acceptance are shown.

use golv_engine::auction::{AwardOffer, BidDetails, Refusal, Refused, StackResult, StackTerms, WinningLimit};
use golv_engine::support::{Breach, Constraint, Size, Totals, Void};
use serde_json::{Value, json};

use super::json::winning_limit_json;
use super::{listed, price, quantity};
use crate::print;

/// How a stack is held: what differs from all offers together, each at one price.
pub(super) fn terms_text(terms: &StackTerms) -> String {
    let rule = &terms.rule;
    let each = match rule.payment {
        golv_engine::clearing::Payment::OnePrice => "one price for all",
        golv_engine::clearing::Payment::OwnPrice => "each at its own price",
    };
    let mut text = format!("offers in a stack, {each}");
    text += &terms.budget.map(|budget| format!(", budget {}", print::amount(budget))).unwrap_or_default();
    text += &rule.limits.iter().map(|limit| format!(", limit {}", limit.name)).collect::<String>();
    text += &rule.minima.iter().map(|minimum| format!(", minimum {}", minimum.name)).collect::<String>();
    if let Some(cap) = &rule.origin_cap {
        text += &format!(", no origin above {} of all", cap.share);
    }
    text += &terms.bond.map(|bond| format!(", bond {} a unit", price(bond))).unwrap_or_default();
    let seconds = terms.acceptance_seconds.map(|seconds| print::grouped(&seconds.to_string()));
    text + &seconds.map(|seconds| format!(", {seconds} s to accept")).unwrap_or_default()
}

pub(super) fn terms_json(terms: &StackTerms) -> Value {
    json!({
        "rule": serde_json::to_value(&terms.rule).expect("a rule has names, numbers and texts alone"),
        "budget": terms.budget.map(|budget| budget.to_string()),
        "bond": terms.bond.map(|bond| bond.to_string()),
        "acceptance_seconds": terms.acceptance_seconds.map(std::num::NonZeroU32::get),
    })
}

pub(super) fn result_text(result: &StackResult) -> String {
    let found = match result.void {
        Some(Void::TooFewOwners { owners }) => format!("void: offers of {owners} owners alone"),
        Some(Void::AllWin) => "void: all would have won".to_owned(),
        None if result.totals.quantity.is_zero() => "nothing awarded".to_owned(),
        None => format!("{} awarded", quantity(result.totals.quantity)),
    };
    let diversified = result
        .without_origin_cap
        .map(|without| format!(", {} without the cap by origin", quantity(without.quantity)));
    let refused = listed(&result.refused, |refused| {
        let limit = match refused.winning_limit {
            WinningLimit::At(limit) => format!(", {} would have won", price(limit)),
            WinningLimit::Nowhere | WinningLimit::NotLookedFor => String::new(),
        };
        let reason = refusal_text(&refused.reason, result);
        format!("bid {} of participant {} gets no more: {reason}{limit}", refused.bid, refused.participant)
    });
    found + &diversified.unwrap_or_default() + &refused
}

fn refusal_text(reason: &Refusal, result: &StackResult) -> String {
    match reason {
        Refusal::Limited(breaches) => {
            let all: Vec<String> = breaches
                .iter()
                .map(|breach| format!("{} over {}", size_text(breach.over), name(breach.constraint, result)))
                .collect();
            all.join(", ")
        }
        Refusal::Stopped { constraint } => format!("{} is stopped", name(*constraint, result)),
        Refusal::YearClosed => "its delivery year is closed".to_owned(),
        Refusal::Excluded => "another offer of its unit is awarded".to_owned(),
        Refusal::AboveCeiling => "above its ceiling".to_owned(),
        Refusal::Void => "the auction is void".to_owned(),
    }
}

fn name(constraint: Constraint, result: &StackResult) -> String {
    match constraint {
        Constraint::Limit(number) => {
            let limit = usize::try_from(number).ok().and_then(|number| result.limits.get(number));
            limit.map_or_else(|| number.to_string(), |limit| limit.name.to_string())
        }
        Constraint::Competition => "the part of what is offered".to_owned(),
        Constraint::Origin(country) => format!("the share of {country}"),
    }
}

fn size_text(size: Size) -> String {
    match size {
        Size::Quantity(size) => quantity(size),
        Size::Money(amount) => print::amount(amount),
    }
}

pub(super) fn result_json(result: &StackResult) -> Value {
    let used = result
        .limits
        .iter()
        .map(|limit| json!({ "name": limit.name.as_str(), "used": limit.used.map(size_json) }));
    let clearing = result.clearing.iter().map(|clearing| {
        json!({
            "pot": clearing.pot.as_ref().map(ToString::to_string),
            "minimum": clearing.minimum,
            "year": clearing.year,
            "score": clearing.score.map(|score| score.to_string()),
        })
    });
    json!({
        "void": result.void.map(|void| match void {
            Void::TooFewOwners { owners } => json!({ "too-few-owners": owners }),
            Void::AllWin => json!("all-win"),
        }),
        "clearing": clearing.collect::<Vec<_>>(),
        "limits": used.collect::<Vec<_>>(),
        "totals": totals_json(result.totals),
        "without_origin_cap": result.without_origin_cap.map(totals_json),
        "refused": result.refused.iter().map(|refused| refused_json(refused, result)).collect::<Vec<_>>(),
    })
}

fn refused_json(refused: &Refused, result: &StackResult) -> Value {
    let limited =
        |breach: &Breach| json!({ "limit": name(breach.constraint, result), "over": size_json(breach.over) });
    let reason = match &refused.reason {
        Refusal::Limited(breaches) => json!({ "limited": breaches.iter().map(limited).collect::<Vec<_>>() }),
        Refusal::Stopped { constraint } => json!({ "stopped": name(*constraint, result) }),
        Refusal::YearClosed => json!("year-closed"),
        Refusal::Excluded => json!("excluded"),
        Refusal::AboveCeiling => json!("above-ceiling"),
        Refusal::Void => json!("void"),
    };
    json!({
        "bid": refused.bid.to_string(),
        "participant": refused.participant.0,
        "reason": reason,
        "winning_limit": winning_limit_json(refused.winning_limit),
    })
}

fn size_json(size: Size) -> Value {
    match size {
        Size::Quantity(size) => json!({ "quantity": size.to_string() }),
        Size::Money(amount) => json!({ "money": amount.to_string() }),
    }
}

fn totals_json(totals: Totals) -> Value {
    json!({ "quantity": totals.quantity.to_string(), "cost": totals.cost.to_string() })
}

pub(super) fn award_text(award: &AwardOffer) -> String {
    let from = if award.from_reserve { " from the reserve list" } else { "" };
    format!(
        "bid {} of participant {}{from}, {} at {}",
        award.bid,
        award.participant,
        quantity(award.quantity),
        price(award.price)
    )
}

pub(super) fn award_json(award: &AwardOffer) -> Value {
    json!({
        "bid": award.bid.to_string(),
        "participant": award.participant.0,
        "quantity": award.quantity.to_string(),
        "price": award.price.to_string(),
        "from_reserve": award.from_reserve,
    })
}

pub(super) fn details_json(details: BidDetails) -> Value {
    json!({
        "minimum": details.minimum.to_string(),
        "technology": details.technology,
        "year": details.year,
        "quality": details.quality.to_string(),
        "unit": details.unit,
    })
}
