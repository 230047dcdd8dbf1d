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
    let all = [&["clear", "--json", "--book", "-"], arguments].concat();
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
        // A price, and that there is none.
        let mut wrong = result.clone();
        wrong["undecided"] = serde_json::json!({ "lowest": "199", "highest": "200" });
        assert_eq!(check(&wrong).status.code(), Some(1), "{rule}");
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
    let arguments = ["clear", "--json", "--tick", "0.5", "--private", "--book", arg(&book)];
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
            "order b2, line 3, is told that it was given 300, and it was given 100",
        ),
        (
            "/standings/2/reason",
            Some("nothing-left"),
            "order b3, line 4, is told nothing-left, and it is out-of-the-money",
        ),
        (
            "/standings/2/winning_limit",
            Some("9"),
            "order b3, line 4, is told that 9 would have won, and it would not",
        ),
        (
            "/standings/2/winning_limit",
            Some("10"),
            "order b3, line 4, is told that 10 would have won, and 9.5 would",
        ),
        ("/standings/2/winning_limit", None, "no limit would have won"),
        (
            "/standings/4/winning_limit",
            Some("1"),
            "is told that 1 would have won; only an order with a limit",
        ),
        ("/standings/3/id", Some("b1"), "has no standing in its place"),
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
    assert!(refused(&["clear", "--private", "--book", "-"], BOOK).contains("--json --private"));
}

#[test]
fn every_rule_is_compared_and_one_that_refuses_says_why() {
    let table = printed(&["clear", "--rules", "all", "--book", "-", "--reference-price", "199"], BOOK);
    for rule in
        ["asx", "bnb", "euronext", "iex", "krx", "moex", "nse", "pay-as-bid", "pay-as-clear", "us-treasury"]
    {
        assert!(table.lines().any(|line| line.trim_start().starts_with(rule)), "{rule}: {table}");
    }
    let list = printed(&["clear", "--rules", "all", "--json", "--book", "-"], BOOK);
    let list: serde_json::Value = serde_json::from_str(&list).expect("JSON");
    assert_eq!(list.as_array().map(Vec::len), Some(12));
    let off_lot = BOOK.replace("200,300", "200,300.5");
    let list = printed(&["clear", "--rules", "all", "--lot", "1", "--json", "--book", "-"], &off_lot);
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
    let said = refused(&["clear", "--book", "-", "--allocation", "seeded-draw"], BOOK);
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
    let csv = printed(&["clear", "--book", "-", "--csv", "--reference-price", "199"], BOOK);
    assert!(csv.starts_with("id,quantity,price,reason\nb1,200,"), "{csv}");
}

/// Seven are wanted, the cheaper offer is of use from ten on.
const INDIVISIBLE: &str =
    "id,side,price,quantity,min_quantity\nb1,buy,100,7,\ncheap,sell,3,20,10\ndear,sell,5,15,2\n";

#[test]
fn minimums_are_honoured_only_where_that_is_asked_for() {
    let said = refused(&["clear", "--book", "-", "--rule", "pay-as-clear"], INDIVISIBLE);
    assert!(
        said.contains("line 3, order cheap: it has a minimum quantity, which pro-rata does not honour"),
        "{said}"
    );
    assert_eq!(said.matches("does not honour").count(), 1, "a reason is said once: {said}");
    let by = |arguments: &[&str]| {
        let all = [&["clear", "--json", "--rule", "pay-as-clear", "--book", "-"], arguments].concat();
        serde_json::from_str::<serde_json::Value>(&printed(&all, INDIVISIBLE)).expect("JSON")
    };
    // At the rule's price of 3 the share of the only offer is 7, below its minimum: nothing is traded.
    let ferc = by(&["--indivisible", "ferc"]);
    assert_eq!(ferc, by(&["--allocation", "minimum-fill"]));
    assert_eq!((&ferc["price"], &ferc["volume"]), (&"3".into(), &"0".into()));
    let found = by(&["--indivisible", "optimum"]);
    let stated = serde_json::json!({
        "price": "5", "volume": "7", "cascade_step": "last-accepted-offer", "supporting": {"low": "5", "high": "100"},
        "status": "optimal", "welfare": "665", "bound": "665", "gap": "0", "paradoxically_rejected": ["cheap"],
        "fills": [
            {"id": "b1", "quantity": "7", "price": "5", "reason": "in-the-money"},
            {"id": "dear", "quantity": "7", "price": "5", "reason": "rationed"},
        ],
    });
    for (field, value) in stated.as_object().expect("an object") {
        assert_eq!(&found[field], value, "{field}");
    }
    assert!(found["nodes"].as_u64() > Some(1));
}

