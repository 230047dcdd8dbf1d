//! Invoices: what participants owe, when it is due, and who is paid when they pay.
//!
//! A final award is novated to the clearing account: buyers owe the centre, and the centre owes sellers what buyers pay. Each
//! participant's fills of an auction are netted to one amount. Who is to pay gets an invoice; who is to be paid waits in the
//! auction's *pool*. On the due date the pool pays out what has come in, pro rata, and after it whatever still comes.
//!
//! What the centre owes a participant and what the participant owes it are one balance: whatever is credited to it is set off
//! against its invoices at once, those due first in front. So the open invoices of a participant always sum to what its
//! balance is below zero.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};

use super::claims::Claims;
use super::programme::floor_to_minor;
use crate::event::{Event, Events};
use crate::exchange::State;
use crate::id::{AuctionId, ParticipantId, ProgrammeId};
use crate::ledger::{Account, Cause, check_payable};
use crate::num::{Currency, Money};
use crate::reject::Reject;
use crate::time::Day;

/// Who gets what an invoice collects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Creditor {
    /// The sellers of an auction, and then the programme that sold in it, if one did.
    Auction(AuctionId),
    /// A programme, whose contract or correction it is for.
    Programme(ProgrammeId),
}

/// What a participant owes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invoice {
    /// Its number, counted from 1.
    pub number: u64,
    /// Who owes it.
    pub participant: ParticipantId,
    /// To whom it goes.
    pub creditor: Creditor,
    /// The amount.
    pub amount: Money,
    /// When it was issued.
    pub issued: Day,
    /// At the end of which day it is due; `None` in a currency without clearing terms.
    pub due: Option<Day>,
}

/// An invoice that is not paid yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Debt {
    pub(super) invoice: Invoice,
    /// What is left to be paid, in millionths.
    pub(super) open: i64,
    /// What of it a programme had paid before and takes back, in millionths.
    pub(super) take_back: i64,
    pub(super) is_late: bool,
}

/// A programme that gets what is left of an auction's money when all sellers are paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Residual {
    pub(crate) programme: ProgrammeId,
    /// What is still to come, in millionths.
    pub(crate) amount: i64,
    /// What of it was the programme's own money before, in millionths.
    pub(crate) take_back: i64,
}

/// What sellers of an auction wait for.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Pool {
    pub(super) currency: Currency,
    /// At the end of which day it pays out for the first time; `None` if it did, and pays at once what comes.
    pub(super) due: Option<Day>,
    /// What has come in and was not paid out, in millionths.
    pub(super) money: i64,
    /// What buyers still owe, in millionths.
    pub(super) owed: i64,
    pub(super) claims: Claims,
    pub(super) residual: Option<Residual>,
}

/// How often money is passed on in one command. What is left where it is then is passed on at the end of the day, or with the next
/// payment.
const ROUNDS_MAX: u32 = 64;

impl Pool {
    /// Whether it has money that it could pay out.
    pub(super) fn is_held_up(&self) -> bool {
        let waits = !self.claims.is_empty() || self.residual.is_some_and(|residual| residual.amount > 0);
        self.due.is_none() && self.money > 0 && (waits || self.owed == 0)
    }
}

/// What participants are to pay (positive) or to be paid (negative) for an auction, in millionths and whole minor units.
pub(crate) type Nets = BTreeMap<ParticipantId, i64>;

impl State {
    /// When an invoice of a day is due.
    // Rules: R-MON-018, R-MON-022.
    pub(crate) fn due_of(&self, currency: Currency, issued: Day) -> Option<Day> {
        self.treasury.terms.get(&currency).map(|terms| terms.business_days_after(issued, terms.due_days))
    }

