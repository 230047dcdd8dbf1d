//! The session, message by message: what it asks, what it says, what it shows, and what it refuses.

use super::*;
use golv_engine::Answer;
use golv_engine::command::Action;
use golv_engine::digest::Digest;
use golv_engine::event::{Event, EventCounts};
use golv_engine::id::{AuctionId, BidId, ParticipantId};
use golv_engine::num::{Price, Quantity};
use golv_protocol::message::{Download, WhenLost};
use proptest::prelude::*;

const AT: Duration = Duration::from_secs(100);
const TRADER: Speaker = Speaker {
    identity: IdentityId(5),
    participant: ParticipantId(5),
    reads_all: false,
    highest: CommandId(9),
};

fn frame(message: &ClientMessage) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_frame(message, &mut bytes).expect("short");
    bytes
}

fn logon(events_seen: u64) -> Vec<u8> {
    frame(&ClientMessage::Logon(Logon { events_seen, ..Logon::NEW }))
}

/// Far more than the tests send.
fn new() -> Session {
    new_at(limits(1_000_000, 1_000_000))
}

fn new_at(limits: Limits) -> Session {
    Session::new(AT, Arc::new(Pace::new(limits)))
}

/// What a logon without wishes asks of the writer.
fn log_on(events_seen: u64) -> Request {
    Request::LogOn(Claim { events_seen, acknowledged: None }, Purpose::Commands(WhenLost::Leave))
}

fn submit(id: u64) -> Vec<u8> {
    let command = Command::ClearAuction { auction: AuctionId(1), secret: None };
    frame(&ClientMessage::Submit { id: CommandId(id), command })
}

fn answered(id: u64) -> Message {
    let answer = Answer { sequence: Sequence(1), outcome: Ok(()) };
    let answered = Answered { sender: TRADER.identity, id: CommandId(id), answer };
    Message::Answered { answers: [answered].into(), position: position(41) }
}

/// What the client is sent, with long events downloaded.
fn sent(session: &mut Session) -> Vec<ServerMessage> {
    let (mut frames, mut messages) = (Frames::default(), Vec::new());
    loop {
        let output = session.output();
        frames.push(output);
        output.clear();
        while let Some(bytes) = frames.next_frame().expect("short") {
            match golv_protocol::decode(bytes).expect("a message") {
                ServerMessage::Announced { number, bytes, digest, .. } => {
                    let long = session.download(number).expect("it is kept until it was downloaded");
                    let mut download = Download::new(number, bytes, digest).expect("not too long");
                    download.push(&long.bytes).expect("as many as announced");
                    messages.push(ServerMessage::Happened(download.finish().expect("the event")));
                    session.receive(&frame(&ClientMessage::Downloaded { number }), AT);
                    assert_eq!(session.next_request(), None);
                }
                message => messages.push(message),
            }
        }
        if !session.has_more_output() {
            return messages;
        }
    }
}

fn numbers(messages: &[ServerMessage]) -> Vec<u64> {
    let number = |message: &ServerMessage| match message {
        ServerMessage::Happened(numbered) => Some(numbered.number),
        _ => None,
    };
    messages.iter().filter_map(number).collect()
}

/// An event that only `owner` may see.
fn bid_of(owner: u32, sequence: u64) -> Happened {
    let event = Event::BidAccepted {
        auction: AuctionId(1),
        bid: BidId { identity: IdentityId(owner), command: CommandId(sequence) },
        participant: ParticipantId(owner),
        price: Some(Price::ZERO),
        quantity: Quantity::ZERO,
    };
    Happened { sequence: Sequence(sequence), event }
}

fn public(sequence: u64) -> Happened {
    Happened { sequence: Sequence(sequence), event: Event::AuctionOpened { auction: AuctionId(1) } }
}

/// What the writer tells of a batch after all that a session's logon told of.
fn happened(batch: &[Happened]) -> Message {
    Message::Happened { batch: batch.into(), position: position(42) }
}

fn history(batches: &[Vec<Happened>]) -> History {
    let mut history = History::default();
    batches.iter().for_each(|batch| history.add(batch.as_slice().into()));
    history
}

