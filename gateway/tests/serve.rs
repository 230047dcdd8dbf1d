//! `golv serve` as an operator runs it: founded, administered and traded on from the command line, stopped in order,
//! and killed under load.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::common::desk::*;
use crate::common::replayed::Replayed;
use crate::common::*;
use golv_engine::Answer;
use golv_engine::id::{CommandId, IdentityId};
use golv_gateway::pipeline::{Creation, Pipeline, Waiting};
use golv_protocol::message::{ClientMessage, Closing, Position, ServerMessage};

const TIMES: &str = "--opens-at 2019-01-02T00:00:00Z --closes-at 2019-01-03T00:00:00Z --challenge-seconds 60";

/// A book with minimums is searched by an operator and cleared by what was found.
#[test]
fn bids_with_minimums_are_cleared_by_a_solution() {
    let bench = Bench::new();
    found(&bench);
    let server = Server::start(&bench, "127.0.0.1:0");
    let desk = Desk::furnished(&bench, &server);
    desk.agree(&format!(
        "auctions announce-call 1 --market 1 {TIMES} --reference-price 500 --solution-seconds 60"
    ));
    desk.clock("2019-01-02T01:00:00Z");
    desk.bid(7, "--auction 1 --buy --price 520 --quantity 2 --minimum 2");
    desk.bid(7, "--auction 1 --buy --price 600 --quantity 1 --minimum 1");
    desk.bid(4, "--auction 1 --sell --price 400 --quantity 2 --origin FI");
    let early = desk.run("admin", 1, "auctions solve 1");
    assert!(text(&early.stderr).contains("not told before its close"), "{}", text(&early.stderr));
    desk.clock("2019-01-03T00:00:00Z");
    let solved = desk.does("admin", 1, "auctions solve 1");
    assert!(solved.starts_with("found a choice worth 240, optimal"), "{solved}");
    desk.clock("2019-01-03T00:01:00Z");
    desk.does("admin", 1, "auctions clear 1");
    desk.clock("2019-01-04T00:00:00Z");
    let statement: serde_json::Value =
        serde_json::from_str(&desk.does("trade", 7, "statement --json")).expect("JSON");
    assert_eq!(statement["awards"].as_array().map(Vec::len), Some(1), "{statement}");
    assert_eq!(statement["awards"][0]["quantity"], "2", "{statement}");
    server.terminate();
    done(&bench, &["journal", "verify", "data"]);
}

