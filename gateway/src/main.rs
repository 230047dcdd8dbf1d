//! The binary `golv`: the command line, and nothing else.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use golv_gateway::command_line::ConnectionOptions;
use golv_gateway::command_line::admin::AdminCommand;
use golv_gateway::command_line::pki::PkiCommand;
use golv_gateway::command_line::trade::TradeCommand;
use golv_gateway::journal::JournalCommand;
use golv_gateway::logs::with_sources;
use golv_gateway::pipeline::WriterError;
use golv_gateway::{command_line, demo, journal, remote, serve};

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
    /// A rehearsal over QUIC on this machine: two operators, twelve traders with invented costs, a publisher of prices and
    /// an auditor, each with its own certificate; a support auction, a two-sided auction, and 81 months of
    /// difference payments on the IMF's lithium prices. At the end the exchange is dropped and started
    /// again from its journal, and must come to the same digests.
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
        /// Play it within this process, without a network.
        #[arg(long)]
        local: bool,
    },
    /// Look into a journal, copy its beginning, or set aside what makes the engine fail.
    #[command(subcommand)]
    Journal(JournalCommand),
    /// Make certificates for rehearsals and test benches.
    #[command(subcommand)]
    Pki(PkiCommand),
    /// Found an exchange: create its journal, with the centre and its first two operators.
    Found(serve::Found),
    /// Serve an exchange over QUIC until SIGTERM.
    ///
    /// Exits with 0 when it was told to stop, and with 74 when its journal could not be written or flushed: look at the
    /// disk before you start it again.
    Serve(serve::Serve),
    /// Act as an operator, or publish reference prices.
    ///
    /// What moves money or changes rules is proposed, and done when another operator confirms it. Exits with 1 if the
    /// exchange refuses.
    Admin {
        #[command(flatten)]
        connection: ConnectionOptions,
        /// Print JSON instead of text.
        #[arg(long, global = true)]
        json: bool,
        #[command(subcommand)]
        command: AdminCommand,
    },
    /// Act as a supplier or buyer: bid, watch, read statements.
    ///
    /// Exits with 1 if the exchange refuses.
    Trade {
        #[command(flatten)]
        connection: ConnectionOptions,
        /// Print JSON instead of text.
        #[arg(long, global = true)]
        json: bool,
        #[command(subcommand)]
        command: TradeCommand,
    },
}

/// The exit code when a journal could not be written or flushed: whoever supervises the process must look at
/// the disk before starting it again.
const JOURNAL_FAILED: u8 = 74;

fn main() -> ExitCode {
    let outcome = match Golv::parse().command {
        Command::Demo { seed, data, json, local } => {
            demo::run(&demo::Options { seed, data, json, local }).map(|()| true)
        }
        Command::Journal(command) => journal::run(&command).map(|()| true),
        Command::Pki(command) => command_line::pki::run(&command).map(|()| true),
        Command::Found(options) => serve::found(&options).map(|()| true),
        Command::Serve(options) => serve::serve(&options).map(|()| true),
        Command::Admin { connection, json, command } => remote::admin(&connection, json, command),
        Command::Trade { connection, json, command } => remote::trade(&connection, json, command),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        // A refusal was printed as the answer that it is.
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("golv: {}", with_sources(&*error));
            if is_journal_failure(&*error) { ExitCode::from(JOURNAL_FAILED) } else { ExitCode::FAILURE }
        }
    }
}

/// Whether a journal that could not be written is behind an error.
fn is_journal_failure(error: &(dyn std::error::Error + 'static)) -> bool {
    error.is::<WriterError>() || error.source().is_some_and(is_journal_failure)
}
