//! The checker: whether a choice may be made, what it is worth, and whether a result tells the truth.
//!
//! It shares no code with the search. [`value`] takes a choice of anybody's making and goes through the book once; whoever
//! searches elsewhere can have its answer proved here. [`check`] takes a result of [`optimum`](super::optimum) and looks at
//! each number in it, at who came before whom, and at the price.
//!
//! That nothing better exists is more than one reading of a book can show. What it shows is a bound: at any price, no
//! choice is worth more than what all orders in the money at it would gain if each were filled whole. So at the price of a
//! result, the welfare can be exceeded by no more than what those rejected paradoxically would have gained; where
//! there are none, the result is proved to be worth the most.

use serde::{Deserialize, Serialize};

use super::{Chosen, Optimum, Proof, Welfare};
use crate::book::Side;
use crate::clearing::check as clearing;
use crate::clearing::{Allocation, Criterion, Decision, Fill, Order, Payment, Reason, Rule, clear};
use crate::num::{Price, Quantity};

/// A choice among the orders of a book, whoever made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim<'a> {
    /// The price of all trades; `None` where nothing is given.
    pub price: Option<Price>,
    /// Rows of the book, counted from zero, and what each was given.
    pub given: &'a [(u32, Quantity)],
    /// What no choice is said to be worth more than, if anything is said.
    pub bound: Option<Welfare>,
}

/// What a choice is worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// What buyers would have paid less what sellers would have asked.
    pub welfare: Welfare,
    /// How much is bought, and sold.
    pub volume: Quantity,
    /// The rows of orders strictly in the money at the price that are not filled whole, ascending.
    pub paradoxically_rejected: Vec<u32>,
    /// What no choice is worth more than, as the price proves; `None` without a price. A lower bound that somebody claims may
    /// be true, but is not proved by this.
    pub proved_bound: Option<Welfare>,
}

/// What is wrong with a choice or a result. Orders are named by their row, counted from zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Something is given to an order that is not in the book.
    #[error("row {order} is given something and is not in the book")]
    UnknownOrder {
        /// The row.
        order: u32,
    },
    /// An order is given something twice.
    #[error("row {order} is given something twice")]
    GivenTwice {
        /// The order.
        order: u32,
    },
    /// A fill stands after one of a later row.
    #[error("row {order} is given something after a later row; fills stand in the order of the book")]
    OutOfOrder {
        /// The order.
        order: u32,
    },
    /// An order is given nothing, less than its minimum, more than its quantity, or part of a lot.
    #[error("row {order} is given {given}; it takes {minimum} to {quantity}, in whole lots")]
    NotWanted {
        /// The order.
        order: u32,
        /// What it was given.
        given: Quantity,
        /// The least that it takes.
        minimum: Quantity,
        /// The most that it takes.
        quantity: Quantity,
    },
    /// An order trades although its limit is worse than the price.
    #[error("row {order} trades beyond its limit")]
    BeyondLimit {
        /// The order.
        order: u32,
    },
    /// Something is given and there is no price, or the other way round.
    #[error("there is a price where something trades, and nowhere else")]
    PriceWithoutTrade,
    /// The price is outside the rule's bounds or off its tick.
    #[error("the rule does not allow the price {price}")]
    PriceNotAllowed {
        /// The price.
        price: Price,
    },
    /// What is bought is not what is sold.
    #[error("{bought} are bought and {sold} are sold")]
    Unbalanced {
        /// All that buyers are given.
        bought: Quantity,
        /// All that sellers are given.
        sold: Quantity,
    },
    /// What is said to be the most is less than what there is.
    #[error("the bound {bound} is below the welfare {welfare}")]
    BoundTooLow {
        /// What was said.
        bound: Welfare,
        /// What the choice is worth.
        welfare: Welfare,
    },
    /// A number of a result is not what the book and the fills say.
    #[error("the {which} is wrong")]
    WrongNumber {
        /// Which.
        which: Number,
    },
    /// The price is not the one that the rule chooses among those that support the trade.
    #[error("the rule does not choose the price {price}")]
    NotChosen {
        /// The price.
        price: Price,
    },
    /// An order pays or is paid another price than its own or that of all.
    #[error("row {order} trades at {given} instead of {due}")]
    WrongPrice {
        /// The order.
        order: u32,
        /// The price of the fill.
        given: Price,
        /// What it should be.
        due: Price,
    },
    /// The reason given for a fill does not hold.
    #[error("row {order} is told {given:?}, and it is {due:?}")]
    WrongReason {
        /// The order.
        order: u32,
        /// What the result says.
        given: Reason,
        /// What is so.
        due: Reason,
    },
    /// An order with a better limit, or an earlier one of the same limit, could take what another takes.
    #[error("row {order} is wronged: row {by} comes after it and is given more than it must have")]
    PassedOver {
        /// The order that was passed over.
        order: u32,
        /// The order that came after it.
        by: u32,
    },
    /// Of orders that are alike, the later is accepted and the earlier not.
    #[error("row {order} is wronged: row {by} is alike and later, and is accepted in its place")]
    LaterAccepted {
        /// The order that was passed over.
        order: u32,
        /// The order that was accepted.
        by: u32,
    },
}

