//! Boards, negotiations and deals, as they are shown.

use super::*;
use golv_engine::bilateral::{
    BoardTerms, Consent, Deal, DealTerms, DualPrices, EntryEnd, EntryOwner, Goods, Listing, NegotiationEnd,
    Party, Preference, PriceRule, RoundEntry, RoundProof, RoundRule, RoundSolution, Sides,
};
use golv_engine::id::{BoardId, Counterparty, EntryId, NegotiationId};
use golv_engine::time::Day;

const BOARD: BoardId = BoardId(1);
const OFFER: EntryId = EntryId(12);
const REQUEST: EntryId = EntryId(7);
const NEGOTIATION: NegotiationId =
    NegotiationId { entry: REQUEST, with: Counterparty::Entry(OFFER), number: 1 };
const OTHER: ParticipantId = ParticipantId(31);

fn days() -> (Day, Day) {
    (january().first_day(), january().last_day())
}

fn listing() -> Listing {
    let (first, last) = days();
    Listing {
        side: Side::Sell,
        goods: Goods {
            grade: "4N".parse().ok(),
            purity: "0.9999".parse().ok(),
            place: "Rotterdam".parse().ok(),
            origin: "FI".parse().ok(),
        },
        minimum: tonnes(5),
        quantity: tonnes(20),
        first,
        last,
        sector: None,
        valid_until: NOON,
    }
}

/// What it says for people, and as members of an object.
const OFFERED: &str = "offers 20, at least 5 a deal, grade 4N, purity 0.9999, at Rotterdam, from FI, delivered from \
                       2019-01-01 to 2019-01-31, until 2018-12-03T12:00:00Z";

fn with(base: Value, more: Value) -> Value {
    let (mut base, Value::Object(more)) = (base, more) else { panic!("an object") };
    for (key, value) in more {
        base[key] = value;
    }
    base
}

fn offered(more: Value) -> Value {
    let base = json!({
        "side": "sell", "grade": "4N", "purity": "0.9999", "place": "Rotterdam", "origin": "FI", "minimum": "5",
        "quantity": "20", "first": "2019-01-01", "last": "2019-01-31", "sector": null,
        "valid_until": "2018-12-03T12:00:00Z",
    });
    with(base, more)
}

fn plain_request() -> Listing {
    let goods = Goods::default();
    let sector = "chips".parse().ok();
    Listing { side: Side::Buy, goods, minimum: Quantity::ZERO, sector, ..listing() }
}

fn terms(price: Option<i64>) -> DealTerms {
    let (first, last) = days();
    DealTerms { price: price.map(units), quantity: tonnes(20), first, last }
}

fn terms_value(price: Option<&str>) -> Value {
    json!({ "price": price, "quantity": "20", "first": "2019-01-01", "last": "2019-01-31" })
}

