//! A batch, executed: what its commands were answered, what happened, and the chain digest after it.
//!
//! The writer executes each batch once while it is flushed, and whoever replays a journal executes it
//! again, through the same few lines: that is why both come to the same digests.
//!
//! ```text
//! chain₀ = SHA-256("golv chain" ‖ format ‖ rules version ‖ mode ‖ seed)
//! chainₖ = SHA-256(chainₖ₋₁ ‖ length of batch ‖ batch ‖ answers ‖ events)
//! ```
//!
//! The chain covers refusals too, and through the batch its stamp and random bytes. A skip is a link of its own, with
//! nothing after it but its bytes.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

use golv_engine::command::Command;
use golv_engine::digest::Digest;
use golv_engine::event::{Event, Events};
use golv_engine::id::Sequence;
use golv_engine::time::Instant;
use golv_engine::{Answer, Exchange};
use golv_protocol::batch::Entry;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::format::FORMAT;
use crate::{Mode, Settings};

/// An event with the sequence of the command that made it happen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Happened {
    /// The command's place in the order of the world.
    pub sequence: Sequence,
    /// What happened.
    pub event: Event,
}

/// A command made the engine fail an assertion. The exchange is of no more use: it may have done half of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "sequence {sequence} makes the engine fail: {message}. \
     If this comes again, golv journal skip sets it aside, unless it is the system's own"
)]
pub struct EngineFault {
    /// The command.
    pub sequence: Sequence,
    /// What the assertion says.
    pub message: String,
}

/// What a batch did. Kept from batch to batch for its memory.
#[derive(Debug, Default)]
pub struct Effects {
    answers: Vec<Answer>,
    happened: Vec<Happened>,
    events: Events,
    clock: Option<Instant>,
}

impl Effects {
    /// Executes a batch's commands in their order, except those that are set aside, which are in ascending order; what an earlier batch did is
    /// forgotten.
    ///
    /// # Errors
    /// If the engine fails an assertion. Nothing may be done with the exchange then but drop it.
    pub fn execute(
        &mut self,
        exchange: &mut Exchange,
        first: Sequence,
        at: Instant,
        entries: &[Entry<Command>],
        set_aside: &[Sequence],
    ) -> Result<(), EngineFault> {
        self.forget();
        let mut sequence = first;
        // Unwind safety: after a failure the exchange is dropped, and what was gathered here is forgotten.
        let executed = catch_unwind(AssertUnwindSafe(|| {
            for (number, entry) in (first.0..).zip(entries) {
                sequence = Sequence(number);
                self.execute_one(exchange, sequence, at, entry, set_aside.binary_search(&sequence).is_ok());
            }
        }));
        executed.map_err(|panic| {
            self.events.clear();
            let message = panic.downcast_ref::<&str>().map(ToString::to_string);
            let message = message.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
            EngineFault { sequence, message }
        })
    }

    /// Forgets what a batch did, and keeps the memory.
    pub(crate) fn forget(&mut self) {
        self.answers.clear();
        self.happened.clear();
        self.clock = None;
    }

    fn execute_one(
        &mut self,
        exchange: &mut Exchange,
        sequence: Sequence,
        at: Instant,
        Entry { sender, id, command }: &Entry<Command>,
        set_aside: bool,
    ) {
        #[cfg(all(test, not(loom)))]
        faults::fail_if_told(sequence, set_aside);
        let outcome = if set_aside {
            exchange.set_aside(sequence, at, *sender, *id, command)
        } else {
            exchange.apply(sequence, at, *sender, *id, command, &mut self.events)
        };
        self.answers.push(exchange.answer_to(*sender, *id, outcome));
        for event in self.events.drain(..) {
            if let Event::ClockSet { to } = event {
                self.clock = Some(to);
            }
            self.happened.push(Happened { sequence, event });
        }
    }

    /// The answers, one for each command in its order.
    pub fn answers(&self) -> &[Answer] {
        &self.answers
    }

    /// What happened, in order.
    pub fn happened(&self) -> &[Happened] {
        &self.happened
    }

    /// What a rehearsal's clock was set to, if it was.
    pub fn clock(&self) -> Option<Instant> {
        self.clock
    }

    /// The chain digest after the batch, whose payload is `batch` and before which the chain was `previous`.
    pub fn chain(&self, previous: Digest, batch: &[u8]) -> Digest {
        let mut hash = Hash(Sha256::new());
        hash.0.update(previous.0);
        hash.0.update((batch.len() as u64).to_le_bytes());
        hash.0.update(batch);
        golv_protocol::encode_to(&(&self.answers, &self.happened), &mut hash)
            .expect("writing to a hash cannot fail, and events know their lengths");
        Digest(hash.0.finalize().into())
    }
}

/// The chain after a skip, before which it was `previous`.
pub fn chain_after_skip(previous: Digest, skip: &[u8]) -> Digest {
    let hash = Sha256::new()
        .chain_update(previous.0)
        .chain_update((skip.len() as u64).to_le_bytes())
        .chain_update(skip);
    Digest(hash.finalize().into())
}

/// The chain before the first batch of a journal.
pub fn genesis(settings: &Settings) -> Digest {
    let (mode, seed) = match settings.mode {
        Mode::Live => (0_u8, 0),
        Mode::Rehearsal { seed } => (1, seed),
    };
    let hash = Sha256::new()
        .chain_update(b"golv chain")
        .chain_update(FORMAT.to_le_bytes())
        .chain_update(settings.rules_version.to_le_bytes())
        .chain_update([mode])
        .chain_update(seed.to_le_bytes());
    Digest(hash.finalize().into())
}

struct Hash(Sha256);

impl io::Write for Hash {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Engine faults on demand: there is no command that is known to make the engine fail.
#[cfg(all(test, not(loom)))]
pub(crate) mod faults {
    use std::cell::RefCell;

    use golv_engine::id::Sequence;

    thread_local! {
        static FAILING: RefCell<Vec<Sequence>> = const { RefCell::new(Vec::new()) };
    }

    /// From now on these commands fail on this thread.
    pub(crate) fn fail_at(sequences: &[u64]) {
        FAILING.with_borrow_mut(|failing| *failing = sequences.iter().copied().map(Sequence).collect());
    }

    pub(super) fn fail_if_told(sequence: Sequence, set_aside: bool) {
        let fails = FAILING.with_borrow(|failing| failing.contains(&sequence));
        assert!(set_aside || !fails, "a fault on demand");
    }
}