/// A programme buys with its budget, the winner accepts, and what was bought is sold again.
#[test]
fn a_programme_buys_by_a_stack_and_sells_again() {
    let bench = Bench::new();
    found(&bench);
    let server = Server::start(&bench, "127.0.0.1:0");
    let desk = Desk::furnished(&bench, &server);
    desk.agree("programmes open 1 --name Floor --currency USD");
    desk.agree("programmes fund 1 --funder State --amount 20000 --currency USD");
    desk.agree("collateral deposit 4 --amount 400 --currency USD");
    desk.agree(&format!(
        "auctions announce-purchase 1 --market 1 --programme 1 --quantity 40 --worst-sale 300 --support pay-as-bid \
         --budget 10000 --bond 10 --acceptance-seconds 3600 {TIMES}"
    ));
    desk.clock("2019-01-02T01:00:00Z");
    let short = desk.run("trade", 4, "place --auction 1 --sell --price 400 --quantity 50 --origin FI");
    assert!(text(&short.stdout).contains("needs 100 USD more collateral"), "{}", text(&short.stdout));
    let bid = desk.bid(4, "--auction 1 --sell --price 400 --quantity 40 --origin FI");
    // What is held for a bid would tell how much is bid.
    let collateral = "\"collateral of participant 4, bid bonds included\",USD,400.00";
    let balances = desk.does("admin", 1, "balances --csv");
    assert!(balances.contains(collateral) && !balances.contains("bonds of"), "{balances}");
    let own = desk.does("trade", 4, "account");
    assert!(own.contains("bid bonds of participant 4"), "{own}");
    let postings = || done(&bench, &["journal", "postings", "data", "--participant", "4", "--csv"]);
    assert!(postings().contains("deposits of participant 4") && !postings().contains("bid bonds"));
    let export = || done(&bench, &["journal", "export", "data"]);
    assert!(export().contains(r#"{"event":"posted","sealed":true}"#), "{}", export());
    desk.clock("2019-01-03T00:00:00Z");
    // The tick that closes the auction is in the journal before any later command's answer comes, and not before the clock's.
    desk.does("admin", 1, "auctions clear 1");
    assert!(postings().contains("bid bonds of participant 4"), "{}", postings());
    assert!(!export().contains("\"sealed\":true"), "{}", export());
    desk.clock("2019-01-03T00:01:00Z");
    desk.does("trade", 4, &format!("accept {bid} --auction 1"));
    desk.clock("2019-01-03T01:01:00Z");
    let times = TIMES.replace("2019-01-03", "2019-01-05").replace("2019-01-02", "2019-01-04");
    desk.agree(&format!("auctions announce-sale 2 --purchase 1 {times}"));
    desk.clock("2019-01-04T01:00:00Z");
    desk.bid(7, "--auction 2 --buy --price 350 --quantity 60");
    desk.clock("2019-01-05T00:00:00Z");
    desk.does("admin", 1, "auctions clear 2");
    desk.clock("2019-01-06T00:00:00Z");
    let events = desk.does("trade", 4, "statement");
    // 40 at 400 were sold for 350 each.
    assert!(events.contains("16,000.00"), "{events}");
    let bought: serde_json::Value =
        serde_json::from_str(&desk.does("trade", 7, "statement --json")).expect("JSON");
    assert_eq!(bought["totals"][0]["bought"], "14000.00", "{bought}");
    server.terminate();
    done(&bench, &["journal", "verify", "data"]);
}

/// What buyers owe is invoiced and paid, sellers are paid when it has come in, and everybody finds it on its account.
#[test]
fn what_is_owed_is_paid_and_accounted_for() {
    let bench = Bench::new();
    found(&bench);
    let server = Server::start(&bench, "127.0.0.1:0");
    let desk = Desk::furnished(&bench, &server);
    desk.agree("clearing-terms --currency USD");
    desk.agree("own-resources --amount 1000 --currency USD");
    desk.agree("default-fund contribute 7 --amount 500 --currency USD");
    desk.agree("collateral deposit 7 --amount 480 --currency USD");
    desk.agree(&format!("auctions announce-call 1 --market 1 {TIMES} --reference-price 500"));
    desk.clock("2019-01-02T01:00:00Z");
    desk.bid(7, "--auction 1 --buy --price 480 --quantity 10");
    desk.bid(4, "--auction 1 --sell --price 480 --quantity 10 --origin FI");
    desk.bid(4, "--auction 1 --sell --price 900 --quantity 1 --origin FI");
    desk.clock("2019-01-03T00:00:00Z");
    desk.does("admin", 1, "auctions clear 1");
    desk.clock("2019-01-03T01:00:00Z");
    let account = |identity, more: &str| -> serde_json::Value {
        serde_json::from_str(&desk.does("trade", identity, &format!("account --json{more}"))).expect("JSON")
    };
    let owing = account(7, "");
    let invoice = &owing["open_invoices"][0];
    // Two business days after a Thursday.
    assert_eq!((&invoice["open"]["amount"], &invoice["due"]), (&"4800.00".into(), &"2019-01-07".into()));
    let waiting = account(4, "");
    assert_eq!(waiting["claims"][0]["amount"]["amount"], "4800.00", "{waiting}");
    desk.agree("payments take --amount 5000 --currency USD");
    desk.agree("payments attribute 7 --amount 4800 --currency USD");
    desk.agree("payments pay-out --amount 200 --currency USD");
    assert_eq!(account(7, "")["open_invoices"], serde_json::json!([]));
    desk.clock("2019-01-08T00:00:00Z");
    let paid = account(4, "");
    assert_eq!(paid["claims"], serde_json::json!([]), "{paid}");
    let last = paid["postings"].as_array().and_then(|postings| postings.last()).expect("paid");
    assert_eq!((&last["account"], &last["balance"]), (&"participant 4".into(), &"4800.00".into()), "{paid}");
    desk.agree("payments pay-out 4 --amount 4800 --currency USD");
    let of_day = account(4, " --day 2019-01-08");
    assert!(of_day["postings"].as_array().is_some_and(|postings| postings.len() < 5), "{of_day}");
    // The session's balances are the journal's own, where nothing is held for bids.
    let balances = desk.does("admin", 1, "balances --csv").replace(", bid bonds included", ", free");
    let journals = done(&bench, &["journal", "balances", "data", "--csv"]);
    assert_eq!(balances, journals);
    assert!(balances.contains("sum,USD,0.00"), "{balances}");
    desk.does("admin", 1, "halt 7");
    let halted = desk.run("trade", 7, "withdraw-all");
    assert!(!halted.status.success(), "{}", text(&halted.stdout));
    server.terminate();
    let postings = done(&bench, &["journal", "postings", "data"]);
    assert!(postings.contains("payment of the sellers of auction 1"), "{postings}");
}

/// A whole market from the command line: certificates, founding, set-up by two operators, bids, clearing, statements.
#[test]
fn a_market_from_the_command_line() {
    let bench = Bench::new();
    let operators = ["pki/identity-1.pem", "pki/identity-2.pem"];
    // One key would be one pair of eyes.
    let twice = ["pki/identity-1.pem", "pki/identity-1.pem"];
    let found = ["found", "--data", "data", "--name", "The centre", "--rehearsal", "2019-01-01T00:00:00Z"];
    let refused = golv(&bench, &[&found[..], &["--operators"], &twice].concat());
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("every key is bound once"), "{}", text(&refused.stderr));
    let founded = done(&bench, &[&found[..], &["--operators"], &operators].concat());
    assert!(founded.contains(&bench.of(1).fingerprint().to_string()), "{founded}");
    let server = Server::start(&bench, "127.0.0.1:0");
    let desk = Desk::furnished(&bench, &server);
    let run = |command: &str, identity: u32, arguments: &str| desk.run(command, identity, arguments);
    desk.agree(
        "auctions announce-call 1 --market 1 --opens-at 2019-01-02T00:00:00Z --closes-at 2019-01-03T00:00:00Z --challenge-seconds 60 --reference-price 500",
    );
    let early = run("trade", 7, "place --auction 1 --buy --price 500 --quantity 10");
    assert_eq!(early.status.code(), Some(1), "a refusal is told by the exit code");
    assert!(text(&early.stdout).contains("opens at 2019-01-02T00:00:00Z"), "{}", text(&early.stdout));
    assert!(run("admin", 1, "clock set 2019-01-02T01:00:00Z").status.success());
    let placed = run("trade", 7, "place --auction 1 --buy --price 510 --quantity 10");
    let bid = last_word_of_first_line(&text(&placed.stdout));
    assert!(
        run("trade", 7, &format!("replace {bid} --auction 1 --price 520 --quantity 10")).status.success()
    );
    assert!(
        run("trade", 4, "place --auction 1 --sell --price 480 --quantity 20 --origin FI").status.success()
    );
    let extra = run("trade", 7, "place --auction 1 --buy --price 500 --quantity 1 --json");
    let extra: serde_json::Value = serde_json::from_slice(&extra.stdout).expect("JSON");
    let acknowledged = extra["acknowledged"].as_str().expect("a position").to_owned();
    let extra = extra["bid"].as_str().expect("the bid's name").to_owned();
    let withdraw = format!("withdraw {extra} --auction 1");
    // Of the same sequence, with another chain.
    let (sequence, _) = acknowledged.split_once(':').expect("sequence and chain");
    let other = format!("{sequence}:{}", "0".repeat(64));
    let refused = run("trade", 7, &format!("--acknowledged {other} {withdraw}"));
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("is behind what it had told"), "{}", text(&refused.stderr));
    let withdrawn = run("trade", 7, &format!("--acknowledged {acknowledged} {withdraw}"));
    let said = text(&withdrawn.stdout);
    assert!(withdrawn.status.success(), "{}", text(&withdrawn.stderr));
    let position =
        said.lines().nth(1).and_then(|line| line.strip_prefix("acknowledged ")).expect("a position");
    assert!(position.parse::<Position>().is_ok(), "{said}");
    assert!(run("admin", 1, "clock set 2019-01-03T00:00:00Z").status.success());
    assert!(run("admin", 1, "auctions clear 1").status.success());
    assert!(run("admin", 1, "clock set 2019-01-04T00:00:00Z").status.success());
    // Supply is 10 over at 480 and at 520: the lower.
    let statement = run("trade", 4, "statement");
    assert!(text(&statement.stdout).contains("4,800.00"), "{}", text(&statement.stdout));
    let statement = run("trade", 7, "statement --json");
    let statement: serde_json::Value = serde_json::from_slice(&statement.stdout).expect("JSON");
    assert_eq!(statement["totals"][0]["bought"], "4800.00", "{statement}");
    let stranger = run("trade", 8, "statement");
    assert!(text(&stranger.stderr).contains("speaks for nobody"), "{}", text(&stranger.stderr));

    let stopped = server.terminate();
    let verified = done(&bench, &["journal", "verify", "data"]);
    assert!(verified.contains("sealed by an orderly stop"), "{verified}");
    for digest in stopped.lines().filter(|line| line.contains(" digest ")) {
        assert!(verified.contains(digest), "{digest}\n{verified}");
    }
}

