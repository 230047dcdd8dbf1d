//! The arguments of `golv admin boards` and `golv trade board`: boards, what is posted on them, and what is negotiated.

pub mod view;

use std::num::NonZeroU32;

use clap::builder::TypedValueParser as _;
use clap::{Args, Subcommand, value_parser};
use golv_engine::bilateral::{BoardTerms, DealTerms, Goods, Listing, RoundRule};
use golv_engine::book::Side;
use golv_engine::command::{Action, Command};
use golv_engine::id::{BoardId, Counterparty, EntryId, MarketId, NegotiationId, ParticipantId, ProgrammeId};
use golv_engine::num::{Price, Quantity, Share};
use golv_engine::text::{Country, Name};
use golv_engine::time::{Day, Instant};

use super::auctions::NoCommand;
use super::instant::parse_instant;
use super::parse::{self, id};
use super::trade::SideOptions;
use crate::matching::{By, NODE_LIMIT, Pricing};

/// What an operator can ask about boards.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum Boards {
    /// Propose to open a board on a market, where suppliers offer and buyers request.
    ///
    /// Everybody sees what an entry says, and until there is a deal nobody whose it is or what its owner would at least take or at
    /// most pay.
    Open(Box<BoardOptions>),
    /// Print a board: its entries with whose they are, and whether a round is on.
    Show(ShowOptions),
    /// Call a round: all that is free on the board takes part, and stands still until the round is over.
    ///
    /// Solve it with golv admin boards solve. The best deals that are proposed in time become proposals to their sides.
    Call {
        /// The board.
        #[arg(value_name = "ID", value_parser = id(BoardId))]
        board: BoardId,
    },
    /// Look for the best deals in the round that is on, and propose them.
    ///
    /// What takes part is read from the exchange and matched here. The exchange checks what is proposed, and takes the best of all.
    Solve {
        /// The board.
        #[arg(value_name = "ID", value_parser = id(BoardId))]
        board: BoardId,
        /// Where deals have a least quantity: how many partial choices are looked at before the best so far is taken.
        #[arg(long, value_name = "N", default_value_t = NODE_LIMIT)]
        node_limit: u64,
    },
    /// Propose to put an offer or a request of a programme's stock on a board.
    ///
    /// It keeps to the programme's stock rule, and deals with whoever proposes its price or better; what a request can cost is
    /// reserved at once.
    PostStock {
        /// The board.
        #[arg(value_name = "ID", value_parser = id(BoardId))]
        board: BoardId,
        /// Whose stock.
        #[arg(long, value_name = "ID", value_parser = id(ProgrammeId))]
        programme: ProgrammeId,
        /// Whether it buys or sells.
        #[command(flatten)]
        side: SideOptions,
        /// What is offered or requested.
        #[command(flatten)]
        listing: ListingOptions,
    },
    /// Propose to take an entry of a programme's stock off its board.
    WithdrawStock {
        /// The entry, by its number on the board.
        #[arg(value_name = "ENTRY", value_parser = id(EntryId))]
        entry: EntryId,
    },
}

/// What a board is, and how its rounds and negotiations are held.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub struct BoardOptions {
    /// The board's id, not yet taken.
    #[arg(value_name = "ID", value_parser = id(BoardId))]
    board: BoardId,
    /// Its name, for people.
    #[arg(long)]
    name: Name,
    /// The market whose prices and quantities it keeps to.
    #[arg(long, value_name = "ID", value_parser = id(MarketId))]
    market: MarketId,
    /// Which deals of most quantity a round prefers.
    #[arg(long, value_enum, default_value_t = By::Surplus)]
    preference: By,
    /// What a deal's price is in a round: uniform (one for each supplier), midpoint, ask, or k= and a share of the way from the
    /// offer's limit to the request's.
    #[arg(long, default_value = "uniform")]
    price: Pricing,
    /// No deal is made below this price.
    #[arg(long, value_name = "PRICE", allow_negative_numbers = true)]
    floor: Option<Price>,
    /// The most of what a round matches that comes from one country, such as 0.65.
    #[arg(long, value_name = "SHARE")]
    origin_cap: Option<Share>,
    /// The most of what a round matches that goes to one owner, such as 0.5.
    #[arg(long, value_name = "SHARE")]
    owner_cap: Option<Share>,
    /// With --preference priority: sectors in their order, separated by commas; others come last.
    #[arg(long, value_name = "NAMES", value_delimiter = ',', required_if_eq("preference", "priority"))]
    sectors: Vec<Name>,
    /// How long deals are proposed for a round, in seconds.
    #[arg(
        long, value_name = "SECONDS",
        value_parser = value_parser!(u32).range(1..).try_map(NonZeroU32::try_from),
    )]
    solution_seconds: NonZeroU32,
    /// How long a proposal can be answered, in seconds.
    #[arg(
        long, value_name = "SECONDS",
        value_parser = value_parser!(u32).range(1..).try_map(NonZeroU32::try_from),
    )]
    answer_seconds: NonZeroU32,
    /// How often a proposal can be countered, by both sides together.
    #[arg(long, value_name = "N", default_value_t = 4)]
    most_counters: u32,
}

