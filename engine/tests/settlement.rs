//! Contracts through their lives: prices with their guard, deliveries, caps, indexation, interest, novation, termination,
//! statements; and what holds of every run, against a naive twin.

mod anything;

use std::collections::BTreeMap;

use crate::common::*;
use golv_engine::Exchange;
use golv_engine::cfd::*;
use golv_engine::command::{Action, Command};
use golv_engine::digest::Digest;
use golv_engine::event::Event;
use golv_engine::id::*;
use golv_engine::ledger::Account;
use golv_engine::market::FloorTerms;
use golv_engine::num::{Currency, HalfWay, Money, Price, Quantity, Share};
use golv_engine::reject::Reject;
use golv_engine::time::{Calendar, Day, Period};
use proptest::prelude::*;

const DAILY: IndexId = IndexId(2);
const FALLBACK: IndexId = IndexId(3);
const CONSUMER_PRICES: IndexId = IndexId(4);
const CONTRACTS: FloorId = FloorId(2);

fn day(text: &str) -> Day {
    text.parse().expect("a day")
}

fn share(text: &str) -> Share {
    text.parse().expect("a share")
}

fn upside(above: Option<i64>, part: &str) -> Upside {
    Upside { above: above.map(price), share: share(part), annual_cap: None, condition: None }
}

fn holder(supplier: usize) -> ParticipantId {
    ParticipantId(SUPPLIERS[supplier].0)
}

fn sold(units: u32) -> Delivery {
    let nothing = Quantity::ZERO;
    Delivery {
        sold: quantity(units),
        from_stock: nothing,
        stockpiled: nothing,
        destination: None,
        evidence: None,
    }
}

fn report(entitlement: u32, on: &str, delivery: Delivery) -> Command {
    Command::ReportDelivery { entitlement: EntitlementId(entitlement), day: day(on), delivery }
}

/// A world with a guarded daily index, a fallback, an index of consumer prices, and a floor of some contract.
fn with_contract(contract: ContractTerms) -> World {
    let mut world = World::furnished(100_000_000);
    for (index, currency, guard) in [
        (DAILY, Some(Currency::Usd), Some(share("0.25"))),
        (FALLBACK, Some(Currency::Usd), None),
        (CONSUMER_PRICES, None, None),
    ] {
        let name = format!("Index {index}").parse().expect("a name");
        let publisher = ParticipantId(PUBLISHER.0);
        world.agree(Action::DefineIndex { index, terms: IndexTerms { name, currency, publisher, guard } });
    }
    world.agree(Action::SetFloor { floor: CONTRACTS, terms: contract_floor(contract) });
    world
}

fn contract_floor(contract: ContractTerms) -> FloorTerms {
    let last = month(2020, 12);
    FloorTerms { index: DAILY, last, contract: Box::new(contract), ..floor_terms() }
}

/// Grants an entitlement of so much a period at the floor's price of 500.
fn grant(world: &mut World, supplier: usize, per_period: u32) {
    let (holder, per_period) = (holder(supplier), quantity(per_period));
    world.agree(Action::GrantEntitlement { floor: CONTRACTS, holder, per_period });
}

fn told(world: &mut World, index: IndexId, on: &str, units: i64) {
    world.send(PUBLISHER, publish(index, day(on), price(units))).expect("published");
}

fn until(world: &mut World, on: &str) {
    let to = day(on).begins_at().expect("in reach");
    world.send(OPERATORS[0], Command::SetClock { to }).expect("time goes forward");
}

fn runs(world: &World) -> Vec<SettlementRun> {
    let runs = world.events.iter().filter_map(|event| match event {
        Event::SettlementRunCompleted { run } => Some(run.clone()),
        _ => None,
    });
    runs.collect()
}

fn last_run(world: &World) -> SettlementRun {
    runs(world).pop().expect("there was a run")
}

fn metered() -> ContractTerms {
    let volume = VolumeRule { measure: Measure::Metered, ..VolumeRule::default() };
    ContractTerms { volume, ..ContractTerms::monthly_floor() }
}

/// What the first line of the newest run says: delivered, paid for, amount.
fn first_line(world: &World) -> (Quantity, Quantity, Money) {
    let line = last_run(world).lines[0];
    (line.delivered, line.quantity, line.amount)
}

