//! What stands on boards, what is negotiated and what was dealt in, as far as somebody is told, added up from its events.
//!
//! It asks nobody. Whoever it is of sees entries as everybody does, its own with their limits, and its own negotiations and deals; an
//! operator sees whose entries are, all deals, and no negotiation.

use std::collections::{BTreeMap, BTreeSet};

use golv_engine::bilateral::{BoardTerms, Deal, DealTerms, Listing, Party};
use golv_engine::book::Side;
use golv_engine::command::Action;
use golv_engine::event::Event;
use golv_engine::id::{BoardId, EntryId, MarketId, NegotiationId, ParticipantId};
use golv_engine::market::Market;
use golv_engine::num::{Price, Quantity};
use golv_engine::time::{Day, Instant};
use serde_json::{Value, json};

use crate::command_line::show::{deal_json, listing_json, own_side, party_json, terms_json};
use crate::command_line::words;
use crate::print::{self, Format, table};

/// Boards as one participant knows them.
#[derive(Debug)]
pub struct BoardsView {
    participant: ParticipantId,
    markets: BTreeMap<MarketId, Market>,
    boards: BTreeMap<BoardId, Known>,
    entries: BTreeMap<EntryId, Entry>,
    negotiations: BTreeMap<NegotiationId, Open>,
    deals: BTreeMap<NegotiationId, Dealt>,
}

#[derive(Debug)]
struct Known {
    terms: BoardTerms,
    /// Until when deals are proposed, while a round is on.
    round_until: Option<Instant>,
}

#[derive(Debug)]
struct Entry {
    board: BoardId,
    listing: Listing,
    owner: Option<Party>,
    /// As its owner stated it; of a group that the participant has joined, what it would pay itself.
    limit: Option<Price>,
    is_group: bool,
    is_member: bool,
}

/// A negotiation that is not over.
#[derive(Debug)]
struct Open {
    board: BoardId,
    /// The participant's own.
    side: Side,
    terms: DealTerms,
    turn: u32,
    until: Instant,
    /// Who has proposed or accepted these terms.
    said: BTreeSet<bool>,
}

/// A deal, or the participant's share of one.
#[derive(Debug)]
struct Dealt {
    whole: Option<Deal>,
    seller: Party,
    price: Price,
    quantity: Quantity,
    first: Day,
    last: Day,
}

/// The columns of a board.
const ENTRIES: [&str; 14] = [
    ">entry",
    "side",
    "whose",
    ">quantity",
    ">minimum",
    "grade",
    "purity",
    "place",
    "origin",
    "first",
    "last",
    "sector",
    "valid until",
    ">limit",
];

/// The columns of negotiations.
const NEGOTIATIONS: [&str; 12] = [
    "negotiation",
    ">board",
    "you",
    "whose turn",
    ">turn",
    ">price",
    ">quantity",
    "unit",
    "currency",
    "first",
    "last",
    "until",
];

/// The columns of deals.
const DEALS: [&str; 10] =
    ["deal", ">board", "seller", "buyer", ">price", ">quantity", "unit", "currency", "first", "last"];

impl BoardsView {
    /// What a participant knows before it is told anything.
    pub const fn new(participant: ParticipantId) -> Self {
        Self {
            participant,
            markets: BTreeMap::new(),
            boards: BTreeMap::new(),
            entries: BTreeMap::new(),
            negotiations: BTreeMap::new(),
            deals: BTreeMap::new(),
        }
    }

    /// Adds the next event. All are added in their order, from the first.
    pub fn add(&mut self, event: &Event) {
        match event {
            Event::ActionConfirmed { action: Action::DefineMarket { market, terms }, .. } => {
                self.markets.insert(*market, terms.clone());
            }
            Event::ActionConfirmed { action: Action::OpenBoard { board, terms }, .. } => {
                self.boards.insert(*board, Known { terms: terms.clone(), round_until: None });
            }
            Event::RoundCalled { board, until } => self.set_round(*board, Some(*until)),
            Event::RoundHeld { board, .. } => self.set_round(*board, None),
            Event::NegotiationOpened { negotiation, board, sides, by, terms, until } => {
                if let Some(side) = own_side(sides) {
                    let said = by.iter().map(|by| *by == side).collect();
                    let open = Open { board: *board, side, terms: *terms, turn: 0, until: *until, said };
                    self.negotiations.insert(*negotiation, open);
                }
            }
            Event::TermsCountered { negotiation, by, turn, terms, until, .. } => {
                if let Some(open) = self.negotiations.get_mut(negotiation) {
                    (open.terms, open.turn, open.until) = (*terms, *turn, *until);
                    open.said = [*by == open.side].into();
                }
            }
            Event::TermsAccepted { negotiation, by, .. } => {
                if let Some(open) = self.negotiations.get_mut(negotiation) {
                    open.said.insert(*by == open.side);
                }
            }
            Event::NegotiationEnded { negotiation, .. } => {
                self.negotiations.remove(negotiation);
            }
            Event::DealMade { negotiation, deal } => {
                self.negotiations.remove(negotiation);
                let Deal { seller, price, quantity, first, last, .. } = *deal;
                let whole = Some(deal.clone());
                self.deals.insert(*negotiation, Dealt { whole, seller, price, quantity, first, last });
            }
            // Whoever was told of the whole deal knows its shares.
            &Event::DealShared { negotiation, seller, price, quantity, first, last, .. } => {
                let share = Dealt { whole: None, seller, price, quantity, first, last };
                self.deals.entry(negotiation).or_insert(share);
            }
            _ => self.add_to_entries(event),
        }
    }

