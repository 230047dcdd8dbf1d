//! A participant's statement: its awards, its entitlements, and its difference payments period by period.
//!
//! It is built from events and asks nobody. Events that concern others are passed over, so an operator's or an
//! auditor's events serve as well as the participant's own. What it cannot know it does not guess: an award in a
//! market whose definition was not among the events is marked so, has no amount, and is in no total. Awards count
//! in the totals once they are final; until then they can be challenged, or the auction cancelled.

use std::collections::BTreeMap;

use golv_engine::auction::{AuctionKind, AuctionResult, AwardOffer};
use golv_engine::book::Side;
use golv_engine::cfd::{Entitlement, SettlementLine, SettlementRun};
use golv_engine::command::Action;
use golv_engine::event::Event;
use golv_engine::id::{AuctionId, BidId, DataVersion, EntitlementId, FloorId, MarketId, ParticipantId};
use golv_engine::market::Unit;
use golv_engine::num::{Currency, Money, Price, Quantity};
use golv_engine::time::{Day, Instant, Month, Period};
use serde_json::{Value, json};

use super::show::{line_json, money_json, period_json};
use super::words;
use crate::print::{self, money, price, quantity, sum, table};

/// A participant's statement, as far as its events have been added.
#[derive(Debug)]
pub struct Statement {
    participant: ParticipantId,
    scope: Scope,
    markets: BTreeMap<MarketId, (Unit, Currency)>,
    floors: BTreeMap<FloorId, MarketId>,
    auctions: BTreeMap<AuctionId, AuctionKind>,
    /// In the order in which they were won.
    awards: Vec<Award>,
    entitlements: Vec<(EntitlementId, Entitlement)>,
    /// By period and run, then in the order in which the floors were settled.
    payments: BTreeMap<(Period, u32), Vec<Payment>>,
}

/// What a statement is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Everything.
    All,
    /// The difference payments of the periods that begin in a month alone.
    Month(Month),
    /// The difference payments that were posted on a day alone.
    Day(Day),
}

impl Scope {
    fn has(self, run: &SettlementRun) -> bool {
        match self {
            Self::All => true,
            Self::Month(month) => run.period.first.month() == month,
            Self::Day(day) => run.day == day,
        }
    }
}

/// What one bid was given.
#[derive(Debug)]
struct Award {
    auction: AuctionId,
    bid: BidId,
    side: Side,
    price: Price,
    quantity: Quantity,
    standing: AwardStanding,
}

/// How sure an award is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AwardStanding {
    Challengeable {
        final_at: Instant,
    },
    /// Its winner is asked whether it accepts.
    Offered {
        until: Instant,
    },
    Accepted,
    Final,
    Cancelled,
    /// Its winner did not accept it.
    Declined,
}

#[derive(Debug)]
struct Payment {
    floor: FloorId,
    day: Day,
    version: DataVersion,
    line: SettlementLine,
}

/// The totals of one currency; `None` where one is larger than can be held.
#[derive(Clone, Copy)]
struct Totals {
    bought: Option<Money>,
    sold: Option<Money>,
    difference_payments: Option<Money>,
}

impl Statement {
    /// An empty statement of a participant.
    pub const fn new(participant: ParticipantId, scope: Scope) -> Self {
        Self {
            participant,
            scope,
            markets: BTreeMap::new(),
            floors: BTreeMap::new(),
            auctions: BTreeMap::new(),
            awards: Vec::new(),
            entitlements: Vec::new(),
            payments: BTreeMap::new(),
        }
    }

