//! The tests of the engine from outside, as one program: each file for itself would be linked with everything again.

mod boards;
mod boards_corners;
mod common;
mod deal_contracts;
mod intermediary;
mod money;
mod money_corners;
mod money_months;
mod negotiations;
mod properties;
mod public;
mod roles;
mod rulebook;
mod rules;
mod settlement;
mod solution;
mod stack;
mod two_operators;
