//! `golv sim` as a person runs it: the same on every venue, sweeps that go on, and what is said where something is wrong.

use std::fs;

use crate::common::Bench;
use crate::common::desk::{Server, done, golv, text};
use golv_sim::scenario::library;
use serde_json::Value;

/// Ten months of the library's lithium, in which the floor pays, under three policies.
fn short() -> String {
    let lithium = library().iter().find(|ready| ready.name == "lithium").expect("in the library").text;
    let (text, _) = lithium.split_once("[policy.collar]").expect("a policy");
    text.replace("2012-07", "2019-06").replace("2025-09", "2020-03")
}

fn bench() -> Bench {
    let bench = Bench::new();
    fs::write(bench.path("short.toml"), short()).expect("written");
    bench
}

/// What is said of a call that must fail, and that nothing else is printed.
fn refused(bench: &Bench, arguments: &[&str]) -> String {
    let output = golv(bench, arguments);
    assert_eq!(output.status.code(), Some(1), "golv {}", arguments.join(" "));
    assert_eq!(text(&output.stdout), "", "golv {}", arguments.join(" "));
    text(&output.stderr)
}

fn json(printed: &str) -> Value {
    serde_json::from_str(printed).expect("one JSON document")
}

const FOUND: [&str; 8] = [
    "found",
    "--data",
    "data",
    "--name=Centre",
    "--operators",
    "pki/identity-1.pem",
    "pki/identity-2.pem",
    "--rehearsal",
];

/// The arguments that play the short scenario on an exchange.
fn connected<'a>(server: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let way =
        ["--server", server, "--server-name", "localhost", "--ca", "pki/ca.pem", "--certificates", "pki"];
    [&["sim", "run", "short.toml", "--policy", "floor"][..], &way, more].concat()
}

/// Awards, statements and figures are the same bytes from the engine alone, behind a journal, and across a network.
#[test]
fn every_venue_comes_to_the_same() {
    let bench = bench();
    let engine = done(&bench, &["sim", "run", "short.toml", "--policy", "floor", "--json"]);
    let told = json(&engine);
    assert_ne!(told["award"]["volume"], "0", "{}", told["award"]);
    let statements = told["statements"].as_array().expect("statements");
    let paid = statements
        .iter()
        .filter(|it| it["difference_payments"].as_array().is_some_and(|all| !all.is_empty()));
    assert!(paid.count() >= 2, "the floor pays in these months");
    assert!(statements.iter().all(|it| it["awards"].is_array()));

    let journal = ["sim", "run", "short.toml", "--policy", "floor", "--json", "--data", "played"];
    assert_eq!(done(&bench, &journal), engine);
    assert!(done(&bench, &["journal", "verify", "played"]).contains("verdict   whole"));
    // What is there is not written over.
    assert!(refused(&bench, &journal).contains("played"));

    let made = done(&bench, &["sim", "identities", "short.toml", "--out", "pki"]);
    let founding = made.lines().find(|line| line.starts_with("golv found ")).expect("how to found it");
    let start = founding.split(' ').skip_while(|word| *word != "--rehearsal").nth(1).expect("an instant");
    done(&bench, &[&FOUND[..], &[start]].concat());
    let server = Server::start(&bench, "127.0.0.1:0");
    let address = server.address.to_string();
    assert_eq!(done(&bench, &connected(&address, &["--json"])), engine);
    let again = refused(&bench, &connected(&address, &[]));
    assert!(again.contains("the exchange has been used: it stands at sequence"), "{again}");
    server.terminate();
    assert!(done(&bench, &["journal", "verify", "data"]).contains("verdict   whole"));
}