/// Rules: R-CFD-018, R-CFD-021.
#[test]
fn what_is_metered_is_paid_up_to_the_period_and_only_where_it_meets_its_conditions() {
    let destinations = vec!["DE".parse().expect("a country")];
    let contract = ContractTerms {
        volume: VolumeRule { destinations, evidence: true, ..metered().volume },
        ..metered()
    };
    let mut world = with_contract(contract);
    grant(&mut world, 0, 30);
    until(&mut world, "2019-02-01");
    told(&mut world, DAILY, "2019-01-31", 400);
    let good = Delivery { destination: "DE".parse().ok(), evidence: Some(Digest::of(&1_u8)), ..sold(20) };
    let elsewhere = Delivery { destination: "FR".parse().ok(), ..good };
    let unproved = Delivery { evidence: None, ..good };
    let nowhere = Delivery { destination: None, ..good };
    for (on, delivery, paid) in [
        ("2019-01-05", good, (20, 20)),
        ("2019-01-06", elsewhere, (20, 20)),
        ("2019-01-07", unproved, (20, 20)),
        ("2019-01-08", nowhere, (20, 20)),
        ("2019-01-09", good, (40, 30)),
        ("2019-01-05", unproved, (20, 20)),
    ] {
        world.send(SUPPLIERS[0], report(1, on, delivery)).expect("reported");
        world.settle(CONTRACTS, month(2019, 1)).expect("settled");
        let (delivered, volume) = (quantity(paid.0), quantity(paid.1));
        assert_eq!(first_line(&world), (delivered, volume, dollars(i64::from(paid.1) * 100)));
        assert!(world.exchange.is_conserved());
    }
    let amounts: Vec<_> = runs(&world).iter().map(|run| run.lines[0].delta).collect();
    assert_eq!(amounts, [2_000, 0, 0, 0, 1_000, -1_000].map(dollars));
}

/// Rules: R-CFD-019, R-CFD-020.
#[test]
fn what_is_stockpiled_is_paid_once() {
    let mut world = with_contract(metered());
    grant(&mut world, 0, 100);
    until(&mut world, "2019-03-01");
    told(&mut world, DAILY, "2019-01-31", 400);
    told(&mut world, DAILY, "2019-02-28", 400);
    let stocked = Delivery { stockpiled: quantity(25), ..sold(10) };
    let from_stock = |units| Delivery { from_stock: quantity(units), ..sold(30) };
    world.send(SUPPLIERS[0], report(1, "2019-01-10", stocked)).expect("reported");
    world.send(SUPPLIERS[0], report(1, "2019-02-10", from_stock(20))).expect("reported");
    for (delivery, on, refusal) in [
        (from_stock(6), "2019-02-11", Reject::StockShort { day: day("2019-02-11") }),
        (from_stock(1), "2019-01-09", Reject::StockShort { day: day("2019-01-09") }),
        // Less was put there than is sold later.
        (
            Delivery { stockpiled: quantity(19), ..sold(10) },
            "2019-01-10",
            Reject::StockShort { day: day("2019-02-10") },
        ),
        (from_stock(31), "2019-02-12", Reject::DeliveryTerms),
    ] {
        assert_eq!(world.send(SUPPLIERS[0], report(1, on, delivery)), Err(refusal));
    }
    world.settle(CONTRACTS, month(2019, 1)).expect("settled");
    assert_eq!(first_line(&world).1, quantity(35));
    world.settle(CONTRACTS, month(2019, 2)).expect("settled");
    assert_eq!(first_line(&world).1, quantity(10), "20 of the 30 came from stock");
    assert_eq!(world.cents(SUPPLIERS[0]), 45 * 100 * 100);
}

/// Rules: R-CFD-012, R-CFD-022.
#[test]
fn deliveries_are_their_holders_or_an_operators_to_report() {
    let mut world = with_contract(metered());
    grant(&mut world, 0, 100);
    let fixed = Action::GrantEntitlement { floor: FLOOR, holder: holder(0), per_period: quantity(1) };
    world.agree(fixed);
    until(&mut world, "2019-02-01");
    let reports = [
        (SUPPLIERS[0], report(1, "2019-01-10", sold(1)), Ok(())),
        (OPERATORS[0], report(1, "2019-01-11", sold(1)), Ok(())),
        (
            SUPPLIERS[1],
            report(1, "2019-01-12", sold(1)),
            Err(Reject::UnknownEntitlement { entitlement: EntitlementId(1) }),
        ),
        (
            SUPPLIERS[0],
            report(9, "2019-01-12", sold(1)),
            Err(Reject::UnknownEntitlement { entitlement: EntitlementId(9) }),
        ),
        (SUPPLIERS[0], report(2, "2019-01-12", sold(1)), Err(Reject::NotMetered)),
        (BUYERS[0], report(1, "2019-01-12", sold(1)), Err(Reject::NotPermitted)),
        (
            SUPPLIERS[0],
            report(1, "2018-12-31", sold(1)),
            Err(Reject::PeriodNotCovered { first: day("2019-01-01"), last: day("2020-12-31") }),
        ),
        (
            SUPPLIERS[0],
            report(1, "2019-02-01", sold(1)),
            Err(Reject::PeriodNotOver { ends_at: day("2019-02-02").begins_at().expect("in reach") }),
        ),
    ];
    for (sender, command, answer) in reports {
        assert_eq!(world.send(sender, command).map(drop), answer);
    }
    assert_eq!(world.exchange.data_version(), DataVersion(2));
}

