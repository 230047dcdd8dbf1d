//! The checker: accepts a result, or names the order that was wronged.
//!
//! It is a second, plainer reading of the rules and shares no code with the clearing but the types of its arguments. It
//! works out demand and supply by search in sorted limits where the clearing walks levels, and says for each order what it
//! is due. What a checker is for is to be read and believed, so it takes the simplest way that is not too slow:
//! orders × log(orders), but for minimums, where each round that drops an order counts again.
//!
//! | what is checked | where |
//! |---|---|
//! | the outcome: [`check()`] | here |
//! | which price the rule gives | `price.rs` |
//! | who is due what | `shares.rs` |
//! | what proves it: [`check_certificate`], [`check_standings`] | `proof.rs` |
//! | with which limits orders would have won: [`check_winning_limits`] | `winning.rs` |

mod price;
mod proof;
mod shares;
mod winning;

use super::{CurvePoint, Decision, Equilibrium, Order, Outcome, Payment, Reason, Rule};
use crate::book::Side;
use crate::num::{Price, Quantity};
use price::Sorted;

pub use proof::{check_certificate, check_standings};
pub use winning::check_winning_limits;

/// What is wrong with a result. Orders are named by their row, counted from zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A fill of an order that is not in the book.
    #[error("row {order} is given something and is not in the book")]
    UnknownOrder {
        /// The row.
        order: u32,
    },
    /// An order has two fills.
    #[error("row {order} is given something twice")]
    FilledTwice {
        /// The order.
        order: u32,
    },
    /// A fill stands after one of a later row.
    #[error("row {order} is given something after a later row; fills stand in the order of the book")]
    OutOfOrder {
        /// The order.
        order: u32,
    },
    /// A fill of nothing, or of more than was wanted.
    #[error("row {order} is given {given} and wants {wanted}")]
    NotWanted {
        /// The order.
        order: u32,
        /// What it was given.
        given: Quantity,
        /// What it wants.
        wanted: Quantity,
    },
    /// An order trades although its limit is worse than the price, or although there is no price.
    #[error("row {order} trades beyond its limit")]
    BeyondLimit {
        /// The order.
        order: u32,
    },
    /// The price is not the one that the rule gives.
    #[error("the decision is {}, by the rule it is {}", decision(*given), decision(*due))]
    WrongDecision {
        /// What the result says.
        given: Decision,
        /// What the rule gives.
        due: Decision,
    },
    /// The equilibrium is not that of the book.
    #[error("the equilibrium is {}, by its definition it is {}", equilibrium(*given), equilibrium(*due))]
    WrongEquilibrium {
        /// What the result says.
        given: Equilibrium,
        /// What it is.
        due: Equilibrium,
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
    /// An order was given less than it is due.
    #[error("row {order} is wronged: it is given {given} and is due {due}")]
    Wronged {
        /// The order.
        order: u32,
        /// What it was given.
        given: Quantity,
        /// What the rule gives it.
        due: Quantity,
    },
    /// An order was given more than it is due, and nobody less.
    #[error("row {order} is favoured: it is given {given} and is due {due}")]
    Favoured {
        /// The order.
        order: u32,
        /// What it was given.
        given: Quantity,
        /// What the rule gives it.
        due: Quantity,
    },
    /// The reason given for a fill does not hold.
    #[error("row {order} is told {given}, and it is {due}")]
    WrongReason {
        /// The order.
        order: u32,
        /// What the result says.
        given: Reason,
        /// What is so.
        due: Reason,
    },
    /// A total of a result or a certificate is not what the fills and the book say.
    #[error("the totals do not add up: the {which} is wrong")]
    WrongTotal {
        /// Which total.
        which: Total,
    },
    /// The curve of a certificate is not the book's at its decisive prices: its first point that is other than it should be.
    #[error("the certificate's curve has {}, where the book has {}", point(*given), point(*due))]
    WrongCurve {
        /// What the certificate says; `None` where it ends.
        given: Option<CurvePoint>,
        /// What the book says; `None` where nothing more is decisive.
        due: Option<CurvePoint>,
    },
    /// An order is not told how it stands, or another in its place.
    #[error("row {order} has no standing in its place; each order has one, in the order of the book")]
    StandingMissing {
        /// The order.
        order: u32,
    },
    /// There are more standings than orders.
    #[error("a standing of row {order} is left over; each order has one, in the order of the book")]
    StandingLeftOver {
        /// The row that it names.
        order: u32,
    },
    /// An order is told another quantity than its fill has.
    #[error("row {order} is told that it was given {given}, and it was given {due}")]
    WrongStanding {
        /// The order.
        order: u32,
        /// What it is told.
        given: Quantity,
        /// What it was given.
        due: Quantity,
    },
    /// An order is told of a winning limit, and was given something, or can have none.
    #[error(
        "row {order} is told that {limit} would have won; only an order with a limit, without a minimum, that was given nothing \
         has a winning limit"
    )]
    NoWinningLimit {
        /// The order.
        order: u32,
        /// What it is told.
        limit: Price,
    },
    /// An order is told of a limit with which it would not have been given anything, or that is none for it.
    #[error("row {order} is told that {limit} would have won, and it would not")]
    NotWinning {
        /// The order.
        order: u32,
        /// What it is told.
        limit: Price,
    },
    /// An order is told of a limit, and a nearer one would have won too.
    #[error("row {order} is told that {limit} would have won, and {nearer} would")]
    NearerWins {
        /// The order.
        order: u32,
        /// What it is told.
        limit: Price,
        /// The limit one tick nearer to its own.
        nearer: Price,
    },
    /// An order is told that no limit would have won.
    #[error("row {order} is told that no limit would have won, and {limit} would")]
    WinningNotTold {
        /// The order.
        order: u32,
        /// A limit that would.
        limit: Price,
    },
}

