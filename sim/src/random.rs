//! Random numbers from one root seed, split by name into streams.
//!
//! Each use has a stream of its own, so that drawing one number more in one place changes nothing in
//! another. The generator is ChaCha8, whose output for a given key is fixed by its specification.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};
use sha2::{Digest as _, Sha256};

/// A stream of random numbers.
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
    fn a_range_is_reached_to_both_ends_and_not_left() {
        let drawn = draw(7, "x");
        assert!((-3..=3).all(|number| drawn.contains(&number)));
        assert!(drawn.iter().all(|number| (-3..=3).contains(number)));
        assert_eq!(Stream::new(1, "whole").between(i64::MIN, i64::MIN), i64::MIN);
        let _ = Stream::new(1, "whole").between(i64::MIN, i64::MAX);
    }
}
