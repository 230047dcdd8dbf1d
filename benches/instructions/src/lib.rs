//! The hot paths whose instructions are counted, and which are timed: each case is prepared, and then does its work once.
//!
//! The program `golv-instructions` does one case a run, for `.ci/instructions`, which counts and compares; `cargo bench -p
//! golv-instructions` times all of them with criterion. Inputs are the same in every run, and so is what each case comes to.

use std::hint::black_box;
use std::num::NonZeroU32;

use golv_engine::auction::{self, AuctionKind, AuctionTerms};
use golv_engine::bilateral::{
    Board, Entry as BoardEntry, Preference, PriceRule, Proof, RoundRule, hold_round,
};
use golv_engine::book::{Book, Order, Side};
use golv_engine::cfd::{ContractTerms, IndexTerms, Observation};
use golv_engine::clearing::{Allocation, Candidates, Criterion, Rule};
use golv_engine::command::{Action, Command, NewBid};
use golv_engine::event::Event;
use golv_engine::id::{
    AuctionId, BidId, CommandId, FloorId, IdentityId, IndexId, MarketId, ParticipantId, ProgrammeId,
    ProposalId, Sequence,
};
use golv_engine::market::{FloorTerms, Market, Unit};
use golv_engine::money::{Backing, ProgrammeTerms};
use golv_engine::num::{Currency, Money, Price, Quantity};
use golv_engine::participant::Role;
use golv_engine::time::{Day, Instant, Month};
use golv_engine::{Exchange, Mode, RulesVersion};
use golv_protocol::batch::{Batch, BatchHeader, BatchWriter, Entry};
use golv_sim::desk::{Desk, OPERATORS, PUBLISHER, founding};
use golv_sim::venue::EngineVenue;

/// Bids that are placed, orders of a book, commands that are encoded and decoded.
const BIDS: u32 = 10_000;
/// Who sends them, in turn.
const TRADERS: u32 = 64;
const CONTRACTS: u32 = 1_000;
/// Offers, and as many requests.
const BOARD: u32 = 100;
/// Partial choices that a round may look at.
const NODES: u64 = 500;

const FIRST_TRADER: u32 = 100;
const MARKET: MarketId = MarketId(1);
const AUCTION: AuctionId = AuctionId(1);
const INDEX: IndexId = IndexId(1);
const PROGRAMME: ProgrammeId = ProgrammeId(1);
const FLOOR: FloorId = FloorId(1);
/// Prices are 0 to 1,000 in ticks of 1.
const LEVELS: u32 = 1_001;
const LOTS_MAX: u32 = 100;

/// What is left to do once a case is prepared, which can be done once. It says how much it did, and what it holds is not dropped by that.
pub type Work = Box<dyn FnMut() -> usize>;

/// A case's name, what prepares it, and how much its work says that it did.
pub type Case = (&'static str, fn() -> Work, usize);

/// All of them.
pub const CASES: [Case; 6] = [
    ("place-10000-bids", place, BIDS as usize),
    ("clear-10000-orders", clear, BIDS as usize),
    ("settle-1000-contracts", settle, CONTRACTS as usize),
    ("match-100-by-100", match_board, 2 * BOARD as usize),
    ("encode-10000-commands", encode, BIDS as usize),
    ("decode-10000-commands", decode, BIDS as usize),
];

/// What looks random and is the same each time: SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u32) -> u32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        u32::try_from((u128::from(mixed) * u128::from(bound)) >> 64).expect("below the bound")
    }
}

/// A rehearsal at `now`, with traders who both buy and sell, and a market.
fn desk(now: Instant) -> Desk<EngineVenue> {
    let exchange = Exchange::new(Mode::Rehearsal, RulesVersion::NEWEST);
    let mut desk = Desk::new(EngineVenue::found(exchange, now, &founding(|_| None)));
    for trader in FIRST_TRADER..FIRST_TRADER + TRADERS {
        let name = format!("Trader {trader}").parse().expect("a name");
        desk.admit(trader, name, &[Role::Supplier, Role::Buyer]).expect("admitted");
    }
    agree(&mut desk, Action::DefineMarket { market: MARKET, terms: market() });
    desk
}

fn agree(desk: &mut Desk<EngineVenue>, action: Action) {
    desk.agree("an action that prepares a case", action).expect("agreed");
}

/// Applies the next command, and nothing but that: what is counted.
fn apply(
    exchange: &mut Exchange,
    at: Instant,
    (sender, id): (IdentityId, CommandId),
    command: &Command,
    events: &mut Vec<Event>,
) {
    let sequence = Sequence(exchange.sequence().0 + 1);
    events.clear();
    exchange.apply(sequence, at, sender, id, command, events).expect("it is done");
}

