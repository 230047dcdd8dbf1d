//! What a contract for difference pays for one period: the payoff as data, and the one function that computes it.
//!
//! Per unit, with strike *F* and reference price *R*,
//!
//! ```text
//! payoff = α · max(0, F − R) − β · max(0, R − C)
//! ```
//!
//! | design | C | α | β |
//! |---|---|---|---|
//! | price floor (one-way) | – | 1 | 0 |
//! | two-way contract | F | 1 | 1 |
//! | collar | cap | 1 | 1 |
//! | floor with upside share | threshold | 1 | such as 0.30 |
//!
//! A positive amount goes to the contract's party, a negative one comes from it. The amount is rounded once, from the exact
//! product, and what was cut off stands beside it. Annual caps are used up in the order of the periods: whoever computes a
//! year begins with an empty [`YearToDate`] and goes through its periods, so that a correction of an early period
//! moves what later ones are paid.

use serde::{Deserialize, Serialize};

use crate::num::{Amount, Currency, MILLIONTHS, Money, Price, Quantity, Rounded, Share};
use crate::text::Name;
use crate::time::Period;

/// What is paid, and when not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Payoff {
    /// α: the share of what the reference price lacks to the strike.
    #[serde(default = "whole", with = "crate::human::text")]
    pub support: Share,
    /// What the party gives of high prices; nothing where it is absent.
    #[serde(default)]
    pub upside: Option<Upside>,
    /// A reference price below it counts as this. Zero makes the British `min(strike − R, strike)` (CfD Standard Terms,
    /// condition 1.1).
    #[serde(default, with = "crate::human::optional")]
    pub minimum: Option<Price>,
    /// When nothing is paid either way.
    #[serde(default)]
    pub suspension: Suspension,
    /// The most volume of a calendar year that counts.
    #[serde(default, with = "crate::human::optional")]
    pub annual_volume: Option<Quantity>,
}

/// What the party of a contract gives of high prices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Upside {
    /// C: what the reference price exceeds of it is shared; the strike where it is absent.
    #[serde(default, with = "crate::human::optional")]
    pub above: Option<Price>,
    /// β: the share that the party gives.
    #[serde(with = "crate::human::text")]
    pub share: Share,
    /// The most that it gives for a calendar year, in whole minor units.
    #[serde(default, with = "crate::human::optional")]
    pub annual_cap: Option<Amount>,
    /// What must come about first, where it is not shared from the beginning: two operators say from when it is.
    #[serde(default, with = "crate::human::optional")]
    pub condition: Option<Name>,
}

/// When nothing is paid either way. Judged by the period's reference price before its minimum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Suspension {
    /// Never.
    #[default]
    Never,
    /// Where the reference price is negative.
    Negative,
    /// Where it is negative or zero.
    NotPositive,
}

const fn whole() -> Share {
    Share::WHOLE
}

/// One period of a contract, with all that its payment depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeriodFacts {
    /// When it is.
    pub period: Period,
    /// The strike in force.
    pub strike: Price,
    /// The reference price as it was averaged; may be absent where there is no volume.
    pub reference_price: Option<Price>,
    /// The volume that counts, before annual caps.
    pub quantity: Quantity,
    /// Whether the party shares high prices already.
    pub is_upside_shared: bool,
}

/// What a contract has used of its annual caps. Begins empty, and again with each calendar year.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct YearToDate {
    year: i32,
    upside: i64,
    volume: i64,
}

/// Which part of the payoff a line was computed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PayoffRule {
    /// α · (F − R).
    Support,
    /// β · (R − C), from the party.
    Upside,
    /// The same, cut at what is left of the annual cap, which may be nothing.
    UpsideCapped,
    /// Both, because the strike has risen above C.
    Both,
    /// R lies where nobody pays.
    Between,
    /// The price suspended the payment.
    Suspended,
    /// There was no volume, or none left of the year's.
    NoVolume,
}

/// What a period is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settled {
    /// The volume that was paid for.
    pub quantity: Quantity,
    /// Which part of the payoff it is.
    pub rule: PayoffRule,
    /// The amount in minor units; positive goes to the party.
    pub amount: Money,
    /// Exact amount minus `amount`, in millionths.
    pub remainder: Money,
}

/// Why a period cannot be settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsettled {
    /// There is volume and no reference price.
    #[error("there is no reference price")]
    NoReferencePrice,
    /// A number does not fit.
    #[error("the amount is larger than can be held")]
    TooLarge,
}

impl Payoff {
    /// A price floor: what the reference price lacks to the strike is paid, and nothing is given back.
    pub const fn floor() -> Self {
        Self {
            support: Share::WHOLE,
            upside: None,
            minimum: None,
            suspension: Suspension::Never,
            annual_volume: None,
        }
    }

    /// Whether the periods of a year depend on each other.
    pub fn has_annual_caps(&self) -> bool {
        self.annual_volume.is_some() || self.upside.as_ref().is_some_and(|upside| upside.annual_cap.is_some())
    }

    /// What a period is worth; `year` is what the periods before it in its calendar year have used.
    ///
    /// # Errors
    /// [`Unsettled`]; `year` is then as it was.
    pub fn settle(
        &self,
        year: &mut YearToDate,
        facts: &PeriodFacts,
        currency: Currency,
    ) -> Result<Settled, Unsettled> {
        let mut used = *year;
        used.enter(facts.period);
        let settled = self.settle_capped(&mut used, facts, currency)?;
        *year = used;
        Ok(settled)
    }

