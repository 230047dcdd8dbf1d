//! The arguments about money: programmes, collateral and the default fund, payments, and how they are collected and secured.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use golv_engine::command::Action;
use golv_engine::id::{MarketId, ParticipantId, ProgrammeId};
use golv_engine::money::{Backing, ClearingTerms, ProgrammeTerms, StockRule};
use golv_engine::num::{Currency, Money, Price, Quantity};
use golv_engine::text::Name;

use super::parse::{self, id};
use crate::clear::rules::{NoRule, preset, read};

/// The clearing terms that are known by a name.
const CLEARING: [(&str, &str); 1] =
    [("standard", include_str!("../../../engine/rules/clearing/standard.toml"))];

/// An amount that is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Args)]
pub struct AmountOptions {
    /// How much, positive, with no more decimals than the currency has: 1000.50.
    #[arg(long, value_parser = parse::millionths)]
    amount: i64,
    /// The currency.
    #[arg(long, value_parser = parse::currency())]
    currency: Currency,
}

impl AmountOptions {
    pub(super) const fn money(self) -> Money {
        Money { currency: self.currency, millionths: self.amount }
    }
}

/// What can be asked about programmes.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum Programmes {
    /// Propose to open a support programme, without money yet.
    ///
    /// When it is short of money, a guaranteed one still pays all, and its guarantor owes what is missing; any other is capped:
    /// what it cannot pay waits, and is paid when money comes.
    Open {
        /// The programme's id, not yet taken.
        #[arg(value_name = "ID", value_parser = id(ProgrammeId))]
        programme: ProgrammeId,
        /// Its name, for people.
        #[arg(long)]
        name: Name,
        /// The currency that it pays in.
        #[arg(long, value_parser = parse::currency())]
        currency: Currency,
        /// Who pays what it is short of; without one it is capped by its money.
        #[arg(long, value_name = "NAME")]
        guaranteed_by: Option<Name>,
    },
    /// Propose to pay money into a programme.
    ///
    /// It first makes good what its guarantor owes, and then pays what waits.
    Fund {
        /// The programme.
        #[arg(value_name = "ID", value_parser = id(ProgrammeId))]
        programme: ProgrammeId,
        /// Who pays.
        #[arg(long, value_name = "NAME")]
        funder: Name,
        /// How much, in the programme's currency.
        #[command(flatten)]
        amount: AmountOptions,
    },
    /// Propose at which prices a programme buys a market's material into stock and releases it, and how much.
    ///
    /// A call auction can then be announced with an order of the programme's that keeps to the rule.
    StockRule {
        /// The programme.
        #[arg(value_name = "ID", value_parser = id(ProgrammeId))]
        programme: ProgrammeId,
        /// The market of the material.
        #[arg(long, value_name = "ID", value_parser = id(MarketId))]
        market: MarketId,
        /// The floor at which it buys.
        #[arg(long, value_name = "PRICE")]
        buys_at: Price,
        /// The most that it holds.
        #[arg(long, value_name = "QUANTITY")]
        holds_most: Quantity,
        /// The lowest price at which it releases, above the floor.
        #[arg(long, value_name = "PRICE")]
        releases_at: Price,
        /// The most that it releases in one auction.
        #[arg(long, value_name = "QUANTITY")]
        releases_most: Quantity,
    },
}

impl Programmes {
    pub(super) fn into_action(self) -> Action {
        match self {
            Self::Open { programme, name, currency, guaranteed_by } => {
                let backing = guaranteed_by.map_or(Backing::Capped, |by| Backing::Guaranteed { by });
                Action::OpenProgramme { programme, terms: ProgrammeTerms { name, currency, backing } }
            }
            Self::Fund { programme, funder, amount } => {
                Action::FundProgramme { programme, funder, amount: amount.money() }
            }
            Self::StockRule { programme, market, buys_at, holds_most, releases_at, releases_most } => {
                let rule = StockRule { buys_at, holds_most, releases_at, releases_most };
                Action::SetStockRule { programme, market, rule }
            }
        }
    }
}

/// Whose money, and how much.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Args)]
pub struct OwnerOptions {
    /// The participant.
    #[arg(value_name = "ID", value_parser = id(ParticipantId))]
    participant: ParticipantId,
    /// How much.
    #[command(flatten)]
    amount: AmountOptions,
}

