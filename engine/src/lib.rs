//! Golv's deterministic core: markets, auctions, contracts for difference and the ledger, without I/O.
//!
//! Everything goes through one door, [`Exchange::apply`]: a command with its place in the order of the
//! world and its stamp goes in, events come out, and it is done whole or refused with a reason. (A command that made the
//! engine fail can be [set aside](Exchange::set_aside) when its journal is replayed: then it changes nothing.) The engine
//! has no clock, no threads, no files or sockets, no floats, no randomness and no hash maps: whoever
//! replays the same commands gets the same state, byte for byte, as [`Exchange::state_digest`] shows.
//!
//! | to find … | look in |
//! |---|---|
//! | what can be asked, what can happen, what can be refused | [`command`], [`event`], [`reject`] |
//! | auctions from their announcement to what winners have | [`auction`] |
//! | how a price is found and who gets what: rules as data, each result with its proof | [`clearing`] |
//! | who is awarded public support: budgets, limits, pots, delivery years, origin caps | [`support`] |
//! | books of orders with minimums, cleared for the greatest welfare | [`indivisible`] |
//! | bids and the price ladder | [`book`] |
//! | offers and requests matched where suppliers are few | [`bilateral`] |
//! | entitlements, reference prices, settlement runs | [`cfd`] |
//! | accounts and postings | [`ledger`] |
//! | programmes, invoices, collateral, defaults, stock | [`money`] |
//! | which key speaks for whom | [`key`] |
//! | which version of the rules is in force | [`RulesVersion`] |
//! | exact numbers, time, ids, texts | [`num`], [`time`], [`id`], [`text`] |
//!
//! ```
//! use golv_engine::command::{Command, Operator};
//! use golv_engine::id::{CommandId, IdentityId, ParticipantId, Sequence};
//! use golv_engine::reject::Reject;
//! use golv_engine::time::Instant;
//! use golv_engine::{Exchange, Mode, RulesVersion};
//!
//! let mut exchange = Exchange::new(Mode::Rehearsal, RulesVersion::NEWEST);
//! let mut events = Vec::new();
//! let morning = Instant::at_midnight(2018, 12, 3).expect("a day");
//! let found = Command::Found {
//!     participant: ParticipantId(1),
//!     name: "The centre".parse().expect("a name"),
//!     operators: [Operator::local(1), Operator::local(2)],
//! };
//! exchange
//!     .apply(Sequence(1), morning, IdentityId::SYSTEM, CommandId(1), &found, &mut events)
//!     .expect("nothing was founded before");
//!
//! // An operator may set a rehearsal's clock, but not back.
//! let yesterday = Command::SetClock { to: Instant::at_midnight(2018, 12, 2).expect("a day") };
//! let before = exchange.state_digest();
//! let answer = exchange.apply(Sequence(2), morning, IdentityId(1), CommandId(1), &yesterday, &mut events);
//! assert_eq!(answer, Err(Reject::ClockBackwards { now: morning }));
//! assert_eq!(exchange.state_digest(), before);
//! ```

#![forbid(unsafe_code)]
// The rules that every part of the engine keeps, as lints. Invariants are stated by `assert!`, which stays
// in release builds; everything that can come from outside is refused with a `Reject`.
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::cast_possible_truncation,
        clippy::cast_possible_wrap,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        clippy::float_arithmetic,
        clippy::iter_over_hash_type,
        missing_docs
    )
)]

mod answers;
pub mod auction;
pub mod bilateral;
pub mod book;
pub mod cfd;
pub mod clearing;
pub mod command;
pub mod digest;
pub mod event;
mod exchange;
mod human;
pub mod id;
pub mod indivisible;
pub mod key;
pub mod ledger;
pub mod market;
pub mod money;
pub mod num;
pub mod participant;
pub mod public;
pub mod reject;
mod rules;
pub mod support;
pub mod text;
pub mod time;

pub use answers::{ANSWERS_KEPT, Answer};
pub use exchange::{Exchange, Mode, Speaker};
pub use rules::{RulesVersion, UnknownRulesVersion};
