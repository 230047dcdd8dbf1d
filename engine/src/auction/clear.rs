//! From an auction's book to its price and to what each bid is given.
//!
//! The rule is [`clearing`](crate::clearing)'s; here it is applied to a book that is kept by level, so that nothing is sorted: the
//! ladders give the curves, the cascade the price, the curves the margin of each side, and one walk over the bids fills all
//! that are better than it. Only the bids at the margin are looked at one by one.

use super::result::WinningLimit;
use crate::book::{Book, Ladder, Merit, Side, for_each_level};
use crate::clearing::{
    AtAnyPrice, Certificate, Curve, Decision, Member, Order, Rule, Step, decide, shares, summary,
    winning_limits_of,
};
use crate::id::BidId;
use crate::market::Market;
use crate::num::{Price, Quantity};

/// A book that was cleared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cleared {
    /// The public part of the proof.
    pub certificate: Certificate,
    /// What is given to the bid in each place of the book, in lots; empty where nothing trades.
    pub given: Vec<i64>,
}

/// Clears a book by a rule that [`Market::rule`] gave and [`Rule::check`] found right. `programme` stands in the place of one side of
/// the book: the one buyer of a support auction, the one seller of a sale, or the book's own side with a stock's order added to it, which is
/// filled last. `seed` is what a seeded draw is made with.
// Rules: R-AUC-033.
pub fn clear(
    book: &Book,
    market: &Market,
    programme: Option<(Side, &Ladder)>,
    rule: &Rule,
    seed: &[u8],
) -> Cleared {
    let ladder = |side: Side| {
        let programme = programme.filter(|(of, _)| *of == side);
        programme.map_or(book.ladder(side), |(_, ladder)| ladder)
    };
    let (demand, supply) = (ladder(Side::Buy), ladder(Side::Sell));
    let quantity = |lots: i64| lots.saturating_mul(market.lot.millionths());
    let at_any_price =
        AtAnyPrice { bought: quantity(demand.at_any_price()), sold: quantity(supply.at_any_price()) };
    let decided_by = |rule: &Rule| {
        let mut steps = Vec::new();
        for_each_level(demand, supply, |level, bought, sold| {
            let price = market.price(level).millionths();
            steps.push(Step { price, bought: quantity(bought), sold: quantity(sold) });
        });
        let curve = Curve::of_steps(steps, at_any_price, rule);
        let decision = decide(&curve, rule);
        (curve, decision)
    };
    let (mut curve, mut decision) = decided_by(rule);
    if is_beyond_band(decision, market) {
        (curve, decision) = decided_by(&within_band(rule, market));
    }
    let Decision::Price { price, .. } = decision else {
        return Cleared { certificate: summary(&curve, decision, 0, 0), given: Vec::new() };
    };
    let volume = curve.at(price.millionths()).volume();
    let margins = Side::BOTH.map(|side| curve.margin(side, volume));
    let merits = margins.each_ref().map(|margin| {
        // Only a bid's own limit is a margin's, and bids are on the grid.
        margin.limit.and_then(|limit| market.level(Price::from_millionths(limit)))
    });
    let [buy_merit, sell_merit] = merits;
    let (mut given, sharing) =
        book.fill([Merit::of(Side::Buy, buy_merit), Merit::of(Side::Sell, sell_merit)]);
    for (places, margin) in sharing.iter().zip(margins) {
        share(book, market, places, rule, seed, margin.left, &mut given);
    }
    Cleared { certificate: summary(&curve, decision, volume, volume), given }
}

/// For each standing bid that was given nothing, in order of time, the limit nearest to its own with which it would have won
/// something, all others unchanged.
// Rules: R-AUC-029.
pub(super) fn winning_limits(
    book: &Book,
    market: &Market,
    programme: Option<Order<'_>>,
    rule: &Rule,
    seed: &[u8],
    given: &[i64],
) -> Vec<WinningLimit> {
    let bids: Vec<_> = book.orders().collect();
    let ids: Vec<String> = bids.iter().map(|order| order.bid.to_string()).collect();
    let orders: Vec<Order<'_>> = bids
        .iter()
        .zip(&ids)
        .zip(ranks(bids.iter().map(|order| order.bid)))
        .map(|((order, id), rank)| Order {
            id: id.as_bytes(),
            rank,
            side: order.side,
            price: order.level.map(|level| market.price(level)),
            quantity: market.quantity(order.lots).unwrap_or(Quantity::ZERO),
            min_quantity: Quantity::ZERO,
            received: 0,
        })
        .chain(programme)
        .collect();
    let given = given.iter().copied().chain(std::iter::repeat(0));
    let lost: Vec<bool> = book.with(given).map(|(_, given)| given == 0).collect();
    let limits = winning_limits_of(&orders, rule, Some(seed), &lost);
    assert!(limits.is_ok(), "the rule was checked when the auction was announced, and each bid when it came");
    let told = |limit: Option<Price>| match limit {
        Some(limit) if market.check_price(limit).is_ok() => WinningLimit::At(limit),
        _ => WinningLimit::Nowhere,
    };
    let limits = limits.unwrap_or_default().into_iter().zip(lost).filter(|(_, lost)| *lost);
    limits.map(|(limit, _)| told(limit)).collect()
}