fn position(sequence: u64) -> Position {
    Position { sequence: Sequence(sequence), chain: Digest([7; 32]) }
}

/// What the writer tells a session that it logs on.
fn logged_on(speaker: Speaker, history: History) -> Message {
    let shown = |happened: &&Happened| happened.event.is_shown_to(speaker.participant, speaker.reads_all);
    let before = history.before().shown_to(speaker.participant, speaker.reads_all);
    let events = before + history.iter().filter(shown).count() as u64;
    Message::LoggedOn { speaker, events, position: position(40), history: vec![history] }
}

fn live(history: History, events_seen: u64) -> Session {
    let mut session = new();
    session.receive(&logon(events_seen), AT);
    assert_eq!(session.next_request(), Some(log_on(events_seen)));
    session.told(logged_on(TRADER, history));
    session
}

#[test]
fn a_session_begins_with_a_logon_and_nothing_else() {
    let mut session = new();
    session.receive(&submit(1), AT);
    assert_eq!(session.next_request(), None);
    assert_eq!(session.closed(), Some(Closing::Malformed));

    let mut session = new();
    // Whatever else a logon of a later version has, that its version is not spoken is found out.
    let (oldest, newest) = (PROTOCOL + 1, PROTOCOL + 2);
    let mut other = frame(&ClientMessage::Logon(Logon { oldest, newest, ..Logon::NEW }));
    other.extend_from_slice(b"more");
    let length = u32::try_from(other.len() - 4).expect("short");
    other[..4].copy_from_slice(&length.to_le_bytes());
    session.receive(&other, AT);
    assert_eq!(session.next_request(), None);
    assert_eq!(sent(&mut session), [ServerMessage::Closing(Closing::OtherVersion)]);

    // One that this exchange speaks as well is chosen.
    let mut session = new();
    session.receive(&frame(&ClientMessage::Logon(Logon { newest, ..Logon::NEW })), AT);
    assert_eq!(session.next_request(), Some(log_on(0)));
    session.told(logged_on(TRADER, History::default()));
    assert!(matches!(sent(&mut session)[..], [ServerMessage::LoggedOn { protocol: PROTOCOL, .. }]));

    let mut session = live(History::default(), 0);
    session.receive(&logon(0), AT);
    assert_eq!(session.next_request(), None);
    assert_eq!(session.closed(), Some(Closing::Malformed), "a second logon");
}

/// A history that follows these batches, of which nothing is in memory.
fn history_after(before: &[Vec<Happened>], batches: &[Vec<Happened>]) -> History {
    let mut counts = EventCounts::default();
    before.iter().flatten().for_each(|happened| counts.add(&happened.event));
    let mut history = History::after(counts, 7);
    batches.iter().for_each(|batch| history.add(batch.as_slice().into()));
    history
}

/// After a start from a snapshot: who has seen what was before gets the rest at once, and who has not waits for it.
#[test]
fn what_was_before_the_history_is_asked_for_only_by_who_has_not_seen_it() {
    let before = [vec![public(1), bid_of(5, 2)], vec![bid_of(6, 3), bid_of(5, 4)]];
    let batches = [vec![bid_of(5, 5), public(6)]];
    for seen in 0..=5 {
        let mut session = live(history_after(&before, &batches), seen);
        session.told(happened(&[public(7)]));
        let (needed, mut events) = (seen < 3, Vec::new());
        assert_eq!(session.next_request(), needed.then_some(Request::Older(7)), "seen {seen}");
        assert_eq!(session.next_request(), None, "asked once");
        if needed {
            assert!(numbers(&sent(&mut session)).is_empty(), "nothing overtakes what is missing");
            // Commands do not wait for it.
            session.receive(&submit(10), AT);
            assert!(matches!(session.next_request(), Some(Request::Submit { .. })));
            for batch in &before {
                assert!(session.wants_older());
                session.told_older(Some(Piece::Batch(batch.as_slice().into())));
                assert!(!session.wants_older(), "one after the other");
                events.extend(numbers(&sent(&mut session)));
            }
            session.told_older(Some(Piece::End));
        }
        events.extend(numbers(&sent(&mut session)));
        assert_eq!(events, (seen + 1..=6).collect::<Vec<_>>(), "seen {seen}");
    }
}

