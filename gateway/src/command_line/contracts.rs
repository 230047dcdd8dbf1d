//! The arguments about contracts for difference: their terms, their lives, what they pay against, and their settlement.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use golv_engine::cfd::{ContractTerms, Delivery, Observation};
use golv_engine::command::{Action, Command};
use golv_engine::digest::Digest;
use golv_engine::id::{DataVersion, EntitlementId, FloorId, IndexId, NegotiationId, ParticipantId};
use golv_engine::num::{Price, Quantity};
use golv_engine::text::{Country, Name};
use golv_engine::time::Day;

use super::parse::id;
use crate::clear::rules::{NoRule, preset, read};

/// The terms that are known by a name.
const CONTRACTS: [(&str, &str); 4] = [
    ("collar", include_str!("../../../engine/rules/contracts/collar.toml")),
    ("floor-with-upside", include_str!("../../../engine/rules/contracts/floor-with-upside.toml")),
    ("floor", include_str!("../../../engine/rules/contracts/floor.toml")),
    ("two-way", include_str!("../../../engine/rules/contracts/two-way.toml")),
];

/// How contracts under a floor are settled.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
pub struct ContractChoice {
    /// How contracts under it are settled, by name: floor, two-way, collar or floor-with-upside [default: floor]
    #[arg(long, value_name = "NAME", conflicts_with = "contract_file")]
    contract: Option<String>,
    /// The same by terms of one's own, as TOML
    #[arg(long, value_name = "FILE")]
    contract_file: Option<PathBuf>,
}

impl ContractChoice {
    pub(super) fn terms(&self) -> Result<Box<ContractTerms>, NoRule> {
        match (&self.contract, &self.contract_file) {
            (_, Some(file)) => read(file),
            (name, None) => preset("contract terms", name.as_deref().unwrap_or("floor"), &CONTRACTS),
        }
    }
}

/// What can be asked about entitlements.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum Entitlements {
    /// Propose to grant an entitlement without an auction, at the floor's own price.
    Grant {
        /// The floor that it comes under.
        #[arg(long, value_name = "ID", value_parser = id(FloorId))]
        floor: FloorId,
        /// The supplier that is entitled.
        #[arg(long, value_name = "ID", value_parser = id(ParticipantId))]
        holder: ParticipantId,
        /// How much a period of the floor's calendar; where volume is metered, the most that counts.
        #[arg(long, value_name = "QUANTITY")]
        per_period: Quantity,
    },
    /// Propose to grant the seller of a deal a contract on what it delivers, at the floor's own price.
    ///
    /// Its reference price is never below the deal's, so that nobody agrees on a low price for the programme to make up for.
    GrantOnDeal {
        /// The deal, as it is named, such as 7-12.1.
        #[arg(value_name = "DEAL")]
        deal: NegotiationId,
        /// The floor that it comes under.
        #[arg(long, value_name = "ID", value_parser = id(FloorId))]
        floor: FloorId,
        /// How much a period of the floor's calendar: over all periods, no more than was dealt in.
        #[arg(long, value_name = "QUANTITY")]
        per_period: Quantity,
    },
    /// Propose to put another supplier in the holder's place, with all rights and duties.
    Novate {
        /// The entitlement.
        #[arg(value_name = "ID", value_parser = id(EntitlementId))]
        entitlement: EntitlementId,
        /// Its new holder.
        #[arg(long, value_name = "ID", value_parser = id(ParticipantId))]
        to: ParticipantId,
    },
    /// Propose to end an entitlement before its time, with a period that was not settled yet.
    Terminate {
        /// The entitlement.
        #[arg(value_name = "ID", value_parser = id(EntitlementId))]
        entitlement: EntitlementId,
        /// The last day that it covers.
        #[arg(long, value_name = "YYYY-MM-DD")]
        last: Day,
    },
    /// Propose to say from when a holder shares high prices: the condition of its contract is met.
    ShareUpside {
        /// The entitlement.
        #[arg(value_name = "ID", value_parser = id(EntitlementId))]
        entitlement: EntitlementId,
        /// The first day; a period that begins no earlier is shared.
        #[arg(long, value_name = "YYYY-MM-DD")]
        from: Day,
    },
}

