//! `golv clear` and `golv check` of support auctions, from outside.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn data(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/support").join(file)
}

fn golv(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_golv")).args(arguments).output().expect("golv runs")
}

fn printed(arguments: &[&str]) -> String {
    let output = golv(arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

fn refused(arguments: &[&str]) -> String {
    let output = golv(arguments);
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty(), "nothing is printed by a refusal");
    String::from_utf8(output.stderr).expect("text")
}

fn json(support: &str, book: &Path, more: &[&str]) -> serde_json::Value {
    let book = book.to_str().expect("UTF-8");
    let arguments = [&["clear", "--json", "--support", support, "--book", book], more].concat();
    serde_json::from_str(&printed(&arguments)).expect("JSON")
}

/// Rules: R-AUC-065, R-AUC-070.
#[test]
fn the_hydrogen_banks_winners_come_out() {
    let result = json("european-hydrogen-bank", &data("hydrogen-bank.csv"), &[]);
    assert_eq!(result["totals"], serde_json::json!({ "quantity": "1580000000", "cost": "719040000" }));
    let winners: Vec<&str> = result["awards"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|award| award["id"].as_str())
        .collect();
    let published =
        ["eNRG Lahti", "El Alamillo H2", "Grey2Green-II", "HYSENCIA", "SKIGA", "Catalina", "MP2X"];
    assert_eq!(winners, published);
    let over = serde_json::json!({ "limited": [{ "limit": { "named": "budget" }, "over": { "money": "7240000" } }] });
    assert_eq!(result["rejections"][0]["reason"], over);
}

/// Each delivery year clears at its own price, and everything before it is valued anew.
#[test]
fn years_of_one_stack_clear_at_their_own_prices() {
    let result = json("stacked-budget", &data("two-years.csv"), &["--seed", "x", "--private"]);
    let scores: Vec<(u64, &str)> = result["clearing"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| (one["year"].as_u64().expect("a year"), one["score"].as_str().expect("a score")))
        .collect();
    assert_eq!(scores, [(2015, "70"), (2016, "79")]);
    assert_eq!(result["winning_prices"]["wind-2"], "78.999999");
    let years = |id: &str| {
        let all = result["rejections"].as_array().expect("a list");
        all.iter().find(|one| one["id"] == id).expect("rejected")["reason"].clone()
    };
    assert_eq!(years("wind-3"), serde_json::json!({ "year-closed": { "by": "wind-2" } }));
}

#[test]
fn a_result_is_checked_and_any_change_is_found() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("result.json");
    let book = data("two-years.csv");
    let result = json("stacked-budget", &book, &["--seed", "x", "--private"]);
    let check = |result: &serde_json::Value| {
        std::fs::write(&file, result.to_string()).expect("written");
        let paths = [&book, &file].map(|path| path.to_str().expect("UTF-8"));
        golv(&["check", "--book", paths[0], "--result", paths[1]])
    };
    let proved = check(&result);
    assert!(proved.status.success(), "{}", String::from_utf8_lossy(&proved.stderr));
    for (pointer, changed) in [
        ("/awards/0/quantity", "999999"),
        ("/awards/0/price", "71"),
        ("/awards/2/id", "wind-2"),
        ("/totals/cost", "1"),
        ("/clearing/0/score", "71"),
        ("/limits/0/used/money", "1"),
        ("/rejections/0/reason/limited/0/over/money", "1"),
        ("/winning_prices/wind-2", "82"),
        // It wins, and a tick more does too.
        ("/winning_prices/wind-2", "78"),
        ("/winning_tick", "0.5"),
        ("/winning_tick", "0"),
        ("/rule/payment", "own-price"),
        ("/rule/limits/1/most/money/amount", "90000000"),
    ] {
        let mut other = result.clone();
        *other.pointer_mut(pointer).unwrap_or_else(|| panic!("{pointer}: {result:#}")) = changed.into();
        let found = check(&other);
        assert_eq!(found.status.code(), Some(1), "{pointer}");
    }
    let mut other = result.clone();
    other["winning_prices"]["wind-2"] = serde_json::Value::Null;
    let said = String::from_utf8(check(&other).stderr).expect("text");
    assert!(said.contains("offer wind-2 is told that no price would have won, and 0 would"), "{said}");
    other["winning_prices"].as_object_mut().expect("prices").remove("wind-2");
    let said = String::from_utf8(check(&other).stderr).expect("text");
    assert!(said.contains("offer wind-2 was awarded nothing and is told no winning price"), "{said}");
}

