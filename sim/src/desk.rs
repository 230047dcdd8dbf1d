//! A director's desk: sends commands to a venue for everybody, counts their ids, and waits for what they bring about.
//!
//! Two operators are there from the founding on. What moves money or rules one of them proposes and the other confirms.

use std::collections::BTreeMap;

use golv_engine::Answer;
use golv_engine::command::{Action, Command, Operator};
use golv_engine::event::Event;
use golv_engine::id::{CommandId, IdentityId, OwnerGroup, ParticipantId, ProposalId};
use golv_engine::key::KeyFingerprint;
use golv_engine::participant::Role;
use golv_engine::reject::Reject;
use golv_engine::text::Name;
use golv_engine::time::Instant;

use crate::venue::Venue;

/// The centre.
pub const CENTRE: ParticipantId = ParticipantId(1);
/// The two operators.
pub const OPERATORS: [IdentityId; 2] = [IdentityId(1), IdentityId(2)];
/// The publisher of the index, as participant and as identity.
pub const PUBLISHER: u32 = 11;
/// An auditor, as participant and as identity.
pub const AUDITOR: u32 = 12;

/// Commands to a venue, on behalf of everybody.
pub struct Desk<V> {
    venue: V,
    /// The last command id of each sender.
    sent: BTreeMap<IdentityId, u64>,
}

/// Why what was told to be done was not.
#[derive(Debug, thiserror::Error)]
pub enum DeskError<E> {
    /// The venue failed.
    #[error("the exchange did not answer")]
    Venue(#[source] E),
    /// A command was refused that the play cannot do without.
    #[error("{tried} was refused: {reason}")]
    Refused {
        /// What was tried.
        tried: String,
        /// Why it was refused.
        reason: Reject,
    },
}

/// The command that founds an exchange; `key` gives each operator's key, if it connects from outside.
pub fn founding(key: impl Fn(IdentityId) -> Option<KeyFingerprint>) -> Command {
    Command::Found {
        participant: CENTRE,
        name: "Critical Raw Materials Centre".parse().expect("a short name"),
        operators: OPERATORS.map(|identity| Operator { identity, key: key(identity) }),
    }
}

impl<V: Venue> Desk<V> {
    /// A desk at a venue that was founded with [`founding`] and has seen nothing else.
    pub fn new(venue: V) -> Self {
        Self { venue, sent: BTreeMap::new() }
    }

    /// Gives the venue back.
    pub fn into_venue(self) -> V {
        self.venue
    }

    /// Sends a command; tells its id and the answer, which may be a refusal.
    ///
    /// # Errors
    /// If the venue fails.
    pub fn send(
        &mut self,
        sender: IdentityId,
        command: Command,
    ) -> Result<(CommandId, Answer), DeskError<V::Error>> {
        let sent = self.sent.entry(sender).or_insert(0);
        *sent += 1;
        let id = CommandId(*sent);
        let answer = self.venue.submit(sender, id, command).map_err(DeskError::Venue)?;
        Ok((id, answer))
    }

    /// Sends a command that must be accepted; `what` says what is tried.
    ///
    /// # Errors
    /// If the venue fails or refuses.
    pub fn done(
        &mut self,
        what: &str,
        sender: IdentityId,
        command: Command,
    ) -> Result<CommandId, DeskError<V::Error>> {
        let (id, answer) = self.send(sender, command)?;
        answer.outcome.map_err(|reason| DeskError::Refused { tried: what.to_owned(), reason })?;
        Ok(id)
    }

    /// One operator proposes and the other confirms.
    ///
    /// # Errors
    /// If the venue fails or refuses.
    pub fn agree(&mut self, what: &str, action: Action) -> Result<(), DeskError<V::Error>> {
        let [first, second] = OPERATORS;
        let command = self.done(what, first, Command::Propose { action })?;
        let proposal = ProposalId { identity: first, command };
        self.done(what, second, Command::Confirm { proposal }).map(drop)
    }

    /// Sets the rehearsal's clock.
    ///
    /// # Errors
    /// If the venue fails or refuses.
    pub fn set_clock(&mut self, to: Instant) -> Result<(), DeskError<V::Error>> {
        self.done("the clock", OPERATORS[0], Command::SetClock { to }).map(drop)
    }

    /// Admits a participant of that number, of an owner of its own, with one identity of the same number.
    ///
    /// # Errors
    /// If the venue fails or refuses.
    pub fn admit(&mut self, id: u32, label: Name, roles: &[Role]) -> Result<(), DeskError<V::Error>> {
        self.admit_owned(id, label, OwnerGroup(id), roles)
    }

    /// As [`Self::admit`], of an owner that others may have too.
    ///
    /// # Errors
    /// If the venue fails or refuses.
    pub fn admit_owned(
        &mut self,
        id: u32,
        name: Name,
        owner_group: OwnerGroup,
        roles: &[Role],
    ) -> Result<(), DeskError<V::Error>> {
        let what = name.to_string();
        let (participant, identity) = (ParticipantId(id), IdentityId(id));
        let roles = roles.iter().copied().collect();
        self.agree(&what, Action::RegisterParticipant { participant, name, owner_group, roles })?;
        self.agree(&what, Action::AddIdentity { identity, participant })?;
        match self.venue.key(identity) {
            Some(key) => self.agree(&what, Action::BindKey { identity, key, others_end_at: None }),
            None => Ok(()),
        }
    }

    /// The next event that was not taken yet, waiting for it.
    ///
    /// # Errors
    /// If the venue fails.
    pub fn next_event(&mut self) -> Result<Event, DeskError<V::Error>> {
        self.venue.next_event().map_err(DeskError::Venue)
    }

    /// Takes events until one is what is waited for.
    ///
    /// # Errors
    /// If the venue fails.
    pub fn until<T>(
        &mut self,
        mut wanted: impl FnMut(&Event) -> Option<T>,
    ) -> Result<T, DeskError<V::Error>> {
        loop {
            if let Some(found) = wanted(&self.next_event()?) {
                return Ok(found);
            }
        }
    }
}
