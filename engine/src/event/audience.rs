//! Who may be shown an event, and which part of it; and how many there are for each.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Event;
use crate::bilateral::Party;
use crate::cfd::Entitlement;
use crate::command::Action;
use crate::id::ParticipantId;
use crate::ledger::{Account, Cause, Posting};
use crate::money::{Claim, Invoice, PotUse};

/// Who may be shown an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Everybody.
    Public,
    /// One participant's identities alone.
    Participant(ParticipantId),
    /// One participant's identities, operators and auditors.
    ParticipantAndOperators(ParticipantId),
    /// Operators and auditors.
    Operators,
    /// Two participants' identities alone; one where the other side is none, or not told.
    Sides(ParticipantId, Option<ParticipantId>),
    /// Two participants' identities, operators and auditors.
    SidesAndOperators(ParticipantId, Option<ParticipantId>),
    /// Everybody gets the public part, each participant its own lines, operators and auditors the whole.
    Parts,
}

impl Event {
    /// Whether it may have changed for whom a key speaks, or until when: what [`Exchange::who`](crate::Exchange::who) and
    /// [`Exchange::key_ends_at`](crate::Exchange::key_ends_at) say.
    pub const fn changes_keys(&self) -> bool {
        matches!(
            self,
            Self::ParticipantHalted { .. }
                | Self::Defaulted { .. }
                | Self::ActionConfirmed {
                    action: Action::RevokeIdentity { .. }
                        | Action::SetStanding { .. }
                        | Action::BindKey { .. },
                    ..
                }
        )
    }

    /// Whether a participant may see the event, or its own part of it. `reads_all` is set for operators and auditors.
    pub fn is_shown_to(&self, reader: ParticipantId, reads_all: bool) -> bool {
        match self.audience() {
            Audience::Public | Audience::Parts => true,
            Audience::Participant(owner) => owner == reader,
            Audience::ParticipantAndOperators(owner) => owner == reader || reads_all,
            Audience::Operators => reads_all,
            Audience::Sides(one, other) => one == reader || other == Some(reader),
            Audience::SidesAndOperators(one, other) => one == reader || other == Some(reader) || reads_all,
        }
    }

    /// The event as a participant may see it, if it may see it at all: of a result or a settlement run, others' lines
    /// are left out.
    pub fn shown_to(&self, reader: ParticipantId, reads_all: bool) -> Option<Self> {
        self.is_shown_to(reader, reads_all).then(|| self.part_of(Some(reader), reads_all))
    }

    /// What everybody may see of it, whoever takes part in it: nothing of its lines is. `None` if that is nothing, and of postings,
    /// which say nothing without their accounts.
    pub fn public_part(&self) -> Option<Self> {
        let is_public = matches!(self.audience(), Audience::Public | Audience::Parts)
            && !matches!(self, Self::Posted { .. });
        is_public.then(|| self.part_of(None, false))
    }

