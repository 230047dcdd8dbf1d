//! A series in another unit, another currency, or the money of another month.
//!
//! Each price is converted by its own period's rates and rounded once, half to even to millionths:
//!
//! ```text
//! price × (mass wanted ÷ mass) × (wanted per USD ÷ own per USD) × (CPI of the base month ÷ CPI of the period)
//! ```
//!
//! What was used stands in the result beside each price. Nothing is converted with a rate of another month: where one is
//! missing, the whole conversion is refused and says which.

use golv_engine::num::{Currency, Price, divide_half_even};
use golv_engine::time::Month;

use super::rates::{Average, ConsumerPrices, NoRate, Rates};
use super::{Mass, Series};

/// What a series is wanted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// The currency.
    pub currency: Currency,
    /// The mass that prices are per.
    pub mass: Mass,
    /// The month in whose money prices are told, by consumer prices of the currency; each period's own money where it is absent.
    pub money_of: Option<Month>,
}

/// A series in what it was wanted in, and how each price became what it is.
#[derive(Clone, Debug)]
pub struct Converted {
    /// The series.
    pub series: Series,
    /// A step for each price, in order.
    pub steps: Vec<Step>,
}

/// How a price became another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The first month of its period.
    pub month: Month,
    /// The price as it was.
    pub before: Price,
    /// Units of its own currency, and of the one wanted, for a US dollar; `None` where the currency stayed.
    pub rates: Option<[Average; 2]>,
    /// Consumer prices of the period, and of the month whose money it is told in; `None` where that was not asked for.
    pub consumer_prices: Option<[Average; 2]>,
    /// The price as it is.
    pub after: Price,
}

/// Why a series cannot be converted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConversionError {
    /// A rate is missing.
    #[error(transparent)]
    NoRate(#[from] NoRate),
    /// A consumer price is missing.
    #[error("consumer prices of {currency} have no value for {month}")]
    NoConsumerPrices {
        /// The currency.
        currency: Currency,
        /// The month.
        month: Month,
    },
    /// No consumer prices of a currency come with the project.
    #[error("there are no consumer prices of {0}: only EUR and USD have any")]
    NoIndex(Currency),
    /// A price does not fit.
    #[error("the price of {0} is too large")]
    TooLarge(Month),
}

/// Converts a series.
///
/// # Errors
/// [`ConversionError`]: no price is converted unless all can be.
pub fn convert(series: &Series, target: Target, rates: &Rates) -> Result<Converted, ConversionError> {
    let months = series.frequency.months();
    let currency = target.currency;
    let consumer_prices = match target.money_of {
        None => None,
        Some(base) => {
            let index = ConsumerPrices::of(currency).ok_or(ConversionError::NoIndex(currency))?;
            let missing = |month| ConversionError::NoConsumerPrices { currency, month };
            let value = index.average(base, 1).map_err(missing)?;
            Some((index, value))
        }
    };
    let mut steps = Vec::with_capacity(series.points().len());
    for &(month, before) in series.points() {
        let of = |currency| rates.per_dollar(currency, month, months);
        let used =
            if currency == series.currency { None } else { Some([of(series.currency)?, of(currency)?]) };
        let inflation = match &consumer_prices {
            None => None,
            Some((index, base)) => {
                let missing = |month| ConversionError::NoConsumerPrices { currency, month };
                Some([index.average(month, months).map_err(missing)?, *base])
            }
        };
        let mass = [series.mass, target.mass].map(Mass::hundredths_of_milligram);
        let after = price(before, mass, used, inflation).ok_or(ConversionError::TooLarge(month))?;
        steps.push(Step { month, before, rates: used, consumer_prices: inflation, after });
    }
    let points = steps.iter().map(|step| (step.month, step.after)).collect();
    let series = Series { points, currency, mass: target.mass, ..series.clone() };
    Ok(Converted { series, steps })
}

/// The price times the ratios, the second of each pair over the first.
fn price(
    before: Price,
    mass: [i128; 2],
    rates: Option<[Average; 2]>,
    inflation: Option<[Average; 2]>,
) -> Option<Price> {
    let mut numerator = i128::from(before.millionths());
    let mut denominator = 1_i128;
    let averages = [rates, inflation].into_iter().flatten();
    // Averages over different numbers of months are compared as sums over the same number.
    let pairs =
        averages.map(|[from, to]| [from.sum * i128::from(to.months), to.sum * i128::from(from.months)]);
    for [from, to] in [mass].into_iter().chain(pairs) {
        let common = common_divisor(from, to);
        numerator = numerator.checked_mul(to / common)?;
        denominator = denominator.checked_mul(from / common)?;
    }
    i64::try_from(divide_half_even(numerator, denominator)?).ok().map(Price::from_millionths)
}

