//! Sessions over a bad line: whatever it does to datagrams, every command is answered once with what the journal holds
//! and is executed once, and every event comes once and in order.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::common::proxy::{Break, Faults, Proxy};
use crate::common::replayed::{Replayed, assert_own};
use crate::common::served::Served;
use crate::common::*;
use golv_engine::Answer;
use golv_engine::command::Command;
use golv_engine::event::Event;
use golv_engine::id::*;
use golv_protocol::message::Numbered;
use tokio::sync::{Barrier, mpsc};

/// What each trader sends, four commands at a time.
const BURSTS: u64 = 100;

fn traders() -> impl Iterator<Item = u32> {
    SUPPLIERS.into_iter().chain(BUYERS)
}

/// Places a bid, replaces it, asks for what is refused, and withdraws the bid or places another.
fn burst(identity: u32, number: u64) -> [(CommandId, Command); 4] {
    let place = |limit| if SUPPLIERS.contains(&identity) { sell(limit, 1) } else { buy(limit, 1) };
    let first = CommandId(4 * number + 1);
    let bid = BidId { identity: IdentityId(identity), command: first };
    let replace =
        Command::ReplaceBid { auction: AUCTION, bid, price: Some(price(500)), quantity: quantity(2) };
    let withdraw = Command::WithdrawBid { auction: AUCTION, bid };
    let last = if number.is_multiple_of(3) { withdraw } else { place(510) };
    let id = |place| CommandId(first.0 + place);
    [(id(0), place(490)), (id(1), replace), (id(2), place(505)), (id(3), last)]
}

/// What a trader was told.
struct Told {
    answers: BTreeMap<CommandId, Answer>,
    events: Vec<Numbered>,
}

/// Sends all bursts, tells of each one that is answered, and reads events until the auction is cleared.
async fn trade(
    bench: Arc<Bench>,
    line: SocketAddr,
    identity: u32,
    all: Arc<Barrier>,
    done: mpsc::UnboundedSender<()>,
) -> Told {
    let (client, mut events) = bench.connect(line, identity);
    // Nobody begins before all are logged on, so that a break finds everybody in a session.
    bounded(client.logged_on()).await.expect("logged on");
    bounded(all.wait()).await;
    let bidding = async {
        let mut answers = BTreeMap::new();
        for number in 0..BURSTS {
            let burst = burst(identity, number);
            let ids = burst.each_ref().map(|(id, _)| *id);
            let [a, b, c, d] = burst.map(|(id, command)| client.submit_as(id, command));
            // All on their way at once, in the order of their ids.
            let told = bounded(async { tokio::join!(biased; a, b, c, d) }).await;
            for (id, answer) in ids.into_iter().zip([told.0, told.1, told.2, told.3]) {
                assert!(answers.insert(id, answer.expect("answered")).is_none());
            }
            done.send(()).expect("the test waits for it");
        }
        answers
    };
    let (answers, events) = tokio::join!(bidding, until_cleared(&mut events));
    client.close().await;
    Told { answers, events }
}

