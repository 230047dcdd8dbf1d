//! The ledger: double entry, and the programmes whose money it keeps.
//!
//! Money only moves between accounts, by balanced postings: the balances of each currency always sum to
//! zero, which posting keeps at each posting and [`Ledger::is_balanced`] checks in full. A
//! balance is an `i128`, so that no sequence of postings, each an `i64`, can overflow it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::id::{ParticipantId, ProgrammeId};
use crate::num::{Currency, Money};
use crate::reject::Reject;
use crate::text::Name;

/// Where money can be. A positive balance is the holder's; a negative one is owed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Account {
    /// A participant's balance with the centre.
    Participant(ParticipantId),
    /// What a programme's funders have paid in, as a negative balance.
    Funders(ProgrammeId),
    /// A programme's money that nothing is reserved for.
    ProgrammeFree(ProgrammeId),
    /// A programme's money that is reserved for an auction's budget or an entitlement.
    ProgrammeReserved(ProgrammeId),
    /// What a participant has deposited as collateral, as a negative balance.
    Deposits(ParticipantId),
    /// A participant's collateral that nothing is held against.
    Collateral(ParticipantId),
    /// What is held of a participant's collateral as bid bonds.
    Bonds(ParticipantId),
    /// What a programme took in beside its funding, for its funders to dispose of: forfeited bid bonds, what sales earned
    /// beyond cost, and what holders of contracts paid on high prices.
    Proceeds(ProgrammeId),
    /// The centre as the other side of every award.
    Clearing,
    /// What rounding to minor units cut off.
    Rounding,
}

/// A programme: a name, a currency, and its accounts in the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Programme {
    /// Its name, for people.
    pub name: Name,
    /// What it is funded in and pays in.
    pub currency: Currency,
}

/// Refuses what cannot be paid in or out: another currency, nothing, or parts of a minor unit.
pub(crate) fn check_payable(amount: Money, currency: Currency) -> Result<(), Reject> {
    if amount.currency != currency {
        return Err(Reject::OtherCurrency);
    }
    let whole = amount.millionths.checked_rem(currency.minor_unit()) == Some(0);
    if amount.millionths > 0 && whole { Ok(()) } else { Err(Reject::AmountNotPayable) }
}

/// All balances, in millionths.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    balances: BTreeMap<(Currency, Account), i128>,
}

impl Ledger {
    /// Moves `amount` from one account to another; a negative amount moves the other way.
    pub(crate) fn post(&mut self, from: Account, to: Account, amount: Money) {
        self.add(amount.currency, from, amount.millionths, |balance, by| balance.checked_sub(by));
        self.add(amount.currency, to, amount.millionths, |balance, by| balance.checked_add(by));
    }

    fn add(
        &mut self,
        currency: Currency,
        account: Account,
        by: i64,
        change: impl Fn(i128, i128) -> Option<i128>,
    ) {
        let balance = self.balances.entry((currency, account)).or_insert(0);
        let changed = change(*balance, i128::from(by));
        assert!(changed.is_some(), "an i128 holds more postings than a sequence has numbers");
        *balance = changed.unwrap_or(*balance);
    }

    /// An account's balance in a currency, in millionths.
    pub fn balance(&self, currency: Currency, account: Account) -> i128 {
        self.balances.get(&(currency, account)).copied().unwrap_or(0)
    }

    /// All balances, in millionths, by currency and account.
    pub fn balances(&self) -> impl Iterator<Item = (Currency, Account, i128)> {
        self.balances.iter().map(|(&(currency, account), &balance)| (currency, account, balance))
    }

    /// What is held as bid bonds, by currency and participant; those who have none are left out.
    pub(crate) fn bonds(&self) -> BTreeMap<(Currency, ParticipantId), i128> {
        let bonds = self.balances.iter().filter_map(|(&(currency, account), &balance)| match account {
            Account::Bonds(participant) if balance != 0 => Some(((currency, participant), balance)),
            _ => None,
        });
        bonds.collect()
    }

    /// Whether there is room in every balance for all postings that can still come.
    pub(crate) fn has_room(&self) -> bool {
        // Half of what an i128 holds: no exchange lives to post the other half, 2⁶³ at a time.
        const FULL: u128 = 1 << 126;
        self.balances.values().all(|balance| balance.unsigned_abs() < FULL)
    }

    /// Whether the balances of every currency sum to zero.
    pub fn is_balanced(&self) -> bool {
        let mut sums = BTreeMap::<Currency, i128>::new();
        for (&(currency, _), &balance) in &self.balances {
            let sum = sums.entry(currency).or_insert(0);
            match sum.checked_add(balance) {
                Some(next) => *sum = next,
                None => return false,
            }
        }
        sums.values().all(|&sum| sum == 0)
    }
}
