//! The client that an application holds: a task that keeps a session with the exchange through every connection.
//!
//! ```text
//!  Client::submit ──▶ requests ──▶ ┌────── task ──────┐ ──▶ stream ──▶ exchange
//!         ▲                        │  ClientSession   │
//!         └──────── answer ─────── │  one connection  │ ◀── stream ◀──
//!  Events::next ◀── events ◀────── └──────────────────┘
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
//! Deliberately absent: any memory beyond the process. An application that must know after a crash what became of a
//! command writes its id and content down first, and submits it again with [`Client::submit_as`].

use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::io;
use std::time::Duration;

use golv_engine::Answer;
use golv_engine::command::Command;
use golv_engine::id::CommandId;
use golv_protocol::message::{Closing, Numbered, Position};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::session::{ClientSession, Notice, SubmitError, Violation, Who};

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

/// Makes connections to one exchange.
pub trait Connect: Send + Sync + 'static {
    /// The one stream of a connection. What is written to it leaves without a flush, and when it is dropped the
    /// connection ends.
    type Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static;

    /// Makes a connection, with its stream opened.
    ///
    /// # Errors
    /// If there is no connection now. The client tries again, for as long as it is not closed.
    fn connect(&self) -> impl Future<Output = io::Result<Self::Stream>> + Send;

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

impl Client {
    /// Starts a session in a task of its own, which connects at once and again whenever it has to.
    ///
    /// # Panics
    /// Outside a tokio runtime with time enabled.
    pub fn start<C: Connect>(connector: C) -> (Self, Events) {
        Self::resuming(connector, None)
    }

    /// Starts a session as [`Client::start`] does, of a client that an earlier process had told this position, its
    /// [`Client::acknowledged`]: an exchange that has lost it refuses the logon, and the session ends with
    /// [`Closing::ServerBehind`].
    ///
    /// # Panics
    /// Outside a tokio runtime with time enabled.
    pub fn resuming<C: Connect>(connector: C, acknowledged: Option<Position>) -> (Self, Events) {
        let (requests, requested) = mpsc::channel(REQUESTS_WAITING_MAX);
        let (events_to, events) = mpsc::channel(EVENTS_WAITING_MAX);
        let (status_to, status) = watch::channel(Status::Connecting);
        let (acknowledged_to, acknowledged_now) = watch::channel(acknowledged);
        let (closing, closes) = watch::channel(false);
        let task = Task {
            session: ClientSession::resuming(acknowledged),
            started: Instant::now(),
            requests: requested,
            replies: BTreeMap::new(),
            events: events_to,
            undelivered: VecDeque::new(),
            status: status_to,
            acknowledged: acknowledged_to,
            closing: closes,
            backoff: BACKOFF_MIN,
        };
        tokio::spawn(task.run(connector));
        let client = Self { requests, status: status.clone(), acknowledged: acknowledged_now, closing };
        (client, Events { events, status })
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

    async fn request(&self, id: Option<CommandId>, command: Command) -> Result<Answer, ClientError> {
        let (reply, answer) = oneshot::channel();
        // Where the task is gone, the reply goes with the request.
        let _ = self.requests.send(Request { id, command, reply }).await;
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
        Closing::Stopping | Closing::TooSlow | Closing::Silent | Closing::Busy => false,
        Closing::Malformed
        | Closing::OtherVersion
        | Closing::UnknownKey
        // The exchange is not mended by asking again, and its operators are to look at it in peace.
        | Closing::ServerBehind
        | Closing::Superseded
        | Closing::HistoryGone => true,
    }
}

/// The task's end of everything.
struct Task {
    session: ClientSession,
    /// The instant from which the session's time counts.
    started: Instant,
    requests: mpsc::Receiver<Request>,
    /// Of commands that the session has taken and that are not answered.
    replies: BTreeMap<CommandId, Reply>,
    events: mpsc::Sender<Numbered>,
    /// Events that came in one read and wait for room in the application's queue.
    undelivered: VecDeque<Numbered>,
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
        // Whoever waits for an answer is told why none comes, and then whoever reads events, after the last of them.
        self.requests.close();
        // `None` comes only after the last that was about to be sent, so none is left behind to wait for ever.
        while self.requests.recv().await.is_some() {}
        self.replies.clear();
        while !self.undelivered.is_empty() {
            tokio::select! {
                () = deliver(&self.events, &mut self.undelivered) => {}
                () = closed(&mut self.closing) => return,
            }
        }
    }

