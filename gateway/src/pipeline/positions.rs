//! Where batches ended, and with which chain: what a client's claim at logon is compared with.

use std::collections::VecDeque;

use golv_protocol::message::Position;

/// How many positions are remembered, in 2.6 MB. An older one is compared by its sequence alone: it passes where the exchange
/// has come further, by whatever way.
pub(super) const POSITIONS_KEPT: usize = 65_536;

/// The latest positions, the oldest first; at least one.
pub(super) struct Positions(VecDeque<Position>);

impl Positions {
    /// Begins at a position.
    pub(super) fn new(beginning: Position) -> Self {
        // Made at once, so that it never grows while somebody waits for an answer.
        let mut positions = VecDeque::with_capacity(POSITIONS_KEPT);
        positions.push_back(beginning);
        Self(positions)
    }

    /// Adds where the exchange has come to. One with the latest sequence takes its place: commands of its batch were set
    /// aside, before anybody had been told of it.
    pub(super) fn add(&mut self, position: Position) {
        let latest = self.0.back_mut().expect("there is always one");
        if position.sequence <= latest.sequence {
            *latest = position;
            return;
        }
        if self.0.len() == POSITIONS_KEPT {
            self.0.pop_front();
        }
        self.0.push_back(position);
    }

    /// Where the exchange stands.
    pub(super) fn latest(&self) -> Position {
        *self.0.back().expect("there is always one")
    }

    /// Whether the exchange came by a position, as far as it remembers.
    pub(super) fn contain(&self, claimed: Position) -> bool {
        if self.0.front().is_some_and(|oldest| claimed.sequence < oldest.sequence) {
            return true;
        }
        let place = self.0.binary_search_by_key(&claimed.sequence, |position| position.sequence);
        place.is_ok_and(|place| self.0.get(place) == Some(&claimed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use golv_engine::digest::Digest;
    use golv_engine::id::Sequence;

    fn position(sequence: u64) -> Position {
        Position { sequence: Sequence(sequence), chain: Digest::of(&sequence) }
    }

    #[test]
    fn only_what_the_exchange_came_by_is_contained() {
        let mut positions = Positions::new(position(0));
        [3, 4, 9, 9].into_iter().for_each(|sequence| positions.add(position(sequence)));
        assert_eq!(positions.latest(), position(9));
        for sequence in 0..12 {
            let claimed = position(sequence);
            assert_eq!(positions.contain(claimed), [0, 3, 4, 9].contains(&sequence), "{sequence}");
            assert!(!positions.contain(Position { chain: Digest([0; 32]), ..claimed }), "{sequence}");
        }
    }

    /// Once it is full it forgets one for each that comes, and of those it knows no chain any more.
    #[test]
    fn the_oldest_are_forgotten_and_compared_by_sequence_alone() {
        let kept = POSITIONS_KEPT as u64;
        let mut positions = Positions::new(position(0));
        (1..kept).for_each(|batch| positions.add(position(2 * batch)));
        let other = |sequence| Position { chain: Digest([0; 32]), ..position(sequence) };
        assert!(!positions.contain(other(0)));
        let capacity = positions.0.capacity();
        positions.add(position(2 * kept));
        assert_eq!((positions.0.len(), positions.0.capacity()), (POSITIONS_KEPT, capacity));
        assert!(positions.contain(other(0)) && positions.contain(other(1)), "forgotten");
        assert!(positions.contain(position(2)) && !positions.contain(other(2)), "remembered");
        assert!(!positions.contain(other(3)), "no batch ended there");
        assert!(!positions.contain(position(2 * kept + 1)), "ahead");
    }
}
