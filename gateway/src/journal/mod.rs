//! `golv journal`: what operators and auditors ask of a journal on the disk.
//!
//! All subcommands but `skip` read without the lock and change nothing in the journal's directory. What they say of a
//! directory in use is of the moment; its end may be caught in the middle of a write, which looks like a torn tail.

mod balances;
mod boards;
mod digest;
mod export;
mod exposure;
mod inspect;
mod skip;
mod statement;
mod truncate;
mod verify;

use std::error::Error;
use std::fmt;
use std::path::{Path, PathBuf};

use clap::Subcommand;
use golv_engine::cfd::SettlementLine;
use golv_engine::command::Command;
use golv_engine::id::{EntitlementId, FloorId, ParticipantId, Sequence};
use golv_engine::reject::Reject;
use golv_engine::time::{Day, Period};
use golv_journal::copy::CopyError;
use golv_journal::execute::Happened;
use golv_journal::inventory::Inventory;
use golv_journal::replay::{Replay, ReplayError};
use golv_journal::restart::{Begun, RestartError, begin_earliest};
use golv_journal::skip::SkipError;
use golv_journal::{Corruption, Frame, Gap, Mode, ReadError, ScanError, Settings, Verdict};
use golv_protocol::batch::{Batch, Entry};

pub use exposure::Exposure;

use crate::print::{self, Printed, money};

