//! How long it takes to award support: everything from a list of offers to prices and reasons, beside sorting the same offers' scores.
//!
//! `cargo bench -p golv-engine --bench support [-- --most OFFERS]` prints the table of `docs/performance.md`. In each round the parts
//! of a row are timed one after another, so that a slow moment of the machine is slow for all. What is sorted is the least that
//! an auction by merit order would sort: the score and the place, 128 bits.

#![expect(clippy::disallowed_types, reason = "the engine has no clock, and its bench measures it with one")]

use std::hint::black_box;
use std::time::{Duration, Instant as Clock};

use golv_engine::num::{Price, Quantity};
use golv_engine::support::{Each, Limit, Most, Offer, Outcome, SupportRule, Years, award, check};
use golv_engine::text::Country;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Prices are whole units below this.
const PRICES: u32 = 1_000_000;
/// Largest volume of an offer.
const VOLUME_MAX: u32 = 100;
const TECHNOLOGIES: u16 = 4;
const YEARS: u16 = 4;
const COUNTRIES: u32 = 20;
const SEED: &[u8] = b"a seed";

/// What is measured, by its name in the table.
type NamedRule = (&'static str, fn(u32) -> SupportRule);

const RULES: [NamedRule; 5] = [
    ("volume", volume),
    ("pay-as-bid: budget, cap for each owner, skip", budget),
    ("pay-as-clear: four technologies, four years, own budgets", stacked),
    ("the same with points of quality, all different", stacked_with_quality),
    ("a budget, and a cap by origin of twenty countries", origins),
];

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    // `cargo bench` says so; `cargo test` only wants to know that it works.
    let is_short = !arguments.iter().any(|argument| argument == "--bench");
    let most = arguments.iter().position(|argument| argument == "--most").map(|at| {
        let most = arguments.get(at + 1).expect("--most OFFERS");
        most.parse::<u32>().expect("a number of offers")
    });
    let sizes: &[u32] = if is_short { &[1_000] } else { &[1_000, 10_000, 100_000] };
    println!(
        "| auction | offers | awards | sorting, ms | awarding, ms | ns an offer | awarding ÷ sorting | checking, ms |"
    );
    println!("|---|--:|--:|--:|--:|--:|--:|--:|");
    for (name, rule) in RULES {
        for &size in sizes.iter().filter(|size| most.is_none_or(|most| **size <= most)) {
            row(name, &rule(size), size, name.contains("quality"), is_short);
        }
    }
}

fn row(name: &str, rule: &SupportRule, size: u32, has_quality: bool, is_short: bool) {
    let ids: Vec<String> = (0..size).map(|number| format!("offer {number}")).collect();
    let offers = offers(rule, &ids, has_quality);
    let keys: Vec<(i64, u64)> =
        (0_u64..).zip(&offers).map(|(place, offer)| (offer.price.millionths(), place)).collect();
    let [mut sorting, mut awarding, mut ratio] = <[Vec<_>; 3]>::default();
    let rounds = if is_short { 1 } else { (2_000_000 / size as usize).clamp(7, 101) };
    let mut last: Option<Outcome> = None;
    for _ in 0..rounds {
        let mut keys = keys.clone();
        let (sorted, ()) = timed(|| keys.sort_unstable());
        let (awarded, outcome) = timed(|| award(&offers, rule, Some(SEED)).expect("an auction"));
        sorting.push(sorted);
        awarding.push(awarded);
        ratio.push(Duration::from_secs_f64(awarded.as_secs_f64() / sorted.as_secs_f64()));
        last = Some(outcome);
    }
    let outcome = last.expect("at least one round");
    let (checking, verdict) = timed(|| check::check(&offers, rule, Some(SEED), &outcome));
    assert_eq!(verdict, Ok(()));
    // What was measured met its limits.
    assert!(!outcome.awards.is_empty() && !outcome.rejections.is_empty());
    let awarding = median(awarding);
    println!(
        "| {name} | {size} | {} | {:.3} | {:.3} | {:.0} | {:.1} | {:.3} |",
        outcome.awards.len(),
        median(sorting) * 1e3,
        awarding * 1e3,
        awarding * 1e9 / f64::from(size),
        median(ratio),
        checking.as_secs_f64() * 1e3,
    );
}

fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let begin = Clock::now();
    let done = black_box(work());
    (begin.elapsed(), done)
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64()
}

fn quantity(units: u32) -> Quantity {
    Quantity::from_units(units).expect("fits")
}

fn limit(name: &str, most: Most) -> Limit {
    let name = name.parse().expect("a name");
    Limit { name, each: Each::All, technologies: Vec::new(), years: None, most }
}

