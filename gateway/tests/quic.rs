//! Sessions over real QUIC on loopback: who gets in, what is refused, who is dropped, and what survives.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::common::served::Served;
use crate::common::*;
use golv_client::client::{Client, ClientError, Ended, Events};
use golv_engine::command::{Action, Command};
use golv_engine::event::Event;
use golv_engine::id::*;
use golv_gateway::pipeline::{Pipeline, Waiting};
use golv_journal::keeper::Keeper;
use golv_protocol::frame::write_frame;
use golv_protocol::message::{ClientMessage, Closing, Logon, Numbered, Position, Purpose, ServerMessage};
use tokio::sync::watch;

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_is_bound_to_nobody_does_not_log_on() {
    let bench = Bench::new();
    let served = Served::found(&bench);
    let (stranger, _events) = bench.connect(served.address, BUYERS[0]);
    let ended = bounded(stranger.logged_on()).await.expect_err("nobody");
    assert!(matches!(ended, Ended::ByExchange(Closing::UnknownKey)), "{ended:?}");
    served.stop().await;
}

/// A certificate that the server does not accept ends the client, although TLS lets it connect at first.
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_certificate_is_told_and_not_tried_for_ever() {
    let bench = Bench::new();
    let served = Served::found(&bench);
    let foreign = Bench::new();
    for (credentials, trust) in [
        // The server refuses the client, the client the server.
        (foreign.of(OPERATORS[0]), bench.trust()),
        (bench.of(OPERATORS[0]), foreign.trust()),
    ] {
        let connector =
            golv_client::quic::QuicConnector { trust, ..bench.connector(served.address, credentials) };
        let (client, mut events) = Client::start(connector);
        let ended = bounded(client.logged_on()).await.expect_err("refused");
        assert!(matches!(ended, Ended::Refused(_)), "{ended:?}");
        assert!(bounded(events.next()).await.is_err());
    }
    served.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_no_messages_end_their_session_alone() {
    let bench = Bench::new();
    let served = Served::found(&bench);
    let mut logon = Vec::new();
    write_frame(&ClientMessage::Logon(Logon::NEW), &mut logon).expect("short");
    let oversized = 65_537_u32.to_le_bytes().to_vec();
    let wrong_tag = [4_u32.to_le_bytes(), 9_u32.to_le_bytes()].concat();
    let trailing = [9_u32.to_le_bytes().to_vec(), 2_u32.to_le_bytes().to_vec(), vec![0; 5]].concat();
    let second_logon = logon.clone();
    for bytes in [oversized, wrong_tag, trailing, second_logon] {
        let mut raw = Raw::log_on(&bench, served.address, OPERATORS[0]).await;
        raw.send.write_all(&bytes).await.expect("sent");
        assert_eq!(raw.closing().await, Some(Closing::Malformed), "{bytes:?}");
    }
    // Before a logon nothing else is taken.
    let mut raw = Raw::connect(&bench, served.address, OPERATORS[0]).await;
    raw.say(&ClientMessage::Heartbeat).await;
    assert_eq!(raw.closing().await, Some(Closing::Malformed));
    // A frame that never comes to its end: the session ends with the stream, and nobody else is held up.
    let mut raw = Raw::log_on(&bench, served.address, OPERATORS[0]).await;
    raw.send.write_all(&[100, 0, 0, 0, 1]).await.expect("sent");
    raw.send.finish().expect("open");
    assert_eq!(raw.closing().await, None);
    let centre = Centre::connect(&bench, served.address);
    centre.set_clock(after(1)).await;
    served.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_session_of_an_identity_wins() {
    let bench = Bench::new();
    let served = Served::found(&bench);
    let (older, _older_events) = bench.connect(served.address, OPERATORS[0]);
    bounded(older.logged_on()).await.expect("logged on");
    let (newer, _newer_events) = bench.connect(served.address, OPERATORS[0]);
    bounded(newer.logged_on()).await.expect("logged on");
    let refused = bounded(older.submit(Command::SetClock { to: after(1) })).await.expect_err("superseded");
    let superseded = matches!(refused, ClientError::Ended(Ended::ByExchange(Closing::Superseded)));
    assert!(superseded, "{refused:?}");
    bounded(newer.submit(Command::SetClock { to: after(1) })).await.expect("answered").outcome.expect("done");
    served.stop().await;
}

/// A client that hears nothing gives its connection up and logs on again. If what it said on the first one arrives only
/// then, that is no newer session.
#[tokio::test(flavor = "multi_thread")]
async fn a_logon_that_arrives_late_ends_no_newer_session() {
    let bench = Bench::new();
    let served = Served::found(&bench);
    let mut older = Raw::connect(&bench, served.address, OPERATORS[0]).await;
    let (newer, _events) = bench.connect(served.address, OPERATORS[0]);
    bounded(newer.logged_on()).await.expect("logged on");
    older.say(&ClientMessage::Logon(Logon::NEW)).await;
    assert_eq!(older.closing().await, Some(Closing::Superseded));
    bounded(newer.submit(Command::SetClock { to: after(1) })).await.expect("answered").outcome.expect("done");
    served.stop().await;
}

/// Reads events to the session's end, which is that its key speaks for nobody any more.
async fn ends_for_its_key(events: &mut Events) {
    let ended = bounded(async {
        loop {
            if let Err(ended) = events.next().await {
                return ended;
            }
        }
    });
    let ended = ended.await;
    assert!(matches!(ended, Ended::ByExchange(Closing::UnknownKey)), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_rotated_out_ends_its_session_at_its_time() {
    let bench = Bench::new();
    let served = Served::found(&bench);
    let centre = Centre::connect(&bench, served.address);
    centre.furnish(&bench).await;
    let (old, mut events) = bench.connect(served.address, BUYERS[0]);
    bounded(old.submit(buy(500, 1))).await.expect("answered").outcome.expect("done");
    let new = bench.issue("new-key");
    let identity = IdentityId(BUYERS[0]);
    let key = new.fingerprint();
    centre.agree(Action::BindKey { identity, key, others_end_at: Some(after(500)) }).await;
    bounded(old.submit(buy(510, 1)))
        .await
        .expect("answered")
        .outcome
        .expect("the old key speaks until its end");
    // Nothing is sent with the old key: its session ends by itself.
    centre.set_clock(after(500)).await;
    ends_for_its_key(&mut events).await;
    let (rotated, _events) = Client::start(bench.connector(served.address, new));
    let who = bounded(rotated.logged_on()).await.expect("logged on");
    assert_eq!(who.identity, identity);
    bounded(rotated.submit(buy(520, 1))).await.expect("answered").outcome.expect("done");
    served.stop().await;
}

/// Whoever is halted is told nothing more, although it sends nothing: its sessions end at once, those that only read as well.
#[tokio::test(flavor = "multi_thread")]
async fn a_halt_ends_the_sessions_of_who_is_halted() {
    let bench = Bench::new();
    let served = Served::found(&bench);
    let centre = Centre::connect(&bench, served.address);
    centre.furnish(&bench).await;
    let (buyer, mut events) = bench.connect(served.address, BUYERS[0]);
    bounded(buyer.logged_on()).await.expect("logged on");
    let mut reader = Raw::connect(&bench, served.address, BUYERS[0]).await;
    reader.say(&ClientMessage::Logon(Logon { purpose: Purpose::DropCopy, ..Logon::NEW })).await;
    assert!(matches!(reader.hear().await, Some(ServerMessage::LoggedOn { .. })));
    centre.send(Command::Halt { participant: ParticipantId(BUYERS[0]) }).await;
    ends_for_its_key(&mut events).await;
    assert_eq!(bounded(reader.closing()).await, Some(Closing::UnknownKey));
    served.stop().await;
}

/// During an auction a session is sent nothing from which another's bid could be told: all that arrives between
/// its logon and the answer to its own command is recorded, byte for byte.
#[tokio::test(flavor = "multi_thread")]
async fn during_an_auction_nothing_of_others_bids_is_sent() {
    let bench = Bench::new();
    let served = Served::found(&bench);
    let centre = Centre::connect(&bench, served.address);
    centre.furnish(&bench).await;
    // A trader, and an operator, who is not shown bids either.
    for watcher in [BUYERS[0], OPERATORS[1]] {
        let mut raw = Raw::log_on(&bench, served.address, watcher).await;
        let mut known = 0;
        raw.say(&ClientMessage::Heartbeat).await;
        let bidders = [(SUPPLIERS[0], sell(400, 77)), (BUYERS[1], buy(600, 77))];
        let mut bids = 0;
        for (bidder, command) in bidders {
            let (client, _events) = bench.connect(served.address, bidder);
            for _ in 0..20 {
                bounded(client.submit(command.clone())).await.expect("answered").outcome.expect("done");
                bids += 1;
            }
            client.close().await;
        }
        assert_eq!(bids, 40);
        // The watcher's own command is ordered after all of them.
        let id = CommandId(1_000_000);
        raw.say(&ClientMessage::Submit {
            id,
            command: Command::WithdrawBid {
                auction: AUCTION,
                bid: BidId { identity: IdentityId(watcher), command: CommandId(1) },
            },
        })
        .await;
        loop {
            match raw.hear().await.expect("the session goes on") {
                ServerMessage::Answered { id: answered, .. } if answered == id => break,
                // What happened before the auction opened.
                ServerMessage::Happened(numbered) => {
                    known += 1;
                    let bid = matches!(
                        numbered.event,
                        Event::BidAccepted { .. } | Event::BidReplaced { .. } | Event::BidWithdrawn { .. }
                    );
                    assert!(!bid, "{numbered:?}");
                }
                ServerMessage::Heartbeat => {}
                other => panic!("{other:?}"),
            }
        }
        assert!(known > 0);
        // 77 tonnes is in no other command: its bytes are nowhere in what was received.
        let secret = quantity(77).millionths().to_le_bytes();
        assert!(!raw.recorded.windows(secret.len()).any(|bytes| bytes == secret));
    }
    served.stop().await;
}

/// A client that sends without end and reads nothing is dropped; others are answered meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn a_flood_that_is_not_read_is_dropped_and_others_are_served() {
    let bench = Bench::new();
    let served = Served::found(&bench);
    let centre = Centre::connect(&bench, served.address);
    centre.furnish(&bench).await;
    let mut flood = Raw::log_on(&bench, served.address, BUYERS[0]).await;
    let flooding = tokio::spawn(async move {
        let mut bytes = Vec::new();
        for id in 1..=200_000 {
            bytes.clear();
            write_frame(&ClientMessage::Submit { id: CommandId(id), command: buy(500, 1) }, &mut bytes)
                .expect("short");
            if flood.send.write_all(&bytes).await.is_err() {
                return true;
            }
        }
        false
    });
    // It does not want to know of events, and drops them.
    let (other, _) = bench.connect(served.address, BUYERS[1]);
    let mut answered = 0;
    while !flooding.is_finished() {
        bounded(other.submit(buy(510, 1))).await.expect("answered").outcome.expect("done");
        answered += 1;
    }
    assert!(bounded(flooding).await.expect("no panic"), "the flood's connection was closed");
    assert!(answered > 10, "{answered}");
    // The flooder may come back and is told what became of its bids.
    let (back, _events) = bench.connect(served.address, BUYERS[0]);
    let who = bounded(back.logged_on()).await.expect("logged on");
    assert!(who.highest > CommandId(0));
    served.stop().await;
}

/// The server is stopped and started again in the middle of an auction, while everybody bids. Each command is
/// executed once, and each event is seen once.
#[tokio::test(flavor = "multi_thread")]
async fn a_restart_in_mid_auction_loses_nothing_and_repeats_nothing() {
    let bench = Arc::new(Bench::new());
    let mut served = Served::found(&bench);
    let address = served.address;
    let centre = Centre::connect(&bench, address);
    centre.furnish(&bench).await;
    let restarts_are_over = Arc::new(AtomicBool::new(false));
    let traders: Vec<_> = SUPPLIERS
        .into_iter()
        .chain(BUYERS)
        .map(|identity| {
            let bench = Arc::clone(&bench);
            let restarts_are_over = Arc::clone(&restarts_are_over);
            tokio::spawn(async move {
                let (client, mut events) = bench.connect(address, identity);
                let command = if SUPPLIERS.contains(&identity) { sell(400, 1) } else { buy(600, 1) };
                // How many bids there are, once it is known.
                let (told, mut total) = watch::channel(None);
                let bidding = async {
                    let mut id = 0;
                    while !restarts_are_over.load(Ordering::Relaxed) {
                        id += 1;
                        let answer = bounded(client.submit_as(CommandId(id), command.clone())).await;
                        answer.expect("answered").outcome.expect("done");
                    }
                    told.send_replace(Some(id));
                };
                let reading = async {
                    let mut seen = Vec::new();
                    let mut bids = 0;
                    while *total.borrow_and_update() != Some(bids) {
                        tokio::select! {
                            event = bounded(events.next()) => {
                                let event = event.expect("an event").event;
                                bids += u64::from(matches!(event, Event::BidAccepted { .. }));
                                seen.push(event);
                            }
                            told = total.changed() => told.expect("it is told before it goes"),
                        }
                    }
                    (bids, seen)
                };
                let ((), (bids, seen)) = tokio::join!(bidding, reading);
                (identity, bids, accepted(&seen))
            })
        })
        .collect();
    let (probe, _probe_events) = bench.connect(address, OPERATORS[1]);
    for _ in 0..3 {
        // Once the probe is answered, bids are on their way again.
        bounded(probe.submit(Command::SetClock { to: after(120) }))
            .await
            .expect("answered")
            .outcome
            .expect("done");
        served.stop().await;
        served = Served::reopen(&bench, address);
    }
    restarts_are_over.store(true, Ordering::Relaxed);
    for trader in traders {
        let (identity, bids, accepted) = trader.await.expect("no panic");
        assert_eq!(accepted.len() as u64, bids, "identity {identity}");
        assert!(accepted.values().all(|times| *times == 1), "identity {identity}: {accepted:?}");
        assert!(accepted.keys().all(|bid| bid.identity == IdentityId(identity)));
    }
    served.stop().await;
}

/// The events of an identity, by their numbers, as a client sees them that has seen so many.
async fn events_from(bench: &Bench, address: SocketAddr, identity: u32, seen: u64) -> Vec<Numbered> {
    let mut raw = Raw::connect(bench, address, identity).await;
    raw.say(&ClientMessage::Logon(Logon { events_seen: seen, ..Logon::NEW })).await;
    let Some(ServerMessage::LoggedOn { events, .. }) = raw.hear().await else { panic!("logged on") };
    let mut got = Vec::new();
    while got.len() as u64 + seen < events {
        match raw.hear().await.expect("an event") {
            ServerMessage::Happened(numbered) => got.push(numbered),
            ServerMessage::Heartbeat => {}
            other => panic!("{other:?}"),
        }
    }
    got
}

/// Takes the snapshot that the second exchange would have come to: a stop does not wait for it.
fn take_snapshot(dir: &Path) {
    let mut segments: Vec<u32> = std::fs::read_dir(dir)
        .expect("readable")
        .map(|entry| entry.expect("readable").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "journal"))
        .map(|path| path.file_stem().expect("a name").to_str().expect("UTF-8").parse().expect("a number"))
        .collect();
    segments.sort_unstable();
    let open = *segments.last().expect("a segment");
    Keeper::new(dir).expect("a journal").keep(open, || true).expect("they agree");
}

/// A start takes the newest snapshot, and clients notice nothing of it: who has not seen what was before it is still told.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_happened_before_a_snapshot_is_told_to_who_has_not_seen_it() {
    let bench = Bench::new();
    let served = Served::found_in_short_segments(&bench);
    let address = served.address;
    let centre = Centre::connect(&bench, address);
    centre.furnish(&bench).await;
    let client = bench.connect(address, SUPPLIERS[0]).0;
    for _ in 0..2_000 {
        bounded(client.submit(sell(400, 1))).await.expect("answered").outcome.expect("done");
    }
    bounded(client.close()).await;
    let told = events_from(&bench, address, SUPPLIERS[0], 0).await;
    assert!(told.len() > 2_000);
    served.stop().await;
    take_snapshot(&bench.path("data"));

    let (pipeline, opening) = Pipeline::open(&bench.path("data"), Waiting::Park).expect("opened");
    assert!(opening.snapshot.is_some_and(|(_, last)| last.0 > 1_000), "{:?}", opening.snapshot);
    let served = Served::serve(&bench, pipeline, address);
    for seen in [0, 1, told.len() - 1, told.len()] {
        let again = events_from(&bench, address, SUPPLIERS[0], seen as u64).await;
        assert_eq!(again, told[seen..], "seen {seen}");
    }
    served.stop().await;

    // Without the archive there is nothing to tell it from.
    std::fs::remove_dir_all(bench.path("data").join("archive")).expect("there is one");
    let served = Served::reopen(&bench, address);
    let mut raw = Raw::connect(&bench, address, SUPPLIERS[0]).await;
    raw.say(&ClientMessage::Logon(Logon::NEW)).await;
    assert_eq!(raw.closing().await, Some(Closing::HistoryGone));
    let seen = told.len() - 1;
    assert_eq!(events_from(&bench, address, SUPPLIERS[0], seen as u64).await, told[seen..]);
    served.stop().await;
}

/// A directory's files, copied into a new one.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir(to).expect("a new directory");
    for file in std::fs::read_dir(from).expect("a directory") {
        let file = file.expect("an entry");
        std::fs::copy(file.path(), to.join(file.file_name())).expect("copied");
    }
}

