//! The rules of the exchange, told case by case in the order of a market's life.

use crate::common::*;
use golv_engine::auction::{AuctionKind, AuctionTerms, LotSecret, Unfilled, WinningLimit};
use golv_engine::book::Side;
use golv_engine::cfd::IndexTerms;
use golv_engine::clearing::{Allocation, Criterion, Payment, Reason, Rule};
use golv_engine::command::{Action, Command, NewBid};
use golv_engine::event::{Audience, Event};
use golv_engine::id::*;
use golv_engine::ledger::Account;
use golv_engine::market::Market;
use golv_engine::num::{Currency, Money, Price};
use golv_engine::participant::{Role, Standing};
use golv_engine::reject::Reject;
use std::collections::BTreeSet;

use golv_engine::{ANSWERS_KEPT, Exchange, Mode, RulesVersion};

/// Rules: R-MON-042.
#[test]
fn an_action_takes_two_operators() {
    let mut world = World::founded();
    let action = Action::DefineMarket { market: MARKET, terms: market() };
    let command = world.send(OPERATORS[0], Command::Propose { action: action.clone() }).expect("proposed");
    let proposal = ProposalId { identity: OPERATORS[0], command };
    assert_eq!(world.send(OPERATORS[0], Command::Confirm { proposal }), Err(Reject::SameOperator));
    assert!(world.send(OPERATORS[1], Command::Confirm { proposal }).is_ok());
    let again = world.send(OPERATORS[1], Command::Confirm { proposal });
    assert_eq!(again, Err(Reject::UnknownProposal { proposal }));
    assert_eq!(world.try_agree(action), Err(Reject::MarketTaken));
}

/// Rules: R-MON-044.
#[test]
fn a_withdrawn_proposal_cannot_be_confirmed() {
    let mut world = World::founded();
    let action = Action::DefineMarket { market: MARKET, terms: market() };
    let command = world.send(OPERATORS[0], Command::Propose { action }).expect("proposed");
    let proposal = ProposalId { identity: OPERATORS[0], command };
    assert!(world.send(OPERATORS[0], Command::WithdrawProposal { proposal }).is_ok());
    let confirmed = world.send(OPERATORS[1], Command::Confirm { proposal });
    assert_eq!(confirmed, Err(Reject::UnknownProposal { proposal }));
}

/// What was possible when it was proposed is looked at again when it is confirmed.
/// Rules: R-MON-043.
#[test]
fn a_proposal_that_became_impossible_is_refused_and_stays() {
    let mut world = World::founded();
    let action = Action::DefineMarket { market: MARKET, terms: market() };
    let first = world.send(OPERATORS[0], Command::Propose { action: action.clone() }).expect("proposed");
    let proposal = ProposalId { identity: OPERATORS[0], command: first };
    world.agree(action);
    assert_eq!(world.send(OPERATORS[1], Command::Confirm { proposal }), Err(Reject::MarketTaken));
    assert!(world.send(OPERATORS[1], Command::WithdrawProposal { proposal }).is_ok());
}

/// Rules: R-MON-045.
#[test]
fn pending_proposals_are_bounded() {
    let mut world = World::founded();
    let propose = || Command::Propose { action: Action::DefineMarket { market: MARKET, terms: market() } };
    for _ in 0..1024 {
        world.send(OPERATORS[0], propose()).expect("room for a proposal");
    }
    assert_eq!(world.send(OPERATORS[0], propose()), Err(Reject::TooManyProposals { most: 1024 }));
}

/// Rules: R-MON-046, R-MON-048.
#[test]
fn nobody_can_take_the_last_two_operators_away() {
    let mut world = World::founded();
    let [first, _] = OPERATORS;
    assert_eq!(world.try_agree(Action::RevokeIdentity { identity: first }), Err(Reject::LastOperators));
    let suspend = Action::SetStanding { participant: ParticipantId(1), standing: Standing::Suspended };
    assert_eq!(world.try_agree(suspend), Err(Reject::LastOperators));
    world.agree(Action::AddIdentity { identity: IdentityId(99), participant: ParticipantId(1) });
    world.agree(Action::RevokeIdentity { identity: IdentityId(99) });
    let command = Command::SetClock { to: world.now };
    assert_eq!(world.send(IdentityId(99), command), Err(Reject::IdentityRevoked));
}

