//! Entitlements: contracts with a programme, from their grant to their end, and what is reserved for them.

use serde::{Deserialize, Serialize};

use crate::book::PLACES_MAX;
use crate::cfd::Payoff;
use crate::event::{Event, Events};
use crate::exchange::{Exchange, State};
use crate::id::{EntitlementId, FloorId, NegotiationId, ParticipantId, ProgrammeId};
use crate::market::{Floor, Market};
use crate::money::ProgrammeTerms;
use crate::num::{Money, Price, Quantity};
use crate::participant::{Role, Standing};
use crate::reject::Reject;
use crate::time::{Day, Instant, Period};

/// The most entitlements there may be: it bounds the length of a settlement run.
pub const ENTITLEMENTS_MAX: usize = 4_000_000;

/// A right to difference payments under a floor, and a duty to share high prices where the floor's terms say so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entitlement {
    /// The floor it comes under.
    pub floor: FloorId,
    /// Who is paid, and pays.
    pub holder: ParticipantId,
    /// The price that the holder is brought up to, before any indexation.
    pub strike: Price,
    /// The volume of a period; where it is metered, the most of a period that counts.
    pub per_period: Quantity,
    /// The first day that it covers, which begins a period.
    pub first: Day,
    /// The last day that it covers, which ends a period; before `first` if it was terminated before it began.
    pub last: Day,
    /// From when high prices are shared, where that waits for a condition; `None` until it is met.
    pub upside_from: Option<Day>,
    /// What the programme still reserves for it.
    pub reserved: Money,
    /// The deal that it is on, if it is on one: its reference price is never below the deal's.
    pub deal: Option<NegotiationId>,
}

impl Entitlement {
    /// Whether the holder shares high prices in a period, as far as was said until now.
    pub fn is_upside_shared(&self, payoff: &Payoff, period: Period) -> bool {
        let waits = payoff.upside.as_ref().is_some_and(|upside| upside.condition.is_some());
        !waits || self.upside_from.is_some_and(|from| from <= period.first)
    }
}

/// What an entitlement is granted for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grant {
    pub(crate) floor: FloorId,
    pub(crate) holder: ParticipantId,
    pub(crate) strike: Price,
    pub(crate) per_period: Quantity,
    pub(crate) deal: Option<NegotiationId>,
}

/// An entitlement with the floor and the market that it is settled by: what a contract can still cost depends on these.
#[derive(Clone, Copy, Debug)]
pub struct Contract<'a> {
    /// Its id.
    pub id: EntitlementId,
    /// The entitlement.
    pub entitlement: &'a Entitlement,
    /// Its floor, with how far that was settled.
    pub floor: &'a Floor,
    /// The floor's market.
    pub market: &'a Market,
    /// What its reference price is never below, where it is on a deal.
    pub least_reference: Option<Price>,
}

impl Contract<'_> {
    /// The periods that it covers and that have no run yet, in their order.
    pub fn periods_left(&self) -> impl Iterator<Item = Period> {
        let calendar = self.floor.terms.contract.calendar;
        let last = self.entitlement.last;
        let first = calendar.period(self.floor.next.max(self.entitlement.first));
        std::iter::successors(Some(first), move |period| calendar.after(*period))
            .take_while(move |period| period.last <= last)
    }
}

impl Exchange {
    /// What a programme is.
    ///
    /// # Errors
    /// [`Reject::UnknownProgramme`].
    pub fn programme_terms(&self, programme: ProgrammeId) -> Result<&ProgrammeTerms, Reject> {
        self.state().programme(programme).map(|programme| &programme.terms)
    }

    /// The contracts of a programme, those that are over included, in the order of their ids.
    pub fn contracts_of(&self, programme: ProgrammeId) -> impl Iterator<Item = Contract<'_>> {
        let state = self.state();
        state.entitlements.iter().filter_map(move |(&id, entitlement)| {
            let floor = state.floor(entitlement.floor).ok()?;
            let market = state.market(floor.terms.market).ok()?;
            let least_reference = state.least_reference(entitlement.deal);
            let contract = Contract { id, entitlement, floor, market, least_reference };
            (floor.terms.programme == programme).then_some(contract)
        })
    }
}

impl State {
    pub(crate) fn entitlement(&self, id: EntitlementId) -> Result<&Entitlement, Reject> {
        self.entitlements.get(&id).ok_or(Reject::UnknownEntitlement { entitlement: id })
    }

