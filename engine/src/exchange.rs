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

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::answers::{Answer, Answers, Recall};
use crate::auction::Auction;
use crate::bilateral::Boards;
use crate::cfd::{Deliveries, ENTITLEMENTS_MAX, Entitlement, Grant, Index, Settlement, SettlementRun};
use crate::command::{Action, Command, Operator};
use crate::digest::{Digest, Feed};
use crate::event::{Event, Events};
use crate::id::{
    AuctionId, BidId, BoardId, CommandId, DataVersion, EntitlementId, EntryId, FloorId, IdentityId, IndexId,
    MarketId, NegotiationId, OwnerGroup, ParticipantId, ProgrammeId, ProposalId, Sequence,
};
use crate::key::{KeyFingerprint, Keys};
use crate::ledger::{Account, Ledger};
use crate::market::{Floor, FloorTerms, Market, ORIGINS_MAX};
use crate::money::{Programme, Treasury};
use crate::num::{Money, Price};
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

/// The most proposals that may be pending at once.
// Rules: R-MON-045.
const PROPOSALS_MAX: u32 = 1024;

/// An exchange: all state, and the one way to change it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct Exchange {
    mode: Mode,
    sequence: Sequence,
    at: Instant,
    answers: Answers,
    state: State,
}

/// What commands act on. The handlers of each area are in that area's module.
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

/// An action that was found possible, with what was worked out to find that.
enum Prepared {
    Plain,
    Reserving(Option<Money>),
    Settling(Box<Settlement>),
    Changing(RulesVersion),
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
                self.state.tick(self.at, out);
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

    /// The full check of what each command keeps piece by piece: every currency sums to zero, the clearing
    /// account pays out what it takes in, each programme reserves what its auctions and entitlements require, as far as its
    /// money goes, and what is owed and claimed is what stands on the accounts.
    pub fn is_conserved(&self) -> bool {
        let state = &self.state;
        state.ledger.is_balanced()
            && state.is_cleared()
            && state.reservations_agree()
            && state.bonds_agree()
            && state.debts_agree()
            && state.is_stock_sound()
            && state.are_boards_sound()
    }
}

/// An exchange as it was read from a snapshot, before anybody looked at it. The fields are those of [`Exchange`].
#[derive(Deserialize)]
struct Stored {
    mode: Mode,
    sequence: Sequence,
    at: Instant,
    answers: Answers,
    state: State,
}

/// A stored state that no exchange can be in.
#[derive(Debug, thiserror::Error)]
enum NotAnExchange {
    #[error("the terms of market {0} are none that it can have been defined with")]
    Market(MarketId),
    #[error("the bids or the result of auction {0} are none that its market admits")]
    Auction(AuctionId),
    #[error("prices and deliveries have versions in their order, up to the newest")]
    Data,
    #[error("reservations are amounts of their floor's currency")]
    Reservations,
    #[error("runs are numbered from 1, each with its lines in order")]
    Runs,
    #[error("entitlements are numbered from 1 without a gap, up to {ENTITLEMENTS_MAX}")]
    Entitlements,
    #[error("programme {0} has more money, or less, than it can have been funded with")]
    Programme(ProgrammeId),
    #[error("what stands on boards, is negotiated and dealt in does not hang together")]
    Boards,
    #[error("the balances do not sum to zero, or not to what is reserved and cleared")]
    NotConserved,
}

