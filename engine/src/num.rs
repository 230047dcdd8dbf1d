//! Exact numbers: [`Price`], [`Quantity`], [`Money`] and [`Share`] as integers in millionths of their unit.
//!
//! Every operation is checked: it returns `None` where the result does not fit, and no operator is
//! implemented, so that arithmetic on money is always a named function with a stated rounding. Products
//! pass through `i128`. Amounts are rounded in one place, [`Rounded::of`]: once, from the exact product, to the
//! currency's minor unit (half to even), and what was cut off is returned beside it. Text is plain decimal; more decimals than fit are an error, never rounded away.
//!
//! Deliberately absent: floats, and arithmetic between different units or currencies.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How many millionths make one unit.
pub const MILLIONTHS: i64 = 1_000_000;

/// A price in millionths of a currency unit per unit of what is traded. Negative prices exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Price(i64);

/// A quantity in millionths of the market's unit. Never negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "i64", into = "i64")]
pub struct Quantity(i64);

/// An amount of one currency, in millionths of its unit. Negative means owed or paid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    /// The currency that the amount is of.
    pub currency: Currency,
    /// The amount in millionths of the currency's unit.
    pub millionths: i64,
}

/// An amount in millionths of the unit of a currency that is known from elsewhere, such as a rule's. Never negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "i64", into = "i64")]
pub struct Amount(i64);

/// A part of a whole, in millionths: 0 to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Share(u32);

/// Which way a number that lies half way between two goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HalfWay {
    /// To the even one.
    #[serde(rename = "half-even")]
    Even,
    /// To the higher one.
    #[serde(rename = "half-up")]
    Up,
}

/// A currency that contracts are denominated in, numbered as in ISO 4217.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Currency {
    /// Euro.
    Eur = 978,
    /// United States dollar.
    Usd = 840,
    /// Pound sterling.
    Gbp = 826,
    /// Chinese yuan renminbi.
    Cny = 156,
    /// Japanese yen, which has no minor unit.
    Jpy = 392,
}

/// A text that is no currency.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{text}' is no currency: {}", Currency::ALL.map(Currency::code).join(", "))]
pub struct ParseCurrencyError {
    /// The text.
    pub text: String,
}

impl FromStr for Currency {
    type Err = ParseCurrencyError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|currency| currency.code() == text);
        found.ok_or_else(|| ParseCurrencyError { text: text.to_owned() })
    }
}

/// An amount as it is paid, and what rounding to the minor unit cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rounded {
    /// The amount, in whole minor units.
    pub amount: Money,
    /// Exact product minus `amount`, rounded half to even to millionths.
    pub remainder: Money,
}

impl Currency {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Eur, Self::Usd, Self::Gbp, Self::Cny, Self::Jpy];

    /// The ISO 4217 letters.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Eur => "EUR",
            Self::Usd => "USD",
            Self::Gbp => "GBP",
            Self::Cny => "CNY",
            Self::Jpy => "JPY",
        }
    }

    /// Decimals of the minor unit: 2 where a hundredth can be paid.
    pub const fn decimals(self) -> u32 {
        match self {
            Self::Eur | Self::Usd | Self::Gbp | Self::Cny => 2,
            Self::Jpy => 0,
        }
    }

    /// The minor unit in millionths: 10,000 for a cent.
    pub const fn minor_unit(self) -> i64 {
        match self.decimals() {
            0 => MILLIONTHS,
            _ => 10_000,
        }
    }
}

impl Price {
    /// The price zero.
    pub const ZERO: Self = Self(0);

    /// A price of so many millionths.
    pub const fn from_millionths(millionths: i64) -> Self {
        Self(millionths)
    }

    /// A price of whole currency units; `None` where it does not fit.
    pub const fn from_units(units: i64) -> Option<Self> {
        match units.checked_mul(MILLIONTHS) {
            Some(millionths) => Some(Self(millionths)),
            None => None,
        }
    }

    /// The price in millionths.
    pub const fn millionths(self) -> i64 {
        self.0
    }

    /// `self − other`, if it fits.
    pub const fn checked_sub(self, other: Self) -> Option<Self> {
        match self.0.checked_sub(other.0) {
            Some(millionths) => Some(Self(millionths)),
            None => None,
        }
    }

    /// The distance between two prices, in millionths; cannot overflow.
    pub const fn distance(self, other: Self) -> u64 {
        self.0.abs_diff(other.0)
    }

