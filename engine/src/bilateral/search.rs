//! Least quantities: which deals there are is a choice, and the best is looked for by branch and bound.
//!
//! Without least quantities the best matching is a bound on the best with them. Where a deal of it is smaller than it may be, two
//! smaller questions are asked: one that requires the deal to be as large as its least, one that forbids it. A question whose bound is
//! no better than the best matching found is not asked further. The order of questions is fixed by the board's ids, so the same
//! board gives the same answer on any machine.

use super::check::DualPrices;
use super::flow::{Choice, Matching, Ways};
use super::{Board, Preference, Proof, RoundRule, Worth};

/// A search over the choices of a board.
pub(super) struct Search<'a> {
    ways: Ways<'a>,
    /// The least lots of each pair.
    least: Vec<i64>,
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

impl<'a> Search<'a> {
    pub(super) fn new(board: &Board<'a>, rule: &'a RoundRule) -> Self {
        let ways = Ways::new(board, rule);
        let least = (0..ways.pairs.len())
            .map(|pair| {
                let minimum = |entry: Option<&super::Entry<'_>>| entry.map_or(0, |entry| entry.minimum);
                minimum(ways.offer(pair)).max(minimum(ways.request(pair)))
            })
            .collect();
        Self { ways, least }
    }

    pub(super) fn run(&mut self, node_limit: u64) -> Found {
        let nothing = vec![0; self.ways.pairs.len()];
        let mut best = Matching { worth: self.ways.worth(&nothing), lots: nothing };
        if let Some(matching) = self.dive(node_limit).filter(|matching| matching.worth > best.worth) {
            best = matching;
        }
        let root = Choice { forbidden: vec![false; self.ways.pairs.len()], ..Choice::default() };
        let mut open = vec![(root, None::<Worth>)];
        let (mut nodes, mut left_open) = (0_u64, None::<Worth>);
        while let Some((choice, bound)) = open.pop() {
            if bound.as_ref().is_some_and(|bound| *bound <= best.worth) {
                continue;
            }
            if nodes >= node_limit {
                left_open =
                    left_open.max(bound.or_else(|| self.ways.best(&choice).map(|matching| matching.worth)));
                continue;
            }
            nodes = nodes.saturating_add(1);
            let Some(matching) = self.ways.best(&choice).filter(|matching| matching.worth > best.worth)
            else {
                continue;
            };
            let Some((pair, least)) = self.too_small(&matching) else {
                best = matching;
                continue;
            };
            let mut forbids = choice.clone();
            if let Some(forbidden) = forbids.forbidden.get_mut(pair) {
                *forbidden = true;
            }
            let mut requires = choice;
            requires.required.insert(pair, least);
            // The last is asked first.
            open.push((forbids, Some(matching.worth.clone())));
            open.push((requires, Some(matching.worth)));
        }
        let proof = match left_open.filter(|bound| *bound > best.worth) {
            Some(bound) => Proof::Bound(bound),
            None => Proof::Optimal,
        };
        let lots = self.listed(&best.lots);
        let is_relaxed = nodes <= 1 && proof == Proof::Optimal;
        Found { lots, worth: best.worth, proof, nodes, by_pair: best.lots, is_relaxed }
    }

    /// A good matching to begin with: of the deals that are too small, those that have half of their least or more are made as large as
    /// that while there are lots for it, the nearest first, and the others are forbidden; and again, until none is too small.
    fn dive(&self, most: u64) -> Option<Matching> {
        let mut choice = Choice { forbidden: vec![false; self.ways.pairs.len()], ..Choice::default() };
        let mut left: [Vec<i64>; 2] = [&self.ways.offers, &self.ways.requests]
            .map(|side| side.iter().map(|(_, entry)| entry.quantity).collect());
        for _ in 0..most {
            let matching = self.ways.best(&choice)?;
            let small = matching.lots.iter().zip(&self.least).enumerate();
            let mut small: Vec<(i64, usize, i64)> = small
                .filter(|(_, (lots, least))| **lots > 0 && *lots < *least)
                .map(|(pair, (lots, least))| (least.saturating_sub(*lots), pair, *least))
                .collect();
            if small.is_empty() {
                return Some(matching);
            }
            small.sort_unstable();
            for (lacks, pair, least) in small {
                let &(offer, request) = self.ways.pairs.get(pair)?;
                let [offers, requests] = &mut left;
                let (of, to) = (offers.get_mut(offer)?, requests.get_mut(request)?);
                if lacks.saturating_mul(2) <= least && least <= (*of).min(*to) {
                    (*of, *to) = (of.saturating_sub(least), to.saturating_sub(least));
                    choice.required.insert(pair, least);
                } else if let Some(forbidden) = choice.forbidden.get_mut(pair) {
                    *forbidden = true;
                }
            }
        }
        None
    }

    /// The deal that lacks the most lots to its least, the first by id of those.
    fn too_small(&self, matching: &Matching) -> Option<(usize, i64)> {
        let short = matching.lots.iter().zip(&self.least).enumerate();
        let short = short.filter(|(_, (lots, least))| **lots > 0 && *lots < *least);
        short
            .max_by_key(|(pair, (lots, least))| (least.saturating_sub(**lots), std::cmp::Reverse(*pair)))
            .map(|(pair, (_, least))| (pair, *least))
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
        let is_plain = rule.preference == Preference::Surplus
            && rule.origin_cap.is_none()
            && rule.owner_cap.is_none()
            && found.is_relaxed;
        is_plain.then(|| DualPrices::of(&self.ways, &found.by_pair))
    }
}
