//! Auctions cleared as a stack of offers, by [`support`]: support auctions and purchases. What their terms add to the rule, what an offer says of
//! itself, the result and the reserve list.
//!
//! The programme awards at most the auction's volume, and reserves at most its budget if it has one. With an acceptance
//! period winners are asked after the challenge period, and who declines or stays silent forfeits the bond. What comes free is
//! offered down the reserve list, again and again, until nobody is left to be asked. Only then is the auction final.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

use super::result::{AuctionResult, Fill, WinningLimit};
use super::terms::Draw;
use super::{Auction, AuctionKind, Stage};
use crate::book::{Order, Side};
use crate::clearing;
use crate::command::NewBid;
use crate::event::{Event, Events};
use crate::exchange::State;
use crate::id::{AuctionId, BidId, CommandId, IdentityId, ParticipantId};
use crate::market::Market;
use crate::num::{Amount, MILLIONTHS, Money, Price, Quantity};
use crate::reject::Reject;
use crate::support::{
    self, Award, Breach, ClearingScore, Constraint, Each, Limit, Most, Offer, Reason, Size, SupportError,
    SupportRule, Ties, Totals, Void,
};
use crate::text::Name;
use crate::time::Instant;

/// How a support auction or a purchase is held whose offers stand in a stack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StackTerms {
    /// Who is awarded what. The market's lot, in a support auction the floor's periods and its price as a ceiling, and two limits, `the
    /// auction's volume` and `the auction's budget`, are added to it; it states no periods, and no other lot.
    pub rule: SupportRule,
    /// The most that the programme reserves for the awards, in the market's currency; by volume alone where it is absent.
    pub budget: Option<Amount>,
    /// What of a bidder's collateral is held as a bond for each unit of the quantity a period, while its offer stands.
    pub bond: Option<Price>,
    /// How long winners have to accept, in seconds; awards need no acceptance where it is absent.
    pub acceptance_seconds: Option<NonZeroU32>,
}

/// What a bid says of itself beside price, quantity and origin. A minimum is for a stack, or a call auction that waits for
/// solutions; the rest is for a stack.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BidDetails {
    /// The least that is of use: zero where any part is, the quantity where only the whole is.
    pub minimum: Quantity,
    /// Which of the rule's technologies, counted from zero; `None` where the rule has none.
    pub technology: Option<u16>,
    /// The delivery year that it begins in, as far as the rule tells years apart.
    pub year: u16,
    /// Points of quality, as far as the rule values them.
    pub quality: Quantity,
    /// Offers of a participant under one number exclude each other.
    pub unit: Option<u32>,
}

/// What came out of a stack, beside the fills.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StackResult {
    /// Why nothing is awarded, if that is for want of competition.
    pub void: Option<Void>,
    /// With one price: at which score each pot, minimum and delivery year cleared.
    pub clearing: Vec<ClearingScore>,
    /// Every limit by its name, and what it has taken in if it is for all.
    pub limits: Vec<LimitUse>,
    /// What is awarded, and what it costs over all periods at the prices paid.
    pub totals: Totals,
    /// The same without the cap by origin, if there is one.
    pub without_origin_cap: Option<Totals>,
    /// The offers that are not awarded whole, best first: the reserve list. Everybody is shown its own.
    pub refused: Vec<Refused>,
}

/// What a limit has taken in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitUse {
    /// The limit's name.
    pub name: Name,
    /// How much; `None` where it is for each.
    pub used: Option<Size>,
}

/// An offer that is not awarded, or not whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// The offer.
    pub bid: BidId,
    /// Whose it is.
    pub participant: ParticipantId,
    /// Why.
    pub reason: Refusal,
    /// The strike with which it would have been awarded something, all others unchanged.
    pub winning_limit: WinningLimit,
}

/// Why an offer is not awarded, or no more of it. Limits are named by their place in [`StackResult::limits`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refusal {
    /// The least more of it would break these.
    Limited(Vec<Breach>),
    /// A limit that counts it takes nothing more since a better offer did not fit.
    Stopped {
        /// The limit.
        constraint: Constraint,
    },
    /// Its delivery year takes nothing more since a better offer did not fit.
    YearClosed,
    /// Another offer of its unit is awarded.
    Excluded,
    /// It asks more than its ceiling.
    AboveCeiling,
    /// Nothing is awarded at all.
    Void,
}

