//! The arguments of `golv admin`: what an operator asks of the exchange, and the publisher of an index.
//!
//! What moves money or changes rules is an [`Action`]: it is sent as a proposal and done when another operator
//! confirms it. The rest takes one. Ids of what is created are chosen here, by whoever creates it.

use clap::Subcommand;
use golv_engine::cfd::IndexTerms;
use golv_engine::command::{Action, Command};
use golv_engine::id::{
    FloorId, IdentityId, IndexId, MarketId, OwnerGroup, ParticipantId, ProgrammeId, ProposalId,
};
use golv_engine::key::KeyFingerprint;
use golv_engine::market::{FloorTerms, Market, Unit};
use golv_engine::num::{Currency, Price, Quantity, Share};
use golv_engine::participant::{Role, Standing};
use golv_engine::text::{Country, Name};
use golv_engine::time::{Instant, Month};

pub use super::auctions::{Auctions, NoCommand};
pub use super::boards::Boards;
use super::contracts::{ContractChoice, DeliveryOptions};
pub use super::contracts::{Entitlements, Prices, Settlements};
use super::instant::parse_instant;
pub use super::money::{
    AmountOptions, ClearingOptions, Collateral, DefaultFund, OwnerOptions, PaymentOptions, Payments,
    Programmes,
};
use super::parse::{self, id};

/// What can be asked, by the kind of thing that it is about.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum AdminCommand {
    /// Admit, suspend and reinstate those who take part.
    #[command(subcommand)]
    Participants(Participants),
    /// Say who acts for a participant, and with which key.
    #[command(subcommand)]
    Identities(Identities),
    /// Define what is traded, and the grid of its prices and quantities.
    #[command(subcommand)]
    Markets(Markets),
    /// Define the price indices that settlement looks to.
    #[command(subcommand)]
    Indices(Indices),
    /// Open support programmes, pay money into them, and say at which prices they keep stocks.
    #[command(subcommand)]
    Programmes(Programmes),
    /// Take in participants' collateral, and give it back.
    #[command(subcommand)]
    Collateral(Collateral),
    /// Take in participants' contributions to the default fund, and give them back.
    #[command(subcommand)]
    DefaultFund(DefaultFund),
    /// Propose to set money of the centre's own aside for defaults.
    OwnResources(AmountOptions),
    /// Record payments that came in and went out.
    #[command(subcommand)]
    Payments(Payments),
    /// Propose how money of a currency is collected and secured: due dates, notices, collateral, and who bears a loss.
    ///
    /// A currency without clearing terms has no due dates, and nobody defaults in it.
    ClearingTerms(ClearingOptions),
    /// Stop a participant at once: it is suspended, and its bids in open auctions and its entries on boards are withdrawn.
    ///
    /// One operator is enough to stop somebody; it takes two to let it take part again.
    Halt {
        /// The participant.
        #[arg(value_name = "ID", value_parser = id(ParticipantId))]
        participant: ParticipantId,
    },
    /// Print the trial balance: every account with money, and what those of a currency sum to, which is nothing.
    ///
    /// It is added up from all postings that you are shown: to operators and auditors all but those of bid bonds, which tell how
    /// much is bid. So a participant's collateral and its bonds are one account here; golv journal balances tells them apart.
    Balances {
        /// Print it as CSV.
        #[arg(long, conflicts_with = "json")]
        csv: bool,
    },
    /// Set the floors at which a programme supports a market's producers.
    #[command(subcommand)]
    Floors(Floors),
    /// Announce, cancel and clear auctions.
    #[command(subcommand)]
    Auctions(Auctions),
    /// Open boards of offers and requests, and call and solve their rounds.
    #[command(subcommand)]
    Boards(Boards),
    /// Grant entitlements to difference payments without an auction; novate and end them.
    #[command(subcommand)]
    Entitlements(Entitlements),
    /// Publish reference prices, as the publisher of an index; release what its guard holds.
    #[command(subcommand)]
    Prices(Prices),
    /// Report deliveries under contracts with metered volume, in their holders' place.
    #[command(subcommand)]
    Deliveries(Deliveries),
    /// Settle a floor period by period.
    #[command(subcommand)]
    Settlements(Settlements),
    /// Confirm or withdraw what an operator proposed.
    #[command(subcommand)]
    Proposals(Proposals),
    /// Set the clock of a rehearsal.
    #[command(subcommand)]
    Clock(Clock),
    /// Change the rules by which commands are judged.
    #[command(subcommand)]
    Rules(Rules),
}

