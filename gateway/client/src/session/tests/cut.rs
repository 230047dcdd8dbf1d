//! The session against a model of an exchange, whose line is cut anywhere.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use super::*;

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
