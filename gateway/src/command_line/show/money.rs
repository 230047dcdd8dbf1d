//! What money does, as text and as JSON objects: programmes, payments, invoices, claims, notices, defaults and stock.

use golv_engine::command::Action;
use golv_engine::event::Event;
use golv_engine::ledger::Posting;
use golv_engine::money::{
    Backing, Breach, Claim, ClearingTerms, Invoice, PotUse, StockOrder, StockRule, StockTradedBy,
};
use serde_json::{Value, json};

use super::{listed, money, money_json};
use crate::command_line::words;
use crate::print::{self, price, quantity};

/// The text of one of these events; nothing for others.
pub(super) fn event_text(event: &Event) -> String {
    match event {
        Event::ClaimsPaid { programme, paid, short, carried } => format!(
            "programme {programme} paid {}, {} short{}",
            money(*paid),
            money(*short),
            claims_text(carried)
        ),
        Event::ProgrammeLevel { programme, level, used, funded } => format!(
            "programme {programme} is at level {}: {} of {} used",
            words::level(*level),
            money(*used),
            money(*funded)
        ),
        Event::InvoiceIssued { invoice } => invoice_text(invoice),
        Event::InvoicePaid { number, participant, paid, open } => format!(
            "invoice {number}: participant {participant} paid {}, {} open",
            money(*paid),
            money(*open)
        ),
        Event::InvoiceLate { number, participant, open } => {
            format!("invoice {number} of participant {participant} is late, {} open", money(*open))
        }
        Event::SellersPaid { auction, paid, carried } => {
            format!("auction {auction}: sellers were paid {}{}", money(*paid), claims_text(carried))
        }
        Event::NoticeServed { participant, currency, breach, until } => {
            let asked = match breach {
                Breach::Payment => format!("to pay in {currency}"),
                Breach::Collateral { required, held } => {
                    format!("to deposit collateral, {} required and {} held", money(*required), money(*held))
                }
            };
            format!("participant {participant} has notice until the end of {until} {asked}")
        }
        Event::NoticeFollowed { participant, currency } => {
            format!("participant {participant} followed its notice in {currency}")
        }
        Event::Defaulted { participant, owed, uncovered, uses } => format!(
            "participant {participant} is in default: {} owed, {} not covered{}",
            money(*owed),
            money(*uncovered),
            listed(uses, |used| format!("{} taken from {}", money(used.amount), pot_text(used)))
        ),
        Event::DefaultMadeGood { participant, currency, returned, is_made_good } => format!(
            "participant {participant}'s default in {currency} is made good{}{}",
            if *is_made_good { "" } else { " in part" },
            listed(returned, |used| format!("{} back to {}", money(used.amount), pot_text(used)))
        ),
        Event::ParticipantHalted { participant, by } => {
            format!("participant {participant} halted by identity {by}")
        }
        Event::StockTraded { by, trade } => format!(
            "{}: programme {} {}s {} of market {} at {}, holds {} at a cost of {}",
            words::traded_by(*by),
            trade.programme,
            words::side(trade.side),
            quantity(trade.quantity),
            trade.market,
            price(trade.price),
            quantity(trade.held),
            money(trade.at_cost)
        ),
        Event::Posted { cause, postings, .. } => {
            format!("posted for {}{}", words::cause(*cause), listed(postings, posting_text))
        }
        _ => String::new(),
    }
}

