//! A session with one client, as a state machine without a network: bytes and messages in, requests and bytes out.
//!
//! ```text
//!           bytes ──▶ receive ─┐                       ┌─ next ──▶ log on, submit ──▶ writer
//!                              ├─▶ AwaitingLogon ─▶ LoggingOn ─▶ Live ─▶ Closed
//!  client ◀── bytes ◀── output ┘                       └─ told ◀── answers, events ◀── writer
//! ```
//!
//! What a client may see of an event is decided here, once, before anything is encoded for it. Events are numbered
//! from 1 over what this participant may see; a logon says how many were seen, and the rest follows. The
//! history is encoded piece by piece as the client takes it, so a session's memory is bounded: one frame and one
//! read of input, [`OUTPUT_FULL`] and one event of output, and batches that all sessions share.
//!
//! Deliberately absent: the network, the clock, and any knowledge of what a command means.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use golv_engine::Speaker;
use golv_engine::command::Command;
use golv_engine::id::{CommandId, IdentityId};
use golv_journal::execute::Happened;
use golv_protocol::frame::{Frames, write_frame};
use golv_protocol::message::{
    ClientMessage, Closing, HEARTBEAT_MS, Numbered, PROTOCOL, SILENCE_MS_MAX, ServerMessage, write_event,
};

use crate::pipeline::{Answered, Claim, Cursor, History, Message};

/// Commands of one session that wait for their answers at most. Past that its stream is not read: the client waits.
pub const IN_FLIGHT_MAX: usize = 256;

/// No more history is encoded once so many bytes wait to be sent.
pub const OUTPUT_FULL: usize = 256 * 1024;

/// Events of the history that are looked at in one go: most of them may be others', and other sessions wait.
const LOOKED_AT_MAX: usize = 10_000;

/// Batches that wait behind the history at most. Past that the writer's queue is not read, and it drops the session once
/// that is full too.
const WAITING_MAX: usize = 8_192;

/// What a session asks of the writer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Log the connection's key on.
    LogOn(Claim),
    /// Find what happened before the history that came with the logon, and answer [`Session::told_older`].
    Older,
    /// Execute a command, or answer [`Session::busy`].
    Submit {
        /// Whose command.
        sender: IdentityId,
        /// Its number.
        id: CommandId,
        /// The command.
        command: Command,
    },
}

#[derive(Debug)]
enum State {
    AwaitingLogon,
    LoggingOn { events_seen: u64 },
    Live(Live),
    Closed(Closing),
}

#[derive(Debug)]
struct Live {
    speaker: Speaker,
    /// Events of this participant that were numbered so far.
    numbered: u64,
    /// Events that the client had seen when it logged on: they are numbered and not sent.
    seen: u64,
    /// What is still to be sent of the history, and how far the first of it was looked at.
    history: VecDeque<History>,
    cursor: Cursor,
    /// What happened before it, and was not seen either.
    older: Older,
    /// What happened since, and waits until the history was sent.
    waiting: VecDeque<Arc<[Happened]>>,
    in_flight: usize,
    /// The command that was answered with `Busy` last: until it comes again, later ones are too.
    busy: Option<CommandId>,
}

/// Whether a client needs what happened before the history that came with its logon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Older {
    /// No, or it is in the history by now.
    Needless,
    /// It is, and it was not asked for yet.
    Needed,
    /// It was asked for. No event is sent before it has come.
    Asked,
}

/// A session. Time is a duration since any fixed instant.
#[derive(Debug)]
pub struct Session {
    state: State,
    frames: Frames,
    output: Vec<u8>,
    heard: Duration,
    /// When it was last seen to that the client hears something, and whether anything was said since.
    said: Duration,
    spoke: bool,
}

impl Session {
    /// A session whose connection was just made.
    pub fn new(now: Duration) -> Self {
        Self {
            state: State::AwaitingLogon,
            frames: Frames::default(),
            output: Vec::new(),
            heard: now,
            said: now,
            spoke: false,
        }
    }

    /// Takes bytes that arrived.
    pub fn receive(&mut self, bytes: &[u8], now: Duration) {
        // Before the logon only the logon itself counts, or a byte now and then would hold the session open.
        if !matches!(self.state, State::AwaitingLogon) {
            self.heard = now;
        }
        self.frames.push(bytes);
    }

