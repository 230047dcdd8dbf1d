//! The naive twin: written from what the rule says, it keeps a list of awards and works everything out from it anew for every
//! offer, every lot and every limit.

use proptest::prelude::*;
use sha2::{Digest as _, Sha256};

use super::worlds::{self, ALL, Parts, world};
use super::*;
use crate::num::divide_half_even;

const SEED: &[u8] = b"seed";

/// An auction that is held: a pot's or a minimum's.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Held {
    pot: usize,
    /// Minima come first.
    minimum: (bool, usize),
    at_ceilings: bool,
}

#[derive(Clone, Copy, Debug)]
struct Given {
    row: usize,
    quantity: i64,
    /// `None` for what stood before, at its own price.
    held: Option<Held>,
    fixed: Option<i64>,
}

struct Twin<'a> {
    offers: &'a [Offer<'a>],
    rule: &'a SupportRule,
    pots: Vec<Option<Name>>,
    /// Rows from the best score on.
    stack: Vec<usize>,
    above: Vec<Rejection>,
    /// Of how much volume countries are allowed their share.
    caps: Option<i64>,
    given: Vec<Given>,
    declined: Vec<usize>,
    rejections: Vec<Rejection>,
}

/// What an award may break: a limit of the rule, a minimum of the rule, a part of what is offered, or a country's cap.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Bar {
    Limit(usize),
    Competition,
    Origin(Country),
    Minimum(usize),
}

