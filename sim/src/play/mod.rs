//! Plays a scenario under one of its policies on a venue, with commands like any trader's, and tells what came out.
//!
//! Each month, on its first day: what was delivered in the month before is reported, its reference price published and its contracts
//! settled; then, where it is time, the market trades. Support is awarded in the month before a policy's first. Nobody knows more than the
//! reference price of the month before.
//!
//! | to find … | look in |
//! |---|---|
//! | reference prices, and shocks on them | `path.rs` |
//! | participants as drawn, true cost and worth | `cast.rs` |
//! | what they bid | `bids.rs` |
//! | how a market trades: auctions, and rounds of bilateral matching | `trade.rs`, `rounds.rs` |
//! | the award of contracts, grants, decisions to invest | `award.rs` |
//! | a programme that buys and sells again | `intermediary.rs` |
//! | the month's end: deliveries, settlement, who closes | `month.rs` |
//! | what came out | `facts.rs` |
//!
//! Deliberately absent: trade elsewhere at other prices than the reference price or a part of it, and any answer of the reference price to what is
//! done here: the market that is played is small beside the world's.

mod award;
mod bids;
mod cast;
mod facts;
mod intermediary;
mod month;
mod path;
#[cfg(test)]
mod properties;
mod rounds;
#[cfg(test)]
mod tests;
mod trade;

use std::collections::BTreeMap;

use golv_engine::cfd::IndexTerms;
use golv_engine::command::Action;
use golv_engine::event::Event;
use golv_engine::id::{
    AuctionId, BoardId, EntitlementId, FloorId, IdentityId, IndexId, MarketId, OwnerGroup, ParticipantId,
    ProgrammeId,
};
use golv_engine::key::KeyFingerprint;
use golv_engine::market::FloorTerms;
use golv_engine::money::ProgrammeTerms;
use golv_engine::num::{Price, Quantity};
use golv_engine::participant::Role;
use golv_engine::text::Name;
use golv_engine::time::{Instant, Month};
use golv_engine::{Exchange, Mode, RulesVersion};

pub use crate::desk::{AUDITOR, PUBLISHER};
use crate::desk::{Desk, DeskError, founding};
use crate::scenario::{Contracts, Kind, Policy, Scenario, ShockKind, Trade};
use crate::venue::{EngineVenue, NothingHappened, Venue};
use bids::Memory;
use cast::{Part, Party};
pub use facts::{AwardFacts, BuyerFacts, MonthFacts, Outcome, ProducerFacts, TradeFacts};
pub(crate) use path::months;
use path::previous;
pub use path::{LOOK_BACK, PathError, PricePath, is_step};

const MARKET: MarketId = MarketId(1);
const INDEX: IndexId = IndexId(1);
const PROGRAMME: ProgrammeId = ProgrammeId(1);
const FLOOR: FloorId = FloorId(1);
const BOARD: BoardId = BoardId(1);
const HOUR: u32 = 3_600;

/// Why a scenario could not be played to its end.
#[derive(Debug, thiserror::Error)]
pub enum PlayError<E> {
    /// The venue failed, or refused a command that the play cannot do without.
    #[error(transparent)]
    Desk(#[from] DeskError<E>),
    /// The path of prices does not cover the scenario.
    #[error("the path of prices has none of {0}")]
    NoPrice(Month),
    /// A buyer pays more at once than an amount can be.
    #[error("what a buyer pays for one trade is larger than an amount can be")]
    TooLarge,
    /// The exchange cannot tell such days.
    #[error("{0} lies beyond what an exchange can date")]
    NoDay(Month),
}

/// A producer in play.
struct Maker {
    party: Party,
    /// The first month that it can produce in; `None` while nothing is built.
    stands_from: Option<Month>,
    contract: Option<Holding>,
    sales: Vec<Sale>,
    /// What it has earned so far, less what it cost; without capital.
    cash: i128,
    memory: Option<Memory>,
}

/// A contract that a producer holds.
#[derive(Clone, Copy)]
struct Holding {
    id: EntitlementId,
    strike: Price,
    per_period: Quantity,
    first: Month,
    last: Month,
}

/// What was sold to be delivered in equal parts over some months.
#[derive(Clone, Copy)]
struct Sale {
    lots: i64,
    /// What it brings, and what it costs to make, in millionths.
    revenue: i128,
    cost: i128,
    first: Month,
    months: u8,
    /// Whether it was sold elsewhere.
    is_elsewhere: bool,
}

/// A buyer in play.
struct Taker {
    party: Party,
    /// What it has bought of an intermediary, for a year each.
    bought: Vec<Sale>,
    memory: Option<Memory>,
}

/// A scenario in play.
pub struct Play<'a, V> {
    desk: Desk<V>,
    scenario: &'a Scenario,
    policy: &'a Policy,
    path: &'a PricePath,
    makers: Vec<Maker>,
    takers: Vec<Taker>,
    /// The number of the last auction.
    auctions: u32,
    /// The purchase of an intermediary, once it is final with something in it.
    purchase: Option<AuctionId>,
    /// What the intermediary has lost since the last month's end.
    gap: i128,
    outcome: Outcome,
}

