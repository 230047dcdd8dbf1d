//! Golv's server side: the pipeline from a session to the journal and back, and what the binary `golv` does
//! with it.

mod alarm;
pub mod clear;
pub mod command_line;
pub mod demo;
pub mod journal;
pub mod load;
pub mod logs;
pub mod matching;
pub mod pipeline;
pub mod pki;
mod print;
pub mod reference;
pub mod remote;
mod scrape;
pub mod serve;
pub mod server;
pub mod settle;
pub mod sim;
mod solve;
mod venue;