/// What can be asked about participants.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum Participants {
    /// Propose to admit a participant.
    ///
    /// It can do nothing until an identity acts for it.
    Register {
        /// Its id, not yet taken.
        #[arg(value_name = "ID", value_parser = id(ParticipantId))]
        participant: ParticipantId,
        /// Its name, for people.
        #[arg(long)]
        name: Name,
        /// The group of all participants of its beneficial owner.
        #[arg(long, value_name = "ID", value_parser = id(OwnerGroup))]
        owner_group: OwnerGroup,
        /// What it may do, separated by commas.
        #[arg(long, value_delimiter = ',', required = true, value_parser = parse::role())]
        roles: Vec<Role>,
    },
    /// Propose to suspend a participant: every command of it is refused, and what it holds stands.
    Suspend {
        /// The participant.
        #[arg(value_name = "ID", value_parser = id(ParticipantId))]
        participant: ParticipantId,
    },
    /// Propose to let a suspended participant take part again.
    Reinstate {
        /// The participant.
        #[arg(value_name = "ID", value_parser = id(ParticipantId))]
        participant: ParticipantId,
    },
}

/// What can be asked about identities.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum Identities {
    /// Propose to let somebody act for a participant.
    ///
    /// An identity connects once a key is bound to it.
    Add {
        /// The identity's id, not yet taken.
        #[arg(value_name = "ID", value_parser = id(IdentityId))]
        identity: IdentityId,
        /// For whom it acts.
        #[arg(long, value_name = "ID", value_parser = id(ParticipantId))]
        participant: ParticipantId,
    },
    /// Propose to end an identity's right to act, for good.
    Revoke {
        /// The identity.
        #[arg(value_name = "ID", value_parser = id(IdentityId))]
        identity: IdentityId,
    },
    /// Propose to bind a key to an identity, which may then connect with it.
    ///
    /// Every key is bound once, for good. To rotate, bind the new key and say when the identity's others end.
    BindKey {
        /// The identity.
        #[arg(value_name = "ID", value_parser = id(IdentityId))]
        identity: IdentityId,
        /// The SHA-256 of the public key's DER SubjectPublicKeyInfo, as 64 hexadecimal digits.
        #[arg(long, value_name = "SHA256")]
        fingerprint: KeyFingerprint,
        /// When the identity's other keys end, in UTC as 2018-12-03T12:00:00Z; they go on if not given.
        #[arg(long, value_name = "INSTANT", value_parser = parse_instant)]
        others_end_at: Option<Instant>,
    },
}

/// What can be asked about markets.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum Markets {
    /// Propose to define a market for one material and grade.
    ///
    /// Prices are whole ticks between the lowest and the highest, quantities whole lots up to the largest. A lot times
    /// a tick must be a whole number of millionths of the currency, so that every amount is exact.
    Define {
        /// The market's id, not yet taken.
        #[arg(value_name = "ID", value_parser = id(MarketId))]
        market: MarketId,
        /// The material and grade, for people.
        #[arg(long)]
        name: Name,
        /// The unit of prices and quantities: of mass, of mass and month for storage, or of money and year for finance.
        #[arg(long, value_parser = parse::unit())]
        unit: Unit,
        /// The currency of prices.
        #[arg(long, value_parser = parse::currency())]
        currency: Currency,
        /// The smallest quantity; all are whole multiples of it.
        #[arg(long, value_name = "QUANTITY")]
        lot: Quantity,
        /// The step between two prices; all are whole multiples of it.
        #[arg(long, value_name = "PRICE")]
        tick: Price,
        /// The lowest price taken; it may be negative.
        #[arg(long, value_name = "PRICE", allow_negative_numbers = true)]
        lowest: Price,
        /// The highest price taken.
        #[arg(long, value_name = "PRICE", allow_negative_numbers = true)]
        highest: Price,
        /// The largest quantity of one bid.
        #[arg(long, value_name = "QUANTITY")]
        largest: Quantity,
    },
}

