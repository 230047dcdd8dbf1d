//! Support auctions, settlements and the money of programmes.

use super::*;

/// Wins entitlements of 40 and 20 a month at a strike of 450.
fn with_entitlements(funded: i64) -> World {
    let mut world = World::open(funded);
    world.bid(SUPPLIERS[0], SUPPORT, sell(400, 40)).expect("accepted");
    world.bid(SUPPLIERS[1], SUPPORT, sell(450, 40)).expect("accepted");
    world.bid(SUPPLIERS[2], SUPPORT, sell(500, 40)).expect("accepted");
    world.wait(hours(9));
    world.send(OPERATORS[0], Command::ClearAuction { auction: SUPPORT, secret: None }).expect("cleared");
    world.wait(hours(24));
    world
}

/// Rules: R-AUC-049, R-AUC-090.
#[test]
fn a_support_auction_grants_entitlements_at_one_strike() {
    let world = with_entitlements(1_000_000);
    let cleared = result(&world, SUPPORT);
    assert_eq!((cleared.price(), cleared.volume()), (Some(price(450)), quantity(60)));
    // (450 − 300) × 60 × 6 months.
    assert_eq!(cleared.reserved, Some(dollars(54_000)));
    let granted: Vec<_> = world
        .events
        .iter()
        .filter_map(|event| match event {
            Event::EntitlementGranted { terms, .. } => {
                Some((terms.holder, terms.strike, terms.per_period, terms.reserved))
            }
            _ => None,
        })
        .collect();
    let holder = |identity: IdentityId| ParticipantId(identity.0);
    assert_eq!(
        granted,
        [
            (holder(SUPPLIERS[0]), price(450), quantity(40), dollars(36_000)),
            (holder(SUPPLIERS[1]), price(450), quantity(20), dollars(18_000)),
        ]
    );
    assert!(world.exchange.is_conserved());
}

/// Rules: R-AUC-007, R-AUC-088, R-MON-008.
#[test]
fn a_support_auction_that_asks_for_too_much_money_is_not_announced() {
    // (500 − 300) × 60 × 6 months = 72,000.
    let mut world = World::furnished(71_999);
    let opens_at = world.now.plus_seconds(1).expect("fits");
    let closes_at = world.now.plus_seconds(2).expect("fits");
    let kind = AuctionKind::Support { floor: FLOOR, per_period: quantity(60) };
    let announce = Action::AnnounceAuction { auction: SUPPORT, terms: terms(kind, opens_at, closes_at) };
    let short = Reject::ProgrammeShort { short: dollars(1) };
    assert_eq!(world.try_agree(announce.clone()), Err(short));
    world.agree(fund(dollars(1)));
    world.agree(announce);
    let grant = Action::GrantEntitlement {
        floor: FLOOR,
        holder: ParticipantId(SUPPLIERS[0].0),
        per_period: quantity(1),
    };
    let short = Reject::ProgrammeShort { short: dollars(1_200) };
    assert_eq!(world.try_agree(grant.clone()), Err(short), "the auction's budget is reserved");
    world.agree(Action::CancelAuction { auction: SUPPORT });
    world.agree(grant);
    assert!(world.exchange.is_conserved());
}

fn settle_on(month_number: u8, version: u64) -> Action {
    let period = month(2019, month_number).first_day();
    Action::Settle { floor: FLOOR, period, version: DataVersion(version) }
}

/// Rules: R-CFD-011, R-CFD-012, R-CFD-028.
#[test]
fn months_are_settled_in_order_on_published_prices() {
    let mut world = with_entitlements(1_000_000);
    let january_ends = month(2019, 1).end().expect("in reach");
    let not_over = Reject::PeriodNotOver { ends_at: january_ends };
    assert_eq!(world.settle(FLOOR, month(2019, 1)), Err(not_over));
    assert_eq!(world.publish(month(2019, 1), 400), Err(not_over));
    world.wait(hours(24 * 100));
    let first = month(2019, 1).first_day();
    let missing = Reject::NoReferencePrice { index: INDEX, from: first };
    assert_eq!(world.settle(FLOOR, month(2019, 1)), Err(missing));
    assert_eq!(world.settle(FLOOR, month(2019, 2)), Err(Reject::PeriodOutOfOrder { next: first }));
    let covered = Reject::PeriodNotCovered { first, last: month(2019, 6).last_day() };
    assert_eq!(world.settle(FLOOR, month(2019, 7)), Err(covered));
    for (number, published, paid_first) in [(1, 400, 40 * 50), (2, 450, 40 * 50), (3, 600, 40 * 50)] {
        world.publish(month(2019, number), published).expect("published");
        world.settle(FLOOR, month(2019, number)).expect("settled");
        // 400 is 50 below the strike of 450; at or above the strike nothing is paid.
        assert_eq!(world.cents(SUPPLIERS[0]), paid_first * 100);
        assert!(world.exchange.is_conserved());
    }
}

