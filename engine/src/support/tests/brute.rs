//! The cap by origin beside brute force: all awards that there are.

use proptest::prelude::*;

use super::worlds::{country, fraction, volume};
use super::*;

const SHARES: [&str; 6] = ["0", "0.25", "0.333333", "0.4", "0.5", "0.65"];

/// A volume for all, in lots, and a cap by origin.
fn any_rule() -> impl Strategy<Value = SupportRule> {
    let position = || prop::option::of(0_i64..9);
    let positions = [position(), position(), position()];
    let exempt = prop::option::of(0_usize..3);
    (0_i64..16, 1_i64..3, prop::sample::select(SHARES.to_vec()), positions, exempt, any::<bool>()).prop_map(
        |(most, lot, share, positions, exempt, whole_offers)| SupportRule {
            lot: Some(volume(lot)),
            whole_offers,
            limits: vec![Limit {
                name: "volume".parse().expect("a name"),
                each: Each::All,
                technologies: Vec::new(),
                years: None,
                most: Most::Quantity(volume(most)),
            }],
            origin_cap: Some(OriginCap {
                share: fraction(share),
                positions: (0..3)
                    .filter(|number| exempt != Some(*number))
                    .filter_map(|number| {
                        Some(Position { country: country(number), quantity: volume(positions[number]?) })
                    })
                    .collect(),
                exempt: exempt.map(country).into_iter().collect(),
            }),
            ..rule("payment = \"own-price\"\nmisfit = \"skip\"\n")
        },
    )
}

fn any_offers() -> impl Strategy<Value = Vec<Offer<'static>>> {
    let one = (1_i64..6, 1_i64..5, 0_usize..3);
    prop::collection::vec(one, 0..6).prop_map(|all| {
        let offer_of = |(price, lots, origin): (i64, i64, usize)| Offer {
            quantity: volume(lots * 2),
            origin: Some(country(origin)),
            ..offer("an offer", &price.to_string(), "0")
        };
        all.into_iter().map(offer_of).collect()
    })
}

/// Whether every country that is awarded something has no more than its share of positions and awards.
fn keeps_shares(cap: &OriginCap, offers: &[Offer<'_>], given: &[i64]) -> bool {
    let positions: i64 = cap.positions.iter().map(|position| position.quantity.millionths()).sum();
    let whole = positions + given.iter().sum::<i64>();
    (0..3).map(country).filter(|country| !cap.exempt.contains(country)).all(|country| {
        let of_country = offers.iter().zip(given).filter(|(offer, _)| offer.origin == Some(country));
        let new: i64 = of_country.map(|(_, given)| given).sum();
        let own = cap.positions.iter().find(|position| position.country == country);
        let own = own.map_or(0, |position| position.quantity.millionths());
        new == 0 || (own + new) * 1_000_000 <= i64::from(cap.share.millionths()) * whole
    })
}

/// All awards in whole lots within the volume: the most volume that keeps the shares, and the least cost of it.
fn best(rule: &SupportRule, offers: &[Offer<'_>], given: &mut Vec<i64>, best_so_far: &mut (i64, i64)) {
    let Most::Quantity(most) = rule.limits[0].most else { unreachable!("a volume") };
    let volume: i64 = given.iter().sum();
    if volume > most.millionths() {
        return;
    }
    if let Some(offer) = offers.get(given.len()) {
        let lot = rule.lot.expect("a lot").millionths();
        for amount in (0..=offer.quantity.millionths()).step_by(lot as usize) {
            given.push(amount);
            best(rule, offers, given, best_so_far);
            given.pop();
        }
    } else if keeps_shares(rule.origin_cap.as_ref().expect("a cap"), offers, given) {
        let cost =
            offers.iter().zip(&*given).map(|(offer, given)| offer.price.millionths() / 1_000_000 * given);
        let cost: i64 = cost.sum();
        if (volume, -cost) > (best_so_far.0, -best_so_far.1) {
            *best_so_far = (volume, cost);
        }
    }
}

proptest! {
    /// Divisible offers: the most volume that keeps the shares, at the least cost. Whole offers: the shares are kept.
    /// Rules: R-AUC-074.
    #[test]
    fn a_cap_by_origin_leaves_the_most_volume_at_the_least_cost(rule in any_rule(), offers in any_offers()) {
        let outcome = checked(&offers, &rule);
        let mut given = vec![0; offers.len()];
        outcome.awards.iter().for_each(|award| given[award.offer as usize] = award.quantity.millionths());
        prop_assert!(keeps_shares(rule.origin_cap.as_ref().expect("a cap"), &offers, &given));
        if !rule.whole_offers {
            let mut due = (0, 0);
            best(&rule, &offers, &mut Vec::new(), &mut due);
            prop_assert_eq!((outcome.totals.quantity.millionths(), outcome.totals.cost.millionths()), due);
        }
    }
}
