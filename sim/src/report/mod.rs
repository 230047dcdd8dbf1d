//! The report of a market day, and of a scenario's policies beside each other ([`comparison`]): one HTML page that needs nothing beside itself, and its charts as SVG.
//!
//! The input is plain data, which whoever played the day fills in. The same input makes the same bytes.
//! Amounts, prices and quantities are exact up to the text that is printed; floats are pixels only.
//!
//! Each chart is made for a width in pixels, because text in a drawing that is scaled down cannot be read:
//! the page holds every chart twice, for a screen and for a phone, and shows one.
//!
//! Deliberately absent: scripts, anything loaded from elsewhere, and any knowledge of an exchange.

pub mod comparison;
mod page;
mod payments;
mod series;
mod supply_and_demand;
mod svg;
mod text;
mod who_got_what;

#[cfg(test)]
mod tests;

use golv_engine::num::{Currency, Money, Price, Quantity};
use golv_engine::time::Month;

pub use page::html;
pub use payments::payments_svg;
pub use series::series_svg;
pub use supply_and_demand::supply_and_demand_svg;
pub use who_got_what::who_got_what_svg;

/// Everything that the report of a market day says.
#[derive(Clone, Debug)]
pub struct DayReport {
    /// The page's heading.
    pub title: String,
    /// One or two sentences under it: what this is.
    pub introduction: String,
    /// The seed that traders and their costs were drawn from.
    pub seed: u64,
    /// What is traded.
    pub market: String,
    /// The market's unit of mass, such as `t`. Prices are in `currency` per this.
    pub unit: String,
    /// The market's currency.
    pub currency: Currency,
    /// The auction in which suppliers offered strikes. Its price is the strike of every entitlement.
    pub support: AuctionReport,
    /// The call auction.
    pub call: AuctionReport,
    /// What was settled, in order of month.
    pub settlement: Vec<MonthReport>,
    /// What each participant got, in the order to be shown.
    pub awards: Vec<AwardRow>,
    /// What was refused, in the order in which it was tried.
    pub refusals: Vec<RefusalRow>,
    /// The programme's money after the last month.
    pub programme: ProgrammeReport,
    /// A round of bilateral matching; nothing where none was held.
    pub round: Option<RoundReport>,
    /// The months of a programme at its limit in which something happened.
    pub limit: Vec<LimitRow>,
    /// Digest of the exchange's state at the end, in hexadecimal.
    pub state_digest: String,
    /// Digest that the journal's chain of records ends in, in hexadecimal.
    pub chain_digest: String,
    /// Whose the reference prices are, as it is to be cited.
    pub price_source: String,
}

/// An auction, cleared.
#[derive(Clone, Debug)]
pub struct AuctionReport {
    /// Its name.
    pub name: String,
    /// The unit of its quantities, such as `t` or `t a month`.
    pub unit: String,
    /// What was offered: limit and quantity of each bid, in any order.
    pub supply: Vec<(Price, Quantity)>,
    /// What was wanted: limit and quantity of each bid, in any order.
    pub demand: Vec<(Price, Quantity)>,
    /// The one price; `None` where nothing traded.
    pub price: Option<Price>,
    /// How much traded.
    pub volume: Quantity,
    /// How much was offered at or below the price.
    pub offered: Quantity,
    /// How much was wanted at or above the price.
    pub wanted: Quantity,
    /// The criterion that decided the price, such as `most volume`; `None` where nothing traded.
    pub decided_by: Option<String>,
}

/// A month's settlement.
#[derive(Clone, Copy, Debug)]
pub struct MonthReport {
    /// The month.
    pub month: Month,
    /// The reference price that it was settled on.
    pub reference_price: Price,
    /// What all entitlements together were paid; negative where it was taken back.
    pub payment: Money,
}

/// What a participant got.
#[derive(Clone, Debug)]
pub struct AwardRow {
    /// Its name.
    pub participant: String,
    /// What it does, such as `supplier`.
    pub role: String,
    /// Where it is.
    pub country: String,
    /// What it won in the support auction.
    pub support: Option<SupportAward>,
    /// What it sold or bought in the call auction.
    pub call: Option<CallAward>,
    /// The difference payments that it received over all months.
    pub difference_payments: Money,
}

/// An entitlement to difference payments.
#[derive(Clone, Copy, Debug)]
pub struct SupportAward {
    /// For how much of a month.
    pub per_period: Quantity,
    /// Below which reference price it pays.
    pub strike: Price,
}

/// A trade in the call auction.
#[derive(Clone, Copy, Debug)]
pub struct CallAward {
    /// On which side.
    pub deal: Deal,
    /// How much.
    pub quantity: Quantity,
    /// At which price.
    pub price: Price,
}

/// The side of a trade, after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deal {
    /// It sold.
    Sold,
    /// It bought.
    Bought,
}

/// Something that was tried and refused.
#[derive(Clone, Debug)]
pub struct RefusalRow {
    /// Who tried.
    pub participant: String,
    /// What was tried.
    pub tried: String,
    /// Why it was refused, for people.
    pub reason: String,
    /// Why it was refused, by the exchange's code.
    pub code: String,
}

/// A round of bilateral matching.
#[derive(Clone, Debug)]
pub struct RoundReport {
    /// Its heading.
    pub name: String,
    /// What was offered and what came of it, in some sentences.
    pub summary: String,
    /// The unit of quantities; prices are in the day's currency per this.
    pub unit: String,
    /// The requests, in the order to be shown.
    pub requests: Vec<RequestRow>,
    /// The price that everybody looks to, and whose it is.
    pub reference_price: String,
}

/// A request and what came of it.
#[derive(Clone, Debug)]
pub struct RequestRow {
    /// Who requested.
    pub buyer: String,
    /// How much.
    pub wanted: Quantity,
    /// What it pays at most.
    pub limit: Price,
    /// What the round proposed, if anything: how much, and at which price.
    pub proposed: Option<(Quantity, Price)>,
    /// What came of that.
    pub outcome: String,
}

/// A month of a programme at its limit.
#[derive(Clone, Debug)]
pub struct LimitRow {
    /// The month.
    pub month: Month,
    /// What its run came to.
    pub due: Money,
    /// What the programme paid, of this month and of those before.
    pub paid: Money,
    /// What waits for money.
    pub waits: Money,
    /// What was told; may be empty.
    pub what: String,
}

/// A programme's money.
#[derive(Clone, Copy, Debug)]
pub struct ProgrammeReport {
    /// What it was given.
    pub funded: Money,
    /// What it paid out.
    pub paid: Money,
    /// What it holds back for months to come.
    pub reserved: Money,
    /// What is left.
    pub free: Money,
}

impl DayReport {
    /// What prices are in, such as `USD/t`.
    fn price_unit(&self) -> String {
        format!("{}/{}", self.currency, self.unit)
    }

    /// How many months were settled on a price below the strike.
    fn months_below_strike(&self) -> usize {
        let below = |strike| self.settlement.iter().filter(|month| month.reference_price < strike).count();
        self.support.price.map_or(0, below)
    }

    /// All difference payments in millionths. Wide, since a sum of amounts that fit need not fit.
    fn payments(&self) -> i128 {
        self.settlement.iter().map(|month| i128::from(month.payment.millionths)).sum()
    }
}
