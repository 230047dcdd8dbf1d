//! Double auctions with a public intermediary: a programme buys in one auction and sells in others, and pays the gap.
//!
//! A *purchase* awards supply contracts to the best offers of a stack. What the programme can lose by an award is price − worst
//! sale price for each unit: no sale is made below that price. So the exposure is known before anything is awarded; it is
//! reserved at the announcement, counted against the purchase's budget, and kept until what was bought is sold. A *sale* offers
//! what is left of a purchase to buyers, one sale after the other: long contracts are resold in short ones. The programme is the one seller, at the
//! worst sale price.
//!
//! When a sale is final, buyers owe their price, suppliers wait for their own price for what was sold, in the order in which they were
//! awarded, and the gap comes out of what is reserved. What a sale earns beyond cost goes to the programme's proceeds once
//! suppliers are paid. The model is
//! H2Global's mechanism (HINTCO): lots of a fixed budget, bought for ten years and sold year by year.

use serde::{Deserialize, Serialize};

use super::awards::{add_net, filled};
use super::result::Fill;
use super::{Auction, AuctionKind, Stage};
use crate::book::Side;
use crate::event::{Event, Events};
use crate::exchange::State;
use crate::id::{AuctionId, BidId, ParticipantId};
use crate::ledger::{Account, Cause};
use crate::money::{Nets, Residual};
use crate::num::{Currency, Money, Price, Quantity};
use crate::reject::Reject;
use crate::time::{Day, Instant};

/// What a programme bought and has not sold yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Bought {
    bid: BidId,
    supplier: ParticipantId,
    price: Price,
    left: Quantity,
}

/// What a supplier was paid for, by a sale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Supplied {
    /// The offer that was awarded in the purchase.
    pub bid: BidId,
    /// Whose it is.
    pub participant: ParticipantId,
    /// How much of it was sold.
    pub quantity: Quantity,
    /// What is paid for a unit.
    pub price: Price,
}

/// What a programme can lose by buying at a price: max(0, price − worst sale price) × quantity. `None` where it does not fit.
///
/// Prices and quantity are on a market's grid, so that it is exact.
// Rules: R-AUC-092.
pub fn exposure(price: Price, worst_sale: Price, quantity: Quantity, currency: Currency) -> Option<Money> {
    price.checked_sub(worst_sale)?.max(Price::ZERO).times(quantity, currency)?.exact()
}

impl Auction {
    /// What is left to be sold of a purchase.
    pub(super) fn left(&self) -> Quantity {
        let left = self.bought.iter().map(|bought| bought.left);
        left.fold(Quantity::ZERO, |sum, left| sum.checked_add(left).unwrap_or(sum))
    }
}

impl State {
    /// A purchase whose awards stand, with its market and its worst sale price.
    fn purchase(&self, id: AuctionId) -> Result<(&Auction, Price), Reject> {
        let auction = self.auction(id)?;
        match (auction.terms.kind, &auction.stage) {
            (AuctionKind::Purchase { worst_sale, .. }, Stage::Final { .. }) => Ok((auction, worst_sale)),
            _ => Err(Reject::NotAPurchase { auction: id }),
        }
    }

    /// Refuses a sale of what was not bought, or is being sold by another.
    // Rules: R-AUC-093.
    pub(super) fn check_sale(&self, purchase: AuctionId) -> Result<(), Reject> {
        let (bought, _) = self.purchase(purchase)?;
        let is_pending = |auction: &&Auction| {
            auction.terms.kind == (AuctionKind::Sale { purchase })
                && !matches!(auction.stage, Stage::Final { .. } | Stage::Cancelled)
        };
        if self.auctions.values().find(is_pending).is_some() {
            return Err(Reject::SalePending);
        }
        if bought.left().is_zero() { Err(Reject::NothingToSell) } else { Ok(()) }
    }

    /// What a sale offers, and at which price at the least.
    // Rules: R-AUC-093.
    pub(super) fn offered_for_sale(&self, purchase: AuctionId) -> Result<(Price, Quantity), Reject> {
        let (bought, worst_sale) = self.purchase(purchase)?;
        Ok((worst_sale, bought.left()))
    }

    /// A purchase's awards stand: what it reserves from now on is their exposure.
    // Rules: R-AUC-092.
    pub(super) fn buy(&mut self, id: AuctionId, budget: Money, fills: &[Fill]) {
        let Some((AuctionKind::Purchase { programme, worst_sale, .. }, auction)) =
            self.auctions.get_mut(&id).map(|auction| (auction.terms.kind, auction))
        else {
            return;
        };
        let bought = |fill: &Fill| Bought {
            bid: fill.bid,
            supplier: fill.participant,
            price: fill.price,
            left: fill.quantity,
        };
        auction.bought = fills.iter().map(bought).collect();
        let exposed = exposed(&auction.bought, worst_sale, budget.currency);
        let freed = exposed.and_then(|exposed| budget.checked_sub(exposed));
        assert!(freed.is_some(), "the exposure of a part fits where that of the whole did");
        auction.pledged = exposed;
        if let Some(freed) = freed {
            self.unpledge(programme, freed);
        }
    }

