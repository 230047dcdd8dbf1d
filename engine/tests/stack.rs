//! Support auctions whose offers stand in a stack: from the announcement over awards, acceptance and the reserve list to
//! the entitlements, with what is held as bonds on the way.

use std::num::NonZeroU32;

use crate::common::*;
use golv_engine::auction::{
    AuctionKind, AuctionResult, AuctionTerms, AwardOffer, BidDetails, Refusal, StackTerms, WinningLimit,
};
use golv_engine::cfd::Entitlement;
use golv_engine::clearing::Payment;
use golv_engine::command::{Action, Command, NewBid};
use golv_engine::event::Event;
use golv_engine::id::{BidId, IdentityId, ParticipantId};
use golv_engine::ledger::Account;
use golv_engine::num::{Currency, Money, Quantity};
use golv_engine::reject::Reject;
use golv_engine::support::{
    Breach, Constraint, Each, Limit, Most, OfferFault, Size, SupportRule, SupportRuleFault, Technology, Ties,
};
use golv_engine::time::Instant;

/// Offers are skipped that do not fit; each winner has its own strike.
fn stack_rule() -> SupportRule {
    SupportRule {
        payment: Payment::OwnPrice,
        technologies: Vec::new(),
        limits: Vec::new(),
        ..crate::common::stack().rule
    }
}

fn stack(rule: SupportRule) -> StackTerms {
    StackTerms { rule, budget: None, bond: None, acceptance_seconds: None }
}

/// A bond of 10 a unit, and an hour to accept.
fn with_bond(rule: SupportRule) -> StackTerms {
    StackTerms { bond: Some(price(10)), acceptance_seconds: NonZeroU32::new(hours(1)), ..stack(rule) }
}

/// With a stack for 60 a month that is open for an hour.
fn open(terms: StackTerms) -> World {
    opened(World::furnished(1_000_000), terms)
}

fn opened(mut world: World, terms: StackTerms) -> World {
    world.agree(announce(&world, terms));
    world.wait(10);
    world
}

fn announce(world: &World, stack: StackTerms) -> Action {
    let (opens_at, closes_at) = (world.now.plus_seconds(10), world.now.plus_seconds(hours(1)));
    let kind = AuctionKind::Support { floor: FLOOR, per_period: quantity(60) };
    let terms = terms(kind, opens_at.expect("fits"), closes_at.expect("fits"));
    Action::AnnounceAuction { auction: SUPPORT, terms: AuctionTerms { rule: stack.into(), ..terms } }
}

fn deposit(world: &mut World, supplier: IdentityId, units: i64) {
    let participant = ParticipantId(supplier.0);
    world.agree(Action::DepositCollateral { participant, amount: dollars(units) });
}

fn clear(world: &mut World) -> AuctionResult {
    world.wait(hours(1));
    world.send(OPERATORS[0], Command::ClearAuction { auction: SUPPORT, secret: None }).expect("cleared");
    let result = world.events.iter().find_map(|event| match event {
        Event::AuctionCleared { result, .. } => Some(result.clone()),
        _ => None,
    });
    assert!(world.exchange.is_conserved());
    result.expect("it was cleared")
}

/// Supplier, quantity a period and strike of each entitlement.
fn granted(world: &World) -> Vec<(ParticipantId, Quantity, String)> {
    let grants = world.events.iter().filter_map(|event| match event {
        Event::EntitlementGranted { terms: Entitlement { holder, strike, per_period, .. }, .. } => {
            Some((*holder, *per_period, strike.to_string()))
        }
        _ => None,
    });
    grants.collect()
}

fn grant(supplier: IdentityId, per_period: u32, strike: &str) -> (ParticipantId, Quantity, String) {
    (ParticipantId(supplier.0), quantity(per_period), strike.to_owned())
}

fn held(world: &World, supplier: IdentityId) -> [i128; 2] {
    let participant = ParticipantId(supplier.0);
    let accounts = [Account::Collateral(participant), Account::Bonds(participant)];
    accounts.map(|account| world.exchange.ledger().balance(Currency::Usd, account) / 1_000_000)
}

fn offered(world: &World) -> Vec<Vec<AwardOffer>> {
    let offers = world.events.iter().filter_map(|event| match event {
        Event::AwardsOffered { awards, .. } => Some(awards.clone()),
        _ => None,
    });
    offers.collect()
}

