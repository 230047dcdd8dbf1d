//! Rounds against brute force on small boards, and what holds on all.

use proptest::prelude::*;

use super::stable::{Host, stable_matching};
use super::*;

/// A board's rows as the generator makes them.
#[derive(Clone, Debug)]
pub(super) struct Row {
    party: u32,
    grade: u8,
    origin: u8,
    first: u8,
    minimum: i64,
    quantity: i64,
    limit: i64,
    sector: u32,
}

pub(super) fn a_row(most: i64) -> impl Strategy<Value = Row> {
    (0_u32..4, 0_u8..3, 0_u8..3, 0_u8..3, 0..=most, 1..=most, 0_i64..6, 0_u32..3).prop_map(
        |(party, grade, origin, first, minimum, quantity, limit, sector)| {
            let minimum = minimum.min(quantity);
            Row { party, grade, origin, first, minimum, quantity, limit, sector }
        },
    )
}

const IDS: [&str; 12] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"];

fn entry(row: &Row, number: usize, is_offer: bool, with_minimum: bool) -> Entry<'static> {
    let day = |number: u8| Day::new(2026, 1, number + 1).expect("a day");
    let origin = ["", "FI", "CN"][usize::from(row.origin)].parse().ok();
    Entry {
        id: IDS[number].as_bytes(),
        party: row.party + if is_offer { 0 } else { 10 },
        owner: row.party + if is_offer { 0 } else { 3 },
        material: "gallium",
        grade: ["", "4N", "6N"][usize::from(row.grade)],
        purity: None,
        place: "",
        origin: origin.filter(|_| is_offer),
        first: day(row.first),
        last: day(row.first + 1),
        minimum: if with_minimum { row.minimum } else { 0 },
        quantity: row.quantity,
        limit: Price::from_units(row.limit + if is_offer { 0 } else { 2 }).expect("fits"),
        sector: row.sector,
    }
}

pub(super) fn board(offers: &[Row], requests: &[Row], with_minimum: bool) -> Board<'static> {
    let offers_at = offers.len();
    Board {
        offers: offers.iter().enumerate().map(|(n, row)| entry(row, n, true, with_minimum)).collect(),
        requests: requests
            .iter()
            .enumerate()
            .map(|(n, row)| entry(row, offers_at + n, false, with_minimum))
            .collect(),
    }
}

pub(super) fn rule(preference: Preference) -> RoundRule {
    RoundRule { preference, price: PriceRule::Uniform, floor: None, origin_cap: None, owner_cap: None }
}

/// The best worth over all matchings, tried one by one.
fn brute_force(board: &Board<'_>, rule: &RoundRule) -> Worth {
    let ways = flow::Ways::new(board, rule);
    let mut best = None;
    let mut lots = vec![0; ways.pairs.len()];
    try_all(board, rule, &ways, 0, &mut lots, &mut best);
    best.expect("nothing at all may be matched")
}

fn try_all(
    board: &Board<'_>,
    rule: &RoundRule,
    ways: &flow::Ways<'_>,
    pair: usize,
    lots: &mut Vec<i64>,
    best: &mut Option<Worth>,
) {
    if pair == lots.len() {
        let deals: Vec<(u32, u32, i64)> = ways
            .pairs
            .iter()
            .zip(lots.iter())
            .filter(|(_, lots)| **lots > 0)
            .map(|(&(offer, request), lots)| (ways.offers[offer].0, ways.requests[request].0, *lots))
            .collect();
        let worth = ways.worth(lots);
        // By the naive check of all that a result must keep, whatever its prices.
        let asks = RoundRule { price: PriceRule::Ask, ..*rule };
        let deals = price::priced(board, &asks, &deals);
        if check(board, &asks, &deals, &worth, None).is_ok() && best.as_ref().is_none_or(|best| worth > *best)
        {
            *best = Some(worth);
        }
        return;
    }
    let (offer, request) = ways.pairs[pair];
    let used = |side: usize, at: usize| -> i64 {
        let pairs = ways.pairs.iter().zip(lots.iter()).take(pair);
        pairs
            .filter(|(ends, _)| if side == 0 { ends.0 == at } else { ends.1 == at })
            .map(|(_, lots)| *lots)
            .sum()
    };
    let room = (ways.offers[offer].1.quantity - used(0, offer))
        .min(ways.requests[request].1.quantity - used(1, request));
    for some in 0..=room {
        lots[pair] = some;
        try_all(board, rule, ways, pair + 1, lots, best);
    }
    lots[pair] = 0;
}

