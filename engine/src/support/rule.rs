//! A rule of a support auction, as data: in which order offers are looked at, what limits what is awarded, and who is paid what.
//!
//! A rule can stand in a text file, as a call auction's can: numbers are decimal texts, and a name that is not known is an
//! error. The files in `engine/rules/support` are such rules.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

use crate::clearing::Payment;
use crate::num::{Amount, Price, Quantity, Share};
use crate::text::{Country, Name};

/// How support is awarded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SupportRule {
    /// `one-price`: pay-as-clear, a price for each pot and delivery year. `own-price`: pay-as-bid.
    pub payment: Payment,
    /// What follows on an offer that does not fit.
    pub misfit: Misfit,
    /// Which of two offers of one score comes first.
    #[serde(default)]
    pub ties: Ties,
    /// Whether an offer is awarded whole or not at all, whatever minimum it states.
    #[serde(default)]
    pub whole_offers: bool,
    /// What offers of a pot, or under a minimum, are paid where all of them fit.
    #[serde(default)]
    pub uncontested: Uncontested,
    /// Offers above it are not looked at, and nobody is paid more.
    #[serde(default, with = "crate::human::optional")]
    pub ceiling: Option<Price>,
    /// Awards are whole multiples of it; one millionth where it is absent.
    #[serde(default, with = "crate::human::optional")]
    pub lot: Option<Quantity>,
    /// For how many periods, of which each pays price × quantity, support is given; one where it is absent.
    #[serde(default)]
    pub periods: Option<NonZeroU32>,
    /// What a point of quality is worth: it is taken off the price when offers are compared, and added to what a clearing
    /// price pays.
    #[serde(default, with = "crate::human::optional")]
    pub quality_rate: Option<Price>,
    /// The kinds of offers, if they are told apart. Their pots are auctions of their own, held in the order in which they
    /// are named here.
    #[serde(default)]
    pub technologies: Vec<Technology>,
    /// What is never exceeded.
    #[serde(default)]
    pub limits: Vec<Limit>,
    /// Money or volume that is kept for some offers before all others are looked at: an auction of their own, up to so much.
    /// What they leave is for everybody.
    #[serde(default)]
    pub minima: Vec<Limit>,
    /// When there is too little competition.
    #[serde(default)]
    pub competition: Competition,
    /// How much may come from one country.
    #[serde(default)]
    pub origin_cap: Option<OriginCap>,
}

/// What follows on an offer that does not fit whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Misfit {
    /// The limits that it breaks, if they are for all and not for each owner, offer or country, take nothing more in its pot.
    Stop,
    /// The next offers are looked at.
    Skip,
    /// Its delivery year takes nothing more in its pot, if it breaks a limit that is for all.
    CloseYear,
}

/// Which of two offers of one score comes first.
// Rules: R-AUC-064.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ties {
    /// The earlier one.
    #[default]
    Earliest,
    /// By a draw, in the order of SHA-256(seed ‖ id).
    SeededDraw,
}

/// What is paid where nobody competes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Uncontested {
    /// The clearing price, as ever.
    #[default]
    Clearing,
    /// Each offer's ceiling, if all fit at that: The Contracts for Difference (Allocation) Regulations 2014, regulation 30(3) and
    /// (5). Only where a clearing price pays.
    Ceiling,
}

/// A kind of offers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Technology {
    /// Its name.
    #[serde(with = "crate::human::text")]
    pub name: Name,
    /// The pot that it competes in.
    #[serde(default, with = "crate::human::optional")]
    pub pot: Option<Name>,
    /// The rule's ceiling where it is absent, and the lower of the two where both are there.
    #[serde(default, with = "crate::human::optional")]
    pub ceiling: Option<Price>,
    /// A premium: taken off the price when offers are compared, and added to what a clearing price pays.
    #[serde(default, with = "crate::human::optional")]
    pub premium: Option<Price>,
}