/// An exchange that cannot be played on is told why, and stays as it was.
#[test]
fn only_a_fresh_rehearsal_is_played_on() {
    for (clock, expected) in [
        (&[][..], "the exchange is live, and a play sets its clock: found a rehearsal"),
        (
            &["--rehearsal", "2024-01-01T00:00:00Z"],
            "the exchange's clock stands at 2024-01-01T00:00:00Z: found it with",
        ),
    ] {
        let bench = bench();
        done(&bench, &["sim", "identities", "short.toml", "--out", "pki"]);
        done(&bench, &[&FOUND[..7], clock].concat());
        let digest = |printed: String| {
            printed.lines().find(|line| line.contains("state")).expect("a digest").to_owned()
        };
        let before = digest(done(&bench, &["journal", "digest", "data"]));
        let server = Server::start(&bench, "127.0.0.1:0");
        let said = refused(&bench, &connected(&server.address.to_string(), &[]));
        assert!(said.contains(expected), "{said}");
        server.terminate();
        assert_eq!(digest(done(&bench, &["journal", "digest", "data"])), before);
    }
}

#[test]
fn an_operator_is_who_it_should_be() {
    let bench = bench();
    done(&bench, &["sim", "identities", "short.toml", "--out", "pki"]);
    let crossed =
        ["found", "--data", "data", "--name=Centre", "--rehearsal", "2019-05-01T09:00:00Z", "--operators"];
    done(&bench, &[&crossed[..], &["pki/identity-2.pem", "pki/identity-1.pem"]].concat());
    let server = Server::start(&bench, "127.0.0.1:0");
    let said = refused(&bench, &connected(&server.address.to_string(), &[]));
    assert!(said.contains("speaks for identity 2 there and not for operator 1"), "{said}");
    server.terminate();
    fs::remove_file(bench.pem("identity-1001.pem")).expect("it was made");
    let said = refused(&bench, &connected("localhost:1", &[]));
    assert!(said.contains("identity-1001.pem"), "{said}");
}

/// The same bytes on one thread and on three, and from a sweep that was broken off in the middle of a row.
#[test]
fn a_sweep_is_the_same_however_it_is_played() {
    let bench = bench();
    let sweep = |out: &str, threads: &str, paths: &str| {
        let set = "policy.floor.strike=95000,105000";
        let arguments =
            ["sim", "sweep", "short.toml", "--set", set, "--policies", "none,floor", "--paths", paths];
        golv(&bench, &[&arguments[..], &["--threads", threads, "--out", out]].concat())
    };
    let read = |name: &str| fs::read(bench.path(name)).expect("rows");
    let one = sweep("one.csv", "1", "40");
    assert!(one.status.success(), "{}", text(&one.stderr));
    let printed = text(&one.stdout);
    assert!(printed.contains("budget at risk") && printed.contains("160 rows in one.csv"), "{printed}");
    assert!(sweep("three.csv", "3", "40").status.success());
    let whole = read("one.csv");
    assert!(read("three.csv") == whole);

    for kept in [0, 10, whole.len() / 3, whole.len() - 1, whole.len()] {
        fs::write(bench.path("broken.csv"), &whole[..kept]).expect("written");
        let resumed = sweep("broken.csv", "3", "40");
        assert!(resumed.status.success(), "{}", text(&resumed.stderr));
        assert_eq!(resumed.stdout, text(&one.stdout).replace("one.csv", "broken.csv").into_bytes());
        assert!(read("broken.csv") == whole, "{kept} bytes were there");
    }

    // Another sweep's file stays as it is, and so does one that is no sweep's.
    for (paths, expected) in [("41", "is of another sweep"), ("39", "is of another sweep")] {
        let other = sweep("one.csv", "1", paths);
        assert_eq!(other.status.code(), Some(1));
        let said = text(&other.stderr);
        assert!(
            said.contains("one.csv is left as it is; choose another --out") && said.contains(expected),
            "{said}"
        );
        assert!(read("one.csv") == whole);
    }
    fs::write(bench.path("notes.csv"), "a,b\n1,2\n").expect("written");
    assert!(
        text(&sweep("notes.csv", "1", "40").stderr).contains("line 1 is not the header of a sweep's rows")
    );
    assert_eq!(read("notes.csv"), b"a,b\n1,2\n");
}

