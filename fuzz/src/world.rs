//! A small exchange to try commands on, and what must hold after each of them and at the end.
//!
//! [`World::furnished`] has people, a market, indices, a programme, floors, a board and auctions of every kind, so that a few
//! commands reach far; identity and participant have the same number. It is built once and then read from a snapshot.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::OnceLock;

use golv_engine::auction::{AuctionKind, AuctionTerms, DrawSecret, SolutionTerms, StackTerms};
use golv_engine::bilateral::{BoardTerms, Preference, PriceRule, RoundRule};
use golv_engine::cfd::{ContractTerms, IndexTerms, Measure, Observation, Payoff, Upside, VolumeRule};
use golv_engine::clearing::{Allocation, Candidates, Criterion, Payment, Rule};
use golv_engine::command::{Action, Command, Operator};
use golv_engine::event::Event;
use golv_engine::id::{
    AuctionId, BoardId, CommandId, FloorId, IdentityId, IndexId, MarketId, OwnerGroup, ParticipantId,
    ProgrammeId, ProposalId, Sequence,
};
use golv_engine::market::{FloorTerms, Market, Unit};
use golv_engine::money::{Backing, ClearingTerms, Pot, ProgrammeTerms, StockRule};
use golv_engine::num::{Currency, Money, Price, Quantity, Share};
use golv_engine::participant::Role;
use golv_engine::public::PublicView;
use golv_engine::reject::Reject;
use golv_engine::support::{Competition, Limit, Misfit, Most, SupportRule, Technology, Ties, Uncontested};
use golv_engine::time::{Day, Instant, Month};
use golv_engine::{Exchange, Mode, RulesVersion};

/// The operators.
pub const OPERATORS: [IdentityId; 2] = [IdentityId(1), IdentityId(2)];
/// Who publishes all indices.
pub const PUBLISHER: IdentityId = IdentityId(3);
/// Who supplies.
pub const SUPPLIERS: [IdentityId; 3] = [IdentityId(4), IdentityId(5), IdentityId(6)];
/// Who buys, and may lead groups.
pub const BUYERS: [IdentityId; 3] = [IdentityId(7), IdentityId(8), IdentityId(9)];
/// Who reads everything.
pub const AUDITOR: IdentityId = IdentityId(10);
/// The market.
pub const MARKET: MarketId = MarketId(1);
/// The index of the floor.
pub const INDEX: IndexId = IndexId(1);
/// An index with a guard, of the same currency.
pub const GUARDED: IndexId = IndexId(2);
/// An index that is a mere number.
pub const CONSUMER_PRICES: IndexId = IndexId(3);
/// The programme.
pub const PROGRAMME: ProgrammeId = ProgrammeId(1);
/// A monthly floor of fixed volume.
pub const FLOOR: FloorId = FloorId(1);
/// A floor whose contracts are metered, with a capped upside that waits for a condition, and interest.
pub const METERED: FloorId = FloorId(2);
/// The board.
pub const BOARD: BoardId = BoardId(1);
/// A call auction.
pub const CALL: AuctionId = AuctionId(1);
/// A support auction.
pub const SUPPORT: AuctionId = AuctionId(2);
/// A call auction with a seeded draw.
pub const DRAWN: AuctionId = AuctionId(3);
/// A stack, with bonds and acceptance.
pub const STACK: AuctionId = AuctionId(4);
/// A call auction whose bids have minimums.
pub const SOLVED: AuctionId = AuctionId(5);
/// What the draw is made with.
pub const SECRET: DrawSecret = DrawSecret([7; 32]);

const HOUR: u32 = 3_600;

/// A sender's own number for its command: with these upper bytes a bid's name is not met by chance in what somebody is shown.
pub const fn numbered(sender: IdentityId, number: u64) -> CommandId {
    CommandId(0x5ea1_ed1d << 32 | (sender.0 as u64) << 24 | number)
}

/// One line of a journal.
#[derive(Clone, Debug)]
struct Line {
    at: Instant,
    sender: IdentityId,
    id: CommandId,
    command: Command,
    outcome: Result<(), Reject>,
}

/// How a world begins.
struct Begun {
    /// A snapshot.
    exchange: Vec<u8>,
    now: Instant,
    events: Vec<Event>,
    sent: BTreeMap<IdentityId, u64>,
}

