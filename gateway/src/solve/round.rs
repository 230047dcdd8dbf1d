//! A round on a board is matched on the operator's own machine, out of what the exchange told about it.

use std::collections::BTreeMap;

use golv_engine::bilateral::{BoardError, BoardTerms, Preference, RoundEntry, RoundSolution};
use golv_engine::command::{Action, Command};
use golv_engine::digest::Digest;
use golv_engine::event::Event;
use golv_engine::id::{BoardId, EntryId};
use golv_engine::num::Price;

/// What is known of a board and its round, from the events that an operator sees.
pub(crate) struct Round {
    board: BoardId,
    terms: Option<BoardTerms>,
    /// What takes part in the round that is on.
    called: Option<(Digest, Vec<RoundEntry>)>,
}

/// Deals that were found.
pub(crate) struct Found {
    pub(crate) deals: usize,
    pub(crate) lots: i64,
    /// In millionths.
    pub(crate) surplus: i128,
    pub(crate) known: Known,
}

/// What is known of how good they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// Dual prices prove to everybody that nothing is better.
    Proved,
    /// The search was not stopped.
    Best,
    /// The search was stopped; no more lots than these can be matched.
    AtMost(i64),
    /// Sectors come before lots, and what is best of them bounds no lots.
    SectorsFirst,
}

/// Why a round cannot be solved.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotSolved {
    #[error("there is no board {0}; open one with golv admin boards open")]
    UnknownBoard(BoardId),
    #[error("no round is on on board {0}; call one with golv admin boards call {0}")]
    NoRound(BoardId),
    #[error("what takes part in the round cannot be matched")]
    Board(#[from] BoardError),
}

impl Round {
    pub(crate) const fn new(board: BoardId) -> Self {
        Self { board, terms: None, called: None }
    }

    /// Takes note of what an event says of it.
    pub(crate) fn add(&mut self, event: &Event) {
        match event {
            Event::ActionConfirmed { action: Action::OpenBoard { board, terms }, .. }
                if *board == self.board =>
            {
                self.terms = Some(terms.clone());
            }
            Event::RoundBook { board, digest, entries } if *board == self.board => {
                self.called = Some((*digest, entries.clone()));
            }
            Event::RoundHeld { board, .. } if *board == self.board => self.called = None,
            _ => {}
        }
    }

    /// The best deals that are found by looking at so many partial choices, as a command; and what is known of them.
    pub(crate) fn solve(&self, node_limit: u64) -> Result<(Command, Found), NotSolved> {
        let rule = self.terms.as_ref().ok_or(NotSolved::UnknownBoard(self.board))?.rule;
        let (digest, entries) = self.called.as_ref().ok_or(NotSolved::NoRound(self.board))?;
        let solution = RoundSolution::of(entries, *digest, &rule, node_limit)?;
        let limits: BTreeMap<EntryId, Price> =
            entries.iter().map(|entry| (entry.entry, entry.limit)).collect();
        let limit = |entry: &EntryId| limits.get(entry).map_or(0, |limit| i128::from(limit.millionths()));
        let gain = |(offer, request, lots): &(EntryId, EntryId, i64)| {
            (limit(request) - limit(offer)) * i128::from(*lots)
        };
        let lots = solution.deals.iter().map(|(.., lots)| lots).sum();
        let is_proved = solution.duals.is_some() && rule.preference == Preference::Surplus;
        let known = match solution.bound {
            _ if is_proved => Known::Proved,
            Some(bound) if bound > lots => Known::AtMost(bound),
            Some(_) => Known::Best,
            None => Known::SectorsFirst,
        };
        let surplus = solution.deals.iter().map(gain).sum();
        let found = Found { deals: solution.deals.len(), lots, surplus, known };
        Ok((Command::ProposeDeals { board: self.board, solution: Box::new(solution) }, found))
    }
}
