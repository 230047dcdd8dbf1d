//! The price among those that support a trade: the rule's cascade decides, as it would for the accepted orders alone.

use super::Chosen;
use crate::book::Side;
use crate::clearing::{Allocation, Criterion, Decision, Order, Rule, clear};
use crate::num::{Price, Quantity};

/// A rule as it chooses among the prices at which every accepted order trades.
///
/// What the accepted orders want and offer is the same at all of these prices and less at any other, so first the most
/// volume is asked for; and a cascade that leaves several ends as pay-as-clear does.
pub(super) struct PriceRule(Rule);

impl PriceRule {
    pub(super) fn new(rule: &Rule) -> Self {
        let mut cascade = vec![Criterion::MostVolume];
        let last = [Criterion::LastAcceptedOffer, Criterion::Reference];
        for criterion in rule.cascade.iter().copied().chain(last) {
            if !cascade.contains(&criterion) {
                cascade.push(criterion);
            }
        }
        // Whatever trades is filled whole at such a price, so the allocation says nothing.
        Self(Rule { cascade, allocation: Allocation::PriceTime, ..rule.clone() })
    }

    /// The price where sellers want `lowest` at least and buyers pay `highest` at most; `None` where market orders alone
    /// trade. A book of two such orders has the same prices left after the first criterion as all accepted ones together.
    pub(super) fn choose(&self, lowest: Option<Price>, highest: Option<Price>) -> Option<Chosen> {
        let smallest = self.0.lot.or_else(|| Quantity::from_millionths(1))?;
        let order = |side: Side, price: Option<Price>| Order {
            id: b"",
            rank: 0,
            side,
            price,
            quantity: smallest,
            min_quantity: Quantity::ZERO,
            received: 0,
        };
        let accepted = [order(Side::Buy, highest), order(Side::Sell, lowest)];
        match clear(&accepted, &self.0, None).ok()?.decision {
            Decision::Price { price, step } => Some(Chosen {
                price,
                step,
                lowest: lowest.into_iter().chain(self.0.lowest_price()).max(),
                highest: highest.into_iter().chain(self.0.highest_price()).min(),
            }),
            Decision::NothingTrades | Decision::Undecided { .. } => None,
        }
    }
}
