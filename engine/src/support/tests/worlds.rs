//! Small worlds: every part of a rule, and offers that meet its limits often.

use proptest::prelude::*;

use super::*;
use crate::num::Share;

pub(super) const COUNTRIES: [&str; 3] = ["CL", "CN", "FI"];

/// What a world has, beside what every one has.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parts {
    pub(super) minima: bool,
    pub(super) origins: bool,
    pub(super) competition: bool,
    pub(super) technologies: bool,
}

pub(super) const ALL: Parts = Parts { minima: true, origins: true, competition: true, technologies: true };

/// Without what lets somebody win more by asking more.
pub(super) const MONOTONE: Parts =
    Parts { minima: false, origins: false, competition: false, technologies: true };

/// A price of so many thousandths.
pub(super) fn price(thousandths: i64) -> Price {
    Price::from_millionths(thousandths * 1_000)
}

/// So many millionths.
pub(super) fn volume(millionths: i64) -> Quantity {
    Quantity::from_millionths(millionths).expect("not negative")
}

pub(super) fn fraction(text: &str) -> Share {
    text.parse().expect("a fraction")
}

fn name(text: &str) -> Name {
    text.parse().expect("a name")
}

pub(super) fn country(number: usize) -> Country {
    COUNTRIES[number].parse().expect("a country")
}

/// Prices of some units, seldom with a part of one that makes money fall between two millionths.
fn prices() -> impl Strategy<Value = Price> {
    (1_i64..9, prop_oneof![4 => Just(0), 1 => 0_i64..1000])
        .prop_map(|(units, part)| price(units * 1_000 + part))
}

fn technologies() -> impl Strategy<Value = Vec<Technology>> {
    let pot = prop::option::of(prop::sample::select(vec!["a", "b"]));
    let one = (pot, prop::option::of(prices()), prop::option::of(-2_i64..3));
    prop::collection::vec(one, 1..4).prop_map(|all| {
        let named = |(number, (pot, ceiling, premium)): (usize, (Option<&str>, _, Option<i64>))| Technology {
            name: name(&format!("technology {number}")),
            pot: pot.map(name),
            ceiling,
            premium: premium.map(|units| price(units * 1_000)),
        };
        all.into_iter().enumerate().map(named).collect()
    })
}

fn most() -> impl Strategy<Value = Most> {
    prop_oneof![
        (0_i64..26).prop_map(|most| Most::Quantity(volume(most))),
        (0_i64..120, -1_i64..4).prop_map(|(amount, reference)| Most::Money {
            amount: Amount::from_millionths(amount).expect("not negative"),
            reference_price: price(reference * 1_000),
        }),
    ]
}

fn years() -> impl Strategy<Value = Option<Years>> {
    prop_oneof![
        Just(None),
        (0_u16..3).prop_map(|year| Some(Years::In(year))),
        (0_u16..3).prop_map(|year| Some(Years::Until(year)))
    ]
}

/// A limit and, by bits, the technologies that it counts.
fn limits(least: usize, most_limits: usize) -> impl Strategy<Value = Vec<(Limit, u8)>> {
    let each = prop::sample::select(vec![Each::All, Each::All, Each::OwnerGroup, Each::Offer]);
    let one = (each, years(), most(), prop_oneof![Just(0_u8), 0_u8..8]);
    prop::collection::vec(one, least..=most_limits).prop_map(|all| {
        let named = |(number, (each, years, most, bits)): (usize, (Each, Option<Years>, Most, u8))| {
            (
                Limit { name: name(&format!("limit {number}")), each, technologies: Vec::new(), years, most },
                bits,
            )
        };
        all.into_iter().enumerate().map(named).collect()
    })
}

fn competition() -> impl Strategy<Value = Competition> {
    let part = prop::option::of(prop::sample::select(vec!["0.5", "0.8", "1"]));
    (part, prop::option::of(1_u32..4), any::<bool>()).prop_map(|(part, least, void_if_all_win)| Competition {
        most_of_offered: part.map(fraction),
        least_owner_groups: least.and_then(NonZeroU32::new),
        void_if_all_win,
    })
}

fn origin_cap() -> impl Strategy<Value = OriginCap> {
    let share = prop::sample::select(vec!["0", "0.2", "0.333333", "0.5", "0.65", "1"]);
    (share, [0_i64..9, 0_i64..9, 0_i64..9], prop::option::of(0_usize..3)).prop_map(
        |(share, positions, exempt)| OriginCap {
            share: fraction(share),
            positions: (0..3)
                .filter(|number| positions[*number] > 3 && exempt != Some(*number))
                .map(|number| Position { country: country(number), quantity: volume(positions[number]) })
                .collect(),
            exempt: exempt.map(country).into_iter().collect(),
        },
    )
}

