//! The one thread that orders, journals and executes.

use std::sync::Arc;
use std::time::{Duration, Instant as Moment};

use crossbeam_channel::{Receiver, RecvTimeoutError, TryRecvError};
use golv_engine::command::Command;
use golv_engine::digest::Digest;
use golv_engine::event::EventCounts;
use golv_engine::id::{CommandId, IdentityId, Sequence};
use golv_engine::reject::Reject;
use golv_engine::time::Instant;
use golv_engine::{Exchange, Mode as ExchangeMode, RulesVersion};
use golv_journal::disk::Directory;
use golv_journal::execute::{Effects, EngineFault, genesis};
use golv_journal::replay::{Replay, Replayed};
use golv_journal::restart::{Restart, RestartError, Restarted};
use golv_journal::{AppendError, FlushError, Journal, Mode, SealError, Settings};
use golv_protocol::EncodeError;
use golv_protocol::batch::{BatchHeader, BatchWriter, Entry, GATHER_ENTRIES};

use super::clock::{Clock, system_now};
use super::flush::FlushThread;
use super::snapshots::SnapshotThread;
use golv_protocol::message::{Closing, Position};

use super::history::Recent;
use super::metrics::{Batch, Metrics};
use super::positions::Positions;
use super::sessions::Sessions;
use super::{Answered, Creation, Opening, Request, SessionId, Stopped, Waiting};

