//! Certificates, and a checker that finds every lie.

use proptest::prelude::*;

use super::check::{Fault, Total, check};
use super::*;

const SEED: Option<&[u8]> = Some(b"seed");

fn quantity(text: &str) -> Quantity {
    text.parse().expect("a quantity")
}

#[test]
fn the_checker_names_the_order_that_was_wronged() {
    let orders = book("300@200 300@200 100@199", "400@200");
    let rule = rule("xetra-equities");
    let outcome = cleared(&orders, &rule);
    // The later bid is served before the earlier.
    let mut swapped = outcome.clone();
    (swapped.fills[0].quantity, swapped.fills[1].quantity) = (quantity("100"), quantity("300"));
    let wronged = Fault::Wronged { order: 0, given: quantity("100"), due: quantity("300") };
    assert_eq!(check(&orders, &rule, SEED, &swapped), Err(wronged));
    // A seller is left out.
    let mut without = outcome.clone();
    without.fills.truncate(2);
    let wronged = Fault::Wronged { order: 3, given: Quantity::ZERO, due: quantity("400") };
    assert_eq!(check(&orders, &rule, SEED, &without), Err(wronged));
    // A bid below the price gets something.
    let mut beyond = outcome.clone();
    beyond.fills[1].order = 2;
    assert_eq!(check(&orders, &rule, SEED, &beyond), Err(Fault::BeyondLimit { order: 2 }));
    // The same fills in another order, and one of them twice.
    let mut turned = outcome.clone();
    turned.fills.rotate_left(1);
    assert_eq!(check(&orders, &rule, SEED, &turned), Err(Fault::OutOfOrder { order: 0 }));
    let mut twice = outcome.clone();
    twice.fills.insert(1, twice.fills[0]);
    assert_eq!(check(&orders, &rule, SEED, &twice), Err(Fault::FilledTwice { order: 0 }));
    let mut volume = outcome;
    volume.volume = quantity("399");
    assert_eq!(check(&orders, &rule, SEED, &volume), Err(Fault::WrongTotal { which: Total::Volume }));
}

/// The public part shows that 201 is right: as much trades at 199, with as little left over, but less at 202 and 198.
#[test]
fn the_public_part_shows_the_curves_around_the_price() {
    let orders = book("300@202 200@201 100@150", "300@199 200@198");
    let outcome = cleared(&orders, &rule_with("xetra-equities", "reference-price = '200'"));
    let (public, standings) = certificate(&orders, &rule("xetra-equities"), SEED, &outcome).expect("a proof");
    let curve: Vec<String> =
        public.curve.iter().map(|at| format!("{}: {} {}", at.price, at.demand, at.supply)).collect();
    assert_eq!(curve, ["198: 500 200", "199: 500 500", "201: 500 500", "202: 300 500"]);
    let totals = [public.total_demand, public.total_supply, public.bought, public.sold];
    assert_eq!(totals.map(|total| total.to_string()), ["600", "500", "500", "500"]);
    let reasons: Vec<Reason> = standings.iter().map(|standing| standing.reason).collect();
    use Reason::*;
    assert_eq!(reasons, [InTheMoney, AtThePrice, OutOfTheMoney, InTheMoney, InTheMoney]);
}

type Small = (Side, Option<i64>, i64, i64);

pub(super) fn orders() -> impl Strategy<Value = Vec<Order<'static>>> {
    let limit = prop_oneof![1 => Just(None), 5 => (-6_i64..6).prop_map(|limit| Some(2 * limit))];
    let order = (prop_oneof![Just(Side::Buy), Just(Side::Sell)], limit, 0_i64..5, 0_i64..3);
    prop::collection::vec(order, 0..12).prop_map(|orders: Vec<Small>| {
        let with_time =
            |(side, limit, quantity, received)| Order { received, ..small(side, limit, 2 * quantity) };
        numbered(orders.into_iter().map(with_time).collect())
    })
}

pub(super) fn any_rule() -> impl Strategy<Value = Rule> {
    (prop::sample::select(PRESETS.to_vec()), prop::sample::select(Allocation::ALL), any::<bool>()).prop_map(
        |((preset, _), allocation, has_lot)| {
            let lot = Quantity::from_millionths(2).filter(|_| has_lot);
            let reference_price = Some(Price::from_millionths(2));
            Rule { allocation, lot, minimum: lot, reference_price, ..rule(preset) }
        },
    )
}

/// Numbers at the ends of what fits, and small ones.
fn far() -> impl Strategy<Value = i64> {
    prop_oneof![
        (0_i64..3).prop_map(|by| i64::MIN + by),
        (0_i64..3).prop_map(|by| i64::MAX - by),
        -3_i64..4,
        any::<i64>(),
    ]
}

