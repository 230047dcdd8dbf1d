//! The binary `golv`: the command line, and nothing else.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Arg, CommandFactory, FromArgMatches, Parser, Subcommand};
use clap_complete::Shell;
use golv_gateway::command_line::ConnectionOptions;
use golv_gateway::command_line::admin::AdminCommand;
use golv_gateway::command_line::pki::PkiCommand;
use golv_gateway::command_line::trade::TradeCommand;
use golv_gateway::journal::JournalCommand;
use golv_gateway::logs::with_sources;
use golv_gateway::pipeline::WriterError;
use golv_gateway::sim::SimCommand;
use golv_gateway::{
    clear, command_line, demo, journal, load, matching, reference, remote, serve, settle, sim,
};
use golv_journal::RecoverError;
use golv_journal::replay::ReplayError;
use golv_journal::restart::RestartError;

/// An auction and clearing core for critical raw materials.
#[derive(Parser)]
#[command(name = "golv", version, arg_required_else_help = true)]
struct Golv {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Play a market day: two lithium auctions, a gallium board, then settlement over the real price series.
    ///
    /// A rehearsal over QUIC on this machine: two operators, twelve traders with invented costs, a publisher of prices and
    /// an auditor, each with its own certificate; a support auction, a call auction that is invoiced and paid, a board, and
    /// 81 months of difference payments on the IMF's lithium prices. A small programme beside it comes to its limit.
    /// At the end the exchange is dropped and started again from its journal, and must come to the same digests.
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
    /// Clear a call auction's book by any rule, or award support to offers.
    ///
    /// The book has the header id,side,price,quantity and, as needed, min_quantity, received, participant, origin, group and
    /// score. One rule decides the price and who gets what; flags change it. Nothing is cleared if a row cannot be read,
    /// or the rule does not take an order.
    ///
    /// With --support the book has the header id,price,quantity and, as needed, min_quantity, received, owner, origin, technology,
    /// year, quality and unit, and the offers are awarded from the best on as far as the rule's limits allow.
    Clear(clear::Clear),
    /// Prove a result of golv clear against its book.
    ///
    /// By a second reading of the rules that shares no code with the clearing. Exits with 1 and names who was wronged if the
    /// result is not what its rule gives.
    Check(clear::Check),
    /// Settle contracts for difference from files, run after run.
    ///
    /// Reads contracts, the prices of their indices and what was delivered, and writes a line for each period: what it is worth,
    /// and what this run adds to the one before. Prices and deliveries may be revised; a run sees of each the highest revision up
    /// to its number. Prints what each party gets. Nothing is written if a row cannot be read or a period cannot be settled.
    Settle(settle::Settle),
    /// Match offers and requests where suppliers are few.
    ///
    /// The board has the header id,kind,party,material,max_quantity,limit_price and, as needed, grade, min_quantity, window_start,
    /// window_end, place, origin, sector and group; kind is offer or request, and quantities are whole lots. The most quantity is
    /// matched, and then what --preference says; no deal is smaller than either side's min_quantity. Requests of one group are pooled and
    /// split after. Nothing is matched if a row cannot be read.
    Match(matching::Match),
    /// Play scenarios: what a policy would have cost on real prices, and whom it would have kept alive.
    #[command(subcommand)]
    Sim(SimCommand),
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
    /// What a flag does not set is taken from a variable, such as GOLV_LOG_LEVEL for --log-level; else from the TOML file of
    /// --config, there as log_level; else it has its default. With --check nothing is served: what holds is printed, who set it,
    /// and whether an exchange could be served so.
    ///
    /// Exits with 0 when it was told to stop, with 74 when its journal could not be written or flushed: look at the
    /// disk before you start it again; and with 70 when a command makes the engine fail: starting it again does not help,
    /// see golv journal skip.
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
    /// Act as a supplier or buyer: bid, offer and request on boards, negotiate, watch, read statements.
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
    /// Load an exchange with bids at a steady rate, and say how long answers took.
    ///
    /// Every command has a planned instant, and its latency counts from there to its answer, which is durable: an exchange that
    /// stands still is charged with all that should have come meanwhile. Of ten commands of a trader four place a bid, two lower the
    /// quantity of one and four withdraw one, so that books stay small however long it lasts.
    ///
    /// Without --server it founds a rehearsal for the purpose, serves it over QUIC on this machine within the same process, and
    /// gives each trader a certificate. To find out what an exchange takes, raise --rate until the rate achieved falls behind.
    /// With --server it bids in an auction of a running exchange: choose a rehearsal, since the bids count.
    ///
    /// Exits with 1 if not all commands were answered. A refusal is an answer.
    Load(load::Load),
    /// Print what makes a shell complete the arguments of golv.
    ///
    /// Such as: golv completions bash > /usr/share/bash-completion/completions/golv
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the manual page golv(1), or write a page for each subcommand.
    ///
    /// Such as: golv man --out /usr/share/man/man1
    Man {
        /// Write all pages into this directory: golv.1, golv-serve.1 and so on
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
}

/// The exit code when a command made the engine fail, now or in replay: starting the process again does not help.
const ENGINE_FAILED: u8 = 70;

/// The exit code when a journal could not be written or flushed: whoever supervises the process must look at
/// the disk before starting it again.
const JOURNAL_FAILED: u8 = 74;

/// The command line as it is read and shown.
fn golv() -> clap::Command {
    let mut golv = taking_negative_numbers(Golv::command());
    // What connects stands before the inner command, whose own help does not show it.
    for session in ["admin", "trade"] {
        let note = format!("How to connect is said before this command: see golv {session} --help.");
        golv = golv.mut_subcommand(session, |command| noting_inside(command, &note));
    }
    golv
}

/// A number below zero is the value of the option that it follows, and is refused or taken as such: it is no flag.
fn taking_negative_numbers(command: clap::Command) -> clap::Command {
    let takes = |argument: Arg| match argument.get_action().takes_values() {
        true => argument.allow_negative_numbers(true),
        false => argument,
    };
    command.mut_args(takes).mut_subcommands(taking_negative_numbers)
}

fn noting_inside(command: clap::Command, note: &str) -> clap::Command {
    command.mut_subcommands(|inner| noting_inside(inner.after_help(note.to_owned()), note))
}

fn main() -> ExitCode {
    let golv_asked = Golv::from_arg_matches(&golv().get_matches()).unwrap_or_else(|error| error.exit());
    let outcome = match golv_asked.command {
        Command::Demo { seed, data, json, local } => {
            demo::run(&demo::Options { seed, data, json, local }).map(|()| true)
        }
        Command::Clear(options) => clear::clear(&options).map(|()| true),
        Command::Check(options) => clear::check(&options).map(|()| true),
        Command::Settle(options) => settle::settle(&options).map(|()| true),
        Command::Match(options) => matching::run(&options).map(|()| true),
        Command::Sim(command) => sim::run(&command).map(|()| true),
        Command::Journal(command) => journal::run(&command).map(|()| true),
        Command::Pki(command) => command_line::pki::run(&command).map(|()| true),
        Command::Found(options) => serve::found(&options).map(|()| true),
        Command::Serve(options) => serve::serve(&options).map(|()| true),
        Command::Admin { connection, json, command } => remote::admin(&connection, json, command),
        Command::Trade { connection, json, command } => remote::trade(&connection, json, command),
        Command::Load(options) => load::run(&options),
        Command::Completions { shell } => {
            reference::completions(golv(), shell);
            Ok(true)
        }
        Command::Man { out } => match reference::man(golv(), out.as_deref()) {
            Ok(()) => Ok(true),
            Err(error) => Err(error.into()),
        },
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        // A refusal was printed as the answer that it is.
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("golv: {}", with_sources(&*error));
            ExitCode::from(exit_code(&*error))
        }
    }
}