    /// Whether more bytes should be read: not while too many commands wait for their answers.
    pub fn wants_input(&self) -> bool {
        match &self.state {
            State::AwaitingLogon => true,
            State::Live(live) => live.in_flight < IN_FLIGHT_MAX,
            State::LoggingOn { .. } | State::Closed(_) => false,
        }
    }

    /// The next thing that the client asks for, out of the bytes that have arrived.
    pub fn next_request(&mut self) -> Option<Request> {
        if let State::Live(live) = &mut self.state
            && live.older == Older::Needed
        {
            live.older = Older::Asked;
            return Some(Request::Older);
        }
        while self.wants_input() {
            let message = match self.frames.next_frame() {
                Ok(None) => return None,
                Ok(Some(frame)) => golv_protocol::decode::<ClientMessage>(frame).ok(),
                Err(_) => None,
            };
            let Some(message) = message else {
                self.close(Closing::Malformed);
                return None;
            };
            if let Some(request) = self.take(message) {
                return Some(request);
            }
        }
        None
    }

    fn take(&mut self, message: ClientMessage) -> Option<Request> {
        match (&mut self.state, message) {
            (
                State::AwaitingLogon,
                ClientMessage::Logon { protocol: PROTOCOL, events_seen, acknowledged },
            ) => {
                self.state = State::LoggingOn { events_seen };
                return Some(Request::LogOn(Claim { events_seen, acknowledged }));
            }
            (State::AwaitingLogon, ClientMessage::Logon { .. }) => self.close(Closing::OtherVersion),
            (State::Live(live), ClientMessage::Submit { id, command }) => {
                match live.busy {
                    Some(busy) if id > busy => {
                        self.say(&ServerMessage::Busy { id });
                        return None;
                    }
                    Some(busy) if id == busy => live.busy = None,
                    // An older one was executed before, and is answered as it was.
                    _ => {}
                }
                live.in_flight += 1;
                return Some(Request::Submit { sender: live.speaker.identity, id, command });
            }
            (State::Live(_), ClientMessage::Heartbeat) => {}
            _ => self.close(Closing::Malformed),
        }
        None
    }

    /// The writer took no more: the command was not journalled, and its id is free.
    pub fn busy(&mut self, id: CommandId) {
        if let State::Live(live) = &mut self.state {
            live.in_flight = live.in_flight.saturating_sub(1);
            live.busy = Some(live.busy.map_or(id, |busy| busy.min(id)));
            self.say(&ServerMessage::Busy { id });
        }
    }

    /// Takes what the writer told this session.
    pub fn told(&mut self, message: Message) {
        match (&mut self.state, message) {
            (_, Message::Closing(reason)) => self.close(reason),
            (_, Message::Behind { .. }) => self.close(Closing::ServerBehind),
            (State::LoggingOn { events_seen }, Message::LoggedOn { speaker, events, position, history }) => {
                let Speaker { identity, participant, highest, .. } = speaker;
                let before = history.before().shown_to(participant, speaker.reads_all);
                let (numbered, older) =
                    if *events_seen >= before { (before, Older::Needless) } else { (0, Older::Needed) };
                let live = Live {
                    speaker,
                    numbered,
                    seen: *events_seen,
                    history: VecDeque::from([history]),
                    cursor: Cursor::default(),
                    older,
                    waiting: VecDeque::new(),
                    in_flight: 0,
                    busy: None,
                };
                self.say(&ServerMessage::LoggedOn { identity, participant, highest, events, position });
                self.state = State::Live(live);
            }
            (State::Live(live), Message::Answered { answers, position }) => {
                live.in_flight = live.in_flight.saturating_sub(answers.len());
                for &Answered { id, answer, .. } in &answers {
                    self.say(&ServerMessage::Answered { id, answer, position });
                }
            }
            (State::Live(live), Message::Happened(batch)) => live.waiting.push_back(batch),
            // Nothing else is told to a session before it is live, and nothing after it is closed matters.
            _ => {}
        }
    }

    /// Takes what happened before the history that came with the logon; `None` if it is not to be had any more.
    pub fn told_older(&mut self, older: Option<History>) {
        let State::Live(live) = &mut self.state else { return };
        match older {
            Some(older) => {
                live.history.push_front(older);
                live.older = Older::Needless;
            }
            None => self.close(Closing::HistoryGone),
        }
    }