/// Bids go through the engine's one door, into an auction that was empty.
fn place() -> Work {
    let now = Instant::at_midnight(2025, 12, 28).expect("a day");
    let mut desk = desk(now);
    let opens_at = now.plus_seconds(60).expect("fits");
    let terms = AuctionTerms {
        kind: AuctionKind::Call { market: MARKET, stock: None },
        opens_at,
        closes_at: now.plus_seconds(86_400).expect("fits"),
        challenge_seconds: NonZeroU32::new(60).expect("positive"),
        rule: rule().into(),
        draw_commitment: None,
    };
    agree(&mut desk, Action::AnnounceAuction { auction: AUCTION, terms });
    desk.set_clock(opens_at).expect("forward");
    let (mut exchange, commands) = (desk.into_venue().into_exchange(), commands());
    let mut events = Vec::new();
    Box::new(move || {
        let mut placed = 0;
        for Entry { sender, id, command } in &commands {
            apply(&mut exchange, opens_at, (*sender, *id), command, &mut events);
            placed += events.len();
        }
        // Each bid is one event.
        placed
    })
}

/// One price and every order's part, of a book that is kept by level.
fn clear() -> Work {
    let market = market();
    let rule = market.rule(&rule());
    let mut book = Book::new();
    orders().for_each(|order| book.add(order));
    Box::new(move || {
        let cleared = auction::clear(&book, &market, None, &rule, &[]);
        assert!(!cleared.certificate.sold.is_zero(), "both sides meet");
        cleared.given.len()
    })
}

/// A month's run of a floor, proposed and confirmed: worked out twice, posted and paid.
fn settle() -> Work {
    let mut desk = desk(Instant::at_midnight(2025, 12, 28).expect("a day"));
    desk.admit(PUBLISHER, "Publisher".parse().expect("a name"), &[Role::Publisher]).expect("admitted");
    let name = "Index".parse().expect("a name");
    let publisher = ParticipantId(PUBLISHER);
    let terms = IndexTerms { name, currency: Some(Currency::Eur), publisher, guard: None };
    agree(&mut desk, Action::DefineIndex { index: INDEX, terms });
    let name = "Programme".parse().expect("a name");
    let terms = ProgrammeTerms { name, currency: Currency::Eur, backing: Backing::Capped };
    agree(&mut desk, Action::OpenProgramme { programme: PROGRAMME, terms });
    let funder = "Treasury".parse().expect("a name");
    let amount = Money { currency: Currency::Eur, millionths: 1_000_000_000 * 1_000_000 };
    agree(&mut desk, Action::FundProgramme { programme: PROGRAMME, funder, amount });
    let first = Month::new(2026, 1).expect("a month");
    let terms = FloorTerms {
        market: MARKET,
        programme: PROGRAMME,
        index: INDEX,
        price: price(500),
        stress_price: price(300),
        first,
        last: Month::new(2026, 12).expect("a month"),
        origins: vec!["FI".parse().expect("a country")],
        contract: Box::new(ContractTerms::monthly_floor()),
    };
    agree(&mut desk, Action::SetFloor { floor: FLOOR, terms });
    let mut random = Random(1);
    for contract in 0..CONTRACTS {
        let holder = ParticipantId(FIRST_TRADER + contract % TRADERS);
        let per_period = quantity(1 + random.below(LOTS_MAX));
        agree(&mut desk, Action::GrantEntitlement { floor: FLOOR, holder, per_period });
    }
    let now = Instant::at_midnight(2026, 2, 1).expect("a day");
    desk.set_clock(now).expect("forward");
    let observation = Observation { price: price(420), volume: None, source: None };
    let day = first.last_day();
    let publish = Command::PublishReferencePrice { index: INDEX, day, observation };
    desk.done("a price", IdentityId(PUBLISHER), publish).expect("published");
    let mut exchange = desk.into_venue().into_exchange();
    let version = exchange.data_version();
    let mut events = Vec::new();
    Box::new(move || {
        let [first_operator, second_operator] = OPERATORS;
        // Above all ids that were sent.
        let id = CommandId(u64::MAX);
        let action = Action::Settle { floor: FLOOR, period: first.first_day(), version };
        apply(&mut exchange, now, (first_operator, id), &Command::Propose { action }, &mut events);
        let proposal = ProposalId { identity: first_operator, command: id };
        apply(&mut exchange, now, (second_operator, id), &Command::Confirm { proposal }, &mut events);
        let runs = events.iter().filter_map(|event| match event {
            Event::SettlementRunCompleted { run } => Some(run.lines.len()),
            _ => None,
        });
        runs.sum()
    })
}

