//! Call auctions whose bids have minimums: solutions are proposed, checked, compared and taken.

use std::num::NonZeroU32;

use crate::common::*;
use golv_engine::auction::{
    AuctionKind, AuctionResult, AuctionTerms, BidDetails, ClosedBid, Solution, SolutionTerms, WinningLimit,
    names, orders,
};
use golv_engine::book::Side;
use golv_engine::clearing::Reason;
use golv_engine::command::{Action, Command, NewBid};
use golv_engine::digest::Digest;
use golv_engine::event::Event;
use golv_engine::id::{BidId, ParticipantId};
use golv_engine::indivisible::check::FaultKind;
use golv_engine::indivisible::{Proof, Welfare, optimum};
use golv_engine::num::Quantity;
use golv_engine::reject::Reject;
use golv_engine::support::OfferFault;
use proptest::prelude::*;

fn solution_terms() -> SolutionTerms {
    SolutionTerms { rule: rule(), solution_seconds: NonZeroU32::new(hours(1)).expect("positive") }
}

/// With a call auction by solutions that is open for an hour.
fn open() -> World {
    let mut world = World::furnished(1_000_000);
    let (opens_at, closes_at) = (world.now.plus_seconds(10), world.now.plus_seconds(hours(1) + 10));
    let kind = AuctionKind::Call { market: MARKET, stock: None };
    let terms = terms(kind, opens_at.expect("fits"), closes_at.expect("fits"));
    let terms = AuctionTerms { rule: solution_terms().into(), ..terms };
    world.agree(Action::AnnounceAuction { auction: CALL, terms });
    world.wait(10);
    world
}

fn with_minimum(bid: NewBid, minimum: u32) -> NewBid {
    NewBid { details: Some(BidDetails { minimum: quantity(minimum), ..BidDetails::default() }), ..bid }
}

/// Two buyers of a block each, and a seller who has too little for both; closed.
fn closed() -> (World, [BidId; 3]) {
    let mut world = open();
    let first = world.bid(BUYERS[0], CALL, with_minimum(buy(520, 2), 2)).expect("accepted");
    let second = world.bid(BUYERS[1], CALL, with_minimum(buy(600, 1), 1)).expect("accepted");
    let seller = world.bid(SUPPLIERS[0], CALL, sell(400, 2)).expect("accepted");
    world.wait(hours(1));
    (world, [first, second, seller])
}

fn book(world: &World) -> (Digest, Vec<ClosedBid>) {
    let told = world.events.iter().find_map(|event| match event {
        Event::BookClosed { digest, bids, .. } => Some((*digest, bids.clone())),
        _ => None,
    });
    told.expect("the book was told")
}

fn propose(world: &mut World, given: &[(BidId, u32)]) -> Result<(), Reject> {
    let given = given.iter().map(|(bid, lots)| (*bid, quantity(*lots))).collect();
    let solution = Solution { bids: book(world).0, given, bound: None };
    send(world, solution)
}

fn send(world: &mut World, solution: Solution) -> Result<(), Reject> {
    let solution = Box::new(solution);
    world.send(OPERATORS[0], Command::ProposeSolution { auction: CALL, solution }).map(drop)
}

fn clear(world: &mut World) -> Result<AuctionResult, Reject> {
    world.send(OPERATORS[0], Command::ClearAuction { auction: CALL, secret: None })?;
    let result = world.events.iter().find_map(|event| match event {
        Event::AuctionCleared { result, .. } => Some(result.clone()),
        _ => None,
    });
    Ok(result.expect("it was cleared"))
}

fn refused(fault: FaultKind, bid: Option<BidId>) -> Result<(), Reject> {
    Err(Reject::SolutionRefused { fault, bid })
}

