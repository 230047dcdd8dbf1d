//! The one door through which state changes: [`Exchange::apply`], and beside it [`Exchange::set_aside`], which answers a
//! command without executing it and changes no state.
//!
//! The exchange is a function of its journal. The same commands with the same sequence numbers and stamps
//! give the same state, the same events and the same answers on any machine, at any time. A command is
//! either done whole or refused, and a refusal leaves the state as it was. Each handler therefore first
//! looks (`check…`, `prepare…`, on `&self`) and then acts, and no acting part can fail.
//!
//! An exchange can be serialised whole and read back: a snapshot. A snapshot is derived data, and the journal is the truth:
//! whoever reads one compares [`Exchange::state_digest`] with what the journal's replay came to. Reading refuses what no
//! exchange can be, so that bytes from anywhere never make a later command fail an assertion that a look at
//! the state could have foretold; it does not prove that a state is the right one.
//!
//! Deliberately absent: clocks, threads, files, sockets, randomness, floats, hash maps.

mod actions;
mod stored;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::answers::{Answer, Answers, Recall};
use crate::auction::Auction;
use crate::bilateral::Boards;
use crate::cfd::{Deliveries, Entitlement, Index, SettlementRun};
use crate::command::{Action, Command, Operator};
use crate::digest::{Digest, Feed};
use crate::event::{Event, Events};
use crate::id::{
    AuctionId, BidId, BoardId, CommandId, DataVersion, EntitlementId, EntryId, FloorId, IdentityId, IndexId,
    MarketId, NegotiationId, OwnerGroup, ParticipantId, ProgrammeId, ProposalId, Sequence,
};
use crate::key::{KeyFingerprint, Keys};
use crate::ledger::Ledger;
use crate::market::{Floor, Market};
use crate::money::{Programme, Treasury};
use crate::participant::{Participant, Registry, Role, Standing};
use crate::public::PublicFact;
use crate::reject::Reject;
use crate::rules::RulesVersion;
use crate::text::Name;
use crate::time::{Day, Instant};

/// Whether an exchange is real. Said once, when it is created.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mode {
    /// Time is the clock's.
    Live,
    /// Time is what an operator sets.
    Rehearsal,
}

impl Mode {
    /// From when on somebody can answer what was due at an instant. A live exchange's tick comes some milliseconds after what is due; where it
    /// comes later the exchange stood still, and nobody loses that time. A rehearsal's clock is set over what is to pass.
    // Rules: R-AUC-083.
    fn told_at(self, due: Instant, now: Instant) -> Instant {
        let is_late = due.plus_seconds(1).is_some_and(|second| second < now);
        if self == Self::Live && is_late { now } else { due }
    }
}

/// An identity as a session knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Speaker {
    /// Who.
    pub identity: IdentityId,
    /// For whom it acts.
    pub participant: ParticipantId,
    /// Whether it may read what operators and auditors may.
    pub reads_all: bool,
    /// The highest command id that it has used; 0 before the first.
    pub highest: CommandId,
}

/// An exchange: all state, and the one way to change it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(try_from = "stored::Stored")]
pub struct Exchange {
    mode: Mode,
    sequence: Sequence,
    at: Instant,
    answers: Answers,
    state: State,
}

/// What commands act on. The handlers of each area are in that area's module; founding, halts and lost lines, which are of none, are here.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) rules: RulesVersion,
    pub(crate) registry: Registry,
    /// No part of the state digest: see [`crate::key`].
    keys: Keys,
    proposals: BTreeMap<ProposalId, Action>,
    pub(crate) markets: BTreeMap<MarketId, Market>,
    pub(crate) indices: BTreeMap<IndexId, Index>,
    pub(crate) programmes: BTreeMap<ProgrammeId, Programme>,
    pub(crate) floors: BTreeMap<FloorId, Floor>,
    pub(crate) auctions: BTreeMap<AuctionId, Auction>,
    /// When something moves on by itself; derived from auctions and boards.
    #[serde(skip)]
    pub(crate) due: BTreeSet<(Instant, Due)>,
    pub(crate) entitlements: BTreeMap<EntitlementId, Entitlement>,
    pub(crate) deliveries: BTreeMap<EntitlementId, Deliveries>,
    /// The version of the newest price or delivery.
    pub(crate) data: DataVersion,
    /// By floor and the first day of the period.
    pub(crate) runs: BTreeMap<(FloorId, Day), Vec<SettlementRun>>,
    pub(crate) treasury: Treasury,
    pub(crate) bilateral: Boards,
    pub(crate) ledger: Ledger,
}

