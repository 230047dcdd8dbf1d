//! Journals of real commands: snapshots, restarts, and commands that are set aside.

mod copies;
mod skips;

use std::fs;
use std::path::Path;

use golv_engine::command::{Action, Command, Operator};
use golv_engine::digest::Digest;
use golv_engine::id::{CommandId, IdentityId, ParticipantId, ProgrammeId, ProposalId, Sequence};
use golv_engine::money::{Backing, ProgrammeTerms};
use golv_engine::num::Currency;
use golv_engine::reject::Reject;
use golv_engine::time::Instant;
use golv_engine::{Exchange, Mode as ExchangeMode, RulesVersion};
use golv_protocol::batch::{BatchHeader, BatchWriter, Entry};
use tempfile::TempDir;

use crate::copy::{Copied, CopyError, copy_up_to};
use crate::execute::faults::fail_at;
use crate::execute::{Effects, EngineFault, genesis};
use crate::keeper::{KeepError, Keeper};
use crate::replay::{Replay, ReplayError};
use crate::restart::{Restart, RestartError, Restarted, begin_at_or_before, begin_earliest, replay_before};
use crate::skip::{Skip, SkipError, skip};
use crate::snapshot::{self, SnapshotError, SnapshotHeader};
use crate::{
    Content, Corruption, Header, Journal, Mode, RecoverError, ScanError, Settings, Verdict, directory, scan,
    scan_up_to,
};

const OPERATORS: [IdentityId; 2] = [IdentityId(1), IdentityId(2)];

/// Short, so that a few batches fill one.
const SETTINGS: Settings = Settings {
    mode: Mode::Rehearsal { seed: 1 },
    rules_version: RulesVersion::NEWEST.number(),
    segment_bytes: 2048,
};

/// In memory where the system has such a place, since every batch is flushed.
fn scratch() -> TempDir {
    let memory = Path::new("/dev/shm");
    let made = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    made.expect("a temporary directory")
}

/// An exchange with its journal, as the pipeline's writer has them.
struct World {
    exchange: Exchange,
    journal: Journal,
    chain: Digest,
    effects: Effects,
    batch: BatchWriter,
}

impl World {
    fn found(dir: &Path) -> Self {
        let chain = genesis(&SETTINGS);
        let mut world = Self {
            exchange: Exchange::new(ExchangeMode::Rehearsal, RulesVersion::NEWEST),
            journal: Journal::create(dir, SETTINGS, chain.0).expect("an empty directory"),
            chain,
            effects: Effects::default(),
            batch: BatchWriter::new(header(0)),
        };
        let name = "The centre".parse().expect("a name");
        let operators = OPERATORS.map(|id| Operator::local(id.0));
        let founding = Command::Found { participant: ParticipantId(1), name, operators };
        world
            .commit(&[Entry { sender: IdentityId::SYSTEM, id: CommandId(1), command: founding }])
            .expect("founded");
        world
    }

    fn restart(dir: &Path) -> Self {
        let Restarted { replayed, journal, .. } = restart(dir).expect("a journal");
        Self {
            exchange: replayed.exchange,
            journal,
            chain: replayed.chain,
            effects: Effects::default(),
            batch: BatchWriter::new(header(0)),
        }
    }

    fn commit(&mut self, entries: &[Entry<Command>]) -> Result<(), EngineFault> {
        let first = self.journal.next_sequence();
        self.batch.restart(header(first.0));
        for entry in entries {
            assert!(self.batch.push(entry).expect("short"), "room for a few");
        }
        self.journal
            .append(first, self.batch.len(), &self.chain.0, self.batch.payload())
            .expect("the disk works");
        self.journal.flusher().flush().expect("the disk works");
        self.effects.execute(&mut self.exchange, first, header(first.0).at, entries, &[])?;
        self.chain = self.effects.chain(self.chain, self.batch.payload());
        Ok(())
    }

    /// A batch of so many commands of one operator; some are refused.
    fn work(&mut self, commands: u64) -> Result<(), EngineFault> {
        let first = self.journal.next_sequence().0;
        let entries: Vec<_> = (first..first + commands).map(set_clock).collect();
        self.commit(&entries)
    }

    fn digests(&self) -> (Digest, Digest) {
        (self.exchange.state_digest(), self.chain)
    }
}

fn header(first: u64) -> BatchHeader {
    let at = Instant(i64::try_from(first).expect("small"));
    BatchHeader { first: Sequence(first), at, entropy: [7; 32] }
}

