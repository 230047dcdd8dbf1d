//! Auctions: what a bid must be, who is shown what, and what a result gives.

use super::*;

/// Rules: R-AUC-001, R-AUC-002.
#[test]
fn a_market_keeps_its_grid_exact() {
    let mut world = World::founded();
    let mut refused = |terms: Market| world.try_agree(Action::DefineMarket { market: MARKET, terms });
    assert_eq!(refused(Market { tick: Price::ZERO, ..market() }), Err(Reject::MarketGrid));
    assert_eq!(refused(Market { lowest: price(5), ..market() }), Err(Reject::MarketGrid));
    assert_eq!(refused(Market { highest: price(-10), ..market() }), Err(Reject::MarketGrid));
    // A lot of 0.1 at a tick of 0.000001 would make amounts of 0.0000001.
    let fine =
        Market { lot: "0.1".parse().expect("a quantity"), tick: Price::from_millionths(1), ..market() };
    assert_eq!(refused(fine), Err(Reject::MarketTooFine));
    let wide = Market { highest: price(100_000_000), ..market() };
    assert_eq!(refused(wide), Err(Reject::MarketTooWide { levels_max: 1 << 22 }));
    let huge = Market { tick: price(1_000_000_000), highest: price(1_000_000_000_000), ..market() };
    assert_eq!(refused(huge), Err(Reject::AmountTooLarge));
}

/// Rules: R-AUC-012, R-AUC-013, R-AUC-014, R-AUC-015, R-AUC-016.
#[test]
fn a_bid_must_be_on_the_grid_in_time_and_on_its_side() {
    let mut world = World::open(1_000_000);
    let (supplier, buyer) = (SUPPLIERS[0], BUYERS[0]);
    let origin = |code: &str| Some(code.parse().expect("a country"));
    let unknown = world.bid(buyer, AuctionId(9), buy(500, 1));
    assert_eq!(unknown, Err(Reject::UnknownAuction { auction: AuctionId(9) }));
    assert_eq!(world.bid(buyer, CALL, sell(500, 1)), Err(Reject::WrongSide));
    assert_eq!(world.bid(supplier, CALL, buy(500, 1)), Err(Reject::WrongSide));
    assert_eq!(world.bid(buyer, SUPPORT, buy(500, 1)), Err(Reject::WrongSide));
    assert_eq!(world.bid(buyer, CALL, buy(505, 1)), Err(Reject::PriceOffTick { tick: price(10) }));
    let band = Err(Reject::PriceOutsideBand { lowest: price(0), highest: price(1_000) });
    assert_eq!(world.bid(buyer, CALL, buy(1_010, 1)), band);
    assert_eq!(world.bid(buyer, CALL, buy(-10, 1)), band);
    let range = Err(Reject::QuantityOutOfRange { lot: quantity(1), largest: quantity(100) });
    assert_eq!(world.bid(buyer, CALL, buy(500, 0)), range);
    assert_eq!(world.bid(buyer, CALL, buy(500, 101)), range);
    let half = NewBid { quantity: "0.5".parse().expect("a quantity"), ..buy(500, 1) };
    assert_eq!(world.bid(buyer, CALL, half), Err(Reject::QuantityOffLot { lot: quantity(1) }));
    assert_eq!(
        world.bid(buyer, CALL, NewBid { origin: origin("FI"), ..buy(500, 1) }),
        Err(Reject::OriginStated)
    );
    assert_eq!(world.bid(supplier, CALL, NewBid { origin: None, ..sell(500, 1) }), Err(Reject::OriginStated));
    let floor = Err(Reject::StrikeAboveFloor { floor: price(500) });
    assert_eq!(world.bid(supplier, SUPPORT, sell(510, 1)), floor);
    let foreign = NewBid { origin: origin("CN"), ..sell(400, 1) };
    let refused = Err(Reject::OriginNotEligible { origin: "CN".parse().expect("a country") });
    assert_eq!(world.bid(supplier, SUPPORT, foreign), refused);
    assert!(world.bid(supplier, CALL, foreign).is_ok(), "a market without a floor asks for no origin");
    assert!(world.bid(supplier, SUPPORT, sell(500, 1)).is_ok());
    assert!(world.bid(buyer, CALL, buy(500, 1)).is_ok());
}

