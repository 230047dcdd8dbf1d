//! Negotiations: from a proposal to a deal, or to nothing.
//!
//! A negotiation is between an offer and a request, or between an entry and a chosen participant, who needs none (a request for a
//! quotation). It has terms, and each side has *agreed* to them or not yet. A proposal comes from one side, which has agreed, or from
//! a round, when neither has. A side that has not agreed accepts, or counters with terms of its own, to which it agrees and the
//! other side then does not yet; the numbers of counters and the time for each answer are the board's. When both have agreed there is
//! a deal, at that moment. A side that has agreed can take that back until then, the other can decline, and silence ends it. A first
//! proposal without a price asks for one, and is nobody's promise.
//!
//! | what happens | who has agreed | what is held |
//! |---|---|---|
//! | a side proposes or counters | that side | its entry |
//! | a price is asked for | nobody | nothing |
//! | a round proposes | nobody | both entries |
//! | a side accepts | both: a deal; in a round, perhaps only that side | both entries |
//!
//! Only the two sides see it, and until the deal neither is told who the other is. A programme's stock does not negotiate: it has
//! agreed to whatever keeps to its own terms.

use serde::{Deserialize, Serialize};

use super::board::{EntryEnd, Goods, Listed, Party, check_window};
use crate::book::Side;
use crate::event::{Event, Events};
use crate::exchange::{Due, State};
use crate::id::{BoardId, Counterparty, EntryId, IdentityId, NegotiationId, ParticipantId};
use crate::num::{Price, Quantity};
use crate::participant::{Role, Standing};
use crate::reject::Reject;
use crate::time::{Day, Instant};

/// The most negotiations that are opened from one entry and not over.
// Rules: R-BIL-052.
const NEGOTIATIONS_OF_ENTRY_MAX: usize = 64;

/// The most negotiations of one owner with one entry at a time, and of one entry with a chosen participant, so that nobody floods another.
// Rules: R-BIL-052.
const NEGOTIATIONS_OF_OWNER_MAX: usize = 8;

/// What is negotiated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DealTerms {
    /// The price of a unit; `None` to ask for one.
    pub price: Option<Price>,
    /// How much.
    pub quantity: Quantity,
    /// The first day of delivery.
    pub first: Day,
    /// The last day of delivery.
    pub last: Day,
}

/// Who agreed for a side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Consent {
    /// Somebody who acts for it.
    Identity(IdentityId),
    /// Two operators, when they put the stock on the board.
    Stock,
}

/// Who is on which side; `None` where whoever reads it is not told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sides {
    /// Who sells.
    pub seller: Option<Party>,
    /// Who buys.
    pub buyer: Option<Party>,
}

/// How a negotiation ended without a deal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NegotiationEnd {
    /// A side that had not agreed declined.
    Declined,
    /// A side that had agreed took that back, or a side was stopped.
    Withdrawn,
    /// Nobody answered in time.
    Lapsed,
    /// An entry that it was about is no longer on the board.
    EntryGone,
}

/// One side of a negotiation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Seat {
    pub(super) party: Party,
    /// `None` for a chosen participant that was asked without having one.
    pub(super) entry: Option<EntryId>,
    /// Who stated or accepted the terms for it; where they have no price, that is a question and no consent.
    pub(super) said: Option<Consent>,
}

/// A negotiation as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Negotiation {
    pub(super) board: BoardId,
    pub(super) seller: Seat,
    pub(super) buyer: Seat,
    pub(super) terms: DealTerms,
    /// How often it was countered.
    pub(super) turn: u32,
    pub(super) until: Instant,
    /// Whether the terms are a round's, for which both entries are held.
    pub(super) is_rounds: bool,
}

impl Negotiation {
    pub(super) const fn seat(&self, side: Side) -> &Seat {
        match side {
            Side::Sell => &self.seller,
            Side::Buy => &self.buyer,
        }
    }

    const fn seat_mut(&mut self, side: Side) -> &mut Seat {
        match side {
            Side::Sell => &mut self.seller,
            Side::Buy => &mut self.buyer,
        }
    }

