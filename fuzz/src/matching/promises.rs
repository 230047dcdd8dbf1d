//! What is promised of a board and a round, said again without the engine's flows: who can deal with whom, what a price can be, what a
//! cap allows, and, on boards that are small enough, what is best, by trying everything.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use golv_engine::bilateral::{Board, BoardError, Entry, Preference, PriceRule, ProposedDeal, RoundRule};
use golv_engine::num::{Price, Share};

const WHOLE: i128 = 1_000_000;

/// The most lots on one side of a board that the engine takes.
const LOTS_MAX: i128 = 1 << 48;

/// So many choices of deals are tried one by one.
const MOST_CHOICES: u64 = 3_000;

fn at<'b, 'a>(entries: &'b [Entry<'a>], row: u32) -> &'b Entry<'a> {
    &entries[usize::try_from(row).expect("few rows")]
}

pub(super) fn sides<'b, 'a>(board: &'b Board<'a>, deal: &ProposedDeal) -> (&'b Entry<'a>, &'b Entry<'a>) {
    (at(&board.offers, deal.offer), at(&board.requests, deal.request))
}

fn all<'b, 'a>(board: &'b Board<'a>) -> impl Iterator<Item = &'b Entry<'a>> {
    board.offers.iter().chain(&board.requests)
}

fn is_entry_right(entry: &Entry<'_>) -> bool {
    entry.quantity > 0 && (0..=entry.quantity).contains(&entry.minimum) && entry.first <= entry.last
}

fn has_own_ids(board: &Board<'_>) -> bool {
    let ids: BTreeSet<&[u8]> = all(board).map(|entry| entry.id).collect();
    ids.len() == board.offers.len() + board.requests.len()
}

fn fits(board: &Board<'_>) -> bool {
    [&board.offers, &board.requests].iter().all(|side| {
        let lots: i128 = side.iter().map(|entry| i128::from(entry.quantity)).sum();
        lots <= LOTS_MAX
    })
}

pub(super) fn makes_sense(board: &Board<'_>) -> bool {
    all(board).all(is_entry_right) && has_own_ids(board) && fits(board)
}

pub(super) fn is_refusal_right(board: &Board<'_>, error: BoardError) -> bool {
    match error {
        BoardError::Entry { row } => all(board)
            .nth(usize::try_from(row).expect("few rows"))
            .is_some_and(|entry| !is_entry_right(entry)),
        BoardError::Id { .. } => !has_own_ids(board),
        BoardError::TooLarge => !fits(board),
    }
}

/// Whether an offer and a request can deal with each other.
fn can_deal(offer: &Entry<'_>, request: &Entry<'_>, floor: Option<Price>) -> bool {
    let agree = |one: &str, other: &str| one.is_empty() || other.is_empty() || one == other;
    let is_pure = match (offer.purity, request.purity) {
        (Some(is), Some(wanted)) => is >= wanted,
        _ => true,
    };
    let is_from_there = match (offer.origin, request.origin) {
        (Some(is), Some(wanted)) => is == wanted,
        _ => true,
    };
    let is_paid = request.limit >= offer.limit && floor.is_none_or(|floor| request.limit >= floor);
    let overlaps = offer.first.max(request.first) <= offer.last.min(request.last);
    let is_large_enough = offer.minimum <= request.quantity && request.minimum <= offer.quantity;
    offer.material == request.material
        && agree(offer.grade, request.grade)
        && agree(offer.place, request.place)
        && offer.owner != request.owner
        && is_pure
        && is_from_there
        && is_paid
        && overlaps
        && is_large_enough
}

/// Whether lots are no more than a share of all.
fn is_within(lots: i128, cap: Option<Share>, total: i128) -> bool {
    cap.is_none_or(|cap| lots * WHOLE <= total * i128::from(cap.millionths()))
}