/// An event's name and what it carries; nothing for others.
pub(super) fn named_event(event: &Event) -> (&'static str, Value) {
    match event {
        Event::ClaimsPaid { programme, paid, short, carried } => (
            "claims_paid",
            json!({
                "programme": programme.0,
                "paid": money_json(*paid),
                "short": money_json(*short),
                "carried": carried.iter().map(claim_json).collect::<Vec<_>>(),
            }),
        ),
        Event::ProgrammeLevel { programme, level, used, funded } => (
            "programme_level",
            json!({
                "programme": programme.0,
                "level": words::level(*level),
                "used": money_json(*used),
                "funded": money_json(*funded),
            }),
        ),
        Event::InvoiceIssued { invoice } => ("invoice_issued", invoice_json(invoice)),
        Event::InvoicePaid { number, participant, paid, open } => (
            "invoice_paid",
            json!({
                "number": number,
                "participant": participant.0,
                "paid": money_json(*paid),
                "open": money_json(*open),
            }),
        ),
        Event::InvoiceLate { number, participant, open } => (
            "invoice_late",
            json!({ "number": number, "participant": participant.0, "open": money_json(*open) }),
        ),
        Event::SellersPaid { auction, paid, carried } => (
            "sellers_paid",
            json!({
                "auction": auction.0,
                "paid": money_json(*paid),
                "carried": carried.iter().map(claim_json).collect::<Vec<_>>(),
            }),
        ),
        Event::NoticeServed { participant, currency, breach, until } => {
            let breach = match breach {
                Breach::Payment => json!({ "kind": "payment" }),
                Breach::Collateral { required, held } => json!({
                    "kind": "collateral",
                    "required": money_json(*required),
                    "held": money_json(*held),
                }),
            };
            let object = json!({
                "participant": participant.0,
                "currency": currency.code(),
                "breach": breach,
                "until": until.to_string(),
            });
            ("notice_served", object)
        }
        Event::NoticeFollowed { participant, currency } => {
            ("notice_followed", json!({ "participant": participant.0, "currency": currency.code() }))
        }
        Event::Defaulted { participant, owed, uncovered, uses } => (
            "defaulted",
            json!({
                "participant": participant.0,
                "owed": money_json(*owed),
                "uncovered": money_json(*uncovered),
                "uses": uses.iter().map(use_json).collect::<Vec<_>>(),
            }),
        ),
        Event::DefaultMadeGood { participant, currency, returned, is_made_good } => (
            "default_made_good",
            json!({
                "participant": participant.0,
                "currency": currency.code(),
                "returned": returned.iter().map(use_json).collect::<Vec<_>>(),
                "is_made_good": is_made_good,
            }),
        ),
        Event::ParticipantHalted { participant, by } => {
            ("participant_halted", json!({ "participant": participant.0, "by": by.0 }))
        }
        Event::StockTraded { by, trade } => {
            let (auction, deal) = match by {
                StockTradedBy::Auction(auction) => (Some(auction.0), None),
                StockTradedBy::Deal(deal) => (None, Some(deal.to_string())),
            };
            let object = json!({
                "auction": auction,
                "deal": deal,
                "programme": trade.programme.0,
                "market": trade.market.0,
                "side": words::side(trade.side),
                "price": trade.price.to_string(),
                "quantity": trade.quantity.to_string(),
                "held": trade.held.to_string(),
                "at_cost": money_json(trade.at_cost),
            });
            ("stock_traded", object)
        }
        Event::Posted { at, cause, postings } => (
            "posted",
            json!({
                "at": at.to_string(),
                "cause": words::cause(*cause),
                "postings": postings.iter().map(posting_json).collect::<Vec<_>>(),
            }),
        ),
        _ => ("", Value::Null),
    }
}

