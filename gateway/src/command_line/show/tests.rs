//! Every event, command and action as it is shown.

mod auctions;
mod boards;
mod money;

use super::*;
use std::num::NonZeroU32;

use golv_engine::auction::{AuctionTerms, Draw, DrawSecret, Fill, Unfilled};
use golv_engine::book::Side;
use golv_engine::cfd::{
    ContractTerms, Delivery, Entitlement, IndexTerms, Measure, Observation, Payoff, PayoffRule,
    SettlementLine, SettlementRun, Upside, VolumeRule,
};
use golv_engine::clearing::{
    Allocation, Candidates, Certificate, Criterion, CurvePoint, Equilibrium, Reason,
};
use golv_engine::command::{NewBid, Operator};
use golv_engine::digest::Digest;
use golv_engine::id::{
    AuctionId, BidId, DataVersion, EntitlementId, FloorId, IndexId, MarketId, OwnerGroup, ParticipantId,
    ProgrammeId, ProposalId, Sequence,
};
use golv_engine::key::KeyFingerprint;
use golv_engine::market::{FloorTerms, Market, Unit};
use golv_engine::num::{Currency, Quantity};
use golv_engine::participant::{Role, Standing};
use golv_engine::reject::Reject;
use golv_engine::time::{Calendar, Month};

const ME: ParticipantId = ParticipantId(21);
const PROPOSAL: ProposalId = ProposalId { identity: IdentityId(1), command: CommandId(7) };
const BID: BidId = BidId { identity: IdentityId(21), command: CommandId(5) };
const NOON: Instant = Instant(1_543_838_400_000_000_000);

fn units(units: i64) -> Price {
    Price::from_units(units).expect("fits")
}

fn tonnes(units: u32) -> Quantity {
    Quantity::from_units(units).expect("fits")
}

fn dollars(units: i64) -> Money {
    Money { currency: Currency::Usd, millionths: units * 1_000_000 }
}

/// A floor with a share of high prices on what is delivered.
fn contract() -> ContractTerms {
    let upside = Upside {
        above: Some(units(150_000)),
        share: "0.3".parse().expect("a share"),
        annual_cap: None,
        condition: None,
    };
    ContractTerms {
        payoff: Payoff { upside: Some(upside), ..Payoff::floor() },
        volume: VolumeRule { measure: Measure::Metered, ..VolumeRule::default() },
        ..ContractTerms::monthly_floor()
    }
}

fn january() -> Month {
    Month::new(2019, 1).expect("a month")
}

fn proposed(action: Action) -> Event {
    Event::ActionProposed { proposal: PROPOSAL, action }
}