    /// Price × quantity, rounded once to the currency's minor unit, half to even.
    ///
    /// `None` where the amount does not fit in a [`Money`]. The exact product is
    /// `amount + remainder` whenever it is a whole number of millionths.
    pub fn times(self, quantity: Quantity, currency: Currency) -> Option<Rounded> {
        // Millionths × millionths: the exact product is in units of 10⁻¹².
        let exact = i128::from(self.0).checked_mul(i128::from(quantity.0))?;
        Rounded::of(exact, i128::from(MILLIONTHS), currency)
    }

    /// self × `now` ÷ `base`, to the nearest multiple of `unit`: a price that follows an index. Computed from the price at
    /// the base each time, never from a rounded one before.
    ///
    /// `None` where it does not fit, or `base` or `unit` is not positive.
    // Rules: R-CFD-016.
    pub fn indexed(self, now: Self, base: Self, unit: Self, half_way: HalfWay) -> Option<Self> {
        if base.0 <= 0 || unit.0 <= 0 {
            return None;
        }
        let exact = i128::from(self.0).checked_mul(i128::from(now.0))?;
        let units = half_way.divide(exact, i128::from(base.0).checked_mul(i128::from(unit.0))?)?;
        i64::try_from(units.checked_mul(i128::from(unit.0))?).ok().map(Self)
    }

    /// Whether the price is a whole multiple of `tick` (which must be positive).
    pub const fn is_on(self, tick: Self) -> bool {
        matches!(self.0.checked_rem(tick.0), Some(0))
    }
}

impl Quantity {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// A quantity of so many millionths; `None` if negative.
    pub const fn from_millionths(millionths: i64) -> Option<Self> {
        if millionths < 0 { None } else { Some(Self(millionths)) }
    }

    /// A quantity of whole units of mass; `None` where it does not fit.
    pub fn from_units(units: u32) -> Option<Self> {
        i64::from(units).checked_mul(MILLIONTHS).map(Self)
    }

    /// The quantity in millionths.
    pub const fn millionths(self) -> i64 {
        self.0
    }

    /// Whether it is nothing.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// `self + other`, if it fits.
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(millionths) => Some(Self(millionths)),
            None => None,
        }
    }

    /// `self − other`, if it is not negative.
    pub const fn checked_sub(self, other: Self) -> Option<Self> {
        match self.0.checked_sub(other.0) {
            Some(millionths) => Self::from_millionths(millionths),
            None => None,
        }
    }

    /// Whether the quantity is a whole multiple of `lot` (which must be positive).
    pub const fn is_in(self, lot: Self) -> bool {
        matches!(self.0.checked_rem(lot.0), Some(0))
    }
}

impl Share {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// All of it.
    pub const WHOLE: Self = Self(1_000_000);

    /// A share of so many millionths; `None` above the whole.
    pub const fn from_millionths(millionths: u32) -> Option<Self> {
        if millionths > Self::WHOLE.0 { None } else { Some(Self(millionths)) }
    }

    /// The share in millionths.
    pub const fn millionths(self) -> u32 {
        self.0
    }

    /// Whether it is nothing.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }
}

impl HalfWay {
    /// `numerator ÷ denominator` to the nearest whole number.
    ///
    /// `None` where the denominator is not positive.
    pub fn divide(self, numerator: i128, denominator: i128) -> Option<i128> {
        if denominator <= 0 {
            return None;
        }
        // One division: the remainder follows from the quotient.
        let quotient = numerator.checked_div_euclid(denominator)?;
        let remainder = numerator.checked_sub(quotient.checked_mul(denominator)?)?;
        // Compared without doubling, which could overflow.
        let rest = denominator.checked_sub(remainder)?;
        let half_goes_up = match self {
            Self::Even => quotient.checked_rem(2)? != 0,
            Self::Up => true,
        };
        let up = remainder > rest || (remainder == rest && half_goes_up);
        if up { quotient.checked_add(1) } else { Some(quotient) }
    }
}

impl Rounded {
    /// The exact product again: the amount and what was cut off it. `None` where their sum does not fit.
    pub fn exact(self) -> Option<Money> {
        self.amount.checked_add(self.remainder)
    }

