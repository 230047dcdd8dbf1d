//! What limits have taken in, and how much of an offer they leave room for.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use super::rule::{Each, Limit, Most, Technology};
use super::stack::{Entry, Kind};
use super::{Breach, Constraint, Size};
use crate::num::{Amount, MILLIONTHS, Quantity};
use crate::text::Country;

/// One limit and what it has taken in. Volumes are millionths; money is millionths of millionths.
#[derive(Clone, Debug)]
pub(super) struct Bound {
    /// What its breach is told as; a minimum's is not told.
    pub(super) constraint: Option<Constraint>,
    each: Each,
    /// Which kinds of offers it counts, by number.
    kinds: Vec<bool>,
    country: Option<Country>,
    most: i128,
    /// What money is counted from; `None` where volume is counted.
    reference: Option<i64>,
    /// All that it has taken in, if it is for all.
    used: i128,
    /// The same for each owner or offer.
    used_by: BTreeMap<u32, i128>,
    /// Money of auctions whose clearing price can still rise, by auction. It is in `used` as well.
    accounts: BTreeMap<usize, Account>,
    /// The first offer that did not fit, where that stopped it.
    pub(super) stopped_by: Option<u32>,
}

/// What is paid for an award.
#[derive(Clone, Copy)]
pub(super) enum Paid {
    /// A price that does not change any more.
    Fixed(i64),
    /// What an auction clears at.
    Cleared { group: usize, score: i64 },
}

/// What a limit leaves for an offer.
#[derive(Clone, Copy)]
pub(super) struct Room {
    /// What is left, once others are paid what the offer would raise their price to; below zero where that is too much already.
    left: i128,
    /// What it counts for each millionth of the offer.
    unit: i128,
}

/// The money of one auction with a clearing price, as one limit counts it. Offers come by ascending score, so that what is
/// asked is never about a lower score than before: each volume's turns, from where it costs more than the reference price to where it
/// is paid its ceiling, are passed once.
#[derive(Clone, Debug)]
struct Account {
    /// What it costs a period at the score that the auction clears at so far.
    settled: i128,
    /// The highest score that was asked about.
    score: i128,
    /// What it would cost a period at that.
    value: i128,
    /// By how much that grows with the score.
    slope: i128,
    /// At which higher scores the slope changes, and by how much.
    turns: BinaryHeap<Reverse<(i128, i128)>>,
}

impl Bound {
    pub(super) fn of_limit(
        constraint: Option<Constraint>,
        limit: &Limit,
        technologies: &[Technology],
        kinds: &[Kind],
    ) -> Self {
        let (most, reference) = match limit.most {
            Most::Quantity(quantity) => (i128::from(quantity.millionths()), None),
            Most::Money { amount, reference_price } => {
                let most = i128::from(amount.millionths()).saturating_mul(i128::from(MILLIONTHS));
                (most, Some(reference_price.millionths()))
            }
        };
        let counted: Vec<bool> =
            technologies.iter().map(|technology| limit.counts(Some(technology))).collect();
        let counts = |kind: &Kind| {
            let is_technology = limit.technologies.is_empty()
                || kind.technology.is_some_and(|number| counted.get(usize::from(number)) == Some(&true));
            is_technology && limit.years.is_none_or(|years| years.count(kind.year))
        };
        let kinds = kinds.iter().map(counts).collect();
        Self { each: limit.each, reference, ..Self::volume(constraint, most, kinds) }
    }

    /// A volume of everybody's, or of a country's.
    pub(super) fn of_volume(constraint: Constraint, most: i64, kinds: &[Kind]) -> Self {
        let country = match constraint {
            Constraint::Origin(country) => Some(country),
            Constraint::Limit(_) | Constraint::Competition => None,
        };
        Self { country, ..Self::volume(Some(constraint), i128::from(most), vec![true; kinds.len()]) }
    }

    const fn volume(constraint: Option<Constraint>, most: i128, kinds: Vec<bool>) -> Self {
        Self {
            constraint,
            each: Each::All,
            kinds,
            country: None,
            most,
            reference: None,
            used: 0,
            used_by: BTreeMap::new(),
            accounts: BTreeMap::new(),
            stopped_by: None,
        }
    }

    /// Whether an offer that breaks it can stop it for others.
    pub(super) fn is_shared(&self) -> bool {
        self.each == Each::All && self.country.is_none()
    }

    pub(super) const fn is_money(&self) -> bool {
        self.reference.is_some()
    }

    pub(super) fn counts_kind(&self, kind: usize) -> bool {
        self.kinds.get(kind) == Some(&true)
    }

    pub(super) fn counts(&self, entry: &Entry) -> bool {
        self.counts_kind(entry.kind) && self.country.is_none_or(|country| entry.origin == Some(country))
    }

    /// What it leaves for an offer at a price; `None` where an award would change nothing in it.
    // Rules: R-AUC-079.
    pub(super) fn room(&mut self, entry: &Entry, paid: Paid, periods: u32) -> Option<Room> {
        let counts = self.counts(entry);
        let raised = match paid {
            Paid::Cleared { group, score } => {
                let account = self.accounts.get_mut(&group);
                account.map_or(0, |account| account.rise_to(score)).saturating_mul(i128::from(periods))
            }
            Paid::Fixed(_) => 0,
        };
        if !counts && raised == 0 {
            return None;
        }
        let used = match self.key(entry) {
            Some(key) => self.used_by.get(&key).copied().unwrap_or(0),
            None => self.used,
        };
        let unit = if counts { self.measure(entry, paid, periods) } else { 0 };
        Some(Room { left: self.most.saturating_sub(used).saturating_sub(raised), unit })
    }