/// Which board is printed, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Args)]
pub struct ShowOptions {
    /// The board.
    #[arg(value_name = "ID", value_parser = id(BoardId))]
    pub board: BoardId,
    /// Print it as CSV.
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,
}

/// What a participant can do on boards.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum TradeBoard {
    /// What is sent to the exchange as a command.
    #[command(flatten)]
    Sent(BoardCommand),
    /// Print a board: what is offered and requested, by nobody knows whom; your own entries with their limits.
    Show(ShowOptions),
    /// Print your negotiations: what is proposed, whose turn it is, and until when.
    Negotiations {
        /// Print them as CSV.
        #[arg(long, conflicts_with = "json")]
        csv: bool,
    },
    /// Print your deals, with whom they are.
    Deals {
        /// Print them as CSV.
        #[arg(long, conflicts_with = "json")]
        csv: bool,
    },
}

/// What a participant can ask for on a board.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum BoardCommand {
    /// Put an offer on a board, as a supplier.
    ///
    /// Everybody sees it under a number, which golv trade board show tells; nobody sees whose it is, or its limit.
    Offer {
        /// The board.
        #[arg(value_name = "ID", value_parser = id(BoardId))]
        board: BoardId,
        /// What is offered.
        #[command(flatten)]
        listing: ListingOptions,
    },
    /// Put a request on a board, as a buyer, alone or for a purchasing group.
    ///
    /// Everybody sees it under a number, which golv trade board show tells; nobody sees whose it is, or its limit.
    Request {
        /// The board.
        #[arg(value_name = "ID", value_parser = id(BoardId))]
        board: BoardId,
        /// What is requested; for a group, what you want of it yourself.
        #[command(flatten)]
        listing: Box<ListingOptions>,
        /// The sector that it is for, where the board puts sectors in an order.
        #[arg(long, value_name = "NAME")]
        sector: Option<Name>,
        /// Others can join: it wants what all want, and pays no more than the least of what each would. You lead it, which takes the role group-lead.
        #[arg(long)]
        group: bool,
    },
    /// Put other terms in the place of an entry of yours: all of them are stated anew.
    ///
    /// It keeps its number. It can be no less than what is promised of it, and not be changed while it takes part in a round.
    Replace {
        /// The entry, by its number on the board.
        #[arg(value_name = "ENTRY", value_parser = id(EntryId))]
        entry: EntryId,
        /// The side that it is on.
        #[command(flatten)]
        side: SideOptions,
        /// What is offered or requested now.
        #[command(flatten)]
        listing: Box<ListingOptions>,
        /// The sector that a request is for.
        #[arg(long, value_name = "NAME", conflicts_with = "sell")]
        sector: Option<Name>,
    },
    /// Take an entry of yours off its board; its negotiations end, and a group that you lead is dissolved.
    Withdraw {
        /// The entry, by its number on the board.
        #[arg(value_name = "ENTRY", value_parser = id(EntryId))]
        entry: EntryId,
    },
    /// Join a purchasing group. Its lead learns who you are, what you want and what you would pay.
    Join {
        /// The group, by its number on the board.
        #[arg(value_name = "ENTRY", value_parser = id(EntryId))]
        entry: EntryId,
        /// How much you want.
        #[arg(long)]
        quantity: Quantity,
        /// The most that you pay for a unit: the group pays no more than the least of all members'.
        #[arg(long, value_name = "PRICE", allow_negative_numbers = true)]
        limit: Price,
    },
    /// Leave a purchasing group; as its lead, send a member away.
    Leave {
        /// The group, by its number on the board.
        #[arg(value_name = "ENTRY", value_parser = id(EntryId))]
        entry: EntryId,
        /// The member; you, if you state your own participant.
        #[arg(long, value_name = "ID", value_parser = id(ParticipantId))]
        member: ParticipantId,
    },
    /// Propose a deal on an entry of yours; without --price, ask for one.
    ///
    /// You have agreed to what you propose: if the other side accepts, there is a deal. golv trade board negotiations names the
    /// negotiation and says whose turn it is.
    Negotiate {
        /// Your entry, by its number on the board.
        #[arg(value_name = "ENTRY", value_parser = id(EntryId))]
        entry: EntryId,
        /// With whom: an entry on the other side by its number, such as 12, or a participant of your choice, such as p3.
        #[arg(long, value_name = "ENTRY", value_parser = parse::counterparty)]
        with: Counterparty,
        /// The price of a unit; without one you ask for one, and promise nothing.
        #[arg(long, allow_negative_numbers = true)]
        price: Option<Price>,
        /// How much, and when it is delivered.
        #[command(flatten)]
        terms: TermsOptions,
    },
    /// Answer a proposal with other terms, to which you have agreed then: all of them are stated anew.
    Counter {
        /// The negotiation, as it is named, such as 7-12.1 or 7-p3.1.
        #[arg(value_name = "NEGOTIATION")]
        negotiation: NegotiationId,
        /// Which terms you answer.
        #[command(flatten)]
        turn: TurnOptions,
        /// The price of a unit.
        #[arg(long, allow_negative_numbers = true)]
        price: Price,
        /// How much, and when it is delivered.
        #[command(flatten)]
        terms: TermsOptions,
    },
    /// Agree to the terms as they stand: a deal, once both sides have.
    Accept {
        /// The negotiation, as it is named, such as 7-12.1 or 7-p3.1.
        #[arg(value_name = "NEGOTIATION")]
        negotiation: NegotiationId,
        /// Which terms you answer.
        #[command(flatten)]
        turn: TurnOptions,
    },
    /// End a negotiation: decline what is proposed, or take back what you proposed.
    #[command(visible_alias = "take-back")]
    Decline {
        /// The negotiation, as it is named, such as 7-12.1 or 7-p3.1.
        #[arg(value_name = "NEGOTIATION")]
        negotiation: NegotiationId,
    },
}

