//! Corners of the money, by examples: cents that go round, two notices at once, bonds in a default, amounts at the edge.

use crate::common::money::{clearing_terms, day, id, pay, under_terms, units, until, with_terms};
use crate::common::*;
use golv_engine::auction::{AuctionKind, AuctionTerms, BidDetails};
use golv_engine::book::Side;
use golv_engine::cfd::{ContractTerms, Payoff, Upside};
use golv_engine::clearing::{Allocation, Candidates, Criterion, Rule};
use golv_engine::command::{Action, Command, NewBid};
use golv_engine::event::Event;
use golv_engine::id::*;
use golv_engine::ledger::Account;
use golv_engine::market::{FloorTerms, Market};
use golv_engine::money::{Backing, Breach, ClearingTerms, Pot, ProgrammeTerms, StockOrder, StockRule};
use golv_engine::num::{Currency, Money, Share};
use golv_engine::participant::Role;
use golv_engine::reject::Reject;
use proptest::prelude::*;

const TWO_WAY: FloorId = FloorId(3);

fn deposit(world: &mut World, who: IdentityId, amount: i64) {
    world.agree(Action::DepositCollateral { participant: id(who), amount: dollars(amount) });
}

fn register(world: &mut World, number: u32, roles: &[Role]) -> IdentityId {
    let (identity, participant) = (IdentityId(number), ParticipantId(number));
    let name = format!("Participant {number}").parse().expect("a name");
    let roles = roles.iter().copied().collect();
    world.agree(Action::RegisterParticipant { participant, name, owner_group: OwnerGroup(number), roles });
    world.agree(Action::AddIdentity { identity, participant });
    identity
}

/// Auctions with these bids, open for five hours and final a day after.
fn auctions(world: &mut World, of: &[(AuctionId, Vec<(IdentityId, NewBid)>)]) {
    let opens_at = world.now.plus_seconds(1).expect("fits");
    let closes_at = world.now.plus_seconds(hours(5)).expect("fits");
    let kind = AuctionKind::Call { market: MARKET, stock: None };
    let rule =
        Rule::new(Candidates::Ticks, vec![Criterion::MostVolume, Criterion::Lowest], Allocation::PriceTime);
    for (auction, _) in of {
        let terms = AuctionTerms { rule: rule.clone().into(), ..terms(kind, opens_at, closes_at) };
        world.agree(Action::AnnounceAuction { auction: *auction, terms });
    }
    world.wait(1);
    for (auction, bids) in of {
        for (who, bid) in bids {
            world.bid(*who, *auction, *bid).expect("accepted");
        }
    }
    world.wait(hours(5));
    for (auction, _) in of {
        let clear = Command::ClearAuction { auction: *auction, secret: None };
        world.send(OPERATORS[0], clear).expect("cleared");
    }
    world.wait(hours(24));
}

/// Ten tonnes at 450 from the first supplier to the first buyer, who is invoiced on Saturday 29 December.
fn sale(world: &mut World) {
    auctions(world, &[(CALL, vec![(BUYERS[0], buy(500, 10)), (SUPPLIERS[0], sell(450, 10))])]);
}

fn count(world: &World, is: impl Fn(&Event) -> bool) -> usize {
    world.events.iter().filter(|event| is(event)).count()
}

fn defaults(world: &World) -> usize {
    count(world, |event| matches!(event, Event::Defaulted { .. }))
}

/// Who is called for cover of an invoice and pays the invoice has nothing left to cover.
/// Rules: R-MON-031.
#[test]
fn a_call_for_cover_of_what_was_paid_since_is_no_default() {
    let mut world =
        with_terms(ClearingTerms { debt_cover: "0.5".parse().expect("a share"), ..clearing_terms() });
    sale(&mut world);
    until(&mut world, "2018-12-30");
    assert_eq!(count(&world, |event| matches!(event, Event::NoticeServed { .. })), 1);
    pay(&mut world, BUYERS[0], 4_500);
    until(&mut world, "2019-02-01");
    assert_eq!(defaults(&world), 0, "it has paid all that it owed before it was due");
    assert_eq!(count(&world, |event| matches!(event, Event::NoticeFollowed { .. })), 1);
}

