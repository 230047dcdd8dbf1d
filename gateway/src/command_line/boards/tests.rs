//! What is entered about boards, and what is printed of them.

use clap::{CommandFactory, Parser};
use golv_engine::bilateral::{
    Consent, Deal, EntryEnd, EntryOwner, NegotiationEnd, Party, Preference, PriceRule, Sides,
};
use golv_engine::event::Event;
use golv_engine::id::{CommandId, FloorId, IdentityId, ProposalId};
use golv_engine::market::{Market, Unit};
use golv_engine::num::Currency;
use serde_json::{Value, json};

use super::view::{BoardsView, UnknownBoard};
use super::*;
use crate::command_line::admin::AdminCommand;
use crate::command_line::trade::TradeCommand;
use crate::print::Format;

const ME: ParticipantId = ParticipantId(21);
const BOARD: BoardId = BoardId(1);
const NEGOTIATION: NegotiationId =
    NegotiationId { entry: EntryId(7), with: Counterparty::Entry(EntryId(12)), number: 1 };

#[derive(Debug, Parser)]
struct Admin {
    /// Stands beside every command, and rows as CSV conflict with it.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: AdminCommand,
}

#[derive(Debug, Parser)]
struct Trade {
    /// Stands beside every command, and rows as CSV conflict with it.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: TradeCommand,
}

fn admin(line: &str) -> Result<Command, clap::Error> {
    let admin = Admin::try_parse_from(["admin"].into_iter().chain(line.split_whitespace()))?;
    Ok(admin.command.into_command().expect("no files are named"))
}

fn trade(line: &str) -> Result<TradeBoard, clap::Error> {
    let arguments = ["trade", "board"].into_iter().chain(line.split_whitespace());
    match Trade::try_parse_from(arguments)?.command {
        TradeCommand::Board(command) => Ok(command),
        other => panic!("{other:?}"),
    }
}

fn read<T: std::str::FromStr>(text: &str) -> T {
    text.parse().unwrap_or_else(|_| panic!("{text}"))
}

fn noon() -> Instant {
    parse_instant("2019-01-02T12:00:00Z").expect("an instant")
}

fn listing(side: Side, quantity: &str) -> Listing {
    Listing {
        side,
        goods: Goods { grade: Some(read("4N")), origin: Some(read("FI")), ..Goods::default() },
        minimum: Quantity::ZERO,
        quantity: read(quantity),
        first: read("2019-03-01"),
        last: read("2019-06-30"),
        sector: None,
        valid_until: noon(),
    }
}

const LISTED: &str = "--quantity 20 --limit 480 --grade 4N --origin FI --first 2019-03-01 --last 2019-06-30 \
                      --valid-until 2019-01-02T12:00:00Z";

fn terms(price: Option<&str>, quantity: &str) -> DealTerms {
    let (first, last) = (read("2019-03-01"), read("2019-06-30"));
    DealTerms { price: price.map(read), quantity: read(quantity), first, last }
}

fn board_terms() -> BoardTerms {
    BoardTerms {
        name: read("Gallium"),
        market: MarketId(1),
        rule: RoundRule {
            preference: Preference::Priority,
            price: PriceRule::Between(read("0.25")),
            floor: Some(read("400")),
            origin_cap: Some(read("0.65")),
            owner_cap: Some(read("0.5")),
        },
        sectors: vec![read("chips"), read("magnets")],
        solution_seconds: NonZeroU32::new(1_800).expect("positive"),
        answer_seconds: NonZeroU32::new(86_400).expect("positive"),
        counters_most: 2,
    }
}

#[test]
fn the_arguments_are_consistent() {
    Admin::command().debug_assert();
    Trade::command().debug_assert();
}

