//! Money, by examples: programmes at their limit, pay when paid, notices and defaults, cover, reserves, stock. Figures from the
//! practice of real counterparties are cited where they stand.

use crate::common::money::{clearing_terms, day, id, pay, units, until, with_terms};
use crate::common::*;
use golv_engine::auction::{AuctionKind, AuctionTerms, StackTerms};
use golv_engine::book::Side;
use golv_engine::cfd::{ContractTerms, Measure, Payoff, Upside, VolumeRule};
use golv_engine::clearing::{Allocation, Candidates, Criterion, Rule};
use golv_engine::command::{Action, Command};
use golv_engine::event::{Audience, Event};
use golv_engine::id::*;
use golv_engine::ledger::{Account, Cause};
use golv_engine::market::{FloorTerms, Market};
use golv_engine::money::{Backing, Breach, ClearingTerms, Level, Pot, ProgrammeTerms, StockOrder, StockRule};
use golv_engine::num::{Currency, Money, Share};
use golv_engine::participant::Standing;
use golv_engine::reject::Reject;
use golv_engine::support::SupportRule;
use golv_engine::time::Day;

const GUARANTEED: ProgrammeId = ProgrammeId(2);
const TWO_WAY: FloorId = FloorId(3);

/// An auction of a Friday, final on Saturday 29 December 2018: 10 t each of two buyers at 450, 12 and 8 t of two sellers.
fn auction(world: &mut World) {
    let opens_at = world.now.plus_seconds(1).expect("fits");
    let closes_at = world.now.plus_seconds(hours(5)).expect("fits");
    let kind = AuctionKind::Call { market: MARKET, stock: None };
    let rule =
        Rule::new(Candidates::Ticks, vec![Criterion::MostVolume, Criterion::Lowest], Allocation::PriceTime);
    let terms = AuctionTerms { rule: rule.into(), ..terms(kind, opens_at, closes_at) };
    world.agree(Action::AnnounceAuction { auction: CALL, terms });
    world.wait(1);
    for buyer in [BUYERS[0], BUYERS[1]] {
        world.bid(buyer, CALL, buy(500, 10)).expect("accepted");
    }
    world.bid(SUPPLIERS[0], CALL, sell(450, 12)).expect("accepted");
    world.bid(SUPPLIERS[1], CALL, sell(450, 8)).expect("accepted");
    world.wait(hours(5));
    world.send(OPERATORS[0], Command::ClearAuction { auction: CALL, secret: None }).expect("cleared");
    world.wait(hours(24));
}

/// What was told of, in order, by name, without postings.
fn told(world: &World, from: usize) -> Vec<&'static str> {
    let names = world.events[from..].iter().filter_map(|event| match event {
        Event::InvoiceIssued { .. } => Some("issued"),
        Event::InvoicePaid { .. } => Some("paid"),
        Event::InvoiceLate { .. } => Some("late"),
        Event::SellersPaid { .. } => Some("sellers paid"),
        Event::NoticeServed { .. } => Some("notice"),
        Event::NoticeFollowed { .. } => Some("followed"),
        Event::Defaulted { .. } => Some("default"),
        Event::DefaultMadeGood { .. } => Some("made good"),
        Event::BidWithdrawn { .. } => Some("withdrawn"),
        _ => None,
    });
    names.collect()
}

/// Rules: R-MON-004, R-MON-017, R-MON-018, R-MON-020.
#[test]
fn an_award_is_novated_invoiced_and_paid_on_its_due_date() {
    let mut world = with_terms(clearing_terms());
    auction(&mut world);
    let due = world.events.iter().filter_map(|event| match event {
        Event::InvoiceIssued { invoice } => Some((invoice.participant, invoice.amount, invoice.due)),
        _ => None,
    });
    // Two business days after a Saturday, New Year's Day being none: Monday 31 December and Wednesday 2 January.
    let wednesday = Some(day("2019-01-02"));
    let expected = [BUYERS[0], BUYERS[1]].map(|buyer| (id(buyer), dollars(4_500), wednesday));
    assert_eq!(due.collect::<Vec<_>>(), expected);
    assert_eq!(units(&world, Account::Clearing), 0);
    pay(&mut world, BUYERS[0], 4_500);
    pay(&mut world, BUYERS[1], 4_500);
    // Sellers are paid on the due date, together.
    assert_eq!(units(&world, Account::Claims(id(SUPPLIERS[0]))), 5_400);
    until(&mut world, "2019-01-03");
    assert_eq!(units(&world, Account::Participant(id(SUPPLIERS[0]))), 5_400);
    assert_eq!(units(&world, Account::Participant(id(SUPPLIERS[1]))), 3_600);
    let too_much = Action::PayOut { participant: Some(id(SUPPLIERS[0])), amount: dollars(5_401) };
    assert_eq!(world.try_agree(too_much), Err(Reject::BalanceShort { short: dollars(1) }));
    world.agree(Action::PayOut { participant: Some(id(SUPPLIERS[0])), amount: dollars(5_400) });
    assert_eq!(units(&world, Account::Bank), 5_400 - 9_000);
    assert!(world.exchange.is_conserved());
}

