//! Support programmes: what their money is, what they must reserve of it, and what they have promised.
//!
//! A programme's money is what its funders paid in less what it spent. Of it is reserved what auctions have pledged and
//! entitlements require, as far as the money goes; the rest is free. What entitlements require is marked anew with every run and can come to
//! exceed the money: then all is reserved, nothing is free, and nothing new is promised.
//!
//! What a run owes becomes a claim first, and claims are paid at once as far as there is free money, or money reserved for that
//! run's period. A *guaranteed* programme pays all the same, and what it lacks its guarantor owes; a *capped* one pays the oldest
//! claims first, those of one day pro rata, and carries the rest until money comes.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::claims::{Claim, Claims};
use crate::event::{Event, Events};
use crate::exchange::State;
use crate::id::{ParticipantId, ProgrammeId};
use crate::ledger::{Account, Cause, check_payable};
use crate::num::{Currency, Money};
use crate::reject::Reject;
use crate::text::Name;
use crate::time::Day;

/// What a programme is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgrammeTerms {
    /// Its name, for people.
    pub name: Name,
    /// What it is funded in and pays in.
    pub currency: Currency,
    /// What happens when it is short of money.
    pub backing: Backing,
}

/// What happens when a programme is short of money.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Backing {
    /// All are still paid, and the guarantor owes what is missing.
    Guaranteed {
        /// The guarantor.
        by: Name,
    },
    /// It never pays more than it has: claims wait.
    Capped,
}

/// How much of what a programme was funded with is spent, reserved or claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Level {
    /// Less than 80 %.
    Normal,
    /// 80 % or more.
    High,
    /// All of it: nothing new is granted or announced.
    Full,
}

/// A programme, as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Programme {
    pub(crate) terms: ProgrammeTerms,
    /// What each funder has paid in, in millionths.
    funders: BTreeMap<Name, i64>,
    /// What auctions have reserved, in millionths: money that nothing else is paid from.
    pledged: i64,
    /// What is to be reserved in all, in millionths: what is pledged, and what entitlements require.
    required: i128,
    /// What was promised and not paid yet.
    claims: Claims,
    pub(crate) level: Level,
}

impl Programme {
    pub(crate) const fn new(terms: ProgrammeTerms) -> Self {
        Self {
            terms,
            funders: BTreeMap::new(),
            pledged: 0,
            required: 0,
            claims: Claims(BTreeMap::new()),
            level: Level::Normal,
        }
    }

    pub(crate) const fn currency(&self) -> Currency {
        self.terms.currency
    }

    /// Who has paid in how much.
    pub(crate) fn funding(&self) -> impl Iterator<Item = (&Name, Money)> {
        let currency = self.currency();
        self.funders.iter().map(move |(funder, &millionths)| (funder, Money { currency, millionths }))
    }

    pub(crate) const fn claims(&self) -> &Claims {
        &self.claims
    }

    pub(crate) const fn required(&self) -> i128 {
        self.required
    }

    pub(crate) const fn pledged(&self) -> i64 {
        self.pledged
    }
}

/// What of an amount in millionths is whole minor units.
pub(crate) fn floor_to_minor(millionths: i128, currency: Currency) -> i64 {
    let millionths = i64::try_from(millionths.max(0)).unwrap_or(i64::MAX);
    millionths.saturating_sub(millionths.checked_rem(currency.minor_unit()).unwrap_or(0))
}

impl State {
    pub(crate) fn check_fund(&self, id: ProgrammeId, amount: Money) -> Result<(), Reject> {
        let currency = self.programme(id)?.currency();
        check_payable(amount, currency)?;
        // All that a programme was ever funded with fits in a Money, and so does any part of it.
        let funded = self.ledger.balance(currency, Account::Funders(id)).checked_neg();
        let funded = funded.and_then(|funded| funded.checked_add(i128::from(amount.millionths)));
        match funded.map(i64::try_from) {
            Some(Ok(_)) => Ok(()),
            _ => Err(Reject::AmountTooLarge),
        }
    }

