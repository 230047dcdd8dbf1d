//! Boards, by examples: rounds, negotiations, purchasing groups, stock, and who is told what.

use crate::common::boards::*;
use crate::common::money::{day, id, pay, units};
use crate::common::*;
use golv_engine::bilateral::{
    BoardTerms, Consent, Deal, DealTerms, EntryEnd, Goods, Listing, NegotiationEnd, Party, PriceRule,
    RoundProof, RoundSolution, Sides,
};
use golv_engine::book::Side;
use golv_engine::command::{Action, Command};
use golv_engine::digest::Digest;
use golv_engine::event::Event;
use golv_engine::id::*;
use golv_engine::ledger::Account;
use golv_engine::market::{Market, Service, Unit};
use golv_engine::money::StockRule;
use golv_engine::num::{Price, Quantity, Share};
use golv_engine::participant::Role;
use golv_engine::reject::Reject;

fn deals(world: &World) -> Vec<(NegotiationId, Deal)> {
    let made = world.events.iter().filter_map(|event| match event {
        Event::DealMade { negotiation, deal } => Some((*negotiation, deal.clone())),
        _ => None,
    });
    made.collect()
}

fn ends(world: &World) -> Vec<(NegotiationId, NegotiationEnd)> {
    let ended = world.events.iter().filter_map(|event| match event {
        Event::NegotiationEnded { negotiation, end, .. } => Some((*negotiation, *end)),
        _ => None,
    });
    ended.collect()
}

/// What an entry has left, as was told last.
fn left(world: &World, of: EntryId) -> Option<Quantity> {
    world.events.iter().rev().find_map(|event| match event {
        Event::EntryClosed { entry, .. } if *entry == of => Some(None),
        Event::EntryQuantity { entry, quantity, .. } if *entry == of => Some(Some(*quantity)),
        Event::EntryReplaced { entry, listing, .. } | Event::EntryPosted { entry, listing, .. }
            if *entry == of =>
        {
            Some(Some(listing.quantity))
        }
        _ => None,
    })?
}

/// One supplier and three requests: of 50 on offer the dearest two requests get what they want and the third the rest; the price is
/// the highest limit that was refused (DESIGN's lower end), and a deal is made when both have agreed.
/// Rules: R-BIL-008, R-BIL-038, R-BIL-043, R-BIL-044, R-BIL-050, R-BIL-053.
#[test]
fn a_round_proposes_and_both_sides_decide() {
    let mut world = with_board();
    let offer = world.offer(SUPPLIERS[0], 50, 200);
    let requests = [(BUYERS[0], 20, 500), (BUYERS[1], 20, 400), (BUYERS[2], 20, 300)]
        .map(|(buyer, amount, limit)| world.request(buyer, amount, limit));
    let opened = world.hold_round();
    assert_eq!(opened.len(), 3);
    let held = world.events.iter().find_map(|event| match event {
        Event::RoundHeld { lots, proposals, proof, .. } => Some((*lots, *proposals, *proof)),
        _ => None,
    });
    assert_eq!(held, Some((50, 3, RoundProof::Proved)));

    // The first: both accept, the supplier first. Nothing is a deal until then.
    world.accept(SUPPLIERS[0], opened[0], 0).expect("the first consent");
    assert!(matches!(world.last(), Some(Event::TermsAccepted { by: Side::Sell, .. })));
    assert_eq!(deals(&world), []);
    assert_eq!(world.accept(SUPPLIERS[0], opened[0], 0), Err(Reject::NotYourTurn));
    world.accept(BUYERS[0], opened[0], 0).expect("the second consent");
    let (_, deal) = deals(&world).pop().expect("a deal");
    assert_eq!(
        (deal.price, deal.quantity),
        (price(300), quantity(20)),
        "the third's limit is refused for 10"
    );
    assert_eq!(deal.seller_consent, Consent::Identity(SUPPLIERS[0]));
    assert_eq!(deal.buyer_consent, Consent::Identity(BUYERS[0]));
    assert_eq!((left(&world, offer), left(&world, requests[0])), (Some(quantity(30)), None));

    // The second: the buyer counters, and the supplier accepts that.
    world.counter(BUYERS[1], opened[1], 0, deal_terms(250, 15)).expect("a counter");
    assert_eq!(world.accept(SUPPLIERS[0], opened[1], 0), Err(Reject::TermsChanged { turn: 1 }));
    world.accept(SUPPLIERS[0], opened[1], 1).expect("the counter is accepted");
    let (_, deal) = deals(&world).pop().expect("a deal");
    assert_eq!((deal.price, deal.quantity), (price(250), quantity(15)));

    // The third declines: what fell through is back on the board, and can be matched again.
    world.end(BUYERS[2], opened[2]).expect("declined");
    assert_eq!(ends(&world), [(opened[2], NegotiationEnd::Declined)]);
    assert_eq!(left(&world, offer), Some(quantity(15)));
    assert_eq!(left(&world, requests[2]), Some(quantity(20)));
    let again = world.hold_round();
    // 5 of the second and 20 of the third are wanted; 15 are there.
    assert_eq!(again.len(), 2);
    assert!(world.exchange.is_conserved());
}