fn accept(world: &mut World, bid: BidId) -> Result<(), Reject> {
    world.send(bid.identity, Command::AcceptAward { auction: SUPPORT, bid }).map(drop)
}

/// Rules: R-AUC-030, R-AUC-069.
#[test]
fn a_stack_is_awarded_by_volume() {
    let mut world = open(stack(stack_rule()));
    world.bid(SUPPLIERS[0], SUPPORT, sell(450, 40)).expect("accepted");
    world.bid(SUPPLIERS[1], SUPPORT, sell(400, 40)).expect("accepted");
    let third = world.bid(SUPPLIERS[2], SUPPORT, sell(480, 10)).expect("accepted");
    let result = clear(&mut world);
    assert_eq!((result.volume(), result.price()), (quantity(60), None));
    // (400 − 300) × 40 × 6 months and (450 − 300) × 20 × 6 months.
    assert_eq!(result.reserved, Some(dollars(24_000 + 18_000)));
    let result = result.stack.expect("a stack");
    let [partly, lost] = &result.refused[..] else { panic!("two get no more: {result:?}") };
    let over = |lots| vec![Breach { constraint: Constraint::Limit(0), over: Size::Quantity(quantity(lots)) }];
    assert_eq!(
        (partly.reason.clone(), lost.reason.clone()),
        (Refusal::Limited(over(1)), Refusal::Limited(over(1)))
    );
    assert_eq!((lost.bid, lost.winning_limit), (third, WinningLimit::At(price(440))));
    assert_eq!(result.limits[0].name.as_str(), "the auction's volume");
    world.wait(hours(24));
    assert_eq!(granted(&world), [grant(SUPPLIERS[0], 20, "450"), grant(SUPPLIERS[1], 40, "400")]);
    assert!(world.exchange.is_conserved());
}

/// The budget is what is reserved at the announcement, and what is reserved for the awards never exceeds it.
/// Rules: R-AUC-007, R-AUC-067, R-AUC-069.
#[test]
fn a_stack_is_awarded_by_budget() {
    let terms = StackTerms { budget: "30000".parse().ok(), ..stack(stack_rule()) };
    let mut world = World::furnished(30_000);
    world.agree(announce(&world, terms));
    world.wait(10);
    world.bid(SUPPLIERS[0], SUPPORT, sell(450, 40)).expect("accepted");
    world.bid(SUPPLIERS[1], SUPPORT, sell(400, 40)).expect("accepted");
    let result = clear(&mut world);
    // 24,000 go to the offer at 400; the rest is for 6 units at 450: (450 − 300) × 6 × 6 = 5,400.
    assert_eq!(result.reserved, Some(dollars(29_400)));
    let refused = &result.stack.expect("a stack").refused;
    let over = Size::Money("300".parse().expect("an amount"));
    assert_eq!(refused[0].reason, Refusal::Limited(vec![Breach { constraint: Constraint::Limit(1), over }]));
    world.wait(hours(24));
    assert_eq!(granted(&world), [grant(SUPPLIERS[0], 6, "450"), grant(SUPPLIERS[1], 40, "400")]);
    assert!(world.exchange.is_conserved());
}

/// One price, technologies with ceilings and premia, and offers of a unit that exclude each other.
/// Rules: R-AUC-065, R-AUC-072.
#[test]
fn offers_say_what_they_are() {
    let technology = |name: &str, ceiling, premium| Technology {
        name: name.parse().expect("a name"),
        pot: None,
        ceiling: Some(price(ceiling)),
        premium: Some(price(premium)),
    };
    let mut rule = stack_rule();
    rule.payment = Payment::OnePrice;
    rule.technologies = vec![technology("mine", 450, 0), technology("recycling", 480, 20)];
    let mut world = open(stack(rule));
    let offer = |units, lots, technology, unit| NewBid {
        details: Some(BidDetails { technology: Some(technology), unit, ..BidDetails::default() }),
        ..sell(units, lots)
    };
    let above = world.bid(SUPPLIERS[0], SUPPORT, offer(460, 10, 0, None));
    assert_eq!(above, Err(Reject::StrikeAboveCeiling { ceiling: price(450) }));
    let unknown = world.bid(SUPPLIERS[0], SUPPORT, offer(400, 10, 2, None));
    assert_eq!(unknown, Err(Reject::OfferNotTaken { fault: OfferFault::Technology }));
    let unsaid = world.bid(SUPPLIERS[0], SUPPORT, sell(400, 10));
    assert_eq!(unsaid, Err(Reject::OfferNotTaken { fault: OfferFault::Technology }));
    world.bid(SUPPLIERS[0], SUPPORT, offer(430, 30, 0, Some(1))).expect("accepted");
    world.bid(SUPPLIERS[0], SUPPORT, offer(440, 20, 0, Some(1))).expect("accepted");
    // Another's unit 1 is another unit.
    world.bid(SUPPLIERS[1], SUPPORT, offer(460, 20, 1, Some(1))).expect("accepted");
    let result = clear(&mut world);
    let stack = result.stack.clone().expect("a stack");
    assert_eq!(stack.clearing[0].score, Some(price(440)));
    assert_eq!(stack.refused.iter().map(|one| one.reason.clone()).collect::<Vec<_>>(), [Refusal::Excluded]);
    world.wait(hours(24));
    assert_eq!(granted(&world), [grant(SUPPLIERS[0], 30, "440"), grant(SUPPLIERS[1], 20, "460")]);
}