impl<'a> Twin<'a> {
    fn new(offers: &'a [Offer<'a>], rule: &'a SupportRule) -> Self {
        let mut pots: Vec<Option<Name>> = Vec::new();
        for technology in &rule.technologies {
            if !pots.contains(&technology.pot) {
                pots.push(technology.pot.clone());
            }
        }
        if pots.is_empty() {
            pots.push(None);
        }
        let mut twin = Self {
            offers,
            rule,
            pots,
            stack: Vec::new(),
            above: Vec::new(),
            caps: None,
            given: Vec::new(),
            declined: Vec::new(),
            rejections: Vec::new(),
        };
        for (row, offer) in offers.iter().enumerate() {
            match twin.ceiling(row) {
                Some(ceiling) if offer.price.millionths() > ceiling => twin.above.push(Rejection {
                    offer: row as u32,
                    reason: Reason::AboveCeiling { ceiling: Price::from_millionths(ceiling) },
                }),
                _ => twin.stack.push(row),
            }
        }
        let key = |row: &usize| {
            let lot = match rule.ties {
                Ties::Earliest => Vec::new(),
                Ties::SeededDraw => Sha256::digest([SEED, offers[*row].id].concat()).to_vec(),
            };
            (twin.score(*row), lot, offers[*row].received, *row)
        };
        let mut stack = twin.stack.clone();
        stack.sort_by_key(key);
        twin.stack = stack;
        twin
    }

    fn technology(&self, row: usize) -> Option<&Technology> {
        self.offers[row].technology.map(|number| &self.rule.technologies[usize::from(number)])
    }

    fn ceiling(&self, row: usize) -> Option<i64> {
        let own = self.technology(row).and_then(|technology| technology.ceiling);
        [own, self.rule.ceiling].into_iter().flatten().map(Price::millionths).min()
    }

    fn premium(&self, row: usize) -> i64 {
        let rate = i128::from(self.rule.quality_rate.map_or(0, Price::millionths));
        let worth = divide_half_even(rate * i128::from(self.offers[row].quality.millionths()), 1_000_000);
        let own = self.technology(row).and_then(|technology| technology.premium).map_or(0, Price::millionths);
        own + i64::try_from(worth.expect("positive")).expect("fits")
    }

    fn score(&self, row: usize) -> i64 {
        self.offers[row].price.millionths() - self.premium(row)
    }

    fn pot(&self, row: usize) -> usize {
        let pot = self.technology(row).map(|technology| &technology.pot);
        pot.map_or(0, |pot| self.pots.iter().position(|one| one == pot).expect("a pot"))
    }

    fn lot(&self) -> i64 {
        self.rule.lot.map_or(1, Quantity::millionths)
    }

    fn periods(&self) -> i128 {
        self.rule.periods.map_or(1, |periods| periods.get().into())
    }

    fn clearing_score(&self, given: &[Given], held: Held, year: u16) -> Option<i64> {
        let alike = given.iter().filter(|one| one.held == Some(held) && self.offers[one.row].year == year);
        alike.map(|one| self.score(one.row)).max()
    }

    fn paid(&self, given: &[Given], one: &Given) -> i64 {
        let own = self.offers[one.row].price.millionths();
        let Some(held) = one.held else { return one.fixed.expect("a price that stands") };
        if self.rule.payment == Payment::OwnPrice {
            return own;
        }
        let ceiling = self.ceiling(one.row);
        if held.at_ceilings {
            return ceiling.expect("a ceiling");
        }
        let score = self.clearing_score(given, held, self.offers[one.row].year).expect("it is awarded");
        let paid = score + self.premium(one.row);
        ceiling.map_or(paid, |ceiling| paid.min(ceiling))
    }

    fn limit(&self, bar: Bar) -> Option<&Limit> {
        match bar {
            Bar::Limit(number) => Some(&self.rule.limits[number]),
            Bar::Minimum(number) => Some(&self.rule.minima[number]),
            Bar::Competition | Bar::Origin(_) => None,
        }
    }

    fn counts(&self, bar: Bar, row: usize) -> bool {
        let offer = &self.offers[row];
        match self.limit(bar) {
            Some(limit) => {
                let technology = self.technology(row);
                (limit.technologies.is_empty()
                    || technology.is_some_and(|technology| limit.technologies.contains(&technology.name)))
                    && match limit.years {
                        None => true,
                        Some(Years::In(year)) => offer.year == year,
                        Some(Years::Until(year)) => offer.year <= year,
                    }
            }
            None => match bar {
                Bar::Origin(country) => offer.origin == Some(country),
                _ => true,
            },
        }
    }

    /// What a bar counts, of an offer's own where it is for each, in its unit or millionths of that.
    fn usage(&self, bar: Bar, given: &[Given], row: usize) -> i128 {
        let limit = self.limit(bar);
        let is_its = |one: &&Given| {
            self.counts(bar, one.row)
                && match limit.map_or(Each::All, |limit| limit.each) {
                    Each::All => true,
                    Each::OwnerGroup => self.offers[one.row].owner_group == self.offers[row].owner_group,
                    Each::Offer => one.row == row,
                }
                && match bar {
                    // A minimum counts what is awarded under it.
                    Bar::Minimum(number) => one.held.is_some_and(|held| held.minimum == (false, number)),
                    _ => true,
                }
        };
        let measure = |one: &Given| match limit.map(|limit| limit.most) {
            Some(Most::Money { reference_price, .. }) => {
                let above = i128::from(self.paid(given, one)) - i128::from(reference_price.millionths());
                above.max(0) * i128::from(one.quantity) * self.periods()
            }
            _ => i128::from(one.quantity),
        };
        given.iter().filter(is_its).map(measure).sum()
    }

    fn most(&self, bar: Bar) -> i128 {
        match (bar, self.limit(bar).map(|limit| limit.most)) {
            (_, Some(Most::Quantity(most))) => most.millionths().into(),
            (_, Some(Most::Money { amount, .. })) => i128::from(amount.millionths()) * 1_000_000,
            (Bar::Origin(country), _) => self.allowed(country, self.caps.expect("caps")).into(),
            _ => {
                let part = self.rule.competition.most_of_offered.expect("a part").millionths();
                i128::from(part) * i128::from(self.offered()) / 1_000_000
            }
        }
    }

    /// What can be awarded at all: of offers that exclude each other the largest.
    fn offered(&self) -> i64 {
        let largest_of = |row: &usize| {
            let unit = self.offers[*row].unit;
            let alike = self.stack.iter().filter(|other| unit.is_some() && self.offers[**other].unit == unit);
            alike.max_by_key(|other| (self.offers[**other].quantity, **other)).copied()
        };
        let counted = self.stack.iter().filter(|row| largest_of(row).is_none_or(|largest| largest == **row));
        counted.map(|row| self.offers[*row].quantity.millionths()).sum()
    }

    fn allowed(&self, country: Country, awarded: i64) -> i64 {
        let cap = self.rule.origin_cap.as_ref().expect("a cap");
        let all: i64 = cap.positions.iter().map(|position| position.quantity.millionths()).sum();
        let own = cap.positions.iter().find(|position| position.country == country);
        let own = own.map_or(0, |position| position.quantity.millionths());
        (i64::from(cap.share.millionths()) * (all + awarded) / 1_000_000 - own).max(0)
    }

    /// The bars in the order in which they are told, the minimum's own last.
    fn bars(&self, held: Held) -> Vec<Bar> {
        let limits = (0..self.rule.limits.len()).map(Bar::Limit);
        let competition = self.rule.competition.most_of_offered.map(|_| Bar::Competition);
        let cap = self.rule.origin_cap.as_ref().filter(|_| self.caps.is_some());
        let capped = cap.into_iter().flat_map(|cap| {
            let countries = (0..3).map(worlds::country);
            countries.filter(|country| !cap.exempt.contains(country)).map(Bar::Origin)
        });
        let own = (!held.minimum.0).then_some(Bar::Minimum(held.minimum.1));
        limits.chain(competition).chain(capped).chain(own).collect()
    }

    fn is_shared(&self, bar: Bar) -> bool {
        !matches!(bar, Bar::Origin(_)) && self.limit(bar).is_none_or(|limit| limit.each == Each::All)
    }

    /// What would be broken by so much of an offer, and by how much.
    fn broken(&self, held: Held, row: usize, quantity: i64) -> Vec<(Bar, i128)> {
        let mut with = self.given.clone();
        with.push(Given { row, quantity, held: Some(held), fixed: None });
        let changes = |bar: &Bar| {
            self.counts(*bar, row) || self.usage(*bar, &with, row) > self.usage(*bar, &self.given, row)
        };
        let bars = self.bars(held).into_iter().filter(changes);
        let over = |bar: Bar| (bar, self.usage(bar, &with, row) - self.most(bar));
        bars.map(over).filter(|(_, over)| *over > 0).collect()
    }

    fn given_to(&self, row: usize) -> i64 {
        self.given.iter().filter(|one| one.row == row).map(|one| one.quantity).sum()
    }

    /// Holds an auction; whether everybody in it was awarded whole.
    fn hold(&mut self, held: Held) -> bool {
        let mut stopped: Vec<(Bar, usize)> = Vec::new();
        let mut closed: Vec<(u16, usize)> = Vec::new();
        let mut is_whole = true;
        for row in self.stack.clone() {
            let is_in = self.pot(row) == held.pot
                && (held.minimum.0 || self.counts(Bar::Minimum(held.minimum.1), row));
            let offer = &self.offers[row];
            let given = self.given_to(row);
            let left = offer.quantity.millionths() - given;
            if !is_in || left == 0 || self.declined.contains(&row) {
                continue;
            }
            let sibling = self.given.iter().find(|one| {
                one.row != row && offer.unit.is_some() && self.offers[one.row].unit == offer.unit
            });
            let stop = self.bars(held).into_iter().find_map(|bar| {
                let stop = stopped.iter().find(|(stopped, _)| *stopped == bar);
                stop.filter(|_| self.counts(bar, row)).copied()
            });
            let reason = if let Some(sibling) = sibling {
                Reason::Excluded { by: sibling.row as u32 }
            } else if let Some((_, by)) = closed.iter().find(|(year, _)| *year == offer.year) {
                is_whole = false;
                Reason::YearClosed { by: *by as u32 }
            } else if let Some((bar, by)) = stop {
                is_whole = false;
                Reason::Stopped {
                    constraint: self.told(bar).unwrap_or(Constraint::Competition),
                    by: by as u32,
                }
            } else {
                let whole =
                    if self.rule.whole_offers { offer.quantity } else { offer.min_quantity }.millionths();
                let least = if given > 0 { self.lot() } else { whole.max(self.lot()) };
                let sizes = (least..=left).rev().step_by(self.lot() as usize);
                let fitting = sizes.into_iter().find(|size| self.broken(held, row, *size).is_empty());
                if let Some(quantity) = fitting {
                    self.given.push(Given { row, quantity, held: Some(held), fixed: None });
                    if quantity == left {
                        continue;
                    }
                }
                is_whole = false;
                let more = if fitting.is_some() { self.lot() } else { least };
                let broken = self.broken(held, row, more);
                assert!(!broken.is_empty());
                let breaks_shared = broken.iter().any(|(bar, _)| self.is_shared(*bar));
                match self.rule.misfit {
                    Misfit::Stop => {
                        stopped.extend(
                            broken.iter().filter(|one| self.is_shared(one.0)).map(|one| (one.0, row)),
                        );
                    }
                    Misfit::CloseYear if breaks_shared => closed.push((offer.year, row)),
                    Misfit::CloseYear | Misfit::Skip => {}
                }
                let breach = |(bar, over): (Bar, i128)| {
                    let over = match self.limit(bar).map(|limit| limit.most) {
                        Some(Most::Money { .. }) => Size::Money(
                            Amount::from_millionths(((over + 999_999) / 1_000_000) as i64).expect("positive"),
                        ),
                        _ => Size::Quantity(worlds::volume(over as i64)),
                    };
                    Some(Breach { constraint: self.told(bar)?, over })
                };
                Reason::Limited(broken.into_iter().filter_map(breach).collect())
            };
            if held.minimum.0 {
                self.rejections.push(Rejection { offer: row as u32, reason });
            }
        }
        is_whole
    }

    fn told(&self, bar: Bar) -> Option<Constraint> {
        match bar {
            Bar::Limit(number) => Some(Constraint::Limit(number as u32)),
            Bar::Competition => Some(Constraint::Competition),
            Bar::Origin(country) => Some(Constraint::Origin(country)),
            Bar::Minimum(_) => None,
        }
    }

    fn run(&mut self) {
        for pot in 0..self.pots.len() {
            let minima = (0..self.rule.minima.len()).map(|number| (false, number));
            for minimum in minima.chain([(true, 0)]) {
                let (given, rejections) = (self.given.clone(), self.rejections.clone());
                let is_done = self.rule.uncontested == Uncontested::Ceiling
                    && self.hold(Held { pot, minimum, at_ceilings: true });
                if !is_done {
                    (self.given, self.rejections) = (given, rejections);
                    self.hold(Held { pot, minimum, at_ceilings: false });
                }
            }
        }
    }

    fn totals(&self) -> Totals {
        let new = || self.given.iter().filter(|one| one.held.is_some());
        let cost = |one: &Given| {
            i128::from(self.paid(&self.given, one)).max(0) * i128::from(one.quantity) * self.periods()
        };
        let cost: i128 = new().map(cost).sum();
        Totals {
            quantity: worlds::volume(new().map(|one| one.quantity).sum()),
            cost: Amount::from_millionths(((cost + 999_999) / 1_000_000) as i64).expect("positive"),
        }
    }

    fn outcome(&self, without_origin_cap: Option<Totals>) -> Outcome {
        let new = || self.given.iter().filter(|one| one.held.is_some());
        let mut awards: Vec<Award> = new()
            .map(|one| {
                let minimum = one.held.expect("new").minimum;
                Award {
                    offer: one.row as u32,
                    quantity: worlds::volume(one.quantity),
                    price: Price::from_millionths(self.paid(&self.given, one)),
                    minimum: (!minimum.0).then_some(minimum.1 as u32),
                }
            })
            .collect();
        awards.sort_by_key(|award| (award.offer, award.minimum.is_none(), award.minimum));
        let mut held: Vec<(Held, u16)> =
            new().map(|one| (one.held.expect("new"), self.offers[one.row].year)).collect();
        held.sort();
        held.dedup();
        let clearing = held.into_iter().map(|(held, year)| ClearingScore {
            pot: self.pots[held.pot].clone(),
            minimum: (!held.minimum.0).then_some(held.minimum.1 as u32),
            year,
            score: self
                .clearing_score(&self.given, held, year)
                .filter(|_| !held.at_ceilings)
                .map(Price::from_millionths),
        });
        let used = |number: usize| {
            let limit = &self.rule.limits[number];
            (limit.each == Each::All).then(|| {
                let used = self.usage(Bar::Limit(number), &self.given, 0);
                match limit.most {
                    Most::Quantity(_) => Size::Quantity(worlds::volume(used as i64)),
                    Most::Money { .. } => Size::Money(
                        Amount::from_millionths(((used + 999_999) / 1_000_000) as i64).expect("positive"),
                    ),
                }
            })
        };
        Outcome {
            awards,
            rejections: self.rejections.iter().chain(&self.above).cloned().collect(),
            void: None,
            clearing: if self.rule.payment == Payment::OwnPrice { Vec::new() } else { clearing.collect() },
            totals: self.totals(),
            without_origin_cap,
            origin_volume: self.caps.map(worlds::volume),
            used: (0..self.rule.limits.len()).map(used).collect(),
        }
    }

    fn void(&self, why: Void, origin_volume: Option<Quantity>) -> Outcome {
        let nothing = self.stack.iter().map(|row| Rejection { offer: *row as u32, reason: Reason::Void });
        Outcome {
            awards: Vec::new(),
            rejections: nothing.chain(self.above.iter().cloned()).collect(),
            void: Some(why),
            clearing: Vec::new(),
            totals: Totals::default(),
            without_origin_cap: None,
            origin_volume,
            used: self.rule.limits.iter().map(|_| None).collect(),
        }
    }

    fn volume_of(&self, country: Country) -> i64 {
        let its = self.given.iter().filter(|one| self.offers[one.row].origin == Some(country));
        its.map(|one| one.quantity).sum()
    }

    fn awarded(&self) -> i64 {
        self.given.iter().map(|one| one.quantity).sum()
    }

    /// Lowers the caps until the awards keep them.
    fn run_capped(&mut self, cap: &OriginCap) {
        let standing = self.given.clone();
        let lots = |volume: i64| volume.max(0) / self.lot() * self.lot();
        let capped: Vec<Country> =
            (0..3).map(worlds::country).filter(|country| !cap.exempt.contains(country)).collect();
        let offered = |is_its: &dyn Fn(Option<Country>) -> bool| -> i64 {
            let its = self.stack.iter().filter(|row| is_its(self.offers[**row].origin));
            let its = its.filter(|row| !self.declined.contains(row));
            its.map(|row| self.offers[*row].quantity.millionths() - self.given_to(*row)).sum()
        };
        let before = self.awarded();
        let mut most = before + offered(&|_| true);
        for limit in &self.rule.limits {
            let is_of_all = limit.each == Each::All && limit.technologies.is_empty() && limit.years.is_none();
            if let (Most::Quantity(volume), true) = (limit.most, is_of_all) {
                most = most.min(before + lots(volume.millionths() - before));
            }
        }
        let possible = |most: i64| {
            let others = offered(&|origin| !origin.is_some_and(|origin| capped.contains(&origin)));
            let of_country = |country: &Country| {
                let allowed = self.allowed(*country, most) - self.volume_of(*country);
                lots(allowed).min(offered(&|origin| origin == Some(*country)))
            };
            before + others + capped.iter().map(of_country).sum::<i64>()
        };
        let possible: Vec<i64> = (0..=most.max(0)).map(possible).collect();
        loop {
            // The most that is possible where so much is awarded.
            most =
                (0..=most).rev().find(|most| possible[*most as usize] >= *most).expect("nothing is possible");
            self.caps = Some(most);
            (self.given, self.rejections) = (standing.clone(), Vec::new());
            self.run();
            if self.keeps_shares(&capped, &standing) && self.awarded() >= most {
                break;
            }
            most = self.awarded().min(most - 1);
        }
        // Larger caps, as long as they do not lead to less.
        while self.awarded() > self.caps.expect("caps") {
            let (caps, given, rejections) = (self.caps, self.given.clone(), self.rejections.clone());
            let awarded = self.awarded();
            self.caps = Some(awarded);
            (self.given, self.rejections) = (standing.clone(), Vec::new());
            self.run();
            if self.awarded() < awarded || !self.keeps_shares(&capped, &standing) {
                (self.caps, self.given, self.rejections) = (caps, given, rejections);
                return;
            }
        }
    }

    fn keeps_shares(&self, capped: &[Country], standing: &[Given]) -> bool {
        capped.iter().all(|country| {
            let before = standing.iter().filter(|one| self.offers[one.row].origin == Some(*country));
            let before: i64 = before.map(|one| one.quantity).sum();
            let now = self.volume_of(*country);
            now == before || now <= self.allowed(*country, self.awarded())
        })
    }

    fn decide(&mut self) -> Outcome {
        let mut owners: Vec<u32> = self.stack.iter().map(|row| self.offers[*row].owner_group).collect();
        owners.sort_unstable();
        owners.dedup();
        let owners = owners.len() as u32;
        if self.rule.competition.least_owner_groups.is_some_and(|least| owners < least.get()) {
            return self.void(Void::TooFewOwners { owners }, None);
        }
        let outcome = match &self.rule.origin_cap {
            None => {
                self.run();
                self.outcome(None)
            }
            Some(cap) => {
                let standing = self.given.clone();
                self.run();
                let without = self.totals();
                (self.given, self.rejections) = (standing, Vec::new());
                self.run_capped(cap);
                self.outcome(Some(without))
            }
        };
        let lost = |rejection: &Rejection| {
            !matches!(rejection.reason, Reason::AboveCeiling { .. } | Reason::Excluded { .. })
        };
        let all_win = !outcome.awards.is_empty() && !outcome.rejections.iter().any(lost);
        if self.rule.competition.void_if_all_win && all_win {
            return self.void(Void::AllWin, outcome.origin_volume);
        }
        outcome
    }
}

