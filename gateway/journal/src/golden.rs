//! The golden journal: files that are kept in the repository and made anew by a test, byte for byte. `docs/formats.md`
//! shows parts of them.
//!
//! A change of any format, of what commands do or of the chain shows here. Where it is meant, the format's number goes
//! up, and the files that the failing test has written take the place of the old ones; `docs/formats.md` says what
//! depends on what.

use std::fs;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use golv_engine::auction::BidDetails;
use golv_engine::bilateral::{
    BoardTerms, DealTerms, Goods, Listing, Preference, PriceRule, RoundRule, RoundSolution,
};
use golv_engine::book::Side;
use golv_engine::command::{Action, Command, NewBid};
use golv_engine::digest::Digest;
use golv_engine::event::Event;
use golv_engine::id::{
    BoardId, Counterparty, EntryId, FloorId, NegotiationId, ParticipantId, ProgrammeId, Sequence,
};
use golv_engine::ledger::Account;
use golv_engine::market::FloorTerms;
use golv_engine::money::{Backing, ClearingTerms, Pot, ProgrammeTerms};
use golv_engine::num::{Currency, Money, Share};
use golv_engine::time::Instant;
use golv_engine::{Exchange, Mode as ExchangeMode, RulesVersion};
use golv_protocol::batch::{BatchHeader, BatchWriter, Entry};

use crate::execute::faults::fail_at;
use crate::execute::{Effects, genesis};
use crate::format::{FRAME_HEADER, SEGMENT_HEADER};
use crate::keeper::Keeper;
use crate::restart::Restart;
use crate::skip::skip;
use crate::{Content, Journal, Mode, Settings, Verdict, scan, snapshot};

#[path = "../../../engine/tests/common/mod.rs"]
mod common;

use common::{
    CALL, OPERATORS, STACK, SUPPLIERS, SUPPORT, World, buy, dollars, hours, month, price, quantity, sell,
};

const GUARANTEED: ProgrammeId = ProgrammeId(2);
/// The floor that it pays for.
const BACKED: FloorId = FloorId(3);
const BOARD: BoardId = BoardId(1);

const SETTINGS: Settings = Settings {
    mode: Mode::Rehearsal { seed: 2018 },
    rules_version: RulesVersion::NEWEST.number(),
    segment_bytes: 4096,
};

/// What the golden journal comes to.
const STATE: &str = "d778c03549bcaf64b28734ebe17444f727a0b854a0828fed05beb228aa8b3cff";
const CHAIN: &str = "f4d09a050ef60d2086af348213a3dd074f4f45efcd59f4d67ca87bed8dd7f5a3";

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden")
}

/// How dollars are collected, what others have put in for defaults, and a programme with a guarantor, whose floor reserves too little.
fn set_money_up(world: &mut World) {
    let terms = ClearingTerms {
        holidays: vec![month(2019, 1).first_day()],
        due_days: 2,
        notice_days: 1,
        debt_cover: Share::NONE,
        contract_cover_days: 0,
        waterfall: Pot::STANDARD.into(),
    };
    world.agree(Action::SetClearingTerms { currency: Currency::Usd, terms: Box::new(terms) });
    for buyer in [common::BUYERS[1], common::BUYERS[2]] {
        let participant = ParticipantId(buyer.0);
        world.agree(Action::ContributeToDefaultFund { participant, amount: dollars(1_000) });
    }
    world.agree(Action::SetOwnResourcesAside { amount: dollars(500) });
    let by = "State".parse().expect("a name");
    let terms = ProgrammeTerms {
        name: "Guaranteed".parse().expect("a name"),
        currency: Currency::Usd,
        backing: Backing::Guaranteed { by },
    };
    world.agree(Action::OpenProgramme { programme: GUARANTEED, terms });
    let funder = "State".parse().expect("a name");
    // (500 − 490) × 20 × 6 months.
    world.agree(Action::FundProgramme { programme: GUARANTEED, funder, amount: dollars(1_200) });
    let terms = FloorTerms { programme: GUARANTEED, stress_price: price(490), ..common::floor_terms() };
    world.agree(Action::SetFloor { floor: BACKED, terms });
    let holder = ParticipantId(SUPPLIERS[1].0);
    world.agree(Action::GrantEntitlement { floor: BACKED, holder, per_period: quantity(20) });
}

