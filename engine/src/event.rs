//! Everything that can happen: facts in the past tense, in the order in which they happened.
//!
//! [`Event::audience`] says who may be shown an event; a session sends nothing else. Until an auction is
//! closed, what concerns a bid is for its own participant alone, not even for the operator.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::auction::{AuctionResult, AwardOffer, ClosedBid, Supplied};
use crate::cfd::{Delivery, Entitlement, Observation, SettlementRun};
use crate::command::Action;
use crate::digest::Digest;
use crate::id::{
    AuctionId, BidId, DataVersion, EntitlementId, IdentityId, IndexId, ParticipantId, ProposalId,
};
use crate::indivisible::Welfare;
use crate::num::{Money, Price, Quantity};
use crate::time::{Day, Instant};

/// All that one command made happen, appended to by [`crate::Exchange::apply`].
pub type Events = Vec<Event>;

/// A fact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// The exchange was founded.
    Founded {
        /// The centre.
        participant: ParticipantId,
    },
    /// A rehearsal's clock was set.
    ClockSet {
        /// The time from the next command on.
        to: Instant,
    },
    /// An operator proposed an action.
    ActionProposed {
        /// What to confirm.
        proposal: ProposalId,
        /// What it would do.
        action: Action,
    },
    /// A second operator confirmed, and the action was done.
    ActionConfirmed {
        /// The proposal.
        proposal: ProposalId,
        /// Who confirmed it.
        by: IdentityId,
        /// What was done.
        action: Action,
    },
    /// A proposal was withdrawn.
    ProposalWithdrawn {
        /// The proposal.
        proposal: ProposalId,
    },
    /// An auction takes bids from now on.
    AuctionOpened {
        /// The auction.
        auction: AuctionId,
    },
    /// An auction takes no more bids.
    AuctionClosed {
        /// The auction.
        auction: AuctionId,
    },
    /// The book of a closed auction that waits for solutions.
    BookClosed {
        /// The auction.
        auction: AuctionId,
        /// What a solution must name.
        digest: Digest,
        /// The bids, in order of time.
        bids: Vec<ClosedBid>,
    },
    /// A solution was proposed that may be made.
    SolutionProposed {
        /// The auction.
        auction: AuctionId,
        /// Who proposed it.
        by: IdentityId,
        /// What it is worth.
        welfare: Welfare,
        /// How much is bought, and sold.
        volume: Quantity,
        /// Whether it is the best so far.
        is_best: bool,
    },
    /// A bid stands in the book.
    BidAccepted {
        /// The auction.
        auction: AuctionId,
        /// The bid.
        bid: BidId,
        /// Whose it is.
        participant: ParticipantId,
        /// Its limit; `None` for a market order.
        price: Option<Price>,
        /// Its quantity.
        quantity: Quantity,
    },
    /// A bid has a new price or quantity.
    BidReplaced {
        /// The auction.
        auction: AuctionId,
        /// The bid.
        bid: BidId,
        /// Whose it is.
        participant: ParticipantId,
        /// Its new limit; `None` for a market order.
        price: Option<Price>,
        /// Its new quantity.
        quantity: Quantity,
        /// Whether it kept its place in time.
        kept_priority: bool,
    },
    /// A bid was taken out of the book by its owner.
    BidWithdrawn {
        /// The auction.
        auction: AuctionId,
        /// The bid.
        bid: BidId,
        /// Whose it was.
        participant: ParticipantId,
    },
    /// An auction was cleared; until `final_at` its result can be challenged.
    AuctionCleared {
        /// The auction.
        auction: AuctionId,
        /// When it becomes final.
        final_at: Instant,
        /// Its result.
        result: AuctionResult,
    },
    /// Awards can be accepted.
    AwardsOffered {
        /// The auction.
        auction: AuctionId,
        /// Until when.
        until: Instant,
        /// Which. Everybody is shown its own.
        awards: Vec<AwardOffer>,
    },
    /// An award was accepted.
    AwardAccepted {
        /// The auction.
        auction: AuctionId,
        /// The offer that won.
        bid: BidId,
        /// Whose it is.
        participant: ParticipantId,
    },
    /// An award was declined, or not accepted in time.
    AwardDeclined {
        /// The auction.
        auction: AuctionId,
        /// The offer that had won.
        bid: BidId,
        /// Whose it is.
        participant: ParticipantId,
        /// What was held for it and is forfeited.
        forfeited: Option<Money>,
    },
    /// An auction's result stands: its awards are booked, its entitlements granted.
    AuctionFinalised {
        /// The auction.
        auction: AuctionId,
    },
    /// A sale of what a programme had bought was paid: buyers paid, and suppliers were paid for what was sold.
    SaleSettled {
        /// The sale.
        auction: AuctionId,
        /// The purchase whose suppliers were paid.
        purchase: AuctionId,
        /// How much was sold.
        sold: Quantity,
        /// What the programme paid beside what buyers did; negative where they paid more than suppliers got.
        gap: Money,
        /// What each supplier was paid for. Everybody is shown its own.
        lines: Vec<Supplied>,
    },
    /// A participant became entitled to difference payments, anew or in another's place.
    EntitlementGranted {
        /// The entitlement.
        entitlement: EntitlementId,
        /// What it is.
        terms: Entitlement,
    },
    /// A contract has a new holder, who is told by an `EntitlementGranted` what it is.
    EntitlementNovated {
        /// The entitlement.
        entitlement: EntitlementId,
        /// Who held it.
        from: ParticipantId,
        /// Who holds it.
        to: ParticipantId,
    },
    /// A contract ends before its time.
    EntitlementTerminated {
        /// The entitlement.
        entitlement: EntitlementId,
        /// Whose it is.
        holder: ParticipantId,
        /// The last day that it covers.
        last: Day,
        /// What the programme no longer reserves.
        released: Money,
    },
    /// The condition was met on which a contract's holder shares high prices.
    UpsideShared {
        /// The entitlement.
        entitlement: EntitlementId,
        /// Whose it is.
        holder: ParticipantId,
        /// From when.
        from: Day,
    },
    /// A reference price was published or revised, and counts.
    ReferencePricePublished {
        /// The index.
        index: IndexId,
        /// The day.
        day: Day,
        /// 1 for the first price, then 2, 3, …
        revision: u32,
        /// Which datum it is.
        version: DataVersion,
        /// The price.
        observation: Observation,
    },
    /// A reference price moved further than its index's guard allows, and counts only when it is released.
    ReferencePriceHeld {
        /// The index.
        index: IndexId,
        /// The day.
        day: Day,
        /// Who published it.
        publisher: ParticipantId,
        /// The price.
        observation: Observation,
        /// What it moved from.
        before: Price,
    },
    /// A delivery was reported or corrected.
    DeliveryReported {
        /// The entitlement.
        entitlement: EntitlementId,
        /// Whose it is.
        holder: ParticipantId,
        /// The day.
        day: Day,
        /// 1 for the first report, then 2, 3, …
        revision: u32,
        /// Which datum it is.
        version: DataVersion,
        /// What was delivered.
        delivery: Delivery,
    },
    /// A period of a floor was settled, or settled again.
    SettlementRunCompleted {
        /// The run with its lines.
        run: SettlementRun,
    },
}

