//! The `match` target: bytes as a board and a round's rule, and what must hold of every round.
//!
//! [`Case::to_bytes`] writes what [`Case::read`] reads, for the seeds.

mod promises;

use std::collections::BTreeSet;

use golv_engine::bilateral::{
    Board, Entry, Preference, PriceRule, Proof, ProposedDeal, Round, RoundRule, check, hold_round,
};
use golv_engine::num::{Price, Share};
use golv_engine::text::Country;
use golv_engine::time::Day;

use self::promises::{best, is_refusal_right, key, makes_sense, objection, pairs_of, sides};
use crate::bytes::{Bytes, write_number};

/// More than this many entries are not read: what many do, few do too, and each is met by each.
const MOST_ENTRIES: usize = 14;

/// A board, the rule of its round, and for how long the best is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// The rule.
    pub rule: RoundRule,
    /// 2 to this power is the number of partial choices that are looked at.
    pub nodes: u8,
    /// Offers and requests, in their order.
    pub entries: Vec<Given>,
}

/// An entry, as an input gives it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Given {
    /// To request is to buy.
    pub is_request: bool,
    /// Its id, together with its row.
    pub letter: u8,
    /// Whose it is, modulo 4; a request is never an offer's party's.
    pub party: u8,
    /// Its beneficial owner, modulo 4.
    pub owner: u8,
    /// Material, modulo 2.
    pub material: u8,
    /// Grade, modulo 3; 0 where any will do.
    pub grade: u8,
    /// Place, modulo 3; 0 where any will do.
    pub place: u8,
    /// Origin, modulo 3; 0 for anywhere.
    pub origin: u8,
    /// Place of its sector in the order, modulo 3.
    pub sector: u8,
    /// The first day, modulo 8.
    pub first: u8,
    /// The last, so many days later, modulo 8.
    pub days: u8,
    /// How pure, in millionths, if that is said.
    pub purity: Option<u32>,
    /// The least lots of a deal.
    pub minimum: i64,
    /// How many lots.
    pub quantity: i64,
    /// The limit, in millionths.
    pub limit: i64,
    /// How it is broken, so that it must be refused.
    pub broken: Option<Broken>,
}

/// What makes no sense of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// It has the id of whichever else is broken so.
    Id,
    /// Its window ends before it begins.
    Window,
    /// Its numbers are taken as they are.
    Numbers,
}

/// What is there of a case or an entry, one bit each.
mod there {
    pub(super) const FLOOR: u8 = 1;
    pub(super) const ORIGIN_CAP: u8 = 2;
    pub(super) const OWNER_CAP: u8 = 4;

    pub(super) const REQUEST: u8 = 1;
    pub(super) const MINIMUM: u8 = 2;
    pub(super) const PURITY: u8 = 4;
    /// One of these three alone, the lowest bit first.
    pub(super) const ID_BROKEN: u8 = 32;
    pub(super) const WINDOW_BROKEN: u8 = 64;
    pub(super) const NUMBERS_BROKEN: u8 = 128;
}

const PREFERENCES: [Preference; 3] = [Preference::Surplus, Preference::Priority, Preference::ProRata];

impl Case {
    /// Reads a case from any bytes; what is missing at their end is zero.
    pub fn read(input: &[u8]) -> Self {
        let mut bytes = Bytes::of(input);
        let [has, nodes] = [bytes.byte(), bytes.byte() % 9];
        let preference = bytes.one_of(&PREFERENCES);
        let price = match bytes.byte() % 3 {
            0 => PriceRule::Uniform,
            1 => PriceRule::Ask,
            _ => PriceRule::Between(share(bytes.number())),
        };
        let mut number = |bit: u8| (has & bit != 0).then(|| bytes.number());
        let rule = RoundRule {
            preference,
            price,
            floor: number(there::FLOOR).map(Price::from_millionths),
            origin_cap: number(there::ORIGIN_CAP).map(share),
            owner_cap: number(there::OWNER_CAP).map(share),
        };
        let mut entries = Vec::new();
        while !bytes.is_empty() && entries.len() < MOST_ENTRIES {
            entries.push(Given::read(&mut bytes));
        }
        Self { rule, nodes, entries }
    }