/// A supplier and a group of two buyers meet in a round, and agree on other terms than it proposed; a negotiation stays open.
fn trade_on_a_board(world: &mut World) {
    let seconds = |seconds| NonZeroU32::new(seconds).expect("positive");
    let rule = RoundRule {
        preference: Preference::Surplus,
        price: PriceRule::midpoint(),
        floor: None,
        origin_cap: None,
        owner_cap: None,
    };
    let terms = BoardTerms {
        name: "Lithium".parse().expect("a name"),
        market: common::MARKET,
        rule,
        sectors: Vec::new(),
        solution_seconds: seconds(60),
        answer_seconds: seconds(hours(24 * 200)),
        counters_most: 2,
    };
    world.agree(Action::OpenBoard { board: BOARD, terms });
    let (first, last) = (month(2019, 3).first_day(), month(2019, 6).last_day());
    let valid_until = world.now.plus_seconds(hours(24 * 200)).expect("a day");
    let goods = Goods { grade: "battery".parse().ok(), ..Goods::default() };
    let listing = |side, lots| Listing {
        side,
        goods: goods.clone(),
        minimum: quantity(5),
        quantity: quantity(lots),
        first,
        last,
        sector: None,
        valid_until,
    };
    let post = |side, lots, limit, is_group| Command::PostEntry {
        board: BOARD,
        listing: Box::new(listing(side, lots)),
        limit: price(limit),
        is_group,
    };
    let (supplier, [lead, member, _]) = (SUPPLIERS[0], common::BUYERS);
    let (offer, group) = (EntryId(1), EntryId(2));
    world.send(supplier, post(Side::Sell, 30, 480, false)).expect("offered");
    world.send(lead, post(Side::Buy, 20, 500, true)).expect("requested");
    let join = Command::JoinGroup { entry: group, quantity: quantity(5), limit: price(500) };
    world.send(member, join).expect("joined");
    world.send(OPERATORS[0], Command::CallRound { board: BOARD }).expect("called");
    let round = world.events.iter().find_map(|event| match event {
        Event::RoundBook { digest, entries, .. } => Some((*digest, entries.clone())),
        _ => None,
    });
    let (digest, entries) = round.expect("operators are told it");
    let solution = RoundSolution::of(&entries, digest, &rule, 1_000).expect("a board");
    world
        .send(OPERATORS[0], Command::ProposeDeals { board: BOARD, solution: Box::new(solution) })
        .expect("deals that may be made");
    world.wait(60);
    let with = Counterparty::Entry(offer);
    let negotiation = NegotiationId { entry: group, with, number: 1 };
    let terms =
        |units: i64, lots| DealTerms { price: Some(price(units)), quantity: quantity(lots), first, last };
    world.send(lead, Command::AcceptTerms { negotiation, turn: 0 }).expect("its turn");
    world
        .send(supplier, Command::CounterTerms { negotiation, turn: 0, terms: terms(500, 15) })
        .expect("its turn");
    world.send(lead, Command::AcceptTerms { negotiation, turn: 1 }).expect("its turn");
    assert!(world.events.iter().any(|event| matches!(event, Event::DealShared { .. })), "a deal is shared");
    world
        .send(
            supplier,
            Command::Negotiate { entry: offer, with: Counterparty::Entry(group), terms: terms(490, 5) },
        )
        .expect("proposed");
}