#[test]
fn every_method_makes_paths() {
    let bench = bench();
    for (method, paths) in [("bootstrap", 3), ("jumps", 3), ("history", 1)] {
        let out = format!("{method}.csv");
        let arguments =
            ["sim", "sweep", "lithium", "--policies", "floor", "--paths", "3", "--method", method];
        let printed = done(&bench, &[&arguments[..], &["--out", &out]].concat());
        assert_eq!(
            fs::read_to_string(bench.path(&out)).expect("rows").lines().count(),
            1 + paths,
            "{method}"
        );
        assert_eq!(printed.contains("Fitted"), method == "jumps", "{printed}");
    }
    let few = refused(&bench, &["sim", "sweep", "gallium", "--method", "jumps", "--out", "few.csv"]);
    assert!(few.contains("at least 24 prices"), "{few}");
    assert!(!bench.path("few.csv").exists());
}

/// What a scenario of the library prints is a scenario; what is wrong with one is told with its line, and what would be right.
#[test]
fn scenarios_are_found_or_it_is_said_why_not() {
    let bench = bench();
    let listed = done(&bench, &["sim", "scenarios"]);
    for ready in library() {
        assert!(listed.contains(ready.name), "{listed}");
        let file = done(&bench, &["sim", "scenarios", ready.name]);
        assert_eq!(file.trim_end(), ready.text.trim_end());
    }
    fs::write(bench.path("mine.toml"), done(&bench, &["sim", "scenarios", "gallium"])).expect("written");
    let [mine, theirs] = ["mine.toml", "gallium"].map(|name| done(&bench, &["sim", "run", name]));
    assert_eq!(mine, theirs);
    assert!(mine.contains("policy floor"), "the first that supports anybody: {mine}");

    fs::write(bench.path("wrong.toml"), short().replace("tick = 50", "tick = 0.5")).expect("written");
    for (name, expected) in [
        ("lithum", "there is no scenario 'lithum' (is lithium meant?); golv sim scenarios lists"),
        ("tin", "there is no scenario 'tin'; golv sim scenarios lists"),
        ("nowhere.toml", "nowhere.toml cannot be read"),
        ("wrong.toml", "wrong.toml: line 15: a number with decimals is written in quotes"),
    ] {
        let said = refused(&bench, &["sim", "run", name]);
        assert!(said.contains(expected), "{said}");
    }
    let said = refused(&bench, &["sim", "run", "short.toml", "--policy", "colar"]);
    assert!(said.contains("no policy 'colar': it has floor, none, two-way"), "{said}");
    let said =
        refused(&bench, &["sim", "sweep", "short.toml", "--set", "policy.flor.strike=1", "--out", "x.csv"]);
    assert!(said.contains("there is no 'flor'"), "{said}");
}

/// The figures of a comparison are those of each policy played alone; paths add theirs.
#[test]
fn policies_are_compared() {
    let bench = bench();
    let compared =
        json(&done(&bench, &["sim", "compare", "short.toml", "--policies", "none,floor", "--json"]));
    for key in ["none", "floor"] {
        let alone = json(&done(&bench, &["sim", "run", "short.toml", "--policy", key, "--json"]));
        let mut figures = compared["policies"][key]["figures"].clone();
        // That one needs something to compare with.
        figures["price_of_diversification"] = Value::Null;
        assert_eq!(alone["figures"], figures, "{key}");
    }
    assert_eq!(compared["policies"]["two-way"], Value::Null);
    let table = done(&bench, &["sim", "compare", "short.toml", "--paths", "5"]);
    assert!(table.contains("over 5 paths") && table.contains("public_cost_95"), "{table}");
}