    /// What a programme reserves for a strike and a quantity a period that are granted at an instant.
    pub(crate) fn reservation(
        &self,
        floor: FloorId,
        strike: Price,
        per_period: Quantity,
        granted_at: Instant,
    ) -> Result<Money, Reject> {
        let floor = self.floor(floor)?;
        let currency = self.market(floor.terms.market)?.currency;
        let periods = floor.covers_from(granted_at).map_or(0, |first| floor.periods_from(first));
        floor.reservation(strike, per_period, periods, None, currency).ok_or(Reject::AmountTooLarge)
    }

    /// What the reference price of a contract on a deal is never below.
    // Rules: R-CFD-038.
    pub(super) fn least_reference(&self, deal: Option<NegotiationId>) -> Option<Price> {
        deal.and_then(|deal| self.deal(deal).ok()).map(|deal| deal.price)
    }

    /// What a grant reserves, refused where the programme's free money is short.
    pub(crate) fn check_reservation(
        &self,
        floor: FloorId,
        strike: Price,
        per_period: Quantity,
        granted_at: Instant,
    ) -> Result<Money, Reject> {
        let needed = self.reservation(floor, strike, per_period, granted_at)?;
        self.check_free(self.floor(floor)?.terms.programme, needed)?;
        Ok(needed)
    }

    /// Refuses a grant under a floor that covers no period any more which has not begun.
    // Rules: R-CFD-025.
    pub(crate) fn check_floor_open(&self, floor: FloorId, granted_at: Instant) -> Result<(), Reject> {
        let floor = self.floor(floor)?;
        let periods = floor.covers_from(granted_at).map_or(0, |first| floor.periods_from(first));
        if periods == 0 { Err(Reject::FloorOver) } else { Ok(()) }
    }

    /// Refuses a grant, or an auction that ends in grants, where there could be too many entitlements.
    pub(crate) fn check_entitlements_left(&self) -> Result<(), Reject> {
        let pending = self
            .auctions
            .values()
            .filter(|auction| auction.floor().is_some() && auction.pledged().is_some())
            .count();
        let places = usize::try_from(PLACES_MAX).unwrap_or(usize::MAX);
        let most = pending.checked_add(1).and_then(|auctions| auctions.checked_mul(places));
        let most = most.and_then(|most| most.checked_add(self.entitlements.len()));
        if most.is_some_and(|most| most <= ENTITLEMENTS_MAX) {
            Ok(())
        } else {
            Err(Reject::TooManyEntitlements)
        }
    }

    /// Refuses a direct grant that cannot be made; returns what it reserves.
    pub(crate) fn check_grant(
        &self,
        at: Instant,
        floor: FloorId,
        holder: ParticipantId,
        per_period: Quantity,
    ) -> Result<Money, Reject> {
        let terms = &self.floor(floor)?.terms;
        self.check_holder(holder)?;
        self.check_floor_open(floor, at)?;
        self.check_entitlements_left()?;
        self.market(terms.market)?.check_quantity(per_period)?;
        self.check_reservation(floor, terms.price, per_period, at)
    }

    /// Grants an entitlement from the first period that has not begun, and reserves for it. Nothing is granted where the
    /// floor covers no such period any more.
    pub(crate) fn grant(&mut self, grant: Grant, reserved: Money, granted_at: Instant, out: &mut Events) {
        let Grant { floor: floor_id, holder, strike, per_period, deal } = grant;
        let covered = self.floor(floor_id).ok().and_then(|floor| {
            let programme = floor.terms.programme;
            if let Some(deal) = deal {
                let period = self.covered_by_deal(floor_id, deal, granted_at)?;
                return Some((period.first, period.last, programme));
            }
            let last = floor.terms.last.last_day();
            let first = floor.covers_from(granted_at).filter(|first| *first <= last)?;
            Some((first, last, programme))
        });
        let Some((first, last, programme)) = covered else {
            return;
        };
        self.reserve(programme, reserved);
        let newest = self.entitlements.last_key_value().map_or(0, |(id, _)| id.0);
        let id = newest.checked_add(1).map(EntitlementId);
        assert!(id.is_some(), "entitlements are fewer than commands");
        if let Some(id) = id {
            let upside_from = None;
            let entitlement = Entitlement {
                floor: floor_id,
                holder,
                strike,
                per_period,
                first,
                last,
                upside_from,
                reserved,
                deal,
            };
            self.entitlements.insert(id, entitlement);
            self.watch_exposure(floor_id, granted_at);
            out.push(Event::EntitlementGranted { entitlement: id, terms: entitlement });
        }
    }

    /// Refuses who cannot be given a contract.
    // Rules: R-CFD-026.
    pub(crate) fn check_holder(&self, id: ParticipantId) -> Result<(), Reject> {
        let holder = self.registry.participant(id)?;
        if !holder.roles.contains(&Role::Supplier) {
            return Err(Reject::NotASupplier);
        }
        if holder.standing == Standing::Active { Ok(()) } else { Err(Reject::ParticipantSuspended) }
    }

