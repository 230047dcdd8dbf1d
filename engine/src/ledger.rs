//! The ledger: double entry. Every posting names its cause.
//!
//! Money only moves between accounts, by balanced postings: the balances of each currency always sum to
//! zero, which posting keeps at each posting and [`Ledger::is_balanced`] checks in full. A
//! balance is an `i128`, so that no sequence of postings, each an `i64`, can overflow it.
//!
//! What a command posted is told as one [`Event::Posted`] for each cause, so that whoever reads the events
//! can add up every account that it may see, and find for every amount why it is there.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::event::{Event, Events};
use crate::id::{AuctionId, FloorId, NegotiationId, ParticipantId, ProgrammeId};
use crate::num::{Currency, Money};
use crate::reject::Reject;
use crate::time::Instant;

/// Where money can be. A positive balance is the holder's; a negative one is owed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Account {
    /// A participant's balance with the centre: what can be paid out to it or, negative, what it owes.
    Participant(ParticipantId),
    /// What was promised to a participant and waits for money.
    Claims(ParticipantId),
    /// What a participant has deposited as collateral or in the default fund, as a negative balance.
    Deposits(ParticipantId),
    /// A participant's collateral that nothing is held against.
    Collateral(ParticipantId),
    /// What is held of a participant's collateral as bid bonds.
    Bonds(ParticipantId),
    /// A participant's contribution to the default fund.
    Contribution(ParticipantId),
    /// What a programme's funders have paid in, as a negative balance.
    Funders(ProgrammeId),
    /// A programme's money that nothing is reserved for.
    ProgrammeFree(ProgrammeId),
    /// A programme's money that is reserved for an auction's budget or an entitlement.
    ProgrammeReserved(ProgrammeId),
    /// A programme's money that was paid, less what was taken back.
    ProgrammeSpent(ProgrammeId),
    /// What a programme has in its stock of material, at cost.
    Stock(ProgrammeId),
    /// What a guaranteed programme has paid beyond its money, as a negative balance: its guarantor owes it.
    Shortfall(ProgrammeId),
    /// What a programme has promised, exactly, as a negative balance: the other side of claims.
    Promised(ProgrammeId),
    /// What is owed to a programme and was not paid yet.
    Receivable(ProgrammeId),
    /// What a programme took in beside its funding, for its funders to dispose of: forfeited bid bonds, what sales earned
    /// beyond cost, and what holders of contracts paid on high prices.
    Proceeds(ProgrammeId),
    /// What the centre has set aside of its own for defaults.
    OwnResources,
    /// What it was set aside from, as a negative balance.
    Capital,
    /// What participants have paid in and were paid out, as a negative balance.
    Bank,
    /// The centre as the other side of every award.
    Clearing,
    /// What rounding to minor units cut off.
    Rounding,
    /// Money that came in and could not be attributed to anybody yet.
    Suspense,
}

/// Why money moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Cause {
    /// A programme was funded.
    Funding(ProgrammeId),
    /// What a programme has to reserve has changed.
    Reservation(ProgrammeId),
    /// Collateral or a contribution to the default fund was deposited or given back.
    Deposit(ParticipantId),
    /// A bid bond was held or released.
    Bond(ParticipantId),
    /// A bid bond was forfeited.
    Forfeit(AuctionId),
    /// Awards became final.
    Award(AuctionId),
    /// Sellers were paid what buyers had paid.
    Distribution(AuctionId),
    /// A settlement run of a floor.
    Settlement(FloorId),
    /// A programme paid what it had promised, or was paid what it was owed.
    Programme(ProgrammeId),
    /// A payment came in or went out.
    Payment,
    /// A participant's default.
    Default(ParticipantId),
    /// A defaulter made good what others' money had paid.
    Recovery(ParticipantId),
    /// The centre set money of its own aside for defaults.
    OwnResources,
    /// A deal with a programme's stock.
    Deal(NegotiationId),
}

