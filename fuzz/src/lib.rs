//! What is fuzzed, one function a target. Each takes any bytes, and panics if a promise is broken.
//!
//! `.ci/fuzz SECONDS TARGET` searches; `cargo test` replays the seeds and what was found so far, from `corpus/`. What each
//! promises, for how long it was run and what it found is in `docs/testing/fuzzing.md`.

mod bytes;
pub mod clearing;
pub mod client;
pub mod commands;
pub mod everything;
pub mod matching;
pub mod settling;
pub mod support;
pub mod world;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use golv_engine::command::Command;
use golv_engine::digest::Digest;
use golv_engine::id::{CommandId, IdentityId, ParticipantId, Sequence};
use golv_engine::{Answer, Mode, Speaker};
use golv_gateway::pipeline::{Answered, Claim, History, Message, Pipeline, Waiting};
use golv_gateway::server::session::{Pace, Request, Session, limits};
use golv_journal::Verdict;
use golv_journal::replay::{Replay, Replayed};
use golv_protocol::batch::{Batch, BatchWriter};
use golv_protocol::frame::write_frame;
use golv_protocol::message::{ClientMessage, Logon, Position, Purpose, WhenLost};

/// A target's name and body.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: [Target; 9] = [
    ("codec", codec),
    ("recovery", recovery),
    ("commands", commands::commands),
    ("session", session),
    ("client", client::client),
    ("clear", clearing::clear),
    ("support", support::support),
    ("match", matching::matching),
    ("settle", settling::settle),
];

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

/// Any bytes as a journal of two segments and a snapshot, each `length u16 | bytes`, are read to a verdict, replayed as
/// far as they are whole, and, where they open, come back the same after the journal was sealed.
///
/// Behind an odd first byte the checksums are made right, so that what they protect is tried too.
pub fn recovery(input: &[u8]) {
    let Some((mend, mut rest)) = input.split_first() else { return };
    let dir = tempfile::tempdir().expect("a directory");
    for name in ["00000001.journal", "00000002.journal", "00000002.snapshot"] {
        let [low, high, tail @ ..] = rest else { break };
        let length = usize::from(u16::from_le_bytes([*low, *high])).min(tail.len());
        let (file, tail) = tail.split_at(length);
        rest = tail;
        let mut file = file.to_vec();
        if mend % 2 == 1 {
            mend_checksums(&mut file, name.ends_with("snapshot"));
        }
        std::fs::write(dir.path().join(name), file).expect("written");
    }
    let scanned = replayed(dir.path());
    let Ok((pipeline, opening)) = Pipeline::open(dir.path(), Waiting::Park) else { return };
    let stopped = pipeline.stop().expect("a journal that was opened can be sealed");
    // A rehearsal whose auctions are due goes on by itself, and then it is further than was scanned.
    if let Some(scanned) = scanned
        && scanned.exchange.next_due().is_none_or(|due| due > scanned.now)
        && scanned.exchange.mode() == Mode::Rehearsal
    {
        assert_eq!((stopped.state, stopped.chain), (scanned.exchange.state_digest(), scanned.chain));
        assert_eq!((opening.state, opening.position.chain), (stopped.state, stopped.chain));
    }
    let (pipeline, opening) = Pipeline::open(dir.path(), Waiting::Park).expect("it was opened before");
    assert_eq!((opening.state, opening.position.chain), (stopped.state, stopped.chain));
    pipeline.stop().expect("a journal that was opened can be sealed");
}

/// What a journal comes to from its founding, if it is whole and replays.
fn replayed(dir: &Path) -> Option<Replayed> {
    let mut reader = golv_journal::scan(dir).ok()?;
    let mut replay = Replay::new(reader.header()).ok();
    while let Some(frame) = reader.next_frame().expect("a file can be read") {
        replay = replay.and_then(|mut replay| replay.frame(&frame).is_ok().then_some(replay));
    }
    // A start with a snapshot does not read what is damaged before it.
    let verdict = reader.finish().expect("a file can be read");
    let whole = matches!(verdict, Verdict::Clean { .. } | Verdict::TornTail { .. });
    replay.filter(|_| whole).map(Replay::finish)
}

