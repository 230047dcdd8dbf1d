//! `golv settle`: contracts for difference from files are settled, run after run.
//!
//! What a period pays is the engine's ([`golv_engine::cfd::Payoff`]); here files are read, the revisions that a run sees are
//! chosen, and lines are written as they are worked out. Deliveries are kept as sixteen bytes a row, so millions of them are
//! ordinary. `docs/settlement.md` says what each column means.

mod contracts;
mod data;
mod lines;
pub(crate) mod rows;
mod totals;

use std::error::Error;
use std::fs::{File, Permissions};
use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use clap::Args;
use crossbeam_channel::{Receiver, bounded};
use golv_engine::num::Quantity;
use indicatif::{ProgressBar, ProgressFinish, ProgressStyle};

use contracts::Contracts;
pub(crate) use contracts::Names;
use data::{Data, ReferencePrices, Revised, View};
use lines::{Fault, FaultKind, HEAD, Run, Sums, Work, quoted};
use rows::InputError;
use totals::Totals;

use crate::print::Printed;

/// Contracts, and what they are settled on.
#[derive(Args, Debug)]
pub struct Settle {
    /// The contracts, as CSV
    #[arg(long, value_name = "FILE")]
    contracts: PathBuf,
    /// The prices of their indices, as CSV
    #[arg(long, value_name = "FILE")]
    reference_prices: PathBuf,
    /// What was delivered under them, as CSV
    #[arg(long, value_name = "FILE")]
    deliveries: PathBuf,
    /// Strikes that change over time, as CSV
    #[arg(long, value_name = "FILE")]
    strikes: Option<PathBuf>,
    /// The values of the indices that strikes follow, as CSV
    #[arg(long, value_name = "FILE")]
    cpi: Option<PathBuf>,
    /// Which run: it sees of each price and delivery the highest revision up to its number [default: the highest revision]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    run: Option<u32>,
    /// As it would have been with no revision above this
    #[arg(long, value_name = "REVISION", value_parser = clap::value_parser!(u32).range(1..))]
    as_of: Option<u32>,
    /// Where the lines are written, as CSV; - writes them to standard output, and the totals to standard error
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    printed: Printed,
}

/// For everybody, as far as the user's mask allows: the mode of any new file.
const READ_AND_WRITE: u32 = 0o666;

/// Contracts that are settled together by one worker, before their lines are written.
const CHUNK: usize = 64;

/// Settles contracts, writes a line for each period and prints what each party gets.
///
/// # Errors
/// If a file cannot be read, a period cannot be settled, or the lines cannot be written. Then no file of lines is left.
pub fn settle(options: &Settle) -> Result<(), Box<dyn Error>> {
    if let Some(input) = options.replaced_input() {
        return Err(
            format!("--out would replace {}, which is read: name another file", input.display()).into()
        );
    }
    let contracts = Contracts::read(&options.contracts, options.strikes.as_deref(), options.cpi.as_deref())?;
    let progress = reading(&[&options.reference_prices, &options.deliveries]);
    let data =
        Data::read(&contracts, &options.reference_prices, &options.deliveries, options.as_of, &progress)?;
    progress.finish_and_clear();
    let number = options.run.unwrap_or(data.newest);
    let highest = |run: u32| View(options.as_of.map_or(run, |highest| run.min(highest)));
    let run = Run { number, views: [highest(number), highest(number - 1)] };
    let job = Job { options, contracts: &contracts, data: &data, run };
    let totals = match options.out.canonicalize() {
        _ if options.out.as_os_str() == "-" => job.write(&mut io::stdout().lock())?,
        // A pipe or a device takes the lines as they come.
        Ok(out) if !out.is_file() => job.write(&mut File::create(out)?)?,
        Ok(out) => job.replace(&out)?,
        Err(_) => job.replace(&options.out)?,
    };
    let outside = data.outside.map_or(0, |(count, _)| count);
    if let Some((_, first)) = data.outside {
        eprintln!(
            "golv: {outside} of the deliveries lie outside the days of their contracts and pay nothing; the first is in {}, \
             line {}",
            options.deliveries.display(),
            first.line_in(&options.deliveries)
        );
    }
    totals.print(options, &contracts, run.number, outside)
}

impl Settle {
    /// The file that is read and would be replaced by the lines, if one would.
    fn replaced_input(&self) -> Option<&Path> {
        let out = self.out.canonicalize().ok()?;
        let needed = [&self.contracts, &self.reference_prices, &self.deliveries];
        let mut inputs = needed.into_iter().chain(&self.strikes).chain(&self.cpi);
        inputs.find(|input| input.canonicalize().is_ok_and(|input| input == out)).map(PathBuf::as_path)
    }
}

/// A bar over the bytes of some files, where somebody looks at it. It is gone when it is dropped, by an error too.
pub(crate) fn reading(files: &[&Path]) -> ProgressBar {
    let length = files.iter().filter_map(|file| file.metadata().ok()).map(|metadata| metadata.len()).sum();
    let bar = ProgressBar::new(length).with_finish(ProgressFinish::AndClear);
    let layout = "reading {wide_bar} {bytes} of {total_bytes}, {eta} left";
    bar.with_style(ProgressStyle::with_template(layout).expect("the layout is a template"))
}

