//! A network through which whole lots flow from a start to one end, and the flow is added to bit by bit.
//!
//! Flow that was added is never taken back from where it started: an augmenting path only moves it to other ways.

use std::collections::VecDeque;

/// An arc and, in the next place, its reverse.
#[derive(Clone, Copy, Debug)]
struct Arc {
    to: u32,
    /// How much more can flow along it.
    room: i64,
    /// What a unit along it costs.
    cost: Cost,
}

/// What counts first, and what counts second.
pub(super) type Cost = (i64, i128);

/// A network of directed arcs with whole capacities.
#[derive(Clone, Debug, Default)]
pub(super) struct Network {
    arcs: Vec<Arc>,
    /// The arcs that leave each node.
    leaving: Vec<Vec<u32>>,
    /// By which arc each node was reached in the current search.
    reached: Vec<Option<u32>>,
}

/// An arc's place.
#[derive(Clone, Copy, Debug)]
pub(super) struct ArcId(u32);

const fn reverse(arc: u32) -> u32 {
    arc ^ 1
}

fn at(place: u32) -> usize {
    usize::try_from(place).unwrap_or(usize::MAX)
}

impl Network {
    pub(super) fn with_nodes(nodes: u32) -> Self {
        Self { arcs: Vec::new(), leaving: vec![Vec::new(); at(nodes)], reached: vec![None; at(nodes)] }
    }

    pub(super) fn add(&mut self, from: u32, to: u32, capacity: i64) -> ArcId {
        self.add_at(from, to, capacity, (0, 0))
    }

    /// Adds an arc whose use costs something.
    pub(super) fn add_at(&mut self, from: u32, to: u32, capacity: i64, cost: Cost) -> ArcId {
        let place = u32::try_from(self.arcs.len()).unwrap_or(u32::MAX);
        self.arcs.push(Arc { to, room: capacity, cost });
        self.arcs.push(Arc { to: from, room: 0, cost: (cost.0.saturating_neg(), cost.1.saturating_neg()) });
        for (node, arc) in [(from, place), (to, reverse(place))] {
            if let Some(leaving) = self.leaving.get_mut(at(node)) {
                leaving.push(arc);
            }
        }
        ArcId(place)
    }

    /// How much flows along an arc.
    pub(super) fn flow(&self, ArcId(arc): ArcId) -> i64 {
        self.room(reverse(arc))
    }

    fn room(&self, arc: u32) -> i64 {
        self.arcs.get(at(arc)).map_or(0, |arc| arc.room)
    }

    /// Lets up to `most` more flow from a node to another, if need be by other ways for what flows already; returns how
    /// much more does.
    pub(super) fn augment(&mut self, from: u32, to: u32, most: i64) -> i64 {
        self.augment_by(from, to, most, Self::search)
    }

    /// The same by the cheapest ways, one after the other: what flows then costs the least that so much can, if so did what flowed
    /// before (successive shortest paths).
    pub(super) fn augment_cheapest(&mut self, from: u32, to: u32, most: i64) -> i64 {
        self.augment_by(from, to, most, Self::search_cheapest)
    }

    fn augment_by(
        &mut self,
        from: u32,
        to: u32,
        most: i64,
        search: impl Fn(&mut Self, u32, u32) -> bool,
    ) -> i64 {
        let mut added = 0_i64;
        while added < most && search(self, from, to) {
            let way = self.way(from, to);
            let left = most.saturating_sub(added);
            let room = way.iter().map(|arc| self.room(*arc)).fold(left, i64::min);
            for arc in way {
                self.change(arc, room.saturating_neg());
                self.change(reverse(arc), room);
            }
            added = added.saturating_add(room);
        }
        added
    }

    fn change(&mut self, arc: u32, by: i64) {
        if let Some(arc) = self.arcs.get_mut(at(arc)) {
            arc.room = arc.room.saturating_add(by);
        }
    }

    /// Which nodes have a way with room from any of some.
    pub(super) fn reach(&self, from: impl Iterator<Item = u32>) -> Vec<bool> {
        let mut is_reached = vec![false; self.leaving.len()];
        let mut waiting: Vec<u32> = from.collect();
        while let Some(node) = waiting.pop() {
            let Some(reached) = is_reached.get_mut(at(node)).filter(|reached| !**reached) else { continue };
            *reached = true;
            let leaving = self.leaving.get(at(node)).into_iter().flatten();
            let open = leaving.filter_map(|arc| self.arcs.get(at(*arc))).filter(|arc| arc.room > 0);
            waiting.extend(open.map(|arc| arc.to));
        }
        is_reached
    }

    /// Looks for a way with room, the shortest first.
    fn search(&mut self, from: u32, to: u32) -> bool {
        self.reached.fill(None);
        let mut queue = VecDeque::from([from]);
        while let Some(node) = queue.pop_front() {
            for &arc in self.leaving.get(at(node)).map_or(&[][..], Vec::as_slice) {
                let Some(&Arc { to: next, room, .. }) = self.arcs.get(at(arc)) else { continue };
                let Some(reached) = self.reached.get_mut(at(next)) else { continue };
                if room <= 0 || reached.is_some() || next == from {
                    continue;
                }
                *reached = Some(arc);
                if next == to {
                    return true;
                }
                queue.push_back(next);
            }
        }
        false
    }

    /// Looks for the cheapest way with room; there is no circle of negative cost.
    fn search_cheapest(&mut self, from: u32, to: u32) -> bool {
        self.reached.fill(None);
        let mut costs: Vec<Option<Cost>> = vec![None; self.leaving.len()];
        let mut is_waiting = vec![false; self.leaving.len()];
        if let Some(start) = costs.get_mut(at(from)) {
            *start = Some((0, 0));
        }
        let mut queue = VecDeque::from([from]);
        while let Some(node) = queue.pop_front() {
            if let Some(waiting) = is_waiting.get_mut(at(node)) {
                *waiting = false;
            }
            let Some(cost) = costs.get(at(node)).copied().flatten() else { continue };
            for &arc in self.leaving.get(at(node)).map_or(&[][..], Vec::as_slice) {
                let Some(&Arc { to: next, room, cost: more }) = self.arcs.get(at(arc)) else { continue };
                let sum = (cost.0.saturating_add(more.0), cost.1.saturating_add(more.1));
                let Some(known) = costs.get_mut(at(next)) else { continue };
                if room <= 0 || known.is_some_and(|known| known <= sum) {
                    continue;
                }
                *known = Some(sum);
                if let Some(reached) = self.reached.get_mut(at(next)) {
                    *reached = Some(arc);
                }
                if let Some(waiting) = is_waiting.get_mut(at(next)).filter(|waiting| !**waiting) {
                    *waiting = true;
                    queue.push_back(next);
                }
            }
        }
        costs.get(at(to)).copied().flatten().is_some()
    }

    /// The arcs of the way that was found, from its end.
    fn way(&self, from: u32, to: u32) -> Vec<u32> {
        let mut way = Vec::new();
        let mut node = to;
        while node != from {
            let Some(arc) = self.reached.get(at(node)).copied().flatten() else { break };
            way.push(arc);
            node = self.arcs.get(at(reverse(arc))).map_or(from, |back| back.to);
        }
        way
    }
}