#[test]
fn a_session_whose_history_is_gone_ends() {
    let before = [vec![public(1)]];
    let mut session = live(history_after(&before, &[]), 0);
    assert_eq!(session.next_request(), Some(Request::Older(7)));
    session.told_older(Some(Piece::Gone));
    assert_eq!(session.closed(), Some(Closing::HistoryGone));
    // Who was too slow for what is there may come again.
    let mut session = live(history_after(&before, &[]), 0);
    assert_eq!(session.next_request(), Some(Request::Older(7)));
    session.told_older(None);
    assert_eq!(session.closed(), Some(Closing::TooSlow));
    // Whoever has seen it needs none of it.
    let mut session = live(history_after(&before, &[]), 1);
    assert_eq!((session.next_request(), session.closed()), (None, None));
}

/// A command that came with the logon waits for it, and is then sent in the identity's name.
#[test]
fn commands_wait_for_the_logon_and_carry_the_keys_identity() {
    let mut session = new();
    session.receive(&[logon(0), submit(10)].concat(), AT);
    assert_eq!(session.next_request(), Some(log_on(0)));
    assert_eq!(session.next_request(), None);
    session.told(logged_on(TRADER, History::default()));
    let Some(Request::Submit { sender, id, .. }) = session.next_request() else { panic!("a command") };
    assert_eq!((sender, id), (TRADER.identity, CommandId(10)));
    let answer = Answer { sequence: Sequence(1), outcome: Ok(()) };
    let answers = [Answered { sender, id, answer }].into();
    session.told(Message::Answered { answers, position: position(41) });
    assert_eq!(
        sent(&mut session),
        [
            ServerMessage::LoggedOn {
                protocol: PROTOCOL,
                limits: limits(1_000_000, 1_000_000),
                identity: TRADER.identity,
                participant: TRADER.participant,
                highest: TRADER.highest,
                events: 0,
                position: position(40),
            },
            ServerMessage::Answered { id, answer, position: position(41) },
        ]
    );
}

#[test]
fn bytes_that_are_no_message_end_the_session() {
    for bytes in
        [&[4, 0, 0, 0, 9, 0, 0, 0][..], &[1, 0, 0, 0, 0], &[255; 4], &[8, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0]]
    {
        let mut session = live(History::default(), 0);
        session.receive(bytes, AT);
        assert_eq!(session.next_request(), None);
        assert_eq!(session.closed(), Some(Closing::Malformed), "{bytes:?}");
        assert!(!session.wants_input());
    }
}

#[test]
fn after_busy_nothing_overtakes() {
    let mut session = live(History::default(), 0);
    session.receive(&[submit(10), submit(11), submit(12)].concat(), AT);
    assert!(matches!(session.next_request(), Some(Request::Submit { id: CommandId(10), .. })));
    session.busy(CommandId(10));
    assert_eq!(session.next_request(), None, "11 and 12 are answered here");
    let busy = sent(&mut session);
    let expected = [10, 11, 12].map(|id| ServerMessage::Busy { id: CommandId(id) });
    assert_eq!(busy[1..], expected);
    session.receive(&[submit(10), submit(11)].concat(), AT);
    assert!(matches!(session.next_request(), Some(Request::Submit { id: CommandId(10), .. })));
    assert!(matches!(session.next_request(), Some(Request::Submit { id: CommandId(11), .. })));
}

#[test]
fn too_many_unanswered_commands_stop_the_reading() {
    let mut session = live(History::default(), 0);
    let in_flight = IN_FLIGHT_MAX as u64;
    for id in 1..=in_flight + 1 {
        session.receive(&submit(9 + id), AT);
        assert_eq!(session.next_request().is_some(), id <= in_flight);
    }
    assert!(!session.wants_input());
    session.told(answered(10));
    assert!(session.wants_input() && session.next_request().is_some());
}

