//! The exchange on the network: QUIC connections, a task for each session, and the way to the writer.
//!
//! All decisions are in [`session`], which knows no network; here bytes are moved. A connection carries one session on the
//! stream that its client opens first; on others it downloads long events and follows what is public: see `streams`. A session that
//! fails ends alone, even where it panics. Sessions are counted and logged here, as they begin and end, and what they send is not:
//! see [`crate::logs`].

pub mod endpoint;
pub mod session;
mod streams;

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use golv_engine::Speaker;
use golv_engine::key::KeyFingerprint;
use golv_protocol::message::Closing;
use golv_protocol::pace::Limits;
use quinn::{Connection, RecvStream, SendStream, VarInt};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};
use tracing::{debug, error, info, warn};

use crate::alarm;
use crate::logs::with_sources;
use crate::pipeline::metrics::Metrics;
use crate::pipeline::{Gate, Message, Piece, SessionId, SubmitError};
use endpoint::{Admitted, Endpoint};
use session::{Pace, Request, Session};
use streams::Streams;

/// Bytes read from a stream at once.
const READ: usize = 16 * 1024;

/// A client that takes no bytes for so long reads too slowly.
const WRITE_PATIENCE: Duration = Duration::from_secs(3);

/// How long a client may take to open its first stream.
const OPENING: Duration = Duration::from_secs(3);

/// How long the last bytes of a session may take to arrive before its connection is closed.
const FAREWELL: Duration = Duration::from_secs(1);

/// Accepts connections until the endpoint is closed. Each session runs in a task of its own, within the limits.
pub async fn serve(endpoint: &Endpoint, gate: Gate, limits: Limits) {
    let refused = || gate.metrics().count_refused_connection();
    let (pace, started) = (Arc::new(Pace::new(limits)), Instant::now());
    while let Some(incoming) = endpoint.accept(refused).await {
        let (gate, pace) = (gate.clone(), Arc::clone(&pace));
        // Before the handshake: a client that has given a connection up begins its next one later than this.
        let id = gate.session();
        tokio::spawn(async move {
            match incoming.finish().await {
                Ok(Admitted { connection, key, place }) => {
                    let reason = alone(run(connection.clone(), id, key, gate.clone(), pace, started)).await;
                    if reason == Closing::Fault {
                        gate.metrics().count_closed(reason);
                        error!(%key, "a session failed; mend what made it panic, which is in the log before this");
                    }
                    gate.leave(id).await;
                    connection.close(VarInt::from_u32(reason.code()), reason.to_string().as_bytes());
                    drop(place);
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

/// Runs a session so that its panic is its own: nothing that it shares with others is left half done by one, and they go on.
async fn alone(session: impl Future<Output = Closing> + Send + 'static) -> Closing {
    match tokio::spawn(session).await {
        Ok(reason) => reason,
        Err(failed) if failed.is_panic() => Closing::Fault,
        // The runtime is about to end.
        Err(_) => Closing::Stopping,
    }
}

/// Runs one session to its end; returns why it ended.
async fn run(
    connection: Connection,
    id: SessionId,
    key: KeyFingerprint,
    gate: Gate,
    pace: Arc<Pace>,
    started: Instant,
) -> Closing {
    // A client that opens no stream is closed by the connection's idle time, or by this.
    let opened = timeout(OPENING, connection.accept_bi()).await;
    let Ok(Ok((send, receive))) = opened else {
        gate.metrics().count_closed(Closing::Silent);
        return Closing::Silent;
    };
    // What is downloaded or followed beside the session gives way to it.
    let _ = send.set_priority(1);
    let mut shell = Shell {
        session: Session::new(started.elapsed(), pace),
        started,
        id,
        key,
        address: connection.remote_address(),
        gate: &gate,
        streams: Streams::new(connection, key, gate.clone()),
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
    /// What else the client has open.
    streams: Streams,
    /// From the exchange's answer to the logon on.
    logged_on: Option<LoggedOn<'a>>,
    /// From the logon on.
    queue: Option<mpsc::Receiver<Message>>,
    /// What happened before the history, on its way.
    older: Option<mpsc::Receiver<Piece>>,
    send: SendStream,
}

impl Shell<'_> {
    async fn run(&mut self, mut receive: RecvStream) -> Closing {
        let mut buffer = vec![0; READ];
        // Both live as long as the session: to make them anew each time around costs more than what they wait for.
        let mut ended = pin!(self.gate.ended());
        let mut has_ended = false;
        let mut alarm = pin!(sleep_until(self.started + self.session.wakes_at()));
        loop {
            while let Some(request) = self.session.next_request() {
                self.request(request);
            }
            // What the writer did not take from the ring it never will, and this session's queue may be there.
            if has_ended && self.session.wants_messages() {
                self.tell_waiting();
                self.note_logon();
                if self.session.wants_messages() {
                    self.session.close(Closing::Stopping);
                }
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
            if alarm.deadline() != wakes_at {
                alarm.as_mut().reset(wakes_at);
            }
            let may_end = self.queue.is_some() && !has_ended;
            let listens = self.queue.is_some() && self.session.wants_messages();
            let (wants_older, is_live) = (self.session.wants_older(), self.session.speaker().is_some());
            let older = async {
                match &mut self.older {
                    Some(older) => older.recv().await,
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
                () = &mut ended, if may_end => has_ended = true,
                piece = older, if wants_older => {
                    if !matches!(piece, Some(Piece::Batch(_))) {
                        self.older = None;
                    }
                    self.session.told_older(piece);
                }
                asked = self.streams.next(), if is_live => {
                    let now = self.started.elapsed();
                    self.streams.answer(asked, &self.session, now);
                }
                () = &mut alarm => self.session.passed(self.started.elapsed()),
                // Last: history is sent whenever there is nothing else to do, and others have their turn in between.
                () = tokio::task::yield_now(), if more => {}
            }
        }
    }

    fn request(&mut self, request: Request) {
        match request {
            Request::LogOn(claim, purpose) => match self.gate.log_on(self.id, self.key, claim, purpose) {
                Ok(queue) => self.queue = Some(queue),
                Err(SubmitError::Busy) => self.session.close(Closing::Busy),
                Err(_) => self.session.close(Closing::Stopping),
            },
            Request::Older(segment) => self.older = Some(self.gate.older(segment)),
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A panic is the end of the session that it is in, and of nothing else.
    #[tokio::test]
    async fn a_panic_ends_its_own_session_alone() {
        let other = tokio::spawn(alone(async { Closing::Silent }));
        let failed = alone(async { panic!("a defect in the session's code") });
        assert_eq!(failed.await, Closing::Fault);
        assert_eq!(other.await.expect("not joined with the other"), Closing::Silent);
    }
}
