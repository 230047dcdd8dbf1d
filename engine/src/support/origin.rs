//! The cap by origin: no country has more than its share of all positions and awards together, after what is cut is cut.
//!
//! What a country may be awarded depends on what is awarded altogether, and cutting one lowers that for all. So the caps are
//! lowered step by step, from what they would be with the most volume there can be: first by volumes alone, then by what is
//! really awarded under them, until the awards keep the caps that they make.
//!
//! With divisible offers, and no limit but one on the volume of all, each step only takes away what no award could keep, and the
//! first is the last: the result has the most volume that keeps the shares, and among those the best scores, since
//! under fixed caps the way down the stack takes the best first. With money, minimums, whole offers, or limits for owners, technologies
//! or years the awards keep the shares, and another choice could have more volume.
//!
//! A country whose position alone is above its share is awarded nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::rule::{Each, Most, OriginCap, SupportRule};
use super::stack::Stack;
use super::walk::Walk;
use crate::num::MILLIONTHS;
use crate::text::Country;

/// The volumes that shares are made of, in millionths.
struct Origins {
    share: i128,
    lot: i64,
    /// All positions together.
    positions: i128,
    capped: BTreeMap<Country, Volumes>,
    /// What all others were awarded before, and offer.
    others: Volumes,
    exempt: BTreeSet<Country>,
}

#[derive(Clone, Copy, Default)]
struct Volumes {
    /// What is supplied already.
    position: i64,
    /// What was awarded before.
    standing: i64,
    /// What is offered beside that.
    offered: i64,
}

/// Goes down the stack under caps that the awards keep; returns of how much volume they are the shares.
// Rules: R-AUC-074.
pub(super) fn walk<'a>(stack: &'a Stack<'a>, rule: &'a SupportRule, cap: &OriginCap) -> (Walk<'a>, i64) {
    let origins = Origins::new(stack, cap);
    let mut most = origins.most(rule);
    loop {
        most = origins.settled(most);
        let step = Step::new(&origins, stack, rule, most);
        if step.keeps_shares && step.awarded >= most {
            let best = step.raised(&origins, stack, rule);
            return (best.walk, best.most);
        }
        // With as much as was allowed for, everybody would keep its cap. So it was less, and no more can be allowed for. Awards that keep
        // their shares all the same are made again under the caps of what they are: the same awards, since what was taken
        // under larger caps keeps them, and what is told of those that do not fit is about the shares as they are.
        most = step.awarded.min(most.saturating_sub(1));
    }
}

/// What is awarded under the caps that a volume makes.
struct Step<'a> {
    walk: Walk<'a>,
    most: i64,
    awarded: i64,
    /// Whether the awards keep the caps that they make themselves.
    keeps_shares: bool,
}

impl<'a> Step<'a> {
    fn new(origins: &Origins, stack: &'a Stack<'a>, rule: &'a SupportRule, most: i64) -> Self {
        let allowed = |(country, volumes): (&Country, &Volumes)| (*country, origins.allowed(volumes, most));
        let caps = origins.capped.iter().map(allowed).collect();
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
            new == 0 || new.saturating_add(volumes.standing) <= origins.allowed(volumes, awarded)
        };
        let keeps_shares = origins.capped.iter().all(keeps);
        Self { walk, most, awarded, keeps_shares }
    }

    /// A smaller cap can have made room for an offer of more volume, which allows for larger ones: they are taken as long as they
    /// do not lead to less.
    fn raised(self, origins: &Origins, stack: &'a Stack<'a>, rule: &'a SupportRule) -> Self {
        let mut best = self;
        while best.awarded > best.most {
            let again = Self::new(origins, stack, rule, best.awarded);
            if !again.keeps_shares || again.awarded < best.awarded {
                break;
            }
            best = again;
        }
        best
    }
}

