//! The sans-I/O session, message by message.

mod cut;

use super::*;
use golv_engine::auction::{AuctionResult, Fill};
use golv_engine::book::Side;
use golv_engine::clearing::Reason;
use golv_engine::digest::Digest;
use golv_engine::event::Event;
use golv_engine::id::{AuctionId, BidId, Sequence};
use golv_engine::num::{Price, Quantity};
use golv_engine::time::Instant;
use golv_protocol::message::{LongEvent, write_event};
use golv_protocol::pace::Rate;

pub(crate) fn command(auction: u32) -> Command {
    Command::ClearAuction { auction: AuctionId(auction), secret: None }
}

pub(crate) fn answer(sequence: u64) -> Answer {
    Answer { sequence: Sequence(sequence), outcome: Ok(()) }
}

pub(crate) fn numbered(number: u64) -> Numbered {
    let event = Event::AuctionClosed { auction: AuctionId(7) };
    Numbered { number, sequence: Sequence(number), event }
}

pub(crate) fn logged_on(highest: u64, events: u64) -> ServerMessage {
    let (identity, participant) = (IdentityId(3), ParticipantId(2));
    let position = position(1_000);
    let (protocol, highest, limits) = (PROTOCOL, CommandId(highest), LIMITS);
    ServerMessage::LoggedOn { protocol, identity, participant, highest, events, position, limits }
}

/// Far more than the tests send.
pub(crate) const LIMITS: Limits = Limits {
    in_flight: 256,
    commands: Rate { per_second: 1_000_000, burst: 1_000_000 },
    withdrawals: Rate { per_second: 1_000_000, burst: 1_000_000 },
};

pub(crate) fn logon(events_seen: u64, acknowledged: Option<Position>) -> ClientMessage {
    ClientMessage::Logon(Logon { events_seen, acknowledged, ..Logon::NEW })
}

/// An answer of an exchange that stands where it stood at the logon.
pub(crate) fn answered(id: u64, sequence: u64) -> ServerMessage {
    answered_at(id, sequence, position(1_000))
}

pub(crate) fn answered_at(id: u64, sequence: u64, position: Position) -> ServerMessage {
    ServerMessage::Answered { id: CommandId(id), answer: answer(sequence), position }
}

/// Of one history: the chain is told by the sequence.
pub(crate) fn position(sequence: u64) -> Position {
    Position { sequence: Sequence(sequence), chain: Digest::of(&sequence) }
}

/// An event that is announced.
fn long(number: u64) -> Numbered {
    let quantity = Quantity::ZERO;
    let bid = BidId { identity: IdentityId(1), command: CommandId(1) };
    let (participant, side, price) = (ParticipantId(1), Side::Buy, Price::ZERO);
    let fill = Fill { bid, participant, side, quantity, price, reason: Reason::Rationed };
    let result = AuctionResult { fills: vec![fill; 3_000], ..AuctionResult::default() };
    let event = Event::AuctionCleared { auction: AuctionId(1), final_at: Instant(0), result };
    Numbered { number, sequence: Sequence(number), event }
}

/// The event as it is downloaded.
fn announced(event: Numbered) -> LongEvent {
    write_event(event, &mut Vec::new()).expect("short enough").expect("too long for a message")
}

const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

fn hear(session: &mut ClientSession, message: &ServerMessage, now: Duration) -> Result<(), Violation> {
    let mut bytes = Vec::new();
    write_frame(message, &mut bytes).expect("short");
    session.received(&bytes, now)
}

fn said(session: &mut ClientSession) -> Vec<ClientMessage> {
    let mut frames = Frames::default();
    frames.push(&std::mem::take(session.output()));
    let mut said = Vec::new();
    while let Some(frame) = frames.next_frame().expect("frames") {
        said.push(golv_protocol::decode(frame).expect("a message"));
    }
    assert!(!frames.is_partial());
    said
}

fn said_ids(session: &mut ClientSession) -> Vec<u64> {
    let ids = said(session).into_iter().map(|message| match message {
        ClientMessage::Submit { id, .. } => id.0,
        other => panic!("{other:?}"),
    });
    ids.collect()
}

fn told(session: &mut ClientSession) -> Vec<Notice> {
    std::iter::from_fn(|| session.next_notice()).collect()
}

