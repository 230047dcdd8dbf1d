//! What a statement says of what a participant was told.

use super::*;
use golv_engine::clearing::{Allocation, Candidates, Criterion, Reason, Rule};
use std::num::NonZeroU32;

use golv_engine::auction::{AuctionTerms, Fill};
use golv_engine::cfd::{ContractTerms, PayoffRule};
use golv_engine::id::{CommandId, IdentityId, IndexId, ProgrammeId, ProposalId};
use golv_engine::market::{FloorTerms, Market};
use golv_engine::time::Calendar;

const ME: ParticipantId = ParticipantId(21);
const OTHER: ParticipantId = ParticipantId(22);
const SUPPORT: AuctionId = AuctionId(1);
const CALL: AuctionId = AuctionId(2);
const LATER_CALL: AuctionId = AuctionId(3);
const NOON: Instant = Instant(1_543_838_400_000_000_000);

fn units(units: i64) -> Price {
    Price::from_units(units).expect("fits")
}

fn tonnes(units: u32) -> Quantity {
    Quantity::from_units(units).expect("fits")
}

fn dollars(units: i64) -> Money {
    Money { currency: Currency::Usd, millionths: units * 1_000_000 }
}

fn month(number: u8) -> Month {
    Month::new(2019, number).expect("a month")
}

fn confirmed(action: Action) -> Event {
    let proposal = ProposalId { identity: IdentityId(1), command: CommandId(1) };
    Event::ActionConfirmed { proposal, by: IdentityId(2), action }
}

fn market() -> Event {
    let terms = Market {
        name: "Lithium metal".parse().expect("a name"),
        unit: Unit::Tonne,
        currency: Currency::Usd,
        lot: tonnes(1),
        tick: units(10),
        lowest: units(10),
        highest: units(600_000),
        largest: tonnes(1_000),
    };
    confirmed(Action::DefineMarket { market: MarketId(1), terms })
}

fn floor() -> Event {
    let terms = FloorTerms {
        market: MarketId(1),
        programme: ProgrammeId(1),
        index: IndexId(1),
        price: units(105_000),
        stress_price: units(60_000),
        first: month(1),
        last: month(12),
        origins: vec!["FI".parse().expect("a country")],
        contract: Box::new(ContractTerms::monthly_floor()),
    };
    confirmed(Action::SetFloor { floor: FloorId(1), terms })
}

fn announced(auction: AuctionId, kind: AuctionKind) -> Event {
    let terms = AuctionTerms {
        kind,
        opens_at: NOON,
        closes_at: NOON,
        challenge_seconds: NonZeroU32::MIN,
        rule: Rule::new(Candidates::Limits, vec![Criterion::MostVolume], Allocation::ProRata).into(),
        draw_commitment: None,
    };
    confirmed(Action::AnnounceAuction { auction, terms })
}

fn cleared(auction: AuctionId, side: Side, number: i64) -> Event {
    let fill = |participant: ParticipantId| Fill {
        bid: BidId { identity: IdentityId(participant.0), command: CommandId(5) },
        participant,
        side,
        quantity: tonnes(20),
        price: units(number),
        reason: Reason::AtThePrice,
    };
    let result = AuctionResult { fills: vec![fill(OTHER), fill(ME)], ..AuctionResult::default() };
    Event::AuctionCleared { auction, final_at: NOON, result }
}

fn granted(holder: ParticipantId) -> Event {
    Event::EntitlementGranted {
        entitlement: EntitlementId(holder.0),
        terms: Entitlement {
            floor: FloorId(1),
            holder,
            strike: units(95_000),
            per_period: tonnes(20),
            first: month(1).first_day(),
            last: month(12).last_day(),
            deal: None,
            upside_from: None,
            reserved: dollars(8_400_000),
        },
    }
}

