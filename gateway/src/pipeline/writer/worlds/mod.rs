//! Worlds in which everything goes wrong: the writer, its sessions, its journal and their clients in one thread, on virtual time, with a
//! network and a disk that fail as a seed says.
//!
//! ```text
//!  trader ── ClientSession ◀══ line ══▶ Session ──▶ ring ──▶ Writer ──▶ Journal ──▶ disk
//!     may restart          cut, dead, slow              small, full    killed,     fails, writes short,
//!                                                                      stopped     lies; power cuts
//! ```
//!
//! All of it is the code that serves, but for the two shells that move bytes, and for threads: a turn of the writer, a snapshot of the second
//! exchange and a read of a session happen when the world lets them. A world is its seed, so one that fails is played again by
//! `GOLV_WORLD=seed cargo test -p golv-gateway --lib worlds`; `GOLV_WORLDS=n` plays so many.
//!
//! At every step the books balance, and no client finds the protocol broken. At every start what comes back is the state that was left, whole, up to
//! the last command that was answered, and a start is refused only where the disk has lied. At the end, when faults have stopped,
//! everybody is logged on and has every answer and every event, exactly those that an engine makes of the journal; the writer's state is
//! that engine's; and nobody was told another's price before its auction was cleared. Where the disk has lied, whoever was told what is gone
//! is refused, as far back as the exchange remembers positions; who knows none so late may be let in, and is counted.

mod disk;
mod draw;
mod line;
mod record;
mod tally;
mod trader;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use crossbeam_channel::bounded;
use golv_engine::command::{Action, Operator};
use golv_engine::id::{OwnerGroup, ParticipantId, ProposalId};
use golv_engine::market::{Market, Unit};
use golv_engine::num::{Currency, Price, Quantity};
use golv_engine::participant::Role;
use golv_journal::keeper::{KeepError, Keeper};
use golv_protocol::message::{Purpose, WhenLost};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use tokio::sync::watch;

use self::disk::{Fault, WorldDisk};
use self::draw::Draw;
use self::line::Line;
use self::record::{Held, assert_sealed};
use self::tally::Tally;
use self::trader::{Business, MARKET, Trader};
use super::*;
use crate::pipeline::Gate;
use crate::pipeline::older::Older;
use crate::server::session::{Pace, limits};

/// Worlds that are played, unless `GOLV_WORLDS` says otherwise.
const WORLDS: u64 = 2_000;

/// Steps in which things go wrong.
const STEPS: u32 = 1_000;

/// Steps after that within which everything has to be well again: some minutes.
const STEPS_OF_CALM: u32 = 4_000;

/// So short that segments are closed all the time.
const SEGMENT_BYTES: u32 = 8 * 1024;

thread_local! {
    /// What the clock of the world on this thread shows.
    static CLOCK: Cell<Instant> = const { Cell::new(Instant(0)) };
}

fn clock() -> Instant {
    CLOCK.get()
}

/// When worlds begin.
fn beginning() -> Instant {
    Instant::at_midnight(2030, 1, 7).expect("a day")
}

/// An exchange that runs.
struct Running {
    writer: Writer,
    /// From where on it remembers the chains of positions.
    remembers_from: Sequence,
    ring: Receiver<Request>,
    gate: Gate,
    pace: Arc<Pace>,
    keeper: Option<Keeper>,
}

