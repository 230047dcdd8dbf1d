//! A board as a CSV file, and the groups whose requests are pooled.
//!
//! The requests of a group become one: their quantities and least quantities add up, its limit is the lowest of theirs, its window what
//! theirs have in common. What it is given is split in proportion to what each wants, by largest remainder, ties to the first row.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use golv_engine::bilateral::{Board, Entry, ProposedDeal};
use golv_engine::num::{Price, pro_rata};
use golv_engine::text::Country;
use golv_engine::time::Day;

use super::Dealt;
use crate::clear::book::{BookError, Columns, Fields, read_rows};

const COLUMNS: Columns = Columns {
    what: "board",
    needed: &["id", "kind", "party", "material", "max_quantity", "limit_price"],
    allowed: &["grade", "min_quantity", "window_start", "window_end", "place", "origin", "sector", "group"],
};

/// A row of a board.
#[derive(Clone, Debug)]
struct Row {
    line: u64,
    id: String,
    is_offer: bool,
    party: String,
    material: String,
    grade: String,
    place: String,
    origin: Option<Country>,
    first: Day,
    last: Day,
    minimum: i64,
    quantity: i64,
    limit: Price,
    sector: String,
    group: String,
}

/// One request, or those of a group as one.
#[derive(Debug)]
struct Wanted {
    pooled: Row,
    /// Ids and quantities of its rows.
    members: Vec<(String, i64)>,
}

/// A board as it was read.
#[derive(Debug)]
pub(super) struct Offered {
    offers: Vec<Row>,
    requests: Vec<Wanted>,
    parties: BTreeMap<String, u32>,
    sectors: BTreeMap<String, u32>,
}

/// Reads a board; `sectors` are in the order of their priority.
pub(super) fn read(source: impl Read, sectors: &[String]) -> Result<Offered, BookError> {
    let rows = read_rows(source, COLUMNS, |fields, _| row(fields))?;
    // A group is a party of its own, whatever its members offer.
    let offering: BTreeSet<&str> =
        rows.iter().filter(|row| row.is_offer).map(|row| row.party.as_str()).collect();
    let is_both = |row: &&Row| !row.group.is_empty() && offering.contains(row.party.as_str());
    if let Some(row) = rows.iter().find(is_both) {
        return Err(error(row, "party", &row.party, "offers too; who offers is in no group"));
    }
    let (offers, requests): (Vec<Row>, Vec<Row>) = rows.into_iter().partition(|row| row.is_offer);
    let mut pools = BTreeMap::<String, usize>::new();
    let mut wanted: Vec<Wanted> = Vec::new();
    for row in requests {
        let known = pools.get(&row.group).copied().filter(|_| !row.group.is_empty());
        match known.and_then(|place| wanted.get_mut(place)) {
            Some(pool) => pool.add(row)?,
            None => {
                pools.insert(row.group.clone(), wanted.len());
                wanted.push(Wanted { members: vec![(row.id.clone(), row.quantity)], pooled: row });
            }
        }
    }
    let parties =
        offers.iter().chain(wanted.iter().map(|wanted| &wanted.pooled)).map(|row| row.party.clone());
    let parties: BTreeSet<String> = parties.collect();
    let parties = parties.into_iter().zip(0..).collect();
    let sectors = sectors.iter().cloned().zip(0..).collect();
    Ok(Offered { offers, requests: wanted, parties, sectors })
}

fn error(row: &Row, column: &'static str, value: &str, reason: &str) -> BookError {
    BookError::Field { line: row.line, column, value: value.to_owned(), reason: reason.to_owned() }
}

fn row(fields: &Fields<'_>) -> Result<Row, BookError> {
    let is_offer = match fields.text("kind") {
        "offer" => true,
        "request" => false,
        _ => return Err(fields.error("kind", "is neither offer nor request".to_owned())),
    };
    let named = |column: &'static str| match fields.text(column) {
        "" => Err(fields.error(column, format!("is no {column}"))),
        text => Ok(text.to_owned()),
    };
    let (quantity, minimum) =
        (fields.needed::<i64>("max_quantity")?, fields.parsed::<i64>("min_quantity")?.unwrap_or(0));
    if quantity <= 0 {
        return Err(fields.error("max_quantity", "is not a positive number of lots".to_owned()));
    }
    if minimum < 0 || minimum > quantity {
        return Err(fields.error("min_quantity", format!("is not between 0 and the max_quantity {quantity}")));
    }
    let (earliest, latest) = (Day::new(1, 1, 1), Day::new(9999, 12, 31));
    let (first, last) =
        (fields.parsed("window_start")?.or(earliest), fields.parsed("window_end")?.or(latest));
    let (Some(first), Some(last)) = (first, last) else {
        unreachable!("the first and the last day are days")
    };
    if last < first {
        return Err(fields.error("window_end", format!("is before the window's start {first}")));
    }
    let group = fields.text("group").to_owned();
    if is_offer && !group.is_empty() {
        return Err(fields.error("group", "is stated by an offer; requests are pooled".to_owned()));
    }
    Ok(Row {
        line: fields.line(),
        id: fields.text("id").to_owned(),
        is_offer,
        party: named("party")?,
        material: named("material")?,
        grade: fields.text("grade").to_owned(),
        place: fields.text("place").to_owned(),
        origin: fields.parsed("origin")?,
        first,
        last,
        minimum,
        quantity,
        limit: fields.needed("limit_price")?,
        sector: fields.text("sector").to_owned(),
        group,
    })
}

