//! The client against an exchange that the test plays, over streams in memory, with the clock paused.

use super::*;
use crate::session::UNANSWERED_MAX;
use crate::session::tests::{answer, answered, answered_at, command, logged_on, numbered, position};
use golv_protocol::frame::{Frames, write_frame};
use golv_protocol::message::{ClientMessage, Logon, PROTOCOL, ServerMessage};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::io::{DuplexStream, duplex};

/// Bytes that one direction of a connection holds.
const PIPE: usize = 4 * 1024;

/// Connections within the test, refused once nobody accepts them. Each stream arrives by itself.
#[derive(Clone)]
struct InMemory(mpsc::UnboundedSender<DuplexStream>);

impl Connect for InMemory {
    type Connection = Self;

    async fn connect(&self) -> io::Result<Self> {
        if self.0.is_closed() { Err(io::ErrorKind::ConnectionRefused.into()) } else { Ok(self.clone()) }
    }
}

impl Connection for InMemory {
    type Stream = DuplexStream;

    async fn open(&self) -> io::Result<DuplexStream> {
        let (client, server) = duplex(PIPE);
        self.0.send(server).map_err(|_| io::ErrorKind::ConnectionRefused)?;
        Ok(client)
    }
}

/// As [`InMemory`], but the first attempt comes to no end.
struct FirstStalls(AtomicBool, InMemory);

impl Connect for FirstStalls {
    type Connection = InMemory;

    async fn connect(&self) -> io::Result<InMemory> {
        if !self.0.swap(true, Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
        self.1.connect().await
    }
}

/// Where the test waits for connections, in the place of an exchange, and the position that the last logon named.
struct Listener(mpsc::UnboundedReceiver<DuplexStream>, Option<Position>);

impl Listener {
    /// The next connection, with its logon taken and not answered.
    async fn accept(&mut self, events_seen: u64) -> Server {
        let stream = self.0.recv().await.expect("the client connects");
        let mut server = Server { stream, frames: Frames::default() };
        let logon = server.hear().await;
        let Some(ClientMessage::Logon(Logon { newest: PROTOCOL, events_seen: seen, acknowledged, .. })) =
            logon
        else {
            panic!("{logon:?}")
        };
        assert_eq!(seen, events_seen);
        self.1 = acknowledged;
        server
    }
}

/// The exchange's end of one connection.
struct Server {
    stream: DuplexStream,
    frames: Frames,
}

impl Server {
    async fn say(&mut self, message: &ServerMessage) -> io::Result<()> {
        let mut bytes = Vec::new();
        write_frame(message, &mut bytes).expect("short");
        self.stream.write_all(&bytes).await
    }

    /// The next message, or `None` when the client has gone.
    async fn hear_any(&mut self) -> Option<ClientMessage> {
        loop {
            if let Some(frame) = self.frames.next_frame().expect("frames") {
                return Some(golv_protocol::decode(frame).expect("a message"));
            }
            let mut buffer = [0; 512];
            match self.stream.read(&mut buffer).await {
                Ok(length) if length > 0 => self.frames.push(&buffer[..length]),
                _ => return None,
            }
        }
    }

    /// The next message that is no heartbeat.
    async fn hear(&mut self) -> Option<ClientMessage> {
        loop {
            match self.hear_any().await {
                Some(ClientMessage::Heartbeat) => {}
                other => return other,
            }
        }
    }

    async fn hear_submit(&mut self) -> (CommandId, Command) {
        match self.hear().await {
            Some(ClientMessage::Submit { id, command }) => (id, command),
            other => panic!("{other:?}"),
        }
    }

    async fn answer(&mut self, id: u64, sequence: u64) {
        self.say(&answered(id, sequence)).await.expect("the client reads");
    }