    /// Pays money into a programme; it first makes good what its guarantor owes, and then what is claimed.
    // Rules: R-MON-012, R-MON-013.
    pub(crate) fn fund(&mut self, id: ProgrammeId, funder: Name, amount: Money, out: &mut Events) {
        let Some(programme) = self.programmes.get_mut(&id) else { return };
        let paid = programme.funders.entry(funder).or_insert(0);
        *paid = paid.saturating_add(amount.millionths);
        let (cause, free) = (Cause::Funding(id), Account::ProgrammeFree(id));
        self.ledger.post(cause, Account::Funders(id), free, amount);
        let owed = self.ledger.balance(amount.currency, Account::Shortfall(id)).saturating_neg();
        let good =
            Money { millionths: i64::try_from(owed).unwrap_or(i64::MAX).min(amount.millionths), ..amount };
        self.ledger.post(cause, free, Account::Shortfall(id), good);
        self.mark(id);
        self.pay_promised(id, 0, out);
    }

    /// Refuses what a programme's free money cannot cover, saying how much is missing.
    // Rules: R-MON-008, R-MON-014.
    pub(crate) fn check_free(&self, id: ProgrammeId, needed: Money) -> Result<(), Reject> {
        let level = self.programme(id)?.level;
        let free = self.ledger.positive(needed.currency, Account::ProgrammeFree(id));
        let short = needed.checked_sub(free).ok_or(Reject::AmountTooLarge)?;
        match level {
            _ if short.millionths > 0 => Err(Reject::ProgrammeShort { short }),
            Level::Full => Err(Reject::ProgrammeFull),
            Level::Normal | Level::High => Ok(()),
        }
    }

    /// Reserves for an auction: what nothing else is paid from.
    pub(crate) fn pledge(&mut self, id: ProgrammeId, amount: Money) {
        if let Some(programme) = self.programmes.get_mut(&id) {
            programme.pledged = programme.pledged.saturating_add(amount.millionths);
        }
        self.reserve(id, amount);
    }

    /// An auction needs its reservation no longer.
    pub(crate) fn unpledge(&mut self, id: ProgrammeId, amount: Money) {
        if let Some(programme) = self.programmes.get_mut(&id) {
            programme.pledged = programme.pledged.saturating_sub(amount.millionths);
        }
        self.release(id, amount);
    }

    /// More is to be reserved.
    pub(crate) fn reserve(&mut self, id: ProgrammeId, amount: Money) {
        self.require(id, amount.millionths.into());
    }

    /// Less is to be reserved.
    pub(crate) fn release(&mut self, id: ProgrammeId, amount: Money) {
        self.require(id, i128::from(amount.millionths).saturating_neg());
    }

    fn require(&mut self, id: ProgrammeId, more: i128) {
        if let Some(programme) = self.programmes.get_mut(&id) {
            programme.required = programme.required.saturating_add(more);
            assert!(programme.required >= 0, "no more is released than was reserved");
        }
        self.mark(id);
    }

    /// Free and reserved money of a programme, in millionths.
    fn money_of(&self, id: ProgrammeId, currency: Currency) -> [i128; 2] {
        [Account::ProgrammeFree(id), Account::ProgrammeReserved(id)]
            .map(|account| self.ledger.balance(currency, account))
    }

    /// Reserves what is required, as far as the money goes.
    // Rules: R-MON-008.
    fn mark(&mut self, id: ProgrammeId) {
        let Some(programme) = self.programmes.get(&id) else { return };
        let (currency, required) = (programme.currency(), programme.required);
        let [free, reserved] = self.money_of(id, currency);
        let wanted = required.min(free.saturating_add(reserved));
        let more = i64::try_from(wanted.saturating_sub(reserved));
        assert!(more.is_ok(), "a programme's money fits in a Money");
        let more = Money { currency, millionths: more.unwrap_or(0) };
        let (free, reserved) = (Account::ProgrammeFree(id), Account::ProgrammeReserved(id));
        self.ledger.post(Cause::Reservation(id), free, reserved, more);
    }

    /// Moves a programme's money to where it is spent: what is free, and then what is reserved.
    pub(crate) fn spend(&mut self, id: ProgrammeId, cause: Cause, to: Account, amount: Money) {
        let [free, reserved] = self.money_of(id, amount.currency);
        let wanted = i128::from(amount.millionths);
        assert!(wanted <= free.saturating_add(reserved), "a programme spends no more than it has");
        let free = i64::try_from(free.max(0)).unwrap_or(i64::MAX).min(amount.millionths);
        let rest = amount.millionths.saturating_sub(free);
        self.ledger.post(cause, Account::ProgrammeFree(id), to, Money { millionths: free, ..amount });
        self.ledger.post(cause, Account::ProgrammeReserved(id), to, Money { millionths: rest, ..amount });
        self.mark(id);
    }

