//! Collateral, contributions to the default fund, the centre's own resources, and what participants must have of collateral each day.
//!
//! Who may owe posts: a share of its open invoices, and for each contract under which its holder may owe what that would be
//! for some days of volume at the latest price. At the end of each day of a currency with clearing terms what is required is
//! compared with what is there; what is missing is called, and whoever does not follow in time defaults.

use std::collections::BTreeMap;

use super::default::{Breach, Notice};
use crate::cfd::{Deliveries, Entitlement, Measure, PeriodFacts, YearToDate};
use crate::event::Events;
use crate::exchange::State;
use crate::id::ParticipantId;
use crate::ledger::{Account, Cause, check_payable};
use crate::num::{Currency, MILLIONTHS, Money, Quantity};
use crate::reject::Reject;
use crate::time::{Day, Instant, Period};

/// What participants must have of collateral, in millionths.
pub(super) type Required = BTreeMap<(Currency, ParticipantId), i128>;

impl State {
    /// Refuses a deposit that cannot be held.
    pub(crate) fn check_deposit(&self, id: ParticipantId, amount: Money) -> Result<(), Reject> {
        self.registry.participant(id)?;
        check_payable(amount, amount.currency)?;
        // All that somebody has deposited fits in a Money, and so does any part of it.
        let deposited = self.ledger.balance(amount.currency, Account::Deposits(id)).checked_neg();
        let deposited = deposited.and_then(|deposited| deposited.checked_add(i128::from(amount.millionths)));
        match deposited.map(i64::try_from) {
            Some(Ok(_)) => Ok(()),
            _ => Err(Reject::AmountTooLarge),
        }
    }

    /// Refuses to give back what is not there, is held as a bond, or is required; to a defaulter, and of what
    /// an invoice that is late may be paid from, nothing.
    // Rules: R-MON-028.
    pub(crate) fn check_return(
        &self,
        at: Instant,
        id: ParticipantId,
        account: Account,
        amount: Money,
    ) -> Result<(), Reject> {
        self.registry.participant(id)?;
        check_payable(amount, amount.currency)?;
        if self.treasury.defaults.contains_key(&(amount.currency, id)) {
            return Err(Reject::InDefault);
        }
        let mut free = self.ledger.balance(amount.currency, account);
        let debts = self.treasury.debts.get(&(amount.currency, id)).into_iter().flatten();
        let late: i128 = debts.filter(|debt| debt.is_late).map(|debt| i128::from(debt.open)).sum();
        // What is held for bids covers too, and stays in any case.
        let mut to_keep = late;
        if account == Account::Collateral(id)
            && let Some(today) = Day::of(at)
        {
            let required = self.required(today).remove(&(amount.currency, id)).unwrap_or(0);
            let bonds = self.ledger.balance(amount.currency, Account::Bonds(id));
            to_keep = required.saturating_sub(bonds).max(late);
        }
        free = free.saturating_sub(to_keep).max(0);
        let short = i128::from(amount.millionths).saturating_sub(free);
        if short <= 0 {
            return Ok(());
        }
        let millionths = i64::try_from(short).unwrap_or(i64::MAX);
        Err(Reject::CollateralShort { short: Money { currency: amount.currency, millionths } })
    }

    /// Takes in collateral, or a contribution to the default fund.
    pub(crate) fn deposit(&mut self, from: ParticipantId, to: Account, amount: Money, out: &mut Events) {
        self.ledger.post(Cause::Deposit(from), Account::Deposits(from), to, amount);
        self.cure(amount.currency, from, out);
    }

    /// Gives collateral or a contribution back.
    pub(crate) fn give_back(&mut self, to: ParticipantId, from: Account, amount: Money) {
        self.ledger.post(Cause::Deposit(to), from, Account::Deposits(to), amount);
    }

    pub(crate) fn check_own_resources(&self, amount: Money) -> Result<(), Reject> {
        check_payable(amount, amount.currency)?;
        let set_aside = self.ledger.balance(amount.currency, Account::Capital).saturating_neg();
        match i64::try_from(set_aside.saturating_add(amount.millionths.into())) {
            Ok(_) => Ok(()),
            Err(_) => Err(Reject::AmountTooLarge),
        }
    }

    pub(crate) fn set_aside_own(&mut self, amount: Money) {
        self.ledger.post(Cause::OwnResources, Account::Capital, Account::OwnResources, amount);
    }

    /// What everybody who owes, or may owe, must have of collateral on a day.
    // Rules: R-MON-025.
    pub(super) fn required(&self, today: Day) -> Required {
        let mut required = Required::new();
        for (&(currency, participant), debts) in &self.treasury.debts {
            let Some(terms) = self.treasury.terms.get(&currency) else { continue };
            let open: i128 = debts.iter().map(|debt| i128::from(debt.open)).sum();
            let share = open.saturating_mul(terms.debt_cover.millionths().into());
            let cover = rounded_up(share, MILLIONTHS.into(), currency);
            add(&mut required, (currency, participant), cover);
        }
        let nothing = Deliveries::default();
        for (id, entitlement) in &self.entitlements {
            let deliveries = self.deliveries.get(id).unwrap_or(&nothing);
            if let Some((currency, cover)) = self.contract_cover(entitlement, deliveries, today) {
                add(&mut required, (currency, entitlement.holder), cover);
            }
        }
        required
    }

