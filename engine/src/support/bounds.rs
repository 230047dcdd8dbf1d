//! What limits have taken in, and whether they take an offer.

use std::collections::BTreeMap;

use super::rule::{Each, Limit, Most, Technology, Years};
use super::stack::{Entry, paid};
use super::{Breach, Constraint, Size};
use crate::num::{Amount, MILLIONTHS, Quantity};
use crate::text::Country;

/// One limit and what it has taken in. Volumes are millionths; money is millionths of millionths.
#[derive(Clone, Debug)]
pub(super) struct Bound {
    /// What its breach is told as; a minimum's is not told.
    pub(super) constraint: Option<Constraint>,
    each: Each,
    /// Which technologies it counts, by number; empty where it counts all.
    technologies: Vec<bool>,
    years: Option<Years>,
    country: Option<Country>,
    most: i128,
    /// What money is counted from; `None` where volume is counted.
    reference: Option<i64>,
    /// What does not change any more with a clearing price.
    used: i128,
    /// The same for each owner or offer.
    used_by: BTreeMap<u32, i128>,
    /// Which cells it counts.
    cells: Vec<usize>,
    /// The offer that did not fit, where that stopped it.
    pub(super) stopped_by: Option<u32>,
}

/// Volume that is paid alike: of one auction, premium and ceiling.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cell {
    pub(super) group: usize,
    pub(super) premium: i64,
    pub(super) ceiling: Option<i64>,
    pub(super) quantity: i64,
}

/// What would be awarded, and what it would be paid.
#[derive(Clone, Copy)]
pub(super) struct Trial<'a> {
    pub(super) entry: &'a Entry,
    pub(super) quantity: i64,
    pub(super) price: Paid,
}

/// What is paid for an award.
#[derive(Clone, Copy)]
pub(super) enum Paid {
    /// Its own price.
    Own(i64),
    /// What an auction clears at.
    Cleared { group: usize, score: i64 },
}

impl Bound {
    pub(super) fn of_limit(
        constraint: Option<Constraint>,
        limit: &Limit,
        technologies: &[Technology],
    ) -> Self {
        let counted = technologies.iter().map(|technology| limit.counts(Some(technology)));
        let (most, reference) = match limit.most {
            Most::Quantity(quantity) => (i128::from(quantity.millionths()), None),
            Most::Money { amount, reference_price } => {
                let most = i128::from(amount.millionths()).saturating_mul(i128::from(MILLIONTHS));
                (most, Some(reference_price.millionths()))
            }
        };
        let technologies = if limit.technologies.is_empty() { Vec::new() } else { counted.collect() };
        Self {
            each: limit.each,
            technologies,
            years: limit.years,
            reference,
            ..Self::volume(constraint, most)
        }
    }

    /// A volume of everybody's, or of a country's.
    pub(super) fn of_volume(constraint: Constraint, most: i64) -> Self {
        let country = match constraint {
            Constraint::Origin(country) => Some(country),
            Constraint::Limit(_) | Constraint::Competition => None,
        };
        Self { country, ..Self::volume(Some(constraint), i128::from(most)) }
    }

    const fn volume(constraint: Option<Constraint>, most: i128) -> Self {
        Self {
            constraint,
            each: Each::All,
            technologies: Vec::new(),
            years: None,
            country: None,
            most,
            reference: None,
            used: 0,
            used_by: BTreeMap::new(),
            cells: Vec::new(),
            stopped_by: None,
        }
    }

    /// Whether an offer that breaks it can stop it for others.
    pub(super) fn is_shared(&self) -> bool {
        self.each == Each::All && self.country.is_none()
    }

    pub(super) fn counts(&self, entry: &Entry) -> bool {
        let technology = entry.technology.map(usize::from);
        let is_technology = self.technologies.is_empty()
            || technology.is_some_and(|number| self.technologies.get(number) == Some(&true));
        is_technology
            && self.years.is_none_or(|years| years.count(entry.year))
            && self.country.is_none_or(|country| entry.origin == Some(country))
    }

    /// Takes note of a new cell, if its volume is of an offer that it counts the money of.
    pub(super) fn add_cell(&mut self, entry: &Entry, cell: usize) {
        if self.reference.is_some() && self.counts(entry) {
            self.cells.push(cell);
        }
    }

    /// By how much an award would break it, in its own unit; zero or less where it does not.
    pub(super) fn over(&self, trial: Trial<'_>, cells: &[Cell], scores: &[i64], periods: u32) -> i128 {
        let is_counted = self.counts(trial.entry);
        let used = match self.key(trial.entry) {
            Some(key) => self.used_by.get(&key).copied().unwrap_or(0),
            None => self.used,
        };
        let price = match trial.price {
            Paid::Own(price) => price,
            Paid::Cleared { score, .. } => trial.entry.paid(score),
        };
        let more = if is_counted { self.measure(price, trial.quantity, periods) } else { 0 };
        let mut total = used.saturating_add(more);
        if let Paid::Cleared { group, score } = trial.price {
            // Without more, and with nobody paid more, it stays as it is.
            if !is_counted && scores.get(group).is_some_and(|now| *now >= score) {
                return 0;
            }
            total = total.saturating_add(self.in_cells(cells, scores, Some((group, score)), periods));
        }
        if !is_counted && total <= self.most {
            return 0;
        }
        total.saturating_sub(self.most)
    }

    /// What it has taken in that is paid a clearing price, were one auction's score another.
    fn in_cells(&self, cells: &[Cell], scores: &[i64], other: Option<(usize, i64)>, periods: u32) -> i128 {
        self.cells.iter().filter_map(|&number| cells.get(number)).fold(0, |sum: i128, cell| {
            let now = scores.get(cell.group).copied().unwrap_or(i64::MIN);
            let score =
                other.filter(|(group, _)| *group == cell.group).map_or(now, |(_, score)| score.max(now));
            let price = paid(score, cell.premium, cell.ceiling);
            sum.saturating_add(self.measure(price, cell.quantity, periods))
        })
    }

    /// Takes an award in. Money at a clearing price is in the cells.
    pub(super) fn take(&mut self, trial: Trial<'_>, periods: u32) {
        if !self.counts(trial.entry) {
            return;
        }
        let price = match trial.price {
            Paid::Own(price) => price,
            Paid::Cleared { .. } if self.reference.is_some() => return,
            Paid::Cleared { .. } => 0,
        };
        let more = self.measure(price, trial.quantity, periods);
        let used = match self.key(trial.entry) {
            Some(key) => self.used_by.entry(key).or_insert(0),
            None => &mut self.used,
        };
        *used = used.saturating_add(more);
    }

    /// What it counts for a volume at a price. All offers together fit, so that no sum here is cut off.
    fn measure(&self, price: i64, quantity: i64, periods: u32) -> i128 {
        match self.reference {
            None => i128::from(quantity),
            Some(reference) => cost(price, reference, quantity, periods),
        }
    }

    const fn key(&self, entry: &Entry) -> Option<u32> {
        match self.each {
            Each::All => None,
            Each::OwnerGroup => Some(entry.owner),
            Each::Offer => Some(entry.row),
        }
    }

    /// What it has taken in, if it is for all.
    pub(super) fn used(&self, cells: &[Cell], scores: &[i64], periods: u32) -> Option<Size> {
        (self.each == Each::All)
            .then(|| self.size(self.used.saturating_add(self.in_cells(cells, scores, None, periods))))
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

/// max(0, price − reference) × quantity × periods, in millionths of millionths.
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
