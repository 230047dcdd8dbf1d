//! `golv demo`: the market day of [`golv_sim::day`], played through the pipeline and told to a person.
//!
//! Played here means: every command goes through the ring to the writer, is journalled and flushed, and
//! answered when it is durable. Then the exchange is dropped, started again from its journal, and must come
//! to the digests that it had.

mod tables;
mod told;
mod venue;

use std::error::Error;
use std::path::{Path, PathBuf};

use golv_sim::day::{self, MarketDay};
use indicatif::{ProgressBar, ProgressStyle};

use crate::pipeline::{Creation, Pipeline, Stopped, Waiting};
use crate::print;
use told::Told;
use venue::LocalVenue;

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
    let pipeline = Pipeline::create(dir, creation, day::founding(), Waiting::Park)?;
    let acknowledge = options.data.is_some().then_some(if options.json { json_line } else { plain_line });
    let mut day = MarketDay::new(LocalVenue::new(pipeline.connect()?, acknowledge), seed);

    let (first, last) = day::months();
    // Hidden by itself where standard error is not a terminal.
    let progress = ProgressBar::new(u64::from(first.through(last)) + 3);
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
    let mut runs = Vec::new();
    let mut next = Some(first);
    while let Some(month) = next.filter(|month| *month <= last) {
        progress.set_message(format!("settling {month}"));
        runs.push(day.settle(month)?);
        progress.inc(1);
        next = month.next();
    }
    progress.finish_and_clear();

    let traders = day.traders().to_vec();
    let refusals = day.refusals().to_vec();
    drop(day);
    let before = pipeline.stop()?;
    let (restarted, _) = Pipeline::open(dir, Waiting::Park)?;
    let after = restarted.stop()?;
    if after != before {
        return Err(OtherDigests { before, after }.into());
    }
    Ok(Told { seed, traders, support, won, call, runs, refusals, before, after })
}

fn plain_line(acknowledged: &venue::Acknowledged) {
    let venue::Acknowledged { sequence, sender, id, outcome } = acknowledged;
    print::line(format_args!("acknowledged sequence {sequence} sender {sender} id {id} {outcome}"));
}

fn json_line(acknowledged: &venue::Acknowledged) {
    let venue::Acknowledged { sequence, sender, id, outcome } = acknowledged;
    let line = serde_json::json!({
        "acknowledged": { "sequence": sequence.0, "sender": sender.0, "id": id.0, "outcome": outcome }
    });
    print::line(line);
}
