//! Least quantities: which deals there are is a choice, and the best is looked for by branch and bound.
//!
//! Without least quantities the best matching is a bound on the best with them, and a closer one once what they leave possible is
//! known (`tighten.rs`). Where a deal of it is smaller than it may be, two smaller questions are asked: one that requires the deal
//! to be as large as its least, one that forbids it. Of the deals that are too small that of the greatest least is asked about, since
//! requiring or forbidding it changes most.
//!
//! The question that requires is asked next, until nothing better can come of it; then the question with the best bound
//! is taken up. So good matchings are found early, and what is left open bounds the best closely. A question whose bound is no better than the best
//! matching found is not asked. Each answer is a matching too once the deals that are too small are left out of it.
//!
//! Where nothing is capped, entries that no way of deals connects have nothing to do with each other: each part of the board is searched alone,
//! and what is best for each is best for all. One partial choice of a board is a partial choice of each part of it.
//!
//! The order of questions is fixed by the board's ids, so the same board gives the same answer on any machine.

use std::collections::BTreeMap;

use super::check::DualPrices;
use super::flow::{Choice, Matching, Part, Ways, together};
use super::tighten::Leasts;
use super::{Board, Preference, Proof, RoundRule, Worth};

/// A search over the choices of a board, or of a part of it.
pub(super) struct Search<'a> {
    ways: Ways<'a>,
    leasts: Leasts,
}

/// What a search found, in lots by pair.
pub(super) struct Found {
    /// Offer and request by their places on the board, and lots; in the order of ids.
    pub(super) lots: Vec<(u32, u32, i64)>,
    pub(super) worth: Worth,
    pub(super) proof: Proof,
    pub(super) nodes: u64,
    /// Lots by pair.
    by_pair: Vec<i64>,
    is_relaxed: bool,
}

/// A deal that is smaller than it may be.
struct Small {
    pair: usize,
    least: i64,
    lacks: i64,
}

impl<'a> Search<'a> {
    pub(super) fn new(board: &Board<'a>, rule: &'a RoundRule) -> Self {
        Self::of(Ways::new(board, rule))
    }

    fn of(ways: Ways<'a>) -> Self {
        let leasts = Leasts::new(&ways);
        Self { ways, leasts }
    }

    pub(super) fn run(&mut self, node_limit: u64) -> Found {
        let mut best = self.matching(vec![0; self.ways.pairs.len()]);
        let relaxed = self.ways.best(&self.free()).unwrap_or_else(|| best.clone());
        if node_limit == 0 {
            return self.found(best, relaxed.worth, 0);
        }
        if self.too_small(&relaxed.lots).next().is_none() {
            let bound = relaxed.worth.clone();
            return Found { is_relaxed: true, ..self.found(relaxed, bound, 1) };
        }
        self.keep_what_may_be(&relaxed, &mut best);
        let mut root = self.free();
        self.leasts.tighten(&self.ways, &mut root);
        let begun = self.dive(root.clone(), node_limit.saturating_sub(1), &mut best).saturating_add(1);
        let (mut bounds, mut most_nodes, mut lots) = (Vec::new(), 0, best.lots);
        for part in self.parts(&root) {
            let search = Self::of(self.ways.part(&part));
            let of_part = part.pairs.iter().map(|pair| lots.get(*pair).copied().unwrap_or(0));
            let mut best = search.matching(of_part.collect());
            let (bound, nodes) = search.branch(node_limit.saturating_sub(begun), &mut best);
            bounds.push(bound);
            most_nodes = nodes.max(most_nodes);
            for (pair, found) in part.pairs.iter().zip(best.lots) {
                lots.get_mut(*pair).into_iter().for_each(|lots| *lots = found);
            }
        }
        self.found(self.matching(lots), together(bounds), begun.saturating_add(most_nodes))
    }

    fn found(&self, best: Matching, bound: Worth, nodes: u64) -> Found {
        let Matching { lots, worth } = best;
        let proof = if bound > worth { Proof::Bound(bound) } else { Proof::Optimal };
        Found { lots: self.listed(&lots), worth, proof, nodes, by_pair: lots, is_relaxed: false }
    }

