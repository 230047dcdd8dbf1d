//! A programme that buys for all its months in one auction, before the play begins, and sells year by year: H2Global's mechanism.
//!
//! Suppliers offer what they can make in all the months at their full cost, if they stand when the first month comes or will by then, and are paid
//! what they asked. On the first day of each of the programme's years buyers bid for a year: together no more than a year's part of what it
//! buys, each its part of that, at what it is worth to them and no more than the known reference price, since they can buy
//! elsewhere at that. They pay what they bid. The programme never sells below its worst sale price, and pays the gap.

use golv_engine::auction::{AuctionKind, StackTerms};
use golv_engine::book::Side;
use golv_engine::clearing::{Allocation, Candidates, Criterion, Payment, Rule};
use golv_engine::command::{Command, NewBid};
use golv_engine::event::Event;
use golv_engine::num::Quantity;
use golv_engine::time::Month;

use super::award::stack_rule;
use super::bids::on_grid;
use super::cast::{Part, value};
use super::trade::{Traded, amount, plus};
use super::{AwardFacts, MARKET, PROGRAMME, Play, PlayError, Sale};
use crate::scenario::{Intermediary, Kind};
use crate::venue::Venue;

/// How many months a sale is for.
const YEAR: u8 = 12;

impl<V: Venue> Play<'_, V> {
    pub(super) fn purchase(
        &mut self,
        month: Month,
        intermediary: &Intermediary,
    ) -> Result<(), PlayError<V::Error>> {
        let Intermediary { programme, volume, ceiling, worst_sale } = intermediary;
        let months = i64::from(programme.first.through(programme.last));
        let quantity = self.quantity(self.lots(*volume) * months);
        let kind =
            AuctionKind::Purchase { market: MARKET, programme: PROGRAMME, quantity, worst_sale: *worst_sale };
        let budget = Some(programme.budget);
        let terms = StackTerms { rule: stack_rule(), budget, bond: None, acceptance_seconds: None };
        let at = self.at(month, 5, 8)?;
        let auction = self.announce(kind, terms.into(), at)?;
        let mut supply = Vec::new();
        for place in 0..self.makers.len() {
            let investment = self.scenario.producers[place].investment;
            let needs = investment.map_or(0, |investment| u32::from(investment.build_months));
            if self.scenario.first.through(programme.first) <= needs {
                continue;
            }
            let most = self.lots(self.scenario.market.largest);
            let lots = (self.makers[place].party.lots * months).min(most);
            let Some((price, quantity)) = self.long_offer(place, month, lots, *ceiling)? else { continue };
            let (sender, origin) = self.bidder(Side::Sell, place);
            let bid = NewBid { side: Side::Sell, price: Some(price), quantity, origin, details: None };
            self.desk.done("an offer", sender, Command::PlaceBid { auction, bid })?;
            supply.push((price, quantity));
        }
        let result = self.finish(auction, at)?;
        let price = result.fills.iter().map(|fill| fill.price).max();
        let volume = result.volume();
        self.note_reserved(result.reserved.map_or(0, |reserved| reserved.millionths.into()));
        let fills = result.fills.iter().filter_map(|fill| {
            let place = self.makers.iter().position(|maker| maker.party.participant() == fill.participant)?;
            Some((place, self.lots(fill.quantity) / months))
        });
        let awarded: Vec<(usize, i64)> = fills.collect();
        self.outcome.award = Some(AwardFacts { month, supply, price, volume, cut_by_origin: Quantity::ZERO });
        self.decide_awarded(&awarded, self.scenario.first);
        self.purchase = (!volume.is_zero()).then_some(auction);
        Ok(())
    }

    /// Sells a year of what was bought, if a month begins a year of the programme.
    pub(super) fn sell_on(&mut self, month: Month) -> Result<(), PlayError<V::Error>> {
        let Kind::Intermediary(intermediary) = &self.policy.kind else { return Ok(()) };
        let programme = &intermediary.programme;
        let is_due = (programme.first..=programme.last).contains(&month)
            && (programme.first.through(month) - 1).is_multiple_of(YEAR.into());
        let Some(purchase) = self.purchase.filter(|_| is_due) else { return Ok(()) };
        let months = u8::try_from(month.through(programme.last)).map_or(YEAR, |left| left.min(YEAR));
        let known = self.known(month)?;
        let worths: Vec<Vec<Part>> = (0..self.takers.len())
            .map(|place| self.demand(place, month, months))
            .collect::<Result<_, _>>()?;
        let all: i64 = worths.iter().flatten().map(|part| part.lots).sum();
        let wanted = (self.lots(intermediary.volume) * i64::from(months)).min(all);
        let at = self.at(month, 1, 2)?;
        let auction = self.announce(AuctionKind::Sale { purchase }, sale_rule().into(), at)?;
        for (place, parts) in worths.iter().enumerate() {
            let own: i64 = parts.iter().map(|part| part.lots).sum();
            let mut left = i128::from(wanted) * i128::from(own) / i128::from(all.max(1));
            for part in parts {
                let lots = i64::try_from(left.min(part.lots.into())).expect("a part of the lots");
                left -= i128::from(lots);
                let limit = part.limit.min(known);
                let bid = on_grid(&self.scenario.market, Part { lots, limit }, false);
                // Below what the programme sells at, a bid would win nothing.
                let Some((price, quantity)) =
                    bid.filter(|(price, _)| lots > 0 && *price >= intermediary.worst_sale)
                else {
                    continue;
                };
                let (sender, origin) = self.bidder(Side::Buy, place);
                let bid = NewBid { side: Side::Buy, price: Some(price), quantity, origin, details: None };
                self.desk.done("a bid", sender, Command::PlaceBid { auction, bid })?;
            }
        }
        let result = self.finish(auction, at)?;
        let mut bought = vec![Traded::default(); self.takers.len()];
        for fill in result.fills.iter().filter(|fill| fill.side == Side::Buy) {
            let place = self.takers.iter().position(|taker| taker.party.participant() == fill.participant);
            let place = place.expect("only buyers buy");
            bought[place].lots += self.lots(fill.quantity);
            bought[place].amount += amount(fill.price, fill.quantity);
        }
        let earned: i128 = bought.iter().map(|traded| traded.amount).sum();
        if earned == 0 {
            return Ok(());
        }
        let lines = self.until(|event| match event {
            Event::SaleSettled { auction: settled, lines, .. } if *settled == auction => Some(lines.clone()),
            _ => None,
        })?;
        let mut owed = 0;
        for line in lines {
            let place = self.makers.iter().position(|maker| maker.party.participant() == line.participant);
            let place = place.expect("only producers supply");
            let (lots, revenue) = (self.lots(line.quantity), amount(line.price, line.quantity));
            let parts = self.supply(place, month, months)?;
            let cost = value(&parts, lots, self.scenario.market.lot, true) / 1_000_000;
            let first = month;
            self.makers[place].sales.push(Sale { lots, revenue, cost, first, months, is_elsewhere: false });
            owed += revenue;
        }
        for (place, traded) in bought.into_iter().enumerate() {
            let quantity = self.quantity(traded.lots);
            let buyer = &mut self.outcome.buyers[place];
            buyer.bought = plus(buyer.bought, quantity);
            buyer.wanted = plus(buyer.wanted, quantity);
            buyer.paid += traded.amount;
            let (lots, revenue) = (traded.lots, traded.amount);
            let sale = Sale { lots, revenue, cost: 0, first: month, months, is_elsewhere: false };
            self.takers[place].bought.push(sale);
            self.pay(place, traded)?;
        }
        self.gap += owed - earned;
        Ok(())
    }
}

/// Each buyer pays what it bid.
fn sale_rule() -> Rule {
    let cascade = vec![Criterion::MostVolume, Criterion::LastAcceptedOffer];
    let rule = Rule::new(Candidates::Limits, cascade, Allocation::ProRata);
    Rule { payment: Payment::OwnPrice, ..rule }
}