    /// Puts the centre between the buyers and the sellers of an auction. `paid_in` is what a programme pays for them, in millionths
    /// and exactly; what the amounts lack to a balance is rounding's.
    // Rules: R-MON-017.
    #[expect(clippy::too_many_arguments, reason = "they are the parts of one settlement")]
    pub(crate) fn novate_awards(
        &mut self,
        id: AuctionId,
        currency: Currency,
        today: Day,
        nets: &Nets,
        paid_in: Money,
        residual: Option<Residual>,
        out: &mut Events,
    ) {
        let cause = Cause::Award(id);
        let mut claims = Claims::default();
        let mut balance = i128::from(paid_in.millionths);
        for (&participant, &net) in nets {
            balance = balance.saturating_add(net.into());
            let amount = Money { currency, millionths: net };
            if net > 0 {
                self.ledger.post(cause, Account::Participant(participant), Account::Clearing, amount);
            } else {
                let claim = Money { currency, millionths: net.saturating_neg() };
                claims.add(today, participant, claim);
                self.ledger.post(cause, Account::Clearing, Account::Claims(participant), claim);
            }
        }
        if let Some(Residual { programme, amount, .. }) = residual {
            balance = balance.saturating_sub(amount.into());
            let receivable = Account::Receivable(programme);
            self.ledger.post(cause, Account::Clearing, receivable, Money { currency, millionths: amount });
        }
        let cut = i64::try_from(balance);
        assert!(cut.is_ok(), "what rounding cuts off is less than a minor unit a fill");
        let cut = Money { currency, millionths: cut.unwrap_or(0) };
        self.ledger.post(cause, Account::Clearing, Account::Rounding, cut);
        let owed: i128 = nets.values().map(|net| i128::from((*net).max(0))).sum();
        // What the programme pays is there, and where rounding makes sellers' amounts more than buyers', the centre has it.
        let there = claims.total().saturating_sub(owed).max(0);
        let owed = i64::try_from(owed).unwrap_or(i64::MAX);
        let due = self.due_of(currency, today);
        let pool = Pool { currency, due, money: floor_to_minor(there, currency), owed, claims, residual };
        self.treasury.days.extend(due.filter(|_| !pool.claims.is_empty() || pool.residual.is_some()));
        self.treasury.pools.insert(id, pool);
        let mut credited = VecDeque::new();
        for (&participant, &net) in nets {
            if net > 0 {
                self.charge(
                    participant,
                    Creditor::Auction(id),
                    Money { currency, millionths: net },
                    0,
                    (today, due),
                    out,
                );
                credited.push_back(participant);
            }
        }
        self.collect(currency, credited, out);
        let mut credited = VecDeque::new();
        self.pay_pool(id, &mut credited, out);
        self.collect(currency, credited, out);
    }

    /// Issues an invoice for what was just posted to a participant's balance, with its day and when it is due. The caller collects.
    pub(crate) fn charge(
        &mut self,
        participant: ParticipantId,
        creditor: Creditor,
        amount: Money,
        take_back: i64,
        (today, due): (Day, Option<Day>),
        out: &mut Events,
    ) {
        let number = self.treasury.invoices.saturating_add(1);
        self.treasury.invoices = number;
        let invoice = Invoice { number, participant, creditor, amount, issued: today, due };
        let debt = Debt { invoice, open: amount.millionths, take_back, is_late: false };
        let debts = self.treasury.debts.entry((amount.currency, participant)).or_default();
        let place = debts.partition_point(|other| (other.invoice.due, other.invoice.number) < (due, number));
        debts.insert(place, debt);
        // From its issue on it has to be covered.
        self.treasury.days.extend(due.map(|due| due.min(today)));
        self.treasury.days.extend(due);
        out.push(Event::InvoiceIssued { invoice });
    }

    /// Sets off what participants' balances cover of their invoices, and pays whoever that lets be paid, until nothing moves.
    // Rules: R-MON-019, R-MON-023.
    pub(crate) fn collect(
        &mut self,
        currency: Currency,
        mut credited: VecDeque<ParticipantId>,
        out: &mut Events,
    ) {
        // Those who are paid from what several pay are paid once.
        let mut rounds = ROUNDS_MAX;
        let (mut auctions, mut programmes, mut whose) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        loop {
            let Some(participant) = credited.pop_front() else {
                // A cent that goes round among who owe each other does not go round until all is paid.
                rounds = rounds.saturating_sub(1);
                if rounds == 0 {
                    break;
                }
                let (auctions, programmes) = (std::mem::take(&mut auctions), std::mem::take(&mut programmes));
                if auctions.is_empty() && programmes.is_empty() {
                    break;
                }
                for auction in auctions {
                    self.pay_pool(auction, &mut credited, out);
                }
                for programme in programmes {
                    self.pay_claims(programme, 0, &mut credited, out);
                }
                continue;
            };
            whose.insert(participant);
            let balance = self.ledger.balance(currency, Account::Participant(participant));
            let owes = balance.min(0).saturating_neg();
            let mut received = Vec::new();
            if let Some(debts) = self.treasury.debts.get_mut(&(currency, participant)) {
                let open: i128 = debts.iter().map(|debt| i128::from(debt.open)).sum();
                let mut left = open.saturating_sub(owes);
                for debt in debts.iter_mut() {
                    let paid = i64::try_from(left).unwrap_or(i64::MAX).min(debt.open);
                    if paid <= 0 {
                        continue;
                    }
                    left = left.saturating_sub(paid.into());
                    debt.open = debt.open.saturating_sub(paid);
                    let money = |millionths| Money { currency, millionths };
                    let Invoice { number, creditor, .. } = debt.invoice;
                    let (paid, open) = (money(paid), money(debt.open));
                    out.push(Event::InvoicePaid { number, participant, paid, open });
                    let back = debt.take_back.min(paid.millionths);
                    debt.take_back = debt.take_back.saturating_sub(back);
                    received.push((creditor, paid, back));
                }
                debts.retain(|debt| debt.open > 0);
                if debts.is_empty() {
                    self.treasury.debts.remove(&(currency, participant));
                }
            }
            for (creditor, paid, mut back) in received {
                match creditor {
                    Creditor::Auction(auction) => {
                        if let Some(pool) = self.treasury.pools.get_mut(&auction) {
                            pool.money = pool.money.saturating_add(paid.millionths);
                            pool.owed = pool.owed.saturating_sub(paid.millionths);
                        }
                        auctions.insert(auction);
                    }
                    Creditor::Programme(programme) => {
                        self.programme_received(programme, paid, &mut back);
                        programmes.insert(programme);
                    }
                }
            }
        }
        for participant in whose {
            self.recover(currency, participant, out);
            self.cure(currency, participant, out);
        }
    }