    /// Which side a participant is.
    pub(super) fn side_of(&self, participant: ParticipantId) -> Option<Side> {
        [Side::Sell, Side::Buy]
            .into_iter()
            .find(|side| self.seat(*side).party == Party::Participant(participant))
    }

    /// What of a side's entry is held for it.
    // Rules: R-BIL-045, R-BIL-047.
    pub(super) fn held_of(&self, side: Side) -> Quantity {
        let has_agreed = self.seat(side).said.is_some() && self.terms.price.is_some();
        if has_agreed || self.is_rounds { self.terms.quantity } else { Quantity::ZERO }
    }

    pub(super) const fn sides(&self) -> Sides {
        Sides { seller: Some(self.seller.party), buyer: Some(self.buyer.party) }
    }

    pub(super) fn entries_count(&self) -> usize {
        [self.seller.entry, self.buyer.entry].iter().flatten().count()
    }
}

/// The other side.
const fn other(side: Side) -> Side {
    match side {
        Side::Sell => Side::Buy,
        Side::Buy => Side::Sell,
    }
}

impl State {
    pub(super) fn negotiation(&self, id: NegotiationId) -> Result<&Negotiation, Reject> {
        self.bilateral.negotiations.get(&id).ok_or(Reject::UnknownNegotiation { negotiation: id })
    }

    /// A negotiation that a participant is a side of.
    // Rules: R-BIL-022.
    fn own_negotiation(
        &self,
        id: NegotiationId,
        participant: ParticipantId,
    ) -> Result<(&Negotiation, Side), Reject> {
        let negotiation = self.negotiation(id)?;
        let side = negotiation.side_of(participant).ok_or(Reject::UnknownNegotiation { negotiation: id })?;
        Ok((negotiation, side))
    }

    /// Refuses terms off the market's grid, below the board's floor, or for days that are over.
    // Rules: R-BIL-046.
    fn check_terms(&self, at: Instant, board: BoardId, terms: &DealTerms) -> Result<(), Reject> {
        let board = &self.board(board)?.terms;
        let market = self.market(board.market)?;
        if let Some(price) = terms.price {
            market.check_price(price)?;
            if let Some(floor) = board.rule.floor.filter(|floor| price < *floor) {
                return Err(Reject::BelowFloor { floor });
            }
        }
        if terms.quantity.is_zero() || !terms.quantity.is_in(market.lot) {
            return Err(Reject::QuantityOffLot { lot: market.lot });
        }
        check_window(at, terms.first, terms.last)
    }

    /// Refuses to promise more of an entry than is promised to nobody else, or to pay more than a group's members would. `own` is what
    /// the same negotiation holds of it already.
    // Rules: R-BIL-022, R-BIL-047.
    fn check_promise_of(&self, id: Option<EntryId>, terms: &DealTerms, own: Quantity) -> Result<(), Reject> {
        let (Some(id), Some(price)) = (id, terms.price) else {
            return Ok(());
        };
        let entry = self.entry(id)?;
        let free = entry.free().checked_add(own).unwrap_or(own);
        if terms.quantity > free {
            return Err(Reject::EntryShort { free });
        }
        if terms.quantity > own {
            self.check_still(id, entry)?;
        }
        if entry.is_group() && price > entry.limit {
            return Err(Reject::GroupLimit { limit: entry.limit });
        }
        Ok(())
    }