/// What moves on by itself, in the order in which it does at one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Due {
    Auction(AuctionId),
    Round(BoardId),
    Negotiation(NegotiationId),
    Entry(EntryId),
}

impl Exchange {
    /// An exchange before its founding command, with the rules that it begins with.
    pub fn new(mode: Mode, rules: RulesVersion) -> Self {
        Self {
            mode,
            sequence: Sequence(0),
            at: Instant(i64::MIN),
            answers: Answers::default(),
            state: State::new(rules),
        }
    }

    /// Executes one command, or refuses it with a reason and changes nothing.
    ///
    /// `sequence` follows the last one, `at` is not before the last stamp, and `sender` was authenticated.
    /// `id` is the sender's own number for the command; a command sent again is answered as at first
    /// (see [`Exchange::answer`]) and makes nothing happen. What happened is appended to `out`.
    ///
    /// # Errors
    /// Every [`Reject`] is a business outcome and part of the contract.
    ///
    /// # Panics
    /// If `sequence` or `at` go backwards, which is a mistake of the caller's and not of a sender's. If anything else
    /// fails, that is a mistake of the engine's; the exchange may be half changed and is not to be used again. Replayed up
    /// to the command, it can be told to [set it aside](Self::set_aside).
    pub fn apply(
        &mut self,
        sequence: Sequence,
        at: Instant,
        sender: IdentityId,
        id: CommandId,
        command: &Command,
        out: &mut Events,
    ) -> Result<(), Reject> {
        self.answer_once(sequence, at, sender, id, command, |exchange| {
            let happened = out.len();
            let outcome = match sender {
                IdentityId::SYSTEM => exchange.apply_system(command, out),
                _ => exchange.execute(sender, id, command, out),
            };
            let is_untouched = out.len() == happened && !exchange.state.ledger.has_posted();
            assert!(outcome.is_ok() || is_untouched, "a refused command makes nothing happen");
            if exchange.state.ledger.has_posted() {
                exchange.state.pay_freed(out);
                exchange.state.watch_pools(exchange.at);
                exchange.state.tell_levels(out);
                exchange.state.ledger.tell(exchange.at, out);
            }
            outcome
        })
    }

    /// Takes a command in its place without executing it, and answers [`Reject::InternalFault`].
    ///
    /// For a command that is in the journal and makes [`Exchange::apply`] fail. All else is as with any refusal: the
    /// answer is kept, and a command that was answered before is answered so again. Nothing happens, and no state
    /// changes; what a `Tick` that is set aside would have done is still due.
    ///
    /// # Errors
    /// `InternalFault`, or what [`Exchange::apply`] refuses before it executes anything; a command sent again is
    /// answered as at first.
    ///
    /// # Panics
    /// As [`Exchange::apply`] does if `sequence` or `at` go backwards.
    pub fn set_aside(
        &mut self,
        sequence: Sequence,
        at: Instant,
        sender: IdentityId,
        id: CommandId,
        command: &Command,
    ) -> Result<(), Reject> {
        self.answer_once(sequence, at, sender, id, command, |_| Err(Reject::InternalFault))
    }

    /// Takes a command in its place and answers it: as at first if it was sent before, else by `outcome`, which is kept.
    // Rules: R-MON-051.
    fn answer_once(
        &mut self,
        sequence: Sequence,
        at: Instant,
        sender: IdentityId,
        id: CommandId,
        command: &Command,
        outcome: impl FnOnce(&mut Self) -> Result<(), Reject>,
    ) -> Result<(), Reject> {
        assert!(Some(sequence.0) == self.sequence.0.checked_add(1), "the journal's sequence has no gap");
        assert!(at >= self.at, "the journal's stamps never go backwards");
        self.sequence = sequence;
        self.at = at;
        if sender == IdentityId::SYSTEM {
            return outcome(self);
        }
        if self.state.registry.identity(sender).is_none() {
            return Err(Reject::UnknownSender);
        }
        let content = Digest::of(command);
        match self.answers.recall(sender, id, content) {
            Recall::New => {}
            Recall::Again(answer) => return answer.outcome,
            Recall::Refused(reject) => return Err(reject),
        }
        let outcome = outcome(self);
        self.answers.keep(sender, id, content, Answer { sequence, outcome });
        outcome
    }

    fn apply_system(&mut self, command: &Command, out: &mut Events) -> Result<(), Reject> {
        match command {
            Command::Found { participant, name, operators } => {
                self.state.found(*participant, name, *operators, out)
            }
            Command::Tick => {
                self.state.tick(self.at, self.mode, out);
                Ok(())
            }
            Command::LineLost { identity } => self.state.lose_line(*identity, out),
            _ => Err(Reject::NotPermitted),
        }
    }