#[test]
fn what_operators_do_on_boards_becomes_a_command() {
    let proposed = |action| Command::Propose { action };
    let short = "boards open 1 --name Gallium --market 1 --solution-seconds 1800 --answer-seconds 86400";
    let open = format!(
        "{short} --preference priority --price k=0.25 --floor 400 --origin-cap 0.65 --owner-cap 0.5 --sectors chips,magnets \
         --most-counters 2"
    );
    let plain = BoardTerms {
        rule: RoundRule {
            preference: Preference::Surplus,
            price: PriceRule::Uniform,
            floor: None,
            origin_cap: None,
            owner_cap: None,
        },
        sectors: Vec::new(),
        counters_most: 4,
        ..board_terms()
    };
    let stock = format!("boards post-stock 1 --programme 2 --sell {LISTED}");
    let (programme, limit) = (ProgrammeId(2), read("480"));
    let listing = listing(Side::Sell, "20");
    let on_deal = Action::GrantOnDeal { deal: NEGOTIATION, floor: FloorId(1), per_period: read("5") };
    for (line, expected) in [
        (open.as_str(), proposed(Action::OpenBoard { board: BOARD, terms: board_terms() })),
        (short, proposed(Action::OpenBoard { board: BOARD, terms: plain })),
        ("boards call 1", Command::CallRound { board: BOARD }),
        (&stock, proposed(Action::PostStockEntry { board: BOARD, programme, listing, limit })),
        ("boards withdraw-stock 12", proposed(Action::WithdrawStockEntry { entry: EntryId(12) })),
        ("entitlements grant-on-deal 7-12.1 --floor 1 --per-period 5", proposed(on_deal)),
    ] {
        assert_eq!(admin(line).expect(line), expected, "{line}");
    }
    for (name, rule) in
        [("uniform", PriceRule::Uniform), ("midpoint", PriceRule::midpoint()), ("ask", PriceRule::Ask)]
    {
        match admin(&format!("{short} --price {name}")).expect(name) {
            Command::Propose { action: Action::OpenBoard { terms, .. } } => {
                assert_eq!(terms.rule.price, rule)
            }
            other => panic!("{other:?}"),
        }
    }
    let solve = Admin::try_parse_from(["admin", "boards", "solve", "1"]).expect("an operator's");
    assert!(matches!(solve.command.into_command(), Err(NoCommand::Searched)));
}

#[test]
fn what_traders_do_on_boards_becomes_a_command() {
    let (entry, negotiation, turn) = (EntryId(7), NEGOTIATION, 1);
    let limit = read("480");
    let posted = |side, is_group, sector: Option<&str>| Command::PostEntry {
        board: BOARD,
        listing: Box::new(Listing { sector: sector.map(read), ..listing(side, "20") }),
        limit,
        is_group,
    };
    let terms_text = "--quantity 20 --first 2019-03-01 --last 2019-06-30";
    for (line, expected) in [
        (format!("offer 1 {LISTED}"), posted(Side::Sell, false, None)),
        (format!("request 1 {LISTED} --sector chips --group"), posted(Side::Buy, true, Some("chips"))),
        (
            format!("replace 7 --buy {LISTED}"),
            Command::ReplaceEntry { entry, listing: Box::new(listing(Side::Buy, "20")), limit },
        ),
        ("withdraw 7".to_owned(), Command::WithdrawEntry { entry }),
        (
            "join 7 --quantity 20 --limit 480".to_owned(),
            Command::JoinGroup { entry, quantity: read("20"), limit },
        ),
        ("leave 7 --member 21".to_owned(), Command::LeaveGroup { entry, member: ME }),
        (
            format!("negotiate 7 --with 12 --price 470 {terms_text}"),
            Command::Negotiate { entry, with: NEGOTIATION.with, terms: terms(Some("470"), "20") },
        ),
        (
            format!("negotiate 7 --with p3 {terms_text}"),
            Command::Negotiate {
                entry,
                with: Counterparty::Participant(ParticipantId(3)),
                terms: terms(None, "20"),
            },
        ),
        (
            format!("counter 7-12.1 --turn 1 --price 475 {terms_text}"),
            Command::CounterTerms { negotiation, turn, terms: terms(Some("475"), "20") },
        ),
        ("accept 7-12.1 --turn 1".to_owned(), Command::AcceptTerms { negotiation, turn }),
        ("decline 7-12.1".to_owned(), Command::EndNegotiation { negotiation }),
        ("take-back 7-12.1".to_owned(), Command::EndNegotiation { negotiation }),
    ] {
        match trade(&line) {
            Ok(TradeBoard::Sent(command)) => assert_eq!(command.into_command(), expected, "{line}"),
            other => panic!("{line}: {other:?}"),
        }
    }
}

