//! A seed of the `commands` target that does everything: each command and each action once at least, in a furnished world.

use golv_engine::auction::{AuctionKind, AuctionTerms, BidDetails, Solution};
use golv_engine::bilateral::{DealTerms, Goods, Listing, RoundSolution};
use golv_engine::book::Side;
use golv_engine::cfd::{Delivery, Observation};
use golv_engine::command::{Action, Command, NewBid};
use golv_engine::digest::Digest;
use golv_engine::id::{
    AuctionId, BidId, CommandId, Counterparty, DataVersion, EntitlementId, EntryId, IdentityId,
    NegotiationId, ParticipantId, ProposalId,
};
use golv_engine::key::KeyFingerprint;
use golv_engine::num::{Money, Quantity};
use golv_engine::participant::Standing;
use golv_engine::time::{Day, Instant};

use crate::commands::{AGREE, MEND, record};
use crate::world::{
    BOARD, BUYERS, CALL, DRAWN, FLOOR, GUARDED, INDEX, MARKET, METERED, OPERATORS, PROGRAMME, PUBLISHER,
    SECRET, SOLVED, STACK, SUPPLIERS, SUPPORT, dollars, parsed, price, quantity, rule,
};

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

/// The records of the seed, behind its first byte.
#[derive(Default)]
struct Script(Vec<u8>);

impl Script {
    fn send(&mut self, sender: IdentityId, command: Command) {
        self.0.extend(record(sender, MEND, &command));
    }

    /// As it is, with the ids that it has.
    fn exactly(&mut self, sender: IdentityId, command: Command) {
        self.0.extend(record(sender, 0, &command));
    }

    fn agree(&mut self, action: Action) {
        self.0.extend(record(OPERATORS[0], MEND | AGREE, &Command::Propose { action }));
    }

    fn wait(&mut self, seconds: i64) {
        self.send(OPERATORS[0], Command::SetClock { to: Instant(seconds) });
    }

    fn bid(
        &mut self,
        sender: IdentityId,
        auction: AuctionId,
        units: i64,
        lots: u32,
        details: Option<BidDetails>,
    ) {
        let side = if BUYERS.contains(&sender) { Side::Buy } else { Side::Sell };
        let origin = (side == Side::Sell).then(|| parsed("FI"));
        let bid = NewBid { side, price: Some(price(units)), quantity: quantity(lots), origin, details };
        self.exactly(sender, Command::PlaceBid { auction, bid });
    }

    fn post(&mut self, sender: IdentityId, side: Side, units: u32, limit: i64, is_group: bool) {
        let (listing, limit) = (Box::new(listing(side, units)), price(limit));
        self.send(sender, Command::PostEntry { board: BOARD, listing, limit, is_group });
    }
}

/// One of what there is, by its number modulo how many there are.
fn bid_number(number: u64) -> BidId {
    BidId { identity: IdentityId(0), command: CommandId(number) }
}

fn negotiation_number(number: u32) -> NegotiationId {
    NegotiationId { entry: EntryId(number), with: Counterparty::Entry(EntryId(0)), number: 0 }
}

fn entry(number: u32) -> EntryId {
    EntryId(number)
}

fn day_number(number: i32) -> Day {
    Day::try_from(number).expect("a day of 1970")
}

fn listing(side: Side, units: u32) -> Listing {
    Listing {
        side,
        goods: Goods::default(),
        minimum: Quantity::ZERO,
        quantity: quantity(units),
        first: parsed("2019-03-01"),
        last: parsed("2019-06-30"),
        sector: None,
        // So long after it is posted.
        valid_until: Instant(14 * DAY),
    }
}

fn deal_terms(units: i64, amount: u32) -> DealTerms {
    let (first, last) = (parsed("2019-03-01"), parsed("2019-06-30"));
    DealTerms { price: Some(price(units)), quantity: quantity(amount), first, last }
}

/// The seed.
pub fn everything() -> Vec<u8> {
    let mut script = Script(vec![1]);
    auctions(&mut script);
    board(&mut script);
    people(&mut script);
    money(&mut script);
    contracts(&mut script);
    // No auction under the floor is pending any more.
    script.agree(Action::SetStressPrice { floor: FLOOR, price: price(310) });
    script.0
}