/// Payments to generators under the British scheme are pay-when-paid (CfD Standard Terms, condition 54): what did not come in is
/// missing pro rata, and made good later.
/// Rules: R-MON-019, R-MON-020, R-MON-030, R-MON-035, R-MON-037.
#[test]
fn sellers_share_what_is_missing_and_are_made_good() {
    let mut world = with_terms(ClearingTerms { waterfall: Vec::new(), ..clearing_terms() });
    auction(&mut world);
    pay(&mut world, BUYERS[0], 4_500);
    pay(&mut world, BUYERS[1], 500);
    let before = world.events.len();
    until(&mut world, "2019-01-03");
    assert_eq!(told(&world, before), ["sellers paid", "late", "notice"]);
    // 5,000 of 9,000, at 12 : 8.
    assert_eq!(units(&world, Account::Participant(id(SUPPLIERS[0]))), 3_000);
    assert_eq!(units(&world, Account::Participant(id(SUPPLIERS[1]))), 2_000);
    // The notice runs to the end of the next business day.
    let before = world.events.len();
    until(&mut world, "2019-01-04");
    assert_eq!(told(&world, before), ["default"]);
    assert_eq!(world.bid(BUYERS[1], CALL, buy(450, 1)), Err(Reject::ParticipantSuspended));
    let readmit = Action::SetStanding { participant: id(BUYERS[1]), standing: Standing::Active };
    assert_eq!(world.try_agree(readmit.clone()), Err(Reject::InDefault));
    let before = world.events.len();
    pay(&mut world, BUYERS[1], 1_000);
    pay(&mut world, BUYERS[1], 3_000);
    assert_eq!(told(&world, before), ["paid", "sellers paid", "paid", "sellers paid", "made good"]);
    assert_eq!(units(&world, Account::Participant(id(SUPPLIERS[0]))), 5_400);
    assert_eq!(units(&world, Account::Claims(id(SUPPLIERS[0]))), 0);
    world.agree(readmit);
    assert!(world.exchange.is_conserved());
}

/// Rules: R-MON-029.
#[test]
fn a_notice_that_is_followed_in_time_has_no_consequence() {
    let mut world = with_terms(clearing_terms());
    auction(&mut world);
    pay(&mut world, BUYERS[0], 4_500);
    until(&mut world, "2019-01-03");
    let before = world.events.len();
    pay(&mut world, BUYERS[1], 4_500);
    until(&mut world, "2019-02-01");
    assert_eq!(told(&world, before), ["paid", "sellers paid", "followed"]);
}

/// The waterfall of Regulation (EU) 648/2012 (EMIR), article 45, and of the Swiss FMIA, article 53: the defaulter's margin, its
/// contribution to the default fund, the counterparty's own dedicated resources, and only then the contributions of others. The
/// margins of others are never touched.
/// Rules: R-MON-033, R-MON-036, R-MON-037.
#[test]
fn the_waterfall_is_used_in_its_order() {
    let mut world = with_terms(clearing_terms());
    let deposit = |who, units| Action::DepositCollateral { participant: id(who), amount: dollars(units) };
    let contribute =
        |who, units| Action::ContributeToDefaultFund { participant: id(who), amount: dollars(units) };
    for action in [
        deposit(BUYERS[1], 1_000),
        deposit(BUYERS[0], 50_000),
        contribute(BUYERS[1], 700),
        contribute(BUYERS[0], 2_000),
        contribute(SUPPLIERS[0], 1_000),
        Action::SetOwnResourcesAside { amount: dollars(1_300) },
    ] {
        world.agree(action);
    }
    auction(&mut world);
    pay(&mut world, BUYERS[0], 4_500);
    until(&mut world, "2019-01-04");
    let uses = world.events.iter().find_map(|event| match event {
        Event::Defaulted { owed, uncovered, uses, .. } => Some((*owed, *uncovered, uses.clone())),
        _ => None,
    });
    let (owed, uncovered, uses) = uses.expect("it did not pay");
    assert_eq!((owed, uncovered), (dollars(4_500), dollars(0)));
    let uses: Vec<_> = uses.iter().map(|used| (used.pot, used.of, used.amount)).collect();
    let (defaulter, other) = (Some(id(BUYERS[1])), dollars(1_000));
    assert_eq!(
        uses,
        [
            (Pot::Collateral, defaulter, dollars(1_000)),
            (Pot::Contribution, defaulter, dollars(700)),
            (Pot::OwnResources, None, dollars(1_300)),
            // 1,500 of 3,000 in the fund.
            (Pot::DefaultFund, Some(id(SUPPLIERS[0])), dollars(500)),
            (Pot::DefaultFund, Some(id(BUYERS[0])), other),
        ]
    );
    assert_eq!(units(&world, Account::Collateral(id(BUYERS[0]))), 50_000, "the margin of others is theirs");
    assert_eq!(units(&world, Account::Participant(id(SUPPLIERS[0]))), 5_400, "sellers lose nothing");
    // What comes later goes back, the last used first and contributions pro rata; the defaulter's own was its own.
    pay(&mut world, BUYERS[1], 1_200);
    assert_eq!(units(&world, Account::Contribution(id(BUYERS[0]))), 1_800);
    assert_eq!(units(&world, Account::Contribution(id(SUPPLIERS[0]))), 900);
    pay(&mut world, BUYERS[1], 2_000);
    assert_eq!(units(&world, Account::OwnResources), 1_300);
    assert_eq!(units(&world, Account::Participant(id(BUYERS[1]))), 400);
    world.agree(Action::SetStanding { participant: id(BUYERS[1]), standing: Standing::Active });
    assert!(world.exchange.is_conserved());
}