    /// Runs one connection to its end, and waits as long as is due before the next.
    async fn connection<C: Connect>(&mut self, connector: &C) -> Result<(), Ended> {
        let connecting = timeout(CONNECTING_MAX, connector.connect());
        let failed = match self.meanwhile(connecting).await?.unwrap_or_else(|late| Err(late.into())) {
            Ok(mut stream) => {
                let over = self.live(&mut stream).await;
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
                () = closed(&mut self.closing) => return Err(Ended::Closed),
            }
        }
    }

    /// Moves bytes between a stream and the session until the stream is of no more use; tells with what error, if with one.
    async fn live(
        &mut self,
        stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    ) -> Result<Option<io::Error>, Ended> {
        let (mut reader, mut writer) = tokio::io::split(stream);
        let mut buffer = vec![0; READ];
        // A stream that takes no more bytes may still say why, so it is read to its end.
        let mut takes_bytes = true;
        self.session.connected(self.started.elapsed());
        while let Some(wakes_at) = self.session.wakes_at() {
            let reads = self.undelivered.is_empty();
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
                () = deliver(&self.events, &mut self.undelivered) => {}
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
        while let Some(notice) = self.session.next_notice() {
            match notice {
                Notice::LoggedOn(who) => {
                    self.acknowledged.send_replace(Some(who.position));
                    self.status.send_replace(Status::LoggedOn(who));
                }
                Notice::Answered { id, answer, position } => {
                    self.acknowledged.send_replace(Some(position));
                    let reply =
                        self.replies.remove(&id).expect("each command is answered once, and has a reply");
                    // Whoever does not wait any more need not know.
                    let _ = reply.send(Ok(answer));
                }
                Notice::Happened(numbered) => self.undelivered.push_back(numbered),
                // A session that gets so far has been read fast enough, and a cut from here on is news.
                Notice::UpToDate => self.backoff = BACKOFF_MIN,
                Notice::Closed(reason) if is_final(reason) => return Err(Ended::ByExchange(reason)),
                Notice::Closed(_) => {}
            }
        }
        Ok(())
    }
}

/// Gives the application the next event once there is room; waits for ever if there is none to give.
async fn deliver(events: &mpsc::Sender<Numbered>, undelivered: &mut VecDeque<Numbered>) {
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
mod tests {
    use super::*;
    use crate::session::UNANSWERED_MAX;
    use crate::session::tests::{answer, answered, answered_at, command, logged_on, numbered, position};
    use golv_protocol::frame::{Frames, write_frame};
    use golv_protocol::message::{ClientMessage, PROTOCOL, ServerMessage};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use tokio::io::{DuplexStream, duplex};

    /// Bytes that one direction of a connection holds.
    const PIPE: usize = 4 * 1024;

    /// Connections within the test, refused once nobody accepts them.
    struct InMemory(mpsc::UnboundedSender<DuplexStream>);

    impl Connect for InMemory {
        type Stream = DuplexStream;

        async fn connect(&self) -> io::Result<DuplexStream> {
            let (client, server) = duplex(PIPE);
            self.0.send(server).map_err(|_| io::ErrorKind::ConnectionRefused)?;
            Ok(client)
        }
    }

    /// As [`InMemory`], but the first attempt comes to no end.
    struct FirstStalls(AtomicBool, InMemory);

    impl Connect for FirstStalls {
        type Stream = DuplexStream;

        async fn connect(&self) -> io::Result<DuplexStream> {
            if !self.0.swap(true, Ordering::Relaxed) {
                std::future::pending::<()>().await;
            }
            self.1.connect().await
        }
    }

    /// Where the test waits for connections, in the place of an exchange, and the position that the last logon named.
    struct Listener(mpsc::UnboundedReceiver<DuplexStream>, Option<Position>);

    impl Listener {
        /// The next connection, with its logon taken and not answered.
        async fn accept(&mut self, events_seen: u64) -> Server {
            let stream = self.0.recv().await.expect("the client connects");
            let mut server = Server { stream, frames: Frames::default() };
            let logon = server.hear().await;
            let Some(ClientMessage::Logon { protocol: PROTOCOL, events_seen: seen, acknowledged }) = logon
            else {
                panic!("{logon:?}")
            };
            assert_eq!(seen, events_seen);
            self.1 = acknowledged;
            server
        }
    }

    /// The exchange's end of one connection.
    struct Server {
        stream: DuplexStream,
        frames: Frames,
    }

    impl Server {
        async fn say(&mut self, message: &ServerMessage) -> io::Result<()> {
            let mut bytes = Vec::new();
            write_frame(message, &mut bytes).expect("short");
            self.stream.write_all(&bytes).await
        }

        /// The next message, or `None` when the client has gone.
        async fn hear_any(&mut self) -> Option<ClientMessage> {
            loop {
                if let Some(frame) = self.frames.next_frame().expect("frames") {
                    return Some(golv_protocol::decode(frame).expect("a message"));
                }
                let mut buffer = [0; 512];
                match self.stream.read(&mut buffer).await {
                    Ok(length) if length > 0 => self.frames.push(&buffer[..length]),
                    _ => return None,
                }
            }
        }

        /// The next message that is no heartbeat.
        async fn hear(&mut self) -> Option<ClientMessage> {
            loop {
                match self.hear_any().await {
                    Some(ClientMessage::Heartbeat) => {}
                    other => return other,
                }
            }
        }

        async fn hear_submit(&mut self) -> (CommandId, Command) {
            match self.hear().await {
                Some(ClientMessage::Submit { id, command }) => (id, command),
                other => panic!("{other:?}"),
            }
        }

        async fn answer(&mut self, id: u64, sequence: u64) {
            self.say(&answered(id, sequence)).await.expect("the client reads");
        }

        async fn happen(&mut self, number: u64) {
            self.say(&ServerMessage::Happened(numbered(number))).await.expect("the client reads");
        }
    }

    fn start() -> (Arc<Client>, Events, Listener) {
        let (connections, accepted) = mpsc::unbounded_channel();
        let (client, events) = Client::start(InMemory(connections));
        (Arc::new(client), events, Listener(accepted, None))
    }

    /// Submits in a task of its own.
    fn submit(client: &Arc<Client>, auction: u32) -> tokio::task::JoinHandle<Result<Answer, ClientError>> {
        let client = Arc::clone(client);
        tokio::spawn(async move { client.submit(command(auction)).await })
    }

    #[tokio::test(start_paused = true)]
    async fn a_command_is_answered_and_events_are_given() {
        let (client, mut events, mut listener) = start();
        let first = submit(&client, 5);
        let mut server = listener.accept(0).await;
        server.say(&logged_on(7, 0)).await.expect("the client reads");
        let who = client.logged_on().await.expect("logged on");
        assert_eq!((who.identity.0, who.participant.0, who.highest.0, who.events), (3, 2, 7, 0));
        assert_eq!(server.hear_submit().await, (CommandId(8), command(5)), "waited for the logon");
        server.happen(1).await;
        server.answer(8, 1).await;
        assert_eq!(first.await.expect("no panic").expect("answered"), answer(1));
        assert_eq!(events.next().await.expect("one came"), numbered(1));

        let chosen = tokio::spawn({
            let client = Arc::clone(&client);
            async move { client.submit_as(CommandId(20), command(6)).await }
        });
        assert_eq!(server.hear_submit().await, (CommandId(20), command(6)));
        server.answer(20, 2).await;
        assert_eq!(chosen.await.expect("no panic").expect("answered"), answer(2));
        let used = client.submit_as(CommandId(20), command(6)).await;
        let Err(ClientError::NotSubmitted(SubmitError::IdUsed { highest })) = used else {
            panic!("{used:?}")
        };
        assert_eq!(highest, CommandId(20));
    }

    #[tokio::test(start_paused = true)]
    async fn a_cut_costs_neither_answer_nor_event() {
        let (client, mut events, mut listener) = start();
        let mut server = listener.accept(0).await;
        server.say(&logged_on(0, 2)).await.expect("the client reads");
        let first = submit(&client, 1);
        assert_eq!(server.hear_submit().await, (CommandId(1), command(1)));
        let second = submit(&client, 2);
        assert_eq!(server.hear_submit().await, (CommandId(2), command(2)));
        server.happen(1).await;
        assert_eq!(events.next().await.expect("one came"), numbered(1));
        drop(server);
        // Cut again before its logon is answered.
        drop(listener.accept(1).await);

        let mut server = listener.accept(1).await;
        let third = submit(&client, 3);
        server.say(&logged_on(2, 3)).await.expect("the client reads");
        for id in 1..=3_u32 {
            assert_eq!(server.hear_submit().await, (CommandId(id.into()), command(id)));
            server.answer(id.into(), id.into()).await;
        }
        server.happen(2).await;
        server.happen(3).await;
        for (submitted, sequence) in [(first, 1), (second, 2), (third, 3)] {
            assert_eq!(submitted.await.expect("no panic").expect("answered"), answer(sequence));
        }
        assert_eq!(events.next().await.expect("one came"), numbered(2));
        assert_eq!(events.next().await.expect("one came"), numbered(3));
    }

    #[tokio::test(start_paused = true)]
    async fn busy_is_cured_without_the_caller() {
        let (client, _events, mut listener) = start();
        let mut server = listener.accept(0).await;
        server.say(&logged_on(0, 0)).await.expect("the client reads");
        let submitted = submit(&client, 1);
        for _ in 0..3 {
            assert_eq!(server.hear_submit().await, (CommandId(1), command(1)));
            server.say(&ServerMessage::Busy { id: CommandId(1) }).await.expect("the client reads");
        }
        assert_eq!(server.hear_submit().await, (CommandId(1), command(1)));
        server.answer(1, 1).await;
        assert_eq!(submitted.await.expect("no panic").expect("answered"), answer(1));
    }

    /// The application reads nothing: the exchange's bytes come to a stop, the client stays alive, and after it was
    /// dropped as too slow it resumes where the application is.
    #[tokio::test(start_paused = true)]
    async fn an_application_that_does_not_read_holds_up_the_exchange_and_resumes() {
        let (client, mut events, mut listener) = start();
        let mut server = listener.accept(0).await;
        let total = 3 * EVENTS_WAITING_MAX as u64;
        server.say(&logged_on(0, total)).await.expect("the client reads");
        let mut number = 0;
        let told = async {
            while number < total {
                number += 1;
                server.happen(number).await;
            }
        };
        // The clock only moves once nobody has anything to do.
        assert!(timeout(Duration::from_secs(2), told).await.is_err(), "the exchange is held up");
        assert!(number < total);
        for _ in 0..20 {
            assert_eq!(
                server.hear_any().await,
                Some(ClientMessage::Heartbeat),
                "neither silent nor impatient"
            );
        }
        drop(server);

        // Events before the one that was cut were given to the stream whole.
        for expected in 1..number {
            assert_eq!(events.next().await.expect("it came"), numbered(expected));
        }
        let mut server = listener.accept(number - 1).await;
        server.say(&logged_on(0, total)).await.expect("the client reads");
        for expected in number..=total {
            server.happen(expected).await;
            assert_eq!(events.next().await.expect("it came"), numbered(expected));
        }
        client.close().await;
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_reader_events_are_left_aside() {
        let (client, events, mut listener) = start();
        drop(events);
        let mut server = listener.accept(0).await;
        server.say(&logged_on(0, 0)).await.expect("the client reads");
        for number in 1..=3 * EVENTS_WAITING_MAX as u64 {
            server.happen(number).await;
        }
        let submitted = submit(&client, 1);
        server.hear_submit().await;
        server.answer(1, 1).await;
        submitted.await.expect("no panic").expect("answered");
    }

    #[tokio::test(start_paused = true)]
    async fn a_final_closing_reaches_everybody_who_waits() {
        let reasons = [
            Closing::Malformed,
            Closing::OtherVersion,
            Closing::UnknownKey,
            Closing::ServerBehind,
            Closing::Superseded,
        ];
        for reason in reasons {
            let (client, mut events, mut listener) = start();
            let mut server = listener.accept(0).await;
            server.say(&logged_on(0, 1)).await.expect("the client reads");
            let submitted = submit(&client, 1);
            server.hear_submit().await;
            server.happen(1).await;
            server.say(&ServerMessage::Closing(reason)).await.expect("the client reads");
            let ended = submitted.await.expect("no panic").expect_err("not answered");
            assert!(matches!(ended, ClientError::Ended(Ended::ByExchange(r)) if r == reason), "{ended:?}");
            assert_eq!(events.next().await.expect("it came before"), numbered(1));
            assert!(matches!(events.next().await, Err(Ended::ByExchange(r)) if r == reason));
            assert!(matches!(client.logged_on().await, Err(Ended::ByExchange(r)) if r == reason));
            let late = client.submit(command(2)).await;
            assert!(matches!(late, Err(ClientError::Ended(Ended::ByExchange(r))) if r == reason));
            assert!(listener.0.recv().await.is_none(), "it does not connect again");
        }
    }

    /// It is known as soon as the answer is, said at the next logon, and given on to the next process.
    #[tokio::test(start_paused = true)]
    async fn the_furthest_position_is_kept_and_said() {
        let (client, _events, mut listener) = start();
        assert_eq!(client.acknowledged(), None);
        let mut server = listener.accept(0).await;
        assert_eq!(listener.1, None);
        server.say(&logged_on(0, 0)).await.expect("the client reads");
        client.logged_on().await.expect("logged on");
        assert_eq!(client.acknowledged(), Some(position(1_000)));
        let submitted = submit(&client, 1);
        server.hear_submit().await;
        server.say(&answered_at(1, 1_005, position(1_005))).await.expect("the client reads");
        submitted.await.expect("no panic").expect("answered");
        assert_eq!(client.acknowledged(), Some(position(1_005)));
        drop(server);
        drop(listener.accept(0).await);
        assert_eq!(listener.1, Some(position(1_005)));
        client.close().await;

        let (connections, accepted) = mpsc::unbounded_channel();
        let (next, _events) = Client::resuming(InMemory(connections), client.acknowledged());
        assert_eq!(next.acknowledged(), Some(position(1_005)));
        let mut listener = Listener(accepted, None);
        let _server = listener.accept(0).await;
        assert_eq!(listener.1, Some(position(1_005)));
    }

    /// Events that the application has not read yet hold up nobody who waits for an answer that will not come.
    #[tokio::test(start_paused = true)]
    async fn the_reason_comes_to_commands_at_once_and_to_events_after_the_last() {
        let (client, mut events, mut listener) = start();
        let mut server = listener.accept(0).await;
        let full = EVENTS_WAITING_MAX as u64;
        server.say(&logged_on(0, full + 2)).await.expect("the client reads");
        let submitted = submit(&client, 1);
        server.hear_submit().await;
        for number in 1..=full {
            server.happen(number).await;
        }
        // Heard only after all before it was read, so what follows comes in one read.
        assert_eq!(server.hear_any().await, Some(ClientMessage::Heartbeat));
        let mut bytes = Vec::new();
        for message in [
            ServerMessage::Happened(numbered(full + 1)),
            ServerMessage::Happened(numbered(full + 2)),
            ServerMessage::Closing(Closing::Superseded),
        ] {
            write_frame(&message, &mut bytes).expect("short");
        }
        server.stream.write_all(&bytes).await.expect("there is room");
        let ended = submitted.await.expect("no panic");
        assert!(
            matches!(ended, Err(ClientError::Ended(Ended::ByExchange(Closing::Superseded)))),
            "{ended:?}"
        );
        for number in 1..=full + 2 {
            assert_eq!(events.next().await.expect("it came before"), numbered(number));
        }
        assert!(matches!(events.next().await, Err(Ended::ByExchange(Closing::Superseded))));
    }

    /// Whichever the client does first, reading the reason or failing to write its command.
    #[tokio::test(start_paused = true)]
    async fn a_reason_is_read_even_where_nothing_can_be_written() {
        for _ in 0..50 {
            let (client, _events, mut listener) = start();
            let mut server = listener.accept(0).await;
            server.say(&logged_on(0, 0)).await.expect("the client reads");
            client.logged_on().await.expect("logged on");
            let submitted = submit(&client, 1);
            server.say(&ServerMessage::Closing(Closing::Superseded)).await.expect("there is room");
            drop(server);
            let ended = submitted.await.expect("no panic");
            assert!(
                matches!(ended, Err(ClientError::Ended(Ended::ByExchange(Closing::Superseded)))),
                "{ended:?}"
            );
            assert!(listener.0.recv().await.is_none(), "it does not connect again");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn other_closings_and_silence_are_followed_by_another_connection() {
        let (client, _events, mut listener) = start();
        for reason in [Closing::Stopping, Closing::TooSlow, Closing::Silent] {
            let mut server = listener.accept(0).await;
            server.say(&ServerMessage::Closing(reason)).await.expect("the client reads");
            assert_eq!(server.hear().await, None);
        }
        // Says nothing.
        let mut server = listener.accept(0).await;
        assert_eq!(server.hear().await, None);
        let mut server = listener.accept(0).await;
        server.say(&logged_on(0, 0)).await.expect("the client reads");
        client.logged_on().await.expect("logged on");
    }

    #[tokio::test(start_paused = true)]
    async fn a_violation_ends_the_session() {
        let (client, mut events, mut listener) = start();
        let mut server = listener.accept(0).await;
        server.say(&logged_on(0, 2)).await.expect("the client reads");
        server.happen(1).await;
        server.happen(3).await;
        assert_eq!(events.next().await.expect("the first"), numbered(1));
        let ended = events.next().await.expect_err("one was left out");
        assert!(
            matches!(ended, Ended::Violation(Violation::EventNumber { expected: 2, got: 3 })),
            "{ended:?}"
        );
        assert!(matches!(client.submit(command(1)).await, Err(ClientError::Ended(Ended::Violation(_)))));
    }

    #[tokio::test(start_paused = true)]
    async fn closing_or_dropping_the_client_ends_it_at_any_time() {
        let (client, mut events, mut listener) = start();
        let mut server = listener.accept(0).await;
        server.say(&logged_on(0, 0)).await.expect("the client reads");
        let submitted = submit(&client, 1);
        server.hear_submit().await;
        client.close().await;
        assert_eq!(server.hear().await, None);
        let ended = submitted.await.expect("no panic");
        assert!(matches!(ended, Err(ClientError::Ended(Ended::Closed))), "{ended:?}");
        assert!(matches!(events.next().await, Err(Ended::Closed)));

        let (client, mut events, mut listener) = start();
        let mut server = listener.accept(0).await;
        drop(client);
        assert_eq!(server.hear().await, None);
        assert!(matches!(events.next().await, Err(Ended::Closed)));

        let (client, _events, listener) = start();
        drop(listener);
        client.close().await;
        assert!(matches!(client.logged_on().await, Err(Ended::Closed)));
    }

    #[tokio::test(start_paused = true)]
    async fn commands_past_the_limit_wait_for_room() {
        let (client, _events, mut listener) = start();
        let mut server = listener.accept(0).await;
        server.say(&logged_on(0, 0)).await.expect("the client reads");
        let most = UNANSWERED_MAX as u64;
        let submitted: Vec<_> = (0..most + 100).map(|_| submit(&client, 1)).collect();
        for id in 1..=most {
            assert_eq!(server.hear_submit().await.0, CommandId(id));
        }
        assert_eq!(server.hear_any().await, Some(ClientMessage::Heartbeat), "no more come");
        for id in 1..=most + 100 {
            server.answer(id, id).await;
            if id <= 100 {
                assert_eq!(server.hear_submit().await.0, CommandId(most + id));
            }
        }
        for submitted in submitted {
            submitted.await.expect("no panic").expect("answered");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn attempts_begin_anew_after_a_session_that_was_up_to_date() {
        let (_client, _events, mut listener) = start();
        for (pause, events) in [(0, 1), (50, 1), (100, 0), (50, 1), (100, 1)] {
            let before = Instant::now();
            let mut server = listener.accept(0).await;
            assert_eq!(before.elapsed().as_millis(), pause);
            server.say(&logged_on(0, events)).await.expect("the client reads");
            server.say(&ServerMessage::Closing(Closing::Stopping)).await.expect("the client reads");
            assert_eq!(server.hear().await, None);
        }
    }

    /// Refuses all, and says when.
    struct Refusing(mpsc::UnboundedSender<Instant>);

    impl Connect for Refusing {
        type Stream = DuplexStream;

        async fn connect(&self) -> io::Result<DuplexStream> {
            // The test may have seen enough.
            let _ = self.0.send(Instant::now());
            Err(io::ErrorKind::ConnectionRefused.into())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn attempts_become_rarer_up_to_a_limit() {
        let (attempts, mut attempted) = mpsc::unbounded_channel();
        let (_client, _events) = Client::start(Refusing(attempts));
        let mut last = attempted.recv().await.expect("at once");
        for pause in [50, 100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000] {
            let next = attempted.recv().await.expect("another attempt");
            assert_eq!((next - last).as_millis(), pause);
            last = next;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_attempt_that_comes_to_no_end_is_given_up_for_the_next() {
        let (connections, accepted) = mpsc::unbounded_channel();
        let connector = FirstStalls(AtomicBool::new(false), InMemory(connections));
        let (client, _events) = Client::start(connector);
        let mut listener = Listener(accepted, None);
        let second = timeout(CONNECTING_MAX + BACKOFF_MAX, listener.accept(0)).await;
        assert!(second.is_ok(), "it tries again");
        client.close().await;
    }
}
