//! The books beside each other: each made empty, given an order, and asked what it holds.
//!
//! Each takes the orders through its own public door, with the defaults that its documentation begins with, and brings
//! them to its own form itself.

use std::collections::BTreeSet;

use golv_engine::book::{self, Side, for_each_level};
use golv_engine::command::NewBid;
use golv_engine::id::{BidId, CommandId, IdentityId, ParticipantId};
use golv_engine::market::{Market, Unit};
use golv_engine::num::{Currency, Price, Quantity};
use golv_engine::participant::Role;
use golv_engine::reject::Reject;
use golv_engine::text::Country;

use crate::orders::{Held, LEVELS, LOTS_MAX, Order};

/// A book that is measured.
pub trait Book {
    fn empty() -> Self;

    /// Takes in an order whole; a book that does anything else with it ends the bench.
    fn add(&mut self, order: &Order);

    fn held(&self) -> Held;
}

/// Ours, with what an auction knows of its bidders.
pub struct Golv {
    market: Market,
    roles: BTreeSet<Role>,
    origin: Country,
    book: book::Book,
}

impl Golv {
    /// What `State::place_bid` does with a bid once it has found the auction open and its sender active: the bid is
    /// admitted, or refused with the reason, and stored. Its id is compared with the newest in the book, where the
    /// exchange looks into the answers it has kept.
    fn take_in(&mut self, bid: BidId, new: NewBid) -> Result<(), Reject> {
        if let Some(highest) = self.book.newest(bid.identity).filter(|newest| bid.command <= *newest) {
            return Err(Reject::TooOld { highest });
        }
        let role = match new.side {
            Side::Buy => Role::Buyer,
            Side::Sell => Role::Supplier,
        };
        if !self.roles.contains(&role) {
            return Err(Reject::WrongSide);
        }
        let level = new.price.map(|price| self.market.check_price(price)).transpose()?;
        let lots = self.market.check_quantity(new.quantity)?;
        if new.origin.is_some() != (new.side == Side::Sell) {
            return Err(Reject::OriginStated);
        }
        let total = self.book.total_with(new.side, (level, lots), None).ok_or(Reject::BookFull)?;
        self.market.quantity(total).ok_or(Reject::BookFull)?;
        let participant = ParticipantId(bid.identity.0);
        let NewBid { side, origin, .. } = new;
        self.book.add(book::Order { bid, participant, side, level, lots, origin });
        Ok(())
    }
}

fn price(units: u32) -> Price {
    Price::from_units(i64::from(units)).expect("small")
}

fn quantity(units: u32) -> Quantity {
    Quantity::from_units(units).expect("small")
}

impl Book for Golv {
    fn empty() -> Self {
        let market = Market {
            name: "Lithium".parse().expect("a name"),
            unit: Unit::Tonne,
            currency: Currency::Eur,
            lot: quantity(1),
            tick: price(1),
            lowest: price(1),
            highest: price(2 * LEVELS),
            largest: quantity(LOTS_MAX),
        };
        let roles = [Role::Supplier, Role::Buyer].into();
        let origin = "FI".parse().expect("a country");
        Self { market, roles, origin, book: book::Book::new() }
    }

    fn add(&mut self, order: &Order) {
        let bid = BidId { identity: IdentityId(order.identity), command: CommandId(order.command) };
        let new = NewBid {
            side: order.side,
            price: Some(price(order.price)),
            quantity: quantity(order.lots),
            origin: (order.side == Side::Sell).then_some(self.origin),
            details: None,
        };
        self.take_in(bid, new).expect("every order of the stream is a bid to be admitted");
    }

