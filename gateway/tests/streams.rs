//! What goes beside a session's commands: what is public, downloads, drop copies, limits, and a line that is lost.

use std::net::Ipv4Addr;

use crate::common::served::Served;
use crate::common::*;
use golv_client::client::{Client, Public, Watch};
use golv_client::session::Beginning;
use golv_engine::event::Event;
use golv_engine::id::*;
use golv_engine::participant::Role;
use golv_engine::public::PublicView;
use golv_gateway::pipeline::{Creation, Pipeline, Waiting};
use golv_gateway::server::session::limits;
use golv_protocol::frame::{Frames, write_frame};
use golv_protocol::message::{ClientMessage, Closing, Logon, Purpose, ServerMessage, WhenLost};
use quinn::{ReadError, RecvStream};

/// What somebody knows of what is public who has just begun to follow.
async fn begun(watch: &mut Watch) -> PublicView {
    let mut view = PublicView::default();
    loop {
        match bounded(watch.next()).await.expect("it goes on") {
            Public::Fact(fact) => view.take(fact),
            Public::Told(_) => return view,
            Public::Happened { .. } => panic!("facts come first"),
        }
    }
}

/// An observer that came late and follows knows what one is told who comes later still, and nothing of bids.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_public_is_followed_from_any_moment_on() {
    let bench = Bench::new();
    let served = Served::found(&bench);
    let centre = Centre::connect(&bench, served.address);
    centre.furnish(&bench).await;
    let key = bench.issue("identity-30").fingerprint();
    centre.register(30, Role::Observer, key).await;
    let (observer, _events) = bench.connect(served.address, 30);
    bounded(observer.logged_on()).await.expect("logged on");
    let mut watch = bounded(observer.watch()).await;
    let mut view = begun(&mut watch).await;
    assert!(view.facts().count() >= 4, "rules, a market, an auction and where it is");

    let (buyer, _buyer_events) = bench.connect(served.address, BUYERS[0]);
    bounded(buyer.submit(buy(500, 1))).await.expect("answered").outcome.expect("done");
    let (seller, _seller_events) = bench.connect(served.address, SUPPLIERS[0]);
    bounded(seller.submit(sell(400, 1))).await.expect("answered").outcome.expect("done");
    centre.clear().await;
    loop {
        let Public::Happened { event, .. } = bounded(watch.next()).await.expect("it goes on") else {
            panic!("facts came before")
        };
        let is_cleared = matches!(event, Event::AuctionCleared { .. });
        assert!(!matches!(event, Event::BidAccepted { .. }));
        if let Event::AuctionCleared { result, .. } = &event {
            assert!(result.fills.is_empty() && result.unfilled.is_empty(), "nobody's lines");
        }
        view.apply(&event);
        if is_cleared {
            break;
        }
    }
    drop(watch);
    // A session has one watch at a time: the next is refused until the exchange has noticed that the first has gone.
    let later = loop {
        let mut later = bounded(observer.watch()).await;
        match bounded(later.next()).await {
            Some(Public::Fact(fact)) => {
                let mut told = PublicView::default();
                told.take(fact);
                while let Public::Fact(fact) = bounded(later.next()).await.expect("it goes on") {
                    told.take(fact);
                }
                break told;
            }
            _ => tokio::task::yield_now().await,
        }
    };
    assert_eq!(later, view);
    served.stop().await;
}

/// Operators read a result with all its lines, which is longer than a message: it is downloaded, and comes in its turn.
#[tokio::test(flavor = "multi_thread")]
async fn a_long_result_is_downloaded_by_who_reads_all_of_it() {
    let bench = Bench::new();
    let pipeline = {
        let creation = Creation::Rehearsal { seed: 1, start: start() };
        Pipeline::create(&bench.path("data"), creation, bench.founding(), Waiting::Park).expect("created")
    };
    let pace = limits(1_000_000, 1_000_000);
    let served = Served::serve_at(&bench, pipeline, (Ipv4Addr::LOCALHOST, 0).into(), pace);
    let centre = Centre::connect(&bench, served.address);
    centre.furnish(&bench).await;
    // Their events are left aside: unread, they would hold up their answers.
    let buyer = bench.connect(served.address, BUYERS[0]).0;
    let seller = bench.connect(served.address, SUPPLIERS[0]).0;
    let bids = (0..2_000).map(|_| buyer.submit(buy(500, 1)));
    let offers = (0..20).map(|_| seller.submit(sell(400, 100)));
    for answer in futures_of(bids.collect()).await.into_iter().chain(futures_of(offers.collect()).await) {
        answer.expect("answered").outcome.expect("done");
    }
    centre.clear().await;
    // An auditor that comes afterwards reads it from the history, one that is there as it happens; and so again after a cut.
    let (_operator, mut events) = bench.connect(served.address, OPERATORS[1]);
    let told = bounded(until_cleared(&mut events)).await;
    let Some(Event::AuctionCleared { result, .. }) = told.last().map(|numbered| &numbered.event) else {
        panic!("the result")
    };
    assert_eq!(result.fills.len(), 2_020);
    assert_eq!(
        told.iter().map(|numbered| numbered.number).collect::<Vec<_>>(),
        (1..=told.len() as u64).collect::<Vec<_>>()
    );
    // Who says how many events it has seen begins after them.
    let seen = told.len() as u64 - 1;
    let beginning = Beginning { events_seen: seen, ..Beginning::default() };
    let connector = bench.connector(served.address, bench.of(OPERATORS[1]));
    let (_operator, mut events) = Client::resuming(connector, beginning);
    assert_eq!(bounded(events.next()).await.expect("the result"), told[told.len() - 1]);
    served.stop().await;
}

