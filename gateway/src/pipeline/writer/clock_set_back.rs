//! A system clock that is set back: time stands still, and what is due comes once, at its time.

use std::num::NonZeroU32;
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};

use golv_engine::auction::{AuctionKind, AuctionTerms};
use golv_engine::clearing::{Allocation, Candidates, Criterion, Rule};
use golv_engine::command::{Action, Operator};
use golv_engine::event::Event;
use golv_engine::id::{AuctionId, MarketId, ParticipantId, ProposalId};
use golv_engine::market::{Market, Unit};
use golv_engine::num::{Currency, Price, Quantity};
use golv_journal::{Content, scan};
use golv_protocol::batch::Batch;

use super::*;
use crate::pipeline::{LocalSession, Message, Pipeline};

const OPERATORS: [IdentityId; 2] = [IdentityId(1), IdentityId(2)];

/// What the clock shows in this test.
static CLOCK: AtomicI64 = AtomicI64::new(0);

fn clock() -> Instant {
    Instant(CLOCK.load(Ordering::SeqCst))
}

/// Far ahead of the system's clock, with which the exchange is founded.
fn minutes(minutes: u32) -> Instant {
    Instant::at_midnight(2100, 1, 1).and_then(|day| day.plus_seconds(60 * minutes)).expect("fits")
}

fn set_clock(to: Instant) {
    CLOCK.store(to.0, Ordering::SeqCst);
}

fn start(mut writer: Writer, clock: fn() -> Instant) -> (Pipeline, LocalSession) {
    writer.clock = Clock::Live(clock);
    let pipeline = Pipeline::start(writer, Path::new("nowhere"), Waiting::Park);
    let session = pipeline.connect().expect("running");
    (pipeline, session)
}

fn reopen(dir: &Path, clock: fn() -> Instant) -> (Pipeline, LocalSession) {
    start(Writer::open(dir).expect("a journal").0, clock)
}

fn submit(session: &mut LocalSession, sender: IdentityId, id: u64, command: Command) -> Result<(), Reject> {
    session.send(sender, CommandId(id), command).expect("taken");
    loop {
        if let Message::Answered { answers, .. } = session.receive().expect("running") {
            return answers[0].answer.outcome;
        }
    }
}

/// Some command, which is refused and changes nothing.
fn ask(session: &mut LocalSession, id: u64) {
    let proposal = ProposalId { identity: OPERATORS[0], command: CommandId(0) };
    let refused = submit(session, OPERATORS[1], id, Command::WithdrawProposal { proposal });
    assert_eq!(refused, Err(Reject::UnknownProposal { proposal }));
}

fn agree(session: &mut LocalSession, id: u64, action: Action) {
    submit(session, OPERATORS[0], id, Command::Propose { action }).expect("proposed");
    let proposal = ProposalId { identity: OPERATORS[0], command: CommandId(id) };
    submit(session, OPERATORS[1], id, Command::Confirm { proposal }).expect("confirmed");
}

fn market() -> Market {
    let price = |units| Price::from_units(units).expect("fits");
    Market {
        name: "Lithium".parse().expect("a name"),
        unit: Unit::Tonne,
        currency: Currency::Eur,
        lot: Quantity::from_units(1).expect("fits"),
        tick: price(1),
        lowest: price(1),
        highest: price(10),
        largest: Quantity::from_units(10).expect("fits"),
    }
}

fn auction(opens_at: u32, closes_at: u32) -> AuctionTerms {
    AuctionTerms {
        kind: AuctionKind::Call { market: MarketId(1), stock: None },
        opens_at: minutes(opens_at),
        closes_at: minutes(closes_at),
        challenge_seconds: NonZeroU32::new(60).expect("positive"),
        rule: Rule::new(
            Candidates::Limits,
            vec![Criterion::MostVolume, Criterion::Highest],
            Allocation::ProRata,
        )
        .into(),
        draw_commitment: None,
    }
}

