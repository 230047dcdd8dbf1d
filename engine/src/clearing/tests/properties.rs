//! Properties that theory asks of a call auction, each with the rules that it holds for; where one breaks it, the
//! smallest book that shows it.

use proptest::prelude::*;

use super::*;

/// Pay-as-clear over all prices: the rule that most of the theory is about.
fn competitive() -> Rule {
    Rule { candidates: Candidates::Interval, ..rule("pay-as-clear") }
}

fn side() -> impl Strategy<Value = Side> {
    prop_oneof![Just(Side::Buy), Just(Side::Sell)]
}

/// Limit orders, small enough that prices and quantities meet.
fn limits(most: usize) -> impl Strategy<Value = Vec<Order<'static>>> {
    prop::collection::vec((side(), -6_i64..6, 1_i64..6), 0..most).prop_map(|orders| {
        numbered(
            orders.into_iter().map(|(side, limit, quantity)| small(side, Some(limit), quantity)).collect(),
        )
    })
}

/// Market orders among them.
fn mixed(most: usize) -> impl Strategy<Value = Vec<Order<'static>>> {
    (limits(most), prop::collection::vec(0_u8..6, most)).prop_map(|(mut orders, dice)| {
        orders.iter_mut().zip(dice).filter(|(_, die)| *die == 0).for_each(|(order, _)| order.price = None);
        orders
    })
}

/// A venue's preset without a lot, so that every book is one for it; the reference in the middle.
fn venue() -> impl Strategy<Value = Rule> {
    prop::sample::select(PRESETS.to_vec()).prop_map(|(preset, _)| Rule {
        lot: None,
        reference_price: Some(Price::ZERO),
        ..rule(preset)
    })
}

