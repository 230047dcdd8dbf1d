//! The binary `golv`: the command line, and nothing else.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use golv_gateway::{demo, journal};

/// An auction and clearing core for critical raw materials.
#[derive(Parser)]
#[command(version, arg_required_else_help = true)]
struct Golv {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Play a lithium market day: two auctions, then settlement over the real price series.
    ///
    /// A rehearsal in one process: two operators, twelve traders with invented costs, a support auction, a
    /// two-sided auction, and 81 months of difference payments on the IMF's lithium prices. At the end
    /// the exchange is dropped and started again from its journal, and must come to the same digests.
    /// Writes golv-demo/report.html.
    Demo {
        /// What the traders' costs and bids are drawn from; the same seed plays the same day.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Keep the journal in this new or empty directory, and print each acknowledged command.
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
        /// Print JSON, one object a line, instead of tables.
        #[arg(long)]
        json: bool,
    },
    /// Look into a journal.
    #[command(subcommand)]
    Journal(Journal),
}

#[derive(Subcommand)]
enum Journal {
    /// Read a journal from beginning to end, replay it, and say whether it is whole.
    ///
    /// Changes nothing and takes no lock. Exits with 0 if the journal is whole or ends in a torn tail that
    /// recovery would cut, and with 1 if it is damaged or does not replay to its own chain.
    Verify {
        /// The journal's directory.
        dir: PathBuf,
        /// List every command with its sequence, sender and id.
        #[arg(long)]
        commands: bool,
    },
    /// Replay a journal and print the two digests that it comes to.
    Digest {
        /// The journal's directory.
        dir: PathBuf,
    },
}

/// The exit code when a journal could not be written or flushed: whoever supervises the process must look at
/// the disk before starting it again.
const JOURNAL_FAILED: u8 = 74;

fn main() -> ExitCode {
    let outcome = match Golv::parse().command {
        Command::Demo { seed, data, json } => demo::run(&demo::Options { seed, data, json }),
        Command::Journal(Journal::Verify { dir, commands }) => {
            journal::verify(&dir, commands).map_err(Into::into)
        }
        Command::Journal(Journal::Digest { dir }) => journal::digest(&dir).map_err(Into::into),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("golv: {}", chain_of(&*error));
            let journal_failed = error.downcast_ref::<golv_gateway::pipeline::WriterError>().is_some();
            if journal_failed { ExitCode::from(JOURNAL_FAILED) } else { ExitCode::FAILURE }
        }
    }
}

/// An error with its sources, outermost first.
fn chain_of(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