/// Whatever part of the way between limits a board's prices go, a deal is proposed on the market's tick: 10 here.
/// Rules: R-BIL-039, R-BIL-040.
#[test]
fn a_round_proposes_on_the_tick() {
    for (share, expected) in [("0.5", 240), ("0.51", 230), ("0.9", 250), ("0.1", 200)] {
        let mut world = World::furnished(1_000_000);
        let mut terms = board_terms();
        terms.rule.price = PriceRule::Between(share.parse().expect("a share"));
        world.agree(Action::OpenBoard { board: BOARD, terms: terms.clone() });
        world.offer(SUPPLIERS[0], 10, 200);
        world.request(BUYERS[0], 10, if share == "0.5" { 270 } else { 260 - 10 * i64::from(share == "0.1") });
        let opened = world.hold_round();
        let proposed = world.events.iter().rev().find_map(|event| match event {
            Event::NegotiationOpened { terms, .. } => terms.price,
            _ => None,
        });
        assert_eq!((opened.len(), proposed), (1, Some(price(expected))), "{share}");
    }
}

/// Silence ends a proposal, and what it held is free again.
/// Rules: R-BIL-008, R-BIL-047, R-BIL-051.
#[test]
fn silence_lapses() {
    let mut world = with_board();
    let offer = world.offer(SUPPLIERS[0], 50, 200);
    let request = world.request(BUYERS[0], 50, 500);
    let negotiation =
        world.negotiate(BUYERS[0], request, Counterparty::Entry(offer), deal_terms(300, 40)).expect("opened");
    assert_eq!(
        world.negotiate(BUYERS[0], request, Counterparty::Entry(offer), deal_terms(300, 11)),
        Err(Reject::EntryShort { free: quantity(10) }),
        "40 of it are promised",
    );
    world.wait(hours(24) - 1);
    assert_eq!(ends(&world), []);
    world.wait(1);
    assert_eq!(ends(&world), [(negotiation, NegotiationEnd::Lapsed)]);
    assert_eq!(
        world.accept(SUPPLIERS[0], negotiation, 0),
        Err(Reject::UnknownNegotiation { negotiation }),
        "too late"
    );
    world.negotiate(BUYERS[0], request, Counterparty::Entry(offer), deal_terms(300, 50)).expect("free again");
    // Entries leave the board at their time, and take their negotiations along.
    world.wait(hours(24 * 14));
    let closed: Vec<EntryEnd> = world
        .events
        .iter()
        .filter_map(|event| match event {
            Event::EntryClosed { end, .. } => Some(*end),
            _ => None,
        })
        .collect();
    assert_eq!(closed, [EntryEnd::Expired, EntryEnd::Expired]);
    assert!(world.exchange.is_conserved());
}

/// A price is asked of a chosen supplier who has nothing on the board; it quotes, the buyer counters, and so on, as often as the board
/// lets them.
/// Rules: R-BIL-018, R-BIL-044, R-BIL-045, R-BIL-046, R-BIL-049.
#[test]
fn a_quotation_is_asked_of_a_chosen_supplier() {
    let mut world = with_board();
    let request = world.request(BUYERS[0], 50, 500);
    let with = Counterparty::Participant(id(SUPPLIERS[1]));
    assert_eq!(
        world.negotiate(BUYERS[0], request, Counterparty::Participant(id(BUYERS[1])), quotation(30)),
        Err(Reject::NoCounterparty)
    );
    let asked = world.negotiate(BUYERS[0], request, with, quotation(30)).expect("asked");
    assert_eq!(asked, NegotiationId { entry: request, with, number: 1 });
    assert_eq!(asked.to_string().parse(), Ok(asked));
    assert_eq!(world.accept(SUPPLIERS[1], asked, 0), Err(Reject::NoPrice));
    assert_eq!(world.counter(SUPPLIERS[1], asked, 0, quotation(30)), Err(Reject::NoPrice));
    assert_eq!(
        world.counter(SUPPLIERS[1], asked, 0, deal_terms(90, 30)),
        Err(Reject::BelowFloor { floor: price(100) })
    );
    assert_eq!(world.counter(BUYERS[0], asked, 0, deal_terms(200, 30)), Err(Reject::NotYourTurn));
    assert_eq!(
        world.counter(SUPPLIERS[0], asked, 0, deal_terms(200, 30)),
        Err(Reject::UnknownNegotiation { negotiation: asked }),
        "it is nobody else's business"
    );
    world.counter(SUPPLIERS[1], asked, 0, deal_terms(400, 30)).expect("quoted");
    world.counter(BUYERS[0], asked, 1, deal_terms(300, 30)).expect("countered");
    world.counter(SUPPLIERS[1], asked, 2, deal_terms(350, 25)).expect("countered");
    assert_eq!(
        world.counter(BUYERS[0], asked, 3, deal_terms(340, 25)),
        Err(Reject::TooManyCounters { most: 3 })
    );
    world.accept(BUYERS[0], asked, 3).expect("a deal");
    let (_, deal) = deals(&world).pop().expect("a deal");
    assert_eq!((deal.price, deal.quantity), (price(350), quantity(25)));
    assert_eq!(deal.seller, Party::Participant(id(SUPPLIERS[1])));
    assert_eq!(left(&world, request), Some(quantity(25)));
    assert!(world.exchange.is_conserved());
}