/// Rules: R-AUC-081, R-AUC-082, R-MON-003, R-MON-028.
#[test]
fn a_bond_is_held_while_an_offer_stands() {
    let mut world = open(with_bond(stack_rule()));
    let short = world.bid(SUPPLIERS[0], SUPPORT, sell(400, 40));
    assert_eq!(short, Err(Reject::BondShort { short: dollars(400) }));
    deposit(&mut world, SUPPLIERS[0], 500);
    let bid = world.bid(SUPPLIERS[0], SUPPORT, sell(400, 40)).expect("accepted");
    assert_eq!(held(&world, SUPPLIERS[0]), [100, 400]);
    let (auction, participant) = (SUPPORT, ParticipantId(SUPPLIERS[0].0));
    let replace =
        |lots| Command::ReplaceBid { auction, bid, price: Some(price(400)), quantity: quantity(lots) };
    world.send(SUPPLIERS[0], replace(50)).expect("replaced");
    assert_eq!(held(&world, SUPPLIERS[0]), [0, 500]);
    let short = world.send(SUPPLIERS[0], replace(51));
    assert_eq!(short, Err(Reject::BondShort { short: dollars(10) }));
    let back = Action::ReturnCollateral { participant, amount: dollars(1) };
    assert_eq!(world.try_agree(back), Err(Reject::CollateralShort { short: dollars(1) }));
    world.send(SUPPLIERS[0], replace(10)).expect("replaced");
    assert_eq!(held(&world, SUPPLIERS[0]), [400, 100]);
    world.send(SUPPLIERS[0], Command::WithdrawBid { auction, bid }).expect("withdrawn");
    assert_eq!(held(&world, SUPPLIERS[0]), [500, 0]);
    world.bid(SUPPLIERS[0], SUPPORT, sell(400, 40)).expect("accepted");
    world.agree(Action::CancelAuction { auction });
    assert_eq!(held(&world, SUPPLIERS[0]), [500, 0]);
    world.agree(Action::ReturnCollateral { participant, amount: dollars(500) });
    assert_eq!(held(&world, SUPPLIERS[0]), [0, 0]);
    let none = Money { millionths: 0, ..dollars(0) };
    let nothing = Action::DepositCollateral { participant, amount: none };
    assert_eq!(world.try_agree(nothing), Err(Reject::AmountNotPayable));
    assert!(world.exchange.is_conserved());
}