/// An exchange with its clock, and all that was tried on it.
pub struct World {
    /// The exchange.
    pub exchange: Exchange,
    /// The time.
    pub now: Instant,
    /// What has happened, since the founding.
    pub events: Vec<Event>,
    /// What it began as, and how much had happened by then.
    begun: (Vec<u8>, usize),
    lines: Vec<Line>,
    /// How many commands each has sent.
    sent: BTreeMap<IdentityId, u64>,
    /// Whose bid is sealed, by the number of the command that placed it.
    sealed: BTreeMap<u64, (AuctionId, ParticipantId)>,
    public: PublicView,
}

/// Any of the short texts that have a type of their own.
pub(crate) fn parsed<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().expect("a text that is one")
}

/// So many whole units of the programme's currency.
pub fn dollars(units: i64) -> Money {
    Money { currency: Currency::Usd, millionths: units * 1_000_000 }
}

/// A price in whole units.
pub fn price(units: i64) -> Price {
    Price::from_units(units).expect("fits")
}

/// A quantity in whole units.
pub fn quantity(units: u32) -> Quantity {
    Quantity::from_units(units).expect("fits")
}

fn public_view(exchange: &Exchange) -> PublicView {
    let mut view = PublicView::default();
    exchange.public_state().into_iter().for_each(|fact| view.take(fact));
    view
}

/// An exchange as a snapshot has it.
fn stored(exchange: &Exchange) -> Vec<u8> {
    let mut bytes = Vec::new();
    golv_protocol::encode_to(exchange, &mut bytes).expect("an exchange can be written");
    bytes
}

fn read(stored: &[u8]) -> Exchange {
    golv_protocol::decode_from(&mut &*stored).expect("what was written is an exchange")
}

impl World {
    /// Before its founding.
    pub fn unfounded() -> Self {
        let exchange = Exchange::new(Mode::Rehearsal, RulesVersion::NEWEST);
        let now = Instant::at_midnight(2018, 12, 3).expect("a day");
        Self::beginning(&Begun {
            exchange: stored(&exchange),
            now,
            events: Vec::new(),
            sent: BTreeMap::new(),
        })
    }

    /// With all that is needed to trade.
    pub fn furnished() -> Self {
        static FURNISHED: OnceLock<Begun> = OnceLock::new();
        Self::beginning(FURNISHED.get_or_init(|| {
            let mut world = Self::unfounded();
            world.furnish();
            let Self { exchange, now, events, sent, .. } = world;
            Begun { exchange: stored(&exchange), now, events, sent }
        }))
    }

    fn beginning(begun: &Begun) -> Self {
        let Begun { exchange: stored, now, events, sent } = begun;
        let exchange = read(stored);
        let (begun, public) = ((stored.clone(), events.len()), public_view(&exchange));
        let (now, events, sent) = (*now, events.clone(), sent.clone());
        Self { exchange, now, events, begun, lines: Vec::new(), sent, sealed: BTreeMap::new(), public }
    }

    /// Sends a command and checks what must hold after any; returns the number that it was sent under.
    ///
    /// # Errors
    /// If it is refused.
    pub fn send(&mut self, sender: IdentityId, command: Command) -> Result<CommandId, Reject> {
        let sent = self.sent.entry(sender).or_default();
        *sent += 1;
        let id = numbered(sender, *sent);
        let (before, happened) = (self.exchange.state_digest(), self.events.len());
        let (at, sequence) = (self.now, Sequence(self.exchange.sequence().0 + 1));
        let outcome = self.exchange.apply(sequence, at, sender, id, &command, &mut self.events);
        if let Err(reject) = outcome {
            assert_eq!(
                self.exchange.state_digest(),
                before,
                "a refusal changes no state: {reject} {command:?}"
            );
            assert_eq!(self.events.len(), happened, "nothing happens by a refusal: {reject} {command:?}");
        }
        assert!(self.exchange.is_conserved(), "money is conserved: {command:?}");
        for event in happened..self.events.len() {
            self.look_at(event);
        }
        if let (Command::SetClock { to }, Ok(())) = (&command, outcome) {
            self.now = *to;
        }
        self.lines.push(Line { at, sender, id, command, outcome });
        self.tick(self.now);
        outcome.map(|()| id)
    }

