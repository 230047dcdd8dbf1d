//! `golv journal` as operators and auditors use it: on the demo's journal, and on one of many short segments with an
//! archive and snapshots.

use std::collections::BTreeSet;
use std::fs;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::process::{Command as Process, Output};
use std::sync::{Mutex, MutexGuard, PoisonError};

use golv_engine::auction::{AuctionKind, AuctionTerms, DrawSecret};
use golv_engine::book::Side;
use golv_engine::clearing::{Allocation, Candidates, Criterion, Rule};
use golv_engine::command::{Action, Command, NewBid, Operator};
use golv_engine::id::{
    AuctionId, BidId, CommandId, IdentityId, MarketId, OwnerGroup, ParticipantId, ProposalId,
};
use golv_engine::market::{Market, Unit};
use golv_engine::money::{Backing, ProgrammeTerms};
use golv_engine::num::{Currency, Price, Quantity};
use golv_engine::participant::Role;
use golv_engine::reject::Reject;
use golv_engine::time::Instant;
use golv_gateway::pipeline::{Answered, Creation, LocalSession, Message, Pipeline, Stopped, Waiting};
use golv_journal::execute::Effects;
use golv_journal::keeper::Keeper;
use golv_journal::restart::Restart;
use golv_journal::{Content, scan};
use golv_protocol::batch::{BatchHeader, BatchWriter, Entry};
use serde_json::Value;
use tempfile::TempDir;

const OPERATORS: [IdentityId; 2] = [IdentityId(1), IdentityId(2)];
const SUPPLIER: IdentityId = IdentityId(21);
const MARKET: MarketId = MarketId(1);
/// Closed in the second part of a history; open in the first.
const CLOSING: AuctionId = AuctionId(1);
/// Cancelled while it is open.
const CANCELLED: AuctionId = AuctionId(2);

