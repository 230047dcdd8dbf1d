//! Many plays: every point of a grid, on every path, under every policy.
//!
//! What is written does not depend on how many threads there are: rows come in the order of point, path and policy, and each is a function
//! of the scenario's text, the point and the path's number. So a sweep that was broken off goes on where it stopped, and ends in the same bytes.
//!
//! Policies are compared on the same paths (common random numbers): what differs between two rows of one path is the policy alone.
//!
//! | to find … | look in |
//! |---|---|
//! | points of a grid, changing a scenario's values | `grid.rs` |
//! | paths: history, block bootstrap, a fitted process | `paths.rs` |
//! | the rows, and reading them back | `rows.rs` |
//! | what a sweep comes to by point and policy | `summary.rs` |

mod grid;
mod paths;
mod rows;
mod summary;

use std::io::{self, Write};

use rayon::prelude::*;

use crate::metrics::Metrics;
use crate::play::{PathError, PlayError, PricePath, play_on_engine};
use crate::prices::convert::Converted;
use crate::scenario::{Policy, Scenario};
use crate::venue::NothingHappened;

pub use grid::{Parameter, ParseParameterError, Point, PointError, points, scenario_at};
pub use paths::{FitError, Generator, JumpProcess};
pub use rows::{Done, Header, Row, RowsError, read, standing};
pub use summary::{Summary, summarise};

/// A sweep that was checked as far as it can be before it runs.
pub struct Sweep {
    /// The names of what the points change.
    parameters: Vec<Parameter>,
    places: Vec<Place>,
    /// The policies, by key, that each point is played under.
    policies: Vec<String>,
    /// How many paths there are; history is one.
    paths: u64,
    /// What the paths are drawn from.
    seed: u64,
}

/// A point with all that its plays need.
struct Place {
    point: Point,
    scenario: Scenario,
    history: PricePath,
    converted: Converted,
    generator: Generator,
}

/// How a sweep makes its paths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// History, once.
    History,
    /// Block bootstrap of so many periods at a time.
    Bootstrap {
        /// How many.
        block: u32,
    },
    /// A mean-reverting process with jumps, fitted to each point's series.
    Jumps,
}