    // Rules: R-MON-044, R-MON-049.
    fn execute(
        &mut self,
        sender: IdentityId,
        id: CommandId,
        command: &Command,
        out: &mut Events,
    ) -> Result<(), Reject> {
        let (participant, Participant { roles, .. }) = self.state.registry.acting(sender)?;
        check_permitted(command, roles)?;
        let (state, at) = (&mut self.state, self.at);
        match *command {
            Command::Found { .. } | Command::Tick | Command::LineLost { .. } => Err(Reject::SystemOnly),
            Command::SetClock { to } => {
                if self.mode != Mode::Rehearsal {
                    return Err(Reject::NotARehearsal);
                }
                if to < at {
                    return Err(Reject::ClockBackwards { now: at });
                }
                out.push(Event::ClockSet { to });
                Ok(())
            }
            Command::Propose { ref action } => {
                state.propose(at, ProposalId { identity: sender, command: id }, action, out)
            }
            Command::Confirm { proposal } => state.confirm(at, sender, proposal, out),
            Command::WithdrawProposal { proposal } => {
                state.proposals.remove(&proposal).ok_or(Reject::UnknownProposal { proposal })?;
                out.push(Event::ProposalWithdrawn { proposal });
                Ok(())
            }
            Command::PlaceBid { auction, bid } => {
                state.place_bid(at, auction, BidId { identity: sender, command: id }, bid, out)
            }
            Command::ReplaceBid { auction, bid, price, quantity } => {
                state.replace_bid(at, auction, participant, bid, (price, quantity), out)
            }
            Command::WithdrawBid { auction, bid } => state.withdraw_bid(at, auction, participant, bid, out),
            Command::WithdrawAll => {
                state.withdraw_bids(|order| order.participant == participant, out);
                state.leave_boards(participant, out);
                Ok(())
            }
            Command::Halt { participant } => state.halt(sender, participant, out),
            Command::ClearAuction { auction, secret } => state.clear_auction(at, auction, secret, out),
            Command::ProposeSolution { auction, ref solution } => {
                state.propose_solution(at, auction, sender, solution, out)
            }
            Command::AcceptAward { auction, bid } => {
                state.answer_award(at, auction, bid, participant, true, out)
            }
            Command::DeclineAward { auction, bid } => {
                state.answer_award(at, auction, bid, participant, false, out)
            }
            Command::PublishReferencePrice { index, day, ref observation } => {
                state.publish_reference_price(at, participant, index, day, observation, out)
            }
            Command::ReportDelivery { entitlement, day, ref delivery } => {
                state.report_delivery(at, participant, entitlement, day, delivery, out)
            }
            Command::PostEntry { board, ref listing, limit, is_group } => {
                state.post_entry(at, (sender, id), participant, board, listing, limit, is_group, out)
            }
            Command::ReplaceEntry { entry, ref listing, limit } => {
                state.replace_entry(at, participant, entry, listing, limit, out)
            }
            Command::WithdrawEntry { entry } => state.withdraw_entry(participant, entry, out),
            Command::JoinGroup { entry, quantity, limit } => {
                state.join_group(participant, entry, quantity, limit, out)
            }
            Command::LeaveGroup { entry, member } => state.leave_group(participant, entry, member, out),
            Command::CallRound { board } => state.call_round(at, board, out),
            Command::ProposeDeals { board, ref solution } => {
                state.propose_deals(board, sender, solution, out)
            }
            Command::Negotiate { entry, with, ref terms } => {
                state.negotiate(at, sender, participant, entry, with, terms, out)
            }
            Command::CounterTerms { negotiation, turn, ref terms } => {
                state.counter_terms(at, sender, participant, negotiation, turn, terms, out)
            }
            Command::AcceptTerms { negotiation, turn } => {
                state.accept_terms(at, sender, participant, negotiation, turn, out)
            }
            Command::EndNegotiation { negotiation } => state.leave_negotiation(participant, negotiation, out),
        }
    }

    /// Whether it is a rehearsal.
    pub const fn mode(&self) -> Mode {
        self.mode
    }

    /// The version of the rules in force.
    pub const fn rules_version(&self) -> RulesVersion {
        self.state.rules
    }

    /// The last command's sequence; 0 before the first.
    pub const fn sequence(&self) -> Sequence {
        self.sequence
    }

    /// The last command's stamp.
    pub const fn at(&self) -> Instant {
        self.at
    }