/// What one participant can have kept is bounded.
/// Rules: R-CFD-023.
#[test]
fn a_delivery_is_not_revised_for_ever() {
    let mut world = with_contract(metered());
    grant(&mut world, 0, 100);
    until(&mut world, "2019-02-01");
    for units in 1..=64 {
        let sender = if units <= 48 { SUPPLIERS[0] } else { OPERATORS[0] };
        world.send(sender, report(1, "2019-01-10", sold(units))).expect("reported");
    }
    let too_many = Err(Reject::TooManyRevisions { most: 64 });
    assert_eq!(world.send(OPERATORS[0], report(1, "2019-01-10", sold(1))).map(drop), too_many);
    world.send(SUPPLIERS[0], report(1, "2019-01-11", sold(1))).expect("another day");
}

/// What one holder reports never keeps others from being settled, nor an operator from correcting it.
/// Rules: R-CFD-010, R-CFD-023, R-CFD-024.
#[test]
fn a_holder_cannot_block_a_settlement() {
    let reference = ReferenceRule { averaging: Averaging::DeliveryWeighted, ..ReferenceRule::default() };
    let mut world = with_contract(ContractTerms { reference, ..metered() });
    grant(&mut world, 0, 30);
    grant(&mut world, 1, 30);
    until(&mut world, "2019-02-01");
    told(&mut world, DAILY, "2019-01-04", 400);
    told(&mut world, DAILY, "2019-01-07", 420);
    let most = Quantity::from_millionths(i64::MAX / 400).expect("not negative");
    let one_more = Quantity::from_millionths(i64::MAX / 400 + 1).expect("not negative");
    let huge = |sold| Delivery { sold, ..sold_nothing() };
    assert_eq!(world.send(SUPPLIERS[0], report(1, "2019-01-05", huge(one_more))), Err(Reject::DeliveryTerms));
    for on in 1..=31 {
        world.send(SUPPLIERS[0], report(1, &format!("2019-01-{on:02}"), huge(most))).expect("reported");
    }
    // A Sunday has no price of its own: Friday's counts.
    world.send(SUPPLIERS[1], report(2, "2019-01-06", sold(1))).expect("reported");
    world.settle(CONTRACTS, month(2019, 1)).expect("settled");
    let lines = last_run(&world).lines;
    assert_eq!((lines[0].quantity, lines[1].reference_price), (quantity(30), Some(price(400))));
    for _ in 2..=48 {
        world.send(SUPPLIERS[0], report(1, "2019-01-05", huge(most))).expect("reported");
    }
    let too_many = Err(Reject::TooManyRevisions { most: 48 });
    assert_eq!(world.send(SUPPLIERS[0], report(1, "2019-01-05", huge(most))).map(drop), too_many);
    world.send(OPERATORS[0], report(1, "2019-01-05", sold(1))).expect("an operator corrects it");
}

fn sold_nothing() -> Delivery {
    sold(0)
}

/// However late it is corrected: a year keeps its cap when the next has begun to be settled.
/// Rules: R-CFD-031.
#[test]
fn a_cap_is_used_up_anew_after_the_years_end_too() {
    let cap = Upside { annual_cap: "1000".parse().ok(), ..upside(Some(600), "0.5") };
    let contract = ContractTerms {
        payoff: Payoff { upside: Some(cap), ..Payoff::floor() },
        ..ContractTerms::monthly_floor()
    };
    let mut world = with_contract(contract);
    grant(&mut world, 0, 10);
    until(&mut world, "2020-03-01");
    for number in 1..=13 {
        let settled = if number == 13 { month(2020, 1) } else { month(2019, number) };
        let units = if number <= 2 { 700 } else { 550 };
        told(&mut world, DAILY, &settled.last_day().to_string(), units);
        world.settle(CONTRACTS, settled).expect("settled");
    }
    assert_eq!(world.cents(SUPPLIERS[0]), -100_000, "500 in each of two months");
    told(&mut world, DAILY, "2019-01-31", 800);
    world.settle(CONTRACTS, month(2019, 1)).expect("settled");
    assert_eq!(world.cents(SUPPLIERS[0]), -100_000, "1,000 in the first, and nothing is left for the second");
    assert_eq!(runs(&world).len(), 15, "January and February have another run, and no other month");
}