fn settled(number: u8, run: u32, reference: i64, amount: i64, delta: i64) -> Event {
    let line = |holder: ParticipantId| SettlementLine {
        entitlement: EntitlementId(holder.0),
        holder,
        strike: units(95_000),
        reference_price: Some(units(reference)),
        delivered: tonnes(20),
        quantity: tonnes(20),
        rule: PayoffRule::Support,
        amount: dollars(amount),
        remainder: dollars(0),
        delta: dollars(delta),
        interest: dollars(if run > 1 { -1 } else { 0 }),
    };
    Event::SettlementRunCompleted {
        run: SettlementRun {
            floor: FloorId(1),
            period: Calendar::Monthly.period(month(number).first_day()),
            number: run,
            version: DataVersion(u64::from(run)),
            day: month(number + u8::try_from(run).expect("few")).first_day(),
            index: IndexId(1),
            reference_price: Some(units(reference)),
            lines: vec![line(ME), line(OTHER)],
            posted: dollars(delta),
            free: dollars(0),
            reserved: dollars(0),
        },
    }
}

fn statement(scope: Scope, events: impl IntoIterator<Item = Event>) -> Statement {
    let mut statement = Statement::new(ME, scope);
    for event in events {
        statement.add(&event);
    }
    statement
}

fn story() -> Vec<Event> {
    let support = AuctionKind::Support { floor: FloorId(1), per_period: tonnes(120) };
    let call = AuctionKind::Call { market: MarketId(1), stock: None };
    vec![
        market(),
        floor(),
        announced(SUPPORT, support),
        cleared(SUPPORT, Side::Sell, 95_000),
        Event::AuctionFinalised { auction: SUPPORT },
        granted(ME),
        granted(OTHER),
        announced(CALL, call),
        announced(LATER_CALL, call),
        cleared(CALL, Side::Sell, 90_000),
        Event::AuctionFinalised { auction: CALL },
        cleared(LATER_CALL, Side::Sell, 91_000),
        settled(1, 1, 92_000, 60_000, 60_000),
        settled(2, 1, 96_000, 0, 0),
        settled(1, 2, 93_000, 40_000, -20_000),
    ]
}

#[test]
fn a_statement_is_told_as_tables() {
    let told = statement(Scope::All, story()).table();
    // How wide a column is belongs to the table's layout.
    let lines: Vec<_> = told
        .lines()
        .filter(|line| !line.starts_with('─') && !line.is_empty())
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    let expected = [
        "Awards",
        "auction bid award quantity unit price amount currency standing",
        "1 21.5 is supported 20 t 95,000 - USD final",
        "2 21.5 sells 20 t 90,000 1,800,000.00 USD final",
        "3 21.5 sells 20 t 91,000 1,820,000.00 USD final at 2018-12-03T12:00:00Z",
        "Entitlements",
        "entitlement floor per period unit from to strike reserved when granted currency",
        "21 1 20 t 2019-01-01 2019-12-31 95,000 8,400,000.00 USD",
        "Difference payments",
        "period run posted on floor entitlement quantity unit strike reference price amount delta interest currency",
        "2019-01 1 2019-02-01 1 21 20 t 95,000 92,000 60,000.00 60,000.00 0.00 USD",
        "2019-01 2 2019-03-01 1 21 20 t 95,000 93,000 40,000.00 -20,000.00 -1.00 USD",
        "2019-02 1 2019-03-01 1 21 20 t 95,000 96,000 0.00 0.00 0.00 USD",
        "Totals",
        "currency bought sold difference payments",
        "USD 0.00 1,800,000.00 39,999.00",
    ];
    assert_eq!(lines, expected, "{told}");
}