impl Entitlements {
    pub(super) const fn into_action(self) -> Action {
        match self {
            Self::Grant { floor, holder, per_period } => {
                Action::GrantEntitlement { floor, holder, per_period }
            }
            Self::GrantOnDeal { deal, floor, per_period } => Action::GrantOnDeal { deal, floor, per_period },
            Self::Novate { entitlement, to } => Action::NovateEntitlement { entitlement, to },
            Self::Terminate { entitlement, last } => Action::TerminateEntitlement { entitlement, last },
            Self::ShareUpside { entitlement, from } => Action::ShareUpside { entitlement, from },
        }
    }
}

/// What can be asked about reference prices.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum Prices {
    /// Publish an index's price of a day that is over; again for a revision.
    ///
    /// The exchange takes it from the index's publisher alone: connect with the publisher's certificate, not with an
    /// operator's. No second operator confirms it, unless it moves further than the index's guard allows.
    Publish(PriceOptions),
    /// Propose to let a price count that its index's guard holds, with the volume and source that it was published with.
    Release(PriceOptions),
}

/// A price of a day.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub struct PriceOptions {
    /// The index.
    #[arg(long, value_name = "ID", value_parser = id(IndexId))]
    index: IndexId,
    /// The day; the last one for the price of a month or quarter.
    #[arg(long, value_name = "YYYY-MM-DD")]
    day: Day,
    /// The price.
    #[arg(long, allow_negative_numbers = true)]
    price: Price,
    /// The volume that was traded at it.
    #[arg(long, value_name = "QUANTITY")]
    volume: Option<Quantity>,
    /// Where it was taken from.
    #[arg(long, value_name = "TEXT")]
    source: Option<Name>,
}

impl Prices {
    pub(super) fn into_command(self) -> Command {
        let (Self::Publish(options) | Self::Release(options)) = &self;
        let PriceOptions { index, day, price, volume, source } = options.clone();
        let observation = Observation { price, volume, source };
        match self {
            Self::Publish(_) => Command::PublishReferencePrice { index, day, observation },
            Self::Release(_) => {
                Command::Propose { action: Action::ReleaseReferencePrice { index, day, observation } }
            }
        }
    }
}

/// What can be asked about settlements.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum Settlements {
    /// Propose to run the settlement of a period of a floor.
    ///
    /// First the next period that is due. After a revised price or delivery an earlier one is run again, and pays the
    /// difference to the run before.
    Run {
        /// The floor.
        #[arg(long, value_name = "ID", value_parser = id(FloorId))]
        floor: FloorId,
        /// A day of the period.
        #[arg(long, value_name = "YYYY-MM-DD")]
        period: Day,
        /// The data it is settled on: all up to this version, as it is told with each price and delivery.
        #[arg(long, value_name = "NUMBER")]
        version: u64,
    },
}

impl Settlements {
    pub(super) const fn into_action(self) -> Action {
        let Self::Run { floor, period, version } = self;
        Action::Settle { floor, period, version: DataVersion(version) }
    }
}

/// A delivery under a contract with metered volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Args)]
pub struct DeliveryOptions {
    /// The entitlement that it was delivered under.
    #[arg(value_name = "ID", value_parser = id(EntitlementId))]
    entitlement: EntitlementId,
    /// The day, which is over; again for a correction.
    #[arg(long, value_name = "YYYY-MM-DD")]
    day: Day,
    /// How much was sold.
    #[arg(long, value_name = "QUANTITY")]
    sold: Quantity,
    /// What of that came from stock: it was paid for when it was put there [default: 0]
    #[arg(long, value_name = "QUANTITY")]
    from_stock: Option<Quantity>,
    /// How much was put into stock [default: 0]
    #[arg(long, value_name = "QUANTITY")]
    stockpiled: Option<Quantity>,
    /// Where it went, by its two ISO 3166-1 letters.
    #[arg(long, value_name = "COUNTRY")]
    destination: Option<Country>,
    /// The SHA-256 of the documents that show it, in hexadecimal digits.
    #[arg(long, value_name = "DIGEST")]
    evidence: Option<Digest>,
}

