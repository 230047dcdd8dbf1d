//! Support auctions: which offers are awarded public support, at which price, and why the others are not.
//!
//! Suppliers offer a volume at a price, for example a strike. A [`SupportRule`] says, as data, in which order offers are
//! looked at and what limits the awards: a volume, a budget, a part of either for a technology, an owner or a
//! delivery year, a share of origin. [`award`] is a function of offers and rule:
//!
//! 1. Offers above their ceiling are set aside. The others stand in one *stack*: by score (price − premium), then by time or a draw, in
//!    all delivery years together.
//! 2. Pots are held one after the other, and in each its minima before the rest. From the top of the stack, an offer is
//!    awarded as much as every limit leaves: whole, or the most whole lots from its minimum on.
//! 3. With one price, an award raises what everybody of its pot and delivery year is paid: the highest score awarded plus the
//!    own premium, up to the own ceiling. What was awarded before is valued anew, and an offer that would make that break
//!    a limit is not awarded. What was awarded under a minimum keeps that auction's price.
//! 4. An offer that does not fit stops the limits that it breaks, or closes its delivery year, or is skipped, as the rule says.
//! 5. A cap by origin looks at the awards as a whole: it is lowered until the shares after the cut keep it.
//!
//! An award never costs less than its offer asks. Offers of one *unit* exclude each other: once one is awarded, the others are
//! not looked at. Every rejection names what stood in the way, and by how much.
//!
//! | step | where |
//! |---|---|
//! | the rule, as data | `rule.rs` |
//! | offers in the order of the stack, checked | `stack.rs` |
//! | what limits have taken in and what they leave | `bounds.rs` |
//! | the way down the stack | `walk.rs` |
//! | the cap by origin | `origin.rs` |
//! | whether an outcome is right, by other means | `check/` |
//!
//! Raising one's own price never wins more, with three exceptions. Where an auction that everybody wins is void, an offer that is
//! dearer can save it. An offer that misses a minimum's auction can win more beside it. And a cap by origin looks at all awards
//! together, so that others' cuts move with one's own. What limits count only grows on the way down, so what is in the way of
//! an offer at its turn is still so in the end.

mod bounds;
pub mod check;
mod origin;
mod rule;
mod stack;
#[cfg(test)]
mod tests;
mod walk;

use serde::{Deserialize, Serialize};

use crate::clearing::Payment;
use crate::num::{Amount, Price, Quantity};
use crate::text::{Country, Name};
use stack::Stack;
use walk::Walk;

pub use rule::{
    Competition, Each, Limit, Misfit, Most, OriginCap, PARTS_MAX, Position, SupportRule, SupportRuleError,
    SupportRuleFault, Technology, Ties, Uncontested, Years,
};
pub use stack::{Offer, OfferFault, SupportError, check_offer};

/// What came out: who is awarded what, and why the others are not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// In the order of the offers. An offer that won a part under a minimum and a part beside it has two.
    pub awards: Vec<Award>,
    /// The offers that are not awarded whole, in the order of the stack, those above their ceilings last.
    pub rejections: Vec<Rejection>,
    /// Why nothing is awarded at all, if that is so for want of competition.
    pub void: Option<Void>,
    /// With one price: the score that each auction cleared at, in the order in which they were held, of one the years ascending.
    pub clearing: Vec<ClearingScore>,
    /// What was awarded, and what it costs.
    pub totals: Totals,
    /// The same without the cap by origin, if the rule has one: the difference is the price of diversification.
    pub without_origin_cap: Option<Totals>,
    /// With a cap by origin: of how much volume, standing awards with it and positions beside it, each country was allowed its share.
    /// It is no more than what is awarded. It is less only where offers are not divisible or more than a volume is limited, a smaller cap
    /// made room for more volume, and the larger caps of that would have led to less. Where all win and that is void, it is what they would have had.
    pub origin_volume: Option<Quantity>,
    /// What each limit that is for all has taken in, in the order of the rule.
    pub used: Vec<Option<Size>>,
}

