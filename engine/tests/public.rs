//! What everybody may know: told once and kept up by public events, it is what it would be told again.

use crate::common::public_view;
use crate::common::steps::{Tried, a_step};
use golv_engine::id::*;
use golv_engine::public::PublicView;
use golv_engine::{Exchange, Mode, RulesVersion};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// Whenever somebody begins to follow, it knows after each command what it would be told anew.
    #[test]
    fn who_follows_knows_what_who_begins_is_told(
        steps in prop::collection::vec(a_step(), 0..120),
        from in any::<prop::sample::Index>(),
    ) {
        let Tried { world, .. } = Tried::new(&steps);
        let mut exchange = Exchange::new(Mode::Rehearsal, RulesVersion::NEWEST);
        let from = from.index(world.journal.len());
        let mut view = PublicView::default();
        for (place, line) in world.journal.iter().enumerate() {
            let mut events = Vec::new();
            let sequence = Sequence(u64::try_from(place).expect("few") + 1);
            // Refusals change nothing, which is what is looked at.
            let _ = exchange.apply(sequence, line.at, line.sender, line.id, &line.command, &mut events);
            if place < from {
                continue;
            }
            if place == from {
                view = public_view(&exchange);
                continue;
            }
            for part in events.iter().filter_map(golv_engine::event::Event::public_part) {
                view.apply(&part);
            }
            prop_assert_eq!(&view, &public_view(&exchange), "after {:?}", line.command);
        }
    }
}
