//! What is fuzzed, one function a target. Each takes any bytes, and panics if a promise is broken.
//!
//! `cargo fuzz run TARGET --features libfuzzer` searches; `cargo test` replays what it has found so far, and
//! the seeds, from `corpus/`.

use std::time::Duration;

use golv_engine::command::Command;
use golv_engine::digest::Digest;
use golv_engine::id::{CommandId, IdentityId, ParticipantId, Sequence};
use golv_engine::time::Instant;
use golv_engine::{Answer, Exchange, Mode, RulesVersion, Speaker};
use golv_gateway::pipeline::{Answered, Claim, History, Message, Pipeline, Waiting};
use golv_gateway::server::session::{Request, Session};
use golv_journal::replay::Replay;
use golv_protocol::batch::{Batch, BatchWriter, Entry};
use golv_protocol::frame::write_frame;
use golv_protocol::message::{ClientMessage, PROTOCOL, Position};

/// A target's name and body.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: [Target; 4] =
    [("codec", codec), ("recovery", recovery), ("commands", commands), ("session", session)];

/// Any bytes either decode to a value that encodes to the same bytes, or are refused.
pub fn codec(input: &[u8]) {
    if let Ok(command) = golv_protocol::decode::<Command>(input) {
        let mut encoded = Vec::new();
        golv_protocol::encode(&command, &mut encoded).expect("what was decoded can be encoded");
        // A set of roles may arrive unordered or doubled, and leaves in order: then it is stable.
        let again = golv_protocol::decode::<Command>(&encoded).expect("what was encoded decodes");
        assert_eq!(again, command);
    }
    if let Ok(batch) = Batch::<Command>::decode(input) {
        let mut writer = BatchWriter::new(batch.header);
        for entry in &batch.entries {
            if !writer.push(entry).expect("an entry that was decoded can be encoded") {
                return;
            }
        }
        let again = Batch::<Command>::decode(writer.payload()).expect("what was encoded decodes");
        assert_eq!(again.entries, batch.entries);
    }
}

/// Any bytes as a segment are read to a verdict, replayed as far as they are whole, and, where they open,
/// come back the same after the journal was sealed.
pub fn recovery(input: &[u8]) {
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::write(dir.path().join("00000001.journal"), input).expect("written");
    let Ok(mut reader) = golv_journal::scan(dir.path()) else { return };
    let Ok(mut replay) = Replay::new(reader.header()) else { return };
    let mut replays = true;
    while let Some(frame) = reader.next_frame().expect("a file can be read") {
        replays = replays && replay.frame(&frame).is_ok();
    }
    reader.finish().expect("a file can be read");
    if !replays {
        return;
    }
    let scanned = replay.finish();
    if let Ok((pipeline, _)) = Pipeline::open(dir.path(), Waiting::Park) {
        // A rehearsal whose auctions are due goes on by itself, and then it is further than was scanned.
        let idle = scanned.exchange.next_due().is_none_or(|due| due > scanned.now);
        let stopped = pipeline.stop().expect("a journal that was opened can be sealed");
        if idle && scanned.exchange.mode() == Mode::Rehearsal {
            assert_eq!(stopped.state, scanned.exchange.state_digest());
            assert_eq!(stopped.chain, scanned.chain);
        }
    }
}

/// Any bytes as a list of commands, each `sender u8 | seconds u8 | length u16 | command`, on a rehearsal:
/// a refusal changes nothing, money is conserved, and replay gives the same.
pub fn commands(input: &[u8]) {
    let mut lines = Vec::new();
    let mut now = golv_sim::day::start();
    let mut exchange = Exchange::new(Mode::Rehearsal, RulesVersion::NEWEST);
    let mut rest = input;
    while let [sender, seconds, low, high, tail @ ..] = rest {
        let length = usize::from(u16::from_le_bytes([*low, *high])).min(tail.len());
        let (command, tail) = tail.split_at(length);
        rest = tail;
        let Ok(command) = golv_protocol::decode::<Command>(command) else { continue };
        let Some(later) = now.plus_seconds(u32::from(*seconds)) else { return };
        now = later;
        let sender = IdentityId(u32::from(*sender));
        if let (Command::SetClock { to }, Ok(())) =
            (&command, apply(&mut exchange, &mut lines, now, sender, &command))
        {
            now = *to;
        }
        while exchange.next_due().is_some_and(|due| due <= now) {
            apply(&mut exchange, &mut lines, now, IdentityId::SYSTEM, &Command::Tick).expect("never refused");
        }
    }
    let mut replayed = Exchange::new(Mode::Rehearsal, RulesVersion::NEWEST);
    for (sequence, (at, sender, command)) in (1..).zip(lines) {
        // The answers are the first time's.
        let _ =
            replayed.apply(Sequence(sequence), at, sender, CommandId(sequence), &command, &mut Vec::new());
    }
    assert_eq!(replayed.state_digest(), exchange.state_digest());
}

fn apply(
    exchange: &mut Exchange,
    lines: &mut Vec<(Instant, IdentityId, Command)>,
    now: Instant,
    sender: IdentityId,
    command: &Command,
) -> Result<(), golv_engine::reject::Reject> {
    let sequence = exchange.sequence().0 + 1;
    let before = exchange.state_digest();
    lines.push((now, sender, command.clone()));
    let mut events = Vec::new();
    let outcome = exchange.apply(Sequence(sequence), now, sender, CommandId(sequence), command, &mut events);
    if outcome.is_err() {
        assert_eq!(exchange.state_digest(), before, "a refusal changes no state");
        assert!(events.is_empty());
    }
    assert!(exchange.is_conserved());
    outcome
}

/// Any bytes after a logon either end the session or are requests in its own identity's name; memory stays bounded.
pub fn session(input: &[u8]) {
    let now = Duration::ZERO;
    let speaker = Speaker {
        identity: IdentityId(7),
        participant: ParticipantId(7),
        reads_all: false,
        highest: CommandId(0),
    };
    let mut session = Session::new(now);
    let mut logon = Vec::new();
    write_frame(&ClientMessage::Logon { protocol: PROTOCOL, events_seen: 0, acknowledged: None }, &mut logon)
        .expect("short");
    session.receive(&logon, now);
    assert_eq!(session.next_request(), Some(Request::LogOn(Claim::default())));
    let position = Position { sequence: Sequence(1), chain: Digest([0; 32]) };
    session.told(Message::LoggedOn { speaker, events: 0, position, history: History::default() });
    for bytes in input.chunks(61) {
        session.receive(bytes, now);
        while let Some(request) = session.next_request() {
            let Request::Submit { sender, id, .. } = request else { panic!("a second logon") };
            assert_eq!(sender, speaker.identity);
            if id.0 % 3 == 0 {
                session.busy(id);
            } else {
                let answer = Answer { sequence: Sequence(1), outcome: Ok(()) };
                let answers = [Answered { sender, id, answer }].into();
                session.told(Message::Answered { answers, position });
            }
        }
        session.output().clear();
        if session.closed().is_some() {
            assert!(!session.wants_input());
            return;
        }
    }
}

/// An entry as the `commands` target reads it.
pub fn record(entry: &Entry<Command>, seconds: u8) -> Vec<u8> {
    let mut command = Vec::new();
    golv_protocol::encode(&entry.command, &mut command).expect("a command fits in a message");
    let length = u16::try_from(command.len()).expect("a command of the day is short");
    let sender = u8::try_from(entry.sender.0).expect("the day's senders are few");
    [&[sender, seconds][..], &length.to_le_bytes(), &command].concat()
}
