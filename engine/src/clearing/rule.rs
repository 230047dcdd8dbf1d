//! A rule of a call auction, as data: which prices are candidates, by which criteria one is chosen, inside
//! which bounds, and who gets what at the margin.
//!
//! A rule can stand in a text file: every field has one name, numbers are decimal texts, and a name that is not known is
//! an error. The files in `engine/rules` are such rules, most named after the venue whose rule book they follow.
//! Reading a file is the caller's part; [`Rule::check`] says whether what was read makes sense.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::Reason;
use super::curve::round_to_step;
use crate::num::{ParseNumberError, Price, Quantity, Share};

/// How a price is found and a volume is shared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Rule {
    /// Which prices are looked at.
    pub candidates: Candidates,
    /// The criteria, in order; each keeps the candidates that it finds best, until one price is left.
    pub cascade: Vec<Criterion>,
    /// Who gets what where not everybody can be filled.
    pub allocation: Allocation,
    /// Who pays which price.
    #[serde(default)]
    pub payment: Payment,
    /// The price that `reference` and `pressure` look to, and the price where all orders are market orders. The
    /// midpoint of the quote where it is absent and there is a quote.
    #[serde(default, with = "crate::human::optional")]
    pub reference_price: Option<Price>,
    /// Prices of orders and the clearing price are whole multiples of it; one millionth where it is absent.
    #[serde(default, with = "crate::human::optional")]
    pub tick: Option<Price>,
    /// How a price that lies between two ticks (or two millionths) is rounded.
    #[serde(default)]
    pub rounding: Rounding,
    /// Quantities are whole multiples of it; one millionth where it is absent.
    #[serde(default, with = "crate::human::optional")]
    pub lot: Option<Quantity>,
    /// `round-up`: what everybody at the margin gets at least. `quantity-priority`: what each gets first. One lot where it
    /// is absent; the other allocations do not look at it.
    #[serde(default, with = "crate::human::optional")]
    pub minimum: Option<Quantity>,
    /// How far `pressure` may move the price from the reference, as a share of it; any distance where it is absent.
    #[serde(default, with = "crate::human::optional")]
    pub band: Option<Share>,
    /// No trade below it.
    #[serde(default, with = "crate::human::optional")]
    pub floor: Option<Price>,
    /// No trade above it.
    #[serde(default, with = "crate::human::optional")]
    pub ceiling: Option<Price>,
    /// A market maker's quote, or the best prices elsewhere: no trade outside it.
    #[serde(default, with = "crate::human::optional")]
    pub quote: Option<Quote>,
}

/// Which prices are candidates. Bounds are candidates too, whichever it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Candidates {
    /// The orders' limits alone.
    Limits,
    /// Every tick, also beyond the limits.
    Ticks,
    /// Every price, that is every whole millionth.
    Interval,
}

/// A criterion of the cascade.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Criterion {
    /// The most volume.
    MostVolume,
    /// The least surplus, whichever side it is on.
    LeastSurplus,
    /// If all have more demand than supply, the highest; if all have more supply, the lowest; else no change.
    SurplusSide,
    /// As `surplus-side`, but no further from the reference than the band, or else as near to that as there is.
    Pressure,
    /// The nearest to the reference, of two equally near ones the higher. No change without a reference.
    Reference,
    /// Half way between the lowest and the highest, rounded; it need not be a candidate. No change if one end is unbounded.
    Midpoint,
    /// The highest, if there is one.
    Highest,
    /// The lowest, if there is one.
    Lowest,
    /// The highest accepted limit of a sell order; where no accepted sell order has a limit, the lowest accepted limit of a
    /// buy order; no change where that has none either. With `interval` it is then moved into the equilibrium.
    LastAcceptedOffer,
}

/// Who gets what of a volume that is smaller than what a side wants. Better prices always come first, market orders
/// before all; these differ in what they do among orders of one price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Allocation {
    /// The earlier order first.
    PriceTime,
    /// In proportion to quantity, in whole lots by largest remainders, ties to the lower id.
    ProRata,
    /// The rule's `minimum` to each, then half of what each lacks, then the rest: the larger order first, then the earlier.
    QuantityPriority,
    /// A percentage rounded up to hundredths, each award rounded up to a whole lot and to the rule's `minimum`. More can
    /// be given than there is.
    RoundUp,
    /// In proportion, but who would get less than its minimum gets nothing: of those, the one whose minimum is the
    /// largest part of its quantity leaves first (ties: the higher id), and the rest share again.
    MinimumFill,
    /// In the order of SHA-256(seed ‖ id).
    SeededDraw,
}