    /// An exact amount of which `scale` parts make a millionth, rounded once to the currency's minor unit, half to even.
    ///
    /// `None` where it does not fit in a [`Money`], or `scale` is not positive.
    // Rules: R-CFD-005.
    pub fn of(exact: i128, scale: i128, currency: Currency) -> Option<Self> {
        let minor = i128::from(currency.minor_unit());
        let amount = divide_half_even(exact, minor.checked_mul(scale)?)?.checked_mul(minor)?;
        let cut = exact.checked_sub(amount.checked_mul(scale)?)?;
        Some(Self {
            amount: Money { currency, millionths: i64::try_from(amount).ok()? },
            remainder: Money { currency, millionths: i64::try_from(divide_half_even(cut, scale)?).ok()? },
        })
    }
}

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// An amount of so many millionths; `None` if negative.
    pub const fn from_millionths(millionths: i64) -> Option<Self> {
        if millionths < 0 { None } else { Some(Self(millionths)) }
    }

    /// The amount in millionths.
    pub const fn millionths(self) -> i64 {
        self.0
    }

    /// The amount as money of a currency.
    pub const fn of(self, currency: Currency) -> Money {
        Money { currency, millionths: self.0 }
    }
}

impl Money {
    /// Nothing of a currency.
    pub const fn zero(currency: Currency) -> Self {
        Self { currency, millionths: 0 }
    }

    /// `self + other`; `None` between two currencies, or where it does not fit.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        if self.currency != other.currency {
            return None;
        }
        Some(Self { currency: self.currency, millionths: self.millionths.checked_add(other.millionths)? })
    }

    /// `self − other`; `None` between two currencies, or where it does not fit.
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.checked_add(other.checked_neg()?)
    }

    /// The amount with its sign turned, if it fits.
    pub const fn checked_neg(self) -> Option<Self> {
        match self.millionths.checked_neg() {
            Some(millionths) => Some(Self { currency: self.currency, millionths }),
            None => None,
        }
    }

    /// Whether nothing is owed either way.
    pub const fn is_zero(self) -> bool {
        self.millionths == 0
    }
}

/// What of `available` goes to each of some amounts in proportion to them, in whole multiples of `unit` and no more than the amount
/// itself, by largest remainder: everybody gets what is below its exact share, and the units that are left go to those
/// whose shares were cut most, ties to the first. Amounts are whole multiples of the unit, too.
// Rules: R-MON-011.
pub fn pro_rata(available: i64, amounts: &[i64], unit: i64) -> Vec<i64> {
    let total: i128 = amounts.iter().map(|amount| i128::from(*amount)).sum();
    let units = i128::from(available).min(total).max(0).checked_div(unit.into()).unwrap_or(0);
    // Both are at most an i64, so that their product fits.
    let exact = |amount: i64| units.saturating_mul(amount.into());
    let mut shares: Vec<i64> = amounts
        .iter()
        .map(|amount| i64::try_from(exact(*amount).checked_div(total).unwrap_or(0)).unwrap_or(0))
        .collect();
    let given: i128 = shares.iter().map(|share| i128::from(*share)).sum();
    let mut cut: Vec<(i128, usize)> = amounts
        .iter()
        .zip(0..)
        .map(|(amount, row)| (exact(*amount).checked_rem(total).unwrap_or(0), row))
        .collect();
    cut.sort_by(|(one, row), (other, other_row)| other.cmp(one).then(row.cmp(other_row)));
    let left = usize::try_from(units.saturating_sub(given)).unwrap_or(0);
    for (_, row) in cut.into_iter().take(left) {
        if let Some(share) = shares.get_mut(row) {
            *share = share.saturating_add(1);
        }
    }
    shares.into_iter().map(|share| share.saturating_mul(unit)).collect()
}

/// `numerator ÷ denominator` to the nearest whole number, halves to the even one.
///
/// `None` where the denominator is not positive.
pub fn divide_half_even(numerator: i128, denominator: i128) -> Option<i128> {
    HalfWay::Even.divide(numerator, denominator)
}

/// Why a text is not a number of ours.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseNumberError {
    /// Something other than an optional minus, digits and one point.
    #[error("'{0}' is not a plain decimal number such as 95000 or -0.25")]
    NotDecimal(String),
    /// More than six decimals.
    #[error("'{0}' has more than six decimals")]
    TooPrecise(String),
    /// Past the largest number that can be held.
    #[error("'{0}' is larger than can be held (about 9.2 trillion)")]
    TooLarge(String),
    /// A share above the whole.
    #[error("'{0}' is more than 1, and a share is a part of the whole")]
    MoreThanWhole(String),
    /// A quantity or amount below zero.
    #[error("'{0}' is negative, and a quantity, an amount or a share is not")]
    Negative(String),
}

