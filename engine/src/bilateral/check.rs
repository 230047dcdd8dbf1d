//! What a round's result is checked by, without the search: every deal may be made, and dual prices show that nothing is better.
//!
//! A dual price says what one more lot of an offer, or wanted by a request, would add. Where the dual prices of offer and request
//! are together at least what a lot between them is worth, for every pair, no matching is worth more than Σ dual price × quantity; and where that is what
//! the deals are worth, they are the best (duality of linear programmes; in the assignment game such prices are its core: Shapley and Shubik,
//! International Journal of Game Theory 1, 1971). A lot is worth itself first and its surplus second.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::flow::{Ways, within_owner_cap};
use super::{Board, Entry, PriceRule, ProposedDeal, RoundRule, Worth, are_compatible, gain};
use crate::num::{Price, Share};

/// What a lot adds: quantity first, then surplus in millionths.
type Value = (i64, i128);

/// What one more lot would add, in the order of the board.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DualPrices {
    /// Of each offer: lots, and surplus in millionths.
    pub offers: Vec<(i64, i128)>,
    /// Of each request: lots, and surplus in millionths.
    pub requests: Vec<(i64, i128)>,
}

/// Why a result is not what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Fault {
    /// A deal's sides are not on the board, or cannot deal with each other.
    #[error("offer {offer} and request {request} cannot deal with each other")]
    Pair {
        /// The offer.
        offer: u32,
        /// The request.
        request: u32,
    },
    /// A deal is twice there, has no lots, or less than its least.
    #[error("the deal of offer {offer} and request {request} has too few lots, or is there twice")]
    Lots {
        /// The offer.
        offer: u32,
        /// The request.
        request: u32,
    },
    /// An entry deals in more than its quantity.
    #[error("entry {row}, offers first, deals in more than its quantity")]
    Quantity {
        /// Its place.
        row: u32,
    },
    /// A price is outside the limits, below the floor, or not a supplier's one.
    #[error(
        "the price of offer {offer} and request {request} is outside their limits, or not the supplier's"
    )]
    Price {
        /// The offer.
        offer: u32,
        /// The request.
        request: u32,
    },
    /// An origin or an owner has more than its share.
    #[error("an origin or an owner has more than its share")]
    Cap,
    /// What the deals are worth is not what is said.
    #[error("the deals are not worth what is said")]
    Worth,
    /// The dual prices do not prove that nothing is better.
    #[error("the dual prices do not prove that nothing is better")]
    Duals,
}

fn at<'b, 'a>(entries: &'b [Entry<'a>], row: u32) -> Option<&'b Entry<'a>> {
    entries.get(usize::try_from(row).ok()?)
}