/// A floor whose holders give all that the price exceeds the strike.
fn two_way(world: &mut World, programme: ProgrammeId, measure: Measure) {
    let upside = Upside { above: None, share: Share::WHOLE, annual_cap: None, condition: None };
    let payoff = Payoff { upside: Some(upside), ..Payoff::floor() };
    let volume = VolumeRule { measure, ..VolumeRule::default() };
    let contract = Box::new(ContractTerms { payoff, volume, ..ContractTerms::monthly_floor() });
    world.agree(Action::SetFloor {
        floor: TWO_WAY,
        terms: FloorTerms { programme, contract, ..floor_terms() },
    });
}

/// The credit cover of the British supplier obligation is 21 days of metered volume at the interim levy rate, checked every day; a
/// shortfall is to be met by the end of the next working day (Supplier Obligation Regulations 2014; the rate of the second quarter of
/// 2021 was 9.954 GBP a MWh, lowcarboncontracts.uk). Here 5 t a day owe 9.954 USD a tonne.
/// Rules: R-MON-026, R-MON-027, R-MON-028, R-MON-032.
#[test]
fn cover_is_twenty_one_days_of_volume_and_is_called_for_daily() {
    let mut world = with_terms(ClearingTerms { contract_cover_days: 21, ..clearing_terms() });
    two_way(&mut world, PROGRAMME, Measure::Metered);
    let holder = id(SUPPLIERS[0]);
    world.agree(Action::GrantEntitlement { floor: TWO_WAY, holder, per_period: quantity(100) });
    until(&mut world, "2019-01-31");
    let delivery = golv_engine::cfd::Delivery {
        sold: quantity(5),
        from_stock: quantity(0),
        stockpiled: quantity(0),
        destination: None,
        evidence: None,
    };
    for of in 1..=30 {
        let day = Day::new(2019, 1, of).expect("a day");
        let report = Command::ReportDelivery { entitlement: EntitlementId(1), day, delivery };
        world.send(SUPPLIERS[0], report).expect("reported");
    }
    let price = "509.954".parse().expect("a price");
    world.send(PUBLISHER, publish(INDEX, day("2019-01-30"), price)).expect("published");
    let before = world.events.len();
    until(&mut world, "2019-02-01");
    let called = world.events[before..].iter().find_map(|event| match event {
        Event::NoticeServed { participant, breach: Breach::Collateral { required, held }, until, .. } => {
            Some((*participant, *required, *held, *until))
        }
        _ => None,
    });
    // 20 of the 21 days to 31 January have deliveries: 20 × 5 × 9.954.
    let required: Money = Money { currency: Currency::Usd, millionths: 995_400_000 };
    assert_eq!(called, Some((holder, required, dollars(0), day("2019-02-01"))));
    world.agree(Action::DepositCollateral { participant: holder, amount: dollars(996) });
    assert!(told(&world, before).ends_with(&["notice", "followed"]));
    let back = Action::ReturnCollateral { participant: holder, amount: dollars(500) };
    assert!(matches!(world.try_agree(back), Err(Reject::CollateralShort { .. })), "what is required stays");
    until(&mut world, "2019-02-10");
    assert!(!told(&world, before).contains(&"default"));

    // Who does not follow is in default, its bids are withdrawn, and its contract is still paid for.
    let mut world = with_terms(ClearingTerms { contract_cover_days: 21, ..clearing_terms() });
    two_way(&mut world, PROGRAMME, Measure::Fixed);
    world.agree(Action::GrantEntitlement { floor: TWO_WAY, holder, per_period: quantity(31) });
    until(&mut world, "2019-01-03");
    world
        .send(
            PUBLISHER,
            publish(INDEX, day("2019-01-02"), golv_engine::num::Price::from_units(510).expect("fits")),
        )
        .expect("published");
    let before = world.events.len();
    until(&mut world, "2019-01-04");
    assert_eq!(told(&world, before), ["notice"]);
    until(&mut world, "2019-01-05");
    assert_eq!(told(&world, before), ["notice", "default", "made good"], "it owes nothing yet");
    assert_eq!(world.send(SUPPLIERS[0], Command::WithdrawAll), Err(Reject::ParticipantSuspended));
}

