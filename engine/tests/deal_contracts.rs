//! Contracts on deals: what they pay, who can have one, periods that a deal only partly covers, daily and quarterly calendars, several grants, an end
//! before its time, another stress price.

use crate::common::boards::*;
use crate::common::money::{day, id, units, until};
use crate::common::*;
use golv_engine::bilateral::{DealTerms, Goods, Listing};
use golv_engine::book::Side;
use golv_engine::cfd::{ContractTerms, Entitlement};
use golv_engine::command::{Action, Command};
use golv_engine::event::Event;
use golv_engine::id::*;
use golv_engine::ledger::Account;
use golv_engine::market::FloorTerms;
use golv_engine::num::Quantity;
use golv_engine::participant::Role;
use golv_engine::reject::Reject;
use golv_engine::time::Calendar;

const OTHER: FloorId = FloorId(7);

/// Sells 60 of the first supplier to the first buyer at 350, for some days.
fn deal(world: &mut World, first: &str, last: &str) -> NegotiationId {
    let offer = world.offer(SUPPLIERS[0], 60, 150);
    let request = world.request(BUYERS[0], 60, 500);
    let terms = DealTerms { first: day(first), last: day(last), ..deal_terms(350, 60) };
    let negotiation = world.negotiate(BUYERS[0], request, Counterparty::Entry(offer), terms).expect("opened");
    world.accept(SUPPLIERS[0], negotiation, 0).expect("a deal");
    negotiation
}

/// A world on 10 February 2019 whose index has prices, and another floor with a calendar.
fn with_floor(calendar: Calendar) -> World {
    let mut world = with_board();
    let contract = ContractTerms { calendar, ..ContractTerms::monthly_floor() };
    let terms = FloorTerms { contract: Box::new(contract), ..floor_terms() };
    world.agree(Action::SetFloor { floor: OTHER, terms });
    for last in ["2018-12-31", "2019-01-31", "2019-02-09"] {
        until(&mut world, &day(last).next().expect("a day").to_string());
        world.send(PUBLISHER, publish(INDEX, day(last), price(420))).expect("published");
    }
    world
}

fn grant(deal: NegotiationId, floor: FloorId, amount: u32) -> Action {
    Action::GrantOnDeal { deal, floor, per_period: quantity(amount) }
}

fn granted(world: &World) -> Entitlement {
    let terms = world.events.iter().rev().find_map(|event| match event {
        Event::EntitlementGranted { terms, .. } => Some(*terms),
        _ => None,
    });
    terms.expect("it was granted")
}

/// Sells 60 of supplier 0 to buyer 0 at a price, for March to June.
fn deal_at(world: &mut World, units: i64) -> NegotiationId {
    let offer = world.offer(SUPPLIERS[0], 60, 150);
    let request = world.request(BUYERS[0], 60, 500);
    let with = Counterparty::Entry(offer);
    let negotiation = world.negotiate(BUYERS[0], request, with, deal_terms(units, 60)).expect("opened");
    world.accept(SUPPLIERS[0], negotiation, 0).expect("a deal");
    negotiation
}

/// A contract on a deal at 350 under a floor of 500: with the index at 300 it pays 150 and not 200, since the seller got 350.
/// Rules: R-CFD-038, R-CFD-040, R-CFD-042.
#[test]
fn a_contract_on_a_deal_pays_against_the_better_price() {
    let mut world = with_board();
    let deal = deal_at(&mut world, 350);
    let grant = |deal, amount| Action::GrantOnDeal { deal, floor: FLOOR, per_period: quantity(amount) };
    assert_eq!(
        world.try_agree(grant(deal, 15)),
        Err(Reject::IndexThin { index: INDEX }),
        "nothing was published"
    );
    until(&mut world, "2019-02-10");
    world.publish(month(2019, 1), 420).expect("published");
    assert_eq!(
        world.try_agree(grant(deal, 16)),
        Err(Reject::DealCovered { left: quantity(60) }),
        "4 months of 16 are 64"
    );
    let nothing = NegotiationId { number: 9, ..deal };
    assert_eq!(world.try_agree(grant(nothing, 15)), Err(Reject::UnknownDeal { negotiation: nothing }));
    world.agree(grant(deal, 15));
    // (500 − 350) × 15 × 4: the index can fall to 300, the reference price cannot.
    assert_eq!(units(&world, Account::ProgrammeReserved(PROGRAMME)), 9_000);
    assert_eq!(
        world.try_agree(grant(deal, 1)),
        Err(Reject::DealCovered { left: Quantity::ZERO }),
        "all of it is covered"
    );
    world.settle(FLOOR, month(2019, 1)).expect("settled");
    until(&mut world, "2019-05-02");
    for (of, index, paid) in [(2, 400, 0), (3, 300, 2_250), (4, 450, 3_000)] {
        world.publish(month(2019, of), index).expect("published");
        world.settle(FLOOR, month(2019, of)).expect("settled");
        assert_eq!(units(&world, Account::Participant(id(SUPPLIERS[0]))), paid, "after month {of}");
    }
    assert!(world.exchange.is_conserved());
}

