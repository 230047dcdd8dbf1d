//! `golv journal balances` and `golv journal postings`: the trial balance that a journal comes to, and how it came to it.

use std::path::Path;

use golv_engine::event::Event;
use golv_engine::id::{ParticipantId, Sequence};
use golv_engine::ledger::{Cause, Posting};
use golv_engine::time::Day;
use golv_journal::scan_from;
use serde_json::{Value, json};

use super::digest::replayed;
use super::export::Closed;
use super::{JournalError, Tracked, refuse_damage, with_effects};
use crate::command_line::balances::trial_balance;
use crate::command_line::words;
use crate::print::{self, Format, grouped, sum, table};

/// Prints every account with its balance, and what those of a currency sum to.
pub(super) fn balances(dir: &Path, format: Format) -> Result<(), JournalError> {
    let tracked = replayed(dir)?;
    print::line(trial_balance(tracked.replay.exchange().ledger().balances(), words::account, format));
    Ok(())
}

/// Prints every posting, or those on the accounts of a participant.
pub(super) fn postings(
    dir: &Path,
    participant: Option<ParticipantId>,
    format: Format,
) -> Result<(), JournalError> {
    let (closed, _) = Closed::by_the_end(dir)?;
    let (mut tracked, begin) = Tracked::begin(dir)?;
    let mut reader = scan_from(dir, begin.segment)?;
    let mut rows = Vec::new();
    while let Some(frame) = reader.next_frame()? {
        let Some(batch) = tracked.frame(&frame)? else { continue };
        let day = Day::of(batch.header.at);
        for (sequence, entry, events) in with_effects(&batch, tracked.replay.happened()) {
            let seals_bonds = closed.seals_bonds(&entry.command, events);
            for event in events {
                let Event::Posted { cause, postings, .. } = &event.event else { continue };
                if seals_bonds && matches!(cause, Cause::Bond(_)) {
                    continue;
                }
                let concerned = |posting: &&Posting| {
                    let owners = [posting.from, posting.to].map(|account| account.participant());
                    participant.is_none_or(|participant| owners.contains(&Some(participant)))
                };
                let postings = postings.iter().filter(concerned);
                rows.extend(postings.map(|posting| row(sequence, day, *cause, posting)));
            }
        }
    }
    print::line(text(rows, format));
    refuse_damage(reader.finish()?).map(|_| ())
}

const COLUMNS: [&str; 7] = [">sequence", "day", "cause", "from", "to", ">amount", "currency"];

fn row(sequence: Sequence, day: Option<Day>, cause: Cause, posting: &Posting) -> Vec<String> {
    let currency = posting.amount.currency;
    vec![
        sequence.to_string(),
        day.map(|day| day.to_string()).unwrap_or_default(),
        words::cause(cause),
        words::account(posting.from),
        words::account(posting.to),
        sum(posting.amount.millionths.into(), currency),
        currency.code().to_owned(),
    ]
}

fn text(rows: Vec<Vec<String>>, format: Format) -> String {
    match format {
        Format::Csv => print::csv(&COLUMNS, rows),
        Format::Table => {
            let rows = rows.into_iter().map(|mut row| {
                row[5] = grouped(&row[5]);
                row
            });
            table(&COLUMNS, rows).to_string()
        }
        Format::Json => {
            let names = COLUMNS.map(|title| title.trim_start_matches('>'));
            let object = |row: Vec<String>| {
                let mut object: Value = names.into_iter().zip(row.into_iter().map(Value::from)).collect();
                object["sequence"] =
                    object["sequence"].as_str().and_then(|text| text.parse::<u64>().ok()).into();
                object
            };
            json!({ "postings": rows.into_iter().map(object).collect::<Vec<_>>() }).to_string()
        }
    }
}