fn auctions(script: &mut Script) {
    let [first, second, third] = SUPPLIERS;
    let [one, other, last] = BUYERS;
    let technology = |technology, minimum| {
        let minimum = quantity(minimum);
        Some(BidDetails { technology, minimum, ..BidDetails::default() })
    };
    script.bid(first, CALL, 450, 10, None);
    script.bid(one, CALL, 480, 10, None);
    script.bid(other, CALL, 470, 5, None);
    script.bid(last, CALL, 460, 5, None);
    let (auction, price_now) = (CALL, Some(price(480)));
    script.send(
        other,
        Command::ReplaceBid { auction, bid: bid_number(2), price: price_now, quantity: quantity(4) },
    );
    script.send(last, Command::WithdrawBid { auction, bid: bid_number(3) });
    script.bid(last, CALL, 460, 5, None);
    script.exactly(last, Command::WithdrawAll);
    script.bid(second, DRAWN, 450, 10, None);
    script.bid(third, DRAWN, 450, 10, None);
    script.bid(one, DRAWN, 460, 15, None);
    script.bid(first, SUPPORT, 450, 20, None);
    script.bid(first, STACK, 420, 10, technology(Some(0), 0));
    script.bid(second, STACK, 440, 10, technology(Some(1), 0));
    script.bid(third, STACK, 460, 10, technology(Some(0), 0));
    script.bid(third, SOLVED, 450, 20, technology(None, 5));
    script.bid(last, SOLVED, 480, 10, technology(None, 0));
    script.exactly(IdentityId::SYSTEM, Command::LineLost { identity: PUBLISHER });
    script.wait(10 * HOUR);
    script.exactly(IdentityId::SYSTEM, Command::Tick);
    // The book of the last auction, in order of time.
    let given = vec![(bid_number(0), quantity(10)), (bid_number(1), quantity(10))];
    let solution = Box::new(Solution { bids: Digest([0; 32]), given, bound: None });
    script.send(OPERATORS[0], Command::ProposeSolution { auction: SOLVED, solution });
    for (auction, secret) in [(CALL, None), (SUPPORT, None), (DRAWN, Some(SECRET)), (STACK, None)] {
        script.exactly(OPERATORS[1], Command::ClearAuction { auction, secret });
    }
    script.wait(25 * HOUR);
    script.send(first, Command::AcceptAward { auction: STACK, bid: bid_number(0) });
    script.send(second, Command::DeclineAward { auction: STACK, bid: bid_number(1) });
    let terms = AuctionTerms {
        kind: AuctionKind::Call { market: MARKET, stock: None },
        opens_at: Instant(HOUR),
        closes_at: Instant(HOUR),
        challenge_seconds: std::num::NonZeroU32::MIN,
        rule: rule().into(),
        draw_commitment: None,
    };
    let auction = AuctionId(6);
    script.agree(Action::AnnounceAuction { auction, terms });
    // The sixth that was announced.
    script.agree(Action::CancelAuction { auction: AuctionId(5) });
}

fn board(script: &mut Script) {
    let [first, second, _] = SUPPLIERS;
    let [one, other, last] = BUYERS;
    script.post(first, Side::Sell, 40, 300, false);
    script.post(one, Side::Buy, 20, 400, true);
    script.post(second, Side::Sell, 10, 310, false);
    let join = |number, units| Command::JoinGroup {
        entry: entry(number),
        quantity: quantity(units),
        limit: price(380),
    };
    script.send(other, join(1, 5));
    script.send(other, Command::LeaveGroup { entry: entry(1), member: ParticipantId(other.0) });
    script.send(other, join(1, 6));
    let listing_now = Box::new(listing(Side::Sell, 12));
    script.send(second, Command::ReplaceEntry { entry: entry(2), listing: listing_now, limit: price(320) });
    // Offer 0 to request 1: a price, another, agreed.
    let negotiate = |number, with, terms| Command::Negotiate {
        entry: entry(number),
        with: Counterparty::Entry(entry(with)),
        terms,
    };
    script.send(first, negotiate(0, 1, deal_terms(390, 10)));
    let (negotiation, turn) = (negotiation_number(0), 0);
    script.send(one, Command::CounterTerms { negotiation, turn, terms: deal_terms(350, 10) });
    script.send(first, Command::AcceptTerms { negotiation, turn });
    script.send(second, negotiate(2, 1, deal_terms(390, 2)));
    script.send(second, Command::EndNegotiation { negotiation });
    script.send(second, Command::WithdrawEntry { entry: entry(2) });
    let (programme, limit) = (PROGRAMME, price(200));
    script.agree(Action::PostStockEntry { board: BOARD, programme, listing: listing(Side::Buy, 10), limit });
    script.agree(Action::WithdrawStockEntry { entry: entry(2) });
    script.post(last, Side::Buy, 10, 420, false);
    script.exactly(OPERATORS[0], Command::CallRound { board: BOARD });
    let solution = RoundSolution { entries: Digest([0; 32]), deals: Vec::new(), duals: None, bound: None };
    script.send(OPERATORS[0], Command::ProposeDeals { board: BOARD, solution: Box::new(solution) });
    script.wait(600);
    for sender in [first, one] {
        script.send(sender, Command::AcceptTerms { negotiation, turn });
    }
    let deal = negotiation_number(0);
    script.agree(Action::GrantOnDeal { deal, floor: FLOOR, per_period: quantity(1) });
}

