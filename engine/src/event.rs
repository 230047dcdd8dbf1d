//! Everything that can happen: facts in the past tense, in the order in which they happened.
//!
//! [`Event::audience`] says who may be shown an event; a session sends nothing else. Until an auction is
//! closed, what concerns a bid is for its own participant alone, not even for the operator.

mod audience;

use serde::{Deserialize, Serialize};

use crate::auction::{AuctionResult, AwardOffer, ClosedBid, Supplied};
use crate::bilateral::{
    Deal, DealTerms, EntryEnd, EntryOwner, Listing, NegotiationEnd, Party, RoundEntry, RoundProof, Sides,
};
use crate::book::Side;
use crate::cfd::{Delivery, Entitlement, Observation, SettlementRun};
use crate::command::Action;
use crate::digest::Digest;
use crate::id::{
    AuctionId, BidId, BoardId, DataVersion, EntitlementId, EntryId, IdentityId, IndexId, NegotiationId,
    ParticipantId, ProgrammeId, ProposalId,
};
use crate::indivisible::Welfare;
use crate::ledger::{Cause, Posting};
use crate::money::{Breach, Claim, Invoice, Level, PotUse, StockTrade, StockTradedBy};
use crate::num::{Currency, Money, Price, Quantity};
use crate::time::{Day, Instant};

