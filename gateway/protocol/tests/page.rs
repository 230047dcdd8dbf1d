//! `docs/protocol.md` shows every message with its bytes; here each is encoded and looked up there.

mod boards;

use std::num::NonZeroU32;

use golv_engine::Answer;
use golv_engine::auction::Progress;
use golv_engine::auction::{
    AuctionKind, AuctionResult, AuctionRule, AuctionTerms, AwardOffer, BidDetails, ClosedBid, Fill, LimitUse,
    Lot, LotSecret, Refusal, Refused, Solution, SolutionResult, SolutionTerms, StackResult, StackTerms,
    Supplied as Sold, Unfilled, WinningLimit,
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
use golv_engine::num::{Currency, Money, Price, Quantity, Rounding};
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

const SECRET: LotSecret = LotSecret([0xef; 32]);

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

/// Each action, proposed.
fn actions() -> Vec<(&'static str, String)> {
    let name = |text: &str| text.parse().expect("a name");
    let (participant, identity, market) = (ParticipantId(21), IdentityId(21), MarketId(1));
    let (index, programme, floor) = (IndexId(1), ProgrammeId(1), FloorId(1));
    let at = |day| Instant::at_midnight(2019, 1, day).expect("a day");
    let double = |auction, kind| Action::AnnounceAuction {
        auction: AuctionId(auction),
        terms: AuctionTerms {
            kind,
            opens_at: at(2),
            closes_at: at(3),
            challenge_seconds: NonZeroU32::new(3_600).expect("positive"),
            rule: Rule::new(Candidates::Limits, vec![Criterion::MostVolume], Allocation::PriceTime).into(),
            lot_commitment: None,
        },
    };
    let actions = vec![
        Action::RegisterParticipant {
            participant,
            name: name("Pohjola Lithium"),
            owner_group: OwnerGroup(21),
            roles: [Role::Supplier].into(),
        },
        Action::AddIdentity { identity, participant },
        Action::BindKey { identity, key: KeyFingerprint([0xab; 32]), others_end_at: Some(at(2)) },
        Action::RevokeIdentity { identity },
        Action::SetStanding { participant, standing: Standing::Suspended },
        Action::DefineMarket {
            market,
            terms: Market {
                name: name("Lithium metal"),
                unit: Unit::Tonne,
                currency: Currency::Usd,
                lot: tonnes(1),
                tick: price(10),
                lowest: price(20_000),
                highest: price(600_000),
                largest: tonnes(1_000),
            },
        },
        Action::DefineIndex {
            index,
            terms: IndexTerms {
                name: name("Daily"),
                currency: Some(Currency::Usd),
                publisher: ParticipantId(11),
                guard: "0.25".parse().ok(),
            },
        },
        Action::OpenProgramme {
            programme,
            terms: ProgrammeTerms {
                name: name("Floor"),
                currency: Currency::Eur,
                backing: Backing::Guaranteed { by: name("State") },
            },
        },
        Action::FundProgramme { programme, funder: name("State"), amount: amount(1_000) },
        Action::DepositCollateral { participant, amount: amount(500) },
        Action::ReturnCollateral { participant, amount: amount(500) },
        Action::ContributeToDefaultFund { participant, amount: amount(500) },
        Action::ReturnContribution { participant, amount: amount(500) },
        Action::SetOwnResourcesAside { amount: amount(500) },
        Action::SetClearingTerms { currency: Currency::Eur, terms: Box::new(clearing()) },
        Action::TakePayment { participant: Some(participant), amount: amount(500) },
        Action::AttributePayment { participant, amount: amount(500) },
        Action::PayOut { participant: Some(participant), amount: amount(500) },
        Action::SetStockRule {
            programme,
            market,
            rule: StockRule {
                buys_at: price(60_000),
                holds_most: tonnes(500),
                releases_at: price(110_000),
                releases_most: tonnes(100),
            },
        },
        Action::SetStressPrice { floor, price: price(55_000) },
        Action::SetFloor {
            floor,
            terms: FloorTerms {
                market,
                programme,
                index,
                price: price(105_000),
                stress_price: price(60_000),
                first: month(2019, 1),
                last: month(2025, 9),
                origins: vec!["FI".parse().expect("a country"), "DE".parse().expect("a country")],
                contract: Box::new(contract()),
            },
        },
        Action::AnnounceAuction {
            auction: AuctionId(2),
            terms: AuctionTerms {
                kind: AuctionKind::Support { floor, per_period: tonnes(120) },
                opens_at: at(2),
                closes_at: at(3),
                challenge_seconds: NonZeroU32::new(3_600).expect("positive"),
                rule: Rule {
                    reference_price: Some(price(105_000)),
                    ..Rule::new(
                        Candidates::Limits,
                        vec![Criterion::MostVolume, Criterion::LastAcceptedOffer],
                        Allocation::SeededLot,
                    )
                }
                .into(),
                lot_commitment: Some(SECRET.commitment()),
            },
        },
        Action::AnnounceAuction {
            auction: AuctionId(4),
            terms: AuctionTerms {
                kind: AuctionKind::Support { floor, per_period: tonnes(120) },
                opens_at: at(2),
                closes_at: at(3),
                challenge_seconds: NonZeroU32::new(3_600).expect("positive"),
                rule: stack().into(),
                lot_commitment: None,
            },
        },
        Action::AnnounceAuction {
            auction: AuctionId(3),
            terms: AuctionTerms {
                kind: AuctionKind::Call { market, stock: None },
                opens_at: at(2),
                closes_at: at(3),
                challenge_seconds: NonZeroU32::new(3_600).expect("positive"),
                rule: SolutionTerms {
                    rule: Rule::new(Candidates::Limits, vec![Criterion::MostVolume], Allocation::PriceTime),
                    solution_seconds: NonZeroU32::new(1_800).expect("positive"),
                }
                .into(),
                lot_commitment: None,
            },
        },
        double(
            5,
            AuctionKind::Purchase { market, programme, quantity: tonnes(500), worst_sale: price(60_000) },
        ),
        double(7, AuctionKind::Call { market, stock: Some(stock_order()) }),
        double(6, AuctionKind::Sale { purchase: AuctionId(5) }),
        Action::CancelAuction { auction: AuctionId(2) },
        Action::GrantEntitlement { floor, holder: participant, per_period: tonnes(20) },
        Action::NovateEntitlement { entitlement: EntitlementId(1), to: ParticipantId(22) },
        Action::TerminateEntitlement { entitlement: EntitlementId(1), last: month(2019, 6).last_day() },
        Action::ShareUpside { entitlement: EntitlementId(1), from: month(2019, 4).first_day() },
        Action::ReleaseReferencePrice { index, day: month(2019, 1).last_day(), observation: observation() },
        Action::Settle { floor, period: month(2019, 1).first_day(), version: DataVersion(7) },
        Action::ChangeRules { version: 1 },
    ];
    let named = |action: Action| {
        let name = match &action {
            Action::RegisterParticipant { .. } => "RegisterParticipant",
            Action::AddIdentity { .. } => "AddIdentity",
            Action::BindKey { .. } => "BindKey",
            Action::RevokeIdentity { .. } => "RevokeIdentity",
            Action::SetStanding { .. } => "SetStanding",
            Action::DefineMarket { .. } => "DefineMarket",
            Action::DefineIndex { .. } => "DefineIndex",
            Action::OpenProgramme { .. } => "OpenProgramme",
            Action::FundProgramme { .. } => "FundProgramme",
            Action::DepositCollateral { .. } => "DepositCollateral",
            Action::ReturnCollateral { .. } => "ReturnCollateral",
            Action::ContributeToDefaultFund { .. } => "ContributeToDefaultFund",
            Action::ReturnContribution { .. } => "ReturnContribution",
            Action::SetOwnResourcesAside { .. } => "SetOwnResourcesAside",
            Action::SetClearingTerms { .. } => "SetClearingTerms",
            Action::TakePayment { .. } => "TakePayment",
            Action::AttributePayment { .. } => "AttributePayment",
            Action::PayOut { .. } => "PayOut",
            Action::SetStockRule { .. } => "SetStockRule",
            Action::SetStressPrice { .. } => "SetStressPrice",
            Action::SetFloor { .. } => "SetFloor",
            Action::AnnounceAuction { terms, .. } => match (terms.kind, &terms.rule) {
                (AuctionKind::Purchase { .. }, _) => "AnnounceAuction, a purchase",
                (AuctionKind::Sale { .. }, _) => "AnnounceAuction, a sale",
                (AuctionKind::Call { stock: Some(_), .. }, _) => "AnnounceAuction, with a stock",
                (_, AuctionRule::Price(_)) => "AnnounceAuction",
                (_, AuctionRule::Stack(_)) => "AnnounceAuction, a stack",
                (_, AuctionRule::Solution(_)) => "AnnounceAuction, by solutions",
            },
            Action::CancelAuction { .. } => "CancelAuction",
            Action::GrantEntitlement { .. } => "GrantEntitlement",
            Action::NovateEntitlement { .. } => "NovateEntitlement",
            Action::TerminateEntitlement { .. } => "TerminateEntitlement",
            Action::ShareUpside { .. } => "ShareUpside",
            Action::ReleaseReferencePrice { .. } => "ReleaseReferencePrice",
            Action::Settle { .. } => "Settle",
            Action::ChangeRules { .. } => "ChangeRules",
            Action::OpenBoard { .. } => "OpenBoard",
            Action::PostStockEntry { .. } => "PostStockEntry",
            Action::WithdrawStockEntry { .. } => "WithdrawStockEntry",
            Action::GrantOnDeal { .. } => "GrantOnDeal",
        };
        submit(name, 3, Command::Propose { action })
    };
    actions.into_iter().chain(boards::actions()).map(named).collect()
}

/// How money is collected, with one of everything.
fn clearing() -> ClearingTerms {
    ClearingTerms {
        holidays: vec![month(2019, 1).first_day()],
        due_days: 2,
        notice_days: 1,
        debt_cover: "0.1".parse().expect("a share"),
        contract_cover_days: 21,
        waterfall: Pot::STANDARD.into(),
    }
}

/// What a programme buys into stock at the floor.
fn stock_order() -> StockOrder {
    StockOrder {
        programme: ProgrammeId(1),
        side: Side::Buy,
        price: price(60_000),
        quantity: tonnes(100),
        budget: "5000000".parse().ok(),
    }
}

/// A contract with one of everything.
fn contract() -> ContractTerms {
    let upside = Upside {
        above: Some(price(150_000)),
        share: "0.3".parse().expect("a share"),
        annual_cap: "10000000".parse().ok(),
        condition: "full production".parse().ok(),
    };
    let indexation = Indexation {
        index: IndexId(2),
        base_value: price(100),
        from_month: 4,
        value_month: 1,
        unit: price(1),
        rounding: Rounding::HalfUp,
    };
    ContractTerms {
        calendar: Calendar::Quarterly,
        payoff: Payoff {
            upside: Some(upside),
            minimum: Some(price(0)),
            suspension: Suspension::Negative,
            annual_volume: Some(tonnes(100)),
            ..Payoff::floor()
        },
        reference: ReferenceRule {
            averaging: Averaging::DeliveryWeighted,
            least_observations: 15,
            fallback: Some(IndexId(3)),
        },
        volume: VolumeRule {
            measure: Measure::Metered,
            destinations: vec!["DE".parse().expect("a country")],
            evidence: true,
        },
        indexation: Some(indexation),
        interest: "0.04".parse().ok(),
    }
}

/// A stack with one of everything.
fn stack() -> StackTerms {
    let technology = |text: &str| Technology {
        name: text.parse().expect("a name"),
        pot: Some("new".parse().expect("a name")),
        ceiling: Some(price(100_000)),
        premium: Some(price(1_000)),
    };
    let limit = |text: &str, most| Limit {
        name: text.parse().expect("a name"),
        each: Each::All,
        technologies: vec!["mine".parse().expect("a name")],
        years: Some(Years::Until(2020)),
        most,
    };
    let money = Most::Money { amount: "500000".parse().expect("an amount"), reference_price: price(60_000) };
    StackTerms {
        rule: SupportRule {
            payment: Payment::OnePrice,
            misfit: Misfit::CloseYear,
            ties: Ties::Earliest,
            whole_offers: false,
            uncontested: Uncontested::Ceiling,
            ceiling: Some(price(105_000)),
            lot: None,
            periods: None,
            quality_rate: Some(price(10)),
            technologies: vec![technology("mine"), technology("recycling")],
            limits: vec![limit("money of 2020", money)],
            minima: vec![limit("mines", Most::Quantity(tonnes(10)))],
            competition: Competition {
                most_of_offered: "0.8".parse().ok(),
                least_owner_groups: NonZeroU32::new(3),
                void_if_all_win: true,
            },
            origin_cap: Some(OriginCap {
                share: "0.65".parse().expect("a fraction"),
                positions: vec![Supplied {
                    country: "CN".parse().expect("a country"),
                    quantity: tonnes(100),
                }],
                exempt: vec!["FI".parse().expect("a country")],
            }),
        },
        budget: Some("1000000".parse().expect("an amount")),
        bond: Some(price(10)),
        acceptance_seconds: NonZeroU32::new(86_400),
    }
}

/// Each event, as it is told.
fn events() -> Vec<(&'static str, String)> {
    let (auction, participant, floor) = (AuctionId(2), ParticipantId(21), FloorId(1));
    let proposal = ProposalId { identity: IdentityId(1), command: CommandId(3) };
    let (limit, quantity) = (price(95_000), tonnes(20));
    let january = Calendar::Monthly.period(month(2019, 1).first_day());
    let day = january.last;
    let entitlement = EntitlementId(1);
    let programme = ProgrammeId(1);
    let claim = Claim { participant, since: day, amount: amount(40) };
    let due = month(2019, 2).last_day();
    let action = || Action::CancelAuction { auction };
    let at = Instant::at_midnight(2019, 1, 1).expect("a day");
    let fill =
        Fill { bid: BID, participant, side: Side::Sell, quantity, price: limit, reason: Reason::AtThePrice };
    let other = BidId { command: CommandId(9), ..BID };
    let line = SettlementLine {
        entitlement: EntitlementId(1),
        holder: participant,
        strike: limit,
        reference_price: Some(price(90_000)),
        delivered: tonnes(25),
        quantity,
        rule: PayoffRule::Support,
        amount: amount(100),
        remainder: amount(0),
        delta: amount(20),
        interest: amount(1),
    };
    let events = vec![
        Event::Founded { participant: ParticipantId(1) },
        Event::ClockSet { to: at },
        Event::ActionProposed { proposal, action: action() },
        Event::ActionConfirmed { proposal, by: IdentityId(2), action: action() },
        Event::ProposalWithdrawn { proposal },
        Event::AuctionOpened { auction },
        Event::AuctionClosed { auction },
        Event::BidAccepted { auction, bid: BID, participant, price: Some(limit), quantity },
        Event::BidReplaced { auction, bid: BID, participant, price: None, quantity, kept_priority: true },
        Event::BidWithdrawn { auction, bid: BID, participant },
        Event::LineLost { identity: BID.identity, participant },
        Event::AuctionCleared {
            auction,
            final_at: at,
            result: AuctionResult {
                certificate: Box::new(Certificate {
                    decision: Decision::Price { price: limit, step: Criterion::LeastSurplus },
                    equilibrium: Equilibrium { low: Some(limit), high: None },
                    total_demand: quantity,
                    total_supply: tonnes(30),
                    bought: quantity,
                    sold: quantity,
                    curve: vec![CurvePoint { price: limit, demand: quantity, supply: tonnes(30) }],
                }),
                fills: vec![fill],
                unfilled: vec![Unfilled {
                    bid: other,
                    participant,
                    reason: Reason::NothingLeft,
                    winning_limit: WinningLimit::At(price(94_990)),
                }],
                reserved: None,
                lot: Some(Lot { secret: SECRET, bids: Digest([0xab; 32]) }),
                ..AuctionResult::default()
            },
        },
        Event::AuctionCleared {
            auction: AuctionId(4),
            final_at: at,
            result: AuctionResult {
                fills: vec![fill],
                reserved: Some(amount(900)),
                stack: Some(Box::new(StackResult {
                    void: None,
                    clearing: vec![ClearingScore {
                        pot: None,
                        minimum: None,
                        year: 2019,
                        score: Some(limit),
                    }],
                    limits: vec![LimitUse {
                        name: "volume".parse().expect("a name"),
                        used: Some(Size::Quantity(quantity)),
                    }],
                    totals: Totals { quantity, cost: "1900000".parse().expect("an amount") },
                    without_origin_cap: None,
                    refused: vec![Refused {
                        bid: other,
                        participant,
                        reason: Refusal::Limited(vec![Breach {
                            constraint: Constraint::Limit(0),
                            over: Size::Quantity(tonnes(1)),
                        }]),
                        winning_limit: WinningLimit::At(price(94_990)),
                    }],
                })),
                ..AuctionResult::default()
            },
        },
        Event::AuctionCleared {
            auction: AuctionId(3),
            final_at: at,
            result: AuctionResult {
                fills: vec![fill],
                solution: Some(Box::new(SolutionResult {
                    by: IdentityId(1),
                    price: Some(limit),
                    step: Some(Criterion::MostVolume),
                    volume: quantity,
                    welfare: Welfare::of(quantity, price(10)),
                    proved_bound: Some(Welfare::of(quantity, price(10))),
                    claimed_bound: None,
                    paradoxically_rejected: 0,
                })),
                ..AuctionResult::default()
            },
        },
        Event::BookClosed {
            auction: AuctionId(3),
            digest: Digest([0xab; 32]),
            bids: vec![ClosedBid {
                bid: BID,
                side: Side::Buy,
                price: Some(limit),
                quantity,
                minimum: tonnes(10),
            }],
        },
        Event::SolutionProposed {
            auction: AuctionId(3),
            by: IdentityId(1),
            welfare: Welfare::of(quantity, price(10)),
            volume: quantity,
            is_best: true,
        },
        Event::AwardsOffered {
            auction: AuctionId(4),
            until: at,
            awards: vec![AwardOffer {
                bid: BID,
                participant,
                quantity,
                price: limit,
                from_reserve: false,
                is_accepted: false,
            }],
        },
        Event::AwardAccepted { auction: AuctionId(4), bid: BID, participant },
        Event::AwardDeclined { auction: AuctionId(4), bid: BID, participant, forfeited: Some(amount(200)) },
        Event::AuctionFinalised { auction },
        Event::SaleSettled {
            auction: AuctionId(6),
            purchase: AuctionId(5),
            sold: quantity,
            gap: amount(100),
            lines: vec![Sold { bid: BID, participant, quantity, price: limit }],
        },
        Event::EntitlementGranted {
            entitlement,
            terms: Entitlement {
                floor,
                holder: participant,
                strike: limit,
                per_period: quantity,
                first: january.first,
                last: month(2025, 9).last_day(),
                upside_from: Some(month(2019, 4).first_day()),
                reserved: amount(1_000),
                deal: None,
            },
        },
        Event::EntitlementNovated { entitlement, from: participant, to: ParticipantId(22) },
        Event::EntitlementTerminated { entitlement, holder: participant, last: day, released: amount(900) },
        Event::UpsideShared { entitlement, holder: participant, from: day },
        Event::ReferencePricePublished {
            index: IndexId(1),
            day,
            revision: 1,
            version: DataVersion(7),
            observation: observation(),
        },
        Event::ReferencePriceHeld {
            index: IndexId(1),
            day,
            publisher: ParticipantId(11),
            observation: observation(),
            before: price(90_000),
        },
        Event::DeliveryReported {
            entitlement,
            holder: participant,
            day,
            revision: 1,
            version: DataVersion(8),
            delivery: delivery(),
        },
        Event::SettlementRunCompleted {
            run: SettlementRun {
                floor,
                period: january,
                number: 2,
                version: DataVersion(8),
                day: month(2019, 2).last_day(),
                index: IndexId(1),
                reference_price: Some(price(90_000)),
                lines: vec![line],
                posted: amount(100),
                free: amount(5_000),
                reserved: amount(900),
            },
        },
        Event::ClaimsPaid { programme, paid: amount(60), short: amount(40), carried: vec![claim] },
        Event::ProgrammeLevel { programme, level: Level::High, used: amount(800), funded: amount(1_000) },
        Event::InvoiceIssued {
            invoice: Invoice {
                number: 3,
                participant,
                creditor: Creditor::Auction(auction),
                amount: amount(100),
                issued: day,
                due: Some(due),
            },
        },
        Event::InvoicePaid { number: 3, participant, paid: amount(60), open: amount(40) },
        Event::InvoiceLate { number: 3, participant, open: amount(40) },
        Event::SellersPaid { auction, paid: amount(60), carried: vec![claim] },
        Event::NoticeServed {
            participant,
            currency: Currency::Eur,
            breach: Shortage::Collateral { required: amount(100), held: amount(60) },
            until: due,
        },
        Event::NoticeFollowed { participant, currency: Currency::Eur },
        Event::Defaulted {
            participant,
            owed: amount(100),
            uncovered: amount(60),
            uses: vec![PotUse { pot: Pot::Contribution, of: Some(participant), amount: amount(40) }],
        },
        Event::DefaultMadeGood {
            participant,
            currency: Currency::Eur,
            returned: vec![PotUse { pot: Pot::OwnResources, of: None, amount: amount(40) }],
            is_made_good: true,
        },
        Event::ParticipantHalted { participant, by: IdentityId(1) },
        Event::StockTraded {
            by: StockTradedBy::Auction(auction),
            trade: StockTrade {
                programme,
                market: MarketId(1),
                side: Side::Buy,
                price: price(60_000),
                quantity,
                held: tonnes(120),
                at_cost: amount(7_200_000),
            },
        },
        Event::Posted {
            at,
            cause: Cause::Award(auction),
            postings: vec![Posting {
                from: Account::Participant(participant),
                to: Account::Clearing,
                amount: amount(100),
            }],
        },
    ];
    let named = |event: Event| {
        let name = match &event {
            Event::Founded { .. } => "Founded",
            Event::ClockSet { .. } => "ClockSet",
            Event::ActionProposed { .. } => "ActionProposed",
            Event::ActionConfirmed { .. } => "ActionConfirmed",
            Event::ProposalWithdrawn { .. } => "ProposalWithdrawn",
            Event::AuctionOpened { .. } => "AuctionOpened",
            Event::AuctionClosed { .. } => "AuctionClosed",
            Event::BidAccepted { .. } => "BidAccepted",
            Event::BidReplaced { .. } => "BidReplaced",
            Event::BidWithdrawn { .. } => "BidWithdrawn",
            Event::LineLost { .. } => "LineLost",
            Event::AuctionCleared { result, .. } => match (&result.stack, &result.solution) {
                (Some(_), _) => "AuctionCleared, a stack",
                (_, Some(_)) => "AuctionCleared, by a solution",
                (None, None) => "AuctionCleared",
            },
            Event::BookClosed { .. } => "BookClosed",
            Event::SolutionProposed { .. } => "SolutionProposed",
            Event::AwardsOffered { .. } => "AwardsOffered",
            Event::AwardAccepted { .. } => "AwardAccepted",
            Event::AwardDeclined { .. } => "AwardDeclined",
            Event::AuctionFinalised { .. } => "AuctionFinalised",
            Event::SaleSettled { .. } => "SaleSettled",
            Event::EntitlementGranted { .. } => "EntitlementGranted",
            Event::EntitlementNovated { .. } => "EntitlementNovated",
            Event::EntitlementTerminated { .. } => "EntitlementTerminated",
            Event::UpsideShared { .. } => "UpsideShared",
            Event::ReferencePriceHeld { .. } => "ReferencePriceHeld",
            Event::DeliveryReported { .. } => "DeliveryReported",
            Event::ReferencePricePublished { .. } => "ReferencePricePublished",
            Event::SettlementRunCompleted { .. } => "SettlementRunCompleted",
            Event::ClaimsPaid { .. } => "ClaimsPaid",
            Event::ProgrammeLevel { .. } => "ProgrammeLevel",
            Event::InvoiceIssued { .. } => "InvoiceIssued",
            Event::InvoicePaid { .. } => "InvoicePaid",
            Event::InvoiceLate { .. } => "InvoiceLate",
            Event::SellersPaid { .. } => "SellersPaid",
            Event::NoticeServed { .. } => "NoticeServed",
            Event::NoticeFollowed { .. } => "NoticeFollowed",
            Event::Defaulted { .. } => "Defaulted",
            Event::DefaultMadeGood { .. } => "DefaultMadeGood",
            Event::ParticipantHalted { .. } => "ParticipantHalted",
            Event::StockTraded { .. } => "StockTraded",
            Event::Posted { .. } => "Posted",
            Event::EntryPosted { .. } => "EntryPosted",
            Event::EntryReplaced { .. } => "EntryReplaced",
            Event::EntryQuantity { .. } => "EntryQuantity",
            Event::EntryClosed { .. } => "EntryClosed",
            Event::GroupJoined { .. } => "GroupJoined",
            Event::GroupLeft { .. } => "GroupLeft",
            Event::RoundCalled { .. } => "RoundCalled",
            Event::RoundBook { .. } => "RoundBook",
            Event::DealsProposed { .. } => "DealsProposed",
            Event::RoundHeld { .. } => "RoundHeld",
            Event::NegotiationOpened { .. } => "NegotiationOpened",
            Event::TermsCountered { .. } => "TermsCountered",
            Event::TermsAccepted { .. } => "TermsAccepted",
            Event::NegotiationEnded { .. } => "NegotiationEnded",
            Event::DealMade { .. } => "DealMade",
            Event::DealShared { .. } => "DealShared",
        };
        server(name, ServerMessage::Happened(Numbered { number: 13, sequence: Sequence(42), event }))
    };
    events.into_iter().chain(boards::events()).map(named).collect()
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
    [messages(), of_boards.collect(), actions(), events()].concat()
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
