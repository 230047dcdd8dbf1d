//! A market day that was played, as data: what the tables, the JSON and the report are made of.

use std::collections::BTreeMap;

use golv_engine::bilateral::RoundProof;
use golv_engine::cfd::SettlementRun;
use golv_engine::clearing::Criterion;
use golv_engine::id::ParticipantId;
use golv_engine::money::Level;
use golv_engine::num::{Currency, Money, Price, Quantity};
use golv_sim::day::gallium::{self, GalliumRound, Proposal, Wanted};
use golv_sim::day::{self, Played, Refusal, SmallMonth, Won};
use golv_sim::prices::Series;
use golv_sim::report::{
    AuctionReport, AwardRow, CallAward, DayReport, Deal, LimitRow, MonthReport, ProgrammeReport, RefusalRow,
    RequestRow, RoundReport, SupportAward,
};
use golv_sim::traders::{Business, Trader};
use serde_json::{Value, json};

use crate::command_line::words;
use crate::pipeline::Stopped;
use crate::print;

/// Everything that is told of a market day.
pub(super) struct Told {
    pub(super) seed: u64,
    /// How many QUIC sessions the day was played over; `None` within one process.
    pub(super) sessions: Option<usize>,
    pub(super) traders: Vec<Trader>,
    pub(super) support: Played,
    pub(super) won: Vec<Won>,
    pub(super) call: Played,
    /// The round of bilateral matching.
    pub(super) gallium: GalliumRound,
    pub(super) runs: Vec<SettlementRun>,
    /// The programme that comes to its limit, month by month.
    pub(super) small: Vec<SmallMonth>,
    pub(super) refusals: Vec<Refusal>,
    /// Where the exchange stood when it was stopped, and after it was started again.
    pub(super) before: Stopped,
    pub(super) after: Stopped,
}

/// What one trader got out of the day.
pub(super) struct Got<'a> {
    pub(super) trader: &'a Trader,
    pub(super) won: Option<&'a Won>,
    /// Bought or sold in the call auction.
    pub(super) traded: Quantity,
    /// What it paid (negative) or was paid for that.
    pub(super) value: Money,
    /// Difference payments over all months.
    pub(super) differences: Money,
}

/// A calendar year of settlement.
pub(super) struct Year {
    pub(super) year: i32,
    pub(super) lowest: Price,
    pub(super) highest: Price,
    pub(super) months: usize,
    pub(super) months_paid: usize,
    pub(super) paid: Money,
}

const NOTHING: Money = Money::zero(Currency::Usd);

fn sum(mut amounts: impl Iterator<Item = Money>) -> Money {
    amounts
        .try_fold(NOTHING, Money::checked_add)
        .expect("a day's payments are dollars and come to less than nine trillion")
}

