//! The one word for each value of the engine's enumerations, in arguments and in what is printed; and the names of accounts,
//! and of what money moves for.

use golv_engine::book::Side;
use golv_engine::ledger::{Account, Cause};
use golv_engine::money::{Creditor, Level, Pot};
use golv_engine::participant::{Role, Standing};

pub(super) const fn role(role: Role) -> &'static str {
    match role {
        Role::Operator => "operator",
        Role::Supplier => "supplier",
        Role::Buyer => "buyer",
        Role::Publisher => "publisher",
        Role::Auditor => "auditor",
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
    }
}
