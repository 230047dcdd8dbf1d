//! `docs/protocol.md` shows every message with its bytes; here each is encoded and looked up there.

mod actions;
mod boards;
mod events;

use std::num::NonZeroU32;

use golv_engine::Answer;
use golv_engine::auction::Progress;
use golv_engine::auction::{
    AuctionKind, AuctionResult, AuctionRule, AuctionTerms, AwardOffer, BidDetails, ClosedBid, Draw,
    DrawSecret, Fill, LimitUse, Refusal, Refused, Solution, SolutionResult, SolutionTerms, StackResult,
    StackTerms, Supplied as Sold, Unfilled, WinningLimit,
};
use golv_engine::book::Side;
use golv_engine::cfd::{
    Averaging, ContractTerms, Delivery, Entitlement, IndexTerms, Indexation, Measure, Observation, Payoff,
    PayoffRule, ReferenceRule, SettlementLine, SettlementRun, Suspension, Upside, VolumeRule,
};
use golv_engine::clearing::{
    Allocation, Candidates, Certificate, Criterion, CurvePoint, Decision, Equilibrium, Payment, Reason, Rule,
};
use golv_engine::command::{Action, Command, NewBid};
use golv_engine::digest::Digest;
use golv_engine::event::Event;
use golv_engine::id::{
    AuctionId, BidId, CommandId, DataVersion, EntitlementId, FloorId, IdentityId, IndexId, MarketId,
    OwnerGroup, ParticipantId, ProgrammeId, ProposalId, Sequence,
};
use golv_engine::id::{BoardId, EntryId};
use golv_engine::indivisible::Welfare;
use golv_engine::key::KeyFingerprint;
use golv_engine::ledger::{Account, Cause, Posting};
use golv_engine::market::{FloorTerms, Market, Unit};
use golv_engine::money::{
    Backing, Breach as Shortage, Claim, ClearingTerms, Creditor, Invoice, Level, Pot, PotUse, ProgrammeTerms,
    StockOrder, StockRule, StockTrade, StockTradedBy,
};
use golv_engine::num::{Currency, HalfWay, Money, Price, Quantity};
use golv_engine::participant::{Role, Standing};
use golv_engine::public::PublicFact;
use golv_engine::reject::Reject;
use golv_engine::support::{
    Breach, ClearingScore, Competition, Constraint, Each, Limit, Misfit, Most, OriginCap,
    Position as Supplied, Size, SupportRule, Technology, Ties, Totals, Uncontested, Years,
};
use golv_engine::time::{Calendar, Instant, Month};
use golv_protocol::frame::write_frame;
use golv_protocol::message::{
    ClientMessage, Closing, Logon, Numbered, Position, Purpose, ServerMessage, WhenLost,
};
use golv_protocol::pace::{Limits, Rate};
use serde::Serialize;

fn price(units: i64) -> Price {
    Price::from_units(units).expect("fits")
}

fn tonnes(units: u32) -> Quantity {
    Quantity::from_units(units).expect("fits")
}

const BID: BidId = BidId { identity: IdentityId(101), command: CommandId(7) };

const SECRET: DrawSecret = DrawSecret([0xef; 32]);

/// An example with the name that it has on the page.
fn example(name: &'static str, message: &impl Serialize) -> (&'static str, String) {
    let mut bytes = Vec::new();
    write_frame(message, &mut bytes).expect("short");
    (name, hex(&bytes))
}

/// Four bytes a group, eight groups a line.
fn hex(bytes: &[u8]) -> String {
    let groups: Vec<String> =
        bytes.chunks(4).map(|group| group.iter().map(|byte| format!("{byte:02x}")).collect()).collect();
    groups.chunks(8).map(|line| line.join(" ")).collect::<Vec<_>>().join("\n")
}

fn client(name: &'static str, message: ClientMessage) -> (&'static str, String) {
    // No variant is forgotten: a new one does not compile until it is here, and then on the page.
    match &message {
        ClientMessage::Logon(_)
        | ClientMessage::Submit { .. }
        | ClientMessage::Heartbeat
        | ClientMessage::Downloaded { .. }
        | ClientMessage::Download { .. }
        | ClientMessage::Watch => {}
    }
    example(name, &message)
}

fn server(name: &'static str, message: ServerMessage) -> (&'static str, String) {
    match &message {
        ServerMessage::LoggedOn { .. }
        | ServerMessage::Answered { .. }
        | ServerMessage::Busy { .. }
        | ServerMessage::Happened(_)
        | ServerMessage::Announced { .. }
        | ServerMessage::Heartbeat
        | ServerMessage::Closing(_)
        | ServerMessage::OverLimit { .. }
        | ServerMessage::Copied { .. }
        | ServerMessage::State(_)
        | ServerMessage::StateTold { .. }
        | ServerMessage::Public { .. }
        | ServerMessage::Reached { .. } => {}
    }
    example(name, &message)
}