/// Three buyers request together. What they want adds up, the lowest limit binds, and a deal is split by what each wants.
/// Rules: R-BIL-021, R-BIL-022, R-BIL-023, R-BIL-024, R-BIL-025.
#[test]
fn a_group_buys_as_one() {
    let mut world = with_board();
    let offer = world.offer(SUPPLIERS[0], 50, 200);
    let terms = listing(&world, Side::Buy, 30);
    let group = world.post_to(BUYERS[0], terms, 400, true).expect("a group");
    let join =
        |amount, limit| Command::JoinGroup { entry: group, quantity: quantity(amount), limit: price(limit) };
    assert_eq!(
        world.send(BUYERS[1], Command::JoinGroup { entry: offer, quantity: quantity(1), limit: price(300) }),
        Err(Reject::NotAGroup { entry: offer })
    );
    world.send(BUYERS[1], join(20, 300)).expect("joined");
    assert_eq!(world.send(BUYERS[1], join(20, 300)), Err(Reject::GroupOrAlone), "once is enough");
    let alone = listing(&world, Side::Buy, 5);
    assert_eq!(world.post(BUYERS[1], alone, 300), Err(Reject::GroupOrAlone));
    world.send(BUYERS[2], join(10, 250)).expect("joined");
    assert_eq!(left(&world, group), Some(quantity(60)));
    // The lead sends the third away, who may come back; nobody else can.
    let leave = |member: IdentityId| Command::LeaveGroup { entry: group, member: id(member) };
    assert_eq!(world.send(BUYERS[1], leave(BUYERS[2])), Err(Reject::NotAMember));
    assert_eq!(world.send(BUYERS[0], leave(BUYERS[0])), Err(Reject::NotAMember), "it leads");
    world.send(BUYERS[0], leave(BUYERS[2])).expect("sent away");
    world.send(BUYERS[2], join(10, 280)).expect("joined again");

    world.send(OPERATORS[0], Command::CallRound { board: BOARD }).expect("called");
    assert!(
        matches!(world.send(BUYERS[1], leave(BUYERS[1])), Err(Reject::RoundOn { .. })),
        "members leave until the round"
    );
    let (digest, entries) = world.round_book();
    assert_eq!(entries.iter().map(|entry| (entry.quantity, entry.limit)).max(), Some((60, price(280))));
    let solution = RoundSolution::of(&entries, digest, &board_terms().rule, 1_000).expect("a board");
    world
        .send(OPERATORS[1], Command::ProposeDeals { board: BOARD, solution: Box::new(solution) })
        .expect("proposed");
    world.wait(600);
    let negotiation = NegotiationId { entry: group, with: Counterparty::Entry(offer), number: 1 };
    // The lead alone answers, and never above what all would pay.
    assert_eq!(world.accept(BUYERS[1], negotiation, 0), Err(Reject::UnknownNegotiation { negotiation }));
    assert_eq!(
        world.counter(BUYERS[0], negotiation, 0, deal_terms(290, 50)),
        Err(Reject::GroupLimit { limit: price(280) })
    );
    world.accept(BUYERS[0], negotiation, 0).expect("the lead agrees");
    world.accept(SUPPLIERS[0], negotiation, 0).expect("the supplier agrees");
    let (_, deal) = deals(&world).pop().expect("a deal");
    // 50 of 60 over 30, 20 and 10: 25, 16⅔ and 8⅓.
    let shares = [(id(BUYERS[0]), quantity(25)), (id(BUYERS[1]), quantity(17)), (id(BUYERS[2]), quantity(8))];
    assert_eq!(deal.shares, shares);
    let told: Vec<(ParticipantId, Quantity)> = world
        .events
        .iter()
        .filter_map(|event| match event {
            Event::DealShared { member, quantity, .. } => Some((*member, *quantity)),
            _ => None,
        })
        .collect();
    assert_eq!(told, shares);
    assert_eq!(left(&world, group), Some(quantity(10)));
    assert!(world.exchange.is_conserved());
}

