//! Worked examples of contracts in force, and what holds of every payoff.

use proptest::prelude::*;
use rust_decimal::{Decimal, RoundingStrategy};

use super::*;
use crate::time::{Calendar, Day};

fn price(text: &str) -> Price {
    text.parse().expect("a price")
}

fn quantity(text: &str) -> Quantity {
    text.parse().expect("a quantity")
}

fn facts(day: &str, strike: &str, reference_price: &str, volume: &str) -> PeriodFacts {
    PeriodFacts {
        period: Calendar::Monthly.period(day.parse::<Day>().expect("a day")),
        strike: price(strike),
        reference_price: Some(price(reference_price)),
        quantity: quantity(volume),
        is_upside_shared: true,
    }
}

fn upside(above: Option<&str>, share: &str, annual_cap: Option<&str>) -> Option<Upside> {
    Some(Upside {
        above: above.map(price),
        share: share.parse().expect("a share"),
        annual_cap: annual_cap.map(|cap| cap.parse().expect("an amount")),
        condition: None,
    })
}

fn paid(payoff: &Payoff, facts: &PeriodFacts) -> (String, PayoffRule) {
    let settled = payoff.settle(&mut YearToDate::default(), facts, Currency::Usd).expect("fits");
    (settled.amount.to_string(), settled.rule)
}

/// Lynas–JARE's revised agreement (ASX release, March 2026, as reported by The West Australian): a floor of 110 USD/kg on
/// 5,000 t a year, and 30 % of what exceeds 150 USD/kg, at most 10 million USD a calendar year.
/// Rules: R-CFD-001.
#[test]
fn the_agreement_of_lynas_and_jare() {
    let payoff = Payoff { upside: upside(Some("150"), "0.3", Some("10000000")), ..Payoff::floor() };
    for (average, amount, rule) in [
        ("100", "50000000 USD", PayoffRule::Support),
        ("150", "0 USD", PayoffRule::Between),
        ("155", "-7500000 USD", PayoffRule::Upside),
        ("160", "-10000000 USD", PayoffRule::UpsideCapped),
    ] {
        assert_eq!(paid(&payoff, &facts("2026-03-01", "110", average, "5000000")), (amount.into(), rule));
    }
}

/// The cap is used up in the order of the months, and is whole again with the new year.
/// Rules: R-CFD-006.
#[test]
fn an_annual_cap_is_used_up_in_order() {
    let payoff = Payoff { upside: upside(Some("150"), "0.3", Some("10000000")), ..Payoff::floor() };
    let mut year = YearToDate::default();
    let mut amounts = Vec::new();
    for month in ["2026-01-01", "2026-02-01", "2026-03-01", "2026-12-01", "2027-01-01"] {
        let settled = payoff.settle(&mut year, &facts(month, "110", "160", "2000000"), Currency::Usd);
        amounts.push(settled.expect("fits").amount.to_string());
    }
    assert_eq!(amounts, ["-6000000 USD", "-4000000 USD", "0 USD", "0 USD", "-6000000 USD"]);
}

/// What comes to just what is left of the cap is not cut; what comes after it is, to nothing, and the line says so.
/// Rules: R-CFD-006.
#[test]
fn a_line_is_capped_where_something_was_cut() {
    let payoff = Payoff { upside: upside(Some("150"), "0.3", Some("6000000")), ..Payoff::floor() };
    let mut year = YearToDate::default();
    let lines = ["2026-01-01", "2026-02-01"].map(|month| {
        let settled = payoff.settle(&mut year, &facts(month, "110", "160", "2000000"), Currency::Usd);
        let settled = settled.expect("fits");
        (settled.amount.to_string(), settled.rule)
    });
    let expected = [("-6000000 USD".into(), PayoffRule::Upside), ("0 USD".into(), PayoffRule::UpsideCapped)];
    assert_eq!(lines, expected);
}

/// A cap holds however much there was to share: the whole of it is computed without parts that nothing needs.
/// Rules: R-CFD-006.
#[test]
fn a_cap_holds_at_the_largest_price_and_volume() {
    let payoff = Payoff { upside: upside(Some("0"), "1", Some("10")), ..Payoff::floor() };
    let large = facts("2026-01-01", "0", "9000000000000", "9000000000000");
    assert_eq!(paid(&payoff, &large), ("-10 USD".into(), PayoffRule::UpsideCapped));
}