/// Rules: R-AUC-011, R-AUC-031.
#[test]
fn a_bid_is_in_time_by_its_stamp_whenever_the_operator_acts() {
    let mut world = World::furnished(1_000_000);
    let opens_at = world.now.plus_seconds(10).expect("fits");
    let closes_at = world.now.plus_seconds(20).expect("fits");
    let terms = terms(AuctionKind::Call { market: MARKET, stock: None }, opens_at, closes_at);
    world.agree(Action::AnnounceAuction { auction: CALL, terms });
    assert_eq!(world.bid(BUYERS[0], CALL, buy(500, 1)), Err(Reject::NotYetOpen { opens_at }));
    world.wait(10);
    assert!(world.bid(BUYERS[0], CALL, buy(500, 1)).is_ok());
    let nanosecond_before = golv_engine::time::Instant(closes_at.0 - 1);
    world.send(OPERATORS[0], Command::SetClock { to: nanosecond_before }).expect("forward");
    let bid = world.bid(BUYERS[1], CALL, buy(500, 1)).expect("in time");
    world.send(OPERATORS[0], Command::SetClock { to: closes_at }).expect("forward");
    let too_late = Reject::TooLate { closed_at: closes_at };
    assert_eq!(world.bid(BUYERS[2], CALL, buy(500, 1)), Err(too_late));
    let withdraw = Command::WithdrawBid { auction: CALL, bid };
    assert_eq!(world.send(BUYERS[1], withdraw), Err(too_late));
}

/// What is announced for a time that has come, or closes no later than it opens, is no auction.
/// Rules: R-AUC-003.
#[test]
fn times_are_in_order() {
    let mut world = World::furnished(1_000_000);
    let now = world.now;
    let times = Reject::AuctionTimes { now };
    let at = |seconds| now.plus_seconds(seconds).expect("fits");
    for (opens_at, closes_at, outcome) in [
        (now, at(10), Err(times)),
        (at(10), at(10), Err(times)),
        (at(10), at(9), Err(times)),
        (at(1), at(2), Ok(())),
    ] {
        let kind = AuctionKind::Call { market: MARKET, stock: None };
        let action = Action::AnnounceAuction { auction: CALL, terms: terms(kind, opens_at, closes_at) };
        assert_eq!(world.try_agree(action), outcome);
    }
}

/// Who bids in a cancelled auction is told so; it is not cleared, and cancelled once.
/// Rules: R-AUC-088, R-AUC-089.
#[test]
fn a_cancelled_auction_takes_nothing_more() {
    let mut world = World::open(1_000_000);
    let bid = world.bid(BUYERS[0], CALL, buy(500, 10)).expect("accepted");
    world.agree(Action::CancelAuction { auction: CALL });
    let cancelled = Reject::AuctionCancelled;
    assert_eq!(world.bid(BUYERS[1], CALL, buy(500, 10)), Err(cancelled));
    assert_eq!(world.send(BUYERS[0], Command::WithdrawBid { auction: CALL, bid }), Err(cancelled));
    assert_eq!(world.try_agree(Action::CancelAuction { auction: CALL }), Err(cancelled));
    world.wait(hours(9));
    let clear = Command::ClearAuction { auction: CALL, secret: None };
    assert_eq!(world.send(OPERATORS[0], clear), Err(cancelled));
}

/// Rules: R-AUC-018, R-AUC-019.
#[test]
fn a_bid_is_changed_by_its_owner_alone() {
    let mut world = World::open(1_000_000);
    let bid = world.bid(BUYERS[0], CALL, buy(500, 10)).expect("accepted");
    let replace = |units, lots| Command::ReplaceBid {
        auction: CALL,
        bid,
        price: Some(price(units)),
        quantity: quantity(lots),
    };
    let withdraw = Command::WithdrawBid { auction: CALL, bid };
    assert_eq!(world.send(BUYERS[1], replace(510, 10)), Err(Reject::UnknownBid { bid }));
    assert_eq!(world.send(BUYERS[1], withdraw.clone()), Err(Reject::UnknownBid { bid }));
    assert_eq!(world.send(BUYERS[0], replace(505, 10)), Err(Reject::PriceOffTick { tick: price(10) }));
    for (units, lots, kept) in [(500, 5, true), (500, 6, false), (510, 5, false), (510, 5, true)] {
        world.send(BUYERS[0], replace(units, lots)).expect("replaced");
        let Some(Event::BidReplaced { kept_priority, .. }) = world.last() else { panic!("replaced") };
        assert_eq!(*kept_priority, kept, "{units} {lots}");
    }
    world.send(BUYERS[0], withdraw.clone()).expect("withdrawn");
    assert_eq!(world.send(BUYERS[0], withdraw), Err(Reject::UnknownBid { bid }));
    assert_eq!(world.send(BUYERS[0], replace(500, 1)), Err(Reject::UnknownBid { bid }));
}