/// A session that has logged on at time 0 and has said and told all of it.
fn live(highest: u64, events: u64) -> ClientSession {
    let mut session = ClientSession::new();
    reconnect(&mut session, highest, events, ms(0));
    session
}

fn reconnect(session: &mut ClientSession, highest: u64, events: u64, now: Duration) {
    session.connected(now);
    let (events_seen, acknowledged) = (session.events_seen, session.acknowledged);
    assert_eq!(said(session), [logon(events_seen, acknowledged)]);
    hear(session, &logged_on(highest, events), now).expect("in turn");
    assert!(matches!(told(session)[..], [Notice::LoggedOn(_), ..]));
}

#[test]
fn a_logon_tells_who_and_what_comes_next() {
    let mut session = ClientSession::new();
    assert!(!session.can_submit());
    assert!(matches!(session.submit(command(1)), Err(SubmitError::NotLoggedOn)));
    assert_eq!(session.wakes_at(), None);
    session.connected(ms(5));
    let logon = logon(0, None);
    assert_eq!(said(&mut session), [logon]);
    hear(&mut session, &logged_on(41, 1), ms(6)).expect("in turn");
    let who = Who {
        identity: IdentityId(3),
        participant: ParticipantId(2),
        highest: CommandId(41),
        events: 1,
        position: position(1_000),
        limits: LIMITS,
    };
    assert_eq!(told(&mut session), [Notice::LoggedOn(who)]);

    assert_eq!(session.submit(command(1)).expect("room"), CommandId(42));
    let submit = ClientMessage::Submit { id: CommandId(42), command: command(1) };
    assert_eq!(said(&mut session), [submit]);
    hear(&mut session, &ServerMessage::Happened(numbered(1)), ms(7)).expect("the next");
    assert_eq!(told(&mut session), [Notice::Happened(numbered(1)), Notice::UpToDate]);
    let answered = answered(42, 9);
    hear(&mut session, &answered, ms(8)).expect("asked for");
    let notice = Notice::Answered { id: CommandId(42), answer: answer(9), position: position(1_000) };
    assert_eq!(told(&mut session), [notice]);
    hear(&mut session, &answered, ms(8)).expect("ignored");
    assert_eq!(told(&mut session), []);
}

#[test]
fn an_exchange_without_events_is_up_to_date_at_once() {
    let mut session = ClientSession::new();
    session.connected(ms(0));
    hear(&mut session, &logged_on(0, 0), ms(0)).expect("in turn");
    assert!(matches!(told(&mut session)[..], [Notice::LoggedOn(_), Notice::UpToDate]));
}

/// Ids of an earlier process may come again, ids of this one may not.
#[test]
fn chosen_ids_rise_above_those_of_this_session_only() {
    let mut session = live(10, 0);
    session.submit_as(CommandId(9), command(1)).expect("perhaps executed by an earlier process");
    let used = session.submit_as(CommandId(9), command(1));
    assert!(matches!(used, Err(SubmitError::IdUsed { highest: CommandId(9) })));
    assert_eq!(session.submit(command(1)).expect("room"), CommandId(11));
    session.submit_as(CommandId(u64::MAX), command(1)).expect("higher");
    assert!(matches!(session.submit(command(1)), Err(SubmitError::IdUsed { .. })), "no id is left");
    assert!(matches!(
        ClientSession::new().submit_as(CommandId(0), command(1)),
        Err(SubmitError::IdUsed { .. })
    ));
}

#[test]
fn unanswered_commands_are_bounded() {
    let mut session = live(0, 0);
    for id in 1..=UNANSWERED_MAX as u64 {
        assert!(session.can_submit());
        assert_eq!(session.submit(command(1)).expect("room"), CommandId(id));
    }
    assert!(!session.can_submit());
    assert!(matches!(session.submit(command(1)), Err(SubmitError::TooManyUnanswered)));
    hear(&mut session, &answered(1, 1), ms(1)).expect("asked for");
    assert_eq!(session.submit(command(1)).expect("room again"), CommandId(UNANSWERED_MAX as u64 + 1));
}

