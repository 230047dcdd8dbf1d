//! Golv's simulator: real price series, agents with documented costs, and reports, driving an exchange
//! with commands like any trader's.
//!
//! The simulator knows a [`venue::Venue`], where commands go and events come from, and nothing of what
//! stands behind it: an engine, an engine behind a journal, or an exchange across a network. So what is
//! tried here is what would happen there. [`day`] is the market day that `golv demo` plays.

pub mod day;
pub mod desk;
pub mod metrics;
pub mod parquet;
pub mod play;
pub mod prices;
pub mod random;
pub mod report;
pub mod scenario;
pub mod sweep;
pub mod traders;
pub mod venue;
