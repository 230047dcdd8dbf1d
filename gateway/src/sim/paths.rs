//! Paths of prices that might have been: how they are asked for, and what policies come to on them.

use clap::{Args, ValueEnum};
use golv_sim::sweep::{Method, Summary, Sweep, SweepError, read, summarise};
use rayon::{ThreadPoolBuildError, ThreadPoolBuilder};

use super::source::Source;

/// How paths are made and played.
#[derive(Args, Debug)]
pub(super) struct PathOptions {
    /// How paths are made of history
    #[arg(long, value_enum, default_value = "bootstrap")]
    method: MethodChoice,
    /// With --method bootstrap: how many periods of history follow each other as they did
    #[arg(long, value_name = "N", default_value_t = 6, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    block: u32,
    /// What the paths are drawn from; the scenario's own seed if not given
    #[arg(long)]
    pub(super) seed: Option<u64>,
    /// How many threads play; as many as there are processors if not given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1_024))]
    threads: Option<u16>,
}

/// How paths are made, as it is named on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum MethodChoice {
    /// Blocks of its relative changes, drawn with replacement
    Bootstrap,
    /// A mean-reverting process with jumps that is fitted to it; needs 24 prices
    Jumps,
    /// History itself: one path
    History,
}

impl PathOptions {
    pub(super) fn method(&self) -> Method {
        match self.method {
            MethodChoice::Bootstrap => Method::Bootstrap { block: self.block },
            MethodChoice::Jumps => Method::Jumps,
            MethodChoice::History => Method::History,
        }
    }

    /// Sets how many threads this process plays on. Once, before anything is played.
    pub(super) fn set_threads(&self) -> Result<(), ThreadPoolBuildError> {
        let threads = self.threads.map_or(0, usize::from);
        ThreadPoolBuilder::new().num_threads(threads).build_global()
    }

    /// What policies come to on so many paths; nothing without any.
    pub(super) fn summaries(
        &self,
        source: &Source,
        policies: &[String],
        paths: u32,
    ) -> Result<Vec<Summary>, SweepError> {
        if paths == 0 {
            return Ok(Vec::new());
        }
        let open = |file: &str| source.open(file);
        let paths = u64::from(paths);
        let sweep = Sweep::new(&source.text, Vec::new(), policies, self.method(), paths, self.seed, &open)?;
        let mut rows = sweep.header().line().into_bytes();
        let progress = super::sweep::progress(&sweep, 0);
        sweep.run(0, &mut rows, &mut |jobs| progress.set_position(jobs))?;
        progress.finish_and_clear();
        let rows = String::from_utf8(rows).expect("rows are text");
        Ok(summarise(&read(&rows).expect("its own rows are read back")))
    }
}
