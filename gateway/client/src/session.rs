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
//! - Positions never go back: each answer and each logon tells where the exchange stands, and the furthest is said again at
//!   the next logon, so that an exchange which has lost what it acknowledged finds out.
//! - Events come out with the numbers 1, 2, 3, … whatever happens to connections: a logon says how many came, and
//!   an event with any other number than the next is a violation.
//!
//! Deliberately absent: the network, the clock, how long to wait before connecting again, and memory of any of this
//! beyond the process. A new session sees all events from the first, and learns at logon which ids are used; the furthest
//! position of an earlier process is given to [`ClientSession::resuming`].

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use golv_engine::Answer;
use golv_engine::command::Command;
use golv_engine::id::{CommandId, IdentityId, ParticipantId};
use golv_protocol::frame::{FrameTooLong, Frames, write_frame};
use golv_protocol::message::{
    ClientMessage, Closing, HEARTBEAT_MS, Numbered, PROTOCOL, Parts, Position, SILENCE_MS_MAX, ServerMessage,
};
use golv_protocol::{DecodeError, EncodeError};

/// Commands that wait for their answers at most: as many answers as the exchange keeps for an identity, so that none
/// which is sent again is too old.
pub const UNANSWERED_MAX: usize = golv_engine::ANSWERS_KEPT;

/// How long after a `Busy` the command is sent again: long enough for a writer to take a batch, and short
/// against what a trader notices.
const BUSY_PAUSE: Duration = Duration::from_millis(20);