    /// Pays out what an auction's pool has, if it is due: sellers pro rata, and then the programme that sold.
    // Rules: R-MON-020, R-MON-021, R-MON-024.
    pub(super) fn pay_pool(
        &mut self,
        id: AuctionId,
        credited: &mut VecDeque<ParticipantId>,
        out: &mut Events,
    ) {
        let Some(pool) = self.treasury.pools.get_mut(&id).filter(|pool| pool.due.is_none()) else {
            return;
        };
        let currency = pool.currency;
        let payments = pool.claims.pay(Money { currency, millionths: pool.money });
        for &(participant, amount) in &payments {
            pool.money = pool.money.saturating_sub(amount.millionths);
            let (claims, balance) = (Account::Claims(participant), Account::Participant(participant));
            self.ledger.post(Cause::Distribution(id), claims, balance, amount);
            credited.push_back(participant);
        }
        let mut received = None;
        if pool.claims.is_empty()
            && let Some(residual) = &mut pool.residual
        {
            let amount = pool.money.min(residual.amount);
            pool.money = pool.money.saturating_sub(amount);
            residual.amount = residual.amount.saturating_sub(amount);
            received = Some((residual.programme, Money { currency, millionths: amount }, residual.take_back));
            residual.take_back = residual.take_back.saturating_sub(amount).max(0);
        }
        let carried = pool.claims.list(currency).collect();
        let is_done = pool.claims.is_empty() && pool.owed == 0;
        if !payments.is_empty() || !pool.claims.is_empty() {
            let paid: i64 = payments.iter().map(|(_, amount)| amount.millionths).sum();
            let paid = Money { currency, millionths: paid };
            out.push(Event::SellersPaid { auction: id, paid, carried });
        }
        if is_done {
            self.treasury.pools.remove(&id);
        }
        if let Some((programme, amount, mut back)) = received.filter(|(_, amount, _)| amount.millionths > 0) {
            back = back.min(amount.millionths);
            self.programme_received(programme, amount, &mut back);
            self.pay_claims(programme, 0, credited, out);
        }
    }

    /// Refuses a payment that cannot have come in.
    pub(crate) fn check_take_payment(
        &self,
        from: Option<ParticipantId>,
        amount: Money,
    ) -> Result<(), Reject> {
        if let Some(participant) = from {
            self.registry.participant(participant)?;
        }
        check_payable(amount, amount.currency)?;
        let account = from.map_or(Account::Suspense, Account::Participant);
        self.check_balance_room(account, amount)
    }

    /// Refuses what would make a balance more than a [`Money`] holds.
    pub(crate) fn check_balance_room(&self, account: Account, more: Money) -> Result<(), Reject> {
        let after = self.ledger.balance(more.currency, account).saturating_add(more.millionths.into());
        if after <= i64::MAX.into() { Ok(()) } else { Err(Reject::AmountTooLarge) }
    }

    /// Money came in from a participant, or from nobody knows whom.
    // Rules: R-MON-005.
    pub(crate) fn take_payment(&mut self, from: Option<ParticipantId>, amount: Money, out: &mut Events) {
        let to = from.map_or(Account::Suspense, Account::Participant);
        self.ledger.post(Cause::Payment, Account::Bank, to, amount);
        self.collect(amount.currency, from.into_iter().collect(), out);
    }