    fn matching(&self, lots: Vec<i64>) -> Matching {
        Matching { worth: self.ways.worth(&lots), lots }
    }

    /// The choice that says nothing.
    fn free(&self) -> Choice {
        let quantities =
            |side: &[(u32, super::Entry<'_>)]| side.iter().map(|(_, entry)| entry.quantity).collect();
        Choice {
            required: BTreeMap::new(),
            forbidden: vec![false; self.ways.pairs.len()],
            most: [quantities(&self.ways.offers), quantities(&self.ways.requests)],
        }
    }

    fn is_capped(&self) -> bool {
        self.ways.rule.origin_cap.is_some() || self.ways.rule.owner_cap.is_some()
    }

    /// The parts of the board that no pair connects which a choice leaves open; all of it where there are caps, which are shares of all.
    fn parts(&self, choice: &Choice) -> Vec<Part> {
        let [offers, requests] = [self.ways.offers.len(), self.ways.requests.len()];
        let pairs = self.ways.pairs.iter().copied().enumerate().zip(&choice.forbidden);
        let open: Vec<(usize, (usize, usize))> =
            pairs.filter(|(_, forbidden)| !**forbidden).map(|(pair, _)| pair).collect();
        // An entry points to another of its part, and the first of each part to itself; requests come after offers.
        let mut points_to: Vec<usize> = (0..offers.saturating_add(requests)).collect();
        if self.is_capped() {
            points_to.fill(0);
        }
        for &(_, (offer, request)) in &open {
            let ends = [offer, offers.saturating_add(request)].map(|entry| first_of_part(&points_to, entry));
            let [one, other] = ends;
            points_to.get_mut(one.max(other)).into_iter().for_each(|entry| *entry = one.min(other));
        }
        let mut parts = BTreeMap::<usize, Part>::new();
        for offer in 0..offers {
            parts.entry(first_of_part(&points_to, offer)).or_default().offers.push(offer);
        }
        for request in 0..requests {
            let first = first_of_part(&points_to, offers.saturating_add(request));
            parts.entry(first).or_default().requests.push(request);
        }
        for (pair, (offer, _)) in open {
            parts.entry(first_of_part(&points_to, offer)).or_default().pairs.push(pair);
        }
        parts.into_values().collect()
    }

    /// Looks for better matchings than the best known in up to so many nodes; returns what none exceeds, and the nodes.
    fn branch(&self, node_limit: u64, best: &mut Matching) -> (Worth, u64) {
        // By bound; of equal ones the latest is taken up first.
        let mut open = BTreeMap::<(Worth, u64), Choice>::new();
        let mut next = Some((self.free(), None::<Worth>));
        let mut nodes = 0_u64;
        loop {
            let taken = next.take().or_else(|| {
                let ((bound, _), choice) = open.pop_last()?;
                Some((choice, Some(bound)))
            });
            let Some((mut choice, bound)) = taken else { break };
            if bound.as_ref().is_some_and(|bound| *bound <= best.worth) {
                continue;
            }
            if nodes >= node_limit {
                let is_possible = bound.is_some() || self.leasts.tighten(&self.ways, &mut choice);
                let relaxed =
                    || self.ways.best(&choice).filter(|_| is_possible).map(|matching| matching.worth);
                let of_others = open.pop_last().map(|((bound, _), _)| bound);
                let bound = bound.or_else(relaxed).max(of_others).max(Some(best.worth.clone()));
                return (bound.unwrap_or_default(), nodes);
            }
            nodes = nodes.saturating_add(1);
            if !self.leasts.tighten(&self.ways, &mut choice) {
                continue;
            }
            let Some(matching) = self.ways.best(&choice).filter(|matching| matching.worth > best.worth)
            else {
                continue;
            };
            self.keep_what_may_be(&matching, best);
            let small = self.too_small(&matching.lots);
            let Some(Small { pair, least, .. }) =
                small.max_by_key(|small| (small.least, small.lacks, std::cmp::Reverse(small.pair)))
            else {
                continue;
            };
            let mut forbids = choice.clone();
            forbids.forbidden.get_mut(pair).into_iter().for_each(|forbidden| *forbidden = true);
            open.insert((matching.worth.clone(), nodes), forbids);
            choice.required.insert(pair, least);
            next = Some((choice, Some(matching.worth)));
        }
        (best.worth.clone(), nodes)
    }

    /// A good matching to begin with: of the deals that are too small, those that have half of their least or more are made as large as
    /// that while there are lots for it, the nearest first, and the others are forbidden; and again, until none is too small. Returns the nodes.
    fn dive(&self, mut choice: Choice, node_limit: u64, best: &mut Matching) -> u64 {
        let [mut offers, mut requests] = self.free().most;
        for node in 0..node_limit {
            let is_possible = self.leasts.tighten(&self.ways, &mut choice);
            let matching = self.ways.best(&choice).filter(|_| is_possible);
            let looked_at = node.saturating_add(1);
            let Some(matching) = matching else { return looked_at };
            self.keep_what_may_be(&matching, best);
            let mut small: Vec<Small> = self.too_small(&matching.lots).collect();
            if small.is_empty() {
                return looked_at;
            }
            small.sort_by_key(|small| (small.lacks, small.pair));
            for Small { pair, least, lacks } in small {
                let ends = self.ways.pairs.get(pair).copied().unwrap_or_default();
                let (Some(of), Some(to)) = (offers.get_mut(ends.0), requests.get_mut(ends.1)) else {
                    continue;
                };
                if lacks.saturating_mul(2) <= least && least <= (*of).min(*to) {
                    (*of, *to) = (of.saturating_sub(least), to.saturating_sub(least));
                    choice.required.insert(pair, least);
                } else {
                    choice.forbidden.get_mut(pair).into_iter().for_each(|forbidden| *forbidden = true);
                }
            }
        }
        node_limit
    }

    /// Keeps a matching, without the deals that are too small, if it is better than the best. Where there are caps, which are shares of all, it
    /// may not be made without them.
    fn keep_what_may_be(&self, matching: &Matching, best: &mut Matching) {
        if self.is_capped() && self.too_small(&matching.lots).next().is_some() {
            return;
        }
        let lots = matching.lots.iter().zip(&self.leasts.of);
        let kept = self.matching(lots.map(|(lots, least)| if lots < least { 0 } else { *lots }).collect());
        if kept.worth > best.worth {
            *best = kept;
        }
    }

    /// The deals that are smaller than they may be.
    fn too_small(&self, lots: &[i64]) -> impl Iterator<Item = Small> {
        let deals = lots.iter().zip(&self.leasts.of).enumerate();
        deals.filter(|(_, (lots, least))| **lots > 0 && lots < least).map(|(pair, (lots, least))| Small {
            pair,
            least: *least,
            lacks: least.saturating_sub(*lots),
        })
    }

    fn listed(&self, lots: &[i64]) -> Vec<(u32, u32, i64)> {
        let deals = self.ways.pairs.iter().zip(lots).filter(|(_, lots)| **lots > 0);
        deals
            .filter_map(|(&(offer, request), lots)| {
                Some((self.ways.offers.get(offer)?.0, self.ways.requests.get(request)?.0, *lots))
            })
            .collect()
    }

    /// Dual prices of a matching that is the best without least quantities and caps.
    pub(super) fn duals(&self, found: &Found) -> Option<DualPrices> {
        let rule = self.ways.rule;
        let is_plain = rule.preference == Preference::Surplus && !self.is_capped() && found.is_relaxed;
        is_plain.then(|| DualPrices::of(&self.ways, &found.by_pair))
    }
}

/// The first entry of the part that an entry is of.
fn first_of_part(points_to: &[usize], mut entry: usize) -> usize {
    while let Some(next) = points_to.get(entry).copied().filter(|next| *next != entry) {
        entry = next;
    }
    entry
}