#[test]
fn a_wrong_argument_is_told_what_would_be_right() {
    for (line, right) in [
        (
            "negotiate 7 --with 3p --quantity 1 --first 2019-03-01 --last 2019-03-01",
            "a participant, such as p3",
        ),
        (
            "negotiate 7 --with p+3 --quantity 1 --first 2019-03-01 --last 2019-03-01",
            "a participant, such as p3",
        ),
        ("accept 7.12 --turn 0", "as 7-12.1"),
        ("accept 7-12.1", "--turn <N>"),
        ("join 7 --quantity 1", "--limit <PRICE>"),
        ("offer 1 --quantity 1 --limit 1 --first 2019-03 --last 2019-03-01", "not a day such as 2019-01-31"),
    ] {
        let error = trade(line).expect_err(line).to_string();
        assert!(error.contains(right), "{line}: {error}");
    }
    let open = "boards open 1 --name Gallium --market 1 --solution-seconds 1800 --answer-seconds 60";
    for (more, right) in [
        ("--price half", "uniform, midpoint, ask, or k= and a share"),
        ("--preference priority", "--sectors <NAMES>"),
        ("--preference most", "possible values: surplus, priority, pro-rata"),
    ] {
        let error = admin(&format!("{open} {more}")).expect_err(more).to_string();
        assert!(error.contains(right), "{more}: {error}");
    }
}

fn confirmed(action: Action) -> Event {
    let proposal = ProposalId { identity: IdentityId(1), command: CommandId(3) };
    Event::ActionConfirmed { proposal, by: IdentityId(2), action }
}

/// A board on a market of tonnes and dollars, as a supplier is told of it.
fn told() -> BoardsView {
    let market = Market {
        name: read("Gallium"),
        unit: Unit::Tonne,
        currency: Currency::Usd,
        lot: read("1"),
        tick: read("10"),
        lowest: read("0"),
        highest: read("1000"),
        largest: read("1000"),
    };
    let mut view = BoardsView::new(ME);
    view.add(&confirmed(Action::DefineMarket { market: MarketId(1), terms: market }));
    view.add(&confirmed(Action::OpenBoard { board: BOARD, terms: board_terms() }));
    for (number, side, quantity, is_own, is_group) in [
        (12, Side::Sell, "1200", true, false),
        (7, Side::Buy, "30", false, true),
        (8, Side::Buy, "5", false, false),
    ] {
        let party = Party::Participant(ME);
        view.add(&Event::EntryPosted {
            entry: EntryId(number),
            board: BOARD,
            owner: is_own.then_some(EntryOwner { party, posted: Some((IdentityId(21), CommandId(5))) }),
            listing: listing(side, quantity),
            limit: is_own.then(|| read("480")),
            is_group,
        });
    }
    view
}

fn table_rows(text: &str) -> Vec<Vec<String>> {
    let rows = text.lines().map(|line| line.split_whitespace().map(str::to_owned).collect());
    rows.filter(|row: &Vec<String>| {
        row.first().is_some_and(|word| word.starts_with(|c: char| c.is_ascii_digit()))
    })
    .collect()
}

#[test]
fn a_board_is_printed_as_everybody_sees_it() {
    let mut view = told();
    view.add(&Event::RoundCalled { board: BOARD, until: noon() });
    let csv = view.board(BOARD, Format::Csv).expect("a board");
    let rows: Vec<&str> = csv.lines().collect();
    assert_eq!(
        rows,
        [
            "entry,side,whose,quantity,minimum,grade,purity,place,origin,first,last,sector,valid_until,limit",
            "7,buy,a group,30,,4N,,,FI,2019-03-01,2019-06-30,,2019-01-02T12:00:00Z,",
            "8,buy,,5,,4N,,,FI,2019-03-01,2019-06-30,,2019-01-02T12:00:00Z,",
            "12,sell,yours,1200,,4N,,,FI,2019-03-01,2019-06-30,,2019-01-02T12:00:00Z,480",
        ]
    );
    let table = view.board(BOARD, Format::Table).expect("a board");
    assert!(table.contains("1,200"), "{table}");
    let line = "board 1, Gallium, market 1, prices in USD/t: a round is on until 2019-01-02T12:00:00Z";
    assert!(table.contains(line), "{table}");
    // Then one is gone, one has less, and the round is over.
    view.add(&Event::EntryClosed { entry: EntryId(8), board: BOARD, end: EntryEnd::DealtOut });
    view.add(&Event::EntryQuantity { entry: EntryId(12), board: BOARD, quantity: read("1195") });
    view.add(&Event::RoundHeld {
        board: BOARD,
        lots: 5,
        proposals: 1,
        proof: golv_engine::bilateral::RoundProof::Proved,
    });
    let object: Value =
        serde_json::from_str(&view.board(BOARD, Format::Json).expect("a board")).expect("JSON");
    assert_eq!(object["round_until"], Value::Null);
    let entries: Vec<_> = object["entries"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|entry| (entry["entry"].clone(), entry["quantity"].clone(), entry["limit"].clone()))
        .collect();
    assert_eq!(entries, [(json!(7), json!("30"), Value::Null), (json!(12), json!("1195"), json!("480"))]);
    assert_eq!(view.board(BoardId(2), Format::Table), Err(UnknownBoard(BoardId(2))));
}

