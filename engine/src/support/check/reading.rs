//! The second reading: what each offer is due at its turn, when those before it in the stack have what they are due.
//!
//! It keeps sums and no list of awards. Of money at a clearing price it keeps, for each limit and auction, the volume whose price
//! still follows the score and that which is paid its ceiling, so that what any higher score would cost is one product.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest as _, Sha256};

use super::super::rule::{Each, Limit, Misfit, Most, SupportRule, Ties, Uncontested, Years};
use super::super::{Breach, Constraint, Offer, Reason, Size};
use super::{Due, Part};
use crate::clearing::Payment;
use crate::num::{Amount, MILLIONTHS, Price, Quantity, divide_half_even};
use crate::text::{Country, Name};

/// What an offer says, as numbers. All are millionths.
pub(super) struct Facts<'a> {
    pub(super) row: u32,
    pub(super) offer: &'a Offer<'a>,
    pub(super) premium: i128,
    pub(super) score: i128,
    pub(super) ceiling: Option<i128>,
    pub(super) pot: usize,
    /// The least that can be awarded first.
    pub(super) least: i64,
}

impl Facts<'_> {
    pub(super) fn price(&self) -> i128 {
        i128::from(self.offer.price.millionths())
    }

    pub(super) fn is_above_ceiling(&self) -> bool {
        self.ceiling.is_some_and(|ceiling| self.price() > ceiling)
    }

    /// What it is paid where its auction clears at a score.
    pub(super) fn paid(&self, score: i128) -> i128 {
        let paid = score.saturating_add(self.premium);
        self.ceiling.map_or(paid, |ceiling| paid.min(ceiling))
    }
}

/// Offers and rule as they are read here.
pub(super) struct Book<'a> {
    pub(super) rule: &'a SupportRule,
    /// In the order of the offers.
    pub(super) facts: Vec<Facts<'a>>,
    /// Rows at or below their ceilings, best first.
    pub(super) stack: Vec<usize>,
    pub(super) pots: Vec<Option<&'a Name>>,
    pub(super) lot: i64,
    /// Of each limit, then of each minimum, which technologies it counts; `None` where it counts all.
    counted: Vec<Option<BTreeSet<u16>>>,
}

