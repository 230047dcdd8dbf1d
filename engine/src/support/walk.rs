//! The way down the stack.

use std::collections::BTreeMap;

use super::bounds::{Bound, Paid, Room, cost, rounded_up};
use super::rule::{Limit, Misfit, SupportRule, Uncontested};
use super::stack::{Entry, Stack};
use super::{Award, ClearingScore, Constraint, Outcome, Reason, Rejection, Totals};
use crate::clearing::Payment;
use crate::num::{MILLIONTHS, Price, Quantity};
use crate::text::Country;

/// How far it has come.
#[derive(Clone)]
pub(super) struct Walk<'a> {
    stack: &'a Stack<'a>,
    rule: &'a SupportRule,
    bounds: Vec<Bound>,
    /// Of each kind of offers the bounds that an award can change, without those of countries.
    touched: Vec<Vec<usize>>,
    /// The bound of each country.
    of_country: BTreeMap<Country, usize>,
    groups: Vec<Group>,
    /// What each place of the stack was awarded.
    given: Vec<i64>,
    /// Of each unit the offer that was awarded.
    units: BTreeMap<u64, u32>,
    taken: Vec<Taken>,
    rejections: Vec<Rejection>,
}

/// An auction with a price of its own: a delivery year of one that is held.
#[derive(Clone, Copy)]
struct Group {
    pot: usize,
    minimum: Option<u32>,
    year: u16,
    /// What it clears at so far; `None` before anything is awarded, and at ceilings.
    score: Option<i64>,
    /// Whether anything is awarded in it.
    is_awarded: bool,
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
    /// The minimum's own limit.
    own: Option<Bound>,
    /// Whether everybody is paid its ceiling.
    at_ceilings: bool,
    /// The delivery years' clearing prices.
    groups: BTreeMap<u16, usize>,
    /// Delivery years that take nothing more, and the offer that did not fit.
    closed: BTreeMap<u16, u32>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(stack: &'a Stack<'a>, rule: &'a SupportRule) -> Self {
        let kinds = stack.kinds();
        let limits = (0_u32..).zip(&rule.limits);
        let bound = |(number, limit): (u32, &Limit)| {
            Bound::of_limit(Some(Constraint::Limit(number)), limit, &rule.technologies, kinds)
        };
        let mut bounds: Vec<Bound> = limits.map(bound).collect();
        if let Some(part) = rule.competition.most_of_offered {
            let most = part_of(part.millionths(), stack.offered());
            bounds.push(Bound::of_volume(Constraint::Competition, most, kinds));
        }
        // An offer that a limit on money does not count can raise the price of those that it does.
        let raises = |bound: &Bound, number: usize| {
            let kind = kinds.get(number);
            let alike = (0..).zip(kinds).filter(|(_, other)| {
                kind.is_some_and(|kind| (kind.pot, kind.year) == (other.pot, other.year))
            });
            bound.is_money() && alike.into_iter().any(|(other, _)| bound.counts_kind(other))
        };
        let touched = (0..kinds.len()).map(|kind| {
            let touches = |bound: &Bound| {
                bound.counts_kind(kind) || (rule.payment == Payment::OnePrice && raises(bound, kind))
            };
            (0..).zip(&bounds).filter(|(_, bound)| touches(bound)).map(|(number, _)| number).collect()
        });
        Self {
            stack,
            rule,
            touched: touched.collect(),
            bounds,
            of_country: BTreeMap::new(),
            groups: Vec::new(),
            given: vec![0; stack.entries().len()],
            units: BTreeMap::new(),
            taken: Vec::new(),
            rejections: Vec::new(),
        }
    }

    /// Goes down the stack in every auction, with so much at most for each country.
    pub(super) fn run(mut self, caps: Option<&BTreeMap<Country, i64>>) -> Self {
        for (country, most) in caps.into_iter().flatten() {
            self.of_country.insert(*country, self.bounds.len());
            let bound = Bound::of_volume(Constraint::Origin(*country), *most, self.stack.kinds());
            self.bounds.push(bound);
        }
        self.take_standing();
        let mut places = vec![Vec::new(); self.stack.pots().len()];
        for (place, entry) in self.stack.entries().iter().enumerate() {
            let kind = self.stack.kinds().get(entry.kind);
            if let Some(of_pot) = kind.and_then(|kind| places.get_mut(kind.pot)) {
                of_pot.push(place);
            }
        }
        for (pot, places) in places.iter().enumerate() {
            for (number, minimum) in (0_u32..).zip(&self.rule.minima) {
                let own = Bound::of_limit(None, minimum, &self.rule.technologies, self.stack.kinds());
                let is_counted =
                    |place: &usize| self.stack.entries().get(*place).is_some_and(|entry| own.counts(entry));
                let kinds = self.stack.kinds().iter().enumerate();
                if !kinds.into_iter().any(|(number, kind)| kind.pot == pot && own.counts_kind(number)) {
                    continue;
                }
                let counted: Vec<usize> = places.iter().copied().filter(is_counted).collect();
                self.hold(pot, Some((number, &own)), &counted);
            }
            self.hold(pot, None, places);
        }
        self
    }