/// Cover of open invoices is a share of them, up to the next cent.
/// Rules: R-MON-025.
#[test]
fn what_is_owed_is_covered_too() {
    let debt_cover = "0.000001".parse().expect("a share");
    let mut world = with_terms(ClearingTerms { debt_cover, ..clearing_terms() });
    auction(&mut world);
    until(&mut world, "2018-12-31");
    let called = world.events.iter().filter_map(|event| match event {
        Event::NoticeServed { participant, breach: Breach::Collateral { required, .. }, .. } => {
            Some((*participant, required.millionths))
        }
        _ => None,
    });
    // A millionth of 4,500 is 0.45 cents.
    assert_eq!(called.collect::<Vec<_>>(), [(id(BUYERS[0]), 10_000), (id(BUYERS[1]), 10_000)]);
}

/// HINTCO reserves for each lot what it can come to cost, price × maximum volume, when it is awarded (397 million of the first round's
/// lot); the British supplier obligation keeps a reserve that suffices 19 times out of 20. Here a floor reserves down to its stress
/// price, which is marked anew with each run.
/// Rules: R-MON-006, R-MON-007.
#[test]
fn the_worst_case_is_reserved_at_award_and_marked_anew() {
    let mut world = World::furnished(100_000);
    let holder = id(SUPPLIERS[0]);
    world.agree(Action::SetStressPrice { floor: FLOOR, price: price(0) });
    world.agree(Action::GrantEntitlement { floor: FLOOR, holder, per_period: quantity(10) });
    // 500 × 10 × 6 months: all that it can come to.
    assert_eq!(units(&world, Account::ProgrammeReserved(PROGRAMME)), 30_000);
    world.agree(Action::SetStressPrice { floor: FLOOR, price: price(300) });
    until(&mut world, "2019-02-01");
    world.publish(month(2019, 1), 350).expect("published");
    world.settle(FLOOR, month(2019, 1)).expect("settled");
    // (500 − 300) × 10 × 5 months are left; (500 − 350) × 10 were paid.
    assert_eq!(units(&world, Account::ProgrammeReserved(PROGRAMME)), 10_000);
    assert_eq!(units(&world, Account::ProgrammeFree(PROGRAMME)), 100_000 - 10_000 - 1_500);
    assert_eq!(units(&world, Account::ProgrammeSpent(PROGRAMME)), 1_500);
    let purchase = AuctionKind::Purchase {
        market: MARKET,
        programme: PROGRAMME,
        quantity: quantity(88),
        worst_sale: price(0),
    };
    let (opens_at, closes_at) = (world.now.plus_seconds(1), world.now.plus_seconds(60));
    let rule = StackTerms {
        rule: SupportRule { technologies: Vec::new(), limits: Vec::new(), ..stack().rule },
        budget: None,
        bond: None,
        acceptance_seconds: None,
    };
    let terms = AuctionTerms {
        rule: rule.into(),
        ..terms(purchase, opens_at.expect("fits"), closes_at.expect("fits"))
    };
    // 1,000 × 88: at the market's highest price, less than is free by 500.
    world.agree(Action::AnnounceAuction { auction: STACK, terms });
    assert_eq!(units(&world, Account::ProgrammeFree(PROGRAMME)), 500);
}