impl<'a> Book<'a> {
    /// `None` where the rule could not take the offers.
    pub(super) fn new(offers: &'a [Offer<'a>], rule: &'a SupportRule, seed: Option<&[u8]>) -> Option<Self> {
        let mut pots: Vec<Option<&Name>> = Vec::new();
        let mut pot_of = Vec::new();
        for technology in &rule.technologies {
            let pot = technology.pot.as_ref();
            let known = pots.iter().position(|known| *known == pot);
            pot_of.push(known.unwrap_or(pots.len()));
            if known.is_none() {
                pots.push(pot);
            }
        }
        if pots.is_empty() {
            pots.push(None);
        }
        let rate = i128::from(rule.quality_rate.map_or(0, Price::millionths));
        let facts = (0_u32..).zip(offers).map(|(row, offer)| {
            let number = offer.technology.map(usize::from);
            let technology = number.and_then(|number| rule.technologies.get(number));
            let worth = rate.checked_mul(i128::from(offer.quality.millionths()))?;
            let worth = divide_half_even(worth, i128::from(MILLIONTHS))?;
            let own = technology.and_then(|technology| technology.premium).map_or(0, Price::millionths);
            let premium = worth.checked_add(i128::from(own))?;
            let ceilings = [rule.ceiling, technology.and_then(|technology| technology.ceiling)];
            let least = if rule.whole_offers { offer.quantity } else { offer.min_quantity };
            Some(Facts {
                row,
                offer,
                premium,
                score: i128::from(offer.price.millionths()).checked_sub(premium)?,
                ceiling: ceilings.into_iter().flatten().min().map(|ceiling| i128::from(ceiling.millionths())),
                pot: number.and_then(|number| pot_of.get(number)).copied().unwrap_or(0),
                least: least.millionths(),
            })
        });
        let facts: Vec<Facts<'_>> = facts.collect::<Option<_>>()?;
        let draw = |id: &[u8]| match rule.ties {
            Ties::Earliest => Some(None),
            Ties::SeededDraw => Some(Some(Sha256::digest([seed?, id].concat()))),
        };
        let mut keyed = Vec::new();
        for (row, fact) in facts.iter().enumerate().filter(|(_, fact)| !fact.is_above_ceiling()) {
            keyed.push((fact.score, draw(fact.offer.id)?, fact.offer.received, row));
        }
        keyed.sort_unstable();
        let counted = rule.limits.iter().chain(&rule.minima).map(|limit| {
            let named: BTreeSet<&Name> = limit.technologies.iter().collect();
            let all = (0_u16..).zip(&rule.technologies);
            let numbers = all.filter(|(_, technology)| named.contains(&technology.name));
            (!named.is_empty()).then(|| numbers.map(|(number, _)| number).collect())
        });
        Some(Self {
            rule,
            stack: keyed.into_iter().map(|(_, _, _, row)| row).collect(),
            facts,
            pots,
            lot: rule.lot.map_or(1, Quantity::millionths),
            counted: counted.collect(),
        })
    }

    /// A limit, or a minimum after the last of them.
    pub(super) fn limit(&self, number: usize) -> Option<&'a Limit> {
        let rule = self.rule;
        rule.limits.get(number).or_else(|| rule.minima.get(number.checked_sub(rule.limits.len())?))
    }

    pub(super) fn counts(&self, number: usize, offer: &Offer<'_>) -> bool {
        let is_technology = match self.counted.get(number) {
            Some(Some(counted)) => offer.technology.is_some_and(|technology| counted.contains(&technology)),
            Some(None) => true,
            None => false,
        };
        is_technology
            && match self.limit(number).and_then(|limit| limit.years) {
                None => true,
                Some(Years::In(year)) => offer.year == year,
                Some(Years::Until(last)) => offer.year <= last,
            }
    }

    pub(super) fn periods(&self) -> i128 {
        self.rule.periods.map_or(1, |periods| i128::from(periods.get()))
    }

    /// The most that all together may be awarded, for want of competition. Of offers that exclude each other the largest counts.
    pub(super) fn competition(&self) -> Option<i128> {
        let part = i128::from(self.rule.competition.most_of_offered?.millionths());
        let mut largest: BTreeMap<(Option<u64>, usize), i128> = BTreeMap::new();
        for (row, fact) in self.stack.iter().filter_map(|row| Some((*row, self.facts.get(*row)?))) {
            let alone = fact.offer.unit.map_or(row, |_| 0);
            let of_unit = largest.entry((fact.offer.unit, alone)).or_insert(0);
            *of_unit = i128::from(fact.offer.quantity.millionths()).max(*of_unit);
        }
        let offered = largest.values().fold(0_i128, |sum, one| sum.saturating_add(*one));
        Some(part.saturating_mul(offered).div_euclid(i128::from(MILLIONTHS)))
    }

    /// What a country may be awarded where its share is taken of so much; `None` where it is not capped.
    pub(super) fn allowed(&self, country: Country, awarded: i128) -> Option<i128> {
        let cap = self.rule.origin_cap.as_ref().filter(|cap| !cap.exempt.contains(&country))?;
        let mut whole = awarded;
        let mut own = 0_i128;
        for position in &cap.positions {
            let quantity = i128::from(position.quantity.millionths());
            whole = whole.saturating_add(quantity);
            if position.country == country {
                own = quantity;
            }
        }
        let part = i128::from(cap.share.millionths()).saturating_mul(whole);
        Some(part.div_euclid(i128::from(MILLIONTHS)).saturating_sub(own).max(0))
    }

    /// In what a limit counts, or millionths of that for money.
    pub(super) fn most(&self, number: usize) -> i128 {
        match self.limit(number).map(|limit| limit.most) {
            Some(Most::Quantity(most)) => i128::from(most.millionths()),
            Some(Most::Money { amount, .. }) => {
                i128::from(amount.millionths()).saturating_mul(i128::from(MILLIONTHS))
            }
            None => 0,
        }
    }

    pub(super) fn reference(&self, number: usize) -> Option<i128> {
        match self.limit(number)?.most {
            Most::Quantity(_) => None,
            Most::Money { reference_price, .. } => Some(i128::from(reference_price.millionths())),
        }
    }

    /// What a limit counts for each millionth at a price.
    pub(super) fn unit(&self, number: usize, price: i128) -> i128 {
        let above = |reference: i128| price.saturating_sub(reference).max(0).saturating_mul(self.periods());
        self.reference(number).map_or(1, above)
    }

    /// For whom an award is counted: nobody where a limit is for all.
    pub(super) fn key(&self, number: usize, fact: &Facts<'_>) -> Option<u32> {
        match self.limit(number)?.each {
            Each::All => None,
            Each::OwnerGroup => Some(fact.offer.owner_group),
            Each::Offer => Some(fact.row),
        }
    }

    pub(super) fn size(&self, number: usize, of: i128) -> Size {
        match self.reference(number) {
            None => Size::Quantity(quantity(of)),
            Some(_) => Size::Money(rounded_up(of)),
        }
    }
}

