//! Names of things: each kind has a type of its own, so that a market is never taken for an auction.
//!
//! Ids of markets, participants, programmes and the like are chosen by whoever creates them and refused
//! if taken. A bid is named by the identity and command that placed it: that needs no counter, so an id
//! tells its owner nothing about how many others have bid.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident($inner:ty);)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

ids! {
    /// A legal person that takes part: the centre, a supplier, a buyer, a publisher of prices.
    ParticipantId(u32);
    /// Somebody or something that acts for a participant; what a key is bound to. Zero is the system.
    IdentityId(u32);
    /// All participants of one beneficial owner.
    OwnerGroup(u32);
    /// A market for one material and grade.
    MarketId(u32);
    /// An auction.
    AuctionId(u32);
    /// A published price index.
    IndexId(u32);
    /// A floor: the terms on which a programme supports a market.
    FloorId(u32);
    /// A support programme with its money.
    ProgrammeId(u32);
    /// An entitlement to difference payments, counted from 1 in the order of their creation.
    EntitlementId(u32);
    /// A command's number, chosen by its sender and strictly increasing per identity.
    CommandId(u64);
    /// How many prices and deliveries the exchange has taken in: each is a datum with the next version.
    DataVersion(u64);
    /// A command's place in the one order of the world, counted from 1.
    Sequence(u64);
}

impl IdentityId {
    /// The reserved sender of ticks and of the founding command.
    pub const SYSTEM: Self = Self(0);
}

/// A bid, named by who placed it with which command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BidId {
    /// The identity that placed it.
    pub identity: IdentityId,
    /// The command that placed it.
    pub command: CommandId,
}

/// A proposed action, named by who proposed it with which command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ProposalId {
    /// The identity that proposed it.
    pub identity: IdentityId,
    /// The command that proposed it.
    pub command: CommandId,
}

impl fmt::Display for BidId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.identity, self.command)
    }
}

impl fmt::Display for ProposalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.identity, self.command)
    }
}