    /// The event without the lines of others than the reader.
    fn part_of(&self, reader: Option<ParticipantId>, reads_all: bool) -> Self {
        match self {
            Self::AuctionCleared { auction, final_at, result } if !reads_all => {
                let result = result.shown_to(reader);
                Self::AuctionCleared { auction: *auction, final_at: *final_at, result }
            }
            Self::AwardsOffered { auction, until, awards } if !reads_all => {
                let awards =
                    awards.iter().filter(|award| Some(award.participant) == reader).copied().collect();
                Self::AwardsOffered { auction: *auction, until: *until, awards }
            }
            Self::SaleSettled { auction, purchase, sold, gap, lines } if !reads_all => {
                let lines = lines.iter().filter(|line| Some(line.participant) == reader).copied().collect();
                let (auction, purchase, sold, gap) = (*auction, *purchase, *sold, *gap);
                Self::SaleSettled { auction, purchase, sold, gap, lines }
            }
            Self::SettlementRunCompleted { run } if !reads_all => {
                let own = run.lines.iter().filter(|line| Some(line.holder) == reader);
                Self::SettlementRunCompleted { run: run.with_lines(own.copied().collect()) }
            }
            Self::ClaimsPaid { programme, paid, short, carried } if !reads_all => {
                let (programme, paid, short) = (*programme, *paid, *short);
                Self::ClaimsPaid { programme, paid, short, carried: own_claims(carried, reader) }
            }
            Self::SellersPaid { auction, paid, carried } if !reads_all => {
                Self::SellersPaid { auction: *auction, paid: *paid, carried: own_claims(carried, reader) }
            }
            Self::Defaulted { participant, owed, uncovered, uses }
                if !reads_all && Some(*participant) != reader =>
            {
                let uses = own_uses(uses, reader);
                Self::Defaulted { participant: *participant, owed: *owed, uncovered: *uncovered, uses }
            }
            Self::DefaultMadeGood { participant, currency, returned, is_made_good } if !reads_all => {
                let returned = own_uses(returned, reader);
                let (participant, currency, is_made_good) = (*participant, *currency, *is_made_good);
                Self::DefaultMadeGood { participant, currency, returned, is_made_good }
            }
            Self::Posted { at, cause, postings } if !reads_all => {
                let is_own = |posting: &&Posting| {
                    [posting.from, posting.to]
                        .iter()
                        .any(|account| account.participant().is_some() && account.participant() == reader)
                };
                let postings = postings.iter().filter(is_own).copied().collect();
                Self::Posted { at: *at, cause: *cause, postings }
            }
            _ => self.clone().of_sides(reader, reads_all),
        }
    }

    /// The event without what is told to somebody else on a board: whose an entry is, its limit, the other side.
    // Rules: R-BIL-014, R-BIL-016, R-BIL-017.
    fn of_sides(mut self, reader: Option<ParticipantId>, reads_all: bool) -> Self {
        let is_own = |party: Option<Party>| party.is_some() && party == reader.map(Party::Participant);
        match &mut self {
            Self::EntryPosted { owner, limit, .. } => {
                let is_own = is_own(owner.map(|owner| owner.party));
                *limit = limit.filter(|_| is_own);
                *owner = owner.filter(|_| is_own || reads_all);
            }
            Self::EntryReplaced { party, limit, .. } => {
                let is_own = is_own(*party);
                *limit = limit.filter(|_| is_own);
                *party = party.filter(|_| is_own || reads_all);
            }
            Self::GroupJoined { lead, .. } | Self::GroupLeft { lead, .. } => {
                *lead = lead.filter(|lead| Some(*lead) == reader);
            }
            Self::NegotiationOpened { sides, .. }
            | Self::TermsCountered { sides, .. }
            | Self::TermsAccepted { sides, .. }
            | Self::NegotiationEnded { sides, .. } => {
                sides.seller = sides.seller.filter(|party| is_own(Some(*party)));
                sides.buyer = sides.buyer.filter(|party| is_own(Some(*party)));
            }
            _ => {}
        }
        self
    }

