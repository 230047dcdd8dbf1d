//! Actions, each proposed.

use super::*;

/// Each action, proposed.
pub(super) fn actions() -> Vec<(&'static str, String)> {
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
            draw_commitment: None,
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
                        Allocation::SeededDraw,
                    )
                }
                .into(),
                draw_commitment: Some(SECRET.commitment()),
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
                draw_commitment: None,
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
                draw_commitment: None,
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
pub(super) fn clearing() -> ClearingTerms {
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
pub(super) fn stock_order() -> StockOrder {
    StockOrder {
        programme: ProgrammeId(1),
        side: Side::Buy,
        price: price(60_000),
        quantity: tonnes(100),
        budget: "5000000".parse().ok(),
    }
}

/// A contract with one of everything.
pub(super) fn contract() -> ContractTerms {
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
        rounding: HalfWay::Up,
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
pub(super) fn stack() -> StackTerms {
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
