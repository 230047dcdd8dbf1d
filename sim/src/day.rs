//! The market day that `golv demo` plays: a lithium support auction, a lithium call auction that is paid, and then
//! the entitlements' settlement month by month over the real price series. Between them gallium, which has one supplier, is
//! matched bilaterally ([`gallium`]). Beside it a small programme comes to its limit: claims
//! wait, and are made good when money comes.
//!
//! It is told once, here, as a director would tell it, and played on any [`Venue`]. Two operators set
//! everything up, each action proposed by one and confirmed by the other; twelve traders bid
//! ([`crate::traders`]); bids that are late, off the tick, on the wrong side or from an origin that the
//! floor does not support are tried too, and refused. Every command waits for its answer, so the same seed
//! makes the same journal.

pub mod gallium;

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use golv_engine::Answer;
use golv_engine::auction::{AuctionKind, AuctionResult, AuctionTerms};
use golv_engine::book::Side;
use golv_engine::cfd::{ContractTerms, IndexTerms, Observation, SettlementRun};
use golv_engine::clearing::{Allocation, Candidates, Criterion, Rule};
use golv_engine::command::{Action, Command, NewBid};
use golv_engine::event::Event;
use golv_engine::id::{
    AuctionId, BidId, CommandId, DataVersion, EntitlementId, FloorId, IdentityId, IndexId, MarketId,
    ParticipantId, ProgrammeId,
};
use golv_engine::market::{FloorTerms, Market, Unit};
use golv_engine::money::{Backing, ClearingTerms, Level, Pot, ProgrammeTerms};
use golv_engine::num::{Currency, Money, Price, Quantity, Share};
use golv_engine::participant::Role;
use golv_engine::reject::Reject;
use golv_engine::text::Name;
use golv_engine::time::{Instant, Month};

use crate::desk::{Desk, DeskError};
use crate::prices::Series;
use crate::traders::{Business, Trader, traders};
use crate::venue::Venue;

pub use crate::desk::{AUDITOR, OPERATORS, PUBLISHER, founding};

const MARKET: MarketId = MarketId(1);
const INDEX: IndexId = IndexId(1);
const PROGRAMME: ProgrammeId = ProgrammeId(1);
const FLOOR: FloorId = FloorId(1);
/// A small programme that comes to its limit.
const SMALL_PROGRAMME: ProgrammeId = ProgrammeId(2);
const SMALL_FLOOR: FloorId = FloorId(2);
const SUPPORT_AUCTION: AuctionId = AuctionId(1);
const CALL_AUCTION: AuctionId = AuctionId(2);

const TICK_USD: i64 = 10;
const FLOOR_USD: i64 = 105_000;
const STRESS_USD: i64 = 60_000;
const SUPPORTED_TONNES: u32 = 120;
const FUNDED_USD: i64 = 450_000_000;
/// The small programme reserves down to a price that the market will fall far below.
const SMALL_FLOOR_USD: i64 = 95_000;
const SMALL_STRESS_USD: i64 = 90_000;
const SMALL_FUNDED_USD: i64 = 5_250_000;
/// What its funder adds when it is told that claims wait.
const SMALL_ADDED_USD: i64 = 300_000;
const HOUR: u32 = 3_600;
const DAY: u32 = 24 * HOUR;

/// A market day in progress.
pub struct MarketDay<V> {
    desk: Desk<V>,
    seed: u64,
    traders: Vec<Trader>,
    series: Series,
    refusals: Vec<Refusal>,
    small: Vec<SmallMonth>,
    /// What was told of the small programme since its last month.
    told: Vec<Event>,
}

/// A month of the programme that comes to its limit.
#[derive(Clone, Copy, Debug)]
pub struct SmallMonth {
    /// Its run.
    pub month: Month,
    /// What the run came to.
    pub due: Money,
    /// What the programme paid by its end, of this month and of those before.
    pub paid: Money,
    /// What waits for money.
    pub waits: Money,
    /// Where it came to, if it crossed 80 or 100 % of what it was funded with.
    pub level: Option<Level>,
    /// What its funder added after it.
    pub added: Option<Money>,
}