fn parse_millionths(text: &str) -> Result<i64, ParseNumberError> {
    let not_decimal = || ParseNumberError::NotDecimal(text.to_owned());
    let too_large = || ParseNumberError::TooLarge(text.to_owned());
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, decimals) = digits.split_once('.').unwrap_or((digits, "0"));
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !all_digits(whole) || !all_digits(decimals) {
        return Err(not_decimal());
    }
    if decimals.len() > 6 {
        return Err(ParseNumberError::TooPrecise(text.to_owned()));
    }
    // Read as negative, since the most negative number has no positive twin.
    let magnitude = whole
        .bytes()
        .chain(decimals.bytes().chain(std::iter::repeat(b'0')).take(6))
        .try_fold(0_i64, |sum, byte| sum.checked_mul(10)?.checked_sub(i64::from(byte.checked_sub(b'0')?)))
        .ok_or_else(too_large)?;
    if negative { Ok(magnitude) } else { magnitude.checked_neg().ok_or_else(too_large) }
}

fn write_millionths(f: &mut fmt::Formatter<'_>, millionths: i64) -> fmt::Result {
    let magnitude = millionths.unsigned_abs();
    let whole = magnitude.div_euclid(MILLIONTHS.unsigned_abs());
    let decimals = format!("{:06}", magnitude.rem_euclid(MILLIONTHS.unsigned_abs()));
    let decimals = decimals.trim_end_matches('0');
    let point = if decimals.is_empty() { "" } else { "." };
    f.pad_integral(millionths >= 0, "", &format!("{whole}{point}{decimals}"))
}

impl FromStr for Price {
    type Err = ParseNumberError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse_millionths(text).map(Self)
    }
}

impl FromStr for Share {
    type Err = ParseNumberError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let millionths = parse_millionths(text)?;
        if millionths < 0 {
            return Err(ParseNumberError::Negative(text.to_owned()));
        }
        let share = u32::try_from(millionths).ok().and_then(Self::from_millionths);
        share.ok_or_else(|| ParseNumberError::MoreThanWhole(text.to_owned()))
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_millionths(f, i64::from(self.0))
    }
}

impl TryFrom<u32> for Share {
    type Error = MoreThanWhole;
    fn try_from(millionths: u32) -> Result<Self, Self::Error> {
        Self::from_millionths(millionths).ok_or(MoreThanWhole)
    }
}

impl From<Share> for u32 {
    fn from(share: Share) -> Self {
        share.0
    }
}

/// A share above the whole was met where shares are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a share is never more than the whole")]
pub struct MoreThanWhole;

impl FromStr for Amount {
    type Err = ParseNumberError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let millionths = parse_millionths(text)?;
        Self::from_millionths(millionths).ok_or_else(|| ParseNumberError::Negative(text.to_owned()))
    }
}

impl FromStr for Quantity {
    type Err = ParseNumberError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let millionths = parse_millionths(text)?;
        Self::from_millionths(millionths).ok_or_else(|| ParseNumberError::Negative(text.to_owned()))
    }
}

impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_millionths(f, self.0)
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_millionths(f, self.0)
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_millionths(f, self.0)
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_millionths(f, self.millionths)?;
        write!(f, " {}", self.currency)
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl TryFrom<i64> for Amount {
    type Error = NegativeQuantity;
    fn try_from(millionths: i64) -> Result<Self, Self::Error> {
        Self::from_millionths(millionths).ok_or(NegativeQuantity)
    }
}

impl From<Amount> for i64 {
    fn from(amount: Amount) -> Self {
        amount.0
    }
}

impl TryFrom<i64> for Quantity {
    type Error = NegativeQuantity;
    fn try_from(millionths: i64) -> Result<Self, Self::Error> {
        Self::from_millionths(millionths).ok_or(NegativeQuantity)
    }
}

impl From<Quantity> for i64 {
    fn from(quantity: Quantity) -> Self {
        quantity.0
    }
}