/// What an offer was awarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Award {
    /// The offer, counted from zero.
    pub offer: u32,
    /// How much.
    pub quantity: Quantity,
    /// What it is paid for each unit.
    pub price: Price,
    /// The minimum that it was awarded under, counted from zero.
    pub minimum: Option<u32>,
}

/// An offer that is not awarded, or not whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// The offer, counted from zero.
    pub offer: u32,
    /// Why.
    pub reason: Reason,
}

/// Why an offer is not awarded, or no more of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reason {
    /// It asks more than its ceiling.
    AboveCeiling {
        /// The ceiling.
        ceiling: Price,
    },
    /// The least more of it would break these. Were each of them larger by what is over, it would be awarded.
    Limited(Vec<Breach>),
    /// A limit that counts it takes nothing more since this offer did not fit.
    Stopped {
        /// The limit.
        constraint: Constraint,
        /// The offer, counted from zero.
        by: u32,
    },
    /// Its delivery year takes nothing more since this offer did not fit.
    YearClosed {
        /// The offer, counted from zero.
        by: u32,
    },
    /// Another offer of its unit was awarded.
    Excluded {
        /// The offer, counted from zero.
        by: u32,
    },
    /// Nothing is awarded at all.
    Void,
}

/// What is in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Constraint {
    /// A limit of the rule, counted from zero.
    Limit(u32),
    /// The part of what is offered that is awarded at most.
    Competition,
    /// The cap of the offer's country.
    Origin(Country),
}

/// A limit that would be broken, and by how much.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Breach {
    /// What would be broken.
    pub constraint: Constraint,
    /// By how much. Money is rounded up to a millionth.
    pub over: Size,
}

/// How much, in what a limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Size {
    /// Volume of a period.
    Quantity(Quantity),
    /// Money, over all periods.
    Money(Amount),
}

/// Why an auction is void.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Void {
    /// Too few owners offer at or below the ceilings.
    TooFewOwners {
        /// How many do.
        owners: u32,
    },
    /// Every offer at or below the ceilings would have been awarded whole.
    AllWin,
}

/// At which score an auction within the auction cleared: everybody in it is paid the score plus its own premium, up to its
/// ceiling.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClearingScore {
    /// The pot, if it has a name.
    pub pot: Option<Name>,
    /// The minimum, counted from zero, if it is a minimum's auction.
    pub minimum: Option<u32>,
    /// The delivery year.
    pub year: u16,
    /// The highest score awarded; `None` where nobody competed and ceilings are paid.
    pub score: Option<Price>,
}

/// What was awarded, all together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// The volume of one period.
    pub quantity: Quantity,
    /// Price paid × quantity over all periods, rounded up to a millionth. A price below zero costs nothing.
    pub cost: Amount,
}