fn actions() -> Vec<(Action, &'static str, &'static str, Value)> {
    let name = |text: &str| text.parse().expect("a name");
    let auction = |kind| AuctionTerms {
        kind,
        opens_at: NOON,
        closes_at: NOON.plus_seconds(60).expect("fits"),
        challenge_seconds: NonZeroU32::new(86_400).expect("positive"),
        rule: Rule {
            reference_price: Some(units(95_000)),
            payment: Payment::OwnPrice,
            quote: "90000:96000".parse().ok(),
            ..Rule::new(
                Candidates::Limits,
                vec![Criterion::MostVolume, Criterion::LastAcceptedOffer],
                Allocation::SeededDraw,
            )
        }
        .into(),
        draw_commitment: Some(Digest([0xcd; 32])),
    };
    let auction_details = |kind: Value| {
        let mut object = kind;
        object["auction"] = 2.into();
        object["opens_at"] = "2018-12-03T12:00:00Z".into();
        object["closes_at"] = "2018-12-03T12:01:00Z".into();
        object["challenge_seconds"] = 86_400.into();
        object["rule"] = json!({
            "candidates": "limits", "cascade": ["most-volume", "last-accepted-offer"],
            "allocation": "seeded-draw", "payment": "own-price", "reference-price": "95000", "tick": null,
            "rounding": "half-up", "lot": null, "minimum": null, "band": null, "floor": null,
            "ceiling": null, "quote": "90000:96000",
        });
        object["draw_commitment"] = "cd".repeat(32).into();
        object
    };
    let key = "ab".repeat(32);
    let key_line = "bind key abababababababababababababababababababababababababababababababab to identity 3; its \
                    other keys end at 2018-12-03T12:00:00Z";
    vec![
        (
            Action::RegisterParticipant {
                participant: ME,
                name: name("Keliber Oy"),
                owner_group: OwnerGroup(7),
                roles: [Role::Supplier, Role::Buyer].into(),
            },
            "register participant 21, Keliber Oy, owner group 7, as supplier and buyer",
            "register_participant",
            json!({"participant": 21, "name": "Keliber Oy", "owner_group": 7, "roles": ["supplier", "buyer"]}),
        ),
        (
            Action::AddIdentity { identity: IdentityId(3), participant: ME },
            "let identity 3 act for participant 21",
            "add_identity",
            json!({"identity": 3, "participant": 21}),
        ),
        (
            Action::BindKey {
                identity: IdentityId(3),
                key: KeyFingerprint([0xab; 32]),
                others_end_at: Some(NOON),
            },
            key_line,
            "bind_key",
            json!({"identity": 3, "key": key, "others_end_at": "2018-12-03T12:00:00Z"}),
        ),
        (
            Action::RevokeIdentity { identity: IdentityId(3) },
            "revoke identity 3",
            "revoke_identity",
            json!({"identity": 3}),
        ),
        (
            Action::SetStanding { participant: ME, standing: Standing::Suspended },
            "set participant 21 suspended",
            "set_standing",
            json!({"participant": 21, "standing": "suspended"}),
        ),
        (
            Action::DefineMarket {
                market: MarketId(1),
                terms: Market {
                    name: name("Lithium metal"),
                    unit: Unit::Tonne,
                    currency: Currency::Usd,
                    lot: tonnes(1),
                    tick: units(10),
                    lowest: units(20_000),
                    highest: units(600_000),
                    largest: tonnes(1_000),
                },
            },
            "define market 1, Lithium metal: prices 20,000 to 600,000 USD/t by 10, quantities up to 1,000 t by 1",
            "define_market",
            json!({
                "market": 1, "name": "Lithium metal", "unit": "t", "currency": "USD", "lot": "1",
                "tick": "10", "lowest": "20000", "highest": "600000", "largest": "1000",
            }),
        ),
        (
            Action::DefineIndex {
                index: IndexId(3),
                terms: IndexTerms {
                    name: name("IMF"),
                    currency: Some(Currency::Usd),
                    publisher: ME,
                    guard: "0.25".parse().ok(),
                },
            },
            "define index 3, IMF, in USD, published by participant 21, held if it moves by more than 0.25",
            "define_index",
            json!({"index": 3, "name": "IMF", "currency": "USD", "publisher": 21, "guard": "0.25"}),
        ),
        (
            Action::DefineIndex {
                index: IndexId(4),
                terms: IndexTerms { name: name("CPI"), currency: None, publisher: ME, guard: None },
            },
            "define index 4, CPI, a number, published by participant 21",
            "define_index",
            json!({"index": 4, "name": "CPI", "currency": null, "publisher": 21, "guard": null}),
        ),
        (
            Action::SetFloor {
                floor: FloorId(1),
                terms: FloorTerms {
                    market: MarketId(1),
                    programme: ProgrammeId(2),
                    index: IndexId(3),
                    price: units(105_000),
                    stress_price: units(60_000),
                    first: january(),
                    last: january(),
                    origins: ["FI", "SE"].map(|code| code.parse().expect("a country")).into(),
                    contract: Box::new(contract()),
                },
            },
            "set floor 1 on market 1: 105,000 down to 60,000 against index 3, paid by programme 2, \
             2019-01 to 2019-01, for FI, SE; settled monthly on metered volume, 0.3 of what exceeds 150,000 shared",
            "set_floor",
            json!({
                "floor": 1, "market": 1, "programme": 2, "index": 3, "price": "105000",
                "stress_price": "60000", "first": "2019-01", "last": "2019-01", "origins": ["FI", "SE"],
                "contract": {
                    "calendar": "monthly",
                    "payoff": {
                        "support": "1",
                        "upside": {"above": "150000", "share": "0.3", "annual-cap": null, "condition": null},
                        "minimum": null, "suspension": "never", "annual-volume": null,
                    },
                    "reference": {"averaging": "simple", "least-observations": 0, "fallback": null},
                    "volume": {"measure": "metered", "destinations": [], "evidence": false},
                    "indexation": null, "interest": null,
                },
            }),
        ),
        (
            Action::AnnounceAuction {
                auction: AuctionId(2),
                terms: auction(AuctionKind::Call { market: MarketId(1), stock: None }),
            },
            "announce call auction 2 on market 1: opens 2018-12-03T12:00:00Z, closes 2018-12-03T12:01:00Z, \
             86,400 s to challenge, price among limits by most volume, last accepted offer, seeded draw at the \
             margin, each at its own price, reference price 95,000, quote 90000:96000",
            "announce_auction",
            auction_details(json!({"kind": "call", "market": 1, "stock": null})),
        ),
        (
            Action::AnnounceAuction {
                auction: AuctionId(2),
                terms: auction(AuctionKind::Support { floor: FloorId(1), per_period: tonnes(120) }),
            },
            "announce support auction 2 for 120 a period under floor 1: opens 2018-12-03T12:00:00Z, closes \
             2018-12-03T12:01:00Z, 86,400 s to challenge, price among limits by most volume, last accepted offer, seeded draw at the \
             margin, each at its own price, reference price 95,000, quote 90000:96000",
            "announce_auction",
            auction_details(json!({"kind": "support", "floor": 1, "per_period": "120"})),
        ),
        (
            Action::CancelAuction { auction: AuctionId(2) },
            "cancel auction 2",
            "cancel_auction",
            json!({"auction": 2}),
        ),
        (
            Action::GrantEntitlement { floor: FloorId(1), holder: ME, per_period: tonnes(20) },
            "grant participant 21 20 a period under floor 1",
            "grant_entitlement",
            json!({"floor": 1, "holder": 21, "per_period": "20"}),
        ),
        (
            Action::NovateEntitlement { entitlement: EntitlementId(4), to: ME },
            "novate entitlement 4 to participant 21",
            "novate_entitlement",
            json!({"entitlement": 4, "to": 21}),
        ),
        (
            Action::TerminateEntitlement { entitlement: EntitlementId(4), last: january().last_day() },
            "end entitlement 4 with 2019-01-31",
            "terminate_entitlement",
            json!({"entitlement": 4, "last": "2019-01-31"}),
        ),
        (
            Action::ShareUpside { entitlement: EntitlementId(4), from: january().first_day() },
            "share high prices under entitlement 4 from 2019-01-01 on",
            "share_upside",
            json!({"entitlement": 4, "from": "2019-01-01"}),
        ),
        (
            Action::ReleaseReferencePrice {
                index: IndexId(3),
                day: january().last_day(),
                observation: observation(),
            },
            "release 92,000.50 of index 3 for 2019-01-31",
            "release_reference_price",
            json!({"index": 3, "day": "2019-01-31", "price": "92000.5", "volume": "20", "source": "IMF"}),
        ),
        (
            Action::Settle { floor: FloorId(1), period: january().first_day(), version: DataVersion(1) },
            "settle floor 1 for the period of 2019-01-01 on version 1 of the data",
            "settle",
            json!({"floor": 1, "period": "2019-01-01", "version": 1}),
        ),
        (
            Action::ChangeRules { version: 2 },
            "change the rules to version 2",
            "change_rules",
            json!({"version": 2}),
        ),
    ]
}

