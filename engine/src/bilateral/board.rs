//! Boards: what is offered and requested, by whom, and how much of it is still to be had.
//!
//! A board stands on one market, whose grid its prices and quantities keep to and whose unit says what is traded: material by
//! mass, storage by mass and month, money by the year. An *entry* is an offer or a request. Everybody sees what it says, nobody
//! whose it is: it goes by a number until there is a deal. What its owner would at least take or at most pay is
//! told to nobody, and to operators when a round is called, since somebody has to match by it.
//!
//! A part of an entry can be *held*: promised in a negotiation by a side that has agreed to its terms, or proposed in a round.
//! Held quantity is promised to nobody else. An entry that takes part in a round stands still until that is over.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

use super::RoundRule;
use super::deal::Deal;
use super::group::Stake;
use super::negotiation::{Negotiation, NegotiationEnd};
use super::round::RoundState;
use crate::book::Side;
use crate::event::{Event, Events};
use crate::exchange::{Due, State};
use crate::id::{
    BoardId, CommandId, Counterparty, EntryId, IdentityId, MarketId, NegotiationId, OwnerGroup,
    ParticipantId, ProgrammeId,
};
use crate::num::{Price, Quantity, Share};
use crate::participant::Role;
use crate::reject::Reject;
use crate::text::{Country, Name};
use crate::time::{Day, Instant};

/// The most entries of one board: a result is checked against every pair of them.
const ENTRIES_MAX: u32 = 2_048;

/// The most entries of one owner on a board.
const ENTRIES_OF_OWNER_MAX: u32 = 128;

/// The most sectors that a board puts in an order.
const SECTORS_MAX: usize = 64;

/// What a board is, and how its rounds and negotiations are held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoardTerms {
    /// Its name, for people.
    pub name: Name,
    /// The market whose grid it keeps to.
    pub market: MarketId,
    /// How rounds are held. Its floor holds for negotiations too.
    pub rule: RoundRule,
    /// By the rule `priority`: sectors in their order; those that are not named are behind all that are.
    pub sectors: Vec<Name>,
    /// How long solutions of a round are taken, in seconds.
    pub solution_seconds: NonZeroU32,
    /// How long a proposal is open, in seconds.
    pub answer_seconds: NonZeroU32,
    /// How often a proposal can be countered, by both sides together.
    pub counters_most: u32,
}

/// What everybody sees of an entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing {
    /// To sell is to offer, to buy is to request.
    pub side: Side,
    /// What exactly, and where from and to.
    pub goods: Goods,
    /// The least quantity of a deal that a round may propose; zero where any will do.
    pub minimum: Quantity,
    /// How much, over all deals. Of a purchasing group, what its lead wants for itself.
    pub quantity: Quantity,
    /// The first day of delivery.
    pub first: Day,
    /// The last day of delivery.
    pub last: Day,
    /// The sector that a request is for.
    pub sector: Option<Name>,
    /// It leaves the board then, if it is still on it.
    pub valid_until: Instant,
}

/// What exactly is offered or requested: what both sides of a deal must agree in, and do not negotiate.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Goods {
    /// The grade; `None` where any will do.
    pub grade: Option<Name>,
    /// How pure an offer is, or a request wants it at least; `None` where that is not stated.
    pub purity: Option<Share>,
    /// Where it is delivered; `None` where any place will do.
    pub place: Option<Name>,
    /// Where it comes from, or must; `None` for anywhere.
    pub origin: Option<Country>,
}

/// Whose an entry is, or who a side of a negotiation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Party {
    /// A participant; of a purchasing group, its lead.
    Participant(ParticipantId),
    /// The stock of a programme.
    Stock(ProgrammeId),
}

/// Whose an entry is, and which command posted it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryOwner {
    /// Whose.
    pub party: Party,
    /// The command that posted it; `None` where two operators did, for a stock.
    pub posted: Option<(IdentityId, CommandId)>,
}