/// A board with a deal, four auctions, an award that is accepted and one that is not, a buyer that pays and one that does not and defaults, two settled
/// months, for one of which a guarantor owes, and then a command that is set aside.
fn day() -> World {
    let mut world = World::open(100_000);
    world.open_stack();
    set_money_up(&mut world);
    trade_on_a_board(&mut world);
    let mine = Some(BidDetails { technology: Some(0), ..BidDetails::default() });
    for (auction, sender, bid) in [
        (CALL, SUPPLIERS[0], sell(480, 30)),
        (CALL, SUPPLIERS[1], sell(490, 20)),
        (CALL, common::BUYERS[0], buy(500, 40)),
        (CALL, common::BUYERS[1], NewBid { price: None, ..buy(0, 10) }),
        (common::DRAWN, SUPPLIERS[0], sell(480, 30)),
        (common::DRAWN, common::BUYERS[0], buy(500, 20)),
        (common::DRAWN, common::BUYERS[1], buy(500, 20)),
        (SUPPORT, SUPPLIERS[0], sell(450, 40)),
        (SUPPORT, SUPPLIERS[2], sell(470, 40)),
        (STACK, SUPPLIERS[0], NewBid { details: mine, ..sell(400, 20) }),
        (STACK, SUPPLIERS[1], NewBid { details: mine, ..sell(420, 10) }),
    ] {
        world.bid(sender, auction, bid).expect("a bid that is taken");
    }
    world.wait(hours(10));
    let secrets = [(CALL, None), (SUPPORT, None), (STACK, None), (common::DRAWN, Some(common::SECRET))];
    for (auction, secret) in secrets {
        world.send(OPERATORS[0], Command::ClearAuction { auction, secret }).expect("closed");
    }
    world.wait(hours(24));
    let won = |event: &Event| match event {
        Event::AwardsOffered { awards, .. } => awards.first().map(|award| award.bid),
        _ => None,
    };
    let bid = world.events.iter().find_map(won).expect("a winner is asked");
    world.send(bid.identity, Command::AcceptAward { auction: STACK, bid }).expect("accepted");
    // One buyer pays what it owes; the other is in default in January.
    let payer = ParticipantId(common::BUYERS[0].0);
    let owed = world.exchange.ledger().balance(Currency::Usd, Account::Participant(payer));
    let millionths = i64::try_from(-owed).expect("it owes a little");
    let amount = Money { currency: Currency::Usd, millionths };
    world.agree(Action::TakePayment { participant: Some(payer), amount });
    world.grant_metered();
    let granted = |event: &Event| match event {
        Event::EntitlementGranted { entitlement, terms } if terms.floor == common::METERED => {
            Some(*entitlement)
        }
        _ => None,
    };
    let metered = world.events.iter().find_map(granted).expect("it was granted");
    world.wait(hours(24 * 69));
    for (number, price) in [(1, 430), (2, 440)] {
        world.publish(month(2019, number), price).expect("its publisher");
        world.settle(common::FLOOR, month(2019, number)).expect("settled");
        world.settle(BACKED, month(2019, number)).expect("settled");
        world.report(metered, month(2019, number), 10).expect("metered");
        world.settle(common::METERED, month(2019, number)).expect("settled");
        world.report(metered, month(2019, number), 12).expect("corrected");
        world.settle(common::METERED, month(2019, number)).expect("settled again");
    }
    world.wait(1);
    let happened = |wanted: fn(&Event) -> bool| world.events.iter().any(wanted);
    assert!(happened(|event| matches!(event, Event::Defaulted { .. })), "a buyer did not pay");
    assert!(
        happened(
            |event| matches!(event, Event::ClaimsPaid { programme: GUARANTEED, short, .. } if !short.is_zero())
        ),
        "the guarantor owes"
    );
    world
}

/// Writes the journal as the pipeline's writer would, four commands of one stamp at most in a batch.
fn write(dir: &Path) {
    let lines = day().journal;
    let mut exchange = Exchange::new(ExchangeMode::Rehearsal, RulesVersion::NEWEST);
    let mut chain = genesis(&SETTINGS);
    let mut journal = Journal::create(dir, SETTINGS, chain.0).expect("an empty directory");
    let mut keeper = Keeper::new(dir).expect("a journal");
    let mut effects = Effects::default();
    let last = lines.len() as u64;
    fail_at(&[last]);
    let mut rest = lines.as_slice();
    let mut failed = false;
    while let Some(line) = rest.first() {
        assert!(!failed, "the last command alone fails");
        let at = line.at;
        let first = journal.next_sequence();
        let batch = BatchHeader { first, at, entropy: Digest::of(&first.0).0 };
        let mut writer = BatchWriter::new(batch);
        let same: Vec<Entry<Command>> = rest
            .iter()
            .take_while(|line| line.at == at)
            .take(4)
            .map(|line| Entry { sender: line.sender, id: line.id, command: line.command.clone() })
            .collect();
        for entry in &same {
            assert!(writer.push(entry).expect("short"), "room for a few");
        }
        rest = &rest[same.len()..];
        journal.append(first, writer.len(), &chain.0, writer.payload()).expect("the disk works");
        journal.flusher().flush().expect("the disk works");
        failed = effects.execute(&mut exchange, first, at, &same, &[]).is_err();
        chain = effects.chain(chain, writer.payload());
        keeper.keep(journal.segment(), || true).expect("they agree");
    }
    assert!(failed, "the last command fails");
    drop(journal);
    let at = Instant::at_midnight(2019, 3, 9).expect("a day");
    skip(dir, vec![Sequence(last)], "The engine fails on it", at).expect("set aside");
    let restarted = Restart::begin(dir).expect("a journal").finish(|_| {}).expect("goes on");
    let mut journal = restarted.journal;
    journal.seal(&restarted.replayed.chain.0).expect("the disk works");
}