    /// The bytes that wait to be sent, after adding as much of what has happened as there is room for. The caller
    /// sends and clears them.
    pub fn output(&mut self) -> &mut Vec<u8> {
        if let State::Live(live) = &mut self.state {
            live.write_events(&mut self.output);
        }
        &mut self.output
    }

    /// Whether more output waits behind what [`Session::output`] gave.
    pub fn has_more_output(&self) -> bool {
        matches!(&self.state, State::Live(live) if live.older == Older::Needless
            && !(live.history.is_empty() && live.waiting.is_empty()))
    }

    /// Whether the writer's queue should be read.
    pub fn wants_messages(&self) -> bool {
        !matches!(&self.state, State::Live(live) if live.waiting.len() >= WAITING_MAX)
    }

    /// The writer has dropped the session without a word: it read too slowly, or was not logged on before the end.
    pub fn let_go(&mut self) {
        match self.state {
            State::Live(_) => self.close(Closing::TooSlow),
            _ => self.close(Closing::Stopping),
        }
    }

    /// Lets time pass: says that the exchange is alive, or ends a session that says nothing.
    pub fn passed(&mut self, now: Duration) {
        if !self.wants_input() {
            // Nobody is silent who is not listened to.
            self.heard = now;
        }
        if now >= self.heard + Duration::from_millis(SILENCE_MS_MAX) {
            self.close(Closing::Silent);
        } else if now >= self.said + Duration::from_millis(HEARTBEAT_MS) {
            self.said = now;
            // Whatever was said since the last time told as much.
            if matches!(self.state, State::Live(_)) && !self.spoke {
                self.say(&ServerMessage::Heartbeat);
            }
            self.spoke = false;
        }
    }

    /// When [`Session::passed`] is to be called next.
    pub fn wakes_at(&self) -> Duration {
        let silent = self.heard + Duration::from_millis(SILENCE_MS_MAX);
        silent.min(self.said + Duration::from_millis(HEARTBEAT_MS))
    }

    /// Ends the session with a reason. The first reason stands.
    pub fn close(&mut self, reason: Closing) {
        if !matches!(self.state, State::Closed(_)) {
            self.say(&ServerMessage::Closing(reason));
            self.state = State::Closed(reason);
        }
    }

    /// For whom the session speaks while it is logged on.
    pub fn speaker(&self) -> Option<Speaker> {
        match &self.state {
            State::Live(live) => Some(live.speaker),
            _ => None,
        }
    }

    /// Why the session has ended, if it has. Its last output is still to be sent.
    pub fn closed(&self) -> Option<Closing> {
        match self.state {
            State::Closed(reason) => Some(reason),
            _ => None,
        }
    }

    fn say(&mut self, message: &ServerMessage) {
        self.spoke = true;
        write_frame(message, &mut self.output).expect("all but events are short");
    }
}

impl Live {
    fn write_events(&mut self, output: &mut Vec<u8>) {
        if self.older != Older::Needless {
            return;
        }
        for _ in 0..LOOKED_AT_MAX {
            let Some(history) = self.history.pop_front() else { return self.write_waiting(output) };
            match history.next(&mut self.cursor) {
                Some(happened) => {
                    self.write_event(happened, output);
                    self.history.push_front(history);
                }
                None => self.cursor = Cursor::default(),
            }
            if output.len() >= OUTPUT_FULL {
                return;
            }
        }
    }

    fn write_waiting(&mut self, output: &mut Vec<u8>) {
        while output.len() < OUTPUT_FULL {
            let Some(batch) = self.waiting.pop_front() else { return };
            batch.iter().for_each(|happened| self.write_event(happened, output));
        }
    }

