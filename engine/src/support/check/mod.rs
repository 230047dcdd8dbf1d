//! The checker: whether an outcome is what offers and rule make of it, and if not, which offer was wronged.
//!
//! It shares no code with the way down the stack, and reads the outcome twice:
//!
//! - *At the end*, from the awards alone: each is one that its offer takes, at the price that its auction's highest awarded score makes;
//!   no limit, minimum or share of origin is exceeded; what limits have taken in and the totals are the sums of the awards.
//! - *At each offer's turn*: what is awarded before it in the stack is known, and so what it was due, why it got no more, and by how much
//!   it would have been too much. Without this, nothing exact could be said: clearing prices rise after an offer's turn, so that at the end
//!   it would be too much by more, and it may break what it did not break then. (A clearing price only rises, and limits only fill: what was
//!   in the way at the turn is in the way at the end.) Whoever comes after takes nothing that was due to somebody before.
//!
//! What is not shown: that no larger caps by origin could have been kept. The outcome tells of how much volume they are shares. That
//! the awards keep them is checked, and where offers are divisible and one volume is all that is limited, that volume is the awards'
//! own. Which it is otherwise, awarding again shows.

mod reading;

use std::collections::{BTreeMap, BTreeSet};

use super::rule::SupportRule;
use super::{Award, ClearingScore, Constraint, Offer, Outcome, Reason, Rejection, Totals, Void};
use crate::clearing::Payment;
use crate::num::{Price, Quantity};
use crate::text::Country;
use reading::{Book, Facts, Reading, rounded_up};

/// What is wrong with an outcome. Offers are counted from zero.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Nothing could have been awarded: the rule makes no sense, or the seed is missing.
    #[error("no auction can be held with this rule and seed")]
    NotHeld,
    /// An award is no offer's.
    #[error("offer {offer} is awarded something and does not exist")]
    UnknownOffer {
        /// The offer.
        offer: u32,
    },
    /// Awards are not in the order of the offers, or an offer is awarded twice under one minimum or beside all.
    #[error("the award to offer {offer} is out of order, or is there twice")]
    OutOfOrder {
        /// The offer.
        offer: u32,
    },
    /// An offer is awarded nothing, less than its minimum, more than its quantity, or part of a lot.
    #[error("offer {offer} is awarded {given} altogether; it takes whole lots from {least} to {quantity}")]
    NotWanted {
        /// The offer.
        offer: u32,
        /// What it is awarded.
        given: Quantity,
        /// The least that it takes.
        least: Quantity,
        /// The most.
        quantity: Quantity,
    },
    /// An offer asks more than its ceiling and is awarded something.
    #[error("offer {offer} is above its ceiling and is awarded something")]
    AboveCeiling {
        /// The offer.
        offer: u32,
    },
    /// Two offers of one unit are awarded.
    #[error("offer {offer} is awarded something, and so is offer {by} of the same unit")]
    UnitTwice {
        /// The later one.
        offer: u32,
        /// The other one.
        by: u32,
    },
    /// An award is not paid what is due.
    #[error("offer {offer} is paid {given} instead of {due}")]
    WrongPrice {
        /// The offer.
        offer: u32,
        /// What it is paid.
        given: Price,
        /// What is due.
        due: Price,
    },
    /// With the award to this offer, in the order of the stack, something is exceeded.
    #[error("with the award to offer {offer}, {constraint:?} is exceeded")]
    Exceeded {
        /// The offer.
        offer: u32,
        /// What is exceeded.
        constraint: Constraint,
    },
    /// With the award to this offer, what is kept for a minimum is exceeded.
    #[error("with the award to offer {offer}, minimum {minimum} is exceeded")]
    MinimumExceeded {
        /// The offer.
        offer: u32,
        /// The minimum, counted from zero.
        minimum: u32,
    },
    /// An offer was due more.
    #[error("offer {offer} is passed over: it is awarded {given} and was due {due}")]
    PassedOver {
        /// The offer.
        offer: u32,
        /// What it is awarded.
        given: Quantity,
        /// What it was due.
        due: Quantity,
    },
    /// An offer was due less: it has what was somebody else's, or nobody's.
    #[error("offer {offer} is awarded {given} and was due {due}")]
    Favoured {
        /// The offer.
        offer: u32,
        /// What it is awarded.
        given: Quantity,
        /// What it was due.
        due: Quantity,
    },
    /// An offer was due the same, in other parts under minima and beside them.
    #[error("offer {offer} is awarded its due in the wrong auctions")]
    WrongAuction {
        /// The offer.
        offer: u32,
    },
    /// What an offer is told is not so, it is told nothing, or it is told something and was awarded all.
    #[error("offer {offer} is told {given:?}, and it is {due:?}")]
    WrongReason {
        /// The offer.
        offer: u32,
        /// What it is told.
        given: Option<Reason>,
        /// What is so.
        due: Option<Reason>,
    },
    /// The outcome is void and should not be, or the other way round, or for another reason.
    #[error("the auction is said to be void for {given:?}, and it is for {due:?}")]
    WrongVoid {
        /// What is said.
        given: Option<Void>,
        /// What is so.
        due: Option<Void>,
    },
    /// A number of the outcome is not what offers and awards say.
    #[error("the {which} are wrong")]
    WrongNumber {
        /// Which.
        which: Number,
    },
}

