//! Everything that can be asked of an exchange.
//!
//! Commands are imperative. What moves money or changes rules is an [`Action`], and an action can only be
//! proposed by one operator and confirmed by another: no command carries it directly. Texts are bounded where they
//! are read; whoever takes commands in bounds the whole.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::auction::{AuctionTerms, BidDetails, DrawSecret, Solution};
use crate::bilateral::{BoardTerms, DealTerms, Listing, RoundSolution};
use crate::book::Side;
use crate::cfd::{Delivery, IndexTerms, Observation};
use crate::id::{
    AuctionId, BidId, BoardId, Counterparty, DataVersion, EntitlementId, EntryId, FloorId, IdentityId,
    IndexId, MarketId, NegotiationId, OwnerGroup, ParticipantId, ProgrammeId, ProposalId,
};
use crate::key::KeyFingerprint;
use crate::market::{FloorTerms, Market};
use crate::money::{ClearingTerms, ProgrammeTerms, StockRule};
use crate::num::{Currency, Money, Price, Quantity};
use crate::participant::{Role, Standing};
use crate::text::{Country, Name};
use crate::time::{Day, Instant};

/// A request to the exchange. Who may send it is said at each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    /// Founds the exchange: the centre, and its first two operators. System only, as the first command.
    Found {
        /// The centre.
        participant: ParticipantId,
        /// Its name.
        name: Name,
        /// Two people who act for it, so that the first proposal can be confirmed.
        operators: [Operator; 2],
    },
    /// Lets everything that is due happen. System only: the writer sends it at each due instant, and
    /// before the first command at or after one.
    Tick,
    /// Sets the clock of a rehearsal forward. Operators.
    SetClock {
        /// The new time, from the next command on; not before the time of this one.
        to: Instant,
    },
    /// Proposes an action, for another operator to confirm. Operators.
    Propose {
        /// What is to be done.
        action: Action,
    },
    /// Confirms another operator's proposal, and does it. Operators.
    Confirm {
        /// The proposal.
        proposal: ProposalId,
    },
    /// Withdraws a proposal. Operators.
    WithdrawProposal {
        /// The proposal.
        proposal: ProposalId,
    },
    /// Places a sealed bid in an open auction. Suppliers sell, buyers buy.
    PlaceBid {
        /// The auction.
        auction: AuctionId,
        /// The bid.
        bid: NewBid,
    },
    /// Replaces an own bid's price and quantity. It keeps its place in time if only the quantity falls.
    ReplaceBid {
        /// The auction.
        auction: AuctionId,
        /// The bid.
        bid: BidId,
        /// Its new limit; `None` to trade at any price.
        price: Option<Price>,
        /// Its new quantity.
        quantity: Quantity,
    },
    /// Withdraws an own bid while the auction is open.
    WithdrawBid {
        /// The auction.
        auction: AuctionId,
        /// The bid.
        bid: BidId,
    },
    /// Withdraws, in one step, all that stands in a participant's name and may be withdrawn: its bids in open auctions and its
    /// entries on boards; it leaves its purchasing groups, and its negotiations end. Suppliers and buyers.
    WithdrawAll,
    /// Stops a participant at once: suspends it, and withdraws its bids in open auctions and its entries on boards. Operators: one is enough to stop somebody
    /// whose systems or intentions have gone wrong, and it takes two to let it take part again.
    Halt {
        /// Who is stopped.
        participant: ParticipantId,
    },
    /// Clears a closed auction; the challenge period begins. Operators.
    ClearAuction {
        /// The auction.
        auction: AuctionId,
        /// For a seeded draw, and only for one: the secret whose hash was announced.
        secret: Option<DrawSecret>,
    },
    /// Proposes who is given what in a closed auction whose bids have minimums. Operators.
    ProposeSolution {
        /// The auction.
        auction: AuctionId,
        /// The choice.
        solution: Box<Solution>,
    },
    /// Accepts an award that was offered. Its winner.
    AcceptAward {
        /// The auction.
        auction: AuctionId,
        /// The offer that won.
        bid: BidId,
    },
    /// Declines an award that was offered, and forfeits the bond unless it was called from the reserve list. Its winner.
    DeclineAward {
        /// The auction.
        auction: AuctionId,
        /// The offer that won.
        bid: BidId,
    },
    /// Publishes an index's price of a day that is over; again for a revision. Its publisher.
    PublishReferencePrice {
        /// The index.
        index: IndexId,
        /// The day; the last one for a price of a month or quarter.
        day: Day,
        /// The price.
        observation: Observation,
    },
    /// Reports what was delivered on a day under a contract with metered volume; again for a correction. Its holder, or an
    /// operator in its place.
    ReportDelivery {
        /// The contract.
        entitlement: EntitlementId,
        /// The day, which is over.
        day: Day,
        /// What was delivered.
        delivery: Delivery,
    },
    /// Puts an offer or a request on a board. Suppliers offer, buyers request.
    PostEntry {
        /// The board.
        board: BoardId,
        /// What everybody sees of it.
        listing: Box<Listing>,
        /// What an offer takes at least, a request pays at most.
        limit: Price,
        /// Whether others can join a request as a purchasing group, which the sender leads. Group leads.
        is_group: bool,
    },
    /// Puts other terms in an own entry's place. It keeps its number, and no less than is promised of it.
    ReplaceEntry {
        /// The entry.
        entry: EntryId,
        /// What everybody sees of it; on the same side.
        listing: Box<Listing>,
        /// What an offer takes at least, a request pays at most.
        limit: Price,
    },
    /// Takes an own entry off its board. Its negotiations end.
    WithdrawEntry {
        /// The entry.
        entry: EntryId,
    },
    /// Joins a purchasing group. Buyers.
    JoinGroup {
        /// The group.
        entry: EntryId,
        /// What the sender wants.
        quantity: Quantity,
        /// What it pays at most.
        limit: Price,
    },
    /// Leaves a purchasing group, or sends a member of an own one away.
    LeaveGroup {
        /// The group.
        entry: EntryId,
        /// The member.
        member: ParticipantId,
    },
    /// Calls a round on a board. Operators.
    CallRound {
        /// The board.
        board: BoardId,
    },
    /// Proposes which deals are made in a round. Operators.
    ProposeDeals {
        /// The board.
        board: BoardId,
        /// The choice.
        solution: Box<RoundSolution>,
    },
    /// Proposes a deal on an own entry to somebody, or asks for a price. Suppliers and buyers.
    Negotiate {
        /// The own entry.
        entry: EntryId,
        /// With whom.
        with: Counterparty,
        /// What is proposed.
        terms: DealTerms,
    },
    /// Answers a proposal with other terms. The side that has not agreed.
    CounterTerms {
        /// The negotiation.
        negotiation: NegotiationId,
        /// How often it was countered: the terms that this answers.
        turn: u32,
        /// The new terms, with a price.
        terms: DealTerms,
    },
    /// Agrees to the terms as they stand. The side that has not.
    AcceptTerms {
        /// The negotiation.
        negotiation: NegotiationId,
        /// How often it was countered: the terms that this answers.
        turn: u32,
    },
    /// Declines a proposal, or takes an own one back. Both sides.
    EndNegotiation {
        /// The negotiation.
        negotiation: NegotiationId,
    },
    /// Withdraws the bids that an identity has placed in open auctions: its session ended without its say, and it had chosen that
    /// they go with the line. System only.
    LineLost {
        /// The identity.
        identity: IdentityId,
    },
}

