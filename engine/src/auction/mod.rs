//! Auctions: their life cycle, what bids they admit, and how they are cleared and become final.
//!
//! `Announced → Open → Closed → Cleared → Final`, with `Asking` before the end where winners of a stack are asked whether they accept; or
//! `Cancelled` from any but `Final`. Opening, closing and
//! becoming final happen at a `Tick` of the due instant; clearing is an operator's command and chooses
//! nothing but its instant, since the result is a function of state, terms and that. Four kinds: a *call auction* between buyers and sellers; a *support auction*, in
//! which suppliers offer strikes below a floor for a volume a period and win entitlements; a *purchase*, in which a programme buys
//! from a stack; and the *sale* of what it bought. They clear by the price rule in their terms, as `clear.rs` says, as a stack, or
//! by the best solution that was proposed.
//!
//! | what | where |
//! |---|---|
//! | what an auction is, and which rules it can have | `terms.rs` |
//! | what a bid must be; placing, replacing, withdrawing | `bids.rs` |
//! | the result, and what it books or grants when it is final | `awards.rs` |
//! | from the book to the price, and what each place is given | `clear.rs`, by [`clearing`](crate::clearing) |
//! | a programme that buys and sells again | `intermediary.rs` |
//! | bids with minimums, and solutions that are proposed | `solution.rs`, by [`indivisible`](crate::indivisible) |
//! | bid bonds | `bonds.rs` |
//! | offers in a stack, its awards and their acceptance | `stack.rs`, by [`support`](crate::support) |
//! | what is said of it after | `result.rs` |
//! | what is refused of a stored one | `sound.rs` |
//!
//! Before the close nobody is shown another's bid: nothing here emits an event about a bid but to its owner.

mod awards;
mod bids;
mod bonds;
mod clear;
mod intermediary;
mod result;
mod solution;
mod sound;
mod stack;
mod terms;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::book::{Book, Side};
use crate::digest::{Digest, Feed};
use crate::event::{Event, Events};
use crate::exchange::State;
use crate::id::{AuctionId, BidId, FloorId, ParticipantId, ProgrammeId};
use crate::ledger::check_payable;
use crate::market::Market;
use crate::num::Money;
use crate::reject::Reject;
use crate::time::Instant;
pub use clear::{Cleared, clear};
use intermediary::Bought;
pub use intermediary::{Supplied, exposure};
pub use result::{AuctionResult, Fill, PROVED_MAX, PROVED_MAX_UNDECIDED, Unfilled, WinningLimit};
use solution::Proposed;
pub use solution::{ClosedBid, Solution, SolutionResult, SolutionTerms, names, orders};
use stack::Asking;
pub use stack::{
    AwardOffer, BidDetails, LimitUse, Refusal, Refused, STACK_PROVED_MAX, StackResult, StackTerms,
};
pub use terms::{AuctionKind, AuctionRule, AuctionTerms, Draw, DrawSecret, ParseDrawSecretError};

/// Where an auction is in its life.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Stage {
    Announced,
    Open,
    Closed,
    Cleared {
        result: AuctionResult,
        final_at: Instant,
    },
    /// Winners of a stack are asked whether they accept.
    Asking {
        result: AuctionResult,
        asking: Asking,
    },
    Final {
        result: AuctionResult,
    },
    Cancelled,
}

/// How far an auction has come that is not over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Progress {
    /// It takes no bids yet.
    Announced,
    /// It takes bids.
    Open,
    /// It takes no more bids, and is to be cleared.
    Closed,
    /// It was cleared, and its result can be challenged.
    Cleared {
        /// Until when.
        final_at: Instant,
    },
    /// Winners are asked whether they accept.
    Asking {
        /// Until when.
        until: Instant,
    },
}

/// An auction with its book.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Auction {
    terms: AuctionTerms,
    stage: Stage,
    book: Book,
    /// What it has reserved in its programme: a support auction until it turns into entitlements, a purchase until it is sold,
    /// a call auction that buys into stock until it is final.
    pledged: Option<Money>,
    /// What a purchase bought and has not sold yet.
    bought: Vec<Bought>,
    /// The best solution so far, where they are taken.
    proposed: Option<Box<Proposed>>,
    /// What bids say of themselves beside price and quantity.
    details: BTreeMap<BidId, BidDetails>,
    /// What is held for each offer of a stack, and of whose collateral.
    bonds: BTreeMap<BidId, (ParticipantId, Money)>,
}