    /// Refuses to attribute more than came in from nobody knows whom.
    // Rules: R-MON-005.
    pub(crate) fn check_attribute(&self, to: ParticipantId, amount: Money) -> Result<(), Reject> {
        self.check_take_payment(Some(to), amount)?;
        self.check_held(Account::Suspense, amount)
    }

    fn check_held(&self, account: Account, amount: Money) -> Result<(), Reject> {
        let held = self.ledger.positive(amount.currency, account);
        match amount.checked_sub(held) {
            Some(short) if short.millionths > 0 => Err(Reject::BalanceShort { short }),
            _ => Ok(()),
        }
    }

    /// It is known now whose payment it was.
    pub(crate) fn attribute(&mut self, to: ParticipantId, amount: Money, out: &mut Events) {
        self.ledger.post(Cause::Payment, Account::Suspense, Account::Participant(to), amount);
        self.collect(amount.currency, [to].into(), out);
    }

    /// Refuses to pay out what is not there.
    // Rules: R-MON-004.
    pub(crate) fn check_pay_out(&self, to: Option<ParticipantId>, amount: Money) -> Result<(), Reject> {
        if let Some(participant) = to {
            self.registry.participant(participant)?;
        }
        check_payable(amount, amount.currency)?;
        self.check_held(to.map_or(Account::Suspense, Account::Participant), amount)
    }

    /// Money went out to a participant, or back to where it came from unattributed.
    pub(crate) fn pay_out(&mut self, to: Option<ParticipantId>, amount: Money) {
        let from = to.map_or(Account::Suspense, Account::Participant);
        self.ledger.post(Cause::Payment, from, Account::Bank, amount);
    }

    /// Whether what is owed and claimed is what the ledger has on its accounts.
    pub(crate) fn debts_agree(&self) -> bool {
        let mut claims = BTreeMap::<(Currency, ParticipantId), i128>::new();
        let mut receivable = BTreeMap::<ProgrammeId, i128>::new();
        let mut owed = BTreeMap::<AuctionId, i128>::new();
        let waiting = self.programmes.values().map(|programme| (programme.currency(), programme.claims()));
        let pools = self.treasury.pools.values();
        for (currency, list) in waiting.chain(pools.map(|pool| (pool.currency, &pool.claims))) {
            for claim in list.list(currency) {
                let sum = claims.entry((currency, claim.participant)).or_default();
                *sum = sum.saturating_add(claim.amount.millionths.into());
            }
        }
        for (&(currency, participant), debts) in &self.treasury.debts {
            let mut open = 0_i128;
            for debt in debts {
                let Invoice { creditor, amount, participant: debtor, .. } = debt.invoice;
                let is_own = (amount.currency, debtor) == (currency, participant);
                if !is_own || debt.open <= 0 || debt.open > amount.millionths || debt.take_back < 0 {
                    return false;
                }
                let part = match creditor {
                    Creditor::Auction(auction) => owed.entry(auction).or_default(),
                    Creditor::Programme(programme) => receivable.entry(programme).or_default(),
                };
                *part = part.saturating_add(debt.open.into());
                open = open.saturating_add(debt.open.into());
            }
            if debts.is_empty()
                || self.ledger.balance(currency, Account::Participant(participant)) != open.saturating_neg()
            {
                return false;
            }
        }
        for (id, pool) in &self.treasury.pools {
            let is_owed = owed.remove(id).unwrap_or(0) == i128::from(pool.owed);
            let in_units = pool.money.checked_rem(pool.currency.minor_unit()) == Some(0);
            if !is_owed || pool.money < 0 || !in_units || !pool.claims.is_sound(pool.currency) {
                return false;
            }
            if let Some(residual) = pool.residual {
                let part = receivable.entry(residual.programme).or_default();
                *part = part.saturating_add(residual.amount.into());
            }
        }
        let owes_nothing_else = owed.is_empty();
        let agrees = |(currency, account, balance): (Currency, Account, i128)| match account {
            Account::Participant(id) => balance >= 0 || self.treasury.debts.contains_key(&(currency, id)),
            Account::Claims(id) => balance == claims.remove(&(currency, id)).unwrap_or(0),
            Account::Receivable(id) => balance == receivable.remove(&id).unwrap_or(0),
            Account::Collateral(_) | Account::Contribution(_) | Account::OwnResources | Account::Suspense => {
                balance >= 0
            }
            _ => true,
        };
        let all_agree = self.ledger.balances().all(agrees);
        owes_nothing_else && all_agree && claims.is_empty() && receivable.values().all(|amount| *amount == 0)
    }
}
