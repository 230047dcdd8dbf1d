//! Random steps that somebody tries in a small world, each checked as it is made.

use std::collections::BTreeSet;

use golv_engine::auction::{AuctionKind, AuctionResult};
use golv_engine::book::Side;
use golv_engine::command::{Action, Command, NewBid};
use golv_engine::event::Event;
use golv_engine::id::*;
use golv_engine::key::KeyFingerprint;
use golv_engine::num::{Price, Quantity};
use golv_engine::participant::Standing;
use proptest::prelude::*;

use super::*;

/// Keys that are bound now and then: those whose bytes are all less than this.
pub const KEYS: u8 = 8;

/// Something that somebody tries.
#[derive(Clone, Debug)]
pub enum Step {
    Send(IdentityId, Command),
    Propose(IdentityId, Action),
    /// Proposes and confirms.
    Agree(Action),
    /// Confirms the latest proposal.
    Confirm(IdentityId),
    /// Changes one of the bids placed so far.
    Replace(IdentityId, prop::sample::Index, Price, Quantity),
    Withdraw(IdentityId, prop::sample::Index),
    Wait(u32),
    /// Sends the last command again, under the same id.
    Again,
}

fn somebody() -> impl Strategy<Value = IdentityId> {
    (0_u32..11).prop_map(IdentityId)
}

fn a_price() -> impl Strategy<Value = Price> {
    // Mostly on the tick and where bids cross, at times off it or outside the band.
    prop_oneof![8 => (35_i64..60).prop_map(|tens| price(tens * 10)), 1 => (0_i64..1_100).prop_map(price)]
}

fn a_quantity() -> impl Strategy<Value = Quantity> {
    prop_oneof![8 => (1_u32..50).prop_map(quantity), 1 => Just(quantity(0)), 1 => Just(quantity(101))]
}

fn an_auction() -> impl Strategy<Value = AuctionId> {
    prop_oneof![3 => Just(CALL), 3 => Just(SUPPORT), 1 => (1_u32..5).prop_map(AuctionId)]
}

fn a_bid() -> impl Strategy<Value = Step> {
    let side = prop_oneof![Just(Side::Buy), Just(Side::Sell)];
    let origin =
        prop_oneof![4 => Just("FI"), 1 => Just("CN")].prop_map(|code| code.parse().expect("a country"));
    (somebody(), an_auction(), side, a_price(), a_quantity(), origin, 0..10).prop_map(
        |(sender, auction, side, price, quantity, origin, odd)| {
            // Mostly somebody who may bid on that side.
            let fitting = match side {
                Side::Buy => BUYERS[sender.0 as usize % 3],
                Side::Sell => SUPPLIERS[sender.0 as usize % 3],
            };
            let sender = if odd == 0 { sender } else { fitting };
            let origin = ((side == Side::Sell) != (odd == 1)).then_some(origin);
            Step::Send(sender, Command::PlaceBid { auction, bid: NewBid { side, price, quantity, origin } })
        },
    )
}

fn an_action() -> impl Strategy<Value = Action> {
    let participant = prop_oneof![2 => 4_u32..7, 1 => 0_u32..11].prop_map(ParticipantId);
    let standing = prop_oneof![1 => Just(Standing::Suspended), 2 => Just(Standing::Active)];
    prop_oneof![
        16 => (prop_oneof![3 => 1_u8..3, 1 => 3_u8..8], prop_oneof![4 => Just(1_u32), 1 => 2_u32..4])
            .prop_map(|(number, revision)| Action::Settle { floor: FLOOR, month: month(2019, number), revision }),
        6 => (participant.clone(), a_quantity())
            .prop_map(|(holder, monthly)| Action::GrantEntitlement { floor: FLOOR, holder, monthly }),
        1 => an_auction().prop_map(|auction| Action::CancelAuction { auction }),
        2 => (-1_i64..50_000).prop_map(|amount| Action::FundProgramme { programme: PROGRAMME, amount: dollars(amount) }),
        1 => (participant, standing).prop_map(|(participant, standing)| Action::SetStanding { participant, standing }),
        1 => somebody().prop_map(|identity| Action::RevokeIdentity { identity }),
        1 => (0_u32..3).prop_map(|version| Action::ChangeRules { version }),
        1 => (somebody(), 0..KEYS, any::<bool>()).prop_map(|(identity, key, rotates)| Action::BindKey {
            identity,
            key: KeyFingerprint([key; 32]),
            others_end_at: rotates.then(|| month(2019, 1).end().expect("in reach")),
        }),
        2 => (1_u32..5, 1_u32..200, a_quantity()).prop_map(|(auction, opens_in, monthly)| {
            let now = month(2019, 1).end().expect("in reach");
            let opens_at = now.plus_seconds(hours(opens_in)).expect("fits");
            let closes_at = opens_at.plus_seconds(hours(5)).expect("fits");
            let call = AuctionKind::Call { market: MARKET };
            let support = AuctionKind::Support { floor: FLOOR, monthly };
            let kind = if opens_in % 2 == 0 { call } else { support };
            Action::AnnounceAuction { auction: AuctionId(auction), terms: terms(kind, opens_at, closes_at) }
        }),
    ]
}

