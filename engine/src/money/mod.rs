//! Money between the centre, its programmes and its participants: who owes, who waits, and who bears a loss.
//!
//! | what | where |
//! |---|---|
//! | how money of a currency is collected and secured | `terms.rs` |
//! | programmes: what they must reserve, how full they are, what they have promised and not paid | `programme.rs` |
//! | claims that wait for money, paid by date and pro rata | `claims.rs` |
//! | invoices, what is set off, and what sellers of an auction wait for | `invoice.rs` |
//! | collateral, the default fund, and what participants must have of it each day | `collateral.rs` |
//! | notices, defaults and the waterfall | `default.rs` |
//! | material that a programme buys at a floor and releases | `stock.rs` |
//!
//! The ledger itself is in [`crate::ledger`]. What is owed here is also there: claims sum to the accounts `Claims`, and open
//! invoices to what a participant's balance is below zero; [`crate::Exchange::is_conserved`] checks both.
//!
//! Nobody is paid from money that has not come in (*pay when paid*): the sellers of an auction wait until its buyers have paid,
//! holders of contracts until their programme has money. What is missing is shared pro rata, stays a claim, and is made good when
//! money comes.

mod claims;
mod collateral;
mod default;
mod invoice;
mod programme;
mod stock;
mod terms;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::command::Action;
use crate::event::Events;
use crate::exchange::{Mode, State};
use crate::id::{AuctionId, FloorId, MarketId, ParticipantId, ProgrammeId};
use crate::num::Currency;
use crate::time::{Day, Instant};
pub use claims::Claim;
pub use default::{Breach, PotUse};
pub use invoice::{Creditor, Invoice};
pub(crate) use invoice::{Nets, Residual};
pub(crate) use programme::Programme;
pub use programme::{Backing, Level, ProgrammeTerms};
pub(crate) use stock::Holding;
pub use stock::{StockOrder, StockRule, StockTrade, StockTradedBy};
pub use terms::{ClearingTerms, Pot};

use default::{Default as InDefault, Notice};
use invoice::{Debt, Pool};

/// What is owed and waited for, beside the ledger.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Treasury {
    /// How money is collected; a currency without terms has no due dates, and nobody defaults in it.
    terms: BTreeMap<Currency, ClearingTerms>,
    /// What participants owe, those due first in front. No list is empty.
    debts: BTreeMap<(Currency, ParticipantId), Vec<Debt>>,
    /// The number of the newest invoice.
    invoices: u64,
    /// What sellers of final auctions wait for.
    pools: BTreeMap<AuctionId, Pool>,
    notices: BTreeMap<(Currency, ParticipantId), Notice>,
    defaults: BTreeMap<(Currency, ParticipantId), InDefault>,
    stock_rules: BTreeMap<(ProgrammeId, MarketId), StockRule>,
    stock: BTreeMap<(ProgrammeId, MarketId), Holding>,
    /// The days at whose end something is due.
    days: BTreeSet<Day>,
}

impl Treasury {
    /// The terms that are in force and that everybody trades by, as the actions that set them.
    pub(crate) fn public_terms(&self) -> impl Iterator<Item = Action> {
        let clearing = self
            .terms
            .iter()
            .map(|(&currency, terms)| Action::SetClearingTerms { currency, terms: Box::new(terms.clone()) });
        let stock = self.stock_rules.iter();
        clearing.chain(stock.map(|(&(programme, market), rule)| Action::SetStockRule {
            programme,
            market,
            rule: *rule,
        }))
    }
}

impl State {
    /// When the first day ends at whose end something is due.
    pub(crate) fn day_ends_at(&self) -> Option<Instant> {
        self.treasury.days.first().and_then(|day| day.end())
    }

    /// Lets happen what is due at the end of that day.
    pub(crate) fn end_first_day(&mut self, at: Instant, mode: Mode, out: &mut Events) {
        if let Some(day) = self.treasury.days.pop_first() {
            self.end_day(day, at, mode, out);
        }
    }

    /// Lets what money was held up on its way be passed on at the end of the day.
    // Rules: R-MON-023.
    pub(crate) fn watch_pools(&mut self, at: Instant) {
        if self.treasury.pools.values().any(Pool::is_held_up) {
            self.treasury.days.extend(Day::of(at));
        }
    }

    /// Puts clearing terms in force, for invoices and notices from now on.
    pub(crate) fn set_clearing_terms(&mut self, at: Instant, currency: Currency, terms: ClearingTerms) {
        self.treasury.terms.insert(currency, terms);
        self.treasury.days.extend(Day::of(at));
    }

    /// Looks at exposures at the end of the day, if contracts under a floor can make their holders owe.
    pub(crate) fn watch_exposure(&mut self, floor: FloorId, at: Instant) {
        let may_owe = self.floor(floor).is_ok_and(|floor| floor.terms.contract.payoff.upside.is_some());
        if may_owe && !self.treasury.terms.is_empty() {
            self.treasury.days.extend(Day::of(at));
        }
    }
}