/// A command that was refused.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// Who tried.
    pub trader: &'static str,
    /// What was tried.
    pub tried: String,
    /// Why it was refused.
    pub reason: Reject,
}

/// An auction that was played to its end.
#[derive(Clone, Debug)]
pub struct Played {
    /// What was offered, as it stood at the close.
    pub supply: Vec<(Price, Quantity)>,
    /// What was wanted, as it stood at the close.
    pub demand: Vec<(Price, Quantity)>,
    /// The result.
    pub result: AuctionResult,
}

/// An entitlement that was won.
#[derive(Clone, Copy, Debug)]
pub struct Won {
    /// The entitlement.
    pub entitlement: EntitlementId,
    /// Who won it.
    pub holder: ParticipantId,
    /// Its strike.
    pub strike: Price,
    /// Its volume of a month.
    pub per_period: Quantity,
    /// What the programme reserved for it.
    pub reserved: Money,
}

/// Why a market day could not go on.
#[derive(Debug, thiserror::Error)]
pub enum DayError<E> {
    /// The venue failed, or refused a command that the day cannot do without.
    #[error(transparent)]
    Desk(#[from] DeskError<E>),
    /// The series lacks a month.
    #[error("the price series has no price of {0}")]
    NoPrice(Month),
}

/// When the day begins: the stamp of the founding command.
pub fn start() -> Instant {
    instant(2018, 11, 5, 9)
}

/// The months that the floor covers: to the end of the price series.
pub fn months() -> (Month, Month) {
    (month(2019, 1), month(2025, 9))
}

/// The floor's price: no strike is higher.
pub fn floor_price() -> Price {
    dollars(FLOOR_USD)
}

/// What the programme is funded with.
pub fn funded() -> Money {
    Money { currency: Currency::Usd, millionths: dollars(FUNDED_USD).millionths() }
}

/// What the small programme is funded with at first.
pub fn small_funded() -> Money {
    Money { currency: Currency::Usd, millionths: dollars(SMALL_FUNDED_USD).millionths() }
}

/// The strike of the contracts under the small programme.
pub fn small_strike() -> Price {
    dollars(SMALL_FLOOR_USD)
}

/// The market's terms.
pub fn market() -> Market {
    Market {
        name: name("Lithium metal, 99 %, battery grade"),
        unit: Unit::Tonne,
        currency: Currency::Usd,
        lot: tonnes(1),
        tick: dollars(TICK_USD),
        lowest: dollars(20_000),
        highest: dollars(600_000),
        largest: tonnes(1_000),
    }
}

/// How the support auction is cleared: the last accepted offer is the strike of all.
fn support_rule() -> Rule {
    let cascade = vec![Criterion::MostVolume, Criterion::LastAcceptedOffer];
    Rule::new(Candidates::Limits, cascade, Allocation::ProRata)
}

/// How the call auction is cleared: by the cascade of Xetra's auctions, and pro rata at the margin.
fn call_rule(reference: Price) -> Rule {
    let cascade =
        vec![Criterion::MostVolume, Criterion::LeastSurplus, Criterion::SurplusSide, Criterion::Reference];
    let rule = Rule::new(Candidates::Limits, cascade, Allocation::ProRata);
    Rule { reference_price: Some(reference), ..rule }
}

impl<V: Venue> MarketDay<V> {
    /// A market day on a venue that was founded with [`founding`] at [`start`].
    pub fn new(venue: V, seed: u64) -> Self {
        let series = Series::lithium_metal();
        Self {
            desk: Desk::new(venue),
            seed,
            traders: traders(seed),
            series,
            refusals: Vec::new(),
            small: Vec::new(),
            told: Vec::new(),
        }
    }

    /// The traders.
    pub fn traders(&self) -> &[Trader] {
        &self.traders
    }

    /// What was refused so far.
    pub fn refusals(&self) -> &[Refusal] {
        &self.refusals
    }