/// What a part of the awards never exceeds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Limit {
    /// Its name, told to whom it keeps out.
    #[serde(with = "crate::human::text")]
    pub name: Name,
    /// Whether it is for all that it counts together.
    #[serde(default)]
    pub each: Each,
    /// Which technologies it counts; all where none is named.
    #[serde(default, with = "crate::human::list")]
    pub technologies: Vec<Name>,
    /// Which delivery years it counts; all where it is absent.
    #[serde(default)]
    pub years: Option<Years>,
    /// How much there can be.
    pub most: Most,
}

/// For whom a limit is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Each {
    /// All that it counts together.
    #[default]
    All,
    /// Each beneficial owner for itself.
    OwnerGroup,
    /// Each offer for itself.
    Offer,
}

/// Delivery years that a limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Years {
    /// Offers that begin to deliver in this year.
    In(u16),
    /// Offers that begin to deliver in this year or before: those that are paid in it.
    Until(u16),
}

/// How much a limit allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Most {
    /// So much volume, of one period.
    #[serde(with = "crate::human::text")]
    Quantity(Quantity),
    /// So much money: the sum of max(0, price paid − reference price) × quantity × periods.
    #[serde(rename_all = "kebab-case")]
    Money {
        /// How much.
        #[serde(with = "crate::human::text")]
        amount: Amount,
        /// What the supported volume is taken to earn by itself.
        #[serde(with = "crate::human::text")]
        reference_price: Price,
    },
}

/// When there is too little competition. By default there never is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Competition {
    /// No more than this part of what is offered at or below the ceilings is awarded: an auction that few come to shrinks. Of offers
    /// that exclude each other the largest counts.
    #[serde(with = "crate::human::optional")]
    pub most_of_offered: Option<Share>,
    /// With offers of fewer owners at or below the ceilings, nothing is awarded.
    pub least_owner_groups: Option<NonZeroU32>,
    /// Where every offer at or below the ceilings would be awarded whole, nothing is.
    pub void_if_all_win: bool,
}

/// How much of all material may come from one country: its position and awards of all positions and awards together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct OriginCap {
    /// The most that a country has of the whole, after what is cut is cut.
    #[serde(with = "crate::human::text")]
    pub share: Share,
    /// What is already supplied, by country.
    #[serde(default)]
    pub positions: Vec<Position>,
    /// Countries that are not capped.
    #[serde(default, with = "crate::human::list")]
    pub exempt: Vec<Country>,
}

/// What a country already supplies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Position {
    /// The country.
    #[serde(with = "crate::human::text")]
    pub country: Country,
    /// How much, in the unit and period of the offers.
    #[serde(with = "crate::human::text")]
    pub quantity: Quantity,
}

/// The most technologies, limits and minima, positions or exempt countries that a rule may have.
pub const PARTS_MAX: usize = 256;

/// What is wrong with a rule, without the names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum SupportRuleFault {
    /// As [`SupportRuleError::TooLong`].
    #[error("it has more than {PARTS_MAX} technologies, limits or countries")]
    TooLong,
    /// As [`SupportRuleError::Unlimited`].
    #[error("a limit that is for all must count every offer")]
    Unlimited,
    /// As [`SupportRuleError::LotZero`].
    #[error("its lot must be above zero")]
    LotZero,
    /// As [`SupportRuleError::NameTwice`].
    #[error(
        "it names two technologies or two limits alike; the auction's own are called 'the auction's volume' and 'the auction's budget'"
    )]
    NameTwice,
    /// As [`SupportRuleError::UnknownTechnology`].
    #[error("a limit counts a technology that it does not have")]
    UnknownTechnology,
    /// As [`SupportRuleError::MoneyForEach`].
    #[error("with one price for all a limit for each is a quantity")]
    MoneyForEach,
    /// As [`SupportRuleError::MinimumForEach`].
    #[error("a minimum is for all that it counts")]
    MinimumForEach,
    /// As [`SupportRuleError::MinimumOverPots`].
    #[error("a minimum counts technologies of one pot")]
    MinimumOverPots,
    /// As [`SupportRuleError::UncontestedWithoutCeiling`].
    #[error("a ceiling is paid to who competes with nobody only with one price for all")]
    UncontestedWithoutCeiling,
    /// As [`SupportRuleError::CountryTwice`].
    #[error("the origin cap names a country twice")]
    CountryTwice,
}

