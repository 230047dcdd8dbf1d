//! A second opinion: the greatest welfare at each price, by a solver of mixed-integer programs that we did not write.

use microlp::{ComparisonOp, OptimizationDirection, Problem};
use proptest::prelude::*;

use super::*;

/// The greatest welfare at a price, in whole numbers.
fn welfare_at(price: i64, orders: &[Order<'_>]) -> i64 {
    let mut program = Problem::new(OptimizationDirection::Maximize);
    let mut balance = Vec::new();
    for order in orders {
        let limit = order.price.expect("limits alone").millionths();
        let (sign, gain) = match order.side {
            Side::Buy => (1.0, limit - price),
            Side::Sell => (-1.0, price - limit),
        };
        if gain < 0 {
            continue;
        }
        let (quantity, minimum) =
            (order.quantity.millionths() as f64, order.min_quantity.millionths() as f64);
        let takes = program.add_var(sign * limit as f64, (0.0, quantity));
        let is_accepted = program.add_binary_var(0.0);
        program.add_constraint([(takes, 1.0), (is_accepted, -quantity)], ComparisonOp::Le, 0.0);
        program.add_constraint([(takes, 1.0), (is_accepted, -minimum)], ComparisonOp::Ge, 0.0);
        balance.push((takes, sign));
    }
    if balance.is_empty() {
        return 0;
    }
    program.add_constraint(&balance, ComparisonOp::Eq, 0.0);
    let solved = program.solve().expect("nothing can be accepted").into_solution().expect("no time limit");
    solved.objective().round() as i64
}

fn compare(orders: &[Order<'_>]) {
    let found = cleared(orders, &pay_as_clear());
    let mut limits: Vec<i64> = orders.iter().filter_map(|order| order.price).map(Price::millionths).collect();
    limits.sort_unstable();
    limits.dedup();
    // If a price supports a trade, so does the limit of the last accepted offer.
    let best = limits.into_iter().map(|price| welfare_at(price, orders)).max().unwrap_or(0);
    assert_eq!(found.proof, Proof::Optimal);
    assert_eq!(found.welfare.raw(), i128::from(best), "{orders:#?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// More orders than the naive twin can try, and larger numbers.
    #[test]
    fn a_solver_finds_no_greater_welfare(
        orders in prop::collection::vec((any::<bool>(), 50_i64..80, 1_i64..200, 0_i64..4), 0..30),
    ) {
        let orders: Vec<_> = orders
            .into_iter()
            .map(|(is_buy, limit, quantity, quarters)| {
                let side = if is_buy { Side::Buy } else { Side::Sell };
                // A third of them from a quarter or a half on, a quarter whole or not at all, the others as they come.
                let minimum = if quarters == 3 { quantity } else { quantity * quarters / 4 };
                order(side, Some(limit), quantity, minimum)
            })
            .collect();
        compare(&orders);
    }
}