/// An owner buys nothing from itself, by whichever participant or group.
/// Rules: R-BIL-025, R-BIL-036.
#[test]
fn owners_do_not_deal_with_themselves() {
    let mut world = with_board();
    let (identity, participant) = (IdentityId(20), ParticipantId(20));
    world.agree(Action::RegisterParticipant {
        participant,
        name: "Subsidiary".parse().expect("a name"),
        owner_group: OwnerGroup(SUPPLIERS[0].0),
        roles: [Role::Buyer].into(),
    });
    world.agree(Action::AddIdentity { identity, participant });
    let offer = world.offer(SUPPLIERS[0], 50, 200);
    let request = world.request(identity, 20, 500);
    let with = Counterparty::Entry(offer);
    assert_eq!(world.negotiate(identity, request, with, deal_terms(300, 5)), Err(Reject::SameOwner));
    let chosen = Counterparty::Participant(id(SUPPLIERS[0]));
    assert_eq!(world.negotiate(identity, request, chosen, quotation(5)), Err(Reject::SameOwner));
    assert_eq!(world.hold_round(), []);
    let terms = listing(&world, Side::Buy, 30);
    let group = world.post_to(BUYERS[0], terms, 400, true).expect("a group");
    let join = Command::JoinGroup { entry: group, quantity: quantity(5), limit: price(300) };
    assert_eq!(world.send(identity, join), Err(Reject::GroupOrAlone), "its owner offers here");
}

/// Who sees what: an entry is public without its owner and limit, a round's book is the operators', a negotiation is its two sides' and
/// neither is told the other until the deal.
/// Rules: R-BIL-014, R-BIL-015, R-BIL-016.
#[test]
fn nobody_knows_the_other_until_the_deal() {
    let mut world = with_board();
    let offer = world.offer(SUPPLIERS[0], 50, 200);
    let request = world.request(BUYERS[0], 50, 500);
    let with = Counterparty::Entry(offer);
    let asked = world.negotiate(BUYERS[0], request, with, deal_terms(300, 5)).expect("opened");
    world.counter(SUPPLIERS[0], asked, 0, deal_terms(310, 5)).expect("countered");
    let second = world.negotiate(BUYERS[0], request, with, deal_terms(300, 5)).expect("opened");
    world.end(SUPPLIERS[0], second).expect("declined");
    world.hold_round();
    world.accept(BUYERS[0], asked, 1).expect("a deal");

    let centre = ParticipantId(1);
    for event in &world.events {
        let [seller, buyer, stranger] =
            [SUPPLIERS[0], BUYERS[0], BUYERS[1]].map(|reader| event.shown_to(id(reader), false));
        let operator = event.shown_to(centre, true);
        match event {
            Event::EntryPosted { entry, .. } => {
                let (owner, other) = if *entry == offer { (seller, buyer) } else { (buyer, seller) };
                assert!(matches!(owner, Some(Event::EntryPosted { owner: Some(_), limit: Some(_), .. })));
                for hidden in [other, stranger] {
                    assert!(matches!(hidden, Some(Event::EntryPosted { owner: None, limit: None, .. })));
                }
                let named = matches!(operator, Some(Event::EntryPosted { owner: Some(_), limit: None, .. }));
                assert!(named, "operators see who, and limits when a round is called");
            }
            Event::RoundBook { .. } | Event::DealsProposed { .. } => {
                assert_eq!([&seller, &buyer, &stranger], [&None; 3]);
                assert!(operator.is_some());
            }
            Event::NegotiationOpened { by: Some(_), .. }
            | Event::TermsCountered { .. }
            | Event::NegotiationEnded { .. } => {
                assert_eq!([&stranger, &operator], [&None; 2], "{event:?}");
                let sides = |shown: Option<Event>| match shown {
                    Some(
                        Event::NegotiationOpened { sides, .. }
                        | Event::TermsCountered { sides, .. }
                        | Event::NegotiationEnded { sides, .. },
                    ) => sides,
                    other => panic!("{other:?}"),
                };
                let own = |identity| Some(Party::Participant(id(identity)));
                assert_eq!(sides(seller), Sides { seller: own(SUPPLIERS[0]), buyer: None });
                assert_eq!(sides(buyer), Sides { seller: None, buyer: own(BUYERS[0]) });
            }
            Event::DealMade { .. } => {
                assert_eq!(stranger, None);
                for reader in [seller, buyer, operator] {
                    assert_eq!(reader.as_ref(), Some(event), "whole");
                }
            }
            _ => {}
        }
    }
    assert_eq!(deals(&world).len(), 1);
}