pub fn a_step() -> impl Strategy<Value = Step> {
    let operator = prop_oneof![8 => Just(OPERATORS[0]), 8 => Just(OPERATORS[1]), 1 => somebody()];
    let trader = prop_oneof![somebody(), Just(BUYERS[0]), Just(SUPPLIERS[0])];
    let which = any::<prop::sample::Index>();
    prop_oneof![
        12 => a_bid(),
        3 => (trader.clone(), which.clone(), a_price(), a_quantity())
            .prop_map(|(sender, which, price, quantity)| Step::Replace(sender, which, price, quantity)),
        1 => (trader, which).prop_map(|(sender, which)| Step::Withdraw(sender, which)),
        6 => (operator.clone(), an_action()).prop_map(|(sender, action)| Step::Propose(sender, action)),
        4 => an_action().prop_map(Step::Agree),
        6 => operator.clone().prop_map(Step::Confirm),
        3 => prop_oneof![3 => 1_u32..hours(10), 2 => hours(24)..hours(24 * 20)].prop_map(Step::Wait),
        3 => (operator, an_auction())
            .prop_map(|(sender, auction)| Step::Send(sender, Command::ClearAuction { auction })),
        6 => (prop_oneof![3 => 1_u8..3, 1 => 3_u8..8], -100_i64..520).prop_map(|(number, units)| {
            let command =
                Command::PublishReferencePrice { index: INDEX, month: month(2019, number), price: price(units) };
            Step::Send(PUBLISHER, command)
        }),
        1 => Just(Step::Again),
    ]
}

/// A world with two open auctions in which steps were tried, each checked as it was.
pub struct Tried {
    pub world: World,
    bids: Vec<(AuctionId, BidId)>,
    proposal: Option<ProposalId>,
    /// The names of what was accepted and of why something was refused.
    pub seen: BTreeSet<&'static str>,
}

impl Tried {
    pub fn new(steps: &[Step]) -> Self {
        let (world, bids, proposal, seen) = (World::open(80_000), Vec::new(), None, BTreeSet::new());
        let mut tried = Self { world, bids, proposal, seen };
        steps.iter().for_each(|step| tried.step(step));
        tried
    }

    pub fn step(&mut self, step: &Step) {
        match step.clone() {
            Step::Send(sender, command) => {
                let id = self.send(sender, command.clone());
                if let (Some(id), Command::PlaceBid { auction, .. }) = (id, command) {
                    self.bids.push((auction, BidId { identity: sender, command: id }));
                }
            }
            Step::Propose(sender, action) => {
                let id = self.send(sender, Command::Propose { action });
                self.proposal = id.map(|command| ProposalId { identity: sender, command }).or(self.proposal);
            }
            Step::Agree(action) => {
                if let Some(command) = self.send(OPERATORS[0], Command::Propose { action }) {
                    let proposal = ProposalId { identity: OPERATORS[0], command };
                    self.send(OPERATORS[1], Command::Confirm { proposal });
                }
            }
            Step::Confirm(sender) => {
                if let Some(proposal) = self.proposal {
                    self.send(sender, Command::Confirm { proposal });
                }
            }
            Step::Replace(sender, which, price, quantity) if !self.bids.is_empty() => {
                let (auction, bid) = *which.get(&self.bids);
                // Mostly its owner.
                let sender = if sender.0 % 3 == 0 { sender } else { bid.identity };
                self.send(sender, Command::ReplaceBid { auction, bid, price, quantity });
            }
            Step::Withdraw(sender, which) if !self.bids.is_empty() => {
                let (auction, bid) = *which.get(&self.bids);
                let sender = if sender.0 % 3 == 0 { sender } else { bid.identity };
                self.send(sender, Command::WithdrawBid { auction, bid });
            }
            Step::Wait(seconds) => {
                let to = self.world.now.plus_seconds(seconds).expect("fits");
                self.send(OPERATORS[0], Command::SetClock { to });
            }
            Step::Again => {
                let line = self.world.journal.iter().rfind(|line| line.sender != IdentityId::SYSTEM);
                let line = line.expect("the world was set up by commands").clone();
                let (before, happened) = (self.world.exchange.state_digest(), self.world.events.len());
                let first = self.world.answer(line.sender, line.id);
                let outcome = self.world.send_as(line.sender, line.id, line.command);
                if let Some(first) = first {
                    assert_eq!(outcome, first.outcome, "asked twice, answered alike");
                }
                assert_eq!(self.world.answer(line.sender, line.id), first);
                assert_eq!(self.world.exchange.state_digest(), before, "asked twice, done once");
                assert_eq!(self.world.events.len(), happened);
            }
            Step::Replace(..) | Step::Withdraw(..) => {}
        }
    }

