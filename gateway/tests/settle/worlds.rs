//! Random worlds of contracts, prices and deliveries against a naive twin, each run by `golv settle`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use proptest::prelude::*;

use super::{Files, Line};

/// A world of a few contracts on two indices in two years.
#[derive(Clone, Debug)]
struct World {
    contracts: Vec<Terms>,
    prices: Vec<Told>,
    deliveries: Vec<Told>,
}

#[derive(Clone, Debug)]
struct Terms {
    kind: usize,
    /// In cents.
    strike: i64,
    above: i64,
    share: i64,
    annual_cap: Option<i64>,
    index: usize,
    calendar: usize,
    minimum: Option<i64>,
}

/// Something that was told of an index or contract: a price or a quantity in thousandths.
#[derive(Clone, Debug)]
struct Told {
    of: usize,
    day: (i32, u8, u8),
    revision: u32,
    thousandths: i64,
}

const KINDS: [&str; 4] = ["floor", "two-way", "collar", "floor-with-upside"];
const CALENDARS: [&str; 3] = ["daily", "monthly", "quarterly"];

prop_compose! {
    fn a_contract()(
        kind in 0..4_usize,
        strike in 0_i64..10_000,
        above in 0_i64..5_000,
        share in 1_i64..=100,
        annual_cap in prop::option::of(0_i64..200_000),
        index in 0..2_usize,
        calendar in 0..3_usize,
        minimum in prop::option::of(-2_000_i64..2_000),
    ) -> Terms {
        let above = strike + above;
        let annual_cap = annual_cap.filter(|_| kind > 0);
        Terms { kind, strike, above, share, annual_cap, index, calendar, minimum }
    }
}

/// Few days, so that they meet.
fn a_day() -> impl Strategy<Value = (i32, u8, u8)> {
    (2023_i32..2025, prop::sample::select(vec![1_u8, 2, 3, 4, 12]), prop::sample::select(vec![1_u8, 15, 28]))
}

prop_compose! {
    fn told(of: usize, lowest: i64, highest: i64)(
        of in 0..of,
        day in a_day(),
        revision in prop_oneof![3 => Just(1_u32), 1 => 2_u32..4],
        thousandths in prop_oneof![1 => Just(0), 6 => lowest..highest],
    ) -> Told {
        Told { of, day, revision, thousandths }
    }
}

/// Tells nothing twice.
fn distinct(mut all: Vec<Told>) -> Vec<Told> {
    let mut seen = BTreeSet::new();
    all.retain(|told| seen.insert((told.of, told.day, told.revision)));
    all
}

prop_compose! {
    fn a_world()(contracts in prop::collection::vec(a_contract(), 1..4))(
        prices in prop::collection::vec(told(2, -50_000, 200_000), 0..40),
        deliveries in prop::collection::vec(told(contracts.len(), 0, 5_000_000), 0..30),
        contracts in Just(contracts),
    ) -> World {
        // Every day has a first price, so that nothing is refused.
        let mut prices = prices;
        for of in 0..2 {
            for year in [2023, 2024] {
                for month in [1, 2, 3, 4, 12] {
                    for day in [1, 15, 28] {
                        let thousandths = i64::from(month) * 10_000 + i64::from(day) + (of as i64) * 33_333;
                        prices.push(Told { of, day: (year, month, day), revision: 1, thousandths });
                    }
                }
            }
        }
        World { contracts, prices: distinct(prices), deliveries: distinct(deliveries) }
    }
}

impl World {
    fn files(&self) -> Files {
        let cents = |cents: i64| {
            let sign = if cents < 0 { "-" } else { "" };
            format!("{sign}{}.{:02}", cents.abs() / 100, cents.abs() % 100)
        };
        let mut contracts = String::new();
        for (number, terms) in self.contracts.iter().enumerate() {
            let (mut cap, mut share, mut threshold) = <(String, String, String)>::default();
            match KINDS[terms.kind] {
                "collar" => cap = cents(terms.above),
                "floor-with-upside" => (share, threshold) = (cents(terms.share), cents(terms.above)),
                _ => {}
            }
            let annual_cap = terms.annual_cap.map_or_else(String::new, cents);
            let minimum = terms.minimum.map_or_else(String::new, cents);
            writeln!(
                contracts,
                "C{number},party {},{},{},{cap},{share},{threshold},{annual_cap},I{},,,{},{minimum},EUR",
                number % 2,
                KINDS[terms.kind],
                cents(terms.strike),
                terms.index,
                CALENDARS[terms.calendar]
            )
            .expect("text");
        }
        Files::new(&contracts, &rows_of('I', &self.prices), &rows_of('C', &self.deliveries))
    }