    /// The case as bytes. It is read back as it was, if its numbers are those that are read.
    pub fn to_bytes(&self) -> Vec<u8> {
        let rule = &self.rule;
        let bit = |is_there: bool, bit: u8| if is_there { bit } else { 0 };
        let has = bit(rule.floor.is_some(), there::FLOOR)
            | bit(rule.origin_cap.is_some(), there::ORIGIN_CAP)
            | bit(rule.owner_cap.is_some(), there::OWNER_CAP);
        let preference =
            PREFERENCES.iter().position(|one| *one == rule.preference).expect("it is one of all");
        let mut bytes = vec![has, self.nodes, u8::try_from(preference).expect("three")];
        match rule.price {
            PriceRule::Uniform => bytes.push(0),
            PriceRule::Ask => bytes.push(1),
            PriceRule::Between(share) => {
                bytes.push(2);
                write_number(share.millionths().into(), &mut bytes);
            }
        }
        let shares = [rule.origin_cap, rule.owner_cap].map(|cap| cap.map(|cap| cap.millionths().into()));
        let numbers = [rule.floor.map(Price::millionths)].into_iter().chain(shares);
        numbers.flatten().for_each(|number| write_number(number, &mut bytes));
        self.entries.iter().for_each(|given| given.write(&mut bytes));
        bytes
    }
}

fn share(number: i64) -> Share {
    let millionths = u32::try_from(number.unsigned_abs() % 1_000_001).expect("no more than a million");
    Share::from_millionths(millionths).expect("not above one")
}

impl Given {
    fn read(bytes: &mut Bytes<'_>) -> Self {
        let [has, letter, who, goods, days] = [(); 5].map(|()| bytes.byte());
        let quantity = bytes.number();
        let limit = bytes.number();
        let minimum = if has & there::MINIMUM == 0 { 0 } else { bytes.number() };
        let purity = if has & there::PURITY == 0 { None } else { Some(share(bytes.number()).millionths()) };
        let broken = if has & there::ID_BROKEN != 0 {
            Some(Broken::Id)
        } else if has & there::WINDOW_BROKEN != 0 {
            Some(Broken::Window)
        } else {
            (has & there::NUMBERS_BROKEN != 0).then_some(Broken::Numbers)
        };
        let is_raw = broken == Some(Broken::Numbers);
        let quantity = if is_raw { quantity } else { quantity.saturating_abs().max(1) };
        let minimum = if is_raw { minimum } else { minimum.saturating_abs().min(quantity) };
        Self {
            is_request: has & there::REQUEST != 0,
            letter,
            party: who % 4,
            owner: (who >> 2) % 4,
            origin: (who >> 4) % 3,
            material: goods % 2,
            grade: (goods >> 1) % 4 % 3,
            place: (goods >> 3) % 4 % 3,
            sector: (goods >> 5) % 4 % 3,
            first: days % 8,
            days: (days >> 3) % 8,
            purity,
            minimum,
            quantity,
            limit,
            broken,
        }
    }

    fn write(&self, bytes: &mut Vec<u8>) {
        let bit = |is_there: bool, bit: u8| if is_there { bit } else { 0 };
        bytes.extend([
            bit(self.is_request, there::REQUEST)
                | bit(self.minimum != 0, there::MINIMUM)
                | bit(self.purity.is_some(), there::PURITY)
                | bit(self.broken == Some(Broken::Id), there::ID_BROKEN)
                | bit(self.broken == Some(Broken::Window), there::WINDOW_BROKEN)
                | bit(self.broken == Some(Broken::Numbers), there::NUMBERS_BROKEN),
            self.letter,
            self.party | self.owner << 2 | self.origin << 4,
            self.material | self.grade << 1 | self.place << 3 | self.sector << 5,
            self.first | self.days << 3,
        ]);
        write_number(self.quantity, bytes);
        write_number(self.limit, bytes);
        if self.minimum != 0 {
            write_number(self.minimum, bytes);
        }
        if let Some(purity) = self.purity {
            write_number(purity.into(), bytes);
        }
    }