/// Who is silent forfeits its bond, and what comes free goes down the reserve list at each one's own strike.
/// Rules: R-AUC-082, R-AUC-083, R-AUC-084, R-AUC-085, R-AUC-086.
#[test]
fn what_is_not_accepted_goes_down_the_reserve_list() {
    let mut world = open(with_bond(stack_rule()));
    SUPPLIERS.iter().for_each(|&supplier| deposit(&mut world, supplier, 1_000));
    let first = world.bid(SUPPLIERS[0], SUPPORT, sell(400, 40)).expect("accepted");
    let second = world.bid(SUPPLIERS[1], SUPPORT, sell(420, 20)).expect("accepted");
    let third = world.bid(SUPPLIERS[2], SUPPORT, sell(450, 30)).expect("accepted");
    clear(&mut world);
    assert_eq!(accept(&mut world, first), Err(Reject::NoAwardOffered { bid: first }));
    world.wait(hours(24));
    let [round] = &offered(&world)[..] else { panic!("one round") };
    assert_eq!(round.iter().map(|award| award.bid).collect::<Vec<_>>(), [first, second]);
    assert!(granted(&world).is_empty());

    accept(&mut world, second).expect("accepted");
    assert_eq!(accept(&mut world, second), Err(Reject::NoAwardOffered { bid: second }));
    assert_eq!(accept(&mut world, third), Err(Reject::NoAwardOffered { bid: third }));
    let other = world.send(SUPPLIERS[1], Command::AcceptAward { auction: SUPPORT, bid: first });
    assert_eq!(other, Err(Reject::NoAwardOffered { bid: first }));

    // The first is silent.
    world.wait(hours(1));
    let [_, round] = &offered(&world)[..] else { panic!("two rounds") };
    let [called] = round[..] else { panic!("one is called: {round:?}") };
    assert_eq!((called.bid, called.quantity, called.price), (third, quantity(30), price(450)));
    assert!(called.from_reserve);
    assert_eq!(held(&world, SUPPLIERS[0]), [600, 0]);
    let forfeited = world.exchange.ledger().balance(Currency::Usd, Account::Proceeds(PROGRAMME));
    assert_eq!(forfeited, 400_000_000);

    accept(&mut world, third).expect("accepted");
    world.wait(hours(1));
    assert_eq!(granted(&world), [grant(SUPPLIERS[1], 20, "420"), grant(SUPPLIERS[2], 30, "450")]);
    assert_eq!([held(&world, SUPPLIERS[1]), held(&world, SUPPLIERS[2])], [[1_000, 0], [1_000, 0]]);
    assert!(world.exchange.is_conserved());
    let again = accept(&mut world, third);
    assert_eq!(again, Err(Reject::NoAwardOffered { bid: third }));
}

/// Where the exchange stood still, winners and those who are called after them have all of their time from when it goes on.
/// Rules: R-AUC-083.
#[test]
fn nobody_is_asked_in_the_past() {
    let mut world = opened(World::live(1_000_000), with_bond(stack_rule()));
    SUPPLIERS.iter().for_each(|&supplier| deposit(&mut world, supplier, 1_000));
    let first = world.bid(SUPPLIERS[0], SUPPORT, sell(400, 60)).expect("accepted");
    let second = world.bid(SUPPLIERS[1], SUPPORT, sell(420, 60)).expect("accepted");
    clear(&mut world);
    // It was to be final after a day, and to be accepted within an hour.
    world.wait(hours(72));
    let until = |world: &World| match world.last() {
        Some(Event::AwardsOffered { until, .. }) => *until,
        other => panic!("somebody is asked: {other:?}"),
    };
    assert_eq!(Some(until(&world)), world.now.plus_seconds(hours(1)));
    assert_eq!(held(&world, SUPPLIERS[0]), [400, 600], "nobody has forfeited anything");
    world.send(SUPPLIERS[0], Command::DeclineAward { auction: SUPPORT, bid: first }).expect("declined");
    world.wait(hours(72));
    assert_eq!(Some(until(&world)), world.now.plus_seconds(hours(1)));
    accept(&mut world, second).expect("accepted");
}

/// An auction whose awards could begin no period any more is not announced, nor cleared so late.
/// Rules: R-CFD-025.
#[test]
fn an_auction_that_can_grant_nothing_is_refused() {
    let mut world = World::furnished(1_000_000);
    let june = Instant::at_midnight(2019, 6, 1).expect("a day");
    let closes_before = |seconds: u32| june.0 - i64::from(seconds) * 1_000_000_000;
    let opens_at = world.now.plus_seconds(10).expect("fits");
    let kind = AuctionKind::Support { floor: FLOOR, per_period: quantity(60) };
    let announced = |stack: StackTerms, closes_at| {
        let terms = terms(kind, opens_at, closes_at);
        Action::AnnounceAuction { auction: SUPPORT, terms: AuctionTerms { rule: stack.into(), ..terms } }
    };
    // Final a day after it closes, and accepted an hour later: in June nothing is left that has not begun.
    let late = announced(stack(stack_rule()), Instant(closes_before(hours(24))));
    assert_eq!(world.try_agree(late), Err(Reject::FloorOver));
    let accepted_late = announced(with_bond(stack_rule()), Instant(closes_before(hours(25))));
    assert_eq!(world.try_agree(accepted_late), Err(Reject::FloorOver));
    world.agree(announced(stack(stack_rule()), Instant(closes_before(hours(25)))));
    world.wait(10);
    world.bid(SUPPLIERS[0], SUPPORT, sell(400, 40)).expect("accepted");
    world.send(OPERATORS[0], Command::SetClock { to: june }).expect("time goes forward");
    let cleared = world.send(OPERATORS[0], Command::ClearAuction { auction: SUPPORT, secret: None });
    assert_eq!(cleared, Err(Reject::FloorOver));
    world.agree(Action::CancelAuction { auction: SUPPORT });
    assert!(world.exchange.is_conserved());
}