/// What could never pay is refused, and so is a holder who would be on both sides.
/// Rules: R-CFD-041, R-CFD-043.
#[test]
fn contracts_on_deals_are_refused_where_they_make_no_sense() {
    let mut world = with_board();
    let dear = deal_at(&mut world, 500);
    until(&mut world, "2019-02-10");
    world.publish(month(2019, 1), 420).expect("published");
    let grant = |deal| Action::GrantOnDeal { deal, floor: FLOOR, per_period: quantity(15) };
    assert_eq!(world.try_agree(grant(dear)), Err(Reject::NeverPays { price: price(500) }));
    let deal = deal_at(&mut world, 350);
    let low = FloorTerms { price: price(340), stress_price: price(300), ..floor_terms() };
    world.agree(Action::SetFloor { floor: METERED, terms: low });
    let on_low = Action::GrantOnDeal { deal, floor: METERED, per_period: quantity(15) };
    assert_eq!(world.try_agree(on_low), Err(Reject::NeverPays { price: price(350) }));
    world.agree(grant(deal));
    let entitlement = EntitlementId(1);
    let to = ParticipantId(30);
    world.agree(Action::RegisterParticipant {
        participant: to,
        name: "Subsidiary of the buyer".parse().expect("a name"),
        owner_group: OwnerGroup(BUYERS[0].0),
        roles: [Role::Supplier].into(),
    });
    assert_eq!(world.try_agree(Action::NovateEntitlement { entitlement, to }), Err(Reject::SameOwner));
    world.agree(Action::NovateEntitlement { entitlement, to: id(SUPPLIERS[1]) });
    assert!(world.exchange.is_conserved());
}
/// Only whole periods that have not begun and lie within the deal's days are covered.
/// Rules: R-CFD-039.
#[test]
fn whole_periods_within_the_days_of_a_deal() {
    for (calendar, first, last, covered) in [
        (Calendar::Monthly, "2019-03-01", "2019-05-31", Some(("2019-03-01", "2019-05-31"))),
        (Calendar::Monthly, "2019-03-02", "2019-05-30", Some(("2019-04-01", "2019-04-30"))),
        (Calendar::Monthly, "2019-02-10", "2019-12-31", Some(("2019-03-01", "2019-06-30"))),
        (Calendar::Monthly, "2019-03-02", "2019-04-29", None),
        (Calendar::Monthly, "2019-07-01", "2019-12-31", None),
        (Calendar::Monthly, "2018-01-01", "2019-02-28", None),
        (Calendar::Quarterly, "2019-02-10", "2019-06-30", Some(("2019-04-01", "2019-06-30"))),
        (Calendar::Quarterly, "2019-04-02", "2019-06-30", None),
        (Calendar::Quarterly, "2019-02-10", "2019-06-29", None),
        (Calendar::Daily, "2019-01-01", "2019-02-11", Some(("2019-02-11", "2019-02-11"))),
        (Calendar::Daily, "2019-01-01", "2019-02-10", None),
        (Calendar::Daily, "2019-03-05", "2019-03-09", Some(("2019-03-05", "2019-03-09"))),
    ] {
        let mut world = with_floor(calendar);
        let deal = deal(&mut world, first, last);
        let outcome = world.try_agree(grant(deal, OTHER, 1));
        let Some((first, last)) = covered else {
            assert_eq!(outcome, Err(Reject::FloorOver), "{calendar:?} {first} {last}");
            continue;
        };
        assert_eq!(outcome, Ok(()), "{calendar:?} {first} {last}");
        let terms = granted(&world);
        assert_eq!((terms.first, terms.last), (day(first), day(last)), "{calendar:?}");
        let periods = i128::from(calendar.count(terms.first, terms.last));
        assert_eq!(units(&world, Account::ProgrammeReserved(PROGRAMME)), 150 * periods);
        assert!(world.exchange.is_conserved());
    }
}

