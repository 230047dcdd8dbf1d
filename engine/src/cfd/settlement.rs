//! Settlement runs: each month of a floor is settled against the published reference price.
//!
//! Runs are numbered from 1 for each floor and month, and append-only. The first run of a month is made in
//! the order of the months; a later one reconciles after a revised price, and each posts the difference to
//! the one before, so that a run repeated posts nothing. Per line
//!
//! ```text
//! amount = max(0, strike − reference price) × monthly quantity
//! ```
//!
//! rounded once to the minor unit, half to even, from the exact product. The remainder stands on the line
//! and is posted to the account `rounding`. After a first run the programme reserves for one month less.
//! A run that the programme cannot pay whole is refused: it is funded first.

use serde::{Deserialize, Serialize};

use super::check_over;
use crate::event::{Event, Events};
use crate::exchange::State;
use crate::id::{EntitlementId, FloorId, ParticipantId, ProgrammeId};
use crate::ledger::Account;
use crate::num::{Currency, Money, Price, Quantity, Rounded};
use crate::reject::Reject;
use crate::time::{Instant, Month};

/// A settlement run of one month of a floor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettlementRun {
    /// The floor.
    pub floor: FloorId,
    /// The month.
    pub month: Month,
    /// 1 for the first run of this month, then 2, 3, …
    pub number: u32,
    /// The reference price that it was run on.
    pub reference_price: Price,
    /// Which revision of the published price that is, counted from 1.
    pub revision: u32,
    /// A line for each entitlement that covers the month, in order of entitlement.
    pub lines: Vec<SettlementLine>,
    /// What this run paid out over all lines; negative where it took back.
    pub paid: Money,
    /// The programme's free money after the run.
    pub free: Money,
    /// What the programme reserves after the run.
    pub reserved: Money,
}

impl SettlementRun {
    /// The run as somebody may see it who sees these lines alone.
    pub(crate) const fn with_lines(&self, lines: Vec<SettlementLine>) -> Self {
        let Self { floor, month, number, reference_price, revision, lines: _, paid, free, reserved } = self;
        Self {
            floor: *floor,
            month: *month,
            number: *number,
            reference_price: *reference_price,
            revision: *revision,
            lines,
            paid: *paid,
            free: *free,
            reserved: *reserved,
        }
    }
}

/// What one entitlement is paid for one month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettlementLine {
    /// The entitlement.
    pub entitlement: EntitlementId,
    /// Who is paid.
    pub holder: ParticipantId,
    /// Its strike.
    pub strike: Price,
    /// The month's volume.
    pub quantity: Quantity,
    /// What the month is worth after this run.
    pub amount: Money,
    /// Exact product minus `amount`.
    pub remainder: Money,
    /// `amount` minus the amount of the run before: what this run posted.
    pub delta: Money,
}

/// A run that was found possible, with what it will do to the reservations.
pub(crate) struct Settlement {
    run: SettlementRun,
    programme: ProgrammeId,
    /// New reservations of the entitlements, and what they release in all; nothing in a reconciliation.
    reservations: Vec<(EntitlementId, Money)>,
    released: Money,
    /// What the remainders add to the account `rounding`.
    rounding: Money,
}

/// max(0, strike − reference price) × quantity, rounded once. `None` where it does not fit.
fn difference_payment(
    strike: Price,
    reference_price: Price,
    quantity: Quantity,
    currency: Currency,
) -> Option<Rounded> {
    strike.checked_sub(reference_price)?.max(Price::ZERO).times(quantity, currency)
}

