//! `golv journal truncate`: a copy of a journal up to a command, replayed before anybody trusts it.

use std::path::Path;

use golv_engine::id::Sequence;
use golv_journal::copy::{Copied, copy_up_to};

use super::{JournalError, verify};
use crate::print;

/// Copies, then verifies the copy.
pub(super) fn truncate(dir: &Path, after: Sequence, into: &Path) -> Result<(), JournalError> {
    let Copied { segments, snapshots } = copy_up_to(dir, after, into)?;
    let count = |number, what| if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") };
    print::line(format_args!(
        "copied    {} and {} up to sequence {after} into {}",
        count(segments, "segment"),
        count(snapshots, "snapshot"),
        into.display()
    ));
    verify::verify(into, false)
}