/// All of them, polled at once and in order.
async fn futures_of<F: Future>(futures: Vec<F>) -> Vec<F::Output> {
    let mut pinned: Vec<_> = futures.into_iter().map(Box::pin).collect();
    let mut outputs: Vec<Option<F::Output>> = pinned.iter().map(|_| None).collect();
    bounded(std::future::poll_fn(|context| {
        for (future, output) in pinned.iter_mut().zip(&mut outputs) {
            if output.is_none()
                && let std::task::Poll::Ready(done) = future.as_mut().poll(context)
            {
                *output = Some(done);
            }
        }
        if outputs.iter().all(Option::is_some) {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    }))
    .await;
    outputs.into_iter().flatten().collect()
}

/// The compliance desk sees what its trader is answered, refusals as well, while the trader goes on.
#[tokio::test(flavor = "multi_thread")]
async fn a_drop_copy_follows_its_participant_and_no_other() {
    let bench = Bench::new();
    let served = Served::found(&bench);
    let centre = Centre::connect(&bench, served.address);
    centre.furnish(&bench).await;
    let connector = bench.connector(served.address, bench.of(BUYERS[0]));
    let (desk, mut events, mut copies) = Client::drop_copy(connector, Beginning::default());
    bounded(desk.logged_on()).await.expect("logged on");
    let (trader, _events) = bench.connect(served.address, BUYERS[0]);
    let (other, _events) = bench.connect(served.address, BUYERS[1]);
    bounded(other.submit(buy(490, 1))).await.expect("answered").outcome.expect("done");
    let done = bounded(trader.submit(buy(500, 1))).await.expect("answered");
    let refused = bounded(trader.submit(sell(500, 1))).await.expect("answered");
    assert!(done.outcome.is_ok() && refused.outcome.is_err());
    for (id, answer) in [(1, done), (2, refused)] {
        let copied = bounded(copies.next()).await.expect("a copy");
        assert_eq!(
            (copied.identity, copied.id, copied.answer),
            (IdentityId(BUYERS[0]), CommandId(id), answer)
        );
    }
    // Its events come as to any session of the participant.
    loop {
        let event = bounded(events.next()).await.expect("an event").event;
        if let Event::BidAccepted { participant, .. } = event {
            assert_eq!(participant, ParticipantId(BUYERS[0]));
            break;
        }
    }
    served.stop().await;
}

/// Bids go with the line of who has chosen so, and stand where it has not: also when the exchange itself stops.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_line_withdraws_what_was_chosen_to_go_with_it() {
    let bench = Bench::new();
    let served = Served::found(&bench);
    let address = served.address;
    let centre = Centre::connect(&bench, address);
    centre.furnish(&bench).await;
    let bid = |identity, when_lost, id| {
        let bench = &bench;
        async move {
            let mut raw = Raw::connect(bench, address, identity).await;
            let purpose = Purpose::Commands(when_lost);
            raw.say(&ClientMessage::Logon(Logon { purpose, ..Logon::NEW })).await;
            raw.say(&ClientMessage::Submit { id: CommandId(id), command: buy(500, 1) }).await;
            loop {
                let message = raw.hear().await.expect("the session goes on");
                if let ServerMessage::Answered { answer, .. } = message {
                    break answer.outcome.expect("done");
                }
            }
            raw
        }
    };
    let told = |identity| {
        let bench = &bench;
        async move {
            let (client, mut events) = bench.connect(address, identity);
            let who = bounded(client.logged_on()).await.expect("logged on");
            let mut told = Vec::new();
            for _ in 0..who.events {
                told.push(bounded(events.next()).await.expect("an event").event);
            }
            told
        }
    };
    let is_lost = |event: &Event| matches!(event, Event::LineLost { .. });
    let is_withdrawn = |event: &Event| matches!(event, Event::BidWithdrawn { .. });
    // The line is cut without a word. That it is lost is known once its own participant's next session is told so.
    drop(bid(BUYERS[0], WhenLost::Withdraw, 1).await);
    drop(bid(BUYERS[1], WhenLost::Leave, 1).await);
    bounded(async {
        while !told(BUYERS[0]).await.iter().any(is_lost) {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(told(BUYERS[0]).await.iter().filter(|event| is_withdrawn(event)).count(), 1);
    assert!(!told(BUYERS[1]).await.iter().any(|event| is_lost(event) || is_withdrawn(event)));
    // An exchange that stops takes nothing with it.
    let still_there = bid(BUYERS[0], WhenLost::Withdraw, 2).await;
    served.stop().await;
    drop(still_there);
    let served = Served::reopen(&bench, address);
    assert_eq!(told(BUYERS[0]).await.iter().filter(|event| is_withdrawn(event)).count(), 1);
    served.stop().await;
}

/// Who sends faster than was announced is told so, can still withdraw, and is sent away if it goes on.
#[tokio::test(flavor = "multi_thread")]
async fn limits_are_announced_and_kept() {
    let bench = Bench::new();
    let creation = Creation::Rehearsal { seed: 1, start: start() };
    let pipeline =
        Pipeline::create(&bench.path("data"), creation, bench.founding(), Waiting::Park).expect("created");
    let pace = limits(20, 1_000);
    let served = Served::serve_at(&bench, pipeline, (Ipv4Addr::LOCALHOST, 0).into(), pace);
    let mut raw = Raw::connect(&bench, served.address, OPERATORS[0]).await;
    raw.say(&ClientMessage::Logon(Logon::NEW)).await;
    let Some(ServerMessage::LoggedOn { limits, .. }) = raw.hear().await else { panic!("logged on") };
    assert_eq!(limits, pace);
    let mut bytes = Vec::new();
    for id in 1..=60 {
        let command = golv_engine::command::Command::SetClock { to: after(1) };
        write_frame(&ClientMessage::Submit { id: CommandId(id), command }, &mut bytes).expect("short");
    }
    let withdraw = golv_engine::command::Command::WithdrawAll;
    write_frame(&ClientMessage::Submit { id: CommandId(61), command: withdraw }, &mut bytes).expect("short");
    raw.send.write_all(&bytes).await.expect("sent");
    let (mut answered, mut over) = (Vec::new(), Vec::new());
    while answered.len() + over.len() < 61 {
        match raw.hear().await.expect("the session goes on") {
            ServerMessage::Answered { id, .. } => answered.push(id.0),
            ServerMessage::OverLimit { id, wait_ms } => {
                assert!(wait_ms >= 1);
                over.push(id.0);
            }
            _ => {}
        }
    }
    assert!(answered.len() >= 41 && !over.is_empty(), "{answered:?}");
    // Refused or not, the operator may not withdraw; but it was asked and answered, and not held up.
    assert!(answered.contains(&61), "{over:?}");
    for id in 62..=200 {
        let command = golv_engine::command::Command::SetClock { to: after(1) };
        // The exchange may have gone by then.
        let _ = raw.try_say(&ClientMessage::Submit { id: CommandId(id), command }).await;
    }
    assert_eq!(raw.closing().await, Some(Closing::TooFast));
    // The others do not notice.
    let (other, _events) = bench.connect(served.address, OPERATORS[1]);
    bounded(other.logged_on()).await.expect("logged on");
    served.stop().await;
}

/// What a stream that is refused is reset with.
async fn refused(mut receive: RecvStream) -> Option<Closing> {
    let mut buffer = [0; 4096];
    loop {
        match bounded(receive.read(&mut buffer)).await {
            Ok(Some(_)) => {}
            Err(ReadError::Reset(code)) => return Closing::from_code(u32::try_from(code.into_inner()).ok()?),
            other => panic!("{other:?}"),
        }
    }
}

/// A stream that asks for what there is not is refused alone, and the session goes on.
#[tokio::test(flavor = "multi_thread")]
async fn streams_that_ask_for_nonsense_are_refused_alone() {
    let bench = Bench::new();
    let served = Served::found(&bench);
    let mut raw = Raw::log_on(&bench, served.address, OPERATORS[0]).await;
    let ask = |bytes: Vec<u8>| {
        let connection = raw.connection.clone();
        async move {
            let (mut send, receive) = bounded(connection.open_bi()).await.expect("a stream");
            send.write_all(&bytes).await.expect("sent");
            receive
        }
    };
    let frame = |message: &ClientMessage| {
        let mut bytes = Vec::new();
        write_frame(message, &mut bytes).expect("short");
        bytes
    };
    for bytes in [
        vec![255; 4],
        vec![4, 0, 0, 0, 99, 0, 0, 0],
        frame(&ClientMessage::Heartbeat),
        frame(&ClientMessage::Logon(Logon::NEW)),
        frame(&ClientMessage::Download { number: 1 }),
    ] {
        assert_eq!(refused(ask(bytes.clone()).await).await, Some(Closing::Malformed), "{bytes:?}");
    }
    let mut first = ask(frame(&ClientMessage::Watch)).await;
    let mut buffer = [0; 64];
    assert!(bounded(first.read(&mut buffer)).await.expect("told").is_some());
    assert_eq!(refused(ask(frame(&ClientMessage::Watch)).await).await, Some(Closing::Busy), "one at a time");
    raw.say(&ClientMessage::Heartbeat).await;
    assert!(raw.hear().await.is_some(), "the session goes on");
    // Bytes of other streams are none of the session's.
    let mut frames = Frames::default();
    frames.push(&buffer);
    assert!(frames.next_frame().is_ok());
    served.stop().await;
}
