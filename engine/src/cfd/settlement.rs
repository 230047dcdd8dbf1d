//! Settlement runs: each period of a floor is settled on the data of a version.
//!
//! Runs are numbered from 1 for each floor and period, and append-only. The first run of a period is made in the order of the
//! periods; a later one reconciles after a revised price or delivery. Each posts the difference to the one before, with
//! interest where the terms say so, so that a run repeated posts nothing. What a line is worth is in `payoff.rs`. Where a
//! contract has annual caps, a settlement goes through the calendar year from its start, and makes a run of each period that has changed.
//!
//! What a run adds up to for each holder is one amount. Positive, it is a claim on the programme, which pays at once what it
//! can ([`crate::money`]); negative, it is first set off against what the programme has promised to that holder and not paid, and the rest is
//! invoiced. What holders pay is the programme's own money again as far as it is a correction of what they were paid, and else its
//! proceeds. The remainder of each line is posted to the account `rounding`. After each run what the programme must reserve for the
//! periods that are left is marked anew, at the strikes in force.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::payoff::{PayoffRule, PeriodFacts, Settled, Unsettled, YearToDate};
use super::terms::{Averaging, ContractTerms, Measure};
use super::{Deliveries, Entitlement, check_over};
use crate::event::{Event, Events};
use crate::exchange::{Exchange, State};
use crate::id::{DataVersion, EntitlementId, FloorId, IndexId, ParticipantId, ProgrammeId};
use crate::ledger::{Account, Cause};
use crate::market::Floor;
use crate::money::Creditor;
use crate::num::{MILLIONTHS, Money, Price, Quantity, Rounded, Share};
use crate::reject::Reject;
use crate::time::{Day, Instant, Period};

/// A settlement run of one period of a floor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettlementRun {
    /// The floor.
    pub floor: FloorId,
    /// The period.
    pub period: Period,
    /// 1 for the first run of this period, then 2, 3, …
    pub number: u32,
    /// The data that it was run on: all up to this version.
    pub version: DataVersion,
    /// The day on which it was made and posted.
    pub day: Day,
    /// The index that the reference price was made of: the floor's own or its fallback. The floor's own where each line has a
    /// price of its own, which may be made of the fallback.
    pub index: IndexId,
    /// The reference price before any minimum; `None` where each line has its own, or nothing was published and nothing
    /// delivered.
    pub reference_price: Option<Price>,
    /// A line for each entitlement that covers the period, in order of entitlement.
    pub lines: Vec<SettlementLine>,
    /// What this run posted over all lines, with interest; negative where holders owe more than they are owed.
    pub posted: Money,
    /// The programme's free money after the run, and after those that were made with it.
    pub free: Money,
    /// What the programme reserves after the run.
    pub reserved: Money,
}

impl SettlementRun {
    /// The run as somebody may see it who sees these lines alone.
    pub(crate) const fn with_lines(&self, lines: Vec<SettlementLine>) -> Self {
        let &Self {
            floor,
            period,
            number,
            version,
            day,
            index,
            reference_price,
            lines: _,
            posted,
            free,
            reserved,
        } = self;
        Self { floor, period, number, version, day, index, reference_price, lines, posted, free, reserved }
    }
}

/// What one entitlement is worth in one period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettlementLine {
    /// The entitlement.
    pub entitlement: EntitlementId,
    /// Who is paid, or pays.
    pub holder: ParticipantId,
    /// The strike in force.
    pub strike: Price,
    /// The reference price before any minimum; of a contract on a deal, no less than the deal's price. `None` where nothing was
    /// published and nothing counts.
    pub reference_price: Option<Price>,
    /// The volume of the period that meets the contract's conditions.
    pub delivered: Quantity,
    /// What of it was paid for, within the caps of period and year.
    pub quantity: Quantity,
    /// Which part of the payoff it is.
    pub rule: PayoffRule,
    /// What the period is worth after this run; negative where the holder pays.
    pub amount: Money,
    /// Exact amount minus `amount`.
    pub remainder: Money,
    /// `amount` minus the amount of the run before.
    pub delta: Money,
    /// Interest on `delta` since the period's first run.
    pub interest: Money,
}