/// Why an entry is no longer on its board.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EntryEnd {
    /// Its owner withdrew it, or was stopped.
    Withdrawn,
    /// Its time was over.
    Expired,
    /// There were deals in all of it.
    DealtOut,
}

/// A board as it stands.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ListedBoard {
    pub(super) terms: BoardTerms,
    pub(super) entries: BTreeSet<EntryId>,
    pub(super) round: Option<RoundState>,
}

/// An entry as it stands.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Listed {
    pub(super) board: BoardId,
    pub(super) party: Party,
    /// Its quantity is what no deal was made in yet; of a group, what all members want.
    pub(super) listing: Listing,
    /// The least that an offer takes, the most that a request pays; of a group, the least of what members pay at most.
    pub(super) limit: Price,
    /// What of the quantity is promised in negotiations.
    pub(super) held: Quantity,
    /// The negotiations that it is a side of.
    pub(super) negotiations: BTreeSet<NegotiationId>,
    /// Those who request together; `None` where it is one party's alone.
    pub(super) members: Option<BTreeMap<ParticipantId, Stake>>,
}

/// All boards, with what stands on them.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Boards {
    pub(super) boards: BTreeMap<BoardId, ListedBoard>,
    pub(super) entries: BTreeMap<EntryId, Listed>,
    /// The number of the newest entry.
    pub(super) newest: u32,
    pub(super) negotiations: BTreeMap<NegotiationId, Negotiation>,
    /// How many negotiations were opened from each entry with the same other side.
    pub(super) opened: BTreeMap<(EntryId, Counterparty), u32>,
    pub(super) deals: BTreeMap<NegotiationId, Deal>,
}

/// A beneficial owner; programmes' stocks are all the centre's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Owner {
    Group(OwnerGroup),
    Centre,
}

impl Goods {
    /// What an offer and a request agree on, if they do not contradict each other.
    // Rules: R-BIL-009.
    pub(super) fn agreed(offer: &Self, request: &Self) -> Option<Self> {
        let is_pure = offer.purity.is_none_or(|purity| request.purity.is_none_or(|least| purity >= least));
        is_pure.then_some(())?;
        Some(Self {
            grade: either(&offer.grade, &request.grade)?,
            purity: offer.purity.or(request.purity),
            place: either(&offer.place, &request.place)?,
            origin: either(&offer.origin, &request.origin)?,
        })
    }
}

/// What is stated by one side or by both alike; `None` where they contradict each other.
fn either<T: Clone + PartialEq>(one: &Option<T>, other: &Option<T>) -> Option<Option<T>> {
    match (one, other) {
        (Some(one), Some(other)) if one != other => None,
        _ => Some(one.clone().or_else(|| other.clone())),
    }
}

impl Party {
    /// The participant, if it is one.
    pub const fn participant(self) -> Option<ParticipantId> {
        match self {
            Self::Participant(participant) => Some(participant),
            Self::Stock(_) => None,
        }
    }
}

impl Listed {
    /// What is promised to nobody.
    pub(super) fn free(&self) -> Quantity {
        self.listing.quantity.checked_sub(self.held).unwrap_or(Quantity::ZERO)
    }

    /// Whether a price is no worse than its limit.
    pub(super) fn is_price_good(&self, price: Price) -> bool {
        match self.listing.side {
            Side::Sell => price >= self.limit,
            Side::Buy => price <= self.limit,
        }
    }

    pub(super) const fn is_group(&self) -> bool {
        self.members.is_some()
    }
}

impl Boards {
    /// When each entry, negotiation and round ends by itself.
    pub(crate) fn due(&self) -> impl Iterator<Item = (Instant, Due)> {
        let entries = self.entries.iter().map(|(&id, entry)| (entry.listing.valid_until, Due::Entry(id)));
        let negotiations =
            self.negotiations.iter().map(|(&id, negotiation)| (negotiation.until, Due::Negotiation(id)));
        let rounds =
            self.boards.iter().filter_map(|(&id, board)| Some((board.round.as_ref()?.until, Due::Round(id))));
        entries.chain(negotiations).chain(rounds)
    }

