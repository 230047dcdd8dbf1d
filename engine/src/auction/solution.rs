//! Call auctions whose bids can have minimums: which bids take part is a choice, made outside and proposed as a solution.
//!
//! To look for the best choice can take any time, so nothing here looks. Whoever operates the exchange finds one where it
//! likes, by [`indivisible::optimum`] or otherwise, and proposes it with [`Command::ProposeSolution`](crate::command::Command).
//! What a solution says is who is given how much, and nothing else: the price follows from it by the auction's rule. A solution
//! is checked in full before it counts: that it may be made, that nobody was passed over, and what it is worth. Of all that were
//! proposed the best is taken, by the four objectives of [`indivisible`], and of two as good the first. So a solver can
//! suggest and never decide; a better solution can be proposed by anyone who may, until the time for it is over.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

use super::clear::ranks;
use super::result::{AuctionResult, Fill, Unfilled, WinningLimit};
use super::{Auction, AuctionKind, Stage};
use crate::book::Side;
use crate::clearing::{Criterion, Order, Reason, Rule, reason_at};
use crate::digest::Digest;
use crate::event::{Event, Events};
use crate::exchange::State;
use crate::id::{AuctionId, BidId, IdentityId};
use crate::indivisible::{self, Optimum, Welfare, check};
use crate::market::Market;
use crate::num::{Price, Quantity};
use crate::reject::Reject;
use crate::support::OfferFault;
use crate::time::Instant;

/// How a call auction with minimums is held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SolutionTerms {
    /// How the price is found among those that support a choice. Its allocation is not looked at.
    pub rule: Rule,
    /// How long after the close solutions are taken, in seconds. If there is none by then, the first ends it.
    pub solution_seconds: NonZeroU32,
}

/// A choice among the bids of a closed book.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Solution {
    /// The digest of the bids that it is for, as [`Event::BookClosed`] told it.
    pub bids: Digest,
    /// Who is given how much, in order of time; whoever is given nothing is left out.
    pub given: Vec<(BidId, Quantity)>,
    /// What no choice is worth more than, if whoever solved it says so.
    pub bound: Option<Welfare>,
}

/// A bid of a closed book, as a solver needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClosedBid {
    /// The bid.
    pub bid: BidId,
    /// Its side.
    pub side: Side,
    /// Its limit; `None` for a market order.
    pub price: Option<Price>,
    /// How much.
    pub quantity: Quantity,
    /// The least that it takes.
    pub minimum: Quantity,
}

/// The best solution so far, with what decides between it and another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Proposed {
    by: IdentityId,
    solution: Solution,
    welfare: Welfare,
    volume: Quantity,
    /// How many bids it rejects although they are in the money.
    rejected: u32,
    /// Which of the bids with a minimum it accepts, in order of time.
    accepts: Vec<bool>,
}

/// What is known of the choice that was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SolutionResult {
    /// Who proposed it.
    pub by: IdentityId,
    /// The price of all trades; `None` where nothing trades.
    pub price: Option<Price>,
    /// The criterion that left it alone.
    pub step: Option<Criterion>,
    /// How much is bought, and sold.
    pub volume: Quantity,
    /// What buyers would have paid less what sellers would have asked.
    pub welfare: Welfare,
    /// What no choice is worth more than, as the price proves: the welfare itself where that is the greatest there can be.
    pub proved_bound: Option<Welfare>,
    /// What the solver said that no choice is worth more than.
    pub claimed_bound: Option<Welfare>,
    /// How many bids are in the money and not filled whole. Everybody is told of its own.
    pub paradoxically_rejected: u32,
}

impl SolutionTerms {
    /// Until when solutions are taken, if there is one by then.
    pub(super) fn until(&self, closes_at: Instant) -> Option<Instant> {
        closes_at.plus_seconds(self.solution_seconds.get())
    }
}

impl SolutionResult {
    /// Whether it is proved that nothing is worth more.
    pub fn is_optimal(&self) -> bool {
        self.proved_bound.is_none_or(|bound| bound == self.welfare) && self.price.is_some()
    }
}

impl Proposed {
    /// What the objectives compare, in their order: the greater the better.
    // Rules: R-AUC-060.
    fn merit(&self) -> (Welfare, Quantity, std::cmp::Reverse<u32>, &[bool]) {
        (self.welfare, self.volume, std::cmp::Reverse(self.rejected), &self.accepts)
    }
}

/// The bids of a closed book as they are searched and checked, each by its name: their order is that of time.
pub fn orders<'a>(bids: &[ClosedBid], names: &'a [String]) -> Vec<Order<'a>> {
    let ranks = ranks(bids.iter().map(|bid| bid.bid));
    let rows = bids.iter().zip(names).zip(ranks).zip(0_i64..);
    rows.map(|(((bid, name), rank), received)| Order {
        id: name.as_bytes(),
        rank,
        side: bid.side,
        price: bid.price,
        quantity: bid.quantity,
        min_quantity: bid.minimum,
        received,
    })
    .collect()
}