fn people(script: &mut Script) {
    let [_, _, last] = BUYERS;
    let participant = ParticipantId(last.0);
    script.exactly(OPERATORS[0], Command::Halt { participant });
    let standing = Standing::Active;
    script.agree(Action::SetStanding { participant, standing });
    let identity = IdentityId(11);
    script.agree(Action::AddIdentity { identity, participant });
    let (key, others_end_at) = (KeyFingerprint([9; 32]), None);
    script.agree(Action::BindKey { identity, key, others_end_at });
    script.agree(Action::RevokeIdentity { identity });
    // Proposed, and confirmed or withdrawn by a command of its own.
    let proposal = ProposalId { identity: OPERATORS[0], command: CommandId(0) };
    for answer in [Command::Confirm { proposal }, Command::WithdrawProposal { proposal }] {
        let action = Action::SetStanding { participant, standing: Standing::Suspended };
        script.send(OPERATORS[0], Command::Propose { action });
        script.send(OPERATORS[1], answer);
    }
}

fn money(script: &mut Script) {
    let amount: Money = dollars(100);
    let [participant, supplier] = [ParticipantId(BUYERS[2].0), ParticipantId(SUPPLIERS[2].0)];
    script.agree(Action::DepositCollateral { participant, amount });
    script.agree(Action::ReturnCollateral { participant, amount });
    script.agree(Action::ContributeToDefaultFund { participant: supplier, amount });
    script.agree(Action::ReturnContribution { participant: supplier, amount });
    script.agree(Action::SetOwnResourcesAside { amount });
    script.agree(Action::TakePayment { participant: None, amount: dollars(20_000) });
    script.agree(Action::AttributePayment { participant, amount: dollars(20_000) });
    script.agree(Action::PayOut { participant: Some(participant), amount });
}

fn contracts(script: &mut Script) {
    let [_, second, third] = SUPPLIERS;
    let per_period = quantity(10);
    script.agree(Action::GrantEntitlement { floor: FLOOR, holder: ParticipantId(second.0), per_period });
    script.agree(Action::GrantEntitlement { floor: METERED, holder: ParticipantId(third.0), per_period });
    script.wait(40 * DAY);
    script.wait(20 * DAY);
    // It is the beginning of February: so many days ago, less one, was the end of January.
    let ago = day_number;
    let observation = |units| Observation { price: price(units), volume: None, source: None };
    for number in [1, 2, 3] {
        let (index, day) = (INDEX, ago(number));
        script.send(PUBLISHER, Command::PublishReferencePrice { index, day, observation: observation(400) });
        let (index, day) = (GUARDED, ago(number));
        script.send(PUBLISHER, Command::PublishReferencePrice { index, day, observation: observation(900) });
    }
    script.agree(Action::ReleaseReferencePrice {
        index: GUARDED,
        day: ago(0),
        observation: observation(900),
    });
    // Whichever of them are metered.
    let all = [0, 1, 2, 3, 4, 5].map(EntitlementId);
    for entitlement in all {
        let delivery = Delivery {
            sold: quantity(8),
            from_stock: Quantity::ZERO,
            stockpiled: quantity(1),
            destination: None,
            evidence: None,
        };
        script.send(OPERATORS[0], Command::ReportDelivery { entitlement, day: ago(4), delivery });
    }
    for floor in [FLOOR, METERED] {
        script.agree(Action::Settle { floor, period: ago(4), version: DataVersion(0) });
    }
    for entitlement in all {
        let from = parsed("2019-05-01");
        script.agree(Action::ShareUpside { entitlement, from });
        script.agree(Action::NovateEntitlement { entitlement, to: ParticipantId(second.0) });
        script.agree(Action::TerminateEntitlement { entitlement, last: parsed("2019-05-31") });
    }
}
