//! A board over QUIC and from the command line: who is told what before there is a deal, and what each says after.

use crate::common::desk::*;
use crate::common::*;
use golv_engine::event::{Event, EventCounts};
use golv_engine::id::ParticipantId;
use golv_gateway::command_line::show::event_json;
use golv_journal::replay::Replay;
use golv_journal::scan;
use golv_protocol::message::Numbered;
use serde_json::{Value, json};

/// Everybody here: an operator, the supplier and another one, the lead of a group and a member.
const SESSIONS: [u32; 5] = [1, 4, 5, 7, 8];

const WINDOW: &str = "--first 2019-03-01 --last 2019-06-30";
const LISTED: &str = "--grade 4N --first 2019-03-01 --last 2019-06-30 --valid-until 2019-02-01T00:00:00Z";

/// What is stated as a limit, and by whom.
const LIMITS: [(u32, &str); 4] = [(4, "470"), (5, "910"), (7, "550"), (8, "530")];

/// All events that a session is told, from the first. Their numbers have no gap.
fn told(bench: &Bench, server: &Server, identity: u32) -> Vec<Numbered> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let (client, mut events) = bench.connect(server.address, identity);
        let who = bounded(client.logged_on()).await.expect("logged on");
        let mut told = Vec::new();
        for number in 1..=who.events {
            let numbered = bounded(events.next()).await.expect("told");
            assert_eq!(numbered.number, number, "identity {identity}");
            told.push(numbered);
        }
        client.close().await;
        told
    })
}

/// What a session was told, as text.
fn text_of(told: &[Numbered]) -> Vec<String> {
    told.iter().map(|numbered| event_json(numbered).to_string()).collect()
}

/// A board on which a supplier (4) and a group of two (7 and 8) can deal, and another supplier (5) asks too much.
fn board<'a>(bench: &'a Bench, server: &Server) -> Desk<'a> {
    let desk = Desk::furnished(bench, server);
    desk.register(5, "supplier");
    desk.register(8, "buyer");
    desk.agree("boards open 1 --name Gallium --market 1 --price midpoint --solution-seconds 60 --answer-seconds 86400");
    desk.does("trade", 4, &format!("board offer 1 --quantity 30 --limit 470 --origin FI {LISTED}"));
    desk.does("trade", 7, &format!("board request 1 --quantity 20 --limit 550 --group {LISTED}"));
    desk.does("trade", 8, "board join 2 --quantity 5 --limit 530");
    desk.does("trade", 5, &format!("board offer 1 --quantity 10 --limit 910 {LISTED}"));
    desk
}

/// The round is called, solved and over: 25 are proposed at the middle of 470 and 530.
fn hold_round(desk: &Desk<'_>) {
    let early = desk.run("admin", 1, "boards solve 1");
    assert!(
        text(&early.stderr).contains("call one with golv admin boards call 1"),
        "{}",
        text(&early.stderr)
    );
    desk.does("admin", 1, "boards call 1");
    let solved = desk.does("admin", 1, "boards solve 1");
    let found = "found 1 deal for 25 lots with a surplus of 1,500, proved by dual prices";
    assert!(solved.starts_with(found), "{solved}");
    let still = desk.run("trade", 7, "board withdraw 2");
    assert!(text(&still.stdout).contains("811 RoundOn"), "{}", text(&still.stdout));
    desk.clock("2019-01-01T00:01:00Z");
}

fn json_of(printed: &str) -> Value {
    serde_json::from_str(printed).expect("JSON")
}

/// Before there is a deal nobody is told another's limit, nor who it is: but a lead who has joined it.
fn assert_nothing_is_told(bench: &Bench, server: &Server) {
    for reader in SESSIONS.into_iter().filter(|reader| *reader != 1) {
        for said in text_of(&told(bench, server, reader)) {
            for (owner, limit) in LIMITS.into_iter().filter(|(owner, _)| *owner != reader) {
                let is_leads = reader == 7 && owner == 8;
                assert!(
                    is_leads || !said.contains(&format!("\"{limit}\"")),
                    "{reader} is told {limit}: {said}"
                );
                assert!(
                    !said.contains(&format!("{{\"participant\":{owner}}}")),
                    "{reader} is told {owner}: {said}"
                );
                assert!(!said.contains(&format!("\"lead\":{owner}")), "{reader} is told {owner}: {said}");
                assert!(
                    is_leads || !said.contains(&format!("\"member\":{owner}")),
                    "{reader}, {owner}: {said}"
                );
            }
        }
    }
}