/// Writes the checksums that a file's header and its frames, or its payload, should have.
fn mend_checksums(file: &mut [u8], snapshot: bool) {
    const HEADER: usize = 128;
    const FRAME: usize = 64;
    let mend = |bytes: &mut [u8], at: usize, crc: u32| bytes[at..at + 4].copy_from_slice(&crc.to_le_bytes());
    if file.len() < HEADER {
        return;
    }
    if snapshot {
        let (payload, length) = (crc32c::crc32c(&file[HEADER..]), file.len() - HEADER);
        mend(file, 96, payload);
        file[88..96].copy_from_slice(&(length as u64).to_le_bytes());
    } else {
        // Segments stay short, whatever a header says: opening makes them as long.
        file[68..72].copy_from_slice(&4096_u32.to_le_bytes());
    }
    let header = crc32c::crc32c(&file[..HEADER - 4]);
    mend(file, HEADER - 4, header);
    let mut at = HEADER;
    while !snapshot && file.len() >= at + FRAME {
        let length = u32::from_le_bytes([file[at + 4], file[at + 5], file[at + 6], file[at + 7]]) as usize;
        let end = at + FRAME + length;
        if end > file.len() || file[at..end].iter().all(|&byte| byte == 0) {
            break;
        }
        let crc = crc32c::crc32c(&file[at + 4..end]);
        mend(file, at, crc);
        at = end;
    }
}

/// Any bytes after a logon either end the session or are requests in its own identity's name, and none where it is a drop copy; memory stays
/// bounded, and nothing is passed on faster than the limits allow.
pub fn session(input: &[u8]) {
    for purpose in [Purpose::Commands(WhenLost::Leave), Purpose::DropCopy] {
        session_for(purpose, input);
    }
}

/// Commands and withdrawals that a session of [`session`] may send in a second. A burst is twice as many.
const PER_SECOND: [u32; 2] = [10, 20];

fn session_for(purpose: Purpose, input: &[u8]) {
    let now = Duration::ZERO;
    let speaker = Speaker {
        identity: IdentityId(7),
        participant: ParticipantId(7),
        reads_all: false,
        highest: CommandId(0),
    };
    let [commands, withdrawals] = PER_SECOND;
    let mut session = Session::new(now, Arc::new(Pace::new(limits(commands, withdrawals))));
    let mut logon = Vec::new();
    write_frame(&ClientMessage::Logon(Logon { purpose, ..Logon::NEW }), &mut logon).expect("short");
    session.receive(&logon, now);
    assert_eq!(session.next_request(), Some(Request::LogOn(Claim::default(), purpose)));
    let position = Position { sequence: Sequence(1), chain: Digest([0; 32]) };
    session.told(Message::LoggedOn { speaker, events: 0, position, history: vec![History::default()] });
    let mut passed_on = 0;
    for bytes in input.chunks(61) {
        session.receive(bytes, now);
        while let Some(request) = session.next_request() {
            let Request::Submit { sender, id, .. } = request else { panic!("a second logon") };
            assert_eq!(sender, speaker.identity);
            assert_ne!(purpose, Purpose::DropCopy);
            passed_on += 1;
            assert!(passed_on <= 2 * (commands + withdrawals));
            if id.0 % 3 == 0 {
                session.busy(id);
            } else {
                let answer = Answer { sequence: Sequence(1), outcome: Ok(()) };
                let answers = [Answered { sender, id, answer }].into();
                session.told(Message::Answered { answers, position });
            }
        }
        // An answer for each frame that was in these bytes, and no more.
        assert!(session.output().len() < 61 * 1024);
        session.output().clear();
        if session.closed().is_some() {
            assert!(!session.wants_input());
            return;
        }
    }
}