    /// Who may be shown this event.
    // Rules: R-AUC-025, R-BIL-015, R-BIL-016.
    pub fn audience(&self) -> Audience {
        match self {
            Self::Founded { .. }
            | Self::ClockSet { .. }
            | Self::AuctionOpened { .. }
            | Self::AuctionClosed { .. }
            | Self::AuctionFinalised { .. }
            | Self::EntryQuantity { .. }
            | Self::EntryClosed { .. }
            | Self::RoundCalled { .. }
            | Self::RoundHeld { .. }
            | Self::ReferencePricePublished { .. } => Audience::Public,
            Self::ActionConfirmed { action, .. } => match action {
                // What everybody trades by.
                Action::DefineMarket { .. }
                | Action::DefineIndex { .. }
                | Action::OpenProgramme { .. }
                | Action::FundProgramme { .. }
                | Action::SetFloor { .. }
                | Action::AnnounceAuction { .. }
                | Action::CancelAuction { .. }
                | Action::SetClearingTerms { .. }
                | Action::SetStockRule { .. }
                | Action::SetStressPrice { .. }
                | Action::SetOwnResourcesAside { .. }
                | Action::OpenBoard { .. }
                | Action::ChangeRules { .. } => Audience::Public,
                // Who takes part is nobody's business; what is granted and paid has events of its own.
                Action::RegisterParticipant { .. }
                | Action::AddIdentity { .. }
                | Action::BindKey { .. }
                | Action::RevokeIdentity { .. }
                | Action::SetStanding { .. }
                | Action::GrantEntitlement { .. }
                | Action::NovateEntitlement { .. }
                | Action::TerminateEntitlement { .. }
                | Action::ShareUpside { .. }
                | Action::ReleaseReferencePrice { .. }
                | Action::PostStockEntry { .. }
                | Action::WithdrawStockEntry { .. }
                | Action::GrantOnDeal { .. }
                | Action::Settle { .. } => Audience::Operators,
                Action::DepositCollateral { participant, .. }
                | Action::ReturnCollateral { participant, .. }
                | Action::ContributeToDefaultFund { participant, .. }
                | Action::ReturnContribution { participant, .. }
                | Action::AttributePayment { participant, .. }
                | Action::TakePayment { participant: Some(participant), .. }
                | Action::PayOut { participant: Some(participant), .. } => {
                    Audience::ParticipantAndOperators(*participant)
                }
                Action::TakePayment { participant: None, .. } | Action::PayOut { participant: None, .. } => {
                    Audience::Operators
                }
            },
            Self::Posted { cause, postings, .. } => posted_to(*cause, postings),
            Self::ProgrammeLevel { .. } | Self::StockTraded { .. } => Audience::Public,
            Self::InvoiceIssued { invoice: Invoice { participant, .. } }
            | Self::InvoicePaid { participant, .. }
            | Self::InvoiceLate { participant, .. }
            | Self::NoticeServed { participant, .. }
            | Self::NoticeFollowed { participant, .. }
            | Self::ParticipantHalted { participant, .. } => Audience::ParticipantAndOperators(*participant),
            Self::ActionProposed { .. }
            | Self::ProposalWithdrawn { .. }
            | Self::BookClosed { .. }
            | Self::RoundBook { .. }
            | Self::DealsProposed { .. }
            | Self::SolutionProposed { .. } => Audience::Operators,
            Self::BidAccepted { participant, .. }
            | Self::BidReplaced { participant, .. }
            | Self::BidWithdrawn { participant, .. }
            | Self::LineLost { participant, .. } => Audience::Participant(*participant),
            Self::AwardAccepted { participant, .. } | Self::AwardDeclined { participant, .. } => {
                Audience::ParticipantAndOperators(*participant)
            }
            Self::EntitlementGranted { terms: Entitlement { holder: owner, .. }, .. }
            | Self::EntitlementNovated { from: owner, .. }
            | Self::EntitlementTerminated { holder: owner, .. }
            | Self::UpsideShared { holder: owner, .. }
            | Self::DeliveryReported { holder: owner, .. }
            | Self::ReferencePriceHeld { publisher: owner, .. } => Audience::ParticipantAndOperators(*owner),
            Self::GroupJoined { lead, member, .. } | Self::GroupLeft { lead, member, .. } => {
                Audience::Sides(*member, lead.filter(|lead| lead != member))
            }
            Self::NegotiationOpened { sides, .. }
            | Self::TermsCountered { sides, .. }
            | Self::TermsAccepted { sides, .. }
            | Self::NegotiationEnded { sides, .. } => {
                let parties = [sides.seller, sides.buyer].map(|party| party.and_then(Party::participant));
                match parties {
                    [Some(one), other] => Audience::Sides(one, other),
                    [None, Some(other)] => Audience::Sides(other, None),
                    [None, None] => Audience::Operators,
                }
            }
            Self::DealMade { deal, .. } => match [deal.seller, deal.buyer].map(Party::participant) {
                [Some(one), other] => Audience::SidesAndOperators(one, other),
                [None, Some(other)] => Audience::SidesAndOperators(other, None),
                [None, None] => Audience::Operators,
            },
            Self::DealShared { member, .. } => Audience::ParticipantAndOperators(*member),
            Self::EntryPosted { .. }
            | Self::EntryReplaced { .. }
            | Self::AuctionCleared { .. }
            | Self::AwardsOffered { .. }
            | Self::SaleSettled { .. }
            | Self::ClaimsPaid { .. }
            | Self::SellersPaid { .. }
            | Self::Defaulted { .. }
            | Self::DefaultMadeGood { .. }
            | Self::SettlementRunCompleted { .. } => Audience::Parts,
        }
    }
}

