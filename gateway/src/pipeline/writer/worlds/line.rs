//! A connection: the exchange's end of a session, and the bytes on their way in both directions.
//!
//! It stands for QUIC and for what `crate::server` does around a session: bytes arrive whole and in order, some time, as long as the line holds. It may be cut,
//! which either end finds out by itself, or go dead: then what is sent arrives nowhere, and nothing says so but silence.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use golv_engine::key::KeyFingerprint;
use golv_journal::restart::replay_before;
use golv_protocol::message::Closing;
use tokio::sync::mpsc::Receiver;
use tokio::sync::mpsc::error::TryRecvError;

use super::draw::Draw;
use super::tally::Tally;
use crate::pipeline::{Gate, Message, Piece, SessionId, SubmitError};
use crate::server::session::{Pace, Request, Session};

/// Bytes that a line takes before it must be read.
const WINDOW: usize = 64 * 1024;

pub(super) struct Line {
    pub(super) id: SessionId,
    pub(super) trader: usize,
    /// `None` once the exchange's end is gone.
    server: Option<ServerEnd>,
    /// Whether the client still holds its end.
    pub(super) is_held: bool,
    is_dead: bool,
    /// Whether the exchange has let its client in, and [`Line::logs_on`] did not say so yet.
    logs_on: bool,
    up: VecDeque<u8>,
    down: VecDeque<u8>,
}

struct ServerEnd {
    session: Session,
    key: KeyFingerprint,
    queue: Option<Receiver<Message>>,
    older: Option<VecDeque<Piece>>,
}

impl Line {
    pub(super) fn new(
        id: SessionId,
        trader: usize,
        key: KeyFingerprint,
        pace: &Arc<Pace>,
        now: Duration,
    ) -> Self {
        let session = Session::new(now, Arc::clone(pace));
        let server = ServerEnd { session, key, queue: None, older: None };
        Self {
            id,
            trader,
            server: Some(server),
            is_held: true,
            is_dead: false,
            logs_on: false,
            up: VecDeque::new(),
            down: VecDeque::new(),
        }
    }

    /// From now on nothing arrives.
    pub(super) fn go_dead(&mut self) {
        self.is_dead = true;
    }

    /// The exchange's process is gone.
    pub(super) fn server_gone(&mut self) {
        self.server = None;
    }

    /// Whether the exchange has let its client in just now.
    pub(super) fn logs_on(&mut self) -> bool {
        std::mem::take(&mut self.logs_on)
    }

    /// Neither end is there any more.
    pub(super) fn is_over(&self) -> bool {
        self.server.is_none() && !self.is_held
    }

    /// Sends what a client has to say.
    pub(super) fn send_up(&mut self, output: &mut Vec<u8>) {
        let output = std::mem::take(output);
        if !self.is_dead && self.server.is_some() {
            self.up.extend(output);
        }
    }

    /// What arrives at the client now.
    pub(super) fn arrived_down(&mut self, draw: &mut Draw) -> Vec<u8> {
        arrived(&mut self.down, draw)
    }

    /// Whether the exchange has ended its session and nothing more will arrive.
    pub(super) fn has_ended(&self) -> bool {
        self.server.is_none() && self.down.is_empty()
    }

    /// The exchange's end does what there is to do. `false` if its session has ended just now.
    pub(super) fn serve(
        &mut self,
        gate: &Gate,
        journal: &Path,
        now: Duration,
        draw: &mut Draw,
        tally: &mut Tally,
    ) -> bool {
        let Some(server) = self.server.as_mut() else { return true };
        let mut reason = None;
        if server.session.wants_input() {
            let bytes = arrived(&mut self.up, draw);
            if !bytes.is_empty() {
                server.session.receive(&bytes, now);
            } else if !self.is_held && self.up.is_empty() && !self.is_dead && draw.one_in(4) {
                reason = Some(Closing::Silent);
            }
        }
        while let Some(request) = server.session.next_request() {
            server.request(request, self.id, gate, journal, tally);
        }
        self.logs_on |= server.listen();
        if now >= server.session.wakes_at() {
            server.session.passed(now);
        }
        // Who does not read is not written to.
        if self.down.len() < WINDOW {
            let output = std::mem::take(server.session.output());
            if !self.is_dead && self.is_held {
                self.down.extend(output);
            }
        }
        let reason = reason.or(server.session.closed());
        let Some(reason) = reason else { return true };
        match reason {
            Closing::Superseded => tally.superseded += 1,
            Closing::Silent => tally.silent += 1,
            Closing::TooFast => tally.too_fast += 1,
            _ => {}
        }
        self.server = None;
        false
    }
}

impl ServerEnd {
    fn request(&mut self, request: Request, id: SessionId, gate: &Gate, journal: &Path, tally: &mut Tally) {
        match request {
            Request::LogOn(claim, purpose) => match gate.log_on(id, self.key, claim, purpose) {
                Ok(queue) => self.queue = Some(queue),
                Err(SubmitError::Busy) => self.session.close(Closing::Busy),
                Err(_) => self.session.close(Closing::Stopping),
            },
            Request::Older(segment) => {
                let mut pieces = VecDeque::new();
                let replayed = replay_before(journal, segment, |replay| {
                    if !replay.happened().is_empty() {
                        pieces.push_back(Piece::Batch(replay.happened().into()));
                    }
                    true
                });
                assert!(replayed.is_ok_and(|is_whole| is_whole), "the past is there");
                pieces.push_back(Piece::End);
                self.older = Some(pieces);
            }
            Request::Submit { sender, id: command, command: content } => {
                match gate.submit(id, sender, command, content) {
                    Ok(()) => {}
                    Err(SubmitError::Busy) => {
                        tally.busy += 1;
                        self.session.busy(command);
                    }
                    Err(_) => self.session.close(Closing::Stopping),
                }
            }
        }
    }

    /// Takes what the writer told, and what happened before; `true` if it let the client in, even if it let it go again.
    fn listen(&mut self) -> bool {
        let mut logs_on = false;
        while self.session.wants_messages() {
            match self.queue.as_mut().map(Receiver::try_recv) {
                Some(Ok(message)) => {
                    logs_on |= matches!(message, Message::LoggedOn { .. });
                    self.session.told(message);
                }
                Some(Err(TryRecvError::Disconnected)) => {
                    self.session.let_go();
                    break;
                }
                Some(Err(TryRecvError::Empty)) | None => break,
            }
        }
        while self.session.wants_older()
            && let Some(older) = &mut self.older
        {
            self.session.told_older(older.pop_front());
            // Encoded before the next piece is taken.
            if self.session.output().len() >= WINDOW {
                break;
            }
        }
        logs_on
    }
}

/// Some of what is on its way.
fn arrived(way: &mut VecDeque<u8>, draw: &mut Draw) -> Vec<u8> {
    let most = way.len() as u64;
    let length = if draw.one_in(3) { draw.below(most + 1) } else { most };
    way.drain(..usize::try_from(length).expect("a part")).collect()
}