/// Crossing 80 and 100 % is told, and nothing is granted any more by a programme that is full, even if it would reserve nothing.
/// Rules: R-MON-008, R-MON-014.
#[test]
fn a_programme_tells_how_full_it_is() {
    let mut world = World::furnished(20_000);
    let levels = |world: &World| {
        let levels = world.events.iter().filter_map(|event| match event {
            Event::ProgrammeLevel { level, used, funded, .. } => Some((*level, *used, *funded)),
            _ => None,
        });
        levels.collect::<Vec<_>>()
    };
    let grant = |lots| Action::GrantEntitlement {
        floor: FLOOR,
        holder: id(SUPPLIERS[0]),
        per_period: quantity(lots),
    };
    world.agree(grant(12));
    assert_eq!(levels(&world), [], "14,400 of 20,000");
    world.agree(Action::GrantEntitlement { floor: FLOOR, holder: id(SUPPLIERS[0]), per_period: quantity(2) });
    world.agree(fund(dollars(1_000)));
    world.agree(grant(3));
    let high = (Level::High, dollars(16_800), dollars(20_000));
    let full = (Level::High, dollars(20_400), dollars(21_000));
    assert_eq!(levels(&world), [high], "it stays high: {full:?}");
    until(&mut world, "2019-02-01");
    world.publish(month(2019, 1), 100).expect("published");
    world.settle(FLOOR, month(2019, 1)).expect("settled");
    // (500 − 100) × 17 = 6,800 were claimed where 3,400 were reserved and 600 free: 2,800 wait, and 17,000 are reserved yet.
    assert_eq!(levels(&world)[1], (Level::Full, dollars(23_800), dollars(21_000)));
    assert_eq!(units(&world, Account::Claims(id(SUPPLIERS[0]))), 2_800);
    world.agree(Action::SetStressPrice { floor: FLOOR, price: price(490) });
    world.agree(fund(dollars(2_800)));
    assert_eq!(world.try_agree(grant(1)), Err(Reject::ProgrammeShort { short: dollars(40) }));
    world.settle(FLOOR, month(2019, 1)).expect("marked anew");
    assert_eq!(levels(&world).last().map(|(level, ..)| *level), Some(Level::Normal));
    world.agree(grant(1));
    assert!(world.exchange.is_conserved());
}

/// All are paid by a guaranteed programme, and its guarantor owes what was missing.
/// Rules: R-MON-012.
#[test]
fn a_guaranteed_programme_pays_all_and_its_guarantor_owes_the_rest() {
    let mut world = World::furnished(1);
    let name = "Guaranteed".parse().expect("a name");
    let backing = Backing::Guaranteed { by: "Member states".parse().expect("a name") };
    let terms = ProgrammeTerms { name, currency: Currency::Usd, backing };
    world.agree(Action::OpenProgramme { programme: GUARANTEED, terms });
    let funder = "Member states".parse().expect("a name");
    let pays = |units| Action::FundProgramme { programme: GUARANTEED, funder, amount: dollars(units) };
    world.agree(pays.clone()(12_000));
    world.agree(Action::SetFloor {
        floor: TWO_WAY,
        terms: FloorTerms { programme: GUARANTEED, ..floor_terms() },
    });
    world.agree(Action::GrantEntitlement {
        floor: TWO_WAY,
        holder: id(SUPPLIERS[0]),
        per_period: quantity(10),
    });
    until(&mut world, "2019-02-01");
    world.publish(month(2019, 1), 0).expect("published");
    world.settle(TWO_WAY, month(2019, 1)).expect("settled");
    assert_eq!(units(&world, Account::Participant(id(SUPPLIERS[0]))), 5_000);
    // 2,000 were reserved for the month.
    assert_eq!(units(&world, Account::Shortfall(GUARANTEED)), -3_000);
    assert_eq!(units(&world, Account::ProgrammeReserved(GUARANTEED)), 10_000);
    world.agree(pays(4_000));
    assert_eq!(units(&world, Account::Shortfall(GUARANTEED)), 0);
    assert_eq!(units(&world, Account::ProgrammeFree(GUARANTEED)), 1_000);
    // What is corrected comes back to the programme when it is paid.
    world.publish(month(2019, 1), 100).expect("revised");
    world.settle(TWO_WAY, month(2019, 1)).expect("settled");
    assert_eq!(units(&world, Account::ProgrammeFree(GUARANTEED)), 2_000, "set off against what it was paid");
    assert_eq!(units(&world, Account::Participant(id(SUPPLIERS[0]))), 4_000);
    assert!(world.exchange.is_conserved());
}

/// What an auction has pledged is for nothing else, however much holders are due.
/// Rules: R-MON-009.
#[test]
fn claims_are_never_paid_from_what_is_pledged() {
    let mut world = World::furnished(20_000);
    world.agree(Action::GrantEntitlement {
        floor: FLOOR,
        holder: id(SUPPLIERS[0]),
        per_period: quantity(10),
    });
    world.agree(Action::SetStockRule { programme: PROGRAMME, market: MARKET, rule: stock_rule() });
    let (side, lots) = (Side::Buy, quantity(20));
    let order = StockOrder { programme: PROGRAMME, side, price: price(400), quantity: lots, budget: None };
    with_stock(&mut world, AuctionId(21), order).expect("announced");
    world.agree(Action::SetStressPrice { floor: FLOOR, price: price(0) });
    for (number, midnight) in [(1, "2019-02-01"), (2, "2019-03-01"), (3, "2019-04-01")] {
        until(&mut world, midnight);
        world.publish(month(2019, number), 0).expect("published");
        world.settle(FLOOR, month(2019, number)).expect("settled");
    }
    // 12,000 of 15,000: the other 8,000 are the auction's.
    assert_eq!(units(&world, Account::Participant(id(SUPPLIERS[0]))), 12_000);
    assert_eq!(units(&world, Account::Claims(id(SUPPLIERS[0]))), 3_000);
    assert_eq!(units(&world, Account::ProgrammeReserved(PROGRAMME)), 8_000);
    world.agree(Action::CancelAuction { auction: AuctionId(21) });
    assert_eq!(units(&world, Account::ProgrammeFree(PROGRAMME)), 0, "contracts require more than there is");
    assert!(world.exchange.is_conserved());
}

