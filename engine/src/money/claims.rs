//! Claims that wait for money: the oldest are paid first, those of one day pro rata.
//!
//! Shares are whole minor units, by largest remainder: everybody gets what is below its exact share, and the units that
//! are left go to those whose shares were cut most, ties to the lower id. Nobody gets more than its claim.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::id::ParticipantId;
use crate::num::{Currency, Money, pro_rata};
use crate::time::Day;

/// A claim that waits for money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// Whose.
    pub participant: ParticipantId,
    /// Since when.
    pub since: Day,
    /// What is left of it.
    pub amount: Money,
}

/// All claims on one payer, in millionths. No claim and no day is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Claims(pub(super) BTreeMap<Day, BTreeMap<ParticipantId, i64>>);

impl Claims {
    pub(super) fn add(&mut self, since: Day, participant: ParticipantId, amount: Money) {
        if amount.millionths > 0 {
            let claim = self.0.entry(since).or_default().entry(participant).or_insert(0);
            *claim = claim.saturating_add(amount.millionths);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All that is claimed, in millionths.
    pub(crate) fn total(&self) -> i128 {
        self.0.values().flat_map(BTreeMap::values).map(|amount| i128::from(*amount)).sum()
    }

    pub(crate) fn list(&self, currency: Currency) -> impl Iterator<Item = Claim> {
        self.0.iter().flat_map(move |(&since, claims)| {
            claims.iter().map(move |(&participant, &millionths)| Claim {
                participant,
                since,
                amount: Money { currency, millionths },
            })
        })
    }

    /// Pays the oldest claims first and those of one day pro rata, with at most `available`; returns what everybody is paid.
    // Rules: R-MON-011.
    pub(super) fn pay(&mut self, available: Money) -> Vec<(ParticipantId, Money)> {
        let Money { currency, millionths: mut left } = available;
        let mut paid = Vec::new();
        while let Some(mut day) = self.0.first_entry() {
            let claims = day.get_mut();
            let amounts: Vec<i64> = claims.values().copied().collect();
            let shares = pro_rata(left, &amounts, currency.minor_unit());
            for ((participant, claim), share) in claims.iter_mut().zip(shares) {
                *claim = claim.saturating_sub(share);
                left = left.saturating_sub(share);
                if share > 0 {
                    paid.push((*participant, Money { currency, millionths: share }));
                }
            }
            claims.retain(|_, claim| *claim > 0);
            if !claims.is_empty() {
                break;
            }
            day.remove();
        }
        paid
    }

    /// Takes up to `amount` off a participant's claims, the newest first; returns how much that was.
    // Rules: R-MON-015.
    pub(super) fn set_off(&mut self, participant: ParticipantId, amount: Money) -> Money {
        let mut left = amount.millionths;
        for claims in self.0.values_mut().rev() {
            if let Some(claim) = claims.get_mut(&participant) {
                let taken = left.min(*claim);
                *claim = claim.saturating_sub(taken);
                left = left.saturating_sub(taken);
                // A run sets off for each of its holders: the claims of others are not looked at.
                if *claim == 0 {
                    claims.remove(&participant);
                }
            }
        }
        self.0.retain(|_, claims| !claims.is_empty());
        Money { millionths: amount.millionths.saturating_sub(left), ..amount }
    }

    pub(super) fn is_sound(&self, currency: Currency) -> bool {
        let is_claim = |claim: &i64| {
            *claim > 0 && claim.checked_rem(currency.minor_unit()).is_some_and(|rest| rest == 0)
        };
        self.0.values().all(|claims| !claims.is_empty() && claims.values().all(is_claim))
            && i64::try_from(self.total()).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const CENT: i64 = 10_000;

    /// 100 cents over claims of 50, 30 and 20 times 3 cents: exact, and with a unit left over, which goes where most was cut.
    /// Rules: R-MON-011.
    #[test]
    fn shares_go_by_largest_remainder() {
        let of = |available: i64, amounts: &[i64]| {
            let amounts: Vec<i64> = amounts.iter().map(|amount| amount * CENT).collect();
            pro_rata(available * CENT, &amounts, CENT)
                .into_iter()
                .map(|share| share / CENT)
                .collect::<Vec<_>>()
        };
        assert_eq!(of(100, &[150, 90, 60]), [50, 30, 20]);
        assert_eq!(of(100, &[100, 100, 100]), [34, 33, 33], "ties go to the first");
        assert_eq!(of(10, &[7, 7, 6]), [4, 3, 3]);
        assert_eq!(of(1_000, &[7, 7, 6]), [7, 7, 6], "nobody gets more than its claim");
        assert_eq!(of(0, &[7]), [0]);
        assert_eq!(of(5, &[]), [0_i64; 0]);
    }

    /// Rules: R-MON-011, R-MON-015.
    #[test]
    fn the_oldest_are_paid_first_and_a_set_off_takes_the_newest() {
        let day = |text: &str| -> Day { text.parse().expect("a day") };
        let money = |cents: i64| Money { currency: Currency::Eur, millionths: cents * CENT };
        let [one, other] = [ParticipantId(1), ParticipantId(2)];
        let mut claims = Claims::default();
        claims.add(day("2025-02-10"), one, money(30));
        claims.add(day("2025-01-10"), one, money(100));
        claims.add(day("2025-01-10"), other, money(50));
        assert_eq!(claims.pay(money(75)), [(one, money(50)), (other, money(25))]);
        assert_eq!(claims.set_off(one, money(40)), money(40));
        let left: Vec<_> =
            claims.list(Currency::Eur).map(|claim| (claim.participant, claim.amount)).collect();
        assert_eq!(left, [(one, money(40)), (other, money(25))]);
        assert_eq!(claims.pay(money(1_000)), left);
        assert!(claims.is_empty());
    }

    proptest! {
        /// All of what there is goes out, nobody gets more than its claim, and shares are within a unit of exact.
        /// Rules: R-MON-011.
        #[test]
        fn shares_are_fair(available in 0_i64..5_000, amounts in prop::collection::vec(1_i64..500, 1..20)) {
            let total: i64 = amounts.iter().sum();
            let shares = pro_rata(available * CENT, &amounts.iter().map(|a| a * CENT).collect::<Vec<_>>(), CENT);
            prop_assert_eq!(shares.iter().sum::<i64>(), available.min(total) * CENT);
            for (share, amount) in shares.iter().zip(&amounts) {
                prop_assert!(*share <= amount * CENT);
                let exact = i128::from(available.min(total)) * i128::from(*amount);
                let off = i128::from(share / CENT) * i128::from(total) - exact;
                prop_assert!(off.abs() < i128::from(total));
            }
        }
    }
}