pub use audience::{Audience, EventCounts};

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
    /// A bid was taken out of the book: by its owner, with its owner's line, or because its owner was halted or is in default.
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
    /// A programme paid what it had promised, as far as it could.
    ClaimsPaid {
        /// The programme.
        programme: ProgrammeId,
        /// What it paid.
        paid: Money,
        /// What it lacks: what is still claimed, and what its guarantor owes.
        short: Money,
        /// The claims that wait, the oldest first. Everybody is shown its own.
        carried: Vec<Claim>,
    },
    /// How much of a programme is used has crossed 80 or 100 %, up or down.
    ProgrammeLevel {
        /// The programme.
        programme: ProgrammeId,
        /// Where it is now.
        level: Level,
        /// What is spent, reserved, in stock or claimed.
        used: Money,
        /// What it was funded with.
        funded: Money,
    },
    /// Somebody owes.
    InvoiceIssued {
        /// What, and until when.
        invoice: Invoice,
    },
    /// An invoice was paid, or a part of it, by a payment or by what was set off.
    InvoicePaid {
        /// The invoice's number.
        number: u64,
        /// Whose it is.
        participant: ParticipantId,
        /// What was paid.
        paid: Money,
        /// What is left of it.
        open: Money,
    },
    /// An invoice was not paid when it was due.
    InvoiceLate {
        /// The invoice's number.
        number: u64,
        /// Whose it is.
        participant: ParticipantId,
        /// What is left of it.
        open: Money,
    },
    /// The sellers of an auction were paid from what its buyers had paid.
    SellersPaid {
        /// The auction.
        auction: AuctionId,
        /// What they were paid in all.
        paid: Money,
        /// What waits until more comes in. Everybody is shown its own.
        carried: Vec<Claim>,
    },
    /// A participant was told to pay or to deposit collateral.
    NoticeServed {
        /// Who.
        participant: ParticipantId,
        /// In which currency.
        currency: Currency,
        /// What it is about.
        breach: Breach,
        /// At the end of which day it must have been followed.
        until: Day,
    },
    /// What a notice asked for was done.
    NoticeFollowed {
        /// By whom.
        participant: ParticipantId,
        /// In which currency.
        currency: Currency,
    },
    /// A participant is in default, and suspended.
    Defaulted {
        /// Who.
        participant: ParticipantId,
        /// What it owed.
        owed: Money,
        /// What no pot covers.
        uncovered: Money,
        /// What was taken from which pot, in that order. Everybody is shown its own.
        uses: Vec<PotUse>,
    },
    /// What others' pots had paid for a defaulter was made good, or a part of it.
    DefaultMadeGood {
        /// The defaulter.
        participant: ParticipantId,
        /// In which currency.
        currency: Currency,
        /// What went back to which pot. Everybody is shown its own.
        returned: Vec<PotUse>,
        /// Whether nothing is left to be made good.
        is_made_good: bool,
    },
    /// A participant was stopped.
    ParticipantHalted {
        /// Who.
        participant: ParticipantId,
        /// By which operator.
        by: IdentityId,
    },
    /// A programme bought material into its stock, or released some.
    StockTraded {
        /// By which auction or deal.
        by: StockTradedBy,
        /// What was traded.
        trade: StockTrade,
    },
    /// Money moved.
    Posted {
        /// When.
        at: Instant,
        /// Why.
        cause: Cause,
        /// From where to where. Everybody is shown what touches its own accounts.
        postings: Vec<Posting>,
    },
    /// An offer or a request stands on a board.
    EntryPosted {
        /// The entry.
        entry: EntryId,
        /// The board.
        board: BoardId,
        /// Whose it is; told to itself and to operators.
        owner: Option<EntryOwner>,
        /// What it says.
        listing: Listing,
        /// What an offer takes at least, a request pays at most; told to its owner alone.
        limit: Option<Price>,
        /// Whether others can join it as a purchasing group.
        is_group: bool,
    },
    /// An entry has other terms.
    EntryReplaced {
        /// The entry.
        entry: EntryId,
        /// The board.
        board: BoardId,
        /// Whose it is; told to itself and to operators.
        party: Option<Party>,
        /// What it says; of a group, with what all members want.
        listing: Listing,
        /// What an offer takes at least, a request pays at most; told to its owner alone.
        limit: Option<Price>,
    },
    /// There is more of an entry, or less.
    EntryQuantity {
        /// The entry.
        entry: EntryId,
        /// The board.
        board: BoardId,
        /// How much there is.
        quantity: Quantity,
    },
    /// An entry is no longer on its board.
    EntryClosed {
        /// The entry.
        entry: EntryId,
        /// The board.
        board: BoardId,
        /// Why.
        end: EntryEnd,
    },
    /// A participant joined a purchasing group.
    GroupJoined {
        /// The group.
        entry: EntryId,
        /// Its lead; told to itself alone.
        lead: Option<ParticipantId>,
        /// Who joined.
        member: ParticipantId,
        /// What it wants.
        quantity: Quantity,
        /// What it pays at most.
        limit: Price,
    },
    /// A member left a purchasing group.
    GroupLeft {
        /// The group.
        entry: EntryId,
        /// Its lead; told to itself alone.
        lead: Option<ParticipantId>,
        /// Who left.
        member: ParticipantId,
    },
    /// A round was called on a board.
    RoundCalled {
        /// The board.
        board: BoardId,
        /// Until when deals are proposed for it.
        until: Instant,
    },
    /// What takes part in a round.
    RoundBook {
        /// The board.
        board: BoardId,
        /// What a solution must name.
        digest: Digest,
        /// The entries, in the order of their numbers.
        entries: Vec<RoundEntry>,
    },
    /// Deals were proposed for a round that may be made.
    DealsProposed {
        /// The board.
        board: BoardId,
        /// Who proposed them.
        by: IdentityId,
        /// How many lots they match.
        lots: i64,
        /// Σ lots × (request's limit − offer's limit), in millionths.
        surplus: i128,
        /// What is known of how good they are.
        proof: RoundProof,
        /// Whether they are the best so far.
        is_best: bool,
    },
    /// A round is over; its deals are proposed to their sides.
    RoundHeld {
        /// The board.
        board: BoardId,
        /// How many lots were matched.
        lots: i64,
        /// How many deals are proposed.
        proposals: u32,
        /// What is known of how good they are.
        proof: RoundProof,
    },
    /// Terms were proposed, or a price asked for.
    NegotiationOpened {
        /// The negotiation.
        negotiation: NegotiationId,
        /// The board.
        board: BoardId,
        /// Who is on which side; everybody is told of itself.
        sides: Sides,
        /// Which side proposes; `None` where a round does.
        by: Option<Side>,
        /// What is proposed.
        terms: DealTerms,
        /// Until when it can be answered.
        until: Instant,
    },
    /// A proposal was answered with other terms.
    TermsCountered {
        /// The negotiation.
        negotiation: NegotiationId,
        /// Who is on which side; everybody is told of itself.
        sides: Sides,
        /// Which side has countered.
        by: Side,
        /// How often it was countered: what an answer must name.
        turn: u32,
        /// The terms that stand now.
        terms: DealTerms,
        /// Until when they can be answered.
        until: Instant,
    },
    /// A side accepted what a round proposed; the other has not answered yet.
    TermsAccepted {
        /// The negotiation.
        negotiation: NegotiationId,
        /// Who is on which side; everybody is told of itself.
        sides: Sides,
        /// Which side has accepted.
        by: Side,
    },
    /// A negotiation ended without a deal.
    NegotiationEnded {
        /// The negotiation.
        negotiation: NegotiationId,
        /// Who was on which side; everybody is told of itself.
        sides: Sides,
        /// How.
        end: NegotiationEnd,
    },
    /// Both sides agreed: a deal, with both consents.
    DealMade {
        /// The negotiation that it came from, and its name.
        negotiation: NegotiationId,
        /// The deal.
        deal: Deal,
    },
    /// A member of a purchasing group has its share of a deal.
    DealShared {
        /// The deal.
        negotiation: NegotiationId,
        /// The member.
        member: ParticipantId,
        /// Who delivers.
        seller: Party,
        /// The price of a unit.
        price: Price,
        /// How much.
        quantity: Quantity,
        /// The first day of delivery.
        first: Day,
        /// The last day of delivery.
        last: Day,
    },
    /// An identity's session ended without its say, and it had chosen that its bids go with the line.
    LineLost {
        /// Whose session it was.
        identity: IdentityId,
        /// For whom it acts.
        participant: ParticipantId,
    },
}
