//! What reads, and what is refused with which line.

use super::library::Ready;
use super::*;

/// The smallest scenario, of eighteen lines.
const SMALL: &str = r#"title = "Small"
[market]
material = "Ore"
unit = "t"
currency = "USD"
tick = 1
lowest = 1
highest = 900000
[prices]
series = "lithium-metal"
[time]
first = "2019-01"
last = "2019-12"
[producer.one]
name = "One"
origin = "FI"
capacity = 10
cost = [{ price = "70000..90000" }]
[buyer.two]
name = "Two"
demand = "5..10"
worth = [{ part = "0.5", index = "1.2" }, { part = "0.5", index = "1.1" }]
[policy.none]
kind = "no-support"
"#;

const FLOOR: &str = r#"[policy.floor]
kind = "floor"
strike = 95000
stress = 60000
volume = 5
budget = 1000000
origins = ["FI"]
"#;

fn refusal(text: &str) -> String {
    Ready::read(text).expect_err("refused").to_string()
}

#[test]
fn every_scenario_of_the_library_reads() {
    assert!(library().len() >= 6);
    for ready in library() {
        let scenario = ready.scenario();
        assert!(scenario.policies.len() >= 2, "{}", ready.name);
        assert!(matches!(scenario.baseline().kind, Kind::NoSupport), "{}", ready.name);
        assert!(scenario.summary.len() > 100, "{}: says what it cannot show", ready.name);
    }
    let lithium = library().iter().find(|ready| ready.name == "lithium").expect("there").scenario();
    let of = |key| lithium.policy(key).map(|policy| policy.kind.clone());
    for (key, design) in [
        ("floor", Design::Floor),
        ("two-way", Design::TwoWay),
        ("collar", Design::Collar),
        ("upside", Design::UpsideShare),
    ] {
        let Some(Kind::Contracts(contracts)) = of(key) else { panic!("{key} are contracts") };
        assert_eq!(contracts.design, design);
    }
    assert!(matches!(of("intermediary"), Some(Kind::Intermediary(_))));
    assert!(lithium.market.name.as_str().contains("metal"), "the label says that it is the metal");
}

#[test]
fn a_small_scenario_reads() {
    let scenario = Ready::read(&format!("{SMALL}{FLOOR}")).expect("read");
    assert_eq!((scenario.seed, scenario.every), (1, Every::Month));
    assert_eq!(scenario.policies.iter().map(|p| p.key.as_str()).collect::<Vec<_>>(), ["floor", "none"]);
    assert_eq!(scenario.baseline().key, "none");
    assert_ne!(scenario.hash, Ready::read(SMALL).expect("read").hash);
}