/// What can be asked of a journal.
#[derive(Debug, Subcommand)]
pub enum JournalCommand {
    /// List a journal's segments and snapshots, and say how it ends.
    ///
    /// Checks checksums and places and executes nothing; golv journal verify does. A damaged journal is listed too, as far as
    /// each segment is whole. Changes nothing and takes no lock. Exits with 0 if the journal is whole or ends in a torn
    /// tail that recovery would cut, and with 1 if it is damaged.
    Inspect {
        /// The journal's directory.
        dir: PathBuf,
        /// List every frame first: where it is, what it is, and the chain up to it.
        #[arg(long)]
        frames: bool,
    },
    /// Read a journal from beginning to end, replay it, and say whether it is whole.
    ///
    /// Archived segments are replayed too, and each snapshot is compared with the state that the replay has where the
    /// snapshot's segment begins. If the first segments are missing it begins with the oldest snapshot that is of use.
    /// Changes nothing and takes no lock. Exits with 0 if the journal is whole or ends in a torn tail that
    /// recovery would cut, and with 1 if it is damaged, does not replay to its own chain, or has a snapshot that does not agree.
    Verify {
        /// The journal's directory.
        dir: PathBuf,
        /// List every command with its sequence, sender and id.
        #[arg(long)]
        commands: bool,
    },
    /// Replay a journal and print the two digests that it comes to.
    ///
    /// Begins with the newest snapshot that serves. Changes nothing and takes no lock. The state digest is that after the
    /// last command, or after the one given; the chain digest is that after the last batch that ends by then.
    Digest {
        /// The journal's directory.
        dir: PathBuf,
        /// The command after which the digests are wanted; what comes later may be damaged.
        #[arg(long, value_name = "SEQUENCE")]
        at: Option<u64>,
    },
    /// Print every command with its answer and what it made happen, as JSON, one object a line.
    ///
    /// For auditors: names of participants and fingerprints of keys are shown. Sealed bids stay sealed: of a bid in an
    /// auction that was not closed by the journal's end, or was cancelled before, only its sender, id and time, the command's
    /// kind, the auction and the refusal's number and name are shown; of boards, limits, groups and negotiations stay sealed for good. At the end of a batch stands the chain. Replays twice, archived segments included.
    /// Changes nothing and takes no lock. Exits with 1 if the journal is damaged, after exporting what is whole before that;
    /// one that does not replay is not exported at all.
    Export {
        /// The journal's directory.
        dir: PathBuf,
        /// The first command to print.
        #[arg(long, value_name = "SEQUENCE")]
        from: Option<u64>,
        /// The last command to print.
        #[arg(long, value_name = "SEQUENCE")]
        to: Option<u64>,
    },
    /// Print what settlement posted to a participant on a day, and make every line again.
    ///
    /// Replays the journal. Each line was paid by a run on the prices and deliveries of some version, which are never overwritten:
    /// what they come to is worked out once more and compared. Changes nothing and takes no lock. Exits with 1 if a line
    /// comes to something else.
    Statement {
        /// The journal's directory.
        dir: PathBuf,
        /// The participant.
        #[arg(long, value_name = "ID")]
        participant: u32,
        /// The day on which it was posted.
        #[arg(long, value_name = "YYYY-MM-DD")]
        day: Day,
        /// Print JSON, one object a currency.
        #[arg(long)]
        json: bool,
    },
    /// Print the trial balance that a journal comes to: every account with money, and what those of a currency sum to, which is
    /// nothing.
    ///
    /// A positive balance is the account holder's; a negative one is owed, or was paid in from outside. Replays the journal;
    /// changes nothing and takes no lock.
    Balances {
        /// The journal's directory.
        dir: PathBuf,
        /// How it is printed.
        #[command(flatten)]
        printed: Printed,
    },
    /// Print every posting: how each account came to its balance.
    ///
    /// With the sequence of the command and the day of its stamp, what the money moved for, and from which account to which.
    /// Sealed bids stay sealed, as in golv journal export: bonds of bids in auctions that were not closed by the journal's end are
    /// left out. Replays twice, archived segments included; changes nothing and takes no lock. If the first segments are
    /// missing it begins with the oldest snapshot that is of use.
    Postings {
        /// The journal's directory.
        dir: PathBuf,
        /// Those on the accounts of this participant alone.
        #[arg(long, value_name = "ID")]
        participant: Option<u32>,
        /// How it is printed.
        #[command(flatten)]
        printed: Printed,
    },
    /// Say what a programme can still cost, at worst and on the paths that prices may take.
    ///
    /// Replays the journal, and works out what each contract is paid in the periods that were not settled yet: at the lowest price
    /// that can count, at the stress price, and on each path of a file. Says in how many of the paths the programme's money does
    /// not suffice. Changes nothing and takes no lock.
    Exposure(Exposure),
    /// Copy a journal up to a command into another directory, replay the copy, and print its digests.
    ///
    /// For a journal that is damaged, or that has at its end what must not be replayed; what comes after that command may be
    /// damaged in any way. The copy has the same frames byte for byte and can be served. The journal itself stays as it
    /// is. The command must be the last of its batch, since a batch was made durable as a whole.
    ///
    /// What the copy lacks may have been acknowledged to its senders: their clients will find out and alarm.
    Truncate {
        /// The journal's directory.
        dir: PathBuf,
        /// The last command that is copied.
        #[arg(long, value_name = "SEQUENCE")]
        after: u64,
        /// The directory for the copy: new or empty.
        #[arg(long, value_name = "NEW")]
        out: PathBuf,
    },
    /// Set commands aside that make the engine fail, so that the exchange can go on.
    ///
    /// The one subcommand that changes the journal: it takes the lock and appends a record with the commands, the time and
    /// the reason, which becomes part of the chain. The commands are answered InternalFault and never executed; the rest of their
    /// batch is. Only commands of the last batch can be set aside, and only if one of them does make the engine fail.
    ///
    /// A Tick or the founding cannot be set aside: it would only come again, and an engine is needed that does not fail on
    /// it. The reason is exported with the journal, so it may say nothing of a bid.
    Skip {
        /// The journal's directory.
        dir: PathBuf,
        /// The commands to set aside.
        #[arg(required = true, value_name = "SEQUENCE")]
        sequences: Vec<u64>,
        /// Why, for whoever reads the journal later.
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
}

/// Why a journal did not give what was asked for.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// There is no journal that this version can read.
    #[error(transparent)]
    Scan(#[from] ScanError),
    /// Reading failed.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Replay could not be begun.
    #[error(transparent)]
    Restart(#[from] RestartError),
    /// It is damaged where no interrupted write explains it.
    #[error("the journal is corrupt; {WAYS_OUT}")]
    Corrupt(#[source] Corruption),
    /// Something is missing.
    #[error("the journal has a gap; {WAYS_OUT}")]
    Gap(#[source] Gap),
    /// A settlement line comes to something else on the data of its version.
    #[error(
        "entitlement {entitlement} of floor {floor}: run {number} of {period}, made again from its data, {again}"
    )]
    NotMadeAgain {
        /// The entitlement.
        entitlement: EntitlementId,
        /// Its floor.
        floor: FloorId,
        /// The period.
        period: Period,
        /// The run.
        number: u32,
        /// What came of it.
        again: Again,
    },
    /// It does not replay to its own chain.
    #[error("{} cannot be replayed at offset {offset}", file.display())]
    Replay {
        /// The file.
        file: PathBuf,
        /// Where the frame begins, in bytes.
        offset: u64,
        /// What is wrong with it.
        source: ReplayError,
    },
    /// Segments are there that nothing leads to.
    #[error(
        "segments that were not read: {count}, since those before them are missing; put the missing ones back into the \
         archive, and verify again"
    )]
    NotRead {
        /// How many.
        count: usize,
    },
    /// Snapshots say something else than the journal.
    #[error(
        "snapshots that do not agree with the journal: {count}; move them away, and the exchange starts from an older one, \
         or from the first segment"
    )]
    Snapshots {
        /// How many.
        count: usize,
    },
    /// A command was named that is not in the journal.
    #[error("sequence {sequence} is not in the journal; sequences count from 1, and its last is {last}")]
    NotThere {
        /// The command.
        sequence: Sequence,
        /// The last.
        last: Sequence,
    },
    /// What was asked for ends before it begins.
    #[error("--from {from} is after --to {to}; what is exported goes from the lower to the higher")]
    Backwards {
        /// Where it was to begin.
        from: Sequence,
        /// Where it was to end.
        to: Sequence,
    },
    /// Nothing was copied, or not all.
    #[error(transparent)]
    Copy(#[from] CopyError),
    /// Nothing was set aside.
    #[error(transparent)]
    Skip(#[from] SkipError),
}

/// What to do about damage.
const WAYS_OUT: &str = "restore the file from a copy that golv journal verify finds whole, or take what is whole before \
                        it by golv journal truncate";

/// Does what a subcommand says.
///
/// # Errors
/// If the journal is damaged, or does not have what was asked for.
pub fn run(command: &JournalCommand) -> Result<(), Box<dyn Error>> {
    match command {
        JournalCommand::Inspect { dir, frames } => inspect::inspect(dir, *frames)?,
        JournalCommand::Verify { dir, commands } => verify::verify(dir, *commands)?,
        JournalCommand::Digest { dir, at } => digest::digest(dir, at.map(Sequence))?,
        JournalCommand::Statement { dir, participant, day, json } => {
            statement::statement(dir, ParticipantId(*participant), *day, *json)?;
        }
        JournalCommand::Balances { dir, printed } => balances::balances(dir, printed.format())?,
        JournalCommand::Postings { dir, participant, printed } => {
            balances::postings(dir, participant.map(ParticipantId), printed.format())?;
        }
        JournalCommand::Exposure(options) => exposure::exposure(options)?,
        JournalCommand::Export { dir, from, to } => {
            export::export(dir, from.map(Sequence), to.map(Sequence))?
        }
        JournalCommand::Truncate { dir, after, out } => truncate::truncate(dir, Sequence(*after), out)?,
        JournalCommand::Skip { dir, sequences, reason } => {
            skip::skip(dir, sequences.iter().copied().map(Sequence).collect(), reason)?;
        }
    }
    Ok(())
}

/// A replay that names the file of a frame that it fails at.
struct Tracked {
    replay: Replay,
    inventory: Inventory,
}

impl Tracked {
    /// Begins as early as can be.
    fn begin(dir: &Path) -> Result<(Self, Begin), JournalError> {
        let inventory = Inventory::take(dir)?;
        let Begun { replay, snapshot, .. } = begin_earliest(dir)?;
        let begin = Begin { segment: replay.segment(), snapshot };
        Ok((Self { replay, inventory }, begin))
    }

    /// Says where a replay failed.
    fn failed(&self, segment: u32, offset: u64) -> impl FnOnce(ReplayError) -> JournalError + use<> {
        let file = self.inventory.segments.iter().find(|file| file.number == segment);
        let file = file.map(|segment| segment.file.clone()).unwrap_or_default();
        move |source| JournalError::Replay { file, offset, source }
    }

    fn frame(&mut self, frame: &Frame<'_>) -> Result<Option<Batch<Command>>, JournalError> {
        let failed = self.failed(frame.segment, frame.offset);
        self.replay.frame(frame).map_err(failed)
    }
}

/// What else came of a settlement line that was made again.
#[derive(Debug, thiserror::Error)]
pub enum Again {
    /// The data are not those of a period that can be settled.
    #[error("is refused: {0}")]
    Refused(Reject),
    /// The contract is not among those that were settled.
    #[error("has no such line")]
    NoLine,
    /// It is of another amount, or computed from other data.
    #[error("comes to {} {}, and {} was posted", money(made.amount), made.amount.currency, money(posted.amount))]
    Other {
        /// What was posted.
        posted: Box<SettlementLine>,
        /// What it comes to.
        made: Box<SettlementLine>,
    },
}

/// Each command of a batch that was replayed, with what it made happen.
fn with_effects<'a>(
    batch: &'a Batch<Command>,
    happened: &'a [Happened],
) -> impl Iterator<Item = (Sequence, &'a Entry<Command>, &'a [Happened])> {
    let mut rest = happened;
    (batch.header.first.0..).map(Sequence).zip(&batch.entries).map(move |(sequence, entry)| {
        let own = rest.iter().take_while(|happened| happened.sequence == sequence).count();
        let (events, later) = rest.split_at(own);
        rest = later;
        (sequence, entry, events)
    })
}

