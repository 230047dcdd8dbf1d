//! What an auction is, fixed when it is announced: who trades with whom, when, and by which rule.
//!
//! The rule is data, the same as in a rule file. Tick and lot are the market's, so a rule need not state them. An auction of the
//! exchange gives as much to one side as to the other, and by a price rule its bids have no minimums; allocations that do otherwise are
//! for books that are cleared outside it.
//!
//! A seeded draw is made with what nobody knew before the close: the operator's secret, whose hash is part of the terms, together
//! with the bids. Nobody can bid towards a draw that depends on a secret, and whoever holds the secret cannot choose it
//! after it has seen the bids.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::solution::SolutionTerms;
use super::stack::StackTerms;
use crate::clearing::{Allocation, Payment, Rule, RuleError};
use crate::digest::Digest;
use crate::id::{AuctionId, FloorId, MarketId, ProgrammeId};
use crate::market::Market;
use crate::money::StockOrder;
use crate::num::{Price, Quantity};
use crate::reject::Reject;
use crate::text::bytes_of_hex;
use crate::time::Instant;

/// What an auction is, fixed when it is announced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuctionTerms {
    /// Who trades what with whom.
    pub kind: AuctionKind,
    /// From when on bids are taken.
    pub opens_at: Instant,
    /// A bid stamped at or after this instant is too late.
    pub closes_at: Instant,
    /// How long a result can be challenged before it is final, in seconds.
    pub challenge_seconds: NonZeroU32,
    /// How it is cleared.
    pub rule: AuctionRule,
    /// For a seeded draw, and only for one: the SHA-256 of the secret that it is made with.
    pub draw_commitment: Option<Digest>,
}

/// How an auction is cleared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AuctionRule {
    /// At the price where demand meets supply; in a support auction the programme is the one buyer, at the floor's price. Tick
    /// and lot are the market's, and need not be stated.
    Price(Box<Rule>),
    /// From the best offer of a stack on, as far as limits allow. Support auctions and purchases.
    Stack(Box<StackTerms>),
    /// By the best choice that was proposed. Call auctions alone; their bids can have minimums.
    Solution(Box<SolutionTerms>),
}

impl From<Rule> for AuctionRule {
    fn from(rule: Rule) -> Self {
        Self::Price(Box::new(rule))
    }
}

impl From<StackTerms> for AuctionRule {
    fn from(terms: StackTerms) -> Self {
        Self::Stack(Box::new(terms))
    }
}

impl From<SolutionTerms> for AuctionRule {
    fn from(terms: SolutionTerms) -> Self {
        Self::Solution(Box::new(terms))
    }
}

impl AuctionRule {
    /// The price rule, if it is cleared by one.
    pub const fn price(&self) -> Option<&Rule> {
        match self {
            Self::Price(rule) => Some(rule),
            Self::Stack(_) | Self::Solution(_) => None,
        }
    }

    /// The stack's terms, if it is one.
    pub const fn stack(&self) -> Option<&StackTerms> {
        match self {
            Self::Price(_) | Self::Solution(_) => None,
            Self::Stack(terms) => Some(terms),
        }
    }

    /// How solutions are taken, if they are.
    pub const fn solution(&self) -> Option<&SolutionTerms> {
        match self {
            Self::Price(_) | Self::Stack(_) => None,
            Self::Solution(terms) => Some(terms),
        }
    }
}

/// The kind of an auction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AuctionKind {
    /// Buyers and sellers of a market meet, at one price for all.
    Call {
        /// The market.
        market: MarketId,
        /// What a programme buys into stock, or releases from it, beside them.
        stock: Option<StockOrder>,
    },
    /// Suppliers offer strikes for entitlements under a floor; the lowest are taken.
    Support {
        /// The floor.
        floor: FloorId,
        /// How much the programme supports at most, per period of the floor's calendar.
        per_period: Quantity,
    },
    /// A programme buys from the best offers of a stack, to sell again.
    Purchase {
        /// The market.
        market: MarketId,
        /// The programme that buys.
        programme: ProgrammeId,
        /// How much it buys at most.
        quantity: Quantity,
        /// Below this price it never sells: price − worst sale price is what it can lose by a unit.
        worst_sale: Price,
    },
    /// A programme sells what is left of a purchase to the highest bids.
    Sale {
        /// The purchase, which is final.
        purchase: AuctionId,
    },
}

