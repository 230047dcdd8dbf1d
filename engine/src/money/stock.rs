//! Stock: a programme buys what nobody else takes at a floor, and releases it when prices are high.
//!
//! A rule is agreed first, for everybody to see: at which price the programme buys and how much it holds at the most, from which price
//! on it releases and how much in one auction. A call auction is then announced with an order of the programme's that keeps to
//! the rule. Buying, it stands at the floor, below which nobody trades, and is filled last; its volume and
//! budget are announced and reserved. Releasing, it stands at its price, and is filled last as well.
//!
//! Stock is kept at cost. What is released takes its part of the cost along; the programme is paid after all sellers, its cost first, and
//! what is earned beyond it is proceeds.
//!
//! Where suppliers are few, the same rule holds on a board ([`crate::bilateral`]): a request at the floor, an offer above it. A deal is
//! with one seller, who is paid at once, or with buyers, who are invoiced.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::invoice::{Creditor, Residual};
use crate::auction::AuctionKind;
use crate::bilateral::Listing;
use crate::book::Side;
use crate::clearing::Rule;
use crate::event::{Event, Events};
use crate::exchange::State;
use crate::id::{AuctionId, MarketId, NegotiationId, ParticipantId, ProgrammeId};
use crate::ledger::{Account, Cause};
use crate::market::Market;
use crate::num::{Amount, Currency, Money, Price, Quantity, Rounded, divide_half_even, pro_rata};
use crate::reject::Reject;
use crate::time::{Day, Instant};

/// What a programme may buy into its stock of a market's material, and release from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockRule {
    /// The floor at which it buys.
    pub buys_at: Price,
    /// The most that it holds.
    pub holds_most: Quantity,
    /// The lowest price at which it releases, above the floor.
    pub releases_at: Price,
    /// The most that it releases in one auction.
    pub releases_most: Quantity,
}

/// A programme's order in a call auction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockOrder {
    /// Whose stock it is.
    pub programme: ProgrammeId,
    /// Whether it is bought into, or released from.
    pub side: Side,
    /// The price at which it stands.
    pub price: Price,
    /// How much at the most.
    pub quantity: Quantity,
    /// The most that is spent, if that is less than the quantity costs; for buying alone.
    pub budget: Option<Amount>,
}

/// A purchase into a programme's stock, or a release from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockTrade {
    /// The programme.
    pub programme: ProgrammeId,
    /// The market of the material.
    pub market: MarketId,
    /// Whether it bought or released.
    pub side: Side,
    /// At which price.
    pub price: Price,
    /// How much.
    pub quantity: Quantity,
    /// How much it holds now.
    pub held: Quantity,
    /// What that has cost.
    pub at_cost: Money,
}

/// What a stock traded by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StockTradedBy {
    /// A call auction.
    Auction(AuctionId),
    /// A deal.
    Deal(NegotiationId),
}

/// What was taken from a stock.
struct Taken {
    /// Its cost, in millionths and whole minor units.
    take_back: i64,
    /// What is held after it, and what that has cost.
    left: (Quantity, Money),
}

/// What a programme has of a market's material.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Holding {
    quantity: Quantity,
    cost: Money,
}

impl StockOrder {
    /// How much it can buy or release, in lots: what its budget does not pay for is not wanted.
    // Rules: R-MON-039.
    pub(crate) fn lots(&self, market: &Market) -> Option<i64> {
        let lots = market.lots(self.quantity)?;
        let Some(budget) = self.budget else { return Some(lots) };
        let lot = self.price.times(market.lot, market.currency)?;
        let lot = lot.exact()?.millionths;
        Some(lots.min(budget.millionths().checked_div(lot)?))
    }

    /// What it pledges: all that it can come to cost.
    // Rules: R-MON-040.
    pub(crate) fn pledge(&self, market: &Market) -> Option<Money> {
        let cost = self.price.times(market.quantity(self.lots(market)?)?, market.currency)?;
        cost.exact()
    }
}

impl State {
    pub(crate) fn check_stock_rule(
        &self,
        programme: ProgrammeId,
        market: MarketId,
        rule: &StockRule,
    ) -> Result<(), Reject> {
        let market = self.market(market)?;
        if self.programme(programme)?.currency() != market.currency {
            return Err(Reject::OtherCurrency);
        }
        market.check_price(rule.buys_at)?;
        market.check_price(rule.releases_at)?;
        let in_lots = rule.holds_most.is_in(market.lot) && rule.releases_most.is_in(market.lot);
        let is_above = rule.buys_at > Price::ZERO && rule.releases_at > rule.buys_at;
        let can_be_held = rule.releases_at.times(rule.holds_most, market.currency).is_some();
        if in_lots && is_above && can_be_held { Ok(()) } else { Err(Reject::StockTerms) }
    }

