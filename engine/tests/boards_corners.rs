//! Corners of boards: owners that come in by another door, what a refusal tells, floods, and proofs that prove nothing.

use crate::common::boards::*;
use crate::common::money::id;
use crate::common::*;
use golv_engine::bilateral::{
    BoardTerms, DealTerms, DualPrices, Fault, Goods, Listing, Preference, PriceRule, RoundProof, RoundRule,
    RoundSolution,
};
use golv_engine::book::Side;
use golv_engine::command::{Action, Command};
use golv_engine::event::{Event, EventCounts};
use golv_engine::id::*;
use golv_engine::money::StockRule;
use golv_engine::num::{Quantity, Share};
use golv_engine::participant::Role;
use golv_engine::reject::Reject;
use proptest::prelude::*;

/// Registers another participant, of an owner who may have others.
fn register(world: &mut World, identity: IdentityId, owner: u32, roles: &[Role]) {
    let participant = ParticipantId(identity.0);
    world.agree(Action::RegisterParticipant {
        participant,
        name: format!("Participant {identity}").parse().expect("a name"),
        owner_group: OwnerGroup(owner),
        roles: roles.iter().copied().collect(),
    });
    world.agree(Action::AddIdentity { identity, participant });
}

fn group(world: &mut World, lead: IdentityId, units: u32, limit: i64) -> EntryId {
    let terms = listing(world, Side::Buy, units);
    world.post_to(lead, terms, limit, true).expect("a group")
}

fn join(entry: EntryId, amount: u32, limit: i64) -> Command {
    Command::JoinGroup { entry, quantity: quantity(amount), limit: price(limit) }
}

/// A supplier is asked by a group for a price; no buyer of the supplier's owner then comes into that group.
/// Rules: R-BIL-026.
#[test]
fn who_is_asked_by_a_group_does_not_join_it() {
    let mut world = with_board();
    let subsidiary = IdentityId(20);
    register(&mut world, subsidiary, SUPPLIERS[0].0, &[Role::Buyer]);
    let group = group(&mut world, BUYERS[0], 30, 400);
    let with = Counterparty::Participant(id(SUPPLIERS[0]));
    let asked = world.negotiate(BUYERS[0], group, with, quotation(30)).expect("asked");
    assert_eq!(world.send(subsidiary, join(group, 10, 400)), Err(Reject::SameOwner));
    world.end(SUPPLIERS[0], asked).expect("declined");
    world.send(subsidiary, join(group, 10, 400)).expect("nothing is in the way any more");
    assert_eq!(world.negotiate(BUYERS[0], group, with, quotation(30)), Err(Reject::SameOwner));
}

/// A member is stopped while a round is on. The group pays more without it and wants less, so the exchange is as sound as before, and
/// the deal that the round made for all of them is proposed to nobody.
/// Rules: R-BIL-028, R-BIL-042.
#[test]
fn a_group_is_proposed_no_deal_for_who_has_left_it() {
    let mut world = with_board();
    world.offer(SUPPLIERS[0], 50, 200);
    let group = group(&mut world, BUYERS[0], 30, 400);
    world.send(BUYERS[1], join(group, 20, 300)).expect("joined");
    world.send(OPERATORS[0], Command::CallRound { board: BOARD }).expect("called");
    let (digest, entries) = world.round_book();
    let solution = RoundSolution::of(&entries, digest, &board_terms().rule, 1_000).expect("a board");
    assert_eq!(solution.deals.iter().map(|(_, _, lots)| *lots).collect::<Vec<_>>(), [50]);
    let solution = Box::new(solution);
    world.send(OPERATORS[1], Command::ProposeDeals { board: BOARD, solution }).expect("it may be made");
    world.send(OPERATORS[0], Command::Halt { participant: id(BUYERS[1]) }).expect("stopped");
    assert!(world.exchange.is_conserved(), "the round was called with a lower limit");
    world.wait(600);
    let held = world.events.iter().find_map(|event| match event {
        Event::RoundHeld { lots, proposals, .. } => Some((*lots, *proposals)),
        _ => None,
    });
    assert_eq!(held, Some((50, 0)));
    assert!(world.exchange.is_conserved());
}