/// What a seeded draw is made with, kept by the operators until the auction is cleared.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrawSecret(pub [u8; 32]);

/// A text that is not the secret of a draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the secret of a draw is 64 hexadecimal digits")]
pub struct ParseDrawSecretError;

impl fmt::Debug for DrawSecret {
    /// Nothing of it: it must not come into a log before it is published.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DrawSecret(…)")
    }
}

impl fmt::Display for DrawSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Digest(self.0).fmt(f)
    }
}

impl FromStr for DrawSecret {
    type Err = ParseDrawSecretError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        bytes_of_hex(text).map(Self).ok_or(ParseDrawSecretError)
    }
}

impl DrawSecret {
    /// What is announced of it: its SHA-256.
    pub fn commitment(&self) -> Digest {
        Digest::of(self)
    }
}

/// What a seeded draw was made with. The bids of one limit are taken in the order of SHA-256(seed ‖ bid), a bid written as
/// `identity.command`, with seed = SHA-256(secret ‖ bids).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draw {
    /// The secret whose hash was announced.
    pub secret: DrawSecret,
    /// The digest of the bids that stood at the close, in order of time.
    pub bids: Digest,
}

impl Draw {
    /// What the order of the draw is worked out from.
    // Rules: R-AUC-058.
    pub fn seed(&self) -> Digest {
        Digest::of(&(self.secret, self.bids))
    }
}

impl AuctionTerms {
    /// When awards that are final at an instant stand at the earliest: then, or when those who are asked first have had their time to accept.
    /// `None` if that is out of reach.
    pub(super) fn ends_at(&self, final_at: Instant) -> Option<Instant> {
        match self.rule.stack().and_then(|stack| stack.acceptance_seconds) {
            Some(seconds) => final_at.plus_seconds(seconds.get()),
            None => Some(final_at),
        }
    }

    /// Refuses a price rule that the market cannot hold an auction by, and a draw without its secret's hash.
    // Rules: R-AUC-005, R-AUC-006.
    pub(super) fn check_price_rule(&self, stated: &Rule, market: &Market) -> Result<(), Reject> {
        let rule = market.rule(stated);
        let off_grid = Reject::RuleOffGrid { tick: market.tick, lot: market.lot };
        if stated.tick.is_some_and(|tick| tick != market.tick)
            || stated.lot.is_some_and(|lot| lot != market.lot)
        {
            return Err(off_grid);
        }
        rule.check().map_err(|error| match error {
            RuleError::CascadeEmpty | RuleError::CriterionTwice(_) => Reject::RuleCascade,
            RuleError::BoundsCrossed { lowest, highest } => Reject::RuleBoundsCrossed { lowest, highest },
            RuleError::TickNotPositive(_)
            | RuleError::LotZero
            | RuleError::MinimumOffLot { .. }
            | RuleError::BoundOffTick { .. } => off_grid,
        })?;
        let prices = [rule.reference_price, rule.floor, rule.ceiling];
        let quote = rule.quote.map(|quote| [quote.bid, quote.ask]);
        for price in prices.into_iter().flatten().chain(quote.into_iter().flatten()) {
            market.check_price(price)?;
        }
        if matches!(rule.allocation, Allocation::RoundUp | Allocation::MinimumFill) {
            return Err(Reject::RuleAllocation);
        }
        let is_call = matches!(self.kind, AuctionKind::Call { .. });
        if is_call && rule.payment == Payment::OwnPrice {
            return Err(Reject::RulePayment);
        }
        self.check_draw(rule.allocation == Allocation::SeededDraw)
    }

    /// Refuses a draw without its secret's hash, and a hash without a draw.
    // Rules: R-AUC-008.
    pub(super) fn check_draw(&self, has_draw: bool) -> Result<(), Reject> {
        if self.draw_commitment.is_some() == has_draw { Ok(()) } else { Err(Reject::DrawCommitment) }
    }
}

impl Market {
    /// A rule with the market's tick and lot.
    pub fn rule(&self, rule: &Rule) -> Rule {
        Rule { tick: Some(self.tick), lot: Some(self.lot), ..rule.clone() }
    }
}
