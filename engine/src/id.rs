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
    /// A board of offers and requests.
    BoardId(u32);
    /// An offer or a request on a board, counted from 1 over all boards: it says nothing of whose it is.
    EntryId(u32);
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

/// Whom a negotiation is opened with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Counterparty {
    /// Whoever has an entry on the same board.
    Entry(EntryId),
    /// Somebody in particular, with an entry or without.
    Participant(ParticipantId),
}

/// A negotiation, named by the entry that it was opened from, by whom it is with, and by how many these two had before. Neither side
/// learns from it whether the other negotiates with anybody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NegotiationId {
    /// The entry that it was opened from; in a round, the request.
    pub entry: EntryId,
    /// Whom it is with; in a round, the offer.
    pub with: Counterparty,
    /// 1 for the first of these two, then 2, 3, …
    pub number: u32,
}

impl fmt::Display for NegotiationId {
    /// `7-12.1` for the first between entries 7 and 12, `7-p3.1` for the first of entry 7 with participant 3.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.with {
            Counterparty::Entry(entry) => write!(f, "{}-{entry}.{}", self.entry, self.number),
            Counterparty::Participant(participant) => {
                write!(f, "{}-p{participant}.{}", self.entry, self.number)
            }
        }
    }
}

/// A text that names no negotiation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a negotiation is named by two entries and a number, as 7-12.1, or by an entry, a participant and a number, as 7-p3.1"
)]
pub struct ParseNegotiationError;

impl std::str::FromStr for NegotiationId {
    type Err = ParseNegotiationError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let read = || {
            let (pair, number) = text.split_once('.')?;
            let (entry, with) = pair.split_once('-')?;
            let with = match with.strip_prefix('p') {
                Some(participant) => Counterparty::Participant(ParticipantId(participant.parse().ok()?)),
                None => Counterparty::Entry(EntryId(with.parse().ok()?)),
            };
            Some(Self { entry: EntryId(entry.parse().ok()?), with, number: number.parse().ok()? })
        };
        read().ok_or(ParseNegotiationError)
    }
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