impl Command {
    /// Whether it does nothing but take back what its sender has offered. A gateway lets more of these through than of others.
    pub const fn is_withdrawal(&self) -> bool {
        matches!(
            self,
            Self::WithdrawBid { .. }
                | Self::WithdrawAll
                | Self::WithdrawEntry { .. }
                | Self::LeaveGroup { .. }
                | Self::EndNegotiation { .. }
        )
    }
}

/// One of the two operators that an exchange is founded with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operator {
    /// Who.
    pub identity: IdentityId,
    /// The key that speaks for it; `None` where nobody connects from outside.
    pub key: Option<KeyFingerprint>,
}

impl Operator {
    /// An operator in the same process, without a key.
    pub const fn local(identity: u32) -> Self {
        Self { identity: IdentityId(identity), key: None }
    }
}

macro_rules! commands {
    ($($name:ident => [$($role:ident),*];)*) => {
        impl Command {
            /// Every command, and which roles permit it: one of them is enough. What only the system sends, none does. A command that is
            /// missing here does not compile.
            pub const TABLE: &'static [(&'static str, &'static [Role])] =
                &[$((stringify!($name), &[$(Role::$role),*])),*];

            /// The command's name, for logs and listings.
            pub const fn name(&self) -> &'static str {
                match self {
                    $(Self::$name { .. } => stringify!($name),)*
                }
            }

            /// Which roles permit it. A purchasing group is led by who may lead one.
            pub const fn permitted(&self) -> &'static [Role] {
                match self {
                    Self::PostEntry { is_group: true, .. } => &[Role::GroupLead],
                    $(Self::$name { .. } => &[$(Role::$role),*],)*
                }
            }
        }
    };
}