/// The text of one of these actions; nothing for others.
pub(super) fn action_text(action: &Action) -> String {
    match action {
        Action::OpenProgramme { programme, terms } => {
            let backing = match &terms.backing {
                Backing::Guaranteed { by } => format!("guaranteed by {by}"),
                Backing::Capped => "capped by its money".to_owned(),
            };
            format!("open programme {programme}, {}, in {}, {backing}", terms.name, terms.currency)
        }
        Action::FundProgramme { programme, funder, amount } => {
            format!("pay {} of {funder} into programme {programme}", money(*amount))
        }
        Action::DepositCollateral { participant, amount } => {
            format!("take in {} of participant {participant}'s as collateral", money(*amount))
        }
        Action::ReturnCollateral { participant, amount } => {
            format!("give {} of participant {participant}'s collateral back", money(*amount))
        }
        Action::ContributeToDefaultFund { participant, amount } => {
            format!("take in {} of participant {participant}'s for the default fund", money(*amount))
        }
        Action::ReturnContribution { participant, amount } => {
            format!("give {} of participant {participant}'s contribution back", money(*amount))
        }
        Action::SetOwnResourcesAside { amount } => {
            format!("set {} of the centre's own aside for defaults", money(*amount))
        }
        Action::SetClearingTerms { currency, terms } => {
            format!("clear {currency} by these terms: {}", clearing_text(terms))
        }
        Action::TakePayment { participant, amount } => {
            let from = participant.map_or_else(
                || "which nobody is known to have paid".to_owned(),
                |participant| format!("from participant {participant}"),
            );
            format!("take a payment of {} {from}", money(*amount))
        }
        Action::AttributePayment { participant, amount } => {
            format!("attribute {} that came in to participant {participant}", money(*amount))
        }
        Action::PayOut { participant, amount } => {
            let to = participant.map_or_else(
                || "back to whoever had paid it".to_owned(),
                |participant| format!("out to participant {participant}"),
            );
            format!("pay {} {to}", money(*amount))
        }
        Action::SetStockRule { programme, market, rule } => format!(
            "let programme {programme} buy market {market} into stock at {} up to {}, and release up to {} an auction at {} or \
             more",
            price(rule.buys_at),
            quantity(rule.holds_most),
            quantity(rule.releases_most),
            price(rule.releases_at)
        ),
        Action::SetStressPrice { floor, price: down_to } => {
            format!("reserve for floor {floor} down to {}", price(*down_to))
        }
        _ => String::new(),
    }
}

/// An action's name and what it carries; nothing for others.
pub(super) fn named_action(action: &Action) -> (&'static str, Value) {
    match action {
        Action::OpenProgramme { programme, terms } => {
            let backing = match &terms.backing {
                Backing::Guaranteed { by } => json!({ "kind": "guaranteed", "by": by.as_str() }),
                Backing::Capped => json!({ "kind": "capped" }),
            };
            let object = json!({
                "programme": programme.0,
                "name": terms.name.as_str(),
                "currency": terms.currency.code(),
                "backing": backing,
            });
            ("open_programme", object)
        }
        Action::FundProgramme { programme, funder, amount } => (
            "fund_programme",
            json!({ "programme": programme.0, "funder": funder.as_str(), "amount": money_json(*amount) }),
        ),
        Action::DepositCollateral { participant, amount } => {
            ("deposit_collateral", json!({ "participant": participant.0, "amount": money_json(*amount) }))
        }
        Action::ReturnCollateral { participant, amount } => {
            ("return_collateral", json!({ "participant": participant.0, "amount": money_json(*amount) }))
        }
        Action::ContributeToDefaultFund { participant, amount } => (
            "contribute_to_default_fund",
            json!({ "participant": participant.0, "amount": money_json(*amount) }),
        ),
        Action::ReturnContribution { participant, amount } => {
            ("return_contribution", json!({ "participant": participant.0, "amount": money_json(*amount) }))
        }
        Action::SetOwnResourcesAside { amount } => {
            ("set_own_resources_aside", json!({ "amount": money_json(*amount) }))
        }
        Action::SetClearingTerms { currency, terms } => (
            "set_clearing_terms",
            json!({
                "currency": currency.code(),
                "terms": serde_json::to_value(terms).expect("terms have names, numbers and texts alone"),
            }),
        ),
        Action::TakePayment { participant, amount } => (
            "take_payment",
            json!({ "participant": participant.map(|payer| payer.0), "amount": money_json(*amount) }),
        ),
        Action::AttributePayment { participant, amount } => {
            ("attribute_payment", json!({ "participant": participant.0, "amount": money_json(*amount) }))
        }
        Action::PayOut { participant, amount } => (
            "pay_out",
            json!({ "participant": participant.map(|payee| payee.0), "amount": money_json(*amount) }),
        ),
        Action::SetStockRule { programme, market, rule } => {
            let StockRule { buys_at, holds_most, releases_at, releases_most } = rule;
            let object = json!({
                "programme": programme.0,
                "market": market.0,
                "buys_at": buys_at.to_string(),
                "holds_most": holds_most.to_string(),
                "releases_at": releases_at.to_string(),
                "releases_most": releases_most.to_string(),
            });
            ("set_stock_rule", object)
        }
        Action::SetStressPrice { floor, price } => {
            ("set_stress_price", json!({ "floor": floor.0, "price": price.to_string() }))
        }
        _ => ("", Value::Null),
    }
}