/// Lynas–JARE's shape: a share above a threshold with a cap a year, used up in the order of the months. A correction of January moves
/// what February is paid, and March, which has nothing left either way, has no new run.
/// Rules: R-CFD-031, R-MON-016.
#[test]
fn a_correction_uses_the_cap_up_anew_from_the_years_start() {
    let cap = Upside { annual_cap: "1000".parse().ok(), ..upside(Some(600), "0.5") };
    let contract = ContractTerms {
        payoff: Payoff { upside: Some(cap), ..Payoff::floor() },
        ..ContractTerms::monthly_floor()
    };
    let mut world = with_contract(contract);
    grant(&mut world, 0, 10);
    until(&mut world, "2020-02-01");
    for (on, units) in [("2019-01-31", 700), ("2019-02-28", 720), ("2019-03-31", 750)] {
        told(&mut world, DAILY, on, units);
        world.settle(CONTRACTS, day(on).month()).expect("settled");
    }
    let summary = |world: &World, from: usize| -> Vec<_> {
        let shown = runs(world).split_off(from).into_iter();
        shown
            .map(|run| (run.period.first.month().month(), run.number, run.lines[0].amount, run.lines[0].rule))
            .collect()
    };
    assert_eq!(
        summary(&world, 0),
        [
            (1, 1, dollars(-500), PayoffRule::Upside),
            (2, 1, dollars(-500), PayoffRule::UpsideCapped),
            (3, 1, dollars(0), PayoffRule::UpsideCapped),
        ]
    );
    let proceeds =
        |world: &World| world.exchange.ledger().balance(Currency::Usd, Account::Proceeds(PROGRAMME));
    // Only what was paid is proceeds.
    assert_eq!((world.cents(SUPPLIERS[0]), proceeds(&world)), (-100_000, 0));
    let participant = Some(ParticipantId(SUPPLIERS[0].0));
    world.agree(Action::TakePayment { participant, amount: dollars(1_000) });
    assert_eq!((world.cents(SUPPLIERS[0]), proceeds(&world)), (0, 1_000_000_000));
    told(&mut world, DAILY, "2019-01-31", 640);
    world.settle(CONTRACTS, month(2019, 1)).expect("settled");
    assert_eq!(
        summary(&world, 3),
        [
            (1, 2, dollars(-200), PayoffRule::Upside),
            (2, 2, dollars(-600), PayoffRule::Upside),
            (3, 2, dollars(-200), PayoffRule::UpsideCapped),
        ]
    );
    told(&mut world, DAILY, "2019-02-28", 800);
    world.settle(CONTRACTS, month(2019, 1)).expect("settled");
    assert_eq!(
        summary(&world, 6),
        [
            // January was asked for, so it has a run though nothing changed.
            (1, 3, dollars(-200), PayoffRule::Upside),
            (2, 3, dollars(-800), PayoffRule::UpsideCapped),
            (3, 3, dollars(0), PayoffRule::UpsideCapped),
        ]
    );
    assert_eq!((world.cents(SUPPLIERS[0]), proceeds(&world)), (0, 1_000_000_000));
    assert!(world.exchange.is_conserved());
}

