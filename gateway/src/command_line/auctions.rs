//! The arguments of `golv admin auctions`: what is announced, by which rule, and how the secret of a draw is kept.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::num::NonZeroU32;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use clap::builder::TypedValueParser as _;
use clap::{Args, Subcommand, value_parser};
use golv_engine::auction::{
    AuctionKind, AuctionRule, AuctionTerms, DrawSecret, ParseDrawSecretError, SolutionTerms, StackTerms,
};
use golv_engine::book::Side;
use golv_engine::clearing::Allocation;
use golv_engine::command::{Action, Command};
use golv_engine::id::{AuctionId, FloorId, MarketId, ProgrammeId};
use golv_engine::money::StockOrder;
use golv_engine::num::{Amount, Price, Quantity};
use golv_engine::support::Ties;
use golv_engine::time::Instant;

use super::instant::parse_instant;
use super::parse::{self, id};
use crate::clear::NODE_LIMIT;
use crate::clear::rules::{self, Changes, NoRule, RuleChoice, SupportChoice};

/// What can be asked about auctions.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum Auctions {
    /// Propose to announce a call auction: buyers and sellers of a market meet, at one price for all.
    AnnounceCall {
        /// The auction's id, not yet taken.
        #[arg(value_name = "ID", value_parser = id(AuctionId))]
        auction: AuctionId,
        /// The market.
        #[arg(long, value_name = "ID", value_parser = id(MarketId))]
        market: MarketId,
        /// Bids can have minimums, and it is cleared by the best solution that is proposed within so many seconds after its close.
        #[arg(
            long, value_name = "SECONDS",
            value_parser = value_parser!(u32).range(1..).try_map(NonZeroU32::try_from),
        )]
        solution_seconds: Option<NonZeroU32>,
        /// What a programme buys into stock in it, or releases from it.
        #[command(flatten)]
        stock: StockOptions,
        /// When it opens, when it closes, and what else every auction has.
        #[command(flatten)]
        times: AuctionOptions,
    },
    /// Propose to announce a support auction: suppliers offer strikes, and the lowest win entitlements.
    ///
    /// What it can need at the most is reserved in the programme at once: the volume at the floor's own price, or --budget if that is
    /// less.
    AnnounceSupport {
        /// The auction's id, not yet taken.
        #[arg(value_name = "ID", value_parser = id(AuctionId))]
        auction: AuctionId,
        /// The floor that the entitlements come under.
        #[arg(long, value_name = "ID", value_parser = id(FloorId))]
        floor: FloorId,
        /// How much the programme supports at most in each period of the floor: a month, or a quarter where its contracts are quarterly.
        #[arg(long, value_name = "QUANTITY")]
        per_period: Quantity,
        /// Whether its offers stand in a stack, and how that is held.
        #[command(flatten)]
        stack: StackOptions,
        /// When it opens, when it closes, and what else every auction has.
        #[command(flatten)]
        times: AuctionOptions,
    },
    /// Propose to announce a purchase: a programme buys from the best offers of a stack, to sell again.
    ///
    /// What it can lose is reserved at once: the budget, or the whole quantity at the highest price less the worst sale price.
    AnnouncePurchase {
        /// The auction's id, not yet taken.
        #[arg(value_name = "ID", value_parser = id(AuctionId))]
        auction: AuctionId,
        /// The market.
        #[arg(long, value_name = "ID", value_parser = id(MarketId))]
        market: MarketId,
        /// The programme that buys.
        #[arg(long, value_name = "ID", value_parser = id(ProgrammeId))]
        programme: ProgrammeId,
        /// How much it buys at most.
        #[arg(long)]
        quantity: Quantity,
        /// Below this price it never sells what it bought.
        #[arg(long, value_name = "PRICE", allow_negative_numbers = true)]
        worst_sale: Price,
        /// How its stack is held.
        #[command(flatten)]
        stack: StackOptions,
        /// When it opens, when it closes, and what else every auction has.
        #[command(flatten)]
        times: AuctionOptions,
    },
    /// Propose to announce a sale of what is left of a purchase, to the highest bids.
    AnnounceSale {
        /// The auction's id, not yet taken.
        #[arg(value_name = "ID", value_parser = id(AuctionId))]
        auction: AuctionId,
        /// The purchase, which is final.
        #[arg(long, value_name = "ID", value_parser = id(AuctionId))]
        purchase: AuctionId,
        /// When it opens, when it closes, and what else every auction has.
        #[command(flatten)]
        times: AuctionOptions,
    },
    /// Propose to cancel an auction that is not final.
    Cancel {
        /// The auction.
        #[arg(value_name = "ID", value_parser = id(AuctionId))]
        auction: AuctionId,
    },
    /// Look for the best choice among the bids of a closed auction that waits for solutions, and propose it.
    ///
    /// The book is read from the exchange and searched here. The exchange checks what is proposed, and takes the best of all.
    Solve {
        /// The auction.
        #[arg(value_name = "ID", value_parser = id(AuctionId))]
        auction: AuctionId,
        /// How many partial choices are looked at before the best so far is taken.
        #[arg(long, value_name = "N", default_value_t = NODE_LIMIT)]
        node_limit: u64,
    },
    /// Clear a closed auction; its challenge period begins.
    ///
    /// One operator is enough: the result is a function of the bids, and clearing decides nothing.
    Clear {
        /// The auction.
        #[arg(value_name = "ID", value_parser = id(AuctionId))]
        auction: AuctionId,
        /// For a seeded draw: the file with its secret, as it was kept when the auction was announced.
        #[arg(long, value_name = "FILE")]
        draw_secret_file: Option<PathBuf>,
    },
}