/// Each change of the small scenario is refused, at its own line.
#[test]
fn what_is_wrong_is_told_with_its_line() {
    for (old, new, told) in [
        ("unit = \"t\"", "unit = \"ton\"", "line 4: unknown variant `ton`, expected `kg` or `t`"),
        (
            "[policy.none]",
            "[policy.\"../none\"]",
            "line 23: '../none' is no key: letters from a to z, digits, - and _ make one",
        ),
        ("tick = 1", "tick = 0.5", "line 6: a number with decimals is written in quotes: \"0.5\""),
        (
            "tick = 1",
            "tick = 7",
            "line 2: the tick must be above zero, and the lowest price below the highest, both multiples of it",
        ),
        (
            "tick = 1",
            "tik = 1",
            "line 6: unknown field `tik`, expected one of `material`, `unit`, `currency`, `lot`, `tick`, `lowest`, `highest`, `trade`",
        ),
        ("currency = \"USD\"", "currency = \"CHF\"", "line 5: 'CHF' is no currency: EUR, USD, GBP, CNY, JPY"),
        (
            "series = \"lithium-metal\"",
            "series = \"lithum\"",
            "line 10: there is no series 'lithum': golv sim prices lists them; a file of your own ends in .csv or .parquet",
        ),
        (
            "series = \"lithium-metal\"",
            "series = \"my.csv\"",
            "line 10: a price file of your own needs 'currency' beside it",
        ),
        ("last = \"2019-12\"", "last = \"2018-12\"", "line 11: the last month comes before the first"),
        ("last = \"2019-12\"", "last = \"2019-13\"", "line 13: '2019-13' is not a month such as 2019-01"),
        (
            "last = \"2019-12\"",
            "last = \"2019-11\"\nevery = \"quarter\"",
            "line 11: by 3 months, the first month begins such a stretch of the year and the last one ends one",
        ),
        (
            "tick = 1",
            "tick = \"0.001\"",
            "line 2: tick × lot must be a whole multiple of the currency's smallest unit",
        ),
        (
            "last = \"2019-12\"",
            "last = \"2219-12\"",
            "line 11: a scenario lies within the years 1900 to 2199",
        ),
        (
            "capacity = 10",
            "capacity = 1000000",
            "line 14: 'capacity' is more than 512409, the largest quantity that fits at this market's highest price",
        ),
        (
            "demand = \"5..10\"",
            "demand = \"5..600000\"",
            "line 19: 'demand' is more than 512409, the largest quantity that fits at this market's highest price",
        ),
        ("capacity = 10", "capacity = \"10..5\"", "line 17: '10..5' begins above its end"),
        (
            "part = \"0.5\", index = \"1.1\"",
            "part = \"0.4\", index = \"1.1\"",
            "line 19: the parts of 'worth' add up to 0.9, not to 1",
        ),
        (
            "index = \"1.1\"",
            "index = \"1.1\", price = 3",
            "line 19: a step of 'worth' has either 'price' or 'index'",
        ),
        (
            "demand =",
            "behaviour = { kind = \"shaded\" }\ndemand =",
            "line 19: 'margin' is missing, which a shaded bid needs",
        ),
        (
            "demand =",
            "behaviour = { kind = \"truthful\", margin = \"0.1\" }\ndemand =",
            "line 19: 'margin' has no meaning for a truthful bidder",
        ),
        (
            "demand =",
            "behaviour = { kind = \"strategic\", rule = \"dump\", ask = 1 }\ndemand =",
            "line 19: 'rule' has no meaning for a buyer, but last-price",
        ),
        (
            "kind = \"no-support\"",
            "kind = \"no-support\"\nstrike = 5",
            "line 23: 'strike' has no meaning for a policy without support",
        ),
    ] {
        assert!(SMALL.contains(old), "{old}");
        assert_eq!(refusal(&SMALL.replace(old, new)), told);
    }
    for (old, new, told) in [
        (
            "strike = 95000",
            "strike = \"95000.5\"",
            "line 25: 'strike' is 95000.5; prices of this market are multiples of 1 from 1 to 900000",
        ),
        ("stress = 60000", "stress = 96000", "line 25: 'stress' must not be above 'strike'"),
        ("volume = 5\n", "", "line 25: 'volume' is missing, which a floor needs"),
        ("volume = 5", "volume = \"0.5\"", "line 25: 'volume' is no multiple of the market's lot, or zero"),
        ("volume = 5", "grants = { won = 5 }", "line 29: there is no producer 'won'"),
        ("[\"FI\"]", "[\"SE\"]", "line 25: no producer comes from the policy's origins"),
        ("stress =", "cap = 99000\nstress =", "line 25: 'cap' has no meaning for a floor"),
        (
            "stress =",
            "first = \"2018-01\"\nstress =",
            "line 25: it covers months that are not played: 2019-01 to 2019-12 are",
        ),
    ] {
        assert!(FLOOR.contains(old), "{old}");
        assert_eq!(refusal(&format!("{SMALL}{}", FLOOR.replace(old, new))), told);
    }
    let shock = "[[shock]]\nkind = \"export-ban\"\nfirst = \"2019-02\"\nlast = \"2019-03\"\nshare = 1\n";
    assert_eq!(
        refusal(&format!("{SMALL}{shock}")),
        "line 25: 'origin' is missing, which an export ban needs"
    );
    assert_eq!(
        refusal(&SMALL.replace("[policy.none]\nkind = \"no-support\"\n", "")),
        "there is no policy; one of kind no-support does nothing"
    );
}

#[test]
fn a_price_file_of_ones_own_is_read_from_beside_the_scenario() {
    for file in ["my.csv", "my.parquet"] {
        let prices = format!("series = \"{file}\"\ncurrency = \"EUR\"\nunit = \"kg\"");
        let text = SMALL.replace("series = \"lithium-metal\"", &prices);
        let read = |prices: &'static str| {
            Scenario::read(&text, &move |name| {
                assert_eq!(name, file);
                Ok(prices.to_owned())
            })
        };
        let scenario = read("month,price\n2018-12,80\n").expect("read");
        assert_eq!(scenario.prices.series.unit(), "EUR/kg");
        let wrong = read("month,price\n2018-12,x\n").expect_err("refused");
        assert_eq!(wrong.to_string(), format!("line 10: the price series '{file}'"));
        let source = std::error::Error::source(&wrong).map(ToString::to_string);
        assert_eq!(source.as_deref(), Some("line 2, column 'price'"));
    }
}