/// Stamps and kinds of all commands in a journal, and what moved on by itself.
fn journalled(dir: &Path) -> (Vec<(Instant, &'static str)>, Vec<Event>) {
    let mut reader = scan(dir).expect("a journal");
    let mut replay = Replay::new(reader.header()).expect("the founding");
    let (mut commands, mut moved) = (Vec::new(), Vec::new());
    while let Some(frame) = reader.next_frame().expect("the disk works") {
        if let Content::Batch { payload, .. } = frame.content {
            let batch = Batch::<Command>::decode(payload).expect("a batch");
            let at = batch.header.at;
            commands.extend(batch.entries.iter().map(|entry| (at, entry.command.name())));
        }
        replay.frame(&frame).expect("it replays to its own chain");
        let happened = replay.happened().iter().map(|happened| happened.event.clone());
        moved.extend(
            happened
                .filter(|event| matches!(event, Event::AuctionOpened { .. } | Event::AuctionClosed { .. })),
        );
    }
    (commands, moved)
}

#[test]
fn a_clock_that_is_set_back_stops_time_and_never_turns_it() {
    let dir = tempfile::tempdir().expect("a directory");
    let name = "The centre".parse().expect("a name");
    let operators = OPERATORS.map(|id| Operator::local(id.0));
    let founding = Command::Found { participant: ParticipantId(1), name, operators };
    let writer = Writer::create(dir.path(), Creation::Live, 2048, founding).expect("created");
    set_clock(minutes(0));
    let (pipeline, mut session) = start(writer, clock);
    agree(&mut session, 1, Action::DefineMarket { market: MarketId(1), terms: market() });
    for (id, terms) in [(2, auction(60, 180)), (3, auction(120, 240))] {
        let number = AuctionId(u32::try_from(id).expect("small"));
        agree(&mut session, id, Action::AnnounceAuction { auction: number, terms });
    }

    // The first opens, and then the clock is set back by an hour to before it did.
    set_clock(minutes(90));
    ask(&mut session, 11);
    set_clock(minutes(30));
    ask(&mut session, 12);
    ask(&mut session, 13);
    set_clock(minutes(95));
    ask(&mut session, 14);
    // Set back again, and the exchange is started with a journal whose last stamp is ahead of the clock.
    set_clock(minutes(35));
    pipeline.stop().expect("stopped");
    let (pipeline, mut session) = reopen(dir.path(), clock);
    ask(&mut session, 15);
    set_clock(minutes(119));
    ask(&mut session, 16);
    pipeline.stop().expect("stopped");
    // It is down while the second opens, the first closes, and the second closes.
    set_clock(minutes(300));
    let (pipeline, mut session) = reopen(dir.path(), clock);
    ask(&mut session, 17);
    pipeline.stop().expect("stopped");
    // Behind by many years.
    let (pipeline, mut session) = reopen(dir.path(), system_now);
    ask(&mut session, 18);
    pipeline.stop().expect("stopped");

    let (commands, moved) = journalled(dir.path());
    // The founding command, and three times a proposal with its confirmation.
    let (furnished, commands) = commands.split_at(7);
    assert!(furnished[1..].iter().all(|(at, _)| *at == minutes(0)), "{furnished:?}");
    let (tick, asked) = (Command::Tick.name(), "WithdrawProposal");
    let expected = [
        (90, tick),
        (90, asked),
        (90, asked),
        (90, asked),
        (95, asked),
        (95, asked),
        (119, asked),
        (300, tick),
        (300, asked),
        (300, asked),
    ];
    assert_eq!(commands, expected.map(|(at, name)| (minutes(at), name)));
    let [first, second] = [AuctionId(2), AuctionId(3)];
    let expected = [
        Event::AuctionOpened { auction: first },
        Event::AuctionOpened { auction: second },
        Event::AuctionClosed { auction: first },
        Event::AuctionClosed { auction: second },
    ];
    assert_eq!(moved, expected);
}
