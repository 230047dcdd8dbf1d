//! The sessions that the writer answers, and whom a batch is told.

use std::collections::BTreeMap;
use std::sync::Arc;

use golv_engine::event::Audience;
use golv_engine::id::{IdentityId, ParticipantId};
use golv_engine::key::KeyFingerprint;
use golv_engine::time::Instant;
use golv_engine::{Exchange, Speaker};
use golv_journal::execute::Happened;
use golv_protocol::message::{Closing, Position, Purpose, WhenLost};
use tokio::sync::mpsc::Sender;

use super::history::{Batch, Recent};
use super::positions::Positions;
use super::{Answered, Claim, LogOn, Message, SessionId};

/// What a session is, and may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// In the exchange's own process: speaks for anybody.
    InProcess,
    /// Sends an identity's commands.
    Commands(Key, WhenLost),
    /// Is told what its participant's identities are answered.
    DropCopy(Key),
    /// Is told what is public.
    Watch(Key),
}

/// A key, and for whom it speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Key {
    fingerprint: KeyFingerprint,
    identity: IdentityId,
    participant: ParticipantId,
    reads_all: bool,
}

impl Key {
    const fn of(fingerprint: KeyFingerprint, speaker: Speaker) -> Self {
        let Speaker { identity, participant, reads_all, .. } = speaker;
        Self { fingerprint, identity, participant, reads_all }
    }
}

impl Kind {
    /// What it came in with; `None` for who is in this process.
    const fn key(self) -> Option<Key> {
        match self {
            Self::InProcess => None,
            Self::Commands(key, _) | Self::DropCopy(key) | Self::Watch(key) => Some(key),
        }
    }

    /// Of which there is one at a time.
    const fn place(self) -> Option<(IdentityId, Place)> {
        match self {
            Self::Commands(Key { identity, .. }, _) => Some((identity, Place::Commands)),
            Self::DropCopy(Key { identity, .. }) => Some((identity, Place::DropCopy)),
            Self::InProcess | Self::Watch(_) => None,
        }
    }

    /// Whose own events it is told.
    const fn reads_for(self) -> Option<ParticipantId> {
        match self {
            Self::Commands(Key { participant, .. }, _) | Self::DropCopy(Key { participant, .. }) => {
                Some(participant)
            }
            Self::InProcess | Self::Watch(_) => None,
        }
    }

    /// Whether it is told of whatever happens, or may be.
    const fn reads_all(self) -> bool {
        match self {
            Self::InProcess => true,
            Self::Commands(Key { reads_all, .. }, _) | Self::DropCopy(Key { reads_all, .. }) => reads_all,
            Self::Watch(_) => false,
        }
    }
}

/// An identity has one session of each kind at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Commands,
    DropCopy,
}

/// A session's end of its queue, and what it is.
struct Entry {
    queue: Sender<Message>,
    kind: Kind,
    /// To its own commands in the batch that is being released, or to those that it is told copies of; kept for its memory.
    answers: Vec<Answered>,
}

impl Entry {
    fn new(queue: Sender<Message>, kind: Kind) -> Self {
        Self { queue, kind, answers: Vec::new() }
    }

    /// Takes an answer of the batch that is being released; whether it is the first.
    fn take(&mut self, answered: Answered) -> bool {
        self.answers.push(answered);
        self.answers.len() == 1
    }

    /// Sends the answers that gathered, and then what happened. `false` if the queue has no room.
    fn tell_batch(&mut self, position: Position, batch: Option<&Batch>) -> bool {
        let answers = (!self.answers.is_empty()).then(|| {
            let answers = self.answers.as_slice().into();
            match self.kind {
                Kind::DropCopy(..) => Message::Copied { answers, position },
                _ => Message::Answered { answers, position },
            }
        });
        self.answers.clear();
        let happened = batch.map(|batch| Message::Happened { batch: Arc::clone(batch), position });
        answers.into_iter().chain(happened).all(|message| self.queue.try_send(message).is_ok())
    }
}