    /// Proposes terms to another entry or a chosen participant, or asks for a price.
    // Rules: R-BIL-052.
    #[expect(clippy::too_many_arguments, reason = "they are the command's fields, and who sent it when")]
    pub(crate) fn negotiate(
        &mut self,
        at: Instant,
        identity: IdentityId,
        participant: ParticipantId,
        id: EntryId,
        with: Counterparty,
        terms: &DealTerms,
        out: &mut Events,
    ) -> Result<(), Reject> {
        let own = self.own_entry(id, participant)?;
        let side = own.listing.side;
        let own_seat = Seat { party: own.party, entry: Some(id), said: Some(Consent::Identity(identity)) };
        let (other_seat, of_other) = self.counterparty(own, with)?;
        self.check_terms(at, own.board, terms)?;
        self.check_promise_of(Some(id), terms, Quantity::ZERO)?;
        let is_open = |number: &NegotiationId| number.entry == id;
        if own.negotiations.iter().filter(|number| is_open(number)).count() >= NEGOTIATIONS_OF_ENTRY_MAX {
            return Err(Reject::TooManyNegotiations);
        }
        let owner = self.owner_of(own.party);
        // Of a chosen participant only those that it was asked in count: its entries are not known to be its.
        let asked =
            || own.negotiations.iter().filter(|number| is_open(number) && number.with == with).count();
        let with_other = of_other.map_or_else(asked, |other| self.negotiations_with(other, owner));
        if with_other >= NEGOTIATIONS_OF_OWNER_MAX {
            return Err(Reject::TooManyNegotiations);
        }
        let (stock, board) = (matches!(other_seat.party, Party::Stock(_)), own.board);
        if let Some(other) = of_other.filter(|_| stock) {
            check_stock_terms(other, terms)?;
            self.check_promise_of(other_seat.entry, terms, Quantity::ZERO)?;
        }
        let until = self.answer_until(at, board)?;
        let (seller, buyer) = match side {
            Side::Sell => (own_seat, other_seat),
            Side::Buy => (other_seat, own_seat),
        };
        let (turn, is_rounds) = (0, false);
        let opened = self.open(
            id,
            with,
            Negotiation { board, seller, buyer, terms: *terms, turn, until, is_rounds },
            out,
        );
        if stock {
            self.agree(at, opened, other(side), Consent::Stock, out);
        }
        Ok(())
    }

    /// Who is to answer, if it may: somebody on the other side of the same board who wants the same, or a chosen participant.
    // Rules: R-BIL-019, R-BIL-036.
    fn counterparty(&self, own: &Listed, with: Counterparty) -> Result<(Seat, Option<&Listed>), Reject> {
        let side = own.listing.side;
        match with {
            Counterparty::Entry(id) => {
                let entry = self.entry(id)?;
                let goods = match side {
                    Side::Sell => Goods::agreed(&own.listing.goods, &entry.listing.goods),
                    Side::Buy => Goods::agreed(&entry.listing.goods, &own.listing.goods),
                };
                if entry.board != own.board || entry.listing.side == side || goods.is_none() {
                    return Err(Reject::NoCounterparty);
                }
                if !self.owners_of(own).is_disjoint(&self.owners_of(entry)) {
                    return Err(Reject::SameOwner);
                }
                Ok((Seat { party: entry.party, entry: Some(id), said: None }, Some(entry)))
            }
            Counterparty::Participant(id) => {
                // Who takes part is nobody's business.
                let terms = self.registry.participant(id).map_err(|_| Reject::NoCounterparty)?;
                let needed = match side {
                    Side::Sell => Role::Buyer,
                    Side::Buy => Role::Supplier,
                };
                if !terms.roles.contains(&needed) || terms.standing != Standing::Active {
                    return Err(Reject::NoCounterparty);
                }
                let party = Party::Participant(id);
                if self.owners_of(own).contains(&self.owner_of(party)) {
                    return Err(Reject::SameOwner);
                }
                Ok((Seat { party, entry: None, said: None }, None))
            }
        }
    }

    /// How many negotiations an owner has with an entry.
    fn negotiations_with(&self, entry: &Listed, owner: super::board::Owner) -> usize {
        let side = other(entry.listing.side);
        let negotiations = entry.negotiations.iter().filter_map(|id| self.bilateral.negotiations.get(id));
        negotiations.filter(|negotiation| self.owner_of(negotiation.seat(side).party) == owner).count()
    }

    pub(super) fn answer_until(&self, at: Instant, board: BoardId) -> Result<Instant, Reject> {
        let seconds = self.board(board)?.terms.answer_seconds.get();
        at.plus_seconds(seconds).ok_or(Reject::EntryValidity { now: at })
    }

