//! What each order is due at a price: better prices first, and at the margin as the rule's allocation says.

use sha2::{Digest as _, Sha256};

use super::super::{Allocation, Order, Rule};
use crate::book::Side;
use crate::num::Quantity;

/// What each order is due at a price, by its row.
pub(super) fn dues(orders: &[Order<'_>], rule: &Rule, seed: &[u8], price: i128) -> Vec<i128> {
    let trading = |side: Side| -> Vec<Due> {
        let of_side =
            orders.iter().enumerate().filter(|(_, order)| order.side == side && !order.quantity.is_zero());
        let mut trading: Vec<Due> = of_side
            .filter_map(|(row, order)| {
                let limit = order.price.map(|limit| i128::from(limit.millionths()));
                let gain = match (side, limit) {
                    (_, None) => i128::MAX,
                    (Side::Buy, Some(limit)) => limit.saturating_sub(price),
                    (Side::Sell, Some(limit)) => price.saturating_sub(limit),
                };
                (gain >= 0).then(|| Due::new(row, gain, order))
            })
            .collect();
        trading.sort_by_key(|due| (std::cmp::Reverse(due.gain), due.row));
        trading
    };
    let sides = [trading(Side::Buy), trading(Side::Sell)];
    let wanted = sides.each_ref().map(|side| side.iter().map(|due| due.wanted).sum::<i128>());
    let mut volume = wanted.into_iter().min().unwrap_or(0);
    loop {
        let mut dues = vec![0_i128; orders.len()];
        let mut least = volume;
        for side in &sides {
            let mut left = volume;
            for level in side.chunk_by(|a, b| a.gain == b.gain) {
                for (due, share) in level.iter().zip(level_dues(level, orders, rule, seed, left.max(0))) {
                    if let Some(place) = dues.get_mut(due.row) {
                        *place = share;
                    }
                    left = left.saturating_sub(share);
                }
            }
            least = least.min(volume.saturating_sub(left.max(0)));
        }
        if least == volume {
            return dues;
        }
        volume = least;
    }
}

/// An order that would trade.
pub(super) struct Due {
    row: usize,
    /// By how much its limit is better than the price.
    gain: i128,
    wanted: i128,
    least: i128,
}

impl Due {
    pub(super) fn new(row: usize, gain: i128, order: &Order<'_>) -> Self {
        let wanted = i128::from(order.quantity.millionths());
        Self { row, gain, wanted, least: i128::from(order.min_quantity.millionths()) }
    }
}

/// What the orders of one price are due of what is left for them, in the order in which they are given.
pub(super) fn level_dues(
    level: &[Due],
    orders: &[Order<'_>],
    rule: &Rule,
    seed: &[u8],
    left: i128,
) -> Vec<i128> {
    let total: i128 = level.iter().map(|due| due.wanted).sum();
    if total <= left {
        return level.iter().map(|due| due.wanted).collect();
    }
    if left == 0 {
        return vec![0; level.len()];
    }
    let lot = i128::from(rule.lot.map_or(1, Quantity::millionths));
    let minimum = rule.minimum.map_or(lot, |minimum| i128::from(minimum.millionths()));
    let received = |due: &Due| orders.get(due.row).map_or((0, 0), |order| (order.received, due.row));
    let rank = |due: &Due| orders.get(due.row).map_or(0, |order| order.rank);
    // Positions in the level, by what decides who comes first.
    let by_time = || sorted_by(level, |due| received(due));
    match rule.allocation {
        Allocation::PriceTime => queue(level, &by_time(), left),
        Allocation::SeededDraw => {
            let drawn = sorted_by(level, |due| {
                let id = orders.get(due.row).map_or(&[][..], |order| order.id);
                let drawn: [u8; 32] = Sha256::digest([seed, id].concat()).into();
                (drawn, rank(due))
            });
            queue(level, &drawn, left)
        }
        Allocation::QuantityPriority => {
            let by_size = sorted_by(level, |due| (std::cmp::Reverse(due.wanted), received(due)));
            let mut shares = vec![0_i128; level.len()];
            let mut left = left;
            for round in 0..3 {
                for &place in &by_size {
                    let (Some(due), Some(share)) = (level.get(place), shares.get_mut(place)) else {
                        continue;
                    };
                    let lacking = due.wanted.saturating_sub(*share);
                    let half_lots = lacking.checked_div(lot.saturating_mul(2)).unwrap_or(0);
                    let more = [minimum, half_lots.saturating_mul(lot), lacking].get(round).copied();
                    let more = more.unwrap_or(0).min(lacking).min(left);
                    *share = share.saturating_add(more);
                    left = left.saturating_sub(more);
                }
            }
            shares
        }
        Allocation::RoundUp => {
            let up = |numerator: i128, denominator: i128| {
                numerator.saturating_add(denominator).saturating_sub(1).checked_div(denominator).unwrap_or(0)
            };
            let hundredths = up(left.saturating_mul(10_000), total);
            let award = |due: &Due| {
                let exact_by_ten_thousand = due.wanted.saturating_mul(hundredths);
                let award = up(exact_by_ten_thousand, lot.saturating_mul(10_000)).saturating_mul(lot);
                award.max(minimum).min(due.wanted)
            };
            level.iter().map(award).collect()
        }
        Allocation::ProRata => in_proportion(level, &vec![true; level.len()], rank, lot, left),
        Allocation::MinimumFill => {
            let mut stays = vec![true; level.len()];
            loop {
                let staying = || level.iter().zip(&stays).filter(|(_, stays)| **stays).map(|(due, _)| due);
                let total: i128 = staying().map(|due| due.wanted).sum();
                if total <= left {
                    return level
                        .iter()
                        .zip(&stays)
                        .map(|(due, stays)| if *stays { due.wanted } else { 0 })
                        .collect();
                }
                let fails = |due: &Due| due.wanted.saturating_mul(left) < due.least.saturating_mul(total);
                if !staying().any(fails) {
                    return in_proportion(level, &stays, rank, lot, left);
                }
                // Who needs the largest part of its quantity leaves.
                let mut leaves: Option<(usize, &Due)> = None;
                for (place, due) in
                    level.iter().enumerate().filter(|(place, _)| stays.get(*place) == Some(&true))
                {
                    let is_harder = leaves.is_none_or(|(_, hardest)| {
                        let (its, other) = (
                            due.least.saturating_mul(hardest.wanted),
                            hardest.least.saturating_mul(due.wanted),
                        );
                        its > other || (its == other && rank(due) > rank(hardest))
                    });
                    if is_harder {
                        leaves = Some((place, due));
                    }
                }
                match leaves.and_then(|(place, _)| stays.get_mut(place)) {
                    Some(stays) => *stays = false,
                    None => return vec![0; level.len()],
                }
            }
        }
    }
}

/// Positions in a level, sorted by a key.
fn sorted_by<K: Ord>(level: &[Due], key: impl Fn(&Due) -> K) -> Vec<usize> {
    let mut keyed: Vec<(K, usize)> = level.iter().enumerate().map(|(place, due)| (key(due), place)).collect();
    keyed.sort();
    keyed.into_iter().map(|(_, place)| place).collect()
}

/// One after another, as much as is left.
fn queue(level: &[Due], places: &[usize], left: i128) -> Vec<i128> {
    let mut shares = vec![0_i128; level.len()];
    let mut left = left;
    for &place in places {
        if let (Some(due), Some(share)) = (level.get(place), shares.get_mut(place)) {
            *share = due.wanted.min(left);
            left = left.saturating_sub(*share);
        }
    }
    shares
}

/// Whole lots of the exact quota, and a lot more for the largest remainders, the lower id first.
fn in_proportion(
    level: &[Due],
    takes: &[bool],
    rank: impl Fn(&Due) -> u32,
    lot: i128,
    left: i128,
) -> Vec<i128> {
    let lots = |amount: i128| amount.checked_div(lot).unwrap_or(0);
    let wanted = |due: &Due, takes: bool| if takes { lots(due.wanted) } else { 0 };
    let total: i128 = level.iter().zip(takes).map(|(due, takes)| wanted(due, *takes)).sum();
    let quota = |due: &Due, takes: bool| wanted(due, takes).saturating_mul(lots(left));
    let mut shares: Vec<i128> = level
        .iter()
        .zip(takes)
        .map(|(due, takes)| quota(due, *takes).checked_div(total).unwrap_or(0))
        .collect();
    let missing = lots(left).saturating_sub(shares.iter().sum());
    let mut by_remainder: Vec<(std::cmp::Reverse<i128>, u32, usize)> = level
        .iter()
        .zip(takes)
        .enumerate()
        .filter(|(_, (_, takes))| **takes)
        .map(|(place, (due, _))| {
            let remainder = quota(due, true).checked_rem(total).unwrap_or(0);
            (std::cmp::Reverse(remainder), rank(due), place)
        })
        .collect();
    by_remainder.sort_unstable();
    for (_, _, place) in by_remainder.into_iter().take(usize::try_from(missing).unwrap_or(0)) {
        if let Some(share) = shares.get_mut(place) {
            *share = share.saturating_add(1);
        }
    }
    shares.into_iter().map(|share| share.saturating_mul(lot)).collect()
}
