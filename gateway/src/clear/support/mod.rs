//! Support auctions from files: offers are awarded by a rule, results are checked, and reserves are called.

mod offers;
mod result;

use std::collections::BTreeMap;
use std::error::Error;
use std::io::Read;

use golv_engine::num::Price;
use golv_engine::support::check::check as prove;
use golv_engine::support::{
    Award, Offer, Outcome, SupportError, SupportRule, award, call_reserve, winning_price,
};

use super::open;
use crate::print::{self, Format};
use offers::Row;
use result::{Claimed, Winning};

pub(super) use result::is_one;

/// The most offers of a book whose rejected are told what would have won: each answer awards the whole auction many times.
const PROVED_MAX: usize = 1_000;

/// A book that a rule does not take.
#[derive(Debug, thiserror::Error)]
#[error("{}{reason}", place.as_ref().map_or_else(String::new, |(id, line)| format!("line {line}, offer {id}: ")))]
struct NotAwarded {
    /// The offer's id and line, if it is about one.
    place: Option<(String, u64)>,
    reason: SupportError,
}

impl NotAwarded {
    fn new(rows: &[Row], reason: SupportError) -> Self {
        let place = match reason {
            SupportError::Offer { offer, .. } => usize::try_from(offer).ok().and_then(|row| rows.get(row)),
            _ => None,
        };
        Self { place: place.map(|row| (row.id.clone(), row.line)), reason }
    }
}

/// What is asked for.
pub(super) struct Asked<'a> {
    pub(super) rule: &'a SupportRule,
    pub(super) seed: Option<&'a str>,
    pub(super) format: Format,
    /// Whether the rejected are told what would have won, on which tick.
    pub(super) private: Option<Price>,
}

/// Awards the offers of a book and prints the result.
pub(super) fn clear(book: impl Read, asked: &Asked<'_>) -> Result<(), Box<dyn Error>> {
    let rows = offers::read(book, asked.rule)?;
    let offers = offers::offers(&rows);
    let seed = asked.seed.map(str::as_bytes);
    let outcome = award(&offers, asked.rule, seed).map_err(|error| NotAwarded::new(&rows, error))?;
    let winning = match asked.private {
        Some(_) if offers.len() > PROVED_MAX => Some(Winning::NotLookedFor),
        Some(tick) => {
            let prices = winning_prices(&offers, asked.rule, seed, &outcome, tick)?;
            Some(Winning::Found { tick, prices })
        }
        None => None,
    };
    print(&rows, asked, &outcome, winning.as_ref());
    Ok(())
}

fn print(rows: &[Row], asked: &Asked<'_>, outcome: &Outcome, winning: Option<&Winning>) {
    match asked.format {
        Format::Table => result::print_table(rows, asked.rule, outcome),
        Format::Csv => result::print_csv(rows, asked.rule, outcome),
        Format::Json => print::line(result::json(rows, asked.rule, asked.seed, outcome, winning)),
    }
}

