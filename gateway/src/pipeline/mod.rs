//! The way of a command: a bounded ring to one writer, which journals and executes, and a bounded queue back to
//! each session.
//!
//! ```text
//!  session ──▶ ring (bounded) ──▶ writer thread                    flush thread
//!              full? Busy          1 takes what has gathered
//!                                  2 writes it to the journal ────▶ flushes
//!                                  3 executes it meanwhile
//!                                    (a small batch: executes, then flushes here)
//!  session ◀── queue (bounded) ◀── 4 when flushed: releases answers and events
//!              full? dropped
//! ```
//!
//! There is one order, the journal's, and one thread that makes it, so no lock of ours stands between a
//! session and the book. Nothing leaves before it is durable. While one flush runs, the next batch
//! gathers; there is no timer. After a failed write or flush the writer stops for good. Behind the writer a second
//! exchange replays each segment of the journal once it is closed, and keeps snapshots.

mod clock;
mod flush;
mod history;
pub mod metrics;
mod older;
mod positions;
mod sessions;
mod snapshots;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;

use crossbeam_channel::{Sender, TrySendError, bounded};
use golv_engine::command::Command;
use golv_engine::digest::Digest;
use golv_engine::id::{CommandId, IdentityId, Sequence};
use golv_engine::key::KeyFingerprint;
use golv_engine::time::Instant;
use golv_engine::{Answer, Speaker};
use golv_journal::execute::Happened;
use golv_journal::restart::RestartError;
use golv_journal::snapshot::SnapshotError;
use golv_journal::{SEGMENT_BYTES, Verdict};

use golv_engine::public::PublicFact;
use golv_protocol::message::{Closing, Position, Purpose};
use tokio::sync::mpsc::error::TryRecvError;
use tokio::sync::{mpsc, watch};

pub use history::{Cursor, History};
use metrics::Metrics;
use older::Older;
pub use older::Piece;
use writer::Writer;
pub use writer::{CreateError, WriterError};

/// Requests that wait for the writer at most; one more is refused as [`SubmitError::Busy`]. Room for what 256 sessions
/// may have in flight ([`crate::server::session::IN_FLIGHT_MAX`]), so that a few greedy ones cannot fill it.
pub const RING_CAPACITY: usize = 65_536;

/// Messages that wait for a session at most; a session that lets more gather is dropped.
pub const QUEUE_CAPACITY: usize = 8192;

/// Batches that wait for a watcher of what is public at most; one that lets more gather is dropped, and begins anew.
pub const WATCH_CAPACITY: usize = 1024;

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

/// How the writer waits for the next command.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Waiting {
    /// Sleeps until it is woken: some ten microseconds more latency, no processor while idle. The default.
    #[default]
    Park,
    /// Asks again and again: the lowest latency, and a processor of its own all the time. Not for a machine with
    /// fewer processors than busy threads.
    Spin,
}

/// A running exchange.
pub struct Pipeline {
    gate: Gate,
    writer: JoinHandle<Result<Stopped, WriterError>>,
}

/// A session's number, never used twice in one process.
pub type SessionId = u64;

/// Where sessions come in. Any number of copies lead to the same writer.
#[derive(Clone)]
pub struct Gate {
    ring: Sender<Request>,
    sessions: Arc<AtomicU64>,
    older: Older,
    metrics: Arc<Metrics>,
    ended: watch::Receiver<bool>,
}

/// How an exchange's journal was found when it was started.
#[derive(Debug)]
pub struct Opening {
    /// How it ended: a torn tail is worth a warning.
    pub verdict: Verdict,
    /// The snapshot that replay began with: its segment and last command. `None` if it began with the founding.
    pub snapshot: Option<(u32, Sequence)>,
    /// Newer snapshots that were of no use, which is worth a warning.
    pub passed_over: Vec<SnapshotError>,
    /// Where it stands: the last command, and the chain after its batch.
    pub position: Position,
    /// The state digest.
    pub state: Digest,
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
    /// A session in this process begins, and is told of everything from now on.
    Connect { session: SessionId, queue: mpsc::Sender<Message> },
    /// A session from outside begins for whom its key speaks, unless it was told what this exchange has not.
    LogOn { session: SessionId, log_on: LogOn },
    /// Somebody from outside wants to know what is public.
    Watch { session: SessionId, key: KeyFingerprint, queue: mpsc::Sender<Message> },
    /// A session has ended on its own side.
    Left { session: SessionId },
    /// A session's command.
    Command { session: SessionId, sender: IdentityId, id: CommandId, command: Command },
    /// Stop in order, after what came before.
    Stop,
}