/// A claim that is carried is corrected before anybody is paid or owes.
/// Rules: R-MON-015.
#[test]
fn a_correction_is_first_set_off_against_what_is_carried() {
    let mut world = World::furnished(12_000);
    world.agree(Action::GrantEntitlement {
        floor: FLOOR,
        holder: id(SUPPLIERS[0]),
        per_period: quantity(10),
    });
    until(&mut world, "2019-02-01");
    world.publish(month(2019, 1), 0).expect("published");
    world.settle(FLOOR, month(2019, 1)).expect("settled");
    let has = |world: &World| {
        let id = id(SUPPLIERS[0]);
        (units(world, Account::Participant(id)), units(world, Account::Claims(id)))
    };
    assert_eq!(has(&world), (2_000, 3_000));
    world.publish(month(2019, 1), 200).expect("revised");
    world.settle(FLOOR, month(2019, 1)).expect("settled");
    assert_eq!(has(&world), (2_000, 1_000));
    world.publish(month(2019, 1), 400).expect("revised");
    world.settle(FLOOR, month(2019, 1)).expect("settled");
    // 1,000 were due: the claim is gone, and what was paid too much was set off against the balance and is free again.
    assert_eq!(has(&world), (1_000, 0));
    assert_eq!(units(&world, Account::ProgrammeFree(PROGRAMME)), 1_000);
    assert!(world.exchange.is_conserved());
}

/// Rules: R-MON-005.
#[test]
fn what_nobody_knows_waits_in_suspense() {
    let mut world = World::furnished(1);
    world.agree(Action::TakePayment { participant: None, amount: dollars(700) });
    assert_eq!(units(&world, Account::Suspense), 700);
    let attribute = |units| Action::AttributePayment { participant: id(BUYERS[0]), amount: dollars(units) };
    assert_eq!(world.try_agree(attribute(701)), Err(Reject::BalanceShort { short: dollars(1) }));
    world.agree(attribute(500));
    world.agree(Action::PayOut { participant: None, amount: dollars(200) });
    assert_eq!(
        (units(&world, Account::Suspense), units(&world, Account::Participant(id(BUYERS[0])))),
        (0, 500)
    );
}

/// One operator stops a participant at once; it takes two to let it take part again.
/// Rules: R-AUC-023, R-MON-047.
#[test]
fn one_operator_stops_a_participant_and_its_bids() {
    let mut world = World::open(100_000);
    let bid = world.bid(BUYERS[0], CALL, buy(500, 10)).expect("accepted");
    world.bid(BUYERS[1], CALL, buy(500, 10)).expect("accepted");
    let halt = Command::Halt { participant: id(BUYERS[0]) };
    assert_eq!(world.send(BUYERS[1], halt.clone()), Err(Reject::NotPermitted));
    let before = world.events.len();
    world.send(OPERATORS[1], halt).expect("stopped");
    assert_eq!(told(&world, before), ["withdrawn"]);
    assert!(matches!(world.events.last(), Some(Event::BidWithdrawn { bid: gone, .. }) if *gone == bid));
    assert_eq!(world.bid(BUYERS[0], CALL, buy(500, 1)), Err(Reject::ParticipantSuspended));
    let centre = Command::Halt { participant: ParticipantId(1) };
    assert_eq!(world.send(OPERATORS[0], centre), Err(Reject::LastOperators));
    world.agree(Action::SetStanding { participant: id(BUYERS[0]), standing: Standing::Active });
    world.bid(BUYERS[0], CALL, buy(500, 1)).expect("accepted");
    world.send(BUYERS[0], Command::WithdrawAll).expect("withdrawn");
    world.send(BUYERS[0], Command::WithdrawAll).expect("there is nothing to withdraw, and that is no error");
}