/// However much there is to see, a command's answer comes.
#[test]
fn a_command_is_answered_behind_a_long_history() {
    let bench = Bench::new();
    let creation = Creation::Rehearsal { seed: 1, start: start() };
    let pipeline =
        Pipeline::create(&bench.path("data"), creation, bench.founding(), Waiting::Park).expect("created");
    let mut session = pipeline.connect().expect("running");
    let operator = IdentityId(OPERATORS[0]);
    let mut answered = 0;
    for id in 1..=3_000 {
        let command = golv_engine::command::Command::SetClock { to: after(0) };
        session.send(operator, CommandId(id), command).expect("taken");
        while !matches!(session.receive().expect("running"), golv_gateway::pipeline::Message::Answered { .. })
        {
        }
        answered += 1;
    }
    assert_eq!(answered, 3_000);
    pipeline.stop().expect("stopped");
    let server = Server::start(&bench, "127.0.0.1:0");
    let address = server.address.to_string();
    let connection = ["--server", &address, "--server-name", "localhost", "--ca", "pki/ca.pem"];
    let key = ["--certificate", "pki/identity-1.pem", "--key", "pki/identity-1.key.pem"];
    let call = [&["admin"][..], &connection, &key, &["clock", "set", "2019-01-01T00:00:00Z"]].concat();
    assert!(done(&bench, &call).contains("command 3001 done"));
}

