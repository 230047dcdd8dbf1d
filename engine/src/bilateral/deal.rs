//! Deals: what both sides of a negotiation have agreed to.
//!
//! A deal stays between its parties: the exchange says who owes whom what, and neither invoices nor guarantees it. Two things
//! reach further.
//!
//! With a programme's *stock* the programme is a party. It buys at the board's floor, from money that was pledged when its request was put
//! there, and pays at once; it sells at its price or better, and what the buyer owes is invoiced.
//!
//! A *contract for difference* can be granted on a deal. It is with a programme, never between the parties, and its reference price is no
//! lower than the deal's: R = max(index, deal price), so that nobody agrees on a low price and lets the programme pay the rest. It is for
//! no more than the deal's quantity and days, at a strike above the deal's price (below it, it could never pay), and on an index that
//! has enough prices of the last period to be settled by.

use serde::{Deserialize, Serialize};

use super::board::{EntryEnd, EntryOwner, Goods, Listed, Listing, Party};
use super::negotiation::Consent;
use crate::book::Side;
use crate::cfd::{Entitlement, Grant};
use crate::event::{Event, Events};
use crate::exchange::State;
use crate::id::{BoardId, EntryId, FloorId, MarketId, NegotiationId, ParticipantId, ProgrammeId};
use crate::num::{Money, Price, Quantity};
use crate::reject::Reject;
use crate::time::{Day, Instant, Period};

/// A deal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deal {
    /// The board.
    pub board: BoardId,
    /// Who delivers.
    pub seller: Party,
    /// Who takes and pays; of a purchasing group, its lead.
    pub buyer: Party,
    /// Who agreed for the seller.
    pub seller_consent: Consent,
    /// Who agreed for the buyer.
    pub buyer_consent: Consent,
    /// The price of a unit.
    pub price: Price,
    /// How much.
    pub quantity: Quantity,
    /// The first day of delivery.
    pub first: Day,
    /// The last day of delivery.
    pub last: Day,
    /// What exactly.
    pub goods: Goods,
    /// What each member of a purchasing group takes; empty where one party buys.
    pub shares: Vec<(ParticipantId, Quantity)>,
}

impl State {
    pub(crate) fn deal(&self, id: NegotiationId) -> Result<&Deal, Reject> {
        self.bilateral.deals.get(&id).ok_or(Reject::UnknownDeal { negotiation: id })
    }

    /// Makes a deal of a negotiation to whose terms both sides have agreed.
    // Rules: R-BIL-053.
    pub(super) fn make_deal(&mut self, at: Instant, id: NegotiationId, out: &mut Events) {
        let Some(negotiation) = self.take_negotiation(id) else { return };
        let (seller, buyer, terms) = (negotiation.seller, negotiation.buyer, negotiation.terms);
        let (Some(seller_consent), Some(buyer_consent), Some(price)) = (seller.said, buyer.said, terms.price)
        else {
            return;
        };
        let goods_of = |entry: Option<EntryId>| {
            entry.and_then(|id| self.bilateral.entries.get(&id)).map(|entry| &entry.listing.goods)
        };
        let goods = match (goods_of(seller.entry), goods_of(buyer.entry)) {
            (Some(offer), Some(request)) => Goods::agreed(offer, request),
            (one, other) => one.or(other).cloned(),
        };
        let lot = self.board(negotiation.board).and_then(|board| self.market(board.terms.market));
        let (lot, lots) =
            lot.map_or((terms.quantity, 1), |market| (market.lot, market.lots(terms.quantity).unwrap_or(0)));
        let shares = buyer.entry.map_or_else(Vec::new, |entry| self.split(entry, lots, lot));
        let deal = Deal {
            board: negotiation.board,
            seller: seller.party,
            buyer: buyer.party,
            seller_consent,
            buyer_consent,
            price,
            quantity: terms.quantity,
            first: terms.first,
            last: terms.last,
            goods: goods.unwrap_or_default(),
            shares,
        };
        out.push(Event::DealMade { negotiation: id, deal: deal.clone() });
        for &(member, quantity) in &deal.shares {
            let (seller, price, first, last) = (deal.seller, deal.price, deal.first, deal.last);
            out.push(Event::DealShared { negotiation: id, member, seller, price, quantity, first, last });
        }
        for (entry, party) in [(seller.entry, seller.party), (buyer.entry, buyer.party)] {
            let Some(entry) = entry else { continue };
            if let (Party::Stock(_), Some(listed)) = (party, self.bilateral.entries.get(&entry)) {
                let pledge = self.pledge_of(listed, terms.quantity);
                self.unpledge_stock(pledge);
            }
            self.reduce_entry(entry, terms.quantity, out);
        }
        self.trade_stock(at, id, &deal, out);
        self.bilateral.deals.insert(id, deal);
    }

    /// What a stock's request pledges of its programme's money for a quantity of it.
    fn pledge_of(&self, entry: &Listed, quantity: Quantity) -> Option<(ProgrammeId, Money)> {
        let (Party::Stock(programme), Side::Buy) = (entry.party, entry.listing.side) else {
            return None;
        };
        let currency = self.programme(programme).ok()?.currency();
        let cost = entry.limit.times(quantity, currency)?;
        Some((programme, cost.exact()?))
    }

