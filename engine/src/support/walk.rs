//! The way down the stack.

use std::collections::BTreeMap;

use super::bounds::{Bound, Cell, Paid, Trial, cost, rounded_up};
use super::rule::{Limit, Misfit, SupportRule, Uncontested};
use super::stack::{Entry, Stack};
use super::{Award, Breach, ClearingScore, Constraint, Outcome, Reason, Rejection, Totals};
use crate::clearing::Payment;
use crate::num::{MILLIONTHS, Price, Quantity};
use crate::text::Country;

/// The score of an auction in which everybody is paid its ceiling.
const CEILINGS: i64 = i64::MAX;

/// How far it has come.
#[derive(Clone)]
pub(super) struct Walk<'a> {
    stack: &'a Stack<'a>,
    rule: &'a SupportRule,
    bounds: Vec<Bound>,
    /// Which cell a volume is in: by auction, technology, premium and ceiling.
    cell_of: BTreeMap<(usize, Option<u16>, i64, Option<i64>), usize>,
    cells: Vec<Cell>,
    groups: Vec<Group>,
    /// What each auction clears at so far.
    scores: Vec<i64>,
    /// What each place of the stack was awarded.
    given: Vec<i64>,
    /// Of each unit the offer that was awarded.
    units: BTreeMap<u64, u32>,
    taken: Vec<Taken>,
    rejections: Vec<Rejection>,
}

/// An auction with a clearing price of its own.
#[derive(Clone, Copy)]
struct Group {
    pot: usize,
    minimum: Option<u32>,
    year: u16,
}

/// An award on the way.
#[derive(Clone, Copy)]
struct Taken {
    place: usize,
    quantity: i64,
    price: Paid,
    minimum: Option<u32>,
}

/// One of the auctions that are held one after the other: a pot's, or a minimum's.
struct Auction {
    pot: usize,
    minimum: Option<u32>,
    /// The delivery years' clearing prices.
    groups: BTreeMap<u16, usize>,
    /// Delivery years that take nothing more, and the offer that did not fit.
    closed: BTreeMap<u16, u32>,
    /// What each delivery year begins at.
    first_score: i64,
}

impl<'a> Walk<'a> {
    pub(super) fn new(stack: &'a Stack<'a>, rule: &'a SupportRule) -> Self {
        let limits = (0_u32..).zip(&rule.limits);
        let bound = |(number, limit): (u32, &Limit)| {
            Bound::of_limit(Some(Constraint::Limit(number)), limit, &rule.technologies)
        };
        let mut bounds: Vec<Bound> = limits.map(bound).collect();
        if let Some(part) = rule.competition.most_of_offered {
            let most = part_of(part.millionths(), i128::from(stack.offered()));
            bounds.push(Bound::of_volume(Constraint::Competition, most));
        }
        Self {
            stack,
            rule,
            bounds,
            cell_of: BTreeMap::new(),
            cells: Vec::new(),
            groups: Vec::new(),
            scores: Vec::new(),
            given: vec![0; stack.entries().len()],
            units: BTreeMap::new(),
            taken: Vec::new(),
            rejections: Vec::new(),
        }
    }

    /// Goes down the stack in every auction, with so much at most for each country.
    pub(super) fn run(mut self, caps: Option<&BTreeMap<Country, i64>>) -> Self {
        for (country, most) in caps.into_iter().flatten() {
            self.bounds.push(Bound::of_volume(Constraint::Origin(*country), *most));
        }
        self.take_standing();
        for pot in 0..self.stack.pots().len() {
            for (number, minimum) in (0_u32..).zip(&self.rule.minima) {
                self.hold(pot, Some((number, minimum)));
            }
            self.hold(pot, None);
        }
        self
    }

    /// What stands from before counts at its price.
    fn take_standing(&mut self) {
        let (stack, periods) = (self.stack, self.rule.periods());
        for (entry, quantity, price) in stack.standing() {
            let trial = Trial { entry, quantity: *quantity, price: Paid::Own(*price) };
            self.bounds.iter_mut().for_each(|bound| bound.take(trial, periods));
            self.units.extend(entry.unit.map(|unit| (unit, entry.row)));
        }
    }

    /// Holds one auction: of a pot, or under a minimum.
    fn hold(&mut self, pot: usize, minimum: Option<(u32, &Limit)>) {
        let own = minimum.map(|(_, limit)| Bound::of_limit(None, limit, &self.rule.technologies));
        let is_in = |entry: &Entry| entry.pot == pot && own.as_ref().is_none_or(|own| own.counts(entry));
        let entries = self.stack.entries().iter().enumerate();
        let places: Vec<usize> = entries.filter(|(_, entry)| is_in(entry)).map(|(place, _)| place).collect();
        self.bounds.extend(own);
        let minimum = minimum.map(|(number, _)| number);
        if !(self.rule.uncontested == Uncontested::Ceiling && self.award_all(pot, minimum, &places)) {
            self.descend(Auction::new(pot, minimum, i64::MIN), &places);
        }
        if minimum.is_some() {
            self.bounds.pop();
        }
    }