    fn entry<'a>(&self, id: &'a [u8]) -> Entry<'a> {
        let day = |number: u8| Day::new(2026, 1, number + 2).expect("a day of January");
        let first = day(self.first);
        let last = if self.broken == Some(Broken::Window) {
            first.previous().expect("not the first of days")
        } else {
            day(self.first + self.days)
        };
        let origins: [Option<Country>; 3] = ["", "FI", "CN"].map(|code| code.parse().ok());
        Entry {
            id,
            party: u32::from(self.party) + if self.is_request { 10 } else { 0 },
            owner: self.owner.into(),
            material: ["gallium", "germanium"][usize::from(self.material)],
            grade: ["", "4N", "6N"][usize::from(self.grade)],
            purity: self.purity.and_then(Share::from_millionths),
            place: ["", "Rotterdam", "Busan"][usize::from(self.place)],
            origin: origins[usize::from(self.origin)],
            first,
            last,
            minimum: self.minimum,
            quantity: self.quantity,
            limit: Price::from_millionths(self.limit),
            sector: self.sector.into(),
        }
    }
}

/// Any bytes as a board and a rule are refused where they make no sense, and only there; or matched to a round that the checker accepts
/// and no objection is found to, which is the best where that is said, whatever the order of the rows.
pub fn matching(input: &[u8]) {
    let case = Case::read(input);
    let ids: Vec<[u8; 2]> = (1_u8..)
        .zip(&case.entries)
        .map(|(row, given)| if given.broken == Some(Broken::Id) { [0, 0] } else { [given.letter, row] })
        .collect();
    let mut board = Board::default();
    for (id, given) in ids.iter().zip(&case.entries) {
        let side = if given.is_request { &mut board.requests } else { &mut board.offers };
        side.push(given.entry(id));
    }
    let rule = &case.rule;
    let node_limit = 1 << case.nodes;
    let round = match hold_round(&board, rule, node_limit) {
        Ok(round) => round,
        Err(error) => {
            assert!(is_refusal_right(&board, error), "{error:?} {board:?}");
            return;
        }
    };
    assert!(makes_sense(&board), "{board:?}");
    let Round { deals, worth, proof, duals, .. } = &round;
    assert_eq!(check(&board, rule, deals, worth, duals.as_ref()), Ok(()), "{rule:?} {board:?} {round:?}");
    assert_eq!(objection(&board, rule, deals), None, "{rule:?} {board:?} {round:?}");
    is_found_out(&board, rule, &round);

    let lots: Vec<i64> = deals.iter().map(|deal| deal.quantity).collect();
    let found = key(&board, rule, &pairs_of(deals), &lots);
    assert_eq!((found.quantity, found.surplus), (worth.quantity.into(), worth.surplus));
    if let Some(best) = best(&board, rule) {
        assert!(found.compare(&best).is_le(), "{best:?} {rule:?} {board:?} {round:?}");
        match proof {
            // Whose shares are raised is settled before the offers are looked at.
            Proof::Optimal if rule.preference == Preference::ProRata && rule.origin_cap.is_some() => {
                assert!(found.but_for_surplus(&best).is_eq(), "{best:?} {rule:?} {board:?} {round:?}");
            }
            Proof::Optimal => assert!(found.compare(&best).is_eq(), "{best:?} {rule:?} {board:?} {round:?}"),
            Proof::Bound(bound) if rule.preference == Preference::Surplus => {
                let bound = (i128::from(bound.quantity), bound.surplus);
                assert!((best.quantity, best.surplus) <= bound, "{best:?} {rule:?} {board:?} {round:?}");
            }
            Proof::Bound(bound) => assert!(worth <= bound, "{rule:?} {board:?} {round:?}"),
        }
    }

    let mut turned = board.clone();
    turned.offers.reverse();
    turned.requests.reverse();
    let again = hold_round(&turned, rule, node_limit).expect("the same entries");
    assert_eq!(named(&board, deals), named(&turned, &again.deals), "{rule:?} {board:?}");
    assert_eq!((worth, proof, round.nodes), (&again.worth, &again.proof, again.nodes), "{rule:?} {board:?}");
}