impl Fault {
    /// The row of the order that it is about, counted from zero.
    pub const fn order(&self) -> Option<u32> {
        match self {
            Self::UnknownOrder { order }
            | Self::FilledTwice { order }
            | Self::OutOfOrder { order }
            | Self::NotWanted { order, .. }
            | Self::BeyondLimit { order }
            | Self::WrongPrice { order, .. }
            | Self::Wronged { order, .. }
            | Self::Favoured { order, .. }
            | Self::WrongReason { order, .. }
            | Self::StandingMissing { order }
            | Self::StandingLeftOver { order }
            | Self::WrongStanding { order, .. }
            | Self::NoWinningLimit { order, .. }
            | Self::NotWinning { order, .. }
            | Self::NearerWins { order, .. }
            | Self::WinningNotTold { order, .. } => Some(*order),
            Self::WrongDecision { .. }
            | Self::WrongEquilibrium { .. }
            | Self::WrongTotal { .. }
            | Self::WrongCurve { .. } => None,
        }
    }
}

/// A decision in words.
fn decision(decision: Decision) -> String {
    match decision {
        Decision::Price { price, step } => format!("a price of {price} by {step}"),
        Decision::NothingTrades => "that nothing trades".to_owned(),
        Decision::Undecided { lowest, highest } => {
            format!("open between {} and {}", end(lowest), end(highest))
        }
    }
}

/// An equilibrium in words.
fn equilibrium(equilibrium: Equilibrium) -> String {
    format!("{} to {}", end(equilibrium.low), end(equilibrium.high))
}

fn end(end: Option<Price>) -> String {
    end.map_or_else(|| "no end".to_owned(), |price| price.to_string())
}

/// A point of a curve in words.
fn point(point: Option<CurvePoint>) -> String {
    point.map_or_else(
        || "no further point".to_owned(),
        |CurvePoint { price, demand, supply }| {
            format!("a demand of {demand} and a supply of {supply} at {price}")
        },
    )
}

/// A total of a result, or of the certificate of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Total {
    /// How much trades.
    Volume,
    /// How much more is wanted or offered, and by whom.
    Surplus,
    /// How much more was given than there was.
    OverAllotted,
    /// All that is wanted at any price.
    Demand,
    /// All that is offered at any price.
    Supply,
    /// All that buyers were given.
    Bought,
    /// All that sellers were given.
    Sold,
}

impl std::fmt::Display for Total {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Volume => "volume",
            Self::Surplus => "surplus",
            Self::OverAllotted => "over-allotment",
            Self::Demand => "total demand",
            Self::Supply => "total supply",
            Self::Bought => "sum of what is bought",
            Self::Sold => "sum of what is sold",
        })
    }
}