    /// The months of the programme that comes to its limit, so far.
    pub fn small_programme(&self) -> &[SmallMonth] {
        &self.small
    }

    /// Ends the day and gives the venue back.
    pub fn into_venue(self) -> V {
        self.desk.into_venue()
    }

    /// Admits everybody, defines the market, its index, programme and floor, and announces both auctions.
    ///
    /// # Errors
    /// If the venue fails, or refuses what the day cannot do without.
    pub fn prepare(&mut self) -> Result<(), DayError<V::Error>> {
        self.admit(PUBLISHER, "Index publisher", &[Role::Publisher])?;
        self.admit(AUDITOR, "Court of auditors", &[Role::Auditor])?;
        for trader in self.traders.clone() {
            let role = match trader.business {
                Business::Supplier { .. } => Role::Supplier,
                Business::Buyer => Role::Buyer,
            };
            self.admit(trader.id, trader.name, &[role])?;
        }
        self.agree("the market", Action::DefineMarket { market: MARKET, terms: market() })?;
        let publisher = ParticipantId(PUBLISHER);
        let terms = IndexTerms {
            name: name("IMF lithium metal, monthly"),
            currency: Some(Currency::Usd),
            publisher,
            guard: None,
        };
        self.agree("the index", Action::DefineIndex { index: INDEX, terms })?;
        let terms = ProgrammeTerms {
            name: name("Floor for battery metals"),
            currency: Currency::Usd,
            backing: Backing::Capped,
        };
        let open = Action::OpenProgramme { programme: PROGRAMME, terms };
        self.agree("the programme", open)?;
        let fund = Action::FundProgramme { programme: PROGRAMME, funder: name("Treasury"), amount: funded() };
        self.agree("the programme's money", fund)?;
        let (first, last) = months();
        let origins = ["AT", "CL", "CZ", "DE", "ES", "FI", "FR", "PT"];
        let terms = FloorTerms {
            market: MARKET,
            programme: PROGRAMME,
            index: INDEX,
            price: floor_price(),
            stress_price: dollars(STRESS_USD),
            first,
            last,
            origins: origins.iter().map(|code| code.parse().expect("two capital letters")).collect(),
            contract: Box::new(ContractTerms::monthly_floor()),
        };
        self.agree("the floor", Action::SetFloor { floor: FLOOR, terms: terms.clone() })?;
        self.open_small_programme(terms)?;
        let terms = ClearingTerms {
            holidays: Vec::new(),
            due_days: 2,
            notice_days: 1,
            debt_cover: Share::NONE,
            contract_cover_days: 0,
            waterfall: Pot::STANDARD.into(),
        };
        self.agree(
            "the clearing terms",
            Action::SetClearingTerms { currency: Currency::Usd, terms: Box::new(terms) },
        )?;
        let per_period = tonnes(SUPPORTED_TONNES);
        let support = AuctionTerms {
            kind: AuctionKind::Support { floor: FLOOR, per_period },
            opens_at: instant(2018, 11, 12, 8),
            closes_at: instant(2018, 11, 16, 16),
            challenge_seconds: seconds(3 * DAY),
            rule: support_rule().into(),
            draw_commitment: None,
        };
        self.agree(
            "the support auction",
            Action::AnnounceAuction { auction: SUPPORT_AUCTION, terms: support },
        )
    }

    /// Opens a second programme with too little money for what is to come, and grants two suppliers contracts under it.
    fn open_small_programme(&mut self, like: FloorTerms) -> Result<(), DayError<V::Error>> {
        let terms = ProgrammeTerms {
            name: name("Floor for first deliveries"),
            currency: Currency::Usd,
            backing: Backing::Capped,
        };
        self.agree("the small programme", Action::OpenProgramme { programme: SMALL_PROGRAMME, terms })?;
        let (funder, amount) = (name("Regions"), small_funded());
        let fund = Action::FundProgramme { programme: SMALL_PROGRAMME, funder, amount };
        self.agree("the small programme's money", fund)?;
        let terms = FloorTerms {
            programme: SMALL_PROGRAMME,
            price: small_strike(),
            stress_price: dollars(SMALL_STRESS_USD),
            ..like
        };
        self.agree("the small programme's floor", Action::SetFloor { floor: SMALL_FLOOR, terms })?;
        for (country, per_month) in [("FI", 6), ("PT", 4)] {
            let (holder, per_period) = (self.trader(country).participant(), tonnes(per_month));
            let grant = Action::GrantEntitlement { floor: SMALL_FLOOR, holder, per_period };
            self.agree("a grant under the small programme", grant)?;
        }
        Ok(())
    }