    /// Awards every offer at its ceiling, if they all fit.
    fn award_all(&mut self, pot: usize, minimum: Option<u32>, places: &[usize]) -> bool {
        let mut all = self.clone();
        let before = all.rejections.len();
        all.descend(Auction::new(pot, minimum, CEILINGS), places);
        let left_out = all.rejections.iter().skip(before);
        // A minimum's auction tells no rejections, so what was given is looked at.
        let is_whole = |place: &usize| {
            let entry = all.stack.entries().get(*place);
            entry.is_none_or(|entry| {
                let is_excluded =
                    entry.unit.and_then(|unit| all.units.get(&unit)).is_some_and(|by| *by != entry.row);
                is_excluded || all.given.get(*place) == Some(&entry.quantity)
            })
        };
        let fits = places.iter().all(is_whole)
            && left_out.into_iter().all(|rejection| matches!(rejection.reason, Reason::Excluded { .. }));
        if fits {
            *self = all;
        }
        fits
    }

    /// Looks at offers from the best on.
    fn descend(&mut self, mut auction: Auction, places: &[usize]) {
        self.bounds.iter_mut().for_each(|bound| bound.stopped_by = None);
        for &place in places {
            let Some(reason) = self.look_at(place, &mut auction) else {
                continue;
            };
            // What a minimum's auction leaves out is looked at again.
            if auction.minimum.is_none()
                && let Some(entry) = self.stack.entries().get(place)
            {
                self.rejections.push(Rejection { offer: entry.row, reason });
            }
        }
    }

    /// Awards an offer what fits, and says why no more.
    fn look_at(&mut self, place: usize, auction: &mut Auction) -> Option<Reason> {
        let entry = self.stack.entries().get(place)?;
        let given = self.given.get(place).copied().unwrap_or(0);
        let left = entry.quantity.saturating_sub(given);
        if left == 0 {
            return None;
        }
        if let Some(by) = entry.unit.and_then(|unit| self.units.get(&unit)).filter(|by| **by != entry.row) {
            return Some(Reason::Excluded { by: *by });
        }
        if let Some(by) = auction.closed.get(&entry.year) {
            return Some(Reason::YearClosed { by: *by });
        }
        let mut stopped =
            self.bounds.iter().filter(|bound| bound.stopped_by.is_some() && bound.counts(entry));
        if let Some(bound) = stopped.next() {
            // Only a minimum's own limit has no name, and what that stops is looked at again.
            let (constraint, by) = bound.constraint.zip(bound.stopped_by)?;
            return Some(Reason::Stopped { constraint, by });
        }
        let price = self.price(entry, auction);
        let lot = self.stack.lot();
        let least = if given == 0 { entry.minimum.max(lot) } else { lot };
        let fitting = self.fitting(entry, price, least, left);
        if fitting > 0 {
            self.take(place, Taken { place, quantity: fitting, price, minimum: auction.minimum });
        }
        if fitting == left {
            return None;
        }
        let least = if fitting > 0 { lot } else { least };
        self.misfit(Trial { entry, quantity: least, price }, auction)
    }

    /// What follows on an offer of which the least more does not fit.
    fn misfit(&mut self, trial: Trial<'_>, auction: &mut Auction) -> Option<Reason> {
        let (misfit, row) = (self.rule.misfit, trial.entry.row);
        let periods = self.rule.periods();
        let mut breaches: Vec<Breach> = Vec::new();
        let mut breaks_shared = false;
        for bound in &mut self.bounds {
            let over = bound.over(trial, &self.cells, &self.scores, periods);
            if over <= 0 {
                continue;
            }
            breaks_shared |= bound.is_shared();
            if misfit == Misfit::Stop && bound.is_shared() {
                bound.stopped_by = Some(row);
            }
            breaches.extend(bound.breach(over));
        }
        if misfit == Misfit::CloseYear && breaks_shared {
            auction.closed.insert(trial.entry.year, row);
        }
        Some(Reason::Limited(breaches))
    }

    /// What an offer would be paid.
    fn price(&mut self, entry: &Entry, auction: &mut Auction) -> Paid {
        if self.rule.payment == Payment::OwnPrice {
            return Paid::Own(entry.price);
        }
        let group = *auction.groups.entry(entry.year).or_insert_with(|| {
            self.groups.push(Group { pot: auction.pot, minimum: auction.minimum, year: entry.year });
            self.scores.push(auction.first_score);
            self.scores.len().saturating_sub(1)
        });
        let now = self.scores.get(group).copied().unwrap_or(i64::MIN);
        Paid::Cleared { group, score: entry.score.max(now) }
    }

