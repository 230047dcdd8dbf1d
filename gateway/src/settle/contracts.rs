//! The contracts of a settlement, with their strikes over time.

use std::collections::HashMap;
use std::path::Path;

use golv_engine::cfd::{Payoff, Upside};
use golv_engine::num::{Amount, Currency, HalfWay, Price, Share};
use golv_engine::time::{Calendar, Day, Period};
use indicatif::ProgressBar;

use super::rows::{Columns, InputError, Place, Rows};

const CONTRACTS: Columns = Columns {
    needed: &[
        "contract",
        "party",
        "kind",
        "strike",
        "cap",
        "upside_share",
        "upside_threshold",
        "annual_cap",
        "index",
        "start",
        "end",
        "calendar",
        "reference_minimum",
        "currency",
    ],
    allowed: &["base_strike", "base_index_value", "indexation"],
};

/// The columns of [`CONTRACTS`], by their place in it.
mod column {
    pub(super) const CONTRACT: usize = 0;
    pub(super) const PARTY: usize = 1;
    pub(super) const KIND: usize = 2;
    pub(super) const STRIKE: usize = 3;
    pub(super) const CAP: usize = 4;
    pub(super) const UPSIDE_SHARE: usize = 5;
    pub(super) const UPSIDE_THRESHOLD: usize = 6;
    pub(super) const ANNUAL_CAP: usize = 7;
    pub(super) const INDEX: usize = 8;
    pub(super) const START: usize = 9;
    pub(super) const END: usize = 10;
    pub(super) const CALENDAR: usize = 11;
    pub(super) const REFERENCE_MINIMUM: usize = 12;
    pub(super) const CURRENCY: usize = 13;
    pub(super) const BASE_STRIKE: usize = 14;
    pub(super) const BASE_INDEX_VALUE: usize = 15;
    pub(super) const INDEXATION: usize = 16;
}

const STRIKES: Columns = Columns { needed: &["contract", "from", "strike"], allowed: &[] };
const CPI: Columns = Columns { needed: &["index", "date", "value"], allowed: &[] };

/// Numbers for names, counted from 0 in the order in which they are first met.
#[derive(Default)]
pub(crate) struct Names {
    numbers: HashMap<Vec<u8>, u32>,
    names: Vec<String>,
}

impl Names {
    /// The number of a name, new or known.
    pub(crate) fn number(&mut self, name: &[u8]) -> u32 {
        if let Some(known) = self.find(name) {
            return known;
        }
        let number = u32::try_from(self.names.len()).expect("there are fewer names than a u32 counts");
        self.numbers.insert(name.to_vec(), number);
        self.names.push(String::from_utf8_lossy(name).into_owned());
        number
    }

    /// The number of a name that is known.
    pub(crate) fn find(&self, name: &[u8]) -> Option<u32> {
        self.numbers.get(name).copied()
    }

    /// The name of a number.
    pub(crate) fn name(&self, number: u32) -> &str {
        &self.names[number as usize]
    }

    pub(crate) fn len(&self) -> usize {
        self.names.len()
    }
}

/// A contract.
#[derive(Debug)]
pub(super) struct Contract {
    pub(super) party: u32,
    pub(super) payoff: Payoff,
    pub(super) index: u32,
    /// `None` where it has always run, or runs for ever.
    pub(super) start: Option<Day>,
    pub(super) end: Option<Day>,
    pub(super) calendar: Calendar,
    pub(super) currency: Currency,
    /// What is in force before the first of `strikes`.
    strike: Option<Price>,
    /// From when which strike is in force, in order.
    strikes: Vec<(Day, Price)>,
    indexation: Option<Indexation>,
}

/// How a contract's strike follows an index.
#[derive(Clone, Debug)]
struct Indexation {
    base_strike: Price,
    base_value: Price,
    index: Vec<u8>,
    place: Place,
}

impl Contract {
    /// Whether a day lies between its start and its end.
    pub(super) fn covers(&self, day: Day) -> bool {
        self.start.is_none_or(|start| start <= day) && self.end.is_none_or(|end| day <= end)
    }

    /// The strike in force on the first day of a period that the contract covers.
    pub(super) fn strike(&self, period: Period) -> Option<Price> {
        let day = self.start.map_or(period.first, |start| start.max(period.first));
        let in_force = self.strikes.partition_point(|(from, _)| *from <= day);
        in_force.checked_sub(1).map_or(self.strike, |last| Some(self.strikes[last].1))
    }
}