    pub(crate) fn set_stock_rule(&mut self, programme: ProgrammeId, market: MarketId, rule: StockRule) {
        self.treasury.stock_rules.insert((programme, market), rule);
    }

    fn held(&self, programme: ProgrammeId, market: MarketId) -> Quantity {
        self.treasury.stock.get(&(programme, market)).map_or(Quantity::ZERO, |holding| holding.quantity)
    }

    /// What auctions that are not final are still to buy for a stock, or to release from it.
    fn ordered(&self, of: ProgrammeId, in_market: MarketId, side: Side) -> Quantity {
        let orders = self.auctions.values().filter(|auction| !auction.is_over());
        let orders = orders.filter_map(|auction| match auction.kind() {
            AuctionKind::Call { market, stock: Some(order) } if market == in_market => Some(order),
            _ => None,
        });
        let own = orders.filter(|order| order.programme == of && order.side == side);
        let listed = self.listed_for_stock(of, in_market, side);
        own.fold(listed, |sum, order| sum.checked_add(order.quantity).unwrap_or(sum))
    }

    /// Refuses an entry on a board that does not keep to the programme's rule; returns what it pledges.
    // Rules: R-MON-038.
    pub(crate) fn check_stock_entry(
        &self,
        programme: ProgrammeId,
        market_id: MarketId,
        floor: Option<Price>,
        listing: &Listing,
        limit: Price,
    ) -> Result<Option<Money>, Reject> {
        let market = self.market(market_id)?;
        let allowed = self.treasury.stock_rules.get(&(programme, market_id)).ok_or(Reject::StockTerms)?;
        let held = self.held(programme, market_id);
        let ordered = self.ordered(programme, market_id, listing.side);
        let with_entry = ordered.checked_add(listing.quantity).ok_or(Reject::AmountTooLarge)?;
        let keeps_to_rule = match listing.side {
            Side::Buy => {
                limit == allowed.buys_at
                    && floor == Some(limit)
                    && held.checked_add(with_entry).is_some_and(|held| held <= allowed.holds_most)
            }
            Side::Sell => {
                limit >= allowed.releases_at
                    && listing.quantity <= allowed.releases_most
                    && with_entry <= held
            }
        };
        if !keeps_to_rule {
            return Err(Reject::StockTerms);
        }
        if listing.side == Side::Sell {
            return Ok(None);
        }
        let cost = limit.times(listing.quantity, market.currency);
        let pledge = cost.and_then(Rounded::exact);
        let pledge = pledge.ok_or(Reject::AmountTooLarge)?;
        self.check_free(programme, pledge)?;
        Ok(Some(pledge))
    }

    /// A deal was made to buy so much into stock: it is paid at once, from what was pledged for it.
    // Rules: R-MON-040.
    pub(crate) fn buy_stock_of(
        &mut self,
        deal: NegotiationId,
        (programme, market): (ProgrammeId, MarketId),
        seller: ParticipantId,
        (price, quantity): (Price, Quantity),
        out: &mut Events,
    ) {
        let Some(cost) = self.programme_currency(programme).and_then(|of| price.times(quantity, of)) else {
            return;
        };
        let exact = cost.exact();
        assert!(exact.is_some(), "no more is bought than was pledged for");
        let exact = exact.unwrap_or(cost.amount);
        let cause = Cause::Deal(deal);
        self.spend(programme, cause, Account::Stock(programme), exact);
        let promised = Account::Promised(programme);
        self.ledger.post(cause, promised, Account::Participant(seller), cost.amount);
        self.ledger.post(cause, promised, Account::Rounding, cost.remainder);
        let (held, at_cost) = self.put_into_stock(programme, market, quantity, exact);
        let trade = StockTrade { programme, market, side: Side::Buy, price, quantity, held, at_cost };
        out.push(Event::StockTraded { by: StockTradedBy::Deal(deal), trade });
        self.collect(exact.currency, VecDeque::from([seller]), out);
    }

