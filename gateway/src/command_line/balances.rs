//! The trial balance: every account with money, and what those of a currency sum to.
//!
//! It is the ledger's own where a journal was replayed, or added up from the postings that a session is told. An operator is not told
//! of postings of bid bonds, since they tell how much is bid while bids are sealed. What is held as bonds is
//! still somebody's collateral: so the two accounts are one in what is added up, and its balance is right.

use std::collections::BTreeMap;

use golv_engine::event::Event;
use golv_engine::ledger::Account;
use golv_engine::num::Currency;
use serde_json::{Value, json};

use super::words;
use crate::print::{self, Format, grouped, sum, table};

const COLUMNS: [&str; 3] = ["account", "currency", ">balance"];

/// The balances that the postings of a session add up to, bid bonds with the collateral that they are held of.
#[derive(Clone, Debug, Default)]
pub struct Balances(BTreeMap<(Currency, Account), i128>);

impl Balances {
    /// Adds the next event. All are added, from the first.
    pub fn add(&mut self, event: &Event) {
        let Event::Posted { postings, .. } = event else { return };
        for posting in postings {
            let by = i128::from(posting.amount.millionths);
            for (account, by) in [(posting.from, -by), (posting.to, by)] {
                let account = match account {
                    Account::Bonds(participant) => Account::Collateral(participant),
                    other => other,
                };
                *self.0.entry((posting.amount.currency, account)).or_default() += by;
            }
        }
    }

    /// The trial balance, as text.
    pub fn text(&self, format: Format) -> String {
        let balances = self.0.iter().map(|(&(currency, account), &balance)| (currency, account, balance));
        let name = |account| match account {
            Account::Collateral(participant) => {
                format!("collateral of participant {participant}, bid bonds included")
            }
            other => words::account(other),
        };
        trial_balance(balances, name, format)
    }
}

/// Every account with money, and what those of a currency sum to.
pub(crate) fn trial_balance(
    balances: impl Iterator<Item = (Currency, Account, i128)>,
    name: impl Fn(Account) -> String,
    format: Format,
) -> String {
    let mut sums = BTreeMap::<Currency, i128>::new();
    let mut rows = Vec::new();
    for (currency, account, balance) in balances.filter(|(.., balance)| *balance != 0) {
        // Fewer balances than an i128 holds i64s, and each was checked to have room.
        *sums.entry(currency).or_default() += balance;
        rows.push((name(account), currency, balance));
    }
    if format == Format::Json {
        let row = |(account, currency, balance): &(String, Currency, i128)| json!({ "account": account, "currency": currency.code(), "balance": sum(*balance, *currency) });
        let sums: BTreeMap<&str, Value> =
            sums.iter().map(|(currency, total)| (currency.code(), sum(*total, *currency).into())).collect();
        return json!({ "balances": rows.iter().map(row).collect::<Vec<_>>(), "sums": sums }).to_string();
    }
    let sums = sums.iter().map(|(currency, total)| ("sum".to_owned(), *currency, *total));
    let rows = rows.into_iter().chain(sums);
    let row = |(account, currency, balance): (String, Currency, i128)| {
        vec![account, currency.code().to_owned(), sum(balance, currency)]
    };
    match format {
        Format::Csv => print::csv(&COLUMNS, rows.map(row)),
        Format::Table | Format::Json => {
            let rows = rows.map(row).map(|mut row| {
                row[2] = grouped(&row[2]);
                row
            });
            table(&COLUMNS, rows).to_string()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use golv_engine::id::{AuctionId, ParticipantId, ProgrammeId};
    use golv_engine::ledger::{Cause, Posting};
    use golv_engine::num::Money;

    /// What an operator is told of: a deposit, then a forfeited bond, and never that it was held.
    fn told() -> Balances {
        let (owner, programme) = (ParticipantId(21), ProgrammeId(2));
        let mut balances = Balances::default();
        for (cause, from, to, units) in [
            (Cause::Deposit(owner), Account::Deposits(owner), Account::Collateral(owner), 1_500),
            (Cause::Forfeit(AuctionId(4)), Account::Bonds(owner), Account::Proceeds(programme), 200),
            (Cause::Payment, Account::Bank, Account::Suspense, 7),
            (Cause::Payment, Account::Suspense, Account::Bank, 7),
        ] {
            let amount = Money { currency: Currency::Usd, millionths: units * 1_000_000 };
            balances.add(&Event::Posted {
                at: golv_engine::time::Instant(0),
                cause,
                postings: vec![Posting { from, to, amount }],
            });
        }
        balances.add(&Event::AuctionOpened { auction: AuctionId(4) });
        balances
    }

    #[test]
    fn bonds_are_with_the_collateral_that_they_are_held_of() {
        let rows: Vec<_> = told()
            .text(Format::Table)
            .lines()
            .filter(|line| !line.starts_with('─'))
            .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        let expected = [
            "account currency balance",
            "deposits of participant 21 USD -1,500.00",
            "collateral of participant 21, bid bonds included USD 1,300.00",
            "proceeds of programme 2 USD 200.00",
            "sum USD 0.00",
        ];
        assert_eq!(rows, expected);
    }

    #[test]
    fn programs_are_told_the_same() {
        let told_csv = "account,currency,balance\ndeposits of participant 21,USD,-1500.00\n\
                        \"collateral of participant 21, bid bonds included\",USD,1300.00\n\
                        proceeds of programme 2,USD,200.00\nsum,USD,0.00";
        assert_eq!(told().text(Format::Csv), told_csv);
        let object: Value = serde_json::from_str(&told().text(Format::Json)).expect("JSON");
        assert_eq!(object["sums"], json!({ "USD": "0.00" }));
        let first =
            json!({ "account": "deposits of participant 21", "currency": "USD", "balance": "-1500.00" });
        assert_eq!(object["balances"][0], first);
        assert_eq!(object["balances"].as_array().map(Vec::len), Some(3));
    }
}
