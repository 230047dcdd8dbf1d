//! Where each identity's bids are in a book's list.
//!
//! A map knows every identity's own list of places. To go through a map for each bid costs as much as all else that is
//! done with one, so there is a shortcut: a table by the last bits of an identity's id, which says where its list was
//! when it was last looked for. It is believed only if the list there is that identity's. Ids are mostly given out one
//! after another, and then no two of them share an entry.

use std::collections::BTreeMap;

use crate::id::{BidId, CommandId, IdentityId};

/// The places of one identity's bids.
#[derive(Debug)]
struct Sender {
    identity: IdentityId,
    /// By the command that placed the bid. Command ids increase, so this is sorted as it grows.
    places: Vec<(CommandId, u32)>,
}

/// The places of all bids of a book.
#[derive(Debug, Default)]
pub(crate) struct Places {
    /// In the order of their first bids.
    senders: Vec<Sender>,
    /// Where each identity is in `senders`.
    numbers: BTreeMap<IdentityId, usize>,
    /// Where an identity may be in `senders`; as long as a power of two, or empty.
    shortcuts: Vec<usize>,
}

impl Places {
    pub(crate) const fn new() -> Self {
        Self { senders: Vec::new(), numbers: BTreeMap::new(), shortcuts: Vec::new() }
    }

    /// Adds a bid, whose command id is its identity's highest so far.
    pub(crate) fn push(&mut self, bid: BidId, place: u32) {
        let number = self.number(bid.identity).unwrap_or_else(|| self.add_sender(bid.identity));
        let shortcut = self.shortcut(bid.identity);
        if let Some(shortcut) = self.shortcuts.get_mut(shortcut) {
            *shortcut = number;
        }
        if let Some(sender) = self.senders.get_mut(number) {
            sender.places.push((bid.command, place));
        }
    }

    /// Where a bid is.
    pub(crate) fn get(&self, bid: BidId) -> Option<u32> {
        let sender = self.senders.get(self.number(bid.identity)?)?;
        let at = sender.places.binary_search_by_key(&bid.command, |(command, _)| *command).ok()?;
        sender.places.get(at).map(|(_, place)| *place)
    }

    /// Says where a bid is from now on that was added before.
    pub(crate) fn set(&mut self, bid: BidId, moved: u32) {
        let number = self.number(bid.identity);
        let entry = number.and_then(|number| self.senders.get_mut(number)).and_then(|sender| {
            let at = sender.places.binary_search_by_key(&bid.command, |(command, _)| *command).ok()?;
            sender.places.get_mut(at)
        });
        if let Some((_, place)) = entry {
            *place = moved;
        }
    }

    /// The highest command id of an identity's bids.
    pub(crate) fn newest(&self, identity: IdentityId) -> Option<CommandId> {
        let sender = self.senders.get(self.number(identity)?)?;
        sender.places.last().map(|(command, _)| *command)
    }

    /// Where an identity is in `senders`.
    fn number(&self, identity: IdentityId) -> Option<usize> {
        let likely = *self.shortcuts.get(self.shortcut(identity))?;
        match self.senders.get(likely) {
            Some(sender) if sender.identity == identity => Some(likely),
            _ => self.numbers.get(&identity).copied(),
        }
    }

    /// Where an identity is in `shortcuts`.
    fn shortcut(&self, identity: IdentityId) -> usize {
        let last_bits = self.shortcuts.len().saturating_sub(1);
        usize::try_from(identity.0).unwrap_or(usize::MAX) & last_bits
    }

    fn add_sender(&mut self, identity: IdentityId) -> usize {
        let number = self.senders.len();
        self.senders.push(Sender { identity, places: Vec::new() });
        self.numbers.insert(identity, number);
        if self.senders.len() > self.shortcuts.len() {
            // All are wrong for the moment, and put right as they are asked for.
            self.shortcuts = vec![0; self.senders.len().next_power_of_two()];
        }
        number
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Clone, Debug)]
    enum Step {
        Push { identity: u32 },
        Set { which: prop::sample::Index },
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        // Many end in the same bits, so that shortcuts lead to another's list; some are far from the others.
        let identity =
            prop_oneof![0_u32..6, (0_u32..6).prop_map(|n| n * 64), (0_u32..6).prop_map(|n| u32::MAX - n)];
        let push = identity.prop_map(|identity| Step::Push { identity });
        let set = any::<prop::sample::Index>().prop_map(|which| Step::Set { which });
        prop::collection::vec(prop_oneof![3 => push, 1 => set], 0..80)
    }

    proptest! {
        #[test]
        fn every_bid_is_found_where_it_was_last_put(steps in steps()) {
            let (mut places, mut naive) = (Places::new(), BTreeMap::new());
            for (number, step) in (1_u32..).zip(steps) {
                match step {
                    Step::Push { identity } => {
                        let command = CommandId(number.into());
                        let bid = BidId { identity: IdentityId(identity), command };
                        prop_assert_eq!(places.get(bid), None);
                        places.push(bid, number);
                        naive.insert(bid, number);
                        prop_assert_eq!(places.newest(bid.identity), Some(command));
                    }
                    Step::Set { which } if !naive.is_empty() => {
                        let bids: Vec<_> = naive.keys().copied().collect();
                        let bid = *which.get(&bids);
                        places.set(bid, number);
                        naive.insert(bid, number);
                    }
                    Step::Set { .. } => {}
                }
                for (bid, place) in &naive {
                    prop_assert_eq!(places.get(*bid), Some(*place));
                }
            }
            for identity in (0..=400).map(IdentityId) {
                let of_identity = naive.keys().filter(|bid| bid.identity == identity);
                prop_assert_eq!(places.newest(identity), of_identity.map(|bid| bid.command).max());
            }
        }
    }
}
