//! What holds of any scenario: drawn ones, small, under every policy.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;
use crate::scenario::Kind;

/// How somebody behaves, as a file says it.
fn behaviour() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "",
        "behaviour = { kind = \"shaded\", margin = \"0.05\" }\n",
        "behaviour = { kind = \"strategic\", rule = \"last-price\", step = \"0.04\" }\n",
        "behaviour = { kind = \"strategic\", rule = \"withhold\", keep = \"0.3\", ask = \"1.4\" }\n",
        "behaviour = { kind = \"strategic\", rule = \"dump\", ask = \"0.9\" }\n",
    ])
}

/// A producer's tables: cost, capacity, what it can do elsewhere, behaviour, whether it is built first.
fn producer() -> impl Strategy<Value = String> {
    (60_u32..140, 5_u32..60, any::<bool>(), behaviour(), any::<bool>(), any::<bool>()).prop_map(
        |(cost, capacity, elsewhere, behaviour, entrant, frail)| {
            let mut text = format!(
                "capacity = {capacity}\ncost = [{{ part = \"0.4\", price = {cost} }}, {{ part = \"0.6\", index = \"0.97\" }}]\n{behaviour}"
            );
            if elsewhere {
                text.push_str("elsewhere = \"0.9\"\n");
            }
            if frail {
                text.push_str("fixed = 300\nreserves = 2000\n");
            }
            if entrant {
                text.push_str("investment = { capital = 50000, years = 5, build-months = 2 }\n");
            }
            text
        },
    )
}

fn buyer() -> impl Strategy<Value = String> {
    (5_u32..80, 80_u32..160, any::<bool>()).prop_map(|(demand, worth, follows)| {
        let behaviour =
            if follows { "behaviour = { kind = \"strategic\", rule = \"last-price\", step = \"0.03\" }\n" } else { "" };
        format!("demand = {demand}\nworth = [{{ part = \"0.5\", price = {worth} }}, {{ part = \"0.5\", index = \"1.1\" }}]\n{behaviour}")
    })
}

/// A scenario of one year with policies of all kinds; `measure` is that of contracts.
fn text(producers: &[String], buyers: &[String], trade: &str, every: &str, measure: &str) -> String {
    let mut text = format!(
        "title = \"Any\"\n[market]\nmaterial = \"Ore\"\nunit = \"t\"\ncurrency = \"USD\"\ntick = 1\nlowest = 1\nhighest = 2000\n\
         trade = \"{trade}\"\n[prices]\nseries = \"gallium-4n\"\n[time]\nfirst = \"2020-01\"\nlast = \"2020-12\"\nevery = \"{every}\"\n"
    );
    for (number, producer) in producers.iter().enumerate() {
        let origin = ["FI", "CN", "DE"][number % 3];
        write!(text, "[producer.p{number}]\nname = \"P {number}\"\norigin = \"{origin}\"\n{producer}")
            .expect("memory");
    }
    for (number, buyer) in buyers.iter().enumerate() {
        write!(text, "[buyer.b{number}]\nname = \"B {number}\"\n{buyer}").expect("memory");
    }
    text.push_str("[policy.none]\nkind = \"no-support\"\n");
    for (key, kind, more) in [
        ("floor", "floor", ""),
        ("two-way", "two-way", ""),
        ("collar", "collar", "cap = 160\n"),
        ("upside", "upside-share", "share = \"0.3\"\nthreshold = 140\nannual-cap = 5000\n"),
    ] {
        write!(
            text,
            "[policy.{key}]\nkind = \"{kind}\"\nstrike = 120\nstress = 20\nvolume = 40\nbudget = 10000000\n\
             origins = [\"FI\", \"DE\"]\nmeasure = \"{measure}\"\n{more}"
        )
        .expect("memory");
    }
    text.push_str(
        "[policy.intermediary]\nkind = \"intermediary\"\nvolume = 30\nceiling = 120\nworst-sale = 40\nbudget = 10000000\n\
         origins = [\"FI\", \"DE\"]\n",
    );
    text
}

fn path(prices: &[i64]) -> PricePath {
    let first = Month::new(2020, 1).expect("a month");
    let prices = prices.iter().map(|units| Price::from_units(*units).expect("small")).collect();
    PricePath::new(first, Vec::new(), prices).expect("some")
}

