//! What is refused of a stored exchange, and what a change of the rules changes.

use super::actions::Prepared;
use super::stored::{NotAnExchange, Stored};
use super::*;
use crate::cfd::{ContractTerms, Grant, IndexTerms, Observation};
use crate::ledger::Account;
use crate::market::{FloorTerms, Unit};
use crate::money::{Backing, ProgrammeTerms};
use crate::num::{Currency, Money, Price, Quantity};
use crate::time::Month;

const MARCH: &str = "2019-03-01";

fn day(text: &str) -> Day {
    text.parse().expect("a day")
}

fn dollars(units: i64) -> Money {
    Money { currency: Currency::Usd, millionths: units * 1_000_000 }
}

/// One entitlement under a floor, with 12,000 reserved, and a run of its first month.
fn settled() -> Exchange {
    let mut state = State::new(RulesVersion::NEWEST);
    let name: Name = "Lithium".parse().expect("a name");
    let price = |units| Price::from_units(units).expect("fits");
    let quantity = |units| Quantity::from_units(units).expect("fits");
    let market = Market {
        name: name.clone(),
        unit: Unit::Tonne,
        currency: Currency::Usd,
        lot: quantity(1),
        tick: price(10),
        lowest: price(0),
        highest: price(1_000),
        largest: quantity(100),
    };
    let (publisher, currency) = (ParticipantId(3), Currency::Usd);
    let index = IndexTerms { name: name.clone(), currency: Some(currency), publisher, guard: None };
    let terms = FloorTerms {
        market: MarketId(1),
        programme: ProgrammeId(1),
        index: IndexId(1),
        price: price(500),
        stress_price: price(300),
        first: Month::new(2019, 1).expect("a month"),
        last: Month::new(2019, 6).expect("a month"),
        origins: vec!["FI".parse().expect("a country")],
        contract: Box::new(ContractTerms::monthly_floor()),
    };
    let (floor, programme) = (FloorId(1), ProgrammeId(1));
    state.markets.insert(MarketId(1), market);
    state.indices.insert(IndexId(1), Index::new(index));
    let backing = Backing::Capped;
    let programme_terms = ProgrammeTerms { name: name.clone(), currency, backing };
    state.programmes.insert(programme, Programme::new(programme_terms));
    state.floors.insert(floor, Floor::new(terms));
    let mut events = Vec::new();
    state.fund(programme, name, dollars(100_000), &mut events);
    let (before, after) = (day("2018-12-01").begins_at(), day(MARCH).begins_at());
    let (before, after) = (before.expect("in reach"), after.expect("in reach"));
    let mut events = Vec::new();
    let (holder, strike, per_period) = (ParticipantId(4), price(500), quantity(10));
    let grant = Grant { floor, holder, strike, per_period, deal: None };
    state.grant(grant, dollars(12_000), before, &mut events);
    let observation = Observation { price: price(600), volume: None, source: None };
    state
        .publish_reference_price(after, publisher, IndexId(1), day("2019-01-31"), &observation, &mut events)
        .expect("published");
    let settle = Action::Settle { floor, period: day("2019-01-01"), version: DataVersion(1) };
    let prepared = state.prepare(after, &settle).expect("can be settled");
    state.perform(after, settle, prepared, &mut events);
    Exchange { mode: Mode::Live, sequence: Sequence(9), at: after, answers: Answers::default(), state }
}

fn read(exchange: Exchange) -> Result<Exchange, NotAnExchange> {
    let Exchange { mode, sequence, at, answers, state } = exchange;
    Stored { mode, sequence, at, answers, state }.try_into()
}

/// Each of these would make an assertion fail sooner or later.
#[test]
fn a_stored_state_that_no_commands_make_is_refused() {
    assert!(read(settled()).is_ok());
    let forged = |forge: fn(&mut State)| {
        let mut exchange = settled();
        forge(&mut exchange.state);
        read(exchange).map(drop)
    };
    fn entitlement(state: &mut State) -> &mut Entitlement {
        state.entitlements.values_mut().next().expect("it was granted")
    }
    let foreign = forged(|state| entitlement(state).reserved.currency = Currency::Eur);
    assert!(matches!(foreign, Err(NotAnExchange::Reservations)), "{foreign:?}");
    let negative = forged(|state| entitlement(state).reserved.millionths = -1);
    assert!(matches!(negative, Err(NotAnExchange::Reservations)), "{negative:?}");
    let newest = forged(|state| state.data = DataVersion(u64::MAX));
    assert!(matches!(newest, Err(NotAnExchange::Data)), "{newest:?}");
    let early = forged(|state| state.data = DataVersion(0));
    assert!(matches!(early, Err(NotAnExchange::Data)), "{early:?}");
    let twice = forged(|state| {
        let run = state.runs.values_mut().next().and_then(|runs| runs.first_mut()).expect("it was settled");
        run.lines.push(run.lines[0]);
    });
    assert!(matches!(twice, Err(NotAnExchange::Runs)), "{twice:?}");
}

