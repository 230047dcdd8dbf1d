//! `golv` as it is used, as one program: each file for itself would be linked with everything again.

mod backup;
mod boards;
mod check;
mod clear;
mod common;
mod demo;
mod docs;
mod exposure;
mod kill;
mod load;
mod matching;
mod reference;
mod report_in_browser;
mod rulebooks;
mod serve;
mod settle;
mod sim;
mod support;