/// What can be asked about indices.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum Indices {
    /// Propose to define a price index and to name its publisher.
    Define {
        /// The index's id, not yet taken.
        #[arg(value_name = "ID", value_parser = id(IndexId))]
        index: IndexId,
        /// Its name, for people.
        #[arg(long)]
        name: Name,
        /// The currency of its prices, per unit of the markets that use it; none for a mere number, such as an index
        /// of consumer prices.
        #[arg(long, value_parser = parse::currency())]
        currency: Option<Currency>,
        /// The participant that publishes it: one with the role publisher.
        #[arg(long, value_name = "ID", value_parser = id(ParticipantId))]
        publisher: ParticipantId,
        /// A price that moves by more than this share of the one before, such as 0.25, is held until two operators release it.
        #[arg(long, value_name = "SHARE")]
        guard: Option<Share>,
    },
}

/// What can be asked about floors.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum Floors {
    /// Propose to set a floor on a market.
    ///
    /// A programme offers producers contracts for difference, by which it pays strike − index for each unit of an entitlement,
    /// period by period, and by which they may have to share high prices. Strikes are no higher than the floor's price, and the
    /// programme reserves strike − stress price for each unit.
    Set {
        /// The floor's id, not yet taken.
        #[arg(value_name = "ID", value_parser = id(FloorId))]
        floor: FloorId,
        /// The market whose producers it supports.
        #[arg(long, value_name = "ID", value_parser = id(MarketId))]
        market: MarketId,
        /// The programme that pays.
        #[arg(long, value_name = "ID", value_parser = id(ProgrammeId))]
        programme: ProgrammeId,
        /// The index that it pays against.
        #[arg(long, value_name = "ID", value_parser = id(IndexId))]
        index: IndexId,
        /// The floor: no strike is higher.
        #[arg(long, allow_negative_numbers = true)]
        price: Price,
        /// The index price down to which payments are reserved, below the floor.
        #[arg(long, value_name = "PRICE", allow_negative_numbers = true)]
        stress_price: Price,
        /// The first month that it covers.
        #[arg(long, value_name = "YYYY-MM")]
        first: Month,
        /// The last month that it covers.
        #[arg(long, value_name = "YYYY-MM")]
        last: Month,
        /// Where supported material may come from: ISO 3166-1 letters, separated by commas.
        #[arg(long, value_name = "COUNTRIES", value_delimiter = ',', required = true)]
        origins: Vec<Country>,
        /// How contracts under it are settled.
        #[command(flatten)]
        contract: ContractChoice,
    },
    /// Propose to change the price down to which a floor's payments are reserved, from the next run on and for new grants.
    StressPrice {
        /// The floor.
        #[arg(value_name = "ID", value_parser = id(FloorId))]
        floor: FloorId,
        /// The index price.
        #[arg(long, allow_negative_numbers = true)]
        price: Price,
    },
}

/// What can be asked about deliveries.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum Deliveries {
    /// Report what was delivered on a day; again for a correction.
    Report(DeliveryOptions),
}

/// What can be asked about proposals.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum Proposals {
    /// Confirm what another operator proposed, which does it.
    Confirm {
        /// The proposal, as it was named when it was made, such as 1.7.
        #[arg(value_name = "IDENTITY.COMMAND", value_parser = parse::proposal)]
        proposal: ProposalId,
    },
    /// Withdraw a proposal: yours or another operator's.
    Withdraw {
        /// The proposal, as it was named when it was made, such as 1.7.
        #[arg(value_name = "IDENTITY.COMMAND", value_parser = parse::proposal)]
        proposal: ProposalId,
    },
}

/// What can be asked about the clock.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum Clock {
    /// Set a rehearsal's clock forward; what falls due until then happens.
    ///
    /// A live exchange refuses it.
    Set {
        /// The new time, in UTC as 2018-12-03T12:00:00Z.
        #[arg(value_name = "INSTANT", value_parser = parse_instant)]
        to: Instant,
    },
}

/// What can be asked about the rules.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum Rules {
    /// Propose to put a newer version of the rules in force, from the next command on.
    ///
    /// Every engine that serves or replays the journal must know the version; there is no way back to an older one.
    Change {
        /// The version's number.
        version: u32,
    },
}