/// The best worth over all choices of deals, each as large as its least at least: those that can be made together are tried one by one.
fn best_choice(board: &Board<'_>, rule: &RoundRule) -> Worth {
    let ways = flow::Ways::new(board, rule);
    let none = flow::Choice { forbidden: vec![false; ways.pairs.len()], ..flow::Choice::default() };
    let mut best = Worth::default();
    try_choices(&ways, 0, none, &mut best);
    best
}

fn try_choices(ways: &flow::Ways<'_>, pair: usize, choice: flow::Choice, best: &mut Worth) {
    if pair == ways.pairs.len() {
        let worth = ways.best(&choice).map(|matching| matching.worth).unwrap_or_default();
        *best = worth.max(best.clone());
        return;
    }
    let (offer, request) = ways.pairs[pair];
    let least = ways.offers[offer].1.minimum.max(ways.requests[request].1.minimum);
    let mut forbids = choice.clone();
    forbids.forbidden[pair] = least > 1;
    try_choices(ways, pair + 1, forbids, best);
    if least > 1 {
        let mut requires = choice;
        requires.required.insert(pair, least);
        let required = |is_here: fn((usize, usize), (usize, usize)) -> bool| -> i64 {
            let here = requires.required.iter().filter(|(at, _)| is_here(ways.pairs[**at], (offer, request)));
            here.map(|(_, lots)| *lots).sum()
        };
        let fits = required(|pair, at| pair.0 == at.0) <= ways.offers[offer].1.quantity
            && required(|pair, at| pair.1 == at.1) <= ways.requests[request].1.quantity;
        if fits {
            try_choices(ways, pair + 1, requires, best);
        }
    }
}

pub(super) fn a_preference() -> impl Strategy<Value = Preference> {
    prop::sample::select(vec![Preference::Surplus, Preference::Priority, Preference::ProRata])
}