impl Told {
    /// What each trader got, in the traders' order.
    pub(super) fn got(&self) -> Vec<Got<'_>> {
        self.traders
            .iter()
            .map(|trader| {
                let id = trader.participant();
                let won = self.won.iter().find(|won| won.holder == id);
                let fills = self.call.result.fills.iter().filter(|fill| fill.participant == id);
                let traded = fills
                    .map(|fill| fill.quantity)
                    .try_fold(Quantity::ZERO, Quantity::checked_add)
                    .expect("a trader's fills are some hundred tonnes");
                let price = self.call.result.price().unwrap_or(Price::ZERO);
                let value = price
                    .times(traded, Currency::Usd)
                    .map(|rounded| rounded.amount)
                    .expect("a market's largest bid at its widest price fits");
                let value = match trader.business {
                    Business::Supplier { .. } => value,
                    Business::Buyer => value.checked_neg().expect("an amount in cents has its negative"),
                };
                Got { trader, won, traded, value, differences: self.differences(id) }
            })
            .collect()
    }

    fn differences(&self, holder: ParticipantId) -> Money {
        let lines = self.runs.iter().flat_map(|run| &run.lines);
        sum(lines.filter(|line| line.holder == holder).map(|line| line.delta))
    }

    /// What the programme paid over all runs.
    pub(super) fn paid(&self) -> Money {
        sum(self.runs.iter().map(|run| run.posted))
    }

    /// The months of the small programme in which something is told of: claims wait, money is added, or a level is crossed.
    pub(super) fn small_months(&self) -> impl Iterator<Item = &SmallMonth> {
        let mut waited = false;
        self.small.iter().filter(move |month| {
            let waits = !month.waits.is_zero();
            let is_told = waits || waited || month.level.is_some() || month.added.is_some();
            waited = waits;
            is_told
        })
    }

    /// Settlement by calendar year.
    pub(super) fn years(&self) -> Vec<Year> {
        let mut years = BTreeMap::<i32, Vec<&SettlementRun>>::new();
        for run in &self.runs {
            years.entry(run.period.first.year()).or_default().push(run);
        }
        years
            .into_iter()
            .map(|(year, runs)| {
                let prices = || runs.iter().filter_map(|run| run.reference_price);
                Year {
                    year,
                    lowest: prices().min().unwrap_or(Price::ZERO),
                    highest: prices().max().unwrap_or(Price::ZERO),
                    months: runs.len(),
                    months_paid: runs.iter().filter(|run| !run.posted.is_zero()).count(),
                    paid: sum(runs.iter().map(|run| run.posted)),
                }
            })
            .collect()
    }

    /// The whole as JSON; numbers as decimal text.
    pub(super) fn json(&self, report: &str) -> Value {
        let text = |price: Option<Price>| price.map(|price| price.to_string());
        let auction = |played: &Played| {
            json!({
                "price": text(played.result.price()),
                "volume": played.result.volume().to_string(),
                "demand": played.result.demand().to_string(),
                "supply": played.result.supply().to_string(),
                "decided_by": played.result.step().map(Criterion::name),
                "fills": played.result.fills.iter().map(|fill| json!({
                    "participant": fill.participant.0,
                    "bid": fill.bid.to_string(),
                    "side": words::side(fill.side),
                    "quantity": fill.quantity.to_string(),
                })).collect::<Vec<_>>(),
            })
        };
        json!({
            "seed": self.seed,
            "quic_sessions": self.sessions,
            "traders": self.got().iter().map(|got| json!({
                "participant": got.trader.id,
                "name": got.trader.name,
                "country": got.trader.country,
                "strike": text(got.won.map(|won| won.strike)),
                "per_period": got.won.map(|won| won.per_period.to_string()),
                "traded": got.traded.to_string(),
                "value": amount(got.value),
                "difference_payments": amount(got.differences),
            })).collect::<Vec<_>>(),
            "support_auction": auction(&self.support),
            "call_auction": auction(&self.call),
            "gallium_round": gallium_json(&self.gallium),
            "refusals": self.refusals.iter().map(|refusal| json!({
                "trader": refusal.trader,
                "tried": refusal.tried,
                "code": refusal.reason.code(),
                "name": refusal.reason.name(),
                "reason": refusal.reason.to_string(),
            })).collect::<Vec<_>>(),
            "settlement": self.runs.iter().map(|run| json!({
                "month": run.period.to_string(),
                "reference_price": text(run.reference_price),
                "paid": amount(run.posted),
            })).collect::<Vec<_>>(),
            "programme": {
                "funded": amount(day::funded()),
                "paid": amount(self.paid()),
                "reserved": self.runs.last().map(|run| amount(run.reserved)),
                "free": self.runs.last().map(|run| amount(run.free)),
            },
            "programme_at_its_limit": {
                "funded": amount(day::small_funded()),
                "months": self.small.iter().map(|month| json!({
                    "month": month.month.to_string(),
                    "due": amount(month.due),
                    "paid": amount(month.paid),
                    "waits": amount(month.waits),
                    "level": month.level.map(words::level),
                    "added": month.added.map(amount),
                })).collect::<Vec<_>>(),
            },
            "currency": "USD",
            "report": report,
            "sequence": self.before.sequence.0,
            "state_digest": self.before.state.to_string(),
            "chain_digest": self.before.chain.to_string(),
            "state_digest_after_restart": self.after.state.to_string(),
            "chain_digest_after_restart": self.after.chain.to_string(),
        })
    }

    /// The day as its report shows it.
    pub(super) fn report(&self) -> DayReport {
        let last = self.runs.last();
        DayReport {
            title: "A lithium market day".to_owned(),
            introduction: "A support auction lets suppliers compete for a price floor, a call auction \
                           sells lithium metal at one price, gallium of one supplier is matched bilaterally, \
                           and then every month is settled on the published price."
                .to_owned(),
            seed: self.seed,
            market: day::market().name.to_string(),
            unit: "t".to_owned(),
            currency: Currency::Usd,
            support: auction("Support auction, 12 to 16 November 2018", "t a month", &self.support),
            call: auction("Call auction, 3 December 2018", "t", &self.call),
            settlement: self
                .runs
                .iter()
                .filter_map(|run| {
                    let (month, reference_price) = (run.period.first.month(), run.reference_price?);
                    Some(MonthReport { month, reference_price, payment: run.posted })
                })
                .collect(),
            awards: self.got().iter().map(|got| self.award(got)).collect(),
            refusals: self
                .refusals
                .iter()
                .map(|refusal| RefusalRow {
                    participant: refusal.trader.to_owned(),
                    tried: refusal.tried.clone(),
                    reason: refusal.reason.to_string(),
                    code: format!("{} {}", refusal.reason.code(), refusal.reason.name()),
                })
                .collect(),
            programme: ProgrammeReport {
                funded: day::funded(),
                paid: self.paid(),
                reserved: last.map_or(NOTHING, |run| run.reserved),
                free: last.map_or(NOTHING, |run| run.free),
            },
            round: Some(self.round()),
            limit: self
                .small_months()
                .map(|month| LimitRow {
                    month: month.month,
                    due: month.due,
                    paid: month.paid,
                    waits: month.waits,
                    what: happened(month),
                })
                .collect(),
            state_digest: self.before.state.to_string(),
            chain_digest: self.before.chain.to_string(),
            price_source: self.source().to_owned(),
        }
    }

    fn award(&self, got: &Got<'_>) -> AwardRow {
        let (role, deal) = match got.trader.business {
            Business::Supplier { .. } => ("supplier", Deal::Sold),
            Business::Buyer => ("buyer", Deal::Bought),
        };
        let price = self.call.result.price().filter(|_| !got.traded.is_zero());
        AwardRow {
            participant: got.trader.name.to_owned(),
            role: role.to_owned(),
            country: got.trader.country.to_owned(),
            support: got.won.map(|won| SupportAward { per_period: won.per_period, strike: won.strike }),
            call: price.map(|price| CallAward { deal, quantity: got.traded, price }),
            difference_payments: got.differences,
        }
    }

    /// The gallium round as the report shows it.
    fn round(&self) -> RoundReport {
        let round = &self.gallium;
        let requests = round.requests.iter().map(|wanted| {
            let proposal = round.proposals.iter().find(|proposal| proposal.buyer == wanted.buyer);
            RequestRow {
                buyer: requester(wanted),
                wanted: wanted.quantity,
                limit: wanted.limit,
                proposed: proposal.map(|proposal| (proposal.quantity, proposal.price)),
                outcome: proposal.map_or_else(|| "nothing was proposed".to_owned(), outcome),
            }
        });
        RoundReport {
            name: GALLIUM_HEADING.to_owned(),
            summary: format!("{} {}", gallium_offer(round), gallium_result(round)),
            unit: gallium::market().unit.symbol().to_owned(),
            requests: requests.collect(),
            reference_price: gallium_reference_price(),
        }
    }

    /// Where the reference prices are from.
    pub(super) fn source(&self) -> &'static str {
        Series::lithium_metal().source
    }
}