const HEARTBEAT: Duration = Duration::from_millis(HEARTBEAT_MS);
const SILENCE_MAX: Duration = Duration::from_millis(SILENCE_MS_MAX);

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
    /// The next event.
    Happened(Numbered),
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
    parts: Parts,
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
        Self::resuming(None)
    }

    /// A session that has not been connected yet, of a client that was told positions in an earlier process: the furthest of
    /// them, [`ClientSession::acknowledged`], is said at its first logon. It sees all events from the first.
    pub fn resuming(acknowledged: Option<Position>) -> Self {
        Self {
            state: State::Disconnected,
            who: None,
            events_seen: 0,
            acknowledged,
            highest: CommandId(0),
            unanswered: VecDeque::new(),
            retry_at: None,
            frames: Frames::default(),
            parts: Parts::default(),
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
        let Self { events_seen, acknowledged, .. } = *self;
        self.say(&ClientMessage::Logon { protocol: PROTOCOL, events_seen, acknowledged });
    }

    /// The connection is gone. Commands without an answer are kept for the next.
    pub fn disconnected(&mut self) {
        self.state = State::Disconnected;
        self.frames = Frames::default();
        self.parts = Parts::default();
        self.output.clear();
        self.retry_at = None;
        self.unanswered.iter_mut().for_each(|command| command.sent = false);
    }

    /// Whether there is a connection that is of use.
    pub fn is_connected(&self) -> bool {
        self.state != State::Disconnected
    }

    /// The furthest position that was told: worth keeping for [`ClientSession::resuming`].
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
                ServerMessage::LoggedOn { identity, participant, highest, events, position },
            ) => {
                self.logged_on(Who { identity, participant, highest, events, position })?;
            }
            (State::Live { .. }, ServerMessage::Answered { id, answer, position }) => {
                self.answered(id, answer, position)?;
            }
            (State::Live { .. }, ServerMessage::Busy { id }) => self.busy(id)?,
            (State::Live { .. }, ServerMessage::Happened(numbered)) => self.happened(numbered)?,
            (State::Live { .. }, ServerMessage::Part { last, bytes }) => {
                if let Some(numbered) = self.parts.push(last, &bytes).map_err(unreadable)? {
                    self.happened(numbered)?;
                }
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
pub(crate) mod tests {
    use super::*;
    use golv_engine::auction::{AuctionResult, Fill};
    use golv_engine::book::Side;
    use golv_engine::clearing::Reason;
    use golv_engine::digest::Digest;
    use golv_engine::event::Event;
    use golv_engine::id::{AuctionId, BidId, Sequence};
    use golv_engine::num::{Price, Quantity};
    use golv_engine::time::Instant;
    use golv_protocol::message::write_event;
    use proptest::prelude::*;
    use proptest::test_runner::TestRunner;
    use std::cell::Cell;
    use std::collections::{BTreeMap, BTreeSet};

    pub(crate) fn command(auction: u32) -> Command {
        Command::ClearAuction { auction: AuctionId(auction), secret: None }
    }

    pub(crate) fn answer(sequence: u64) -> Answer {
        Answer { sequence: Sequence(sequence), outcome: Ok(()) }
    }

    pub(crate) fn numbered(number: u64) -> Numbered {
        let event = Event::AuctionClosed { auction: AuctionId(7) };
        Numbered { number, sequence: Sequence(number), event }
    }

    pub(crate) fn logged_on(highest: u64, events: u64) -> ServerMessage {
        let (identity, participant) = (IdentityId(3), ParticipantId(2));
        let position = position(1_000);
        ServerMessage::LoggedOn { identity, participant, highest: CommandId(highest), events, position }
    }

    /// An answer of an exchange that stands where it stood at the logon.
    pub(crate) fn answered(id: u64, sequence: u64) -> ServerMessage {
        answered_at(id, sequence, position(1_000))
    }

    pub(crate) fn answered_at(id: u64, sequence: u64, position: Position) -> ServerMessage {
        ServerMessage::Answered { id: CommandId(id), answer: answer(sequence), position }
    }

    /// Of one history: the chain is told by the sequence.
    pub(crate) fn position(sequence: u64) -> Position {
        Position { sequence: Sequence(sequence), chain: Digest::of(&sequence) }
    }

    /// An event that travels in parts.
    fn long(number: u64) -> Numbered {
        let quantity = Quantity::ZERO;
        let bid = BidId { identity: IdentityId(1), command: CommandId(1) };
        let (participant, side, price) = (ParticipantId(1), Side::Buy, Price::ZERO);
        let fill = Fill { bid, participant, side, quantity, price, reason: Reason::Rationed };
        let result = AuctionResult { fills: vec![fill; 3_000], ..AuctionResult::default() };
        let event = Event::AuctionCleared { auction: AuctionId(1), final_at: Instant(0), result };
        Numbered { number, sequence: Sequence(number), event }
    }

    const fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    fn hear(session: &mut ClientSession, message: &ServerMessage, now: Duration) -> Result<(), Violation> {
        let mut bytes = Vec::new();
        write_frame(message, &mut bytes).expect("short");
        session.received(&bytes, now)
    }

    fn said(session: &mut ClientSession) -> Vec<ClientMessage> {
        let mut frames = Frames::default();
        frames.push(&std::mem::take(session.output()));
        let mut said = Vec::new();
        while let Some(frame) = frames.next_frame().expect("frames") {
            said.push(golv_protocol::decode(frame).expect("a message"));
        }
        assert!(!frames.is_partial());
        said
    }

    fn said_ids(session: &mut ClientSession) -> Vec<u64> {
        let ids = said(session).into_iter().map(|message| match message {
            ClientMessage::Submit { id, .. } => id.0,
            other => panic!("{other:?}"),
        });
        ids.collect()
    }

    fn told(session: &mut ClientSession) -> Vec<Notice> {
        std::iter::from_fn(|| session.next_notice()).collect()
    }

    /// A session that has logged on at time 0 and has said and told all of it.
    fn live(highest: u64, events: u64) -> ClientSession {
        let mut session = ClientSession::new();
        reconnect(&mut session, highest, events, ms(0));
        session
    }

    fn reconnect(session: &mut ClientSession, highest: u64, events: u64, now: Duration) {
        session.connected(now);
        let (events_seen, acknowledged) = (session.events_seen, session.acknowledged);
        assert_eq!(said(session), [ClientMessage::Logon { protocol: PROTOCOL, events_seen, acknowledged }]);
        hear(session, &logged_on(highest, events), now).expect("in turn");
        assert!(matches!(told(session)[..], [Notice::LoggedOn(_), ..]));
    }

    #[test]
    fn a_logon_tells_who_and_what_comes_next() {
        let mut session = ClientSession::new();
        assert!(!session.can_submit());
        assert!(matches!(session.submit(command(1)), Err(SubmitError::NotLoggedOn)));
        assert_eq!(session.wakes_at(), None);
        session.connected(ms(5));
        let logon = ClientMessage::Logon { protocol: PROTOCOL, events_seen: 0, acknowledged: None };
        assert_eq!(said(&mut session), [logon]);
        hear(&mut session, &logged_on(41, 1), ms(6)).expect("in turn");
        let who = Who {
            identity: IdentityId(3),
            participant: ParticipantId(2),
            highest: CommandId(41),
            events: 1,
            position: position(1_000),
        };
        assert_eq!(told(&mut session), [Notice::LoggedOn(who)]);

        assert_eq!(session.submit(command(1)).expect("room"), CommandId(42));
        let submit = ClientMessage::Submit { id: CommandId(42), command: command(1) };
        assert_eq!(said(&mut session), [submit]);
        hear(&mut session, &ServerMessage::Happened(numbered(1)), ms(7)).expect("the next");
        assert_eq!(told(&mut session), [Notice::Happened(numbered(1)), Notice::UpToDate]);
        let answered = answered(42, 9);
        hear(&mut session, &answered, ms(8)).expect("asked for");
        let notice = Notice::Answered { id: CommandId(42), answer: answer(9), position: position(1_000) };
        assert_eq!(told(&mut session), [notice]);
        hear(&mut session, &answered, ms(8)).expect("ignored");
        assert_eq!(told(&mut session), []);
    }

    #[test]
    fn an_exchange_without_events_is_up_to_date_at_once() {
        let mut session = ClientSession::new();
        session.connected(ms(0));
        hear(&mut session, &logged_on(0, 0), ms(0)).expect("in turn");
        assert!(matches!(told(&mut session)[..], [Notice::LoggedOn(_), Notice::UpToDate]));
    }

    /// Ids of an earlier process may come again, ids of this one may not.
    #[test]
    fn chosen_ids_rise_above_those_of_this_session_only() {
        let mut session = live(10, 0);
        session.submit_as(CommandId(9), command(1)).expect("perhaps executed by an earlier process");
        let used = session.submit_as(CommandId(9), command(1));
        assert!(matches!(used, Err(SubmitError::IdUsed { highest: CommandId(9) })));
        assert_eq!(session.submit(command(1)).expect("room"), CommandId(11));
        session.submit_as(CommandId(u64::MAX), command(1)).expect("higher");
        assert!(matches!(session.submit(command(1)), Err(SubmitError::IdUsed { .. })), "no id is left");
        assert!(matches!(
            ClientSession::new().submit_as(CommandId(0), command(1)),
            Err(SubmitError::IdUsed { .. })
        ));
    }

    #[test]
    fn unanswered_commands_are_bounded() {
        let mut session = live(0, 0);
        for id in 1..=UNANSWERED_MAX as u64 {
            assert!(session.can_submit());
            assert_eq!(session.submit(command(1)).expect("room"), CommandId(id));
        }
        assert!(!session.can_submit());
        assert!(matches!(session.submit(command(1)), Err(SubmitError::TooManyUnanswered)));
        hear(&mut session, &answered(1, 1), ms(1)).expect("asked for");
        assert_eq!(session.submit(command(1)).expect("room again"), CommandId(UNANSWERED_MAX as u64 + 1));
    }

    #[test]
    fn after_a_cut_what_has_no_answer_is_sent_again_in_order() {
        let mut session = live(0, 1);
        for auction in 1..=3 {
            session.submit(command(auction)).expect("room");
        }
        hear(&mut session, &ServerMessage::Happened(numbered(1)), ms(1)).expect("the next");
        hear(&mut session, &answered(2, 2), ms(1)).expect("asked");
        session.disconnected();
        assert!(session.output().is_empty());
        session.submit(command(4)).expect("kept for later");
        assert!(session.output().is_empty());
        hear(&mut session, &ServerMessage::Happened(numbered(2)), ms(1))
            .expect("ignored: of the old connection");
        told(&mut session);

        reconnect(&mut session, 3, 1, ms(2));
        assert_eq!(said_ids(&mut session), [1, 3, 4]);
        hear(&mut session, &ServerMessage::Happened(numbered(2)), ms(3)).expect("the next");
        assert_eq!(told(&mut session), [Notice::Happened(numbered(2))]);
    }

    #[test]
    fn half_a_frame_and_half_an_event_die_with_their_connection() {
        let mut session = live(0, 1);
        let mut bytes = Vec::new();
        write_event(&long(1), &mut bytes).expect("short enough");
        session.received(&bytes[..bytes.len() - 1], ms(1)).expect("not whole yet");
        assert_eq!(told(&mut session), []);
        reconnect(&mut session, 0, 1, ms(2));
        session.received(&bytes, ms(3)).expect("whole");
        assert_eq!(told(&mut session), [Notice::Happened(long(1)), Notice::UpToDate]);
    }

    #[test]
    fn busy_holds_back_all_that_follows_until_it_is_over() {
        let mut session = live(0, 0);
        for auction in 1..=4 {
            session.submit(command(auction)).expect("room");
        }
        assert_eq!(said_ids(&mut session), [1, 2, 3, 4]);
        let busy = |id| ServerMessage::Busy { id: CommandId(id) };
        hear(&mut session, &busy(2), ms(10)).expect("sent");
        hear(&mut session, &busy(3), ms(12)).expect("sent");
        session.submit(command(5)).expect("kept for later");
        // The time has come, but not the last refusal: until then a second copy would have two replies.
        assert_eq!(session.wakes_at(), Some(HEARTBEAT));
        session.passed(ms(40));
        assert!(session.output().is_empty());
        hear(&mut session, &answered(1, 1), ms(41)).expect("sent");
        assert!(session.output().is_empty());
        hear(&mut session, &busy(4), ms(42)).expect("sent");
        assert_eq!(said_ids(&mut session), [2, 3, 4, 5]);

        for id in 2..=5 {
            hear(&mut session, &busy(id), ms(50)).expect("sent again");
        }
        assert_eq!(session.wakes_at(), Some(ms(50) + BUSY_PAUSE));
        session.passed(ms(69));
        assert!(session.output().is_empty(), "not yet");
        session.passed(ms(70));
        assert_eq!(said_ids(&mut session), [2, 3, 4, 5]);
    }

    #[test]
    fn a_new_connection_knows_nothing_of_busy() {
        let mut session = live(0, 0);
        session.submit(command(1)).expect("room");
        session.submit(command(2)).expect("room");
        said(&mut session);
        hear(&mut session, &ServerMessage::Busy { id: CommandId(1) }, ms(10)).expect("sent");
        told(&mut session);
        reconnect(&mut session, 0, 0, ms(11));
        assert_eq!(said_ids(&mut session), [1, 2]);
    }

    #[test]
    fn violations_end_the_connection() {
        type Check = fn(&Violation) -> bool;
        let cases: [(ServerMessage, Check); 8] = [
            (ServerMessage::Happened(numbered(1)), |v| {
                matches!(v, Violation::EventNumber { expected: 2, got: 1 })
            }),
            (ServerMessage::Happened(numbered(3)), |v| {
                matches!(v, Violation::EventNumber { expected: 2, got: 3 })
            }),
            (logged_on(0, 1), |v| matches!(v, Violation::OutOfTurn)),
            (answered(3, 1), |v| matches!(v, Violation::Unasked { id: CommandId(3) })),
            (ServerMessage::Busy { id: CommandId(3) }, |v| {
                matches!(v, Violation::Unasked { id: CommandId(3) })
            }),
            // Answered before, so there is no reply to come.
            (ServerMessage::Busy { id: CommandId(1) }, |v| {
                matches!(v, Violation::Unasked { id: CommandId(1) })
            }),
            (ServerMessage::Part { last: true, bytes: vec![1] }, |v| matches!(v, Violation::Unreadable(_))),
            (ServerMessage::Part { last: true, bytes: Vec::new() }, |v| {
                matches!(v, Violation::Unreadable(_))
            }),
        ];
        for (message, is_right) in cases {
            let mut session = live(0, 1);
            hear(&mut session, &ServerMessage::Happened(numbered(1)), ms(1)).expect("the first");
            session.submit(command(1)).expect("room");
            session.submit(command(2)).expect("room");
            hear(&mut session, &answered(1, 1), ms(1)).expect("asked for");
            let violation = hear(&mut session, &message, ms(2)).expect_err("a violation");
            assert!(is_right(&violation), "{message:?}: {violation:?}");
            assert!(!session.is_connected());
            assert!(session.output().is_empty());
        }
    }

    /// The furthest position is said at every logon, of an earlier process or of this one, and told back by a logon as well.
    #[test]
    fn the_furthest_position_is_said_at_each_logon() {
        let logon = |events_seen, acknowledged| {
            [ClientMessage::Logon { protocol: PROTOCOL, events_seen, acknowledged }]
        };
        let earlier = Some(position(999));
        let mut session = ClientSession::resuming(earlier);
        assert_eq!(session.acknowledged(), earlier);
        session.connected(ms(0));
        assert_eq!(said(&mut session), logon(0, earlier));
        hear(&mut session, &logged_on(0, 0), ms(1)).expect("further");
        assert_eq!(session.acknowledged(), Some(position(1_000)));
        session.submit(command(1)).expect("room");
        session.submit(command(2)).expect("room");
        hear(&mut session, &answered_at(1, 1_006, position(1_007)), ms(1)).expect("further");
        hear(&mut session, &answered_at(2, 1_007, position(1_007)), ms(1)).expect("in the same batch");
        assert_eq!(session.acknowledged(), Some(position(1_007)));
        session.connected(ms(2));
        said(&mut session);
        session.connected(ms(3));
        assert_eq!(said(&mut session), logon(0, Some(position(1_007))));
        hear(&mut session, &ServerMessage::Closing(Closing::ServerBehind), ms(3)).expect("in turn");
        assert!(told(&mut session).ends_with(&[Notice::Closed(Closing::ServerBehind)]));
        assert_eq!(session.acknowledged(), Some(position(1_007)), "it is still true");
    }

    /// An exchange that lets a client in and stands before what it had acknowledged, or elsewhere, has broken its word.
    #[test]
    fn a_position_never_goes_back() {
        let elsewhere = |sequence| Position { chain: Digest([0; 32]), ..position(sequence) };
        for got in [position(1_008), elsewhere(1_008), elsewhere(1_009)] {
            let mut session = live(0, 0);
            session.submit(command(1)).expect("room");
            session.submit(command(2)).expect("room");
            hear(&mut session, &answered_at(1, 1_009, position(1_009)), ms(1)).expect("further");
            let violation = hear(&mut session, &answered_at(2, 1_008, got), ms(1)).expect_err("back");
            let is_right = matches!(violation, Violation::WentBack { acknowledged, got: told }
                if (acknowledged, told) == (position(1_009), got));
            assert!(is_right, "{violation:?}");

            session.connected(ms(2));
            said(&mut session);
            let back = ServerMessage::LoggedOn {
                identity: IdentityId(3),
                participant: ParticipantId(2),
                highest: CommandId(2),
                events: 0,
                position: got,
            };
            assert!(matches!(hear(&mut session, &back, ms(2)), Err(Violation::WentBack { .. })));
            assert!(!session.is_connected());
            assert_eq!(session.acknowledged(), Some(position(1_009)));
        }
    }

    #[test]
    fn bytes_that_are_no_messages_are_violations() {
        let mut session = live(0, 0);
        assert!(matches!(session.received(&[0xff; 4], ms(1)), Err(Violation::Frame(_))));
        let mut session = live(0, 0);
        assert!(matches!(session.received(&[1, 0, 0, 0, 9], ms(1)), Err(Violation::Unreadable(_))));
    }

    #[test]
    fn nothing_comes_before_the_logon_is_answered_and_its_answer_must_fit_what_came_before() {
        let mut session = ClientSession::new();
        session.connected(ms(0));
        hear(&mut session, &ServerMessage::Heartbeat, ms(1))
            .expect("says nothing but that the exchange is alive");
        let early = hear(&mut session, &ServerMessage::Happened(numbered(1)), ms(1));
        assert!(matches!(early, Err(Violation::OutOfTurn)));

        let mut session = live(0, 1);
        hear(&mut session, &ServerMessage::Happened(numbered(1)), ms(1)).expect("the first");
        session.connected(ms(2));
        let lost = hear(&mut session, &logged_on(0, 0), ms(3));
        assert!(matches!(lost, Err(Violation::EventsLost { seen: 1, events: 0 })));
        session.connected(ms(4));
        let (identity, participant) = (IdentityId(4), ParticipantId(2));
        let (highest, position) = (CommandId(0), position(1_000));
        let other = ServerMessage::LoggedOn { identity, participant, highest, events: 1, position };
        assert!(matches!(hear(&mut session, &other, ms(5)), Err(Violation::OtherSpeaker)));
    }

    #[test]
    fn heartbeats_leave_when_nothing_else_did() {
        let mut session = live(0, 0);
        session.passed(ms(999));
        assert_eq!(said(&mut session), []);
        assert_eq!(session.wakes_at(), Some(ms(1_000)));
        session.passed(ms(1_000));
        assert_eq!(said(&mut session), [ClientMessage::Heartbeat]);
        session.passed(ms(1_500));
        session.submit(command(1)).expect("room");
        assert_eq!(session.wakes_at(), Some(ms(2_500)), "a command says as much");
        session.passed(ms(2_500));
        assert_eq!(said_ids(&mut session), [1], "it still waits to be sent");
    }

    #[test]
    fn silence_ends_a_connection_unless_nobody_listened() {
        let mut session = live(0, 0);
        hear(&mut session, &ServerMessage::Heartbeat, ms(500)).expect("alive");
        session.passed(ms(3_499));
        assert!(session.is_connected());
        session.not_listening(ms(3_500));
        session.passed(ms(6_499));
        assert!(session.is_connected());
        told(&mut session);
        session.passed(ms(6_500));
        assert!(!session.is_connected());
        assert_eq!(told(&mut session), [Notice::Closed(Closing::Silent)]);
        session.passed(ms(60_000));
        assert_eq!(told(&mut session), [], "said once");

        session.connected(ms(70_000));
        session.passed(ms(73_000));
        assert_eq!(told(&mut session), [Notice::Closed(Closing::Silent)], "a logon without an answer");
    }

    #[test]
    fn nothing_follows_a_closing() {
        let mut session = live(0, 9);
        let mut bytes = Vec::new();
        write_frame(&ServerMessage::Happened(numbered(1)), &mut bytes).expect("short");
        write_frame(&ServerMessage::Closing(Closing::Stopping), &mut bytes).expect("short");
        write_frame(&ServerMessage::Happened(numbered(2)), &mut bytes).expect("short");
        session.received(&bytes, ms(1)).expect("messages");
        let expected = [Notice::Happened(numbered(1)), Notice::Closed(Closing::Stopping)];
        assert_eq!(told(&mut session), expected);
        assert!(!session.is_connected());
    }

    /// An exchange that does what the protocol says, on one identity, and checks what it is told.
    #[derive(Default)]
    struct Model {
        executed: Vec<(CommandId, Command)>,
        /// Counts what the writer took.
        written: u64,
        answers: BTreeMap<CommandId, Answer>,
        events: Vec<Numbered>,
        /// Between the connections and the writer. Survives a connection, as in the real one.
        ring: VecDeque<(u64, CommandId, Command)>,
        /// Counts connections.
        connection: u64,
        logged_on: bool,
        frames: Frames,
        busy: Option<CommandId>,
        /// Sent on this connection, and without a reply.
        unreplied: BTreeSet<CommandId>,
        out: Vec<u8>,
        refused: u64,
    }

    impl Model {
        const RING: usize = 3;

        fn connected(&mut self) {
            self.connection += 1;
            self.logged_on = false;
            self.frames = Frames::default();
            self.busy = None;
            self.unreplied.clear();
            self.out.clear();
        }

        /// A batch for each command that the writer took, executed before or not.
        fn position(&self) -> Position {
            position(self.written)
        }

        fn say(&mut self, message: &ServerMessage) {
            write_frame(message, &mut self.out).expect("short");
        }

        fn received(&mut self, bytes: &[u8]) {
            self.frames.push(bytes);
            while let Some(frame) = self.frames.next_frame().expect("frames") {
                match golv_protocol::decode(frame).expect("a message") {
                    ClientMessage::Logon { protocol, events_seen, acknowledged } => {
                        assert_eq!(protocol, PROTOCOL);
                        let last = self.position();
                        assert!(acknowledged.is_none_or(|told| told.sequence <= last.sequence));
                        assert!(!std::mem::replace(&mut self.logged_on, true));
                        let highest = self.executed.last().map_or(0, |(id, _)| id.0);
                        self.say(&ServerMessage::LoggedOn {
                            identity: IdentityId(3),
                            participant: ParticipantId(2),
                            highest: CommandId(highest),
                            events: self.events.len() as u64,
                            position: last,
                        });
                        let unseen = usize::try_from(events_seen).expect("few events");
                        for event in &self.events[unseen..] {
                            write_event(event, &mut self.out).expect("short enough");
                        }
                    }
                    ClientMessage::Submit { id, command } => {
                        assert!(self.logged_on);
                        assert!(self.unreplied.insert(id), "{id} was sent twice");
                        if self.busy.is_some_and(|busy| busy != id) || self.ring.len() == Self::RING {
                            self.busy.get_or_insert(id);
                            self.refused += 1;
                            self.unreplied.remove(&id);
                            self.say(&ServerMessage::Busy { id });
                        } else {
                            self.busy = None;
                            self.ring.push_back((self.connection, id, command));
                        }
                    }
                    ClientMessage::Heartbeat => assert!(self.logged_on),
                }
            }
        }

        /// The writer takes a command.
        fn write(&mut self) {
            let Some((connection, id, command)) = self.ring.pop_front() else { return };
            self.written += 1;
            if !self.answers.contains_key(&id) {
                assert!(self.executed.last().is_none_or(|(last, _)| *last < id), "{id} was overtaken");
                self.executed.push((id, command));
                self.answers.insert(id, answer(self.executed.len() as u64));
                self.happen(false);
            }
            if connection == self.connection {
                self.unreplied.remove(&id);
                let (answer, position) = (self.answers[&id], self.position());
                self.say(&ServerMessage::Answered { id, answer, position });
            }
        }

        fn happen(&mut self, is_long: bool) {
            let number = self.events.len() as u64 + 1;
            let event = if is_long { long(number) } else { numbered(number) };
            if self.logged_on {
                write_event(&event, &mut self.out).expect("short enough");
            }
            self.events.push(event);
        }
    }

    #[derive(Clone, Debug)]
    enum Step {
        Submit(u32),
        Upward(usize),
        Downward(usize),
        Write,
        Happen { is_long: bool },
        Pass(u64),
        Cut,
        Connect,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            8 => any::<u32>().prop_map(Step::Submit),
            8 => (1_usize..300).prop_map(Step::Upward),
            6 => (1_usize..300).prop_map(Step::Downward),
            2 => Just(Step::Downward(usize::MAX)),
            8 => Just(Step::Write),
            2 => Just(Step::Happen { is_long: false }),
            1 => Just(Step::Happen { is_long: true }),
            3 => (1_u64..60).prop_map(Step::Pass),
            1 => (60_u64..4_000).prop_map(Step::Pass),
            1 => Just(Step::Cut),
            4 => Just(Step::Connect),
        ]
    }

    /// A session and an exchange with a connection between them that can be cut anywhere.
    #[derive(Default)]
    struct World {
        session: ClientSession,
        model: Model,
        now: Duration,
        submitted: Vec<(CommandId, Command)>,
        answered: BTreeMap<CommandId, Answer>,
        events: Vec<Numbered>,
        resent: u64,
        silences: u64,
    }

    impl World {
        fn step(&mut self, step: Step) {
            match step {
                Step::Submit(auction) => {
                    if self.session.can_submit() {
                        let id = self.session.submit(command(auction)).expect("there is room");
                        self.submitted.push((id, command(auction)));
                    }
                }
                Step::Upward(length) => {
                    let output = self.session.output();
                    let bytes: Vec<u8> = output.drain(..length.min(output.len())).collect();
                    self.model.received(&bytes);
                }
                Step::Downward(length) => {
                    let out = &mut self.model.out;
                    let bytes: Vec<u8> = out.drain(..length.min(out.len())).collect();
                    if !bytes.is_empty() {
                        self.session.received(&bytes, self.now).expect("the model keeps the protocol");
                    }
                }
                Step::Write => self.model.write(),
                Step::Happen { is_long } => self.model.happen(is_long),
                Step::Pass(milliseconds) => {
                    self.now += ms(milliseconds);
                    self.session.passed(self.now);
                }
                Step::Cut => {
                    self.session.disconnected();
                    self.model.connected();
                }
                Step::Connect => {
                    if !self.session.is_connected() {
                        self.resent += self.session.unanswered.len() as u64;
                        self.session.connected(self.now);
                        self.model.connected();
                    }
                }
            }
            for notice in told(&mut self.session) {
                match notice {
                    Notice::Answered { id, answer, .. } => {
                        assert_eq!(self.answered.insert(id, answer), None, "{id} was answered twice");
                    }
                    Notice::Happened(numbered) => self.events.push(numbered),
                    Notice::Closed(reason) => {
                        assert_eq!(reason, Closing::Silent);
                        self.silences += 1;
                        self.model.connected();
                    }
                    Notice::LoggedOn(_) | Notice::UpToDate => {}
                }
            }
        }

        /// Lets everything arrive that is on its way or has to be said again.
        fn settle(&mut self) {
            let round = [
                Step::Connect,
                Step::Upward(usize::MAX),
                Step::Write,
                Step::Write,
                Step::Downward(usize::MAX),
                Step::Pass(20),
            ];
            for _ in 0..1_000 {
                round.iter().for_each(|step| self.step(step.clone()));
                if self.session.unanswered.is_empty() && self.events.len() == self.model.events.len() {
                    return;
                }
            }
            panic!("{} commands have no answer", self.session.unanswered.len());
        }
    }

    #[test]
    fn whatever_is_cut_every_command_is_executed_once_and_every_event_seen_once() {
        let (refused, resent, silences, answers) = (Cell::new(0), Cell::new(0), Cell::new(0), Cell::new(0));
        let add = |sum: &Cell<u64>, more| sum.set(sum.get() + more);
        let config = ProptestConfig { source_file: Some(file!()), ..ProptestConfig::default() };
        TestRunner::new(config)
            .run(&prop::collection::vec(step(), 1..300), |steps| {
                let mut world = World::default();
                steps.into_iter().for_each(|step| world.step(step));
                world.settle();
                prop_assert_eq!(&world.model.executed, &world.submitted);
                prop_assert_eq!(&world.answered, &world.model.answers);
                prop_assert_eq!(&world.events, &world.model.events);
                add(&refused, world.model.refused);
                add(&resent, world.resent);
                add(&silences, world.silences);
                add(&answers, world.answered.len() as u64);
                Ok(())
            })
            .expect("holds for all");
        // The steps reach what they are meant to try.
        for (what, count) in
            [("refused", refused), ("resent", resent), ("silent", silences), ("answered", answers)]
        {
            assert!(count.get() > 10, "{what}: {}", count.get());
        }
    }
}
