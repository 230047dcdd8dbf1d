//! A participant's statement: its awards, its entitlements, and its difference payments period by period.
//!
//! It is built from events and asks nobody. Events that concern others are passed over, so an operator's or an
//! auditor's events serve as well as the participant's own. What it cannot know it does not guess: an award in a
//! market whose definition was not among the events is marked so, has no amount, and is in no total. Awards count
//! in the totals once they are final; until then they can be challenged, or the auction cancelled.

use std::collections::BTreeMap;

use golv_engine::auction::{AuctionKind, AuctionResult};
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
use crate::print::{self, money, price, quantity, table};

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
    /// The difference payments that were posted on a day alone: their total is what is paid that day.
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
    standing: Standing,
}

/// How sure an award is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Challengeable {
        final_at: Instant,
    },
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
            Event::AuctionFinalised { auction } => self.set_standing(*auction, Standing::Final),
            Event::AwardsOffered { auction, until, awards } if self.scope == Scope::All => {
                let called = awards.iter().filter(|award| award.from_reserve);
                let own = called.filter(|award| award.participant == self.participant);
                self.awards.extend(own.map(|award| Award {
                    auction: *auction,
                    bid: award.bid,
                    side: Side::Sell,
                    price: award.price,
                    quantity: award.quantity,
                    standing: Standing::Challengeable { final_at: *until },
                }));
            }
            Event::AwardDeclined { auction, bid, .. } => {
                let declined =
                    self.awards.iter_mut().filter(|award| award.auction == *auction && award.bid == *bid);
                declined.for_each(|award| award.standing = Standing::Declined);
            }
            Event::SaleSettled { auction, lines, .. } if self.scope == Scope::All => {
                let own = lines.iter().filter(|line| line.participant == self.participant);
                self.awards.extend(own.map(|line| Award {
                    auction: *auction,
                    bid: line.bid,
                    side: Side::Sell,
                    price: line.price,
                    quantity: line.quantity,
                    standing: Standing::Final,
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
            Action::CancelAuction { auction } => self.set_standing(*auction, Standing::Cancelled),
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
            standing: Standing::Challengeable { final_at },
        }));
    }

    fn set_standing(&mut self, auction: AuctionId, standing: Standing) {
        let open = |award: &&mut Award| award.auction == auction && award.standing != Standing::Declined;
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
        for award in self.awards.iter().filter(|award| award.standing == Standing::Final) {
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
            &[">auction", "bid", "", ">quantity", "unit", ">price", ">amount", "currency", "standing"],
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
                ">reserved at first",
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
            ">posted",
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
            _ if self.is_paid_later(award.auction) => "is supported",
            Side::Buy => "buys",
            Side::Sell => "sells",
        };
        let standing = match award.standing {
            Standing::Challengeable { final_at } => format!("final at {final_at}"),
            Standing::Final => "final".to_owned(),
            Standing::Cancelled => "cancelled".to_owned(),
            Standing::Declined => "declined".to_owned(),
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
                "reserved_at_first": money_json(entitlement.reserved),
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
        let (standing, final_at) = match award.standing {
            Standing::Challengeable { final_at } => ("challengeable", Some(final_at.to_string())),
            Standing::Final => ("final", None),
            Standing::Cancelled => ("cancelled", None),
            Standing::Declined => ("declined", None),
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
        })
    }
}

fn symbol(unit: Option<Unit>) -> String {
    unit.map_or("-", Unit::symbol).to_owned()
}