    async fn happen(&mut self, number: u64) {
        self.say(&ServerMessage::Happened(numbered(number))).await.expect("the client reads");
    }
}

fn start() -> (Arc<Client>, Events, Listener) {
    let (connections, accepted) = mpsc::unbounded_channel();
    let (client, events) = Client::start(InMemory(connections));
    (Arc::new(client), events, Listener(accepted, None))
}

/// Submits in a task of its own.
fn submit(client: &Arc<Client>, auction: u32) -> tokio::task::JoinHandle<Result<Answer, ClientError>> {
    let client = Arc::clone(client);
    tokio::spawn(async move { client.submit(command(auction)).await })
}

#[tokio::test(start_paused = true)]
async fn a_command_is_answered_and_events_are_given() {
    let (client, mut events, mut listener) = start();
    let first = submit(&client, 5);
    let mut server = listener.accept(0).await;
    server.say(&logged_on(7, 0)).await.expect("the client reads");
    let who = client.logged_on().await.expect("logged on");
    assert_eq!((who.identity.0, who.participant.0, who.highest.0, who.events), (3, 2, 7, 0));
    assert_eq!(server.hear_submit().await, (CommandId(8), command(5)), "waited for the logon");
    server.happen(1).await;
    server.answer(8, 1).await;
    assert_eq!(first.await.expect("no panic").expect("answered"), answer(1));
    assert_eq!(events.next().await.expect("one came"), numbered(1));

    let chosen = tokio::spawn({
        let client = Arc::clone(&client);
        async move { client.submit_as(CommandId(20), command(6)).await }
    });
    assert_eq!(server.hear_submit().await, (CommandId(20), command(6)));
    server.answer(20, 2).await;
    assert_eq!(chosen.await.expect("no panic").expect("answered"), answer(2));
    let used = client.submit_as(CommandId(20), command(6)).await;
    let Err(ClientError::NotSubmitted(SubmitError::IdUsed { highest })) = used else { panic!("{used:?}") };
    assert_eq!(highest, CommandId(20));
}

#[tokio::test(start_paused = true)]
async fn a_cut_costs_neither_answer_nor_event() {
    let (client, mut events, mut listener) = start();
    let mut server = listener.accept(0).await;
    server.say(&logged_on(0, 2)).await.expect("the client reads");
    let first = submit(&client, 1);
    assert_eq!(server.hear_submit().await, (CommandId(1), command(1)));
    let second = submit(&client, 2);
    assert_eq!(server.hear_submit().await, (CommandId(2), command(2)));
    server.happen(1).await;
    assert_eq!(events.next().await.expect("one came"), numbered(1));
    drop(server);
    // Cut again before its logon is answered.
    drop(listener.accept(1).await);

    let mut server = listener.accept(1).await;
    let third = submit(&client, 3);
    server.say(&logged_on(2, 3)).await.expect("the client reads");
    for id in 1..=3_u32 {
        assert_eq!(server.hear_submit().await, (CommandId(id.into()), command(id)));
        server.answer(id.into(), id.into()).await;
    }
    server.happen(2).await;
    server.happen(3).await;
    for (submitted, sequence) in [(first, 1), (second, 2), (third, 3)] {
        assert_eq!(submitted.await.expect("no panic").expect("answered"), answer(sequence));
    }
    assert_eq!(events.next().await.expect("one came"), numbered(2));
    assert_eq!(events.next().await.expect("one came"), numbered(3));
}

#[tokio::test(start_paused = true)]
async fn busy_is_cured_without_the_caller() {
    let (client, _events, mut listener) = start();
    let mut server = listener.accept(0).await;
    server.say(&logged_on(0, 0)).await.expect("the client reads");
    let submitted = submit(&client, 1);
    for _ in 0..3 {
        assert_eq!(server.hear_submit().await, (CommandId(1), command(1)));
        server.say(&ServerMessage::Busy { id: CommandId(1) }).await.expect("the client reads");
    }
    assert_eq!(server.hear_submit().await, (CommandId(1), command(1)));
    server.answer(1, 1).await;
    assert_eq!(submitted.await.expect("no panic").expect("answered"), answer(1));
}

/// The application reads nothing: the exchange's bytes come to a stop, the client stays alive, and after it was
/// dropped as too slow it resumes where the application is.
#[tokio::test(start_paused = true)]
async fn an_application_that_does_not_read_holds_up_the_exchange_and_resumes() {
    let (client, mut events, mut listener) = start();
    let mut server = listener.accept(0).await;
    let total = 3 * EVENTS_WAITING_MAX as u64;
    server.say(&logged_on(0, total)).await.expect("the client reads");
    let mut number = 0;
    let told = async {
        while number < total {
            number += 1;
            server.happen(number).await;
        }
    };
    // The clock only moves once nobody has anything to do.
    assert!(timeout(Duration::from_secs(2), told).await.is_err(), "the exchange is held up");
    assert!(number < total);
    for _ in 0..20 {
        assert_eq!(server.hear_any().await, Some(ClientMessage::Heartbeat), "neither silent nor impatient");
    }
    drop(server);

    // Events before the one that was cut were given to the stream whole.
    for expected in 1..number {
        assert_eq!(events.next().await.expect("it came"), numbered(expected));
    }
    let mut server = listener.accept(number - 1).await;
    server.say(&logged_on(0, total)).await.expect("the client reads");
    for expected in number..=total {
        server.happen(expected).await;
        assert_eq!(events.next().await.expect("it came"), numbered(expected));
    }
    client.close().await;
}

#[tokio::test(start_paused = true)]
async fn without_a_reader_events_are_left_aside() {
    let (client, events, mut listener) = start();
    drop(events);
    let mut server = listener.accept(0).await;
    server.say(&logged_on(0, 0)).await.expect("the client reads");
    for number in 1..=3 * EVENTS_WAITING_MAX as u64 {
        server.happen(number).await;
    }
    let submitted = submit(&client, 1);
    server.hear_submit().await;
    server.answer(1, 1).await;
    submitted.await.expect("no panic").expect("answered");
}

#[tokio::test(start_paused = true)]
async fn a_final_closing_reaches_everybody_who_waits() {
    let reasons = [
        Closing::Malformed,
        Closing::OtherVersion,
        Closing::UnknownKey,
        Closing::ServerBehind,
        Closing::Superseded,
    ];
    for reason in reasons {
        let (client, mut events, mut listener) = start();
        let mut server = listener.accept(0).await;
        server.say(&logged_on(0, 1)).await.expect("the client reads");
        let submitted = submit(&client, 1);
        server.hear_submit().await;
        server.happen(1).await;
        server.say(&ServerMessage::Closing(reason)).await.expect("the client reads");
        let ended = submitted.await.expect("no panic").expect_err("not answered");
        assert!(matches!(ended, ClientError::Ended(Ended::ByExchange(r)) if r == reason), "{ended:?}");
        assert_eq!(events.next().await.expect("it came before"), numbered(1));
        assert!(matches!(events.next().await, Err(Ended::ByExchange(r)) if r == reason));
        assert!(matches!(client.logged_on().await, Err(Ended::ByExchange(r)) if r == reason));
        let late = client.submit(command(2)).await;
        assert!(matches!(late, Err(ClientError::Ended(Ended::ByExchange(r))) if r == reason));
        assert!(listener.0.recv().await.is_none(), "it does not connect again");
    }
}

/// It is known as soon as the answer is, said at the next logon, and given on to the next process.
#[tokio::test(start_paused = true)]
async fn the_furthest_position_is_kept_and_said() {
    let (client, _events, mut listener) = start();
    assert_eq!(client.acknowledged(), None);
    let mut server = listener.accept(0).await;
    assert_eq!(listener.1, None);
    server.say(&logged_on(0, 0)).await.expect("the client reads");
    client.logged_on().await.expect("logged on");
    assert_eq!(client.acknowledged(), Some(position(1_000)));
    let submitted = submit(&client, 1);
    server.hear_submit().await;
    server.say(&answered_at(1, 1_005, position(1_005))).await.expect("the client reads");
    submitted.await.expect("no panic").expect("answered");
    assert_eq!(client.acknowledged(), Some(position(1_005)));
    drop(server);
    drop(listener.accept(0).await);
    assert_eq!(listener.1, Some(position(1_005)));
    client.close().await;

    let (connections, accepted) = mpsc::unbounded_channel();
    let (next, _events) = {
        let acknowledged = client.acknowledged();
        Client::resuming(InMemory(connections), Beginning { acknowledged, ..Beginning::default() })
    };
    assert_eq!(next.acknowledged(), Some(position(1_005)));
    let mut listener = Listener(accepted, None);
    let _server = listener.accept(0).await;
    assert_eq!(listener.1, Some(position(1_005)));
}

/// Events that the application has not read yet hold up nobody who waits for an answer that will not come.
#[tokio::test(start_paused = true)]
async fn the_reason_comes_to_commands_at_once_and_to_events_after_the_last() {
    let (client, mut events, mut listener) = start();
    let mut server = listener.accept(0).await;
    let full = EVENTS_WAITING_MAX as u64;
    server.say(&logged_on(0, full + 2)).await.expect("the client reads");
    let submitted = submit(&client, 1);
    server.hear_submit().await;
    for number in 1..=full {
        server.happen(number).await;
    }
    // Heard only after all before it was read, so what follows comes in one read.
    assert_eq!(server.hear_any().await, Some(ClientMessage::Heartbeat));
    let mut bytes = Vec::new();
    for message in [
        ServerMessage::Happened(numbered(full + 1)),
        ServerMessage::Happened(numbered(full + 2)),
        ServerMessage::Closing(Closing::Superseded),
    ] {
        write_frame(&message, &mut bytes).expect("short");
    }
    server.stream.write_all(&bytes).await.expect("there is room");
    let ended = submitted.await.expect("no panic");
    assert!(matches!(ended, Err(ClientError::Ended(Ended::ByExchange(Closing::Superseded)))), "{ended:?}");
    for number in 1..=full + 2 {
        assert_eq!(events.next().await.expect("it came before"), numbered(number));
    }
    assert!(matches!(events.next().await, Err(Ended::ByExchange(Closing::Superseded))));
}

/// Whichever the client does first, reading the reason or failing to write its command.
#[tokio::test(start_paused = true)]
async fn a_reason_is_read_even_where_nothing_can_be_written() {
    for _ in 0..50 {
        let (client, _events, mut listener) = start();
        let mut server = listener.accept(0).await;
        server.say(&logged_on(0, 0)).await.expect("the client reads");
        client.logged_on().await.expect("logged on");
        let submitted = submit(&client, 1);
        server.say(&ServerMessage::Closing(Closing::Superseded)).await.expect("there is room");
        drop(server);
        let ended = submitted.await.expect("no panic");
        assert!(
            matches!(ended, Err(ClientError::Ended(Ended::ByExchange(Closing::Superseded)))),
            "{ended:?}"
        );
        assert!(listener.0.recv().await.is_none(), "it does not connect again");
    }
}

#[tokio::test(start_paused = true)]
async fn other_closings_and_silence_are_followed_by_another_connection() {
    let (client, _events, mut listener) = start();
    for reason in [Closing::Stopping, Closing::TooSlow, Closing::Silent] {
        let mut server = listener.accept(0).await;
        server.say(&ServerMessage::Closing(reason)).await.expect("the client reads");
        assert_eq!(server.hear().await, None);
    }
    // Says nothing.
    let mut server = listener.accept(0).await;
    assert_eq!(server.hear().await, None);
    let mut server = listener.accept(0).await;
    server.say(&logged_on(0, 0)).await.expect("the client reads");
    client.logged_on().await.expect("logged on");
}

#[tokio::test(start_paused = true)]
async fn a_violation_ends_the_session() {
    let (client, mut events, mut listener) = start();
    let mut server = listener.accept(0).await;
    server.say(&logged_on(0, 2)).await.expect("the client reads");
    server.happen(1).await;
    server.happen(3).await;
    assert_eq!(events.next().await.expect("the first"), numbered(1));
    let ended = events.next().await.expect_err("one was left out");
    assert!(matches!(ended, Ended::Violation(Violation::EventNumber { expected: 2, got: 3 })), "{ended:?}");
    assert!(matches!(client.submit(command(1)).await, Err(ClientError::Ended(Ended::Violation(_)))));
}

#[tokio::test(start_paused = true)]
async fn closing_or_dropping_the_client_ends_it_at_any_time() {
    let (client, mut events, mut listener) = start();
    let mut server = listener.accept(0).await;
    server.say(&logged_on(0, 0)).await.expect("the client reads");
    let submitted = submit(&client, 1);
    server.hear_submit().await;
    client.close().await;
    assert_eq!(server.hear().await, None);
    let ended = submitted.await.expect("no panic");
    assert!(matches!(ended, Err(ClientError::Ended(Ended::Closed))), "{ended:?}");
    assert!(matches!(events.next().await, Err(Ended::Closed)));

    let (client, mut events, mut listener) = start();
    let mut server = listener.accept(0).await;
    drop(client);
    assert_eq!(server.hear().await, None);
    assert!(matches!(events.next().await, Err(Ended::Closed)));

    let (client, _events, listener) = start();
    drop(listener);
    client.close().await;
    assert!(matches!(client.logged_on().await, Err(Ended::Closed)));
}

#[tokio::test(start_paused = true)]
async fn commands_past_the_limit_wait_for_room() {
    let (client, _events, mut listener) = start();
    let mut server = listener.accept(0).await;
    server.say(&logged_on(0, 0)).await.expect("the client reads");
    let most = UNANSWERED_MAX as u64;
    let submitted: Vec<_> = (0..most + 100).map(|_| submit(&client, 1)).collect();
    for id in 1..=most {
        assert_eq!(server.hear_submit().await.0, CommandId(id));
    }
    assert_eq!(server.hear_any().await, Some(ClientMessage::Heartbeat), "no more come");
    for id in 1..=most + 100 {
        server.answer(id, id).await;
        if id <= 100 {
            assert_eq!(server.hear_submit().await.0, CommandId(most + id));
        }
    }
    for submitted in submitted {
        submitted.await.expect("no panic").expect("answered");
    }
}

#[tokio::test(start_paused = true)]
async fn attempts_begin_anew_after_a_session_that_was_up_to_date() {
    let (_client, _events, mut listener) = start();
    for (pause, events) in [(0, 1), (50, 1), (100, 0), (50, 1), (100, 1)] {
        let before = Instant::now();
        let mut server = listener.accept(0).await;
        assert_eq!(before.elapsed().as_millis(), pause);
        server.say(&logged_on(0, events)).await.expect("the client reads");
        server.say(&ServerMessage::Closing(Closing::Stopping)).await.expect("the client reads");
        assert_eq!(server.hear().await, None);
    }
}

/// Refuses all, and says when.
struct Refusing(mpsc::UnboundedSender<Instant>);

impl Connect for Refusing {
    type Connection = InMemory;