impl SettlementLine {
    /// What a run posted to the holder: the difference and its interest.
    pub fn posted(&self) -> Option<Money> {
        self.delta.checked_add(self.interest)
    }

    /// Whether data made it what another line of the same period is, whoever is paid and whatever was paid before.
    pub fn is_as(&self, other: &Self) -> bool {
        let made = |line: &Self| {
            let Self { strike, reference_price, delivered, quantity, rule, amount, remainder, .. } = *line;
            (strike, reference_price, delivered, quantity, rule, amount, remainder)
        };
        made(self) == made(other)
    }
}

/// Runs that were found possible, with what they will do to accounts and reservations.
pub(crate) struct Settlement {
    programme: ProgrammeId,
    /// The run that was asked for, and those of the year that it changes; in the order of their periods.
    runs: Vec<SettlementRun>,
    /// What the entitlements require from now on.
    reservations: Vec<(EntitlementId, Money)>,
    /// What that is less than before; negative where it is more.
    released: Money,
    /// What was reserved for the period that is settled for the first time.
    earmarked: Money,
    /// What each holder is posted.
    postings: BTreeMap<ParticipantId, Postings>,
    /// To the account `rounding`.
    rounding: Money,
}

/// What a holder is posted, summed over all its lines of some runs.
#[derive(Clone, Copy)]
struct Postings {
    /// What is paid or owed in all, in minor units.
    net: Money,
    /// What of it the programme pays from its money, exactly; negative where it takes back.
    charge: Money,
    /// What of it are the programme's proceeds, exactly; negative where it gives them back.
    proceeds: Money,
}

/// A period with what all its lines have in common.
struct Basis {
    period: Period,
    index: IndexId,
    reference_price: Option<Price>,
    /// The value that strikes follow, where they do.
    index_value: Option<Price>,
}

impl State {
    /// Computes a run, or says why it cannot be made.
    // Rules: R-CFD-028, R-CFD-029, R-MON-007.
    pub(crate) fn prepare_settlement(
        &self,
        at: Instant,
        floor_id: FloorId,
        day: Day,
        version: DataVersion,
    ) -> Result<Settlement, Reject> {
        let floor = self.floor(floor_id)?;
        let asked = self.check_period(floor, day)?;
        check_over(asked.last, at)?;
        self.check_version(version)?;
        if version < floor.version {
            return Err(Reject::OlderVersion { settled: floor.version });
        }
        let today = Day::of(at).ok_or(Reject::AmountTooLarge)?;
        let is_first = asked.first == floor.next;
        // A capped year is settled whole, as far as it has been: what changes early in it moves what comes later.
        let mut last = asked.last;
        if floor.terms.contract.payoff.has_annual_caps() {
            let year_ends = Day::new(asked.first.year(), 12, 31).unwrap_or(asked.last);
            last = floor.next.previous().map_or(asked.last, |settled| settled.min(year_ends).max(asked.last));
        }
        let worked = self.work_out(floor_id, floor, asked, last, version)?;

        let terms = &floor.terms;
        let currency = self.market(terms.market)?.currency;
        let zero = Money::zero(currency);
        let mut settlement = Settlement {
            programme: terms.programme,
            runs: Vec::new(),
            reservations: Vec::new(),
            released: zero,
            earmarked: zero,
            postings: BTreeMap::new(),
            rounding: zero,
        };
        let index_value =
            worked.iter().find(|(basis, _)| basis.period == asked).and_then(|(basis, _)| basis.index_value);
        for (basis, lines) in worked {
            let run = settlement.run(self, floor_id, basis, version, today, lines)?;
            settlement.runs.push(run);
        }
        let from = if is_first { asked.last.next().ok_or(Reject::AmountTooLarge)? } else { floor.next };
        for (&id, entitlement) in self.under(floor_id) {
            let too_large = Reject::AmountTooLarge;
            let strike = strike_of(&terms.contract, entitlement, index_value.filter(|_| is_first));
            let strike = strike.ok_or(too_large)?;
            if is_first {
                let of_period = self.reservation_through(
                    entitlement,
                    strike,
                    asked.first,
                    asked.last.min(entitlement.last),
                );
                let earmarked = settlement.earmarked.checked_add(of_period.ok_or(too_large)?);
                settlement.earmarked = earmarked.ok_or(too_large)?;
            } else if terms.contract.indexation.is_some() {
                // A correction of an earlier period says nothing of the strikes of later ones.
                continue;
            }
            let reserved =
                self.reservation_through(entitlement, strike, from, entitlement.last).ok_or(too_large)?;
            let less = entitlement.reserved.checked_sub(reserved).ok_or(too_large)?;
            settlement.released = settlement.released.checked_add(less).ok_or(too_large)?;
            settlement.reservations.push((id, reserved));
        }
        self.check_promise(&settlement)?;
        Ok(settlement)
    }

