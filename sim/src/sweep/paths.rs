//! Paths of prices that might have been, made of history.
//!
//! | generator | what it does |
//! |---|---|
//! | history | the scenario's own prices |
//! | block bootstrap | strings blocks of history's relative changes together, drawn with replacement; blocks go round from the end to the start |
//! | jumps | an Ornstein–Uhlenbeck process of the logarithm of the price with jumps, fitted to history |
//!
//! Path *k* is drawn from a stream named after it, and from nothing else: whatever policy is tried on it, and in whatever order, it is the
//! same path. Bootstrapped prices are computed in integers; those of the jump process in floating point, whose elementary functions may
//! differ in the last digit between systems.
//!
//! A yearly series makes yearly paths. Every path begins where history stood when the scenario begins, and no price leaves the market's band.

use golv_engine::num::{Price, divide_half_even};
use golv_engine::time::Month;

use crate::play::{PricePath, months};
use crate::prices::Series;
use crate::random::Stream;
use crate::scenario::Scenario;

/// What makes paths.
#[derive(Clone, Debug)]
pub enum Generator {
    /// History itself.
    History,
    /// Blocks of so many periods; at least one.
    Bootstrap {
        /// How many periods follow each other as they did.
        block: u32,
    },
    /// A process that was fitted.
    Jumps(JumpProcess),
}

/// A mean-reverting process with jumps, by the period: x' = x + κ (μ − x) + σ ε + jump, x being the logarithm of the price.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct JumpProcess {
    /// κ: what part of the way to the mean is made in a period.
    pub reversion: f64,
    /// μ: the mean of the logarithm.
    pub mean: f64,
    /// σ: the standard deviation of a period's change without jumps.
    pub deviation: f64,
    /// How likely a jump is in a period.
    pub jump_chance: f64,
    /// The mean of jumps.
    pub jump_mean: f64,
    /// The standard deviation of jumps.
    pub jump_deviation: f64,
}

/// Why no process can be fitted to a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FitError {
    /// Too few prices.
    #[error("a process is fitted to at least {0} prices")]
    TooShort(usize),
    /// The series has no tendency back to a mean.
    #[error("the series does not return to a mean: a mean-reverting process does not describe it")]
    NotMeanReverting,
    /// A logarithm needs a positive price.
    #[error("a price is zero or negative")]
    NotPositive,
}

/// The fewest prices that a process is fitted to.
const FIT_LEAST: usize = 24;

impl JumpProcess {
    /// Fits a process to a series.
    ///
    /// By least squares of xₜ₊₁ on xₜ: slope 1 − κ. Residuals of more than three standard deviations are jumps; they are taken out, and the
    /// deviation of the rest looked at again, until no more are found (the recursive filter of Clewlow and Strickland, *Energy
    /// Derivatives*, 2000, chapter 2).
    ///
    /// # Errors
    /// [`FitError`].
    pub fn fit(series: &Series) -> Result<Self, FitError> {
        let prices: Vec<f64> = series.points().iter().map(|(_, price)| price.millionths() as f64).collect();
        if prices.len() < FIT_LEAST {
            return Err(FitError::TooShort(FIT_LEAST));
        }
        if prices.iter().any(|price| *price <= 0.0) {
            return Err(FitError::NotPositive);
        }
        let logs: Vec<f64> = prices.iter().map(|price| (price / 1e6).ln()).collect();
        let (before, after) = (&logs[..logs.len() - 1], &logs[1..]);
        let (mean_before, mean_after) = (mean(before), mean(after));
        let products = before.iter().zip(after).map(|(x, y)| (x - mean_before) * (y - mean_after));
        let squares: f64 = before.iter().map(|x| (x - mean_before).powi(2)).sum();
        let slope = products.sum::<f64>() / squares;
        // A series that never moves has no slope at all.
        if !(0.0..1.0).contains(&slope) {
            return Err(FitError::NotMeanReverting);
        }
        let start = mean_after - slope * mean_before;
        let mut rest: Vec<f64> = before.iter().zip(after).map(|(x, y)| y - start - slope * x).collect();
        let count = rest.len();
        let mut jumps = Vec::new();
        loop {
            let limit = 3.0 * deviation(&rest);
            let (plain, far): (Vec<f64>, Vec<f64>) =
                rest.iter().partition(|residual| residual.abs() <= limit);
            if far.is_empty() {
                break;
            }
            jumps.extend(far);
            rest = plain;
        }
        Ok(Self {
            reversion: 1.0 - slope,
            mean: start / (1.0 - slope),
            deviation: deviation(&rest),
            jump_chance: jumps.len() as f64 / count as f64,
            jump_mean: mean(&jumps),
            jump_deviation: deviation(&jumps),
        })
    }