fn check(event: Event, line: &str, name: &str, details: Value) {
    let numbered = Numbered { number: 4, sequence: Sequence(17), event };
    assert_eq!(event_line(&numbered), format!("17  {line}"));
    let mut object = details;
    object["number"] = 4.into();
    object["sequence"] = 17.into();
    object["event"] = name.into();
    assert_eq!(event_json(&numbered), object);
}

#[test]
fn each_action_is_shown() {
    for (action, line, name, details) in
        actions().into_iter().chain(money::actions()).chain(boards::actions())
    {
        check(
            proposed(action.clone()),
            &format!("proposal 1.7: {line}"),
            "action_proposed",
            json!({"proposal": "1.7", "action": name, "details": details}),
        );
        check(
            Event::ActionConfirmed { proposal: PROPOSAL, by: IdentityId(2), action },
            &format!("proposal 1.7 confirmed by identity 2: {line}"),
            "action_confirmed",
            json!({"proposal": "1.7", "by": 2, "action": name, "details": details}),
        );
    }
}

#[test]
fn every_other_event_is_shown() {
    check(
        Event::Founded { participant: ParticipantId(1) },
        "the exchange was founded; its centre is participant 1",
        "founded",
        json!({"participant": 1}),
    );
    check(
        Event::ClockSet { to: NOON },
        "the rehearsal's clock was set to 2018-12-03T12:00:00Z",
        "clock_set",
        json!({"to": "2018-12-03T12:00:00Z"}),
    );
    check(
        Event::ProposalWithdrawn { proposal: PROPOSAL },
        "proposal 1.7 withdrawn",
        "proposal_withdrawn",
        json!({"proposal": "1.7"}),
    );
    check(
        Event::EntitlementGranted { entitlement: EntitlementId(4), terms: entitlement() },
        "entitlement 4 under floor 1 granted to participant 21: 20 a period from 2019-01-01 to 2019-06-30, strike 95,000, \
         700,000.00 USD reserved",
        "entitlement_granted",
        json!({
            "entitlement": 4, "floor": 1, "holder": 21, "strike": "95000", "per_period": "20",
            "first": "2019-01-01", "last": "2019-06-30", "upside_from": null, "deal": null,
            "reserved": {"amount": "700000.00", "currency": "USD"},
        }),
    );
    check(
        Event::EntitlementNovated { entitlement: EntitlementId(4), from: ME, to: ParticipantId(22) },
        "entitlement 4 novated from participant 21 to participant 22",
        "entitlement_novated",
        json!({"entitlement": 4, "from": 21, "to": 22}),
    );
    check(
        Event::EntitlementTerminated {
            entitlement: EntitlementId(4),
            holder: ME,
            last: january().last_day(),
            released: dollars(100),
        },
        "entitlement 4 of participant 21 ends with 2019-01-31, 100.00 USD released",
        "entitlement_terminated",
        json!({
            "entitlement": 4, "holder": 21, "last": "2019-01-31",
            "released": {"amount": "100.00", "currency": "USD"},
        }),
    );
    check(
        Event::UpsideShared { entitlement: EntitlementId(4), holder: ME, from: january().last_day() },
        "entitlement 4: participant 21 shares high prices from 2019-01-31 on",
        "upside_shared",
        json!({"entitlement": 4, "holder": 21, "from": "2019-01-31"}),
    );
    check(
        Event::ReferencePricePublished {
            index: IndexId(3),
            day: january().last_day(),
            revision: 2,
            version: DataVersion(9),
            observation: observation(),
        },
        "index 3: 92,000.50 published for 2019-01-31, revision 2, from IMF; data version 9",
        "reference_price_published",
        json!({
            "index": 3, "day": "2019-01-31", "revision": 2, "version": 9, "price": "92000.5",
            "volume": "20", "source": "IMF",
        }),
    );
    check(
        Event::ReferencePriceHeld {
            index: IndexId(3),
            day: january().last_day(),
            publisher: ME,
            observation: observation(),
            before: units(920),
        },
        "index 3: 92,000.50 for 2019-01-31 by participant 21 is held, it was 920 before",
        "reference_price_held",
        json!({
            "index": 3, "day": "2019-01-31", "publisher": 21, "price": "92000.5", "volume": "20",
            "source": "IMF", "before": "920",
        }),
    );
    check(
        Event::DeliveryReported {
            entitlement: EntitlementId(4),
            holder: ME,
            day: january().last_day(),
            revision: 1,
            version: DataVersion(10),
            delivery: delivery(),
        },
        "entitlement 4: participant 21 delivered on 2019-01-31: 20 sold, 5 of it from stock, 1 stockpiled, revision 1; \
         data version 10",
        "delivery_reported",
        json!({
            "entitlement": 4, "holder": 21, "day": "2019-01-31", "revision": 1, "version": 10, "sold": "20",
            "from_stock": "5", "stockpiled": "1", "destination": "DE", "evidence": null,
        }),
    );
    check(
        Event::SettlementRunCompleted { run: run() },
        "floor 1 settled for 2019-01, run 2, on 92,000 (data version 3): -6,000.00 USD posted, programme reserves \
         200.00 USD, has 100.00 USD free; entitlement 4 of participant 21, 20 at strike 95,000, is worth \
         60,000.00 USD, -1,000.00 USD posted with -2.00 USD interest",
        "settlement_run_completed",
        json!({
            "floor": 1, "period": {"first": "2019-01-01", "last": "2019-01-31"}, "run": 2, "version": 3,
            "day": "2019-02-28", "index": 3, "reference_price": "92000",
            "posted": {"amount": "-6000.00", "currency": "USD"},
            "free": {"amount": "100.00", "currency": "USD"},
            "reserved": {"amount": "200.00", "currency": "USD"},
            "lines": [{
                "entitlement": 4, "holder": 21, "strike": "95000", "reference_price": "92000",
                "delivered": "25", "quantity": "20", "rule": "support",
                "amount": {"amount": "60000.00", "currency": "USD"},
                "remainder": {"amount": "0.00", "currency": "USD"},
                "delta": {"amount": "-1000.00", "currency": "USD"},
                "interest": {"amount": "-2.00", "currency": "USD"},
            }],
        }),
    );
}

