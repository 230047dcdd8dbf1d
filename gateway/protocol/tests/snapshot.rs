//! An exchange is written and read back whole, and goes on as if it had never been away.
//!
//! The engine's tests cannot name a codec, since this crate depends on the engine; so what they know of random commands
//! comes here, where an exchange has the bytes that a snapshot gives it.

#[path = "../../../engine/tests/common/mod.rs"]
mod world;

use golv_engine::command::{Action, Command, NewBid};
use golv_engine::id::*;
use golv_engine::key::KeyFingerprint;
use golv_engine::{ANSWERS_KEPT, Exchange};
use golv_protocol::{DecodeError, decode_from, encode_to};
use proptest::prelude::*;
use world::steps::{KEYS, Tried, a_step};
use world::*;

fn written(exchange: &Exchange) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_to(exchange, &mut bytes).expect("a vector takes everything");
    bytes
}

fn read(mut bytes: &[u8]) -> Result<Exchange, DecodeError> {
    decode_from(&mut bytes)
}

/// Everything that can be asked of an exchange without sending it a command.
fn assert_same(copy: &Exchange, original: &Exchange, lines: &[Line]) {
    assert_eq!(copy.state_digest(), original.state_digest());
    assert!(copy.is_conserved());
    assert_eq!((copy.mode(), copy.rules_version()), (original.mode(), original.rules_version()));
    assert_eq!((copy.sequence(), copy.at()), (original.sequence(), original.at()));
    assert_eq!(copy.next_due(), original.next_due());
    for key in (0..KEYS).map(|byte| KeyFingerprint([byte; 32])) {
        assert_eq!(copy.who(key, original.at()), original.who(key, original.at()));
        assert_eq!(copy.key_ends_at(key), original.key_ends_at(key));
    }
    for line in lines {
        assert_eq!(copy.answer(line.sender, line.id), original.answer(line.sender, line.id));
    }
    assert!(written(copy) == written(original), "a copy of the copy is the copy");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn a_copy_is_the_exchange_and_goes_on_as_it_does(
        before in prop::collection::vec(a_step(), 0..100),
        after in prop::collection::vec(a_step(), 0..60),
    ) {
        let mut tried = Tried::new(&before);
        let mut copy = read(&written(&tried.world.exchange)).expect("just written");
        assert_same(&copy, &tried.world.exchange, &tried.world.journal);

        let (lines, happened) = (tried.world.journal.len(), tried.world.events.len());
        after.iter().for_each(|step| tried.step(step));
        let mut world = tried.world;
        let mut events = Vec::new();
        for (line, outcome) in world.journal[lines..].iter().zip(&world.outcomes[lines..]) {
            let sequence = Sequence(copy.sequence().0 + 1);
            let answered = copy.apply(sequence, line.at, line.sender, line.id, &line.command, &mut events);
            prop_assert_eq!(answered, *outcome);
        }
        prop_assert_eq!(&events, &world.events[happened..]);
        assert_same(&copy, &world.exchange, &world.journal);

        // Whatever was sent is sent again, to both.
        for line in std::mem::take(&mut world.journal) {
            if line.sender == IdentityId::SYSTEM {
                continue;
            }
            let (sequence, at) = (Sequence(copy.sequence().0 + 1), copy.at());
            let answered = copy.apply(sequence, at, line.sender, line.id, &line.command, &mut events);
            let expected = world.exchange.apply(sequence, at, line.sender, line.id, &line.command, &mut Vec::new());
            prop_assert_eq!(answered, expected);
        }
        assert_same(&copy, &world.exchange, &[]);
    }

    /// Bytes that are wrong here and there are refused, or give an exchange that takes commands without failing, whatever
    /// they ask. That it is another exchange is for its digest to tell.
    #[test]
    fn wrong_bytes_never_panic(
        before in prop::collection::vec(a_step(), 0..100),
        after in prop::collection::vec(a_step(), 0..60),
        wrong in prop::collection::vec((any::<prop::sample::Index>(), a_wrong_run()), 1..4),
    ) {
        let mut tried = Tried::new(&before);
        let mut bytes = written(&tried.world.exchange);
        for (at, run) in wrong {
            let at = at.index(bytes.len());
            bytes.iter_mut().skip(at).zip(run).for_each(|(byte, wrong)| *byte = wrong);
        }
        let lines = tried.world.journal.len();
        after.iter().for_each(|step| tried.step(step));
        if let Ok(exchange) = read(&bytes) {
            go_on(exchange, &tried.world.journal[lines..]);
        }
    }

    #[test]
    fn bytes_from_anywhere_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = read(&bytes);
    }
}

/// Bytes to put in the place of others: a few of any kind, or a whole integer at an end of its range.
fn a_wrong_run() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 1..4),
        Just(vec![0xff; 8]),
        Just(vec![0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]),
        Just(vec![0; 8]),
        Just(vec![0, 0, 0, 0, 0, 0, 0, 0x80]),
    ]
}

