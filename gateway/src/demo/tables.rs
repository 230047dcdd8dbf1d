//! The market day as tables.

use golv_engine::num::Price;
use golv_sim::day::{self, Played};
use golv_sim::traders::Business;

use super::told::{
    GALLIUM_HEADING, Told, decided_by, gallium_offer, gallium_reference_price, gallium_result, happened,
    outcome as outcome_of_proposal, requester,
};
use crate::print::{grouped, line, money, price, quantity, table};

pub(super) fn print(told: &Told, report: &str) {
    line(format_args!("Golv: a lithium market day (rehearsal, seed {})", told.seed));
    line(day::market().name);
    line("Traders and their costs are invented from the seed; the prices are real.");

    if let Some(sessions) = told.sessions {
        line(format_args!(
            "Played over QUIC on this machine: {sessions} sessions, each with its own certificate."
        ));
    }

    heading("Support auction, 12 to 16 November 2018");
    line(format_args!(
        "The programme supports up to {} t a month from {} to {}, at strikes up to {} USD/t.",
        told.support.demand.iter().map(|(_, wanted)| quantity(*wanted)).collect::<String>(),
        day::months().0,
        day::months().1,
        price(day::floor_price()),
    ));
    let offers = told.traders.iter().filter_map(|trader| {
        let Business::Supplier { cost, .. } = trader.business else { return None };
        let (asked, per_period) = trader.support_offer(told.seed, 10)?;
        let won = told.won.iter().find(|won| won.holder == trader.participant());
        Some(vec![
            trader.name.to_owned(),
            trader.country.to_owned(),
            grouped(&cost.to_string()),
            price(asked),
            quantity(per_period),
            won.map_or_else(|| "-".into(), |won| quantity(won.per_period)),
        ])
    });
    let columns =
        ["supplier", "from", ">cost USD/t", ">strike asked", ">offered t/month", ">supported t/month"];
    line(table(&columns, offers));
    line(outcome(&told.support, "Strike", "t a month"));
    if let Some(reserved) = told.support.result.reserved {
        line(format_args!("The programme reserves {} USD for it.", money(reserved)));
    }

    heading("Call auction, 3 December 2018");
    let got = told.got();
    let traded = got.iter().map(|got| {
        vec![
            got.trader.name.to_owned(),
            got.trader.country.to_owned(),
            if matches!(got.trader.business, Business::Buyer) { "buys" } else { "sells" }.to_owned(),
            quantity(got.traded),
            money(got.value),
        ]
    });
    line(table(&["trader", "from", "", ">t", ">USD"], traded));
    line(outcome(&told.call, "Price", "t"));

    heading(GALLIUM_HEADING);
    let round = &told.gallium;
    line(gallium_offer(round));
    let requests = round.requests.iter().map(|wanted| {
        let proposal = round.proposals.iter().find(|proposal| proposal.buyer == wanted.buyer);
        vec![
            requester(wanted),
            quantity(wanted.quantity),
            price(wanted.limit),
            proposal.map_or_else(|| "-".into(), |proposal| quantity(proposal.quantity)),
            proposal.map_or_else(|| "-".into(), |proposal| price(proposal.price)),
            proposal.map_or_else(|| "nothing was proposed".into(), outcome_of_proposal),
        ]
    });
    let columns =
        ["request of", ">wanted kg", ">at most USD/kg", ">proposed kg", ">at USD/kg", "what came of it"];
    line(table(&columns, requests));
    line(gallium_result(round));
    line(format_args!("Reference price: {}.", gallium_reference_price()));

    heading("Refused, each with its reason");
    let refused = told.refusals.iter().map(|refusal| {
        vec![
            refusal.trader.to_owned(),
            refusal.tried.clone(),
            refusal.reason.code().to_string(),
            refusal.reason.to_string(),
        ]
    });
    line(table(&["trader", "tried", ">code", "reason"], refused));

    heading("Settlement, month by month, told by year");
    let strike = told.support.result.price().unwrap_or(Price::ZERO);
    line(format_args!(
        "Each month pays max(0, {} - reference price) USD for each supported tonne.",
        price(strike)
    ));
    let years = told.years().into_iter().map(|year| {
        vec![
            year.year.to_string(),
            price(year.lowest),
            price(year.highest),
            format!("{} of {}", year.months_paid, year.months),
            money(year.paid),
        ]
    });
    let columns = [">year", ">lowest USD/t", ">highest USD/t", ">months paid", ">paid USD"];
    line(table(&columns, years));
    let holders = got.iter().filter_map(|got| {
        let won = got.won?;
        Some(vec![
            got.trader.name.to_owned(),
            quantity(won.per_period),
            price(won.strike),
            money(got.differences),
        ])
    });
    line(table(&["entitled", ">t/month", ">strike USD/t", ">difference payments USD"], holders));
    if let Some(last) = told.runs.last() {
        line(format_args!(
            "Programme: funded with {} USD, paid {}, reserves {}, has {} free.",
            money(day::funded()),
            money(told.paid()),
            money(last.reserved),
            money(last.free)
        ));
    }
    line(format_args!("Reference prices: {}.", told.source()));

    heading("A capped programme at its limit");
    line(format_args!(
        "A small programme, funded with {} USD, pays two suppliers what prices lack to {} USD/t. It reserved too little.",
        money(day::small_funded()),
        price(day::small_strike()),
    ));
    line("It pays what it has, the oldest claims first, and carries the rest until money comes.");
    let months = told.small_months().map(|month| {
        vec![
            month.month.to_string(),
            money(month.due),
            money(month.paid),
            money(month.waits),
            happened(month),
        ]
    });
    line(table(&["month", ">due USD", ">paid USD", ">waits USD", "told"], months));

    heading("Dropped, and started again from the journal");
    line(format_args!("before, after {} commands:", grouped(&told.before.sequence.to_string())));
    line(format_args!("state digest {}", told.before.state));
    line(format_args!("chain digest {}", told.before.chain));
    line("after the restart, equal:");
    line(format_args!("state digest {}", told.after.state));
    line(format_args!("chain digest {}", told.after.chain));
    line("");
    line(format_args!("The report is in {report}"));
}

fn heading(text: &str) {
    line(format_args!("\n{text}\n{}", "=".repeat(text.chars().count())));
}

fn outcome(played: &Played, what: &str, unit: &str) -> String {
    let result = &played.result;
    match (result.price(), result.step()) {
        (Some(found), Some(step)) => format!(
            "{what} {} USD/t for {} {unit}; wanted at it {}, offered at it {}; decided by {}.",
            price(found),
            quantity(result.volume()),
            quantity(result.demand()),
            quantity(result.supply()),
            decided_by(step),
        ),
        _ => "Nothing crossed: there is no price.".to_owned(),
    }
}