/// What takes part in a round stands still, and what is not in the round's book cannot be proposed.
/// Rules: R-BIL-029, R-BIL-030, R-BIL-031, R-BIL-047.
#[test]
fn a_round_holds_what_takes_part() {
    let mut world = with_board();
    let offer = world.offer(SUPPLIERS[0], 50, 200);
    let request = world.request(BUYERS[0], 50, 500);
    let with = Counterparty::Entry(offer);
    let before = world.negotiate(BUYERS[0], request, with, deal_terms(300, 20)).expect("opened");
    let called = Command::CallRound { board: BOARD };
    assert_eq!(world.send(BUYERS[0], called.clone()), Err(Reject::NotPermitted));
    world.send(OPERATORS[0], called.clone()).expect("called");
    let (digest, entries) = world.round_book();
    assert_eq!(entries.iter().map(|entry| entry.quantity).collect::<Vec<_>>(), [50, 30], "20 are promised");
    assert!(matches!(world.send(OPERATORS[0], called), Err(Reject::RoundOn { .. })));
    let still = |outcome: Result<CommandId, Reject>| matches!(outcome, Err(Reject::RoundOn { .. }));
    assert!(still(world.send(SUPPLIERS[0], Command::WithdrawEntry { entry: offer })));
    let other = Box::new(listing(&world, Side::Sell, 10));
    let replace = Command::ReplaceEntry { entry: offer, listing: other, limit: price(300) };
    assert!(still(world.send(SUPPLIERS[0], replace)));
    assert!(still(world.accept(SUPPLIERS[0], before, 0).map(|()| CommandId(0))), "its 20 are in the round");

    let solution = |deals: Vec<(EntryId, EntryId, i64)>, entries| {
        let (duals, bound) = (None, None);
        Box::new(RoundSolution { entries, deals, duals, bound })
    };
    let propose = |solution| Command::ProposeDeals { board: BOARD, solution };
    let wrong = Digest([0; 32]);
    for (deals, digest, expected) in [
        (vec![(offer, request, 1)], wrong, Reject::OtherEntries),
        (vec![(request, offer, 1)], digest, Reject::UnknownEntry { entry: request }),
        (vec![(offer, request, 1), (offer, request, 1)], digest, Reject::DealsOutOfOrder),
    ] {
        assert_eq!(world.send(OPERATORS[0], propose(solution(deals, digest))), Err(expected));
    }
    let too_many = world.send(OPERATORS[0], propose(solution(vec![(offer, request, 31)], digest)));
    assert!(matches!(too_many, Err(Reject::DealsRefused { .. })), "{too_many:?}");
    // The better of two is taken, the later is no better.
    for (lots, is_best) in [(10, true), (30, true), (20, false), (30, false)] {
        world
            .send(OPERATORS[1], propose(solution(vec![(offer, request, lots)], digest)))
            .expect("may be made");
        assert!(matches!(world.last(), Some(Event::DealsProposed { is_best: best, .. }) if *best == is_best));
    }
    world.wait(600);
    let opened = world.events.iter().rev().find_map(|event| match event {
        Event::NegotiationOpened { negotiation, terms, by: None, .. } => Some((*negotiation, terms.quantity)),
        _ => None,
    });
    let (round, size) = opened.expect("proposed");
    assert_eq!(size, quantity(30));
    assert_eq!(world.send(OPERATORS[0], propose(solution(Vec::new(), digest))), Err(Reject::NoRound));
    world.accept(SUPPLIERS[0], before, 0).expect("its other 20 are free again");
    world.accept(SUPPLIERS[0], round, 0).expect("and 30 are the round's");
    world.accept(BUYERS[0], round, 0).expect("a deal");
    assert_eq!(deals(&world).len(), 2);
    assert_eq!((left(&world, offer), left(&world, request)), (None, None));
    assert!(world.exchange.is_conserved());
}

