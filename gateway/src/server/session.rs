//! A session with one client, as a state machine without a network: bytes and messages in, requests and bytes out.
//!
//! ```text
//!           bytes ──▶ receive ─┐                       ┌─ next_request ──▶ log on, submit ──▶ writer
//!                              │                       │                   what is older ──▶ journal
//!                              ├─▶ AwaitingLogon ─▶ LoggingOn ─▶ Live ─▶ Closed
//!  client ◀── bytes ◀── output ┘                       └─ told ◀── answers, events ◀── writer
//! ```
//!
//! What a client may see of an event is decided here, once, before anything is encoded for it. Events are numbered
//! from 1 over what this participant may see; a logon says how many were seen, and the rest follows. The
//! history is encoded piece by piece as the client takes it, so a session's memory is bounded: one frame and one
//! read of input, [`OUTPUT_FULL`] with one batch's answers or one event of output, and batches that all sessions share. An event that is too long for
//! a message is announced, kept until the client has downloaded it, and no other follows until then.
//!
//! What comes faster than the announced limits is refused here and costs the exchange nothing; who goes on all the same is
//! sent away. Withdrawals have a limit of their own, and commands that are sent again count among them, since they were counted at first. One of
//! those is never refused: that would say that it was not executed. It is to come again later.
//!
//! Deliberately absent: the network, the clock, and any knowledge of what a command means but whether it withdraws something.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use golv_engine::Speaker;
use golv_engine::command::Command;
use golv_engine::id::{CommandId, IdentityId, Sequence};
use golv_journal::execute::Happened;
use golv_protocol::frame::{Frames, write_frame};
use golv_protocol::message::{
    ClientMessage, Closing, HEARTBEAT_MS, Logon, LongEvent, Numbered, PROTOCOL, Position, Purpose,
    SILENCE_MS_MAX, ServerMessage, negotiate, write_event,
};
use golv_protocol::pace::{Bucket, Limits, Rate};

use crate::pipeline::{Answered, Claim, Cursor, History, Message, Piece};

/// Commands of one session that wait for their answers at most. Past that its stream is not read: the client waits.
pub const IN_FLIGHT_MAX: usize = 256;

/// No more history is encoded once so many bytes wait to be sent.
pub const OUTPUT_FULL: usize = 256 * 1024;

/// Events of the history that are looked at in one go: most of them may be others', and other sessions wait.
const LOOKED_AT_MAX: usize = 10_000;

/// Batches that wait behind the history at most. Past that the writer's queue is not read, and it drops the session once
/// that is full too.
const WAITING_MAX: usize = 8_192;

/// Commands that an identity may send in a second, unless an exchange says otherwise: more than the ten or so of a busy sealed-bid trader by
/// far, and a hundredth of what the exchange takes, so that many can do so at once.
pub const COMMANDS_PER_SECOND: u32 = 2_000;

/// Withdrawals that an identity may send in a second, unless an exchange says otherwise: it can take back faster than it can bid.
pub const WITHDRAWALS_PER_SECOND: u32 = 8_000;

/// Bursts last so many seconds of a rate.
const BURST_SECONDS: u32 = 2;

/// The limits of an exchange in which identities may send so many commands and withdrawals a second.
pub fn limits(commands_per_second: u32, withdrawals_per_second: u32) -> Limits {
    let rate = |per_second: u32| Rate { per_second, burst: per_second.saturating_mul(BURST_SECONDS) };
    Limits {
        in_flight: IN_FLIGHT_MAX as u32,
        commands: rate(commands_per_second),
        withdrawals: rate(withdrawals_per_second),
    }
}

/// What an identity has used of its limits, in all its sessions: a new session does not begin with a new burst.
#[derive(Debug, Default)]
struct Used {
    commands: Bucket,
    withdrawals: Bucket,
    /// What was refused counts too: who goes on as if nothing had been said is sent away.
    refused: Bucket,
}

/// What all identities have used of their limits.
#[derive(Debug)]
pub struct Pace {
    limits: Limits,
    /// Looked into at a logon, and not for a command.
    used: Mutex<BTreeMap<IdentityId, Arc<Used>>>,
}

impl Pace {
    /// Nothing was used yet.
    pub fn new(limits: Limits) -> Self {
        Self { limits, used: Mutex::default() }
    }

    fn of(&self, identity: IdentityId) -> Arc<Used> {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(used.entry(identity).or_default())
    }
}