/// A lost line takes with it what its identity has bid, and nothing of a colleague's.
/// Rules: R-AUC-024.
#[test]
fn a_lost_line_withdraws_its_own_identitys_bids_alone() {
    let mut world = World::open(100_000);
    let colleague = IdentityId(77);
    world.agree(Action::AddIdentity { identity: colleague, participant: id(BUYERS[0]) });
    let own = [500, 490].map(|price| world.bid(BUYERS[0], CALL, buy(price, 10)).expect("accepted"));
    world.bid(colleague, CALL, buy(480, 10)).expect("accepted");
    world.bid(BUYERS[1], CALL, buy(470, 10)).expect("accepted");
    let before = world.events.len();
    let lost = Command::LineLost { identity: BUYERS[0] };
    assert_eq!(world.send(BUYERS[0], lost.clone()), Err(Reject::SystemOnly));
    let lost_line = Event::LineLost { identity: BUYERS[0], participant: id(BUYERS[0]) };
    world.send(IdentityId::SYSTEM, lost.clone()).expect("withdrawn");
    let withdrawn = own.map(|bid| Event::BidWithdrawn { auction: CALL, bid, participant: id(BUYERS[0]) });
    let [first, second] = withdrawn;
    assert_eq!(world.events[before..], [lost_line.clone(), first, second]);
    // Nobody else learns that there were bids, not even that the line was lost.
    for event in &world.events[before..] {
        assert!(!event.is_shown_to(id(BUYERS[1]), false) && !event.is_shown_to(ParticipantId(1), true));
    }
    world.send(IdentityId::SYSTEM, lost).expect("there is nothing left to withdraw");
    assert_eq!(world.events.last(), Some(&lost_line));
    let unknown = IdentityId(98);
    let refused = world.send(IdentityId::SYSTEM, Command::LineLost { identity: unknown });
    assert_eq!(refused, Err(Reject::UnknownIdentity { identity: unknown }));
}

/// What is held for a bid says how much is bid: nobody else is told, the operator included.
/// Rules: R-AUC-026.
#[test]
fn a_bonds_posting_is_for_its_owner_alone() {
    let mut world = World::open(100_000);
    world.open_stack();
    let before = world.events.len();
    let details =
        golv_engine::auction::BidDetails { technology: Some(0), quality: quantity(1), ..Default::default() };
    let bid = golv_engine::command::NewBid { details: Some(details), ..sell(450, 10) };
    world.bid(SUPPLIERS[0], STACK, bid).expect("accepted");
    let posted = world.events[before..].iter().find(|event| matches!(event, Event::Posted { .. }));
    let posted = posted.expect("a bond is held");
    assert!(matches!(posted, Event::Posted { cause: Cause::Bond(of), .. } if *of == id(SUPPLIERS[0])));
    assert_eq!(posted.audience(), Audience::Participant(id(SUPPLIERS[0])));
}

fn stock_rule() -> StockRule {
    StockRule {
        buys_at: price(400),
        holds_most: quantity(60),
        releases_at: price(520),
        releases_most: quantity(30),
    }
}

fn with_stock(world: &mut World, auction: AuctionId, order: StockOrder) -> Result<(), Reject> {
    let opens_at = world.now.plus_seconds(1).expect("fits");
    let closes_at = world.now.plus_seconds(60).expect("fits");
    let kind = AuctionKind::Call { market: MARKET, stock: Some(order) };
    let cascade = vec![Criterion::MostVolume, Criterion::LeastSurplus, Criterion::Lowest];
    let floor = Some(order.price).filter(|_| order.side == Side::Buy);
    let rule = Rule { floor, ..Rule::new(Candidates::Ticks, cascade, Allocation::ProRata) };
    let terms = AuctionTerms { rule: rule.into(), ..terms(kind, opens_at, closes_at) };
    world.try_agree(Action::AnnounceAuction { auction, terms })?;
    world.wait(1);
    Ok(())
}

fn finish(world: &mut World, auction: AuctionId) {
    world.wait(60);
    world.send(OPERATORS[0], Command::ClearAuction { auction, secret: None }).expect("cleared");
    world.wait(hours(24));
}

