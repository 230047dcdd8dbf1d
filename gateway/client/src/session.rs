//! A client's side of its sessions, as a state machine without a network: bytes, commands and time in, bytes and
//! notices out.
//!
//! ```text
//!                    ┌──────────── disconnected, silence, Closing, violation ────────────┐
//!                    ▼                                                                   │
//!              Disconnected ── connected: Logon ──▶ LoggingOn ── LoggedOn ──▶ Live ──────┤
//!                                                       └────────────────────────────────┘
//!  submit ──▶ unanswered commands ──── sent in the order of their ids while Live ──▶ output
//!  bytes ───▶ received ──────────────────────────────────────────────────────────▶ notices
//! ```
//!
//! One [`ClientSession`] lives through any number of connections: it knows what has to be said again on the next one.
//!
//! Invariants:
//!
//! - A command stays until it is answered, and is sent once on each connection, or once more for each time that it
//!   was answered with `Busy`. So what is sent has one reply, and `Busy` for anything else is a violation.
//! - Commands leave in the order of their ids. After a `Busy` none leaves until the same was said of all that were sent
//!   behind it: the exchange refuses those too, until the first comes again.
//! - Positions never go back: each answer, each logon and the first event of each batch come with where the exchange stands, and the
//!   furthest is said again at the next logon, so that an exchange which has lost what it acknowledged or told finds out.
//! - Events come out with the numbers 1, 2, 3, … whatever happens to connections: a logon says how many came, and
//!   an event with any other number than the next is a violation.
//! - An event that is too long for a message is announced, and the caller downloads it on another stream. No other comes before
//!   it is whole, and is the one that was announced.
//!
//! Deliberately absent: the network, the clock, how long to wait before connecting again, and memory of any of this
//! beyond the process. A new session sees all events from the first, and learns at logon which ids are used; what an earlier process
//! has seen is given to [`ClientSession::beginning`].

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use golv_engine::Answer;
use golv_engine::command::Command;
use golv_engine::id::{CommandId, IdentityId, ParticipantId};
use golv_protocol::frame::{FrameTooLong, Frames, write_frame};
use golv_protocol::message::{
    ClientMessage, Closing, Download, DownloadError, HEARTBEAT_MS, Logon, Numbered, PROTOCOL,
    PROTOCOL_OLDEST, Position, Purpose, SILENCE_MS_MAX, ServerMessage, WhenLost,
};
use golv_protocol::pace::Limits;
use golv_protocol::{DecodeError, EncodeError};

/// Commands that wait for their answers at most: as many answers as the exchange keeps for an identity, so that none
/// which is sent again is too old.
pub const UNANSWERED_MAX: usize = golv_engine::ANSWERS_KEPT;

/// How long after a `Busy` the command is sent again: long enough for a writer to take a batch, and short
/// against what a trader notices.
const BUSY_PAUSE: Duration = Duration::from_millis(20);

const HEARTBEAT: Duration = Duration::from_millis(HEARTBEAT_MS);
const SILENCE_MAX: Duration = Duration::from_millis(SILENCE_MS_MAX);

/// Where a client begins: what it knows from an earlier process, and what it wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beginning {
    /// How many events were seen: the next that comes has the number after it.
    pub events_seen: u64,
    /// The furthest position that was told, [`ClientSession::acknowledged`].
    pub acknowledged: Option<Position>,
    /// What the session is for.
    pub purpose: Purpose,
}

/// Nothing was seen, and commands are to be sent; what they leave behind stands if the line is lost.
impl Default for Beginning {
    fn default() -> Self {
        Self { events_seen: 0, acknowledged: None, purpose: Purpose::Commands(WhenLost::Leave) }
    }
}

/// For whom a session speaks, and where it began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Who {
    /// For whom the connection's key speaks.
    pub identity: IdentityId,
    /// For whom that identity acts.
    pub participant: ParticipantId,
    /// The highest command id that the identity had used at this logon.
    pub highest: CommandId,
    /// How many events there were at this logon: who has seen the one with this number is up to date.
    pub events: u64,
    /// Where the exchange stood at this logon.
    pub position: Position,
    /// How fast commands may be sent.
    pub limits: Limits,
}

