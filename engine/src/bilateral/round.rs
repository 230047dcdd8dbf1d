//! Rounds in an exchange: what stands on a board is matched outside and proposed, and the best proposal becomes negotiations.
//!
//! Matching takes as long as it takes, so nothing here looks for one. An operator calls a round: all that is free on the board takes part and
//! stands still, and operators are told it, with limits. Whoever solves it ([`RoundSolution::of`], or anything else)
//! proposes deals with [`Command::ProposeDeals`](crate::command::Command). A proposal is checked in full before it counts: that the
//! deals may be made, and what they are worth; their prices follow by the board's rule, to the nearest tick. The best by the time for it is taken, of two as
//! good the first. That nothing is better counts as proved if the solution's dual prices prove it, and else as said by its solver.
//!
//! A deal of a round is a proposal to both sides: `negotiation.rs` says what becomes of it.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use super::board::{BoardTerms, Goods, Listed, ListedBoard, Owner, Party};
use super::check::{DualPrices, check};
use super::negotiation::{Consent, DealTerms, Negotiation, Seat};
use super::{
    Board, BoardError, Entry, Preference, Proof, ProposedDeal, RoundRule, Worth, check_board, hold_round,
    price,
};
use crate::book::Side;
use crate::digest::Digest;
use crate::event::{Event, Events};
use crate::exchange::{Due, State};
use crate::id::{BoardId, Counterparty, EntryId, IdentityId};
use crate::num::{Price, Quantity};
use crate::reject::Reject;
use crate::time::{Day, Instant};

/// An entry that takes part in a round, as a solver needs it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoundEntry {
    /// The entry.
    pub entry: EntryId,
    /// Whether it is an offer or a request.
    pub side: Side,
    /// Whose it is, as a number of this round's.
    pub party: u32,
    /// Its beneficial owner, as a number of this round's; a purchasing group has one of its own.
    pub owner: u32,
    /// What exactly.
    pub goods: Goods,
    /// The first day of delivery.
    pub first: Day,
    /// The last day of delivery.
    pub last: Day,
    /// The least lots of a deal.
    pub minimum: i64,
    /// How many lots are free.
    pub quantity: i64,
    /// The least that an offer takes, the most that a request pays.
    pub limit: Price,
    /// The place of its sector in the board's order.
    pub sector: u32,
}

/// Deals that are proposed for a round.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoundSolution {
    /// The digest of the entries that it is for, as [`Event::RoundBook`] told it.
    pub entries: Digest,
    /// Offer, request and lots, in the order of the offers and then the requests.
    pub deals: Vec<(EntryId, EntryId, i64)>,
    /// Dual prices that prove that nothing is better, in the order in which the round told its offers and requests.
    pub duals: Option<DualPrices>,
    /// More lots than these cannot be matched, if whoever solved it says so. [`RoundSolution::of`] does not where sectors that come first
    /// can cost lots.
    pub bound: Option<i64>,
}

/// What is known of how good a round's deals are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RoundProof {
    /// Dual prices prove that nothing is better.
    Proved,
    /// Whoever solved it says that no more lots than these can be matched.
    Claimed(i64),
    /// Nothing is known.
    Unknown,
}

/// A round for which solutions are taken.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct RoundState {
    pub(super) until: Instant,
    /// In the order of their numbers.
    pub(super) entries: Vec<RoundEntry>,
    pub(super) digest: Digest,
    best: Option<Box<Proposed>>,
}

/// The best solution so far.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Proposed {
    by: IdentityId,
    solution: RoundSolution,
    worth: Worth,
    deals: Vec<ProposedDeal>,
    proof: RoundProof,
}

impl RoundState {
    pub(super) fn has(&self, id: EntryId) -> bool {
        self.entries.binary_search_by_key(&id, |entry| entry.entry).is_ok()
    }
}

/// What each entry of a round is called: numbers whose bytes are in their order.
pub fn round_names(entries: &[RoundEntry]) -> Vec<[u8; 4]> {
    entries.iter().map(|entry| entry.entry.0.to_be_bytes()).collect()
}