    // Rules: R-CFD-003, R-CFD-004, R-CFD-008.
    fn settle_capped(
        &self,
        used: &mut YearToDate,
        facts: &PeriodFacts,
        currency: Currency,
    ) -> Result<Settled, Unsettled> {
        let zero = Money::zero(currency);
        let nothing = |rule| {
            let quantity = Quantity::ZERO;
            Ok(Settled { quantity, rule, amount: zero, remainder: zero })
        };
        let is_suspended = facts.reference_price.is_some_and(|published| match self.suspension {
            Suspension::Never => false,
            Suspension::Negative => published < Price::ZERO,
            Suspension::NotPositive => published <= Price::ZERO,
        });
        // Volume for which nothing is paid either way uses up none of the year's.
        if is_suspended && !facts.quantity.is_zero() {
            return nothing(PayoffRule::Suspended);
        }
        let quantity = used.take_volume(facts.quantity, self.annual_volume);
        if quantity.is_zero() {
            return nothing(PayoffRule::NoVolume);
        }
        let published = facts.reference_price.ok_or(Unsettled::NoReferencePrice)?;
        let applied = self.minimum.map_or(published, |least| published.max(least));
        let legs = self.legs(used, facts, applied, quantity, currency).ok_or(Unsettled::TooLarge)?;
        let net = legs.support.checked_sub(legs.upside).ok_or(Unsettled::TooLarge)?;
        let Rounded { amount, remainder } =
            Rounded::of(net, legs.scale, currency).ok_or(Unsettled::TooLarge)?;
        let rule = match (legs.support > 0, legs.upside > 0) {
            (false, false) if !legs.is_capped => PayoffRule::Between,
            (true, true) => PayoffRule::Both,
            (true, false) => PayoffRule::Support,
            (false, _) if legs.is_capped => PayoffRule::UpsideCapped,
            (false, _) => PayoffRule::Upside,
        };
        Ok(Settled { quantity, rule, amount, remainder })
    }

    /// Both legs of the payoff, exact, the upside cut at what is left of its annual cap, which is used up. `None` where a
    /// number does not fit.
    // Rules: R-CFD-001, R-CFD-002, R-CFD-006.
    fn legs(
        &self,
        used: &mut YearToDate,
        facts: &PeriodFacts,
        reference_price: Price,
        quantity: Quantity,
        currency: Currency,
    ) -> Option<Legs> {
        let upside = self.upside.as_ref().filter(|_| facts.is_upside_shared);
        let upside_share = upside.map_or(Share::NONE, |upside| upside.share);
        // Millionths × millionths are parts of 10⁻¹²; a share that is neither nothing nor the whole makes them 10⁻¹⁸.
        let is_plain = |share: Share| share == Share::WHOLE || share.is_zero();
        let (scale, whole) = if is_plain(self.support) && is_plain(upside_share) {
            (i128::from(MILLIONTHS), 1)
        } else {
            (i128::from(MILLIONTHS).checked_mul(i128::from(MILLIONTHS))?, i128::from(MILLIONTHS))
        };
        let leg = |from: Price, to: Price, share: Share| {
            if from >= to || share.is_zero() {
                return Some(0);
            }
            let parts = if whole == 1 { 1 } else { i128::from(share.millionths()) };
            let product =
                i128::from(to.checked_sub(from)?.millionths()).checked_mul(i128::from(quantity.millionths()));
            product?.checked_mul(parts)
        };
        let support = leg(reference_price, facts.strike, self.support)?;
        let above = upside.and_then(|upside| upside.above).unwrap_or(facts.strike);
        let mut given = leg(above, reference_price, upside_share)?;
        let mut is_capped = false;
        if let Some(cap) = upside.and_then(|upside| upside.annual_cap) {
            let left = i128::from(cap.millionths().saturating_sub(used.upside)).checked_mul(scale)?;
            is_capped = given > left;
            given = given.min(left);
            // The cap is in whole minor units and so is what is used of it: rounding never passes what is left.
            let rounded = Rounded::of(given, scale, currency)?.amount.millionths;
            used.upside = used.upside.checked_add(rounded)?;
        }
        Some(Legs { support, upside: given, scale, is_capped })
    }
}

/// The two legs of a payoff, exact: `scale` parts make a millionth.
struct Legs {
    support: i128,
    upside: i128,
    scale: i128,
    is_capped: bool,
}

impl YearToDate {
    /// Begins a year, if a period is the first that is met of it.
    // Rules: R-CFD-006.
    fn enter(&mut self, period: Period) {
        let year = period.first.year();
        if year != self.year {
            *self = Self { year, ..Self::default() };
        }
    }

    /// How much of a volume still counts in the year; that is used up.
    // Rules: R-CFD-007.
    fn take_volume(&mut self, wanted: Quantity, most: Option<Quantity>) -> Quantity {
        let Some(most) = most else {
            return wanted;
        };
        let left = most.millionths().saturating_sub(self.volume);
        let taken = wanted.millionths().min(left).max(0);
        self.volume = self.volume.saturating_add(taken);
        Quantity::from_millionths(taken).unwrap_or(Quantity::ZERO)
    }
}

#[cfg(test)]
mod tests;