    /// Refuses runs that would promise or charge more than can be held.
    fn check_promise(&self, settlement: &Settlement) -> Result<(), Reject> {
        let currency = settlement.released.currency;
        let programme = self.programme(settlement.programme)?;
        let [spent, shortfall] =
            [Account::ProgrammeSpent(settlement.programme), Account::Shortfall(settlement.programme)]
                .map(|account| self.ledger.balance(currency, account).saturating_abs());
        let mut promised = [programme.claims().total(), spent, shortfall].into_iter().sum::<i128>();
        for (holder, postings) in &settlement.postings {
            promised = promised.saturating_add(postings.net.millionths.max(0).into());
            // What somebody owes fits in a Money with what it owes already.
            let owes = self.ledger.balance(currency, Account::Participant(*holder)).saturating_abs();
            if i64::try_from(owes.saturating_add(postings.net.millionths.unsigned_abs().into())).is_err() {
                return Err(Reject::AmountTooLarge);
            }
        }
        if i64::try_from(promised).is_ok() { Ok(()) } else { Err(Reject::AmountTooLarge) }
    }

    /// The period of a floor that a day lies in: the next to be settled, or one before it.
    // Rules: R-CFD-028.
    fn check_period(&self, floor: &Floor, day: Day) -> Result<Period, Reject> {
        let (first, last) = (floor.terms.first.first_day(), floor.terms.last.last_day());
        if day < first || day > last {
            return Err(Reject::PeriodNotCovered { first, last });
        }
        let period = floor.terms.contract.calendar.period(day);
        if period.first > floor.next {
            Err(Reject::PeriodOutOfOrder { next: floor.next })
        } else {
            Ok(period)
        }
    }

    // Rules: R-CFD-029.
    fn check_version(&self, version: DataVersion) -> Result<(), Reject> {
        if version > self.data { Err(Reject::UnknownVersion { latest: self.data }) } else { Ok(()) }
    }

    fn under(&self, floor: FloorId) -> impl Iterator<Item = (&EntitlementId, &Entitlement)> {
        self.entitlements.iter().filter(move |(_, entitlement)| entitlement.floor == floor)
    }

    /// What the lines of a period are worth on the data of a version, and those of other periods through `last` that have changed
    /// since they were settled. Where a year has caps, it is worked out from its start, since its periods use the caps up.
    // Rules: R-CFD-031.
    fn work_out(
        &self,
        floor_id: FloorId,
        floor: &Floor,
        asked: Period,
        last: Day,
        version: DataVersion,
    ) -> Result<Vec<(Basis, Vec<SettlementLine>)>, Reject> {
        let contract = &*floor.terms.contract;
        let mut period = asked;
        if contract.payoff.has_annual_caps() {
            let year_begins = Day::new(asked.first.year(), 1, 1).unwrap_or(asked.first);
            period = contract.calendar.period(year_begins.max(floor.terms.first.first_day()));
        }
        let mut worked = Vec::new();
        loop {
            let basis = self.basis(floor, period, version)?;
            worked.push((basis, Vec::new()));
            match contract.calendar.after(period) {
                Some(next) if next.first <= last => period = next,
                _ => break,
            }
        }
        // Once to see which periods have changed, and once more to keep their lines: those of a whole year would take too
        // much memory.
        let mut is_kept: Vec<bool> = worked.iter().map(|(basis, _)| basis.period == asked).collect();
        if worked.len() > 1 {
            let before: Vec<_> = worked
                .iter()
                .map(|(basis, _)| self.runs.get(&(floor_id, basis.period.first))?.last())
                .collect();
            self.each_line(floor_id, floor, version, &mut worked, |place, line, _| {
                let then = before
                    .get(place)
                    .copied()
                    .flatten()
                    .and_then(|run| line_before(Some(run), line.entitlement));
                if let (Some(kept), false) =
                    (is_kept.get_mut(place), then.is_some_and(|then| line.is_as(then)))
                {
                    *kept = true;
                }
            })?;
        }
        self.each_line(floor_id, floor, version, &mut worked, |place, line, lines| {
            if is_kept.get(place) == Some(&true) {
                lines.push(line);
            }
        })?;
        let kept = worked.into_iter().zip(is_kept).filter(|(_, is_kept)| *is_kept);
        Ok(kept.map(|(worked, _)| worked).collect())
    }