impl TryFrom<Stored> for Exchange {
    type Error = NotAnExchange;
    fn try_from(stored: Stored) -> Result<Self, Self::Error> {
        let Stored { mode, sequence, at, answers, mut state } = stored;
        let auctions = state.auctions.iter();
        let due = auctions.filter_map(|(id, auction)| Some((auction.due()?, Due::Auction(*id))));
        state.due = due.chain(state.bilateral.due()).collect();
        state.check_stored()?;
        // Each datum came with a command.
        if state.data.0 > sequence.0 {
            return Err(NotAnExchange::Data);
        }
        let exchange = Self { mode, sequence, at, answers, state };
        if exchange.is_conserved() { Ok(exchange) } else { Err(NotAnExchange::NotConserved) }
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

    /// Lets everything happen that is due, in the order of the instants and then of the ids.
    fn tick(&mut self, at: Instant, out: &mut Events) {
        loop {
            let first = self.due.first().copied().filter(|(instant, _)| *instant <= at);
            let day = self.day_ends_at().filter(|end| *end <= at);
            match (first, day) {
                // What becomes final at the end of a day is invoiced on the next.
                (Some((instant, _)), Some(end)) if end <= instant => self.end_first_day(at, out),
                (None, Some(_)) => self.end_first_day(at, out),
                (Some(due), _) => {
                    self.due.remove(&due);
                    match due.1 {
                        Due::Auction(auction) => self.advance(auction, out),
                        Due::Round(board) => self.end_round(at, board, out),
                        Due::Negotiation(negotiation) => self.lapse_negotiation(negotiation, out),
                        Due::Entry(entry) => self.expire_entry(entry, out),
                    }
                }
                (None, None) => break,
            }
        }
    }

    /// Suspends a participant at once, and withdraws its open bids.
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

    // Rules: R-MON-043.
    fn propose(
        &mut self,
        at: Instant,
        proposal: ProposalId,
        action: &Action,
        out: &mut Events,
    ) -> Result<(), Reject> {
        if u32::try_from(self.proposals.len()).is_ok_and(|pending| pending >= PROPOSALS_MAX) {
            return Err(Reject::TooManyProposals { most: PROPOSALS_MAX });
        }
        // Refused now rather than by the second operator; it is looked at again when it is confirmed.
        self.prepare(at, action)?;
        self.proposals.insert(proposal, action.clone());
        out.push(Event::ActionProposed { proposal, action: action.clone() });
        Ok(())
    }

    // Rules: R-MON-042, R-MON-043, R-MON-044.
    fn confirm(
        &mut self,
        at: Instant,
        by: IdentityId,
        proposal: ProposalId,
        out: &mut Events,
    ) -> Result<(), Reject> {
        let action = self.proposals.get(&proposal).ok_or(Reject::UnknownProposal { proposal })?;
        if by == proposal.identity {
            return Err(Reject::SameOperator);
        }
        // The proposal of an operator who may no longer act is nobody's.
        self.registry.acting(proposal.identity)?;
        let prepared = self.prepare(at, action)?;
        if let Some(action) = self.proposals.remove(&proposal) {
            out.push(Event::ActionConfirmed { proposal, by, action: action.clone() });
            self.perform(at, action, prepared, out);
        }
        Ok(())
    }

    /// Whether an action can be done now, and what was worked out to see that.
    fn prepare(&self, at: Instant, action: &Action) -> Result<Prepared, Reject> {
        match action {
            Action::RegisterParticipant { participant, roles, .. } => {
                self.registry.check_new_participant(*participant, roles)?;
            }
            Action::AddIdentity { identity, participant } => {
                self.registry.participant(*participant)?;
                self.registry.check_new_identity(*identity)?;
            }
            Action::BindKey { identity, key, .. } => {
                self.registry.check_identity(*identity)?;
                self.keys.check_bind(*key)?;
            }
            Action::RevokeIdentity { identity } => self.registry.check_revoke(*identity)?,
            Action::SetStanding { participant, standing } => {
                self.registry.check_standing(*participant, *standing)?;
                if *standing == Standing::Active && self.is_in_default(*participant) {
                    return Err(Reject::InDefault);
                }
            }
            Action::DefineMarket { market, terms } => {
                if self.markets.contains_key(market) {
                    return Err(Reject::MarketTaken);
                }
                terms.check()?;
            }
            Action::DefineIndex { index, terms } => self.check_define_index(*index, terms)?,
            Action::OpenProgramme { programme, .. } => {
                if self.programmes.contains_key(programme) {
                    return Err(Reject::ProgrammeTaken);
                }
            }
            Action::FundProgramme { programme, amount, .. } => self.check_fund(*programme, *amount)?,
            Action::DepositCollateral { participant, amount } => self.check_deposit(*participant, *amount)?,
            Action::ReturnCollateral { participant, amount } => {
                self.check_return(at, *participant, Account::Collateral(*participant), *amount)?;
            }
            Action::ContributeToDefaultFund { participant, amount } => {
                self.check_deposit(*participant, *amount)?;
            }
            Action::ReturnContribution { participant, amount } => {
                self.check_return(at, *participant, Account::Contribution(*participant), *amount)?;
            }
            Action::SetOwnResourcesAside { amount } => self.check_own_resources(*amount)?,
            Action::SetClearingTerms { terms, .. } => terms.check()?,
            Action::TakePayment { participant, amount } => self.check_take_payment(*participant, *amount)?,
            Action::AttributePayment { participant, amount } => {
                self.check_attribute(*participant, *amount)?;
            }
            Action::PayOut { participant, amount } => self.check_pay_out(*participant, *amount)?,
            Action::SetStockRule { programme, market, rule } => {
                self.check_stock_rule(*programme, *market, rule)?;
            }
            Action::SetStressPrice { floor, price } => self.check_stress_price(*floor, *price)?,
            Action::SetFloor { floor, terms } => self.check_floor(*floor, terms)?,
            Action::AnnounceAuction { auction, terms } => {
                return self.check_announce(*auction, terms, at).map(Prepared::Reserving);
            }
            Action::CancelAuction { auction } => self.check_cancel(*auction)?,
            Action::GrantEntitlement { floor, holder, per_period } => {
                return self.check_grant(at, *floor, *holder, *per_period).map(Some).map(Prepared::Reserving);
            }
            Action::NovateEntitlement { entitlement, to } => self.check_novate(*entitlement, *to)?,
            Action::TerminateEntitlement { entitlement, last } => {
                return self.check_terminate(*entitlement, *last).map(Some).map(Prepared::Reserving);
            }
            Action::ShareUpside { entitlement, from } => self.check_share_upside(*entitlement, *from)?,
            Action::ReleaseReferencePrice { index, day, observation } => {
                self.check_release_price(*index, *day, observation)?;
            }
            Action::Settle { floor, period, version } => {
                let settlement = self.prepare_settlement(at, *floor, *period, *version)?;
                return Ok(Prepared::Settling(Box::new(settlement)));
            }
            Action::ChangeRules { version } => {
                return self.rules.change(*version, RulesVersion::NEWEST.number()).map(Prepared::Changing);
            }
            Action::OpenBoard { board, terms } => self.check_open_board(*board, terms)?,
            Action::PostStockEntry { board, programme, listing, limit } => {
                let pledge = self.check_post_stock(at, *board, *programme, listing, *limit)?;
                return Ok(Prepared::Reserving(pledge));
            }
            Action::WithdrawStockEntry { entry } => self.check_withdraw_stock(*entry)?,
            Action::GrantOnDeal { deal, floor, per_period } => {
                let reserved = self.check_grant_on_deal(at, *deal, *floor, *per_period)?;
                return Ok(Prepared::Reserving(Some(reserved)));
            }
        }
        Ok(Prepared::Plain)
    }

    /// Does an action that was just found possible.
    fn perform(&mut self, at: Instant, action: Action, prepared: Prepared, out: &mut Events) {
        match (action, prepared) {
            (Action::RegisterParticipant { participant, name, owner_group, roles }, _) => {
                let standing = Standing::Active;
                self.registry
                    .add_participant(participant, Participant { name, owner_group, roles, standing });
            }
            (Action::AddIdentity { identity, participant }, _) => {
                self.registry.add_identity(identity, participant);
            }
            (Action::BindKey { identity, key, others_end_at }, _) => {
                self.keys.bind(key, identity, others_end_at);
            }
            (Action::RevokeIdentity { identity }, _) => self.registry.revoke(identity),
            (Action::SetStanding { participant, standing }, _) => {
                self.registry.set_standing(participant, standing);
            }
            (Action::DefineMarket { market, terms }, _) => {
                self.markets.insert(market, terms);
            }
            (Action::DefineIndex { index, terms }, _) => {
                self.indices.insert(index, Index::new(terms));
            }
            (Action::OpenProgramme { programme, terms }, _) => {
                self.programmes.insert(programme, Programme::new(terms));
            }
            (Action::FundProgramme { programme, funder, amount }, _) => {
                self.fund(programme, funder, amount, out);
            }
            (Action::DepositCollateral { participant, amount }, _) => {
                self.deposit(participant, Account::Collateral(participant), amount, out);
            }
            (Action::ReturnCollateral { participant, amount }, _) => {
                self.give_back(participant, Account::Collateral(participant), amount);
            }
            (Action::ContributeToDefaultFund { participant, amount }, _) => {
                self.deposit(participant, Account::Contribution(participant), amount, out);
            }
            (Action::ReturnContribution { participant, amount }, _) => {
                self.give_back(participant, Account::Contribution(participant), amount);
            }
            (Action::SetOwnResourcesAside { amount }, _) => self.set_aside_own(amount),
            (Action::SetClearingTerms { currency, terms }, _) => {
                self.set_clearing_terms(at, currency, *terms)
            }
            (Action::TakePayment { participant, amount }, _) => self.take_payment(participant, amount, out),
            (Action::AttributePayment { participant, amount }, _) => self.attribute(participant, amount, out),
            (Action::PayOut { participant, amount }, _) => self.pay_out(participant, amount),
            (Action::SetStockRule { programme, market, rule }, _) => {
                self.set_stock_rule(programme, market, rule);
            }
            (Action::SetStressPrice { floor, price }, _) => {
                if let Some(floor) = self.floors.get_mut(&floor) {
                    floor.stress_price = price;
                }
            }
            (Action::SetFloor { floor, terms }, _) => {
                self.floors.insert(floor, Floor::new(terms));
            }
            (Action::AnnounceAuction { auction, terms }, Prepared::Reserving(budget)) => {
                self.announce(auction, terms, budget);
            }
            (Action::CancelAuction { auction }, _) => self.cancel(auction),
            (Action::GrantEntitlement { floor, holder, per_period }, Prepared::Reserving(Some(reserved))) => {
                if let Ok(strike) = self.floor(floor).map(|floor| floor.terms.price) {
                    let grant = Grant { floor, holder, strike, per_period, deal: None };
                    self.grant(grant, reserved, at, out);
                }
            }
            (Action::NovateEntitlement { entitlement, to }, _) => self.novate(entitlement, to, out),
            (Action::TerminateEntitlement { entitlement, last }, Prepared::Reserving(Some(reserved))) => {
                self.terminate(entitlement, last, reserved, out);
            }
            (Action::ShareUpside { entitlement, from }, _) => self.share_upside(entitlement, from, out),
            (Action::ReleaseReferencePrice { index, day, observation: _ }, _) => {
                self.release_price(index, day, out);
            }
            (Action::Settle { .. }, Prepared::Settling(settlement)) => self.settle(at, *settlement, out),
            (Action::ChangeRules { .. }, Prepared::Changing(rules)) => self.rules = rules,
            (Action::OpenBoard { board, terms }, _) => self.open_board(board, terms),
            (Action::PostStockEntry { board, programme, listing, limit }, Prepared::Reserving(pledge)) => {
                self.post_stock(board, programme, listing, limit, pledge, out)
            }
            (Action::WithdrawStockEntry { entry }, _) => self.withdraw_stock(entry, out),
            (Action::GrantOnDeal { deal, floor, per_period }, Prepared::Reserving(Some(reserved))) => {
                self.grant_on_deal(at, deal, floor, per_period, reserved, out);
            }
            (
                Action::AnnounceAuction { .. }
                | Action::GrantEntitlement { .. }
                | Action::TerminateEntitlement { .. }
                | Action::Settle { .. }
                | Action::PostStockEntry { .. }
                | Action::GrantOnDeal { .. }
                | Action::ChangeRules { .. },
                _,
            ) => {
                unreachable!("an action is performed with what was prepared for it");
            }
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

    // Rules: R-AUC-091.
    fn check_floor(&self, id: FloorId, terms: &FloorTerms) -> Result<(), Reject> {
        if self.floors.contains_key(&id) {
            return Err(Reject::FloorTaken);
        }
        let market = self.market(terms.market)?;
        let programme = self.programme(terms.programme)?;
        let index = self.index(terms.index)?;
        if market.currency != programme.currency() || Some(market.currency) != index.currency() {
            return Err(Reject::OtherCurrency);
        }
        terms.contract.check(terms.price, market.currency)?;
        if let Some(fallback) = terms.contract.reference.fallback
            && self.index(fallback)?.currency() != index.currency()
        {
            return Err(Reject::OtherCurrency);
        }
        if terms.contract.reference.fallback == Some(terms.index) {
            return Err(Reject::ReferenceTerms);
        }
        if let Some(indexation) = &terms.contract.indexation
            && self.index(indexation.index)?.currency().is_some()
        {
            return Err(Reject::IndexationTerms);
        }
        let on_grid = market.check_price(terms.price).is_ok() && terms.stress_price.is_on(market.tick);
        if !on_grid || terms.stress_price >= terms.price {
            return Err(Reject::FloorPrice);
        }
        // Months out of the reach of an instant could never be settled.
        let calendar = terms.contract.calendar;
        let (first, last) = (terms.first.first_day(), terms.last.last_day());
        let is_whole = calendar.period(first).first == first && calendar.period(last).last == last;
        if last < first || !is_whole || first.end().is_none() || last.end().is_none() {
            return Err(Reject::FloorMonths);
        }
        if terms.origins.is_empty() || terms.origins.len() > ORIGINS_MAX {
            return Err(Reject::FloorOrigins { most: u32::try_from(ORIGINS_MAX).unwrap_or(u32::MAX) });
        }
        Ok(())
    }

    /// Refuses what was read from a snapshot and would make an assertion fail sooner or later.
    fn check_stored(&self) -> Result<(), NotAnExchange> {
        if let Some((id, _)) = self.markets.iter().find(|(_, market)| market.check().is_err()) {
            return Err(NotAnExchange::Market(*id));
        }
        if let Some((id, _)) = self.auctions.iter().find(|(_, auction)| !self.is_sound(auction)) {
            return Err(NotAnExchange::Auction(*id));
        }
        let last = self.entitlements.last_key_value().map_or(0, |(id, _)| id.0);
        let numbered = usize::try_from(last) == Ok(self.entitlements.len());
        if !numbered || self.entitlements.len() > ENTITLEMENTS_MAX {
            return Err(NotAnExchange::Entitlements);
        }
        let prices_fit = self.indices.values().all(|index| index.is_sound(self.data));
        let deliveries_fit = self.deliveries.values().all(|deliveries| deliveries.is_sound(self.data));
        if !prices_fit || !deliveries_fit {
            return Err(NotAnExchange::Data);
        }
        let reserves = |entitlement: &Entitlement| {
            let market = self.floor(entitlement.floor).and_then(|floor| self.market(floor.terms.market));
            let Money { currency, millionths } = entitlement.reserved;
            market.is_ok_and(|market| market.currency == currency) && millionths >= 0
        };
        if !self.entitlements.values().all(reserves) {
            return Err(NotAnExchange::Reservations);
        }
        let are_runs = |((floor, first), runs): (&(FloorId, Day), &Vec<SettlementRun>)| {
            (1..).zip(runs).all(|(number, run)| {
                let is_here = (run.floor, run.period.first, run.number) == (*floor, *first, number);
                is_here && run.lines.is_sorted_by(|one, next| one.entitlement < next.entitlement)
            })
        };
        if !self.runs.iter().all(are_runs) {
            return Err(NotAnExchange::Runs);
        }
        let unpayable =
            self.programmes.iter().find(|(id, programme)| !self.is_programme_sound(**id, programme));
        if let Some((id, _)) = unpayable {
            return Err(NotAnExchange::Programme(*id));
        }
        if !self.are_boards_sound() {
            return Err(NotAnExchange::Boards);
        }
        if self.ledger.has_room() { Ok(()) } else { Err(NotAnExchange::NotConserved) }
    }

    // Rules: R-MON-001.
    fn is_cleared(&self) -> bool {
        self.ledger.balances().all(|(_, account, balance)| account != Account::Clearing || balance == 0)
    }

    fn reservations_agree(&self) -> bool {
        self.programmes.iter().all(|(&id, programme)| {
            let of_programme =
                |floor: FloorId| self.floor(floor).is_ok_and(|floor| floor.terms.programme == id);
            let entitlements = self.entitlements.values();
            let held =
                entitlements.filter(|e| of_programme(e.floor)).map(|e| i128::from(e.reserved.millionths));
            let of_auction = |auction: &&Auction| self.programme_of(auction.kind()) == Some(id);
            let auctions = self.auctions.values().filter(of_auction);
            let budgets = auctions.filter_map(Auction::budget).map(|budget| i128::from(budget.millionths));
            let pledged = budgets.sum::<i128>().saturating_add(self.pledged_on_boards(id));
            pledged == programme.pledged().into()
                && held.sum::<i128>().checked_add(pledged) == Some(programme.required())
                && self.is_programme_sound(id, programme)
        })
    }

    fn check_stress_price(&self, id: FloorId, price: Price) -> Result<(), Reject> {
        let terms = &self.floor(id)?.terms;
        let market = self.market(terms.market)?;
        if price.is_on(market.tick) && price < terms.price { Ok(()) } else { Err(Reject::FloorPrice) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cfd::{ContractTerms, IndexTerms, Observation};
    use crate::market::Unit;
    use crate::money::{Backing, ProgrammeTerms};
    use crate::num::{Currency, Quantity};
    use crate::time::Month;

    const MARCH: &str = "2019-03-01";

    fn day(text: &str) -> Day {
        text.parse().expect("a day")
    }

    fn dollars(units: i64) -> Money {
        Money { currency: Currency::Usd, millionths: units * 1_000_000 }
    }

    /// One entitlement under a floor, with 12,000 reserved, and a run of its first month.
    fn settled() -> Exchange {
        let mut state = State::new(RulesVersion::NEWEST);
        let name: Name = "Lithium".parse().expect("a name");
        let price = |units| Price::from_units(units).expect("fits");
        let quantity = |units| Quantity::from_units(units).expect("fits");
        let market = Market {
            name: name.clone(),
            unit: Unit::Tonne,
            currency: Currency::Usd,
            lot: quantity(1),
            tick: price(10),
            lowest: price(0),
            highest: price(1_000),
            largest: quantity(100),
        };
        let (publisher, currency) = (ParticipantId(3), Currency::Usd);
        let index = IndexTerms { name: name.clone(), currency: Some(currency), publisher, guard: None };
        let terms = FloorTerms {
            market: MarketId(1),
            programme: ProgrammeId(1),
            index: IndexId(1),
            price: price(500),
            stress_price: price(300),
            first: Month::new(2019, 1).expect("a month"),
            last: Month::new(2019, 6).expect("a month"),
            origins: vec!["FI".parse().expect("a country")],
            contract: Box::new(ContractTerms::monthly_floor()),
        };
        let (floor, programme) = (FloorId(1), ProgrammeId(1));
        state.markets.insert(MarketId(1), market);
        state.indices.insert(IndexId(1), Index::new(index));
        let backing = Backing::Capped;
        let programme_terms = ProgrammeTerms { name: name.clone(), currency, backing };
        state.programmes.insert(programme, Programme::new(programme_terms));
        state.floors.insert(floor, Floor::new(terms));
        let mut events = Vec::new();
        state.fund(programme, name, dollars(100_000), &mut events);
        let (before, after) = (day("2018-12-01").begins_at(), day(MARCH).begins_at());
        let (before, after) = (before.expect("in reach"), after.expect("in reach"));
        let mut events = Vec::new();
        let (holder, strike, per_period) = (ParticipantId(4), price(500), quantity(10));
        let grant = Grant { floor, holder, strike, per_period, deal: None };
        state.grant(grant, dollars(12_000), before, &mut events);
        let observation = Observation { price: price(600), volume: None, source: None };
        state
            .publish_reference_price(
                after,
                publisher,
                IndexId(1),
                day("2019-01-31"),
                &observation,
                &mut events,
            )
            .expect("published");
        let settle = Action::Settle { floor, period: day("2019-01-01"), version: DataVersion(1) };
        let prepared = state.prepare(after, &settle).expect("can be settled");
        state.perform(after, settle, prepared, &mut events);
        Exchange { mode: Mode::Live, sequence: Sequence(9), at: after, answers: Answers::default(), state }
    }

    fn read(exchange: Exchange) -> Result<Exchange, NotAnExchange> {
        let Exchange { mode, sequence, at, answers, state } = exchange;
        Stored { mode, sequence, at, answers, state }.try_into()
    }

    /// Each of these would make an assertion fail sooner or later.
    #[test]
    fn a_stored_state_that_no_commands_make_is_refused() {
        assert!(read(settled()).is_ok());
        let forged = |forge: fn(&mut State)| {
            let mut exchange = settled();
            forge(&mut exchange.state);
            read(exchange).map(drop)
        };
        fn entitlement(state: &mut State) -> &mut Entitlement {
            state.entitlements.values_mut().next().expect("it was granted")
        }
        let foreign = forged(|state| entitlement(state).reserved.currency = Currency::Eur);
        assert!(matches!(foreign, Err(NotAnExchange::Reservations)), "{foreign:?}");
        let negative = forged(|state| entitlement(state).reserved.millionths = -1);
        assert!(matches!(negative, Err(NotAnExchange::Reservations)), "{negative:?}");
        let newest = forged(|state| state.data = DataVersion(u64::MAX));
        assert!(matches!(newest, Err(NotAnExchange::Data)), "{newest:?}");
        let early = forged(|state| state.data = DataVersion(0));
        assert!(matches!(early, Err(NotAnExchange::Data)), "{early:?}");
        let twice = forged(|state| {
            let run =
                state.runs.values_mut().next().and_then(|runs| runs.first_mut()).expect("it was settled");
            run.lines.push(run.lines[0]);
        });
        assert!(matches!(twice, Err(NotAnExchange::Runs)), "{twice:?}");
    }

    /// A programme whose auction has nothing pledged for what it orders could not pay for it.
    #[test]
    fn a_stored_stock_order_is_pledged_for() {
        use crate::auction::{AuctionKind, AuctionTerms};
        use crate::book::Side;
        use crate::clearing::{Allocation, Candidates, Criterion, Rule};
        use crate::money::StockOrder;
        let with = |budget: Option<Money>| {
            let mut exchange = settled();
            let price = Price::from_units(400).expect("fits");
            let order = StockOrder {
                programme: ProgrammeId(1),
                side: Side::Buy,
                price,
                quantity: Quantity::from_units(5).expect("fits"),
                budget: None,
            };
            let opens_at = exchange.at.plus_seconds(1).expect("fits");
            let rule = Rule {
                floor: Some(price),
                ..Rule::new(
                    Candidates::Ticks,
                    vec![Criterion::MostVolume, Criterion::Lowest],
                    Allocation::ProRata,
                )
            };
            let terms = AuctionTerms {
                kind: AuctionKind::Call { market: MarketId(1), stock: Some(order) },
                opens_at,
                closes_at: opens_at.plus_seconds(1).expect("fits"),
                challenge_seconds: std::num::NonZeroU32::MIN,
                rule: rule.into(),
                lot_commitment: None,
            };
            exchange.state.announce(AuctionId(1), terms, budget);
            exchange.state.ledger.tell(exchange.at, &mut Vec::new());
            read(exchange).map(drop)
        };
        assert!(with(Some(dollars(2_000))).is_ok());
        for wrong in [None, Some(dollars(1_999)), Some(dollars(2_001))] {
            let read = with(wrong);
            assert!(matches!(read, Err(NotAnExchange::Auction(AuctionId(1)))), "{wrong:?}: {read:?}");
        }
    }

    /// Whatever a forged run claims to have paid, a programme is given back no more than it spent.
    #[test]
    fn a_forged_run_gives_a_programme_no_money() {
        let mut exchange = settled();
        let run = exchange.state.runs.values_mut().next().and_then(|runs| runs.first_mut());
        run.expect("it was settled").lines[0].amount = dollars(200_000);
        let settle = Action::Settle { floor: FloorId(1), period: day("2019-01-01"), version: DataVersion(1) };
        let prepared = exchange.state.prepare(exchange.at, &settle).expect("its holder owes the difference");
        let mut events = Vec::new();
        exchange.state.perform(exchange.at, settle, prepared, &mut events);
        exchange.state.take_payment(Some(ParticipantId(4)), dollars(300_000), &mut events);
        let balance = |account| exchange.ledger().balance(Currency::Usd, account);
        assert_eq!(balance(Account::Receivable(ProgrammeId(1))), 0);
        let money = balance(Account::ProgrammeFree(ProgrammeId(1)))
            + balance(Account::ProgrammeReserved(ProgrammeId(1)));
        assert_eq!(money, 100_000_000_000);
        assert!(exchange.is_conserved());
    }

    /// There is one version so far, so a change is tried on an engine that claims to know the next.
    #[test]
    fn a_change_of_the_rules_is_in_force_and_in_the_digest() {
        let mut exchange = Exchange::new(Mode::Live, RulesVersion::OLDEST);
        let before = exchange.state_digest();
        let version = RulesVersion::NEWEST.number() + 1;
        let next = RulesVersion::OLDEST.change(version, version).expect("newer");
        let action = Action::ChangeRules { version };
        let mut events = Vec::new();
        exchange.state.perform(Instant(0), action, Prepared::Changing(next), &mut events);
        assert_eq!(exchange.rules_version(), next);
        assert_ne!(exchange.state_digest(), before);
        assert_eq!(events, []);
    }
}