impl Auction {
    pub(crate) const fn new(terms: AuctionTerms, pledged: Option<Money>) -> Self {
        Self {
            terms,
            stage: Stage::Announced,
            book: Book::new(),
            pledged,
            bought: Vec::new(),
            proposed: None,
            details: BTreeMap::new(),
            bonds: BTreeMap::new(),
        }
    }

    /// The instant at which something happens to it next by itself.
    pub(crate) const fn due(&self) -> Option<Instant> {
        match &self.stage {
            Stage::Announced => Some(self.terms.opens_at),
            Stage::Open => Some(self.terms.closes_at),
            Stage::Cleared { final_at, .. } => Some(*final_at),
            Stage::Asking { asking, .. } => Some(asking.until),
            Stage::Closed | Stage::Final { .. } | Stage::Cancelled => None,
        }
    }

    pub(crate) const fn terms(&self) -> &AuctionTerms {
        &self.terms
    }

    /// How far it has come; `None` once it is over.
    pub(crate) const fn progress(&self) -> Option<Progress> {
        match &self.stage {
            Stage::Announced => Some(Progress::Announced),
            Stage::Open => Some(Progress::Open),
            Stage::Closed => Some(Progress::Closed),
            Stage::Cleared { final_at, .. } => Some(Progress::Cleared { final_at: *final_at }),
            Stage::Asking { asking, .. } => Some(Progress::Asking { until: asking.until }),
            Stage::Final { .. } | Stage::Cancelled => None,
        }
    }

    /// The floor that a support auction is held under.
    pub(crate) const fn floor(&self) -> Option<FloorId> {
        match self.terms.kind {
            AuctionKind::Support { floor, .. } => Some(floor),
            AuctionKind::Call { .. } | AuctionKind::Purchase { .. } | AuctionKind::Sale { .. } => None,
        }
    }

    /// Whether nothing happens to it any more.
    pub(crate) const fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Final { .. } | Stage::Cancelled)
    }

    pub(crate) const fn kind(&self) -> AuctionKind {
        self.terms.kind
    }

    pub(crate) const fn pledged(&self) -> Option<Money> {
        self.pledged
    }

    /// Refuses a bid, replacement or withdrawal outside the time for it.
    // Rules: R-AUC-011, R-AUC-089.
    fn check_open(&self, at: Instant) -> Result<(), Reject> {
        match self.stage {
            Stage::Announced => Err(Reject::NotYetOpen { opens_at: self.terms.opens_at }),
            Stage::Open if at < self.terms.closes_at => Ok(()),
            Stage::Cancelled => Err(Reject::AuctionCancelled),
            _ => Err(Reject::TooLate { closed_at: self.terms.closes_at }),
        }
    }

    /// Refuses to clear, or to take a solution, but between the close and the result.
    // Rules: R-AUC-089.
    fn check_closed(&self) -> Result<(), Reject> {
        match self.stage {
            Stage::Announced | Stage::Open => Err(Reject::NotClosed { closes_at: self.terms.closes_at }),
            Stage::Closed => Ok(()),
            Stage::Cleared { .. } | Stage::Asking { .. } | Stage::Final { .. } => Err(Reject::AlreadyCleared),
            Stage::Cancelled => Err(Reject::AuctionCancelled),
        }
    }

    // Rules: R-AUC-088, R-AUC-089.
    fn check_cancel(&self) -> Result<(), Reject> {
        match self.stage {
            Stage::Final { .. } => Err(Reject::AlreadyFinal),
            Stage::Cancelled => Err(Reject::AuctionCancelled),
            _ => Ok(()),
        }
    }

    /// The digest of the standing bids, with all that they say of themselves.
    fn bids_digest(&self) -> Digest {
        let mut feed = Feed::default();
        self.feed_bids(&mut feed);
        feed.finish()
    }

    fn feed_bids(&self, feed: &mut Feed) {
        self.book.feed(feed);
        feed.add(&self.details);
    }

    pub(crate) fn feed(&self, feed: &mut Feed) {
        feed.add(&self.terms);
        feed.add(&self.stage);
        self.feed_bids(feed);
        feed.add(&self.pledged);
        feed.add(&self.bought);
        feed.add(&self.proposed);
        feed.add(&self.bonds);
    }
}

