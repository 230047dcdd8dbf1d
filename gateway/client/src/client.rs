//! The client that an application holds: a task that keeps a session with the exchange through every connection.
//!
//! ```text
//!  Client::submit ──▶ requests ──▶ ┌────── task ──────┐ ──▶ stream ──▶ exchange
//!         ▲                        │  ClientSession   │
//!         └──────── answer ─────── │  one connection  │ ◀── stream ◀──
//!  Events::next ◀── events ◀────── └──────────────────┘ ◀── streams of their own: long events, what is public
//! ```
//!
//! Invariants:
//!
//! - An answer is given for each command once, and it is the one that is durable, however many connections it takes.
//! - Each event is given once, in order, however many connections it takes.
//! - Every queue is bounded. Nothing is read from the stream while an event waits for room in the application's queue:
//!   an application that does not read its events holds up its answers too, and in the end the exchange itself,
//!   which drops a session that is read too slowly. Once the application reads again, the session is resumed.
//!
//! - Commands leave no faster than the exchange has said that it takes them, and withdrawals are not held up by others: a caller
//!   waits here instead of being refused there.
//!
//! Deliberately absent: any memory beyond the process. An application that must know after a crash what became of a
//! command writes its id and content down first, and submits it again with [`Client::submit_as`].

use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use golv_engine::Answer;
use golv_engine::command::Command;
use golv_engine::id::CommandId;
use golv_protocol::message::{Closing, Numbered, Position, Purpose};
use golv_protocol::pace::{Bucket, Rate};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::{Mutex, mpsc, oneshot, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::beside::{self, Piece};
pub use crate::beside::{Public, Watch};
use crate::session::{Beginning, ClientSession, Copied, Notice, SubmitError, Violation, Who};

/// Events that wait for the application at most, besides those of one read. Past that the stream is not read.
pub const EVENTS_WAITING_MAX: usize = 1024;

/// How long to wait after a connection before the next. Doubles each time, up to [`BACKOFF_MAX`].
const BACKOFF_MIN: Duration = Duration::from_millis(50);
/// How long at most. An exchange that comes back is found within this time and [`CONNECTING_MAX`].
const BACKOFF_MAX: Duration = Duration::from_secs(5);

/// How long one attempt to connect may take: as long as the exchange lets a handshake last. Without this bound an attempt
/// whose packets go nowhere would last until QUIC's idle timeout, and an exchange that is back would wait as long for its client.
const CONNECTING_MAX: Duration = Duration::from_secs(5);

/// Commands that wait to be taken by the task at most; each caller of [`Client::submit`] waits for room.
const REQUESTS_WAITING_MAX: usize = 64;

/// Bytes read from a stream at once.
const READ: usize = 16 * 1024;

/// Watchers that wait for a session at most.
const WATCHES_WAITING_MAX: usize = 8;

/// A connection to an exchange. It ends when this is dropped and its streams are.
pub trait Connection: Send + Sync + 'static {
    /// One of its streams. What is written to it leaves without a flush.
    type Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static;

    /// Opens a stream. The first is the session's.
    ///
    /// # Errors
    /// If the connection is gone.
    fn open(&self) -> impl Future<Output = io::Result<Self::Stream>> + Send;
}

/// Makes connections to one exchange.
pub trait Connect: Send + Sync + 'static {
    /// What it makes.
    type Connection: Connection;

    /// Makes a connection.
    ///
    /// # Errors
    /// If there is no connection now. The client tries again, for as long as it is not closed.
    fn connect(&self) -> impl Future<Output = io::Result<Self::Connection>> + Send;

    /// Why connecting again would be in vain, if an error of connecting or of the stream tells.
    fn is_final(&self, _error: &io::Error) -> Option<Ended> {
        None
    }
}