/// What each row was given.
fn amounts(orders: &[Order<'_>], outcome: &Outcome) -> Vec<i64> {
    let mut amounts = vec![0; orders.len()];
    outcome.fills.iter().for_each(|fill| amounts[fill.order as usize] = fill.quantity.millionths());
    amounts
}

fn sum(orders: &[Order<'_>], amounts: &[i64], side: Side) -> i64 {
    orders.iter().zip(amounts).filter(|(order, _)| order.side == side).map(|(_, amount)| amount).sum()
}

/// A limit as its owner sees it: the higher, the keener; market orders are keenest.
fn keenness(order: &Order<'_>) -> i64 {
    match (order.price, order.side) {
        (None, _) => i64::MAX,
        (Some(limit), Side::Buy) => limit.millionths(),
        (Some(limit), Side::Sell) => -limit.millionths(),
    }
}

fn millionths(price: Option<Price>) -> Option<i64> {
    price.map(Price::millionths)
}

/// The order with another limit.
fn moved(order: &Order<'static>, change: impl Fn(i64) -> i64) -> Order<'static> {
    Order { price: order.price.map(|limit| Price::from_millionths(change(limit.millionths()))), ..*order }
}

proptest! {
    /// 1. Nobody trades at a price worse than its limit. Every preset.
    /// Rules: R-AUC-034.
    #[test]
    fn nobody_trades_beyond_its_limit(orders in mixed(12), rule in venue()) {
        for fill in cleared(&orders, &rule).fills {
            let order = &orders[fill.order as usize];
            let limit = order.price.unwrap_or(fill.price);
            let is_inside = if order.side == Side::Buy { fill.price <= limit } else { fill.price >= limit };
            prop_assert!(is_inside);
        }
    }

    /// 2. What is bought is sold, and all is the volume; at one price, what is paid is received. Every preset but
    /// us-treasury, which over-allots on purpose and says by how much.
    /// Rules: R-AUC-035.
    #[test]
    fn what_is_bought_is_sold(orders in mixed(12), rule in venue()) {
        let outcome = cleared(&orders, &rule);
        let given = amounts(&orders, &outcome);
        let (bought, sold) = (sum(&orders, &given, Side::Buy), sum(&orders, &given, Side::Sell));
        if rule.allocation == Allocation::RoundUp {
            prop_assert_eq!(outcome.over_allotted.millionths(), (bought - sold).abs());
        } else {
            prop_assert_eq!((bought, sold), (outcome.volume.millionths(), outcome.volume.millionths()));
            let is_one_price = outcome.fills.iter().all(|fill| Some(fill.price) == outcome.price());
            prop_assert!(is_one_price || rule.payment == Payment::OwnPrice);
        }
    }

    /// 3. A strictly better limit is filled whole before a worse one gets anything. Every preset.
    /// Rules: R-AUC-036.
    #[test]
    fn nobody_has_justified_envy(orders in mixed(12), rule in venue()) {
        let given = amounts(&orders, &cleared(&orders, &rule));
        for (better, got) in orders.iter().zip(&given) {
            for (worse, its) in orders.iter().zip(&given) {
                if better.side == worse.side && keenness(better) > keenness(worse) && *its > 0 {
                    prop_assert_eq!(*got, better.quantity.millionths());
                }
            }
        }
    }

    /// 4. The price lies between what was rejected and what was accepted. Pay-as-clear over all prices.
    #[test]
    fn the_price_separates_accepted_from_rejected(orders in limits(12)) {
        let outcome = cleared(&orders, &competitive());
        let given = amounts(&orders, &outcome);
        if let Some(p) = millionths(outcome.price()) {
            for (order, given) in orders.iter().zip(given) {
                let limit = order.price.expect("limits alone").millionths();
                let (is_accepted, is_rejected) = (given > 0, given < order.quantity.millionths());
                let is_right = match order.side {
                    Side::Buy => (!is_accepted || p <= limit) && (!is_rejected || p >= limit),
                    Side::Sell => (!is_accepted || p >= limit) && (!is_rejected || p <= limit),
                };
                prop_assert!(is_right, "{:?} {:?}", order, outcome);
            }
        }
    }

    /// 5. No choice of single units gains more: all choices are tried. Pay-as-clear over all prices.
    #[test]
    fn no_other_trades_gain_more(orders in limits(7)) {
        // At most twelve units.
        let quantity = |order: &Order<'_>| order.quantity.min(Quantity::from_millionths(2).expect("positive"));
        let orders: Vec<_> = orders.iter().map(|order| Order { quantity: quantity(order), ..*order }).collect();
        let units: Vec<(i64, i64)> = orders
            .iter()
            .flat_map(|order| {
                let limit = order.price.expect("limits alone").millionths();
                let unit = if order.side == Side::Buy { (1, limit) } else { (-1, -limit) };
                std::iter::repeat_n(unit, usize::try_from(order.quantity.millionths()).expect("small"))
            })
            .collect();
                let best = (0_u32..1 << units.len())
            .filter_map(|chosen| {
                let chosen = units.iter().enumerate().filter(|(number, _)| chosen & (1 << number) != 0);
                let (balance, gain) = chosen.fold((0, 0), |(balance, gain), (_, unit)| (balance + unit.0, gain + unit.1));
                (balance == 0).then_some(gain)
            })
            .max();
        let given = amounts(&orders, &cleared(&orders, &competitive()));
        let gain: i64 = orders
            .iter()
            .zip(&given)
            .map(|(order, given)| {
                let limit = order.price.expect("limits alone").millionths();
                if order.side == Side::Buy { limit * given } else { -limit * given }
            })
            .sum();
        prop_assert_eq!(Some(gain), best);
    }

    /// 6. No price gives more volume, and with least-surplus among the first two criteria, none of those leaves less over.
    /// Euronext, asx and bnb, whose candidates are all prices.
    /// Rules: R-AUC-040.
    #[test]
    fn no_price_gives_more_volume_or_less_surplus(orders in mixed(12), preset in prop::sample::select(vec!["euronext", "asx", "bnb"])) {
        let outcome = cleared(&orders, &rule_with(preset, "reference-price = '0'"));
        let at = |p: i64| {
            let can_trade = |order: &&Order<'_>| order.price.is_none_or(|limit| match order.side {
                Side::Buy => limit.millionths() >= p,
                Side::Sell => limit.millionths() <= p,
            });
            let total = |side: Side| -> i64 {
                let of_side = orders.iter().filter(|order| order.side == side).filter(can_trade);
                of_side.map(|order| order.quantity.millionths()).sum()
            };
            let (demand, supply) = (total(Side::Buy), total(Side::Sell));
            (demand.min(supply), std::cmp::Reverse((demand - supply).abs()))
        };
        let best = (-8..8).map(at).max().expect("prices");
        match millionths(outcome.price()) {
            Some(p) => prop_assert_eq!(at(p), best),
            None => prop_assert_eq!(best.0, 0),
        }
    }

    /// 7. A keener limit never loses a winner quantity; one more buyer never lowers the price, and one more seller never
    /// raises it. The latter
    /// where there is an equilibrium before and after. Pay-as-clear over all prices.
    #[test]
    fn keener_limits_and_more_orders_move_things_their_way(
        orders in mixed(10), which: prop::sample::Index, by in 1_i64..6, more in (side(), -6_i64..6, 1_i64..6),
    ) {
        let rule = competitive();
        let before = cleared(&orders, &rule);
        if !orders.is_empty() {
            let row = which.index(orders.len());
            let mut keener = orders.clone();
            let sign = if orders[row].side == Side::Buy { 1 } else { -1 };
            keener[row] = moved(&orders[row], |limit| limit + sign * by);
            let after = amounts(&keener, &cleared(&keener, &rule));
            prop_assert!(after[row] >= amounts(&orders, &before)[row]);
        }
        let mut longer = orders;
        longer.push(small(more.0, Some(more.1), more.2));
        let after = cleared(&numbered(longer), &rule);
        let balances = |outcome: &Outcome| outcome.equilibrium != Equilibrium { low: None, high: None };
        if let (true, true, Some(before), Some(after)) =
            (balances(&before), balances(&after), before.price(), after.price())
        {
            let is_right = if more.0 == Side::Buy { after >= before } else { after <= before };
            prop_assert!(is_right);
        }
    }

    /// 8. The order of rows changes neither price nor volume (every preset), nor, with ties to the lower id, any fill
    /// (pay-as-clear).
    /// Rules: R-AUC-033.
    #[test]
    fn rows_can_stand_in_any_order(orders in mixed(12).prop_flat_map(|o| (Just(o.clone()), Just(o).prop_shuffle())), rule in venue()) {
        let (orders, shuffled) = orders;
        let (one, other) = (cleared(&orders, &rule), cleared(&shuffled, &rule));
        prop_assert_eq!((one.decision, one.volume, one.surplus), (other.decision, other.volume, other.surplus));
        let by_id = |orders: &[Order<'_>], rule: &Rule| {
            let given = amounts(orders, &cleared(orders, rule));
            orders.iter().map(|order| order.rank).zip(given).collect::<std::collections::BTreeMap<_, _>>()
        };
        let rule = super::rule("pay-as-clear");
        prop_assert_eq!(by_id(&orders, &rule), by_id(&shuffled, &rule));
    }

    /// 8. Two orders instead of one change neither price nor volume. Every preset.
    #[test]
    fn splitting_an_order_changes_no_total(orders in mixed(10).prop_filter("an order", |orders| !orders.is_empty()), which: prop::sample::Index, part in 1_i64..5, rule in venue()) {
        let row = which.index(orders.len());
        let mut split = orders.clone();
        let whole = split[row].quantity.millionths();
        split[row].quantity = Quantity::from_millionths(part.min(whole)).expect("positive");
        split.push(Order { quantity: Quantity::from_millionths(whole - part.min(whole)).expect("positive"), ..split[row] });
        let (one, two) = (cleared(&orders, &rule), cleared(&numbered(split), &rule));
        prop_assert_eq!((one.decision, one.volume), (two.decision, two.volume));
    }

    /// 9. Quantities and lot times k: fills times k. Prices plus c: price plus c. Pay-as-clear over all prices.
    #[test]
    fn scaling_and_shifting(orders in limits(12), k in 1_i64..7, c in -9_i64..9) {
        let rule = competitive();
        let before = cleared(&orders, &rule);
        let times = |quantity: Quantity| Quantity::from_millionths(quantity.millionths() * k).expect("positive");
        let scaled: Vec<_> = orders.iter().map(|order| Order { quantity: times(order.quantity), ..*order }).collect();
        let after = cleared(&scaled, &Rule { lot: Quantity::from_millionths(k), ..rule.clone() });
        let expected: Vec<i64> = amounts(&orders, &before).into_iter().map(|amount| amount * k).collect();
        prop_assert_eq!((amounts(&scaled, &after), after.decision), (expected, before.decision));
        let shifted: Vec<_> = orders.iter().map(|order| moved(order, |limit| limit + c)).collect();
        let after = cleared(&shifted, &rule);
        prop_assert_eq!(millionths(after.price()), millionths(before.price()).map(|price| price + c));
        prop_assert_eq!(after.fills.len(), before.fills.len());
    }

    /// 10. With signs turned and sides swapped, everything turns: the equilibrium; the price of pay-as-clear over all prices,
    /// whose mirror is the other end of the equilibrium; and the price of a rule that ends in `highest`, whose mirror ends in
    /// `lowest`.
    #[test]
    fn sides_are_symmetric(orders in limits(12)) {
        let turned = |price: Option<Price>| millionths(price).map(|p| -p);
        let mirror: Vec<_> = orders
            .iter()
            .map(|order| {
                let side = if order.side == Side::Buy { Side::Sell } else { Side::Buy };
                Order { side, ..moved(order, |limit| -limit) }
            })
            .collect();
        let rule = competitive();
        let (one, other) = (cleared(&orders, &rule), cleared(&mirror, &rule));
        prop_assert_eq!(turned(one.equilibrium.low), millionths(other.equilibrium.high));
        prop_assert_eq!(turned(one.price()), millionths(other.equilibrium.high));
        prop_assert_eq!(amounts(&orders, &one), amounts(&mirror, &other));
        for candidates in Candidates::ALL {
            let ending = |last: Criterion| {
                let cascade = vec![Criterion::MostVolume, Criterion::LeastSurplus, Criterion::SurplusSide, last];
                Rule { candidates: *candidates, cascade, ..rule.clone() }
            };
            let (one, other) =
                (cleared(&orders, &ending(Criterion::Highest)), cleared(&mirror, &ending(Criterion::Lowest)));
            prop_assert_eq!(turned(one.price()), millionths(other.price()));
        }
    }

    /// 11. Pay-as-bid: revenue is what each bid times what it got, and at least what sellers are paid; the same trade
    /// as under pay-as-clear, where every seller is paid at least its limit.
    #[test]
    fn pay_as_bid_and_pay_as_clear(orders in mixed(12)) {
        let with_reference = |preset: &str| rule_with(preset, "reference-price = '0'");
        let (bid, clear) = (cleared(&orders, &with_reference("pay-as-bid")), cleared(&orders, &with_reference("pay-as-clear")));
        prop_assert_eq!(amounts(&orders, &bid), amounts(&orders, &clear));
        prop_assert_eq!(bid.decision, clear.decision);
        let paid = |outcome: &Outcome, side: Side| -> i64 {
            let of_side = outcome.fills.iter().filter(|fill| orders[fill.order as usize].side == side);
            of_side.map(|fill| fill.price.millionths() * fill.quantity.millionths()).sum()
        };
        let own: i64 = bid.fills.iter().filter(|fill| orders[fill.order as usize].side == Side::Buy).map(|fill| {
            let limit = orders[fill.order as usize].price.or(bid.price()).expect("a price");
            limit.millionths() * fill.quantity.millionths()
        }).sum();
        prop_assert_eq!(paid(&bid, Side::Buy), own);
        prop_assert!(paid(&bid, Side::Buy) >= paid(&bid, Side::Sell));
        prop_assert_eq!(paid(&clear, Side::Buy), paid(&clear, Side::Sell));
        prop_assert!(paid(&clear, Side::Sell) >= paid(&bid, Side::Sell));
    }

    /// 16. Pro rata: all is given, each within a lot of its quota and never more than it wants, and who has a larger remainder,
    /// or the same and a lower id, is never rounded down while the other is rounded up.
    /// Rules: R-AUC-052.
    #[test]
    fn pro_rata_stays_within_a_lot(
        (wanted, available, lot) in (prop::collection::vec(1_i64..50, 1..8), 1_i64..4).prop_flat_map(|(wanted, lot)| {
            let total = wanted.iter().sum::<i64>();
            (Just(wanted), 1..=total, Just(lot))
        }),
    ) {
        let mut orders: Vec<_> = wanted.iter().map(|lots| small(Side::Buy, Some(5), lots * lot)).collect();
        orders.push(small(Side::Sell, Some(1), available * lot));
        let orders = numbered(orders);
        let rule = Rule { lot: Quantity::from_millionths(lot), ..rule("pay-as-clear") };
        let given = amounts(&orders, &cleared(&orders, &rule));
        let total: i64 = wanted.iter().sum();
        let mut lots: Vec<i64> = given.iter().map(|given| given / lot).collect();
        prop_assert!(given.iter().all(|given| given % lot == 0));
        prop_assert_eq!(lots.pop(), Some(available));
        prop_assert_eq!(lots.iter().sum::<i64>(), available);
        for (number, (got, want)) in lots.iter().zip(&wanted).enumerate() {
            prop_assert!(got <= want && (got * total - want * available).abs() < total);
            for (other, (its, wants)) in lots.iter().zip(&wanted).enumerate() {
                let remainder = |want: i64| (want * available) % total;
                let is_first = (remainder(*want), std::cmp::Reverse(number)) > (remainder(*wants), std::cmp::Reverse(other));
                let is_up = |got: i64, want: i64| got > want * available / total;
                prop_assert!(!is_first || is_up(*got, *want) || !is_up(*its, *wants));
            }
        }
    }

    /// 17. With minimums: who gets anything gets its minimum, buyers as much as sellers, and the order of rows does not matter.
    /// Rules: R-AUC-056.
    #[test]
    fn minimums_are_met_whatever_the_order_of_rows(
        (orders, shuffled) in (mixed(10), prop::collection::vec(0_i64..6, 10))
            .prop_map(|(mut orders, minimums)| {
                for (order, minimum) in orders.iter_mut().zip(minimums) {
                    order.min_quantity = Quantity::from_millionths(minimum.min(order.quantity.millionths())).expect("positive");
                }
                orders
            })
            .prop_flat_map(|orders| (Just(orders.clone()), Just(orders).prop_shuffle())),
    ) {
        let rule = Rule { allocation: Allocation::MinimumFill, ..rule_with("pay-as-clear", "reference-price = '0'") };
        let outcome = cleared(&orders, &rule);
        for fill in &outcome.fills {
            prop_assert!(fill.quantity >= orders[fill.order as usize].min_quantity);
        }
        let given = amounts(&orders, &outcome);
        prop_assert_eq!(sum(&orders, &given, Side::Buy), sum(&orders, &given, Side::Sell));
        let again = amounts(&shuffled, &cleared(&shuffled, &rule));
        for (order, amount) in shuffled.iter().zip(again) {
            prop_assert_eq!(amount, given[order.rank as usize]);
        }
    }
}

/// 7 does not hold for pay-as-clear over limits alone where sellers give no limit: one more buyer makes an offer with a limit
/// the last accepted one, and the price falls from the lowest accepted bid to it. Over all prices it does not.
#[test]
fn one_more_buyer_can_lower_the_price_of_offers_without_limit() {
    let (before, after) = (book("1@9", "1 1@2"), book("1@9 1@8", "1 1@2"));
    let rule = rule("pay-as-clear");
    assert_eq!(
        (summary(&cleared(&before, &rule)), summary(&cleared(&after, &rule))),
        ("9 x 1".into(), "2 x 2".into())
    );
    let both = (summary(&cleared(&before, &competitive())), summary(&cleared(&after, &competitive())));
    assert_eq!(both, ("2 x 1".into(), "2 x 2".into()));
}

/// 7 and 4 do not hold where the market orders of one side want more than the other side has in all: no price balances that,
/// there is no equilibrium to move into, and the last accepted offer stands, or the lowest accepted bid.
#[test]
fn market_orders_that_cannot_be_filled_leave_no_equilibrium() {
    let with = |bids: &str, asks: &str| cleared(&book(bids, asks), &competitive());
    assert_eq!(summary(&with("1 1@9", "1@2")), "9 x 1");
    let outcome = with("1 1@9 1", "1@2");
    assert_eq!(summary(&outcome), "2 x 1");
    assert_eq!(outcome.equilibrium, Equilibrium { low: None, high: None });
    assert_eq!(
        (summary(&with("1@9", "3")), summary(&with("1@9 1@8", "3"))),
        ("9 x 1".into(), "8 x 2".into())
    );
}

/// 6 does not hold for xetra-equities, which looks at limits alone: nothing would be left over between them.
#[test]
fn limits_alone_can_leave_more_over() {
    let orders = book("1 1@1", "1 1@3");
    let outcome = cleared(&orders, &rule_with("xetra-equities", "reference-price = '2'"));
    assert_eq!((summary(&outcome), outcome.surplus.to_string()), ("3 x 1".into(), "1".into()));
    let outcome = cleared(&orders, &rule_with("euronext", "reference-price = '2'"));
    assert_eq!((summary(&outcome), outcome.surplus.to_string()), ("2 x 1".into(), "0".into()));
}

/// 8 holds for no more than totals under krx: two orders of one get more than one of two would.
#[test]
fn splitting_an_order_pays_under_quantity_priority() {
    let one = book("2@5 2@5", "1@5");
    let two = book("1@5 1@5 2@5", "1@5");
    let rule = rule("krx");
    assert_eq!(given(&one, &cleared(&one, &rule)), "a 1, c 1");
    assert_eq!(given(&two, &cleared(&two, &rule)), "c 1, d 1");
}

/// Two counter-examples of a model of IEX's auction, restated with limit and market orders: there a buyer at 10.1 more
/// shrinks the volume, and a seller more raises the price. Not here.
#[test]
fn an_order_more_does_not_shrink_the_volume_or_move_the_price_against_itself() {
    let rule = rule_with("iex", "quote = '10:10.1'");
    let with = |bids: &str, asks: &str| cleared(&book(bids, asks), &rule);
    let (before, after) = (with("1000@10.05", "100@10.05 500"), with("1000@10.05 200@10.1", "100@10.05 500"));
    assert!(after.volume >= before.volume && after.price() >= before.price());
    assert_eq!((summary(&before), summary(&after)), ("10.05 x 600".into(), "10.05 x 600".into()));
    let (before, after) = (with("1000@10.1", "1000@10"), with("1000@10.1", "1000@10 200@10"));
    assert!(after.volume >= before.volume && after.price() <= before.price());
    assert_eq!((summary(&before), summary(&after)), ("10.05 x 1000".into(), "10 x 1000".into()));
}