/// Checks a result against its book and rule, which must be ones that can be cleared.
///
/// # Errors
///
/// The first fault found, in this order: fills that no rule could give, the decision, the equilibrium, who got what (the
/// first row that got too little, before the first that got too much), prices and reasons, totals.
pub fn check(orders: &[Order<'_>], rule: &Rule, seed: Option<&[u8]>, outcome: &Outcome) -> Result<(), Fault> {
    let given = read_fills(orders, outcome)?;
    let book = Sorted::new(orders);
    let due = book.decision(rule);
    if outcome.decision != due {
        return Err(Fault::WrongDecision { given: outcome.decision, due });
    }
    let equilibrium = book.equilibrium();
    if outcome.equilibrium != equilibrium {
        return Err(Fault::WrongEquilibrium { given: outcome.equilibrium, due: equilibrium });
    }
    let Decision::Price { price, .. } = due else {
        // Nothing was filled, or it would have been refused above.
        return check_nothing(outcome);
    };
    let price = i128::from(price.millionths());
    let dues = shares::dues(orders, rule, seed.unwrap_or_default(), price);
    compare(&given, &dues)?;
    check_fills(orders, rule, outcome)?;

    let [bought, sold] = [Side::Buy, Side::Sell].map(|side| sum(orders, side, &given));
    if i128::from(outcome.volume.millionths()) != bought.min(sold) {
        return Err(Fault::WrongTotal { which: Total::Volume });
    }
    let (wanted, offered) = (book.wanted_from(price), book.offered_to(price));
    let side = if wanted > offered { Some(Side::Buy) } else { (wanted < offered).then_some(Side::Sell) };
    let surplus = u128::try_from(outcome.surplus.millionths()).ok();
    if surplus != Some(wanted.abs_diff(offered)) || outcome.surplus_side != side {
        return Err(Fault::WrongTotal { which: Total::Surplus });
    }
    if u128::try_from(outcome.over_allotted.millionths()).ok() != Some(bought.abs_diff(sold)) {
        return Err(Fault::WrongTotal { which: Total::OverAllotted });
    }
    Ok(())
}

/// What a side was given.
fn sum(orders: &[Order<'_>], side: Side, given: &[i128]) -> i128 {
    let of_side = orders.iter().zip(given).filter(|(order, _)| order.side == side);
    of_side.map(|(_, given)| *given).sum()
}

/// Where there is no price there are no totals.
fn check_nothing(outcome: &Outcome) -> Result<(), Fault> {
    let which = if !outcome.volume.is_zero() {
        Total::Volume
    } else if !outcome.surplus.is_zero() || outcome.surplus_side.is_some() {
        Total::Surplus
    } else if !outcome.over_allotted.is_zero() {
        Total::OverAllotted
    } else {
        return Ok(());
    };
    Err(Fault::WrongTotal { which })
}

/// What each order was given, after refusing what no rule could give.
fn read_fills(orders: &[Order<'_>], outcome: &Outcome) -> Result<Vec<i128>, Fault> {
    let mut given = vec![0_i128; orders.len()];
    let mut last = None;
    for fill in &outcome.fills {
        let order = fill.order;
        let row = usize::try_from(order).ok();
        let (Some(of), Some(place)) =
            (row.and_then(|row| orders.get(row)), row.and_then(|row| given.get_mut(row)))
        else {
            return Err(Fault::UnknownOrder { order });
        };
        if *place != 0 {
            return Err(Fault::FilledTwice { order });
        }
        if last.is_some_and(|last| last > order) {
            return Err(Fault::OutOfOrder { order });
        }
        last = Some(order);
        if fill.quantity.is_zero() || fill.quantity > of.quantity {
            return Err(Fault::NotWanted { order, given: fill.quantity, wanted: of.quantity });
        }
        let fits = outcome.price().is_some_and(|price| {
            of.price.is_none_or(|limit| if of.side == Side::Buy { limit >= price } else { limit <= price })
        });
        if !fits {
            return Err(Fault::BeyondLimit { order });
        }
        *place = i128::from(fill.quantity.millionths());
    }
    Ok(given)
}

/// Names the first order that got less than its due, or else the first that got more.
fn compare(given: &[i128], dues: &[i128]) -> Result<(), Fault> {
    let quantity = |amount: i128| {
        i64::try_from(amount).ok().and_then(Quantity::from_millionths).unwrap_or(Quantity::ZERO)
    };
    let rows = || (0_u32..).zip(given.iter().zip(dues));
    if let Some((order, (given, due))) = rows().find(|(_, (given, due))| given < due) {
        return Err(Fault::Wronged { order, given: quantity(*given), due: quantity(*due) });
    }
    if let Some((order, (given, due))) = rows().find(|(_, (given, due))| given > due) {
        return Err(Fault::Favoured { order, given: quantity(*given), due: quantity(*due) });
    }
    Ok(())
}

/// Each fill's price and reason.
fn check_fills(orders: &[Order<'_>], rule: &Rule, outcome: &Outcome) -> Result<(), Fault> {
    let Some(price) = outcome.price() else {
        return Ok(());
    };
    for fill in &outcome.fills {
        let Some(order) = usize::try_from(fill.order).ok().and_then(|row| orders.get(row)) else {
            return Err(Fault::UnknownOrder { order: fill.order });
        };
        let due = match (rule.payment, order.price) {
            (Payment::OwnPrice, Some(limit)) => limit,
            _ => price,
        };
        if fill.price != due {
            return Err(Fault::WrongPrice { order: fill.order, given: fill.price, due });
        }
        let due = proof::reason(order, Some(price), fill.quantity);
        if fill.reason != due {
            return Err(Fault::WrongReason { order: fill.order, given: fill.reason, due });
        }
    }
    Ok(())
}