/// An award that its winner is asked to accept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AwardOffer {
    /// The offer.
    pub bid: BidId,
    /// Whose it is.
    pub participant: ParticipantId,
    /// How much a period.
    pub quantity: Quantity,
    /// The strike.
    pub price: Price,
    /// Whether it was called from the reserve list; then to decline it costs nothing.
    pub from_reserve: bool,
    /// Whether it was accepted.
    pub is_accepted: bool,
}

/// Who was asked, and what was answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Asking {
    /// All awards that stand or can still be accepted.
    pub(super) awards: Vec<AwardOffer>,
    /// Whoever declined or was silent.
    pub(super) declined: Vec<BidId>,
    /// How many of those there were when the awards that are open were offered.
    pub(super) declined_before: u32,
    /// Until when the open awards can be accepted.
    pub(super) until: Instant,
}

/// The most offers of a stack whose losers are told what would have won: each answer awards the whole auction many times.
// Rules: R-AUC-030.
pub const STACK_PROVED_MAX: usize = 200;

/// What a programme puts into a stack.
pub(super) struct Stake {
    /// No price is higher.
    ceiling: Price,
    /// What a unit is taken to be worth without it: the stress price, or the worst sale price.
    reference_price: Price,
    /// How much it awards at most.
    volume: Quantity,
    /// For how many periods, of those that an award at some instant is for.
    periods: u32,
    /// For how many at the most, whenever it is.
    longest: u32,
}

impl StackTerms {
    /// Refuses terms that no stack can be cleared by.
    // Rules: R-AUC-010.
    pub(super) fn check(&self, market: &Market, stake: &Stake) -> Result<(), Reject> {
        let off_grid = Reject::RuleOffGrid { tick: market.tick, lot: market.lot };
        if self.rule.lot.is_some_and(|lot| lot != market.lot) || self.rule.periods.is_some() {
            return Err(off_grid);
        }
        if self.bond.is_some_and(|bond| bond < Price::ZERO || !bond.is_on(market.tick)) {
            return Err(off_grid);
        }
        let rule = self.in_force(market, stake);
        rule.check().map_err(|error| Reject::SupportRule { fault: error.fault() })?;
        let fits = self.bond.is_none_or(|bond| bond.times(market.largest, market.currency).is_some());
        if fits { Ok(()) } else { Err(Reject::AmountTooLarge) }
    }

    /// The rule with what market and auction add to it.
    // Rules: R-AUC-069.
    fn in_force(&self, market: &Market, stake: &Stake) -> SupportRule {
        let limit = |name: &str, most: Most| {
            let (technologies, years) = (Vec::new(), None);
            name.parse().ok().map(|name: Name| Limit { name, each: Each::All, technologies, years, most })
        };
        let budget = self.budget.and_then(|amount| {
            limit("the auction's budget", Most::Money { amount, reference_price: stake.reference_price })
        });
        let mut rule = self.rule.clone();
        rule.limits
            .extend(limit("the auction's volume", Most::Quantity(stake.volume)).into_iter().chain(budget));
        rule.lot = Some(market.lot);
        rule.periods = NonZeroU32::new(stake.periods);
        rule.ceiling = rule.ceiling.into_iter().chain([stake.ceiling]).min();
        rule
    }

    /// What is held for an offer. Bond and quantity are on the market's grid, so that it is exact.
    pub(super) fn bond(&self, market: &Market, quantity: Quantity) -> Option<Money> {
        self.bond?.times(quantity, market.currency)?.exact()
    }

    /// Whether ties are decided by a draw.
    pub(super) const fn has_draw(&self) -> bool {
        matches!(self.rule.ties, Ties::SeededDraw)
    }
}

impl Auction {
    pub(super) const fn stack(&self) -> Option<&StackTerms> {
        self.terms.rule.stack()
    }
}

/// A stack as the award function takes it.
struct Offers {
    orders: Vec<Order>,
    ids: Vec<String>,
    owner_groups: Vec<u32>,
    details: Vec<BidDetails>,
    rows: BTreeMap<BidId, u32>,
}

