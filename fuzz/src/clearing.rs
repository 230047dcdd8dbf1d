//! The `clear` target: bytes as a rule and a book, and what must hold of every result.
//!
//! The format leaves nothing out that a rule or an order can say, and makes what can be cleared likely: prices fall on the tick and
//! quantities into lots unless an input asks that they do not. [`Case::to_bytes`] writes what [`Case::read`] reads, for the seeds.

use golv_engine::book::Side;
use golv_engine::clearing::check::{check, check_certificate, check_standings, check_winning_limits};
use golv_engine::clearing::{
    Allocation, Candidates, Criterion, Decision, Equilibrium, Order, Outcome, Payment, Quote, Rounding, Rule,
    certificate, clear as cleared, winning_limits,
};
use golv_engine::num::{Price, Quantity};

use crate::bytes::{Bytes, write_number};
use twin::{Twin, nearest_winning, prices_that_matter};

#[path = "../../engine/src/clearing/tests/twin.rs"]
mod twin;

/// More than this many orders are not read: what many orders do, few do too.
const MOST_ORDERS: usize = 40;

/// Winning limits are looked for in books of no more orders: each is tried with many prices.
const MOST_ORDERS_MOVED: usize = 8;

/// A rule and a book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// The rule, which may make no sense.
    pub rule: Rule,
    /// What a seeded draw is made with.
    pub seed: Option<u8>,
    /// The orders, in the order of the book.
    pub orders: Vec<Given>,
}

/// An order, as an input gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// Its id, together with its row.
    pub letter: u8,
    /// Whether it wants or offers.
    pub side: Side,
    /// Its limit.
    pub price: Option<Price>,
    /// How much.
    pub quantity: Quantity,
    /// The least that is of use to it.
    pub min_quantity: Quantity,
    /// When it came.
    pub received: i64,
}

/// Any bytes as a book and a rule are refused, or cleared to an outcome that the checker accepts together with its proof, and to
/// which the naive twin does not object. Nothing panics, whatever the numbers.
pub fn clear(input: &[u8]) {
    let Case { rule, seed, orders } = Case::read(input);
    let ids: Vec<[u8; 2]> = (0_u8..).zip(&orders).map(|(row, order)| [order.letter, row]).collect();
    let mut ascending = ids.clone();
    ascending.sort_unstable();
    let rank = |id: &[u8; 2]| ascending.binary_search(id).expect("it is among all ids");
    let orders: Vec<Order<'_>> = ids
        .iter()
        .zip(&orders)
        .map(|(id, order)| {
            let Given { letter: _, side, price, quantity, min_quantity, received } = *order;
            let rank = u32::try_from(rank(id)).expect("few orders");
            Order { id, rank, side, price, quantity, min_quantity, received }
        })
        .collect();
    let seed = seed.map(|seed| [seed]);
    let seed = seed.as_ref().map(<[u8; 1]>::as_slice);
    let Ok(outcome) = cleared(&orders, &rule, seed) else { return };
    assert_eq!(check(&orders, &rule, seed, &outcome), Ok(()), "{rule:?} {orders:?} {outcome:?}");
    let (public, standings) =
        certificate(&orders, &rule, seed, &outcome).expect("what was cleared can be proved");
    assert_eq!(
        check_certificate(&orders, &rule, &outcome, &public),
        Ok(()),
        "{rule:?} {orders:?} {public:?}"
    );
    assert_eq!(check_standings(&orders, &outcome, &standings), Ok(()), "{rule:?} {orders:?} {standings:?}");
    let world = prices_that_matter(&orders, &rule);
    if orders.len() <= MOST_ORDERS_MOVED {
        moved(&orders, &rule, seed, &outcome, &world);
    }
    if is_said_word_for_word(&rule) {
        let twin = Twin { orders: &orders, rule: &rule, world };
        assert_eq!(twin.objection(&outcome), None, "{rule:?} {orders:?} {outcome:?}");
    }
}

