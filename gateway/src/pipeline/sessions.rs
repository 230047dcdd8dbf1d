//! The sessions that the writer answers, and everything that has happened, for those who resume.

use std::collections::BTreeMap;
use std::sync::Arc;

use golv_engine::event::EventCounts;
use golv_engine::id::IdentityId;
use golv_engine::key::KeyFingerprint;
use golv_engine::time::Instant;
use golv_engine::{Exchange, Speaker};
use golv_journal::execute::Happened;
use golv_protocol::message::{Closing, Position};
use tokio::sync::mpsc::Sender;

use super::positions::Positions;
use super::{Answered, Claim, Message, SessionId};

/// How far a history was read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cursor {
    seal: usize,
    batch: usize,
    place: usize,
}

/// What one batch made happen.
type Batch = Arc<[Happened]>;

/// What has happened since this process began or, if it began without a snapshot, since the founding; in order. A copy
/// shares what it holds and is cheap.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// What happened before, counted.
    before: Arc<EventCounts>,
    sealed: Vec<Arc<[Batch]>>,
    /// Fewer than [`History::SEALED`] batches.
    tail: Vec<Batch>,
}

impl History {
    /// How many batches are sealed together: what a copy costs is the number of seals and of unsealed batches.
    const SEALED: usize = 1024;

    /// What follows events that are not in it.
    pub(crate) fn after(before: EventCounts) -> Self {
        Self { before: Arc::new(before), ..Self::default() }
    }

    /// What happened before the first event in it, counted.
    pub fn before(&self) -> &EventCounts {
        &self.before
    }

    /// All of it, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Happened> {
        let sealed = self.sealed.iter().flat_map(|batches| batches.iter());
        sealed.chain(&self.tail).flat_map(|batch| batch.iter())
    }

    /// The next event, for whoever reads it piece by piece.
    pub fn next(&self, cursor: &mut Cursor) -> Option<&Happened> {
        loop {
            let batches: &[Batch] = match self.sealed.get(cursor.seal) {
                Some(batches) => batches,
                None if cursor.seal == self.sealed.len() => &self.tail,
                None => return None,
            };
            match batches.get(cursor.batch) {
                None => *cursor = Cursor { seal: cursor.seal + 1, batch: 0, place: 0 },
                Some(batch) => match batch.get(cursor.place) {
                    Some(happened) => {
                        cursor.place += 1;
                        return Some(happened);
                    }
                    None => *cursor = Cursor { batch: cursor.batch + 1, place: 0, ..*cursor },
                },
            }
        }
    }

    pub(crate) fn add(&mut self, batch: Batch) {
        self.tail.push(batch);
        if self.tail.len() == Self::SEALED {
            self.sealed.push(self.tail.drain(..).collect());
        }
    }
}

/// A session's end of its queue, and who it is.
struct Entry {
    queue: Sender<Message>,
    /// `None` for a session in the exchange's own process, which speaks for anybody.
    key: Option<(KeyFingerprint, IdentityId)>,
    /// To its commands in the batch that is being released; kept for its memory.
    answers: Vec<Answered>,
}

impl Entry {
    fn new(queue: Sender<Message>, key: Option<(KeyFingerprint, IdentityId)>) -> Self {
        Self { queue, key, answers: Vec::new() }
    }

    /// Sends the answers that gathered, and then what happened. `false` if the queue has no room.
    fn tell_batch(&mut self, position: Position, batch: Option<&Batch>) -> bool {
        let answers = (!self.answers.is_empty())
            .then(|| Message::Answered { answers: self.answers.as_slice().into(), position });
        self.answers.clear();
        let happened = batch.map(|batch| Message::Happened(Arc::clone(batch)));
        answers.into_iter().chain(happened).all(|message| self.queue.try_send(message).is_ok())
    }
}

/// All sessions. One live session an identity: the one with the newest connection wins.
pub(super) struct Sessions {
    entries: BTreeMap<SessionId, Entry>,
    live: BTreeMap<IdentityId, SessionId>,
    history: History,
    /// All events there are, also those before the history, by who is shown them.
    counts: EventCounts,
    positions: Positions,
    /// The earliest instant at which a live session's key ends.
    next_end: Option<Instant>,
}

impl Sessions {
    /// No session yet; what happened before this process began, and where its batches ended, is told by replay.
    pub(super) fn new(history: History, positions: Positions) -> Self {
        let mut counts = history.before().clone();
        history.iter().for_each(|happened| counts.add(&happened.event));
        Self { entries: BTreeMap::new(), live: BTreeMap::new(), history, counts, positions, next_end: None }
    }

    /// A batch became durable.
    pub(super) fn come_to(&mut self, position: Position) {
        self.positions.add(position);
    }

    pub(super) fn connect(&mut self, session: SessionId, queue: Sender<Message>) {
        self.entries.insert(session, Entry::new(queue, None));
    }

