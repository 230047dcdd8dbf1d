//! From the text of a scenario file to a scenario: everything is checked here, and what is wrong is told by line.

use std::collections::BTreeMap;
use std::ops::{Range, RangeInclusive};

use golv_engine::cfd::{Measure, Payoff, Suspension, Upside};
use golv_engine::digest::Digest;
use golv_engine::market::{Market, Unit};
use golv_engine::money::Backing;
use golv_engine::num::{Amount, Price, Quantity, Share};
use golv_engine::time::{Calendar, Month};
use sha2::{Digest as _, Sha256};
use toml::Spanned;

use super::file::{
    BackingWord, BehaviourTable, BehaviourWord, BuyerTable, EveryWord, File, FillWord, MarketTable,
    MeasureWord, PolicyTable, PolicyWord, PricesTable, ProducerTable, SettleWord, ShockTable, ShockWord,
    StepTable, StrategyWord, TradeWord, UnitWord,
};
use super::value::Text;
use super::{
    At, Award, Behaviour, Buyer, Contracts, Design, Every, Intermediary, Investment, Kind, Policy,
    PriceSource, Producer, Programme, Scenario, Shock, ShockKind, Step, Trade,
};
use crate::prices::{Fill, Mass, Series, SeriesError};

/// What is wrong with a scenario file.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// It is not TOML, a key is not known, or a value cannot be read.
    #[error("{}{message}", place(*.line))]
    Text {
        /// The line, counted from 1; `None` where it is not known.
        line: Option<usize>,
        /// What is wrong there.
        message: String,
    },
    /// It reads, but contradicts itself.
    #[error("{}{fault}", place(*.line))]
    Fault {
        /// The line of the table or value, counted from 1; `None` where a table is missing.
        line: Option<usize>,
        /// What is wrong.
        fault: Fault,
    },
    /// A price file cannot be read as a series.
    #[error("line {line}: the price series '{file}'")]
    Series {
        /// The line that names it.
        line: usize,
        /// The file.
        file: String,
        /// What is wrong with it.
        source: SeriesError,
    },
    /// A price file cannot be opened.
    #[error("line {line}: the price series '{file}'")]
    File {
        /// The line that names it.
        line: usize,
        /// The file.
        file: String,
        /// What the system says.
        source: std::io::Error,
    },
}

fn place(line: Option<usize>) -> String {
    line.map_or_else(String::new, |line| format!("line {line}: "))
}