/// What an entry says.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub struct ListingOptions {
    /// How much, over all deals.
    #[arg(long)]
    quantity: Quantity,
    /// What an offer takes at least, or a request pays at most, for a unit. It is shown to nobody, and told to operators when they
    /// call a round.
    #[arg(long, value_name = "PRICE", allow_negative_numbers = true)]
    limit: Price,
    /// The least quantity of a deal that a round proposes [default: any]
    #[arg(long, value_name = "QUANTITY")]
    minimum: Option<Quantity>,
    /// The grade, such as 4N [default: any]
    #[arg(long, value_name = "NAME")]
    grade: Option<Name>,
    /// How pure an offer is, or a request wants it at least, such as 0.9999.
    #[arg(long, value_name = "SHARE")]
    purity: Option<Share>,
    /// Where it is delivered [default: any place]
    #[arg(long, value_name = "NAME")]
    place: Option<Name>,
    /// Where it comes from, or must, by its two ISO 3166-1 letters [default: anywhere]
    #[arg(long, value_name = "COUNTRY")]
    origin: Option<Country>,
    /// The first day of delivery.
    #[arg(long, value_name = "YYYY-MM-DD")]
    first: Day,
    /// The last day of delivery.
    #[arg(long, value_name = "YYYY-MM-DD")]
    last: Day,
    /// When it leaves the board, if it is still on it, in UTC as 2018-12-03T12:00:00Z.
    #[arg(long, value_name = "INSTANT", value_parser = parse_instant)]
    valid_until: Instant,
}