    /// What a contract's holder would owe for some days of volume at the latest price, in millionths; `None` where it can owe
    /// nothing.
    // Rules: R-MON-026.
    fn contract_cover(
        &self,
        entitlement: &Entitlement,
        deliveries: &Deliveries,
        today: Day,
    ) -> Option<(Currency, i128)> {
        let floor = self.floor(entitlement.floor).ok()?;
        let contract = &*floor.terms.contract;
        let upside = contract.payoff.upside.as_ref()?;
        let currency = self.market(floor.terms.market).ok()?.currency;
        let days = self.treasury.terms.get(&currency)?.contract_cover_days;
        let is_over = today > entitlement.last || days == 0;
        let is_shared = upside.condition.is_none() || entitlement.upside_from.is_some();
        if is_over || !is_shared {
            return None;
        }
        let price = self.index(floor.terms.index).ok()?.latest(today)?;
        let period = contract.calendar.period(today);
        let quantity = match contract.volume.measure {
            Measure::Fixed => {
                let of_period = i128::from(entitlement.per_period.millionths());
                let length = i128::from(period.first.days_until(period.last)).saturating_add(1);
                let volume = of_period.saturating_mul(days.into()).checked_div(length)?;
                i64::try_from(volume).ok().and_then(Quantity::from_millionths)?
            }
            Measure::Metered => {
                let first = today.minus_days(days.saturating_sub(1));
                deliveries.counted(Period { first, last: today }, self.data, &contract.volume)?
            }
        };
        let facts = PeriodFacts {
            period,
            strike: entitlement.strike,
            reference_price: Some(price),
            quantity,
            is_upside_shared: true,
        };
        let settled = contract.payoff.settle(&mut YearToDate::default(), &facts, currency).ok()?;
        Some((currency, i128::from(settled.amount.millionths).saturating_neg().max(0)))
    }

    /// What a participant has of collateral, what is held for its bids included: a notice says nothing of how much is bid.
    // Rules: R-MON-027.
    pub(super) fn cover_of(&self, currency: Currency, participant: ParticipantId) -> Money {
        let free = self.ledger.positive(currency, Account::Collateral(participant));
        let bonds = self.ledger.positive(currency, Account::Bonds(participant));
        free.checked_add(bonds).unwrap_or(free)
    }

    /// Calls for what is missing of what is required at the end of a day. Who is in default was called on, and the waterfall has paid.
    /// Returns what is required.
    // Rules: R-MON-027, R-MON-031.
    pub(super) fn call_collateral(&mut self, today: Day, out: &mut Events) -> Required {
        let all = self.required(today);
        for (&(currency, participant), &required) in &all {
            let held = self.cover_of(currency, participant);
            let whose = (currency, participant);
            let is_called =
                self.treasury.notices.contains_key(&whose) || self.treasury.defaults.contains_key(&whose);
            if required <= i128::from(held.millionths) || is_called {
                continue;
            }
            let millionths = i64::try_from(required).unwrap_or(i64::MAX);
            let required = Money { currency, millionths };
            let breach = Breach::Collateral { required, held };
            self.serve(currency, participant, breach, today, out);
        }
        all
    }

    /// Whether somebody may come to owe, so that the next day is looked at as well.
    // Rules: R-MON-027.
    pub(super) fn has_exposure(&self, today: Day) -> bool {
        let may_owe = |entitlement: &Entitlement| {
            let is_over = today > entitlement.last;
            !is_over
                && self.floor(entitlement.floor).is_ok_and(|floor| {
                    let currency = self.market(floor.terms.market).map(|market| market.currency);
                    let terms = currency.ok().and_then(|currency| self.treasury.terms.get(&currency));
                    floor.terms.contract.payoff.upside.is_some()
                        && terms.is_some_and(|terms| terms.contract_cover_days > 0)
                })
        };
        let has_cover =
            |currency| self.treasury.terms.get(currency).is_some_and(|terms| !terms.debt_cover.is_zero());
        self.treasury.debts.keys().any(|(currency, _)| has_cover(currency))
            || self.entitlements.values().any(may_owe)
    }

    /// Whether a participant's collateral covers today what a notice called for.
    pub(super) fn is_covered(&self, currency: Currency, participant: ParticipantId, notice: &Notice) -> bool {
        let Breach::Collateral { required, .. } = notice.breach else { return true };
        i128::from(self.cover_of(currency, participant).millionths) >= required.millionths.into()
    }
}

fn add(required: &mut Required, whose: (Currency, ParticipantId), more: i128) {
    if more > 0 {
        let sum = required.entry(whose).or_insert(0);
        *sum = sum.saturating_add(more);
    }
}

/// An exact amount of which `scale` parts make a millionth, up to the next minor unit.
// Rules: R-MON-025.
fn rounded_up(exact: i128, scale: i128, currency: Currency) -> i128 {
    let minor = i128::from(currency.minor_unit());
    let of = minor.saturating_mul(scale).max(1);
    exact.saturating_add(of.saturating_sub(1)).checked_div(of).unwrap_or(0).saturating_mul(minor)
}