/// Rules: R-AUC-032, R-MON-048, R-MON-050.
#[test]
fn commands_are_for_those_whose_role_permits_them() {
    let mut world = World::open(1_000_000);
    let clear = Command::ClearAuction { auction: CALL, secret: None };
    assert_eq!(world.send(SUPPLIERS[0], clear.clone()), Err(Reject::NotPermitted));
    assert_eq!(world.send(OPERATORS[0], clear), Err(Reject::NotClosed { closes_at: world_closes(&world) }));
    assert_eq!(world.bid(OPERATORS[0], CALL, buy(500, 1)), Err(Reject::NotPermitted));
    assert_eq!(world.bid(PUBLISHER, CALL, buy(500, 1)), Err(Reject::NotPermitted));
    assert_eq!(world.send(BUYERS[0], Command::Tick), Err(Reject::SystemOnly));
    assert_eq!(world.send(IdentityId(77), Command::Tick), Err(Reject::UnknownSender));
    let suspend =
        Action::SetStanding { participant: ParticipantId(BUYERS[0].0), standing: Standing::Suspended };
    world.agree(suspend);
    assert_eq!(world.bid(BUYERS[0], CALL, buy(500, 1)), Err(Reject::ParticipantSuspended));
}

/// There is one version so far; how a newer one comes into force is tested where a newer one can be made up.
/// Rules: R-MON-053.
#[test]
fn rules_only_change_to_a_newer_version_that_the_engine_knows() {
    let mut world = World::founded();
    assert_eq!(world.exchange.rules_version(), RulesVersion::NEWEST);
    let newest = RulesVersion::NEWEST.number();
    let mut change = |version| world.try_agree(Action::ChangeRules { version });
    assert_eq!(change(newest + 1), Err(Reject::UnknownRules { newest }));
    assert_eq!(change(u32::MAX), Err(Reject::UnknownRules { newest }));
    assert_eq!(change(newest), Err(Reject::RulesNotNewer { current: newest }));
}

fn world_closes(world: &World) -> golv_engine::time::Instant {
    world.now.plus_seconds(hours(9)).expect("fits")
}

/// Rules: R-MON-049.
#[test]
fn the_clock_is_set_in_a_rehearsal_alone_and_forward_alone() {
    let mut world = World::founded();
    let now = world.now;
    let back = Command::SetClock { to: golv_engine::time::Instant(now.0 - 1) };
    assert_eq!(world.send(OPERATORS[0], back), Err(Reject::ClockBackwards { now }));

    let mut live = Exchange::new(Mode::Live, RulesVersion::NEWEST);
    let mut events = Vec::new();
    let founding = &world.journal[0].command;
    live.apply(Sequence(1), now, IdentityId::SYSTEM, CommandId(1), founding, &mut events).expect("founded");
    let forward = Command::SetClock { to: now };
    let answer = live.apply(Sequence(2), now, OPERATORS[0], CommandId(1), &forward, &mut events);
    assert_eq!(answer, Err(Reject::NotARehearsal));
    let again = live.apply(Sequence(3), now, IdentityId::SYSTEM, CommandId(2), founding, &mut events);
    assert_eq!(again, Err(Reject::AlreadyFounded));
}

/// Rules: R-MON-051.
#[test]
fn asked_twice_a_command_is_done_once_and_answered_alike() {
    let mut world = World::open(1_000_000);
    let bid = Command::PlaceBid { auction: CALL, bid: buy(500, 1) };
    world.send_as(BUYERS[0], CommandId(7), bid.clone()).expect("accepted");
    let (digest, first) = (world.exchange.state_digest(), world.answer(BUYERS[0], CommandId(7)));
    assert_eq!(world.send_as(BUYERS[0], CommandId(7), bid.clone()), Ok(()));
    assert_eq!(world.answer(BUYERS[0], CommandId(7)), first);
    let other = Command::PlaceBid { auction: CALL, bid: buy(510, 1) };
    assert_eq!(world.send_as(BUYERS[0], CommandId(7), other), Err(Reject::IdReused));
    let skipped = world.send_as(BUYERS[0], CommandId(3), bid);
    assert_eq!(skipped, Err(Reject::TooOld { highest: CommandId(7) }));
    assert_eq!(world.exchange.state_digest(), digest);
    // A refusal is kept and repeated as well.
    let wrong = Command::PlaceBid { auction: CALL, bid: buy(505, 1) };
    let off_tick = Err(Reject::PriceOffTick { tick: price(10) });
    assert_eq!(world.send_as(BUYERS[0], CommandId(8), wrong.clone()), off_tick);
    assert_eq!(world.send_as(BUYERS[0], CommandId(8), wrong), off_tick);
}

