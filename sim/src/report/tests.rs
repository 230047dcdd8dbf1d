//! The report of a made-up day, of days on which nothing happened, and of arbitrary ones.

use proptest::prelude::*;

use super::*;
use crate::prices::{Mass, Series};

fn dollars(units: i64) -> Price {
    Price::from_units(units).expect("small")
}

fn tonnes(units: u32) -> Quantity {
    Quantity::from_units(units).expect("small")
}

fn usd(millionths: i64) -> Money {
    Money { currency: Currency::Usd, millionths }
}

fn bids(pairs: &[(i64, u32)]) -> Vec<(Price, Quantity)> {
    pairs.iter().map(|&(price, quantity)| (dollars(price), tonnes(quantity))).collect()
}

/// What a tonne is paid for a month.
fn difference(strike: Price, reference: Price) -> i64 {
    (strike.millionths() - reference.millionths()).max(0)
}

/// A day as it may well be: 300 t a month at a strike of 95,200, on the real prices of 2019 to 2025.
fn sample() -> DayReport {
    let strike = dollars(95_200);
    let series = Series::lithium_metal();
    let month = |text: &str| text.parse::<Month>().expect("a month");
    let contract = series.range(month("2019-01"), month("2025-09")).expect("in the series");
    let paid_a_tonne: i64 = contract.iter().map(|&(_, price)| difference(strike, price)).sum();
    let price = dollars(117_350);
    let award =
        |name: &str, role: &str, country: &str, per_period: u32, deal: Deal, quantity: u32| AwardRow {
            participant: name.to_owned(),
            role: role.to_owned(),
            country: country.to_owned(),
            support: (per_period > 0).then(|| SupportAward { per_period: tonnes(per_period), strike }),
            call: (quantity > 0).then(|| CallAward { deal, quantity: tonnes(quantity), price }),
            difference_payments: usd(paid_a_tonne * i64::from(per_period)),
        };
    let refusal = |participant: &str, tried: &str, reason: &str, code: &str| RefusalRow {
        participant: participant.to_owned(),
        tried: tried.to_owned(),
        reason: reason.to_owned(),
        code: code.to_owned(),
    };
    let paid = usd(paid_a_tonne * 300);
    DayReport {
        title: "A market day for lithium".to_owned(),
        introduction: "A support auction for a price floor, a call auction, and the floor's settlement \
                       month by month: what an exchange of critical raw materials would do."
            .to_owned(),
        seed: 42,
        market: "Lithium metal, battery grade".to_owned(),
        unit: "t".to_owned(),
        currency: Currency::Usd,
        support: AuctionReport {
            name: "Support auction, 12 to 16 November 2018".to_owned(),
            unit: "t a month".to_owned(),
            supply: bids(&[
                (78_400, 55),
                (83_100, 40),
                (88_750, 90),
                (92_300, 70),
                (95_200, 65),
                (103_900, 120),
                (111_600, 140),
            ]),
            demand: bids(&[(105_000, 300)]),
            price: Some(strike),
            volume: tonnes(300),
            offered: tonnes(320),
            wanted: tonnes(300),
            decided_by: Some("most volume".to_owned()),
        },
        call: AuctionReport {
            name: "Call auction, 3 December 2018".to_owned(),
            unit: "t".to_owned(),
            supply: bids(&[
                (108_200, 30),
                (111_450, 25),
                (112_900, 40),
                (113_600, 35),
                (114_850, 20),
                (115_700, 45),
                (116_300, 30),
                (117_350, 60),
                (118_100, 25),
                (119_000, 50),
                (120_650, 40),
                (121_900, 35),
                (123_400, 60),
                (124_800, 45),
            ]),
            demand: bids(&[
                (126_500, 40),
                (124_100, 35),
                (122_700, 30),
                (121_800, 45),
                (120_300, 25),
                (119_200, 50),
                (118_350, 20),
                (117_400, 30),
                (115_900, 55),
                (114_200, 40),
                (112_600, 35),
                (110_900, 60),
            ]),
            price: Some(price),
            volume: tonnes(275),
            offered: tonnes(285),
            wanted: tonnes(275),
            decided_by: Some("least surplus".to_owned()),
        },
        settlement: contract
            .iter()
            .map(|&(month, reference_price)| MonthReport {
                month,
                reference_price,
                payment: usd(difference(strike, reference_price) * 300),
            })
            .collect(),
        awards: vec![
            award("Alentejo Minerals", "supplier", "PT", 90, Deal::Sold, 65),
            award("Krušné Hory Refining", "supplier", "CZ", 70, Deal::Sold, 55),
            award("Salar del Norte", "supplier", "CL", 55, Deal::Sold, 70),
            award("Pohjola Lithium", "supplier", "FI", 45, Deal::Sold, 20),
            award("Massif Lithium", "supplier", "FR", 40, Deal::Sold, 0),
            award("Erzgebirge Metals", "supplier", "DE", 0, Deal::Sold, 0),
            award("Gan River Metals", "supplier", "CN", 0, Deal::Sold, 65),
            award("Nordic Cells", "buyer", "SE", 0, Deal::Bought, 90),
            award("Rhein Batterie", "buyer", "DE", 0, Deal::Bought, 75),
            award("Vistula Cathodes", "buyer", "PL", 0, Deal::Bought, 55),
            award("Ebro Motors", "buyer", "ES", 0, Deal::Bought, 35),
            award("Po Valley Alloys", "buyer", "IT", 0, Deal::Bought, 20),
        ],
        refusals: vec![
            refusal(
                "Gan River Metals",
                "support auction: sell 60 t at 71,300 USD/t",
                "the floor does not support this origin",
                "OriginNotEligible",
            ),
            refusal(
                "Ebro Motors",
                "call auction: buy 25 t at 119,540 USD/t",
                "the auction takes no bids any more",
                "TooLate",
            ),
            refusal(
                "Erzgebirge Metals",
                "support auction: sell 30 t at 98,003.50 USD/t",
                "the price is not a multiple of the tick",
                "PriceOffTick",
            ),
        ],
        programme: ProgrammeReport {
            funded: usd(450_000_000_000_000),
            paid,
            reserved: usd(0),
            free: usd(450_000_000_000_000 - paid.millionths),
        },
        round: None,
        limit: Vec::new(),
        state_digest: "9f2c61d04b7be0a83c55f0a1d2e4937f6b08c1d5e7a94f3020b6c8d1e2f3a4b5".to_owned(),
        chain_digest: "17a0c3e5f7092b4d6f8190a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e6".to_owned(),
        price_source: "International Monetary Fund, Primary Commodity Price System: lithium metal, at least \
                       99 %, battery grade"
            .to_owned(),
    }
}