    /// What it counts for each millionth of an offer.
    fn measure(&self, entry: &Entry, paid: Paid, periods: u32) -> i128 {
        let price = match paid {
            Paid::Fixed(price) => price,
            Paid::Cleared { score, .. } => entry.paid(score),
        };
        self.reference.map_or(1, |reference| cost(price, reference, 1, periods))
    }

    /// Takes an award in. All offers together fit, so that no sum here is cut off.
    pub(super) fn take(&mut self, entry: &Entry, quantity: i64, paid: Paid, periods: u32) {
        let counts = self.counts(entry);
        let more = match (paid, self.reference) {
            (Paid::Cleared { group, score }, Some(reference)) => {
                let account = match self.accounts.get_mut(&group) {
                    Some(account) => account,
                    None if counts => self.accounts.entry(group).or_insert_with(Account::new),
                    None => return,
                };
                account.rise_to(score);
                if counts {
                    account.add(entry, quantity, reference);
                }
                account.settle().saturating_mul(i128::from(periods))
            }
            _ if counts => self.measure(entry, paid, periods).saturating_mul(i128::from(quantity)),
            _ => return,
        };
        let used = match self.key(entry) {
            Some(key) => self.used_by.entry(key).or_insert(0),
            None => &mut self.used,
        };
        *used = used.saturating_add(more);
    }

    // Rules: R-AUC-068.
    const fn key(&self, entry: &Entry) -> Option<u32> {
        match self.each {
            Each::All => None,
            Each::OwnerGroup => Some(entry.owner),
            Each::Offer => Some(entry.row),
        }
    }

    /// What it has taken in, if it is for all.
    pub(super) fn used(&self) -> Option<Size> {
        (self.each == Each::All).then(|| self.size(self.used))
    }

    pub(super) fn breach(&self, over: i128) -> Option<Breach> {
        Some(Breach { constraint: self.constraint?, over: self.size(over) })
    }

    fn size(&self, of: i128) -> Size {
        match self.reference {
            None => Size::Quantity(
                i64::try_from(of).ok().and_then(Quantity::from_millionths).unwrap_or(Quantity::ZERO),
            ),
            Some(_) => Size::Money(rounded_up(of)),
        }
    }
}

impl Room {
    /// By how much an award would be too much; zero or less where it is not.
    pub(super) fn over(self, quantity: i64) -> i128 {
        self.unit.saturating_mul(i128::from(quantity)).saturating_sub(self.left)
    }

    /// The most that can be awarded; below zero where not even nothing can.
    // Rules: R-AUC-066.
    pub(super) fn most(self) -> i64 {
        if self.left < 0 {
            return -1;
        }
        // Nothing is counted of it where there is no quotient.
        self.left.checked_div(self.unit).and_then(|most| i64::try_from(most).ok()).unwrap_or(i64::MAX)
    }
}

impl Account {
    const fn new() -> Self {
        // Below every score; with nothing in it, the way up from there costs nothing.
        Self { settled: 0, score: i128::MIN, value: 0, slope: 0, turns: BinaryHeap::new() }
    }

    /// By how much it would cost more a period, were the auction to clear at a score.
    fn rise_to(&mut self, score: i64) -> i128 {
        let score = i128::from(score).max(self.score);
        while let Some(Reverse((turn, change))) = self.turns.peek().copied().filter(|turn| turn.0.0 <= score)
        {
            self.turns.pop();
            self.pass_to(turn);
            self.slope = self.slope.saturating_add(change);
        }
        self.pass_to(score);
        self.value.saturating_sub(self.settled)
    }

    fn pass_to(&mut self, score: i128) {
        let way = score.saturating_sub(self.score);
        self.value = self.value.saturating_add(self.slope.saturating_mul(way));
        self.score = score;
    }

    /// Adds a volume, at the score of now.
    fn add(&mut self, entry: &Entry, quantity: i64, reference: i64) {
        let (quantity, premium) = (i128::from(quantity), i128::from(entry.premium));
        let from = i128::from(reference).saturating_sub(premium);
        let until = entry.ceiling.map(|ceiling| i128::from(ceiling).saturating_sub(premium));
        let (from, until) = match until {
            // Its ceiling is the least it is paid above the reference price: nothing.
            Some(until) if until <= from => return,
            _ => (from, until),
        };
        let above = self.score.min(until.unwrap_or(i128::MAX)).saturating_sub(from).max(0);
        self.value = self.value.saturating_add(above.saturating_mul(quantity));
        if self.score < from {
            self.turns.push(Reverse((from, quantity)));
        } else if until.is_none_or(|until| self.score < until) {
            self.slope = self.slope.saturating_add(quantity);
        }
        if let Some(until) = until.filter(|until| self.score < *until) {
            self.turns.push(Reverse((until, quantity.saturating_neg())));
        }
    }

    /// The auction clears at the score of now: by how much it costs more a period.
    fn settle(&mut self) -> i128 {
        let more = self.value.saturating_sub(self.settled);
        self.settled = self.value;
        more
    }
}

/// max(0, price − reference) × quantity × periods, in millionths of millionths.
// Rules: R-AUC-067.
pub(super) fn cost(price: i64, reference: i64, quantity: i64, periods: u32) -> i128 {
    let above = i128::from(price).saturating_sub(i128::from(reference)).max(0);
    above.saturating_mul(i128::from(quantity)).saturating_mul(i128::from(periods))
}

/// Millionths of millionths as an amount, rounded up. What all offers can cost together fits.
pub(super) fn rounded_up(cost: i128) -> Amount {
    let scale = i128::from(MILLIONTHS);
    let up = cost.saturating_add(scale.saturating_sub(1)).div_euclid(scale);
    let amount = i64::try_from(up).ok().and_then(Amount::from_millionths);
    assert!(amount.is_some(), "what the offers can cost was found to fit");
    amount.unwrap_or(Amount::ZERO)
}