/// What each bid is called.
pub fn names(bids: &[ClosedBid]) -> Vec<String> {
    bids.iter().map(|bid| bid.bid.to_string()).collect()
}

impl Auction {
    pub(super) const fn solution_terms(&self) -> Option<&SolutionTerms> {
        self.terms.rule.solution()
    }

    fn closed_bids(&self, market: &Market) -> Vec<ClosedBid> {
        let bids = self.book.orders().map(|order| ClosedBid {
            bid: order.bid,
            side: order.side,
            price: order.level.map(|level| market.price(level)),
            quantity: market.quantity(order.lots).unwrap_or(Quantity::ZERO),
            minimum: self.minimum(order.bid),
        });
        bids.collect()
    }

    fn minimum(&self, bid: BidId) -> Quantity {
        self.details.get(&bid).map_or(Quantity::ZERO, |details| details.minimum)
    }
}

impl State {
    /// Refuses a minimum that no share can be.
    // Rules: R-AUC-021.
    pub(super) fn check_minimum(
        &self,
        auction: &Auction,
        minimum: Quantity,
        quantity: Quantity,
    ) -> Result<(), Reject> {
        let market = self.market_of(auction.terms.kind)?;
        let fault = if !minimum.is_in(market.lot) {
            OfferFault::OffLot { lot: market.lot }
        } else if minimum > quantity {
            OfferFault::MinimumAboveQuantity { quantity }
        } else {
            return Ok(());
        };
        Err(Reject::OfferNotTaken { fault })
    }

    /// Tells operators the book of an auction that waits for solutions.
    // Rules: R-AUC-027.
    pub(super) fn tell_book(&self, id: AuctionId, out: &mut Events) {
        let Some(auction) = self.auctions.get(&id).filter(|auction| auction.solution_terms().is_some())
        else {
            return;
        };
        let Ok(market) = self.market_of(auction.terms.kind) else {
            return;
        };
        let (digest, bids) = (auction.bids_digest(), auction.closed_bids(market));
        out.push(Event::BookClosed { auction: id, digest, bids });
    }

    /// Takes a solution that may be made, and keeps it if it is the best so far.
    // Rules: R-AUC-061.
    pub(crate) fn propose_solution(
        &mut self,
        at: Instant,
        id: AuctionId,
        by: IdentityId,
        solution: &Solution,
        out: &mut Events,
    ) -> Result<(), Reject> {
        let auction = self.auction(id)?;
        let terms = auction.solution_terms().ok_or(Reject::NoSolutionWanted)?;
        auction.check_closed()?;
        let until = terms.until(auction.terms.closes_at).ok_or(Reject::AuctionTimes { now: at })?;
        if at >= until && auction.proposed.is_some() {
            return Err(Reject::TooLate { closed_at: until });
        }
        let proposed = self.judge(auction, terms, by, solution)?;
        let is_best = auction.proposed.as_ref().is_none_or(|best| proposed.merit() > best.merit());
        let (welfare, volume) = (proposed.welfare, proposed.volume);
        if is_best && let Some(auction) = self.auctions.get_mut(&id) {
            auction.proposed = Some(Box::new(proposed));
        }
        out.push(Event::SolutionProposed { auction: id, by, welfare, volume, is_best });
        Ok(())
    }

    /// What a solution is worth, if it may be made.
    // Rules: R-AUC-059.
    fn judge(
        &self,
        auction: &Auction,
        terms: &SolutionTerms,
        by: IdentityId,
        solution: &Solution,
    ) -> Result<Proposed, Reject> {
        if solution.bids != auction.bids_digest() {
            return Err(Reject::OtherBook);
        }
        let market = self.market_of(auction.terms.kind)?;
        let bids = auction.closed_bids(market);
        let (optimum, _) = worked_out(&bids, market, terms, solution)?;
        let with_minimum = bids.iter().zip(0_u32..).filter(|(bid, _)| !bid.minimum.is_zero());
        let mut filled = optimum.fills.iter().map(|fill| fill.order).peekable();
        let accepts = with_minimum.map(|(_, row)| {
            while filled.next_if(|order| *order < row).is_some() {}
            filled.peek() == Some(&row)
        });
        Ok(Proposed {
            by,
            accepts: accepts.collect(),
            solution: solution.clone(),
            welfare: optimum.welfare,
            volume: optimum.volume,
            rejected: u32::try_from(optimum.paradoxically_rejected.len()).unwrap_or(u32::MAX),
        })
    }

