//! `golv journal balances`: the trial balance that a journal comes to.

use std::collections::BTreeMap;
use std::path::Path;

use golv_engine::ledger::Account;
use golv_engine::num::Currency;
use serde_json::{Value, json};

use super::JournalError;
use super::digest::replayed;
use crate::print::{self, grouped, sum, table};

/// Prints every account with its balance, and what those of a currency sum to.
pub(super) fn balances(dir: &Path, as_json: bool) -> Result<(), JournalError> {
    let tracked = replayed(dir)?;
    let ledger = tracked.replay.exchange().ledger();
    let mut sums = BTreeMap::<Currency, i128>::new();
    let mut rows = Vec::new();
    for (currency, account, balance) in ledger.balances().filter(|(.., balance)| *balance != 0) {
        // Fewer balances than an i128 holds i64s, and each was checked to have room.
        *sums.entry(currency).or_default() += balance;
        rows.push((name(account), currency, balance));
    }
    if as_json {
        let row = |(account, currency, balance): &(String, Currency, i128)| json!({ "account": account, "currency": currency.code(), "balance": sum(*balance, *currency) });
        let sums: BTreeMap<&str, Value> =
            sums.iter().map(|(currency, total)| (currency.code(), sum(*total, *currency).into())).collect();
        print::line(json!({ "balances": rows.iter().map(row).collect::<Vec<_>>(), "sums": sums }));
        return Ok(());
    }
    let sums = sums.iter().map(|(currency, total)| ("sum".to_owned(), *currency, *total));
    let rows = rows.into_iter().chain(sums).map(|(account, currency, balance)| {
        vec![account, currency.code().to_owned(), grouped(&sum(balance, currency))]
    });
    print::line(table(&["account", "currency", ">balance"], rows));
    Ok(())
}

/// An account, for people and programs.
fn name(account: Account) -> String {
    match account {
        Account::Participant(participant) => format!("participant {participant}"),
        Account::Funders(programme) => format!("funders of programme {programme}"),
        Account::ProgrammeFree(programme) => format!("programme {programme}, free"),
        Account::ProgrammeReserved(programme) => format!("programme {programme}, reserved"),
        Account::Deposits(participant) => format!("deposits of participant {participant}"),
        Account::Collateral(participant) => format!("collateral of participant {participant}, free"),
        Account::Bonds(participant) => format!("bid bonds of participant {participant}"),
        Account::Proceeds(programme) => format!("proceeds of programme {programme}"),
        Account::Clearing => "clearing".to_owned(),
        Account::Rounding => "rounding".to_owned(),
    }
}
