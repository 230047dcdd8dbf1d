//! The cascade: one criterion after another keeps the best candidates, until one price is left.
//!
//! Volume rises to its maximum and falls from it, and demand minus supply only falls, so what a criterion keeps lies side by
//! side among the candidates. Each criterion is one pass.

use super::Decision;
use super::curve::{Curve, Piece, round_to_step};
use super::rule::{Candidates, Criterion, Rule};
use crate::book::Side;
use crate::num::{MILLIONTHS, Price};

/// Finds the price of a book by a rule that was checked.
// Rules: R-AUC-039.
pub(crate) fn decide(curve: &Curve, rule: &Rule) -> Decision {
    let mut left = candidates(curve, rule);
    if left.is_empty() {
        return without_candidates(curve, rule);
    }
    for &criterion in &rule.cascade {
        left = keep(criterion, left, curve, rule);
        if let Some(price) = only(&left) {
            return Decision::Price { price: on_tick(price, rule), step: criterion };
        }
    }
    let price = |end: super::curve::End| Price::from_millionths(end.inside);
    Decision::Undecided {
        lowest: left.first().and_then(|piece| piece.low).map(price),
        highest: left.last().and_then(|piece| piece.high).map(price),
    }
}

/// The candidates at which anything trades. Where the cascade begins with the most volume, those with less are not even collected.
// Rules: R-AUC-037.
pub(super) fn candidates(curve: &Curve, rule: &Rule) -> Vec<Piece> {
    let only_most = rule.cascade.first() == Some(&Criterion::MostVolume);
    let mut left: Vec<Piece> = Vec::new();
    let mut most = 1;
    curve.for_each_candidate(rule, |piece| {
        let volume = piece.at.volume();
        if volume < most {
            return;
        }
        if only_most && volume > most {
            left.clear();
            most = volume;
        }
        left.push(piece);
    });
    left
}

/// Where no limit is a candidate, market orders trade with each other at the reference price.
// Rules: R-AUC-046.
fn without_candidates(curve: &Curve, rule: &Rule) -> Decision {
    let only_market_orders = curve.is_flat() && curve.ends().0.volume() > 0;
    match rule.reference() {
        Some(reference) if only_market_orders => {
            Decision::Price { price: on_tick(reference.millionths(), rule), step: Criterion::Reference }
        }
        None if only_market_orders => Decision::Undecided { lowest: None, highest: None },
        _ => Decision::NothingTrades,
    }
}

/// The price, if only one is left.
fn only(left: &[Piece]) -> Option<i64> {
    let [piece] = left else {
        return None;
    };
    let (low, high) = (piece.low?.inside, piece.high?.inside);
    (low == high).then_some(low)
}

/// Rounds a clearing price to the rule's tick. Limits and bounds are on the tick, so no volume is lost.
fn on_tick(price: i64, rule: &Rule) -> Price {
    let tick = rule.tick.map_or(1, Price::millionths);
    Price::from_millionths(round_to_step(i128::from(price), 1, tick, rule.rounding))
}

/// What a criterion keeps of the candidates, which are ascending and not empty; the result is not empty either.
// Rules: R-AUC-040.
fn keep(criterion: Criterion, mut left: Vec<Piece>, curve: &Curve, rule: &Rule) -> Vec<Piece> {
    let chosen = match criterion {
        Criterion::MostVolume => {
            let most = left.iter().map(|piece| piece.at.volume()).max();
            left.retain(|piece| Some(piece.at.volume()) == most);
            None
        }
        Criterion::LeastSurplus => {
            let least = left.iter().map(|piece| piece.at.surplus()).min();
            left.retain(|piece| Some(piece.at.surplus()) == least);
            None
        }
        Criterion::SurplusSide => match side_of_all(&left) {
            Some(Side::Buy) => highest(&left),
            Some(Side::Sell) => lowest(&left),
            None => None,
        },
        Criterion::Pressure => side_of_all(&left).and_then(|side| pressed(&left, side, rule)),
        Criterion::Reference => rule.reference().and_then(|reference| nearest(&left, reference.millionths())),
        Criterion::Midpoint => midpoint(&left, rule),
        Criterion::Highest => highest(&left),
        Criterion::Lowest => lowest(&left),
        Criterion::LastAcceptedOffer => last_accepted_offer(&left, curve, rule),
    };
    match chosen {
        Some(price) => vec![Piece::point(price, curve.at(price))],
        None => left,
    }
}