impl State {
    fn auction(&self, id: AuctionId) -> Result<&Auction, Reject> {
        self.auctions.get(&id).ok_or(Reject::UnknownAuction { auction: id })
    }

    /// The market that an auction's bids are in.
    fn market_of(&self, kind: AuctionKind) -> Result<&Market, Reject> {
        match kind {
            AuctionKind::Call { market, .. } | AuctionKind::Purchase { market, .. } => self.market(market),
            AuctionKind::Support { floor, .. } => self.market(self.floor(floor)?.terms.market),
            AuctionKind::Sale { purchase } => match self.auction(purchase)?.terms.kind {
                AuctionKind::Purchase { market, .. } => self.market(market),
                _ => Err(Reject::NotAPurchase { auction: purchase }),
            },
        }
    }

    /// The programme whose money an auction has reserved.
    pub(crate) fn programme_of(&self, kind: AuctionKind) -> Option<ProgrammeId> {
        match kind {
            AuctionKind::Support { floor, .. } => self.floor(floor).ok().map(|floor| floor.terms.programme),
            AuctionKind::Purchase { programme, .. } => Some(programme),
            AuctionKind::Call { stock, .. } => stock.map(|order| order.programme),
            AuctionKind::Sale { .. } => None,
        }
    }

    /// Refuses terms that do not make an auction; returns the budget that it reserves.
    // Rules: R-AUC-003, R-AUC-004, R-AUC-007, R-AUC-009.
    pub(crate) fn check_announce(
        &self,
        id: AuctionId,
        terms: &AuctionTerms,
        at: Instant,
    ) -> Result<Option<Money>, Reject> {
        if self.auctions.contains_key(&id) {
            return Err(Reject::AuctionTaken);
        }
        // A secret is published with the first result that it draws.
        let is_known = |auction: &Auction| auction.terms.draw_commitment == terms.draw_commitment;
        if terms.draw_commitment.is_some() && self.auctions.values().any(is_known) {
            return Err(Reject::DrawSecretUsed);
        }
        let market = self.market_of(terms.kind)?;
        let earliest_final = terms.closes_at.plus_seconds(terms.challenge_seconds.get());
        let earliest_end = earliest_final.and_then(|final_at| terms.ends_at(final_at));
        let in_order = terms.opens_at > at && terms.closes_at > terms.opens_at;
        let solved_by = match &terms.rule {
            AuctionRule::Solution(solution) => solution.until(terms.closes_at),
            AuctionRule::Price(_) | AuctionRule::Stack(_) => Some(terms.closes_at),
        };
        let times = earliest_final.zip(earliest_end).filter(|_| in_order && solved_by.is_some());
        let times = times.ok_or(Reject::AuctionTimes { now: at });
        // The dearest outcome: the whole volume at the highest price that is taken.
        let (programme, mut budget) = match terms.kind {
            AuctionKind::Call { .. } => {
                times?;
                let rule = match &terms.rule {
                    AuctionRule::Price(rule) => rule,
                    AuctionRule::Solution(solution) => &solution.rule,
                    AuctionRule::Stack(_) => return Err(Reject::RuleKind),
                };
                terms.check_price_rule(rule, market)?;
                let AuctionKind::Call { market, stock: Some(order) } = terms.kind else {
                    return Ok(None);
                };
                let pledge = self.check_stock_order(market, &order, terms.rule.price())?;
                return Ok(Some(pledge).filter(|_| order.side == Side::Buy));
            }
            AuctionKind::Sale { purchase } => {
                times?;
                self.check_sale(purchase)?;
                terms.check_price_rule(terms.rule.price().ok_or(Reject::RuleKind)?, market)?;
                return Ok(None);
            }
            AuctionKind::Support { floor, per_period } => {
                let (final_at, ends_at) = times?;
                self.check_floor_open(floor, ends_at)?;
                self.check_entitlements_left()?;
                market.check_quantity(per_period)?;
                let floor_terms = &self.floor(floor)?.terms;
                (floor_terms.programme, self.reservation(floor, floor_terms.price, per_period, final_at)?)
            }
            AuctionKind::Purchase { programme, quantity, worst_sale, .. } => {
                times?;
                if self.programme(programme)?.currency() != market.currency {
                    return Err(Reject::OtherCurrency);
                }
                market.check_price(worst_sale)?;
                market.check_quantity(quantity)?;
                let stated = terms.rule.stack().ok_or(Reject::PurchaseByStack)?.rule.ceiling;
                let dearest = stated.into_iter().chain([market.highest]).min().unwrap_or(market.highest);
                let budget = exposure(dearest, worst_sale, quantity, market.currency);
                (programme, budget.ok_or(Reject::AmountTooLarge)?)
            }
        };
        if let Some(stated) = terms.rule.stack().and_then(|stack| stack.budget) {
            check_payable(stated.of(market.currency), market.currency)?;
            budget.millionths = budget.millionths.min(stated.millionths());
        }
        self.check_free(programme, budget)?;
        match &terms.rule {
            AuctionRule::Price(rule) => terms.check_price_rule(rule, market)?,
            AuctionRule::Stack(stack) => {
                stack.check(market, &self.stake(terms.kind, at)?)?;
                terms.check_draw(stack.has_draw())?;
            }
            AuctionRule::Solution(_) => return Err(Reject::SolutionsForCalls),
        }
        Ok(Some(budget))
    }