    fn unpledge_stock(&mut self, pledge: Option<(ProgrammeId, Money)>) {
        if let Some((programme, money)) = pledge {
            self.unpledge(programme, money);
        }
    }

    /// An entry is gone: what was pledged for what is left of it is free again.
    // Rules: R-MON-040.
    pub(super) fn unpledge_entry(&mut self, entry: &Listed, quantity: Quantity) {
        let pledge = self.pledge_of(entry, quantity);
        self.unpledge_stock(pledge);
    }

    /// What stocks' requests on boards have pledged of a programme's money, in millionths.
    pub(crate) fn pledged_on_boards(&self, of: ProgrammeId) -> i128 {
        let entries = self.bilateral.entries.values();
        let pledges = entries.filter_map(|entry| self.pledge_of(entry, entry.listing.quantity));
        pledges.filter(|(programme, _)| *programme == of).map(|(_, money)| i128::from(money.millionths)).sum()
    }

    /// Books a deal with a programme's stock.
    fn trade_stock(&mut self, at: Instant, id: NegotiationId, deal: &Deal, out: &mut Events) {
        let Ok(market) = self.board(deal.board).map(|board| board.terms.market) else { return };
        match (deal.seller, deal.buyer) {
            (Party::Participant(seller), Party::Stock(programme)) => {
                self.buy_stock_of(id, (programme, market), seller, (deal.price, deal.quantity), out);
            }
            (Party::Stock(programme), Party::Participant(lead)) => {
                let whole = [(lead, deal.quantity)];
                let shares = if deal.shares.is_empty() { &whole[..] } else { &deal.shares };
                self.sell_stock_to(at, id, (programme, market), shares, deal.price, out);
            }
            _ => {}
        }
    }

    /// Refuses an entry of a stock's that its programme's rule or money does not allow.
    pub(crate) fn check_post_stock(
        &self,
        at: Instant,
        board: BoardId,
        programme: ProgrammeId,
        listing: &Listing,
        limit: Price,
    ) -> Result<Option<Money>, Reject> {
        let terms = &self.board(board)?.terms;
        self.programme(programme)?;
        self.check_board_room(board, Party::Stock(programme))?;
        self.check_listing(at, board, listing, limit, false)?;
        self.check_stock_entry(programme, terms.market, terms.rule.floor, listing, limit)
    }

    /// Puts an entry of a stock's on a board.
    pub(crate) fn post_stock(
        &mut self,
        board: BoardId,
        programme: ProgrammeId,
        listing: Listing,
        limit: Price,
        pledge: Option<Money>,
        out: &mut Events,
    ) {
        if let Some(pledge) = pledge {
            self.pledge(programme, pledge);
        }
        let owner = EntryOwner { party: Party::Stock(programme), posted: None };
        self.list(board, owner, listing, limit, None, out);
    }

    /// Takes a stock's entry off its board.
    pub(crate) fn withdraw_stock(&mut self, id: EntryId, out: &mut Events) {
        self.close_entry(id, EntryEnd::Withdrawn, out);
    }

    /// Refuses to withdraw what is no stock's, or takes part in a round.
    pub(crate) fn check_withdraw_stock(&self, id: EntryId) -> Result<(), Reject> {
        let entry = self.entry(id)?;
        match entry.party {
            Party::Stock(_) => self.check_still(id, entry),
            Party::Participant(_) => Err(Reject::UnknownEntry { entry: id }),
        }
    }

    /// What stocks' entries on boards are still to buy into a stock of a market's material, or to release from it.
    pub(crate) fn listed_for_stock(&self, of: ProgrammeId, market: MarketId, side: Side) -> Quantity {
        let entries = self.bilateral.entries.values().filter(|entry| {
            entry.party == Party::Stock(of)
                && entry.listing.side == side
                && self.board(entry.board).is_ok_and(|board| board.terms.market == market)
        });
        let quantities = entries.map(|entry| entry.listing.quantity);
        quantities.fold(Quantity::ZERO, |sum, more| sum.checked_add(more).unwrap_or(sum))
    }