/// What the client claims goes to the writer, which alone knows whether it is true.
#[test]
fn a_client_that_was_told_more_than_there_is_is_turned_away() {
    let mut session = new();
    let claim = Claim { events_seen: 3, acknowledged: Some(position(12)) };
    let Claim { events_seen, acknowledged } = claim;
    session.receive(&frame(&ClientMessage::Logon(Logon { events_seen, acknowledged, ..Logon::NEW })), AT);
    let purpose = Purpose::Commands(WhenLost::Leave);
    assert_eq!(session.next_request(), Some(Request::LogOn(claim, purpose)));
    session.told(Message::Closing(Closing::ServerBehind));
    assert_eq!(sent(&mut session), [ServerMessage::Closing(Closing::ServerBehind)]);
    assert!(!session.wants_input());
}

#[test]
fn each_side_says_that_it_is_alive_and_silence_ends_the_session() {
    let mut session = live(History::default(), 0);
    sent(&mut session);
    let after = |ms| AT + Duration::from_millis(ms);
    assert_eq!(session.wakes_at(), after(HEARTBEAT_MS));
    // The answer to the logon was heard in the first second; in the second there is nothing else to say.
    session.passed(after(HEARTBEAT_MS));
    assert_eq!(sent(&mut session), []);
    session.passed(after(2 * HEARTBEAT_MS));
    assert_eq!(sent(&mut session), [ServerMessage::Heartbeat]);
    session.receive(&frame(&ClientMessage::Heartbeat), after(2 * HEARTBEAT_MS));
    assert_eq!(session.next_request(), None);
    session.passed(after(SILENCE_MS_MAX));
    assert_eq!(session.closed(), None);
    session.passed(after(SILENCE_MS_MAX + 2 * HEARTBEAT_MS));
    assert_eq!(session.closed(), Some(Closing::Silent));
}

#[test]
fn a_byte_now_and_then_is_no_logon() {
    let mut session = new();
    let bytes = logon(0);
    for (second, byte) in (1..).zip(&bytes[..5]) {
        let now = AT + Duration::from_secs(second);
        session.receive(&[*byte], now);
        session.passed(now);
    }
    assert_eq!(session.closed(), Some(Closing::Silent));
}

/// Whose bytes are left unread is not silent.
#[test]
fn a_client_that_is_not_listened_to_is_not_silent() {
    let mut session = live(History::default(), 0);
    for id in 0..IN_FLIGHT_MAX as u64 {
        session.receive(&submit(10 + id), AT);
        session.next_request();
    }
    assert!(!session.wants_input());
    let later = AT + Duration::from_secs(60);
    session.passed(later);
    session.told(answered(10));
    session.passed(later + Duration::from_secs(1));
    assert_eq!(session.closed(), None);
}

#[test]
fn a_history_longer_than_the_output_comes_in_pieces_and_whole() {
    let batches: Vec<Vec<Happened>> =
        (1..=200).map(|batch| (1..=50).map(|place| bid_of(5, batch * 100 + place)).collect()).collect();
    let mut session = live(history(&batches), 0);
    assert!(session.output().len() < OUTPUT_FULL + 1024);
    assert!(session.has_more_output());
    session.told(happened(&[public(99_999)]));
    assert_eq!(numbers(&sent(&mut session)), (1..=10_001).collect::<Vec<_>>());
}