#[test]
fn after_a_cut_what_has_no_answer_is_sent_again_in_order() {
    let mut session = live(0, 1);
    for auction in 1..=3 {
        session.submit(command(auction)).expect("room");
    }
    hear(&mut session, &ServerMessage::Happened(numbered(1)), ms(1)).expect("the next");
    hear(&mut session, &answered(2, 2), ms(1)).expect("asked");
    session.disconnected();
    assert!(session.output().is_empty());
    session.submit(command(4)).expect("kept for later");
    assert!(session.output().is_empty());
    hear(&mut session, &ServerMessage::Happened(numbered(2)), ms(1)).expect("ignored: of the old connection");
    told(&mut session);

    reconnect(&mut session, 3, 1, ms(2));
    assert_eq!(said_ids(&mut session), [1, 3, 4]);
    hear(&mut session, &ServerMessage::Happened(numbered(2)), ms(3)).expect("the next");
    assert_eq!(told(&mut session), [Notice::Happened(numbered(2))]);
}

#[test]
fn half_a_frame_and_half_an_event_die_with_their_connection() {
    let mut session = live(0, 1);
    let event = announced(long(1));
    let mut bytes = Vec::new();
    write_frame(&event.announcement(), &mut bytes).expect("short");
    session.received(&bytes[..bytes.len() - 1], ms(1)).expect("not whole yet");
    assert_eq!(told(&mut session), []);
    reconnect(&mut session, 0, 1, ms(2));
    session.received(&bytes, ms(3)).expect("whole");
    assert_eq!(told(&mut session), [Notice::Announced(1)]);
    session.downloaded(&event.bytes[..1_000]).expect("as announced");
    reconnect(&mut session, 0, 1, ms(4));
    session.downloaded(&event.bytes).expect("ignored: of the old connection");
    session.download_ended(ms(4)).expect("ignored as well");
    assert_eq!(told(&mut session), []);
    session.received(&bytes, ms(5)).expect("announced again");
    session.downloaded(&event.bytes).expect("as announced");
    said(&mut session);
    session.download_ended(ms(5)).expect("the event");
    assert_eq!(said(&mut session), [ClientMessage::Downloaded { number: 1 }]);
    let told = told(&mut session);
    assert_eq!(told, [Notice::Announced(1), Notice::Happened(long(1)), Notice::UpToDate]);
}

/// What is announced must be what comes, and nothing comes before it.
#[test]
fn a_download_that_is_not_what_was_announced_is_a_violation() {
    let event = announced(long(1));
    let begun = || {
        let mut session = live(0, 2);
        hear(&mut session, &event.announcement(), ms(1)).expect("the next");
        session
    };
    let mut session = begun();
    let overtaking = hear(&mut session, &ServerMessage::Happened(numbered(2)), ms(2));
    assert!(matches!(overtaking, Err(Violation::OutOfTurn)), "{overtaking:?}");
    let mut session = begun();
    let twice = hear(&mut session, &event.announcement(), ms(2));
    assert!(matches!(twice, Err(Violation::OutOfTurn)), "{twice:?}");
    let mut session = begun();
    session.downloaded(&event.bytes[1..]).expect("no more than announced");
    assert!(matches!(session.download_ended(ms(2)), Err(Violation::Download(_))));
    assert!(!session.is_connected());
    let mut session = begun();
    session.downloaded(&event.bytes).expect("all");
    assert!(matches!(session.downloaded(&[0]), Err(Violation::Download(_))));
    assert!(!session.is_connected());
}

/// A command over the limit is told of and not sent again; one that waits for no reply cannot be.
#[test]
fn over_the_limit_is_told_and_not_sent_again() {
    let mut session = live(0, 0);
    told(&mut session);
    let (first, second) =
        (session.submit(command(1)).expect("room"), session.submit(command(2)).expect("room"));
    said(&mut session);
    let over = |id| ServerMessage::OverLimit { id, wait_ms: 7 };
    hear(&mut session, &over(first), ms(1)).expect("it waits for a reply");
    assert_eq!(told(&mut session), [Notice::OverLimit { id: first, wait: ms(7) }]);
    let again = hear(&mut session, &over(first), ms(1));
    assert!(matches!(again, Err(Violation::Unasked { id }) if id == first), "{again:?}");
    reconnect(&mut session, 0, 0, ms(2));
    assert_eq!(said_ids(&mut session), [second.0]);
}

