//! What least quantities leave possible: deals that cannot be made any more are forbidden, and nobody is counted for more lots than
//! its deals can come to.
//!
//! A deal has no lots, or from its least to what both its sides have left. So a set of deals of one entry comes to anything from the sum
//! of their leasts to the sum of their most, and an entry that wants 100 lots in deals of 40 to 45 gets 90. What is less for one entry is less for
//! those it deals with, and so on until nothing changes.

use super::flow::{Choice, Ways};

/// Sets of deals that are told apart for one entry. Where there are more, its quantity stands.
const SETS: usize = 64;

/// How often the entries are gone through for one choice.
const ROUNDS: usize = 8;

/// The least lots of a board's pairs.
pub(super) struct Leasts {
    /// Of each pair.
    pub(super) of: Vec<i64>,
    /// The pairs of each offer and of each request.
    pub(super) pairs: [Vec<Vec<usize>>; 2],
}

impl Leasts {
    pub(super) fn new(ways: &Ways<'_>) -> Self {
        let mut pairs = [vec![Vec::new(); ways.offers.len()], vec![Vec::new(); ways.requests.len()]];
        for (pair, &(offer, request)) in ways.pairs.iter().enumerate() {
            for (side, place) in pairs.iter_mut().zip([offer, request]) {
                side.get_mut(place).into_iter().for_each(|pairs| pairs.push(pair));
            }
        }
        let minimum = |entry: Option<&super::Entry<'_>>| entry.map_or(0, |entry| entry.minimum);
        let of = (0..ways.pairs.len()).map(|pair| minimum(ways.offer(pair)).max(minimum(ways.request(pair))));
        Self { of: of.collect(), pairs }
    }

    /// Tightens a choice; false where nothing keeps to it.
    pub(super) fn tighten(&self, ways: &Ways<'_>, choice: &mut Choice) -> bool {
        for _ in 0..ROUNDS {
            let mut is_same = true;
            for (side, entries) in self.pairs.iter().enumerate() {
                for (place, pairs) in entries.iter().enumerate() {
                    match self.tighten_entry(ways, choice, pairs, (side, place)) {
                        None => return false,
                        Some(is_changed) => is_same &= !is_changed,
                    }
                }
            }
            if is_same {
                break;
            }
        }
        true
    }

    /// Whether anything became less; `None` where the entry cannot have what is required of it.
    fn tighten_entry(
        &self,
        ways: &Ways<'_>,
        choice: &mut Choice,
        pairs: &[usize],
        (side, place): (usize, usize),
    ) -> Option<bool> {
        let most = choice.most.get(side)?.get(place).copied()?;
        let (mut set, mut others, mut is_changed) = ((0_i64, 0_i64), Vec::new(), false);
        for &pair in pairs {
            if choice.forbidden.get(pair).copied()? {
                continue;
            }
            let &(offer, request) = ways.pairs.get(pair)?;
            let [offers, requests] = &choice.most;
            let least = self.of.get(pair).copied()?;
            let range = (least, (*offers.get(offer)?).min(*requests.get(request)?));
            if choice.required.contains_key(&pair) {
                if range.1 < least {
                    return None;
                }
                set = with(set, range);
            } else {
                others.push((pair, range));
            }
        }
        if set.0 > most {
            return None;
        }
        others.retain(|(pair, range)| {
            let fits = range.0 <= range.1 && range.0.saturating_add(set.0) <= most;
            if let Some(forbidden) = choice.forbidden.get_mut(*pair).filter(|_| !fits) {
                (*forbidden, is_changed) = (true, true);
            }
            fits
        });
        let reached = reach(most, set, others.into_iter().map(|(_, range)| range));
        if reached < most {
            is_changed = true;
            *choice.most.get_mut(side)?.get_mut(place)? = reached;
        }
        Some(is_changed)
    }
}

fn with((least, most): (i64, i64), (at_least, at_most): (i64, i64)) -> (i64, i64) {
    (least.saturating_add(at_least), most.saturating_add(at_most))
}

/// The most lots up to `most` that a set of deals can come to, of which those of one set are made and any of the others.
fn reach(most: i64, set: (i64, i64), others: impl Iterator<Item = (i64, i64)>) -> i64 {
    let mut sets = vec![set];
    for range in others {
        let more: Vec<(i64, i64)> = sets.iter().map(|set| with(*set, range)).collect();
        sets.extend(more.into_iter().filter(|(least, _)| *least <= most));
        // Of two sets that one is of no use whose least is greater and whose most is not.
        sets.sort_unstable_by_key(|(least, most)| (*least, std::cmp::Reverse(*most)));
        let mut highest = i64::MIN;
        sets.retain(|(_, most)| {
            let is_higher = *most > highest;
            highest = highest.max(*most);
            is_higher
        });
        if highest >= most || sets.len() > SETS {
            return most;
        }
    }
    sets.into_iter().map(|(_, highest)| highest).max().unwrap_or(0).min(most)
}
