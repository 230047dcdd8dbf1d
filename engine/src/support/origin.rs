//! The cap by origin: no country has more than its share of all positions and awards together, after what is cut is cut.
//!
//! What a country may be awarded depends on what is awarded altogether, and cutting one lowers that for all. So the caps are
//! lowered step by step, from what they would be with the most volume there can be: first by volumes alone, then by what is
//! really awarded under them, until the awards keep the caps that they make. Each step only takes away what no award could
//! keep. With divisible offers and limits on volume alone the first step is the last: the result has the most volume that
//! keeps the shares, and among those costs least, since under fixed caps the way down the stack takes the best first.
//! With money, minimums or whole offers the awards keep the shares, and another choice could have more volume.
//!
//! A country whose position alone is above its share is awarded nothing.

use std::collections::BTreeMap;

use super::rule::{Each, Most, OriginCap, SupportRule};
use super::stack::Stack;
use super::walk::{Walk, part_of};
use crate::text::Country;

/// The volumes that shares are made of, in millionths.
struct Origins<'a> {
    cap: &'a OriginCap,
    /// All positions together.
    positions: i64,
    /// Of each capped country: what it was awarded before, and what it offers beside that.
    capped: BTreeMap<Country, Volumes>,
    /// The same of all others together.
    others: Volumes,
}

#[derive(Clone, Copy, Default)]
struct Volumes {
    standing: i64,
    offered: i64,
}

/// Goes down the stack under caps that the awards keep.
pub(super) fn walk<'a>(stack: &'a Stack<'a>, rule: &'a SupportRule, cap: &'a OriginCap) -> Walk<'a> {
    let origins = Origins::new(stack, cap);
    let mut most = origins.most(rule);
    loop {
        most = origins.settled(most);
        let caps = origins.capped.keys().map(|country| (*country, origins.allowed(*country, most))).collect();
        let walk = Walk::new(stack, rule).run(Some(&caps));
        let mut given = BTreeMap::new();
        let mut awarded = origins.standing();
        for (entry, amount) in walk.given() {
            awarded = awarded.saturating_add(amount);
            if let Some(sum) = entry.origin.map(|origin| given.entry(origin).or_insert(0_i64)) {
                *sum = sum.saturating_add(amount);
            }
        }
        let keeps = |(country, volumes): (&Country, &Volumes)| {
            let new = given.get(country).copied().unwrap_or(0);
            new == 0 || new.saturating_add(volumes.standing) <= origins.allowed(*country, awarded)
        };
        if origins.capped.iter().all(keeps) {
            return walk;
        }
        // With as much as was allowed for, everybody would keep its cap. So it was less, and no more can be allowed for.
        most = awarded.min(most.saturating_sub(1));
    }
}

impl<'a> Origins<'a> {
    fn new(stack: &Stack<'_>, cap: &'a OriginCap) -> Self {
        let positions = cap.positions.iter().map(|position| position.quantity.millionths());
        let mut origins = Self {
            cap,
            positions: positions.fold(0, i64::saturating_add),
            capped: BTreeMap::new(),
            others: Volumes::default(),
        };
        for entry in stack.entries() {
            let offered = &mut origins.of(entry.origin).offered;
            *offered = offered.saturating_add(entry.quantity);
        }
        for (entry, quantity, _) in stack.standing() {
            let standing = &mut origins.of(entry.origin).standing;
            *standing = standing.saturating_add(*quantity);
        }
        origins
    }

    fn of(&mut self, origin: Option<Country>) -> &mut Volumes {
        match origin.filter(|origin| !self.cap.exempt.contains(origin)) {
            Some(origin) => self.capped.entry(origin).or_default(),
            None => &mut self.others,
        }
    }

    fn standing(&self) -> i64 {
        let all = self.capped.values().map(|volumes| volumes.standing);
        all.fold(self.others.standing, i64::saturating_add)
    }

    /// More cannot be awarded, by what is offered and by limits on the volume of all.
    fn most(&self, rule: &SupportRule) -> i64 {
        let offered = self.capped.values().map(|volumes| volumes.offered);
        let offered = offered.fold(self.others.offered, i64::saturating_add);
        let limits = rule.limits.iter().filter_map(|limit| match limit.most {
            Most::Quantity(most)
                if limit.each == Each::All && limit.technologies.is_empty() && limit.years.is_none() =>
            {
                Some(most.millionths())
            }
            _ => None,
        });
        limits.fold(self.standing().saturating_add(offered), i64::min)
    }

    /// What a country may have been awarded, before and now, where so much is awarded altogether.
    fn allowed(&self, country: Country, awarded: i64) -> i64 {
        let whole = i128::from(self.positions).saturating_add(i128::from(awarded));
        let position = self.cap.positions.iter().find(|position| position.country == country);
        let position = position.map_or(0, |position| position.quantity.millionths());
        part_of(self.cap.share.millionths(), whole).saturating_sub(position).max(0)
    }

    /// The most that can be awarded altogether and is no more than what all may be awarded then.
    fn settled(&self, mut most: i64) -> i64 {
        loop {
            let all = self.capped.iter().map(|(country, volumes)| {
                let allowed = self.allowed(*country, most).saturating_sub(volumes.standing).max(0);
                volumes.offered.min(allowed)
            });
            let new = all.fold(self.others.offered, i64::saturating_add);
            let possible = self.standing().saturating_add(new);
            if possible >= most {
                return most;
            }
            most = possible;
        }
    }
}