    /// Logs a key on for whom it speaks, or tells the session why not.
    ///
    /// A client that was told what this exchange has not is refused, and its older session stands: that one came
    /// in after the loss.
    pub(super) fn log_on(
        &mut self,
        exchange: &Exchange,
        at: Instant,
        session: SessionId,
        key: KeyFingerprint,
        claim: Claim,
        queue: Sender<Message>,
    ) {
        let Ok(speaker) = exchange.who(key, at) else {
            // A session that is gone already needs no reason.
            let _ = queue.try_send(Message::Closing(Closing::UnknownKey));
            return;
        };
        let Speaker { identity, participant, reads_all, .. } = speaker;
        let events = self.counts.shown_to(participant, reads_all);
        let position = self.positions.latest();
        let contained = claim.acknowledged.is_none_or(|claimed| self.positions.contain(claimed));
        if claim.events_seen > events || !contained {
            let own = Claim { events_seen: events, acknowledged: Some(position) };
            let _ = queue.try_send(Message::Behind { identity, claimed: claim, own });
            return;
        }
        match self.live.get(&identity) {
            // Sessions are numbered as their connections come: this logon was overtaken, and its client may be the newer one.
            Some(&newer) if newer > session => {
                let _ = queue.try_send(Message::Closing(Closing::Superseded));
                return;
            }
            Some(&older) => self.close(older, Closing::Superseded),
            None => {}
        }
        self.live.insert(identity, session);
        self.entries.insert(session, Entry::new(queue, Some((key, identity))));
        self.look_at_keys(exchange);
        self.tell(session, Message::LoggedOn { speaker, events, position, history: self.history.clone() });
    }

    /// Whether a session may send for `sender` now; one whose key has ended is closed.
    pub(super) fn may_send(
        &mut self,
        exchange: &Exchange,
        at: Instant,
        session: SessionId,
        sender: IdentityId,
    ) -> bool {
        let Some(entry) = self.entries.get(&session) else { return false };
        let Some((key, identity)) = entry.key else { return true };
        let speaks = exchange.who(key, at).is_ok() && identity == sender;
        if !speaks {
            self.close(session, Closing::UnknownKey);
        }
        speaks
    }

    /// When [`Sessions::close_ended`] has something to do next.
    pub(super) fn next_end(&self) -> Option<Instant> {
        self.next_end
    }

    /// Finds when the next key ends. Called when a key has come, or keys have changed.
    pub(super) fn look_at_keys(&mut self, exchange: &Exchange) {
        let keys = self.entries.values().filter_map(|entry| entry.key);
        // A key that speaks for nobody any more, for whatever reason, ends now.
        self.next_end = keys
            .filter_map(|(key, _)| match exchange.who(key, exchange.at()) {
                Ok(_) => exchange.key_ends_at(key),
                Err(_) => Some(exchange.at()),
            })
            .min();
    }

    /// Closes every session whose key no longer speaks for anybody, once one has come to its end.
    pub(super) fn close_ended(&mut self, exchange: &Exchange, at: Instant) {
        if self.next_end.is_none_or(|end| at < end) {
            return;
        }
        let ended = self
            .entries
            .iter()
            .filter(|(_, entry)| entry.key.is_some_and(|(key, _)| exchange.who(key, at).is_err()));
        let ended: Vec<SessionId> = ended.map(|(session, _)| *session).collect();
        for session in ended {
            self.close(session, Closing::UnknownKey);
        }
        self.next_end = None;
        self.look_at_keys(exchange);
    }

    /// Sends to a session. One whose queue is full reads too slowly and is dropped: nobody waits for it.
    pub(super) fn tell(&mut self, session: SessionId, message: Message) {
        let told = self.entries.get(&session).is_some_and(|entry| entry.queue.try_send(message).is_ok());
        if !told {
            self.remove(session);
        }
    }

    /// Takes an answer, which is sent with the others of its batch: one message wakes a session once.
    pub(super) fn answer(&mut self, session: SessionId, answered: Answered) {
        if let Some(entry) = self.entries.get_mut(&session) {
            entry.answers.push(answered);
        }
    }

    /// Sends everybody the answers to its own commands and all that a batch made happen, and keeps the latter.
    pub(super) fn tell_batch(&mut self, position: Position, happened: &[Happened]) {
        happened.iter().for_each(|happened| self.counts.add(&happened.event));
        let batch: Option<Batch> = (!happened.is_empty()).then(|| happened.into());
        let told = self
            .entries
            .iter_mut()
            .map(|(session, entry)| (*session, entry.tell_batch(position, batch.as_ref())));
        let dropped: Vec<SessionId> = told.filter(|(_, told)| !told).map(|(session, _)| session).collect();
        dropped.into_iter().for_each(|session| self.remove(session));
        if let Some(batch) = batch {
            self.history.add(batch);
        }
    }

    /// Ends a session with a reason, which arrives if its queue has room.
    fn close(&mut self, session: SessionId, reason: Closing) {
        self.tell(session, Message::Closing(reason));
        self.remove(session);
    }

    pub(super) fn close_all(&mut self, reason: Closing) {
        let sessions: Vec<SessionId> = self.entries.keys().copied().collect();
        sessions.into_iter().for_each(|session| self.close(session, reason));
    }

