//! `golv sim sweep`: rows for every play of a grid, in a file that can be gone on with.

use std::error::Error;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use clap::Args;
use golv_sim::parquet::{self, ParquetError};
use golv_sim::sweep::{Parameter, RowsError, Summary, Sweep, read, standing, summarise};
use indicatif::{ProgressBar, ProgressStyle};

use super::paths::PathOptions;
use super::source::{self, Source};
use crate::print::{self, grouped, table};

/// What to sweep over, and where to.
#[derive(Args, Debug)]
pub struct SweepOptions {
    /// The scenario: a name of golv sim scenarios, or a file that ends in .toml
    #[arg(value_name = "SCENARIO")]
    scenario: String,
    /// A key of the file and the values to try for it, such as policy.floor.strike=95000,105000; may be repeated
    ///
    /// Elements of lists are named by their number from 0: producer.massif.cost.0.price=70000 or shock.0.share=0.2,0.4.
    #[arg(long, value_name = "KEY=VALUE,…")]
    set: Vec<Parameter>,
    /// The policies, by their keys; all if not given
    #[arg(long, value_name = "KEY,…", value_delimiter = ',')]
    policies: Vec<String>,
    /// How many paths are played at each point of the grid
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    paths: u32,
    #[command(flatten)]
    how: PathOptions,
    /// The CSV file for the rows; one of this very sweep is gone on with
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// A Parquet file for the same rows, once all are there
    #[arg(long, value_name = "FILE")]
    parquet: Option<PathBuf>,
}

/// Why rows cannot be written or read back.
#[derive(Debug, thiserror::Error)]
enum OutError {
    #[error("{} cannot be read or written", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("{} is left as it is; choose another --out", path.display())]
    Other { path: PathBuf, source: RowsError },
    #[error("{} cannot be written", path.display())]
    Parquet { path: PathBuf, source: ParquetError },
}

/// Plays what is not played yet, and prints what all of it comes to.
pub(super) fn run(options: &SweepOptions) -> Result<(), Box<dyn Error>> {
    if let Some(path) = &options.parquet {
        parquet::available().map_err(|source| OutError::Parquet { path: path.clone(), source })?;
    }
    let source = Source::find(&options.scenario)?;
    source::policies(&source.scenario()?, &options.policies)?;
    options.how.set_threads()?;
    let open = |file: &str| source.open(file);
    let (set, method, paths) = (options.set.clone(), options.how.method(), u64::from(options.paths));
    let sweep = Sweep::new(&source.text, set, &options.policies, method, paths, options.how.seed, &open)?;
    let rows = go_on(&sweep, &options.out)?;
    if let Some(path) = &options.parquet {
        write_parquet(&rows, path)?;
    }
    let done = read(&rows).map_err(|source| OutError::Other { path: options.out.clone(), source })?;
    if let Some(process) = sweep.process() {
        print::line(format_args!(
            "Fitted at the first point, by period: back to the mean {:.4}, standard deviation {:.4}; a jump in {:.1} % of the periods, \
             mean {:.4}, standard deviation {:.4}",
            process.reversion,
            process.deviation,
            process.jump_chance * 100.0,
            process.jump_mean,
            process.jump_deviation
        ));
    }
    print::line(summary(&done.parameters, &summarise(&done)));
    print::line(format_args!("{} rows in {}", grouped(&done.rows.len().to_string()), options.out.display()));
    Ok(())
}

/// Writes rows as a Parquet file, in place of one that is there.
fn write_parquet(rows: &str, path: &Path) -> Result<(), OutError> {
    let file = File::create(path).map_err(|source| OutError::Io { path: path.into(), source })?;
    parquet::write_rows(rows, file).map_err(|source| OutError::Parquet { path: path.into(), source })
}

/// Plays what a file lacks of a sweep; all of its rows.
fn go_on(sweep: &Sweep, path: &Path) -> Result<String, Box<dyn Error>> {
    let failed = |source| OutError::Io { path: path.into(), source };
    let other = |source| OutError::Other { path: path.into(), source };
    let there = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(failed(error).into()),
    };
    // A row that was broken off may end within a letter, and is played again.
    let (jobs, bytes) = standing(sweep, &String::from_utf8_lossy(&there)).map_err(other)?;
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(path).map_err(failed)?;
    file.set_len(bytes as u64).map_err(failed)?;
    let mut out = BufWriter::new(file);
    out.seek(SeekFrom::End(0)).map_err(failed)?;
    if bytes == 0 {
        out.write_all(sweep.header().line().as_bytes()).map_err(failed)?;
    }
    let progress = progress(sweep, jobs);
    sweep.run(jobs, &mut out, &mut |jobs| progress.set_position(jobs))?;
    progress.finish_and_clear();
    out.flush().map_err(failed)?;
    Ok(std::fs::read_to_string(path).map_err(failed)?)
}

/// How far a sweep is, and how long it will take; hidden by itself where standard error is not a terminal.
pub(super) fn progress(sweep: &Sweep, jobs: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} paths, {eta} left").expect("a template");
    let progress = ProgressBar::new(sweep.jobs()).with_style(style).with_position(jobs);
    progress.reset_eta();
    progress
}

/// A row for each point and policy.
fn summary(parameters: &[String], summaries: &[Summary]) -> String {
    let figures = [
        "policy",
        ">paths",
        ">cost, mean",
        ">median",
        ">95 %",
        ">99 %",
        ">discounted",
        ">budget at risk",
        ">survival",
        ">unit cost",
        ">efficiency",
    ];
    let columns: Vec<&str> = parameters.iter().map(String::as_str).chain(figures).collect();
    let whole = |figure: f64| grouped(&format!("{:.0}", figure + 0.0));
    let rows = summaries.iter().map(|summary| {
        let figures = [
            summary.policy.clone(),
            grouped(&summary.cost.count().to_string()),
            whole(summary.cost.mean()),
            whole(summary.cost.quantile(0.5)),
            whole(summary.cost.quantile(0.95)),
            whole(summary.cost.quantile(0.99)),
            whole(summary.discounted.mean()),
            whole(summary.budget_at_risk()),
            format!("{:.1} %", summary.survival.mean() * 100.0),
            grouped(&format!("{:.2}", summary.buyers_unit_cost.mean())),
            format!("{:.1} %", summary.efficiency.mean() * 100.0),
        ];
        summary.point.iter().cloned().chain(figures).collect()
    });
    table(&columns, rows).to_string()
}