type Named = BTreeSet<(Vec<u8>, Vec<u8>, i64, Price)>;

/// Deals by their sides' ids.
fn named(board: &Board<'_>, deals: &[ProposedDeal]) -> Named {
    let name = |deal: &ProposedDeal| {
        let (offer, request) = sides(board, deal);
        (offer.id.to_vec(), request.id.to_vec(), deal.quantity, deal.price)
    };
    deals.iter().map(name).collect()
}

/// A round that was changed is told from one that was found.
fn is_found_out(board: &Board<'_>, rule: &RoundRule, round: &Round) {
    if !round.deals.is_empty() {
        let mut fewer = round.deals.clone();
        fewer[0].quantity -= 1;
        assert!(check(board, rule, &fewer, &round.worth, None).is_err(), "{rule:?} {board:?} {fewer:?}");
        let mut dearer = round.deals.clone();
        let (_, request) = sides(board, &dearer[0]);
        if let Some(above) = request.limit.millionths().checked_add(1) {
            dearer[0].price = Price::from_millionths(above);
            assert!(
                check(board, rule, &dearer, &round.worth, None).is_err(),
                "{rule:?} {board:?} {dearer:?}"
            );
        }
    }
    if let Some(duals) = &round.duals
        && let Some(first) = duals.requests.first()
        && *first > (0, 0)
    {
        let mut less = duals.clone();
        less.requests[0].1 -= 1;
        let checked = check(board, rule, &round.deals, &round.worth, Some(&less));
        assert!(checked.is_err(), "{rule:?} {board:?} {less:?}");
    }
}