    fn write_event(&mut self, happened: &Happened, output: &mut Vec<u8>) {
        let Speaker { participant, reads_all, .. } = self.speaker;
        if !happened.event.is_shown_to(participant, reads_all) {
            return;
        }
        self.numbered += 1;
        if self.numbered <= self.seen {
            return;
        }
        if let Some(event) = happened.event.shown_to(participant, reads_all) {
            let numbered = Numbered { number: self.numbered, sequence: happened.sequence, event };
            write_event(&numbered, output).expect("an auction's fills fit in the largest event");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use golv_engine::Answer;
    use golv_engine::command::Action;
    use golv_engine::digest::Digest;
    use golv_engine::event::{Event, EventCounts};
    use golv_engine::id::{AuctionId, BidId, ParticipantId, Sequence};
    use golv_engine::num::{Price, Quantity};
    use golv_protocol::message::{Parts, Position};
    use proptest::prelude::*;

    const AT: Duration = Duration::from_secs(100);
    const TRADER: Speaker = Speaker {
        identity: IdentityId(5),
        participant: ParticipantId(5),
        reads_all: false,
        highest: CommandId(9),
    };

    fn frame(message: &ClientMessage) -> Vec<u8> {
        let mut bytes = Vec::new();
        write_frame(message, &mut bytes).expect("short");
        bytes
    }

    fn logon(events_seen: u64) -> Vec<u8> {
        frame(&ClientMessage::Logon { protocol: PROTOCOL, events_seen, acknowledged: None })
    }

    fn submit(id: u64) -> Vec<u8> {
        let command = Command::ClearAuction { auction: AuctionId(1), secret: None };
        frame(&ClientMessage::Submit { id: CommandId(id), command })
    }

    fn answered(id: u64) -> Message {
        let answer = Answer { sequence: Sequence(1), outcome: Ok(()) };
        let answered = Answered { sender: TRADER.identity, id: CommandId(id), answer };
        Message::Answered { answers: [answered].into(), position: position(41) }
    }

    /// What the client is sent, with events taken out of their parts.
    fn sent(session: &mut Session) -> Vec<ServerMessage> {
        let (mut frames, mut parts, mut messages) = (Frames::default(), Parts::default(), Vec::new());
        loop {
            let output = session.output();
            frames.push(output);
            output.clear();
            while let Some(frame) = frames.next_frame().expect("short") {
                match golv_protocol::decode(frame).expect("a message") {
                    ServerMessage::Part { last, bytes } => {
                        messages
                            .extend(parts.push(last, &bytes).expect("an event").map(ServerMessage::Happened));
                    }
                    message => messages.push(message),
                }
            }
            if !session.has_more_output() {
                return messages;
            }
        }
    }

    fn numbers(messages: &[ServerMessage]) -> Vec<u64> {
        let number = |message: &ServerMessage| match message {
            ServerMessage::Happened(numbered) => Some(numbered.number),
            _ => None,
        };
        messages.iter().filter_map(number).collect()
    }

    /// An event that only `owner` may see.
    fn bid_of(owner: u32, sequence: u64) -> Happened {
        let event = Event::BidAccepted {
            auction: AuctionId(1),
            bid: BidId { identity: IdentityId(owner), command: CommandId(sequence) },
            participant: ParticipantId(owner),
            price: Some(Price::ZERO),
            quantity: Quantity::ZERO,
        };
        Happened { sequence: Sequence(sequence), event }
    }

    fn public(sequence: u64) -> Happened {
        Happened { sequence: Sequence(sequence), event: Event::AuctionOpened { auction: AuctionId(1) } }
    }

    fn history(batches: &[Vec<Happened>]) -> History {
        let mut history = History::default();
        batches.iter().for_each(|batch| history.add(batch.as_slice().into()));
        history
    }

    fn position(sequence: u64) -> Position {
        Position { sequence: Sequence(sequence), chain: Digest([7; 32]) }
    }

    /// What the writer tells a session that it logs on.
    fn logged_on(speaker: Speaker, history: History) -> Message {
        let shown = |happened: &&Happened| happened.event.is_shown_to(speaker.participant, speaker.reads_all);
        let before = history.before().shown_to(speaker.participant, speaker.reads_all);
        let events = before + history.iter().filter(shown).count() as u64;
        Message::LoggedOn { speaker, events, position: position(40), history }
    }

    fn live(history: History, events_seen: u64) -> Session {
        let mut session = Session::new(AT);
        session.receive(&logon(events_seen), AT);
        assert_eq!(session.next_request(), Some(Request::LogOn(Claim { events_seen, acknowledged: None })));
        session.told(logged_on(TRADER, history));
        session
    }

    #[test]
    fn a_session_begins_with_a_logon_and_nothing_else() {
        let mut session = Session::new(AT);
        session.receive(&submit(1), AT);
        assert_eq!(session.next_request(), None);
        assert_eq!(session.closed(), Some(Closing::Malformed));

        let mut session = Session::new(AT);
        let other = ClientMessage::Logon { protocol: PROTOCOL + 1, events_seen: 0, acknowledged: None };
        session.receive(&frame(&other), AT);
        assert_eq!(session.next_request(), None);
        assert_eq!(sent(&mut session), [ServerMessage::Closing(Closing::OtherVersion)]);

        let mut session = live(History::default(), 0);
        session.receive(&logon(0), AT);
        assert_eq!(session.next_request(), None);
        assert_eq!(session.closed(), Some(Closing::Malformed), "a second logon");
    }

    /// A history that follows these batches, of which nothing is in memory.
    fn history_after(before: &[Vec<Happened>], batches: &[Vec<Happened>]) -> History {
        let mut counts = EventCounts::default();
        before.iter().flatten().for_each(|happened| counts.add(&happened.event));
        let mut history = History::after(counts);
        batches.iter().for_each(|batch| history.add(batch.as_slice().into()));
        history
    }

    /// After a start from a snapshot: who has seen what was before gets the rest at once, and who has not waits for it.
    #[test]
    fn what_was_before_the_history_is_asked_for_only_by_who_has_not_seen_it() {
        let before = [vec![public(1), bid_of(5, 2)], vec![bid_of(6, 3), bid_of(5, 4)]];
        let batches = [vec![bid_of(5, 5), public(6)]];
        let happened = |numbers: std::ops::RangeInclusive<u64>| numbers.collect::<Vec<_>>();
        for seen in 0..=5 {
            let mut session = live(history_after(&before, &batches), seen);
            session.told(Message::Happened(vec![public(7)].into()));
            let needed = seen < 3;
            assert_eq!(session.next_request(), needed.then_some(Request::Older), "seen {seen}");
            assert_eq!(session.next_request(), None, "asked once");
            if needed {
                assert!(numbers(&sent(&mut session)).is_empty(), "nothing overtakes what is missing");
                // Commands do not wait for it.
                session.receive(&submit(10), AT);
                assert!(matches!(session.next_request(), Some(Request::Submit { .. })));
                session.told_older(Some(history(&before)));
            }
            assert_eq!(numbers(&sent(&mut session)), happened(seen + 1..=6), "seen {seen}");
        }
    }

    #[test]
    fn a_session_whose_history_is_gone_ends() {
        let before = [vec![public(1)]];
        let mut session = live(history_after(&before, &[]), 0);
        assert_eq!(session.next_request(), Some(Request::Older));
        session.told_older(None);
        assert_eq!(session.closed(), Some(Closing::HistoryGone));
        // Whoever has seen it needs none of it.
        let mut session = live(history_after(&before, &[]), 1);
        assert_eq!((session.next_request(), session.closed()), (None, None));
    }

    /// A command that came with the logon waits for it, and is then sent in the identity's name.
    #[test]
    fn commands_wait_for_the_logon_and_carry_the_keys_identity() {
        let mut session = Session::new(AT);
        session.receive(&[logon(0), submit(10)].concat(), AT);
        assert_eq!(session.next_request(), Some(Request::LogOn(Claim::default())));
        assert_eq!(session.next_request(), None);
        session.told(logged_on(TRADER, History::default()));
        let Some(Request::Submit { sender, id, .. }) = session.next_request() else { panic!("a command") };
        assert_eq!((sender, id), (TRADER.identity, CommandId(10)));
        let answer = Answer { sequence: Sequence(1), outcome: Ok(()) };
        let answers = [Answered { sender, id, answer }].into();
        session.told(Message::Answered { answers, position: position(41) });
        assert_eq!(
            sent(&mut session),
            [
                ServerMessage::LoggedOn {
                    identity: TRADER.identity,
                    participant: TRADER.participant,
                    highest: TRADER.highest,
                    events: 0,
                    position: position(40),
                },
                ServerMessage::Answered { id, answer, position: position(41) },
            ]
        );
    }

    #[test]
    fn bytes_that_are_no_message_end_the_session() {
        for bytes in [
            &[4, 0, 0, 0, 9, 0, 0, 0][..],
            &[1, 0, 0, 0, 0],
            &[255; 4],
            &[8, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0],
        ] {
            let mut session = live(History::default(), 0);
            session.receive(bytes, AT);
            assert_eq!(session.next_request(), None);
            assert_eq!(session.closed(), Some(Closing::Malformed), "{bytes:?}");
            assert!(!session.wants_input());
        }
    }

    #[test]
    fn after_busy_nothing_overtakes() {
        let mut session = live(History::default(), 0);
        session.receive(&[submit(10), submit(11), submit(12)].concat(), AT);
        assert!(matches!(session.next_request(), Some(Request::Submit { id: CommandId(10), .. })));
        session.busy(CommandId(10));
        assert_eq!(session.next_request(), None, "11 and 12 are answered here");
        let busy = sent(&mut session);
        let expected = [10, 11, 12].map(|id| ServerMessage::Busy { id: CommandId(id) });
        assert_eq!(busy[1..], expected);
        session.receive(&[submit(10), submit(11)].concat(), AT);
        assert!(matches!(session.next_request(), Some(Request::Submit { id: CommandId(10), .. })));
        assert!(matches!(session.next_request(), Some(Request::Submit { id: CommandId(11), .. })));
    }

    #[test]
    fn too_many_unanswered_commands_stop_the_reading() {
        let mut session = live(History::default(), 0);
        let in_flight = IN_FLIGHT_MAX as u64;
        for id in 1..=in_flight + 1 {
            session.receive(&submit(9 + id), AT);
            assert_eq!(session.next_request().is_some(), id <= in_flight);
        }
        assert!(!session.wants_input());
        session.told(answered(10));
        assert!(session.wants_input() && session.next_request().is_some());
    }

    /// What the client claims goes to the writer, which alone knows whether it is true.
    #[test]
    fn a_client_that_was_told_more_than_there_is_is_turned_away() {
        let mut session = Session::new(AT);
        let claim = Claim { events_seen: 3, acknowledged: Some(position(12)) };
        let Claim { events_seen, acknowledged } = claim;
        session.receive(&frame(&ClientMessage::Logon { protocol: PROTOCOL, events_seen, acknowledged }), AT);
        assert_eq!(session.next_request(), Some(Request::LogOn(claim)));
        session.told(Message::Closing(Closing::ServerBehind));
        assert_eq!(sent(&mut session), [ServerMessage::Closing(Closing::ServerBehind)]);
        assert!(!session.wants_input());
    }

    #[test]
    fn each_side_says_that_it_is_alive_and_silence_ends_the_session() {
        let mut session = live(History::default(), 0);
        sent(&mut session);
        let after = |ms| AT + Duration::from_millis(ms);
        assert_eq!(session.wakes_at(), after(HEARTBEAT_MS));
        // The answer to the logon was heard in the first second; in the second there is nothing else to say.
        session.passed(after(HEARTBEAT_MS));
        assert_eq!(sent(&mut session), []);
        session.passed(after(2 * HEARTBEAT_MS));
        assert_eq!(sent(&mut session), [ServerMessage::Heartbeat]);
        session.receive(&frame(&ClientMessage::Heartbeat), after(2 * HEARTBEAT_MS));
        assert_eq!(session.next_request(), None);
        session.passed(after(SILENCE_MS_MAX));
        assert_eq!(session.closed(), None);
        session.passed(after(SILENCE_MS_MAX + 2 * HEARTBEAT_MS));
        assert_eq!(session.closed(), Some(Closing::Silent));
    }

    #[test]
    fn a_byte_now_and_then_is_no_logon() {
        let mut session = Session::new(AT);
        let bytes = logon(0);
        for (second, byte) in (1..).zip(&bytes[..5]) {
            let now = AT + Duration::from_secs(second);
            session.receive(&[*byte], now);
            session.passed(now);
        }
        assert_eq!(session.closed(), Some(Closing::Silent));
    }

    /// Whose bytes are left unread is not silent.
    #[test]
    fn a_client_that_is_not_listened_to_is_not_silent() {
        let mut session = live(History::default(), 0);
        for id in 0..IN_FLIGHT_MAX as u64 {
            session.receive(&submit(10 + id), AT);
            session.next_request();
        }
        assert!(!session.wants_input());
        let later = AT + Duration::from_secs(60);
        session.passed(later);
        session.told(answered(10));
        session.passed(later + Duration::from_secs(1));
        assert_eq!(session.closed(), None);
    }

    #[test]
    fn a_history_longer_than_the_output_comes_in_pieces_and_whole() {
        let batches: Vec<Vec<Happened>> =
            (1..=200).map(|batch| (1..=50).map(|place| bid_of(5, batch * 100 + place)).collect()).collect();
        let mut session = live(history(&batches), 0);
        assert!(session.output().len() < OUTPUT_FULL + 1024);
        assert!(session.has_more_output());
        session.told(Message::Happened([public(99_999)].as_slice().into()));
        assert_eq!(numbers(&sent(&mut session)), (1..=10_001).collect::<Vec<_>>());
    }

    /// What nobody else may see is not in a single byte that a session sends.
    #[test]
    fn nothing_of_others_bids_is_sent() {
        let secret = Happened {
            sequence: Sequence(3),
            event: Event::BidAccepted {
                auction: AuctionId(1),
                bid: BidId { identity: IdentityId(6), command: CommandId(0x7777_7777) },
                participant: ParticipantId(6),
                price: Some(Price::from_millionths(0x5555_5555_5555)),
                quantity: Quantity::from_millionths(0x3333_3333_3333).expect("positive"),
            },
        };
        let operators = Happened {
            sequence: Sequence(4),
            event: Event::ActionProposed {
                proposal: golv_engine::id::ProposalId { identity: IdentityId(1), command: CommandId(1) },
                action: Action::RevokeIdentity { identity: IdentityId(0x6666_6666) },
            },
        };
        for reads_all in [false, true] {
            let mut session = Session::new(AT);
            session.receive(&logon(0), AT);
            session.next_request();
            let speaker = Speaker { reads_all, ..TRADER };
            session.told(logged_on(speaker, history(&[vec![secret.clone(), operators.clone()]])));
            session.told(Message::Happened([secret.clone(), public(5), operators.clone()].as_slice().into()));
            let bytes = session.output().clone();
            let contains = |pattern: &[u8]| bytes.windows(pattern.len()).any(|window| window == pattern);
            assert!(!contains(&[0x77; 4]) && !contains(&[0x55; 4]) && !contains(&[0x33; 4]), "{reads_all}");
            assert_eq!(contains(&[0x66; 4]), reads_all, "operators and auditors see what operators do");
        }
    }

    proptest! {
        /// Wherever the client was cut off, it is sent exactly the rest, and numbers have no gap.
        #[test]
        fn a_resumed_session_is_sent_exactly_the_rest(
            owners in prop::collection::vec(prop::collection::vec(4_u32..8, 0..6), 0..30),
            live_from in any::<prop::sample::Index>(),
            cut in any::<prop::sample::Index>(),
        ) {
            let mut sequence = 0;
            let batches: Vec<Vec<Happened>> = owners
                .iter()
                .map(|owners| owners.iter().map(|&owner| {
                    sequence += 1;
                    if owner == 7 { public(sequence) } else { bid_of(owner, sequence) }
                }).collect())
                .collect();
            let visible = owners.iter().flatten().filter(|&&owner| owner == 5 || owner == 7).count() as u64;
            let (before, after) = batches.split_at(live_from.index(batches.len() + 1));
            let known = before.iter().flatten().filter(|h| h.event.is_shown_to(TRADER.participant, false)).count() as u64;
            let seen = cut.index(known as usize + 1) as u64;
            let mut session = live(history(before), seen);
            let mut received = Vec::new();
            for batch in after {
                session.told(Message::Happened(batch.as_slice().into()));
                received.extend(numbers(&sent(&mut session)));
            }
            received.extend(numbers(&sent(&mut session)));
            prop_assert_eq!(received, (seen + 1..=visible).collect::<Vec<_>>());
        }

        #[test]
        /// Frames of any bytes among good ones, with a byte changed here and there.
        fn no_bytes_make_a_session_panic(
            bodies in prop::collection::vec(prop_oneof![
                2 => Just(submit(10)),
                1 => Just(frame(&ClientMessage::Heartbeat)),
                2 => prop::collection::vec(0_u8..12, 0..40).prop_map(|body| {
                    [&u32::try_from(body.len()).expect("short").to_le_bytes()[..], &body].concat()
                }),
            ], 0..20),
            changed in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
        ) {
            let mut bytes = bodies.concat();
            if !bytes.is_empty() {
                changed.iter().for_each(|(place, byte)| *place.get_mut(&mut bytes) = *byte);
            }
            let mut session = live(History::default(), 0);
            for piece in bytes.chunks(7) {
                session.receive(piece, AT);
                while session.next_request().is_some() {}
                session.output().clear();
            }
        }
    }
}
