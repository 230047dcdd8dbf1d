//! Indices: what their publishers said, day by day and revision by revision, and the guard against a slip of the hand.
//!
//! A price is of a day that is over; a monthly price is published for the month's last day. One that moves further than the
//! index's guard allows is *held*: it counts for nothing until two operators release it, or its publisher sends another.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::terms::{Average, Averaging};
use super::{REVISIONS_MAX, as_of, check_over};
use crate::event::{Event, Events};
use crate::exchange::State;
use crate::id::{DataVersion, IndexId, ParticipantId};
use crate::num::{Currency, MILLIONTHS, Price, Quantity, Share};
use crate::participant::Role;
use crate::reject::Reject;
use crate::text::Name;
use crate::time::{Day, Instant, Month, Period};

/// What an index is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexTerms {
    /// Its name, for people.
    pub name: Name,
    /// The currency of its prices, which are per unit of the markets that use it; `None` for a mere number, such as an
    /// index of consumer prices.
    pub currency: Option<Currency>,
    /// Who publishes it.
    pub publisher: ParticipantId,
    /// A price that moves by more than this share is held: against the price of the day before it that was published last, or
    /// against what it revises, or, where none is earlier, against the next later one.
    pub guard: Option<Share>,
}

/// A price as it is published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observation {
    /// The price, or the index's value.
    pub price: Price,
    /// The volume that was traded at it, if that is known: what it counts for in an average weighted by volume.
    pub volume: Option<Quantity>,
    /// Where it was taken from.
    pub source: Option<Name>,
}

/// A price that counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Published {
    version: DataVersion,
    observation: Observation,
}

/// An index with all that was published of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Index {
    terms: IndexTerms,
    /// For each day its price and every revision of it, the first at the front. No list is empty.
    prices: BTreeMap<Day, Vec<Published>>,
    /// What waits for its release.
    held: BTreeMap<Day, Observation>,
}

impl Index {
    pub(crate) const fn new(terms: IndexTerms) -> Self {
        Self { terms, prices: BTreeMap::new(), held: BTreeMap::new() }
    }

    pub(crate) const fn currency(&self) -> Option<Currency> {
        self.terms.currency
    }

    pub(crate) const fn terms(&self) -> &IndexTerms {
        &self.terms
    }

    /// The price of the latest day that has one, with its revision.
    pub(crate) fn newest(&self) -> Option<(Day, u32, &Observation)> {
        let (day, revisions) = self.prices.last_key_value()?;
        let revision = u32::try_from(revisions.len()).ok()?;
        Some((*day, revision, &revisions.last()?.observation))
    }

    /// The prices of a period, as they were known at a version.
    pub(super) fn prices(
        &self,
        period: Period,
        version: DataVersion,
    ) -> impl Iterator<Item = (Day, &Observation)> {
        let known = self.prices.range(period.first..=period.last);
        known.filter_map(move |(day, revisions)| {
            let published = as_of(revisions, |published| published.version, version)?;
            Some((*day, &published.observation))
        })
    }

    /// How many prices of a period count, and their average; `delivered` is what was delivered in it, for an average that
    /// asks. `None` where it does not fit.
    // Rules: R-CFD-010.
    pub(super) fn average(
        &self,
        period: Period,
        version: DataVersion,
        averaging: Averaging,
        delivered: &[(Day, Quantity)],
    ) -> Option<(u32, Average)> {
        let mut average = Average::default();
        if averaging == Averaging::DeliveryWeighted {
            let prices: Vec<(Day, Price)> =
                self.prices(period, version).map(|(day, observation)| (day, observation.price)).collect();
            for (day, quantity) in delivered {
                // Whatever day was chosen to deliver on, there is a price for it if the period has one.
                let known = prices.partition_point(|(of, _)| of <= day);
                let price = known.checked_sub(1).and_then(|last| prices.get(last)).or_else(|| prices.first());
                if let Some((_, price)) = price {
                    average.add(*price, *quantity)?;
                }
            }
            return Some((u32::try_from(prices.len()).ok()?, average));
        }
        for (_, observation) in self.prices(period, version) {
            let weight = match averaging {
                Averaging::VolumeWeighted => observation.volume.unwrap_or(Quantity::ZERO),
                Averaging::Simple | Averaging::DeliveryWeighted => Quantity::from_units(1)?,
            };
            average.add(observation.price, weight)?;
        }
        Some((average.observations(), average))
    }

    /// The last price on or before a day.
    pub(crate) fn latest(&self, day: Day) -> Option<Price> {
        let (_, revisions) = self.prices.range(..=day).next_back()?;
        revisions.last().map(|published| published.observation.price)
    }

    /// The last value of a month.
    // Rules: R-CFD-017.
    pub(super) fn value_of(&self, month: Month, version: DataVersion) -> Option<Price> {
        let period = Period { first: month.first_day(), last: month.last_day() };
        self.prices(period, version).last().map(|(_, observation)| observation.price)
    }