/// Rules: R-CFD-014, R-CFD-015.
#[test]
fn a_price_that_moves_too_far_is_held_until_two_operators_release_it() {
    let mut world = with_contract(ContractTerms::monthly_floor());
    grant(&mut world, 0, 10);
    until(&mut world, "2019-03-01");
    told(&mut world, DAILY, "2019-01-30", 400);
    // A quarter more is allowed, more than that is held; so is a revision that moves from what it revises.
    told(&mut world, DAILY, "2019-01-31", 500);
    told(&mut world, DAILY, "2019-02-27", 626);
    assert!(matches!(
        world.last(),
        Some(Event::ReferencePriceHeld { before, observation, .. })
            if (*before, observation.price) == (price(500), price(626))
    ));
    told(&mut world, DAILY, "2019-01-30", 299);
    assert!(matches!(world.last(), Some(Event::ReferencePriceHeld { .. })));
    assert_eq!(world.exchange.data_version(), DataVersion(2), "what is held is no datum");
    world.settle(CONTRACTS, month(2019, 1)).expect("settled");
    assert_eq!(last_run(&world).reference_price, Some(price(450)));
    let missing = Reject::NoReferencePrice { index: DAILY, from: day("2019-02-01") };
    assert_eq!(world.settle(CONTRACTS, month(2019, 2)), Err(missing));

    let release = |units| {
        let observation = Observation { price: price(units), volume: None, source: None };
        Action::ReleaseReferencePrice { index: DAILY, day: day("2019-02-27"), observation }
    };
    let not_held = Reject::PriceNotHeld { index: DAILY, day: day("2019-02-27") };
    assert_eq!(world.try_agree(release(625)), Err(not_held), "another price than is held");
    world.agree(release(626));
    assert_eq!(world.try_agree(release(626)), Err(not_held));
    world.settle(CONTRACTS, month(2019, 2)).expect("settled");
    assert_eq!(last_run(&world).reference_price, Some(price(626)));
    // A publisher who sees the slip sends another, and what was held is gone.
    told(&mut world, DAILY, "2019-01-30", 390);
    let observation = Observation { price: price(299), volume: None, source: None };
    let gone = Action::ReleaseReferencePrice { index: DAILY, day: day("2019-01-30"), observation };
    let not_held = Reject::PriceNotHeld { index: DAILY, day: day("2019-01-30") };
    assert_eq!(world.try_agree(gone), Err(not_held));
    // The first price of all is compared with the one after it.
    told(&mut world, DAILY, "2019-01-02", 40_000);
    assert!(matches!(world.last(), Some(Event::ReferencePriceHeld { .. })));
}

/// Rules: R-CFD-010, R-CFD-011.
#[test]
fn averages_count_what_the_terms_say_and_too_few_prices_fall_back() {
    for (averaging, least, expected) in [
        (Averaging::Simple, 2, (DAILY, "420")),
        // 400 × 1 + 440 × 3 over 4.
        (Averaging::VolumeWeighted, 2, (DAILY, "430")),
        // 400 × 7 + 440 × 1 over 8.
        (Averaging::DeliveryWeighted, 2, (DAILY, "405")),
        (Averaging::Simple, 3, (FALLBACK, "410")),
    ] {
        let reference = ReferenceRule { averaging, least_observations: least, fallback: Some(FALLBACK) };
        let mut world = with_contract(ContractTerms { reference, ..metered() });
        grant(&mut world, 0, 100);
        until(&mut world, "2019-02-01");
        for (on, units, volume, delivered) in [("2019-01-10", 400, 1, 7), ("2019-01-20", 440, 3, 1)] {
            let observation = Observation {
                price: price(units),
                volume: Some(quantity(volume)),
                source: "a price reporting agency".parse().ok(),
            };
            let publish = Command::PublishReferencePrice { index: DAILY, day: day(on), observation };
            world.send(PUBLISHER, publish).expect("published");
            world.send(SUPPLIERS[0], report(1, on, sold(delivered))).expect("reported");
        }
        for (on, units) in [("2019-01-01", 400), ("2019-01-02", 410), ("2019-01-03", 420)] {
            told(&mut world, FALLBACK, on, units);
        }
        world.settle(CONTRACTS, month(2019, 1)).expect("settled");
        let run = last_run(&world);
        let applied = run.lines[0].reference_price.map(|price| price.to_string());
        assert_eq!(applied.as_deref(), Some(expected.1), "{averaging:?}");
        if averaging != Averaging::DeliveryWeighted {
            assert_eq!((run.index, run.reference_price), (expected.0, run.lines[0].reference_price));
        }
    }
}