#[test]
fn periods_depend_on_each_other_where_anything_is_capped_by_the_year() {
    for (annual_volume, annual_cap, depends) in
        [(None, None, false), (Some("1"), None, true), (None, Some("1"), true), (Some("1"), Some("1"), true)]
    {
        let annual_volume = annual_volume.map(quantity);
        let payoff = Payoff { annual_volume, upside: upside(None, "1", annual_cap), ..Payoff::floor() };
        assert_eq!(payoff.has_annual_caps(), depends, "{payoff:?}");
    }
    assert!(!Payoff::floor().has_annual_caps());
}

/// What a contract does not say of its payoff is as in a price floor.
#[test]
fn a_payoff_that_says_nothing_is_a_floor() {
    assert_eq!(toml::from_str::<Payoff>(""), Ok(Payoff::floor()));
}

/// CfD Standard Terms, condition 1.1: the difference is min(strike − reference price, strike).
/// Rules: R-CFD-003.
#[test]
fn a_minimum_of_zero_is_the_british_formula() {
    let payoff = Payoff { upside: upside(None, "1", None), minimum: Some(Price::ZERO), ..Payoff::floor() };
    assert_eq!(paid(&payoff, &facts("2026-01-01", "80", "-5", "10")).0, "800 USD");
    assert_eq!(paid(&payoff, &facts("2026-01-01", "80", "100", "10")).0, "-200 USD");
    let unbounded = Payoff { minimum: None, ..payoff };
    assert_eq!(paid(&unbounded, &facts("2026-01-01", "80", "-5", "10")).0, "850 USD");
}

/// Rules: R-CFD-004.
#[test]
fn low_prices_suspend_where_the_terms_say_so() {
    for (suspension, reference_price, is_suspended) in [
        (Suspension::Never, "-1", false),
        (Suspension::Negative, "-0.000001", true),
        (Suspension::Negative, "0", false),
        (Suspension::NotPositive, "0", true),
        (Suspension::NotPositive, "0.000001", false),
    ] {
        // Even where the minimum lifts the price again.
        let payoff = Payoff { suspension, minimum: Some(Price::ZERO), ..Payoff::floor() };
        let (amount, rule) = paid(&payoff, &facts("2026-01-01", "80", reference_price, "1"));
        assert_eq!(rule == PayoffRule::Suspended, is_suspended, "{suspension:?} {reference_price}");
        assert_eq!(amount == "0 USD", is_suspended);
    }
}

/// Rules: R-CFD-009.
#[test]
fn nothing_is_shared_before_its_condition_is_met() {
    let payoff = Payoff { upside: upside(Some("110"), "0.3", None), ..Payoff::floor() };
    let early = PeriodFacts { is_upside_shared: false, ..facts("2026-01-01", "110", "140", "100") };
    assert_eq!(paid(&payoff, &early), ("0 USD".into(), PayoffRule::Between));
    assert_eq!(paid(&payoff, &facts("2026-01-01", "110", "140", "100")).0, "-900 USD");
}

/// Rules: R-CFD-007.
#[test]
fn an_annual_volume_is_used_up_in_order() {
    let payoff = Payoff { annual_volume: Some(quantity("25")), ..Payoff::floor() };
    let mut year = YearToDate::default();
    let volumes = ["2026-01-01", "2026-02-01", "2026-03-01", "2026-04-01", "2027-01-01"].map(|month| {
        let settled = payoff.settle(&mut year, &facts(month, "110", "100", "10"), Currency::Usd);
        settled.expect("fits").quantity.to_string()
    });
    assert_eq!(volumes, ["10", "10", "5", "0", "10"]);
}

/// For a suspended month nothing is paid either way, so it uses up none of the year's volume.
/// Rules: R-CFD-004.
#[test]
fn a_suspended_period_uses_up_no_volume() {
    let annual_volume = Some(quantity("10"));
    let payoff = Payoff { annual_volume, suspension: Suspension::NotPositive, ..Payoff::floor() };
    let mut year = YearToDate::default();
    let settled = [("2026-01-01", "0"), ("2026-02-01", "100")].map(|(month, reference_price)| {
        let settled = payoff.settle(&mut year, &facts(month, "110", reference_price, "10"), Currency::Usd);
        let settled = settled.expect("fits");
        (settled.rule, settled.quantity)
    });
    assert_eq!(settled, [(PayoffRule::Suspended, Quantity::ZERO), (PayoffRule::Support, quantity("10"))]);
}