/// Rules: R-CFD-030.
#[test]
fn a_revised_price_is_settled_by_its_difference_and_a_repeated_run_posts_nothing() {
    let mut world = with_entitlements(1_000_000);
    world.wait(hours(24 * 40));
    let mut balances = Vec::new();
    let mut version = 0;
    for published in [Some(400), None, Some(410), Some(500), None] {
        if let Some(units) = published {
            world.publish(month(2019, 1), units).expect("published");
            version += 1;
        }
        world.agree(settle_on(1, version));
        assert!(world.exchange.is_conserved());
        balances.push(world.cents(SUPPLIERS[0]) / 100);
    }
    assert_eq!(balances, [40 * 50, 40 * 50, 40 * 40, 0, 0]);
    let deltas: Vec<_> = world
        .events
        .iter()
        .filter_map(|event| match event {
            Event::SettlementRunCompleted { run } => Some((run.number, run.version.0, run.posted)),
            _ => None,
        })
        .collect();
    assert_eq!(
        deltas,
        [
            (1, 1, dollars(3_000)),
            (2, 1, dollars(0)),
            (3, 2, dollars(-600)),
            (4, 3, dollars(-2_400)),
            (5, 3, dollars(0)),
        ]
    );
}

/// What the first operator proposed is what the second confirms, and runs never go back to older data.
/// Rules: R-CFD-029.
#[test]
fn a_price_that_was_revised_in_between_is_not_settled_on() {
    let mut world = with_entitlements(1_000_000);
    world.wait(hours(24 * 40));
    world.publish(month(2019, 1), 400).expect("published");
    let action = settle_on(1, 1);
    let command = world.send(OPERATORS[0], Command::Propose { action }).expect("proposed");
    world.publish(month(2019, 1), 410).expect("revised");
    let proposal = ProposalId { identity: OPERATORS[0], command };
    world.send(OPERATORS[1], Command::Confirm { proposal }).expect("confirmed");
    let Some(Event::SettlementRunCompleted { run }) = world.last() else { panic!("settled") };
    assert_eq!(
        (run.version, run.reference_price, run.posted),
        (DataVersion(1), Some(price(400)), dollars(3_000))
    );
    let unknown = Reject::UnknownVersion { latest: DataVersion(2) };
    assert_eq!(world.try_agree(settle_on(1, 3)), Err(unknown));
    world.agree(settle_on(1, 2));
    assert_eq!(world.try_agree(settle_on(1, 1)), Err(Reject::OlderVersion { settled: DataVersion(2) }));
}

/// Nobody is paid for a month whose prices were known when it was granted the entitlement.
/// Rules: R-CFD-025.
#[test]
fn an_entitlement_covers_months_that_have_not_begun() {
    let mut world = World::furnished(1_000_000);
    let holder = ParticipantId(SUPPLIERS[0].0);
    let grant = Action::GrantEntitlement { floor: FLOOR, holder, per_period: quantity(10) };
    let granted = |world: &World| match world.last() {
        Some(Event::EntitlementGranted { terms, .. }) => (terms.first, terms.reserved),
        other => panic!("{other:?}"),
    };
    world.agree(grant.clone());
    // (500 − 300) × 10 × 6 months, and from the second half of March on, 3 months.
    assert_eq!(granted(&world), (month(2019, 1).first_day(), dollars(12_000)));
    world.wait(hours(24 * 80));
    world.agree(grant.clone());
    assert_eq!(granted(&world), (month(2019, 4).first_day(), dollars(6_000)));
    // The later one has no line for January.
    world.publish(month(2019, 1), 400).expect("published");
    world.settle(FLOOR, month(2019, 1)).expect("settled");
    let Some(Event::SettlementRunCompleted { run }) = world.last() else { panic!("settled") };
    assert_eq!(run.lines.len(), 1);
    assert!(world.exchange.is_conserved());
    world.wait(hours(24 * 80));
    assert_eq!(world.try_agree(grant), Err(Reject::FloorOver), "in June nothing is left that has not begun");
}

/// A capped programme pays what it has, pro rata, and carries the rest until it is funded.
/// Rules: R-MON-010, R-MON-011, R-MON-013.
#[test]
fn a_capped_programme_pays_what_it_has_and_the_rest_when_it_is_funded() {
    let mut world = with_entitlements(72_000);
    world.wait(hours(24 * 40));
    // Below the stress price of 300: 450 − 0 on 60, against (450 − 300) × 60 reserved and 18,000 free.
    world.publish(month(2019, 1), 0).expect("published");
    world.settle(FLOOR, month(2019, 1)).expect("settled");
    world.wait(hours(24 * 40));
    world.publish(month(2019, 2), 0).expect("published");
    world.settle(FLOOR, month(2019, 2)).expect("settled");
    let claims = |world: &World| {
        let claims = world
            .exchange
            .ledger()
            .balances()
            .filter(|(_, account, _)| matches!(account, Account::Claims(_)));
        claims.map(|(.., balance)| balance).sum::<i128>() / 1_000_000
    };
    assert_eq!(claims(&world), 18_000);
    world.agree(fund(dollars(10_000)));
    assert_eq!(claims(&world), 8_000);
    world.agree(fund(dollars(10_000)));
    assert_eq!(claims(&world), 0);
    assert_eq!(
        world.exchange.ledger().balance(Currency::Usd, Account::ProgrammeFree(PROGRAMME)),
        2_000_000_000
    );
    assert!(world.exchange.is_conserved());
}

