//! Whether winning limits are right: the book is read again with each of them.

use std::collections::BTreeMap;

use super::super::{Criterion, Decision, Order, Outcome, Rule};
use super::price::{Sorted, step, to_price};
use super::shares::{Due, dues, level_dues};
use super::{Fault, read_fills};
use crate::book::Side;
use crate::num::Price;

/// Checks winning limits, one an order in the order of the book, against the book and the outcome, which [`check`](super::check())
/// accepts: that with the limit that is named the order would be given something, and one tick nearer to its own limit nothing; and
/// where none is named, that the keenest limit that can be written would not help either.
///
/// The whole book is read again for each limit and quantity. Under a cascade that does not begin with `most-volume`, or with
/// minimums, it is so for each order anew, and takes the square of the orders.
///
/// # Errors
///
/// The first order that is told something else than is so, or nothing.
pub fn check_winning_limits(
    orders: &[Order<'_>],
    rule: &Rule,
    seed: Option<&[u8]>,
    outcome: &Outcome,
    limits: &[Option<Price>],
) -> Result<(), Fault> {
    let given = read_fills(orders, outcome)?;
    let mut again = Again::new(orders, rule, seed.unwrap_or_default());
    for (row, (place, order)) in (0_u32..).zip(orders.iter().enumerate()) {
        let told = *limits.get(place).ok_or(Fault::StandingMissing { order: row })?;
        let can_win =
            given.get(place) == Some(&0) && !order.quantity.is_zero() && order.min_quantity.is_zero();
        match (order.price.filter(|_| can_win), told) {
            (None, None) => {}
            (None, Some(limit)) => return Err(Fault::NoWinningLimit { order: row, limit }),
            (Some(_), None) => {
                if let Some(limit) = again.keenest(order.side).filter(|limit| again.wins(place, *limit)) {
                    return Err(Fault::WinningNotTold { order: row, limit });
                }
            }
            (Some(own), Some(limit)) => {
                let is_keener = if order.side == Side::Buy { limit > own } else { limit < own };
                let is_on_tick = i128::from(limit.millionths()).checked_rem(step(rule)) == Some(0);
                if !is_keener || !is_on_tick || !again.wins(place, limit) {
                    return Err(Fault::NotWinning { order: row, limit });
                }
                let nearer = again.nearer(order.side, limit).filter(|nearer| *nearer != own);
                if let Some(nearer) = nearer.filter(|nearer| again.wins(place, *nearer)) {
                    return Err(Fault::NearerWins { order: row, limit, nearer });
                }
            }
        }
    }
    match limits.get(orders.len()) {
        Some(_) => Err(Fault::StandingLeftOver { order: u32::try_from(orders.len()).unwrap_or(u32::MAX) }),
        None => Ok(()),
    }
}

/// A book that is read again with one order's limit changed.
struct Again<'a> {
    orders: &'a [Order<'a>],
    rule: &'a Rule,
    seed: &'a [u8],
    /// As it is.
    book: Sorted,
    /// Who has a limit, by side.
    at_limit: BTreeMap<(bool, Price), Vec<usize>>,
    has_minimums: bool,
    /// By side, limit and quantity of the order that was changed.
    known: BTreeMap<(bool, Price, i128), Reading>,
}

/// What a book was read to give.
#[derive(Clone, Copy)]
struct Reading {
    price: Option<Price>,
    /// How much trades there; without a price, the most that could anywhere.
    volume: i128,
}

