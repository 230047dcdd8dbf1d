//! Every refusal, with its code.
//!
//! A refusal changes nothing but the sender's last command id and the chain digest. It says what was wrong and, where there is
//! one answer, what would be right. Codes are never reused: 1xx are about the sender, 2xx about a proposal, 3xx people, 4xx markets and
//! money, 5xx auctions, 6xx settlement, 7xx the exchange itself, 8xx boards and deals. When several reasons apply, the sender's come first,
//! then a proposal's, and then those of the command in the order of its checks, of which the first that fails is told.

use serde::{Deserialize, Serialize};

use crate::bilateral::Fault;
use crate::id::{
    AuctionId, BidId, BoardId, CommandId, DataVersion, EntitlementId, EntryId, FloorId, IdentityId, IndexId,
    MarketId, NegotiationId, ParticipantId, ProgrammeId, ProposalId,
};
use crate::indivisible::check::FaultKind;
use crate::num::{Money, Price, Quantity};
use crate::support::{OfferFault, SupportRuleFault};
use crate::text::Country;
use crate::time::{Day, Instant};

macro_rules! rejects {
    ($($(#[$doc:meta])* $code:literal $name:ident $({ $($(#[$field_doc:meta])* $field:ident: $type:ty,)* })? = $text:literal $(, $arg:expr)*;)*) => {
        /// Why a command was refused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
        pub enum Reject {
            $($(#[$doc])* #[error($text $(, $arg)*)] $name $({ $($(#[$field_doc])* $field: $type,)* })?,)*
        }

        impl Reject {
            /// The refusal's code, for programs.
            pub const fn code(&self) -> u16 {
                match self {
                    $(Self::$name $({ $($field: _,)* })? => $code,)*
                }
            }

            /// The refusal's name, for programs and logs.
            pub const fn name(&self) -> &'static str {
                match self {
                    $(Self::$name $({ $($field: _,)* })? => stringify!($name),)*
                }
            }

            /// Every refusal in the order of the variants: its code, its name, and its fields with their types.
            pub const TABLE: &'static [(u16, &'static str, &'static str)] =
                &[$(($code, stringify!($name), concat!($($(stringify!($field: $type), "; ",)*)?)),)*];
        }
    };
}

rejects! {
    /// The sender is no identity of this exchange. Nothing is kept of the command.
    101 UnknownSender = "the sender is not an identity of this exchange";
    /// The command id is below the highest and its answer is no longer kept, or was never given.
    102 TooOld {
        /// The highest id that this identity has used.
        highest: CommandId,
    } = "command ids strictly increase; the highest so far is {highest}";
    /// The command id was used before with other content.
    103 IdReused = "this command id was used before with other content";
    /// The sender was revoked, or an identity that the command names.
    104 IdentityRevoked = "the identity that sent this, or that it names, was revoked";
    /// The sender's participant is suspended, or one that the command names.
    105 ParticipantSuspended = "the participant that sent this, or that it names, is suspended";
    /// The participant's roles do not allow the command.
    106 NotPermitted = "none of the participant's roles permits this command";
    /// Only the system sends this command.
    107 SystemOnly = "only the system itself sends this command";
    /// The exchange was founded before.
    108 AlreadyFounded = "the exchange was founded before";
    /// The clock can be set in a rehearsal alone.
    109 NotARehearsal = "the clock of a live exchange cannot be set";
    /// Time does not go backwards.
    110 ClockBackwards {
        /// The time now.
        now: Instant,
    } = "the clock cannot be set before {now}";

    /// No such proposal is pending.
    201 UnknownProposal {
        /// What was named.
        proposal: ProposalId,
    } = "there is no pending proposal {proposal}";
    /// The proposer cannot confirm.
    202 SameOperator = "a proposal is confirmed by another operator than proposed it";
    /// Too many proposals are pending.
    203 TooManyProposals {
        /// The most there may be.
        most: u32,
    } = "there are {most} pending proposals; confirm or withdraw some";

    /// No such participant.
    301 UnknownParticipant {
        /// What was named.
        participant: ParticipantId,
    } = "there is no participant {participant}";
    /// The participant's id is taken.
    302 ParticipantTaken = "the participant's id is taken";
    /// No such identity.
    303 UnknownIdentity {
        /// What was named.
        identity: IdentityId,
    } = "there is no identity {identity}";
    /// The identity's id is taken or reserved.
    304 IdentityTaken = "the identity's id is taken or reserved";
    /// A participant without a role could do nothing.
    305 NoRole = "a participant has at least one role";
    /// Too few operators would remain.
    306 LastOperators = "two active operators must remain";
    /// Only a supplier can hold an entitlement.
    307 NotASupplier = "only a supplier can hold an entitlement";
    /// Only a publisher can be named as an index's publisher.
    308 NotAPublisher = "the participant named is not a publisher";
    /// The index has another publisher.
    309 OtherPublisher = "the index is published by another participant";
    /// The key was bound before, to this identity or another.
    310 KeyTaken = "the key was bound before; every key is bound once";
    /// A defaulter takes part again when what others paid for it is made good.
    311 InDefault = "the participant is in default, and what it owes and others have paid must be made good first";

    /// No such market.
    401 UnknownMarket {
        /// What was named.
        market: MarketId,
    } = "there is no market {market}";
    /// The market's id is taken.
    402 MarketTaken = "the market's id is taken";
    /// Lot, tick, band and largest quantity do not make a grid.
    403 MarketGrid = "lot and tick must be positive, the band's ends in order and on the tick, the largest quantity in whole lots";
    /// Amounts would not be exact.
    404 MarketTooFine = "a lot times a tick must be a whole number of millionths of the currency";
    /// Too many price levels.
    405 MarketTooWide {
        /// The most there may be.
        levels_max: u32,
    } = "the band must have at most {levels_max} ticks";
    /// No such index.
    406 UnknownIndex {
        /// What was named.
        index: IndexId,
    } = "there is no index {index}";
    /// The index's id is taken.
    407 IndexTaken = "the index's id is taken";
    /// No such programme.
    408 UnknownProgramme {
        /// What was named.
        programme: ProgrammeId,
    } = "there is no programme {programme}";
    /// The programme's id is taken.
    409 ProgrammeTaken = "the programme's id is taken";
    /// Money of another currency.
    410 OtherCurrency = "market, index, programme and amount must be in one currency";
    /// An amount must be positive, in whole minor units.
    411 AmountNotPayable = "the amount must be positive and in whole minor units of its currency";
    /// The programme's free money is short.
    412 ProgrammeShort {
        /// How much it lacks.
        short: Money,
    } = "the programme lacks {short}; fund it first";
    /// No such floor.
    413 UnknownFloor {
        /// What was named.
        floor: FloorId,
    } = "there is no floor {floor}";
    /// The floor's id is taken.
    414 FloorTaken = "the floor's id is taken";
    /// The floor's prices are off the grid, or its stress price is not below its price.
    415 FloorPrice = "the floor's price must be on the market's grid, and its stress price on the tick and below it; while an auction under the floor is not final the stress price stands";
    /// The floor's months are not a run of whole periods.
    416 FloorMonths = "the floor's last month must not be before its first, and quarters are covered whole";
    /// No origin, or too many.
    417 FloorOrigins {
        /// The most there may be.
        most: u32,
    } = "a floor names between 1 and {most} origins";
    /// An amount does not fit.
    418 AmountTooLarge = "an amount of these terms is larger than can be held (about 9.2 trillion)";
    /// Nothing is left to support under the floor.
    419 FloorOver = "the floor covers no period any more that has not begun";
    /// There would be too many entitlements.
    420 TooManyEntitlements = "the exchange can hold no more entitlements than there are and may be won in announced auctions";
    /// The payoff makes no sense.
    421 PayoffTerms = "a contract supports some share of what the price lacks, shares some of high prices if any and none below the floor's price, caps what it takes in whole minor units and its volume above nothing, and has no minimum above the floor's price";
    /// The volume rule makes no sense.
    422 VolumeTerms = "destinations, evidence and averages weighted by deliveries are for metered volume, and there are at most 256 destinations";
    /// The indexation makes no sense.
    423 IndexationTerms = "an indexation names an index without a currency, two months of 1 to 12, a positive base value, and a unit that is positive and no larger than the floor's price";
    /// The reference rule makes no sense.
    424 ReferenceTerms = "a day has one price, so a daily contract asks for no more, and a fallback is another index than the floor's";
    /// The clearing terms cannot be kept.
    425 ClearingTerms = "a notice gives at least one business day, and terms name at most 1,000 holidays";
    /// The waterfall takes money that is not its turn.
    426 WaterfallOrder = "a waterfall names each pot once, the defaulter's own first, then the centre's, then that of others";
    /// The programme has nothing left.
    427 ProgrammeFull = "everything that the programme was funded with is spent, reserved or claimed";
    /// Less than the amount is there.
    428 BalanceShort {
        /// How much is missing.
        short: Money,
    } = "{short} less than the amount is there";
    /// A stock order keeps to its programme's rule.
    429 StockTerms = "a stock is bought at the rule's floor, which is also the auction's, and released above it, in whole lots and no more than the rule allows or is held";

    /// No such auction.
    501 UnknownAuction {
        /// What was named.
        auction: AuctionId,
    } = "there is no auction {auction}";
    /// The auction's id is taken.
    502 AuctionTaken = "the auction's id is taken";
    /// The auction's times are out of order.
    503 AuctionTimes {
        /// The time now.
        now: Instant,
    } = "an auction opens after now ({now}) and closes after it opens";
    /// The auction takes no bids yet.
    504 NotYetOpen {
        /// When it opens.
        opens_at: Instant,
    } = "the auction opens at {opens_at}";
    /// The time for it is over: for bids at the auction's close, for solutions and for accepting awards some time later.
    505 TooLate {
        /// When it ended.
        closed_at: Instant,
    } = "the time for it ended at {closed_at}";
    /// The auction was cancelled.
    506 AuctionCancelled = "the auction was cancelled";
    /// The auction cannot be cleared yet.
    507 NotClosed {
        /// When it closes.
        closes_at: Instant,
    } = "the auction closes at {closes_at}";
    /// The auction was cleared before.
    508 AlreadyCleared = "the auction was cleared before";
    /// A final result stands.
    509 AlreadyFinal = "the auction's result is final";
    /// The participant cannot bid on this side of this auction.
    510 WrongSide = "suppliers sell and buyers buy; support auctions and purchases take offers to sell alone, sales bids to buy";
    /// The price is off the tick.
    511 PriceOffTick {
        /// The tick.
        tick: Price,
    } = "the price must be a whole multiple of the tick {tick}";
    /// The price is outside the band.
    512 PriceOutsideBand {
        /// The lowest price taken.
        lowest: Price,
        /// The highest price taken.
        highest: Price,
    } = "the price must lie between {lowest} and {highest}";
    /// The strike is above the floor.
    513 StrikeAboveFloor {
        /// The floor's price.
        floor: Price,
    } = "the strike must not be above the floor's price {floor}";
    /// The quantity is nothing or too large.
    514 QuantityOutOfRange {
        /// The smallest quantity.
        lot: Quantity,
        /// The largest quantity.
        largest: Quantity,
    } = "the quantity must lie between {lot} and {largest}";
    /// The quantity is not in whole lots.
    515 QuantityOffLot {
        /// The lot.
        lot: Quantity,
    } = "the quantity must be a whole multiple of the lot {lot}";
    /// An offer names an origin, a bid to buy does not.
    516 OriginStated = "an offer names the material's origin, and a bid to buy does not";
    /// The floor does not support this origin.
    517 OriginNotEligible {
        /// What was named.
        origin: Country,
    } = "the floor does not support material from {origin}";
    /// The book is full.
    518 BookFull = "the auction's book can hold no more";
    /// No such bid stands in the book, or a participant names another's.
    519 UnknownBid {
        /// What was named.
        bid: BidId,
    } = "no bid {bid} that the sender may name stands in the book";
    /// A support auction or a purchase takes priced offers alone.
    520 StrikeMissing = "an offer in a support auction or a purchase names its price";
    /// The rule's criteria could not choose a price.
    521 RuleCascade = "a rule's cascade names at least one criterion, and none twice";
    /// The rule's steps are not the market's.
    522 RuleOffGrid {
        /// The market's tick.
        tick: Price,
        /// The market's lot.
        lot: Quantity,
    } = "a rule's prices are whole multiples of the market's tick {tick}, its minimum of the lot {lot}, and it states no other tick or lot";
    /// No price is inside the rule's bounds.
    523 RuleBoundsCrossed {
        /// The highest of the lower bounds.
        lowest: Price,
        /// The lowest of the upper bounds.
        highest: Price,
    } = "no price is at or above {lowest} and at or below {highest}: floor, ceiling and quote exclude each other";
    /// The rule's allocation is for books outside the exchange.
    524 RuleAllocation = "an auction gives both sides as much, and by a price rule its bids have no minimums: round-up and minimum-fill are not for it";
    /// Both sides of a call auction trade at one price.
    525 RulePayment = "in a call auction everybody trades at one price; its own price is what a winner of a support auction can get";
    /// A draw without its hash, or a hash without a draw.
    526 DrawCommitment = "a seeded draw is announced with the hash of its secret, and no other allocation is";
    /// Not the secret that was announced.
    527 DrawSecret = "a seeded draw is made with the secret whose hash was announced, and no other allocation has one";

    /// The rule is of a kind that such an auction is not cleared by.
    540 RuleKind = "a call auction is cleared by a price rule or by solutions, a sale by a price rule; a stack of offers is for support auctions and purchases";
    /// The stack's rule makes no sense.
    541 SupportRule {
        /// What is wrong with it.
        fault: SupportRuleFault,
    } = "the support rule makes no sense: {fault}";
    /// The offer does not fit the stack's rule.
    542 OfferNotTaken {
        /// What is wrong with it.
        fault: OfferFault,
    } = "{fault}";
    /// The strike is above the ceiling of its technology.
    543 StrikeAboveCeiling {
        /// The ceiling.
        ceiling: Price,
    } = "the strike must not be above the ceiling {ceiling}";
    /// Nothing but a stack tells technologies, years, quality and units apart.
    544 DetailsNotTaken = "only an offer in a stack states a technology, a year, its quality or a unit, and a minimum only that or a bid in an auction by solutions";
    /// The collateral does not cover the bid bond.
    545 BondShort {
        /// How much it lacks.
        short: Money,
    } = "the bid bond needs {short} more collateral";
    /// More than is free was to be given back.
    546 CollateralShort {
        /// How much is missing.
        short: Money,
    } = "of the collateral that nothing is held against, {short} is missing";
    /// No award of this bid is waiting to be accepted, or a participant names another's.
    547 NoAwardOffered {
        /// What was named.
        bid: BidId,
    } = "no award to a bid {bid} that the sender may name is waiting to be accepted";
    /// Other auctions are not cleared by solutions.
    548 SolutionsForCalls = "solutions are for call auctions; a support auction is cleared by a price rule or a stack, a purchase by a stack, a sale by a price rule";
    /// The auction is cleared otherwise.
    549 NoSolutionWanted = "the auction is not cleared by solutions";
    /// The solution is for other bids.
    550 OtherBook = "the solution is for other bids than those that stood at the close";
    /// The solution cannot be made.
    551 SolutionRefused {
        /// Why.
        fault: FaultKind,
        /// Which bid it is about.
        bid: Option<BidId>,
    } = "{fault}{}", bid.map_or_else(String::new, |bid| format!(": bid {bid}"));
    /// Solutions are taken yet.
    552 SolutionsUntil {
        /// Until when.
        until: Instant,
    } = "solutions are taken until {until}";
    /// No solution was proposed.
    553 NoSolution = "the auction is cleared by a solution, and none was proposed";
    /// Only what a final purchase bought can be sold.
    554 NotAPurchase {
        /// What was named.
        auction: AuctionId,
    } = "auction {auction} is no purchase whose awards are final";
    /// One sale of a purchase after the other.
    555 SalePending = "another sale of this purchase is not final yet";
    /// Everything was sold.
    556 NothingToSell = "nothing is left of this purchase";
    /// A purchase is a stack.
    557 PurchaseByStack = "a purchase awards the best offers of a stack; its rule is a support rule";
    /// The secret of a draw is published with its result.
    558 DrawSecretUsed = "another auction was announced with the hash of this secret; every draw has a secret of its own";

    /// The day or period is not over.
    601 PeriodNotOver {
        /// When it ends.
        ends_at: Instant,
    } = "the day or period is not over until {ends_at}";
    /// No reference price, or too few, have been published for the period.
    602 NoReferencePrice {
        /// The index.
        index: IndexId,
        /// The first day of the period.
        from: Day,
    } = "index {index} has no price, or too few, of the period that begins on {from}";
    /// Periods are settled in their order.
    603 PeriodOutOfOrder {
        /// The first day of the period to be settled next.
        next: Day,
    } = "periods are settled in their order; the next begins on {next}";
    /// The day is not covered.
    604 PeriodNotCovered {
        /// The first day that is.
        first: Day,
        /// The last day that is.
        last: Day,
    } = "the floor or contract covers {first} to {last}";
    /// There are no data of this version yet.
    605 UnknownVersion {
        /// The latest.
        latest: DataVersion,
    } = "the latest data have version {latest}";
    /// A run was made on newer data.
    606 OlderVersion {
        /// What the newest run of the floor was made on.
        settled: DataVersion,
    } = "the floor was settled on version {settled} of the data, and runs never go back to older ones";
    /// No such entitlement, or a participant names another's.
    607 UnknownEntitlement {
        /// What was named.
        entitlement: EntitlementId,
    } = "there is no entitlement {entitlement} that the sender may name";
    /// The volume does not depend on deliveries.
    608 NotMetered = "the contract's volume is fixed; deliveries are reported under metered ones";
    /// What came from stock was not sold, or it is too much for a day.
    609 DeliveryTerms = "what came from stock is a part of what was sold, and no more than about 23 billion are delivered a day";
    /// More would have been sold from stock than was put there.
    610 StockShort {
        /// The first day on which it is so.
        day: Day,
    } = "on {day} more would have been sold from stock than was put there";
    /// A price or delivery was revised too often.
    611 TooManyRevisions {
        /// The most there may be.
        most: u32,
    } = "the price or delivery was revised too often; {most} are kept";
    /// No such price is held.
    612 PriceNotHeld {
        /// The index.
        index: IndexId,
        /// The day.
        day: Day,
    } = "index {index} holds no such price of {day}";
    /// The contract is the participant's already.
    613 SameHolder = "the contract is this participant's already";
    /// The contract cannot end then.
    614 TerminationDay = "a contract ends with a period that was not settled yet, and before the day on which it would end anyway";
    /// Nothing waits for a condition.
    615 NoUpsideCondition = "no share of high prices waits for a condition under this contract";
    /// The day was settled already.
    616 UpsideSettled {
        /// The first day that was not.
        next: Day,
    } = "what is before {next} was settled without a share of high prices";

    /// This engine does not know the version of the rules.
    701 UnknownRules {
        /// The newest that it knows.
        newest: u32,
    } = "this engine knows rules up to version {newest}; install a later one first";
    /// Rules only change to newer ones.
    702 RulesNotNewer {
        /// The version in force.
        current: u32,
    } = "rules version {current} is in force, and rules only change to a newer version";
    /// The command made the engine fail, and was set aside instead of executed.
    703 InternalFault = "the command made the engine fail and was set aside by the operators of the machine; a new command may be sent under a new id";

    /// No such board.
    801 UnknownBoard {
        /// What was named.
        board: BoardId,
    } = "there is no board {board}";
    /// The board's id is taken.
    802 BoardTaken = "the board's id is taken";
    /// The board's terms make no sense.
    803 BoardTerms = "a board names at most 64 sectors, each once, and a cap, if there is one, is more than nothing";
    /// No such entry, or none of this participant's.
    804 UnknownEntry {
        /// What was named.
        entry: EntryId,
    } = "there is no entry {entry} that this participant may name here";
    /// There would be too many.
    805 BoardFull {
        /// The most there may be.
        most: u32,
    } = "there may be {most} of these and no more: of a board's entries, of one owner's on it, or of a group's members";
    /// An owner is on a board alone or in one group.
    806 GroupOrAlone = "on one board an owner acts either alone or in one purchasing group";
    /// A least quantity is more than there is.
    807 EntryMinimum = "the least quantity of a deal must not be more than the quantity";
    /// The days of delivery are over or end before they begin.
    808 DeliveryWindow = "the last day of delivery must not be before the first, nor be over";
    /// The time of validity is over.
    809 EntryValidity {
        /// The time now.
        now: Instant,
    } = "what is posted must end after now ({now}), and within reach";
    /// No deal is made below the floor.
    810 BelowFloor {
        /// The floor.
        floor: Price,
    } = "no deal on this board is made below {floor}";
    /// The entry takes part in a round, or one is on.
    811 RoundOn {
        /// Until when.
        until: Instant,
    } = "a round is on until {until}, and what takes part in it stands still";
    /// A part of the entry is promised.
    812 EntryHeld {
        /// How much.
        held: Quantity,
    } = "{held} of the entry is promised in negotiations";
    /// What is negotiated about stays what it is.
    813 EntryNegotiated = "grade, purity, place and origin stay as they are while the entry is negotiated about";
    /// The entry is no purchasing group.
    814 NotAGroup {
        /// What was named.
        entry: EntryId,
    } = "entry {entry} is no purchasing group";
    /// The participant is no member that can leave.
    815 NotAMember = "members leave by themselves or are sent away by the lead, who dissolves the group by withdrawing it";
    /// No round is on.
    816 NoRound = "no round is on";
    /// The solution is for other entries.
    817 OtherEntries = "the solution is for other entries than those that take part in the round";
    /// Deals are named in their order.
    818 DealsOutOfOrder = "deals are named in the order of their offers and then of their requests, each pair once";
    /// The deals cannot be made.
    819 DealsRefused {
        /// Why.
        fault: Fault,
    } = "{fault}";
    /// Nobody there could make this deal.
    820 NoCounterparty = "a deal is negotiated with an entry on the other side of the same board that wants the same, or with an active participant who may be on that side";
    /// Both sides have one owner.
    821 SameOwner = "no deal is made between parties of one owner";
    /// Too many negotiations at once.
    822 TooManyNegotiations = "of one entry at most 64 negotiations are open, and at most 8 between an owner or a chosen participant and an entry";
    /// No such negotiation of this participant's.
    823 UnknownNegotiation {
        /// What was named.
        negotiation: NegotiationId,
    } = "there is no negotiation {negotiation} of this participant";
    /// The terms have changed.
    824 TermsChanged {
        /// How often they were countered.
        turn: u32,
    } = "the terms were countered in the meantime; those that stand are of turn {turn}";
    /// The other side is to answer.
    825 NotYourTurn = "this side has agreed already; the other is to answer";
    /// There is no price to agree to.
    826 NoPrice = "terms without a price ask for one; answer with terms that have one";
    /// More than is free.
    827 EntryShort {
        /// What is free.
        free: Quantity,
    } = "of the entry {free} is promised to nobody";
    /// The members would not pay as much.
    828 GroupLimit {
        /// The most that all of them pay.
        limit: Price,
    } = "the group pays {limit} at the most, the lowest limit of its members";
    /// It was countered often enough.
    829 TooManyCounters {
        /// The most there may be.
        most: u32,
    } = "terms are countered at most {most} times; accept them or end the negotiation";
    /// A stock deals at its terms alone.
    830 StockDoesNotNegotiate = "a programme's stock deals at its price or better, for its days, and does not negotiate";
    /// No such deal.
    831 UnknownDeal {
        /// What was named.
        negotiation: NegotiationId,
    } = "no deal came of a negotiation {negotiation}";
    /// The floor is another market's.
    832 OtherMarket = "the floor is of another market than the deal";
    /// The contract could never pay.
    833 NeverPays {
        /// What its reference price is never below.
        price: Price,
    } = "the reference price is never below {price}, so that a strike that is not above it never pays";
    /// More than was dealt in.
    834 DealCovered {
        /// What no contract covers yet.
        left: Quantity,
    } = "contracts cover no more than the deal: {left} is left";
    /// The index has too few prices.
    835 IndexThin {
        /// The index.
        index: IndexId,
    } = "index {index} had fewer prices in the last period than the contract needs";
    /// A part of the group is promised. How much is its lead's business.
    836 GroupPromised = "the group has promised a part of what it wants; members come and go when it has not";
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn codes_are_unique_and_in_order() {
        let codes: Vec<u16> = Reject::TABLE.iter().map(|(code, _, _)| *code).collect();
        assert!(codes.is_sorted());
        assert_eq!(codes.iter().collect::<BTreeSet<_>>().len(), codes.len());
    }

    #[test]
    fn a_refusal_says_what_would_be_right() {
        let reject = Reject::PriceOffTick { tick: Price::from_millionths(10_000_000) };
        assert_eq!(reject.code(), 511);
        assert_eq!(reject.name(), "PriceOffTick");
        assert_eq!(reject.to_string(), "the price must be a whole multiple of the tick 10");
    }
}
