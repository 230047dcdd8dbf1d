//! A round of bilateral matching: offers and requests are posted, matched, and every deal that is proposed is agreed to.
//!
//! Deals stay between their parties, so nobody pays through the exchange here.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use super::bids;
use super::trade::{Traded, amount};
use super::{BOARD, HOUR, MARKET, Play, PlayError, TradeFacts, months, name};
use crate::desk::OPERATORS;
use crate::venue::Venue;
use golv_engine::bilateral::{BoardTerms, Goods, Listing, Preference, PriceRule, RoundRule, RoundSolution};
use golv_engine::book::Side;
use golv_engine::command::{Action, Command};
use golv_engine::event::Event;
use golv_engine::id::{Counterparty, EntryId, NegotiationId};
use golv_engine::num::{Price, Quantity};
use golv_engine::time::Month;

/// How many partial choices the operators' matching looks at; a board without least quantities needs none.
const NODES: u64 = 1_000;

fn board_terms() -> BoardTerms {
    let seconds = |hours| NonZeroU32::new(hours * HOUR).expect("hours are not nothing");
    BoardTerms {
        name: name("Supply"),
        market: MARKET,
        rule: RoundRule {
            preference: Preference::Surplus,
            price: PriceRule::Uniform,
            floor: None,
            origin_cap: None,
            owner_cap: None,
        },
        sectors: Vec::new(),
        solution_seconds: seconds(1),
        answer_seconds: seconds(24),
        counters_most: 0,
    }
}

impl<V: Venue> Play<'_, V> {
    pub(super) fn open_board(&mut self) -> Result<(), PlayError<V::Error>> {
        Ok(self.desk.agree("the board", Action::OpenBoard { board: BOARD, terms: board_terms() })?)
    }

    /// Plays the round of a month.
    pub(super) fn round(&mut self, month: Month) -> Result<(), PlayError<V::Error>> {
        let stretch = self.scenario.every.months();
        let book = self.book(month, stretch)?;
        self.desk.set_clock(self.at(month, 1, 8)?)?;
        let last = months(month, self.scenario.last).take(stretch.into()).last().unwrap_or(month);
        let valid_until = self.at(month, 4, 0)?;
        let (mut supply, mut demand) = (Vec::new(), Vec::new());
        let mut owners = BTreeMap::new();
        let sides = [(Side::Sell, &book.asks, &mut supply), (Side::Buy, &book.wishes, &mut demand)];
        for (side, all, noted) in sides {
            for (place, parts) in all.iter().enumerate() {
                let (sender, origin) = self.bidder(side, place);
                for part in parts {
                    let is_ask = side == Side::Sell;
                    let Some((limit, quantity)) = bids::on_grid(&self.scenario.market, *part, is_ask) else {
                        continue;
                    };
                    let listing = Listing {
                        side,
                        goods: Goods { origin, ..Goods::default() },
                        minimum: Quantity::ZERO,
                        quantity,
                        first: month.first_day(),
                        last: last.last_day(),
                        sector: None,
                        valid_until,
                    };
                    let listing = Box::new(listing);
                    let post = Command::PostEntry { board: BOARD, listing, limit, is_group: false };
                    self.desk.done("an entry", sender, post)?;
                    let entry = self.until(|event| match event {
                        Event::EntryPosted { entry, .. } => Some(*entry),
                        _ => None,
                    })?;
                    owners.insert(entry, place);
                    noted.push((limit, quantity));
                }
            }
        }
        let [sold, bought] = self.hold(month, &owners)?;
        let volume: i64 = sold.iter().map(|traded| traded.lots).sum();
        let volume = self.quantity(volume);
        let paid: i128 = sold.iter().map(|traded| traded.amount).sum();
        let price = (!volume.is_zero()).then(|| {
            let average = (paid * 1_000_000).div_euclid(volume.millionths().into());
            Price::from_millionths(i64::try_from(average).expect("an average of prices is one"))
        });
        let (surplus, surplus_most) = (0, 0);
        let facts =
            TradeFacts { month, months: stretch, price, volume, surplus, surplus_most, supply, demand };
        self.note_trade(facts, &book, &sold, &bought);
        Ok(())
    }

    /// Calls and solves the round, and has all deals agreed to; tells what each producer sold and each buyer bought.
    fn hold(
        &mut self,
        month: Month,
        owners: &BTreeMap<EntryId, usize>,
    ) -> Result<[Vec<Traded>; 2], PlayError<V::Error>> {
        self.desk.done("a round", OPERATORS[0], Command::CallRound { board: BOARD })?;
        let (digest, entries) = self.until(|event| match event {
            Event::RoundBook { digest, entries, .. } => Some((*digest, entries.clone())),
            _ => None,
        })?;
        let solution = RoundSolution::of(&entries, digest, &board_terms().rule, NODES)
            .expect("the exchange told what can be matched");
        let deals = solution.deals.clone();
        let solution = Box::new(solution);
        self.desk.done("deals", OPERATORS[1], Command::ProposeDeals { board: BOARD, solution })?;
        self.desk.set_clock(self.at(month, 1, 9)?)?;
        self.until(|event| matches!(event, Event::RoundHeld { .. }).then_some(()))?;
        let mut traded =
            [vec![Traded::default(); self.makers.len()], vec![Traded::default(); self.takers.len()]];
        for (offer, request, _) in deals {
            let [seller, buyer] = [offer, request].map(|entry| owners[&entry]);
            // Entries are new in each round, so these two had no negotiation before.
            let negotiation = NegotiationId { entry: request, with: Counterparty::Entry(offer), number: 1 };
            for (side, place) in [(Side::Sell, seller), (Side::Buy, buyer)] {
                let (sender, _) = self.bidder(side, place);
                self.desk.done("agreeing", sender, Command::AcceptTerms { negotiation, turn: 0 })?;
            }
            let deal = self.until(|event| match event {
                Event::DealMade { negotiation: made, deal } if *made == negotiation => Some(deal.clone()),
                _ => None,
            })?;
            for (side, place) in traded.iter_mut().zip([seller, buyer]) {
                side[place].lots += self.lots(deal.quantity);
                side[place].amount += amount(deal.price, deal.quantity);
            }
        }
        Ok(traded)
    }
}