fn scenario_of(text: &str) -> Scenario {
    Scenario::read(text, &|_| Err(std::io::Error::other("no file"))).expect("a scenario")
}

/// Payoff of a unit in millionths, by the formula in the documentation and not by the engine.
fn unit(policy: &str, strike: i64, reference: i64) -> i64 {
    let below = (strike - reference).max(0);
    match policy {
        "floor" => below,
        "two-way" => strike - reference,
        "collar" => below - (reference - 160_000_000).max(0),
        _ => below - (reference - 140_000_000).max(0) * 3 / 10,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_scenario_keeps_its_books(
        producers in prop::collection::vec(producer(), 2..6),
        buyers in prop::collection::vec(buyer(), 1..4),
        prices in prop::collection::vec(40_i64..220, 12),
        trade in prop::sample::select(vec!["call", "rounds"]),
        every in prop::sample::select(vec!["month", "quarter", "year"]),
    ) {
        let text = text(&producers, &buyers, trade, every, "metered");
        // Only producers withhold or dump.
        let scenario = scenario_of(&text);
        let path = path(&prices);
        for policy in &scenario.policies {
            let (outcome, venue) = play_on_engine(&scenario, policy, &path).expect("played");
            prop_assert!(venue.exchange().is_conserved());
            let sold: i64 = outcome.producers.iter().map(|producer| producer.sold.millionths()).sum();
            let bought: i64 = outcome.buyers.iter().map(|buyer| buyer.bought.millionths()).sum();
            prop_assert_eq!(sold, bought);
            let earned: i128 = outcome.producers.iter().map(|producer| producer.revenue).sum();
            let paid: i128 = outcome.buyers.iter().map(|buyer| buyer.paid).sum();
            let gap: i128 = outcome.months.iter().map(|month| month.gap).sum();
            prop_assert_eq!(earned, paid + gap);
            prop_assert!(outcome.trades.iter().all(|trade| trade.surplus <= trade.surplus_most));
            prop_assert!(outcome.buyers.iter().all(|buyer| buyer.bought <= buyer.wanted));
            let has_none = matches!(policy.kind, Kind::NoSupport);
            let moved = outcome.months.iter().any(|month| month.paid != 0 || month.given != 0 || month.gap != 0);
            prop_assert!(!has_none || !moved);
            for (producer, spec) in outcome.producers.iter().zip(&scenario.producers) {
                // Nobody makes more than its capacity, or anything before it is built.
                let made = producer.sold.millionths() + producer.sold_elsewhere.millionths();
                prop_assert!(made <= spec.capacity.high().millionths() * 12);
                prop_assert!(!producer.is_absent || made == 0);
                prop_assert!(spec.reserves.is_some() || producer.closed.is_none());
            }
        }
    }

    /// With a fixed volume, what a month pays follows from strike, volume and reference price by the formula alone. Caps a year aside.
    #[test]
    fn payments_are_the_payoff(
        producers in prop::collection::vec(producer(), 3..6),
        prices in prop::collection::vec(40_i64..150, 12),
    ) {
        let producers: Vec<String> = producers.iter().map(|text| text.replace("reserves = 2000\n", "")).collect();
        let text = text(&producers, &["demand = 50\nworth = [{ price = 130 }]\n".to_owned()], "call", "month", "fixed");
        let scenario = scenario_of(&text);
        for key in ["floor", "two-way", "collar", "upside"] {
            let policy = scenario.policy(key).expect("there");
            let (outcome, _) = play_on_engine(&scenario, policy, &path(&prices)).expect("played");
            let award = outcome.award.clone().expect("an auction was held");
            let strike = award.price.map_or(0, Price::millionths);
            for month in &outcome.months {
                let unit = unit(key, strike, month.reference_price.millionths());
                let exact = i128::from(unit) * i128::from(award.volume.millionths()) / 1_000_000;
                let paid = month.paid - month.given;
                // Each holder's amount is rounded to a cent.
                prop_assert!((paid - exact).abs() <= 10_000 * 6, "{} {}: {} for {}", key, month.month, paid, exact);
            }
        }
    }
}