    /// Works out the lines of some periods that follow each other, entitlement after entitlement.
    fn each_line(
        &self,
        floor_id: FloorId,
        floor: &Floor,
        version: DataVersion,
        periods: &mut [(Basis, Vec<SettlementLine>)],
        mut seen: impl FnMut(usize, SettlementLine, &mut Vec<SettlementLine>),
    ) -> Result<(), Reject> {
        let nothing = Deliveries::default();
        for (&id, entitlement) in self.under(floor_id) {
            let deliveries = self.deliveries.get(&id).unwrap_or(&nothing);
            let mut year = YearToDate::default();
            for (place, (basis, lines)) in periods.iter_mut().enumerate() {
                let period = basis.period;
                if period.first >= entitlement.first && period.last <= entitlement.last {
                    let work = Work { state: self, floor, entitlement, deliveries, basis, version };
                    seen(place, work.line(id, &mut year)?, lines);
                }
            }
        }
        Ok(())
    }

    /// What all lines of a period have in common.
    fn basis(&self, floor: &Floor, period: Period, version: DataVersion) -> Result<Basis, Reject> {
        let contract = &*floor.terms.contract;
        let index_value = match &contract.indexation {
            None => None,
            Some(indexation) => {
                let month = indexation.value_month(period.first).ok_or(Reject::AmountTooLarge)?;
                let value = self.index(indexation.index)?.value_of(month, version);
                let missing = Reject::NoReferencePrice { index: indexation.index, from: month.first_day() };
                Some(value.ok_or(missing)?)
            }
        };
        let mut basis = Basis { period, index: floor.terms.index, reference_price: None, index_value };
        if contract.reference.averaging != Averaging::DeliveryWeighted
            && let Some((index, price)) = self.reference_price(floor, period, version, &[])?
        {
            (basis.index, basis.reference_price) = (index, Some(price));
        }
        Ok(basis)
    }

    /// Refuses a new contract on an index that had fewer prices in the last whole period than its terms need, as had its fallback.
    // Rules: R-CFD-042.
    pub(crate) fn check_index_kept(&self, at: Instant, floor: FloorId) -> Result<(), Reject> {
        let floor = self.floor(floor)?;
        let calendar = floor.terms.contract.calendar;
        let thin = Reject::IndexThin { index: floor.terms.index };
        let before = Day::of(at).and_then(|today| calendar.period(today).first.previous()).ok_or(thin)?;
        let rule = &floor.terms.contract.reference;
        let is_kept = [floor.terms.index].into_iter().chain(rule.fallback).any(|index| {
            let simple = Averaging::Simple;
            let average = self
                .index(index)
                .ok()
                .and_then(|index| index.average(calendar.period(before), self.data, simple, &[]));
            average.is_some_and(|(observations, _)| observations >= rule.least_observations.max(1))
        });
        if is_kept { Ok(()) } else { Err(thin) }
    }

    /// The average of the floor's index, or of its fallback where that has too few prices; `None` where both have.
    // Rules: R-CFD-011.
    fn reference_price(
        &self,
        floor: &Floor,
        period: Period,
        version: DataVersion,
        delivered: &[(Day, Quantity)],
    ) -> Result<Option<(IndexId, Price)>, Reject> {
        let rule = &floor.terms.contract.reference;
        for index in [floor.terms.index].into_iter().chain(rule.fallback) {
            let average = self.index(index)?.average(period, version, rule.averaging, delivered);
            let (observations, average) = average.ok_or(Reject::AmountTooLarge)?;
            if observations >= rule.least_observations.max(1) {
                return Ok(average.price().map(|price| (index, price)));
            }
        }
        Ok(None)
    }

