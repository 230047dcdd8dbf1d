//! Bid bonds: what is held of participants' collateral while their offers stand.
//!
//! A stack can ask for a bond of so much a unit. It is held when an offer is placed, follows its quantity, and is given back when the
//! offer is withdrawn or its auction is cancelled or final. Who wins and does not accept forfeits it.

use std::collections::BTreeMap;

use super::Auction;
use crate::exchange::State;
use crate::id::{AuctionId, BidId, ParticipantId};
use crate::ledger::{Account, Cause};
use crate::num::{Money, Quantity};
use crate::reject::Reject;

impl State {
    /// Refuses an offer whose bond the bidder's collateral does not cover, `held` being what is held for it so far.
    // Rules: R-AUC-081.
    pub(super) fn check_bond(
        &self,
        auction: &Auction,
        participant: ParticipantId,
        quantity: Quantity,
        held: Option<Money>,
    ) -> Result<Option<Money>, Reject> {
        let Some(terms) = auction.stack() else {
            return Ok(None);
        };
        let market = self.market_of(auction.terms.kind)?;
        let Some(bond) = terms.bond(market, quantity) else {
            return Ok(None);
        };
        let free = self.ledger.balance(market.currency, Account::Collateral(participant));
        let free = free.saturating_add(i128::from(held.map_or(0, |held| held.millionths)));
        let short = i128::from(bond.millionths).saturating_sub(free);
        if short > 0 {
            let millionths = i64::try_from(short).unwrap_or(i64::MAX);
            return Err(Reject::BondShort { short: Money { currency: market.currency, millionths } });
        }
        Ok(Some(bond))
    }

    /// Holds a bond for an offer in place of what is held for it so far.
    // Rules: R-AUC-081.
    pub(super) fn hold_bond(
        &mut self,
        id: AuctionId,
        bid: BidId,
        participant: ParticipantId,
        bond: Option<Money>,
    ) {
        // Most auctions ask for none, and a bid has no time to lose.
        let Some(bond) = bond else {
            return;
        };
        self.release_bond(id, bid);
        if let Some(auction) = self.auctions.get_mut(&id) {
            auction.bonds.insert(bid, (participant, bond));
            let (free, held) = (Account::Collateral(participant), Account::Bonds(participant));
            self.ledger.post(Cause::Bond(participant), free, held, bond);
        }
    }

    /// Gives back what is held for an offer.
    // Rules: R-AUC-082.
    pub(super) fn release_bond(&mut self, id: AuctionId, bid: BidId) {
        let held = self.auctions.get_mut(&id).and_then(|auction| auction.bonds.remove(&bid));
        if let Some((participant, bond)) = held {
            let (free, held) = (Account::Collateral(participant), Account::Bonds(participant));
            self.ledger.post(Cause::Bond(participant), held, free, bond);
        }
    }

    /// Gives back what is held for all offers of an auction.
    // Rules: R-AUC-082.
    pub(super) fn release_bonds(&mut self, id: AuctionId) {
        let bids: Vec<BidId> =
            self.auctions.get(&id).map(|auction| auction.bonds.keys().copied().collect()).unwrap_or_default();
        bids.into_iter().for_each(|bid| self.release_bond(id, bid));
    }

    /// Takes what is held for an offer for the programme's proceeds.
    // Rules: R-AUC-085.
    pub(super) fn forfeit_bond(&mut self, id: AuctionId, bid: BidId) -> Option<Money> {
        let programme = self.programme_of(self.auctions.get(&id)?.terms.kind)?;
        let (participant, bond) = self.auctions.get_mut(&id)?.bonds.remove(&bid)?;
        let (held, proceeds) = (Account::Bonds(participant), Account::Proceeds(programme));
        self.ledger.post(Cause::Forfeit(id), held, proceeds, bond);
        Some(bond)
    }

    /// Whether what is held as bonds is what the auctions hold.
    pub(crate) fn bonds_agree(&self) -> bool {
        let mut held = BTreeMap::new();
        for (participant, bond) in self.auctions.values().flat_map(|auction| auction.bonds.values()) {
            let sum = held.entry((bond.currency, *participant)).or_insert(0_i128);
            *sum = sum.saturating_add(i128::from(bond.millionths));
        }
        held.retain(|_, sum| *sum != 0);
        held == self.ledger.bonds()
    }
}
