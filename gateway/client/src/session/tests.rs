//! The sans-I/O session, message by message, and against a model of an exchange whose line is cut anywhere.

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
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

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

/// An exchange that does what the protocol says, on one identity, and checks what it is told.
#[derive(Default)]
struct Model {
    executed: Vec<(CommandId, Command)>,
    /// Counts what the writer took.
    written: u64,
    answers: BTreeMap<CommandId, Answer>,
    events: Vec<Numbered>,
    /// Between the connections and the writer. Survives a connection, as in the real one.
    ring: VecDeque<(u64, CommandId, Command)>,
    /// Counts connections.
    connection: u64,
    logged_on: bool,
    frames: Frames,
    busy: Option<CommandId>,
    /// Sent on this connection, and without a reply.
    unreplied: BTreeSet<CommandId>,
    /// How many events the client of this connection was told of.
    told: usize,
    /// The one that it is to download, and how much of it has arrived.
    announced: Option<(LongEvent, usize)>,
    downloads: u64,
    out: Vec<u8>,
    refused: u64,
}

impl Model {
    const RING: usize = 3;

    fn connected(&mut self) {
        self.connection += 1;
        self.logged_on = false;
        self.frames = Frames::default();
        self.busy = None;
        self.unreplied.clear();
        self.announced = None;
        self.out.clear();
    }

    /// Tells of events up to one that is to be downloaded first.
    fn tell(&mut self) {
        while self.logged_on && self.announced.is_none() && self.told < self.events.len() {
            let event = self.events[self.told].clone();
            self.told += 1;
            self.say(&ServerMessage::Reached { position: self.position() });
            if let Some(long) = write_event(event, &mut self.out).expect("short enough") {
                self.say(&long.announcement());
                self.announced = Some((long, 0));
            }
        }
    }

    /// A batch for each command that the writer took, executed before or not.
    fn position(&self) -> Position {
        position(self.written)
    }

    fn say(&mut self, message: &ServerMessage) {
        write_frame(message, &mut self.out).expect("short");
    }

    fn received(&mut self, bytes: &[u8]) {
        self.frames.push(bytes);
        while let Some(frame) = self.frames.next_frame().expect("frames") {
            match golv_protocol::decode(frame).expect("a message") {
                ClientMessage::Logon(Logon { oldest, newest, events_seen, acknowledged, .. }) => {
                    assert_eq!((oldest, newest), (PROTOCOL_OLDEST, PROTOCOL));
                    let last = self.position();
                    assert!(acknowledged.is_none_or(|told| told.sequence <= last.sequence));
                    assert!(!std::mem::replace(&mut self.logged_on, true));
                    let highest = self.executed.last().map_or(0, |(id, _)| id.0);
                    self.say(&ServerMessage::LoggedOn {
                        protocol: PROTOCOL,
                        limits: LIMITS,
                        identity: IdentityId(3),
                        participant: ParticipantId(2),
                        highest: CommandId(highest),
                        events: self.events.len() as u64,
                        position: last,
                    });
                    self.told = usize::try_from(events_seen).expect("few events");
                    self.tell();
                }
                ClientMessage::Submit { id, command } => {
                    assert!(self.logged_on);
                    assert!(self.unreplied.insert(id), "{id} was sent twice");
                    if self.busy.is_some_and(|busy| busy != id) || self.ring.len() == Self::RING {
                        self.busy.get_or_insert(id);
                        self.refused += 1;
                        self.unreplied.remove(&id);
                        self.say(&ServerMessage::Busy { id });
                    } else {
                        self.busy = None;
                        self.ring.push_back((self.connection, id, command));
                    }
                }
                ClientMessage::Downloaded { number } => {
                    let (event, arrived) = self.announced.take().expect("one was announced");
                    assert_eq!((event.number, event.bytes.len()), (number, arrived));
                    self.downloads += 1;
                    self.tell();
                }
                ClientMessage::Heartbeat => assert!(self.logged_on),
                other => panic!("{other:?} is for a stream of its own"),
            }
        }
    }

    /// The writer takes a command.
    fn write(&mut self) {
        let Some((connection, id, command)) = self.ring.pop_front() else { return };
        self.written += 1;
        if !self.answers.contains_key(&id) {
            assert!(self.executed.last().is_none_or(|(last, _)| *last < id), "{id} was overtaken");
            self.executed.push((id, command));
            self.answers.insert(id, answer(self.executed.len() as u64));
            self.happen(false);
        }
        if connection == self.connection {
            self.unreplied.remove(&id);
            let (answer, position) = (self.answers[&id], self.position());
            self.say(&ServerMessage::Answered { id, answer, position });
        }
    }

    fn happen(&mut self, is_long: bool) {
        let number = self.events.len() as u64 + 1;
        self.events.push(if is_long { long(number) } else { numbered(number) });
        self.tell();
    }
}

