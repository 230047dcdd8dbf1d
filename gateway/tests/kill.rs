//! Killed at any moment, an exchange has lost nothing that it acknowledged, and done nothing twice.
//!
//! Round after round a process opens an exchange, four sessions send commands as fast as they can, and the process is
//! killed: after some answers, while it starts, right after a segment was begun, or while a snapshot is written. The
//! segments are small, so that they rotate, and snapshots are taken, all the time. The process writes each
//! acknowledgement to its standard output as it comes. After each kill the journal is read from the founding on, and not
//! from snapshots, and must hold what was acknowledged; then the next process, which does begin with a snapshot, must
//! come to the same state, and answers what is sent again as it was answered at first.
//!
//! A killed process loses nothing that it gave to the system, so these rounds say that nothing is acknowledged
//! before it is written, and nothing of flushes. That is why most of the directories may be in memory, where
//! rounds are quick.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::num::NonZeroU32;
use std::path::Path;
use std::process::{Child, Command as Process, Stdio};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use golv_engine::Answer;
use golv_engine::auction::{AuctionKind, AuctionTerms};
use golv_engine::book::Side;
use golv_engine::cfd::ContractTerms;
use golv_engine::clearing::{Allocation, Candidates, Criterion, Rule};
use golv_engine::command::{Action, Command, NewBid, Operator};
use golv_engine::digest::Digest;
use golv_engine::event::Event;
use golv_engine::id::*;
use golv_engine::market::{FloorTerms, Market, Unit};
use golv_engine::num::{Currency, Price, Quantity};
use golv_engine::participant::Role;
use golv_engine::time::{Instant, Month};
use golv_gateway::pipeline::{Answered, Creation, LocalSession, Message, Pipeline, SubmitError, Waiting};
use golv_journal::replay::Replay;
use golv_journal::restart::RestartError;
use golv_journal::{OpenError, ScanError, Verdict, scan};
use golv_protocol::message::Position;
use tempfile::TempDir;

/// How often a process is killed.
const ROUNDS: u32 = 240;
/// After so many the journal is begun anew, so that replays stay short.
const ROUNDS_OF_A_JOURNAL: u32 = 15;
/// Every so many journals, one is on the disk.
const JOURNALS_TO_ONE_ON_DISK: u32 = 4;

const SEGMENT_BYTES: u32 = 64 * 1024;
const OPERATORS: [IdentityId; 2] = [IdentityId(1), IdentityId(2)];
const SUPPLIERS: [IdentityId; 2] = [IdentityId(4), IdentityId(5)];
const BUYERS: [IdentityId; 2] = [IdentityId(7), IdentityId(8)];
const MARKET: MarketId = MarketId(1);
const AUCTION: AuctionId = AuctionId(1);

/// Commands of one sender that wait for their answers at most.
const WINDOW: u64 = 64;
/// How many commands of each sender a process sends at most. So many begin several segments.
const COMMANDS: u64 = 256;
/// How many of a sender's acknowledged commands the next process sends again, besides those in doubt.
const SENT_AGAIN: u64 = 4;

/// How the process to be killed is told its directory, and which command each sender begins with; nothing if it is to
/// found an exchange.
const DIRECTORY: &str = "GOLV_KILL_DIRECTORY";
const BEGIN: &str = "GOLV_KILL_BEGIN";

/// No round hangs longer than this; none waits for it.
const PATIENCE: Duration = Duration::from_secs(60);

fn traders() -> impl Iterator<Item = IdentityId> {
    SUPPLIERS.into_iter().chain(BUYERS)
}

fn price(units: i64) -> Price {
    Price::from_units(units).expect("fits")
}

fn quantity(units: u32) -> Quantity {
    Quantity::from_units(units).expect("fits")
}

