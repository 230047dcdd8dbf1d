//! Scenarios: a market, who takes part and how they behave, what is done for them, and what goes wrong, as a file says it.
//!
//! The file's format is described in `docs/scenarios.md`. What is read here is checked in full: whatever can be played is
//! played, and what contradicts itself is refused with its line ([`ScenarioError`]).
//!
//! | to find … | look in |
//! |---|---|
//! | the file as it is written | `file.rs` |
//! | from the file to a scenario, and what is wrong with it | `read.rs` |
//! | numbers, ranges, ratios | `value.rs` |
//! | the scenarios that come with the project | `library.rs` |
//!
//! Deliberately absent: several materials in one scenario, which nothing would connect; a scenario has one market.

mod file;
mod library;
mod read;
#[cfg(test)]
mod tests;
mod value;

use golv_engine::cfd::{Measure, Payoff};
use golv_engine::digest::Digest;
use golv_engine::market::Market;
use golv_engine::money::Backing;
use golv_engine::num::{Amount, Price, Quantity, Share};
use golv_engine::text::{Country, Name};
use golv_engine::time::{Calendar, Month};

use crate::prices::{Fill, Series};

pub use library::{Ready, library};
pub use read::{Fault, ScenarioError};
pub use value::{Drawn, Millionths, ParseRatioError, Ratio};

/// A scenario.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Its heading.
    pub title: String,
    /// What it shows and what it cannot, in some sentences.
    pub summary: String,
    /// What everything is drawn from that is drawn.
    pub seed: u64,
    /// The market's terms.
    pub market: Market,
    /// How the market trades.
    pub trade: Trade,
    /// How often.
    pub every: Every,
    /// The first month that is played.
    pub first: Month,
    /// The last one.
    pub last: Month,
    /// What reference prices are made of.
    pub prices: PriceSource,
    /// The yearly rate that public cost is discounted at.
    pub discount_rate: Share,
    /// Who sells, by key.
    pub producers: Vec<Producer>,
    /// Who buys, by key.
    pub buyers: Vec<Buyer>,
    /// What is tried out, by key; never empty.
    pub policies: Vec<Policy>,
    /// What goes wrong, in the order of the file.
    pub shocks: Vec<Shock>,
    /// The SHA-256 of the file's text.
    pub hash: Digest,
}

/// How a market trades.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trade {
    /// By call auctions, at one price for all.
    Call,
    /// By rounds of bilateral matching.
    Rounds,
}

/// How often a market trades.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Every {
    /// On the first day of each month, for that month.
    Month,
    /// On the first day of each quarter.
    Quarter,
    /// On the first day of each year.
    Year,
}

impl Every {
    /// For how many months it trades at once.
    pub const fn months(self) -> u8 {
        match self {
            Self::Month => 1,
            Self::Quarter => 3,
            Self::Year => 12,
        }
    }
}

/// What reference prices are made of: a series, not converted yet.
#[derive(Clone, Debug)]
pub struct PriceSource {
    /// The series.
    pub series: Series,
    /// How its gaps are filled, if they are to be.
    pub fill: Option<Fill>,
}

/// A part of what somebody makes or wants, at a price of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The part of the whole.
    pub part: Share,
    /// The cost or the worth of a unit.
    pub at: At,
}

/// What a unit costs or is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// So much.
    Price(Drawn<Price>),
    /// So much of the last reference price: for who can trade elsewhere at it.
    Index(Drawn<Ratio>),
}

/// Who sells.
#[derive(Clone, Debug)]
pub struct Producer {
    /// Its key in the file.
    pub key: String,
    /// Its name.
    pub name: Name,
    /// Where its material comes from.
    pub origin: Country,
    /// Its beneficial owner; its own key where nothing else is said.
    pub owner: String,
    /// What it can make in a month.
    pub capacity: Drawn<Quantity>,
    /// What a unit costs it, cheapest first; the parts are the whole.
    pub costs: Vec<Step>,
    /// At what part of the known reference price it can sell elsewhere what it does not sell here; not at all where this is absent.
    pub elsewhere: Option<Ratio>,
    /// What it costs in a month whether it produces or not.
    pub fixed: Amount,
    /// What it can lose before it closes; it never closes where this is absent.
    pub reserves: Option<Amount>,
    /// How it bids.
    pub behaviour: Behaviour,
    /// What it must build first, if it does not stand yet.
    pub investment: Option<Investment>,
}

/// A plant that does not stand yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Investment {
    /// What it costs.
    pub capital: Amount,
    /// Over how many years that must be earned, in equal parts and without interest.
    pub years: u8,
    /// How many months it takes from the decision to the first month of production.
    pub build_months: u16,
}

/// Who buys.
#[derive(Clone, Debug)]
pub struct Buyer {
    /// Its key in the file.
    pub key: String,
    /// Its name.
    pub name: Name,
    /// What it wants in a month.
    pub demand: Drawn<Quantity>,
    /// What a unit is worth to it, dearest first; the parts are the whole.
    pub worth: Vec<Step>,
    /// How it bids.
    pub behaviour: Behaviour,
}

