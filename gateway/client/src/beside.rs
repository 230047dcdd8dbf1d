//! What comes on streams beside a session's: an event that is too long for a message, and what is public.

use std::io;
use std::sync::Arc;

use golv_engine::event::Event;
use golv_engine::id::Sequence;
use golv_engine::public::PublicFact;
use golv_protocol::frame::{Frames, write_frame};
use golv_protocol::message::{ClientMessage, Position, ServerMessage};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;

use crate::client::Connection;

/// Bytes read from a stream at once.
const READ: usize = 64 * 1024;

/// Pieces of a download that wait to be taken at most.
const PIECES_WAITING_MAX: usize = 4;

/// News that wait for the application at most. Past that the stream is not read, and the exchange ends it in the end.
const NEWS_WAITING_MAX: usize = 256;

/// A part of an event that is being downloaded.
pub(crate) enum Piece {
    Bytes(Vec<u8>),
    End,
    /// The stream was cut or reset, and the connection is of no more use.
    Failed(io::Error),
}

/// What is public, as it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Public {
    /// One thing that everybody may know. All of them come first.
    Fact(PublicFact),
    /// That was all, as of this position.
    Told(Position),
    /// What everybody may see of something that happened after it.
    Happened {
        /// The command that made it happen.
        sequence: Sequence,
        /// The event's public part.
        event: Event,
    },
}

/// What is public, from how it stood when it was asked for on.
#[derive(Debug)]
pub struct Watch(mpsc::Receiver<Public>);

impl Watch {
    pub(crate) fn new() -> (mpsc::Sender<Public>, Self) {
        let (news, receiver) = mpsc::channel(NEWS_WAITING_MAX);
        (news, Self(receiver))
    }

    /// What comes next, waiting for it; `None` once it has ended, and may be asked for again.
    pub async fn next(&mut self) -> Option<Public> {
        self.0.recv().await
    }
}

/// Downloads an announced event, until nobody takes its pieces any more.
pub(crate) fn download<C: Connection>(connection: Arc<C>, number: u64) -> mpsc::Receiver<Piece> {
    let (pieces, receiver) = mpsc::channel(PIECES_WAITING_MAX);
    tokio::spawn(async move {
        let read = async {
            let mut stream = ask(&*connection, &ClientMessage::Download { number }).await?;
            loop {
                let mut bytes = vec![0; READ];
                let length = stream.read(&mut bytes).await?;
                bytes.truncate(length);
                let piece = if length == 0 { Piece::End } else { Piece::Bytes(bytes) };
                if pieces.send(piece).await.is_err() || length == 0 {
                    return Ok(());
                }
            }
        };
        let read: io::Result<()> = read.await;
        if let Err(error) = read {
            // Nobody takes it where the session has ended.
            let _ = pieces.send(Piece::Failed(error)).await;
        }
    });
    receiver
}

/// The next piece of a download; never, if there is none.
pub(crate) async fn next(download: &mut Option<mpsc::Receiver<Piece>>) -> Piece {
    match download {
        // A task that ended without a word went with its runtime.
        Some(pieces) => {
            pieces.recv().await.unwrap_or_else(|| Piece::Failed(io::ErrorKind::UnexpectedEof.into()))
        }
        None => std::future::pending().await,
    }
}

/// Reads what is public, until nobody takes it any more or the stream ends.
pub(crate) fn watch<C: Connection>(connection: Arc<C>, news: mpsc::Sender<Public>) {
    tokio::spawn(async move {
        let read = async {
            let mut stream = ask(&*connection, &ClientMessage::Watch).await.ok()?;
            let (mut frames, mut buffer) = (Frames::default(), vec![0; READ]);
            loop {
                let length = stream.read(&mut buffer).await.ok().filter(|length| *length > 0)?;
                frames.push(&buffer[..length]);
                while let Some(frame) = frames.next_frame().ok()? {
                    let told = match golv_protocol::decode(frame).ok()? {
                        ServerMessage::State(fact) => Public::Fact(fact),
                        ServerMessage::StateTold { position } => Public::Told(position),
                        ServerMessage::Public { sequence, event } => Public::Happened { sequence, event },
                        _ => return None,
                    };
                    news.send(told).await.ok()?;
                }
            }
        };
        tokio::select! {
            // Whatever ended it, the watch is told by its end.
            ended = read => { let _: Option<()> = ended; }
            () = news.closed() => {}
        }
    });
}

/// Opens a stream and says what it is for.
async fn ask<C: Connection>(connection: &C, message: &ClientMessage) -> io::Result<C::Stream> {
    let mut stream = connection.open().await?;
    let mut frame = Vec::new();
    write_frame(message, &mut frame).map_err(io::Error::other)?;
    stream.write_all(&frame).await?;
    Ok(stream)
}
