//! A venue: where commands go and events come from.

use std::collections::VecDeque;

use golv_engine::command::Command;
use golv_engine::event::Event;
use golv_engine::id::{CommandId, IdentityId, Sequence};
use golv_engine::key::KeyFingerprint;
use golv_engine::time::Instant;
use golv_engine::{Answer, Exchange};

/// An exchange as somebody sees it who may act for everybody and read everything: a rehearsal's director.
pub trait Venue {
    /// What can go wrong beside a refusal, which is an answer.
    type Error;

    /// Sends a command and waits for its answer.
    ///
    /// # Errors
    /// If the exchange cannot be reached or has stopped; the command may have been executed or not.
    fn submit(&mut self, sender: IdentityId, id: CommandId, command: Command) -> Result<Answer, Self::Error>;

    /// The key that an identity connects with, if it connects from outside: it is bound before the identity sends
    /// anything. None by default.
    fn key(&self, _identity: IdentityId) -> Option<KeyFingerprint> {
        None
    }

    /// The next event that was not taken yet, waiting for it.
    ///
    /// # Errors
    /// If the exchange cannot be reached or has stopped.
    fn next_event(&mut self) -> Result<Event, Self::Error>;
}

/// The engine itself as a venue: in one thread, with nothing stored.
pub struct EngineVenue {
    exchange: Exchange,
    now: Instant,
    happened: VecDeque<Event>,
}

/// No event is left, and in one thread none will come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no event is left to wait for")]
pub struct NothingHappened;

impl EngineVenue {
    /// A rehearsal that begins at `now` with its founding command.
    pub fn found(mut exchange: Exchange, now: Instant, founding: &Command) -> Self {
        let mut events = Vec::new();
        let outcome =
            exchange.apply(Sequence(1), now, IdentityId::SYSTEM, CommandId(1), founding, &mut events);
        assert_eq!(outcome, Ok(()), "a new exchange can be founded");
        Self { exchange, now, happened: events.into() }
    }

    /// The exchange behind it.
    pub fn exchange(&self) -> &Exchange {
        &self.exchange
    }

    /// Gives the exchange back.
    pub fn into_exchange(self) -> Exchange {
        self.exchange
    }

    fn apply(&mut self, sender: IdentityId, id: CommandId, command: &Command) -> Answer {
        let sequence = Sequence(self.exchange.sequence().0 + 1);
        let mut events = Vec::new();
        let outcome = self.exchange.apply(sequence, self.now, sender, id, command, &mut events);
        self.happened.extend(events);
        self.exchange.answer_to(sender, id, outcome)
    }
}

impl Venue for EngineVenue {
    type Error = NothingHappened;

    fn submit(
        &mut self,
        sender: IdentityId,
        id: CommandId,
        command: Command,
    ) -> Result<Answer, NothingHappened> {
        let answer = self.apply(sender, id, &command);
        if let (Command::SetClock { to }, Ok(())) = (&command, answer.outcome) {
            self.now = *to;
        }
        while self.exchange.next_due().is_some_and(|due| due <= self.now) {
            self.apply(IdentityId::SYSTEM, CommandId(self.exchange.sequence().0 + 1), &Command::Tick);
        }
        Ok(answer)
    }

    fn next_event(&mut self) -> Result<Event, NothingHappened> {
        self.happened.pop_front().ok_or(NothingHappened)
    }
}
