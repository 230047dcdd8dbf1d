//! A participant's statement of account: every posting on its accounts with what it was for and the balance after it, its open
//! invoices, and what it waits for.
//!
//! It is built from events and asks nobody. Postings that concern others are passed over, so an operator's or an
//! auditor's events serve as well as the participant's own, but for bid bonds, which an operator is not told of.
//!
//! Days are UTC.

use std::collections::BTreeMap;

use golv_engine::event::Event;
use golv_engine::id::{ParticipantId, Sequence};
use golv_engine::ledger::{Account, Cause, Posting};
use golv_engine::money::{Claim, Creditor, Invoice};
use golv_engine::num::{Currency, Money};
use golv_engine::time::Day;
use golv_protocol::message::Numbered;
use serde_json::{Value, json};

use super::show::{money_json, sum_json};
use super::words;
use crate::print::{self, Format, grouped, money, sum, table};

/// The columns of postings.
const COLUMNS: [&str; 8] =
    [">sequence", "day", "cause", "account", "counter-account", ">amount", ">balance", "currency"];

/// A participant's account, as far as its events have been added.
#[derive(Debug)]
pub struct StatementOfAccount {
    participant: ParticipantId,
    /// The one day whose postings are told.
    day: Option<Day>,
    balances: BTreeMap<(Currency, Account), i128>,
    lines: Vec<Line>,
    /// By number.
    invoices: BTreeMap<u64, Open>,
    /// What others owe it, in millionths, by who pays.
    claims: BTreeMap<(Creditor, Currency), i128>,
    /// Since when the oldest of these waits, where that was told.
    since: BTreeMap<Creditor, Day>,
}

/// A posting on one of the participant's accounts.
#[derive(Debug)]
struct Line {
    sequence: Sequence,
    day: Option<Day>,
    cause: Cause,
    account: Account,
    other: Account,
    currency: Currency,
    /// In millionths; negative where the balance falls.
    by: i128,
    /// After it.
    balance: i128,
}

/// An invoice that is not paid yet.
#[derive(Debug)]
struct Open {
    invoice: Invoice,
    open: Money,
    is_late: bool,
}

impl StatementOfAccount {
    /// The empty account of a participant; with a day, its postings alone are told.
    pub const fn new(participant: ParticipantId, day: Option<Day>) -> Self {
        Self {
            participant,
            day,
            balances: BTreeMap::new(),
            lines: Vec::new(),
            invoices: BTreeMap::new(),
            claims: BTreeMap::new(),
            since: BTreeMap::new(),
        }
    }

    /// Adds the next event. All are added in their order, from the first.
    pub fn add(&mut self, numbered: &Numbered) {
        let sequence = numbered.sequence;
        match &numbered.event {
            Event::InvoiceIssued { invoice } if invoice.participant == self.participant => {
                let open = Open { invoice: *invoice, open: invoice.amount, is_late: false };
                self.invoices.insert(invoice.number, open);
            }
            Event::InvoicePaid { number, open, .. } if open.is_zero() => {
                self.invoices.remove(number);
            }
            Event::InvoicePaid { number, open, .. } => {
                if let Some(invoice) = self.invoices.get_mut(number) {
                    invoice.open = *open;
                }
            }
            Event::InvoiceLate { number, .. } => {
                if let Some(invoice) = self.invoices.get_mut(number) {
                    invoice.is_late = true;
                }
            }
            Event::ClaimsPaid { programme, carried, .. } => {
                self.set_since(Creditor::Programme(*programme), carried);
            }
            Event::SellersPaid { auction, carried, .. } => {
                self.set_since(Creditor::Auction(*auction), carried)
            }
            Event::Posted { at, cause, postings } => {
                for posting in postings {
                    self.post(sequence, Day::of(*at), *cause, posting);
                }
            }
            _ => {}
        }
    }

    fn set_since(&mut self, payer: Creditor, carried: &[Claim]) {
        let own = carried.iter().filter(|claim| claim.participant == self.participant);
        match own.map(|claim| claim.since).min() {
            Some(since) => self.since.insert(payer, since),
            None => self.since.remove(&payer),
        };
    }

    fn post(&mut self, sequence: Sequence, day: Option<Day>, cause: Cause, posting: &Posting) {
        let Money { currency, millionths } = posting.amount;
        let sides = [(posting.from, posting.to, -1), (posting.to, posting.from, 1)];
        for (account, other, sign) in sides {
            if account.participant() != Some(self.participant) {
                continue;
            }
            let by = i128::from(millionths) * sign;
            let balance = self.balances.entry((currency, account)).or_default();
            *balance += by;
            let balance = *balance;
            self.lines.push(Line { sequence, day, cause, account, other, currency, by, balance });
            if let (Account::Claims(_), Some(payer)) = (account, payer(cause, other)) {
                *self.claims.entry((payer, currency)).or_default() += by;
            }
        }
    }

