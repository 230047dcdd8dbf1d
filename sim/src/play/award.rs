//! Who gets contracts, and who decides to build.
//!
//! A plant that does not stand is built by one rule. Its investor looks at what it can count on for a unit: the strike, where it was awarded
//! contracts for at least half of its capacity; else, each January and when the play begins, the average of the last 36 known reference
//! prices. If that covers the full cost (cost, fixed costs, and capital in equal parts over the years), it invests.

use golv_engine::auction::{AuctionKind, StackTerms};
use golv_engine::clearing::Payment;
use golv_engine::command::{Action, Command, NewBid};
use golv_engine::event::Event;
use golv_engine::id::EntitlementId;
use golv_engine::num::{Price, Quantity};
use golv_engine::support::{Misfit, OriginCap, SupportRule, Ties, Uncontested};
use golv_engine::time::{Calendar, Month};

use super::bids::{on_grid, scaled};
use super::cast::{Part, full_cost};
use super::{AwardFacts, FLOOR, Holding, Play, PlayError, previous};
use crate::scenario::{Award, Behaviour, Contracts, Kind};
use crate::venue::Venue;
use golv_engine::book::Side;

impl<V: Venue> Play<'_, V> {
    /// Awards what is to be awarded in a month: the one before a policy's first, or before the play for an intermediary, whose suppliers
    /// may have to build.
    pub(super) fn award(&mut self, month: Month) -> Result<(), PlayError<V::Error>> {
        match &self.policy.kind {
            Kind::NoSupport => Ok(()),
            Kind::Contracts(contracts) if previous(contracts.programme.first) == Some(month) => {
                match &contracts.award {
                    Award::Auction { volume, origin_cap } => {
                        let cap = origin_cap.map(|share| OriginCap {
                            share,
                            positions: Vec::new(),
                            exempt: Vec::new(),
                        });
                        self.support_auction(month, contracts, *volume, cap)
                    }
                    Award::Grants(grants) => self.grant(month, contracts, grants),
                }
            }
            Kind::Intermediary(intermediary) if previous(self.scenario.first) == Some(month) => {
                self.purchase(month, intermediary)
            }
            Kind::Contracts(_) | Kind::Intermediary(_) => Ok(()),
        }
    }

    /// Decides on plants by what prices have been.
    pub(super) fn decide(&mut self, month: Month) -> Result<(), PlayError<V::Error>> {
        let average = self.path.average_known(month).map_or_else(|| self.known(month), Ok)?;
        for place in 0..self.makers.len() {
            let needs = self.full_cost(place, month)?;
            if needs.is_some_and(|needs| average >= needs) {
                self.invest(place, month);
            }
        }
        Ok(())
    }

    /// Decides on plants for which something was awarded, by place, of so many lots a month.
    pub(super) fn decide_awarded(&mut self, awarded: &[(usize, i64)], month: Month) {
        for &(place, lots) in awarded {
            if lots * 2 >= self.makers[place].party.lots {
                self.invest(place, month);
            }
        }
    }

    fn invest(&mut self, place: usize, month: Month) {
        let producer = &mut self.outcome.producers[place];
        let Some(investment) = self.scenario.producers[place].investment else { return };
        if producer.invested.is_some() {
            return;
        }
        producer.invested = Some(month);
        producer.is_absent = false;
        producer.capital = investment.capital.millionths().into();
        let mut from = Some(month);
        for _ in 0..investment.build_months {
            from = from.and_then(|month| month.next());
        }
        self.makers[place].stands_from = from;
    }

    /// What a producer needs for a unit in the long run, at the price that is known.
    pub(super) fn full_cost(&self, place: usize, month: Month) -> Result<Option<Price>, PlayError<V::Error>> {
        let (party, producer) = (&self.makers[place].party, &self.scenario.producers[place]);
        Ok(full_cost(party, producer, self.known(month)?, self.scenario.market.lot))
    }

    /// What a producer asks for all it can make of a month: its full cost, and its margin if it shades. `None` where it has nothing, or asks
    /// more than a ceiling.
    pub(super) fn long_offer(
        &self,
        place: usize,
        month: Month,
        lots: i64,
        ceiling: Price,
    ) -> Result<Option<(Price, Quantity)>, PlayError<V::Error>> {
        let producer = &self.scenario.producers[place];
        let is_open = self.outcome.producers[place].closed.is_none();
        let programme =
            self.policy.programme().filter(|programme| programme.origins.contains(&producer.origin));
        let Some(cost) = self.full_cost(place, month)?.filter(|_| is_open && programme.is_some()) else {
            return Ok(None);
        };
        let limit = match producer.behaviour {
            Behaviour::Shaded { margin } => scaled(cost, 1_000_000 + i128::from(margin.millionths())),
            _ => cost,
        };
        let offer = on_grid(&self.scenario.market, Part { lots, limit }, true);
        Ok(offer.filter(|(price, quantity)| *price <= ceiling && !quantity.is_zero()))
    }

    fn support_auction(
        &mut self,
        month: Month,
        contracts: &Contracts,
        volume: Quantity,
        origin_cap: Option<OriginCap>,
    ) -> Result<(), PlayError<V::Error>> {
        let months = period_months(contracts);
        let rule = SupportRule { payment: Payment::OnePrice, origin_cap, ..stack_rule() };
        let budget = Some(contracts.programme.budget);
        let terms = StackTerms { rule, budget, bond: None, acceptance_seconds: None };
        let kind = AuctionKind::Support { floor: FLOOR, per_period: volume };
        let at = self.at(month, 5, 8)?;
        let auction = self.announce(kind, terms.into(), at)?;
        let mut supply = Vec::new();
        for place in 0..self.makers.len() {
            let lots = self.makers[place].party.lots * months;
            let Some((price, quantity)) = self.long_offer(place, month, lots, contracts.strike)? else {
                continue;
            };
            let (sender, origin) = self.bidder(Side::Sell, place);
            let bid = NewBid { side: Side::Sell, price: Some(price), quantity, origin, details: None };
            self.desk.done("an offer", sender, Command::PlaceBid { auction, bid })?;
            supply.push((price, quantity));
        }
        let result = self.finish(auction, at)?;
        let price = result.fills.iter().map(|fill| fill.price).max();
        let stack = result.stack.as_ref();
        let totals = stack.map(|stack| stack.totals.quantity);
        let uncapped = stack.and_then(|stack| stack.without_origin_cap).map(|totals| totals.quantity);
        let volume = totals.unwrap_or(Quantity::ZERO);
        let cut_by_origin = uncapped.and_then(|all| all.checked_sub(volume)).unwrap_or(Quantity::ZERO);
        self.outcome.award = Some(AwardFacts { month, supply, price, volume, cut_by_origin });
        self.note_reserved(result.reserved.map_or(0, |reserved| reserved.millionths.into()));
        for _ in &result.fills {
            self.take_contract(contracts)?;
        }
        self.note_awarded(month, months);
        Ok(())
    }

    fn grant(
        &mut self,
        month: Month,
        contracts: &Contracts,
        grants: &[(usize, Quantity)],
    ) -> Result<(), PlayError<V::Error>> {
        self.desk.set_clock(self.at(month, 5, 8)?)?;
        for &(place, per_period) in grants {
            let holder = self.makers[place].party.participant();
            let grant = Action::GrantEntitlement { floor: FLOOR, holder, per_period };
            self.desk.agree("a contract", grant)?;
            self.take_contract(contracts)?;
        }
        self.note_awarded(month, period_months(contracts));
        Ok(())
    }

    /// Waits for a contract that is granted, and notes it.
    fn take_contract(&mut self, contracts: &Contracts) -> Result<(), PlayError<V::Error>> {
        let (id, terms) = self.until(|event| match event {
            Event::EntitlementGranted { entitlement, terms } => Some((*entitlement, *terms)),
            _ => None,
        })?;
        let id: EntitlementId = id;
        let place = self.makers.iter().position(|maker| maker.party.participant() == terms.holder);
        let place = place.expect("only producers get contracts");
        let (first, last) = (contracts.programme.first, contracts.programme.last);
        let (strike, per_period) = (terms.strike, terms.per_period);
        self.makers[place].contract = Some(Holding { id, strike, per_period, first, last });
        Ok(())
    }

    /// Lets those decide to build who were awarded contracts.
    fn note_awarded(&mut self, month: Month, months: i64) {
        let holdings = self.makers.iter().enumerate();
        let awarded = holdings
            .filter_map(|(place, maker)| Some((place, self.lots(maker.contract?.per_period) / months)));
        let awarded: Vec<(usize, i64)> = awarded.collect();
        self.decide_awarded(&awarded, month);
    }
}

/// Each offer as much as fits, by price and then by time.
pub(super) fn stack_rule() -> SupportRule {
    SupportRule {
        payment: Payment::OwnPrice,
        misfit: Misfit::Skip,
        ties: Ties::Earliest,
        whole_offers: false,
        uncontested: Uncontested::Clearing,
        ceiling: None,
        lot: None,
        periods: None,
        quality_rate: None,
        technologies: Vec::new(),
        limits: Vec::new(),
        minima: Vec::new(),
        competition: Default::default(),
        origin_cap: None,
    }
}

fn period_months(contracts: &Contracts) -> i64 {
    if contracts.calendar == Calendar::Quarterly { 3 } else { 1 }
}