    /// The logarithm a period later.
    fn next(&self, x: f64, stream: &mut Stream) -> f64 {
        let plain = self.reversion * (self.mean - x) + self.deviation * stream.normal();
        // Three numbers are drawn whether there is a jump or not, so that one jump more changes nothing of what comes after.
        let (chance, size) = (stream.unit(), stream.normal());
        let jump = if chance < self.jump_chance { self.jump_mean + self.jump_deviation * size } else { 0.0 };
        x + plain + jump
    }
}

/// The average; nothing where there is none.
fn mean(numbers: &[f64]) -> f64 {
    if numbers.is_empty() { 0.0 } else { numbers.iter().sum::<f64>() / numbers.len() as f64 }
}

fn deviation(numbers: &[f64]) -> f64 {
    let centre = mean(numbers);
    let squares: f64 = numbers.iter().map(|number| (number - centre).powi(2)).sum();
    if numbers.is_empty() { 0.0 } else { (squares / numbers.len() as f64).sqrt() }
}

impl Generator {
    /// The path of a number, without the scenario's shocks; `history` and `series` are the scenario's, the latter in its market's unit and
    /// currency.
    pub fn path(
        &self,
        scenario: &Scenario,
        history: &PricePath,
        series: &Series,
        seed: u64,
        number: u64,
    ) -> PricePath {
        let mut stream = Stream::new(seed, &format!("path {number}"));
        let step = series.frequency.months();
        let periods: Vec<Month> = months(scenario.first, scenario.last).collect();
        let count = periods.len().div_ceil(usize::try_from(step).expect("one or twelve")) + 1;
        let level = history.before().last().or(history.prices().first());
        let level = *level.expect("a path is never empty");
        let levels: Vec<Price> = match self {
            Self::History => return history.clone(),
            Self::Bootstrap { block } => bootstrap(scenario, series, level, *block, count, &mut stream),
            Self::Jumps(process) => {
                let mut x = (level.millionths() as f64 / 1e6).ln();
                let next = |_| {
                    x = process.next(x, &mut stream);
                    within(scenario, (x.exp() * 100.0).round() as i128 * 10_000)
                };
                (0..count).map(next).collect()
            }
        };
        let first = periods.first().map_or(0, |first| place(*first, step));
        let price = |month: &Month| levels[usize::try_from(place(*month, step) - first).expect("in order")];
        let prices = periods.iter().map(price).collect();
        PricePath::new(scenario.first, history.before().to_vec(), prices).expect("a scenario has a month")
    }
}

/// The number of the period that a month lies in.
fn place(month: Month, step: i64) -> i64 {
    (i64::from(month.year()) * 12 + i64::from(month.month()) - 1).div_euclid(step)
}

/// A price inside the market's band.
fn within(scenario: &Scenario, millionths: i128) -> Price {
    let [low, high] =
        [scenario.market.lowest, scenario.market.highest].map(|price| i128::from(price.millionths()));
    Price::from_millionths(i64::try_from(millionths.clamp(low, high)).expect("it lies in the market's band"))
}

