//! A small world to test in: an exchange with a market, an index, a programme, a floor and two auctions, and
//! a writer that stamps commands and ticks as the real one does.

#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    reason = "shared by test files, each of which uses its own part"
)]

pub mod boards;
pub mod money;
pub mod steps;

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use golv_engine::auction::{AuctionKind, AuctionTerms, DrawSecret, StackTerms};
use golv_engine::book::Side;
use golv_engine::cfd::{
    ContractTerms, Delivery, IndexTerms, Measure, Observation, Payoff, Upside, VolumeRule,
};
use golv_engine::clearing::{Allocation, Candidates, Criterion, Payment, Rule};
use golv_engine::command::{Action, Command, NewBid, Operator};
use golv_engine::event::Event;
use golv_engine::id::*;
use golv_engine::market::{FloorTerms, Market, Unit};
use golv_engine::money::{Backing, ProgrammeTerms};
use golv_engine::num::{Currency, Money, Price, Quantity, Share};
use golv_engine::participant::Role;
use golv_engine::public::PublicView;
use golv_engine::reject::Reject;
use golv_engine::support::{
    Competition, Each, Limit, Misfit, Most, SupportRule, Technology, Ties, Uncontested,
};
use golv_engine::time::{Day, Instant, Month};
use golv_engine::{Answer, Exchange, Mode, RulesVersion};

pub const OPERATORS: [IdentityId; 2] = [IdentityId(1), IdentityId(2)];
pub const PUBLISHER: IdentityId = IdentityId(3);
pub const SUPPLIERS: [IdentityId; 3] = [IdentityId(4), IdentityId(5), IdentityId(6)];
pub const BUYERS: [IdentityId; 3] = [IdentityId(7), IdentityId(8), IdentityId(9)];
pub const MARKET: MarketId = MarketId(1);
pub const INDEX: IndexId = IndexId(1);
pub const PROGRAMME: ProgrammeId = ProgrammeId(1);
pub const FLOOR: FloorId = FloorId(1);
pub const METERED: FloorId = FloorId(2);
pub const CALL: AuctionId = AuctionId(1);
pub const SUPPORT: AuctionId = AuctionId(2);
pub const DRAWN: AuctionId = AuctionId(3);
pub const STACK: AuctionId = AuctionId(4);

/// What all draws here are made with.
pub const SECRET: DrawSecret = DrawSecret([7; 32]);

/// One line of a journal.
#[derive(Clone, Debug)]
pub struct Line {
    pub at: Instant,
    pub sender: IdentityId,
    pub id: CommandId,
    pub command: Command,
}

/// An exchange with its writer.
pub struct World {
    pub exchange: Exchange,
    pub now: Instant,
    pub journal: Vec<Line>,
    /// What each line was answered.
    pub outcomes: Vec<Result<(), Reject>>,
    pub events: Vec<Event>,
    /// What somebody knows who follows what is public, from the founding on.
    public: PublicView,
    sent: BTreeMap<IdentityId, u64>,
}

/// What everybody is told of an exchange as it stands.
pub fn public_view(exchange: &Exchange) -> PublicView {
    let mut view = PublicView::default();
    exchange.public_state().into_iter().for_each(|fact| view.take(fact));
    view
}

pub fn price(units: i64) -> Price {
    Price::from_units(units).expect("fits")
}

pub fn quantity(units: u32) -> Quantity {
    Quantity::from_units(units).expect("fits")
}

pub fn dollars(units: i64) -> Money {
    Money { currency: Currency::Usd, millionths: units * 1_000_000 }
}

/// A payment of the treasury's into the programme.
pub fn fund(amount: Money) -> Action {
    Action::FundProgramme { programme: PROGRAMME, funder: "Treasury".parse().expect("a name"), amount }
}

pub fn month(year: i32, month: u8) -> Month {
    Month::new(year, month).expect("a month")
}

pub fn market() -> Market {
    Market {
        name: "Lithium".parse().expect("a name"),
        unit: Unit::Tonne,
        currency: Currency::Usd,
        lot: quantity(1),
        tick: price(10),
        lowest: price(0),
        highest: price(1_000),
        largest: quantity(100),
    }
}

pub fn floor_terms() -> FloorTerms {
    FloorTerms {
        market: MARKET,
        programme: PROGRAMME,
        index: INDEX,
        price: price(500),
        stress_price: price(300),
        first: month(2019, 1),
        last: month(2019, 6),
        origins: vec!["FI".parse().expect("a country"), "DE".parse().expect("a country")],
        contract: Box::new(ContractTerms::monthly_floor()),
    }
}

