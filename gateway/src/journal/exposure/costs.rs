//! What the contracts of a programme cost in the periods that were not settled yet.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use golv_engine::Exchange;
pub(super) use golv_engine::cfd::Contract as Terms;
use golv_engine::cfd::{PeriodFacts, Suspension, YearToDate};
use golv_engine::id::{IndexId, ProgrammeId};
use golv_engine::num::{Currency, Price};
use golv_engine::time::{Calendar, Day, Period};

use super::ExposureError;

/// What is paid over all periods, and what holders give, in millionths; both apart and neither negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Cost {
    pub(super) paid: i128,
    pub(super) given: i128,
}

/// The periods of a calendar in which some contract is settled by an index.
pub(super) struct Series {
    pub(super) index: IndexId,
    pub(super) periods: Vec<Period>,
}

/// Where a period of a contract is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) series: usize,
    pub(super) period: usize,
}

/// A contract with a period left.
struct Left<'a> {
    terms: Terms<'a>,
    series: usize,
    /// Its periods' places in the series.
    periods: Range<usize>,
}

/// All contracts of a programme with a period left.
pub(super) struct Costs<'a> {
    currency: Currency,
    series: Vec<Series>,
    contracts: Vec<Left<'a>>,
}

impl<'a> Costs<'a> {
    pub(super) fn of(exchange: &'a Exchange, programme: ProgrammeId, currency: Currency) -> Self {
        let left = || {
            exchange.contracts_of(programme).filter_map(|terms| {
                let first = terms.periods_left().next()?;
                let contract = &terms.floor.terms.contract;
                Some((terms, (terms.floor.terms.index, contract.calendar), first))
            })
        };
        // From the first day of the first contract to the last of the last.
        let mut spans = BTreeMap::<(IndexId, Calendar), (Day, Day)>::new();
        for (terms, key, period) in left() {
            let last = terms.entitlement.last;
            let span = spans.entry(key).or_insert((period.first, last));
            *span = (span.0.min(period.first), span.1.max(last));
        }
        let series = spans.iter().map(|(&(index, calendar), &(first, last))| {
            let all = std::iter::successors(Some(calendar.period(first)), |period| calendar.after(*period));
            Series { index, periods: all.take_while(|period| period.first <= last).collect() }
        });
        let series: Vec<Series> = series.collect();
        let numbers: BTreeMap<(IndexId, Calendar), usize> = spans.into_keys().zip(0..).collect();
        let contracts = left().map(|(terms, key, period)| {
            let number = numbers[&key];
            let begins = series[number].periods.partition_point(|known| known.first < period.first);
            let ends = series[number].periods.partition_point(|known| known.last <= terms.entitlement.last);
            Left { terms, series: number, periods: begins..ends }
        });
        let contracts = contracts.collect();
        Self { currency, series, contracts }
    }

    /// How many contracts have a period left.
    pub(super) const fn contracts(&self) -> usize {
        self.contracts.len()
    }

    /// How many periods are left, summed over the contracts.
    pub(super) fn periods(&self) -> usize {
        self.contracts.iter().map(|left| left.periods.len()).sum()
    }

    pub(super) fn series(&self) -> &[Series] {
        &self.series
    }

    /// All indices that reference prices are made of, or that strikes may follow.
    pub(super) fn indices(&self) -> BTreeSet<IndexId> {
        let strikes = self.contracts.iter().filter_map(|left| {
            left.terms.floor.terms.contract.indexation.as_ref().map(|indexation| indexation.index)
        });
        self.series.iter().map(|series| series.index).chain(strikes).collect()
    }

    /// What all contracts cost at the reference prices and strikes that are said of each of their periods.
    ///
    /// Volume is at its most. What a year's caps were used up by before its first unsettled period is not looked at.
    pub(super) fn sum(
        &self,
        mut said: impl FnMut(&Terms<'_>, Place, Period) -> Result<(Price, Price), ExposureError>,
    ) -> Result<Cost, ExposureError> {
        let mut cost = Cost::default();
        for Left { terms, series, periods } in &self.contracts {
            let payoff = &terms.floor.terms.contract.payoff;
            let mut year = YearToDate::default();
            for (number, &period) in periods.clone().zip(&self.series[*series].periods[periods.clone()]) {
                let (reference_price, strike) =
                    said(terms, Place { series: *series, period: number }, period)?;
                // On a deal, nobody is paid for what the other side pays.
                let least = terms.least_reference.unwrap_or(reference_price);
                let facts = PeriodFacts {
                    period,
                    strike,
                    reference_price: Some(reference_price.max(least)),
                    quantity: terms.entitlement.per_period,
                    is_upside_shared: terms.entitlement.is_upside_shared(payoff, period),
                };
                let settled = payoff.settle(&mut year, &facts, self.currency);
                let too_large = |_| ExposureError::TooLarge { entitlement: terms.id, period };
                let amount = i128::from(settled.map_err(too_large)?.amount.millionths);
                // Sums of fewer than 2⁶³ amounts, each an i64.
                cost.paid += amount.max(0);
                cost.given += (-amount).max(0);
            }
        }
        Ok(cost)
    }
}

/// The lowest reference price down to a price that counts under a contract, and its strike.
///
/// A minimum takes the place of what is below it, and where low prices suspend payment the lowest that does not costs most.
pub(super) fn counting(terms: &Terms<'_>, price: Price, strike: Price) -> (Price, Price) {
    let payoff = &terms.floor.terms.contract.payoff;
    let counts = payoff.minimum.map_or(price, |minimum| minimum.max(price));
    let paid_from = match payoff.suspension {
        Suspension::Never => counts,
        Suspension::Negative => Price::ZERO,
        Suspension::NotPositive => Price::from_millionths(1),
    };
    (counts.max(paid_from), strike)
}
