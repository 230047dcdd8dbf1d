//! The `commands` target: bytes as commands for an exchange, one after the other.
//!
//! An even first byte begins before the founding, an odd one in a furnished world. Then each record is `sender u8 | how u8 |
//! length u16 | command`. Of `how`, the lower six bits are seconds that pass before it; [`MEND`] says that numbers which name
//! something are made to name what there is, and times to lie near the clock, so that a command is not only refused for them;
//! [`AGREE`] that the other operator confirms what one has proposed.
//!
//! Mutations of bytes would break records apart, so [`mutate`] changes them record by record.

use golv_engine::auction::ClosedBid;
use golv_engine::bilateral::{Listing, RoundEntry, RoundRule, RoundSolution, Sides};
use golv_engine::book::Side;
use golv_engine::cfd::Observation;
use golv_engine::command::{Action, Command};
use golv_engine::digest::Digest;
use golv_engine::event::Event;
use golv_engine::id::{
    AuctionId, BidId, BoardId, Counterparty, DataVersion, EntitlementId, EntryId, FloorId, IdentityId,
    IndexId, NegotiationId, ParticipantId, ProposalId,
};
use golv_engine::num::Quantity;
use golv_engine::time::{Day, Instant};

use crate::world::{OPERATORS, World};

/// Of a record's `how`: what it names is made to be there.
pub const MEND: u8 = 128;
/// Of a record's `how`: what is proposed is confirmed.
pub const AGREE: u8 = 64;

/// More than this many records are not read: what many do, few do too.
const MOST_RECORDS: usize = 160;

/// A clock is set forward by less than this, and times are said to be less than this from it, where they are mended.
const NEAR_SECONDS: u32 = 45 * 24 * 3_600;

/// Any bytes as commands: a refusal changes nothing, money is conserved, a sealed bid is shown to nobody else, and replay gives the
/// same, through a snapshot too.
pub fn commands(input: &[u8]) {
    tried(input).finish();
}

/// The world in which an input's commands were tried.
pub fn tried(input: &[u8]) -> World {
    let (first, rest) = input.split_first().unwrap_or((&0, &[]));
    let mut world = if first.is_multiple_of(2) { World::unfounded() } else { World::furnished() };
    let mut known = Known::default();
    for record in records(rest).take(MOST_RECORDS) {
        let [sender, how, _, _, command @ ..] = record else { continue };
        let Ok(command) = golv_protocol::decode::<Command>(command) else { continue };
        world.pass(u32::from(how & 63));
        let sender = IdentityId(u32::from(*sender));
        known.learn(&world.events);
        let (sender, command) =
            if how & MEND == 0 { (sender, command) } else { known.mended(&world, sender, command) };
        let is_proposal = matches!(command, Command::Propose { .. });
        let Ok(id) = world.send(sender, command) else { continue };
        if is_proposal && how & AGREE != 0 {
            let proposal = ProposalId { identity: sender, command: id };
            // It may have become impossible by what was due.
            let _ = world.send(other_operator(sender), Command::Confirm { proposal });
        }
    }
    world
}

/// A command as a record.
pub fn record(sender: IdentityId, how: u8, command: &Command) -> Vec<u8> {
    let mut bytes = Vec::new();
    golv_protocol::encode(command, &mut bytes).expect("a command fits in a message");
    let length = u16::try_from(bytes.len()).expect("a short command");
    let sender = u8::try_from(sender.0).expect("the senders are few");
    [&[sender, how][..], &length.to_le_bytes(), &bytes].concat()
}

/// The records of some bytes, each with its head; the last may be cut off.
fn records(mut rest: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let [_, _, low, high, tail @ ..] = rest else { return None };
        let length = usize::from(u16::from_le_bytes([*low, *high])).min(tail.len());
        let (record, tail) = rest.split_at(4 + length);
        rest = tail;
        Some(record)
    })
}

fn other_operator(one: IdentityId) -> IdentityId {
    OPERATORS[usize::from(one == OPERATORS[0])]
}

