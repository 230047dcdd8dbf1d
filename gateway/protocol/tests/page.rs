//! `docs/protocol.md` shows every message with its bytes; here each is encoded and looked up there.

use golv_engine::Answer;
use golv_engine::book::Side;
use golv_engine::command::{Action, Command, NewBid};
use golv_engine::event::Event;
use golv_engine::id::{
    AuctionId, BidId, CommandId, IdentityId, IndexId, ParticipantId, ProgrammeId, ProposalId, Sequence,
};
use golv_engine::num::{Currency, Money, Price, Quantity};
use golv_engine::reject::Reject;
use golv_engine::time::{Instant, Month};
use golv_protocol::frame::write_frame;
use golv_protocol::message::{ClientMessage, Closing, Numbered, ServerMessage};
use serde::Serialize;

fn price(units: i64) -> Price {
    Price::from_units(units).expect("fits")
}

fn tonnes(units: u32) -> Quantity {
    Quantity::from_units(units).expect("fits")
}

const BID: BidId = BidId { identity: IdentityId(101), command: CommandId(7) };

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
        ClientMessage::Logon { .. } | ClientMessage::Submit { .. } | ClientMessage::Heartbeat => {}
    }
    example(name, &message)
}

fn server(name: &'static str, message: ServerMessage) -> (&'static str, String) {
    match &message {
        ServerMessage::LoggedOn { .. }
        | ServerMessage::Answered { .. }
        | ServerMessage::Busy { .. }
        | ServerMessage::Happened(_)
        | ServerMessage::Part { .. }
        | ServerMessage::Heartbeat
        | ServerMessage::Closing(_) => {}
    }
    example(name, &message)
}

fn submit(name: &'static str, id: u64, command: Command) -> (&'static str, String) {
    client(name, ClientMessage::Submit { id: CommandId(id), command })
}

fn examples() -> Vec<(&'static str, String)> {
    let auction = AuctionId(2);
    let origin = Some("FI".parse().expect("a country"));
    let bid = NewBid { side: Side::Sell, price: price(95_000), quantity: tonnes(20), origin };
    let proposal = ProposalId { identity: IdentityId(1), command: CommandId(3) };
    let fund = Action::FundProgramme {
        programme: ProgrammeId(1),
        amount: Money { currency: Currency::Eur, millionths: 1_000_000_000 },
    };
    let month = Month::new(2019, 1).expect("a month");
    let answer = |outcome| Answer { sequence: Sequence(42), outcome };
    let accepted = Event::BidAccepted {
        auction,
        bid: BID,
        participant: ParticipantId(101),
        price: price(95_000),
        quantity: tonnes(20),
    };
    vec![
        client("Logon", ClientMessage::Logon { protocol: 0, events_seen: 0 }),
        client("Heartbeat of the client", ClientMessage::Heartbeat),
        submit("PlaceBid", 7, Command::PlaceBid { auction, bid }),
        submit(
            "ReplaceBid",
            8,
            Command::ReplaceBid { auction, bid: BID, price: price(94_990), quantity: tonnes(20) },
        ),
        submit("WithdrawBid", 9, Command::WithdrawBid { auction, bid: BID }),
        submit("Propose", 3, Command::Propose { action: fund }),
        submit("Confirm", 3, Command::Confirm { proposal }),
        submit("WithdrawProposal", 4, Command::WithdrawProposal { proposal }),
        submit("ClearAuction", 5, Command::ClearAuction { auction }),
        submit(
            "PublishReferencePrice",
            1,
            Command::PublishReferencePrice { index: IndexId(1), month, price: price(117_410) },
        ),
        submit("SetClock", 6, Command::SetClock { to: Instant::at_midnight(2019, 1, 1).expect("a day") }),
        server(
            "LoggedOn",
            ServerMessage::LoggedOn {
                identity: IdentityId(101),
                participant: ParticipantId(101),
                highest: CommandId(6),
                events: 12,
            },
        ),
        server("Answered, done", ServerMessage::Answered { id: CommandId(7), answer: answer(Ok(())) }),
        server(
            "Answered, refused",
            ServerMessage::Answered {
                id: CommandId(7),
                answer: answer(Err(Reject::PriceOffTick { tick: price(10) })),
            },
        ),
        server("Busy", ServerMessage::Busy { id: CommandId(7) }),
        server(
            "Happened",
            ServerMessage::Happened(Numbered { number: 13, sequence: Sequence(42), event: accepted }),
        ),
        server("Part", ServerMessage::Part { last: true, bytes: vec![1, 2, 3] }),
        server("Heartbeat of the exchange", ServerMessage::Heartbeat),
        server("Closing", ServerMessage::Closing(Closing::Superseded)),
    ]
}

#[test]
fn the_page_shows_every_message_with_its_bytes() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/protocol.md"))
        .expect("docs/protocol.md");
    let mut expected = String::new();
    let mut missing = Vec::new();
    for (name, hex) in examples() {
        let block = format!("**{name}**\n\n```\n{hex}\n```\n");
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