commands! {
    Found => [];
    Tick => [];
    SetClock => [Operator];
    Propose => [Operator];
    Confirm => [Operator];
    WithdrawProposal => [Operator];
    PlaceBid => [Supplier, Buyer];
    ReplaceBid => [Supplier, Buyer];
    WithdrawBid => [Supplier, Buyer];
    WithdrawAll => [Supplier, Buyer];
    Halt => [Operator];
    ClearAuction => [Operator];
    ProposeSolution => [Operator];
    AcceptAward => [Supplier, Buyer];
    DeclineAward => [Supplier, Buyer];
    PublishReferencePrice => [Publisher];
    ReportDelivery => [Operator, Supplier];
    PostEntry => [Supplier, Buyer];
    ReplaceEntry => [Supplier, Buyer];
    WithdrawEntry => [Supplier, Buyer];
    JoinGroup => [Buyer];
    LeaveGroup => [Buyer];
    CallRound => [Operator];
    ProposeDeals => [Operator];
    Negotiate => [Supplier, Buyer];
    CounterTerms => [Supplier, Buyer];
    AcceptTerms => [Supplier, Buyer];
    EndNegotiation => [Supplier, Buyer];
    LineLost => [];
}

/// A sealed bid as it is placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewBid {
    /// Whether material is wanted or offered.
    pub side: Side,
    /// The limit: the most a buyer pays, the least a seller takes; in a support auction, the strike. `None` for a market order,
    /// which trades at any price, and which a support auction does not take.
    pub price: Option<Price>,
    /// How much; in a support auction, per period.
    pub quantity: Quantity,
    /// Where offered material comes from; `None` on a bid to buy.
    pub origin: Option<Country>,
    /// What else it says of itself, where the auction looks at that.
    pub details: Option<BidDetails>,
}

