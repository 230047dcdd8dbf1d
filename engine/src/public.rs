//! What everybody may know of how an exchange stands: the terms that are in force, where each auction is, the latest price of
//! each index, and what stands on the boards.
//!
//! Whoever begins to follow an exchange need not read all that ever happened: it takes this once, and then each event's
//! public part ([`crate::event::Event::public_part`]). Terms are told as the actions that set them, so that one reader
//! serves for both.
//!
//! Deliberately absent: bids, participants, money, and auctions that are over, whose results are in their events.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::auction::Progress;
use crate::bilateral::Listing;
use crate::cfd::Observation;
use crate::command::Action;
use crate::event::Event;
use crate::exchange::State;
use crate::id::{AuctionId, BoardId, EntryId, FloorId, IndexId, MarketId, ProgrammeId};
use crate::money::Level;
use crate::num::Currency;
use crate::text::Name;
use crate::time::Day;

/// One thing that everybody may know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PublicFact {
    /// What was decided and is in force: a market, an index, a programme and its funding, clearing terms, a stock rule, a floor and its
    /// stress price, an auction, a board, the rules' version.
    Terms(Action),
    /// Where an auction is that is not over.
    Auction {
        /// The auction.
        auction: AuctionId,
        /// How far it has come.
        progress: Progress,
    },
    /// How much of a programme is used.
    Programme {
        /// The programme.
        programme: ProgrammeId,
        /// From 80 % on, or all of it.
        level: Level,
    },
    /// The price of an index for the latest day that has one.
    Price {
        /// The index.
        index: IndexId,
        /// The day.
        day: Day,
        /// 1 for the first price of that day, then 2, 3, …
        revision: u32,
        /// The price.
        observation: Observation,
    },
    /// An offer or a request that stands on a board.
    Entry {
        /// The entry.
        entry: EntryId,
        /// The board.
        board: BoardId,
        /// What it says, with the quantity that no deal was made in yet.
        listing: Listing,
        /// Whether others can join it as a purchasing group.
        is_group: bool,
    },
}

impl State {
    /// In an order in which each fact names only what came before it.
    pub(crate) fn public_facts(&self) -> Vec<PublicFact> {
        let mut terms = vec![Action::ChangeRules { version: self.rules.number() }];
        let markets = self.markets.iter();
        terms.extend(
            markets.map(|(&market, definition)| Action::DefineMarket { market, terms: definition.clone() }),
        );
        let indices = self.indices.iter();
        terms.extend(
            indices.map(|(&index, known)| Action::DefineIndex { index, terms: known.terms().clone() }),
        );
        for (&programme, known) in &self.programmes {
            terms.push(Action::OpenProgramme { programme, terms: known.terms.clone() });
            terms.extend(known.funding().map(|(funder, amount)| Action::FundProgramme {
                programme,
                funder: funder.clone(),
                amount,
            }));
        }
        terms.extend(self.treasury.public_terms());
        for (&floor, known) in &self.floors {
            terms.push(Action::SetFloor { floor, terms: known.terms.clone() });
            terms.push(Action::SetStressPrice { floor, price: known.stress_price });
        }
        let going_on =
            || self.auctions.iter().filter_map(|(id, auction)| Some((*id, auction.progress()?, auction)));
        terms.extend(
            going_on()
                .map(|(auction, _, known)| Action::AnnounceAuction { auction, terms: known.terms().clone() }),
        );
        terms.extend(
            self.board_terms().map(|(board, terms)| Action::OpenBoard { board, terms: terms.clone() }),
        );

        let mut facts: Vec<PublicFact> = terms.into_iter().map(PublicFact::Terms).collect();
        facts.extend(going_on().map(|(auction, progress, _)| PublicFact::Auction { auction, progress }));
        let programmes = self.programmes.iter();
        facts.extend(
            programmes.map(|(&programme, known)| PublicFact::Programme { programme, level: known.level }),
        );
        let prices = self.indices.iter().filter_map(|(&index, known)| {
            let (day, revision, observation) = known.newest()?;
            Some(PublicFact::Price { index, day, revision, observation: observation.clone() })
        });
        facts.extend(prices);
        let entries = self.listings();
        facts.extend(entries.map(|(entry, board, listing, is_group)| PublicFact::Entry {
            entry,
            board,
            listing: listing.clone(),
            is_group,
        }));
        facts
    }
}

/// What a fact is about: of each there is one fact at a time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum About {
    Rules,
    Market(MarketId),
    Index(IndexId),
    Programme(ProgrammeId),
    Funding(ProgrammeId, Name),
    Clearing(Currency),
    Stock(ProgrammeId, MarketId),
    Floor(FloorId),
    StressPrice(FloorId),
    Auction(AuctionId),
    Board(BoardId),
    Progress(AuctionId),
    Level(ProgrammeId),
    Price(IndexId),
    Entry(EntryId),
}

/// What is public, kept up to date by whoever follows an exchange: facts as they were told at first, and what public events make
/// of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PublicView {
    facts: BTreeMap<About, PublicFact>,
}

impl PublicView {
    /// All facts: terms before what is traded by them.
    pub fn facts(&self) -> impl Iterator<Item = &PublicFact> {
        self.facts.values()
    }