/// Sends commands to an exchange that may be in any state, with ticks as they fall due.
fn go_on(mut exchange: Exchange, lines: &[Line]) {
    let mut events = Vec::new();
    let mut send = |exchange: &mut Exchange, at, sender, id, command: &Command| {
        if let Some(sequence) = exchange.sequence().0.checked_add(1) {
            // What it answers is as good as its state.
            let _ = exchange.apply(Sequence(sequence), at, sender, id, command, &mut events);
        }
    };
    exchange.state_digest();
    assert!(exchange.is_conserved(), "a state in which money is lost is refused");
    for line in lines {
        let at = exchange.at().max(line.at);
        send(&mut exchange, at, line.sender, line.id, &line.command);
        send(&mut exchange, at, IdentityId::SYSTEM, CommandId(1), &Command::Tick);
    }
    // Then whatever falls due, with every result that can be found.
    for number in 1..5 {
        let at = exchange.next_due().map_or(exchange.at(), |due| due.max(exchange.at()));
        send(&mut exchange, at, IdentityId::SYSTEM, CommandId(1), &Command::Tick);
        for auction in (1..5).map(AuctionId) {
            let id = CommandId((1 << 40) + number * 8 + u64::from(auction.0));
            let secret = (auction == DRAWN).then_some(SECRET);
            send(&mut exchange, at, OPERATORS[0], id, &Command::ClearAuction { auction, secret });
        }
    }
    exchange.state_digest();
    assert!(written(&exchange).len() > 8);
}

/// Every byte of one exchange that has a bit of everything, wrong in its turn.
#[test]
fn each_byte_may_be_wrong() {
    let mut world = World::open(1_000_000);
    world.bid(SUPPLIERS[0], SUPPORT, sell(400, 40)).expect("accepted");
    world.bid(SUPPLIERS[1], CALL, sell(400, 30)).expect("accepted");
    world.bid(SUPPLIERS[1], DRAWN, NewBid { price: None, ..sell(0, 30) }).expect("accepted");
    world.bid(BUYERS[1], DRAWN, buy(500, 40)).expect("accepted");
    let bid = world.bid(BUYERS[0], CALL, buy(500, 30)).expect("accepted");
    let replace = Command::ReplaceBid { auction: CALL, bid, price: Some(price(600)), quantity: quantity(20) };
    world.send(BUYERS[0], replace).expect("replaced");
    world.wait(hours(9));
    for (auction, secret) in [(CALL, None), (SUPPORT, None), (DRAWN, Some(SECRET))] {
        world.send(OPERATORS[0], Command::ClearAuction { auction, secret }).expect("cleared");
    }
    let metered = EntitlementId(1);
    world.grant_metered();
    let cleared = (written(&world.exchange), world.journal.len());
    world.wait(hours(24));
    world.wait(hours(24 * 40));
    world.publish(month(2019, 1), 450).expect("published");
    world.report(metered, month(2019, 1), 10).expect("metered");
    world.settle(METERED, month(2019, 1)).expect("settled");
    let granted = (written(&world.exchange), world.journal.len());
    let holder = ParticipantId(SUPPLIERS[0].0);
    world.agree(Action::GrantEntitlement { floor: FLOOR, holder, per_period: quantity(20) });
    world.wait(hours(24 * 40));
    world.publish(month(2019, 1), 460).expect("published");
    world.agree(Action::FundProgramme {
        programme: PROGRAMME,
        funder: "Treasury".parse().expect("a name"),
        amount: dollars(1_000_000),
    });
    world.settle(FLOOR, month(2019, 1)).expect("settled");
    world.report(metered, month(2019, 1), 12).expect("corrected");
    world.settle(METERED, month(2019, 1)).expect("settled again");
    for (bytes, lines) in [cleared, granted] {
        let mut taken = 0;
        for at in 0..bytes.len() {
            for flip in [0x01, 0x40, 0x80, 0xff] {
                let mut wrong = bytes.clone();
                wrong[at] ^= flip;
                if let Ok(exchange) = read(&wrong) {
                    taken += 1;
                    go_on(exchange, &world.journal[lines..]);
                }
            }
        }
        assert!(taken > 0 && taken < bytes.len() * 4, "some are refused, and some only change a value");
        for length in 0..bytes.len() {
            assert!(read(&bytes[..length]).is_err(), "an exchange that was cut off is none");
        }
    }
}

#[test]
fn the_places_of_a_book_and_the_forgotten_answers_stay_as_they_were() {
    let mut world = World::open(1_000_000);
    let kept = u64::try_from(ANSWERS_KEPT).expect("small");
    let bids: Vec<_> =
        (0..kept + 10).map(|_| world.bid(BUYERS[0], CALL, buy(500, 2)).expect("accepted")).collect();
    // Places left empty by bids that were withdrawn, and by bids that went to the end.
    for &bid in &bids[..5] {
        world.send(BUYERS[0], Command::WithdrawBid { auction: CALL, bid }).expect("withdrawn");
    }
    let replace = |world: &mut World, bid, lots| {
        let replace =
            Command::ReplaceBid { auction: CALL, bid, price: Some(price(510)), quantity: quantity(lots) };
        world.send(BUYERS[0], replace).expect("replaced");
    };
    for &bid in &bids[5..10] {
        replace(&mut world, bid, 3);
        replace(&mut world, bid, 2);
    }
    let bytes = written(&world.exchange);
    let mut copy = read(&bytes).expect("just written");
    assert_same(&copy, &world.exchange, &world.journal);
    assert_eq!(copy.answer(BUYERS[0], bids[0].command), None, "forgotten");
    // The bid that moved is found where it went, and the one that was withdrawn is not.
    let at = copy.at();
    for (number, bid, outcome) in [(1, bids[7], true), (2, bids[2], false), (3, bids[7], false)] {
        let sequence = Sequence(copy.sequence().0 + 1);
        let (id, command) = (CommandId(100_000 + number), Command::WithdrawBid { auction: CALL, bid });
        let answered = copy.apply(sequence, at, BUYERS[0], id, &command, &mut Vec::new());
        assert_eq!(answered.is_ok(), outcome, "{number}");
    }
}