/// A notice about collateral does not hide that an invoice became late while it ran.
/// Rules: R-MON-031.
#[test]
fn an_invoice_that_becomes_late_while_collateral_is_called_is_followed_up() {
    let terms =
        ClearingTerms { debt_cover: "0.5".parse().expect("a share"), notice_days: 5, ..clearing_terms() };
    let mut world = with_terms(terms);
    sale(&mut world);
    until(&mut world, "2019-01-04");
    assert_eq!(count(&world, |event| matches!(event, Event::InvoiceLate { .. })), 1);
    deposit(&mut world, BUYERS[0], 2_250);
    until(&mut world, "2019-03-01");
    assert_eq!(defaults(&world), 1, "it never paid");
    assert_eq!(units(&world, Account::Collateral(id(BUYERS[0]))), 0);
}

/// Who did not follow a call for collateral is in default, and is not called on again, day after day.
/// Rules: R-MON-031.
#[test]
fn who_is_in_default_is_not_called_on_again() {
    let terms = ClearingTerms { debt_cover: "0.5".parse().expect("a share"), ..clearing_terms() };
    let mut world = under_terms(World::live(1_000_000), terms);
    sale(&mut world);
    let mut next = day("2018-12-31");
    while next <= day("2019-03-01") {
        until(&mut world, &next.to_string());
        next = next.next().expect("in reach");
    }
    let is_call =
        |event: &Event| matches!(event, Event::NoticeServed { breach: Breach::Collateral { .. }, .. });
    assert_eq!(count(&world, is_call), 1);
}

/// A notice runs from when it can be told: where the exchange stood still when an invoice was due, nobody is in default for it at once.
/// Rules: R-MON-029.
#[test]
fn no_notice_begins_in_the_past() {
    let mut world = under_terms(World::live(1_000_000), clearing_terms());
    sale(&mut world);
    // Due on 2 January; the exchange goes on a week later.
    until(&mut world, "2019-01-10");
    assert_eq!(count(&world, |event| matches!(event, Event::InvoiceLate { .. })), 1);
    let told = world.events.iter().find_map(|event| match event {
        Event::NoticeServed { until, .. } => Some(*until),
        _ => None,
    });
    assert_eq!(told, Some(day("2019-01-10")), "the end of the next business day");
    assert_eq!(defaults(&world), 0);
    pay(&mut world, BUYERS[0], 4_500);
    until(&mut world, "2019-02-01");
    assert_eq!(defaults(&world), 0);
}

/// One notice, one answer: who is cured by another's default on the same day is told once.
/// Rules: R-MON-029.
#[test]
fn a_notice_is_followed_once() {
    let mut world = with_terms(clearing_terms());
    let first = register(&mut world, 20, &[Role::Buyer]);
    let second = register(&mut world, 21, &[Role::Buyer, Role::Supplier]);
    deposit(&mut world, first, 4_500);
    let bids = [
        (CALL, vec![(first, buy(500, 10)), (second, sell(450, 10))]),
        (AuctionId(9), vec![(second, buy(500, 5)), (SUPPLIERS[0], sell(450, 5))]),
    ];
    auctions(&mut world, &bids);
    until(&mut world, "2019-01-10");
    assert_eq!(defaults(&world), 1);
    let followed = |event: &Event| matches!(event, Event::NoticeFollowed { participant, .. } if *participant == id(second));
    assert_eq!(count(&world, followed), 1);
}