/// What another identity of the same participant was answered, as a drop copy is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Copied {
    /// Whose command it was.
    pub identity: IdentityId,
    /// Under which id.
    pub id: CommandId,
    /// What it was answered, and is durable.
    pub answer: Answer,
}

/// What a session has to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The exchange knows who is speaking. Comes once for each connection that gets so far.
    LoggedOn(Who),
    /// A command's answer, which is durable. Comes once for each command.
    Answered {
        /// The command.
        id: CommandId,
        /// The answer.
        answer: Answer,
        /// Where the exchange stood after the batch in which it was given.
        position: Position,
    },
    /// A command came faster than the limits allow. It was not executed, and is not sent again.
    OverLimit {
        /// The command.
        id: CommandId,
        /// After how long there is room for one.
        wait: Duration,
    },
    /// What an identity of the same participant was answered.
    Copied(Copied),
    /// The next event.
    Happened(Numbered),
    /// The next event is to be downloaded under this number, on a stream of its own, for [`ClientSession::downloaded`].
    Announced(u64),
    /// All events that there were at the logon have come. Comes once for each connection that gets so far.
    UpToDate,
    /// The connection is of no more use: the exchange said so, or said nothing for too long.
    Closed(Closing),
}

/// Why a command was not taken. Nothing of it is kept.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// There was no logon yet, so it is not known which ids are used.
    #[error("the next free command id is known after the first logon")]
    NotLoggedOn,
    /// [`UNANSWERED_MAX`] commands wait for their answers.
    #[error("{UNANSWERED_MAX} commands wait for their answers")]
    TooManyUnanswered,
    /// The id is not above all that this session has used.
    #[error("command ids strictly increase; the highest so far is {highest}")]
    IdUsed {
        /// The highest id used; 0 before the first.
        highest: CommandId,
    },
    /// A drop copy sends no commands.
    #[error("a drop copy sends no commands")]
    DropCopy,
    /// Commands came faster than the limits allow. This one was not executed.
    #[error("commands were sent faster than the limits allow; there is room in {} ms", wait.as_millis())]
    OverLimit {
        /// After how long there is room for one.
        wait: Duration,
    },
    /// The command does not fit in a message.
    #[error("the command does not fit in a message")]
    TooLong(#[source] EncodeError),
}