fn state(name: &'static str, fact: PublicFact) -> (&'static str, String) {
    match &fact {
        PublicFact::Terms(_)
        | PublicFact::Auction { .. }
        | PublicFact::Programme { .. }
        | PublicFact::Price { .. }
        | PublicFact::Entry { .. } => {}
    }
    server(name, ServerMessage::State(fact))
}

fn submit(name: &'static str, id: u64, command: Command) -> (&'static str, String) {
    client(name, ClientMessage::Submit { id: CommandId(id), command })
}

fn month(year: i32, month: u8) -> Month {
    Month::new(year, month).expect("a month")
}

fn observation() -> Observation {
    Observation { price: price(117_410), volume: Some(tonnes(40)), source: "IMF".parse().ok() }
}

fn delivery() -> Delivery {
    Delivery {
        sold: tonnes(20),
        from_stock: tonnes(5),
        stockpiled: tonnes(1),
        destination: "DE".parse().ok(),
        evidence: Some(Digest([0xab; 32])),
    }
}

fn amount(units: i64) -> Money {
    Money { currency: Currency::Eur, millionths: units * 1_000_000 }
}

fn examples() -> Vec<(&'static str, String)> {
    let of_boards = boards::commands().into_iter().map(|(name, command)| submit(name, 4, command));
    [messages(), of_boards.collect(), actions::actions(), events::events()].concat()
}