fn entitlement() -> Entitlement {
    Entitlement {
        floor: FloorId(1),
        holder: ME,
        strike: units(95_000),
        per_period: tonnes(20),
        first: january().first_day(),
        last: "2019-06-30".parse().expect("a day"),
        deal: None,
        upside_from: None,
        reserved: dollars(700_000),
    }
}

fn observation() -> Observation {
    let price = Price::from_millionths(92_000_500_000);
    Observation { price, volume: Some(tonnes(20)), source: "IMF".parse().ok() }
}

fn delivery() -> Delivery {
    Delivery {
        sold: tonnes(20),
        from_stock: tonnes(5),
        stockpiled: tonnes(1),
        destination: "DE".parse().ok(),
        evidence: None,
    }
}

fn run() -> SettlementRun {
    let line = SettlementLine {
        entitlement: EntitlementId(4),
        holder: ME,
        strike: units(95_000),
        reference_price: Some(units(92_000)),
        delivered: tonnes(25),
        quantity: tonnes(20),
        rule: PayoffRule::Support,
        amount: dollars(60_000),
        remainder: dollars(0),
        delta: dollars(-1_000),
        interest: dollars(-2),
    };
    SettlementRun {
        floor: FloorId(1),
        period: Calendar::Monthly.period(january().first_day()),
        number: 2,
        version: DataVersion(3),
        day: "2019-02-28".parse().expect("a day"),
        index: IndexId(3),
        reference_price: Some(units(92_000)),
        lines: vec![line],
        posted: dollars(-6_000),
        free: dollars(100),
        reserved: dollars(200),
    }
}