/// What commands can name.
#[derive(Default)]
struct Known {
    learnt: usize,
    proposals: Vec<ProposalId>,
    auctions: Vec<AuctionId>,
    bids: Vec<(AuctionId, BidId)>,
    awards: Vec<(AuctionId, BidId)>,
    book: Option<(AuctionId, Digest, Vec<ClosedBid>)>,
    boards: Vec<(BoardId, RoundRule)>,
    round: Option<(BoardId, Digest, Vec<RoundEntry>)>,
    /// With who posted it; `None` for a stock's.
    entries: Vec<(EntryId, Option<IdentityId>)>,
    negotiations: Vec<(NegotiationId, Sides, u32)>,
    deals: Vec<NegotiationId>,
    floors: Vec<FloorId>,
    entitlements: Vec<EntitlementId>,
    held: Vec<(IndexId, Day, Observation)>,
}

impl Known {
    fn learn(&mut self, events: &[Event]) {
        for event in &events[self.learnt..] {
            match event {
                Event::ActionProposed { proposal, .. } => self.proposals.push(*proposal),
                Event::ActionConfirmed { proposal, action, .. } => {
                    self.proposals.retain(|pending| pending != proposal);
                    match action {
                        Action::AnnounceAuction { auction, .. } => self.auctions.push(*auction),
                        Action::OpenBoard { board, terms } => self.boards.push((*board, terms.rule)),
                        Action::SetFloor { floor, .. } => self.floors.push(*floor),
                        _ => {}
                    }
                }
                Event::ProposalWithdrawn { proposal } => {
                    self.proposals.retain(|pending| pending != proposal);
                }
                Event::BidAccepted { auction, bid, .. } => self.bids.push((*auction, *bid)),
                Event::AwardsOffered { auction, awards, .. } => {
                    self.awards.extend(awards.iter().map(|award| (*auction, award.bid)));
                }
                Event::BookClosed { auction, digest, bids } => {
                    self.book = Some((*auction, *digest, bids.clone()));
                }
                Event::RoundBook { board, digest, entries } => {
                    self.round = Some((*board, *digest, entries.clone()));
                }
                Event::EntryPosted { entry, owner, .. } => {
                    let poster = owner.and_then(|owner| owner.posted).map(|(identity, _)| identity);
                    self.entries.push((*entry, poster));
                }
                Event::EntryClosed { entry, .. } => self.entries.retain(|(posted, _)| posted != entry),
                Event::NegotiationOpened { negotiation, sides, .. } => {
                    self.negotiations.push((*negotiation, *sides, 0));
                }
                Event::TermsCountered { negotiation, turn, .. } => {
                    let countered = self.negotiations.iter_mut().find(|(id, ..)| id == negotiation);
                    countered.expect("it was opened").2 = *turn;
                }
                Event::NegotiationEnded { negotiation, .. } => {
                    self.negotiations.retain(|(id, ..)| id != negotiation);
                }
                Event::DealMade { negotiation, .. } => {
                    self.negotiations.retain(|(id, ..)| id != negotiation);
                    self.deals.push(*negotiation);
                }
                Event::EntitlementGranted { entitlement, .. } => self.entitlements.push(*entitlement),
                Event::ReferencePriceHeld { index, day, observation, .. } => {
                    self.held.push((*index, *day, observation.clone()));
                }
                _ => {}
            }
        }
        self.learnt = events.len();
    }