#[test]
fn a_group_that_was_joined_is_shown_as_ones_own() {
    let mut view = told();
    let joined = |member| Event::GroupJoined {
        entry: EntryId(7),
        lead: None,
        member,
        quantity: read("5"),
        limit: read("500"),
    };
    view.add(&joined(ME));
    let rows = view.board(BOARD, Format::Csv).expect("a board");
    assert!(rows.contains("7,buy,your group,30") && rows.contains(",500\n"), "{rows}");
    view.add(&Event::GroupLeft { entry: EntryId(7), lead: None, member: ME });
    let rows = view.board(BOARD, Format::Csv).expect("a board");
    assert!(rows.contains("7,buy,a group,30") && !rows.contains(",500\n"), "{rows}");
}

#[test]
fn negotiations_say_whose_turn_it_is_until_there_is_a_deal() {
    let mut view = told();
    let (negotiation, board, until) = (NEGOTIATION, BOARD, noon());
    let sides = Sides { seller: Some(Party::Participant(ME)), buyer: None };
    let turn_of = |view: &BoardsView| table_rows(&view.negotiations(Format::Table));
    let opened = |by, price: Option<&str>| {
        let terms = terms(price, "20");
        Event::NegotiationOpened { negotiation, board, sides, by, terms, until }
    };
    for (by, price, expected) in [
        (None, Some("470"), "both"),
        (Some(Side::Buy), Some("470"), "yours"),
        (Some(Side::Buy), None, "yours"),
        (Some(Side::Sell), Some("470"), "theirs"),
    ] {
        view.add(&opened(by, price));
        assert_eq!(turn_of(&view)[0][3], expected, "{by:?}");
    }
    view.add(&opened(None, Some("470")));
    view.add(&Event::TermsAccepted { negotiation, sides, by: Side::Sell });
    assert_eq!(turn_of(&view)[0][3], "theirs");
    let countered = terms(Some("475"), "15");
    view.add(&Event::TermsCountered { negotiation, sides, by: Side::Buy, turn: 1, terms: countered, until });
    assert_eq!(
        view.negotiations(Format::Csv).lines().nth(1),
        Some("7-12.1,1,sell,yours,1,475,15,t,USD,2019-03-01,2019-06-30,2019-01-02T12:00:00Z")
    );
    let object: Value = serde_json::from_str(&view.negotiations(Format::Json)).expect("JSON");
    assert_eq!(object["negotiations"][0]["whose_turn"], "yours");
    assert_eq!(object["negotiations"][0]["terms"]["price"], "475");

    let deal = Deal {
        board,
        seller: Party::Participant(ME),
        buyer: Party::Participant(ParticipantId(31)),
        seller_consent: Consent::Identity(IdentityId(21)),
        buyer_consent: Consent::Identity(IdentityId(31)),
        price: read("475"),
        quantity: read("15"),
        first: read("2019-03-01"),
        last: read("2019-06-30"),
        goods: Goods::default(),
        shares: Vec::new(),
    };
    view.add(&Event::DealMade { negotiation, deal });
    assert!(turn_of(&view).is_empty(), "it is over");
    assert_eq!(
        view.deals(Format::Csv).lines().nth(1),
        Some("7-12.1,1,participant 21,participant 31,475,15,t,USD,2019-03-01,2019-06-30")
    );
    let object: Value = serde_json::from_str(&view.deals(Format::Json)).expect("JSON");
    assert_eq!(object["deals"][0]["buyer"], json!({"participant": 31}));
    // Another ends without one, and of a third a member of a group is told its share.
    view.add(&opened(None, Some("470")));
    view.add(&Event::NegotiationEnded { negotiation, sides, end: NegotiationEnd::Lapsed });
    assert!(turn_of(&view).is_empty(), "it is over");
    view.add(&Event::DealShared {
        negotiation: NegotiationId { number: 2, ..NEGOTIATION },
        member: ME,
        seller: Party::Stock(ProgrammeId(2)),
        price: read("470"),
        quantity: read("3"),
        first: read("2019-03-01"),
        last: read("2019-06-30"),
    });
    let deals = view.deals(Format::Table);
    assert!(
        deals.contains("the stock of programme 2") && deals.contains("your group, your share"),
        "{deals}"
    );
}
