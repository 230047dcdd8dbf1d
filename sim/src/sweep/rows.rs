//! The rows of a sweep as CSV: what was played, and its figures.

use std::io;

use crate::metrics::Metrics;

/// The first line: the columns' names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    columns: Vec<String>,
    labels: usize,
}

/// The figures of a row, in the order of their columns.
const FIGURES: [&str; 20] = [
    "public_cost",
    "public_cost_discounted",
    "paid",
    "given",
    "gap",
    "worst_year",
    "worst_year_cost",
    "budget",
    "reserved_most",
    "unpaid",
    "home_revenue",
    "home_result",
    "survival",
    "investment",
    "buyers_cost",
    "bought",
    "served",
    "largest_share",
    "concentration",
    "efficiency",
];

impl Header {
    pub(super) fn of(parameters: impl Iterator<Item = String>) -> Self {
        let labels = ["scenario".to_owned()].into_iter().chain(parameters);
        let labels: Vec<String> = labels.chain(["seed", "path", "policy"].map(str::to_owned)).collect();
        let count = labels.len();
        let figures = FIGURES.map(str::to_owned).into_iter().chain(["largest_origin".to_owned()]);
        Self { columns: labels.into_iter().chain(figures).collect(), labels: count }
    }

    /// Reads the first line of a sweep's rows.
    pub(crate) fn read(reader: &mut csv::Reader<&[u8]>) -> Result<Self, RowsError> {
        let columns: Vec<String> = reader.headers()?.iter().map(str::to_owned).collect();
        let policy = columns.iter().position(|column| column == "policy").ok_or(RowsError::Header)?;
        let parameters = columns.get(1..policy.saturating_sub(2)).ok_or(RowsError::Header)?;
        let header = Self::of(parameters.iter().cloned());
        if header.columns == columns { Ok(header) } else { Err(RowsError::Header) }
    }

    /// The columns' names, in order.
    #[cfg(feature = "parquet")]
    pub(crate) fn columns(&self) -> &[String] {
        &self.columns
    }

    /// How many columns come before the figures: `scenario`, the parameters, `seed`, `path` and `policy`.
    #[cfg(feature = "parquet")]
    pub(crate) fn labels(&self) -> usize {
        self.labels
    }

    /// The line, with its end.
    pub fn line(&self) -> String {
        csv_line(&self.columns)
    }
}

/// A row that was read back.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// What the parameters were.
    pub point: Vec<String>,
    /// The path's number.
    pub path: u64,
    /// The policy's key.
    pub policy: String,
    /// The figures, in the order of the columns.
    figures: Vec<f64>,
}

impl Row {
    /// A figure by the name of its column.
    pub fn figure(&self, name: &str) -> Option<f64> {
        let place = FIGURES.iter().position(|figure| *figure == name)?;
        self.figures.get(place).copied()
    }
}

/// Rows that were read back, with the names of the parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct Done {
    /// The parameters' paths.
    pub parameters: Vec<String>,
    /// The rows, in order.
    pub rows: Vec<Row>,
}

/// Why rows cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RowsError {
    /// It is not CSV.
    #[error("the rows are not CSV")]
    Csv(#[from] csv::Error),
    /// The first line is not that of a sweep.
    #[error("line 1 is not the header of a sweep's rows")]
    Header,
    /// A number cannot be read.
    #[error("line {line}, column '{column}': '{text}' is not a number")]
    Number {
        /// The line.
        line: u64,
        /// The column.
        column: String,
        /// What stands there.
        text: String,
    },
    /// The rows are of another sweep than the one that is to go on.
    #[error(
        "line {line} is of another sweep: its scenario, values, seed, paths or policies are not the same"
    )]
    OtherSweep {
        /// The line.
        line: u64,
    },
    /// The file cannot be read.
    #[error("the rows cannot be read")]
    Io(#[from] io::Error),
}

