//! Auctions: their life cycle, what bids they admit, and how they are cleared and become final.
//!
//! `Announced → Open → Closed → Cleared → Final`, or `Cancelled` from any but `Final`. Opening, closing and
//! becoming final happen at a `Tick` of the due instant; clearing is an operator's command and decides
//! nothing, since the result is a function of the book. Two kinds: a *call auction* between buyers and
//! sellers, and a *support auction*, in which suppliers offer strikes below a floor for a volume a period
//! and win entitlements. Both clear by the price rule in their terms, as `clear.rs` says, or a support auction as a stack.
//!
//! | what | where |
//! |---|---|
//! | what an auction is, and which rules it can have | `terms.rs` |
//! | from the book to the price and the fills | `clear.rs`, by [`clearing`] |
//! | a programme that buys and sells again | `intermediary.rs` |
//! | bids with minimums, and solutions that are proposed | `solution.rs`, by [`indivisible`](crate::indivisible) |
//! | bid bonds | `bonds.rs` |
//! | offers in a stack, its awards and their acceptance | `stack.rs`, by [`support`](crate::support) |
//! | what is said of it after | `result.rs` |
//!
//! Before the close nobody is shown another's bid: nothing here emits an event about a bid but to its owner.

mod bonds;
mod clear;
mod intermediary;
mod result;
mod solution;
mod stack;
mod terms;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::book::{Book, Ladder, Order, PLACES_MAX, Replaced, Side};
use crate::cfd::Grant;
use crate::clearing::{self, Payment, is_always_decided, reason_at};
use crate::command::NewBid;
use crate::digest::{Digest, Feed};
use crate::event::{Event, Events};
use crate::exchange::State;
use crate::id::{AuctionId, BidId, FloorId, MarketId, ParticipantId, ProgrammeId};
use crate::ledger::check_payable;
use crate::market::Market;
use crate::money::{Nets, StockOrder};
use crate::num::{Currency, Money, Price, Quantity, Rounded};
use crate::participant::Role;
use crate::reject::Reject;
use crate::time::{Day, Instant};
use clear::winning_limits;
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
pub use terms::{AuctionKind, AuctionRule, AuctionTerms, Lot, LotSecret, ParseLotSecretError};

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
    /// What it has reserved in its programme: a support auction until it turns into entitlements, a purchase until it is sold.
    budget: Option<Money>,
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
    pub(crate) const fn new(terms: AuctionTerms, budget: Option<Money>) -> Self {
        Self {
            terms,
            stage: Stage::Announced,
            book: Book::new(),
            budget,
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

    pub(crate) const fn budget(&self) -> Option<Money> {
        self.budget
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
        feed.add(&self.budget);
        feed.add(&self.bought);
        feed.add(&self.proposed);
        feed.add(&self.bonds);
    }
}

/// A bid that was found right, in the market's grid.
struct Admitted {
    /// `None` for a market order.
    level: Option<u32>,
    lots: i64,
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
        let is_known = |auction: &Auction| auction.terms.lot_commitment == terms.lot_commitment;
        if terms.lot_commitment.is_some() && self.auctions.values().any(is_known) {
            return Err(Reject::LotSecretUsed);
        }
        let market = self.market_of(terms.kind)?;
        let earliest_final = terms.closes_at.plus_seconds(terms.challenge_seconds.get());
        let in_order = terms.opens_at > at && terms.closes_at > terms.opens_at;
        let times = earliest_final.filter(|_| in_order).ok_or(Reject::AuctionTimes { now: at });
        // The dearest outcome: the whole volume at the highest price that is taken.
        let (programme, mut budget) = match terms.kind {
            AuctionKind::Call { .. } => {
                times?;
                let rule = match &terms.rule {
                    AuctionRule::Price(rule) => rule,
                    AuctionRule::Solution(solution) => &solution.rule,
                    AuctionRule::Stack(_) => return Err(Reject::PriceRuleOnly),
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
                terms.check_price_rule(terms.rule.price().ok_or(Reject::PriceRuleOnly)?, market)?;
                return Ok(None);
            }
            AuctionKind::Support { floor, per_period } => {
                self.check_floor_open(floor, at)?;
                self.check_entitlements_left()?;
                market.check_quantity(per_period)?;
                let floor_terms = &self.floor(floor)?.terms;
                (floor_terms.programme, self.reservation(floor, floor_terms.price, per_period, times?)?)
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
                terms.check_lot(stack.draws_lots())?;
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
        let budget = auction.budget.take();
        let kind = auction.terms.kind;
        self.unschedule(id, due);
        self.release_bonds(id);
        if let (Some(programme), Some(budget)) = (self.programme_of(kind), budget) {
            self.unpledge(programme, budget);
        }
    }

    /// The one test that a bid must pass, whenever it is read.
    // Rules: R-AUC-014, R-AUC-015, R-AUC-016, R-AUC-017, R-AUC-020.
    fn admit(
        &self,
        auction: &Auction,
        participant: ParticipantId,
        roles: &BTreeSet<Role>,
        bid: &NewBid,
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
            (AuctionRule::Stack(terms), _) => self.check_offer(auction, terms, participant, bid)?,
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
        let Admitted { level, lots } = self.admit(auction, participant, &terms.roles, &bid)?;
        self.check_room(auction, bid.side, lots)?;
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
    fn check_room(&self, auction: &Auction, side: Side, lots: i64) -> Result<(), Reject> {
        let market = self.market_of(auction.terms.kind)?;
        let ordered = match auction.terms.kind {
            AuctionKind::Call { stock: Some(order), .. } if order.side == side => {
                order.lots(market).unwrap_or(0)
            }
            _ => 0,
        };
        let total = auction.book.total_with(side, lots).and_then(|total| total.checked_add(ordered));
        let quantity = total.and_then(|total| market.quantity(total)).ok_or(Reject::BookFull)?;
        if market.can_be_paid(quantity) { Ok(()) } else { Err(Reject::BookFull) }
    }

    /// A standing bid, if it is `participant`'s.
    // Rules: R-AUC-018.
    fn own_bid(&self, auction: &Auction, bid: BidId, participant: ParticipantId) -> Result<Order, Reject> {
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
        let Admitted { level, lots } = self.admit(auction, participant, roles, &new)?;
        self.check_room(auction, order.side, lots)?;
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

    fn take_out(&mut self, id: AuctionId, bid: BidId, participant: ParticipantId, out: &mut Events) {
        if let Some(auction) = self.auctions.get_mut(&id) {
            auction.book.withdraw(bid);
            auction.details.remove(&bid);
        }
        self.release_bond(id, bid);
        out.push(Event::BidWithdrawn { auction: id, bid, participant });
    }

    // Rules: R-AUC-032, R-AUC-058, R-AUC-089.
    pub(crate) fn clear_auction(
        &mut self,
        at: Instant,
        id: AuctionId,
        secret: Option<LotSecret>,
        out: &mut Events,
    ) -> Result<(), Reject> {
        let auction = self.auction(id)?;
        match auction.stage {
            Stage::Closed => {}
            Stage::Announced | Stage::Open => {
                return Err(Reject::NotClosed { closes_at: auction.terms.closes_at });
            }
            Stage::Cleared { .. } | Stage::Asking { .. } | Stage::Final { .. } => {
                return Err(Reject::AlreadyCleared);
            }
            Stage::Cancelled => return Err(Reject::AuctionCancelled),
        }
        self.check_solved(at, auction)?;
        let final_at =
            at.plus_seconds(auction.terms.challenge_seconds.get()).ok_or(Reject::AuctionTimes { now: at })?;
        if secret.map(|secret| secret.commitment()) != auction.terms.lot_commitment {
            return Err(Reject::LotSecret);
        }
        let lot = secret.map(|secret| Lot { secret, bids: auction.bids_digest() });
        let result = self.result(auction, lot, final_at)?;
        out.push(Event::AuctionCleared { auction: id, final_at, result: result.clone() });
        if let Some(auction) = self.auctions.get_mut(&id) {
            auction.stage = Stage::Cleared { result, final_at };
        }
        self.schedule(id, Some(final_at));
        Ok(())
    }

    /// The result of a closed auction: a pure function of its book and terms, of the lot and of when it becomes final.
    // Rules: R-AUC-049.
    fn result(
        &self,
        auction: &Auction,
        lot: Option<Lot>,
        final_at: Instant,
    ) -> Result<AuctionResult, Reject> {
        let market = self.market_of(auction.terms.kind)?;
        let rule = match &auction.terms.rule {
            AuctionRule::Price(rule) => market.rule(rule),
            AuctionRule::Stack(terms) => return self.stack_result(auction, terms, lot, final_at),
            AuctionRule::Solution(terms) => return self.solution_result(auction, terms),
        };
        let programme = match auction.terms.kind {
            AuctionKind::Call { stock: Some(order), .. } => {
                let quantity = order.lots(market).and_then(|lots| market.quantity(lots));
                Some((order.side, order.price, quantity.ok_or(Reject::AmountTooLarge)?))
            }
            // A purchase is a stack.
            AuctionKind::Call { stock: None, .. } | AuctionKind::Purchase { .. } => None,
            // The programme is the one buyer, at the floor's price.
            AuctionKind::Support { floor, per_period } => {
                Some((Side::Buy, self.floor(floor)?.terms.price, per_period))
            }
            // The programme is the one seller.
            AuctionKind::Sale { purchase } => {
                let (price, left) = self.offered_for_sale(purchase)?;
                Some((Side::Sell, price, left))
            }
        };
        let has_stock = matches!(auction.terms.kind, AuctionKind::Call { stock: Some(_), .. });
        let ladder = programme
            .map(|(side, price, quantity)| {
                let lots = market.lots(quantity).ok_or(Reject::QuantityOffLot { lot: market.lot })?;
                let level = market.check_price(price)?;
                if !has_stock {
                    return Ok((side, Ladder::of(level, lots)));
                }
                // A stock's order stands beside the bids.
                let mut ladder = auction.book.ladder(side).clone();
                ladder.change(Some(level), lots);
                Ok((side, ladder))
            })
            .transpose()?;
        let ladder = ladder.as_ref().map(|(side, ladder)| (*side, ladder));
        let seed = lot.map(|lot| lot.seed().0);
        let seed = seed.as_ref().map_or(&[][..], |seed| seed);
        let Cleared { certificate, given } = clear(&auction.book, market, ladder, &rule, seed);
        let proved_max = if is_always_decided(&rule) { PROVED_MAX } else { PROVED_MAX_UNDECIDED };
        let mut limits = if auction.book.orders().nth(proved_max).is_none() && !has_stock {
            let programme = programme.map(|(side, price, quantity)| clearing::Order {
                id: b"programme",
                rank: u32::MAX,
                side,
                price: Some(price),
                quantity,
                min_quantity: Quantity::ZERO,
                received: 0,
            });
            winning_limits(&auction.book, market, programme, &rule, seed, &given)
        } else {
            Vec::new()
        }
        .into_iter();
        let price = certificate.price();
        let (mut fills, mut unfilled) = (Vec::new(), Vec::new());
        let lots = given.into_iter().chain(std::iter::repeat(0));
        for (Order { bid, participant, side, level, lots, .. }, given) in auction.book.with(lots) {
            let quantity = |lots| market.quantity(lots).ok_or(Reject::AmountTooLarge);
            let limit = level.map(|level| market.price(level));
            let reason = reason_at(price, side, limit, quantity(lots)?, quantity(given)?);
            match price.filter(|_| given > 0) {
                Some(price) => {
                    let price = match rule.payment {
                        Payment::OnePrice => price,
                        Payment::OwnPrice => limit.unwrap_or(price),
                    };
                    let quantity = quantity(given)?;
                    fills.push(Fill { bid, participant, side, quantity, price, reason });
                }
                None => {
                    let winning_limit = limits.next().unwrap_or(WinningLimit::NotLookedFor);
                    unfilled.push(Unfilled { bid, participant, reason, winning_limit });
                }
            }
        }
        for side in Side::BOTH {
            let is_programme = programme.is_some_and(|(of, ..)| of == side);
            assert!(
                is_programme || filled(&fills, side) == Some(certificate.sold),
                "what one side is given is the volume"
            );
        }
        let reserved = match auction.terms.kind {
            kind @ AuctionKind::Support { .. } if price.is_some() => {
                Some(self.reservation_of(kind, &fills, final_at)?)
            }
            _ => None,
        };
        let certificate = Box::new(certificate);
        Ok(AuctionResult { certificate, fills, unfilled, reserved, lot, stack: None, solution: None })
    }

    /// What a programme reserves for entitlements won, or for what it buys.
    // Rules: R-AUC-090.
    fn reservation_of(&self, kind: AuctionKind, fills: &[Fill], final_at: Instant) -> Result<Money, Reject> {
        let currency = self.market_of(kind)?.currency;
        fills.iter().try_fold(Money::zero(currency), |sum, fill| {
            let reserved = match kind {
                AuctionKind::Support { floor, .. } => {
                    self.reservation(floor, fill.price, fill.quantity, final_at)?
                }
                AuctionKind::Purchase { worst_sale, .. } => {
                    exposure(fill.price, worst_sale, fill.quantity, currency).ok_or(Reject::AmountTooLarge)?
                }
                AuctionKind::Call { .. } | AuctionKind::Sale { .. } => Money::zero(currency),
            };
            sum.checked_add(reserved).ok_or(Reject::AmountTooLarge)
        })
    }

    /// Moves an auction on that is due.
    // Rules: R-AUC-031.
    pub(crate) fn advance(&mut self, id: AuctionId, out: &mut Events) {
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
                if !self.ask_winners(id, &result, final_at, out) {
                    let fills = result.fills.clone();
                    self.finalise(id, result, &fills, final_at, out);
                }
            }
            Stage::Asking { result, asking } => {
                let (result, until) = (result.clone(), asking.until);
                if let Some(fills) = self.end_asking(id, out) {
                    self.finalise(id, result, &fills, until, out);
                }
            }
            Stage::Closed | Stage::Final { .. } | Stage::Cancelled => {}
        }
        let due = self.auctions.get(&id).and_then(Auction::due);
        self.schedule(id, due);
    }

    /// A result stands, and with it these fills: awards are booked, or entitlements granted.
    // Rules: R-AUC-087.
    fn finalise(
        &mut self,
        id: AuctionId,
        result: AuctionResult,
        fills: &[Fill],
        at: Instant,
        out: &mut Events,
    ) {
        let Some(auction) = self.auctions.get_mut(&id) else {
            return;
        };
        let (kind, budget) = (auction.terms.kind, auction.budget.take());
        auction.stage = Stage::Final { result };
        out.push(Event::AuctionFinalised { auction: id });
        self.release_bonds(id);
        match kind {
            AuctionKind::Call { market, stock } => {
                self.book_awards(id, market, stock.as_ref(), budget, fills, at, out);
            }
            AuctionKind::Support { floor, .. } => {
                if let (Some(programme), Some(budget)) = (self.programme_of(kind), budget) {
                    self.unpledge(programme, budget);
                }
                self.grant_awards(floor, fills, at, out);
            }
            AuctionKind::Purchase { .. } => {
                if let Some(budget) = budget {
                    self.buy(id, budget, fills);
                }
            }
            AuctionKind::Sale { purchase } => self.settle_sale(id, purchase, fills, at, out),
        }
    }

    /// Whether an auction that was read from a snapshot keeps what its market and floor make sure of for every bid that
    /// is admitted and every result that is found, so that it can go on.
    pub(crate) fn is_sound(&self, auction: &Auction) -> bool {
        let Ok(market) = self.market_of(auction.terms.kind) else {
            return false;
        };
        let is_rule = match (&auction.terms.rule, auction.terms.kind) {
            (AuctionRule::Price(rule), _) => auction.terms.check_price_rule(rule, market).is_ok(),
            (AuctionRule::Stack(_), AuctionKind::Call { .. } | AuctionKind::Sale { .. }) => false,
            (AuctionRule::Solution(terms), _) => self.is_solution_sound(auction, terms),
            (AuctionRule::Stack(terms), kind) => {
                self.stake(kind, Instant(0)).is_ok_and(|stake| terms.check(market, &stake).is_ok())
                    && self.is_stack_sound(auction, terms)
            }
        };
        let asks = matches!(auction.stage, Stage::Asking { .. });
        if !is_rule || !self.is_intermediary_sound(auction) || (asks && auction.stack().is_none()) {
            return false;
        }
        let book = &auction.book;
        let on_grid = |order: Order| {
            let quantity = market.quantity(order.lots);
            order.level.is_none_or(|level| Some(level) <= market.level(market.highest))
                && quantity.is_some_and(|quantity| market.check_quantity(quantity).is_ok())
        };
        let told = |side| {
            let total = market.quantity(book.ladder(side).total());
            total.is_some_and(|total| market.can_be_paid(total))
        };
        if !book.orders().all(on_grid) || !told(Side::Buy) || !told(Side::Sell) {
            return false;
        }
        if !Self::is_stock_order_sound(auction, market) {
            return false;
        }
        let Stage::Cleared { result, final_at } = &auction.stage else {
            return true;
        };
        let reserves = match auction.terms.kind {
            AuctionKind::Call { .. } | AuctionKind::Sale { .. } => true,
            kind @ (AuctionKind::Support { .. } | AuctionKind::Purchase { .. }) => {
                self.reservation_of(kind, &result.fills, *final_at).is_ok()
            }
        };
        let bids = result.fills.len().saturating_add(result.unfilled.len());
        let in_places = u32::try_from(bids).is_ok_and(|bids| bids <= PLACES_MAX);
        let is_right = |fill: &Fill| {
            fill.quantity <= result.volume()
                && market.check_price(fill.price).is_ok()
                && market.check_quantity(fill.quantity).is_ok()
        };
        reserves && in_places && result.fills.iter().all(is_right)
    }

    /// Whether what a programme can come to buy is pledged, and no more is bought or released than was ordered.
    fn is_stock_order_sound(auction: &Auction, market: &Market) -> bool {
        let AuctionKind::Call { stock: Some(order), .. } = auction.terms.kind else {
            return true;
        };
        let pledge = match order.side {
            Side::Buy => order.pledge(market),
            Side::Sell => None,
        };
        let Some(ordered) = order.lots(market).and_then(|lots| market.quantity(lots)) else {
            return false;
        };
        let is_pledged =
            auction.is_over() || (auction.budget == pledge && pledge.is_some() == (order.side == Side::Buy));
        let Stage::Cleared { result, .. } = &auction.stage else {
            return is_pledged;
        };
        let [Some(bought), Some(sold)] = Side::BOTH.map(|side| filled(&result.fills, side)) else {
            return false;
        };
        let (by_programme, by_others) = match order.side {
            Side::Buy => (sold, bought),
            Side::Sell => (bought, sold),
        };
        let traded = by_programme.checked_sub(by_others);
        let at_its_price = |fill: &Fill| match order.side {
            Side::Buy => fill.price <= order.price,
            Side::Sell => fill.price >= order.price,
        };
        let is_ordered = traded.is_some_and(|traded| {
            traded <= ordered && (traded.is_zero() || result.fills.iter().all(at_its_price))
        });
        is_pledged && is_ordered
    }

    /// Novates a call auction's awards to the clearing account, with what a stock bought or released beside them.
    #[expect(clippy::too_many_arguments, reason = "they are the parts of one settlement")]
    fn book_awards(
        &mut self,
        id: AuctionId,
        market_id: MarketId,
        stock: Option<&StockOrder>,
        budget: Option<Money>,
        fills: &[Fill],
        at: Instant,
        out: &mut Events,
    ) {
        let (Ok(market), Some(today)) = (self.market(market_id), Day::of(at)) else {
            return;
        };
        let currency = market.currency;
        let sides = Side::BOTH.map(|side| filled(fills, side).unwrap_or(Quantity::ZERO));
        let [bought, sold] = sides;
        let mut nets = Nets::new();
        for fill in fills {
            add_net(&mut nets, fill.side, fill.participant, fill.price, fill.quantity, currency);
        }
        let (mut paid_in, mut residual) = (Money::zero(currency), None);
        if let (Some(order), Some(price)) = (stock, fills.first().map(|fill| fill.price)) {
            if let Some(budget) = budget {
                self.unpledge(order.programme, budget);
            }
            if let Some(quantity) = sold.checked_sub(bought).filter(|quantity| !quantity.is_zero()) {
                paid_in = self.buy_stock(id, market_id, order, (price, quantity), currency, out);
            }
            if let Some(quantity) = bought.checked_sub(sold).filter(|quantity| !quantity.is_zero()) {
                let revenue: i128 = nets.values().map(|net| i128::from(*net)).sum();
                let revenue = i64::try_from(revenue.max(0)).unwrap_or(i64::MAX);
                residual = self.release_stock(id, market_id, order, (price, quantity), revenue, out);
            }
        } else if let (Some(order), Some(budget)) = (stock, budget) {
            self.unpledge(order.programme, budget);
        }
        self.novate_awards(id, currency, today, &nets, paid_in, residual, out);
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

    /// Turns a support auction's awards into entitlements, reserved for out of the budget that was just released.
    // Rules: R-AUC-090.
    fn grant_awards(&mut self, floor: FloorId, fills: &[Fill], final_at: Instant, out: &mut Events) {
        for &Fill { participant, quantity, price: strike, .. } in fills {
            let reserved = self.reservation(floor, strike, quantity, final_at);
            assert!(reserved.is_ok(), "the reservation of a part fits where that of the whole did");
            if let Ok(reserved) = reserved {
                let grant = Grant { floor, holder: participant, strike, per_period: quantity, deal: None };
                self.grant(grant, reserved, final_at, out);
            }
        }
    }
}

/// What the fills of one side sum to.
fn filled(fills: &[Fill], side: Side) -> Option<Quantity> {
    let of_side = fills.iter().filter(|fill| fill.side == side);
    of_side.map(|fill| fill.quantity).try_fold(Quantity::ZERO, Quantity::checked_add)
}

/// Adds price × quantity, in minor units, to what a participant is to pay for an auction, or to be paid. Returns the exact amount, in
/// millionths.
// Rules: R-MON-017.
fn add_net(
    nets: &mut Nets,
    side: Side,
    participant: ParticipantId,
    price: Price,
    quantity: Quantity,
    currency: Currency,
) -> i128 {
    let rounded = price.times(quantity, currency);
    assert!(rounded.is_some(), "what a book holds can be paid at any price of its market");
    let Some(Rounded { amount, remainder }) = rounded else {
        return 0;
    };
    let net = nets.entry(participant).or_insert(0);
    let changed = match side {
        Side::Buy => net.checked_add(amount.millionths),
        Side::Sell => net.checked_sub(amount.millionths),
    };
    assert!(changed.is_some(), "what a book holds can be paid at any price of its market");
    *net = changed.unwrap_or(*net);
    i128::from(amount.millionths).saturating_add(i128::from(remainder.millionths))
}
