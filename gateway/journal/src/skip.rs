//! Setting commands aside: what is done when a command in the journal makes the engine fail.
//!
//! A command is journalled before it is executed. If executing it fails an assertion, the process ends, and every
//! replay would end there too. `golv journal skip` then appends a *skip* behind the batch, with the commands that
//! are set aside and the reason; replay answers them [`golv_engine::reject::Reject::InternalFault`] and executes the
//! rest of the batch. The reason is part of the chain, so it cannot be changed afterwards.
//!
//! It is possible for the last batch alone: what follows an earlier one was made from what it did, so an engine that
//! fails there is not the engine that wrote the journal. Nor is it possible for a command of the system: a tick that is
//! set aside is still due, so the writer would send the next, and only an engine that does not fail helps.
//!
//! The last batch may have been answered by an earlier engine, before the process was killed and this one took its place.
//! What was acknowledged then is answered otherwise from now on; whoever was told is alarmed at its next logon, since the
//! chain differs. So try the engine that wrote the journal before anything is set aside.

use std::path::Path;

use golv_engine::command::Command;
use golv_engine::id::{IdentityId, Sequence};
use golv_engine::time::Instant;
use golv_protocol::batch::Batch;
use golv_protocol::{DecodeError, EncodeError};
use serde::{Deserialize, Serialize};

use crate::execute::EngineFault;
use crate::replay::{Replay, ReplayError};
use crate::restart::{self, RestartError};
use crate::{Content, Frame, Journal, OpenError, SealError, scan_from};

/// The longest reason, in bytes of UTF-8.
pub const REASON_MAX: usize = 1_000;

/// What a skip says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skip {
    /// When it was asked for.
    pub at: Instant,
    /// The commands that are set aside, in ascending order; all in the batch before.
    pub sequences: Vec<Sequence>,
    /// Why.
    pub reason: String,
}

impl Skip {
    /// Whether the reason is one: 1 to [`REASON_MAX`] bytes, and not blank.
    pub(crate) fn has_reason(&self) -> bool {
        !self.reason.trim().is_empty() && self.reason.len() <= REASON_MAX
    }

    /// Reads what [`Content::Skip`] holds.
    ///
    /// # Errors
    /// If the bytes are no skip.
    pub fn decode(payload: &[u8]) -> Result<Self, DecodeError> {
        golv_protocol::decode(payload)
    }
}

/// Why nothing was set aside. The journal is as it was, except for a torn tail that may have been cut.
#[derive(Debug, thiserror::Error)]
pub enum SkipError {
    /// The journal could not be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// It could not be replayed up to the command that fails.
    #[error(transparent)]
    Restart(#[from] RestartError),
    /// There is no reason, or it is too long.
    #[error("a reason has 1 to {REASON_MAX} bytes")]
    Reason,
    /// The journal replays to its end.
    #[error("no command makes the engine fail, so none is set aside")]
    NothingFails,
    /// Another command fails.
    #[error("the command that makes the engine fail is {failing}; set it aside too, or alone")]
    FailsElsewhere {
        /// The command that fails.
        failing: Sequence,
    },
    /// A command is named that is not in the batch of the one that fails.
    #[error("sequence {sequence} is not in the batch of the command that fails, {first} to {last}")]
    NotInBatch {
        /// The command that was named.
        sequence: Sequence,
        /// The batch's first.
        first: Sequence,
        /// The batch's last.
        last: Sequence,
    },
    /// A tick or the founding fails.
    #[error(
        "sequence {failing} is the system's own command and would only come again; an engine is needed that does \
         not fail on it"
    )]
    System {
        /// The command that fails.
        failing: Sequence,
    },
    /// Frames or segments follow the batch.
    #[error(
        "sequence {failing} is not in the last batch: what follows was made from what it did, by an engine that \
         did not fail there; use that engine"
    )]
    NotLast {
        /// The command that fails.
        failing: Sequence,
    },
    /// The skip has no encoding.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// The skip was not written durably.
    #[error(transparent)]
    Write(#[from] SealError),
}

