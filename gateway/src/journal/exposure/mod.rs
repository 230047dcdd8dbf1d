//! `golv journal exposure`: what a programme can still cost, worked out beside the engine from the state that a journal comes to.
//!
//! The contracts and how far they were settled are the exchange's, and so is the payoff ([`golv_engine::cfd::Payoff`]); what prices
//! may become is told by whoever asks. `docs/settlement.md` says what each figure means.

mod costs;
mod figures;
mod paths;

use std::path::{Path, PathBuf};

use clap::Args;
use golv_engine::Exchange;
use golv_engine::id::{EntitlementId, ProgrammeId};
use golv_engine::ledger::Account;
use golv_engine::num::Price;
use golv_engine::reject::Reject;
use golv_engine::time::{Month, Period};

use super::JournalError;
use super::digest::replayed;
use crate::print::{self, Printed};
use crate::settle::rows::InputError;
use costs::{Cost, Costs, Terms, counting};
use figures::Figures;
use paths::Paths;

/// A programme, and the paths that prices may take.
#[derive(Args, Debug)]
pub struct Exposure {
    /// The journal's directory
    dir: PathBuf,
    /// The programme
    #[arg(long, value_name = "ID")]
    programme: u32,
    /// Paths that the prices of its indices may take, as CSV: path,index,date,price
    #[arg(long, value_name = "FILE")]
    paths: PathBuf,
    #[command(flatten)]
    printed: Printed,
}

/// Why it is not known what a programme can cost.
#[derive(Debug, thiserror::Error)]
pub(super) enum ExposureError {
    /// The journal does not give a state.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// There is no such programme.
    #[error("no exposure of programme {programme}")]
    Programme { programme: ProgrammeId, source: Reject },
    /// The paths cannot be read, or lack a price.
    #[error(transparent)]
    Input(#[from] InputError),
    /// There is nothing to go by.
    #[error("{} has no paths", file.display())]
    NoPaths { file: PathBuf },
    /// A number does not fit.
    #[error("entitlement {entitlement}, {period}: the strike or the amount is larger than can be held")]
    TooLarge { entitlement: EntitlementId, period: Period },
}

/// Prints what a programme can still cost.
pub(super) fn exposure(options: &Exposure) -> Result<(), ExposureError> {
    let programme = ProgrammeId(options.programme);
    let tracked = replayed(&options.dir)?;
    let figures = worked_out(tracked.replay.exchange(), programme, &options.paths)?;
    print::line(figures.text(options.printed.format()));
    if figures.exceed_worst_case() {
        eprintln!(
            "golv: paths cost more than the worst case: their prices go below the lowest of the market, or strikes follow \
             their indices"
        );
    }
    Ok(())
}

fn worked_out(exchange: &Exchange, programme: ProgrammeId, file: &Path) -> Result<Figures, ExposureError> {
    let terms = exchange.programme_terms(programme);
    let currency = terms.map_err(|source| ExposureError::Programme { programme, source })?.currency;
    let costs = Costs::of(exchange, programme, currency);
    let paths = Paths::read(file, costs.indices())?;
    if paths.len() == 0 {
        return Err(ExposureError::NoPaths { file: file.to_owned() });
    }
    let of_paths: Result<Vec<Cost>, ExposureError> =
        (0..paths.len()).map(|path| cost_of(&costs, &paths, path)).collect();
    let at = |price: fn(&Terms<'_>) -> Price| {
        costs.sum(|terms, _, _| Ok(counting(terms, price(terms), terms.entitlement.strike)))
    };
    let balance = |account| exchange.ledger().balance(currency, account);
    Ok(Figures {
        programme,
        currency,
        free: balance(Account::ProgrammeFree(programme)),
        reserved: balance(Account::ProgrammeReserved(programme)),
        contracts: costs.contracts(),
        periods: costs.periods(),
        worst: at(lowest)?.paid,
        stress: at(|terms| terms.floor.stress_price)?.paid,
        paths: figures::OfPaths::new(of_paths?),
    })
}

/// The lowest reference price that a contract can be settled at. A floor may be stressed below its market, and the worst case is
/// no better than the stress.
fn lowest(terms: &Terms<'_>) -> Price {
    let of_market = terms.market.lowest.min(terms.floor.stress_price);
    terms.floor.terms.contract.payoff.minimum.unwrap_or(of_market)
}

/// What all contracts cost on a path.
fn cost_of(costs: &Costs<'_>, paths: &Paths<'_>, path: usize) -> Result<Cost, ExposureError> {
    let averages: Vec<Vec<Option<Price>>> = costs
        .series()
        .iter()
        .map(|series| {
            series.periods.iter().map(|period| paths.average(path, series.index, *period)).collect()
        })
        .collect();
    costs.sum(|terms, place, period| {
        let reference_price = averages[place.series][place.period].ok_or_else(|| {
            let index = terms.floor.terms.index;
            paths.missing(path, &format!("index {index} has no price in {period}"))
        })?;
        let (own, indexation) = (terms.entitlement.strike, &terms.floor.terms.contract.indexation);
        let strike = match indexation.as_ref().filter(|indexation| paths.carry(indexation.index)) {
            None => own,
            Some(indexation) => {
                let too_large = || ExposureError::TooLarge { entitlement: terms.id, period };
                let month = indexation.value_month(period.first).ok_or_else(too_large)?;
                let value = paths.value_of(path, indexation.index, whole(month)).ok_or_else(|| {
                    let reason = format!(
                        "index {} has no value in {month}, which the strikes of {period} follow",
                        indexation.index
                    );
                    paths.missing(path, &reason)
                })?;
                indexation.strike(own, value).ok_or_else(too_large)?
            }
        };
        Ok((reference_price, strike))
    })
}

/// A month as a period.
fn whole(month: Month) -> Period {
    Period { first: month.first_day(), last: month.last_day() }
}