/// What nobody else may see is not in a single byte that a session sends.
#[test]
fn nothing_of_others_bids_is_sent() {
    let secret = Happened {
        sequence: Sequence(3),
        event: Event::BidAccepted {
            auction: AuctionId(1),
            bid: BidId { identity: IdentityId(6), command: CommandId(0x7777_7777) },
            participant: ParticipantId(6),
            price: Some(Price::from_millionths(0x5555_5555_5555)),
            quantity: Quantity::from_millionths(0x3333_3333_3333).expect("positive"),
        },
    };
    let operators = Happened {
        sequence: Sequence(4),
        event: Event::ActionProposed {
            proposal: golv_engine::id::ProposalId { identity: IdentityId(1), command: CommandId(1) },
            action: Action::RevokeIdentity { identity: IdentityId(0x6666_6666) },
        },
    };
    for reads_all in [false, true] {
        let mut session = new();
        session.receive(&logon(0), AT);
        session.next_request();
        let speaker = Speaker { reads_all, ..TRADER };
        session.told(logged_on(speaker, history(&[vec![secret.clone(), operators.clone()]])));
        session.told(happened(&[secret.clone(), public(5), operators.clone()]));
        let bytes = session.output().clone();
        let contains = |pattern: &[u8]| bytes.windows(pattern.len()).any(|window| window == pattern);
        assert!(!contains(&[0x77; 4]) && !contains(&[0x55; 4]) && !contains(&[0x33; 4]), "{reads_all}");
        assert_eq!(contains(&[0x66; 4]), reads_all, "operators and auditors see what operators do");
    }
}

proptest! {
    /// Wherever the client was cut off, it is sent exactly the rest, and numbers have no gap.
    #[test]
    fn a_resumed_session_is_sent_exactly_the_rest(
        owners in prop::collection::vec(prop::collection::vec(4_u32..8, 0..6), 0..30),
        live_from in any::<prop::sample::Index>(),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut sequence = 0;
        let batches: Vec<Vec<Happened>> = owners
            .iter()
            .map(|owners| owners.iter().map(|&owner| {
                sequence += 1;
                if owner == 7 { public(sequence) } else { bid_of(owner, sequence) }
            }).collect())
            .collect();
        let visible = owners.iter().flatten().filter(|&&owner| owner == 5 || owner == 7).count() as u64;
        let (before, after) = batches.split_at(live_from.index(batches.len() + 1));
        let known = before.iter().flatten().filter(|h| h.event.is_shown_to(TRADER.participant, false)).count() as u64;
        let seen = cut.index(known as usize + 1) as u64;
        let mut session = live(history(before), seen);
        let (mut received, mut ends) = (Vec::new(), BTreeMap::new());
        for (number, batch) in (41..).zip(after) {
            ends.extend(batch.iter().map(|happened| (happened.sequence, position(number))));
            session.told(Message::Happened { batch: batch.as_slice().into(), position: position(number) });
            received.extend(sent(&mut session));
        }
        received.extend(sent(&mut session));
        prop_assert_eq!(numbers(&received), (seen + 1..=visible).collect::<Vec<_>>());
        // Whatever it is told stands before a position that it was told first, and it is told each once.
        let mut reached = None;
        for message in received {
            match message {
                ServerMessage::Reached { position } => {
                    prop_assert!(reached.replace(position).is_none_or(|last| last.sequence < position.sequence));
                }
                ServerMessage::Happened(numbered) => {
                    prop_assert_eq!(reached, ends.get(&numbered.sequence).copied());
                }
                _ => {}
            }
        }
    }

    #[test]
    /// Frames of any bytes among good ones, with a byte changed here and there.
    fn no_bytes_make_a_session_panic(
        bodies in prop::collection::vec(prop_oneof![
            2 => Just(submit(10)),
            1 => Just(frame(&ClientMessage::Heartbeat)),
            2 => prop::collection::vec(0_u8..12, 0..40).prop_map(|body| {
                [&u32::try_from(body.len()).expect("short").to_le_bytes()[..], &body].concat()
            }),
        ], 0..20),
        changed in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
    ) {
        let mut bytes = bodies.concat();
        if !bytes.is_empty() {
            changed.iter().for_each(|(place, byte)| *place.get_mut(&mut bytes) = *byte);
        }
        let mut session = live(History::default(), 0);
        for piece in bytes.chunks(7) {
            session.receive(piece, AT);
            while session.next_request().is_some() {}
            session.output().clear();
        }
    }
}