/// Nobody trades below the floor; what is left there the programme buys, last, within its volume and budget; and when prices are
/// high it releases, at its own price or above, and is paid after all sellers.
/// Rules: R-MON-021, R-MON-038, R-MON-039, R-MON-040, R-MON-041.
#[test]
fn a_stock_is_bought_at_the_floor_and_released_when_prices_are_high() {
    let mut world = World::furnished(20_000);
    let order = |side, at, lots| StockOrder {
        programme: PROGRAMME,
        side,
        price: price(at),
        quantity: quantity(lots),
        budget: None,
    };
    let (first, second) = (AuctionId(21), AuctionId(22));
    assert_eq!(
        with_stock(&mut world, first, order(Side::Buy, 400, 30)),
        Err(Reject::StockTerms),
        "no rule yet"
    );
    world.agree(Action::SetStockRule { programme: PROGRAMME, market: MARKET, rule: stock_rule() });
    for wrong in [order(Side::Buy, 410, 30), order(Side::Buy, 400, 61), order(Side::Sell, 520, 1)] {
        assert_eq!(with_stock(&mut world, first, wrong), Err(Reject::StockTerms), "{wrong:?}");
    }
    let budget = "9000".parse().ok();
    with_stock(&mut world, first, StockOrder { budget, ..order(Side::Buy, 400, 30) }).expect("announced");
    // 22 t of 400 are within 9,000.
    assert_eq!(units(&world, Account::ProgrammeReserved(PROGRAMME)), 8_800);
    world.bid(SUPPLIERS[0], first, sell(350, 20)).expect("accepted");
    world.bid(SUPPLIERS[1], first, sell(390, 20)).expect("accepted");
    world.bid(BUYERS[0], first, buy(400, 10)).expect("accepted");
    world.bid(BUYERS[1], first, buy(380, 10)).expect("accepted");
    finish(&mut world, first);
    // 10 go to the buyer at the floor, 22 into stock, and 8 stay unsold; the buyer below the floor gets nothing.
    assert_eq!(units(&world, Account::Stock(PROGRAMME)), 8_800);
    assert_eq!(units(&world, Account::Participant(id(BUYERS[0]))), -4_000);
    assert_eq!(units(&world, Account::ProgrammeFree(PROGRAMME)), 20_000 - 8_800);
    // What the programme pays is there at once.
    let sellers = [SUPPLIERS[0], SUPPLIERS[1]].map(|seller| units(&world, Account::Participant(id(seller))));
    assert_eq!(sellers.iter().sum::<i128>(), 8_800);
    pay(&mut world, BUYERS[0], 4_000);

    assert_eq!(
        with_stock(&mut world, second, order(Side::Sell, 520, 23)),
        Err(Reject::StockTerms),
        "it has 22"
    );
    assert_eq!(
        with_stock(&mut world, second, order(Side::Sell, 510, 5)),
        Err(Reject::StockTerms),
        "too cheap"
    );
    with_stock(&mut world, second, order(Side::Sell, 520, 20)).expect("announced");
    world.bid(BUYERS[0], second, buy(600, 25)).expect("accepted");
    world.bid(SUPPLIERS[0], second, sell(500, 10)).expect("accepted");
    finish(&mut world, second);
    // 10 from the supplier and, last, 15 from stock, at 520.
    assert_eq!(units(&world, Account::Participant(id(BUYERS[0]))), -13_000);
    assert_eq!(units(&world, Account::Stock(PROGRAMME)), 8_800 - 6_000);
    assert_eq!(units(&world, Account::Receivable(PROGRAMME)), 7_800);
    let free = units(&world, Account::ProgrammeFree(PROGRAMME));
    pay(&mut world, BUYERS[0], 5_200);
    assert_eq!(units(&world, Account::ProgrammeFree(PROGRAMME)), free, "sellers are paid first");
    pay(&mut world, BUYERS[0], 5_000);
    pay(&mut world, BUYERS[0], 2_800);
    assert_eq!(
        units(&world, Account::ProgrammeFree(PROGRAMME)),
        free + 6_000,
        "the cost is free again, once"
    );
    assert_eq!(units(&world, Account::Proceeds(PROGRAMME)), 1_800);
    assert!(world.exchange.is_conserved());
}

/// A market's amounts stay within what can be paid, however many bid.
/// Rules: R-AUC-022.
#[test]
fn a_book_takes_no_more_than_can_be_paid() {
    let mut world = World::furnished(1);
    let units = golv_engine::num::Price::from_units;
    let dear = Market {
        highest: units(1_000_000_000).expect("fits"),
        tick: units(1_000_000).expect("fits"),
        largest: quantity(2_000),
        ..market()
    };
    world.agree(Action::DefineMarket { market: MarketId(2), terms: dear });
    let (opens_at, closes_at) = (world.now.plus_seconds(1), world.now.plus_seconds(60));
    let kind = AuctionKind::Call { market: MarketId(2), stock: None };
    let rule =
        Rule::new(Candidates::Ticks, vec![Criterion::MostVolume, Criterion::Lowest], Allocation::PriceTime);
    let terms = terms(kind, opens_at.expect("fits"), closes_at.expect("fits"));
    let terms = AuctionTerms { rule: rule.into(), ..terms };
    world.agree(Action::AnnounceAuction { auction: CALL, terms });
    world.wait(1);
    let bid = world.bid(BUYERS[0], CALL, buy(1_000_000, 2_000)).expect("accepted");
    assert_eq!(world.bid(BUYERS[1], CALL, buy(1_000_000, 2_000)), Err(Reject::BookFull));
    // A bid that replaces another comes instead of it.
    let replaced = |price_new, quantity_new| Command::ReplaceBid {
        auction: CALL,
        bid,
        price: Some(price(price_new)),
        quantity: quantity(quantity_new),
    };
    world.send(BUYERS[0], replaced(2_000_000, 2_000)).expect("replaced");
    world.send(BUYERS[0], replaced(2_000_000, 1_900)).expect("replaced");
}
