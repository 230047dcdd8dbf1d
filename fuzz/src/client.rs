//! The `client` target: bytes as what happens to a client's session, over any number of connections.
//!
//! Each step is a byte, and numbers where it needs them. What an exchange says is made of numbers, so that most of it can be read, or
//! is taken from the input as it is.

use std::time::Duration;

use golv_client::session::{Beginning, ClientSession, Notice, UNANSWERED_MAX};
use golv_engine::Answer;
use golv_engine::command::Command;
use golv_engine::digest::Digest;
use golv_engine::event::Event;
use golv_engine::id::{AuctionId, CommandId, IdentityId, ParticipantId, Sequence};
use golv_engine::reject::Reject;
use golv_gateway::server::session::limits;
use golv_protocol::frame::{Frames, write_frame};
use golv_protocol::message::{
    ClientMessage, Closing, Numbered, PROTOCOL, Position, Purpose, ServerMessage, WhenLost,
};

use crate::bytes::Bytes;

/// More steps than this are not made.
const MOST_STEPS: usize = 300;

/// Whatever an exchange says, a client's session is told events one after the other, each command's answer once, and positions that
/// never go back; what it says are messages, and of commands only those that wait for an answer. It forgives no violation.
pub fn client(input: &[u8]) {
    let mut bytes = Bytes::of(input);
    let purpose = if bytes.byte() % 4 == 3 { Purpose::DropCopy } else { Purpose::Commands(WhenLost::Leave) };
    let mut talk = Talk {
        session: ClientSession::beginning(Beginning { purpose, ..Beginning::default() }),
        now: Duration::ZERO,
        said: Frames::default(),
        waiting: Vec::new(),
        events: 0,
        position: None,
        whole: Vec::new(),
    };
    for _ in 0..MOST_STEPS {
        if bytes.is_empty() {
            break;
        }
        talk.step(&mut bytes);
        talk.look();
    }
}

/// A seed: a logon, two commands of which one has to come again, three events, the last of them downloaded.
pub fn conversation() -> Vec<u8> {
    let [connected, submit, passed, downloaded, says] = [0, 2, 3, 5, 6];
    let [logged_on, busy, answered, announced, happened] = [2, 6, 8, 12, 14];
    let steps: [&[u8]; 12] = [
        &[0],
        &[connected],
        &[says, logged_on, 3],
        &[submit, 1],
        &[submit, 2],
        &[says, happened, 3],
        &[says, busy, 3],
        &[passed, 30],
        &[says, answered, 3, says, answered, 3],
        &[says, happened, 3],
        &[says, announced, 3],
        &[downloaded, 255],
    ];
    steps.concat()
}

/// A session, and what was told of it so far.
struct Talk {
    session: ClientSession,
    now: Duration,
    said: Frames,
    /// Submitted and not answered.
    waiting: Vec<CommandId>,
    /// How many were told.
    events: u64,
    /// The furthest that was told.
    position: Option<Position>,
    /// The event that was announced last.
    whole: Vec<u8>,
}

impl Talk {
    fn step(&mut self, bytes: &mut Bytes<'_>) {
        match bytes.byte() % 8 {
            0 => {
                self.session.connected(self.now);
                self.said = Frames::default();
            }
            1 => self.session.disconnected(),
            2 => self.submit(bytes),
            3 => {
                // Up to some minutes, in steps that are those of a `Busy` at the least.
                self.now += Duration::from_millis(u64::from(bytes.byte()).pow(2));
                self.session.passed(self.now);
            }
            4 => {
                let raw: Vec<u8> = (0..bytes.byte()).map(|_| bytes.byte()).collect();
                self.receive(&raw);
            }
            5 => {
                let cut = usize::from(bytes.byte()) * self.whole.len() / 255;
                let whole = std::mem::take(&mut self.whole);
                let taken = self.session.downloaded(&whole[..cut]);
                let ended = taken.and_then(|()| self.session.download_ended(self.now));
                assert!(ended.is_ok() || !self.session.is_connected(), "a violation ends the connection");
            }
            _ => {
                let mut frame = Vec::new();
                let message = self.message(bytes);
                write_frame(&message, &mut frame).expect("a short message");
                self.receive(&frame);
            }
        }
    }

    fn submit(&mut self, bytes: &mut Bytes<'_>) {
        let command = Command::ClearAuction { auction: AuctionId(bytes.byte().into()), secret: None };
        let can_submit = self.session.can_submit();
        match self.session.submit(command) {
            Ok(id) => {
                assert!(can_submit && self.waiting.iter().all(|waiting| *waiting < id));
                self.waiting.push(id);
            }
            // A drop copy is told so, whether or not it has an id.
            Err(_) => assert!(!can_submit || self.waiting.is_empty()),
        }
        assert!(self.waiting.len() <= UNANSWERED_MAX);
    }

    fn receive(&mut self, bytes: &[u8]) {
        let received = self.session.received(bytes, self.now);
        if received.is_err() {
            assert!(!self.session.is_connected(), "a violation ends the connection");
            assert!(self.session.output().is_empty());
        }
    }

