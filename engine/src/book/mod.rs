//! The in-memory order book of one auction: the bids as they came, and a price ladder a side kept as they
//! come.
//!
//! What clearing reads of a bid (side, limit and lots) stands apart from the rest, 16 bytes a bid, so that a million are gone
//! through in a few milliseconds.
//!
//! A bid's place in time is its place in the list, so the book stores no stamps. A withdrawn bid leaves
//! its place empty; a replaced bid keeps its place if only its quantity falls, and else goes to the end.
//! Everything is in the market's own grid: levels are ticks above the lowest price, quantities are lots.
//! Taking in a bid costs a push, an index entry and one addition in the ladder; nothing is sorted.
//!
//! A snapshot holds the list alone, empty places included, since they count towards [`PLACES_MAX`]; the index and the
//! ladders are worked out from it.
//!
//! Deliberately absent: prices and rules, which are the auction's; and matching, which waits for the close.

mod ladder;
mod places;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, Serializer};

use crate::digest::Feed;
use crate::id::{BidId, CommandId, IdentityId, ParticipantId};
use crate::market::LEVELS_MAX;
use crate::text::Country;
pub use ladder::{Ladder, for_each_level};
use places::Places;

/// Which side of the market a bid is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Side {
    /// Wants material.
    Buy,
    /// Offers material.
    Sell,
}

impl Side {
    /// Buyers first.
    pub const BOTH: [Self; 2] = [Self::Buy, Self::Sell];
}

/// A bid in the book.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Its id.
    pub bid: BidId,
    /// Whose it is.
    pub participant: ParticipantId,
    /// Its side.
    pub side: Side,
    /// Ticks above the market's lowest price; `None` for a market order.
    pub level: Option<u32>,
    /// How much, in lots. Zero once withdrawn, or moved to a later place.
    pub lots: i64,
    /// Where offered material comes from.
    pub origin: Option<Country>,
}

/// What clearing reads of a bid.
#[derive(Clone, Copy, Debug)]
struct Limit {
    /// Zero once withdrawn, or moved to a later place.
    lots: i64,
    merit: Merit,
    side: Side,
}

/// What else there is to a bid.
#[derive(Clone, Copy, Debug)]
struct Owner {
    bid: BidId,
    participant: ParticipantId,
    origin: Option<Country>,
}

/// How good a limit is among those of its side: the smaller the better. A market order's is the smallest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Merit(u32);

impl Merit {
    pub(crate) fn of(side: Side, level: Option<u32>) -> Self {
        Self(match (level, side) {
            (None, _) => 0,
            (Some(level), Side::Buy) => LEVELS_MAX.saturating_sub(level),
            (Some(level), Side::Sell) => level.saturating_add(1),
        })
    }

    fn level(self, side: Side) -> Option<u32> {
        match side {
            _ if self.0 == 0 => None,
            Side::Buy => LEVELS_MAX.checked_sub(self.0),
            Side::Sell => self.0.checked_sub(1),
        }
    }
}

/// All bids of an auction.
#[derive(Debug, Default, Deserialize)]
#[serde(try_from = "Vec<Order>")]
pub struct Book {
    /// In order of time.
    limits: Vec<Limit>,
    /// Of the same places.
    owners: Vec<Owner>,
    /// Where each bid is in those lists.
    places: Places,
    demand: Ladder,
    supply: Ladder,
}

/// The most places a book has, those left by withdrawn and replaced bids included: it bounds a book's memory, and the
/// length of a result.
pub const PLACES_MAX: u32 = 1_000_000;

/// How a bid was replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Replaced {
    KeptPriority,
    LostPriority,
}

impl Book {
    /// An empty book.
    pub const fn new() -> Self {
        Self {
            limits: Vec::new(),
            owners: Vec::new(),
            places: Places::new(),
            demand: Ladder::new(),
            supply: Ladder::new(),
        }
    }

    /// The price ladder of a side.
    pub const fn ladder(&self, side: Side) -> &Ladder {
        match side {
            Side::Buy => &self.demand,
            Side::Sell => &self.supply,
        }
    }

    const fn ladder_mut(&mut self, side: Side) -> &mut Ladder {
        match side {
            Side::Buy => &mut self.demand,
            Side::Sell => &mut self.supply,
        }
    }

    /// The standing bids in order of time.
    pub fn orders(&self) -> impl Iterator<Item = Order> {
        self.places().filter(|order| order.lots != 0)
    }

    /// All places in order of time, empty ones included.
    fn places(&self) -> impl ExactSizeIterator<Item = Order> {
        self.limits.iter().zip(&self.owners).map(|(limit, owner)| order(limit, owner))
    }

