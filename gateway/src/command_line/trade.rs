//! The arguments of `golv trade`: what a supplier or buyer asks, and what it wants to see.

use clap::{Args, Subcommand};
use golv_engine::auction::BidDetails;
use golv_engine::book::Side;
use golv_engine::command::{Command, NewBid};
use golv_engine::id::{AuctionId, BidId};
use golv_engine::num::{Price, Quantity};
use golv_engine::text::Country;
use golv_engine::time::{Day, Month};

use super::boards::TradeBoard;
use super::contracts::DeliveryOptions;
use super::parse;

/// What a participant can ask for.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum TradeCommand {
    /// What is sent to the exchange as a command.
    #[command(flatten)]
    Bids(BidCommand),
    /// Offer and request on boards, negotiate, and see what came of it.
    #[command(subcommand)]
    Board(TradeBoard),
    /// Print what happens, as it happens, as far as you may see it.
    ///
    /// One event a line: your own bids, awards and settlement lines, and what is public of every market and auction.
    /// Until an auction is closed nobody sees another's bid.
    Watch {
        /// Begin with the first event there was, instead of the next.
        #[arg(long)]
        from_start: bool,
    },
    /// Print your statement: awards, entitlements, and difference payments period by period.
    ///
    /// It is built from your own events, all from the first. Totals are given for each currency, and count awards
    /// once they are final.
    Statement {
        /// The difference payments of periods that begin in this month alone.
        #[arg(long, value_name = "YYYY-MM", conflicts_with = "day")]
        month: Option<Month>,
        /// The difference payments that were posted on this day alone, with their net.
        #[arg(long, value_name = "YYYY-MM-DD")]
        day: Option<Day>,
    },
    /// Print your account: every posting on your accounts with what it was for and the balance after it, your open invoices, and
    /// what you wait for.
    ///
    /// It is added up from your own events, all from the first.
    Account {
        /// The postings of this day alone; balances are those after all before.
        #[arg(long, value_name = "YYYY-MM-DD")]
        day: Option<Day>,
        /// Print the postings alone, as CSV.
        #[arg(long, conflicts_with = "json")]
        csv: bool,
    },
}

/// What a participant can do with its bids, awards and contracts.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum BidCommand {
    /// Place a sealed bid in an open auction.
    ///
    /// Suppliers sell and buyers buy; a support auction takes offers to sell alone. The answer names the bid, as you
    /// need it to replace or withdraw it.
    Place {
        /// The auction.
        #[arg(long, value_name = "ID", value_parser = parse::id(AuctionId))]
        auction: AuctionId,
        /// Whether material is wanted or offered.
        #[command(flatten)]
        side: SideOptions,
        /// The limit per unit of the market: the most you pay, the least you take; in a support auction, the strike. Without one
        /// it is a market order, which trades at any price.
        #[arg(long, allow_negative_numbers = true)]
        price: Option<Price>,
        /// How much, in the market's unit; in a support auction, per period.
        #[arg(long)]
        quantity: Quantity,
        /// Where the material offered comes from, by its two ISO 3166-1 letters; with --sell alone.
        #[arg(long, value_name = "COUNTRY", required_unless_present = "buy", conflicts_with = "buy")]
        origin: Option<Country>,
        /// What else an offer in a stack says of itself.
        #[command(flatten)]
        details: DetailOptions,
    },
    /// Replace the price and quantity of a bid of yours.
    ///
    /// It keeps its place in time if its price stays and its quantity does not rise.
    Replace {
        /// The bid, as it was named when you placed it, such as 21.5.
        #[arg(value_name = "IDENTITY.COMMAND", value_parser = parse::bid)]
        bid: BidId,
        /// The auction that it stands in.
        #[arg(long, value_name = "ID", value_parser = parse::id(AuctionId))]
        auction: AuctionId,
        /// Its new limit; without one it becomes a market order.
        #[arg(long, allow_negative_numbers = true)]
        price: Option<Price>,
        /// Its new quantity.
        #[arg(long)]
        quantity: Quantity,
    },
    /// Accept an award of yours that waits for it.
    Accept(AwardOptions),
    /// Decline an award of yours. Its bond is forfeited, unless it was called from the reserve list.
    Decline(AwardOptions),
    /// Report what you delivered on a day under a contract of yours whose volume is metered; again for a correction.
    Deliver(DeliveryOptions),
    /// Withdraw a bid of yours while its auction is open.
    Withdraw {
        /// The bid, as it was named when you placed it, such as 21.5.
        #[arg(value_name = "IDENTITY.COMMAND", value_parser = parse::bid)]
        bid: BidId,
        /// The auction that it stands in.
        #[arg(long, value_name = "ID", value_parser = parse::id(AuctionId))]
        auction: AuctionId,
    },
    /// Withdraw at once all that stands in your name: your bids in open auctions and your entries on boards; you leave your purchasing groups,
    /// and your negotiations end.
    WithdrawAll,
}

