//! Matching by preference lists, for programmes that match without prices.
//!
//! Each applicant names hosts in the order in which it would have them, each host names applicants, and a host takes up to its
//! capacity. The matching is stable: no applicant and host who name each other would both rather have each other than
//! what they have. It is the best stable one for every applicant (Gale and Shapley, *College admissions and the stability of marriage*,
//! American Mathematical Monthly 69, 1962).

use std::collections::BTreeMap;

/// A host: whom it would have, the best first, and how many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// Applicants by number, in its order; who is not named is not taken.
    pub prefers: Vec<u32>,
    /// How many it takes at the most.
    pub capacity: u32,
}

/// Whom each host takes, in its order. `applicants` are the hosts that each names, by number and in its order; who is named by one
/// side alone is passed over.
pub fn stable_matching(applicants: &[Vec<u32>], hosts: &[Host]) -> Vec<Vec<u32>> {
    let ranks: Vec<BTreeMap<u32, u32>> = hosts
        .iter()
        .map(|host| {
            let mut ranks = BTreeMap::new();
            for (rank, applicant) in (0_u32..).zip(&host.prefers) {
                ranks.entry(*applicant).or_insert(rank);
            }
            ranks
        })
        .collect();
    // Whom each host holds, by rank.
    let mut held: Vec<BTreeMap<u32, u32>> = vec![BTreeMap::new(); hosts.len()];
    let mut next: Vec<usize> = vec![0; applicants.len()];
    // Whoever asks first, the matching is the same.
    let mut free: Vec<u32> = (0_u32..).zip(applicants).map(|(applicant, _)| applicant).collect();
    while let Some(applicant) = free.pop() {
        let Some(row) = usize::try_from(applicant).ok() else { continue };
        let (Some(list), Some(asked)) = (applicants.get(row), next.get_mut(row)) else { continue };
        let Some(host) = list.get(*asked).copied() else { continue };
        *asked = asked.saturating_add(1);
        let place = usize::try_from(host).unwrap_or(usize::MAX);
        let (Some(terms), Some(ranks), Some(taken)) =
            (hosts.get(place), ranks.get(place), held.get_mut(place))
        else {
            free.push(applicant);
            continue;
        };
        let Some(rank) = ranks.get(&applicant) else {
            free.push(applicant);
            continue;
        };
        taken.insert(*rank, applicant);
        if u32::try_from(taken.len()).is_ok_and(|many| many > terms.capacity)
            && let Some((_, last)) = taken.pop_last()
        {
            free.push(last);
        }
    }
    held.into_iter().map(|taken| taken.into_values().collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Whether two who name each other would both rather have each other.
    fn blocking(applicants: &[Vec<u32>], hosts: &[Host], held: &[Vec<u32>]) -> Option<(u32, u32)> {
        let rank = |list: &[u32], who: u32| list.iter().position(|other| *other == who);
        for (applicant, list) in (0_u32..).zip(applicants) {
            let has = held
                .iter()
                .position(|taken| taken.contains(&applicant))
                .map(|host| u32::try_from(host).expect("few"));
            for &host in list {
                if Some(host) == has {
                    break;
                }
                let Some(terms) = hosts.get(host as usize) else { continue };
                let Some(own) = rank(&terms.prefers, applicant) else { continue };
                let taken = &held[host as usize];
                let has_room = taken.len() < terms.capacity as usize;
                if has_room || taken.iter().any(|other| rank(&terms.prefers, *other) > Some(own)) {
                    return Some((applicant, host));
                }
            }
        }
        None
    }

    proptest! {
        #[test]
        fn nobody_would_rather_have_each_other(
            lists in prop::collection::vec(prop::collection::vec(0_u32..5, 0..5), 0..7),
            hosts in prop::collection::vec((prop::collection::vec(0_u32..7, 0..7), 0_u32..4), 0..5),
        ) {
            let unique = |mut list: Vec<u32>| {
                let mut seen = std::collections::BTreeSet::new();
                list.retain(|who| seen.insert(*who));
                list
            };
            let lists: Vec<_> = lists.into_iter().map(unique).collect();
            let hosts: Vec<_> = hosts.into_iter().map(|(prefers, capacity)| Host { prefers: unique(prefers), capacity }).collect();
            let held = stable_matching(&lists, &hosts);
            for (host, taken) in hosts.iter().zip(&held) {
                prop_assert!(taken.len() <= host.capacity as usize);
            }
            for applicant in 0..7 {
                prop_assert!(held.iter().filter(|taken| taken.contains(&applicant)).count() <= 1);
            }
            prop_assert_eq!(blocking(&lists, &hosts, &held), None);
        }
    }
}