/// A quantity below zero was met where quantities are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a quantity is never negative")]
pub struct NegativeQuantity;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn price(text: &str) -> Price {
        text.parse().expect("a price")
    }

    fn quantity(text: &str) -> Quantity {
        text.parse().expect("a quantity")
    }

    #[test]
    fn text_is_plain_decimal_and_nothing_else() {
        for (text, millionths) in [
            ("0", 0),
            ("95000", 95_000_000_000),
            ("-0.25", -250_000),
            ("0.000001", 1),
            ("9223372036854.775807", i64::MAX),
            ("-9223372036854.775808", i64::MIN),
        ] {
            assert_eq!(price(text).millionths(), millionths);
            assert_eq!(price(text).to_string(), text);
        }
        for text in ["", "-", ".", "1.", ".5", "+1", "1e3", "1,000", " 1", "0x1", "1.2.3", "--1", "１"] {
            assert_eq!(text.parse::<Price>(), Err(ParseNumberError::NotDecimal(text.into())), "{text:?}");
        }
        assert_eq!("0.0000001".parse::<Price>(), Err(ParseNumberError::TooPrecise("0.0000001".into())));
        let large = "9223372036854.775808";
        assert_eq!(large.parse::<Price>(), Err(ParseNumberError::TooLarge(large.into())));
        assert_eq!("-1".parse::<Quantity>(), Err(ParseNumberError::Negative("-1".into())));
    }

    /// Rules: R-CFD-005.
    #[test]
    fn an_amount_is_rounded_once_half_to_even() {
        // 0.005 EUR lies half way between 0.00 and 0.01, and 0.00 is even; 0.015 goes to 0.02.
        for (unit_price, amount, remainder) in [
            ("0.005", "0 EUR", "0.005 EUR"),
            ("0.015", "0.02 EUR", "-0.005 EUR"),
            ("-0.005", "0 EUR", "-0.005 EUR"),
        ] {
            let rounded = price(unit_price).times(quantity("1"), Currency::Eur).expect("fits");
            assert_eq!(
                (rounded.amount.to_string(), rounded.remainder.to_string()),
                (amount.into(), remainder.into())
            );
        }
        let yen = price("0.5").times(quantity("1"), Currency::Jpy).expect("fits");
        assert_eq!(yen.amount, Money::zero(Currency::Jpy));
    }

    #[test]
    fn too_large_an_amount_is_refused() {
        assert_eq!(price("9000000000000").times(quantity("2"), Currency::Eur), None);
    }

    #[test]
    fn two_currencies_never_add() {
        let euro = Money { currency: Currency::Eur, millionths: 1 };
        let dollar = Money { currency: Currency::Usd, millionths: 1 };
        assert_eq!(euro.checked_add(dollar), None);
        assert_eq!(euro.checked_sub(dollar), None);
    }

    proptest! {
        #[test]
        fn printing_and_parsing_are_inverse(millionths: i64) {
            let price = Price::from_millionths(millionths);
            prop_assert_eq!(price.to_string().parse::<Price>(), Ok(price));
        }

        /// Against the definition: nearest multiple, and at a tie the even one.
        #[test]
        fn division_rounds_to_the_nearest(numerator in -1_000_000_i128..1_000_000, denominator in 1_i128..1_000) {
            let quotient = divide_half_even(numerator, denominator).expect("positive denominator");
            let error = (quotient * denominator - numerator).abs();
            prop_assert!(2 * error <= denominator);
            if 2 * error == denominator {
                prop_assert_eq!(quotient % 2, 0);
            }
            let up = HalfWay::Up.divide(numerator, denominator).expect("positive denominator");
            prop_assert_eq!(up, (2 * numerator + denominator).div_euclid(2 * denominator));
        }

        /// Rules: R-CFD-005.
        #[test]
        fn amount_and_remainder_make_the_product(p in -1_000_000_000_000_i64..1_000_000_000_000, q in 0_i64..1_000_000) {
            let whole_units = Quantity::from_units(u32::try_from(q).expect("small")).expect("fits");
            let rounded = Price::from_millionths(p).times(whole_units, Currency::Eur);
            let exact = i128::from(p) * i128::from(q);
            match rounded {
                Some(Rounded { amount, remainder }) => {
                    prop_assert_eq!(i128::from(amount.millionths) + i128::from(remainder.millionths), exact);
                    prop_assert_eq!(amount.millionths % 10_000, 0);
                    prop_assert!(remainder.millionths.abs() <= 5_000);
                }
                None => prop_assert!(exact > i128::from(i64::MAX) - 10_000),
            }
        }
    }
}