/// A round of a sparse board without least quantities; the search proves its result.
fn match_board() -> Work {
    let names: &[String] = (0..2 * BOARD).map(|number| format!("e{number:05}")).collect::<Vec<_>>().leak();
    let grades: &[String] =
        (0..BOARD / 10).map(|number| format!("grade {number}")).collect::<Vec<_>>().leak();
    let mut random = Random(2);
    let day = Day::new(2026, 1, 1).expect("a day");
    let mut entry = |party: u32, lowest: u32| BoardEntry {
        id: names[party as usize].as_bytes(),
        party,
        owner: party,
        material: "gallium",
        grade: &grades[random.below(BOARD / 10) as usize],
        purity: None,
        place: "",
        origin: None,
        first: day,
        last: day,
        minimum: 0,
        quantity: i64::from(1 + random.below(100)),
        limit: price(lowest + random.below(100)),
        sector: 0,
    };
    let offers = (0..BOARD).map(|party| entry(party, 50)).collect();
    let requests = (BOARD..2 * BOARD).map(|party| entry(party, 90)).collect();
    let board = Board { offers, requests };
    let rule = RoundRule {
        preference: Preference::Surplus,
        price: PriceRule::Uniform,
        floor: None,
        origin_cap: None,
        owner_cap: None,
    };
    Box::new(move || {
        let round = hold_round(&board, &rule, NODES).expect("a board");
        assert!(
            matches!(round.proof, Proof::Optimal) && !round.deals.is_empty(),
            "there are deals, the best"
        );
        board.offers.len() + board.requests.len()
    })
}

/// Batches as the writer gathers them.
fn encode() -> Work {
    let (commands, mut writer) = (commands(), BatchWriter::new(header(1)));
    Box::new(move || {
        let mut encoded = 0;
        gather(&commands, &mut writer, |batch| encoded += batch.len() as usize);
        encoded
    })
}

/// The same batches, read as a replay reads them.
fn decode() -> Work {
    let mut payloads = Vec::new();
    gather(&commands(), &mut BatchWriter::new(header(1)), |batch| payloads.push(batch.payload().to_vec()));
    Box::new(move || {
        let batches = payloads.iter().map(|payload| Batch::<Command>::decode(payload).expect("a batch"));
        batches.map(|batch| black_box(batch).entries.len()).sum()
    })
}

fn gather(commands: &[Entry<Command>], writer: &mut BatchWriter, mut each: impl FnMut(&BatchWriter)) {
    for (number, entry) in (1..).zip(commands) {
        if !writer.push(entry).expect("it has an encoding") {
            each(writer);
            writer.restart(header(number));
            assert!(writer.push(entry).expect("it has an encoding"), "an empty batch takes any");
        }
    }
    each(writer);
}

fn header(first: u64) -> BatchHeader {
    let at = Instant::at_midnight(2026, 1, 1).expect("a day");
    BatchHeader { first: Sequence(first), at, entropy: [7; 32] }
}

/// The bids as commands, under each sender's next ids.
fn commands() -> Vec<Entry<Command>> {
    let command = |order: Order| {
        let bid = NewBid {
            side: order.side,
            price: order.level.and_then(|level| Price::from_units(i64::from(level))),
            quantity: market().quantity(order.lots).expect("fits"),
            origin: (order.side == Side::Sell).then(|| "FI".parse().expect("a country")),
            details: None,
        };
        let BidId { identity: sender, command: id } = order.bid;
        Entry { sender, id, command: Command::PlaceBid { auction: AUCTION, bid } }
    };
    orders().map(command).collect()
}

/// Both sides, most of them near the middle.
fn orders() -> impl Iterator<Item = Order> {
    let mut random = Random(3);
    (0..BIDS).map(move |number| {
        let trader = FIRST_TRADER + number % TRADERS;
        Order {
            bid: BidId { identity: IdentityId(trader), command: CommandId(u64::from(number / TRADERS) + 1) },
            participant: ParticipantId(trader),
            side: if random.below(2) == 0 { Side::Buy } else { Side::Sell },
            // The sum of two dice.
            level: Some(random.below(LEVELS / 2 + 1) + random.below(LEVELS / 2 + 1)),
            lots: i64::from(1 + random.below(LOTS_MAX)),
            origin: None,
        }
    })
}

fn market() -> Market {
    Market {
        name: "Lithium".parse().expect("a name"),
        unit: Unit::Tonne,
        currency: Currency::Eur,
        lot: quantity(1),
        tick: price(1),
        lowest: price(0),
        highest: price(LEVELS - 1),
        largest: quantity(LOTS_MAX),
    }
}

/// The cascade of Xetra's auctions, with remainders shared pro rata.
fn rule() -> Rule {
    let cascade =
        vec![Criterion::MostVolume, Criterion::LeastSurplus, Criterion::SurplusSide, Criterion::Reference];
    let rule = Rule::new(Candidates::Limits, cascade, Allocation::ProRata);
    Rule { reference_price: Some(price(LEVELS / 2)), ..rule }
}

fn price(units: u32) -> Price {
    Price::from_units(i64::from(units)).expect("fits")
}

fn quantity(units: u32) -> Quantity {
    Quantity::from_units(units).expect("fits")
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_case_does_all_of_its_work() {
        for (name, prepare, expected) in super::CASES {
            assert_eq!(prepare()(), expected, "{name}");
        }
    }
}