/// It sends nothing, and is told what others are answered; who sends commands is not.
#[test]
fn a_drop_copy_is_told_what_others_are_answered() {
    let copied = Copied { identity: IdentityId(4), id: CommandId(9), answer: answer(1_001) };
    let Copied { identity, id, answer } = copied;
    let message = ServerMessage::Copied { identity, id, answer, position: position(1_001) };
    let mut session =
        ClientSession::beginning(Beginning { purpose: Purpose::DropCopy, ..Beginning::default() });
    session.connected(ms(0));
    assert!(matches!(
        said(&mut session)[..],
        [ClientMessage::Logon(Logon { purpose: Purpose::DropCopy, .. })]
    ));
    hear(&mut session, &logged_on(0, 0), ms(0)).expect("in turn");
    told(&mut session);
    assert!(matches!(session.submit(command(1)), Err(SubmitError::DropCopy)));
    hear(&mut session, &message, ms(1)).expect("a copy");
    assert_eq!(told(&mut session), [Notice::Copied(copied)]);
    assert_eq!(session.acknowledged(), Some(position(1_001)));
    let refused = hear(&mut live(0, 0), &message, ms(1));
    assert!(matches!(refused, Err(Violation::OutOfTurn)), "{refused:?}");
}

/// Who says how many events were seen gets the next.
#[test]
fn a_session_begins_after_what_was_seen() {
    let mut session = ClientSession::beginning(Beginning { events_seen: 5, ..Beginning::default() });
    session.connected(ms(0));
    assert_eq!(said(&mut session), [logon(5, None)]);
    hear(&mut session, &logged_on(0, 6), ms(0)).expect("more than were seen");
    hear(&mut session, &ServerMessage::Happened(numbered(6)), ms(0)).expect("the next");
    assert_eq!(session.events_seen(), 6);
}

#[test]
fn busy_holds_back_all_that_follows_until_it_is_over() {
    let mut session = live(0, 0);
    for auction in 1..=4 {
        session.submit(command(auction)).expect("room");
    }
    assert_eq!(said_ids(&mut session), [1, 2, 3, 4]);
    let busy = |id| ServerMessage::Busy { id: CommandId(id) };
    hear(&mut session, &busy(2), ms(10)).expect("sent");
    hear(&mut session, &busy(3), ms(12)).expect("sent");
    session.submit(command(5)).expect("kept for later");
    // The time has come, but not the last refusal: until then a second copy would have two replies.
    assert_eq!(session.wakes_at(), Some(HEARTBEAT));
    session.passed(ms(40));
    assert!(session.output().is_empty());
    hear(&mut session, &answered(1, 1), ms(41)).expect("sent");
    assert!(session.output().is_empty());
    hear(&mut session, &busy(4), ms(42)).expect("sent");
    assert_eq!(said_ids(&mut session), [2, 3, 4, 5]);

    for id in 2..=5 {
        hear(&mut session, &busy(id), ms(50)).expect("sent again");
    }
    assert_eq!(session.wakes_at(), Some(ms(50) + BUSY_PAUSE));
    session.passed(ms(69));
    assert!(session.output().is_empty(), "not yet");
    session.passed(ms(70));
    assert_eq!(said_ids(&mut session), [2, 3, 4, 5]);
}

#[test]
fn a_new_connection_knows_nothing_of_busy() {
    let mut session = live(0, 0);
    session.submit(command(1)).expect("room");
    session.submit(command(2)).expect("room");
    said(&mut session);
    hear(&mut session, &ServerMessage::Busy { id: CommandId(1) }, ms(10)).expect("sent");
    told(&mut session);
    reconnect(&mut session, 0, 0, ms(11));
    assert_eq!(said_ids(&mut session), [1, 2]);
}