    /// Plays the support auction to its end: suppliers offer strikes, the lowest win entitlements.
    ///
    /// # Errors
    /// If the venue fails, or refuses what the day cannot do without.
    pub fn support_auction(&mut self) -> Result<(Played, Vec<Won>), DayError<V::Error>> {
        self.set_clock(instant(2018, 11, 13, 10))?;
        let mut book = BTreeMap::new();
        let wrong_side = NewBid {
            side: Side::Buy,
            price: Some(dollars(95_000)),
            quantity: tonnes(20),
            origin: None,
            details: None,
        };
        self.bid(&mut book, SUPPORT_AUCTION, &self.trader("IT"), wrong_side)?;
        for trader in self.traders.clone() {
            let Some((price, quantity)) = trader.support_offer(self.seed, TICK_USD) else { continue };
            let origin = Some(trader.country.parse().expect("the table holds country codes"));
            let bid = NewBid { side: Side::Sell, price: Some(price), quantity, origin, details: None };
            if trader.country == "DE" {
                // Mistyped at first, and sent again as it should be.
                let half_tick =
                    Price::from_millionths(price.millionths() + dollars(TICK_USD).millionths() / 2);
                self.bid(&mut book, SUPPORT_AUCTION, &trader, NewBid { price: Some(half_tick), ..bid })?;
            }
            self.bid(&mut book, SUPPORT_AUCTION, &trader, bid)?;
        }
        self.set_clock(instant(2018, 11, 16, 17))?;
        let mut played = self.clear(SUPPORT_AUCTION, book)?;
        played.demand.push((floor_price(), tonnes(SUPPORTED_TONNES)));
        self.set_clock(instant(2018, 11, 20, 9))?;
        let mut won = Vec::new();
        while won.len() < played.result.fills.len() {
            won.push(self.until(|event| match *event {
                Event::EntitlementGranted { entitlement, terms } => Some(Won {
                    entitlement,
                    holder: terms.holder,
                    strike: terms.strike,
                    per_period: terms.per_period,
                    reserved: terms.reserved,
                }),
                _ => None,
            })?);
        }
        Ok((played, won))
    }