    /// A deal was made to release so much from stock: who buys is invoiced.
    pub(crate) fn sell_stock_to(
        &mut self,
        at: Instant,
        deal: NegotiationId,
        (programme, market): (ProgrammeId, MarketId),
        shares: &[(ParticipantId, Quantity)],
        price: Price,
        out: &mut Events,
    ) {
        let (Some(currency), Some(today)) = (self.programme_currency(programme), Day::of(at)) else { return };
        let cause = Cause::Deal(deal);
        let due = self.due_of(currency, today);
        let mut credited = VecDeque::new();
        let sold = shares.iter().try_fold(Quantity::ZERO, |sum, (_, share)| sum.checked_add(*share));
        let Some(quantity) = sold else { return };
        let Taken { take_back, left: (held, at_cost) } =
            self.take_from_stock(programme, market, quantity, cause);
        let trade = StockTrade { programme, market, side: Side::Sell, price, quantity, held, at_cost };
        out.push(Event::StockTraded { by: StockTradedBy::Deal(deal), trade });
        let owed = shares.iter().filter_map(|(buyer, share)| Some((*buyer, price.times(*share, currency)?)));
        let owed: Vec<(ParticipantId, Rounded)> = owed.collect();
        // Each pays back its part of the cost, so that who pays late holds up no more than that.
        let amounts: Vec<i64> = owed.iter().map(|(_, owed)| owed.amount.millionths).collect();
        let take_back = pro_rata(take_back, &amounts, currency.minor_unit());
        for ((buyer, owed), take_back) in owed.into_iter().zip(take_back) {
            let (from, to) = (Account::Participant(buyer), Account::Receivable(programme));
            self.ledger.post(cause, from, to, owed.amount);
            self.ledger.post(cause, Account::Rounding, Account::Promised(programme), owed.remainder);
            if owed.amount.millionths > 0 {
                let creditor = Creditor::Programme(programme);
                self.charge(buyer, creditor, owed.amount, take_back, (today, due), out);
                credited.push_back(buyer);
            }
        }
        self.collect(currency, credited, out);
    }

    fn programme_currency(&self, id: ProgrammeId) -> Option<Currency> {
        self.programme(id).ok().map(|programme| programme.currency())
    }

    /// Adds to a stock at cost; returns what is held then, and what that has cost.
    fn put_into_stock(
        &mut self,
        programme: ProgrammeId,
        market: MarketId,
        quantity: Quantity,
        cost: Money,
    ) -> (Quantity, Money) {
        let nothing = Holding { quantity: Quantity::ZERO, cost: Money::zero(cost.currency) };
        let holding = self.treasury.stock.entry((programme, market)).or_insert(nothing);
        holding.quantity = holding.quantity.checked_add(quantity).unwrap_or(holding.quantity);
        holding.cost = holding.cost.checked_add(cost).unwrap_or(holding.cost);
        (holding.quantity, holding.cost)
    }

    /// Takes from a stock, with its part of the cost.
    // Rules: R-MON-041.
    fn take_from_stock(
        &mut self,
        programme: ProgrammeId,
        market: MarketId,
        quantity: Quantity,
        cause: Cause,
    ) -> Taken {
        let currency = self.programme_currency(programme).unwrap_or(Currency::Eur);
        let nothing = Taken { take_back: 0, left: (Quantity::ZERO, Money::zero(currency)) };
        let Some(holding) = self.treasury.stock.get_mut(&(programme, market)) else { return nothing };
        let left = holding.quantity.checked_sub(quantity);
        assert!(left.is_some(), "no more is released than was held");
        let left = left.unwrap_or(Quantity::ZERO);
        let part = i128::from(holding.cost.millionths).saturating_mul(quantity.millionths().into());
        let part = divide_half_even(part, holding.quantity.millionths().into());
        let part = part.and_then(|part| i64::try_from(part).ok()).unwrap_or(0);
        let cost = if left.is_zero() { holding.cost } else { Money { millionths: part, ..holding.cost } };
        holding.quantity = left;
        holding.cost = holding.cost.checked_sub(cost).unwrap_or(holding.cost);
        let at_cost = holding.cost;
        if left.is_zero() {
            self.treasury.stock.remove(&(programme, market));
        }
        self.ledger.post(cause, Account::Stock(programme), Account::ProgrammeSpent(programme), cost);
        let unit = cost.currency.minor_unit();
        let take_back = divide_half_even(cost.millionths.into(), unit.into()).unwrap_or(0);
        let take_back = i64::try_from(take_back).unwrap_or(0).saturating_mul(unit);
        Taken { take_back, left: (left, at_cost) }
    }