    /// Adds to what a programme has promised.
    // Rules: R-MON-010.
    pub(crate) fn promise(
        &mut self,
        id: ProgrammeId,
        since: Day,
        to: ParticipantId,
        amount: Money,
        cause: Cause,
    ) {
        if let Some(programme) = self.programmes.get_mut(&id) {
            programme.claims.add(since, to, amount);
            self.ledger.post(cause, Account::Promised(id), Account::Claims(to), amount);
        }
    }

    /// Takes up to `amount` off what a programme has promised to somebody who owes it as much; returns what is left of it.
    // Rules: R-MON-015.
    pub(crate) fn set_off_promised(
        &mut self,
        id: ProgrammeId,
        of: ParticipantId,
        amount: Money,
        cause: Cause,
    ) -> Money {
        let Some(programme) = self.programmes.get_mut(&id) else { return amount };
        let taken = programme.claims.set_off(of, amount);
        self.ledger.post(cause, Account::Claims(of), Account::Promised(id), taken);
        amount.checked_sub(taken).unwrap_or(amount)
    }

    /// Pays what a programme has promised, from its free money or from what was reserved for the period that is being settled.
    // Rules: R-MON-010.
    pub(crate) fn pay_promised(&mut self, id: ProgrammeId, earmarked: i128, out: &mut Events) {
        let mut credited = VecDeque::new();
        let Some(currency) = self.programmes.get(&id).map(Programme::currency) else { return };
        self.pay_claims(id, earmarked, &mut credited, out);
        self.collect(currency, credited, out);
    }

    /// The same; whoever is paid is added to `credited`.
    // Rules: R-MON-009, R-MON-012.
    pub(super) fn pay_claims(
        &mut self,
        id: ProgrammeId,
        earmarked: i128,
        credited: &mut VecDeque<ParticipantId>,
        out: &mut Events,
    ) {
        let Some(programme) = self.programmes.get(&id) else { return };
        if programme.claims.is_empty() {
            return;
        }
        let (currency, claimed) = (programme.currency(), programme.claims.total());
        let [free, reserved] = self.money_of(id, currency);
        // What auctions have pledged is for nothing else.
        let unpledged = free.saturating_add(reserved).saturating_sub(programme.pledged.into());
        let available = floor_to_minor(free.max(earmarked.min(unpledged)).min(claimed), currency);
        let is_guaranteed = matches!(programme.terms.backing, Backing::Guaranteed { .. });
        let cause = Cause::Programme(id);
        let spent = Account::ProgrammeSpent(id);
        let own = Money { currency, millionths: available };
        self.spend(id, cause, spent, own);
        let mut pays = own;
        if is_guaranteed {
            let missing = i64::try_from(claimed.saturating_sub(available.into())).unwrap_or(0);
            self.ledger.post(cause, Account::Shortfall(id), spent, Money { currency, millionths: missing });
            pays.millionths = available.saturating_add(missing);
        }
        let Some(programme) = self.programmes.get_mut(&id) else { return };
        let payments = programme.claims.pay(pays);
        let carried: Vec<Claim> = programme.claims.list(currency).collect();
        for &(participant, amount) in &payments {
            self.ledger.post(cause, Account::Claims(participant), Account::Participant(participant), amount);
            credited.push_back(participant);
        }
        out.push(Event::ClaimsPaid {
            programme: id,
            paid: pays,
            short: self.short_of(id, currency),
            carried,
        });
    }

    /// Pays the claims that wait from what a command has freed.
    // Rules: R-MON-013.
    pub(crate) fn pay_freed(&mut self, out: &mut Events) {
        for id in self.ledger.touched_programmes() {
            let Some(programme) = self.programmes.get(&id) else { continue };
            let currency = programme.currency();
            let free = self.ledger.balance(currency, Account::ProgrammeFree(id));
            if !programme.claims.is_empty() && floor_to_minor(free, currency) > 0 {
                self.pay_promised(id, 0, out);
            }
        }
    }

    /// What a programme has promised beyond what it could pay itself: what its guarantor owes, or what is claimed.
    fn short_of(&self, id: ProgrammeId, currency: Currency) -> Money {
        let claimed = self.programmes.get(&id).map_or(0, |programme| programme.claims.total());
        let owed = self.ledger.balance(currency, Account::Shortfall(id)).saturating_neg();
        let millionths = i64::try_from(claimed.saturating_add(owed)).unwrap_or(i64::MAX);
        Money { currency, millionths }
    }