    /// Refuses a novation to nobody new, or to who cannot hold a contract.
    // Rules: R-CFD-036.
    pub(crate) fn check_novate(&self, id: EntitlementId, to: ParticipantId) -> Result<(), Reject> {
        let Entitlement { holder, deal, .. } = *self.entitlement(id)?;
        self.check_holder(to)?;
        if let Some(deal) = deal {
            self.check_apart(self.deal(deal)?, to)?;
        }
        if holder == to { Err(Reject::SameHolder) } else { Ok(()) }
    }

    /// Puts another in the holder's place, with all rights and duties: what later runs correct of earlier periods too.
    // Rules: R-CFD-036.
    pub(crate) fn novate(&mut self, id: EntitlementId, to: ParticipantId, out: &mut Events) {
        if let Some(entitlement) = self.entitlements.get_mut(&id) {
            let from = std::mem::replace(&mut entitlement.holder, to);
            let terms = *entitlement;
            out.push(Event::EntitlementNovated { entitlement: id, from, to });
            out.push(Event::EntitlementGranted { entitlement: id, terms });
        }
    }

    /// Refuses a last day that ends no period, is before what was settled, or is no earlier than it is; returns what is
    /// reserved after it.
    // Rules: R-CFD-037.
    pub(crate) fn check_terminate(&self, id: EntitlementId, last: Day) -> Result<Money, Reject> {
        let entitlement = self.entitlement(id)?;
        let floor = self.floor(entitlement.floor)?;
        let first_end = floor.next.max(entitlement.first).previous();
        let ends_period = floor.terms.contract.calendar.period(last).last == last;
        if !ends_period || first_end.is_none_or(|first| last < first) || last >= entitlement.last {
            return Err(Reject::TerminationDay);
        }
        let left = self.reservation_through(entitlement, entitlement.strike, floor.next, last);
        // What an indexed strike or another stress price had marked up is marked anew with the next run.
        let left = left.ok_or(Reject::AmountTooLarge)?;
        Ok(Money { millionths: left.millionths.min(entitlement.reserved.millionths), ..left })
    }

    // Rules: R-CFD-037.
    pub(crate) fn terminate(&mut self, id: EntitlementId, last: Day, reserved: Money, out: &mut Events) {
        let Some(entitlement) = self.entitlements.get_mut(&id) else {
            return;
        };
        let released = entitlement.reserved.checked_sub(reserved);
        assert!(
            released.is_some(),
            "both are amounts of the floor's currency, and what is left is the smaller"
        );
        entitlement.last = last;
        entitlement.reserved = reserved;
        let (holder, floor) = (entitlement.holder, entitlement.floor);
        if let (Some(released), Ok(programme)) =
            (released, self.floor(floor).map(|floor| floor.terms.programme))
        {
            self.release(programme, released);
            out.push(Event::EntitlementTerminated { entitlement: id, holder, last, released });
        }
    }

    /// What is reserved for the periods of an entitlement from a day through another. `None` where it does not fit.
    pub(super) fn reservation_through(
        &self,
        entitlement: &Entitlement,
        strike: Price,
        from: Day,
        last: Day,
    ) -> Option<Money> {
        let floor = self.floor(entitlement.floor).ok()?;
        let currency = self.market(floor.terms.market).ok()?.currency;
        let periods = floor.terms.contract.calendar.count(from.max(entitlement.first), last);
        let least_reference = self.least_reference(entitlement.deal);
        floor.reservation(strike, entitlement.per_period, periods, least_reference, currency)
    }

    /// Refuses to begin a share of high prices that waits for no condition, began before, or would begin in what is settled.
    // Rules: R-CFD-009.
    pub(crate) fn check_share_upside(&self, id: EntitlementId, from: Day) -> Result<(), Reject> {
        let entitlement = self.entitlement(id)?;
        let floor = self.floor(entitlement.floor)?;
        let upside = floor.terms.contract.payoff.upside.as_ref();
        let waits = upside.is_some_and(|upside| upside.condition.is_some());
        if !waits || entitlement.upside_from.is_some() {
            return Err(Reject::NoUpsideCondition);
        }
        if from < floor.next { Err(Reject::UpsideSettled { next: floor.next }) } else { Ok(()) }
    }

    pub(crate) fn share_upside(&mut self, id: EntitlementId, from: Day, out: &mut Events) {
        if let Some(entitlement) = self.entitlements.get_mut(&id) {
            entitlement.upside_from = Some(from);
            let holder = entitlement.holder;
            out.push(Event::UpsideShared { entitlement: id, holder, from });
        }
    }
}