impl State {
    /// Computes a run, or says why it cannot be made.
    pub(crate) fn prepare_settlement(
        &self,
        at: Instant,
        floor_id: FloorId,
        month: Month,
        agreed_revision: u32,
    ) -> Result<Settlement, Reject> {
        let floor = self.floor(floor_id)?;
        let terms = &floor.terms;
        if month < terms.first || month > terms.last {
            return Err(Reject::MonthNotCovered { first: terms.first, last: terms.last });
        }
        if month > floor.next_month {
            return Err(Reject::MonthOutOfOrder { next: floor.next_month });
        }
        check_over(month, at)?;
        let index = self.index(terms.index)?;
        let (revision, reference_price) =
            index.latest(month).ok_or(Reject::NoReferencePrice { index: terms.index, month })?;
        if revision != agreed_revision {
            return Err(Reject::OtherRevision { latest: revision });
        }
        let currency = index.currency();
        let runs = self.runs.get(&(floor_id, month));
        let before = runs.and_then(|runs| runs.last());
        let too_large = Reject::AmountTooLarge;

        let months_after = floor.months_from(floor.next_month).saturating_sub(1);
        let mut lines = Vec::new();
        let mut reservations = Vec::new();
        let [mut paid, mut rounding, mut released] = [Money::zero(currency); 3];
        for (&id, entitlement) in &self.entitlements {
            if entitlement.floor != floor_id || entitlement.first > month {
                continue;
            }
            let Rounded { amount, remainder } =
                difference_payment(entitlement.strike, reference_price, entitlement.monthly, currency)
                    .ok_or(too_large)?;
            let last = before.and_then(|run| {
                let line = run.lines.binary_search_by_key(&id, |line| line.entitlement).ok()?;
                run.lines.get(line)
            });
            let zero = Money::zero(currency);
            let (amount_before, remainder_before) =
                last.map_or((zero, zero), |line| (line.amount, line.remainder));
            let delta = amount.checked_sub(amount_before).ok_or(too_large)?;
            let remainder_delta = remainder.checked_sub(remainder_before).ok_or(too_large)?;
            paid = paid.checked_add(delta).ok_or(too_large)?;
            rounding = rounding.checked_add(remainder_delta).ok_or(too_large)?;
            lines.push(SettlementLine {
                entitlement: id,
                holder: entitlement.holder,
                strike: entitlement.strike,
                quantity: entitlement.monthly,
                amount,
                remainder,
                delta,
            });
            if before.is_none() {
                let reserved = floor
                    .reservation(entitlement.strike, entitlement.monthly, months_after, currency)
                    .ok_or(too_large)?;
                let less = entitlement.reserved.checked_sub(reserved).ok_or(too_large)?;
                released = released.checked_add(less).ok_or(too_large)?;
                reservations.push((id, reserved));
            }
        }
        // What is released is free to pay with; what is missing comes from the programme's free money.
        let charge = paid.checked_add(rounding).ok_or(too_large)?;
        self.check_free(terms.programme, charge.checked_sub(released).ok_or(too_large)?)?;
        let free = self.programme_money(terms.programme, Account::ProgrammeFree, currency);
        let free = free.checked_add(released).and_then(|free| free.checked_sub(charge)).ok_or(too_large)?;
        let reserved = self.programme_money(terms.programme, Account::ProgrammeReserved, currency);
        let reserved = reserved.checked_sub(released).ok_or(too_large)?;
        let number = before.map_or(Some(1), |run| run.number.checked_add(1)).ok_or(too_large)?;
        let run = SettlementRun {
            floor: floor_id,
            month,
            number,
            reference_price,
            revision,
            lines,
            paid,
            free,
            reserved,
        };
        Ok(Settlement { run, programme: terms.programme, reservations, released, rounding })
    }

    /// Posts a prepared run and keeps it.
    pub(crate) fn settle(&mut self, settlement: Settlement, out: &mut Events) {
        let Settlement { run, programme, reservations, released, rounding } = settlement;
        let free = Account::ProgrammeFree(programme);
        self.ledger.post(Account::ProgrammeReserved(programme), free, released);
        for line in &run.lines {
            self.ledger.post(free, Account::Participant(line.holder), line.delta);
        }
        self.ledger.post(free, Account::Rounding, rounding);
        for (id, reserved) in reservations {
            if let Some(entitlement) = self.entitlements.get_mut(&id) {
                entitlement.reserved = reserved;
            }
        }
        if let Some(floor) = self.floors.get_mut(&run.floor)
            && floor.next_month == run.month
        {
            let next = run.month.next();
            assert!(next.is_some(), "the month was checked to be over, so another follows");
            floor.next_month = next.unwrap_or(floor.next_month);
        }
        self.runs.entry((run.floor, run.month)).or_default().push(run.clone());
        out.push(Event::SettlementRunCompleted { run });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paid(strike: &str, reference_price: &str, quantity: &str) -> Option<String> {
        let payment = difference_payment(
            strike.parse().expect("a price"),
            reference_price.parse().expect("a price"),
            quantity.parse().expect("a quantity"),
            Currency::Usd,
        );
        payment.map(|payment| payment.amount.to_string())
    }

    /// Lynas–JARE's revised agreement (ASX release, March 2026): a floor of 110 USD/kg on 5,000 t a year.
    /// At an average price of 100 the producer is brought up to 110; at 150 the floor pays nothing.
    #[test]
    fn the_floor_of_lynas_and_jare() {
        assert_eq!(paid("110", "100", "5000000"), Some("50000000 USD".into()));
        assert_eq!(paid("110", "110", "5000000"), Some("0 USD".into()));
        assert_eq!(paid("110", "150", "5000000"), Some("0 USD".into()));
    }

    #[test]
    fn a_negative_reference_price_pays_more_than_the_strike() {
        assert_eq!(paid("10", "-5", "2"), Some("30 USD".into()));
        assert_eq!(paid("9000000000000", "-9000000000000", "1"), None);
    }
}