/// What every auction has.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub struct AuctionOptions {
    /// From when on bids are taken, in UTC as 2018-12-03T08:00:00Z.
    #[arg(long, value_name = "INSTANT", value_parser = parse_instant)]
    pub opens_at: Instant,
    /// From when on a bid is too late, in UTC as 2018-12-03T12:00:00Z.
    #[arg(long, value_name = "INSTANT", value_parser = parse_instant)]
    pub closes_at: Instant,
    /// How long its result can be challenged before it is final, in seconds.
    #[arg(
        long, value_name = "SECONDS",
        value_parser = value_parser!(u32).range(1..).try_map(NonZeroU32::try_from),
    )]
    pub challenge_seconds: NonZeroU32,
    /// How it is cleared.
    #[command(flatten)]
    pub rule: RuleChoice,
    /// The price that the rule looks to where nothing else decides; else the one that the rule states, if it does.
    #[arg(long, value_name = "PRICE", allow_negative_numbers = true)]
    pub reference_price: Option<Price>,
    /// For a rule with a seeded draw: the file that keeps its secret until the auction is cleared. It is made if there is
    /// none, and only the secret's hash is sent.
    #[arg(long, value_name = "FILE")]
    pub draw_secret_file: Option<PathBuf>,
}

/// What a stack of offers has beside its rule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
pub struct StackOptions {
    /// Which support rule.
    #[command(flatten)]
    pub rule: SupportChoice,
    /// With --support or --support-file: the most that the programme reserves for the awards.
    #[arg(long, value_name = "AMOUNT")]
    budget: Option<Amount>,
    /// With --support or --support-file: what of a bidder's collateral is held for each unit of what an offer is for in a period.
    #[arg(long, value_name = "PRICE")]
    bond: Option<Price>,
    /// With --support or --support-file: how long winners have to accept, in seconds; without it awards need no acceptance.
    #[arg(
        long, value_name = "SECONDS",
        value_parser = value_parser!(u32).range(1..).try_map(NonZeroU32::try_from),
    )]
    acceptance_seconds: Option<NonZeroU32>,
}

impl StackOptions {
    /// The stack that was asked for, if one was.
    fn terms(self) -> Result<Option<StackTerms>, NoCommand> {
        let Self { rule, budget, bond, acceptance_seconds } = self;
        match rule.rule()? {
            Some(rule) => Ok(Some(StackTerms { rule, budget, bond, acceptance_seconds })),
            None if budget.is_some() || bond.is_some() || acceptance_seconds.is_some() => {
                Err(NoCommand::StackMissing)
            }
            None => Ok(None),
        }
    }
}

