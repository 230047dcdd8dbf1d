//! Golv's server side: the pipeline from a session to the journal and back, and what the binary `golv` does
//! with it.

pub mod demo;
pub mod journal;
pub mod pipeline;
mod print;
pub mod server;
