//! No command costs an allocation on the writer's thread, once it is warm.

use super::*;
use crate::pipeline::{Answered, Message, QUEUE_CAPACITY};
use golv_engine::auction::{AuctionKind, AuctionTerms};
use golv_engine::book::Side;
use golv_engine::clearing::{Allocation, Candidates, Criterion, Rule};
use golv_engine::command::{Action, NewBid, Operator};
use golv_engine::id::{AuctionId, BidId, MarketId, OwnerGroup, ParticipantId, ProposalId};
use golv_engine::market::{Market, Unit};
use golv_engine::num::{Currency, Price, Quantity};
use golv_engine::participant::Role;
use golv_journal::SEGMENT_BYTES;
use std::num::NonZeroU32;
use tokio::sync::mpsc;

const OPERATORS: [IdentityId; 2] = [IdentityId(1), IdentityId(2)];
const BUYER: IdentityId = IdentityId(3);
const AUCTION: AuctionId = AuctionId(1);

/// A writer on the test's own thread, one session that sends for everybody, and an auction with one bid.
struct Bench {
    // Before the directory that it works in.
    writer: Writer,
    messages: mpsc::Receiver<Message>,
    /// The highest command id so far, of whoever sends next.
    last: u64,
    _dir: tempfile::TempDir,
}

fn quantity(lots: u32) -> Quantity {
    Quantity::from_units(lots).expect("fits")
}

fn price(units: i64) -> Price {
    Price::from_units(units).expect("fits")
}

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let name = "The centre".parse().expect("a name");
        let operators = OPERATORS.map(|identity| Operator::local(identity.0));
        let founding = Command::Found { participant: ParticipantId(1), name, operators };
        let start = Instant::at_midnight(2019, 1, 1).expect("a day");
        let creation = Creation::Rehearsal { seed: 1, start };
        let journal = dir.path().join("journal");
        let mut writer = Writer::create(&journal, creation, SEGMENT_BYTES, founding).expect("created");
        let (queue, messages) = mpsc::channel(QUEUE_CAPACITY);
        writer.sessions.connect(0, queue);
        let mut bench = Self { writer, messages, last: 0, _dir: dir };
        bench.open(start);
        bench
    }

    /// Registers a buyer, opens an auction, and places the buyer's bid as its first command.
    fn open(&mut self, start: Instant) {
        let after = |seconds| start.plus_seconds(seconds).expect("fits");
        let participant = ParticipantId(3);
        let [name, material] = ["A buyer", "Lithium"].map(|name| name.parse().expect("a name"));
        let roles = [Role::Buyer].into();
        self.agree(Action::RegisterParticipant { participant, name, owner_group: OwnerGroup(3), roles });
        self.agree(Action::AddIdentity { identity: BUYER, participant });
        let market = MarketId(1);
        let terms = Market {
            name: material,
            unit: Unit::Tonne,
            currency: Currency::Eur,
            lot: quantity(1),
            tick: price(1),
            lowest: price(0),
            highest: price(1_000),
            largest: quantity(1_000_000),
        };
        self.agree(Action::DefineMarket { market, terms });
        let terms = AuctionTerms {
            kind: AuctionKind::Call { market, stock: None },
            opens_at: after(60),
            closes_at: after(36_000),
            challenge_seconds: NonZeroU32::new(60).expect("positive"),
            rule: Rule::new(
                Candidates::Limits,
                vec![Criterion::MostVolume, Criterion::Highest],
                Allocation::ProRata,
            )
            .into(),
            draw_commitment: None,
        };
        self.agree(Action::AnnounceAuction { auction: AUCTION, terms });
        self.send(OPERATORS[0], 1_000, Command::SetClock { to: after(120) });
        let bid = NewBid {
            side: Side::Buy,
            price: Some(price(500)),
            quantity: quantity(1_000_000),
            origin: None,
            details: None,
        };
        self.send(BUYER, 1, Command::PlaceBid { auction: AUCTION, bid });
        self.last = 1;
    }

    fn send(&mut self, sender: IdentityId, id: u64, command: Command) {
        self.writer.gather(Some(0), sender, CommandId(id), command);
        self.writer.commit().expect("durable");
        assert_eq!(self.outcomes(), [Ok(())]);
    }

    fn agree(&mut self, action: Action) {
        self.last += 1;
        let proposal = ProposalId { identity: OPERATORS[0], command: CommandId(self.last) };
        self.send(OPERATORS[0], self.last, Command::Propose { action });
        self.send(OPERATORS[1], self.last, Command::Confirm { proposal });
    }

    /// What was answered since this was asked last.
    fn outcomes(&mut self) -> Vec<Result<(), Reject>> {
        let mut outcomes = Vec::new();
        while let Ok(message) = self.messages.try_recv() {
            if let Message::Answered { answers, .. } = message {
                outcomes.extend(answers.iter().map(|Answered { answer, .. }| answer.outcome));
            }
        }
        outcomes
    }

    /// Commits a batch of replacements of a bid, each by a lot less; how often that allocated.
    fn allocations(&mut self, commands: u32, bid: BidId) -> u64 {
        let measured = allocation_counter::measure(|| {
            for _ in 0..commands {
                self.last += 1;
                let left = 1_000_000 - u32::try_from(self.last).expect("few");
                let (price, quantity) = (price(500), quantity(left));
                let command = Command::ReplaceBid { auction: AUCTION, bid, price: Some(price), quantity };
                self.writer.gather(Some(0), BUYER, CommandId(self.last), command);
            }
            self.writer.commit().expect("durable");
        });
        let outcomes = self.outcomes();
        assert_eq!(outcomes.len(), commands as usize);
        let expected = if bid == STANDING { Ok(()) } else { Err(Reject::UnknownBid { bid }) };
        assert!(outcomes.iter().all(|outcome| *outcome == expected), "{outcomes:?}");
        measured.count_total
    }
}

const STANDING: BidId = BidId { identity: BUYER, command: CommandId(1) };
const UNKNOWN: BidId = BidId { identity: BUYER, command: CommandId(2) };

/// Once it is warm, a batch costs the same few allocations however many commands it has: one for its events, which
/// sessions and history share, and one for each session that gets answers. Refused commands make nothing happen.
#[test]
fn a_command_allocates_nothing() {
    let mut bench = Bench::new();
    // As many as answers are kept, in the longest batches.
    for bid in [STANDING, UNKNOWN, STANDING] {
        bench.allocations(GATHER_ENTRIES, bid);
    }
    for (bid, expected) in [(STANDING, 2), (UNKNOWN, 1)] {
        for commands in [1, 512, GATHER_ENTRIES] {
            // The least of some, since the first waits for a flush make room to wait in, whenever they come.
            let least = (0..8).map(|_| bench.allocations(commands, bid)).min();
            assert_eq!(least, Some(expected), "{commands} commands");
        }
    }
}