#[test]
fn violations_end_the_connection() {
    type Check = fn(&Violation) -> bool;
    let cases: [(ServerMessage, Check); 9] = [
        (ServerMessage::Happened(numbered(1)), |v| {
            matches!(v, Violation::EventNumber { expected: 2, got: 1 })
        }),
        (ServerMessage::Happened(numbered(3)), |v| {
            matches!(v, Violation::EventNumber { expected: 2, got: 3 })
        }),
        (logged_on(0, 1), |v| matches!(v, Violation::OutOfTurn)),
        (answered(3, 1), |v| matches!(v, Violation::Unasked { id: CommandId(3) })),
        (ServerMessage::Busy { id: CommandId(3) }, |v| matches!(v, Violation::Unasked { id: CommandId(3) })),
        // Answered before, so there is no reply to come.
        (ServerMessage::Busy { id: CommandId(1) }, |v| matches!(v, Violation::Unasked { id: CommandId(1) })),
        (
            ServerMessage::Announced { number: 3, sequence: Sequence(9), bytes: 9, digest: Digest([0; 32]) },
            |v| matches!(v, Violation::EventNumber { expected: 2, got: 3 }),
        ),
        (
            ServerMessage::Announced {
                number: 2,
                sequence: Sequence(9),
                bytes: u64::MAX,
                digest: Digest([0; 32]),
            },
            |v| matches!(v, Violation::Download(_)),
        ),
        (ServerMessage::StateTold { position: position(1_000) }, |v| matches!(v, Violation::OutOfTurn)),
    ];
    for (message, is_right) in cases {
        let mut session = live(0, 1);
        hear(&mut session, &ServerMessage::Happened(numbered(1)), ms(1)).expect("the first");
        session.submit(command(1)).expect("room");
        session.submit(command(2)).expect("room");
        hear(&mut session, &answered(1, 1), ms(1)).expect("asked for");
        let violation = hear(&mut session, &message, ms(2)).expect_err("a violation");
        assert!(is_right(&violation), "{message:?}: {violation:?}");
        assert!(!session.is_connected());
        assert!(session.output().is_empty());
    }
}

/// The furthest position is said at every logon, of an earlier process or of this one, and told back by a logon as well.
#[test]
fn the_furthest_position_is_said_at_each_logon() {
    let logon = |events_seen, acknowledged| [logon(events_seen, acknowledged)];
    let earlier = Some(position(999));
    let mut session = ClientSession::beginning(Beginning { acknowledged: earlier, ..Beginning::default() });
    assert_eq!(session.acknowledged(), earlier);
    session.connected(ms(0));
    assert_eq!(said(&mut session), logon(0, earlier));
    hear(&mut session, &logged_on(0, 0), ms(1)).expect("further");
    assert_eq!(session.acknowledged(), Some(position(1_000)));
    session.submit(command(1)).expect("room");
    session.submit(command(2)).expect("room");
    hear(&mut session, &answered_at(1, 1_006, position(1_007)), ms(1)).expect("further");
    hear(&mut session, &answered_at(2, 1_007, position(1_007)), ms(1)).expect("in the same batch");
    assert_eq!(session.acknowledged(), Some(position(1_007)));
    hear(&mut session, &ServerMessage::Reached { position: position(1_008) }, ms(1)).expect("further");
    assert_eq!(session.acknowledged(), Some(position(1_008)), "before the event of which it is");
    session.connected(ms(2));
    said(&mut session);
    session.connected(ms(3));
    assert_eq!(said(&mut session), logon(0, Some(position(1_008))));
    hear(&mut session, &ServerMessage::Closing(Closing::ServerBehind), ms(3)).expect("in turn");
    assert!(told(&mut session).ends_with(&[Notice::Closed(Closing::ServerBehind)]));
    assert_eq!(session.acknowledged(), Some(position(1_008)), "it is still true");
}

/// An exchange that lets a client in and stands before what it had acknowledged, or elsewhere, has broken its word.
#[test]
fn a_position_never_goes_back() {
    let elsewhere = |sequence| Position { chain: Digest([0; 32]), ..position(sequence) };
    for got in [position(1_008), elsewhere(1_008), elsewhere(1_009)] {
        let mut session = live(0, 0);
        session.submit(command(1)).expect("room");
        session.submit(command(2)).expect("room");
        hear(&mut session, &answered_at(1, 1_009, position(1_009)), ms(1)).expect("further");
        let violation = hear(&mut session, &answered_at(2, 1_008, got), ms(1)).expect_err("back");
        let is_right = matches!(violation, Violation::WentBack { acknowledged, got: told }
            if (acknowledged, told) == (position(1_009), got));
        assert!(is_right, "{violation:?}");

        let mut session = live(0, 0);
        hear(&mut session, &ServerMessage::Reached { position: position(1_009) }, ms(1)).expect("further");
        let violation = hear(&mut session, &ServerMessage::Reached { position: got }, ms(1));
        assert!(matches!(violation, Err(Violation::WentBack { .. })), "{violation:?}");

        session.connected(ms(2));
        said(&mut session);
        let back = ServerMessage::LoggedOn {
            protocol: PROTOCOL,
            limits: LIMITS,
            identity: IdentityId(3),
            participant: ParticipantId(2),
            highest: CommandId(2),
            events: 0,
            position: got,
        };
        assert!(matches!(hear(&mut session, &back, ms(2)), Err(Violation::WentBack { .. })));
        assert!(!session.is_connected());
        assert_eq!(session.acknowledged(), Some(position(1_009)));
    }
}

