//! What a trader and the exchange say to each other, over one stream a session.
//!
//! Upward an idempotent flow: each command carries its sender's own increasing id, and after any doubt it is sent again.
//! Downward a recoverable flow: each event that a participant may see has a number, counted from 1 without
//! a gap, and a logon says how many were seen. Answers come when the command is durable. Who is
//! speaking is told by the connection's certificate and never by a message.

use std::fmt;
use std::str::FromStr;

use golv_engine::Answer;
use golv_engine::book::PLACES_MAX;
use golv_engine::cfd::ENTITLEMENTS_MAX;
use golv_engine::command::Command;
use golv_engine::digest::Digest;
use golv_engine::event::Event;
use golv_engine::id::{CommandId, IdentityId, ParticipantId, Sequence};
use serde::{Deserialize, Serialize};

use crate::frame::write_frame;
use crate::{DecodeError, EncodeError, MESSAGE_MAX, decode_assembled, encode_to};

/// The protocol's name in the TLS handshake.
pub const ALPN: &[u8] = b"golv/1";

/// The version that a logon names: 0 until the first release, and no promise until then.
pub const PROTOCOL: u16 = 0;

/// How often each side says that it is alive, in milliseconds, while it has nothing else to say.
pub const HEARTBEAT_MS: u64 = 1_000;

/// After so many milliseconds without a message the other side is taken for dead.
pub const SILENCE_MS_MAX: u64 = 3 * HEARTBEAT_MS;

/// The largest event that travels in parts, in bytes. A fill has 28 and a settlement line 60, so the most that the engine
/// allows of each ([`PLACES_MAX`], [`ENTITLEMENTS_MAX`]) fits.
pub const ASSEMBLED_MAX: usize = 256 * 1024 * 1024;

const _: () = assert!(PLACES_MAX as usize * 28 < ASSEMBLED_MAX - 1024);
const _: () = assert!(ENTITLEMENTS_MAX * 60 < ASSEMBLED_MAX - 1024);

/// A place in the one order at which a batch ended, with the chain there. It is durable when it is told, and stands for
/// everything before it: an exchange that has another chain there has another history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The last command of the batch.
    pub sequence: Sequence,
    /// The chain digest after the batch.
    pub chain: Digest,
}

/// As [`Position::from_str`] reads it: `12:53ab…`, with all 64 digits of the chain.
impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.sequence, self.chain)
    }
}

/// A text that is no position.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{0}' is not a position: a sequence, a colon, and the chain's 64 hexadecimal digits, as they were printed"
)]
pub struct ParsePositionError(pub String);

impl FromStr for Position {
    type Err = ParsePositionError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || {
            let (sequence, chain) = text.split_once(':')?;
            // Digits alone: the standard library's integers would take a plus sign.
            let only_digits = sequence.bytes().all(|byte| byte.is_ascii_digit());
            let sequence = Sequence(sequence.parse().ok().filter(|_| only_digits)?);
            Some(Self { sequence, chain: digest(chain)? })
        };
        parse().ok_or_else(|| ParsePositionError(text.to_owned()))
    }
}

/// Reads a digest as it is printed, in small letters.
fn digest(text: &str) -> Option<Digest> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let byte = |pair: &[u8]| match pair {
        [high, low] => Some(16 * digit(*high)? + digit(*low)?),
        _ => None,
    };
    let bytes: Vec<u8> = text.as_bytes().chunks(2).map(byte).collect::<Option<_>>()?;
    bytes.try_into().ok().map(Digest)
}

/// What a client says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClientMessage {
    /// The first message. Answered by [`ServerMessage::LoggedOn`], and until then nobody is logged on.
    Logon {
        /// [`PROTOCOL`].
        protocol: u16,
        /// How many events were seen: 0 for all from the beginning.
        events_seen: u64,
        /// The furthest position that the client was ever told, if it was told one: an exchange that has not come so far,
        /// or by another way, has lost what it had acknowledged, and refuses the logon as
        /// [`Closing::ServerBehind`].
        acknowledged: Option<Position>,
    },
    /// Asks for a command to be executed. Answered by [`ServerMessage::Answered`] or [`ServerMessage::Busy`].
    Submit {
        /// The sender's own number for it.
        id: CommandId,
        /// The command.
        command: Command,
    },
    /// The client is alive.
    Heartbeat,
}

