//! Golv's simulator: real price series, agents with documented costs, and reports, driving an exchange
//! with commands like any trader's.
//!
//! The simulator knows a [`venue::Venue`], where commands go and events come from, and nothing of what
//! stands behind it: an engine, an engine behind a journal, or an exchange across a network. So what is
//! tried here is what would happen there. [`day`] is the market day that `golv demo` plays.
//!
//! A scenario is played by a policy on its prices, and the figures are those of the play:
//!
//! ```
//! use golv_sim::metrics::Metrics;
//! use golv_sim::play::{PricePath, play_on_engine};
//! use golv_sim::scenario::library;
//!
//! let ready = library().iter().find(|ready| ready.name == "gallium").expect("comes with the project");
//! let scenario = ready.scenario();
//! let floor = scenario.policy("floor").expect("one of its policies");
//! let (history, _) = PricePath::historic(&scenario)?;
//! let (outcome, venue) = play_on_engine(&scenario, floor, &history.shocked(&scenario))?;
//! let figures = Metrics::of(&scenario, floor, &outcome);
//! assert!(figures.public_cost > 0.0 && figures.public_cost <= figures.budget);
//! assert!(venue.exchange().is_conserved());
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```

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