fn decimal(amount: Money) -> String {
    Price::from_millionths(amount.millionths).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use golv_engine::clearing::{Allocation, Candidates, Criterion, Reason, Rule};
    use std::num::NonZeroU32;

    use golv_engine::auction::{AuctionTerms, Fill};
    use golv_engine::cfd::{ContractTerms, PayoffRule};
    use golv_engine::id::{CommandId, IdentityId, IndexId, ProgrammeId, ProposalId};
    use golv_engine::market::{FloorTerms, Market};
    use golv_engine::time::Calendar;

    const ME: ParticipantId = ParticipantId(21);
    const OTHER: ParticipantId = ParticipantId(22);
    const SUPPORT: AuctionId = AuctionId(1);
    const CALL: AuctionId = AuctionId(2);
    const LATER_CALL: AuctionId = AuctionId(3);
    const NOON: Instant = Instant(1_543_838_400_000_000_000);

    fn units(units: i64) -> Price {
        Price::from_units(units).expect("fits")
    }

    fn tonnes(units: u32) -> Quantity {
        Quantity::from_units(units).expect("fits")
    }

    fn dollars(units: i64) -> Money {
        Money { currency: Currency::Usd, millionths: units * 1_000_000 }
    }

    fn month(number: u8) -> Month {
        Month::new(2019, number).expect("a month")
    }

    fn confirmed(action: Action) -> Event {
        let proposal = ProposalId { identity: IdentityId(1), command: CommandId(1) };
        Event::ActionConfirmed { proposal, by: IdentityId(2), action }
    }

    fn market() -> Event {
        let terms = Market {
            name: "Lithium metal".parse().expect("a name"),
            unit: Unit::Tonne,
            currency: Currency::Usd,
            lot: tonnes(1),
            tick: units(10),
            lowest: units(10),
            highest: units(600_000),
            largest: tonnes(1_000),
        };
        confirmed(Action::DefineMarket { market: MarketId(1), terms })
    }

    fn floor() -> Event {
        let terms = FloorTerms {
            market: MarketId(1),
            programme: ProgrammeId(1),
            index: IndexId(1),
            price: units(105_000),
            stress_price: units(60_000),
            first: month(1),
            last: month(12),
            origins: vec!["FI".parse().expect("a country")],
            contract: Box::new(ContractTerms::monthly_floor()),
        };
        confirmed(Action::SetFloor { floor: FloorId(1), terms })
    }

    fn announced(auction: AuctionId, kind: AuctionKind) -> Event {
        let terms = AuctionTerms {
            kind,
            opens_at: NOON,
            closes_at: NOON,
            challenge_seconds: NonZeroU32::MIN,
            rule: Rule::new(Candidates::Limits, vec![Criterion::MostVolume], Allocation::ProRata).into(),
            lot_commitment: None,
        };
        confirmed(Action::AnnounceAuction { auction, terms })
    }

    fn cleared(auction: AuctionId, side: Side, number: i64) -> Event {
        let fill = |participant: ParticipantId| Fill {
            bid: BidId { identity: IdentityId(participant.0), command: CommandId(5) },
            participant,
            side,
            quantity: tonnes(20),
            price: units(number),
            reason: Reason::AtThePrice,
        };
        let result = AuctionResult { fills: vec![fill(OTHER), fill(ME)], ..AuctionResult::default() };
        Event::AuctionCleared { auction, final_at: NOON, result }
    }

    fn granted(holder: ParticipantId) -> Event {
        Event::EntitlementGranted {
            entitlement: EntitlementId(holder.0),
            terms: Entitlement {
                floor: FloorId(1),
                holder,
                strike: units(95_000),
                per_period: tonnes(20),
                first: month(1).first_day(),
                last: month(12).last_day(),
                deal: None,
                upside_from: None,
                reserved: dollars(8_400_000),
            },
        }
    }

    fn settled(number: u8, run: u32, reference: i64, amount: i64, delta: i64) -> Event {
        let line = |holder: ParticipantId| SettlementLine {
            entitlement: EntitlementId(holder.0),
            holder,
            strike: units(95_000),
            reference_price: Some(units(reference)),
            delivered: tonnes(20),
            quantity: tonnes(20),
            rule: PayoffRule::Support,
            amount: dollars(amount),
            remainder: dollars(0),
            delta: dollars(delta),
            interest: dollars(if run > 1 { -1 } else { 0 }),
        };
        Event::SettlementRunCompleted {
            run: SettlementRun {
                floor: FloorId(1),
                period: Calendar::Monthly.period(month(number).first_day()),
                number: run,
                version: DataVersion(u64::from(run)),
                day: month(number + u8::try_from(run).expect("few")).first_day(),
                index: IndexId(1),
                reference_price: Some(units(reference)),
                lines: vec![line(ME), line(OTHER)],
                posted: dollars(delta),
                free: dollars(0),
                reserved: dollars(0),
            },
        }
    }

    fn statement(scope: Scope, events: impl IntoIterator<Item = Event>) -> Statement {
        let mut statement = Statement::new(ME, scope);
        for event in events {
            statement.add(&event);
        }
        statement
    }

    fn story() -> Vec<Event> {
        let support = AuctionKind::Support { floor: FloorId(1), per_period: tonnes(120) };
        let call = AuctionKind::Call { market: MarketId(1), stock: None };
        vec![
            market(),
            floor(),
            announced(SUPPORT, support),
            cleared(SUPPORT, Side::Sell, 95_000),
            Event::AuctionFinalised { auction: SUPPORT },
            granted(ME),
            granted(OTHER),
            announced(CALL, call),
            announced(LATER_CALL, call),
            cleared(CALL, Side::Sell, 90_000),
            Event::AuctionFinalised { auction: CALL },
            cleared(LATER_CALL, Side::Sell, 91_000),
            settled(1, 1, 92_000, 60_000, 60_000),
            settled(2, 1, 96_000, 0, 0),
            settled(1, 2, 93_000, 40_000, -20_000),
        ]
    }

    #[test]
    fn a_statement_is_told_as_tables() {
        let told = statement(Scope::All, story()).table();
        // How wide a column is belongs to the table's layout.
        let lines: Vec<_> = told
            .lines()
            .filter(|line| !line.starts_with('─') && !line.is_empty())
            .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        let expected = [
            "Awards",
            "auction bid quantity unit price amount currency standing",
            "1 21.5 is supported 20 t 95,000 - USD final",
            "2 21.5 sells 20 t 90,000 1,800,000.00 USD final",
            "3 21.5 sells 20 t 91,000 1,820,000.00 USD final at 2018-12-03T12:00:00Z",
            "Entitlements",
            "entitlement floor per period unit from to strike reserved at first currency",
            "21 1 20 t 2019-01-01 2019-12-31 95,000 8,400,000.00 USD",
            "Difference payments",
            "period run posted on floor entitlement quantity unit strike reference price amount posted interest currency",
            "2019-01 1 2019-02-01 1 21 20 t 95,000 92,000 60,000.00 60,000.00 0.00 USD",
            "2019-01 2 2019-03-01 1 21 20 t 95,000 93,000 40,000.00 -20,000.00 -1.00 USD",
            "2019-02 1 2019-03-01 1 21 20 t 95,000 96,000 0.00 0.00 0.00 USD",
            "Totals",
            "currency bought sold difference payments",
            "USD 0.00 1,800,000.00 39,999.00",
        ];
        assert_eq!(lines, expected, "{told}");
    }

    /// Only what is final is totalled, and others' lines never.
    #[test]
    fn a_statement_is_told_as_json() {
        let told = statement(Scope::All, story()).json();
        let totals = json!([{
            "currency": "USD", "bought": "0", "sold": "1800000", "difference_payments": "39999",
        }]);
        assert_eq!(told["totals"], totals);
        assert_eq!(
            told["awards"][1],
            json!({
                "auction": 2, "kind": "call", "bid": "21.5", "side": "sell", "quantity": "20", "unit": "t",
                "price": "90000", "currency": "USD", "amount": "1800000", "standing": "final",
                "final_at": null,
            })
        );
        assert_eq!(told["awards"][0]["amount"], Value::Null, "a strike is no amount");
        assert_eq!(told["awards"][2]["standing"], "challengeable");
        assert_eq!(told["awards"][2]["final_at"], "2018-12-03T12:00:00Z");
        assert_eq!(
            told["entitlements"],
            json!([{
                "entitlement": 21, "floor": 1, "per_period": "20", "unit": "t", "first": "2019-01-01",
                "last": "2019-12-31", "strike": "95000", "reserved_at_first": {"amount": "8400000", "currency": "USD"},
            }])
        );
        let payments = told["difference_payments"].as_array().expect("a list");
        let periods: Vec<_> =
            payments.iter().map(|payment| (&payment["period"]["first"], &payment["run"])).collect();
        assert_eq!(json!(periods), json!([["2019-01-01", 1], ["2019-01-01", 2], ["2019-02-01", 1]]));
        assert_eq!(
            payments[1],
            json!({
                "period": {"first": "2019-01-01", "last": "2019-01-31"}, "run": 2, "day": "2019-03-01",
                "version": 2, "floor": 1, "entitlement": 21, "holder": 21, "delivered": "20", "quantity": "20",
                "unit": "t", "strike": "95000", "reference_price": "93000", "rule": "support",
                "amount": {"amount": "40000", "currency": "USD"},
                "remainder": {"amount": "0", "currency": "USD"},
                "delta": {"amount": "-20000", "currency": "USD"},
                "interest": {"amount": "-1", "currency": "USD"},
            })
        );
    }

    #[test]
    fn with_a_month_it_tells_its_difference_payments_alone() {
        let told = statement(Scope::Month(month(1)), story()).json();
        assert_eq!(told["month"], "2019-01");
        assert_eq!((&told["awards"], &told["entitlements"]), (&json!([]), &json!([])));
        assert_eq!(told["difference_payments"].as_array().map(Vec::len), Some(2));
        assert_eq!(told["totals"][0]["difference_payments"], "39999");
    }

    /// What is posted on a day is netted: a correction of January with its interest, and February.
    #[test]
    fn with_a_day_it_tells_what_was_posted_then() {
        let told = statement(Scope::Day(month(3).first_day()), story()).json();
        assert_eq!((&told["month"], &told["day"]), (&Value::Null, &json!("2019-03-01")));
        assert_eq!(told["difference_payments"].as_array().map(Vec::len), Some(2));
        assert_eq!(told["totals"][0]["difference_payments"], "-20001");
    }

    #[test]
    fn a_novated_contract_leaves_the_statement_and_a_terminated_one_ends() {
        let entitlement = EntitlementId(ME.0);
        let last = month(6).last_day();
        let ended = Event::EntitlementTerminated { entitlement, holder: ME, last, released: dollars(1) };
        let told = statement(Scope::All, story().into_iter().chain([ended])).json();
        assert_eq!(told["entitlements"][0]["last"], "2019-06-30");
        let novated = Event::EntitlementNovated { entitlement, from: ME, to: OTHER };
        let told = statement(Scope::All, story().into_iter().chain([novated])).json();
        assert_eq!(told["entitlements"], json!([]));
    }

    #[test]
    fn a_cancelled_auction_awards_nothing() {
        let cancel = confirmed(Action::CancelAuction { auction: CALL });
        let call = announced(CALL, AuctionKind::Call { market: MarketId(1), stock: None });
        let told = statement(Scope::All, [market(), call, cleared(CALL, Side::Buy, 90_000), cancel]);
        assert_eq!(told.json()["awards"][0]["standing"], "cancelled");
        assert_eq!(told.json()["totals"], json!([]));
        assert!(told.table().contains("cancelled"));
    }

    #[test]
    fn a_market_that_was_not_seen_is_not_guessed() {
        let finalised = Event::AuctionFinalised { auction: CALL };
        let told = statement(Scope::All, [cleared(CALL, Side::Buy, 90_000), finalised]);
        assert!(told.table().contains("market not seen"));
        assert_eq!(told.json()["awards"][0]["currency"], Value::Null);
        assert_eq!(told.json()["awards"][0]["amount"], Value::Null);
        assert_eq!(told.json()["totals"], json!([]));
    }

    #[test]
    fn what_was_bought_and_sold_is_kept_apart() {
        let call = |auction| announced(auction, AuctionKind::Call { market: MarketId(1), stock: None });
        let [bought, sold] = [CALL, LATER_CALL].map(|auction| Event::AuctionFinalised { auction });
        let told = statement(
            Scope::All,
            [
                market(),
                call(CALL),
                call(LATER_CALL),
                cleared(CALL, Side::Buy, 90_000),
                cleared(LATER_CALL, Side::Sell, 10),
                bought,
                sold,
            ],
        );
        assert_eq!(told.json()["totals"][0]["bought"], "1800000");
        assert_eq!(told.json()["totals"][0]["sold"], "200");
    }

    #[test]
    fn a_total_that_is_too_large_is_said_to_be_so() {
        let half = i64::MAX / 1_000_000 / 2 + 1;
        let told = statement(Scope::All, [settled(1, 1, 1, half, half), settled(2, 1, 1, half, half)]);
        assert_eq!(told.json()["totals"][0]["difference_payments"], Value::Null);
        assert!(told.table().contains("larger than can be held"));
    }

    #[test]
    fn an_empty_statement_says_so() {
        assert_eq!(statement(Scope::All, []).table(), "Nothing to state.");
        assert_eq!(statement(Scope::Month(month(3)), story()).table(), "Nothing to state.");
    }
}