    /// Refuses a contract on a deal that cannot be granted; returns what it reserves.
    // Rules: R-CFD-040, R-CFD-041.
    pub(crate) fn check_grant_on_deal(
        &self,
        at: Instant,
        id: NegotiationId,
        floor_id: FloorId,
        per_period: Quantity,
    ) -> Result<Money, Reject> {
        let deal = self.deal(id)?;
        let floor = self.floor(floor_id)?;
        let board = &self.board(deal.board)?.terms;
        if floor.terms.market != board.market {
            return Err(Reject::OtherMarket);
        }
        let seller = deal.seller.participant().ok_or(Reject::NotASupplier)?;
        self.check_holder(seller)?;
        self.check_apart(deal, seller)?;
        self.check_entitlements_left()?;
        let lowest = board.rule.floor.map_or(deal.price, |floor| floor.max(deal.price));
        if floor.terms.price <= lowest {
            return Err(Reject::NeverPays { price: lowest });
        }
        if let Some(origin) = deal.goods.origin
            && !floor.terms.origins.contains(&origin)
        {
            return Err(Reject::OriginNotEligible { origin });
        }
        self.check_index_kept(at, floor_id)?;
        let market = self.market(board.market)?;
        market.check_quantity(per_period)?;
        let covered = self.covered_by_deal(floor_id, id, at).ok_or(Reject::FloorOver)?;
        let periods = floor.terms.contract.calendar.count(covered.first, covered.last);
        let volume = per_period.millionths().checked_mul(periods.into()).and_then(Quantity::from_millionths);
        let left = deal.quantity.checked_sub(self.contracted_on(id)).unwrap_or(Quantity::ZERO);
        if volume.is_none_or(|volume| volume > left) {
            return Err(Reject::DealCovered { left });
        }
        let reserved =
            floor.reservation(floor.terms.price, per_period, periods, Some(deal.price), market.currency);
        let reserved = reserved.ok_or(Reject::AmountTooLarge)?;
        self.check_free(floor.terms.programme, reserved)?;
        Ok(reserved)
    }

    /// Grants the seller of a deal a contract on it.
    pub(crate) fn grant_on_deal(
        &mut self,
        at: Instant,
        id: NegotiationId,
        floor: FloorId,
        per_period: Quantity,
        reserved: Money,
        out: &mut Events,
    ) {
        let strike = self.floor(floor).map(|floor| floor.terms.price);
        let holder = self.deal(id).map(|deal| deal.seller.participant());
        if let (Ok(strike), Ok(Some(holder))) = (strike, holder) {
            self.grant(Grant { floor, holder, strike, per_period, deal: Some(id) }, reserved, at, out);
        }
    }

    /// Refuses a holder of a contract on a deal who is of the other side's owner.
    // Rules: R-CFD-043.
    pub(crate) fn check_apart(&self, deal: &Deal, holder: ParticipantId) -> Result<(), Reject> {
        let owner = self.owner_of(Party::Participant(holder));
        let members = deal.shares.iter().map(|(member, _)| Party::Participant(*member));
        let is_same = members.chain([deal.buyer]).any(|party| self.owner_of(party) == owner);
        if is_same { Err(Reject::SameOwner) } else { Ok(()) }
    }

    /// The whole periods of a floor that have not begun and lie in the days of a deal.
    // Rules: R-CFD-039.
    pub(crate) fn covered_by_deal(&self, floor: FloorId, deal: NegotiationId, at: Instant) -> Option<Period> {
        let (floor, deal) = (self.floor(floor).ok()?, self.deal(deal).ok()?);
        let calendar = floor.terms.contract.calendar;
        let mut first = calendar.period(floor.covers_from(at)?.max(deal.first));
        if first.first < deal.first {
            first = calendar.after(first)?;
        }
        let mut last = calendar.period(floor.terms.last.last_day().min(deal.last));
        if last.last > deal.last {
            last = calendar.period(last.first.previous()?);
        }
        (first.first <= last.last).then_some(Period { first: first.first, last: last.last })
    }

    /// The quantity that contracts on a deal cover.
    // Rules: R-CFD-040.
    fn contracted_on(&self, id: NegotiationId) -> Quantity {
        let on_deal = self.entitlements.values().filter(|entitlement| entitlement.deal == Some(id));
        on_deal.fold(Quantity::ZERO, |sum, entitlement| {
            let Ok(floor) = self.floor(entitlement.floor) else { return sum };
            let &Entitlement { per_period, first, last, .. } = entitlement;
            let periods = i64::from(floor.terms.contract.calendar.count(first, last));
            let volume = per_period.millionths().checked_mul(periods).and_then(Quantity::from_millionths);
            volume.and_then(|volume| sum.checked_add(volume)).unwrap_or(sum)
        })
    }

    /// Whether a price is one of a board's market, on its grid or, as a round can make it, between.
    pub(super) fn is_in_band(&self, board: BoardId, price: Price) -> bool {
        let market = self.board(board).and_then(|board| self.market(board.terms.market));
        market.is_ok_and(|market| price >= market.lowest && price <= market.highest)
    }

    /// Whether a deal that was read from a snapshot can have been made.
    pub(super) fn is_deal_sound(&self, id: NegotiationId, deal: &Deal) -> bool {
        let shares = deal.shares.iter().try_fold(Quantity::ZERO, |sum, (_, share)| sum.checked_add(*share));
        !self.bilateral.negotiations.contains_key(&id)
            && self.board(deal.board).is_ok()
            && self.party_exists(deal.seller)
            && self.party_exists(deal.buyer)
            && self.owner_of(deal.seller) != self.owner_of(deal.buyer)
            && !deal.quantity.is_zero()
            && self.is_in_band(deal.board, deal.price)
            && (deal.shares.is_empty() || shares == Some(deal.quantity))
    }
}
