//! `golv load` as a person runs it: what it counts adds up, and the same seed sends the same. How long anything takes is
//! not looked at.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command as Process, Output};

use crate::common::served::Served;
use crate::common::{BUYERS, Bench, Centre};
use golv_engine::command::Command;
use golv_engine::id::{CommandId, IdentityId};
use golv_journal::{Content, scan};
use golv_protocol::batch::Batch;
use serde_json::Value;

/// 280 commands of seven traders, of which the first 80 are not counted.
const SHORT: [&str; 9] = ["load", "--traders", "7", "--rate", "400", "--seconds", "0.5", "--warm-up", "0.2"];
const WARM_UP: u64 = 80;
const COUNTED: u64 = 200;

/// The first trader's identity.
const FIRST_TRADER: u32 = 1_001;

fn golv(arguments: &[&str]) -> Output {
    Process::new(env!("CARGO_BIN_EXE_golv")).args(arguments).output().expect("golv runs")
}

fn short(arguments: &[&str]) -> Output {
    golv(&[&SHORT, arguments].concat())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

fn json(output: &Output) -> Value {
    assert!(output.status.success(), "{}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("one JSON document")
}

/// What the traders sent, as a rehearsal's journal has it.
fn sent(journal: &Path) -> BTreeMap<(IdentityId, CommandId), Command> {
    let mut reader = scan(journal).expect("a journal");
    let mut sent = BTreeMap::new();
    while let Some(frame) = reader.next_frame().expect("whole") {
        let Content::Batch { payload, .. } = frame.content else { continue };
        let batch = Batch::<Command>::decode(payload).expect("a batch");
        let traders = batch.entries.into_iter().filter(|entry| entry.sender.0 >= FIRST_TRADER);
        sent.extend(traders.map(|entry| ((entry.sender, entry.id), entry.command)));
    }
    sent
}

#[test]
fn what_is_counted_adds_up() {
    let dir = tempfile::tempdir().expect("a directory");
    let (data, histogram) = (dir.path().join("data"), dir.path().join("latencies.csv"));
    let [data_text, histogram_text] = [&data, &histogram].map(|path| path.to_str().expect("UTF-8"));
    let told = json(&short(&["--data", data_text, "--histogram", histogram_text, "--json"]));
    for (name, expected) in
        [("commands", COUNTED), ("answered", COUNTED), ("unanswered", 0), ("refused", 0), ("traders", 7)]
    {
        assert_eq!(told[name], expected, "{name}: {told}");
    }
    assert_eq!(told["warm_up_commands"], WARM_UP);
    assert_eq!(told["refusals"], serde_json::json!({}));
    assert!(told["rate_achieved"].as_f64().is_some_and(|rate| rate > 0.0), "{told}");
    let latency = |name: &str| told["latency_us"][name].as_f64().expect("a number");
    let rising = ["p50", "p90", "p99", "p99.9", "max"].map(latency);
    assert!(rising.is_sorted(), "{told}");

    let rows = fs::read_to_string(histogram).expect("a file");
    let (header, rows) = rows.split_once('\n').expect("a header");
    assert_eq!(header, "latency_us,percent,commands");
    let last = rows.lines().last().expect("rows").split(',').collect::<Vec<_>>();
    assert_eq!(last[1..], ["100.00000", "200"]);
    let counts: Vec<u64> =
        rows.lines().map(|row| row.rsplit(',').next().expect("a count").parse().expect("a number")).collect();
    assert!(counts.is_sorted());

    // Each was executed once, in the mix that the help tells.
    let sent = sent(&data);
    assert_eq!(sent.len() as u64, WARM_UP + COUNTED);
    let count = |is: fn(&Command) -> bool| sent.values().filter(|command| is(command)).count();
    assert_eq!(count(|command| matches!(command, Command::PlaceBid { .. })), 112);
    assert_eq!(count(|command| matches!(command, Command::ReplaceBid { .. })), 56);
    assert_eq!(count(|command| matches!(command, Command::WithdrawBid { .. })), 112);
}

#[test]
fn the_same_seed_sends_the_same() {
    let dir = tempfile::tempdir().expect("a directory");
    let [first, second, other] = [("first", "5"), ("second", "5"), ("other", "6")].map(|(name, seed)| {
        let data = dir.path().join(name);
        let output = short(&["--seed", seed, "--data", data.to_str().expect("UTF-8")]);
        assert!(output.status.success(), "{}", text(&output.stderr));
        let printed = text(&output.stdout);
        for row in ["commands/s asked", "commands/s achieved", "answered", "refused", "p99.9 µs", "max µs"]
        {
            assert!(printed.contains(row), "{printed}");
        }
        sent(&data)
    });
    assert_eq!(first, second);
    assert_ne!(first, other);
}

/// Two traders of a running exchange, and what is said where they cannot be loaded.
#[tokio::test(flavor = "multi_thread")]
async fn a_running_exchange_is_loaded() {
    let bench = Bench::new();
    let served = Served::found(&bench);
    Centre::connect(&bench, served.address).furnish(&bench).await;
    let certificates = bench.path("traders");
    fs::create_dir(&certificates).expect("a new directory");
    for identity in BUYERS {
        for file in ["pem", "key.pem"].map(|end| format!("identity-{identity}.{end}")) {
            fs::copy(bench.pem(&file), certificates.join(&file)).expect("copied");
        }
    }
    let (server, ca) = (served.address.to_string(), bench.pem("ca.pem"));
    let load = |auction: &'static str, traders: &'static str| {
        let arguments =
            ["load", "--rate", "200", "--seconds", "0.3", "--warm-up", "0", "--json", "--traders", traders];
        let arguments = arguments.into_iter().chain(["--server", &server, "--server-name", "localhost"]);
        let arguments = arguments.chain(["--auction", auction, "--ca", ca.to_str().expect("UTF-8")]);
        let certificates = ["--certificates", certificates.to_str().expect("UTF-8")];
        let arguments: Vec<&str> = arguments.chain(certificates).collect();
        tokio::task::block_in_place(|| golv(&arguments))
    };
    let told = json(&load("1", "2"));
    for (name, expected) in [("commands", 60), ("answered", 60), ("unanswered", 0), ("refused", 0)] {
        assert_eq!(told[name], expected, "{name}: {told}");
    }
    assert_eq!(told["busy"], Value::Null, "the exchange alone knows");
    // Their ids go on where they were.
    assert_eq!(json(&load("1", "2"))["refused"], 0);

    for (auction, traders, expected) in
        [("1", "3", "has 2 certificates"), ("9", "2", "no auction 9"), ("1", "0", "--traders")]
    {
        let output = load(auction, traders);
        assert!(!output.status.success());
        let said = text(&output.stderr);
        assert!(said.contains(expected), "{said}");
    }
    served.stop().await;
}

#[test]
fn the_arguments_are_all_there_or_none() {
    for (arguments, expected) in [
        (&["load", "--server", "localhost:4433"][..], "--certificates <DIR>"),
        (&["load", "--auction", "1"], "--server <HOST:PORT>"),
        (&["load", "--rate", "0"], "give a number above 0"),
        (&["load", "--rate", "1e9", "--seconds", "10"], "choose a lower --rate"),
    ] {
        let output = golv(arguments);
        assert!(!output.status.success(), "{arguments:?}");
        let said = text(&output.stderr);
        assert!(said.contains(expected), "{said}");
    }
}
