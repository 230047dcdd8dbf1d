//! Random numbers from one root seed, split by name into streams.
//!
//! Each use has a stream of its own, so that drawing one number more in one place changes nothing in
//! another. The generator is ChaCha8, whose output for a given key is fixed by its specification.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};
use sha2::{Digest as _, Sha256};

/// A stream of random numbers.
#[derive(Debug)]
pub struct Stream(ChaCha8Rng);

impl Stream {
    /// The stream of that name under a root seed: its key is SHA-256(seed ‖ name).
    pub fn new(seed: u64, name: &str) -> Self {
        let key = Sha256::new().chain_update(seed.to_le_bytes()).chain_update(name).finalize();
        Self(ChaCha8Rng::from_seed(key.into()))
    }

    /// A number from `low` to `high`, both included and `low` not above `high`.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        assert!(low <= high, "a range has a low and a high end");
        let width = high.abs_diff(low) as u128 + 1;
        // The high half of a 64 × 65 bit product; its bias is below 2⁻³² for any width used here.
        let above = (u128::from(self.0.next_u64()) * width) >> 64;
        low.wrapping_add_unsigned(above as u64)
    }

    /// A number from 0 on and below 1, in steps of 2⁻⁵³.
    pub fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A number of the standard normal distribution (Box and Muller, *A Note on the Generation of Random Normal Deviates*, 1958).
    pub fn normal(&mut self) -> f64 {
        // 1 − u is above 0, where the logarithm is finite.
        let (radius, angle) = (1.0 - self.unit(), self.unit());
        (-2.0 * radius.ln()).sqrt() * (std::f64::consts::TAU * angle).cos()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(seed: u64, name: &str) -> Vec<i64> {
        let mut stream = Stream::new(seed, name);
        (0..100).map(|_| stream.between(-3, 3)).collect()
    }

    #[test]
    fn streams_repeat_and_differ_by_seed_and_name() {
        assert_eq!(draw(1, "costs"), draw(1, "costs"));
        assert_ne!(draw(1, "costs"), draw(2, "costs"));
        assert_ne!(draw(1, "costs"), draw(1, "demand"));
    }

    #[test]
    fn normal_numbers_have_their_mean_and_deviation() {
        let mut stream = Stream::new(3, "normal");
        let drawn: Vec<f64> = (0..20_000).map(|_| stream.normal()).collect();
        let mean = drawn.iter().sum::<f64>() / 20_000.0;
        let square = drawn.iter().map(|number| number * number).sum::<f64>() / 20_000.0;
        let within = drawn.iter().filter(|number| number.abs() < 1.0).count();
        assert!(mean.abs() < 0.03 && (square - 1.0).abs() < 0.04, "{mean} {square}");
        assert!((13_200..14_100).contains(&within), "{within} of 20,000, where 68.27 % are expected");
        assert!((0..1_000).all(|_| (0.0..1.0).contains(&stream.unit())));
    }

    #[test]
    fn a_range_is_reached_to_both_ends_and_not_left() {
        let drawn = draw(7, "x");
        assert!((-3..=3).all(|number| drawn.contains(&number)));
        assert!(drawn.iter().all(|number| (-3..=3).contains(number)));
        assert_eq!(Stream::new(1, "whole").between(i64::MIN, i64::MIN), i64::MIN);
        let _ = Stream::new(1, "whole").between(i64::MIN, i64::MAX);
    }
}
