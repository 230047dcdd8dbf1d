//! `golv demo`: the market day of [`golv_sim::day`], played through the pipeline and told to a person.
//!
//! Played here means: everybody has a certificate and a QUIC connection of their own (unless it is played
//! locally), every command goes through the ring to the writer, is journalled and flushed, and answered when it
//! is durable. Then the exchange is dropped, started again from its journal, and must come to the digests that it
//! had.

mod loopback;
mod tables;
mod told;

use std::error::Error;
use std::path::{Path, PathBuf};

use golv_engine::Answer;
use golv_engine::cfd::SettlementRun;
use golv_engine::id::{CommandId, IdentityId};
use golv_protocol::message::Position;
use golv_sim::day::gallium::{self, GalliumRound};
use golv_sim::day::{self, MarketDay, Played, Refusal, SmallMonth, Won};
use golv_sim::traders::{Trader, traders};
use golv_sim::venue::Venue;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressFinish, ProgressStyle};

use crate::pipeline::{Creation, Gate, Pipeline, Stopped, Waiting};
use crate::print;
use crate::venue::{Acknowledge, LocalVenue, QuicVenue};
use loopback::{Certificates, Loopback};
use told::Told;

/// Where the report is written, relative to the working directory.
const REPORT: &str = "golv-demo/report.html";

/// The report's chart of prices and payments alone, for whoever wants to show it elsewhere.
const PAYMENTS: &str = "golv-demo/payments.svg";

/// How wide a chart that stands alone is, in pixels.
const CHART_WIDTH: u16 = 900;

/// What to play, and how to tell it.
#[derive(Clone, Debug)]
pub struct Options {
    /// What costs and bids are drawn from.
    pub seed: u64,
    /// Where to keep the journal; a directory that is thrown away if `None`.
    pub data: Option<PathBuf>,
    /// Whether to print JSON lines instead of tables.
    pub json: bool,
    /// Whether to play without a network.
    pub local: bool,
}

/// The exchange did not come back from its journal as it was.
#[derive(Debug, thiserror::Error)]
#[error("after the restart the exchange has other digests than before: {after:?} instead of {before:?}")]
struct OtherDigests {
    before: Stopped,
    after: Stopped,
}

/// Plays the market day, prints it, and writes the report.
///
/// # Errors
/// If the journal cannot be written, or the exchange does not come back from it as it was.
pub fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let throwaway;
    let dir = match &options.data {
        Some(dir) => dir.as_path(),
        None => {
            throwaway = tempfile::tempdir()?;
            throwaway.path()
        }
    };
    let told = play(dir, options)?;
    let report = Path::new(REPORT);
    if let Some(parent) = report.parent() {
        std::fs::create_dir_all(parent)
            .map_err(|error| format!("{} cannot be created: {error}", parent.display()))?;
    }
    let day = told.report();
    let months = &day.settlement;
    let source = &day.price_source;
    let payments = golv_sim::report::payments_svg(
        months,
        day.support.price,
        day.currency,
        &day.unit,
        source,
        CHART_WIDTH,
    );
    for (file, content) in [(REPORT, golv_sim::report::html(&day)), (PAYMENTS, payments)] {
        std::fs::write(file, content).map_err(|error| format!("{file} cannot be written: {error}"))?;
    }
    if options.json {
        print::line(told.json(REPORT));
    } else {
        tables::print(&told, REPORT);
    }
    Ok(())
}

fn play(dir: &Path, options: &Options) -> Result<Told, Box<dyn Error>> {
    let seed = options.seed;
    let creation = Creation::Rehearsal { seed, start: day::start() };
    let acknowledge: Acknowledge = if options.json { json_line } else { plain_line };
    let acknowledge = options.data.is_some().then_some(acknowledge);
    let (played, before) = if options.local {
        let pipeline = Pipeline::create(dir, creation, day::founding(|_| None), Waiting::Park)?;
        let played = pipeline.connect().map_err(Box::<dyn Error>::from).and_then(|session| {
            let venue = LocalVenue::new(session, acknowledge);
            let (played, _) = play_day(MarketDay::new(venue, seed), acknowledge.is_none())?;
            Ok(played)
        });
        // If the journal failed, that is the reason for whatever went wrong in the day.
        let before = pipeline.stop()?;
        (played?, before)
    } else {
        let auditor = IdentityId(day::AUDITOR);
        let everybody = traders(seed).into_iter().map(|trader| trader.identity());
        let everybody = everybody.chain(gallium::parties().map(IdentityId));
        let everybody =
            day::OPERATORS.into_iter().chain([IdentityId(day::PUBLISHER), auditor]).chain(everybody);
        let certificates = Certificates::issue(seed, everybody)?;
        let founding = day::founding(|identity| certificates.key(identity));
        let pipeline = Pipeline::create(dir, creation, founding, Waiting::Park)?;
        let played = over_quic(pipeline.gate(), certificates, seed, acknowledge);
        let before = pipeline.stop()?;
        (played?, before)
    };
    let (restarted, _) = Pipeline::open(dir, Waiting::Park)?;
    let after = restarted.stop()?;
    if after != before {
        return Err(OtherDigests { before, after }.into());
    }
    let PlayedDay { traders, support, won, call, gallium, runs, small, refusals, sessions } = played;
    Ok(Told { seed, sessions, traders, support, won, call, gallium, runs, small, refusals, before, after })
}

