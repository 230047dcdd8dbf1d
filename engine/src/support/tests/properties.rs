//! What holds for every auction, and a checker that finds every change.

use proptest::prelude::*;

use super::check::{Fault, Number, check};
use super::worlds::{ALL, MONOTONE, Parts, price, volume, world};
use super::*;

const SEED: Option<&[u8]> = Some(b"seed");

/// Changes one thing in an outcome; `None` if there is nothing of that kind to change.
fn changed(outcome: &Outcome, what: usize, which: prop::sample::Index) -> Option<Outcome> {
    let mut changed = outcome.clone();
    let (awards, rejections) = (outcome.awards.len(), outcome.rejections.len());
    let award = (awards > 0).then(|| which.index(awards));
    let rejection = (rejections > 0).then(|| which.index(rejections));
    let more = |quantity: Quantity, by: i64| Quantity::from_millionths(quantity.millionths() + by);
    let size = |size: Size| match size {
        Size::Quantity(quantity) => Size::Quantity(volume(quantity.millionths() + 1)),
        Size::Money(amount) => Size::Money(Amount::from_millionths(amount.millionths() + 1).expect("fits")),
    };
    match what {
        0 => drop(changed.awards.remove(award?)),
        1 => changed.awards[award?].quantity = more(changed.awards[award?].quantity, 1)?,
        2 => changed.awards[award?].quantity = more(changed.awards[award?].quantity, -1)?,
        3 => {
            changed.awards[award?].price =
                Price::from_millionths(changed.awards[award?].price.millionths() + 1)
        }
        4 => {
            changed.awards[award?].price =
                Price::from_millionths(changed.awards[award?].price.millionths() - 1)
        }
        5 => changed.awards[award?].offer += 1,
        6 => changed.awards.insert(award?, changed.awards[award?]),
        7 => changed.awards[award?].minimum = changed.awards[award?].minimum.xor(Some(0)),
        8 => changed.awards.swap(award?, 0),
        9 => {
            // Two offers swap what they were awarded.
            let other = (award? + 1) % awards;
            let (a, b) = (changed.awards[award?].quantity, changed.awards[other].quantity);
            (changed.awards[award?].quantity, changed.awards[other].quantity) = (b, a);
        }
        10 => drop(changed.rejections.remove(rejection?)),
        11 => changed.rejections.insert(rejection?, changed.rejections[rejection?].clone()),
        12 => changed.rejections.swap(rejection?, 0),
        13 => changed.rejections[rejection?].offer += 1,
        14 => changed.rejections[rejection?].reason = Reason::Void,
        15 => match &mut changed.rejections[rejection?].reason {
            Reason::Limited(breaches) => {
                let breach = breaches.first_mut()?;
                breach.over = size(breach.over);
            }
            Reason::Stopped { by, .. } | Reason::YearClosed { by } | Reason::Excluded { by } => *by += 1,
            Reason::AboveCeiling { ceiling } => *ceiling = price(1_000_000),
            Reason::Void => changed.rejections[rejection?].reason = Reason::Excluded { by: 0 },
        },
        16 => match &mut changed.rejections[rejection?].reason {
            Reason::Limited(breaches) => drop(breaches.pop()?),
            Reason::Stopped { constraint, .. } => *constraint = Constraint::Limit(99),
            _ => return None,
        },
        17 => match &mut changed.rejections[rejection?].reason {
            Reason::Limited(breaches) => breaches.push(*breaches.first()?),
            Reason::Stopped { by, .. } => {
                changed.rejections[rejection?].reason = Reason::YearClosed { by: *by }
            }
            _ => return None,
        },
        18 => changed.totals.quantity = more(changed.totals.quantity, 1)?,
        19 => changed.totals.cost = Amount::from_millionths(changed.totals.cost.millionths() + 1)?,
        20 => {
            let used = changed.used.iter_mut().flatten().next()?;
            *used = size(*used);
        }
        21 => drop(changed.used.pop()?),
        22 => *changed.used.first_mut()? = None,
        23 => {
            let clearing = changed.clearing.len().checked_sub(1)?;
            let score = &mut changed.clearing[clearing].score;
            *score = score.xor(Some(Price::ZERO));
        }
        24 => {
            let score = changed.clearing.first_mut()?.score.as_mut()?;
            *score = Price::from_millionths(score.millionths() + 1);
        }
        25 => drop(changed.clearing.pop()?),
        26 => changed.clearing.push(changed.clearing.first()?.clone()),
        27 => changed.clearing.first_mut()?.year += 1,
        28 => changed.void = changed.void.xor(Some(Void::AllWin)),
        29 => changed.void = changed.void.xor(Some(Void::TooFewOwners { owners: 0 })),
        30 => {
            let without = changed.without_origin_cap.as_mut()?;
            without.quantity = more(without.quantity, 1)?;
        }
        31 => changed.without_origin_cap = changed.without_origin_cap.xor(Some(Totals::default())),
        // Where it is not all that is awarded, one as near may lead to the same caps.
        32 | 33 if changed.origin_volume == Some(changed.totals.quantity) => {
            changed.origin_volume = Some(more(changed.totals.quantity, if what == 32 { 1 } else { -1 })?);
        }
        32 | 33 => return None,
        _ => changed.origin_volume = changed.origin_volume.xor(Some(Quantity::ZERO)),
    }
    (changed != *outcome).then_some(changed)
}