/// Seeds, by their names.
pub fn seeds() -> Vec<(&'static str, Case)> {
    let rule = |preference| RoundRule {
        preference,
        price: PriceRule::Uniform,
        floor: None,
        origin_cap: None,
        owner_cap: None,
    };
    let offer = |party, quantity, limit| Given { party, owner: party, quantity, limit, ..Given::default() };
    let request = |party, quantity, limit| Given {
        is_request: true,
        owner: 3 - party,
        ..offer(party, quantity, limit)
    };
    let from = |origin, quantity| Given { origin, ..offer(origin % 2, quantity, 100) };
    let least = |minimum, given| Given { minimum, ..given };
    let of = |grade, sector, given| Given { grade, sector, ..given };
    let case = |rule, entries| Case { rule, nodes: 8, entries };
    let [surplus, priority, pro_rata] = PREFERENCES.map(rule);
    vec![
        (
            "one-supplier-has-one-price",
            case(surplus, vec![offer(0, 10, 100), request(1, 6, 120), request(2, 9, 115)]),
        ),
        (
            "floor-and-midpoint",
            case(
                RoundRule {
                    price: PriceRule::midpoint(),
                    floor: Some(Price::from_millionths(105)),
                    ..surplus
                },
                vec![offer(0, 10, 100), request(1, 6, 121), request(2, 4, 104)],
            ),
        ),
        (
            "asked-prices",
            case(
                RoundRule { price: PriceRule::Ask, ..surplus },
                vec![offer(0, 4, 90), offer(0, 10, 100), request(1, 6, 120), request(1, 6, 95)],
            ),
        ),
        (
            "shares-as-equal-as-can-be",
            case(
                pro_rata,
                vec![offer(0, 10, 100), request(1, 4, 110), request(2, 8, 120), request(2, 8, 127)],
            ),
        ),
        (
            "sectors-in-their-order",
            case(
                priority,
                vec![offer(0, 10, 100), of(0, 2, request(1, 9, 127)), of(0, 0, request(2, 9, 101))],
            ),
        ),
        (
            "origins-are-capped",
            case(
                RoundRule { origin_cap: "0.65".parse().ok(), ..surplus },
                vec![from(1, 60), from(1, 60), from(2, 35), request(2, 200, 120)],
            ),
        ),
        (
            "owners-are-capped",
            case(
                RoundRule { owner_cap: "0.5".parse().ok(), ..pro_rata },
                vec![offer(0, 10, 100), request(1, 8, 120), request(1, 8, 121), request(2, 5, 122)],
            ),
        ),
        (
            "owners-are-capped-and-ids-out-of-order",
            case(
                RoundRule { owner_cap: "0.5".parse().ok(), ..surplus },
                vec![
                    offer(0, 10, 100),
                    Given { letter: 2, ..request(1, 8, 120) },
                    Given { letter: 1, ..request(1, 8, 120) },
                    request(2, 5, 122),
                ],
            ),
        ),
        (
            "least-lots-are-a-choice",
            case(
                surplus,
                vec![
                    least(4, offer(0, 6, 100)),
                    least(3, offer(1, 5, 101)),
                    least(5, request(0, 7, 120)),
                    least(2, request(2, 4, 125)),
                    least(3, request(2, 3, 110)),
                ],
            ),
        ),
        (
            "grades-places-and-days",
            case(
                surplus,
                vec![
                    Given { purity: Some(999_900), days: 2, ..of(1, 0, offer(0, 5, 100)) },
                    Given { place: 1, first: 4, days: 3, ..of(2, 0, offer(1, 5, 90)) },
                    Given { purity: Some(999_000), first: 2, ..of(1, 0, request(0, 4, 120)) },
                    Given { place: 1, first: 6, days: 1, ..of(0, 0, request(2, 8, 120)) },
                    Given { material: 1, ..request(2, 8, 120) },
                ],
            ),
        ),
        ("an-id-twice", case(surplus, vec![Given { broken: Some(Broken::Id), ..offer(0, 1, 1) }; 2])),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(is_request: bool, quantity: i64, limit: i64) -> Given {
        Given { is_request, owner: u8::from(is_request), quantity, limit, ..Given::default() }
    }

    fn two_by_two() -> Case {
        let rule = RoundRule {
            preference: Preference::Priority,
            price: PriceRule::midpoint(),
            floor: Some(Price::from_millionths(7)),
            origin_cap: "0.65".parse().ok(),
            owner_cap: None,
        };
        let entries = vec![
            Given { letter: 9, origin: 2, grade: 1, minimum: 2, ..given(false, 6, 10) },
            Given { party: 3, place: 2, days: 7, first: 7, ..given(false, 1_000, -10) },
            Given { purity: Some(999_999), sector: 2, ..given(true, 7, 30_000) },
            Given { broken: Some(Broken::Numbers), material: 1, ..given(true, -1, 9) },
        ];
        Case { rule, nodes: 8, entries }
    }

    #[test]
    fn a_case_is_read_as_it_was_written() {
        let case = two_by_two();
        assert_eq!(Case::read(&case.to_bytes()), case);
    }

    /// What is said again here would find out a round that is not the best, above a cap, or at another price.
    #[test]
    fn an_objection_is_found() {
        let entries = [given(false, 5, 10), given(true, 3, 20), Given { letter: 1, ..given(true, 4, 30) }];
        let ids = [[0], [1], [2]];
        let entry = |row: usize| entries[row].entry(&ids[row]);
        let board = Board { offers: vec![entry(0)], requests: vec![entry(1), entry(2)] };
        let rule = RoundRule {
            preference: Preference::Surplus,
            price: PriceRule::Ask,
            floor: None,
            origin_cap: None,
            owner_cap: None,
        };
        let round = hold_round(&board, &rule, 1).expect("a board");
        assert_eq!(objection(&board, &rule, &round.deals), None);
        let best = best(&board, &rule).expect("few choices");
        assert_eq!((best.quantity, best.surplus), (5, 4 * 20 + 10));
        let worse = key(&board, &rule, &[(0, 0), (0, 1)], &[3, 2]);
        assert!(worse.compare(&best).is_lt());
        let capped = RoundRule { owner_cap: "0.5".parse().ok(), ..rule };
        assert!(objection(&board, &capped, &round.deals).is_some(), "one owner takes all");
        let mut dearer = round.deals.clone();
        dearer[0].price = Price::from_millionths(11);
        assert!(objection(&board, &rule, &dearer).is_some());
        let mut more = round.deals.clone();
        more[0].quantity += 1;
        assert!(objection(&board, &rule, &more).is_some());
    }
}