    fn add_to_entries(&mut self, event: &Event) {
        match event {
            Event::EntryPosted { entry, board, owner, listing, limit, is_group } => {
                let owner = owner.map(|owner| owner.party);
                let (listing, limit) = (listing.clone(), *limit);
                let (board, is_group, is_member) = (*board, *is_group, false);
                self.entries.insert(*entry, Entry { board, listing, owner, limit, is_group, is_member });
            }
            Event::EntryReplaced { entry, listing, limit, .. } => {
                if let Some(known) = self.entries.get_mut(entry) {
                    known.listing = listing.clone();
                    known.limit = limit.or(known.limit);
                }
            }
            Event::EntryQuantity { entry, quantity, .. } => {
                if let Some(known) = self.entries.get_mut(entry) {
                    known.listing.quantity = *quantity;
                }
            }
            Event::EntryClosed { entry, .. } => {
                self.entries.remove(entry);
            }
            Event::GroupJoined { entry, member, limit, .. } if *member == self.participant => {
                if let Some(known) = self.entries.get_mut(entry) {
                    (known.is_member, known.limit) = (true, Some(*limit));
                }
            }
            Event::GroupLeft { entry, member, .. } if *member == self.participant => {
                if let Some(known) = self.entries.get_mut(entry) {
                    (known.is_member, known.limit) = (false, None);
                }
            }
            _ => {}
        }
    }

    fn set_round(&mut self, board: BoardId, until: Option<Instant>) {
        if let Some(board) = self.boards.get_mut(&board) {
            board.round_until = until;
        }
    }

    /// A board with its entries.
    ///
    /// # Errors
    /// [`UnknownBoard`] if none with this id was opened.
    pub fn board(&self, id: BoardId, format: Format) -> Result<String, UnknownBoard> {
        let board = self.boards.get(&id).ok_or(UnknownBoard(id))?;
        let entries = self.entries.iter().filter(|(_, entry)| entry.board == id);
        let round_until = board.round_until.map(|until| until.to_string());
        if format == Format::Json {
            let entries = entries.map(|(number, entry)| {
                let mut object = listing_json(&entry.listing);
                object["entry"] = number.0.into();
                object["owner"] = party_json(entry.owner);
                object["is_own"] = self.is_own(entry).into();
                object["is_member"] = entry.is_member.into();
                object["is_group"] = entry.is_group.into();
                object["limit"] = entry.limit.map(|limit| limit.to_string()).into();
                object
            });
            let object = json!({
                "board": id.0,
                "name": board.terms.name.as_str(),
                "market": board.terms.market.0,
                "round_until": round_until,
                "entries": entries.collect::<Vec<_>>(),
            });
            return Ok(object.to_string());
        }
        let rows = entries.map(|(number, entry)| self.entry_row(*number, entry, format));
        if format == Format::Csv {
            return Ok(print::csv(&ENTRIES, rows));
        }
        let (unit, currency) = self.units(id);
        let round = round_until.map_or_else(
            || "no round is on".to_owned(),
            |until| format!("a round is on until {until}, and what takes part in it stands still"),
        );
        Ok(format!(
            "{}\nboard {id}, {}, market {}, prices in {currency}/{unit}: {round}",
            table(&ENTRIES, rows),
            board.terms.name,
            board.terms.market
        ))
    }

    fn is_own(&self, entry: &Entry) -> bool {
        entry.owner == Some(Party::Participant(self.participant))
    }

    fn entry_row(&self, number: EntryId, entry: &Entry, format: Format) -> Vec<String> {
        let listing = &entry.listing;
        let goods = &listing.goods;
        let whose = match entry.owner {
            Some(_) if self.is_own(entry) && entry.is_group => "yours, a group".to_owned(),
            Some(_) if self.is_own(entry) => "yours".to_owned(),
            Some(party) => words::party(party),
            None if entry.is_member => "your group".to_owned(),
            None if entry.is_group => "a group".to_owned(),
            None => String::new(),
        };
        let least = Some(listing.minimum).filter(|minimum| *minimum != Quantity::ZERO);
        vec![
            number.to_string(),
            words::side(listing.side).to_owned(),
            whose,
            quantity_text(listing.quantity, format),
            least.map(|least| quantity_text(least, format)).unwrap_or_default(),
            text(&goods.grade),
            text(&goods.purity),
            text(&goods.place),
            text(&goods.origin),
            listing.first.to_string(),
            listing.last.to_string(),
            text(&listing.sector),
            listing.valid_until.to_string(),
            entry.limit.map(|limit| price_text(limit, format)).unwrap_or_default(),
        ]
    }