proptest! {
    /// The same awards at the same prices, and the same reasons word by word.
    #[test]
    fn a_naive_twin_agrees((rule, offers) in world(ALL, 12)) {
        prop_assert_eq!(award(&offers, &rule, Some(SEED)).expect("an auction"), Twin::new(&offers, &rule).decide());
    }

    /// Without technologies and caps by origin, where more is won.
    #[test]
    fn a_naive_twin_agrees_in_bare_worlds(
        (rule, offers) in world(Parts { origins: false, competition: false, technologies: false, ..ALL }, 12),
    ) {
        prop_assert_eq!(award(&offers, &rule, Some(SEED)).expect("an auction"), Twin::new(&offers, &rule).decide());
    }

    /// Some decline, and the others keep what they have.
    /// Rules: R-AUC-086.
    #[test]
    fn a_naive_twin_calls_the_same_reserve((rule, offers) in world(ALL, 12), declines in prop::collection::vec(any::<bool>(), 12)) {
        let outcome = award(&offers, &rule, Some(SEED)).expect("an auction");
        let (kept, refused): (Vec<Award>, Vec<Award>) =
            outcome.awards.iter().partition(|award| !declines[award.offer as usize]);
        let declined: Vec<u32> = refused.iter().map(|award| award.offer).collect();
        let called = call_reserve(&offers, &rule, Some(SEED), &kept, &declined).expect("an auction");
        let own = SupportRule {
            payment: Payment::OwnPrice,
            uncontested: Uncontested::Clearing,
            minima: Vec::new(),
            competition: Competition { void_if_all_win: false, least_owner_groups: None, ..rule.competition },
            ..rule
        };
        let mut twin = Twin::new(&offers, &own);
        let stands = |award: &Award| Given {
            row: award.offer as usize,
            quantity: award.quantity.millionths(),
            held: None,
            fixed: Some(award.price.millionths()),
        };
        twin.given = kept.iter().map(stands).collect();
        twin.declined = declined.iter().map(|row| *row as usize).collect();
        let mut due = twin.decide();
        // What is declined is not asked again, and is told nothing.
        due.rejections.retain(|rejection| !declined.contains(&rejection.offer));
        prop_assert_eq!(called, due);
    }
}

