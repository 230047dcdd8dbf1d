//! `golv journal skip`: commands are set aside that make the engine fail.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use golv_engine::id::Sequence;
use golv_engine::time::Instant;

use super::JournalError;
use crate::print;

/// Sets commands aside, and says what comes next.
pub(super) fn skip(dir: &Path, sequences: Vec<Sequence>, reason: &str) -> Result<(), JournalError> {
    let mut named: Vec<_> = sequences.iter().map(|sequence| sequence.0).collect();
    named.sort_unstable();
    named.dedup();
    golv_journal::skip::skip(dir, sequences, reason, now())?;
    let place = dir.display();
    for sequence in named {
        print::line(format_args!("set aside sequence {sequence}: answered InternalFault, and not executed"));
    }
    print::line(format_args!("next      golv journal verify {place}, then golv serve --data {place}"));
    Ok(())
}

fn now() -> Instant {
    // As with stamps: a clock before 1970 or after 2262 is set wrong.
    let since = SystemTime::now().duration_since(UNIX_EPOCH).ok();
    since.and_then(|since| i64::try_from(since.as_nanos()).ok()).map_or(Instant(0), Instant)
}
