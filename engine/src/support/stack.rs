//! The stack: offers that can be awarded, checked once, in the order in which they are looked at.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::rule::{SupportRule, SupportRuleError, Technology, Ties};
use super::{Award, Reason, Rejection};
use crate::num::{MILLIONTHS, Price, Quantity, divide_half_even};
use crate::text::{Country, Name};

/// An offer of supported volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offer<'a> {
    /// What a draw among equals goes by.
    pub id: &'a [u8],
    /// The price asked: a strike, or a premium.
    pub price: Price,
    /// How much is offered, in one period.
    pub quantity: Quantity,
    /// The least that is of use: zero where any part is, the quantity where only the whole is.
    pub min_quantity: Quantity,
    /// When it was made, for ties. Of two made at once, the one that stands first comes first.
    pub received: i64,
    /// Its beneficial owner.
    pub owner_group: u32,
    /// Where the volume comes from; needed where the rule caps origins.
    pub origin: Option<Country>,
    /// Which of the rule's technologies, counted from zero; `None` where the rule has none.
    pub technology: Option<u16>,
    /// The year in which it begins to deliver.
    pub year: u16,
    /// Points of quality, for the rule's second criterion.
    pub quality: Quantity,
    /// Offers of one unit exclude each other: at most one is awarded.
    pub unit: Option<u64>,
}

/// Why nothing is awarded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SupportError {
    /// The rule makes no sense.
    #[error(transparent)]
    Rule(#[from] SupportRuleError),
    /// Ties are decided by a draw.
    #[error("ties are decided by a draw, and no seed is given")]
    SeedMissing,
    /// An offer that the rule cannot take.
    #[error("{fault}")]
    Offer {
        /// The offer, counted from zero.
        offer: u32,
        /// What is wrong with it.
        fault: OfferFault,
    },
    /// The awards could cost more than can be told.
    #[error(
        "the offers together can cost more than can be held (about 9.2 trillion), or want more volume than fits"
    )]
    TooLarge,
}

/// What is wrong with an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum OfferFault {
    /// Nothing is offered.
    #[error("an offer's quantity is above zero")]
    QuantityZero,
    /// The quantity or the minimum is not in whole lots.
    #[error("quantity and minimum are whole multiples of the lot {lot}")]
    OffLot {
        /// The lot.
        lot: Quantity,
    },
    /// The minimum is more than is offered.
    #[error("the minimum is above the quantity {quantity}")]
    MinimumAboveQuantity {
        /// The quantity.
        quantity: Quantity,
    },
    /// The rule tells technologies apart.
    #[error("an offer names one of the rule's technologies, and none where the rule has none")]
    Technology,
    /// The rule caps origins.
    #[error("where origins are capped, an offer states its origin")]
    OriginMissing,
    /// Price and premium are too far apart.
    #[error("the price less its premium does not fit")]
    ScoreTooLarge,
    /// What stands or was declined is no offer's.
    #[error(
        "what stands is in whole lots, above zero and no larger than its offer; what is declined is an offer"
    )]
    NotStanding,
}

/// What is in the order of the stack. Numbers are millionths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) row: u32,
    /// Its technology and delivery year together, by number.
    pub(super) kind: usize,
    pub(super) year: u16,
    pub(super) owner: u32,
    pub(super) origin: Option<Country>,
    pub(super) unit: Option<u64>,
    pub(super) price: i64,
    pub(super) premium: i64,
    /// Price − premium.
    pub(super) score: i64,
    pub(super) ceiling: Option<i64>,
    /// What can still be awarded.
    pub(super) quantity: i64,
    /// The least that can be awarded first.
    pub(super) minimum: i64,
}

/// What many offers have in common, and what decides which limits count them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Kind {
    pub(super) technology: Option<u16>,
    pub(super) year: u16,
    /// The pot, counted from zero in the order in which they are held.
    pub(super) pot: usize,
}

