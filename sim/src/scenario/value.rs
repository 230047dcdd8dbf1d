//! Values as a scenario file writes them: numbers as texts, ranges that are drawn from the seed, ratios.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use golv_engine::num::{ParseNumberError, Price, Quantity};
use serde::de::{self, Deserialize, Deserializer, Visitor};

use crate::random::Stream;

/// A value that is written as a text, or as a whole number; never as a floating-point number, which is not exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Text<T>(pub(super) T);

impl<'de, T: FromStr<Err: fmt::Display>> Deserialize<'de> for Text<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor(PhantomData))
    }
}

struct TextVisitor<T>(PhantomData<T>);

impl<T: FromStr<Err: fmt::Display>> Visitor<'_> for TextVisitor<T> {
    type Value = Text<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text in quotes, or a whole number")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Text<T>, E> {
        text.parse().map(Text).map_err(E::custom)
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Text<T>, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Text<T>, E> {
        Err(E::custom(format_args!("a number with decimals is written in quotes: \"{number}\"")))
    }
}

/// A positive number that others are multiplied with, such as `1.12`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ratio(i64);

/// Why a text is not a ratio.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseRatioError {
    /// It is not a number.
    #[error(transparent)]
    Number(#[from] ParseNumberError),
    /// It is not positive, or above a thousand.
    #[error("a ratio lies above 0, and not above 1000")]
    OutOfRange,
}

impl Ratio {
    /// The ratio in millionths; positive.
    pub const fn millionths(self) -> i64 {
        self.0
    }

    /// A price times the ratio, rounded down; `None` where it does not fit.
    pub fn of(self, price: Price) -> Option<Price> {
        let product = i128::from(price.millionths()) * i128::from(self.0);
        i64::try_from(product.div_euclid(1_000_000)).ok().map(Price::from_millionths)
    }
}

impl FromStr for Ratio {
    type Err = ParseRatioError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let millionths = text.parse::<Price>()?.millionths();
        if (1..=1_000_000_000).contains(&millionths) {
            Ok(Self(millionths))
        } else {
            Err(ParseRatioError::OutOfRange)
        }
    }
}

/// What numbers are drawn of: they are counted in millionths.
pub trait Millionths: Copy + PartialOrd {
    /// The number in millionths.
    fn to_millionths(self) -> i64;
    /// The number of so many millionths, which lies between two that there are.
    fn from_millionths(millionths: i64) -> Self;
}

impl Millionths for Price {
    fn to_millionths(self) -> i64 {
        self.millionths()
    }
    fn from_millionths(millionths: i64) -> Self {
        Self::from_millionths(millionths)
    }
}

impl Millionths for Quantity {
    fn to_millionths(self) -> i64 {
        self.millionths()
    }
    fn from_millionths(millionths: i64) -> Self {
        Self::from_millionths(millionths).expect("it lies between two quantities")
    }
}

impl Millionths for Ratio {
    fn to_millionths(self) -> i64 {
        self.0
    }
    fn from_millionths(millionths: i64) -> Self {
        Self(millionths)
    }
}

/// A number, or a range that one is drawn from, all of it alike: `84000` or `84000..98000`, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drawn<T> {
    low: T,
    high: T,
}

impl<T: Millionths> Drawn<T> {
    /// The number that a stream draws.
    pub fn draw(self, stream: &mut Stream) -> T {
        T::from_millionths(stream.between(self.low.to_millionths(), self.high.to_millionths()))
    }

    /// The highest that can be drawn.
    pub fn high(self) -> T {
        self.high
    }
}

impl<T: Millionths + FromStr<Err: fmt::Display>> FromStr for Drawn<T> {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let (low, high) = text.split_once("..").unwrap_or((text, text));
        let end = |text: &str| text.parse::<T>().map_err(|error| format!("'{text}': {error}"));
        let (low, high) = (end(low)?, end(high)?);
        if low <= high { Ok(Self { low, high }) } else { Err(format!("'{text}' begins above its end")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ranges_and_ratios_read() {
        let error = |text: &str| text.parse::<Drawn<Price>>().expect_err("refused");
        assert_eq!(error("5..4"), "'5..4' begins above its end");
        assert_eq!(error("..4"), "'': '' is not a plain decimal number such as 95000 or -0.25");
        assert_eq!("0".parse::<Ratio>(), Err(ParseRatioError::OutOfRange));
        let ratio: Ratio = "1.12".parse().expect("a ratio");
        assert_eq!(ratio.of("100".parse().expect("a price")), "112".parse().ok());
    }

    proptest! {
        #[test]
        fn what_is_drawn_lies_within(seed: u64, low in 0_i64..1_000_000, width in 0_i64..1_000_000) {
            let (low, high) = (Price::from_millionths(low), Price::from_millionths(low + width));
            let drawn: Drawn<Price> = format!("{low}..{high}").parse().expect("a range");
            let price = drawn.draw(&mut Stream::new(seed, "x"));
            prop_assert!((low..=high).contains(&price));
        }
    }
}