/// A movement of money from one account to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Posting {
    /// The account whose balance falls.
    pub from: Account,
    /// The account whose balance rises.
    pub to: Account,
    /// By how much; not negative, and never zero.
    pub amount: Money,
}

impl Account {
    /// Whose it is, if it is a participant's.
    pub const fn participant(self) -> Option<ParticipantId> {
        match self {
            Self::Participant(id)
            | Self::Claims(id)
            | Self::Deposits(id)
            | Self::Collateral(id)
            | Self::Bonds(id)
            | Self::Contribution(id) => Some(id),
            _ => None,
        }
    }

    /// Which programme's it is, if it is one's.
    pub const fn programme(self) -> Option<ProgrammeId> {
        match self {
            Self::Funders(id)
            | Self::ProgrammeFree(id)
            | Self::ProgrammeReserved(id)
            | Self::ProgrammeSpent(id)
            | Self::Stock(id)
            | Self::Shortfall(id)
            | Self::Promised(id)
            | Self::Receivable(id)
            | Self::Proceeds(id) => Some(id),
            _ => None,
        }
    }
}

/// Refuses what cannot be paid in or out: another currency, nothing, or parts of a minor unit.
// Rules: R-MON-003.
pub(crate) fn check_payable(amount: Money, currency: Currency) -> Result<(), Reject> {
    if amount.currency != currency {
        return Err(Reject::OtherCurrency);
    }
    let whole = amount.millionths.checked_rem(currency.minor_unit()) == Some(0);
    if amount.millionths > 0 && whole { Ok(()) } else { Err(Reject::AmountNotPayable) }
}

/// What was posted between two accounts in a currency, summed, in millionths.
type Moved = BTreeMap<(Currency, Account, Account), i128>;

/// All balances, in millionths.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Ledger {
    balances: BTreeMap<(Currency, Account), i128>,
    /// What the current command has posted, by cause.
    #[serde(skip)]
    posted: BTreeMap<Cause, Moved>,
}

impl Ledger {
    /// Moves `amount` from one account to another; a negative amount moves the other way.
    // Rules: R-MON-002.
    pub(crate) fn post(&mut self, cause: Cause, from: Account, to: Account, amount: Money) {
        if amount.is_zero() {
            return;
        }
        let by = i128::from(amount.millionths);
        self.add(amount.currency, from, by, i128::checked_sub);
        self.add(amount.currency, to, by, i128::checked_add);
        // What goes there and back within a command is no movement: the smaller account names the pair.
        let (one, other, by) = if from <= to { (from, to, by) } else { (to, from, by.saturating_neg()) };
        let moved = self.posted.entry(cause).or_default().entry((amount.currency, one, other)).or_insert(0);
        *moved = moved.saturating_add(by);
    }

    fn add(
        &mut self,
        currency: Currency,
        account: Account,
        by: i128,
        change: impl Fn(i128, i128) -> Option<i128>,
    ) {
        let balance = self.balances.entry((currency, account)).or_insert(0);
        let changed = change(*balance, by);
        assert!(changed.is_some(), "an i128 holds more postings than a sequence has numbers");
        *balance = changed.unwrap_or(*balance);
    }

    /// Whether the current command has posted anything.
    pub(crate) fn has_posted(&self) -> bool {
        !self.posted.is_empty()
    }

    /// The programmes whose accounts the current command has posted to.
    pub(crate) fn touched_programmes(&self) -> BTreeSet<ProgrammeId> {
        let accounts =
            self.posted.values().flat_map(BTreeMap::keys).flat_map(|(_, one, other)| [*one, *other]);
        accounts.filter_map(Account::programme).collect()
    }

