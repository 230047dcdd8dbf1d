//! What tests of boards have in common: a board on the market, entries, terms, and what was told last.

use std::num::NonZeroU32;

use golv_engine::bilateral::{
    BoardTerms, DealTerms, Goods, Listing, Preference, PriceRule, RoundEntry, RoundRule, RoundSolution,
};
use golv_engine::book::Side;
use golv_engine::command::{Action, Command};
use golv_engine::digest::Digest;
use golv_engine::event::Event;
use golv_engine::id::*;
use golv_engine::num::Quantity;
use golv_engine::participant::Role;
use golv_engine::reject::Reject;
use golv_engine::time::Day;

use super::{MARKET, OPERATORS, World, hours, price, quantity};

pub const BOARD: BoardId = BoardId(1);

pub fn board_terms() -> BoardTerms {
    BoardTerms {
        name: "Gallium, 4N".parse().expect("a name"),
        market: MARKET,
        rule: RoundRule {
            preference: Preference::Surplus,
            price: PriceRule::Uniform,
            floor: Some(price(100)),
            origin_cap: None,
            owner_cap: None,
        },
        sectors: Vec::new(),
        solution_seconds: NonZeroU32::new(600).expect("positive"),
        answer_seconds: NonZeroU32::new(hours(24)).expect("positive"),
        counters_most: 3,
    }
}

/// A furnished world with a board.
pub fn with_board() -> World {
    let mut world = World::furnished(1_000_000);
    world.agree(Action::OpenBoard { board: BOARD, terms: board_terms() });
    world
}

/// One more participant, with these roles, of some owner.
pub fn admit(world: &mut World, identity: IdentityId, owner: u32, roles: &[Role]) {
    let (participant, owner_group) = (ParticipantId(identity.0), OwnerGroup(owner));
    let name = format!("Participant {identity}").parse().expect("a name");
    let roles = roles.iter().copied().collect();
    world.agree(Action::RegisterParticipant { participant, name, owner_group, roles });
    world.agree(Action::AddIdentity { identity, participant });
}

pub fn first_of_march() -> Day {
    "2019-03-01".parse().expect("a day")
}

pub fn end_of_june() -> Day {
    "2019-06-30".parse().expect("a day")
}

pub fn listing(world: &World, side: Side, units: u32) -> Listing {
    Listing {
        side,
        goods: Goods::default(),
        minimum: Quantity::ZERO,
        quantity: quantity(units),
        first: first_of_march(),
        last: end_of_june(),
        sector: None,
        valid_until: world.now.plus_seconds(hours(24 * 14)).expect("fits"),
    }
}

pub fn deal_terms(units: i64, amount: u32) -> DealTerms {
    let (first, last) = (first_of_march(), end_of_june());
    DealTerms { price: Some(price(units)), quantity: quantity(amount), first, last }
}

/// A question for a price.
pub fn quotation(amount: u32) -> DealTerms {
    DealTerms { price: None, ..deal_terms(0, amount) }
}

impl World {
    pub fn post(&mut self, sender: IdentityId, listing: Listing, limit: i64) -> Result<EntryId, Reject> {
        self.post_to(sender, listing, limit, false)
    }

    pub fn post_to(
        &mut self,
        sender: IdentityId,
        listing: Listing,
        limit: i64,
        is_group: bool,
    ) -> Result<EntryId, Reject> {
        let (board, listing, limit) = (BOARD, Box::new(listing), price(limit));
        self.send(sender, Command::PostEntry { board, listing, limit, is_group })?;
        Ok(self.newest_entry())
    }

    pub fn offer(&mut self, sender: IdentityId, units: u32, limit: i64) -> EntryId {
        let listing = listing(self, Side::Sell, units);
        self.post(sender, listing, limit).expect("an offer")
    }

    pub fn request(&mut self, sender: IdentityId, units: u32, limit: i64) -> EntryId {
        let listing = listing(self, Side::Buy, units);
        self.post(sender, listing, limit).expect("a request")
    }

    pub fn newest_entry(&self) -> EntryId {
        let posted = self.events.iter().rev().find_map(|event| match event {
            Event::EntryPosted { entry, .. } => Some(*entry),
            _ => None,
        });
        posted.expect("an entry was posted")
    }

    pub fn negotiate(
        &mut self,
        sender: IdentityId,
        entry: EntryId,
        with: Counterparty,
        terms: DealTerms,
    ) -> Result<NegotiationId, Reject> {
        self.send(sender, Command::Negotiate { entry, with, terms })?;
        let opened = self.events.iter().rev().find_map(|event| match event {
            Event::NegotiationOpened { negotiation, .. } => Some(*negotiation),
            _ => None,
        });
        Ok(opened.expect("it was opened"))
    }

    pub fn counter(
        &mut self,
        sender: IdentityId,
        negotiation: NegotiationId,
        turn: u32,
        terms: DealTerms,
    ) -> Result<(), Reject> {
        self.send(sender, Command::CounterTerms { negotiation, turn, terms }).map(drop)
    }

    pub fn accept(
        &mut self,
        sender: IdentityId,
        negotiation: NegotiationId,
        turn: u32,
    ) -> Result<(), Reject> {
        self.send(sender, Command::AcceptTerms { negotiation, turn }).map(drop)
    }

    pub fn end(&mut self, sender: IdentityId, negotiation: NegotiationId) -> Result<(), Reject> {
        self.send(sender, Command::EndNegotiation { negotiation }).map(drop)
    }

    /// The round that was told last.
    pub fn round_book(&self) -> (Digest, Vec<RoundEntry>) {
        let told = self.events.iter().rev().find_map(|event| match event {
            Event::RoundBook { digest, entries, .. } => Some((*digest, entries.clone())),
            _ => None,
        });
        told.expect("a round was called")
    }

    /// Calls a round, proposes the best deals there are, and lets its time pass; returns the negotiations it opened.
    pub fn hold_round(&mut self) -> Vec<NegotiationId> {
        self.send(OPERATORS[0], Command::CallRound { board: BOARD }).expect("no round is on");
        let (digest, entries) = self.round_book();
        let solution = RoundSolution::of(&entries, digest, &board_terms().rule, 10_000).expect("a board");
        let solution = Box::new(solution);
        self.send(OPERATORS[0], Command::ProposeDeals { board: BOARD, solution }).expect("they can be made");
        let from = self.events.len();
        self.wait(600);
        let opened = self.events[from..].iter().filter_map(|event| match event {
            Event::NegotiationOpened { negotiation, .. } => Some(*negotiation),
            _ => None,
        });
        opened.collect()
    }
}