    /// Sends a command and checks what must hold after any.
    pub fn send(&mut self, sender: IdentityId, command: Command) -> Option<CommandId> {
        let before = self.world.exchange.state_digest();
        let happened = self.world.events.len();
        let outcome = self.world.send(sender, command);
        match outcome {
            Ok(_) => {}
            Err(reject) => {
                self.seen.insert(reject.name());
                assert_eq!(
                    self.world.exchange.state_digest(),
                    before,
                    "a refusal changes no state: {reject}"
                );
                assert_eq!(self.world.events.len(), happened, "nothing happens by a refusal: {reject}");
            }
        }
        assert!(self.world.exchange.is_conserved(), "money is conserved");
        for event in &self.world.events[happened..] {
            if let Event::AuctionCleared { auction, result, .. } = event {
                check_result(*auction, result, &self.world);
                self.seen.insert(if result.price.is_some() { "Cleared" } else { "ClearedEmpty" });
            }
            self.seen.insert(match event {
                Event::EntitlementGranted { .. } => "EntitlementGranted",
                Event::AuctionFinalised { .. } => "AuctionFinalised",
                Event::SettlementRunCompleted { run } if run.number > 1 => "Reconciled",
                Event::SettlementRunCompleted { run } if run.paid.millionths > 0 => "Paid",
                Event::BidReplaced { .. } => "BidReplaced",
                Event::BidWithdrawn { .. } => "BidWithdrawn",
                _ => "Other",
            });
        }
        outcome.ok()
    }
}

/// Nobody trades at a price worse than its limit, both sides trade the volume, and a better limit is filled
/// before a worse one.
fn check_result(auction: AuctionId, result: &AuctionResult, world: &World) {
    // The bids as they stood, told by their events.
    let mut book = BTreeMap::new();
    for event in &world.events {
        match *event {
            Event::BidAccepted { auction: a, bid, price, quantity, .. }
            | Event::BidReplaced { auction: a, bid, price, quantity, .. }
                if a == auction =>
            {
                book.insert(bid, (price, quantity));
            }
            Event::BidWithdrawn { auction: a, bid, .. } if a == auction => {
                book.remove(&bid);
            }
            _ => {}
        }
    }
    let Some(price) = result.price else { return };
    let filled = |bid: BidId| {
        result.fills.iter().find(|fill| fill.bid == bid).map_or(Quantity::ZERO, |fill| fill.quantity)
    };
    let side_of = |bid: BidId| if BUYERS.contains(&bid.identity) { Side::Buy } else { Side::Sell };
    for (&bid, &(limit, quantity)) in &book {
        let given = filled(bid);
        assert!(given <= quantity, "nobody is given more than it wanted");
        let side = side_of(bid);
        let in_the_money = if side == Side::Buy { limit >= price } else { limit <= price };
        assert!(given.is_zero() || in_the_money, "nobody trades beyond its limit");
        for (&other, &(other_limit, other_quantity)) in &book {
            let better = if side == Side::Buy { other_limit > limit } else { other_limit < limit };
            if side_of(other) == side && better && !given.is_zero() {
                assert_eq!(filled(other), other_quantity, "a better limit is filled whole first");
            }
        }
    }
    let sold: i64 =
        result.fills.iter().filter(|f| f.side == Side::Sell).map(|f| f.quantity.millionths()).sum();
    let bought: i64 =
        result.fills.iter().filter(|f| f.side == Side::Buy).map(|f| f.quantity.millionths()).sum();
    assert_eq!(sold, result.volume.millionths());
    let one_sided = result.reserved.is_some();
    assert_eq!(bought, if one_sided { 0 } else { sold }, "what buyers are awarded equals what sellers are");
}