/// Why a rule makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SupportRuleError {
    /// Longer than anybody could mean.
    #[error("a rule has at most {PARTS_MAX} technologies, limits and minima, positions and exempt countries")]
    TooLong,
    /// Nothing would ever stop the awards.
    #[error("every offer is counted by at least one limit that is for all, such as a volume or a budget")]
    Unlimited,
    /// Awards could have no size.
    #[error("the lot must be above zero")]
    LotZero,
    /// One name stands for two things.
    #[error("two {what} are named '{name}'")]
    NameTwice {
        /// Technologies, or limits and minima.
        what: &'static str,
        /// The name.
        name: Name,
    },
    /// A limit counts what does not exist.
    #[error("limit '{limit}' counts technology '{technology}', which the rule does not have")]
    UnknownTechnology {
        /// The limit.
        limit: Name,
        /// What it names.
        technology: Name,
    },
    /// A clearing price that rises would change what each owner or offer has been given.
    #[error("limit '{0}' is money for each; with one price for all a limit for each is a quantity")]
    MoneyForEach(Name),
    /// A minimum is for all that it counts.
    #[error("minimum '{0}' is for each; a minimum is for all that it counts")]
    MinimumForEach(Name),
    /// A minimum is an auction of its own, in one pot.
    #[error("minimum '{0}' counts technologies of several pots; name those of one")]
    MinimumOverPots(Name),
    /// Nobody could be paid a ceiling.
    #[error(
        "who competes with nobody is paid a ceiling only with one price for all, and then every offer needs a ceiling"
    )]
    UncontestedWithoutCeiling,
    /// A country has two positions, or one and an exemption.
    #[error("country {0} is named twice in the origin cap")]
    CountryTwice(Country),
}

impl SupportRuleError {
    /// The same without the names.
    pub const fn fault(&self) -> SupportRuleFault {
        match self {
            Self::TooLong => SupportRuleFault::TooLong,
            Self::Unlimited => SupportRuleFault::Unlimited,
            Self::LotZero => SupportRuleFault::LotZero,
            Self::NameTwice { .. } => SupportRuleFault::NameTwice,
            Self::UnknownTechnology { .. } => SupportRuleFault::UnknownTechnology,
            Self::MoneyForEach(_) => SupportRuleFault::MoneyForEach,
            Self::MinimumForEach(_) => SupportRuleFault::MinimumForEach,
            Self::MinimumOverPots(_) => SupportRuleFault::MinimumOverPots,
            Self::UncontestedWithoutCeiling => SupportRuleFault::UncontestedWithoutCeiling,
            Self::CountryTwice(_) => SupportRuleFault::CountryTwice,
        }
    }
}

