//! Who gets what at a clearing price: better-priced bids are filled whole, and the bids at the margin share
//! what is left pro rata, in whole lots.
//!
//! The share of a bid is its lots × what is left ÷ all lots at the margin, rounded down; the lots still
//! missing go one each to the largest remainders, ties to the earlier bid (largest remainder method).

use crate::book::{Book, Margin, Order, Side};

/// What each standing bid of one side is given, in order of time; bids that are given nothing are left out.
/// `volume` is in lots, positive, and at most what the side bids.
pub(crate) fn fill(book: &Book, side: Side, volume: i64) -> Vec<(Order, i64)> {
    let Some(margin) = book.ladder(side).margin(volume, side == Side::Buy) else {
        return Vec::new();
    };
    let at_margin: Vec<i64> =
        side_of(book, side).filter(|order| order.level == margin.level).map(|order| order.lots).collect();
    let mut shares = pro_rata(&at_margin, margin.lots).into_iter();
    side_of(book, side)
        .filter_map(|order| {
            let lots = match place(order, &margin) {
                Place::Better => order.lots,
                Place::AtMargin => shares.next().unwrap_or(0),
                Place::Worse => 0,
            };
            (lots > 0).then_some((*order, lots))
        })
        .collect()
}

enum Place {
    Better,
    AtMargin,
    Worse,
}

fn place(order: &Order, margin: &Margin) -> Place {
    let (better, worse) = match order.side {
        Side::Buy => (order.level > margin.level, order.level < margin.level),
        Side::Sell => (order.level < margin.level, order.level > margin.level),
    };
    match (better, worse) {
        (true, _) => Place::Better,
        (_, true) => Place::Worse,
        _ => Place::AtMargin,
    }
}

fn side_of(book: &Book, side: Side) -> impl Iterator<Item = &Order> {
    book.orders().filter(move |order| order.side == side)
}

/// Shares `available` among `wanted` by the largest remainder method. `available` is at most their sum.
fn pro_rata(wanted: &[i64], available: i64) -> Vec<i64> {
    let total: i128 = wanted.iter().map(|&lots| i128::from(lots)).sum();
    let mut remainders = Vec::with_capacity(wanted.len());
    let mut shares = Vec::with_capacity(wanted.len());
    let mut left = available;
    for (number, &lots) in wanted.iter().enumerate() {
        let quota = i128::from(lots).checked_mul(i128::from(available));
        let share =
            quota.and_then(|quota| quota.checked_div(total)).and_then(|share| i64::try_from(share).ok());
        let remainder = quota.and_then(|quota| quota.checked_rem(total));
        assert!(share.is_some(), "a share is at most what was wanted, and two i64 multiply within an i128");
        shares.push(share.unwrap_or(0));
        left = left.saturating_sub(share.unwrap_or(0));
        remainders.push((remainder.unwrap_or(0), number));
    }
    // Largest remainder first, then the earlier bid.
    remainders.sort_unstable_by_key(|&(remainder, number)| (std::cmp::Reverse(remainder), number));
    let missing = usize::try_from(left).unwrap_or(0);
    for (_, number) in remainders.into_iter().take(missing) {
        if let Some(share) = shares.get_mut(number) {
            *share = share.saturating_add(1);
        }
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn remainders_go_to_the_largest_then_the_earliest() {
        assert_eq!(pro_rata(&[3, 3, 3], 7), [3, 2, 2]);
        assert_eq!(pro_rata(&[1, 5], 3), [1, 2]); // quotas 0.5 and 2.5: a tie
        assert_eq!(pro_rata(&[2, 5], 3), [1, 2]); // quotas 0.86 and 2.14
        assert_eq!(pro_rata(&[], 0), [0_i64; 0]);
    }

    proptest! {
        #[test]
        fn shares_sum_and_stay_within_a_lot_of_their_quota(
            (wanted, available) in prop::collection::vec(1_i64..1_000_000, 1..40)
                .prop_flat_map(|wanted| { let total = wanted.iter().sum(); (Just(wanted), 0..=total) }),
        ) {
            let shares = pro_rata(&wanted, available);
            let total: i64 = wanted.iter().sum();
            prop_assert_eq!(shares.iter().sum::<i64>(), available);
            for (share, lots) in shares.iter().zip(&wanted) {
                prop_assert!((0..=*lots).contains(share));
                // |share − quota| < 1, in whole numbers.
                prop_assert!((share * total - lots * available).abs() < total);
            }
        }
    }
}
