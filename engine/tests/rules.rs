//! The rules of the exchange, told case by case in the order of a market's life.

mod auctions;
mod programmes;

use crate::common::*;
use golv_engine::auction::{AuctionKind, AuctionTerms, DrawSecret, Unfilled, WinningLimit};
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

fn result(world: &World, wanted: AuctionId) -> &golv_engine::auction::AuctionResult {
    let found = world.events.iter().find_map(|event| match event {
        Event::AuctionCleared { auction, result, .. } if *auction == wanted => Some(result),
        _ => None,
    });
    found.expect("cleared")
}