/// Only what is final is totalled, and others' lines never.
#[test]
fn a_statement_is_told_as_json() {
    let told = statement(Scope::All, story()).json();
    let totals = json!([{
        "currency": "USD", "bought": "0.00", "sold": "1800000.00", "difference_payments": "39999.00",
    }]);
    assert_eq!(told["totals"], totals);
    assert_eq!(
        told["awards"][1],
        json!({
            "auction": 2, "kind": "call", "bid": "21.5", "side": "sell", "quantity": "20", "unit": "t",
            "price": "90000", "currency": "USD", "amount": "1800000.00", "standing": "final",
            "final_at": null,
            "accept_until": null,
        })
    );
    assert_eq!(told["awards"][0]["amount"], Value::Null, "a strike is no amount");
    assert_eq!(told["awards"][2]["standing"], "challengeable");
    assert_eq!(told["awards"][2]["final_at"], "2018-12-03T12:00:00Z");
    assert_eq!(
        told["entitlements"],
        json!([{
            "entitlement": 21, "floor": 1, "per_period": "20", "unit": "t", "first": "2019-01-01",
            "last": "2019-12-31", "strike": "95000", "reserved_when_granted": {"amount": "8400000.00", "currency": "USD"},
        }])
    );
    let payments = told["difference_payments"].as_array().expect("a list");
    let periods: Vec<_> =
        payments.iter().map(|payment| (&payment["period"]["first"], &payment["run"])).collect();
    assert_eq!(json!(periods), json!([["2019-01-01", 1], ["2019-01-01", 2], ["2019-02-01", 1]]));
    assert_eq!(
        payments[1],
        json!({
            "period": {"first": "2019-01-01", "last": "2019-01-31"}, "run": 2, "day": "2019-03-01",
            "version": 2, "floor": 1, "entitlement": 21, "holder": 21, "delivered": "20", "quantity": "20",
            "unit": "t", "strike": "95000", "reference_price": "93000", "rule": "support",
            "amount": {"amount": "40000.00", "currency": "USD"},
            "remainder": {"amount": "0.00", "currency": "USD"},
            "delta": {"amount": "-20000.00", "currency": "USD"},
            "interest": {"amount": "-1.00", "currency": "USD"},
        })
    );
}

#[test]
fn with_a_month_it_tells_its_difference_payments_alone() {
    let told = statement(Scope::Month(month(1)), story()).json();
    assert_eq!(told["month"], "2019-01");
    assert_eq!((&told["awards"], &told["entitlements"]), (&json!([]), &json!([])));
    assert_eq!(told["difference_payments"].as_array().map(Vec::len), Some(2));
    assert_eq!(told["totals"][0]["difference_payments"], "39999.00");
}

/// What is posted on a day is netted: a correction of January with its interest, and February.
#[test]
fn with_a_day_it_tells_what_was_posted_then() {
    let told = statement(Scope::Day(month(3).first_day()), story()).json();
    assert_eq!((&told["month"], &told["day"]), (&Value::Null, &json!("2019-03-01")));
    assert_eq!(told["difference_payments"].as_array().map(Vec::len), Some(2));
    assert_eq!(told["totals"][0]["difference_payments"], "-20001.00");
}

#[test]
fn a_novated_contract_leaves_the_statement_and_a_terminated_one_ends() {
    let entitlement = EntitlementId(ME.0);
    let last = month(6).last_day();
    let ended = Event::EntitlementTerminated { entitlement, holder: ME, last, released: dollars(1) };
    let told = statement(Scope::All, story().into_iter().chain([ended])).json();
    assert_eq!(told["entitlements"][0]["last"], "2019-06-30");
    let novated = Event::EntitlementNovated { entitlement, from: ME, to: OTHER };
    let told = statement(Scope::All, story().into_iter().chain([novated])).json();
    assert_eq!(told["entitlements"], json!([]));
}

#[test]
fn a_cancelled_auction_awards_nothing() {
    let cancel = confirmed(Action::CancelAuction { auction: CALL });
    let call = announced(CALL, AuctionKind::Call { market: MarketId(1), stock: None });
    let told = statement(Scope::All, [market(), call, cleared(CALL, Side::Buy, 90_000), cancel]);
    assert_eq!(told.json()["awards"][0]["standing"], "cancelled");
    assert_eq!(told.json()["totals"], json!([]));
    assert!(told.table().contains("cancelled"));
}