#[test]
fn series_are_listed_shown_and_converted() {
    let bench = bench();
    let all = done(&bench, &["sim", "prices", "--csv"]);
    assert!(all.starts_with("name,what,basis,unit,every,first,last,gaps,source,licence\n"), "{all}");
    assert!(all.lines().count() > 40);
    assert!(done(&bench, &["sim", "prices"]).contains("Primary Commodity Price System"));
    let shown = done(&bench, &["sim", "prices", "lithium-metal"]);
    for part in ["battery grade", "2012-06 to 2025-09", "gaps     none", "licence  IMF data terms", "█"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }

    // 117,350 USD/t at 0.9110 EUR per USD would be 106.9 EUR/kg: what was used stands beside it.
    let rows = done(&bench, &["sim", "prices", "lithium-metal", "--to", "EUR/kg", "--csv"]);
    let mut rows = rows.lines();
    assert_eq!(rows.next(), Some("month,price,before,own_per_USD,wanted_per_USD"));
    for row in rows {
        let fields: Vec<f64> = row.split(',').skip(1).map(|field| field.parse().expect("a number")).collect();
        let [price, before, own, wanted] = fields[..] else { panic!("{row}") };
        assert!(own == 1.0 && (price - before / 1000.0 * wanted).abs() < 1e-5 * price, "{row}");
    }

    let own = "month,price\n2020-01,10\n2020-02,20\n2020-05,15\n";
    fs::write(bench.path("own.csv"), own).expect("written");
    let read = ["sim", "prices", "own.csv", "--in", "USD/kg"];
    let shown = done(&bench, &[&read[..], &["--svg", "own.svg"]].concat());
    assert!(shown.contains("gaps     2020-03 to 2020-04"), "{shown}");
    assert!(fs::read_to_string(bench.path("own.svg")).expect("drawn").contains("<path class=\"reference\""));
    assert_eq!(done(&bench, &[&read[..], &["--csv"]].concat()), own, "what is printed can be read");
    for (arguments, expected) in [
        (&["own.csv"][..], "add --in"),
        (&["lithium-metal", "--in", "USD/t"], "--in is for a file of your own"),
        (&["lithum-metal"], "there is no series 'lithum-metal'"),
        (&["lithium-metal", "--to", "GBP/t"], "there are no exchange rates of GBP"),
        (&["lithium-metal", "--to", "EUR/t", "--money-of", "2024-01"], "have no value for 2025-"),
        (&["lithium-metal", "--first", "2030-01"], "it has some from 2012-06 to 2025-09"),
    ] {
        let said = refused(&bench, &[&["sim", "prices"][..], arguments].concat());
        assert!(said.contains(expected), "{said}");
    }
    let wrong = golv(&bench, &["sim", "prices", "lithium-metal", "--to", "EUR"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(text(&wrong.stderr).contains("a currency and a unit such as USD/t"));
}

#[test]
fn a_report_is_a_page_and_its_files() {
    let bench = bench();
    done(&bench, &["sim", "report", "short.toml", "--paths", "4", "--out", "report"]);
    let page = fs::read_to_string(bench.path("report/report.html")).expect("a page");
    assert!(page.contains("over 4 paths") && page.contains("battery grade"));
    for name in
        ["figures.csv", "cost.svg", "cost.csv", "payments-floor.svg", "award-floor.csv", "trade-none.svg"]
    {
        assert!(bench.path("report").join(name).exists(), "{name}");
    }
    let first = fs::read(bench.path("report/report.html")).expect("a page");
    done(&bench, &["sim", "report", "short.toml", "--paths", "4", "--threads", "3", "--out", "report"]);
    assert!(fs::read(bench.path("report/report.html")).expect("a page") == first);
}

/// Each command's long help has a line to copy.
#[test]
fn help_teaches() {
    let bench = Bench::new();
    for command in ["scenarios", "prices", "run", "identities", "compare", "sweep", "report"] {
        let help = done(&bench, &["sim", command, "--help"]);
        assert!(help.contains(&format!("golv sim {command} ")), "{help}");
    }
}

/// Rows become a Parquet file where golv was built to write one; a plain build says how before it plays anything.
#[test]
fn rows_become_parquet_where_it_was_built() {
    let bench = bench();
    let sweep = ["sim", "sweep", "short.toml", "--policies", "floor", "--paths", "2", "--out", "rows.csv"];
    let arguments = [&sweep[..], &["--parquet", "rows.parquet"]].concat();
    if golv_sim::parquet::available().is_ok() {
        done(&bench, &arguments);
        let written = fs::read(bench.path("rows.parquet")).expect("written");
        assert!(written.starts_with(b"PAR1") && written.ends_with(b"PAR1"));
    } else {
        let said = refused(&bench, &arguments);
        assert!(said.contains("rows.parquet cannot be written"), "{said}");
        assert!(said.contains("cargo build --release --features parquet"), "{said}");
        assert!(!bench.path("rows.csv").exists());
    }
}