/// All contracts, in the order of their file, with the names that files know them by.
pub(super) struct Contracts {
    pub(super) all: Vec<Contract>,
    pub(super) names: Names,
    pub(super) parties: Names,
    pub(super) indices: Names,
}

impl Contracts {
    /// Reads contracts, and what their strikes become.
    pub(super) fn read(
        contracts: &Path,
        strikes: Option<&Path>,
        cpi: Option<&Path>,
    ) -> Result<Self, InputError> {
        let mut read = Self {
            all: Vec::new(),
            names: Names::default(),
            parties: Names::default(),
            indices: Names::default(),
        };
        let mut rows = Rows::open(contracts, CONTRACTS, &ProgressBar::hidden())?;
        let mut places: Vec<Place> = Vec::new();
        while rows.next()? {
            let name = rows.bytes(column::CONTRACT);
            if name.is_empty() {
                return Err(rows.error(column::CONTRACT, "is empty; every contract has a name"));
            }
            if let Some(known) = read.names.find(name) {
                let first = places[known as usize].line_in(contracts);
                let reason = format!("is the contract of line {first} too; a name is of one contract");
                return Err(rows.error(column::CONTRACT, &reason));
            }
            let contract = read.contract(&rows)?;
            read.names.number(rows.bytes(column::CONTRACT));
            read.all.push(contract);
            places.push(rows.place());
        }
        if let Some(strikes) = strikes {
            read.read_strikes(strikes)?;
        }
        read.index_strikes(contracts, cpi)?;
        Ok(read)
    }

    fn contract(&mut self, rows: &Rows<'_>) -> Result<Contract, InputError> {
        for (column, what) in [(column::PARTY, "a party"), (column::INDEX, "an index")] {
            if rows.bytes(column).is_empty() {
                return Err(rows.error(column, &format!("is empty; every contract has {what}")));
            }
        }
        let currency = rows.needed(column::CURRENCY)?;
        let strike = rows.optional(column::STRIKE)?;
        let [start, end] = [column::START, column::END];
        let day = |column| if rows.bytes(column).is_empty() { Ok(None) } else { rows.day(column).map(Some) };
        let (start, end) = (day(start)?, day(end)?);
        if start.is_some_and(|start| end.is_some_and(|end| end < start)) {
            return Err(rows.error(column::END, "is before the contract's start"));
        }
        Ok(Contract {
            party: self.parties.number(rows.bytes(column::PARTY)),
            payoff: payoff(rows, strike, currency)?,
            index: self.indices.number(rows.bytes(column::INDEX)),
            start,
            end,
            calendar: rows
                .text(column::CALENDAR)
                .parse()
                .map_err(|unknown| rows.error(column::CALENDAR, &format!("{unknown}")))?,
            currency,
            strike,
            strikes: Vec::new(),
            indexation: indexation(rows)?,
        })
    }

    fn read_strikes(&mut self, file: &Path) -> Result<(), InputError> {
        let mut rows = Rows::open(file, STRIKES, &ProgressBar::hidden())?;
        while rows.next()? {
            let known = self.names.find(rows.bytes(0));
            let contract = known.and_then(|number| self.all.get_mut(number as usize));
            let contract = contract.ok_or_else(|| rows.error(0, "is no contract of the contracts file"))?;
            if contract.indexation.is_some() {
                let reason = "follows an index; a strike is stated from a day on, or indexed, not both";
                return Err(rows.error(0, reason));
            }
            let (from, strike) = (rows.day(1)?, rows.needed(2)?);
            match contract.strikes.binary_search_by_key(&from, |(from, _)| *from) {
                Ok(_) => return Err(rows.error(1, "is there twice for this contract")),
                Err(place) => contract.strikes.insert(place, (from, strike)),
            }
        }
        Ok(())
    }

