//! `golv sim prices`: the series that come with golv, one of them or a user's own, and conversions.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::Args;
use golv_engine::num::{Currency, Price};
use golv_engine::time::Month;
use golv_sim::parquet::is_parquet;
use golv_sim::prices::convert::{ConversionError, Converted, Step, Target, convert};
use golv_sim::prices::rates::{ConsumerPrices, Rates};
use golv_sim::prices::{Frequency, Gap, Mass, Series, SeriesError, catalogue, text_of};
use golv_sim::report::series_svg;

use super::plot::plot;
use super::source::meant;
use crate::command_line::words::nearest;
use crate::print::{self, table};

/// How wide the SVG is, in pixels.
const CHART_WIDTH: u16 = 900;

/// Which series to show, and in what.
#[derive(Args, Debug)]
pub struct Prices {
    /// A series by its name, or a file of your own that ends in .csv or .parquet
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// What the prices of a file of your own are in, such as USD/t; the unit is kg, t, lb or mtu
    #[arg(long = "in", value_name = "CURRENCY/UNIT", requires = "name")]
    own: Option<PriceUnit>,
    /// Convert it, each price at its own month's rate: EUR, USD or CNY; where a rate is missing, leave the month out
    #[arg(long, value_name = "CURRENCY/UNIT", requires = "name")]
    to: Option<PriceUnit>,
    /// Tell prices in the money of this month, such as 2025-09, by consumer prices: EUR or USD
    #[arg(long, value_name = "MONTH", requires = "name")]
    money_of: Option<Month>,
    /// Leave out what comes before this month
    #[arg(long, value_name = "MONTH", requires = "name")]
    first: Option<Month>,
    /// Leave out what comes after this month
    #[arg(long, value_name = "MONTH", requires = "name")]
    last: Option<Month>,
    /// Print CSV
    #[arg(long)]
    csv: bool,
    /// Write the plot into this SVG file instead of the terminal
    #[arg(long, value_name = "FILE", requires = "name")]
    svg: Option<PathBuf>,
}

/// What prices are in.
#[derive(Clone, Copy, Debug)]
struct PriceUnit {
    currency: Currency,
    mass: Mass,
}

impl FromStr for PriceUnit {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let parse = || {
            let (currency, mass) = text.split_once('/')?;
            Some(Self { currency: currency.parse().ok()?, mass: mass.parse().ok()? })
        };
        parse().ok_or_else(|| {
            let currencies = Currency::ALL.map(Currency::code).join(", ");
            format!("give a currency and a unit such as USD/t: one of {currencies}, and kg, t, lb or mtu")
        })
    }
}

/// Why a series is not shown.
#[derive(Debug, thiserror::Error)]
enum PricesError {
    #[error(
        "there is no series '{name}'{}; golv sim prices lists those that come with golv, and a file of your own ends in .csv or .parquet",
        meant(near.as_deref())
    )]
    Unknown { name: String, near: Option<String> },
    #[error("a file does not say what its prices are in: add --in, such as --in USD/t")]
    NoUnit,
    #[error("what a series of golv's is in is known: --in is for a file of your own")]
    UnitKnown,
    #[error("{} cannot be read", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("{}", path.display())]
    Wrong { path: PathBuf, source: SeriesError },
    #[error("the series has no price within those months: it has some from {first} to {last}")]
    NoneWithin { first: Month, last: Month },
    #[error("the series cannot be converted as a whole")]
    Conversion(#[from] ConversionError),
    #[error("{} cannot be written", path.display())]
    Write { path: PathBuf, source: io::Error },
}

/// Lists the series, or shows one.
pub(super) fn run(options: &Prices) -> Result<(), Box<dyn Error>> {
    let Some(name) = &options.name else {
        list(options.csv);
        return Ok(());
    };
    let series = part(find(name, options.own)?, options)?;
    let converted = match (options.to, options.money_of) {
        (None, None) => None,
        (to, money_of) => {
            let PriceUnit { currency, mass } =
                to.unwrap_or(PriceUnit { currency: series.currency, mass: series.mass });
            let target = Target { currency, mass, money_of };
            Some(convert(&series, target, &Rates::published()).map_err(PricesError::from)?)
        }
    };
    let shown = converted.as_ref().map_or(&series, |converted| &converted.series);
    if let Some(path) = &options.svg {
        std::fs::write(path, series_svg(shown, CHART_WIDTH))
            .map_err(|source| PricesError::Write { path: path.clone(), source })?;
    }
    let (columns, rows) = points(shown, converted.as_ref(), options.money_of);
    if options.csv {
        let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
        print::line(print::csv(&columns, rows));
        return Ok(());
    }
    print::line(labels(shown, converted.as_ref()));
    match &options.svg {
        Some(path) => print::line(format_args!("\nDrawn in {}", path.display())),
        None => print::line(format_args!("\n{}", plot(shown))),
    }
    let columns: Vec<String> = columns.into_iter().map(|column| format!(">{column}")).collect();
    let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
    print::line(table(&columns, rows));
    Ok(())
}