/// Why an exchange could not be created.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// The journal could not be created.
    #[error(transparent)]
    Journal(#[from] golv_journal::CreateError),
    /// The founding command is refused; nothing was created.
    #[error("the exchange cannot be founded so: {0}")]
    Refused(Reject),
    /// The founding command could not be made durable.
    #[error("the founding command could not be journalled")]
    Founding(#[source] WriterError),
}

/// Why the writer stopped.
#[derive(Debug, thiserror::Error)]
pub enum WriterError {
    /// A batch could not be written.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// A batch could not be flushed.
    #[error(transparent)]
    Flush(#[from] FlushError),
    /// The seal of an orderly stop could not be written.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The system gave no random bytes.
    #[error("the system gave no random bytes")]
    Entropy(#[from] getrandom::Error),
    /// A command that was measured on submission could not be encoded.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// A command made the engine fail. It is in the journal.
    #[error(transparent)]
    Engine(#[from] EngineFault),
}

/// Whose answer an entry's is: a session's, or nobody's for a tick.
type Origin = Option<SessionId>;

pub(super) struct Writer {
    exchange: Exchange,
    flush: FlushThread,
    /// Before the journal, which is dropped after it and holds the directory's lock.
    snapshots: SnapshotThread,
    journal: Journal,
    clock: Clock,
    /// The chain up to the last batch.
    chain: Digest,
    sessions: Sessions,
    /// The batch in the making, and what it did: kept for their memory.
    batch: BatchWriter,
    entries: Vec<Entry<Command>>,
    origins: Vec<Origin>,
    effects: Effects,
    metrics: Arc<Metrics>,
}

/// From so many commands on a batch is flushed while it is executed. To execute fewer takes less time than to wake a thread and be woken by it.
const FLUSH_BESIDE: u32 = 64;

/// What woke the writer.
enum Wake {
    Request(Request),
    Due,
    Gone,
}

/// What comes after a turn.
#[derive(Clone, Copy)]
enum Turn {
    GoOn,
    Stop,
}

impl Writer {
    pub(super) fn create(
        dir: impl Into<Directory>,
        creation: Creation,
        segment_bytes: u32,
        founding: Command,
    ) -> Result<Self, CreateError> {
        let clock = match creation {
            Creation::Live => Clock::Live(system_now),
            Creation::Rehearsal { seed, start } => Clock::Rehearsal { seed, now: start },
        };
        Self::create_by(clock, dir.into(), segment_bytes, founding)
    }

    fn create_by(
        clock: Clock,
        dir: Directory,
        segment_bytes: u32,
        founding: Command,
    ) -> Result<Self, CreateError> {
        let rules = RulesVersion::NEWEST;
        let (mode, exchange) = match clock {
            Clock::Live(_) => (Mode::Live, Exchange::new(ExchangeMode::Live, rules)),
            Clock::Rehearsal { seed, .. } => {
                (Mode::Rehearsal { seed }, Exchange::new(ExchangeMode::Rehearsal, rules))
            }
        };
        // Tried on an exchange that is thrown away, so that a refusal leaves no journal behind.
        let at = clock.now();
        Exchange::new(exchange.mode(), rules)
            .apply(Sequence(1), at, IdentityId::SYSTEM, CommandId(1), &founding, &mut Vec::new())
            .map_err(CreateError::Refused)?;
        let settings = Settings { mode, rules_version: rules.number(), segment_bytes };
        let chain = genesis(&settings);
        let journal = Journal::create(dir.clone(), settings, chain.0)?;
        let positions = Positions::new(Position { sequence: Sequence(0), chain });
        let sessions = Sessions::new(Recent::after(EventCounts::default(), journal.segment()), positions);
        let mut writer = Self::new(exchange, journal, &dir, clock, chain, sessions);
        writer.gather(None, IdentityId::SYSTEM, CommandId(1), founding);
        writer.commit().map_err(CreateError::Founding)?;
        Ok(writer)
    }

    /// Opens the journal in a directory, and says how it was found.
    pub(super) fn open(dir: impl Into<Directory>) -> Result<(Self, Opening), RestartError> {
        let dir = dir.into();
        let mut restart = Restart::begin(dir.clone())?;
        let replay = &restart.begun.replay;
        let mut recent = Recent::after(replay.counts().clone(), replay.segment());
        let mut positions = Positions::new(position(replay));
        let (snapshot, passed_over) =
            (restart.begun.snapshot, std::mem::take(&mut restart.begun.passed_over));
        let restarted = restart.finish(|replay| {
            positions.add(position(replay));
            recent.add(replay.segment(), replay.happened());
        })?;
        let Restarted { replayed: Replayed { exchange, chain, now, .. }, journal, verdict } = restarted;
        let clock = match journal.settings().mode {
            Mode::Live => Clock::Live(system_now),
            Mode::Rehearsal { seed } => Clock::Rehearsal { seed, now },
        };
        let position = Position { sequence: exchange.sequence(), chain };
        let opening = Opening { verdict, snapshot, passed_over, position, state: exchange.state_digest() };
        let sessions = Sessions::new(recent, positions);
        Ok((Self::new(exchange, journal, &dir, clock, chain, sessions), opening))
    }

    fn new(
        exchange: Exchange,
        journal: Journal,
        dir: &Directory,
        clock: Clock,
        chain: Digest,
        sessions: Sessions,
    ) -> Self {
        let metrics = Arc::new(Metrics::new());
        metrics.set_last(exchange.sequence(), exchange.at());
        let flush = FlushThread::start(journal.flusher(), metrics.flush());
        let snapshots = SnapshotThread::start(dir, Arc::clone(&metrics));
        let header = BatchHeader { first: Sequence(0), at: exchange.at(), entropy: [0; 32] };
        Self {
            exchange,
            flush,
            snapshots,
            journal,
            clock,
            chain,
            sessions,
            batch: BatchWriter::new(header),
            entries: Vec::new(),
            origins: Vec::new(),
            effects: Effects::default(),
            metrics,
        }
    }

    pub(super) fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// Works until it is told to stop, every handle is gone, or the journal fails.
    pub(super) fn run(mut self, ring: &Receiver<Request>, waiting: Waiting) -> Result<Stopped, WriterError> {
        let metrics = Arc::clone(&self.metrics);
        let worked = self.work(ring, waiting);
        // Whatever the reason, nobody is left to guess.
        self.sessions.close_all(Closing::Stopping);
        let stopped = worked.and_then(|()| self.stop());
        if let Err(WriterError::Append(_) | WriterError::Flush(_) | WriterError::Seal(_)) = stopped {
            metrics.set_poisoned();
        }
        stopped
    }

    fn work(&mut self, ring: &Receiver<Request>, waiting: Waiting) -> Result<(), WriterError> {
        loop {
            let first = match self.wait(ring, waiting) {
                Wake::Request(request) => Some(request),
                Wake::Due => None,
                Wake::Gone => return Ok(()),
            };
            if let Turn::Stop = self.turn(first, ring)? {
                return Ok(());
            }
        }
    }

    /// Works off what has gathered behind a first request, or what is due.
    fn turn(&mut self, first: Option<Request>, ring: &Receiver<Request>) -> Result<Turn, WriterError> {
        self.metrics.count_gathering(ring.len());
        let mut next = first;
        let mut turn = Turn::GoOn;
        let mut taken = 0;
        // Takes what is there and waits for nothing: while it is flushed, the next batch gathers.
        while let Some(request) = next {
            match request {
                Request::Connect { session, queue } => self.sessions.connect(session, queue),
                Request::LogOn { session, log_on } => {
                    // What was gathered may be this identity's own, or end its key.
                    self.commit()?;
                    let at = self.now();
                    self.sessions.log_on(&self.exchange, at, session, log_on);
                }
                Request::Watch { session, key, queue } => {
                    // What is told is durable.
                    self.commit()?;
                    let at = self.now();
                    self.sessions.watch(&self.exchange, at, session, key, queue);
                }
                Request::Left { session } => self.sessions.left(session),
                Request::Command { session, sender, id, command } => {
                    let at = self.now();
                    // A clock that is set, or a key that is ended, counts from the next command on, so it ends its
                    // batch.
                    let ends_batch = matches!(command, Command::SetClock { .. } | Command::Confirm { .. });
                    if self.sessions.may_send(&self.exchange, at, session, sender) {
                        self.gather(Some(session), sender, id, command);
                    }
                    if ends_batch {
                        break;
                    }
                }
                Request::Stop => {
                    turn = Turn::Stop;
                    break;
                }
            }
            // Bounded, so that requests which are not commands cannot hold up those that were gathered.
            taken += 1;
            next = if taken < GATHER_ENTRIES { ring.try_recv().ok() } else { None };
        }
        self.gather_lost();
        self.commit()?;
        let at = self.now();
        self.sessions.close_ended(&self.exchange, at);
        // Whoever was found lost meanwhile does not wait for the next request.
        while self.gather_lost() {
            self.commit()?;
        }
        Ok(turn)
    }

    /// Gathers what withdraws the bids of those whose line was lost. `false` if nobody's was.
    fn gather_lost(&mut self) -> bool {
        let lost = self.sessions.take_lost();
        for &identity in &lost {
            // The system's commands need no number of their own: nobody sends them again.
            self.gather(None, IdentityId::SYSTEM, CommandId(0), Command::LineLost { identity });
        }
        !lost.is_empty()
    }

    /// The stamp that a command would get now.
    fn now(&self) -> Instant {
        self.clock.now().max(self.exchange.at())
    }

    /// How long until something moves on by itself, or the next key ends; `None` if waiting brings neither.
    fn until_due(&self) -> Option<Duration> {
        let due = self.exchange.next_due().into_iter().chain(self.sessions.next_end()).min();
        due.and_then(|due| self.clock.until(due))
    }

    fn wait(&self, ring: &Receiver<Request>, waiting: Waiting) -> Wake {
        loop {
            match (self.until_due(), waiting) {
                (Some(Duration::ZERO), _) => return Wake::Due,
                (due, Waiting::Park) => return Self::park(ring, due),
                (_, Waiting::Spin) => match ring.try_recv() {
                    Ok(request) => return Wake::Request(request),
                    Err(TryRecvError::Disconnected) => return Wake::Gone,
                    Err(TryRecvError::Empty) => std::hint::spin_loop(),
                },
            }
        }
    }

    fn park(ring: &Receiver<Request>, due: Option<Duration>) -> Wake {
        match due {
            Some(wait) => match ring.recv_timeout(wait) {
                Ok(request) => Wake::Request(request),
                Err(RecvTimeoutError::Timeout) => Wake::Due,
                Err(RecvTimeoutError::Disconnected) => Wake::Gone,
            },
            None => ring.recv().map_or(Wake::Gone, Wake::Request),
        }
    }

    fn gather(&mut self, origin: Origin, sender: IdentityId, id: CommandId, command: Command) {
        self.entries.push(Entry { sender, id, command });
        self.origins.push(origin);
    }

    /// Journals, executes and releases what was gathered, in batches that a frame can hold.
    fn commit(&mut self) -> Result<(), WriterError> {
        let at = self.now();
        let first = Sequence(self.exchange.sequence().0 + 1);
        if self.exchange.next_due().is_some_and(|due| due <= at) {
            let tick = Entry { sender: IdentityId::SYSTEM, id: CommandId(first.0), command: Command::Tick };
            self.entries.insert(0, tick);
            self.origins.insert(0, None);
        }
        while !self.entries.is_empty() {
            self.commit_batch(at)?;
        }
        Ok(())
    }

    fn commit_batch(&mut self, at: Instant) -> Result<(), WriterError> {
        let first = Sequence(self.exchange.sequence().0 + 1);
        self.batch.restart(BatchHeader { first, at, entropy: self.clock.entropy(first)? });
        for entry in &self.entries {
            if !self.batch.push(entry)? {
                break;
            }
        }
        let count = self.batch.len();
        assert!(count > 0, "a command was measured to be shorter than a batch");
        let segment = self.journal.segment();
        self.journal.append(first, count, &self.chain.0, self.batch.payload())?;
        let is_beside = count >= FLUSH_BESIDE;
        if is_beside {
            self.flush.begin();
        }
        if self.journal.segment() != segment {
            self.snapshots.begun(self.journal.segment());
        }

        let count = count as usize;
        let began = Moment::now();
        let executed = self.effects.execute(&mut self.exchange, first, at, &self.entries[..count], &[]);
        let chain = self.effects.chain(self.chain, self.batch.payload());
        let applied = began.elapsed();
        if is_beside {
            self.flush.finish()?;
        } else {
            self.flush.here()?;
        }
        // Durable by now, so that it can be set aside.
        executed?;
        self.metrics.count_batch(&Batch {
            last: self.exchange.sequence(),
            at,
            bytes: self.batch.payload().len(),
            answers: self.effects.answers(),
            events: self.effects.happened().len(),
            applied,
            waited: began.elapsed().saturating_sub(applied),
        });

        self.chain = chain;
        if let Some(to) = self.effects.clock() {
            self.clock.set(to);
        }
        self.release();
        // Drained, so that the memory stays for the next batch.
        self.entries.drain(..count);
        self.origins.drain(..count);
        Ok(())
    }

    /// Sends the answers and events of the batch that just became durable.
    fn release(&mut self) {
        let position = Position { sequence: self.exchange.sequence(), chain: self.chain };
        self.sessions.come_to(position);
        // There are as many answers as commands were in the batch.
        for ((origin, entry), answer) in self.origins.iter().zip(&self.entries).zip(self.effects.answers()) {
            let Entry { sender, id, .. } = *entry;
            let answered = Answered { sender, id, answer: *answer };
            if let Some(session) = *origin {
                self.sessions.answer(session, answered);
            }
            if self.sessions.has_drop_copies()
                && let Some(participant) = self.exchange.participant_of(sender)
            {
                self.sessions.copy(participant, answered);
            }
        }
        self.sessions.tell_batch(position, self.journal.segment(), self.effects.happened());
        if self.effects.happened().iter().any(|happened| happened.event.changes_keys()) {
            self.sessions.look_at_keys(&self.exchange);
        }
    }

    fn stop(mut self) -> Result<Stopped, WriterError> {
        self.journal.seal(&self.chain.0)?;
        Ok(Stopped {
            sequence: self.exchange.sequence(),
            state: self.exchange.state_digest(),
            chain: self.chain,
        })
    }
}

/// Where a replay has come to.
fn position(replay: &Replay) -> Position {
    Position { sequence: replay.exchange().sequence(), chain: replay.chain() }
}

#[cfg(test)]
mod allocations;
#[cfg(test)]
mod clock_set_back;
#[cfg(test)]
mod worlds;