/// What the exchange says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ServerMessage {
    /// The session has begun. The events after those seen follow.
    LoggedOn {
        /// For whom the certificate's key speaks.
        identity: IdentityId,
        /// For whom that identity acts.
        participant: ParticipantId,
        /// The highest command id that it has used; the next is higher.
        highest: CommandId,
        /// How many events there are so far: the session is up to date when it has seen that many.
        events: u64,
        /// Where the exchange stands.
        position: Position,
    },
    /// A command's answer. It is durable.
    Answered {
        /// The command.
        id: CommandId,
        /// The answer, the same however often the command is sent.
        answer: Answer,
        /// Of the batch in which the command was journalled and executed just now. For a command that was sent again it
        /// is further than the answer's own sequence.
        position: Position,
    },
    /// The command was not taken and not journalled; its id is free. Every later one is answered alike until this one
    /// comes again, so that none overtakes it.
    Busy {
        /// The command.
        id: CommandId,
    },
    /// Something happened that this participant may see.
    Happened(Numbered),
    /// A part of a message that is longer than one may be: the bytes of all parts, up to the one that says that it is
    /// the last, are the encoding of a [`Numbered`].
    Part {
        /// Whether it is the last.
        last: bool,
        /// Its bytes.
        bytes: Vec<u8>,
    },
    /// The exchange is alive.
    Heartbeat,
    /// The session ends; nothing follows.
    Closing(Closing),
}

/// An event with its number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Numbered {
    /// Counted from 1 over all events that this participant may see.
    pub number: u64,
    /// The command that made it happen.
    pub sequence: Sequence,
    /// What happened, as far as this participant may see it.
    pub event: Event,
}

/// Why a session ends. Numbers are those of the QUIC connection's closing as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Closing {
    /// The exchange stops in order. Connect again later.
    #[error("the exchange is stopping")]
    Stopping = 0,
    /// The bytes are no message, or no message that may come now.
    #[error("a message could not be read, or came out of turn")]
    Malformed = 1,
    /// The logon names a version that this exchange does not speak.
    #[error("the exchange speaks another version of the protocol")]
    OtherVersion = 2,
    /// The certificate's key speaks for nobody: it was never bound, has ended, or its identity was revoked or suspended.
    #[error("the certificate's key speaks for nobody here")]
    UnknownKey = 3,
    /// The logon names events or a position that this exchange never came to, or came to by another way: it has lost what
    /// it had acknowledged, as after a restored backup. Nothing is logged on until its operators have looked into it.
    #[error("the exchange is behind what it had told this client, and its operators are alarmed")]
    ServerBehind = 4,
    /// The same identity has logged on elsewhere, and the newest session wins.
    #[error("the same identity has logged on in another session")]
    Superseded = 5,
    /// The client reads too slowly. It can connect again and resume.
    #[error("the session was read too slowly")]
    TooSlow = 6,
    /// Nothing was heard for too long, or no logon came.
    #[error("nothing was heard for too long")]
    Silent = 7,
    /// The exchange has too much to do to log anybody on. Connect again in a moment.
    #[error("the exchange is busy")]
    Busy = 8,
    /// Events that the client has not seen are not kept here any more: segments of the journal were taken away.
    #[error("events that were not seen are not kept here any more")]
    HistoryGone = 9,
}

impl Closing {
    /// The number of the reason.
    pub const fn code(self) -> u32 {
        self as u32
    }

    /// The reason of a number.
    pub fn from_code(code: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.code() == code)
    }

    /// All reasons, in the order of their numbers.
    pub const ALL: [Self; 10] = [
        Self::Stopping,
        Self::Malformed,
        Self::OtherVersion,
        Self::UnknownKey,
        Self::ServerBehind,
        Self::Superseded,
        Self::TooSlow,
        Self::Silent,
        Self::Busy,
        Self::HistoryGone,
    ];
}

/// Appends an event as one frame, or as parts where it is longer than a message may be.
///
/// # Errors
/// If the event is longer than [`ASSEMBLED_MAX`]; `out` is left as it was.
pub fn write_event(numbered: &Numbered, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    let message = ServerMessage::Happened(numbered.clone());
    match write_frame(&message, out) {
        Err(EncodeError::TooLong) => {}
        other => return other,
    }
    let mut whole = Vec::new();
    encode_to(numbered, &mut whole)?;
    if whole.len() > ASSEMBLED_MAX {
        return Err(EncodeError::TooLong);
    }
    // Tag, `last` and length take 13 bytes of a message.
    let mut parts = whole.chunks(MESSAGE_MAX - 13).peekable();
    while let Some(bytes) = parts.next() {
        let last = parts.peek().is_none();
        write_frame(&ServerMessage::Part { last, bytes: bytes.to_vec() }, out)?;
    }
    Ok(())
}