/// How much is delivered in a deal, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Args)]
pub struct TermsOptions {
    /// How much.
    #[arg(long)]
    quantity: Quantity,
    /// The first day of delivery.
    #[arg(long, value_name = "YYYY-MM-DD")]
    first: Day,
    /// The last day of delivery.
    #[arg(long, value_name = "YYYY-MM-DD")]
    last: Day,
}

/// Which terms are answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Args)]
pub struct TurnOptions {
    /// The turn of the terms that you answer, as golv trade board negotiations shows it, so that terms which were countered since are
    /// not accepted by mistake.
    #[arg(long, value_name = "N")]
    turn: u32,
}

impl Boards {
    pub(super) fn into_command(self) -> Result<Command, NoCommand> {
        let action = match self {
            Self::Open(options) => options.into_action(),
            Self::Show(_) => return Err(NoCommand::Read),
            Self::Call { board } => return Ok(Command::CallRound { board }),
            Self::Solve { .. } => return Err(NoCommand::Searched),
            Self::PostStock { board, programme, side, listing } => {
                let (listing, limit) = listing.listing(side.side(), None);
                Action::PostStockEntry { board, programme, listing, limit }
            }
            Self::WithdrawStock { entry } => Action::WithdrawStockEntry { entry },
        };
        Ok(Command::Propose { action })
    }
}

impl BoardOptions {
    fn into_action(self) -> Action {
        let Self { board, name, market, preference, price, floor, origin_cap, owner_cap, .. } = self;
        let Self { sectors, solution_seconds, answer_seconds, most_counters, .. } = self;
        let preference = preference.preference();
        let rule = RoundRule { preference, price: price.0, floor, origin_cap, owner_cap };
        let terms = BoardTerms {
            name,
            market,
            rule,
            sectors,
            solution_seconds,
            answer_seconds,
            counters_most: most_counters,
        };
        Action::OpenBoard { board, terms }
    }
}

impl ListingOptions {
    /// What everybody sees, and the limit.
    fn listing(self, side: Side, sector: Option<Name>) -> (Listing, Price) {
        let Self { quantity, limit, minimum, grade, purity, place, origin, first, last, valid_until } = self;
        let goods = Goods { grade, purity, place, origin };
        let minimum = minimum.unwrap_or(Quantity::ZERO);
        (Listing { side, goods, minimum, quantity, first, last, sector, valid_until }, limit)
    }
}

impl TermsOptions {
    const fn terms(self, price: Option<Price>) -> DealTerms {
        let Self { quantity, first, last } = self;
        DealTerms { price, quantity, first, last }
    }
}

impl BoardCommand {
    /// The command that the exchange is sent.
    pub fn into_command(self) -> Command {
        match self {
            Self::Offer { board, listing } => {
                let (listing, limit) = listing.listing(Side::Sell, None);
                Command::PostEntry { board, listing: Box::new(listing), limit, is_group: false }
            }
            Self::Request { board, listing, sector, group } => {
                let (listing, limit) = listing.listing(Side::Buy, sector);
                Command::PostEntry { board, listing: Box::new(listing), limit, is_group: group }
            }
            Self::Replace { entry, side, listing, sector } => {
                let (listing, limit) = listing.listing(side.side(), sector);
                Command::ReplaceEntry { entry, listing: Box::new(listing), limit }
            }
            Self::Withdraw { entry } => Command::WithdrawEntry { entry },
            Self::Join { entry, quantity, limit } => Command::JoinGroup { entry, quantity, limit },
            Self::Leave { entry, member } => Command::LeaveGroup { entry, member },
            Self::Negotiate { entry, with, price, terms } => {
                Command::Negotiate { entry, with, terms: terms.terms(price) }
            }
            Self::Counter { negotiation, turn, price, terms } => {
                let terms = terms.terms(Some(price));
                Command::CounterTerms { negotiation, turn: turn.turn, terms }
            }
            Self::Accept { negotiation, turn } => Command::AcceptTerms { negotiation, turn: turn.turn },
            Self::Decline { negotiation } => Command::EndNegotiation { negotiation },
        }
    }
}

#[cfg(test)]
mod tests;