    /// Opens a negotiation that was checked, and holds what its sides promise.
    // Rules: R-BIL-018.
    pub(super) fn open(
        &mut self,
        from: EntryId,
        with: Counterparty,
        negotiation: Negotiation,
        out: &mut Events,
    ) -> NegotiationId {
        let opened = self.bilateral.opened.entry((from, with)).or_insert(0);
        *opened = opened.saturating_add(1);
        let id = NegotiationId { entry: from, with, number: *opened };
        let Negotiation { board, terms, until, is_rounds, .. } = negotiation;
        let (sides, buyer_asks) = (negotiation.sides(), negotiation.buyer.said.is_some());
        let by = (!is_rounds).then_some(if buyer_asks { Side::Buy } else { Side::Sell });
        out.push(Event::NegotiationOpened { negotiation: id, board, sides, by, terms, until });
        self.bilateral.negotiations.insert(id, negotiation);
        for entry in [negotiation.seller.entry, negotiation.buyer.entry].into_iter().flatten() {
            if let Some(entry) = self.bilateral.entries.get_mut(&entry) {
                entry.negotiations.insert(id);
            }
        }
        self.due.insert((until, Due::Negotiation(id)));
        self.hold(&negotiation);
        id
    }

    /// Holds what the sides of a negotiation promise.
    fn hold(&mut self, negotiation: &Negotiation) {
        self.move_held(negotiation, Quantity::checked_add);
    }

    /// Holds it no longer.
    fn let_go(&mut self, negotiation: &Negotiation) {
        self.move_held(negotiation, Quantity::checked_sub);
    }

    fn move_held(&mut self, negotiation: &Negotiation, by: fn(Quantity, Quantity) -> Option<Quantity>) {
        for side in [Side::Sell, Side::Buy] {
            let entry = negotiation.seat(side).entry.and_then(|id| self.bilateral.entries.get_mut(&id));
            let Some(entry) = entry else { continue };
            let held = by(entry.held, negotiation.held_of(side));
            assert!(held.is_some_and(|held| held <= entry.listing.quantity), "no more is held than is there");
            entry.held = held.unwrap_or(entry.held);
        }
    }

    /// Answers a proposal with other terms.
    // Rules: R-BIL-045, R-BIL-048, R-BIL-049.
    #[expect(clippy::too_many_arguments, reason = "they are the command's fields, and who sent it when")]
    pub(crate) fn counter_terms(
        &mut self,
        at: Instant,
        identity: IdentityId,
        participant: ParticipantId,
        id: NegotiationId,
        turn: u32,
        terms: &DealTerms,
        out: &mut Events,
    ) -> Result<(), Reject> {
        let (negotiation, side) = self.own_negotiation(id, participant)?;
        check_turn(negotiation, side, turn)?;
        if matches!(negotiation.seat(other(side)).party, Party::Stock(_)) {
            return Err(Reject::StockDoesNotNegotiate);
        }
        let most = self.board(negotiation.board)?.terms.counters_most;
        if negotiation.turn >= most {
            return Err(Reject::TooManyCounters { most });
        }
        if terms.price.is_none() {
            return Err(Reject::NoPrice);
        }
        self.check_terms(at, negotiation.board, terms)?;
        self.check_promise_of(negotiation.seat(side).entry, terms, negotiation.held_of(side))?;
        let until = self.answer_until(at, negotiation.board)?;

        let before = *negotiation;
        let mut after = before;
        after.seat_mut(side).said = Some(Consent::Identity(identity));
        after.seat_mut(other(side)).said = None;
        after.turn = before.turn.saturating_add(1);
        (after.terms, after.until, after.is_rounds) = (*terms, until, false);
        self.let_go(&before);
        self.hold(&after);
        self.due.remove(&(before.until, Due::Negotiation(id)));
        self.due.insert((until, Due::Negotiation(id)));
        self.bilateral.negotiations.insert(id, after);
        let (sides, turn, terms) = (after.sides(), after.turn, *terms);
        out.push(Event::TermsCountered { negotiation: id, sides, by: side, turn, terms, until });
        Ok(())
    }