/// Runs an auction whose traders are all behind a bad line, which breaks on the way as often as there are `breaks`, and
/// compares what they were told with the journal.
async fn run(faults: Faults, breaks: &[Break]) {
    let bench = Arc::new(Bench::new());
    let served = Served::found(&bench);
    let centre = Centre::connect(&bench, served.address);
    centre.furnish(&bench).await;
    let logons_before = served.logons();
    let proxy = Proxy::start(served.address, faults).await;
    let (done, mut bursts_done) = mpsc::unbounded_channel();
    let all = Arc::new(Barrier::new(traders().count()));
    let trading: Vec<_> = traders()
        .map(|identity| {
            let trading = trade(Arc::clone(&bench), proxy.address, identity, Arc::clone(&all), done.clone());
            (identity, tokio::spawn(trading))
        })
        .collect();
    drop(done);
    let bursts = trading.len() as u64 * BURSTS;
    // In even parts of the way.
    let mut due = (1..).map(|nth| nth * bursts / (breaks.len() as u64 + 1)).zip(breaks).peekable();
    for number in 1..=bursts {
        bounded(bursts_done.recv()).await.expect("some trader goes on");
        if let Some((_, how)) = due.next_if(|(at, _)| *at == number) {
            proxy.break_all(*how);
        }
    }
    centre.clear().await;
    let mut told = Vec::new();
    for (identity, trading) in trading {
        told.push((identity, bounded(trading).await.expect("no panic")));
    }
    let logons = served.logons() - logons_before;
    served.stop().await;

    let replayed = Replayed::read(&bench.path("data"));
    for (identity, told) in &told {
        compare(*identity, told, &replayed);
    }
    let counts = proxy.counts();
    let [passed, lost, doubled] =
        [&counts.passed, &counts.lost, &counts.doubled].map(|count| count.load(Ordering::Relaxed));
    println!(
        "{} % loss: {passed} datagrams passed, {doubled} of them twice, {lost} lost; {} commands answered, \
         {} journalled again, {logons} logons",
        faults.lost,
        4 * bursts,
        replayed.repeated,
    );
    // The faults that were asked for have come.
    assert!(lost > 0 && doubled > 0);
    if breaks.last() == Some(&Break::NewAddress) {
        assert!(logons >= 2 * told.len() as u64, "{logons}: nobody hears the result without another logon");
    }
    if breaks.contains(&Break::NothingComesBack) {
        assert!(replayed.repeated > 0, "whose answers were lost asked again");
    }
}

/// Whether a trader was told what the journal holds, no more and no less, and all that it asked for was done once.
fn compare(identity: u32, Told { answers, events }: &Told, replayed: &Replayed) {
    assert_eq!(answers.len() as u64, 4 * BURSTS);
    assert_eq!(*answers, replayed.answers_of(identity), "identity {identity}");
    let due = replayed.events_of(identity);
    assert!(events.len() <= due.len(), "identity {identity} was told more than happened");
    let (due, later) = due.split_at(events.len());
    assert_eq!(events, due, "identity {identity}");
    // It read up to the result, with which the journal's events end.
    let cleared = events.last().expect("the result").sequence;
    assert!(later.iter().all(|event| event.sequence == cleared), "identity {identity}: {later:?}");
    assert_own(events, identity);

    let changes = |event: &Event| {
        matches!(event, Event::BidAccepted { .. } | Event::BidReplaced { .. } | Event::BidWithdrawn { .. })
    };
    let executed = events.iter().filter(|numbered| changes(&numbered.event)).map(|event| event.sequence);
    let answered = answers.values().filter(|answer| answer.outcome.is_ok()).map(|answer| answer.sequence);
    assert_eq!(executed.collect::<Vec<_>>(), answered.collect::<Vec<_>>(), "identity {identity}");
    for (id, answer) in answers {
        // The third of each burst is off the tick.
        assert_eq!(answer.outcome.is_ok(), id.0 % 4 != 3, "identity {identity}, {id}: {answer:?}");
    }
}

/// Duplicates, delays and so reordering are as bad whatever is lost.
fn losing(lost: u64) -> Faults {
    Faults { seed: 2_019 + lost, lost, doubled: 5, delay_ms_max: 4 }
}

#[tokio::test(flavor = "multi_thread")]
async fn over_a_line_that_loses_1_of_100_datagrams_every_session_ends_right() {
    run(losing(1), &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn over_a_line_that_loses_5_of_100_datagrams_every_session_ends_right() {
    run(losing(5), &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn over_a_line_that_loses_20_of_100_datagrams_every_session_ends_right() {
    run(losing(20), &[]).await;
}

/// The exchange keeps a connection at the address that it came from, so a client whose address changes is not heard any more:
/// it connects again by itself and goes on where it was. So it does when its commands arrive and their answers do not.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_whose_address_changes_connects_again_and_goes_on() {
    run(losing(5), &[Break::NothingComesBack, Break::NewAddressBesideOld, Break::NewAddress]).await;
}