    /// Posts prepared runs and keeps them.
    // Rules: R-CFD-033.
    pub(crate) fn settle(&mut self, at: Instant, settlement: Settlement, out: &mut Events) {
        let Settlement { programme, mut runs, reservations, released, earmarked, postings, rounding } =
            settlement;
        let (Some(run), Some(today)) = (runs.first(), Day::of(at)) else {
            return;
        };
        let (cause, currency) = (Cause::Settlement(run.floor), rounding.currency);
        self.ledger.post(cause, Account::Promised(programme), Account::Rounding, rounding);
        for (id, reserved) in reservations {
            if let Some(entitlement) = self.entitlements.get_mut(&id) {
                entitlement.reserved = reserved;
            }
        }
        self.release(programme, released);
        // Looked up once: a run can issue a million invoices, and terms name a thousand holidays.
        let dates = (today, self.due_of(currency, today));
        let mut credited = VecDeque::new();
        for (&holder, Postings { net, charge, proceeds }) in &postings {
            let whole = |exact: i64| {
                let rounded = Rounded::of(exact.into(), 1, currency);
                rounded.map_or(0, |rounded| rounded.amount.millionths)
            };
            if net.millionths > 0 {
                // What was proceeds comes out of them again.
                let back = whole(proceeds.millionths.saturating_neg()).clamp(0, net.millionths);
                let most = Money { currency, millionths: back };
                let back = self.pay_from_proceeds(programme, holder, most, cause);
                let claim = net.checked_sub(back).unwrap_or(*net);
                self.promise(programme, today, holder, claim, cause);
                credited.push_back(holder);
            } else if net.millionths < 0 {
                let owed = Money { currency, millionths: net.millionths.saturating_neg() };
                let left = self.set_off_promised(programme, holder, owed, cause);
                let take_back = whole(charge.millionths.saturating_neg());
                let was_promised = owed.millionths.saturating_sub(left.millionths);
                let take_back = take_back.saturating_sub(was_promised).clamp(0, left.millionths);
                if left.millionths > 0 {
                    self.ledger.post(
                        cause,
                        Account::Participant(holder),
                        Account::Receivable(programme),
                        left,
                    );
                    self.charge(holder, Creditor::Programme(programme), left, take_back, dates, out);
                    credited.push_back(holder);
                }
            }
        }
        self.pay_promised(programme, earmarked.millionths.into(), out);
        self.collect(currency, credited, out);
        for run in &mut runs {
            run.free = self.ledger.positive(currency, Account::ProgrammeFree(programme));
            run.reserved = self.ledger.positive(currency, Account::ProgrammeReserved(programme));
        }
        for run in runs {
            if let Some(floor) = self.floors.get_mut(&run.floor) {
                floor.version = run.version;
                if floor.next == run.period.first {
                    let next = run.period.last.next();
                    assert!(next.is_some(), "the period was checked to be over, so another day follows");
                    floor.next = next.unwrap_or(floor.next);
                }
            }
            self.runs.entry((run.floor, run.period.first)).or_default().push(run.clone());
            out.push(Event::SettlementRunCompleted { run });
        }
    }
}

/// The strike of an entitlement with an index's value, where its contract follows one. `None` where it does not fit.
fn strike_of(contract: &ContractTerms, entitlement: &Entitlement, value: Option<Price>) -> Option<Price> {
    match (&contract.indexation, value) {
        (Some(indexation), Some(value)) => indexation.strike(entitlement.strike, value),
        _ => Some(entitlement.strike),
    }
}

/// What a line is worked out of.
struct Work<'a> {
    state: &'a State,
    floor: &'a Floor,
    entitlement: &'a Entitlement,
    deliveries: &'a Deliveries,
    basis: &'a Basis,
    version: DataVersion,
}