    /// Forgets what was opened from an entry that is gone, and with it: a look at what is on its board, and not at all that was ever opened.
    fn forget_opened(&mut self, id: EntryId, board: BoardId) {
        let first = (id, Counterparty::Entry(EntryId(0)));
        let own = self.opened.range(first..).map(|(pair, _)| *pair).take_while(|(from, _)| *from == id);
        for pair in own.collect::<Vec<_>>() {
            self.opened.remove(&pair);
        }
        for &other in self.boards.get(&board).iter().flat_map(|board| &board.entries) {
            self.opened.remove(&(other, Counterparty::Entry(id)));
        }
    }
}

impl State {
    pub(super) fn board(&self, id: BoardId) -> Result<&ListedBoard, Reject> {
        self.bilateral.boards.get(&id).ok_or(Reject::UnknownBoard { board: id })
    }

    pub(super) fn entry(&self, id: EntryId) -> Result<&Listed, Reject> {
        self.bilateral.entries.get(&id).ok_or(Reject::UnknownEntry { entry: id })
    }

    /// An entry that a participant may dispose of.
    pub(super) fn own_entry(&self, id: EntryId, participant: ParticipantId) -> Result<&Listed, Reject> {
        let entry = self.entry(id)?;
        if entry.party == Party::Participant(participant) {
            Ok(entry)
        } else {
            Err(Reject::UnknownEntry { entry: id })
        }
    }

    pub(super) fn owner_of(&self, party: Party) -> Owner {
        let group = |id| self.registry.participant(id).map(|participant| participant.owner_group);
        // Every party was a participant when it came, and participants stay.
        party
            .participant()
            .map_or(Owner::Centre, |id| group(id).map_or(Owner::Group(OwnerGroup(id.0)), Owner::Group))
    }

    /// All owners of an entry: of a group, those of its members.
    pub(super) fn owners_of(&self, entry: &Listed) -> BTreeSet<Owner> {
        let members = entry.members.iter().flat_map(BTreeMap::keys);
        let parties = members.map(|member| Party::Participant(*member)).chain([entry.party]);
        parties.map(|party| self.owner_of(party)).collect()
    }

    /// Refuses to touch an entry that takes part in a round.
    // Rules: R-BIL-029.
    pub(super) fn check_still(&self, id: EntryId, entry: &Listed) -> Result<(), Reject> {
        match &self.board(entry.board)?.round {
            Some(round) if round.has(id) => Err(Reject::RoundOn { until: round.until }),
            _ => Ok(()),
        }
    }

    pub(crate) fn check_open_board(&self, id: BoardId, terms: &BoardTerms) -> Result<(), Reject> {
        if self.bilateral.boards.contains_key(&id) {
            return Err(Reject::BoardTaken);
        }
        self.check_board_terms(terms)
    }

    // Rules: R-BIL-002.
    pub(super) fn check_board_terms(&self, terms: &BoardTerms) -> Result<(), Reject> {
        let market = self.market(terms.market)?;
        if let Some(floor) = terms.rule.floor {
            market.check_price(floor)?;
        }
        let sectors: BTreeSet<&Name> = terms.sectors.iter().collect();
        let caps = [terms.rule.origin_cap, terms.rule.owner_cap];
        let can_trade = caps.iter().flatten().all(|cap| !cap.is_zero());
        if sectors.len() == terms.sectors.len() && sectors.len() <= SECTORS_MAX && can_trade {
            Ok(())
        } else {
            Err(Reject::BoardTerms)
        }
    }

    pub(crate) fn open_board(&mut self, id: BoardId, terms: BoardTerms) {
        self.bilateral.boards.insert(id, ListedBoard { terms, entries: BTreeSet::new(), round: None });
    }

