//! An exchange as it is stored, and what must hold of any: what is read is looked at before it is one.

use serde::Deserialize;

use super::{Due, Exchange, Mode, State};
use crate::answers::Answers;
use crate::auction::Auction;
use crate::cfd::{ENTITLEMENTS_MAX, Entitlement, SettlementRun};
use crate::id::{AuctionId, FloorId, MarketId, ProgrammeId, Sequence};
use crate::ledger::Account;
use crate::num::Money;
use crate::time::{Day, Instant};

/// An exchange as it was read from a snapshot, before anybody looked at it. The fields are those of [`Exchange`].
#[derive(Deserialize)]
pub(super) struct Stored {
    pub(super) mode: Mode,
    pub(super) sequence: Sequence,
    pub(super) at: Instant,
    pub(super) answers: Answers,
    pub(super) state: State,
}

/// A stored state that no exchange can be in.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotAnExchange {
    #[error("the terms of market {0} are none that it can have been defined with")]
    Market(MarketId),
    #[error("the bids or the result of auction {0} are none that its market admits")]
    Auction(AuctionId),
    #[error("prices and deliveries have versions in their order, up to the newest")]
    Data,
    #[error("reservations are amounts of their floor's currency")]
    Reservations,
    #[error("runs are numbered from 1, each with its lines in order")]
    Runs,
    #[error("entitlements are numbered from 1 without a gap, up to {ENTITLEMENTS_MAX}")]
    Entitlements,
    #[error("programme {0} has more money, or less, than it can have been funded with")]
    Programme(ProgrammeId),
    #[error("what stands on boards, is negotiated and dealt in does not hang together")]
    Boards,
    #[error("the balances do not sum to zero, or not to what is reserved and cleared")]
    NotConserved,
}

impl TryFrom<Stored> for Exchange {
    type Error = NotAnExchange;
    fn try_from(stored: Stored) -> Result<Self, Self::Error> {
        let Stored { mode, sequence, at, answers, mut state } = stored;
        let auctions = state.auctions.iter();
        let due = auctions.filter_map(|(id, auction)| Some((auction.due()?, Due::Auction(*id))));
        state.due = due.chain(state.bilateral.due()).collect();
        state.check_stored()?;
        // Each datum came with a command.
        if state.data.0 > sequence.0 {
            return Err(NotAnExchange::Data);
        }
        let exchange = Self { mode, sequence, at, answers, state };
        if exchange.is_conserved() { Ok(exchange) } else { Err(NotAnExchange::NotConserved) }
    }
}

impl Exchange {
    /// The full check of what each command keeps piece by piece: every currency sums to zero, the clearing
    /// account pays out what it takes in, each programme reserves what its auctions and entitlements require, as far as its
    /// money goes, and what is owed and claimed is what stands on the accounts.
    pub fn is_conserved(&self) -> bool {
        let state = &self.state;
        state.ledger.is_balanced()
            && state.is_cleared()
            && state.reservations_agree()
            && state.bonds_agree()
            && state.debts_agree()
            && state.is_stock_sound()
            && state.are_boards_sound()
    }
}

impl State {
    /// Refuses what was read from a snapshot and would make an assertion fail sooner or later.
    fn check_stored(&self) -> Result<(), NotAnExchange> {
        if let Some((id, _)) = self.markets.iter().find(|(_, market)| market.check().is_err()) {
            return Err(NotAnExchange::Market(*id));
        }
        if let Some((id, _)) = self.auctions.iter().find(|(_, auction)| !self.is_sound(auction)) {
            return Err(NotAnExchange::Auction(*id));
        }
        let last = self.entitlements.last_key_value().map_or(0, |(id, _)| id.0);
        let numbered = usize::try_from(last) == Ok(self.entitlements.len());
        if !numbered || self.entitlements.len() > ENTITLEMENTS_MAX {
            return Err(NotAnExchange::Entitlements);
        }
        let prices_fit = self.indices.values().all(|index| index.is_sound(self.data));
        let deliveries_fit = self.deliveries.values().all(|deliveries| deliveries.is_sound(self.data));
        if !prices_fit || !deliveries_fit {
            return Err(NotAnExchange::Data);
        }
        let reserves = |entitlement: &Entitlement| {
            let market = self.floor(entitlement.floor).and_then(|floor| self.market(floor.terms.market));
            let Money { currency, millionths } = entitlement.reserved;
            market.is_ok_and(|market| market.currency == currency) && millionths >= 0
        };
        if !self.entitlements.values().all(reserves) {
            return Err(NotAnExchange::Reservations);
        }
        let are_runs = |((floor, first), runs): (&(FloorId, Day), &Vec<SettlementRun>)| {
            (1..).zip(runs).all(|(number, run)| {
                let is_here = (run.floor, run.period.first, run.number) == (*floor, *first, number);
                is_here && run.lines.is_sorted_by(|one, next| one.entitlement < next.entitlement)
            })
        };
        if !self.runs.iter().all(are_runs) {
            return Err(NotAnExchange::Runs);
        }
        let unpayable =
            self.programmes.iter().find(|(id, programme)| !self.is_programme_sound(**id, programme));
        if let Some((id, _)) = unpayable {
            return Err(NotAnExchange::Programme(*id));
        }
        if !self.are_boards_sound() {
            return Err(NotAnExchange::Boards);
        }
        if self.ledger.has_room() { Ok(()) } else { Err(NotAnExchange::NotConserved) }
    }

    // Rules: R-MON-001.
    fn is_cleared(&self) -> bool {
        self.ledger.balances().all(|(_, account, balance)| account != Account::Clearing || balance == 0)
    }

    fn reservations_agree(&self) -> bool {
        self.programmes.iter().all(|(&id, programme)| {
            let of_programme =
                |floor: FloorId| self.floor(floor).is_ok_and(|floor| floor.terms.programme == id);
            let entitlements = self.entitlements.values();
            let held =
                entitlements.filter(|e| of_programme(e.floor)).map(|e| i128::from(e.reserved.millionths));
            let of_auction = |auction: &&Auction| self.programme_of(auction.kind()) == Some(id);
            let auctions = self.auctions.values().filter(of_auction);
            let pledged = auctions.filter_map(Auction::pledged).map(|pledged| i128::from(pledged.millionths));
            let pledged = pledged.sum::<i128>().saturating_add(self.pledged_on_boards(id));
            pledged == programme.pledged().into()
                && held.sum::<i128>().checked_add(pledged) == Some(programme.required())
                && self.is_programme_sound(id, programme)
        })
    }
}