/// Where a replay began.
struct Begin {
    segment: u32,
    /// The snapshot's segment and last command; `None` before the founding.
    snapshot: Option<(u32, Sequence)>,
}

/// Makes an error of a verdict that no start could live with.
fn refuse_damage(verdict: Verdict) -> Result<Verdict, JournalError> {
    match verdict {
        Verdict::Corrupt(corruption) => Err(JournalError::Corrupt(corruption)),
        Verdict::Gap(gap) => Err(JournalError::Gap(gap)),
        verdict => Ok(verdict),
    }
}

/// The last command before a journal's end, however it ends.
fn last_of(verdict: &Verdict) -> Option<Sequence> {
    match verdict {
        Verdict::Clean { last, .. } => Some(*last),
        Verdict::TornTail { sequence, .. } => Some(Sequence(sequence.0.saturating_sub(1))),
        Verdict::Corrupt(_) | Verdict::Gap(_) => None,
    }
}

fn print_mode(settings: &Settings) {
    let mode = match settings.mode {
        Mode::Live => "live".to_owned(),
        Mode::Rehearsal { seed } => format!("rehearsal, seed {seed}"),
    };
    print::line(format_args!("mode      {mode}, rules version {}", settings.rules_version));
}

/// How a journal ends, where that is worth a line besides the verdict.
fn print_end(verdict: &Verdict) {
    let end = match verdict {
        Verdict::Clean { sealed: true, .. } => "sealed by an orderly stop".to_owned(),
        Verdict::Clean { sealed: false, .. } => {
            "without a seal: still in use, or stopped without warning".to_owned()
        }
        Verdict::TornTail { sequence, offset, bytes, .. } => format!(
            "torn at offset {offset}: {bytes} bytes from sequence {sequence} on are an interrupted write, \
             which recovery cuts; it may have been acknowledged"
        ),
        Verdict::Corrupt(_) | Verdict::Gap(_) => return,
    };
    print::line(format_args!("end       {end}"));
}

