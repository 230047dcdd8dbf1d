//! The streams that a client opens beside its session's: downloads of long events, and what is public.
//!
//! ```text
//!  stream ──▶ first message ──▶ Download(number) ──▶ the event's bytes, and the end
//!                               Watch            ──▶ facts, and then the public part of what happens
//!                               anything else    ──▶ reset
//! ```
//!
//! Only who is logged on is answered. These streams give way to the session's, so that a bulk of data holds up no answer; a client
//! that does not read one of them loses that one alone. A stream that is not served is reset with the number of a
//! [`Closing`] that says why.

use std::time::Duration;

use golv_engine::key::KeyFingerprint;
use golv_protocol::frame::{Frames, write_frame};
use golv_protocol::message::{ClientMessage, Closing, LongEvent, ServerMessage};
use quinn::{Connection, RecvStream, SendStream, VarInt};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::WRITE_PATIENCE;
use super::session::Session;
use crate::pipeline::{Gate, Message, SessionId};

/// How long a stream may be open before it says what it is for.
const ASKING: Duration = Duration::from_secs(3);

/// Bytes that are written at once.
const PIECE: usize = 64 * 1024;

/// What a stream is for, and where the answer goes.
pub(super) struct Asked {
    message: ClientMessage,
    send: SendStream,
}

/// The streams of one connection but its session's.
pub(super) struct Streams {
    connection: Connection,
    key: KeyFingerprint,
    gate: Gate,
    /// As many as can be open wait at most.
    asked: (mpsc::Sender<Asked>, mpsc::Receiver<Asked>),
    /// One of each at a time.
    download: Option<JoinHandle<()>>,
    watch: Option<JoinHandle<()>>,
}

impl Streams {
    pub(super) fn new(connection: Connection, key: KeyFingerprint, gate: Gate) -> Self {
        let asked = mpsc::channel(super::endpoint::STREAMS_MAX as usize);
        Self { connection, key, gate, asked, download: None, watch: None }
    }

    /// The next stream that has said what it is for. Dropping the future loses none.
    pub(super) async fn next(&mut self) -> Asked {
        loop {
            tokio::select! {
                stream = self.connection.accept_bi() => match stream {
                    Ok((send, receive)) => drop(tokio::spawn(ask(receive, send, self.asked.0.clone()))),
                    // The session's own stream tells that the connection is gone.
                    Err(_) => std::future::pending().await,
                },
                Some(asked) = self.asked.1.recv() => return asked,
            }
        }
    }

    /// Answers on a stream, or resets it.
    pub(super) fn answer(&mut self, Asked { message, send }: Asked, session: &Session, now: Duration) {
        let is_busy = |task: &Option<JoinHandle<()>>| task.as_ref().is_some_and(|task| !task.is_finished());
        match message {
            ClientMessage::Download { number } => match session.download(number) {
                Some(event) if !is_busy(&self.download) => {
                    self.download = Some(tokio::spawn(download(send, event)));
                }
                Some(_) => reset(send, Closing::Busy),
                None => reset(send, Closing::Malformed),
            },
            ClientMessage::Watch if is_busy(&self.watch) || !session.may_watch(now) => {
                reset(send, Closing::Busy)
            }
            ClientMessage::Watch => {
                let id = self.gate.session();
                match self.gate.watch(id, self.key) {
                    Ok(queue) => {
                        let (connection, gate) = (self.connection.clone(), self.gate.clone());
                        self.watch = Some(tokio::spawn(watch(connection, gate, id, queue, send)));
                    }
                    Err(_) => reset(send, Closing::Busy),
                }
            }
            _ => reset(send, Closing::Malformed),
        }
    }
}

/// Ends a stream with a reason.
fn reset(mut send: SendStream, reason: Closing) {
    // An error says that it has ended already.
    let _ = send.reset(VarInt::from_u32(reason.code()));
}

/// Reads what a stream is for.
async fn ask(mut receive: RecvStream, send: SendStream, asked: mpsc::Sender<Asked>) {
    let mut frames = Frames::default();
    let mut buffer = [0; 64];
    let first = async {
        loop {
            let length = receive.read(&mut buffer).await.ok()??;
            frames.push(&buffer[..length]);
            if let Some(frame) = frames.next_frame().ok()? {
                return golv_protocol::decode::<ClientMessage>(frame).ok();
            }
        }
    };
    match timeout(ASKING, first).await {
        Ok(Some(message)) => drop(asked.send(Asked { message, send }).await),
        Ok(None) => reset(send, Closing::Malformed),
        Err(_) => reset(send, Closing::Silent),
    }
}

/// Writes all of it, unless the client stops reading.
async fn write(send: &mut SendStream, bytes: &[u8]) -> Result<(), Closing> {
    for piece in bytes.chunks(PIECE) {
        match timeout(WRITE_PATIENCE, send.write_all(piece)).await {
            Ok(Ok(())) => {}
            _ => return Err(Closing::TooSlow),
        }
    }
    Ok(())
}

async fn download(mut send: SendStream, event: LongEvent) {
    match write(&mut send, &event.bytes).await {
        Ok(()) => drop(send.finish()),
        Err(reason) => reset(send, reason),
    }
}

/// Tells what is public until the connection or the exchange ends, or the client reads too slowly: then it may begin anew.
async fn watch(
    connection: Connection,
    gate: Gate,
    id: SessionId,
    mut queue: mpsc::Receiver<Message>,
    mut send: SendStream,
) {
    let mut output = Vec::new();
    let stopped = send.stopped();
    tokio::pin!(stopped);
    let reason = loop {
        let message = tokio::select! {
            message = queue.recv() => message,
            // The client reads no more, or has gone.
            _ = &mut stopped => break Closing::Silent,
            _ = connection.closed() => break Closing::Silent,
        };
        match message {
            Some(Message::Closing(reason)) => break reason,
            Some(message) => {
                if let Err(reason) = public(message, &mut output) {
                    break reason;
                }
            }
            // Dropped by the writer, which waits for nobody; or not known to it.
            None => break Closing::TooSlow,
        }
        if let Err(reason) = write(&mut send, &output).await {
            break reason;
        }
        output.clear();
    };
    gate.leave(id).await;
    reset(send, reason);
}

/// Adds the public part of what the writer told.
fn public(message: Message, output: &mut Vec<u8>) -> Result<(), Closing> {
    let mut say = |message: &ServerMessage| {
        // What is too long for a message is in everybody's events. Who begins anew is told how things stand after it.
        write_frame(message, output).map_err(|_| Closing::TooSlow)
    };
    match message {
        Message::PublicState { facts, position } => {
            for fact in facts {
                say(&ServerMessage::State(fact))?;
            }
            say(&ServerMessage::StateTold { position })
        }
        Message::Happened { batch, .. } => {
            for happened in batch.iter() {
                if let Some(event) = happened.event.public_part() {
                    say(&ServerMessage::Public { sequence: happened.sequence, event })?;
                }
            }
            Ok(())
        }
        _ => Ok(()),
    }
}
