//! Bids of an open auction: what is admitted, and how one is placed, replaced and withdrawn.

use std::collections::BTreeSet;

use super::stack::BidDetails;
use super::terms::{AuctionKind, AuctionRule};
use super::{Auction, Stage};
use crate::book::{Order, Replaced, Side};
use crate::command::NewBid;
use crate::event::{Event, Events};
use crate::exchange::State;
use crate::id::{AuctionId, BidId, ParticipantId};
use crate::num::{Price, Quantity};
use crate::participant::Role;
use crate::reject::Reject;
use crate::time::Instant;

/// A bid that was found right, in the market's grid.
pub(super) struct Admitted {
    /// `None` for a market order.
    level: Option<u32>,
    lots: i64,
}

impl State {
    /// What a bid must be, anew or in another's place. Whether the book has room and its owner the bond is looked at beside it.
    // Rules: R-AUC-014, R-AUC-015, R-AUC-016, R-AUC-017, R-AUC-020.
    pub(super) fn admit(
        &self,
        auction: &Auction,
        participant: ParticipantId,
        roles: &BTreeSet<Role>,
        bid: &NewBid,
        replaced: Option<&Order>,
    ) -> Result<Admitted, Reject> {
        let market = self.market_of(auction.terms.kind)?;
        let floor = match auction.terms.kind {
            AuctionKind::Support { floor, .. } => Some(&self.floor(floor)?.terms),
            AuctionKind::Call { .. } | AuctionKind::Purchase { .. } | AuctionKind::Sale { .. } => None,
        };
        // Who is not the programme bids on the other side of it.
        let [buys, sells] = match auction.terms.kind {
            AuctionKind::Call { .. } => [true, true],
            AuctionKind::Support { .. } | AuctionKind::Purchase { .. } => [false, true],
            AuctionKind::Sale { .. } => [true, false],
        };
        let may_take_side = match bid.side {
            Side::Buy => roles.contains(&Role::Buyer) && buys,
            Side::Sell => roles.contains(&Role::Supplier) && sells,
        };
        if !may_take_side {
            return Err(Reject::WrongSide);
        }
        let level = bid.price.map(|price| market.check_price(price)).transpose()?;
        match (floor, bid.price) {
            (Some(_), None) => return Err(Reject::StrikeMissing),
            (None, None) if !buys => return Err(Reject::StrikeMissing),
            (Some(floor), Some(strike)) if strike > floor.price => {
                return Err(Reject::StrikeAboveFloor { floor: floor.price });
            }
            _ => {}
        }
        let lots = market.check_quantity(bid.quantity)?;
        match (bid.side, bid.origin) {
            (Side::Buy, None) => {}
            (Side::Sell, Some(origin)) => {
                if floor.is_some_and(|floor| !floor.origins.contains(&origin)) {
                    return Err(Reject::OriginNotEligible { origin });
                }
            }
            _ => return Err(Reject::OriginStated),
        }
        match (&auction.terms.rule, bid.details) {
            (AuctionRule::Stack(terms), _) => self.check_offer(auction, terms, participant, bid, replaced)?,
            (_, None) => {}
            (AuctionRule::Solution(_), Some(details @ BidDetails { minimum, .. }))
                if details == (BidDetails { minimum, ..BidDetails::default() }) =>
            {
                self.check_minimum(auction, minimum, bid.quantity)?;
            }
            _ => return Err(Reject::DetailsNotTaken),
        }
        Ok(Admitted { level, lots })
    }

    pub(crate) fn place_bid(
        &mut self,
        at: Instant,
        id: AuctionId,
        bid_id: BidId,
        bid: NewBid,
        out: &mut Events,
    ) -> Result<(), Reject> {
        let (participant, terms) = self.registry.acting(bid_id.identity)?;
        let auction = self.auction(id)?;
        auction.check_open(at)?;
        let Admitted { level, lots } = self.admit(auction, participant, &terms.roles, &bid, None)?;
        self.check_room(auction, bid.side, (level, lots), None)?;
        let bond = self.check_bond(auction, participant, bid.quantity, None)?;
        let order = Order { bid: bid_id, participant, side: bid.side, level, lots, origin: bid.origin };
        if let Some(auction) = self.auctions.get_mut(&id) {
            auction.book.add(order);
            auction.details.extend(bid.details.map(|details| (bid_id, details)));
        }
        self.hold_bond(id, bid_id, participant, bond);
        let NewBid { price, quantity, .. } = bid;
        out.push(Event::BidAccepted { auction: id, bid: bid_id, participant, price, quantity });
        Ok(())
    }