    /// A programme is paid what it is owed: up to `take_back` of it was its own money before, the rest is proceeds. The
    /// caller pays what is claimed.
    // Rules: R-MON-012, R-MON-016.
    pub(super) fn programme_received(&mut self, id: ProgrammeId, amount: Money, take_back: &mut i64) {
        let cause = Cause::Programme(id);
        let spent = self.ledger.positive(amount.currency, Account::ProgrammeSpent(id));
        let back = (*take_back).min(amount.millionths).min(spent.millionths);
        *take_back = take_back.saturating_sub(back);
        let back = Money { millionths: back, ..amount };
        let rest = amount.checked_sub(back).unwrap_or(Money::zero(amount.currency));
        self.ledger.post(cause, Account::Receivable(id), Account::Promised(id), back);
        self.ledger.post(cause, Account::ProgrammeSpent(id), Account::ProgrammeFree(id), back);
        self.ledger.post(cause, Account::Receivable(id), Account::Proceeds(id), rest);
        // What comes back to a programme whose guarantor stepped in is the guarantor's.
        let owed = self.ledger.balance(amount.currency, Account::Shortfall(id)).saturating_neg();
        let good = Money { millionths: i64::try_from(owed).unwrap_or(0).min(back.millionths), ..amount };
        self.ledger.post(cause, Account::ProgrammeFree(id), Account::Shortfall(id), good);
        self.mark(id);
    }

    /// What of some claim a programme pays out of proceeds that were the same holder's before.
    pub(crate) fn pay_from_proceeds(
        &mut self,
        id: ProgrammeId,
        to: ParticipantId,
        most: Money,
        cause: Cause,
    ) -> Money {
        let proceeds = self.ledger.balance(most.currency, Account::Proceeds(id));
        let millionths = floor_to_minor(proceeds, most.currency).min(most.millionths);
        let paid = Money { millionths, ..most };
        self.ledger.post(cause, Account::Proceeds(id), Account::Participant(to), paid);
        paid
    }

    /// Tells which programmes have come to another level, of those that the command has touched.
    // Rules: R-MON-014.
    pub(crate) fn tell_levels(&mut self, out: &mut Events) {
        for id in self.ledger.touched_programmes() {
            let Some(programme) = self.programmes.get(&id) else { continue };
            let currency = programme.currency();
            let [spent, stock, funders] =
                [Account::ProgrammeSpent(id), Account::Stock(id), Account::Funders(id)]
                    .map(|account| self.ledger.balance(currency, account));
            let used = [programme.required, programme.claims.total(), spent, stock].into_iter().sum::<i128>();
            let funded = funders.saturating_neg();
            let level = if used > 0 && used >= funded {
                Level::Full
            } else if used.saturating_mul(5) >= funded.saturating_mul(4) && used > 0 {
                Level::High
            } else {
                Level::Normal
            };
            if level == programme.level {
                continue;
            }
            if let Some(programme) = self.programmes.get_mut(&id) {
                programme.level = level;
            }
            let money = |millionths: i128| Money {
                currency,
                millionths: i64::try_from(millionths).unwrap_or(i64::MAX),
            };
            let (used, funded) = (money(used), money(funded));
            out.push(Event::ProgrammeLevel { programme: id, level, used, funded });
        }
    }

    /// Whether a programme has what it was funded with and what its guarantor owes, less what it spent, and reserves of it what
    /// is required.
    pub(crate) fn is_programme_sound(&self, id: ProgrammeId, programme: &Programme) -> bool {
        let balance = |account| self.ledger.balance(programme.currency(), account);
        let [free, reserved, spent, stock] = [
            Account::ProgrammeFree(id),
            Account::ProgrammeReserved(id),
            Account::ProgrammeSpent(id),
            Account::Stock(id),
        ]
        .map(balance);
        let funded = balance(Account::Funders(id)).saturating_neg();
        let shortfall = balance(Account::Shortfall(id)).saturating_neg();
        let has = free.saturating_add(reserved);
        let came = funded.saturating_add(shortfall);
        let went = has.saturating_add(spent).saturating_add(stock);
        let paid_in: i128 = programme.funders.values().map(|amount| i128::from(*amount)).sum();
        [free, reserved, spent, stock, shortfall].iter().all(|balance| *balance >= 0)
            && i64::try_from(funded).is_ok()
            && i64::try_from(came).is_ok()
            && paid_in == funded
            && came == went
            && programme.pledged >= 0
            && i128::from(programme.pledged) <= programme.required.min(has)
            && reserved == programme.required.min(has)
            && programme.claims.is_sound(programme.currency())
    }
}