/// The files of a journal by name, those in the archive too; the lock and the spare are none of its content.
fn files(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let listing = crate::directory::list(dir).expect("readable");
    let paths = listing.segments.into_values().chain(listing.snapshots.into_values());
    let mut files: Vec<_> = paths
        .map(|path| {
            let name = path.strip_prefix(dir).expect("inside").to_string_lossy().into_owned();
            (name, fs::read(&path).expect("readable"))
        })
        .collect();
    files.sort_unstable();
    files
}

#[test]
fn the_golden_files_are_what_is_written_today() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    write(dir.path());
    let (written, kept) = (files(dir.path()), files(&golden()));
    let names = |files: &[(String, Vec<u8>)]| files.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    let changed: Vec<String> =
        written.iter().filter(|file| !kept.contains(file)).map(|(name, _)| name.clone()).collect();
    if !changed.is_empty() || names(&written) != names(&kept) {
        let dir = dir.keep();
        panic!("{changed:?} changed; what is written today is in {}", dir.display());
    }
}

#[test]
fn the_golden_journal_comes_to_the_same_digests_as_ever() {
    let mut reader = scan(&golden()).expect("a journal");
    let mut replay = crate::replay::Replay::new(reader.header()).expect("known rules");
    let mut skips = 0;
    while let Some(frame) = reader.next_frame().expect("readable") {
        skips += u32::from(matches!(frame.content, Content::Skip { .. }));
        replay.frame(&frame).expect("it replays");
    }
    assert!(matches!(reader.finish().expect("readable"), Verdict::Clean { sealed: true, .. }));
    let digests = (replay.exchange().state_digest().to_string(), replay.chain().to_string());
    assert_eq!(digests, (STATE.to_owned(), CHAIN.to_owned()));
    assert_eq!(skips, 1);
    for file in crate::directory::list(&golden()).expect("readable").snapshots.values() {
        snapshot::read(file).expect("a snapshot that this version reads");
    }
}

/// What the page shows, each with its name on the page.
fn examples() -> Vec<(&'static str, Vec<u8>)> {
    let first = fs::read(golden().join("archive/00000001.journal")).expect("archived");
    let mut reader = scan(&golden()).expect("a journal");
    let mut frames = Vec::new();
    while let Some(frame) = reader.next_frame().expect("readable") {
        let (kind, length) = match frame.content {
            Content::Batch { payload, .. } => ("batch", payload.len()),
            Content::Skip { payload } => ("skip", payload.len()),
            Content::Seal => ("seal", 0),
        };
        let offset = usize::try_from(frame.offset).expect("small");
        frames.push((kind, frame.segment, offset..offset + FRAME_HEADER + length));
    }
    let bytes = |wanted: &str| {
        let (_, segment, range) =
            frames.iter().find(|(kind, ..)| *kind == wanted).expect("there is one").clone();
        let listing = crate::directory::list(&golden()).expect("readable");
        fs::read(&listing.segments[&segment]).expect("readable")[range].to_vec()
    };
    let listing = crate::directory::list(&golden()).expect("readable");
    let snapshot =
        fs::read(listing.snapshots.values().next_back().expect("there are some")).expect("readable");
    vec![
        ("segment header", first[..SEGMENT_HEADER].to_vec()),
        ("batch", bytes("batch")),
        ("skip", bytes("skip")),
        ("seal", bytes("seal")),
        ("snapshot header", snapshot[..128].to_vec()),
    ]
}

#[test]
fn the_page_shows_the_golden_files() {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/formats.md"));
    let page = page.expect("the page is there");
    let hex = |bytes: &[u8]| {
        let groups: Vec<String> =
            bytes.chunks(4).map(|group| group.iter().map(|byte| format!("{byte:02x}")).collect()).collect();
        groups.chunks(8).map(|line| line.join(" ")).collect::<Vec<_>>().join("\n")
    };
    let examples: Vec<String> =
        examples().iter().map(|(name, bytes)| format!("```text {name}\n{}\n```", hex(bytes))).collect();
    let missing: Vec<&String> = examples.iter().filter(|example| !page.contains(*example)).collect();
    assert!(missing.is_empty(), "the page lacks:\n{}", examples.join("\n\n"));
    for digest in [STATE, CHAIN] {
        assert!(page.contains(digest), "the page lacks {digest}");
    }
}