impl Origins {
    fn new(stack: &Stack<'_>, cap: &OriginCap) -> Self {
        let mut origins = Self {
            share: i128::from(cap.share.millionths()),
            lot: stack.lot(),
            positions: 0,
            capped: BTreeMap::new(),
            others: Volumes::default(),
            exempt: cap.exempt.iter().copied().collect(),
        };
        for entry in stack.entries() {
            let offered = &mut origins.of(entry.origin).offered;
            *offered = offered.saturating_add(entry.quantity);
        }
        for (entry, quantity, _) in stack.standing() {
            let standing = &mut origins.of(entry.origin).standing;
            *standing = standing.saturating_add(*quantity);
        }
        for position in &cap.positions {
            let supplied = position.quantity.millionths();
            origins.positions = origins.positions.saturating_add(i128::from(supplied));
            if let Some(volumes) = origins.capped.get_mut(&position.country) {
                volumes.position = supplied;
            }
        }
        origins
    }

    fn of(&mut self, origin: Option<Country>) -> &mut Volumes {
        match origin.filter(|origin| !self.exempt.contains(origin)) {
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
        let standing = self.standing();
        let limits = rule.limits.iter().filter_map(|limit| match limit.most {
            Most::Quantity(most)
                if limit.each == Each::All && limit.technologies.is_empty() && limit.years.is_none() =>
            {
                Some(self.in_lots(most.millionths().saturating_sub(standing)))
            }
            _ => None,
        });
        standing.saturating_add(limits.fold(offered, i64::min))
    }

    /// As much of a volume as can be awarded.
    fn in_lots(&self, volume: i64) -> i64 {
        let volume = volume.max(0);
        volume.saturating_sub(volume.checked_rem(self.lot).unwrap_or(0))
    }

    /// What a country may have been awarded, before and now, where so much is awarded altogether.
    fn allowed(&self, volumes: &Volumes, awarded: i64) -> i64 {
        let whole = self.positions.saturating_add(i128::from(awarded));
        let part = self.share.saturating_mul(whole).div_euclid(i128::from(MILLIONTHS));
        let allowed = part.saturating_sub(i128::from(volumes.position)).max(0);
        i64::try_from(allowed).unwrap_or(i64::MAX)
    }

    /// The most that can be awarded altogether and is no more than what all may be awarded then.
    fn settled(&self, mut most: i64) -> i64 {
        loop {
            let mut possible = self.standing().saturating_add(self.others.offered);
            // Where no country's cap comes to nothing or begins to be more than it offers, what is possible changes in a straight line: by
            // the share for each that is capped. No more than where that meets the volume itself can be kept.
            let (mut fixed, mut slope) = (i128::from(possible), 0_i128);
            let mut turn = 0_i128;
            for volumes in self.capped.values() {
                let allowed = self.allowed(volumes, most).saturating_sub(volumes.standing);
                let new = self.in_lots(allowed).min(volumes.offered);
                possible = possible.saturating_add(new);
                if new == volumes.offered {
                    fixed = fixed.saturating_add(i128::from(new));
                } else if allowed > 0 {
                    slope = slope.saturating_add(self.share);
                    let own = i128::from(volumes.position).saturating_add(i128::from(volumes.standing));
                    fixed = fixed.saturating_sub(own);
                    turn = turn.max(self.whole_of(own).saturating_sub(self.positions));
                }
            }
            if possible >= most {
                return most;
            }
            let one = i128::from(MILLIONTHS);
            let line = fixed.saturating_mul(one).saturating_add(slope.saturating_mul(self.positions));
            let meets = match one.saturating_sub(slope) {
                flatter if flatter > 0 => line.div_euclid(flatter),
                // Steeper than the volume itself, and below it: they do not meet. Where only what was rounded down is missing, they may.
                steeper if line < steeper.saturating_mul(i128::from(most)) => 0,
                _ => i128::from(most),
            };
            most = possible.min(i64::try_from(meets.max(turn).max(0)).unwrap_or(i64::MAX));
        }
    }

    /// Of how much a volume is the share, rounded up.
    fn whole_of(&self, part: i128) -> i128 {
        let scaled = part.saturating_mul(i128::from(MILLIONTHS));
        scaled.checked_div_euclid(self.share).map_or(0, |whole| whole.saturating_add(1))
    }
}