/// A run, with all that it is computed from.
struct Job<'a> {
    options: &'a Settle,
    contracts: &'a Contracts,
    data: &'a Data,
    run: Run,
}

/// The lines of some contracts, and what each comes to; or the contract that cannot be settled.
type Worked = Result<(Vec<u8>, Vec<Sums>), (usize, Fault, Option<Revised<Quantity>>)>;

impl Job<'_> {
    /// Writes the lines beside a file and puts them in its place: what is refused half way leaves nothing behind.
    fn replace(&self, out: &Path) -> Result<Totals, Box<dyn Error>> {
        let folder = out.parent().filter(|folder| !folder.as_os_str().is_empty());
        let mut file = tempfile::Builder::new()
            .permissions(Permissions::from_mode(READ_AND_WRITE))
            .tempfile_in(folder.unwrap_or(Path::new(".")))
            .map_err(|error| format!("{} cannot be written: {}", out.display(), error.kind()))?;
        let totals = self.write(file.as_file_mut())?;
        file.persist(out).map_err(|error| format!("{} cannot be written: {}", out.display(), error.error))?;
        Ok(totals)
    }

    /// Works all lines out on as many threads as there are, and writes them in the order of the contracts.
    fn write(&self, out: &mut dyn Write) -> Result<Totals, Box<dyn Error>> {
        let reference_prices = self.data.reference_prices(self.contracts, self.run.views);
        let contracts = self.contracts.all.len();
        let progress = ProgressBar::new(contracts as u64).with_finish(ProgressFinish::AndClear);
        let layout = "settling {wide_bar} {pos} of {len} contracts, {eta} left";
        progress.set_style(ProgressStyle::with_template(layout).expect("the layout is a template"));
        let mut totals = Totals::default();
        out.write_all(HEAD.as_bytes())?;
        let workers = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        std::thread::scope(|scope| -> Result<(), Box<dyn Error>> {
            // Each worker takes every so many-th chunk, and is at most two ahead of what is written.
            let queues: Vec<Receiver<Worked>> = (0..workers)
                .map(|worker| {
                    let (worked, queue) = bounded(2);
                    let reference_prices = &reference_prices;
                    scope.spawn(move || {
                        let chunks = (0..contracts).step_by(CHUNK).skip(worker).step_by(workers);
                        for first in chunks {
                            let chunk = self.chunk(reference_prices, first..contracts.min(first + CHUNK));
                            // Whoever waits for lines gives up at the first fault.
                            if worked.send(chunk).is_err() {
                                return;
                            }
                        }
                    });
                    queue
                })
                .collect();
            for (chunk, first) in (0..contracts).step_by(CHUNK).enumerate() {
                let worked = queues[chunk % workers].recv().expect("a worker sends each of its chunks");
                let (lines, sums) =
                    worked.map_err(|(contract, fault, delivery)| self.error(contract, fault, delivery))?;
                out.write_all(&lines)?;
                for (contract, sums) in self.contracts.all[first..].iter().zip(sums) {
                    totals.add(contract, sums);
                }
                progress.inc(CHUNK as u64);
            }
            Ok(())
        })?;
        out.flush()?;
        progress.finish_and_clear();
        Ok(totals)
    }

    fn chunk(&self, reference_prices: &ReferencePrices<2>, chunk: std::ops::Range<usize>) -> Worked {
        let (mut lines, mut sums) = (Vec::new(), Vec::new());
        for number in chunk {
            let contract = &self.contracts.all[number];
            let name = quoted(self.contracts.names.name(number as u32));
            let averages = reference_prices.of(contract.index, contract.calendar);
            let work = Work { contract, name: &name, run: self.run, averages };
            let deliveries = &self.data.deliveries[number];
            let of_contract = work.lines(deliveries, &mut lines);
            sums.push(
                of_contract.map_err(|fault| (number, fault, work.delivery_of(deliveries, fault.period)))?,
            );
        }
        Ok((lines, sums))
    }

    /// What is wrong with a delivery that cannot be settled.
    fn error(&self, contract: usize, fault: Fault, delivery: Option<Revised<Quantity>>) -> InputError {
        let index = self.contracts.indices.name(self.contracts.all[contract].index);
        let reason = match fault.kind {
            FaultKind::NoReferencePrice => format!(
                "lies in a period, {}, of which run {} sees no price of index {index}",
                fault.period, self.run.number
            ),
            FaultKind::NoStrike => {
                format!("lies in a period, {}, for which the contract has no strike", fault.period)
            }
            FaultKind::TooLarge => {
                format!("lies in a period, {}, whose amount is larger than can be held", fault.period)
            }
        };
        let name = self.contracts.names.name(contract as u32);
        let delivery = delivery.expect("a period is settled because it has a delivery");
        data::delivery_error(&self.options.deliveries, name, &delivery, &reason)
    }
}
