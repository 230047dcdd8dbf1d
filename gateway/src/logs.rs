//! The log of `golv serve`: what an operator of the machine should know, as text or as JSON, one event a line, on
//! standard error.
//!
//! Logged are start and stop, sessions as they begin and end, failures of the journal, and alarms. A bid is never
//! logged, nor its price, quantity or origin, at any level: before its auction is closed nobody may know it, and a log is
//! read by people whom the rules of the market do not bind. Refusals are the traders' own affair; they are counted in
//! [`crate::pipeline::metrics`] and not logged. What Golv depends on says what is wrong and nothing else, whatever the
//! level: its finer levels tell of packets and streams.
//!
//! Nothing is logged for a command, and the writer's thread logs nothing at all: a log that nobody reads may hold up
//! whoever writes to it.

use std::error::Error;

use clap::ValueEnum;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt, registry};

/// How a line of the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people: time, level, message, and fields as `name=value`
    Text,
    /// For programs: one JSON object a line
    Json,
}

/// The least that is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Level {
    /// Failures and alarms
    Error,
    /// What may become one
    Warn,
    /// Start and stop, and each session's logon and end
    Info,
    /// Failed handshakes
    Debug,
}

impl Level {
    const fn filter(self) -> LevelFilter {
        match self {
            Self::Error => LevelFilter::ERROR,
            Self::Warn => LevelFilter::WARN,
            Self::Info => LevelFilter::INFO,
            Self::Debug => LevelFilter::DEBUG,
        }
    }
}

/// Begins the log of this process, on standard error. To be called once, before anything is logged.
pub fn start(format: Format, level: Level) {
    let level = level.filter();
    let targets =
        Targets::new().with_target("golv_gateway", level).with_default(level.min(LevelFilter::WARN));
    let lines = fmt::layer().with_writer(std::io::stderr);
    let lines = match format {
        Format::Text => lines.with_target(false).with_ansi(false).boxed(),
        Format::Json => {
            lines.json().flatten_event(true).with_current_span(false).with_span_list(false).boxed()
        }
    };
    registry().with(lines.with_filter(targets)).init();
}

/// An error with its sources, outermost first, in one line.
pub fn with_sources(error: &(dyn Error + 'static)) -> String {
    let mut text = said(error);
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {}", said(cause));
        source = cause.source();
    }
    text
}

/// What an error says; of a CSV file whose lines differ, in its reader's place, by the line as an editor counts it.
fn said(error: &(dyn Error + 'static)) -> String {
    match error.downcast_ref::<csv::Error>().map(csv::Error::kind) {
        Some(csv::ErrorKind::UnequalLengths { pos: Some(place), expected_len, len }) => {
            format!("line {} has {len} fields, and those before it have {expected_len}", place.line())
        }
        _ => error.to_string(),
    }
}