    /// Plays the call auction to its end: buyers and suppliers bid, and one price clears the market.
    ///
    /// # Errors
    /// If the venue fails, or refuses what the day cannot do without.
    pub fn call_auction(&mut self) -> Result<Played, DayError<V::Error>> {
        self.set_clock(instant(2018, 12, 1, 9))?;
        let november = month(2018, 11);
        let (index, _) = self.publish(november)?;
        let market = market();
        let dollars_of = |price: Price| price.millionths() / dollars(1).millionths();
        let index_usd = dollars_of(index) / TICK_USD * TICK_USD;
        let terms = AuctionTerms {
            kind: AuctionKind::Call { market: MARKET, stock: None },
            opens_at: instant(2018, 12, 3, 8),
            closes_at: instant(2018, 12, 3, 12),
            challenge_seconds: seconds(DAY),
            rule: call_rule(dollars(index_usd)).into(),
            draw_commitment: None,
        };
        self.agree("the call auction", Action::AnnounceAuction { auction: CALL_AUCTION, terms })?;
        self.set_clock(instant(2018, 12, 3, 9))?;
        let mut book = BTreeMap::new();
        let (seller, buyer, late_buyer) = (self.trader("FI"), self.trader("SE"), self.trader("ES"));
        let offer_to_buy = NewBid {
            side: Side::Buy,
            price: Some(dollars(index_usd)),
            quantity: tonnes(10),
            origin: None,
            details: None,
        };
        self.bid(&mut book, CALL_AUCTION, &seller, offer_to_buy)?;
        for trader in self.traders.clone() {
            for bid in trader.call_bids(self.seed, index_usd, TICK_USD) {
                self.bid(&mut book, CALL_AUCTION, &trader, bid)?;
            }
        }
        // One buyer bids higher for its first part, and one supplier takes its last part back.
        let of = |trader: &Trader, book: &BTreeMap<BidId, NewBid>| -> Vec<(BidId, NewBid)> {
            book.iter()
                .filter(|(id, _)| id.identity == trader.identity())
                .map(|(&id, &bid)| (id, bid))
                .collect()
        };
        if let [(bid, old), ..] = of(&buyer, &book)[..] {
            let raised =
                |price: Price| Price::from_millionths(price.millionths() + 50 * market.tick.millionths());
            let (price, quantity) = (old.price.map(raised), old.quantity);
            let command = Command::ReplaceBid { auction: CALL_AUCTION, bid, price, quantity };
            self.done("a replacement", buyer.identity(), command)?;
            book.insert(bid, NewBid { price, ..old });
        }
        if let [.., (bid, _)] = of(&seller, &book)[..] {
            let command = Command::WithdrawBid { auction: CALL_AUCTION, bid };
            self.done("a withdrawal", seller.identity(), command)?;
            book.remove(&bid);
        }
        self.set_clock(instant(2018, 12, 3, 12))?;
        let late = NewBid {
            side: Side::Buy,
            price: Some(dollars(index_usd)),
            quantity: tonnes(25),
            origin: None,
            details: None,
        };
        self.bid(&mut book, CALL_AUCTION, &late_buyer, late)?;
        let played = self.clear(CALL_AUCTION, book)?;
        self.set_clock(instant(2018, 12, 5, 9))?;
        self.until(|event| match event {
            Event::AuctionFinalised { auction: CALL_AUCTION } => Some(()),
            _ => None,
        })?;
        self.pay(&played)?;
        Ok(played)
    }

    /// Publishes a month's reference price and settles the floor on it, ten days after the month.
    ///
    /// # Errors
    /// If the venue fails, or refuses what the day cannot do without.
    pub fn settle(&mut self, month: Month) -> Result<SettlementRun, DayError<V::Error>> {
        let ends = month.end().ok_or(DayError::NoPrice(month))?;
        self.set_clock(later(ends, 10 * DAY + 9 * HOUR))?;
        let (_, version) = self.publish(month)?;
        let period = month.first_day();
        self.agree("a settlement run", Action::Settle { floor: FLOOR, period, version })?;
        let completed = |event: &Event, of: FloorId| match event {
            Event::SettlementRunCompleted { run } if run.floor == of => Some(run.clone()),
            _ => None,
        };
        let run = self.until(|event| completed(event, FLOOR))?;
        self.agree("a run of the small programme", Action::Settle { floor: SMALL_FLOOR, period, version })?;
        let small = self.until(|event| completed(event, SMALL_FLOOR))?;
        self.note_small_month(month, &small)?;
        Ok(run)
    }