impl SupportRule {
    /// Whether the rule makes sense.
    ///
    /// # Errors
    ///
    /// The first thing that does not.
    pub fn check(&self) -> Result<(), SupportRuleError> {
        let countries = self.origin_cap.as_ref().map_or(0, |cap| cap.positions.len().max(cap.exempt.len()));
        let longest = self.technologies.len().max(self.limits.len()).max(self.minima.len()).max(countries);
        if longest > PARTS_MAX {
            return Err(SupportRuleError::TooLong);
        }
        if self.lot.is_some_and(Quantity::is_zero) {
            return Err(SupportRuleError::LotZero);
        }
        let technologies = || self.technologies.iter().map(|technology| &technology.name);
        if let Some(name) = first_twice(technologies()) {
            return Err(SupportRuleError::NameTwice { what: "technologies", name: name.clone() });
        }
        let limits = || self.limits.iter().chain(&self.minima);
        if let Some(name) = first_twice(limits().map(|limit| &limit.name)) {
            return Err(SupportRuleError::NameTwice { what: "limits", name: name.clone() });
        }
        for limit in limits() {
            let unknown = limit.technologies.iter().find(|name| !technologies().any(|known| known == *name));
            if let Some(technology) = unknown {
                return Err(SupportRuleError::UnknownTechnology {
                    limit: limit.name.clone(),
                    technology: technology.clone(),
                });
            }
            let is_money = matches!(limit.most, Most::Money { .. });
            if self.payment == Payment::OnePrice && limit.each != Each::All && is_money {
                return Err(SupportRuleError::MoneyForEach(limit.name.clone()));
            }
        }
        for minimum in &self.minima {
            if minimum.each != Each::All {
                return Err(SupportRuleError::MinimumForEach(minimum.name.clone()));
            }
            let mut pots = self.technologies.iter().filter(|technology| minimum.counts(Some(technology)));
            let first = pots.next().map(|technology| &technology.pot);
            if pots.any(|technology| Some(&technology.pot) != first) {
                return Err(SupportRuleError::MinimumOverPots(minimum.name.clone()));
            }
        }
        let has_ceilings = self.ceiling.is_some()
            || (!self.technologies.is_empty() && self.technologies.iter().all(|one| one.ceiling.is_some()));
        if self.uncontested == Uncontested::Ceiling && (self.payment == Payment::OwnPrice || !has_ceilings) {
            return Err(SupportRuleError::UncontestedWithoutCeiling);
        }
        let named = |cap: &OriginCap| {
            let positions = cap.positions.iter().map(|position| position.country);
            first_twice(positions.chain(cap.exempt.iter().copied()))
        };
        if let Some(country) = self.origin_cap.as_ref().and_then(named) {
            return Err(SupportRuleError::CountryTwice(country));
        }
        let is_limited = |technology: Option<&Technology>| {
            self.limits.iter().any(|limit| limit.each == Each::All && limit.counts(technology))
        };
        let mut kinds =
            self.technologies.iter().map(Some).chain(self.technologies.is_empty().then_some(None));
        if kinds.all(is_limited) { Ok(()) } else { Err(SupportRuleError::Unlimited) }
    }

    /// The pots, in the order in which they are held; one without a name where none is named.
    pub(super) fn pots(&self) -> Vec<Option<&Name>> {
        let mut pots = Vec::new();
        for technology in &self.technologies {
            if !pots.contains(&technology.pot.as_ref()) {
                pots.push(technology.pot.as_ref());
            }
        }
        if pots.is_empty() {
            pots.push(None);
        }
        pots
    }

    /// The lowest price that money is counted from; at most zero.
    pub fn lowest_reference(&self) -> Price {
        let references = self.limits.iter().chain(&self.minima).map(|limit| match limit.most {
            Most::Money { reference_price, .. } => reference_price,
            Most::Quantity(_) => Price::ZERO,
        });
        references.chain([Price::ZERO]).min().unwrap_or(Price::ZERO)
    }

    pub(super) fn periods(&self) -> u32 {
        self.periods.map_or(1, NonZeroU32::get)
    }
}

impl Limit {
    /// Whether it counts a technology. Where offers are not told apart, it counts them all.
    pub(super) fn counts(&self, technology: Option<&Technology>) -> bool {
        self.technologies.is_empty()
            || technology.is_some_and(|technology| self.technologies.contains(&technology.name))
    }
}

impl Years {
    /// Whether a delivery year is counted.
    pub(super) const fn count(self, year: u16) -> bool {
        match self {
            Self::In(counted) => year == counted,
            Self::Until(last) => year <= last,
        }
    }
}

/// The first that was there before.
fn first_twice<T: PartialEq>(all: impl Iterator<Item = T> + Clone) -> Option<T> {
    let mut rest = all.clone().enumerate();
    rest.find(|(number, one)| all.clone().take(*number).any(|earlier| earlier == *one)).map(|(_, one)| one)
}