    /// Puts an offer or a request of a participant's on a board; a request can be opened to a purchasing group.
    // Rules: R-BIL-004.
    #[expect(clippy::too_many_arguments, reason = "they are the command's fields, and who sent it when")]
    pub(crate) fn post_entry(
        &mut self,
        at: Instant,
        (identity, command): (IdentityId, CommandId),
        participant: ParticipantId,
        board: BoardId,
        listing: &Listing,
        limit: Price,
        is_group: bool,
        out: &mut Events,
    ) -> Result<(), Reject> {
        let party = Party::Participant(participant);
        self.check_alone(board, party, is_group)?;
        self.check_board_room(board, party)?;
        let needed = match listing.side {
            Side::Buy => Role::Buyer,
            Side::Sell => Role::Supplier,
        };
        if !self.registry.participant(participant)?.roles.contains(&needed)
            || (is_group && listing.side == Side::Sell)
        {
            return Err(Reject::WrongSide);
        }
        self.check_listing(at, board, listing, limit, is_group)?;
        let stake = Stake { quantity: listing.quantity, limit };
        let members = is_group.then(|| BTreeMap::from([(participant, stake)]));
        let owner = EntryOwner { party, posted: Some((identity, command)) };
        self.list(board, owner, listing.clone(), limit, members, out);
        Ok(())
    }

    /// Refuses an owner who is in a group on a board and would act beside it, or has entries there and would be in one.
    // Rules: R-BIL-025.
    pub(super) fn check_alone(&self, id: BoardId, party: Party, with_others: bool) -> Result<(), Reject> {
        let owner = self.owner_of(party);
        let entries = self.board(id)?.entries.iter().filter_map(|id| self.bilateral.entries.get(id));
        let excludes = |entry: &Listed| with_others || entry.is_group();
        let mut own = entries.filter(|entry| self.owners_of(entry).contains(&owner));
        if own.any(excludes) { Err(Reject::GroupOrAlone) } else { Ok(()) }
    }

    /// Refuses one more entry on a board that is full, or of an owner who has enough there.
    // Rules: R-BIL-003.
    pub(super) fn check_board_room(&self, id: BoardId, party: Party) -> Result<(), Reject> {
        let board = self.board(id)?;
        let owner = self.owner_of(party);
        let entries = board.entries.iter().filter_map(|id| self.bilateral.entries.get(id));
        let own = entries.filter(|entry| self.owner_of(entry.party) == owner).count();
        let is_full = |most: u32, many: usize| u32::try_from(many).is_ok_and(|many| many >= most);
        for (most, many) in [(ENTRIES_MAX, board.entries.len()), (ENTRIES_OF_OWNER_MAX, own)] {
            if is_full(most, many) {
                return Err(Reject::BoardFull { most });
            }
        }
        // Numbers are never used again.
        let most = u32::MAX;
        if self.bilateral.newest == most { Err(Reject::BoardFull { most }) } else { Ok(()) }
    }

    /// Refuses what no deal can come of.
    // Rules: R-BIL-005, R-BIL-006.
    pub(super) fn check_listing(
        &self,
        at: Instant,
        board: BoardId,
        listing: &Listing,
        limit: Price,
        is_group: bool,
    ) -> Result<(), Reject> {
        let terms = &self.board(board)?.terms;
        let market = self.market(terms.market)?;
        market.check_quantity(listing.quantity)?;
        if !listing.minimum.is_in(market.lot) {
            return Err(Reject::QuantityOffLot { lot: market.lot });
        }
        // A group can come to want more than its lead does.
        if listing.minimum > listing.quantity && !is_group {
            return Err(Reject::EntryMinimum);
        }
        check_window(at, listing.first, listing.last)?;
        if listing.valid_until <= at {
            return Err(Reject::EntryValidity { now: at });
        }
        self.check_limit(board, listing.side, limit)
    }

