//! How a figure is distributed over many paths.

use ordered_float::OrderedFloat;

/// A figure over many paths, in order of size; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Distribution(Vec<OrderedFloat<f64>>);

impl Distribution {
    /// The distribution of some figures; `None` without any, or if one is not a number.
    pub fn of(figures: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut figures: Vec<OrderedFloat<f64>> = figures.into_iter().map(OrderedFloat).collect();
        if figures.is_empty() || figures.iter().any(|figure| figure.is_nan()) {
            return None;
        }
        figures.sort_unstable();
        Some(Self(figures))
    }

    /// How many paths there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The average. Summed in order of size, so that it does not depend on the order of the paths.
    pub fn mean(&self) -> f64 {
        self.0.iter().map(|figure| figure.0).sum::<f64>() / self.0.len() as f64
    }

    /// The smallest figure that at least `share` of the paths do not exceed: of n figures the ⌈share · n⌉th. `share` is above 0 and
    /// not above 1.
    pub fn quantile(&self, share: f64) -> f64 {
        // A share such as 0.95 of 20 comes out a little above 19, and is meant to be the 19th.
        let rank = (share * self.0.len() as f64 - 1e-9).ceil().max(1.0) as usize;
        self.0[rank.min(self.0.len()) - 1].0
    }

    /// The largest.
    pub fn most(&self) -> f64 {
        self.0[self.0.len() - 1].0
    }

    /// The share of paths whose figure is above one.
    pub fn share_above(&self, limit: f64) -> f64 {
        let below = self.0.partition_point(|figure| figure.0 <= limit);
        (self.0.len() - below) as f64 / self.0.len() as f64
    }

    /// The figures, smallest first.
    pub fn figures(&self) -> impl Iterator<Item = f64> {
        self.0.iter().map(|figure| figure.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn quantiles_are_figures_that_came_out() {
        let twenty = Distribution::of((1..=20).rev().map(f64::from)).expect("some");
        assert_eq!(twenty.quantile(0.95), 19.0);
        assert_eq!(twenty.quantile(0.99), 20.0);
        assert_eq!(twenty.quantile(1.0), 20.0);
        assert_eq!((twenty.mean(), twenty.most(), twenty.count()), (10.5, 20.0, 20));
        assert_eq!(twenty.share_above(18.0), 0.1);
        assert_eq!(Distribution::of([]), None);
        assert_eq!(Distribution::of([1.0, f64::NAN]), None);
    }

    proptest! {
        /// By the definition: no more than it in the share of paths, and nothing smaller would do.
        #[test]
        fn a_quantile_is_the_smallest_that_will_do(
            figures in prop::collection::vec(-50_i32..50, 1..60),
            percent in 1_u32..=100,
        ) {
            let distribution = Distribution::of(figures.iter().map(|figure| f64::from(*figure))).expect("some");
            let quantile = distribution.quantile(f64::from(percent) / 100.0);
            let within = |limit: f64| figures.iter().filter(|figure| f64::from(**figure) <= limit).count() * 100;
            let wanted = figures.len() * percent as usize;
            prop_assert!(within(quantile) >= wanted);
            prop_assert!(within(quantile - 1.0) < wanted || !figures.contains(&(quantile as i32 - 1)));
        }
    }
}