/// Rules: R-AUC-060, R-AUC-061.
#[test]
fn the_best_solution_is_taken() {
    let (mut world, [first, second, seller]) = closed();
    // Worth 200: the smaller block alone.
    propose(&mut world, &[(second, 1), (seller, 1)]).expect("it may be made");
    // Worth 240, and then the first again.
    propose(&mut world, &[(first, 2), (seller, 2)]).expect("it may be made");
    propose(&mut world, &[(second, 1), (seller, 1)]).expect("it may be made");
    let best: Vec<bool> = world
        .events
        .iter()
        .filter_map(|event| match event {
            Event::SolutionProposed { is_best, .. } => Some(*is_best),
            _ => None,
        })
        .collect();
    assert_eq!(best, [true, true, false]);

    let until = world.now.plus_seconds(hours(1)).expect("fits");
    assert_eq!(clear(&mut world).map(drop), Err(Reject::SolutionsUntil { until }));
    world.wait(hours(1));
    let late = propose(&mut world, &[(first, 2), (seller, 2)]);
    assert_eq!(late, Err(Reject::TooLate { closed_at: until }));
    let result = clear(&mut world).expect("cleared");
    let known = result.solution.clone().expect("by a solution");
    assert_eq!((known.welfare.to_string().as_str(), result.volume()), ("240", quantity(2)));
    assert_eq!(known.paradoxically_rejected, 1);
    assert!(!known.is_optimal(), "the rejected block keeps the price from proving it");
    let [lost] = result.unfilled[..] else { panic!("one is given nothing") };
    let expected = (second, Reason::MinimumNotMet, WinningLimit::NotLookedFor);
    assert_eq!((lost.bid, lost.reason, lost.winning_limit), expected);
    let shown = result.fills.iter().map(|fill| (fill.bid, fill.quantity)).collect::<Vec<_>>();
    assert_eq!(shown, [(first, quantity(2)), (seller, quantity(2))]);
    world.wait(hours(24));
    assert!(matches!(world.last(), Some(Event::AuctionFinalised { .. })));
    assert!(world.exchange.is_conserved());
}

/// Rules: R-AUC-059.
#[test]
fn a_solution_that_wrongs_somebody_is_refused() {
    let (mut world, [first, second, seller]) = closed();
    for (given, expected) in [
        (vec![(first, 1), (seller, 1)], refused(FaultKind::NotWanted, Some(first))),
        (vec![(first, 2), (seller, 1)], refused(FaultKind::Unbalanced, None)),
        (vec![(first, 2), (first, 2), (seller, 2)], refused(FaultKind::GivenTwice, Some(first))),
    ] {
        assert_eq!(propose(&mut world, &given), expected, "{given:?}");
    }
    let nobody = BidId { command: golv_engine::id::CommandId(99), ..first };
    assert_eq!(propose(&mut world, &[(nobody, 1)]), Err(Reject::UnknownBid { bid: nobody }));
    let other = Solution { bids: Digest([1; 32]), given: Vec::new(), bound: None };
    assert_eq!(send(&mut world, other), Err(Reject::OtherBook));
    let low = Solution {
        bids: book(&world).0,
        given: vec![(first, quantity(2)), (seller, quantity(2))],
        bound: Some(Welfare::ZERO),
    };
    assert_eq!(send(&mut world, low), refused(FaultKind::BoundTooLow, None));
    let supplier = Command::ProposeSolution {
        auction: CALL,
        solution: Box::new(Solution { bids: book(&world).0, given: Vec::new(), bound: None }),
    };
    assert_eq!(world.send(SUPPLIERS[0], supplier), Err(Reject::NotPermitted));
    // That nothing trades may be said, and anything is better.
    propose(&mut world, &[]).expect("it may be made");
    propose(&mut world, &[(second, 1), (seller, 1)]).expect("it may be made");
    world.wait(hours(1));
    assert_eq!(clear(&mut world).expect("cleared").volume(), quantity(1));
}

/// Without a solution in time the first one ends it, so that an auction is never stuck.
/// Rules: R-AUC-061.
#[test]
fn a_late_solution_is_taken_where_there_is_none() {
    let (mut world, [first, _, seller]) = closed();
    world.wait(hours(2));
    assert_eq!(clear(&mut world).map(drop), Err(Reject::NoSolution));
    propose(&mut world, &[(first, 2), (seller, 2)]).expect("taken");
    let closed_at = world.now.plus_seconds(0).expect("fits");
    let again = propose(&mut world, &[(first, 2), (seller, 2)]);
    assert!(matches!(again, Err(Reject::TooLate { closed_at: until }) if until < closed_at), "{again:?}");
    assert_eq!(clear(&mut world).expect("cleared").volume(), quantity(2));
}