/// The entries of a round as they are matched and checked, each by its name.
pub fn round_board<'a>(entries: &'a [RoundEntry], names: &'a [[u8; 4]]) -> Board<'a> {
    let mut board = Board::default();
    for (entry, name) in entries.iter().zip(names) {
        let text = |name: &'a Option<crate::text::Name>| name.as_ref().map_or("", |name| name.as_str());
        let matched = Entry {
            id: name,
            party: entry.party,
            owner: entry.owner,
            // A board is of one market, and that of one material.
            material: "",
            grade: text(&entry.goods.grade),
            purity: entry.goods.purity,
            place: text(&entry.goods.place),
            origin: entry.goods.origin,
            first: entry.first,
            last: entry.last,
            minimum: entry.minimum,
            quantity: entry.quantity,
            limit: entry.limit,
            sector: entry.sector,
        };
        match entry.side {
            Side::Sell => board.offers.push(matched),
            Side::Buy => board.requests.push(matched),
        }
    }
    board
}

/// The numbers of the entries of one side, in their order.
fn of_side(entries: &[RoundEntry], side: Side) -> Vec<EntryId> {
    entries.iter().filter(|entry| entry.side == side).map(|entry| entry.entry).collect()
}

impl RoundSolution {
    /// Matches the entries of a round, looking at up to `node_limit` partial choices.
    ///
    /// # Errors
    /// [`BoardError`] if no exchange can have told these entries.
    pub fn of(
        entries: &[RoundEntry],
        digest: Digest,
        rule: &RoundRule,
        node_limit: u64,
    ) -> Result<Self, BoardError> {
        let names = round_names(entries);
        let round = hold_round(&round_board(entries, &names), rule, node_limit)?;
        let (offers, requests) = (of_side(entries, Side::Sell), of_side(entries, Side::Buy));
        let named = |rows: &[EntryId], row: u32| rows.get(usize::try_from(row).ok()?).copied();
        let deals = round.deals.iter();
        let deals = deals.filter_map(|deal| {
            Some((named(&offers, deal.offer)?, named(&requests, deal.request)?, deal.quantity))
        });
        let most = match &round.proof {
            Proof::Optimal => round.worth.quantity,
            Proof::Bound(worth) => worth.quantity,
        };
        // Sectors that come first can cost lots where caps or least quantities set them against each other: what is best then
        // bounds no lots.
        let can_cost_lots = rule.preference == Preference::Priority
            && (rule.origin_cap.is_some()
                || rule.owner_cap.is_some()
                || entries.iter().any(|entry| entry.minimum != 0));
        let bound = (!can_cost_lots).then_some(most);
        Ok(Self { entries: digest, deals: deals.collect(), duals: round.duals, bound })
    }
}

impl State {
    /// Calls a round: what is free on the board takes part, and stands still until it is over.
    // Rules: R-BIL-029.
    pub(crate) fn call_round(&mut self, at: Instant, id: BoardId, out: &mut Events) -> Result<(), Reject> {
        let board = self.board(id)?;
        if let Some(round) = &board.round {
            return Err(Reject::RoundOn { until: round.until });
        }
        let seconds = board.terms.solution_seconds.get();
        let until = at.plus_seconds(seconds).ok_or(Reject::EntryValidity { now: at })?;
        let entries = self.round_entries(at, board)?;
        check_board(&round_board(&entries, &round_names(&entries))).map_err(|_| Reject::AmountTooLarge)?;
        let digest = Digest::of(&entries);
        out.push(Event::RoundCalled { board: id, until });
        out.push(Event::RoundBook { board: id, digest, entries: entries.clone() });
        self.due.insert((until, Due::Round(id)));
        if let Some(board) = self.bilateral.boards.get_mut(&id) {
            board.round = Some(RoundState { until, entries, digest, best: None });
        }
        Ok(())
    }