/// Who may be shown an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Everybody.
    Public,
    /// One participant's identities alone.
    Participant(ParticipantId),
    /// One participant's identities, operators and auditors.
    ParticipantAndOperators(ParticipantId),
    /// Operators and auditors.
    Operators,
    /// Everybody gets the public part, each participant its own lines, operators and auditors the whole.
    Parts,
}

impl Event {
    /// Whether a participant may see the event, or its own part of it. `reads_all` is set for operators and auditors.
    pub fn is_shown_to(&self, reader: ParticipantId, reads_all: bool) -> bool {
        match self.audience() {
            Audience::Public | Audience::Parts => true,
            Audience::Participant(owner) => owner == reader,
            Audience::ParticipantAndOperators(owner) => owner == reader || reads_all,
            Audience::Operators => reads_all,
        }
    }

    /// The event as a participant may see it, if it may see it at all: of a result or a settlement run, others' lines
    /// are left out.
    pub fn shown_to(&self, reader: ParticipantId, reads_all: bool) -> Option<Self> {
        if !self.is_shown_to(reader, reads_all) {
            return None;
        }
        Some(match self {
            Self::AuctionCleared { auction, final_at, result } if !reads_all => {
                let result = result.shown_to(reader);
                Self::AuctionCleared { auction: *auction, final_at: *final_at, result }
            }
            Self::AwardsOffered { auction, until, awards } if !reads_all => {
                let awards = awards.iter().filter(|award| award.participant == reader).copied().collect();
                Self::AwardsOffered { auction: *auction, until: *until, awards }
            }
            Self::SaleSettled { auction, purchase, sold, gap, lines } if !reads_all => {
                let lines = lines.iter().filter(|line| line.participant == reader).copied().collect();
                let (auction, purchase, sold, gap) = (*auction, *purchase, *sold, *gap);
                Self::SaleSettled { auction, purchase, sold, gap, lines }
            }
            Self::SettlementRunCompleted { run } if !reads_all => {
                let own = run.lines.iter().filter(|line| line.holder == reader);
                Self::SettlementRunCompleted { run: run.with_lines(own.copied().collect()) }
            }
            other => other.clone(),
        })
    }

