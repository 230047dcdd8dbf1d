//! `golv journal statement`: what settlement posted to a participant on a day, each line made again from the data that its run was
//! made on.

use std::path::Path;

use golv_engine::Exchange;
use golv_engine::cfd::{PostedLine, SettlementLine, Statement};
use golv_engine::id::ParticipantId;
use golv_engine::time::Day;
use serde_json::{Value, json};

use super::digest::replayed;
use super::{Again, JournalError};
use crate::command_line::show::{line_json, period_json};
use crate::print::{self, grouped, money, price, quantity, sum, table};

/// Prints the statements of a day, one for each currency.
pub(super) fn statement(
    dir: &Path,
    participant: ParticipantId,
    day: Day,
    as_json: bool,
) -> Result<(), JournalError> {
    let tracked = replayed(dir)?;
    let exchange = tracked.replay.exchange();
    let statements = exchange.statements(participant, day);
    for posted in statements.iter().flat_map(|statement| &statement.lines) {
        check(exchange, posted)?;
    }
    if as_json {
        for statement in &statements {
            print::line(statement_json(statement));
        }
    } else if statements.is_empty() {
        print::line(format_args!(
            "settlement posted nothing to participant {participant} on {day}; golv journal postings shows all that was posted"
        ));
    } else {
        statements.iter().for_each(print_statement);
    }
    Ok(())
}

/// Makes a line again, and compares.
fn check(exchange: &Exchange, posted: &PostedLine) -> Result<(), JournalError> {
    let again = exchange.settlement_as_of(posted.floor, posted.period.first, posted.version);
    let is_it = |line: &&SettlementLine| line.entitlement == posted.line.entitlement;
    let again = match again.map(|lines| lines.iter().find(is_it).copied()) {
        Ok(Some(made)) if made.is_as(&posted.line) => return Ok(()),
        Ok(Some(made)) => Again::Other { posted: Box::new(posted.line), made: Box::new(made) },
        Ok(None) => Again::NoLine,
        Err(reject) => Again::Refused(reject),
    };
    let (entitlement, floor) = (posted.line.entitlement, posted.floor);
    Err(JournalError::NotMadeAgain {
        entitlement,
        floor,
        period: posted.period,
        number: posted.number,
        again,
    })
}

fn print_statement(statement: &Statement) {
    let columns = [
        "period",
        ">run",
        ">version",
        ">floor",
        ">entitlement",
        ">quantity",
        ">strike",
        ">reference price",
        ">amount",
        ">delta",
        ">interest",
    ];
    let rows = statement.lines.iter().map(|posted| {
        let line = &posted.line;
        vec![
            posted.period.to_string(),
            posted.number.to_string(),
            posted.version.to_string(),
            posted.floor.to_string(),
            line.entitlement.to_string(),
            quantity(line.quantity),
            price(line.strike),
            line.reference_price.map_or_else(|| "-".to_owned(), price),
            money(line.amount),
            money(line.delta),
            money(line.interest),
        ]
    });
    print::line(table(&columns, rows));
    print::line(format_args!(
        "participant {}, {}: {} {} net; every line was made again from the data of its version",
        statement.participant,
        statement.day,
        grouped(&net(statement)),
        statement.currency
    ));
}

fn net(statement: &Statement) -> String {
    sum(statement.net, statement.currency)
}

fn statement_json(statement: &Statement) -> Value {
    let lines = statement.lines.iter().map(|posted| {
        let mut object = line_json(&posted.line);
        object["floor"] = posted.floor.0.into();
        object["period"] = period_json(posted.period);
        object["run"] = posted.number.into();
        object["version"] = posted.version.0.into();
        object
    });
    json!({
        "participant": statement.participant.0,
        "day": statement.day.to_string(),
        "currency": statement.currency.code(),
        "net": net(statement),
        "lines": lines.collect::<Vec<_>>(),
    })
}
