//! A call auction: everybody bids, one price clears the market, and buyers pay.
//!
//! Producers are not paid out: what they are owed stays on their balance at the exchange, where what they have to give under contracts is set off
//! against it.

use std::num::NonZeroU32;

use golv_engine::auction::{AuctionKind, AuctionResult, AuctionTerms};
use golv_engine::book::Side;
use golv_engine::clearing::{Allocation, Candidates, Criterion, Rule};
use golv_engine::command::{Action, Command, NewBid};
use golv_engine::event::Event;
use golv_engine::id::{AuctionId, IdentityId, ParticipantId};
use golv_engine::market::Market;
use golv_engine::num::{Money, Price, Quantity};
use golv_engine::text::Country;
use golv_engine::time::{Calendar, Instant, Month};

use super::bids::{self, Memory};
use super::cast::{Part, greatest_surplus, value};
use super::{HOUR, MARKET, Play, PlayError, Sale, TradeFacts};
use crate::desk::OPERATORS;
use crate::scenario::{Ratio, ShockKind};
use crate::venue::Venue;
use golv_engine::cfd::Measure;

/// What somebody bought or sold.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Traded {
    pub(super) lots: i64,
    /// What for, in millionths.
    pub(super) amount: i128,
}

/// What all producers offer and all buyers want, as they are and as they say.
#[derive(Default)]
pub(super) struct Book {
    /// By producer: what it costs to make.
    pub(super) costs: Vec<Vec<Part>>,
    /// By producer: what is lost to it by selling here: cost, or what it could get elsewhere if that is more.
    pub(super) losses: Vec<Vec<Part>>,
    /// By producer, as [`Self::costs`]: the cost less what support a unit earns.
    pub(super) needs: Vec<Vec<Part>>,
    /// By producer: what it asks.
    pub(super) asks: Vec<Vec<Part>>,
    /// By buyer: true worth.
    pub(super) worths: Vec<Vec<Part>>,
    /// By buyer: what it bids.
    pub(super) wishes: Vec<Vec<Part>>,
}