/// The strikes of Charity Farm (Low Carbon Contracts Company): 79.23 at prices of October 2011, from April on by January's value.
/// Always from the base: the third would be 85.03 if it were made of the second.
/// Rules: R-CFD-016, R-CFD-017.
#[test]
fn a_strike_follows_consumer_prices_from_its_base() {
    let indexation = Indexation {
        index: CONSUMER_PRICES,
        base_value: "94.5".parse().expect("a value"),
        from_month: 4,
        value_month: 1,
        unit: "0.01".parse().expect("a price"),
        rounding: HalfWay::Up,
    };
    let base: Price = "79.23".parse().expect("a price");
    let strike =
        |value: &str| indexation.strike(base, value.parse().expect("a value")).map(|price| price.to_string());
    let strikes =
        ["99.5", "101.4", "104.4", "106.3", "108.2", "109", "114.9", "126.4", "131.5", "135.4", "139.5"]
            .map(strike);
    let published = [
        "83.42", "85.02", "87.53", "89.12", "90.72", "91.39", "96.33", "105.98", "110.25", "113.52", "116.96",
    ];
    assert_eq!(strikes, published.map(|price| Some(price.to_owned())));

    for (on, value) in [("2019-03-31", "2018-01"), ("2019-04-01", "2019-01"), ("2019-12-31", "2019-01")] {
        assert_eq!(indexation.value_month(day(on)).map(|month| month.to_string()).as_deref(), Some(value));
    }
    let late = Indexation { value_month: 10, ..indexation };
    assert_eq!(
        late.value_month(day("2019-04-01")).map(|month| month.to_string()).as_deref(),
        Some("2018-10")
    );

    let from_500 = Indexation { base_value: price(100), ..indexation };
    let mut world =
        with_contract(ContractTerms { indexation: Some(from_500), ..ContractTerms::monthly_floor() });
    grant(&mut world, 0, 10);
    until(&mut world, "2019-06-01");
    for on in ["2019-01-31", "2019-02-28", "2019-03-31", "2019-04-30"] {
        told(&mut world, DAILY, on, 400);
    }
    let missing = Reject::NoReferencePrice { index: CONSUMER_PRICES, from: day("2018-01-01") };
    assert_eq!(world.settle(CONTRACTS, month(2019, 1)), Err(missing));
    told(&mut world, CONSUMER_PRICES, "2018-01-31", 110);
    told(&mut world, CONSUMER_PRICES, "2019-01-31", 121);
    let strikes = [1, 2, 3, 4].map(|number| {
        world.settle(CONTRACTS, month(2019, number)).expect("settled");
        last_run(&world).lines[0].strike
    });
    assert_eq!(strikes, [550, 550, 550, 605].map(price));
}

/// Rules: R-CFD-032, R-CFD-035.
#[test]
fn a_late_difference_bears_interest_from_the_first_run_on() {
    let contract = ContractTerms { interest: Some(share("0.0365")), ..ContractTerms::monthly_floor() };
    let mut world = with_contract(contract);
    grant(&mut world, 0, 10);
    until(&mut world, "2019-02-10");
    told(&mut world, DAILY, "2019-01-31", 400);
    world.settle(CONTRACTS, month(2019, 1)).expect("settled");
    until(&mut world, "2019-05-21");
    told(&mut world, DAILY, "2019-01-31", 390);
    world.settle(CONTRACTS, month(2019, 1)).expect("settled");
    // 100 more, 100 days late, at a hundredth of a per cent a day.
    let line = last_run(&world).lines[0];
    assert_eq!((line.delta, line.interest), (dollars(100), dollars(1)));
    until(&mut world, "2019-08-29");
    told(&mut world, DAILY, "2019-01-31", 400);
    world.settle(CONTRACTS, month(2019, 1)).expect("settled");
    let line = last_run(&world).lines[0];
    assert_eq!((line.delta, line.interest), (dollars(-100), dollars(-2)), "200 days late");
    assert_eq!(world.cents(SUPPLIERS[0]), 99_900);
    assert!(world.exchange.is_conserved());
    let statement = &world.exchange.statements(holder(0), day("2019-05-21"))[0];
    assert_eq!((statement.lines.len(), statement.net), (1, 101_000_000));
}