/// A day on which nobody bid and nothing was settled.
fn empty() -> DayReport {
    let nothing = |name: &str| AuctionReport {
        name: name.to_owned(),
        unit: "t".to_owned(),
        supply: Vec::new(),
        demand: Vec::new(),
        price: None,
        volume: Quantity::ZERO,
        offered: Quantity::ZERO,
        wanted: Quantity::ZERO,
        decided_by: None,
    };
    let zero = usd(0);
    DayReport {
        support: nothing("Support auction"),
        call: nothing("Call auction"),
        settlement: Vec::new(),
        awards: Vec::new(),
        refusals: Vec::new(),
        programme: ProgrammeReport { funded: zero, paid: zero, reserved: zero, free: zero },
        ..sample()
    }
}

fn charts(day: &DayReport, width: u16) -> [String; 4] {
    let (currency, unit) = (day.currency, &day.unit);
    [
        supply_and_demand_svg(&day.support, &day.price_unit(), width),
        supply_and_demand_svg(&day.call, &day.price_unit(), width),
        payments_svg(&day.settlement, day.support.price, currency, unit, &day.price_source, width),
        who_got_what_svg(&day.awards, currency, unit, width),
    ]
}

/// Whether every tag is closed in its order, every attribute quoted and every coordinate a number.
fn check_markup(text: &str) -> Result<(), String> {
    let mut open: Vec<&str> = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('<') {
        if before.contains('>') && !matches!(open.last(), Some(&"style")) {
            return Err(format!("'>' in text: {before}"));
        }
        let (tag, following) = after.split_once('>').ok_or("a tag without end")?;
        rest = following;
        if tag.matches('"').count() % 2 == 1 {
            return Err(format!("a quote is left open in <{tag}>"));
        }
        let name = tag.split([' ', '/', '\n']).find(|part| !part.is_empty()).unwrap_or_default();
        let is_shape = matches!(name, "path" | "rect" | "line" | "circle" | "text");
        if is_shape && (tag.contains("NaN") || tag.contains("inf")) {
            return Err(format!("a coordinate is no number in <{tag}>"));
        }
        if tag.starts_with('/') {
            if open.pop() != Some(name) {
                return Err(format!("</{name}> closes what was not open"));
            }
        } else if !tag.ends_with('/') && !matches!(name, "meta" | "!doctype") {
            open.push(name);
        }
    }
    if !open.is_empty() {
        return Err(format!("left open: {open:?}"));
    }
    Ok(())
}

