//! Stored boards that no commands make: each of these would make an assertion fail sooner or later, or a stock pay what was not pledged.

use std::num::NonZeroU32;

use super::board::Party;
use super::negotiation::{Consent, Negotiation, Seat};
use super::{BoardTerms, DealTerms, Goods, Listing, Preference, PriceRule, RoundRule};
use crate::book::Side;
use crate::command::{Action, Command, Operator};
use crate::digest::Digest;
use crate::exchange::{Exchange, Mode, State};
use crate::id::*;
use crate::market::{Market, Unit};
use crate::money::{Backing, ProgrammeTerms, StockRule};
use crate::num::{Currency, Money, Price, Quantity};
use crate::participant::Role;
use crate::reject::Reject;
use crate::rules::RulesVersion;
use crate::time::Instant;

const BOARD: BoardId = BoardId(1);
const PROGRAMME: ProgrammeId = ProgrammeId(1);
const SELLER: IdentityId = IdentityId(3);
const BUYER: IdentityId = IdentityId(4);

struct World {
    exchange: Exchange,
    sent: u64,
}

fn price(units: i64) -> Price {
    Price::from_units(units).expect("fits")
}

fn quantity(units: u32) -> Quantity {
    Quantity::from_units(units).expect("fits")
}

impl World {
    fn send(&mut self, sender: IdentityId, command: Command) -> Result<(), Reject> {
        self.sent += 1;
        let at = Instant::at_midnight(2026, 1, 1).expect("a day");
        let (sequence, id) = (Sequence(self.sent), CommandId(self.sent));
        self.exchange.apply(sequence, at, sender, id, &command, &mut Vec::new())
    }

    fn agree(&mut self, action: Action) {
        self.send(IdentityId(1), Command::Propose { action }).expect("it can be done");
        let proposal = ProposalId { identity: IdentityId(1), command: CommandId(self.sent) };
        self.send(IdentityId(2), Command::Confirm { proposal }).expect("it can be done");
    }

    fn post(&mut self, sender: IdentityId, side: Side, limit: i64) -> Result<(), Reject> {
        let (board, listing, limit) = (BOARD, Box::new(listing(side)), price(limit));
        self.send(sender, Command::PostEntry { board, listing, limit, is_group: false })
    }
}

fn listing(side: Side) -> Listing {
    Listing {
        side,
        goods: Goods::default(),
        minimum: Quantity::ZERO,
        quantity: quantity(10),
        first: "2026-03-01".parse().expect("a day"),
        last: "2026-03-31".parse().expect("a day"),
        sector: None,
        valid_until: Instant::at_midnight(2026, 2, 1).expect("a day"),
    }
}

/// A board with an offer of 10 at 100 (entry 1) and requests of as much at 100 of a stock (2) and of a buyer (3), to whom the seller has
/// proposed a deal in one lot.
fn world(with_round: bool) -> World {
    let mut world = World { exchange: Exchange::new(Mode::Live, RulesVersion::NEWEST), sent: 0 };
    let name = || "Name".parse().expect("a name");
    let operators = [1, 2].map(Operator::local);
    let found = Command::Found { participant: ParticipantId(1), name: name(), operators };
    world.send(IdentityId::SYSTEM, found).expect("founded");
    for (identity, role) in [(SELLER, Role::Supplier), (BUYER, Role::Buyer)] {
        let (participant, owner_group) = (ParticipantId(identity.0), OwnerGroup(identity.0));
        let roles = [role].into();
        world.agree(Action::RegisterParticipant { participant, name: name(), owner_group, roles });
        world.agree(Action::AddIdentity { identity, participant });
    }
    let market = MarketId(1);
    let terms = Market {
        name: name(),
        unit: Unit::Tonne,
        currency: Currency::Usd,
        lot: quantity(1),
        tick: price(1),
        lowest: price(0),
        highest: price(1_000),
        largest: quantity(100),
    };
    world.agree(Action::DefineMarket { market, terms });
    let terms = ProgrammeTerms { name: name(), currency: Currency::Usd, backing: Backing::Capped };
    world.agree(Action::OpenProgramme { programme: PROGRAMME, terms });
    let amount = Money { currency: Currency::Usd, millionths: 1_500_000_000 };
    world.agree(Action::FundProgramme { programme: PROGRAMME, funder: name(), amount });
    let (buys_at, releases_at) = (price(100), price(300));
    let rule = StockRule { buys_at, holds_most: quantity(10), releases_at, releases_most: quantity(10) };
    world.agree(Action::SetStockRule { programme: PROGRAMME, market, rule });
    let (preference, price_rule) = (Preference::Surplus, PriceRule::Ask);
    let rule = RoundRule {
        preference,
        price: price_rule,
        floor: Some(price(100)),
        origin_cap: None,
        owner_cap: None,
    };
    let terms = BoardTerms {
        name: name(),
        market,
        rule,
        sectors: Vec::new(),
        solution_seconds: NonZeroU32::MIN,
        answer_seconds: NonZeroU32::MIN,
        counters_most: 1,
    };
    world.agree(Action::OpenBoard { board: BOARD, terms });
    world.post(SELLER, Side::Sell, 100).expect("an offer");
    let stock = listing(Side::Buy);
    world.agree(Action::PostStockEntry {
        board: BOARD,
        programme: PROGRAMME,
        listing: stock,
        limit: price(100),
    });
    world.post(BUYER, Side::Buy, 100).expect("a request");
    let Listing { first, last, .. } = listing(Side::Sell);
    let terms = DealTerms { price: Some(price(100)), quantity: quantity(1), first, last };
    let with = Counterparty::Entry(EntryId(3));
    world.send(SELLER, Command::Negotiate { entry: EntryId(1), with, terms }).expect("proposed");
    if with_round {
        world.send(IdentityId(1), Command::CallRound { board: BOARD }).expect("called");
    }
    world
}

