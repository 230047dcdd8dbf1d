//! Contracts for difference: their terms, what they pay against, and their settlement run after run.
//!
//! An *entitlement* is a contract with a programme, under a floor whose terms say what is paid ([`ContractTerms`]). The
//! strike was won in a support auction, or is the floor's own price.
//!
//! | to find … | look in |
//! |---|---|
//! | what a period pays: payoff, annual caps, suspension | `payoff.rs` |
//! | calendar, averaging, volume rule, indexation | `terms.rs` |
//! | published prices, their revisions, the guard | `index.rs` |
//! | what was delivered, and what of it counts | `delivery.rs` |
//! | grant, novation, termination, the start of an upside share; the contracts of a programme | `entitlement.rs` |
//! | runs, and what a run would have been on older data | `settlement.rs` |
//! | what was posted to a participant on a day | `statement.rs` |
//!
//! Prices and deliveries are *data*: each that is taken in gets the next [`DataVersion`](crate::id::DataVersion), and none is
//! ever overwritten. A run names the version that it reads up to, so it can be made again at any time.

mod delivery;
mod entitlement;
mod index;
mod payoff;
mod settlement;
mod statement;
mod terms;

pub(crate) use delivery::Deliveries;
pub use delivery::Delivery;
pub(crate) use entitlement::Grant;
pub use entitlement::{Contract, ENTITLEMENTS_MAX, Entitlement};
pub(crate) use index::Index;
pub use index::{IndexTerms, Observation};
pub use payoff::{Payoff, PayoffRule, PeriodFacts, Settled, Suspension, Unsettled, Upside, YearToDate};
pub(crate) use settlement::Settlement;
pub use settlement::{SettlementLine, SettlementRun};
pub use statement::{PostedLine, Statement};
pub use terms::{Average, Averaging, ContractTerms, Indexation, Measure, ReferenceRule, VolumeRule};

use crate::reject::Reject;
use crate::time::{Day, Instant};

/// The most revisions that one price or delivery may have, the first included: it bounds what one participant can have kept.
/// Real days are restated a handful of times.
pub const REVISIONS_MAX: u32 = 64;

/// Refuses a day that is not over.
// Rules: R-CFD-012.
fn check_over(day: Day, at: Instant) -> Result<(), Reject> {
    // A day past the reach of an instant is not over either.
    let ends_at = day.end().unwrap_or(Instant(i64::MAX));
    if ends_at <= at { Ok(()) } else { Err(Reject::PeriodNotOver { ends_at }) }
}

/// The last of what has versions up to one, given in the order of their versions.
fn as_of<T>(
    revisions: &[T],
    version_of: impl Fn(&T) -> crate::id::DataVersion,
    version: crate::id::DataVersion,
) -> Option<&T> {
    let known = revisions.partition_point(|revision| version_of(revision) <= version);
    known.checked_sub(1).and_then(|last| revisions.get(last))
}