/// What the process ends with, by what is behind an error.
fn exit_code(error: &(dyn std::error::Error + 'static)) -> u8 {
    let restart = error.downcast_ref::<RestartError>();
    match (error.downcast_ref::<WriterError>(), restart, error.source()) {
        (Some(WriterError::Engine(_)), ..) => ENGINE_FAILED,
        (Some(WriterError::Append(_) | WriterError::Flush(_) | WriterError::Seal(_)), ..) => JOURNAL_FAILED,
        (None, Some(RestartError::Recover(RecoverError::Cut { .. } | RecoverError::Flush { .. })), _) => {
            JOURNAL_FAILED
        }
        (None, Some(RestartError::Replay(ReplayError::Engine(_))), _) => ENGINE_FAILED,
        (.., Some(source)) => exit_code(source),
        (.., None) => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use golv_engine::id::Sequence;
    use golv_gateway::pipeline::CreateError;
    use golv_journal::FlushError;
    use golv_journal::execute::EngineFault;

    /// Each inner command of a session says where it is said how to connect, and a number below zero is no flag.
    #[test]
    fn what_every_command_takes_and_shows() {
        golv().debug_assert();
        let mut golv = golv();
        golv.build();
        for session in ["admin", "trade"] {
            let mut left = vec![golv.find_subcommand(session).expect("it is there")];
            while let Some(command) = left.pop() {
                for inner in command.get_subcommands().filter(|inner| inner.get_name() != "help") {
                    let note = inner.get_after_help().map(ToString::to_string).unwrap_or_default();
                    assert!(note.contains(&format!("golv {session} --help")), "{}", inner.get_name());
                    left.push(inner);
                }
            }
        }
        let connected = "golv admin --server a:1 --certificate c --key k --ca ca";
        let line = format!("{connected} own-resources --amount -5 --currency USD");
        golv.try_get_matches_from(line.split(' ')).expect("the exchange says what is wrong with it");
    }

    #[test]
    fn whoever_supervises_the_process_is_told_what_failed() {
        let fault = || EngineFault { sequence: Sequence(7), message: "an assertion".to_owned() };
        let disk = || WriterError::Flush(FlushError::Poisoned { file: "a file".into() });
        assert_eq!(exit_code(&WriterError::Engine(fault())), ENGINE_FAILED);
        assert_eq!(exit_code(&RestartError::Replay(ReplayError::Engine(fault()))), ENGINE_FAILED);
        assert_eq!(exit_code(&disk()), JOURNAL_FAILED);
        let (file, source) = ("a file".into(), std::io::Error::other("no flush"));
        let at_start = RestartError::Recover(RecoverError::Flush { file, source });
        assert_eq!(exit_code(&at_start), JOURNAL_FAILED);
        // Behind another error, too.
        assert_eq!(exit_code(&CreateError::Founding(disk())), JOURNAL_FAILED);
        assert_eq!(exit_code(&RestartError::NotFounded { dir: "a directory".into() }), 1);
        assert_eq!(exit_code(&std::io::Error::other("anything")), 1);
    }

    /// The unit does not start the exchange again where that does not help, and the page says the same.
    #[test]
    fn the_unit_knows_the_exit_codes() {
        let unit = include_str!("../../deploy/golv.service");
        let final_codes = format!("\nRestartPreventExitStatus=1 2 {ENGINE_FAILED} {JOURNAL_FAILED}\n");
        assert!(unit.contains(&final_codes), "{final_codes}");
        let page = include_str!("../../docs/operations.md");
        for code in [0, 1, 2, ENGINE_FAILED, JOURNAL_FAILED] {
            assert!(page.contains(&format!("\n| {code} | ")), "{code}");
        }
    }
}
