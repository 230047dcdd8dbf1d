//! What a client and the exchange say to each other.
//!
//! The first message on a stream says what the stream is for: a session, the public state, or the download of an event that is
//! too long for a message. In a session, upward an idempotent flow: each command carries its sender's own increasing id, and after any doubt it is sent again.
//! Downward a recoverable flow: each event that a participant may see has a number, counted from 1 without
//! a gap, and a logon says how many were seen. Answers come when the command is durable. Who is
//! speaking is told by the connection's certificate and never by a message.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use golv_engine::Answer;
use golv_engine::book::PLACES_MAX;
use golv_engine::cfd::ENTITLEMENTS_MAX;
use golv_engine::command::Command;
use golv_engine::digest::Digest;
use golv_engine::event::Event;
use golv_engine::id::{CommandId, IdentityId, ParticipantId, Sequence};
use golv_engine::public::PublicFact;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::frame::write_frame;
use crate::pace::Limits;
use crate::{EncodeError, decode_assembled, encode_to};

/// The protocol's name in the TLS handshake.
pub const ALPN: &[u8] = b"golv/1";

/// The newest version that is spoken here: 0 until the first release, and no promise until then.
pub const PROTOCOL: u16 = 0;

/// The oldest version that is spoken here.
pub const PROTOCOL_OLDEST: u16 = 0;

/// How often each side says that it is alive, in milliseconds, while it has nothing else to say.
pub const HEARTBEAT_MS: u64 = 1_000;

/// After so many milliseconds without a message the other side is taken for dead.
pub const SILENCE_MS_MAX: u64 = 3 * HEARTBEAT_MS;

/// The largest event that can be downloaded, in bytes. A fill has 28 and a settlement line 60, so the most that the engine
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
            Some(Self { sequence: Sequence(sequence.parse().ok()?), chain: chain.parse().ok()? })
        };
        // As it is printed and no other way: no plus sign, no leading zeros, small letters.
        let printed = parse().filter(|position| position.to_string() == text);
        printed.ok_or_else(|| ParsePositionError(text.to_owned()))
    }
}

/// What a client says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClientMessage {
    /// The first message of a session. Answered by [`ServerMessage::LoggedOn`], and until then nobody is logged on.
    Logon(Logon),
    /// Asks for a command to be executed. Answered by [`ServerMessage::Answered`], [`ServerMessage::Busy`] or
    /// [`ServerMessage::OverLimit`].
    Submit {
        /// The sender's own number for it.
        id: CommandId,
        /// The command.
        command: Command,
    },
    /// The client is alive.
    Heartbeat,
    /// An announced event was downloaded, or is not wanted: the events behind it follow.
    Downloaded {
        /// The event's number.
        number: u64,
    },
    /// The first and only message on a stream that an announced event is to come on. The stream then carries the encoding of
    /// its [`Numbered`], and ends.
    Download {
        /// The event's number.
        number: u64,
    },
    /// The first and only message on a stream that the public state is to come on, and then what becomes of it: [`ServerMessage::State`]
    /// for each fact, one [`ServerMessage::StateTold`], and [`ServerMessage::Public`] from then on.
    Watch,
}

/// How a session begins. In every version the two that it speaks come first, so that an exchange which speaks neither can say so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Logon {
    /// The oldest version of the protocol that the client speaks.
    pub oldest: u16,
    /// The newest.
    pub newest: u16,
    /// How many events were seen: 0 for all from the beginning.
    pub events_seen: u64,
    /// The furthest position that the client was ever told, if it was told one: an exchange that has not come so far,
    /// or by another way, has lost what it had acknowledged, and refuses the logon as
    /// [`Closing::ServerBehind`].
    pub acknowledged: Option<Position>,
    /// What the session is for.
    pub purpose: Purpose,
}