/// Which award.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Args)]
pub struct AwardOptions {
    /// The bid that won, as it was named when you placed it, such as 21.5.
    #[arg(value_name = "IDENTITY.COMMAND", value_parser = parse::bid)]
    bid: BidId,
    /// The auction that it won in.
    #[arg(long, value_name = "ID", value_parser = parse::id(AuctionId))]
    auction: AuctionId,
}

/// What an offer in a stack says of itself, as far as the auction's rule looks at it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Args)]
pub struct DetailOptions {
    /// In a stack, and in an auction by solutions: the least that is of use to you.
    #[arg(long, value_name = "QUANTITY")]
    minimum: Option<Quantity>,
    /// In a stack: which of the rule's technologies, counted from zero.
    #[arg(long, value_name = "NUMBER", conflicts_with = "buy")]
    technology: Option<u16>,
    /// In a stack: the delivery year that it begins in.
    #[arg(long, conflicts_with = "buy")]
    year: Option<u16>,
    /// In a stack: points of quality.
    #[arg(long, value_name = "POINTS", conflicts_with = "buy")]
    quality: Option<Quantity>,
    /// In a stack: your number of a unit, of which one offer at most is awarded.
    #[arg(long, value_name = "NUMBER", conflicts_with = "buy")]
    unit: Option<u32>,
}

impl DetailOptions {
    /// None where nothing is said.
    fn details(self) -> Option<BidDetails> {
        let Self { minimum, technology, year, quality, unit } = self;
        let details = BidDetails {
            minimum: minimum.unwrap_or(Quantity::ZERO),
            technology,
            year: year.unwrap_or(0),
            quality: quality.unwrap_or(Quantity::ZERO),
            unit,
        };
        (self != Self::default()).then_some(details)
    }
}

/// The side of a bid or of a board's entry: one of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Args)]
#[group(required = true, multiple = false)]
pub struct SideOptions {
    /// To buy.
    #[arg(long)]
    pub buy: bool,
    /// To sell.
    #[arg(long)]
    pub sell: bool,
}

impl SideOptions {
    pub(super) const fn side(self) -> Side {
        if self.buy { Side::Buy } else { Side::Sell }
    }
}