impl<'a> Again<'a> {
    fn new(orders: &'a [Order<'a>], rule: &'a Rule, seed: &'a [u8]) -> Self {
        let wanting = || orders.iter().enumerate().filter(|(_, order)| !order.quantity.is_zero());
        let mut at_limit: BTreeMap<(bool, Price), Vec<usize>> = BTreeMap::new();
        for (place, order) in wanting() {
            if let Some(limit) = order.price {
                at_limit.entry((order.side == Side::Buy, limit)).or_default().push(place);
            }
        }
        Self {
            orders,
            rule,
            seed,
            book: Sorted::new(orders),
            at_limit,
            has_minimums: wanting().any(|(_, order)| !order.min_quantity.is_zero()),
            known: BTreeMap::new(),
        }
    }

    /// The keenest limit that can be written.
    fn keenest(&self, side: Side) -> Option<Price> {
        let end = i128::from(if side == Side::Buy { i64::MAX } else { i64::MIN });
        to_price(end.saturating_sub(end.checked_rem(step(self.rule)).unwrap_or(0)))
    }

    /// A limit one tick less keen.
    fn nearer(&self, side: Side, limit: Price) -> Option<Price> {
        let (limit, tick) = (i128::from(limit.millionths()), step(self.rule));
        to_price(if side == Side::Buy { limit.saturating_sub(tick) } else { limit.saturating_add(tick) })
    }

    /// Whether an order would be given something with a limit keener than its own.
    fn wins(&mut self, place: usize, limit: Price) -> bool {
        let Some(order) = self.orders.get(place).copied() else {
            return false;
        };
        if self.has_minimums {
            let changed = self.with(place, limit);
            let Decision::Price { price, .. } = Sorted::new(&changed).decision(self.rule) else {
                return false;
            };
            let dues = dues(&changed, self.rule, self.seed, i128::from(price.millionths()));
            return dues.get(place).is_some_and(|due| *due > 0);
        }
        let Reading { price: Some(price), volume } = self.reading(place, &order, limit) else {
            return false;
        };
        let is_beyond_limit = if order.side == Side::Buy { price > limit } else { price < limit };
        if is_beyond_limit {
            return false;
        }
        // Its own limit is not as keen, so it is not among these.
        let at = i128::from(limit.millionths());
        let keener = match order.side {
            Side::Buy => self.book.wanted_from(at.saturating_add(1)),
            Side::Sell => self.book.offered_to(at.saturating_sub(1)),
        };
        let left = volume.saturating_sub(keener).max(0);
        let others = self.at_limit.get(&(order.side == Side::Buy, limit)).map_or(&[][..], Vec::as_slice);
        let rows = others.iter().copied().chain([place]);
        let level: Vec<Due> =
            rows.filter_map(|row| self.orders.get(row).map(|order| Due::new(row, 0, order))).collect();
        level_dues(&level, self.orders, self.rule, self.seed, left).last().is_some_and(|due| *due > 0)
    }

    /// The book with another limit of an order.
    fn with(&self, place: usize, limit: Price) -> Vec<Order<'a>> {
        let mut changed = self.orders.to_vec();
        if let Some(order) = changed.get_mut(place) {
            order.price = Some(limit);
        }
        changed
    }

    /// The price of the book with another limit of an order, and how much trades at it.
    ///
    /// Of two orders of one quantity that would have the same limit, the books differ at no price beyond both their own limits. If the
    /// other side comes to less than the volume at those, and the most volume is what decides first, the price is the same.
    fn reading(&mut self, place: usize, order: &Order<'_>, limit: Price) -> Reading {
        let own = order.price.map_or(0, |own| i128::from(own.millionths()));
        let at_own = match order.side {
            Side::Buy => self.book.offered_to(own),
            Side::Sell => self.book.wanted_from(own),
        };
        let key = (order.side == Side::Buy, limit, i128::from(order.quantity.millionths()));
        if let Some(known) = self.known.get(&key).filter(|known| at_own < known.volume) {
            return *known;
        }
        let changed = Sorted::new(&self.with(place, limit));
        let reading = match changed.decision(self.rule) {
            Decision::Price { price, .. } => {
                let at = i128::from(price.millionths());
                Reading { price: Some(price), volume: changed.wanted_from(at).min(changed.offered_to(at)) }
            }
            Decision::NothingTrades | Decision::Undecided { .. } => {
                Reading { price: None, volume: changed.most(self.rule) }
            }
        };
        if self.rule.cascade.first() == Some(&Criterion::MostVolume) && at_own < reading.volume {
            self.known.insert(key, reading);
        }
        reading
    }
}