    /// Adds the next event. All are added in their order, from the first.
    pub fn add(&mut self, event: &Event) {
        match event {
            Event::ActionConfirmed { action, .. } => self.add_action(action),
            Event::AuctionCleared { auction, final_at, result } if self.scope == Scope::All => {
                self.add_awards(*auction, *final_at, result);
            }
            Event::AuctionFinalised { auction } => self.set_standing(*auction, AwardStanding::Final),
            Event::AwardsOffered { auction, until, awards } if self.scope == Scope::All => {
                let standing = AwardStanding::Offered { until: *until };
                let participant = self.participant;
                for award in awards.iter().filter(|award| award.participant == participant) {
                    if award.from_reserve {
                        let AwardOffer { bid, price, quantity, .. } = *award;
                        let (auction, side) = (*auction, Side::Sell);
                        self.awards.push(Award { auction, bid, side, price, quantity, standing });
                    } else {
                        self.set_standing_of(*auction, award.bid, standing);
                    }
                }
            }
            Event::AwardAccepted { auction, bid, .. } => {
                self.set_standing_of(*auction, *bid, AwardStanding::Accepted);
            }
            Event::AwardDeclined { auction, bid, .. } => {
                self.set_standing_of(*auction, *bid, AwardStanding::Declined);
            }
            Event::SaleSettled { auction, lines, .. } if self.scope == Scope::All => {
                let own = lines.iter().filter(|line| line.participant == self.participant);
                self.awards.extend(own.map(|line| Award {
                    auction: *auction,
                    bid: line.bid,
                    side: Side::Sell,
                    price: line.price,
                    quantity: line.quantity,
                    standing: AwardStanding::Final,
                }));
            }
            &Event::EntitlementGranted { entitlement, terms }
                if terms.holder == self.participant && self.scope == Scope::All =>
            {
                self.entitlements.push((entitlement, terms));
            }
            Event::EntitlementNovated { entitlement, from, .. } if *from == self.participant => {
                self.entitlements.retain(|(id, _)| id != entitlement);
            }
            Event::EntitlementTerminated { entitlement, last, .. } => {
                let ended = self.entitlements.iter_mut().filter(|(id, _)| id == entitlement);
                ended.for_each(|(_, terms)| terms.last = *last);
            }
            Event::SettlementRunCompleted { run } if self.scope.has(run) => {
                let own = run.lines.iter().filter(|line| line.holder == self.participant);
                let (floor, day, version) = (run.floor, run.day, run.version);
                let payments = own.map(|&line| Payment { floor, day, version, line });
                self.payments.entry((run.period, run.number)).or_default().extend(payments);
            }
            _ => {}
        }
    }

    fn add_action(&mut self, action: &Action) {
        match action {
            Action::DefineMarket { market, terms } => {
                self.markets.insert(*market, (terms.unit, terms.currency));
            }
            Action::SetFloor { floor, terms } => {
                self.floors.insert(*floor, terms.market);
            }
            Action::AnnounceAuction { auction, terms } => {
                self.auctions.insert(*auction, terms.kind);
            }
            Action::CancelAuction { auction } => self.set_standing(*auction, AwardStanding::Cancelled),
            _ => {}
        }
    }

    fn add_awards(&mut self, auction: AuctionId, final_at: Instant, result: &AuctionResult) {
        let own = result.fills.iter().filter(|fill| fill.participant == self.participant);
        self.awards.extend(own.map(|fill| Award {
            auction,
            bid: fill.bid,
            side: fill.side,
            price: fill.price,
            quantity: fill.quantity,
            standing: AwardStanding::Challengeable { final_at },
        }));
    }

    fn set_standing_of(&mut self, auction: AuctionId, bid: BidId, standing: AwardStanding) {
        let own = self.awards.iter_mut().filter(|award| award.auction == auction && award.bid == bid);
        own.for_each(|award| award.standing = standing);
    }

    fn set_standing(&mut self, auction: AuctionId, standing: AwardStanding) {
        let open = |award: &&mut Award| award.auction == auction && award.standing != AwardStanding::Declined;
        for award in self.awards.iter_mut().filter(open) {
            award.standing = standing;
        }
    }

    /// Unit and currency of what an auction trades or supports, if its market was seen.
    fn terms_of(&self, auction: AuctionId) -> Option<(Unit, Currency)> {
        let market = match self.auctions.get(&auction)? {
            AuctionKind::Call { market, .. } | AuctionKind::Purchase { market, .. } => market,
            AuctionKind::Support { floor, .. } => self.floors.get(floor)?,
            AuctionKind::Sale { purchase } => match self.auctions.get(purchase)? {
                AuctionKind::Purchase { market, .. } => market,
                _ => return None,
            },
        };
        self.markets.get(market).copied()
    }

    /// The unit of what a floor supports, if its market was seen.
    fn unit_under(&self, floor: FloorId) -> Option<Unit> {
        self.markets.get(self.floors.get(&floor)?).map(|(unit, _)| *unit)
    }

    /// Whether its awards are paid for later: as an entitlement, or as what was bought is sold.
    fn is_paid_later(&self, auction: AuctionId) -> bool {
        let kind = self.auctions.get(&auction);
        matches!(kind, Some(AuctionKind::Support { .. } | AuctionKind::Purchase { .. }))
    }

    /// What an award is worth. `None` in a support auction, which awards an entitlement, in a purchase, which is paid as it is sold,
    /// and where the market was not seen.
    fn amount(&self, award: &Award) -> Option<Money> {
        if self.is_paid_later(award.auction) {
            return None;
        }
        let (_, currency) = self.terms_of(award.auction)?;
        award.price.times(award.quantity, currency).map(|rounded| rounded.amount)
    }