/// When a play begins: the stamp of the founding command, a month before the scenario's first.
pub fn start(scenario: &Scenario) -> Option<Instant> {
    previous(scenario.first)?.first_day().begins_at()?.plus_seconds(9 * HOUR)
}

/// The identities that take part beside the operators: the publisher, an auditor, producers and buyers.
pub fn identities(scenario: &Scenario) -> Vec<IdentityId> {
    let parties = cast::producers(scenario).into_iter().chain(cast::buyers(scenario));
    [PUBLISHER, AUDITOR].map(IdentityId).into_iter().chain(parties.map(|party| party.identity())).collect()
}

/// Plays a scenario on a bare engine, in one thread, with nothing stored.
///
/// # Errors
/// [`PlayError`].
pub fn play_on_engine(
    scenario: &Scenario,
    policy: &Policy,
    path: &PricePath,
) -> Result<(Outcome, EngineVenue), PlayError<NothingHappened>> {
    let start = start(scenario).ok_or(PlayError::NoDay(scenario.first))?;
    let exchange = Exchange::new(Mode::Rehearsal, RulesVersion::NEWEST);
    let venue = EngineVenue::found(exchange, start, &founding(|_| None::<KeyFingerprint>));
    Play::new(venue, scenario, policy, path).run()
}

impl<'a, V: Venue> Play<'a, V> {
    /// A play on a venue that was founded with [`founding`] at [`start`]. The path is as the scenario's shocks make it.
    pub fn new(venue: V, scenario: &'a Scenario, policy: &'a Policy, path: &'a PricePath) -> Self {
        let makers = cast::producers(scenario).into_iter().zip(&scenario.producers);
        let makers = makers.map(|(party, producer)| Maker {
            party,
            stands_from: producer.investment.is_none().then_some(scenario.first),
            contract: None,
            sales: Vec::new(),
            cash: 0,
            memory: None,
        });
        let takers = cast::buyers(scenario);
        let takers = takers.into_iter().map(|party| Taker { party, bought: Vec::new(), memory: None });
        let outcome = Outcome {
            producers: scenario
                .producers
                .iter()
                .map(|producer| ProducerFacts {
                    name: producer.name.to_string(),
                    origin: producer.origin,
                    sold: Quantity::ZERO,
                    revenue: 0,
                    sold_elsewhere: Quantity::ZERO,
                    revenue_elsewhere: 0,
                    support: 0,
                    cost: 0,
                    capital: 0,
                    invested: None,
                    closed: None,
                    is_absent: producer.investment.is_some(),
                })
                .collect(),
            buyers: scenario
                .buyers
                .iter()
                .map(|buyer| BuyerFacts {
                    name: buyer.name.to_string(),
                    wanted: Quantity::ZERO,
                    bought: Quantity::ZERO,
                    paid: 0,
                })
                .collect(),
            ..Outcome::default()
        };
        Self {
            desk: Desk::new(venue),
            scenario,
            policy,
            path,
            makers: makers.collect(),
            takers: takers.collect(),
            auctions: 0,
            purchase: None,
            gap: 0,
            outcome,
        }
    }