fn a_share() -> impl Strategy<Value = Option<Share>> {
    prop_oneof![3 => Just(None), 2 => (300_000_u32..=1_000_000).prop_map(Share::from_millionths)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    /// In quantity, shares and surplus as brute force has it, with and without least lots and caps.
    /// Rules: R-BIL-032, R-BIL-034.
    #[test]
    fn a_round_is_the_best_there_is(
        offers in prop::collection::vec(a_row(4), 1..4),
        requests in prop::collection::vec(a_row(4), 1..4),
        preference in a_preference(),
        caps in (a_share(), a_share()),
        with_minimum in any::<bool>(),
        floor in prop::option::weighted(0.2, 2_i64..5),
    ) {
        let board = board(&offers, &requests, with_minimum);
        let floor = floor.and_then(Price::from_units);
        let rule = RoundRule { origin_cap: caps.0, owner_cap: caps.1, floor, ..rule(preference) };
        let round = hold_round(&board, &rule, 100_000).expect("a board");
        prop_assert_eq!(&round.proof, &Proof::Optimal);
        prop_assert_eq!(check(&board, &rule, &round.deals, &round.worth, round.duals.as_ref()), Ok(()));
        let best = brute_force(&board, &rule);
        if preference == Preference::ProRata && rule.origin_cap.is_some() {
            // Whose shares are raised is settled before the offers are looked at.
            prop_assert!(round.worth.surplus <= best.surplus);
            prop_assert_eq!(Worth { surplus: best.surplus, ..round.worth }, best);
        } else {
            prop_assert_eq!(round.worth, best);
        }
    }

    /// Boards of up to six by six of single lots, which brute force can still go through.
    /// Rules: R-BIL-032.
    #[test]
    fn six_by_six_agrees_with_brute_force(
        offers in prop::collection::vec(a_row(1), 1..7),
        requests in prop::collection::vec(a_row(1), 1..7),
        preference in a_preference(),
    ) {
        let (board, rule) = (board(&offers, &requests, false), rule(preference));
        let round = hold_round(&board, &rule, 1).expect("a board");
        prop_assert_eq!(round.worth, brute_force(&board, &rule));
    }

    /// Boards of up to six by six with least lots, where all choices of deals can still be gone through.
    /// Rules: R-BIL-033.
    #[test]
    fn six_by_six_with_least_lots_is_proved(
        offers in prop::collection::vec(a_row(12), 1..7),
        requests in prop::collection::vec(a_row(12), 1..7),
        preference in a_preference(),
        owner_cap in a_share(),
    ) {
        let (board, rule) = (board(&offers, &requests, true), RoundRule { owner_cap, ..rule(preference) });
        prop_assume!(flow::Ways::new(&board, &rule).pairs.len() <= 14);
        let round = hold_round(&board, &rule, 100_000).expect("a board");
        prop_assert_eq!(&round.proof, &Proof::Optimal);
        prop_assert_eq!(check(&board, &rule, &round.deals, &round.worth, round.duals.as_ref()), Ok(()));
        prop_assert_eq!(round.worth, best_choice(&board, &rule));
    }

    /// The order of the rows changes nothing, and dual prices prove what they should.
    /// Rules: R-BIL-037.
    #[test]
    fn permutation_changes_nothing(
        offers in prop::collection::vec(a_row(9), 1..7),
        requests in prop::collection::vec(a_row(9), 1..6),
        preference in a_preference(),
        caps in (a_share(), a_share()),
        with_minimum in any::<bool>(),
        node_limit in prop::sample::select(vec![3, 2_000]),
        turn in 0_usize..7,
    ) {
        let one = board(&offers, &requests, with_minimum);
        let mut other = one.clone();
        let (of_offers, of_requests) = (turn % one.offers.len(), turn % one.requests.len());
        other.offers.rotate_left(of_offers);
        other.requests.rotate_left(of_requests);
        other.requests.reverse();
        let rule = RoundRule { origin_cap: caps.0, owner_cap: caps.1, ..rule(preference) };
        let named = |board: &Board<'_>| {
            let round = hold_round(board, &rule, node_limit).expect("a board");
            let faults = check(board, &rule, &round.deals, &round.worth, round.duals.as_ref());
            assert_eq!(faults, Ok(()));
            let deals = round.deals.iter().map(|deal| {
                let ids = (board.offers[deal.offer as usize].id, board.requests[deal.request as usize].id);
                (ids.0.to_vec(), ids.1.to_vec(), deal.quantity, deal.price)
            });
            (deals.collect::<Vec<_>>(), round.worth, round.proof, round.nodes)
        };
        prop_assert_eq!(named(&one), named(&other));
    }

    /// Under `surplus` without caps one more offer never makes less be matched.
    #[test]
    fn another_offer_never_lessens_the_quantity(
        offers in prop::collection::vec(a_row(9), 1..7),
        requests in prop::collection::vec(a_row(9), 1..6),
    ) {
        let (all, rule) = (board(&offers, &requests, false), rule(Preference::Surplus));
        let mut fewer = all.clone();
        fewer.offers.pop();
        let quantity = |board: &Board<'_>| hold_round(board, &rule, 1).expect("a board").worth.quantity;
        prop_assert!(quantity(&fewer) <= quantity(&all));
    }

    /// A stopped search has a bound that nothing exceeds, and deals that may be made.
    #[test]
    fn a_bound_is_one(
        offers in prop::collection::vec(a_row(5), 1..4),
        requests in prop::collection::vec(a_row(5), 1..4),
        preference in a_preference(),
        node_limit in 0_u64..4,
    ) {
        let (board, rule) = (board(&offers, &requests, true), rule(preference));
        let round = hold_round(&board, &rule, node_limit).expect("a board");
        prop_assert_eq!(check(&board, &rule, &round.deals, &round.worth, None), Ok(()));
        let best = hold_round(&board, &rule, 1_000_000).expect("a board").worth;
        match round.proof {
            Proof::Optimal => prop_assert_eq!(round.worth, best),
            Proof::Bound(bound) => prop_assert!(round.worth <= best && best <= bound),
        }
    }
}