/// Rules: R-CFD-008.
#[test]
fn no_volume_needs_no_price() {
    let without_price =
        |volume| PeriodFacts { reference_price: None, ..facts("2026-01-01", "1", "1", volume) };
    let payoff = Payoff::floor();
    assert_eq!(paid(&payoff, &without_price("0")), ("0 USD".into(), PayoffRule::NoVolume));
    let refused = payoff.settle(&mut YearToDate::default(), &without_price("1"), Currency::Usd);
    assert_eq!(refused, Err(Unsettled::NoReferencePrice));
}

#[test]
fn what_does_not_fit_changes_nothing() {
    let payoff = Payoff { annual_volume: Some(quantity("9000000000000")), ..Payoff::floor() };
    let mut year = YearToDate::default();
    let large = facts("2026-01-01", "9000000000000", "-9000000000000", "1");
    assert_eq!(payoff.settle(&mut year, &large, Currency::Usd), Err(Unsettled::TooLarge));
    assert_eq!(year, YearToDate::default());
}

prop_compose! {
    fn any_facts()(
        strike in 0_i64..200_000_000,
        reference_price in -50_000_000_i64..400_000_000,
        volume in 0_i64..10_000_000_000_000,
        day in 0_i32..20_000,
    ) -> PeriodFacts {
        PeriodFacts {
            period: Calendar::Daily.period(Day::try_from(day).expect("a day")),
            strike: Price::from_millionths(strike),
            reference_price: Some(Price::from_millionths(reference_price)),
            quantity: Quantity::from_millionths(volume).expect("not negative"),
            is_upside_shared: true,
        }
    }
}

prop_compose! {
    fn any_share()(is_whole: bool, millionths in 1_u32..=1_000_000) -> Share {
        if is_whole { Share::WHOLE } else { Share::from_millionths(millionths).expect("a share") }
    }
}

prop_compose! {
    fn any_upside()(
        above in prop::option::of(0_i64..300_000_000),
        share in any_share(),
        cap in prop::option::of(0_i64..100_000_000),
    ) -> Upside {
        let annual_cap = cap.map(|cents| Amount::from_millionths(cents * 10_000).expect("not negative"));
        Upside { above: above.map(Price::from_millionths), share, annual_cap, condition: None }
    }
}

prop_compose! {
    fn any_payoff()(
        support in any_share(),
        upside in prop::option::of(any_upside()),
        minimum in prop::option::of(-10_000_000_i64..10_000_000),
        volume in prop::option::of(0_i64..100_000_000_000_000),
    ) -> Payoff {
        Payoff {
            support,
            upside,
            minimum: minimum.map(Price::from_millionths),
            suspension: Suspension::Never,
            annual_volume: volume.map(|volume| Quantity::from_millionths(volume).expect("not negative")),
        }
    }
}

/// The payoff as its formula says, in decimals that are exact here (28 digits), with what a year has used.
#[derive(Default)]
struct Oracle {
    year: i32,
    upside: Decimal,
    volume: Decimal,
}

impl Oracle {
    fn settle(&mut self, payoff: &Payoff, facts: &PeriodFacts) -> (Decimal, Decimal) {
        let decimal = |millionths: i64| Decimal::new(millionths, 6);
        if self.year != facts.period.first.year() {
            *self = Self { year: facts.period.first.year(), ..Self::default() };
        }
        let mut volume = decimal(facts.quantity.millionths());
        if let Some(most) = payoff.annual_volume {
            volume = volume.min(decimal(most.millionths()) - self.volume);
            self.volume += volume;
        }
        let [strike, reference_price] =
            [facts.strike, facts.reference_price.expect("given")].map(|price| decimal(price.millionths()));
        let reference_price =
            payoff.minimum.map_or(reference_price, |least| reference_price.max(decimal(least.millionths())));
        let share = |share: Share| decimal(i64::from(share.millionths()));
        let positive = |price: Decimal| price.max(Decimal::ZERO);
        let support = share(payoff.support) * positive(strike - reference_price) * volume;
        let mut given = Decimal::ZERO;
        if let Some(upside) = &payoff.upside {
            let above = upside.above.map_or(strike, |above| decimal(above.millionths()));
            given = share(upside.share) * positive(reference_price - above) * volume;
            if let Some(cap) = upside.annual_cap {
                given = given.min(decimal(cap.millionths()) - self.upside);
                self.upside += given.round_dp_with_strategy(2, RoundingStrategy::MidpointNearestEven);
            }
        }
        let exact = support - given;
        let amount = exact.round_dp_with_strategy(2, RoundingStrategy::MidpointNearestEven);
        let remainder = (exact - amount).round_dp_with_strategy(6, RoundingStrategy::MidpointNearestEven);
        (amount, remainder)
    }
}