/// Rules: R-MON-051.
#[test]
fn the_oldest_answers_are_forgotten_but_never_executed_again() {
    let mut world = World::open(1_000_000);
    let bid = |units| Command::PlaceBid { auction: CALL, bid: buy(units, 1) };
    for id in 1..=u64::try_from(ANSWERS_KEPT).expect("small") + 1 {
        world.send_as(BUYERS[0], CommandId(id), bid(500)).expect("accepted");
    }
    let highest = CommandId(u64::try_from(ANSWERS_KEPT).expect("small") + 1);
    assert_eq!(world.send_as(BUYERS[0], CommandId(1), bid(500)), Err(Reject::TooOld { highest }));
    assert_eq!(world.send_as(BUYERS[0], CommandId(2), bid(500)), Ok(()));
}

#[test]
fn a_command_set_aside_is_answered_and_kept_and_changes_nothing() {
    let mut world = World::open(1_000_000);
    let (buyer, at) = (BUYERS[0], world.now);
    let bid = |units| Command::PlaceBid { auction: CALL, bid: buy(units, 1) };
    world.send_as(buyer, CommandId(7), bid(500)).expect("accepted");
    let first = world.answer(buyer, CommandId(7));
    let (digest, due) = (world.exchange.state_digest(), world.exchange.next_due());
    let mut set_aside = |sender, id, command: &Command| {
        let sequence = Sequence(world.exchange.sequence().0 + 1);
        let outcome = world.exchange.set_aside(sequence, at, sender, CommandId(id), command);
        assert_eq!((world.exchange.sequence(), world.exchange.at()), (sequence, at));
        assert_eq!(world.exchange.state_digest(), digest, "nothing was executed");
        outcome
    };
    assert_eq!(set_aside(buyer, 8, &bid(510)), Err(Reject::InternalFault));
    assert_eq!(set_aside(buyer, 8, &bid(520)), Err(Reject::IdReused));
    // What was answered before, or cannot be answered, is as it ever was.
    assert_eq!(set_aside(buyer, 7, &bid(500)), Ok(()));
    assert_eq!(set_aside(buyer, 7, &bid(510)), Err(Reject::IdReused));
    assert_eq!(set_aside(buyer, 3, &bid(500)), Err(Reject::TooOld { highest: CommandId(8) }));
    assert_eq!(set_aside(IdentityId(77), 1, &bid(500)), Err(Reject::UnknownSender));
    assert_eq!(set_aside(IdentityId::SYSTEM, 99, &Command::Tick), Err(Reject::InternalFault));
    let found = world.journal[0].command.clone();
    assert_eq!(set_aside(IdentityId::SYSTEM, 99, &found), Err(Reject::InternalFault));

    assert_eq!(world.exchange.next_due(), due);
    assert_eq!(world.answer(buyer, CommandId(7)), first);
    let kept = world.answer(buyer, CommandId(8)).expect("kept");
    assert_eq!(kept.outcome, Err(Reject::InternalFault));
    assert_eq!(world.send_as(buyer, CommandId(8), bid(510)), Err(Reject::InternalFault), "asked again");
    assert_eq!(world.answer(buyer, CommandId(8)), Some(kept), "with its first place in the order");
    assert_eq!(world.send_as(buyer, CommandId(8), bid(500)), Err(Reject::IdReused));
    assert_eq!(world.send_as(buyer, CommandId(9), bid(510)), Ok(()), "under a new id");
}

/// A tick that was set aside is still due, and the next one does what it would have done.
/// Rules: R-AUC-031.
#[test]
fn a_tick_set_aside_is_still_due() {
    let mut world = World::open(1_000_000);
    let closes_at = world_closes(&world);
    let sequence = Sequence(world.exchange.sequence().0 + 1);
    let set_aside =
        world.exchange.set_aside(sequence, closes_at, IdentityId::SYSTEM, CommandId(1), &Command::Tick);
    assert_eq!(set_aside, Err(Reject::InternalFault));
    assert_eq!(world.exchange.next_due(), Some(closes_at));
    world.now = closes_at;
    world.send(IdentityId::SYSTEM, Command::Tick).expect("a tick is never refused");
    assert!(world.events.contains(&Event::AuctionClosed { auction: CALL }));
}