/// What an auction's budget is counted by, and what its awards reserve, is one price from the announcement to the end.
/// Rules: R-AUC-007, R-AUC-069.
#[test]
fn a_stress_price_stands_while_an_auction_is_not_final() {
    let mut world = World::furnished(1_000_000);
    let stress = |units| Action::SetStressPrice { floor: FLOOR, price: price(units) };
    world.agree(stress(200));
    let budget = "40000".parse().ok();
    world.agree(announce(&world, StackTerms { budget, ..stack(stack_rule()) }));
    world.wait(10);
    world.bid(SUPPLIERS[0], SUPPORT, sell(400, 40)).expect("accepted");
    assert_eq!(world.try_agree(stress(100)), Err(Reject::FloorPrice));
    let result = clear(&mut world);
    // (400 − 200) × 33 × 6 months: a thirty-fourth would be 40,800.
    assert_eq!((result.volume(), result.reserved), (quantity(33), Some(dollars(39_600))));
    assert_eq!(world.try_agree(stress(100)), Err(Reject::FloorPrice));
    world.wait(hours(24));
    assert_eq!(granted(&world), [grant(SUPPLIERS[0], 33, "400")]);
    world.agree(stress(100));
    assert!(world.exchange.is_conserved());
}

/// Times that are out of the reach of an instant are refused at the announcement.
/// Rules: R-AUC-003.
#[test]
fn all_of_an_auctions_times_are_in_reach() {
    let mut world = World::furnished(1_000_000);
    let end = Instant(i64::MAX - i64::from(hours(24)) * 1_000_000_000);
    let opens_at = world.now.plus_seconds(10).expect("fits");
    let kind = AuctionKind::Purchase {
        programme: PROGRAMME,
        market: MARKET,
        quantity: quantity(10),
        worst_sale: price(100),
    };
    let announced = |stack: StackTerms| {
        let terms = AuctionTerms { rule: stack.into(), ..terms(kind, opens_at, end) };
        Action::AnnounceAuction { auction: SUPPORT, terms }
    };
    let asks = StackTerms { bond: None, ..with_bond(stack_rule()) };
    assert_eq!(world.try_agree(announced(asks)), Err(Reject::AuctionTimes { now: world.now }));
    world.agree(announced(stack(stack_rule())));
}

/// Whoever was only called from the reserve list loses nothing by declining.
/// Rules: R-AUC-085.
#[test]
fn a_reserve_that_declines_keeps_its_bond() {
    let mut world = open(with_bond(stack_rule()));
    SUPPLIERS.iter().for_each(|&supplier| deposit(&mut world, supplier, 1_000));
    let first = world.bid(SUPPLIERS[0], SUPPORT, sell(400, 60)).expect("accepted");
    let second = world.bid(SUPPLIERS[1], SUPPORT, sell(450, 30)).expect("accepted");
    clear(&mut world);
    world.wait(hours(24));
    world.send(SUPPLIERS[0], Command::DeclineAward { auction: SUPPORT, bid: first }).expect("declined");
    assert_eq!(held(&world, SUPPLIERS[0]), [400, 0]);
    world.wait(hours(1));
    world.send(SUPPLIERS[1], Command::DeclineAward { auction: SUPPORT, bid: second }).expect("declined");
    world.wait(hours(1));
    assert!(granted(&world).is_empty());
    assert_eq!(held(&world, SUPPLIERS[1]), [1_000, 0]);
    // What the auction had reserved is free again.
    let free = world.exchange.ledger().balance(Currency::Usd, Account::ProgrammeFree(PROGRAMME));
    assert_eq!(free, i128::from(dollars(1_000_000).millionths));
    assert!(matches!(world.last(), Some(Event::AuctionFinalised { .. })));
    assert!(world.exchange.is_conserved());
}