    /// A sale stands: buyers pay, suppliers are paid for what was sold, and the programme pays the gap.
    // Rules: R-AUC-095.
    pub(super) fn settle_sale(
        &mut self,
        id: AuctionId,
        purchase: AuctionId,
        fills: &[Fill],
        at: Instant,
        out: &mut Events,
    ) {
        let Ok((_, worst_sale)) = self.purchase(purchase) else {
            return;
        };
        let Ok(currency) = self.market_of(AuctionKind::Sale { purchase }).map(|market| market.currency)
        else {
            return;
        };
        let sold =
            fills.iter().fold(Quantity::ZERO, |sum, fill| sum.checked_add(fill.quantity).unwrap_or(sum));
        let Some(auction) = self.auctions.get_mut(&purchase) else {
            return;
        };
        let AuctionKind::Purchase { programme, .. } = auction.terms.kind else {
            return;
        };
        let lines = deliver(&mut auction.bought, sold);
        let (before, exposed) = (auction.pledged, exposed(&auction.bought, worst_sale, currency));
        auction.pledged = exposed;
        let freed = before.zip(exposed).and_then(|(before, exposed)| before.checked_sub(exposed));
        assert!(freed.is_some(), "what is left is exposed to no more than the whole was");
        let (mut gap, mut nets) = (0_i128, Nets::new());
        for &Fill { side, participant, price, quantity, .. } in fills {
            gap = gap.saturating_sub(add_net(&mut nets, side, participant, price, quantity, currency));
        }
        for &Supplied { participant, price, quantity, .. } in &lines {
            gap = gap.saturating_add(add_net(&mut nets, Side::Sell, participant, price, quantity, currency));
        }
        let gap = i64::try_from(gap);
        assert!(gap.is_ok(), "what all offers can cost at the highest price was found to fit");
        let gap = Money { currency, millionths: gap.unwrap_or(0) };
        self.unpledge(programme, freed.unwrap_or(Money::zero(currency)));
        let (mut paid_in, mut residual) = (Money::zero(currency), None);
        if gap.millionths > 0 {
            assert!(
                freed.is_some_and(|freed| gap.millionths <= freed.millionths),
                "no sale is made below the worst sale price"
            );
            let cause = Cause::Award(id);
            self.spend(programme, cause, Account::ProgrammeSpent(programme), gap);
            self.ledger.post(cause, Account::Promised(programme), Account::Clearing, gap);
            paid_in = gap;
        } else {
            let earned: i128 = nets.values().map(|net| i128::from(*net)).sum();
            let amount = i64::try_from(earned.max(0)).unwrap_or(i64::MAX);
            residual = Some(Residual { programme, amount, take_back: 0 }).filter(|_| amount > 0);
        }
        if let Some(today) = Day::of(at) {
            self.novate_awards(id, currency, today, &nets, paid_in, residual, out);
        }
        out.push(Event::SaleSettled { auction: id, purchase, sold, gap, lines });
    }

    /// Whether what a purchase or a sale that was read from a snapshot still has to do can be done.
    pub(super) fn is_intermediary_sound(&self, auction: &Auction) -> bool {
        match (auction.terms.kind, &auction.stage) {
            (AuctionKind::Purchase { worst_sale, .. }, Stage::Final { .. }) => {
                let currency = self.market_of(auction.terms.kind).map(|market| market.currency);
                let exposed =
                    currency.ok().and_then(|currency| exposed(&auction.bought, worst_sale, currency));
                exposed.is_some() && auction.pledged == exposed
            }
            (AuctionKind::Sale { purchase }, Stage::Cleared { result, .. }) => {
                let is_right = |fill: &Fill, worst| fill.side == Side::Buy && fill.price >= worst;
                self.purchase(purchase).is_ok_and(|(bought, worst_sale)| {
                    result.volume() <= bought.left()
                        && filled(&result.fills, Side::Buy) == Some(result.volume())
                        && result.fills.iter().all(|fill| is_right(fill, worst_sale))
                })
            }
            (AuctionKind::Sale { purchase }, Stage::Announced | Stage::Open | Stage::Closed) => {
                self.purchase(purchase).is_ok()
            }
            _ => auction.bought.is_empty(),
        }
    }
}

/// What is exposed of all that is left. `None` where it does not fit.
fn exposed(bought: &[Bought], worst_sale: Price, currency: Currency) -> Option<Money> {
    bought.iter().try_fold(Money::zero(currency), |sum, bought| {
        sum.checked_add(exposure(bought.price, worst_sale, bought.left, currency)?)
    })
}

/// Takes what was sold from what was bought, in the order of the awards.
// Rules: R-AUC-094.
fn deliver(bought: &mut [Bought], mut sold: Quantity) -> Vec<Supplied> {
    let mut lines = Vec::new();
    for bought in bought {
        let quantity = bought.left.min(sold);
        if quantity.is_zero() {
            continue;
        }
        bought.left = bought.left.checked_sub(quantity).unwrap_or(Quantity::ZERO);
        sold = sold.checked_sub(quantity).unwrap_or(Quantity::ZERO);
        lines.push(Supplied { bid: bought.bid, participant: bought.supplier, quantity, price: bought.price });
    }
    assert!(sold.is_zero(), "no more is sold than was bought");
    lines
}