impl Offers {
    fn list(&self, market: &Market) -> Vec<Offer<'_>> {
        let rows = self.orders.iter().zip(&self.ids).zip(self.owner_groups.iter().zip(&self.details));
        // The book keeps offers in order of time.
        rows.map(|((order, id), (owner_group, details))| {
            offer(market, order, id.as_bytes(), *owner_group, details)
        })
        .collect()
    }

    fn row(&self, bid: BidId) -> Option<u32> {
        self.rows.get(&bid).copied()
    }

    /// What was asked and not declined, and who declined.
    fn answered(&self, asking: &Asking) -> (Vec<Award>, Vec<u32>) {
        let standing = asking.awards.iter().filter_map(|award| {
            let offer = self.row(award.bid)?;
            Some(Award { offer, quantity: award.quantity, price: award.price, minimum: None })
        });
        let declined = asking.declined.iter().filter_map(|bid| self.row(*bid));
        (standing.collect(), declined.collect())
    }
}

// Rules: R-AUC-072.
fn offer<'a>(
    market: &Market,
    order: &Order,
    id: &'a [u8],
    owner_group: u32,
    details: &BidDetails,
) -> Offer<'a> {
    Offer {
        id,
        price: order.level.map_or(Price::ZERO, |level| market.price(level)),
        quantity: market.quantity(order.lots).unwrap_or(Quantity::ZERO),
        min_quantity: details.minimum,
        received: 0,
        owner_group,
        origin: order.origin,
        technology: details.technology,
        year: details.year,
        quality: details.quality,
        unit: details.unit.map(|unit| (u64::from(order.participant.0) << 32) | u64::from(unit)),
    }
}

impl State {
    /// Refuses an offer that its stack could not take.
    // Rules: R-AUC-065.
    pub(super) fn check_offer(
        &self,
        auction: &Auction,
        terms: &StackTerms,
        participant: ParticipantId,
        bid: &NewBid,
        replaced: Option<&Order>,
    ) -> Result<(), Reject> {
        let market = self.market_of(auction.terms.kind)?;
        let stake = self.stake(auction.terms.kind, Instant(0))?;
        let order = Order {
            bid: BidId { identity: IdentityId(0), command: CommandId(0) },
            participant,
            side: Side::Sell,
            level: bid.price.and_then(|price| market.level(price)),
            lots: market.check_quantity(bid.quantity)?,
            origin: bid.origin,
        };
        let details = bid.details.unwrap_or_default();
        self.check_minimum(auction, details.minimum, bid.quantity)?;
        // What all standing offers can cost together must be told, whatever of them is awarded.
        let total = auction.book.total_with(Side::Sell, (order.level, order.lots), replaced);
        let total = total.and_then(|lots| market.quantity(lots));
        let reference = terms.rule.lowest_reference().min(stake.reference_price);
        let widest =
            i128::from(stake.ceiling.millionths()).saturating_sub(i128::from(reference.millionths()));
        let cost = total.and_then(|total| {
            let periods = i128::from(stake.longest);
            i128::from(total.millionths()).checked_mul(widest.checked_abs()?)?.checked_mul(periods)
        });
        if cost.is_none_or(|cost| cost > i128::from(i64::MAX).saturating_mul(i128::from(MILLIONTHS))) {
            return Err(Reject::BookFull);
        }
        let ceiling = support::check_offer(&offer(market, &order, b"", 0, &details), &terms.rule)
            .map_err(|fault| Reject::OfferNotTaken { fault })?;
        match ceiling {
            Some(ceiling) if bid.price.is_some_and(|price| price > ceiling) => {
                Err(Reject::StrikeAboveCeiling { ceiling })
            }
            _ => Ok(()),
        }
    }

    fn offers(&self, auction: &Auction) -> Offers {
        let orders: Vec<Order> = auction.book.orders().collect();
        let owner = |order: &Order| {
            self.registry.participant(order.participant).map_or(0, |participant| participant.owner_group.0)
        };
        Offers {
            ids: orders.iter().map(|order| order.bid.to_string()).collect(),
            owner_groups: orders.iter().map(owner).collect(),
            details: orders
                .iter()
                .map(|order| auction.details.get(&order.bid).copied().unwrap_or_default())
                .collect(),
            rows: (0_u32..).zip(&orders).map(|(row, order)| (order.bid, row)).collect(),
            orders,
        }
    }

    /// The rule of a stack as it is in force for awards that are final at an instant.
    fn stack_rule(
        &self,
        auction: &Auction,
        terms: &StackTerms,
        final_at: Instant,
    ) -> Result<SupportRule, Reject> {
        let market = self.market_of(auction.terms.kind)?;
        Ok(terms.in_force(market, &self.stake(auction.terms.kind, final_at)?))
    }

