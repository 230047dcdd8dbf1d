//! The way of a command: a bounded ring to one writer, which journals and executes, and a bounded queue back to
//! each session.
//!
//! ```text
//!  session ──▶ ring (bounded) ──▶ writer thread                    flush thread
//!              full? Busy          1 takes what has gathered
//!                                  2 writes it to the journal ────▶ flushes
//!                                  3 executes it meanwhile
//!  session ◀── queue (bounded) ◀── 4 when flushed: releases answers and events
//!              full? dropped
//! ```
//!
//! There is one order, the journal's, and one thread that makes it, so no lock of ours stands between a
//! session and the book. Nothing leaves before it is durable. While one flush runs, the next batch
//! gathers; there is no timer. After a failed write or flush the writer stops for good.

mod clock;
mod flush;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use golv_engine::Answer;
use golv_engine::command::Command;
use golv_engine::digest::Digest;
use golv_engine::id::{CommandId, IdentityId, Sequence};
use golv_engine::time::Instant;
use golv_journal::Verdict;
use golv_journal::execute::Happened;

use writer::Writer;
pub use writer::{CreateError, OpenError, WriterError};

/// Requests that wait for the writer at most; one more is refused as [`SubmitError::Busy`].
pub const RING_CAPACITY: usize = 4096;

/// Messages that wait for a session at most; a session that lets more gather is dropped.
pub const QUEUE_CAPACITY: usize = 8192;

/// What an exchange is created as.
#[derive(Clone, Copy, Debug)]
pub enum Creation {
    /// Time is the clock's, and the batches' random bytes are the system's.
    Live,
    /// Time begins at `start` and is set by operators; the batches' random bytes come from `seed`.
    Rehearsal {
        /// The seed.
        seed: u64,
        /// The stamp of the founding command.
        start: Instant,
    },
}

/// A running exchange.
pub struct Pipeline {
    ring: Sender<Request>,
    sessions: AtomicU64,
    writer: JoinHandle<Result<Stopped, WriterError>>,
}

/// Where an exchange stood when it was stopped in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped {
    /// The last command's sequence.
    pub sequence: Sequence,
    /// The state digest after it.
    pub state: Digest,
    /// The chain digest after its batch.
    pub chain: Digest,
}

/// What goes to the writer.
enum Request {
    /// A session begins, and is told of everything from now on.
    Connect { session: u64, queue: Sender<Message> },
    /// A session's command.
    Command { session: u64, sender: IdentityId, id: CommandId, command: Command },
    /// Stop in order, after what came before.
    Stop,
}

/// What comes back to a session.
#[derive(Clone, Debug)]
pub enum Message {
    /// The answer to its own command.
    Answered {
        /// Who had sent it.
        sender: IdentityId,
        /// Under which id.
        id: CommandId,
        /// The answer.
        answer: Answer,
    },
    /// What a batch made happen, all of it: whoever passes it on shows each event to its audience alone.
    Happened(Arc<[Happened]>),
}

/// Why a command was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    /// The ring is full. The command was not journalled, and its id is free.
    #[error("the exchange is busy; send the command again under the same id")]
    Busy,
    /// The command is larger than a message may be. It was not journalled.
    #[error("the command is larger than a message may be")]
    TooLarge,
    /// The exchange has stopped, or dropped this session for reading too slowly. Whether the command was
    /// executed is told by sending it again under the same id.
    #[error("the exchange has stopped or dropped this session")]
    Disconnected,
}

impl Pipeline {
    /// Creates an exchange in a directory, founds it with `founding`, and starts it.
    ///
    /// # Errors
    /// If the directory holds something already, or the journal cannot be written.
    pub fn create(dir: &Path, creation: Creation, founding: Command) -> Result<Self, CreateError> {
        Writer::create(dir, creation, founding).map(Self::start)
    }

    /// Starts the exchange whose journal is in a directory, as it was after the last durable batch. The
    /// verdict says how the journal ended; a torn tail is worth a warning.
    ///
    /// # Errors
    /// If there is no journal, it is damaged, or replaying it does not give what it was written from.
    pub fn open(dir: &Path) -> Result<(Self, Verdict), OpenError> {
        let (writer, verdict) = Writer::open(dir)?;
        Ok((Self::start(writer), verdict))
    }

    fn start(writer: Writer) -> Self {
        let (ring, requests) = bounded(RING_CAPACITY);
        let writer = std::thread::Builder::new()
            .name("golv-writer".into())
            .spawn(move || writer.run(&requests))
            .expect("the system has room for one more thread");
        Self { ring, sessions: AtomicU64::new(0), writer }
    }

    /// Begins a session that may send for anybody and is told everything. For whoever runs the exchange in
    /// its own process; what comes over a network is restricted before it gets here.
    pub fn connect(&self) -> Result<Session, SubmitError> {
        // Ordering: only uniqueness matters; the ring orders everything else.
        let session = self.sessions.fetch_add(1, Ordering::Relaxed);
        let (queue, messages) = bounded(QUEUE_CAPACITY);
        self.ring.send(Request::Connect { session, queue }).map_err(|_| SubmitError::Disconnected)?;
        Ok(Session { session, ring: self.ring.clone(), messages, scratch: Vec::new() })
    }

    /// Stops the exchange after everything submitted so far, and says where it stood.
    ///
    /// # Errors
    /// If the writer had stopped before, for the reason it had.
    ///
    /// # Panics
    /// If the writer panicked.
    pub fn stop(self) -> Result<Stopped, WriterError> {
        // A writer that is gone has left its reason to be joined.
        let _ = self.ring.send(Request::Stop);
        match self.writer.join() {
            Ok(stopped) => stopped,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

/// One end of a session with a running exchange in the same process.
pub struct Session {
    session: u64,
    ring: Sender<Request>,
    messages: Receiver<Message>,
    scratch: Vec<u8>,
}

impl Session {
    /// Hands a command to the writer; its answer comes as a [`Message`].
    ///
    /// # Errors
    /// If the command was not taken, or the exchange has stopped.
    pub fn send(&mut self, sender: IdentityId, id: CommandId, command: Command) -> Result<(), SubmitError> {
        self.scratch.clear();
        golv_protocol::encode(&command, &mut self.scratch).map_err(|_| SubmitError::TooLarge)?;
        self.ring.try_send(Request::Command { session: self.session, sender, id, command }).map_err(|error| {
            match error {
                TrySendError::Full(_) => SubmitError::Busy,
                TrySendError::Disconnected(_) => SubmitError::Disconnected,
            }
        })
    }

    /// The next message, waiting for it.
    ///
    /// # Errors
    /// If the exchange has stopped or dropped this session.
    pub fn receive(&mut self) -> Result<Message, SubmitError> {
        self.messages.recv().map_err(|_| SubmitError::Disconnected)
    }
}