/// Why there is no session any more, and none will come.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Ended {
    /// The application closed the client, dropped it, or stopped the runtime that it ran on.
    #[error("the client was closed")]
    Closed,
    /// The exchange ended the session for a reason that connecting again does not cure.
    #[error("the exchange ended the session")]
    ByExchange(#[source] Closing),
    /// Server and client do not accept each other: a certificate has expired, is of another authority or another name, or
    /// the other side speaks another protocol.
    #[error("the connection was refused, and would be again: {0}")]
    Refused(String),
    /// The exchange broke the protocol, so nothing that it says can be relied on.
    #[error("the exchange broke the protocol")]
    Violation(#[from] Violation),
}

/// Why a command has no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The command was not taken and not sent.
    #[error("the command was not submitted")]
    NotSubmitted(#[from] SubmitError),
    /// The session ended first. Whether the command was executed is told by submitting it again under its id, in
    /// another session.
    #[error("the session ended before the command was answered")]
    Ended(#[from] Ended),
}

/// What is known of the session.
#[derive(Clone, Debug)]
enum Status {
    Connecting,
    LoggedOn(Who),
    Ended(Ended),
}

/// A command on its way to the task.
struct Request {
    /// `None` for the next free one.
    id: Option<CommandId>,
    command: Command,
    reply: Reply,
}

type Reply = oneshot::Sender<Result<Answer, SubmitError>>;

/// A trader's end of a session with the exchange. The session ends when this is dropped.
#[derive(Debug)]
pub struct Client {
    requests: mpsc::Sender<Request>,
    watches: mpsc::Sender<mpsc::Sender<Public>>,
    pace: Pace,
    status: watch::Receiver<Status>,
    acknowledged: watch::Receiver<Option<Position>>,
    /// Becomes true, or goes away, when the session is to end.
    closing: watch::Sender<bool>,
}

/// What happens, in order. An application that does not want to know drops it, and events are then left aside.
#[derive(Debug)]
pub struct Events {
    events: mpsc::Receiver<Numbered>,
    status: watch::Receiver<Status>,
}

/// What identities of the same participant are answered, in order, as a drop copy is told. What is answered while there is no session is not
/// told again; its events are.
#[derive(Debug)]
pub struct Copies {
    copies: mpsc::Receiver<Copied>,
    status: watch::Receiver<Status>,
}

/// Whose turn it is to send, and what was used of the limits.
#[derive(Debug)]
struct Pace {
    started: Instant,
    /// Held while a sender waits, so that none overtakes it: commands leave in the order in which they were submitted.
    commands: Mutex<Bucket>,
    withdrawals: Mutex<Bucket>,
}

impl Client {
    /// Starts a session in a task of its own, which connects at once and again whenever it has to.
    ///
    /// # Panics
    /// Outside a tokio runtime with time enabled.
    pub fn start<C: Connect>(connector: C) -> (Self, Events) {
        Self::resuming(connector, Beginning::default())
    }

    /// Starts a session as [`Client::start`] does, of a client that goes on where an earlier process was: with the event after those
    /// that were seen. An exchange that has lost the position, the earlier process's [`Client::acknowledged`], refuses the logon, and the
    /// session ends with [`Closing::ServerBehind`].
    ///
    /// # Panics
    /// Outside a tokio runtime with time enabled.
    pub fn resuming<C: Connect>(connector: C, beginning: Beginning) -> (Self, Events) {
        let (client, events, _) = Self::started(connector, beginning);
        (client, events)
    }

    /// Starts a drop copy: a session beside those that send commands, in which nothing can be sent, and which is told what all identities of the
    /// participant are answered.
    ///
    /// # Panics
    /// Outside a tokio runtime with time enabled.
    pub fn drop_copy<C: Connect>(connector: C, beginning: Beginning) -> (Self, Events, Copies) {
        Self::started(connector, Beginning { purpose: Purpose::DropCopy, ..beginning })
    }

    fn started<C: Connect>(connector: C, beginning: Beginning) -> (Self, Events, Copies) {
        let acknowledged = beginning.acknowledged;
        let started = Instant::now();
        let (watches, watched) = mpsc::channel(WATCHES_WAITING_MAX);
        let (copies_to, copies) = mpsc::channel(EVENTS_WAITING_MAX);
        let (requests, requested) = mpsc::channel(REQUESTS_WAITING_MAX);
        let (events_to, events) = mpsc::channel(EVENTS_WAITING_MAX);
        let (status_to, status) = watch::channel(Status::Connecting);
        let (acknowledged_to, acknowledged_now) = watch::channel(acknowledged);
        let (closing, closes) = watch::channel(false);
        let task = Task {
            session: ClientSession::beginning(beginning),
            started,
            requests: requested,
            watches: watched,
            replies: BTreeMap::new(),
            events: events_to,
            undelivered: VecDeque::new(),
            copies: copies_to,
            uncopied: VecDeque::new(),
            announced: None,
            status: status_to,
            acknowledged: acknowledged_to,
            closing: closes,
            backoff: BACKOFF_MIN,
        };
        tokio::spawn(task.run(connector));
        let pace = Pace { started, commands: Mutex::default(), withdrawals: Mutex::default() };
        let acknowledged = acknowledged_now;
        let client = Self { requests, watches, pace, status: status.clone(), acknowledged, closing };
        (client, Events { events, status: status.clone() }, Copies { copies, status })
    }

    /// Submits a command under the next free id, and waits for its answer, which is durable.
    ///
    /// Commands are executed in the order in which they are submitted. The events that a command made happen carry
    /// the same sequence as its answer. A caller that stops waiting does not withdraw its command.
    ///
    /// # Errors
    /// If the command is too long for a message, or the session ends first. A refusal is an answer and no error.
    pub async fn submit(&self, command: Command) -> Result<Answer, ClientError> {
        self.request(None, command).await
    }

    /// Submits a command under an id of the caller's choice, above all that this client has used.
    ///
    /// A command of an earlier process that was perhaps not answered is submitted again under its id before
    /// any new one; it is answered as it was at first, or executed now if it never was.
    ///
    /// # Errors
    /// As [`Client::submit`], and if the id is not higher.
    pub async fn submit_as(&self, id: CommandId, command: Command) -> Result<Answer, ClientError> {
        self.request(Some(id), command).await
    }

    /// Follows what is public, from how it stands now on. It ends with the connection, and when it is read too slowly; whoever wants to
    /// go on asks again, and is told how things stand then.
    pub async fn watch(&self) -> Watch {
        let (news, watch) = Watch::new();
        // Where the task is gone, the watch ends with the request.
        let _ = self.watches.send(news).await;
        watch
    }

    async fn request(&self, id: Option<CommandId>, command: Command) -> Result<Answer, ClientError> {
        let (reply, answer) = oneshot::channel();
        let limits = match &*self.status.borrow() {
            Status::LoggedOn(who) => Some(who.limits),
            // What is sent before the first logon is within any burst.
            Status::Connecting | Status::Ended(_) => None,
        };
        {
            // Under ids of the caller's choice none may overtake another.
            let overtakes = command.is_withdrawal() && id.is_none();
            let (turn, rate) = if overtakes {
                (&self.pace.withdrawals, limits.map(|limits| limits.withdrawals))
            } else {
                (&self.pace.commands, limits.map(|limits| limits.commands))
            };
            let bucket = turn.lock().await;
            if let Some(Rate { per_second, burst }) = rate {
                // Within half of the burst, so that what is bunched up on its way is still within it.
                let rate = Rate { per_second, burst: burst.div_ceil(2) };
                let wait = bucket.reserve(rate, self.pace.started.elapsed());
                if !wait.is_zero() {
                    sleep(wait).await;
                }
            }
            // Where the task is gone, the reply goes with the request.
            let _ = self.requests.send(Request { id, command, reply }).await;
        }
        match answer.await {
            Ok(answer) => Ok(answer?),
            Err(_) => Err(ended(&self.status).into()),
        }
    }

    /// Waits for the first logon; tells who speaks in the session, as of its latest logon.
    ///
    /// # Errors
    /// If the session has ended.
    pub async fn logged_on(&self) -> Result<Who, Ended> {
        let mut status = self.status.clone();
        match status.wait_for(|status| !matches!(status, Status::Connecting)).await.as_deref() {
            Ok(Status::LoggedOn(who)) => Ok(*who),
            _ => Err(ended(&self.status)),
        }
    }

    /// The furthest position that the exchange has told: at least that of every answer that was given so far. An
    /// application keeps it for [`Client::resuming`] in its next process, so that an exchange which has lost what it
    /// acknowledged finds out.
    pub fn acknowledged(&self) -> Option<Position> {
        *self.acknowledged.borrow()
    }

    /// Ends the session, and waits until it has. Commands that wait for their answers get none.
    pub async fn close(&self) {
        self.closing.send_replace(true);
        // An error says that the task is gone, which is as good.
        let _ = self.status.clone().wait_for(|status| matches!(status, Status::Ended(_))).await;
    }
}

impl Events {
    /// The next event, waiting for it.
    ///
    /// # Errors
    /// If the session has ended, and all events that came before have been given.
    pub async fn next(&mut self) -> Result<Numbered, Ended> {
        self.events.recv().await.ok_or_else(|| ended(&self.status))
    }
}

impl Copies {
    /// What one more command was answered, waiting for it.
    ///
    /// # Errors
    /// If the session has ended, and all that came before has been given.
    pub async fn next(&mut self) -> Result<Copied, Ended> {
        self.copies.recv().await.ok_or_else(|| ended(&self.status))
    }
}

/// Why the session has ended. A task that ended without saying so went with its runtime.
fn ended(status: &watch::Receiver<Status>) -> Ended {
    match &*status.borrow() {
        Status::Ended(ended) => ended.clone(),
        Status::Connecting | Status::LoggedOn(_) => Ended::Closed,
    }
}

/// Whether the same would be said of the next connection.
pub(crate) const fn is_final(reason: Closing) -> bool {
    match reason {
        Closing::Stopping | Closing::TooSlow | Closing::Silent | Closing::Busy | Closing::Fault => false,
        Closing::Malformed
        | Closing::OtherVersion
        | Closing::UnknownKey
        // The exchange is not mended by asking again, and its operators are to look at it in peace.
        | Closing::ServerBehind
        | Closing::Superseded
        | Closing::HistoryGone
        // A client that keeps to its limits is not told this; one that does not should look at itself.
        | Closing::TooFast => true,
    }
}

/// The task's end of everything.
struct Task {
    session: ClientSession,
    /// The instant from which the session's time counts.
    started: Instant,
    requests: mpsc::Receiver<Request>,
    /// Those who want to follow what is public.
    watches: mpsc::Receiver<mpsc::Sender<Public>>,
    /// Of commands that the session has taken and that are not answered.
    replies: BTreeMap<CommandId, Reply>,
    events: mpsc::Sender<Numbered>,
    /// Events that came in one read and wait for room in the application's queue.
    undelivered: VecDeque<Numbered>,
    copies: mpsc::Sender<Copied>,
    uncopied: VecDeque<Copied>,
    /// A long event that was announced and is not asked for yet.
    announced: Option<u64>,
    status: watch::Sender<Status>,
    acknowledged: watch::Sender<Option<Position>>,
    closing: watch::Receiver<bool>,
    /// How long to wait before the next connection.
    backoff: Duration,
}

impl Task {
    async fn run<C: Connect>(mut self, connector: C) {
        let reason = loop {
            if let Err(reason) = self.connection(&connector).await {
                break reason;
            }
        };
        self.status.send_replace(Status::Ended(reason));
        // Whoever waits for an answer is told why none comes, and then whoever reads events or copies, after the last of them.
        self.requests.close();
        // `None` comes only after the last that was about to be sent, so none is left behind to wait for ever.
        while self.requests.recv().await.is_some() {}
        self.replies.clear();
        let Self { events, undelivered, copies, uncopied, mut closing, .. } = self;
        tokio::select! {
            ((), ()) = async { tokio::join!(deliver_all(events, undelivered), deliver_all(copies, uncopied)) } => {}
            () = closed(&mut closing) => {}
        }
    }

    /// Runs one connection to its end, and waits as long as is due before the next.
    async fn connection<C: Connect>(&mut self, connector: &C) -> Result<(), Ended> {
        let connecting = timeout(CONNECTING_MAX, connector.connect());
        let failed = match self.meanwhile(connecting).await?.unwrap_or_else(|late| Err(late.into())) {
            Ok(connection) => {
                let over = self.live(Arc::new(connection)).await;
                self.session.disconnected();
                over?
            }
            Err(error) => Some(error),
        };
        if let Some(ended) = failed.and_then(|error| connector.is_final(&error)) {
            return Err(ended);
        }
        let backoff = self.backoff;
        self.backoff = (2 * backoff).min(BACKOFF_MAX);
        self.meanwhile(sleep(backoff)).await
    }

    /// Waits for something while there is no connection. Events that have come are given meanwhile.
    async fn meanwhile<T>(&mut self, waiting: impl Future<Output = T>) -> Result<T, Ended> {
        tokio::pin!(waiting);
        loop {
            tokio::select! {
                done = &mut waiting => return Ok(done),
                () = deliver(&self.events, &mut self.undelivered) => {}
                () = deliver(&self.copies, &mut self.uncopied) => {}
                () = closed(&mut self.closing) => return Err(Ended::Closed),
            }
        }
    }

    /// Moves bytes between a connection's streams and the session until it is of no more use; tells with what error, if with one.
    async fn live<C: Connection>(&mut self, connection: Arc<C>) -> Result<Option<io::Error>, Ended> {
        let stream = match self.meanwhile(connection.open()).await? {
            Ok(stream) => stream,
            Err(error) => return Ok(Some(error)),
        };
        let (mut reader, mut writer) = tokio::io::split(stream);
        let mut buffer = vec![0; READ];
        let mut download = None;
        // What was announced on an older connection is announced again.
        self.announced = None;
        // A stream that takes no more bytes may still say why, so it is read to its end.
        let mut takes_bytes = true;
        self.session.connected(self.started.elapsed());
        while let Some(wakes_at) = self.session.wakes_at() {
            if let Some(number) = self.announced.take() {
                download = Some(beside::download(Arc::clone(&connection), number));
            }
            let reads = self.undelivered.is_empty() && self.uncopied.is_empty();
            if !reads {
                self.session.not_listening(self.started.elapsed());
            }
            if !takes_bytes {
                self.session.output().clear();
            }
            let writes = !self.session.output().is_empty();
            let takes_request = self.session.can_submit();
            tokio::select! {
                written = writer.write(self.session.output()), if writes => match written {
                    Ok(length) if length > 0 => drop(self.session.output().drain(..length)),
                    _ => takes_bytes = false,
                },
                read = reader.read(&mut buffer), if reads => match read {
                    Ok(length) if length > 0 => {
                        let received = self.session.received(&buffer[..length], self.started.elapsed());
                        // What was said before a violation stands.
                        self.tell()?;
                        received?;
                    }
                    Ok(_) => return Ok(None),
                    Err(error) => return Ok(Some(error)),
                },
                Some(request) = self.requests.recv(), if takes_request => self.submit(request),
                Some(news) = self.watches.recv(), if self.session.is_live() => {
                    beside::watch(Arc::clone(&connection), news);
                }
                piece = beside::next(&mut download), if reads => {
                    match piece {
                        Piece::Bytes(bytes) => self.session.downloaded(&bytes)?,
                        Piece::End => {
                            download = None;
                            self.session.download_ended(self.started.elapsed())?;
                        }
                        Piece::Failed(error) => return Ok(Some(error)),
                    }
                    self.tell()?;
                }
                () = deliver(&self.events, &mut self.undelivered) => {}
                () = deliver(&self.copies, &mut self.uncopied) => {}
                () = sleep_until(self.started + wakes_at) => {
                    self.session.passed(self.started.elapsed());
                    self.tell()?;
                }
                () = closed(&mut self.closing) => {
                    // The exchange notices by itself if this does not arrive.
                    let _ = writer.shutdown().await;
                    return Err(Ended::Closed);
                }
            }
        }
        Ok(None)
    }

    fn submit(&mut self, Request { id, command, reply }: Request) {
        let submitted = match id {
            None => self.session.submit(command),
            Some(id) => self.session.submit_as(id, command).map(|()| id),
        };
        match submitted {
            Ok(id) => drop(self.replies.insert(id, reply)),
            // Whoever does not wait any more need not know.
            Err(error) => drop(reply.send(Err(error))),
        }
    }

    /// Passes on what the session has to tell.
    fn tell(&mut self) -> Result<(), Ended> {
        let acknowledged = self.session.acknowledged();
        self.acknowledged.send_if_modified(|told| std::mem::replace(told, acknowledged) != acknowledged);
        while let Some(notice) = self.session.next_notice() {
            match notice {
                Notice::LoggedOn(who) => drop(self.status.send_replace(Status::LoggedOn(who))),
                Notice::Answered { id, answer, .. } => {
                    let reply =
                        self.replies.remove(&id).expect("each command is answered once, and has a reply");
                    // Whoever does not wait any more need not know.
                    let _ = reply.send(Ok(answer));
                }
                Notice::OverLimit { id, wait } => {
                    let reply = self.replies.remove(&id).expect("a command is refused once, and has a reply");
                    let _ = reply.send(Err(SubmitError::OverLimit { wait }));
                }
                Notice::Copied(copied) => self.uncopied.push_back(copied),
                Notice::Happened(numbered) => self.undelivered.push_back(numbered),
                Notice::Announced(number) => self.announced = Some(number),
                // A session that gets so far has been read fast enough, and a cut from here on is news.
                Notice::UpToDate => self.backoff = BACKOFF_MIN,
                Notice::Closed(reason) if is_final(reason) => return Err(Ended::ByExchange(reason)),
                Notice::Closed(_) => {}
            }
        }
        Ok(())
    }
}

/// Gives the application all that has come, and then lets it know that there is no more.
async fn deliver_all<T>(events: mpsc::Sender<T>, mut undelivered: VecDeque<T>) {
    while !undelivered.is_empty() {
        deliver(&events, &mut undelivered).await;
    }
}

/// Gives the application the next of what has come once there is room; waits for ever if there is none to give.
async fn deliver<T>(events: &mpsc::Sender<T>, undelivered: &mut VecDeque<T>) {
    if undelivered.is_empty() {
        std::future::pending::<()>().await;
    }
    match events.reserve().await {
        Ok(room) => {
            if let Some(event) = undelivered.pop_front() {
                room.send(event);
            }
        }
        // Nobody wants to know.
        Err(_) => undelivered.clear(),
    }
}

/// Waits until the session is to end.
async fn closed(closing: &mut watch::Receiver<bool>) {
    // An error says that the client was dropped.
    let _ = closing.wait_for(|closing| *closing).await;
}

#[cfg(test)]
mod tests;