/// Of each offer that was awarded nothing, the price that would have won.
fn winning_prices(
    offers: &[Offer<'_>],
    rule: &SupportRule,
    seed: Option<&[u8]>,
    outcome: &Outcome,
    tick: Price,
) -> Result<Vec<(u32, Option<Price>)>, SupportError> {
    let lowest = lowest(offers);
    lost(outcome)
        .map(|offer| Ok((offer, winning_price(offers, rule, seed, offer, (lowest, tick))?)))
        .collect()
}

/// The lowest price that is looked at for an offer: zero, or the lowest that anybody asks.
fn lowest(offers: &[Offer<'_>]) -> Price {
    offers.iter().map(|offer| offer.price).chain([Price::ZERO]).min().unwrap_or(Price::ZERO)
}

/// The offers that were awarded nothing.
fn lost(outcome: &Outcome) -> impl Iterator<Item = u32> + '_ {
    let lost = outcome.rejections.iter().map(|rejection| rejection.offer);
    lost.filter(|offer| !outcome.awards.iter().any(|award| award.offer == *offer))
}

/// Calls the reserve list of a result that is right: what offers come to stand in the place of some that declined.
pub(super) fn call(
    book: impl Read,
    result: &str,
    declined: &[String],
    format: Format,
) -> Result<(), Box<dyn Error>> {
    let rule = result::read_rule(result)?;
    let rows = offers::read(book, &rule)?;
    let offers = offers::offers(&rows);
    let Claimed { seed, outcome, .. } = result::read(result, &rows)?;
    let bytes = seed.as_deref().map(str::as_bytes);
    check_outcome(&rows, &offers, &rule, bytes, &outcome)?;
    let place = |id: &String| {
        let place = rows.iter().position(|row| row.id == *id).and_then(|place| u32::try_from(place).ok());
        place.ok_or_else(|| format!("there is no offer '{id}' in the book"))
    };
    let declined = declined.iter().map(place).collect::<Result<Vec<u32>, String>>()?;
    if let Some(id) = declined.iter().find(|offer| !outcome.awards.iter().any(|award| award.offer == **offer))
    {
        let id = usize::try_from(*id).ok().and_then(|row| rows.get(row)).map_or("", |row| &row.id);
        return Err(format!("offer {id} declines, and the result awards it nothing").into());
    }
    let stands = |award: &Award| !declined.contains(&award.offer);
    let standing: Vec<Award> = outcome.awards.iter().copied().filter(stands).collect();
    let called = call_reserve(&offers, &rule, bytes, &standing, &declined)
        .map_err(|error| NotAwarded::new(&rows, error))?;
    print(&rows, &Asked { rule: &rule, seed: seed.as_deref(), format, private: None }, &called, None);
    Ok(())
}

/// Checks a result against its book.
pub(super) fn check(book: &std::path::Path, text: &str) -> Result<(), Box<dyn Error>> {
    let rule = result::read_rule(text)?;
    rule.check()?;
    let rows = offers::read(open(book)?, &rule)?;
    let offers = offers::offers(&rows);
    let Claimed { seed, outcome, winning } = result::read(text, &rows)?;
    let seed = seed.as_deref().map(str::as_bytes);
    check_outcome(&rows, &offers, &rule, seed, &outcome)?;
    if let Some(Winning::Found { tick, prices }) = &winning {
        check_winning_prices(&rows, &offers, (&rule, seed), &outcome, (*tick, prices))?;
    }
    print::line(format_args!(
        "the result is what its rule gives: {} offers, {} awards",
        print::grouped(&rows.len().to_string()),
        print::grouped(&outcome.awards.len().to_string())
    ));
    match winning {
        Some(Winning::Found { .. }) => print::line("its winning prices are right"),
        Some(Winning::NotLookedFor) => print::line("its winning prices were not looked for"),
        None => {}
    }
    Ok(())
}

/// Has the engine's checker, which shares nothing with the awarding, read an outcome; whom it wrongs is named.
fn check_outcome(
    rows: &[Row],
    offers: &[Offer<'_>],
    rule: &SupportRule,
    seed: Option<&[u8]>,
    outcome: &Outcome,
) -> Result<(), Box<dyn Error>> {
    // Offers that the rule does not take have no outcome.
    award(offers, rule, seed).map_err(|error| NotAwarded::new(rows, error))?;
    prove(offers, rule, seed, outcome).map_err(|fault| {
        let row = fault.offer().and_then(|offer| usize::try_from(offer).ok()).and_then(|row| rows.get(row));
        let place = row.map_or_else(String::new, |row| format!(": offer {}, line {}", row.id, row.line));
        format!("the result is wrong: {fault}{place}").into()
    })
}

/// Refuses winning prices that are not those of the offers that were awarded nothing. A price is right if it wins and is below the
/// offer's own, and a tick more does not or is not; no price is right if the lowest that is looked at does not win.
fn check_winning_prices(
    rows: &[Row],
    offers: &[Offer<'_>],
    (rule, seed): (&SupportRule, Option<&[u8]>),
    outcome: &Outcome,
    (tick, prices): (Price, &[(u32, Option<Price>)]),
) -> Result<(), Box<dyn Error>> {
    if tick <= Price::ZERO {
        return Err("the result is wrong: the tick of its winning prices is not above zero".into());
    }
    let lowest = lowest(offers);
    // The lowest on the tick.
    let between = lowest.millionths().rem_euclid(tick.millionths());
    let first = match between {
        0 => Some(lowest),
        _ => lowest.millionths().checked_add(tick.millionths() - between).map(Price::from_millionths),
    };
    let mut told: BTreeMap<u32, Option<Price>> = prices.iter().copied().collect();
    for offer in lost(outcome) {
        let Some(row) = usize::try_from(offer).ok().filter(|row| *row < rows.len()) else { continue };
        let (id, own) = (&rows[row].id, offers[row].price);
        let wrong = |what: String| Err(format!("the result is wrong: offer {id} {what}").into());
        let wins = |price: Price| {
            let mut offers = offers.to_vec();
            offers[row].price = price;
            let outcome = award(&offers, rule, seed).map_err(|error| NotAwarded::new(rows, error))?;
            Ok::<bool, NotAwarded>(outcome.awards.iter().any(|award| award.offer == offer))
        };
        match told.remove(&offer) {
            None => return wrong("was awarded nothing and is told no winning price".to_owned()),
            Some(None) => {
                if let Some(first) = first.filter(|first| *first < own)
                    && wins(first)?
                {
                    return wrong(format!("is told that no price would have won, and {first} would"));
                }
            }
            Some(Some(price)) => {
                if !price.is_on(tick) || price < lowest || price >= own {
                    return wrong(format!(
                        "is told {price}, which is not on the tick {tick} from {lowest} to below its own {own}"
                    ));
                }
                if !wins(price)? {
                    return wrong(format!("would win nothing at its winning price {price}"));
                }
                let next = price.millionths().checked_add(tick.millionths()).map(Price::from_millionths);
                if let Some(next) = next.filter(|next| *next < own)
                    && wins(next)?
                {
                    return wrong(format!("is told {price}, and would have won at {next} too"));
                }
            }
        }
    }
    match told.keys().next().and_then(|offer| usize::try_from(*offer).ok()).and_then(|row| rows.get(row)) {
        Some(Row { id, .. }) => {
            Err(format!("the result is wrong: offer {id} was awarded something and is told a winning price")
                .into())
        }
        None => Ok(()),
    }
}
