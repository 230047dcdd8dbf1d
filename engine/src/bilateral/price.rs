//! What a deal's price is.
//!
//! `uniform` gives all deals of a supplier in a round one price: the lower end of the prices at which nobody is wronged,
//! from the highest of (its accepted offers' limits, the floor, the limits of compatible requests that were not given all they wanted)
//! to the lowest limit of a request that it serves, and the upper end where there are none. A request that was given a part counts as
//! refused for the rest. A supplier whose offers ask so different prices that none fits all of its deals (of two grades, say) has one
//! for each offer instead, found in the same way.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Board, Entry, ProposedDeal, RoundRule, are_compatible};
use crate::num::{MILLIONTHS, Price, Share, divide_half_even};

/// What a deal's price is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PriceRule {
    /// One for all deals of a supplier.
    Uniform,
    /// offer's limit + share × (request's limit − offer's limit), half even to millionths; a half is the midpoint.
    Between(Share),
    /// The offer's limit.
    Ask,
}

impl PriceRule {
    /// Half way between both limits.
    pub fn midpoint() -> Self {
        let half = Share::WHOLE.millionths().checked_div(2).and_then(Share::from_millionths);
        Self::Between(half.unwrap_or(Share::NONE))
    }
}

/// Deals with their prices.
// Rules: R-BIL-039.
pub(super) fn priced(board: &Board<'_>, rule: &RoundRule, lots: &[(u32, u32, i64)]) -> Vec<ProposedDeal> {
    let uniform = match rule.price {
        PriceRule::Uniform => uniform_prices(board, rule, lots),
        PriceRule::Between(_) | PriceRule::Ask => BTreeMap::new(),
    };
    let deal = |&(offer, request, quantity): &(u32, u32, i64)| {
        let (ask, limit) = (entry(&board.offers, offer)?, entry(&board.requests, request)?);
        let price = match rule.price {
            PriceRule::Uniform => *uniform.get(&offer)?,
            PriceRule::Between(share) => between(ask.limit, limit.limit, share)?,
            PriceRule::Ask => ask.limit,
        };
        let price = rule.floor.map_or(price, |floor| price.max(floor));
        Some(ProposedDeal { offer, request, quantity, price })
    };
    lots.iter().filter_map(deal).collect()
}

fn entry<'b, 'a>(entries: &'b [Entry<'a>], row: u32) -> Option<&'b Entry<'a>> {
    entries.get(usize::try_from(row).ok()?)
}

/// ask + share × (limit − ask).
// Rules: R-BIL-039.
fn between(ask: Price, limit: Price, share: Share) -> Option<Price> {
    let gap = i128::from(limit.millionths()).checked_sub(ask.millionths().into())?;
    let part = divide_half_even(gap.checked_mul(share.millionths().into())?, MILLIONTHS.into())?;
    let price = i128::from(ask.millionths()).checked_add(part)?;
    i64::try_from(price).ok().map(Price::from_millionths)
}

/// The price of each offer that deals.
// Rules: R-BIL-038.
fn uniform_prices(board: &Board<'_>, rule: &RoundRule, lots: &[(u32, u32, i64)]) -> BTreeMap<u32, Price> {
    let mut given = BTreeMap::<u32, i64>::new();
    let mut by_party = BTreeMap::<u32, Vec<(u32, u32)>>::new();
    for &(offer, request, quantity) in lots {
        let Some(ask) = entry(&board.offers, offer) else { continue };
        let sum = given.entry(request).or_insert(0);
        *sum = sum.saturating_add(quantity);
        by_party.entry(ask.party).or_default().push((offer, request));
    }
    let mut prices = BTreeMap::new();
    for deals in by_party.values() {
        let (highest, upper) = ends(board, rule, deals);
        if highest <= upper {
            let price = lower_end(board, rule, &given, deals, highest).min(upper);
            prices.extend(deals.iter().filter_map(|(offer, _)| Some((*offer, price?))));
            continue;
        }
        let offers: BTreeSet<u32> = deals.iter().map(|(offer, _)| *offer).collect();
        for of in offers {
            let own: Vec<_> = deals.iter().copied().filter(|(offer, _)| *offer == of).collect();
            let (highest, upper) = ends(board, rule, &own);
            let price = lower_end(board, rule, &given, &own, highest).min(upper);
            prices.extend(price.map(|price| (of, price)));
        }
    }
    prices
}

/// The highest limit of the offers of some deals, or the floor, and the lowest of their requests.
fn ends(board: &Board<'_>, rule: &RoundRule, deals: &[(u32, u32)]) -> (Option<Price>, Option<Price>) {
    let asks = deals.iter().filter_map(|(offer, _)| entry(&board.offers, *offer)).map(|offer| offer.limit);
    let limits = deals.iter().filter_map(|(_, request)| entry(&board.requests, *request));
    (asks.chain(rule.floor).max(), limits.map(|request| request.limit).min())
}

/// What the price is not below: the highest of `highest` and the limits of requests that could deal with these offers and were not given all
/// they wanted.
fn lower_end(
    board: &Board<'_>,
    rule: &RoundRule,
    given: &BTreeMap<u32, i64>,
    deals: &[(u32, u32)],
    highest: Option<Price>,
) -> Option<Price> {
    let offers: BTreeSet<u32> = deals.iter().map(|(offer, _)| *offer).collect();
    let refused = (0_u32..).zip(&board.requests).filter(|(row, request)| {
        let mut own = offers.iter().filter_map(|offer| entry(&board.offers, *offer));
        given.get(row).copied().unwrap_or(0) < request.quantity
            && own.any(|offer| are_compatible(offer, request, rule.floor))
    });
    refused.map(|(_, request)| request.limit).chain(highest).max()
}