proptest! {
    /// Where offers are skipped, nothing that is left out fits in the end either; and no sum of awards exceeds a limit.
    /// Rules: R-AUC-066.
    #[test]
    fn no_limit_is_broken_and_nothing_that_fits_is_left_out((rule, offers) in world(ALL, 12)) {
        let mut twin = Twin::new(&offers, &rule);
        let outcome = twin.decide();
        prop_assert_eq!(&outcome, &award(&offers, &rule, Some(SEED)).expect("an auction"));
        if outcome.void.is_some() {
            return Ok(());
        }
        for pot in 0..twin.pots.len() {
            let held = Held { pot, minimum: (true, 0), at_ceilings: false };
            for (bar, row) in twin.bars(held).into_iter().flat_map(|bar| (0..offers.len()).map(move |row| (bar, row))) {
                // A country whose position is above its share is awarded nothing.
                prop_assert!(twin.usage(bar, &twin.given, row) <= twin.most(bar) || matches!(bar, Bar::Origin(_)));
            }
        }
        for (number, _) in rule.minima.iter().enumerate() {
            prop_assert!(twin.usage(Bar::Minimum(number), &twin.given, 0) <= twin.most(Bar::Minimum(number)));
        }
        for rejection in outcome.rejections.iter().filter(|_| rule.misfit == Misfit::Skip) {
            let row = rejection.offer as usize;
            let whole = if rule.whole_offers { offers[row].quantity } else { offers[row].min_quantity }.millionths();
            let least = if twin.given_to(row) > 0 { twin.lot() } else { whole.max(twin.lot()) };
            let held = Held { pot: twin.pot(row), minimum: (true, 0), at_ceilings: false };
            match rejection.reason {
                Reason::Limited(_) => prop_assert!(!twin.broken(held, row, least).is_empty()),
                ref other => {
                    let is_so = matches!(other, Reason::Excluded { .. } | Reason::AboveCeiling { .. });
                    prop_assert!(is_so);
                }
            }
        }
    }
}
