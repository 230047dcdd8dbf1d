//! Markets, and the floors in force on them over time.
//!
//! A market fixes the grid on which its books live: prices are whole ticks inside a band, quantities whole
//! lots up to a largest size. The terms are checked once so that nothing later can overflow: a lot times
//! a tick is a whole number of millionths of the currency, so every amount of an auction is exact, and
//! the largest bid at the widest price fits in a [`Money`].
//!
//! A floor is a programme's offer to support producers on a market: entitlements to it are won in a
//! support auction or granted, at a strike no higher than the floor's price, and are settled as the contract terms of the floor
//! say. The market itself clears where it clears.

use serde::{Deserialize, Serialize};

use crate::cfd::ContractTerms;
use crate::id::{DataVersion, IndexId, MarketId, ProgrammeId};
use crate::num::{Currency, MILLIONTHS, Money, Price, Quantity, divide_half_even};
use crate::reject::Reject;
use crate::text::{Country, Name};
use crate::time::{Day, Instant, Month};

/// What is traded in a market, as its unit says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Service {
    /// Material, by mass.
    Supply,
    /// Room for material, by mass and month.
    Storage,
    /// Money, for a share of it a year.
    Finance,
}

/// The unit that a market's quantities are in, and its prices per.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unit {
    /// Kilogram.
    Kilogram,
    /// Tonne, 1,000 kg.
    Tonne,
    /// A kilogram kept for a month.
    KilogramMonth,
    /// A tonne kept for a month.
    TonneMonth,
    /// A unit of the market's currency lent for a year: a price is a share a year.
    MoneyYear,
}

impl Unit {
    /// All units.
    pub const ALL: [Self; 5] =
        [Self::Kilogram, Self::Tonne, Self::KilogramMonth, Self::TonneMonth, Self::MoneyYear];

    /// `kg`, `t`, `kg-month`, `t-month` or `money-year`.
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Kilogram => "kg",
            Self::Tonne => "t",
            Self::KilogramMonth => "kg-month",
            Self::TonneMonth => "t-month",
            Self::MoneyYear => "money-year",
        }
    }

    /// What is traded in it.
    // Rules: R-BIL-001.
    pub const fn service(self) -> Service {
        match self {
            Self::Kilogram | Self::Tonne => Service::Supply,
            Self::KilogramMonth | Self::TonneMonth => Service::Storage,
            Self::MoneyYear => Service::Finance,
        }
    }
}

/// What a market trades, and the grid of its prices and quantities.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Market {
    /// The material and grade, for people.
    pub name: Name,
    /// The unit of prices and quantities.
    pub unit: Unit,
    /// The currency of prices.
    pub currency: Currency,
    /// Quantities are whole multiples of it.
    pub lot: Quantity,
    /// Prices are whole multiples of it.
    pub tick: Price,
    /// The lowest price taken.
    pub lowest: Price,
    /// The highest price taken.
    pub highest: Price,
    /// The largest quantity of one bid.
    pub largest: Quantity,
}

/// The most price levels a market may have; a book's memory is bounded by it (16 bytes a level at most).
pub const LEVELS_MAX: u32 = 1 << 22;

impl Market {
    /// Whether the terms keep the rules that a book relies on.
    // Rules: R-AUC-001, R-AUC-002.
    pub(crate) fn check(&self) -> Result<(), Reject> {
        if self.lot.is_zero() || self.tick <= Price::ZERO {
            return Err(Reject::MarketGrid);
        }
        let on_grid = self.lowest.is_on(self.tick) && self.highest.is_on(self.tick);
        if !on_grid || self.highest < self.lowest || !self.largest.is_in(self.lot) || self.largest.is_zero() {
            return Err(Reject::MarketGrid);
        }
        let lot_value = i128::from(self.lot.millionths()).checked_mul(i128::from(self.tick.millionths()));
        let exact = lot_value.and_then(|value| value.checked_rem(i128::from(MILLIONTHS))) == Some(0);
        if !exact {
            return Err(Reject::MarketTooFine);
        }
        if self.level(self.highest).is_none() {
            return Err(Reject::MarketTooWide { levels_max: LEVELS_MAX });
        }
        let fits = |price: Price| price.times(self.largest, self.currency).is_some();
        if fits(self.lowest) && fits(self.highest) { Ok(()) } else { Err(Reject::AmountTooLarge) }
    }

    /// The level of a price on the grid, counted from the lowest; `None` off the grid.
    pub fn level(&self, price: Price) -> Option<u32> {
        let above = price.millionths().checked_sub(self.lowest.millionths())?;
        if above < 0 || price > self.highest || above.checked_rem(self.tick.millionths())? != 0 {
            return None;
        }
        let level = u32::try_from(above.checked_div(self.tick.millionths())?).ok()?;
        (level < LEVELS_MAX).then_some(level)
    }

    /// The price of a level of the grid.
    pub fn price(&self, level: u32) -> Price {
        let price = i64::from(level)
            .checked_mul(self.tick.millionths())
            .and_then(|above| self.lowest.millionths().checked_add(above));
        assert!(price.is_some(), "a level lies within the market's band");
        price.map_or(Price::ZERO, Price::from_millionths)
    }

    /// A quantity in lots; `None` where it is not a whole number of them.
    pub fn lots(&self, quantity: Quantity) -> Option<i64> {
        if !quantity.is_in(self.lot) {
            return None;
        }
        quantity.millionths().checked_div(self.lot.millionths())
    }