struct World {
    draw: Draw,
    dir: TempDir,
    disk: WorldDisk,
    /// Since the beginning.
    now: Duration,
    running: Option<Running>,
    /// Steps until the next start is tried.
    down_for: u64,
    /// Whether the journal cannot be gone on with: its end, in a world whose disk lies.
    is_refused: bool,
    traders: Vec<Trader>,
    lines: Vec<Line>,
    /// Sessions that have ended, of which the writer was not told yet.
    leaving: Vec<SessionId>,
    /// Steps for which the writer does nothing.
    stalled: u64,
    is_calm: bool,
    /// The state digests that the writer came to, also with what it could not make durable.
    digests: BTreeMap<Sequence, Vec<Digest>>,
    /// Up to where they were compared with those of the journal.
    compared: Sequence,
    /// What the journal held then.
    held: Option<Held>,
    /// Since the last start: whether anything happened that may tear the journal's end.
    may_be_torn: bool,
    tally: Tally,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut draw = Draw::new(seed, "world");
        CLOCK.set(beginning());
        let disk = WorldDisk::new(Draw::new(seed, "disk"));
        let purpose = |draw: &mut Draw| {
            Purpose::Commands(if draw.one_in(2) { WhenLost::Withdraw } else { WhenLost::Leave })
        };
        let mut traders = vec![
            Trader::new(1, Business::Operator, Purpose::Commands(WhenLost::Leave)),
            Trader::new(2, Business::Operator, Purpose::Commands(WhenLost::Leave)),
            Trader::new(3, Business::Auditor, Purpose::Commands(WhenLost::Leave)),
        ];
        for number in 4..6 + draw.below(3) {
            let business = if number % 2 == 0 { Business::Supplier } else { Business::Buyer };
            let number = u32::try_from(number).expect("few");
            traders.push(Trader::new(number, business, purpose(&mut draw)));
        }
        // Of the first supplier, beside its own session.
        traders.push(Trader::new(4, Business::Supplier, Purpose::DropCopy));
        let dir = scratch();
        let mut world = Self {
            draw,
            dir,
            disk,
            now: Duration::ZERO,
            running: None,
            down_for: 0,
            is_refused: false,
            traders,
            lines: Vec::new(),
            leaving: Vec::new(),
            stalled: 0,
            is_calm: false,
            digests: BTreeMap::new(),
            compared: Sequence(0),
            held: None,
            may_be_torn: false,
            tally: Tally::default(),
        };
        world.found();
        if world.draw.one_in(6) {
            world.disk.lie();
        }
        world
    }

    fn directory(&self) -> Directory {
        Directory::on(Arc::new(self.disk.clone()), &self.dir.path().join("journal"))
    }

    /// Founds the exchange, with everybody in it and a market.
    fn found(&mut self) {
        let key = |number| Some(trader::key(IdentityId(number)));
        let operators = [1, 2].map(|number| Operator { identity: IdentityId(number), key: key(number) });
        let name = "The centre".parse().expect("a name");
        let founding = Command::Found { participant: ParticipantId(1), name, operators };
        let writer = Writer::create_by(Clock::Live(clock), self.directory(), SEGMENT_BYTES, founding);
        self.run(writer.expect("nothing goes wrong yet"), Sequence(0));
        let running = self.running.as_mut().expect("it was just started");
        let mut agree = {
            let mut proposals = 0;
            move |action: Action| {
                proposals += 1;
                let proposal = ProposalId { identity: IdentityId(1), command: CommandId(proposals) };
                let commands = [(1, Command::Propose { action }), (2, Command::Confirm { proposal })];
                for (sender, command) in commands {
                    running.writer.gather(None, IdentityId(sender), CommandId(proposals), command);
                    running.writer.commit().expect("nothing goes wrong yet");
                    let done = running.writer.effects.answers().last().map(|answer| answer.outcome);
                    assert_eq!(done, Some(Ok(())));
                }
            }
        };
        let others: BTreeMap<u32, Business> =
            self.traders[2..].iter().map(|trader| (trader.identity.0, trader.business)).collect();
        for (number, business) in others {
            let (participant, identity) = (ParticipantId(number), IdentityId(number));
            let role = match business {
                Business::Operator => Role::Operator,
                Business::Supplier => Role::Supplier,
                Business::Buyer => Role::Buyer,
                Business::Auditor => Role::Auditor,
            };
            let name = format!("Participant {number}").parse().expect("a name");
            let owner_group = OwnerGroup(number);
            agree(Action::RegisterParticipant { participant, name, owner_group, roles: [role].into() });
            agree(Action::AddIdentity { identity, participant });
            agree(Action::BindKey { identity, key: trader::key(identity), others_end_at: None });
        }
        let price = |units| Price::from_units(units).expect("fits");
        let terms = Market {
            name: "Lithium".parse().expect("a name"),
            unit: Unit::Tonne,
            currency: Currency::Eur,
            lot: Quantity::from_units(1).expect("fits"),
            tick: price(1),
            lowest: price(1),
            highest: price(1_000_000),
            largest: Quantity::from_units(100).expect("fits"),
        };
        agree(Action::DefineMarket { market: MARKET, terms });
        self.record();
    }

    /// Lets a writer run.
    fn run(&mut self, mut writer: Writer, remembers_from: Sequence) {
        writer.clock = Clock::Live(clock);
        writer.snapshots = SnapshotThread::none();
        let (ring, requests) = bounded(3 + self.draw.below(40) as usize);
        let gate = Gate {
            ring,
            sessions: Arc::default(),
            older: Older::of(self.dir.path()),
            metrics: Arc::clone(writer.metrics()),
            ended: watch::channel(false).1,
        };
        let mut per_second = |least| u32::try_from(least + self.draw.below(20)).expect("few");
        let pace = Arc::new(Pace::new(limits(per_second(2), per_second(1))));
        self.running = Some(Running { writer, remembers_from, ring: requests, gate, pace, keeper: None });
    }

    /// Keeps the digest that the writer has come to.
    fn record(&mut self) {
        let Some(Running { writer, .. }) = &self.running else { return };
        assert!(writer.exchange.is_conserved(), "money is conserved");
        let digests = self.digests.entry(writer.exchange.sequence()).or_default();
        let state = writer.exchange.state_digest();
        if !digests.contains(&state) {
            digests.push(state);
        }
    }

    fn step(&mut self) {
        let millis = match self.draw.below(200) {
            0 if !self.is_calm => self.draw.below(12_000),
            1..10 => self.draw.below(1_000),
            _ => self.draw.below(30),
        };
        self.now += Duration::from_millis(millis);
        let nanos = i64::try_from(self.now.as_nanos()).expect("a short world");
        CLOCK.set(Instant(beginning().0 + nanos));
        if !self.is_calm {
            self.go_wrong();
        }
        if self.running.is_none() && !self.is_refused {
            if self.down_for == 0 {
                self.start();
            } else {
                self.down_for -= 1;
            }
        }
        self.serve();
        self.turn();
        self.trade();
    }

    /// Lets something go wrong, now or in a while, or nothing.
    fn go_wrong(&mut self) {
        let any_line = |world: &mut Self| {
            let count = world.lines.len() as u64;
            (count > 0).then(|| world.draw.below(count) as usize)
        };
        match self.draw.below(700) {
            0..6 => {
                let fault = [Fault::Fails, Fault::Short, Fault::PowerCut][self.draw.below(3) as usize];
                let operations = self.draw.below(12);
                self.disk.plan(fault, operations);
                self.may_be_torn = true;
            }
            6 | 7 if self.running.is_some() => {
                self.tally.kills += 1;
                self.go_down();
            }
            8 if self.running.is_some() => {
                self.go_down();
                self.power_cycle();
            }
            9 => self.stop(),
            10..16 => {
                if let Some(line) = any_line(self) {
                    self.tally.lines_cut += 1;
                    let line = &mut self.lines[line];
                    line.is_held = false;
                    let trader = &mut self.traders[line.trader];
                    trader.disconnected(self.now, &mut self.draw);
                }
            }
            16..20 => {
                if let Some(line) = any_line(self) {
                    self.tally.lines_dead += 1;
                    self.lines[line].go_dead();
                }
            }
            20..23 => {
                let number = self.draw.below(self.traders.len() as u64) as usize;
                self.tally.restarted_clients += 1;
                self.lines
                    .iter_mut()
                    .filter(|line| line.trader == number)
                    .for_each(|line| line.is_held = false);
                self.traders[number].restart();
                self.traders[number].connects_at = self.now + Duration::from_millis(self.draw.below(500));
            }
            23..26 => self.stalled = self.draw.below(30),
            26..36 => self.keep_snapshot(),
            _ => {}
        }
    }

    /// The exchange's process is gone, however it went.
    fn go_down(&mut self) {
        self.running = None;
        self.leaving.clear();
        self.lines.iter_mut().for_each(Line::server_gone);
        self.down_for = if self.is_calm { 0 } else { self.draw.below(20) };
        if self.disk.is_down() {
            self.power_cycle();
        }
    }

    fn power_cycle(&mut self) {
        self.tally.power_cuts += 1;
        self.may_be_torn = true;
        self.disk.power_cycle();
    }

    /// Stops the exchange in order.
    fn stop(&mut self) {
        let Some(Running { mut writer, .. }) = self.running.take() else { return };
        writer.sessions.close_all(Closing::Stopping);
        let sequence = writer.exchange.sequence();
        match writer.stop() {
            Ok(stopped) => {
                self.tally.stops += 1;
                assert_eq!(stopped.sequence, sequence);
            }
            Err(error) => self.assert_may_fail(&error),
        }
        self.go_down();
    }

    /// The disk may fail where this world has it fail. Nothing else may.
    fn assert_may_fail(&self, error: &WriterError) {
        let is_the_disk =
            matches!(error, WriterError::Append(_) | WriterError::Flush(_) | WriterError::Seal(_));
        assert!(is_the_disk && self.may_be_torn, "{error:?}");
    }

    fn start(&mut self) {
        let held = Held::read(&self.dir.path().join("journal"), self.compared, self.held.take());
        match (Writer::open(self.directory()), held) {
            (Ok((writer, opening)), Some(held)) => {
                self.tally.starts += 1;
                self.tally.from_snapshots += u64::from(opening.snapshot.is_some());
                self.tally.torn += u64::from(held.is_torn);
                assert!(opening.passed_over.is_empty() || self.disk.has_lied(), "{opening:?}");
                assert!(!held.is_torn || self.may_be_torn, "a journal that nothing has torn: {opening:?}");
                assert_eq!(opening.position.sequence, held.exchange.sequence());
                assert_eq!(opening.state, held.exchange.state_digest());
                self.assert_was(&held);
                self.held = Some(held);
                self.may_be_torn = self.disk.is_planned();
                self.run(writer, opening.snapshot.map_or(Sequence(0), |(_, last)| last));
            }
            (Err(error), held) => {
                self.tally.starts_that_failed += 1;
                assert!(self.may_be_torn || self.disk.has_lied(), "{error:?}");
                if self.disk.is_down() {
                    self.power_cycle();
                } else if held.is_none() {
                    assert!(self.disk.has_lied(), "a journal that cannot go on: {error:?}");
                    self.tally.refused_starts += 1;
                    self.is_refused = true;
                }
                self.down_for = self.down_for.max(1);
            }
            (Ok((_, opening)), None) => {
                // A start with a snapshot does not read what is damaged before it; whoever verifies the journal does.
                assert!(self.disk.has_lied() && opening.snapshot.is_some(), "{opening:?}");
                self.tally.refused_starts += 1;
                self.is_refused = true;
            }
        }
    }

    /// What comes back at a start is what the writer had come to, and all that was told is in it.
    fn assert_was(&mut self, held: &Held) {
        let has_lied = self.disk.has_lied();
        for (sequence, digest) in &held.digests {
            // Of several batches in one turn the last is known.
            if let Some(known) = self.digests.get(sequence) {
                assert!(known.contains(digest), "a state at {sequence} that the writer had not come to");
            }
        }
        self.compared = held.exchange.sequence();
        // What was lost comes no more, and other commands in its place.
        self.digests.retain(|sequence, _| *sequence <= held.exchange.sequence());
        if !has_lied {
            self.traders.iter().for_each(|trader| held.assert_told(trader));
        }
    }

    /// The exchange's ends of the lines do what there is to do.
    fn serve(&mut self) {
        let Some(Running { gate, remembers_from, .. }) = &self.running else { return };
        let journal = self.dir.path().join("journal");
        for line in &mut self.lines {
            if !self.is_calm && self.draw.one_in(4) {
                continue;
            }
            if !line.serve(gate, &journal, self.now, &mut self.draw, &mut self.tally) {
                self.leaving.push(line.id);
            }
            let trader = &mut self.traders[line.trader];
            if line.logs_on() && self.disk.has_lied() && !trader.is_led_astray {
                // Let in, although what it was told may be gone.
                let held = Held::read(&journal, Sequence(u64::MAX), None).expect("it is written to");
                let event = held.first_other(trader).map(|event| event.sequence);
                let answer = held.first_other_answer(trader);
                trader.is_led_astray = event.is_some() || answer.is_some();
                // If it knows a position that the exchange remembers, it is not.
                if let Some(claimed) = trader.claims.filter(|claimed| claimed.sequence >= *remembers_from) {
                    assert_eq!((answer, event), (None, None), "it was let in with {claimed:?}");
                }
            }
        }
        // Where the ring has no room, later.
        self.leaving.retain(|&session| gate.ring.try_send(Request::Left { session }).is_err());
    }

    /// The writer takes what has gathered.
    fn turn(&mut self) {
        if self.stalled > 0 && !self.is_calm {
            self.stalled -= 1;
            return;
        }
        let Some(Running { writer, ring, .. }) = &mut self.running else { return };
        let first = ring.try_recv().ok();
        if first.is_none() && writer.until_due() != Some(Duration::ZERO) {
            return;
        }
        let turned = writer.turn(first, ring);
        self.record();
        if let Err(error) = turned {
            self.tally.failed_turns += 1;
            self.assert_may_fail(&error);
            self.go_down();
            // A machine whose disk fails is switched off, or not.
            if self.draw.one_in(2) {
                self.power_cycle();
            }
        }
    }

    /// The second exchange replays what is closed.
    fn keep_snapshot(&mut self) {
        let directory = self.directory();
        let Some(Running { writer, keeper, .. }) = &mut self.running else { return };
        let kept = match keeper.take().map_or_else(|| Keeper::new(directory), Ok) {
            Ok(mut again) => {
                let kept = again.keep(writer.journal.segment(), || true);
                *keeper = kept.is_ok().then_some(again);
                kept
            }
            Err(error) => Err(error),
        };
        match kept {
            Ok(kept) => self.tally.snapshots += u64::from(kept.is_some()),
            Err(KeepError::Write(_) | KeepError::PutAway { .. }) if self.may_be_torn => {}
            Err(error) => panic!("the second exchange: {error:?}"),
        }
        if self.disk.is_down() {
            self.go_down();
        }
    }

    /// Clients connect, hear, and do something.
    fn trade(&mut self) {
        for number in 0..self.traders.len() {
            let trader = &mut self.traders[number];
            if trader.ended.is_some() {
                continue;
            }
            let line = self.lines.iter().position(|line| line.trader == number && line.is_held);
            let Some(line) = line else {
                if self.now >= trader.connects_at {
                    match &self.running {
                        Some(Running { gate, pace, .. }) => {
                            trader.connected(self.now);
                            let line = Line::new(gate.session(), number, trader.key(), pace, self.now);
                            self.lines.push(line);
                        }
                        None => trader.disconnected(self.now, &mut self.draw),
                    }
                }
                continue;
            };
            let line = &mut self.lines[line];
            let bytes = line.arrived_down(&mut self.draw);
            let mut is_over = false;
            if !bytes.is_empty() {
                is_over = trader.receive(&bytes, self.now, &mut self.draw);
            }
            if !is_over && line.has_ended() && self.draw.one_in(8) {
                trader.disconnected(self.now, &mut self.draw);
                is_over = true;
            }
            if !is_over {
                is_over = trader.passed(self.now, &mut self.draw);
            }
            if is_over {
                line.is_held = false;
                continue;
            }
            if !self.is_calm && self.draw.one_in(3) {
                for _ in 0..1 + self.draw.below(4) {
                    trader.act(CLOCK.get(), &mut self.draw);
                }
            }
            line.send_up(trader.session.output());
        }
        self.lines.retain(|line| !line.is_over());
    }

    /// Whether everybody who can be is logged on, has every answer, and knows all that has happened.
    fn is_settled(&self) -> bool {
        let Some(Running { writer, ring, .. }) = &self.running else { return false };
        ring.is_empty()
            && self.leaving.is_empty()
            && self.traders.iter().filter(|trader| trader.ended.is_none()).all(|trader| {
                let events = writer.sessions.events_for(trader.participant, trader.reads_all());
                trader.session.is_live() && trader.unanswered.is_empty() && trader.told.len() as u64 == events
            })
    }

    /// Plays the world to its end, and tells what occurred and a digest of all that was told.
    fn play(mut self) -> (Tally, Digest) {
        for _ in 0..STEPS {
            self.step();
        }
        self.is_calm = true;
        self.disk.heal();
        self.lines.iter_mut().for_each(Line::go_dead);
        self.down_for = 0;
        let mut steps = 0;
        while !self.is_refused && !self.is_settled() {
            self.step();
            steps += 1;
            assert!(steps < STEPS_OF_CALM, "it is not well again: {}", self.ailments());
        }
        self.finish()
    }

    fn finish(mut self) -> (Tally, Digest) {
        let journal = self.dir.path().join("journal");
        let running = self.running.take();
        let held = Held::read(&journal, self.compared, self.held.take());
        assert_sealed(&self.traders);
        if let Some(Running { writer, .. }) = &running {
            let held = held.as_ref().expect("a journal that is written to is whole");
            assert_eq!(writer.exchange.state_digest(), held.exchange.state_digest());
            self.assert_is_told(held);
        }
        assert_eq!(running.is_none(), self.is_refused);
        if self.disk.has_lied() {
            self.tally.lies = 1;
        }
        self.tally.led_astray = self.traders.iter().filter(|trader| trader.is_led_astray).count() as u64;
        let behind = self.traders.iter().filter(|trader| trader.ended.is_some()).count();
        self.tally.behind = behind as u64;
        assert!(behind == 0 || self.disk.has_lied(), "nothing was lost, and somebody was refused");
        let mut told = Sha256::new();
        for trader in &self.traders {
            self.tally.commands += trader.sent.len() as u64;
            self.tally.answers += trader.answers.len() as u64;
            self.tally.events += trader.told.len() as u64;
            self.tally.over_limits += trader.refused.len() as u64;
            told.update(format!("{:?} {:?}", trader.answers, trader.told));
        }
        if let Some(running) = &running {
            told.update(running.writer.exchange.state_digest().0);
        }
        if let Some(held) = &held {
            self.tally.withdrawn_for = held.lost.len() as u64;
        }
        (self.tally, Digest(told.finalize().into()))
    }

    /// Whoever was not refused was told all that there is, and nothing else.
    fn assert_is_told(&self, held: &Held) {
        let stands = |trader: &&Trader| trader.ended.is_none() && !trader.is_led_astray;
        for trader in self.traders.iter().filter(stands) {
            held.assert_told(trader);
            assert_eq!(trader.told.len(), held.count_for(trader), "identity {}", trader.identity);
        }
        for identity in &held.lost {
            let wants = |trader: &&Trader| trader.identity == *identity && !trader.is_drop_copy();
            let trader = self.traders.iter().find(wants).expect("one of the world's");
            assert!(
                trader.withdraws_when_lost(),
                "identity {identity} left its bids, and they were withdrawn"
            );
        }
    }

    /// What is not as it should be.
    fn ailments(&self) -> String {
        let of = |trader: &Trader| {
            format!(
                "identity {}: live {}, unanswered {:?}, told {}",
                trader.identity,
                trader.session.is_live(),
                trader.unanswered,
                trader.told.len(),
            )
        };
        let traders: Vec<String> = self.traders.iter().map(of).collect();
        format!("running {}, {}", self.running.is_some(), traders.join("; "))
    }
}

