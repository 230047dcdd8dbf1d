//! The price among those that support a trade: found as in any call auction, once it is settled which of the orders with a
//! minimum take part.

use super::Chosen;
use crate::book::Side;
use crate::clearing::{Allocation, Criterion, Decision, Order, Rule, clear};
use crate::num::Quantity;

/// A book, and a rule as it chooses among the prices at which every accepted order trades.
pub(super) struct PriceRule<'a> {
    orders: &'a [Order<'a>],
    rule: Rule,
}

impl<'a> PriceRule<'a> {
    /// A cascade that leaves several prices ends as pay-as-clear does.
    pub(super) fn new(orders: &'a [Order<'a>], rule: &Rule) -> Self {
        let mut cascade = rule.cascade.clone();
        for last in [Criterion::LastAcceptedOffer, Criterion::Reference] {
            if !cascade.contains(&last) {
                cascade.push(last);
            }
        }
        // Only the price is asked for, so any allocation will do.
        Self { orders, rule: Rule { cascade, allocation: Allocation::PriceTime, ..rule.clone() } }
    }

    /// The price where so much is given to each row. Rejected orders with a minimum are left out of the book, and the others
    /// stand in it with all that they want.
    // Rules: R-AUC-062.
    pub(super) fn choose(&self, given: &[i64]) -> Option<Chosen> {
        let rows = || self.orders.iter().zip(given);
        let limits = |side: Side| {
            let accepted = rows().filter(move |(order, given)| order.side == side && **given > 0);
            accepted.filter_map(|(order, _)| order.price)
        };
        let lowest = limits(Side::Sell).chain(self.rule.lowest_price()).max();
        let highest = limits(Side::Buy).chain(self.rule.highest_price()).min();
        let takes_part = |(order, given): &(&Order<'_>, &i64)| order.min_quantity.is_zero() || **given > 0;
        let book: Vec<Order<'_>> = rows()
            .filter(takes_part)
            .map(|(order, _)| Order { min_quantity: Quantity::ZERO, ..*order })
            .collect();
        let rule = Rule { floor: lowest, ceiling: highest, ..self.rule.clone() };
        match clear(&book, &rule, None).ok()?.decision {
            Decision::Price { price, step } => Some(Chosen { price, step, lowest, highest }),
            Decision::NothingTrades | Decision::Undecided { .. } => None,
        }
    }
}
