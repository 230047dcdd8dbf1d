//! The exchange on the network: QUIC connections, a task for each session, and the way to the writer.
//!
//! All decisions are in [`session`], which knows no network; here bytes are moved. Each connection carries one
//! stream, opened by the client. A session that fails ends alone. Sessions are counted and logged here, as they begin and
//! end, and what they send is not: see [`crate::logs`].

pub mod endpoint;
pub mod session;

use std::net::SocketAddr;
use std::time::Duration;

use golv_engine::Speaker;
use golv_engine::key::KeyFingerprint;
use golv_protocol::message::Closing;
use quinn::{Connection, RecvStream, SendStream, VarInt};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until, timeout};
use tracing::{debug, info, warn};

use crate::alarm;
use crate::logs::with_sources;
use crate::pipeline::metrics::Metrics;
use crate::pipeline::{Gate, History, Message, SessionId, SubmitError};
use endpoint::Endpoint;
use session::{Request, Session};

/// Bytes read from a stream at once.
const READ: usize = 16 * 1024;

/// A client that takes no bytes for so long reads too slowly.
const WRITE_PATIENCE: Duration = Duration::from_secs(3);

/// How long the last bytes of a session may take to arrive before its connection is closed.
const FAREWELL: Duration = Duration::from_secs(1);

/// Accepts connections until the endpoint is closed. Each session runs in a task of its own.
pub async fn serve(endpoint: &Endpoint, gate: Gate) {
    let refused = || gate.metrics().count_refused_connection();
    while let Some(incoming) = endpoint.accept(refused).await {
        let gate = gate.clone();
        // Before the handshake: a client that has given a connection up begins its next one later than this.
        let id = gate.session();
        tokio::spawn(async move {
            match incoming.finish().await {
                Ok((connection, key)) => {
                    let reason = run(&connection, id, key, &gate).await;
                    connection.close(VarInt::from_u32(reason.code()), reason.to_string().as_bytes());
                }
                // A handshake that fails has told its client why.
                Err(failed) => {
                    gate.metrics().count_failed_handshake();
                    debug!(reason = with_sources(&failed), "handshake failed");
                }
            }
        });
    }
}

/// Runs one session to its end; returns why it ended.
async fn run(connection: &Connection, id: SessionId, key: KeyFingerprint, gate: &Gate) -> Closing {
    // A client that opens no stream is closed by the connection's idle time, or by this.
    let opened = timeout(FAREWELL * 3, connection.accept_bi()).await;
    let Ok(Ok((send, receive))) = opened else {
        gate.metrics().count_closed(Closing::Silent);
        return Closing::Silent;
    };
    let mut shell = Shell {
        session: Session::new(Duration::ZERO),
        started: Instant::now(),
        id,
        key,
        address: connection.remote_address(),
        gate,
        logged_on: None,
        queue: None,
        older: None,
        send,
    };
    let reason = shell.run(receive).await;
    shell.ended(reason);
    shell.farewell().await;
    reason
}

/// A logon, counted among the sessions as long as this lives.
struct LoggedOn<'a> {
    speaker: Speaker,
    metrics: &'a Metrics,
}

impl<'a> LoggedOn<'a> {
    fn new(speaker: Speaker, metrics: &'a Metrics) -> Self {
        metrics.count_logon();
        Self { speaker, metrics }
    }
}

impl Drop for LoggedOn<'_> {
    fn drop(&mut self) {
        self.metrics.count_logoff();
    }
}

/// A session with its stream and its queue.
struct Shell<'a> {
    session: Session,
    started: Instant,
    id: SessionId,
    key: KeyFingerprint,
    address: SocketAddr,
    gate: &'a Gate,
    /// From the exchange's answer to the logon on.
    logged_on: Option<LoggedOn<'a>>,
    /// From the logon on.
    queue: Option<mpsc::Receiver<Message>>,
    /// What happened before the history, on its way.
    older: Option<JoinHandle<Option<History>>>,
    send: SendStream,
}