fn money(amount: u64) -> Most {
    Most::Money { amount: amount.to_string().parse().expect("an amount"), reference_price: Price::ZERO }
}

/// A rule of the presets, stripped of what they limit.
fn rule(text: &str, limits: Vec<Limit>) -> SupportRule {
    let preset: SupportRule = toml::from_str(text).expect("a rule");
    SupportRule { ceiling: None, whole_offers: false, limits, minima: Vec::new(), ..preset }
}

fn own_price(limits: Vec<Limit>) -> SupportRule {
    let rule = rule(include_str!("../rules/support/european-hydrogen-bank.toml"), limits);
    SupportRule { misfit: golv_engine::support::Misfit::Skip, ..rule }
}

/// Half of what is offered: about half of the offers.
fn volume(size: u32) -> SupportRule {
    own_price(vec![limit("volume", Most::Quantity(quantity(size * VOLUME_MAX / 4)))])
}

/// About a tenth of what all ask, and no owner more than a few of its offers.
fn budget(size: u32) -> SupportRule {
    let budget = limit("budget", money(u64::from(size) * u64::from(VOLUME_MAX) * u64::from(PRICES) / 40));
    let owner = limit("owner", Most::Quantity(quantity(VOLUME_MAX * 2)));
    own_price(vec![budget, Limit { each: Each::OwnerGroup, ..owner }])
}

/// For each technology and year a budget, and one for all years of each technology.
fn stacked(size: u32) -> SupportRule {
    let preset = rule(include_str!("../rules/support/stacked-budget.toml"), Vec::new());
    let share = u64::from(size) * u64::from(VOLUME_MAX) * u64::from(PRICES) / 4 / u64::from(TECHNOLOGIES);
    let mut limits = Vec::new();
    for technology in &preset.technologies {
        for year in 0..YEARS {
            let name = format!("{}, {year}", technology.name);
            let technologies = vec![technology.name.clone()];
            let years = Some(Years::In(year));
            limits.push(Limit { technologies, years, ..limit(&name, money(share / 3)) });
        }
        let technologies = vec![technology.name.clone()];
        limits.push(Limit { technologies, ..limit(technology.name.as_str(), money(share)) });
    }
    let mut rule = SupportRule { limits, misfit: golv_engine::support::Misfit::Skip, ..preset };
    for technology in &mut rule.technologies {
        technology.pot = None;
        technology.ceiling = Price::from_units(i64::from(PRICES) * 9 / 10);
    }
    rule
}

fn stacked_with_quality(size: u32) -> SupportRule {
    SupportRule { quality_rate: Price::from_units(1), ..stacked(size) }
}

fn origins(size: u32) -> SupportRule {
    let text = "payment = \"own-price\"\nmisfit = \"skip\"\n[origin-cap]\nshare = \"0.12\"\n";
    let budget = limit("budget", money(u64::from(size) * u64::from(VOLUME_MAX) * u64::from(PRICES) / 40));
    SupportRule { lot: Some(quantity(1)), ..rule(text, vec![budget]) }
}

fn offers<'a>(rule: &SupportRule, ids: &'a [String], has_quality: bool) -> Vec<Offer<'a>> {
    let mut random = ChaCha8Rng::seed_from_u64(ids.len() as u64);
    let mut below =
        |bound: u32| u32::try_from((u64::from(random.next_u32()) * u64::from(bound)) >> 32).expect("below");
    let owners = u32::try_from(ids.len()).expect("few") / 10;
    ids.iter()
        .map(|id| {
            let volume = quantity(below(VOLUME_MAX) + 1);
            // Offers from some countries are many times as many as from others.
            let country = below(COUNTRIES).min(below(COUNTRIES)).min(below(COUNTRIES));
            let letters = [b'A', b'A' + u8::try_from(country).expect("few")];
            Offer {
                id: id.as_bytes(),
                price: Price::from_units(i64::from(below(PRICES))).expect("fits"),
                quantity: volume,
                min_quantity: if below(4) == 0 { volume } else { Quantity::ZERO },
                received: 0,
                owner_group: below(owners.max(1)),
                origin: Some(Country::try_from(letters).expect("letters")),
                technology: (!rule.technologies.is_empty())
                    .then(|| u16::try_from(below(u32::from(TECHNOLOGIES))).expect("few")),
                year: u16::try_from(below(u32::from(YEARS))).expect("few"),
                quality: if has_quality { quantity(below(PRICES)) } else { Quantity::ZERO },
                unit: None,
            }
        })
        .collect()
}