    /// Works out the strikes of contracts that follow an index: base strike × value ÷ base value from the day of each value
    /// on, rounded half up to the currency's minor unit and always from the base.
    fn index_strikes(&mut self, contracts: &Path, cpi: Option<&Path>) -> Result<(), InputError> {
        let mut values = HashMap::<Vec<u8>, Vec<(Day, Price)>>::new();
        if let Some(cpi) = cpi {
            let mut rows = Rows::open(cpi, CPI, &ProgressBar::hidden())?;
            while rows.next()? {
                let value: Price = rows.needed(2)?;
                if value <= Price::ZERO {
                    return Err(rows.error(2, "is no value of an index, which is above zero"));
                }
                let (day, of_index) = (rows.day(1)?, values.entry(rows.bytes(0).to_vec()).or_default());
                match of_index.binary_search_by_key(&day, |(day, _)| *day) {
                    Ok(_) => return Err(rows.error(1, "is there twice for this index")),
                    Err(place) => of_index.insert(place, (day, value)),
                }
            }
        }
        for contract in &mut self.all {
            let Some(indexation) = contract.indexation.clone() else { continue };
            let wrong = |reason: &str| InputError::Field {
                file: contracts.to_owned(),
                line: indexation.place.line_in(contracts),
                column: CONTRACTS.allowed[column::INDEXATION - CONTRACTS.needed.len()],
                value: String::from_utf8_lossy(&indexation.index).into_owned(),
                reason: reason.to_owned(),
            };
            let of_index = values.get(&indexation.index);
            let of_index = of_index.ok_or_else(|| wrong("is no index that --cpi has values of"))?;
            let unit = Price::from_millionths(contract.currency.minor_unit());
            for &(from, value) in of_index {
                let strike = indexation.base_strike.indexed(value, indexation.base_value, unit, HalfWay::Up);
                let strike = strike.ok_or_else(|| wrong("makes a strike that is larger than can be held"))?;
                contract.strikes.push((from, strike));
            }
        }
        Ok(())
    }
}

/// The payoff that a kind is, of the cells that it needs; those that it does not use are empty.
fn payoff(rows: &Rows<'_>, strike: Option<Price>, currency: Currency) -> Result<Payoff, InputError> {
    let (above, share, unused): (Option<usize>, Option<usize>, &[usize]) = match rows.bytes(column::KIND) {
        b"floor" => {
            (None, None, &[column::CAP, column::UPSIDE_SHARE, column::UPSIDE_THRESHOLD, column::ANNUAL_CAP])
        }
        b"two-way" => (None, None, &[column::CAP, column::UPSIDE_SHARE, column::UPSIDE_THRESHOLD]),
        b"collar" => (Some(column::CAP), None, &[column::UPSIDE_SHARE, column::UPSIDE_THRESHOLD]),
        b"floor-with-upside" => (Some(column::UPSIDE_THRESHOLD), Some(column::UPSIDE_SHARE), &[column::CAP]),
        _ => {
            return Err(rows.error(column::KIND, "is no kind: floor, two-way, collar or floor-with-upside"));
        }
    };
    if let Some(column) = unused.iter().find(|column| !rows.bytes(**column).is_empty()) {
        return Err(
            rows.error(*column, &format!("is not for a {}, so it is left empty", rows.text(column::KIND)))
        );
    }
    let upside = if rows.bytes(column::KIND) == b"floor" {
        None
    } else {
        let above_price = above.map(|column| rows.needed::<Price>(column)).transpose()?;
        if let (Some(column), Some(above), Some(strike)) = (above, above_price, strike)
            && above < strike
        {
            return Err(rows.error(column, &format!("is below the strike {strike}")));
        }
        let share = share.map_or(Ok(Share::WHOLE), |column| rows.needed(column))?;
        let annual_cap: Option<Amount> = rows.optional(column::ANNUAL_CAP)?;
        if annual_cap.is_some_and(|cap| cap.millionths() % currency.minor_unit() != 0) {
            return Err(
                rows.error(column::ANNUAL_CAP, "is no amount that can be paid: it has parts of a minor unit")
            );
        }
        Some(Upside { above: above_price, share, annual_cap, condition: None })
    };
    Ok(Payoff { upside, minimum: rows.optional(column::REFERENCE_MINIMUM)?, ..Payoff::floor() })
}

fn indexation(rows: &Rows<'_>) -> Result<Option<Indexation>, InputError> {
    let columns = [column::BASE_STRIKE, column::BASE_INDEX_VALUE, column::INDEXATION];
    if columns.iter().all(|column| rows.bytes(*column).is_empty()) {
        return Ok(None);
    }
    if let Some(column) = columns.into_iter().find(|column| rows.bytes(*column).is_empty()) {
        let reason = "is empty; base_strike, base_index_value and indexation are stated together";
        return Err(rows.error(column, reason));
    }
    let base_value: Price = rows.needed(column::BASE_INDEX_VALUE)?;
    if base_value <= Price::ZERO {
        return Err(rows.error(column::BASE_INDEX_VALUE, "is no value of an index, which is above zero"));
    }
    let (base_strike, index) = (rows.needed(column::BASE_STRIKE)?, rows.bytes(column::INDEXATION).to_vec());
    Ok(Some(Indexation { base_strike, base_value, index, place: rows.place() }))
}
