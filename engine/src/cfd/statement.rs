//! Statements: what settlement posted to a participant on a day, netted by currency.
//!
//! They are read from the runs, which are append-only: a statement of a day that is over never changes. Each line says which
//! data its run was made on, and [`Exchange::settlement_as_of`] makes it again.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::settlement::SettlementLine;
use crate::exchange::Exchange;
use crate::id::{DataVersion, FloorId, ParticipantId};
use crate::num::Currency;
use crate::time::{Day, Period};

/// What was posted to a participant on a day in one currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// Whose.
    pub participant: ParticipantId,
    /// When.
    pub day: Day,
    /// In what.
    pub currency: Currency,
    /// The lines, in the order of floor, period and run.
    pub lines: Vec<PostedLine>,
    /// All that was posted, differences and interest, in millionths: positive is the participant's to get.
    pub net: i128,
}

/// A line that was posted, with the run that it is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostedLine {
    /// The floor.
    pub floor: FloorId,
    /// The period.
    pub period: Period,
    /// The run's number.
    pub number: u32,
    /// The data that it was made on.
    pub version: DataVersion,
    /// The line.
    pub line: SettlementLine,
}

impl Exchange {
    /// What settlement posted to a participant on a day: a statement for each currency.
    // Rules: R-CFD-035.
    pub fn statements(&self, participant: ParticipantId, day: Day) -> Vec<Statement> {
        let mut statements = BTreeMap::<Currency, Statement>::new();
        let runs = self.state().runs.values().flatten().filter(|run| run.day == day);
        for run in runs {
            for &line in run.lines.iter().filter(|line| line.holder == participant) {
                let currency = line.amount.currency;
                let statement = statements.entry(currency).or_insert_with(|| Statement {
                    participant,
                    day,
                    currency,
                    lines: Vec::new(),
                    net: 0,
                });
                let (floor, period, number, version) = (run.floor, run.period, run.number, run.version);
                statement.lines.push(PostedLine { floor, period, number, version, line });
                for posted in [line.delta, line.interest] {
                    // An i128 holds more such sums than there can be lines.
                    statement.net = statement.net.saturating_add(posted.millionths.into());
                }
            }
        }
        statements.into_values().collect()
    }
}
