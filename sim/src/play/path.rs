//! The reference prices that a scenario is played on: history in the market's own unit and currency, or a path made of it.

use golv_engine::num::{Price, Share};
use golv_engine::time::Month;

use crate::prices::convert::{ConversionError, Converted, Target, convert};
use crate::prices::rates::Rates;
use crate::prices::{Frequency, Mass};
use crate::scenario::{Scenario, ShockKind};

/// How many months before the first an investor looks back on, if there are so many.
pub const LOOK_BACK: usize = 36;

/// A reference price for each month of a scenario, and those known before it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PricePath {
    first: Month,
    /// Months before the first, the last one last; may be empty.
    before: Vec<Price>,
    /// From the first month on; never empty.
    prices: Vec<Price>,
}

/// Why a scenario has no path of historic prices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// The series has no price for a month.
    #[error(
        "the series has no price for {0}: choose other months, or ask for gaps to be filled with fill = \"last\" or \"linear\""
    )]
    NoPrice(Month),
    /// The series cannot be told in the market's unit and currency.
    #[error(transparent)]
    Conversion(#[from] ConversionError),
}

impl PricePath {
    /// A path of prices from `first` on, with those known before; `None` without any.
    pub fn new(first: Month, before: Vec<Price>, prices: Vec<Price>) -> Option<Self> {
        (!prices.is_empty()).then_some(Self { first, before, prices })
    }

    /// The scenario's series, filled if it asks for that, in its market's unit and currency; how each price was converted stands beside
    /// it. Shocks are not in it yet.
    ///
    /// # Errors
    /// [`PathError`] where a month or a rate is missing.
    pub fn historic(scenario: &Scenario) -> Result<(Self, Converted), PathError> {
        let source = &scenario.prices;
        let filled = source.fill.map(|fill| source.series.filled(fill).0);
        let series = filled.as_ref().unwrap_or(&source.series);
        let mass = match scenario.market.unit {
            golv_engine::market::Unit::Tonne => Mass::Tonne,
            _ => Mass::Kilogram,
        };
        let target = Target { currency: scenario.market.currency, mass, money_of: None };
        // Rates are asked for the months that are looked at, and for no others.
        let from = earlier(scenario.first).take(LOOK_BACK).last().unwrap_or(scenario.first);
        let series = series.within(from, scenario.last).ok_or(PathError::NoPrice(scenario.first))?;
        let converted = convert(&series, target, &Rates::published())?;
        let price = |month| converted.series.price(month);
        let months = months(scenario.first, scenario.last);
        let prices = months.map(|month| price(month).ok_or(PathError::NoPrice(month)));
        let prices = prices.collect::<Result<_, _>>()?;
        let earlier: Vec<Month> = earlier(scenario.first).take(LOOK_BACK).collect();
        let mut before: Vec<Price> = earlier.into_iter().map_while(price).collect();
        before.reverse();
        Ok((Self { first: scenario.first, before, prices }, converted))
    }

    /// The path as the scenario's price wars make it.
    pub fn shocked(&self, scenario: &Scenario) -> Self {
        let price = |(month, price): (Month, &Price)| {
            let wars = scenario.shocks.iter().filter(|shock| shock.covers(month));
            wars.fold(*price, |price, shock| match shock.kind {
                ShockKind::PriceWar { share, .. } => less(price, share),
                ShockKind::ExportBan { .. } | ShockKind::DemandDrop { .. } => price,
            })
        };
        let prices = months(self.first, scenario.last).zip(&self.prices).map(price).collect();
        Self { first: self.first, before: self.before.clone(), prices }
    }

    /// The price of a month; `None` outside the path.
    pub fn price(&self, month: Month) -> Option<Price> {
        let place = usize::try_from(self.first.through(month)).ok()?.checked_sub(1)?;
        self.prices.get(place).copied()
    }

    /// The price that is known when a month begins: the one of the month before, or for want of one the month's own.
    pub fn known(&self, month: Month) -> Option<Price> {
        let first = || self.before.last().or(self.prices.first()).copied();
        if month <= self.first { first() } else { self.price(previous(month)?) }
    }

    /// The average of the prices known when a month begins, of as many as [`LOOK_BACK`] months, rounded down.
    pub fn average_known(&self, month: Month) -> Option<Price> {
        let played = usize::try_from(self.first.through(month)).ok()?.saturating_sub(1);
        let known = self.prices.get(..played.min(self.prices.len()))?;
        let known: Vec<i128> = self
            .before
            .iter()
            .chain(known)
            .rev()
            .take(LOOK_BACK)
            .map(|price| i128::from(price.millionths()))
            .collect();
        let count = i128::try_from(known.len()).ok().filter(|count| *count > 0)?;
        let sum: i128 = known.iter().sum();
        i64::try_from(sum.div_euclid(count)).ok().map(Price::from_millionths)
    }

    /// The first month.
    pub fn first(&self) -> Month {
        self.first
    }

    /// The prices from the first month on.
    pub fn prices(&self) -> &[Price] {
        &self.prices
    }

    /// The prices known before the first month, the last one last.
    pub fn before(&self) -> &[Price] {
        &self.before
    }
}

/// Whether a path of a series is a step in each year.
pub fn is_step(scenario: &Scenario) -> bool {
    scenario.prices.series.frequency == Frequency::Yearly
}

/// The months from one to another, both included.
pub(crate) fn months(first: Month, last: Month) -> impl Iterator<Item = Month> {
    std::iter::successors(Some(first), |month| month.next()).take_while(move |month| *month <= last)
}

/// The months before one, the nearest first.
fn earlier(month: Month) -> impl Iterator<Item = Month> {
    std::iter::successors(previous(month), |month| previous(*month))
}

pub(super) fn previous(month: Month) -> Option<Month> {
    match month.month() {
        1 => Month::new(month.year() - 1, 12),
        number => Month::new(month.year(), number - 1),
    }
}

/// A price less a share of it, rounded down.
fn less(price: Price, share: Share) -> Price {
    let left = 1_000_000 - i128::from(share.millionths());
    let price = i128::from(price.millionths()) * left;
    let price = i64::try_from(price.div_euclid(1_000_000)).expect("a part of a price is one");
    Price::from_millionths(price)
}
