//! What exchanges, public bodies and papers print as examples, and real market hours, through `golv clear`.
//!
//! A case is a folder: the book, the flags, and the facts that its source states. `data/rulebooks/SOURCES.md`,
//! `data/indivisible/README.md` and `data/gme/SOURCES.md` say where each comes from.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use golv_engine::num::{Price, Quantity};
use serde_json::Value;

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data")
}

/// The folders in a folder, by name.
fn folders(parent: &Path) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = fs::read_dir(parent)
        .expect("a folder of cases")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    folders
}

/// The cases with one book each.
fn cases(family: &str) -> Vec<PathBuf> {
    folders(&data().join(family)).into_iter().filter(|case| case.join("book.csv").exists()).collect()
}

fn name(case: &Path) -> String {
    case.file_name().expect("a named folder").to_string_lossy().into_owned()
}

fn text(case: &Path, file: &str) -> String {
    fs::read_to_string(case.join(file)).unwrap_or_else(|error| panic!("{}: {file}: {error}", name(case)))
}

fn json(case: &Path, file: &str) -> Value {
    serde_json::from_str(&text(case, file)).unwrap_or_else(|error| panic!("{}: {file}: {error}", name(case)))
}

/// Clears one book of a case with its arguments. An error is what `golv` said.
fn clear(case: &Path, book: &str) -> Result<Value, String> {
    let output = Command::new(env!("CARGO_BIN_EXE_golv"))
        .args(["clear", "--json", "--book"])
        .arg(case.join(book))
        .args(text(case, "arguments").split_whitespace())
        .output()
        .expect("golv runs");
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    serde_json::from_slice(&output.stdout).map_err(|error| format!("not JSON: {error}"))
}

/// What each order got, by its id; an order that is not named got nothing.
fn fills(result: &Value) -> BTreeMap<&str, &str> {
    let fills = result["fills"].as_array().map(Vec::as_slice).unwrap_or_default();
    fills
        .iter()
        .map(|fill| {
            (fill["id"].as_str().expect("an id"), fill["quantity"].as_str().expect("a decimal string"))
        })
        .collect()
}

/// Whether a price lies in the equilibrium of a result; an end that is null has no bound.
fn in_equilibrium(price: Price, equilibrium: &Value) -> bool {
    let end = |key: &str| equilibrium[key].as_str().map(|text| text.parse::<Price>().expect("a price"));
    let (low, high) = (end("low"), end("high"));
    (low.is_some() || high.is_some())
        && low.is_none_or(|low| low <= price)
        && high.is_none_or(|high| price <= high)
}

/// Each fact that the result does not keep, in words.
fn broken_facts(facts: &Value, result: &Value) -> Vec<String> {
    let mut broken = Vec::new();
    for (field, stated) in facts.as_object().expect("facts are an object") {
        match field.as_str() {
            "price"
            | "volume"
            | "surplus"
            | "surplus_side"
            | "cascade_step"
            | "welfare"
            | "paradoxically_rejected" => {
                if result.get(field) != Some(stated) {
                    broken.push(format!("{field} is {}, the source says {stated}", result[field]));
                }
            }
            "fills" => {
                let got = fills(result);
                for (id, quantity) in fills(facts) {
                    let got = got.get(id).copied().unwrap_or("0");
                    if got != quantity {
                        broken.push(format!("{id} gets {got}, the source says {quantity}"));
                    }
                }
            }
            "equilibrium_contains" => {
                let published = stated.as_str().expect("a decimal string").parse().expect("a price");
                if !in_equilibrium(published, &result["equilibrium"]) {
                    broken.push(format!("the equilibrium is {}, without {stated}", result["equilibrium"]));
                }
            }
            unknown => broken.push(format!("no fact is called {unknown}")),
        }
    }
    broken
}

/// The case's name before each fact that its result does not keep.
fn compare(case: &Path, book: &str, facts: &str) -> Vec<String> {
    let broken = match clear(case, book) {
        Ok(result) => broken_facts(&json(case, facts), &result),
        Err(said) => vec![format!("golv clear failed: {said}")],
    };
    broken.into_iter().map(|fact| format!("{}, {book}: {fact}", name(case))).collect()
}

fn assert_facts(family: &str, least: usize) {
    let cases = cases(family);
    assert!(cases.len() >= least, "{family} has {} cases", cases.len());
    let broken: Vec<String> =
        cases.iter().flat_map(|case| compare(case, "book.csv", "expected.json")).collect();
    assert!(broken.is_empty(), "{} facts broken:\n{}", broken.len(), broken.join("\n"));
}

#[test]
fn rule_book_examples_come_out_as_printed() {
    assert_facts("rulebooks", 56);
}

#[test]
fn indivisible_books_come_out_as_printed() {
    assert_facts("indivisible", 15);
}