/// Whether deals may be made and are worth what is said and, where there are dual prices, that nothing is better.
///
/// # Errors
/// The first [`Fault`].
// Rules: R-BIL-030, R-BIL-033.
pub fn check(
    board: &Board<'_>,
    rule: &RoundRule,
    deals: &[ProposedDeal],
    worth: &Worth,
    duals: Option<&DualPrices>,
) -> Result<(), Fault> {
    let (mut sums, mut differing) = (Sums::default(), Vec::new());
    for deal in deals {
        let &ProposedDeal { offer, request, quantity, price } = deal;
        let (Some(ask), Some(bid)) = (at(&board.offers, offer), at(&board.requests, request)) else {
            return Err(Fault::Pair { offer, request });
        };
        if !are_compatible(ask, bid, rule.floor) {
            return Err(Fault::Pair { offer, request });
        }
        let is_new = sums.pairs.insert((offer, request));
        if !is_new || quantity <= 0 || quantity < ask.minimum.max(bid.minimum) {
            return Err(Fault::Lots { offer, request });
        }
        let least = rule.floor.map_or(ask.limit, |floor| floor.max(ask.limit));
        let is_offers = match rule.price {
            PriceRule::Uniform => *sums.prices.entry(offer).or_insert(price) == price,
            PriceRule::Between(_) | PriceRule::Ask => true,
        };
        if price < least || price > bid.limit || !is_offers {
            return Err(Fault::Price { offer, request });
        }
        let seen = sums.parties.entry(ask.party).or_insert((price, price, least, bid.limit));
        *seen = (seen.0.min(price), seen.1.max(price), seen.2.max(least), seen.3.min(bid.limit));
        // One price for all of a supplier's deals, where one fits them all.
        if matches!(rule.price, PriceRule::Uniform) && seen.0 != seen.1 {
            differing.push((offer, request, ask.party));
        }
        sums.add(deal, ask, bid);
    }
    for (offer, request, party) in differing {
        if sums.parties.get(&party).is_some_and(|(.., highest, lowest)| highest <= lowest) {
            return Err(Fault::Price { offer, request });
        }
    }
    let offers = u32::try_from(board.offers.len()).unwrap_or(u32::MAX);
    for (row, entry) in (0_u32..).zip(board.offers.iter().chain(&board.requests)) {
        let dealt = match row.checked_sub(offers) {
            None => sums.offers.get(&row),
            Some(request) => sums.requests.get(&request),
        };
        if dealt.copied().unwrap_or(0) > i128::from(entry.quantity) {
            return Err(Fault::Quantity { row });
        }
    }
    let keeps = |dealt: i128, cap: Option<Share>| {
        let most = |cap: Share| sums.lots.saturating_mul(cap.millionths().into());
        cap.is_none_or(|cap| dealt.saturating_mul(Share::WHOLE.millionths().into()) <= most(cap))
    };
    if !sums.origins.values().all(|dealt| keeps(*dealt, rule.origin_cap)) {
        return Err(Fault::Cap);
    }
    if let Some(cap) = rule.owner_cap {
        // Each request has its part of its owner's share.
        let total = i64::try_from(sums.lots).unwrap_or(i64::MAX);
        let most = (0_u32..).zip(within_owner_cap(&board.requests, cap, total));
        let dealt = |row: u32| sums.requests.get(&row).copied().unwrap_or(0);
        if most.into_iter().any(|(row, most)| dealt(row) > most.into()) {
            return Err(Fault::Cap);
        }
    }
    if sums.lots != i128::from(worth.quantity) || sums.surplus != worth.surplus {
        return Err(Fault::Worth);
    }
    match duals {
        Some(duals) if !duals.prove(board, rule, worth) => Err(Fault::Duals),
        _ => Ok(()),
    }
}

/// What deals add up to.
#[derive(Default)]
struct Sums {
    pairs: BTreeSet<(u32, u32)>,
    /// Of each offer.
    prices: BTreeMap<u32, Price>,
    /// Of each supplier: lowest and highest price, highest that it asks, and lowest limit that it serves.
    parties: BTreeMap<u32, (Price, Price, Price, Price)>,
    offers: BTreeMap<u32, i128>,
    requests: BTreeMap<u32, i128>,
    origins: BTreeMap<crate::text::Country, i128>,
    lots: i128,
    surplus: i128,
}

impl Sums {
    fn add(&mut self, deal: &ProposedDeal, ask: &Entry<'_>, bid: &Entry<'_>) {
        let lots = i128::from(deal.quantity);
        let mut sums =
            vec![self.offers.entry(deal.offer).or_default(), self.requests.entry(deal.request).or_default()];
        if let Some(origin) = ask.origin {
            sums.push(self.origins.entry(origin).or_default());
        }
        for sum in sums {
            *sum = sum.saturating_add(lots);
        }
        self.lots = self.lots.saturating_add(lots);
        self.surplus = self.surplus.saturating_add(gain(ask, bid).saturating_mul(lots));
    }
}