    /// Lets time pass, with what is due in it.
    pub fn pass(&mut self, seconds: u32) {
        let Some(later) = self.now.plus_seconds(seconds) else { return };
        while let Some(due) = self.exchange.next_due().filter(|due| *due <= later) {
            self.now = self.now.max(due);
            self.tick(self.now);
        }
        self.now = later;
    }

    fn tick(&mut self, until: Instant) {
        while self.exchange.next_due().is_some_and(|due| due <= until) {
            let tick = Command::Tick;
            // By way of `send`, which ticks again; what is due comes to an end either way.
            self.send(IdentityId::SYSTEM, tick).expect("a tick is never refused");
        }
    }

    /// One operator proposes an action, the other confirms it.
    ///
    /// # Errors
    /// If either is refused.
    pub fn agree(&mut self, action: Action) -> Result<(), Reject> {
        let [identity, other] = OPERATORS;
        let command = self.send(identity, Command::Propose { action })?;
        self.send(other, Command::Confirm { proposal: ProposalId { identity, command } }).map(drop)
    }

    /// The names of the commands that were not refused, and of the actions that were done.
    pub fn done(&self) -> impl Iterator<Item = &'static str> {
        let commands = self.lines.iter().filter(|line| line.outcome.is_ok()).map(|line| line.command.name());
        let actions = self.events.iter().filter_map(|event| match event {
            Event::ActionConfirmed { action, .. } => Some(action.name()),
            _ => None,
        });
        commands.chain(actions)
    }

    /// Keeps up with what is public, and finds a sealed bid in what others are shown.
    fn look_at(&mut self, event: usize) {
        let event = &self.events[event];
        if let Some(part) = event.public_part() {
            self.public.apply(&part);
        }
        match *event {
            Event::BidAccepted { auction, bid, participant, .. } => {
                self.sealed.insert(bid.command.0, (auction, participant));
            }
            Event::AuctionClosed { auction } => self.sealed.retain(|_, (of, _)| *of != auction),
            _ => {}
        }
        if self.named_in(event).is_empty() {
            return;
        }
        for reader in (1..=AUDITOR.0).map(ParticipantId) {
            for reads_all in [false, true] {
                let Some(shown) = event.shown_to(reader, reads_all) else { continue };
                let others = self.named_in(&shown).into_iter().find(|owner| *owner != reader);
                assert_eq!(others, None, "{reader} is shown a sealed bid: {shown:?}");
            }
        }
    }

    /// Whose sealed bids an event names.
    fn named_in(&self, event: &Event) -> Vec<ParticipantId> {
        if self.sealed.is_empty() {
            return Vec::new();
        }
        let mut bytes = Vec::new();
        golv_protocol::encode_to(event, &mut bytes).expect("an event can be written");
        let numbers = bytes.windows(8).map(|bytes| u64::from_le_bytes(bytes.try_into().expect("eight")));
        numbers.filter_map(|number| self.sealed.get(&number)).map(|(_, owner)| *owner).collect()
    }

    /// What must hold at the end: whoever follows knows what whoever begins is told, a snapshot is read back as it was, and what was
    /// sent gives the same again, on an exchange that goes through a snapshot half way too.
    pub fn finish(self) {
        assert!(self.public == public_view(&self.exchange), "who follows knows what who begins is told");
        let digest = self.exchange.state_digest();
        assert_eq!(read(&stored(&self.exchange)).state_digest(), digest, "a snapshot is read back as it was");
        let (begun, happened) = &self.begun;
        let mut again = read(begun);
        let mut events = Vec::new();
        for (number, line) in self.lines.iter().enumerate() {
            if number == self.lines.len() / 2 {
                again = read(&stored(&again));
            }
            let Line { at, sender, id, command, outcome } = line;
            let sequence = Sequence(again.sequence().0 + 1);
            let answer = again.apply(sequence, *at, *sender, *id, command, &mut events);
            assert_eq!(answer, *outcome, "{command:?} is answered alike");
        }
        assert_eq!(again.state_digest(), digest, "the same commands make the same exchange");
        assert!(events == self.events[*happened..], "the same commands make the same happen");
    }

    fn furnish(&mut self) {
        let [first, second] = OPERATORS.map(|identity| Operator::local(identity.0));
        let name = parsed("The centre");
        let found = Command::Found { participant: ParticipantId(1), name, operators: [first, second] };
        self.send(IdentityId::SYSTEM, found).expect("nothing was founded");
        let people = [(PUBLISHER, vec![Role::Publisher]), (AUDITOR, vec![Role::Auditor])];
        let suppliers = SUPPLIERS.map(|identity| (identity, vec![Role::Supplier]));
        let buyers = BUYERS.map(|identity| (identity, vec![Role::Buyer, Role::GroupLead]));
        for (identity, roles) in people.into_iter().chain(suppliers).chain(buyers) {
            let participant = ParticipantId(identity.0);
            let name = parsed(&format!("Participant {identity}"));
            let owner_group = OwnerGroup(identity.0);
            let roles = roles.into_iter().collect();
            self.must(Action::RegisterParticipant { participant, name, owner_group, roles });
            self.must(Action::AddIdentity { identity, participant });
        }
        self.must(Action::DefineMarket { market: MARKET, terms: market() });
        for (index, currency, guard) in [
            (INDEX, Some(Currency::Usd), None),
            (GUARDED, Some(Currency::Usd), Share::from_millionths(250_000)),
            (CONSUMER_PRICES, None, None),
        ] {
            let (name, publisher) = (parsed(&format!("Index {index}")), ParticipantId(PUBLISHER.0));
            self.must(Action::DefineIndex { index, terms: IndexTerms { name, currency, publisher, guard } });
        }
        let (name, currency) = (parsed("Programme"), Currency::Usd);
        let terms = ProgrammeTerms { name, currency, backing: Backing::Capped };
        self.must(Action::OpenProgramme { programme: PROGRAMME, terms });
        let (programme, funder, amount) = (PROGRAMME, parsed("Treasury"), dollars(200_000));
        self.must(Action::FundProgramme { programme, funder, amount });
        let terms = Box::new(clearing_terms());
        self.must(Action::SetClearingTerms { currency, terms });
        self.must(Action::SetStockRule { programme, market: MARKET, rule: stock_rule() });
        for (floor, contract) in [(FLOOR, ContractTerms::monthly_floor()), (METERED, metered())] {
            // Half a year, so that the money goes further.
            let last = Month::new(2019, 6).expect("a month");
            self.must(Action::SetFloor { floor, terms: FloorTerms { last, ..floor_terms(contract) } });
        }
        self.must(Action::OpenBoard { board: BOARD, terms: board_terms() });
        for supplier in SUPPLIERS {
            let participant = ParticipantId(supplier.0);
            self.must(Action::DepositCollateral { participant, amount: dollars(500) });
        }
        let call = AuctionKind::Call { market: MARKET, stock: None };
        let support = AuctionKind::Support { floor: FLOOR, per_period: quantity(60) };
        let cascade = vec![Criterion::MostVolume, Criterion::LastAcceptedOffer, Criterion::Reference];
        let drawn = Rule {
            reference_price: Some(price(450)),
            ..Rule::new(Candidates::Interval, cascade, Allocation::SeededDraw)
        };
        let solved = SolutionTerms { rule: rule(), solution_seconds: seconds(600) };
        for (auction, kind, rule, draw_commitment) in [
            (CALL, call, rule().into(), None),
            (SUPPORT, support, rule().into(), None),
            (DRAWN, call, drawn.into(), Some(SECRET.commitment())),
            (STACK, support, stack().into(), None),
            (SOLVED, call, solved.into(), None),
        ] {
            let terms = AuctionTerms {
                kind,
                opens_at: self.now.plus_seconds(HOUR).expect("in reach"),
                closes_at: self.now.plus_seconds(10 * HOUR).expect("in reach"),
                challenge_seconds: seconds(24 * HOUR),
                rule,
                draw_commitment,
            };
            self.must(Action::AnnounceAuction { auction, terms });
        }
        self.pass(HOUR);
        // Whose time it is to trade by a contract on a deal: the last whole month has a price.
        let day = parsed::<Day>("2018-11-30");
        for (index, units) in [(INDEX, 450), (GUARDED, 400), (CONSUMER_PRICES, 100)] {
            self.publish(index, day, price(units)).expect("the day is over");
        }
    }

    fn must(&mut self, action: Action) {
        self.agree(action).expect("an action that can be done");
    }

    /// Publishes a price, of which nothing else is known.
    ///
    /// # Errors
    /// If it is refused.
    pub fn publish(&mut self, index: IndexId, day: Day, price: Price) -> Result<CommandId, Reject> {
        let observation = Observation { price, volume: None, source: None };
        self.send(PUBLISHER, Command::PublishReferencePrice { index, day, observation })
    }
}