async fn place(client: &Client, command: Command) {
    bounded(client.submit(command)).await.expect("answered").outcome.expect("done");
}

/// How a logon of this identity that names a position ends, or the position that it is told.
async fn log_on(
    bench: &Bench,
    server: SocketAddr,
    identity: u32,
    told: Option<Position>,
) -> Result<Position, Ended> {
    let (client, _events) = bench.resume(server, identity, told);
    let who = bounded(client.logged_on()).await;
    client.close().await;
    Ok(who?.position)
}

fn is_behind<T: std::fmt::Debug>(ended: &Result<T, Ended>) -> bool {
    matches!(ended, Err(Ended::ByExchange(Closing::ServerBehind)))
}

/// An older copy of the journal is served in the place of the newest: whoever was told more finds out at its logon, in the
/// same process or in a later one, and also after new commands have passed the old sequence. Others trade on.
#[tokio::test(flavor = "multi_thread")]
async fn an_exchange_that_lost_what_it_acknowledged_is_found_out() {
    let bench = Bench::new();
    let served = Served::found(&bench);
    let address = served.address;
    let centre = Centre::connect(&bench, address);
    centre.furnish(&bench).await;
    let (ahead, mut ahead_events) = bench.connect(address, BUYERS[0]);
    let (reader, mut reader_events) = bench.connect(address, SUPPLIERS[1]);
    let events = bounded(reader.logged_on()).await.expect("logged on").events;
    let behind = {
        let (client, _events) = bench.connect(address, SUPPLIERS[0]);
        place(&client, sell(400, 1)).await;
        let position = client.acknowledged().expect("told");
        client.close().await;
        position
    };
    served.stop().await;
    copy(&bench.path("data"), &bench.path("older"));

    // Nothing is lost in a restart: everybody is let in, whoever waited through it and whoever names a position.
    let served = Served::reopen(&bench, address);
    place(&ahead, buy(500, 2)).await;
    place(&ahead, buy(500, 3)).await;
    let lost = ahead.acknowledged().expect("told");
    assert!(lost.sequence > behind.sequence);
    for (identity, position) in [(SUPPLIERS[0], behind), (BUYERS[1], behind), (BUYERS[1], lost)] {
        log_on(&bench, address, identity, Some(position)).await.expect("let in");
    }
    // Public, so that even who only reads has seen one event more.
    centre.set_clock(after(36_000)).await;
    for _ in 0..=events {
        bounded(reader_events.next()).await.expect("an event");
    }
    served.stop().await;
    drop(centre);

    std::fs::rename(bench.path("data"), bench.path("newer")).expect("moved");
    std::fs::rename(bench.path("older"), bench.path("data")).expect("moved");
    let served = Served::reopen(&bench, address);
    // Both were waiting for the exchange to come back, and do not try again.
    assert!(is_behind(
        &bounded(async {
            while ahead_events.next().await.is_ok() {}
            ahead_events.next().await
        })
        .await
    ));
    assert!(is_behind(
        &bounded(async {
            while reader_events.next().await.is_ok() {}
            reader_events.next().await
        })
        .await
    ));
    let refused = bounded(ahead.submit(buy(500, 1))).await.expect_err("ended");
    assert!(matches!(refused, ClientError::Ended(Ended::ByExchange(Closing::ServerBehind))), "{refused:?}");
    assert!(is_behind(&log_on(&bench, address, BUYERS[0], Some(lost)).await));
    let stands = log_on(&bench, address, SUPPLIERS[0], Some(behind)).await.expect("it was told no more");
    assert!(stands.sequence < lost.sequence);

    // The older session stands while one that is ahead is refused.
    let (other, _other_events) = bench.connect(address, BUYERS[0]);
    let mut number = 0;
    while other.acknowledged().is_none_or(|position| position.sequence <= lost.sequence) {
        number += 1;
        place(&other, buy(510, number)).await;
        assert!(is_behind(&log_on(&bench, address, BUYERS[0], Some(lost)).await), "after {number} commands");
    }
    let passed = other.acknowledged().expect("told");
    assert!(passed.sequence > lost.sequence && number > 1);
    served.stop().await;

    // What replay remembers is as good as what the running exchange did.
    let served = Served::reopen(&bench, address);
    assert!(is_behind(&log_on(&bench, address, BUYERS[1], Some(lost)).await));
    for position in [behind, passed] {
        log_on(&bench, address, BUYERS[1], Some(position)).await.expect("let in");
    }
    served.stop().await;
}