/// All sessions. One live session of a kind an identity: the one with the newest connection wins.
pub(super) struct Sessions {
    entries: BTreeMap<SessionId, Entry>,
    live: BTreeMap<(IdentityId, Place), SessionId>,
    /// Those that are told a participant's own events. No list is empty.
    readers: BTreeMap<ParticipantId, Vec<SessionId>>,
    /// Those that are told of whatever happens.
    overseers: Vec<SessionId>,
    /// How many drop copies there are.
    drop_copies: usize,
    /// Whom the batch that is being released is told; kept for its memory.
    told: Vec<SessionId>,
    /// Whose bids are to be withdrawn, since their line was lost.
    lost: Vec<IdentityId>,
    recent: Recent,
    positions: Positions,
    /// The earliest instant at which a live session's key ends.
    next_end: Option<Instant>,
}

impl Sessions {
    /// No session yet; what happened before this process began, and where its batches ended, is told by replay.
    pub(super) fn new(recent: Recent, positions: Positions) -> Self {
        Self {
            entries: BTreeMap::new(),
            live: BTreeMap::new(),
            readers: BTreeMap::new(),
            overseers: Vec::new(),
            drop_copies: 0,
            told: Vec::new(),
            lost: Vec::new(),
            recent,
            positions,
            next_end: None,
        }
    }

    /// How many events there are for a participant.
    pub(super) fn events_for(&self, participant: ParticipantId, reads_all: bool) -> u64 {
        self.recent.count_for(participant, reads_all)
    }

    /// A batch became durable.
    pub(super) fn come_to(&mut self, position: Position) {
        self.positions.add(position);
    }

    pub(super) fn connect(&mut self, session: SessionId, queue: Sender<Message>) {
        self.enter(session, Entry::new(queue, Kind::InProcess));
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
        LogOn { key, claim, purpose, queue }: LogOn,
    ) {
        let Ok(speaker) = exchange.who(key, at) else {
            // A session that is gone already needs no reason.
            let _ = queue.try_send(Message::Closing(Closing::UnknownKey));
            return;
        };
        let key = Key::of(key, speaker);
        let Key { identity, participant, reads_all, .. } = key;
        let events = self.events_for(participant, reads_all);
        let position = self.positions.latest();
        let contained = claim.acknowledged.is_none_or(|claimed| self.positions.contain(claimed));
        if claim.events_seen > events || !contained {
            let own = Claim { events_seen: events, acknowledged: Some(position) };
            let _ = queue.try_send(Message::Behind { identity, claimed: claim, own });
            return;
        }
        let (kind, place) = match purpose {
            Purpose::Commands(when_lost) => (Kind::Commands(key, when_lost), Place::Commands),
            Purpose::DropCopy => (Kind::DropCopy(key), Place::DropCopy),
        };
        match self.live.get(&(identity, place)) {
            // Sessions are numbered as their connections come: this logon was overtaken, and its client may be the newer one.
            Some(&newer) if newer > session => {
                let _ = queue.try_send(Message::Closing(Closing::Superseded));
                return;
            }
            Some(&older) => self.close(older, Closing::Superseded),
            None => {}
        }
        self.live.insert((identity, place), session);
        self.enter(session, Entry::new(queue, kind));
        self.look_at_keys(exchange);
        let history = self.recent.since(claim.events_seen, participant, reads_all);
        self.tell(session, Message::LoggedOn { speaker, events, position, history });
    }

    /// Tells what is public, and from now on what happens, to whom a key speaks for.
    pub(super) fn watch(
        &mut self,
        exchange: &Exchange,
        at: Instant,
        session: SessionId,
        fingerprint: KeyFingerprint,
        queue: Sender<Message>,
    ) {
        let Ok(speaker) = exchange.who(fingerprint, at) else { return };
        self.enter(session, Entry::new(queue, Kind::Watch(Key::of(fingerprint, speaker))));
        self.look_at_keys(exchange);
        let facts = exchange.public_state();
        self.tell(session, Message::PublicState { facts, position: self.positions.latest() });
    }

    fn enter(&mut self, session: SessionId, entry: Entry) {
        if let Some(participant) = entry.kind.reads_for() {
            self.readers.entry(participant).or_default().push(session);
        }
        if entry.kind.reads_all() {
            self.overseers.push(session);
        }
        self.drop_copies += usize::from(matches!(entry.kind, Kind::DropCopy(_)));
        self.entries.insert(session, entry);
    }