/// Who is stopped is off the board at once; what a group had promised with it is void.
/// Rules: R-BIL-012, R-BIL-028.
#[test]
fn who_is_stopped_leaves_all_boards() {
    let mut world = with_board();
    let offer = world.offer(SUPPLIERS[0], 50, 200);
    let terms = listing(&world, Side::Buy, 30);
    let group = world.post_to(BUYERS[0], terms, 400, true).expect("a group");
    let join = Command::JoinGroup { entry: group, quantity: quantity(20), limit: price(300) };
    world.send(BUYERS[1], join).expect("joined");
    let with = Counterparty::Entry(offer);
    let promised = world.negotiate(BUYERS[0], group, with, deal_terms(250, 50)).expect("opened");
    world.send(OPERATORS[0], Command::Halt { participant: id(BUYERS[1]) }).expect("stopped");
    assert_eq!(ends(&world), [(promised, NegotiationEnd::Withdrawn)]);
    assert_eq!(left(&world, group), Some(quantity(30)));
    let again = world.negotiate(BUYERS[0], group, with, deal_terms(350, 30)).expect("its limit was lower");
    world.send(OPERATORS[0], Command::Halt { participant: id(SUPPLIERS[0]) }).expect("stopped");
    assert_eq!(ends(&world).last(), Some(&(again, NegotiationEnd::EntryGone)));
    assert_eq!(left(&world, offer), None);
    assert!(world.exchange.is_conserved());
}

/// A programme buys at the board's floor from money that was pledged, pays at once, and releases what it has, whose buyer is
/// invoiced.
/// Rules: R-BIL-054, R-MON-038, R-MON-040, R-MON-041.
#[test]
fn a_stock_takes_part() {
    let mut world = with_board();
    let (programme, market) = (PROGRAMME, MARKET);
    let rule = StockRule {
        buys_at: price(100),
        holds_most: quantity(80),
        releases_at: price(300),
        releases_most: quantity(20),
    };
    world.agree(Action::SetStockRule { programme, market, rule });
    let wanted = listing(&world, Side::Buy, 40);
    let post =
        |listing, limit| Action::PostStockEntry { board: BOARD, programme, listing, limit: price(limit) };
    assert_eq!(world.try_agree(post(wanted.clone(), 110)), Err(Reject::StockTerms), "it buys at the floor");
    assert_eq!(world.try_agree(post(listing(&world, Side::Sell, 10), 300)), Err(Reject::StockTerms));
    world.agree(post(wanted, 100));
    let stock = world.newest_entry();
    assert_eq!(units(&world, Account::ProgrammeReserved(programme)), 4_000, "40 at 100");

    // It agrees to its own terms, and to nothing else.
    let offer = world.offer(SUPPLIERS[0], 50, 100);
    let with = Counterparty::Entry(stock);
    assert_eq!(
        world.negotiate(SUPPLIERS[0], offer, with, deal_terms(110, 10)),
        Err(Reject::StockDoesNotNegotiate)
    );
    world.negotiate(SUPPLIERS[0], offer, with, deal_terms(100, 10)).expect("a deal at once");
    let (_, deal) = deals(&world).pop().expect("a deal");
    assert_eq!((deal.buyer, deal.buyer_consent), (Party::Stock(programme), Consent::Stock));
    assert_eq!(units(&world, Account::Participant(id(SUPPLIERS[0]))), 1_000);
    assert_eq!(units(&world, Account::Stock(programme)), 1_000);
    assert_eq!(units(&world, Account::ProgrammeReserved(programme)), 3_000);

    // A round proposes to the supplier alone.
    let opened = world.hold_round();
    assert_eq!(opened.len(), 1);
    assert_eq!(
        world.counter(SUPPLIERS[0], opened[0], 0, deal_terms(120, 30)),
        Err(Reject::StockDoesNotNegotiate)
    );
    world.accept(SUPPLIERS[0], opened[0], 0).expect("a deal");
    assert_eq!(units(&world, Account::Stock(programme)), 4_000);
    assert_eq!(units(&world, Account::ProgrammeReserved(programme)), 0);

    // Scarcity: the stock releases 20 at 300 to a group, and each member is invoiced its share.
    world.agree(post(listing(&world, Side::Sell, 20), 300));
    let release = world.newest_entry();
    assert_eq!(world.try_agree(post(listing(&world, Side::Sell, 21), 300)), Err(Reject::StockTerms));
    let terms = listing(&world, Side::Buy, 15);
    let group = world.post_to(BUYERS[0], terms, 400, true).expect("a group");
    let join = Command::JoinGroup { entry: group, quantity: quantity(5), limit: price(400) };
    world.send(BUYERS[1], join).expect("joined");
    let with = Counterparty::Entry(release);
    world.negotiate(BUYERS[0], group, with, deal_terms(300, 20)).expect("a deal at once");
    assert_eq!(units(&world, Account::Participant(id(BUYERS[0]))), -4_500);
    assert_eq!(units(&world, Account::Participant(id(BUYERS[1]))), -1_500);
    assert_eq!(units(&world, Account::Stock(programme)), 2_000, "half of it, at cost");
    // Of what the 20 had cost, three quarters are the first's to bring back, and a quarter the second's.
    pay(&mut world, BUYERS[1], 1_500);
    assert_eq!(units(&world, Account::Proceeds(programme)), 1_000);
    pay(&mut world, BUYERS[0], 4_500);
    assert_eq!(units(&world, Account::Proceeds(programme)), 4_000, "6,000 for what had cost 2,000");
    assert!(world.exchange.is_conserved());

    // What was pledged is free again when the entry goes.
    let more = listing(&world, Side::Buy, 10);
    world.agree(post(more, 100));
    let stock = world.newest_entry();
    assert_eq!(units(&world, Account::ProgrammeReserved(programme)), 1_000);
    world.agree(Action::WithdrawStockEntry { entry: stock });
    assert_eq!(units(&world, Account::ProgrammeReserved(programme)), 0);
    assert!(world.exchange.is_conserved());
}