impl Logon {
    /// The logon of a client that speaks what this library speaks, has seen nothing and wants to send commands.
    pub const NEW: Self = Self {
        oldest: PROTOCOL_OLDEST,
        newest: PROTOCOL,
        events_seen: 0,
        acknowledged: None,
        purpose: Purpose::Commands(WhenLost::Leave),
    };
}

/// What a session is for. An identity can have one of each kind at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Purpose {
    /// To send commands.
    Commands(WhenLost),
    /// A drop copy: to be told what all identities of the same participant are answered, beside its events. It sends no command.
    DropCopy,
}

/// What becomes of an identity's bids in open auctions when its session ends otherwise than by a newer one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum WhenLost {
    /// They stand. A line that is cut just before the close takes no sealed bid with it.
    #[default]
    Leave,
    /// They are withdrawn.
    Withdraw,
}

/// Which version a client and this exchange speak, by a logon's first bytes, whatever version it is of: the newest that both
/// know. `None` if these are no logon's bytes, `Some(None)` if there is no such version.
pub fn negotiate(logon: &[u8]) -> Option<Option<u16>> {
    let (tag, rest) = logon.split_first_chunk::<4>()?;
    let (oldest, rest) = rest.split_first_chunk::<2>()?;
    let (newest, _) = rest.split_first_chunk::<2>()?;
    let (oldest, newest) = (u16::from_le_bytes(*oldest), u16::from_le_bytes(*newest));
    let mut spoken = (PROTOCOL_OLDEST..=PROTOCOL).rev();
    let both = || spoken.find(|version| (oldest..=newest).contains(version));
    (*tag == [0; 4] && oldest <= newest).then(both)
}

/// What the exchange says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ServerMessage {
    /// The session has begun. The events after those seen follow.
    LoggedOn {
        /// The version that is spoken from here on.
        protocol: u16,
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
        /// What the client may do.
        limits: Limits,
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
    /// The command was not taken now: a new one was not journalled, and its id is free. Every later one is answered alike until this one
    /// comes again, so that none overtakes it.
    Busy {
        /// The command.
        id: CommandId,
    },
    /// Something happened that this participant may see.
    Happened(Numbered),
    /// Something happened that is longer than a message may be: it is downloaded on a stream of its own
    /// ([`ClientMessage::Download`]). No event follows until the client says [`ClientMessage::Downloaded`].
    Announced {
        /// The event's number.
        number: u64,
        /// The command that made it happen.
        sequence: Sequence,
        /// How many bytes the encoding of its [`Numbered`] has, at most [`ASSEMBLED_MAX`].
        bytes: u64,
        /// The SHA-256 of those bytes.
        digest: Digest,
    },
    /// The exchange is alive.
    Heartbeat,
    /// The session ends; nothing follows.
    Closing(Closing),
    /// The command came faster than the limits allow. It was not taken and not journalled, and never was before. Its id is free as
    /// long as no later one is taken.
    OverLimit {
        /// The command.
        id: CommandId,
        /// After how many milliseconds there is room for one.
        wait_ms: u32,
    },
    /// To a drop copy: what an identity of the same participant was answered.
    Copied {
        /// Whose command it was.
        identity: IdentityId,
        /// Under which id.
        id: CommandId,
        /// What it was answered, and is durable.
        answer: Answer,
        /// Of the batch in which the command was journalled and executed just now.
        position: Position,
    },
    /// One thing that everybody may know, as it stands.
    State(PublicFact),
    /// That was all that everybody may know, as of this position.
    StateTold {
        /// The position.
        position: Position,
    },
    /// What everybody may see of something that happened after that position.
    Public {
        /// The command that made it happen.
        sequence: Sequence,
        /// The event's public part.
        event: Event,
    },
    /// The exchange has come so far: what was done in this batch is durable. Said before the first event of each batch that no answer and
    /// no logon told of, so that a client never knows an event without a position that stands for it.
    Reached {
        /// Of that batch.
        position: Position,
    },
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
    /// The client has ended its stream, nothing was heard for too long, or no logon came.
    #[error("nothing was heard for too long")]
    Silent = 7,
    /// The exchange has too much to do to log anybody on. Connect again in a moment.
    #[error("the exchange is busy")]
    Busy = 8,
    /// Events that the client has not seen are not kept here any more: segments of the journal were taken away.
    #[error("events that were not seen are not kept here any more")]
    HistoryGone = 9,
    /// The client sends far more than the limits allow, and goes on though its commands are refused.
    #[error("commands came much faster than the limits allow")]
    TooFast = 10,
    /// The session failed inside the exchange, which goes on. Connect again and resume; its operators are told.
    #[error("the session failed inside the exchange")]
    Fault = 11,
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
    pub const ALL: [Self; 12] = [
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
        Self::TooFast,
        Self::Fault,
    ];
}