/// The offers at or below their ceilings, best first.
pub(super) struct Stack<'a> {
    entries: Vec<Entry>,
    kinds: Vec<Kind>,
    above_ceiling: Vec<(u32, Price)>,
    /// How many offers there are.
    rows: usize,
    /// What is offered at or below the ceilings: of each unit the largest offer.
    offered: i64,
    owners: u32,
    pots: Vec<Option<&'a Name>>,
    lot: i64,
    /// What was awarded before: the offer, how much of it, and at which price.
    standing: Vec<(Entry, i64, i64)>,
}

impl<'a> Stack<'a> {
    /// Looks at all offers, and puts those in order that do not ask too much.
    pub(super) fn new(
        offers: &[Offer<'_>],
        rule: &'a SupportRule,
        seed: Option<&[u8]>,
    ) -> Result<Self, SupportError> {
        rule.check()?;
        let seed = match rule.ties {
            Ties::Earliest => None,
            Ties::SeededDraw => Some(seed.ok_or(SupportError::SeedMissing)?),
        };
        let pots = rule.pots();
        let pot_of = |technology: &Technology| pots.iter().position(|pot| *pot == technology.pot.as_ref());
        let pot_of: Vec<usize> =
            rule.technologies.iter().map(|technology| pot_of(technology).unwrap_or(0)).collect();
        let mut kinds = Kinds { pot_of, numbers: BTreeMap::new() };
        let lot = rule.lot.map_or(1, Quantity::millionths);
        let mut keyed = Vec::with_capacity(offers.len());
        let mut above_ceiling = Vec::new();
        for (row, offer) in (0_u32..).zip(offers) {
            let entry = Entry::new(row, offer, rule, &mut kinds, lot)
                .map_err(|fault| SupportError::Offer { offer: row, fault })?;
            match entry.ceiling {
                Some(ceiling) if entry.price > ceiling => {
                    above_ceiling.push((row, Price::from_millionths(ceiling)));
                }
                _ => {
                    let drawn =
                        seed.map(|seed| Sha256::new().chain_update(seed).chain_update(offer.id).finalize());
                    keyed.push(((entry.score, drawn, offer.received, row), entry));
                }
            }
        }
        keyed.sort_unstable_by_key(|(key, _)| *key);
        let entries: Vec<Entry> = keyed.into_iter().map(|(_, entry)| entry).collect();
        let all = entries.iter().map(|entry| (entry, entry.quantity, None));
        check_size(all, worst_score(&entries), rule).ok_or(SupportError::TooLarge)?;
        let offered = offered(&entries);
        let owners: BTreeSet<u32> = entries.iter().map(|entry| entry.owner).collect();
        let owners = u32::try_from(owners.len()).unwrap_or(u32::MAX);
        Ok(Self {
            entries,
            kinds: kinds.listed(),
            above_ceiling,
            rows: offers.len(),
            offered,
            owners,
            pots,
            lot,
            standing: Vec::new(),
        })
    }

    /// Takes away what was awarded before and who does not want to be asked again.
    pub(super) fn leave_out(
        &mut self,
        standing: &[Award],
        declined: &[u32],
        rule: &SupportRule,
    ) -> Result<(), SupportError> {
        let worst = worst_score(&self.entries);
        let fault = |offer: u32| SupportError::Offer { offer, fault: OfferFault::NotStanding };
        let mut places = vec![None; self.rows];
        for (place, entry) in self.entries.iter().enumerate() {
            if let Some(of_row) = usize::try_from(entry.row).ok().and_then(|row| places.get_mut(row)) {
                *of_row = Some(place);
            }
        }
        let place = |row: u32| {
            usize::try_from(row).ok().and_then(|row| places.get(row).copied().flatten()).ok_or(fault(row))
        };
        for award in standing {
            let entry = self.entries.get_mut(place(award.offer)?).ok_or(fault(award.offer))?;
            if award.quantity.is_zero() || award.quantity.millionths().checked_rem(self.lot) != Some(0) {
                return Err(fault(award.offer));
            }
            self.standing.push((*entry, award.quantity.millionths(), award.price.millionths()));
            let left = entry.quantity.checked_sub(award.quantity.millionths()).filter(|left| *left >= 0);
            entry.quantity = left.ok_or(fault(award.offer))?;
            // Part of it is awarded, so that any more is of use.
            entry.minimum = 0;
        }
        let standing = self.standing.iter().map(|(entry, quantity, price)| (entry, *quantity, Some(*price)));
        let left = self.entries.iter().map(|entry| (entry, entry.quantity, None));
        check_size(standing.chain(left), worst, rule).ok_or(SupportError::TooLarge)?;
        for &row in declined {
            if let Some(entry) = self.entries.get_mut(place(row)?) {
                entry.quantity = 0;
            }
        }
        self.entries.retain(|entry| entry.quantity > 0);
        Ok(())
    }

    pub(super) fn standing(&self) -> &[(Entry, i64, i64)] {
        &self.standing
    }

    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    pub(super) fn kinds(&self) -> &[Kind] {
        &self.kinds
    }

    pub(super) fn above_ceiling(&self) -> impl Iterator<Item = Rejection> + '_ {
        let reject =
            |&(offer, ceiling): &(u32, Price)| Rejection { offer, reason: Reason::AboveCeiling { ceiling } };
        self.above_ceiling.iter().map(reject)
    }