#[test]
fn an_optimum_is_checked_and_any_changed_number_is_found() {
    let dir = tempfile::tempdir().expect("a directory");
    let (book, file) = (dir.path().join("book.csv"), dir.path().join("result.json"));
    fs::write(&book, INDIVISIBLE).expect("written");
    let check = |result: &serde_json::Value| {
        fs::write(&file, result.to_string()).expect("written");
        golv(&["check", "--book", arg(&book), "--result", arg(&file)], "")
    };
    let with_limit = |limit: &str| {
        let all = ["clear", "--rule", "pay-as-clear", "--indivisible", "optimum", "--node-limit", limit];
        let all = [&all[..], &["--json", "--book", arg(&book)]].concat();
        serde_json::from_str::<serde_json::Value>(&printed(&all, "")).expect("JSON")
    };
    let found = with_limit("1000");
    let output = check(&found);
    let said = String::from_utf8(output.stdout).expect("text");
    assert!(output.status.success() && said.contains("worth 665"), "{said}");
    // The offer that was rejected would have gained 2 on each of 20.
    assert!(said.contains("its price proves that nothing is worth more than 705"), "{said}");
    assert!(said.contains("that nothing is worth more than 665 is the search's own word"), "{said}");
    for (pointer, changed) in [
        ("/price", "6".into()),
        ("/volume", "8".into()),
        ("/welfare", "666".into()),
        ("/bound", "664".into()),
        ("/gap", "1".into()),
        ("/supporting/low", "4".into()),
        ("/cascade_step", "highest".into()),
        ("/paradoxically_rejected", serde_json::json!([])),
        ("/paradoxically_rejected", serde_json::json!(["nobody"])),
        ("/fills/0/quantity", "6".into()),
        ("/fills/1/id", "cheap".into()),
        ("/fills/1/price", "6".into()),
        ("/fills/1/reason", "in-the-money".into()),
    ] {
        let mut wrong = found.clone();
        *wrong.pointer_mut(pointer).expect("it is there") = changed;
        assert_eq!(check(&wrong).status.code(), Some(1), "{pointer}");
    }
    let mut wrong = found.clone();
    wrong["fills"].as_array_mut().expect("fills").reverse();
    let said = String::from_utf8(check(&wrong).stderr).expect("text");
    assert!(
        said.contains("order b1, line 2, is given something after a later row; fills stand in the order"),
        "{said}"
    );
    // Stopped at once, nothing was found, and the bound is what merit order would be worth.
    let stopped = with_limit("1");
    assert_eq!((&stopped["status"], &stopped["nodes"]), (&"bound".into(), &1.into()));
    assert_eq!(
        (&stopped["welfare"], &stopped["bound"], &stopped["gap"]),
        (&"0".into(), &"679".into(), &"679".into())
    );
    assert!(check(&stopped).status.success());
    // Where there is no price nothing chose it, and no trade is supported.
    for (pointer, stated) in
        [("/cascade_step", "midpoint"), ("/supporting/low", "5"), ("/supporting/high", "5")]
    {
        let mut wrong = stopped.clone();
        *wrong.pointer_mut(pointer).expect("it is there") = stated.into();
        assert_eq!(check(&wrong).status.code(), Some(1), "{pointer}");
    }
}

#[test]
fn nothing_is_said_to_have_chosen_a_price_that_is_not_there() {
    let dir = tempfile::tempdir().expect("a directory");
    let (book, file) = (dir.path().join("book.csv"), dir.path().join("result.json"));
    fs::write(&book, "id,side,price,quantity\nb,buy,2,1\ns,sell,3,1\n").expect("written");
    let check = |result: &serde_json::Value| {
        fs::write(&file, result.to_string()).expect("written");
        golv(&["check", "--book", arg(&book), "--result", arg(&file)], "").status.code()
    };
    let printed = printed(&["clear", "--json", "--book", arg(&book)], "");
    let mut result: serde_json::Value = serde_json::from_str(&printed).expect("JSON");
    assert_eq!(check(&result), Some(0));
    result["cascade_step"] = "midpoint".into();
    assert_eq!(check(&result), Some(1));
}

#[test]
fn an_optimum_is_printed_for_people_and_as_fills() {
    let arguments = ["clear", "--rule", "pay-as-clear", "--indivisible", "optimum", "--book", "-"];
    let table = printed(&arguments, INDIVISIBLE);
    for line in
        ["price        5, by last-accepted-offer", "supporting   5 to 100", "welfare      665, optimal"]
    {
        assert!(table.contains(line), "{table}");
    }
    assert!(
        table.lines().any(|line| line.contains("cheap") && line.contains("paradoxically-rejected")),
        "{table}"
    );
    let csv = printed(&[&arguments[..], &["--csv"]].concat(), INDIVISIBLE);
    let lines = [
        "id,quantity,price,reason",
        "b1,7,5,in-the-money",
        "dear,7,5,rationed",
        "cheap,0,5,paradoxically-rejected",
    ];
    assert_eq!(csv.lines().collect::<Vec<_>>(), lines);
    let nothing = printed(&arguments, "id,side,price,quantity,min_quantity\nb,buy,2,1,1\ns,sell,3,1,1\n");
    assert!(nothing.contains("price        none: no price supports a trade\n"), "{nothing}");
}

#[test]
fn flags_that_would_not_be_looked_at_are_refused() {
    let clear = ["clear", "--book", "-"];
    let said = |arguments: &[&str]| {
        let output = golv(&[&clear[..], arguments].concat(), INDIVISIBLE);
        assert!(!output.status.success());
        String::from_utf8(output.stderr).expect("text")
    };
    assert!(said(&["--indivisible", "ferc", "--node-limit", "5"]).contains("ferc does not search"));
    assert!(said(&["--node-limit", "5"]).contains("--indivisible"));
    assert!(said(&["--indivisible", "optimum", "--allocation", "pro-rata"]).contains("--allocation"));
    assert!(said(&["--indivisible", "optimum", "--rules", "all"]).contains("--rules"));
    let private = ["--indivisible", "optimum", "--json", "--private"];
    assert!(said(&private).contains("an optimum has no winning limits"));
    let both = "id,side,price,quantity\nb,buy,,1\ns,sell,,1\n";
    let output = golv(&[&clear[..], &["--indivisible", "optimum"]].concat(), both);
    assert!(String::from_utf8_lossy(&output.stderr).contains("a reference price is needed"));
}
