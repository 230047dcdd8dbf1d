//! Random numbers of a world.

use golv_sim::random::Stream;

/// A stream of numbers from a world's seed: each part of a world has its own, so that what one draws changes nothing in another.
#[derive(Debug)]
pub(super) struct Draw(Stream);

impl Draw {
    pub(super) fn new(seed: u64, part: &str) -> Self {
        Self(Stream::new(seed, part))
    }

    /// A number below a bound that is not 0.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.0.between(0, bound as i64 - 1).unsigned_abs()
    }

    /// Once in so many times.
    pub(super) fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }
}