    /// Refuses a limit off the grid, and one at which a request can buy nothing.
    // Rules: R-BIL-007.
    pub(super) fn check_limit(&self, board: BoardId, side: Side, limit: Price) -> Result<(), Reject> {
        let terms = &self.board(board)?.terms;
        self.market(terms.market)?.check_price(limit)?;
        match terms.rule.floor {
            Some(floor) if side == Side::Buy && limit < floor => Err(Reject::BelowFloor { floor }),
            _ => Ok(()),
        }
    }

    /// Puts an entry on a board.
    pub(super) fn list(
        &mut self,
        board: BoardId,
        owner: EntryOwner,
        listing: Listing,
        limit: Price,
        members: Option<BTreeMap<ParticipantId, Stake>>,
        out: &mut Events,
    ) {
        let number = self.bilateral.newest.checked_add(1);
        assert!(number.is_some(), "that a number is left was checked");
        let number = number.unwrap_or(u32::MAX);
        self.bilateral.newest = number;
        let entry = EntryId(number);
        if let Some(board) = self.bilateral.boards.get_mut(&board) {
            board.entries.insert(entry);
        }
        self.due.insert((listing.valid_until, Due::Entry(entry)));
        let is_group = members.is_some();
        out.push(Event::EntryPosted {
            entry,
            board,
            owner: Some(owner),
            listing: listing.clone(),
            limit: Some(limit),
            is_group,
        });
        let listed = Listed {
            board,
            party: owner.party,
            listing,
            limit,
            held: Quantity::ZERO,
            negotiations: BTreeSet::new(),
            members,
        };
        self.bilateral.entries.insert(entry, listed);
    }

    /// Puts other terms in an entry's place; it keeps its number, and no less than it has promised.
    // Rules: R-BIL-008, R-BIL-010, R-BIL-011.
    pub(crate) fn replace_entry(
        &mut self,
        at: Instant,
        participant: ParticipantId,
        id: EntryId,
        listing: &Listing,
        limit: Price,
        out: &mut Events,
    ) -> Result<(), Reject> {
        let entry = self.own_entry(id, participant)?;
        self.check_still(id, entry)?;
        if listing.side != entry.listing.side {
            return Err(Reject::WrongSide);
        }
        self.check_listing(at, entry.board, listing, limit, entry.is_group())?;
        // Whoever negotiates about it negotiates about these goods.
        if listing.goods != entry.listing.goods && !entry.negotiations.is_empty() {
            return Err(Reject::EntryNegotiated);
        }
        let mut listing = listing.clone();
        let mut limit = limit;
        let mut members = entry.members.clone();
        if let Some(members) = &mut members {
            members.insert(participant, Stake { quantity: listing.quantity, limit });
            (listing.quantity, limit) = Stake::pooled(members).ok_or(Reject::AmountTooLarge)?;
        }
        if listing.quantity < entry.held || (entry.is_group() && !entry.held.is_zero()) {
            return Err(Reject::EntryHeld { held: entry.held });
        }
        let (board, party) = (entry.board, entry.party);
        let before = entry.listing.valid_until;
        self.due.remove(&(before, Due::Entry(id)));
        self.due.insert((listing.valid_until, Due::Entry(id)));
        if let Some(entry) = self.bilateral.entries.get_mut(&id) {
            entry.listing = listing.clone();
            entry.limit = limit;
            entry.members = members;
        }
        out.push(Event::EntryReplaced { entry: id, board, party: Some(party), listing, limit: Some(limit) });
        Ok(())
    }

    /// Takes an entry off its board; its negotiations end.
    pub(crate) fn withdraw_entry(
        &mut self,
        participant: ParticipantId,
        id: EntryId,
        out: &mut Events,
    ) -> Result<(), Reject> {
        let entry = self.own_entry(id, participant)?;
        self.check_still(id, entry)?;
        self.close_entry(id, EntryEnd::Withdrawn, out);
        Ok(())
    }