/// The place of each bid's id among all of them.
pub(super) fn ranks(bids: impl Iterator<Item = BidId>) -> Vec<u32> {
    let mut by_id: Vec<(BidId, usize)> = bids.zip(0..).collect();
    by_id.sort_unstable();
    let mut ranks = vec![0_u32; by_id.len()];
    for (rank, (_, number)) in (0_u32..).zip(by_id) {
        if let Some(place) = ranks.get_mut(number) {
            *place = rank;
        }
    }
    ranks
}

/// Gives the bids in some places, all of one limit, what is left for them.
// Rules: R-MON-039.
fn share(
    book: &Book,
    market: &Market,
    places: &[usize],
    rule: &Rule,
    seed: &[u8],
    left: i64,
    given: &mut [i64],
) {
    let bids: Vec<_> = places.iter().filter_map(|&place| book.get(place)).collect();
    let ids: Vec<String> = bids.iter().map(|order| order.bid.to_string()).collect();
    let members: Vec<Member<'_>> = bids
        .iter()
        .zip(&ids)
        .zip(ranks(bids.iter().map(|order| order.bid)))
        .map(|((order, id), rank)| Member {
            wanted: order.lots.saturating_mul(market.lot.millionths()),
            minimum: 0,
            rank,
            id: id.as_bytes(),
        })
        .collect();
    // Of what is left at the margin a stock's order gets what the book's bids there do not.
    let wanted = members.iter().fold(0_i64, |sum, member| sum.saturating_add(member.wanted));
    for (&place, share) in places.iter().zip(shares(&members, rule, seed, left.min(wanted))) {
        if let Some(given) = given.get_mut(place) {
            *given = share.checked_div(market.lot.millionths()).unwrap_or(0);
        }
    }
}

/// Whether a price is one that the market does not take: beyond all limits a rule can look further than the market's band.
fn is_beyond_band(decision: Decision, market: &Market) -> bool {
    matches!(decision, Decision::Price { price, .. } if market.level(price).is_none())
}