/// Sets commands of the last batch aside, one of which makes the engine fail, and makes that durable.
///
/// # Errors
/// If no command fails or another one does, if the batch is not the last, or the journal cannot be read or written.
pub fn skip(dir: &Path, mut sequences: Vec<Sequence>, reason: &str, at: Instant) -> Result<(), SkipError> {
    sequences.sort_unstable();
    sequences.dedup();
    let skip = Skip { at, sequences, reason: reason.to_owned() };
    if !skip.has_reason() {
        return Err(SkipError::Reason);
    }
    // Nobody else has it open while it is looked at.
    let locked = Journal::lock(dir)?;
    let failing = Failing::find(dir)?.ok_or(SkipError::NothingFails)?;
    let mut payload = Vec::new();
    golv_protocol::encode(&skip, &mut payload)?;
    let chain = failing.chain_with(dir, &skip, &payload)?;
    let (mut journal, _) =
        locked.read_from(failing.segment)?.into_journal().map_err(RestartError::Recover)?;
    journal.append_skip(&chain, &payload)?;
    Ok(())
}

/// The batch in which replay fails.
struct Failing {
    segment: u32,
    offset: u64,
    first: Sequence,
    count: u32,
    fault: Sequence,
}

impl Failing {
    fn find(dir: &Path) -> Result<Option<Self>, SkipError> {
        let mut replay = restart::begin(dir)?.replay;
        let mut reader = scan_from(dir, replay.segment()).map_err(OpenError::Scan)?;
        while let Some(frame) = reader.next_frame().map_err(RestartError::read)? {
            let Content::Batch { count, .. } = frame.content else {
                replay.frame(&frame).map_err(RestartError::Replay)?;
                continue;
            };
            let (segment, offset, first) = (frame.segment, frame.offset, frame.sequence);
            match replay.frame(&frame) {
                Ok(_) => {}
                Err(ReplayError::Engine(EngineFault { sequence: fault, .. })) => {
                    if is_of_the_system(&frame, fault) {
                        return Err(SkipError::System { failing: fault });
                    }
                    // Nor may a segment follow, which says with which chain it begins.
                    let more = reader.next_frame().map_err(RestartError::read)?.is_some();
                    if more || reader.end().1.segment != segment {
                        return Err(SkipError::NotLast { failing: fault });
                    }
                    return Ok(Some(Self { segment, offset, first, count, fault }));
                }
                Err(error) => return Err(RestartError::Replay(error).into()),
            }
        }
        Ok(None)
    }

    /// The chain after the batch if the skip stood behind it, which must make the engine get through it.
    fn chain_with(&self, dir: &Path, skip: &Skip, payload: &[u8]) -> Result<[u8; 32], SkipError> {
        let last = Sequence(self.first.0 + u64::from(self.count) - 1);
        let outside = |sequence: &&Sequence| !(self.first..=last).contains(*sequence);
        if let Some(&sequence) = skip.sequences.iter().find(outside) {
            return Err(SkipError::NotInBatch { sequence, first: self.first, last });
        }
        if !skip.sequences.contains(&self.fault) {
            return Err(SkipError::FailsElsewhere { failing: self.fault });
        }
        let mut replay: Replay = restart::begin(dir)?.replay;
        let mut reader = scan_from(dir, replay.segment()).map_err(OpenError::Scan)?;
        while let Some(frame) = reader.next_frame().map_err(RestartError::read)? {
            let is_it = (frame.segment, frame.offset) == (self.segment, self.offset);
            let content = match frame.content {
                Content::Batch { count, payload: batch, .. } if is_it => {
                    Content::Batch { count, payload: batch, skip: Some(payload) }
                }
                other => other,
            };
            match replay.frame(&Frame { content, ..frame }) {
                Ok(_) => {}
                Err(ReplayError::Engine(EngineFault { sequence: failing, .. })) => {
                    return Err(SkipError::FailsElsewhere { failing });
                }
                Err(error) => return Err(RestartError::Replay(error).into()),
            }
            if is_it {
                break;
            }
        }
        Ok(replay.chain().0)
    }
}

/// Whether a command in a batch is a tick or the founding.
fn is_of_the_system(frame: &Frame<'_>, sequence: Sequence) -> bool {
    let Content::Batch { payload, .. } = frame.content else { return false };
    let Ok(batch) = Batch::<Command>::decode(payload) else { return false };
    let place = usize::try_from(sequence.0 - frame.sequence.0).unwrap_or(usize::MAX);
    batch.entries.get(place).is_some_and(|entry| entry.sender == IdentityId::SYSTEM)
}
