//! Who gets what at a price: better prices first, and the orders of the price that cannot be filled whole share what is
//! left as the rule says.

use std::cmp::Reverse;

use sha2::{Digest as _, Sha256};

use super::Order;
use super::curve::{Curve, Place};
use super::rule::{Allocation, Rule};
use crate::book::Side;
use crate::num::Price;

/// What each order of both sides is given at a price, by its place in the book, in millionths.
///
/// `volume` is the lesser of what the two sides want there. With [`Allocation::MinimumFill`] less may be given, as much to
/// one side as to the other; with [`Allocation::RoundUp`] more, to the side that is rationed. Linear in the orders but for
/// those at the margin, which are sorted, and where orders have minimums.
// Rules: R-AUC-035.
pub(super) fn allocate(
    orders: &[Order<'_>],
    rule: &Rule,
    seed: &[u8],
    curve: &Curve,
    price: i64,
    volume: i64,
) -> Vec<i64> {
    if orders.iter().any(|order| !order.min_quantity.is_zero()) {
        return with_minimums(orders, rule, seed, price, volume);
    }
    let margins = Side::BOTH.map(|side| curve.margin(side, volume));
    let mut at_margin: [Vec<usize>; 2] = [Vec::new(), Vec::new()];
    let mut given = vec![0; orders.len()];
    let [buy_margin, sell_margin] = &margins;
    let [buyers, sellers] = &mut at_margin;
    for (index, (order, given)) in orders.iter().zip(&mut given).enumerate() {
        let (margin, sharing) = match order.side {
            Side::Buy => (buy_margin, &mut *buyers),
            Side::Sell => (sell_margin, &mut *sellers),
        };
        match margin.place(order.side, order.price.map(Price::millionths)) {
            Place::Better => *given = order.quantity.millionths(),
            Place::AtMargin => sharing.push(index),
            Place::Worse => {}
        }
    }
    for (margin, mut sharing) in margins.into_iter().zip(at_margin) {
        // Most books come in order of time.
        sharing.sort_by_key(|&index| orders.get(index).map(|order| order.received));
        let members: Vec<Member<'_>> =
            sharing.iter().filter_map(|&index| orders.get(index)).map(Member::of).collect();
        for (index, share) in sharing.into_iter().zip(shares(&members, rule, seed, margin.left)) {
            if let Some(given) = given.get_mut(index) {
                *given = share;
            }
        }
    }
    given
}

/// What the orders of one price are given of what is left for them: all that they want, if there is enough.
pub(crate) fn shares(members: &[Member<'_>], rule: &Rule, seed: &[u8], left: i64) -> Vec<i64> {
    // A part of a total that was checked.
    let wanted = members.iter().fold(0_i64, |sum, member| sum.saturating_add(member.wanted));
    if wanted <= left {
        members.iter().map(|member| member.wanted).collect()
    } else if left <= 0 {
        vec![0; members.len()]
    } else {
        share(members, rule, seed, left)
    }
}

/// The same where orders have minimums, so that what one price leaves goes to the next.
// Rules: R-AUC-056.
fn with_minimums(orders: &[Order<'_>], rule: &Rule, seed: &[u8], price: i64, volume: i64) -> Vec<i64> {
    let mut given = vec![0; orders.len()];
    let sides = Side::BOTH.map(|side| eligible(orders, side, price));
    let mut volume = volume;
    loop {
        let sums = sides.each_ref().map(|side| fill(orders, side, rule, seed, volume, &mut given));
        let [bought, sold] = sums;
        // Where a minimum could not be met one side takes less, and the other must come down to it. Each time round a
        // side drops another order at least, so it ends.
        let least = bought.min(sold);
        if least >= volume {
            return given;
        }
        volume = least;
    }
}

/// An order that can trade at the price.
struct Eligible {
    /// Where it stands in the book.
    index: usize,
    /// Ascending from the best price; a market order has none and comes first.
    merit: Option<i128>,
}

/// The orders of a side that can trade at a price, the best first, those of one price in order of time.
// Rules: R-AUC-034, R-AUC-050.
fn eligible(orders: &[Order<'_>], side: Side, price: i64) -> Vec<Eligible> {
    let is_eligible = |limit: i64| match side {
        Side::Buy => limit >= price,
        Side::Sell => limit <= price,
    };
    let merit = |limit: i64| match side {
        Side::Buy => i128::from(limit).saturating_neg(),
        Side::Sell => i128::from(limit),
    };
    let mut eligible: Vec<(Option<i128>, (i64, usize))> = orders
        .iter()
        .enumerate()
        .filter(|(_, order)| order.side == side && !order.quantity.is_zero())
        .filter_map(|(index, order)| match order.price.map(|limit| limit.millionths()) {
            None => Some((None, (order.received, index))),
            Some(limit) if is_eligible(limit) => Some((Some(merit(limit)), (order.received, index))),
            Some(_) => None,
        })
        .collect();
    // An absent price is less than any, so market orders come first. Time matters to all that go by it, and to the rest
    // it gives a fixed order of work.
    eligible.sort_unstable();
    eligible.into_iter().map(|(merit, (_, index))| Eligible { index, merit }).collect()
}

/// Gives a side up to `volume`, price by price, and returns how much it took.
// Rules: R-AUC-036.
fn fill(
    orders: &[Order<'_>],
    side: &[Eligible],
    rule: &Rule,
    seed: &[u8],
    volume: i64,
    given: &mut [i64],
) -> i64 {
    let mut left = volume;
    let mut taken: i64 = 0;
    for level in side.chunk_by(|a, b| a.merit == b.merit) {
        let members: Vec<Member<'_>> =
            level.iter().filter_map(|eligible| orders.get(eligible.index)).map(Member::of).collect();
        for (eligible, share) in level.iter().zip(shares(&members, rule, seed, left)) {
            taken = taken.saturating_add(share);
            left = left.saturating_sub(share);
            if let Some(given) = given.get_mut(eligible.index) {
                *given = share;
            }
        }
    }
    taken
}

/// An order among those of one price, in order of time.
pub(crate) struct Member<'a> {
    pub(crate) wanted: i64,
    pub(crate) minimum: i64,
    pub(crate) rank: u32,
    pub(crate) id: &'a [u8],
}

impl<'a> Member<'a> {
    pub(super) const fn of(order: &Order<'a>) -> Self {
        Self {
            wanted: order.quantity.millionths(),
            minimum: order.min_quantity.millionths(),
            rank: order.rank,
            id: order.id,
        }
    }
}

/// Shares `available` among orders of one price that want more; both are positive.
fn share(members: &[Member<'_>], rule: &Rule, seed: &[u8], available: i64) -> Vec<i64> {
    let lot = rule.lot_or_smallest().millionths();
    let least = rule.minimum.map_or(lot, |minimum| minimum.millionths());
    let in_time = || (0..members.len()).collect::<Vec<_>>();
    match rule.allocation {
        Allocation::PriceTime => in_order(members, &in_time(), available),
        Allocation::SeededDraw => {
            let mut drawn: Vec<(_, u32, usize)> = members
                .iter()
                .enumerate()
                .map(|(number, member)| (draw(seed, member.id), member.rank, number))
                .collect();
            drawn.sort_unstable();
            let order: Vec<usize> = drawn.into_iter().map(|(_, _, number)| number).collect();
            in_order(members, &order, available)
        }
        Allocation::QuantityPriority => quantity_priority(members, available, least, lot),
        Allocation::RoundUp => round_up(members, available, least, lot),
        Allocation::ProRata => pro_rata(members, &in_time(), available, lot),
        Allocation::MinimumFill => minimum_fill(members, available, lot),
    }
}

/// What decides a draw.
// Rules: R-AUC-057.
fn draw(seed: &[u8], id: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update(seed).chain_update(id).finalize().into()
}

/// Each in its turn as much as it wants, while there is any.
// Rules: R-AUC-051.
fn in_order(members: &[Member<'_>], order: &[usize], available: i64) -> Vec<i64> {
    let mut pool = Pool::new(members, available);
    order.iter().for_each(|&number| pool.give(number, i64::MAX));
    pool.shares
}

/// `least` to each, then half of what each lacks, then all of it; larger orders first, then earlier ones.
// Rules: R-AUC-053.
fn quantity_priority(members: &[Member<'_>], available: i64, least: i64, lot: i64) -> Vec<i64> {
    let mut order: Vec<(Reverse<i64>, usize)> =
        members.iter().enumerate().map(|(number, member)| (Reverse(member.wanted), number)).collect();
    order.sort_unstable();
    let mut pool = Pool::new(members, available);
    order.iter().for_each(|&(_, number)| pool.give(number, least));
    for &(_, number) in &order {
        let half = pool.lacking(number).checked_div(2).unwrap_or(0);
        pool.give(number, half.saturating_sub(half.checked_rem(lot).unwrap_or(0)));
    }
    order.iter().for_each(|&(_, number)| pool.give(number, i64::MAX));
    pool.shares
}

/// What is left, and what was given so far.
struct Pool<'a> {
    members: &'a [Member<'a>],
    shares: Vec<i64>,
    left: i64,
}

impl<'a> Pool<'a> {
    fn new(members: &'a [Member<'a>], available: i64) -> Self {
        Self { members, shares: vec![0; members.len()], left: available }
    }

    /// What an order still wants.
    fn lacking(&self, number: usize) -> i64 {
        let wanted = self.members.get(number).map_or(0, |member| member.wanted);
        wanted.saturating_sub(self.shares.get(number).copied().unwrap_or(0))
    }

    /// Gives an order up to `most` more, as far as it wants it and there is any.
    fn give(&mut self, number: usize, most: i64) {
        let more = most.min(self.left).min(self.lacking(number));
        if let Some(share) = self.shares.get_mut(number) {
            *share = share.saturating_add(more);
            self.left = self.left.saturating_sub(more);
        }
    }
}

/// Hundredths of a per cent in the whole.
const PERCENTAGE_STEPS: i128 = 10_000;

/// The percentage that is left for the price, rounded up to hundredths; each award rounded up to a whole lot, at least
/// `least`, at most what was wanted.
// Rules: R-AUC-054.
fn round_up(members: &[Member<'_>], available: i64, least: i64, lot: i64) -> Vec<i64> {
    let wanted: i128 = members.iter().map(|member| i128::from(member.wanted)).sum();
    let percentage = divide_up(i128::from(available).saturating_mul(PERCENTAGE_STEPS), wanted);
    let lot = i128::from(lot);
    let award = |member: &Member<'_>| {
        let exact = i128::from(member.wanted).saturating_mul(percentage);
        let lots = divide_up(exact, PERCENTAGE_STEPS.saturating_mul(lot));
        let award = lots.saturating_mul(lot).max(i128::from(least)).min(i128::from(member.wanted));
        i64::try_from(award).unwrap_or(member.wanted)
    };
    members.iter().map(award).collect()
}

/// `numerator ÷ denominator`, neither negative, rounded up.
fn divide_up(numerator: i128, denominator: i128) -> i128 {
    let quotient = numerator.checked_div(denominator).unwrap_or(0);
    let is_exact = numerator.checked_rem(denominator).unwrap_or(0) == 0;
    if is_exact { quotient } else { quotient.saturating_add(1) }
}

/// Pro rata among some of the members (by number), in whole lots: each its quota rounded down, then one lot each to the largest
/// remainders, ties to the lower id. All of `available` is given; it is at most what they want.
// Rules: R-AUC-052.
fn pro_rata(members: &[Member<'_>], among: &[usize], available: i64, lot: i64) -> Vec<i64> {
    let mut shares = vec![0_i64; members.len()];
    let sharing = || among.iter().filter_map(|&number| Some((number, members.get(number)?)));
    let total: i128 = sharing().map(|(_, member)| i128::from(member.wanted)).sum();
    let mut remainders = Vec::with_capacity(among.len());
    let mut left = available;
    for (number, member) in sharing() {
        // Both sides of wanted × available ÷ total are whole lots, so the quota counted in lots is this over the lot.
        let exact = i128::from(member.wanted).saturating_mul(i128::from(available));
        let unit = total.saturating_mul(i128::from(lot));
        let lots = exact.checked_div(unit).and_then(|lots| i64::try_from(lots).ok()).unwrap_or(0);
        let share = lots.saturating_mul(lot);
        left = left.saturating_sub(share);
        if let Some(place) = shares.get_mut(number) {
            *place = share;
        }
        remainders.push((Reverse(exact.checked_rem(unit).unwrap_or(0)), member.rank, number));
    }
    remainders.sort_unstable();
    for (_, _, number) in remainders {
        if left <= 0 {
            break;
        }
        if let Some(share) = shares.get_mut(number) {
            let more = lot.min(left);
            *share = share.saturating_add(more);
            left = left.saturating_sub(more);
        }
    }
    shares
}

/// Pro rata among those whose quota reaches their minimum. The more leave, the more is left for each who stays, so who leaves
/// first is who would need the largest part of its quantity.
// Rules: R-AUC-055.
fn minimum_fill(members: &[Member<'_>], available: i64, lot: i64) -> Vec<i64> {
    // The one that is hardest to please last: minimum ÷ wanted ascending, then the lower id.
    let mut staying: Vec<usize> = (0..members.len()).collect();
    let part = |number: usize| {
        members
            .get(number)
            .map_or((0, 1, 0), |member| (i128::from(member.minimum), i128::from(member.wanted), member.rank))
    };
    staying.sort_unstable_by(|&a, &b| {
        let ((minimum_a, wanted_a, rank_a), (minimum_b, wanted_b, rank_b)) = (part(a), part(b));
        let left = minimum_a.saturating_mul(wanted_b);
        left.cmp(&minimum_b.saturating_mul(wanted_a)).then(rank_a.cmp(&rank_b))
    });
    let mut total: i128 = members.iter().map(|member| i128::from(member.wanted)).sum();
    while let Some(&hardest) = staying.last() {
        let (minimum, wanted, _) = part(hardest);
        if total <= i128::from(available) {
            // Enough for all who stay.
            let mut shares = vec![0; members.len()];
            for &number in &staying {
                if let (Some(share), Some(member)) = (shares.get_mut(number), members.get(number)) {
                    *share = member.wanted;
                }
            }
            return shares;
        }
        // wanted × available ÷ total ≥ minimum
        if wanted.saturating_mul(i128::from(available)) >= minimum.saturating_mul(total) {
            return pro_rata(members, &staying, available, lot);
        }
        staying.pop();
        total = total.saturating_sub(wanted);
    }
    vec![0; members.len()]
}
