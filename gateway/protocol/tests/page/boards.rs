//! What is said of boards, negotiations and deals, with one of everything.

use std::num::NonZeroU32;

use golv_engine::bilateral::{
    BoardTerms, Consent, Deal, DealTerms, DualPrices, EntryEnd, EntryOwner, Goods, Listing, NegotiationEnd,
    Party, Preference, PriceRule, RoundEntry, RoundProof, RoundRule, RoundSolution, Sides,
};
use golv_engine::book::Side;
use golv_engine::command::{Action, Command};
use golv_engine::digest::Digest;
use golv_engine::event::Event;
use golv_engine::id::{
    BoardId, CommandId, Counterparty, EntryId, FloorId, IdentityId, MarketId, NegotiationId, ParticipantId,
    ProgrammeId,
};
use golv_engine::time::{Day, Instant};

use super::{month, price, tonnes};

const BOARD: BoardId = BoardId(1);
const OFFER: EntryId = EntryId(12);
const REQUEST: EntryId = EntryId(7);
const NEGOTIATION: NegotiationId =
    NegotiationId { entry: REQUEST, with: Counterparty::Entry(OFFER), number: 1 };
const SELLER: Party = Party::Participant(ParticipantId(21));
const BUYER: Party = Party::Participant(ParticipantId(31));

fn seconds(seconds: u32) -> NonZeroU32 {
    NonZeroU32::new(seconds).expect("positive")
}

fn noon() -> Instant {
    Instant::at_midnight(2019, 1, 2).expect("a day")
}

fn days() -> (Day, Day) {
    (month(2019, 3).first_day(), month(2019, 6).last_day())
}

fn terms() -> BoardTerms {
    BoardTerms {
        name: "Gallium".parse().expect("a name"),
        market: MarketId(1),
        rule: RoundRule {
            preference: Preference::Priority,
            price: PriceRule::Between("0.5".parse().expect("a share")),
            floor: Some(price(60_000)),
            origin_cap: "0.65".parse().ok(),
            owner_cap: None,
        },
        sectors: vec!["chips".parse().expect("a name")],
        solution_seconds: seconds(1_800),
        answer_seconds: seconds(86_400),
        counters_most: 4,
    }
}

fn goods() -> Goods {
    Goods {
        grade: "4N".parse().ok(),
        purity: "0.9999".parse().ok(),
        place: "Rotterdam".parse().ok(),
        origin: "FI".parse().ok(),
    }
}

pub(crate) fn listing(side: Side) -> Listing {
    let (first, last) = days();
    Listing {
        side,
        goods: goods(),
        minimum: tonnes(5),
        quantity: tonnes(20),
        first,
        last,
        sector: (side == Side::Buy).then(|| "chips".parse().expect("a name")),
        valid_until: noon(),
    }
}

fn deal_terms(units: Option<i64>) -> DealTerms {
    let (first, last) = days();
    DealTerms { price: units.map(price), quantity: tonnes(20), first, last }
}

pub(super) fn commands() -> Vec<(&'static str, Command)> {
    let solution = RoundSolution {
        entries: Digest([0xab; 32]),
        deals: vec![(OFFER, REQUEST, 20)],
        duals: Some(DualPrices { offers: vec![(1, 5_000_000)], requests: vec![(0, 0)] }),
        bound: Some(20),
    };
    let (negotiation, turn) = (NEGOTIATION, 1);
    vec![
        (
            "PostEntry",
            Command::PostEntry {
                board: BOARD,
                listing: Box::new(listing(Side::Buy)),
                limit: price(95_000),
                is_group: true,
            },
        ),
        (
            "ReplaceEntry",
            Command::ReplaceEntry {
                entry: OFFER,
                listing: Box::new(listing(Side::Sell)),
                limit: price(90_000),
            },
        ),
        ("WithdrawEntry", Command::WithdrawEntry { entry: OFFER }),
        ("JoinGroup", Command::JoinGroup { entry: REQUEST, quantity: tonnes(10), limit: price(95_000) }),
        ("LeaveGroup", Command::LeaveGroup { entry: REQUEST, member: ParticipantId(32) }),
        ("CallRound", Command::CallRound { board: BOARD }),
        ("ProposeDeals", Command::ProposeDeals { board: BOARD, solution: Box::new(solution) }),
        (
            "Negotiate",
            Command::Negotiate {
                entry: REQUEST,
                with: Counterparty::Entry(OFFER),
                terms: deal_terms(Some(92_000)),
            },
        ),
        (
            "Negotiate, for a price",
            Command::Negotiate {
                entry: REQUEST,
                with: Counterparty::Participant(ParticipantId(21)),
                terms: deal_terms(None),
            },
        ),
        ("CounterTerms", Command::CounterTerms { negotiation, turn, terms: deal_terms(Some(93_000)) }),
        ("AcceptTerms", Command::AcceptTerms { negotiation, turn }),
        ("EndNegotiation", Command::EndNegotiation { negotiation }),
    ]
}