/// Each action about boards.
pub(super) fn actions() -> Vec<(Action, &'static str, &'static str, Value)> {
    let seconds = |seconds| NonZeroU32::new(seconds).expect("positive");
    let plain = BoardTerms {
        name: "Gallium".parse().expect("a name"),
        market: MarketId(1),
        rule: RoundRule {
            preference: Preference::Surplus,
            price: PriceRule::Uniform,
            floor: None,
            origin_cap: None,
            owner_cap: None,
        },
        sectors: Vec::new(),
        solution_seconds: seconds(1_800),
        answer_seconds: seconds(86_400),
        counters_most: 4,
    };
    let whole = BoardTerms {
        rule: RoundRule {
            preference: Preference::Priority,
            price: PriceRule::Between("0.25".parse().expect("a share")),
            floor: Some(units(60_000)),
            origin_cap: "0.65".parse().ok(),
            owner_cap: "0.5".parse().ok(),
        },
        sectors: ["chips", "magnets"].map(|name| name.parse().expect("a name")).into(),
        ..plain.clone()
    };
    vec![
        (
            Action::OpenBoard { board: BOARD, terms: plain },
            "open board 1, Gallium, on market 1: the most quantity, then by surplus, prices uniform; 1,800 s to solve a round, \
             86,400 s to answer, 4 counters at most",
            "open_board",
            json!({
                "board": 1, "name": "Gallium", "market": 1, "preference": "surplus", "price": "uniform", "floor": null,
                "origin_cap": null, "owner_cap": null, "sectors": [], "solution_seconds": 1800, "answer_seconds": 86400,
                "counters_most": 4,
            }),
        ),
        (
            Action::OpenBoard { board: BOARD, terms: whole },
            "open board 1, Gallium, on market 1: the most quantity, then by priority, prices k=0.25, floor 60,000, no origin \
             above 0.65 of all, no owner above 0.5 of all, sectors chips, then magnets; 1,800 s to solve a round, 86,400 s to \
             answer, 4 counters at most",
            "open_board",
            json!({
                "board": 1, "name": "Gallium", "market": 1, "preference": "priority", "price": "k=0.25", "floor": "60000",
                "origin_cap": "0.65", "owner_cap": "0.5", "sectors": ["chips", "magnets"], "solution_seconds": 1800,
                "answer_seconds": 86400, "counters_most": 4,
            }),
        ),
        (
            Action::PostStockEntry {
                board: BOARD,
                programme: ProgrammeId(2),
                listing: plain_request(),
                limit: units(60_000),
            },
            "put on board 1 that the stock of programme 2 requests 20, for chips, delivered from 2019-01-01 to 2019-01-31, \
             until 2018-12-03T12:00:00Z, at 60,000 or less",
            "post_stock_entry",
            offered(json!({
                "board": 1, "programme": 2, "limit": "60000", "side": "buy", "grade": null, "purity": null, "place": null,
                "origin": null, "minimum": "0", "sector": "chips",
            })),
        ),
        (
            Action::WithdrawStockEntry { entry: OFFER },
            "withdraw entry 12 of a stock",
            "withdraw_stock_entry",
            json!({"entry": 12}),
        ),
        (
            Action::GrantOnDeal { deal: NEGOTIATION, floor: FloorId(1), per_period: tonnes(5) },
            "grant the seller of deal 7-12.1 5 a period under floor 1",
            "grant_on_deal",
            json!({"deal": "7-12.1", "floor": 1, "per_period": "5"}),
        ),
    ]
}

#[test]
fn an_entry_is_shown_as_whoever_reads_is_told_it() {
    let (party, posted) = (Party::Participant(ME), Some((IdentityId(21), CommandId(5))));
    let event = |owner, limit, is_group| Event::EntryPosted {
        entry: OFFER,
        board: BOARD,
        owner,
        listing: listing(),
        limit,
        is_group,
    };
    check(
        event(None, None, true),
        &format!("board 1: entry 12, open to a purchasing group, {OFFERED}"),
        "entry_posted",
        offered(json!({
            "entry": 12, "board": 1, "owner": null, "posted": null, "limit": null, "is_group": true,
        })),
    );
    check(
        event(Some(EntryOwner { party, posted }), Some(units(90_000)), false),
        &format!("board 1: entry 12 of participant 21 {OFFERED}, at 90,000 or more"),
        "entry_posted",
        offered(json!({
            "entry": 12, "board": 1, "owner": {"participant": 21}, "posted": "21.5", "limit": "90000", "is_group": false,
        })),
    );
    let stock = Some(Party::Stock(ProgrammeId(2)));
    check(
        Event::EntryReplaced { entry: OFFER, board: BOARD, party: stock, listing: listing(), limit: None },
        &format!("board 1: entry 12 of the stock of programme 2 now {OFFERED}"),
        "entry_replaced",
        offered(json!({"entry": 12, "board": 1, "owner": {"stock": 2}, "limit": null})),
    );
    check(
        Event::EntryQuantity { entry: OFFER, board: BOARD, quantity: tonnes(5) },
        "board 1: of entry 12 there is 5",
        "entry_quantity",
        json!({"entry": 12, "board": 1, "quantity": "5"}),
    );
    for (end, word) in [
        (EntryEnd::Withdrawn, "withdrawn"),
        (EntryEnd::Expired, "expired"),
        (EntryEnd::DealtOut, "dealt-out"),
    ] {
        check(
            Event::EntryClosed { entry: OFFER, board: BOARD, end },
            &format!("board 1: entry 12 is gone: {}", word.replace('-', " ")),
            "entry_closed",
            json!({"entry": 12, "board": 1, "end": word}),
        );
    }
}

#[test]
fn a_group_is_shown_with_who_joins_and_leaves() {
    check(
        Event::GroupJoined {
            entry: REQUEST,
            lead: Some(ME),
            member: OTHER,
            quantity: tonnes(10),
            limit: units(95_000),
        },
        "group 7: participant 31 joined for 10 at 95,000 or less",
        "group_joined",
        json!({"entry": 7, "lead": 21, "member": 31, "quantity": "10", "limit": "95000"}),
    );
    check(
        Event::GroupLeft { entry: REQUEST, lead: None, member: OTHER },
        "group 7: participant 31 left",
        "group_left",
        json!({"entry": 7, "lead": null, "member": 31}),
    );
}