/// How a scenario contradicts itself.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The last month comes before the first.
    #[error("the last month comes before the first")]
    MonthsCrossed,
    /// The months are not within what is played.
    #[error("a scenario lies within the years {} to {}", YEARS.start(), YEARS.end())]
    MonthsOutOfReach,
    /// A policy or shock lies outside the scenario's months.
    #[error("it covers months that are not played: {first} to {last} are")]
    MonthsOutside {
        /// The first month that is played.
        first: Month,
        /// The last one.
        last: Month,
    },
    /// The months are not whole quarters or years.
    #[error("by {0} months, the first month begins such a stretch of the year and the last one ends one")]
    MonthsOfTrade(u8),
    /// No such series.
    #[error(
        "there is no series '{0}': golv sim prices lists them; a file of your own ends in .csv or .parquet"
    )]
    UnknownSeries(String),
    /// A file of one's own does not say what its prices are.
    #[error("a price file of your own needs '{0}' beside it")]
    OwnSeries(&'static str),
    /// A catalogue's series says itself what its prices are.
    #[error("'{0}' is for a price file of your own; what a series of the catalogue is in is known")]
    KnownSeries(&'static str),
    /// There is nobody on a side.
    #[error("there is no {0}")]
    Nobody(&'static str),
    /// Steps do not make a whole.
    #[error("the parts of '{0}' add up to {1}, not to 1")]
    PartsNotWhole(&'static str, String),
    /// A step has no price, or two.
    #[error("a step of '{0}' has either 'price' or 'index'")]
    StepPrice(&'static str),
    /// A key is missing.
    #[error("'{key}' is missing, which {what} needs")]
    Missing {
        /// The key.
        key: &'static str,
        /// What needs it.
        what: &'static str,
    },
    /// A key has no meaning here.
    #[error("'{key}' has no meaning for {what}")]
    Meaningless {
        /// The key.
        key: &'static str,
        /// For what.
        what: &'static str,
    },
    /// A price is not on the market's grid.
    #[error("'{key}' is {price}; prices of this market are multiples of {tick} from {lowest} to {highest}")]
    OffGrid {
        /// The key.
        key: &'static str,
        /// The price.
        price: Price,
        /// The tick.
        tick: Price,
        /// The lowest price.
        lowest: Price,
        /// The highest price.
        highest: Price,
    },
    /// The market's grid makes no sense.
    #[error("the tick must be above zero, and the lowest price below the highest, both multiples of it")]
    Grid,
    /// Amounts would not be whole cents.
    #[error("tick × lot must be a whole multiple of the currency's smallest unit")]
    GridTooFine,
    /// Somebody makes or wants more than the market can hold.
    #[error("'{key}' is more than {most}, the largest quantity that fits at this market's highest price")]
    TooMuch {
        /// The key.
        key: &'static str,
        /// The most.
        most: Quantity,
    },
    /// A quantity is not a multiple of the lot.
    #[error("'{0}' is no multiple of the market's lot, or zero")]
    OffLot(&'static str),
    /// Two prices are the wrong way round.
    #[error("'{0}' must not be above '{1}'")]
    Crossed(&'static str, &'static str),
    /// A table's key cannot stand in names of files and rows.
    #[error("'{0}' is no key: letters from a to z, digits, - and _ make one")]
    Key(String),
    /// No producer of that key.
    #[error("there is no producer '{0}'")]
    UnknownProducer(String),
    /// A policy would support nobody.
    #[error("no producer comes from the policy's origins")]
    NoOrigin,
    /// Nothing is built over no time.
    #[error("an investment is earned over at least one year")]
    NoYears,
    /// Too many take part.
    #[error("at most {0} take part on a side")]
    TooMany(usize),
}

/// The most producers, and the most buyers.
const SIDE_MAX: usize = 1_000;

/// The years that can be played: with them, with the largest quantity and with [`SIDE_MAX`], whatever a play adds up is a number that fits.
const YEARS: RangeInclusive<i32> = 1900..=2199;

/// The largest quantity of a bid in any market, in millionths: a hundred million units.
const LARGEST: i64 = 100_000_000_000_000;

type Wrong = (Option<Range<usize>>, Fault);

impl Scenario {
    /// Reads a scenario; `open` gives the text of a price file of the user's own, by the name that the scenario has for it: as
    /// [`crate::prices::text_of`] does, where files are meant.
    ///
    /// # Errors
    /// [`ScenarioError`], for the first thing that is wrong.
    pub fn read(
        text: &str,
        open: &dyn Fn(&str) -> Result<String, std::io::Error>,
    ) -> Result<Self, ScenarioError> {
        let line_of = |at: usize| text[..at.min(text.len())].matches('\n').count() + 1;
        let file: File = toml::from_str(text).map_err(|error| ScenarioError::Text {
            line: error.span().map(|span| line_of(span.start)),
            message: error.message().to_owned(),
        })?;
        let series = prices(&file.prices, open, &line_of)?;
        scenario(&file, series, text).map_err(|(span, fault)| ScenarioError::Fault {
            line: span.map(|span| line_of(span.start)),
            fault,
        })
    }
}

fn prices(
    table: &Spanned<PricesTable>,
    open: &dyn Fn(&str) -> Result<String, std::io::Error>,
    line_of: &dyn Fn(usize) -> usize,
) -> Result<PriceSource, ScenarioError> {
    let PricesTable { series, currency, unit, fill } = table.get_ref();
    let fill = fill.map(|fill| match fill {
        FillWord::Last => Fill::Last,
        FillWord::Linear => Fill::Linear,
    });
    let line = line_of(series.span().start);
    let fault = |fault| ScenarioError::Fault { line: Some(line), fault };
    let name = series.get_ref().clone();
    let series = if name.ends_with(".csv") || name.ends_with(".parquet") {
        let Text(currency) = currency.ok_or_else(|| fault(Fault::OwnSeries("currency")))?;
        let unit = unit.as_ref().ok_or_else(|| fault(Fault::OwnSeries("unit")))?;
        let mass: Mass = unit.get_ref().parse().map_err(|error| ScenarioError::Text {
            line: Some(line_of(unit.span().start)),
            message: format!("{error}"),
        })?;
        let file = name.clone();
        let text = open(&name).map_err(|source| ScenarioError::File { line, file, source })?;
        Series::parse(name.clone(), currency, mass, &text).map_err(|source| ScenarioError::Series {
            line,
            file: name,
            source,
        })?
    } else {
        for (key, is_there) in [("currency", currency.is_some()), ("unit", unit.is_some())] {
            if is_there {
                return Err(fault(Fault::KnownSeries(key)));
            }
        }
        Series::named(&name).ok_or_else(|| fault(Fault::UnknownSeries(name)))?
    };
    Ok(PriceSource { series, fill })
}

fn scenario(file: &File, prices: PriceSource, text: &str) -> Result<Scenario, Wrong> {
    let market = market(&file.market)?;
    let (time, at) = (file.time.get_ref(), Some(file.time.span()));
    let (Text(first), Text(last)) = (time.first, time.last);
    if last < first {
        return Err((at, Fault::MonthsCrossed));
    }
    if !YEARS.contains(&first.year()) || !YEARS.contains(&last.year()) {
        return Err((at, Fault::MonthsOutOfReach));
    }
    let every = match time.every {
        EveryWord::Month => Every::Month,
        EveryWord::Quarter => Every::Quarter,
        EveryWord::Year => Every::Year,
    };
    let months = every.months();
    if !(first.month() - 1).is_multiple_of(months) || !last.month().is_multiple_of(months) {
        return Err((at, Fault::MonthsOfTrade(months)));
    }
    for (what, count) in [("producer", file.producer.len()), ("buyer", file.buyer.len())] {
        match count {
            0 => return Err((None, Fault::Nobody(what))),
            1..=SIDE_MAX => {}
            _ => return Err((None, Fault::TooMany(SIDE_MAX))),
        }
    }
    let at = |span: Range<usize>| move |fault| (Some(span), fault);
    let keys = file.producer.iter().map(|(key, table)| (key, table.span()));
    let keys = keys.chain(file.buyer.iter().map(|(key, table)| (key, table.span())));
    let mut keys = keys.chain(file.policy.iter().map(|(key, table)| (key, table.span())));
    if let Some((key, span)) = keys.find(|(key, _)| !is_key(key)) {
        return Err((Some(span), Fault::Key(key.clone())));
    }
    let producers = file.producer.iter();
    let producers = producers.map(|(key, table)| producer(key, table.get_ref()).map_err(at(table.span())));
    let producers: Vec<Producer> = producers.collect::<Result<_, _>>()?;
    let most = market.largest;
    let too_much = |key, span| (Some(span), Fault::TooMuch { key, most });
    let made = file.producer.values().find(|table| table.get_ref().capacity.0.high() > most);
    let wanted = file.buyer.values().find(|table| table.get_ref().demand.0.high() > most);
    if let Some(table) = made {
        return Err(too_much("capacity", table.span()));
    }
    if let Some(table) = wanted {
        return Err(too_much("demand", table.span()));
    }
    let buyers = file.buyer.iter();
    let buyers = buyers.map(|(key, table)| buyer(key, table.get_ref()).map_err(at(table.span())));
    let buyers = buyers.collect::<Result<_, _>>()?;
    let months = [first, last];
    let policies = file.policy.iter().map(|(key, table)| {
        let kind = kind(table.get_ref(), &market, months, &producers);
        let kind = kind.map_err(|(span, fault)| (span.or(Some(table.span())), fault))?;
        let name = table.get_ref().name.clone().unwrap_or_else(|| key.clone());
        Ok(Policy { key: key.clone(), name, kind })
    });
    let policies: Vec<Policy> = policies.collect::<Result<_, _>>()?;
    if policies.is_empty() {
        return Err((None, Fault::Nobody("policy; one of kind no-support does nothing")));
    }
    let shocks = file.shock.iter().map(|table| shock(table.get_ref(), months).map_err(at(table.span())));
    Ok(Scenario {
        title: file.title.clone(),
        summary: file.summary.clone(),
        seed: file.seed,
        trade: match file.market.get_ref().trade {
            TradeWord::Call => Trade::Call,
            TradeWord::Rounds => Trade::Rounds,
        },
        every,
        first,
        last,
        prices,
        discount_rate: file.discount_rate.map_or(Share::NONE, |Text(rate)| rate),
        shocks: shocks.collect::<Result<_, _>>()?,
        hash: Digest(Sha256::digest(text).into()),
        market,
        producers,
        buyers,
        policies,
    })
}

/// Whether a key can be part of a file's name, a drawing's ids and a row.
fn is_key(key: &str) -> bool {
    let is_plain = |letter: u8| letter.is_ascii_alphanumeric() || letter == b'-' || letter == b'_';
    !key.is_empty() && key.bytes().all(is_plain)
}

fn market(table: &Spanned<MarketTable>) -> Result<Market, Wrong> {
    let at = Some(table.span());
    let table = table.get_ref();
    let (Text(tick), Text(lowest), Text(highest)) = (table.tick, table.lowest, table.highest);
    let lot = table.lot.map_or_else(|| Quantity::from_units(1), |Text(lot)| Some(lot));
    let lot = lot.filter(|lot| !lot.is_zero()).ok_or((at.clone(), Fault::OffLot("lot")))?;
    let minor = i128::from(table.currency.0.minor_unit()) * 1_000_000;
    if (i128::from(tick.millionths()) * i128::from(lot.millionths())) % minor != 0 {
        return Err((at, Fault::GridTooFine));
    }
    let on_grid = tick > Price::ZERO && lowest.is_on(tick) && highest.is_on(tick);
    if !on_grid || lowest >= highest {
        return Err((at, Fault::Grid));
    }
    // The largest bid at the highest price is an amount that fits, with room for twenty of them.
    let widest = i128::from(lowest.millionths().abs().max(highest.millionths().abs()));
    let most = i128::from(i64::MAX) / 20 * 1_000_000 / widest;
    let most = i64::try_from(most).unwrap_or(i64::MAX).min(LARGEST);
    let largest = most / lot.millionths() * lot.millionths();
    let largest = Quantity::from_millionths(largest).filter(|largest| !largest.is_zero());
    Ok(Market {
        name: table.material.0.clone(),
        unit: match table.unit {
            UnitWord::Kilogram => Unit::Kilogram,
            UnitWord::Tonne => Unit::Tonne,
        },
        currency: table.currency.0,
        largest: largest.ok_or((at, Fault::Grid))?,
        lot,
        tick,
        lowest,
        highest,
    })
}

fn producer(key: &str, table: &ProducerTable) -> Result<Producer, Fault> {
    let investment = table.investment.as_ref().map(|investment| Investment {
        capital: investment.capital.0,
        years: investment.years,
        build_months: investment.build_months,
    });
    if investment.is_some_and(|investment| investment.years == 0) {
        return Err(Fault::NoYears);
    }
    Ok(Producer {
        key: key.to_owned(),
        name: table.name.0.clone(),
        origin: table.origin.0,
        owner: table.owner.clone().unwrap_or_else(|| key.to_owned()),
        capacity: table.capacity.0,
        costs: steps("cost", &table.cost)?,
        elsewhere: table.elsewhere.map(|Text(ratio)| ratio),
        fixed: table.fixed.map_or(Amount::ZERO, |Text(fixed)| fixed),
        reserves: table.reserves.map(|Text(reserves)| reserves),
        behaviour: behaviour(table.behaviour.as_ref(), false)?,
        investment,
    })
}

fn buyer(key: &str, table: &BuyerTable) -> Result<Buyer, Fault> {
    Ok(Buyer {
        key: key.to_owned(),
        name: table.name.0.clone(),
        demand: table.demand.0,
        worth: steps("worth", &table.worth)?,
        behaviour: behaviour(table.behaviour.as_ref(), true)?,
    })
}

fn steps(key: &'static str, table: &[StepTable]) -> Result<Vec<Step>, Fault> {
    let step = |step: &StepTable| {
        let at = match (step.price, step.index) {
            (Some(Text(price)), None) => At::Price(price),
            (None, Some(Text(index))) => At::Index(index),
            _ => return Err(Fault::StepPrice(key)),
        };
        let part = step.part.map_or(Share::WHOLE, |Text(part)| part);
        Ok(Step { part, at })
    };
    let steps: Vec<Step> = table.iter().map(step).collect::<Result<_, _>>()?;
    let sum: i64 = steps.iter().map(|step| i64::from(step.part.millionths())).sum();
    if sum == 1_000_000 {
        Ok(steps)
    } else {
        Err(Fault::PartsNotWhole(key, Price::from_millionths(sum).to_string()))
    }
}

fn behaviour(table: Option<&BehaviourTable>, is_buyer: bool) -> Result<Behaviour, Fault> {
    let Some(table) = table else { return Ok(Behaviour::Truthful) };
    let &BehaviourTable { kind, rule, margin, step, keep, ask } = table;
    let missing = |key, what| Fault::Missing { key, what };
    let (found, what, used): (_, _, &[&str]) = match (kind, rule) {
        (BehaviourWord::Truthful, _) => (Behaviour::Truthful, "a truthful bidder", &[]),
        (BehaviourWord::Shaded, _) => {
            let what = "a shaded bid";
            let Text(margin) = margin.ok_or(missing("margin", what))?;
            (Behaviour::Shaded { margin }, what, &["margin"])
        }
        (BehaviourWord::Strategic, None) => return Err(missing("rule", "a strategic bidder")),
        (BehaviourWord::Strategic, Some(StrategyWord::LastPrice)) => {
            let what = "the rule last-price";
            let Text(step) = step.ok_or(missing("step", what))?;
            (Behaviour::LastPrice { step }, what, &["rule", "step"])
        }
        (BehaviourWord::Strategic, Some(_)) if is_buyer => {
            return Err(Fault::Meaningless { key: "rule", what: "a buyer, but last-price" });
        }
        (BehaviourWord::Strategic, Some(StrategyWord::Withhold)) => {
            let what = "the rule withhold";
            let Text(keep) = keep.ok_or(missing("keep", what))?;
            let Text(ask) = ask.ok_or(missing("ask", what))?;
            (Behaviour::Withhold { keep, ask }, what, &["rule", "keep", "ask"])
        }
        (BehaviourWord::Strategic, Some(StrategyWord::Dump)) => {
            let what = "the rule dump";
            let Text(ask) = ask.ok_or(missing("ask", what))?;
            (Behaviour::Dump { ask }, what, &["rule", "ask"])
        }
    };
    let there = [
        ("rule", rule.is_some()),
        ("margin", margin.is_some()),
        ("step", step.is_some()),
        ("keep", keep.is_some()),
        ("ask", ask.is_some()),
    ];
    match there.into_iter().find(|(key, is_there)| *is_there && !used.contains(key)) {
        Some((key, _)) => Err(Fault::Meaningless { key, what }),
        None => Ok(found),
    }
}

fn shock(table: &ShockTable, [first, last]: [Month; 2]) -> Result<Shock, Fault> {
    let Text(share) = table.share;
    let origin = |what| table.origin.map(|Text(origin)| origin).ok_or(Fault::Missing { key: "origin", what });
    let kind = match table.kind {
        ShockWord::PriceWar => ShockKind::PriceWar { origin: origin("a price war")?, share },
        ShockWord::ExportBan => ShockKind::ExportBan { origin: origin("an export ban")?, share },
        ShockWord::DemandDrop if table.origin.is_some() => {
            return Err(Fault::Meaningless { key: "origin", what: "a drop in demand" });
        }
        ShockWord::DemandDrop => ShockKind::DemandDrop { share },
    };
    let (Text(from), Text(to)) = (table.first, table.last);
    if to < from {
        Err(Fault::MonthsCrossed)
    } else if from < first || to > last {
        Err(Fault::MonthsOutside { first, last })
    } else {
        Ok(Shock { kind, first: from, last: to })
    }
}

mod policy;
use policy::kind;