/// Rules: R-AUC-025.
#[test]
fn before_the_close_an_event_about_a_bid_is_for_its_owner_alone() {
    let mut world = World::open(1_000_000);
    let before = world.events.len();
    let bid = world.bid(BUYERS[0], CALL, buy(500, 10)).expect("accepted");
    let (new_price, lots) = (Some(price(510)), quantity(10));
    let replace = Command::ReplaceBid { auction: CALL, bid, price: new_price, quantity: lots };
    world.send(BUYERS[0], replace).expect("replaced");
    world.send(BUYERS[0], Command::WithdrawBid { auction: CALL, bid }).expect("withdrawn");
    let told = &world.events[before..];
    assert_eq!(told.len(), 3);
    let owner = Audience::Participant(ParticipantId(BUYERS[0].0));
    assert!(told.iter().all(|event| event.audience() == owner), "{told:?}");
}

/// A result is public; who got how much of it is for each to know of itself, and for operators and auditors.
/// Rules: R-AUC-028.
#[test]
fn of_a_result_each_participant_is_shown_its_own_fills() {
    let mut world = World::open(1_000_000);
    world.bid(SUPPLIERS[0], CALL, sell(400, 30)).expect("accepted");
    world.bid(BUYERS[0], CALL, buy(600, 30)).expect("accepted");
    world.wait(hours(9));
    world.send(OPERATORS[0], Command::ClearAuction { auction: CALL, secret: None }).expect("cleared");
    let cleared = world.events.iter().find(|event| matches!(event, Event::AuctionCleared { .. }));
    let cleared = cleared.expect("cleared");
    let fills = |reader: IdentityId, reads_all| match cleared.shown_to(ParticipantId(reader.0), reads_all) {
        Some(Event::AuctionCleared { result, .. }) => {
            assert_eq!(result.volume(), quantity(30));
            result.fills.iter().map(|fill| fill.bid.identity).collect::<Vec<_>>()
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(fills(BUYERS[0], false), [BUYERS[0]]);
    assert_eq!(fills(BUYERS[1], false), []);
    assert_eq!(fills(OPERATORS[0], true), [SUPPLIERS[0], BUYERS[0]]);
}

/// Rules: R-AUC-032, R-AUC-041, R-AUC-052, R-AUC-087, R-AUC-088.
#[test]
fn a_call_auction_clears_at_one_price_and_shares_the_margin() {
    let mut world = World::open(1_000_000);
    world.bid(SUPPLIERS[0], CALL, sell(400, 30)).expect("accepted");
    world.bid(SUPPLIERS[1], CALL, sell(450, 20)).expect("accepted");
    world.bid(BUYERS[0], CALL, buy(600, 20)).expect("accepted");
    world.bid(BUYERS[1], CALL, buy(500, 40)).expect("accepted");
    world.bid(BUYERS[2], CALL, buy(500, 20)).expect("accepted");
    world.wait(hours(9));
    let too_early = world.send(OPERATORS[0], Command::ClearAuction { auction: CALL, secret: None });
    assert!(too_early.is_ok(), "closed at its time by a tick");
    let cleared = result(&world, CALL);
    assert_eq!((cleared.price(), cleared.volume()), (Some(price(500)), quantity(50)));
    assert_eq!((cleared.demand(), cleared.supply()), (quantity(80), quantity(50)));
    // At 450 and at 500 the volume is 50 and demand is 30 over: the higher.
    assert_eq!(cleared.step(), Some(Criterion::SurplusSide));
    let fills: Vec<_> =
        cleared.fills.iter().map(|fill| (fill.bid.identity, fill.side, fill.quantity)).collect();
    assert_eq!(
        fills,
        [
            (SUPPLIERS[0], Side::Sell, quantity(30)),
            (SUPPLIERS[1], Side::Sell, quantity(20)),
            (BUYERS[0], Side::Buy, quantity(20)),
            // 30 are left for 40 and 20.
            (BUYERS[1], Side::Buy, quantity(20)),
            (BUYERS[2], Side::Buy, quantity(10)),
        ]
    );
    let again = world.send(OPERATORS[0], Command::ClearAuction { auction: CALL, secret: None });
    assert_eq!(again, Err(Reject::AlreadyCleared));
    assert_eq!(world.cents(BUYERS[0]), 0, "nothing is booked before the result is final");
    world.wait(hours(24));
    assert_eq!(world.cents(BUYERS[0]), -20 * 500 * 100);
    assert_eq!(world.cents(SUPPLIERS[0]), 30 * 500 * 100);
    let cancel = world.try_agree(Action::CancelAuction { auction: CALL });
    assert_eq!(cancel, Err(Reject::AlreadyFinal));
    assert!(world.exchange.is_conserved());
}

/// Rules: R-AUC-017, R-AUC-019, R-AUC-050.
#[test]
fn a_market_order_trades_at_any_price_and_before_all_limits() {
    let mut world = World::open(1_000_000);
    let market_order = NewBid { price: None, ..sell(0, 30) };
    assert_eq!(world.bid(SUPPLIERS[0], SUPPORT, market_order), Err(Reject::StrikeMissing));
    world.bid(SUPPLIERS[1], CALL, sell(450, 20)).expect("accepted");
    let bid = world.bid(SUPPLIERS[0], CALL, market_order).expect("accepted");
    let replace = |price, lots| Command::ReplaceBid { auction: CALL, bid, price, quantity: quantity(lots) };
    for (price, lots, kept) in
        [(None, 25, true), (Some(price(500)), 25, false), (None, 25, false), (None, 30, false)]
    {
        world.send(SUPPLIERS[0], replace(price, lots)).expect("replaced");
        let Some(Event::BidReplaced { kept_priority, .. }) = world.last() else { panic!("replaced") };
        assert_eq!(*kept_priority, kept, "{price:?} {lots}");
    }
    world.bid(BUYERS[0], CALL, buy(470, 40)).expect("accepted");
    world.wait(hours(9));
    world.send(OPERATORS[0], Command::ClearAuction { auction: CALL, secret: None }).expect("cleared");
    let cleared = result(&world, CALL);
    // At 450 and 470 the volume is 40, and 10 more are offered: the lower.
    assert_eq!((cleared.price(), cleared.volume()), (Some(price(450)), quantity(40)));
    let fills: Vec<_> =
        cleared.fills.iter().map(|fill| (fill.bid.identity, fill.quantity, fill.reason)).collect();
    let expected = [
        (SUPPLIERS[1], quantity(10), Reason::Rationed),
        (SUPPLIERS[0], quantity(30), Reason::InTheMoney),
        (BUYERS[0], quantity(40), Reason::InTheMoney),
    ];
    assert_eq!(fills, expected);
}

/// The rule that an auction is announced with, or why it is not.
/// Rules: R-AUC-005, R-AUC-006, R-AUC-008.
#[test]
fn a_rule_is_refused_that_the_market_cannot_hold_an_auction_by() {
    let mut world = World::furnished(1_000_000);
    let (opens_at, closes_at) = (world.now.plus_seconds(10), world.now.plus_seconds(20));
    let (opens_at, closes_at) = (opens_at.expect("fits"), closes_at.expect("fits"));
    let call = AuctionKind::Call { market: MARKET, stock: None };
    let support = AuctionKind::Support { floor: FLOOR, per_period: quantity(10) };
    let mut announce = |kind, rule: Rule, draw_commitment| {
        let terms = AuctionTerms { rule: rule.into(), draw_commitment, ..terms(kind, opens_at, closes_at) };
        world.try_agree(Action::AnnounceAuction { auction: AuctionId(9), terms })
    };
    let with = |change: fn(&mut Rule)| {
        let mut rule = rule();
        change(&mut rule);
        rule
    };
    let off_grid = Reject::RuleOffGrid { tick: price(10), lot: quantity(1) };
    let band = Reject::PriceOutsideBand { lowest: price(0), highest: price(1_000) };
    let cases: [(Rule, Reject); 12] = [
        (with(|rule| rule.cascade.clear()), Reject::RuleCascade),
        (with(|rule| rule.cascade.push(Criterion::MostVolume)), Reject::RuleCascade),
        (with(|rule| rule.tick = Some(price(20))), off_grid),
        (with(|rule| rule.lot = Some(quantity(2))), off_grid),
        (with(|rule| rule.floor = Some(price(505))), off_grid),
        (with(|rule| rule.minimum = "0.5".parse().ok()), off_grid),
        (with(|rule| rule.reference_price = Some(price(505))), Reject::PriceOffTick { tick: price(10) }),
        (with(|rule| rule.ceiling = Some(price(1_010))), band),
        (
            with(|rule| {
                rule.floor = Some(price(500));
                rule.ceiling = Some(price(490));
            }),
            Reject::RuleBoundsCrossed { lowest: price(500), highest: price(490) },
        ),
        (with(|rule| rule.allocation = Allocation::RoundUp), Reject::RuleAllocation),
        (with(|rule| rule.allocation = Allocation::MinimumFill), Reject::RuleAllocation),
        (with(|rule| rule.allocation = Allocation::SeededDraw), Reject::DrawCommitment),
    ];
    for (rule, reject) in cases {
        for kind in [call, support] {
            assert_eq!(announce(kind, rule.clone(), None), Err(reject), "{rule:?}");
        }
    }
    let own_price = with(|rule| rule.payment = Payment::OwnPrice);
    assert_eq!(announce(call, own_price.clone(), None), Err(Reject::RulePayment));
    let commitment = Some(DrawSecret([1; 32]).commitment());
    assert_eq!(announce(call, rule(), commitment), Err(Reject::DrawCommitment));
    announce(support, own_price, None).expect("a strike of its own for each");
}

/// Two bids of one limit, of which one can be filled: the draw decides, and only with the secret that was announced.
/// Rules: R-AUC-058.
#[test]
fn a_draw_is_made_with_the_secret_that_was_announced() {
    let mut winners = BTreeSet::new();
    for byte in 0..8 {
        let mut world = World::furnished(1_000_000);
        let secret = DrawSecret([byte; 32]);
        let (opens_at, closes_at) = (world.now.plus_seconds(10), world.now.plus_seconds(20));
        let terms = AuctionTerms {
            rule: Rule { allocation: Allocation::SeededDraw, ..rule() }.into(),
            draw_commitment: Some(secret.commitment()),
            ..terms(
                AuctionKind::Call { market: MARKET, stock: None },
                opens_at.expect("fits"),
                closes_at.expect("fits"),
            )
        };
        world.agree(Action::AnnounceAuction { auction: CALL, terms });
        world.wait(10);
        world.bid(SUPPLIERS[0], CALL, sell(400, 30)).expect("accepted");
        for buyer in [BUYERS[0], BUYERS[1]] {
            world.bid(buyer, CALL, buy(500, 30)).expect("accepted");
        }
        world.wait(10);
        let mut clear = |secret| world.send(OPERATORS[0], Command::ClearAuction { auction: CALL, secret });
        assert_eq!(clear(None), Err(Reject::DrawSecret));
        assert_eq!(clear(Some(DrawSecret([9; 32]))), Err(Reject::DrawSecret));
        clear(Some(secret)).expect("cleared");
        let cleared = result(&world, CALL);
        let draw = cleared.draw.expect("drawn");
        assert_eq!(draw.secret, secret, "who won can be worked out again");
        let winner = cleared.fills.iter().find(|fill| fill.side == Side::Buy).expect("one").bid;
        assert_eq!(cleared.unfilled.len(), 1);
        winners.insert(winner.identity);
    }
    assert_eq!(winners.len(), 2, "neither wins always");
}

/// A secret is published with the first result that it draws, so no other draw can be made with it.
/// Rules: R-AUC-009.
#[test]
fn every_draw_has_a_secret_of_its_own() {
    let mut world = World::open(100_000);
    let (opens_at, closes_at) = (world.now.plus_seconds(10), world.now.plus_seconds(20));
    let terms = AuctionTerms {
        rule: Rule { allocation: Allocation::SeededDraw, ..rule() }.into(),
        draw_commitment: Some(SECRET.commitment()),
        ..terms(
            AuctionKind::Call { market: MARKET, stock: None },
            opens_at.expect("fits"),
            closes_at.expect("fits"),
        )
    };
    let announce = Action::AnnounceAuction { auction: AuctionId(9), terms };
    assert_eq!(world.try_agree(announce), Err(Reject::DrawSecretUsed));
}

/// Winners of a support auction that pays each its own offer have strikes of their own.
/// Rules: R-AUC-048, R-AUC-090.
#[test]
fn each_winner_can_get_the_strike_that_it_offered() {
    let mut world = World::furnished(1_000_000);
    let (opens_at, closes_at) = (world.now.plus_seconds(10), world.now.plus_seconds(20));
    let kind = AuctionKind::Support { floor: FLOOR, per_period: quantity(60) };
    let terms = AuctionTerms {
        rule: Rule { payment: Payment::OwnPrice, ..rule() }.into(),
        ..terms(kind, opens_at.expect("fits"), closes_at.expect("fits"))
    };
    world.agree(Action::AnnounceAuction { auction: SUPPORT, terms });
    world.wait(10);
    world.bid(SUPPLIERS[0], SUPPORT, sell(400, 40)).expect("accepted");
    world.bid(SUPPLIERS[1], SUPPORT, sell(450, 40)).expect("accepted");
    world.wait(10);
    world.send(OPERATORS[0], Command::ClearAuction { auction: SUPPORT, secret: None }).expect("cleared");
    // (400 − 300) × 40 × 6 months and (450 − 300) × 20 × 6 months.
    assert_eq!(result(&world, SUPPORT).reserved, Some(dollars(24_000 + 18_000)));
    world.wait(hours(24));
    let strikes: Vec<_> = world
        .events
        .iter()
        .filter_map(|event| match event {
            Event::EntitlementGranted { terms, .. } => Some((terms.strike, terms.per_period)),
            _ => None,
        })
        .collect();
    assert_eq!(strikes, [(price(400), quantity(40)), (price(450), quantity(20))]);
    assert!(world.exchange.is_conserved());
}

/// A call auction by a rule that is open for ten hours.
fn called_by(rule: Rule) -> World {
    let mut world = World::furnished(1_000_000);
    let opens_at = world.now.plus_seconds(1).expect("fits");
    let closes_at = world.now.plus_seconds(hours(10)).expect("fits");
    let kind = AuctionKind::Call { market: MARKET, stock: None };
    let terms = AuctionTerms { rule: rule.into(), ..terms(kind, opens_at, closes_at) };
    world.agree(Action::AnnounceAuction { auction: CALL, terms });
    world.wait(1);
    world
}

/// One bid too many, and it is not looked for what would have won: sooner where a rule can leave a book without a price.
/// Rules: R-AUC-029.
#[test]
fn of_a_long_book_nobody_is_told_what_would_have_won() {
    let undecided = Rule { reference_price: None, ..rule() };
    for (rule, bids, is_told) in [
        (rule(), 2_049, true),
        (rule(), 10_001, false),
        (undecided.clone(), 2_048, true),
        (undecided, 2_049, false),
    ] {
        let mut world = called_by(rule);
        world.bid(SUPPLIERS[0], CALL, sell(450, 1)).expect("accepted");
        world.bid(BUYERS[0], CALL, buy(450, 1)).expect("accepted");
        for _ in 2..bids {
            world.bid(BUYERS[1], CALL, buy(400, 1)).expect("accepted");
        }
        world.wait(hours(10));
        world.send(OPERATORS[0], Command::ClearAuction { auction: CALL, secret: None }).expect("cleared");
        let unfilled = &result(&world, CALL).unfilled;
        assert_eq!(unfilled.len(), bids - 2);
        let is_not = |bid: &Unfilled| bid.winning_limit == WinningLimit::NotLookedFor;
        assert!(unfilled.iter().all(|bid| is_not(bid) != is_told));
    }
}

/// Both buyers pay the most that the market takes, and the earlier gets all there is: the later would have had to pay more than that.
/// A third would have, too.
/// Rules: R-AUC-029.
#[test]
fn no_limit_beyond_the_market_is_told_to_win() {
    let mut world = called_by(Rule { allocation: Allocation::PriceTime, ..rule() });
    world.bid(SUPPLIERS[0], CALL, sell(450, 10)).expect("accepted");
    for (buyer, limit) in [(BUYERS[0], 1_000), (BUYERS[1], 1_000), (BUYERS[2], 900)] {
        world.bid(buyer, CALL, buy(limit, 10)).expect("accepted");
    }
    world.wait(hours(10));
    world.send(OPERATORS[0], Command::ClearAuction { auction: CALL, secret: None }).expect("cleared");
    let told: Vec<WinningLimit> = result(&world, CALL).unfilled.iter().map(|bid| bid.winning_limit).collect();
    assert_eq!(told, [WinningLimit::Nowhere; 2]);
}

/// Rules: R-AUC-037.
#[test]
fn an_auction_in_which_nothing_crosses_ends_without_a_price() {
    let mut world = World::open(1_000_000);
    world.bid(BUYERS[0], CALL, buy(400, 1)).expect("accepted");
    world.bid(SUPPLIERS[0], CALL, sell(500, 1)).expect("accepted");
    world.wait(hours(9));
    world.send(OPERATORS[0], Command::ClearAuction { auction: CALL, secret: None }).expect("cleared");
    let cleared = result(&world, CALL);
    assert_eq!((cleared.price(), cleared.fills.len()), (None, 0));
    world.wait(hours(24));
    assert!(world.exchange.is_conserved());
}