/// What moves money or changes rules: done only when two operators agree.
// Rules: R-MON-042.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Action {
    /// Admits a participant.
    RegisterParticipant {
        /// Its id.
        participant: ParticipantId,
        /// Its name.
        name: Name,
        /// Its beneficial owner.
        owner_group: OwnerGroup,
        /// What it may do.
        roles: BTreeSet<Role>,
    },
    /// Lets somebody act for a participant.
    AddIdentity {
        /// The identity's id.
        identity: IdentityId,
        /// For whom it acts.
        participant: ParticipantId,
    },
    /// Binds a key to an identity, which may then connect with it.
    BindKey {
        /// The identity.
        identity: IdentityId,
        /// The key; every key is bound once.
        key: KeyFingerprint,
        /// When the identity's other keys end, if they do: this is how keys are rotated.
        others_end_at: Option<Instant>,
    },
    /// Ends an identity's right to act, for good.
    RevokeIdentity {
        /// The identity.
        identity: IdentityId,
    },
    /// Suspends a participant, or lets it take part again.
    SetStanding {
        /// The participant.
        participant: ParticipantId,
        /// Its new standing.
        standing: Standing,
    },
    /// Defines a market.
    DefineMarket {
        /// Its id.
        market: MarketId,
        /// Its terms.
        terms: Market,
    },
    /// Defines a price index and names its publisher.
    DefineIndex {
        /// Its id.
        index: IndexId,
        /// Its terms.
        terms: IndexTerms,
    },
    /// Opens a support programme, without money yet.
    OpenProgramme {
        /// Its id.
        programme: ProgrammeId,
        /// Its terms.
        terms: ProgrammeTerms,
    },
    /// Pays money into a programme.
    FundProgramme {
        /// The programme.
        programme: ProgrammeId,
        /// Who pays.
        funder: Name,
        /// How much; positive, in the programme's currency.
        amount: Money,
    },
    /// Takes in collateral of a participant's.
    DepositCollateral {
        /// Whose.
        participant: ParticipantId,
        /// How much; positive.
        amount: Money,
    },
    /// Gives collateral back that nothing is held against.
    ReturnCollateral {
        /// Whose.
        participant: ParticipantId,
        /// How much; positive.
        amount: Money,
    },
    /// Takes in a contribution to the default fund.
    ContributeToDefaultFund {
        /// Whose.
        participant: ParticipantId,
        /// How much; positive.
        amount: Money,
    },
    /// Gives a contribution to the default fund back.
    ReturnContribution {
        /// Whose.
        participant: ParticipantId,
        /// How much; positive.
        amount: Money,
    },
    /// Sets money of the centre's own aside for defaults.
    SetOwnResourcesAside {
        /// How much; positive.
        amount: Money,
    },
    /// Says how money of a currency is collected and secured, for invoices and notices from now on.
    SetClearingTerms {
        /// The currency.
        currency: Currency,
        /// The terms.
        terms: Box<ClearingTerms>,
    },
    /// Records a payment that came in.
    TakePayment {
        /// Who paid; `None` if nobody knows yet.
        participant: Option<ParticipantId>,
        /// How much; positive.
        amount: Money,
    },
    /// Says whose payment it was that came in from nobody knew whom.
    AttributePayment {
        /// Whose.
        participant: ParticipantId,
        /// How much; positive.
        amount: Money,
    },
    /// Records a payment that went out.
    PayOut {
        /// Who was paid; `None` if a payment that could not be attributed went back.
        participant: Option<ParticipantId>,
        /// How much; positive, and no more than the centre owes.
        amount: Money,
    },
    /// Says at which prices a programme buys a market's material into stock and releases it, and how much.
    SetStockRule {
        /// The programme.
        programme: ProgrammeId,
        /// The market.
        market: MarketId,
        /// The rule.
        rule: StockRule,
    },
    /// Changes the price down to which a floor's payments are reserved, from the next run on and for new grants.
    SetStressPrice {
        /// The floor.
        floor: FloorId,
        /// The price.
        price: Price,
    },
    /// Sets a floor on a market.
    SetFloor {
        /// Its id.
        floor: FloorId,
        /// Its terms.
        terms: FloorTerms,
    },
    /// Announces an auction; a support auction's budget is reserved at once.
    AnnounceAuction {
        /// Its id.
        auction: AuctionId,
        /// Its terms.
        terms: AuctionTerms,
    },
    /// Cancels an auction that is not final.
    CancelAuction {
        /// The auction.
        auction: AuctionId,
    },
    /// Grants an entitlement without an auction, at the floor's price.
    GrantEntitlement {
        /// The floor.
        floor: FloorId,
        /// Who is entitled.
        holder: ParticipantId,
        /// How much a period.
        per_period: Quantity,
    },
    /// Puts another participant in the place of a contract's holder, with all rights and duties.
    NovateEntitlement {
        /// The contract.
        entitlement: EntitlementId,
        /// Its new holder.
        to: ParticipantId,
    },
    /// Ends a contract before its time, and releases what is reserved after that.
    TerminateEntitlement {
        /// The contract.
        entitlement: EntitlementId,
        /// The last day that it covers, which ends a period.
        last: Day,
    },
    /// Says from when the holder of a contract shares high prices, where that waited for a condition.
    ShareUpside {
        /// The contract.
        entitlement: EntitlementId,
        /// The first day; a period is shared if it begins no earlier.
        from: Day,
    },
    /// Lets a price count that its index's guard holds.
    ReleaseReferencePrice {
        /// The index.
        index: IndexId,
        /// The day.
        day: Day,
        /// What is held: what the second operator confirms cannot change in between.
        observation: Observation,
    },
    /// Runs a period's settlement of a floor: the first run, or a reconciliation after a revised price or delivery.
    Settle {
        /// The floor.
        floor: FloorId,
        /// A day of the period: the next one to be settled, or an earlier one.
        period: Day,
        /// The data it is settled on, all up to this version: what the second operator confirms cannot change in between.
        version: DataVersion,
    },
    /// Puts a newer version of the rules in force, from the next command on.
    ChangeRules {
        /// The version's number.
        version: u32,
    },
    /// Opens a board of offers and requests on a market.
    OpenBoard {
        /// Its id.
        board: BoardId,
        /// Its terms.
        terms: BoardTerms,
    },
    /// Puts an offer or a request of a programme's stock on a board; what a request can cost is reserved at once.
    PostStockEntry {
        /// The board.
        board: BoardId,
        /// Whose stock.
        programme: ProgrammeId,
        /// What everybody sees of it.
        listing: Listing,
        /// What an offer takes at least, a request pays at most.
        limit: Price,
    },
    /// Takes an entry of a programme's stock off its board.
    WithdrawStockEntry {
        /// The entry.
        entry: EntryId,
    },
    /// Grants the seller of a deal a contract for difference on what it delivers, at the floor's price.
    GrantOnDeal {
        /// The deal.
        deal: NegotiationId,
        /// The floor.
        floor: FloorId,
        /// How much a period.
        per_period: Quantity,
    },
}