#[test]
fn a_round_is_shown_from_its_call_to_its_end() {
    let (first, last) = days();
    check(
        Event::RoundCalled { board: BOARD, until: NOON },
        "board 1: a round is on, deals are proposed until 2018-12-03T12:00:00Z",
        "round_called",
        json!({"board": 1, "until": "2018-12-03T12:00:00Z"}),
    );
    let entry = RoundEntry {
        entry: OFFER,
        side: Side::Sell,
        party: 0,
        owner: 1,
        goods: Goods::default(),
        first,
        last,
        minimum: 5,
        quantity: 20,
        limit: units(90_000),
        sector: 2,
    };
    check(
        Event::RoundBook { board: BOARD, digest: Digest([0xab; 32]), entries: vec![entry] },
        "board 1: 1 offers and 0 requests take part in the round",
        "round_book",
        json!({
            "board": 1, "digest": "ab".repeat(32),
            "entries": [{
                "entry": 12, "side": "sell", "party": 0, "owner": 1, "grade": null, "purity": null, "place": null,
                "origin": null, "first": "2019-01-01", "last": "2019-01-31", "minimum": 5, "quantity": 20,
                "limit": "90000", "sector": 2,
            }],
        }),
    );
    let by = IdentityId(1);
    for (proof, text, value) in [
        (RoundProof::Proved, "and nothing is better", json!({"kind": "proved"})),
        (
            RoundProof::Claimed(1_025),
            "and no more than 1,025 by the solver's word",
            json!({"kind": "claimed", "lots": 1025}),
        ),
        (RoundProof::Unknown, "with no bound", json!({"kind": "unknown"})),
    ] {
        let (board, lots) = (BOARD, 1_020);
        let (surplus, is_best) = (1_500_500_000, proof == RoundProof::Proved);
        let best = if is_best { "the best so far" } else { "not the best" };
        check(
            Event::DealsProposed { board, by, lots, surplus, proof, is_best },
            &format!(
                "board 1: identity 1 proposed deals for 1,020 lots with a surplus of 1,500.5, {text}, {best}"
            ),
            "deals_proposed",
            json!({
                "board": 1, "by": 1, "lots": 1020, "surplus": "1500.5", "proof": value.clone(), "is_best": is_best,
            }),
        );
        check(
            Event::RoundHeld { board, lots, proposals: 2, proof },
            &format!("board 1: the round is over with 2 proposals for 1,020 lots, {text}"),
            "round_held",
            json!({"board": 1, "lots": 1020, "proposals": 2, "proof": value}),
        );
    }
}