#[test]
fn the_same_input_makes_the_same_bytes() {
    assert_eq!(html(&sample()), html(&sample()));
}

#[test]
fn page_and_charts_are_well_formed() {
    for day in [sample(), empty()] {
        assert_eq!(check_markup(&html(&day)), Ok(()));
        for width in [0, 362, 499, 1_030] {
            for chart in charts(&day, width) {
                assert_eq!(check_markup(&chart), Ok(()));
                assert!(
                    chart.starts_with("<svg ") && chart.contains("<title>") && chart.contains("aria-label=")
                );
            }
        }
    }
    assert!(check_markup("<svg><g></svg>").is_err() && check_markup("<svg a=\"></svg>").is_err());
}

#[test]
fn figures_are_exact_and_grouped() {
    let page = html(&sample());
    for shown in [
        "<dd class=\"figure\">95,200 <small>USD/t</small></dd><dd class=\"more\">for 300 t a month</dd>",
        "<dd class=\"figure\">117,350 <small>USD/t</small></dd><dd class=\"more\">for 275 t</dd>",
        "<dd class=\"figure\">31 <small>of 81</small></dd><dd class=\"more\">2019-01 to 2025-09</dd>",
        "<th scope=\"row\">2022-04</th><td class=\"number\">490,008.18</td><td class=\"number\">0.00</td>",
        // (95,200 − 92,297.52) × 300
        "<th scope=\"row\">2019-08</th><td class=\"number\">92,297.52</td><td class=\"number\">870,744.00</td>",
        "<code>OriginNotEligible</code>",
    ] {
        assert!(page.contains(shown), "{shown}");
    }
}

#[test]
fn nothing_is_loaded_from_elsewhere() {
    let page = html(&sample());
    let namespace = "xmlns=\"http://www.w3.org/2000/svg\"";
    let without = page.replace(namespace, "");
    for forbidden in ["http", "<script", "<link", "<img", "@import", "src=", "href="] {
        assert!(!without.contains(forbidden), "{forbidden}");
    }
    // What is referred to by id is defined, and once.
    for part in without.split("url(#").skip(1) {
        let id = part.split(')').next().expect("an id");
        assert_eq!(without.matches(&format!("id=\"{id}\"")).count(), 1, "{id}");
    }
}

#[test]
fn text_from_outside_is_escaped() {
    let evil = "<script>alert('1')</script>\" onload=\"";
    let mut day = sample();
    for text in [&mut day.title, &mut day.introduction, &mut day.market, &mut day.unit, &mut day.price_source]
    {
        evil.clone_into(text);
    }
    for text in [&mut day.state_digest, &mut day.chain_digest, &mut day.call.name, &mut day.call.unit] {
        evil.clone_into(text);
    }
    day.call.decided_by = Some(evil.to_owned());
    let (award, refusal) = (&mut day.awards[0], &mut day.refusals[0]);
    for text in [&mut award.participant, &mut award.role, &mut award.country] {
        evil.clone_into(text);
    }
    for text in [&mut refusal.participant, &mut refusal.tried, &mut refusal.reason, &mut refusal.code] {
        evil.clone_into(text);
    }
    let page = html(&day);
    assert_eq!(check_markup(&page), Ok(()));
    assert!(!page.contains("<script") && !page.contains("onload=\""));
    assert!(page.contains("&lt;script&gt;"));
}

#[test]
fn a_day_on_which_nothing_happened_says_so() {
    let page = html(&empty());
    for said in
        ["Nothing traded", "No month was settled", "Nobody was given anything", "Nothing was refused."]
    {
        assert!(page.contains(said), "{said}");
    }
}

fn any_price() -> impl Strategy<Value = Price> {
    prop_oneof![
        (0_i64..1_000_000).prop_map(dollars),
        any::<i64>().prop_map(Price::from_millionths),
        Just(Price::ZERO)
    ]
}

fn any_quantity() -> impl Strategy<Value = Quantity> {
    prop_oneof![
        (0_u32..1_000).prop_map(tonnes),
        (0..=i64::MAX).prop_map(|q| Quantity::from_millionths(q).expect("positive"))
    ]
}