    /// The standing bids in order of time, each with what is said of its place.
    pub(crate) fn with<T>(&self, of_places: impl Iterator<Item = T>) -> impl Iterator<Item = (Order, T)> {
        self.places().zip(of_places).filter(|(order, _)| order.lots != 0)
    }

    /// The bid in a place.
    pub(crate) fn get(&self, place: usize) -> Option<Order> {
        Some(order(self.limits.get(place)?, self.owners.get(place)?))
    }

    /// What each place is given where all bids better than their side's margin are filled and all worse ones are not, in
    /// lots; and the places at the margins, buyers' and sellers', which are given nothing yet.
    pub(crate) fn fill(&self, margins: [Merit; 2]) -> (Vec<i64>, [Vec<usize>; 2]) {
        let [buy_margin, sell_margin] = margins;
        let mut at_margin = Vec::new();
        // Nothing here depends on a side or a limit but a choice between two values: branches on either would be
        // guessed wrong for every other bid.
        let given = self
            .limits
            .iter()
            .enumerate()
            .map(|(place, &Limit { lots, merit, side })| {
                let margin = if side == Side::Buy { buy_margin } else { sell_margin };
                if merit == margin {
                    at_margin.push((place, side));
                }
                if merit < margin { lots } else { 0 }
            })
            .collect();
        let of_side = |wanted: Side| {
            let standing = |place: &usize| self.limits.get(*place).is_some_and(|limit| limit.lots != 0);
            let places = at_margin.iter().filter(|(_, side)| *side == wanted).map(|(place, _)| *place);
            places.filter(standing).collect()
        };
        (given, Side::BOTH.map(of_side))
    }

    /// What the side's total would be with an order of so many lots, instead of a standing one if it replaces that; `None` if it
    /// needs a place and none is left, or the lots do not fit.
    pub fn total_with(
        &self,
        side: Side,
        (level, lots): (Option<u32>, i64),
        replaced: Option<&Order>,
    ) -> Option<i64> {
        let places = u32::try_from(self.limits.len()).ok()?;
        if places >= PLACES_MAX && !replaced.is_some_and(|order| keeps_priority(order, level, lots)) {
            return None;
        }
        let others = self.ladder(side).total().checked_sub(replaced.map_or(0, |order| order.lots))?;
        others.checked_add(lots)
    }

    /// The highest command id with which an identity has placed a bid here; `None` before its first.
    pub fn newest(&self, identity: IdentityId) -> Option<CommandId> {
        self.places.newest(identity)
    }

    /// Takes in a bid whose room was checked, and whose command id is its identity's highest so far.
    ///
    /// # Panics
    /// If its lots do not fit its side's total, which [`Book::total_with`] tells.
    pub fn add(&mut self, order: Order) {
        let place = self.push(order);
        self.places.push(order.bid, place);
    }

    fn push(&mut self, order: Order) -> u32 {
        let place = u32::try_from(self.limits.len());
        assert!(place.is_ok(), "the book was checked to have room");
        let Order { bid, participant, side, level, lots, origin } = order;
        self.limits.push(Limit { lots, merit: Merit::of(side, level), side });
        self.owners.push(Owner { bid, participant, origin });
        self.ladder_mut(side).change(level, lots);
        place.unwrap_or(u32::MAX)
    }

    /// A standing bid.
    pub(crate) fn find(&self, bid: BidId) -> Option<Order> {
        let place = self.places.get(bid)?;
        self.get(usize::try_from(place).ok()?).filter(|order| order.lots != 0)
    }

    /// Takes a standing bid out.
    pub(crate) fn withdraw(&mut self, bid: BidId) {
        if let Some(order) = self.find(bid) {
            self.set_lots(&order, 0);
        }
    }

    /// Gives a standing bid a new level and quantity, whose room was checked.
    // Rules: R-AUC-019.
    pub(crate) fn replace(&mut self, bid: BidId, level: Option<u32>, lots: i64) -> Replaced {
        let Some(order) = self.find(bid) else {
            return Replaced::LostPriority;
        };
        if keeps_priority(&order, level, lots) {
            self.set_lots(&order, lots);
            return Replaced::KeptPriority;
        }
        self.set_lots(&order, 0);
        let moved = self.push(Order { level, lots, ..order });
        self.places.set(bid, moved);
        Replaced::LostPriority
    }