/// What is wrong, without the orders and numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum FaultKind {
    /// As [`Fault::UnknownOrder`].
    #[error("something is given to an order that is not in the book")]
    UnknownOrder,
    /// As [`Fault::GivenTwice`].
    #[error("an order is given something twice")]
    GivenTwice,
    /// As [`Fault::NotWanted`].
    #[error("an order takes nothing, or from its minimum to its quantity, in whole lots")]
    NotWanted,
    /// As [`Fault::BeyondLimit`], or no price supports the choice.
    #[error("no price at which all of these would trade")]
    Unsupported,
    /// As [`Fault::Unbalanced`].
    #[error("what is bought must be what is sold")]
    Unbalanced,
    /// As [`Fault::BoundTooLow`].
    #[error("the bound is below the welfare")]
    BoundTooLow,
    /// As [`Fault::PassedOver`].
    #[error(
        "an order with a better limit, or an earlier one of the same limit, could take what another takes"
    )]
    PassedOver,
    /// As [`Fault::LaterAccepted`].
    #[error("of orders that are alike, the later is accepted and the earlier not")]
    LaterAccepted,
    /// A number, price or reason that follows from the choice is another.
    #[error("a number of the result is not what follows from it")]
    WrongNumber,
}

impl Fault {
    /// The same without the orders and numbers.
    pub const fn kind(&self) -> FaultKind {
        match self {
            Self::UnknownOrder { .. } => FaultKind::UnknownOrder,
            Self::GivenTwice { .. } => FaultKind::GivenTwice,
            Self::NotWanted { .. } => FaultKind::NotWanted,
            Self::BeyondLimit { .. } | Self::PriceWithoutTrade | Self::PriceNotAllowed { .. } => {
                FaultKind::Unsupported
            }
            Self::Unbalanced { .. } => FaultKind::Unbalanced,
            Self::BoundTooLow { .. } => FaultKind::BoundTooLow,
            Self::PassedOver { .. } => FaultKind::PassedOver,
            Self::LaterAccepted { .. } => FaultKind::LaterAccepted,
            _ => FaultKind::WrongNumber,
        }
    }

    /// The row of the order that it is about, counted from zero; of two, the one that was wronged.
    pub const fn order(&self) -> Option<u32> {
        match *self {
            Self::UnknownOrder { order }
            | Self::GivenTwice { order }
            | Self::OutOfOrder { order }
            | Self::NotWanted { order, .. }
            | Self::BeyondLimit { order }
            | Self::WrongPrice { order, .. }
            | Self::WrongReason { order, .. }
            | Self::PassedOver { order, .. }
            | Self::LaterAccepted { order, .. } => Some(order),
            Self::PriceWithoutTrade
            | Self::PriceNotAllowed { .. }
            | Self::Unbalanced { .. }
            | Self::BoundTooLow { .. }
            | Self::WrongNumber { .. }
            | Self::NotChosen { .. } => None,
        }
    }
}

/// A number of a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Number {
    /// What the trade is worth.
    Welfare,
    /// How much trades.
    Volume,
    /// The orders that are rejected paradoxically.
    ParadoxicallyRejected,
    /// The lowest or highest price that supports the trade.
    SupportingPrices,
}