    /// Refuses what would make a book too long, or a quantity too large to be told.
    // Rules: R-AUC-022.
    fn check_room(
        &self,
        auction: &Auction,
        side: Side,
        new: (Option<u32>, i64),
        replaced: Option<&Order>,
    ) -> Result<(), Reject> {
        let market = self.market_of(auction.terms.kind)?;
        let ordered = match auction.terms.kind {
            AuctionKind::Call { stock: Some(order), .. } if order.side == side => {
                order.lots(market).unwrap_or(0)
            }
            _ => 0,
        };
        let total = auction.book.total_with(side, new, replaced).and_then(|total| total.checked_add(ordered));
        let quantity = total.and_then(|total| market.quantity(total)).ok_or(Reject::BookFull)?;
        if market.can_be_paid(quantity) { Ok(()) } else { Err(Reject::BookFull) }
    }

    /// A standing bid, if it is `participant`'s.
    // Rules: R-AUC-018.
    pub(super) fn own_bid(
        &self,
        auction: &Auction,
        bid: BidId,
        participant: ParticipantId,
    ) -> Result<Order, Reject> {
        let order = auction.book.find(bid).filter(|order| order.participant == participant);
        order.ok_or(Reject::UnknownBid { bid })
    }

    pub(crate) fn replace_bid(
        &mut self,
        at: Instant,
        id: AuctionId,
        participant: ParticipantId,
        bid: BidId,
        (price, quantity): (Option<Price>, Quantity),
        out: &mut Events,
    ) -> Result<(), Reject> {
        let auction = self.auction(id)?;
        auction.check_open(at)?;
        let order = self.own_bid(auction, bid, participant)?;
        let roles = &self.registry.participant(participant)?.roles;
        let details = auction.details.get(&bid).copied();
        let new = NewBid { side: order.side, price, quantity, origin: order.origin, details };
        let Admitted { level, lots } = self.admit(auction, participant, roles, &new, Some(&order))?;
        self.check_room(auction, order.side, (level, lots), Some(&order))?;
        let held = auction.bonds.get(&bid).map(|(_, held)| *held);
        let bond = self.check_bond(auction, participant, quantity, held)?;
        self.hold_bond(id, bid, participant, bond);
        let replaced = self.auctions.get_mut(&id).map(|auction| auction.book.replace(bid, level, lots));
        let kept_priority = replaced == Some(Replaced::KeptPriority);
        out.push(Event::BidReplaced { auction: id, bid, participant, price, quantity, kept_priority });
        Ok(())
    }

    pub(crate) fn withdraw_bid(
        &mut self,
        at: Instant,
        id: AuctionId,
        participant: ParticipantId,
        bid: BidId,
        out: &mut Events,
    ) -> Result<(), Reject> {
        let auction = self.auction(id)?;
        auction.check_open(at)?;
        self.own_bid(auction, bid, participant)?;
        self.take_out(id, bid, participant, out);
        Ok(())
    }

    pub(super) fn take_out(
        &mut self,
        id: AuctionId,
        bid: BidId,
        participant: ParticipantId,
        out: &mut Events,
    ) {
        if let Some(auction) = self.auctions.get_mut(&id) {
            auction.book.withdraw(bid);
            auction.details.remove(&bid);
        }
        self.release_bond(id, bid);
        out.push(Event::BidWithdrawn { auction: id, bid, participant });
    }

    /// Withdraws bids in open auctions.
    // Rules: R-AUC-023.
    pub(crate) fn withdraw_bids(&mut self, which: impl Fn(&Order) -> bool, out: &mut Events) {
        let open = self.auctions.iter().filter(|(_, auction)| matches!(auction.stage, Stage::Open));
        let chosen = open.flat_map(|(&id, auction)| {
            let chosen = auction.book.orders().filter(|order| which(order));
            chosen.map(move |order| (id, order.bid, order.participant)).collect::<Vec<_>>()
        });
        let chosen: Vec<(AuctionId, BidId, ParticipantId)> = chosen.collect();
        for (auction, bid, participant) in chosen {
            self.take_out(auction, bid, participant, out);
        }
    }
}