    /// What of a board can be matched now.
    fn round_entries(&self, at: Instant, board: &ListedBoard) -> Result<Vec<RoundEntry>, Reject> {
        let market = self.market(board.terms.market)?;
        let entries = board.entries.iter().filter_map(|id| Some((*id, self.bilateral.entries.get(id)?)));
        let is_open = |entry: &Listed| {
            let free = entry.free();
            let is_due = entry.listing.last.end().is_some_and(|end| end > at);
            is_due && !free.is_zero() && free >= entry.listing.minimum
        };
        let open: Vec<(EntryId, &Listed)> = entries.filter(|(_, entry)| is_open(entry)).collect();
        // A group is an owner of its own: none of its members' owners is anywhere else on the board.
        let owner = |id: EntryId, entry: &Listed| match entry.is_group() {
            true => (Some(id), Owner::Centre),
            false => (None, self.owner_of(entry.party)),
        };
        let mut owners: BTreeMap<(Option<EntryId>, Owner), u32> =
            open.iter().map(|(id, entry)| (owner(*id, entry), 0)).collect();
        let mut parties: BTreeMap<Party, u32> = open.iter().map(|(_, entry)| (entry.party, 0)).collect();
        for (number, place) in owners.values_mut().zip(0_u32..) {
            *number = place;
        }
        for (number, place) in parties.values_mut().zip(0_u32..) {
            *number = place;
        }
        let sectors = &board.terms.sectors;
        let rank = |listed: &Listed| {
            let named = listed.listing.sector.as_ref();
            let place = named.and_then(|name| sectors.iter().position(|sector| sector == name));
            u32::try_from(place.unwrap_or(sectors.len())).unwrap_or(u32::MAX)
        };
        let row = |(id, entry): (EntryId, &Listed)| {
            let lots = |quantity| market.lots(quantity).ok_or(Reject::QuantityOffLot { lot: market.lot });
            Ok(RoundEntry {
                entry: id,
                side: entry.listing.side,
                party: parties.get(&entry.party).copied().unwrap_or(0),
                owner: owners.get(&owner(id, entry)).copied().unwrap_or(0),
                goods: entry.listing.goods.clone(),
                first: entry.listing.first,
                last: entry.listing.last,
                minimum: lots(entry.listing.minimum)?,
                quantity: lots(entry.free())?,
                limit: entry.limit,
                sector: rank(entry),
            })
        };
        open.into_iter().map(row).collect()
    }

    /// Takes a solution of a round that may be made, and keeps it if it is the best so far.
    // Rules: R-BIL-031.
    pub(crate) fn propose_deals(
        &mut self,
        id: BoardId,
        by: IdentityId,
        solution: &RoundSolution,
        out: &mut Events,
    ) -> Result<(), Reject> {
        let board = self.board(id)?;
        let round = board.round.as_ref().ok_or(Reject::NoRound)?;
        let proposed = round.judge(&board.terms, by, solution)?;
        let (lots, surplus, proof) = (proposed.worth.quantity, proposed.worth.surplus, proposed.proof);
        let is_best = round.best.as_ref().is_none_or(|best| proposed.worth > best.worth);
        let round = self.bilateral.boards.get_mut(&id).and_then(|board| board.round.as_mut());
        if let Some(round) = round.filter(|_| is_best) {
            round.best = Some(Box::new(proposed));
        }
        out.push(Event::DealsProposed { board: id, by, lots, surplus, proof, is_best });
        Ok(())
    }

    /// A round is over: the deals of the best solution are proposed to their sides.
    pub(crate) fn end_round(&mut self, at: Instant, id: BoardId, out: &mut Events) {
        let Some(board) = self.bilateral.boards.get_mut(&id) else { return };
        let Some(RoundState { entries, best, .. }) = board.round.take() else { return };
        let market = board.terms.market;
        let (matched, deals, proof) = match best {
            Some(best) => (best.worth.quantity, best.deals, best.proof),
            None => (0, Vec::new(), RoundProof::Unknown),
        };
        let (offers, requests) = (of_side(&entries, Side::Sell), of_side(&entries, Side::Buy));
        let named = |rows: &[EntryId], row: u32| rows.get(usize::try_from(row).ok()?).copied();
        let mut opened = Events::new();
        for ProposedDeal { offer, request, quantity, price } in deals {
            let on_grid = self.market(market).ok();
            let on_grid =
                on_grid.and_then(|market| Some((market.quantity(quantity)?, market.nearest(price))));
            if let (Some(offer), Some(request), Some((quantity, price))) =
                (named(&offers, offer), named(&requests, request), on_grid)
            {
                self.propose_deal(at, (offer, request), price, quantity, &mut opened);
            }
        }
        let proposals = u32::try_from(opened.len()).unwrap_or(u32::MAX);
        out.push(Event::RoundHeld { board: id, lots: matched, proposals, proof });
        out.append(&mut opened);
    }

