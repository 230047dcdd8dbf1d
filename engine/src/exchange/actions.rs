//! What two operators do together: one proposes an action and another confirms it. Each is looked at when it is proposed, and again when it is
//! confirmed, and then done.

use super::State;
use crate::cfd::{Grant, Index, Settlement};
use crate::command::Action;
use crate::event::{Event, Events};
use crate::id::{FloorId, IdentityId, ProposalId};
use crate::ledger::Account;
use crate::market::{Floor, FloorTerms, ORIGINS_MAX};
use crate::money::Programme;
use crate::num::{Money, Price};
use crate::participant::{Participant, Standing};
use crate::reject::Reject;
use crate::rules::RulesVersion;
use crate::time::Instant;

/// The most proposals that may be pending at once.
// Rules: R-MON-045.
const PROPOSALS_MAX: u32 = 1024;

/// An action that was found possible, with what was worked out to find that.
pub(super) enum Prepared {
    Plain,
    Reserving(Option<Money>),
    Settling(Box<Settlement>),
    Changing(RulesVersion),
}

impl State {
    // Rules: R-MON-043.
    pub(super) fn propose(
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
    pub(super) fn confirm(
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
    pub(super) fn prepare(&self, at: Instant, action: &Action) -> Result<Prepared, Reject> {
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
    pub(super) fn perform(&mut self, at: Instant, action: Action, prepared: Prepared, out: &mut Events) {
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

    // Rules: R-AUC-069.
    fn check_stress_price(&self, id: FloorId, price: Price) -> Result<(), Reject> {
        let terms = &self.floor(id)?.terms;
        let market = self.market(terms.market)?;
        // What an auction's budget is counted and reserved by stands until its awards are final.
        let is_pending =
            self.auctions.values().any(|auction| auction.floor() == Some(id) && !auction.is_over());
        let is_right = price.is_on(market.tick) && price < terms.price;
        if is_right && !is_pending { Ok(()) } else { Err(Reject::FloorPrice) }
    }
}