    /// A session has ended on its own side.
    pub(super) fn left(&mut self, session: SessionId) {
        self.remove(session, End::Lost);
    }

    /// Whose bids are to be withdrawn now.
    pub(super) fn take_lost(&mut self) -> Vec<IdentityId> {
        std::mem::take(&mut self.lost)
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
        let (fingerprint, identity) = match entry.kind {
            Kind::InProcess => return true,
            Kind::Commands(Key { fingerprint, identity, .. }, _) => (fingerprint, identity),
            Kind::DropCopy(_) | Kind::Watch(_) => return false,
        };
        let speaks = exchange.who(fingerprint, at).is_ok() && identity == sender;
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
        let keys = self.entries.values().filter_map(|entry| entry.kind.key());
        // A key that speaks for nobody any more, for whatever reason, ends now.
        self.next_end = keys
            .filter_map(|Key { fingerprint: key, .. }| match exchange.who(key, exchange.at()) {
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
        let ended = self.entries.iter().filter(|(_, entry)| {
            entry.kind.key().is_some_and(|key| exchange.who(key.fingerprint, at).is_err())
        });
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
            self.remove(session, End::Lost);
        }
    }

    /// Whether anybody is told copies of answers.
    pub(super) fn has_drop_copies(&self) -> bool {
        self.drop_copies > 0
    }

    /// Takes a copy of an answer to a participant's identity, for its drop copies.
    pub(super) fn copy(&mut self, participant: ParticipantId, answered: Answered) {
        for session in self.readers.get(&participant).into_iter().flatten() {
            if let Some(entry) = self.entries.get_mut(session)
                && let Kind::DropCopy(_) = entry.kind
                && entry.take(answered)
            {
                self.told.push(*session);
            }
        }
    }

    /// Takes an answer, which is sent with the others of its batch: one message wakes a session once.
    pub(super) fn answer(&mut self, session: SessionId, answered: Answered) {
        if let Some(entry) = self.entries.get_mut(&session)
            && entry.take(answered)
        {
            self.told.push(session);
        }
    }

    /// Sends the answers of a batch, and what it made happen to those who are shown any of it, and keeps the latter. Who is not
    /// concerned is not woken.
    pub(super) fn tell_batch(&mut self, position: Position, segment: u32, happened: &[Happened]) {
        let batch = self.recent.add(segment, happened);
        let mut told = std::mem::take(&mut self.told);
        self.add_readers(happened, &mut told);
        told.sort_unstable();
        told.dedup();
        for session in told.drain(..) {
            let entry = self.entries.get_mut(&session);
            if entry.is_some_and(|entry| !entry.tell_batch(position, batch.as_ref())) {
                self.remove(session, End::Lost);
            }
        }
        self.told = told;
    }

    /// Adds the sessions that are shown any of it.
    fn add_readers(&self, happened: &[Happened], told: &mut Vec<SessionId>) {
        if happened.is_empty() {
            return;
        }
        told.extend(&self.overseers);
        let mut latest = None;
        for Happened { event, .. } in happened {
            let (one, other) = match event.audience() {
                Audience::Public | Audience::Parts => {
                    told.extend(self.entries.keys());
                    return;
                }
                Audience::Operators => continue,
                Audience::Participant(one) | Audience::ParticipantAndOperators(one) => (one, None),
                Audience::Sides(one, other) | Audience::SidesAndOperators(one, other) => (one, other),
            };
            // Much of what happens in a row is one participant's.
            if (latest, other) != (Some(one), None) {
                latest = Some(one);
                let readers = [Some(one), other].into_iter().flatten();
                told.extend(readers.filter_map(|reader| self.readers.get(&reader)).flatten());
            }
        }
    }

    /// Ends a session with a reason, which arrives if its queue has room.
    fn close(&mut self, session: SessionId, reason: Closing) {
        if let Some(entry) = self.entries.get(&session) {
            // One whose queue has no room finds it closed.
            let _ = entry.queue.try_send(Message::Closing(reason));
        }
        let end = match reason {
            // The identity is here, or the exchange is what goes.
            Closing::Superseded | Closing::Stopping => End::NotLost,
            _ => End::Lost,
        };
        self.remove(session, end);
    }

    pub(super) fn close_all(&mut self, reason: Closing) {
        let sessions: Vec<SessionId> = self.entries.keys().copied().collect();
        sessions.into_iter().for_each(|session| self.close(session, reason));
    }

    fn remove(&mut self, session: SessionId, end: End) {
        let Some(Entry { kind, .. }) = self.entries.remove(&session) else { return };
        if let Some(participant) = kind.reads_for()
            && let Some(of) = self.readers.get_mut(&participant)
        {
            of.retain(|reader| *reader != session);
            if of.is_empty() {
                self.readers.remove(&participant);
            }
        }
        self.overseers.retain(|overseer| *overseer != session);
        self.drop_copies -= usize::from(matches!(kind, Kind::DropCopy(_)));
        if let Some(place) = kind.place()
            && self.live.get(&place) == Some(&session)
        {
            self.live.remove(&place);
        }
        if let (Kind::Commands(Key { identity, .. }, WhenLost::Withdraw), End::Lost) = (kind, end) {
            self.lost.push(identity);
        }
    }
}

/// Whether a session's end is the loss of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Lost,
    NotLost,
}