/// An order of a programme's in a call auction, which keeps to its stock rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Args)]
pub struct StockOptions {
    /// The programme that buys into its stock, or releases from it.
    #[arg(
        long, value_name = "ID", value_parser = id(ProgrammeId),
        requires_all = ["stock_side", "stock_price", "stock_quantity"],
    )]
    stock_programme: Option<ProgrammeId>,
    /// Whether it buys or sells.
    #[arg(long, value_parser = parse::side(), requires = "stock_programme")]
    stock_side: Option<Side>,
    /// The price at which it stands: its rule's floor, which is also the auction's, or the price at which it releases.
    #[arg(long, value_name = "PRICE", requires = "stock_programme")]
    stock_price: Option<Price>,
    /// How much at the most.
    #[arg(long, value_name = "QUANTITY", requires = "stock_programme")]
    stock_quantity: Option<Quantity>,
    /// Buying, the most that is spent, if that is less than the quantity costs.
    #[arg(long, value_name = "AMOUNT", requires = "stock_programme")]
    stock_budget: Option<Amount>,
}

impl StockOptions {
    /// The order, if a programme has one.
    fn order(self) -> Option<StockOrder> {
        Some(StockOrder {
            programme: self.stock_programme?,
            side: self.stock_side?,
            price: self.stock_price?,
            quantity: self.stock_quantity?,
            budget: self.stock_budget,
        })
    }
}

/// Why there is no command to send.
#[derive(Debug, thiserror::Error)]
pub enum NoCommand {
    /// The rule is none.
    #[error(transparent)]
    Rule(#[from] NoRule),
    /// A stack looks to no reference price.
    #[error("--reference-price is for a price rule; a stack of offers has none")]
    ReferenceForStack,
    /// A solution is searched in a book or a board, which only a session can read.
    #[error("a solution is searched in what a session is told")]
    Searched,
    /// Balances and boards are read, which only a session can.
    #[error("it is added up from the events of a session")]
    Read,
    /// What only a stack has.
    #[error(
        "a stack of offers needs a rule, also for --budget, --bond and --acceptance-seconds: name it with --support or --support-file"
    )]
    StackMissing,
    /// A draw is made with a secret.
    #[error("the rule has a seeded draw; name the file that keeps its secret with --draw-secret-file")]
    SecretMissing,
    /// The file cannot be read, or not be made.
    #[error("the secret of the draw in {} cannot be kept or read", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file holds something else.
    #[error("{} holds no secret of a draw", file.display())]
    NoSecret {
        /// The file.
        file: PathBuf,
        /// What it should hold.
        source: ParseDrawSecretError,
    },
}

impl Auctions {
    pub(super) fn into_command(self) -> Result<Command, NoCommand> {
        let action = match self {
            Self::AnnounceCall { auction, market, solution_seconds, stock, times } => {
                let kind = AuctionKind::Call { market, stock: stock.order() };
                let mut terms = times.terms(kind, None, rules::CALL)?;
                if let (Some(solution_seconds), AuctionRule::Price(rule)) = (solution_seconds, &terms.rule) {
                    terms.rule = SolutionTerms { rule: (**rule).clone(), solution_seconds }.into();
                }
                Action::AnnounceAuction { auction, terms }
            }
            Self::AnnounceSupport { auction, floor, per_period, stack, times } => {
                let kind = AuctionKind::Support { floor, per_period };
                let terms = times.terms(kind, stack.terms()?, rules::SUPPORT)?;
                Action::AnnounceAuction { auction, terms }
            }
            Self::AnnouncePurchase { auction, market, programme, quantity, worst_sale, stack, times } => {
                let kind = AuctionKind::Purchase { market, programme, quantity, worst_sale };
                let stack = stack.terms()?.ok_or(NoCommand::StackMissing)?;
                Action::AnnounceAuction { auction, terms: times.terms(kind, Some(stack), rules::SUPPORT)? }
            }
            Self::AnnounceSale { auction, purchase, times } => {
                let terms = times.terms(AuctionKind::Sale { purchase }, None, rules::SALE)?;
                Action::AnnounceAuction { auction, terms }
            }
            Self::Solve { .. } => return Err(NoCommand::Searched),
            Self::Cancel { auction } => Action::CancelAuction { auction },
            Self::Clear { auction, draw_secret_file } => {
                let secret = draw_secret_file.as_deref().map(read_secret).transpose()?;
                return Ok(Command::ClearAuction { auction, secret });
            }
        };
        Ok(Command::Propose { action })
    }
}