    /// Changes a standing order's lots in its place and in the ladder.
    fn set_lots(&mut self, order: &Order, lots: i64) {
        let place = self.places.get(order.bid).and_then(|place| usize::try_from(place).ok());
        if let Some(limit) = place.and_then(|place| self.limits.get_mut(place)) {
            limit.lots = lots;
        }
        self.ladder_mut(order.side).change(order.level, lots.saturating_sub(order.lots));
    }

    /// Adds the standing bids in order of time to a digest. Places in the list are not part of it: two
    /// books in which the same bids stand in the same order are the same book.
    pub(crate) fn feed(&self, feed: &mut Feed) {
        let standing = u64::try_from(self.orders().count()).unwrap_or(u64::MAX);
        feed.add(&standing);
        self.orders().for_each(|order| feed.add(&order));
    }
}

/// Whether an order that is replaced keeps its place in time: at the same price with no more lots.
fn keeps_priority(order: &Order, level: Option<u32>, lots: i64) -> bool {
    level == order.level && lots <= order.lots
}

fn order(limit: &Limit, owner: &Owner) -> Order {
    let &Limit { lots, merit, side } = limit;
    let &Owner { bid, participant, origin } = owner;
    Order { bid, participant, side, level: merit.level(side), lots, origin }
}

impl Serialize for Book {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.places())
    }
}

/// Stored orders that are no book.
#[derive(Debug, thiserror::Error)]
pub enum NotABook {
    /// Too many places.
    #[error("a book has at most {PLACES_MAX} places")]
    TooLong,
    /// A level past all grids, or a negative quantity.
    #[error("bid {0} is off every market's grid")]
    OffGrid(BidId),
    /// A bid that was not withdrawn, and comes again.
    #[error("bid {0} stands in two places")]
    Twice(BidId),
    /// More than can be summed.
    #[error("the lots of one side are more than can be held")]
    TooManyLots,
}