fn auction(name: &str, unit: &str, played: &Played) -> AuctionReport {
    let Played { supply, demand, result } = played;
    AuctionReport {
        name: name.to_owned(),
        unit: unit.to_owned(),
        supply: supply.clone(),
        demand: demand.clone(),
        price: result.price(),
        volume: result.volume(),
        offered: result.supply(),
        wanted: result.demand(),
        decided_by: result.step().map(decided_by),
    }
}

/// What the gallium round is called.
pub(super) const GALLIUM_HEADING: &str = "Gallium, 10 December 2018: one supplier, matched bilaterally";

/// What is offered.
pub(super) fn gallium_offer(round: &GalliumRound) -> String {
    format!(
        "{} offers {} kg for at least {} USD/kg; no deal is made below {} USD/kg.",
        round.supplier,
        print::quantity(round.offered),
        print::price(round.ask),
        print::price(gallium::board().rule.floor.unwrap_or(Price::ZERO)),
    )
}

/// What the round came to.
pub(super) fn gallium_result(round: &GalliumRound) -> String {
    let proof = match round.proof {
        RoundProof::Proved => ", and dual prices prove that no more can be",
        RoundProof::Claimed(_) | RoundProof::Unknown => "",
    };
    format!(
        "The round matched {} kg{proof}. {} kg are left on the board.",
        print::quantity(round.matched),
        print::quantity(round.left),
    )
}

