//! Small books whose result can be worked out by hand.

use super::*;

fn summary_of(bids: &str, asks: &str) -> String {
    summary(&cleared(&book(bids, asks), &pay_as_clear()))
}

#[test]
fn without_minimums_the_best_trade_first() {
    // As the clearing would: 5 at 110 meet 3 at 90 and 2 of 4 at 100.
    assert_eq!(summary_of("5@110", "3@90 4@100"), "100 x 5 = 80");
    assert_eq!(summary_of("", ""), "none");
    assert_eq!(summary_of("5@90", "5@100"), "none");
}

#[test]
fn an_offer_that_does_not_fit_gives_way_to_a_dearer_one() {
    let orders = book("7@100", "20>=10@3 15>=2@5");
    let found = cleared(&orders, &pay_as_clear());
    assert_eq!(summary(&found), "5 x 7 = 665");
    assert_eq!(found.paradoxically_rejected, [1]);
    // What the last accepted offer and the bid leave open.
    let chosen = found.chosen.expect("a price");
    assert_eq!((chosen.lowest, chosen.highest), (orders[2].price, orders[0].price));
}

/// Three for nine from one seller; two for eight and one for two from two buyers. All would gain one together, but at no price
/// a unit does nobody lose.
/// Rules: R-AUC-062.
#[test]
fn no_price_supports_what_would_be_worth_the_most() {
    let orders = book("2!@4 1!@2", "3!@3");
    let found = cleared(&orders, &pay_as_clear());
    assert_eq!(summary(&found), "none");
    assert_eq!((found.proof, found.gap()), (Proof::Optimal, Welfare::ZERO));
    // Were the seller to ask for six, the buyers would.
    assert_eq!(summary_of("2!@4 1!@2", "3!@2"), "2 x 3 = 4");
}

#[test]
fn volume_comes_after_welfare() {
    // The second pair gains nothing and trades.
    assert_eq!(summary_of("5!@10 5!@8", "5!@6 5!@8"), "8 x 10 = 20");
    assert_eq!(summary_of("10@10", "6!@5 4!@9 5!@9"), "9 x 10 = 34");
}

#[test]
fn fewer_paradoxical_rejections_come_after_volume() {
    // The buyer's ten come from one seller or from two. The one came first, but would leave two in the money.
    let orders = book("10!@9", "10!@5 5!@5 5!@5");
    let found = cleared(&orders, &rule(&[Criterion::Highest]));
    assert_eq!((summary(&found).as_str(), amounts(&orders, &found)[1]), ("9 x 10 = 40", 0));
    assert_eq!(found.paradoxically_rejected, [1]);
    // At 5 nobody is in the money, so that the earliest decides.
    let found = cleared(&orders, &rule(&[Criterion::Lowest]));
    assert_eq!((summary(&found).as_str(), amounts(&orders, &found)[1]), ("5 x 10 = 40", 10_000_000));
    assert!(found.paradoxically_rejected.is_empty());
}

#[test]
fn the_earliest_comes_last() {
    let mut orders = book("10!@9", "10!@5 10!@5");
    let winner = |orders: &[Order<'_>]| cleared(orders, &pay_as_clear()).fills[1].order;
    assert_eq!(winner(&orders), 1);
    orders[1].received = 1;
    assert_eq!(winner(&orders), 2);
}

#[test]
fn a_market_order_counts_as_the_best_limit_in_the_book() {
    // Valued at 9, the market order gains as much as the limit order that came later.
    assert_eq!(summary_of("5! 5!@9", "5!@4"), "4 x 5 = 25");
    let orders = book("5 5@9", "5@4 5");
    assert_eq!(optimum(&orders, &pay_as_clear(), ENOUGH), Err(IndivisibleError::ReferenceMissing));
    let reference = Rule { reference_price: Some("7".parse().expect("a price")), ..pay_as_clear() };
    // Both sides trade ten. The market sell counts as 4.
    assert_eq!(summary(&cleared(&orders, &reference)), "4 x 10 = 50");
    let rest = book("5", "5");
    assert_eq!(summary(&cleared(&rest, &reference)), "7 x 5 = 0");
}

#[test]
fn bounds_hold() {
    let floor = |floor: &str| Rule { floor: Some(floor.parse().expect("a price")), ..pay_as_clear() };
    assert_eq!(summary(&cleared(&book("5!@9 5!@5", "5!@2 5!@3"), &floor("4"))), "4 x 10 = 45");
    assert_eq!(summary(&cleared(&book("5!@9 5!@5", "5!@2 5!@3"), &floor("6"))), "6 x 5 = 35");
    assert_eq!(summary(&cleared(&book("5!@9", "5!@2"), &floor("10"))), "none");
}

#[test]
fn what_no_clearing_takes_is_refused() {
    let lots = Rule { lot: Quantity::from_units(2), ..pay_as_clear() };
    let said = optimum(&book("4>=3@9", "4@2"), &lots, ENOUGH).expect_err("half a lot").to_string();
    assert!(said.contains("not a whole multiple of the lot 2"), "{said}");
    let said = optimum(&book("4>=5@9", "4@2"), &pay_as_clear(), ENOUGH).expect_err("never met").to_string();
    assert!(said.contains("above its quantity 4"), "{said}");
}

/// Stopped at once, the result is the best that was found, and nothing exceeds its bound.
#[test]
fn a_search_that_is_stopped_tells_how_far_it_came() {
    let orders = book("7@100 30!@40", "20>=10@3 15>=2@5 12!@20 9!@21");
    let best = cleared(&orders, &pay_as_clear());
    let mut gap = None;
    for limit in 0..=best.nodes {
        let found = optimum(&orders, &pay_as_clear(), limit).expect("a book");
        assert_eq!(check::check(&orders, &pay_as_clear(), &found).err(), None);
        assert!(found.nodes <= limit.max(1));
        assert!(found.welfare <= best.welfare && best.welfare <= found.bound());
        assert!(gap.is_none_or(|gap| found.gap() <= gap), "more nodes, no wider gap");
        gap = Some(found.gap());
        assert_eq!(found.proof == Proof::Optimal, limit == best.nodes, "{limit} of {}", best.nodes);
    }
    assert_eq!(gap, Some(Welfare::ZERO));
}