fn lowest(left: &[Piece]) -> Option<i64> {
    left.first()?.low.map(|low| low.inside)
}

fn highest(left: &[Piece]) -> Option<i64> {
    left.last()?.high.map(|high| high.inside)
}

/// The side that has a surplus at every candidate.
// Rules: R-AUC-041.
fn side_of_all(left: &[Piece]) -> Option<Side> {
    if left.iter().all(|piece| piece.at.demand > piece.at.supply) {
        Some(Side::Buy)
    } else if left.iter().all(|piece| piece.at.demand < piece.at.supply) {
        Some(Side::Sell)
    } else {
        None
    }
}

/// The furthest candidate on the surplus's side that is within the band around the reference, or else the nearest to it.
// Rules: R-AUC-042.
fn pressed(left: &[Piece], side: Side, rule: &Rule) -> Option<i64> {
    let limit = rule.reference().zip(rule.band).map(|(reference, band)| {
        let width = i128::from(reference.millionths().unsigned_abs())
            .saturating_mul(i128::from(band.millionths()))
            .checked_div(i128::from(MILLIONTHS))
            .and_then(|width| i64::try_from(width).ok())
            .unwrap_or(0);
        let tick = rule.tick.map_or(1, Price::millionths);
        let edge = match side {
            Side::Buy => reference.millionths().saturating_add(width),
            Side::Sell => reference.millionths().saturating_sub(width),
        };
        round_to_step(i128::from(edge), 1, tick, rule.rounding)
    });
    let Some(limit) = limit else {
        return if side == Side::Buy { highest(left) } else { lowest(left) };
    };
    let within = |piece: &Piece| {
        let price = piece.nearest(limit);
        let is_within = if side == Side::Buy { price <= limit } else { price >= limit };
        is_within.then_some(price)
    };
    match side {
        Side::Buy => left.iter().rev().find_map(within).or_else(|| lowest(left)),
        Side::Sell => left.iter().find_map(within).or_else(|| highest(left)),
    }
}

/// The candidate nearest to a price, of two the higher.
// Rules: R-AUC-043.
fn nearest(left: &[Piece], to: i64) -> Option<i64> {
    left.iter()
        .map(|piece| piece.nearest(to))
        .min_by_key(|&price| (price.abs_diff(to), std::cmp::Reverse(price)))
}

/// Half way between the outer edges, rounded to the tick. Without a tick it stays inside; with one it may come to lie on an
/// edge, where no less trades.
// Rules: R-AUC-044.
fn midpoint(left: &[Piece], rule: &Rule) -> Option<i64> {
    let low = left.first()?.low?;
    let high = left.last()?.high?;
    let sum = i128::from(low.edge).saturating_add(i128::from(high.edge));
    let tick = rule.tick.map_or(1, Price::millionths);
    let middle = round_to_step(sum, 2, tick, rule.rounding);
    Some(if rule.tick.is_some() { middle } else { middle.max(low.inside).min(high.inside) })
}

/// The last accepted offer or else the lowest accepted bid, moved into the equilibrium if every price is a candidate, and
/// always into what is left.
// Rules: R-AUC-045.
fn last_accepted_offer(left: &[Piece], curve: &Curve, rule: &Rule) -> Option<i64> {
    let volume = left.iter().map(|piece| piece.at.volume()).max()?;
    let mut price = curve.offered_from(volume).or_else(|| curve.wanted_until(volume))?;
    if rule.candidates == Candidates::Interval {
        let equilibrium = curve.equilibrium();
        price = equilibrium.low.map_or(price, |low| price.max(low.millionths()));
        price = equilibrium.high.map_or(price, |high| price.min(high.millionths()));
    }
    // Bounds stand above the equilibrium.
    price = lowest(left).map_or(price, |low| price.max(low));
    Some(highest(left).map_or(price, |high| price.min(high)))
}
