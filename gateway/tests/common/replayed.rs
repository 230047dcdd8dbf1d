//! What a journal holds, by a replay of it: the measure for what clients were told.

use std::collections::BTreeMap;
use std::path::Path;

use golv_engine::Answer;
use golv_engine::event::Event;
use golv_engine::id::{CommandId, IdentityId, ParticipantId, Sequence};
use golv_journal::execute::Happened;
use golv_journal::replay::Replay;
use golv_journal::scan;
use golv_protocol::message::{Numbered, Position};

/// What was asked and what came of it.
#[derive(Default)]
pub struct Replayed {
    /// The answer that each command was given when it came first.
    pub answers: BTreeMap<(IdentityId, CommandId), Answer>,
    /// How many entries were commands that had come before.
    pub repeated: usize,
    /// Everything that happened.
    pub happened: Vec<Happened>,
    /// Where the exchange stood after each batch.
    pub positions: BTreeMap<Sequence, Position>,
}

impl Replayed {
    /// Replays a journal from its beginning; one that does not come to its own chain fails the test.
    pub fn read(dir: &Path) -> Self {
        let mut reader = scan(dir).expect("a journal");
        let mut replay = Replay::new(reader.header()).expect("the founding");
        let mut replayed = Self::default();
        while let Some(frame) = reader.next_frame().expect("the disk works") {
            let Some(batch) = replay.frame(&frame).expect("it replays to its own chain") else { continue };
            for (entry, answer) in batch.entries.iter().zip(replay.answers()) {
                let key = (entry.sender, entry.id);
                match replayed.answers.get(&key) {
                    None => drop(replayed.answers.insert(key, *answer)),
                    Some(first) => {
                        assert_eq!(first, answer, "{key:?} is answered as at first");
                        replayed.repeated += 1;
                    }
                }
            }
            replayed.happened.extend_from_slice(replay.happened());
            let sequence = replay.exchange().sequence();
            replayed.positions.insert(sequence, Position { sequence, chain: replay.chain() });
        }
        replayed
    }

    /// The answers of one identity, by its ids.
    pub fn answers_of(&self, identity: u32) -> BTreeMap<CommandId, Answer> {
        let own = self.answers.iter().filter(|((sender, _), _)| sender.0 == identity);
        own.map(|((_, id), answer)| (*id, *answer)).collect()
    }

    /// What a participant without the right to read all may see, as its sessions are to tell it.
    pub fn events_of(&self, participant: u32) -> Vec<Numbered> {
        let shown = self.happened.iter().filter_map(|Happened { sequence, event }| {
            event.shown_to(ParticipantId(participant), false).map(|event| (*sequence, event))
        });
        (1..).zip(shown).map(|(number, (sequence, event))| Numbered { number, sequence, event }).collect()
    }
}

/// Fails the test if an event tells of a bid, or of what it was given, that is not this identity's.
pub fn assert_own(events: &[Numbered], identity: u32) {
    for Numbered { event, .. } in events {
        let bids: Vec<_> = match event {
            Event::BidAccepted { bid, .. }
            | Event::BidReplaced { bid, .. }
            | Event::BidWithdrawn { bid, .. } => {
                vec![*bid]
            }
            Event::AuctionCleared { result, .. } => {
                let filled = result.fills.iter().map(|fill| fill.bid);
                filled.chain(result.unfilled.iter().map(|unfilled| unfilled.bid)).collect()
            }
            _ => continue,
        };
        assert!(bids.iter().all(|bid| bid.identity.0 == identity), "identity {identity} was told {event:?}");
    }
}