/// Commands over the limit are refused here; withdrawals have a limit of their own, and who goes on is sent away.
#[test]
fn what_comes_too_fast_is_refused_and_withdrawals_are_not() {
    let mut session = new_at(limits(10, 100));
    session.receive(&logon(0), AT);
    session.next_request();
    session.told(logged_on(TRADER, History::default()));
    let announced = sent(&mut session);
    let rate = |per_second| Rate { per_second, burst: 2 * per_second };
    let expected = Limits { in_flight: 256, commands: rate(10), withdrawals: rate(100) };
    assert!(
        matches!(announced[..], [ServerMessage::LoggedOn { limits, .. }] if limits == expected),
        "{announced:?}"
    );
    let send = |session: &mut Session, bytes: Vec<u8>, after_ms: u64| {
        session.receive(&bytes, AT + Duration::from_millis(after_ms));
        let taken = session.next_request().is_some();
        if taken {
            session.told(answered(10));
        }
        let sent = sent(session).pop();
        (taken, sent)
    };
    for id in 10..30 {
        assert!(send(&mut session, submit(id), 0).0);
    }
    let over = |id, wait_ms| ServerMessage::OverLimit { id: CommandId(id), wait_ms };
    assert_eq!(send(&mut session, submit(30), 0), (false, Some(over(30, 100))));
    assert_eq!(send(&mut session, submit(31), 60), (false, Some(over(31, 40))));
    // What takes back goes through meanwhile, and so does what was passed on before.
    let withdraw = frame(&ClientMessage::Submit { id: CommandId(32), command: Command::WithdrawAll });
    assert!(send(&mut session, withdraw, 60).0);
    assert!(send(&mut session, submit(29), 60).0);
    assert!(send(&mut session, submit(33), 100).0, "there is room again");
    for id in 34..53 {
        assert!(!send(&mut session, submit(id), 100).0);
        assert_eq!(session.closed(), None);
    }
    send(&mut session, submit(53), 100);
    assert_eq!(session.closed(), Some(Closing::TooFast));
}

/// To refuse it would say that it was never executed.
#[test]
fn what_was_passed_on_before_is_not_refused_but_comes_again() {
    let mut session = new_at(limits(100, 1));
    session.receive(&logon(0), AT);
    session.next_request();
    session.told(logged_on(TRADER, History::default()));
    sent(&mut session);
    let send = |session: &mut Session, id: u64, after_ms: u64| {
        session.receive(&submit(id), AT + Duration::from_millis(after_ms));
        let taken = session.next_request().is_some();
        (taken, sent(session).pop())
    };
    let busy = |id| Some(ServerMessage::Busy { id: CommandId(id) });
    assert!(send(&mut session, 10, 0).0, "it is new");
    for _ in 0..2 {
        assert!(send(&mut session, 10, 0).0, "it comes again, within the burst");
    }
    for _ in 0..1_000 {
        assert_eq!(send(&mut session, 10, 0), (false, busy(10)));
        assert_eq!(send(&mut session, 11, 0), (false, busy(11)), "none overtakes it");
    }
    assert!(send(&mut session, 10, 1_000).0, "there is room again");
    assert!(send(&mut session, 11, 1_000).0);
    assert_eq!(session.closed(), None);
}

/// Another session of the same identity goes on with what is left, and another identity has its own.
#[test]
fn a_new_session_has_no_new_burst() {
    let pace = Arc::new(Pace::new(limits(1, 1)));
    let taken = |speaker: Speaker| {
        let mut session = Session::new(AT, Arc::clone(&pace));
        session.receive(&[logon(0), submit(10)].concat(), AT);
        session.next_request();
        session.told(logged_on(speaker, History::default()));
        session.next_request().is_some()
    };
    let other = Speaker { identity: IdentityId(6), ..TRADER };
    let sessions = [TRADER, TRADER, TRADER, other];
    assert_eq!(sessions.map(taken), [true, true, false, true]);
}