fn find(name: &str, own: Option<PriceUnit>) -> Result<Series, PricesError> {
    if let Some(series) = Series::named(name) {
        return if own.is_some() { Err(PricesError::UnitKnown) } else { Ok(series) };
    }
    let path = Path::new(name);
    if path.extension().is_none_or(|end| end != "csv") && !is_parquet(path) {
        let near = nearest(name, catalogue().iter().map(|entry| entry.series().id.to_string()));
        return Err(PricesError::Unknown { name: name.to_owned(), near });
    }
    let PriceUnit { currency, mass } = own.ok_or(PricesError::NoUnit)?;
    let text = text_of(path).map_err(|source| PricesError::Read { path: path.into(), source })?;
    let id = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    Series::parse(id, currency, mass, &text)
        .map_err(|source| PricesError::Wrong { path: path.into(), source })
}

/// The part of a series that is asked for.
fn part(series: Series, options: &Prices) -> Result<Series, PricesError> {
    let (first, last) = (series.first(), series.last());
    let within = series.within(options.first.unwrap_or(first), options.last.unwrap_or(last));
    within.ok_or(PricesError::NoneWithin { first, last })
}

fn list(csv: bool) {
    let columns = ["name", "what", "basis", "unit", "every", "first", "last", ">gaps"];
    let row = |series: &Series| {
        let period = |month| series.period_text(month);
        vec![
            series.id.to_string(),
            series.label(),
            series.basis.to_owned(),
            series.unit(),
            every(series).to_owned(),
            period(series.first()),
            period(series.last()),
            series.gaps().len().to_string(),
        ]
    };
    let all: Vec<Series> = catalogue().iter().map(|entry| entry.series()).collect();
    if csv {
        let columns: Vec<&str> = columns.into_iter().chain(["source", "licence"]).collect();
        let rows = all.iter().map(|series| {
            let from = [series.source, series.licence].map(str::to_owned);
            row(series).into_iter().chain(from).collect()
        });
        print::line(print::csv(&columns, rows));
        return;
    }
    let mut sources: Vec<(&str, &str)> = all.iter().map(|series| (series.source, series.licence)).collect();
    sources.sort_unstable();
    sources.dedup();
    for (source, licence) in sources {
        let of_source = all.iter().filter(|series| series.source == source);
        print::line(format_args!("{source}\n{licence}\n{}\n", table(&columns, of_source.map(row))));
    }
}

const fn every(series: &Series) -> &'static str {
    match series.frequency {
        Frequency::Monthly => "month",
        Frequency::Yearly => "year",
    }
}

/// What is to be known of a series before its prices.
fn labels(series: &Series, converted: Option<&Converted>) -> String {
    let period = |month| series.period_text(month);
    let gaps = series.gaps();
    let gaps = match gaps.as_slice() {
        [] => "none".to_owned(),
        gaps => {
            let text = |&Gap { first, last }: &Gap| match period(first) == period(last) {
                true => period(first),
                false => format!("{} to {}", period(first), period(last)),
            };
            gaps.iter().map(text).collect::<Vec<_>>().join(", ")
        }
    };
    let mut lines = vec![
        format!("{}: {}", series.id, series.label()),
        format!("basis    {}", series.basis),
        format!("prices   {}, {} averages", series.unit(), series.frequency.word()),
        format!("span     {} to {}", period(series.first()), period(series.last())),
        format!("gaps     {gaps}"),
        format!("source   {}", series.source),
        format!("licence  {}", series.licence),
    ];
    if !series.note.is_empty() {
        lines.push(format!("note     {}", series.note));
    }
    let uses = |is: fn(&Step) -> bool| converted.is_some_and(|converted| converted.steps.iter().any(is));
    if uses(|step| step.rates.is_some()) {
        lines.push(format!("rates    {}", Rates::SOURCE));
    }
    let inflation =
        ConsumerPrices::of(series.currency).filter(|_| uses(|step| step.consumer_prices.is_some()));
    if let Some(index) = inflation {
        lines.push(format!("CPI      {}", index.source));
    }
    lines.join("\n")
}

/// The columns and rows of a series: period and price, and of a converted one what each price was made of.
fn points(
    series: &Series,
    converted: Option<&Converted>,
    money_of: Option<Month>,
) -> (Vec<String>, Vec<Vec<String>>) {
    let mut columns = vec![series.frequency.column().to_owned(), "price".to_owned()];
    let Some(converted) = converted else {
        let row = |(month, price): &(Month, Price)| vec![series.period_text(*month), price.to_string()];
        return (columns, series.points().iter().map(row).collect());
    };
    columns.push("before".to_owned());
    if converted.steps.iter().any(|step| step.rates.is_some()) {
        columns.extend(["own per USD", "wanted per USD"].map(str::to_owned));
    }
    if let Some(month) = money_of {
        columns.extend(["CPI".to_owned(), format!("CPI {month}")]);
    }
    let row = |step: &Step| {
        let used = [step.rates, step.consumer_prices].into_iter().flatten().flatten();
        let prices = [series.period_text(step.month), step.after.to_string(), step.before.to_string()];
        prices.into_iter().chain(used.map(|average| average.to_string())).collect()
    };
    (columns, converted.steps.iter().map(row).collect())
}
