//! `golv journal`: reading journals without changing them.

use std::path::Path;

use golv_engine::Exchange;
use golv_engine::digest::Digest;
use golv_journal::replay::{Replay, ReplayError, Replayed};
use golv_journal::{Corruption, Gap, Header, Mode, ReadError, ScanError, Verdict, scan};

use crate::print::{self, grouped};

/// Why a journal was not found whole.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// There is no journal that this version can read.
    #[error(transparent)]
    Scan(#[from] ScanError),
    /// Reading failed.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// It is damaged where no interrupted write explains it.
    #[error("corrupt")]
    Corrupt(#[source] Corruption),
    /// Something is missing.
    #[error("gap")]
    Gap(#[source] Gap),
    /// It does not replay to its own chain.
    #[error(transparent)]
    Replay(#[from] ReplayError),
}

/// A journal that was read to its end and replayed.
struct Verified {
    header: Header,
    batches: u64,
    exchange: Exchange,
    chain: Digest,
    verdict: Verdict,
}

/// Reads and replays a journal; `each` is told of every command: sequence, sender, id and kind.
fn read(dir: &Path, mut each: impl FnMut(&str)) -> Result<Verified, VerifyError> {
    let mut reader = scan(dir)?;
    let header = *reader.header();
    let mut replay = Replay::new(&header)?;
    let mut batches = 0;
    while let Some(frame) = reader.next_frame()? {
        let Some(batch) = replay.frame(&frame)? else { continue };
        batches += 1;
        for (sequence, entry) in (batch.header.first.0..).zip(&batch.entries) {
            let line = format!("{sequence} {} {} {}", entry.sender, entry.id, entry.command.name());
            each(&line);
        }
    }
    let Replayed { exchange, chain, .. } = replay.finish();
    match reader.finish()? {
        Verdict::Corrupt(corruption) => Err(VerifyError::Corrupt(corruption)),
        Verdict::Gap(gap) => Err(VerifyError::Gap(gap)),
        verdict => Ok(Verified { header, batches, exchange, chain, verdict }),
    }
}

/// Verifies a journal and prints what it is; with `commands`, a line for each command first.
///
/// # Errors
/// If the journal is damaged, or does not replay to its own chain.
pub fn verify(dir: &Path, commands: bool) -> Result<(), VerifyError> {
    let verified = read(dir, |line| {
        if commands {
            print::line(line);
        }
    })?;
    let mode = match verified.header.settings.mode {
        Mode::Live => "live".to_owned(),
        Mode::Rehearsal { seed } => format!("rehearsal, seed {seed}"),
    };
    let (verdict, end) = match &verified.verdict {
        Verdict::Clean { sealed: true, .. } => ("Clean", "sealed by an orderly stop".to_owned()),
        Verdict::Clean { sealed: false, .. } => {
            ("Clean", "without a seal: still in use, or stopped without warning".to_owned())
        }
        Verdict::TornTail { sequence, offset, bytes, .. } => (
            "TornTail",
            format!(
                "torn at offset {offset}: {bytes} bytes from sequence {sequence} on are an interrupted write, \
                 which recovery cuts; it may have been acknowledged"
            ),
        ),
        Verdict::Corrupt(_) | Verdict::Gap(_) => unreachable!("returned as an error"),
    };
    let sequence = verified.exchange.sequence();
    print::line(format_args!("mode      {mode}, rules version {}", verified.header.settings.rules_version));
    print::line(format_args!(
        "commands  {} in {} batches",
        grouped(&sequence.to_string()),
        grouped(&verified.batches.to_string())
    ));
    print::line(format_args!("last      sequence {sequence}, stamped {}", verified.exchange.at()));
    print::line(format_args!("end       {end}"));
    print::line("replay    every batch comes to the chain that the frame after it carries");
    print::line(format_args!("verdict   {verdict}"));
    print_digests(&verified);
    Ok(())
}

/// Replays a journal and prints its two digests.
///
/// # Errors
/// As [`verify`].
pub fn digest(dir: &Path) -> Result<(), VerifyError> {
    print_digests(&read(dir, |_| {})?);
    Ok(())
}

fn print_digests(verified: &Verified) {
    print::line(format_args!("state digest {}", verified.exchange.state_digest()));
    print::line(format_args!("chain digest {}", verified.chain));
}
