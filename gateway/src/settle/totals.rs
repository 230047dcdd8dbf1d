//! What each party gets in each currency, printed.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{self, Write};

use golv_engine::num::Currency;
use serde_json::{Value, json};

use super::Settle;
use super::contracts::{Contract, Contracts};
use super::lines::Sums;
use crate::print::{self, Format, grouped, sum, table};

/// Sums by party and currency, and by currency.
#[derive(Default)]
pub(super) struct Totals {
    parties: BTreeMap<(u32, Currency), Sums>,
    currencies: BTreeMap<Currency, Sums>,
}

/// The columns of the table; the decimals' names are those of the lines.
const COLUMNS: [&str; 6] = ["party", "currency", ">lines", ">amount", ">delta", ">remainder"];

impl Totals {
    pub(super) fn add(&mut self, contract: &Contract, sums: Sums) {
        self.parties.entry((contract.party, contract.currency)).or_default().add(sums);
        self.currencies.entry(contract.currency).or_default().add(sums);
    }

    /// Prints the totals: to standard output, or to standard error where the lines go there.
    pub(super) fn print(
        &self,
        options: &Settle,
        contracts: &Contracts,
        run: u32,
        outside: u64,
    ) -> Result<(), Box<dyn Error>> {
        // Parties in the order of the contracts' file.
        let parties = self
            .parties
            .iter()
            .map(|((party, currency), sums)| row(contracts.parties.name(*party), *currency, sums));
        let text = match options.printed.format() {
            Format::Table => {
                let totals = self.currencies.iter().map(|(currency, sums)| row("all", *currency, sums));
                let rows = parties.chain(totals).map(|row| {
                    let [party, currency, numbers @ ..] = row;
                    [party, currency].into_iter().chain(numbers.map(|number| grouped(&number))).collect()
                });
                table(&COLUMNS, rows).to_string()
            }
            Format::Csv => print::csv(&COLUMNS, parties.map(Vec::from)),
            Format::Json => {
                let lines: u64 = self.currencies.values().map(|sums| sums.lines).sum();
                let by_currency: Vec<Value> = self
                    .currencies
                    .iter()
                    .map(|(currency, sums)| {
                        let mut object = object(&row("", *currency, sums));
                        object.as_object_mut().expect("an object").remove("party");
                        object
                    })
                    .collect();
                let parties: Vec<Value> = parties.map(|row| object(&row)).collect();
                json!({
                    "run": run,
                    "as_of": options.as_of,
                    "lines": lines,
                    "outside": outside,
                    "totals": parties,
                    "currencies": by_currency,
                })
                .to_string()
            }
        };
        if options.out.as_os_str() == "-" {
            writeln!(io::stderr(), "{text}")?;
        } else {
            print::line(text);
        }
        Ok(())
    }
}

fn row(party: &str, currency: Currency, sums: &Sums) -> [String; 6] {
    [
        party.to_owned(),
        currency.code().to_owned(),
        sums.lines.to_string(),
        sum(sums.amount, currency),
        sum(sums.delta, currency),
        sum(sums.remainder, currency),
    ]
}

fn object([party, currency, lines, amount, delta, remainder]: &[String; 6]) -> Value {
    let lines: u64 = lines.parse().expect("a count");
    json!({
        "party": party,
        "currency": currency,
        "lines": lines,
        "amount": amount,
        "delta": delta,
        "remainder": remainder,
    })
}