    /// What stands from before counts at its price.
    fn take_standing(&mut self) {
        let (stack, periods) = (self.stack, self.rule.periods());
        for (entry, quantity, price) in stack.standing() {
            let touched: Vec<usize> = self.touched_by(entry).collect();
            for number in touched {
                if let Some(bound) = self.bounds.get_mut(number) {
                    bound.take(entry, *quantity, Paid::Fixed(*price), periods);
                }
            }
            self.units.extend(entry.unit.map(|unit| (unit, entry.row)));
        }
    }

    /// Holds one auction: of a pot, or under a minimum.
    // Rules: R-AUC-073.
    fn hold(&mut self, pot: usize, minimum: Option<(u32, &Bound)>, places: &[usize]) {
        let auction = |at_ceilings| Auction {
            pot,
            minimum: minimum.map(|(number, _)| number),
            own: minimum.map(|(_, own)| own.clone()),
            at_ceilings,
            groups: BTreeMap::new(),
            closed: BTreeMap::new(),
        };
        if self.rule.uncontested == Uncontested::Ceiling {
            let mut all = self.clone();
            if all.descend(auction(true), places) {
                *self = all;
                return;
            }
        }
        self.descend(auction(false), places);
    }

    /// Looks at offers from the best on. At ceilings it stops at the first that does not fit whole; whether all do is
    /// returned.
    // Rules: R-AUC-080.
    fn descend(&mut self, mut auction: Auction, places: &[usize]) -> bool {
        self.bounds.iter_mut().for_each(|bound| bound.stopped_by = None);
        for &place in places {
            let Some((row, reason)) = self.look_at(place, &mut auction) else {
                continue;
            };
            if auction.at_ceilings && !matches!(reason, Reason::Excluded { .. }) {
                return false;
            }
            // What a minimum's auction leaves out is looked at again.
            if auction.minimum.is_none() {
                self.rejections.push(Rejection { offer: row, reason });
            }
        }
        true
    }

    /// Awards an offer what fits, and says why no more.
    // Rules: R-AUC-077.
    fn look_at(&mut self, place: usize, auction: &mut Auction) -> Option<(u32, Reason)> {
        let (stack, lot) = (self.stack, self.stack.lot());
        let entry = stack.entries().get(place)?;
        let given = self.given.get(place).copied().unwrap_or(0);
        let left = entry.quantity.saturating_sub(given);
        if left == 0 {
            return None;
        }
        if let Some(reason) = self.is_out(entry, auction) {
            return Some((entry.row, reason));
        }
        let price = self.price(entry, auction);
        let rooms = self.rooms(entry, price, auction);
        let least = if given == 0 { entry.minimum.max(lot) } else { lot };
        let most = rooms.iter().fold(left, |most, (_, room)| most.min(room.most()));
        let in_lots = most.saturating_sub(most.checked_rem(lot).unwrap_or(0));
        let fitting = if most == left { left } else { in_lots };
        let fitting = if fitting < least { 0 } else { fitting };
        if fitting > 0 {
            self.take(Taken { place, quantity: fitting, price, minimum: auction.minimum }, &rooms, auction);
        }
        if fitting == left {
            return None;
        }
        let wanted = if fitting > 0 { fitting.saturating_add(lot) } else { least };
        Some((entry.row, self.misfit(entry, &rooms, wanted, auction)))
    }

    /// Why an offer is not looked at, if it is not.
    // Rules: R-AUC-072.
    fn is_out(&self, entry: &Entry, auction: &Auction) -> Option<Reason> {
        if let Some(by) = entry.unit.and_then(|unit| self.units.get(&unit)).filter(|by| **by != entry.row) {
            return Some(Reason::Excluded { by: *by });
        }
        if let Some(by) = auction.closed.get(&entry.year) {
            return Some(Reason::YearClosed { by: *by });
        }
        let touched = self.touched_by(entry).filter_map(|number| self.bounds.get(number));
        let mut stopped = touched.chain(&auction.own).filter(|bound| bound.counts(entry));
        stopped.find_map(|bound| {
            let by = bound.stopped_by?;
            // Only a minimum's own limit has no name. What that stops is looked at again, and nobody is told.
            Some(
                bound
                    .constraint
                    .map_or(Reason::Limited(Vec::new()), |constraint| Reason::Stopped { constraint, by }),
            )
        })
    }