#[test]
fn each_command_is_shown() {
    let auction = AuctionId(2);
    let key = KeyFingerprint([0xab; 32]);
    let founders = [
        Operator { identity: IdentityId(1), key: Some(key) },
        Operator { identity: IdentityId(2), key: None },
    ];
    let origin = Some("FI".parse().expect("a country"));
    for (command, object) in [
        (
            Command::Found {
                participant: ParticipantId(1),
                name: "The centre".parse().expect("a name"),
                operators: founders,
            },
            json!({
                "command": "found", "participant": 1, "name": "The centre",
                "operators": [{"identity": 1, "key": "ab".repeat(32)}, {"identity": 2, "key": null}],
            }),
        ),
        (Command::Tick, json!({"command": "tick"})),
        (Command::SetClock { to: NOON }, json!({"command": "set_clock", "to": "2018-12-03T12:00:00Z"})),
        (
            Command::Propose { action: Action::CancelAuction { auction } },
            json!({"command": "propose", "action": "cancel_auction", "details": {"auction": 2}}),
        ),
        (Command::Confirm { proposal: PROPOSAL }, json!({"command": "confirm", "proposal": "1.7"})),
        (
            Command::WithdrawProposal { proposal: PROPOSAL },
            json!({"command": "withdraw_proposal", "proposal": "1.7"}),
        ),
        (
            Command::PlaceBid {
                auction,
                bid: NewBid {
                    side: Side::Sell,
                    price: Some(units(95_000)),
                    quantity: tonnes(20),
                    origin,
                    details: None,
                },
            },
            json!({
                "command": "place_bid", "auction": 2, "side": "sell", "price": "95000", "quantity": "20",
                "origin": "FI", "details": null,
            }),
        ),
        (
            Command::ReplaceBid { auction, bid: BID, price: Some(units(95_000)), quantity: tonnes(20) },
            json!({
                "command": "replace_bid", "auction": 2, "bid": "21.5", "price": "95000", "quantity": "20",
            }),
        ),
        (
            Command::WithdrawBid { auction, bid: BID },
            json!({"command": "withdraw_bid", "auction": 2, "bid": "21.5"}),
        ),
        (Command::WithdrawAll, json!({"command": "withdraw_all"})),
        (Command::Halt { participant: ME }, json!({"command": "halt", "participant": 21})),
        (
            Command::ClearAuction { auction, secret: None },
            json!({"command": "clear_auction", "auction": 2, "secret": null}),
        ),
        (
            Command::ClearAuction { auction, secret: Some(DrawSecret([0xef; 32])) },
            json!({"command": "clear_auction", "auction": 2, "secret": "ef".repeat(32)}),
        ),
        (
            Command::PublishReferencePrice {
                index: IndexId(3),
                day: january().last_day(),
                observation: observation(),
            },
            json!({
                "command": "publish_reference_price", "index": 3, "day": "2019-01-31", "price": "92000.5",
                "volume": "20", "source": "IMF",
            }),
        ),
        (
            Command::ReportDelivery {
                entitlement: EntitlementId(4),
                day: january().last_day(),
                delivery: delivery(),
            },
            json!({
                "command": "report_delivery", "entitlement": 4, "day": "2019-01-31", "sold": "20",
                "from_stock": "5", "stockpiled": "1", "destination": "DE", "evidence": null,
            }),
        ),
    ] {
        assert_eq!(command_json(&command), object);
        assert_eq!(command_name(&command), object["command"]);
    }
}