#[test]
#[should_panic(expected = "the journal's sequence has no gap")]
fn a_command_is_set_aside_in_its_place_alone() {
    let mut world = World::founded();
    let sequence = Sequence(world.exchange.sequence().0 + 2);
    let _ = world.exchange.set_aside(sequence, world.now, OPERATORS[0], CommandId(9), &Command::Tick);
}

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

/// Rules: R-MON-052.
#[test]
fn keys_are_bound_once_rotated_and_end() {
    use golv_engine::key::KeyFingerprint;
    let mut world = World::furnished(1);
    let [old, new] = [1, 2].map(|byte| KeyFingerprint([byte; 32]));
    let identity = BUYERS[0];
    world.agree(Action::BindKey { identity, key: old, others_end_at: None });
    let digest = world.exchange.state_digest();
    let ends_at = world.now.plus_seconds(10).expect("fits");
    world.agree(Action::BindKey { identity, key: new, others_end_at: Some(ends_at) });
    assert_eq!(world.exchange.state_digest(), digest, "keys are no part of the state");
    let again = Action::BindKey { identity: BUYERS[1], key: old, others_end_at: None };
    assert_eq!(world.try_agree(again), Err(Reject::KeyTaken));
    let speaks = |world: &World, key| world.exchange.who(key, world.now).map(|speaker| speaker.identity);
    assert_eq!(speaks(&world, old), Ok(identity));
    world.wait(10);
    assert_eq!(speaks(&world, old), Err(Reject::UnknownSender));
    assert_eq!(speaks(&world, new), Ok(identity));
    world.agree(Action::RevokeIdentity { identity });
    assert_eq!(speaks(&world, new), Err(Reject::IdentityRevoked));
}

fn result(world: &World, wanted: AuctionId) -> &golv_engine::auction::AuctionResult {
    let found = world.events.iter().find_map(|event| match event {
        Event::AuctionCleared { auction, result, .. } if *auction == wanted => Some(result),
        _ => None,
    });
    found.expect("cleared")
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
    let mut announce = |kind, rule: Rule, lot_commitment| {
        let terms = AuctionTerms { rule: rule.into(), lot_commitment, ..terms(kind, opens_at, closes_at) };
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
        (with(|rule| rule.allocation = Allocation::SeededLot), Reject::LotCommitment),
    ];
    for (rule, reject) in cases {
        for kind in [call, support] {
            assert_eq!(announce(kind, rule.clone(), None), Err(reject), "{rule:?}");
        }
    }
    let own_price = with(|rule| rule.payment = Payment::OwnPrice);
    assert_eq!(announce(call, own_price.clone(), None), Err(Reject::RulePayment));
    let commitment = Some(LotSecret([1; 32]).commitment());
    assert_eq!(announce(call, rule(), commitment), Err(Reject::LotCommitment));
    announce(support, own_price, None).expect("a strike of its own for each");
}

