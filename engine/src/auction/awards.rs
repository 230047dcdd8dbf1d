//! From a closed auction to what its winners have: the result, what it reserves and, when it is final, what is booked or granted.

use super::clear::{Cleared, clear, winning_limits};
use super::intermediary::exposure;
use super::result::{AuctionResult, Fill, PROVED_MAX, PROVED_MAX_UNDECIDED, Unfilled, WinningLimit};
use super::terms::{AuctionKind, AuctionRule, Draw, DrawSecret};
use super::{Auction, Stage};
use crate::book::{Ladder, Order, Side};
use crate::cfd::Grant;
use crate::clearing;
use crate::clearing::{Payment, is_always_decided, reason_at};
use crate::event::{Event, Events};
use crate::exchange::State;
use crate::id::{AuctionId, FloorId, MarketId, ParticipantId};
use crate::money::{Nets, StockOrder};
use crate::num::{Currency, Money, Price, Quantity, Rounded};
use crate::reject::Reject;
use crate::time::{Day, Instant};

impl State {
    // Rules: R-AUC-032, R-AUC-058, R-AUC-089, R-CFD-025.
    pub(crate) fn clear_auction(
        &mut self,
        at: Instant,
        id: AuctionId,
        secret: Option<DrawSecret>,
        out: &mut Events,
    ) -> Result<(), Reject> {
        let auction = self.auction(id)?;
        auction.check_closed()?;
        self.check_solved(at, auction)?;
        let final_at =
            at.plus_seconds(auction.terms.challenge_seconds.get()).ok_or(Reject::AuctionTimes { now: at })?;
        if let Some(floor) = auction.floor() {
            let ends_at = auction.terms.ends_at(final_at).ok_or(Reject::AuctionTimes { now: at })?;
            self.check_floor_open(floor, ends_at)?;
        }
        if secret.map(|secret| secret.commitment()) != auction.terms.draw_commitment {
            return Err(Reject::DrawSecret);
        }
        let draw = secret.map(|secret| Draw { secret, bids: auction.bids_digest() });
        let result = self.result(auction, draw, final_at)?;
        out.push(Event::AuctionCleared { auction: id, final_at, result: result.clone() });
        if let Some(auction) = self.auctions.get_mut(&id) {
            auction.stage = Stage::Cleared { result, final_at };
        }
        self.schedule(id, Some(final_at));
        Ok(())
    }