pub fn hours(hours: u32) -> u32 {
    hours * 3_600
}

impl World {
    /// A founded rehearsal in which nobody but the operators takes part.
    pub fn founded() -> Self {
        Self::founded_in(Mode::Rehearsal)
    }

    fn founded_in(mode: Mode) -> Self {
        let exchange = Exchange::new(mode, RulesVersion::NEWEST);
        let mut world = Self {
            public: public_view(&exchange),
            exchange,
            now: Instant::at_midnight(2018, 12, 28).expect("a day"),
            journal: Vec::new(),
            outcomes: Vec::new(),
            events: Vec::new(),
            sent: BTreeMap::new(),
        };
        let name = "The centre".parse().expect("a name");
        let found = Command::Found {
            participant: ParticipantId(1),
            name,
            operators: OPERATORS.map(|id| Operator::local(id.0)),
        };
        world.send(IdentityId::SYSTEM, found).expect("founded");
        world
    }

    /// With participants, a market, an index, a programme of `funded` dollars and a floor.
    pub fn furnished(funded: i64) -> Self {
        Self::founded().furnish(funded)
    }

    /// The same of an exchange that is real: nobody sets its clock, and where it jumps nothing was running.
    pub fn live(funded: i64) -> Self {
        Self::founded_in(Mode::Live).furnish(funded)
    }

    fn furnish(self, funded: i64) -> Self {
        let mut world = self;
        let publisher = [(PUBLISHER, vec![Role::Publisher])];
        let suppliers = SUPPLIERS.map(|id| (id, vec![Role::Supplier]));
        let buyers = BUYERS.map(|id| (id, vec![Role::Buyer, Role::GroupLead]));
        for (identity, roles) in publisher.into_iter().chain(suppliers).chain(buyers) {
            let participant = ParticipantId(identity.0);
            let name = format!("Participant {identity}").parse().expect("a name");
            let owner_group = OwnerGroup(identity.0);
            let roles = roles.into_iter().collect();
            world.agree(Action::RegisterParticipant { participant, name, owner_group, roles });
            world.agree(Action::AddIdentity { identity, participant });
        }
        world.agree(Action::DefineMarket { market: MARKET, terms: market() });
        let terms = IndexTerms {
            name: "Index".parse().expect("a name"),
            currency: Some(Currency::Usd),
            publisher: ParticipantId(PUBLISHER.0),
            guard: None,
        };
        world.agree(Action::DefineIndex { index: INDEX, terms });
        let name = "Programme".parse().expect("a name");
        let terms = ProgrammeTerms { name, currency: Currency::Usd, backing: Backing::Capped };
        world.agree(Action::OpenProgramme { programme: PROGRAMME, terms });
        world.agree(fund(dollars(funded)));
        world.agree(Action::SetFloor { floor: FLOOR, terms: floor_terms() });
        world
    }

    /// With a call auction, a support auction, and a call auction by another rule with a seeded draw that are open.
    pub fn open(funded: i64) -> Self {
        let mut world = Self::furnished(funded);
        let opens_at = world.now.plus_seconds(hours(1)).expect("fits");
        let closes_at = world.now.plus_seconds(hours(10)).expect("fits");
        let call = AuctionKind::Call { market: MARKET, stock: None };
        let support = AuctionKind::Support { floor: FLOOR, per_period: quantity(60) };
        let cascade = vec![Criterion::MostVolume, Criterion::LastAcceptedOffer, Criterion::Reference];
        let drawn = AuctionTerms {
            rule: Rule {
                reference_price: Some(price(450)),
                ..Rule::new(Candidates::Interval, cascade, Allocation::SeededDraw)
            }
            .into(),
            draw_commitment: Some(SECRET.commitment()),
            ..terms(call, opens_at, closes_at)
        };
        let auctions = [
            (CALL, terms(call, opens_at, closes_at)),
            (SUPPORT, terms(support, opens_at, closes_at)),
            (DRAWN, drawn),
        ];
        for (auction, terms) in auctions {
            world.agree(Action::AnnounceAuction { auction, terms });
        }
        world.wait(hours(1));
        world
    }