    /// Takes a fact in the place of the one about the same.
    pub fn take(&mut self, fact: PublicFact) {
        if let Some(about) = about(&fact) {
            self.facts.insert(about, fact);
        }
    }

    /// Lets an event happen. One that is not public changes nothing.
    pub fn apply(&mut self, event: &Event) {
        match event {
            Event::ActionConfirmed { action, .. } => self.decide(action),
            Event::AuctionOpened { auction } => self.advance(*auction, Progress::Open),
            Event::AuctionClosed { auction } => self.advance(*auction, Progress::Closed),
            Event::AuctionCleared { auction, final_at, .. } => {
                self.advance(*auction, Progress::Cleared { final_at: *final_at });
            }
            Event::AwardsOffered { auction, until, .. } => {
                self.advance(*auction, Progress::Asking { until: *until });
            }
            Event::AuctionFinalised { auction } => self.end(*auction),
            Event::ProgrammeLevel { programme, level, .. } => {
                self.take(PublicFact::Programme { programme: *programme, level: *level });
            }
            Event::ReferencePricePublished { index, day, revision, observation, .. } => {
                let newest = match self.facts.get(&About::Price(*index)) {
                    Some(PublicFact::Price { day: newest, .. }) => *newest,
                    _ => *day,
                };
                // An older day was revised.
                if *day >= newest {
                    let (index, day, revision, observation) = (*index, *day, *revision, observation.clone());
                    self.take(PublicFact::Price { index, day, revision, observation });
                }
            }
            Event::EntryPosted { entry, board, listing, is_group, .. } => self.take(PublicFact::Entry {
                entry: *entry,
                board: *board,
                listing: listing.clone(),
                is_group: *is_group,
            }),
            Event::EntryReplaced { entry, listing, .. } => {
                if let Some(PublicFact::Entry { listing: known, .. }) =
                    self.facts.get_mut(&About::Entry(*entry))
                {
                    known.clone_from(listing);
                }
            }
            Event::EntryQuantity { entry, quantity, .. } => {
                if let Some(PublicFact::Entry { listing, .. }) = self.facts.get_mut(&About::Entry(*entry)) {
                    listing.quantity = *quantity;
                }
            }
            Event::EntryClosed { entry, .. } => drop(self.facts.remove(&About::Entry(*entry))),
            _ => {}
        }
    }

    fn decide(&mut self, action: &Action) {
        match action {
            Action::CancelAuction { auction } => self.end(*auction),
            Action::AnnounceAuction { auction, .. } => {
                self.take(PublicFact::Terms(action.clone()));
                self.advance(*auction, Progress::Announced);
            }
            Action::OpenProgramme { programme, .. } => {
                self.take(PublicFact::Terms(action.clone()));
                self.take(PublicFact::Programme { programme: *programme, level: Level::Normal });
            }
            Action::SetFloor { floor, terms } => {
                self.take(PublicFact::Terms(action.clone()));
                let (floor, price) = (*floor, terms.stress_price);
                self.take(PublicFact::Terms(Action::SetStressPrice { floor, price }));
            }
            Action::FundProgramme { programme, funder, amount } => {
                let mut total = *amount;
                let about = About::Funding(*programme, funder.clone());
                if let Some(PublicFact::Terms(Action::FundProgramme { amount: before, .. })) =
                    self.facts.get(&about)
                {
                    total.millionths = total.millionths.saturating_add(before.millionths);
                }
                let (programme, funder) = (*programme, funder.clone());
                self.take(PublicFact::Terms(Action::FundProgramme { programme, funder, amount: total }));
            }
            _ => self.take(PublicFact::Terms(action.clone())),
        }
    }

    fn advance(&mut self, auction: AuctionId, progress: Progress) {
        self.take(PublicFact::Auction { auction, progress });
    }

    fn end(&mut self, auction: AuctionId) {
        self.facts.remove(&About::Auction(auction));
        self.facts.remove(&About::Progress(auction));
    }
}

/// What a fact is about; `None` of an action that is no terms.
fn about(fact: &PublicFact) -> Option<About> {
    Some(match fact {
        PublicFact::Terms(action) => match action {
            Action::ChangeRules { .. } => About::Rules,
            Action::DefineMarket { market, .. } => About::Market(*market),
            Action::DefineIndex { index, .. } => About::Index(*index),
            Action::OpenProgramme { programme, .. } => About::Programme(*programme),
            Action::FundProgramme { programme, funder, .. } => About::Funding(*programme, funder.clone()),
            Action::SetClearingTerms { currency, .. } => About::Clearing(*currency),
            Action::SetStockRule { programme, market, .. } => About::Stock(*programme, *market),
            Action::SetFloor { floor, .. } => About::Floor(*floor),
            Action::SetStressPrice { floor, .. } => About::StressPrice(*floor),
            Action::AnnounceAuction { auction, .. } => About::Auction(*auction),
            Action::OpenBoard { board, .. } => About::Board(*board),
            _ => return None,
        },
        PublicFact::Auction { auction, .. } => About::Progress(*auction),
        PublicFact::Programme { programme, .. } => About::Level(*programme),
        PublicFact::Price { index, .. } => About::Price(*index),
        PublicFact::Entry { entry, .. } => About::Entry(*entry),
    })
}