impl<V: Venue> Play<'_, V> {
    /// What everybody would bid for some months from `month` on.
    pub(super) fn book(&self, month: Month, months: u8) -> Result<Book, PlayError<V::Error>> {
        let known = self.known(month)?;
        let mut book = Book::default();
        for (place, producer) in self.scenario.producers.iter().enumerate() {
            let costs = self.supply(place, month, months)?;
            let needs = self.needs(place, month, months, costs.clone(), known);
            let elsewhere = producer.elsewhere.and_then(|ratio| ratio.of(known));
            let or_elsewhere = |parts: &[Part]| -> Vec<Part> {
                let part = |part: &Part| Part {
                    limit: elsewhere.map_or(part.limit, |price| price.max(part.limit)),
                    ..*part
                };
                parts.iter().map(part).collect()
            };
            let limits = or_elsewhere(&needs);
            let mut asks = bids::asks(producer.behaviour, limits, known, self.makers[place].memory);
            let wars = self.scenario.shocks.iter().filter(|shock| shock.covers(month));
            let at_war =
                |kind| matches!(kind, ShockKind::PriceWar { origin, .. } if origin == producer.origin);
            if wars.map(|shock| shock.kind).any(at_war) {
                for ask in &mut asks {
                    ask.limit = ask.limit.min(known);
                }
            }
            book.losses.push(or_elsewhere(&costs));
            book.costs.push(costs);
            book.needs.push(needs);
            book.asks.push(asks);
        }
        for (place, buyer) in self.scenario.buyers.iter().enumerate() {
            let worths = self.demand(place, month, months)?;
            book.wishes.push(bids::wishes(buyer.behaviour, worths.clone(), self.takers[place].memory));
            book.worths.push(worths);
        }
        Ok(book)
    }

    /// A producer's costs less what support a delivery earns at the price that is known.
    fn needs(&self, place: usize, month: Month, months: u8, costs: Vec<Part>, known: Price) -> Vec<Part> {
        let holding = self.makers[place].contract;
        let holding = holding.filter(|holding| (holding.first..=holding.last).contains(&month));
        let Some((holding, contracts)) = holding.zip(self.contracts()) else { return costs };
        // A volume that is fixed is paid for whether it is delivered or not, and so changes nothing here.
        if contracts.measure == Measure::Fixed {
            return costs;
        }
        let unit = bids::support_of_unit(
            &contracts.payoff,
            month,
            holding.strike,
            known,
            self.scenario.market.currency,
        );
        let period = if contracts.calendar == Calendar::Quarterly { 3 } else { 1 };
        let lots = self.lots(holding.per_period) * i64::from(months) / period;
        bids::supported(costs, lots, unit)
    }

    /// Plays the call auction of a month.
    pub(super) fn call_auction(&mut self, month: Month) -> Result<(), PlayError<V::Error>> {
        let months = self.scenario.every.months();
        let book = self.book(month, months)?;
        let market = &self.scenario.market;
        let known = self.known(month)?;
        let kind = AuctionKind::Call { market: MARKET, stock: None };
        let auction = self.announce(kind, call_rule(market, known).into(), self.at(month, 1, 8)?)?;
        let (mut supply, mut demand) = (Vec::new(), Vec::new());
        let sides = [(Side::Sell, &book.asks, &mut supply), (Side::Buy, &book.wishes, &mut demand)];
        for (side, all, noted) in sides {
            for (place, parts) in all.iter().enumerate() {
                let (sender, origin) = self.bidder(side, place);
                for part in parts {
                    let is_ask = side == Side::Sell;
                    let Some((price, quantity)) = bids::on_grid(&self.scenario.market, *part, is_ask) else {
                        continue;
                    };
                    let bid = NewBid { side, price: Some(price), quantity, origin, details: None };
                    self.desk.done("a bid", sender, Command::PlaceBid { auction, bid })?;
                    noted.push((price, quantity));
                }
            }
        }
        let result = self.finish(auction, self.at(month, 1, 8)?)?;
        let price = result.price();
        let [sold, bought] = [Side::Sell, Side::Buy].map(|side| self.traded(&result, side));
        let facts = TradeFacts {
            month,
            months,
            price,
            volume: result.volume(),
            surplus: 0,
            surplus_most: 0,
            supply,
            demand,
        };
        self.note_trade(facts, &book, &sold, &bought);
        for (place, traded) in bought.iter().enumerate() {
            self.pay(place, *traded)?;
        }
        Ok(())
    }

    /// Who bids at a place of a side, and from where.
    pub(super) fn bidder(&self, side: Side, place: usize) -> (IdentityId, Option<Country>) {
        match side {
            Side::Sell => (self.makers[place].party.identity(), Some(self.scenario.producers[place].origin)),
            Side::Buy => (self.takers[place].party.identity(), None),
        }
    }

    /// Announces an auction that opens an hour after `at` and closes an hour later, and waits until it is open; tells its number.
    pub(super) fn announce(
        &mut self,
        kind: AuctionKind,
        rule: golv_engine::auction::AuctionRule,
        at: Instant,
    ) -> Result<AuctionId, PlayError<V::Error>> {
        self.desk.set_clock(at)?;
        self.auctions += 1;
        let auction = AuctionId(self.auctions);
        let terms = AuctionTerms {
            kind,
            opens_at: after(at, 1),
            closes_at: after(at, 2),
            challenge_seconds: NonZeroU32::new(HOUR).expect("an hour is not nothing"),
            rule,
            draw_commitment: None,
        };
        self.desk.agree("an auction", Action::AnnounceAuction { auction, terms })?;
        self.desk.set_clock(after(at, 1))?;
        Ok(auction)
    }

    /// Closes and clears an auction announced at `at`, and waits until it is final.
    pub(super) fn finish(
        &mut self,
        auction: AuctionId,
        at: Instant,
    ) -> Result<AuctionResult, PlayError<V::Error>> {
        self.desk.set_clock(after(at, 2))?;
        let clear = Command::ClearAuction { auction, secret: None };
        self.desk.done("clearing", OPERATORS[0], clear)?;
        let result = self.until(|event| match event {
            Event::AuctionCleared { auction: cleared, result, .. } if *cleared == auction => {
                Some(result.clone())
            }
            _ => None,
        })?;
        self.desk.set_clock(after(at, 4))?;
        Ok(result)
    }

    /// What each party of a side was given.
    fn traded(&self, result: &AuctionResult, side: Side) -> Vec<Traded> {
        let ids: Vec<ParticipantId> = match side {
            Side::Sell => self.makers.iter().map(|maker| maker.party.participant()).collect(),
            Side::Buy => self.takers.iter().map(|taker| taker.party.participant()).collect(),
        };
        let mut traded = vec![Traded::default(); ids.len()];
        for fill in result.fills.iter().filter(|fill| fill.side == side) {
            if let Some(place) = ids.iter().position(|id| *id == fill.participant) {
                traded[place].lots += self.lots(fill.quantity);
                traded[place].amount += amount(fill.price, fill.quantity);
            }
        }
        traded
    }

    /// Books what was traded: with whom, what it cost and was worth, and what everybody remembers.
    pub(super) fn note_trade(&mut self, facts: TradeFacts, book: &Book, sold: &[Traded], bought: &[Traded]) {
        let lot = self.scenario.market.lot;
        let (mut cost, mut worth) = (0, 0);
        for (place, traded) in sold.iter().enumerate() {
            cost += value(&book.losses[place], traded.lots, lot, true);
            let offered = book.asks[place].iter().map(|part| part.lots).sum::<i64>();
            let maker = &mut self.makers[place];
            if let Some(price) = facts.price.filter(|_| offered > 0) {
                maker.memory = Some(Memory { price, got_all: traded.lots == offered });
            }
            let (first, months) = (facts.month, facts.months);
            let known = self.path.known(first);
            let of_known = |ratio: Ratio| known.and_then(|known| ratio.of(known));
            let elsewhere = self.scenario.producers[place].elsewhere.and_then(of_known);
            let more = elsewhere.map_or(0, |price| worthwhile(&book.needs[place], traded.lots, price));
            let cost_of = |lots| value(&book.costs[place], lots, lot, true) / 1_000_000;
            let here = cost_of(traded.lots);
            if traded.lots > 0 {
                let (lots, revenue) = (traded.lots, traded.amount);
                maker.sales.push(Sale { lots, revenue, cost: here, first, months, is_elsewhere: false });
            }
            if let Some(price) = elsewhere.filter(|_| more > 0) {
                let revenue =
                    i128::from(price.millionths()) * i128::from(more) * i128::from(lot.millionths());
                let (revenue, cost) = (revenue / 1_000_000, cost_of(traded.lots + more) - here);
                maker.sales.push(Sale { lots: more, revenue, cost, first, months, is_elsewhere: true });
            }
        }
        for (place, traded) in bought.iter().enumerate() {
            worth += value(&book.worths[place], traded.lots, lot, false);
            let wanted = book.wishes[place].iter().map(|part| part.lots).sum::<i64>();
            if let Some(price) = facts.price.filter(|_| wanted > 0) {
                self.takers[place].memory = Some(Memory { price, got_all: traded.lots == wanted });
            }
            let (bought, wanted) = (self.quantity(traded.lots), self.quantity(wanted));
            let buyer = &mut self.outcome.buyers[place];
            buyer.bought = plus(buyer.bought, bought);
            buyer.wanted = plus(buyer.wanted, wanted);
            buyer.paid += traded.amount;
        }
        let [supply, demand] = [&book.losses, &book.worths].map(|all| all.concat());
        let surplus_most = greatest_surplus(&supply, &demand, lot);
        self.outcome.trades.push(TradeFacts { surplus: worth - cost, surplus_most, ..facts });
    }

    /// A buyer pays what it bought.
    pub(super) fn pay(&mut self, place: usize, traded: Traded) -> Result<(), PlayError<V::Error>> {
        if traded.amount <= 0 {
            return Ok(());
        }
        let participant = Some(self.takers[place].party.participant());
        let millionths = i64::try_from(traded.amount).map_err(|_| PlayError::TooLarge)?;
        let amount = Money { currency: self.scenario.market.currency, millionths };
        Ok(self.desk.agree("a payment", Action::TakePayment { participant, amount })?)
    }
}