    fn remove(&mut self, session: SessionId) {
        if let Some(Entry { key: Some((_, identity)), .. }) = self.entries.remove(&session)
            && self.live.get(&identity) == Some(&session)
        {
            self.live.remove(&identity);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use golv_engine::command::{Command, Operator};
    use golv_engine::digest::Digest;
    use golv_engine::event::Event;
    use golv_engine::id::{CommandId, ParticipantId, Sequence};
    use golv_engine::{Mode, RulesVersion};
    use tokio::sync::mpsc::{Receiver, channel};

    fn happened(number: u64) -> Happened {
        Happened { sequence: Sequence(number), event: Event::Founded { participant: ParticipantId(1) } }
    }

    const KEY: KeyFingerprint = KeyFingerprint([3; 32]);

    fn position(sequence: u64) -> Position {
        Position { sequence: Sequence(sequence), chain: Digest::of(&sequence) }
    }

    /// An exchange that was founded and told one event, in which batches ended at 1, 4 and 6.
    fn founded() -> (Exchange, Sessions) {
        let mut exchange = Exchange::new(Mode::Rehearsal, RulesVersion::NEWEST);
        let founding = Command::Found {
            participant: ParticipantId(1),
            name: "The centre".parse().expect("a name"),
            operators: [1, 2].map(|identity| Operator {
                identity: IdentityId(identity),
                key: (identity == 1).then_some(KEY),
            }),
        };
        exchange
            .apply(Sequence(1), Instant(0), IdentityId::SYSTEM, CommandId(1), &founding, &mut Vec::new())
            .expect("founded");
        let mut sessions = Sessions::new(History::default(), Positions::new(position(0)));
        [1, 4, 6].into_iter().for_each(|sequence| sessions.come_to(position(sequence)));
        sessions.tell_batch(position(6), &[happened(1)]);
        (exchange, sessions)
    }

    fn log_on(
        exchange: &Exchange,
        sessions: &mut Sessions,
        session: SessionId,
        claim: Claim,
    ) -> Receiver<Message> {
        let (queue, messages) = channel(8);
        sessions.log_on(exchange, Instant(0), session, KEY, claim, queue);
        messages
    }

    #[test]
    fn who_was_told_no_more_than_there_is_logs_on() {
        let (exchange, mut sessions) = founded();
        for (session, events_seen, acknowledged) in
            [(1, 0, None), (2, 1, None), (3, 1, Some(position(1))), (4, 0, Some(position(6)))]
        {
            let claim = Claim { events_seen, acknowledged };
            let mut messages = log_on(&exchange, &mut sessions, session, claim);
            let told = messages.try_recv();
            let Ok(Message::LoggedOn { events: 1, position: at, .. }) = told else {
                panic!("{claim:?}: {told:?}")
            };
            assert_eq!(at, position(6));
        }
    }

    /// Its session never begins, and the one that was there before goes on.
    #[test]
    fn who_was_told_more_is_refused_and_supersedes_nobody() {
        let (exchange, mut sessions) = founded();
        let mut older = log_on(&exchange, &mut sessions, 1, Claim::default());
        assert!(matches!(older.try_recv(), Ok(Message::LoggedOn { .. })));
        let other_chain = Position { chain: Digest([0; 32]), ..position(4) };
        for (session, events_seen, acknowledged) in [
            (2, 2, None),
            (3, 0, Some(position(7))),
            (4, 0, Some(other_chain)),
            // No batch ended there.
            (5, 0, Some(position(5))),
        ] {
            let claim = Claim { events_seen, acknowledged };
            let mut refused = log_on(&exchange, &mut sessions, session, claim);
            let told = refused.try_recv();
            assert!(matches!(told, Ok(Message::Behind { .. })), "{claim:?}: {told:?}");
            assert!(refused.is_closed() && refused.try_recv().is_err());
            assert!(!sessions.may_send(&exchange, Instant(0), session, IdentityId(1)));
        }
        assert!(sessions.may_send(&exchange, Instant(0), 1, IdentityId(1)));
        sessions.tell_batch(position(7), &[happened(2)]);
        assert!(matches!(older.try_recv(), Ok(Message::Happened(_))), "nothing came before it");
    }

    #[test]
    fn history_keeps_everything_in_order_through_seals() {
        let mut history = History::default();
        let mut next = 0;
        for batch in 0..3_000_u64 {
            let size = batch % 4;
            history.add((0..size).map(|place| happened(next + place)).collect());
            next += size;
        }
        assert_eq!(history.sealed.len(), 2);
        let sequences: Vec<u64> = history.iter().map(|happened| happened.sequence.0).collect();
        assert_eq!(sequences, (0..next).collect::<Vec<_>>());
        let mut cursor = Cursor::default();
        let pieces: Vec<u64> =
            std::iter::from_fn(|| history.next(&mut cursor)).map(|happened| happened.sequence.0).collect();
        assert_eq!(pieces, sequences);
    }
}