    /// The most of `left` that breaks no limit, in whole lots and no less than `least`; else nothing.
    fn fitting(&self, entry: &Entry, price: Paid, least: i64, left: i64) -> i64 {
        let fits = |quantity: i64| {
            let trial = Trial { entry, quantity, price };
            let periods = self.rule.periods();
            self.bounds.iter().all(|bound| bound.over(trial, &self.cells, &self.scores, periods) <= 0)
        };
        if fits(left) {
            return left;
        }
        if least >= left || !fits(least) {
            return 0;
        }
        let lot = self.stack.lot();
        let lots = |quantity: i64| quantity.checked_div(lot).unwrap_or(0);
        // The first fits and the second does not.
        let (mut low, mut high) = (lots(least), lots(left));
        while high.saturating_sub(low) > 1 {
            let middle = low.midpoint(high);
            if fits(middle.saturating_mul(lot)) {
                low = middle;
            } else {
                high = middle;
            }
        }
        low.saturating_mul(lot)
    }

    fn take(&mut self, place: usize, taken: Taken) {
        let Some(entry) = self.stack.entries().get(place) else {
            return;
        };
        let trial = Trial { entry, quantity: taken.quantity, price: taken.price };
        let periods = self.rule.periods();
        self.bounds.iter_mut().for_each(|bound| bound.take(trial, periods));
        if let Paid::Cleared { group, score } = taken.price {
            if let Some(now) = self.scores.get_mut(group) {
                *now = score;
            }
            let key = (group, entry.technology, entry.premium, entry.ceiling);
            let cell = *self.cell_of.entry(key).or_insert_with(|| {
                let (premium, ceiling) = (entry.premium, entry.ceiling);
                self.cells.push(Cell { group, premium, ceiling, quantity: 0 });
                let cell = self.cells.len().saturating_sub(1);
                self.bounds.iter_mut().for_each(|bound| bound.add_cell(entry, cell));
                cell
            });
            if let Some(cell) = self.cells.get_mut(cell) {
                cell.quantity = cell.quantity.saturating_add(taken.quantity);
            }
        }
        if let Some(given) = self.given.get_mut(place) {
            *given = given.saturating_add(taken.quantity);
        }
        if let Some(unit) = entry.unit {
            self.units.insert(unit, entry.row);
        }
        self.taken.push(taken);
    }

    /// What each offer of the stack was awarded.
    pub(super) fn given(&self) -> impl Iterator<Item = (&Entry, i64)> {
        self.stack.entries().iter().zip(self.given.iter().copied())
    }

    fn paid(&self, taken: &Taken) -> Option<(&Entry, i64)> {
        let entry = self.stack.entries().get(taken.place)?;
        let price = match taken.price {
            Paid::Own(price) => price,
            Paid::Cleared { group, .. } => entry.paid(*self.scores.get(group)?),
        };
        Some((entry, price))
    }

    pub(super) fn totals(&self) -> Totals {
        let (mut quantity, mut total) = (0_i64, 0_i128);
        for taken in &self.taken {
            let Some((_, price)) = self.paid(taken) else { continue };
            quantity = quantity.saturating_add(taken.quantity);
            total = total.saturating_add(cost(price, 0, taken.quantity, self.rule.periods()));
        }
        let quantity = Quantity::from_millionths(quantity).unwrap_or(Quantity::ZERO);
        Totals { quantity, cost: rounded_up(total) }
    }

    pub(super) fn outcome(self, without_origin_cap: Option<Totals>) -> Outcome {
        let award = |taken: &Taken| {
            let (entry, price) = self.paid(taken)?;
            let quantity = Quantity::from_millionths(taken.quantity)?;
            let price = Price::from_millionths(price);
            Some(Award { offer: entry.row, quantity, price, minimum: taken.minimum })
        };
        let mut awards: Vec<Award> = self.taken.iter().filter_map(award).collect();
        awards.sort_by_key(|award| (award.offer, award.minimum.is_none(), award.minimum));
        let clearing = self.groups.iter().zip(&self.scores).filter(|(_, score)| **score != i64::MIN);
        let clearing = clearing.map(|(group, score)| ClearingScore {
            pot: self.stack.pots().get(group.pot).copied().flatten().cloned(),
            minimum: group.minimum,
            year: group.year,
            score: (*score != CEILINGS).then_some(Price::from_millionths(*score)),
        });
        let periods = self.rule.periods();
        let limits = self.bounds.iter().take(self.rule.limits.len());
        Outcome {
            clearing: clearing.collect(),
            totals: self.totals(),
            used: limits.map(|bound| bound.used(&self.cells, &self.scores, periods)).collect(),
            awards,
            rejections: self.rejections.iter().cloned().chain(self.stack.above_ceiling()).collect(),
            void: None,
            without_origin_cap,
        }
    }
}

impl Auction {
    const fn new(pot: usize, minimum: Option<u32>, first_score: i64) -> Self {
        Self { pot, minimum, groups: BTreeMap::new(), closed: BTreeMap::new(), first_score }
    }
}

/// A part of a volume, in millionths, rounded down.
pub(super) fn part_of(part: u32, whole: i128) -> i64 {
    let part = i128::from(part).saturating_mul(whole).div_euclid(i128::from(MILLIONTHS));
    // A part of what fits.
    i64::try_from(part).unwrap_or(i64::MAX)
}
