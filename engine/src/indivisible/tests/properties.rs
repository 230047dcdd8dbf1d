//! What holds for every indivisible book, and a checker that finds every change.

use proptest::prelude::*;

use super::check::{Claim, Fault, check, value};
use super::*;
use crate::clearing::{Quote, Rounding};

const LAST: [Criterion; 4] =
    [Criterion::LastAcceptedOffer, Criterion::Midpoint, Criterion::Highest, Criterion::Lowest];

fn any_rule() -> impl Strategy<Value = Rule> {
    (prop::sample::select(LAST.to_vec()), any::<bool>(), prop::option::of(-2_i64..2)).prop_map(
        |(last, is_own_price, floor)| Rule {
            reference_price: Some(Price::ZERO),
            payment: if is_own_price { Payment::OwnPrice } else { Payment::OnePrice },
            floor: floor.map(Price::from_millionths),
            ..rule(&[last])
        },
    )
}

/// Rules of any kind, on a tick of two and with a lot of two or without.
fn rule_of_any_kind() -> impl Strategy<Value = Rule> {
    let bound =
        || prop::option::weighted(0.3, (-2_i64..3).prop_map(|price| Price::from_millionths(2 * price)));
    (
        prop::sample::select(Candidates::ALL),
        prop::sample::subsequence(Criterion::ALL.to_vec(), 1..9).prop_shuffle(),
        prop::sample::select(Rounding::ALL),
        (any::<bool>(), any::<bool>()),
        (prop::option::of(-5_i64..6), prop::option::of(Just("0.5"))),
        (bound(), bound(), any::<bool>()),
    )
        .prop_map(
            |(
                candidates,
                cascade,
                rounding,
                (has_tick, has_lot),
                (reference, band),
                (one, other, is_quote),
            )| {
                let bounds = one.zip(other).map(|(one, other)| (one.min(other), one.max(other)));
                let quote = bounds.filter(|_| is_quote).map(|(bid, ask)| Quote { bid, ask });
                Rule {
                    rounding,
                    tick: has_tick.then(|| Price::from_millionths(2)),
                    lot: Quantity::from_millionths(2).filter(|_| has_lot),
                    reference_price: reference.map(Price::from_millionths),
                    band: band.map(|band| band.parse().expect("a fraction")),
                    floor: bounds.map_or(one, |(low, _)| Some(low)).filter(|_| quote.is_none()),
                    ceiling: bounds.map_or(other, |(_, high)| Some(high)).filter(|_| quote.is_none()),
                    quote,
                    ..Rule::new(candidates, cascade, Allocation::PriceTime)
                }
            },
        )
}

/// Presets that give each side as much as the other, with a reference price, without a lot; and pay-as-clear at every price.
fn presets() -> Vec<Rule> {
    let texts = [
        include_str!("../../../rules/asx.toml"),
        include_str!("../../../rules/bnb.toml"),
        include_str!("../../../rules/euronext.toml"),
        include_str!("../../../rules/iex.toml"),
        include_str!("../../../rules/krx.toml"),
        include_str!("../../../rules/moex.toml"),
        include_str!("../../../rules/nse.toml"),
        include_str!("../../../rules/pay-as-bid.toml"),
        include_str!("../../../rules/pay-as-clear.toml"),
        include_str!("../../../rules/xetra-continuous-auction.toml"),
        include_str!("../../../rules/xetra-equities.toml"),
    ];
    let of = |text: &str| toml::from_str::<Rule>(text).expect("a rule");
    let every_price = rule(&[Criterion::MostVolume, Criterion::LastAcceptedOffer, Criterion::Reference]);
    let with_reference = |rule| Rule { reference_price: Some(Price::ZERO), lot: None, ..rule };
    texts.into_iter().map(of).chain([every_price]).map(with_reference).collect()
}

/// Limit orders, a third with a minimum, a third whole or not at all.
fn limits(most: usize) -> impl Strategy<Value = Vec<Order<'static>>> {
    let minimum = prop_oneof![Just(0), Just(9), 0_i64..5];
    let one = (any::<bool>(), -6_i64..6, 0_i64..9, minimum, 0_i64..3);
    prop::collection::vec(one, 0..=most).prop_map(|orders| {
        orders
            .into_iter()
            .map(|(is_buy, limit, quantity, minimum, received)| {
                let side = if is_buy { Side::Buy } else { Side::Sell };
                Order { received, ..order(side, Some(limit), quantity, minimum.min(quantity)) }
            })
            .collect()
    })
}