#[test]
fn a_round_leads_to_a_deal_and_until_then_nobody_knows_with_whom() {
    let bench = Bench::new();
    found(&bench);
    let server = Server::start(&bench, "127.0.0.1:0");
    let desk = board(&bench, &server);

    // Everybody sees what is wanted, and its own limit.
    let shown = json_of(&desk.does("trade", 8, "board show 1 --json"));
    let entries = shown["entries"].as_array().expect("a list");
    let seen: Vec<_> = entries
        .iter()
        .map(|entry| {
            (
                entry["entry"].clone(),
                entry["quantity"].clone(),
                entry["limit"].clone(),
                entry["owner"].clone(),
            )
        })
        .collect();
    let null = Value::Null;
    assert_eq!(
        seen,
        [
            (json!(1), json!("30"), null.clone(), null.clone()),
            (json!(2), json!("25"), json!("530"), null.clone()),
            (json!(3), json!("10"), null.clone(), null.clone()),
        ]
    );
    // An operator sees whose they are.
    let shown = json_of(&desk.does("admin", 1, "boards show 1 --json"));
    assert_eq!(shown["entries"][2]["owner"], json!({"participant": 5}));
    assert_eq!(shown["entries"][2]["limit"], null);

    hold_round(&desk);
    let own = json_of(&desk.does("trade", 4, "board negotiations --json"));
    assert_eq!(own["negotiations"][0]["negotiation"], "2-1.1");
    assert_eq!(own["negotiations"][0]["whose_turn"], "both");
    assert_eq!(own["negotiations"][0]["terms"]["price"], "500");
    desk.does("trade", 7, "board accept 2-1.1 --turn 0");
    desk.does("trade", 4, &format!("board counter 2-1.1 --turn 0 --price 520 --quantity 25 {WINDOW}"));
    // What was not seen is not accepted.
    let late = desk.run("trade", 7, "board accept 2-1.1 --turn 0");
    assert!(text(&late.stdout).contains("those that stand are of turn 1"), "{}", text(&late.stdout));
    let table = desk.does("trade", 7, "board negotiations --csv");
    assert!(table.contains("2-1.1,1,buy,yours,1,520,25,t,USD"), "{table}");
    // A price is asked of a participant of one's choice, who learns the entry and not its owner.
    desk.does("trade", 5, &format!("board negotiate 3 --with p7 --quantity 5 {WINDOW}"));
    desk.does("trade", 7, "board decline 3-p7.1");

    assert_nothing_is_told(&bench, &server);
    desk.does("trade", 7, "board accept 2-1.1 --turn 1");
    let deals = |identity: u32| json_of(&desk.does("trade", identity, "board deals --json"))["deals"].clone();
    for party in [4, 7] {
        let deal = deals(party);
        assert_eq!(
            (&deal[0]["seller"], &deal[0]["buyer"]),
            (&json!({"participant": 4}), &json!({"participant": 7}))
        );
        assert_eq!((&deal[0]["price"], &deal[0]["quantity"]), (&json!("520"), &json!("25")));
    }
    assert_eq!((&deals(8)[0]["quantity"], &deals(8)[0]["is_share"]), (&json!("5"), &json!(true)));
    assert_eq!(deals(5), json!([]));
    server.terminate();
    done(&bench, &["journal", "verify", "data"]);

    // An export says no more than an auditor is told.
    let export = done(&bench, &["journal", "export", "data"]);
    for hidden in ["\"470\"", "\"550\"", "\"530\"", "\"910\"", "\"500\""] {
        assert!(!export.contains(hidden), "{hidden} is exported");
    }
    for line in [
        r#"{"event":"negotiation_opened","sealed":true}"#,
        r#"{"event":"group_joined","sealed":true}"#,
        r#""command":{"command":"counter_terms","sealed":true}"#,
        r#""event":"deal_made""#,
    ] {
        assert!(export.contains(line), "{line} is not exported");
    }
}

/// Each session's events have numbers without a gap, and as many as are counted for it: of parties, of others, and of operators.
#[test]
fn everybody_is_told_as_many_events_as_are_counted() {
    let bench = Bench::new();
    found(&bench);
    let server = Server::start(&bench, "127.0.0.1:0");
    let desk = board(&bench, &server);
    hold_round(&desk);
    desk.does("trade", 4, "board accept 2-1.1 --turn 0");
    desk.does("trade", 7, "board accept 2-1.1 --turn 0");
    desk.does("trade", 4, &format!("board negotiate 1 --with p8 --price 480 --quantity 5 {WINDOW}"));
    desk.does("trade", 8, "board accept 1-p8.1 --turn 0");
    let told: Vec<(u32, Vec<Numbered>)> =
        SESSIONS.into_iter().map(|identity| (identity, told(&bench, &server, identity))).collect();
    server.terminate();

    let mut reader = scan(&bench.path("data")).expect("a journal");
    let mut replay = Replay::new(reader.header()).expect("known rules");
    let (mut all, mut counts) = (Vec::<Event>::new(), EventCounts::default());
    while let Some(frame) = reader.next_frame().expect("readable") {
        replay.frame(&frame).expect("it replays");
        all.extend(replay.happened().iter().map(|happened| happened.event.clone()));
    }
    all.iter().for_each(|event| counts.add(event));
    for (identity, told) in told {
        let (reader, reads_all) = (ParticipantId(identity), identity == 1);
        let shown: Vec<Event> = all.iter().filter_map(|event| event.shown_to(reader, reads_all)).collect();
        let told: Vec<Event> = told.into_iter().map(|numbered| numbered.event).collect();
        assert!(told.len() >= 10, "identity {identity}: boards are everybody's");
        assert_eq!(told, shown, "identity {identity}");
        assert_eq!(told.len() as u64, counts.shown_to(reader, reads_all), "identity {identity}");
    }
}