    fn rows(&self) -> Vec<[String; 8]> {
        let wanted = self.lines.iter().filter(|line| self.day.is_none() || line.day == self.day);
        let row = |line: &Line| {
            [
                line.sequence.to_string(),
                line.day.map(|day| day.to_string()).unwrap_or_default(),
                words::cause(line.cause),
                words::account(line.account),
                words::account(line.other),
                sum(line.by, line.currency),
                sum(line.balance, line.currency),
                line.currency.code().to_owned(),
            ]
        };
        wanted.map(row).collect()
    }

    fn claims(&self) -> impl Iterator<Item = (Creditor, Currency, i128, Option<Day>)> {
        let waiting = self.claims.iter().filter(|(_, amount)| **amount != 0);
        waiting
            .map(|(&(payer, currency), &amount)| (payer, currency, amount, self.since.get(&payer).copied()))
    }

    /// The statement, as text.
    pub fn text(&self, format: Format) -> String {
        match format {
            Format::Table => self.table(),
            Format::Json => self.json().to_string(),
            Format::Csv => print::csv(&COLUMNS, self.rows().into_iter().map(Vec::from)),
        }
    }

    /// Tables, those without rows left out.
    fn table(&self) -> String {
        let mut sections = Vec::new();
        let mut section = |title: &str, columns: &[&str], rows: Vec<Vec<String>>| {
            if !rows.is_empty() {
                sections.push(format!("{title}\n{}", table(columns, rows)));
            }
        };
        let postings = self.rows().into_iter().map(|mut row| {
            row[5] = grouped(&row[5]);
            row[6] = grouped(&row[6]);
            row.into()
        });
        section("Postings", &COLUMNS, postings.collect());
        let invoices = self.invoices.values().map(|open| {
            vec![
                open.invoice.number.to_string(),
                words::creditor(open.invoice.creditor),
                open.invoice.issued.to_string(),
                open.invoice.due.map(|due| due.to_string()).unwrap_or_default(),
                money(open.invoice.amount),
                money(open.open),
                open.open.currency.code().to_owned(),
                if open.is_late { "late" } else { "open" }.to_owned(),
            ]
        });
        let columns = [">invoice", "for", "issued", "due by", ">amount", ">open", "currency", "standing"];
        section("Open invoices", &columns, invoices.collect());
        let claims = self.claims().map(|(payer, currency, amount, since)| {
            vec![
                words::creditor(payer),
                since.map(|since| since.to_string()).unwrap_or_default(),
                grouped(&sum(amount, currency)),
                currency.code().to_owned(),
            ]
        });
        section("Claims that wait", &["on", "since", ">amount", "currency"], claims.collect());
        if sections.is_empty() { "Nothing was posted.".to_owned() } else { sections.join("\n\n") }
    }

    fn json(&self) -> Value {
        let names =
            ["sequence", "day", "cause", "account", "counter_account", "amount", "balance", "currency"];
        let postings = self.rows().into_iter().map(|row| {
            let mut object: Value = names.into_iter().zip(row.map(Value::from)).collect();
            object["sequence"] = object["sequence"].as_str().and_then(|text| text.parse::<u64>().ok()).into();
            if object["day"] == "" {
                object["day"] = Value::Null;
            }
            object
        });
        let invoices = self.invoices.values().map(|open| {
            json!({
                "number": open.invoice.number,
                "creditor": words::creditor(open.invoice.creditor),
                "issued": open.invoice.issued.to_string(),
                "due": open.invoice.due.map(|due| due.to_string()),
                "amount": money_json(open.invoice.amount),
                "open": money_json(open.open),
                "is_late": open.is_late,
            })
        });
        let claims = self.claims().map(|(payer, currency, amount, since)| {
            json!({
                "on": words::creditor(payer),
                "since": since.map(|since| since.to_string()),
                "amount": sum_json(amount, currency),
            })
        });
        json!({
            "participant": self.participant.0,
            "day": self.day.map(|day| day.to_string()),
            "postings": postings.collect::<Vec<_>>(),
            "open_invoices": invoices.collect::<Vec<_>>(),
            "claims": claims.collect::<Vec<_>>(),
        })
    }
}