/// Rules: R-AUC-004, R-AUC-020, R-AUC-021, R-AUC-027.
#[test]
fn minimums_are_in_lots_and_no_more_than_the_quantity() {
    let mut world = open();
    let more = world.bid(BUYERS[0], CALL, with_minimum(buy(520, 2), 3));
    let fault = OfferFault::MinimumAboveQuantity { quantity: quantity(2) };
    assert_eq!(more, Err(Reject::OfferNotTaken { fault }));
    let half = BidDetails { minimum: "0.5".parse().expect("a quantity"), ..BidDetails::default() };
    let off = world.bid(BUYERS[0], CALL, NewBid { details: Some(half), ..buy(520, 2) });
    assert_eq!(off, Err(Reject::OfferNotTaken { fault: OfferFault::OffLot { lot: quantity(1) } }));
    let unit = BidDetails { unit: Some(1), ..BidDetails::default() };
    let other = world.bid(BUYERS[0], CALL, NewBid { details: Some(unit), ..buy(520, 2) });
    assert_eq!(other, Err(Reject::DetailsNotTaken));
    // A bid that is replaced keeps its minimum.
    let bid = world.bid(BUYERS[0], CALL, with_minimum(buy(520, 3), 2)).expect("accepted");
    let replace = Command::ReplaceBid { auction: CALL, bid, price: Some(price(520)), quantity: quantity(1) };
    let fault = OfferFault::MinimumAboveQuantity { quantity: quantity(1) };
    assert_eq!(world.send(BUYERS[0], replace), Err(Reject::OfferNotTaken { fault }));
    // The book is told to operators at the close, and to nobody else.
    world.wait(hours(1));
    let told = world.events.iter().find(|event| matches!(event, Event::BookClosed { .. })).expect("told");
    assert!(told.is_shown_to(ParticipantId(1), true) && !told.is_shown_to(ParticipantId(BUYERS[0].0), false));
    assert_eq!(book(&world).1[0].minimum, quantity(2));
    let support = AuctionTerms {
        rule: solution_terms().into(),
        ..terms(
            AuctionKind::Support { floor: FLOOR, per_period: quantity(1) },
            world.now.plus_seconds(1).expect("fits"),
            world.now.plus_seconds(2).expect("fits"),
        )
    };
    let announced = world.try_agree(Action::AnnounceAuction { auction: SUPPORT, terms: support });
    assert_eq!(announced, Err(Reject::SolutionsForCalls));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// The exchange's result of the optimum is the optimum, whatever else is proposed, in whatever order; and what is proposed
    /// without sense is refused and changes nothing.
    /// Rules: R-AUC-060.
    #[test]
    fn the_optimum_wins_whatever_else_is_proposed(
        bids in prop::collection::vec((any::<bool>(), 45_i64..55, 1_u32..6, 0_u32..6), 1..9),
        others in prop::collection::vec(prop::collection::vec(0_u32..6, 9), 0..4),
        last in any::<bool>(),
    ) {
        let mut world = open();
        for (number, &(buys, tens, lots, minimum)) in bids.iter().enumerate() {
            let (sender, bid) = if buys {
                (BUYERS[number % 3], buy(tens * 10, lots))
            } else {
                (SUPPLIERS[number % 3], sell(tens * 10, lots))
            };
            world.bid(sender, CALL, with_minimum(bid, minimum.min(lots))).expect("accepted");
        }
        world.wait(hours(1));
        let (digest, closed) = book(&world);
        let names = names(&closed);
        let orders = orders(&closed, &names);
        let in_force = golv_engine::clearing::Rule { tick: Some(price(10)), lot: Some(quantity(1)), ..rule() };
        let found = optimum(&orders, &in_force, 100_000).expect("a book that can be cleared");
        prop_assert_eq!(found.proof, Proof::Optimal);
        let given: Vec<(BidId, Quantity)> =
            found.fills.iter().map(|fill| (closed[fill.order as usize].bid, fill.quantity)).collect();
        let best = Solution { bids: digest, given, bound: Some(found.welfare) };
        if !last {
            send(&mut world, best.clone()).expect("the optimum may be made");
        }
        for other in others {
            let given: Vec<(BidId, Quantity)> = closed
                .iter()
                .zip(other)
                .filter(|(_, lots)| *lots > 0)
                .map(|(bid, lots)| (bid.bid, quantity(lots)))
                .collect();
            let before = world.exchange.state_digest();
            if send(&mut world, Solution { bids: digest, given, bound: None }).is_err() {
                prop_assert_eq!(world.exchange.state_digest(), before);
            }
        }
        if last {
            send(&mut world, best).expect("the optimum may be made");
        }
        world.wait(hours(1));
        let result = clear(&mut world).expect("cleared");
        let solution = result.solution.as_ref().expect("by a solution");
        prop_assert_eq!(solution.welfare, found.welfare);
        prop_assert_eq!(solution.volume, found.volume);
        prop_assert_eq!(solution.price, found.price());
        prop_assert_eq!(solution.paradoxically_rejected as usize, found.paradoxically_rejected.len());
        let fills: Vec<_> = result.fills.iter().map(|fill| (fill.bid, fill.quantity, fill.price)).collect();
        let due: Vec<_> = found.fills.iter().map(|fill| (closed[fill.order as usize].bid, fill.quantity, fill.price)).collect();
        prop_assert_eq!(fills, due);
        let bought: i64 = result.fills.iter().filter(|fill| fill.side == Side::Buy).map(|fill| fill.quantity.millionths()).sum();
        prop_assert_eq!(bought, solution.volume.millionths());
        world.wait(hours(24));
        prop_assert!(world.exchange.is_conserved());
    }
}