#[test]
fn a_negotiation_is_shown_to_its_sides() {
    let (negotiation, board, until) = (NEGOTIATION, BOARD, NOON);
    let mine = Sides { seller: Some(Party::Participant(ME)), buyer: None };
    let nobodys = Sides { seller: None, buyer: None };
    let own = json!({"participant": 21});
    for (sides, seller, by, word, text) in [
        (mine, own.clone(), Some(Side::Sell), Some("sell"), ", in which you sell: you propose"),
        (mine, own.clone(), Some(Side::Buy), Some("buy"), ", in which you sell: the buyer proposes"),
        (mine, own.clone(), None, None, ", in which you sell: the round proposes"),
        (nobodys, Value::Null, Some(Side::Sell), Some("sell"), ": the seller proposes"),
    ] {
        check(
            Event::NegotiationOpened { negotiation, board, sides, by, terms: terms(Some(92_000)), until },
            &format!(
                "negotiation 7-12.1 on board 1{text} 20 at 92,000, delivered from 2019-01-01 to 2019-01-31, to be answered by \
                 2018-12-03T12:00:00Z"
            ),
            "negotiation_opened",
            json!({
                "negotiation": "7-12.1", "board": 1, "seller": seller, "buyer": null, "by": word,
                "terms": terms_value(Some("92000")), "until": "2018-12-03T12:00:00Z",
            }),
        );
    }
    let asked = NegotiationId { with: Counterparty::Participant(ME), ..NEGOTIATION };
    check(
        Event::NegotiationOpened {
            negotiation: asked,
            board,
            sides: mine,
            by: Some(Side::Buy),
            terms: terms(None),
            until,
        },
        "negotiation 7-p21.1 on board 1, in which you sell: the buyer proposes 20 and asks for a price, delivered from \
         2019-01-01 to 2019-01-31, to be answered by 2018-12-03T12:00:00Z",
        "negotiation_opened",
        json!({
            "negotiation": "7-p21.1", "board": 1, "seller": own, "buyer": null, "by": "buy", "terms": terms_value(None),
            "until": "2018-12-03T12:00:00Z",
        }),
    );
    for (by, word, counters, accepted) in [
        (Side::Sell, "sell", "you counter", "you accepted"),
        (Side::Buy, "buy", "the other side counters", "the other side accepted"),
    ] {
        let sides = mine;
        check(
            Event::TermsCountered { negotiation, sides, by, turn: 1, terms: terms(Some(93_000)), until },
            &format!(
                "negotiation 7-12.1: {counters} with 20 at 93,000, delivered from 2019-01-01 to 2019-01-31, turn 1, to be \
                 answered by 2018-12-03T12:00:00Z"
            ),
            "terms_countered",
            json!({
                "negotiation": "7-12.1", "seller": {"participant": 21}, "buyer": null, "by": word, "turn": 1,
                "terms": terms_value(Some("93000")), "until": "2018-12-03T12:00:00Z",
            }),
        );
        check(
            Event::TermsAccepted { negotiation, sides, by },
            &format!("negotiation 7-12.1: {accepted}, the answer of the other is awaited"),
            "terms_accepted",
            json!({"negotiation": "7-12.1", "seller": {"participant": 21}, "buyer": null, "by": word}),
        );
    }
    for (end, word) in [
        (NegotiationEnd::Declined, "declined"),
        (NegotiationEnd::Withdrawn, "withdrawn"),
        (NegotiationEnd::Lapsed, "lapsed"),
        (NegotiationEnd::EntryGone, "entry-gone"),
    ] {
        check(
            Event::NegotiationEnded { negotiation, sides: mine, end },
            &format!("negotiation 7-12.1 ended without a deal: {}", word.replace('-', " ")),
            "negotiation_ended",
            json!({"negotiation": "7-12.1", "seller": {"participant": 21}, "buyer": null, "end": word}),
        );
    }
}

#[test]
fn a_deal_is_shown_with_both_sides_and_their_consent() {
    let (first, last) = days();
    let deal = Deal {
        board: BOARD,
        seller: Party::Stock(ProgrammeId(2)),
        buyer: Party::Participant(ME),
        seller_consent: Consent::Stock,
        buyer_consent: Consent::Identity(IdentityId(21)),
        price: units(93_000),
        quantity: tonnes(20),
        first,
        last,
        goods: Goods { grade: "4N".parse().ok(), ..Goods::default() },
        shares: vec![(ME, tonnes(12)), (OTHER, tonnes(8))],
    };
    check(
        Event::DealMade { negotiation: NEGOTIATION, deal },
        "deal 7-12.1 on board 1: the stock of programme 2 sells participant 21 20 at 93,000, delivered from 2019-01-01 to \
         2019-01-31, grade 4N; participant 21 takes 12; participant 31 takes 8",
        "deal_made",
        json!({
            "deal": "7-12.1", "board": 1, "seller": {"stock": 2}, "buyer": {"participant": 21},
            "seller_consent": "two operators", "buyer_consent": "identity 21", "price": "93000", "quantity": "20",
            "first": "2019-01-01", "last": "2019-01-31", "grade": "4N", "purity": null, "place": null, "origin": null,
            "shares": [{"member": 21, "quantity": "12"}, {"member": 31, "quantity": "8"}],
        }),
    );
    check(
        Event::DealShared {
            negotiation: NEGOTIATION,
            member: OTHER,
            seller: Party::Participant(ME),
            price: units(93_000),
            quantity: tonnes(8),
            first,
            last,
        },
        "deal 7-12.1: participant 31 takes 8 of participant 21 at 93,000, delivered from 2019-01-01 to 2019-01-31",
        "deal_shared",
        json!({
            "deal": "7-12.1", "member": 31, "seller": {"participant": 21}, "price": "93000", "quantity": "8",
            "first": "2019-01-01", "last": "2019-01-31",
        }),
    );
}

