//! Who may send what: the table in the documentation is the one in the code, and each of its cells is what the exchange does.

use std::collections::BTreeMap;

use crate::common::boards::{admit, deal_terms, listing};
use crate::common::*;
use golv_engine::auction::Solution;
use golv_engine::bilateral::RoundSolution;
use golv_engine::book::Side;
use golv_engine::cfd::{Delivery, Observation};
use golv_engine::command::{Action, Command, Operator};
use golv_engine::digest::Digest;
use golv_engine::event::Event;
use golv_engine::id::*;
use golv_engine::num::Quantity;
use golv_engine::participant::Role;
use golv_engine::reject::Reject;

/// A participant for each role, which has that one alone.
fn one_of_each() -> (World, BTreeMap<Role, IdentityId>) {
    let mut world = World::furnished(1_000);
    let mut of = BTreeMap::new();
    for (number, role) in (40..).zip(Role::ALL) {
        admit(&mut world, IdentityId(number), number, &[role]);
        of.insert(role, IdentityId(number));
    }
    (world, of)
}

/// One of each command, about things that are not there; and of those that some roles may send in one form alone, the other form.
fn one_of_each_command(world: &World) -> Vec<Command> {
    let (auction, entry, board) = (AuctionId(99), EntryId(99), BoardId(99));
    let nobody = ParticipantId(99);
    let bid = BidId { identity: IdentityId(99), command: CommandId(1) };
    let proposal = ProposalId { identity: IdentityId(99), command: CommandId(1) };
    let negotiation = NegotiationId { entry, with: Counterparty::Entry(entry), number: 1 };
    let (limit, digest) = (price(100), Digest([0; 32]));
    let listing = || Box::new(listing(world, Side::Buy, 1));
    let day = month(2018, 11).last_day();
    let nothing = Quantity::ZERO;
    let delivery = Delivery {
        sold: nothing,
        from_stock: nothing,
        stockpiled: nothing,
        destination: None,
        evidence: None,
    };
    let operators = OPERATORS.map(|id| Operator::local(id.0));
    let round = RoundSolution { entries: digest, deals: Vec::new(), duals: None, bound: None };
    vec![
        Command::Found { participant: nobody, name: "Nobody".parse().expect("a name"), operators },
        Command::Tick,
        Command::SetClock { to: world.now },
        Command::Propose { action: Action::RevokeIdentity { identity: IdentityId(99) } },
        Command::Confirm { proposal },
        Command::WithdrawProposal { proposal },
        Command::PlaceBid { auction, bid: buy(100, 1) },
        Command::ReplaceBid { auction, bid, price: Some(limit), quantity: quantity(1) },
        Command::WithdrawBid { auction, bid },
        Command::WithdrawAll,
        Command::Halt { participant: nobody },
        Command::ClearAuction { auction, secret: None },
        Command::ProposeSolution {
            auction,
            solution: Box::new(Solution { bids: digest, given: Vec::new(), bound: None }),
        },
        Command::AcceptAward { auction, bid },
        Command::DeclineAward { auction, bid },
        Command::PublishReferencePrice {
            index: IndexId(99),
            day,
            observation: Observation { price: limit, volume: None, source: None },
        },
        Command::ReportDelivery { entitlement: EntitlementId(99), day, delivery },
        Command::PostEntry { board, listing: listing(), limit, is_group: false },
        Command::PostEntry { board, listing: listing(), limit, is_group: true },
        Command::ReplaceEntry { entry, listing: listing(), limit },
        Command::WithdrawEntry { entry },
        Command::JoinGroup { entry, quantity: quantity(1), limit },
        Command::LeaveGroup { entry, member: nobody },
        Command::CallRound { board },
        Command::ProposeDeals { board, solution: Box::new(round) },
        Command::Negotiate { entry, with: Counterparty::Entry(entry), terms: deal_terms(100, 1) },
        Command::CounterTerms { negotiation, turn: 0, terms: deal_terms(100, 1) },
        Command::AcceptTerms { negotiation, turn: 0 },
        Command::EndNegotiation { negotiation },
        Command::LineLost { identity: IdentityId(99) },
    ]
}

/// Rules: R-MON-050.
#[test]
fn every_cell_of_the_table_is_what_happens() {
    let (mut world, of) = one_of_each();
    let commands = one_of_each_command(&world);
    let mut names: Vec<&str> = commands.iter().map(Command::name).collect();
    names.dedup();
    let known: Vec<&str> = Command::TABLE.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, known, "each command is tried");
    for command in commands {
        for (role, sender) in &of {
            let outcome = world.send(*sender, command.clone());
            let what = format!("{role:?} sends {command:?}: {outcome:?}");
            match command {
                Command::Found { .. } | Command::Tick | Command::LineLost { .. } => {
                    assert_eq!(outcome, Err(Reject::SystemOnly), "{what}")
                }
                _ => {
                    let is_permitted = command.permitted().contains(role);
                    assert_eq!(outcome == Err(Reject::NotPermitted), !is_permitted, "{what}");
                }
            }
        }
    }
}

#[test]
fn the_documented_table_is_the_one_in_the_code() {
    let page = include_str!("../../docs/roles.md");
    let documented: BTreeMap<&str, Vec<bool>> = page
        .lines()
        .filter_map(|line| {
            let (name, cells) = line.strip_prefix("| `")?.split_once("` |")?;
            Some((name, cells.trim_end_matches('|').split('|').map(|cell| cell.trim() == "x").collect()))
        })
        .collect();
    let cells = |permitted: &[Role]| Role::ALL.map(|role| permitted.contains(&role)).to_vec();
    let mut known: BTreeMap<&str, Vec<bool>> =
        Command::TABLE.iter().map(|(name, permitted)| (*name, cells(permitted))).collect();
    known.insert("PostEntry, of a group", cells(&[Role::GroupLead]));
    assert_eq!(documented, known);
}

/// What everybody may read is public; what concerns others is read by operators and auditors, and by nobody else.
#[test]
fn reading_is_by_role_too() {
    let (world, of) = one_of_each();
    for (role, identity) in of {
        let reader = ParticipantId(identity.0);
        let shown = |event: &Event| event.is_shown_to(reader, role.reads_all());
        let seen = world.events.iter().filter(|event| shown(event)).count();
        let public = world.events.iter().filter(|event| event.is_shown_to(ParticipantId(98), false)).count();
        assert_eq!(seen > public, role.reads_all(), "{role:?}");
    }
}
