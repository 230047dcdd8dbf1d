//! Contracts for difference: reference prices, entitlements, and their settlement month by month.
//!
//! An *entitlement* is a one-way contract for difference with a programme: for each month of its floor's
//! period it pays max(0, strike − index) × monthly quantity. The strike was won in a support auction, or
//! is the floor's own price. What is paid depends on the published index and never on the holder's own
//! sales, so nobody gains by selling low. Settlement is in `settlement.rs`.

mod payoff;
mod settlement;
mod terms;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::book::PLACES_MAX;
use crate::event::{Event, Events};
use crate::exchange::State;
use crate::id::{EntitlementId, FloorId, IndexId, ParticipantId, ProgrammeId};
use crate::ledger::Account;
use crate::num::{Currency, Money, Price, Quantity};
use crate::participant::Role;
use crate::reject::Reject;
use crate::text::Name;
use crate::time::{Instant, Month};
pub use payoff::{Payoff, PayoffRule, PeriodFacts, Settled, Suspension, Unsettled, Upside, YearToDate};
pub(crate) use settlement::Settlement;
pub use settlement::{SettlementLine, SettlementRun};
pub use terms::{Average, Averaging, ContractTerms, Indexation, Measure, ReferenceRule, VolumeRule};

/// What an index is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexTerms {
    /// Its name, for people.
    pub name: Name,
    /// The currency of its prices, which are per unit of mass of the markets that use it.
    pub currency: Currency,
    /// Who publishes it.
    pub publisher: ParticipantId,
}

/// An index with all that was published of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Index {
    terms: IndexTerms,
    /// For each month its price and every revision of it, the first at the front. Never empty.
    prices: BTreeMap<Month, Vec<Price>>,
}

impl Index {
    pub(crate) const fn new(terms: IndexTerms) -> Self {
        Self { terms, prices: BTreeMap::new() }
    }

    pub(crate) const fn currency(&self) -> Currency {
        self.terms.currency
    }

    /// The latest price of a month, and which revision it is, counted from 1.
    pub(crate) fn latest(&self, month: Month) -> Option<(u32, Price)> {
        let revisions = self.prices.get(&month)?;
        Some((u32::try_from(revisions.len()).ok()?, *revisions.last()?))
    }
}

/// The most entitlements there may be: it bounds the length of a settlement run.
pub const ENTITLEMENTS_MAX: usize = 4_000_000;

/// A right to difference payments under a floor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entitlement {
    /// The floor it comes under.
    pub floor: FloorId,
    /// Who is paid.
    pub holder: ParticipantId,
    /// The price that the holder is brought up to.
    pub strike: Price,
    /// The volume of a month.
    pub monthly: Quantity,
    /// The first month that it covers.
    pub first: Month,
    /// What the programme still reserves for it.
    pub reserved: Money,
}

impl State {
    pub(crate) fn index(&self, id: IndexId) -> Result<&Index, Reject> {
        self.indices.get(&id).ok_or(Reject::UnknownIndex { index: id })
    }

    pub(crate) fn check_define_index(&self, id: IndexId, terms: &IndexTerms) -> Result<(), Reject> {
        if self.indices.contains_key(&id) {
            return Err(Reject::IndexTaken);
        }
        let publisher = self.registry.participant(terms.publisher)?;
        if publisher.roles.contains(&Role::Publisher) { Ok(()) } else { Err(Reject::NotAPublisher) }
    }

    pub(crate) fn publish_reference_price(
        &mut self,
        at: Instant,
        publisher: ParticipantId,
        index_id: IndexId,
        month: Month,
        price: Price,
        out: &mut Events,
    ) -> Result<(), Reject> {
        let index = self.index(index_id)?;
        if index.terms.publisher != publisher {
            return Err(Reject::OtherPublisher);
        }
        check_over(month, at)?;
        if let Some(index) = self.indices.get_mut(&index_id) {
            index.prices.entry(month).or_default().push(price);
            let revision = index.latest(month).map_or(0, |(revision, _)| revision);
            out.push(Event::ReferencePricePublished { index: index_id, month, revision, price });
        }
        Ok(())
    }

