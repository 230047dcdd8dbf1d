//! `golv sim`: the simulator's scenarios on the command line.
//!
//! What is played and how figures are made is [`golv_sim`]'s; here scenarios are found, played where they are to be played, and what came out is
//! printed or written.
//!
//! | to find … | look in |
//! |---|---|
//! | a scenario by its name or file, a policy by its key | `source.rs` |
//! | one policy: where it is played, and what is printed of it | `run.rs`, `connected.rs`, `told.rs` |
//! | policies beside each other, on history and on paths | `compare.rs`, `paths.rs` |
//! | sweeps that can be broken off | `sweep.rs` |
//! | the page and its files | `report.rs` |
//! | price series, and the plot in a terminal | `prices.rs`, `plot.rs` |

mod compare;
mod connected;
mod identities;
mod paths;
mod plot;
mod prices;
mod report;
mod run;
mod scenarios;
mod source;
mod sweep;
mod told;

use std::error::Error;

use clap::Subcommand;

/// What is done with scenarios and prices.
#[derive(Subcommand, Debug)]
pub enum SimCommand {
    /// List the scenarios that come with golv, or print the file of one.
    ///
    /// A scenario is a market, who takes part, policies to be tried, and what goes wrong. To begin one of your own, print one, change it,
    /// and name the file wherever a scenario is asked for:
    ///
    /// golv sim scenarios lithium > mine.toml
    Scenarios(scenarios::Scenarios),
    /// List the price series that come with golv, or show one of them or one of your own.
    ///
    /// A series is shown with its source and licence, its gaps and a plot; with --to or --money-of converted, each price at its own
    /// month's rates, which are printed beside it. Nothing is converted with the rate of another month, and no gap is filled:
    ///
    /// golv sim prices lithium-metal --to EUR/kg --csv
    ///
    /// A file of your own has the header month,price or year,price:
    ///
    /// golv sim prices mine.csv --in USD/t --svg mine.svg
    Prices(prices::Prices),
    /// Play a scenario under one policy on historic prices.
    ///
    /// Every bid, award and payment is a command to an exchange. By default that is the engine alone, within this process. With --data it
    /// has a journal, which golv journal reads afterwards. With --server it is an exchange that runs elsewhere: a rehearsal that was just
    /// founded, with certificates as golv sim identities makes them. All three come to the same awards and statements:
    ///
    /// golv sim run lithium --policy floor --data played && golv journal verify played
    Run(run::Run),
    /// Make the certificates with which a scenario is played on an exchange across a network.
    ///
    /// Makes a development authority in the directory if there is none, and a certificate for each operator and everybody in the scenario;
    /// prints how to found and serve the rehearsal and to play on it:
    ///
    /// golv sim identities lithium --out pki
    Identities(identities::Identities),
    /// Play policies of a scenario and print their figures beside each other.
    ///
    /// On historic prices, and with --paths on as many paths more that might have been, all policies on the same ones. Each figure's
    /// formula is in docs/scenarios.md:
    ///
    /// golv sim compare lithium --policies none,floor --paths 200
    Compare(compare::Compare),
    /// Play a scenario on many paths, for each combination of values of a grid, and write a CSV row for each play.
    ///
    /// --set tries values for any key of the file, each with those of every other --set. The same seed writes the same bytes on any number
    /// of threads. A sweep that was broken off goes on where it stopped when it is called again; the file of another sweep is refused:
    ///
    /// golv sim sweep lithium --set policy.floor.strike=95000,105000 --policies none,floor --paths 1000 --out rows.csv
    Sweep(sweep::SweepOptions),
    /// Write the report of a scenario: a page, and each chart as SVG with its numbers as CSV.
    ///
    /// The page needs no other file. With --paths it shows how costs are distributed over paths of prices that might have been:
    ///
    /// golv sim report lithium --paths 200 --out lithium
    Report(report::Report),
}

/// Does what was asked for.
///
/// # Errors
/// If a scenario, a series or an option makes no sense, a play cannot be played to its end, or a file cannot be written.
pub fn run(command: &SimCommand) -> Result<(), Box<dyn Error>> {
    match command {
        SimCommand::Scenarios(options) => Ok(scenarios::run(options)?),
        SimCommand::Prices(options) => prices::run(options),
        SimCommand::Run(options) => run::run(options),
        SimCommand::Identities(options) => identities::run(options),
        SimCommand::Compare(options) => compare::run(options),
        SimCommand::Sweep(options) => sweep::run(options),
        SimCommand::Report(options) => report::run(options),
    }
}