/// Who is no member learns from a refusal nothing of how much a group has promised.
/// Rules: R-BIL-020, R-BIL-024.
#[test]
fn a_stranger_is_not_told_what_a_group_has_promised() {
    let mut world = with_board();
    let offer = world.offer(SUPPLIERS[0], 50, 200);
    let group = group(&mut world, BUYERS[0], 30, 400);
    world.send(BUYERS[1], join(group, 10, 400)).expect("joined");
    let mut refused = Vec::new();
    for amount in [5, 25] {
        let with = Counterparty::Entry(offer);
        let promised = world.negotiate(BUYERS[0], group, with, deal_terms(300, amount)).expect("opened");
        refused.push(world.send(BUYERS[2], join(group, 10, 400)).expect_err("it is promised"));
        let leave = Command::LeaveGroup { entry: group, member: id(BUYERS[1]) };
        refused.push(world.send(BUYERS[1], leave).expect_err("it is promised"));
        world.end(BUYERS[0], promised).expect("taken back");
    }
    assert!(refused.iter().all(|reject| *reject == refused[0]), "{refused:?}");
}

/// Nobody is asked by one entry more often at a time than two entries negotiate.
/// Rules: R-BIL-052.
#[test]
fn a_chosen_participant_is_not_flooded() {
    let mut world = with_board();
    let request = world.request(BUYERS[0], 50, 500);
    let with = Counterparty::Participant(id(SUPPLIERS[0]));
    for _ in 0..8 {
        world.negotiate(BUYERS[0], request, with, quotation(1)).expect("asked");
    }
    assert_eq!(world.negotiate(BUYERS[0], request, with, quotation(1)), Err(Reject::TooManyNegotiations));
    // Others can still be asked, whoever has an entry that the request negotiates with.
    let offer = world.offer(SUPPLIERS[0], 10, 200);
    let entry = Counterparty::Entry(offer);
    world.negotiate(BUYERS[0], request, entry, quotation(1)).expect("another matter");
    let other = Counterparty::Participant(id(SUPPLIERS[1]));
    world.negotiate(BUYERS[0], request, other, quotation(1)).expect("asked");
}

/// Whether somebody takes part at all is not told by asking for a price.
/// Rules: R-BIL-019.
#[test]
fn asking_does_not_tell_who_takes_part() {
    let mut world = with_board();
    let request = world.request(BUYERS[0], 50, 500);
    world.send(OPERATORS[0], Command::Halt { participant: id(SUPPLIERS[1]) }).expect("stopped");
    for whom in [ParticipantId(99), id(SUPPLIERS[1]), id(BUYERS[1]), ParticipantId(1)] {
        let asked = world.negotiate(BUYERS[0], request, Counterparty::Participant(whom), quotation(1));
        assert_eq!(asked, Err(Reject::NoCounterparty), "{whom}");
    }
}

fn solution(
    world: &World,
    deals: Vec<(EntryId, EntryId, i64)>,
    duals: Option<DualPrices>,
    bound: Option<i64>,
) -> Command {
    let (entries, _) = world.round_book();
    Command::ProposeDeals { board: BOARD, solution: Box::new(RoundSolution { entries, deals, duals, bound }) }
}

fn proof(world: &World) -> Option<RoundProof> {
    world.events.iter().rev().find_map(|event| match event {
        Event::DealsProposed { proof, .. } => Some(*proof),
        _ => None,
    })
}

