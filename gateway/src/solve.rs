//! A closed book of bids with minimums is solved on the operator's own machine, out of what the exchange told about it.

mod round;

use std::collections::BTreeMap;

use golv_client::client::Ended;
use golv_engine::auction::{AuctionKind, AuctionTerms, ClosedBid, Solution, names, orders};
use golv_engine::clearing::Rule;
use golv_engine::command::{Action, Command};
use golv_engine::digest::Digest;
use golv_engine::event::Event;
use golv_engine::id::{AuctionId, MarketId};
use golv_engine::indivisible::{IndivisibleError, Optimum, optimum};
use golv_engine::market::Market;

pub(crate) use round::{Known, Round};

/// What is known of an auction that is to be solved, from the events that an operator sees.
pub(crate) struct Book {
    auction: AuctionId,
    markets: BTreeMap<MarketId, Market>,
    terms: Option<AuctionTerms>,
    closed: Option<(Digest, Vec<ClosedBid>)>,
}

/// Why an auction cannot be solved.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotSolved {
    #[error("auction {0} is not cleared by solutions, or was never announced")]
    NotBySolutions(AuctionId),
    #[error("the book of auction {0} is not told before its close")]
    NotClosed(AuctionId),
    #[error("the book cannot be cleared")]
    Book(#[from] IndivisibleError),
    #[error("the events could not be read")]
    Ended(#[from] Ended),
}

impl Book {
    pub(crate) fn new(auction: AuctionId) -> Self {
        Self { auction, markets: BTreeMap::new(), terms: None, closed: None }
    }

    /// Takes note of what an event says of it.
    pub(crate) fn add(&mut self, event: &Event) {
        match event {
            Event::ActionConfirmed { action: Action::DefineMarket { market, terms }, .. } => {
                self.markets.insert(*market, terms.clone());
            }
            Event::ActionConfirmed { action: Action::AnnounceAuction { auction, terms }, .. }
                if *auction == self.auction =>
            {
                self.terms = Some(terms.clone());
            }
            Event::BookClosed { auction, digest, bids } if *auction == self.auction => {
                self.closed = Some((*digest, bids.clone()));
            }
            _ => {}
        }
    }

    fn rule(&self) -> Option<Rule> {
        let terms = self.terms.as_ref()?;
        let AuctionKind::Call { market, .. } = terms.kind else { return None };
        Some(self.markets.get(&market)?.rule(&terms.rule.solution()?.rule))
    }

    /// The best choice that is found by looking at so many partial choices, as a command; and what is known of it.
    pub(crate) fn solve(&self, node_limit: u64) -> Result<(Command, Optimum), NotSolved> {
        let rule = self.rule().ok_or(NotSolved::NotBySolutions(self.auction))?;
        let (digest, bids) = self.closed.as_ref().ok_or(NotSolved::NotClosed(self.auction))?;
        let found = optimum(&orders(bids, &names(bids)), &rule, node_limit)?;
        let bid = |order: u32| usize::try_from(order).ok().and_then(|row| bids.get(row)).map(|bid| bid.bid);
        let given = found.fills.iter().filter_map(|fill| Some((bid(fill.order)?, fill.quantity)));
        let solution = Solution { bids: *digest, given: given.collect(), bound: Some(found.bound()) };
        let command = Command::ProposeSolution { auction: self.auction, solution: Box::new(solution) };
        Ok((command, found))
    }
}