fn any_auction() -> impl Strategy<Value = AuctionReport> {
    let book = || prop::collection::vec((any_price(), any_quantity()), 0..20);
    (book(), book(), prop::option::of(any_price()), any_quantity()).prop_map(
        |(supply, demand, price, volume)| AuctionReport { supply, demand, price, volume, ..sample().call },
    )
}

fn any_settlement() -> impl Strategy<Value = Vec<MonthReport>> {
    let months = prop_oneof![2_019_i32..2_026, 1_i32..=9_999];
    let month = (months, 1_u8..=12, any_price(), prop_oneof![Just(0), any::<i64>()]).prop_map(
        |(year, month, reference_price, payment)| MonthReport {
            month: Month::new(year, month).expect("in range"),
            reference_price,
            payment: usd(payment),
        },
    );
    prop::collection::vec(month, 0..40).prop_map(|mut months| {
        months.sort_by_key(|month| month.month);
        months
    })
}

fn any_award() -> impl Strategy<Value = AwardRow> {
    let support = prop::option::of((any_quantity(), any_price()));
    let call = prop::option::of((any::<bool>(), any_quantity(), any_price()));
    (".{0,40}", ".{0,12}", support, call, any::<i64>()).prop_map(|(name, role, support, call, paid)| {
        AwardRow {
            participant: name,
            role,
            country: "DE".to_owned(),
            support: support.map(|(per_period, strike)| SupportAward { per_period, strike }),
            call: call.map(|(bought, quantity, price)| CallAward {
                deal: if bought { Deal::Bought } else { Deal::Sold },
                quantity,
                price,
            }),
            difference_payments: usd(paid),
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the books, prices, months and names: a page that is well-formed.
    #[test]
    fn any_day_makes_a_page(
        support in any_auction(),
        call in any_auction(),
        settlement in any_settlement(),
        awards in prop::collection::vec(any_award(), 0..20),
    ) {
        let day = DayReport { support, call, settlement, awards, ..sample() };
        prop_assert_eq!(check_markup(&html(&day)), Ok(()));
    }
}

/// Payments of one sign that follow each other evenly are told as one sum, and those below zero under their bars.
#[test]
fn sums_are_told_by_sign() {
    let first = "2021-01".parse::<Month>().expect("a month");
    let months = std::iter::successors(Some(first), |month: &Month| month.next()).take(24).enumerate();
    let quarterly: Vec<MonthReport> = months
        .map(|(place, month)| MonthReport {
            month,
            reference_price: dollars(if place < 12 { 92 } else { 124 }),
            payment: usd(match (place % 3, place < 12) {
                (2, true) => 12_500_000_000_000,
                (2, false) => -3_000_000_000_000,
                _ => 0,
            }),
        })
        .collect();
    let svg = payments_svg(&quarterly, Some(dollars(110)), Currency::Usd, "kg", "nobody", 900);
    assert!(svg.contains(">50.00 million USD in 4 payments<"), "{svg}");
    assert!(svg.contains(">−12.00 million USD in 4 payments<"), "{svg}");
    let paid: Vec<MonthReport> = quarterly.into_iter().filter(|month| !month.payment.is_zero()).collect();
    // Where two payments are one month apart, months are counted.
    let near = [paid[0], MonthReport { month: paid[0].month.next().expect("a month"), ..paid[0] }];
    let svg = payments_svg(&near, None, Currency::Usd, "kg", "nobody", 900);
    assert!(svg.contains(">25.00 million USD in 2 months<"), "{svg}");
}

/// A gap in a series is a gap in its chart, and a year is a step of twelve months.
#[test]
fn a_series_is_drawn_as_it_is() {
    let series =
        |text: &str| Series::parse("own".to_owned(), Currency::Usd, Mass::Tonne, text).expect("read");
    let moves = |svg: &str| {
        let (_, curve) = svg.split_once("<path class=\"reference\" d=\"").expect("a curve");
        let (curve, _) = curve.split_once('"').expect("an end");
        (curve.matches('M').count(), curve.matches('H').count())
    };
    let gap = series_svg(&series("month,price\n2020-01,10\n2020-02,20\n2020-05,15\n"), 900);
    assert_eq!(moves(&gap), (2, 3));
    let years = series_svg(&series("year,price\n2020,10\n2021,20\n"), 900);
    assert_eq!(moves(&years), (1, 24));
    assert!(years.contains(">20 in 2021<") && years.contains("yearly averages, 2020 to 2021"), "{years}");
}
