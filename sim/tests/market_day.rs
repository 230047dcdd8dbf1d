//! The market day, played on the bare engine.

use golv_engine::digest::Digest;
use golv_engine::num::Quantity;
use golv_engine::{Exchange, Mode, RulesVersion};
use golv_sim::day::{self, MarketDay};
use golv_sim::venue::EngineVenue;

struct Day {
    state: Digest,
    refused: Vec<&'static str>,
    paid: i64,
    months_paid: usize,
}

fn play(seed: u64) -> Day {
    let venue = EngineVenue::found(
        Exchange::new(Mode::Rehearsal, RulesVersion::NEWEST),
        day::start(),
        &day::founding(|_| None),
    );
    let mut day = MarketDay::new(venue, seed);
    day.prepare().expect("prepared");
    let (support, won) = day.support_auction().expect("played");
    let call = day.call_auction().expect("played");
    assert!(support.result.price().is_some_and(|strike| strike <= day::floor_price()));
    assert!(!won.is_empty() && call.result.volume() > Quantity::ZERO);
    let (first, last) = day::months();
    let mut runs = Vec::new();
    let mut month = first;
    while month <= last {
        runs.push(day.settle(month).expect("settled"));
        month = month.next().expect("a month");
    }
    assert_eq!(runs.len(), 81);
    let refused = day.refusals().iter().map(|refusal| refusal.reason.name()).collect();
    let venue = day.into_venue();
    assert!(venue.exchange().is_conserved());
    Day {
        state: venue.exchange().state_digest(),
        refused,
        paid: runs.iter().map(|run| run.posted.millionths).sum(),
        months_paid: runs.iter().filter(|run| run.posted.millionths > 0).count(),
    }
}

#[test]
fn a_seed_plays_the_same_day_and_another_seed_another() {
    assert_eq!(play(1).state, play(1).state);
    assert_ne!(play(1).state, play(2).state);
}

/// For any seed the day shows what it is meant to show.
#[test]
fn every_day_has_its_refusals_and_years_on_both_sides_of_the_floor() {
    for seed in 0..20 {
        let day = play(seed);
        for wanted in ["WrongSide", "PriceOffTick", "OriginNotEligible", "TooLate"] {
            assert!(day.refused.contains(&wanted), "seed {seed}: no {wanted} in {:?}", day.refused);
        }
        assert!(
            day.paid > 0 && day.months_paid > 6 && day.months_paid < 75,
            "seed {seed}: {}",
            day.months_paid
        );
    }
}
