//! How money of a currency is collected and secured: business days, due dates, notices, cover, and the waterfall.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::num::Share;
use crate::reject::Reject;
use crate::time::Day;

/// How money of a currency is collected and secured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ClearingTerms {
    /// Days that are no business days, beside Saturdays and Sundays.
    #[serde(default, with = "crate::human::list")]
    pub holidays: Vec<Day>,
    /// How many business days after it was issued an invoice is due, at the end of the day. Two is the settlement cycle of Regulation
    /// (EU) 909/2014, article 5.
    pub due_days: u8,
    /// How many business days after a notice it must have been followed, at the end of the day. One is what the
    /// British supplier obligation gives ("by the end of the next working day").
    pub notice_days: u8,
    /// The share of what a participant owes that its collateral covers.
    #[serde(with = "crate::human::text")]
    pub debt_cover: Share,
    /// For how many days of volume at the latest price collateral covers contracts under which their holder may owe. The British
    /// credit cover is 21 days of metered volume at the levy's rate.
    pub contract_cover_days: u16,
    /// Which money covers a defaulter's debts, in this order.
    pub waterfall: Vec<Pot>,
}

/// Money that can cover a defaulter's debts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pot {
    /// The defaulter's collateral.
    Collateral,
    /// The defaulter's own contribution to the default fund.
    Contribution,
    /// What the centre has set aside of its own.
    OwnResources,
    /// The others' contributions to the default fund, pro rata.
    DefaultFund,
}

impl Pot {
    /// All, in the order of Regulation (EU) 648/2012 (EMIR), article 45, and of the Swiss FMIA, article 53.
    pub const STANDARD: [Self; 4] =
        [Self::Collateral, Self::Contribution, Self::OwnResources, Self::DefaultFund];

    /// Whose money comes first: the defaulter's, then the centre's, then that of others.
    const fn rank(self) -> u8 {
        match self {
            Self::Collateral | Self::Contribution => 0,
            Self::OwnResources => 1,
            Self::DefaultFund => 2,
        }
    }
}

/// The most holidays that terms may name: those of some fifty years.
const HOLIDAYS_MAX: usize = 1_000;

impl ClearingTerms {
    /// Refuses terms that give no time to follow a notice, name a pot twice, or touch the money of others before a defaulter's or
    /// the centre's own.
    // Rules: R-MON-029, R-MON-034.
    pub(crate) fn check(&self) -> Result<(), Reject> {
        if self.notice_days == 0 || self.holidays.len() > HOLIDAYS_MAX {
            return Err(Reject::ClearingTerms);
        }
        let named: BTreeSet<Pot> = self.waterfall.iter().copied().collect();
        let is_in_order = self.waterfall.iter().is_sorted_by_key(|pot| pot.rank());
        if named.len() == self.waterfall.len() && is_in_order { Ok(()) } else { Err(Reject::WaterfallOrder) }
    }

    fn is_business_day(&self, day: Day) -> bool {
        // 1 January 1970, day 0, was a Thursday.
        let weekday = day.number().saturating_add(3).rem_euclid(7);
        weekday < 5 && !self.holidays.contains(&day)
    }

    /// The business day that comes so many business days after a day; the last of all days where there is none.
    // Rules: R-MON-018.
    pub(super) fn business_days_after(&self, day: Day, days: u8) -> Day {
        let mut found = day;
        let mut left = days;
        while left > 0 || !self.is_business_day(found) {
            let Some(next) = found.next() else {
                return found;
            };
            found = next;
            if left > 0 && self.is_business_day(found) {
                left = left.saturating_sub(1);
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Day {
        text.parse().expect("a day")
    }

    fn terms() -> ClearingTerms {
        ClearingTerms {
            holidays: ["2025-04-18", "2025-04-21", "2025-05-01"].map(day).into(),
            due_days: 2,
            notice_days: 1,
            debt_cover: Share::NONE,
            contract_cover_days: 21,
            waterfall: Pot::STANDARD.into(),
        }
    }

    /// Easter 2025, with the holidays of the TARGET system: Good Friday, Easter Monday and 1 May.
    /// Rules: R-MON-018.
    #[test]
    fn due_dates_skip_weekends_and_holidays() {
        let after = |from, days| terms().business_days_after(day(from), days).to_string();
        assert_eq!(after("2025-04-14", 2), "2025-04-16");
        assert_eq!(after("2025-04-16", 2), "2025-04-22");
        assert_eq!(after("2025-04-17", 1), "2025-04-22");
        assert_eq!(after("2025-04-19", 0), "2025-04-22", "a day that is none becomes the next that is");
        assert_eq!(after("2025-04-30", 1), "2025-05-02");
    }

    /// Rules: R-MON-029, R-MON-034.
    #[test]
    fn a_waterfall_never_begins_with_others_money() {
        use Pot::*;
        let check = |waterfall: &[Pot]| ClearingTerms { waterfall: waterfall.into(), ..terms() }.check();
        assert_eq!(check(&Pot::STANDARD), Ok(()));
        assert_eq!(check(&[Contribution, Collateral]), Ok(()));
        assert_eq!(check(&[]), Ok(()));
        for wrong in
            [&[OwnResources, Collateral][..], &[DefaultFund, OwnResources], &[Collateral, Collateral]]
        {
            assert_eq!(check(wrong), Err(Reject::WaterfallOrder), "{wrong:?}");
        }
        assert_eq!(ClearingTerms { notice_days: 0, ..terms() }.check(), Err(Reject::ClearingTerms));
    }
}
