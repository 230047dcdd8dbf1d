//! The terms of a contract for difference, as data.
//!
//! They can stand in a text file: numbers are decimal texts, and a name that is not known is an error. The files in
//! `engine/rules/contracts` are such terms. They are the terms of everybody's contract under one floor; what each contract has
//! of its own (strike, volume, first and last period) is an [`Entitlement`](super::Entitlement).

use serde::{Deserialize, Serialize};

use super::payoff::Payoff;
use crate::id::IndexId;
use crate::num::{Currency, HalfWay, Price, Quantity, Share};
use crate::reject::Reject;
use crate::text::Country;
use crate::time::{Calendar, Day, Month};

/// How a contract is settled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ContractTerms {
    /// The periods that it is settled by.
    pub calendar: Calendar,
    /// What is paid for a period.
    pub payoff: Payoff,
    /// How a period's reference price is made of the index.
    #[serde(default)]
    pub reference: ReferenceRule,
    /// Which volume counts.
    #[serde(default)]
    pub volume: VolumeRule,
    /// How the strike follows an index, if it does.
    #[serde(default)]
    pub indexation: Option<Indexation>,
    /// The yearly rate of simple interest on what a later run pays or takes back, from the period's first run on,
    /// actual days on 365. None where it is absent.
    #[serde(default, with = "crate::human::optional")]
    pub interest: Option<Share>,
}

/// How a period's reference price is made of an index's prices in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ReferenceRule {
    /// What each price counts for.
    #[serde(default)]
    pub averaging: Averaging,
    /// With fewer prices in the period there is no average; 1 where it is absent or 0.
    #[serde(default)]
    pub least_observations: u32,
    /// The index whose average, made in the same way, is taken then. A period with neither is not settled.
    #[serde(default)]
    pub fallback: Option<IndexId>,
}

/// What each price counts for in an average.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Averaging {
    /// All the same.
    #[default]
    Simple,
    /// The volume that was traded at it, as its publisher says.
    VolumeWeighted,
    /// The volume that the contract delivered on its day and on the days after it that have no price; of those before the first
    /// price, on that.
    DeliveryWeighted,
}

/// Which volume counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct VolumeRule {
    /// Whether it depends on what was delivered.
    #[serde(default)]
    pub measure: Measure,
    /// Where deliveries may go; anywhere if none is named. What goes elsewhere pays nothing.
    #[serde(default, with = "crate::human::list")]
    pub destinations: Vec<Country>,
    /// Whether a delivery without evidence pays nothing.
    #[serde(default)]
    pub evidence: bool,
}

/// Whether volume depends on what was delivered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Measure {
    /// The contract's own quantity, whatever was produced or sold.
    #[default]
    Fixed,
    /// What was sold or put into stock, at most the contract's quantity a period. What is sold from stock was counted when
    /// it was put there.
    Metered,
}

/// How a strike follows an index such as one of consumer prices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Indexation {
    /// The index.
    pub index: IndexId,
    /// Its value when the strike was fixed.
    #[serde(with = "crate::human::text")]
    pub base_value: Price,
    /// The month, 1 to 12, from which on a year's new strike is in force.
    pub from_month: u8,
    /// The month whose value makes it: the last such month that is not after the one that it is in force from.
    pub value_month: u8,
    /// The strike is a multiple of it.
    #[serde(with = "crate::human::text")]
    pub unit: Price,
    /// How it is rounded to one.
    pub rounding: HalfWay,
}

impl ContractTerms {
    /// A monthly price floor on fixed volume.
    pub fn monthly_floor() -> Self {
        Self {
            calendar: Calendar::Monthly,
            payoff: Payoff::floor(),
            reference: ReferenceRule::default(),
            volume: VolumeRule::default(),
            indexation: None,
            interest: None,
        }
    }

