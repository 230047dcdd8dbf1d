//! `golv serve --check` on set-ups that are right and on those that are not.

use std::collections::BTreeMap;
use std::fs;
use std::net::UdpSocket;
use std::path::Path;
use std::process::{Command as Process, Output};

use crate::common::*;
use golv_gateway::pipeline::{Creation, Pipeline, Waiting};
use golv_gateway::pki::{self, Kind, Validity};
use serde_json::Value;

/// An exchange that can be served, and a configuration file that says so.
fn set_up() -> Bench {
    let bench = Bench::new();
    let creation = Creation::Rehearsal { seed: 1, start: start() };
    let pipeline = Pipeline::create(&bench.path("data"), creation, bench.founding(), Waiting::Park);
    pipeline.expect("created").stop().expect("stopped");
    let text = "data = 'data'\nlisten = '127.0.0.1:0'\ncertificate = 'pki/server.pem'\n\
                key = 'pki/server.key.pem'\nca = 'pki/ca.pem'\nmetrics = '127.0.0.1:0'\n";
    fs::write(bench.path("golv.toml"), text).expect("a file");
    bench
}

fn golv(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut process = Process::new(env!("CARGO_BIN_EXE_golv"));
    process.args(arguments).envs(variables.iter().copied()).output().expect("golv runs")
}

fn check(bench: &Bench, flags: &[&str], variables: &[(&str, &str)]) -> Output {
    let file = bench.path("golv.toml");
    let common = ["serve", "--check", "--config", file.to_str().expect("UTF-8")];
    golv(&[&common[..], flags].concat(), variables)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

/// The check fails, and one line of those that are marked as wrong says this.
fn assert_wrong(bench: &Bench, flags: &[&str], says: &str) {
    let output = check(bench, flags, &[]);
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(1), "{out}{err}");
    let wrong: Vec<&str> = out.lines().filter(|line| line.starts_with("wrong")).collect();
    assert!(wrong.iter().any(|line| line.contains(says)), "{says}\n{out}{err}");
    assert!(err.contains(&format!("({} in all)", wrong.len())), "{err}");
}

/// Every file under a directory with its content.
fn content(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(dir).expect("a directory").map(|entry| entry.expect("an entry").path());
    entries.map(|path| (path.display().to_string(), fs::read(&path).expect("a file"))).collect()
}

#[test]
fn a_right_set_up_is_shown_with_who_set_what_and_not_changed() {
    let bench = set_up();
    let before = content(&bench.path("data"));
    let output = check(&bench, &["--log-level", "warn"], &[("GOLV_LOG", "json"), ("GOLV_LOGS", "json")]);
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{out}{err}");
    assert_eq!(content(&bench.path("data")), before);
    let row = |name: &str| {
        let line = out.lines().find(|line| line.split_whitespace().next() == Some(name));
        line.unwrap_or_else(|| panic!("{name}\n{out}"))
            .split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(row("log_level"), ["log_level", "warn", "--log-level"]);
    assert_eq!(row("log"), ["log", "json", "GOLV_LOG"]);
    assert_eq!(row("waiting"), ["waiting", "park", "default"]);
    assert!(row("listen")[2].ends_with("golv.toml:2:10"));
    for part in [
        "an exchange with 1 segment; a start replays what came after sequence 1",
        "clients connect to it as localhost",
        "UDP 127.0.0.1:0 can be listened on",
        "TCP 127.0.0.1:0 can be listened on",
        "in 0 days; have another issued",
        "GOLV_LOGS names no key and is ignored; is GOLV_LOG meant?",
    ] {
        assert!(out.contains(part), "{part}\n{out}");
    }
}

#[test]
fn a_program_gets_the_same_as_json() {
    let bench = set_up();
    let output = check(&bench, &["--json"], &[("GOLV_LOG", "json")]);
    assert!(output.status.success());
    let found: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(found["can_be_served"], true);
    assert_eq!(found["configuration"].as_object().map(serde_json::Map::len), Some(15));
    assert_eq!(found["configuration"]["log"]["source"], "environment");
    assert_eq!(found["configuration"]["log"]["set_by"], "GOLV_LOG");
    assert_eq!(found["configuration"]["data"]["source"], "file");
    let verdicts = found["findings"].as_array().expect("a list");
    assert!(verdicts.iter().all(|finding| finding["verdict"] != "wrong"), "{found}");

    let output = check(&bench, &["--json", "--data", "nowhere"], &[]);
    assert_eq!(output.status.code(), Some(1));
    let found: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(found["can_be_served"], false);
}

#[test]
fn certificates_must_be_valid_a_server_s_and_the_key_s() {
    let bench = set_up();
    let day = |day| golv_engine::time::Instant::at_midnight(2020, 1, day).expect("a day");
    let past = Validity { not_before: day(1), not_after: day(2) };
    let hosts = vec!["localhost".to_owned()];
    pki::issue(&bench.path("pki"), "old", &Kind::Server { hosts }, past).expect("issued");
    let pem = |name: &str| bench.pem(name).to_str().expect("UTF-8").to_owned();
    let (old, old_key) = (pem("old.pem"), pem("old.key.pem"));
    assert_wrong(&bench, &["--certificate", &old, "--key", &old_key], "ended at 2020-01-02");
    assert_wrong(&bench, &["--key", &old_key], "does not serve the certificate");
    let (client, client_key) = (pem("identity-1.pem"), pem("identity-1.key.pem"));
    assert_wrong(&bench, &["--certificate", &client, "--key", &client_key], "names no host");
    assert_wrong(&bench, &["--ca", &old_key], "holds no certificate");
    assert_wrong(&bench, &["--ca", "nowhere.pem"], "nowhere.pem cannot be read");
}

#[test]
fn addresses_must_be_free_and_the_directory_an_exchange() {
    let bench = set_up();
    let taken = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("bound").to_string();
    assert_wrong(&bench, &["--listen", &address], &format!("cannot listen on UDP {address}"));
    assert_wrong(&bench, &["--metrics", "192.0.2.1:9464"], "cannot listen on TCP 192.0.2.1:9464");
    assert_wrong(&bench, &["--data", "nowhere"], "nowhere");
    let pki = bench.path("pki");
    assert_wrong(&bench, &["--data", pki.to_str().expect("UTF-8")], "no journal");
}

/// The exchange itself refuses what the check would, before it touches the journal.
#[test]
fn a_wrong_file_stops_the_exchange_before_it_starts() {
    let bench = set_up();
    let file = bench.path("golv.toml");
    fs::write(&file, "lissten = '127.0.0.1:0'\n").expect("a file");
    let output = golv(&["serve", "--config", file.to_str().expect("UTF-8")], &[]);
    let err = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{err}");
    assert!(err.contains("golv.toml:1:1: there is no key lissten; is listen meant?"), "{err}");
    assert!(err.contains("data is missing: give --data or GOLV_DATA"), "{err}");
}
