//! The `support` target: bytes as a rule of a support auction and its offers, and what must hold of every result.
//!
//! An input is a [`Case`] as the protocol writes values, so that nothing is left out that a rule can say. Quantities are
//! cut to whole lots, which makes what can be awarded likely.

use std::collections::BTreeMap;

use golv_engine::num::{Amount, MILLIONTHS, Price, Quantity};
use golv_engine::support::check::check;
use golv_engine::support::{
    Award, Each, Limit, Most, Offer, Outcome, SupportRule, Technology, Years, award, call_reserve,
};
use golv_engine::text::Country;
use serde::{Deserialize, Serialize};

/// More than this many offers are not awarded: what many do, few do too.
const MOST_OFFERS: usize = 40;

/// A rule and its offers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    /// The rule, which may make no sense.
    pub rule: SupportRule,
    /// What a seeded draw is made with.
    pub seed: Option<u8>,
    /// The offers.
    pub offers: Vec<Given>,
    /// A bit for each offer that declines what it is awarded.
    pub declined: u64,
}

/// An offer, as an input gives it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Given {
    /// The price asked.
    pub price: Price,
    /// How much.
    pub quantity: Quantity,
    /// The least that is of use.
    pub min_quantity: Quantity,
    /// When it was made.
    pub received: i64,
    /// Its owner.
    pub owner_group: u32,
    /// Where it comes from.
    pub origin: Option<Country>,
    /// Its technology, counted from zero.
    pub technology: Option<u16>,
    /// The year in which it begins to deliver.
    pub year: u16,
    /// Points of quality.
    pub quality: Quantity,
    /// What excludes each other.
    pub unit: Option<u64>,
}

impl Given {
    /// The offer, in whole lots.
    fn offer<'a>(&self, id: &'a [u8], lot: i64) -> Offer<'a> {
        let in_lots = |quantity: Quantity| {
            let millionths = quantity.millionths();
            Quantity::from_millionths(millionths - millionths % lot).expect("less, and not negative")
        };
        Offer {
            id,
            price: self.price,
            quantity: in_lots(self.quantity),
            min_quantity: in_lots(self.min_quantity),
            received: self.received,
            owner_group: self.owner_group,
            origin: self.origin,
            technology: self.technology,
            year: self.year,
            quality: self.quality,
            unit: self.unit,
        }
    }
}

/// Any bytes as a rule and offers are refused, or awarded alike twice, with awards that keep every limit and that the checker
/// accepts; and when some decline, the awards that stand and those from the reserve list keep every limit together.
pub fn support(input: &[u8]) {
    let Ok(Case { rule, seed, offers, declined }) = golv_protocol::decode::<Case>(input) else { return };
    if offers.len() > MOST_OFFERS {
        return;
    }
    let lot = rule.lot.filter(|lot| !lot.is_zero()).map_or(1, Quantity::millionths);
    let ids: Vec<[u8; 1]> = (0..).take(offers.len()).map(|row| [row]).collect();
    let offers: Vec<Offer<'_>> = ids.iter().zip(&offers).map(|(id, given)| given.offer(id, lot)).collect();
    let seed = seed.map(|seed| [seed]);
    let seed = seed.as_ref().map(<[u8; 1]>::as_slice);
    let outcome = award(&offers, &rule, seed);
    assert_eq!(outcome, award(&offers, &rule, seed), "the same offers by the same rule are awarded alike");
    let Ok(outcome) = outcome else { return };
    assert_eq!(check(&offers, &rule, seed, &outcome), Ok(()), "{rule:?} {offers:?} {outcome:?}");
    assert_eq!(objection(&offers, &rule, &outcome.awards), None, "{rule:?} {offers:?} {outcome:?}");
    reserve(&offers, &rule, seed, &outcome, declined);
}