fn golv(arguments: &[&str]) -> Output {
    Process::new(env!("CARGO_BIN_EXE_golv")).args(arguments).output().expect("golv runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

/// What it prints when it succeeds.
fn done(arguments: &[&str]) -> String {
    let output = golv(arguments);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", text(&output.stderr));
    assert_eq!(text(&output.stderr), "");
    text(&output.stdout)
}

/// What it prints, and what it says, when it exits with 1.
fn refused(arguments: &[&str]) -> (String, String) {
    let output = golv(arguments);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {}", text(&output.stdout));
    (text(&output.stdout), text(&output.stderr))
}

fn instant(hours: u32) -> Instant {
    let start = Instant::at_midnight(2019, 1, 1).expect("a day");
    start.plus_seconds(hours * 3600).expect("fits")
}

fn price(units: i64) -> Price {
    Price::from_units(units).expect("fits")
}

fn quantity(units: u32) -> Quantity {
    Quantity::from_units(units).expect("fits")
}

/// Somebody who sends one command after another, as whoever is named.
struct Hand {
    session: LocalSession,
    id: u64,
}

impl Hand {
    fn new(pipeline: &Pipeline, after: u64) -> Self {
        Self { session: pipeline.connect().expect("running"), id: after }
    }

    /// Sends a command and waits for its answer.
    fn send(&mut self, sender: IdentityId, command: Command) -> Result<u64, Reject> {
        self.id += 1;
        self.session.send(sender, CommandId(self.id), command).expect("taken");
        loop {
            if let Message::Answered { answers, .. } = self.session.receive().expect("running") {
                // One command is on its way at a time.
                let Answered { sender: to, id, answer } = answers[0];
                assert_eq!((to, id), (sender, CommandId(self.id)));
                return answer.outcome.map(|()| self.id);
            }
        }
    }

    fn agree(&mut self, action: Action) {
        let id = self.send(OPERATORS[0], Command::Propose { action }).expect("proposed");
        let proposal = ProposalId { identity: OPERATORS[0], command: CommandId(id) };
        self.send(OPERATORS[1], Command::Confirm { proposal }).expect("confirmed");
    }

    fn set_clock(&mut self, hours: u32) {
        self.send(OPERATORS[0], Command::SetClock { to: instant(hours) }).expect("set");
    }
}

/// A journal of short segments: auctions are open, bids are in them, one is cancelled. The name makes histories differ.
///
/// The exchange is stopped twice in between. A replay for a snapshot is given up then, so the snapshots are taken after.
fn history(dir: &Path, name: &str) -> Stopped {
    let founding = Command::Found {
        participant: ParticipantId(1),
        name: name.parse().expect("a name"),
        operators: OPERATORS.map(|id| Operator::local(id.0)),
    };
    let creation = Creation::Rehearsal { seed: 1, start: instant(0) };
    let pipeline =
        Pipeline::create_in_segments(dir, creation, 1024, founding, Waiting::Park).expect("created");
    let mut hand = Hand::new(&pipeline, 0);
    hand.agree(Action::RegisterParticipant {
        participant: ParticipantId(21),
        name: "Pohjola Lithium".parse().expect("a name"),
        owner_group: OwnerGroup(21),
        roles: [Role::Supplier].into(),
    });
    hand.agree(Action::AddIdentity { identity: SUPPLIER, participant: ParticipantId(21) });
    let terms = Market {
        name: "Lithium".parse().expect("a name"),
        unit: Unit::Tonne,
        currency: Currency::Eur,
        lot: quantity(1),
        tick: price(1),
        lowest: price(40_000),
        highest: price(50_000),
        largest: quantity(90_000),
    };
    hand.agree(Action::DefineMarket { market: MARKET, terms });
    for auction in [CLOSING, CANCELLED] {
        let terms = AuctionTerms {
            kind: AuctionKind::Call { market: MARKET, stock: None },
            opens_at: instant(1),
            closes_at: instant(5),
            challenge_seconds: NonZeroU32::new(60).expect("positive"),
            rule: Rule::new(
                Candidates::Limits,
                vec![Criterion::MostVolume, Criterion::Highest],
                Allocation::ProRata,
            )
            .into(),
            draw_commitment: None,
        };
        hand.agree(Action::AnnounceAuction { auction, terms });
    }
    hand.set_clock(1);
    pipeline.stop().expect("stopped");

    let (pipeline, _) = Pipeline::open(dir, Waiting::Park).expect("opened");
    bid(&mut Hand::new(&pipeline, 100), CLOSING);
    pipeline.stop().expect("stopped");

    let (pipeline, _) = Pipeline::open(dir, Waiting::Park).expect("opened");
    let mut hand = Hand::new(&pipeline, 200);
    bid(&mut hand, CANCELLED);
    hand.agree(Action::CancelAuction { auction: CANCELLED });
    let stopped = pipeline.stop().expect("stopped");
    take_snapshots(dir);
    stopped
}

/// A bid that is replaced, one that is refused, and one that is withdrawn; and the secret of a draw that is sent too early.
fn bid(hand: &mut Hand, auction: AuctionId) {
    let offset = i64::from(auction.0) * 1_000;
    let bid = |units: i64, tonnes| NewBid {
        side: Side::Sell,
        price: Some(price(units)),
        quantity: quantity(tonnes),
        origin: Some("FI".parse().expect("a country")),
        details: None,
    };
    let id = |placed: Result<u64, Reject>| BidId {
        identity: SUPPLIER,
        command: CommandId(placed.expect("accepted")),
    };
    let placed = id(hand.send(SUPPLIER, Command::PlaceBid { auction, bid: bid(41_717 + offset, 61_313) }));
    let (limit, size) = (price(41_919 + offset), quantity(60_707));
    let replace = Command::ReplaceBid { auction, bid: placed, price: Some(limit), quantity: size };
    hand.send(SUPPLIER, replace).expect("replaced");
    let outside = hand.send(SUPPLIER, Command::PlaceBid { auction, bid: bid(61_818 + offset, 60_909) });
    outside.expect_err("outside the band");
    let gone = id(hand.send(SUPPLIER, Command::PlaceBid { auction, bid: bid(42_323 + offset, 60_101) }));
    hand.send(SUPPLIER, Command::WithdrawBid { auction, bid: gone }).expect("withdrawn");
    let clear = Command::ClearAuction { auction, secret: Some(DrawSecret([0x5a; 32])) };
    hand.send(OPERATORS[0], clear).expect_err("not closed");
}

/// The rest of it: the auction closes and is cleared, first with a secret that is not its own.
fn close(dir: &Path) -> Stopped {
    let (pipeline, _) = Pipeline::open(dir, Waiting::Park).expect("opened");
    let mut hand = Hand::new(&pipeline, 1_000);
    hand.set_clock(6);
    let of_another = Some(DrawSecret([0x6b; 32]));
    let refused = hand.send(OPERATORS[0], Command::ClearAuction { auction: CLOSING, secret: of_another });
    refused.expect_err("it has no draw");
    hand.send(OPERATORS[0], Command::ClearAuction { auction: CLOSING, secret: None }).expect("cleared");
    let stopped = pipeline.stop().expect("stopped");
    take_snapshots(dir);
    stopped
}

/// Takes the snapshots of the last two segments, and no other: how far the second exchange came is a matter of time.
fn take_snapshots(dir: &Path) {
    let (open, snapshots) = layout(dir);
    for segment in snapshots {
        fs::remove_file(dir.join(format!("{segment:08}.snapshot"))).expect("it is there");
    }
    let mut keeper = Keeper::new(dir).expect("a journal");
    for segment in [open - 1, open] {
        keeper.keep(segment, || true).expect("they agree").expect("there was none");
    }
}

/// Held by each test: a process that one begins has for a moment the files that another has open, and with them the lock of
/// a journal that was closed meanwhile.
static ALONE: Mutex<()> = Mutex::new(());

/// A directory of its own, for one test at a time.
struct Bench {
    dir: TempDir,
    _alone: MutexGuard<'static, ()>,
}

impl Bench {
    fn new() -> Self {
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        Self { dir: tempfile::tempdir().expect("a directory"), _alone: alone }
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }
}

/// A directory with such a journal in it.
fn journal() -> (Bench, PathBuf, Stopped) {
    let bench = Bench::new();
    let data = bench.path().join("data");
    let stopped = history(&data, "The centre");
    (bench, data, stopped)
}

fn arg(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// Appends one batch of so many commands, as the writer does.
fn append_batch(dir: &Path, commands: u64) {
    let restarted = Restart::begin(dir).expect("a journal").finish(|_| {}).expect("it replays");
    let (mut journal, mut exchange) = (restarted.journal, restarted.replayed.exchange);
    let (first, at) = (journal.next_sequence(), exchange.at());
    let mut batch = BatchWriter::new(BatchHeader { first, at, entropy: [7; 32] });
    let entries: Vec<_> = (0..commands)
        .map(|number| {
            let programme = golv_engine::id::ProgrammeId(u32::try_from(number).expect("small"));
            let name = "Floors".parse().expect("a name");
            let terms = ProgrammeTerms { name, currency: Currency::Eur, backing: Backing::Capped };
            let action = Action::OpenProgramme { programme, terms };
            Entry {
                sender: OPERATORS[0],
                id: CommandId(5_000 + number),
                command: Command::Propose { action },
            }
        })
        .collect();
    for entry in &entries {
        assert!(batch.push(entry).expect("short"), "room for a few");
    }
    let chain = restarted.replayed.chain;
    journal.append(first, batch.len(), &chain.0, batch.payload()).expect("written");
    let mut effects = Effects::default();
    effects.execute(&mut exchange, first, at, &entries, &[]).expect("no fault");
    journal.seal(&effects.chain(chain, batch.payload()).0).expect("written");
}

/// The file of a segment, archived or not.
fn segment(dir: &Path, number: u32) -> PathBuf {
    let name = format!("{number:08}.journal");
    let archived = dir.join("archive").join(&name);
    if archived.exists() { archived } else { dir.join(name) }
}

/// The last segment, and the numbers of those that have a snapshot.
fn layout(dir: &Path) -> (u32, Vec<u32>) {
    let numbers = |extension: &str| {
        let mut numbers: Vec<u32> = fs::read_dir(dir)
            .expect("readable")
            .map(|entry| entry.expect("readable").path())
            .filter(|path| path.extension().is_some_and(|found| found == extension))
            .map(|path| path.file_stem().expect("a name").to_str().expect("UTF-8").parse().expect("a number"))
            .collect();
        numbers.sort_unstable();
        numbers
    };
    (*numbers("journal").last().expect("a segment"), numbers("snapshot"))
}

fn flip(file: &Path, offset: usize) {
    let mut bytes = fs::read(file).expect("it is there");
    bytes[offset] ^= 1;
    fs::write(file, bytes).expect("a writable file");
}

fn last_byte_used(file: &Path) -> usize {
    let bytes = fs::read(file).expect("it is there");
    bytes.iter().rposition(|&byte| byte != 0).expect("some byte is not zero")
}

/// Every file with its content, but for the spare.
fn content(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).expect("readable") {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            files.extend(content(&path));
        } else {
            files.push((path.clone(), fs::read(&path).expect("readable")));
        }
    }
    files.sort_unstable();
    files
}

/// How many rows of tables have a word in one of their columns.
fn rows_with(printed: &str, word: &str) -> usize {
    let rows = printed.lines().filter(|line| line.starts_with(' '));
    rows.filter(|line| line.split_whitespace().any(|found| found == word)).count()
}

#[test]
fn inspect_lists_what_there_is() {
    let (_dir, data, stopped) = journal();
    let before = content(&data);
    let (last, snapshots) = layout(&data);
    assert!(last > 3 && snapshots.len() == 2, "several segments and two snapshots: {last} {snapshots:?}");
    let printed = done(&["journal", "inspect", arg(&data)]);
    let rows = |word: &str| rows_with(&printed, word);
    assert_eq!(rows("archive"), usize::try_from(snapshots[0] - 1).expect("small"), "{printed}");
    assert_eq!(rows("whole"), usize::try_from(last).expect("small"), "{printed}");
    assert_eq!(rows("yes"), 2, "{printed}");
    assert!(printed.contains("rehearsal, seed 1, rules version"), "{printed}");
    assert!(printed.contains("verdict   whole"), "{printed}");

    let mut reader = scan(&data).expect("a journal");
    let mut frames = 0;
    while reader.next_frame().expect("the disk works").is_some() {
        frames += 1;
    }
    let listed = done(&["journal", "inspect", arg(&data), "--frames"]);
    let lines: Vec<_> = listed.lines().filter(|line| line.starts_with("segment ")).collect();
    assert_eq!(lines.len(), frames);
    assert!(lines[0].starts_with("segment 1 offset 128 batch sequence 1 count 1 payload "), "{}", lines[0]);
    let seal = lines.last().expect("some");
    assert!(seal.contains(&format!("seal sequence {} count 0 payload 0", stopped.sequence.0 + 1)), "{seal}");
    assert!(seal.ends_with(&format!("chain {}", stopped.chain)), "{seal}");
    assert_eq!(content(&data), before, "nothing is changed by looking");
}

#[test]
fn verify_compares_each_snapshot() {
    let (dir, data, stopped) = journal();
    let before = content(&data);
    let (_, snapshots) = layout(&data);
    let printed = done(&["journal", "verify", arg(&data)]);
    for segment in &snapshots {
        assert!(
            printed.contains(&format!("snapshot  of segment {segment} agrees, after sequence ")),
            "{printed}"
        );
    }
    assert!(printed.contains("verdict   whole"), "{printed}");
    assert!(printed.contains(&format!("state digest {}", stopped.state)), "{printed}");
    assert!(printed.contains(&format!("chain digest {}", stopped.chain)), "{printed}");
    assert_eq!(content(&data), before, "nothing is changed by looking");

    // A whole one, of another history.
    let other = dir.path().join("other");
    history(&other, "Another centre");
    let name = format!("{:08}.snapshot", snapshots[1]);
    let own = fs::read(data.join(&name)).expect("it is there");
    // Of the same segment or of one beside it, as the stamps have it.
    let newest = format!("{:08}.snapshot", layout(&other).1[1]);
    fs::copy(other.join(newest), data.join(&name)).expect("copied");
    let (printed, said) = refused(&["journal", "verify", arg(&data)]);
    assert!(printed.contains(&format!("snapshot  of segment {} does not agree", snapshots[1])), "{printed}");
    assert!(printed.contains(&format!("snapshot  of segment {} agrees", snapshots[0])), "{printed}");
    assert!(
        printed.contains("verdict   whole") && said.contains("do not agree with the journal: 1;"),
        "{said}"
    );
    let inspected = done(&["journal", "inspect", arg(&data)]);
    assert!(
        inspected.contains("no: ") && inspected.contains("is not of the state that segment"),
        "{inspected}"
    );

    // A damaged one.
    fs::write(data.join(&name), &own).expect("a writable file");
    flip(&data.join(&name), 200);
    let (printed, said) = refused(&["journal", "verify", arg(&data)]);
    assert!(printed.contains("is of no use") && printed.contains(&name), "{printed}");
    assert!(said.contains("move them away"), "{said}");

    // One whose segment is not there.
    fs::write(data.join(&name), &own).expect("a writable file");
    fs::write(data.join("00000099.snapshot"), &own).expect("a writable file");
    let (printed, _) = refused(&["journal", "verify", arg(&data)]);
    assert!(printed.contains("snapshot  of segment 99 does not agree"), "{printed}");
}

#[test]
fn without_the_first_segments_verify_begins_with_a_snapshot() {
    let (_dir, data, stopped) = journal();
    let (_, snapshots) = layout(&data);
    fs::remove_dir_all(data.join("archive")).expect("it is there");
    let printed = done(&["journal", "verify", arg(&data)]);
    assert!(
        printed.contains(&format!("begins    with the snapshot of segment {}", snapshots[0])),
        "{printed}"
    );
    assert!(printed.contains(&format!("snapshot  of segment {} agrees", snapshots[1])), "{printed}");
    assert!(printed.contains(&format!("state digest {}", stopped.state)), "{printed}");
    let early = refused(&["journal", "digest", arg(&data), "--at", "1"]).1;
    assert!(early.contains("segment 1 is needed"), "{early}");
}

#[test]
fn damage_gets_its_verdict() {
    let (_dir, data, _) = journal();
    let (last, _) = layout(&data);
    let whole = done(&["journal", "digest", arg(&data), "--at", "2"]);
    let newest = segment(&data, last);
    let end = last_byte_used(&newest);
    flip(&newest, end);
    for command in ["inspect", "verify"] {
        let printed = done(&["journal", command, arg(&data)]);
        assert!(printed.contains("verdict   torn tail") && printed.contains("torn at offset"), "{printed}");
    }
    flip(&newest, end);

    // In the second segment, in the frame behind the header.
    let second = segment(&data, 2);
    flip(&second, 200);
    let name = arg(&second).to_owned();
    for command in ["inspect", "verify"] {
        let (printed, said) = refused(&["journal", command, arg(&data)]);
        let line = printed.lines().find(|line| line.starts_with("verdict   damaged: ")).expect("a verdict");
        for told in [line, said.as_str()] {
            assert!(
                told.contains(&name) && told.contains("offset 128") && told.contains("sequence "),
                "{told}"
            );
        }
        assert!(said.contains("golv journal truncate"), "{said}");
    }
    let inspected = refused(&["journal", "inspect", arg(&data)]).0;
    assert!(inspected.contains("damaged at offset 128"), "{inspected}");
    assert_eq!(rows_with(&inspected, "whole"), usize::try_from(last - 1).expect("small"), "{inspected}");
    // What comes before the damage can still be told.
    assert_eq!(done(&["journal", "digest", arg(&data), "--at", "2"]), whole);
    flip(&second, 200);

    // A header.
    flip(&second, 30);
    let (printed, said) = refused(&["journal", "inspect", arg(&data)]);
    assert!(printed.contains("the header of"), "{printed}");
    assert!(said.contains(&name), "{said}");
    assert_eq!(done(&["journal", "digest", arg(&data), "--at", "2"]), whole);
    flip(&second, 30);

    fs::remove_file(&second).expect("it is there");
    for command in ["inspect", "verify"] {
        let (printed, said) = refused(&["journal", command, arg(&data)]);
        let line = printed.lines().find(|line| line.starts_with("verdict   gap: ")).expect("a verdict");
        for told in [line, said.as_str()] {
            assert!(told.contains("00000003.journal") && told.contains("offset 0"), "{told}");
        }
    }
}

/// Cut anywhere, the copy is whole, can be served, and is where the journal was then.
#[test]
fn a_copy_is_served_from_where_the_journal_was() {
    let (dir, data, _) = journal();
    append_batch(&data, 3);
    let before = content(&data);
    let mut reader = scan(&data).expect("a journal");
    let mut ends = BTreeSet::new();
    while let Some(frame) = reader.next_frame().expect("the disk works") {
        if let Content::Batch { count, .. } = frame.content {
            ends.insert(frame.sequence.0 + u64::from(count) - 1);
        }
    }
    for end in ends {
        let copy = dir.path().join(format!("copy {end}"));
        let at = end.to_string();
        let told = done(&["journal", "digest", arg(&data), "--at", &at]);
        assert!(told.contains(&format!("both stand after sequence {end}, ")), "{told}");
        let printed = done(&["journal", "truncate", arg(&data), "--after", &at, "--out", arg(&copy)]);
        assert!(printed.contains("verdict   whole"), "{printed}");
        assert_eq!(
            done(&["journal", "digest", arg(&copy)]).lines().collect::<Vec<_>>(),
            told.lines().take(2).collect::<Vec<_>>()
        );
        done(&["journal", "verify", arg(&copy)]);
        let (pipeline, opening) = Pipeline::open(&copy, Waiting::Park).expect("opened");
        assert!(opening.passed_over.is_empty(), "{:?}", opening.passed_over);
        assert!(told.contains(&format!("state digest {}", opening.state)), "{told}");
        let mut hand = Hand::new(&pipeline, 9_000);
        hand.set_clock(1);
        pipeline.stop().expect("stopped");
        done(&["journal", "verify", arg(&copy)]);
    }
    assert_eq!(content(&data), before, "the journal stays as it is");
}

#[test]
fn a_place_in_the_middle_of_a_batch_has_a_state_and_no_copy() {
    let (dir, data, stopped) = journal();
    append_batch(&data, 3);
    let last = stopped.sequence.0;
    let at = |sequence: u64| done(&["journal", "digest", arg(&data), "--at", &sequence.to_string()]);
    let (before, inside) = (at(last), at(last + 1));
    assert!(
        before.contains(&stopped.state.to_string()) && before.contains(&stopped.chain.to_string()),
        "{before}"
    );
    let [state, chain, stands] = inside.lines().collect::<Vec<_>>()[..] else { panic!("{inside}") };
    assert!(!before.contains(state), "a command of the batch was executed");
    assert!(before.contains(chain), "the chain is still that before it");
    assert!(stands.contains(&format!("after sequence {}, in the middle of a batch", last + 1)), "{stands}");
    assert!(stands.contains(&format!("the chain after sequence {last}, ")), "{stands}");
    assert_ne!(at(last + 2).lines().next(), Some(state));
    assert_eq!(
        at(last + 3).lines().take(2).collect::<Vec<_>>(),
        done(&["journal", "digest", arg(&data)]).lines().collect::<Vec<_>>()
    );

    let copy = dir.path().join("copy");
    let truncate = |after: u64| {
        let after = after.to_string();
        refused(&["journal", "truncate", arg(&data), "--after", &after, "--out", arg(&copy)]).1
    };
    let said = truncate(last + 1);
    assert!(said.contains(&format!("can end after {last} or after {}", last + 3)), "{said}");
    let said = truncate(last + 4);
    assert!(said.contains(&format!("its last is {}", last + 3)), "{said}");
    assert!(!copy.exists());
    for wrong in [0, last + 4] {
        let said = refused(&["journal", "digest", arg(&data), "--at", &wrong.to_string()]).1;
        assert!(said.contains(&format!("its last is {}", last + 3)), "{said}");
    }
    let last = last.to_string();
    let said = refused(&["journal", "truncate", arg(&data), "--after", &last, "--out", arg(dir.path())]).1;
    assert!(said.contains("choose an empty or a new directory"), "{said}");
}

fn exported(arguments: &[&str]) -> Vec<Value> {
    let printed = done(&[&["journal", "export"], arguments].concat());
    printed.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// All of it as one text, without the chains, whose digits could be those of anything.
fn without_chains(objects: &[Value]) -> String {
    let mut objects = objects.to_vec();
    for object in &mut objects {
        object.as_object_mut().expect("an object").remove("chain");
    }
    serde_json::to_string(&objects).expect("JSON")
}

/// What would tell something of the bids in an auction: prices and quantities of those placed, replaced, refused.
fn telling(auction: AuctionId) -> [String; 4] {
    [41_717, 41_919, 61_818, 42_323].map(|units| (units + i64::from(auction.0) * 1_000).to_string())
}

/// The quantities of bids.
const QUANTITIES: [&str; 4] = ["61313", "60707", "60909", "60101"];

#[test]
fn bids_are_exported_when_their_auction_is_closed() {
    let (_dir, data, stopped) = journal();
    let objects = exported(&[arg(&data)]);
    assert_eq!(objects.len(), usize::try_from(stopped.sequence.0).expect("small"));
    let open = without_chains(&objects);
    for told in telling(CLOSING).iter().chain(&telling(CANCELLED)).map(String::as_str).chain(QUANTITIES) {
        assert!(!open.contains(told), "{told} is told of a sealed bid");
    }
    for told in ["\"side\"", "\"origin\"", "\"FI\"", "kept_priority", "5a5a5a5a"] {
        assert!(!open.contains(told), "{told} is told of a sealed bid");
    }
    // Five bids and a secret in each auction, and an event for the four bids that were taken.
    assert_eq!(open.matches("\"sealed\":true").count(), 2 * (6 + 4));
    let refused = objects.iter().find(|object| object["answer"]["name"] == "PriceOutsideBand").expect("one");
    assert_eq!(refused["answer"]["code"], 512);
    assert!(refused["answer"].get("reason").is_none(), "{refused}");
    assert_eq!(refused["command"]["command"], "place_bid");
    assert_eq!(refused["command"]["auction"], CLOSING.0);
    assert_eq!(objects.last().expect("some")["chain"], stopped.chain.to_string());

    let stopped = close(&data);
    let objects = exported(&[arg(&data)]);
    let closed = without_chains(&objects);
    for told in telling(CLOSING).iter().map(String::as_str).chain(QUANTITIES).chain(["\"FI\"", "\"sell\""]) {
        assert!(closed.contains(told), "{told} is not told of a bid in a closed auction");
    }
    for told in telling(CANCELLED) {
        assert!(!closed.contains(&told), "{told} is told of a bid in a cancelled auction");
    }
    // A secret that was refused may be that of an auction that is open.
    assert!(!closed.contains("5a5a5a5a") && !closed.contains("6b6b6b6b"), "a secret that cleared nothing");
    assert_eq!(closed.matches("\"sealed\":true").count(), (6 + 4) + 2);
    let refused = objects.iter().find(|object| object["answer"]["name"] == "PriceOutsideBand").expect("one");
    assert_eq!(refused["answer"]["reason"], "the price must lie between 40000 and 50000");
    assert_eq!(objects.last().expect("some")["chain"], stopped.chain.to_string());
}

#[test]
fn a_part_is_exported_as_it_is_in_the_whole() {
    let (_dir, data, _) = journal();
    append_batch(&data, 3);
    let all = exported(&[arg(&data)]);
    assert_eq!(all[0]["command"]["command"], "found");
    assert_eq!(all[0]["stamp"], "2019-01-01T00:00:00Z");
    assert_eq!(exported(&[arg(&data), "--from", "5", "--to", "9"]), all[4..9]);
    assert_eq!(exported(&[arg(&data), "--from", "9"]), all[8..]);
    let beyond = refused(&["journal", "export", arg(&data), "--from", "5", "--to", "9999"]);
    assert!(beyond.1.contains("sequence 9999 is not in the journal"), "{beyond:?}");
    let backwards = refused(&["journal", "export", arg(&data), "--from", "9", "--to", "5"]);
    assert!(backwards.1.contains("--from 9 is after --to 5"), "{backwards:?}");
    let ends: Vec<bool> = all[all.len() - 3..].iter().map(|object| object.get("chain").is_some()).collect();
    assert_eq!(ends, [false, false, true], "the chain stands at a batch's end");
    let last = done(&["journal", "digest", arg(&data)]);
    assert!(last.contains(all.last().expect("some")["chain"].as_str().expect("a text")), "{last}");

    // What is whole is exported, and then it is said what is not.
    flip(&segment(&data, 2), 200);
    let (printed, said) = refused(&["journal", "export", arg(&data)]);
    let whole = printed.lines().count();
    assert!(whole > 0 && whole < all.len());
    assert!(said.contains("corrupt") && said.contains("00000002.journal"), "{said}");
}

#[test]
fn nothing_is_set_aside_without_need() {
    let (_dir, data, _) = journal();
    let before = content(&data);
    let skip = |reason: &str| refused(&["journal", "skip", arg(&data), "3", "--reason", reason]).1;
    assert!(skip("incident 12").contains("no command makes the engine fail"));
    assert!(skip(" ").contains("a reason has 1 to 1000 bytes"));
    let unexplained = golv(&["journal", "skip", arg(&data), "3"]);
    assert_eq!(unexplained.status.code(), Some(2), "a reason is required");
    assert_eq!(content(&data), before);
    let (pipeline, _) = Pipeline::open(&data, Waiting::Park).expect("opened");
    assert!(skip("incident 12").contains("is in use"));
    // Looking is possible all the same.
    done(&["journal", "verify", arg(&data)]);
    pipeline.stop().expect("stopped");
}

#[test]
fn the_journal_of_a_market_day_is_looked_into() {
    let dir = Bench::new();
    let played = Process::new(env!("CARGO_BIN_EXE_golv"))
        .current_dir(dir.path())
        .args(["demo", "--data", "day", "--local"])
        .output()
        .expect("golv runs");
    assert!(played.status.success(), "{}", text(&played.stderr));
    let day = dir.path().join("day");
    assert!(done(&["journal", "inspect", arg(&day)]).contains("no snapshots"));
    let verified = done(&["journal", "verify", arg(&day)]);
    let digests = done(&["journal", "digest", arg(&day)]);
    assert!(verified.ends_with(&digests), "{verified}");
    let objects = exported(&[arg(&day)]);
    let bids = objects.iter().filter(|object| object["command"]["command"] == "place_bid");
    assert!(bids.clone().count() > 10);
    assert!(
        bids.clone().any(|bid| bid["command"].get("price").is_some()),
        "both auctions of the day are closed"
    );
    let mut runs = objects.iter().flat_map(|object| object["events"].as_array().expect("a list"));
    let is_run = |event: &&Value| event["event"] == "settlement_run_completed" && event["floor"] == 1;
    assert_eq!(runs.clone().filter(is_run).count(), 81);
    // A statement says what the last run posted, and each line is made again. The last holder has one contract alone.
    let run = runs.rfind(is_run).expect("settled");
    let line = run["lines"].as_array().and_then(|lines| lines.last()).expect("a line");
    let day_posted = run["day"].as_str().expect("a day");
    let holder = line["holder"].to_string();
    let of_day = ["journal", "statement", arg(&day), "--participant", &holder, "--day", day_posted];
    let told: Value = serde_json::from_str(&done(&[of_day.as_slice(), &["--json"]].concat())).expect("JSON");
    assert_eq!((&told["net"], &told["currency"]), (&line["amount"]["amount"], &"USD".into()));
    assert_eq!(
        (&told["lines"][0]["amount"], &told["lines"][0]["version"]),
        (&line["amount"], &run["version"])
    );
    assert!(done(&of_day).contains("every line was made again"));
    let idle = done(&["journal", "statement", arg(&day), "--participant", &holder, "--day", "2019-01-01"]);
    assert!(idle.starts_with("settlement posted nothing"), "{idle}");
    // The trial balance sums to nothing, and the programme has what the last run left it.
    let balances: Value =
        serde_json::from_str(&done(&["journal", "balances", arg(&day), "--json"])).expect("JSON");
    assert_eq!(balances["sums"], serde_json::json!({ "USD": "0.00" }));
    let accounts = balances["balances"].as_array().expect("a list");
    let free = accounts.iter().find(|row| row["account"] == "programme 1, free").expect("it has money");
    let units = |decimal: &Value| decimal.as_str().expect("a decimal").parse::<Price>().expect("a decimal");
    assert_eq!(units(&free["balance"]), units(&run["free"]["amount"]));
    assert!(done(&["journal", "balances", arg(&day)]).contains("sum"));
    // Every posting adds up to it.
    let postings: Value =
        serde_json::from_str(&done(&["journal", "postings", arg(&day), "--json"])).expect("JSON");
    let account = Value::from("programme 1, free");
    let mut sum = 0;
    for posting in postings["postings"].as_array().expect("a list") {
        let amount = units(&posting["amount"]).millionths();
        sum += if posting["to"] == account { amount } else { 0 };
        sum -= if posting["from"] == account { amount } else { 0 };
    }
    assert_eq!(Price::from_millionths(sum), units(&free["balance"]));
    let own = done(&["journal", "postings", arg(&day), "--participant", &holder, "--csv"]);
    assert!(own.lines().skip(1).all(|line| line.contains(&format!("participant {holder}"))), "{own}");
}