    /// Who may be shown this event.
    pub const fn audience(&self) -> Audience {
        match self {
            Self::Founded { .. }
            | Self::ClockSet { .. }
            | Self::AuctionOpened { .. }
            | Self::AuctionClosed { .. }
            | Self::AuctionFinalised { .. }
            | Self::ReferencePricePublished { .. } => Audience::Public,
            Self::ActionConfirmed { action, .. } => match action {
                // What everybody trades by.
                Action::DefineMarket { .. }
                | Action::DefineIndex { .. }
                | Action::OpenProgramme { .. }
                | Action::FundProgramme { .. }
                | Action::SetFloor { .. }
                | Action::AnnounceAuction { .. }
                | Action::CancelAuction { .. }
                | Action::ChangeRules { .. } => Audience::Public,
                // Who takes part is nobody's business; what is granted and paid has events of its own.
                Action::RegisterParticipant { .. }
                | Action::AddIdentity { .. }
                | Action::BindKey { .. }
                | Action::RevokeIdentity { .. }
                | Action::SetStanding { .. }
                | Action::GrantEntitlement { .. }
                | Action::NovateEntitlement { .. }
                | Action::TerminateEntitlement { .. }
                | Action::ShareUpside { .. }
                | Action::ReleaseReferencePrice { .. }
                | Action::Settle { .. } => Audience::Operators,
                Action::DepositCollateral { participant, .. }
                | Action::ReturnCollateral { participant, .. } => {
                    Audience::ParticipantAndOperators(*participant)
                }
            },
            Self::ActionProposed { .. }
            | Self::ProposalWithdrawn { .. }
            | Self::BookClosed { .. }
            | Self::SolutionProposed { .. } => Audience::Operators,
            Self::BidAccepted { participant, .. }
            | Self::BidReplaced { participant, .. }
            | Self::BidWithdrawn { participant, .. } => Audience::Participant(*participant),
            Self::AwardAccepted { participant, .. } | Self::AwardDeclined { participant, .. } => {
                Audience::ParticipantAndOperators(*participant)
            }
            Self::EntitlementGranted { terms: Entitlement { holder: owner, .. }, .. }
            | Self::EntitlementNovated { from: owner, .. }
            | Self::EntitlementTerminated { holder: owner, .. }
            | Self::UpsideShared { holder: owner, .. }
            | Self::DeliveryReported { holder: owner, .. }
            | Self::ReferencePriceHeld { publisher: owner, .. } => Audience::ParticipantAndOperators(*owner),
            Self::AuctionCleared { .. }
            | Self::AwardsOffered { .. }
            | Self::SaleSettled { .. }
            | Self::SettlementRunCompleted { .. } => Audience::Parts,
        }
    }
}

/// How many events there were, by who may be shown them: enough to number anybody's events without reading them again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventCounts {
    everybody: u64,
    operators: u64,
    /// Of one participant alone.
    own: BTreeMap<ParticipantId, u64>,
    /// Of one participant and operators.
    own_and_operators: BTreeMap<ParticipantId, u64>,
    /// All of those.
    own_and_operators_total: u64,
}

impl EventCounts {
    /// Counts an event.
    pub fn add(&mut self, event: &Event) {
        let one_more = |count: &mut u64| *count = count.saturating_add(1);
        match event.audience() {
            Audience::Public | Audience::Parts => one_more(&mut self.everybody),
            Audience::Operators => one_more(&mut self.operators),
            Audience::Participant(owner) => one_more(self.own.entry(owner).or_default()),
            Audience::ParticipantAndOperators(owner) => {
                one_more(self.own_and_operators.entry(owner).or_default());
                one_more(&mut self.own_and_operators_total);
            }
        }
    }

    /// How many of them [`Event::is_shown_to`] a participant.
    pub fn shown_to(&self, reader: ParticipantId, reads_all: bool) -> u64 {
        let of = |counts: &BTreeMap<ParticipantId, u64>| counts.get(&reader).copied().unwrap_or(0);
        let with_operators = if reads_all {
            self.operators.saturating_add(self.own_and_operators_total)
        } else {
            of(&self.own_and_operators)
        };
        self.everybody.saturating_add(of(&self.own)).saturating_add(with_operators)
    }
}