#[test]
fn bytes_that_are_no_messages_are_violations() {
    let mut session = live(0, 0);
    assert!(matches!(session.received(&[0xff; 4], ms(1)), Err(Violation::Frame(_))));
    let mut session = live(0, 0);
    assert!(matches!(session.received(&[1, 0, 0, 0, 9], ms(1)), Err(Violation::Unreadable(_))));
}

#[test]
fn nothing_comes_before_the_logon_is_answered_and_its_answer_must_fit_what_came_before() {
    let mut session = ClientSession::new();
    session.connected(ms(0));
    hear(&mut session, &ServerMessage::Heartbeat, ms(1))
        .expect("says nothing but that the exchange is alive");
    let early = hear(&mut session, &ServerMessage::Happened(numbered(1)), ms(1));
    assert!(matches!(early, Err(Violation::OutOfTurn)));

    let mut session = live(0, 1);
    hear(&mut session, &ServerMessage::Happened(numbered(1)), ms(1)).expect("the first");
    session.connected(ms(2));
    let lost = hear(&mut session, &logged_on(0, 0), ms(3));
    assert!(matches!(lost, Err(Violation::EventsLost { seen: 1, events: 0 })));
    session.connected(ms(4));
    let (identity, participant) = (IdentityId(4), ParticipantId(2));
    let (highest, position) = (CommandId(0), position(1_000));
    let other = ServerMessage::LoggedOn {
        protocol: PROTOCOL,
        identity,
        participant,
        highest,
        events: 1,
        position,
        limits: LIMITS,
    };
    assert!(matches!(hear(&mut session, &other, ms(5)), Err(Violation::OtherSpeaker)));
}

#[test]
fn heartbeats_leave_when_nothing_else_did() {
    let mut session = live(0, 0);
    session.passed(ms(999));
    assert_eq!(said(&mut session), []);
    assert_eq!(session.wakes_at(), Some(ms(1_000)));
    session.passed(ms(1_000));
    assert_eq!(said(&mut session), [ClientMessage::Heartbeat]);
    session.passed(ms(1_500));
    session.submit(command(1)).expect("room");
    assert_eq!(session.wakes_at(), Some(ms(2_500)), "a command says as much");
    session.passed(ms(2_500));
    assert_eq!(said_ids(&mut session), [1], "it still waits to be sent");
}

#[test]
fn silence_ends_a_connection_unless_nobody_listened() {
    let mut session = live(0, 0);
    hear(&mut session, &ServerMessage::Heartbeat, ms(500)).expect("alive");
    session.passed(ms(3_499));
    assert!(session.is_connected());
    session.not_listening(ms(3_500));
    session.passed(ms(6_499));
    assert!(session.is_connected());
    told(&mut session);
    session.passed(ms(6_500));
    assert!(!session.is_connected());
    assert_eq!(told(&mut session), [Notice::Closed(Closing::Silent)]);
    session.passed(ms(60_000));
    assert_eq!(told(&mut session), [], "said once");

    session.connected(ms(70_000));
    session.passed(ms(73_000));
    assert_eq!(told(&mut session), [Notice::Closed(Closing::Silent)], "a logon without an answer");
}

#[test]
fn nothing_follows_a_closing() {
    let mut session = live(0, 9);
    let mut bytes = Vec::new();
    write_frame(&ServerMessage::Happened(numbered(1)), &mut bytes).expect("short");
    write_frame(&ServerMessage::Closing(Closing::Stopping), &mut bytes).expect("short");
    write_frame(&ServerMessage::Happened(numbered(2)), &mut bytes).expect("short");
    session.received(&bytes, ms(1)).expect("messages");
    let expected = [Notice::Happened(numbered(1)), Notice::Closed(Closing::Stopping)];
    assert_eq!(told(&mut session), expected);
    assert!(!session.is_connected());
}