fn quantity(of: i128) -> Quantity {
    i64::try_from(of).ok().and_then(Quantity::from_millionths).unwrap_or(Quantity::ZERO)
}

/// Millionths of millionths as an amount, rounded up.
pub(super) fn rounded_up(of: i128) -> Amount {
    let scale = i128::from(MILLIONTHS);
    let whole = of.div_euclid(scale);
    let up = if of.rem_euclid(scale) == 0 { whole } else { whole.saturating_add(1) };
    i64::try_from(up).ok().and_then(Amount::from_millionths).unwrap_or(Amount::ZERO)
}

/// What one limit counts of one auction with a clearing price.
#[derive(Default)]
struct Purse {
    /// At the score that it clears at so far.
    now: i128,
    /// Of volumes that are paid their ceilings.
    fixed: i128,
    /// Volume whose price follows the score, and volume × (premium − reference price).
    following: (i128, i128),
    /// The same by the score at which its ceiling is reached.
    until: BTreeMap<i128, (i128, i128)>,
    /// Volume, premium and ceiling by the score at which it begins to cost something.
    from: BTreeMap<i128, Vec<(i128, i128, Option<i128>)>>,
}

impl Purse {
    /// What it counts at a score, no lower than one that was asked about before.
    fn at(&mut self, score: i128, reference: i128) -> i128 {
        let (volume, base) = &mut self.following;
        while let Some(first) = self.from.first_entry().filter(|first| *first.key() <= score) {
            for (quantity, premium, ceiling) in first.remove() {
                let own = quantity.saturating_mul(premium.saturating_sub(reference));
                (*volume, *base) = (volume.saturating_add(quantity), base.saturating_add(own));
                if let Some(ceiling) = ceiling {
                    let end = self.until.entry(ceiling.saturating_sub(premium)).or_default();
                    *end = (end.0.saturating_add(quantity), end.1.saturating_add(own));
                }
            }
        }
        while let Some(first) = self.until.first_entry().filter(|first| *first.key() <= score) {
            let (end, (quantity, own)) = first.remove_entry();
            (*volume, *base) = (volume.saturating_sub(quantity), base.saturating_sub(own));
            self.fixed = self.fixed.saturating_add(quantity.saturating_mul(end)).saturating_add(own);
        }
        self.fixed.saturating_add(volume.saturating_mul(score)).saturating_add(*base)
    }

    fn add(&mut self, fact: &Facts<'_>, quantity: i64, reference: i128) {
        if fact.ceiling.is_none_or(|ceiling| ceiling > reference) {
            let begin = self.from.entry(reference.saturating_sub(fact.premium)).or_default();
            begin.push((i128::from(quantity), fact.premium, fact.ceiling));
        }
    }
}

/// What can be broken.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Bar {
    Limit(usize),
    Competition,
    Origin(Country),
    Minimum(usize),
}

/// What a bar leaves, and what it counts for each millionth.
type Room = (Bar, i128, i128);

/// An auction: a pot's, or a minimum's.
#[derive(Clone, Copy)]
struct Held {
    number: usize,
    minimum: Option<usize>,
}