/// What can be asked about collateral.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum Collateral {
    /// Propose to take in collateral of a participant's, which bid bonds are held against.
    Deposit(OwnerOptions),
    /// Propose to give back collateral that nothing is held against.
    Return(OwnerOptions),
}

impl Collateral {
    pub(super) const fn into_action(self) -> Action {
        match self {
            Self::Deposit(OwnerOptions { participant, amount }) => {
                Action::DepositCollateral { participant, amount: amount.money() }
            }
            Self::Return(OwnerOptions { participant, amount }) => {
                Action::ReturnCollateral { participant, amount: amount.money() }
            }
        }
    }
}

/// What can be asked about the default fund.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum DefaultFund {
    /// Propose to take in a participant's contribution, which covers its own debts and then those of others in default.
    Contribute(OwnerOptions),
    /// Propose to give a contribution back.
    Return(OwnerOptions),
}

impl DefaultFund {
    pub(super) const fn into_action(self) -> Action {
        match self {
            Self::Contribute(OwnerOptions { participant, amount }) => {
                Action::ContributeToDefaultFund { participant, amount: amount.money() }
            }
            Self::Return(OwnerOptions { participant, amount }) => {
                Action::ReturnContribution { participant, amount: amount.money() }
            }
        }
    }
}

/// Who paid or was paid, if that is known, and how much.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Args)]
pub struct PaymentOptions {
    /// The participant; without one the payment is held in suspense, or goes back from there.
    #[arg(value_name = "ID", value_parser = id(ParticipantId))]
    participant: Option<ParticipantId>,
    /// How much.
    #[command(flatten)]
    amount: AmountOptions,
}

/// What can be asked about payments.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum Payments {
    /// Propose to record a payment that came in: it pays the participant's invoices, those due first in front.
    Take(PaymentOptions),
    /// Propose to say whose payment it was that came in from nobody knew whom.
    Attribute(OwnerOptions),
    /// Propose to record a payment that went out.
    PayOut(PaymentOptions),
}

impl Payments {
    pub(super) const fn into_action(self) -> Action {
        match self {
            Self::Take(PaymentOptions { participant, amount }) => {
                Action::TakePayment { participant, amount: amount.money() }
            }
            Self::Attribute(OwnerOptions { participant, amount }) => {
                Action::AttributePayment { participant, amount: amount.money() }
            }
            Self::PayOut(PaymentOptions { participant, amount }) => {
                Action::PayOut { participant, amount: amount.money() }
            }
        }
    }
}

/// How money of a currency is collected and secured.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub struct ClearingOptions {
    /// The currency.
    #[arg(long, value_parser = parse::currency())]
    currency: Currency,
    /// The terms, by name: standard [default: standard]
    #[arg(long, value_name = "NAME", conflicts_with = "terms_file")]
    terms: Option<String>,
    /// The same by terms of one's own, as TOML
    #[arg(long, value_name = "FILE")]
    terms_file: Option<PathBuf>,
}