/// Who pays which price.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Payment {
    /// Everybody trades at the clearing price.
    #[default]
    OnePrice,
    /// Everybody trades at its own limit, market orders at the clearing price.
    OwnPrice,
}

/// What becomes of a price between two steps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rounding {
    /// The higher step.
    Up,
    /// The lower step.
    Down,
    /// The nearest, from half way the higher.
    #[default]
    HalfUp,
    /// The nearest, from half way the lower.
    HalfDown,
    /// The nearest, from half way the one that is an even number of steps.
    HalfEven,
}

/// A bid and an ask, in text `BID:ASK`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quote {
    /// The lowest price of a trade.
    pub bid: Price,
    /// The highest price of a trade.
    pub ask: Price,
}

/// Why a rule makes no sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// Nothing would ever choose a price.
    #[error("the cascade is empty; it needs at least one criterion, such as most-volume")]
    CascadeEmpty,
    /// A second time cannot change anything.
    #[error("the cascade names {0} twice")]
    CriterionTwice(Criterion),
    /// A tick is a step.
    #[error("the tick is {0}; it must be above zero")]
    TickNotPositive(Price),
    /// A lot is a step.
    #[error("the lot must be above zero")]
    LotZero,
    /// What everybody gets at least could not be given.
    #[error("the minimum {minimum} is not a positive whole multiple of the lot {lot}")]
    MinimumOffLot {
        /// The rule's minimum.
        minimum: Quantity,
        /// The rule's lot.
        lot: Quantity,
    },
    /// A trade at the bound would be off the tick.
    #[error("the bound {bound} is not a whole multiple of the tick {tick}")]
    BoundOffTick {
        /// A floor, a ceiling, or a side of the quote.
        bound: Price,
        /// The rule's tick.
        tick: Price,
    },
    /// No price is inside.
    #[error(
        "no price is at or above {lowest} and at or below {highest}; floor, ceiling and quote exclude each other"
    )]
    BoundsCrossed {
        /// The highest of the lower bounds.
        lowest: Price,
        /// The lowest of the upper bounds.
        highest: Price,
    },
}

impl Rule {
    /// A rule at one price, without a reference or bounds.
    pub const fn new(candidates: Candidates, cascade: Vec<Criterion>, allocation: Allocation) -> Self {
        Self {
            candidates,
            cascade,
            allocation,
            payment: Payment::OnePrice,
            reference_price: None,
            tick: None,
            rounding: Rounding::HalfUp,
            lot: None,
            minimum: None,
            band: None,
            floor: None,
            ceiling: None,
            quote: None,
        }
    }

    /// Refuses a rule that makes no sense, saying what would.
    pub fn check(&self) -> Result<(), RuleError> {
        if self.cascade.is_empty() {
            return Err(RuleError::CascadeEmpty);
        }
        let mut seen: Vec<Criterion> = Vec::with_capacity(self.cascade.len());
        for &criterion in &self.cascade {
            if seen.contains(&criterion) {
                return Err(RuleError::CriterionTwice(criterion));
            }
            seen.push(criterion);
        }
        if let Some(tick) = self.tick.filter(|tick| *tick <= Price::ZERO) {
            return Err(RuleError::TickNotPositive(tick));
        }
        if self.lot.is_some_and(Quantity::is_zero) {
            return Err(RuleError::LotZero);
        }
        let lot = self.lot_or_smallest();
        if let Some(minimum) = self.minimum.filter(|minimum| minimum.is_zero() || !minimum.is_in(lot)) {
            return Err(RuleError::MinimumOffLot { minimum, lot });
        }
        if let Some(tick) = self.tick {
            let quote = self.quote.map(|quote| [quote.bid, quote.ask]);
            let bounds = self.floor.into_iter().chain(self.ceiling).chain(quote.into_iter().flatten());
            if let Some(bound) = bounds.into_iter().find(|bound| !bound.is_on(tick)) {
                return Err(RuleError::BoundOffTick { bound, tick });
            }
        }
        match (self.lowest_price(), self.highest_price()) {
            (Some(lowest), Some(highest)) if lowest > highest => {
                Err(RuleError::BoundsCrossed { lowest, highest })
            }
            _ => Ok(()),
        }
    }

