//! What the benches of the pipeline measure: an exchange with open auctions, one client, and an endless stream of its commands.

#![allow(dead_code, unreachable_pub, reason = "each bench uses its own part")]

pub mod bare;

use std::num::NonZeroU32;
use std::ops::Range;
use std::path::Path;
use std::time::{Duration, Instant as Clock, SystemTime, UNIX_EPOCH};

use golv_engine::auction::{AuctionKind, AuctionTerms};
use golv_engine::book::Side;
use golv_engine::clearing::{Allocation, Candidates, Criterion, Rule};
use golv_engine::command::{Action, Command, NewBid, Operator};
use golv_engine::event::Event;
use golv_engine::id::{
    AuctionId, BidId, CommandId, IdentityId, MarketId, OwnerGroup, ParticipantId, ProposalId,
};
use golv_engine::key::KeyFingerprint;
use golv_engine::market::{Market, Unit};
use golv_engine::num::{Currency, Price, Quantity};
use golv_engine::participant::Role;
use golv_engine::time::Instant;
use golv_gateway::pipeline::{Creation, LocalSession, Message, Pipeline, RING_CAPACITY, Waiting};

/// How many identities send, in turn.
pub const IDENTITIES: u64 = 64;
const FIRST_IDENTITY: u64 = 10;
const OPERATORS: [IdentityId; 2] = [IdentityId(1), IdentityId(2)];
/// Prices are 0 to 1,000 in ticks of 1: as many levels a side.
const LEVELS: u64 = 1_001;
/// What an identity does, over and over: so many bids, then it lowers the quantity of one, and withdraws another.
pub const ROUND: u64 = 10;
const REPLACES: u64 = 8;
const WITHDRAWS: u64 = 9;
/// A book has a million places at most; an auction gets 512,000 bids, which is whole rounds of all identities.
const COMMANDS_PER_AUCTION: u64 = ROUND * IDENTITIES * 1_000;
const AUCTIONS: u64 = 16;
/// The longest stream.
pub const COMMANDS_MAX: u64 = AUCTIONS * COMMANDS_PER_AUCTION;

/// A client that saturates the exchange has so many commands in flight: some full batches.
pub const WINDOW: u64 = 4_096;
/// More never are, so that the ring refuses none. What is due then waits in the client, and that time counts.
pub const IN_FLIGHT_MAX: u64 = RING_CAPACITY as u64 / 2;

/// Whether a bench is to be short, as told by how it was started: `cargo bench` passes `--bench`, and without it, or
/// with `--test`, nothing is measured.
pub fn is_short(arguments: &[String]) -> bool {
    let has = |name: &str| arguments.iter().any(|argument| argument == name);
    has("--test") || !has("--bench")
}

/// How the exchange's writer is to wait for commands.
pub fn waiting(arguments: &[String]) -> Waiting {
    if arguments.iter().any(|argument| argument == "--spin") { Waiting::Spin } else { Waiting::Park }
}

/// The value that follows a name on the command line.
pub fn option<'a>(arguments: &'a [String], name: &str) -> Option<&'a str> {
    let place = arguments.iter().position(|argument| argument == name)?;
    arguments.get(place + 1).map(String::as_str)
}