/// A stock's order, behind what names its auction.
pub(super) fn order_text(order: &StockOrder) -> String {
    let budget = order.budget.map(|budget| format!(" for {} or less", print::amount(budget)));
    format!(
        ", in which programme {} {}s up to {} at {}{}",
        order.programme,
        words::side(order.side),
        quantity(order.quantity),
        price(order.price),
        budget.unwrap_or_default()
    )
}

pub(super) fn order_json(order: &StockOrder) -> Value {
    json!({
        "programme": order.programme.0,
        "side": words::side(order.side),
        "price": order.price.to_string(),
        "quantity": order.quantity.to_string(),
        "budget": order.budget.map(|budget| budget.to_string()),
    })
}

fn clearing_text(terms: &ClearingTerms) -> String {
    let ClearingTerms { holidays, due_days, notice_days, debt_cover, contract_cover_days, waterfall } = terms;
    let pots: Vec<_> = waterfall.iter().map(|&pot| words::pot(pot).replace('-', " ")).collect();
    let pots = if pots.is_empty() { "nothing".to_owned() } else { pots.join(", then ") };
    format!(
        "invoices due after {due_days} business days and notices followed within {notice_days}, {} holidays, collateral for \
         {debt_cover} of debts and {contract_cover_days} days of contracts, defaults covered by {pots}",
        holidays.len()
    )
}

fn invoice_text(invoice: &Invoice) -> String {
    let due = invoice.due.map(|due| format!(", due by the end of {due}"));
    format!(
        "invoice {} of {}: participant {} owes {} for {}{}",
        invoice.number,
        invoice.issued,
        invoice.participant,
        money(invoice.amount),
        words::creditor(invoice.creditor),
        due.unwrap_or_default()
    )
}

fn invoice_json(invoice: &Invoice) -> Value {
    json!({
        "number": invoice.number,
        "participant": invoice.participant.0,
        "creditor": words::creditor(invoice.creditor),
        "amount": money_json(invoice.amount),
        "issued": invoice.issued.to_string(),
        "due": invoice.due.map(|due| due.to_string()),
    })
}

fn claims_text(carried: &[Claim]) -> String {
    listed(carried, |claim| {
        format!("participant {} waits for {} since {}", claim.participant, money(claim.amount), claim.since)
    })
}

fn claim_json(claim: &Claim) -> Value {
    json!({
        "participant": claim.participant.0,
        "since": claim.since.to_string(),
        "amount": money_json(claim.amount),
    })
}

fn pot_text(used: &PotUse) -> String {
    let of = used.of.map(|participant| format!(" of participant {participant}"));
    format!("{}{}", words::pot(used.pot).replace('-', " "), of.unwrap_or_default())
}

fn use_json(used: &PotUse) -> Value {
    json!({
        "pot": words::pot(used.pot),
        "of": used.of.map(|participant| participant.0),
        "amount": money_json(used.amount),
    })
}

fn posting_text(posting: &Posting) -> String {
    format!(
        "{} from {} to {}",
        money(posting.amount),
        words::account(posting.from),
        words::account(posting.to)
    )
}

fn posting_json(posting: &Posting) -> Value {
    json!({
        "from": words::account(posting.from),
        "to": words::account(posting.to),
        "amount": money_json(posting.amount),
    })
}