    /// What a programme puts into a stack whose awards are final at an instant.
    pub(super) fn stake(&self, kind: AuctionKind, final_at: Instant) -> Result<Stake, Reject> {
        match kind {
            AuctionKind::Support { floor, per_period } => {
                let floor = self.floor(floor)?;
                Ok(Stake {
                    ceiling: floor.terms.price,
                    reference_price: floor.stress_price,
                    volume: per_period,
                    periods: floor.covers_from(final_at).map_or(0, |first| floor.periods_from(first)),
                    longest: floor.periods_from(floor.terms.first.first_day()),
                })
            }
            AuctionKind::Purchase { market, quantity, worst_sale, .. } => Ok(Stake {
                ceiling: self.market(market)?.highest,
                reference_price: worst_sale,
                volume: quantity,
                periods: 1,
                longest: 1,
            }),
            AuctionKind::Call { .. } | AuctionKind::Sale { .. } => Err(Reject::RuleKind),
        }
    }

    /// The result of a closed stack.
    // Rules: R-AUC-030.
    pub(super) fn stack_result(
        &self,
        auction: &Auction,
        terms: &StackTerms,
        draw: Option<Draw>,
        final_at: Instant,
    ) -> Result<AuctionResult, Reject> {
        let market = self.market_of(auction.terms.kind)?;
        let rule = self.stack_rule(auction, terms, final_at)?;
        let offers = self.offers(auction);
        let list = offers.list(market);
        let seed = draw.map(|draw| draw.seed().0);
        let seed = seed.as_ref().map(|seed| &seed[..]);
        let outcome = support::award(&list, &rule, seed).map_err(|error| not_awarded(&error))?;
        let fills: Vec<Fill> =
            outcome.awards.iter().filter_map(|award| fill(award, &list, &offers)).collect();
        let is_proved = list.len() <= STACK_PROVED_MAX;
        let winning = |row: u32, reason: &Reason| match reason {
            _ if !is_proved => WinningLimit::NotLookedFor,
            Reason::Void => WinningLimit::Nowhere,
            _ => match support::winning_price(&list, &rule, seed, row, (market.lowest, market.tick)) {
                Ok(Some(limit)) => WinningLimit::At(limit),
                _ => WinningLimit::Nowhere,
            },
        };
        let filled: BTreeSet<BidId> = fills.iter().map(|fill| fill.bid).collect();
        let refused = outcome.rejections.iter().filter_map(|rejection| {
            let order = usize::try_from(rejection.offer).ok().and_then(|row| offers.orders.get(row))?;
            Some(Refused {
                bid: order.bid,
                participant: order.participant,
                reason: Refusal::of(&rejection.reason),
                winning_limit: if filled.contains(&order.bid) {
                    WinningLimit::Nowhere
                } else {
                    winning(rejection.offer, &rejection.reason)
                },
            })
        });
        let stack = StackResult {
            void: outcome.void,
            clearing: outcome.clearing,
            limits: rule
                .limits
                .iter()
                .zip(outcome.used)
                .map(|(limit, used)| LimitUse { name: limit.name.clone(), used })
                .collect(),
            totals: outcome.totals,
            without_origin_cap: outcome.without_origin_cap,
            refused: refused.collect(),
        };
        let reserved = if fills.is_empty() {
            None
        } else {
            Some(self.reservation_of(auction.terms.kind, &fills, final_at)?)
        };
        Ok(AuctionResult { fills, reserved, draw, stack: Some(Box::new(stack)), ..AuctionResult::default() })
    }

    /// Asks the winners of a stack whether they accept; false where nobody is to be asked.
    // Rules: R-AUC-083.
    pub(super) fn ask_winners(
        &mut self,
        id: AuctionId,
        result: &AuctionResult,
        at: Instant,
        out: &mut Events,
    ) -> bool {
        let seconds =
            self.auctions.get(&id).and_then(Auction::stack).and_then(|terms| terms.acceptance_seconds);
        let until = seconds.and_then(|seconds| at.plus_seconds(seconds.get()));
        let (Some(until), false) = (until, result.fills.is_empty()) else {
            return false;
        };
        let awards: Vec<AwardOffer> = result
            .fills
            .iter()
            .map(|fill| AwardOffer {
                bid: fill.bid,
                participant: fill.participant,
                quantity: fill.quantity,
                price: fill.price,
                from_reserve: false,
                is_accepted: false,
            })
            .collect();
        out.push(Event::AwardsOffered { auction: id, until, awards: awards.clone() });
        if let Some(auction) = self.auctions.get_mut(&id) {
            let asking = Asking { awards, declined: Vec::new(), declined_before: 0, until };
            auction.stage = Stage::Asking { result: result.clone(), asking };
        }
        true
    }

