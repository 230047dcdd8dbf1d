//! Notices, defaults and the waterfall.
//!
//! Whoever does not pay an invoice when it is due, or lacks collateral at the end of a day, is served a notice. If it is not
//! followed by the end of the notice's last day, the participant is in default, by the clock and nobody's discretion: it
//! is suspended, its open bids are withdrawn, and all that it owes in the currency is covered by the pots of the waterfall, in
//! their order, each until it is empty. What no pot covers stays owed, and whoever waits for it is paid pro rata.
//!
//! What a defaulter pays later, or is credited with, first pays what is still owed, and then makes good the pots of others that were
//! used, the last one first.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::invoice::Debt;
use super::programme::floor_to_minor;
use super::terms::Pot;
use crate::event::{Event, Events};
use crate::exchange::{Mode, State};
use crate::id::ParticipantId;
use crate::ledger::{Account, Cause};
use crate::num::{Currency, Money, pro_rata};
use crate::participant::Standing;
use crate::time::{Day, Instant};

/// What a notice is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Breach {
    /// An invoice was not paid when it was due.
    Payment,
    /// Collateral is missing.
    Collateral {
        /// What is required.
        required: Money,
        /// What was there.
        held: Money,
    },
}

/// A notice that runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Notice {
    pub(super) breach: Breach,
    /// At whose end it must have been followed.
    pub(super) until: Day,
}

/// What was taken from a pot for a defaulter's debts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PotUse {
    /// The pot.
    pub pot: Pot,
    /// Whose part of it; `None` for the centre's own.
    pub of: Option<ParticipantId>,
    /// How much.
    pub amount: Money,
}

/// A default that is not made good yet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Default {
    /// What others' pots are still to be given back, in the order in which they were used.
    uses: Vec<PotUse>,
}

impl PotUse {
    const fn account(&self) -> Account {
        match self.of {
            Some(participant) => Account::Contribution(participant),
            None => Account::OwnResources,
        }
    }
}

impl State {
    // Rules: R-MON-029.
    pub(super) fn serve(
        &mut self,
        currency: Currency,
        participant: ParticipantId,
        breach: Breach,
        today: Day,
        out: &mut Events,
    ) {
        let Some(terms) = self.treasury.terms.get(&currency) else { return };
        let until = terms.business_days_after(today, terms.notice_days);
        self.treasury.notices.insert((currency, participant), Notice { breach, until });
        self.treasury.days.insert(until);
        out.push(Event::NoticeServed { participant, currency, breach, until });
    }

    /// Whether what a notice asks for was done.
    fn is_followed(&self, currency: Currency, participant: ParticipantId, notice: &Notice) -> bool {
        match notice.breach {
            Breach::Payment => {
                let debts = self.treasury.debts.get(&(currency, participant));
                !debts.into_iter().flatten().any(|debt| debt.is_late)
            }
            Breach::Collateral { .. } => self.is_covered(currency, participant, notice),
        }
    }

    /// Ends a notice that was followed.
    // Rules: R-MON-029.
    pub(super) fn cure(&mut self, currency: Currency, participant: ParticipantId, out: &mut Events) {
        let notice = self.treasury.notices.get(&(currency, participant)).copied();
        if notice.is_some_and(|notice| self.is_followed(currency, participant, &notice)) {
            self.treasury.notices.remove(&(currency, participant));
            out.push(Event::NoticeFollowed { participant, currency });
        }
    }