/// Why a sweep cannot begin or go on.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    /// A point of the grid is no scenario.
    #[error(transparent)]
    Point(#[from] PointError),
    /// A scenario has no prices.
    #[error(transparent)]
    Path(#[from] PathError),
    /// A process cannot be fitted.
    #[error(transparent)]
    Fit(#[from] FitError),
    /// A point has no such policy.
    #[error("the scenario has no policy '{0}'")]
    NoPolicy(String),
    /// A play failed.
    #[error("policy '{policy}' on path {path}")]
    Play {
        /// The policy.
        policy: String,
        /// The path.
        path: u64,
        /// Why.
        source: PlayError<NothingHappened>,
    },
    /// Rows cannot be written.
    #[error("the rows cannot be written")]
    Write(#[from] io::Error),
}

impl Sweep {
    /// A sweep of a scenario's text over a grid. Without `policies` all are played; with [`Method::History`] there is one path, whatever
    /// `paths` says.
    ///
    /// # Errors
    /// [`SweepError`], before anything is played.
    pub fn new(
        text: &str,
        parameters: Vec<Parameter>,
        policies: &[String],
        method: Method,
        paths: u64,
        seed: Option<u64>,
        open: &dyn Fn(&str) -> Result<String, io::Error>,
    ) -> Result<Self, SweepError> {
        let mut places = Vec::new();
        for point in points(&parameters) {
            let scenario = scenario_at(text, &parameters, &point, open)?;
            let (history, converted) = PricePath::historic(&scenario)?;
            let generator = match method {
                Method::History => Generator::History,
                Method::Bootstrap { block } => Generator::Bootstrap { block },
                Method::Jumps => Generator::Jumps(JumpProcess::fit(&converted.series)?),
            };
            places.push(Place { point, scenario, history, converted, generator });
        }
        let first = places.first().expect("a grid has a point");
        let all = first.scenario.policies.iter().map(|policy| policy.key.clone());
        let policies: Vec<String> = if policies.is_empty() { all.collect() } else { policies.to_vec() };
        for (place, key) in places.iter().flat_map(|place| policies.iter().map(move |key| (place, key))) {
            if place.scenario.policy(key).is_none() {
                return Err(SweepError::NoPolicy(key.clone()));
            }
        }
        let seed = seed.unwrap_or(first.scenario.seed);
        let paths = if method == Method::History { 1 } else { paths.max(1) };
        Ok(Self { parameters, places, policies, paths, seed })
    }

    /// How many times a path is played: each is as many rows as there are policies.
    pub fn jobs(&self) -> u64 {
        self.places.len() as u64 * self.paths
    }

    /// The first line of the rows.
    pub fn header(&self) -> Header {
        Header::of(self.parameters.iter().map(|parameter| parameter.path.clone()))
    }

    /// The process that was fitted at the first point, if paths are made by one.
    pub fn process(&self) -> Option<JumpProcess> {
        match self.places.first()?.generator {
            Generator::Jumps(process) => Some(process),
            Generator::History | Generator::Bootstrap { .. } => None,
        }
    }

    /// What the first columns of a job's rows say, which is how a sweep knows its own.
    pub fn begins(&self, job: u64) -> Vec<Vec<String>> {
        let (place, path) = self.at(job);
        self.policies.iter().map(|policy| self.labels(place, path, policy)).collect()
    }

    /// Plays all jobs from `from` on, and writes their rows to `out` in order; `progress` is told how many jobs are done.
    ///
    /// On all threads of the pool it is called in: jobs are played some at a time, and their rows written when all of those are done.
    ///
    /// # Errors
    /// [`SweepError`]; whole jobs were written before.
    pub fn run(
        &self,
        from: u64,
        out: &mut dyn Write,
        progress: &mut dyn FnMut(u64),
    ) -> Result<(), SweepError> {
        // Long enough that threads seldom wait for the last of a batch, short enough that little is lost when it is broken off.
        let batch = 32 * rayon::current_num_threads() as u64;
        let mut next = from;
        while next < self.jobs() {
            let end = (next + batch).min(self.jobs());
            let rows: Result<Vec<String>, SweepError> =
                (next..end).into_par_iter().map(|job| self.job(job)).collect();
            for rows in rows? {
                out.write_all(rows.as_bytes())?;
            }
            out.flush()?;
            next = end;
            progress(next);
        }
        Ok(())
    }

    fn at(&self, job: u64) -> (&Place, u64) {
        let place = usize::try_from(job / self.paths).expect("a place of the grid");
        (&self.places[place], job % self.paths)
    }

    fn labels(&self, place: &Place, path: u64, policy: &str) -> Vec<String> {
        let hash = place.scenario.hash.to_string();
        let labels = [hash].into_iter().chain(place.point.iter().cloned());
        labels.chain([self.seed.to_string(), path.to_string(), policy.to_owned()]).collect()
    }

    /// The rows of a job.
    fn job(&self, job: u64) -> Result<String, SweepError> {
        let (place, number) = self.at(job);
        let Place { scenario, history, converted, generator, .. } = place;
        let path = generator.path(scenario, history, &converted.series, self.seed, number);
        let path = path.shocked(scenario);
        let mut text = String::new();
        for key in &self.policies {
            let policy: &Policy = scenario.policy(key).expect("it was looked for when the sweep was made");
            let (outcome, _) = play_on_engine(scenario, policy, &path)
                .map_err(|source| SweepError::Play { policy: key.clone(), path: number, source })?;
            let metrics = Metrics::of(scenario, policy, &outcome);
            text.push_str(&rows::line(&self.labels(place, number, key), &metrics));
        }
        Ok(text)
    }
}

#[cfg(test)]
mod tests;