impl AdminCommand {
    /// The command that the exchange is sent.
    ///
    /// # Errors
    /// If a file that it names cannot be read or written, or is not what it should be.
    pub fn into_command(self) -> Result<Command, NoCommand> {
        let action = match self {
            Self::Participants(command) => command.into_action(),
            Self::Identities(command) => command.into_action(),
            Self::Markets(command) => command.into_action(),
            Self::Indices(command) => command.into_action(),
            Self::Programmes(command) => command.into_action(),
            Self::Collateral(command) => command.into_action(),
            Self::DefaultFund(command) => command.into_action(),
            Self::OwnResources(amount) => Action::SetOwnResourcesAside { amount: amount.money() },
            Self::Payments(command) => command.into_action(),
            Self::ClearingTerms(options) => options.into_action()?,
            Self::Halt { participant } => return Ok(Command::Halt { participant }),
            Self::Balances { .. } => return Err(NoCommand::Read),
            Self::Floors(command) => command.into_action()?,
            Self::Entitlements(command) => command.into_action(),
            Self::Settlements(command) => command.into_action(),
            Self::Rules(Rules::Change { version }) => Action::ChangeRules { version },
            Self::Auctions(command) => return command.into_command(),
            Self::Boards(command) => return command.into_command(),
            Self::Prices(command) => return Ok(command.into_command()),
            Self::Deliveries(Deliveries::Report(delivery)) => return Ok(delivery.into_command()),
            Self::Proposals(Proposals::Confirm { proposal }) => return Ok(Command::Confirm { proposal }),
            Self::Proposals(Proposals::Withdraw { proposal }) => {
                return Ok(Command::WithdrawProposal { proposal });
            }
            Self::Clock(Clock::Set { to }) => return Ok(Command::SetClock { to }),
        };
        Ok(Command::Propose { action })
    }
}

impl Participants {
    fn into_action(self) -> Action {
        match self {
            Self::Register { participant, name, owner_group, roles } => {
                let roles = roles.into_iter().collect();
                Action::RegisterParticipant { participant, name, owner_group, roles }
            }
            Self::Suspend { participant } => {
                Action::SetStanding { participant, standing: Standing::Suspended }
            }
            Self::Reinstate { participant } => {
                Action::SetStanding { participant, standing: Standing::Active }
            }
        }
    }
}

impl Identities {
    const fn into_action(self) -> Action {
        match self {
            Self::Add { identity, participant } => Action::AddIdentity { identity, participant },
            Self::Revoke { identity } => Action::RevokeIdentity { identity },
            Self::BindKey { identity, fingerprint, others_end_at } => {
                Action::BindKey { identity, key: fingerprint, others_end_at }
            }
        }
    }
}

impl Markets {
    fn into_action(self) -> Action {
        let Self::Define { market, name, unit, currency, lot, tick, lowest, highest, largest } = self;
        let terms = Market { name, unit, currency, lot, tick, lowest, highest, largest };
        Action::DefineMarket { market, terms }
    }
}

impl Indices {
    fn into_action(self) -> Action {
        let Self::Define { index, name, currency, publisher, guard } = self;
        Action::DefineIndex { index, terms: IndexTerms { name, currency, publisher, guard } }
    }
}