/// A logon, and where its session is told what comes of it.
struct LogOn {
    key: KeyFingerprint,
    claim: Claim,
    purpose: Purpose,
    queue: mpsc::Sender<Message>,
}

/// What a client says that it was told, at its logon.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Claim {
    /// How many events.
    pub events_seen: u64,
    /// The furthest position; `None` before the first.
    pub acknowledged: Option<Position>,
}

/// What comes back to a session.
#[derive(Clone, Debug)]
pub enum Message {
    /// A session from outside has begun.
    LoggedOn {
        /// For whom it speaks.
        speaker: Speaker,
        /// How many events there are so far for it.
        events: u64,
        /// Where the exchange stands.
        position: Position,
        /// What has happened so far, as far back as it is remembered and not seen: one stretch after the other. What comes
        /// next follows as [`Message::Happened`].
        history: Vec<History>,
    },
    /// The answers to its own commands in a batch.
    Answered {
        /// One for each command, in their order; at least one.
        answers: Box<[Answered]>,
        /// Of the batch in which the commands were journalled and executed just now.
        position: Position,
    },
    /// The answers to a participant's identities in a batch, for a drop copy.
    Copied {
        /// One for each command, in their order; at least one.
        answers: Box<[Answered]>,
        /// Of the batch in which the commands were journalled and executed just now.
        position: Position,
    },
    /// What is public as of a position; what comes next follows as [`Message::Happened`].
    PublicState {
        /// All of it.
        facts: Vec<PublicFact>,
        /// Where the exchange stands.
        position: Position,
    },
    /// What a batch made happen, all of it: whoever passes it on shows each event to its audience alone.
    Happened {
        /// In order.
        batch: Arc<[Happened]>,
        /// Where the batch ended.
        position: Position,
    },
    /// The session does not begin: its client was told what the exchange has not, or not so.
    Behind {
        /// For whom its key speaks.
        identity: IdentityId,
        /// What it claims.
        claimed: Claim,
        /// What the exchange has.
        own: Claim,
    },
    /// The session ends.
    Closing(Closing),
}

/// The answer to a command of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answered {
    /// Who had sent it.
    pub sender: IdentityId,
    /// Under which id.
    pub id: CommandId,
    /// The answer.
    pub answer: Answer,
}