pub(super) fn actions() -> Vec<Action> {
    vec![
        Action::OpenBoard { board: BOARD, terms: terms() },
        Action::PostStockEntry {
            board: BOARD,
            programme: ProgrammeId(1),
            listing: listing(Side::Sell),
            limit: price(110_000),
        },
        Action::WithdrawStockEntry { entry: OFFER },
        Action::GrantOnDeal { deal: NEGOTIATION, floor: FloorId(1), per_period: tonnes(5) },
    ]
}

/// As an operator is told them where operators are told, and else as a side is.
pub(super) fn events() -> Vec<Event> {
    let (first, last) = days();
    let (board, negotiation, until) = (BOARD, NEGOTIATION, noon());
    let sides = Sides { seller: Some(SELLER), buyer: None };
    let posted = Some((IdentityId(21), CommandId(5)));
    let (lots, proof) = (20, RoundProof::Proved);
    let (lead, member) = (Some(ParticipantId(31)), ParticipantId(32));
    vec![
        Event::EntryPosted {
            entry: OFFER,
            board,
            owner: Some(EntryOwner { party: SELLER, posted }),
            listing: listing(Side::Sell),
            limit: None,
            is_group: false,
        },
        Event::EntryReplaced {
            entry: OFFER,
            board,
            party: Some(SELLER),
            listing: listing(Side::Sell),
            limit: Some(price(90_000)),
        },
        Event::EntryQuantity { entry: OFFER, board, quantity: tonnes(5) },
        Event::EntryClosed { entry: OFFER, board, end: EntryEnd::DealtOut },
        Event::GroupJoined { entry: REQUEST, lead, member, quantity: tonnes(10), limit: price(95_000) },
        Event::GroupLeft { entry: REQUEST, lead, member },
        Event::RoundCalled { board, until },
        Event::RoundBook {
            board,
            digest: Digest([0xab; 32]),
            entries: vec![RoundEntry {
                entry: OFFER,
                side: Side::Sell,
                party: 0,
                owner: 1,
                goods: goods(),
                first,
                last,
                minimum: 5,
                quantity: 20,
                limit: price(90_000),
                sector: 1,
            }],
        },
        Event::DealsProposed {
            board,
            by: IdentityId(1),
            lots,
            surplus: 100_000_000_000,
            proof: RoundProof::Claimed(25),
            is_best: true,
        },
        Event::RoundHeld { board, lots, proposals: 1, proof },
        Event::NegotiationOpened {
            negotiation,
            board,
            sides,
            by: Some(Side::Buy),
            terms: deal_terms(Some(92_000)),
            until,
        },
        Event::TermsCountered {
            negotiation,
            sides,
            by: Side::Sell,
            turn: 1,
            terms: deal_terms(Some(93_000)),
            until,
        },
        Event::TermsAccepted { negotiation, sides, by: Side::Buy },
        Event::NegotiationEnded { negotiation, sides, end: NegotiationEnd::Lapsed },
        Event::DealMade {
            negotiation,
            deal: Deal {
                board,
                seller: SELLER,
                buyer: BUYER,
                seller_consent: Consent::Identity(IdentityId(21)),
                buyer_consent: Consent::Identity(IdentityId(31)),
                price: price(93_000),
                quantity: tonnes(20),
                first,
                last,
                goods: goods(),
                shares: vec![(ParticipantId(31), tonnes(12)), (member, tonnes(8))],
            },
        },
        Event::DealShared {
            negotiation,
            member,
            seller: SELLER,
            price: price(93_000),
            quantity: tonnes(8),
            first,
            last,
        },
    ]
}