    /// What every run up to one comes to, by contract and first month and day of the period: amounts in cents.
    fn amounts(&self, run: u32) -> BTreeMap<(usize, String), i64> {
        let prices = visible(&self.prices, run);
        let deliveries = visible(&self.deliveries, run);
        let mut quantities = BTreeMap::<(usize, String), i64>::new();
        for ((contract, day), thousandths) in deliveries {
            let period = period(CALENDARS[self.contracts[contract].calendar], day);
            *quantities.entry((contract, period)).or_default() += thousandths;
        }
        let mut used = BTreeMap::<(usize, String), i64>::new();
        let mut amounts = BTreeMap::new();
        for ((contract, of_period), quantity) in quantities {
            let terms = &self.contracts[contract];
            let of_it = |day| period(CALENDARS[terms.calendar], day) == of_period;
            let observed: Vec<i64> = prices
                .iter()
                .filter(|((index, day), _)| *index == terms.index && of_it(*day))
                .map(|(_, price)| *price)
                .collect();
            let mut amount = 0;
            if quantity > 0 {
                // In millionths.
                let sum: i64 = observed.iter().map(|thousandths| thousandths * 1_000).sum();
                let average = half_even(sum.into(), observed.len() as i128);
                let reference =
                    terms.minimum.map_or(average, |least| average.max(i128::from(least) * 10_000));
                let strike = i128::from(terms.strike) * 10_000;
                // Millionths × thousandths × hundredths.
                let quantity = i128::from(quantity);
                let above = if terms.kind >= 2 { i128::from(terms.above) * 10_000 } else { strike };
                let share = if terms.kind == 3 { i128::from(terms.share) } else { 100 };
                let mut exact = 0;
                if reference < strike {
                    exact = (strike - reference) * quantity * 100;
                } else if reference > above && terms.kind > 0 {
                    let given = (reference - above) * quantity * share;
                    let year = used.entry((contract, of_period[..4].to_owned())).or_default();
                    let left = terms.annual_cap.map(|cap| i128::from(cap - *year) * 1_000_000_000);
                    let given = left.map_or(given, |left| given.min(left));
                    exact = -given;
                    *year += i64::try_from(half_even(given, 1_000_000_000)).expect("fits");
                }
                amount = i64::try_from(half_even(exact, 1_000_000_000)).expect("fits");
            }
            amounts.insert((contract, of_period), amount);
        }
        amounts
    }
}

fn rows_of(letter: char, all: &[Told]) -> String {
    let mut rows = String::new();
    for Told { of, day: (year, month, day), revision, thousandths } in all {
        let sign = if *thousandths < 0 { "-" } else { "" };
        let (whole, rest) = (thousandths.abs() / 1_000, thousandths.abs() % 1_000);
        writeln!(rows, "{letter}{of},{year}-{month:02}-{day:02},{sign}{whole}.{rest:03},{revision}")
            .expect("text");
    }
    rows
}

/// What a run sees: of each the highest revision up to its number.
fn visible(all: &[Told], run: u32) -> BTreeMap<(usize, (i32, u8, u8)), i64> {
    let mut seen = BTreeMap::new();
    let mut sorted: Vec<&Told> = all.iter().filter(|told| told.revision <= run).collect();
    sorted.sort_by_key(|told| told.revision);
    for told in sorted {
        seen.insert((told.of, told.day), told.thousandths);
    }
    seen
}

/// The first day of a period.
fn period(calendar: &str, (year, month, day): (i32, u8, u8)) -> String {
    match calendar {
        "daily" => format!("{year}-{month:02}-{day:02}"),
        "monthly" => format!("{year}-{month:02}-01"),
        _ => format!("{year}-{:02}-01", (month - 1) / 3 * 3 + 1),
    }
}

fn half_even(numerator: i128, denominator: i128) -> i128 {
    let (floor, twice) = (numerator.div_euclid(denominator), 2 * numerator.rem_euclid(denominator));
    floor + i128::from(twice > denominator || (twice == denominator && floor % 2 != 0))
}