#[cfg(test)]
mod tests {
    use super::*;
    use golv_engine::command::{Command, Operator};
    use golv_engine::digest::Digest;
    use golv_engine::event::{Event, EventCounts};
    use golv_engine::id::{CommandId, EntryId, ParticipantId, ProposalId, Sequence};
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
        let recent = Recent::after(EventCounts::default(), 1);
        let mut sessions = Sessions::new(recent, Positions::new(position(0)));
        [1, 4, 6].into_iter().for_each(|sequence| sessions.come_to(position(sequence)));
        sessions.tell_batch(position(6), 1, &[happened(1)]);
        (exchange, sessions)
    }

    fn log_on(
        exchange: &Exchange,
        sessions: &mut Sessions,
        session: SessionId,
        claim: Claim,
    ) -> Receiver<Message> {
        log_on_for(exchange, sessions, session, claim, Purpose::Commands(WhenLost::Leave))
    }

    fn log_on_for(
        exchange: &Exchange,
        sessions: &mut Sessions,
        session: SessionId,
        claim: Claim,
        purpose: Purpose,
    ) -> Receiver<Message> {
        let (queue, messages) = channel(8);
        sessions.log_on(exchange, Instant(0), session, LogOn { key: KEY, claim, purpose, queue });
        messages
    }

    /// Bids go with a line that is lost, where that was chosen, and not with one that a newer session takes the place of.
    #[test]
    fn a_line_is_lost_only_where_nothing_newer_took_its_place() {
        let (exchange, mut sessions) = founded();
        let on = |sessions: &mut Sessions, session, when_lost| {
            log_on_for(&exchange, sessions, session, Claim::default(), Purpose::Commands(when_lost))
        };
        let _leaves = on(&mut sessions, 1, WhenLost::Leave);
        sessions.left(1);
        assert!(sessions.take_lost().is_empty(), "it had not chosen so");
        let _older = on(&mut sessions, 2, WhenLost::Withdraw);
        let _newer = on(&mut sessions, 3, WhenLost::Withdraw);
        sessions.left(2);
        assert!(sessions.take_lost().is_empty(), "it was superseded");
        sessions.left(3);
        assert_eq!(sessions.take_lost(), [IdentityId(1)]);
        sessions.left(3);
        assert!(sessions.take_lost().is_empty(), "once");
        let _stopped = on(&mut sessions, 4, WhenLost::Withdraw);
        sessions.close_all(Closing::Stopping);
        assert!(sessions.take_lost().is_empty(), "it is the exchange that goes");
        // Who reads too slowly is dropped, and that is a loss.
        let _slow = on(&mut sessions, 5, WhenLost::Withdraw);
        for number in 7..20 {
            sessions.tell_batch(position(number), 1, &[happened(number)]);
        }
        assert_eq!(sessions.take_lost(), [IdentityId(1)]);
    }

    /// A drop copy is beside the session that sends, is told its answers, and can send nothing.
    #[test]
    fn a_drop_copy_is_told_what_others_are_answered() {
        let (exchange, mut sessions) = founded();
        let mut sends = log_on(&exchange, &mut sessions, 1, Claim::default());
        assert!(!sessions.has_drop_copies());
        let mut copies = log_on_for(&exchange, &mut sessions, 2, Claim::default(), Purpose::DropCopy);
        assert!(sessions.has_drop_copies());
        for messages in [&mut sends, &mut copies] {
            assert!(matches!(messages.try_recv(), Ok(Message::LoggedOn { .. })));
        }
        assert!(sessions.may_send(&exchange, Instant(0), 1, IdentityId(1)), "nobody was superseded");
        assert!(!sessions.may_send(&exchange, Instant(0), 2, IdentityId(1)));
        let answer = golv_engine::Answer { sequence: Sequence(7), outcome: Ok(()) };
        let answered = Answered { sender: IdentityId(2), id: CommandId(9), answer };
        sessions.copy(ParticipantId(9), answered);
        sessions.copy(ParticipantId(1), answered);
        sessions.tell_batch(position(7), 1, &[]);
        let told = copies.try_recv();
        assert!(matches!(&told, Ok(Message::Copied { answers, .. }) if **answers == [answered]), "{told:?}");
        assert!(sends.try_recv().is_err());
        sessions.left(2);
        assert!(!sessions.has_drop_copies());
    }

    /// Who is shown nothing of a batch is not woken by it, and who is shown any of it is told.
    #[test]
    fn a_batch_is_told_to_those_who_are_shown_any_of_it() {
        let (_, mut sessions) = founded();
        let readers = [(1, 2, false), (2, 3, false), (3, 2, false), (4, 1, true)];
        let mut queues: Vec<_> = readers
            .iter()
            .map(|&(session, participant, reads_all)| {
                let participant = ParticipantId(participant);
                let identity = IdentityId(session as u32);
                let key = Key { fingerprint: KEY, identity, participant, reads_all };
                let (queue, messages) = channel(8);
                sessions.enter(session, Entry::new(queue, Kind::Commands(key, WhenLost::Leave)));
                (participant, reads_all, messages)
            })
            .collect();
        let (queue, mut public) = channel(8);
        let key = Key {
            fingerprint: KEY,
            identity: IdentityId(9),
            participant: ParticipantId(2),
            reads_all: false,
        };
        sessions.enter(5, Entry::new(queue, Kind::Watch(key)));

        let (lead, member) = (Some(ParticipantId(3)), ParticipantId(2));
        let events = [
            Event::LineLost { identity: IdentityId(1), participant: ParticipantId(2) },
            Event::LineLost { identity: IdentityId(2), participant: ParticipantId(3) },
            Event::LineLost { identity: IdentityId(7), participant: ParticipantId(7) },
            Event::GroupLeft { entry: EntryId(1), lead, member },
            Event::ProposalWithdrawn {
                proposal: ProposalId { identity: IdentityId(1), command: CommandId(1) },
            },
            Event::ClockSet { to: Instant(1) },
        ];
        for event in events {
            let audience = event.audience();
            sessions.tell_batch(position(7), 1, &[Happened { sequence: Sequence(7), event: event.clone() }]);
            for (participant, reads_all, queue) in &mut queues {
                let told = queue.try_recv().is_ok();
                assert_eq!(
                    told,
                    *reads_all || event.is_shown_to(*participant, false),
                    "{participant:?}: {audience:?}"
                );
            }
            assert_eq!(public.try_recv().is_ok(), audience == Audience::Public, "{audience:?}");
        }
        sessions.left(1);
        sessions.tell_batch(
            position(8),
            1,
            &[Happened {
                sequence: Sequence(8),
                event: Event::LineLost { identity: IdentityId(1), participant: ParticipantId(2) },
            }],
        );
        assert!(queues[2].2.try_recv().is_ok(), "one of two sessions of a participant is left");
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
        sessions.tell_batch(position(7), 1, &[happened(2)]);
        assert!(matches!(older.try_recv(), Ok(Message::Happened { .. })), "nothing came before it");
    }
}