impl std::fmt::Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Welfare => "welfare",
            Self::Volume => "volume",
            Self::ParadoxicallyRejected => "list of orders that are rejected paradoxically",
            Self::SupportingPrices => "range of prices that support the trade",
        })
    }
}

/// Whether a choice may be made, and what it is worth. Takes time in proportion to the book.
///
/// # Errors
///
/// The first fault: of single orders in the order of the claim, then of the price and the totals.
pub fn value(orders: &[Order<'_>], rule: &Rule, claim: Claim<'_>) -> Result<Value, Fault> {
    let given = read_given(orders, rule, claim)?;
    value_of(orders, rule, claim, &given)
}

/// What a choice is worth that gives so much to each row.
fn value_of(orders: &[Order<'_>], rule: &Rule, claim: Claim<'_>, given: &[Quantity]) -> Result<Value, Fault> {
    if claim.price.is_some() == claim.given.is_empty() {
        return Err(Fault::PriceWithoutTrade);
    }
    if let Some(price) = claim.price
        && (rule.lowest_price().is_some_and(|lowest| price < lowest)
            || rule.highest_price().is_some_and(|highest| price > highest)
            || rule.tick.is_some_and(|tick| !price.is_on(tick)))
    {
        return Err(Fault::PriceNotAllowed { price });
    }
    // Neither exceeds what its side wants, which fits.
    let sum = |side: Side| {
        let of_side = orders.iter().zip(given).filter(|(order, _)| order.side == side);
        of_side.fold(Quantity::ZERO, |sum, (_, given)| sum.checked_add(*given).unwrap_or(sum))
    };
    let (bought, sold) = (sum(Side::Buy), sum(Side::Sell));
    if bought != sold {
        return Err(Fault::Unbalanced { bought, sold });
    }
    let values = Values::new(orders, rule);
    let total = |quantity: &dyn Fn(&Order<'_>, Quantity) -> Quantity| {
        orders.iter().zip(given).fold(Welfare::ZERO, |total, (order, given)| {
            let worth = Welfare::of(quantity(order, *given), values.of(order));
            if order.side == Side::Buy { total.plus(worth) } else { total.minus(worth) }
        })
    };
    let welfare = total(&|_, given| given);
    if let Some(bound) = claim.bound.filter(|bound| *bound < welfare) {
        return Err(Fault::BoundTooLow { bound, welfare });
    }
    let rejected = |price: Price| {
        let rows = (0_u32..).zip(orders.iter().zip(given));
        let rejected = rows.filter(|(_, (order, given))| **given < order.quantity && gains(order, price));
        rejected.map(|(row, _)| row).collect()
    };
    Ok(Value {
        welfare,
        volume: bought,
        paradoxically_rejected: claim.price.map(rejected).unwrap_or_default(),
        proved_bound: claim.price.map(|price| values.bound(orders, price)),
    })
}

/// Checks a result against its book and rule, which must be ones that can be cleared, and tells what it is worth. That
/// nothing is better is not checked beyond the [proved bound](Value::proved_bound).
///
/// # Errors
///
/// The first fault: as [`value`], then numbers, the price, the fills, and who was passed over.
pub fn check(orders: &[Order<'_>], rule: &Rule, result: &Optimum) -> Result<Value, Fault> {
    let given: Vec<(u32, Quantity)> = result.fills.iter().map(|fill| (fill.order, fill.quantity)).collect();
    let bound = match result.proof {
        Proof::Optimal => None,
        Proof::Bound(bound) => Some(bound),
    };
    let claim = Claim { price: result.price(), given: &given, bound };
    let given = read_given(orders, rule, claim)?;
    let value = value_of(orders, rule, claim, &given)?;
    let wrong = |which: Number| Err(Fault::WrongNumber { which });
    if result.welfare != value.welfare {
        return wrong(Number::Welfare);
    }
    if result.volume != value.volume {
        return wrong(Number::Volume);
    }
    if result.paradoxically_rejected != value.paradoxically_rejected {
        return wrong(Number::ParadoxicallyRejected);
    }
    if let Some(chosen) = &result.chosen {
        check_price(orders, rule, &given, chosen)?;
        check_fills(orders, rule, chosen.price, &result.fills)?;
    }
    check_precedence(orders, rule, &given)?;
    Ok(value)
}

/// What each row was given, after refusing what no order takes.
fn read_given(orders: &[Order<'_>], rule: &Rule, claim: Claim<'_>) -> Result<Vec<Quantity>, Fault> {
    let mut given = vec![Quantity::ZERO; orders.len()];
    for &(order, amount) in claim.given {
        let row = usize::try_from(order).ok();
        let (Some(of), Some(place)) =
            (row.and_then(|row| orders.get(row)), row.and_then(|row| given.get_mut(row)))
        else {
            return Err(Fault::UnknownOrder { order });
        };
        if !place.is_zero() {
            return Err(Fault::GivenTwice { order });
        }
        let is_in_lots = rule.lot.is_none_or(|lot| amount.is_in(lot));
        if amount.is_zero() || amount < of.min_quantity || amount > of.quantity || !is_in_lots {
            let (minimum, quantity) = (of.min_quantity, of.quantity);
            return Err(Fault::NotWanted { order, given: amount, minimum, quantity });
        }
        if claim.price.is_some_and(|price| loses(of, price)) {
            return Err(Fault::BeyondLimit { order });
        }
        *place = amount;
    }
    Ok(given)
}

/// Whether an order's limit is worse than a price.
fn loses(order: &Order<'_>, price: Price) -> bool {
    order.price.is_some_and(|limit| match order.side {
        Side::Buy => limit < price,
        Side::Sell => limit > price,
    })
}

/// Whether an order is strictly in the money at a price, as a market order is at any.
fn gains(order: &Order<'_>, price: Price) -> bool {
    order.price.is_none_or(|limit| match order.side {
        Side::Buy => limit > price,
        Side::Sell => limit < price,
    })
}

/// What market orders count as.
struct Values {
    buy: Price,
    sell: Price,
}

impl Values {
    /// The highest and the lowest of all limits at which something may trade, and of the rule's bounds.
    fn new(orders: &[Order<'_>], rule: &Rule) -> Self {
        let (lowest, highest) = (rule.lowest_price(), rule.highest_price());
        let may_trade = |order: &&Order<'_>| {
            let is_out = match order.side {
                Side::Buy => lowest.is_some_and(|lowest| loses(order, lowest)),
                Side::Sell => highest.is_some_and(|highest| loses(order, highest)),
            };
            !order.quantity.is_zero() && !is_out
        };
        let prices = || {
            let limits = orders.iter().filter(may_trade).filter_map(|order| order.price);
            limits.chain(lowest).chain(highest)
        };
        Self { buy: prices().max().unwrap_or(Price::ZERO), sell: prices().min().unwrap_or(Price::ZERO) }
    }

    fn of(&self, order: &Order<'_>) -> Price {
        let market = if order.side == Side::Buy { self.buy } else { self.sell };
        order.price.unwrap_or(market)
    }

    /// What all orders in the money at a price gain by it if each is filled whole. No choice is worth more: what is paid is
    /// received, and so whatever trades is worth what its orders gain.
    fn bound(&self, orders: &[Order<'_>], price: Price) -> Welfare {
        orders.iter().fold(Welfare::ZERO, |bound, order| {
            let (own, paid) =
                (Welfare::of(order.quantity, self.of(order)), Welfare::of(order.quantity, price));
            let gain = if order.side == Side::Buy { own.minus(paid) } else { paid.minus(own) };
            bound.plus(gain.max(Welfare::ZERO))
        })
    }
}

/// The range of supporting prices, and that the rule chooses this one among them, as the clearing's own checker sees it: in
/// a book without the orders with a minimum that are given nothing.
fn check_price(orders: &[Order<'_>], rule: &Rule, given: &[Quantity], chosen: &Chosen) -> Result<(), Fault> {
    let limits = |side: Side| {
        let accepted =
            orders.iter().zip(given).filter(move |(order, given)| order.side == side && !given.is_zero());
        accepted.filter_map(|(order, _)| order.price)
    };
    let lowest = limits(Side::Sell).chain(rule.lowest_price()).max();
    let highest = limits(Side::Buy).chain(rule.highest_price()).min();
    if (chosen.lowest, chosen.highest) != (lowest, highest) {
        return Err(Fault::WrongNumber { which: Number::SupportingPrices });
    }
    let ends = [Criterion::LastAcceptedOffer, Criterion::Reference];
    let missing = ends.into_iter().filter(|criterion| !rule.cascade.contains(criterion));
    let rule = Rule {
        cascade: rule.cascade.iter().copied().chain(missing).collect(),
        allocation: Allocation::PriceTime,
        floor: lowest,
        ceiling: highest,
        ..rule.clone()
    };
    let divisible: Vec<Order<'_>> = orders
        .iter()
        .zip(given)
        .filter(|(order, given)| order.min_quantity.is_zero() || !given.is_zero())
        .map(|(order, _)| Order { min_quantity: Quantity::ZERO, ..*order })
        .collect();
    let due = clear(&divisible, &rule, None).ok().filter(|due| {
        clearing::check(&divisible, &rule, None, due).is_ok()
            && due.decision == Decision::Price { price: chosen.price, step: chosen.step }
    });
    due.map(|_| ()).ok_or(Fault::NotChosen { price: chosen.price })
}

/// The order of the fills, and each one's price and reason.
fn check_fills(orders: &[Order<'_>], rule: &Rule, price: Price, fills: &[Fill]) -> Result<(), Fault> {
    let mut last = None;
    for fill in fills {
        let order = fill.order;
        if last.is_some_and(|last| last > order) {
            return Err(Fault::OutOfOrder { order });
        }
        last = Some(order);
        let Some(of) = usize::try_from(order).ok().and_then(|row| orders.get(row)) else {
            return Err(Fault::UnknownOrder { order });
        };
        let due = match (rule.payment, of.price) {
            (Payment::OwnPrice, Some(limit)) => limit,
            _ => price,
        };
        if fill.price != due {
            return Err(Fault::WrongPrice { order, given: fill.price, due });
        }
        let due = match of.price {
            _ if fill.quantity != of.quantity => Reason::Rationed,
            Some(limit) if limit == price => Reason::AtThePrice,
            _ => Reason::InTheMoney,
        };
        if fill.reason != due {
            return Err(Fault::WrongReason { order, given: fill.reason, due });
        }
    }
    Ok(())
}

/// Nobody takes more than it must where a better or earlier order could take it, and of orders that are alike the earlier is
/// accepted first. Takes time for sorting.
// Rules: R-AUC-059.
fn check_precedence(orders: &[Order<'_>], rule: &Rule, given: &[Quantity]) -> Result<(), Fault> {
    let values = Values::new(orders, rule);
    for side in [Side::Buy, Side::Sell] {
        let of_side = (0_u32..).zip(orders.iter().zip(given)).filter(|(_, (order, _))| order.side == side);
        let mut of_side: Vec<(u32, &Order<'_>, Quantity)> =
            of_side.map(|(row, (order, amount))| (row, order, *amount)).collect();
        of_side.sort_by_key(|(row, order, _)| {
            let value = i128::from(values.of(order).millionths());
            let merit = if side == Side::Buy { value.saturating_neg() } else { value };
            (merit, order.price.is_some(), order.received, *row)
        });
        // The first that could take more: accepted or without a minimum, and not full.
        let mut first: Option<u32> = None;
        for (row, order, amount) in &of_side {
            if let Some(first) = first.filter(|_| *amount > order.min_quantity) {
                return Err(Fault::PassedOver { order: first, by: *row });
            }
            let is_open = !amount.is_zero() || order.min_quantity.is_zero();
            if first.is_none() && is_open && *amount < order.quantity {
                first = Some(*row);
            }
        }
        let alike = |order: &Order<'_>| (order.price, order.quantity, order.min_quantity);
        of_side.retain(|(_, order, _)| !order.min_quantity.is_zero());
        of_side.sort_by_key(|(row, order, _)| (alike(order), order.received, *row));
        for pair in of_side.windows(2) {
            if let [(earlier, one, nothing), (later, other, something)] = pair
                && alike(one) == alike(other)
                && nothing.is_zero()
                && !something.is_zero()
            {
                return Err(Fault::LaterAccepted { order: *earlier, by: *later });
            }
        }
    }
    Ok(())
}