    /// The result of a closed auction: a pure function of the state and the terms, of the draw and of when it becomes final, which
    /// an operator's instant of clearing sets: a support auction's entitlements begin after it.
    // Rules: R-AUC-049.
    pub(super) fn result(
        &self,
        auction: &Auction,
        draw: Option<Draw>,
        final_at: Instant,
    ) -> Result<AuctionResult, Reject> {
        let market = self.market_of(auction.terms.kind)?;
        let rule = match &auction.terms.rule {
            AuctionRule::Price(rule) => market.rule(rule),
            AuctionRule::Stack(terms) => return self.stack_result(auction, terms, draw, final_at),
            AuctionRule::Solution(terms) => return self.solution_result(auction, terms),
        };
        let programme = match auction.terms.kind {
            AuctionKind::Call { stock: Some(order), .. } => {
                let quantity = order.lots(market).and_then(|lots| market.quantity(lots));
                Some((order.side, order.price, quantity.ok_or(Reject::AmountTooLarge)?))
            }
            // A purchase is a stack.
            AuctionKind::Call { stock: None, .. } | AuctionKind::Purchase { .. } => None,
            // The programme is the one buyer, at the floor's price.
            AuctionKind::Support { floor, per_period } => {
                Some((Side::Buy, self.floor(floor)?.terms.price, per_period))
            }
            // The programme is the one seller.
            AuctionKind::Sale { purchase } => {
                let (price, left) = self.offered_for_sale(purchase)?;
                Some((Side::Sell, price, left))
            }
        };
        let has_stock = matches!(auction.terms.kind, AuctionKind::Call { stock: Some(_), .. });
        let ladder = programme
            .map(|(side, price, quantity)| {
                let lots = market.lots(quantity).ok_or(Reject::QuantityOffLot { lot: market.lot })?;
                let level = market.check_price(price)?;
                if !has_stock {
                    return Ok((side, Ladder::of(level, lots)));
                }
                // A stock's order stands beside the bids.
                let mut ladder = auction.book.ladder(side).clone();
                ladder.change(Some(level), lots);
                Ok((side, ladder))
            })
            .transpose()?;
        let ladder = ladder.as_ref().map(|(side, ladder)| (*side, ladder));
        let seed = draw.map(|draw| draw.seed().0);
        let seed = seed.as_ref().map_or(&[][..], |seed| seed);
        let Cleared { certificate, given } = clear(&auction.book, market, ladder, &rule, seed);
        let proved_max = if is_always_decided(&rule) { PROVED_MAX } else { PROVED_MAX_UNDECIDED };
        let mut limits = if auction.book.orders().nth(proved_max).is_none() && !has_stock {
            let programme = programme.map(|(side, price, quantity)| clearing::Order {
                id: b"programme",
                rank: u32::MAX,
                side,
                price: Some(price),
                quantity,
                min_quantity: Quantity::ZERO,
                received: 0,
            });
            winning_limits(&auction.book, market, programme, &rule, seed, &given)
        } else {
            Vec::new()
        }
        .into_iter();
        let price = certificate.price();
        let (mut fills, mut unfilled) = (Vec::new(), Vec::new());
        let lots = given.into_iter().chain(std::iter::repeat(0));
        for (Order { bid, participant, side, level, lots, .. }, given) in auction.book.with(lots) {
            let quantity = |lots| market.quantity(lots).ok_or(Reject::AmountTooLarge);
            let limit = level.map(|level| market.price(level));
            let reason = reason_at(price, side, limit, quantity(lots)?, quantity(given)?);
            match price.filter(|_| given > 0) {
                Some(price) => {
                    let price = match rule.payment {
                        Payment::OnePrice => price,
                        Payment::OwnPrice => limit.unwrap_or(price),
                    };
                    let quantity = quantity(given)?;
                    fills.push(Fill { bid, participant, side, quantity, price, reason });
                }
                None => {
                    let winning_limit = limits.next().unwrap_or(WinningLimit::NotLookedFor);
                    unfilled.push(Unfilled { bid, participant, reason, winning_limit });
                }
            }
        }
        for side in Side::BOTH {
            let is_programme = programme.is_some_and(|(of, ..)| of == side);
            assert!(
                is_programme || filled(&fills, side) == Some(certificate.sold),
                "what one side is given is the volume"
            );
        }
        let reserved = match auction.terms.kind {
            kind @ AuctionKind::Support { .. } if price.is_some() => {
                Some(self.reservation_of(kind, &fills, final_at)?)
            }
            _ => None,
        };
        let certificate = Box::new(certificate);
        Ok(AuctionResult { certificate, fills, unfilled, reserved, draw, stack: None, solution: None })
    }

    /// What a programme reserves for entitlements won, or for what it buys.
    // Rules: R-AUC-090.
    pub(super) fn reservation_of(
        &self,
        kind: AuctionKind,
        fills: &[Fill],
        final_at: Instant,
    ) -> Result<Money, Reject> {
        let currency = self.market_of(kind)?.currency;
        fills.iter().try_fold(Money::zero(currency), |sum, fill| {
            let reserved = match kind {
                AuctionKind::Support { floor, .. } => {
                    self.reservation(floor, fill.price, fill.quantity, final_at)?
                }
                AuctionKind::Purchase { worst_sale, .. } => {
                    exposure(fill.price, worst_sale, fill.quantity, currency).ok_or(Reject::AmountTooLarge)?
                }
                AuctionKind::Call { .. } | AuctionKind::Sale { .. } => Money::zero(currency),
            };
            sum.checked_add(reserved).ok_or(Reject::AmountTooLarge)
        })
    }

    /// A result stands, and with it these fills: awards are booked, or entitlements granted.
    // Rules: R-AUC-087.
    pub(super) fn finalise(
        &mut self,
        id: AuctionId,
        result: AuctionResult,
        fills: &[Fill],
        at: Instant,
        out: &mut Events,
    ) {
        let Some(auction) = self.auctions.get_mut(&id) else {
            return;
        };
        let (kind, budget) = (auction.terms.kind, auction.pledged.take());
        auction.stage = Stage::Final { result };
        out.push(Event::AuctionFinalised { auction: id });
        self.release_bonds(id);
        match kind {
            AuctionKind::Call { market, stock } => {
                self.book_awards(id, market, stock.as_ref(), budget, fills, at, out);
            }
            AuctionKind::Support { floor, .. } => {
                if let (Some(programme), Some(budget)) = (self.programme_of(kind), budget) {
                    self.unpledge(programme, budget);
                }
                self.grant_awards(floor, fills, at, out);
            }
            AuctionKind::Purchase { .. } => {
                if let Some(budget) = budget {
                    self.buy(id, budget, fills);
                }
            }
            AuctionKind::Sale { purchase } => self.settle_sale(id, purchase, fills, at, out),
        }
    }