    // Rules: R-AUC-076.
    pub(super) const fn offered(&self) -> i64 {
        self.offered
    }

    pub(super) const fn owners(&self) -> u32 {
        self.owners
    }

    pub(super) fn pots(&self) -> &[Option<&'a Name>] {
        &self.pots
    }

    pub(super) const fn lot(&self) -> i64 {
        self.lot
    }
}

impl Entry {
    fn new(
        row: u32,
        offer: &Offer<'_>,
        rule: &SupportRule,
        kinds: &mut Kinds,
        lot: i64,
    ) -> Result<Self, OfferFault> {
        let technology = technology_of(rule, offer.technology)?;
        let (quantity, minimum) = (offer.quantity.millionths(), offer.min_quantity.millionths());
        let minimum = if rule.whole_offers { quantity } else { minimum };
        if quantity == 0 {
            return Err(OfferFault::QuantityZero);
        }
        if quantity.checked_rem(lot) != Some(0) || minimum.checked_rem(lot) != Some(0) {
            return Err(OfferFault::OffLot { lot: Quantity::from_millionths(lot).unwrap_or(Quantity::ZERO) });
        }
        if minimum > quantity {
            return Err(OfferFault::MinimumAboveQuantity { quantity: offer.quantity });
        }
        if rule.origin_cap.is_some() && offer.origin.is_none() {
            return Err(OfferFault::OriginMissing);
        }
        let own = technology.and_then(|technology| technology.ceiling);
        let ceiling = [rule.ceiling, own].into_iter().flatten().min().map(Price::millionths);
        let price = offer.price.millionths();
        let premium = premium_of(rule, technology, offer.quality).ok_or(OfferFault::ScoreTooLarge)?;
        let score = price.checked_sub(premium).ok_or(OfferFault::ScoreTooLarge)?;
        Ok(Self {
            row,
            kind: kinds.number(offer.technology, offer.year),
            year: offer.year,
            owner: offer.owner_group,
            origin: offer.origin,
            unit: offer.unit,
            price,
            premium,
            score,
            ceiling,
            quantity,
            minimum,
        })
    }

    /// What it is paid where its auction clears at a score.
    // Rules: R-AUC-078.
    pub(super) fn paid(&self, score: i64) -> i64 {
        paid(score, self.premium, self.ceiling)
    }
}

/// The clearing score plus the own premium, up to the own ceiling.
pub(super) fn paid(score: i64, premium: i64, ceiling: Option<i64>) -> i64 {
    let paid = score.saturating_add(premium);
    ceiling.map_or(paid, |ceiling| paid.min(ceiling))
}

