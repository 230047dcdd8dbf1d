//! The one word for each value of the engine's enumerations, in arguments and in what is printed; and the names of accounts,
//! and of what money moves for.

use golv_engine::bilateral::{Consent, EntryEnd, NegotiationEnd, Party, Preference};
use golv_engine::book::Side;
use golv_engine::ledger::{Account, Cause};
use golv_engine::money::{Creditor, Level, Pot, StockTradedBy};
use golv_engine::participant::{Role, Standing};

pub(super) const fn role(role: Role) -> &'static str {
    match role {
        Role::Operator => "operator",
        Role::Supplier => "supplier",
        Role::Buyer => "buyer",
        Role::Publisher => "publisher",
        Role::Auditor => "auditor",
        Role::GroupLead => "group-lead",
        Role::Observer => "observer",
    }
}

pub(super) const fn standing(standing: Standing) -> &'static str {
    match standing {
        Standing::Active => "active",
        Standing::Suspended => "suspended",
    }
}

pub(crate) const fn side(side: Side) -> &'static str {
    match side {
        Side::Buy => "buy",
        Side::Sell => "sell",
    }
}

pub(crate) const fn level(level: Level) -> &'static str {
    match level {
        Level::Normal => "normal",
        Level::High => "high",
        Level::Full => "full",
    }
}

pub(super) const fn pot(pot: Pot) -> &'static str {
    match pot {
        Pot::Collateral => "collateral",
        Pot::Contribution => "contribution",
        Pot::OwnResources => "own-resources",
        Pot::DefaultFund => "default-fund",
    }
}

/// Who gets what an invoice collects.
pub(super) fn creditor(creditor: Creditor) -> String {
    match creditor {
        Creditor::Auction(auction) => format!("auction {auction}"),
        Creditor::Programme(programme) => format!("programme {programme}"),
    }
}

/// An account, for people and programs.
pub(crate) fn account(account: Account) -> String {
    match account {
        Account::Participant(participant) => format!("participant {participant}"),
        Account::Claims(participant) => format!("claims of participant {participant}"),
        Account::Deposits(participant) => format!("deposits of participant {participant}"),
        Account::Collateral(participant) => format!("collateral of participant {participant}, free"),
        Account::Bonds(participant) => format!("bid bonds of participant {participant}"),
        Account::Contribution(participant) => format!("contribution of participant {participant}"),
        Account::Funders(programme) => format!("funders of programme {programme}"),
        Account::ProgrammeFree(programme) => format!("programme {programme}, free"),
        Account::ProgrammeReserved(programme) => format!("programme {programme}, reserved"),
        Account::ProgrammeSpent(programme) => format!("programme {programme}, spent"),
        Account::Stock(programme) => format!("stock of programme {programme}"),
        Account::Shortfall(programme) => format!("shortfall of programme {programme}"),
        Account::Promised(programme) => format!("promises of programme {programme}"),
        Account::Receivable(programme) => format!("receivables of programme {programme}"),
        Account::Proceeds(programme) => format!("proceeds of programme {programme}"),
        Account::OwnResources => "own resources".to_owned(),
        Account::Capital => "capital".to_owned(),
        Account::Bank => "bank".to_owned(),
        Account::Clearing => "clearing".to_owned(),
        Account::Rounding => "rounding".to_owned(),
        Account::Suspense => "suspense".to_owned(),
    }
}

/// Why money moved, for people and programs.
pub(crate) fn cause(cause: Cause) -> String {
    match cause {
        Cause::Funding(programme) => format!("funding of programme {programme}"),
        Cause::Reservation(programme) => format!("reservations of programme {programme}"),
        Cause::Deposit(participant) => format!("deposits of participant {participant}"),
        Cause::Bond(participant) => format!("bid bonds of participant {participant}"),
        Cause::Forfeit(auction) => format!("bid bonds forfeited in auction {auction}"),
        Cause::Award(auction) => format!("awards of auction {auction}"),
        Cause::Distribution(auction) => format!("payment of the sellers of auction {auction}"),
        Cause::Settlement(floor) => format!("settlement of floor {floor}"),
        Cause::Programme(programme) => format!("payments of programme {programme}"),
        Cause::Payment => "payments in and out".to_owned(),
        Cause::Default(participant) => format!("default of participant {participant}"),
        Cause::Recovery(participant) => format!("recovery from participant {participant}"),
        Cause::OwnResources => "own resources".to_owned(),
        Cause::Deal(deal) => format!("deal {deal}"),
    }
}

/// Which matching of a board is best.
pub(crate) const fn preference(preference: Preference) -> &'static str {
    match preference {
        Preference::Surplus => "surplus",
        Preference::Priority => "priority",
        Preference::ProRata => "pro-rata",
    }
}

/// Why an entry is no longer on its board.
pub(crate) const fn entry_end(end: EntryEnd) -> &'static str {
    match end {
        EntryEnd::Withdrawn => "withdrawn",
        EntryEnd::Expired => "expired",
        EntryEnd::DealtOut => "dealt-out",
    }
}

/// How a negotiation ended without a deal.
pub(crate) const fn negotiation_end(end: NegotiationEnd) -> &'static str {
    match end {
        NegotiationEnd::Declined => "declined",
        NegotiationEnd::Withdrawn => "withdrawn",
        NegotiationEnd::Lapsed => "lapsed",
        NegotiationEnd::EntryGone => "entry-gone",
    }
}

/// Whose an entry is, or who a side of a deal.
pub(crate) fn party(party: Party) -> String {
    match party {
        Party::Participant(participant) => format!("participant {participant}"),
        Party::Stock(programme) => format!("the stock of programme {programme}"),
    }
}

/// Who agreed for a side.
pub(crate) fn consent(consent: Consent) -> String {
    match consent {
        Consent::Identity(identity) => format!("identity {identity}"),
        Consent::Stock => "two operators".to_owned(),
    }
}

/// What a stock traded by.
pub(crate) fn traded_by(by: StockTradedBy) -> String {
    match by {
        StockTradedBy::Auction(auction) => format!("auction {auction}"),
        StockTradedBy::Deal(deal) => format!("deal {deal}"),
    }
}

/// The name that is the most like one that there is not, if any is like it.
pub(crate) fn nearest(name: &str, names: impl Iterator<Item = String>) -> Option<String> {
    names
        .map(|candidate| (strsim::damerau_levenshtein(name, &candidate), candidate))
        .filter(|(distance, candidate)| *distance <= candidate.len() / 3 + 1)
        .min()
        .map(|(_, candidate)| candidate)
}