/// Rules: R-CFD-026, R-CFD-035, R-CFD-036.
#[test]
fn a_novated_contract_is_its_new_holders_with_what_is_corrected_of_the_old() {
    let mut world = with_contract(ContractTerms::monthly_floor());
    grant(&mut world, 0, 10);
    until(&mut world, "2019-02-10");
    told(&mut world, DAILY, "2019-01-31", 400);
    world.settle(CONTRACTS, month(2019, 1)).expect("settled");
    let novate = |to| Action::NovateEntitlement { entitlement: EntitlementId(1), to };
    assert_eq!(world.try_agree(novate(holder(0))), Err(Reject::SameHolder));
    assert_eq!(world.try_agree(novate(ParticipantId(BUYERS[0].0))), Err(Reject::NotASupplier));
    world.agree(novate(holder(1)));
    // The old holder is told that it is gone, the new one what it has.
    let last_two = &world.events[world.events.len() - 2..];
    let shown = |to| last_two.iter().filter(|event| event.is_shown_to(to, false)).count();
    assert_eq!((shown(holder(0)), shown(holder(1)), shown(holder(2))), (1, 1, 0));
    told(&mut world, DAILY, "2019-01-31", 390);
    world.settle(CONTRACTS, month(2019, 1)).expect("settled");
    assert_eq!((world.cents(SUPPLIERS[0]), world.cents(SUPPLIERS[1])), (100_000, 10_000));
    let nets = [0, 1].map(|supplier| world.exchange.statements(holder(supplier), day("2019-02-10"))[0].net);
    assert_eq!(nets, [1_000_000_000, 100_000_000]);
    assert_eq!(world.exchange.statements(holder(0), day("2019-02-11")), []);
}

/// Rules: R-CFD-037.
#[test]
fn a_terminated_contract_ends_with_a_period_and_frees_what_was_reserved() {
    let mut world = with_contract(ContractTerms::monthly_floor());
    grant(&mut world, 0, 10);
    let reserved = |world: &World| {
        world.exchange.ledger().balance(Currency::Usd, Account::ProgrammeReserved(PROGRAMME)) / 1_000_000
    };
    // (500 − 300) × 10 × 24 months.
    assert_eq!(reserved(&world), 48_000);
    until(&mut world, "2019-02-10");
    told(&mut world, DAILY, "2019-01-31", 400);
    world.settle(CONTRACTS, month(2019, 1)).expect("settled");
    let terminate =
        |last: &str| Action::TerminateEntitlement { entitlement: EntitlementId(1), last: day(last) };
    for last in ["2018-12-31", "2019-03-30", "2020-12-31", "2021-01-31"] {
        assert_eq!(world.try_agree(terminate(last)), Err(Reject::TerminationDay), "{last}");
    }
    world.agree(terminate("2019-03-31"));
    assert_eq!(reserved(&world), 4_000);
    until(&mut world, "2019-06-01");
    for (on, lines) in [("2019-02-28", 1), ("2019-03-31", 1), ("2019-04-30", 0)] {
        told(&mut world, DAILY, on, 400);
        world.settle(CONTRACTS, day(on).month()).expect("settled");
        assert_eq!(last_run(&world).lines.len(), lines);
        assert!(world.exchange.is_conserved());
    }
    assert_eq!(reserved(&world), 0);
}

/// Rules: R-CFD-009.
#[test]
fn a_share_of_high_prices_waits_for_its_condition() {
    let waits = Upside { condition: "full production".parse().ok(), ..upside(None, "0.3") };
    let contract = ContractTerms {
        payoff: Payoff { upside: Some(waits), ..Payoff::floor() },
        ..ContractTerms::monthly_floor()
    };
    let mut world = with_contract(contract);
    grant(&mut world, 0, 10);
    grant(&mut world, 1, 10);
    until(&mut world, "2019-04-01");
    for on in ["2019-01-31", "2019-02-28", "2019-03-31"] {
        told(&mut world, DAILY, on, 600);
    }
    world.settle(CONTRACTS, month(2019, 1)).expect("settled");
    let begin = |from: &str| Action::ShareUpside { entitlement: EntitlementId(1), from: day(from) };
    assert_eq!(world.try_agree(begin("2019-01-31")), Err(Reject::UpsideSettled { next: day("2019-02-01") }));
    // February has begun by then: it is shared from March on.
    world.agree(begin("2019-02-02"));
    assert_eq!(world.try_agree(begin("2019-03-01")), Err(Reject::NoUpsideCondition));
    for (number, amounts) in [(2, [0, 0]), (3, [-300, 0])] {
        world.settle(CONTRACTS, month(2019, number)).expect("settled");
        let run = last_run(&world);
        assert_eq!([run.lines[0].amount, run.lines[1].amount], amounts.map(dollars));
    }
}