    /// Notes how the small programme came out of a month. Its funder adds some money the first time that as much as that waits.
    fn note_small_month(&mut self, month: Month, run: &SettlementRun) -> Result<(), DayError<V::Error>> {
        let nothing = Money::zero(Currency::Usd);
        let mut noted =
            SmallMonth { month, due: run.posted, paid: nothing, waits: nothing, level: None, added: None };
        noted.waits = self.small.last().map_or(nothing, |before| before.waits);
        for event in std::mem::take(&mut self.told) {
            match event {
                Event::ClaimsPaid { paid, short, .. } => {
                    noted.paid = noted.paid.checked_add(paid).expect("some millions");
                    noted.waits = short;
                }
                // It is told after the run that it comes of.
                Event::ProgrammeLevel { level, .. } => {
                    if let Some(before) = self.small.last_mut() {
                        before.level = Some(level);
                    }
                }
                _ => {}
            }
        }
        let added = Money { currency: Currency::Usd, millionths: dollars(SMALL_ADDED_USD).millionths() };
        let is_first = self.small.iter().all(|before| before.added.is_none());
        if is_first && noted.waits.millionths >= added.millionths {
            // Full: nothing new is granted, and it says so.
            let (trader, per_period) = (self.trader("PT"), tonnes(1));
            let holder = trader.participant();
            let grant = Action::GrantEntitlement { floor: SMALL_FLOOR, holder, per_period };
            let (_, answer) = self.send(OPERATORS[0], Command::Propose { action: grant })?;
            if let Err(reason) = answer.outcome {
                let tried = "another grant by a programme at its limit".to_owned();
                self.refusals.push(Refusal { trader: "Centre", tried, reason });
            }
            let fund =
                Action::FundProgramme { programme: SMALL_PROGRAMME, funder: name("Regions"), amount: added };
            self.agree("more money for the small programme", fund)?;
            noted.added = Some(added);
            let (paid, short) = self.until(|event| match event {
                Event::ClaimsPaid { programme: SMALL_PROGRAMME, paid, short, .. } => Some((*paid, *short)),
                _ => None,
            })?;
            noted.paid = noted.paid.checked_add(paid).expect("some millions");
            noted.waits = short;
            self.told.clear();
        }
        self.small.push(noted);
        Ok(())
    }

    /// Buyers pay what they owe for the call auction, and suppliers are paid out what that lets them have on the due date.
    fn pay(&mut self, played: &Played) -> Result<(), DayError<V::Error>> {
        let paid = |played: &Played, side: Side| -> Vec<(ParticipantId, Money)> {
            let mut sums = BTreeMap::<ParticipantId, i64>::new();
            for fill in played.result.fills.iter().filter(|fill| fill.side == side) {
                let rounded = fill.price.times(fill.quantity, Currency::Usd).expect("within the market");
                *sums.entry(fill.participant).or_default() += rounded.amount.millionths;
            }
            let money = |millionths| Money { currency: Currency::Usd, millionths };
            sums.into_iter().map(|(participant, sum)| (participant, money(sum))).collect()
        };
        for (buyer, amount) in paid(played, Side::Buy) {
            let action = Action::TakePayment { participant: Some(buyer), amount };
            self.agree("a buyer's payment", action)?;
        }
        self.set_clock(instant(2018, 12, 8, 9))?;
        for (supplier, amount) in paid(played, Side::Sell) {
            let action = Action::PayOut { participant: Some(supplier), amount };
            self.agree("a supplier's payment", action)?;
        }
        Ok(())
    }

    /// The trader from a country that has one trader alone.
    fn trader(&self, country: &str) -> Trader {
        let found = self.traders.iter().find(|trader| trader.country == country);
        found.cloned().expect("the day names countries of its traders")
    }

    /// Publishes a month's price; tells it, and which version of the data it is.
    fn publish(&mut self, month: Month) -> Result<(Price, DataVersion), DayError<V::Error>> {
        let price = self.series.price(month).ok_or(DayError::NoPrice(month))?;
        let source = Some(name("IMF, Primary Commodity Price System"));
        let (day, observation) = (month.last_day(), Observation { price, volume: None, source });
        let command = Command::PublishReferencePrice { index: INDEX, day, observation };
        self.done("a reference price", IdentityId(PUBLISHER), command)?;
        let version = self.until(|event| match event {
            Event::ReferencePricePublished { version, .. } => Some(*version),
            _ => None,
        })?;
        Ok((price, version))
    }

    fn admit(&mut self, id: u32, label: &str, roles: &[Role]) -> Result<(), DayError<V::Error>> {
        Ok(self.desk.admit(id, name(label), roles)?)
    }

    /// One operator proposes and the other confirms.
    fn agree(&mut self, what: &str, action: Action) -> Result<(), DayError<V::Error>> {
        Ok(self.desk.agree(what, action)?)
    }