    pub(crate) fn announce(&mut self, id: AuctionId, terms: AuctionTerms, budget: Option<Money>) {
        if let (Some(programme), Some(budget)) = (self.programme_of(terms.kind), budget) {
            self.pledge(programme, budget);
        }
        self.schedule(id, Some(terms.opens_at));
        self.auctions.insert(id, Auction::new(terms, budget));
    }

    pub(crate) fn check_cancel(&self, id: AuctionId) -> Result<(), Reject> {
        self.auction(id)?.check_cancel()
    }

    // Rules: R-AUC-088.
    pub(crate) fn cancel(&mut self, id: AuctionId) {
        let Some(auction) = self.auctions.get_mut(&id) else {
            return;
        };
        let due = auction.due();
        auction.stage = Stage::Cancelled;
        let budget = auction.pledged.take();
        let kind = auction.terms.kind;
        self.unschedule(id, due);
        self.release_bonds(id);
        if let (Some(programme), Some(budget)) = (self.programme_of(kind), budget) {
            self.unpledge(programme, budget);
        }
    }

    /// Moves an auction on that is due, and was told so at an instant.
    // Rules: R-AUC-031.
    pub(crate) fn advance(&mut self, at: Instant, id: AuctionId, out: &mut Events) {
        let Some(auction) = self.auctions.get_mut(&id) else {
            return;
        };
        match &auction.stage {
            Stage::Announced => {
                auction.stage = Stage::Open;
                out.push(Event::AuctionOpened { auction: id });
            }
            Stage::Open => {
                auction.stage = Stage::Closed;
                out.push(Event::AuctionClosed { auction: id });
                self.tell_book(id, out);
            }
            Stage::Cleared { result, final_at } => {
                let (result, final_at) = (result.clone(), *final_at);
                if !self.ask_winners(id, &result, final_at.max(at), out) {
                    let fills = result.fills.clone();
                    self.finalise(id, result, &fills, final_at, out);
                }
            }
            Stage::Asking { result, asking } => {
                let (result, until) = (result.clone(), asking.until);
                if let Some(fills) = self.end_asking(id, at, out) {
                    self.finalise(id, result, &fills, until, out);
                }
            }
            Stage::Closed | Stage::Final { .. } | Stage::Cancelled => {}
        }
        let due = self.auctions.get(&id).and_then(Auction::due);
        self.schedule(id, due);
    }
}
