//! The offers of a support auction as a CSV file.

use std::collections::BTreeMap;
use std::io::Read;

use golv_engine::num::{Price, Quantity};
use golv_engine::support::{Offer, SupportRule};
use golv_engine::text::{Country, Name};

use crate::clear::book::{BookError, Columns, Fields, read_rows};

const COLUMNS: Columns = Columns {
    what: "book",
    needed: &["id", "price", "quantity"],
    allowed: &["min_quantity", "received", "owner", "origin", "technology", "year", "quality", "unit"],
};

/// A row of a book of offers.
#[derive(Debug)]
pub(super) struct Row {
    /// The line of the file that it begins at, counted from 1.
    pub(super) line: u64,
    pub(super) id: String,
    price: Price,
    quantity: Quantity,
    min_quantity: Quantity,
    received: i64,
    /// Empty where none is stated: then it is its own.
    owner: String,
    origin: Option<Country>,
    technology: Option<u16>,
    year: u16,
    quality: Quantity,
    unit: String,
}

/// Reads a book of offers that a rule's technologies are looked up for.
pub(super) fn read(source: impl Read, rule: &SupportRule) -> Result<Vec<Row>, BookError> {
    read_rows(source, COLUMNS, |fields, place| row(fields, place, rule))
}

fn row(fields: &Fields<'_>, place: i64, rule: &SupportRule) -> Result<Row, BookError> {
    let technology = fields.parsed::<Name>("technology")?.map(|name| {
        let number = rule.technologies.iter().position(|technology| technology.name == name);
        number.and_then(|number| u16::try_from(number).ok()).ok_or_else(|| {
            let known: Vec<&str> = rule.technologies.iter().map(|one| one.name.as_str()).collect();
            let known = if known.is_empty() { "the rule has none".to_owned() } else { known.join(", ") };
            fields.error("technology", format!("is no technology of the rule: {known}"))
        })
    });
    Ok(Row {
        line: fields.line(),
        id: fields.text("id").to_owned(),
        price: fields.needed("price")?,
        quantity: fields.needed("quantity")?,
        min_quantity: fields.parsed("min_quantity")?.unwrap_or(Quantity::ZERO),
        received: fields.parsed("received")?.unwrap_or(place),
        owner: fields.text("owner").to_owned(),
        origin: fields.parsed("origin")?,
        technology: technology.transpose()?,
        year: fields.parsed("year")?.unwrap_or(0),
        quality: fields.parsed("quality")?.unwrap_or(Quantity::ZERO),
        unit: fields.text("unit").to_owned(),
    })
}

/// The rows as they are awarded. Owners and units are numbered as they come; an offer without an owner has one of its own.
pub(super) fn offers(rows: &[Row]) -> Vec<Offer<'_>> {
    let (mut owners, mut units) = (BTreeMap::new(), BTreeMap::new());
    let mut offers = Vec::with_capacity(rows.len());
    for row in rows {
        let next = u32::try_from(owners.len()).unwrap_or(u32::MAX);
        let owner = if row.owner.is_empty() { (false, row.id.as_str()) } else { (true, row.owner.as_str()) };
        let owner_group = *owners.entry(owner).or_insert(next);
        let next = u64::try_from(units.len()).unwrap_or(u64::MAX);
        let unit = (!row.unit.is_empty()).then(|| *units.entry(row.unit.as_str()).or_insert(next));
        let Row { price, quantity, min_quantity, received, origin, technology, year, quality, .. } = *row;
        offers.push(Offer {
            id: row.id.as_bytes(),
            price,
            quantity,
            min_quantity,
            received,
            owner_group,
            origin,
            technology,
            year,
            quality,
            unit,
        });
    }
    offers
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule() -> SupportRule {
        let text = include_str!("../../../../engine/rules/support/stacked-budget.toml");
        toml::from_str(text).expect("a rule")
    }

    #[test]
    fn offers_are_read_with_what_they_leave_out() {
        let text = "id,price,quantity,technology,year,owner,unit\n\
                    a,50,10,solar,2015,One,x\nb,60,5,onshore wind,2016,,x\nc,70,1,solar,2016,One,\n";
        let rows = read(text.as_bytes(), &rule()).expect("a book");
        let offers = offers(&rows);
        assert_eq!(
            offers.iter().map(|offer| offer.technology).collect::<Vec<_>>(),
            [Some(1), Some(0), Some(1)]
        );
        assert_eq!(offers[0].owner_group, offers[2].owner_group);
        assert_ne!(offers[0].owner_group, offers[1].owner_group);
        assert_eq!((offers[0].unit, offers[2].unit), (offers[1].unit, None));
        assert_eq!((offers[1].received, offers[1].year, rows[2].line), (1, 2016, 4));
    }

    #[test]
    fn what_cannot_be_read_is_named_by_line_and_column() {
        for (text, said) in [
            ("id,price,quantity\na,,1\n", "line 2, column price: '' is no price"),
            (
                "id,price,quantity,technology\na,1,1,tidal\n",
                "line 2, column technology: 'tidal' is no technology",
            ),
            ("id,price,quantity,origin\na,1,1,fi\n", "line 2, column origin: 'fi' cannot be read"),
            ("id,price,quantity,year\na,1,1,70000\n", "line 2, column year: '70000' is too large"),
            ("id,price,quantity,side\na,1,1,buy\n", "the book has a column 'side' that is not known"),
        ] {
            let error = read(text.as_bytes(), &rule()).expect_err("refused").to_string();
            assert!(error.starts_with(said), "{error}");
        }
    }
}
