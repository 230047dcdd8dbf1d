//! `golv clear` and `golv check` from outside: what is printed is proved, and what was changed is found.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

const BOOK: &str = "id,side,price,quantity\nb1,buy,202,200\nb2,buy,200,300\ns1,sell,198,200\ns2,sell,,400\n";

fn golv(arguments: &[&str], input: &str) -> Output {
    let mut process = Command::new(env!("CARGO_BIN_EXE_golv"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("golv runs");
    // One that reads nothing may be gone by now.
    let _ = process.stdin.take().expect("piped").write_all(input.as_bytes());
    process.wait_with_output().expect("it ends")
}

fn printed(arguments: &[&str], input: &str) -> String {
    let output = golv(arguments, input);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

fn refused(arguments: &[&str], input: &str) -> String {
    let output = golv(arguments, input);
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty(), "nothing is printed by a refusal");
    String::from_utf8(output.stderr).expect("text")
}

fn json(arguments: &[&str]) -> serde_json::Value {
    let all = [&["clear", "--format", "json", "--book", "-"], arguments].concat();
    serde_json::from_str(&printed(&all, BOOK)).expect("JSON")
}

fn arg(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

#[test]
fn a_result_is_proved_and_any_changed_number_is_found() {
    let dir = tempfile::tempdir().expect("a directory");
    let (book, file) = (dir.path().join("book.csv"), dir.path().join("result.json"));
    fs::write(&book, BOOK).expect("written");
    for rule in ["xetra-equities", "pay-as-clear", "pay-as-bid", "us-treasury", "krx", "asx"] {
        let result = json(&["--rule", rule, "--reference-price", "199"]);
        let check = |result: &serde_json::Value| {
            fs::write(&file, result.to_string()).expect("written");
            golv(&["check", "--book", arg(&book), "--result", arg(&file)], "")
        };
        let proved = check(&result);
        assert!(proved.status.success(), "{rule}: {}", String::from_utf8_lossy(&proved.stderr));
        for (pointer, changed) in [
            ("/price", "201.5"),
            ("/volume", "499"),
            ("/surplus", "7"),
            ("/equilibrium/low", "1"),
            ("/fills/0/quantity", "1"),
            ("/fills/0/price", "3"),
            ("/certificate/total_demand", "1"),
            ("/certificate/total_supply", "1"),
            ("/certificate/bought", "1"),
            ("/certificate/sold", "1"),
            ("/certificate/curve/0/price", "1"),
            ("/certificate/curve/0/demand", "1"),
            ("/certificate/curve/0/supply", "1"),
        ] {
            let mut wrong = result.clone();
            *wrong.pointer_mut(pointer).expect("it is there") = changed.into();
            let found = check(&wrong);
            assert_eq!(found.status.code(), Some(1), "{rule}: {pointer}");
        }
        // What is not there is not checked, and what is not known is not looked at.
        let mut bare = result.clone();
        bare.as_object_mut().expect("an object").remove("certificate");
        bare["comment"] = "later".into();
        let said = String::from_utf8(check(&bare).stdout).expect("text");
        assert_eq!(said.lines().count(), 1, "{rule}: {said}");
        // Somebody's fill is left out: it is named.
        let mut wrong = result.clone();
        wrong["fills"].as_array_mut().expect("fills").remove(0);
        let said = String::from_utf8(check(&wrong).stderr).expect("text");
        assert!(said.contains("order b1, line 2"), "{rule}: {said}");
    }
}

#[test]
fn each_order_is_told_how_it_stands_and_any_change_names_it() {
    let dir = tempfile::tempdir().expect("a directory");
    let (book, file) = (dir.path().join("book.csv"), dir.path().join("result.json"));
    let rows =
        "id,side,price,quantity\nb1,buy,10,300\nb2,buy,9,300\nb3,buy,8,200\nb4,buy,,0\ns1,sell,5,400\n";
    fs::write(&book, rows).expect("written");
    let arguments = ["clear", "--format", "json", "--tick", "0.5", "--private", "--book", arg(&book)];
    let result: serde_json::Value = serde_json::from_str(&printed(&arguments, "")).expect("JSON");
    let standing = |id: &str, given: &str, reason: &str, winning_limit: Option<&str>| serde_json::json!({ "id": id, "given": given, "reason": reason, "winning_limit": winning_limit });
    let expected = [
        standing("b1", "300", "in-the-money", None),
        standing("b2", "100", "rationed", None),
        standing("b3", "0", "out-of-the-money", Some("9.5")),
        standing("b4", "0", "no-quantity", None),
        standing("s1", "400", "in-the-money", None),
    ];
    assert_eq!(result["standings"], serde_json::Value::from(expected.to_vec()));
    let check = |result: &serde_json::Value| {
        fs::write(&file, result.to_string()).expect("written");
        golv(&["check", "--book", arg(&book), "--result", arg(&file)], "")
    };
    let said = String::from_utf8(check(&result).stdout).expect("text");
    assert!(said.ends_with("its certificate is right\nwhat each order is told is right\n"), "{said}");
    for (pointer, changed, said) in [
        (
            "/standings/1/given",
            Some("300"),
            "row 1 is told that it was given 300, and it was given 100: order b2, line 3",
        ),
        (
            "/standings/2/reason",
            Some("nothing-left"),
            "row 2 is told nothing-left, and it is out-of-the-money: order b3, line 4",
        ),
        (
            "/standings/2/winning_limit",
            Some("9"),
            "row 2 is told that 9 would have won, and it would not: order b3, line 4",
        ),
        (
            "/standings/2/winning_limit",
            Some("10"),
            "row 2 is told that 10 would have won, and 9.5 would: order b3, line 4",
        ),
        ("/standings/2/winning_limit", None, "no limit would have won"),
        (
            "/standings/4/winning_limit",
            Some("1"),
            "row 4 is told that 1 would have won; only an order with a limit",
        ),
        ("/standings/3/id", Some("b1"), "row 3 has no standing in its place"),
        ("/standings/3/id", Some("b9"), "the result names 'b9', which is not in the book"),
    ] {
        let mut wrong = result.clone();
        *wrong.pointer_mut(pointer).expect("it is there") = changed.into();
        let found = check(&wrong);
        assert_eq!(found.status.code(), Some(1), "{pointer}");
        let found = String::from_utf8(found.stderr).expect("text");
        assert!(found.contains(said), "{pointer}: {found}");
    }
    let mut without = result.clone();
    without["standings"].as_array_mut().expect("standings").pop();
    assert_eq!(check(&without).status.code(), Some(1));
    // It is not printed unless it is asked for, and only as JSON.
    assert!(json(&[]).get("standings").is_none());
    assert!(refused(&["clear", "--private", "--book", "-"], BOOK).contains("--format json --private"));
}

#[test]
fn every_rule_is_compared_and_one_that_refuses_says_why() {
    let table = printed(&["clear", "--rules", "all", "--book", "-", "--reference-price", "199"], BOOK);
    for rule in
        ["asx", "bnb", "euronext", "iex", "krx", "moex", "nse", "pay-as-bid", "pay-as-clear", "us-treasury"]
    {
        assert!(table.lines().any(|line| line.trim_start().starts_with(rule)), "{rule}: {table}");
    }
    let list = printed(&["clear", "--rules", "all", "--format", "json", "--book", "-"], BOOK);
    let list: serde_json::Value = serde_json::from_str(&list).expect("JSON");
    assert_eq!(list.as_array().map(Vec::len), Some(12));
    let off_lot = BOOK.replace("200,300", "200,300.5");
    let list =
        printed(&["clear", "--rules", "all", "--lot", "1", "--format", "json", "--book", "-"], &off_lot);
    assert!(list.contains("line 3, order b2: its quantity or minimum is not a whole multiple"), "{list}");
}

#[test]
fn nothing_is_cleared_where_a_row_or_a_rule_is_wrong() {
    let bad = BOOK.replace("198,200", "198;200");
    assert!(refused(&["clear", "--book", "-"], &bad).contains("the book cannot be read"));
    let bad = BOOK.replace("202,200", "202,2OO");
    assert!(refused(&["clear", "--book", "-"], &bad).contains("line 2, column quantity: '2OO'"));
    let said = refused(&["clear", "--book", "-", "--tick", "5"], BOOK);
    assert!(said.contains("line 2, order b1: its price is not a whole multiple of the tick 5"), "{said}");
    assert!(refused(&["clear", "--book", "-", "--rule", "nyse"], BOOK).contains("there is no rule 'nyse'"));
    assert!(refused(&["clear", "--book", "nowhere.csv"], "").contains("nowhere.csv cannot be read"));
    let said = refused(&["clear", "--book", "-", "--allocation", "seeded-lot"], BOOK);
    assert!(said.contains("needs a seed"), "{said}");
}

#[test]
fn a_rule_is_printed_changed_and_used_as_a_file() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("rule.toml");
    let rule = printed(&["clear", "--rule", "asx", "--tick", "0.5", "--print-rule"], "");
    assert!(rule.contains("tick = \"0.5\""), "{rule}");
    fs::write(&file, rule).expect("written");
    let by_file = json(&["--rule-file", arg(&file), "--reference-price", "199"]);
    let by_name = json(&["--rule", "asx", "--tick", "0.5", "--reference-price", "199"]);
    assert_eq!(by_file, by_name);
    let csv = printed(&["clear", "--book", "-", "--format", "csv", "--reference-price", "199"], BOOK);
    assert!(csv.starts_with("id,quantity,price,reason\nb1,200,"), "{csv}");
}
