//! Support auctions from files: offers are awarded by a rule, results are checked, and reserves are called.

mod offers;
mod result;

use std::error::Error;
use std::io::Read;

use golv_engine::num::Price;
use golv_engine::support::{
    Award, Offer, Outcome, SupportError, SupportRule, award, call_reserve, winning_price,
};

use super::{Format, open};
use crate::print;
use offers::Row;
use result::Claimed;

pub(super) use result::is_one;

/// The most offers of a book whose rejected are told what would have won: each answer awards the whole auction many times.
const PROVED_MAX: usize = 1_000;

/// A book that a rule does not take.
#[derive(Debug, thiserror::Error)]
#[error("{}{source}", place.as_ref().map_or_else(String::new, |(id, line)| format!("line {line}, offer {id}: ")))]
struct NotAwarded {
    /// The offer's id and line, if it is about one.
    place: Option<(String, u64)>,
    source: SupportError,
}

impl NotAwarded {
    fn new(rows: &[Row], source: SupportError) -> Self {
        let place = match source {
            SupportError::Offer { offer, .. } => usize::try_from(offer).ok().and_then(|row| rows.get(row)),
            _ => None,
        };
        Self { place: place.map(|row| (row.id.clone(), row.line)), source }
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
        Some(_) if offers.len() > PROVED_MAX => {
            return Err(format!("--private is for books of up to {PROVED_MAX} offers").into());
        }
        Some(tick) => Some(winning_prices(&offers, asked.rule, seed, &outcome, tick)?),
        None => None,
    };
    print(&rows, asked, &outcome, winning.as_deref());
    Ok(())
}

fn print(rows: &[Row], asked: &Asked<'_>, outcome: &Outcome, winning: Option<&[(u32, Option<Price>)]>) {
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
    let lowest = offers.iter().map(|offer| offer.price).chain([Price::ZERO]).min().unwrap_or(Price::ZERO);
    let lost = outcome.rejections.iter().map(|rejection| rejection.offer);
    let lost = lost.filter(|offer| !outcome.awards.iter().any(|award| award.offer == *offer));
    lost.map(|offer| Ok((offer, winning_price(offers, rule, seed, offer, (lowest, tick))?))).collect()
}

/// Calls the reserve list of a result: what offers come to stand in the place of some that declined.
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
    let bytes = seed.as_deref().map(str::as_bytes);
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
    let due = award(&offers, &rule, seed).map_err(|error| NotAwarded::new(&rows, error))?;
    if let Some(wrong) = first_difference(&rows, &due, &outcome) {
        return Err(format!("the result is wrong: {wrong}").into());
    }
    print::line(format_args!(
        "the result is what its rule gives: {} offers, {} awards",
        print::grouped(&rows.len().to_string()),
        print::grouped(&outcome.awards.len().to_string())
    ));
    if let Some(winning) = winning {
        for (offer, price) in winning {
            let wins = |price: Option<Price>| {
                let mut offers = offers.clone();
                if let (Some(place), Some(price)) =
                    (usize::try_from(offer).ok().and_then(|row| offers.get_mut(row)), price)
                {
                    place.price = price;
                }
                let outcome = award(&offers, &rule, seed);
                outcome.is_ok_and(|outcome| outcome.awards.iter().any(|award| award.offer == offer))
            };
            if price.is_some() && !wins(price) {
                let id = usize::try_from(offer).ok().and_then(|row| rows.get(row)).map_or("", |row| &row.id);
                return Err(format!(
                    "the result is wrong: offer {id} would win nothing at its winning price"
                )
                .into());
            }
        }
        print::line("each winning price would have won");
    }
    Ok(())
}

/// The first thing that differs, by the name of the offer that it concerns.
fn first_difference(rows: &[Row], due: &Outcome, claimed: &Outcome) -> Option<String> {
    let id = |offer: u32| {
        let row = usize::try_from(offer).ok().and_then(|row| rows.get(row));
        row.map_or_else(String::new, |row| format!("offer {}, line {}", row.id, row.line))
    };
    let awards = due.awards.iter().find(|award| !claimed.awards.contains(award));
    if let Some(award) = awards {
        return Some(format!("{} is due {} at {}", id(award.offer), award.quantity, award.price));
    }
    if let Some(award) = claimed.awards.iter().find(|award| !due.awards.contains(award)) {
        return Some(format!("{} is awarded {}, which is not due", id(award.offer), award.quantity));
    }
    if let Some(one) = due.rejections.iter().find(|one| !claimed.rejections.contains(one)) {
        return Some(format!("{} is told another reason than the one there is", id(one.offer)));
    }
    (due != claimed).then(|| "its totals, limits or clearing scores are not those of its awards".to_owned())
}