#[derive(Clone, Debug)]
enum Step {
    Submit(u32),
    Upward(usize),
    Downward(usize),
    Download(usize),
    Write,
    Happen { is_long: bool },
    Pass(u64),
    Cut,
    Connect,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => any::<u32>().prop_map(Step::Submit),
        8 => (1_usize..300).prop_map(Step::Upward),
        6 => (1_usize..300).prop_map(Step::Downward),
        2 => Just(Step::Downward(usize::MAX)),
        2 => (1_usize..90_000).prop_map(Step::Download),
        8 => Just(Step::Write),
        2 => Just(Step::Happen { is_long: false }),
        1 => Just(Step::Happen { is_long: true }),
        3 => (1_u64..60).prop_map(Step::Pass),
        1 => (60_u64..4_000).prop_map(Step::Pass),
        1 => Just(Step::Cut),
        4 => Just(Step::Connect),
    ]
}

/// A session and an exchange with a connection between them that can be cut anywhere.
#[derive(Default)]
struct World {
    session: ClientSession,
    model: Model,
    now: Duration,
    submitted: Vec<(CommandId, Command)>,
    answered: BTreeMap<CommandId, Answer>,
    events: Vec<Numbered>,
    resent: u64,
    silences: u64,
}

impl World {
    fn step(&mut self, step: Step) {
        match step {
            Step::Submit(auction) => {
                if self.session.can_submit() {
                    let id = self.session.submit(command(auction)).expect("there is room");
                    self.submitted.push((id, command(auction)));
                }
            }
            Step::Upward(length) => {
                let output = self.session.output();
                let bytes: Vec<u8> = output.drain(..length.min(output.len())).collect();
                self.model.received(&bytes);
            }
            Step::Downward(length) => {
                let out = &mut self.model.out;
                let bytes: Vec<u8> = out.drain(..length.min(out.len())).collect();
                if !bytes.is_empty() {
                    self.session.received(&bytes, self.now).expect("the model keeps the protocol");
                }
            }
            Step::Download(length) => {
                // A client asks once it has heard of it.
                let asked = self.session.download.is_some();
                if let Some((event, arrived)) = self.model.announced.as_mut().filter(|_| asked) {
                    let end = arrived.saturating_add(length).min(event.bytes.len());
                    self.session.downloaded(&event.bytes[*arrived..end]).expect("as announced");
                    *arrived = end;
                    if end == event.bytes.len() {
                        self.session.download_ended(self.now).expect("as announced");
                    }
                }
            }
            Step::Write => self.model.write(),
            Step::Happen { is_long } => self.model.happen(is_long),
            Step::Pass(milliseconds) => {
                self.now += ms(milliseconds);
                self.session.passed(self.now);
            }
            Step::Cut => {
                self.session.disconnected();
                self.model.connected();
            }
            Step::Connect => {
                if !self.session.is_connected() {
                    self.resent += self.session.unanswered.len() as u64;
                    self.session.connected(self.now);
                    self.model.connected();
                }
            }
        }
        for notice in told(&mut self.session) {
            match notice {
                Notice::Answered { id, answer, .. } => {
                    assert_eq!(self.answered.insert(id, answer), None, "{id} was answered twice");
                }
                Notice::Happened(numbered) => self.events.push(numbered),
                Notice::Closed(reason) => {
                    assert_eq!(reason, Closing::Silent);
                    self.silences += 1;
                    self.model.connected();
                }
                Notice::LoggedOn(_) | Notice::UpToDate | Notice::Announced(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// Lets everything arrive that is on its way or has to be said again.
    fn settle(&mut self) {
        let round = [
            Step::Connect,
            Step::Upward(usize::MAX),
            Step::Write,
            Step::Write,
            Step::Downward(usize::MAX),
            Step::Download(usize::MAX),
            Step::Pass(20),
        ];
        for _ in 0..1_000 {
            round.iter().for_each(|step| self.step(step.clone()));
            if self.session.unanswered.is_empty() && self.events.len() == self.model.events.len() {
                return;
            }
        }
        panic!("{} commands have no answer", self.session.unanswered.len());
    }
}

#[test]
fn whatever_is_cut_every_command_is_executed_once_and_every_event_seen_once() {
    let (refused, resent, silences, answers) = (Cell::new(0), Cell::new(0), Cell::new(0), Cell::new(0));
    let downloads = Cell::new(0);
    let add = |sum: &Cell<u64>, more| sum.set(sum.get() + more);
    let config = ProptestConfig { source_file: Some(file!()), ..ProptestConfig::default() };
    TestRunner::new(config)
        .run(&prop::collection::vec(step(), 1..300), |steps| {
            let mut world = World::default();
            steps.into_iter().for_each(|step| world.step(step));
            world.settle();
            prop_assert_eq!(&world.model.executed, &world.submitted);
            prop_assert_eq!(&world.answered, &world.model.answers);
            prop_assert_eq!(&world.events, &world.model.events);
            add(&refused, world.model.refused);
            add(&resent, world.resent);
            add(&silences, world.silences);
            add(&downloads, world.model.downloads);
            add(&answers, world.answered.len() as u64);
            Ok(())
        })
        .expect("holds for all");
    // The steps reach what they are meant to try.
    for (what, count) in [
        ("refused", refused),
        ("resent", resent),
        ("silent", silences),
        ("answered", answers),
        ("downloaded", downloads),
    ] {
        assert!(count.get() > 10, "{what}: {}", count.get());
    }
}