    /// The end of a day: what is due then, in the order: pools pay out, unpaid invoices are late, collateral is called, notices run out.
    // Rules: R-MON-030, R-MON-031.
    pub(crate) fn end_day(&mut self, day: Day, at: Instant, mode: Mode, out: &mut Events) {
        let due = self.treasury.pools.iter();
        let due = due.filter(|(_, pool)| pool.due.map_or(pool.is_held_up(), |due| due <= day));
        let due: Vec<_> = due.map(|(id, pool)| (*id, pool.currency)).collect();
        for (id, currency) in due {
            if let Some(pool) = self.treasury.pools.get_mut(&id) {
                pool.due = None;
            }
            let mut credited = VecDeque::new();
            self.pay_pool(id, &mut credited, out);
            self.collect(currency, credited, out);
        }
        // After a long time without a tick what is required is looked at once, as it is now, and a notice begins when it can be told.
        let today = Day::of(at).and_then(Day::previous).unwrap_or(day).max(day);
        let told = if mode == Mode::Live { today } else { day };
        let mut late = Vec::new();
        for (&whose, debts) in &mut self.treasury.debts {
            for debt in debts.iter_mut() {
                if debt.is_late || debt.invoice.due.is_none_or(|due| due > day) {
                    continue;
                }
                debt.is_late = true;
                let open = Money { millionths: debt.open, ..debt.invoice.amount };
                out.push(Event::InvoiceLate { number: debt.invoice.number, participant: whose.1, open });
                late.push(whose);
            }
        }
        for (currency, participant) in late {
            if !self.treasury.notices.contains_key(&(currency, participant)) {
                self.serve(currency, participant, Breach::Payment, told, out);
            }
        }
        let required = self.call_collateral(today, out);
        let over: Vec<_> = self.treasury.notices.iter().filter(|(_, notice)| notice.until <= day).collect();
        let over: Vec<_> = over.into_iter().map(|(&whose, &notice)| (whose, notice)).collect();
        for ((currency, participant), notice) in over {
            // The default of another may have paid for it just now.
            if self.treasury.notices.remove(&(currency, participant)).is_none() {
                continue;
            }
            // Who has paid since what it was to cover, or holds a contract no longer, has no more to cover than that.
            let held = i128::from(self.cover_of(currency, participant).millionths);
            let is_covered = matches!(notice.breach, Breach::Collateral { .. })
                && held >= required.get(&(currency, participant)).copied().unwrap_or(0);
            if is_covered || self.is_followed(currency, participant, &notice) {
                out.push(Event::NoticeFollowed { participant, currency });
            } else {
                self.default(currency, participant, out);
            }
        }
        // An invoice may have become late while collateral was called for. Who is in default has had its notice.
        let is_late = |debts: &Vec<Debt>| debts.iter().any(|debt| debt.is_late);
        let late = self.treasury.debts.iter().filter(|(whose, debts)| {
            let is_told =
                self.treasury.notices.contains_key(whose) || self.treasury.defaults.contains_key(whose);
            !is_told && is_late(debts)
        });
        let late: Vec<_> = late.map(|(&whose, _)| whose).collect();
        for (currency, participant) in late {
            self.serve(currency, participant, Breach::Payment, told, out);
        }
        if self.has_exposure(today)
            && let Some(next) = today.next()
        {
            self.treasury.days.insert(next);
        }
    }

    /// A participant is in default: it is stopped, and the waterfall covers what it owes.
    // Rules: R-MON-032, R-MON-035.
    fn default(&mut self, currency: Currency, participant: ParticipantId, out: &mut Events) {
        // The centre's last operators are never stopped.
        if self.registry.check_standing(participant, Standing::Suspended).is_ok() {
            self.registry.set_standing(participant, Standing::Suspended);
        }
        // What is held for its open bids is collateral of its own, and comes before the money of others.
        let mut withdrawn = Events::new();
        self.withdraw_bids(|order| order.participant == participant, &mut withdrawn);
        self.withdraw_entries_of(participant, &mut withdrawn);
        let debts = self.treasury.debts.get(&(currency, participant));
        let owed: i128 = debts.into_iter().flatten().map(|debt| i128::from(debt.open)).sum();
        let owed = Money { currency, millionths: i64::try_from(owed).unwrap_or(i64::MAX) };
        let pots =
            self.treasury.terms.get(&currency).map(|terms| terms.waterfall.clone()).unwrap_or_default();
        let (mut left, mut uses) = (owed, Vec::new());
        for pot in pots {
            for used in self.draw(pot, participant, left) {
                let to = Account::Participant(participant);
                self.ledger.post(
                    Cause::Default(participant),
                    self.pot_account(participant, &used),
                    to,
                    used.amount,
                );
                left = left.checked_sub(used.amount).unwrap_or(left);
                uses.push(used);
            }
        }
        let of_others = uses.iter().filter(|used| used.of != Some(participant)).copied();
        self.treasury.defaults.entry((currency, participant)).or_default().uses.extend(of_others);
        out.push(Event::Defaulted { participant, owed, uncovered: left, uses });
        out.append(&mut withdrawn);
        self.collect(currency, [participant].into(), out);
    }

