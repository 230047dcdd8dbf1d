//! How long it takes to award support: each rule beside sorting the same offers' scores.
//!
//! `cargo bench -p golv-engine --bench support` prints the table of `docs/performance.md`. In each round every part is timed one after
//! another, so that a slow moment of the machine is slow for all.

#![expect(clippy::disallowed_types, reason = "the engine has no clock, and its bench measures it with one")]

use std::hint::black_box;
use std::time::{Duration, Instant as Clock};

use golv_engine::num::Quantity;
use golv_engine::support::{Offer, SupportRule, award};
use golv_engine::text::Country;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Delivery years of the stacked rule, technologies, and origins.
const YEARS: u16 = 4;
const TECHNOLOGIES: u16 = 4;
const ORIGINS: u8 = 20;

fn main() {
    // `cargo bench` says so; `cargo test` only wants to know that it works.
    let is_short = !std::env::args().any(|argument| argument == "--bench");
    let sizes: &[u32] = if is_short { &[100] } else { &[1_000, 10_000, 100_000] };
    let rounds = if is_short { 1 } else { 7 };
    println!("| offers | rule | awarded | sorting the scores, ms | award, ms | ns an offer |");
    println!("|--:|---|--:|--:|--:|--:|");
    for &size in sizes {
        for (name, rule) in rules(size) {
            row(size, name, &rule, rounds);
        }
    }
}

/// Half of what is offered fits, by each.
fn rules(size: u32) -> Vec<(&'static str, SupportRule)> {
    let volume = u64::from(size) * 25;
    let rule = |text: &str| toml::from_str(text).expect("a rule");
    let volume_limit = format!("[[limits]]\nname = 'volume'\nmost = {{ quantity = '{volume}' }}\n");
    let money =
        |share: u64| format!("money = {{ amount = '{}', reference-price = '50' }}", volume * 40 / share);
    let owner = format!(
        "[[limits]]\nname = 'one owner'\neach = 'owner-group'\nmost = {{ quantity = '{}' }}\n",
        volume / 50
    );
    let technologies: String = (0..TECHNOLOGIES)
        .map(|number| {
            format!(
                "[[technologies]]\nname = 't{number}'\nceiling = '{}'\npremium = '{number}'\n",
                140 + number
            )
        })
        .collect();
    let years: String = (0..YEARS)
        .map(|year| {
            format!(
                "[[limits]]\nname = 'year {year}'\nyears = {{ until = {year} }}\nmost = {{ {} }}\n",
                money(u64::from(5 - year))
            )
        })
        .collect();
    let maxima: String = (0..TECHNOLOGIES)
        .map(|number| {
            format!(
                "[[limits]]\nname = 'most of t{number}'\ntechnologies = ['t{number}']\nmost = {{ quantity = '{}' }}\n",
                volume / 3
            )
        })
        .collect();
    let positions: String = (0..ORIGINS)
        .map(|number| {
            let quantity = if number == 0 { volume / 2 } else { 100 };
            format!("[[origin-cap.positions]]\ncountry = '{}'\nquantity = '{quantity}'\n", country(number))
        })
        .collect();
    vec![
        ("a volume, one price", rule(&format!("payment = 'one-price'\nmisfit = 'skip'\n{volume_limit}"))),
        (
            "a budget and owners' caps, own prices",
            rule(&format!(
                "payment = 'own-price'\nmisfit = 'skip'\n[[limits]]\nname = 'budget'\nmost = {{ {} }}\n{owner}",
                money(1)
            )),
        ),
        (
            "stacked budget: 4 years × 4 technologies, whole offers",
            rule(&format!(
                "payment = 'one-price'\nmisfit = 'skip'\nwhole-offers = true\n{technologies}{years}{maxima}"
            )),
        ),
        (
            "a cap of 40 % by origin, 20 origins",
            rule(&format!(
                "payment = 'own-price'\nmisfit = 'skip'\n{volume_limit}[origin-cap]\nshare = '0.4'\n{positions}"
            )),
        ),
    ]
}

fn country(number: u8) -> Country {
    let letters = [b'A' + number / 26, b'A' + number % 26];
    letters.try_into().expect("two capital letters")
}

fn offers<'a>(size: u32, ids: &'a [String], rule: &SupportRule) -> Vec<Offer<'a>> {
    let mut random = ChaCha8Rng::seed_from_u64(u64::from(size));
    let mut one_of = |count: u32| random.next_u32() % count;
    ids.iter()
        .zip(0_i64..)
        .map(|(id, received)| {
            let quantity = Quantity::from_units(1 + one_of(99)).expect("fits");
            Offer {
                id: id.as_bytes(),
                price: format!("{}.{:02}", 60 + one_of(80), one_of(100)).parse().expect("a price"),
                quantity,
                min_quantity: Quantity::ZERO,
                received,
                owner_group: one_of(size / 10 + 1),
                // A third is from one country.
                origin: Some(country(if one_of(3) == 0 {
                    0
                } else {
                    u8::try_from(one_of(20)).expect("few")
                })),
                technology: (!rule.technologies.is_empty())
                    .then(|| u16::try_from(one_of(u32::from(TECHNOLOGIES))).expect("few")),
                year: u16::try_from(one_of(u32::from(YEARS))).expect("few"),
                quality: Quantity::ZERO,
                unit: None,
            }
        })
        .collect()
}

fn row(size: u32, name: &str, rule: &SupportRule, rounds: u32) {
    let ids: Vec<String> = (0..size).map(|number| number.to_string()).collect();
    let offers = offers(size, &ids, rule);
    let (mut sorting, mut awarding) = (Duration::MAX, Duration::MAX);
    let mut awarded = 0;
    for _ in 0..rounds {
        let mut keys: Vec<(i64, u32)> =
            offers.iter().map(|offer| offer.price.millionths()).zip(0..).collect();
        let begun = Clock::now();
        keys.sort_unstable();
        sorting = sorting.min(begun.elapsed());
        black_box(keys);
        let begun = Clock::now();
        let outcome = award(&offers, rule, None).expect("it can be held");
        awarding = awarding.min(begun.elapsed());
        awarded = black_box(outcome).awards.len();
    }
    assert!(awarded > 0 && awarded < offers.len(), "{name}: some win and some lose");
    let milliseconds = |time: Duration| time.as_secs_f64() * 1e3;
    println!(
        "| {size} | {name} | {awarded} | {:.2} | {:.2} | {:.0} |",
        milliseconds(sorting),
        milliseconds(awarding),
        awarding.as_secs_f64() * 1e9 / f64::from(size)
    );
}