/// By contract and first day of the period: amount and delta in cents.
fn by_period(lines: &[Line]) -> BTreeMap<(usize, String), (i64, i64)> {
    lines
        .iter()
        .map(|line| {
            let contract = line.text("contract")[1..].parse().expect("a number");
            let cents = |column| line.millionths(column) / 10_000;
            ((contract, line.text("period_start").to_owned()), (cents("amount"), cents("delta")))
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(60) })]

    /// Every run is what a naive twin makes of it, deltas sum to the last amount, a run that sees nothing new adds nothing, and
    /// the order of rows does not matter.
    /// Rules: R-CFD-030.
    #[test]
    fn runs_agree_with_a_naive_twin(world in a_world(), order in any::<u64>()) {
        let files = world.files();
        let mut summed = BTreeMap::<(usize, String), i64>::new();
        let mut last = BTreeMap::new();
        for run in 1..=4 {
            let lines = files.lines(&["--run", &run.to_string()]);
            let settled = by_period(&lines);
            let expected = world.amounts(run);
            let amounts: BTreeMap<_, _> = settled.iter().map(|(key, (amount, _))| (key.clone(), *amount)).collect();
            prop_assert_eq!(&amounts, &expected, "run {}", run);
            for (key, (amount, delta)) in &settled {
                *summed.entry(key.clone()).or_default() += delta;
                prop_assert_eq!(summed[key], *amount);
                prop_assert!(run < 4 || *delta == 0, "the fourth run sees nothing new");
            }
            last = settled;
        }
        // As of revision 2 the third run is the second again; so it is in files without the later revisions.
        let as_of = by_period(&files.lines(&["--run", "3", "--as-of", "2"]));
        let second = world.amounts(2);
        for (key, (amount, delta)) in &as_of {
            prop_assert_eq!((*amount, *delta), (second[key], 0));
        }
        let without = |all: &[Told]| all.iter().filter(|told| told.revision <= 2).cloned().collect::<Vec<_>>();
        let early = World { prices: without(&world.prices), deliveries: without(&world.deliveries), ..world.clone() };
        prop_assert_eq!(
            files.lines(&["--run", "2", "--as-of", "2"]),
            early.files().lines(&["--run", "2"])
        );
        let mut shuffled = world.clone();
        let turn = |all: &mut Vec<Told>| {
            let by = if all.is_empty() { 0 } else { (order % all.len() as u64) as usize };
            all.rotate_left(by);
            all.reverse();
        };
        turn(&mut shuffled.prices);
        turn(&mut shuffled.deliveries);
        prop_assert_eq!(by_period(&shuffled.files().lines(&["--run", "4"])), last);
    }

    /// A delivery told as two of other days of its period is paid the same, but for nothing at all: a line is rounded once, from the
    /// sum. Told under two contracts of the same terms it is rounded twice, and the remainders account for that.
    /// Rules: R-CFD-005.
    #[test]
    fn a_split_changes_rounding_alone(
        quantity in 0_i64..5_000_000,
        part in 0_i64..=1_000,
        price in -50_000_i64..200_000,
        terms in a_contract(),
    ) {
        let terms = Terms { annual_cap: None, calendar: 1, index: 0, ..terms };
        let day = (2024, 1, 15);
        let prices = vec![Told { of: 0, day, revision: 1, thousandths: price }];
        let delivery = |of, day, thousandths| Told { of, day, revision: 1, thousandths };
        let first = quantity * part / 1_000;
        let settle = |contracts: usize, deliveries: Vec<Told>| {
            let world = World { contracts: vec![terms.clone(); contracts], prices: prices.clone(), deliveries };
            let lines = world.files().lines(&[]);
            lines.iter().fold((0, 0), |(amount, remainder), line| {
                (amount + line.millionths("amount"), remainder + line.millionths("remainder"))
            })
        };
        let whole = settle(1, vec![delivery(0, day, quantity)]);
        let days = settle(1, vec![delivery(0, day, first), delivery(0, (2024, 1, 28), quantity - first)]);
        prop_assert_eq!(days, whole);
        let two = settle(2, vec![delivery(0, day, first), delivery(1, day, quantity - first)]);
        prop_assert!((two.0 - whole.0).abs() <= 10_000, "a cent at most");
        prop_assert!((two.0 + two.1 - whole.0 - whole.1).abs() <= 2, "a millionth for each that was rounded");
    }
}