    /// The bounds that an award to an offer can change, by number.
    fn touched_by(&self, entry: &Entry) -> impl Iterator<Item = usize> + use<'_> {
        let of_kind = self.touched.get(entry.kind).into_iter().flatten().copied();
        of_kind.chain(entry.origin.and_then(|origin| self.of_country.get(&origin).copied()))
    }

    /// What the bounds leave for an offer, by number; the minimum's own has none.
    fn rooms(&mut self, entry: &Entry, price: Paid, auction: &mut Auction) -> Vec<(Option<usize>, Room)> {
        let periods = self.rule.periods();
        let of_kind = self.touched.get(entry.kind).map_or(&[][..], Vec::as_slice);
        let of_country = entry.origin.and_then(|origin| self.of_country.get(&origin).copied());
        let mut rooms = Vec::with_capacity(of_kind.len().saturating_add(2));
        for number in of_kind.iter().copied().chain(of_country) {
            let room = self.bounds.get_mut(number).and_then(|bound| bound.room(entry, price, periods));
            rooms.extend(room.map(|room| (Some(number), room)));
        }
        let own = auction.own.as_mut().and_then(|own| own.room(entry, price, periods));
        rooms.extend(own.map(|room| (None, room)));
        rooms
    }

    /// What follows on an offer of which so much does not fit.
    // Rules: R-AUC-070, R-AUC-071.
    fn misfit(
        &mut self,
        entry: &Entry,
        rooms: &[(Option<usize>, Room)],
        wanted: i64,
        auction: &mut Auction,
    ) -> Reason {
        let mut breaches = Vec::new();
        let mut breaks_shared = false;
        for (number, room) in rooms {
            let bound = match number {
                Some(number) => self.bounds.get_mut(*number),
                None => auction.own.as_mut(),
            };
            let over = room.over(wanted);
            let Some(bound) = bound.filter(|_| over > 0) else { continue };
            breaks_shared |= bound.is_shared();
            if self.rule.misfit == Misfit::Stop && bound.is_shared() {
                bound.stopped_by.get_or_insert(entry.row);
            }
            breaches.extend(bound.breach(over));
        }
        if self.rule.misfit == Misfit::CloseYear && breaks_shared {
            auction.closed.insert(entry.year, entry.row);
        }
        Reason::Limited(breaches)
    }

    /// What an offer would be paid.
    fn price(&mut self, entry: &Entry, auction: &mut Auction) -> Paid {
        if self.rule.payment == Payment::OwnPrice {
            return Paid::Fixed(entry.price);
        }
        let next = self.groups.len();
        let group = *auction.groups.entry(entry.year).or_insert(next);
        if group == next {
            self.groups.push(Group {
                pot: auction.pot,
                minimum: auction.minimum,
                year: entry.year,
                score: None,
                is_awarded: false,
            });
        }
        match entry.ceiling.filter(|_| auction.at_ceilings) {
            Some(ceiling) => Paid::Fixed(ceiling),
            // Offers come by ascending score.
            None => Paid::Cleared { group, score: entry.score },
        }
    }

    fn take(&mut self, taken: Taken, rooms: &[(Option<usize>, Room)], auction: &mut Auction) {
        let (stack, periods) = (self.stack, self.rule.periods());
        let Some(entry) = stack.entries().get(taken.place) else {
            return;
        };
        for (number, _) in rooms {
            let bound = match number {
                Some(number) => self.bounds.get_mut(*number),
                None => auction.own.as_mut(),
            };
            if let Some(bound) = bound {
                bound.take(entry, taken.quantity, taken.price, periods);
            }
        }
        if let Some(group) = auction.groups.get(&entry.year).and_then(|group| self.groups.get_mut(*group)) {
            group.is_awarded = true;
            group.score = (!auction.at_ceilings).then_some(entry.score);
        }
        if let Some(given) = self.given.get_mut(taken.place) {
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
            Paid::Fixed(price) => price,
            Paid::Cleared { group, .. } => entry.paid(self.groups.get(group)?.score?),
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

    pub(super) fn outcome(self, without: Option<Totals>, origin_volume: Option<Quantity>) -> Outcome {
        let award = |taken: &Taken| {
            let (entry, price) = self.paid(taken)?;
            let quantity = Quantity::from_millionths(taken.quantity)?;
            let price = Price::from_millionths(price);
            Some(Award { offer: entry.row, quantity, price, minimum: taken.minimum })
        };
        let mut awards: Vec<Award> = self.taken.iter().filter_map(award).collect();
        awards.sort_by_key(|award| (award.offer, award.minimum.is_none(), award.minimum));
        let mut groups: Vec<&Group> = self.groups.iter().filter(|group| group.is_awarded).collect();
        // Minima are held before the rest.
        groups.sort_by_key(|group| (group.pot, group.minimum.is_none(), group.minimum, group.year));
        let clearing = groups.into_iter().map(|group| ClearingScore {
            pot: self.stack.pots().get(group.pot).copied().flatten().cloned(),
            minimum: group.minimum,
            year: group.year,
            score: group.score.map(Price::from_millionths),
        });
        let limits = self.bounds.iter().take(self.rule.limits.len());
        Outcome {
            clearing: clearing.collect(),
            totals: self.totals(),
            used: limits.map(Bound::used).collect(),
            awards,
            rejections: self.rejections.iter().cloned().chain(self.stack.above_ceiling()).collect(),
            void: None,
            without_origin_cap: without,
            origin_volume,
        }
    }
}

/// A part of a volume, in millionths, rounded down.
fn part_of(part: u32, whole: i64) -> i64 {
    let part = i128::from(part).saturating_mul(i128::from(whole)).div_euclid(i128::from(MILLIONTHS));
    // No part is more than the whole.
    i64::try_from(part).unwrap_or(whole)
}