/// A trader's command under an id, whichever process sends it: bids, changes to them, and what is refused, some of it
/// long.
fn command(sender: IdentityId, id: u64) -> Command {
    let tens = i64::try_from(id % 50).expect("small");
    let selling = SUPPLIERS.contains(&sender);
    let place = |auction, price| {
        let price = Some(price);
        let side = if selling { Side::Sell } else { Side::Buy };
        let origin = selling.then(|| "FI".parse().expect("a country"));
        Command::PlaceBid {
            auction,
            bid: NewBid { side, price, quantity: quantity(1), origin, details: None },
        }
    };
    let earlier = |ids: u64| BidId { identity: sender, command: CommandId(id - ids) };
    match id % 8 {
        2 => {
            let (bid, price) = (earlier(1), price(10 * tens));
            Command::ReplaceBid { auction: AUCTION, bid, price: Some(price), quantity: quantity(2) }
        }
        4 => Command::WithdrawBid { auction: AUCTION, bid: earlier(1) },
        // Not on the tick.
        6 => place(AUCTION, price(10 * tens + 1)),
        7 if id % 64 == 63 => long(),
        7 => place(AuctionId(9), price(10 * tens)),
        _ => place(AUCTION, price(10 * tens)),
    }
}

/// A command that is longer than half a segment, and refused since no trader may propose anything.
fn long() -> Command {
    let terms = FloorTerms {
        market: MARKET,
        programme: ProgrammeId(1),
        index: IndexId(1),
        price: price(1),
        stress_price: price(1),
        first: Month::new(2019, 1).expect("a month"),
        last: Month::new(2019, 2).expect("a month"),
        origins: vec!["FI".parse().expect("a country"); 20_000],
        contract: Box::new(ContractTerms::monthly_floor()),
    };
    Command::Propose { action: Action::SetFloor { floor: FloorId(1), terms } }
}