/// Who pays a claim that was posted or paid: a programme, or the centre what an auction's buyers pay.
const fn payer(cause: Cause, other: Account) -> Option<Creditor> {
    match (other, cause) {
        (Account::Promised(programme), _) | (_, Cause::Programme(programme)) => {
            Some(Creditor::Programme(programme))
        }
        (_, Cause::Award(auction) | Cause::Distribution(auction)) => Some(Creditor::Auction(auction)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use golv_engine::id::{AuctionId, FloorId, ProgrammeId};

    const ME: ParticipantId = ParticipantId(21);
    const OTHER: ParticipantId = ParticipantId(22);
    const AUCTION: AuctionId = AuctionId(2);
    const PROGRAMME: ProgrammeId = ProgrammeId(3);

    fn dollars(units: i64) -> Money {
        Money { currency: Currency::Usd, millionths: units * 1_000_000 }
    }

    fn day(number: u8) -> Day {
        Day::new(2019, 1, number).expect("a day")
    }

    fn posted(on: u8, cause: Cause, from: Account, to: Account, units: i64) -> Event {
        let at = day(on).begins_at().expect("in reach");
        Event::Posted { at, cause, postings: vec![Posting { from, to, amount: dollars(units) }] }
    }

    fn issued(number: u64, participant: ParticipantId, units: i64) -> Event {
        let creditor = Creditor::Auction(AUCTION);
        let (amount, issued, due) = (dollars(units), day(7), Some(day(9)));
        Event::InvoiceIssued { invoice: Invoice { number, participant, creditor, amount, issued, due } }
    }

    /// Two awards, one of them mine to pay, a payment, and a programme that pays a part of what it promised.
    fn story() -> Vec<(u64, Event)> {
        let (mine, claims) = (Account::Participant(ME), Account::Claims(ME));
        let award = Cause::Award(AUCTION);
        let paid = Event::InvoicePaid { number: 1, participant: ME, paid: dollars(300), open: dollars(700) };
        let late = Event::InvoiceLate { number: 1, participant: ME, open: dollars(700) };
        let claim = Claim { participant: ME, since: day(12), amount: dollars(30) };
        let carried = Event::ClaimsPaid {
            programme: PROGRAMME,
            paid: dollars(10),
            short: dollars(30),
            carried: vec![claim],
        };
        let settled = Cause::Settlement(FloorId(1));
        vec![
            (5, posted(7, award, mine, Account::Clearing, 1_000)),
            (5, posted(7, award, Account::Participant(OTHER), Account::Clearing, 500)),
            (5, issued(1, ME, 1_000)),
            (5, issued(2, OTHER, 500)),
            (6, posted(8, Cause::Payment, Account::Bank, mine, 300)),
            (6, paid),
            (7, late),
            (9, posted(12, settled, Account::Promised(PROGRAMME), claims, 40)),
            (9, carried),
            (9, posted(12, Cause::Programme(PROGRAMME), claims, mine, 10)),
        ]
    }

    fn account(wanted: Option<Day>) -> StatementOfAccount {
        let mut account = StatementOfAccount::new(ME, wanted);
        for (number, (sequence, event)) in (1..).zip(story()) {
            account.add(&Numbered { number, sequence: Sequence(sequence), event });
        }
        account
    }

    #[test]
    fn an_account_is_told_as_tables() {
        let lines: Vec<_> = account(None)
            .text(Format::Table)
            .lines()
            .filter(|line| !line.starts_with('─') && !line.is_empty())
            .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        let expected = [
            "Postings",
            "sequence day cause account counter-account amount balance currency",
            "5 2019-01-07 awards of auction 2 participant 21 clearing -1,000.00 -1,000.00 USD",
            "6 2019-01-08 payments in and out participant 21 bank 300.00 -700.00 USD",
            "9 2019-01-12 settlement of floor 1 claims of participant 21 promises of programme 3 40.00 40.00 USD",
            "9 2019-01-12 payments of programme 3 claims of participant 21 participant 21 -10.00 30.00 USD",
            "9 2019-01-12 payments of programme 3 participant 21 claims of participant 21 10.00 -690.00 USD",
            "Open invoices",
            "invoice for issued due by amount open currency standing",
            "1 auction 2 2019-01-07 2019-01-09 1,000.00 700.00 USD late",
            "Claims that wait",
            "on since amount currency",
            "programme 3 2019-01-12 30.00 USD",
        ];
        assert_eq!(lines, expected);
        let nothing = StatementOfAccount::new(ME, None);
        assert_eq!(nothing.text(Format::Table), "Nothing was posted.");
    }

    #[test]
    fn an_account_is_told_to_programs() {
        let told: Value = serde_json::from_str(&account(None).text(Format::Json)).expect("JSON");
        let second = json!({
            "sequence": 6, "day": "2019-01-08", "cause": "payments in and out", "account": "participant 21",
            "counter_account": "bank", "amount": "300.00", "balance": "-700.00", "currency": "USD",
        });
        assert_eq!(told["postings"][1], second);
        let invoice = json!({
            "number": 1, "creditor": "auction 2", "issued": "2019-01-07", "due": "2019-01-09",
            "amount": {"amount": "1000.00", "currency": "USD"}, "open": {"amount": "700.00", "currency": "USD"},
            "is_late": true,
        });
        assert_eq!(told["open_invoices"], json!([invoice]));
        let claim = json!({ "on": "programme 3", "since": "2019-01-12", "amount": {"amount": "30.00", "currency": "USD"} });
        assert_eq!(told["claims"], json!([claim]));
        let rows = account(None).text(Format::Csv);
        let first = "sequence,day,cause,account,counter_account,amount,balance,currency\n\
                     5,2019-01-07,awards of auction 2,participant 21,clearing,-1000.00,-1000.00,USD\n";
        assert!(rows.starts_with(first), "{rows}");
    }

    /// The balance is that after all postings, those of other days among them.
    #[test]
    fn with_a_day_its_postings_alone_are_told() {
        let told: Value = serde_json::from_str(&account(Some(day(12))).text(Format::Json)).expect("JSON");
        assert_eq!(told["day"], "2019-01-12");
        assert_eq!(told["postings"].as_array().map(Vec::len), Some(3));
        assert_eq!(told["postings"][2]["balance"], "-690.00");
    }
}