    /// Agrees to the terms as they stand; where the other side has too, there is a deal.
    // Rules: R-BIL-045.
    pub(crate) fn accept_terms(
        &mut self,
        at: Instant,
        identity: IdentityId,
        participant: ParticipantId,
        id: NegotiationId,
        turn: u32,
        out: &mut Events,
    ) -> Result<(), Reject> {
        let (negotiation, side) = self.own_negotiation(id, participant)?;
        check_turn(negotiation, side, turn)?;
        if negotiation.terms.price.is_none() {
            return Err(Reject::NoPrice);
        }
        check_window(at, negotiation.terms.first, negotiation.terms.last)?;
        let own = negotiation.held_of(side);
        self.check_promise_of(negotiation.seat(side).entry, &negotiation.terms, own)?;
        self.agree(at, id, side, Consent::Identity(identity), out);
        Ok(())
    }

    /// A side agrees.
    // Rules: R-BIL-043.
    pub(super) fn agree(
        &mut self,
        at: Instant,
        id: NegotiationId,
        side: Side,
        by: Consent,
        out: &mut Events,
    ) {
        let Some(before) = self.bilateral.negotiations.get(&id).copied() else { return };
        let mut after = before;
        after.seat_mut(side).said = Some(by);
        self.let_go(&before);
        self.hold(&after);
        self.bilateral.negotiations.insert(id, after);
        if after.seat(other(side)).said.is_some() {
            self.make_deal(at, id, out);
        } else {
            out.push(Event::TermsAccepted { negotiation: id, sides: after.sides(), by: side });
        }
    }

    /// A side leaves a negotiation: it declines, or takes back what it had agreed to.
    // Rules: R-BIL-050.
    pub(crate) fn leave_negotiation(
        &mut self,
        participant: ParticipantId,
        id: NegotiationId,
        out: &mut Events,
    ) -> Result<(), Reject> {
        let (negotiation, side) = self.own_negotiation(id, participant)?;
        let end = match negotiation.seat(side).said {
            Some(_) => NegotiationEnd::Withdrawn,
            None => NegotiationEnd::Declined,
        };
        self.end_negotiation(id, end, out);
        Ok(())
    }

    /// Nobody answered in time.
    // Rules: R-BIL-051.
    pub(crate) fn lapse_negotiation(&mut self, id: NegotiationId, out: &mut Events) {
        self.end_negotiation(id, NegotiationEnd::Lapsed, out);
    }

    /// Ends a negotiation without a deal: what it held is free again.
    pub(super) fn end_negotiation(&mut self, id: NegotiationId, end: NegotiationEnd, out: &mut Events) {
        if let Some(negotiation) = self.take_negotiation(id) {
            out.push(Event::NegotiationEnded { negotiation: id, sides: negotiation.sides(), end });
        }
    }

    /// Takes a negotiation out of everything that knows of it.
    pub(super) fn take_negotiation(&mut self, id: NegotiationId) -> Option<Negotiation> {
        let negotiation = self.bilateral.negotiations.remove(&id)?;
        self.due.remove(&(negotiation.until, Due::Negotiation(id)));
        self.let_go(&negotiation);
        for entry in [negotiation.seller.entry, negotiation.buyer.entry].into_iter().flatten() {
            if let Some(entry) = self.bilateral.entries.get_mut(&entry) {
                entry.negotiations.remove(&id);
            }
        }
        Some(negotiation)
    }