    /// Novates a call auction's awards to the clearing account, with what a stock bought or released beside them.
    #[expect(clippy::too_many_arguments, reason = "they are the parts of one settlement")]
    pub(super) fn book_awards(
        &mut self,
        id: AuctionId,
        market_id: MarketId,
        stock: Option<&StockOrder>,
        budget: Option<Money>,
        fills: &[Fill],
        at: Instant,
        out: &mut Events,
    ) {
        let (Ok(market), Some(today)) = (self.market(market_id), Day::of(at)) else {
            return;
        };
        let currency = market.currency;
        let sides = Side::BOTH.map(|side| filled(fills, side).unwrap_or(Quantity::ZERO));
        let [bought, sold] = sides;
        let mut nets = Nets::new();
        for fill in fills {
            add_net(&mut nets, fill.side, fill.participant, fill.price, fill.quantity, currency);
        }
        let (mut paid_in, mut residual) = (Money::zero(currency), None);
        if let (Some(order), Some(price)) = (stock, fills.first().map(|fill| fill.price)) {
            if let Some(budget) = budget {
                self.unpledge(order.programme, budget);
            }
            if let Some(quantity) = sold.checked_sub(bought).filter(|quantity| !quantity.is_zero()) {
                paid_in = self.buy_stock(id, market_id, order, (price, quantity), currency, out);
            }
            if let Some(quantity) = bought.checked_sub(sold).filter(|quantity| !quantity.is_zero()) {
                let revenue: i128 = nets.values().map(|net| i128::from(*net)).sum();
                let revenue = i64::try_from(revenue.max(0)).unwrap_or(i64::MAX);
                residual = self.release_stock(id, market_id, order, (price, quantity), revenue, out);
            }
        } else if let (Some(order), Some(budget)) = (stock, budget) {
            self.unpledge(order.programme, budget);
        }
        self.novate_awards(id, currency, today, &nets, paid_in, residual, out);
    }

    /// Turns a support auction's awards into entitlements, reserved for out of the budget that was just released.
    // Rules: R-AUC-090.
    pub(super) fn grant_awards(
        &mut self,
        floor: FloorId,
        fills: &[Fill],
        final_at: Instant,
        out: &mut Events,
    ) {
        for &Fill { participant, quantity, price: strike, .. } in fills {
            let reserved = self.reservation(floor, strike, quantity, final_at);
            assert!(reserved.is_ok(), "the reservation of a part fits where that of the whole did");
            if let Ok(reserved) = reserved {
                let grant = Grant { floor, holder: participant, strike, per_period: quantity, deal: None };
                self.grant(grant, reserved, final_at, out);
            }
        }
    }
}

/// What the fills of one side sum to.
pub(super) fn filled(fills: &[Fill], side: Side) -> Option<Quantity> {
    let of_side = fills.iter().filter(|fill| fill.side == side);
    of_side.map(|fill| fill.quantity).try_fold(Quantity::ZERO, Quantity::checked_add)
}

/// Adds price × quantity, in minor units, to what a participant is to pay for an auction, or to be paid. Returns the exact amount, in
/// millionths.
// Rules: R-MON-017.
pub(super) fn add_net(
    nets: &mut Nets,
    side: Side,
    participant: ParticipantId,
    price: Price,
    quantity: Quantity,
    currency: Currency,
) -> i128 {
    let rounded = price.times(quantity, currency);
    assert!(rounded.is_some(), "what a book holds can be paid at any price of its market");
    let Some(Rounded { amount, remainder }) = rounded else {
        return 0;
    };
    let net = nets.entry(participant).or_insert(0);
    let changed = match side {
        Side::Buy => net.checked_add(amount.millionths),
        Side::Sell => net.checked_sub(amount.millionths),
    };
    assert!(changed.is_some(), "what a book holds can be paid at any price of its market");
    *net = changed.unwrap_or(*net);
    i128::from(amount.millionths).saturating_add(i128::from(remainder.millionths))
}