    /// Plays it to its end; gives what came out, and the venue back.
    ///
    /// # Errors
    /// [`PlayError`].
    pub fn run(mut self) -> Result<(Outcome, V), PlayError<V::Error>> {
        self.prepare()?;
        let before = previous(self.scenario.first).ok_or(PlayError::NoDay(self.scenario.first))?;
        self.decide(self.scenario.first)?;
        self.award(before)?;
        for month in months(self.scenario.first, self.scenario.last) {
            if month.month() == 1 && month != self.scenario.first {
                self.decide(month)?;
            }
            self.sell_on(month)?;
            if (month.month() - 1).is_multiple_of(self.scenario.every.months()) {
                match self.scenario.trade {
                    Trade::Call => self.call_auction(month)?,
                    Trade::Rounds => self.round(month)?,
                }
            }
            self.award(month)?;
            self.end_month(month)?;
        }
        // Whatever the last run brought about was told when the clock's event was.
        let over = self.at(self.scenario.last.next().unwrap_or(self.scenario.last), 1, 6)?;
        self.desk.set_clock(over)?;
        self.until(|event| matches!(event, Event::ClockSet { to } if *to == over).then_some(()))?;
        Ok((self.outcome, self.desk.into_venue()))
    }

    /// Admits everybody, and defines the market, its index, the programme and the floor.
    fn prepare(&mut self) -> Result<(), PlayError<V::Error>> {
        let start = start(self.scenario).ok_or(PlayError::NoDay(self.scenario.first))?;
        self.desk.set_clock(start)?;
        self.desk.admit(PUBLISHER, name("Index publisher"), &[Role::Publisher])?;
        self.desk.admit(AUDITOR, name("Court of auditors"), &[Role::Auditor])?;
        let mut owners = BTreeMap::new();
        for (maker, producer) in self.makers.iter().zip(&self.scenario.producers) {
            let id = maker.party.id;
            let owner = OwnerGroup(*owners.entry(producer.owner.clone()).or_insert(id));
            self.desk.admit_owned(id, producer.name.clone(), owner, &[Role::Supplier])?;
        }
        for (taker, buyer) in self.takers.iter().zip(&self.scenario.buyers) {
            self.desk.admit(taker.party.id, buyer.name.clone(), &[Role::Buyer])?;
        }
        let terms = self.scenario.market.clone();
        let currency = terms.currency;
        self.desk.agree("the market", Action::DefineMarket { market: MARKET, terms })?;
        let publisher = ParticipantId(PUBLISHER);
        let terms =
            IndexTerms { name: name("Reference price"), currency: Some(currency), publisher, guard: None };
        self.desk.agree("the index", Action::DefineIndex { index: INDEX, terms })?;
        if self.scenario.trade == Trade::Rounds {
            self.open_board()?;
        }
        let Some(programme) = self.policy.programme() else { return Ok(()) };
        let terms = ProgrammeTerms { name: name("Support"), currency, backing: programme.backing.clone() };
        self.desk.agree("the programme", Action::OpenProgramme { programme: PROGRAMME, terms })?;
        if programme.budget.millionths() > 0 {
            let (funder, amount) = (name("Treasury"), programme.budget.of(currency));
            let fund = Action::FundProgramme { programme: PROGRAMME, funder, amount };
            self.desk.agree("the programme's money", fund)?;
        }
        if let Some(contracts) = self.contracts() {
            let terms = floor_terms(contracts);
            self.desk.agree("the floor", Action::SetFloor { floor: FLOOR, terms })?;
        }
        Ok(())
    }

