//! What proves a result: right as it is made, and refused when any field of it is another.

use proptest::prelude::*;

use super::check::{Fault, Total, check_certificate, check_standings};
use super::proof::{any_rule, orders};
use super::*;

const SEED: Option<&[u8]> = Some(b"seed");

fn more(quantity: Quantity) -> Quantity {
    Quantity::from_millionths(quantity.millionths() + 1).expect("fits")
}

fn up(price: Price) -> Price {
    Price::from_millionths(price.millionths() + 1)
}

/// The certificate with each of its fields changed, one at a time, and what is then wrong.
fn changed_certificates(right: &Certificate) -> Vec<(Certificate, Option<Total>)> {
    let mut all = Vec::new();
    let mut with = |total: Option<Total>, change: &dyn Fn(&mut Certificate)| {
        let mut wrong = right.clone();
        change(&mut wrong);
        if wrong != *right {
            all.push((wrong, total));
        }
    };
    with(None, &|c| {
        c.decision = match c.decision {
            Decision::NothingTrades => Decision::Undecided { lowest: None, highest: None },
            Decision::Price { price, step } => Decision::Price { price: up(price), step },
            Decision::Undecided { .. } => Decision::NothingTrades,
        }
    });
    with(None, &|c| c.equilibrium.low = Some(c.equilibrium.low.map_or(Price::ZERO, up)));
    with(None, &|c| c.equilibrium.high = None);
    with(Some(Total::Demand), &|c| c.total_demand = more(c.total_demand));
    with(Some(Total::Supply), &|c| c.total_supply = more(c.total_supply));
    with(Some(Total::Bought), &|c| c.bought = more(c.bought));
    with(Some(Total::Sold), &|c| c.sold = more(c.sold));
    for place in 0..right.curve.len() {
        with(None, &|c| c.curve[place].price = up(c.curve[place].price));
        with(None, &|c| c.curve[place].demand = more(c.curve[place].demand));
        with(None, &|c| c.curve[place].supply = more(c.curve[place].supply));
        with(None, &|c| _ = c.curve.remove(place));
        with(None, &|c| c.curve.insert(place, c.curve[place]));
    }
    with(None, &|c| c.curve.reverse());
    all
}

proptest! {
    /// Every venue's cascade with every allocation.
    #[test]
    fn a_certificate_is_accepted_and_any_other_is_not(orders in orders(), rule in any_rule()) {
        let outcome = cleared(&orders, &rule);
        let (right, _) = certificate(&orders, &rule, SEED, &outcome).expect("a proof");
        prop_assert_eq!(check_certificate(&orders, &rule, &outcome, &right), Ok(()));
        prop_assert_eq!(right.price(), outcome.price());
        let at_price = right.at_price().map(|point| {
            (point.price, point.demand.millionths().abs_diff(point.supply.millionths()))
        });
        let surplus = outcome.surplus.millionths().unsigned_abs();
        prop_assert_eq!(at_price, outcome.price().map(|price| (price, surplus)));
        for (wrong, total) in changed_certificates(&right) {
            let found = check_certificate(&orders, &rule, &outcome, &wrong).expect_err("it is another");
            prop_assert_eq!(found.order(), None);
            if let Some(which) = total {
                prop_assert_eq!(found, Fault::WrongTotal { which });
            }
        }
    }

    /// Each order's standing changed in each of its fields, left out, doubled, and swapped with the next: the order that is
    /// wronged is named.
    #[test]
    fn a_standing_is_accepted_and_any_other_names_the_order(orders in orders(), rule in any_rule()) {
        let outcome = cleared(&orders, &rule);
        let (_, right) = certificate(&orders, &rule, SEED, &outcome).expect("a proof");
        let check = |standings: &[OrderStanding]| check_standings(&orders, &outcome, standings);
        prop_assert_eq!(check(&right), Ok(()));
        for (row, order) in (0_u32..).zip(&right).map(|(row, standing)| (row as usize, standing.order)) {
            let with = |change: &dyn Fn(&mut Vec<OrderStanding>)| {
                let mut wrong = right.clone();
                change(&mut wrong);
                check(&wrong).expect_err("it is another")
            };
            let given = right[row].given;
            let found = with(&|standings| standings[row].given = more(given));
            prop_assert_eq!(found, Fault::WrongStanding { order, given: more(given), due: given });
            for reason in REASONS.into_iter().filter(|reason| *reason != right[row].reason) {
                let found = with(&|standings| standings[row].reason = reason);
                prop_assert_eq!(found, Fault::WrongReason { order, given: reason, due: right[row].reason });
            }
            let missing = Fault::StandingMissing { order };
            prop_assert_eq!(with(&|standings| standings[row].order += 1), missing);
            prop_assert_eq!(with(&|standings| _ = standings.remove(row)), missing);
            if row + 1 < right.len() {
                prop_assert_eq!(with(&|standings| standings.swap(row, row + 1)), missing);
            }
            let found = with(&|standings| standings.push(standings[row]));
            prop_assert_eq!(found, Fault::StandingLeftOver { order });
        }
    }
}

const REASONS: [Reason; 8] = [
    Reason::InTheMoney,
    Reason::AtThePrice,
    Reason::Rationed,
    Reason::NothingLeft,
    Reason::MinimumNotMet,
    Reason::OutOfTheMoney,
    Reason::NothingTraded,
    Reason::NoQuantity,
];

#[test]
fn a_fault_says_in_words_what_is_wrong() {
    let orders = book("300@202 200@201", "300@199 200@198");
    let rule = rule_with("xetra-equities", "reference-price = '200'");
    let outcome = cleared(&orders, &rule);
    let (mut wrong, _) = certificate(&orders, &rule, SEED, &outcome).expect("a proof");
    wrong.curve[1].supply = Quantity::ZERO;
    let found = check_certificate(&orders, &rule, &outcome, &wrong).expect_err("a wrong point");
    assert_eq!(
        found.to_string(),
        "the certificate's curve has a demand of 500 and a supply of 0 at 199, where the book has a demand of 500 and a supply \
         of 500 at 199"
    );
    let mut wrong = outcome;
    wrong.decision = Decision::Undecided { lowest: Some(price("199")), highest: None };
    wrong.fills.clear();
    let found = check::check(&orders, &rule, SEED, &wrong).expect_err("a wrong decision");
    assert_eq!(
        found.to_string(),
        "the decision is open between 199 and no end, by the rule it is a price of 201 by reference"
    );
}
