//! Replaying a journal on an engine: the same commands give the same state, and the chain proves it.
//!
//! Each frame carries the chain up to the batch before it; replay computes that chain anew from what the
//! engine does, so a journal that was changed, or an engine that behaves otherwise than the one that wrote it, is
//! found at the frame after, and named.
//!
//! A replay begins with the first segment, or with a snapshot of the state that a later one begins with.

use golv_engine::command::Command;
use golv_engine::digest::Digest;
use golv_engine::event::EventCounts;
use golv_engine::id::Sequence;
use golv_engine::time::Instant;
use golv_engine::{Answer, Exchange, Mode as ExchangeMode, RulesVersion, UnknownRulesVersion};
use golv_protocol::DecodeError;
use golv_protocol::batch::{Batch, DecodeBatchError};

use crate::execute::{Effects, EngineFault, Happened, chain_after_skip, genesis};
use crate::reader::FIRST_SEGMENT;
use crate::skip::Skip;
use crate::snapshot::Snapshot;
use crate::{Content, Frame, Header, Mode};

/// Why a whole frame could not be replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The payload is not a batch of commands.
    #[error("the batch at sequence {sequence} does not decode")]
    Decode {
        /// The batch's first command.
        sequence: Sequence,
        /// What is wrong with it.
        source: DecodeBatchError,
    },
    /// The batch contradicts its frame, its stamp goes backwards, or a skip is not of the batch before it.
    #[error("the batch at sequence {sequence} does not belong there")]
    Misplaced {
        /// The batch's first command.
        sequence: Sequence,
    },
    /// The journal began under rules that this engine does not know.
    #[error("the journal began under other rules")]
    OtherRules(#[from] UnknownRulesVersion),
    /// Earlier segments are missing, and there is no snapshot of the state that this one begins with.
    #[error("replay begins with segment 1 or with a snapshot, and this is segment {segment}")]
    BeginsLater {
        /// The segment.
        segment: u32,
    },
    /// What stands behind a batch is not a skip of commands of that batch.
    #[error("the skip before sequence {sequence} does not decode")]
    DecodeSkip {
        /// The sequence after it.
        sequence: Sequence,
        /// What is wrong with it.
        source: DecodeError,
    },
    /// A command makes the engine fail.
    #[error(transparent)]
    Engine(#[from] EngineFault),
    /// The engine came to another chain than the journal's.
    #[error("replay diverges before sequence {sequence}: chain {computed}, but the journal has {stored}")]
    Diverged {
        /// The first command after the divergence.
        sequence: Sequence,
        /// What the journal says.
        stored: Digest,
        /// What replay came to.
        computed: Digest,
    },
}

/// A replay in progress.
#[derive(Debug)]
pub struct Replay {
    exchange: Exchange,
    chain: Digest,
    now: Instant,
    counts: EventCounts,
    /// The segment that it is in.
    segment: u32,
    /// Whether the last frame was a batch with a skip behind it, which then comes next and at no other time.
    skip_due: bool,
    effects: Effects,
}

/// What a replay came to.
#[derive(Debug)]
pub struct Replayed {
    /// The exchange after the last whole batch.
    pub exchange: Exchange,
    /// The chain after it.
    pub chain: Digest,
    /// A rehearsal's time: the last stamp, or what its clock was set to since.
    pub now: Instant,
    /// All events since the founding, counted.
    pub counts: EventCounts,
}

impl Replay {
    /// Begins before the first batch of a journal.
    ///
    /// # Errors
    /// If the header is not the first segment's, names rules that this engine does not know, or its chain is not the
    /// one that a journal of its settings begins with.
    pub fn new(header: &Header) -> Result<Self, ReplayError> {
        if header.segment != FIRST_SEGMENT {
            return Err(ReplayError::BeginsLater { segment: header.segment });
        }
        let mode = match header.settings.mode {
            Mode::Live => ExchangeMode::Live,
            Mode::Rehearsal { .. } => ExchangeMode::Rehearsal,
        };
        let rules = RulesVersion::try_from(header.settings.rules_version)?;
        let exchange = Exchange::new(mode, rules);
        let replay = Self {
            chain: genesis(&header.settings),
            now: exchange.at(),
            counts: EventCounts::default(),
            segment: header.segment,
            skip_due: false,
            exchange,
            effects: Effects::default(),
        };
        replay.compare(header.first, header.chain)?;
        Ok(replay)
    }

    /// Begins with the state that a segment begins with.
    pub fn from_snapshot(snapshot: Snapshot) -> Self {
        let Snapshot { segment, replayed: Replayed { exchange, chain, now, counts }, .. } = snapshot;
        Self { exchange, chain, now, counts, segment, skip_due: false, effects: Effects::default() }
    }

    /// The segment that it is in.
    pub fn segment(&self) -> u32 {
        self.segment
    }

    /// The chain so far.
    pub fn chain(&self) -> Digest {
        self.chain
    }

    /// The exchange so far.
    pub fn exchange(&self) -> &Exchange {
        &self.exchange
    }

    /// All events so far, counted.
    pub fn counts(&self) -> &EventCounts {
        &self.counts
    }

    /// Compares the place that it has reached with a segment that is to go on there.
    ///
    /// # Errors
    /// If the segment begins with another sequence or another chain.
    pub fn begins(&self, header: &Header) -> Result<(), ReplayError> {
        if Some(header.first.0) != self.exchange.sequence().0.checked_add(1) {
            return Err(ReplayError::Misplaced { sequence: header.first });
        }
        self.compare(header.first, header.chain)
    }

    /// Compares the chain so far with the one that a frame carries.
    ///
    /// # Errors
    /// If they differ.
    pub fn agrees(&self, frame: &Frame<'_>) -> Result<(), ReplayError> {
        self.compare(frame.sequence, frame.chain)
    }

    /// Executes a frame's batch, after comparing the chain up to it; returns the batch for whoever lists its
    /// commands, and nothing for a seal or a skip.
    ///
    /// # Errors
    /// If the frame does not continue what was replayed: nothing of it was executed. If a command makes the engine
    /// fail: the replay is of no more use.
    pub fn frame(&mut self, frame: &Frame<'_>) -> Result<Option<Batch<Command>>, ReplayError> {
        let sequence = frame.sequence;
        self.compare(sequence, frame.chain)?;
        if frame.segment != self.segment {
            self.compare(sequence, frame.segment_chain)?;
            self.segment = frame.segment;
        }
        self.effects.forget();
        if std::mem::take(&mut self.skip_due) != matches!(frame.content, Content::Skip { .. }) {
            return Err(ReplayError::Misplaced { sequence });
        }
        match frame.content {
            Content::Seal => Ok(None),
            Content::Skip { payload } => {
                self.chain = chain_after_skip(self.chain, payload);
                Ok(None)
            }
            Content::Batch { count, payload, skip } => {
                let batch = self.decode(sequence, count, payload)?;
                let set_aside = set_aside(sequence, count, skip)?;
                let at = batch.header.at;
                self.effects.execute(&mut self.exchange, sequence, at, &batch.entries, &set_aside)?;
                self.chain = self.effects.chain(self.chain, payload);
                self.skip_due = skip.is_some();
                self.now = self.effects.clock().unwrap_or(self.now).max(at);
                self.effects.happened().iter().for_each(|happened| self.counts.add(&happened.event));
                Ok(Some(batch))
            }
        }
    }

    /// Executes a frame's batch up to a command in it, and ends there: for the state in the middle of a batch, which no
    /// chain stands for. A frame without a batch, or with a later one, changes nothing.
    ///
    /// # Errors
    /// As [`Replay::frame`], but a command after `last` may make the engine fail.
    pub fn finish_within(mut self, frame: &Frame<'_>, last: Sequence) -> Result<Exchange, ReplayError> {
        let first = frame.sequence;
        self.compare(first, frame.chain)?;
        if let Content::Batch { count, payload, skip } = frame.content {
            let batch = self.decode(first, count, payload)?;
            let set_aside = set_aside(first, count, skip)?;
            let commands = last.0.saturating_add(1).saturating_sub(first.0);
            let commands = usize::try_from(commands).unwrap_or(usize::MAX).min(batch.entries.len());
            let entries = &batch.entries[..commands];
            self.effects.execute(&mut self.exchange, first, batch.header.at, entries, &set_aside)?;
        }
        Ok(self.exchange)
    }

    /// The batch in a frame, if it goes on where the last one ended.
    fn decode(&self, sequence: Sequence, count: u32, payload: &[u8]) -> Result<Batch<Command>, ReplayError> {
        let batch =
            Batch::<Command>::decode(payload).map_err(|source| ReplayError::Decode { sequence, source })?;
        let due = self.exchange.sequence().0.checked_add(1);
        let in_place = batch.header.first == sequence && Some(sequence.0) == due;
        if !in_place
            || u32::try_from(batch.entries.len()) != Ok(count)
            || batch.header.at < self.exchange.at()
        {
            return Err(ReplayError::Misplaced { sequence });
        }
        Ok(batch)
    }

    /// What the last frame made happen.
    pub fn happened(&self) -> &[Happened] {
        self.effects.happened()
    }

    /// What the last frame's commands were answered, in their order.
    pub fn answers(&self) -> &[Answer] {
        self.effects.answers()
    }

    /// A rehearsal's time so far.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// Ends after the last frame.
    pub fn finish(self) -> Replayed {
        Replayed { exchange: self.exchange, chain: self.chain, now: self.now, counts: self.counts }
    }

    pub(crate) fn compare(&self, sequence: Sequence, stored: [u8; 32]) -> Result<(), ReplayError> {
        let stored = Digest(stored);
        if stored == self.chain {
            return Ok(());
        }
        Err(ReplayError::Diverged { sequence, stored, computed: self.chain })
    }
}

/// The commands that the skip behind a batch sets aside, in ascending order.
fn set_aside(first: Sequence, count: u32, skip: Option<&[u8]>) -> Result<Vec<Sequence>, ReplayError> {
    let Some(payload) = skip else { return Ok(Vec::new()) };
    let end = Sequence(first.0 + u64::from(count));
    let skip = Skip::decode(payload).map_err(|source| ReplayError::DecodeSkip { sequence: end, source })?;
    let in_batch = skip.sequences.iter().all(|sequence| (first..end).contains(sequence));
    if skip.sequences.is_sorted_by(|one, next| one < next) && in_batch && skip.has_reason() {
        Ok(skip.sequences)
    } else {
        Err(ReplayError::Misplaced { sequence: first })
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::Settings;
    use golv_engine::id::{CommandId, IdentityId};
    use golv_protocol::batch::{BatchHeader, BatchWriter, Entry};

    #[test]
    fn a_journal_begins_under_rules_that_this_engine_knows() {
        let begin = |rules_version| {
            let settings = Settings { mode: Mode::Live, rules_version, segment_bytes: 4096 };
            let chain = genesis(&settings).0;
            Replay::new(&Header { settings, segment: 1, first: Sequence(1), chain })
        };
        for version in RulesVersion::OLDEST.number()..=RulesVersion::NEWEST.number() {
            let replay = begin(version).expect("known rules");
            assert_eq!(replay.finish().exchange.rules_version().number(), version);
        }
        let found = RulesVersion::NEWEST.number() + 1;
        let refused = begin(found).expect_err("rules of a later engine");
        assert!(
            matches!(refused, ReplayError::OtherRules(UnknownRulesVersion { found: other }) if other == found)
        );
    }

    /// A replay that has executed nothing, and the chain that it begins with.
    fn founded() -> (Replay, [u8; 32]) {
        let rules_version = RulesVersion::NEWEST.number();
        let settings = Settings { mode: Mode::Live, rules_version, segment_bytes: 4096 };
        let chain = genesis(&settings).0;
        (
            Replay::new(&Header { settings, segment: 1, first: Sequence(1), chain }).expect("known rules"),
            chain,
        )
    }

    #[test]
    fn a_frame_agrees_with_the_chain_so_far_or_not() {
        let (replay, chain) = founded();
        let frame = |chain| Frame {
            sequence: Sequence(1),
            epoch: 0,
            chain,
            segment: 1,
            segment_chain: chain,
            offset: 128,
            content: Content::Seal,
        };
        assert!(replay.agrees(&frame(chain)).is_ok());
        assert!(matches!(replay.agrees(&frame([7; 32])), Err(ReplayError::Diverged { .. })));
    }

    /// In its place, with as many commands as its frame says, and not before what came before it.
    #[test]
    fn a_batch_goes_on_where_the_last_one_ended() {
        let (mut replay, _) = founded();
        let decode = |replay: &Replay, first, at, sequence, count| {
            let mut batch = BatchWriter::new(BatchHeader { first: Sequence(first), at, entropy: [0; 32] });
            let command = Command::WithdrawAll;
            let entry = Entry { sender: IdentityId(1), id: CommandId(1), command };
            assert!(batch.push(&entry).expect("short"), "there is room");
            replay.decode(Sequence(sequence), count, batch.payload()).is_ok()
        };
        let at = Instant(100);
        assert!(decode(&replay, 1, at, 1, 1));
        for (first, sequence, count) in [(2, 1, 1), (1, 2, 1), (2, 2, 1), (1, 1, 2), (1, 1, 0)] {
            assert!(!decode(&replay, first, at, sequence, count), "{first} {sequence} {count}");
        }
        // Refused, and its stamp is the exchange's time from then on.
        let mut events = Vec::new();
        let _ = replay.exchange.apply(
            Sequence(1),
            at,
            IdentityId(1),
            CommandId(1),
            &Command::WithdrawAll,
            &mut events,
        );
        assert!(decode(&replay, 2, at, 2, 1));
        assert!(!decode(&replay, 2, Instant(99), 2, 1), "time goes back");
    }

    #[test]
    fn a_skip_names_commands_of_its_batch_in_their_order_with_a_reason() {
        let skip = |sequences: &[u64], reason: &str| {
            let sequences = sequences.iter().copied().map(Sequence).collect();
            let mut payload = Vec::new();
            let skip = Skip { at: Instant(0), sequences, reason: reason.to_owned() };
            golv_protocol::encode(&skip, &mut payload).expect("short");
            set_aside(Sequence(5), 2, Some(&payload)).is_ok()
        };
        assert!(skip(&[5], "why") && skip(&[6], "why") && skip(&[5, 6], "why"));
        for wrong in [&[4][..], &[7], &[5, 7], &[6, 5], &[5, 5]] {
            assert!(!skip(wrong, "why"), "{wrong:?}");
        }
        assert!(!skip(&[5], " "));
    }
}