impl Shell<'_> {
    async fn run(&mut self, mut receive: RecvStream) -> Closing {
        let mut buffer = vec![0; READ];
        let gate = self.gate;
        loop {
            while let Some(request) = self.session.next_request() {
                self.request(request);
            }
            if self.write().await.is_err() {
                // Nothing that is said now would arrive.
                self.session.output().clear();
                return Closing::TooSlow;
            }
            if let Some(reason) = self.session.closed() {
                return reason;
            }
            let more = self.session.has_more_output();
            let wakes_at = self.started + self.session.wakes_at();
            let listens = self.queue.is_some() && self.session.wants_messages();
            let older = async {
                match &mut self.older {
                    // A replay that panicked has nothing to tell.
                    Some(older) => older.await.unwrap_or(None),
                    None => std::future::pending().await,
                }
            };
            let queue = async {
                match &mut self.queue {
                    Some(queue) => queue.recv().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                // In this order: bytes that are there are read before anybody is called silent.
                biased;
                read = receive.read(&mut buffer), if self.session.wants_input() => match read {
                    Ok(Some(length)) => self.session.receive(&buffer[..length], self.started.elapsed()),
                    // The client has gone, or finished its stream: either way it says nothing more.
                    Ok(None) | Err(_) => return Closing::Silent,
                },
                message = queue, if listens => match message {
                    Some(message) => {
                        self.told(message);
                        self.note_logon();
                        // What else is there goes out in the same write.
                        self.tell_waiting();
                    }
                    None => self.session.let_go(),
                },
                // What the writer did not take from the ring it never will, and this session's queue may be there.
                () = gate.ended(), if listens => {
                    self.tell_waiting();
                    self.note_logon();
                    if self.session.wants_messages() {
                        self.session.close(Closing::Stopping);
                    }
                }
                history = older => {
                    self.older = None;
                    self.session.told_older(history);
                }
                () = sleep_until(wakes_at) => self.session.passed(self.started.elapsed()),
                // Last: history is sent whenever there is nothing else to do, and others have their turn in between.
                () = tokio::task::yield_now(), if more => {}
            }
        }
    }

    fn request(&mut self, request: Request) {
        match request {
            Request::LogOn(claim) => match self.gate.log_on(self.id, self.key, claim) {
                Ok(queue) => self.queue = Some(queue),
                Err(SubmitError::Busy) => self.session.close(Closing::Busy),
                Err(_) => self.session.close(Closing::Stopping),
            },
            Request::Older => {
                let gate = self.gate.clone();
                self.older = Some(tokio::spawn(async move { gate.older().await }));
            }
            Request::Submit { sender, id, command } => match self.gate.submit(self.id, sender, id, command) {
                Ok(()) => {}
                Err(SubmitError::Busy) => self.session.busy(id),
                Err(_) => self.session.close(Closing::Stopping),
            },
        }
    }

    /// Counts and logs the logon, once it is done.
    fn note_logon(&mut self) {
        if self.logged_on.is_some() {
            return;
        }
        let Some(speaker) = self.session.speaker() else { return };
        self.logged_on = Some(LoggedOn::new(speaker, self.gate.metrics()));
        let Speaker { identity, participant, .. } = speaker;
        info!(identity = identity.0, participant = participant.0, address = %self.address, "logged on");
    }

    /// Counts and logs the session's end.
    fn ended(&mut self, reason: Closing) {
        let (key, address, metrics) = (self.key, self.address, self.gate.metrics());
        metrics.count_closed(reason);
        let logged_on = self.logged_on.take().map(|logged_on| logged_on.speaker);
        match (logged_on, reason) {
            (Some(Speaker { identity, participant, .. }), Closing::TooSlow) => {
                warn!(identity = identity.0, participant = participant.0, %address, ?reason, "session ended");
            }
            (Some(Speaker { identity, participant, .. }), _) => {
                info!(identity = identity.0, participant = participant.0, %address, ?reason, "session ended");
            }
            (None, _) => info!(%key, %address, ?reason, "not logged on"),
        }
    }

    /// Takes what else the writer told, as long as there is room for it.
    fn tell_waiting(&mut self) {
        while self.session.wants_messages() {
            let Some(Ok(message)) = self.queue.as_mut().map(mpsc::Receiver::try_recv) else { return };
            self.told(message);
        }
    }

    /// Passes on what the writer told, and tells the operators what they must know.
    fn told(&mut self, message: Message) {
        if let Message::Behind { identity, claimed, own } = message {
            alarm::server_behind(self.gate.metrics(), identity, claimed, own);
        }
        self.session.told(message);
    }

    /// Sends what waits to be sent.
    async fn write(&mut self) -> Result<(), ()> {
        let output = self.session.output();
        let mut sent = 0;
        while sent < output.len() {
            // Whoever takes some of it reads; a long event may take a slow line its time.
            match timeout(WRITE_PATIENCE, self.send.write(&output[sent..])).await {
                Ok(Ok(length)) => sent += length,
                _ => return Err(()),
            }
        }
        output.clear();
        Ok(())
    }

    /// Lets the last bytes arrive, for a while.
    async fn farewell(&mut self) {
        if self.write().await.is_ok() && self.send.finish().is_ok() {
            let _ = timeout(FAREWELL, self.send.stopped()).await;
        }
    }
}