    /// An entry's time is over.
    pub(crate) fn expire_entry(&mut self, id: EntryId, out: &mut Events) {
        self.close_entry(id, EntryEnd::Expired, out);
    }

    /// Takes an entry off its board and ends its negotiations.
    // Rules: R-BIL-008.
    pub(super) fn close_entry(&mut self, id: EntryId, end: EntryEnd, out: &mut Events) {
        let Some(entry) = self.bilateral.entries.get(&id) else { return };
        for negotiation in entry.negotiations.clone() {
            self.end_negotiation(negotiation, NegotiationEnd::EntryGone, out);
        }
        let Some(entry) = self.bilateral.entries.remove(&id) else { return };
        self.due.remove(&(entry.listing.valid_until, Due::Entry(id)));
        if let Some(board) = self.bilateral.boards.get_mut(&entry.board) {
            board.entries.remove(&id);
        }
        self.bilateral.forget_opened(id, entry.board);
        out.push(Event::EntryClosed { entry: id, board: entry.board, end });
        self.unpledge_entry(&entry, entry.listing.quantity);
    }

    /// The terms of all boards.
    pub(crate) fn board_terms(&self) -> impl Iterator<Item = (BoardId, &BoardTerms)> {
        self.bilateral.boards.iter().map(|(id, board)| (*id, &board.terms))
    }

    /// What stands on all boards, as everybody sees it: the entry, its board, what it says, and whether it is a group's.
    pub(crate) fn listings(&self) -> impl Iterator<Item = (EntryId, BoardId, &Listing, bool)> {
        let entries = self.bilateral.entries.iter();
        entries.map(|(id, entry)| (*id, entry.board, &entry.listing, entry.members.is_some()))
    }

    /// Takes a participant off all boards, out of its groups and negotiations, as far as it could leave each by a command of its own:
    /// what takes part in a round, and a group that has promised something, stays.
    // Rules: R-BIL-013.
    pub(crate) fn leave_boards(&mut self, participant: ParticipantId, out: &mut Events) {
        let party = Party::Participant(participant);
        let mut own = Vec::new();
        let mut joined = Vec::new();
        for (id, entry) in &self.bilateral.entries {
            if entry.party == party {
                own.push(*id);
            } else if entry.members.as_ref().is_some_and(|members| members.contains_key(&participant)) {
                joined.push(*id);
            }
        }
        let of_party =
            self.bilateral.negotiations.iter().filter(|(_, open)| open.side_of(participant).is_some());
        let negotiations: Vec<NegotiationId> = of_party.map(|(id, _)| *id).collect();
        // A refusal says that this one is not to be left now; a negotiation may have ended with its entry.
        for id in own {
            let _ = self.withdraw_entry(participant, id, out);
        }
        for id in negotiations {
            let _ = self.leave_negotiation(participant, id, out);
        }
        for id in joined {
            let _ = self.leave_group(participant, id, participant, out);
        }
    }

    /// Takes a stopped participant off all boards, out of its groups, and out of all negotiations.
    // Rules: R-BIL-012.
    pub(crate) fn withdraw_entries_of(&mut self, participant: ParticipantId, out: &mut Events) {
        let party = Party::Participant(participant);
        let entries = self.bilateral.entries.iter();
        let own: Vec<EntryId> =
            entries.filter(|(_, entry)| entry.party == party).map(|(id, _)| *id).collect();
        for id in own {
            self.close_entry(id, EntryEnd::Withdrawn, out);
        }
        let is_member =
            |entry: &Listed| entry.members.as_ref().is_some_and(|members| members.contains_key(&participant));
        let entries = self.bilateral.entries.iter();
        let groups: Vec<EntryId> = entries.filter(|(_, entry)| is_member(entry)).map(|(id, _)| *id).collect();
        for id in groups {
            self.drop_member(id, participant, out);
        }
        let negotiations = self.bilateral.negotiations.iter();
        let of_party: Vec<NegotiationId> = negotiations
            .filter(|(_, negotiation)| negotiation.side_of(participant).is_some())
            .map(|(id, _)| *id)
            .collect();
        for id in of_party {
            self.end_negotiation(id, NegotiationEnd::Withdrawn, out);
        }
    }