/// Parts of an event as they come.
#[derive(Debug, Default)]
pub struct Parts(Vec<u8>);

impl Parts {
    /// Adds a part; gives the event once the last has come.
    ///
    /// # Errors
    /// If the parts are too long together, or no encoding of an event.
    pub fn push(&mut self, last: bool, bytes: &[u8]) -> Result<Option<Numbered>, DecodeError> {
        if self.0.len() + bytes.len() > ASSEMBLED_MAX {
            return Err(DecodeError::TooLong { length: self.0.len() + bytes.len() });
        }
        self.0.extend_from_slice(bytes);
        if !last {
            return Ok(None);
        }
        decode_assembled(&std::mem::take(&mut self.0)).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode;
    use crate::frame::Frames;
    use golv_engine::auction::{AuctionResult, Fill};
    use golv_engine::book::Side;
    use golv_engine::clearing::Reason;
    use golv_engine::id::{AuctionId, BidId};
    use golv_engine::num::{Price, Quantity};
    use golv_engine::time::Instant;

    fn cleared(fills: u64) -> Numbered {
        let quantity = Quantity::ZERO;
        let fill = |command| Fill {
            bid: BidId { identity: IdentityId(1), command: CommandId(command) },
            participant: ParticipantId(1),
            side: Side::Buy,
            quantity,
            price: Price::ZERO,
            reason: Reason::Rationed,
        };
        let result = AuctionResult { fills: (0..fills).map(fill).collect(), ..AuctionResult::default() };
        let event = Event::AuctionCleared { auction: AuctionId(1), final_at: Instant(0), result };
        Numbered { number: 1, sequence: Sequence(2), event }
    }

    /// A short event is one message; a long one travels in parts, none longer than a message, and comes out whole.
    #[test]
    fn a_long_event_travels_in_parts() {
        for fills in [0, 1, 2_000, 3_000, 50_000] {
            let event = cleared(fills);
            let mut stream = Vec::new();
            write_event(&event, &mut stream).expect("short enough");
            let (mut frames, mut parts, mut received) = (Frames::default(), Parts::default(), Vec::new());
            frames.push(&stream);
            while let Some(frame) = frames.next_frame().expect("each is short") {
                match decode(frame).expect("a message") {
                    ServerMessage::Happened(numbered) => received.push(numbered),
                    ServerMessage::Part { last, bytes } => {
                        received.extend(parts.push(last, &bytes).expect("an event"));
                    }
                    other => panic!("{other:?}"),
                }
            }
            assert_eq!(received, [event], "{fills}");
        }
    }

    /// What is printed is read, and nothing that merely resembles it.
    #[test]
    fn a_position_is_read_as_it_is_printed() {
        let position = Position { sequence: Sequence(12), chain: Digest([0x5a; 32]) };
        let text = position.to_string();
        assert_eq!(text, format!("12:{}", "5a".repeat(32)));
        assert_eq!(text.parse(), Ok(position));
        for wrong in [
            "",
            "12",
            &text[3..],
            &text[2..],
            &text[..text.len() - 1],
            &text[..text.len() - 2],
            &format!("{text}5a"),
            &format!("+{text}"),
            &format!(" {text}"),
            &format!("{text} "),
            &text.to_uppercase(),
            &text.replacen("5a", "+a", 1),
            &text.replacen("5a", "é", 1),
            &text.replacen(':', "::", 1),
            &format!("18446744073709551616{}", &text[2..]),
        ] {
            assert_eq!(wrong.parse::<Position>(), Err(ParsePositionError(wrong.to_owned())), "{wrong}");
        }
    }

    #[test]
    fn parts_are_bounded() {
        let mut parts = Parts::default();
        let part = vec![0; ASSEMBLED_MAX];
        assert!(parts.push(false, &part).expect("just fits").is_none());
        assert!(parts.push(false, &[0]).is_err());
    }
}