impl TryFrom<Vec<Order>> for Book {
    type Error = NotABook;
    fn try_from(orders: Vec<Order>) -> Result<Self, Self::Error> {
        let length = u32::try_from(orders.len()).ok().filter(|length| *length <= PLACES_MAX);
        let length = length.ok_or(NotABook::TooLong)?;
        // The latest place of each bid, whether it stands there or was withdrawn.
        let mut latest = BTreeMap::<BidId, (u32, &Order)>::new();
        for (place, order) in (0..length).zip(&orders) {
            // A level past all grids would claim pages for all levels below it.
            if order.level.is_some_and(|level| level >= LEVELS_MAX) || order.lots < 0 {
                return Err(NotABook::OffGrid(order.bid));
            }
            if latest.insert(order.bid, (place, order)).is_some_and(|(_, before)| before.lots != 0) {
                return Err(NotABook::Twice(order.bid));
            }
        }
        let mut book = Self::new();
        for (bid, (place, _)) in latest {
            book.places.push(bid, place);
        }
        book.limits.reserve_exact(orders.len());
        book.owners.reserve_exact(orders.len());
        for order in orders {
            book.ladder(order.side).total().checked_add(order.lots).ok_or(NotABook::TooManyLots)?;
            book.push(order);
        }
        Ok(book)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The book as anyone would write it who did not mind the time it takes.
    #[derive(Default)]
    struct NaiveBook(Vec<Order>);

    impl NaiveBook {
        fn replace(&mut self, bid: BidId, level: Option<u32>, lots: i64) {
            let at = self.0.iter().position(|order| order.bid == bid).expect("standing");
            let order = Order { level, lots, ..self.0[at] };
            if order.level == self.0[at].level && lots <= self.0[at].lots {
                self.0[at] = order;
            } else {
                self.0.remove(at);
                self.0.push(order);
            }
        }

        fn lots(&self, side: Side, level: Option<u32>) -> i64 {
            self.0.iter().filter(|o| o.side == side && o.level == level).map(|o| o.lots).sum()
        }
    }

    #[derive(Clone, Debug)]
    enum Step {
        Add { identity: u32, side: Side, level: Option<u32>, lots: i64 },
        Replace { which: prop::sample::Index, level: Option<u32>, lots: i64 },
        Withdraw { which: prop::sample::Index },
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let side = prop_oneof![Just(Side::Buy), Just(Side::Sell)];
        // Market orders, and levels on both sides of a page's end.
        let level = || prop_oneof![1 => Just(None), 4 => (508_u32..516).prop_map(Some)];
        let add = (1_u32..4, side, level(), 1_i64..5).prop_map(|(identity, side, level, lots)| Step::Add {
            identity,
            side,
            level,
            lots,
        });
        let replace = (any::<prop::sample::Index>(), level(), 1_i64..5)
            .prop_map(|(which, level, lots)| Step::Replace { which, level, lots });
        let withdraw = any::<prop::sample::Index>().prop_map(|which| Step::Withdraw { which });
        prop::collection::vec(prop_oneof![3 => add, 2 => replace, 1 => withdraw], 0..60)
    }

    fn order(command: u64, side: Side, level: u32, lots: i64) -> Order {
        let bid = BidId { identity: IdentityId(1), command: CommandId(command) };
        Order { bid, participant: ParticipantId(1), side, level: Some(level), lots, origin: None }
    }

    /// Nothing is allocated for levels that no market has.
    #[test]
    fn stored_orders_that_are_no_book_are_refused() {
        let refused = |orders: Vec<Order>| Book::try_from(orders).expect_err("no book").to_string();
        let [buy, sell] = [Side::Buy, Side::Sell];
        let off_grid = "bid 1.7 is off every market's grid";
        assert_eq!(refused(vec![order(7, buy, u32::MAX, 1)]), off_grid);
        assert_eq!(refused(vec![order(7, buy, LEVELS_MAX, 0)]), off_grid);
        assert_eq!(refused(vec![order(7, buy, 0, -1)]), off_grid);
        assert_eq!(refused(vec![order(7, buy, 0, 1), order(7, buy, 1, 1)]), "bid 1.7 stands in two places");
        let most = order(7, sell, 0, i64::MAX);
        assert_eq!(
            refused(vec![most, order(8, sell, 1, 1)]),
            "the lots of one side are more than can be held"
        );
        assert!(Book::try_from(vec![most, order(8, buy, 1, 1)]).is_ok(), "each side for itself");
        assert!(Book::try_from(vec![order(7, buy, 0, 0), order(7, buy, LEVELS_MAX - 1, 1)]).is_ok());
        let places = usize::try_from(PLACES_MAX).expect("small");
        assert!(Book::try_from(vec![order(7, buy, 0, 0); places]).is_ok());
        assert_eq!(refused(vec![order(7, buy, 0, 0); places + 1]), "a book has at most 1000000 places");
    }

    proptest! {
        /// Rules: R-AUC-019.
        #[test]
        fn agrees_with_its_naive_twin(steps in steps()) {
            let (mut book, mut naive) = (Book::default(), NaiveBook::default());
            for (number, step) in (1_u64..).zip(steps) {
                match step {
                    Step::Add { identity, side, level, lots } => {
                        let bid = BidId { identity: IdentityId(identity), command: CommandId(number) };
                        let participant = ParticipantId(identity);
                        let order = Order { bid, participant, side, level, lots, origin: None };
                        book.add(order);
                        naive.0.push(order);
                    }
                    Step::Replace { which, level, lots } if !naive.0.is_empty() => {
                        let bid = which.get(&naive.0).bid;
                        book.replace(bid, level, lots);
                        naive.replace(bid, level, lots);
                    }
                    Step::Withdraw { which } if !naive.0.is_empty() => {
                        let bid = which.get(&naive.0).bid;
                        book.withdraw(bid);
                        naive.0.retain(|order| order.bid != bid);
                        prop_assert_eq!(book.find(bid), None);
                    }
                    _ => {}
                }
                prop_assert_eq!(book.orders().collect::<Vec<_>>(), naive.0.clone());
                let stored = Book::try_from(book.places().collect::<Vec<_>>()).expect("a book");
                for order in book.places() {
                    let place = book.places.get(order.bid);
                    prop_assert_eq!(stored.places.get(order.bid), place, "each bid is found where it was");
                }
            }
            let mut seen = Vec::new();
            for_each_level(&book.demand, &book.supply, |level, demand, supply| seen.push((level, demand, supply)));
            let expected: Vec<_> = (500..520)
                .map(|level| (level, naive.lots(Side::Buy, Some(level)), naive.lots(Side::Sell, Some(level))))
                .filter(|&(_, demand, supply)| demand != 0 || supply != 0)
                .collect();
            prop_assert_eq!(seen, expected);
            for side in [Side::Buy, Side::Sell] {
                let total: i64 = naive.0.iter().filter(|order| order.side == side).map(|order| order.lots).sum();
                prop_assert_eq!(book.ladder(side).total(), total);
                prop_assert_eq!(book.ladder(side).at_any_price(), naive.lots(side, None));
                prop_assert_eq!(Book::try_from(book.places().collect::<Vec<_>>()).expect("a book").ladder(side).total(), total);
            }
        }
    }
}