/// What each round's process does until it is killed.
#[test]
#[ignore = "the process that is killed; the other test starts it"]
fn process() {
    let Some(dir) = std::env::var_os(DIRECTORY) else { return };
    let begin = std::env::var(BEGIN).expect("given with the directory");
    // Whatever becomes of whoever started it, this process ends with it.
    std::thread::spawn(|| {
        let _ = io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    say("\nstarting");
    if begin.is_empty() {
        let _pipeline = found(dir.as_ref());
        say("founded");
        wait_to_be_killed();
    }
    let (pipeline, opening) = Pipeline::open(dir.as_ref(), Waiting::Park).expect("a journal");
    assert!(opening.passed_over.is_empty(), "{:?}", opening.passed_over);
    say(&format!("opened {} {}", opening.state, opening.snapshot.map_or(0, |(segment, _)| segment)));
    std::thread::scope(|scope| {
        for (sender, begin) in traders().zip(begin.split(' ')) {
            let begin = begin.parse().expect("a number");
            let pipeline = &pipeline;
            scope.spawn(move || trade(pipeline, sender, begin));
        }
    });
    wait_to_be_killed();
}

fn wait_to_be_killed() -> ! {
    loop {
        std::thread::park();
    }
}

/// Sends a trader's commands from one on, and then waits to be killed.
fn trade(pipeline: &Pipeline, sender: IdentityId, begin: u64) {
    let mut session = pipeline.connect().expect("running");
    let (mut unanswered, mut next) = (begin, begin);
    let end = begin + COMMANDS;
    while unanswered < end {
        while next < end.min(unanswered + WINDOW) {
            match session.send(sender, CommandId(next), command(sender, next)) {
                Ok(()) => next += 1,
                Err(SubmitError::Busy) => break,
                Err(error) => panic!("{error}"),
            }
        }
        match session.receive() {
            Ok(Message::Answered { answers, position }) => {
                for &Answered { sender, id, answer } in answers.iter() {
                    assert_eq!(id, CommandId(unanswered), "a session's answers come in its order");
                    unanswered += 1;
                    let code = answer.outcome.err().map_or(0, |reject| reject.code());
                    say(&format!("answer {sender} {id} {} {code} {position}", answer.sequence));
                }
            }
            Ok(_) => {}
            // It fell behind and was dropped, as any session is.
            Err(_) => {
                session = pipeline.connect().expect("running");
                next = unanswered;
            }
        }
    }
}

/// Writes a line for whoever kills this process; ends it if nobody listens any more.
fn say(line: &str) {
    let mut out = io::stdout().lock();
    if writeln!(out, "{line}").and_then(|()| out.flush()).is_err() {
        std::process::exit(0);
    }
}

/// A process and what it says.
struct Victim {
    process: Child,
    lines: mpsc::Receiver<String>,
    complaints: Option<JoinHandle<String>>,
}

impl Victim {
    fn start(dir: &Path, begin: &[u64]) -> Self {
        let begin: Vec<String> = begin.iter().map(ToString::to_string).collect();
        let mut process = Process::new(std::env::current_exe().expect("this program"))
            .args(["kill::process", "--exact", "--ignored", "--nocapture"])
            .env(DIRECTORY, dir)
            .env(BEGIN, begin.join(" "))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it runs");
        let mut out = BufReader::new(process.stdout.take().expect("piped"));
        let mut err = process.stderr.take().expect("piped");
        let (say, lines) = mpsc::channel();
        std::thread::spawn(move || {
            let mut line = String::new();
            // A line that the kill cut short says nothing.
            while out.read_line(&mut line).is_ok() && line.ends_with('\n') {
                if say.send(line.trim().to_owned()).is_err() {
                    return;
                }
                line.clear();
            }
        });
        let complaints = std::thread::spawn(move || {
            let mut text = String::new();
            err.read_to_string(&mut text).expect("text");
            text
        });
        Self { process, lines, complaints: Some(complaints) }
    }

    /// What it says next; nothing if it has ended.
    fn line(&self) -> Option<String> {
        match self.lines.recv_timeout(PATIENCE) {
            Ok(line) => Some(line),
            Err(mpsc::RecvTimeoutError::Disconnected) => None,
            Err(mpsc::RecvTimeoutError::Timeout) => panic!("it says nothing any more"),
        }
    }

    /// Kills it, and gives what it had said up to then that was not read yet. It has not complained.
    fn kill(mut self) -> Vec<String> {
        let ended_by_itself = self.process.try_wait().expect("a process of ours");
        self.process.kill().expect("a process of ours");
        self.process.wait().expect("a process of ours");
        let complaints = self.complaints.take().expect("taken once").join().expect("no panic");
        assert!(complaints.is_empty() && ended_by_itself.is_none(), "{ended_by_itself:?}: {complaints}");
        std::iter::from_fn(|| self.line()).collect()
    }
}

/// A test that fails leaves no process behind.
impl Drop for Victim {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// When a process is killed.
#[derive(Clone, Copy, Debug)]
enum Moment {
    /// After so many acknowledgements.
    Acknowledged(u64),
    /// Somewhere in the course of its start: after about so much time.
    Starting(Duration),
    /// When the next segment is there.
    Rotated,
    /// When a snapshot is being written, or just was.
    Snapshot,
}

impl Moment {
    fn draw(draw: &mut Draw) -> Self {
        match draw.below(10) {
            0..5 => Self::Acknowledged(1 + draw.below(2 * COMMANDS)),
            5 | 6 => Self::Starting(draw.moment()),
            7 | 8 => Self::Rotated,
            _ => Self::Snapshot,
        }
    }

    /// Waits for it, and gives what the process has said up to then. What was newest before it was started is in `before`.
    fn wait(self, victim: &mut Victim, dir: &Path, before: Newest) -> Vec<String> {
        let [segment, snapshot] = before;
        let mut said = Vec::new();
        let begins = if matches!(self, Self::Starting(_)) { "starting" } else { "opened" };
        let mut hear = |victim: &Victim, what: &str| {
            loop {
                let Some(line) = victim.line() else { return };
                let heard = line.starts_with(what);
                said.push(line);
                if heard {
                    return;
                }
            }
        };
        hear(victim, begins);
        match self {
            Self::Acknowledged(count) => (0..count).for_each(|_| hear(victim, "answer")),
            Self::Starting(moment) => {
                let began = std::time::Instant::now();
                while began.elapsed() < moment {
                    std::thread::yield_now();
                }
            }
            Self::Rotated => {
                victim.until(|| newest(dir, ".journal") > segment);
            }
            Self::Snapshot => {
                victim
                    .until(|| !files(dir, "snapshot-part").is_empty() || newest(dir, ".snapshot") > snapshot);
            }
        }
        said
    }
}

impl Victim {
    /// Waits for something that shows outside, or for its end.
    fn until(&mut self, happened: impl Fn() -> bool) {
        let began = std::time::Instant::now();
        while !happened() && self.process.try_wait().expect("a process of ours").is_none() {
            assert!(began.elapsed() < PATIENCE, "it does not happen any more");
            std::thread::yield_now();
        }
    }
}

/// The names of a journal's newest segment and snapshot.
type Newest = [Option<String>; 2];

fn newest(dir: &Path, end: &str) -> Option<String> {
    files(dir, end).into_iter().max()
}

/// The names of a directory's files that end so.
fn files(dir: &Path, end: &str) -> Vec<String> {
    let entries = fs::read_dir(dir).expect("readable");
    // One that is gone meanwhile has no name any more.
    let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    names.filter(|name| name.ends_with(end)).collect()
}

/// Numbers that are the same in every run.
struct Draw(u64);

impl Draw {
    fn below(&mut self, bound: u64) -> u64 {
        // Marsaglia's xorshift.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }

    /// Within the time that a start takes.
    fn moment(&mut self) -> Duration {
        Duration::from_micros(self.below(20_000))
    }
}

type Name = (IdentityId, CommandId);

/// What processes have told of a journal since it was begun.
#[derive(Default)]
struct Acknowledged {
    /// Sequence and the refusal's number, 0 if it was done.
    answers: BTreeMap<Name, (Sequence, u16)>,
    positions: BTreeSet<(Sequence, [u8; 32])>,
}

/// What a journal holds, by a replay from the founding.
struct Held {
    state: Digest,
    last: Sequence,
    /// What each command was answered at first.
    answers: BTreeMap<Name, Answer>,
    /// The chain where batches end.
    chains: BTreeMap<Sequence, Digest>,
    torn: bool,
    segments: u32,
}

impl Held {
    /// Reads a journal. Nothing in it is done twice, and what was sent again is answered as at first.
    fn read(dir: &Path) -> Self {
        let mut reader = scan(dir).expect("a journal");
        let mut replay = Replay::new(reader.header()).expect("the founding");
        let mut answers = BTreeMap::new();
        let mut chains = BTreeMap::new();
        while let Some(frame) = reader.next_frame().expect("the disk works") {
            let Some(batch) = replay.frame(&frame).expect("it replays to its own chain") else { continue };
            let happened: BTreeSet<Sequence> =
                replay.happened().iter().map(|happened| happened.sequence).collect();
            let sequences = (batch.header.first.0..).map(Sequence);
            for ((sequence, entry), answer) in sequences.zip(&batch.entries).zip(replay.answers()) {
                if entry.sender == IdentityId::SYSTEM {
                    continue;
                }
                let first = *answers.entry((entry.sender, entry.id)).or_insert(*answer);
                assert_eq!(*answer, first, "sent again, answered alike");
                let done = first.sequence == sequence && first.outcome.is_ok();
                assert_eq!(happened.contains(&sequence), done, "done once: {sequence}");
            }
            chains.insert(replay.exchange().sequence(), replay.chain());
        }
        let (state, last) = (replay.exchange().state_digest(), replay.exchange().sequence());
        let segments = replay.segment();
        let torn = match reader.finish().expect("the disk works") {
            Verdict::Clean { .. } => false,
            Verdict::TornTail { .. } => true,
            damage => panic!("{damage:?}"),
        };
        Self { state, last, answers, chains, torn, segments }
    }

    /// What was acknowledged is there, as it was acknowledged.
    fn assert_holds(&self, acknowledged: &Acknowledged) {
        for (name, told) in &acknowledged.answers {
            let held = self
                .answers
                .get(name)
                .map(|answer| (answer.sequence, answer.outcome.err().map_or(0, |reject| reject.code())));
            assert_eq!(held.as_ref(), Some(told), "{name:?} was acknowledged");
        }
        for (sequence, chain) in &acknowledged.positions {
            assert_eq!(self.chains.get(sequence), Some(&Digest(*chain)), "{sequence} was acknowledged");
        }
    }
}

/// What has occurred over all rounds.
#[derive(Debug, Default)]
struct Tally {
    acknowledged: usize,
    /// Processes that had come to the state and said so.
    opened: u32,
    from_snapshots: u32,
    /// Commands that a killed process had journalled and not acknowledged, answered by a later one.
    doubts_resolved: u64,
    torn: u32,
    segments: u32,
}

impl Acknowledged {
    /// Takes what a process said that began with what `held` says.
    fn hear(&mut self, said: &[String], held: &Held, tally: &mut Tally) {
        for line in said {
            let words: Vec<&str> = line.split(' ').collect();
            match words[..] {
                ["opened", state, snapshot] => {
                    assert_eq!(state, held.state.to_string(), "by snapshots and by replay alike");
                    tally.opened += 1;
                    tally.from_snapshots += u32::from(snapshot != "0");
                }
                ["answer", sender, id, sequence, code, position] => {
                    let number = |word: &str| word.parse::<u64>().expect("a number");
                    let sender = IdentityId(sender.parse().expect("a number"));
                    let told = (Sequence(number(sequence)), code.parse().expect("a number"));
                    let before = self.answers.insert((sender, CommandId(number(id))), told);
                    assert!(before.is_none_or(|before| before == told), "{line}, and before {before:?}");
                    tally.doubts_resolved += u64::from(before.is_none() && told.0 <= held.last);
                    let Position { sequence, chain } = position.parse().expect("a position");
                    self.positions.insert((sequence, chain.0));
                }
                // What the test harness says.
                _ => {}
            }
        }
    }

    /// Which command each sender begins the next process with.
    fn begin(&self) -> Vec<u64> {
        let last = |sender| {
            let all = (sender, CommandId(0))..=(sender, CommandId(u64::MAX));
            self.answers.range(all).next_back().map_or(0, |((_, id), _)| id.0)
        };
        traders().map(|sender| last(sender).saturating_sub(SENT_AGAIN) + 1).collect()
    }
}

#[test]
fn killed_at_any_moment_nothing_acknowledged_is_lost() {
    let furnished = furnish();
    let mut draw = Draw(0x9e37_79b9_7f4a_7c15);
    let mut tally = Tally::default();
    for journal in 0..ROUNDS / ROUNDS_OF_A_JOURNAL {
        let dir = scratch(journal.is_multiple_of(JOURNALS_TO_ONE_ON_DISK));
        copy(furnished.path(), dir.path());
        let mut acknowledged = Acknowledged::default();
        let mut held = Held::read(dir.path());
        for round in 0..ROUNDS_OF_A_JOURNAL {
            let moment = Moment::draw(&mut draw);
            // Shown if the test fails.
            println!("journal {journal}, round {round}: {moment:?}");
            let before = [".journal", ".snapshot"].map(|end| newest(dir.path(), end));
            let mut victim = Victim::start(dir.path(), &acknowledged.begin());
            let mut said = moment.wait(&mut victim, dir.path(), before);
            said.extend(victim.kill());
            acknowledged.hear(&said, &held, &mut tally);
            held = Held::read(dir.path());
            held.assert_holds(&acknowledged);
            tally.torn += u32::from(held.torn);
        }
        tally.acknowledged += acknowledged.answers.len();
        tally.segments += held.segments;
    }
    println!("{tally:?}");
    assert!(tally.opened > ROUNDS / 2 && tally.from_snapshots > ROUNDS / 8, "{tally:?}");
    assert!(tally.doubts_resolved > u64::from(ROUNDS) && tally.segments > ROUNDS / 4, "{tally:?}");
}

/// Killed while it is founded, an exchange is founded, or there is none and the error says so.
#[test]
fn killed_while_it_is_founded_an_exchange_is_there_or_not() {
    let mut draw = Draw(0x2545_f491_4f6c_dd1d);
    for moment in (0..20).map(|_| draw.moment()) {
        let dir = scratch(false);
        let dir = dir.path().join("founded");
        let mut victim = Victim::start(&dir, &[]);
        let mut said = Moment::Starting(moment).wait(&mut victim, &dir, Newest::default());
        said.extend(victim.kill());
        match Pipeline::open(&dir, Waiting::Park) {
            Ok((pipeline, _)) => assert_eq!(pipeline.stop().expect("stopped").sequence, Sequence(1)),
            Err(
                RestartError::NotFounded { .. }
                | RestartError::Open(OpenError::Scan(ScanError::Missing { .. })),
            ) if !said.iter().any(|line| line == "founded") => {}
            Err(error) => panic!("{said:?}: {error}"),
        }
    }
}

/// A new directory, in memory if it may be and the system has such a place.
fn scratch(on_disk: bool) -> TempDir {
    let memory = Path::new("/dev/shm");
    let made = if !on_disk && memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    made.expect("a temporary directory")
}

/// Copies the files of a journal that was never archived.
fn copy(from: &Path, to: &Path) {
    for name in files(from, "") {
        fs::copy(from.join(&name), to.join(&name)).expect("copied");
    }
}

/// A live exchange that nothing was done in.
fn found(dir: &Path) -> Pipeline {
    let name = "The centre".parse().expect("a name");
    let operators = OPERATORS.map(|id| Operator::local(id.0));
    let founding = Command::Found { participant: ParticipantId(1), name, operators };
    Pipeline::create_in_segments(dir, Creation::Live, SEGMENT_BYTES, founding, Waiting::Park)
        .expect("created")
}

/// A live exchange with four traders and an auction that is open for hours.
fn furnish() -> TempDir {
    let dir = scratch(false);
    let pipeline = found(dir.path());
    let mut session = pipeline.connect().expect("running");
    let mut proposals = 0;
    let mut agree = |action| {
        proposals += 1;
        let proposal = ProposalId { identity: OPERATORS[0], command: CommandId(proposals) };
        done(&mut session, OPERATORS[0], proposals, Command::Propose { action });
        done(&mut session, OPERATORS[1], proposals, Command::Confirm { proposal });
    };
    for identity in traders() {
        let participant = ParticipantId(identity.0);
        let name = format!("Participant {identity}").parse().expect("a name");
        let role = if SUPPLIERS.contains(&identity) { Role::Supplier } else { Role::Buyer };
        let owner_group = OwnerGroup(identity.0);
        agree(Action::RegisterParticipant { participant, name, owner_group, roles: [role].into() });
        agree(Action::AddIdentity { identity, participant });
    }
    let terms = Market {
        name: "Lithium".parse().expect("a name"),
        unit: Unit::Tonne,
        currency: Currency::Usd,
        lot: quantity(1),
        tick: price(10),
        lowest: price(0),
        highest: price(1_000),
        largest: quantity(100),
    };
    agree(Action::DefineMarket { market: MARKET, terms });
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    let now = Instant(i64::try_from(now.as_nanos()).expect("before 2262"));
    let terms = AuctionTerms {
        kind: AuctionKind::Call { market: MARKET, stock: None },
        opens_at: now.plus_seconds(1).expect("fits"),
        closes_at: now.plus_seconds(36_000).expect("fits"),
        challenge_seconds: NonZeroU32::new(60).expect("positive"),
        rule: Rule::new(
            Candidates::Limits,
            vec![Criterion::MostVolume, Criterion::Highest],
            Allocation::ProRata,
        )
        .into(),
        draw_commitment: None,
    };
    agree(Action::AnnounceAuction { auction: AUCTION, terms });
    let opened = Event::AuctionOpened { auction: AUCTION };
    loop {
        if let Message::Happened { batch, .. } = session.receive().expect("running")
            && batch.iter().any(|happened| happened.event == opened)
        {
            break;
        }
    }
    pipeline.stop().expect("stopped");
    dir
}

/// Sends a command that is done.
fn done(session: &mut LocalSession, sender: IdentityId, id: u64, command: Command) {
    session.send(sender, CommandId(id), command).expect("taken");
    loop {
        if let Message::Answered { answers, .. } = session.receive().expect("running") {
            answers[0].answer.outcome.expect("it can be done");
            return;
        }
    }
}
