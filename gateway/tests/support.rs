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
    let arguments = [&["clear", "--format", "json", "--support", support, "--book", book], more].concat();
    serde_json::from_str(&printed(&arguments)).expect("JSON")
}

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
        ("/rule/payment", "own-price"),
        ("/rule/limits/1/most/money/amount", "90000000"),
    ] {
        let mut other = result.clone();
        *other.pointer_mut(pointer).unwrap_or_else(|| panic!("{pointer}: {result:#}")) = changed.into();
        let found = check(&other);
        assert_eq!(found.status.code(), Some(1), "{pointer}");
    }
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
        ["clear", "--book", book, "--call-reserve", file, "--declined", declined, "--format", "csv"]
    };
    let called = printed(&call("SKIGA"));
    assert!(called.contains("(the next),180000000,0.49,awarded"), "{called}");
    let said = refused(&call("(the next)"));
    assert!(said.contains("awards it nothing"), "{said}");
    let said = refused(&call("nobody"));
    assert!(said.contains("no offer 'nobody'"), "{said}");
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
    assert!(unknown.contains("there is no rule 'ehb'; there are by-budget, by-volume"), "{unknown}");
    let no_seed = refused(&["clear", "--support", "stacked-budget", "--book", &book]);
    assert!(no_seed.contains("no seed"), "{no_seed}");
    let mixed =
        refused(&["clear", "--support", "by-volume", "--indivisible", "optimum", "--book", &hydrogen]);
    assert!(mixed.contains("--support"), "{mixed}");
}