/// What an offer is awarded altogether.
fn won(outcome: &Outcome, offer: usize) -> i64 {
    let its = outcome.awards.iter().filter(|award| award.offer as usize == offer);
    its.map(|award| award.quantity.millionths()).sum()
}

/// With more of everything that a rejection names.
fn relaxed(rule: &SupportRule, breaches: &[Breach], less: Option<usize>) -> Option<SupportRule> {
    let mut rule = rule.clone();
    for (place, breach) in breaches.iter().enumerate() {
        let Constraint::Limit(number) = breach.constraint else { return None };
        let less = i64::from(less == Some(place));
        let most = &mut rule.limits[number as usize].most;
        *most = match (*most, breach.over) {
            (Most::Quantity(most), Size::Quantity(over)) => {
                Most::Quantity(volume(most.millionths() + over.millionths() - less))
            }
            (Most::Money { amount, reference_price }, Size::Money(over)) => Most::Money {
                amount: Amount::from_millionths(amount.millionths() + over.millionths() - less)?,
                reference_price,
            },
            _ => panic!("a breach is told in what its limit counts"),
        };
    }
    Some(rule)
}

proptest! {
    #[test]
    fn the_checker_accepts((rule, offers) in world(ALL, 40)) {
        checked(&offers, &rule);
    }

    #[test]
    fn the_checker_finds_every_change(
        (rule, offers) in world(ALL, 12), what in 0_usize..35, which: prop::sample::Index,
    ) {
        let outcome = awarded(&offers, &rule);
        if let Some(changed) = changed(&outcome, what, which) {
            let verdict = check(&offers, &rule, SEED, &changed);
            prop_assert!(verdict.is_err(), "{:#?} {:#?}", outcome, changed);
        }
    }

    /// However much dearer. Minima, caps by origin, and an auction that is void if all win are excepted: see the examples.
    #[test]
    fn asking_more_never_wins_more(
        (rule, offers) in world(Parts { competition: true, ..MONOTONE }, 12), which: prop::sample::Index, more in 1_i64..6_000,
    ) {
        if offers.is_empty() {
            return Ok(());
        }
        let rule = SupportRule { competition: Competition { void_if_all_win: false, ..rule.competition }, ..rule };
        let offer = which.index(offers.len());
        let mut dearer = offers.clone();
        dearer[offer].price = Price::from_millionths(offers[offer].price.millionths() + more * 1_000);
        prop_assert!(won(&awarded(&dearer, &rule), offer) <= won(&awarded(&offers, &rule), offer));
    }

    /// The winning price is found by halving; all prices are tried.
    #[test]
    fn a_winning_price_wins_and_the_next_does_not(
        (rule, offers) in world(ALL, 10), (monotone, others) in world(MONOTONE, 10), which: prop::sample::Index,
        tick in prop::sample::select(vec![300_i64, 500, 1_000]),
    ) {
        let (lowest, tick) = (price(-1_700), price(tick));
        for (rule, offers, is_monotone) in [(rule, offers, false), (monotone, others, true)] {
            if offers.is_empty() {
                continue;
            }
            let row = which.index(offers.len());
            let wins = |price: Price| {
                let mut offers = offers.clone();
                offers[row].price = price;
                won(&awarded(&offers, &rule), row) > 0
            };
            if wins(offers[row].price) {
                continue;
            }
            let found = winning_price(&offers, &rule, SEED, row as u32, (lowest, tick)).expect("an auction");
            let steps = |steps: i64| Price::from_millionths(steps * tick.millionths());
            let all = (-10_i64..40).map(steps).filter(|price| *price >= lowest && *price < offers[row].price);
            let winning: Vec<Price> = all.filter(|price| wins(*price)).collect();
            if is_monotone {
                prop_assert_eq!(found, winning.last().copied());
            }
            if let Some(found) = found {
                let next = Price::from_millionths(found.millionths() + tick.millionths());
                prop_assert!(winning.contains(&found) && !winning.contains(&next));
            }
        }
    }

    /// With so much more of what a rejection names, and others awarded what they are, it is awarded the least more; with a
    /// millionth less of any of it, it is not.
    /// Rules: R-AUC-077.
    #[test]
    fn a_rejection_names_what_is_in_the_way_and_by_how_much(
        (rule, offers) in world(MONOTONE, 12), which: prop::sample::Index,
    ) {
        let rule = SupportRule { uncontested: Uncontested::Clearing, ..rule };
        let outcome = awarded(&offers, &rule);
        let limited = |rejection: &&Rejection| matches!(rejection.reason, Reason::Limited(_));
        let limited: Vec<&Rejection> = outcome.rejections.iter().filter(limited).collect();
        if limited.is_empty() {
            return Ok(());
        }
        let rejection = limited[which.index(limited.len())];
        let Reason::Limited(breaches) = &rejection.reason else { unreachable!("it was looked for") };
        prop_assert!(!breaches.is_empty());
        let row = rejection.offer as usize;
        let lot = rule.lot.map_or(1, Quantity::millionths);
        let own = if rule.whole_offers { offers[row].quantity } else { offers[row].min_quantity }.millionths();
        let others: Vec<Offer<'_>> = (0..offers.len())
            .filter_map(|other| {
                let given = won(&outcome, other);
                let whole = if other != row { given } else if given > 0 { given + lot } else { own.max(lot) };
                (whole > 0).then(|| Offer { quantity: volume(whole), min_quantity: volume(whole), ..offers[other] })
            })
            .collect();
        let place = others.iter().position(|offer| offer.id == offers[row].id).expect("it is there");
        let with = |rule: &SupportRule| won(&awarded(&others, rule), place);
        let enough = relaxed(&rule, breaches, None).expect("limits alone");
        prop_assert_eq!(with(&enough), others[place].quantity.millionths());
        for less in 0..breaches.len() {
            prop_assert_eq!(with(&relaxed(&rule, breaches, Some(less)).expect("limits alone")), 0);
        }
    }

    /// What is paid, from the awards.
    /// Rules: R-AUC-078.
    #[test]
    fn winners_are_paid_their_bids_or_no_less((rule, offers) in world(ALL, 20)) {
        let outcome = awarded(&offers, &rule);
        let periods = rule.periods.map_or(1, |periods| i128::from(periods.get()));
        let mut cost = 0_i128;
        for award in &outcome.awards {
            let own = offers[award.offer as usize].price;
            match rule.payment {
                Payment::OwnPrice => prop_assert_eq!(award.price, own),
                Payment::OnePrice => prop_assert!(award.price >= own),
            }
            prop_assert!(rule.ceiling.is_none_or(|ceiling| award.price <= ceiling));
            cost += i128::from(award.price.millionths()) * i128::from(award.quantity.millionths()) * periods;
        }
        // Rounded up once.
        let told = i128::from(outcome.totals.cost.millionths()) * 1_000_000;
        prop_assert!(told >= cost && told - cost < 1_000_000);
    }

    /// The order of the rows decides ties alone, and here there are none.
    #[test]
    fn the_order_of_rows_changes_nothing((rule, offers) in world(ALL, 20), seed in any::<u64>()) {
        let mut places: Vec<usize> = (0..offers.len()).collect();
        places.sort_by_key(|place| (*place as u64 + 1).wrapping_mul(seed | 1));
        let offers: Vec<Offer<'_>> =
            (0_i64..).zip(&offers).map(|(received, offer)| Offer { received, ..*offer }).collect();
        let shuffled: Vec<Offer<'_>> = places.iter().map(|place| offers[*place]).collect();
        let (one, other) = (awarded(&offers, &rule), awarded(&shuffled, &rule));
        let row = |row: &mut u32| *row = u32::try_from(places[*row as usize]).expect("few");
        let mut other = other;
        other.awards.iter_mut().for_each(|award| row(&mut award.offer));
        other.awards.sort_by_key(|award| (award.offer, award.minimum.is_none(), award.minimum));
        for rejection in &mut other.rejections {
            row(&mut rejection.offer);
            if let Reason::Stopped { by, .. } | Reason::YearClosed { by } | Reason::Excluded { by } = &mut rejection.reason {
                row(by);
            }
        }
        // Those above their ceilings are told in the order of the rows.
        let is_above = |rejection: &Rejection| matches!(rejection.reason, Reason::AboveCeiling { .. });
        other.rejections.sort_by_key(|rejection| (is_above(rejection), if is_above(rejection) { rejection.offer } else { 0 }));
        prop_assert_eq!(one, other);
    }

    /// At the ends of what numbers can hold, an auction is refused or right.
    #[test]
    fn the_largest_numbers_are_refused_or_right(
        (rule, offers) in world(ALL, 6), large in prop::collection::vec((0_usize..8, any::<prop::sample::Index>()), 1..4),
        number in prop::sample::select(vec![i64::MAX, i64::MAX - 7, i64::MIN, i64::MIN + 7, i64::MAX / 2, i64::MAX / 1_000_000, 1 << 40]),
    ) {
        let (mut rule, mut offers) = (rule, offers);
        let positive = volume(number.saturating_abs());
        for (what, which) in large {
            let offer = (!offers.is_empty()).then(|| which.index(offers.len()));
            match (what, offer) {
                (0, Some(offer)) => offers[offer].price = Price::from_millionths(number),
                (1, Some(offer)) => {
                    let lot = rule.lot.map_or(1, Quantity::millionths);
                    offers[offer].quantity = volume(positive.millionths() / lot * lot);
                }
                (2, Some(offer)) => offers[offer].quality = positive,
                (3, _) => rule.periods = NonZeroU32::new(u32::MAX),
                (4, _) => rule.ceiling = Some(Price::from_millionths(number)),
                (5, _) => rule.quality_rate = Some(Price::from_millionths(number)),
                (6, _) => {
                    let limit = which.index(rule.limits.len());
                    rule.limits[limit].most = match rule.limits[limit].most {
                        Most::Quantity(_) => Most::Quantity(positive),
                        Most::Money { .. } => Most::Money {
                            amount: Amount::from_millionths(positive.millionths()).expect("not negative"),
                            reference_price: Price::from_millionths(number),
                        },
                    };
                }
                _ => {
                    for position in rule.origin_cap.iter_mut().flat_map(|cap| &mut cap.positions) {
                        position.quantity = positive;
                    }
                }
            }
        }
        if let Ok(outcome) = award(&offers, &rule, SEED) {
            prop_assert_eq!(check(&offers, &rule, SEED, &outcome), Ok(()));
            let declined: Vec<u32> = outcome.awards.iter().take(1).map(|award| award.offer).collect();
            let standing: Vec<Award> =
                outcome.awards.iter().filter(|award| !declined.contains(&award.offer)).copied().collect();
            prop_assert!(call_reserve(&offers, &rule, SEED, &standing, &declined).is_ok());
        }
    }
}