/// What a session asks of the exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Log the connection's key on.
    LogOn(Claim, Purpose),
    /// Find what happened before this segment of the journal, and tell it by [`Session::told_older`].
    Older(u32),
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
    LoggingOn { events_seen: u64, purpose: Purpose },
    Live(Box<Live>),
    Closed(Closing),
}

#[derive(Debug)]
struct Live {
    events: Events,
    purpose: Purpose,
    used: Arc<Used>,
    /// The highest id that was passed on: a higher one was never executed.
    highest: CommandId,
    /// What is still to be sent of the history, and how far the first of it was looked at.
    history: VecDeque<History>,
    cursor: Cursor,
    /// What happened before it, and was not seen either.
    older: Older,
    /// What happened since, batch by batch with where each ended, and waits until the history was sent.
    waiting: VecDeque<(Arc<[Happened]>, Position)>,
    /// The furthest position that the client was told.
    reached: Sequence,
    in_flight: usize,
    /// The command that was answered with `Busy` last: until it comes again, later ones are too.
    busy: Option<CommandId>,
}

/// A command that is over the limits.
enum Over {
    /// It is new and is refused; there is room after so long.
    Refused(Duration),
    /// It was passed on before and may have been executed, so that to refuse it would be untrue. It is to come again.
    Again,
    /// It is new, and too much was refused already.
    TooFast,
}

/// Whether a client needs what happened before the history that came with its logon.
#[derive(Debug)]
enum Older {
    /// No, or it has come.
    Needless,
    /// It does, from before this segment of the journal, and it was not asked for yet.
    Needed(u32),
    /// It was asked for, and comes batch by batch: this one was looked at so far. No other event is sent before the last.
    Coming(Option<(Arc<[Happened]>, usize)>),
}

/// A session. Time is a duration since any fixed instant.
#[derive(Debug)]
pub struct Session {
    state: State,
    pace: Arc<Pace>,
    frames: Frames,
    output: Vec<u8>,
    /// The latest time that it was told.
    now: Duration,
    heard: Duration,
    /// When it was last seen to that the client hears something, and whether anything was said since.
    said: Duration,
    spoke: bool,
}

impl Session {
    /// A session whose connection was just made.
    pub fn new(now: Duration, pace: Arc<Pace>) -> Self {
        Self {
            state: State::AwaitingLogon,
            pace,
            frames: Frames::default(),
            output: Vec::new(),
            now,
            heard: now,
            said: now,
            spoke: false,
        }
    }

    /// Takes bytes that arrived.
    pub fn receive(&mut self, bytes: &[u8], now: Duration) {
        self.now = now;
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
            && let Older::Needed(segment) = live.older
        {
            live.older = Older::Coming(None);
            return Some(Request::Older(segment));
        }
        while self.wants_input() {
            let frame = match self.frames.next_frame() {
                Ok(None) => return None,
                Ok(frame) => frame,
                Err(_) => None,
            };
            // Of another version only the beginning can be read.
            let is_other =
                |frame: &[u8]| matches!(self.state, State::AwaitingLogon) && negotiate(frame) == Some(None);
            let message = match frame {
                Some(frame) if is_other(frame) => Err(Closing::OtherVersion),
                Some(frame) => golv_protocol::decode::<ClientMessage>(frame).map_err(|_| Closing::Malformed),
                None => Err(Closing::Malformed),
            };
            let message = match message {
                Ok(message) => message,
                Err(reason) => {
                    self.close(reason);
                    return None;
                }
            };
            if let Some(request) = self.take(message) {
                return Some(request);
            }
        }
        None
    }

