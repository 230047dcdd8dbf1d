//! The end of a month: what was delivered, the reference price, settlement, and who cannot go on.

use golv_engine::cfd::{Delivery, Measure, Observation};
use golv_engine::command::{Action, Command};
use golv_engine::event::Event;
use golv_engine::id::{DataVersion, IdentityId};
use golv_engine::num::Quantity;
use golv_engine::time::{Calendar, Month};

use super::trade::plus;
use super::{FLOOR, INDEX, MonthFacts, PUBLISHER, Play, PlayError, name, previous};
use crate::venue::Venue;

impl<V: Venue> Play<'_, V> {
    /// Ends a month, an hour into the next one.
    pub(super) fn end_month(&mut self, month: Month) -> Result<(), PlayError<V::Error>> {
        let next = month.next().ok_or(PlayError::NoDay(month))?;
        self.desk.set_clock(self.at(next, 1, 1)?)?;
        self.deliver(month)?;
        let reference_price = self.path.price(month).ok_or(PlayError::NoPrice(month))?;
        let observation =
            Observation { price: reference_price, volume: None, source: Some(name("Scenario")) };
        let publish = Command::PublishReferencePrice { index: INDEX, day: month.last_day(), observation };
        self.desk.done("a reference price", IdentityId(PUBLISHER), publish)?;
        let version = self.until(|event| match event {
            Event::ReferencePricePublished { version, .. } => Some(*version),
            _ => None,
        })?;
        let gap = std::mem::take(&mut self.gap);
        self.outcome.months.push(MonthFacts { month, reference_price, paid: 0, given: 0, gap });
        self.settle(month, version)?;
        self.close(month)
    }

    /// Books a month's deliveries, and reports those under contracts.
    fn deliver(&mut self, month: Month) -> Result<(), PlayError<V::Error>> {
        let is_metered = self.contracts().is_some_and(|contracts| contracts.measure == Measure::Metered);
        for place in 0..self.makers.len() {
            let maker = &mut self.makers[place];
            maker.sales.retain(|sale| sale.first.through(month) <= sale.months.into());
            let of = |is_elsewhere: bool| {
                let sales = maker.sales.iter().filter(move |sale| sale.is_elsewhere == is_elsewhere);
                let lots: i64 = sales.clone().map(|sale| sale.lots_of(month)).sum();
                (lots, sales.map(|sale| sale.part(sale.revenue, month)).sum::<i128>())
            };
            let [(here, revenue), (elsewhere, revenue_elsewhere)] = [of(false), of(true)];
            let mut cost: i128 = maker.sales.iter().map(|sale| sale.part(sale.cost, month)).sum();
            let stands = maker.stands_from.is_some_and(|from| from <= month);
            if stands && self.outcome.producers[place].closed.is_none() {
                cost += i128::from(self.scenario.producers[place].fixed.millionths());
            }
            maker.cash += revenue + revenue_elsewhere - cost;
            let holding = maker.contract.filter(|holding| (holding.first..=holding.last).contains(&month));
            let sender = maker.party.identity();
            let [here, elsewhere] = [here, elsewhere].map(|lots| self.quantity(lots));
            let sold = plus(here, elsewhere);
            let producer = &mut self.outcome.producers[place];
            producer.sold = plus(producer.sold, here);
            producer.revenue += revenue;
            producer.sold_elsewhere = plus(producer.sold_elsewhere, elsewhere);
            producer.revenue_elsewhere += revenue_elsewhere;
            producer.cost += cost;
            if let Some(holding) = holding.filter(|_| is_metered && !sold.is_zero()) {
                let delivery = Delivery {
                    sold,
                    from_stock: Quantity::ZERO,
                    stockpiled: Quantity::ZERO,
                    destination: None,
                    evidence: None,
                };
                let day = month.last_day();
                let report = Command::ReportDelivery { entitlement: holding.id, day, delivery };
                self.desk.done("a delivery", sender, report)?;
            }
        }
        for taker in &mut self.takers {
            taker.bought.retain(|sale| sale.first.through(month) <= sale.months.into());
        }
        Ok(())
    }

    /// Settles the period that ends with a month, if one does.
    fn settle(&mut self, month: Month, version: DataVersion) -> Result<(), PlayError<V::Error>> {
        let Some(contracts) = self.contracts() else { return Ok(()) };
        let programme = &contracts.programme;
        let ends = match contracts.calendar {
            Calendar::Quarterly => month.month().is_multiple_of(3),
            Calendar::Daily | Calendar::Monthly => true,
        };
        if !ends || !(programme.first..=programme.last).contains(&month) {
            return Ok(());
        }
        let period = month.first_day();
        self.desk.agree("a settlement run", Action::Settle { floor: FLOOR, period, version })?;
        let run = self.until(|event| match event {
            Event::SettlementRunCompleted { run } if run.floor == FLOOR => Some(run.clone()),
            _ => None,
        })?;
        self.note_reserved(run.reserved.millionths.into());
        for line in &run.lines {
            let amount = i128::from(line.delta.millionths);
            let of_month = self.outcome.months.last_mut().expect("the month was noted");
            if amount > 0 {
                of_month.paid += amount;
            } else {
                of_month.given -= amount;
            }
            let place = self.makers.iter().position(|maker| maker.party.participant() == line.holder);
            let place = place.expect("only producers hold contracts");
            self.makers[place].cash += amount;
            self.outcome.producers[place].support += amount;
        }
        Ok(())
    }

    pub(super) fn note_reserved(&mut self, reserved: i128) {
        self.outcome.reserved_most = self.outcome.reserved_most.max(reserved);
    }

    /// Closes who has lost more than its reserves: its contract ends with the period.
    fn close(&mut self, month: Month) -> Result<(), PlayError<V::Error>> {
        for place in 0..self.makers.len() {
            let reserves = self.scenario.producers[place].reserves;
            let has_closed = self.outcome.producers[place].closed.is_some();
            let is_out = reserves
                .is_some_and(|reserves| self.makers[place].cash + i128::from(reserves.millionths()) < 0);
            if has_closed || !is_out {
                continue;
            }
            self.outcome.producers[place].closed = Some(month);
            let Some((holding, contracts)) = self.makers[place].contract.zip(self.contracts()) else {
                continue;
            };
            let last = contracts.calendar.period(month.first_day()).last;
            if last < holding.last.last_day() && month >= holding.first {
                let terminate = Action::TerminateEntitlement { entitlement: holding.id, last };
                self.desk.agree("the end of a contract", terminate)?;
                self.makers[place].contract = Some(super::Holding { last: last.month(), ..holding });
            } else if month < holding.first {
                let before = previous(holding.first).ok_or(PlayError::NoDay(holding.first))?;
                let terminate =
                    Action::TerminateEntitlement { entitlement: holding.id, last: before.last_day() };
                self.desk.agree("the end of a contract", terminate)?;
                self.makers[place].contract = None;
            }
        }
        Ok(())
    }
}
