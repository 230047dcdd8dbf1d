//! Worked examples.

use super::*;

/// The winners of the European Hydrogen Bank's pilot auction, published on 30 April 2024: project, kilograms in ten
/// years, and the bid in EUR per kilogram.
const WINNERS: [(&str, &str, &str); 7] = [
    ("eNRG Lahti", "122000000", "0.37"),
    ("El Alamillo H2", "65000000", "0.38"),
    ("Grey2Green-II", "216000000", "0.39"),
    ("HYSENCIA", "17000000", "0.48"),
    ("SKIGA", "169000000", "0.48"),
    ("Catalina", "480000000", "0.48"),
    ("MP2X", "511000000", "0.48"),
];

#[test]
fn the_hydrogen_banks_winners_come_out() {
    let mut offers: Vec<Offer<'_>> =
        WINNERS.iter().map(|(id, quantity, bid)| offer(id, bid, quantity)).collect();
    // Losing bids are not published. The next did not fit into the 80.96 million that are left, and nothing after it was
    // looked at; these two stand for them.
    offers.push(offer("the next", "0.49", "180000000"));
    offers.push(offer("a small one", "0.5", "1000000"));
    offers.push(offer("too dear", "4.51", "1000000"));
    let outcome = awarded(&offers, &hydrogen_bank());
    let expected: Vec<String> =
        WINNERS.iter().map(|(id, quantity, bid)| format!("{id} {quantity} @ {bid}")).collect();
    assert_eq!(told(&offers, &outcome), expected);
    assert_eq!(outcome.totals.cost.to_string(), "719040000");
    assert_eq!(outcome.totals.quantity.to_string(), "1580000000");
    let budget = Constraint::Limit(0);
    let over = Size::Money("7240000".parse().expect("an amount"));
    let reasons: Vec<Reason> = outcome.rejections.into_iter().map(|rejection| rejection.reason).collect();
    assert_eq!(
        reasons,
        [
            Reason::Limited(vec![Breach { constraint: budget, over }]),
            Reason::Stopped { constraint: budget, by: 7 },
            Reason::AboveCeiling { ceiling: "4.5".parse().expect("a price") },
        ]
    );
}