/// Dual prices whose sum does not fit are no proof: cut off, the gains of a worse choice could be made to come out.
/// Rules: R-BIL-041.
#[test]
fn dual_prices_that_do_not_fit_prove_nothing() {
    let mut world = with_board();
    let cheap = world.offer(SUPPLIERS[0], 10, 200);
    let dear = world.offer(SUPPLIERS[1], 10, 300);
    let wanted = world.request(BUYERS[0], 10, 500);
    // Another pair that nobody else can deal with takes up the rest.
    let goods = Goods { grade: "6N".parse().ok(), ..Default::default() };
    let fine = Goods { grade: "4N".parse().ok(), ..Default::default() };
    for (who, entry, limit) in
        [(SUPPLIERS[0], cheap, 200), (SUPPLIERS[1], dear, 300), (BUYERS[0], wanted, 500)]
    {
        let side = if entry == wanted { Side::Buy } else { Side::Sell };
        let listing = Listing { goods: fine.clone(), ..listing(&world, side, 10) };
        world
            .send(who, Command::ReplaceEntry { entry, listing: Box::new(listing), limit: price(limit) })
            .expect("replaced");
    }
    let other = Listing { goods: goods.clone(), ..listing(&world, Side::Sell, 1) };
    let other = world.post(SUPPLIERS[2], other, 200).expect("an offer");
    let third = Listing { goods, ..listing(&world, Side::Buy, 1) };
    let third = world.post(BUYERS[1], third, 300).expect("a request");
    world.send(OPERATORS[0], Command::CallRound { board: BOARD }).expect("called");
    let deals = vec![(dear, wanted, 10), (other, third, 1)];
    let surplus = 10 * 200_000_000 + 100_000_000;
    let huge = i128::MAX;
    let duals = DualPrices {
        offers: vec![(0, huge), (0, huge), (1, 0)],
        requests: vec![(1, 300_000_000 - huge), (0, surplus + 1)],
    };
    let forged = solution(&world, deals.clone(), Some(duals), None);
    assert_eq!(
        world.send(OPERATORS[0], forged),
        Err(Reject::DealsRefused { fault: Fault::Duals }),
        "10 of the cheap offer are better"
    );
    let short = DualPrices { offers: vec![(0, 0)], requests: Vec::new() };
    let short = solution(&world, deals, Some(short), None);
    assert_eq!(world.send(OPERATORS[0], short), Err(Reject::DealsRefused { fault: Fault::Duals }));
}

/// A bound that the deals themselves exceed says nothing.
/// Rules: R-BIL-041.
#[test]
fn a_bound_below_the_deals_is_none() {
    let mut world = with_board();
    let offer = world.offer(SUPPLIERS[0], 50, 200);
    let request = world.request(BUYERS[0], 50, 500);
    world.send(OPERATORS[0], Command::CallRound { board: BOARD }).expect("called");
    for (bound, expected) in
        [(50, RoundProof::Claimed(50)), (30, RoundProof::Claimed(30)), (29, RoundProof::Unknown)]
    {
        let deals = vec![(offer, request, 30)];
        let command = solution(&world, deals, None, Some(bound));
        world.send(OPERATORS[0], command).expect("they can be made");
        assert_eq!(proof(&world), Some(expected));
    }
}

/// What a round says it proposes is what it proposes: not the deals of who has left the board since.
/// Rules: R-BIL-012, R-BIL-042.
#[test]
fn a_round_counts_what_it_proposes() {
    let mut world = with_board();
    let offer = world.offer(SUPPLIERS[0], 50, 200);
    let requests = [BUYERS[0], BUYERS[1]].map(|buyer| world.request(buyer, 20, 500));
    world.send(OPERATORS[0], Command::CallRound { board: BOARD }).expect("called");
    let deals = requests.map(|request| (offer, request, 20)).to_vec();
    let command = solution(&world, deals, None, None);
    world.send(OPERATORS[0], command).expect("they can be made");
    world.send(OPERATORS[0], Command::Halt { participant: id(BUYERS[0]) }).expect("stopped");
    world.wait(600);
    let held = world.events.iter().find_map(|event| match event {
        Event::RoundHeld { lots, proposals, .. } => Some((*lots, *proposals)),
        _ => None,
    });
    assert_eq!(held, Some((40, 1)));
}

