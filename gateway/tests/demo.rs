//! The demo as a person runs it: the same twice, back from its journal, and whole after it was killed.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use golv_engine::{Exchange, Mode, RulesVersion};
use golv_sim::day::{self, MarketDay};
use golv_sim::venue::EngineVenue;

/// `golv` in a working directory of its own.
fn golv(dir: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_golv"));
    command.current_dir(dir).args(arguments);
    command
}

fn output(dir: &Path, arguments: &[&str]) -> Output {
    golv(dir, arguments).output().expect("golv runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

#[test]
fn two_runs_of_one_seed_are_equal_byte_for_byte() {
    let (first, second, other) =
        (tempfile::tempdir().expect("a"), tempfile::tempdir().expect("b"), tempfile::tempdir().expect("c"));
    let ran: Vec<(Vec<u8>, Vec<u8>)> = [(&first, "7"), (&second, "7"), (&other, "8")]
        .map(|(dir, seed)| {
            let output = output(dir.path(), &["demo", "--seed", seed]);
            assert!(output.status.success(), "{}", text(&output.stderr));
            assert_eq!(text(&output.stderr), "", "nothing is said where nobody watches");
            let report = std::fs::read(dir.path().join("golv-demo/report.html")).expect("a report");
            (output.stdout, report)
        })
        .into();
    assert_eq!(ran[0], ran[1]);
    assert_ne!(ran[0].0, ran[2].0);
    let printed = text(&ran[0].0);
    let digests: Vec<&str> = printed.lines().filter(|line| line.contains(" digest ")).collect();
    let [state, chain, state_after, chain_after] = digests[..] else { panic!("four digests: {digests:?}") };
    assert_eq!((state, chain), (state_after, chain_after));
    assert!(state.starts_with("state digest ") && state.len() == "state digest ".len() + 64);
}

/// What comes through ring, journal and restart is what the bare engine does with the same commands.
#[test]
fn the_json_has_the_digest_of_the_bare_engine() {
    let dir = tempfile::tempdir().expect("a directory");
    let output = output(dir.path(), &["demo", "--seed", "3", "--json"]);
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one JSON document");

    let venue = EngineVenue::found(
        Exchange::new(Mode::Rehearsal, RulesVersion::NEWEST),
        day::start(),
        &day::founding(|_| None),
    );
    let mut day = MarketDay::new(venue, 3);
    day.prepare().expect("prepared");
    day.support_auction().expect("played");
    let call = day.call_auction().expect("played");
    let gallium = day.gallium_round().expect("played");
    let mut month = day::months().0;
    while month <= day::months().1 {
        day.settle(month).expect("settled");
        month = month.next().expect("a month");
    }
    let exchange = day.into_venue();
    assert_eq!(json["state_digest"], exchange.exchange().state_digest().to_string());
    assert_eq!(json["state_digest_after_restart"], json["state_digest"]);
    assert_eq!(json["chain_digest_after_restart"], json["chain_digest"]);
    assert_eq!(json["call_auction"]["volume"], call.result.volume().to_string());
    assert_eq!(json["gallium_round"]["matched"], gallium.matched.to_string());
    let outcomes = json["gallium_round"]["proposals"].as_array().map_or_else(Vec::new, |proposals| {
        proposals.iter().map(|it| (it["deal"].is_null(), it["countered"].is_null())).collect()
    });
    assert_eq!(outcomes, [(true, true), (false, false), (false, true)], "declined, countered, accepted");
    assert_eq!(json["settlement"].as_array().map(Vec::len), Some(81));
}

/// Played without a network the day ends in the same state; the journal has no keys in it, and so another chain.
#[test]
fn with_and_without_a_network_the_state_is_the_same() {
    let dir = tempfile::tempdir().expect("a directory");
    let [quic, local] = [&["demo", "--json"][..], &["demo", "--json", "--local"]].map(|arguments| {
        let output = output(dir.path(), arguments);
        assert!(output.status.success(), "{}", text(&output.stderr));
        serde_json::from_slice::<serde_json::Value>(&output.stdout).expect("JSON")
    });
    assert_eq!(quic["state_digest"], local["state_digest"]);
    assert_ne!(quic["chain_digest"], local["chain_digest"]);
    assert_eq!(quic["quic_sessions"], 22);
    assert_eq!(quic["gallium_round"], local["gallium_round"]);
    assert_eq!(quic["settlement"], local["settlement"]);
}

#[test]
fn a_journal_is_never_written_over() {
    let dir = tempfile::tempdir().expect("a directory");
    assert!(output(dir.path(), &["demo", "--data", "kept"]).status.success());
    let before = output(dir.path(), &["journal", "digest", "kept"]).stdout;
    let again = output(dir.path(), &["demo", "--data", "kept"]);
    assert_eq!(again.status.code(), Some(1));
    assert!(text(&again.stderr).contains("kept"), "{}", text(&again.stderr));
    assert_eq!(output(dir.path(), &["journal", "digest", "kept"]).stdout, before);
}

#[test]
fn verify_names_what_is_wrong_with_a_journal() {
    let dir = tempfile::tempdir().expect("a directory");
    let none = output(dir.path(), &["journal", "verify", "nowhere"]);
    assert_eq!(none.status.code(), Some(1));
    assert!(text(&none.stderr).contains("nowhere"), "{}", text(&none.stderr));

    assert!(output(dir.path(), &["demo", "--data", "kept"]).status.success());
    let whole = output(dir.path(), &["journal", "verify", "kept"]);
    assert!(whole.status.success());
    assert!(text(&whole.stdout).contains("verdict   whole"));
    // A byte in the middle.
    let segment = dir.path().join("kept/00000001.journal");
    let mut bytes = std::fs::read(&segment).expect("a segment");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&segment, bytes).expect("written");
    let damaged = output(dir.path(), &["journal", "verify", "kept"]);
    assert_eq!(damaged.status.code(), Some(1));
    let said = text(&damaged.stderr);
    assert!(
        said.contains("00000001.journal") && said.contains("offset") && said.contains("sequence"),
        "{said}"
    );
}

/// Killed at one point after another, every command that was acknowledged is in the journal.
#[test]
fn killed_in_the_middle_every_acknowledged_command_is_there() {
    for acknowledged in [1, 2, 5, 17, 40, 77, 111, 150, 222, 333, 430] {
        let dir = tempfile::tempdir().expect("a directory");
        let mut demo = golv(dir.path(), &["demo", "--data", "kept"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("golv runs");
        let mut lines = BufReader::new(demo.stdout.take().expect("piped")).lines();
        let mut seen: Vec<String> =
            lines.by_ref().take(acknowledged).map(|line| line.expect("text")).collect();
        // SIGKILL; whatever it could still print was acknowledged too.
        demo.kill().expect("killed");
        demo.wait().expect("gone");
        seen.extend(lines.map_while(Result::ok).filter(|line| line.starts_with("acknowledged ")));

        let verified = output(dir.path(), &["journal", "verify", "kept", "--commands"]);
        assert!(verified.status.success(), "{}", text(&verified.stderr));
        let listed = text(&verified.stdout);
        let listed: BTreeSet<Vec<&str>> =
            listed.lines().map(|line| line.split(' ').take(3).collect()).collect();
        for line in &seen {
            // acknowledged sequence 5 sender 1 id 3 done position 5:…
            let words: Vec<&str> = line.split(' ').collect();
            let ["acknowledged", "sequence", sequence, "sender", sender, "id", id, ..] = words[..] else {
                // The last line can be cut by the kill.
                assert_eq!(Some(line), seen.last(), "{line}");
                continue;
            };
            assert!(listed.contains(&vec![sequence, sender, id]), "lost: {line}");
        }
    }
}