    fn set_clock(&mut self, to: Instant) -> Result<(), DayError<V::Error>> {
        Ok(self.desk.set_clock(to)?)
    }

    /// Places a trader's bid: it stands in `book` after, or its refusal is noted.
    fn bid(
        &mut self,
        book: &mut BTreeMap<BidId, NewBid>,
        auction: AuctionId,
        trader: &Trader,
        bid: NewBid,
    ) -> Result<(), DayError<V::Error>> {
        let (command, answer) = self.send(trader.identity(), Command::PlaceBid { auction, bid })?;
        match answer.outcome {
            Ok(()) => {
                book.insert(BidId { identity: trader.identity(), command }, bid);
            }
            Err(reason) => {
                let verb = match bid.side {
                    Side::Buy => "buy",
                    Side::Sell => "sell",
                };
                let kind = if auction == SUPPORT_AUCTION { "support" } else { "call" };
                let limit = bid.price.map_or("any price".to_owned(), |price| format!("{price} USD/t"));
                let tried = format!("{kind} auction: {verb} {} t at {limit}", bid.quantity);
                self.refusals.push(Refusal { trader: trader.name, tried, reason });
            }
        }
        Ok(())
    }

    fn clear(
        &mut self,
        auction: AuctionId,
        book: BTreeMap<BidId, NewBid>,
    ) -> Result<Played, DayError<V::Error>> {
        self.done("clearing", OPERATORS[0], Command::ClearAuction { auction, secret: None })?;
        let result = self.until(|event| match event {
            Event::AuctionCleared { auction: cleared, result, .. } if *cleared == auction => {
                Some(result.clone())
            }
            _ => None,
        })?;
        // All traders of the day name limits.
        let limits = |bid: &NewBid| Some((bid.price?, bid.quantity));
        let side = |side: Side| book.values().filter(|bid| bid.side == side).filter_map(limits).collect();
        Ok(Played { supply: side(Side::Sell), demand: side(Side::Buy), result })
    }

    /// Takes events until one is what is waited for.
    fn until<T>(&mut self, mut wanted: impl FnMut(&Event) -> Option<T>) -> Result<T, DayError<V::Error>> {
        loop {
            let event = self.desk.next_event()?;
            if let Event::ClaimsPaid { programme: SMALL_PROGRAMME, .. }
            | Event::ProgrammeLevel { programme: SMALL_PROGRAMME, .. } = event
            {
                self.told.push(event.clone());
            }
            if let Some(found) = wanted(&event) {
                return Ok(found);
            }
        }
    }

    /// Sends a command that must be accepted.
    fn done(
        &mut self,
        what: &str,
        sender: IdentityId,
        command: Command,
    ) -> Result<CommandId, DayError<V::Error>> {
        Ok(self.desk.done(what, sender, command)?)
    }

    fn send(
        &mut self,
        sender: IdentityId,
        command: Command,
    ) -> Result<(CommandId, Answer), DayError<V::Error>> {
        Ok(self.desk.send(sender, command)?)
    }
}

fn name(text: &str) -> Name {
    text.parse().expect("the day's names are short")
}

fn month(year: i32, month: u8) -> Month {
    Month::new(year, month).expect("the day's months exist")
}

fn instant(year: i32, month: u8, day: u8, hour: u32) -> Instant {
    later(Instant::at_midnight(year, month, day).expect("the day's dates exist"), hour * HOUR)
}

fn later(at: Instant, seconds: u32) -> Instant {
    at.plus_seconds(seconds).expect("the day ends before 2262")
}

fn seconds(seconds: u32) -> NonZeroU32 {
    NonZeroU32::new(seconds).expect("the day's periods are positive")
}

fn dollars(units: i64) -> Price {
    Price::from_units(units).expect("the day's prices are some hundred thousand")
}

fn tonnes(units: u32) -> Quantity {
    Quantity::from_units(units).expect("the day's quantities are some hundred")
}