/// A programme whose auction has nothing pledged for what it orders could not pay for it.
#[test]
fn a_stored_stock_order_is_pledged_for() {
    use crate::auction::{AuctionKind, AuctionTerms};
    use crate::book::Side;
    use crate::clearing::{Allocation, Candidates, Criterion, Rule};
    use crate::money::StockOrder;
    let with = |budget: Option<Money>| {
        let mut exchange = settled();
        let price = Price::from_units(400).expect("fits");
        let order = StockOrder {
            programme: ProgrammeId(1),
            side: Side::Buy,
            price,
            quantity: Quantity::from_units(5).expect("fits"),
            budget: None,
        };
        let opens_at = exchange.at.plus_seconds(1).expect("fits");
        let rule = Rule {
            floor: Some(price),
            ..Rule::new(
                Candidates::Ticks,
                vec![Criterion::MostVolume, Criterion::Lowest],
                Allocation::ProRata,
            )
        };
        let terms = AuctionTerms {
            kind: AuctionKind::Call { market: MarketId(1), stock: Some(order) },
            opens_at,
            closes_at: opens_at.plus_seconds(1).expect("fits"),
            challenge_seconds: std::num::NonZeroU32::MIN,
            rule: rule.into(),
            draw_commitment: None,
        };
        exchange.state.announce(AuctionId(1), terms, budget);
        exchange.state.ledger.tell(exchange.at, &mut Vec::new());
        read(exchange).map(drop)
    };
    assert!(with(Some(dollars(2_000))).is_ok());
    for wrong in [None, Some(dollars(1_999)), Some(dollars(2_001))] {
        let read = with(wrong);
        assert!(matches!(read, Err(NotAnExchange::Auction(AuctionId(1)))), "{wrong:?}: {read:?}");
    }
}

/// Whatever a forged run claims to have paid, a programme is given back no more than it spent.
#[test]
fn a_forged_run_gives_a_programme_no_money() {
    let mut exchange = settled();
    let run = exchange.state.runs.values_mut().next().and_then(|runs| runs.first_mut());
    run.expect("it was settled").lines[0].amount = dollars(200_000);
    let settle = Action::Settle { floor: FloorId(1), period: day("2019-01-01"), version: DataVersion(1) };
    let prepared = exchange.state.prepare(exchange.at, &settle).expect("its holder owes the difference");
    let mut events = Vec::new();
    exchange.state.perform(exchange.at, settle, prepared, &mut events);
    exchange.state.take_payment(Some(ParticipantId(4)), dollars(300_000), &mut events);
    let balance = |account| exchange.ledger().balance(Currency::Usd, account);
    assert_eq!(balance(Account::Receivable(ProgrammeId(1))), 0);
    let money =
        balance(Account::ProgrammeFree(ProgrammeId(1))) + balance(Account::ProgrammeReserved(ProgrammeId(1)));
    assert_eq!(money, 100_000_000_000);
    assert!(exchange.is_conserved());
}

/// There is one version so far, so a change is tried on an engine that claims to know the next.
#[test]
fn a_change_of_the_rules_is_in_force_and_in_the_digest() {
    let mut exchange = Exchange::new(Mode::Live, RulesVersion::OLDEST);
    let before = exchange.state_digest();
    let version = RulesVersion::NEWEST.number() + 1;
    let next = RulesVersion::OLDEST.change(version, version).expect("newer");
    let action = Action::ChangeRules { version };
    let mut events = Vec::new();
    exchange.state.perform(Instant(0), action, Prepared::Changing(next), &mut events);
    assert_eq!(exchange.rules_version(), next);
    assert_ne!(exchange.state_digest(), before);
    assert_eq!(events, []);
}