    /// The lowest price at which the rule lets trade, if there is one.
    pub fn lowest_price(&self) -> Option<Price> {
        self.floor.into_iter().chain(self.quote.map(|quote| quote.bid)).max()
    }

    /// The highest price at which the rule lets trade, if there is one.
    pub fn highest_price(&self) -> Option<Price> {
        self.ceiling.into_iter().chain(self.quote.map(|quote| quote.ask)).min()
    }

    /// The reference price, or the midpoint of the quote, rounded by the rule's rounding.
    pub fn reference(&self) -> Option<Price> {
        let middle = |quote: Quote| {
            let sum = i128::from(quote.bid.millionths()).saturating_add(i128::from(quote.ask.millionths()));
            Price::from_millionths(round_to_step(sum, 2, 1, self.rounding))
        };
        self.reference_price.or_else(|| self.quote.map(middle))
    }

    pub(super) fn lot_or_smallest(&self) -> Quantity {
        // The smallest positive quantity; the fallback cannot happen.
        self.lot.or_else(|| Quantity::from_millionths(1)).unwrap_or(Quantity::ZERO)
    }
}

/// Why a text is not a quote.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseQuoteError {
    /// No colon.
    #[error("'{0}' is not a quote; write BID:ASK, such as 99.5:100.5")]
    NoColon(String),
    /// A side is not a price.
    #[error(transparent)]
    Number(#[from] ParseNumberError),
}

impl FromStr for Quote {
    type Err = ParseQuoteError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (bid, ask) = text.split_once(':').ok_or_else(|| ParseQuoteError::NoColon(text.to_owned()))?;
        Ok(Self { bid: bid.parse()?, ask: ask.parse()? })
    }
}

impl fmt::Display for Quote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.bid, self.ask)
    }
}

/// A name that a person or a rule file wrote is none of ours.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{given}' is not known; it is one of {known}")]
pub struct UnknownName {
    /// What was written.
    pub given: String,
    /// What could have been.
    pub known: String,
}

/// The names are those in rule files and results; a test compares them with what serde reads and writes.
macro_rules! names {
    ($($type:ident { $($variant:ident: $name:literal,)* })*) => {$(
        impl $type {
            /// All of them, in the order in which they are explained.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The name in files.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.name())
            }
        }

        impl FromStr for $type {
            type Err = UnknownName;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($name => Ok(Self::$variant),)*
                    _ => Err(UnknownName { given: text.to_owned(), known: [$($name),*].join(", ") }),
                }
            }
        }
    )*};
}

names! {
    Candidates {
        Limits: "limits",
        Ticks: "ticks",
        Interval: "interval",
    }
    Criterion {
        MostVolume: "most-volume",
        LeastSurplus: "least-surplus",
        SurplusSide: "surplus-side",
        Pressure: "pressure",
        Reference: "reference",
        Midpoint: "midpoint",
        Highest: "highest",
        Lowest: "lowest",
        LastAcceptedOffer: "last-accepted-offer",
    }
    Allocation {
        PriceTime: "price-time",
        ProRata: "pro-rata",
        QuantityPriority: "quantity-priority",
        RoundUp: "round-up",
        MinimumFill: "minimum-fill",
        SeededDraw: "seeded-draw",
    }
    Reason {
        InTheMoney: "in-the-money",
        AtThePrice: "at-the-price",
        Rationed: "rationed",
        NothingLeft: "nothing-left",
        MinimumNotMet: "minimum-not-met",
        OutOfTheMoney: "out-of-the-money",
        NothingTraded: "nothing-traded",
        NoQuantity: "no-quantity",
    }
    Payment {
        OnePrice: "one-price",
        OwnPrice: "own-price",
    }
    Rounding {
        Up: "up",
        Down: "down",
        HalfUp: "half-up",
        HalfDown: "half-down",
        HalfEven: "half-even",
    }
}