proptest! {
    /// A decimal library computes the same, period after period, caps and all.
    /// Rules: R-CFD-001.
    #[test]
    fn decimals_agree(payoff in any_payoff(), mut periods in prop::collection::vec(any_facts(), 1..30)) {
        periods.sort_by_key(|facts| facts.period);
        let (mut year, mut oracle) = (YearToDate::default(), Oracle::default());
        for facts in &periods {
            let settled = payoff.settle(&mut year, facts, Currency::Eur).expect("fits");
            let ours = (Decimal::new(settled.amount.millionths, 6), Decimal::new(settled.remainder.millionths, 6));
            prop_assert_eq!(ours, oracle.settle(&payoff, facts));
        }
    }

    /// A two-way contract and its mirror, strike and reference price exchanged, sum to nothing; and what the party earns at
    /// the reference price, with the difference payment, is the strike times the volume.
    /// Rules: R-CFD-002.
    #[test]
    fn a_two_way_contract_is_antisymmetric_and_fixes_revenue(facts in any_facts()) {
        let two_way = Payoff { upside: upside(None, "1", None), ..Payoff::floor() };
        let settle = |facts: &PeriodFacts| {
            let settled = two_way.settle(&mut YearToDate::default(), facts, Currency::Eur).expect("fits");
            (i128::from(settled.amount.millionths), i128::from(settled.remainder.millionths))
        };
        let reference_price = facts.reference_price.expect("given");
        let mirror = PeriodFacts { strike: reference_price, reference_price: Some(facts.strike), ..facts };
        let ((amount, remainder), (mirrored, mirrored_remainder)) = (settle(&facts), settle(&mirror));
        prop_assert_eq!(amount + mirrored, 0);
        prop_assert_eq!(remainder + mirrored_remainder, 0);
        // In units of 10⁻¹²; the remainder is rounded to millionths.
        let volume = i128::from(facts.quantity.millionths());
        let revenue = i128::from(reference_price.millionths()) * volume + (amount + remainder) * 1_000_000;
        let due = i128::from(facts.strike.millionths()) * volume;
        prop_assert!((revenue - due).abs() <= 500_000);
    }

    /// A year never gives more than its cap, nor is it paid for more than its volume.
    /// Rules: R-CFD-006, R-CFD-007.
    #[test]
    fn caps_hold(payoff in any_payoff(), volumes in prop::collection::vec(any_facts(), 1..30)) {
        let mut year = YearToDate::default();
        let (mut given, mut volume) = (0, 0);
        for (day, facts) in volumes.into_iter().enumerate() {
            let day = Day::try_from(i32::try_from(day).expect("few")).expect("a day of 1970");
            let facts = PeriodFacts { period: Calendar::Daily.period(day), ..facts };
            let settled = payoff.settle(&mut year, &facts, Currency::Eur).expect("fits");
            if settled.rule != PayoffRule::Both {
                given -= settled.amount.millionths.min(0);
            }
            volume += settled.quantity.millionths();
        }
        if let Some(cap) = payoff.upside.as_ref().and_then(|upside| upside.annual_cap) {
            prop_assert!(given <= cap.millionths());
        }
        if let Some(most) = payoff.annual_volume {
            prop_assert!(volume <= most.millionths());
        }
    }

    /// A delivery told in two parts is paid the same but for rounding, and the remainders account for that.
    /// Rules: R-CFD-005.
    #[test]
    fn a_split_changes_rounding_alone(facts in any_facts(), part in 0_i64..=1_000_000) {
        let two_way = Payoff { upside: upside(None, "0.3", None), ..Payoff::floor() };
        let settle = |volume: i64| {
            let quantity = Quantity::from_millionths(volume).expect("not negative");
            let facts = PeriodFacts { quantity, ..facts };
            let settled = two_way.settle(&mut YearToDate::default(), &facts, Currency::Eur).expect("fits");
            (settled.amount.millionths, settled.amount.millionths + settled.remainder.millionths)
        };
        let whole = facts.quantity.millionths();
        let first = i64::try_from(i128::from(whole) * i128::from(part) / 1_000_000).expect("a part of it");
        let ((one, one_exact), (other, other_exact), (both, both_exact)) =
            (settle(first), settle(whole - first), settle(whole));
        prop_assert!((one + other - both).abs() <= 10_000, "a cent at most");
        // Each of the three was rounded to millionths.
        prop_assert!((one_exact + other_exact - both_exact).abs() <= 2);
    }
}
