//! However often it is stopped, killed and started again, an exchange comes to what it would have come to without.
//!
//! Random commands of several identities are sent one by one to rehearsals: to one that is never restarted, and to others
//! that are restarted at random places, some in order and some not. An exchange that was killed is had from one that was
//! stopped, by taking the seal from its journal and whatever else a kill would have left out. The engine alone, which
//! has neither journal nor threads, tells what must come out. Segments are small, so that starts come from
//! snapshots as well as from the founding.

#[path = "../../engine/tests/common/mod.rs"]
mod world;

use std::cell::Cell;
use std::collections::VecDeque;
use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::path::Path;

use golv_engine::command::Command;
use golv_engine::event::Event;
use golv_engine::id::*;
use golv_engine::reject::Reject;
use golv_engine::time::Instant;
use golv_engine::{ANSWERS_KEPT, Answer};
use golv_gateway::pipeline::{
    Answered, Creation, LocalSession, Message, Opening, Pipeline, Stopped, SubmitError, Waiting,
};
use golv_journal::keeper::Keeper;
use golv_journal::replay::Replay;
use golv_journal::{Content, Verdict, scan};
use golv_protocol::batch::{Batch, Entry};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use tempfile::TempDir;
use world::steps::{Step, Tried, a_step};
use world::*;

const SEGMENT_BYTES: u32 = 2048;

/// How an exchange ends before it is started again.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Ending {
    /// It is stopped in order.
    Stopped,
    /// It is killed after its last answer.
    Killed,
    /// It is killed while it writes a batch.
    Torn,
    /// It is killed before it ticks for what became due with the last answer.
    BeforeTicks,
}

const ENDINGS: [Ending; 4] = [Ending::Stopped, Ending::Killed, Ending::Torn, Ending::BeforeTicks];

/// In memory where the system has such a place, since every batch is flushed.
fn scratch() -> TempDir {
    let memory = Path::new("/dev/shm");
    let made = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    made.expect("a temporary directory")
}

