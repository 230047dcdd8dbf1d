//! The lines of a settlement: what each period of each contract is worth, written as they are worked out.

use std::borrow::Cow;

use golv_engine::cfd::{PeriodFacts, Settled, Unsettled, YearToDate};
use golv_engine::num::{Currency, Price, Quantity};
use golv_engine::time::{Day, Period};

use super::contracts::Contract;
use super::data::{Revised, View, days};

/// What one contract comes to.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sums {
    pub(super) lines: u64,
    pub(super) amount: i128,
    pub(super) remainder: i128,
    pub(super) delta: i128,
}

impl Sums {
    pub(super) fn add(&mut self, other: Self) {
        // Sums of fewer than 2⁶³ amounts, each an i64.
        self.lines += other.lines;
        self.amount += other.amount;
        self.remainder += other.remainder;
        self.delta += other.delta;
    }
}

/// Why a period cannot be settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) period: Period,
    pub(super) kind: FaultKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FaultKind {
    NoReferencePrice,
    NoStrike,
    TooLarge,
}

/// The head of the file of lines.
pub(super) const HEAD: &str =
    "contract,period_start,period_end,run,strike,reference_price,quantity,amount,remainder,delta\n";

/// A run, as its views see the data: itself, and the run before it.
#[derive(Clone, Copy)]
pub(super) struct Run {
    pub(super) number: u32,
    pub(super) views: [View; 2],
}

/// A line in the making.
struct Line {
    period: Period,
    strike: Option<Price>,
    /// Before any minimum.
    reference_price: Option<Price>,
    quantity: Quantity,
    settled: Settled,
    delta: i64,
}

/// Works a contract's lines out and writes them.
pub(super) struct Work<'a> {
    pub(super) contract: &'a Contract,
    /// As it is written, in quotes where it needs them.
    pub(super) name: &'a str,
    pub(super) run: Run,
    /// Averages by the first day of their period.
    pub(super) averages: &'a [(Day, [Option<Price>; 2])],
}

impl Work<'_> {
    /// Appends the lines of a contract's deliveries to `out`.
    pub(super) fn lines(&self, deliveries: &[Revised<Quantity>], out: &mut Vec<u8>) -> Result<Sums, Fault> {
        let calendar = self.contract.calendar;
        let mut years = [YearToDate::default(); 2];
        let mut averages = self.averages;
        let mut sums = Sums::default();
        let mut of_days = days(deliveries, self.run.views).peekable();
        while let Some((day, seen)) = of_days.next() {
            let period = calendar.period(day);
            let mut quantities = seen;
            while let Some((_, more)) = of_days.next_if(|(day, _)| *day <= period.last) {
                for (sum, more) in quantities.iter_mut().zip(more) {
                    *sum = added(*sum, more).ok_or(Fault { period, kind: FaultKind::TooLarge })?;
                }
            }
            while averages.first().is_some_and(|(first, _)| *first < period.first) {
                averages = &averages[1..];
            }
            let average = averages.first().filter(|(first, _)| *first == period.first);
            let prices = average.map_or([None; 2], |(_, prices)| *prices);
            // A delivery that this run does not see has no line.
            let Some(quantity) = quantities[0] else { continue };
            // What was not delivered needs no strike either.
            let strike = self.contract.strike(period);
            let no_strike = Fault { period, kind: FaultKind::NoStrike };
            let [year, year_before] = &mut years;
            let applied = if quantity.is_zero() { strike.or(Some(Price::ZERO)) } else { strike };
            let settled = self.settle(year, period, applied.ok_or(no_strike)?, prices[0], quantity);
            let settled = settled.map_err(|unsettled| Fault { period, kind: unsettled.into() })?;
            let before = match quantities[1] {
                None => 0,
                Some(quantity) => {
                    let strike = if quantity.is_zero() { Price::ZERO } else { strike.ok_or(no_strike)? };
                    match self.settle(year_before, period, strike, prices[1], quantity) {
                        Ok(before) => before.amount.millionths,
                        // The run before could not settle it, so it paid nothing.
                        Err(Unsettled::NoReferencePrice) => 0,
                        Err(Unsettled::TooLarge) => return Err(Fault { period, kind: FaultKind::TooLarge }),
                    }
                }
            };
            let amount = settled.amount.millionths;
            let delta = amount.checked_sub(before).ok_or(Fault { period, kind: FaultKind::TooLarge })?;
            sums.add(Sums {
                lines: 1,
                amount: amount.into(),
                remainder: settled.remainder.millionths.into(),
                delta: delta.into(),
            });
            let reference_price = prices[0];
            let line = Line { period, strike, reference_price, quantity, settled, delta };
            self.write(&line, out);
        }
        Ok(sums)
    }

    /// A delivery that a run sees of a period, and that is not nothing if one is not: what an error names.
    pub(super) fn delivery_of(
        &self,
        deliveries: &[Revised<Quantity>],
        period: Period,
    ) -> Option<Revised<Quantity>> {
        let View(highest) = self.run.views[0];
        let of_period = deliveries.chunk_by(|one, other| one.day == other.day);
        let seen = of_period.filter_map(|of_day| of_day.iter().rev().find(|told| told.revision <= highest));
        let seen = || seen.clone().filter(|told| period.contains(told.day)).copied();
        seen().find(|told| !told.value.is_zero()).or_else(|| seen().next())
    }

    fn settle(
        &self,
        year: &mut YearToDate,
        period: Period,
        strike: Price,
        reference_price: Option<Price>,
        quantity: Quantity,
    ) -> Result<Settled, Unsettled> {
        let facts = PeriodFacts { period, strike, reference_price, quantity, is_upside_shared: true };
        self.contract.payoff.settle(year, &facts, self.contract.currency)
    }

    fn write(&self, line: &Line, out: &mut Vec<u8>) {
        let &Line { period, strike, reference_price, quantity, settled, delta } = line;
        let currency = self.contract.currency;
        out.extend_from_slice(self.name.as_bytes());
        out.push(b',');
        out.extend_from_slice(&period.first.to_ascii());
        out.push(b',');
        out.extend_from_slice(&period.last.to_ascii());
        out.push(b',');
        whole(self.run.number.into(), out);
        out.push(b',');
        if let Some(strike) = strike {
            decimal(strike.millionths(), out);
        }
        out.push(b',');
        if let Some(price) = reference_price {
            decimal(price.millionths(), out);
        }
        out.push(b',');
        decimal(quantity.millionths(), out);
        out.push(b',');
        money(settled.amount.millionths, currency, out);
        out.push(b',');
        decimal(settled.remainder.millionths, out);
        out.push(b',');
        money(delta, currency, out);
        out.push(b'\n');
    }
}

