//! The one thread that orders, journals and executes.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use golv_engine::command::Command;
use golv_engine::digest::Digest;
use golv_engine::id::{CommandId, IdentityId, Sequence};
use golv_engine::time::Instant;
use golv_engine::{Exchange, Mode as ExchangeMode, RULES_VERSION};
use golv_journal::execute::{Effects, genesis};
use golv_journal::replay::{Replay, ReplayError, Replayed};
use golv_journal::{AppendError, FlushError, Journal, Mode, SealError, Settings, Verdict};
use golv_protocol::EncodeError;
use golv_protocol::batch::{BatchHeader, BatchWriter, Entry, GATHER_ENTRIES};

use super::clock::Clock;
use super::flush::FlushThread;
use super::{Creation, Message, Request, Stopped};

/// Why an exchange could not be created.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// The journal could not be created.
    #[error(transparent)]
    Journal(#[from] golv_journal::CreateError),
    /// The founding command could not be made durable.
    #[error("the founding command could not be journalled")]
    Founding(#[source] WriterError),
}

/// Why an exchange could not be started from its journal.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The journal could not be opened.
    #[error(transparent)]
    Journal(#[from] golv_journal::OpenError),
    /// The journal could not be replayed.
    #[error(transparent)]
    Replay(#[from] ReplayError),
    /// The journal could not be made ready for appending.
    #[error(transparent)]
    Recover(#[from] golv_journal::RecoverError),
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
}

/// Whose answer an entry's is: a session's, or nobody's for a tick.
type Origin = Option<u64>;

pub(super) struct Writer {
    exchange: Exchange,
    journal: Journal,
    flush: FlushThread,
    clock: Clock,
    /// The chain up to the last batch.
    chain: Digest,
    sessions: BTreeMap<u64, Sender<Message>>,
    /// The batch in the making, and what it did: kept for their memory.
    batch: BatchWriter,
    entries: Vec<Entry<Command>>,
    origins: Vec<Origin>,
    effects: Effects,
}

/// What woke the writer.
enum Wake {
    Request(Request),
    Due,
    Gone,
}

impl Writer {
    pub(super) fn create(dir: &Path, creation: Creation, founding: Command) -> Result<Self, CreateError> {
        let (clock, mode, exchange) = match creation {
            Creation::Live => (Clock::System, Mode::Live, Exchange::new(ExchangeMode::Live)),
            Creation::Rehearsal { seed, start } => {
                let clock = Clock::Rehearsal { seed, now: start };
                (clock, Mode::Rehearsal { seed }, Exchange::new(ExchangeMode::Rehearsal))
            }
        };
        let settings = Settings { mode, rules_version: RULES_VERSION };
        let chain = genesis(&settings);
        let journal = Journal::create(dir, settings, chain.0)?;
        let mut writer = Self::new(exchange, journal, clock, chain);
        writer.gather(None, IdentityId::SYSTEM, CommandId(1), founding);
        writer.commit().map_err(CreateError::Founding)?;
        Ok(writer)
    }

    /// Opens the journal in a directory; the verdict says how it ended.
    pub(super) fn open(dir: &Path) -> Result<(Self, Verdict), OpenError> {
        let mut opened = Journal::open(dir)?;
        let mode = opened.header().settings.mode;
        let mut replay = Replay::new(opened.header())?;
        while let Some(frame) = opened.next_frame()? {
            replay.frame(&frame)?;
        }
        let Replayed { exchange, chain, now } = replay.finish();
        let clock = match mode {
            Mode::Live => Clock::System,
            Mode::Rehearsal { seed } => Clock::Rehearsal { seed, now },
        };
        let (journal, verdict) = opened.into_journal()?;
        Ok((Self::new(exchange, journal, clock, chain), verdict))
    }

    fn new(exchange: Exchange, journal: Journal, clock: Clock, chain: Digest) -> Self {
        let flush = FlushThread::start(journal.flusher());
        let header = BatchHeader { first: Sequence(0), at: exchange.at(), entropy: [0; 32] };
        Self {
            exchange,
            journal,
            flush,
            clock,
            chain,
            sessions: BTreeMap::new(),
            batch: BatchWriter::new(header),
            entries: Vec::new(),
            origins: Vec::new(),
            effects: Effects::default(),
        }
    }

    /// Works until it is told to stop, every handle is gone, or the journal fails.
    pub(super) fn run(mut self, ring: &Receiver<Request>) -> Result<Stopped, WriterError> {
        loop {
            let mut next = match self.wait(ring) {
                Wake::Request(request) => Some(request),
                Wake::Due => None,
                Wake::Gone => return self.stop(),
            };
            let mut stopping = false;
            // Takes what is there and waits for nothing: while it is flushed, the next batch gathers.
            while let Some(request) = next {
                match request {
                    Request::Connect { session, queue } => {
                        self.sessions.insert(session, queue);
                    }
                    Request::Command { session, sender, id, command } => {
                        // A clock that is set counts from the next command on, so it ends its batch.
                        let sets_clock = matches!(command, Command::SetClock { .. });
                        self.gather(Some(session), sender, id, command);
                        if sets_clock || self.is_full() {
                            break;
                        }
                    }
                    Request::Stop => {
                        stopping = true;
                        break;
                    }
                }
                next = ring.try_recv().ok();
            }
            self.commit()?;
            if stopping {
                return self.stop();
            }
        }
    }

    fn wait(&self, ring: &Receiver<Request>) -> Wake {
        let wait = self.exchange.next_due().and_then(|due| self.clock.until(due));
        match wait {
            Some(wait) if wait.is_zero() => Wake::Due,
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

    fn is_full(&self) -> bool {
        u32::try_from(self.entries.len()).is_ok_and(|entries| entries >= GATHER_ENTRIES)
    }

    /// Journals, executes and releases what was gathered, in batches that a frame can hold.
    fn commit(&mut self) -> Result<(), WriterError> {
        let at = self.clock.now().max(self.exchange.at());
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
        self.journal.append(first, count, &self.chain.0, self.batch.payload())?;
        self.flush.begin();

        let rest = self.entries.split_off(count as usize);
        self.effects.execute(&mut self.exchange, first, at, &self.entries);
        let chain = self.effects.chain(self.chain, self.batch.payload());
        let flushed = self.flush.finish();
        flushed?;

        self.chain = chain;
        if let Some(to) = self.effects.clock() {
            self.clock.set(to);
        }
        self.release();
        self.entries = rest;
        Ok(())
    }

    /// Sends the answers and events of the batch that just became durable. A session whose queue is full
    /// reads too slowly and is dropped: nobody waits for it.
    fn release(&mut self) {
        let answered = self.origins.drain(..self.entries.len()).zip(&self.entries);
        for ((origin, entry), answer) in answered.zip(self.effects.answers()) {
            if let Some(session) = origin {
                let message = Message::Answered { sender: entry.sender, id: entry.id, answer: *answer };
                tell(&mut self.sessions, session, message);
            }
        }
        if !self.effects.happened().is_empty() {
            let happened: Arc<[_]> = self.effects.happened().into();
            self.sessions.retain(|_, queue| queue.try_send(Message::Happened(Arc::clone(&happened))).is_ok());
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

fn tell(sessions: &mut BTreeMap<u64, Sender<Message>>, session: u64, message: Message) {
    let told = sessions.get(&session).is_some_and(|queue| queue.try_send(message).is_ok());
    if !told {
        sessions.remove(&session);
    }
}