/// Everybody is shown the limits, and of the offers its own.
/// Rules: R-AUC-028.
#[test]
fn refusals_and_awards_are_private() {
    let mut world = open(with_bond(stack_rule()));
    SUPPLIERS.iter().for_each(|&supplier| deposit(&mut world, supplier, 1_000));
    world.bid(SUPPLIERS[0], SUPPORT, sell(400, 60)).expect("accepted");
    let second = world.bid(SUPPLIERS[1], SUPPORT, sell(450, 30)).expect("accepted");
    clear(&mut world);
    world.wait(hours(24));
    let [winner, loser] = [SUPPLIERS[0], SUPPLIERS[1]].map(|supplier| ParticipantId(supplier.0));
    for event in &world.events {
        match event.shown_to(loser, false) {
            Some(Event::AuctionCleared { result, .. }) => {
                assert!(result.fills.is_empty());
                let stack = result.stack.expect("a stack");
                assert_eq!(stack.refused.iter().map(|one| one.bid).collect::<Vec<_>>(), [second]);
                assert_eq!(stack.totals.quantity, quantity(60));
            }
            Some(Event::AwardsOffered { awards, .. }) => assert!(awards.is_empty()),
            _ => {}
        }
        if let Some(Event::AwardsOffered { awards, .. }) = event.shown_to(winner, false) {
            assert_eq!(awards.len(), 1);
        }
    }
}

/// What would have won is worked out by awarding the auction again and again: in a long stack it is not.
/// Rules: R-AUC-030.
#[test]
fn of_a_long_stack_nobody_is_told_what_would_have_won() {
    for (offers, is_told) in [(70, true), (201, false)] {
        let mut world = open(stack(stack_rule()));
        for _ in 0..offers {
            world.bid(SUPPLIERS[0], SUPPORT, sell(450, 1)).expect("accepted");
        }
        let refused = clear(&mut world).stack.expect("a stack").refused;
        assert_eq!(refused.len(), offers - 60);
        let is_not = |one: &golv_engine::auction::Refused| one.winning_limit == WinningLimit::NotLookedFor;
        assert!(refused.iter().all(|one| is_not(one) != is_told));
    }
}

/// Rules: R-AUC-004, R-AUC-008, R-AUC-010, R-AUC-020.
#[test]
fn terms_that_make_no_stack_are_refused() {
    let mut world = World::furnished(1_000_000);
    let mut refused = |terms: StackTerms| {
        let announce = announce(&world, terms);
        world.try_agree(announce)
    };
    let named_volume = SupportRule {
        limits: vec![Limit {
            name: "the auction's volume".parse().expect("a name"),
            each: Each::All,
            technologies: Vec::new(),
            years: None,
            most: Most::Quantity(quantity(1)),
        }],
        ..stack_rule()
    };
    let fault = SupportRuleFault::NameTwice;
    assert_eq!(refused(stack(named_volume)), Err(Reject::SupportRule { fault }));
    let periods = SupportRule { periods: NonZeroU32::new(2), ..stack_rule() };
    let off_grid = Err(Reject::RuleOffGrid { tick: price(10), lot: quantity(1) });
    assert_eq!(refused(stack(periods)), off_grid);
    assert_eq!(refused(StackTerms { bond: Some(price(5)), ..stack(stack_rule()) }), off_grid);
    let drawn = SupportRule { ties: Ties::SeededDraw, ..stack_rule() };
    assert_eq!(refused(stack(drawn)), Err(Reject::DrawCommitment));
    let nothing = StackTerms { budget: "0".parse().ok(), ..stack(stack_rule()) };
    assert_eq!(refused(nothing), Err(Reject::AmountNotPayable));
    let call = Action::AnnounceAuction {
        auction: CALL,
        terms: AuctionTerms {
            rule: stack(stack_rule()).into(),
            ..terms(
                AuctionKind::Call { market: MARKET, stock: None },
                world.now.plus_seconds(10).expect("fits"),
                world.now.plus_seconds(20).expect("fits"),
            )
        },
    };
    assert_eq!(world.try_agree(call), Err(Reject::RuleKind));
    let mut world = World::open(1_000_000);
    let detailed = NewBid { details: Some(BidDetails::default()), ..sell(500, 1) };
    assert_eq!(world.bid(SUPPLIERS[0], CALL, detailed), Err(Reject::DetailsNotTaken));
}
