//! What has happened lately, for those who resume: all sessions share it, and each reads it at its own pace.

use std::sync::Arc;

use golv_engine::event::EventCounts;
use golv_engine::id::ParticipantId;
use golv_journal::execute::Happened;

/// How far a history was read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cursor {
    seal: usize,
    batch: usize,
    place: usize,
}

/// What one batch made happen.
pub(super) type Batch = Arc<[Happened]>;

/// What happened in a stretch of the order, one batch after the other. A copy shares what it holds and is cheap.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// What happened before, counted.
    before: Arc<EventCounts>,
    /// The segment of the journal that it begins with.
    segment: u32,
    sealed: Vec<Arc<[Batch]>>,
    /// Fewer than [`History::SEALED`] batches.
    tail: Vec<Batch>,
}

impl History {
    /// How many batches are sealed together: what a copy costs is the number of seals and of unsealed batches.
    const SEALED: usize = 1024;

    /// What follows events that are not in it, from the beginning of a segment of the journal on.
    pub(crate) fn after(before: EventCounts, segment: u32) -> Self {
        Self { before: Arc::new(before), segment, ..Self::default() }
    }

    /// The segment of the journal that it begins with.
    pub fn segment(&self) -> u32 {
        self.segment
    }

    /// What happened before the first event in it, counted.
    pub fn before(&self) -> &EventCounts {
        &self.before
    }

    /// All of it, in order.
    #[cfg(test)]
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Happened> {
        let sealed = self.sealed.iter().flat_map(|batches| batches.iter());
        sealed.chain(&self.tail).flat_map(|batch| batch.iter())
    }

    /// The next event, for whoever reads it piece by piece.
    pub fn next(&self, cursor: &mut Cursor) -> Option<&Happened> {
        loop {
            let batches: &[Batch] = match self.sealed.get(cursor.seal) {
                Some(batches) => batches,
                None if cursor.seal == self.sealed.len() => &self.tail,
                None => return None,
            };
            match batches.get(cursor.batch) {
                None => *cursor = Cursor { seal: cursor.seal + 1, batch: 0, place: 0 },
                Some(batch) => match batch.get(cursor.place) {
                    Some(happened) => {
                        cursor.place += 1;
                        return Some(happened);
                    }
                    None => *cursor = Cursor { batch: cursor.batch + 1, place: 0, ..*cursor },
                },
            }
        }
    }

    pub(crate) fn add(&mut self, batch: Batch) {
        self.tail.push(batch);
        if self.tail.len() == Self::SEALED {
            self.sealed.push(self.tail.drain(..).collect());
        }
    }
}

/// What is kept of the past in memory: what happened in the journal's current segment and in the one before. What is older
/// is replayed from the journal for whoever asks.
#[derive(Debug)]
pub(super) struct Recent {
    previous: Option<History>,
    current: History,
    /// All events there are, by who is shown them.
    counts: EventCounts,
}

impl Recent {
    /// Nothing yet, from the beginning of a segment on; what happened before was counted.
    pub(super) fn after(counts: EventCounts, segment: u32) -> Self {
        Self { previous: None, current: History::after(counts.clone(), segment), counts }
    }

    /// Takes what a batch made happen that is in this segment of the journal.
    pub(super) fn add(&mut self, segment: u32, happened: &[Happened]) -> Option<Batch> {
        if segment != self.current.segment {
            let begun = History::after(self.counts.clone(), segment);
            self.previous = Some(std::mem::replace(&mut self.current, begun));
        }
        happened.iter().for_each(|happened| self.counts.add(&happened.event));
        let batch: Option<Batch> = (!happened.is_empty()).then(|| happened.into());
        if let Some(batch) = &batch {
            self.current.add(Arc::clone(batch));
        }
        batch
    }

    /// What somebody needs who has seen so many events: all of it but a stretch whose events it has seen.
    pub(super) fn since(&self, seen: u64, participant: ParticipantId, reads_all: bool) -> Vec<History> {
        let has_seen_previous = seen >= self.current.before().shown_to(participant, reads_all);
        let previous = self.previous.iter().filter(|_| !has_seen_previous);
        previous.chain([&self.current]).cloned().collect()
    }

    /// How many events there are for a participant.
    pub(super) fn count_for(&self, participant: ParticipantId, reads_all: bool) -> u64 {
        self.counts.shown_to(participant, reads_all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use golv_engine::event::Event;
    use golv_engine::id::Sequence;

    fn happened(number: u64) -> Happened {
        Happened { sequence: Sequence(number), event: Event::Founded { participant: ParticipantId(1) } }
    }

    /// What is older than the segment before the current one is not in memory, and what is there is numbered as if it were.
    #[test]
    fn two_segments_are_remembered() {
        let mut recent = Recent::after(EventCounts::default(), 1);
        for number in 1_u64..=9 {
            let segment = u32::try_from(number.div_ceil(3)).expect("few");
            recent.add(segment, &[happened(number)]);
        }
        let since = |seen| {
            let histories = recent.since(seen, ParticipantId(5), false);
            let first = histories
                .first()
                .map(|history| (history.segment(), history.before().shown_to(ParticipantId(5), false)));
            let numbers: Vec<u64> =
                histories.iter().flat_map(History::iter).map(|happened| happened.sequence.0).collect();
            (first, numbers)
        };
        assert_eq!(since(0), (Some((2, 3)), (4..=9).collect()));
        assert_eq!(since(5), (Some((2, 3)), (4..=9).collect()));
        assert_eq!(since(6), (Some((3, 6)), (7..=9).collect()));
    }

    #[test]
    fn history_keeps_everything_in_order_through_seals() {
        let mut history = History::default();
        let mut next = 0;
        for batch in 0..3_000_u64 {
            let size = batch % 4;
            history.add((0..size).map(|place| happened(next + place)).collect());
            next += size;
        }
        assert_eq!(history.sealed.len(), 2);
        let sequences: Vec<u64> = history.iter().map(|happened| happened.sequence.0).collect();
        assert_eq!(sequences, (0..next).collect::<Vec<_>>());
        let mut cursor = Cursor::default();
        let pieces: Vec<u64> =
            std::iter::from_fn(|| history.next(&mut cursor)).map(|happened| happened.sequence.0).collect();
        assert_eq!(pieces, sequences);
    }
}