    /// The unit and the currency of a board.
    fn units(&self, board: BoardId) -> (&'static str, &'static str) {
        let market = self.boards.get(&board).and_then(|board| self.markets.get(&board.terms.market));
        market.map_or(("", ""), |market| (market.unit.symbol(), market.currency.code()))
    }

    /// The negotiations that are not over.
    pub fn negotiations(&self, format: Format) -> String {
        if format == Format::Json {
            let rows = self.negotiations.iter().map(|(name, open)| {
                let (unit, currency) = self.units(open.board);
                json!({
                    "negotiation": name.to_string(),
                    "board": open.board.0,
                    "side": words::side(open.side),
                    "whose_turn": open.whose_turn(),
                    "turn": open.turn,
                    "terms": terms_json(&open.terms),
                    "unit": unit,
                    "currency": currency,
                    "until": open.until.to_string(),
                })
            });
            return json!({ "negotiations": rows.collect::<Vec<_>>() }).to_string();
        }
        let rows = self.negotiations.iter().map(|(name, open)| {
            let (unit, currency) = self.units(open.board);
            let asked = if format == Format::Csv { "" } else { "asked for" };
            vec![
                name.to_string(),
                open.board.to_string(),
                words::side(open.side).to_owned(),
                open.whose_turn().to_owned(),
                open.turn.to_string(),
                open.terms.price.map_or_else(|| asked.to_owned(), |price| price_text(price, format)),
                quantity_text(open.terms.quantity, format),
                unit.to_owned(),
                currency.to_owned(),
                open.terms.first.to_string(),
                open.terms.last.to_string(),
                open.until.to_string(),
            ]
        });
        rows_text(&NEGOTIATIONS, rows, format)
    }

    /// The deals.
    pub fn deals(&self, format: Format) -> String {
        if format == Format::Json {
            let rows = self.deals.iter().map(|(name, dealt)| self.deal_object(*name, dealt));
            return json!({ "deals": rows.collect::<Vec<_>>() }).to_string();
        }
        let rows = self.deals.iter().map(|(name, dealt)| {
            let board = dealt.whole.as_ref().map(|deal| deal.board);
            let (unit, currency) = board.map_or(("", ""), |board| self.units(board));
            let buyer = dealt
                .whole
                .as_ref()
                .map_or_else(|| "your group, your share".to_owned(), |deal| words::party(deal.buyer));
            vec![
                name.to_string(),
                text(&board),
                words::party(dealt.seller),
                buyer,
                price_text(dealt.price, format),
                quantity_text(dealt.quantity, format),
                unit.to_owned(),
                currency.to_owned(),
                dealt.first.to_string(),
                dealt.last.to_string(),
            ]
        });
        rows_text(&DEALS, rows, format)
    }

    fn deal_object(&self, name: NegotiationId, dealt: &Dealt) -> Value {
        let mut object = match &dealt.whole {
            Some(deal) => {
                let (unit, currency) = self.units(deal.board);
                let mut object = deal_json(deal);
                object["unit"] = unit.into();
                object["currency"] = currency.into();
                object
            }
            None => json!({
                "seller": party_json(Some(dealt.seller)),
                "price": dealt.price.to_string(),
                "quantity": dealt.quantity.to_string(),
                "first": dealt.first.to_string(),
                "last": dealt.last.to_string(),
            }),
        };
        object["deal"] = name.to_string().into();
        object["is_share"] = dealt.whole.is_none().into();
        object
    }
}

/// No such board, as far as whoever asks was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no board {0}; operators open one with golv admin boards open")]
pub struct UnknownBoard(pub BoardId);

impl Open {
    /// Who is to answer: after a round's proposal both sides.
    fn whose_turn(&self) -> &'static str {
        match (self.said.contains(&true), self.said.contains(&false)) {
            (false, true) => "yours",
            (true, false) => "theirs",
            _ => "both",
        }
    }
}

fn rows_text(columns: &[&str], rows: impl Iterator<Item = Vec<String>>, format: Format) -> String {
    match format {
        Format::Csv => print::csv(columns, rows),
        Format::Table | Format::Json => table(columns, rows).to_string(),
    }
}

/// What is stated, or nothing.
fn text<T: std::fmt::Display>(value: &Option<T>) -> String {
    value.as_ref().map(T::to_string).unwrap_or_default()
}

/// A quantity for people, or as it is.
fn quantity_text(quantity: Quantity, format: Format) -> String {
    if format == Format::Csv { quantity.to_string() } else { print::quantity(quantity) }
}

/// A price for people, or as it is.
fn price_text(price: Price, format: Format) -> String {
    if format == Format::Csv { price.to_string() } else { print::price(price) }
}