    fn pot_account(&self, defaulter: ParticipantId, used: &PotUse) -> Account {
        match used.pot {
            Pot::Collateral => Account::Collateral(defaulter),
            Pot::Contribution | Pot::OwnResources | Pot::DefaultFund => used.account(),
        }
    }

    /// What a pot gives for a defaulter's debts, up to `wanted`.
    // Rules: R-MON-033.
    fn draw(&self, pot: Pot, defaulter: ParticipantId, wanted: Money) -> Vec<PotUse> {
        let Money { currency, millionths: wanted } = wanted;
        let there = |account| floor_to_minor(self.ledger.balance(currency, account), currency);
        let used = |of, amount: i64| PotUse { pot, of, amount: Money { currency, millionths: amount } };
        let given = match pot {
            Pot::Collateral => vec![used(Some(defaulter), there(Account::Collateral(defaulter)).min(wanted))],
            Pot::Contribution => {
                vec![used(Some(defaulter), there(Account::Contribution(defaulter)).min(wanted))]
            }
            Pot::OwnResources => vec![used(None, there(Account::OwnResources).min(wanted))],
            Pot::DefaultFund => {
                let contributors = self.ledger.contributors(currency).filter(|id| *id != defaulter);
                let parts: Vec<_> = contributors.map(|id| (id, there(Account::Contribution(id)))).collect();
                let amounts: Vec<i64> = parts.iter().map(|(_, amount)| *amount).collect();
                let shares = pro_rata(wanted, &amounts, currency.minor_unit());
                parts.iter().zip(shares).map(|((id, _), share)| used(Some(*id), share)).collect()
            }
        };
        given.into_iter().filter(|used| used.amount.millionths > 0).collect()
    }

    /// Gives back to the pots of others what a defaulter's balance has left over, the last used first; contributions to the default
    /// fund pro rata, as they were used.
    // Rules: R-MON-036.
    pub(super) fn recover(&mut self, currency: Currency, participant: ParticipantId, out: &mut Events) {
        if !self.treasury.defaults.contains_key(&(currency, participant))
            || self.treasury.debts.contains_key(&(currency, participant))
        {
            return;
        }
        let balance = self.ledger.balance(currency, Account::Participant(participant));
        let mut left = floor_to_minor(balance, currency);
        let mut good = Vec::new();
        if let Some(default) = self.treasury.defaults.get_mut(&(currency, participant)) {
            while let (Some(last), true) = (default.uses.last().map(|used| used.pot), left > 0) {
                let before = default.uses.iter().rposition(|used| used.pot != last);
                let from = before.map_or(0, |place| place.saturating_add(1));
                let mut together = default.uses.split_off(from);
                let amounts: Vec<i64> = together.iter().map(|used| used.amount.millionths).collect();
                for (used, back) in together.iter_mut().zip(pro_rata(left, &amounts, currency.minor_unit())) {
                    left = left.saturating_sub(back);
                    used.amount.millionths = used.amount.millionths.saturating_sub(back);
                    good.push(PotUse { amount: Money { currency, millionths: back }, ..*used });
                }
                together.retain(|used| used.amount.millionths > 0);
                let is_left = !together.is_empty();
                default.uses.append(&mut together);
                if is_left {
                    break;
                }
            }
            if default.uses.is_empty() {
                self.treasury.defaults.remove(&(currency, participant));
            }
        }
        good.retain(|used| used.amount.millionths > 0);
        for used in &good {
            let from = Account::Participant(participant);
            self.ledger.post(Cause::Recovery(participant), from, used.account(), used.amount);
        }
        if !self.treasury.defaults.contains_key(&(currency, participant)) || !good.is_empty() {
            let is_made_good = !self.treasury.defaults.contains_key(&(currency, participant));
            out.push(Event::DefaultMadeGood { participant, currency, returned: good, is_made_good });
        }
    }

    /// Whether a participant is in default, in whatever currency.
    // Rules: R-MON-037.
    pub(crate) fn is_in_default(&self, participant: ParticipantId) -> bool {
        self.treasury.defaults.keys().any(|(_, defaulter)| *defaulter == participant)
    }
}
