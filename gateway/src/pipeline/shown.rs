//! How many events each reader is shown: kept as they happen, so that a logon is judged without reading the history.

use std::collections::BTreeMap;

use golv_engine::event::{Audience, Event};
use golv_engine::id::ParticipantId;

/// Counts by audience, which add up to what [`Event::is_shown_to`] would count.
#[derive(Debug, Default)]
pub(super) struct Shown {
    everybody: u64,
    /// All that operators and auditors are shown and not everybody is.
    operators: u64,
    own: BTreeMap<ParticipantId, Own>,
}

/// What one participant is shown and not everybody is.
#[derive(Clone, Copy, Debug, Default)]
struct Own {
    alone: u64,
    with_operators: u64,
}

impl Shown {
    pub(super) fn add(&mut self, event: &Event) {
        match event.audience() {
            Audience::Public | Audience::Parts => self.everybody += 1,
            Audience::Participant(owner) => self.own.entry(owner).or_default().alone += 1,
            Audience::ParticipantAndOperators(owner) => {
                self.own.entry(owner).or_default().with_operators += 1;
                self.operators += 1;
            }
            Audience::Operators => self.operators += 1,
        }
    }

    /// How many there are for a participant; `reads_all` is set for operators and auditors.
    pub(super) fn to(&self, reader: ParticipantId, reads_all: bool) -> u64 {
        let own = self.own.get(&reader).copied().unwrap_or_default();
        let others = if reads_all { self.operators } else { own.with_operators };
        self.everybody + own.alone + others
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use golv_engine::command::Action;
    use golv_engine::id::*;
    use golv_engine::num::{Currency, Money, Price, Quantity};
    use golv_engine::time::Month;

    fn events(owner: u32) -> [Event; 5] {
        let (participant, auction) = (ParticipantId(owner), AuctionId(1));
        let id = CommandId(1);
        let bid = BidId { identity: IdentityId(owner), command: id };
        let (price, quantity) = (Price::ZERO, Quantity::ZERO);
        [
            Event::AuctionOpened { auction },
            Event::BidAccepted { auction, bid, participant, price, quantity },
            Event::EntitlementGranted {
                entitlement: EntitlementId(1),
                floor: FloorId(1),
                holder: participant,
                strike: price,
                monthly: quantity,
                first: Month::new(2019, 1).expect("a month"),
                reserved: Money::zero(Currency::Eur),
            },
            Event::ActionProposed {
                proposal: ProposalId { identity: IdentityId(1), command: id },
                action: Action::CancelAuction { auction },
            },
            Event::ActionConfirmed {
                proposal: ProposalId { identity: IdentityId(1), command: id },
                by: IdentityId(2),
                action: Action::CancelAuction { auction },
            },
        ]
    }

    #[test]
    fn the_counts_are_those_of_the_history() {
        let mut shown = Shown::default();
        let mut history = Vec::new();
        for (times, owner) in [(3, 4), (1, 5), (2, 6)] {
            for event in std::iter::repeat_n(events(owner), times).flatten() {
                shown.add(&event);
                history.push(event);
                for (reader, reads_all) in (3..8).flat_map(|reader| [(reader, false), (reader, true)]) {
                    let reader = ParticipantId(reader);
                    let counted = history.iter().filter(|event| event.is_shown_to(reader, reads_all)).count();
                    assert_eq!(shown.to(reader, reads_all), counted as u64, "{reader:?} {reads_all}");
                }
            }
        }
        let audiences =
            [Audience::Participant(ParticipantId(4)), Audience::ParticipantAndOperators(ParticipantId(4))];
        assert!(audiences.iter().all(|audience| history.iter().any(|event| event.audience() == *audience)));
    }
}