#[test]
fn certificates_are_shown_as_they_were_issued() {
    let bench = Bench::new();
    let issued =
        done(&bench, &["pki", "issue", "pki", "new", "--server", "localhost,127.0.0.1", "--days", "3"]);
    let shown = done(&bench, &["pki", "show", "pki/new.pem"]);
    assert!(shown.contains("localhost, 127.0.0.1"), "{shown}");
    let fingerprint = bench.credentials("new").fingerprint().to_string();
    assert!(issued.contains(&fingerprint) && shown.contains(&fingerprint));
    let again = golv(&bench, &["pki", "issue", "pki", "new"]);
    assert_eq!(again.status.code(), Some(1));
    assert!(text(&again.stderr).contains("not overwritten"), "{}", text(&again.stderr));
}

/// Killed under load and started again, round after round: each trader, connecting again, sees every bid of its own that was
/// acknowledged, once.
#[test]
fn killed_under_load_nothing_acknowledged_is_lost() {
    let bench = Arc::new(Bench::new());
    let creation = Creation::Rehearsal { seed: 1, start: start() };
    let pipeline =
        Pipeline::create(&bench.path("data"), creation, bench.founding(), Waiting::Park).expect("created");
    pipeline.stop().expect("stopped");
    let mut server = Server::start(&bench, "127.0.0.1:0");
    let address = server.address;
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let centre = Centre::connect(&bench, address);
        centre.furnish(&bench).await;
    });
    let acknowledged = [(); 4].map(|()| Arc::new(AtomicU64::new(0)));
    let traders: Vec<_> = SUPPLIERS
        .into_iter()
        .chain(BUYERS)
        .zip(acknowledged.clone())
        .map(|(identity, acknowledged)| {
            let (client, mut events) = runtime.block_on(async { bench.connect(address, identity) });
            let client = Arc::new(client);
            let bidder = Arc::clone(&client);
            let bidding = runtime.spawn(async move {
                let command = if SUPPLIERS.contains(&identity) { sell(400, 1) } else { buy(600, 1) };
                for id in 1.. {
                    let answered = bidder.submit_as(CommandId(id), command.clone()).await;
                    let Ok(answer) = answered else { return };
                    assert_eq!(answer.outcome, Ok(()));
                    // Ordering: read by the main thread after it has killed the server, and only grows.
                    acknowledged.store(id, Ordering::SeqCst);
                }
            });
            // The client's own events go by unread, or they would hold it up; what it saw is read anew below.
            let draining = runtime.spawn(async move { while events.next().await.is_ok() {} });
            (identity, client, bidding, draining)
        })
        .collect();
    for round in 1..=5_u64 {
        // Under load: everybody was answered more since the last round.
        let began = std::time::Instant::now();
        while acknowledged.iter().any(|count| count.load(Ordering::SeqCst) < 25 * round) {
            assert!(began.elapsed().as_secs() < 60, "round {round}: somebody is not answered any more");
            std::thread::yield_now();
        }
        server.kill();
        server = Server::start(&bench, &address.to_string());
    }
    for ((identity, client, bidding, draining), acknowledged) in traders.into_iter().zip(acknowledged) {
        runtime.block_on(async {
            client.close().await;
            bidding.await.expect("no panic");
            draining.await.expect("no panic");
            let acknowledged = acknowledged.load(Ordering::SeqCst);
            let (again, mut events) = bench.connect(address, identity);
            let who = bounded(again.logged_on()).await.expect("logged on");
            let mut seen = Vec::new();
            let mut read = 0;
            while read < who.events {
                let numbered = bounded(events.next()).await.expect("an event");
                read = numbered.number;
                seen.push(numbered.event);
            }
            let accepted = accepted(&seen);
            let mine = |id| golv_engine::id::BidId { identity: who.identity, command: CommandId(id) };
            for id in 1..=acknowledged {
                assert_eq!(
                    accepted.get(&mine(id)),
                    Some(&1),
                    "identity {identity}: bid {id} of {acknowledged}"
                );
            }
        });
    }
    server.terminate();
    let verified = done(&bench, &["journal", "verify", "data"]);
    assert!(verified.contains("verdict   whole"), "{verified}");
}