    /// A command, and who sends it, that names what there is.
    fn mended(&self, world: &World, sender: IdentityId, mut command: Command) -> (IdentityId, Command) {
        let mut sender = sender;
        match &mut command {
            Command::SetClock { to } => *to = near(world.now, to.0),
            Command::Propose { action } => self.mend_action(world, action),
            Command::Confirm { proposal } => {
                if let Some(pending) = one_of(&self.proposals, proposal.command.0) {
                    (sender, *proposal) = (other_operator(pending.identity), pending);
                }
            }
            Command::WithdrawProposal { proposal } => {
                *proposal = one_of(&self.proposals, proposal.command.0).unwrap_or(*proposal);
            }
            Command::ReplaceBid { auction, bid, .. } | Command::WithdrawBid { auction, bid } => {
                if let Some(placed) = one_of(&self.bids, bid.command.0) {
                    ((*auction, *bid), sender) = (placed, placed.1.identity);
                }
            }
            Command::AcceptAward { auction, bid } | Command::DeclineAward { auction, bid } => {
                if let Some(offered) = one_of(&self.awards, bid.command.0) {
                    ((*auction, *bid), sender) = (offered, offered.1.identity);
                }
            }
            Command::ClearAuction { auction, .. } => {
                *auction = one_of(&self.auctions, auction.0.into()).unwrap_or(*auction);
            }
            Command::ProposeSolution { auction, solution } => {
                if let Some((closed, digest, bids)) = &self.book {
                    (*auction, solution.bids) = (*closed, *digest);
                    let mut given: Vec<(usize, Quantity)> = solution
                        .given
                        .iter()
                        .filter_map(|(bid, quantity)| Some((place(bids.len(), bid.command.0)?, *quantity)))
                        .collect();
                    given.sort_by_key(|(place, _)| *place);
                    given.dedup_by_key(|(place, _)| *place);
                    solution.given =
                        given.into_iter().map(|(place, given)| (bids[place].bid, given)).collect();
                }
            }
            Command::PublishReferencePrice { day, .. } => *day = day_before(world.now, *day),
            Command::ReportDelivery { entitlement, day, .. } => {
                *entitlement = self.entitlement(*entitlement);
                *day = day_before(world.now, *day);
            }
            Command::PostEntry { listing, .. } => mend_listing(world.now, listing),
            Command::ReplaceEntry { entry, listing, .. } => {
                mend_listing(world.now, listing);
                sender = self.poster(entry).unwrap_or(sender);
            }
            Command::WithdrawEntry { entry } => sender = self.poster(entry).unwrap_or(sender),
            Command::JoinGroup { entry, .. } | Command::LeaveGroup { entry, .. } => {
                self.poster(entry);
            }
            Command::ProposeDeals { board, solution } => {
                if let Some((called, digest, entries)) = &self.round {
                    *board = *called;
                    let rule = self.boards.iter().find(|(board, _)| board == called).map(|(_, rule)| rule);
                    let best = RoundSolution::of(entries, *digest, rule.expect("it was opened"), 100);
                    // As much of the best as the input says.
                    let most = usize::try_from(solution.bound.unwrap_or(i64::MAX)).unwrap_or(usize::MAX);
                    if let Ok(best) = best {
                        **solution = best;
                        if solution.deals.len() > most {
                            solution.deals.truncate(most);
                            solution.duals = None;
                        }
                    }
                }
            }
            Command::Negotiate { entry, with, .. } => {
                sender = self.poster(entry).unwrap_or(sender);
                if let Counterparty::Entry(other) = with {
                    self.poster(other);
                }
            }
            Command::CounterTerms { negotiation, turn, .. } | Command::AcceptTerms { negotiation, turn } => {
                if let Some((id, sides, latest)) = self.negotiation(negotiation) {
                    (*negotiation, *turn) = (id, latest);
                    sender = sender_of(sides, sender);
                }
            }
            Command::EndNegotiation { negotiation } => {
                if let Some((id, sides, _)) = self.negotiation(negotiation) {
                    *negotiation = id;
                    sender = sender_of(sides, sender);
                }
            }
            Command::Found { .. }
            | Command::Tick
            | Command::PlaceBid { .. }
            | Command::WithdrawAll
            | Command::Halt { .. }
            | Command::CallRound { .. }
            | Command::LineLost { .. } => {}
        }
        (sender, command)
    }