/// Grants under several floors add up to no more than the deal, and what an ended one no longer covers can be covered again.
/// Rules: R-CFD-040.
#[test]
fn grants_on_one_deal_add_up() {
    let mut world = with_floor(Calendar::Quarterly);
    let deal = deal(&mut world, "2019-03-01", "2019-06-30");
    world.agree(grant(deal, FLOOR, 10));
    let left = |amount| Err(Reject::DealCovered { left: quantity(amount) });
    assert_eq!(world.try_agree(grant(deal, OTHER, 21)), left(20));
    world.agree(grant(deal, OTHER, 20));
    assert_eq!(world.try_agree(grant(deal, FLOOR, 1)), Err(Reject::DealCovered { left: Quantity::ZERO }));
    // (500 − 350) × (10 × 4 + 20 × 1).
    assert_eq!(units(&world, Account::ProgrammeReserved(PROGRAMME)), 9_000);
    let entitlement = EntitlementId(1);
    world.agree(Action::TerminateEntitlement { entitlement, last: day("2019-04-30") });
    assert_eq!(units(&world, Account::ProgrammeReserved(PROGRAMME)), 6_000);
    assert_eq!(world.try_agree(grant(deal, FLOOR, 6)), left(20));
    world.agree(grant(deal, FLOOR, 5));
    // One that ends before it begins covers nothing.
    world.agree(Action::TerminateEntitlement { entitlement: EntitlementId(3), last: day("2019-02-28") });
    assert_eq!(units(&world, Account::ProgrammeReserved(PROGRAMME)), 6_000);
    world.agree(grant(deal, FLOOR, 5));
    assert!(world.exchange.is_conserved());
}

/// What is reserved is marked anew at another stress price, but never below the deal's price; what is paid never exceeds it.
/// Rules: R-CFD-038, R-MON-006, R-MON-007.
#[test]
fn what_is_reserved_follows_the_stress_price_down_to_the_deal() {
    let mut world = with_floor(Calendar::Monthly);
    let deal = deal(&mut world, "2019-03-01", "2019-06-30");
    world.agree(grant(deal, FLOOR, 15));
    let reserved = |world: &World| units(world, Account::ProgrammeReserved(PROGRAMME));
    assert_eq!(reserved(&world), 150 * 60);
    for (month_of, stress, per_unit) in [(1, 200, 150), (2, 400, 100)] {
        world.agree(Action::SetStressPrice { floor: FLOOR, price: price(stress) });
        if month_of == 2 {
            until(&mut world, "2019-03-02");
            world.publish(month(2019, 2), 300).expect("published");
        }
        world.settle(FLOOR, month(2019, month_of)).expect("settled");
        assert_eq!(reserved(&world), per_unit * 60, "at a stress price of {stress}");
    }
    until(&mut world, "2019-04-02");
    world.publish(month(2019, 3), 10).expect("published");
    world.settle(FLOOR, month(2019, 3)).expect("settled");
    assert_eq!(units(&world, Account::Participant(id(SUPPLIERS[0]))), 150 * 15);
    // A correction says the same, with the data of then and with those of now.
    world.publish(month(2019, 3), 460).expect("corrected");
    world.settle(FLOOR, month(2019, 3)).expect("settled again");
    assert_eq!(units(&world, Account::Participant(id(SUPPLIERS[0]))), 150 * 15 - 110 * 15);
    assert!(world.exchange.is_conserved());
}

/// A contract on a group's deal does not come to the owner of any of its members, nor is one granted for what comes from elsewhere.
/// Rules: R-CFD-041, R-CFD-043.
#[test]
fn whose_and_where_from() {
    let mut world = with_floor(Calendar::Monthly);
    let (identity, to) = (IdentityId(20), ParticipantId(20));
    world.agree(Action::RegisterParticipant {
        participant: to,
        name: "Mine of a member".parse().expect("a name"),
        owner_group: OwnerGroup(BUYERS[1].0),
        roles: [Role::Supplier].into(),
    });
    world.agree(Action::AddIdentity { identity, participant: to });
    let of = |origin: &str| Goods { origin: origin.parse().ok(), ..Goods::default() };
    for (origin, outcome) in
        [("CN", Err(Reject::OriginNotEligible { origin: "CN".parse().expect("a country") })), ("FI", Ok(()))]
    {
        let offer = Listing { goods: of(origin), ..listing(&world, Side::Sell, 60) };
        let offer = world.post(SUPPLIERS[0], offer, 150).expect("an offer");
        let wanted = listing(&world, Side::Buy, 30);
        let group = world.post_to(BUYERS[0], wanted, 400, true).expect("a group");
        let join = Command::JoinGroup { entry: group, quantity: quantity(30), limit: price(400) };
        world.send(BUYERS[1], join).expect("joined");
        let with = Counterparty::Entry(offer);
        let deal = world.negotiate(BUYERS[0], group, with, deal_terms(350, 60)).expect("opened");
        world.accept(SUPPLIERS[0], deal, 0).expect("a deal");
        assert_eq!(world.try_agree(grant(deal, FLOOR, 10)), outcome, "{origin}");
    }
    let entitlement = EntitlementId(1);
    assert_eq!(world.try_agree(Action::NovateEntitlement { entitlement, to }), Err(Reject::SameOwner));
}
