//! What came out of an auction: a public part that proves the price, and each bidder's own part.

use serde::{Deserialize, Serialize};

use super::solution::SolutionResult;
use super::stack::StackResult;
use super::terms::Draw;
use crate::book::Side;
use crate::clearing::{Certificate, Criterion, Decision, Reason};
use crate::id::{BidId, ParticipantId};
use crate::num::{Money, Price, Quantity};

/// What came out of an auction; by default, nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuctionResult {
    /// The price and the criterion that decided it, or why there is none; demand and supply at the prices that show it; and
    /// what was bought and sold. What a programme takes, or sells, stands on its side.
    pub certificate: Box<Certificate>,
    /// What each bid was given, in order of time. Everybody is shown its own.
    pub fills: Vec<Fill>,
    /// The bids that were given nothing, in order of time. Everybody is shown its own.
    pub unfilled: Vec<Unfilled>,
    /// For a support auction or a purchase: what the programme will reserve for what was awarded.
    pub reserved: Option<Money>,
    /// What a seeded draw was made with.
    pub draw: Option<Draw>,
    /// What else came out of a stack, which has no certificate and no list of unfilled bids.
    pub stack: Option<Box<StackResult>>,
    /// What is known of the solution that was taken, which has no certificate.
    pub solution: Option<Box<SolutionResult>>,
}

/// What one bid was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fill {
    /// The bid.
    pub bid: BidId,
    /// Whose it is.
    pub participant: ParticipantId,
    /// Its side.
    pub side: Side,
    /// How much.
    pub quantity: Quantity,
    /// At which price; in a support auction, with which strike.
    pub price: Price,
    /// Why so much.
    pub reason: Reason,
}

/// A bid that was given nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unfilled {
    /// The bid.
    pub bid: BidId,
    /// Whose it is.
    pub participant: ParticipantId,
    /// Why.
    pub reason: Reason,
    /// What would have won, all others unchanged.
    pub winning_limit: WinningLimit,
}

/// The limit nearest to a bid's own with which it would have been given something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum WinningLimit {
    /// This limit.
    At(Price),
    /// No limit in the market's band; or it is a market order.
    Nowhere,
    /// It would have held up the exchange to find it: the book has more than [`PROVED_MAX`] bids, by a rule that can leave a
    /// book without a price more than [`PROVED_MAX_UNDECIDED`], or in a stack more than [`STACK_PROVED_MAX`](super::STACK_PROVED_MAX). Or it cannot be told
    /// from the book alone: a solution was taken, or a stock's order stood in it.
    NotLookedFor,
}

impl WinningLimit {
    /// The limit, if there is one that is known.
    pub const fn limit(self) -> Option<Price> {
        match self {
            Self::At(limit) => Some(limit),
            Self::Nowhere | Self::NotLookedFor => None,
        }
    }
}

/// The most bids of a book whose losers are told what would have won. It takes milliseconds then, and a tenth of a second where
/// thousands share at one limit.
// Rules: R-AUC-029.
pub const PROVED_MAX: usize = 10_000;

/// The same where the rule can leave a book without a price, and the cascade has to be asked again.
// Rules: R-AUC-029.
pub const PROVED_MAX_UNDECIDED: usize = 2_048;

impl AuctionResult {
    /// The one price, or the price at the margin where each pays its own; `None` where nothing traded, and in a stack.
    pub fn price(&self) -> Option<Price> {
        self.solution.as_ref().map_or(self.certificate.price(), |solution| solution.price)
    }

    /// The criterion that decided the price.
    pub fn step(&self) -> Option<Criterion> {
        if let Some(solution) = &self.solution {
            return solution.step;
        }
        match self.certificate.decision {
            Decision::Price { step, .. } => Some(step),
            Decision::NothingTrades | Decision::Undecided { .. } => None,
        }
    }

    /// How much was bought and sold.
    pub fn volume(&self) -> Quantity {
        match (&self.stack, &self.solution) {
            (Some(stack), _) => stack.totals.quantity,
            (_, Some(solution)) => solution.volume,
            (None, None) => self.certificate.sold,
        }
    }

    /// How much was wanted at or above the price; nothing where there is none.
    pub fn demand(&self) -> Quantity {
        self.certificate.at_price().map_or(Quantity::ZERO, |point| point.demand)
    }

    /// How much was offered at or below the price; nothing where there is none.
    pub fn supply(&self) -> Quantity {
        self.certificate.at_price().map_or(Quantity::ZERO, |point| point.supply)
    }

    /// The result as a participant may see it: the public part, and of the bids its own.
    // Rules: R-AUC-028.
    pub(crate) fn shown_to(&self, reader: Option<ParticipantId>) -> Self {
        // Only the reader's own lines are copied: there can be a million others.
        let fills = self.fills.iter().filter(|fill| Some(fill.participant) == reader).copied().collect();
        let unfilled = self.unfilled.iter().filter(|bid| Some(bid.participant) == reader).copied().collect();
        Self {
            certificate: self.certificate.clone(),
            fills,
            unfilled,
            reserved: self.reserved,
            draw: self.draw,
            stack: self.stack.as_ref().map(|stack| Box::new(stack.shown_to(reader))),
            solution: self.solution.clone(),
        }
    }
}