/// Storage by mass and month, and finance by the year, are traded on boards like material.
/// Rules: R-BIL-001.
#[test]
fn there_is_a_board_for_each_service() {
    let mut world = with_board();
    for (number, unit, service) in
        [(7, Unit::TonneMonth, Service::Storage), (8, Unit::MoneyYear, Service::Finance)]
    {
        assert_eq!(unit.service(), service);
        let (market, board) = (MarketId(number), BoardId(number));
        // A price of a share a year, in hundredths; a quantity in units of the currency.
        let tick = "0.01".parse().expect("a price");
        let (lowest, highest) = (Price::ZERO, price(20));
        let terms = Market { unit, tick, lowest, highest, ..crate::common::market() };
        world.agree(Action::DefineMarket { market, terms });
        let mut terms = board_terms();
        (terms.market, terms.rule.floor) = (market, None);
        world.agree(Action::OpenBoard { board, terms });
        let post = |world: &mut World, sender, side, limit: &str| {
            let listing = Box::new(listing(world, side, 50));
            let limit = limit.parse().expect("a price");
            let post = Command::PostEntry { board, listing, limit, is_group: false };
            world.send(sender, post).expect("posted");
            world.newest_entry()
        };
        let offer = post(&mut world, SUPPLIERS[0], Side::Sell, "0.04");
        let request = post(&mut world, BUYERS[0], Side::Buy, "0.07");
        let elsewhere = world.request(BUYERS[1], 50, 500);
        let with = Counterparty::Entry(offer);
        assert_eq!(
            world.negotiate(BUYERS[1], elsewhere, with, deal_terms(100, 5)),
            Err(Reject::NoCounterparty),
            "it is on another board"
        );
        let terms = DealTerms { price: "0.05".parse().ok(), ..deal_terms(0, 50) };
        let negotiation = world.negotiate(BUYERS[0], request, with, terms).expect("opened");
        world.accept(SUPPLIERS[0], negotiation, 0).expect("a deal");
        assert_eq!(deals(&world).last().map(|(_, deal)| deal.board), Some(board));
        world.send(BUYERS[1], Command::WithdrawEntry { entry: elsewhere }).expect("withdrawn");
    }
    assert!(world.exchange.is_conserved());
}

/// A floor off the grid, a sector twice, or a cap of nothing: no board.
/// Rules: R-BIL-002.
#[test]
fn a_board_that_can_match_nothing_is_not_opened() {
    let mut world = World::furnished(1);
    let mut refused = |change: fn(&mut BoardTerms)| {
        let mut terms = board_terms();
        change(&mut terms);
        world.try_agree(Action::OpenBoard { board: BOARD, terms }).expect_err("refused")
    };
    assert_eq!(refused(|terms| terms.rule.floor = Some(price(105))).name(), "PriceOffTick");
    assert_eq!(refused(|terms| terms.rule.origin_cap = Some(Share::NONE)), Reject::BoardTerms);
    assert_eq!(refused(|terms| terms.rule.owner_cap = Some(Share::NONE)), Reject::BoardTerms);
    let many = |terms: &mut BoardTerms| {
        terms.sectors = (0..65).map(|number| format!("sector {number}").parse().expect("a name")).collect();
    };
    assert_eq!(refused(many), Reject::BoardTerms);
    let twice = |terms: &mut BoardTerms| terms.sectors = vec!["chips".parse().expect("a name"); 2];
    assert_eq!(refused(twice), Reject::BoardTerms);
}

/// So many and no more.
/// Rules: R-BIL-003.
#[test]
fn an_owner_has_so_many_entries_on_a_board() {
    let mut world = with_board();
    for _ in 0..128 {
        world.offer(SUPPLIERS[0], 1, 200);
    }
    let one_more = listing(&world, Side::Sell, 1);
    assert_eq!(world.post(SUPPLIERS[0], one_more.clone(), 200), Err(Reject::BoardFull { most: 128 }));
    world.post(SUPPLIERS[1], one_more, 200).expect("another owner's");
}