/// Winning limits are accepted, and where the most volume is what decides first they are those that trying all prices finds.
fn moved(orders: &[Order<'_>], rule: &Rule, seed: Option<&[u8]>, outcome: &Outcome, world: &[i128]) {
    let limits = winning_limits(orders, rule, seed, outcome).expect("it was cleared");
    let verdict = check_winning_limits(orders, rule, seed, outcome, &limits);
    assert_eq!(verdict, Ok(()), "{rule:?} {orders:?} {limits:?}");
    let wants = |order: &&Order<'_>| !order.quantity.is_zero();
    if rule.cascade.first() != Some(&Criterion::MostVolume)
        || orders.iter().filter(wants).any(|order| !order.min_quantity.is_zero())
    {
        return;
    }
    for (row, limit) in (0_u32..).zip(limits) {
        let place = usize::try_from(row).expect("few orders");
        if wants(&&orders[place]) && outcome.fills.iter().all(|fill| fill.order != row) {
            let clears = |orders: &[Order<'_>]| cleared(orders, rule, seed).expect("a limit on the tick");
            let naive = nearest_winning(orders, rule, world, place, clears);
            assert_eq!(limit, naive, "row {row}, {rule:?} {orders:?}");
        }
    }
}

/// A reference between two ticks is rounded after the nearest price to it was found, and by the rule's rounding; the twin takes the
/// nearest tick. Both are the same where the rule rounds half up.
fn is_said_word_for_word(rule: &Rule) -> bool {
    let on_tick = rule.tick.is_none_or(|tick| rule.reference().is_none_or(|reference| reference.is_on(tick)));
    rule.candidates != Candidates::Ticks || rule.rounding == Rounding::HalfUp || on_tick
}

/// What is there of a rule or an order, one bit each.
mod there {
    pub(super) const TICK: u8 = 1;
    pub(super) const LOT: u8 = 2;
    pub(super) const MINIMUM: u8 = 4;
    pub(super) const BAND: u8 = 8;
    pub(super) const REFERENCE: u8 = 16;
    pub(super) const FLOOR: u8 = 32;
    pub(super) const CEILING: u8 = 64;
    pub(super) const QUOTE: u8 = 128;

    /// Prices and quantities are taken as they are, between ticks and lots too.
    pub(super) const RAW: u8 = 1;
    pub(super) const SEED: u8 = 2;

    pub(super) const SELLS: u8 = 1;
    pub(super) const LIMIT: u8 = 2;
    pub(super) const MIN_QUANTITY: u8 = 4;
    pub(super) const RECEIVED: u8 = 8;
}

impl Case {
    /// Reads a case from any bytes; what is missing at their end is zero.
    pub fn read(input: &[u8]) -> Self {
        let mut bytes = Bytes::of(input);
        let [has, how] = [bytes.byte(), bytes.byte()];
        let candidates = bytes.one_of(Candidates::ALL);
        let cascade = (0..bytes.byte() % 10).map(|_| bytes.one_of(Criterion::ALL)).collect();
        let allocation = bytes.one_of(Allocation::ALL);
        let payment = bytes.one_of(Payment::ALL);
        let rounding = bytes.one_of(Rounding::ALL);
        let mut number = |bit: u8| (has & bit != 0).then(|| bytes.number());
        let tick = number(there::TICK);
        let lot = number(there::LOT);
        let step = |step: Option<i64>| step.filter(|step| how & there::RAW == 0 && *step > 0).unwrap_or(1);
        let price = |value: i64| Price::from_millionths(value - value % step(tick));
        let quantity = |value: i64| {
            let value = value.checked_abs().unwrap_or(i64::MAX);
            Quantity::from_millionths(value - value % step(lot)).expect("not negative")
        };
        let rule = Rule {
            candidates,
            cascade,
            allocation,
            payment,
            rounding,
            tick: tick.map(Price::from_millionths),
            lot: lot.map(|lot| Quantity::from_millionths(lot.checked_abs().unwrap_or(0)).expect("positive")),
            minimum: number(there::MINIMUM).map(quantity),
            band: number(there::BAND).map(|band| fraction(band.unsigned_abs() % 1_000_001)),
            // It need not be on the tick.
            reference_price: number(there::REFERENCE).map(Price::from_millionths),
            floor: number(there::FLOOR).map(price),
            ceiling: number(there::CEILING).map(price),
            quote: number(there::QUOTE)
                .map(|bid| Quote { bid: price(bid), ask: price(number(there::QUOTE).unwrap_or(0)) }),
        };
        let seed = (how & there::SEED != 0).then(|| bytes.byte());
        let mut orders = Vec::new();
        while !bytes.is_empty() && orders.len() < MOST_ORDERS {
            let [has, letter] = [bytes.byte(), bytes.byte()];
            let mut number = |bit: u8| if has & bit == 0 { None } else { Some(bytes.number()) };
            let limit = number(there::LIMIT).map(price);
            let min_quantity = number(there::MIN_QUANTITY).map_or(Quantity::ZERO, quantity);
            let received = number(there::RECEIVED).unwrap_or(0);
            let side = if has & there::SELLS == 0 { Side::Buy } else { Side::Sell };
            orders.push(Given {
                letter,
                side,
                price: limit,
                quantity: quantity(bytes.number()),
                min_quantity,
                received,
            });
        }
        Self { rule, seed, orders }
    }

    /// The case as bytes. It is read back as it was, if the number of its criteria and orders is not beyond what is read.
    pub fn to_bytes(&self) -> Vec<u8> {
        let rule = &self.rule;
        let bit = |is_there: bool, bit: u8| if is_there { bit } else { 0 };
        let has = [
            bit(rule.tick.is_some(), there::TICK),
            bit(rule.lot.is_some(), there::LOT),
            bit(rule.minimum.is_some(), there::MINIMUM),
            bit(rule.band.is_some(), there::BAND),
            bit(rule.reference_price.is_some(), there::REFERENCE),
            bit(rule.floor.is_some(), there::FLOOR),
            bit(rule.ceiling.is_some(), there::CEILING),
            bit(rule.quote.is_some(), there::QUOTE),
        ];
        let how = bit(self.seed.is_some(), there::SEED);
        let mut bytes = vec![has.into_iter().sum(), how, place(Candidates::ALL, &rule.candidates)];
        bytes.push(u8::try_from(rule.cascade.len()).expect("few criteria"));
        bytes.extend(rule.cascade.iter().map(|criterion| place(Criterion::ALL, criterion)));
        bytes.push(place(Allocation::ALL, &rule.allocation));
        bytes.push(place(Payment::ALL, &rule.payment));
        bytes.push(place(Rounding::ALL, &rule.rounding));
        let price = |price: Option<Price>| price.map(Price::millionths);
        let quantity = |quantity: Option<Quantity>| quantity.map(Quantity::millionths);
        let numbers = [
            price(rule.tick),
            quantity(rule.lot),
            quantity(rule.minimum),
            rule.band.map(|band| band.millionths().into()),
            price(rule.reference_price),
            price(rule.floor),
            price(rule.ceiling),
            price(rule.quote.map(|quote| quote.bid)),
            price(rule.quote.map(|quote| quote.ask)),
        ];
        numbers.into_iter().flatten().for_each(|number| write_number(number, &mut bytes));
        bytes.extend(self.seed);
        for order in &self.orders {
            let min_quantity = (!order.min_quantity.is_zero()).then(|| order.min_quantity.millionths());
            let received = (order.received != 0).then_some(order.received);
            bytes.push(
                bit(order.side == Side::Sell, there::SELLS)
                    | bit(order.price.is_some(), there::LIMIT)
                    | bit(min_quantity.is_some(), there::MIN_QUANTITY)
                    | bit(received.is_some(), there::RECEIVED),
            );
            bytes.push(order.letter);
            let numbers = [price(order.price), min_quantity, received, Some(order.quantity.millionths())];
            numbers.into_iter().flatten().for_each(|number| write_number(number, &mut bytes));
        }
        if Self::read(&bytes) != *self {
            bytes[1] |= there::RAW;
        }
        bytes
    }
}

fn place<T: PartialEq>(all: &[T], one: &T) -> u8 {
    let place = all.iter().position(|other| other == one).expect("it is among all");
    u8::try_from(place).expect("few")
}

fn fraction(millionths: u64) -> golv_engine::num::Share {
    let text = Quantity::from_millionths(millionths.cast_signed()).expect("positive").to_string();
    text.parse().expect("not above one")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bytes::SMALL;

    #[test]
    fn a_case_is_read_as_it_was_written() {
        let price = |text: &str| Some(text.parse().expect("a price"));
        let quantity = |text: &str| text.parse().expect("a quantity");
        let order = |letter: u8, side: Side, limit: &str| Given {
            letter,
            side,
            price: price(limit),
            quantity: quantity("3000"),
            min_quantity: quantity("0.000005"),
            received: -4,
        };
        let case = Case {
            rule: Rule {
                candidates: Candidates::Interval,
                cascade: vec![Criterion::MostVolume, Criterion::LastAcceptedOffer],
                allocation: Allocation::SeededDraw,
                payment: Payment::OwnPrice,
                reference_price: price("-2"),
                tick: price("0.5"),
                rounding: Rounding::HalfEven,
                lot: Some(quantity("0.000001")),
                minimum: Some(quantity("2")),
                band: Some("0.25".parse().expect("a fraction")),
                floor: price("-9223372036854.775808"),
                ceiling: price("9223372036854.775807"),
                quote: Some("1:2".parse().expect("a quote")),
            },
            seed: Some(7),
            orders: vec![
                order(1, Side::Buy, "100"),
                Given { price: None, received: 0, ..order(9, Side::Sell, "0") },
                Given { min_quantity: Quantity::ZERO, ..order(0, Side::Sell, "-0.25") },
            ],
        };
        assert_eq!(Case::read(&case.to_bytes()), case);
    }

    #[test]
    fn what_is_off_the_grid_falls_on_it_unless_asked_not_to() {
        // A tick of 3, no criterion, one buy order at 8.
        let input = |how: u8| [1, how, 0, 0, 0, 0, 0, SMALL, 3, 2, 0, SMALL, 8, SMALL, 1];
        let limit = |how: u8| Case::read(&input(how)).orders[0].price.map(Price::millionths);
        assert_eq!((limit(0), limit(1)), (Some(6), Some(8)));
    }
}