/// A holder that owes 1,000 from 1 February on and has 400 of collateral, which it puts into a bond until 1 March; another has
/// contributed 5,000 to the default fund.
fn with_bond() -> World {
    let mut world = with_terms(clearing_terms());
    let upside = Upside { above: None, share: Share::WHOLE, annual_cap: None, condition: None };
    let payoff = Payoff { upside: Some(upside), ..Payoff::floor() };
    let contract = Box::new(ContractTerms { payoff, ..ContractTerms::monthly_floor() });
    world.agree(Action::SetFloor { floor: TWO_WAY, terms: FloorTerms { contract, ..floor_terms() } });
    let holder = id(SUPPLIERS[0]);
    world.agree(Action::GrantEntitlement { floor: TWO_WAY, holder, per_period: quantity(10) });
    deposit(&mut world, SUPPLIERS[0], 400);
    let other = Action::ContributeToDefaultFund { participant: id(BUYERS[0]), amount: dollars(5_000) };
    world.agree(other);
    until(&mut world, "2019-02-01");
    let opens_at = world.now.plus_seconds(1).expect("fits");
    let closes_at = day("2019-03-01").begins_at().expect("in reach");
    let kind = AuctionKind::Support { floor: FLOOR, per_period: quantity(60) };
    let terms = AuctionTerms { rule: stack().into(), ..terms(kind, opens_at, closes_at) };
    world.agree(Action::AnnounceAuction { auction: STACK, terms });
    world.wait(1);
    let details = BidDetails { technology: Some(0), quality: quantity(1), ..Default::default() };
    let bid = NewBid { details: Some(details), ..sell(450, 40) };
    world.bid(SUPPLIERS[0], STACK, bid).expect("accepted");
    world.publish(month(2019, 1), 600).expect("published");
    world.settle(TWO_WAY, month(2019, 1)).expect("settled");
    assert_eq!(units(&world, Account::Participant(holder)), -1_000);
    world
}

/// A defaulter's own collateral is used before others' money, whatever it was put into.
/// Rules: R-MON-032.
#[test]
fn a_bid_bond_is_no_shelter_from_the_waterfall() {
    let mut world = with_bond();
    until(&mut world, "2019-02-20");
    let uses = world.events.iter().find_map(|event| match event {
        Event::Defaulted { uses, .. } => Some(uses.clone()),
        _ => None,
    });
    let uses: Vec<_> = uses.expect("it did not pay").iter().map(|used| (used.pot, used.amount)).collect();
    assert_eq!(uses, [(Pot::Collateral, dollars(400)), (Pot::DefaultFund, dollars(600))]);
}

/// Nothing goes back to who has not made good what others paid for it.
/// Rules: R-MON-028.
#[test]
fn a_defaulter_is_given_nothing_back() {
    let mut world = with_bond();
    until(&mut world, "2019-02-20");
    deposit(&mut world, SUPPLIERS[0], 50);
    let back = Action::ReturnCollateral { participant: id(SUPPLIERS[0]), amount: dollars(50) };
    assert_eq!(world.try_agree(back.clone()), Err(Reject::InDefault));
    pay(&mut world, SUPPLIERS[0], 1_000);
    world.agree(back);
}

/// Neither does what will have to pay go back while an invoice is late.
/// Rules: R-MON-028.
#[test]
fn who_is_late_is_given_nothing_back_that_covers_it() {
    let mut world = with_terms(clearing_terms());
    deposit(&mut world, BUYERS[0], 5_000);
    world.agree(Action::ContributeToDefaultFund { participant: id(BUYERS[0]), amount: dollars(700) });
    sale(&mut world);
    until(&mut world, "2019-01-03");
    let back = |amount| Action::ReturnCollateral { participant: id(BUYERS[0]), amount: dollars(amount) };
    assert_eq!(world.try_agree(back(501)), Err(Reject::CollateralShort { short: dollars(1) }));
    world.agree(back(500));
    let back = Action::ReturnContribution { participant: id(BUYERS[0]), amount: dollars(700) };
    assert!(world.try_agree(back).is_err());
}