/// An entry that is replaced stays until its new time, not its old one.
/// Rules: R-BIL-008.
#[test]
fn a_replaced_entry_has_its_new_time() {
    let mut world = with_board();
    let offer = world.offer(SUPPLIERS[0], 50, 200);
    let valid_until = world.now.plus_seconds(hours(24 * 20)).expect("fits");
    let longer = Listing { valid_until, ..listing(&world, Side::Sell, 50) };
    let replace = Command::ReplaceEntry { entry: offer, listing: Box::new(longer), limit: price(200) };
    world.send(SUPPLIERS[0], replace).expect("replaced");
    let is_closed = |world: &World| matches!(world.last(), Some(Event::EntryClosed { .. }));
    world.wait(hours(24 * 20) - 1);
    assert!(!is_closed(&world));
    world.wait(1);
    assert!(is_closed(&world));
}

/// What is promised stays; what a group has promised does not change at all.
/// Rules: R-BIL-011.
#[test]
fn a_replaced_entry_keeps_what_it_has_promised() {
    let mut world = with_board();
    let with = Counterparty::Entry(world.offer(SUPPLIERS[0], 50, 200));
    let alone = world.request(BUYERS[0], 50, 500);
    let group = group(&mut world, BUYERS[1], 30, 400);
    world.negotiate(BUYERS[0], alone, with, deal_terms(300, 20)).expect("opened");
    world.negotiate(BUYERS[1], group, with, deal_terms(300, 20)).expect("opened");
    let held = Err(Reject::EntryHeld { held: quantity(20) });
    for (who, entry, units, outcome) in
        [(BUYERS[0], alone, 19, held), (BUYERS[0], alone, 20, Ok(())), (BUYERS[1], group, 30, held)]
    {
        let listing = Box::new(listing(&world, Side::Buy, units));
        let replace = Command::ReplaceEntry { entry, listing, limit: price(400) };
        assert_eq!(world.send(who, replace).map(drop), outcome, "{units}");
    }
}

/// Eight with each of eight, and none with a ninth.
/// Rules: R-BIL-052.
#[test]
fn an_entry_has_so_many_negotiations() {
    let mut world = with_board();
    let request = world.request(BUYERS[0], 50, 500);
    for number in 20..29 {
        register(&mut world, IdentityId(number), number, &[Role::Supplier]);
        let with = Counterparty::Participant(ParticipantId(number));
        for _ in 0..if number < 28 { 8 } else { 0 } {
            world.negotiate(BUYERS[0], request, with, quotation(1)).expect("asked");
        }
    }
    let ninth = Counterparty::Participant(ParticipantId(28));
    assert_eq!(world.negotiate(BUYERS[0], request, ninth, quotation(1)), Err(Reject::TooManyNegotiations));
}

/// The lead and 255 others.
/// Rules: R-BIL-027.
#[test]
fn a_group_has_so_many_members() {
    let mut world = with_board();
    let group = group(&mut world, BUYERS[0], 1, 400);
    for number in 100..356 {
        register(&mut world, IdentityId(number), number, &[Role::Buyer]);
        let outcome = if number < 355 { Ok(()) } else { Err(Reject::BoardFull { most: 256 }) };
        assert_eq!(world.send(IdentityId(number), join(group, 1, 400)).map(drop), outcome, "{number}");
    }
}

/// A counter of events shows everybody as many as it is shown, on a day with all kinds of them.
#[test]
fn events_are_counted_as_they_are_shown() {
    let mut world = with_board();
    let offer = world.offer(SUPPLIERS[0], 50, 200);
    let group = group(&mut world, BUYERS[0], 30, 400);
    world.send(BUYERS[1], join(group, 10, 300)).expect("joined");
    world.send(BUYERS[2], join(group, 10, 300)).expect("joined");
    world.send(BUYERS[2], Command::LeaveGroup { entry: group, member: id(BUYERS[2]) }).expect("left");
    let asked = world
        .negotiate(BUYERS[0], group, Counterparty::Participant(id(SUPPLIERS[1])), quotation(5))
        .expect("asked");
    world.counter(SUPPLIERS[1], asked, 0, deal_terms(300, 5)).expect("quoted");
    world.accept(BUYERS[0], asked, 1).expect("a deal");
    for negotiation in world.hold_round() {
        world.accept(BUYERS[0], negotiation, 0).expect("agreed");
        world.accept(SUPPLIERS[0], negotiation, 0).expect("a deal");
    }
    let request = Counterparty::Entry(offer);
    assert!(world.negotiate(BUYERS[0], group, request, quotation(1)).is_err(), "all of it is dealt out");
    let mut counts = EventCounts::default();
    world.events.iter().for_each(|event| counts.add(event));
    for reader in (1..=10).map(ParticipantId) {
        for reads_all in [false, true] {
            let shown = world.events.iter().filter(|event| event.shown_to(reader, reads_all).is_some());
            assert_eq!(counts.shown_to(reader, reads_all), shown.count() as u64, "{reader} {reads_all}");
        }
    }
}