impl AuctionOptions {
    fn terms(
        self,
        kind: AuctionKind,
        stack: Option<StackTerms>,
        default_rule: &str,
    ) -> Result<AuctionTerms, NoCommand> {
        let Self { opens_at, closes_at, challenge_seconds, rule, reference_price, draw_secret_file } = self;
        let (rule, has_draw) = match stack {
            Some(_) if reference_price.is_some() => return Err(NoCommand::ReferenceForStack),
            Some(stack) => {
                let has_draw = stack.rule.ties == Ties::SeededDraw;
                (AuctionRule::from(stack), has_draw)
            }
            None => {
                let rule = rule.rule(default_rule, &Changes::reference_price(reference_price))?;
                let has_draw = rule.allocation == Allocation::SeededDraw;
                (AuctionRule::from(rule), has_draw)
            }
        };
        let secret = match (has_draw, draw_secret_file) {
            (true, None) => return Err(NoCommand::SecretMissing),
            // Without a draw the exchange refuses a secret's hash, and says so.
            (_, file) => file.as_deref().map(keep_secret).transpose()?,
        };
        let draw_commitment = secret.map(|secret| secret.commitment());
        Ok(AuctionTerms { kind, opens_at, closes_at, challenge_seconds, rule, draw_commitment })
    }
}

/// The secret in a file, which is made for its owner alone if there is none.
fn keep_secret(file: &Path) -> Result<DrawSecret, NoCommand> {
    let failed = |source| NoCommand::File { file: file.to_owned(), source };
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(file) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => read_secret(file),
        Err(error) => Err(failed(error)),
        Ok(mut made) => {
            let mut secret = DrawSecret([0; 32]);
            getrandom::fill(&mut secret.0).map_err(|error| failed(error.into()))?;
            // It must still be there when the auction closes.
            writeln!(made, "{secret}").and_then(|()| made.sync_all()).map_err(failed)?;
            Ok(secret)
        }
    }
}