/// An event that is too long for a message, encoded for its download.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LongEvent {
    /// Its number.
    pub number: u64,
    /// The command that made it happen.
    pub sequence: Sequence,
    /// The encoding of its [`Numbered`].
    pub bytes: Arc<[u8]>,
}

impl LongEvent {
    /// What announces it.
    pub fn announcement(&self) -> ServerMessage {
        let (number, sequence) = (self.number, self.sequence);
        let digest = Digest(Sha256::digest(&self.bytes).into());
        ServerMessage::Announced { number, sequence, bytes: self.bytes.len() as u64, digest }
    }
}

/// Appends an event as one frame, or gives it back encoded where it is longer than a message may be: then nothing is appended.
///
/// # Errors
/// If the event is longer than [`ASSEMBLED_MAX`].
pub fn write_event(numbered: Numbered, out: &mut Vec<u8>) -> Result<Option<LongEvent>, EncodeError> {
    let message = ServerMessage::Happened(numbered);
    match write_frame(&message, out) {
        Ok(()) => return Ok(None),
        Err(EncodeError::TooLong) => {}
        Err(error) => return Err(error),
    }
    let ServerMessage::Happened(numbered) = message else { return Ok(None) };
    let mut bytes = Vec::new();
    encode_to(&numbered, &mut bytes)?;
    if bytes.len() > ASSEMBLED_MAX {
        return Err(EncodeError::TooLong);
    }
    Ok(Some(LongEvent { number: numbered.number, sequence: numbered.sequence, bytes: bytes.into() }))
}

/// An announced event, as its bytes arrive.
#[derive(Debug)]
pub struct Download {
    number: u64,
    length: usize,
    digest: Digest,
    bytes: Vec<u8>,
}

/// Why a download is not the event that was announced.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// More is announced than an event may have.
    #[error("{length} bytes are announced, and an event has at most {ASSEMBLED_MAX}")]
    TooLong {
        /// How many bytes are announced.
        length: u64,
    },
    /// There are more bytes than were announced, or fewer.
    #[error("{announced} bytes were announced, and {got} came")]
    Length {
        /// How many were announced.
        announced: usize,
        /// How many came.
        got: usize,
    },
    /// The bytes are others than were announced.
    #[error("the bytes are not those that were announced")]
    Digest,
    /// The bytes are no event, or one with another number.
    #[error("the bytes are not the event that was announced")]
    Event,
}

impl Download {
    /// Begins what was announced.
    ///
    /// # Errors
    /// If it is longer than an event may be.
    pub fn new(number: u64, length: u64, digest: Digest) -> Result<Self, DownloadError> {
        let fits = usize::try_from(length).ok().filter(|length| *length <= ASSEMBLED_MAX);
        let bounded = fits.ok_or(DownloadError::TooLong { length })?;
        // Memory is taken as bytes come.
        Ok(Self { number, length: bounded, digest, bytes: Vec::new() })
    }