    /// And a stack, open for ten hours, with some collateral of each supplier.
    pub fn open_stack(&mut self) {
        let (opens_at, closes_at) = (self.now.plus_seconds(1), self.now.plus_seconds(hours(10)));
        let kind = AuctionKind::Support { floor: FLOOR, per_period: quantity(60) };
        let terms = terms(kind, opens_at.expect("fits"), closes_at.expect("fits"));
        let terms = AuctionTerms { rule: stack().into(), ..terms };
        self.agree(Action::AnnounceAuction { auction: STACK, terms });
        for supplier in SUPPLIERS {
            let participant = ParticipantId(supplier.0);
            self.agree(Action::DepositCollateral { participant, amount: dollars(400) });
        }
        self.wait(1);
    }

    /// Sends a command under the sender's next id.
    pub fn send(&mut self, sender: IdentityId, command: Command) -> Result<CommandId, Reject> {
        let sent = self.sent.entry(sender).or_insert(0);
        *sent += 1;
        let id = CommandId(*sent);
        self.send_as(sender, id, command).map(|()| id)
    }

    pub fn send_as(&mut self, sender: IdentityId, id: CommandId, command: Command) -> Result<(), Reject> {
        let sequence = Sequence(self.exchange.sequence().0 + 1);
        self.journal.push(Line { at: self.now, sender, id, command: command.clone() });
        let before = self.events.len();
        let outcome = self.exchange.apply(sequence, self.now, sender, id, &command, &mut self.events);
        self.outcomes.push(outcome);
        let happened = self.events.get(before..).expect("events are appended");
        happened.iter().filter_map(Event::public_part).for_each(|part| self.public.apply(&part));
        assert_eq!(self.public, public_view(&self.exchange), "who follows knows what who begins is told");
        if let (Command::SetClock { to }, Ok(())) = (&command, outcome) {
            self.now = *to;
        }
        self.tick();
        outcome
    }

    /// Goes so many seconds forward.
    pub fn wait(&mut self, seconds: u32) {
        self.go_to(self.now.plus_seconds(seconds).expect("fits"));
    }

    /// Sets the clock forward, or finds that it is so late.
    pub fn go_to(&mut self, to: Instant) {
        match self.exchange.mode() {
            Mode::Rehearsal => {
                self.send(OPERATORS[0], Command::SetClock { to }).expect("time goes forward");
            }
            Mode::Live => {
                self.now = to;
                self.tick();
            }
        }
    }

    fn tick(&mut self) {
        while self.exchange.next_due().is_some_and(|due| due <= self.now) {
            self.send(IdentityId::SYSTEM, Command::Tick).expect("a tick is never refused");
        }
    }

    /// One operator proposes an action, the other confirms it.
    pub fn agree(&mut self, action: Action) {
        self.try_agree(action).expect("an action that can be done");
    }

    pub fn try_agree(&mut self, action: Action) -> Result<(), Reject> {
        let command = self.send(OPERATORS[0], Command::Propose { action })?;
        let proposal = ProposalId { identity: OPERATORS[0], command };
        self.send(OPERATORS[1], Command::Confirm { proposal }).map(drop)
    }

    pub fn bid(&mut self, sender: IdentityId, auction: AuctionId, bid: NewBid) -> Result<BidId, Reject> {
        let command = self.send(sender, Command::PlaceBid { auction, bid })?;
        Ok(BidId { identity: sender, command })
    }

    /// Publishes a month's price.
    pub fn publish(&mut self, month: Month, units: i64) -> Result<(), Reject> {
        self.send(PUBLISHER, publish(INDEX, month.last_day(), price(units))).map(drop)
    }

    /// Settles the month of a floor on the newest data.
    pub fn settle(&mut self, floor: FloorId, month: Month) -> Result<(), Reject> {
        let version = self.exchange.data_version();
        self.try_agree(Action::Settle { floor, period: month.first_day(), version })
    }

    /// Sets a floor of two-way contracts on metered volume with interest, and grants one of 20 a month to the last supplier.
    pub fn grant_metered(&mut self) {
        let share = Share::WHOLE;
        let annual_cap = "5000".parse().ok();
        let upside = Some(Upside { above: None, share, annual_cap, condition: None });
        let contract = ContractTerms {
            payoff: Payoff { upside, ..Payoff::floor() },
            volume: VolumeRule { measure: Measure::Metered, ..VolumeRule::default() },
            interest: "0.04".parse().ok(),
            ..ContractTerms::monthly_floor()
        };
        let terms = FloorTerms { contract: Box::new(contract), ..floor_terms() };
        self.agree(Action::SetFloor { floor: METERED, terms });
        // (500 − 300) × 20 × 6 months.
        self.agree(fund(dollars(24_000)));
        let holder = ParticipantId(SUPPLIERS[2].0);
        self.agree(Action::GrantEntitlement { floor: METERED, holder, per_period: quantity(20) });
    }