/// What an action acts on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Who takes part, and who acts for whom.
    People,
    /// What everybody trades and is paid by.
    Rules,
    /// Money, or a promise of money.
    Money,
}

impl Effect {
    /// Its word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::People => "people",
            Self::Rules => "rules",
            Self::Money => "money",
        }
    }
}

macro_rules! actions {
    ($($name:ident => $effect:ident;)*) => {
        impl Action {
            /// All that takes two operators: the name of each action, and what it acts on. An action that is missing here does
            /// not compile.
            pub const TABLE: &'static [(&'static str, Effect)] = &[$((stringify!($name), Effect::$effect)),*];

            /// The action's name, for logs and listings.
            pub const fn name(&self) -> &'static str {
                match self {
                    $(Self::$name { .. } => stringify!($name),)*
                }
            }
        }
    };
}

actions! {
    RegisterParticipant => People;
    AddIdentity => People;
    BindKey => People;
    RevokeIdentity => People;
    SetStanding => People;
    DefineMarket => Rules;
    DefineIndex => Rules;
    OpenProgramme => Rules;
    FundProgramme => Money;
    DepositCollateral => Money;
    ReturnCollateral => Money;
    ContributeToDefaultFund => Money;
    ReturnContribution => Money;
    SetOwnResourcesAside => Money;
    SetClearingTerms => Rules;
    TakePayment => Money;
    AttributePayment => Money;
    PayOut => Money;
    SetStockRule => Rules;
    SetStressPrice => Rules;
    SetFloor => Rules;
    AnnounceAuction => Money;
    CancelAuction => Money;
    GrantEntitlement => Money;
    NovateEntitlement => Money;
    TerminateEntitlement => Money;
    ShareUpside => Rules;
    ReleaseReferencePrice => Rules;
    Settle => Money;
    ChangeRules => Rules;
    OpenBoard => Rules;
    PostStockEntry => Money;
    WithdrawStockEntry => Money;
    GrantOnDeal => Money;
}