    fn mend_action(&self, world: &World, action: &mut Action) {
        match action {
            Action::Settle { period, version, .. } => {
                let newest = world.exchange.data_version().0;
                // As much older as the input says, but mostly the newest.
                *version = DataVersion(newest.saturating_sub(version.0 % 16));
                *period = day_before(world.now, *period);
            }
            Action::AnnounceAuction { terms, .. } => {
                terms.opens_at = near(world.now, terms.opens_at.0);
                terms.closes_at = near(terms.opens_at, terms.closes_at.0);
            }
            Action::CancelAuction { auction } => {
                *auction = one_of(&self.auctions, auction.0.into()).unwrap_or(*auction);
            }
            Action::NovateEntitlement { entitlement, .. }
            | Action::TerminateEntitlement { entitlement, .. }
            | Action::ShareUpside { entitlement, .. } => *entitlement = self.entitlement(*entitlement),
            Action::ReleaseReferencePrice { index, day, observation } => {
                let number = u64::from(day.number().unsigned_abs());
                let held = place(self.held.len(), number).map(|place| self.held[place].clone());
                (*index, *day, *observation) = held.unwrap_or((*index, *day, observation.clone()));
            }
            Action::PostStockEntry { listing, .. } => mend_listing(world.now, listing),
            Action::WithdrawStockEntry { entry } => {
                self.poster(entry);
            }
            Action::GrantOnDeal { deal, floor, .. } => {
                *deal = one_of(&self.deals, deal.entry.0.into()).unwrap_or(*deal);
                *floor = one_of(&self.floors, floor.0.into()).unwrap_or(*floor);
            }
            _ => {}
        }
    }

    fn entitlement(&self, named: EntitlementId) -> EntitlementId {
        one_of(&self.entitlements, named.0.into()).unwrap_or(named)
    }

    fn negotiation(&self, named: &NegotiationId) -> Option<(NegotiationId, Sides, u32)> {
        one_of(&self.negotiations, u64::from(named.entry.0) + u64::from(named.number))
    }

    /// Makes an entry one that stands; who posted it, if somebody alone did.
    fn poster(&self, entry: &mut EntryId) -> Option<IdentityId> {
        let (standing, poster) = one_of(&self.entries, entry.0.into())?;
        *entry = standing;
        poster
    }
}

fn place(many: usize, number: u64) -> Option<usize> {
    let many = u64::try_from(many).ok().filter(|many| *many > 0)?;
    usize::try_from(number % many).ok()
}

fn one_of<T: Copy>(all: &[T], number: u64) -> Option<T> {
    place(all.len(), number).map(|place| all[place])
}

/// An instant not long after another.
fn near(now: Instant, seconds: i64) -> Instant {
    let seconds = u32::try_from(seconds.unsigned_abs() % u64::from(NEAR_SECONDS)).expect("less");
    now.plus_seconds(seconds).unwrap_or(now)
}

/// A day that is over and not long gone.
fn day_before(now: Instant, day: Day) -> Day {
    let today = Day::of(now).map_or(0, Day::number);
    Day::try_from(today - 1 - day.number().rem_euclid(64)).unwrap_or(day)
}

fn mend_listing(now: Instant, listing: &mut Listing) {
    listing.valid_until = near(now, listing.valid_until.0);
}

/// The identity of the side that an input's sender says: participants and those who act for them have the same numbers.
fn sender_of(sides: Sides, sender: IdentityId) -> IdentityId {
    let side = if sender.0.is_multiple_of(2) { Side::Sell } else { Side::Buy };
    let party = match side {
        Side::Sell => sides.seller,
        Side::Buy => sides.buyer,
    };
    let participant = party.and_then(golv_engine::bilateral::Party::participant);
    participant.map_or(sender, |ParticipantId(number)| IdentityId(number))
}