    /// The event's number.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Adds bytes that came.
    ///
    /// # Errors
    /// If they are more than were announced.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), DownloadError> {
        let got = self.bytes.len() + bytes.len();
        if got > self.length {
            return Err(DownloadError::Length { announced: self.length, got });
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    /// The event, once its stream has ended.
    ///
    /// # Errors
    /// If it is not what was announced.
    pub fn finish(self) -> Result<Numbered, DownloadError> {
        if self.bytes.len() != self.length {
            return Err(DownloadError::Length { announced: self.length, got: self.bytes.len() });
        }
        if Digest(Sha256::digest(&self.bytes).into()) != self.digest {
            return Err(DownloadError::Digest);
        }
        let numbered: Numbered = decode_assembled(&self.bytes).map_err(|_| DownloadError::Event)?;
        if numbered.number == self.number { Ok(numbered) } else { Err(DownloadError::Event) }
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

    /// A short event is one message; a long one is announced, and what is downloaded is the event.
    #[test]
    fn a_long_event_is_announced_and_downloaded() {
        for fills in [0, 1, 1_000, 3_000, 50_000] {
            let event = cleared(fills);
            let mut stream = Vec::new();
            let long = write_event(event.clone(), &mut stream).expect("short enough");
            assert_eq!(long.is_some(), fills > 1_000);
            let Some(long) = long else {
                let mut frames = Frames::default();
                frames.push(&stream);
                let frame = frames.next_frame().expect("short").expect("whole");
                assert_eq!(
                    decode::<ServerMessage>(frame).expect("a message"),
                    ServerMessage::Happened(event)
                );
                continue;
            };
            assert!(stream.is_empty());
            let ServerMessage::Announced { number, sequence, bytes, digest } = long.announcement() else {
                panic!("an announcement")
            };
            assert_eq!((number, sequence, bytes), (1, Sequence(2), long.bytes.len() as u64));
            let download = || Download::new(number, bytes, digest).expect("not too long");
            let mut whole = download();
            long.bytes.chunks(10_000).for_each(|piece| whole.push(piece).expect("no more than announced"));
            assert_eq!(whole.finish().expect("the event"), event);
            // Anything else is found out.
            let mut longer = download();
            longer.push(&long.bytes).expect("all");
            assert!(matches!(longer.push(&[0]), Err(DownloadError::Length { .. })));
            let mut shorter = download();
            shorter.push(&long.bytes[1..]).expect("less");
            assert!(matches!(shorter.finish(), Err(DownloadError::Length { .. })));
            let mut other = download();
            other.push(&vec![0; long.bytes.len()]).expect("as many");
            assert!(matches!(other.finish(), Err(DownloadError::Digest)));
            let mut another = Download::new(2, bytes, digest).expect("not too long");
            another.push(&long.bytes).expect("as many");
            assert!(matches!(another.finish(), Err(DownloadError::Event)));
        }
        let endless = Download::new(1, ASSEMBLED_MAX as u64 + 1, Digest([0; 32]));
        assert!(matches!(endless, Err(DownloadError::TooLong { .. })));
    }

    /// The newest version that both speak, also where the rest of the logon is of a version that is not known here.
    #[test]
    fn the_version_is_found_in_the_first_bytes_of_any_logon() {
        let logon = |oldest: u16, newest: u16, rest: &[u8]| {
            let (oldest, newest) = (oldest.to_le_bytes(), newest.to_le_bytes());
            negotiate(&[&[0; 4][..], &oldest, &newest, rest].concat())
        };
        assert_eq!(logon(0, 0, &[]), Some(Some(0)));
        assert_eq!(logon(0, 9, b"of another version"), Some(Some(0)));
        assert_eq!(logon(1, 9, b"of another version"), Some(None));
        assert_eq!(logon(2, 1, &[]), None);
        assert_eq!(negotiate(&[0; 7]), None);
        assert_eq!(negotiate(&[1, 0, 0, 0, 0, 0, 0, 0]), None);
        let mut bytes = Vec::new();
        crate::encode(&ClientMessage::Logon(Logon::NEW), &mut bytes).expect("short");
        assert_eq!(negotiate(&bytes), Some(Some(PROTOCOL)));
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
            &format!("0{text}"),
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
}