/// A drop copy is told answers of others, and ends if it sends a command.
#[test]
fn a_drop_copy_is_told_and_sends_nothing() {
    let mut session = new();
    let purpose = Purpose::DropCopy;
    session.receive(&frame(&ClientMessage::Logon(Logon { purpose, ..Logon::NEW })), AT);
    assert_eq!(session.next_request(), Some(Request::LogOn(Claim::default(), purpose)));
    session.told(logged_on(TRADER, history(&[vec![public(1)]])));
    let answer = Answer { sequence: Sequence(2), outcome: Ok(()) };
    let answered = Answered { sender: IdentityId(9), id: CommandId(3), answer };
    session.told(Message::Copied { answers: [answered].into(), position: position(41) });
    let told = sent(&mut session);
    let copied =
        ServerMessage::Copied { identity: IdentityId(9), id: CommandId(3), answer, position: position(41) };
    assert!(told.contains(&copied) && numbers(&told) == [1], "{told:?}");
    session.receive(&submit(10), AT);
    assert_eq!(session.next_request(), None);
    assert_eq!(session.closed(), Some(Closing::Malformed));
}

/// An answer tells how far its batch came, and whatever waits behind it needs no older position.
#[test]
fn an_answer_tells_the_position_of_its_batch() {
    let mut session = live(History::default(), 0);
    session.receive(&submit(10), AT);
    session.next_request();
    session.told(Message::Happened { batch: [public(40)].into(), position: position(40) });
    session.told(answered(10));
    session.told(Message::Happened { batch: [public(41)].into(), position: position(41) });
    session.told(happened(&[bid_of(6, 42), public(42), public(42)]));
    let is_position = |message: &ServerMessage| matches!(message, ServerMessage::Reached { .. });
    let told = sent(&mut session);
    assert_eq!(numbers(&told), [1, 2, 3, 4]);
    let [.., second, reached, third, fourth] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!(*reached, ServerMessage::Reached { position: position(42) });
    assert!(told.iter().filter(|message| is_position(message)).count() == 1, "{told:?}");
    assert!([second, third, fourth].iter().all(|message| matches!(message, ServerMessage::Happened(_))));
}

/// A long event is announced, and nothing follows it until the client has it; answers do.
#[test]
fn a_long_event_holds_up_events_and_no_answers() {
    use golv_engine::auction::{AuctionResult, Fill};
    let fill = Fill {
        bid: BidId { identity: IdentityId(5), command: CommandId(1) },
        participant: TRADER.participant,
        side: golv_engine::book::Side::Buy,
        quantity: Quantity::ZERO,
        price: Price::ZERO,
        reason: golv_engine::clearing::Reason::Rationed,
    };
    let result = AuctionResult { fills: vec![fill; 3_000], ..AuctionResult::default() };
    let final_at = golv_engine::time::Instant(0);
    let event = Event::AuctionCleared { auction: AuctionId(1), final_at, result };
    let long = Happened { sequence: Sequence(2), event };
    let before = [vec![public(1), long.clone(), public(3)]];
    for is_live in [false, true] {
        let mut session = if is_live {
            let mut session = live(History::default(), 0);
            session.told(happened(&before[0]));
            session
        } else {
            live(history(&before), 0)
        };
        session.told(happened(&[public(4)]));
        session.receive(&submit(10), AT);
        session.next_request();
        session.told(answered(10));
        let mut frames = Frames::default();
        frames.push(session.output());
        session.output().clear();
        let mut told = Vec::new();
        while let Some(bytes) = frames.next_frame().expect("short") {
            told.push(golv_protocol::decode::<ServerMessage>(bytes).expect("a message"));
        }
        assert!(told.iter().any(|message| matches!(message, ServerMessage::Answered { .. })), "{told:?}");
        assert!(matches!(told.last(), Some(ServerMessage::Announced { number: 2, .. })), "{told:?}");
        assert!(!session.has_more_output() && session.output().is_empty());
        assert_eq!(session.download(1), None);
        assert!(session.download(2).is_some());
        session.receive(&frame(&ClientMessage::Downloaded { number: 2 }), AT);
        assert_eq!(session.next_request(), None);
        assert_eq!(numbers(&sent(&mut session)), [3, 4]);
        assert_eq!(session.download(2), None);
        // Nothing else was announced.
        session.receive(&frame(&ClientMessage::Downloaded { number: 2 }), AT);
        assert_eq!((session.next_request(), session.closed()), (None, Some(Closing::Malformed)));
    }
}