/// The first promise that deals break, added up one by one.
pub(super) fn objection(board: &Board<'_>, rule: &RoundRule, deals: &[ProposedDeal]) -> Option<String> {
    let mut prices = BTreeMap::new();
    let mut pairs = BTreeSet::new();
    for deal in deals {
        let (offer, request) = sides(board, deal);
        if !pairs.insert((deal.offer, deal.request)) || !can_deal(offer, request, rule.floor) {
            return Some(format!("the pair of {deal:?}"));
        }
        let price = deal.price;
        let least = rule.floor.map_or(offer.limit, |floor| offer.limit.max(floor));
        let is_rules = match rule.price {
            PriceRule::Uniform => *prices.entry(deal.offer).or_insert(price) == price,
            PriceRule::Ask => price == least,
            PriceRule::Between(share) => {
                is_between(price, offer.limit, request.limit, share) || price == least
            }
        };
        if price < least || price > request.limit || !is_rules {
            return Some(format!("the price of {deal:?}"));
        }
    }
    let lots: Vec<i64> = deals.iter().map(|deal| deal.quantity).collect();
    (!may_be(board, rule, &pairs_of(deals), &lots)).then(|| "lots".to_owned())
}

/// Whether a price is ask + share × (limit − ask), to half a millionth.
fn is_between(price: Price, ask: Price, limit: Price, share: Share) -> bool {
    let [price, ask, limit] = [price, ask, limit].map(|price| i128::from(price.millionths()));
    let exact = (limit - ask) * i128::from(share.millionths());
    ((price - ask) * WHOLE - exact).abs() * 2 <= WHOLE
}

pub(super) fn pairs_of(deals: &[ProposedDeal]) -> Vec<(u32, u32)> {
    deals.iter().map(|deal| (deal.offer, deal.request)).collect()
}

/// Whether so many lots may be dealt in between pairs that can deal: least lots, quantities, caps.
fn may_be(board: &Board<'_>, rule: &RoundRule, pairs: &[(u32, u32)], lots: &[i64]) -> bool {
    let (mut offers, mut requests) = (BTreeMap::new(), BTreeMap::new());
    let (mut origins, mut owners) = (BTreeMap::new(), BTreeMap::new());
    let total: i128 = lots.iter().copied().map(i128::from).sum();
    for (&(offer, request), &lots) in pairs.iter().zip(lots) {
        let (ask, bid) = (at(&board.offers, offer), at(&board.requests, request));
        if lots < ask.minimum.max(bid.minimum).max(1) {
            return false;
        }
        let lots = i128::from(lots);
        *offers.entry(offer).or_insert(0) += lots;
        *requests.entry(request).or_insert(0) += lots;
        *owners.entry(bid.owner).or_insert(0) += lots;
        if let Some(origin) = ask.origin {
            *origins.entry(origin).or_insert(0) += lots;
        }
    }
    offers.iter().all(|(row, lots)| *lots <= i128::from(at(&board.offers, *row).quantity))
        && requests.iter().all(|(row, lots)| *lots <= i128::from(at(&board.requests, *row).quantity))
        && origins.values().all(|lots| is_within(*lots, rule.origin_cap, total))
        && owners.values().all(|lots| is_within(*lots, rule.owner_cap, total))
}

/// Whether no request has more than its part of what a cap leaves its owner: lots go one after the other to whose quantity ÷ (lots so far +
/// 1) is largest, of two that are alike to the lower id.
fn is_shared(board: &Board<'_>, rule: &RoundRule, pairs: &[(u32, u32)], lots: &[i64]) -> bool {
    let Some(cap) = rule.owner_cap else { return true };
    let total: i128 = lots.iter().copied().map(i128::from).sum();
    let most = total * i128::from(cap.millionths()) / WHOLE;
    let owners: BTreeSet<u32> = board.requests.iter().map(|request| request.owner).collect();
    let mut parts: BTreeMap<&[u8], i128> = BTreeMap::new();
    for owner in owners {
        for _ in 0..most {
            let part = |entry: &Entry<'_>| parts.get(entry.id).copied().unwrap_or(0);
            let own = board.requests.iter().filter(|request| request.owner == owner);
            let open = own.filter(|request| part(request) < i128::from(request.quantity));
            let next = open.max_by(|one, other| {
                let [left, right] = [(one, other), (other, one)]
                    .map(|(entry, against)| i128::from(entry.quantity) * (part(against) + 1));
                left.cmp(&right).then(other.id.cmp(one.id))
            });
            let Some(next) = next else { break };
            *parts.entry(next.id).or_default() += 1;
        }
    }
    let mut given: BTreeMap<&[u8], i128> = BTreeMap::new();
    for (&(_, request), &lots) in pairs.iter().zip(lots) {
        *given.entry(at(&board.requests, request).id).or_default() += i128::from(lots);
    }
    given.iter().all(|(id, lots)| *lots <= parts.get(id).copied().unwrap_or(0))
}