    /// What a price of a day is compared with: what it revises, the price of the day before it that has one, or else of the day
    /// after.
    // Rules: R-CFD-014.
    fn price_before(&self, day: Day) -> Option<Price> {
        let earlier = self.prices.range(..=day).next_back();
        let (_, revisions) = earlier.or_else(|| self.prices.range(day..).next())?;
        revisions.last().map(|published| published.observation.price)
    }

    /// The price that a new one moves too far from, if it does.
    // Rules: R-CFD-014.
    fn moves_too_far(&self, day: Day, price: Price) -> Option<Price> {
        let guard = self.terms.guard?;
        let before = self.price_before(day)?;
        let moved = u128::from(price.distance(before)).saturating_mul(u128::from(MILLIONTHS.unsigned_abs()));
        let allowed =
            u128::from(before.millionths().unsigned_abs()).saturating_mul(guard.millionths().into());
        (moved > allowed).then_some(before)
    }

    fn revisions_of(&self, day: Day) -> usize {
        self.prices.get(&day).map_or(0, Vec::len)
    }

    /// Whether it can have come to be as it is, with data up to a version.
    pub(crate) fn is_sound(&self, latest: DataVersion) -> bool {
        self.prices.values().all(|revisions| {
            let versions = || revisions.iter().map(|published| published.version);
            !revisions.is_empty() && versions().is_sorted() && versions().all(|version| version <= latest)
        })
    }
}

/// Refuses one more revision than are taken.
// Rules: R-CFD-023.
pub(super) fn check_revisions(revisions: usize, most: u32) -> Result<(), Reject> {
    let fits = u32::try_from(revisions).is_ok_and(|revisions| revisions < most);
    if fits { Ok(()) } else { Err(Reject::TooManyRevisions { most }) }
}

impl State {
    pub(crate) fn index(&self, id: IndexId) -> Result<&Index, Reject> {
        self.indices.get(&id).ok_or(Reject::UnknownIndex { index: id })
    }

    // Rules: R-CFD-013.
    pub(crate) fn check_define_index(&self, id: IndexId, terms: &IndexTerms) -> Result<(), Reject> {
        if self.indices.contains_key(&id) {
            return Err(Reject::IndexTaken);
        }
        let publisher = self.registry.participant(terms.publisher)?;
        if publisher.roles.contains(&Role::Publisher) { Ok(()) } else { Err(Reject::NotAPublisher) }
    }

    // Rules: R-CFD-013, R-CFD-015.
    pub(crate) fn publish_reference_price(
        &mut self,
        at: Instant,
        publisher: ParticipantId,
        id: IndexId,
        day: Day,
        observation: &Observation,
        out: &mut Events,
    ) -> Result<(), Reject> {
        let index = self.index(id)?;
        if index.terms.publisher != publisher {
            return Err(Reject::OtherPublisher);
        }
        check_over(day, at)?;
        check_revisions(index.revisions_of(day), REVISIONS_MAX)?;
        let too_far_from = index.moves_too_far(day, observation.price);
        if let Some(index) = self.indices.get_mut(&id) {
            // Whatever was held for the day is what its publisher no longer says.
            index.held.remove(&day);
            if let Some(before) = too_far_from {
                index.held.insert(day, observation.clone());
                let observation = observation.clone();
                out.push(Event::ReferencePriceHeld { index: id, day, publisher, observation, before });
                return Ok(());
            }
        }
        self.count_price(id, day, observation.clone(), out);
        Ok(())
    }

    /// Refuses to release what is not held. Two operators agree on a price with its volume and source, so all is named.
    // Rules: R-CFD-015.
    pub(crate) fn check_release_price(
        &self,
        id: IndexId,
        day: Day,
        observation: &Observation,
    ) -> Result<(), Reject> {
        match self.index(id)?.held.get(&day) {
            Some(held) if held == observation => Ok(()),
            _ => Err(Reject::PriceNotHeld { index: id, day }),
        }
    }

    pub(crate) fn release_price(&mut self, id: IndexId, day: Day, out: &mut Events) {
        if let Some(observation) = self.indices.get_mut(&id).and_then(|index| index.held.remove(&day)) {
            self.count_price(id, day, observation, out);
        }
    }

    fn count_price(&mut self, id: IndexId, day: Day, observation: Observation, out: &mut Events) {
        let version = self.next_version();
        if let Some(index) = self.indices.get_mut(&id) {
            let revisions = index.prices.entry(day).or_default();
            revisions.push(Published { version, observation: observation.clone() });
            let revision = u32::try_from(revisions.len()).unwrap_or(u32::MAX);
            out.push(Event::ReferencePricePublished { index: id, day, revision, version, observation });
        }
    }

    /// The version of the next datum.
    // Rules: R-CFD-029.
    pub(super) fn next_version(&mut self) -> DataVersion {
        let next = self.data.0.checked_add(1);
        assert!(next.is_some(), "data are no more than commands");
        self.data = DataVersion(next.unwrap_or(self.data.0));
        self.data
    }
}