impl DeliveryOptions {
    pub(super) fn into_command(self) -> Command {
        let Self { entitlement, day, sold, from_stock, stockpiled, destination, evidence } = self;
        let from_stock = from_stock.unwrap_or(Quantity::ZERO);
        let stockpiled = stockpiled.unwrap_or(Quantity::ZERO);
        let delivery = Delivery { sold, from_stock, stockpiled, destination, evidence };
        Command::ReportDelivery { entitlement, day, delivery }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    use crate::command_line::admin::AdminCommand;

    #[derive(Debug, Parser)]
    struct Admin {
        #[command(subcommand)]
        command: AdminCommand,
    }

    fn parse(line: &str) -> Command {
        let admin = Admin::try_parse_from(["admin"].into_iter().chain(line.split(' ')));
        admin.unwrap_or_else(|error| panic!("{line}: {error}")).command.into_command().expect("a command")
    }

    fn day(text: &str) -> Day {
        text.parse().expect("a day")
    }

    fn price(units: i64) -> Price {
        Price::from_units(units).expect("fits")
    }

    fn quantity(units: u32) -> Quantity {
        Quantity::from_units(units).expect("fits")
    }

    #[test]
    fn each_action_is_proposed() {
        let (floor, entitlement) = (FloorId(1), EntitlementId(4));
        for (line, action) in [
            (
                "entitlements grant --floor 1 --holder 21 --per-period 120",
                Action::GrantEntitlement { floor, holder: ParticipantId(21), per_period: quantity(120) },
            ),
            (
                "entitlements novate 4 --to 22",
                Action::NovateEntitlement { entitlement, to: ParticipantId(22) },
            ),
            (
                "entitlements terminate 4 --last 2024-06-30",
                Action::TerminateEntitlement { entitlement, last: day("2024-06-30") },
            ),
            (
                "entitlements share-upside 4 --from 2024-07-01",
                Action::ShareUpside { entitlement, from: day("2024-07-01") },
            ),
            (
                "prices release --index 3 --day 2019-01-31 --price -5",
                Action::ReleaseReferencePrice {
                    index: IndexId(3),
                    day: day("2019-01-31"),
                    observation: Observation { price: price(-5), volume: None, source: None },
                },
            ),
            (
                "settlements run --floor 1 --period 2019-01-01 --version 7",
                Action::Settle { floor, period: day("2019-01-01"), version: DataVersion(7) },
            ),
        ] {
            assert_eq!(parse(line), Command::Propose { action }, "{line}");
        }
    }

    #[test]
    fn data_take_one() {
        let of = |volume, source: Option<&str>| {
            let source = source.map(|text| text.parse().expect("a name"));
            let observation = Observation { price: price(95_000), volume, source };
            Command::PublishReferencePrice { index: IndexId(3), day: day("2019-01-31"), observation }
        };
        let publish = "prices publish --index 3 --day 2019-01-31 --price 95000";
        assert_eq!(parse(publish), of(None, None));
        assert_eq!(
            parse(&format!("{publish} --volume 40 --source IMF")),
            of(Some(quantity(40)), Some("IMF"))
        );
        let digest = Digest::of(&1_u8);
        let reported = |delivery| {
            let (entitlement, day) = (EntitlementId(4), day("2019-01-31"));
            Command::ReportDelivery { entitlement, day, delivery }
        };
        let zero = Quantity::ZERO;
        let sold = Delivery {
            sold: quantity(20),
            from_stock: zero,
            stockpiled: zero,
            destination: None,
            evidence: None,
        };
        let deliver = "deliveries report 4 --day 2019-01-31 --sold 20";
        assert_eq!(parse(deliver), reported(sold));
        let whole = Delivery {
            from_stock: quantity(5),
            stockpiled: quantity(1),
            destination: "DE".parse().ok(),
            evidence: Some(digest),
            ..sold
        };
        let more = format!("{deliver} --from-stock 5 --stockpiled 1 --destination DE --evidence {digest}");
        assert_eq!(parse(&more), reported(whole));
    }

    #[test]
    fn terms_are_named_or_in_a_file() {
        for (name, text) in CONTRACTS {
            let choice = ContractChoice { contract: Some(name.to_owned()), contract_file: None };
            let terms = choice.terms().expect("terms");
            let file = tempfile::NamedTempFile::new().expect("a file");
            std::fs::write(file.path(), text).expect("written");
            let choice = ContractChoice { contract: None, contract_file: Some(file.path().to_owned()) };
            assert_eq!(choice.terms().expect("terms"), terms, "{name}");
        }
        assert_eq!(*ContractChoice::default().terms().expect("terms"), ContractTerms::monthly_floor());
        let unknown = ContractChoice { contract: Some("cap".to_owned()), contract_file: None };
        let said = unknown.terms().expect_err("no such terms").to_string();
        assert!(said.contains("floor-with-upside"), "{said}");
    }
}