    /// An operator reports what was sold in the middle of a month.
    pub fn report(&mut self, entitlement: EntitlementId, month: Month, sold: u32) -> Result<(), Reject> {
        let nothing = Quantity::ZERO;
        let delivery = Delivery {
            sold: quantity(sold),
            from_stock: nothing,
            stockpiled: quantity(2),
            destination: None,
            evidence: None,
        };
        let day = Day::new(month.year(), month.month(), 15).expect("a day");
        self.send(OPERATORS[0], Command::ReportDelivery { entitlement, day, delivery }).map(drop)
    }

    /// The last event that is not what money does on its account.
    pub fn last(&self) -> Option<&Event> {
        self.events.iter().rev().find(|event| {
            !matches!(
                event,
                Event::Posted { .. }
                    | Event::ProgrammeLevel { .. }
                    | Event::InvoiceIssued { .. }
                    | Event::InvoicePaid { .. }
                    | Event::ClaimsPaid { .. }
                    | Event::SellersPaid { .. }
            )
        })
    }

    /// The answer that a command was first given.
    pub fn answer(&self, sender: IdentityId, id: CommandId) -> Option<Answer> {
        self.exchange.answer(sender, id)
    }

    /// What a participant has with the centre, and is promised, in whole cents.
    pub fn cents(&self, participant: IdentityId) -> i128 {
        use golv_engine::ledger::Account;
        let id = ParticipantId(participant.0);
        let accounts = [Account::Participant(id), Account::Claims(id)];
        accounts.map(|account| self.exchange.ledger().balance(Currency::Usd, account)).iter().sum::<i128>()
            / 10_000
    }
}

/// A price of a day, of which nothing else is known.
pub fn publish(index: IndexId, day: Day, price: Price) -> Command {
    let observation = Observation { price, volume: None, source: None };
    Command::PublishReferencePrice { index, day, observation }
}

pub fn terms(kind: AuctionKind, opens_at: Instant, closes_at: Instant) -> AuctionTerms {
    let challenge_seconds = NonZeroU32::new(hours(24)).expect("positive");
    AuctionTerms { kind, opens_at, closes_at, challenge_seconds, rule: rule().into(), draw_commitment: None }
}

/// A stack with a bond of 10 a unit and three days to accept: one price for two technologies, mines and recycling, the second
/// with a premium of 20 and no more than 10 a month; of one owner no more than 40.
pub fn stack() -> StackTerms {
    let technology = |name: &str, premium| Technology {
        name: name.parse().expect("a name"),
        pot: None,
        ceiling: Some(price(480)),
        premium: Some(price(premium)),
    };
    let limit = |name: &str, each, technologies, most| Limit {
        name: name.parse().expect("a name"),
        each,
        technologies,
        years: None,
        most: Most::Quantity(quantity(most)),
    };
    let recycling = technology("recycling", 20);
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
        limits: vec![
            limit("recycling", Each::All, vec![recycling.name.clone()], 10),
            limit("one owner", Each::OwnerGroup, Vec::new(), 40),
        ],
        technologies: vec![technology("mine", 0), recycling],
        minima: Vec::new(),
        competition: Competition::default(),
        origin_cap: None,
    };
    let acceptance_seconds = NonZeroU32::new(hours(72));
    StackTerms { rule, budget: "20000".parse().ok(), bond: Some(price(10)), acceptance_seconds }
}

/// The cascade of Xetra's auctions, with remainders shared pro rata.
pub fn rule() -> Rule {
    let cascade =
        vec![Criterion::MostVolume, Criterion::LeastSurplus, Criterion::SurplusSide, Criterion::Reference];
    let rule = Rule::new(Candidates::Limits, cascade, Allocation::ProRata);
    Rule { reference_price: Some(price(500)), ..rule }
}

pub fn sell(units: i64, lots: u32) -> NewBid {
    let origin = Some("FI".parse().expect("a country"));
    NewBid { side: Side::Sell, price: Some(price(units)), quantity: quantity(lots), origin, details: None }
}

pub fn buy(units: i64, lots: u32) -> NewBid {
    NewBid {
        side: Side::Buy,
        price: Some(price(units)),
        quantity: quantity(lots),
        origin: None,
        details: None,
    }
}