/// Changes one thing in a result; `None` if there is nothing of that kind to change.
fn tampered(outcome: &Outcome, what: usize, which: prop::sample::Index) -> Option<Outcome> {
    let mut changed = outcome.clone();
    let more = |quantity: Quantity| Quantity::from_millionths(quantity.millionths() + 1).expect("fits");
    let up = |price: Price| Price::from_millionths(price.millionths() + 1);
    let fills = changed.fills.len();
    let fill = (fills > 0).then(|| which.index(fills));
    match what {
        0 => changed.volume = more(changed.volume),
        1 => changed.surplus = more(changed.surplus),
        2 => changed.surplus_side = if changed.surplus_side.is_none() { Some(Side::Buy) } else { None },
        3 => changed.over_allotted = more(changed.over_allotted),
        4 => changed.equilibrium.low = Some(changed.equilibrium.low.map_or(Price::ZERO, up)),
        13 => changed.equilibrium.high = Some(changed.equilibrium.high.map_or(Price::ZERO, up)),
        5 => match &mut changed.decision {
            Decision::Price { price, .. } => *price = up(*price),
            decision => *decision = Decision::Price { price: Price::ZERO, step: Criterion::Highest },
        },
        14 => match &mut changed.decision {
            Decision::Price { step: step @ Criterion::Lowest, .. } => *step = Criterion::Highest,
            Decision::Price { step, .. } => *step = Criterion::Lowest,
            decision @ Decision::NothingTrades => {
                *decision = Decision::Undecided { lowest: None, highest: None };
            }
            decision @ Decision::Undecided { .. } => *decision = Decision::NothingTrades,
        },
        15 => changed.fills.rotate_left(1.min(fills)),
        16 => changed.fills[fill?].order += 1,
        6 => drop(changed.fills.remove(fill?)),
        7 => changed.fills[fill?].price = up(changed.fills[fill?].price),
        8 => changed.fills[fill?].quantity = more(changed.fills[fill?].quantity),
        9 => changed.fills.push(changed.fills[fill?]),
        10 => {
            let reason = &mut changed.fills[fill?].reason;
            *reason = if *reason == Reason::Rationed { Reason::InTheMoney } else { Reason::Rationed };
        }
        11 => {
            let quantity = changed.fills[fill?].quantity;
            changed.fills[fill?].quantity = Quantity::from_millionths(quantity.millionths() - 1)?;
        }
        _ => {
            // Two orders swap what they were given.
            let other = fills.checked_sub(1)?;
            let (a, b) = (changed.fills[fill?].quantity, changed.fills[other].quantity);
            (changed.fills[fill?].quantity, changed.fills[other].quantity) = (b, a);
        }
    }
    (changed != *outcome).then_some(changed)
}

proptest! {
    /// Every allocation with every venue's cascade: what `clear` gives is accepted, and one changed number is not.
    #[test]
    fn the_checker_accepts_results_and_finds_every_change(
        orders in orders(), rule in any_rule(), what in 0_usize..18, which: prop::sample::Index,
    ) {
        let outcome = cleared(&orders, &rule);
        if let Some(changed) = tampered(&outcome, what, which) {
            let found = check(&orders, &rule, SEED, &changed);
            prop_assert!(found.is_err(), "{:?}", changed);
        }
    }

    /// Whatever the numbers, nothing overflows: a book is refused, or cleared and accepted.
    #[test]
    fn the_largest_numbers_are_refused_or_cleared(
        orders in prop::collection::vec((any::<bool>(), prop::option::of(far()), far(), far(), far()), 0..8),
        rule in any_rule(), candidates in prop::sample::select(Candidates::ALL), last in prop::sample::select(Criterion::ALL),
        (tick, reference, floor, ceiling) in (prop::option::of(far()), prop::option::of(far()), prop::option::of(far()), prop::option::of(far())),
    ) {
        let sizes = |value: i64| Quantity::from_millionths(value.checked_abs().unwrap_or(i64::MAX)).expect("positive");
        let orders = numbered(orders.into_iter().map(|(is_buy, limit, quantity, minimum, received)| Order {
            received,
            quantity: sizes(quantity),
            min_quantity: if rule.allocation == Allocation::MinimumFill { sizes(minimum).min(sizes(quantity)) } else { Quantity::ZERO },
            ..small(if is_buy { Side::Buy } else { Side::Sell }, limit, 0)
        }).collect());
        let price = |value: Option<i64>| value.map(Price::from_millionths);
        let rule = Rule {
            candidates,
            cascade: vec![last],
            tick: price(tick),
            reference_price: price(reference),
            floor: price(floor),
            ceiling: price(ceiling),
            ..rule
        };
        if let Ok(outcome) = clear(&orders, &rule, SEED) {
            prop_assert_eq!(check(&orders, &rule, SEED, &outcome), Ok(()));
            let (public, standings) = certificate(&orders, &rule, SEED, &outcome).expect("a proof");
            prop_assert_eq!(check::check_certificate(&orders, &rule, &outcome, &public), Ok(()));
            prop_assert_eq!(check::check_standings(&orders, &outcome, &standings), Ok(()));
        }
    }

    /// With minimums too.
    #[test]
    fn the_checker_accepts_results_with_minimums(
        orders in orders(), minimums in prop::collection::vec(0_i64..9, 12), what in 6_usize..13, which: prop::sample::Index,
    ) {
        let mut orders = orders;
        for (order, minimum) in orders.iter_mut().zip(minimums) {
            order.min_quantity = Quantity::from_millionths(minimum.min(order.quantity.millionths())).expect("positive");
        }
        let rule = Rule { allocation: Allocation::MinimumFill, ..rule("pay-as-clear") };
        let outcome = cleared(&orders, &rule);
        if let Some(changed) = tampered(&outcome, what, which) {
            prop_assert!(check(&orders, &rule, SEED, &changed).is_err());
        }
    }
}