/// Winners of a stack are asked, and who is called from the reserve list as well.
#[test]
fn an_award_waits_to_be_accepted() {
    let support = announced(SUPPORT, AuctionKind::Support { floor: FloorId(1), per_period: tonnes(40) });
    let offer = |number, from_reserve| AwardOffer {
        bid: BidId { identity: IdentityId(ME.0), command: CommandId(number) },
        participant: ME,
        quantity: tonnes(20),
        price: units(95_000),
        from_reserve,
        is_accepted: false,
    };
    let offered = |awards| Event::AwardsOffered { auction: SUPPORT, until: NOON, awards };
    let accepted = |bid| Event::AwardAccepted { auction: SUPPORT, bid, participant: ME };
    let mut events = vec![market(), floor(), support, cleared(SUPPORT, Side::Sell, 95_000)];
    let standings = |events: &[Event]| -> Vec<Value> {
        let told = statement(Scope::All, events.iter().cloned()).json();
        let awards = told["awards"].as_array().expect("a list").clone();
        awards.into_iter().map(|award| json!([award["standing"], award["accept_until"]])).collect()
    };
    let (waits, noon) =
        (json!(["offered", "2018-12-03T12:00:00Z"]), "to be accepted until 2018-12-03T12:00:00Z");
    events.push(offered(vec![offer(5, false)]));
    assert_eq!(standings(&events), std::slice::from_ref(&waits));
    assert!(statement(Scope::All, events.iter().cloned()).table().contains(noon));
    events.extend([accepted(offer(5, false).bid), offered(vec![offer(6, true)])]);
    assert_eq!(standings(&events), [json!(["accepted", null]), waits]);
    events.extend([accepted(offer(6, true).bid), Event::AuctionFinalised { auction: SUPPORT }]);
    assert_eq!(standings(&events), [json!(["final", null]), json!(["final", null])]);
}

#[test]
fn a_market_that_was_not_seen_is_not_guessed() {
    let finalised = Event::AuctionFinalised { auction: CALL };
    let told = statement(Scope::All, [cleared(CALL, Side::Buy, 90_000), finalised]);
    assert!(told.table().contains("market not seen"));
    assert_eq!(told.json()["awards"][0]["currency"], Value::Null);
    assert_eq!(told.json()["awards"][0]["amount"], Value::Null);
    assert_eq!(told.json()["totals"], json!([]));
}

#[test]
fn what_was_bought_and_sold_is_kept_apart() {
    let call = |auction| announced(auction, AuctionKind::Call { market: MarketId(1), stock: None });
    let [bought, sold] = [CALL, LATER_CALL].map(|auction| Event::AuctionFinalised { auction });
    let told = statement(
        Scope::All,
        [
            market(),
            call(CALL),
            call(LATER_CALL),
            cleared(CALL, Side::Buy, 90_000),
            cleared(LATER_CALL, Side::Sell, 10),
            bought,
            sold,
        ],
    );
    assert_eq!(told.json()["totals"][0]["bought"], "1800000.00");
    assert_eq!(told.json()["totals"][0]["sold"], "200.00");
}

#[test]
fn a_total_that_is_too_large_is_said_to_be_so() {
    let half = i64::MAX / 1_000_000 / 2 + 1;
    let told = statement(Scope::All, [settled(1, 1, 1, half, half), settled(2, 1, 1, half, half)]);
    assert_eq!(told.json()["totals"][0]["difference_payments"], Value::Null);
    assert!(told.table().contains("larger than can be held"));
}

#[test]
fn an_empty_statement_says_so() {
    assert_eq!(statement(Scope::All, []).table(), "Nothing to state.");
    assert_eq!(statement(Scope::Month(month(3)), story()).table(), "Nothing to state.");
}