    async fn connect(&self) -> io::Result<InMemory> {
        // The test may have seen enough.
        let _ = self.0.send(Instant::now());
        Err(io::ErrorKind::ConnectionRefused.into())
    }
}

#[tokio::test(start_paused = true)]
async fn attempts_become_rarer_up_to_a_limit() {
    let (attempts, mut attempted) = mpsc::unbounded_channel();
    let (_client, _events) = Client::start(Refusing(attempts));
    let mut last = attempted.recv().await.expect("at once");
    for pause in [50, 100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000] {
        let next = attempted.recv().await.expect("another attempt");
        assert_eq!((next - last).as_millis(), pause);
        last = next;
    }
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_comes_to_no_end_is_given_up_for_the_next() {
    let (connections, accepted) = mpsc::unbounded_channel();
    let connector = FirstStalls(AtomicBool::new(false), InMemory(connections));
    let (client, _events) = Client::start(connector);
    let mut listener = Listener(accepted, None);
    let second = timeout(CONNECTING_MAX + BACKOFF_MAX, listener.accept(0)).await;
    assert!(second.is_ok(), "it tries again");
    client.close().await;
}

/// A long event as it is downloaded.
fn long_event(number: u64) -> (Numbered, golv_protocol::message::LongEvent) {
    use golv_engine::auction::{AuctionResult, Fill};
    let fill = Fill {
        bid: golv_engine::id::BidId { identity: golv_engine::id::IdentityId(1), command: CommandId(1) },
        participant: golv_engine::id::ParticipantId(1),
        side: golv_engine::book::Side::Buy,
        quantity: golv_engine::num::Quantity::ZERO,
        price: golv_engine::num::Price::ZERO,
        reason: golv_engine::clearing::Reason::Rationed,
    };
    let result = AuctionResult { fills: vec![fill; 3_000], ..AuctionResult::default() };
    let (auction, final_at) = (golv_engine::id::AuctionId(1), golv_engine::time::Instant(0));
    let event = golv_engine::event::Event::AuctionCleared { auction, final_at, result };
    let numbered = Numbered { number, sequence: golv_engine::id::Sequence(number), event };
    let long = golv_protocol::message::write_event(numbered.clone(), &mut Vec::new()).expect("short enough");
    (numbered, long.expect("too long for a message"))
}

impl Listener {
    /// The next stream that is no session's, and what it is for.
    async fn beside(&mut self) -> (Server, ClientMessage) {
        let stream = self.0.recv().await.expect("the client opens a stream");
        let mut server = Server { stream, frames: Frames::default() };
        let message = server.hear().await.expect("it says what it is for");
        (server, message)
    }
}

/// The event comes in its turn though its bytes come on another stream, and commands are answered meanwhile.
#[tokio::test(start_paused = true)]
async fn a_long_event_is_downloaded_beside_the_session() {
    let (client, mut events, mut listener) = start();
    let mut server = listener.accept(0).await;
    server.say(&logged_on(0, 3)).await.expect("the client reads");
    server.happen(1).await;
    let (event, long) = long_event(2);
    server.say(&long.announcement()).await.expect("the client reads");
    let (mut beside, message) = listener.beside().await;
    assert_eq!(message, ClientMessage::Download { number: 2 });
    beside.stream.write_all(&long.bytes[..50_000]).await.expect("the client reads");
    let submitted = submit(&client, 1);
    server.hear_submit().await;
    server.answer(1, 1).await;
    submitted.await.expect("no panic").expect("answered while the download goes on");
    beside.stream.write_all(&long.bytes[50_000..]).await.expect("the client reads");
    drop(beside);
    assert_eq!(server.hear().await, Some(ClientMessage::Downloaded { number: 2 }));
    server.happen(3).await;
    for expected in [numbered(1), event, numbered(3)] {
        assert_eq!(events.next().await.expect("in order"), expected);
    }
}

/// A download that is cut is begun anew on the next connection, and the event comes once.
#[tokio::test(start_paused = true)]
async fn a_cut_download_is_begun_anew() {
    let (_client, mut events, mut listener) = start();
    let mut server = listener.accept(0).await;
    server.say(&logged_on(0, 1)).await.expect("the client reads");
    let (event, long) = long_event(1);
    server.say(&long.announcement()).await.expect("the client reads");
    let (mut beside, _) = listener.beside().await;
    beside.stream.write_all(&long.bytes[..10]).await.expect("the client reads");
    // The session first: where the download alone ended, that would be all that there is of the event.
    drop(server);
    let mut server = listener.accept(0).await;
    drop(beside);
    server.say(&logged_on(0, 1)).await.expect("the client reads");
    server.say(&long.announcement()).await.expect("the client reads");
    let (mut beside, _) = listener.beside().await;
    beside.stream.write_all(&long.bytes).await.expect("the client reads");
    drop(beside);
    assert_eq!(events.next().await.expect("whole"), event);
}

#[tokio::test(start_paused = true)]
async fn what_is_public_comes_on_a_stream_of_its_own_until_it_ends() {
    let (client, _events, mut listener) = start();
    let mut server = listener.accept(0).await;
    server.say(&logged_on(0, 0)).await.expect("the client reads");
    let mut watch = client.watch().await;
    let (mut beside, message) = listener.beside().await;
    assert_eq!(message, ClientMessage::Watch);
    let fact =
        golv_engine::public::PublicFact::Terms(golv_engine::command::Action::ChangeRules { version: 1 });
    let Numbered { sequence, event, .. } = numbered(1);
    let told = [
        ServerMessage::State(fact.clone()),
        ServerMessage::StateTold { position: position(7) },
        ServerMessage::Public { sequence, event: event.clone() },
    ];
    for message in &told {
        beside.say(message).await.expect("the client reads");
    }
    for expected in [Public::Fact(fact), Public::Told(position(7)), Public::Happened { sequence, event }] {
        assert_eq!(watch.next().await, Some(expected));
    }
    drop(beside);
    assert_eq!(watch.next().await, None);
    // The session goes on, and another watch can be begun.
    let _again = client.watch().await;
    let (_beside, message) = listener.beside().await;
    assert_eq!(message, ClientMessage::Watch);
}

#[tokio::test(start_paused = true)]
async fn a_drop_copy_gives_copies_and_events() {
    let (connections, accepted) = mpsc::unbounded_channel();
    let (client, mut events, mut copies) = Client::drop_copy(InMemory(connections), Beginning::default());
    let mut listener = Listener(accepted, None);
    let mut server = listener.accept(0).await;
    server.say(&logged_on(0, 0)).await.expect("the client reads");
    server.happen(1).await;
    let (identity, id) = (golv_engine::id::IdentityId(9), CommandId(4));
    let (answer, position) = (answer(3), position(1_001));
    server.say(&ServerMessage::Copied { identity, id, answer, position }).await.expect("the client reads");
    assert_eq!(copies.next().await.expect("one came"), Copied { identity, id, answer });
    assert_eq!(events.next().await.expect("one came"), numbered(1));
    let refused = client.submit(command(1)).await;
    assert!(matches!(refused, Err(ClientError::NotSubmitted(SubmitError::DropCopy))), "{refused:?}");
}

/// Whoever reads copies is told why none comes any more after the last, and who reads events meanwhile is told at once.
#[tokio::test(start_paused = true)]
async fn a_drop_copy_is_told_the_reason_after_the_last_copy() {
    let (connections, accepted) = mpsc::unbounded_channel();
    let (_client, mut events, mut copies) = Client::drop_copy(InMemory(connections), Beginning::default());
    let mut server = Listener(accepted, None).accept(0).await;
    server.say(&logged_on(0, 0)).await.expect("the client reads");
    let full = EVENTS_WAITING_MAX as u64;
    let identity = golv_engine::id::IdentityId(9);
    let copied = |number: u64| Copied { identity, id: CommandId(number), answer: answer(number) };
    let message = |number: u64| ServerMessage::Copied {
        identity,
        id: CommandId(number),
        answer: answer(number),
        position: position(1_000 + number),
    };
    for number in 1..=full {
        server.say(&message(number)).await.expect("the client reads");
    }
    // Heard only after all before it was read, so what follows comes in one read.
    assert_eq!(server.hear_any().await, Some(ClientMessage::Heartbeat));
    let mut bytes = Vec::new();
    for message in [message(full + 1), message(full + 2), ServerMessage::Closing(Closing::Superseded)] {
        write_frame(&message, &mut bytes).expect("short");
    }
    server.stream.write_all(&bytes).await.expect("there is room");
    assert!(matches!(events.next().await, Err(Ended::ByExchange(Closing::Superseded))));
    for number in 1..=full + 2 {
        assert_eq!(copies.next().await.expect("it came before"), copied(number));
    }
    assert!(matches!(copies.next().await, Err(Ended::ByExchange(Closing::Superseded))));
}

/// Commands wait here for their turn, and a withdrawal does not wait behind them.
#[tokio::test(start_paused = true)]
async fn commands_keep_to_the_limits_and_withdrawals_overtake() {
    let (client, _events, mut listener) = start();
    let mut server = listener.accept(0).await;
    let ServerMessage::LoggedOn { protocol, identity, participant, highest, events, position, mut limits } =
        logged_on(0, 0)
    else {
        panic!("a logon")
    };
    limits.commands = Rate { per_second: 10, burst: 4 };
    let logged_on =
        ServerMessage::LoggedOn { protocol, identity, participant, highest, events, position, limits };
    server.say(&logged_on).await.expect("the client reads");
    client.logged_on().await.expect("logged on");
    let before = Instant::now();
    let bids: Vec<_> = (1..=4).map(|auction| submit(&client, auction)).collect();
    // Half of the burst goes at once, and then one each tenth of a second.
    for (id, after) in [(1, 0), (2, 0), (3, 100)] {
        assert_eq!(server.hear_submit().await.0, CommandId(id));
        assert_eq!(before.elapsed().as_millis() / 10 * 10, after, "command {id}");
    }
    let withdrawing = Arc::clone(&client);
    let withdrawn = tokio::spawn(async move { withdrawing.submit(Command::WithdrawAll).await });
    assert_eq!(server.hear_submit().await, (CommandId(4), Command::WithdrawAll), "before the fourth bid");
    assert_eq!(server.hear_submit().await, (CommandId(5), command(4)));
    for id in 1..=5 {
        server.answer(id, id).await;
    }
    withdrawn.await.expect("no panic").expect("answered");
    for bid in bids {
        bid.await.expect("no panic").expect("answered");
    }
}

/// A server that refuses all the same is believed: the caller is told, and nothing is sent again.
#[tokio::test(start_paused = true)]
async fn a_command_over_the_limit_is_refused_to_its_caller() {
    let (client, _events, mut listener) = start();
    let mut server = listener.accept(0).await;
    server.say(&logged_on(0, 0)).await.expect("the client reads");
    let submitted = submit(&client, 1);
    let (id, _) = server.hear_submit().await;
    server.say(&ServerMessage::OverLimit { id, wait_ms: 30 }).await.expect("the client reads");
    let refused = submitted.await.expect("no panic");
    let Err(ClientError::NotSubmitted(SubmitError::OverLimit { wait })) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(wait, Duration::from_millis(30));
    let next = submit(&client, 2);
    assert_eq!(server.hear_submit().await, (CommandId(2), command(2)));
    server.answer(2, 1).await;
    next.await.expect("no panic").expect("answered");
}

/// What was announced on a connection that ended in the same moment is asked for on the next only when it is announced there.
#[tokio::test(start_paused = true)]
async fn an_announcement_dies_with_its_connection() {
    let (client, _events, mut listener) = start();
    let mut server = listener.accept(0).await;
    let (_, long) = long_event(1);
    let mut bytes = Vec::new();
    let closing = ServerMessage::Closing(Closing::Stopping);
    for message in [logged_on(0, 1), long.announcement(), closing] {
        write_frame(&message, &mut bytes).expect("short");
    }
    server.stream.write_all(&bytes).await.expect("the client reads");
    let mut server = listener.accept(0).await;
    server.say(&logged_on(0, 1)).await.expect("the client reads");
    client.logged_on().await.expect("logged on");
    // By then it has done all that it is going to do by itself.
    assert_eq!(server.hear_any().await, Some(ClientMessage::Heartbeat));
    assert!(listener.0.try_recv().is_err(), "nothing was announced on this connection");
}
