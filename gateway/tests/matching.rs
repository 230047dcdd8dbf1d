//! `golv match` as a person runs it.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

const BOARD: &str = "id,kind,party,material,grade,min_quantity,max_quantity,limit_price,window_start,window_end,place,origin,sector,group
o1,offer,Nordic Gallium,gallium,4N,0,10,2000,2026-06-01,2026-12-31,,FI,,
r1,request,Chips A,gallium,4N,0,4,2600,2026-07-01,2026-09-30,,,chips,pool
r2,request,Chips B,gallium,,0,2,2500,2026-07-01,2026-12-31,,,chips,pool
r3,request,Solar,gallium,4N,3,6,2400,2026-10-01,2026-12-31,,,energy,
r4,request,Magnets,gallium,6N,0,3,2900,2026-10-01,2026-12-31,,,energy,
";

fn run(arguments: &[&str], board: &str) -> Output {
    let mut golv = Command::new(env!("CARGO_BIN_EXE_golv"))
        .args(["match", "--board", "-"])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("golv runs");
    // Whoever refuses its arguments reads nothing.
    let _ = golv.stdin.take().expect("piped").write_all(board.as_bytes());
    golv.wait_with_output().expect("golv ends")
}

fn json_of(arguments: &[&str]) -> Value {
    let output = run(&[arguments, &["--json"]].concat(), BOARD);
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[test]
fn a_board_is_matched() {
    let deal = |request: &str, quantity: i64| json!({ "offer": "o1", "request": request, "quantity": quantity, "price": "2400" });
    let expected = json!({
        "matched_quantity": 10,
        // 6 × (2500 − 2000) for the group at its lowest limit, and 4 × (2400 − 2000).
        "surplus": "4600",
        // What was refused of r3 makes the supplier's price.
        "deals": [deal("r1", 4), deal("r2", 2), deal("r3", 4)],
        "unmatched": ["r4"],
        "optimal": true,
        "bound": { "matched_quantity": 10, "surplus": "4600" },
    });
    assert_eq!(json_of(&[]), expected);
}

#[test]
fn rules_prices_floor_and_cap_are_flags() {
    let quantities = |arguments: &[&str]| -> Vec<(String, i64)> {
        let result = json_of(arguments);
        let deals = result["deals"].as_array().expect("deals").iter();
        deals
            .map(|deal| {
                (
                    deal["request"].as_str().expect("an id").to_owned(),
                    deal["quantity"].as_i64().expect("lots"),
                )
            })
            .collect()
    };
    let named = |list: &[(&str, i64)]| -> Vec<(String, i64)> {
        list.iter().map(|(id, lots)| ((*id).to_owned(), *lots)).collect()
    };
    let energy = quantities(&["--preference", "priority", "--sectors", "energy,chips"]);
    assert_eq!(energy, named(&[("r1", 3), ("r2", 1), ("r3", 6)]));
    assert_eq!(quantities(&["--preference", "pro-rata"]), named(&[("r1", 3), ("r2", 2), ("r3", 5)]));
    let price = |arguments: &[&str]| json_of(arguments)["deals"][0]["price"].clone();
    assert_eq!(price(&["--price", "ask"]), "2000");
    assert_eq!(price(&["--price", "midpoint"]), "2250");
    assert_eq!(price(&["--price", "k=0.2"]), "2100");
    assert_eq!(price(&["--floor", "2450"]), "2450", "and the request below it has no deal");
    let capped = json_of(&["--origin-cap", "0.65"]);
    assert_eq!(capped["matched_quantity"], 0, "one origin is never 65 % of itself");
}

#[test]
fn a_table_and_rows_are_printed_and_errors_name_their_place() {
    let text = |arguments: &[&str]| String::from_utf8(run(arguments, BOARD).stdout).expect("text");
    assert!(text(&[]).contains("matched 10, surplus 4,600; nothing is better"));
    let rows = "offer,request,quantity,price\no1,r1,4,2400\no1,r2,2,2400\no1,r3,4,2400\n";
    assert_eq!(text(&["--csv"]), rows);
    let output = run(&[], &BOARD.replace("2400", "dear"));
    let said = String::from_utf8(output.stderr).expect("text");
    assert!(!output.status.success() && output.stdout.is_empty());
    assert!(said.contains("line 5, column limit_price: 'dear' is not a plain decimal number"), "{said}");
    assert!(!run(&["--preference", "priority"], BOARD).status.success(), "a priority names its sectors");
}
