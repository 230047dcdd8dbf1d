//! What holds whatever happens: random commands against the rules that every part of the engine keeps.

use std::collections::BTreeSet;

use crate::common::OPERATORS;
use crate::common::steps::{KEYS, Tried, a_step};
use golv_engine::command::Command;
use golv_engine::event::{Event, EventCounts};
use golv_engine::id::*;
use golv_engine::key::KeyFingerprint;
use golv_engine::time::Instant;
use golv_engine::{Exchange, Mode, RulesVersion};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Conservation, refusals and repetitions, checked at each step; and then the journal is replayed.
    /// Rules: R-MON-001.
    #[test]
    fn whatever_is_tried_the_rules_hold_and_replay_agrees(steps in prop::collection::vec(a_step(), 0..120)) {
        let Tried { mut world, .. } = Tried::new(&steps);
        for participant in (0..12).map(ParticipantId) {
            // Some are not there, or stopped already, and the operator may be nobody any more.
            let _ = world.send(OPERATORS[0], Command::Halt { participant });
        }
        let mut replayed = Exchange::new(Mode::Rehearsal, RulesVersion::NEWEST);
        let mut events = Vec::new();
        for (sequence, line) in (1_u64..).zip(&world.journal) {
            let (speakers, happened) = (speakers(&replayed, line.at), events.len());
            // The answers are the first time's; their digests are compared below.
            let _ = replayed.apply(Sequence(sequence), line.at, line.sender, line.id, &line.command, &mut events);
            // Sessions are looked at again after such an event, and after no other.
            let is_told = events[happened..].iter().any(Event::changes_keys);
            prop_assert!(is_told || speakers == self::speakers(&replayed, line.at), "{:?}", line.command);
        }
        prop_assert_eq!(replayed.state_digest(), world.exchange.state_digest());
        prop_assert_eq!(&events, &world.events);
        // Counting events by audience gives everybody's count.
        let mut counts = EventCounts::default();
        events.iter().for_each(|event| counts.add(event));
        for (reader, reads_all) in (0_u32..12).flat_map(|id| [(ParticipantId(id), false), (ParticipantId(id), true)]) {
            let shown = events.iter().filter(|event| event.is_shown_to(reader, reads_all)).count();
            prop_assert_eq!(counts.shown_to(reader, reads_all), u64::try_from(shown).expect("few"));
        }
        prop_assert_eq!(replayed.sequence(), world.exchange.sequence());
    }
}

/// For whom each key speaks, whether it reads all, and until when.
fn speakers(exchange: &Exchange, at: Instant) -> Vec<String> {
    let speaker = |key| {
        let key = KeyFingerprint([key; 32]);
        let who = exchange.who(key, at);
        let who = who.map(|speaker| (speaker.identity, speaker.participant, speaker.reads_all));
        format!("{who:?} {:?}", exchange.key_ends_at(key))
    };
    (0..KEYS).map(speaker).collect()
}

/// The generator above is worth something only if it reaches what is hard to reach.
#[test]
fn the_generator_reaches_the_interesting_branches() {
    let mut runner = TestRunner::deterministic();
    let steps = prop::collection::vec(a_step(), 120);
    let mut seen = BTreeSet::new();
    for _ in 0..1_500 {
        let steps = steps.new_tree(&mut runner).expect("a tree").current();
        seen.extend(Tried::new(&steps).seen);
    }
    for wanted in [
        "Cleared",
        "AwardAccepted",
        "BondForfeited",
        "ReserveCalled",
        "BondShort",
        "CollateralShort",
        "NoAwardOffered",
        "OfferNotTaken",
        "DetailsNotTaken",
        "StrikeAboveCeiling",
        "ClearedEmpty",
        "Drawn",
        "DrawSecret",
        "StrikeMissing",
        "AuctionFinalised",
        "EntitlementGranted",
        "Paid",
        "Reconciled",
        "BidReplaced",
        "BidWithdrawn",
        "ProgrammeShort",
        "PeriodOutOfOrder",
        "TooLate",
        "WrongSide",
        "PriceOffTick",
        "OriginNotEligible",
        "StrikeAboveFloor",
        "SameOperator",
        "UnknownBid",
        "NotPermitted",
        "ParticipantSuspended",
        "UnknownSender",
    ] {
        assert!(seen.contains(wanted), "{wanted} was never reached: {seen:?}");
    }
}
