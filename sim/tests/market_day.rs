//! The market day, played on the bare engine.

use golv_engine::digest::Digest;
use golv_engine::money::Level;
use golv_engine::num::Quantity;
use golv_engine::{Exchange, Mode, RulesVersion};
use golv_sim::day::{self, MarketDay, SmallMonth};
use golv_sim::venue::EngineVenue;

struct Day {
    state: Digest,
    refused: Vec<&'static str>,
    paid: i64,
    months_paid: usize,
    small: Vec<SmallMonth>,
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
    let small = day.small_programme().to_vec();
    assert_eq!(small.len(), 81);
    let refused = day.refusals().iter().map(|refusal| refusal.reason.name()).collect();
    let venue = day.into_venue();
    assert!(venue.exchange().is_conserved());
    Day {
        state: venue.exchange().state_digest(),
        refused,
        paid: runs.iter().map(|run| run.posted.millionths).sum(),
        small,
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

/// The small programme comes to its limit, carries claims, is given more, and has paid everything in the end.
#[test]
fn a_small_programme_comes_to_its_limit_and_makes_good() {
    let day = play(1);
    assert!(day.refused.iter().any(|name| name.starts_with("Programme")), "{:?}", day.refused);
    let of = |wanted: Level| day.small.iter().position(|month| month.level == Some(wanted));
    let (high, full) = (of(Level::High).expect("80 %"), of(Level::Full).expect("100 %"));
    assert!(high < full);
    let waits = |month: &SmallMonth| month.waits.millionths > 0;
    let first = day.small.iter().position(waits).expect("claims wait");
    assert!(first >= full && day.small.iter().filter(|month| waits(month)).count() > 3);
    assert_eq!(day.small.iter().filter(|month| month.added.is_some()).count(), 1);
    let sum = |of: fn(&SmallMonth) -> i64| day.small.iter().map(of).sum::<i64>();
    assert_eq!(
        sum(|month| month.due.millionths),
        sum(|month| month.paid.millionths),
        "all is paid in the end"
    );
    assert!(day.small.last().is_some_and(|last| !waits(last)));
}