/// Two bids of one limit, of which one can be filled: the lot decides, and only with the secret that was announced.
/// Rules: R-AUC-058.
#[test]
fn a_lot_is_drawn_with_the_secret_that_was_announced() {
    let mut winners = BTreeSet::new();
    for byte in 0..8 {
        let mut world = World::furnished(1_000_000);
        let secret = LotSecret([byte; 32]);
        let (opens_at, closes_at) = (world.now.plus_seconds(10), world.now.plus_seconds(20));
        let terms = AuctionTerms {
            rule: Rule { allocation: Allocation::SeededLot, ..rule() }.into(),
            lot_commitment: Some(secret.commitment()),
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
        assert_eq!(clear(None), Err(Reject::LotSecret));
        assert_eq!(clear(Some(LotSecret([9; 32]))), Err(Reject::LotSecret));
        clear(Some(secret)).expect("cleared");
        let cleared = result(&world, CALL);
        let lot = cleared.lot.expect("drawn");
        assert_eq!(lot.secret, secret, "who won can be worked out again");
        let winner = cleared.fills.iter().find(|fill| fill.side == Side::Buy).expect("one").bid;
        assert_eq!(cleared.unfilled.len(), 1);
        winners.insert(winner.identity);
    }
    assert_eq!(winners.len(), 2, "neither wins always");
}

/// A secret is published with the first result that it draws, so no other lot can be drawn with it.
/// Rules: R-AUC-009.
#[test]
fn every_lot_has_a_secret_of_its_own() {
    let mut world = World::open(100_000);
    let (opens_at, closes_at) = (world.now.plus_seconds(10), world.now.plus_seconds(20));
    let terms = AuctionTerms {
        rule: Rule { allocation: Allocation::SeededLot, ..rule() }.into(),
        lot_commitment: Some(SECRET.commitment()),
        ..terms(
            AuctionKind::Call { market: MARKET, stock: None },
            opens_at.expect("fits"),
            closes_at.expect("fits"),
        )
    };
    let announce = Action::AnnounceAuction { auction: AuctionId(9), terms };
    assert_eq!(world.try_agree(announce), Err(Reject::LotSecretUsed));
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

/// One bid too many, and it is not looked for what would have won.
/// Rules: R-AUC-029.
#[test]
fn of_a_long_book_nobody_is_told_what_would_have_won() {
    for (bids, is_told) in [(10, true), (10_001, false)] {
        let mut world = World::open(1_000_000);
        world.bid(SUPPLIERS[0], CALL, sell(450, 1)).expect("accepted");
        world.bid(BUYERS[0], CALL, buy(500, 1)).expect("accepted");
        for _ in 2..bids {
            world.bid(BUYERS[1], CALL, buy(400, 1)).expect("accepted");
        }
        world.wait(hours(9));
        world.send(OPERATORS[0], Command::ClearAuction { auction: CALL, secret: None }).expect("cleared");
        let unfilled = &result(&world, CALL).unfilled;
        assert_eq!(unfilled.len(), bids - 2);
        let is_not = |bid: &Unfilled| bid.winning_limit == WinningLimit::NotLookedFor;
        assert!(unfilled.iter().all(|bid| is_not(bid) != is_told));
    }
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

/// Wins entitlements of 40 and 20 a month at a strike of 450.
fn with_entitlements(funded: i64) -> World {
    let mut world = World::open(funded);
    world.bid(SUPPLIERS[0], SUPPORT, sell(400, 40)).expect("accepted");
    world.bid(SUPPLIERS[1], SUPPORT, sell(450, 40)).expect("accepted");
    world.bid(SUPPLIERS[2], SUPPORT, sell(500, 40)).expect("accepted");
    world.wait(hours(9));
    world.send(OPERATORS[0], Command::ClearAuction { auction: SUPPORT, secret: None }).expect("cleared");
    world.wait(hours(24));
    world
}

/// Rules: R-AUC-049, R-AUC-090.
#[test]
fn a_support_auction_grants_entitlements_at_one_strike() {
    let world = with_entitlements(1_000_000);
    let cleared = result(&world, SUPPORT);
    assert_eq!((cleared.price(), cleared.volume()), (Some(price(450)), quantity(60)));
    // (450 − 300) × 60 × 6 months.
    assert_eq!(cleared.reserved, Some(dollars(54_000)));
    let granted: Vec<_> = world
        .events
        .iter()
        .filter_map(|event| match event {
            Event::EntitlementGranted { terms, .. } => {
                Some((terms.holder, terms.strike, terms.per_period, terms.reserved))
            }
            _ => None,
        })
        .collect();
    let holder = |identity: IdentityId| ParticipantId(identity.0);
    assert_eq!(
        granted,
        [
            (holder(SUPPLIERS[0]), price(450), quantity(40), dollars(36_000)),
            (holder(SUPPLIERS[1]), price(450), quantity(20), dollars(18_000)),
        ]
    );
    assert!(world.exchange.is_conserved());
}

/// Rules: R-AUC-007, R-AUC-088, R-MON-008.
#[test]
fn a_support_auction_that_asks_for_too_much_money_is_not_announced() {
    // (500 − 300) × 60 × 6 months = 72,000.
    let mut world = World::furnished(71_999);
    let opens_at = world.now.plus_seconds(1).expect("fits");
    let closes_at = world.now.plus_seconds(2).expect("fits");
    let kind = AuctionKind::Support { floor: FLOOR, per_period: quantity(60) };
    let announce = Action::AnnounceAuction { auction: SUPPORT, terms: terms(kind, opens_at, closes_at) };
    let short = Reject::ProgrammeShort { short: dollars(1) };
    assert_eq!(world.try_agree(announce.clone()), Err(short));
    world.agree(fund(dollars(1)));
    world.agree(announce);
    let grant = Action::GrantEntitlement {
        floor: FLOOR,
        holder: ParticipantId(SUPPLIERS[0].0),
        per_period: quantity(1),
    };
    let short = Reject::ProgrammeShort { short: dollars(1_200) };
    assert_eq!(world.try_agree(grant.clone()), Err(short), "the auction's budget is reserved");
    world.agree(Action::CancelAuction { auction: SUPPORT });
    world.agree(grant);
    assert!(world.exchange.is_conserved());
}

fn settle_on(month_number: u8, version: u64) -> Action {
    let period = month(2019, month_number).first_day();
    Action::Settle { floor: FLOOR, period, version: DataVersion(version) }
}

/// Rules: R-CFD-011, R-CFD-012, R-CFD-028.
#[test]
fn months_are_settled_in_order_on_published_prices() {
    let mut world = with_entitlements(1_000_000);
    let january_ends = month(2019, 1).end().expect("in reach");
    let not_over = Reject::PeriodNotOver { ends_at: january_ends };
    assert_eq!(world.settle(FLOOR, month(2019, 1)), Err(not_over));
    assert_eq!(world.publish(month(2019, 1), 400), Err(not_over));
    world.wait(hours(24 * 100));
    let first = month(2019, 1).first_day();
    let missing = Reject::NoReferencePrice { index: INDEX, from: first };
    assert_eq!(world.settle(FLOOR, month(2019, 1)), Err(missing));
    assert_eq!(world.settle(FLOOR, month(2019, 2)), Err(Reject::PeriodOutOfOrder { next: first }));
    let covered = Reject::PeriodNotCovered { first, last: month(2019, 6).last_day() };
    assert_eq!(world.settle(FLOOR, month(2019, 7)), Err(covered));
    for (number, published, paid_first) in [(1, 400, 40 * 50), (2, 450, 40 * 50), (3, 600, 40 * 50)] {
        world.publish(month(2019, number), published).expect("published");
        world.settle(FLOOR, month(2019, number)).expect("settled");
        // 400 is 50 below the strike of 450; at or above the strike nothing is paid.
        assert_eq!(world.cents(SUPPLIERS[0]), paid_first * 100);
        assert!(world.exchange.is_conserved());
    }
}

/// Rules: R-CFD-030.
#[test]
fn a_revised_price_is_settled_by_its_difference_and_a_repeated_run_posts_nothing() {
    let mut world = with_entitlements(1_000_000);
    world.wait(hours(24 * 40));
    let mut balances = Vec::new();
    let mut version = 0;
    for published in [Some(400), None, Some(410), Some(500), None] {
        if let Some(units) = published {
            world.publish(month(2019, 1), units).expect("published");
            version += 1;
        }
        world.agree(settle_on(1, version));
        assert!(world.exchange.is_conserved());
        balances.push(world.cents(SUPPLIERS[0]) / 100);
    }
    assert_eq!(balances, [40 * 50, 40 * 50, 40 * 40, 0, 0]);
    let deltas: Vec<_> = world
        .events
        .iter()
        .filter_map(|event| match event {
            Event::SettlementRunCompleted { run } => Some((run.number, run.version.0, run.posted)),
            _ => None,
        })
        .collect();
    assert_eq!(
        deltas,
        [
            (1, 1, dollars(3_000)),
            (2, 1, dollars(0)),
            (3, 2, dollars(-600)),
            (4, 3, dollars(-2_400)),
            (5, 3, dollars(0)),
        ]
    );
}

/// What the first operator proposed is what the second confirms, and runs never go back to older data.
/// Rules: R-CFD-029.
#[test]
fn a_price_that_was_revised_in_between_is_not_settled_on() {
    let mut world = with_entitlements(1_000_000);
    world.wait(hours(24 * 40));
    world.publish(month(2019, 1), 400).expect("published");
    let action = settle_on(1, 1);
    let command = world.send(OPERATORS[0], Command::Propose { action }).expect("proposed");
    world.publish(month(2019, 1), 410).expect("revised");
    let proposal = ProposalId { identity: OPERATORS[0], command };
    world.send(OPERATORS[1], Command::Confirm { proposal }).expect("confirmed");
    let Some(Event::SettlementRunCompleted { run }) = world.last() else { panic!("settled") };
    assert_eq!(
        (run.version, run.reference_price, run.posted),
        (DataVersion(1), Some(price(400)), dollars(3_000))
    );
    let unknown = Reject::UnknownVersion { latest: DataVersion(2) };
    assert_eq!(world.try_agree(settle_on(1, 3)), Err(unknown));
    world.agree(settle_on(1, 2));
    assert_eq!(world.try_agree(settle_on(1, 1)), Err(Reject::OlderVersion { settled: DataVersion(2) }));
}

/// Nobody is paid for a month whose prices were known when it was granted the entitlement.
/// Rules: R-CFD-025.
#[test]
fn an_entitlement_covers_months_that_have_not_begun() {
    let mut world = World::furnished(1_000_000);
    let holder = ParticipantId(SUPPLIERS[0].0);
    let grant = Action::GrantEntitlement { floor: FLOOR, holder, per_period: quantity(10) };
    let granted = |world: &World| match world.last() {
        Some(Event::EntitlementGranted { terms, .. }) => (terms.first, terms.reserved),
        other => panic!("{other:?}"),
    };
    world.agree(grant.clone());
    // (500 − 300) × 10 × 6 months, and from the second half of March on, 3 months.
    assert_eq!(granted(&world), (month(2019, 1).first_day(), dollars(12_000)));
    world.wait(hours(24 * 80));
    world.agree(grant.clone());
    assert_eq!(granted(&world), (month(2019, 4).first_day(), dollars(6_000)));
    // The later one has no line for January.
    world.publish(month(2019, 1), 400).expect("published");
    world.settle(FLOOR, month(2019, 1)).expect("settled");
    let Some(Event::SettlementRunCompleted { run }) = world.last() else { panic!("settled") };
    assert_eq!(run.lines.len(), 1);
    assert!(world.exchange.is_conserved());
    world.wait(hours(24 * 80));
    assert_eq!(world.try_agree(grant), Err(Reject::FloorOver), "in June nothing is left that has not begun");
}

/// Rules: R-MON-044.
#[test]
fn a_revoked_operators_proposal_is_nobodys() {
    let mut world = World::founded();
    let third = IdentityId(99);
    world.agree(Action::AddIdentity { identity: third, participant: ParticipantId(1) });
    let action = Action::DefineMarket { market: MARKET, terms: market() };
    let command = world.send(third, Command::Propose { action }).expect("proposed");
    world.agree(Action::RevokeIdentity { identity: third });
    let proposal = ProposalId { identity: third, command };
    let confirmed = world.send(OPERATORS[0], Command::Confirm { proposal });
    assert_eq!(confirmed, Err(Reject::IdentityRevoked));
}

/// A capped programme pays what it has, pro rata, and carries the rest until it is funded.
/// Rules: R-MON-010, R-MON-011, R-MON-013.
#[test]
fn a_capped_programme_pays_what_it_has_and_the_rest_when_it_is_funded() {
    let mut world = with_entitlements(72_000);
    world.wait(hours(24 * 40));
    // Below the stress price of 300: 450 − 0 on 60, against (450 − 300) × 60 reserved and 18,000 free.
    world.publish(month(2019, 1), 0).expect("published");
    world.settle(FLOOR, month(2019, 1)).expect("settled");
    world.wait(hours(24 * 40));
    world.publish(month(2019, 2), 0).expect("published");
    world.settle(FLOOR, month(2019, 2)).expect("settled");
    let claims = |world: &World| {
        let claims = world
            .exchange
            .ledger()
            .balances()
            .filter(|(_, account, _)| matches!(account, Account::Claims(_)));
        claims.map(|(.., balance)| balance).sum::<i128>() / 1_000_000
    };
    assert_eq!(claims(&world), 18_000);
    world.agree(fund(dollars(10_000)));
    assert_eq!(claims(&world), 8_000);
    world.agree(fund(dollars(10_000)));
    assert_eq!(claims(&world), 0);
    assert_eq!(
        world.exchange.ledger().balance(Currency::Usd, Account::ProgrammeFree(PROGRAMME)),
        2_000_000_000
    );
    assert!(world.exchange.is_conserved());
}

/// Rules: R-CFD-033.
#[test]
fn an_amount_is_cut_to_the_cent_and_the_rest_stands_in_the_account_rounding() {
    use golv_engine::ledger::Account;
    let mut world = with_entitlements(1_000_000);
    world.wait(hours(24 * 40));
    let published = "449.999875".parse().expect("a price");
    world.send(PUBLISHER, publish(INDEX, month(2019, 1).last_day(), published)).expect("published");
    world.settle(FLOOR, month(2019, 1)).expect("settled");
    // 0.000125 × 40 = 0.005, half a cent, to the even 0.00; 0.000125 × 20 = 0.0025, to 0.00.
    assert_eq!(world.cents(SUPPLIERS[0]), 0);
    assert_eq!(world.exchange.ledger().balance(Currency::Usd, Account::Rounding), 7_500);
    assert!(world.exchange.is_conserved());
}

/// Rules: R-MON-003.
#[test]
fn funding_is_positive_whole_and_in_the_programmes_currency() {
    let mut world = World::furnished(1);
    let mut fund = |amount: Money| world.try_agree(fund(amount));
    assert_eq!(fund(dollars(0)), Err(Reject::AmountNotPayable));
    assert_eq!(fund(dollars(-1)), Err(Reject::AmountNotPayable));
    assert_eq!(fund(Money { currency: Currency::Usd, millionths: 1 }), Err(Reject::AmountNotPayable));
    assert_eq!(fund(Money { currency: Currency::Eur, millionths: 1_000_000 }), Err(Reject::OtherCurrency));
    assert_eq!(
        fund(Money { currency: Currency::Usd, millionths: i64::MAX / 10_000 * 10_000 }),
        Err(Reject::AmountTooLarge)
    );
}

/// Another publisher has indices of its own.
/// Rules: R-CFD-013.
#[test]
fn nobody_publishes_anothers_index() {
    let mut world = World::furnished(1);
    let (identity, participant) = (IdentityId(20), ParticipantId(20));
    world.agree(Action::RegisterParticipant {
        participant,
        name: "Another publisher".parse().expect("a name"),
        owner_group: OwnerGroup(20),
        roles: [Role::Publisher].into(),
    });
    world.agree(Action::AddIdentity { identity, participant });
    world.wait(hours(24 * 40));
    let january = publish(INDEX, month(2019, 1).last_day(), price(400));
    assert_eq!(world.send(identity, january.clone()), Err(Reject::OtherPublisher));
    world.send(PUBLISHER, january).expect("published");
}

/// Rules: R-AUC-091, R-CFD-013.
#[test]
fn a_floor_and_an_index_fit_their_market() {
    let mut world = World::furnished(1);
    let set = |terms| Action::SetFloor { floor: FloorId(2), terms };
    let terms = floor_terms;
    let mut refused = |action| world.try_agree(action).expect_err("refused");
    assert_eq!(refused(Action::SetFloor { floor: FLOOR, terms: terms() }), Reject::FloorTaken);
    let mut floor = terms();
    floor.price = price(505);
    assert_eq!(refused(set(floor)), Reject::FloorPrice);
    let mut floor = terms();
    floor.stress_price = floor.price;
    assert_eq!(refused(set(floor)), Reject::FloorPrice);
    let mut floor = terms();
    floor.last = month(2018, 12);
    assert_eq!(refused(set(floor)), Reject::FloorMonths);
    let mut floor = terms();
    floor.first = month(1600, 1);
    assert_eq!(refused(set(floor)), Reject::FloorMonths, "out of the reach of an instant");
    let mut floor = terms();
    floor.origins.clear();
    assert_eq!(refused(set(floor)), Reject::FloorOrigins { most: 256 });
    let index = |currency, publisher| Action::DefineIndex {
        index: IndexId(2),
        terms: IndexTerms {
            name: "Other".parse().expect("a name"),
            currency: Some(currency),
            publisher,
            guard: None,
        },
    };
    assert_eq!(refused(index(Currency::Usd, ParticipantId(BUYERS[0].0))), Reject::NotAPublisher);
    world.agree(index(Currency::Eur, ParticipantId(PUBLISHER.0)));
    let mut floor = terms();
    floor.index = IndexId(2);
    assert_eq!(world.try_agree(set(floor)), Err(Reject::OtherCurrency));
}