/// Of parts of which so many lots, the cheapest, are sold: how many more are worth selling at a price.
fn worthwhile(needs: &[Part], sold: i64, price: Price) -> i64 {
    let worth: i64 = needs.iter().filter(|part| part.limit <= price).map(|part| part.lots).sum();
    (worth - sold).max(0)
}

/// Price × quantity in millionths, exact on a market's grid.
pub(super) fn amount(price: Price, quantity: Quantity) -> i128 {
    i128::from(price.millionths()) * i128::from(quantity.millionths()) / 1_000_000
}

pub(super) fn plus(one: Quantity, other: Quantity) -> Quantity {
    one.checked_add(other).expect("what a scenario trades in all is a quantity")
}

/// So many hours after.
pub(super) fn after(at: Instant, hours: u32) -> Instant {
    at.plus_seconds(hours * HOUR).expect("an exchange can date some hours after a month that it can date")
}

/// The most volume, and pro rata at the margin, as Xetra's auctions find their price; the reference is the price that is known.
fn call_rule(market: &Market, known: Price) -> Rule {
    let cascade =
        vec![Criterion::MostVolume, Criterion::LeastSurplus, Criterion::SurplusSide, Criterion::Reference];
    let rule = Rule::new(Candidates::Limits, cascade, Allocation::ProRata);
    let tick = market.tick.millionths();
    let reference = Price::from_millionths(known.millionths().div_euclid(tick) * tick);
    Rule { reference_price: Some(reference.clamp(market.lowest, market.highest)), ..rule }
}