/// Awards support.
///
/// `seed` is what a draw among offers of one score is made with.
///
/// # Errors
///
/// A rule that makes no sense, or the first offer that it cannot take.
pub fn award(offers: &[Offer<'_>], rule: &SupportRule, seed: Option<&[u8]>) -> Result<Outcome, SupportError> {
    let stack = Stack::new(offers, rule, seed)?;
    Ok(outcome(&stack, rule))
}

/// Awards what has come free to the offers that were not awarded whole: the *reserve list*. Offers that were refused by their
/// owners are `declined`; `standing` is what others were awarded and keep, at its price. The rest of the stack is gone through by the same
/// rule, everybody at its own price, since what others are paid does not change any more. Minima are not held again, and what
/// was offered at the auction still counts as offered.
///
/// # Errors
///
/// As [`award`], and a standing award or a declined offer that is no offer's, or an award that is no part of its offer.
// Rules: R-AUC-086.
pub fn call_reserve(
    offers: &[Offer<'_>],
    rule: &SupportRule,
    seed: Option<&[u8]>,
    standing: &[Award],
    declined: &[u32],
) -> Result<Outcome, SupportError> {
    let mut stack = Stack::new(offers, rule, seed)?;
    stack.leave_out(standing, declined, rule)?;
    let rule = SupportRule {
        payment: Payment::OwnPrice,
        uncontested: Uncontested::Clearing,
        minima: Vec::new(),
        competition: Competition { void_if_all_win: false, least_owner_groups: None, ..rule.competition },
        ..rule.clone()
    };
    Ok(outcome(&stack, &rule))
}

/// The highest price on the tick, lower than its own and at or above `lowest`, at which an offer that won nothing would have been awarded
/// something, all others unchanged. `None` where it would not even win at the lowest.
///
/// It is found by halving, since an offer that is dearer wins no more; each step awards the whole auction anew. In the cases where that
/// is not so (see above) it is a price that wins while the next tick does not.
///
/// # Errors
///
/// As [`award`].
pub fn winning_price(
    offers: &[Offer<'_>],
    rule: &SupportRule,
    seed: Option<&[u8]>,
    offer: u32,
    (lowest, tick): (Price, Price),
) -> Result<Option<Price>, SupportError> {
    let Some(own) = usize::try_from(offer).ok().and_then(|row| offers.get(row)) else {
        return Ok(None);
    };
    let mut offers = offers.to_vec();
    let mut wins_at = |price: Price| {
        if let Some(place) = usize::try_from(offer).ok().and_then(|row| offers.get_mut(row)) {
            place.price = price;
        }
        let outcome = award(&offers, rule, seed)?;
        Ok::<_, SupportError>(outcome.awards.iter().any(|award| award.offer == offer))
    };
    // Rounded up, so that the lowest is no lower and the highest is one that is not asked about.
    let steps = |price: Price| {
        let (price, tick) = (price.millionths(), tick.millionths());
        let whole = price.checked_div_euclid(tick)?;
        whole.checked_add(i64::from(price.checked_rem_euclid(tick)? > 0))
    };
    let price = |steps: i64| Price::from_millionths(steps.saturating_mul(tick.millionths()));
    let (Some(mut low), Some(mut high)) = (steps(lowest), steps(own.price)) else {
        return Ok(None);
    };
    if low >= high || !wins_at(price(low))? {
        return Ok(None);
    }
    // It wins at `low` and not at `high`.
    while high.saturating_sub(low) > 1 {
        let middle = low.midpoint(high);
        if wins_at(price(middle))? {
            low = middle;
        } else {
            high = middle;
        }
    }
    Ok(Some(price(low)))
}

/// The awards among the offers of a stack.
// Rules: R-AUC-075.
fn outcome(stack: &Stack<'_>, rule: &SupportRule) -> Outcome {
    let owners = stack.owners();
    let least = rule.competition.least_owner_groups.map_or(0, std::num::NonZeroU32::get);
    if owners < least {
        return void(stack, rule, Void::TooFewOwners { owners }, None);
    }
    let first = Walk::new(stack, rule);
    let outcome = match &rule.origin_cap {
        None => first.run(None).outcome(None, None),
        Some(cap) => {
            let without = first.run(None).totals();
            let (walk, volume) = origin::walk(stack, rule, cap);
            walk.outcome(Some(without), Quantity::from_millionths(volume))
        }
    };
    let all_win = outcome
        .rejections
        .iter()
        .all(|rejection| matches!(rejection.reason, Reason::AboveCeiling { .. } | Reason::Excluded { .. }));
    if rule.competition.void_if_all_win && all_win && !outcome.awards.is_empty() {
        return void(stack, rule, Void::AllWin, outcome.origin_volume);
    }
    outcome
}

/// Nothing for anybody.
fn void(stack: &Stack<'_>, rule: &SupportRule, why: Void, origin_volume: Option<Quantity>) -> Outcome {
    let rejections = stack.entries().iter().map(|entry| Rejection { offer: entry.row, reason: Reason::Void });
    Outcome {
        awards: Vec::new(),
        rejections: rejections.chain(stack.above_ceiling()).collect(),
        void: Some(why),
        clearing: Vec::new(),
        totals: Totals::default(),
        without_origin_cap: None,
        origin_volume,
        used: rule.limits.iter().map(|_| None).collect(),
    }
}
