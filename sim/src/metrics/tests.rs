//! Figures of plays that are small enough to be worked out by hand, and of the library's.

use super::*;
use crate::play::{BuyerFacts, MonthFacts, PricePath, TradeFacts, play_on_engine};
use crate::scenario::library;
use golv_engine::num::{Price, Quantity};

fn lithium() -> Scenario {
    library().iter().find(|ready| ready.name == "lithium").expect("there").scenario()
}

fn tonnes(units: u32) -> Quantity {
    Quantity::from_units(units).expect("small")
}

/// Two producers, 30 t from Finland and 70 t from China; 24 months, of which the 12th cost 120 and the 24th gave 20.
fn sample() -> Outcome {
    let month =
        |number: u8| Month::new(2019 + i32::from((number - 1) / 12), (number - 1) % 12 + 1).expect("a month");
    let units = |units: i128| units * 1_000_000;
    let months = (1..=24).map(|number| MonthFacts {
        month: month(number),
        reference_price: Price::ZERO,
        paid: if number == 12 { units(120) } else { 0 },
        given: if number == 24 { units(20) } else { 0 },
        gap: 0,
    });
    let producer = |name: &str, origin: &str, sold| ProducerFacts {
        name: name.to_owned(),
        origin: origin.parse().expect("a country"),
        sold: tonnes(sold),
        revenue: units(i128::from(sold) * 10),
        sold_elsewhere: Quantity::ZERO,
        revenue_elsewhere: units(5),
        support: 0,
        cost: units(50),
        capital: units(1_000),
        invested: None,
        closed: None,
        is_absent: false,
    };
    let trade = TradeFacts {
        month: month(1),
        months: 24,
        price: None,
        volume: tonnes(100),
        surplus: 90,
        surplus_most: 100,
        supply: Vec::new(),
        demand: Vec::new(),
    };
    Outcome {
        months: months.collect(),
        trades: vec![trade],
        producers: vec![
            producer("One", "FI", 30),
            ProducerFacts { closed: Some(month(3)), ..producer("Two", "DE", 0) },
            producer("Three", "CN", 70),
        ],
        buyers: vec![BuyerFacts {
            name: "Buyer".to_owned(),
            wanted: tonnes(125),
            bought: tonnes(100),
            paid: units(1_000),
        }],
        award: None,
        reserved_most: 0,
        unpaid: 0,
    }
}

#[test]
fn figures_follow_their_formulas() {
    let scenario = lithium();
    let metrics = Metrics::of(&scenario, scenario.policy("floor").expect("there"), &sample());
    assert_eq!((metrics.paid, metrics.given, metrics.public_cost), (120.0, 20.0, 100.0));
    // At 3 % a year: 120 ÷ 1.03 − 20 ÷ 1.03².
    let expected = 120.0 / 1.03 - 20.0 / (1.03 * 1.03);
    assert!((metrics.public_cost_discounted - expected).abs() < 1e-9);
    assert_eq!(metrics.worst_year, (2019, 120.0));
    assert_eq!(metrics.budget, 1_000_000_000.0);
    assert_eq!(metrics.home_revenue, 300.0 + 5.0 + 5.0);
    assert_eq!(metrics.home_result, 310.0 - 100.0);
    assert_eq!(metrics.survival, 0.5);
    assert_eq!(metrics.investment, 3_000.0);
    assert_eq!((metrics.buyers_cost, metrics.bought, metrics.served), (1_000.0, 100.0, 0.8));
    assert_eq!(metrics.efficiency, 0.9);
    let [china, finland] = ["CN", "FI"].map(|code| metrics.shares[&code.parse().expect("a country")]);
    assert_eq!((china, finland), (0.7, 0.3));
    assert!((metrics.concentration - (4_900.0 + 900.0)).abs() < 1e-9);
    assert_eq!(
        metrics.largest_share().map(|(origin, share)| (origin.to_string(), share)),
        Some(("CN".into(), 0.7))
    );
}

/// 11 a unit instead of 10, and the largest origin falls from 70 % to 50 %: a unit moved costs 5.
#[test]
fn the_price_of_diversification_is_what_a_unit_moved_costs() {
    let scenario = lithium();
    let policy = scenario.policy("none").expect("there");
    let baseline = Metrics { public_cost: 0.0, ..Metrics::of(&scenario, policy, &sample()) };
    let mut moved = Metrics { public_cost: 100.0, ..baseline.clone() };
    moved.shares.insert("CN".parse().expect("a country"), 0.5);
    let price = moved.price_of_diversification(&baseline).expect("the share fell");
    assert!((price - 5.0).abs() < 1e-9, "{price}");
    assert_eq!(baseline.price_of_diversification(&moved), None);
}

#[test]
fn nothing_at_all_has_figures() {
    let scenario = lithium();
    let metrics = Metrics::of(&scenario, scenario.baseline(), &Outcome::default());
    assert_eq!((metrics.efficiency, metrics.served, metrics.survival), (1.0, 1.0, 1.0));
    assert!(metrics.largest_share().is_none() && metrics.concentration == 0.0);
}

/// Shares sum to one, efficiency and survival lie between nothing and the whole, and the cost is what was paid less what was given.
#[test]
fn figures_of_the_library_are_possible() {
    for ready in library() {
        let scenario = ready.scenario();
        let (path, _) = PricePath::historic(&scenario).expect("whole");
        let path = path.shocked(&scenario);
        for policy in &scenario.policies {
            let (outcome, _) = play_on_engine(&scenario, policy, &path).expect("played");
            let metrics = Metrics::of(&scenario, policy, &outcome);
            let what = format!("{} {}", ready.name, policy.key);
            assert!((metrics.shares.values().sum::<f64>() - 1.0).abs() < 1e-9, "{what}");
            for part in [metrics.efficiency, metrics.survival, metrics.served] {
                assert!((0.0..=1.0).contains(&part), "{what} {part}");
            }
            assert!(metrics.concentration <= 10_000.0 + 1e-6, "{what}");
            let sum = metrics.paid - metrics.given + metrics.gap;
            assert!((metrics.public_cost - sum).abs() <= 1e-6 * (1.0 + sum.abs()), "{what}");
            assert!(metrics.reserved_most <= metrics.budget, "{what}");
        }
    }
}