    /// The next instant at which something happens by itself: the writer sends a `Tick` then.
    pub fn next_due(&self) -> Option<Instant> {
        let first = self.state.due.first().map(|(at, _)| *at);
        first.into_iter().chain(self.state.day_ends_at()).min()
    }

    /// For whom a key speaks at an instant, and with which rights: what a session needs to know.
    pub fn who(&self, key: KeyFingerprint, at: Instant) -> Result<Speaker, Reject> {
        let identity = self.state.keys.identity(key, at).ok_or(Reject::UnknownSender)?;
        let (participant, terms) = self.state.registry.acting(identity)?;
        let highest = self.answers.highest(identity);
        let reads_all = terms.roles.iter().any(|role| role.reads_all());
        Ok(Speaker { identity, participant, reads_all, highest })
    }

    /// The answer to a command that [`Exchange::apply`] was just called with: the first one, if it was sent again.
    pub fn answer_to(&self, sender: IdentityId, id: CommandId, outcome: Result<(), Reject>) -> Answer {
        let kept = self.answers.find(sender, id).filter(|kept| kept.outcome == outcome);
        kept.unwrap_or(Answer { sequence: self.sequence, outcome })
    }

    /// When a key stops to speak for its identity, if that is known.
    pub fn key_ends_at(&self, key: KeyFingerprint) -> Option<Instant> {
        self.state.keys.ends_at(key)
    }

    /// The answer that a command was first given, while it is kept.
    pub fn answer(&self, sender: IdentityId, id: CommandId) -> Option<Answer> {
        self.answers.find(sender, id)
    }

    /// What commands have acted on, for what other modules show of it.
    pub(crate) const fn state(&self) -> &State {
        &self.state
    }

    /// The same, to make of it what no commands do.
    #[cfg(test)]
    pub(crate) const fn state_mut(&mut self) -> &mut State {
        &mut self.state
    }

    /// The version of the newest price or delivery; 0 before the first.
    pub const fn data_version(&self) -> DataVersion {
        self.state.data
    }

    /// All balances.
    pub const fn ledger(&self) -> &Ledger {
        &self.state.ledger
    }

    /// What everybody may know of how things stand. From here on the events' public parts tell what becomes of it.
    pub fn public_state(&self) -> Vec<PublicFact> {
        self.state.public_facts()
    }

    /// For whom an identity acts, if there is such an identity.
    pub fn participant_of(&self, identity: IdentityId) -> Option<ParticipantId> {
        self.state.registry.identity(identity).map(|identity| identity.participant)
    }

    /// The digest of the state in canonical order: rules, markets, bids, contracts, ledger and the like, without
    /// clock, sequence, keys or kept answers.
    pub fn state_digest(&self) -> Digest {
        let State {
            rules,
            registry,
            keys: _,
            proposals,
            markets,
            indices,
            programmes,
            floors,
            auctions,
            due: _,
            entitlements,
            deliveries,
            data,
            runs,
            treasury,
            bilateral,
            ledger,
        } = &self.state;
        let mut feed = Feed::default();
        feed.add(&self.mode);
        feed.add(rules);
        feed.add(registry);
        feed.add(proposals);
        feed.add(markets);
        feed.add(indices);
        feed.add(programmes);
        feed.add(floors);
        feed.add(&u64::try_from(auctions.len()).unwrap_or(u64::MAX));
        for (id, auction) in auctions {
            feed.add(id);
            auction.feed(&mut feed);
        }
        feed.add(entitlements);
        feed.add(deliveries);
        feed.add(data);
        feed.add(runs);
        feed.add(treasury);
        feed.add(bilateral);
        feed.add(ledger);
        feed.finish()
    }
}

/// Refuses what none of a sender's roles permits. Sides of a bid and the publisher of an index are looked at where they are known.
// Rules: R-MON-050.
fn check_permitted(command: &Command, roles: &BTreeSet<Role>) -> Result<(), Reject> {
    let is_systems = matches!(command, Command::Found { .. } | Command::Tick | Command::LineLost { .. });
    // What only the system sends is refused with a reason of its own.
    if is_systems || command.permitted().iter().any(|role| roles.contains(role)) {
        Ok(())
    } else {
        Err(Reject::NotPermitted)
    }
}