/// How the exchange broke the protocol. Connecting again does not cure it.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Violation {
    /// The bytes are no frames.
    #[error("the exchange sent no frame")]
    Frame(#[from] FrameTooLong),
    /// A frame, or parts put together, are no message.
    #[error("the exchange sent what is no message")]
    Unreadable(#[source] Arc<DecodeError>),
    /// What was downloaded is not what was announced.
    #[error("the exchange announced an event and sent something else")]
    Download(#[source] Arc<DownloadError>),
    /// The exchange answered the logon in a version that was not offered.
    #[error("the exchange speaks version {0} of the protocol, which was not offered")]
    Version(u16),
    /// Something came before the logon's answer, or a second answer came.
    #[error("the exchange sent a message out of turn")]
    OutOfTurn,
    /// The key speaks for somebody else than it did before, to whom other events are shown.
    #[error("the key spoke for another identity or participant before")]
    OtherSpeaker,
    /// There are fewer events than have come.
    #[error("the exchange has {events} events where {seen} have come")]
    EventsLost {
        /// How many have come.
        seen: u64,
        /// How many there are.
        events: u64,
    },
    /// The exchange stands before what it acknowledged, or there with another chain.
    #[error("the exchange had come to {acknowledged}, and then says that it is at {got}")]
    WentBack {
        /// The furthest position that it had told.
        acknowledged: Position,
        /// The one that it told then.
        got: Position,
    },
    /// An event was left out, or came again.
    #[error("event {got} came where event {expected} was next")]
    EventNumber {
        /// The next.
        expected: u64,
        /// The one that came.
        got: u64,
    },
    /// A reply to a command that was never submitted, or a `Busy` for one that does not wait for a reply.
    #[error("the exchange replied to command {id}, which waits for no such reply")]
    Unasked {
        /// The command.
        id: CommandId,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Disconnected,
    LoggingOn,
    Live {
        /// How many events make the session up to date, until it is.
        target: Option<u64>,
    },
}

/// A command that was not answered yet, kept as the frame that asks for it.
#[derive(Debug)]
struct Unanswered {
    id: CommandId,
    frame: Vec<u8>,
    /// Whether it was sent on this connection and waits for its reply.
    sent: bool,
}

/// One client's session with the exchange, across connections. Time is a duration since any fixed instant.
#[derive(Debug)]
pub struct ClientSession {
    state: State,
    who: Option<Who>,
    purpose: Purpose,
    events_seen: u64,
    /// The furthest position that was told.
    acknowledged: Option<Position>,
    /// The highest id that this session has used; 0 before the first.
    highest: CommandId,
    /// In the order of their ids.
    unanswered: VecDeque<Unanswered>,
    /// After a `Busy`: when to send again what was refused.
    retry_at: Option<Duration>,
    frames: Frames,
    /// The next event, where it is being downloaded.
    download: Option<Download>,
    output: Vec<u8>,
    notices: VecDeque<Notice>,
    /// The latest time that it was told.
    now: Duration,
    heard: Duration,
    said: Duration,
}

impl Default for ClientSession {
    fn default() -> Self {
        Self::new()
    }
}

impl ClientSession {
    /// A session that has not been connected yet and has seen nothing.
    pub fn new() -> Self {
        Self::beginning(Beginning::default())
    }

    /// A session that has not been connected yet, of a client that goes on where an earlier process was, or wants something else
    /// than to send commands.
    pub fn beginning(Beginning { events_seen, acknowledged, purpose }: Beginning) -> Self {
        Self {
            state: State::Disconnected,
            who: None,
            purpose,
            events_seen,
            acknowledged,
            highest: CommandId(0),
            unanswered: VecDeque::new(),
            retry_at: None,
            frames: Frames::default(),
            download: None,
            output: Vec::new(),
            notices: VecDeque::new(),
            now: Duration::ZERO,
            heard: Duration::ZERO,
            said: Duration::ZERO,
        }
    }

    /// A new connection is there: logs on. Whatever was left of an older one is forgotten.
    pub fn connected(&mut self, now: Duration) {
        self.disconnected();
        self.now = now;
        self.heard = now;
        self.state = State::LoggingOn;
        let Self { events_seen, acknowledged, purpose, .. } = *self;
        self.say(&ClientMessage::Logon(Logon { events_seen, acknowledged, purpose, ..Logon::NEW }));
    }

    /// The connection is gone. Commands without an answer are kept for the next.
    pub fn disconnected(&mut self) {
        self.state = State::Disconnected;
        self.frames = Frames::default();
        self.download = None;
        self.output.clear();
        self.retry_at = None;
        self.unanswered.iter_mut().for_each(|command| command.sent = false);
    }

    /// Whether the logon was answered on this connection.
    pub fn is_live(&self) -> bool {
        matches!(self.state, State::Live { .. })
    }

    /// Whether there is a connection that is of use.
    pub fn is_connected(&self) -> bool {
        self.state != State::Disconnected
    }

    /// How many events were seen: worth keeping for [`ClientSession::beginning`].
    pub fn events_seen(&self) -> u64 {
        self.events_seen
    }

    /// The furthest position that was told: worth keeping for [`ClientSession::beginning`].
    pub fn acknowledged(&self) -> Option<Position> {
        self.acknowledged
    }

    /// Takes bytes that arrived. Those of a connection that is of no more use are ignored.
    ///
    /// # Errors
    /// If the exchange broke the protocol. The session is disconnected then; notices of what came before stand.
    pub fn received(&mut self, bytes: &[u8], now: Duration) -> Result<(), Violation> {
        self.now = now;
        self.heard = now;
        self.frames.push(bytes);
        let taken = self.take_messages();
        if taken.is_err() {
            self.disconnected();
        }
        self.send_unsent();
        taken
    }

    /// Takes bytes of an announced event that arrived on its own stream.
    ///
    /// # Errors
    /// If they are not what was announced. The session is disconnected then.
    pub fn downloaded(&mut self, bytes: &[u8]) -> Result<(), Violation> {
        let taken = self.download.as_mut().map_or(Ok(()), |download| download.push(bytes));
        taken.map_err(|error| self.not_announced(error))
    }

    /// The stream of an announced event has ended in order: the event is whole, and others may follow.
    ///
    /// # Errors
    /// As [`ClientSession::downloaded`].
    pub fn download_ended(&mut self, now: Duration) -> Result<(), Violation> {
        self.now = now;
        let Some(download) = self.download.take() else { return Ok(()) };
        let numbered = download.finish().map_err(|error| self.not_announced(error))?;
        self.say(&ClientMessage::Downloaded { number: numbered.number });
        self.happened(numbered)
    }

    fn not_announced(&mut self, error: DownloadError) -> Violation {
        self.disconnected();
        Violation::Download(Arc::new(error))
    }

    /// Submits a command under the next free id, which is above all that the identity has used.
    ///
    /// # Errors
    /// If it is not taken: before the first logon, with [`UNANSWERED_MAX`] waiting, or too long.
    pub fn submit(&mut self, command: Command) -> Result<CommandId, SubmitError> {
        let who = self.who.ok_or(SubmitError::NotLoggedOn)?;
        let id = CommandId(self.highest.max(who.highest).0.saturating_add(1));
        self.submit_as(id, command)?;
        Ok(id)
    }

    /// Submits a command under an id of the caller's choice, above all that this session has used.
    ///
    /// It need not be above what the identity used before: a command of an earlier process that was perhaps not
    /// answered is submitted again under its id, and answered as it was at first, or executed now if it never was.
    ///
    /// # Errors
    /// If it is not taken: under an id that is not higher, with [`UNANSWERED_MAX`] waiting, or too long.
    pub fn submit_as(&mut self, id: CommandId, command: Command) -> Result<(), SubmitError> {
        if self.purpose == Purpose::DropCopy {
            return Err(SubmitError::DropCopy);
        }
        if id <= self.highest {
            return Err(SubmitError::IdUsed { highest: self.highest });
        }
        if self.unanswered.len() == UNANSWERED_MAX {
            return Err(SubmitError::TooManyUnanswered);
        }
        let mut frame = Vec::new();
        write_frame(&ClientMessage::Submit { id, command }, &mut frame).map_err(SubmitError::TooLong)?;
        self.highest = id;
        self.unanswered.push_back(Unanswered { id, frame, sent: false });
        self.send_unsent();
        Ok(())
    }

    /// Whether [`ClientSession::submit`] has an id and room for a command.
    pub fn can_submit(&self) -> bool {
        self.who.is_some() && self.unanswered.len() < UNANSWERED_MAX
    }

    /// Lets time pass: says that the client is alive, sends what was refused as `Busy` again, and gives up a
    /// connection on which nothing was heard for too long.
    pub fn passed(&mut self, now: Duration) {
        self.now = now;
        if !self.is_connected() {
            return;
        }
        if now >= self.heard + SILENCE_MAX {
            self.close(Closing::Silent);
            return;
        }
        self.send_unsent();
        if now >= self.said + HEARTBEAT {
            if self.output.is_empty() {
                self.say(&ClientMessage::Heartbeat);
            } else {
                // What waits to be sent says that the client is alive as soon as it can be said at all.
                self.said = now;
            }
        }
    }

    /// The caller does not read what arrives for now, so that nothing is heard is no sign of silence.
    pub fn not_listening(&mut self, now: Duration) {
        self.now = now;
        self.heard = now;
    }

    /// When [`ClientSession::passed`] is to be called next; `None` while disconnected.
    pub fn wakes_at(&self) -> Option<Duration> {
        if !self.is_connected() {
            return None;
        }
        let wakes_at = (self.heard + SILENCE_MAX).min(self.said + HEARTBEAT);
        Some(match self.retry_at {
            // What holds a retry up past its time is a reply that is on its way, and not time.
            Some(retry_at) if self.is_refused_to_the_end() => wakes_at.min(retry_at),
            _ => wakes_at,
        })
    }

    /// The bytes that wait to be sent. The caller takes from its front what it has sent.
    pub fn output(&mut self) -> &mut Vec<u8> {
        &mut self.output
    }

    /// The next thing to tell, in the order in which it came.
    pub fn next_notice(&mut self) -> Option<Notice> {
        self.notices.pop_front()
    }

    fn take_messages(&mut self) -> Result<(), Violation> {
        while self.is_connected() {
            let Some(frame) = self.frames.next_frame()? else { break };
            let message = golv_protocol::decode(frame).map_err(unreadable)?;
            self.take(message)?;
        }
        Ok(())
    }

    fn take(&mut self, message: ServerMessage) -> Result<(), Violation> {
        match (self.state, message) {
            (_, ServerMessage::Closing(reason)) => self.close(reason),
            (_, ServerMessage::Heartbeat) => {}
            (
                State::LoggingOn,
                ServerMessage::LoggedOn {
                    protocol,
                    identity,
                    participant,
                    highest,
                    events,
                    position,
                    limits,
                },
            ) => {
                if !(PROTOCOL_OLDEST..=PROTOCOL).contains(&protocol) {
                    return Err(Violation::Version(protocol));
                }
                self.logged_on(Who { identity, participant, highest, events, position, limits })?;
            }
            (State::Live { .. }, ServerMessage::Answered { id, answer, position }) => {
                self.answered(id, answer, position)?;
            }
            (State::Live { .. }, ServerMessage::Busy { id }) => self.busy(id)?,
            (State::Live { .. }, ServerMessage::OverLimit { id, wait_ms }) => {
                self.over_limit(id, Duration::from_millis(wait_ms.into()))?;
            }
            (State::Live { .. }, ServerMessage::Copied { identity, id, answer, position })
                if self.purpose == Purpose::DropCopy =>
            {
                self.come_to(position)?;
                self.notices.push_back(Notice::Copied(Copied { identity, id, answer }));
            }
            (State::Live { .. }, ServerMessage::Reached { position }) => self.come_to(position)?,
            (State::Live { .. }, ServerMessage::Happened(numbered)) if self.download.is_none() => {
                self.happened(numbered)?;
            }
            (State::Live { .. }, ServerMessage::Announced { number, bytes, digest, .. })
                if self.download.is_none() =>
            {
                let expected = self.events_seen + 1;
                if number != expected {
                    return Err(Violation::EventNumber { expected, got: number });
                }
                let download = Download::new(number, bytes, digest);
                self.download = Some(download.map_err(|error| Violation::Download(Arc::new(error)))?);
                self.notices.push_back(Notice::Announced(number));
            }
            _ => return Err(Violation::OutOfTurn),
        }
        Ok(())
    }

    fn logged_on(&mut self, who: Who) -> Result<(), Violation> {
        if self.who.is_some_and(|was| (was.identity, was.participant) != (who.identity, who.participant)) {
            return Err(Violation::OtherSpeaker);
        }
        if who.events < self.events_seen {
            return Err(Violation::EventsLost { seen: self.events_seen, events: who.events });
        }
        self.come_to(who.position)?;
        self.who = Some(who);
        self.state = State::Live { target: Some(who.events) };
        self.notices.push_back(Notice::LoggedOn(who));
        self.notice_up_to_date();
        Ok(())
    }

    fn answered(&mut self, id: CommandId, answer: Answer, position: Position) -> Result<(), Violation> {
        if id > self.highest {
            return Err(Violation::Unasked { id });
        }
        self.come_to(position)?;
        // An answer that came before says nothing new.
        if let Some(command) = self.place(id) {
            self.unanswered.remove(command);
            self.notices.push_back(Notice::Answered { id, answer, position });
        }
        Ok(())
    }

    /// Takes where the exchange says that it stands.
    fn come_to(&mut self, position: Position) -> Result<(), Violation> {
        if let Some(acknowledged) = self.acknowledged
            && position != acknowledged
            && position.sequence <= acknowledged.sequence
        {
            return Err(Violation::WentBack { acknowledged, got: position });
        }
        self.acknowledged = Some(position);
        Ok(())
    }

    fn busy(&mut self, id: CommandId) -> Result<(), Violation> {
        let command = self.place(id).and_then(|place| self.unanswered.get_mut(place));
        let Some(command) = command.filter(|command| command.sent) else {
            // If this were let pass, the exchange would wait for the command for ever and refuse all later ones.
            return Err(Violation::Unasked { id });
        };
        command.sent = false;
        self.retry_at.get_or_insert(self.now + BUSY_PAUSE);
        Ok(())
    }

    fn over_limit(&mut self, id: CommandId, wait: Duration) -> Result<(), Violation> {
        let place =
            self.place(id).filter(|place| self.unanswered.get(*place).is_some_and(|command| command.sent));
        let place = place.ok_or(Violation::Unasked { id })?;
        self.unanswered.remove(place);
        self.notices.push_back(Notice::OverLimit { id, wait });
        Ok(())
    }

    fn happened(&mut self, numbered: Numbered) -> Result<(), Violation> {
        let expected = self.events_seen + 1;
        if numbered.number != expected {
            return Err(Violation::EventNumber { expected, got: numbered.number });
        }
        self.events_seen = expected;
        self.notices.push_back(Notice::Happened(numbered));
        self.notice_up_to_date();
        Ok(())
    }

    fn notice_up_to_date(&mut self) {
        if let State::Live { target: Some(target) } = self.state
            && self.events_seen >= target
        {
            self.state = State::Live { target: None };
            self.notices.push_back(Notice::UpToDate);
        }
    }

    fn close(&mut self, reason: Closing) {
        self.disconnected();
        self.notices.push_back(Notice::Closed(reason));
    }

    fn place(&self, id: CommandId) -> Option<usize> {
        self.unanswered.binary_search_by_key(&id, |command| command.id).ok()
    }

    /// Whether `Busy` has come for all that was sent behind the first command that it came for.
    fn is_refused_to_the_end(&self) -> bool {
        !self.unanswered.iter().skip_while(|command| command.sent).any(|command| command.sent)
    }

    /// Sends what was not sent on this connection, in order, unless it is to wait.
    fn send_unsent(&mut self) {
        if !matches!(self.state, State::Live { .. }) {
            return;
        }
        if let Some(retry_at) = self.retry_at {
            if self.now < retry_at || !self.is_refused_to_the_end() {
                return;
            }
            self.retry_at = None;
        }
        let first = self.unanswered.partition_point(|command| command.sent);
        for command in self.unanswered.range_mut(first..) {
            command.sent = true;
            self.output.extend_from_slice(&command.frame);
            self.said = self.now;
        }
    }

    fn say(&mut self, message: &ClientMessage) {
        write_frame(message, &mut self.output).expect("a logon and a heartbeat are a few bytes");
        self.said = self.now;
    }
}

fn unreadable(error: DecodeError) -> Violation {
    Violation::Unreadable(Arc::new(error))
}

#[cfg(test)]
pub(crate) mod tests;