/// Claims are paid at once as far as there is free money, wherever that comes from.
/// Rules: R-MON-013.
#[test]
fn what_an_auction_frees_pays_the_claims_that_wait() {
    let mut world = World::furnished(14_000);
    // (500 − 300) × 10 × 6 months are reserved.
    world.agree(Action::GrantEntitlement {
        floor: FLOOR,
        holder: id(SUPPLIERS[0]),
        per_period: quantity(10),
    });
    let rule = StockRule {
        buys_at: price(400),
        holds_most: quantity(5),
        releases_at: price(520),
        releases_most: quantity(5),
    };
    world.agree(Action::SetStockRule { programme: PROGRAMME, market: MARKET, rule });
    let opens_at = day("2019-06-01").begins_at().expect("in reach");
    let closes_at = opens_at.plus_seconds(60).expect("fits");
    let order = StockOrder {
        programme: PROGRAMME,
        side: Side::Buy,
        price: price(400),
        quantity: quantity(5),
        budget: None,
    };
    let kind = AuctionKind::Call { market: MARKET, stock: Some(order) };
    let cascade = vec![Criterion::MostVolume, Criterion::Lowest];
    let rule = Rule { floor: Some(price(400)), ..Rule::new(Candidates::Ticks, cascade, Allocation::ProRata) };
    let terms = AuctionTerms { rule: rule.into(), ..terms(kind, opens_at, closes_at) };
    world.agree(Action::AnnounceAuction { auction: CALL, terms });
    until(&mut world, "2019-02-01");
    world.publish(month(2019, 1), 0).expect("published");
    world.settle(FLOOR, month(2019, 1)).expect("settled");
    let claims = Account::Claims(id(SUPPLIERS[0]));
    assert_eq!(units(&world, claims), 3_000, "5,000 less the 2,000 of the month");
    world.agree(Action::CancelAuction { auction: CALL });
    assert_eq!(units(&world, claims), 1_000, "2,000 are free now");
    assert!(world.exchange.is_conserved());
}

/// In a currency without terms everybody who has money with the centre pays at once: sellers are still paid once, and told once.
/// Rules: R-MON-022.
#[test]
fn sellers_of_an_auction_are_paid_once_where_all_buyers_have_the_money() {
    let mut world = World::furnished(1);
    let mut bids = Vec::new();
    for number in 0..20 {
        let buyer = register(&mut world, 100 + number, &[Role::Buyer]);
        let seller = register(&mut world, 200 + number, &[Role::Supplier]);
        pay(&mut world, buyer, 5_000);
        bids.push((buyer, buy(500, 10)));
        bids.push((seller, sell(450, 10)));
    }
    auctions(&mut world, &[(CALL, bids)]);
    assert_eq!(units(&world, Account::Participant(ParticipantId(219))), 4_500);
    assert_eq!(count(&world, |event| matches!(event, Event::SellersPaid { .. })), 1);
}

/// Two who owe each other in two auctions: a cent goes round and round, but not for as long as there are cents.
/// Rules: R-MON-023.
#[test]
fn a_cent_does_not_go_round_for_ever() {
    let mut world = with_terms(ClearingTerms { waterfall: Vec::new(), ..clearing_terms() });
    let one = register(&mut world, 20, &[Role::Buyer, Role::Supplier]);
    let other = register(&mut world, 21, &[Role::Buyer, Role::Supplier]);
    let bids = [
        (CALL, vec![(one, buy(500, 10)), (other, sell(450, 10))]),
        (AuctionId(9), vec![(other, buy(500, 10)), (one, sell(450, 10))]),
    ];
    auctions(&mut world, &bids);
    until(&mut world, "2019-01-03");
    let before = world.events.len();
    let cent = Money { currency: Currency::Usd, millionths: 10_000 };
    world.agree(Action::TakePayment { participant: Some(id(one)), amount: cent });
    assert!(world.events.len() - before < 1_000, "{} events for a cent", world.events.len() - before);
    // What is held up is paid later, and whoever pays all is done.
    pay(&mut world, one, 4_500);
    until(&mut world, "2019-01-05");
    for who in [one, other] {
        assert_eq!(units(&world, Account::Claims(id(who))), 0);
    }
    assert!(world.exchange.is_conserved());
}

const YEN: MarketId = MarketId(7);