/// The greatest common divisor of two positive numbers.
fn common_divisor(mut a: i128, mut b: i128) -> i128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn target(currency: Currency, mass: Mass) -> Target {
        Target { currency, mass, money_of: None }
    }

    fn own(currency: Currency, mass: Mass, text: &str) -> Series {
        Series::parse("own".to_owned(), currency, mass, text).expect("a series")
    }

    fn month(text: &str) -> Month {
        text.parse().expect("a month")
    }

    fn prices(series: &Series, to: Target) -> Vec<String> {
        let converted = convert(series, to, &Rates::published()).expect("converted");
        converted.series.points().iter().map(|(_, price)| price.to_string()).collect()
    }

    #[test]
    fn units_of_mass_are_exact() {
        let pounds = own(Currency::Usd, Mass::Pound, "year,price\n2020,1\n2021,2.72\n");
        // 1 ÷ 0.45359237 = 2.20462262…
        assert_eq!(prices(&pounds, target(Currency::Usd, Mass::Kilogram)), ["2.204623", "5.996574"]);
        assert_eq!(prices(&pounds, target(Currency::Usd, Mass::Tonne))[0], "2204.622622");
        let tungsten = own(Currency::Usd, Mass::MetricTonUnit, "year,price\n2020,172\n");
        assert_eq!(prices(&tungsten, target(Currency::Usd, Mass::Kilogram)), ["17.2"]);
    }

    /// Each month at its own rate, which is told: 0.8627 and 0.8926 euros for a dollar.
    #[test]
    fn each_price_has_its_months_rate() {
        let dollars = own(Currency::Usd, Mass::Kilogram, "month,price\n1999-01,100\n1999-02,100\n");
        let converted =
            convert(&dollars, target(Currency::Eur, Mass::Kilogram), &Rates::published()).expect("converted");
        let shown: Vec<_> = converted
            .steps
            .iter()
            .map(|step| (step.after.to_string(), step.rates.expect("used")[1].to_string()))
            .collect();
        assert_eq!(shown, [("86.27".into(), "0.8627".into()), ("89.26".into(), "0.8926".into())]);
        let euros = own(Currency::Eur, Mass::Kilogram, "month,price\n1999-01,86.27\n1999-02,89.26\n");
        assert_eq!(prices(&euros, target(Currency::Usd, Mass::Kilogram)), ["100", "100"]);
        // Through the dollar: 0.8627 EUR and 8.2789 CNY.
        let rates = Rates::published();
        let yuan = rates.per_dollar(Currency::Cny, month("1999-01"), 1).expect("there");
        let text = format!("month,price\n1999-01,{yuan}\n");
        let yuan = own(Currency::Cny, Mass::Kilogram, &text);
        assert_eq!(prices(&yuan, target(Currency::Eur, Mass::Kilogram)), ["0.8627"]);
    }

    #[test]
    fn what_is_missing_refuses_the_whole() {
        let series = own(Currency::Usd, Mass::Kilogram, "month,price\n1998-12,100\n1999-01,100\n");
        let refused = |to| convert(&series, to, &Rates::published()).expect_err("refused").to_string();
        assert_eq!(
            refused(target(Currency::Eur, Mass::Kilogram)),
            "there is no exchange rate of EUR to USD for 1998-12"
        );
        assert!(
            refused(target(Currency::Jpy, Mass::Tonne)).starts_with("there are no exchange rates of JPY")
        );
        let late = own(Currency::Usd, Mass::Kilogram, "year,price\n2024,1\n2025,1\n");
        let real = Target { currency: Currency::Usd, mass: Mass::Kilogram, money_of: Some(month("2024-01")) };
        assert_eq!(
            convert(&late, real, &Rates::published()).expect_err("refused").to_string(),
            "consumer prices of USD have no value for 2025-10"
        );
    }

    /// In the money of its own month a price is what it was.
    #[test]
    fn money_of_another_month_follows_consumer_prices() {
        let series = own(Currency::Usd, Mass::Kilogram, "month,price\n1990-01,100\n2025-09,100\n");
        let to = Target { currency: Currency::Usd, mass: Mass::Kilogram, money_of: Some(month("2025-09")) };
        // 324.8 ÷ 127.4
        assert_eq!(prices(&series, to), ["254.945055", "100"]);
    }

    proptest! {
        /// There and back is what it was, within the rounding of the way there.
        #[test]
        fn there_and_back(price in 1_i64..1_000_000_000_000, at in 0_i64..300, mass in 0_usize..4) {
            let at = super::super::month(24_000 + at);
            let price = Price::from_millionths(price);
            let series = own(Currency::Usd, Mass::Kilogram, &format!("month,price\n{at},{price}\n"));
            let to = target(Currency::Eur, Mass::ALL[mass]);
            let there = convert(&series, to, &Rates::published()).expect("there").series;
            let back = convert(&there, target(Currency::Usd, Mass::Kilogram), &Rates::published());
            let back = back.expect("back").series.points()[0].1;
            // Half a millionth there is at most that many kilograms' worth here, at two dollars a euro.
            prop_assert!(back.distance(price) <= 4, "{price} became {back}");
        }
    }
}