/// Market orders among them.
fn mixed(most: usize) -> impl Strategy<Value = Vec<Order<'static>>> {
    (limits(most), prop::collection::vec(0_u8..10, most)).prop_map(|(mut orders, dice)| {
        orders.iter_mut().zip(dice).filter(|(_, die)| *die == 0).for_each(|(order, _)| order.price = None);
        orders
    })
}

/// Changes one thing in a result; `None` if there is nothing of that kind to change.
fn changed(found: &Optimum, what: usize, which: prop::sample::Index) -> Option<Optimum> {
    let mut changed = found.clone();
    let more = |quantity: Quantity, by: i64| Quantity::from_millionths(quantity.millionths() + by);
    let up = |price: Price| Price::from_millionths(price.millionths() + 1);
    let fills = changed.fills.len();
    let fill = (fills > 0).then(|| which.index(fills));
    match what {
        0 => changed.volume = more(changed.volume, 1)?,
        1 => changed.welfare = changed.welfare.plus(Welfare::from_raw(1)),
        2 => changed.proof = Proof::Bound(changed.welfare.minus(Welfare::from_raw(1))),
        3 => changed.chosen.as_mut()?.price = up(changed.chosen?.price),
        4 => changed.chosen.as_mut()?.lowest = Some(changed.chosen?.lowest.map_or(Price::ZERO, up)),
        5 => changed.chosen.as_mut()?.step = Criterion::Pressure,
        6 => drop(changed.fills.remove(fill?)),
        7 => changed.fills[fill?].price = up(changed.fills[fill?].price),
        8 => changed.fills[fill?].quantity = more(changed.fills[fill?].quantity, 1)?,
        9 => changed.fills.push(changed.fills[fill?]),
        10 => changed.fills[fill?].reason = Reason::NothingLeft,
        11 => changed.fills[fill?].quantity = more(changed.fills[fill?].quantity, -1)?,
        12 => changed.fills[fill?].order += 1,
        13 => drop(changed.paradoxically_rejected.pop()?),
        14 => changed.paradoxically_rejected.push(u32::MAX),
        15 => changed.chosen = None,
        16 => changed.fills.swap(fill?, 0),
        _ => {
            // Two orders swap what they were given.
            let other = fills.checked_sub(1)?;
            let (a, b) = (changed.fills[fill?].quantity, changed.fills[other].quantity);
            (changed.fills[fill?].quantity, changed.fills[other].quantity) = (b, a);
        }
    }
    (changed != *found).then_some(changed)
}