#[test]
fn an_answer_says_what_comes_next() {
    let done = Answer { sequence: Sequence(17), outcome: Ok(()) };
    let refused = Answer { outcome: Err(Reject::PriceOffTick { tick: units(10) }), ..done };
    let position = Position { sequence: Sequence(18), chain: Digest([0x5a; 32]) };
    assert_eq!(acknowledged_line(position), format!("acknowledged 18:{}", "5a".repeat(32)));
    let propose = Command::Propose { action: Action::CancelAuction { auction: AuctionId(2) } };
    let bid =
        NewBid { side: Side::Buy, price: Some(units(1)), quantity: tonnes(1), origin: None, details: None };
    let place = Command::PlaceBid { auction: AuctionId(2), bid };
    let refusal = "the price must be a whole multiple of the tick 10";
    for (command, answer, line, object) in [
        (
            &propose,
            done,
            "17  command 7 proposed; another operator confirms it by: golv admin proposals confirm 1.7",
            json!({
                "command": 7, "sequence": 17, "done": true, "proposal": "1.7",
                "confirm": "golv admin proposals confirm 1.7",
            }),
        ),
        (
            &place,
            done,
            "17  command 7 done; the bid is 1.7",
            json!({"command": 7, "sequence": 17, "done": true, "bid": "1.7"}),
        ),
        (
            &place,
            refused,
            "17  command 7 refused: 511 PriceOffTick: the price must be a whole multiple of the tick 10",
            json!({
                "command": 7, "sequence": 17, "done": false, "code": 511, "name": "PriceOffTick",
                "reason": refusal,
            }),
        ),
        (
            &Command::ClearAuction { auction: AuctionId(2), secret: None },
            done,
            "17  command 7 done",
            json!({"command": 7, "sequence": 17, "done": true}),
        ),
    ] {
        assert_eq!(answer_line(IdentityId(1), CommandId(7), command, &answer), line);
        let mut object: Value = object;
        object["acknowledged"] = position.to_string().into();
        assert_eq!(answer_json(IdentityId(1), CommandId(7), command, &answer, position), object);
    }
}