/// Changes an input into another, record by record, so that it stays one; `change` changes bytes and says how many there are then,
/// no more than it was given room for.
///
/// One record is changed, left out, repeated, exchanged with another, or taken from `others`, which is an input itself.
pub fn mutate(
    input: &[u8],
    others: &[u8],
    random: u32,
    mut change: impl FnMut(&mut Vec<u8>, usize),
) -> Vec<u8> {
    /// How much longer one command becomes at most.
    const ROOM: usize = 64;
    let (first, rest) = input.split_first().unwrap_or((&1, &[]));
    let mut first = *first;
    let mut all: Vec<Vec<u8>> = records(rest).map(<[u8]>::to_vec).collect();
    let number = usize::try_from(random).expect("no narrower");
    let (what, number) = (number % 16, number / 16);
    let at = |many: usize| number.checked_rem(many);
    let others: Vec<&[u8]> = records(others.get(1..).unwrap_or_default()).collect();
    match (what, at(all.len())) {
        (0, Some(place)) => drop(all.remove(place)),
        (1, Some(place)) => all.push(all[place].clone()),
        (2, Some(place)) => all.insert(place, all[place].clone()),
        (3, Some(place)) => {
            let other = number / 64 % all.len();
            all.swap(place, other);
        }
        (4, Some(place)) => {
            let [sender, how, ..] = &mut all[place][..] else { return input.to_vec() };
            let mut head = vec![*sender, *how];
            change(&mut head, 2);
            if let [new_sender, new_how, ..] = head[..] {
                (*sender, *how) = (new_sender, new_how);
            }
        }
        (5, _) => first = first.wrapping_add(1),
        (6..=9, _) if !others.is_empty() => {
            let other = others[number % others.len()].to_vec();
            all.insert(number / 64 % (all.len() + 1), other);
        }
        (_, Some(place)) => {
            let mut command = all[place].split_off(4);
            let room = command.len() + ROOM;
            change(&mut command, room);
            command.truncate(room.min(usize::from(u16::MAX)));
            let length = u16::try_from(command.len()).expect("cut to fit");
            all[place][2..4].copy_from_slice(&length.to_le_bytes());
            all[place].extend(command);
        }
        (_, None) => all.extend(others.first().map(|other| other.to_vec())),
    }
    std::iter::once(first).chain(all.into_iter().flatten()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn corpus() -> Vec<Vec<u8>> {
        let corpus = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/commands");
        let files = std::fs::read_dir(corpus).expect("a corpus");
        files.map(|file| std::fs::read(file.expect("an entry").path()).expect("an input")).collect()
    }

    /// Mutations begin with what the corpus does, so there is nothing that it does not do.
    #[test]
    fn the_corpus_does_everything() {
        let done: BTreeSet<&str> =
            corpus().iter().flat_map(|input| tried(input).done().collect::<Vec<_>>()).collect();
        let commands = Command::TABLE.iter().map(|(name, _)| *name);
        // There is one version of the rules so far, and none to change to.
        let actions = Action::TABLE.iter().map(|(name, _)| *name).filter(|name| *name != "ChangeRules");
        let missing: Vec<&str> = commands.chain(actions).filter(|name| !done.contains(name)).collect();
        assert_eq!(missing, Vec::<&str>::new());
    }

    /// Whatever is mutated, records stay records, and there is something for every kind of change.
    #[test]
    fn a_mutated_input_is_one() {
        let set_clock = Command::SetClock { to: Instant(0) };
        let input =
            [vec![1], record(OPERATORS[0], 0, &set_clock), record(OPERATORS[1], MEND, &Command::Tick)]
                .concat();
        let mut seen = BTreeSet::new();
        for random in 0..20_000 {
            let mutated = mutate(&input, &input, random, |bytes, most| {
                bytes.push(7);
                bytes.truncate(most);
            });
            let lengths: usize = records(&mutated[1..]).map(<[u8]>::len).sum();
            assert_eq!(lengths + 1, mutated.len(), "{random}");
            seen.insert(mutated);
        }
        assert!(seen.len() >= 10, "{}", seen.len());
    }
}