/// A market in yen, with prices below zero and amounts of parts of a yen, and six who both buy and sell; a capped and a guaranteed
/// programme have stock rules.
fn in_yen(terms: bool) -> (World, Vec<IdentityId>) {
    let mut world = World::founded();
    let market = Market {
        currency: Currency::Jpy,
        lot: "0.01".parse().expect("a quantity"),
        tick: "0.01".parse().expect("a price"),
        lowest: price(-50),
        highest: price(50),
        ..market()
    };
    world.agree(Action::DefineMarket { market: YEN, terms: market });
    let who = (30..36).map(|number| register(&mut world, number, &[Role::Buyer, Role::Supplier])).collect();
    let guarantor = Backing::Guaranteed { by: "Member states".parse().expect("a name") };
    for (programme, backing) in [(ProgrammeId(1), Backing::Capped), (ProgrammeId(2), guarantor)] {
        let name: golv_engine::text::Name = "Programme".parse().expect("a name");
        let terms = ProgrammeTerms { name: name.clone(), currency: Currency::Jpy, backing };
        world.agree(Action::OpenProgramme { programme, terms });
        let amount = Money { currency: Currency::Jpy, millionths: 2_000_000_000 };
        world.agree(Action::FundProgramme { programme, funder: name, amount });
        let rule = StockRule {
            buys_at: "3.33".parse().expect("a price"),
            holds_most: quantity(200),
            releases_at: "4.47".parse().expect("a price"),
            releases_most: quantity(100),
        };
        world.agree(Action::SetStockRule { programme, market: YEN, rule });
    }
    if terms {
        let terms =
            Box::new(ClearingTerms { debt_cover: "0.3".parse().expect("a share"), ..clearing_terms() });
        world.agree(Action::SetClearingTerms { currency: Currency::Jpy, terms });
    }
    (world, who)
}

type YenAuction = (Vec<(usize, bool, i64, i64)>, Option<(bool, bool, i64)>, i64, Vec<(usize, i64)>);