    /// Refuses an order that does not keep to the programme's rule; returns what it pledges.
    // Rules: R-MON-038.
    pub(crate) fn check_stock_order(
        &self,
        id: MarketId,
        order: &StockOrder,
        rule: Option<&Rule>,
    ) -> Result<Money, Reject> {
        let market = self.market(id)?;
        let programme = self.programme(order.programme)?;
        let allowed = self.treasury.stock_rules.get(&(order.programme, id)).ok_or(Reject::StockTerms)?;
        let price_rule = rule.ok_or(Reject::StockTerms)?;
        let held = self.held(order.programme, id);
        let ordered = self.ordered(order.programme, id, order.side);
        let with_order = ordered.checked_add(order.quantity).ok_or(Reject::AmountTooLarge)?;
        if order.quantity.is_zero() || !order.quantity.is_in(market.lot) {
            return Err(Reject::QuantityOffLot { lot: market.lot });
        }
        let keeps_to_rule = match order.side {
            Side::Buy => {
                order.price == allowed.buys_at
                    && price_rule.floor == Some(order.price)
                    && held.checked_add(with_order).is_some_and(|held| held <= allowed.holds_most)
                    && order.budget.is_none_or(|budget| budget.millionths() > 0)
            }
            Side::Sell => {
                market.check_price(order.price)?;
                order.price >= allowed.releases_at
                    && order.quantity <= allowed.releases_most
                    && with_order <= held
                    && order.budget.is_none()
            }
        };
        if !keeps_to_rule {
            return Err(Reject::StockTerms);
        }
        let pledge = match order.side {
            Side::Buy => order.pledge(market).ok_or(Reject::AmountTooLarge)?,
            Side::Sell => Money::zero(programme.currency()),
        };
        if order.side == Side::Buy {
            self.check_free(order.programme, pledge)?;
        }
        Ok(pledge)
    }

    /// A final auction has bought so much into stock; returns what the programme pays for it, exactly.
    pub(crate) fn buy_stock(
        &mut self,
        id: AuctionId,
        market: MarketId,
        order: &StockOrder,
        (price, quantity): (Price, Quantity),
        currency: Currency,
        out: &mut Events,
    ) -> Money {
        let programme = order.programme;
        let exact = price.times(quantity, currency).and_then(Rounded::exact);
        assert!(exact.is_some(), "no more is bought than was pledged for");
        let cost = exact.unwrap_or(Money::zero(currency));
        self.spend(programme, Cause::Award(id), Account::Stock(programme), cost);
        self.ledger.post(Cause::Award(id), Account::Promised(programme), Account::Clearing, cost);
        let (held, at_cost) = self.put_into_stock(programme, market, quantity, cost);
        let trade = StockTrade { programme, market, side: Side::Buy, price, quantity, held, at_cost };
        out.push(Event::StockTraded { by: StockTradedBy::Auction(id), trade });
        cost
    }

    /// A final auction has released so much from stock, for `revenue`; returns what the programme waits for.
    // Rules: R-MON-021.
    pub(crate) fn release_stock(
        &mut self,
        id: AuctionId,
        market: MarketId,
        order: &StockOrder,
        (price, quantity): (Price, Quantity),
        revenue: i64,
        out: &mut Events,
    ) -> Option<Residual> {
        let programme = order.programme;
        if !self.treasury.stock.contains_key(&(programme, market)) {
            return None;
        }
        let Taken { take_back, left: (held, at_cost) } =
            self.take_from_stock(programme, market, quantity, Cause::Award(id));
        let trade = StockTrade { programme, market, side: Side::Sell, price, quantity, held, at_cost };
        out.push(Event::StockTraded { by: StockTradedBy::Auction(id), trade });
        Some(Residual { programme, amount: revenue, take_back })
    }

    /// Whether a stock on a board is of the market's currency and, if it offers, has what it offers.
    pub(crate) fn is_stock_entry_sound(&self, of: ProgrammeId, market: MarketId, side: Side) -> bool {
        let is_in =
            self.market(market).is_ok_and(|terms| Some(terms.currency) == self.programme_currency(of));
        is_in && (side == Side::Buy || self.ordered(of, market, side) <= self.held(of, market))
    }

    /// Whether what is held is at cost on the programmes' accounts, and covers what is offered from it.
    pub(crate) fn is_stock_sound(&self) -> bool {
        self.programmes.iter().all(|(&id, programme)| {
            let holdings = self.treasury.stock.iter().filter(|((of, _), _)| *of == id);
            let mut cost = 0_i128;
            for (&(_, market), holding) in holdings {
                let is_in = self.market(market).is_ok_and(|terms| {
                    terms.currency == holding.cost.currency && holding.quantity.is_in(terms.lot)
                });
                let offered = self.ordered(id, market, Side::Sell);
                if !is_in || holding.cost.millionths < 0 || offered > holding.quantity {
                    return false;
                }
                cost = cost.saturating_add(holding.cost.millionths.into());
            }
            cost == self.ledger.balance(programme.currency(), Account::Stock(id))
        })
    }
}