/// What a choice is worth, in the order in which it counts.
#[derive(Clone, Debug)]
pub(super) struct Key {
    sectors: Vec<i128>,
    pub(super) quantity: i128,
    /// Given and wanted, the least share first.
    shares: Vec<(i128, i128)>,
    pub(super) surplus: i128,
}

impl Key {
    pub(super) fn but_for_surplus(&self, other: &Self) -> Ordering {
        let shares = self.shares.iter().zip(&other.shares);
        let shares = shares.map(|(one, other)| compare_shares(*one, *other));
        self.sectors
            .cmp(&other.sectors)
            .then(self.quantity.cmp(&other.quantity))
            .then_with(|| shares.into_iter().find(|order| order.is_ne()).unwrap_or(Ordering::Equal))
    }

    pub(super) fn compare(&self, other: &Self) -> Ordering {
        self.but_for_surplus(other).then(self.surplus.cmp(&other.surplus))
    }
}

fn compare_shares((given, wanted): (i128, i128), (other, whole): (i128, i128)) -> Ordering {
    (given * whole).cmp(&(other * wanted))
}

pub(super) fn key(board: &Board<'_>, rule: &RoundRule, pairs: &[(u32, u32)], lots: &[i64]) -> Key {
    let mut given = vec![0_i128; board.requests.len()];
    let mut surplus = 0;
    for (&(offer, request), &lots) in pairs.iter().zip(lots) {
        let [ask, bid] = [at(&board.offers, offer), at(&board.requests, request)]
            .map(|entry| i128::from(entry.limit.millionths()));
        given[usize::try_from(request).expect("few rows")] += i128::from(lots);
        surplus += (bid - ask) * i128::from(lots);
    }
    let mut key = Key { sectors: Vec::new(), quantity: given.iter().sum(), shares: Vec::new(), surplus };
    match rule.preference {
        Preference::Surplus => {}
        Preference::Priority => {
            let mut sectors: BTreeMap<u32, i128> = BTreeMap::new();
            for (request, given) in board.requests.iter().zip(&given) {
                *sectors.entry(request.sector).or_default() += given;
            }
            key.sectors = sectors.into_values().collect();
        }
        Preference::ProRata => {
            let wanted = board.requests.iter().map(|request| i128::from(request.quantity));
            key.shares = given.into_iter().zip(wanted).collect();
            key.shares.sort_by(|one, other| compare_shares(*one, *other));
        }
    }
    key
}

/// The best of all choices, or `None` where there are too many to try.
pub(super) fn best(board: &Board<'_>, rule: &RoundRule) -> Option<Key> {
    let rows = |entries: &[Entry<'_>]| u32::try_from(entries.len()).expect("few rows");
    let pairs: Vec<(u32, u32)> = (0..rows(&board.offers))
        .flat_map(|offer| (0..rows(&board.requests)).map(move |request| (offer, request)))
        .filter(|&(offer, request)| {
            can_deal(at(&board.offers, offer), at(&board.requests, request), rule.floor)
        })
        .collect();
    let room = |&(offer, request): &(u32, u32)| {
        at(&board.offers, offer).quantity.min(at(&board.requests, request).quantity)
    };
    let most: Vec<i64> = pairs.iter().map(room).collect();
    most.iter().try_fold(1_u64, |choices, room| {
        choices.checked_mul(room.unsigned_abs() + 1).filter(|choices| *choices <= MOST_CHOICES)
    })?;
    let mut lots = vec![0; pairs.len()];
    let mut best = key(board, rule, &[], &[]);
    // The next choice, as one counts.
    while let Some(place) = lots.iter().zip(&most).position(|(lots, most)| lots < most) {
        lots[..place].fill(0);
        lots[place] += 1;
        let (pairs, lots): (Vec<_>, Vec<_>) =
            pairs.iter().zip(&lots).filter(|(_, lots)| **lots > 0).map(|(pair, lots)| (*pair, *lots)).unzip();
        if may_be(board, rule, &pairs, &lots) && is_shared(board, rule, &pairs, &lots) {
            let key = key(board, rule, &pairs, &lots);
            if key.compare(&best).is_gt() {
                best = key;
            }
        }
    }
    Some(best)
}
