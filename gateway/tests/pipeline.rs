//! The pipeline: one order, durable before visible, asked twice and done once, and back from the journal as it was.

use std::collections::BTreeSet;
use std::num::NonZeroU32;

use golv_engine::auction::{AuctionKind, AuctionTerms};
use golv_engine::clearing::{Allocation, Candidates, Criterion, Rule};
use golv_engine::command::{Action, Command, Operator};
use golv_engine::event::Event;
use golv_engine::id::{AuctionId, CommandId, IdentityId, MarketId, ParticipantId, ProposalId};
use golv_engine::market::{Market, Unit};
use golv_engine::num::{Currency, Price, Quantity};
use golv_engine::reject::Reject;
use golv_engine::time::Instant;
use golv_gateway::pipeline::{
    Creation, LocalSession, Message, Pipeline, QUEUE_CAPACITY, SubmitError, Waiting,
};

const OPERATORS: [IdentityId; 2] = [IdentityId(1), IdentityId(2)];

fn founding() -> Command {
    let name = "The centre".parse().expect("a name");
    Command::Found {
        participant: ParticipantId(1),
        name,
        operators: OPERATORS.map(|id| Operator::local(id.0)),
    }
}

fn rehearsal() -> Creation {
    Creation::Rehearsal { seed: 1, start: Instant::at_midnight(2019, 1, 1).expect("a day") }
}

/// Sends a command again while the exchange is busy, and waits for its answer.
fn submit(session: &mut LocalSession, sender: IdentityId, id: u64, command: &Command) -> golv_engine::Answer {
    while session.send(sender, CommandId(id), command.clone()) == Err(SubmitError::Busy) {
        std::thread::yield_now();
    }
    loop {
        let Message::Answered { answers, .. } = session.receive().expect("running") else { continue };
        let own = answers.iter().find(|answered| (answered.sender, answered.id) == (sender, CommandId(id)));
        if let Some(answered) = own {
            return answered.answer;
        }
    }
}

fn set_clock(hours: u32) -> Command {
    let start = Instant::at_midnight(2019, 1, 1).expect("a day");
    Command::SetClock { to: start.plus_seconds(hours * 3600).expect("fits") }
}

#[test]
fn sessions_at_once_get_each_answer_once_and_one_order() {
    let dir = tempfile::tempdir().expect("a directory");
    let pipeline = Pipeline::create(dir.path(), rehearsal(), founding(), Waiting::Park).expect("created");
    // Refused commands are journalled and ordered like any other.
    let refused =
        Command::WithdrawProposal { proposal: ProposalId { identity: OPERATORS[0], command: CommandId(0) } };
    let each = 500;
    let sequences: Vec<u64> = std::thread::scope(|scope| {
        let workers: Vec<_> = OPERATORS
            .map(|sender| {
                let mut session = pipeline.connect().expect("running");
                let refused = &refused;
                scope.spawn(move || -> Vec<u64> {
                    (1..=each).map(|id| submit(&mut session, sender, id, refused).sequence.0).collect()
                })
            })
            .into();
        workers.into_iter().flat_map(|worker| worker.join().expect("no panic")).collect()
    });
    // The founding command was the first.
    let expected: BTreeSet<u64> = (2..=1 + 2 * each).collect();
    assert_eq!(sequences.len(), expected.len());
    assert_eq!(sequences.into_iter().collect::<BTreeSet<_>>(), expected);
    let before = pipeline.stop().expect("stopped");
    let (reopened, _) = Pipeline::open(dir.path(), Waiting::Park).expect("opened");
    assert_eq!(reopened.stop().expect("stopped"), before);
}

#[test]
fn asked_again_after_a_restart_a_command_is_answered_as_at_first() {
    let dir = tempfile::tempdir().expect("a directory");
    let pipeline = Pipeline::create(dir.path(), rehearsal(), founding(), Waiting::Park).expect("created");
    let mut session = pipeline.connect().expect("running");
    let first = submit(&mut session, OPERATORS[0], 5, &set_clock(1));
    assert_eq!(first.outcome, Ok(()));
    let before = pipeline.stop().expect("stopped");
    assert_eq!(session.send(OPERATORS[0], CommandId(6), set_clock(2)), Err(SubmitError::Disconnected));

    let (pipeline, _) = Pipeline::open(dir.path(), Waiting::Park).expect("opened");
    let mut session = pipeline.connect().expect("running");
    assert_eq!(submit(&mut session, OPERATORS[0], 5, &set_clock(1)), first);
    let other = submit(&mut session, OPERATORS[0], 5, &set_clock(2));
    assert_eq!(other.outcome, Err(Reject::IdReused));
    // The clock that was set before the restart counts after it.
    let now = Instant::at_midnight(2019, 1, 1).and_then(|start| start.plus_seconds(3600)).expect("fits");
    let back = submit(&mut session, OPERATORS[0], 6, &set_clock(0));
    assert_eq!(back.outcome, Err(Reject::ClockBackwards { now }));
    let after = pipeline.stop().expect("stopped");
    assert_eq!(after.state, before.state, "a command sent again and refusals change no state");
    assert_ne!(after.chain, before.chain, "but they are in the chain");
}