impl Floors {
    fn into_action(self) -> Result<Action, NoCommand> {
        match self {
            Self::Set {
                floor,
                market,
                programme,
                index,
                price,
                stress_price,
                first,
                last,
                origins,
                contract,
            } => {
                let contract = contract.terms()?;
                let terms = FloorTerms {
                    market,
                    programme,
                    index,
                    price,
                    stress_price,
                    first,
                    last,
                    origins,
                    contract,
                };
                Ok(Action::SetFloor { floor, terms })
            }
            Self::StressPrice { floor, price } => Ok(Action::SetStressPrice { floor, price }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::num::NonZeroU32;

    use clap::{CommandFactory, Parser};
    use golv_engine::auction::{AuctionKind, AuctionRule, AuctionTerms};
    use golv_engine::cfd::ContractTerms;
    use golv_engine::clearing::{Allocation, Candidates, Criterion, Rule};
    use golv_engine::id::{AuctionId, CommandId};

    #[derive(Debug, Parser)]
    struct Admin {
        /// Stands beside every command, and rows as CSV conflict with it.
        #[arg(long, global = true)]
        json: bool,
        #[command(subcommand)]
        command: AdminCommand,
    }

    /// Splits at spaces; `_` stands for a space within an argument.
    fn parse(line: &str) -> Result<Command, clap::Error> {
        let arguments = line.split(' ').map(|argument| argument.replace('_', " "));
        Admin::try_parse_from(["admin".to_owned()].into_iter().chain(arguments))
            .map(|admin| admin.command.into_command().expect("no files are named"))
    }

    fn dollars(units: i64) -> Price {
        Price::from_units(units).expect("fits")
    }

    fn tonnes(units: u32) -> Quantity {
        Quantity::from_units(units).expect("fits")
    }

    fn name(text: &str) -> Name {
        text.parse().expect("a name")
    }

    fn month(text: &str) -> Month {
        text.parse().expect("a month")
    }

    fn at(hour: u32) -> Instant {
        Instant::at_midnight(2018, 12, 3).and_then(|day| day.plus_seconds(hour * 3600)).expect("a day")
    }

    #[test]
    fn the_arguments_are_consistent() {
        Admin::command().debug_assert();
    }

    /// The actions that two operators agree on.
    #[test]
    fn each_action_is_proposed() {
        let participant = ParticipantId(21);
        let identity = IdentityId(31);
        let key = KeyFingerprint([0xab; 32]);
        let fingerprint = key.to_string();
        let auction = AuctionId(2);
        let rule = |cascade, allocation| {
            let rule = Rule::new(Candidates::Limits, cascade, allocation);
            AuctionRule::from(Rule { reference_price: Some(dollars(95_000)), ..rule })
        };
        let call = AuctionTerms {
            kind: AuctionKind::Call { market: MarketId(1), stock: None },
            opens_at: at(8),
            closes_at: at(12),
            challenge_seconds: NonZeroU32::new(86_400).expect("positive"),
            rule: rule(
                vec![
                    Criterion::MostVolume,
                    Criterion::LeastSurplus,
                    Criterion::SurplusSide,
                    Criterion::Reference,
                ],
                Allocation::PriceTime,
            ),
            draw_commitment: None,
        };
        let kind = AuctionKind::Support { floor: FloorId(1), per_period: tonnes(120) };
        let cascade = vec![Criterion::MostVolume, Criterion::LastAcceptedOffer, Criterion::Reference];
        let support = AuctionTerms { kind, rule: rule(cascade, Allocation::ProRata), ..call.clone() };
        let times = "--opens-at 2018-12-03T08:00:00Z --closes-at 2018-12-03T12:00:00Z --challenge-seconds 86400 \
                     --reference-price 95000";
        let market = Market {
            name: name("Lithium metal"),
            unit: Unit::Tonne,
            currency: Currency::Usd,
            lot: tonnes(1),
            tick: dollars(10),
            lowest: dollars(-20_000),
            highest: dollars(600_000),
            largest: tonnes(1_000),
        };
        let floor = FloorTerms {
            market: MarketId(1),
            programme: ProgrammeId(2),
            index: IndexId(3),
            price: dollars(105_000),
            stress_price: dollars(60_000),
            first: month("2019-01"),
            last: month("2025-09"),
            origins: ["FI", "SE"].map(|code| code.parse().expect("a country")).into(),
            contract: Box::new(ContractTerms::monthly_floor()),
        };
        let currency = Some(Currency::Usd);
        let index = IndexTerms { name: name("IMF"), currency, publisher: participant, guard: None };
        let guard = "0.25".parse().ok();
        let consumer_prices = IndexTerms { currency: None, guard, ..index.clone() };
        let table = [
            (
                "participants register 21 --name Keliber_Oy --owner-group 7 --roles supplier,buyer".to_owned(),
                Action::RegisterParticipant {
                    participant,
                    name: name("Keliber Oy"),
                    owner_group: OwnerGroup(7),
                    roles: [Role::Supplier, Role::Buyer].into(),
                },
            ),
            (
                "participants suspend 21".to_owned(),
                Action::SetStanding { participant, standing: Standing::Suspended },
            ),
            (
                "participants reinstate 21".to_owned(),
                Action::SetStanding { participant, standing: Standing::Active },
            ),
            ("identities add 31 --participant 21".to_owned(), Action::AddIdentity { identity, participant }),
            ("identities revoke 31".to_owned(), Action::RevokeIdentity { identity }),
            (
                format!("identities bind-key 31 --fingerprint {fingerprint}"),
                Action::BindKey { identity, key, others_end_at: None },
            ),
            (
                format!(
                    "identities bind-key 31 --fingerprint {fingerprint} --others-end-at 2018-12-03T12:00:00Z"
                ),
                Action::BindKey { identity, key, others_end_at: Some(at(12)) },
            ),
            (
                "markets define 1 --name Lithium_metal --unit t --currency USD --lot 1 --tick 10 --lowest -20000 \
                 --highest 600000 --largest 1000"
                    .to_owned(),
                Action::DefineMarket { market: MarketId(1), terms: market },
            ),
            (
                "indices define 3 --name IMF --currency USD --publisher 21".to_owned(),
                Action::DefineIndex { index: IndexId(3), terms: index },
            ),
            (
                "indices define 4 --name IMF --publisher 21 --guard 0.25".to_owned(),
                Action::DefineIndex { index: IndexId(4), terms: consumer_prices },
            ),
            (
                "floors set 1 --market 1 --programme 2 --index 3 --price 105000 --stress-price 60000 \
                 --first 2019-01 --last 2025-09 --origins FI,SE"
                    .to_owned(),
                Action::SetFloor { floor: FloorId(1), terms: floor },
            ),
            (
                "floors stress-price 1 --price 55000".to_owned(),
                Action::SetStressPrice { floor: FloorId(1), price: dollars(55_000) },
            ),
            (
                format!("auctions announce-call 2 --market 1 {times}"),
                Action::AnnounceAuction { auction, terms: call },
            ),
            (
                format!("auctions announce-support 2 --floor 1 --per-period 120 {times}"),
                Action::AnnounceAuction { auction, terms: support },
            ),
            ("auctions cancel 2".to_owned(), Action::CancelAuction { auction }),
            ("rules change 2".to_owned(), Action::ChangeRules { version: 2 }),
        ];
        for (line, action) in table {
            let command = parse(&line).unwrap_or_else(|error| panic!("{line}: {error}"));
            assert_eq!(command, Command::Propose { action }, "{line}");
        }
    }

    #[test]
    fn the_rest_takes_one_operator_or_the_publisher() {
        let proposal = ProposalId { identity: IdentityId(1), command: CommandId(7) };
        for (line, expected) in [
            ("auctions clear 2", Command::ClearAuction { auction: AuctionId(2), secret: None }),
            ("proposals confirm 1.7", Command::Confirm { proposal }),
            ("proposals withdraw 1.7", Command::WithdrawProposal { proposal }),
            ("clock set 2018-12-03T12:00:00Z", Command::SetClock { to: at(12) }),
            ("halt 21", Command::Halt { participant: ParticipantId(21) }),
        ] {
            let command = parse(line).unwrap_or_else(|error| panic!("{line}: {error}"));
            assert_eq!(command, expected, "{line}");
        }
    }

    #[test]
    fn a_wrong_argument_is_told_what_would_be_right() {
        for (line, right) in [
            ("prices publish --index 3 --day 2019-01-31 --price 0.1234567", "more than six decimals"),
            ("prices publish --index 3 --day 2019-01 --price 1", "not a day such as 2019-01-31"),
            ("clock set 2018-12-03T12:00:00+02:00", "not an instant in UTC such as 2018-12-03T12:00:00Z"),
            ("clock set 2018-02-30T12:00:00Z", "no day or time of day that there is"),
            ("identities bind-key 31 --fingerprint 00ff", "64 hexadecimal digits"),
            (
                "participants register 21 --name Keliber --owner-group 7 --roles seller",
                "possible values: operator, supplier, buyer, publisher, auditor",
            ),
            ("participants register 21 --name _x --owner-group 7 --roles buyer", "no space at either end"),
            (
                "programmes fund 2 --funder State --amount 1e3 --currency EUR",
                "a plain decimal number such as 95000",
            ),
            (
                "programmes fund 2 --funder State --amount 1 --currency CHF",
                "possible values: EUR, USD, GBP, CNY, JPY",
            ),
            (
                "floors set 1 --market 1 --programme 2 --index 3 --price 2 --stress-price 1 --first 2019-01 \
                 --last 2019-02 --origins FI,Sweden",
                "two capital letters, such as FI",
            ),
            (
                "auctions announce-call 2 --market 1 --opens-at 2018-12-03T08:00:00Z \
                 --closes-at 2018-12-03T12:00:00Z --reference-price 1 --challenge-seconds 0",
                "0 is not in 1..",
            ),
            ("proposals confirm 17", "an identity and its command"),
        ] {
            let error = parse(line).expect_err(line).to_string();
            assert!(error.contains(right), "{line}: {error}");
        }
    }
}