/// How somebody bids. What it costs or is worth is the *limit* here, of a producer less what support a delivery earns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// At the limit.
    Truthful,
    /// A producer asks limit × (1 + margin), a buyer bids limit × (1 − margin).
    Shaded {
        /// The margin.
        margin: Share,
    },
    /// Strategic, by the rule *last price*: after the first time a producer asks no less than (1 − step) × the last price, and
    /// (1 + step) × it if it sold all that it offered; a buyer the other way round. Never on the wrong side of the limit.
    LastPrice {
        /// The step.
        step: Share,
    },
    /// Strategic, by the rule *withhold*: a producer asks limit × ask for a part of its capacity, the dearest.
    Withhold {
        /// The part that it keeps back.
        keep: Share,
        /// How much dearer.
        ask: Ratio,
    },
    /// Strategic, by the rule *dump*: a producer asks no more than so much of the last reference price, whatever it costs.
    Dump {
        /// How much of it.
        ask: Ratio,
    },
}

/// What is done for producers.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Its key in the file.
    pub key: String,
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: Kind,
}

/// What a policy is.
#[derive(Clone, Debug)]
pub enum Kind {
    /// Nothing is done.
    NoSupport,
    /// Contracts for difference under a floor.
    Contracts(Box<Contracts>),
    /// A programme buys and sells again.
    Intermediary(Intermediary),
}

/// What each policy with money has.
#[derive(Clone, Debug)]
pub struct Programme {
    /// What it is funded with.
    pub budget: Amount,
    /// What happens when that is not enough.
    pub backing: Backing,
    /// The first month that it covers.
    pub first: Month,
    /// The last one.
    pub last: Month,
    /// Where supported material may come from; never empty.
    pub origins: Vec<Country>,
}

/// Contracts for difference.
#[derive(Clone, Debug)]
pub struct Contracts {
    /// The money behind them.
    pub programme: Programme,
    /// Which design they are.
    pub design: Design,
    /// What they pay.
    pub payoff: Payoff,
    /// The strike of what is granted, and the highest in an auction.
    pub strike: Price,
    /// The price down to which payments are reserved.
    pub stress: Price,
    /// The periods that they are settled by: months or quarters.
    pub calendar: Calendar,
    /// Which volume counts.
    pub measure: Measure,
    /// Who gets them.
    pub award: Award,
}

/// Designs of contracts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Design {
    /// The programme pays what the reference price lacks to the strike.
    Floor,
    /// And takes what it exceeds.
    TwoWay,
    /// And takes what it exceeds of a cap.
    Collar,
    /// And takes a share of what it exceeds of a threshold.
    UpsideShare,
}

/// Who gets contracts.
#[derive(Clone, Debug)]
pub enum Award {
    /// The lowest strikes in an auction in the month before the first: all are paid the highest one accepted.
    Auction {
        /// How much is supported at most in a period.
        volume: Quantity,
        /// The most that one country has of what is awarded.
        origin_cap: Option<Share>,
    },
    /// Named producers, so much a period each, by their place among the producers.
    Grants(Vec<(usize, Quantity)>),
}

/// A programme that buys long and sells short.
#[derive(Clone, Debug)]
pub struct Intermediary {
    /// The money behind it.
    pub programme: Programme,
    /// What it buys, for each month that it covers.
    pub volume: Quantity,
    /// It buys at no higher price.
    pub ceiling: Price,
    /// It sells at no lower price.
    pub worst_sale: Price,
}

/// Something that goes wrong for some months.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shock {
    /// What.
    pub kind: ShockKind,
    /// The first month.
    pub first: Month,
    /// The last month.
    pub last: Month,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShockKind {
    /// The reference price falls by a share, and producers of an origin ask no more than it.
    PriceWar {
        /// Whose producers.
        origin: Country,
        /// By how much.
        share: Share,
    },
    /// Producers of an origin can sell less by a share.
    ExportBan {
        /// Whose producers.
        origin: Country,
        /// By how much; the whole where nothing leaves the country.
        share: Share,
    },
    /// Buyers want less by a share.
    DemandDrop {
        /// By how much.
        share: Share,
    },
}

impl Shock {
    /// Whether a month lies in it.
    pub fn covers(&self, month: Month) -> bool {
        (self.first..=self.last).contains(&month)
    }
}

impl Policy {
    /// The programme behind it, if there is one.
    pub fn programme(&self) -> Option<&Programme> {
        match &self.kind {
            Kind::NoSupport => None,
            Kind::Contracts(contracts) => Some(&contracts.programme),
            Kind::Intermediary(intermediary) => Some(&intermediary.programme),
        }
    }
}

impl Scenario {
    /// The policy of that key.
    pub fn policy(&self, key: &str) -> Option<&Policy> {
        self.policies.iter().find(|policy| policy.key == key)
    }

    /// The policy that others are compared with: the one without support, or else the first.
    pub fn baseline(&self) -> &Policy {
        let none = self.policies.iter().find(|policy| matches!(policy.kind, Kind::NoSupport));
        none.or(self.policies.first()).expect("a scenario has a policy")
    }

    /// Currency and unit of prices, such as `USD/t`.
    pub fn price_unit(&self) -> String {
        format!("{}/{}", self.market.currency, self.market.unit.symbol())
    }
}