#[test]
fn a_session_that_does_not_read_is_dropped_and_nobody_waits_for_it() {
    let dir = tempfile::tempdir().expect("a directory");
    let pipeline = Pipeline::create(dir.path(), rehearsal(), founding(), Waiting::Park).expect("created");
    let mut slow = pipeline.connect().expect("running");
    let mut quick = pipeline.connect().expect("running");
    let commands = u64::try_from(QUEUE_CAPACITY).expect("small") + 10;
    // Sent in windows, so that a batch flushes many.
    let window = 512;
    let mut answered = 0;
    let answers = |session: &mut LocalSession| match session.receive().expect("not dropped") {
        Message::Answered { answers, .. } => answers.len() as u64,
        _ => 0,
    };
    for id in 1..=commands {
        while quick.send(OPERATORS[0], CommandId(id), set_clock(1)) == Err(SubmitError::Busy) {
            std::thread::yield_now();
        }
        while id - answered >= window {
            answered += answers(&mut quick);
        }
    }
    while answered < commands {
        answered += answers(&mut quick);
    }
    let mut kept = 0;
    while slow.receive().is_ok() {
        kept += 1;
    }
    assert_eq!(kept, QUEUE_CAPACITY, "what had gathered is still there, and then the queue is closed");
    pipeline.stop().expect("stopped");
}

/// A live exchange opens an auction at its time although nobody sends anything.
#[test]
fn a_live_exchange_ticks_by_itself() {
    let dir = tempfile::tempdir().expect("a directory");
    let pipeline = Pipeline::create(dir.path(), Creation::Live, founding(), Waiting::Park).expect("created");
    let mut session = pipeline.connect().expect("running");
    let mut agree = |id: u64, action: Action| {
        submit(&mut session, OPERATORS[0], id, &Command::Propose { action }).outcome.expect("proposed");
        let proposal = ProposalId { identity: OPERATORS[0], command: CommandId(id) };
        submit(&mut session, OPERATORS[1], id, &Command::Confirm { proposal }).outcome.expect("confirmed");
    };
    let price = |units| Price::from_units(units).expect("fits");
    let terms = Market {
        name: "Lithium".parse().expect("a name"),
        unit: Unit::Tonne,
        currency: Currency::Eur,
        lot: Quantity::from_units(1).expect("fits"),
        tick: price(1),
        lowest: price(1),
        highest: price(10),
        largest: Quantity::from_units(10).expect("fits"),
    };
    agree(1, Action::DefineMarket { market: MarketId(1), terms });
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    let now = Instant(i64::try_from(now.as_nanos()).expect("before 2262"));
    let terms = AuctionTerms {
        kind: AuctionKind::Call { market: MarketId(1), stock: None },
        opens_at: now.plus_seconds(1).expect("fits"),
        closes_at: now.plus_seconds(2).expect("fits"),
        challenge_seconds: NonZeroU32::new(60).expect("positive"),
        rule: Rule::new(
            Candidates::Limits,
            vec![Criterion::MostVolume, Criterion::Highest],
            Allocation::ProRata,
        )
        .into(),
        draw_commitment: None,
    };
    agree(2, Action::AnnounceAuction { auction: AuctionId(1), terms });
    let mut happened = Vec::new();
    while !happened.contains(&Event::AuctionClosed { auction: AuctionId(1) }) {
        if let Message::Happened { batch: events, .. } = session.receive().expect("running") {
            happened.extend(events.iter().map(|happened| happened.event.clone()));
        }
    }
    assert!(happened.contains(&Event::AuctionOpened { auction: AuctionId(1) }));
    let before = pipeline.stop().expect("stopped");
    let (reopened, _) = Pipeline::open(dir.path(), Waiting::Park).expect("opened");
    assert_eq!(reopened.stop().expect("stopped"), before);
}

/// A founding command that the engine refuses creates nothing, and the directory can be used again.
#[test]
fn what_cannot_be_founded_leaves_no_journal() {
    let dir = tempfile::tempdir().expect("a directory");
    let name = "The centre".parse().expect("a name");
    let twice = [Operator::local(1), Operator::local(1)];
    let wrong = Command::Found { participant: ParticipantId(1), name, operators: twice };
    let error = Pipeline::create(dir.path(), rehearsal(), wrong, Waiting::Park).err().expect("refused");
    assert!(error.to_string().contains("id is taken"), "{error}");
    let pipeline = Pipeline::create(dir.path(), rehearsal(), founding(), Waiting::Park).expect("created");
    pipeline.stop().expect("stopped");
}

/// Killed before the founding command was written: nothing can be done with what is left, and the error says so.
#[test]
fn a_journal_that_was_never_founded_is_named() {
    let dir = tempfile::tempdir().expect("a directory");
    let pipeline = Pipeline::create(dir.path(), rehearsal(), founding(), Waiting::Park).expect("created");
    pipeline.stop().expect("stopped");
    // The header alone.
    let segment = std::fs::OpenOptions::new().write(true).open(dir.path().join("00000001.journal"));
    segment.expect("a segment").set_len(128).expect("cut");
    let error = Pipeline::open(dir.path(), Waiting::Park).err().expect("refused").to_string();
    assert!(error.contains("never founded"), "{error}");
}