/// The second reading on its way.
pub(super) struct Reading<'a> {
    book: &'a Book<'a>,
    /// Of how much countries are allowed their share; `None` where nobody is capped.
    origin_volume: Option<i128>,
    competition: Option<i128>,
    used: BTreeMap<(usize, Option<u32>), i128>,
    purses: BTreeMap<(usize, usize, u16), Purse>,
    of_country: BTreeMap<Country, i128>,
    all: i128,
    units: BTreeMap<u64, u32>,
    given: Vec<i64>,
    due: Due,
}

impl<'a> Reading<'a> {
    /// Goes down the stack in every auction.
    pub(super) fn of(book: &'a Book<'a>, origin_volume: Option<i128>) -> Due {
        let mut reading = Self {
            book,
            origin_volume,
            competition: book.competition(),
            used: BTreeMap::new(),
            purses: BTreeMap::new(),
            of_country: BTreeMap::new(),
            all: 0,
            units: BTreeMap::new(),
            given: vec![0; book.facts.len()],
            due: Due::default(),
        };
        let mut of_pot = vec![Vec::new(); book.pots.len()];
        for fact in book.stack.iter().filter_map(|row| book.facts.get(*row)) {
            if let Some(in_pot) = of_pot.get_mut(fact.pot) {
                in_pot.push(fact);
            }
        }
        let mut number = 0_usize;
        for in_pot in of_pot {
            let minima = (0..book.rule.minima.len()).map(Some);
            for minimum in minima.chain([None]) {
                let own = minimum.map(|minimum| minimum.saturating_add(book.rule.limits.len()));
                let is_in = |fact: &&&Facts<'_>| own.is_none_or(|own| book.counts(own, fact.offer));
                let inside: Vec<&Facts<'_>> = in_pot.iter().filter(is_in).copied().collect();
                number = number.saturating_add(1);
                reading.hold(Held { number, minimum }, &inside);
            }
        }
        reading.due
    }