fn print_verdict(verdict: &Verdict) {
    match verdict {
        Verdict::Clean { .. } => print::line("verdict   whole"),
        Verdict::TornTail { .. } => print::line("verdict   torn tail"),
        Verdict::Corrupt(corruption) => print::line(format_args!("verdict   damaged: {corruption}")),
        Verdict::Gap(gap) => print::line(format_args!("verdict   gap: {gap}")),
    }
}

/// A digest's first digits: enough to compare by eye.
struct Short([u8; 32]);

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().take(6).try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str("…")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{CommandFactory, Parser};

    #[derive(Parser)]
    struct Golv {
        #[command(subcommand)]
        command: JournalCommand,
    }

    #[test]
    fn the_arguments_are_consistent() {
        Golv::command().debug_assert();
    }

    #[test]
    fn several_commands_are_set_aside_at_once() {
        let arguments = ["golv", "skip", "data", "7", "9", "--reason", "incident 12"];
        let golv = Golv::try_parse_from(arguments).expect("all that is required");
        assert!(matches!(golv.command, JournalCommand::Skip { sequences, .. } if sequences == [7, 9]));
        assert!(Golv::try_parse_from(&arguments[..5]).is_err(), "a reason is required");
        assert!(Golv::try_parse_from(["golv", "skip", "data", "--reason", "why"]).is_err());
    }
}