/// Entries that make no sense are refused with their reasons.
/// Rules: R-BIL-001, R-BIL-004, R-BIL-005, R-BIL-006, R-BIL-007, R-BIL-009, R-BIL-010.
#[test]
fn entries_are_checked() {
    let mut world = with_board();
    let good = listing(&world, Side::Sell, 10);
    let valid_until = world.now;
    let cases = [
        (Listing { quantity: quantity(101), ..good.clone() }, 200, "QuantityOutOfRange"),
        (Listing { minimum: quantity(11), ..good.clone() }, 200, "EntryMinimum"),
        (Listing { last: day("2019-02-28"), ..good.clone() }, 200, "DeliveryWindow"),
        (
            Listing { first: day("2018-01-01"), last: day("2018-12-27"), ..good.clone() },
            200,
            "DeliveryWindow",
        ),
        (Listing { valid_until, ..good.clone() }, 200, "EntryValidity"),
        (Listing { side: Side::Buy, ..good.clone() }, 200, "WrongSide"),
        (good.clone(), 2_000, "PriceOutsideBand"),
        (good.clone(), 205, "PriceOffTick"),
    ];
    for (listing, limit, reason) in cases {
        let refused = world.post(SUPPLIERS[0], listing, limit).expect_err(reason);
        assert_eq!(refused.name(), reason);
    }
    let request = listing(&world, Side::Buy, 10);
    assert_eq!(world.post(BUYERS[0], request, 90), Err(Reject::BelowFloor { floor: price(100) }));
    let unknown = Command::PostEntry {
        board: BoardId(9),
        listing: Box::new(good.clone()),
        limit: price(200),
        is_group: false,
    };
    assert_eq!(world.send(SUPPLIERS[0], unknown), Err(Reject::UnknownBoard { board: BoardId(9) }));
    assert_eq!(
        world.try_agree(Action::OpenBoard { board: BOARD, terms: board_terms() }),
        Err(Reject::BoardTaken)
    );

    // Grades, purity, places and origins must go together; what is negotiated about stays what it is.
    let pure = |grade: &str, purity: &str| Goods {
        grade: grade.parse().ok(),
        purity: purity.parse().ok(),
        ..Goods::default()
    };
    let goods = pure("4N", "0.9999");
    let offer =
        world.post(SUPPLIERS[0], Listing { goods: goods.clone(), ..good.clone() }, 200).expect("an offer");
    let wanted = listing(&world, Side::Buy, 10);
    for (goods, fits) in
        [(pure("4N", "0.999999"), false), (pure("6N", "0.99"), false), (pure("4N", "0.99"), true)]
    {
        let request = Listing { goods, ..wanted.clone() };
        let request = world.post(BUYERS[0], request, 500).expect("a request");
        let opened = world.negotiate(BUYERS[0], request, Counterparty::Entry(offer), deal_terms(300, 10));
        assert_eq!(opened.is_ok(), fits, "{opened:?}");
    }
    let replace = Command::ReplaceEntry { entry: offer, listing: Box::new(good), limit: price(200) };
    assert_eq!(world.send(SUPPLIERS[0], replace), Err(Reject::EntryNegotiated));
}

/// One command takes back all that may be taken back, and leaves what takes part in a round.
/// Rules: R-BIL-013.
#[test]
fn all_is_withdrawn_at_once_but_what_a_round_looks_at() {
    let mut world = with_board();
    let own = world.offer(SUPPLIERS[0], 5, 100);
    let others = world.offer(SUPPLIERS[1], 5, 100);
    let wanted = world.request(BUYERS[0], 5, 120);
    let proposal = world
        .negotiate(SUPPLIERS[0], own, Counterparty::Entry(wanted), deal_terms(110, 5))
        .expect("proposed");
    world.send(SUPPLIERS[0], Command::WithdrawAll).expect("withdrawn");
    let gone = |world: &World, entry| {
        world.events.iter().any(|event| matches!(event, Event::EntryClosed { entry: of, .. } if *of == entry))
    };
    assert!(gone(&world, own) && !gone(&world, others) && !gone(&world, wanted));
    assert!(world.events.iter().any(
        |event| matches!(event, Event::NegotiationEnded { negotiation, .. } if *negotiation == proposal)
    ));
    // A round is held on what stood when it was called.
    world.send(OPERATORS[0], Command::CallRound { board: BOARD }).expect("called");
    world.send(SUPPLIERS[1], Command::WithdrawAll).expect("there is nothing that may be withdrawn");
    assert!(!gone(&world, others));
    assert!(world.exchange.is_conserved());
}