#[test]
fn a_contract_on_a_deal_names_it() {
    let terms = Entitlement { deal: Some(NEGOTIATION), ..entitlement() };
    let numbered = Numbered {
        number: 4,
        sequence: Sequence(17),
        event: Event::EntitlementGranted { entitlement: EntitlementId(4), terms },
    };
    let line = event_line(&numbered);
    assert!(
        line.starts_with("17  entitlement 4 under floor 1 on deal 7-12.1 granted to participant 21"),
        "{line}"
    );
    assert_eq!(event_json(&numbered)["deal"], "7-12.1");
}

#[test]
fn each_command_on_a_board_is_shown() {
    let (negotiation, turn) = (NEGOTIATION, 1);
    let solution = RoundSolution {
        entries: Digest([0xab; 32]),
        deals: vec![(OFFER, REQUEST, 20)],
        duals: Some(DualPrices { offers: vec![(1, 5_500_000)], requests: vec![(0, 0)] }),
        bound: Some(20),
    };
    let limit = units(90_000);
    for (command, object) in [
        (
            Command::PostEntry { board: BOARD, listing: Box::new(listing()), limit, is_group: false },
            offered(json!({"command": "post_entry", "board": 1, "limit": "90000", "is_group": false})),
        ),
        (
            Command::ReplaceEntry { entry: OFFER, listing: Box::new(listing()), limit },
            offered(json!({"command": "replace_entry", "entry": 12, "limit": "90000"})),
        ),
        (Command::WithdrawEntry { entry: OFFER }, json!({"command": "withdraw_entry", "entry": 12})),
        (
            Command::JoinGroup { entry: REQUEST, quantity: tonnes(10), limit },
            json!({"command": "join_group", "entry": 7, "quantity": "10", "limit": "90000"}),
        ),
        (
            Command::LeaveGroup { entry: REQUEST, member: OTHER },
            json!({"command": "leave_group", "entry": 7, "member": 31}),
        ),
        (Command::CallRound { board: BOARD }, json!({"command": "call_round", "board": 1})),
        (
            Command::ProposeDeals { board: BOARD, solution: Box::new(solution) },
            json!({
                "command": "propose_deals", "board": 1, "entries": "ab".repeat(32),
                "deals": [{"offer": 12, "request": 7, "lots": 20}],
                "duals": {
                    "offers": [{"lots": 1, "surplus": "5.5"}],
                    "requests": [{"lots": 0, "surplus": "0"}],
                },
                "bound": 20,
            }),
        ),
        (
            Command::Negotiate { entry: REQUEST, with: NEGOTIATION.with, terms: terms(Some(92_000)) },
            json!({"command": "negotiate", "entry": 7, "with": {"entry": 12}, "terms": terms_value(Some("92000"))}),
        ),
        (
            Command::Negotiate { entry: REQUEST, with: Counterparty::Participant(ME), terms: terms(None) },
            json!({"command": "negotiate", "entry": 7, "with": {"participant": 21}, "terms": terms_value(None)}),
        ),
        (
            Command::CounterTerms { negotiation, turn, terms: terms(Some(93_000)) },
            json!({
                "command": "counter_terms", "negotiation": "7-12.1", "turn": 1, "terms": terms_value(Some("93000")),
            }),
        ),
        (
            Command::AcceptTerms { negotiation, turn },
            json!({"command": "accept_terms", "negotiation": "7-12.1", "turn": 1}),
        ),
        (
            Command::EndNegotiation { negotiation },
            json!({"command": "end_negotiation", "negotiation": "7-12.1"}),
        ),
    ] {
        assert_eq!(command_json(&command), object);
        assert_eq!(command_name(&command), object["command"]);
    }
}

#[test]
fn a_refusal_says_what_is_promised_and_until_when() {
    let answer = |reason| Answer { sequence: Sequence(17), outcome: Err(reason) };
    let command = Command::WithdrawEntry { entry: OFFER };
    for (reason, text) in [
        (
            Reject::RoundOn { until: NOON },
            "811 RoundOn: a round is on until 2018-12-03T12:00:00Z, and what takes part in it stands still",
        ),
        (Reject::EntryShort { free: tonnes(5) }, "827 EntryShort: of the entry 5 is promised to nobody"),
        (
            Reject::UnknownNegotiation { negotiation: NEGOTIATION },
            "823 UnknownNegotiation: there is no negotiation 7-12.1 of this participant",
        ),
    ] {
        let line = answer_line(IdentityId(1), CommandId(7), &command, &answer(reason));
        assert_eq!(line, format!("17  command 7 refused: {text}"));
    }
}