/// A bit mixer: what looks random and is the same each time.
pub fn mixed(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// The bid that the stream's command of this number places.
fn bid(number: u64) -> NewBid {
    let random = mixed(number);
    let side = if random.is_multiple_of(2) { Side::Buy } else { Side::Sell };
    // The sum of two dice: most are near the middle.
    let level = (random >> 8) % (LEVELS / 2 + 1) + (random >> 24) % (LEVELS / 2 + 1);
    let lots = 2 + (random >> 40) % 99;
    NewBid {
        side,
        price: Some(price(level)),
        quantity: quantity(lots),
        origin: (side == Side::Sell).then(|| "FI".parse().expect("a country")),
        details: None,
    }
}

fn price(units: u64) -> Price {
    Price::from_units(i64::try_from(units).expect("small")).expect("fits")
}

fn quantity(units: u64) -> Quantity {
    Quantity::from_units(u32::try_from(units).expect("small")).expect("fits")
}

fn identity(number: u64) -> IdentityId {
    IdentityId(u32::try_from(FIRST_IDENTITY + number).expect("small"))
}

/// The stream's command of a number, from 0: who sends it and under which id.
pub fn command(number: u64) -> (IdentityId, CommandId, Command) {
    assert!(number < COMMANDS_MAX, "the stream is long enough");
    let sender = identity(number % IDENTITIES);
    let turn = number / IDENTITIES;
    let step = turn % ROUND;
    let auction = 1 + (turn - step) * IDENTITIES / COMMANDS_PER_AUCTION;
    let auction = AuctionId(u32::try_from(auction).expect("small"));
    let earlier = |turns: u64| {
        let placed = BidId { identity: sender, command: CommandId(turn - turns + 1) };
        (placed, number - turns * IDENTITIES)
    };
    let command = match step {
        REPLACES => {
            let (placed, number) = earlier(5);
            let NewBid { price, quantity, .. } = bid(number);
            let quantity = quantity.checked_sub(self::quantity(1)).expect("a bid is two lots at least");
            Command::ReplaceBid { auction, bid: placed, price, quantity }
        }
        WITHDRAWS => Command::WithdrawBid { auction, bid: earlier(4).0 },
        _ => Command::PlaceBid { auction, bid: bid(number) },
    };
    (sender, CommandId(turn + 1), command)
}

/// Which command of the stream an answer is to.
fn number(sender: IdentityId, id: CommandId) -> u64 {
    (id.0 - 1) * IDENTITIES + u64::from(sender.0) - FIRST_IDENTITY
}

/// One session, and what it waits for.
pub struct Client {
    session: LocalSession,
    in_flight: u64,
}

impl Client {
    /// Sends the stream's command of a number.
    fn send(&mut self, number: u64) {
        let (sender, id, command) = command(number);
        self.session.send(sender, id, command).expect("the ring has room for one client's window");
        self.in_flight += 1;
    }

    /// Looks at a message, and counts the answers in it; calls for the number of each command that was answered.
    fn note(&mut self, message: Message, mut answered: impl FnMut(u64)) {
        let Message::Answered { answers, .. } = message else { return };
        for one in &answers {
            one.answer.outcome.expect("the stream's commands are all done");
            self.in_flight -= 1;
            answered(number(one.sender, one.id));
        }
    }

    fn receive(&mut self) {
        let message = self.session.receive().expect("running");
        self.note(message, |_| {});
    }

    /// Sends commands of the stream with a full window, as fast as they are answered; how long it took.
    pub fn saturate(&mut self, numbers: Range<u64>) -> Duration {
        let begin = Clock::now();
        for number in numbers {
            self.send(number);
            while self.in_flight >= WINDOW {
                self.receive();
            }
        }
        while self.in_flight > 0 {
            self.receive();
        }
        begin.elapsed()
    }

    /// Sends commands of the stream at planned instants, whether or not earlier ones are answered, and tells the time
    /// from each planned instant to its answer. It asks for the time again and again.
    pub fn send_on_time(&mut self, numbers: Range<u64>, per_second: f64, mut answered: impl FnMut(Duration)) {
        let begin = Clock::now();
        let first = numbers.start;
        let planned = |number: u64| Duration::from_secs_f64((number - first) as f64 / per_second);
        let mut next = first;
        while next < numbers.end || self.in_flight > 0 {
            let now = begin.elapsed();
            while next < numbers.end && planned(next) <= now && self.in_flight < IN_FLIGHT_MAX {
                self.send(next);
                next += 1;
            }
            match self.session.try_receive().expect("running") {
                Some(message) => {
                    let now = begin.elapsed();
                    self.note(message, |number| answered(now - planned(number)));
                }
                // Lets others have the processor, where there are more busy threads than processors.
                None => std::thread::yield_now(),
            }
        }
    }
}

/// Starts an exchange in an empty directory, with everybody registered and all auctions open.
pub fn start(dir: &Path, waiting: Waiting) -> (Pipeline, Client) {
    let pipeline = open_auctions(dir, waiting, &[]);
    let client = Client { session: pipeline.connect().expect("running"), in_flight: 0 };
    (pipeline, client)
}

/// Starts such an exchange. The first identities of the stream get these keys.
pub fn open_auctions(dir: &Path, waiting: Waiting, keys: &[KeyFingerprint]) -> Pipeline {
    let mut keys = keys.iter();
    let name = "The centre".parse().expect("a name");
    let operators = OPERATORS.map(|identity| Operator::local(identity.0));
    let founding = Command::Found { participant: ParticipantId(1), name, operators };
    let pipeline = Pipeline::create(dir, Creation::Live, founding, waiting).expect("an empty directory");
    let mut operators = Centre { session: pipeline.connect().expect("running"), agreed: 0 };

    for number in 0..IDENTITIES {
        let identity = identity(number);
        let participant = ParticipantId(identity.0);
        let name = format!("Participant {identity}").parse().expect("a name");
        let roles = [Role::Supplier, Role::Buyer].into();
        let owner_group = OwnerGroup(identity.0);
        operators.agree(Action::RegisterParticipant { participant, name, owner_group, roles });
        operators.agree(Action::AddIdentity { identity, participant });
        if let Some(&key) = keys.next() {
            operators.agree(Action::BindKey { identity, key, others_end_at: None });
        }
    }
    let terms = Market {
        name: "Lithium".parse().expect("a name"),
        unit: Unit::Tonne,
        currency: Currency::Eur,
        lot: quantity(1),
        tick: price(1),
        lowest: price(0),
        highest: price(LEVELS - 1),
        largest: quantity(100),
    };
    operators.agree(Action::DefineMarket { market: MarketId(1), terms });
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    let now = Instant(i64::try_from(now.as_nanos()).expect("before 2262"));
    for auction in 1..=AUCTIONS {
        let terms = AuctionTerms {
            kind: AuctionKind::Call { market: MarketId(1), stock: None },
            opens_at: now.plus_seconds(2).expect("fits"),
            closes_at: now.plus_seconds(7 * 86_400).expect("fits"),
            challenge_seconds: NonZeroU32::new(60).expect("positive"),
            rule: Rule::new(
                Candidates::Limits,
                vec![Criterion::MostVolume, Criterion::Highest],
                Allocation::ProRata,
            )
            .into(),
            draw_commitment: None,
        };
        let auction = AuctionId(u32::try_from(auction).expect("small"));
        operators.agree(Action::AnnounceAuction { auction, terms });
    }
    operators.wait_until_open();
    pipeline
}

/// The two operators. Their session ends when everything is open.
struct Centre {
    session: LocalSession,
    agreed: u64,
}

impl Centre {
    fn agree(&mut self, action: Action) {
        self.agreed += 1;
        let id = CommandId(self.agreed);
        let proposal = ProposalId { identity: OPERATORS[0], command: id };
        self.session.send(OPERATORS[0], id, Command::Propose { action }).expect("running");
        self.session.send(OPERATORS[1], id, Command::Confirm { proposal }).expect("running");
        let mut left = 2;
        while left > 0 {
            if let Message::Answered { answers, .. } = self.session.receive().expect("running") {
                for one in &answers {
                    one.answer.outcome.expect("what the operators agree on is done");
                    left -= 1;
                }
            }
        }
    }

    fn wait_until_open(mut self) {
        let mut closed = AUCTIONS;
        while closed > 0 {
            if let Message::Happened { batch: events, .. } = self.session.receive().expect("running") {
                let opened = events.iter().filter(|one| matches!(one.event, Event::AuctionOpened { .. }));
                closed -= u64::try_from(opened.count()).expect("small");
            }
        }
    }
}

/// A number with commas between the thousands.
pub fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The middle one, the least and the greatest.
pub fn spread(mut values: Vec<f64>) -> (f64, f64, f64) {
    values.sort_by(f64::total_cmp);
    (values[values.len() / 2], values[0], values[values.len() - 1])
}