impl BidCommand {
    /// The command that the exchange is sent.
    pub fn into_command(self) -> Command {
        match self {
            Self::Place { auction, side, price, quantity, origin, details } => {
                let bid = NewBid { side: side.side(), price, quantity, origin, details: details.details() };
                Command::PlaceBid { auction, bid }
            }
            Self::Replace { bid, auction, price, quantity } => {
                Command::ReplaceBid { auction, bid, price, quantity }
            }
            Self::Accept(AwardOptions { bid, auction }) => Command::AcceptAward { auction, bid },
            Self::Decline(AwardOptions { bid, auction }) => Command::DeclineAward { auction, bid },
            Self::Deliver(delivery) => delivery.into_command(),
            Self::Withdraw { bid, auction } => Command::WithdrawBid { auction, bid },
            Self::WithdrawAll => Command::WithdrawAll,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{CommandFactory, Parser};
    use golv_engine::id::{CommandId, IdentityId};

    #[derive(Debug, Parser)]
    struct Trade {
        /// Stands beside every command, and rows as CSV conflict with it.
        #[arg(long, global = true)]
        json: bool,
        #[command(subcommand)]
        command: TradeCommand,
    }

    fn parse(line: &str) -> Result<TradeCommand, clap::Error> {
        Trade::try_parse_from(["trade"].into_iter().chain(line.split(' '))).map(|trade| trade.command)
    }

    #[test]
    fn the_arguments_are_consistent() {
        Trade::command().debug_assert();
    }

    #[test]
    fn each_subcommand_becomes_its_command() {
        let auction = AuctionId(2);
        let price = Some(Price::from_units(95_000).expect("fits"));
        let quantity = Quantity::from_units(20).expect("fits");
        let bid = BidId { identity: IdentityId(21), command: CommandId(5) };
        let sell = NewBid { side: Side::Sell, price, quantity, origin: "FI".parse().ok(), details: None };
        let buy =
            NewBid { side: Side::Buy, price: Some(Price::from_millionths(-250_000)), origin: None, ..sell };
        let in_stack = BidDetails { technology: Some(1), unit: Some(3), ..BidDetails::default() };
        let at_any_price = NewBid { price: None, ..buy };
        for (line, expected) in [
            (
                "place --auction 2 --sell --price 95000 --quantity 20 --origin FI",
                Command::PlaceBid { auction, bid: sell },
            ),
            ("place --auction 2 --buy --price -0.25 --quantity 20", Command::PlaceBid { auction, bid: buy }),
            ("place --auction 2 --buy --quantity 20", Command::PlaceBid { auction, bid: at_any_price }),
            (
                "replace 21.5 --auction 2 --price 95000 --quantity 20",
                Command::ReplaceBid { auction, bid, price, quantity },
            ),
            (
                "replace 21.5 --auction 2 --quantity 20",
                Command::ReplaceBid { auction, bid, price: None, quantity },
            ),
            ("withdraw-all", Command::WithdrawAll),
            ("withdraw 21.5 --auction 2", Command::WithdrawBid { auction, bid }),
            ("accept 21.5 --auction 2", Command::AcceptAward { auction, bid }),
            ("decline 21.5 --auction 2", Command::DeclineAward { auction, bid }),
            (
                "place --auction 2 --sell --price 95000 --quantity 20 --origin FI --technology 1 --unit 3",
                Command::PlaceBid { auction, bid: NewBid { details: Some(in_stack), ..sell } },
            ),
        ] {
            match parse(line) {
                Ok(TradeCommand::Bids(bids)) => assert_eq!(bids.into_command(), expected, "{line}"),
                other => panic!("{line}: {other:?}"),
            }
        }
    }

    #[test]
    fn what_is_only_shown_is_no_command() {
        let (january, day) = ("2019-01".parse().ok(), "2019-02-10".parse().ok());
        for (line, expected) in [
            ("watch", TradeCommand::Watch { from_start: false }),
            ("watch --from-start", TradeCommand::Watch { from_start: true }),
            ("statement", TradeCommand::Statement { month: None, day: None }),
            ("statement --month 2019-01", TradeCommand::Statement { month: january, day: None }),
            ("statement --day 2019-02-10", TradeCommand::Statement { month: None, day }),
            ("account", TradeCommand::Account { day: None, csv: false }),
            ("account --day 2019-02-10 --csv", TradeCommand::Account { day, csv: true }),
        ] {
            assert_eq!(parse(line).expect("right"), expected, "{line}");
        }
    }

    #[test]
    fn a_wrong_argument_is_told_what_would_be_right() {
        for (line, right) in [
            ("place --auction 2 --buy --price 0.1234567 --quantity 20", "more than six decimals"),
            ("place --auction 2 --buy --price 95,000 --quantity 20", "a plain decimal number such as 95000"),
            (
                "place --auction 2 --buy --price 1 --quantity=-20",
                "is negative, and a quantity, an amount or a share is not",
            ),
            ("place --auction x --buy --price 1 --quantity 20", "a whole number from 0 to 4294967295"),
            ("place --auction +2 --buy --price 1 --quantity 20", "a whole number from 0 to 4294967295"),
            (
                "place --auction 2 --sell --price 1 --quantity 20 --origin fi",
                "two capital letters, such as FI",
            ),
            ("place --auction 2 --sell --price 1 --quantity 20", "--origin <COUNTRY>"),
            ("place --auction 2 --buy --price 1 --quantity 20 --origin FI", "cannot be used with"),
            ("place --auction 2 --price 1 --quantity 20", "<--buy|--sell>"),
            ("place --auction 2 --buy --sell --price 1 --quantity 20", "cannot be used with"),
            ("withdraw 21 --auction 2", "such as 21.5"),
            ("withdraw 21.5.6 --auction 2", "such as 21.5"),
            ("statement --month 2019-13", "not a month such as 2019-01"),
        ] {
            let error = parse(line).expect_err(line).to_string();
            assert!(error.contains(right), "{line}: {error}");
        }
    }
}