fn seconds(seconds: u32) -> NonZeroU32 {
    NonZeroU32::new(seconds).expect("positive")
}

fn market() -> Market {
    Market {
        name: parsed("Lithium"),
        unit: Unit::Tonne,
        currency: Currency::Usd,
        lot: quantity(1),
        tick: price(10),
        lowest: price(0),
        highest: price(1_000),
        largest: quantity(100),
    }
}

/// The terms of a floor at 500, reserved down to 300, over two years.
pub fn floor_terms(contract: ContractTerms) -> FloorTerms {
    FloorTerms {
        market: MARKET,
        programme: PROGRAMME,
        index: INDEX,
        price: price(500),
        stress_price: price(300),
        first: Month::new(2019, 1).expect("a month"),
        last: Month::new(2020, 12).expect("a month"),
        origins: vec![parsed("FI"), parsed("DE")],
        contract: Box::new(contract),
    }
}

fn metered() -> ContractTerms {
    let condition = Some(parsed("full production"));
    let upside = Upside { above: None, share: Share::WHOLE, annual_cap: Some(parsed("5000")), condition };
    ContractTerms {
        payoff: Payoff { upside: Some(upside), ..Payoff::floor() },
        volume: VolumeRule { measure: Measure::Metered, ..VolumeRule::default() },
        interest: Share::from_millionths(40_000),
        ..ContractTerms::monthly_floor()
    }
}

