//! Whether an auction that was read from a snapshot is one that commands make.

use super::awards::filled;
use super::result::Fill;
use super::stack::Asking;
use super::terms::{AuctionKind, AuctionRule};
use super::{Auction, Stage};
use crate::book::{Order, PLACES_MAX, Side};
use crate::exchange::State;
use crate::market::Market;
use crate::time::Instant;

impl State {
    /// Whether an auction that was read from a snapshot keeps what its market and floor make sure of for every bid that
    /// is admitted and every result that is found, so that it can go on.
    pub(crate) fn is_sound(&self, auction: &Auction) -> bool {
        let Ok(market) = self.market_of(auction.terms.kind) else {
            return false;
        };
        let is_rule = match (&auction.terms.rule, auction.terms.kind) {
            (AuctionRule::Price(rule), _) => auction.terms.check_price_rule(rule, market).is_ok(),
            (AuctionRule::Stack(_), AuctionKind::Call { .. } | AuctionKind::Sale { .. }) => false,
            (AuctionRule::Solution(terms), _) => self.is_solution_sound(auction, terms),
            (AuctionRule::Stack(terms), kind) => {
                self.stake(kind, Instant(0)).is_ok_and(|stake| terms.check(market, &stake).is_ok())
                    && self.is_stack_sound(auction, terms)
            }
        };
        let asks = matches!(auction.stage, Stage::Asking { .. });
        if !is_rule || !self.is_intermediary_sound(auction) || (asks && auction.stack().is_none()) {
            return false;
        }
        let book = &auction.book;
        let on_grid = |order: Order| {
            let quantity = market.quantity(order.lots);
            order.level.is_none_or(|level| Some(level) <= market.level(market.highest))
                && quantity.is_some_and(|quantity| market.check_quantity(quantity).is_ok())
        };
        let told = |side| {
            let total = market.quantity(book.ladder(side).total());
            total.is_some_and(|total| market.can_be_paid(total))
        };
        if !book.orders().all(on_grid) || !told(Side::Buy) || !told(Side::Sell) {
            return false;
        }
        if !Self::is_stock_order_sound(auction, market) {
            return false;
        }
        let (Stage::Cleared { result, final_at }
        | Stage::Asking { result, asking: Asking { until: final_at, .. } }) = &auction.stage
        else {
            return true;
        };
        let reserves = match auction.terms.kind {
            AuctionKind::Call { .. } | AuctionKind::Sale { .. } => true,
            kind @ (AuctionKind::Support { .. } | AuctionKind::Purchase { .. }) => {
                self.reservation_of(kind, &result.fills, *final_at).is_ok()
            }
        };
        let bids = result.fills.len().saturating_add(result.unfilled.len());
        let in_places = u32::try_from(bids).is_ok_and(|bids| bids <= PLACES_MAX);
        let is_right = |fill: &Fill| {
            fill.quantity <= result.volume()
                && market.check_price(fill.price).is_ok()
                && market.check_quantity(fill.quantity).is_ok()
        };
        reserves && in_places && result.fills.iter().all(is_right)
    }

    /// Whether what a programme can come to buy is pledged, and no more is bought or released than was ordered.
    fn is_stock_order_sound(auction: &Auction, market: &Market) -> bool {
        let AuctionKind::Call { stock: Some(order), .. } = auction.terms.kind else {
            return true;
        };
        let pledge = match order.side {
            Side::Buy => order.pledge(market),
            Side::Sell => None,
        };
        let Some(ordered) = order.lots(market).and_then(|lots| market.quantity(lots)) else {
            return false;
        };
        let is_pledged =
            auction.is_over() || (auction.pledged == pledge && pledge.is_some() == (order.side == Side::Buy));
        let Stage::Cleared { result, .. } = &auction.stage else {
            return is_pledged;
        };
        let [Some(bought), Some(sold)] = Side::BOTH.map(|side| filled(&result.fills, side)) else {
            return false;
        };
        let (by_programme, by_others) = match order.side {
            Side::Buy => (sold, bought),
            Side::Sell => (bought, sold),
        };
        let traded = by_programme.checked_sub(by_others);
        let at_its_price = |fill: &Fill| match order.side {
            Side::Buy => fill.price <= order.price,
            Side::Sell => fill.price >= order.price,
        };
        let is_ordered = traded.is_some_and(|traded| {
            traded <= ordered && (traded.is_zero() || result.fills.iter().all(at_its_price))
        });
        is_pledged && is_ordered
    }
}