    /// Refuses terms that contradict themselves, for contracts in a currency with strikes up to `strike`.
    // Rules: R-CFD-027.
    pub(crate) fn check(&self, strike: Price, currency: Currency) -> Result<(), Reject> {
        let payoff = &self.payoff;
        // Below such a minimum nothing would ever be paid, and above it the holder would pay at any price.
        let is_lifted = payoff.minimum.is_some_and(|minimum| minimum > strike);
        if payoff.support.is_zero() || is_lifted || payoff.annual_volume.is_some_and(Quantity::is_zero) {
            return Err(Reject::PayoffTerms);
        }
        if self.calendar == Calendar::Daily && self.reference.least_observations > 1 {
            return Err(Reject::ReferenceTerms);
        }
        if let Some(upside) = &self.payoff.upside {
            let below = upside.above.is_some_and(|above| above < strike);
            let broken =
                |cap: crate::num::Amount| cap.millionths().checked_rem(currency.minor_unit()) != Some(0);
            if upside.share.is_zero() || below || upside.annual_cap.is_some_and(broken) {
                return Err(Reject::PayoffTerms);
            }
        }
        // A fixed volume is delivered by nobody: there is nothing to weigh prices by, and nothing to look at.
        let is_fixed = self.volume.measure == Measure::Fixed;
        let looks_at_deliveries = self.reference.averaging == Averaging::DeliveryWeighted
            || self.volume.evidence
            || !self.volume.destinations.is_empty();
        if (is_fixed && looks_at_deliveries) || self.volume.destinations.len() > crate::market::ORIGINS_MAX {
            return Err(Reject::VolumeTerms);
        }
        if let Some(indexation) = &self.indexation {
            let months = 1..=12;
            let known = months.contains(&indexation.from_month) && months.contains(&indexation.value_month);
            let is_unit = indexation.unit > Price::ZERO && indexation.unit <= strike;
            if !known || indexation.base_value <= Price::ZERO || !is_unit {
                return Err(Reject::IndexationTerms);
            }
        }
        Ok(())
    }
}

impl Indexation {
    /// The month whose value makes the strike that is in force on a day; `None` before the year 1.
    // Rules: R-CFD-017.
    pub fn value_month(&self, day: Day) -> Option<Month> {
        let month = day.month();
        let year = if month.month() < self.from_month { month.year().checked_sub(1)? } else { month.year() };
        let year = if self.value_month > self.from_month { year.checked_sub(1)? } else { year };
        Month::new(year, self.value_month)
    }

    /// The strike that a base strike has become with the index's value now: base × now ÷ base value, rounded as the
    /// terms say. Always from the base: a strike that was rounded is never indexed again (Strike Price Adjustment Guidance,
    /// Low Carbon Contracts Company, 2018).
    // Rules: R-CFD-016.
    pub fn strike(&self, base: Price, now: Price) -> Option<Price> {
        base.indexed(now, self.base_value, self.unit, self.rounding)
    }
}

/// An average in the making.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Average {
    sum: i128,
    weight: i128,
    observations: u32,
}

impl Average {
    /// Adds a price that counts for `weight`; one that counts for nothing is no observation. `None` where it does not fit.
    pub fn add(&mut self, price: Price, weight: Quantity) -> Option<()> {
        if weight.is_zero() {
            return Some(());
        }
        let weight = i128::from(weight.millionths());
        let product = i128::from(price.millionths()).checked_mul(weight)?;
        *self = Self {
            sum: self.sum.checked_add(product)?,
            weight: self.weight.checked_add(weight)?,
            observations: self.observations.checked_add(1)?,
        };
        Some(())
    }

    /// How many prices were added that count.
    pub const fn observations(&self) -> u32 {
        self.observations
    }

    /// The average, rounded half to even to millionths; `None` without a price.
    // Rules: R-CFD-010.
    pub fn price(&self) -> Option<Price> {
        let price = HalfWay::Even.divide(self.sum, self.weight)?;
        i64::try_from(price).ok().map(Price::from_millionths)
    }
}