/// A row as text: labels, figures, the largest origin.
pub(super) fn line(labels: &[String], metrics: &Metrics) -> String {
    let largest = metrics.largest_share();
    let figures = [
        metrics.public_cost,
        metrics.public_cost_discounted,
        metrics.paid,
        metrics.given,
        metrics.gap,
        f64::from(metrics.worst_year.0),
        metrics.worst_year.1,
        metrics.budget,
        metrics.reserved_most,
        metrics.unpaid,
        metrics.home_revenue,
        metrics.home_result,
        metrics.survival,
        metrics.investment,
        metrics.buyers_cost,
        metrics.bought,
        metrics.served,
        largest.map_or(0.0, |(_, share)| share),
        metrics.concentration,
        metrics.efficiency,
    ];
    // The shortest text that reads back as the same number.
    let figures = figures.iter().map(|figure| format!("{}", figure + 0.0));
    let origin = largest.map_or_else(String::new, |(origin, _)| origin.to_string());
    let fields: Vec<String> = labels.iter().cloned().chain(figures).chain([origin]).collect();
    csv_line(&fields)
}

/// Fields as a line, quoted where they must be.
fn csv_line(fields: &[String]) -> String {
    let mut writer = csv::WriterBuilder::new().from_writer(Vec::new());
    writer.write_record(fields).expect("writing to memory does not fail");
    let bytes = writer.into_inner().expect("writing to memory does not fail");
    String::from_utf8(bytes).expect("text was written")
}

/// Reads the rows of a sweep.
///
/// # Errors
/// [`RowsError`].
pub fn read(text: &str) -> Result<Done, RowsError> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let Header { columns, labels } = Header::read(&mut reader)?;
    let labels = labels - 1;
    let parameters = columns[1..labels - 2].to_vec();
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record?;
        let line = record.position().map_or(0, csv::Position::line);
        let field = |place: usize| record.get(place).unwrap_or_default();
        let wrong = |place: usize| RowsError::Number {
            line,
            column: columns.get(place).cloned().unwrap_or_default(),
            text: field(place).to_owned(),
        };
        let path = field(labels - 1).parse().map_err(|_| wrong(labels - 1))?;
        let figure = |place: usize| field(place).parse::<f64>().map_err(|_| wrong(place));
        let figures = (labels + 1..labels + 1 + FIGURES.len()).map(figure).collect::<Result<_, _>>()?;
        let point = (1..labels - 2).map(|place| field(place).to_owned()).collect();
        rows.push(Row { point, path, policy: field(labels).to_owned(), figures });
    }
    Ok(Done { parameters, rows })
}

/// How much of a sweep stands in a text already: how many jobs, and how many bytes those are. What comes after the last whole job is
/// left out.
///
/// # Errors
/// [`RowsError`] where the text is of another sweep.
pub fn standing(sweep: &super::Sweep, text: &str) -> Result<(u64, usize), RowsError> {
    let header = sweep.header();
    let Some(mut rest) = text.strip_prefix(&header.line()) else {
        // A header that was broken off is the beginning of nothing else.
        let is_begun = header.line().starts_with(text);
        return if is_begun { Ok((0, 0)) } else { Err(RowsError::Header) };
    };
    let (mut jobs, mut bytes) = (0, header.line().len());
    let mut line = 1;
    while jobs < sweep.jobs() {
        let mut length = 0;
        for labels in sweep.begins(jobs) {
            let Some(end) = rest[length..].find('\n') else { return Ok((jobs, bytes)) };
            line += 1;
            let row = &rest[length..=length + end];
            let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(row.as_bytes());
            let record = reader.records().next().transpose()?.unwrap_or_default();
            if !record.iter().take(header.labels).eq(labels.iter().map(String::as_str)) {
                return Err(RowsError::OtherSweep { line });
            }
            length += end + 1;
        }
        rest = &rest[length..];
        bytes += length;
        jobs += 1;
    }
    if rest.is_empty() { Ok((jobs, bytes)) } else { Err(RowsError::OtherSweep { line: line + 1 }) }
}