    fn hold(&mut self, held: Held, inside: &[&Facts<'_>]) {
        if inside.is_empty() || self.hold_at_ceilings(held, inside) {
            return;
        }
        let mut stopped: BTreeMap<Bar, u32> = BTreeMap::new();
        let mut closed: BTreeMap<u16, u32> = BTreeMap::new();
        for fact in inside {
            let reason = self.turn(held, fact, &mut stopped, &mut closed);
            if let Some(reason) = reason.filter(|_| held.minimum.is_none()) {
                self.due.reasons.push((fact.row, reason));
            }
        }
    }

    fn given_to(&self, fact: &Facts<'_>) -> i64 {
        usize::try_from(fact.row).ok().and_then(|row| self.given.get(row).copied()).unwrap_or(0)
    }

    fn left_of(&self, fact: &Facts<'_>) -> i64 {
        fact.offer.quantity.millionths().saturating_sub(self.given_to(fact))
    }

    /// The other offer of its unit that was awarded.
    fn sibling(&self, fact: &Facts<'_>) -> Option<u32> {
        let by = self.units.get(&fact.offer.unit?)?;
        (*by != fact.row).then_some(*by)
    }

    /// Everything at its ceiling, if all that together breaks nothing.
    fn hold_at_ceilings(&mut self, held: Held, inside: &[&Facts<'_>]) -> bool {
        if self.book.rule.uncontested != Uncontested::Ceiling {
            return false;
        }
        let before = (self.units.clone(), self.due.reasons.len());
        let mut takes = Vec::new();
        let wanting: Vec<&Facts<'_>> = inside.iter().copied().filter(|fact| self.left_of(fact) > 0).collect();
        for fact in wanting {
            if let Some(by) = self.sibling(fact) {
                if held.minimum.is_none() {
                    self.due.reasons.push((fact.row, Reason::Excluded { by }));
                }
                continue;
            }
            self.units.extend(fact.offer.unit.map(|unit| (unit, fact.row)));
            takes.push(fact);
        }
        let mut sums: BTreeMap<(Bar, Option<u32>), (i128, i128)> = BTreeMap::new();
        for fact in &takes {
            let quantity = i128::from(self.left_of(fact));
            for (bar, left, unit) in self.rooms(held, fact, None) {
                let key = match bar {
                    Bar::Limit(number) => self.book.key(number, fact),
                    _ => None,
                };
                let sum = sums.entry((bar, key)).or_insert((left, 0));
                sum.1 = sum.1.saturating_add(unit.saturating_mul(quantity));
            }
        }
        if sums.values().any(|(left, sum)| sum > left) {
            self.units = before.0;
            self.due.reasons.truncate(before.1);
            return false;
        }
        for fact in takes {
            let quantity = self.left_of(fact);
            self.take(held, fact, quantity, None);
        }
        true
    }

    /// What is due to an offer at its turn: an award is noted, and the reason for no more is returned.
    fn turn(
        &mut self,
        held: Held,
        fact: &Facts<'_>,
        stopped: &mut BTreeMap<Bar, u32>,
        closed: &mut BTreeMap<u16, u32>,
    ) -> Option<Reason> {
        let (given, left, lot) = (self.given_to(fact), self.left_of(fact), self.book.lot);
        if left == 0 {
            return None;
        }
        if let Some(by) = self.sibling(fact) {
            return Some(Reason::Excluded { by });
        }
        if let Some(by) = closed.get(&fact.offer.year) {
            return Some(Reason::YearClosed { by: *by });
        }
        let counts = |bar: &Bar| match bar {
            Bar::Limit(number) => self.book.counts(*number, fact.offer),
            _ => true,
        };
        if let Some((bar, by)) = stopped.iter().find(|(bar, _)| counts(bar)) {
            // Whom a minimum's own limit stops is looked at again, and told nothing here.
            let constraint = told(*bar).unwrap_or(Constraint::Competition);
            return Some(Reason::Stopped { constraint, by: *by });
        }
        let score = (self.book.rule.payment == Payment::OnePrice).then_some(fact.score);
        let rooms = self.rooms(held, fact, score);
        let fits = |quantity: i64| {
            let over = |(_, left, unit): &Room| unit.saturating_mul(i128::from(quantity)) > *left;
            !rooms.iter().any(over)
        };
        let least = if given > 0 { lot } else { fact.least.max(lot) };
        // The most that every bar leaves, in whole lots.
        let most =
            rooms.iter().filter(|(_, _, unit)| *unit > 0).map(|(_, left, unit)| left.div_euclid(*unit));
        let most = most.fold(i128::from(left), i128::min).max(0);
        let most = i64::try_from(most).unwrap_or(left);
        let most = most.saturating_sub(most.checked_rem(lot).unwrap_or(0));
        let award = if most >= least && fits(most) { most } else { 0 };
        if award > 0 {
            self.take(held, fact, award, score);
        }
        if award == left {
            return None;
        }
        let wanted = if award > 0 { award.saturating_add(lot) } else { least };
        let mut breaches = Vec::new();
        for (bar, left, unit) in rooms {
            let over = unit.saturating_mul(i128::from(wanted)).saturating_sub(left);
            if over <= 0 {
                continue;
            }
            let (is_shared, size) = match bar {
                Bar::Limit(number) => (self.book.key(number, fact).is_none(), self.book.size(number, over)),
                Bar::Origin(_) => (false, Size::Quantity(quantity(over))),
                Bar::Competition | Bar::Minimum(_) => (true, Size::Quantity(quantity(over))),
            };
            if is_shared && self.book.rule.misfit == Misfit::Stop {
                stopped.entry(bar).or_insert(fact.row);
            }
            if is_shared && self.book.rule.misfit == Misfit::CloseYear {
                closed.entry(fact.offer.year).or_insert(fact.row);
            }
            breaches.extend(told(bar).map(|constraint| Breach { constraint, over: size }));
        }
        Some(Reason::Limited(breaches))
    }

    /// What every bar leaves that an award would change: at the score that it brings, or without one at the own price or ceiling.
    fn rooms(&mut self, held: Held, fact: &Facts<'_>, score: Option<i128>) -> Vec<Room> {
        let book = self.book;
        let price = self.price(fact, score);
        let mut rooms = Vec::new();
        let limits = book.rule.limits.len();
        let own = held.minimum.map(|minimum| minimum.saturating_add(limits));
        for number in (0..limits).chain(own) {
            let bar = if number < limits { Bar::Limit(number) } else { Bar::Minimum(number) };
            let counts = book.counts(number, fact.offer);
            let raised = score.and(book.reference(number)).and_then(|reference| {
                let purse = self.purses.get_mut(&(number, held.number, fact.offer.year))?;
                Some(purse.at(score?, reference).saturating_sub(purse.now).saturating_mul(book.periods()))
            });
            let raised = raised.unwrap_or(0);
            if counts || raised > 0 {
                let used = self.used.get(&(number, book.key(number, fact))).copied().unwrap_or(0);
                let left = book.most(number).saturating_sub(used).saturating_sub(raised);
                rooms.push((bar, left, if counts { book.unit(number, price) } else { 0 }));
            }
        }
        rooms.extend(self.competition.map(|most| (Bar::Competition, most.saturating_sub(self.all), 1)));
        let allowed = self.origin_volume.zip(fact.offer.origin).and_then(|(volume, origin)| {
            let used = self.of_country.get(&origin).copied().unwrap_or(0);
            Some((Bar::Origin(origin), book.allowed(origin, volume)?.saturating_sub(used), 1))
        });
        rooms.extend(allowed);
        rooms.sort_by_key(|(bar, _, _)| *bar);
        rooms
    }

    fn price(&self, fact: &Facts<'_>, score: Option<i128>) -> i128 {
        match (score, self.book.rule.payment) {
            (Some(score), _) => fact.paid(score),
            (None, Payment::OwnPrice) => fact.price(),
            (None, Payment::OnePrice) => fact.ceiling.unwrap_or_else(|| fact.price()),
        }
    }

    fn take(&mut self, held: Held, fact: &Facts<'_>, quantity: i64, score: Option<i128>) {
        let book = self.book;
        let price = self.price(fact, score);
        let limits = book.rule.limits.len();
        let own = held.minimum.map(|minimum| minimum.saturating_add(limits));
        for number in (0..limits).chain(own) {
            let counts = book.counts(number, fact.offer);
            let more = match score.zip(book.reference(number)) {
                Some((score, reference)) => {
                    let of = (number, held.number, fact.offer.year);
                    if !counts && !self.purses.contains_key(&of) {
                        continue;
                    }
                    let purse = self.purses.entry(of).or_default();
                    if counts {
                        purse.add(fact, quantity, reference);
                    }
                    let before = purse.now;
                    // Purses hold what one period costs.
                    purse.now = purse.at(score, reference);
                    purse.now.saturating_sub(before).saturating_mul(book.periods())
                }
                None if counts => book.unit(number, price).saturating_mul(i128::from(quantity)),
                None => continue,
            };
            let used = self.used.entry((number, book.key(number, fact))).or_insert(0);
            *used = used.saturating_add(more);
        }
        self.all = self.all.saturating_add(i128::from(quantity));
        if let Some(origin) = fact.offer.origin {
            let used = self.of_country.entry(origin).or_insert(0);
            *used = used.saturating_add(i128::from(quantity));
        }
        self.units.extend(fact.offer.unit.map(|unit| (unit, fact.row)));
        if let Some(given) = usize::try_from(fact.row).ok().and_then(|row| self.given.get_mut(row)) {
            *given = given.saturating_add(quantity);
        }
        let at_ceiling = score.is_none() && book.rule.payment == Payment::OnePrice;
        let minimum = held.minimum.and_then(|minimum| u32::try_from(minimum).ok());
        self.due.parts.push(Part { row: fact.row, minimum, quantity, at_ceiling });
    }
}

fn told(bar: Bar) -> Option<Constraint> {
    match bar {
        Bar::Limit(number) => u32::try_from(number).ok().map(Constraint::Limit),
        Bar::Competition => Some(Constraint::Competition),
        Bar::Origin(country) => Some(Constraint::Origin(country)),
        Bar::Minimum(_) => None,
    }
}