/// Why a command, or a session itself, was not taken.
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
    pub fn create(
        dir: &Path,
        creation: Creation,
        founding: Command,
        waiting: Waiting,
    ) -> Result<Self, CreateError> {
        Self::create_in_segments(dir, creation, SEGMENT_BYTES, founding, waiting)
    }

    /// Creates an exchange as [`Pipeline::create`] does, with segments of another length than [`SEGMENT_BYTES`].
    ///
    /// # Errors
    /// As [`Pipeline::create`].
    pub fn create_in_segments(
        dir: &Path,
        creation: Creation,
        segment_bytes: u32,
        founding: Command,
        waiting: Waiting,
    ) -> Result<Self, CreateError> {
        Ok(Self::start(Writer::create(dir, creation, segment_bytes, founding)?, dir, waiting))
    }

    /// Starts the exchange whose journal is in a directory, as it was after the last durable batch.
    ///
    /// # Errors
    /// If there is no journal, it is damaged, or replaying it does not give what it was written from.
    pub fn open(dir: &Path, waiting: Waiting) -> Result<(Self, Opening), RestartError> {
        let (writer, opening) = Writer::open(dir)?;
        if let Some((_, last)) = opening.snapshot {
            writer.metrics().set_snapshot(last);
        }
        Ok((Self::start(writer, dir, waiting), opening))
    }

    fn start(writer: Writer, dir: &Path, waiting: Waiting) -> Self {
        let (ring, requests) = bounded(RING_CAPACITY);
        let (end, ended) = watch::channel(false);
        let metrics = Arc::clone(writer.metrics());
        let gate = Gate { ring, sessions: Arc::default(), older: Older::of(dir), metrics, ended };
        let run = move || {
            // Dropped when the writer ends, however it does.
            let _end = end;
            let stopped = writer.run(&requests, waiting);
            // Requests that were not taken hold queues, and the ring would keep them as long as anybody can send.
            requests.try_iter().for_each(drop);
            stopped
        };
        let writer = std::thread::Builder::new()
            .name("golv-writer".into())
            .spawn(run)
            .expect("the system has room for one more thread");
        Self { gate, writer }
    }

    /// Where sessions from outside come in.
    pub fn gate(&self) -> Gate {
        self.gate.clone()
    }

    /// What it counts and measures.
    pub fn metrics(&self) -> &Metrics {
        &self.gate.metrics
    }

    /// Begins a session that may send for anybody and is told everything. For whoever runs the exchange in
    /// its own process; what comes over a network is restricted before it gets here.
    pub fn connect(&self) -> Result<LocalSession, SubmitError> {
        let session = self.gate.session();
        let (queue, messages) = mpsc::channel(QUEUE_CAPACITY);
        let request = Request::Connect { session, queue };
        self.gate.ring.send(request).map_err(|_| SubmitError::Disconnected)?;
        Ok(LocalSession { session, gate: self.gate(), messages, scratch: Vec::new() })
    }

    /// Waits until the writer has ended by itself: its journal failed, or it panicked. [`Pipeline::stop`] says why.
    pub async fn ended(&self) {
        self.gate.ended().await;
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
        let _ = self.gate.ring.send(Request::Stop);
        match self.writer.join() {
            Ok(stopped) => stopped,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

impl Gate {
    /// What the exchange counts and measures.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// The same in Prometheus's text format, with how many requests wait now.
    pub fn metrics_text(&self) -> String {
        self.metrics.set_ring(self.ring.len());
        self.metrics.text()
    }

    /// A number for a new session, higher than all before: of two sessions of one identity the one with the higher wins.
    pub fn session(&self) -> SessionId {
        // Ordering: numbers are unique and rise in the order of the calls; the ring orders everything else.
        self.sessions.fetch_add(1, Ordering::Relaxed)
    }

    /// Asks to log a key on. What comes of it arrives in the queue that belongs to the receiver returned.
    ///
    /// # Errors
    /// If the ring is full, or the exchange has stopped.
    pub fn log_on(
        &self,
        session: SessionId,
        key: KeyFingerprint,
        claim: Claim,
        purpose: Purpose,
    ) -> Result<mpsc::Receiver<Message>, SubmitError> {
        let (queue, messages) = mpsc::channel(QUEUE_CAPACITY);
        self.request(Request::LogOn { session, log_on: LogOn { key, claim, purpose, queue } })?;
        Ok(messages)
    }

    /// Asks for what is public, in the name of a key. It arrives in the queue as [`Message::PublicState`], and then
    /// everything that happens; who reads too slowly finds the queue closed, and asks again.
    ///
    /// # Errors
    /// If the ring is full, or the exchange has stopped.
    pub fn watch(
        &self,
        session: SessionId,
        key: KeyFingerprint,
    ) -> Result<mpsc::Receiver<Message>, SubmitError> {
        let (queue, messages) = mpsc::channel(WATCH_CAPACITY);
        self.request(Request::Watch { session, key, queue })?;
        Ok(messages)
    }

    /// Says that a session has ended on its own side. Waits for room in the ring: a lost line must not be overlooked because the
    /// exchange is busy.
    pub async fn leave(&self, session: SessionId) {
        let Err(TrySendError::Full(request)) = self.ring.try_send(Request::Left { session }) else { return };
        let ring = self.ring.clone();
        // An error says that the exchange has stopped, or the runtime is about to: then no line is lost.
        let _ = tokio::task::spawn_blocking(move || ring.send(request).is_ok()).await;
    }

    /// Waits until the writer has ended: whatever it told is in the sessions' queues then, and nothing more will come.
    pub async fn ended(&self) {
        let mut ended = self.ended.clone();
        // Nothing is ever sent; the channel closes.
        while ended.changed().await.is_ok() {}
    }

    /// What happened before a segment of the journal, which is replayed for whoever asks and may take a while. The pieces
    /// come as there is room for them, and end with [`Piece::End`], or with [`Piece::Gone`] where segments are missing or damaged;
    /// without either they were taken too slowly.
    ///
    /// # Panics
    /// If called outside a tokio runtime.
    pub fn older(&self, segment: u32) -> mpsc::Receiver<Piece> {
        self.older.before(segment)
    }

    /// Hands a session's command to the writer; never waits.
    ///
    /// # Errors
    /// If the ring is full, or the exchange has stopped.
    pub fn submit(
        &self,
        session: SessionId,
        sender: IdentityId,
        id: CommandId,
        command: Command,
    ) -> Result<(), SubmitError> {
        self.request(Request::Command { session, sender, id, command })
    }

    fn request(&self, request: Request) -> Result<(), SubmitError> {
        self.ring.try_send(request).map_err(|error| match error {
            TrySendError::Full(_) => {
                self.metrics.count_busy();
                SubmitError::Busy
            }
            TrySendError::Disconnected(_) => SubmitError::Disconnected,
        })
    }
}

/// One end of a session with a running exchange in the same process.
pub struct LocalSession {
    session: SessionId,
    gate: Gate,
    messages: mpsc::Receiver<Message>,
    scratch: Vec<u8>,
}

impl LocalSession {
    /// Hands a command to the writer; its answer comes as a [`Message`].
    ///
    /// # Errors
    /// If the command was not taken, or the exchange has stopped.
    pub fn send(&mut self, sender: IdentityId, id: CommandId, command: Command) -> Result<(), SubmitError> {
        self.scratch.clear();
        // As long as its entry in the journal will be.
        golv_protocol::encode(&(sender, id, &command), &mut self.scratch)
            .map_err(|_| SubmitError::TooLarge)?;
        self.gate.submit(self.session, sender, id, command)
    }

    /// The next message, waiting for it.
    ///
    /// # Errors
    /// If the exchange has stopped or dropped this session.
    pub fn receive(&mut self) -> Result<Message, SubmitError> {
        self.messages.blocking_recv().ok_or(SubmitError::Disconnected)
    }

    /// The next message, if there is one already.
    ///
    /// # Errors
    /// If the exchange has stopped or dropped this session.
    pub fn try_receive(&mut self) -> Result<Option<Message>, SubmitError> {
        match self.messages.try_recv() {
            Ok(message) => Ok(Some(message)),
            Err(TryRecvError::Empty) => Ok(None),
            Err(TryRecvError::Disconnected) => Err(SubmitError::Disconnected),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nobody waits for a writer that is behind: what does not fit is refused at once.
    #[test]
    fn a_full_ring_refuses_and_never_blocks() {
        let (ring, requests) = bounded(2);
        let gate = Gate {
            ring,
            sessions: Arc::default(),
            older: Older::of(Path::new("nowhere")),
            metrics: Arc::default(),
            ended: watch::channel(false).1,
        };
        let submit = |id| gate.submit(0, IdentityId(1), CommandId(id), Command::Tick);
        assert_eq!([1, 2, 3].map(submit), [Ok(()), Ok(()), Err(SubmitError::Busy)]);
        assert!(gate.log_on(1, KeyFingerprint([0; 32]), Claim::default(), Purpose::DropCopy).is_err());
        let text = gate.metrics_text();
        assert!(
            text.contains("\ngolv_busy_total 2\n") && text.contains("\ngolv_ring_requests 2\n"),
            "{text}"
        );
        drop(requests.recv());
        assert_eq!(submit(3), Ok(()));
        drop(requests);
        assert_eq!(submit(4), Err(SubmitError::Disconnected));
    }
}