/// The price that everybody looks to, and whose it is.
pub(super) fn gallium_reference_price() -> String {
    format!("{} USD/kg ({})", gallium::YEARS_PRICE_USD, gallium::SOURCE)
}

/// Who requests: a buyer, or a group by its members.
pub(super) fn requester(wanted: &Wanted) -> String {
    let others = wanted.members.iter().skip(1).map(|(name, ..)| *name).collect::<Vec<_>>();
    if others.is_empty() {
        wanted.buyer.to_owned()
    } else {
        format!("{} with {}", wanted.buyer, others.join(" and "))
    }
}

/// What came of a proposal.
pub(super) fn outcome(proposal: &Proposal) -> String {
    let shares = proposal.shares();
    let split = shares.iter().map(|(name, share)| format!("{name} {}", print::quantity(*share)));
    let split = split.collect::<Vec<_>>().join(", ");
    match (&proposal.deal, proposal.countered) {
        (None, _) => "declined; back on the board".to_owned(),
        (Some(_), Some(price)) => format!("countered with {} and accepted", print::price(price)),
        (Some(_), None) if split.is_empty() => "accepted".to_owned(),
        (Some(_), None) => format!("accepted, and split: {split} kg"),
    }
}

/// The gallium round as JSON.
fn gallium_json(round: &GalliumRound) -> Value {
    json!({
        "supplier": round.supplier,
        "offered": round.offered.to_string(),
        "ask": round.ask.to_string(),
        "requests": round.requests.iter().map(|wanted| json!({
            "buyer": wanted.buyer,
            "quantity": wanted.quantity.to_string(),
            "limit": wanted.limit.to_string(),
            "members": wanted.members.iter().map(|(name, quantity, limit)| json!({
                "name": name,
                "quantity": quantity.to_string(),
                "limit": limit.to_string(),
            })).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
        "matched": round.matched.to_string(),
        "proved": round.proof == RoundProof::Proved,
        "proposals": round.proposals.iter().map(|proposal| json!({
            "buyer": proposal.buyer,
            "quantity": proposal.quantity.to_string(),
            "price": proposal.price.to_string(),
            "countered": proposal.countered.map(|price| price.to_string()),
            "deal": proposal.deal.as_ref().map(|deal| json!({
                "price": deal.price.to_string(),
                "quantity": deal.quantity.to_string(),
                "shares": proposal.shares().iter().map(|(name, share)| json!({
                    "name": name,
                    "quantity": share.to_string(),
                })).collect::<Vec<_>>(),
            })),
        })).collect::<Vec<_>>(),
        "left": round.left.to_string(),
    })
}

/// What was told of a month of the small programme.
pub(super) fn happened(month: &SmallMonth) -> String {
    let level = month.level.map(|level| match level {
        Level::Normal => "less than 80 % of it is used".to_owned(),
        Level::High => "80 % of it is used".to_owned(),
        Level::Full => "all of it is used: nothing new is granted".to_owned(),
    });
    let added =
        month.added.map(|added| format!("its funder adds {} {}", print::money(added), added.currency));
    level.into_iter().chain(added).collect::<Vec<_>>().join("; ")
}

fn amount(money: Money) -> String {
    Price::from_millionths(money.millionths).to_string()
}

/// A cascade step in words.
pub(super) fn decided_by(step: Criterion) -> String {
    step.name().replace('-', " ")
}