/// The command that is at this sequence in these journals; every third is refused.
fn set_clock(sequence: u64) -> Entry<Command> {
    let to = Instant(if sequence.is_multiple_of(3) { 0 } else { i64::try_from(sequence).expect("small") });
    Entry { sender: OPERATORS[0], id: CommandId(sequence), command: Command::SetClock { to } }
}

fn restart(dir: &Path) -> Result<Restarted, RestartError> {
    Restart::begin(dir)?.finish(|_| {})
}

/// A journal of some segments, with snapshots for as many as were closed, and what it came to.
fn kept(dir: &Path, segments: u32) -> (Digest, Digest) {
    let mut world = World::found(dir);
    let mut keeper = Keeper::new(dir).expect("a journal");
    while world.journal.segment() < segments {
        world.work(5).expect("no fault");
        keeper.keep(world.journal.segment(), || true).expect("they agree");
    }
    world.work(2).expect("no fault");
    world.digests()
}

fn came_to(restarted: &Restarted) -> (Digest, Digest) {
    (restarted.replayed.exchange.state_digest(), restarted.replayed.chain)
}

/// A journal whose last batch, 6 to 10, has a command that makes the engine fail.
fn failing(dir: &Path, at: &[u64]) {
    let mut world = World::found(dir);
    world.work(4).expect("no fault");
    fail_at(at);
    let fault = world.work(5).expect_err("a fault");
    assert_eq!(fault.sequence, Sequence(at[0]));
    assert!(fault.to_string().contains("golv journal skip"), "{fault}");
}

const NOW: Instant = Instant(99);

/// The bytes of a file up to its last that is not zero.
fn without_zeros(file: &Path) -> Vec<u8> {
    let mut bytes = fs::read(file).expect("it is there");
    bytes.truncate(bytes.iter().rposition(|&byte| byte != 0).expect("some byte is not zero") + 1);
    bytes
}

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).expect("readable");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("readable").file_name().into_string().expect("UTF-8")).collect();
    names.sort_unstable();
    names
}

#[test]
fn a_start_takes_the_newest_snapshot_and_comes_to_the_same() {
    let dir = scratch();
    let digests = kept(dir.path(), 6);
    let begun = Restart::begin(dir.path()).expect("a journal");
    let (segment, sequence) = begun.begun.snapshot.expect("there are some");
    assert_eq!(segment, 6);
    let before = begun.begun.replay.counts().clone();
    let mut first_replayed = None;
    let restarted = begun
        .finish(|replay| {
            first_replayed.get_or_insert(replay.exchange().sequence());
        })
        .expect("a journal");
    assert_eq!(came_to(&restarted), digests);
    assert!(first_replayed.is_some_and(|first| first > sequence), "nothing before the snapshot is replayed");
    drop(restarted.journal);

    // What happened before it can still be told, and is as much as the snapshot says.
    let mut counts = golv_engine::event::EventCounts::default();
    let mut answered = 0;
    replay_before(dir.path(), segment, |replay| {
        replay.happened().iter().for_each(|happened| counts.add(&happened.event));
        answered += replay.answers().len() as u64;
        assert_eq!(answered, replay.exchange().sequence().0, "each command has an answer");
        true
    })
    .expect("archived segments are read too");
    assert_eq!(counts, before);

    // Without any snapshot the whole journal gives the same.
    for snapshot in directory::list(dir.path()).expect("readable").snapshots.values() {
        fs::remove_file(snapshot).expect("it is there");
    }
    let from_the_founding = Restart::begin(dir.path()).expect("a journal");
    assert!(from_the_founding.begun.snapshot.is_none());
    assert_eq!(came_to(&from_the_founding.finish(|_| {}).expect("a journal")), digests);
}

#[test]
fn two_snapshots_are_kept_and_segments_that_they_do_not_need_are_archived() {
    let dir = scratch();
    kept(dir.path(), 6);
    let expected =
        ["00000005.journal", "00000005.snapshot", "00000006.journal", "00000006.snapshot", "archive", "lock"];
    let present: Vec<String> = names(dir.path()).into_iter().filter(|name| name != "spare").collect();
    assert_eq!(present, expected);
    let archived = names(&dir.path().join("archive"));
    assert_eq!(archived, ["00000001.journal", "00000002.journal", "00000003.journal", "00000004.journal"]);
}