/// The log so far: each line is an object of known fields, none of which says anything of a bid.
fn log(bench: &Bench) -> Vec<serde_json::Map<String, serde_json::Value>> {
    let known = [
        "timestamp",
        "level",
        "target",
        "message",
        "dir",
        "sealed",
        "torn",
        "offset",
        "bytes",
        "claimed",
        "own",
        "file",
        "sequence",
        "snapshot",
        "chain",
        "address",
        "key",
        "identity",
        "participant",
        "reason",
        "until",
    ];
    let text = std::fs::read_to_string(bench.path("log")).expect("a log");
    let line = |line: &str| {
        let line: serde_json::Map<_, _> = serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"));
        assert!(line.keys().all(|field| known.contains(&field.as_str())), "{line:?}");
        line
    };
    text.lines().map(line).collect()
}

/// The line of the log with a message, and with an identity if one is given.
fn logged(bench: &Bench, message: &str, identity: Option<u32>) -> serde_json::Map<String, serde_json::Value> {
    let is = |line: &serde_json::Map<String, serde_json::Value>| {
        line["message"] == message && identity.is_none_or(|identity| line["identity"] == identity)
    };
    log(bench).into_iter().find(is).unwrap_or_else(|| panic!("nothing says {message:?} of {identity:?}"))
}