/// Own prices between two ticks, and a tick that is larger than the gap to the price that wins.
#[test]
fn winning_prices_are_on_the_tick_that_was_asked_for() {
    let dir = tempfile::tempdir().expect("a directory");
    let [book, file] = ["book.csv", "result.json"].map(|name| dir.path().join(name));
    std::fs::write(&book, "id,price,quantity\na,81.7,1000\nb,82.5,250\nc,90,250\n").expect("written");
    let rule =
        "payment = 'own-price'\nmisfit = 'stop'\n[[limits]]\nname = 'v'\nmost = { quantity = '1000' }\n";
    let own = dir.path().join("rule.toml");
    std::fs::write(&own, rule).expect("written");
    let [book, file, own] = [&book, &file, &own].map(|path| path.to_str().expect("UTF-8"));
    for (tick, b) in [("0.1", "81.6"), ("1", "81"), ("5", "80"), ("100", "0")] {
        let arguments =
            ["clear", "--support-file", own, "--book", book, "--json", "--private", "--tick", tick];
        let text = printed(&arguments);
        let result: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!((&result["winning_tick"], &result["winning_prices"]["b"]), (&tick.into(), &b.into()));
        std::fs::write(file, text).expect("written");
        printed(&["check", "--book", book, "--result", file]);
    }
    // At 82, the tick below its own price, b stands before a and wins.
    std::fs::write(book, "id,price,quantity\na,82.2,1000\nb,82.5,250\n").expect("written");
    let text =
        printed(&["clear", "--support-file", own, "--book", book, "--json", "--private", "--tick", "1"]);
    let result: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(result["winning_prices"]["b"], "82");
}

/// A large book is awarded all the same; that nothing was looked for is said and can be checked.
#[test]
fn winning_prices_of_a_large_book_are_not_looked_for() {
    let dir = tempfile::tempdir().expect("a directory");
    let [book, file] = ["book.csv", "result.json"].map(|name| dir.path().join(name));
    let rows = (0..1_001).map(|number| format!("{number},{number},10\n"));
    std::fs::write(&book, format!("id,price,quantity\n{}", rows.collect::<String>())).expect("written");
    let result = json("by-volume", &book, &["--private"]);
    assert_eq!(result["winning_prices"], "not-looked-for");
    assert_eq!(result["totals"]["quantity"], "1000");
    std::fs::write(&file, result.to_string()).expect("written");
    let [book, file] = [&book, &file].map(|path| path.to_str().expect("UTF-8"));
    let said = printed(&["check", "--book", book, "--result", file]);
    assert!(said.contains("not looked for"), "{said}");
}

/// What a winner that declines leaves goes to the next, at its own price.
#[test]
fn the_reserve_list_is_called() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("result.json");
    let book = data("hydrogen-bank.csv");
    std::fs::write(&file, json("european-hydrogen-bank", &book, &[]).to_string()).expect("written");
    let [book, file] = [&book, &file].map(|path| path.to_str().expect("UTF-8"));
    let call = |declined: &'static str| {
        ["clear", "--book", book, "--call-reserve", file, "--declined", declined, "--csv"]
    };
    let called = printed(&call("SKIGA"));
    assert!(called.contains("(the next),180000000,0.49,awarded"), "{called}");
    let said = refused(&call("(the next)"));
    assert!(said.contains("awards it nothing"), "{said}");
    let said = refused(&call("nobody"));
    assert!(said.contains("no offer 'nobody'"), "{said}");
    let text = std::fs::read_to_string(file).expect("read");
    std::fs::write(file, text.replace("\"0.37\"", "\"0.47\"")).expect("written");
    let said = refused(&call("SKIGA"));
    assert!(said.contains("instead of 0.37: offer eNRG Lahti"), "{said}");
}

#[test]
fn what_cannot_be_awarded_is_refused_with_its_place() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("book.csv");
    let [book, hydrogen] =
        [&file, &data("hydrogen-bank.csv")].map(|path| path.to_str().expect("UTF-8").to_owned());
    let said = |text: &str| {
        std::fs::write(&file, text).expect("written");
        refused(&["clear", "--support", "by-volume", "--book", &book])
    };
    assert!(said("id,price,quantity\na,1,1\na,1,1\n").contains("line 3, column id"));
    let zero = said("id,price,quantity\na,1,1\nb,1,0\n");
    assert!(zero.contains("line 3, offer b: an offer's quantity is above zero"), "{zero}");
    let unknown = refused(&["clear", "--support", "ehb", "--book", &hydrogen]);
    assert!(unknown.contains("there is no support rule 'ehb', but by-budget, by-volume"), "{unknown}");
    let no_seed = refused(&["clear", "--support", "stacked-budget", "--book", &book]);
    assert!(no_seed.contains("no seed"), "{no_seed}");
    let changed = refused(&["clear", "--support", "by-volume", "--ceiling", "5", "--book", &hydrogen]);
    assert!(changed.contains("--tick alone"), "{changed}");
    let mixed =
        refused(&["clear", "--support", "by-volume", "--indivisible", "optimum", "--book", &hydrogen]);
    assert!(mixed.contains("--support"), "{mixed}");
}