    /// The quantity of so many lots, if it fits.
    pub fn quantity(&self, lots: i64) -> Option<Quantity> {
        lots.checked_mul(self.lot.millionths()).and_then(Quantity::from_millionths)
    }

    /// The level of a price on the market's grid.
    ///
    /// # Errors
    /// `PriceOutsideBand`, or `PriceOffTick`, saying what would be right.
    // Rules: R-AUC-012.
    pub fn check_price(&self, price: Price) -> Result<u32, Reject> {
        if price < self.lowest || price > self.highest {
            return Err(Reject::PriceOutsideBand { lowest: self.lowest, highest: self.highest });
        }
        self.level(price).ok_or(Reject::PriceOffTick { tick: self.tick })
    }

    /// The price on the tick that is nearest, half to even: no further than any price on the tick that it lies between.
    // Rules: R-BIL-040.
    pub(crate) fn nearest(&self, price: Price) -> Price {
        let ticks = divide_half_even(price.millionths().into(), self.tick.millionths().into());
        let nearest = ticks.and_then(|ticks| ticks.checked_mul(self.tick.millionths().into()));
        nearest.and_then(|nearest| i64::try_from(nearest).ok()).map_or(price, Price::from_millionths)
    }

    /// Whether so much fits in a [`Money`] at any price of the market, rounding of many parts of it included.
    // Rules: R-AUC-022.
    pub(crate) fn can_be_paid(&self, quantity: Quantity) -> bool {
        // A quarter of what fits: half would do for rounding, and a participant can be on both sides.
        const MOST: i128 = (i64::MAX as i128 / 4) * MILLIONTHS as i128;
        let dearest = self.highest.millionths().unsigned_abs().max(self.lowest.millionths().unsigned_abs());
        i128::from(dearest).checked_mul(quantity.millionths().into()).is_some_and(|cost| cost <= MOST)
    }

    /// A quantity that one bid may have, in lots.
    ///
    /// # Errors
    /// `QuantityOutOfRange` if it is nothing or too large, `QuantityOffLot` if it is not in whole lots.
    // Rules: R-AUC-013.
    pub fn check_quantity(&self, quantity: Quantity) -> Result<i64, Reject> {
        if quantity.is_zero() || quantity > self.largest {
            return Err(Reject::QuantityOutOfRange { lot: self.lot, largest: self.largest });
        }
        self.lots(quantity).ok_or(Reject::QuantityOffLot { lot: self.lot })
    }
}

/// The terms of a floor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FloorTerms {
    /// The market whose producers it supports.
    pub market: MarketId,
    /// The programme that pays.
    pub programme: ProgrammeId,
    /// The published index that it pays against.
    pub index: IndexId,
    /// The floor: no strike is higher.
    pub price: Price,
    /// The index price down to which payments are reserved: strike − stress price, per unit.
    pub stress_price: Price,
    /// The first month that it covers.
    pub first: Month,
    /// The last month that it covers.
    pub last: Month,
    /// Where supported material may come from.
    pub origins: Vec<Country>,
    /// How entitlements under it are settled.
    pub contract: Box<ContractTerms>,
}

/// The most origins a floor may name: more than there are countries.
pub const ORIGINS_MAX: usize = 256;

/// A floor, and how far it has been settled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Floor {
    /// Its terms, which never change.
    pub terms: FloorTerms,
    /// The first day of the first period without a settlement run; the day after the last once all have one.
    pub next: Day,
    /// The newest data that a run of it was made on; runs never go back to older ones.
    pub version: DataVersion,
    /// The index price down to which payments are reserved now: its terms' until it is changed.
    pub stress_price: Price,
}

impl Floor {
    /// A floor that has not been settled yet.
    pub(crate) fn new(terms: FloorTerms) -> Self {
        let next = terms.first.first_day();
        let stress_price = terms.stress_price;
        Self { terms, next, version: DataVersion(0), stress_price }
    }

    /// The first day that an entitlement covers which is granted at an instant: the period has not begun, so that nobody
    /// is paid for one whose prices were known when the strike was offered.
    // Rules: R-CFD-025.
    pub(crate) fn covers_from(&self, granted_at: Instant) -> Option<Day> {
        let calendar = self.terms.contract.calendar;
        let next = calendar.after(calendar.period(Day::of(granted_at)?))?;
        Some(next.first.max(self.next))
    }

    /// How many periods there are from the one of `first` to the floor's last.
    pub(crate) fn periods_from(&self, first: Day) -> u32 {
        self.terms.contract.calendar.count(first, self.terms.last.last_day())
    }

    /// What a programme reserves for a strike and a quantity a period over so many periods:
    /// max(0, strike − stress price) × quantity × periods, the stress price being no less than `least_reference`. `None` where it does not
    /// fit.
    // Rules: R-CFD-038, R-MON-006.
    pub(crate) fn reservation(
        &self,
        strike: Price,
        per_period: Quantity,
        periods: u32,
        least_reference: Option<Price>,
        currency: Currency,
    ) -> Option<Money> {
        let stress_price = least_reference.map_or(self.stress_price, |least| least.max(self.stress_price));
        let per_unit = strike.checked_sub(stress_price)?.max(Price::ZERO);
        let volume =
            per_period.millionths().checked_mul(i64::from(periods)).and_then(Quantity::from_millionths)?;
        // Where strike and stress price are on the tick nothing was cut off; an indexed strike is rounded to millionths.
        per_unit.times(volume, currency)?.exact()
    }
}