/// Rules: R-CFD-033.
#[test]
fn an_amount_is_cut_to_the_cent_and_the_rest_stands_in_the_account_rounding() {
    use golv_engine::ledger::Account;
    let mut world = with_entitlements(1_000_000);
    world.wait(hours(24 * 40));
    let published = "449.999875".parse().expect("a price");
    world.send(PUBLISHER, publish(INDEX, month(2019, 1).last_day(), published)).expect("published");
    world.settle(FLOOR, month(2019, 1)).expect("settled");
    // 0.000125 × 40 = 0.005, half a cent, to the even 0.00; 0.000125 × 20 = 0.0025, to 0.00.
    assert_eq!(world.cents(SUPPLIERS[0]), 0);
    assert_eq!(world.exchange.ledger().balance(Currency::Usd, Account::Rounding), 7_500);
    assert!(world.exchange.is_conserved());
}

/// Rules: R-MON-003.
#[test]
fn funding_is_positive_whole_and_in_the_programmes_currency() {
    let mut world = World::furnished(1);
    let mut fund = |amount: Money| world.try_agree(fund(amount));
    assert_eq!(fund(dollars(0)), Err(Reject::AmountNotPayable));
    assert_eq!(fund(dollars(-1)), Err(Reject::AmountNotPayable));
    assert_eq!(fund(Money { currency: Currency::Usd, millionths: 1 }), Err(Reject::AmountNotPayable));
    assert_eq!(fund(Money { currency: Currency::Eur, millionths: 1_000_000 }), Err(Reject::OtherCurrency));
    assert_eq!(
        fund(Money { currency: Currency::Usd, millionths: i64::MAX / 10_000 * 10_000 }),
        Err(Reject::AmountTooLarge)
    );
}

/// Another publisher has indices of its own.
/// Rules: R-CFD-013.
#[test]
fn nobody_publishes_anothers_index() {
    let mut world = World::furnished(1);
    let (identity, participant) = (IdentityId(20), ParticipantId(20));
    world.agree(Action::RegisterParticipant {
        participant,
        name: "Another publisher".parse().expect("a name"),
        owner_group: OwnerGroup(20),
        roles: [Role::Publisher].into(),
    });
    world.agree(Action::AddIdentity { identity, participant });
    world.wait(hours(24 * 40));
    let january = publish(INDEX, month(2019, 1).last_day(), price(400));
    assert_eq!(world.send(identity, january.clone()), Err(Reject::OtherPublisher));
    world.send(PUBLISHER, january).expect("published");
}

/// Rules: R-AUC-091, R-CFD-013.
#[test]
fn a_floor_and_an_index_fit_their_market() {
    let mut world = World::furnished(1);
    let set = |terms| Action::SetFloor { floor: FloorId(2), terms };
    let terms = floor_terms;
    let mut refused = |action| world.try_agree(action).expect_err("refused");
    assert_eq!(refused(Action::SetFloor { floor: FLOOR, terms: terms() }), Reject::FloorTaken);
    let mut floor = terms();
    floor.price = price(505);
    assert_eq!(refused(set(floor)), Reject::FloorPrice);
    let mut floor = terms();
    floor.stress_price = floor.price;
    assert_eq!(refused(set(floor)), Reject::FloorPrice);
    let mut floor = terms();
    floor.last = month(2018, 12);
    assert_eq!(refused(set(floor)), Reject::FloorMonths);
    let mut floor = terms();
    floor.first = month(1600, 1);
    assert_eq!(refused(set(floor)), Reject::FloorMonths, "out of the reach of an instant");
    let mut floor = terms();
    floor.origins.clear();
    assert_eq!(refused(set(floor)), Reject::FloorOrigins { most: 256 });
    let index = |currency, publisher| Action::DefineIndex {
        index: IndexId(2),
        terms: IndexTerms {
            name: "Other".parse().expect("a name"),
            currency: Some(currency),
            publisher,
            guard: None,
        },
    };
    assert_eq!(refused(index(Currency::Usd, ParticipantId(BUYERS[0].0))), Reject::NotAPublisher);
    world.agree(index(Currency::Eur, ParticipantId(PUBLISHER.0)));
    let mut floor = terms();
    floor.index = IndexId(2);
    assert_eq!(world.try_agree(set(floor)), Err(Reject::OtherCurrency));
}