/// Sends bytes to where metrics are, and gives the answer: its first line and its body.
fn http(bench: &Bench, request: &[u8]) -> (String, String) {
    let address = logged(bench, "metrics", None)["address"].as_str().expect("text").to_owned();
    let mut stream = TcpStream::connect(address).expect("metrics are served");
    // Whoever is turned away early may meet a closed connection, here or while reading.
    let _ = stream.write_all(request);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let answer = text(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    (head.lines().next().unwrap_or_default().to_owned(), body.to_owned())
}

/// Asks for the metrics, holds their text to the format, and gives each sample's value by name and labels.
fn scrape(bench: &Bench) -> BTreeMap<String, f64> {
    let (status, body) = http(bench, b"GET /metrics HTTP/1.1\r\nHost: golv\r\n\r\n");
    assert_eq!(status, "HTTP/1.1 200 OK");
    let (mut samples, mut family) = (BTreeMap::new(), String::new());
    let is_name = |name: &str| {
        let mut bytes = name.bytes();
        bytes.next().is_some_and(|byte| byte.is_ascii_lowercase())
            && bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
    };
    for line in body.lines() {
        if let Some(described) = line.strip_prefix("# TYPE ") {
            let (name, kind) = described.split_once(' ').expect("a name and a type");
            assert!(is_name(name) && ["counter", "gauge", "histogram"].contains(&kind), "{line}");
            family = name.to_owned();
        } else if !line.starts_with("# HELP ") {
            let (sample, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("{line}"));
            let (name, labels) = sample.split_once('{').unwrap_or((sample, "}"));
            let labels = labels.strip_suffix('}').unwrap_or_else(|| panic!("{line}"));
            for label in labels.split(',').filter(|label| !label.is_empty()) {
                let (label, value) = label.split_once('=').unwrap_or_else(|| panic!("{line}"));
                assert!(is_name(label) && value.len() >= 2, "{line}");
                assert!(value.starts_with('"') && value.ends_with('"'), "{line}");
            }
            assert!(is_name(name) && name.starts_with(&family), "{line}");
            let value: f64 = value.parse().unwrap_or_else(|_| panic!("{line}"));
            assert!(samples.insert(sample.to_owned(), value).is_none(), "twice: {line}");
        }
    }
    samples
}

/// Asks for the metrics until a sample is as expected.
fn scrape_until(bench: &Bench, sample: &str, expected: impl Fn(f64) -> bool) {
    let began = std::time::Instant::now();
    while !expected(scrape(bench)[sample]) {
        assert!(began.elapsed().as_secs() < 60, "{sample} never came to it");
        std::thread::yield_now();
    }
}

/// What an operator of the machine sees of a session; and of the bids in it, nothing.
#[test]
fn what_happens_is_measured_and_logged_and_no_bid_is_told() {
    let bench = Bench::new();
    let creation = Creation::Rehearsal { seed: 1, start: start() };
    let pipeline =
        Pipeline::create(&bench.path("data"), creation, bench.founding(), Waiting::Park).expect("created");
    pipeline.stop().expect("stopped");
    let server = Server::start_watched(&bench, "127.0.0.1:0");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let (_centre, buyer) = runtime.block_on(async {
        let centre = Centre::connect(&bench, server.address);
        centre.furnish(&bench).await;
        let (buyer, mut events) = bench.connect(server.address, BUYERS[0]);
        tokio::spawn(async move { while events.next().await.is_ok() {} });
        let bid = |price| bounded(buyer.submit(buy(price, 89)));
        assert_eq!(bid(730).await.expect("answered").outcome, Ok(()));
        for price in [505, 515, 123_456_789] {
            bid(price).await.expect("answered").outcome.expect_err("off the tick, or far too much");
        }
        (centre, buyer)
    });

    let samples = scrape(&bench);
    assert_eq!(samples["golv_refusals_total{reason=\"PriceOffTick\"}"], 2.0);
    assert_eq!(samples["golv_refusals_total{reason=\"NotPermitted\"}"], 0.0);
    assert!(samples["golv_sessions"] >= 3.0 && samples["golv_logons_total"] >= 3.0);
    assert!(samples["golv_commands_total"] >= 10.0 && samples["golv_events_total"] >= 10.0);
    // The founding command is from before this process.
    assert_eq!(samples["golv_last_sequence"], samples["golv_commands_total"] + 1.0);
    let seconds = u64::try_from(after(120).0).expect("after 1970") / 1_000_000_000;
    assert_eq!(samples["golv_last_stamp_seconds"], seconds as f64);
    assert_eq!(samples["golv_batch_commands_sum"], samples["golv_commands_total"]);
    let batches = samples["golv_batch_commands_count"];
    for histogram in ["batch_bytes", "flush_seconds", "apply_seconds", "flush_wait_seconds"] {
        assert_eq!(samples[&format!("golv_{histogram}_count")], batches, "{histogram}");
        assert_eq!(samples[&format!("golv_{histogram}_bucket{{le=\"+Inf\"}}")], batches, "{histogram}");
        assert!(samples[&format!("golv_{histogram}_sum")] > 0.0, "{histogram}");
    }
    assert!(samples["golv_ring_depth_requests_count"] >= batches);
    assert!(samples["golv_journal_bytes_total"] > samples["golv_batch_bytes_sum"]);
    assert_eq!(samples["golv_journal_poisoned"] + samples["golv_alarms_total{kind=\"torn_tail\"}"], 0.0);

    // What is no request for metrics is turned away, and harms nobody.
    assert_eq!(http(&bench, b"POST /metrics HTTP/1.1\r\n\r\n").0, "HTTP/1.1 405 Method Not Allowed");
    assert_eq!(http(&bench, b"GET / HTTP/1.1\r\n\r\n").0, "HTTP/1.1 404 Not Found");
    assert_eq!(http(&bench, b"\x16\x03\x01 no request\r\n\r\n").0, "HTTP/1.1 400 Bad Request");
    let endless = [&b"GET /metrics HTTP/1.1\r\nx: "[..], &[b'x'; 100_000]].concat();
    assert!(!http(&bench, &endless).0.contains("200"));
    let more = runtime.block_on(async { bounded(buyer.submit(buy(740, 1))).await.expect("answered") });
    assert_eq!(more.outcome, Ok(()));
    assert_eq!(scrape(&bench)["golv_commands_total"], samples["golv_commands_total"] + 1.0);

    runtime.block_on(buyer.close());
    scrape_until(&bench, "golv_sessions_closed_total{reason=\"Silent\"}", |closed| closed >= 1.0);
    let stopped = server.terminate();
    let started = logged(&bench, "started from a clean journal", None);
    assert_eq!(
        (&started["level"], &started["sealed"], &started["sequence"]),
        (&"INFO".into(), &true.into(), &1.into())
    );
    assert!(logged(&bench, "listening", None)["address"].is_string());
    for message in ["logged on", "session ended"] {
        let line = logged(&bench, message, Some(BUYERS[0]));
        assert!(line["participant"] == BUYERS[0] && line["address"].is_string(), "{line:?}");
        assert_eq!(line.get("reason").is_some_and(|reason| reason == "Silent"), message == "session ended");
    }
    let ended = logged(&bench, "stopped", None);
    let chain = ended["chain"].as_str().expect("text");
    assert!(stopped.contains(chain), "{chain}\n{stopped}");
    assert!(!ended.contains_key("state"), "a state digest says too much of open bids");
    let text = std::fs::read_to_string(bench.path("log")).expect("a log");
    for digits in ["123456789", "730000000", "89000000", "740000000"] {
        assert!(!text.contains(digits), "{digits}\n{text}");
    }
}

/// An exchange that has lost what it acknowledged says so, as far as it can know: its journal is torn, or a
/// client has seen more.
#[test]
fn a_lost_end_raises_alarms() {
    let bench = Bench::new();
    let creation = Creation::Rehearsal { seed: 1, start: start() };
    let pipeline =
        Pipeline::create(&bench.path("data"), creation, bench.founding(), Waiting::Park).expect("created");
    pipeline.stop().expect("stopped");
    let journal = bench.path("data").join("00000001.journal");
    let early = std::fs::read(&journal).expect("a journal");
    let server = Server::start(&bench, "127.0.0.1:0");
    let address = server.address;
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let (_client, draining) = runtime.block_on(async {
        let (client, mut events) = bench.connect(address, OPERATORS[0]);
        let set = golv_engine::command::Command::SetClock { to: after(60) };
        assert_eq!(bounded(client.submit(set)).await.expect("answered").outcome, Ok(()));
        // The founding and the clock.
        for _ in 0..2 {
            bounded(events.next()).await.expect("an event");
        }
        (client, tokio::spawn(async move { while events.next().await.is_ok() {} }))
    });
    server.kill();
    // Behind the last frame, where the next would begin.
    let end = early.iter().rposition(|&byte| byte != 0).expect("some byte is not zero") + 1;
    let mut torn = early;
    torn[end..end + 20].copy_from_slice(b"an interrupted write");
    std::fs::write(&journal, torn).expect("written");
    let server = Server::start_watched(&bench, &address.to_string());
    assert_eq!(scrape(&bench)["golv_alarms_total{kind=\"torn_tail\"}"], 1.0);
    let torn =
        log(&bench).into_iter().find(|line| line.contains_key("torn")).expect("the operators are told");
    assert_eq!((&torn["level"], &torn["torn"], &torn["bytes"]), (&"ERROR".into(), &2.into(), &20.into()));
    scrape_until(&bench, "golv_alarms_total{kind=\"server_behind\"}", |raised| raised >= 1.0);
    runtime.block_on(bounded(draining)).expect("told that it is ahead");
    server.terminate();
    let behind = |line: &serde_json::Map<_, _>| {
        line["level"] == "ERROR" && line.contains_key("claimed") && line["identity"] == OPERATORS[0]
    };
    assert!(log(&bench).iter().any(behind), "the operators are told who claims what");
}

/// What a trader was told until the exchange stopped.
#[derive(Default)]
struct Told {
    answers: Vec<(CommandId, Answer, Position)>,
    closing: Option<Closing>,
}

fn bid(identity: u32) -> golv_engine::command::Command {
    if SUPPLIERS.contains(&identity) { sell(400, 1) } else { buy(600, 1) }
}

/// Sends bids, each when the one before is answered, until the exchange ends the session.
async fn bid_until_closed(bench: Arc<Bench>, address: SocketAddr, identity: u32) -> Told {
    let mut raw = Raw::log_on(&bench, address, identity).await;
    let mut told = Told::default();
    for id in (1..).map(CommandId) {
        // What comes instead of an answer says why a command was not sent.
        let _ = raw.try_say(&ClientMessage::Submit { id, command: bid(identity) }).await;
        loop {
            match raw.hear().await {
                Some(ServerMessage::Answered { id: of, answer, position }) => {
                    assert_eq!(of, id);
                    told.answers.push((id, answer, position));
                    break;
                }
                Some(ServerMessage::Closing(reason)) => {
                    told.closing = Some(reason);
                    return told;
                }
                Some(_) => {}
                None => return told,
            }
        }
    }
    told
}

/// Sends a command and waits for its answer.
async fn ask(raw: &mut Raw, id: CommandId, command: golv_engine::command::Command) -> Answer {
    raw.say(&ClientMessage::Submit { id, command }).await;
    loop {
        match raw.hear().await.expect("running") {
            ServerMessage::Answered { id: of, answer, .. } if of == id => return answer,
            _ => {}
        }
    }
}

/// When its journal cannot grow, whether a batch has no room or the next segment, the exchange tells everybody that it
/// stops, says what failed, and exits with 74. What it had acknowledged is there when the disk has room again.
#[test]
fn a_full_disk_ends_the_exchange_and_loses_nothing() {
    // Just longer than 128 blocks: with that limit a segment can be filled, for the last of it is kept for a seal, and no
    // other one can be made.
    let segment_bytes = 128 * 512 + 32;
    for (blocks, failing) in [(128, "00000002.journal was not begun"), (100, "00000001.journal")] {
        let bench = Arc::new(Bench::new());
        let creation = Creation::Rehearsal { seed: 1, start: start() };
        let (dir, founding) = (bench.path("data"), bench.founding());
        Pipeline::create_in_segments(&dir, creation, segment_bytes, founding, Waiting::Park)
            .expect("created")
            .stop()
            .expect("stopped");
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let server = Server::start(&bench, "127.0.0.1:0");
        runtime.block_on(async { Centre::connect(&bench, server.address).furnish(&bench).await });
        server.terminate();

        let server = Server::start_limited(&bench, blocks);
        let traders = SUPPLIERS.into_iter().chain(BUYERS);
        let bidding: Vec<_> = traders
            .map(|identity| {
                let bidding = bid_until_closed(Arc::clone(&bench), server.address, identity);
                (identity, runtime.spawn(bidding))
            })
            .collect();
        let told: Vec<(u32, Told)> = bidding
            .into_iter()
            .map(|(identity, bidding)| (identity, runtime.block_on(bidding).expect("no panic")))
            .collect();
        let (code, complaints) = server.ended();
        assert_eq!(code, Some(74), "{complaints}");
        assert!(complaints.contains(failing), "{complaints}");

        let Replayed { answers, positions, .. } = Replayed::read(&bench.path("data"));
        for (identity, told) in &told {
            assert_eq!(told.closing, Some(Closing::Stopping), "identity {identity}");
            assert!(told.answers.len() > 10, "identity {identity}: {}", told.answers.len());
            for (id, answer, position) in &told.answers {
                assert_eq!(answers.get(&(IdentityId(*identity), *id)), Some(answer));
                assert_eq!(positions.get(&position.sequence), Some(position));
            }
        }

        let server = Server::start(&bench, "127.0.0.1:0");
        runtime.block_on(async {
            for (identity, told) in &told {
                let mut raw = Raw::log_on(&bench, server.address, *identity).await;
                let (last, first, _) = told.answers.last().expect("some");
                assert_eq!(ask(&mut raw, *last, bid(*identity)).await, *first);
                // The one that was not answered, and new ones until a segment was begun.
                for id in (last.0 + 1..).take(100).map(CommandId) {
                    assert_eq!(ask(&mut raw, id, bid(*identity)).await.outcome, Ok(()));
                }
            }
        });
        server.terminate();
        assert!(done(&bench, &["journal", "verify", "data"]).contains("verdict   whole"));
        assert!(bench.path("data/00000002.journal").exists());
    }
}