    /// Tells what the current command has posted, by cause.
    // Rules: R-MON-002.
    pub(crate) fn tell(&mut self, at: Instant, out: &mut Events) {
        for (cause, moved) in std::mem::take(&mut self.posted) {
            let mut postings = Vec::new();
            for ((currency, one, other), by) in moved {
                let (from, to) = if by.is_negative() { (other, one) } else { (one, other) };
                // More than one posting holds is told in several.
                let mut left = by.saturating_abs();
                while left > 0 {
                    let millionths = i64::try_from(left).unwrap_or(i64::MAX);
                    postings.push(Posting { from, to, amount: Money { currency, millionths } });
                    left = left.saturating_sub(i128::from(millionths));
                }
            }
            if !postings.is_empty() {
                out.push(Event::Posted { at, cause, postings });
            }
        }
    }

    /// An account's balance in a currency, in millionths.
    pub fn balance(&self, currency: Currency, account: Account) -> i128 {
        self.balances.get(&(currency, account)).copied().unwrap_or(0)
    }

    /// What of an account is above zero in a currency; the most that a [`Money`] holds where it is more.
    pub(crate) fn positive(&self, currency: Currency, account: Account) -> Money {
        let balance = self.balance(currency, account).max(0);
        Money { currency, millionths: i64::try_from(balance).unwrap_or(i64::MAX) }
    }

    /// All balances, in millionths, by currency and account.
    pub fn balances(&self) -> impl Iterator<Item = (Currency, Account, i128)> {
        self.balances.iter().map(|(&(currency, account), &balance)| (currency, account, balance))
    }