/// Some decline what they were awarded.
fn reserve(offers: &[Offer<'_>], rule: &SupportRule, seed: Option<&[u8]>, outcome: &Outcome, bits: u64) {
    let declines = |offer: u32| bits >> offer & 1 == 1;
    let mut declined: Vec<u32> = outcome.awards.iter().map(|award| award.offer).collect();
    declined.retain(|offer| declines(*offer));
    declined.dedup();
    let standing: Vec<Award> =
        outcome.awards.iter().copied().filter(|award| !declines(award.offer)).collect();
    let called = call_reserve(offers, rule, seed, &standing, &declined).expect("awards of its own");
    assert!(
        called.awards.iter().all(|award| !declined.contains(&award.offer)),
        "{rule:?} {offers:?} {called:?}"
    );
    let together: Vec<Award> = standing.into_iter().chain(called.awards).collect();
    assert_eq!(objection(offers, rule, &together), None, "{rule:?} {offers:?} {together:?}");
}

/// The first promise that awards break, added up one by one.
fn objection(offers: &[Offer<'_>], rule: &SupportRule, awards: &[Award]) -> Option<String> {
    let offer_of = |award: &Award| offers[usize::try_from(award.offer).expect("few offers")];
    let mut by_offer: BTreeMap<u32, i128> = BTreeMap::new();
    let mut units = BTreeMap::new();
    for award in awards {
        let offer = offer_of(award);
        *by_offer.entry(award.offer).or_default() += i128::from(award.quantity.millionths());
        if award.price < offer.price || ceiling(rule, &offer).is_some_and(|ceiling| award.price > ceiling) {
            return Some(format!("the price of {award:?}"));
        }
        if offer.unit.is_some_and(|unit| *units.entry(unit).or_insert(award.offer) != award.offer) {
            return Some(format!("the unit of {award:?}"));
        }
    }
    for (row, given) in by_offer {
        let offer = offers[usize::try_from(row).expect("few offers")];
        let least = if rule.whole_offers { offer.quantity } else { offer.min_quantity };
        let range = i128::from(least.millionths().max(1))..=i128::from(offer.quantity.millionths());
        if !range.contains(&given) {
            return Some(format!("offer {row} has {given} of {range:?}"));
        }
    }
    rule.limits
        .iter()
        .find(|limit| !is_kept(limit, offers, rule, awards))
        .map(|limit| format!("limit {}", limit.name))
}

fn technology<'a>(rule: &'a SupportRule, offer: &Offer<'_>) -> Option<&'a Technology> {
    offer.technology.map(|number| &rule.technologies[usize::from(number)])
}

fn ceiling(rule: &SupportRule, offer: &Offer<'_>) -> Option<Price> {
    [rule.ceiling, technology(rule, offer).and_then(|own| own.ceiling)].into_iter().flatten().min()
}

/// Whether what a limit counts, for each that it is for, is no more than it allows.
fn is_kept(limit: &Limit, offers: &[Offer<'_>], rule: &SupportRule, awards: &[Award]) -> bool {
    let periods = i128::from(rule.periods.map_or(1, std::num::NonZeroU32::get));
    let mut sums: BTreeMap<u32, i128> = BTreeMap::new();
    for award in awards {
        let offer = &offers[usize::try_from(award.offer).expect("few offers")];
        let is_technology = limit.technologies.is_empty()
            || technology(rule, offer).is_some_and(|own| limit.technologies.contains(&own.name));
        let is_year = match limit.years {
            None => true,
            Some(Years::In(year)) => offer.year == year,
            Some(Years::Until(year)) => offer.year <= year,
        };
        if !(is_technology && is_year) {
            continue;
        }
        let key = match limit.each {
            Each::All => 0,
            Each::OwnerGroup => offer.owner_group,
            Each::Offer => award.offer,
        };
        let quantity = i128::from(award.quantity.millionths());
        *sums.entry(key).or_default() += match limit.most {
            Most::Quantity(_) => quantity,
            Most::Money { reference_price, .. } => {
                let above = i128::from(award.price.millionths()) - i128::from(reference_price.millionths());
                above.max(0) * quantity * periods
            }
        };
    }
    let most = match limit.most {
        Most::Quantity(most) => i128::from(most.millionths()),
        Most::Money { amount, .. } => i128::from(Amount::millionths(amount)) * i128::from(MILLIONTHS),
    };
    sums.values().all(|sum| *sum <= most)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the seeds hold can be awarded, and limits of another size would be found broken.
    #[test]
    fn seeds_are_awarded_and_a_broken_limit_is_found() {
        let corpus = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/support");
        for file in std::fs::read_dir(corpus).expect("a corpus") {
            let path = file.expect("an entry").path();
            let case: Case = golv_protocol::decode(&std::fs::read(&path).expect("a seed"))
                .expect("a case as it is written");
            let ids: Vec<[u8; 1]> = (0..).take(case.offers.len()).map(|row| [row]).collect();
            let offers: Vec<Offer<'_>> =
                ids.iter().zip(&case.offers).map(|(id, given)| given.offer(id, 1)).collect();
            let outcome = award(&offers, &case.rule, Some(&[7])).expect("offers that the rule takes");
            assert_eq!(outcome.void, None, "{path:?}");
            assert!(!outcome.awards.is_empty(), "{path:?}");
            let mut tighter = case.rule.clone();
            for limit in &mut tighter.limits {
                limit.most = Most::Quantity(Quantity::ZERO);
            }
            assert!(objection(&offers, &tighter, &outcome.awards).is_some(), "{path:?}");
        }
    }
}