impl ClearingOptions {
    pub(super) fn into_action(self) -> Result<Action, NoRule> {
        let terms: ClearingTerms = match (&self.terms, &self.terms_file) {
            (_, Some(file)) => read(file)?,
            (name, None) => preset("clearing terms", name.as_deref().unwrap_or("standard"), &CLEARING)?,
        };
        Ok(Action::SetClearingTerms { currency: self.currency, terms: Box::new(terms) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;
    use golv_engine::command::Command;
    use golv_engine::money::Pot;

    use crate::command_line::admin::AdminCommand;

    #[derive(Debug, Parser)]
    struct Admin {
        #[command(subcommand)]
        command: AdminCommand,
    }

    /// Splits at spaces; `_` stands for a space within an argument.
    fn parse(line: &str) -> Command {
        let arguments = line.split(' ').map(|argument| argument.replace('_', " "));
        let admin = Admin::try_parse_from(["admin".to_owned()].into_iter().chain(arguments));
        admin.unwrap_or_else(|error| panic!("{line}: {error}")).command.into_command().expect("a command")
    }

    fn name(text: &str) -> Name {
        text.parse().expect("a name")
    }

    #[test]
    fn each_action_is_proposed() {
        let (programme, participant) = (ProgrammeId(2), ParticipantId(21));
        let currency = Currency::Eur;
        let euros = |millionths| Money { currency, millionths };
        let open = |backing| Action::OpenProgramme {
            programme,
            terms: ProgrammeTerms { name: name("Floors"), currency, backing },
        };
        let price = |units| Price::from_units(units).expect("fits");
        let quantity = |units| Quantity::from_units(units).expect("fits");
        for (line, action) in [
            ("programmes open 2 --name Floors --currency EUR", open(Backing::Capped)),
            (
                "programmes open 2 --name Floors --currency EUR --guaranteed-by The_state",
                open(Backing::Guaranteed { by: name("The state") }),
            ),
            (
                "programmes fund 2 --funder The_state --amount 1000.5 --currency EUR",
                Action::FundProgramme { programme, funder: name("The state"), amount: euros(1_000_500_000) },
            ),
            (
                "programmes stock-rule 2 --market 1 --buys-at 400 --holds-most 100 --releases-at 600 --releases-most 20",
                Action::SetStockRule {
                    programme,
                    market: MarketId(1),
                    rule: StockRule {
                        buys_at: price(400),
                        holds_most: quantity(100),
                        releases_at: price(600),
                        releases_most: quantity(20),
                    },
                },
            ),
            (
                "collateral deposit 21 --amount 500 --currency EUR",
                Action::DepositCollateral { participant, amount: euros(500_000_000) },
            ),
            (
                "collateral return 21 --amount 0.5 --currency EUR",
                Action::ReturnCollateral { participant, amount: euros(500_000) },
            ),
            (
                "default-fund contribute 21 --amount 500 --currency EUR",
                Action::ContributeToDefaultFund { participant, amount: euros(500_000_000) },
            ),
            (
                "default-fund return 21 --amount 0.5 --currency EUR",
                Action::ReturnContribution { participant, amount: euros(500_000) },
            ),
            (
                "own-resources --amount 7 --currency EUR",
                Action::SetOwnResourcesAside { amount: euros(7_000_000) },
            ),
            (
                "payments take 21 --amount 7 --currency EUR",
                Action::TakePayment { participant: Some(participant), amount: euros(7_000_000) },
            ),
            (
                "payments take --amount 7 --currency EUR",
                Action::TakePayment { participant: None, amount: euros(7_000_000) },
            ),
            (
                "payments attribute 21 --amount 7 --currency EUR",
                Action::AttributePayment { participant, amount: euros(7_000_000) },
            ),
            (
                "payments pay-out 21 --amount 7 --currency EUR",
                Action::PayOut { participant: Some(participant), amount: euros(7_000_000) },
            ),
            (
                "payments pay-out --amount 7 --currency EUR",
                Action::PayOut { participant: None, amount: euros(7_000_000) },
            ),
        ] {
            assert_eq!(parse(line), Command::Propose { action }, "{line}");
        }
    }

    #[test]
    fn clearing_terms_are_named_or_in_a_file() {
        for (name, text) in CLEARING {
            let file = tempfile::NamedTempFile::new().expect("a file");
            std::fs::write(file.path(), text).expect("written");
            let named = parse(&format!("clearing-terms --currency EUR --terms {name}"));
            let file = ClearingOptions {
                currency: Currency::Eur,
                terms: None,
                terms_file: Some(file.path().to_owned()),
            };
            assert_eq!(named, Command::Propose { action: file.into_action().expect("terms") }, "{name}");
        }
        let standard = parse("clearing-terms --currency EUR");
        let Command::Propose { action: Action::SetClearingTerms { currency: Currency::Eur, terms } } =
            standard
        else {
            panic!("{standard:?}")
        };
        assert_eq!((terms.due_days, terms.notice_days, terms.contract_cover_days), (2, 1, 21));
        assert_eq!(terms.waterfall, Pot::STANDARD);
        assert_eq!(terms.holidays.len(), 18);
        let unknown =
            ClearingOptions { currency: Currency::Eur, terms: Some("lax".to_owned()), terms_file: None };
        let said = unknown.into_action().expect_err("no such terms").to_string();
        assert!(said.contains("standard"), "{said}");
    }
}