/// Clearing terms with a cover, two days to pay and one to follow a notice.
pub fn clearing_terms() -> ClearingTerms {
    ClearingTerms {
        holidays: vec![parsed("2019-01-01")],
        due_days: 2,
        notice_days: 1,
        debt_cover: Share::NONE,
        contract_cover_days: 0,
        waterfall: Pot::STANDARD.into(),
    }
}

/// A programme buys at 200 and sells from 600 on.
pub fn stock_rule() -> StockRule {
    StockRule {
        buys_at: price(200),
        holds_most: quantity(80),
        releases_at: price(600),
        releases_most: quantity(40),
    }
}

/// A board with a floor at the stock's price.
pub fn board_terms() -> BoardTerms {
    BoardTerms {
        name: parsed("Lithium, battery grade"),
        market: MARKET,
        rule: RoundRule {
            preference: Preference::Surplus,
            price: PriceRule::Uniform,
            floor: Some(price(200)),
            origin_cap: None,
            owner_cap: None,
        },
        sectors: Vec::new(),
        solution_seconds: seconds(600),
        answer_seconds: seconds(24 * HOUR),
        counters_most: 3,
    }
}

/// The cascade of Xetra's auctions, with remainders shared pro rata.
pub fn rule() -> Rule {
    let cascade =
        vec![Criterion::MostVolume, Criterion::LeastSurplus, Criterion::SurplusSide, Criterion::Reference];
    let rule = Rule::new(Candidates::Limits, cascade, Allocation::ProRata);
    Rule { reference_price: Some(price(500)), ..rule }
}

/// One price for two technologies, of one owner no more than 40, with a bond and three days to accept.
fn stack() -> StackTerms {
    let technology = |name: &str, premium| Technology {
        name: parsed(name),
        pot: None,
        ceiling: Some(price(480)),
        premium: Some(price(premium)),
    };
    let limit = Limit {
        name: parsed("one owner"),
        each: golv_engine::support::Each::OwnerGroup,
        technologies: Vec::new(),
        years: None,
        most: Most::Quantity(quantity(40)),
    };
    let rule = SupportRule {
        payment: Payment::OnePrice,
        misfit: Misfit::Skip,
        ties: Ties::Earliest,
        whole_offers: false,
        uncontested: Uncontested::Clearing,
        ceiling: None,
        lot: None,
        periods: None,
        quality_rate: None,
        limits: vec![limit],
        technologies: vec![technology("mine", 0), technology("recycling", 20)],
        minima: Vec::new(),
        competition: Competition::default(),
        origin_cap: None,
    };
    let acceptance_seconds = Some(seconds(72 * HOUR));
    StackTerms { rule, budget: Some(parsed("20000")), bond: Some(price(10)), acceptance_seconds }
}