/// Refuses an offer that [`award`](super::award) would refuse, whatever the others are; returns its ceiling.
///
/// # Errors
///
/// What is wrong with it.
// Rules: R-AUC-065.
pub fn check_offer(offer: &Offer<'_>, rule: &SupportRule) -> Result<Option<Price>, OfferFault> {
    let lot = rule.lot.map_or(1, Quantity::millionths);
    let mut kinds = Kinds { pot_of: Vec::new(), numbers: BTreeMap::new() };
    let entry = Entry::new(0, offer, rule, &mut kinds, lot)?;
    Ok(entry.ceiling.map(Price::from_millionths))
}

fn technology_of(rule: &SupportRule, named: Option<u16>) -> Result<Option<&Technology>, OfferFault> {
    let technology = named.and_then(|number| rule.technologies.get(usize::from(number)));
    if technology.is_none() && (named.is_some() || !rule.technologies.is_empty()) {
        return Err(OfferFault::Technology);
    }
    Ok(technology)
}

/// The technology's premium and what the quality is worth, rounded to a millionth, half to even.
// Rules: R-AUC-063.
fn premium_of(rule: &SupportRule, technology: Option<&Technology>, quality: Quantity) -> Option<i64> {
    let rate = i128::from(rule.quality_rate.map_or(0, Price::millionths));
    let worth = rate.checked_mul(i128::from(quality.millionths()))?;
    let worth = i64::try_from(divide_half_even(worth, i128::from(MILLIONTHS))?).ok()?;
    technology.and_then(|technology| technology.premium).map_or(0, Price::millionths).checked_add(worth)
}

/// Numbers for kinds, in the order in which they are met.
struct Kinds {
    /// The pot of each technology.
    pot_of: Vec<usize>,
    numbers: BTreeMap<Kind, usize>,
}

impl Kinds {
    fn number(&mut self, technology: Option<u16>, year: u16) -> usize {
        let pot = technology.and_then(|number| self.pot_of.get(usize::from(number)));
        let kind = Kind { technology, year, pot: pot.copied().unwrap_or(0) };
        let next = self.numbers.len();
        *self.numbers.entry(kind).or_insert(next)
    }

    fn listed(self) -> Vec<Kind> {
        let mut numbered: Vec<(usize, Kind)> =
            self.numbers.into_iter().map(|(kind, number)| (number, kind)).collect();
        numbered.sort_unstable();
        numbered.into_iter().map(|(_, kind)| kind).collect()
    }
}

/// How much there is, of each unit its largest offer: more of it cannot be awarded. All offers together fit.
fn offered(entries: &[Entry]) -> i64 {
    let mut of_units: BTreeMap<u64, i64> = BTreeMap::new();
    let mut sum = 0_i64;
    for entry in entries {
        match entry.unit {
            None => sum = sum.saturating_add(entry.quantity),
            Some(unit) => {
                let largest = of_units.entry(unit).or_insert(0);
                *largest = entry.quantity.max(*largest);
            }
        }
    }
    of_units.values().fold(sum, |sum, quantity| sum.saturating_add(*quantity))
}

/// No score clears above the worst that stands.
fn worst_score(entries: &[Entry]) -> i64 {
    entries.iter().map(|entry| entry.score).max().unwrap_or(0)
}

/// Whether everything that could be awarded together, at a price that is known or at the highest that can be, is no more
/// volume and can cost no more than can be told, whatever limit counts it.
fn check_size<'a>(
    all: impl Iterator<Item = (&'a Entry, i64, Option<i64>)>,
    worst: i64,
    rule: &SupportRule,
) -> Option<()> {
    let reference = i128::from(rule.lowest_reference().millionths());
    let (mut volume, mut cost) = (0_i64, 0_i128);
    for (entry, quantity, price) in all {
        let highest = || entry.ceiling.map_or_else(|| worst.checked_add(entry.premium), Some);
        let paid = price.map_or_else(highest, Some)?;
        let above = i128::from(paid).checked_sub(reference)?.max(0);
        let periods = i128::from(rule.periods());
        volume = volume.checked_add(quantity)?;
        cost = cost.checked_add(above.checked_mul(i128::from(quantity))?.checked_mul(periods)?)?;
    }
    let most = i128::from(i64::MAX).checked_mul(i128::from(MILLIONTHS))?;
    (cost <= most).then_some(())
}