    fn payments(&self) -> impl Iterator<Item = (Period, u32, &Payment)> {
        self.payments
            .iter()
            .flat_map(|(&(period, run), payments)| payments.iter().map(move |payment| (period, run, payment)))
    }

    fn totals(&self) -> BTreeMap<Currency, Totals> {
        let mut totals = BTreeMap::new();
        let mut of = |currency: Currency, total: fn(&mut Totals) -> &mut Option<Money>, amount: Money| {
            let zero = Some(Money::zero(currency));
            let nothing = Totals { bought: zero, sold: zero, difference_payments: zero };
            let total = total(totals.entry(currency).or_insert(nothing));
            *total = total.and_then(|sum| sum.checked_add(amount));
        };
        for award in self.awards.iter().filter(|award| award.standing == AwardStanding::Final) {
            if let Some(amount) = self.amount(award) {
                match award.side {
                    Side::Buy => of(amount.currency, |totals| &mut totals.bought, amount),
                    Side::Sell => of(amount.currency, |totals| &mut totals.sold, amount),
                }
            }
        }
        for (_, _, payment) in self.payments() {
            for posted in [payment.line.delta, payment.line.interest] {
                of(posted.currency, |totals| &mut totals.difference_payments, posted);
            }
        }
        totals
    }

    /// The statement as tables, those without rows left out.
    pub fn table(&self) -> String {
        let mut sections = Vec::new();
        let mut section = |title: &str, columns: &[&str], rows: Vec<Vec<String>>| {
            if !rows.is_empty() {
                sections.push(format!("{title}\n{}", table(columns, rows)));
            }
        };
        section(
            "Awards",
            &[">auction", "bid", "award", ">quantity", "unit", ">price", ">amount", "currency", "standing"],
            self.awards.iter().map(|award| self.award_row(award)).collect(),
        );
        section(
            "Entitlements",
            &[
                ">entitlement",
                ">floor",
                ">per period",
                "unit",
                "from",
                "to",
                ">strike",
                ">reserved when granted",
                "currency",
            ],
            self.entitlements.iter().map(|(id, terms)| self.entitlement_row(*id, terms)).collect(),
        );
        let columns = [
            "period",
            ">run",
            "posted on",
            ">floor",
            ">entitlement",
            ">quantity",
            "unit",
            ">strike",
            ">reference price",
            ">amount",
            ">delta",
            ">interest",
            "currency",
        ];
        let payments = self.payments().map(|(period, run, payment)| self.payment_row(period, run, payment));
        section("Difference payments", &columns, payments.collect());
        let totals = self.totals().into_iter().map(|(currency, totals)| {
            let sums = [totals.bought, totals.sold, totals.difference_payments];
            let sums = sums.map(|sum| sum.map_or_else(|| "larger than can be held".to_owned(), money));
            [currency.code().to_owned()].into_iter().chain(sums).collect()
        });
        section("Totals", &["currency", ">bought", ">sold", ">difference payments"], totals.collect());
        if sections.is_empty() { "Nothing to state.".to_owned() } else { sections.join("\n\n") }
    }

    fn award_row(&self, award: &Award) -> Vec<String> {
        let terms = self.terms_of(award.auction);
        let deal = match award.side {
            _ if matches!(self.auctions.get(&award.auction), Some(AuctionKind::Support { .. })) => {
                "is supported"
            }
            Side::Buy => "buys",
            Side::Sell => "sells",
        };
        let standing = match award.standing {
            AwardStanding::Challengeable { final_at } => format!("final at {final_at}"),
            AwardStanding::Offered { until } => format!("to be accepted until {until}"),
            AwardStanding::Accepted => "accepted".to_owned(),
            AwardStanding::Final => "final".to_owned(),
            AwardStanding::Cancelled => "cancelled".to_owned(),
            AwardStanding::Declined => "declined".to_owned(),
        };
        vec![
            award.auction.to_string(),
            award.bid.to_string(),
            deal.to_owned(),
            quantity(award.quantity),
            symbol(terms.map(|(unit, _)| unit)),
            price(award.price),
            self.amount(award).map_or_else(|| "-".to_owned(), money),
            terms.map_or("market not seen", |(_, currency)| currency.code()).to_owned(),
            standing,
        ]
    }