impl State {
    fn new(rules: RulesVersion) -> Self {
        Self {
            rules,
            registry: Registry::default(),
            keys: Keys::default(),
            proposals: BTreeMap::new(),
            markets: BTreeMap::new(),
            indices: BTreeMap::new(),
            programmes: BTreeMap::new(),
            floors: BTreeMap::new(),
            auctions: BTreeMap::new(),
            due: BTreeSet::new(),
            entitlements: BTreeMap::new(),
            deliveries: BTreeMap::new(),
            data: DataVersion(0),
            runs: BTreeMap::new(),
            treasury: Treasury::default(),
            bilateral: Boards::default(),
            ledger: Ledger::default(),
        }
    }

    fn found(
        &mut self,
        centre: ParticipantId,
        name: &Name,
        operators: [Operator; 2],
        out: &mut Events,
    ) -> Result<(), Reject> {
        if !self.registry.is_empty() {
            return Err(Reject::AlreadyFounded);
        }
        let [first, second] = operators;
        self.registry.check_new_identity(first.identity)?;
        self.registry.check_new_identity(second.identity)?;
        if first.identity == second.identity {
            return Err(Reject::IdentityTaken);
        }
        if first.key.is_some() && first.key == second.key {
            return Err(Reject::KeyTaken);
        }
        let centre_terms = Participant {
            name: name.clone(),
            owner_group: OwnerGroup(centre.0),
            roles: BTreeSet::from([Role::Operator]),
            standing: Standing::Active,
        };
        self.registry.add_participant(centre, centre_terms);
        for Operator { identity, key } in operators {
            self.registry.add_identity(identity, centre);
            if let Some(key) = key {
                self.keys.bind(key, identity, None);
            }
        }
        out.push(Event::Founded { participant: centre });
        Ok(())
    }

    /// Lets everything happen that is due, in the order of the instants, then of what it is ([`Due`]), and then of the ids.
    fn tick(&mut self, at: Instant, mode: Mode, out: &mut Events) {
        loop {
            let first = self.due.first().copied().filter(|(instant, _)| *instant <= at);
            let day = self.day_ends_at().filter(|end| *end <= at);
            match (first, day) {
                // What becomes final at the end of a day is invoiced on the next.
                (Some((instant, _)), Some(end)) if end <= instant => self.end_first_day(at, mode, out),
                (None, Some(_)) => self.end_first_day(at, mode, out),
                (Some(due), _) => {
                    self.due.remove(&due);
                    match due.1 {
                        Due::Auction(auction) => self.advance(mode.told_at(due.0, at), auction, out),
                        Due::Round(board) => self.end_round(at, board, out),
                        Due::Negotiation(negotiation) => self.lapse_negotiation(negotiation, out),
                        Due::Entry(entry) => self.expire_entry(entry, out),
                    }
                }
                (None, None) => break,
            }
        }
    }

    /// Suspends a participant at once, and withdraws its open bids and its entries on boards.
    // Rules: R-MON-047.
    fn halt(&mut self, by: IdentityId, participant: ParticipantId, out: &mut Events) -> Result<(), Reject> {
        self.registry.check_standing(participant, Standing::Suspended)?;
        self.registry.set_standing(participant, Standing::Suspended);
        out.push(Event::ParticipantHalted { participant, by });
        self.withdraw_bids(|order| order.participant == participant, out);
        self.withdraw_entries_of(participant, out);
        Ok(())
    }

    /// Withdraws what an identity has bid, whose session is gone.
    // Rules: R-AUC-024.
    fn lose_line(&mut self, identity: IdentityId, out: &mut Events) -> Result<(), Reject> {
        let participant =
            self.registry.identity(identity).ok_or(Reject::UnknownIdentity { identity })?.participant;
        out.push(Event::LineLost { identity, participant });
        self.withdraw_bids(|order| order.bid.identity == identity, out);
        Ok(())
    }

    pub(crate) fn schedule(&mut self, auction: AuctionId, due: Option<Instant>) {
        if let Some(instant) = due {
            self.due.insert((instant, Due::Auction(auction)));
        }
    }

    pub(crate) fn unschedule(&mut self, auction: AuctionId, due: Option<Instant>) {
        if let Some(instant) = due {
            self.due.remove(&(instant, Due::Auction(auction)));
        }
    }

    pub(crate) fn market(&self, id: MarketId) -> Result<&Market, Reject> {
        self.markets.get(&id).ok_or(Reject::UnknownMarket { market: id })
    }

    pub(crate) fn programme(&self, id: ProgrammeId) -> Result<&Programme, Reject> {
        self.programmes.get(&id).ok_or(Reject::UnknownProgramme { programme: id })
    }

    pub(crate) fn floor(&self, id: FloorId) -> Result<&Floor, Reject> {
        self.floors.get(&id).ok_or(Reject::UnknownFloor { floor: id })
    }
}