    /// Accepts or declines an award that was offered.
    // Rules: R-AUC-084.
    pub(crate) fn answer_award(
        &mut self,
        at: Instant,
        id: AuctionId,
        bid: BidId,
        participant: ParticipantId,
        accepts: bool,
        out: &mut Events,
    ) -> Result<(), Reject> {
        let unknown = Reject::NoAwardOffered { bid };
        let Stage::Asking { asking, .. } = &self.auction(id)?.stage else {
            return Err(unknown);
        };
        if at >= asking.until {
            return Err(Reject::TooLate { closed_at: asking.until });
        }
        let is_open =
            |award: &AwardOffer| award.bid == bid && award.participant == participant && !award.is_accepted;
        if !asking.awards.iter().any(is_open) {
            return Err(unknown);
        }
        let Some(Stage::Asking { asking, .. }) = self.auctions.get_mut(&id).map(|auction| &mut auction.stage)
        else {
            return Err(unknown);
        };
        if accepts {
            asking
                .awards
                .iter_mut()
                .filter(|award| is_open(award))
                .for_each(|award| award.is_accepted = true);
            out.push(Event::AwardAccepted { auction: id, bid, participant });
        } else {
            self.decline(id, bid, out);
        }
        Ok(())
    }

    /// Takes back what is offered to a bid, because its owner declines or was silent.
    // Rules: R-AUC-085.
    fn decline(&mut self, id: AuctionId, bid: BidId, out: &mut Events) {
        let Some(auction) = self.auctions.get_mut(&id) else {
            return;
        };
        let Stage::Asking { asking, .. } = &mut auction.stage else {
            return;
        };
        let is_open = |award: &AwardOffer| award.bid == bid && !award.is_accepted;
        let Some(award) = asking.awards.iter().copied().find(is_open) else {
            return;
        };
        asking.awards.retain(|award| !is_open(award));
        asking.declined.push(bid);
        let forfeited = if award.from_reserve { None } else { self.forfeit_bond(id, bid) };
        out.push(Event::AwardDeclined { auction: id, bid, participant: award.participant, forfeited });
    }

    /// The time to accept is over: who was silent has declined, and what is free is offered down the reserve list. Returns the
    /// awards that stand, if nobody is left to be asked.
    // Rules: R-AUC-083.
    pub(super) fn end_asking(&mut self, id: AuctionId, at: Instant, out: &mut Events) -> Option<Vec<Fill>> {
        let Stage::Asking { asking, .. } = &self.auctions.get(&id)?.stage else {
            return None;
        };
        let until = asking.until.max(at);
        let silent: Vec<BidId> =
            asking.awards.iter().filter(|award| !award.is_accepted).map(|award| award.bid).collect();
        silent.into_iter().for_each(|bid| self.decline(id, bid, out));
        let called = self.call_reserve(id);
        let auction = self.auctions.get_mut(&id)?;
        let seconds = auction.stack().and_then(|terms| terms.acceptance_seconds);
        let next = seconds.and_then(|seconds| until.plus_seconds(seconds.get()));
        let Stage::Asking { asking, .. } = &mut auction.stage else {
            return None;
        };
        if let (Some(next), false) = (next, called.is_empty()) {
            asking.until = next;
            asking.declined_before = u32::try_from(asking.declined.len()).unwrap_or(u32::MAX);
            asking.awards.extend(&called);
            out.push(Event::AwardsOffered { auction: id, until: next, awards: called });
            return None;
        }
        let fill = |award: &AwardOffer| Fill {
            bid: award.bid,
            participant: award.participant,
            side: Side::Sell,
            quantity: award.quantity,
            price: award.price,
            reason: clearing::Reason::InTheMoney,
        };
        Some(asking.awards.iter().map(fill).collect())
    }