    /// What a programme reserves for a strike and a monthly quantity that are granted at an instant.
    pub(crate) fn reservation(
        &self,
        floor: FloorId,
        strike: Price,
        monthly: Quantity,
        granted_at: Instant,
    ) -> Result<Money, Reject> {
        let floor = self.floor(floor)?;
        let currency = self.market(floor.terms.market)?.currency;
        let months = floor.covers_from(granted_at).map_or(0, |first| floor.months_from(first));
        floor.reservation(strike, monthly, months, currency).ok_or(Reject::AmountTooLarge)
    }

    /// The same, refused where the programme's free money is short.
    pub(crate) fn check_reservation(
        &self,
        floor: FloorId,
        strike: Price,
        monthly: Quantity,
        granted_at: Instant,
    ) -> Result<Money, Reject> {
        let needed = self.reservation(floor, strike, monthly, granted_at)?;
        self.check_free(self.floor(floor)?.terms.programme, needed)?;
        Ok(needed)
    }

    /// Refuses a grant under a floor that covers no month any more which has not begun.
    pub(crate) fn check_floor_open(&self, floor: FloorId, granted_at: Instant) -> Result<(), Reject> {
        let floor = self.floor(floor)?;
        let months = floor.covers_from(granted_at).map_or(0, |first| floor.months_from(first));
        if months == 0 { Err(Reject::FloorOver) } else { Ok(()) }
    }

    /// Refuses a grant, or an auction that ends in grants, where there could be too many entitlements.
    pub(crate) fn check_entitlements_left(&self) -> Result<(), Reject> {
        let pending = self
            .auctions
            .values()
            .filter(|auction| auction.floor().is_some() && auction.budget().is_some())
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

    /// Moves a programme's free money to its reserved money.
    pub(crate) fn reserve(&mut self, programme: ProgrammeId, amount: Money) {
        self.ledger.post(Account::ProgrammeFree(programme), Account::ProgrammeReserved(programme), amount);
    }

    /// Moves a programme's reserved money back to its free money.
    pub(crate) fn release(&mut self, programme: ProgrammeId, amount: Money) {
        self.ledger.post(Account::ProgrammeReserved(programme), Account::ProgrammeFree(programme), amount);
    }

    /// Refuses a direct grant that cannot be made; returns what it reserves.
    pub(crate) fn check_grant(
        &self,
        at: Instant,
        floor: FloorId,
        holder: ParticipantId,
        monthly: Quantity,
    ) -> Result<Money, Reject> {
        let terms = &self.floor(floor)?.terms;
        if !self.registry.participant(holder)?.roles.contains(&Role::Supplier) {
            return Err(Reject::NotASupplier);
        }
        self.check_floor_open(floor, at)?;
        self.check_entitlements_left()?;
        self.market(terms.market)?.check_quantity(monthly)?;
        self.check_reservation(floor, terms.price, monthly, at)
    }

    /// Grants an entitlement from the first month that has not begun, and reserves for it. Nothing is granted where the
    /// floor covers no such month any more.
    #[expect(
        clippy::too_many_arguments,
        reason = "they are an entitlement's fields, and when and where it is told"
    )]
    pub(crate) fn grant(
        &mut self,
        floor_id: FloorId,
        holder: ParticipantId,
        strike: Price,
        monthly: Quantity,
        reserved: Money,
        granted_at: Instant,
        out: &mut Events,
    ) {
        let covered = self.floor(floor_id).ok().and_then(|floor| {
            let first = floor.covers_from(granted_at).filter(|first| *first <= floor.terms.last)?;
            Some((first, floor.terms.programme))
        });
        let Some((first, programme)) = covered else {
            return;
        };
        self.reserve(programme, reserved);
        let last = self.entitlements.last_key_value().map_or(0, |(id, _)| id.0);
        let id = last.checked_add(1).map(EntitlementId);
        assert!(id.is_some(), "entitlements are fewer than commands");
        if let Some(id) = id {
            let entitlement = Entitlement { floor: floor_id, holder, strike, monthly, first, reserved };
            self.entitlements.insert(id, entitlement);
            out.push(Event::EntitlementGranted {
                entitlement: id,
                floor: floor_id,
                holder,
                strike,
                monthly,
                first,
                reserved,
            });
        }
    }
}

/// Refuses a month that is not over.
fn check_over(month: Month, at: Instant) -> Result<(), Reject> {
    // A month past the reach of an instant is not over either.
    let ends_at = month.end().unwrap_or(Instant(i64::MAX));
    if ends_at <= at { Ok(()) } else { Err(Reject::MonthNotOver { ends_at }) }
}