/// Levels after one: each the one before × pⱼ₊₁ ÷ pⱼ, rounded half to even.
fn bootstrap(
    scenario: &Scenario,
    series: &Series,
    level: Price,
    block: u32,
    count: usize,
    stream: &mut Stream,
) -> Vec<Price> {
    let points = series.points();
    let pairs: Vec<[i128; 2]> = points
        .iter()
        .zip(points.iter().skip(1))
        .map(|((_, before), (_, after))| [before, after].map(|price| i128::from(price.millionths())))
        .filter(|[before, after]| *before > 0 && *after > 0)
        .collect();
    let Some(last) = pairs.len().checked_sub(1) else { return vec![level; count] };
    let last = i64::try_from(last).expect("a series has some thousand prices");
    let mut levels = Vec::with_capacity(count);
    let mut now = i128::from(level.millionths());
    let mut at = 0;
    for number in 0..count {
        if u32::try_from(number).is_ok_and(|number| number.is_multiple_of(block.max(1))) {
            at = usize::try_from(stream.between(0, last)).expect("a place in the series");
        }
        let [before, after] = pairs[at];
        at = (at + 1) % pairs.len();
        let next = divide_half_even(now * after, before).expect("prices that are kept are positive");
        let price = within(scenario, next);
        now = price.millionths().into();
        levels.push(price);
    }
    levels
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prices::Mass;
    use crate::scenario::library;
    use golv_engine::num::Currency;

    fn lithium() -> (Scenario, PricePath, Series) {
        let scenario = library().iter().find(|ready| ready.name == "lithium").expect("there").scenario();
        let (path, converted) = PricePath::historic(&scenario).expect("whole");
        (scenario, path, converted.series)
    }

    #[test]
    fn a_path_has_its_own_numbers_and_no_others() {
        let (scenario, history, series) = lithium();
        let process = JumpProcess::fit(&series).expect("fits");
        for generator in [Generator::Bootstrap { block: 12 }, Generator::Jumps(process)] {
            let path = |seed, number| generator.path(&scenario, &history, &series, seed, number);
            assert_eq!(path(1, 7), path(1, 7));
            assert_ne!(path(1, 7), path(1, 8));
            assert_ne!(path(1, 7), path(2, 7));
            assert_eq!(path(1, 7).prices().len(), history.prices().len());
            assert_eq!(path(1, 7).before(), history.before());
        }
        assert_eq!(Generator::History.path(&scenario, &history, &series, 1, 3), history);
    }

    /// Each change is one that was, unless it met the upper end of the market's band.
    #[test]
    fn blocks_are_pieces_of_history() {
        let (scenario, history, series) = lithium();
        let path = Generator::Bootstrap { block: 24 }.path(&scenario, &history, &series, 3, 0);
        let ratio = |before: Price, after: Price| after.millionths() as f64 / before.millionths() as f64;
        let points = series.points();
        let known: Vec<f64> =
            points.iter().zip(points.iter().skip(1)).map(|(a, b)| ratio(a.1, b.1)).collect();
        let is_known = |made: &f64| known.iter().any(|known| (known - made).abs() < 1e-6);
        let highest = scenario.market.highest;
        let at_end = |pair: &&[Price]| pair[0] == highest || pair[1] == highest;
        let free: Vec<f64> = path
            .prices()
            .windows(2)
            .filter(|pair| !at_end(pair))
            .map(|pair| ratio(pair[0], pair[1]))
            .collect();
        assert!(free.len() > 100 && free.iter().all(is_known));
    }

    /// A process that is known is found again in a long series that it made.
    #[test]
    fn a_fit_finds_what_made_the_series() {
        let process = JumpProcess {
            reversion: 0.2,
            mean: 11.0,
            deviation: 0.05,
            jump_chance: 0.03,
            jump_mean: 0.3,
            jump_deviation: 0.1,
        };
        let mut stream = Stream::new(5, "fit");
        let mut x = 11.0;
        let mut text = "month,price\n".to_owned();
        for month in months(Month::new(1000, 1).expect("a month"), Month::new(1999, 12).expect("a month")) {
            x = process.next(x, &mut stream);
            text.push_str(&format!("{month},{:.2}\n", x.exp()));
        }
        let series = Series::parse("made".to_owned(), Currency::Usd, Mass::Tonne, &text).expect("a series");
        let found = JumpProcess::fit(&series).expect("fits");
        for (found, made, within) in [
            (found.reversion, process.reversion, 0.05),
            (found.deviation, process.deviation, 0.01),
            (found.jump_chance, process.jump_chance, 0.02),
            (found.jump_mean, process.jump_mean, 0.1),
        ] {
            assert!((found - made).abs() < within, "{found} for {made}");
        }
    }

    #[test]
    fn what_has_no_process_is_refused() {
        let series =
            |text: &str| Series::parse("own".to_owned(), Currency::Usd, Mass::Tonne, text).expect("a series");
        let rows = |price: fn(i32) -> i32| -> String {
            let line = |year| format!("{year},{}\n", price(year - 1960));
            format!("year,price\n{}", (1960..2020).map(line).collect::<String>())
        };
        assert_eq!(JumpProcess::fit(&series("year,price\n2000,1\n")), Err(FitError::TooShort(24)));
        assert_eq!(
            JumpProcess::fit(&series(&rows(|year| (f64::from(year * year) / 200.0).exp() as i32))),
            Err(FitError::NotMeanReverting)
        );
        assert_eq!(JumpProcess::fit(&series(&rows(|_| 5))), Err(FitError::NotMeanReverting));
        assert_eq!(JumpProcess::fit(&series(&rows(|year| year - 5))), Err(FitError::NotPositive));
    }

    /// Yearly prices make yearly steps.
    #[test]
    fn a_yearly_series_makes_yearly_paths() {
        let scenario = library().iter().find(|ready| ready.name == "germanium").expect("there").scenario();
        let (history, converted) = PricePath::historic(&scenario).expect("whole");
        let path = Generator::Bootstrap { block: 2 }.path(&scenario, &history, &converted.series, 1, 1);
        for year in path.prices().chunks(12) {
            assert!(year.iter().all(|price| *price == year[0]));
        }
        assert!(path.prices().windows(2).any(|pair| pair[0] != pair[1]));
    }
}