fn is_tick(entry: &Entry<Command>) -> bool {
    entry.sender == IdentityId::SYSTEM && entry.command == Command::Tick
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

/// An exchange in a process, which can be restarted.
struct Run {
    dir: TempDir,
    /// Nothing while it is not running.
    running: Option<(Pipeline, LocalSession)>,
    /// Answers that have come and were not asked for yet.
    answered: VecDeque<Answered>,
}

impl Run {
    fn found(founding: &Line) -> Self {
        let dir = scratch();
        let creation = Creation::Rehearsal { seed: 1, start: founding.at };
        let command = founding.command.clone();
        let pipeline =
            Pipeline::create_in_segments(dir.path(), creation, SEGMENT_BYTES, command, Waiting::Park);
        let pipeline = pipeline.expect("created");
        let session = pipeline.connect().expect("running");
        Self { dir, running: Some((pipeline, session)), answered: VecDeque::new() }
    }

    fn send(&mut self, line: &Line) {
        let (_, session) = self.running.as_mut().expect("running");
        while session.send(line.sender, line.id, line.command.clone()) == Err(SubmitError::Busy) {
            std::thread::yield_now();
        }
    }

    fn receive(&mut self, line: &Line) -> Answer {
        let (_, session) = self.running.as_mut().expect("running");
        loop {
            if let Some(Answered { sender, id, answer }) = self.answered.pop_front() {
                assert_eq!((sender, id), (line.sender, line.id));
                return answer;
            }
            if let Message::Answered { answers, .. } = session.receive().expect("running") {
                self.answered.extend(answers.iter());
            }
        }
    }

    fn ask(&mut self, line: &Line) -> Answer {
        self.send(line);
        self.receive(line)
    }

    fn stop(&mut self) -> Stopped {
        let (pipeline, _) = self.running.take().expect("running");
        self.answered.clear();
        let stopped = pipeline.stop().expect("the disk works");
        take_snapshot(self.dir.path());
        stopped
    }

    fn restart(&mut self, ending: Ending) -> Opening {
        let stopped = self.stop();
        end(self.dir.path(), ending);
        let (pipeline, opening) = Pipeline::open(self.dir.path(), Waiting::Park).expect("a journal");
        match ending {
            Ending::Stopped => assert!(matches!(opening.verdict, Verdict::Clean { sealed: true, .. })),
            Ending::Torn => assert!(matches!(opening.verdict, Verdict::TornTail { .. })),
            Ending::Killed | Ending::BeforeTicks => {
                assert!(matches!(opening.verdict, Verdict::Clean { sealed: false, .. }));
            }
        }
        assert!(ending == Ending::BeforeTicks || opening.state == stopped.state);
        assert!(opening.passed_over.is_empty(), "{:?}", opening.passed_over);
        let session = pipeline.connect().expect("running");
        self.running = Some((pipeline, session));
        opening
    }
}

/// Makes a journal that was sealed one that ends otherwise.
fn end(dir: &Path, ending: Ending) {
    if ending == Ending::Stopped {
        return;
    }
    let mut reader = scan(dir).expect("a journal");
    // Where the end begins that is to be taken away.
    let mut from = None;
    let mut last = 0;
    while let Some(frame) = reader.next_frame().expect("the disk works") {
        let goes = match frame.content {
            Content::Seal => true,
            Content::Batch { payload, .. } if ending == Ending::BeforeTicks => {
                Batch::<Command>::decode(payload).expect("a batch").entries.iter().all(is_tick)
            }
            _ => false,
        };
        // What is in an earlier segment stays, as if the kill had come later.
        if !goes || last != frame.segment {
            from = None;
        }
        if goes {
            from = from.or(Some(frame.offset));
        }
        last = frame.segment;
    }
    let file = OpenOptions::new().write(true).open(dir.join(format!("{last:08}.journal"))).expect("the last");
    let from = from.expect("a seal");
    let length = file.metadata().expect("readable").len();
    let zeros = vec![0; usize::try_from(length - from).expect("small")];
    file.write_all_at(&zeros, from).expect("written");
    if ending == Ending::Torn {
        file.write_all_at(&[0xa5; 40], from).expect("written");
    }
}

/// What a journal holds.
struct Held {
    /// Without the ids of ticks, which are the writer's own.
    commands: Vec<(Instant, IdentityId, CommandId, Command)>,
    events: Vec<Event>,
}

impl Held {
    /// Reads a journal. A tick is first in its batch, and there is one whenever something is due, and never else: so
    /// nothing is executed at or after an instant at which something is due, before it was done.
    fn read(dir: &Path) -> Self {
        let mut reader = scan(dir).expect("a journal");
        let mut replay = Replay::new(reader.header()).expect("the founding");
        let mut held = Self { commands: Vec::new(), events: Vec::new() };
        while let Some(frame) = reader.next_frame().expect("the disk works") {
            if let Content::Batch { payload, .. } = frame.content {
                let batch = Batch::<Command>::decode(payload).expect("a batch");
                let at = batch.header.at;
                let due = replay.exchange().next_due().is_some_and(|due| due <= at);
                for (place, entry) in batch.entries.iter().enumerate() {
                    assert_eq!(is_tick(entry), due && place == 0, "sequence {}", frame.sequence);
                    let id = if is_tick(entry) { CommandId(0) } else { entry.id };
                    held.commands.push((at, entry.sender, id, entry.command.clone()));
                }
            }
            replay.frame(&frame).expect("it replays to its own chain");
            held.events.extend(replay.happened().iter().map(|happened| happened.event.clone()));
        }
        assert!(matches!(reader.finish().expect("the disk works"), Verdict::Clean { sealed: true, .. }));
        held
    }
}

/// What commands were sent to an exchange and what must come of it, by the engine alone.
struct Script {
    world: World,
    /// All but ticks and the founding command.
    lines: Vec<Line>,
}

impl Script {
    fn new(steps: &[Step]) -> Self {
        let world = Tried::new(steps).world;
        let is_sent = |line: &&Line| !matches!(line.command, Command::Tick | Command::Found { .. });
        let lines = world.journal.iter().filter(is_sent).cloned().collect();
        Self { world, lines }
    }

    /// Sends everything to an exchange that is restarted before these lines, and after each restart sends so many of the
    /// last commands again. Gives the first answers and where it stopped, and counts starts from snapshots and others.
    fn play(
        &self,
        restarts: &[(usize, Ending)],
        again: usize,
        starts: &Cell<[u32; 2]>,
    ) -> (Vec<Answer>, Stopped, Held) {
        let mut run = Run::found(&self.world.journal[0]);
        let mut answers: Vec<Answer> = Vec::new();
        for (place, line) in self.lines.iter().enumerate() {
            for (_, ending) in restarts.iter().filter(|(before, _)| *before == place) {
                let opening = run.restart(*ending);
                let [snapshots, foundings] = starts.get();
                let from_snapshot = u32::from(opening.snapshot.is_some());
                starts.set([snapshots + from_snapshot, foundings + 1 - from_snapshot]);
                for (line, first) in self.lines.iter().zip(&answers).skip(place.saturating_sub(again)) {
                    let answer = run.ask(line);
                    assert_eq!(answer.outcome, first.outcome);
                    let is_kept =
                        line.sender != IdentityId::SYSTEM && first.outcome != Err(Reject::UnknownSender);
                    assert_eq!(answer.sequence == first.sequence, is_kept, "{line:?}");
                }
            }
            answers.push(run.ask(line));
        }
        let stopped = run.stop();
        (answers, stopped, Held::read(run.dir.path()))
    }
}

fn outcomes(answers: &[Answer]) -> Vec<Result<(), Reject>> {
    answers.iter().map(|answer| answer.outcome).collect()
}

#[test]
fn restarts_change_nothing() {
    let starts = Cell::default();
    let ending = prop::sample::select(ENDINGS.as_slice());
    let restart = (any::<prop::sample::Index>(), ending);
    let script = (prop::collection::vec(a_step(), 0..80), prop::collection::vec(restart, 1..6), 1_usize..6);
    let mut runner = TestRunner::new(ProptestConfig::with_cases(24));
    let ran = runner.run(&script, |(steps, restarts, again)| {
        let script = Script::new(&steps);
        let world = &script.world;
        let mut restarts: Vec<(usize, Ending)> =
            restarts.iter().map(|(place, ending)| (place.index(script.lines.len()), *ending)).collect();
        // Where the auctions open, so that there is a tick to be missed.
        let waits = script.lines.iter().position(|line| matches!(line.command, Command::SetClock { .. }));
        restarts.push((waits.expect("the auctions are opened") + 1, Ending::BeforeTicks));

        let (answers, stopped, held) = script.play(&[], 0, &Cell::default());
        let is_tick = |line: &Line| line.sender == IdentityId::SYSTEM && line.command == Command::Tick;
        let id = |line: &Line| if is_tick(line) { CommandId(0) } else { line.id };
        let expected: Vec<_> =
            world.journal.iter().map(|line| (line.at, line.sender, id(line), line.command.clone())).collect();
        let told = world.journal.iter().zip(&world.outcomes);
        let told: Vec<_> = told
            .filter(|(line, _)| !is_tick(line) && !matches!(line.command, Command::Found { .. }))
            .map(|(_, outcome)| *outcome)
            .collect();
        prop_assert_eq!(&held.commands, &expected);
        prop_assert_eq!(&held.events, &world.events);
        prop_assert_eq!(outcomes(&answers), told);
        prop_assert_eq!(stopped.state, world.exchange.state_digest());

        let (same_answers, same_stopped, same) = script.play(&restarts, 0, &starts);
        prop_assert_eq!(&same_answers, &answers);
        prop_assert_eq!(same_stopped, stopped, "the chain too");
        prop_assert_eq!(&same.commands, &expected);
        prop_assert_eq!(&same.events, &world.events);

        // Commands that are sent again take their places in the order, and do nothing.
        let (again_answers, again_stopped, again) = script.play(&restarts, again, &starts);
        prop_assert_eq!(outcomes(&again_answers), outcomes(&answers));
        prop_assert_eq!(again_stopped.state, stopped.state);
        prop_assert_eq!(&again.events, &world.events);
        Ok(())
    });
    ran.unwrap_or_else(|error| panic!("{error}"));
    let [snapshots, foundings] = starts.get();
    assert!(snapshots > 20 && foundings > 2, "{snapshots} from snapshots, {foundings} from the founding");
}

/// What is no more kept is refused, before and after a restart of any kind, and what is kept is answered as at first.
#[test]
fn an_id_that_is_too_old_stays_too_old() {
    let world = World::founded();
    let mut run = Run::found(&world.journal[0]);
    let line = |id| Line {
        at: world.now,
        sender: OPERATORS[0],
        id: CommandId(id),
        command: Command::SetClock { to: world.now },
    };
    let kept = u64::try_from(ANSWERS_KEPT).expect("small");
    let (dropped, highest) = (6, kept + 6);
    (1..=highest).for_each(|id| run.send(&line(id)));
    let first: Vec<Answer> = (1..=highest).map(|id| run.receive(&line(id))).collect();
    assert!(first.iter().all(|answer| answer.outcome == Ok(())));
    for ending in [None].into_iter().chain(ENDINGS.map(Some)) {
        if let Some(ending) = ending {
            let opening = run.restart(ending);
            assert!(opening.snapshot.is_some(), "{ending:?}: so many commands fill a segment");
        }
        for id in [1, dropped] {
            let too_old = Err(Reject::TooOld { highest: CommandId(highest) });
            assert_eq!(run.ask(&line(id)).outcome, too_old, "{ending:?}: {id}");
        }
        let kept = dropped + 1..=highest;
        kept.clone().for_each(|id| run.send(&line(id)));
        let answers: Vec<Answer> = kept.map(|id| run.receive(&line(id))).collect();
        assert_eq!(answers, first[usize::try_from(dropped).expect("small")..], "{ending:?}");
    }
    run.stop();
}