impl Wanted {
    /// Pools another row of the group.
    fn add(&mut self, row: Row) -> Result<(), BookError> {
        let pool = &mut self.pooled;
        if row.material != pool.material {
            return Err(error(&row, "material", &row.material, "is another than the group's"));
        }
        if row.sector != pool.sector {
            return Err(error(&row, "sector", &row.sector, "is another than the group's"));
        }
        for (column, own, all) in
            [("grade", &row.grade, &mut pool.grade), ("place", &row.place, &mut pool.place)]
        {
            match (own.is_empty(), all.is_empty()) {
                (false, true) => all.clone_from(own),
                (false, false) if own != all => {
                    return Err(error(&row, column, own, "is another than the group's"));
                }
                _ => {}
            }
        }
        match (row.origin, pool.origin) {
            (Some(own), Some(all)) if own != all => {
                return Err(error(&row, "origin", &own.to_string(), "is another than the group's"));
            }
            (Some(_), None) => pool.origin = row.origin,
            _ => {}
        }
        (pool.first, pool.last) = (pool.first.max(row.first), pool.last.min(row.last));
        if pool.last < pool.first {
            return Err(error(
                &row,
                "window_start",
                &row.first.to_string(),
                "begins a window that has no day in common with the group's",
            ));
        }
        let too_much = |column| {
            error(&row, column, &row.quantity.to_string(), "makes the group want more than can be held")
        };
        pool.quantity = pool.quantity.checked_add(row.quantity).ok_or_else(|| too_much("max_quantity"))?;
        pool.minimum = pool.minimum.checked_add(row.minimum).ok_or_else(|| too_much("min_quantity"))?;
        pool.limit = pool.limit.min(row.limit);
        self.members.push((row.id, row.quantity));
        Ok(())
    }

    /// What each row gets of what all were given, in proportion to what it wants.
    fn shares(&self, given: i64) -> Vec<i64> {
        let wanted: Vec<i64> = self.members.iter().map(|(_, wanted)| *wanted).collect();
        pro_rata(given, &wanted, 1)
    }
}