fn plain(id: &'static str, party: u32, limit: i64, quantity: i64) -> Entry<'static> {
    let day = Day::new(2026, 1, 1).expect("a day");
    Entry {
        id: id.as_bytes(),
        party,
        owner: party,
        material: "gallium",
        grade: "",
        purity: None,
        place: "",
        origin: None,
        first: day,
        last: day,
        minimum: 0,
        quantity,
        limit: Price::from_units(limit).expect("fits"),
        sector: 0,
    }
}

fn prices(board: &Board<'_>, price: PriceRule, floor: Option<i64>) -> Vec<String> {
    let floor = floor.and_then(Price::from_units);
    let round =
        hold_round(board, &RoundRule { price, floor, ..rule(Preference::Surplus) }, 1).expect("a board");
    round.deals.iter().map(|deal| deal.price.to_string()).collect()
}

/// One supplier who asks 100, and what the buyers' limits make of its price.
/// Rules: R-BIL-038.
#[test]
fn a_supplier_has_one_price() {
    let offers = vec![plain("s", 1, 100, 10)];
    let two =
        Board { offers: offers.clone(), requests: vec![plain("x", 11, 150, 6), plain("y", 12, 130, 4)] };
    assert_eq!(
        prices(&two, PriceRule::Uniform, None),
        ["100", "100"],
        "nobody is refused: the seller's limit"
    );
    assert_eq!(prices(&two, PriceRule::Uniform, Some(120)), ["120", "120"], "never below the floor");
    let third = Board {
        requests: vec![plain("x", 11, 150, 6), plain("y", 12, 130, 4), plain("z", 13, 125, 9)],
        ..two.clone()
    };
    assert_eq!(
        prices(&third, PriceRule::Uniform, None),
        ["125", "125"],
        "the highest limit that was refused"
    );
    let part = Board { requests: vec![plain("x", 11, 150, 6), plain("y", 12, 130, 9)], ..two.clone() };
    assert_eq!(
        prices(&part, PriceRule::Uniform, None),
        ["130", "130"],
        "what was refused of a request counts"
    );
    assert_eq!(prices(&two, PriceRule::midpoint(), None), ["125", "115"]);
    assert_eq!(prices(&two, PriceRule::Ask, None), ["100", "100"]);
    let third = "0.333333".parse().expect("a share");
    assert_eq!(prices(&two, PriceRule::Between(third), None), ["116.66665", "109.99999"]);
}

/// By the rule `priority` a request can be refused whose limit is above that of one that is served: the price is the upper end then.
/// Rules: R-BIL-038.
#[test]
fn an_empty_interval_is_cut_to_its_upper_end() {
    let mut first = plain("x", 11, 110, 10);
    let mut second = plain("y", 12, 140, 10);
    (first.sector, second.sector) = (0, 1);
    let board = Board { offers: vec![plain("s", 1, 100, 10)], requests: vec![first, second] };
    let rule = RoundRule { ..rule(Preference::Priority) };
    let round = hold_round(&board, &rule, 1).expect("a board");
    assert_eq!(round.deals.len(), 1);
    assert_eq!((round.deals[0].request, round.deals[0].price.to_string()), (0, "110".into()));
}

/// 10 lots for wishes of 4, 8 and 8 by shares: a half of each; and what `surplus` gives of the same.
/// Rules: R-BIL-032.
#[test]
fn shares_are_as_equal_as_can_be() {
    let requests = vec![plain("x", 11, 110, 4), plain("y", 12, 120, 8), plain("z", 13, 130, 8)];
    let board = Board { offers: vec![plain("s", 1, 100, 10)], requests };
    let lots = |preference| {
        let round = hold_round(&board, &rule(preference), 1).expect("a board");
        round.deals.iter().map(|deal| (deal.request, deal.quantity)).collect::<Vec<_>>()
    };
    assert_eq!(lots(Preference::ProRata), [(0, 2), (1, 4), (2, 4)]);
    assert_eq!(lots(Preference::Surplus), [(1, 2), (2, 8)]);
}

/// With two suppliers in one country and a cap of 65 %, the third supplier's lots decide how much can be matched.
/// Rules: R-BIL-034.
#[test]
fn a_cap_by_origin_is_of_what_is_matched() {
    let from = |id, party, code: &str, quantity| Entry {
        origin: code.parse().ok(),
        ..plain(id, party, 100, quantity)
    };
    let offers = vec![from("a", 1, "CN", 60), from("b", 2, "CN", 60), from("c", 3, "FI", 35)];
    let board = Board { offers, requests: vec![plain("x", 11, 150, 200)] };
    let capped = RoundRule { origin_cap: "0.65".parse().ok(), ..rule(Preference::Surplus) };
    // 65 of 100 lots.
    assert_eq!(hold_round(&board, &capped, 1).expect("a board").worth.quantity, 100);
    let alone = Board { offers: board.offers[..2].to_vec(), ..board.clone() };
    assert_eq!(
        hold_round(&alone, &capped, 1).expect("a board").worth.quantity,
        0,
        "one country cannot be 65 % of itself"
    );
}

/// Of five lots one of two requests that want the same has one more: the one with the lower id, wherever it stands.
/// Rules: R-BIL-035.
#[test]
fn an_owners_part_is_shared_by_ids() {
    let mut requests = vec![plain("x", 11, 150, 8), plain("y", 12, 150, 8), plain("z", 13, 160, 5)];
    requests[1].owner = requests[0].owner;
    let capped = RoundRule { owner_cap: "0.5".parse().ok(), ..rule(Preference::Surplus) };
    for _ in 0..2 {
        let board = Board { offers: vec![plain("s", 1, 100, 10)], requests: requests.clone() };
        let round = hold_round(&board, &capped, 1).expect("a board");
        assert_eq!(check(&board, &capped, &round.deals, &round.worth, round.duals.as_ref()), Ok(()));
        let lots: Vec<(&[u8], i64)> = round
            .deals
            .iter()
            .map(|deal| (board.requests[deal.request as usize].id, deal.quantity))
            .collect();
        assert_eq!(lots, [(&b"x"[..], 3), (&b"y"[..], 2), (&b"z"[..], 5)]);
        requests.reverse();
    }
}

/// Three owners, none of whom may have more than a third but a millionth: whatever is matched, that is too much. With a fourth, who wants
/// only three lots, they take 999,999 each of three million. Going down step by step from what is offered takes tens of millions of flows.
/// Rules: R-BIL-035.
#[test]
fn caps_that_add_up_to_nearly_all_leave_what_others_take() {
    let plenty = 1 << 46;
    let offers = vec![plain("a", 1, 100, plenty)];
    let requests = ["x", "y", "z"].iter().zip(11..).map(|(id, party)| plain(id, party, 150, plenty));
    let mut board = Board { offers, requests: requests.collect() };
    for preference in [Preference::Surplus, Preference::Priority, Preference::ProRata] {
        let capped = RoundRule { owner_cap: "0.333333".parse().ok(), ..rule(preference) };
        let quantity = |board: &Board<'_>| hold_round(board, &capped, 1).expect("a board").worth.quantity;
        assert_eq!(quantity(&board), 0);
        board.requests.push(plain("w", 14, 150, 3));
        assert_eq!(quantity(&board), 3_000_000);
        board.requests.pop();
    }
}

#[test]
fn a_board_that_makes_no_sense_is_refused() {
    let board = |offer: Entry<'static>| Board { offers: vec![offer], requests: vec![plain("x", 11, 150, 6)] };
    let hold = |board: &Board<'_>| hold_round(board, &rule(Preference::Surplus), 1).map(drop);
    assert_eq!(hold(&board(plain("x", 1, 100, 5))), Err(BoardError::Id { row: 1 }));
    assert_eq!(hold(&board(plain("s", 1, 100, 0))), Err(BoardError::Entry { row: 0 }));
    assert_eq!(
        hold(&board(Entry { minimum: 6, ..plain("s", 1, 100, 5) })),
        Err(BoardError::Entry { row: 0 })
    );
    assert_eq!(hold(&board(plain("s", 1, 100, i64::MAX))), Err(BoardError::TooLarge));
}

/// A result that was changed is told from one that was found.
/// Rules: R-BIL-030, R-BIL-033.
#[test]
fn a_changed_result_is_found_out() {
    let offers = vec![plain("s", 1, 100, 10), plain("t", 2, 90, 4)];
    let board = Board { offers, requests: vec![plain("x", 11, 150, 6), plain("y", 12, 130, 9)] };
    let rule = rule(Preference::Surplus);
    let round = hold_round(&board, &rule, 1).expect("a board");
    let check = |deals: &[ProposedDeal], duals| check(&board, &rule, deals, &round.worth, duals);
    let duals = round.duals.as_ref().expect("proved");
    assert_eq!(check(&round.deals, Some(duals)), Ok(()));
    let mut fewer = round.deals.clone();
    fewer[0].quantity -= 1;
    assert_eq!(check(&fewer, None), Err(Fault::Worth));
    let mut more = round.deals.clone();
    more[0].quantity += 20;
    assert!(matches!(check(&more, None), Err(Fault::Quantity { .. })));
    let mut dearer = round.deals.clone();
    dearer[0].price = Price::from_units(200).expect("fits");
    assert!(matches!(check(&dearer, None), Err(Fault::Price { .. })));
    let mut twice = round.deals.clone();
    twice.push(twice[0]);
    assert!(matches!(check(&twice, None), Err(Fault::Lots { .. })));
    let mut less = duals.clone();
    less.requests[0] = (0, 0);
    assert_eq!(check(&round.deals, Some(&less)), Err(Fault::Duals));
}

/// The examples of `matching` (Wilde, Knight and Gillard, Journal of Open Source Software 5, 2020;
/// github.com/daffidwilde/matching, tests at commit 497602eb, MIT).
#[test]
fn published_examples_of_stable_matching() {
    type Lists = &'static [(&'static str, &'static [&'static str])];
    let cases: [(&str, Lists, Lists, u32, Lists); 5] = [
        (
            "sm_pride_prejudice",
            &[
                ("Bingley", &["Jane", "Elizabeth", "Lydia", "Charlotte"]),
                ("Collins", &["Jane", "Elizabeth", "Lydia", "Charlotte"]),
                ("Darcy", &["Elizabeth", "Jane", "Charlotte", "Lydia"]),
                ("Wickham", &["Lydia", "Jane", "Elizabeth", "Charlotte"]),
            ],
            &[
                ("Charlotte", &["Bingley", "Darcy", "Collins", "Wickham"]),
                ("Elizabeth", &["Wickham", "Darcy", "Bingley", "Collins"]),
                ("Jane", &["Bingley", "Wickham", "Darcy", "Collins"]),
                ("Lydia", &["Bingley", "Wickham", "Darcy", "Collins"]),
            ],
            1,
            &[
                ("Jane", &["Bingley"]),
                ("Charlotte", &["Collins"]),
                ("Elizabeth", &["Darcy"]),
                ("Lydia", &["Wickham"]),
            ],
        ),
        (
            "sm_readme",
            &[("A", &["D", "E", "F"]), ("B", &["D", "F", "E"]), ("C", &["F", "D", "E"])],
            &[("D", &["B", "C", "A"]), ("E", &["A", "C", "B"]), ("F", &["C", "B", "A"])],
            1,
            &[("E", &["A"]), ("D", &["B"]), ("F", &["C"])],
        ),
        (
            "hr_readme",
            &[
                ("A", &["C"]),
                ("S", &["C", "M"]),
                ("D", &["C", "M", "G"]),
                ("J", &["C", "G", "M"]),
                ("L", &["M", "C", "G"]),
            ],
            &[("M", &["D", "L", "S", "J"]), ("C", &["D", "A", "S", "L", "J"]), ("G", &["D", "J", "L"])],
            2,
            &[("M", &["L", "S"]), ("C", &["D", "A"]), ("G", &["J"])],
        ),
        (
            "hr_issue67",
            &[
                ("Group 1", &["IP", "Privacy"]),
                ("Group 2", &["Privacy", "Fairness"]),
                ("Group 3", &["Privacy", "Social"]),
            ],
            &[
                ("Fairness", &["Group 2"]),
                ("IP", &["Group 1"]),
                ("Privacy", &["Group 3", "Group 2", "Group 1"]),
                ("Social", &["Group 3"]),
            ],
            2,
            &[("IP", &["Group 1"]), ("Privacy", &["Group 3", "Group 2"]), ("Fairness", &[]), ("Social", &[])],
        ),
        (
            "hr_unmatched",
            &[("A", &["X"]), ("B", &["X", "Y"])],
            &[("X", &["B", "A"]), ("Y", &["B"])],
            1,
            &[("X", &["B"]), ("Y", &[])],
        ),
    ];
    for (name, applicants, hosts, capacity, expected) in cases {
        let number = |of: Lists, name: &str| {
            let found = of.iter().position(|(other, _)| *other == name).expect("it is named");
            u32::try_from(found).expect("few")
        };
        let lists: Vec<Vec<u32>> = applicants
            .iter()
            .map(|(_, list)| list.iter().map(|host| number(hosts, host)).collect())
            .collect();
        let terms: Vec<Host> = hosts
            .iter()
            .map(|(_, list)| Host {
                prefers: list.iter().map(|who| number(applicants, who)).collect(),
                capacity,
            })
            .collect();
        let held = stable_matching(&lists, &terms);
        for (host, taken) in expected {
            let found = &held[number(hosts, host) as usize];
            let found: Vec<&str> = found.iter().map(|who| applicants[*who as usize].0).collect();
            assert_eq!(&found, taken, "{name}: {host}");
        }
    }
}