/// Cuts a snapshot at every `nth_length` of its lengths, and turns every `nth_bit` of its bits.
fn damaged_snapshots_are_passed_over(nth_length: usize, nth_bit: usize) {
    let dir = scratch();
    let digests = kept(dir.path(), 4);
    let file = directory::snapshot_path(dir.path(), 4);
    let bytes = fs::read(&file).expect("it is there");
    let lengths = (0..bytes.len()).step_by(nth_length).map(|length| bytes[..length].to_vec());
    let bits = (0..bytes.len() * 8).step_by(if bytes.len() > 4096 { nth_bit } else { 1 }).map(|bit| {
        let mut damaged = bytes.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        damaged
    });
    for damaged in lengths.chain(bits).chain([[bytes.as_slice(), &[0]].concat()]) {
        fs::write(&file, &damaged).expect("a writable file");
        let begun = Restart::begin(dir.path()).expect("a journal");
        assert_eq!(begun.begun.snapshot.map(|(segment, _)| segment), Some(3));
        assert_eq!(begun.begun.passed_over.len(), 1);
    }
    assert_eq!(came_to(&restart(dir.path()).expect("the older one serves")), digests);

    // If the older one is damaged too, all is replayed.
    fs::write(directory::snapshot_path(dir.path(), 3), b"").expect("a writable file");
    let begun = Restart::begin(dir.path()).expect("a journal");
    assert_eq!((begun.begun.snapshot, begun.begun.passed_over.len()), (None, 2));
    assert_eq!(came_to(&begun.finish(|_| {}).expect("a journal")), digests);
}

#[test]
fn a_snapshot_that_is_damaged_is_passed_over() {
    damaged_snapshots_are_passed_over(97, 31);
}

#[test]
#[ignore = "every length and every bit; run by hand"]
fn a_snapshot_that_is_damaged_in_any_bit_is_passed_over() {
    damaged_snapshots_are_passed_over(1, 1);
}

#[test]
fn a_snapshot_of_another_journal_or_another_place_is_passed_over() {
    let (dir, other) = (scratch(), scratch());
    let digests = kept(dir.path(), 4);
    // Another history.
    let mut world = World::found(other.path());
    let mut keeper = Keeper::new(other.path()).expect("a journal");
    while world.journal.segment() < 4 {
        world.work(3).expect("no fault");
    }
    keeper.keep(4, || true).expect("they agree");
    fs::copy(directory::snapshot_path(other.path(), 4), directory::snapshot_path(dir.path(), 4))
        .expect("copied");
    // A right one under a wrong name.
    fs::copy(directory::snapshot_path(dir.path(), 3), directory::snapshot_path(dir.path(), 7))
        .expect("copied");
    let begun = Restart::begin(dir.path()).expect("a journal");
    assert_eq!(begun.begun.snapshot.map(|(segment, _)| segment), Some(3));
    let refused = |error: &SnapshotError| matches!(error, SnapshotError::OtherJournal { .. });
    assert_eq!(begun.begun.passed_over.iter().filter(|error| refused(error)).count(), 2);
    assert_eq!(came_to(&begun.finish(|_| {}).expect("a journal")), digests);
}

#[test]
fn earlier_segments_may_be_gone_if_there_is_a_snapshot() {
    let dir = scratch();
    let digests = kept(dir.path(), 6);
    fs::remove_dir_all(dir.path().join("archive")).expect("it is there");
    assert_eq!(came_to(&restart(dir.path()).expect("the snapshots serve")), digests);
    assert!(replay_before(dir.path(), 5, |_| true).is_err());
    for segment in [5, 6] {
        fs::remove_file(directory::snapshot_path(dir.path(), segment)).expect("it is there");
    }
    assert!(matches!(restart(dir.path()), Err(RestartError::Open(_))));
}

/// Two exchanges execute everything; if they do not agree, that is found at the next segment.
#[test]
fn an_exchange_that_does_otherwise_than_the_writer_is_found() {
    let dir = scratch();
    let mut world = World::found(dir.path());
    while world.journal.segment() < 3 {
        // A chain that no replay comes to, as if the writer's engine had done something else.
        let last_of_segment = world.journal.segment();
        world.work(5).expect("no fault");
        if world.journal.segment() != last_of_segment {
            world.chain = Digest([9; 32]);
        }
    }
    let mut keeper = Keeper::new(dir.path()).expect("a journal");
    let found = keeper.keep(3, || true);
    assert!(
        matches!(found, Err(KeepError::Replay(RestartError::Replay(ReplayError::Diverged { .. })))),
        "{found:?}"
    );
    assert!(directory::list(dir.path()).expect("readable").snapshots.is_empty(), "and nothing was kept");
}