fn messages() -> Vec<(&'static str, String)> {
    let auction = AuctionId(2);
    let origin = Some("FI".parse().expect("a country"));
    let bid =
        NewBid { side: Side::Sell, price: Some(price(95_000)), quantity: tonnes(20), origin, details: None };
    let details =
        BidDetails { minimum: tonnes(5), technology: Some(1), year: 2019, quality: tonnes(3), unit: Some(2) };
    let solution =
        Solution { bids: Digest([0xab; 32]), given: vec![(BID, tonnes(20))], bound: Some(Welfare::ZERO) };
    let proposal = ProposalId { identity: IdentityId(1), command: CommandId(3) };
    let day = month(2019, 1).last_day();
    let answer = |outcome| Answer { sequence: Sequence(42), outcome };
    let position = |sequence| Position { sequence: Sequence(sequence), chain: Digest([0xcd; 32]) };
    vec![
        client("Logon", ClientMessage::Logon(Logon::NEW)),
        client(
            "Logon, again",
            ClientMessage::Logon(Logon {
                events_seen: 12,
                acknowledged: Some(position(43)),
                purpose: Purpose::Commands(WhenLost::Withdraw),
                ..Logon::NEW
            }),
        ),
        client(
            "Logon of a drop copy",
            ClientMessage::Logon(Logon { purpose: Purpose::DropCopy, ..Logon::NEW }),
        ),
        client("Heartbeat of the client", ClientMessage::Heartbeat),
        client("Downloaded", ClientMessage::Downloaded { number: 13 }),
        client("Download", ClientMessage::Download { number: 13 }),
        client("Watch", ClientMessage::Watch),
        submit("PlaceBid", 7, Command::PlaceBid { auction, bid }),
        submit(
            "PlaceBid, with details",
            7,
            Command::PlaceBid { auction, bid: NewBid { details: Some(details), ..bid } },
        ),
        submit("AcceptAward", 10, Command::AcceptAward { auction, bid: BID }),
        submit("DeclineAward", 10, Command::DeclineAward { auction, bid: BID }),
        submit("ProposeSolution", 5, Command::ProposeSolution { auction, solution: Box::new(solution) }),
        submit("ReplaceBid", 8, Command::ReplaceBid { auction, bid: BID, price: None, quantity: tonnes(20) }),
        submit("WithdrawBid", 9, Command::WithdrawBid { auction, bid: BID }),
        submit("WithdrawAll", 9, Command::WithdrawAll),
        submit("Halt", 5, Command::Halt { participant: ParticipantId(21) }),
        submit("Confirm", 3, Command::Confirm { proposal }),
        submit("WithdrawProposal", 4, Command::WithdrawProposal { proposal }),
        submit("ClearAuction", 5, Command::ClearAuction { auction, secret: Some(SECRET) }),
        submit(
            "PublishReferencePrice",
            1,
            Command::PublishReferencePrice { index: IndexId(1), day, observation: observation() },
        ),
        submit(
            "ReportDelivery",
            1,
            Command::ReportDelivery { entitlement: EntitlementId(1), day, delivery: delivery() },
        ),
        submit("SetClock", 6, Command::SetClock { to: Instant::at_midnight(2019, 1, 1).expect("a day") }),
        server(
            "LoggedOn",
            ServerMessage::LoggedOn {
                protocol: 0,
                limits: Limits {
                    in_flight: 256,
                    commands: Rate { per_second: 2_000, burst: 4_000 },
                    withdrawals: Rate { per_second: 8_000, burst: 16_000 },
                },
                identity: IdentityId(101),
                participant: ParticipantId(101),
                highest: CommandId(6),
                events: 12,
                position: position(41),
            },
        ),
        server(
            "Answered, done",
            ServerMessage::Answered { id: CommandId(7), answer: answer(Ok(())), position: position(43) },
        ),
        server(
            "Answered, refused",
            ServerMessage::Answered {
                id: CommandId(7),
                answer: answer(Err(Reject::PriceOffTick { tick: price(10) })),
                position: position(43),
            },
        ),
        server("Busy", ServerMessage::Busy { id: CommandId(7) }),
        server(
            "Announced",
            ServerMessage::Announced {
                number: 13,
                sequence: Sequence(42),
                bytes: 132_000,
                digest: Digest([0xab; 32]),
            },
        ),
        server("Heartbeat of the exchange", ServerMessage::Heartbeat),
        server("Closing", ServerMessage::Closing(Closing::Superseded)),
        server("OverLimit", ServerMessage::OverLimit { id: CommandId(7), wait_ms: 3 }),
        server(
            "Copied",
            ServerMessage::Copied {
                identity: IdentityId(101),
                id: CommandId(7),
                answer: answer(Ok(())),
                position: position(43),
            },
        ),
        state("State, terms", PublicFact::Terms(Action::ChangeRules { version: 1 })),
        state("State, an auction", PublicFact::Auction { auction, progress: Progress::Open }),
        state(
            "State, an auction that was cleared",
            PublicFact::Auction {
                auction,
                progress: Progress::Cleared { final_at: Instant::at_midnight(2019, 1, 1).expect("a day") },
            },
        ),
        state("State, a programme", PublicFact::Programme { programme: ProgrammeId(1), level: Level::High }),
        state(
            "State, a price",
            PublicFact::Price { index: IndexId(1), day, revision: 2, observation: observation() },
        ),
        state(
            "State, an entry",
            PublicFact::Entry {
                entry: EntryId(12),
                board: BoardId(1),
                listing: boards::listing(Side::Sell),
                is_group: false,
            },
        ),
        server("StateTold", ServerMessage::StateTold { position: position(43) }),
        server(
            "Public",
            ServerMessage::Public { sequence: Sequence(44), event: Event::AuctionClosed { auction } },
        ),
        server("Reached", ServerMessage::Reached { position: position(43) }),
    ]
}

#[test]
fn the_page_shows_every_message_with_its_bytes() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/protocol.md"))
        .expect("docs/protocol.md");
    let mut expected = String::new();
    let mut missing = Vec::new();
    for (name, hex) in examples() {
        let block = format!("**{name}**\n\n```text\n{hex}\n```\n");
        if !page.contains(&block) {
            missing.push(name);
        }
        expected += &block;
        expected += "\n";
    }
    assert!(
        missing.is_empty(),
        "docs/protocol.md lacks or misstates {missing:?}; all examples are:\n\n{expected}"
    );
}

/// The page lists every refusal with the number of its variant, its code and its fields.
#[test]
fn the_page_lists_every_refusal() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/protocol.md"))
        .expect("docs/protocol.md");
    let rows: String = Reject::TABLE
        .iter()
        .enumerate()
        .map(|(variant, (code, name, fields))| {
            let fields = if fields.is_empty() { "–" } else { fields.trim_end_matches("; ") };
            format!("| {variant} | {code} | `{name}` | {fields} |\n")
        })
        .collect();
    assert!(page.contains(&rows), "docs/protocol.md lacks or misstates the table of refusals:\n\n{rows}");
}

/// The page lists every reason to close with its number.
#[test]
fn the_page_lists_every_closing() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/protocol.md"))
        .expect("docs/protocol.md");
    for closing in Closing::ALL {
        let row = format!("| {} | `{closing:?}` |", closing.code());
        assert!(page.contains(&row), "docs/protocol.md lacks {row}");
    }
}