/// The rule with the market's band as its bounds, where it has none of its own.
// Rules: R-AUC-047.
fn within_band(rule: &Rule, market: &Market) -> Rule {
    Rule {
        floor: rule.floor.or(Some(market.lowest)),
        ceiling: rule.ceiling.or(Some(market.highest)),
        ..rule.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::book;
    use crate::clearing::{self, Allocation, Candidates, Criterion, Payment};
    use crate::id::{BidId, CommandId, IdentityId, ParticipantId};
    use crate::market::Unit;
    use crate::num::Currency;
    use proptest::prelude::*;

    fn market() -> Market {
        let price = |units| Price::from_units(units).expect("fits");
        let quantity = |units| Quantity::from_units(units).expect("fits");
        Market {
            name: "Lithium".parse().expect("a name"),
            unit: Unit::Tonne,
            currency: Currency::Usd,
            lot: quantity(3),
            tick: price(2),
            lowest: price(-1_000),
            highest: price(1_000),
            largest: quantity(3_000),
        }
    }

    fn a_rule() -> impl Strategy<Value = Rule> {
        use Criterion::*;
        let cascades = [
            vec![MostVolume, LeastSurplus, SurplusSide, Reference],
            vec![MostVolume, LastAcceptedOffer, Reference],
            vec![MostVolume, Pressure, Midpoint, Reference],
            vec![LeastSurplus, Highest],
            vec![MostVolume, Lowest],
        ];
        let allocations = Allocation::ALL
            .iter()
            .copied()
            .filter(|allocation| !matches!(allocation, Allocation::RoundUp | Allocation::MinimumFill));
        let bound = || prop_oneof![3 => Just(None), 1 => (-40_i64..40).prop_map(|ticks| Price::from_units(ticks * 2))];
        (
            prop::sample::select(Candidates::ALL),
            prop::sample::select(cascades.to_vec()),
            prop::sample::select(allocations.collect::<Vec<_>>()),
            [bound(), bound(), bound()],
        )
            .prop_map(|(candidates, cascade, allocation, [reference_price, one, other])| {
                let crossed = one.zip(other).is_some_and(|(one, other)| one > other);
                let (floor, ceiling) = if crossed { (other, one) } else { (one, other) };
                let payment = Payment::OnePrice;
                let rule = Rule::new(candidates, cascade, allocation);
                Rule { payment, reference_price, floor, ceiling, ..rule }
            })
    }

    /// As the preset `bnb`: more is wanted at any price than there is, or offered, and pressure may move the price up to five per cent beyond
    /// the reference, which is further than the market's band goes.
    /// Rules: R-AUC-047.
    #[test]
    fn a_rule_that_looks_beyond_the_band_finds_a_price_at_its_end() {
        let market = market();
        let mut rule = Rule::new(
            Candidates::Ticks,
            vec![Criterion::MostVolume, Criterion::LeastSurplus, Criterion::Pressure, Criterion::Reference],
            Allocation::PriceTime,
        );
        rule.band = "0.05".parse().ok();
        let ends = [(990, 980, Side::Buy, market.highest), (-990, -980, Side::Sell, market.lowest)];
        for (reference, limit, pressing, end) in ends {
            rule.reference_price = Price::from_units(reference);
            let other = if pressing == Side::Buy { Side::Sell } else { Side::Buy };
            let level = market.level(Price::from_units(limit).expect("fits"));
            let mut book = Book::new();
            for (command, side, level, lots) in [(1, pressing, None, 10), (2, other, level, 3)] {
                let bid = BidId { identity: IdentityId(1), command: CommandId(command) };
                book.add(book::Order { bid, participant: ParticipantId(1), side, level, lots, origin: None });
            }
            let cleared = clear(&book, &market, None, &market.rule(&rule), b"");
            assert_eq!(cleared.certificate.price(), Some(end));
            assert_eq!(cleared.given, [3, 3]);
        }
    }

    proptest! {
        /// The book by level and the list of orders give the same, bid by bid.
        /// Rules: R-AUC-033.
        #[test]
        fn a_book_clears_as_the_list_of_its_orders(
            rule in a_rule(),
            // Around the middle of the band, over the end of a page of the ladder.
            bids in prop::collection::vec(
                (any::<bool>(), prop::option::weighted(0.9, 490_u32..535), 0_i64..6, 1_u32..5),
                0..40,
            ),
        ) {
            let market = market();
            let rule = market.rule(&rule);
            let mut book = Book::new();
            for (number, &(buys, level, lots, identity)) in (1..).zip(&bids) {
                let bid = BidId { identity: IdentityId(identity), command: CommandId(number) };
                let side = if buys { Side::Buy } else { Side::Sell };
                book.add(book::Order { bid, participant: ParticipantId(1), side, level, lots, origin: None });
            }
            let texts: Vec<(BidId, String)> =
                book.orders().map(|order| (order.bid, order.bid.to_string())).collect();
            let rank = |bid: BidId| texts.iter().filter(|(other, _)| *other < bid).count();
            let orders: Vec<Order<'_>> = book
                .orders()
                .zip(&texts)
                .map(|(order, (bid, text))| Order {
                    id: text.as_bytes(),
                    rank: u32::try_from(rank(*bid)).expect("few"),
                    side: order.side,
                    price: order.level.map(|level| market.price(level)),
                    quantity: market.quantity(order.lots).expect("fits"),
                    min_quantity: Quantity::ZERO,
                    received: 0,
                })
                .collect();
            let mut rule = rule;
            let cleared = clear(&book, &market, None, &rule, b"seed");
            let mut outcome = clearing::clear(&orders, &rule, Some(b"seed")).expect("on the grid");
            if is_beyond_band(outcome.decision, &market) {
                rule = within_band(&rule, &market);
                outcome = clearing::clear(&orders, &rule, Some(b"seed")).expect("on the grid");
            }
            let (public, _) =
                clearing::certificate(&orders, &rule, Some(b"seed"), &outcome).expect("as before");
            prop_assert_eq!(&cleared.certificate, &public);
            let mut expected = vec![0; orders.len()];
            for fill in &outcome.fills {
                let order = usize::try_from(fill.order).expect("few");
                expected[order] = market.lots(fill.quantity).expect("whole lots");
            }
            let given = cleared.given.into_iter().chain(std::iter::repeat(0));
            let given: Vec<i64> = book.with(given).map(|(_, given)| given).collect();
            prop_assert_eq!(given, expected);
        }
    }
}