    /// Whether all that stands on boards hangs together.
    pub(crate) fn are_boards_sound(&self) -> bool {
        let boards = &self.bilateral;
        let listed: usize = boards.boards.values().map(|board| board.entries.len()).sum();
        let are_boards = boards.boards.iter().all(|(&id, board)| {
            let round = board.round.as_ref();
            self.check_board_terms(&board.terms).is_ok()
                && board.entries.iter().all(|entry| self.entry(*entry).is_ok_and(|entry| entry.board == id))
                && round.is_none_or(|round| self.is_round_sound(id, &board.terms, round))
        });
        let are_entries = boards.entries.iter().all(|(&id, entry)| {
            let held = entry.negotiations.iter().try_fold(Quantity::ZERO, |sum, id| {
                let negotiation = boards.negotiations.get(id)?;
                sum.checked_add(negotiation.held_of(entry.listing.side))
            });
            id.0 <= boards.newest
                && self.party_exists(entry.party)
                && held == Some(entry.held)
                && entry.held <= entry.listing.quantity
                && !entry.listing.quantity.is_zero()
                && self.board(entry.board).is_ok_and(|board| {
                    let market = board.terms.market;
                    let is_stock_sound = match entry.party {
                        Party::Stock(of) => self.is_stock_entry_sound(of, market, entry.listing.side),
                        Party::Participant(_) => true,
                    };
                    is_stock_sound
                        && board.entries.contains(&id)
                        && self.market(market).is_ok_and(|market| {
                            entry.listing.quantity.is_in(market.lot)
                                && entry.listing.minimum.is_in(market.lot)
                                && market.check_price(entry.limit).is_ok()
                        })
                })
                && entry.members.as_ref().is_none_or(|members| {
                    Stake::pooled(members) == Some((entry.listing.quantity, entry.limit))
                        && members.keys().all(|member| self.registry.participant(*member).is_ok())
                })
        });
        let in_entries: usize = boards.entries.values().map(|entry| entry.negotiations.len()).sum();
        let seats: usize = boards.negotiations.values().map(Negotiation::entries_count).sum();
        let is_there = |entry: &EntryId| boards.entries.contains_key(entry);
        let are_opened = boards.opened.keys().all(|(from, with)| {
            is_there(from)
                && match with {
                    Counterparty::Entry(entry) => is_there(entry),
                    Counterparty::Participant(_) => true,
                }
        });
        are_boards
            && are_entries
            && are_opened
            && self.is_due_in_step()
            && listed == boards.entries.len()
            && in_entries == seats
            && boards.negotiations.iter().all(|(&id, negotiation)| self.is_negotiation_sound(id, negotiation))
            && boards.deals.iter().all(|(&id, deal)| self.is_deal_sound(id, deal))
    }

    /// Whether what ends by itself is due then, and nothing else of boards is.
    fn is_due_in_step(&self) -> bool {
        let of_boards = self.due.iter().filter(|(_, due)| !matches!(due, Due::Auction(_)));
        self.bilateral.due().all(|due| self.due.contains(&due))
            && of_boards.count() == self.bilateral.due().count()
    }

    pub(super) fn party_exists(&self, party: Party) -> bool {
        match party {
            Party::Participant(id) => self.registry.participant(id).is_ok(),
            Party::Stock(id) => self.programme(id).is_ok(),
        }
    }
}

/// Refuses days of delivery that end before they begin, or are over.
// Rules: R-BIL-006.
pub(super) fn check_window(at: Instant, first: Day, last: Day) -> Result<(), Reject> {
    let is_over = last.end().is_none_or(|end| end <= at);
    if last < first || is_over { Err(Reject::DeliveryWindow) } else { Ok(()) }
}