    /// Refuses to clear an auction that waits for solutions.
    // Rules: R-AUC-061.
    pub(super) fn check_solved(&self, at: Instant, auction: &Auction) -> Result<(), Reject> {
        let Some(terms) = auction.solution_terms() else {
            return Ok(());
        };
        let until = terms.until(auction.terms.closes_at).ok_or(Reject::AuctionTimes { now: at })?;
        if at < until {
            return Err(Reject::SolutionsUntil { until });
        }
        if auction.proposed.is_none() { Err(Reject::NoSolution) } else { Ok(()) }
    }

    /// The result of the best solution.
    pub(super) fn solution_result(
        &self,
        auction: &Auction,
        terms: &SolutionTerms,
    ) -> Result<AuctionResult, Reject> {
        let Some(Proposed { by, solution, .. }) = auction.proposed.as_deref() else {
            return Err(Reject::NoSolution);
        };
        let market = self.market_of(auction.terms.kind)?;
        let (optimum, value) = worked_out(&auction.closed_bids(market), market, terms, solution)?;
        let price = optimum.price();
        let (mut fills, mut unfilled) = (Vec::new(), Vec::new());
        let mut given = optimum.fills.iter().peekable();
        for (row, bid) in (0_u32..).zip(auction.book.orders()) {
            let (participant, side) = (bid.participant, bid.side);
            match given.next_if(|fill| fill.order == row) {
                Some(fill) => fills.push(Fill {
                    bid: bid.bid,
                    participant,
                    side,
                    quantity: fill.quantity,
                    price: fill.price,
                    reason: fill.reason,
                }),
                None => {
                    let limit = bid.level.map(|level| market.price(level));
                    let quantity = market.quantity(bid.lots).ok_or(Reject::AmountTooLarge)?;
                    let reason = match reason_at(price, side, limit, quantity, Quantity::ZERO) {
                        Reason::NothingLeft if auction.details.contains_key(&bid.bid) => {
                            Reason::MinimumNotMet
                        }
                        reason => reason,
                    };
                    let winning_limit = WinningLimit::NotLookedFor;
                    unfilled.push(Unfilled { bid: bid.bid, participant, reason, winning_limit });
                }
            }
        }
        let result = SolutionResult {
            by: *by,
            price,
            step: optimum.chosen.map(|chosen| chosen.step),
            volume: optimum.volume,
            welfare: optimum.welfare,
            proved_bound: value.proved_bound,
            claimed_bound: solution.bound,
            paradoxically_rejected: u32::try_from(optimum.paradoxically_rejected.len()).unwrap_or(u32::MAX),
        };
        Ok(AuctionResult { fills, unfilled, solution: Some(Box::new(result)), ..AuctionResult::default() })
    }

    /// Whether an auction that was read from a snapshot has a solution of its own book, if any.
    pub(super) fn is_solution_sound(&self, auction: &Auction, terms: &SolutionTerms) -> bool {
        let Ok(market) = self.market_of(auction.terms.kind) else {
            return false;
        };
        let is_call = matches!(auction.terms.kind, AuctionKind::Call { .. });
        let right = |proposed: &Proposed| {
            let again = self.judge(auction, terms, proposed.by, &proposed.solution);
            matches!(
                auction.stage,
                Stage::Closed | Stage::Cleared { .. } | Stage::Final { .. } | Stage::Cancelled
            ) && again.is_ok_and(|again| again == *proposed)
        };
        is_call
            && auction.terms.check_price_rule(&terms.rule, market).is_ok()
            && auction.proposed.as_deref().is_none_or(right)
            && auction
                .closed_bids(market)
                .iter()
                .all(|bid| self.check_minimum(auction, bid.minimum, bid.quantity).is_ok())
    }
}

/// A solution with its price and what it is worth, or the bid that is wronged by it.
fn worked_out(
    bids: &[ClosedBid],
    market: &Market,
    terms: &SolutionTerms,
    solution: &Solution,
) -> Result<(Optimum, check::Value), Reject> {
    let rows: BTreeMap<BidId, u32> = bids.iter().map(|bid| bid.bid).zip(0_u32..).collect();
    let given = solution.given.iter().map(|(bid, quantity)| {
        let row = rows.get(bid).copied().ok_or(Reject::UnknownBid { bid: *bid })?;
        Ok((row, *quantity))
    });
    let given = given.collect::<Result<Vec<_>, Reject>>()?;
    let bid_of = |order: Option<u32>| {
        let order = order.and_then(|order| usize::try_from(order).ok());
        order.and_then(|order| bids.get(order)).map(|bid| bid.bid)
    };
    indivisible::of_choice(&orders(bids, &names(bids)), &market.rule(&terms.rule), &given, solution.bound)
        .map_err(|fault| Reject::SolutionRefused { fault: fault.kind(), bid: bid_of(fault.order()) })
}