proptest! {
    /// Nobody is accepted out of the money or below its minimum, and what is bought is sold: read from the fills.
    #[test]
    fn accepted_orders_get_what_they_asked_for(orders in mixed(30), rule in any_rule()) {
        let found = cleared(&orders, &rule);
        let mut balance = 0;
        for fill in &found.fills {
            let order = &orders[fill.order as usize];
            let price = found.price().expect("something trades");
            prop_assert!(fill.quantity >= order.min_quantity && fill.quantity <= order.quantity);
            match order.side {
                Side::Buy => prop_assert!(order.price.is_none_or(|limit| limit >= price)),
                Side::Sell => prop_assert!(order.price.is_none_or(|limit| limit <= price)),
            }
            balance += if order.side == Side::Buy { 1 } else { -1 } * fill.quantity.millionths();
        }
        prop_assert_eq!(balance, 0);
    }

    /// By a rule of any kind every trade that is found has a price, and the checker accepts it.
    /// Rules: R-AUC-062.
    #[test]
    fn every_rule_chooses_a_price_that_supports_the_trade(orders in mixed(12), rule in rule_of_any_kind()) {
        let even = |number: i64| number - number.rem_euclid(2);
        let even_quantity = |quantity: Quantity| Quantity::from_millionths(even(quantity.millionths())).expect("positive");
        let orders: Vec<_> = orders
            .into_iter()
            .map(|order| Order {
                price: order.price.map(|limit| Price::from_millionths(even(limit.millionths()))),
                quantity: even_quantity(order.quantity),
                min_quantity: even_quantity(order.min_quantity),
                ..order
            })
            .collect();
        match optimum(&orders, &rule, ENOUGH) {
            Err(error) => prop_assert_eq!(error, IndivisibleError::ReferenceMissing),
            Ok(found) => prop_assert_eq!(check(&orders, &rule, &found).err(), None),
        }
    }

    /// The same book gives the same answer and the same count.
    #[test]
    fn the_search_is_deterministic(orders in mixed(30), rule in any_rule(), limit in 0_u64..60) {
        prop_assert_eq!(optimum(&orders, &rule, limit), optimum(&orders, &rule, limit));
    }

    /// Stopped anywhere, it claims to be optimal only if it is, and nothing exceeds its bound.
    #[test]
    fn a_search_that_is_stopped_claims_no_more_than_it_knows(orders in mixed(20), rule in any_rule(), limit in 0_u64..30) {
        let best = cleared(&orders, &rule);
        let found = optimum(&orders, &rule, limit).expect("a book");
        prop_assert_eq!(check(&orders, &rule, &found).err(), None);
        if found.proof == Proof::Optimal {
            prop_assert_eq!(found, best);
        } else {
            prop_assert!(found.nodes <= limit.max(1) && limit < best.nodes);
            prop_assert!((found.welfare, found.volume) <= (best.welfare, best.volume) && best.welfare <= found.bound());
        }
    }

    /// One that all of the other side is too far from. It may come first in time.
    #[test]
    fn an_order_that_cannot_trade_changes_nothing(
        orders in limits(10), rule in any_rule(), is_buy: bool, quantity in 1_i64..9, minimum in 0_i64..9, received in -1_i64..4,
    ) {
        let before = cleared(&orders, &rule);
        let (side, limit) = if is_buy { (Side::Buy, -7) } else { (Side::Sell, 7) };
        let mut longer = orders.clone();
        longer.push(Order { received, ..order(side, Some(limit), quantity, minimum.min(quantity)) });
        let after = cleared(&longer, &rule);
        prop_assert_eq!((&before.fills, before.chosen), (&after.fills, after.chosen));
        prop_assert_eq!((before.welfare, before.proof), (after.welfare, after.proof));
        prop_assert_eq!(before.paradoxically_rejected, after.paradoxically_rejected);
    }

    /// Clearing by price with minimum fills is one of the choices; the best is worth no less.
    #[test]
    fn minimum_fills_at_the_rules_price_are_worth_no_more(orders in mixed(30), rule in any_rule()) {
        let by_price = Rule { allocation: Allocation::MinimumFill, ..rule.clone() };
        let outcome = clear(&orders, &by_price, None).expect("a book");
        let given: Vec<(u32, Quantity)> = outcome.fills.iter().map(|fill| (fill.order, fill.quantity)).collect();
        let price = outcome.price().filter(|_| !given.is_empty());
        let value = value(&orders, &rule, Claim { price, given: &given, bound: None }).expect("it may be");
        let found = cleared(&orders, &rule);
        prop_assert!((found.welfare, found.volume) >= (value.welfare, value.volume));
    }

    /// Without minimums there is nothing to choose: the price is the one that the clearing finds, and where demand and supply
    /// balance nobody is rejected who is in the money, which proves it. Presets whose criteria begin with the volume.
    #[test]
    fn divisible_books_are_cleared_as_ever(orders in mixed(30), rule in prop::sample::select(presets())) {
        let orders: Vec<_> = orders.into_iter().map(|order| Order { min_quantity: Quantity::ZERO, ..order }).collect();
        let found = cleared(&orders, &rule);
        let outcome = clear(&orders, &rule, None).expect("a book");
        prop_assert_eq!(found.nodes, 1);
        prop_assert_eq!(found.chosen.map(|chosen| (chosen.price, chosen.step)), outcome.price().zip(outcome.step()));
        prop_assert_eq!(found.volume, outcome.volume);
        let has_market_orders = orders.iter().any(|order| order.price.is_none());
        if rule.candidates == Candidates::Interval && rule.cascade[1] == Criterion::LastAcceptedOffer && !has_market_orders {
            let bound = check(&orders, &rule, &found).expect("accepted").proved_bound;
            prop_assert_eq!((bound.unwrap_or(Welfare::ZERO), found.paradoxically_rejected.len()), (found.welfare, 0));
        }
    }

    /// What the price leaves unproved is what those rejected paradoxically would have gained.
    #[test]
    fn the_proved_bound_is_the_welfare_and_what_the_rejected_miss(orders in limits(30), rule in any_rule()) {
        let found = cleared(&orders, &rule);
        if let Some(price) = found.price() {
            let given = amounts(&orders, &found);
            let missed = found.paradoxically_rejected.iter().map(|row| *row as usize).map(|row| {
                let gain = orders[row].price.expect("limits alone").distance(price);
                i128::from(gain) * i128::from(orders[row].quantity.millionths() - given[row])
            });
            let proved = check(&orders, &rule, &found).expect("accepted").proved_bound.expect("a price");
            prop_assert_eq!(proved.minus(found.welfare).raw(), missed.sum::<i128>());
        }
    }

    #[test]
    fn the_checker_finds_every_change(
        orders in mixed(12), rule in any_rule(), what in 0_usize..18, which: prop::sample::Index,
    ) {
        let found = cleared(&orders, &rule);
        if let Some(changed) = changed(&found, what, which) {
            prop_assert!(check(&orders, &rule, &changed).is_err(), "{:?}", changed);
        }
    }

    /// Whatever the numbers, nothing overflows: a book is refused, or cleared and accepted.
    #[test]
    fn the_largest_numbers_are_refused_or_cleared(
        orders in prop::collection::vec((any::<bool>(), prop::option::of(far()), far(), far(), far()), 0..8),
        (floor, ceiling, reference) in (prop::option::of(far()), prop::option::of(far()), prop::option::of(far())),
    ) {
        let size = |value: i64| Quantity::from_millionths(value.checked_abs().unwrap_or(i64::MAX)).expect("positive");
        let orders: Vec<_> = orders
            .into_iter()
            .map(|(is_buy, limit, quantity, minimum, received)| Order {
                received,
                quantity: size(quantity),
                min_quantity: size(minimum).min(size(quantity)),
                ..order(if is_buy { Side::Buy } else { Side::Sell }, limit, 0, 0)
            })
            .collect();
        let price = |value: Option<i64>| value.map(Price::from_millionths);
        let rule = Rule {
            floor: price(floor),
            ceiling: price(ceiling),
            reference_price: price(reference),
            ..pay_as_clear()
        };
        if let Ok(found) = optimum(&orders, &rule, 1_000) {
            prop_assert_eq!(check(&orders, &rule, &found).err(), None);
        }
    }
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

#[test]
fn the_checker_names_who_was_wronged() {
    let orders = book("10@9", "3!@5 3!@5 4@5 4@5");
    let rule = pay_as_clear();
    let found = cleared(&orders, &rule);
    assert_eq!(amounts(&orders, &found), [10_000_000, 3_000_000, 3_000_000, 4_000_000, 0]);
    // The second of two that are alike trades without the first, and a later order takes what is left.
    let mut later = found.clone();
    later.fills.retain(|fill| fill.order != 1);
    later.fills.push(Fill { order: 4, quantity: Quantity::from_units(3).expect("fits"), ..found.fills[3] });
    later.fills[3].reason = Reason::Rationed;
    assert_eq!(check(&orders, &rule, &later), Err(Fault::LaterAccepted { order: 1, by: 2 }));
    // The last seller takes from the one before it.
    let mut passed = found.clone();
    passed.fills[3].order = 4;
    assert_eq!(check(&orders, &rule, &passed), Err(Fault::PassedOver { order: 3, by: 4 }));
}

/// A choice that somebody else made is valued, whether or not it is the best.
#[test]
fn anybodys_choice_is_valued() {
    let orders = book("7@100", "20>=10@3 15>=2@5");
    let quantity = |units: u32| Quantity::from_units(units).expect("fits");
    let price = "5".parse().expect("a price");
    let claim = |given: &[(u32, Quantity)], bound: &str| {
        let bound = Some(bound.parse().expect("an amount"));
        value(&orders, &pay_as_clear(), Claim { price: Some(price), given, bound })
    };
    let valued = claim(&[(0, quantity(4)), (2, quantity(4))], "380").expect("it may be");
    assert_eq!((valued.welfare.to_string().as_str(), valued.volume), ("380", quantity(4)));
    assert_eq!(valued.paradoxically_rejected, [0, 1]);
    // At 5 the buyer would gain 95 for each of 7, and the first seller 2 for each of 20.
    assert_eq!(valued.proved_bound.map(|bound| bound.to_string()), Some("705".into()));
    let (bound, welfare) = ("379".parse().expect("an amount"), valued.welfare);
    let low = claim(&[(0, quantity(4)), (2, quantity(4))], "379");
    assert_eq!(low, Err(Fault::BoundTooLow { bound, welfare }));
    let unbalanced = claim(&[(0, quantity(4)), (2, quantity(3))], "380");
    assert_eq!(unbalanced, Err(Fault::Unbalanced { bought: quantity(4), sold: quantity(3) }));
    let little = claim(&[(0, quantity(7)), (1, quantity(7))], "700");
    assert!(matches!(little, Err(Fault::NotWanted { order: 1, .. })));
    assert_eq!(claim(&[], "0"), Err(Fault::PriceWithoutTrade));
}
