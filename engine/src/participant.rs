//! Who takes part: participants with their roles and standing, and the identities that act for them.
//!
//! A key is bound to an identity, an identity belongs to a participant, and rights come from the
//! participant's roles. Identities are revoked, never removed, so that an old journal can always say who sent a
//! command.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::id::{IdentityId, OwnerGroup, ParticipantId};
use crate::reject::Reject;
use crate::text::Name;

/// What a participant may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Role {
    /// Runs the exchange: defines markets, floors and auctions, clears, settles.
    Operator,
    /// Offers material for sale, and may hold entitlements.
    Supplier,
    /// Bids for material.
    Buyer,
    /// Publishes the reference prices of its indices.
    Publisher,
    /// Reads everything and changes nothing.
    Auditor,
    /// Leads purchasing groups, as a buyer.
    GroupLead,
    /// Reads what is public and changes nothing.
    Observer,
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 7] = [
        Self::Operator,
        Self::Supplier,
        Self::Buyer,
        Self::Publisher,
        Self::Auditor,
        Self::GroupLead,
        Self::Observer,
    ];

    /// Whether it may read what concerns others: all but sealed bids, limits and negotiations.
    pub const fn reads_all(self) -> bool {
        matches!(self, Self::Operator | Self::Auditor)
    }
}

/// Whether a participant's commands are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Standing {
    /// Takes part.
    Active,
    /// Every command is refused; awards, entitlements and balances stand.
    Suspended,
}

/// A legal person that takes part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Participant {
    /// Its name, for people.
    pub name: Name,
    /// All participants of one beneficial owner share it.
    pub owner_group: OwnerGroup,
    /// What it may do.
    pub roles: BTreeSet<Role>,
    /// Whether its commands are taken.
    pub standing: Standing,
}

/// Somebody or something that acts for a participant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// For whom it acts.
    pub participant: ParticipantId,
    /// Set once it may no longer act.
    pub revoked: bool,
}

/// All participants and identities.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Registry {
    participants: BTreeMap<ParticipantId, Participant>,
    identities: BTreeMap<IdentityId, Identity>,
}

impl Registry {
    pub(crate) fn is_empty(&self) -> bool {
        self.participants.is_empty()
    }

    pub(crate) fn participant(&self, id: ParticipantId) -> Result<&Participant, Reject> {
        self.participants.get(&id).ok_or(Reject::UnknownParticipant { participant: id })
    }

    pub(crate) fn identity(&self, id: IdentityId) -> Option<&Identity> {
        self.identities.get(&id)
    }

    /// For whom `sender` acts, if it may act at all.
    // Rules: R-MON-048.
    pub(crate) fn acting(&self, sender: IdentityId) -> Result<(ParticipantId, &Participant), Reject> {
        let identity = self.identity(sender).ok_or(Reject::UnknownSender)?;
        if identity.revoked {
            return Err(Reject::IdentityRevoked);
        }
        let participant = self.participant(identity.participant)?;
        match participant.standing {
            Standing::Active => Ok((identity.participant, participant)),
            Standing::Suspended => Err(Reject::ParticipantSuspended),
        }
    }

    pub(crate) fn check_new_participant(
        &self,
        id: ParticipantId,
        roles: &BTreeSet<Role>,
    ) -> Result<(), Reject> {
        if self.participants.contains_key(&id) {
            return Err(Reject::ParticipantTaken);
        }
        if roles.is_empty() { Err(Reject::NoRole) } else { Ok(()) }
    }

    pub(crate) fn add_participant(&mut self, id: ParticipantId, participant: Participant) {
        let before = self.participants.insert(id, participant);
        assert!(before.is_none(), "a participant's id was checked to be free");
    }

    pub(crate) fn check_new_identity(&self, id: IdentityId) -> Result<(), Reject> {
        if id == IdentityId::SYSTEM || self.identities.contains_key(&id) {
            return Err(Reject::IdentityTaken);
        }
        Ok(())
    }

    /// Refuses an identity that does not exist or may no longer act.
    pub(crate) fn check_identity(&self, id: IdentityId) -> Result<(), Reject> {
        let identity = self.identity(id).ok_or(Reject::UnknownIdentity { identity: id })?;
        if identity.revoked { Err(Reject::IdentityRevoked) } else { Ok(()) }
    }

    pub(crate) fn add_identity(&mut self, id: IdentityId, participant: ParticipantId) {
        let before = self.identities.insert(id, Identity { participant, revoked: false });
        assert!(before.is_none(), "an identity's id was checked to be free");
    }

    /// Marks an identity as revoked; refuses the last active operator's, which would leave nobody able to
    /// propose or confirm anything.
    pub(crate) fn check_revoke(&self, id: IdentityId) -> Result<(), Reject> {
        self.check_identity(id)?;
        self.check_operators_without(|other, _| other == id)
    }

    pub(crate) fn revoke(&mut self, id: IdentityId) {
        if let Some(identity) = self.identities.get_mut(&id) {
            identity.revoked = true;
        }
    }

    pub(crate) fn check_standing(&self, id: ParticipantId, standing: Standing) -> Result<(), Reject> {
        self.participant(id)?;
        match standing {
            Standing::Active => Ok(()),
            Standing::Suspended => self.check_operators_without(|_, participant| participant == id),
        }
    }

    pub(crate) fn set_standing(&mut self, id: ParticipantId, standing: Standing) {
        if let Some(participant) = self.participants.get_mut(&id) {
            participant.standing = standing;
        }
    }

    /// Two operators must remain, since whatever they do takes two.
    // Rules: R-MON-046.
    fn check_operators_without(
        &self,
        gone: impl Fn(IdentityId, ParticipantId) -> bool,
    ) -> Result<(), Reject> {
        let is_active_operator = |identity: &Identity| {
            !identity.revoked
                && self.participants.get(&identity.participant).is_some_and(|participant| {
                    participant.standing == Standing::Active && participant.roles.contains(&Role::Operator)
                })
        };
        let remain = self
            .identities
            .iter()
            .filter(|(id, identity)| is_active_operator(identity) && !gone(**id, identity.participant))
            .count();
        if remain < 2 { Err(Reject::LastOperators) } else { Ok(()) }
    }
}