fn read_secret(file: &Path) -> Result<DrawSecret, NoCommand> {
    let text = fs::read_to_string(file);
    let text = text.map_err(|source| NoCommand::File { file: file.to_owned(), source })?;
    text.trim().parse().map_err(|source| NoCommand::NoSecret { file: file.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;
    use golv_engine::clearing::Payment;

    #[derive(Debug, Parser)]
    struct Arguments {
        #[command(subcommand)]
        command: Auctions,
    }

    fn command(line: &str) -> Result<Command, NoCommand> {
        let arguments = ["auctions"].into_iter().chain(line.split_whitespace());
        Arguments::try_parse_from(arguments).expect("arguments").command.into_command()
    }

    #[test]
    fn a_stack_is_announced_with_its_rule() {
        let announce = "announce-support 2 --floor 1 --per-period 120 --opens-at 2018-12-03T08:00:00Z \
                        --closes-at 2018-12-03T12:00:00Z --challenge-seconds 60";
        let more = "--budget 250000.5 --bond 10 --acceptance-seconds 3600";
        let announced = command(&format!("{announce} --support by-volume {more}")).expect("announced");
        let Command::Propose { action: Action::AnnounceAuction { terms, .. } } = announced else {
            panic!("{announced:?}")
        };
        let stack = terms.rule.stack().expect("a stack");
        assert_eq!((stack.budget, stack.bond), ("250000.5".parse().ok(), "10".parse().ok()));
        assert_eq!(stack.acceptance_seconds, NonZeroU32::new(3_600));
        assert_eq!(stack.rule.limits.len(), 2);
        assert!(matches!(command(&format!("{announce} {more}")), Err(NoCommand::StackMissing)));
        let reference = format!("{announce} --support pay-as-bid --reference-price 5");
        assert!(matches!(command(&reference), Err(NoCommand::ReferenceForStack)));
        let drawn = format!("{announce} --support stacked-budget");
        assert!(matches!(command(&drawn), Err(NoCommand::SecretMissing)));
        assert!(matches!(command(&format!("{announce} --support ehb")), Err(NoCommand::Rule(_))));
    }

    #[test]
    fn both_sides_of_a_double_auction_are_announced() {
        let times = "--opens-at 2018-12-03T08:00:00Z --closes-at 2018-12-03T12:00:00Z --challenge-seconds 60";
        let purchase = "announce-purchase 5 --market 1 --programme 2 --quantity 100 --worst-sale 300 --support pay-as-bid";
        let kind = |line: &str| match command(&format!("{line} {times}")).expect("announced") {
            Command::Propose { action: Action::AnnounceAuction { terms, .. } } => {
                (terms.kind, terms.rule.stack().is_some(), terms.rule.price().map(|rule| rule.payment))
            }
            other => panic!("{other:?}"),
        };
        let expected = AuctionKind::Purchase {
            market: MarketId(1),
            programme: ProgrammeId(2),
            quantity: "100".parse().expect("a quantity"),
            worst_sale: "300".parse().expect("a price"),
        };
        assert_eq!(kind(purchase), (expected, true, None));
        let sale = AuctionKind::Sale { purchase: AuctionId(5) };
        assert_eq!(kind("announce-sale 6 --purchase 5"), (sale, false, Some(Payment::OwnPrice)));
        let without = purchase.replace(" --support pay-as-bid", "");
        assert!(matches!(command(&format!("{without} {times}")), Err(NoCommand::StackMissing)));
    }

    #[test]
    fn a_stocks_order_is_announced_with_a_call() {
        let call = "announce-call 5 --market 1 --opens-at 2018-12-03T08:00:00Z --closes-at 2018-12-03T12:00:00Z \
                    --challenge-seconds 60";
        let kind = |line: &str| match command(line).expect("announced") {
            Command::Propose { action: Action::AnnounceAuction { terms, .. } } => terms.kind,
            other => panic!("{other:?}"),
        };
        let order = StockOrder {
            programme: ProgrammeId(2),
            side: Side::Buy,
            price: "400".parse().expect("a price"),
            quantity: "20".parse().expect("a quantity"),
            budget: None,
        };
        let market = MarketId(1);
        assert_eq!(kind(call), AuctionKind::Call { market, stock: None });
        let stock =
            format!("{call} --stock-programme 2 --stock-side buy --stock-price 400 --stock-quantity 20");
        assert_eq!(kind(&stock), AuctionKind::Call { market, stock: Some(order) });
        let budget = "5000.5".parse().ok();
        let capped = format!("{stock} --stock-budget 5000.5");
        assert_eq!(kind(&capped), AuctionKind::Call { market, stock: Some(StockOrder { budget, ..order }) });
        // An order is given whole, or not at all.
        let refused = |line: String| {
            let arguments =
                ["auctions".to_owned()].into_iter().chain(line.split_whitespace().map(str::to_owned));
            Arguments::try_parse_from(arguments.collect::<Vec<_>>()).expect_err("not whole").to_string()
        };
        assert!(refused(format!("{call} --stock-programme 2 --stock-side buy")).contains("--stock-price"));
        assert!(refused(format!("{call} --stock-budget 5")).contains("--stock-programme"));
    }

    /// What is announced is the hash of what the file holds, made at the first time and read after.
    #[test]
    fn the_secret_of_a_draw_is_kept_until_the_auction_is_cleared() {
        let directory = tempfile::tempdir().expect("a directory");
        let (rule, secret) = (directory.path().join("rule.toml"), directory.path().join("secret"));
        fs::write(&rule, "candidates = 'limits'\ncascade = ['most-volume']\nallocation = 'seeded-draw'\n")
            .expect("written");
        let announce = format!(
            "announce-call 2 --market 1 --opens-at 2018-12-03T08:00:00Z --closes-at 2018-12-03T12:00:00Z \
             --challenge-seconds 60 --rule-file {}",
            rule.display()
        );
        assert!(matches!(command(&announce), Err(NoCommand::SecretMissing)));
        let announce = format!("{announce} --draw-secret-file {}", secret.display());
        let clear = format!("clear 2 --draw-secret-file {}", secret.display());
        assert!(matches!(command(&clear), Err(NoCommand::File { .. })));
        let first = command(&announce).expect("announced");
        assert_eq!(command(&announce).expect("announced"), first, "the same secret again");
        let Command::Propose { action: Action::AnnounceAuction { terms, .. } } = first else {
            panic!("{first:?}")
        };
        let Command::ClearAuction { secret: Some(sent), .. } = command(&clear).expect("read") else {
            panic!("a secret is sent")
        };
        assert_eq!(terms.draw_commitment, Some(sent.commitment()));
        fs::write(&secret, "something else").expect("written");
        assert!(matches!(command(&clear), Err(NoCommand::NoSecret { .. })));
    }
}
