//! Deliveries under contracts whose volume is metered: what was sold or put into stock, and what of it counts.
//!
//! A contract is paid for what is produced once: when it is sold, or when it is put into stock. What is later sold from stock was
//! paid for already and counts for nothing, and no more can be sold from stock than was put there. A delivery that
//! misses a condition of its contract (a destination, evidence) counts for nothing either, and is paid neither now nor later.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::REVISIONS_MAX;
use super::index::check_revisions;
use super::terms::{Measure, VolumeRule};
use super::{as_of, check_over};
use crate::digest::Digest;
use crate::event::{Event, Events};
use crate::exchange::State;
use crate::id::{DataVersion, EntitlementId, ParticipantId};
use crate::num::Quantity;
use crate::participant::Role;
use crate::reject::Reject;
use crate::text::Country;
use crate::time::{Day, Instant, Period};

/// What was delivered on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// What was sold.
    pub sold: Quantity,
    /// What of that came from stock.
    pub from_stock: Quantity,
    /// What was put into stock.
    pub stockpiled: Quantity,
    /// Where it went; `None` if that is not stated.
    pub destination: Option<Country>,
    /// The digest of the documents that show it; `None` without any.
    pub evidence: Option<Digest>,
}

/// A delivery as it was reported or corrected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Reported {
    version: DataVersion,
    delivery: Delivery,
}

/// All that was reported under one contract: for each day the delivery and every revision of it. No list is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Deliveries(BTreeMap<Day, Vec<Reported>>);

/// The most that is sold and stockpiled on a day, in millionths: whatever is reported, a year of it fits in one number.
const DELIVERED_MAX: i64 = i64::MAX / 400;

/// Of all revisions of a delivery so many are kept for operators, so that a holder cannot keep them from correcting it.
const OPERATORS_REVISIONS: u32 = 16;

impl Delivery {
    /// Whether it can have been delivered on one day.
    // Rules: R-CFD-024.
    fn is_possible(&self) -> bool {
        let moved = self.sold.checked_add(self.stockpiled);
        let fits = moved.is_some_and(|moved| moved.millionths() <= DELIVERED_MAX);
        fits && self.from_stock <= self.sold
    }

    /// What of it is paid for, before caps.
    // Rules: R-CFD-019, R-CFD-021.
    fn counted(&self, rule: &VolumeRule) -> Quantity {
        let goes_right = rule.destinations.is_empty()
            || self.destination.is_some_and(|destination| rule.destinations.contains(&destination));
        if !goes_right || (rule.evidence && self.evidence.is_none()) {
            return Quantity::ZERO;
        }
        let fresh =
            self.sold.checked_sub(self.from_stock).and_then(|fresh| fresh.checked_add(self.stockpiled));
        assert!(fresh.is_some(), "no delivery is taken in that is not possible");
        fresh.unwrap_or(Quantity::ZERO)
    }
}

impl Deliveries {
    /// What counts of each day of a period, as it was known at a version.
    pub(super) fn by_day(
        &self,
        period: Period,
        version: DataVersion,
        rule: &VolumeRule,
    ) -> impl Iterator<Item = (Day, Quantity)> {
        self.0.range(period.first..=period.last).filter_map(move |(day, revisions)| {
            let reported = as_of(revisions, |reported| reported.version, version)?;
            Some((*day, reported.delivery.counted(rule)))
        })
    }

    /// What counts of a period, as it was known at a version. `None` where it does not fit.
    pub(crate) fn counted(
        &self,
        period: Period,
        version: DataVersion,
        rule: &VolumeRule,
    ) -> Option<Quantity> {
        self.by_day(period, version, rule)
            .try_fold(Quantity::ZERO, |sum, (_, counted)| sum.checked_add(counted))
    }

    /// The first day on which more has been sold from stock than was put there, if `delivery` is reported for a day.
    // Rules: R-CFD-020.
    fn stock_short(&self, day: Day, delivery: &Delivery) -> Option<Day> {
        let latest = self.0.iter().filter(|(other, _)| **other != day);
        let latest = latest.filter_map(|(day, revisions)| Some((*day, revisions.last()?.delivery)));
        let mut all: Vec<(Day, Delivery)> = latest.chain([(day, *delivery)]).collect();
        all.sort_unstable_by_key(|(day, _)| *day);
        let mut stock = 0_i128;
        for (day, delivery) in all {
            stock = stock
                .saturating_add(delivery.stockpiled.millionths().into())
                .saturating_sub(delivery.from_stock.millionths().into());
            if stock < 0 {
                return Some(day);
            }
        }
        None
    }

    /// Whether they can have come to be as they are, with data up to a version.
    pub(crate) fn is_sound(&self, latest: DataVersion) -> bool {
        self.0.values().all(|revisions| {
            let versions = || revisions.iter().map(|reported| reported.version);
            !revisions.is_empty()
                && versions().is_sorted()
                && versions().all(|version| version <= latest)
                && revisions.iter().all(|reported| reported.delivery.is_possible())
        })
    }
}

impl State {
    /// Takes a report from a contract's holder, or from an operator in its place.
    // Rules: R-CFD-022, R-CFD-023.
    pub(crate) fn report_delivery(
        &mut self,
        at: Instant,
        by: ParticipantId,
        id: EntitlementId,
        day: Day,
        delivery: &Delivery,
        out: &mut Events,
    ) -> Result<(), Reject> {
        let entitlement = self.entitlement(id)?;
        let holder = entitlement.holder;
        let is_operator = self.registry.participant(by)?.roles.contains(&Role::Operator);
        if holder != by && !is_operator {
            return Err(Reject::UnknownEntitlement { entitlement: id });
        }
        let volume = &self.floor(entitlement.floor)?.terms.contract.volume;
        if volume.measure != Measure::Metered {
            return Err(Reject::NotMetered);
        }
        if day < entitlement.first || day > entitlement.last {
            return Err(Reject::PeriodNotCovered { first: entitlement.first, last: entitlement.last });
        }
        check_over(day, at)?;
        if !delivery.is_possible() {
            return Err(Reject::DeliveryTerms);
        }
        let nothing = Deliveries::default();
        let deliveries = self.deliveries.get(&id).unwrap_or(&nothing);
        let most =
            if is_operator { REVISIONS_MAX } else { REVISIONS_MAX.saturating_sub(OPERATORS_REVISIONS) };
        check_revisions(deliveries.0.get(&day).map_or(0, Vec::len), most)?;
        if let Some(day) = deliveries.stock_short(day, delivery) {
            return Err(Reject::StockShort { day });
        }
        let version = self.next_version();
        let revisions = self.deliveries.entry(id).or_default().0.entry(day).or_default();
        revisions.push(Reported { version, delivery: *delivery });
        let revision = u32::try_from(revisions.len()).unwrap_or(u32::MAX);
        let (entitlement, delivery) = (id, *delivery);
        out.push(Event::DeliveryReported { entitlement, holder, day, revision, version, delivery });
        Ok(())
    }
}