    /// Who is next on the reserve list for what has come free since the last call.
    // Rules: R-AUC-086.
    fn call_reserve(&self, id: AuctionId) -> Vec<AwardOffer> {
        let Some(auction) = self.auctions.get(&id) else {
            return Vec::new();
        };
        let (Stage::Asking { asking, result }, Some(terms)) = (&auction.stage, auction.stack()) else {
            return Vec::new();
        };
        if u32::try_from(asking.declined.len()) == Ok(asking.declined_before) {
            return Vec::new();
        }
        let (Ok(market), Ok(rule)) =
            (self.market_of(auction.terms.kind), self.stack_rule(auction, terms, asking.until))
        else {
            return Vec::new();
        };
        let offers = self.offers(auction);
        let list = offers.list(market);
        let (standing, declined) = offers.answered(asking);
        let seed = result.draw.map(|draw| draw.seed().0);
        let called =
            support::call_reserve(&list, &rule, seed.as_ref().map(|seed| &seed[..]), &standing, &declined);
        assert!(called.is_ok(), "the same offers were awarded by the same rule before");
        let awards = called.map(|outcome| outcome.awards).unwrap_or_default();
        let offered = awards.iter().filter_map(|award| {
            let order = usize::try_from(award.offer).ok().and_then(|row| offers.orders.get(row))?;
            Some(AwardOffer {
                bid: order.bid,
                participant: order.participant,
                quantity: award.quantity,
                price: award.price,
                from_reserve: true,
                is_accepted: false,
            })
        });
        offered.collect()
    }

    /// Whether a stack that was read from a snapshot can go on: its offers are ones that it admits, and nothing is asked of
    /// others than those who made them.
    pub(super) fn is_stack_sound(&self, auction: &Auction, terms: &StackTerms) -> bool {
        let (Ok(market), Ok(stake)) =
            (self.market_of(auction.terms.kind), self.stake(auction.terms.kind, Instant(0)))
        else {
            return false;
        };
        let rule = terms.in_force(market, &Stake { periods: stake.longest, ..stake });
        let offers = self.offers(auction);
        let list = offers.list(market);
        let seed = Some(&b"any"[..]);
        let Stage::Asking { asking, .. } = &auction.stage else {
            return support::award(&list, &rule, seed).is_ok();
        };
        let is_own = |award: &AwardOffer| {
            let order = offers.row(award.bid).and_then(|row| offers.orders.get(usize::try_from(row).ok()?));
            order.is_some_and(|order| order.participant == award.participant)
        };
        let (standing, declined) = offers.answered(asking);
        terms.acceptance_seconds.is_some()
            && asking.awards.iter().all(is_own)
            && support::call_reserve(&list, &rule, seed, &standing, &declined).is_ok()
    }
}

impl Refusal {
    fn of(reason: &Reason) -> Self {
        match reason {
            Reason::AboveCeiling { .. } => Self::AboveCeiling,
            Reason::Limited(breaches) => Self::Limited(breaches.clone()),
            Reason::Stopped { constraint, .. } => Self::Stopped { constraint: *constraint },
            Reason::YearClosed { .. } => Self::YearClosed,
            Reason::Excluded { .. } => Self::Excluded,
            Reason::Void => Self::Void,
        }
    }
}

impl StackResult {
    /// The result as a participant may see it: of the refused, its own.
    // Rules: R-AUC-028.
    pub(super) fn shown_to(&self, reader: Option<ParticipantId>) -> Self {
        let own = self.refused.iter().filter(|refused| Some(refused.participant) == reader);
        let refused = own.cloned().collect();
        Self {
            void: self.void,
            clearing: self.clearing.clone(),
            limits: self.limits.clone(),
            totals: self.totals,
            without_origin_cap: self.without_origin_cap,
            refused,
        }
    }
}

/// An award as a fill.
fn fill(award: &Award, list: &[Offer<'_>], offers: &Offers) -> Option<Fill> {
    let row = usize::try_from(award.offer).ok()?;
    let (order, offer) = (offers.orders.get(row)?, list.get(row)?);
    let reason = if award.quantity < offer.quantity {
        clearing::Reason::Rationed
    } else if award.price == offer.price {
        clearing::Reason::AtThePrice
    } else {
        clearing::Reason::InTheMoney
    };
    let (quantity, price) = (award.quantity, award.price);
    Some(Fill { bid: order.bid, participant: order.participant, side: Side::Sell, quantity, price, reason })
}

/// The rule and each offer were checked when they came in, so that only their sum can be too large.
fn not_awarded(error: &SupportError) -> Reject {
    assert!(matches!(error, SupportError::TooLarge), "rule and offers were checked: {error}");
    Reject::AmountTooLarge
}