fn yen_auction() -> impl Strategy<Value = YenAuction> {
    let bid = (0_usize..6, any::<bool>(), prop_oneof![-5_000_i64..5_000, 300_i64..500], 1_i64..10_000);
    let stock = prop::option::of((any::<bool>(), any::<bool>(), 1_i64..10_000));
    (
        prop::collection::vec(bid, 0..10),
        stock,
        0_i64..5,
        prop::collection::vec((0_usize..6, 1_i64..2_000), 0..6),
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Rules: R-MON-024.
    #[test]
    fn yen_are_paid_in_whole(terms in any::<bool>(), rounds in prop::collection::vec(yen_auction(), 1..8)) {
        let (mut world, who) = in_yen(terms);
        let hundredths = |number: i64| golv_engine::num::Quantity::from_millionths(number * 10_000).expect("fits");
        for (number, (bids, stock, days, pays)) in (100..).zip(rounds) {
            let auction = AuctionId(number);
            let opens_at = world.now.plus_seconds(1).expect("fits");
            let closes_at = world.now.plus_seconds(hours(5)).expect("fits");
            let stock = stock.map(|(second, buys, lots)| StockOrder {
                programme: ProgrammeId(if second { 2 } else { 1 }),
                side: if buys { Side::Buy } else { Side::Sell },
                price: if buys { "3.33" } else { "4.47" }.parse().expect("a price"),
                quantity: hundredths(lots),
                budget: None,
            });
            let cascade = vec![Criterion::MostVolume, Criterion::LeastSurplus, Criterion::Highest];
            let floor = stock.filter(|order| order.side == Side::Buy).map(|order| order.price);
            let rule = Rule { floor, ..Rule::new(Candidates::Ticks, cascade, Allocation::ProRata) };
            let kind = AuctionKind::Call { market: YEN, stock };
            let terms = AuctionTerms { rule: rule.into(), ..crate::common::terms(kind, opens_at, closes_at) };
            if world.try_agree(Action::AnnounceAuction { auction, terms }).is_err() {
                continue;
            }
            world.wait(1);
            for (of, buys, limit, lots) in bids {
                let limit = golv_engine::num::Price::from_millionths(limit * 10_000);
                let bid = NewBid { price: Some(limit), quantity: hundredths(lots), ..if buys { buy(1, 1) } else { sell(1, 1) } };
                let _ = world.bid(who[of], auction, bid);
            }
            world.wait(hours(5));
            world.send(OPERATORS[0], Command::ClearAuction { auction, secret: None }).expect("cleared");
            world.wait(hours(24));
            prop_assert!(world.exchange.is_conserved());
            for (of, amount) in pays {
                let amount = Money { currency: Currency::Jpy, millionths: amount * 1_000_000 };
                let _ = world.try_agree(Action::TakePayment { participant: Some(id(who[of])), amount });
                let _ = world.try_agree(Action::DepositCollateral { participant: id(who[of]), amount });
                prop_assert!(world.exchange.is_conserved());
            }
            world.wait(hours(24) * u32::try_from(days).expect("fits"));
            prop_assert!(world.exchange.is_conserved());
        }
        let owed = |world: &World, of: IdentityId| {
            -world.exchange.ledger().balance(Currency::Jpy, Account::Participant(id(of)))
        };
        world.wait(hours(24) * 60);
        for _ in 0..100 {
            let Some(of) = who.iter().find(|of| owed(&world, **of) > 0) else { break };
            let millionths = i64::try_from(owed(&world, *of)).expect("fits");
            prop_assert_eq!(millionths % 1_000_000, 0);
            world.agree(Action::TakePayment { participant: Some(id(*of)), amount: Money { currency: Currency::Jpy, millionths } });
        }
        world.wait(hours(24) * 10);
        for of in who {
            prop_assert_eq!(world.exchange.ledger().balance(Currency::Jpy, Account::Claims(id(of))), 0);
        }
        for programme in [ProgrammeId(1), ProgrammeId(2)] {
            prop_assert_eq!(world.exchange.ledger().balance(Currency::Jpy, Account::Receivable(programme)), 0);
        }
        prop_assert!(world.exchange.is_conserved());
    }
}

/// Days are looked at as long as a contract runs, and no longer.
/// Rules: R-MON-027.
#[test]
fn the_last_day_of_the_last_contract_is_the_last_that_is_looked_at() {
    let mut world = with_terms(ClearingTerms { contract_cover_days: 21, ..clearing_terms() });
    let upside = Upside { above: None, share: Share::WHOLE, annual_cap: None, condition: None };
    let payoff = Payoff { upside: Some(upside), ..Payoff::floor() };
    let contract = Box::new(ContractTerms { payoff, ..ContractTerms::monthly_floor() });
    world.agree(Action::SetFloor { floor: TWO_WAY, terms: FloorTerms { contract, ..floor_terms() } });
    let holder = id(SUPPLIERS[0]);
    world.agree(Action::GrantEntitlement { floor: TWO_WAY, holder, per_period: quantity(10) });
    until(&mut world, "2019-06-30");
    assert!(world.exchange.next_due().is_some());
    until(&mut world, "2019-07-03");
    assert_eq!(world.exchange.next_due(), None);
}

/// Who owes more than a `Money` holds, by several auctions, can pay it in parts.
#[test]
fn what_several_auctions_add_up_to_can_be_paid_in_parts() {
    let mut world = World::founded();
    let millions = |millions: i64| price(millions * 1_000_000);
    let market = Market {
        currency: Currency::Jpy,
        tick: millions(1),
        highest: millions(2_000),
        largest: quantity(1_000),
        ..market()
    };
    world.agree(Action::DefineMarket { market: MARKET, terms: market });
    let buyer = register(&mut world, 20, &[Role::Buyer]);
    let seller = register(&mut world, 21, &[Role::Supplier]);
    for number in 1..=5 {
        let limit = Some(millions(2_000));
        let bids = [
            (buyer, NewBid { price: limit, ..buy(1, 1_000) }),
            (seller, NewBid { price: limit, ..sell(1, 1_000) }),
        ];
        auctions(&mut world, &[(AuctionId(number), bids.into())]);
    }
    let owed =
        |world: &World| -world.exchange.ledger().balance(Currency::Jpy, Account::Participant(id(buyer)));
    assert!(owed(&world) > i64::MAX.into());
    let yen = |yen: i64| Money { currency: Currency::Jpy, millionths: yen * 1_000_000 };
    for _ in 0..20 {
        world.agree(Action::TakePayment { participant: Some(id(buyer)), amount: yen(500_000_000_000) });
        assert!(world.exchange.is_conserved());
    }
    assert_eq!(owed(&world), 0);
}