    /// Something that an exchange says, mostly what could come next.
    fn message(&mut self, bytes: &mut Bytes<'_>) -> ServerMessage {
        let (kind, near) = (bytes.byte() % 16, bytes.byte());
        // Mostly 1 further, at times as before, or further back or on.
        let odd = |base: u64| match near % 8 {
            0 => base,
            1 => base.saturating_sub(u64::from(near)),
            2 => base + u64::from(near),
            _ => base + 1,
        };
        let sequence = Sequence(odd(self.position.map_or(0, |position| position.sequence.0)));
        let position = Position { sequence, chain: Digest([near % 2; 32]) };
        let waiting = usize::from(near).checked_rem(self.waiting.len()).map(|place| self.waiting[place]);
        let id = waiting.unwrap_or(CommandId(near.into()));
        let outcome = if near % 3 == 0 { Err(Reject::NotPermitted) } else { Ok(()) };
        let answer = Answer { sequence, outcome };
        let number = odd(self.events);
        let event = Event::AuctionOpened { auction: AuctionId(near.into()) };
        let numbered = Numbered { number, sequence, event };
        match kind {
            0 => ServerMessage::Closing(Closing::ALL[usize::from(near) % Closing::ALL.len()]),
            1 => ServerMessage::Heartbeat,
            2..=5 => ServerMessage::LoggedOn {
                protocol: if near % 64 == 63 { near.into() } else { PROTOCOL },
                identity: IdentityId(7 + u32::from(near / 255)),
                participant: ParticipantId(7),
                highest: CommandId(u64::from(near) / 16),
                events: self.events + u64::from(near) % 4,
                position,
                limits: limits(10, 20),
            },
            6..=7 => ServerMessage::Busy { id },
            8..=9 => ServerMessage::Answered { id, answer, position },
            10 => ServerMessage::OverLimit { id, wait_ms: near.into() },
            11 => ServerMessage::Copied { identity: IdentityId(7), id, answer, position },
            12 => {
                self.whole.clear();
                golv_protocol::encode(&numbered, &mut self.whole).expect("a short event");
                let length = u64::try_from(self.whole.len()).expect("short");
                let digest = if near % 16 == 15 { Digest([0; 32]) } else { sha256(&self.whole) };
                ServerMessage::Announced { number, sequence, bytes: length, digest }
            }
            13 if near % 2 == 0 => ServerMessage::StateTold { position },
            13 => ServerMessage::Reached { position },
            _ => ServerMessage::Happened(numbered),
        }
    }

    /// Reads what the session says and has to tell.
    fn look(&mut self) {
        self.said.push(self.session.output());
        self.session.output().clear();
        while let Some(frame) = self.said.next_frame().expect("a frame of no more than a message") {
            let message = golv_protocol::decode::<ClientMessage>(frame).expect("a message");
            if let ClientMessage::Submit { id, .. } = message {
                assert!(self.waiting.contains(&id), "{id} was answered and is said again");
            }
        }
        while let Some(notice) = self.session.next_notice() {
            match notice {
                Notice::LoggedOn(who) => self.come_to(who.position),
                Notice::Answered { id, position, .. } => {
                    self.answered(id);
                    self.come_to(position);
                }
                Notice::OverLimit { id, .. } => self.answered(id),
                Notice::Happened(numbered) => {
                    self.events += 1;
                    assert_eq!(numbered.number, self.events);
                }
                Notice::Announced(number) => assert_eq!(number, self.events + 1),
                Notice::Closed(_) => assert!(!self.session.is_connected()),
                Notice::Copied(_) | Notice::UpToDate => {}
            }
        }
        assert_eq!(self.session.events_seen(), self.events);
        // It comes further by what others are answered, and by events.
        if let Some(position) = self.session.acknowledged() {
            self.come_to(position);
        }
    }

    fn answered(&mut self, id: CommandId) {
        let place = self.waiting.iter().position(|waiting| *waiting == id);
        self.waiting.remove(place.expect("each command has one answer"));
    }

    fn come_to(&mut self, position: Position) {
        if let Some(before) = self.position {
            assert!(position == before || position.sequence > before.sequence, "{before:?} {position:?}");
        }
        self.position = Some(position);
    }
}

/// The SHA-256 of some bytes, which is what an exchange announces.
fn sha256(bytes: &[u8]) -> Digest {
    use sha2::Digest as _;
    Digest(sha2::Sha256::digest(bytes).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the seed says is taken: a logon, answers, events, one of them downloaded.
    #[test]
    fn the_seed_is_a_conversation() {
        let corpus = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/client/conversation");
        let input = std::fs::read(corpus).expect("a seed");
        let mut bytes = Bytes::of(&input[1..]);
        let mut talk = Talk {
            session: ClientSession::new(),
            now: Duration::ZERO,
            said: Frames::default(),
            waiting: Vec::new(),
            events: 0,
            position: None,
            whole: Vec::new(),
        };
        let mut most_waited = 0;
        while !bytes.is_empty() {
            talk.step(&mut bytes);
            talk.look();
            most_waited = most_waited.max(talk.waiting.len());
        }
        assert!(talk.session.is_live() && talk.events == 3 && most_waited == 2 && talk.waiting.is_empty());
    }
}
