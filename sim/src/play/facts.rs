//! What came out of a play: plain facts, exact, from which all figures are made.
//!
//! Amounts are in millionths of the market's currency, wide, since a sum of amounts that fit need not fit. Surplus is kept in parts of 10⁻¹²
//! (millionths of a price × millionths of a quantity), which makes it exact.

use golv_engine::num::{Price, Quantity};
use golv_engine::text::Country;
use golv_engine::time::Month;

/// What came out of a scenario that was played under a policy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Each month that was played, in order.
    pub months: Vec<MonthFacts>,
    /// Each time that the market traded, in order.
    pub trades: Vec<TradeFacts>,
    /// The producers, in the order of the scenario.
    pub producers: Vec<ProducerFacts>,
    /// The buyers, in the order of the scenario.
    pub buyers: Vec<BuyerFacts>,
    /// The auction that contracts were won in, or the purchase; nothing where there was none.
    pub award: Option<AwardFacts>,
    /// The most that the programme ever had reserved.
    pub reserved_most: i128,
    /// What it still owes to holders of contracts at the end.
    pub unpaid: i128,
}

/// A month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MonthFacts {
    /// Which.
    pub month: Month,
    /// The reference price.
    pub reference_price: Price,
    /// What contracts paid to their holders, over the period that ends with this month.
    pub paid: i128,
    /// What holders gave.
    pub given: i128,
    /// What an intermediary lost by selling below what it pays; negative where it gained.
    pub gap: i128,
}

/// A time at which the market traded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TradeFacts {
    /// The first month that it was for.
    pub month: Month,
    /// For how many.
    pub months: u8,
    /// The one price; of a round the average, rounded down. `None` where nothing traded.
    pub price: Option<Price>,
    /// How much traded.
    pub volume: Quantity,
    /// The surplus of what traded: Σ worth − Σ cost, at true worth and cost.
    pub surplus: i128,
    /// The greatest surplus that there could have been.
    pub surplus_most: i128,
    /// What was offered: ask and quantity of each bid.
    pub supply: Vec<(Price, Quantity)>,
    /// What was wanted: bid and quantity of each.
    pub demand: Vec<(Price, Quantity)>,
}

/// A producer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProducerFacts {
    /// Its name.
    pub name: String,
    /// Where its material comes from.
    pub origin: Country,
    /// How much it sold in the market, or to an intermediary.
    pub sold: Quantity,
    /// What it was paid for that.
    pub revenue: i128,
    /// How much it sold elsewhere.
    pub sold_elsewhere: Quantity,
    /// What it was paid for that.
    pub revenue_elsewhere: i128,
    /// What contracts paid it, less what it gave.
    pub support: i128,
    /// What it cost to make, with fixed costs; without capital.
    pub cost: i128,
    /// What it invested.
    pub capital: i128,
    /// When it decided to invest, if it had to.
    pub invested: Option<Month>,
    /// When it closed.
    pub closed: Option<Month>,
    /// Whether it never was: it did not invest.
    pub is_absent: bool,
}

/// A buyer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuyerFacts {
    /// Its name.
    pub name: String,
    /// How much it wanted.
    pub wanted: Quantity,
    /// How much it bought.
    pub bought: Quantity,
    /// What it paid.
    pub paid: i128,
}

/// An auction of support.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwardFacts {
    /// The month in which it was held.
    pub month: Month,
    /// What was offered: strike and quantity a period; of a purchase price and quantity.
    pub supply: Vec<(Price, Quantity)>,
    /// The highest strike or price that was accepted; `None` where nothing was.
    pub price: Option<Price>,
    /// How much was awarded.
    pub volume: Quantity,
    /// What less was awarded because of the cap by origin.
    pub cut_by_origin: Quantity,
}