impl Work<'_> {
    /// The line, as a first run would have it.
    // Rules: R-CFD-009, R-CFD-018.
    fn line(&self, id: EntitlementId, year: &mut YearToDate) -> Result<SettlementLine, Reject> {
        let &Self { state, floor, entitlement, basis, version, .. } = self;
        let contract: &ContractTerms = &floor.terms.contract;
        let currency = state.market(floor.terms.market)?.currency;
        let (index, reference_price) = match basis.reference_price {
            Some(price) => (basis.index, Some(price)),
            None if contract.reference.averaging == Averaging::DeliveryWeighted => {
                let delivered: Vec<_> =
                    self.deliveries.by_day(basis.period, version, &contract.volume).collect();
                let found = state.reference_price(floor, basis.period, version, &delivered)?;
                found.map_or((basis.index, None), |(index, price)| (index, Some(price)))
            }
            None => (basis.index, None),
        };
        let reference_price = reference_price
            .map(|price| state.least_reference(entitlement.deal).map_or(price, |least| price.max(least)));
        let delivered = match contract.volume.measure {
            Measure::Fixed => entitlement.per_period,
            Measure::Metered => self.counted(basis.period).ok_or(Reject::AmountTooLarge)?,
        };
        let strike = strike_of(contract, entitlement, basis.index_value).ok_or(Reject::AmountTooLarge)?;
        let facts = PeriodFacts {
            period: basis.period,
            strike,
            reference_price,
            quantity: delivered.min(entitlement.per_period),
            is_upside_shared: entitlement.is_upside_shared(&contract.payoff, basis.period),
        };
        let settled =
            contract.payoff.settle(year, &facts, currency).map_err(|unsettled| match unsettled {
                Unsettled::NoReferencePrice => Reject::NoReferencePrice { index, from: basis.period.first },
                Unsettled::TooLarge => Reject::AmountTooLarge,
            })?;
        let Settled { quantity, rule, amount, remainder } = settled;
        Ok(SettlementLine {
            entitlement: id,
            holder: entitlement.holder,
            strike,
            reference_price,
            delivered,
            quantity,
            rule,
            amount,
            remainder,
            delta: amount,
            interest: Money::zero(currency),
        })
    }

    fn counted(&self, period: Period) -> Option<Quantity> {
        self.deliveries.counted(period, self.version, &self.floor.terms.contract.volume)
    }
}

impl Settlement {
    /// The next run of a period, with what it adds to the postings. What the programme has after it is told later.
    // Rules: R-CFD-030.
    fn run(
        &mut self,
        state: &State,
        floor: FloorId,
        basis: Basis,
        version: DataVersion,
        day: Day,
        mut lines: Vec<SettlementLine>,
    ) -> Result<SettlementRun, Reject> {
        let too_large = Reject::AmountTooLarge;
        let runs = state.runs.get(&(floor, basis.period.first)).map_or(&[][..], Vec::as_slice);
        let before = runs.last();
        let rate = state.floor(floor)?.terms.contract.interest.unwrap_or(Share::NONE);
        let late = runs.first().map_or(0, |first| first.day.days_until(day));
        let zero = Money::zero(self.released.currency);
        let mut paid = zero;
        for line in &mut lines {
            let last = line_before(before, line.entitlement);
            let (amount_before, remainder_before) =
                last.map_or((zero, zero), |line| (line.amount, line.remainder));
            line.delta = line.amount.checked_sub(amount_before).ok_or(too_large)?;
            let interest = interest(line.delta, rate, late).ok_or(too_large)?;
            line.interest = interest.amount;
            let posted = line.posted().ok_or(too_large)?;
            paid = paid.checked_add(posted).ok_or(too_large)?;
            let exact = |amount: Money, remainder: Money| amount.checked_add(remainder).ok_or(too_large);
            let now = exact(line.amount, line.remainder)?;
            let then = exact(amount_before, remainder_before)?;
            let on_top = exact(interest.amount, interest.remainder)?;
            let postings = self.postings.entry(line.holder).or_insert(Postings {
                net: zero,
                charge: zero,
                proceeds: zero,
            });
            postings.net = postings.net.checked_add(posted).ok_or(too_large)?;
            postings.add(then, now).and_then(|()| postings.add(zero, on_top)).ok_or(too_large)?;
            let cut = line
                .remainder
                .checked_sub(remainder_before)
                .and_then(|cut| cut.checked_add(interest.remainder));
            let rounding = cut.and_then(|cut| self.rounding.checked_add(cut));
            self.rounding = rounding.ok_or(too_large)?;
        }
        let number = before.map_or(Some(1), |run| run.number.checked_add(1)).ok_or(too_large)?;
        let Basis { period, index, reference_price, .. } = basis;
        let (free, reserved) = (zero, zero);
        Ok(SettlementRun {
            floor,
            period,
            number,
            version,
            day,
            index,
            reference_price,
            lines,
            posted: paid,
            free,
            reserved,
        })
    }
}