/// Plays the day with everybody on a connection of their own.
fn over_quic(
    gate: Gate,
    certificates: Certificates,
    seed: u64,
    acknowledge: Option<Acknowledge>,
) -> Result<PlayedDay, Box<dyn Error>> {
    let (loopback, way) = Loopback::serve(gate, &certificates)?;
    let venue = QuicVenue::new(way, certificates.credentials, IdentityId(day::AUDITOR), acknowledge)?;
    let (mut played, venue) = play_day(MarketDay::new(venue, seed), acknowledge.is_none())?;
    played.sessions = Some(venue.close());
    loopback.close();
    Ok(played)
}

/// What came of a market day, before the exchange is stopped.
struct PlayedDay {
    traders: Vec<Trader>,
    support: Played,
    won: Vec<Won>,
    call: Played,
    gallium: GalliumRound,
    runs: Vec<SettlementRun>,
    small: Vec<SmallMonth>,
    refusals: Vec<Refusal>,
    /// How many QUIC sessions it was played over.
    sessions: Option<usize>,
}

/// Plays a day to its end and gives its venue back; with progress on a terminal, where nothing else is printed meanwhile.
fn play_day<V: Venue<Error: Error + 'static>>(
    mut day: MarketDay<V>,
    shows_progress: bool,
) -> Result<(PlayedDay, V), Box<dyn Error>> {
    let (first, last) = day::months();
    // Hidden by itself where standard error is not a terminal.
    let target = if shows_progress { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let steps = u64::from(first.through(last)) + 4;
    let progress = ProgressBar::with_draw_target(Some(steps), target).with_finish(ProgressFinish::AndClear);
    progress.set_style(ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}")?);
    progress.set_message("registering participants");
    day.prepare()?;
    progress.inc(1);
    progress.set_message("support auction");
    let (support, won) = day.support_auction()?;
    progress.inc(1);
    progress.set_message("call auction");
    let call = day.call_auction()?;
    progress.inc(1);
    progress.set_message("gallium round");
    let gallium = day.gallium_round()?;
    progress.inc(1);
    let mut runs = Vec::new();
    let mut next = Some(first);
    while let Some(month) = next.filter(|month| *month <= last) {
        progress.set_message(format!("settling {month}"));
        runs.push(day.settle(month)?);
        progress.inc(1);
        next = month.next();
    }
    progress.finish_and_clear();
    let (traders, refusals) = (day.traders().to_vec(), day.refusals().to_vec());
    let small = day.small_programme().to_vec();
    let played = PlayedDay { traders, support, won, call, gallium, runs, small, refusals, sessions: None };
    Ok((played, day.into_venue()))
}

/// `done`, or the refusal's name.
fn outcome(answer: &Answer) -> &'static str {
    match &answer.outcome {
        Ok(()) => "done",
        Err(reject) => reject.name(),
    }
}

fn plain_line(sender: IdentityId, id: CommandId, answer: &Answer, position: Position) {
    let (sequence, outcome) = (answer.sequence, outcome(answer));
    print::line(format_args!(
        "acknowledged sequence {sequence} sender {sender} id {id} {outcome} position {position}"
    ));
}

fn json_line(sender: IdentityId, id: CommandId, answer: &Answer, position: Position) {
    print::line(serde_json::json!({
        "acknowledged": {
            "sequence": answer.sequence.0,
            "sender": sender.0,
            "id": id.0,
            "outcome": outcome(answer),
            "position": position.to_string(),
        }
    }));
}