/// A number of an outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Number {
    /// The clearing scores.
    Clearing,
    /// The totals.
    Totals,
    /// The totals without the cap by origin.
    WithoutOriginCap,
    /// What limits have taken in.
    Used,
    /// The volume that the caps by origin are shares of.
    OriginVolume,
}

impl std::fmt::Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Clearing => "clearing scores",
            Self::Totals => "totals",
            Self::WithoutOriginCap => "totals without the cap by origin",
            Self::Used => "amounts that limits have taken in",
            Self::OriginVolume => "volumes that caps by origin are shares of",
        })
    }
}

impl Fault {
    /// The offer that was wronged, or that has what it should not have.
    pub const fn offer(&self) -> Option<u32> {
        match self {
            Self::UnknownOffer { offer }
            | Self::OutOfOrder { offer }
            | Self::NotWanted { offer, .. }
            | Self::AboveCeiling { offer }
            | Self::UnitTwice { offer, .. }
            | Self::WrongPrice { offer, .. }
            | Self::Exceeded { offer, .. }
            | Self::MinimumExceeded { offer, .. }
            | Self::PassedOver { offer, .. }
            | Self::Favoured { offer, .. }
            | Self::WrongAuction { offer }
            | Self::WrongReason { offer, .. } => Some(*offer),
            Self::NotHeld | Self::WrongVoid { .. } | Self::WrongNumber { .. } => None,
        }
    }
}

/// An award without its price.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Part {
    row: u32,
    minimum: Option<u32>,
    quantity: i64,
    at_ceiling: bool,
}

/// What the second reading comes to.
#[derive(Default)]
struct Due {
    parts: Vec<Part>,
    reasons: Vec<(u32, Reason)>,
}

/// An auction with a price of its own, in the order in which they are held: its pot, its minimum after those before and before none, its
/// year.
type Auction = (usize, bool, Option<u32>, u16);

