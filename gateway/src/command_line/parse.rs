//! Value parsers for what the engine itself does not read from text: ids, amounts, and words of a list.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use golv_engine::book::Side;
use golv_engine::id::{BidId, CommandId, Counterparty, EntryId, IdentityId, ParticipantId, ProposalId};
use golv_engine::market::Unit;
use golv_engine::num::{Currency, ParseNumberError, Price};
use golv_engine::participant::Role;

use super::words;

/// A text that is not an id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not an id: a whole number from 0 to {max}", max = u32::MAX)]
pub(super) struct ParseIdError(String);

/// A text that names no command of an identity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not an identity and its command with a point between them, such as 21.5")]
pub(super) struct ParseNamedError(String);

/// Reads an id of one kind.
pub(super) fn id<T>(kind: fn(u32) -> T) -> impl Fn(&str) -> Result<T, ParseIdError> + Clone + Send + Sync {
    move |text| number(text).map(kind).ok_or_else(|| ParseIdError(text.to_owned()))
}

/// Reads a bid as it is printed.
pub(super) fn bid(text: &str) -> Result<BidId, ParseNamedError> {
    named(text).map(|(identity, command)| BidId { identity, command })
}

/// Reads a proposal as it is printed.
pub(super) fn proposal(text: &str) -> Result<ProposalId, ParseNamedError> {
    named(text).map(|(identity, command)| ProposalId { identity, command })
}

/// A text that names nobody to negotiate with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{0}' is neither an entry on the other side by its number, such as 12, nor a participant, such as p3"
)]
pub(super) struct ParseCounterpartyError(String);

/// Reads whom a negotiation is with.
pub(super) fn counterparty(text: &str) -> Result<Counterparty, ParseCounterpartyError> {
    let with = match text.strip_prefix('p') {
        Some(participant) => number(participant).map(|id| Counterparty::Participant(ParticipantId(id))),
        None => number(text).map(|id| Counterparty::Entry(EntryId(id))),
    };
    with.ok_or_else(|| ParseCounterpartyError(text.to_owned()))
}

fn named(text: &str) -> Result<(IdentityId, CommandId), ParseNamedError> {
    let parse = || {
        let (identity, command) = text.split_once('.')?;
        Some((IdentityId(number(identity)?), CommandId(number(command)?)))
    };
    parse().ok_or_else(|| ParseNamedError(text.to_owned()))
}

/// Digits alone: the standard library's integers would take a plus sign.
fn number<T: std::str::FromStr>(text: &str) -> Option<T> {
    let only_digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| only_digits)
}

/// Reads an amount without its currency, in millionths: the decimal text of a price.
pub(super) fn millionths(text: &str) -> Result<i64, ParseNumberError> {
    text.parse().map(Price::millionths)
}

/// Reads a role.
pub(super) fn role() -> impl TypedValueParser<Value = Role> {
    one_of(Role::ALL, words::role)
}

/// Reads a currency by its ISO 4217 letters.
pub(super) fn currency() -> impl TypedValueParser<Value = Currency> {
    one_of(Currency::ALL, Currency::code)
}

/// Reads a side.
pub(super) fn side() -> impl TypedValueParser<Value = Side> {
    one_of([Side::Buy, Side::Sell], words::side)
}

/// Reads a market's unit by its symbol.
pub(super) fn unit() -> impl TypedValueParser<Value = Unit> {
    one_of(Unit::ALL, Unit::symbol)
}

/// Reads one of these values by its word, and lists the words in help and errors.
fn one_of<T: Copy + Send + Sync + 'static, const N: usize>(
    all: [T; N],
    word: fn(T) -> &'static str,
) -> impl TypedValueParser<Value = T> {
    PossibleValuesParser::new(all.map(word)).map(move |text| {
        all.into_iter().find(|&value| word(value) == text).expect("only the words of these values are taken")
    })
}