/// The offer that was wronged is named.
#[test]
fn a_fault_names_who_was_wronged() {
    let rule = rule(
        "payment = \"own-price\"\nmisfit = \"skip\"\n[[limits]]\nname = \"volume\"\nmost = { quantity = \"10\" }",
    );
    let offers = [offer("a", "1", "6"), offer("b", "2", "6"), offer("c", "3", "6")];
    let right = checked(&offers, &rule);
    assert_eq!(told(&offers, &right), ["a 6 @ 1", "b 4 @ 2"]);
    let mut wrong = right.clone();
    // The last is given what was the first's.
    wrong.awards[0] =
        Award { offer: 1, quantity: "6".parse().expect("a quantity"), price: offers[1].price, minimum: None };
    wrong.awards[1] =
        Award { offer: 2, quantity: "4".parse().expect("a quantity"), price: offers[2].price, minimum: None };
    wrong.totals.cost = "24".parse().expect("an amount");
    let fault = check(&offers, &rule, None, &wrong).expect_err("the first is passed over");
    assert!(matches!(fault, Fault::PassedOver { offer: 0, .. }), "{fault}");
    let mut wrong = right.clone();
    wrong.awards[1].quantity = "5".parse().expect("a quantity");
    wrong.totals =
        Totals { quantity: "11".parse().expect("a quantity"), cost: "16".parse().expect("an amount") };
    let constraint = Constraint::Limit(0);
    assert_eq!(check(&offers, &rule, None, &wrong), Err(Fault::Exceeded { offer: 1, constraint }));
    let mut wrong = right;
    wrong.totals.cost = "15".parse().expect("an amount");
    assert_eq!(check(&offers, &rule, None, &wrong), Err(Fault::WrongNumber { which: Number::Totals }));
}