    fn held(&self) -> Held {
        let mut held = Held::default();
        let (demand, supply) = (self.book.ladder(Side::Buy), self.book.ladder(Side::Sell));
        for_each_level(demand, supply, |level, wanted, offered| {
            for (side, lots) in [(Side::Buy, wanted), (Side::Sell, offered)] {
                if lots > 0 {
                    held.add(side, 1 + u64::from(level), u64::try_from(lots).expect("positive"));
                }
            }
        });
        // The ladder and the list of bids are one book only if they agree.
        let mut listed = Held::default();
        for order in self.book.orders() {
            let lots = u64::try_from(order.lots).expect("positive");
            let level = order.level.expect("no order of the stream is a market order");
            listed.add(order.side, 1 + u64::from(level), lots);
        }
        assert_eq!(held, listed, "the price ladder is that of the bids");
        held
    }
}

impl Book for orderbook_rs::DefaultOrderBook {
    fn empty() -> Self {
        Self::new("lithium")
    }

    fn add(&mut self, order: &Order) {
        let side = match order.side {
            Side::Buy => orderbook_rs::Side::Buy,
            Side::Sell => orderbook_rs::Side::Sell,
        };
        self.add_limit_order(
            orderbook_rs::Id::from_u64(order.number),
            u128::from(order.price),
            u64::from(order.lots),
            side,
            orderbook_rs::TimeInForce::Gtc,
            None,
        )
        .expect("an order that rests");
    }

    fn held(&self) -> Held {
        let mut held = Held::default();
        for (ours, side) in [(Side::Buy, orderbook_rs::Side::Buy), (Side::Sell, orderbook_rs::Side::Sell)] {
            for level in self.levels_with_cumulative_depth(side) {
                let level = level.expect("a level that adds up");
                held.add(ours, u64::try_from(level.price).expect("small"), level.quantity);
            }
        }
        held
    }
}

impl Book for matchcore::OrderBook {
    fn empty() -> Self {
        Self::new("lithium")
    }

    fn add(&mut self, order: &Order) {
        let side = match order.side {
            Side::Buy => matchcore::Side::Buy,
            Side::Sell => matchcore::Side::Sell,
        };
        let new = matchcore::LimitOrder::new(
            matchcore::Price(u64::from(order.price)),
            matchcore::QuantityPolicy::Standard { quantity: matchcore::Quantity(u64::from(order.lots)) },
            matchcore::OrderFlags::new(side, false, matchcore::TimeInForce::Gtc),
        );
        let outcome = self.execute(&matchcore::Command {
            meta: matchcore::CommandMeta {
                sequence_number: matchcore::SequenceNumber(order.number),
                timestamp: matchcore::Timestamp(order.number),
            },
            kind: matchcore::CommandKind::Submit(matchcore::SubmitCmd {
                order: matchcore::NewOrder::Limit(new),
            }),
        });
        assert!(matches!(outcome, matchcore::CommandOutcome::Applied(_)), "an order that rests");
    }

    fn held(&self) -> Held {
        let mut held = Held::default();
        for (side, levels) in [(Side::Buy, self.limit().bids()), (Side::Sell, self.limit().asks())] {
            for (price, level) in levels {
                held.add(side, price.0, self.limit().levels()[*level].total_quantity().0);
            }
        }
        held
    }
}

impl Book for lobster::OrderBook {
    fn empty() -> Self {
        Self::default()
    }

    fn add(&mut self, order: &Order) {
        let side = match order.side {
            Side::Buy => lobster::Side::Bid,
            Side::Sell => lobster::Side::Ask,
        };
        let event = self.execute(lobster::OrderType::Limit {
            id: u128::from(order.number),
            side,
            qty: u64::from(order.lots),
            price: u64::from(order.price),
        });
        assert!(matches!(event, lobster::OrderEvent::Placed { .. }), "an order that rests");
    }

    fn held(&self) -> Held {
        let mut held = Held::default();
        let depth = self.depth(usize::try_from(LEVELS).expect("small"));
        for (side, levels) in [(Side::Buy, &depth.bids), (Side::Sell, &depth.asks)] {
            for level in levels {
                held.add(side, level.price, level.qty);
            }
        }
        held
    }
}