/// The checker accepts each of them: it works out welfare, volume and who was rejected by itself.
#[test]
fn results_of_indivisible_books_are_accepted() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("result.json");
    for case in cases("indivisible") {
        let result = clear(&case, "book.csv").unwrap_or_else(|said| panic!("{}: {said}", name(&case)));
        assert_eq!(result["status"], "optimal", "{}", name(&case));
        fs::write(&file, result.to_string()).expect("written");
        let output = Command::new(env!("CARGO_BIN_EXE_golv"))
            .args(["check", "--result"])
            .arg(&file)
            .arg("--book")
            .arg(case.join("book.csv"))
            .output()
            .expect("golv runs");
        assert!(output.status.success(), "{}: {}", name(&case), String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn real_hours_have_their_published_price_in_the_equilibrium() {
    assert_facts("gme", 12);
}

/// What adding an order did wrong: less volume, or a price moved against the order's own side.
fn wrongs_of_the_extra_order(extra_is_a_buy: bool, before: &Value, after: &Value) -> Vec<String> {
    let price = |result: &Value| result["price"].as_str().map(|text| text.parse::<Price>().expect("a price"));
    let volume = |result: &Value| {
        result["volume"].as_str().expect("a decimal string").parse::<Quantity>().expect("a quantity")
    };
    let mut wrongs = Vec::new();
    if volume(after) < volume(before) {
        wrongs.push(format!("the volume falls from {} to {}", before["volume"], after["volume"]));
    }
    let moved_against_it = match (price(before), price(after)) {
        (Some(before), Some(after)) if extra_is_a_buy => after < before,
        (Some(before), Some(after)) => after > before,
        (None, _) | (_, None) => true,
    };
    if moved_against_it {
        wrongs.push(format!("the price goes from {} to {}", before["price"], after["price"]));
    }
    wrongs
}

/// Known defects of another auction, restated: ours does not have them.
#[test]
fn an_extra_order_neither_cuts_the_volume_nor_moves_the_price_against_its_side() {
    let cases = folders(&data().join("rulebooks/counterexamples"));
    assert_eq!(cases.len(), 3);
    let mut wrongs = Vec::new();
    for case in &cases {
        wrongs.extend(compare(case, "before.csv", "before.json"));
        if case.join("after.json").exists() {
            wrongs.extend(compare(case, "after.csv", "after.json"));
        }
        let extra_is_a_buy = text(case, "after.csv").lines().any(|line| line.starts_with("extra,buy,"));
        match (clear(case, "before.csv"), clear(case, "after.csv")) {
            (Ok(before), Ok(after)) => wrongs.extend(
                wrongs_of_the_extra_order(extra_is_a_buy, &before, &after)
                    .into_iter()
                    .map(|wrong| format!("{}: {wrong}", name(case))),
            ),
            (Err(said), _) | (_, Err(said)) => wrongs.push(format!("{}: {said}", name(case))),
        }
    }
    assert!(wrongs.is_empty(), "{}", wrongs.join("\n"));
}

/// Each case is named in the page beside it, whole or by its family as in `bnb_*`, and its fills are of orders in its book.
#[test]
fn every_case_has_a_source_and_names_orders_of_its_book() {
    for (family, page) in [("rulebooks", "SOURCES.md"), ("indivisible", "README.md")] {
        let sources = text(&data().join(family), page);
        let named: Vec<&str> = sources
            .lines()
            .filter(|line| line.starts_with("| `"))
            .flat_map(|line| line.split('`').skip(1).step_by(2))
            .collect();
        for case in cases(family) {
            let name = name(&case);
            let is_named = named.iter().any(|source| match source.strip_suffix('*') {
                Some(family) => name.starts_with(family),
                None => name == *source,
            });
            assert!(is_named, "{name} has no source");
            let book = text(&case, "book.csv");
            for id in fills(&json(&case, "expected.json")).keys() {
                let row = format!("{id},");
                assert!(book.lines().skip(1).any(|line| line.starts_with(&row)), "{name}: no order {id}");
            }
        }
    }
}

/// The comparison itself: each kind of fact can fail.
#[test]
fn a_wrong_result_breaks_every_fact() {
    let facts = serde_json::json!({
        "price": "95", "volume": "50", "surplus": "10", "surplus_side": "buy", "cascade_step": "pressure",
        "fills": [{"id": "a", "quantity": "50"}, {"id": "b", "quantity": "0"}],
        "equilibrium_contains": "95", "welfare": "100", "paradoxically_rejected": ["c"],
    });
    let right = serde_json::json!({
        "price": "95", "volume": "50", "surplus": "10", "surplus_side": "buy", "cascade_step": "pressure",
        "fills": [{"id": "a", "quantity": "50", "price": "95"}],
        "equilibrium": {"low": "94.5", "high": null}, "welfare": "100", "paradoxically_rejected": ["c"],
    });
    let wrong = serde_json::json!({
        "price": null, "volume": "0", "surplus": "0", "surplus_side": null, "cascade_step": null,
        "fills": [{"id": "b", "quantity": "50", "price": "95"}],
        "equilibrium": {"low": "95.5", "high": "96"}, "welfare": "99", "paradoxically_rejected": [],
    });
    assert_eq!(broken_facts(&facts, &right), Vec::<String>::new());
    assert_eq!(broken_facts(&facts, &wrong).len(), 10);
}