    fn contracts(&self) -> Option<&'a Contracts> {
        match &self.policy.kind {
            Kind::Contracts(contracts) => Some(contracts),
            Kind::NoSupport | Kind::Intermediary(_) => None,
        }
    }

    /// The instant of an hour of a day of a month.
    fn at(&self, month: Month, day: u8, hour: u32) -> Result<Instant, PlayError<V::Error>> {
        let begins = Instant::at_midnight(month.year(), month.month(), day);
        begins.and_then(|at| at.plus_seconds(hour * HOUR)).ok_or(PlayError::NoDay(month))
    }

    /// The price that everybody knows when a month begins.
    fn known(&self, month: Month) -> Result<Price, PlayError<V::Error>> {
        self.path.known(month).ok_or(PlayError::NoPrice(month))
    }

    /// Takes events until one is what is waited for, and notes what the programme does on the way.
    fn until<T>(&mut self, mut wanted: impl FnMut(&Event) -> Option<T>) -> Result<T, PlayError<V::Error>> {
        loop {
            let event = self.desk.next_event()?;
            if let Event::ClaimsPaid { short, .. } = &event {
                self.outcome.unpaid = short.millionths.into();
            }
            if let Some(found) = wanted(&event) {
                return Ok(found);
            }
        }
    }

    /// What a producer can sell in some months from `month` on, at true cost, cheapest first; and how many lots there are of its whole
    /// capacity of a month.
    fn supply(&self, place: usize, month: Month, months: u8) -> Result<Vec<Part>, PlayError<V::Error>> {
        let maker = &self.makers[place];
        let stands = maker.stands_from.is_some_and(|from| from <= month);
        if !stands || self.outcome.producers[place].closed.is_some() {
            return Ok(Vec::new());
        }
        let origin = self.scenario.producers[place].origin;
        let banned = self.scenario.shocks.iter().filter(|shock| shock.covers(month));
        let lots = banned.fold(maker.party.lots, |lots, shock| match shock.kind {
            ShockKind::ExportBan { origin: of, share } if of == origin => less(lots, share.millionths()),
            _ => lots,
        });
        let committed = committed(&maker.sales, month, months);
        let lots = (lots * i64::from(months) - committed).max(0);
        let mut parts = maker.party.parts(lots, self.known(month)?);
        parts.sort_by_key(|part| part.limit);
        Ok(parts)
    }

    /// What a buyer wants in some months, at its true worth, dearest first.
    fn demand(&self, place: usize, month: Month, months: u8) -> Result<Vec<Part>, PlayError<V::Error>> {
        let taker = &self.takers[place];
        let dropped = self.scenario.shocks.iter().filter(|shock| shock.covers(month));
        let lots = dropped.fold(taker.party.lots, |lots, shock| match shock.kind {
            ShockKind::DemandDrop { share } => less(lots, share.millionths()),
            _ => lots,
        });
        let lots = (lots * i64::from(months) - committed(&taker.bought, month, months)).max(0);
        let mut parts = taker.party.parts(lots, self.known(month)?);
        parts.sort_by_key(|part| std::cmp::Reverse(part.limit));
        Ok(parts)
    }

    /// So many lots as a quantity.
    fn quantity(&self, lots: i64) -> Quantity {
        self.scenario.market.quantity(lots).expect("lots that are made or wanted are a quantity")
    }

    /// A quantity in lots.
    fn lots(&self, quantity: Quantity) -> i64 {
        quantity.millionths() / self.scenario.market.lot.millionths()
    }
}

impl Sale {
    /// What part of a number belongs to a month: all parts sum to the number.
    fn part(&self, whole: i128, month: Month) -> i128 {
        let before = i128::from(self.first.through(month)) - 1;
        let months = i128::from(self.months);
        if (0..months).contains(&before) {
            whole * (before + 1) / months - whole * before / months
        } else {
            0
        }
    }

    fn lots_of(&self, month: Month) -> i64 {
        i64::try_from(self.part(self.lots.into(), month)).expect("a part of the lots")
    }
}

/// What of earlier sales falls into some months.
fn committed(sales: &[Sale], month: Month, count: u8) -> i64 {
    let stretch = std::iter::successors(Some(month), |month| month.next()).take(count.into());
    stretch.map(|month| sales.iter().map(|sale| sale.lots_of(month)).sum::<i64>()).sum()
}

/// Lots less so many millionths of them, rounded down.
fn less(lots: i64, share: u32) -> i64 {
    let left = i128::from(lots) * (1_000_000 - i128::from(share)) / 1_000_000;
    i64::try_from(left).expect("a part of the lots")
}

fn floor_terms(contracts: &Contracts) -> FloorTerms {
    let Contracts { programme, payoff, strike, stress, calendar, measure, .. } = contracts;
    let contract = golv_engine::cfd::ContractTerms {
        calendar: *calendar,
        payoff: payoff.clone(),
        volume: golv_engine::cfd::VolumeRule { measure: *measure, ..Default::default() },
        ..golv_engine::cfd::ContractTerms::monthly_floor()
    };
    FloorTerms {
        market: MARKET,
        programme: PROGRAMME,
        index: INDEX,
        price: *strike,
        stress_price: *stress,
        first: programme.first,
        last: programme.last,
        origins: programme.origins.clone(),
        contract: Box::new(contract),
    }
}

fn name(text: &str) -> Name {
    text.parse().expect("a name of the play is short")
}