    fn take(&mut self, message: ClientMessage) -> Option<Request> {
        match (&mut self.state, message) {
            (State::AwaitingLogon, ClientMessage::Logon(logon)) => {
                let Logon { events_seen, acknowledged, purpose, .. } = logon;
                self.state = State::LoggingOn { events_seen, purpose };
                return Some(Request::LogOn(Claim { events_seen, acknowledged }, purpose));
            }
            (State::Live(live), ClientMessage::Submit { id, command })
                if matches!(live.purpose, Purpose::Commands(_)) =>
            {
                match live.busy {
                    Some(busy) if id > busy => {
                        self.say(&ServerMessage::Busy { id });
                        return None;
                    }
                    Some(busy) if id == busy => live.busy = None,
                    // An older one was executed before and is answered as it was, or the exchange refuses it as too old.
                    _ => {}
                }
                if let Err(over) = live.take_one(id, &command, self.pace.limits, self.now) {
                    match over {
                        Over::Refused(wait) => {
                            // Rounded up: after so long there is room.
                            let wait_ms = wait.as_micros().div_ceil(1000).try_into().unwrap_or(u32::MAX);
                            self.say(&ServerMessage::OverLimit { id, wait_ms });
                        }
                        Over::Again => {
                            live.busy = Some(id);
                            self.say(&ServerMessage::Busy { id });
                        }
                        Over::TooFast => self.close(Closing::TooFast),
                    }
                    return None;
                }
                live.highest = live.highest.max(id);
                live.in_flight += 1;
                return Some(Request::Submit { sender: live.events.speaker.identity, id, command });
            }
            (State::Live(live), ClientMessage::Downloaded { number }) => {
                if live.events.announced.take_if(|announced| announced.number == number).is_none() {
                    self.close(Closing::Malformed);
                }
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
            (
                State::LoggingOn { events_seen, purpose },
                Message::LoggedOn { speaker, events, position, history },
            ) => {
                let Speaker { identity, participant, highest, .. } = speaker;
                let before = |history: &History| history.before().shown_to(participant, speaker.reads_all);
                let (numbered, older) = match history.first() {
                    Some(first) if *events_seen < before(first) => (0, Older::Needed(first.segment())),
                    Some(first) => (before(first), Older::Needless),
                    None => (0, Older::Needless),
                };
                let live = Live {
                    events: Events { speaker, numbered, seen: *events_seen, announced: None },
                    purpose: *purpose,
                    used: self.pace.of(identity),
                    highest,
                    history: history.into(),
                    cursor: Cursor::default(),
                    older,
                    waiting: VecDeque::new(),
                    reached: position.sequence,
                    in_flight: 0,
                    busy: None,
                };
                let (protocol, limits) = (PROTOCOL, self.pace.limits);
                self.say(&ServerMessage::LoggedOn {
                    protocol,
                    identity,
                    participant,
                    highest,
                    events,
                    position,
                    limits,
                });
                self.state = State::Live(Box::new(live));
            }
            (State::Live(live), Message::Answered { answers, position }) => {
                live.in_flight = live.in_flight.saturating_sub(answers.len());
                live.reached = position.sequence;
                for &Answered { id, answer, .. } in &answers {
                    self.say(&ServerMessage::Answered { id, answer, position });
                }
            }
            (State::Live(live), Message::Copied { answers, position }) => {
                live.reached = position.sequence;
                for &Answered { sender, id, answer } in &answers {
                    self.say(&ServerMessage::Copied { identity: sender, id, answer, position });
                }
            }
            (State::Live(live), Message::Happened { batch, position }) => {
                live.waiting.push_back((batch, position));
            }
            // Nothing else is told to a session before it is live, and nothing after it is closed matters.
            _ => {}
        }
    }

    /// Whether there is room for the next piece of what happened before the history that came with the logon.
    pub fn wants_older(&self) -> bool {
        matches!(&self.state, State::Live(live) if matches!(live.older, Older::Coming(None)))
    }

    /// Takes a piece of what happened before the history that came with the logon; `None` if the client took it too slowly.
    pub fn told_older(&mut self, piece: Option<Piece>) {
        let State::Live(live) = &mut self.state else { return };
        match piece {
            Some(Piece::Batch(batch)) => live.older = Older::Coming(Some((batch, 0))),
            Some(Piece::End) => live.older = Older::Needless,
            Some(Piece::Gone) => self.close(Closing::HistoryGone),
            None => self.close(Closing::TooSlow),
        }
    }

    /// The long event that was announced under a number and waits to be downloaded.
    pub fn download(&self, number: u64) -> Option<LongEvent> {
        match &self.state {
            State::Live(live) => live.events.announced.clone().filter(|announced| announced.number == number),
            _ => None,
        }
    }

    /// Takes one of what may be read of the public state, which counts as a command does; `false` if that is too much now, or nobody is
    /// logged on.
    pub fn may_watch(&self, now: Duration) -> bool {
        match &self.state {
            State::Live(live) => live.used.commands.take(self.pace.limits.commands, now).is_ok(),
            _ => false,
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
        matches!(&self.state, State::Live(live) if live.events.announced.is_none() && match live.older {
            Older::Needless => !(live.history.is_empty() && live.waiting.is_empty()),
            Older::Needed(_) => false,
            Older::Coming(ref batch) => batch.is_some(),
        })
    }

    /// Whether the writer's queue should be read.
    pub fn wants_messages(&self) -> bool {
        self.output.len() < OUTPUT_FULL
            && !matches!(&self.state, State::Live(live) if live.waiting.len() >= WAITING_MAX)
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
        self.now = now;
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
            State::Live(live) => Some(live.events.speaker),
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
    /// Counts a command against the limits.
    ///
    /// # Errors
    /// If it is over them.
    fn take_one(&self, id: CommandId, command: &Command, limits: Limits, now: Duration) -> Result<(), Over> {
        // One that was passed on before is answered as it was, whatever it costs now.
        let is_again = id <= self.highest;
        let taken = if command.is_withdrawal() || is_again {
            self.used.withdrawals.take(limits.withdrawals, now)
        } else {
            self.used.commands.take(limits.commands, now)
        };
        let Err(wait) = taken else { return Ok(()) };
        if is_again {
            return Err(Over::Again);
        }
        let is_too_fast = self.used.refused.take(limits.commands, now).is_err();
        Err(if is_too_fast { Over::TooFast } else { Over::Refused(wait) })
    }

    /// Whether no other event may be written now.
    fn is_full(&self, output: &[u8]) -> bool {
        output.len() >= OUTPUT_FULL || self.events.announced.is_some()
    }

    fn write_events(&mut self, output: &mut Vec<u8>) {
        for _ in 0..LOOKED_AT_MAX {
            if self.is_full(output) {
                return;
            }
            match &mut self.older {
                Older::Needed(_) | Older::Coming(None) => return,
                Older::Coming(Some((batch, place))) => match batch.get(*place) {
                    Some(happened) => {
                        *place += 1;
                        self.events.write(happened, output);
                    }
                    None => self.older = Older::Coming(None),
                },
                Older::Needless => {
                    let Some(history) = self.history.front() else { return self.write_waiting(output) };
                    match history.next(&mut self.cursor) {
                        Some(happened) => self.events.write(happened, output),
                        None => {
                            self.history.pop_front();
                            self.cursor = Cursor::default();
                        }
                    }
                }
            }
        }
    }

    fn write_waiting(&mut self, output: &mut Vec<u8>) {
        while !self.is_full(output) {
            let Some((batch, position)) = self.waiting.pop_front() else { return };
            for (place, happened) in batch.iter().enumerate() {
                if self.reached < position.sequence && self.events.are_shown(happened) {
                    self.reached = position.sequence;
                    write_frame(&ServerMessage::Reached { position }, output).expect("it is short");
                }
                self.events.write(happened, output);
                if self.events.announced.is_some() && place + 1 < batch.len() {
                    self.waiting.push_front((batch[place + 1..].into(), position));
                    return;
                }
            }
        }
    }
}

/// The events of one session: which of them it is shown, and under which numbers.
#[derive(Debug)]
struct Events {
    speaker: Speaker,
    /// Events of this participant that were numbered so far.
    numbered: u64,
    /// Events that the client had seen when it logged on: they are numbered and not sent.
    seen: u64,
    /// A long event that was announced: no other is sent until it was downloaded.
    announced: Option<LongEvent>,
}

impl Events {
    /// Whether the session is shown something.
    fn are_shown(&self, happened: &Happened) -> bool {
        happened.event.is_shown_to(self.speaker.participant, self.speaker.reads_all)
    }

    fn write(&mut self, happened: &Happened, output: &mut Vec<u8>) {
        let Speaker { participant, reads_all, .. } = self.speaker;
        if !self.are_shown(happened) {
            return;
        }
        self.numbered += 1;
        if self.numbered <= self.seen {
            return;
        }
        if let Some(event) = happened.event.shown_to(participant, reads_all) {
            let numbered = Numbered { number: self.numbered, sequence: happened.sequence, event };
            self.announced =
                write_event(numbered, output).expect("an auction's fills fit in the largest event");
            if let Some(announced) = &self.announced {
                write_frame(&announced.announcement(), output).expect("an announcement is short");
            }
        }
    }
}

#[cfg(test)]
mod tests;
