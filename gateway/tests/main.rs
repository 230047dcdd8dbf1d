//! The tests of golv and its gateway from outside, as one program: each file for itself would be linked with everything again.

mod backup;
mod boards;
mod check;
mod clear;
mod common;
mod crowd;
mod demo;
mod docs;
mod exposure;
mod journal;
mod kill;
mod load;
mod lossy;
mod matching;
mod metrics;
mod pipeline;
mod quic;
mod reference;
mod report_in_browser;
mod restart;
mod rulebooks;
mod serve;
mod settle;
mod sim;
mod streams;
mod support;