    fn entitlement_row(&self, id: EntitlementId, entitlement: &Entitlement) -> Vec<String> {
        vec![
            id.to_string(),
            entitlement.floor.to_string(),
            quantity(entitlement.per_period),
            symbol(self.unit_under(entitlement.floor)),
            entitlement.first.to_string(),
            entitlement.last.to_string(),
            price(entitlement.strike),
            money(entitlement.reserved),
            entitlement.reserved.currency.code().to_owned(),
        ]
    }

    fn payment_row(&self, period: Period, run: u32, payment: &Payment) -> Vec<String> {
        let line = &payment.line;
        vec![
            period.to_string(),
            print::grouped(&run.to_string()),
            payment.day.to_string(),
            payment.floor.to_string(),
            line.entitlement.to_string(),
            quantity(line.quantity),
            symbol(self.unit_under(payment.floor)),
            price(line.strike),
            line.reference_price.map_or_else(|| "-".to_owned(), price),
            money(line.amount),
            money(line.delta),
            money(line.interest),
            line.amount.currency.code().to_owned(),
        ]
    }

    /// The statement as an object: `participant`, `month` or `day`, `awards`, `entitlements`, `difference_payments`, `totals`.
    ///
    /// What was not seen, and a total that is larger than can be held, is null.
    pub fn json(&self) -> Value {
        let (month, day) = match self.scope {
            Scope::All => (None, None),
            Scope::Month(month) => (Some(month.to_string()), None),
            Scope::Day(day) => (None, Some(day.to_string())),
        };
        json!({
            "participant": self.participant.0,
            "month": month,
            "day": day,
            "awards": self.awards.iter().map(|award| self.award_json(award)).collect::<Vec<_>>(),
            "entitlements": self.entitlements.iter().map(|(id, entitlement)| json!({
                "entitlement": id.0,
                "floor": entitlement.floor.0,
                "per_period": entitlement.per_period.to_string(),
                "unit": self.unit_under(entitlement.floor).map(Unit::symbol),
                "first": entitlement.first.to_string(),
                "last": entitlement.last.to_string(),
                "strike": entitlement.strike.to_string(),
                "reserved_when_granted": money_json(entitlement.reserved),
            })).collect::<Vec<_>>(),
            "difference_payments": self.payments().map(|(period, run, payment)| {
                let mut object = line_json(&payment.line);
                object["period"] = period_json(period);
                object["run"] = run.into();
                object["day"] = payment.day.to_string().into();
                object["version"] = payment.version.0.into();
                object["floor"] = payment.floor.0.into();
                object["unit"] = self.unit_under(payment.floor).map(Unit::symbol).into();
                object
            }).collect::<Vec<_>>(),
            "totals": self.totals().into_iter().map(|(currency, totals)| json!({
                "currency": currency.code(),
                "bought": totals.bought.map(decimal),
                "sold": totals.sold.map(decimal),
                "difference_payments": totals.difference_payments.map(decimal),
            })).collect::<Vec<_>>(),
        })
    }

    fn award_json(&self, award: &Award) -> Value {
        let terms = self.terms_of(award.auction);
        let (standing, final_at, accept_until) = match award.standing {
            AwardStanding::Challengeable { final_at } => ("challengeable", Some(final_at.to_string()), None),
            AwardStanding::Offered { until } => ("offered", None, Some(until.to_string())),
            AwardStanding::Accepted => ("accepted", None, None),
            AwardStanding::Final => ("final", None, None),
            AwardStanding::Cancelled => ("cancelled", None, None),
            AwardStanding::Declined => ("declined", None, None),
        };
        let kind = self.auctions.get(&award.auction).map(|kind| match kind {
            AuctionKind::Call { .. } => "call",
            AuctionKind::Support { .. } => "support",
            AuctionKind::Purchase { .. } => "purchase",
            AuctionKind::Sale { .. } => "sale",
        });
        json!({
            "auction": award.auction.0,
            "kind": kind,
            "bid": award.bid.to_string(),
            "side": words::side(award.side),
            "quantity": award.quantity.to_string(),
            "unit": terms.map(|(unit, _)| unit.symbol()),
            "price": award.price.to_string(),
            "currency": terms.map(|(_, currency)| currency.code()),
            "amount": self.amount(award).map(decimal),
            "standing": standing,
            "final_at": final_at,
            "accept_until": accept_until,
        })
    }
}

fn symbol(unit: Option<Unit>) -> String {
    unit.map_or("-", Unit::symbol).to_owned()
}

fn decimal(amount: Money) -> String {
    sum(amount.millionths.into(), amount.currency)
}

#[cfg(test)]
mod tests;