impl Offered {
    /// The board as the engine takes it.
    pub(super) fn board(&self) -> Board<'_> {
        let last = u32::try_from(self.sectors.len()).unwrap_or(u32::MAX);
        let groups = u32::try_from(self.parties.len()).unwrap_or(u32::MAX);
        let entry = |row: &'_ Row, owner: u32| Entry {
            id: &[],
            party: owner,
            owner,
            material: "",
            grade: "",
            purity: None,
            place: "",
            origin: row.origin,
            first: row.first,
            last: row.last,
            minimum: row.minimum,
            quantity: row.quantity,
            limit: row.limit,
            sector: self.sectors.get(&row.sector).copied().unwrap_or(last),
        };
        fn named<'a>(row: &'a Row, entry: Entry<'a>) -> Entry<'a> {
            Entry {
                id: row.id.as_bytes(),
                material: &row.material,
                grade: &row.grade,
                purity: None,
                place: &row.place,
                ..entry
            }
        }
        let party = |row: &Row| self.parties.get(&row.party).copied().unwrap_or(u32::MAX);
        let offers = self.offers.iter().map(|row| named(row, entry(row, party(row))));
        let requests = (groups..).zip(&self.requests).map(|(number, wanted)| {
            // A group is a party of its own.
            let owner = if wanted.members.len() > 1 { number } else { party(&wanted.pooled) };
            named(&wanted.pooled, entry(&wanted.pooled, owner))
        });
        Board { offers: offers.collect(), requests: requests.collect() }
    }

    /// The deals of rows: what groups were given is split.
    pub(super) fn split(&self, deals: &[ProposedDeal]) -> Vec<Dealt> {
        let of = |request: u32| deals.iter().filter(move |deal| deal.request == request);
        let mut left: Vec<Vec<i64>> = (0..)
            .zip(&self.requests)
            .map(|(request, wanted)| wanted.shares(of(request).map(|deal| deal.quantity).sum()))
            .collect();
        let mut split = Vec::new();
        for deal in deals {
            let (offer, request) = (deal.offer as usize, deal.request as usize);
            let mut quantity = deal.quantity;
            for ((id, _), left) in self.requests[request].members.iter().zip(&mut left[request]) {
                let part = quantity.min(*left);
                if part > 0 {
                    let offer = self.offers[offer].id.clone();
                    split.push(Dealt { offer, request: id.clone(), quantity: part, price: deal.price });
                }
                (quantity, *left) = (quantity - part, *left - part);
            }
        }
        split
    }

    /// The rows that have no deal, offers first.
    pub(super) fn without_deal<'a>(&'a self, deals: &'a [Dealt]) -> impl Iterator<Item = &'a str> {
        let dealt: BTreeSet<&str> =
            deals.iter().flat_map(|deal| [deal.offer.as_str(), deal.request.as_str()]).collect();
        let offers = self.offers.iter().map(|row| row.id.as_str());
        let requests = self.requests.iter().flat_map(|wanted| &wanted.members).map(|(id, _)| id.as_str());
        offers.chain(requests).filter(move |id| !dealt.contains(id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "id,kind,party,material,grade,min_quantity,max_quantity,limit_price,window_start,window_end,place,origin,sector,group\n";

    fn read_text(rows: &str) -> Result<Offered, BookError> {
        read(format!("{HEAD}{rows}").as_bytes(), &["chips".to_owned()])
    }

    #[test]
    fn a_group_is_one_request_and_split_after() {
        let rows = "o1,offer,Mine,gallium,,,7,100,,,,FI,,\n\
                    r1,request,A,gallium,4N,1,6,150,2026-01-01,2026-06-30,,,chips,g\n\
                    r2,request,B,gallium,,,3,140,2026-03-01,2026-12-31,Rotterdam,,chips,g\n\
                    r3,request,C,gallium,,,5,90,,,,,,\n";
        let offered = read_text(rows).expect("a board");
        let board = offered.board();
        let pooled = board.requests[0];
        assert_eq!((pooled.quantity, pooled.minimum, pooled.limit.to_string()), (9, 1, "140".into()));
        assert_eq!((pooled.grade, pooled.place), ("4N", "Rotterdam"));
        assert_eq!(
            (pooled.first.to_string(), pooled.last.to_string()),
            ("2026-03-01".into(), "2026-06-30".into())
        );
        assert_eq!((pooled.sector, board.requests[1].sector), (0, 1));
        // 7 lots at 6 : 3 are 4.67 and 2.33.
        let deal = ProposedDeal { offer: 0, request: 0, quantity: 7, price: pooled.limit };
        let split = offered.split(&[deal]);
        let parts: Vec<_> = split.iter().map(|deal| (deal.request.as_str(), deal.quantity)).collect();
        assert_eq!(parts, [("r1", 5), ("r2", 2)]);
        assert_eq!(offered.without_deal(&split).collect::<Vec<_>>(), ["r3"]);
    }

    #[test]
    fn what_cannot_be_read_is_named_by_line_and_column() {
        let group = "r1,request,A,gallium,4N,1,6,150,2026-01-01,2026-06-30,,,,g\n";
        for (rows, said) in [
            ("o1,bid,A,gallium,,,1,1,,,,,,\n", "line 2, column kind: 'bid' is neither offer nor request"),
            ("o1,offer,,gallium,,,1,1,,,,,,\n", "line 2, column party: '' is no party"),
            (
                "o1,offer,A,gallium,,,1.5,1,,,,,,\n",
                "line 2, column max_quantity: '1.5' is not a whole number",
            ),
            ("o1,offer,A,gallium,,,0,1,,,,,,\n", "line 2, column max_quantity: '0' is not a positive"),
            ("o1,offer,A,gallium,,3,2,1,,,,,,\n", "line 2, column min_quantity: '3' is not between 0"),
            (
                "o1,offer,A,gallium,,,2,1,2026-02-01,2026-01-01,,,,\n",
                "line 2, column window_end: '2026-01-01' is before",
            ),
            ("o1,offer,A,gallium,,,2,1,,,,,,g\n", "line 2, column group: 'g' is stated by an offer"),
            (
                &format!("{group}r2,request,B,gallium,6N,,2,1,,,,,,g\n"),
                "line 3, column grade: '6N' is another",
            ),
            (
                &format!("{group}r2,request,B,gallium,,,2,1,2026-07-01,,,,,g\n"),
                "line 3, column window_start: '2026-07-01' begins",
            ),
            (
                &format!("{group}r1,request,B,gallium,,,2,1,,,,,,\n"),
                "line 3, column id: 'r1' is the id of line 2 too",
            ),
        ] {
            let error = read_text(rows).expect_err("refused").to_string();
            assert!(error.starts_with(said), "{error}");
        }
        let error = read("id,kind\n".as_bytes(), &[]).expect_err("refused").to_string();
        assert!(error.starts_with("the board has no column party"), "{error}");
    }
}