/// A directory in memory, where the system has one: nothing in a world depends on what its files are on.
fn scratch() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.expect("a directory")
}

fn play(seed: u64) -> (Tally, Digest) {
    match std::panic::catch_unwind(|| World::new(seed).play()) {
        Ok(played) => played,
        Err(panic) => {
            eprintln!(
                "world {seed} failed; GOLV_WORLD={seed} cargo test -p golv-gateway --lib worlds plays it again"
            );
            std::panic::resume_unwind(panic)
        }
    }
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is a number, and not {text}")))
}

#[test]
fn whatever_goes_wrong_nothing_is_lost_doubled_or_leaked() {
    if let Some(seed) = number("GOLV_WORLD") {
        println!("{:?}", play(seed));
        return;
    }
    let (worlds, next) = (number("GOLV_WORLDS").unwrap_or(WORLDS), AtomicU64::new(0));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut tally = Tally::default();
    std::thread::scope(|scope| {
        let playing: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| {
                    let mut tally = Tally::default();
                    // Ordering: nothing else is shared.
                    while let seed = next.fetch_add(1, Ordering::Relaxed)
                        && seed < worlds
                    {
                        tally += play(seed).0;
                    }
                    tally
                })
            })
            .collect();
        for playing in playing {
            match playing.join() {
                Ok(played) => tally += played,
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
    });
    let [each @ .., (rare, led_astray)] = tally.each();
    for (what, count) in each {
        println!("{count:>10} {what}");
        assert!(*count > 0 || worlds < WORLDS, "no world had any: {what}");
    }
    println!("{led_astray:>10} {rare}");
}

#[test]
fn a_world_is_its_seed() {
    for seed in 0..16 {
        assert_eq!(play(seed), play(seed), "world {seed}");
    }
}