#[test]
fn a_closed_segment_that_is_damaged_at_its_end_gives_no_snapshot() {
    let dir = scratch();
    let mut world = World::found(dir.path());
    while world.journal.segment() < 2 {
        world.work(5).expect("no fault");
    }
    let file = directory::segment_path(dir.path(), 1);
    let mut bytes = fs::read(&file).expect("it is there");
    let last = bytes.iter().rposition(|&byte| byte != 0).expect("some byte is not zero");
    bytes[last] ^= 1;
    fs::write(&file, &bytes).expect("a writable file");
    let refused = Keeper::new(dir.path()).expect("a journal").keep(2, || true);
    let corrupt = RecoverError::Corrupt(Corruption::ClosedSegment {
        file: file.clone(),
        offset: 0,
        sequence: Sequence(0),
    });
    match refused {
        Err(KeepError::Replay(RestartError::Recover(found))) => {
            assert_eq!(std::mem::discriminant(&found), std::mem::discriminant(&corrupt));
            assert!(found.to_string().contains("closed"), "{found}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_snapshot_says_what_it_is_of() {
    let dir = scratch();
    kept(dir.path(), 3);
    let header = SnapshotHeader::read(&directory::snapshot_path(dir.path(), 3)).expect("a snapshot");
    let snapshot = snapshot::read(&directory::snapshot_path(dir.path(), 3)).expect("a snapshot");
    assert_eq!((header.segment, header.state, header.chain), (3, snapshot.state, snapshot.replayed.chain));
    assert_eq!(snapshot.replayed.exchange.sequence(), header.sequence);
    let reader = crate::scan_from(dir.path(), 3).expect("a journal");
    assert_eq!((reader.header().chain, reader.header().first.0), (header.chain.0, header.sequence.0 + 1));
}

/// Recover, append, recover again, through segments and snapshots, with commands sent again after each restart.
#[test]
fn restarted_again_and_again_each_command_is_done_once() {
    let dir = scratch();
    drop(World::found(dir.path()));
    let mut digests = None;
    for round in 0..12 {
        let mut world = World::restart(dir.path());
        assert!(digests.is_none_or(|before| before == world.digests()), "round {round}");
        let last = world.exchange.sequence().0;
        // The latest again, as clients do after a doubt: the same answers, and no state changes.
        let state = world.exchange.state_digest();
        let again: Vec<_> = (2..=last)
            .rev()
            .take(20)
            .map(set_clock)
            .filter(|e| world.exchange.answer(e.sender, e.id).is_some())
            .collect();
        if !again.is_empty() {
            let first_answers: Vec<_> = again
                .iter()
                .map(|entry| world.exchange.answer(entry.sender, entry.id).expect("kept"))
                .collect();
            world.commit(&again).expect("no fault");
            assert_eq!(world.effects.answers(), first_answers);
            assert!(world.effects.happened().is_empty());
            assert_eq!(world.exchange.state_digest(), state);
        }
        for _ in 0..3 {
            world.work(4).expect("no fault");
        }
        Keeper::new(dir.path())
            .expect("a journal")
            .keep(world.journal.segment(), || true)
            .expect("they agree");
        digests = Some(world.digests());
    }
    assert!(directory::list(dir.path()).expect("readable").segments.len() > 5);
}

/// The end of a closed segment may be lost whole: what happened before a snapshot is then not told in part.
#[test]
fn an_older_history_with_a_part_missing_is_none() {
    let dir = scratch();
    kept(dir.path(), 6);
    let whole = directory::list(dir.path()).expect("readable").segments[&3].clone();
    let mut reader = crate::scan_range(dir.path(), 3, 4).expect("a segment");
    let mut last = 0;
    while let Some(frame) = reader.next_frame().expect("readable") {
        last = usize::try_from(frame.offset).expect("small");
    }
    let mut bytes = fs::read(&whole).expect("it is there");
    bytes[last..].fill(0);
    fs::write(&whole, &bytes).expect("a writable file");
    assert!(replay_before(dir.path(), 4, |_| true).is_err());
    assert!(replay_before(dir.path(), 3, |_| true).is_ok());
}

#[test]
fn a_replay_can_be_given_up() {
    let dir = scratch();
    kept(dir.path(), 4);
    let mut frames = 0;
    let finished = replay_before(dir.path(), 4, |_| {
        frames += 1;
        frames < 3
    });
    assert_eq!((finished.expect("no fault"), frames), (false, 3));
    fs::remove_file(directory::snapshot_path(dir.path(), 4)).expect("it is there");
    let mut keeper = Keeper::new(dir.path()).expect("a journal");
    assert!(keeper.keep(4, || false).expect("no fault").is_none());
    assert!(!directory::snapshot_path(dir.path(), 4).exists());
}

/// Files that are none of the keeper's: snapshots of a longer copy, a damaged one, one in the archive.
#[test]
fn what_the_keeper_does_not_know_counts_for_nothing() {
    let dir = scratch();
    let mut world = World::found(dir.path());
    let mut keeper = Keeper::new(dir.path()).expect("a journal");
    for stray in [3, 8, 9] {
        fs::write(directory::snapshot_path(dir.path(), stray), b"stray").expect("a writable directory");
    }
    while world.journal.segment() < 7 {
        world.work(5).expect("no fault");
        let open = world.journal.segment();
        keeper.keep(open, || true).expect("they agree");
        assert!(directory::segment_path(dir.path(), open).exists(), "the open segment stays where it is");
        if open > 2 {
            assert!(directory::snapshot_path(dir.path(), open).exists(), "what was just written stays");
        }
    }
    let digests = world.digests();
    drop(world);
    let begun = Restart::begin(dir.path()).expect("a journal");
    assert_eq!(begun.begun.snapshot.map(|(segment, _)| segment), Some(7));
    assert_eq!(begun.begun.passed_over.len(), 2);
    assert_eq!(came_to(&begun.finish(|_| {}).expect("a journal")), digests);
}

#[test]
fn a_start_does_not_need_what_is_archived() {
    let dir = scratch();
    let digests = kept(dir.path(), 6);
    fs::write(dir.path().join("archive/00000002.journal"), b"damaged").expect("a writable directory");
    assert_eq!(came_to(&restart(dir.path()).expect("the snapshots serve")), digests);
}

/// A copy may lack the zeros at a file's end, also those that belong to the last frame.
#[test]
fn a_copy_without_its_trailing_zeros_is_whole() {
    let dir = scratch();
    let digests = kept(dir.path(), 3);
    for file in directory::list(dir.path()).expect("readable").segments.values() {
        let bytes = without_zeros(file);
        fs::write(file, bytes).expect("a writable file");
    }
    assert_eq!(came_to(&restart(dir.path()).expect("nothing is lost")), digests);
    let mut world = World::restart(dir.path());
    world.work(3).expect("no fault");
    let digests = world.digests();
    drop(world);
    assert_eq!(came_to(&restart(dir.path()).expect("and it goes on")), digests);
}

/// A reader that is overtaken by the writer, whatever it has buffered, sees a shorter journal and no damage.
#[test]
fn a_journal_in_use_is_never_called_damaged() {
    let dir = scratch();
    let mut world = World::found(dir.path());
    for _ in 0..6 {
        let mut reader = scan(dir.path()).expect("a journal");
        // The first read fills the reader's buffer.
        assert!(reader.next_frame().expect("readable").is_some());
        for _ in 0..7 {
            world.work(5).expect("no fault");
        }
        while reader.next_frame().expect("readable").is_some() {}
        let verdict = reader.finish().expect("readable");
        assert!(matches!(verdict, Verdict::Clean { .. }), "{verdict:?}");
    }
}

/// A confirmation of nothing, for a refusal that is no clock's.
#[test]
fn refusals_are_replayed_as_refusals() {
    let dir = scratch();
    let mut world = World::found(dir.path());
    let proposal = ProposalId { identity: OPERATORS[0], command: CommandId(1) };
    let command = Command::Confirm { proposal };
    world.commit(&[Entry { sender: OPERATORS[1], id: CommandId(1), command }]).expect("no fault");
    let answer = world.exchange.answer(OPERATORS[1], CommandId(1)).expect("kept");
    assert_eq!(answer.outcome, Err(Reject::UnknownProposal { proposal }));
    let digests = world.digests();
    drop(world);
    let world = World::restart(dir.path());
    assert_eq!((world.exchange.answer(OPERATORS[1], CommandId(1)), world.digests()), (Some(answer), digests));
}
