//! Events.

use super::*;

/// Each event, as it is told.
pub(super) fn events() -> Vec<(&'static str, String)> {
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
                draw: Some(Draw { secret: SECRET, bids: Digest([0xab; 32]) }),
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