fn is_refused(with_round: bool, forge: fn(&mut State)) -> bool {
    let mut world = world(with_round);
    assert!(world.exchange.is_conserved());
    forge(world.exchange.state_mut());
    !world.exchange.is_conserved()
}

fn negotiation(state: &mut State) -> &mut Negotiation {
    state.bilateral.negotiations.values_mut().next().expect("it was opened")
}

#[test]
fn what_no_commands_make_is_refused() {
    assert!(is_refused(false, |state| negotiation(state).terms.price = Some(price(1_001))), "above the band");
    assert!(
        is_refused(false, |state| negotiation(state).seller.said = Some(Consent::Stock)),
        "it is no stock"
    );
    // Without an entry a stock would buy with what nobody has pledged.
    assert!(is_refused(false, |state| {
        let asked = negotiation(state);
        asked.buyer = Seat { party: Party::Stock(PROGRAMME), entry: None, said: Some(Consent::Stock) };
        asked.seller.said = None;
        let id = *state.bilateral.negotiations.keys().next().expect("it was opened");
        let (offer, request) = (EntryId(1), EntryId(3));
        let negotiation = state.bilateral.negotiations.remove(&id).expect("it was opened");
        let asked = NegotiationId { with: Counterparty::Participant(ParticipantId(9)), ..id };
        state.bilateral.opened.insert((offer, asked.with), 1);
        state.bilateral.negotiations.insert(asked, negotiation);
        for (entry, negotiations) in [(offer, vec![asked]), (request, Vec::new())] {
            let entry = state.bilateral.entries.get_mut(&entry).expect("it was posted");
            (entry.held, entry.negotiations) = (Quantity::ZERO, negotiations.into_iter().collect());
        }
    }));
    // What is offered from a stock is in it.
    assert!(is_refused(false, |state| {
        let stock = state.bilateral.entries.get_mut(&EntryId(2)).expect("it was posted");
        (stock.listing.side, stock.limit) = (Side::Sell, price(300));
        let pledge = Money { currency: Currency::Usd, millionths: 1_000_000_000 };
        state.unpledge(PROGRAMME, pledge);
    }));
    // A round at another limit would have the stock buy above its own.
    assert!(is_refused(true, |state| {
        let board = state.bilateral.boards.get_mut(&BOARD).expect("it was opened");
        let round = board.round.as_mut().expect("it was called");
        round.entries[1].limit = price(500);
        round.digest = Digest::of(&round.entries);
    }));
    // Only a group can pay more than when the round was called.
    assert!(is_refused(true, |state| {
        let board = state.bilateral.boards.get_mut(&BOARD).expect("it was opened");
        let round = board.round.as_mut().expect("it was called");
        round.entries[2].limit = price(99);
        round.digest = Digest::of(&round.entries);
    }));
}

/// Numbers of entries end, and that is a refusal.
#[test]
fn the_last_number_of_an_entry() {
    let mut world = world(false);
    world.exchange.state_mut().bilateral.newest = u32::MAX - 1;
    world.post(SELLER, Side::Sell, 100).expect("the last");
    assert_eq!(world.post(SELLER, Side::Sell, 100), Err(Reject::BoardFull { most: u32::MAX }));
    assert!(world.exchange.is_conserved());
}