    /// Who has contributed to the default fund of a currency, in order.
    pub(crate) fn contributors(&self, currency: Currency) -> impl Iterator<Item = ParticipantId> {
        let [first, last] =
            [u32::MIN, u32::MAX].map(|id| (currency, Account::Contribution(ParticipantId(id))));
        self.balances.range(first..=last).filter_map(|((_, account), _)| account.participant())
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
    // Rules: R-MON-001.
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const OTHERS: ParticipantId = ParticipantId(7);
    const NOW: Instant = Instant(1);

    /// All accounts of one participant and one programme, and those that are nobody's.
    fn accounts() -> Vec<(Account, Option<ParticipantId>, Option<ProgrammeId>)> {
        let (one, of) = (ParticipantId(3), ProgrammeId(4));
        let of_participant = [
            Account::Participant,
            Account::Claims,
            Account::Deposits,
            Account::Collateral,
            Account::Bonds,
            Account::Contribution,
        ];
        let of_programme = [
            Account::Funders,
            Account::ProgrammeFree,
            Account::ProgrammeReserved,
            Account::ProgrammeSpent,
            Account::Stock,
            Account::Shortfall,
            Account::Promised,
            Account::Receivable,
            Account::Proceeds,
        ];
        let nobodys = [
            Account::OwnResources,
            Account::Capital,
            Account::Bank,
            Account::Clearing,
            Account::Rounding,
            Account::Suspense,
        ];
        let of_participant = of_participant.map(|account| (account(one), Some(one), None));
        let of_programme = of_programme.map(|account| (account(of), None, Some(of)));
        let nobodys = nobodys.map(|account| (account, None, None));
        of_participant.into_iter().chain(of_programme).chain(nobodys).collect()
    }

    fn money(currency: Currency, millionths: i64) -> Money {
        Money { currency, millionths }
    }

    /// The postings that were told, with their causes.
    fn told(ledger: &mut Ledger) -> Vec<(Cause, Posting)> {
        let mut events = Events::new();
        ledger.tell(NOW, &mut events);
        let postings = |event| match event {
            Event::Posted { at: NOW, cause, postings } => {
                assert!(!postings.is_empty(), "a cause that moved nothing is not told");
                postings.into_iter().map(move |posting| (cause, posting))
            }
            other => panic!("{other:?}"),
        };
        events.into_iter().flat_map(postings).collect()
    }

    #[test]
    fn an_account_says_whose_it_is() {
        for (account, participant, programme) in accounts() {
            assert_eq!((account.participant(), account.programme()), (participant, programme), "{account:?}");
        }
    }

    /// Rules: R-MON-003.
    #[test]
    fn only_whole_minor_units_above_zero_can_be_paid() {
        let check = |millionths| check_payable(money(Currency::Usd, millionths), Currency::Usd);
        assert_eq!(check(10_000), Ok(()), "a cent");
        for millionths in [0, -10_000, 9_999, 10_001, 1, -1] {
            assert_eq!(check(millionths), Err(Reject::AmountNotPayable), "{millionths}");
        }
        assert_eq!(check_payable(money(Currency::Eur, 10_000), Currency::Usd), Err(Reject::OtherCurrency));
    }

    proptest! {
        /// Balances are the sums of what was posted and of what was told alike, and what is told is what a command has moved
        /// between two accounts in all: as little as that takes, each way round, and nothing of what went there and back.
        /// Rules: R-MON-002.
        #[test]
        fn what_is_told_adds_up_to_the_balances(
            commands in prop::collection::vec(
                prop::collection::vec((0..2_usize, 0..21_usize, 1..21_usize, 0..2_usize, -3_i64..4), 0..8), 1..6,
            ),
        ) {
            let accounts: Vec<Account> = accounts().into_iter().map(|(account, ..)| account).collect();
            let causes = [Cause::Payment, Cause::OwnResources];
            let currencies = [Currency::Usd, Currency::Eur];
            let mut ledger = Ledger::default();
            let mut sums = BTreeMap::<(Currency, Account), i128>::new();
            let mut heard = sums.clone();
            for command in commands {
                let mut between = BTreeMap::<(usize, Currency, Account, Account), i64>::new();
                let mut programmes = BTreeSet::new();
                for (cause, from, further, currency, amount) in command {
                    let to = accounts[(from + further) % accounts.len()];
                    let (from, currency) = (accounts[from], currencies[currency]);
                    ledger.post(causes[cause], from, to, money(currency, amount));
                    *sums.entry((currency, from)).or_default() -= i128::from(amount);
                    *sums.entry((currency, to)).or_default() += i128::from(amount);
                    *between.entry((cause, currency, from, to)).or_default() += amount;
                    *between.entry((cause, currency, to, from)).or_default() -= amount;
                    if amount != 0 {
                        programmes.extend([from, to].into_iter().filter_map(Account::programme));
                    }
                    prop_assert!(ledger.is_balanced());
                }
                prop_assert_eq!(ledger.touched_programmes(), programmes);
                let postings = told(&mut ledger);
                prop_assert!(!ledger.has_posted());
                for &(cause, Posting { from, to, amount }) in &postings {
                    let cause = causes.iter().position(|other| *other == cause).expect("a cause");
                    prop_assert_eq!(between.get(&(cause, amount.currency, from, to)), Some(&amount.millionths));
                    prop_assert!(amount.millionths > 0);
                    *heard.entry((amount.currency, from)).or_default() -= i128::from(amount.millionths);
                    *heard.entry((amount.currency, to)).or_default() += i128::from(amount.millionths);
                }
                // In one order, whoever replays it: by the pair of accounts, which the smaller names.
                let place = |(cause, Posting { from, to, amount }): &(Cause, Posting)| {
                    (*cause, amount.currency, *from.min(to), *from.max(to))
                };
                prop_assert!(postings.is_sorted_by_key(place));
                prop_assert_eq!(postings.len(), between.values().filter(|moved| **moved > 0).count());
                for (&(currency, account), &balance) in &sums {
                    prop_assert_eq!(ledger.balance(currency, account), balance);
                    prop_assert_eq!(heard.get(&(currency, account)).copied().unwrap_or(0), balance);
                    prop_assert_eq!(i128::from(ledger.positive(currency, account).millionths), balance.max(0));
                }
            }
            let posted = ledger.balances().map(|(currency, account, balance)| ((currency, account), balance));
            let posted: BTreeMap<_, _> = posted.filter(|(_, balance)| *balance != 0).collect();
            sums.retain(|_, balance| *balance != 0);
            prop_assert_eq!(posted, sums);
        }
    }

    #[test]
    fn a_command_that_posts_nothing_has_nothing_to_tell() {
        let mut ledger = Ledger::default();
        ledger.post(Cause::Payment, Account::Bank, Account::Suspense, Money::zero(Currency::Usd));
        assert!(!ledger.has_posted());
        ledger.post(Cause::Payment, Account::Bank, Account::Suspense, money(Currency::Usd, 1));
        assert!(ledger.has_posted());
        // There and back is nothing to tell, but balances were touched.
        ledger.post(Cause::Payment, Account::Suspense, Account::Bank, money(Currency::Usd, 1));
        assert!(ledger.has_posted());
        assert_eq!(told(&mut ledger), []);
    }

    /// Rules: R-MON-002.
    #[test]
    fn more_than_one_posting_holds_is_told_in_several() {
        let mut ledger = Ledger::default();
        for _ in 0..2 {
            ledger.post(Cause::Payment, Account::Bank, Account::Suspense, money(Currency::Usd, i64::MAX));
        }
        ledger.post(Cause::Payment, Account::Bank, Account::Suspense, money(Currency::Usd, 5));
        let posting = |millionths| {
            let amount = money(Currency::Usd, millionths);
            (Cause::Payment, Posting { from: Account::Bank, to: Account::Suspense, amount })
        };
        assert_eq!(told(&mut ledger), [posting(i64::MAX), posting(i64::MAX), posting(5)]);
        assert_eq!(ledger.positive(Currency::Usd, Account::Suspense).millionths, i64::MAX);
    }

    /// A ledger as a damaged snapshot could bring it.
    fn with(balances: &[(Currency, Account, i128)]) -> Ledger {
        let balances = balances.iter().map(|&(currency, account, balance)| ((currency, account), balance));
        Ledger { balances: balances.collect(), posted: BTreeMap::new() }
    }

    /// Rules: R-MON-001.
    #[test]
    fn a_ledger_is_balanced_where_each_currency_is() {
        let (bank, suspense) = (Account::Bank, Account::Suspense);
        assert!(with(&[(Currency::Usd, bank, -5), (Currency::Usd, suspense, 5)]).is_balanced());
        assert!(!with(&[(Currency::Usd, bank, -5), (Currency::Usd, suspense, 4)]).is_balanced());
        assert!(!with(&[(Currency::Usd, bank, -5), (Currency::Eur, bank, 5)]).is_balanced());
        assert!(!with(&[(Currency::Usd, bank, i128::MAX), (Currency::Usd, suspense, 1)]).is_balanced());
    }

    #[test]
    fn half_of_what_a_balance_holds_is_kept_free() {
        let room = |balance| with(&[(Currency::Usd, Account::Bank, balance)]).has_room();
        let full = 1_i128 << 126;
        assert!(room(full - 1) && room(1 - full));
        assert!(!room(full) && !room(-full) && !room(i128::MAX) && !room(i128::MIN));
    }

    #[test]
    fn contributions_and_bonds_are_found_among_all_accounts() {
        let (usd, eur) = (Currency::Usd, Currency::Eur);
        let (first, last) = (ParticipantId(u32::MIN), ParticipantId(u32::MAX));
        let ledger = with(&[
            (usd, Account::Contribution(first), 1),
            (usd, Account::Contribution(last), 1),
            (usd, Account::Bonds(last), 2),
            (usd, Account::Bonds(first), 0),
            (usd, Account::Funders(ProgrammeId(1)), 3),
            (eur, Account::Contribution(OTHERS), 1),
            (eur, Account::Bonds(OTHERS), 4),
        ]);
        assert_eq!(ledger.contributors(usd).collect::<Vec<_>>(), [first, last]);
        assert_eq!(ledger.contributors(eur).collect::<Vec<_>>(), [OTHERS]);
        assert_eq!(ledger.bonds(), BTreeMap::from([((usd, last), 2), ((eur, OTHERS), 4)]));
    }
}
