//! What a trade is worth, exactly.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::num::{Price, Quantity};

/// Quantity × price, summed: in the currency that the prices are in, exact to its twelfth decimal.
///
/// All quantities of a side together fit in 63 bits, and so does every price: what a book can be worth fits in 127.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Welfare(i128);

/// Decimals of a product of two numbers in millionths.
const DECIMALS: usize = 12;

/// The whole in the unit of a [`Welfare`].
const WHOLE: u128 = 1_000_000_000_000;

impl Welfare {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// So many millionths of a millionth.
    pub const fn from_raw(raw: i128) -> Self {
        Self(raw)
    }

    /// In millionths of a millionth.
    pub const fn raw(self) -> i128 {
        self.0
    }

    /// What a quantity is worth at a price.
    pub fn of(quantity: Quantity, price: Price) -> Self {
        // 63 bits by 64: it fits.
        Self(i128::from(quantity.millionths()).saturating_mul(i128::from(price.millionths())))
    }

    /// `self − other`. The two are of one book, so that it fits.
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// `self + other`. The two are parts of one book, so that it fits.
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl fmt::Display for Welfare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let magnitude = self.0.unsigned_abs();
        let whole = magnitude.div_euclid(WHOLE);
        let decimals = format!("{:0DECIMALS$}", magnitude.rem_euclid(WHOLE));
        let decimals = decimals.trim_end_matches('0');
        let point = if decimals.is_empty() { "" } else { "." };
        f.pad_integral(self.0 >= 0, "", &format!("{whole}{point}{decimals}"))
    }
}

/// A text is no amount of welfare.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a plain decimal number with at most twelve decimals, such as 2000 or -0.25")]
pub struct ParseWelfareError(String);

impl FromStr for Welfare {
    type Err = ParseWelfareError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || ParseWelfareError(text.to_owned());
        let (is_negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (whole, decimals) = digits.split_once('.').unwrap_or((digits, "0"));
        let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !is_digits(whole) || !is_digits(decimals) || decimals.len() > DECIMALS {
            return Err(wrong());
        }
        let magnitude: i128 = format!("{whole}{decimals:0<DECIMALS$}").parse().map_err(|_| wrong())?;
        Ok(Self(if is_negative { magnitude.saturating_neg() } else { magnitude }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn text_is_exact() {
        for (raw, text) in
            [(0, "0"), (1, "0.000000000001"), (-1_500_000_000_000, "-1.5"), (2_000_000_000_000_000, "2000")]
        {
            assert_eq!(Welfare(raw).to_string(), text);
            assert_eq!(text.parse(), Ok(Welfare(raw)));
        }
        for text in ["", "-", "1.", ".5", "+1", "1,5", "0.0000000000001", &"9".repeat(40)] {
            assert!(text.parse::<Welfare>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn ten_tonnes_at_two_hundred_are_two_thousand() {
        let worth = Welfare::of("10".parse().expect("a quantity"), "200".parse().expect("a price"));
        assert_eq!(worth.to_string(), "2000");
    }

    proptest! {
        #[test]
        fn printing_and_parsing_are_inverse(raw in -(i128::MAX / 2)..i128::MAX / 2) {
            prop_assert_eq!(Welfare(raw).to_string().parse(), Ok(Welfare(raw)));
        }
    }
}