impl From<Unsettled> for FaultKind {
    fn from(unsettled: Unsettled) -> Self {
        match unsettled {
            Unsettled::NoReferencePrice => Self::NoReferencePrice,
            Unsettled::TooLarge => Self::TooLarge,
        }
    }
}

/// A name as a field of a CSV file.
pub(super) fn quoted(name: &str) -> Cow<'_, str> {
    if name.contains(['"', ',', '\r', '\n']) {
        format!("\"{}\"", name.replace('"', "\"\"")).into()
    } else {
        name.into()
    }
}

/// The sum of what is there of two quantities. The outer `None` where it does not fit.
#[expect(clippy::option_option, reason = "outside: whether it fits; inside: whether there is anything")]
fn added(one: Option<Quantity>, other: Option<Quantity>) -> Option<Option<Quantity>> {
    match (one, other) {
        (Some(one), Some(other)) => one.checked_add(other).map(Some),
        (one, other) => Some(one.or(other)),
    }
}

/// A number without decimals.
fn whole(mut number: u64, out: &mut Vec<u8>) {
    let mut digits = [0; 20];
    let mut place = digits.len();
    loop {
        place -= 1;
        digits[place] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[place..]);
}

/// Millionths as a plain decimal, without zeros at its end.
fn decimal(millionths: i64, out: &mut Vec<u8>) {
    fixed(millionths, 0, out);
}

/// An amount with all decimals of its currency's minor unit.
pub(super) fn money(millionths: i64, currency: Currency, out: &mut Vec<u8>) {
    fixed(millionths, currency.decimals() as usize, out);
}

/// Millionths as a plain decimal with so many decimals at least.
fn fixed(millionths: i64, least: usize, out: &mut Vec<u8>) {
    if millionths < 0 {
        out.push(b'-');
    }
    let magnitude = millionths.unsigned_abs();
    whole(magnitude / 1_000_000, out);
    let mut rest = magnitude % 1_000_000;
    let mut decimals = [b'0'; 6];
    for place in decimals.iter_mut().rev() {
        *place = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    let shown = decimals.iter().rposition(|digit| *digit != b'0').map_or(0, |last| last + 1).max(least);
    if shown > 0 {
        out.push(b'.');
        out.extend_from_slice(&decimals[..shown]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::print::sum;
    use proptest::prelude::*;

    fn text(write: impl Fn(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).expect("digits")
    }

    #[test]
    fn amounts_have_the_decimals_of_their_currency() {
        for (millionths, currency, shown) in [
            (0, Currency::Eur, "0.00"),
            (-1_500_000, Currency::Gbp, "-1.50"),
            (2_000_000, Currency::Jpy, "2"),
            (i64::MIN, Currency::Jpy, "-9223372036854.775808"),
        ] {
            assert_eq!(text(|out| money(millionths, currency, out)), shown);
            assert_eq!(sum(millionths.into(), currency), shown);
        }
    }

    proptest! {
        /// What is written is what numbers print as everywhere else.
        #[test]
        fn decimals_are_written_as_printed(millionths: i64) {
            prop_assert_eq!(text(|out| decimal(millionths, out)), Price::from_millionths(millionths).to_string());
        }
    }
}