impl DualPrices {
    /// The dual prices of the best matching, those of offers as low as they can be.
    pub(super) fn of(ways: &Ways<'_>, lots: &[i64]) -> Self {
        let mut given = vec![0_i64; ways.requests.len()];
        let mut by_request = vec![Vec::new(); ways.requests.len()];
        let mut by_offer = vec![Vec::new(); ways.offers.len()];
        for (&(offer, request), &lots) in ways.pairs.iter().zip(lots) {
            if let Some(given) = given.get_mut(request) {
                *given = given.saturating_add(lots);
            }
            if let Some(offers) = by_request.get_mut(request) {
                offers.push(offer);
            }
            // A lot that an offer gives a request can be given by another offer instead.
            if let Some(requests) = by_offer.get_mut(offer).filter(|_| lots > 0) {
                requests.push(request);
            }
        }
        // One more lot of an offer goes to a request that wants more, or takes the place of a dearer offer's.
        let mut ends: Vec<(Value, bool, usize)> = Vec::new();
        for (place, ((_, request), given)) in ways.requests.iter().zip(&given).enumerate() {
            if *given < request.quantity {
                ends.push(((1, request.limit.millionths().into()), true, place));
            }
        }
        for (place, (_, offer)) in ways.offers.iter().enumerate() {
            if by_offer.get(place).is_some_and(|requests| !requests.is_empty()) {
                ends.push(((0, offer.limit.millionths().into()), false, place));
            }
        }
        ends.sort_by(|(one, ..), (other, ..)| other.cmp(one));
        // The best end that each request's place leads to, from the best end backwards.
        let mut of_request: Vec<Option<Value>> = vec![None; ways.requests.len()];
        let mut of_offer: Vec<Option<Value>> = vec![None; ways.offers.len()];
        for (value, is_request, place) in ends {
            let mut queue = Vec::new();
            if is_request {
                reach(&mut of_request, place, value, &mut queue);
            } else {
                // The offer's lots are with these requests.
                for &request in by_offer.get(place).into_iter().flatten() {
                    reach(&mut of_request, request, value, &mut queue);
                }
            }
            while let Some(request) = queue.pop() {
                for &offer in by_request.get(request).into_iter().flatten() {
                    let Some(best) = of_offer.get_mut(offer).filter(|best| best.is_none()) else { continue };
                    *best = Some(value);
                    for &freed in by_offer.get(offer).into_iter().flatten() {
                        reach(&mut of_request, freed, value, &mut queue);
                    }
                }
            }
        }
        let nothing = (0, 0);
        let offer_values: Vec<Value> = ways
            .offers
            .iter()
            .zip(&of_offer)
            .map(|((_, offer), best)| {
                let (lots, limit) = best.unwrap_or(nothing);
                let adds =
                    best.map_or(nothing, |_| (lots, limit.saturating_sub(offer.limit.millionths().into())));
                adds.max(nothing)
            })
            .collect();
        let mut request_values = vec![nothing; ways.requests.len()];
        for &(place, to) in &ways.pairs {
            let (Some((_, offer)), Some((_, request)), Some(&(lots, surplus)), Some(value)) = (
                ways.offers.get(place),
                ways.requests.get(to),
                offer_values.get(place),
                request_values.get_mut(to),
            ) else {
                continue;
            };
            let left = (1_i64.saturating_sub(lots), gain(offer, request).saturating_sub(surplus));
            *value = left.max(*value);
        }
        let unsorted = |values: Vec<Value>, rows: Vec<u32>| {
            let mut placed: Vec<(u32, Value)> = rows.into_iter().zip(values).collect();
            placed.sort_unstable();
            placed.into_iter().map(|(_, value)| value).collect()
        };
        Self {
            offers: unsorted(offer_values, ways.offers.iter().map(|(row, _)| *row).collect()),
            requests: unsorted(request_values, ways.requests.iter().map(|(row, _)| *row).collect()),
        }
    }

    /// Whether no matching is worth more than this.
    // Rules: R-BIL-041.
    fn prove(&self, board: &Board<'_>, rule: &RoundRule, worth: &Worth) -> bool {
        if self.offers.len() != board.offers.len() || self.requests.len() != board.requests.len() {
            return false;
        }
        let covers = board.offers.iter().zip(&self.offers).all(|(ask, (lots, surplus))| {
            board.requests.iter().zip(&self.requests).all(|(bid, (more, on_top))| {
                let both = || Some((lots.checked_add(*more)?, surplus.checked_add(*on_top)?));
                !are_compatible(ask, bid, rule.floor) || both() >= Some((1, gain(ask, bid)))
            })
        });
        covers && self.most(board) == Some((i128::from(worth.quantity), worth.surplus))
    }

    /// What no matching is worth more than: Σ dual price × quantity. `None` where one is below nothing, or the sum does not fit: cut off, it
    /// could be anything.
    fn most(&self, board: &Board<'_>) -> Option<(i128, i128)> {
        let entries = board.offers.iter().chain(&board.requests);
        let mut priced = entries.zip(self.offers.iter().chain(&self.requests));
        priced.try_fold((0_i128, 0_i128), |most, (entry, &(lots, surplus))| {
            let quantity = i128::from(entry.quantity);
            ((lots, surplus) >= (0, 0)).then_some(())?;
            let lots = most.0.checked_add(quantity.checked_mul(lots.into())?)?;
            Some((lots, most.1.checked_add(quantity.checked_mul(surplus)?)?))
        })
    }
}

fn reach(of: &mut [Option<Value>], place: usize, value: Value, queue: &mut Vec<usize>) {
    if let Some(best) = of.get_mut(place).filter(|best| best.is_none()) {
        *best = Some(value);
        queue.push(place);
    }
}
