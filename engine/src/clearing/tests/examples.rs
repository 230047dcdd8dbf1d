//! Worked examples of rule books, and small books that show what a rule does.

use super::*;

/// One example: name, preset, further settings, bids, asks, and what comes out: price and volume, surplus and its side.
type Example =
    (&'static str, &'static str, &'static str, &'static str, &'static str, &'static str, &'static str);

const XETRA_5: (&str, &str) = ("300@202 200@201", "300@199 200@198");
const DTU_BIDS: &str = "250@200 300@110 120@100 80@90 40@85 70@75 60@65 45@40 30@38 35@31 25@24 10@16";
const DTU_ASKS: &str =
    "120@0 50@0 200@15 400@30 60@32.5 50@34 60@36 100@37.5 70@39 50@40 70@60 45@70 50@100 60@150 50@200";

/// The price and volume columns are the sources' own. Xetra: Release 14.0 (30 September 2013), Market Model Equities,
/// chapter 13.1, and Market Model Continuous Auction, chapter 9.2. BNB: Beacon Chain, "Match Steps and Examples". Euronext:
/// pure market orders and market-to-limit orders, as transcribed in EuronextClone's features. NSE: official example of
/// the pre-open session. DTU: P. Pinson, course 31761, day-ahead auction. ASSUME: its tests of pay-as-clear.
const EXAMPLES: &[Example] = &[
    ("xetra 1", "xetra-equities", "", "200@202 200@201 300@200", "100@200 200@198 400@197", "200 x 700", "0"),
    ("xetra 2", "xetra-equities", "", "400@202 200@201", "300@199 200@198", "201 x 500", "100 Buy"),
    ("xetra 3", "xetra-equities", "", "300@202 200@201", "400@199 200@198", "199 x 500", "100 Sell"),
    (
        "xetra 4a",
        "xetra-equities",
        "reference-price = '199'",
        "100 100@199",
        "100 100@202",
        "199 x 100",
        "100 Buy",
    ),
    (
        "xetra 4b",
        "xetra-equities",
        "reference-price = '200'",
        "100 100@199",
        "100 100@202",
        "199 x 100",
        "100 Buy",
    ),
    ("xetra 5a", "xetra-equities", "reference-price = '200'", XETRA_5.0, XETRA_5.1, "201 x 500", "0"),
    ("xetra 5b", "xetra-equities", "reference-price = '202'", XETRA_5.0, XETRA_5.1, "201 x 500", "0"),
    ("xetra 5c", "xetra-equities", "reference-price = '198'", XETRA_5.0, XETRA_5.1, "199 x 500", "0"),
    ("xetra 6", "xetra-equities", "reference-price = '250'", "900", "800", "250 x 800", "100 Buy"),
    ("xetra 7", "xetra-equities", "", "80@200 80@199", "80@201", "none", "0"),
    ("xetra partial", "xetra-equities", "", "300@200 300@200", "400@200", "200 x 400", "200 Buy"),
    (
        "xetra continuous 1",
        "xetra-continuous-auction",
        "quote = '196:200'\ntick = '1'",
        "300@200 200@199 300@198 100@196",
        "300@198 400@197 100@200",
        "198 x 700",
        "100 Buy",
    ),
    (
        "xetra continuous 2",
        "xetra-continuous-auction",
        "quote = '197:201'\ntick = '1'",
        "600@200 200@197",
        "100@199 100@198 300@197 400@201",
        "200 x 500",
        "100 Buy",
    ),
    (
        "xetra continuous 3",
        "xetra-continuous-auction",
        "quote = '197:201'\ntick = '1'",
        "300@202 100@201 100@199 400@197",
        "600@198 200@201",
        "198 x 500",
        "100 Sell",
    ),
    (
        "xetra continuous 4",
        "xetra-continuous-auction",
        "quote = '197:203'\ntick = '1'",
        "300@202 200@201 100@197",
        "300@199 200@198 100@203",
        "200 x 500",
        "0",
    ),
    (
        "xetra continuous 5",
        "xetra-continuous-auction",
        "quote = '199:202'\ntick = '1'",
        "100@200 300@199",
        "200@201 300@202",
        "none",
        "0",
    ),
    ("bnb 1", "bnb", "tick = '1'", "150@100 150@98", "250@98 50@97", "98 x 300", "0"),
    ("bnb 2", "bnb", "tick = '1'", "150@100 50@99 300@97", "200@97 100@96", "97 x 300", "200 Buy"),
    (
        "bnb 3",
        "bnb",
        "tick = '1'",
        "300@102 100@100 200@99 300@98",
        "250@98 250@97 1000@96",
        "96 x 900",
        "100 Sell",
    ),
    ("euronext bids", "euronext", "reference-price = '10'", "40@9.98 40@9.96", "80", "9.96 x 80", "0"),
    ("euronext market", "euronext", "reference-price = '10'", "50", "40", "10 x 40", "10 Buy"),
    (
        "nse",
        "nse",
        "",
        "13500@103 9500@104 12000@105 6500@106 5000@107 4000@108",
        "11500@103 9800@104 15000@105 12000@106 12500@107",
        "105 x 27500",
        "8800 Sell",
    ),
    ("dtu", "pay-as-clear", "", DTU_BIDS, DTU_ASKS, "37.5 x 995", "45 Sell"),
    ("assume", "pay-as-clear", "", "400@3000 100@3000", "300@100 200@50", "100 x 500", "0"),
];

/// Rules: R-AUC-039, R-AUC-040, R-AUC-041, R-AUC-042, R-AUC-043, R-AUC-044, R-AUC-045, R-AUC-046.
#[test]
fn worked_examples_of_rule_books() {
    for (name, preset, settings, bids, asks, expected, surplus) in EXAMPLES {
        let outcome = cleared(&book(bids, asks), &rule_with(preset, settings));
        assert_eq!(summary(&outcome), *expected, "{name}");
        let side = outcome.surplus_side.map_or_else(String::new, |side| format!(" {side:?}"));
        assert_eq!(format!("{}{side}", outcome.surplus), *surplus, "{name}");
    }
}

/// Xetra, Market Model Equities, chapter 13.1: of two bids at 200, the later gets what the earlier leaves.
/// Rules: R-AUC-051.
#[test]
fn price_time_serves_the_earlier() {
    let mut orders = book("300@200 300@200", "400@200");
    assert_eq!(given(&orders, &cleared(&orders, &rule("xetra-equities"))), "a 300, b 100, c 400");
    orders[0].received = 1;
    assert_eq!(given(&orders, &cleared(&orders, &rule("xetra-equities"))), "a 100, b 300, c 400");
}

/// DTU's solution: of the marginal offer, 55 of 100 are taken.
#[test]
fn the_marginal_offer_is_taken_in_part() {
    let orders = book(DTU_BIDS, DTU_ASKS);
    let outcome = cleared(&orders, &rule("pay-as-clear"));
    let marginal =
        outcome.fills.iter().find(|fill| fill.reason == Reason::Rationed).expect("one is rationed");
    assert_eq!(orders[marginal.order as usize].price, Some(price("37.5")));
    assert_eq!(marginal.quantity, "55".parse().expect("a quantity"));
}

/// 31 CFR 356.21(a): 88.27 % of 18,000 is 15,888.60, awarded 15,900; 4.65 % of 100 is awarded the minimum of 100. The
/// regulation gives the percentages; the offerings here are such that they come out.
/// Rules: R-AUC-054.
#[test]
fn treasury_rounds_awards_up() {
    let award = |offering: &str, bids: &str| {
        let orders = book(offering, bids);
        let outcome = cleared(&orders, &rule("us-treasury"));
        (given(&orders, &outcome), outcome.over_allotted.to_string())
    };
    // 8,827,000 of 10,000,000 is 88.27 %; each of the two is rounded up on its own.
    assert_eq!(
        award("8827000", "18000@4.5 9982000@4.5"),
        ("a 8827000, b 15900, c 8811200".into(), "100".into())
    );
    // 46,500 of 1,000,000 is 4.65 %.
    assert_eq!(award("46500", "100@4.5 999900@4.5"), ("a 46500, b 100, c 46500".into(), "100".into()));
    // 160,300,000 of 200,000,000 is 80.15 %.
    assert_eq!(
        award("160300000", "100000000@4.5 100000000@4.5"),
        ("a 160300000, b 80150000, c 80150000".into(), "0".into())
    );
    // 100 of 300 is 33.333… %, announced as 33.34 %.
    assert_eq!(award("100000", "100000@4.5 200000@4.5"), ("a 100000, b 33400, c 66700".into(), "100".into()));
}

/// FERC RP99-288-000, First Revised Sheet No. 89, example 4: c cannot be given its minimum, the rest share without it.
/// Rules: R-AUC-055.
#[test]
fn minimums_drop_out_and_the_rest_share_again() {
    let bids = "60000@0.18 60000@0.18 70000>=45000@0.18 50000>=15000@0.18 30000>=10000@0.18 40000@0.17";
    let orders = book(bids, "100000");
    let mut rule = rule("pay-as-clear");
    rule.allocation = Allocation::MinimumFill;
    let outcome = cleared(&orders, &rule);
    assert_eq!(summary(&outcome), "0.18 x 100000");
    assert_eq!(given(&orders, &outcome), "a 30000, b 30000, d 25000, e 15000, g 100000");
    let (_, standings) = certificate(&orders, &rule, None, &outcome).expect("a proof");
    assert_eq!(standings[2].reason, Reason::MinimumNotMet);
    assert_eq!(standings[5].reason, Reason::OutOfTheMoney);
}

/// Where nobody at the margin can be given its minimum, both sides trade less.
/// Rules: R-AUC-056.
#[test]
fn a_minimum_that_cannot_be_met_costs_both_sides() {
    let mut rule = rule("pay-as-clear");
    rule.allocation = Allocation::MinimumFill;
    let orders = book("60@10 60>=60@9", "100@8");
    let outcome = cleared(&orders, &rule);
    assert_eq!((summary(&outcome), given(&orders, &outcome)), ("8 x 60".into(), "a 60, c 60".into()));
    // What a drops, the next price takes.
    let orders = book("60>=60@10 30@9", "50@8");
    assert_eq!(given(&orders, &cleared(&orders, &rule)), "b 30, c 30");
}

/// Korea Exchange: 13,100 over four orders at the limit price.
/// Rules: R-AUC-053.
#[test]
fn quantity_priority_serves_the_larger() {
    let orders = book("1000@50 10000@50 200@50 5000@50", "13100@50");
    assert_eq!(given(&orders, &cleared(&orders, &rule("krx"))), "a 550, b 9850, c 150, d 2550, e 13100");
    // Not even 100 for each: the two larger ones have them.
    let orders = book("100@50 300@50 200@50", "250@50");
    assert_eq!(given(&orders, &cleared(&orders, &rule("krx"))), "a 50, b 100, c 100, d 250");
}

/// Remainders: the largest first, then the lower id, whoever came first.
/// Rules: R-AUC-052.
#[test]
fn pro_rata_gives_remainders_to_the_largest_then_the_lower_id() {
    let rule = rule_with("pay-as-clear", "lot = '1'");
    let mut orders = book("3@50 3@50 3@50", "7@50");
    assert_eq!(given(&orders, &cleared(&orders, &rule)), "a 3, b 2, c 2, d 7");
    (orders[0].rank, orders[2].rank) = (2, 0);
    assert_eq!(given(&orders, &cleared(&orders, &rule)), "a 2, b 2, c 3, d 7");
    // Quotas 0.86 and 2.14.
    let orders = book("2@50 5@50", "3@50");
    assert_eq!(given(&orders, &cleared(&orders, &rule)), "a 1, b 2, c 3");
    // Without a lot, to the millionth.
    let orders = book("3@50 3@50 3@50", "7@50");
    let rule = super::rule("pay-as-clear");
    assert_eq!(given(&orders, &cleared(&orders, &rule)), "a 2.333334, b 2.333333, c 2.333333, d 7");
}

/// The order of SHA-256("seed" ‖ id) for ids a, b and c, worked out with another program.
/// Rules: R-AUC-057.
#[test]
fn a_draw_goes_by_the_seed() {
    let mut rule = rule("pay-as-clear");
    rule.allocation = Allocation::SeededDraw;
    let orders = book("3@50 3@50 3@50", "4@50");
    assert_eq!(given(&orders, &cleared(&orders, &rule)), "a 1, c 3, d 4");
    assert_eq!(clear(&orders, &rule, None), Err(ClearingError::SeedMissing));
}

/// Pay-as-clear in a shortage, and where offers have no limit.
/// Rules: R-AUC-045.
#[test]
fn last_accepted_offer() {
    let shortage = book("600@3000", "200@50 300@100");
    assert_eq!(summary(&cleared(&shortage, &rule("pay-as-clear"))), "100 x 500");
    let interval = Rule { candidates: Candidates::Interval, ..rule("pay-as-clear") };
    let outcome = cleared(&shortage, &interval);
    assert_eq!(summary(&outcome), "3000 x 500");
    assert_eq!(outcome.equilibrium, Equilibrium { low: Some(price("3000")), high: Some(price("3000")) });

    // The lowest accepted bid, since no accepted offer has a limit.
    let support = book("5@90 5@80 5@70", "8 2@100");
    assert_eq!(summary(&cleared(&support, &rule("pay-as-clear"))), "80 x 8");
    // Market orders alone: several prices, and a reference decides.
    let market = book("5", "8");
    let undecided = Decision::Undecided { lowest: None, highest: None };
    assert_eq!(cleared(&market, &rule("pay-as-clear")).decision, undecided);
    assert_eq!(summary(&cleared(&market, &rule_with("pay-as-clear", "reference-price = '-3'"))), "-3 x 5");
    assert_eq!(cleared(&market, &interval).decision, undecided);
}

/// Rules: R-AUC-048.
#[test]
fn pay_as_bid_pays_each_its_own() {
    let orders = book("5@90 5@80 2", "8@10 9@30");
    let outcome = cleared(&orders, &rule("pay-as-bid"));
    let prices: Vec<String> = outcome.fills.iter().map(|fill| fill.price.to_string()).collect();
    assert_eq!((summary(&outcome), prices.join(" ")), ("30 x 12".into(), "90 80 30 10 30".into()));
}

/// Bounds are candidates too, so that a book trades at a floor that no limit is at.
/// Rules: R-AUC-038.
#[test]
fn bounds_hold_and_are_candidates() {
    let orders = book("5@105", "5@95");
    let with = |settings: &str| summary(&cleared(&orders, &rule_with("pay-as-clear", settings)));
    assert_eq!(with(""), "95 x 5");
    assert_eq!(with("floor = '100'"), "100 x 5");
    assert_eq!(with("ceiling = '90'"), "none");
    assert_eq!(with("floor = '97'\nceiling = '103'\nquote = '98:102'"), "98 x 5");
    let floored = cleared(&orders, &rule_with("pay-as-clear", "floor = '106'"));
    assert_eq!(floored.decision, Decision::NothingTrades);
    // Whatever the rule: the book itself would balance.
    assert_eq!(floored.equilibrium, Equilibrium { low: Some(price("95")), high: Some(price("105")) });
}

/// The ends of what the interval leaves are exact: open where a limit is left out, closed where it belongs.
/// Rules: R-AUC-038.
#[test]
fn an_interval_has_exact_ends() {
    // Only between 199 and 202 nothing is left over.
    let orders = book("100 100@199", "100 100@202");
    for (last, expected) in [
        ("highest", "201.999999"),
        ("lowest", "199.000001"),
        ("midpoint", "200.5"),
        ("reference", "199.000001"),
    ] {
        let text = format!(
            "candidates = 'interval'\ncascade = ['most-volume', 'least-surplus', '{last}']\nallocation = 'price-time'\n\
             reference-price = '199'"
        );
        let outcome = cleared(&orders, &toml::from_str(&text).expect("a rule"));
        assert_eq!(summary(&outcome), format!("{expected} x 100"), "{last}");
        assert!(outcome.surplus.is_zero());
    }
    // Half way between two neighbouring millionths is rounded.
    let orders = book("1@0.000002", "1@0.000001");
    for (rounding, expected) in
        [("up", "0.000002"), ("down", "0.000001"), ("half-down", "0.000001"), ("half-even", "0.000002")]
    {
        let rule = rule_with("moex", &format!("rounding = '{rounding}'"));
        assert_eq!(summary(&cleared(&orders, &rule)), format!("{expected} x 1"), "{rounding}");
    }
}

/// Pressure stops at the band, here 5 % of 100; without a reference, at the end.
/// Rules: R-AUC-042.
#[test]
fn pressure_stops_at_the_band() {
    let bids = book("9@120", "5@90");
    let asks = book("5@120", "9@90");
    let with =
        |orders: &[Order<'_>], reference: &str| summary(&cleared(orders, &rule_with("bnb", reference)));
    for (reference, up, down) in [
        ("", "120 x 5", "90 x 5"),
        ("reference-price = '100'", "105 x 5", "95 x 5"),
        ("reference-price = '80'", "90 x 5", "90 x 5"),
        ("reference-price = '200'", "120 x 5", "120 x 5"),
        ("reference-price = '100.7'\ntick = '1'", "106 x 5", "96 x 5"),
    ] {
        assert_eq!((with(&bids, reference), with(&asks, reference)), (up.into(), down.into()), "{reference}");
    }
}

/// Rules: R-AUC-037.
#[test]
fn empty_and_one_sided_books_do_not_trade() {
    for orders in
        [book("", ""), book("5@10 3", ""), book("", "5@10 3"), book("5@10", "5@11"), book("0@12", "5@11")]
    {
        for (preset, _) in PRESETS {
            let lots = Rule { lot: None, ..rule_with(preset, "reference-price = '10'") };
            let outcome = cleared(&orders, &lots);
            assert_eq!(outcome.decision, Decision::NothingTrades, "{preset}");
            assert_eq!(outcome.equilibrium, Equilibrium { low: None, high: None });
        }
    }
}

#[test]
fn prices_can_be_negative() {
    let orders = book("5@-10", "5@-30 5@-20");
    assert_eq!(summary(&cleared(&orders, &rule("pay-as-clear"))), "-30 x 5");
    assert_eq!(summary(&cleared(&orders, &rule("moex"))), "-20 x 5");
    assert_eq!(summary(&cleared(&orders, &rule_with("pay-as-clear", "floor = '-15'"))), "-15 x 5");
}

/// An order that the rule cannot take is named, and nothing is cleared.
#[test]
fn refusals_name_the_order() {
    let refused = |orders: &[Order<'_>], settings: &str| {
        clear(orders, &rule_with("pay-as-clear", settings), None).expect_err("refused")
    };
    let tick = price("0.5");
    let lot: Quantity = "2".parse().expect("a quantity");
    assert_eq!(
        refused(&book("4@10 4@10.2", "4@10"), "tick = '0.5'"),
        ClearingError::PriceOffTick { order: 1, tick }
    );
    assert_eq!(
        refused(&book("4@10", "4@10 3@9"), "lot = '2'"),
        ClearingError::QuantityOffLot { order: 2, lot }
    );
    assert_eq!(
        refused(&book("4@10 4>=2@10", "4@10"), ""),
        ClearingError::MinimumNotHonoured { order: 1, allocation: Allocation::ProRata }
    );
    let largest = book("9000000000000@10", "1@10 9000000000000@9 9000000000000@8");
    assert_eq!(refused(&largest, ""), ClearingError::TotalTooLarge { order: 3 });
    assert_eq!(refused(&largest, "").order(), Some(3));
    assert_eq!((ClearingError::SeedMissing.order(), ClearingError::TooManyOrders.order()), (None, None));
    let minimums = Rule { allocation: Allocation::MinimumFill, ..rule("pay-as-clear") };
    let above = clear(&book("4>=5@10", "4@10"), &minimums, None).expect_err("refused");
    assert_eq!(
        (above.order(), above),
        (
            Some(0),
            ClearingError::MinimumAboveQuantity { order: 0, quantity: "4".parse().expect("a quantity") }
        )
    );
    // An order of nothing is ignored, whatever else it says.
    assert_eq!(
        summary(&cleared(&book("4@10 0@10.2", "4@10"), &rule_with("pay-as-clear", "tick = '0.5'"))),
        "10 x 4"
    );
}

#[test]
fn rules_that_make_no_sense_are_refused() {
    let refused = |settings: &str| rule_with("pay-as-clear", settings).check().expect_err("refused");
    assert_eq!(refused("tick = '0'"), RuleError::TickNotPositive(Price::ZERO));
    assert_eq!(refused("lot = '0'"), RuleError::LotZero);
    let quantity = |text: &str| text.parse::<Quantity>().expect("a quantity");
    assert_eq!(
        refused("lot = '2'\nminimum = '3'"),
        RuleError::MinimumOffLot { minimum: quantity("3"), lot: quantity("2") }
    );
    assert_eq!(
        refused("tick = '2'\nfloor = '3'"),
        RuleError::BoundOffTick { bound: price("3"), tick: price("2") }
    );
    assert_eq!(
        refused("floor = '3'\nquote = '1:2'"),
        RuleError::BoundsCrossed { lowest: price("3"), highest: price("2") }
    );
    let mut rule = rule("pay-as-clear");
    rule.cascade.push(Criterion::MostVolume);
    assert_eq!(rule.check(), Err(RuleError::CriterionTwice(Criterion::MostVolume)));
    rule.cascade.clear();
    assert_eq!(rule.check(), Err(RuleError::CascadeEmpty));
}

#[test]
fn rule_files_are_read_strictly_and_written_back() {
    for (preset, _) in PRESETS {
        let rule = rule_with(preset, "quote = '99.5:100.5'\ntick = '0.5'\nfloor = '-1'");
        assert_eq!(rule.check(), Ok(()), "{preset}");
        let written = toml::to_string(&rule).expect("text");
        assert_eq!(toml::from_str::<Rule>(&written).expect("a rule"), rule, "{written}");
    }
    let refused = |more: &str| {
        toml::from_str::<Rule>(&format!("{}\n{more}", PRESETS[0].1)).expect_err("refused").to_string()
    };
    for (more, says) in [
        ("ticks = '1'", "unknown field `ticks`"),
        ("tick = 0.5", "expected a string"),
        ("tick = '1e3'", "not a plain decimal number"),
        ("band = '5'", "more than 1"),
        ("quote = '5'", "BID:ASK"),
        ("rounding = 'nearest'", "unknown variant `nearest`"),
    ] {
        let text = refused(more);
        assert!(text.contains(says), "{more}: {text}");
    }
}

/// A name on the command line is the name in a file.
#[test]
fn names_are_those_of_rule_files() {
    fn compare<T>(all: &[T], name: impl Fn(T) -> &'static str)
    where
        T: Copy + std::fmt::Debug + PartialEq + Serialize + std::str::FromStr<Err = UnknownName>,
    {
        for &value in all {
            let table = std::collections::BTreeMap::from([("name", value)]);
            let text = toml::to_string(&table).expect("text");
            assert_eq!(text.trim(), format!("name = \"{}\"", name(value)));
            assert_eq!(name(value).parse::<T>(), Ok(value));
        }
        assert!("nonsense".parse::<T>().expect_err("no name").known.contains(name(all[0])));
    }
    compare(Candidates::ALL, Candidates::name);
    compare(Criterion::ALL, Criterion::name);
    compare(Allocation::ALL, Allocation::name);
    compare(Payment::ALL, Payment::name);
    compare(Reason::ALL, Reason::name);
    compare(Rounding::ALL, Rounding::name);
}

/// Every rounding against its definition: of the steps below and above, whichever the definition names.
#[test]
fn roundings_are_as_they_are_defined() {
    for (numerator, denominator, step) in
        (-20_i64..20).flat_map(|n| (1_i64..4).flat_map(move |d| (1_i64..4).map(move |step| (n, d, step))))
    {
        let unit = denominator * step;
        let steps = (-20_i64..=20).rfind(|steps| steps * unit <= numerator).expect("one is below");
        let (down, up) = (numerator - steps * unit, (steps + 1) * unit - numerator);
        for &rounding in Rounding::ALL {
            let is_up = match rounding {
                Rounding::Up => down > 0,
                Rounding::Down => false,
                Rounding::HalfUp => up <= down,
                Rounding::HalfDown => up < down,
                Rounding::HalfEven => up < down || (up == down && steps % 2 != 0),
            };
            let expected = (steps + i64::from(is_up)) * step;
            let found = curve::round_to_step(numerator.into(), denominator.into(), step, rounding);
            assert_eq!(found, expected, "{numerator} ÷ {denominator} to {step}, {rounding}");
        }
    }
}