    /// What is left of an entry after a deal; without any, it is gone.
    // Rules: R-BIL-053.
    pub(super) fn reduce_entry(&mut self, id: EntryId, by: Quantity, out: &mut Events) {
        let Some(entry) = self.bilateral.entries.get_mut(&id) else { return };
        let left = entry.listing.quantity.checked_sub(by);
        assert!(left.is_some(), "no deal is made in more than is there");
        let left = left.unwrap_or(Quantity::ZERO);
        entry.listing.quantity = left;
        if left.is_zero() {
            self.close_entry(id, EntryEnd::DealtOut, out);
        } else {
            if let Some((_, limit)) = entry.members.as_ref().and_then(super::group::Stake::pooled) {
                entry.limit = limit;
            }
            out.push(Event::EntryQuantity { entry: id, board: entry.board, quantity: left });
        }
    }

    /// Whether a side that is a programme's stock, if it is one, is there with an entry and has agreed to no worse a price.
    fn has_stock_agreed(&self, seat: &Seat, price: Option<Price>) -> bool {
        let Party::Stock(_) = seat.party else { return seat.said != Some(Consent::Stock) };
        let entry = seat.entry.and_then(|id| self.bilateral.entries.get(&id));
        let is_good = entry.zip(price).is_some_and(|(entry, price)| entry.is_price_good(price));
        is_good && seat.said == Some(Consent::Stock)
    }

    /// Whether a negotiation that was read from a snapshot can be.
    pub(super) fn is_negotiation_sound(&self, id: NegotiationId, negotiation: &Negotiation) -> bool {
        let seats = [(Side::Sell, &negotiation.seller), (Side::Buy, &negotiation.buyer)];
        let opened = self.bilateral.opened.get(&(id.entry, id.with));
        let answers = seats.iter().filter(|(_, seat)| seat.said.is_some()).count();
        let are_seats = seats.iter().all(|(side, seat)| {
            self.party_exists(seat.party)
                && seat.entry.is_none_or(|entry| {
                    self.entry(entry).is_ok_and(|entry| {
                        entry.board == negotiation.board
                            && entry.party == seat.party
                            && entry.listing.side == *side
                            && entry.negotiations.contains(&id)
                    })
                })
                && self.has_stock_agreed(seat, negotiation.terms.price)
        });
        let named = [
            Some(id.entry),
            match id.with {
                Counterparty::Entry(entry) => Some(entry),
                Counterparty::Participant(_) => None,
            },
        ];
        let market = self.board(negotiation.board).and_then(|board| self.market(board.terms.market));
        let is_in_lots = market.is_ok_and(|market| negotiation.terms.quantity.is_in(market.lot));
        let is_named = named
            .iter()
            .flatten()
            .all(|entry| [negotiation.seller.entry, negotiation.buyer.entry].contains(&Some(*entry)));
        are_seats
            && is_named
            && is_in_lots
            && opened.is_some_and(|opened| id.number >= 1 && id.number <= *opened)
            && answers < 2
            && !negotiation.terms.quantity.is_zero()
            && (negotiation.is_rounds || answers == 1)
            && (!negotiation.is_rounds || negotiation.terms.price.is_some())
            && negotiation.terms.price.is_none_or(|price| self.is_in_band(negotiation.board, price))
            && self.owner_of(negotiation.seller.party) != self.owner_of(negotiation.buyer.party)
    }
}

/// Refuses an answer to other terms than those that stand, or to one's own.
// Rules: R-BIL-044.
fn check_turn(negotiation: &Negotiation, side: Side, turn: u32) -> Result<(), Reject> {
    if turn != negotiation.turn {
        return Err(Reject::TermsChanged { turn: negotiation.turn });
    }
    if negotiation.seat(side).said.is_some() { Err(Reject::NotYourTurn) } else { Ok(()) }
}

/// Refuses terms that a stock on the board does not agree to by itself.
// Rules: R-BIL-054.
fn check_stock_terms(stock: &Listed, terms: &DealTerms) -> Result<(), Reject> {
    let is_price_good = terms.price.is_some_and(|price| stock.is_price_good(price));
    let listing = &stock.listing;
    let is_in_window = terms.first >= listing.first && terms.last <= listing.last;
    if is_price_good && is_in_window && terms.quantity >= listing.minimum {
        Ok(())
    } else {
        Err(Reject::StockDoesNotNegotiate)
    }
}