/// A rule that makes sense.
pub(super) fn any_rule(parts: Parts) -> impl Strategy<Value = SupportRule> {
    let shape = (
        any::<bool>(),
        prop::sample::select(vec![Misfit::Stop, Misfit::Skip, Misfit::CloseYear]),
        any::<bool>(),
        prop::sample::select(vec![false, false, true]),
        any::<bool>(),
        prop::option::of(prices()),
        prop::option::of(1_i64..3),
        prop::option::of(1_u32..4),
        prop::option::of(-1_i64..3),
    );
    let lists = (
        prop::option::of(technologies()),
        limits(1, 4),
        limits(0, 2),
        prop::option::of(competition()),
        prop::option::of(origin_cap()),
    );
    (shape, lists).prop_map(move |(shape, (technologies, limits, minima, competition, origin_cap))| {
        let (is_one_price, misfit, is_drawn, whole_offers, is_ceiling, ceiling, lot, periods, rate) = shape;
        let technologies = technologies.filter(|_| parts.technologies).unwrap_or_default();
        let has_ceiling = ceiling.is_some();
        let payment = if is_one_price { Payment::OnePrice } else { Payment::OwnPrice };
        let named = |bits: u8, pot: Option<&Option<Name>>| -> Vec<Name> {
            let all = technologies.iter().enumerate();
            let counted = all.filter(|(number, technology)| {
                pot.map_or(bits >> number & 1 == 1, |pot| technology.pot == *pot)
            });
            counted.map(|(_, technology)| technology.name.clone()).collect()
        };
        let limit = |(number, (limit, bits)): (usize, (Limit, u8))| {
            let is_money = matches!(limit.most, Most::Money { .. });
            let is_for_all = number == 0 || (is_one_price && is_money);
            // The first counts every offer.
            Limit {
                each: if is_for_all { Each::All } else { limit.each },
                technologies: named(if number == 0 { 0 } else { bits }, None),
                years: limit.years.filter(|_| number > 0),
                ..limit
            }
        };
        let minimum = |(number, (limit, bits)): (usize, (Limit, u8))| {
            let pot = technologies.get(usize::from(bits) % technologies.len().max(1)).map(|one| &one.pot);
            Limit {
                name: name(&format!("minimum {number}")),
                each: Each::All,
                technologies: named(0, pot),
                ..limit
            }
        };
        let minima = if parts.minima { minima } else { Vec::new() };
        SupportRule {
            payment,
            misfit,
            ties: if is_drawn { Ties::SeededDraw } else { Ties::Earliest },
            whole_offers,
            uncontested: if is_ceiling && is_one_price && has_ceiling {
                Uncontested::Ceiling
            } else {
                Uncontested::Clearing
            },
            ceiling,
            lot: lot.map(volume),
            periods: periods.and_then(NonZeroU32::new),
            quality_rate: rate.map(|units| price(units * 1_000)),
            limits: limits.into_iter().enumerate().map(limit).collect(),
            minima: minima.into_iter().enumerate().map(minimum).collect(),
            technologies,
            competition: competition.filter(|_| parts.competition).unwrap_or_default(),
            origin_cap: origin_cap.filter(|_| parts.origins),
        }
    })
}

/// Offers that a rule takes.
pub(super) fn any_offers(
    rule: &SupportRule,
    most: usize,
) -> impl Strategy<Value = Vec<Offer<'static>>> + use<> {
    let lot = rule.lot.map_or(1, Quantity::millionths);
    let technologies = u16::try_from(rule.technologies.len()).expect("few");
    let one = (
        prices(),
        1_i64..9,
        prop_oneof![Just(0), Just(9), 0_i64..6],
        0_i64..3,
        0_u32..4,
        0_usize..3,
        0_u16..technologies.max(1),
        0_u16..3,
        prop::sample::select(vec![0_i64, 0, 1_000_000, 500_000]),
        prop_oneof![3 => Just(None), 2 => (0_u64..3).prop_map(Some)],
    );
    prop::collection::vec(one, 0..=most).prop_map(move |all| {
        let offer = |(number, one): (usize, _)| {
            let (price, quantity, least, received, owner_group, origin, technology, year, quality, unit) =
                one;
            let quantity: i64 = quantity;
            Offer {
                id: IDS[number].as_bytes(),
                price,
                quantity: volume(quantity * lot),
                min_quantity: volume(quantity.min(least) * lot),
                received,
                owner_group,
                origin: Some(country(origin)),
                technology: (technologies > 0).then_some(technology),
                year,
                quality: volume(quality),
                unit,
            }
        };
        all.into_iter().enumerate().map(offer).collect()
    })
}

const IDS: [&str; 40] = [
    "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p", "q", "r", "s", "t", "u",
    "v", "w", "x", "y", "z", "aa", "ab", "ac", "ad", "ae", "af", "ag", "ah", "ai", "aj", "ak", "al", "am",
    "an",
];

/// A rule and at most so many offers.
pub(super) fn world(parts: Parts, most: usize) -> impl Strategy<Value = (SupportRule, Vec<Offer<'static>>)> {
    any_rule(parts).prop_flat_map(move |rule| {
        let offers = any_offers(&rule, most);
        (Just(rule), offers)
    })
}