#[derive(Clone, Debug)]
struct Row {
    who: usize,
    sells: bool,
    is_group: bool,
    grade: usize,
    origin: usize,
    sector: usize,
    amount: u32,
    minimum: u32,
    limit: i64,
}

fn a_row() -> impl Strategy<Value = Row> {
    let kinds = (0_usize..3, any::<bool>(), prop::bool::weighted(0.2), 0_usize..3, 0_usize..3, 0_usize..3);
    (kinds, 1_u32..=9, 0_u32..=9, 10_i64..=16).prop_map(|(kinds, amount, minimum, tens)| {
        let (who, sells, is_group, grade, origin, sector) = kinds;
        // Half of them take any number of lots.
        let (minimum, limit) = (if minimum > amount { 0 } else { minimum }, tens * 10);
        Row { who, sells, is_group, grade, origin, sector, amount, minimum, limit }
    })
}

fn a_rule() -> impl Strategy<Value = RoundRule> {
    let preference =
        prop::sample::select(vec![Preference::Surplus, Preference::Priority, Preference::ProRata]);
    let k = "0.333333".parse().expect("a share");
    let rule = prop::sample::select(vec![PriceRule::Uniform, PriceRule::Between(k), PriceRule::Ask]);
    let cap = || {
        prop::option::weighted(
            0.4,
            (200_000_u32..=1_000_000).prop_map(|cap| Share::from_millionths(cap).expect("a share")),
        )
    };
    let floor = prop::option::weighted(0.5, (10_i64..13).prop_map(|tens| price(tens * 10)));
    (preference, rule, floor, cap(), cap()).prop_map(|(preference, price, floor, origin_cap, owner_cap)| {
        RoundRule { preference, price, floor, origin_cap, owner_cap }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    /// What the centre's own solver finds is taken, by whichever rule, and becomes as many negotiations; deals at whatever price they have
    /// keep to both limits.
    /// Rules: R-BIL-039, R-BIL-040.
    #[test]
    fn what_is_solved_is_taken(rows in prop::collection::vec(a_row(), 1..14), rule in a_rule(), nodes in 1_u64..60) {
        let mut world = World::furnished(1_000_000);
        let sectors = ["magnets", "chips"].map(|sector| sector.parse().expect("a name")).to_vec();
        world.agree(Action::OpenBoard { board: BOARD, terms: BoardTerms { rule, sectors, ..board_terms() } });
        for row in rows {
            let side = if row.sells { Side::Sell } else { Side::Buy };
            let goods = Goods {
                grade: ["", "4N", "6N"][row.grade].parse().ok(),
                origin: ["", "FI", "CN"][row.origin].parse().ok().filter(|_| row.sells),
                ..Goods::default()
            };
            let sector = ["", "magnets", "chips"][row.sector].parse().ok();
            let minimum = quantity(row.minimum);
            let listing = Listing { goods, minimum, sector, ..listing(&world, side, row.amount) };
            let who = if row.sells { SUPPLIERS[row.who] } else { BUYERS[row.who] };
            // Some are refused: below the floor, or beside an own group.
            let _ = world.post_to(who, listing, row.limit, row.is_group && !row.sells);
        }
        world.send(OPERATORS[0], Command::CallRound { board: BOARD }).expect("called");
        let (digest, entries) = world.round_book();
        let solved = RoundSolution::of(&entries, digest, &rule, nodes).expect("a board");
        let count = solved.deals.len();
        let lots: i64 = solved.deals.iter().map(|(_, _, lots)| lots).sum();
        prop_assert!(solved.bound.is_none_or(|bound| bound >= lots));
        prop_assert!(solved.bound.is_some() || rule.preference == Preference::Priority, "something is known");
        let command = Command::ProposeDeals { board: BOARD, solution: Box::new(solved) };
        prop_assert_eq!(world.send(OPERATORS[0], command).map(drop), Ok(()));
        prop_assert!(world.exchange.is_conserved());
        let from = world.events.len();
        world.wait(600);
        let opened: Vec<_> = world.events[from..].iter().filter_map(|event| match event {
            Event::NegotiationOpened { negotiation, terms, .. } => Some((*negotiation, *terms)),
            _ => None,
        }).collect();
        prop_assert_eq!(opened.len(), count);
        let who = |world: &World, of: EntryId| world.events.iter().find_map(|event| match event {
            Event::EntryPosted { entry, owner: Some(owner), .. } if *entry == of => owner.party.participant(),
            _ => None,
        }).map(|owner| IdentityId(owner.0)).expect("it was posted");
        let limit = |of: EntryId| entries.iter().find(|row| row.entry == of).expect("in the round").limit;
        for (negotiation, terms) in opened {
            let Counterparty::Entry(offer) = negotiation.with else { panic!("rounds match entries") };
            let price = terms.price.expect("a price");
            prop_assert!(price >= limit(offer) && price <= limit(negotiation.entry));
            prop_assert!(rule.floor.is_none_or(|floor| price >= floor));
            let (seller, buyer) = (who(&world, offer), who(&world, negotiation.entry));
            world.accept(seller, negotiation, 0).expect("agreed");
            world.accept(buyer, negotiation, 0).expect("a deal");
            prop_assert!(world.exchange.is_conserved());
        }
    }
}

/// The board's sectors are served in its order, whoever names none last, whatever they pay. What is found bounds the lots, unless caps or
/// least quantities set the sectors against each other.
/// Rules: R-BIL-032, R-BIL-040.
#[test]
fn sectors_are_served_in_the_boards_order() {
    let mut world = World::furnished(1_000_000);
    let priority = RoundRule {
        preference: Preference::Priority,
        price: PriceRule::Uniform,
        floor: None,
        origin_cap: None,
        owner_cap: None,
    };
    let sectors = ["magnets", "chips"].map(|sector| sector.parse().expect("a name")).to_vec();
    let terms = BoardTerms { rule: priority, sectors, ..board_terms() };
    world.agree(Action::OpenBoard { board: BOARD, terms });
    world.offer(SUPPLIERS[0], 30, 200);
    let named = [(BUYERS[0], None, 520), (BUYERS[1], Some("chips"), 510), (BUYERS[2], Some("magnets"), 500)];
    let requests = named.map(|(buyer, sector, limit)| {
        let sector = sector.map(|sector| sector.parse().expect("a name"));
        let listing = Listing { sector, ..listing(&world, Side::Buy, 20) };
        world.post_to(buyer, listing, limit, false).expect("posted")
    });
    world.send(OPERATORS[0], Command::CallRound { board: BOARD }).expect("called");
    let (digest, mut entries) = world.round_book();
    let solved = |entries: &[_], rule| RoundSolution::of(entries, digest, &rule, 100).expect("a board");
    let found = solved(&entries, priority);
    let lots: Vec<_> = found.deals.iter().map(|(_, request, lots)| (*request, *lots)).collect();
    assert_eq!(lots, [(requests[1], 10), (requests[2], 20)]);
    assert_eq!(found.bound, Some(30));
    let cap = "0.9".parse().ok();
    assert_eq!(solved(&entries, RoundRule { origin_cap: cap, ..priority }).bound, None);
    assert_eq!(solved(&entries, RoundRule { owner_cap: cap, ..priority }).bound, None);
    entries[1].minimum = 1;
    assert_eq!(solved(&entries, priority).bound, None);
    assert_eq!(solved(&entries, RoundRule { preference: Preference::Surplus, ..priority }).bound, Some(30));
}

/// Members are not told who leads, and nobody is told whose a replaced entry is.
/// Rules: R-BIL-014, R-BIL-017.
#[test]
fn who_leads_and_who_replaces_is_not_told() {
    let mut world = with_board();
    let group = group(&mut world, BUYERS[0], 30, 400);
    world.send(BUYERS[1], join(group, 10, 300)).expect("joined");
    world.send(BUYERS[1], Command::LeaveGroup { entry: group, member: id(BUYERS[1]) }).expect("left");
    let other = Box::new(listing(&world, Side::Buy, 20));
    let replace = Command::ReplaceEntry { entry: group, listing: other, limit: price(300) };
    world.send(BUYERS[0], replace).expect("replaced");
    let mut seen = 0;
    for event in &world.events {
        let [lead, member, stranger] =
            [BUYERS[0], BUYERS[1], BUYERS[2]].map(|reader| event.shown_to(id(reader), false));
        match event {
            Event::GroupJoined { .. } | Event::GroupLeft { .. } => {
                assert_eq!(stranger, None);
                let told = |shown| match shown {
                    Some(Event::GroupJoined { lead, .. } | Event::GroupLeft { lead, .. }) => lead,
                    other => panic!("{other:?}"),
                };
                assert_eq!((told(lead), told(member)), (Some(id(BUYERS[0])), None));
                seen += 1;
            }
            Event::EntryReplaced { .. } => {
                assert!(matches!(lead, Some(Event::EntryReplaced { party: Some(_), limit: Some(_), .. })));
                assert!(matches!(stranger, Some(Event::EntryReplaced { party: None, limit: None, .. })));
                let operator = event.shown_to(ParticipantId(1), true);
                assert!(matches!(operator, Some(Event::EntryReplaced { party: Some(_), limit: None, .. })));
                seen += 1;
            }
            _ => {}
        }
    }
    assert_eq!(seen, 3);
}

/// A stock deals for its days alone, and promises nothing twice.
/// Rules: R-BIL-054.
#[test]
fn a_stock_keeps_to_its_days_and_quantity() {
    let mut world = with_board();
    let (programme, market) = (PROGRAMME, MARKET);
    let (buys_at, releases_at) = (price(100), price(300));
    let rule = StockRule { buys_at, holds_most: quantity(80), releases_at, releases_most: quantity(20) };
    world.agree(Action::SetStockRule { programme, market, rule });
    let wanted = Listing { minimum: quantity(2), ..listing(&world, Side::Buy, 40) };
    world.agree(Action::PostStockEntry { board: BOARD, programme, listing: wanted, limit: price(100) });
    let stock = Counterparty::Entry(world.newest_entry());
    let first = world.offer(SUPPLIERS[0], 40, 100);
    let terms = deal_terms(100, 10);
    for wrong in [
        DealTerms { first: terms.first.previous().expect("a day"), ..terms },
        DealTerms { last: terms.last.next().expect("a day"), ..terms },
        deal_terms(100, 1),
        quotation(10),
    ] {
        let refused = world.negotiate(SUPPLIERS[0], first, stock, wrong);
        assert_eq!(refused, Err(Reject::StockDoesNotNegotiate), "{wrong:?}");
    }
    let opened = world.hold_round();
    assert_eq!(opened.len(), 1, "all of it is promised to the first");
    let second = world.offer(SUPPLIERS[1], 10, 100);
    let free = Quantity::ZERO;
    assert_eq!(world.negotiate(SUPPLIERS[1], second, stock, terms), Err(Reject::EntryShort { free }));
    world.accept(SUPPLIERS[0], opened[0], 0).expect("a deal");
    assert!(world.exchange.is_conserved());
}