/// Rules: R-CFD-027.
#[test]
fn contradictory_terms_are_refused() {
    let mut world = with_contract(metered());
    let fixed = ContractTerms::monthly_floor();
    let with_upside = |upside| ContractTerms {
        payoff: Payoff { upside: Some(upside), ..Payoff::floor() },
        ..ContractTerms::monthly_floor()
    };
    let indexation = Indexation {
        index: CONSUMER_PRICES,
        base_value: price(100),
        from_month: 4,
        value_month: 1,
        unit: price(1),
        rounding: HalfWay::Even,
    };
    let indexed =
        |indexation| ContractTerms { indexation: Some(indexation), ..ContractTerms::monthly_floor() };
    let no_support = Payoff { support: Share::NONE, ..Payoff::floor() };
    let lifted = Payoff { minimum: Some(price(501)), ..Payoff::floor() };
    let no_volume = Payoff { annual_volume: Some(Quantity::ZERO), ..Payoff::floor() };
    let two = ReferenceRule { least_observations: 2, ..fixed.reference };
    let itself = ReferenceRule { fallback: Some(DAILY), ..fixed.reference };
    let broken_cent = Upside { annual_cap: "0.001".parse().ok(), ..upside(None, "1") };
    let by_deliveries = ReferenceRule { averaging: Averaging::DeliveryWeighted, ..fixed.reference };
    let fallback = ReferenceRule { fallback: Some(CONSUMER_PRICES), ..fixed.reference };
    let evidence = VolumeRule { evidence: true, ..fixed.volume.clone() };
    for (contract, refusal) in [
        (ContractTerms { payoff: no_support, ..fixed.clone() }, Reject::PayoffTerms),
        (ContractTerms { payoff: lifted, ..fixed.clone() }, Reject::PayoffTerms),
        (ContractTerms { payoff: no_volume, ..fixed.clone() }, Reject::PayoffTerms),
        (
            ContractTerms { reference: two, calendar: Calendar::Daily, ..fixed.clone() },
            Reject::ReferenceTerms,
        ),
        (ContractTerms { reference: itself, ..fixed.clone() }, Reject::ReferenceTerms),
        (indexed(Indexation { unit: price(501), ..indexation }), Reject::IndexationTerms),
        (with_upside(upside(Some(490), "1")), Reject::PayoffTerms),
        (with_upside(upside(None, "0")), Reject::PayoffTerms),
        (with_upside(broken_cent), Reject::PayoffTerms),
        (ContractTerms { volume: evidence, ..fixed.clone() }, Reject::VolumeTerms),
        (ContractTerms { reference: by_deliveries, ..fixed.clone() }, Reject::VolumeTerms),
        (ContractTerms { reference: fallback, ..fixed.clone() }, Reject::OtherCurrency),
        (indexed(Indexation { from_month: 13, ..indexation }), Reject::IndexationTerms),
        (indexed(Indexation { value_month: 0, ..indexation }), Reject::IndexationTerms),
        (indexed(Indexation { unit: price(0), ..indexation }), Reject::IndexationTerms),
        (indexed(Indexation { index: DAILY, ..indexation }), Reject::IndexationTerms),
        (indexed(Indexation { index: IndexId(9), ..indexation }), Reject::UnknownIndex { index: IndexId(9) }),
    ] {
        let set = Action::SetFloor { floor: FloorId(3), terms: contract_floor(contract) };
        assert_eq!(world.try_agree(set), Err(refusal));
    }
    // Half a quarter cannot be settled.
    let quarterly = ContractTerms { calendar: Calendar::Quarterly, ..fixed };
    let first = month(2019, 2);
    let set = |terms| Action::SetFloor { floor: FloorId(3), terms };
    let halved = FloorTerms { first, ..contract_floor(quarterly.clone()) };
    assert_eq!(world.try_agree(set(halved)), Err(Reject::FloorMonths));
    world.agree(set(contract_floor(quarterly)));
}

/// The files of terms are terms: each can be set on the market that it is written for, but for its index numbers.
#[test]
fn the_terms_in_files_are_terms() {
    for (name, text) in [
        ("floor", include_str!("../rules/contracts/floor.toml")),
        ("two-way", include_str!("../rules/contracts/two-way.toml")),
        ("collar", include_str!("../rules/contracts/collar.toml")),
        ("floor-with-upside", include_str!("../rules/contracts/floor-with-upside.toml")),
    ] {
        let contract: ContractTerms = toml::from_str(text).unwrap_or_else(|error| panic!("{name}: {error}"));
        let again = toml::to_string(&contract).expect("terms can be written");
        assert_eq!(toml::from_str::<ContractTerms>(&again).as_ref(), Ok(&contract), "{name}");
    }
    let misspelt = toml::from_str::<ContractTerms>("calendar = \"monthly\"\n[payoff]\nfloor = \"1\"\n");
    assert!(misspelt.is_err(), "a name that is not known is an error");
}