/// Who may be shown postings. What is held for bids tells how much is bid, so that it is for their owner alone.
// Rules: R-AUC-026.
fn posted_to(cause: Cause, postings: &[Posting]) -> Audience {
    if let Cause::Bond(owner) = cause {
        return Audience::Participant(owner);
    }
    let mut accounts = postings.iter().flat_map(|posting| [posting.from, posting.to]);
    let Some(first) = accounts.find_map(Account::participant) else {
        return Audience::Operators;
    };
    let others = accounts.filter_map(Account::participant).any(|participant| participant != first);
    if others { Audience::Parts } else { Audience::ParticipantAndOperators(first) }
}

fn own_claims(claims: &[Claim], reader: Option<ParticipantId>) -> Vec<Claim> {
    claims.iter().filter(|claim| Some(claim.participant) == reader).copied().collect()
}

fn own_uses(uses: &[PotUse], reader: Option<ParticipantId>) -> Vec<PotUse> {
    uses.iter().filter(|used| used.of.is_some() && used.of == reader).copied().collect()
}

/// How many events there were, by who may be shown them: enough to number anybody's events without reading them again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventCounts {
    everybody: u64,
    operators: u64,
    /// Of one participant alone.
    own: BTreeMap<ParticipantId, u64>,
    /// Of one participant and operators.
    own_and_operators: BTreeMap<ParticipantId, u64>,
    /// All of those.
    own_and_operators_total: u64,
}

impl EventCounts {
    /// Counts an event.
    pub fn add(&mut self, event: &Event) {
        let one_more = |count: &mut u64| *count = count.saturating_add(1);
        match event.audience() {
            Audience::Public | Audience::Parts => one_more(&mut self.everybody),
            Audience::Operators => one_more(&mut self.operators),
            Audience::Participant(owner) => one_more(self.own.entry(owner).or_default()),
            Audience::ParticipantAndOperators(owner) => {
                one_more(self.own_and_operators.entry(owner).or_default());
                one_more(&mut self.own_and_operators_total);
            }
            Audience::Sides(one, other) => {
                one_more(self.own.entry(one).or_default());
                if let Some(other) = other {
                    one_more(self.own.entry(other).or_default());
                }
            }
            Audience::SidesAndOperators(one, other) => {
                for side in [Some(one), other].into_iter().flatten() {
                    one_more(self.own_and_operators.entry(side).or_default());
                }
                one_more(&mut self.own_and_operators_total);
            }
        }
    }

    /// How many of them [`Event::is_shown_to`] a participant.
    pub fn shown_to(&self, reader: ParticipantId, reads_all: bool) -> u64 {
        let of = |counts: &BTreeMap<ParticipantId, u64>| counts.get(&reader).copied().unwrap_or(0);
        let with_operators = if reads_all {
            self.operators.saturating_add(self.own_and_operators_total)
        } else {
            of(&self.own_and_operators)
        };
        self.everybody.saturating_add(of(&self.own)).saturating_add(with_operators)
    }
}