impl Postings {
    /// What was worth `then` is worth `now`, exactly: what is above zero is the programme's to pay, what is below is given to it.
    // Rules: R-CFD-034.
    fn add(&mut self, then: Money, now: Money) -> Option<()> {
        let part = |money: Money, sign: i64| {
            let millionths = money.millionths.checked_mul(sign)?.max(0);
            Some(Money { millionths, ..money })
        };
        let more = |sign| part(now, sign)?.checked_sub(part(then, sign)?);
        self.charge = self.charge.checked_add(more(1)?)?;
        self.proceeds = self.proceeds.checked_add(more(-1)?)?;
        Some(())
    }
}

/// Simple interest on a late difference: delta × yearly rate × days ÷ 365, rounded once. `None` where it does not fit.
// Rules: R-CFD-032.
fn interest(delta: Money, rate: Share, days: i32) -> Option<Rounded> {
    const DAYS_OF_A_YEAR: i128 = 365;
    let exact = i128::from(delta.millionths)
        .checked_mul(i128::from(rate.millionths()))?
        .checked_mul(i128::from(days.max(0)))?;
    Rounded::of(exact, DAYS_OF_A_YEAR.checked_mul(i128::from(MILLIONTHS))?, delta.currency)
}

fn line_before(run: Option<&SettlementRun>, id: EntitlementId) -> Option<&SettlementLine> {
    let lines = &run?.lines;
    lines.get(lines.binary_search_by_key(&id, |line| line.entitlement).ok()?)
}

impl Exchange {
    /// What the lines of a settled period, or of the next one, are worth on the data of a version, as a first run would have them: what a
    /// run on that version came to can be shown again at any time. Holders are those of today.
    ///
    /// # Errors
    /// Those of [`Action::Settle`](crate::command::Action::Settle) that are about floor, period, data and amounts.
    pub fn settlement_as_of(
        &self,
        floor: FloorId,
        day: Day,
        version: DataVersion,
    ) -> Result<Vec<SettlementLine>, Reject> {
        let state = self.state();
        let terms = state.floor(floor)?;
        let period = state.check_period(terms, day)?;
        state.check_version(version)?;
        let worked = state.work_out(floor, terms, period, period.last, version)?;
        let lines = worked.into_iter().find(|(basis, _)| basis.period == period);
        Ok(lines.map_or_else(Vec::new, |(_, lines)| lines))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::num::Currency;

    /// 1,000.00 at 4 % for 73 days, a fifth of a year, is 8.00; a cent over a day rounds to nothing and says so.
    /// Rules: R-CFD-032.
    #[test]
    fn interest_is_simple_on_actual_days() {
        let euro = |millionths| Money { currency: Currency::Eur, millionths };
        let rate: Share = "0.04".parse().expect("a share");
        let of = |delta, days| interest(euro(delta), rate, days).map(|interest| interest.amount.to_string());
        assert_eq!(of(1_000_000_000, 73), Some("8 EUR".into()));
        assert_eq!(of(-1_000_000_000, 73), Some("-8 EUR".into()));
        assert_eq!(of(1_000_000_000, -1), Some("0 EUR".into()), "a clock that was set back earns nothing");
        let small = interest(euro(10_000), rate, 1).expect("fits");
        assert_eq!((small.amount.millionths, small.remainder.millionths), (0, 1));
    }

    /// Whichever side of zero an amount moves to, the programme pays what is above it and is given what is below.
    /// Rules: R-CFD-034.
    #[test]
    fn a_line_that_changes_sign_is_charged_on_both_sides() {
        let euro = |millionths| Money { currency: Currency::Eur, millionths };
        let mut postings = Postings { net: euro(0), charge: euro(0), proceeds: euro(0) };
        postings.add(euro(0), euro(-700)).expect("fits");
        assert_eq!((postings.charge, postings.proceeds), (euro(0), euro(700)));
        postings.add(euro(-700), euro(300)).expect("fits");
        assert_eq!((postings.charge, postings.proceeds), (euro(300), euro(0)));
    }
}