/// Checks what [`award`](super::award) made of offers that it takes. Takes time for sorting, and for each offer and limit.
///
/// # Errors
///
/// The first fault: of single awards, then of what they come to together, then of single offers in the order of the stack.
pub fn check(
    offers: &[Offer<'_>],
    rule: &SupportRule,
    seed: Option<&[u8]>,
    outcome: &Outcome,
) -> Result<(), Fault> {
    let book = rule.check().ok().and_then(|()| Book::new(offers, rule, seed)).ok_or(Fault::NotHeld)?;
    let due = void(&book, outcome);
    if outcome.void != due {
        return Err(Fault::WrongVoid { given: outcome.void, due });
    }
    let parts = read_awards(&book, outcome)?;
    if due.is_some() {
        return check_void(&book, outcome);
    }
    check_prices(&book, outcome, &parts)?;
    check_limits(&book, outcome, &parts)?;
    check_origins(&book, outcome, &parts)?;
    let due = Reading::of(&book, outcome.origin_volume.map(|volume| i128::from(volume.millionths())));
    check_due(&book, &parts, &due)?;
    check_reasons(&book, &outcome.rejections, due.reasons)?;
    let without = rule.origin_cap.as_ref().map(|_| totals(&book, &Reading::of(&book, None).parts));
    number(outcome.without_origin_cap == without, Number::WithoutOriginCap)
}

fn number(is_right: bool, which: Number) -> Result<(), Fault> {
    if is_right { Ok(()) } else { Err(Fault::WrongNumber { which }) }
}

fn volume(parts: &[Part]) -> i128 {
    parts.iter().fold(0_i128, |sum, part| sum.saturating_add(i128::from(part.quantity)))
}

/// Why nothing must be awarded, if that is so.
fn void(book: &Book<'_>, outcome: &Outcome) -> Option<Void> {
    let competition = &book.rule.competition;
    let stacked = || book.stack.iter().filter_map(|row| book.facts.get(*row));
    let mut owners: Vec<u32> = stacked().map(|fact| fact.offer.owner_group).collect();
    owners.sort_unstable();
    owners.dedup();
    let owners = u32::try_from(owners.len()).unwrap_or(u32::MAX);
    if competition.least_owner_groups.is_some_and(|least| owners < least.get()) {
        return Some(Void::TooFewOwners { owners });
    }
    if !competition.void_if_all_win || owners == 0 {
        return None;
    }
    let all_win = |due: &Due| due.reasons.iter().all(|(_, reason)| matches!(reason, Reason::Excluded { .. }));
    let told = outcome.origin_volume.map(|volume| i128::from(volume.millionths()));
    if told.is_some() != book.rule.origin_cap.is_some() {
        return None;
    }
    let due = Reading::of(book, told);
    all_win(&due).then_some(Void::AllWin)
}

/// Nothing for anybody.
fn check_void(book: &Book<'_>, outcome: &Outcome) -> Result<(), Fault> {
    if let Some(award) = outcome.awards.first() {
        return Err(Fault::Favoured { offer: award.offer, given: award.quantity, due: Quantity::ZERO });
    }
    number(outcome.clearing.is_empty(), Number::Clearing)?;
    number(outcome.totals == Totals::default(), Number::Totals)?;
    number(outcome.without_origin_cap.is_none(), Number::WithoutOriginCap)?;
    if outcome.void == Some(Void::AllWin) {
        // Of how much they would have had, shares are told.
        let told = outcome.origin_volume.map(|volume| i128::from(volume.millionths()));
        let parts = Reading::of(book, told).parts;
        check_origins(book, outcome, &parts)?;
    } else {
        number(outcome.origin_volume.is_none(), Number::OriginVolume)?;
    }
    number(
        outcome.used.len() == book.rule.limits.len() && outcome.used.iter().all(Option::is_none),
        Number::Used,
    )?;
    let stacked = book.stack.iter().filter_map(|row| book.facts.get(*row));
    check_reasons(book, &outcome.rejections, stacked.map(|fact| (fact.row, Reason::Void)).collect())
}

fn fact_of<'b, 'a>(book: &'b Book<'a>, row: u32) -> Option<&'b Facts<'a>> {
    usize::try_from(row).ok().and_then(|row| book.facts.get(row))
}

fn auction_of(fact: &Facts<'_>, minimum: Option<u32>) -> Auction {
    (fact.pot, minimum.is_none(), minimum, fact.offer.year)
}

/// Each award by itself, and each offer's together.
fn read_awards(book: &Book<'_>, outcome: &Outcome) -> Result<Vec<Part>, Fault> {
    let at_ceilings = outcome.clearing.iter().filter(|cleared| cleared.score.is_none());
    let at_ceilings: BTreeSet<Auction> =
        at_ceilings.filter_map(|cleared| told_auction(book, cleared)).collect();
    let mut parts: Vec<Part> = Vec::with_capacity(outcome.awards.len());
    let mut given: BTreeMap<u32, i64> = BTreeMap::new();
    let mut last = None;
    let mut units: BTreeMap<u64, u32> = BTreeMap::new();
    for award in &outcome.awards {
        let &Award { offer, quantity, minimum, .. } = award;
        let fact = fact_of(book, offer).ok_or(Fault::UnknownOffer { offer })?;
        let place = (offer, minimum.is_none(), minimum);
        if last.replace(place).is_some_and(|last| last >= place) {
            return Err(Fault::OutOfOrder { offer });
        }
        if fact.is_above_ceiling() {
            return Err(Fault::AboveCeiling { offer });
        }
        let minima = book.rule.limits.len();
        let is_under = |minimum: u32| {
            let number = usize::try_from(minimum).ok().and_then(|number| minima.checked_add(number));
            number.is_some_and(|number| book.counts(number, fact.offer))
        };
        if !minimum.is_none_or(is_under) {
            return Err(Fault::WrongAuction { offer });
        }
        if let Some(by) = fact.offer.unit.and_then(|unit| units.insert(unit, offer)).filter(|by| *by != offer)
        {
            return Err(Fault::UnitTwice { offer, by });
        }
        let sum = given.entry(offer).or_insert(0);
        *sum = sum.saturating_add(quantity.millionths());
        let at_ceiling = at_ceilings.contains(&auction_of(fact, minimum));
        parts.push(Part { row: offer, minimum, quantity: quantity.millionths(), at_ceiling });
    }
    for part in &parts {
        let (Some(fact), Some(sum)) = (fact_of(book, part.row), given.get(&part.row)) else { continue };
        let is_in_lots = part.quantity > 0 && part.quantity.checked_rem(book.lot) == Some(0);
        if !is_in_lots || *sum < fact.least || *sum > fact.offer.quantity.millionths() {
            let given = Quantity::from_millionths(*sum).unwrap_or(Quantity::ZERO);
            let least = Quantity::from_millionths(fact.least.max(book.lot)).unwrap_or(Quantity::ZERO);
            return Err(Fault::NotWanted { offer: part.row, given, least, quantity: fact.offer.quantity });
        }
    }
    Ok(parts)
}

/// Which auction a clearing score is told of.
fn told_auction(book: &Book<'_>, cleared: &ClearingScore) -> Option<Auction> {
    let pot = book.pots.iter().position(|pot| *pot == cleared.pot.as_ref())?;
    Some((pot, cleared.minimum.is_none(), cleared.minimum, cleared.year))
}

/// The highest score awarded in each auction.
fn scores(book: &Book<'_>, parts: &[Part]) -> BTreeMap<Auction, i128> {
    let mut scores = BTreeMap::new();
    for part in parts {
        if let Some(fact) = fact_of(book, part.row) {
            let score = scores.entry(auction_of(fact, part.minimum)).or_insert(fact.score);
            *score = fact.score.max(*score);
        }
    }
    scores
}

/// What a part is paid.
fn paid(book: &Book<'_>, scores: &BTreeMap<Auction, i128>, fact: &Facts<'_>, part: &Part) -> i128 {
    match book.rule.payment {
        Payment::OwnPrice => fact.price(),
        Payment::OnePrice if part.at_ceiling => fact.ceiling.unwrap_or_else(|| fact.price()),
        Payment::OnePrice => {
            let score = scores.get(&auction_of(fact, part.minimum));
            fact.paid(score.copied().unwrap_or(fact.score))
        }
    }
}

fn totals(book: &Book<'_>, parts: &[Part]) -> Totals {
    let scores = scores(book, parts);
    let mut cost = 0_i128;
    for part in parts {
        if let Some(fact) = fact_of(book, part.row) {
            let paid = paid(book, &scores, fact, part).max(0).saturating_mul(book.periods());
            cost = cost.saturating_add(paid.saturating_mul(i128::from(part.quantity)));
        }
    }
    let quantity = i64::try_from(volume(parts)).ok().and_then(Quantity::from_millionths);
    Totals { quantity: quantity.unwrap_or(Quantity::ZERO), cost: rounded_up(cost) }
}

/// Clearing scores, what each award is paid, and the totals.
fn check_prices(book: &Book<'_>, outcome: &Outcome, parts: &[Part]) -> Result<(), Fault> {
    let scores = scores(book, parts);
    let mut due: Vec<(Auction, Option<Price>)> = Vec::new();
    if book.rule.payment == Payment::OnePrice {
        let at_ceilings: BTreeSet<Auction> = parts
            .iter()
            .filter(|part| part.at_ceiling)
            .filter_map(|part| Some(auction_of(fact_of(book, part.row)?, part.minimum)))
            .collect();
        for (auction, score) in &scores {
            let score = i64::try_from(*score).ok().map(Price::from_millionths);
            due.push((*auction, score.filter(|_| !at_ceilings.contains(auction))));
        }
    }
    let told = outcome.clearing.iter().map(|cleared| Some((told_auction(book, cleared)?, cleared.score)));
    number(told.eq(due.into_iter().map(Some)), Number::Clearing)?;
    for (award, part) in outcome.awards.iter().zip(parts) {
        let Some(fact) = fact_of(book, award.offer) else { continue };
        let due = i64::try_from(paid(book, &scores, fact, part)).unwrap_or(i64::MAX);
        if award.price.millionths() != due {
            let due = Price::from_millionths(due);
            return Err(Fault::WrongPrice { offer: award.offer, given: award.price, due });
        }
    }
    number(outcome.totals == totals(book, parts), Number::Totals)
}

/// No limit and no minimum is exceeded, and what limits have taken in is what was awarded.
fn check_limits(book: &Book<'_>, outcome: &Outcome, parts: &[Part]) -> Result<(), Fault> {
    let scores = scores(book, parts);
    let limits = book.rule.limits.len();
    let mut places = vec![0_usize; book.facts.len()];
    for (place, row) in book.stack.iter().enumerate() {
        if let Some(of_row) = places.get_mut(*row) {
            *of_row = place;
        }
    }
    let place_of = |part: &&Part| usize::try_from(part.row).ok().and_then(|row| places.get(row)).copied();
    let mut in_order: Vec<&Part> = parts.iter().collect();
    in_order.sort_by_key(place_of);
    let mut due = Vec::with_capacity(limits);
    for number in 0..limits.saturating_add(book.rule.minima.len()) {
        let minimum = number.checked_sub(limits).and_then(|minimum| u32::try_from(minimum).ok());
        let mut used: BTreeMap<Option<u32>, i128> = BTreeMap::new();
        for part in &in_order {
            let Some(fact) = fact_of(book, part.row).filter(|fact| book.counts(number, fact.offer)) else {
                continue;
            };
            if minimum.is_some() && minimum != part.minimum {
                continue;
            }
            let unit = book.unit(number, paid(book, &scores, fact, part));
            let sum = used.entry(book.key(number, fact)).or_insert(0);
            *sum = sum.saturating_add(unit.saturating_mul(i128::from(part.quantity)));
            if *sum > book.most(number) {
                let offer = part.row;
                return Err(match (minimum, u32::try_from(number)) {
                    (None, Ok(limit)) => Fault::Exceeded { offer, constraint: Constraint::Limit(limit) },
                    _ => Fault::MinimumExceeded { offer, minimum: minimum.unwrap_or(0) },
                });
            }
        }
        if minimum.is_none() {
            let is_for_all = book.limit(number).is_some_and(|limit| limit.each == super::Each::All);
            let sum = used.get(&None).copied().unwrap_or(0);
            due.push(is_for_all.then(|| book.size(number, sum)));
        }
    }
    check_competition(book, &in_order)?;
    number(outcome.used == due, Number::Used)
}

/// No more is awarded than the part of what is offered.
fn check_competition(book: &Book<'_>, in_order: &[&Part]) -> Result<(), Fault> {
    let Some(most) = book.competition() else { return Ok(()) };
    let mut sum = 0_i128;
    for part in in_order {
        sum = sum.saturating_add(i128::from(part.quantity));
        if sum > most {
            return Err(Fault::Exceeded { offer: part.row, constraint: Constraint::Competition });
        }
    }
    Ok(())
}

/// Every country that is awarded something keeps its share of what is awarded; and shares are told of just that, unless those would have
/// led to less, or to awards that do not keep them.
fn check_origins(book: &Book<'_>, outcome: &Outcome, parts: &[Part]) -> Result<(), Fault> {
    let awarded = volume(parts);
    let told = outcome.origin_volume.map(|volume| i128::from(volume.millionths()));
    let is_capped = book.rule.origin_cap.is_some();
    number(told.is_some() == is_capped && told.is_none_or(|told| told <= awarded), Number::OriginVolume)?;
    check_shares(book, parts)?;
    if told.is_none_or(|told| told == awarded) {
        return Ok(());
    }
    let larger = Reading::of(book, Some(awarded)).parts;
    number(volume(&larger) < awarded || check_shares(book, &larger).is_err(), Number::OriginVolume)
}

fn check_shares(book: &Book<'_>, parts: &[Part]) -> Result<(), Fault> {
    let awarded = volume(parts);
    let mut of_country: BTreeMap<Country, (i128, u32)> = BTreeMap::new();
    for part in parts {
        if let Some(origin) = fact_of(book, part.row).and_then(|fact| fact.offer.origin) {
            let (sum, last) = of_country.entry(origin).or_insert((0, part.row));
            *sum = sum.saturating_add(i128::from(part.quantity));
            *last = part.row;
        }
    }
    for (country, (sum, offer)) in of_country {
        if book.allowed(country, awarded).is_some_and(|allowed| sum > allowed) {
            return Err(Fault::Exceeded { offer, constraint: Constraint::Origin(country) });
        }
    }
    Ok(())
}

/// Everybody has its due.
fn check_due(book: &Book<'_>, parts: &[Part], due: &Due) -> Result<(), Fault> {
    let by_offer = |parts: &[Part]| {
        let mut by_offer: BTreeMap<u32, Vec<Part>> = BTreeMap::new();
        parts.iter().for_each(|part| by_offer.entry(part.row).or_default().push(*part));
        by_offer
            .values_mut()
            .for_each(|parts| parts.sort_by_key(|part| (part.minimum.is_none(), part.minimum)));
        by_offer
    };
    let (given, due) = (by_offer(parts), by_offer(&due.parts));
    let sum = |parts: &BTreeMap<u32, Vec<Part>>, row: u32| {
        let sum = parts.get(&row).map_or(0, |parts| volume(parts));
        i64::try_from(sum).ok().and_then(Quantity::from_millionths).unwrap_or(Quantity::ZERO)
    };
    for fact in book.stack.iter().filter_map(|row| book.facts.get(*row)) {
        let offer = fact.row;
        let (has, had) = (sum(&given, offer), sum(&due, offer));
        match has.cmp(&had) {
            std::cmp::Ordering::Less => return Err(Fault::PassedOver { offer, given: has, due: had }),
            std::cmp::Ordering::Greater => return Err(Fault::Favoured { offer, given: has, due: had }),
            std::cmp::Ordering::Equal if given.get(&offer) != due.get(&offer) => {
                // In the same parts it is at ceilings here and at a clearing score there.
                let alike = |parts: &BTreeMap<u32, Vec<Part>>| -> Vec<(Option<u32>, i64)> {
                    let parts = parts.get(&offer).into_iter().flatten();
                    parts.map(|part| (part.minimum, part.quantity)).collect()
                };
                return Err(if alike(&given) == alike(&due) {
                    Fault::WrongNumber { which: Number::Clearing }
                } else {
                    Fault::WrongAuction { offer }
                });
            }
            std::cmp::Ordering::Equal => {}
        }
    }
    Ok(())
}

/// Everybody is told what is so, in the order of the stack, those above their ceilings last.
fn check_reasons(book: &Book<'_>, rejections: &[Rejection], due: Vec<(u32, Reason)>) -> Result<(), Fault> {
    let above = book.facts.iter().filter(|fact| fact.is_above_ceiling()).map(|fact| {
        let ceiling = fact.ceiling.and_then(|ceiling| i64::try_from(ceiling).ok()).unwrap_or(i64::MAX);
        (fact.row, Reason::AboveCeiling { ceiling: Price::from_millionths(ceiling) })
    });
    let mut told = rejections.iter();
    for (offer, due) in due.into_iter().chain(above) {
        let given = told.next();
        if given.is_none_or(|given| given.offer != offer || given.reason != due) {
            let given = given.filter(|given| given.offer == offer).map(|given| given.reason.clone());
            return Err(Fault::WrongReason { offer, given, due: Some(due) });
        }
    }
    told.next().map_or(Ok(()), |more| {
        Err(Fault::WrongReason { offer: more.offer, given: Some(more.reason.clone()), due: None })
    })
}
