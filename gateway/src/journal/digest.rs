//! `golv journal digest`: the digests that a journal comes to, at its end or after any of its commands.

use std::path::Path;

use golv_engine::digest::Digest;
use golv_engine::id::Sequence;
use golv_journal::inventory::Inventory;
use golv_journal::restart::{begin, begin_at_or_before};
use golv_journal::{Content, scan_from, scan_up_to};

use super::verify::print_digests;
use super::{JournalError, Tracked, last_of, refuse_damage};
use crate::print;

/// Prints both digests, with what they stand for if a command was named.
pub(super) fn digest(dir: &Path, at: Option<Sequence>) -> Result<(), JournalError> {
    match at {
        None => {
            print_digests(&replayed(dir)?.replay);
            Ok(())
        }
        Some(at) => after(dir, at),
    }
}

/// A journal's exchange at its end.
pub(super) fn replayed(dir: &Path) -> Result<Tracked, JournalError> {
    let mut tracked = Tracked { inventory: Inventory::take(dir)?, replay: begin(dir)?.replay };
    let mut reader = scan_from(dir, tracked.replay.segment())?;
    while let Some(frame) = reader.next_frame()? {
        tracked.frame(&frame)?;
    }
    refuse_damage(reader.finish()?)?;
    Ok(tracked)
}

fn after(dir: &Path, at: Sequence) -> Result<(), JournalError> {
    let mut tracked =
        Tracked { inventory: Inventory::take(dir)?, replay: begin_at_or_before(dir, at)?.replay };
    // No command has sequence 0, and whoever asks for it is told the last.
    let reach = if at == Sequence(0) { Sequence(u64::MAX) } else { at };
    let mut reader = scan_up_to(dir, Some(tracked.replay.segment()), reach)?;
    while let Some(frame) = reader.next_frame()? {
        if let Content::Batch { count, .. } = frame.content {
            if frame.sequence > at {
                // It vouches for the batch before it.
                tracked.replay.agrees(&frame).map_err(tracked.failed(frame.segment, frame.offset))?;
                break;
            }
            if at.0 - frame.sequence.0 < u64::from(count) - 1 {
                let failed = tracked.failed(frame.segment, frame.offset);
                let (chain, before) = (tracked.replay.chain(), tracked.replay.exchange().sequence());
                let exchange = tracked.replay.finish_within(&frame, at).map_err(failed)?;
                print_after(at, exchange.state_digest(), before, chain);
                return Ok(());
            }
        }
        tracked.frame(&frame)?;
    }
    let (exchange, chain) = (tracked.replay.exchange(), tracked.replay.chain());
    if exchange.sequence() == at && at.0 > 0 {
        print_after(at, exchange.state_digest(), at, chain);
        return Ok(());
    }
    let last = last_of(&refuse_damage(reader.finish()?)?).unwrap_or(exchange.sequence());
    Err(JournalError::NotThere { sequence: at, last })
}

fn print_after(at: Sequence, state: Digest, batch_end: Sequence, chain: Digest) {
    print::line(format_args!("state digest {state}"));
    print::line(format_args!("chain digest {chain}"));
    if at == batch_end {
        print::line(format_args!("both stand after sequence {at}, which ends its batch"));
    } else {
        print::line(format_args!(
            "the state stands after sequence {at}, in the middle of a batch; the chain after sequence {batch_end}, \
             which ends the batch before"
        ));
    }
}