    /// Proposes a deal to both of its sides, unless one has left the board since.
    // Rules: R-BIL-042.
    fn propose_deal(
        &mut self,
        at: Instant,
        (offer, request): (EntryId, EntryId),
        price: Price,
        quantity: Quantity,
        out: &mut Events,
    ) {
        let (Ok(sold), Ok(bought)) = (self.entry(offer), self.entry(request)) else {
            return;
        };
        let board = sold.board;
        let Ok(until) = self.answer_until(at, board) else { return };
        if sold.free() < quantity || bought.free() < quantity {
            return;
        }
        let first = sold.listing.first.max(bought.listing.first);
        let last = sold.listing.last.min(bought.listing.last);
        let terms = DealTerms { price: Some(price), quantity, first, last };
        let seat = |entry: EntryId, party: Party| {
            let said = matches!(party, Party::Stock(_)).then_some(Consent::Stock);
            Seat { party, entry: Some(entry), said }
        };
        let (seller, buyer) = (seat(offer, sold.party), seat(request, bought.party));
        let negotiation = Negotiation { board, seller, buyer, terms, turn: 0, until, is_rounds: true };
        self.open(request, Counterparty::Entry(offer), negotiation, out);
    }

    pub(super) fn is_round_sound(&self, id: BoardId, terms: &BoardTerms, round: &RoundState) -> bool {
        let names = round_names(&round.entries);
        // What takes part stands still, but for a group that a member had to leave: it can pay more.
        let is_as_called = |row: &RoundEntry| {
            self.entry(row.entry).map_or(true, |entry| {
                let is_limit = entry.limit == row.limit || (entry.is_group() && entry.limit > row.limit);
                entry.board == id && entry.listing.side == row.side && is_limit
            })
        };
        round.entries.is_sorted_by(|one, next| one.entry < next.entry)
            && round.entries.iter().all(is_as_called)
            && round.digest == Digest::of(&round.entries)
            && check_board(&round_board(&round.entries, &names)).is_ok()
            && round.best.as_ref().is_none_or(|best| {
                round.judge(terms, best.by, &best.solution).is_ok_and(|again| again == **best)
            })
    }
}

impl RoundState {
    /// What a solution is worth, if its deals may be made.
    // Rules: R-BIL-030, R-BIL-041.
    fn judge(
        &self,
        terms: &BoardTerms,
        by: IdentityId,
        solution: &RoundSolution,
    ) -> Result<Proposed, Reject> {
        if solution.entries != self.digest {
            return Err(Reject::OtherEntries);
        }
        let names = round_names(&self.entries);
        let (board, rule) = (round_board(&self.entries, &names), &terms.rule);
        let (offers, requests) = (of_side(&self.entries, Side::Sell), of_side(&self.entries, Side::Buy));
        let place = |rows: &[EntryId], id: EntryId| {
            let place = rows.binary_search(&id).map_err(|_| Reject::UnknownEntry { entry: id })?;
            u32::try_from(place).map_err(|_| Reject::UnknownEntry { entry: id })
        };
        let lots = solution.deals.iter();
        let lots = lots
            .map(|(offer, request, lots)| Ok((place(&offers, *offer)?, place(&requests, *request)?, *lots)));
        let lots = lots.collect::<Result<Vec<_>, Reject>>()?;
        if !lots.is_sorted_by(|(offer, request, _), (next, other, _)| (offer, request) < (next, other)) {
            return Err(Reject::DealsOutOfOrder);
        }
        let deals = price::priced(&board, rule, &lots);
        let worth = Worth::of(&board, rule, &lots);
        // Dual prices are of lots and surplus, and prove nothing of sectors and shares.
        let duals = solution.duals.as_ref().filter(|_| rule.preference == Preference::Surplus);
        check(&board, rule, &deals, &worth, duals).map_err(|fault| Reject::DealsRefused { fault })?;
        // What the deals themselves exceed bounds nothing.
        let bound = solution.bound.filter(|bound| *bound >= worth.quantity);
        let proof = match (duals, bound) {
            (Some(_), _) => RoundProof::Proved,
            (None, Some(bound)) => RoundProof::Claimed(bound),
            (None, None) => RoundProof::Unknown,
        };
        if deals.len() == lots.len() {
            Ok(Proposed { by, solution: solution.clone(), worth, deals, proof })
        } else {
            Err(Reject::AmountTooLarge)
        }
    }
}
