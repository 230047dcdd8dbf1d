//! Random steps that somebody tries in a small world, each checked as it is made.

use std::collections::{BTreeMap, BTreeSet};

use golv_engine::auction::{AuctionKind, AuctionResult, BidDetails, StackTerms, WinningLimit};
use golv_engine::book::Side;
use golv_engine::clearing::{Order, certificate, check, clear, winning_limits};
use golv_engine::command::{Action, Command, NewBid};
use golv_engine::event::Event;
use golv_engine::id::*;
use golv_engine::key::KeyFingerprint;
use golv_engine::num::{Price, Quantity};
use golv_engine::participant::Standing;
use proptest::prelude::*;

use super::*;

/// Keys that are bound now and then: those whose bytes are all less than this.
pub const KEYS: u8 = 8;

/// Something that somebody tries.
#[derive(Clone, Debug)]
pub enum Step {
    Send(IdentityId, Command),
    Propose(IdentityId, Action),
    /// Proposes and confirms.
    Agree(Action),
    /// Confirms the latest proposal.
    Confirm(IdentityId),
    /// Changes one of the bids placed so far.
    Replace(IdentityId, prop::sample::Index, Option<Price>, Quantity),
    Withdraw(IdentityId, prop::sample::Index),
    /// Accepts or declines the award to one of the bids placed so far.
    Answer(IdentityId, prop::sample::Index, bool),
    Wait(u32),
    /// Sends the last command again, under the same id.
    Again,
}

fn somebody() -> impl Strategy<Value = IdentityId> {
    (0_u32..11).prop_map(IdentityId)
}

fn a_price() -> impl Strategy<Value = Price> {
    // Mostly on the tick and where bids cross, at times off it or outside the band.
    prop_oneof![8 => (35_i64..60).prop_map(|tens| price(tens * 10)), 1 => (0_i64..1_100).prop_map(price)]
}

fn a_limit() -> impl Strategy<Value = Option<Price>> {
    prop_oneof![9 => a_price().prop_map(Some), 1 => Just(None)]
}

fn a_rule() -> impl Strategy<Value = Rule> {
    let cascades = [
        vec![Criterion::MostVolume, Criterion::LastAcceptedOffer, Criterion::Reference],
        vec![Criterion::MostVolume, Criterion::LeastSurplus, Criterion::Midpoint, Criterion::Highest],
        rule().cascade,
    ];
    let allocations =
        [Allocation::PriceTime, Allocation::ProRata, Allocation::QuantityPriority, Allocation::SeededDraw];
    let candidates = prop::sample::select(Candidates::ALL);
    let floor = prop_oneof![4 => Just(None), 1 => (30_i64..60).prop_map(|tens| Some(price(tens * 10)))];
    (candidates, prop::sample::select(cascades.to_vec()), prop::sample::select(allocations.to_vec()), floor)
        .prop_map(|(candidates, cascade, allocation, floor)| Rule {
            floor,
            reference_price: Some(price(500)),
            ..Rule::new(candidates, cascade, allocation)
        })
}

fn a_quantity() -> impl Strategy<Value = Quantity> {
    prop_oneof![8 => (1_u32..50).prop_map(quantity), 1 => Just(quantity(0)), 1 => Just(quantity(101))]
}

fn an_auction() -> impl Strategy<Value = AuctionId> {
    prop_oneof![3 => Just(CALL), 3 => Just(SUPPORT), 2 => Just(DRAWN), 3 => Just(STACK), 1 => (1_u32..7).prop_map(AuctionId)]
}

fn a_bid() -> impl Strategy<Value = Step> {
    let side = prop_oneof![Just(Side::Buy), Just(Side::Sell)];
    let origin =
        prop_oneof![4 => Just("FI"), 1 => Just("CN")].prop_map(|code| code.parse().expect("a country"));
    let details =
        (0_u16..3, 0_u16..2, prop::option::weighted(0.2, 0_u32..2)).prop_map(|(technology, year, unit)| {
            BidDetails {
                minimum: quantity(u32::from(year)),
                technology: (technology < 2).then_some(technology),
                year,
                quality: quantity(1),
                unit,
            }
        });
    (somebody(), an_auction(), side, a_limit(), a_quantity(), origin, details, 0..10).prop_map(
        |(sender, auction, side, price, quantity, origin, details, odd)| {
            // Mostly somebody who may bid on that side.
            let fitting = match side {
                Side::Buy => BUYERS[sender.0 as usize % 3],
                Side::Sell => SUPPLIERS[sender.0 as usize % 3],
            };
            let sender = if odd == 0 { sender } else { fitting };
            let origin = ((side == Side::Sell) != (odd == 1)).then_some(origin);
            let details = ((auction == STACK) != (odd == 2)).then_some(details);
            Step::Send(
                sender,
                Command::PlaceBid { auction, bid: NewBid { side, price, quantity, origin, details } },
            )
        },
    )
}

fn an_action() -> impl Strategy<Value = Action> {
    let participant = prop_oneof![2 => 4_u32..7, 1 => 0_u32..11].prop_map(ParticipantId);
    let standing = prop_oneof![1 => Just(Standing::Suspended), 2 => Just(Standing::Active)];
    prop_oneof![
        // The version says how much older than the newest data it is meant to be.
        16 => (prop_oneof![3 => 1_u8..3, 1 => 3_u8..8], prop_oneof![4 => Just(0_u64), 1 => 1_u64..3])
            .prop_map(|(number, older)| Action::Settle {
                floor: FLOOR,
                period: month(2019, number).first_day(),
                version: DataVersion(older),
            }),
        6 => (participant.clone(), a_quantity())
            .prop_map(|(holder, per_period)| Action::GrantEntitlement { floor: FLOOR, holder, per_period }),
        2 => (participant.clone(), -1_i64..900, any::<bool>()).prop_map(|(participant, amount, deposits)| {
            let amount = dollars(amount);
            if deposits {
                Action::DepositCollateral { participant, amount }
            } else {
                Action::ReturnCollateral { participant, amount }
            }
        }),
        1 => an_auction().prop_map(|auction| Action::CancelAuction { auction }),
        2 => (-1_i64..50_000).prop_map(|amount| fund(dollars(amount))),
        1 => (participant, standing).prop_map(|(participant, standing)| Action::SetStanding { participant, standing }),
        1 => somebody().prop_map(|identity| Action::RevokeIdentity { identity }),
        1 => (0_u32..3).prop_map(|version| Action::ChangeRules { version }),
        1 => (somebody(), 0..KEYS, any::<bool>()).prop_map(|(identity, key, rotates)| Action::BindKey {
            identity,
            key: KeyFingerprint([key; 32]),
            others_end_at: rotates.then(|| month(2019, 1).end().expect("in reach")),
        }),
        2 => (1_u32..6, 1_u32..200, a_quantity(), a_rule()).prop_map(|(auction, opens_in, per_period, rule)| {
            let now = month(2019, 1).end().expect("in reach");
            let opens_at = now.plus_seconds(hours(opens_in)).expect("fits");
            let closes_at = opens_at.plus_seconds(hours(5)).expect("fits");
            let call = AuctionKind::Call { market: MARKET, stock: None };
            let support = AuctionKind::Support { floor: FLOOR, per_period };
            let kind = if opens_in % 2 == 0 { call } else { support };
            let is_drawn = rule.allocation == Allocation::SeededDraw;
            let draw_commitment = is_drawn.then(|| SECRET.commitment());
            let terms = AuctionTerms { rule: rule.into(), draw_commitment, ..terms(kind, opens_at, closes_at) };
            Action::AnnounceAuction { auction: AuctionId(auction), terms }
        }),
    ]
}

pub fn a_step() -> impl Strategy<Value = Step> {
    let operator = prop_oneof![8 => Just(OPERATORS[0]), 8 => Just(OPERATORS[1]), 1 => somebody()];
    let trader = prop_oneof![somebody(), Just(BUYERS[0]), Just(SUPPLIERS[0])];
    let which = any::<prop::sample::Index>();
    prop_oneof![
        12 => a_bid(),
        3 => (trader.clone(), which.clone(), a_limit(), a_quantity())
            .prop_map(|(sender, which, price, quantity)| Step::Replace(sender, which, price, quantity)),
        9 => (trader.clone(), which.clone(), prop::bool::weighted(0.7))
            .prop_map(|(sender, which, accepts)| Step::Answer(sender, which, accepts)),
        1 => (trader, which).prop_map(|(sender, which)| Step::Withdraw(sender, which)),
        6 => (operator.clone(), an_action()).prop_map(|(sender, action)| Step::Propose(sender, action)),
        4 => an_action().prop_map(Step::Agree),
        6 => operator.clone().prop_map(Step::Confirm),
        3 => prop_oneof![3 => 1_u32..hours(10), 1 => hours(24)..hours(72), 2 => hours(24)..hours(24 * 20)].prop_map(Step::Wait),
        3 => (operator, an_auction())
            .prop_flat_map(|(sender, auction)| {
                let secret = prop_oneof![2 => Just(None), 1 => Just(Some(SECRET))];
                secret.prop_map(move |secret| Step::Send(sender, Command::ClearAuction { auction, secret }))
            }),
        6 => (prop_oneof![3 => 1_u8..3, 1 => 3_u8..8], -100_i64..520).prop_map(|(number, units)| {
            Step::Send(PUBLISHER, publish(INDEX, month(2019, number).last_day(), price(units)))
        }),
        1 => Just(Step::Again),
    ]
}

/// A world with two open auctions in which steps were tried, each checked as it was.
pub struct Tried {
    pub world: World,
    bids: Vec<(AuctionId, BidId)>,
    proposal: Option<ProposalId>,
    /// The names of what was accepted and of why something was refused.
    pub seen: BTreeSet<&'static str>,
}

impl Tried {
    pub fn new(steps: &[Step]) -> Self {
        let (mut world, bids, proposal, seen) = (World::open(100_000), Vec::new(), None, BTreeSet::new());
        world.open_stack();
        let mut tried = Self { world, bids, proposal, seen };
        steps.iter().for_each(|step| tried.step(step));
        tried
    }

    pub fn step(&mut self, step: &Step) {
        match step.clone() {
            Step::Send(sender, command) => {
                let id = self.send(sender, command.clone());
                if let (Some(id), Command::PlaceBid { auction, .. }) = (id, command) {
                    self.bids.push((auction, BidId { identity: sender, command: id }));
                }
            }
            Step::Propose(sender, action) => {
                let action = self.dated(action);
                let id = self.send(sender, Command::Propose { action });
                self.proposal = id.map(|command| ProposalId { identity: sender, command }).or(self.proposal);
            }
            Step::Agree(action) => {
                let action = self.dated(action);
                if let Some(command) = self.send(OPERATORS[0], Command::Propose { action }) {
                    let proposal = ProposalId { identity: OPERATORS[0], command };
                    self.send(OPERATORS[1], Command::Confirm { proposal });
                }
            }
            Step::Confirm(sender) => {
                if let Some(proposal) = self.proposal {
                    self.send(sender, Command::Confirm { proposal });
                }
            }
            Step::Replace(sender, which, price, quantity) if !self.bids.is_empty() => {
                let (auction, bid) = *which.get(&self.bids);
                // Mostly its owner.
                let sender = if sender.0 % 3 == 0 { sender } else { bid.identity };
                self.send(sender, Command::ReplaceBid { auction, bid, price, quantity });
            }
            Step::Withdraw(sender, which) if !self.bids.is_empty() => {
                let (auction, bid) = *which.get(&self.bids);
                let sender = if sender.0 % 3 == 0 { sender } else { bid.identity };
                self.send(sender, Command::WithdrawBid { auction, bid });
            }
            Step::Answer(sender, which, accepts) if !self.asked().is_empty() => {
                let (auction, bid) = *which.get(&self.asked());
                let sender = if sender.0 % 3 == 0 { sender } else { bid.identity };
                self.send(
                    sender,
                    if accepts {
                        Command::AcceptAward { auction, bid }
                    } else {
                        Command::DeclineAward { auction, bid }
                    },
                );
            }
            Step::Wait(seconds) => {
                let to = self.world.now.plus_seconds(seconds).expect("fits");
                self.send(OPERATORS[0], Command::SetClock { to });
            }
            Step::Again => {
                let line = self.world.journal.iter().rfind(|line| line.sender != IdentityId::SYSTEM);
                let line = line.expect("the world was set up by commands").clone();
                let (before, happened) = (self.world.exchange.state_digest(), self.world.events.len());
                let first = self.world.answer(line.sender, line.id);
                let outcome = self.world.send_as(line.sender, line.id, line.command);
                if let Some(first) = first {
                    assert_eq!(outcome, first.outcome, "asked twice, answered alike");
                }
                assert_eq!(self.world.answer(line.sender, line.id), first);
                assert_eq!(self.world.exchange.state_digest(), before, "asked twice, done once");
                assert_eq!(self.world.events.len(), happened);
            }
            Step::Replace(..) | Step::Withdraw(..) | Step::Answer(..) => {}
        }
    }

    /// A settlement on data that are so much older than the newest.
    fn dated(&self, action: Action) -> Action {
        match action {
            Action::Settle { floor, period, version: DataVersion(older) } => {
                let version = DataVersion(self.world.exchange.data_version().0.saturating_sub(older));
                Action::Settle { floor, period, version }
            }
            other => other,
        }
    }

    /// The bids whose awards were offered, or those that can still win one.
    fn asked(&self) -> Vec<(AuctionId, BidId)> {
        let offered = self.world.events.iter().filter_map(|event| match event {
            Event::AwardsOffered { auction, awards, .. } => {
                Some(awards.iter().map(|award| (*auction, award.bid)))
            }
            _ => None,
        });
        let offered: Vec<_> = offered.flatten().collect();
        if !offered.is_empty() {
            return offered;
        }
        self.bids.iter().copied().filter(|(auction, _)| *auction == STACK).collect()
    }

    /// Sends a command and checks what must hold after any.
    pub fn send(&mut self, sender: IdentityId, command: Command) -> Option<CommandId> {
        let before = self.world.exchange.state_digest();
        let happened = self.world.events.len();
        let outcome = self.world.send(sender, command);
        match outcome {
            Ok(_) => {}
            Err(reject) => {
                self.seen.insert(reject.name());
                assert_eq!(
                    self.world.exchange.state_digest(),
                    before,
                    "a refusal changes no state: {reject}"
                );
                assert_eq!(self.world.events.len(), happened, "nothing happens by a refusal: {reject}");
            }
        }
        assert!(self.world.exchange.is_conserved(), "money is conserved");
        for event in &self.world.events[happened..] {
            if let Event::AuctionCleared { auction, result, .. } = event {
                check_result(*auction, result, &self.world);
                let cleared = result.price().is_some() || !result.fills.is_empty();
                self.seen.insert(if cleared { "Cleared" } else { "ClearedEmpty" });
                if result.draw.is_some() && !result.fills.is_empty() {
                    self.seen.insert("Drawn");
                }
            }
            self.seen.insert(match event {
                Event::EntitlementGranted { .. } => "EntitlementGranted",
                Event::AuctionFinalised { .. } => "AuctionFinalised",
                Event::SettlementRunCompleted { run } if run.number > 1 => "Reconciled",
                Event::SettlementRunCompleted { run } if run.posted.millionths > 0 => "Paid",
                Event::AwardAccepted { .. } => "AwardAccepted",
                Event::AwardDeclined { forfeited: Some(_), .. } => "BondForfeited",
                Event::AwardsOffered { awards, .. } if awards.iter().any(|award| award.from_reserve) => {
                    "ReserveCalled"
                }
                Event::BidReplaced { .. } => "BidReplaced",
                Event::BidWithdrawn { .. } => "BidWithdrawn",
                _ => "Other",
            });
        }
        outcome.ok()
    }
}

/// What a stack awards keeps its limits, and costs no less than was asked and no more than the ceiling.
fn check_stack(terms: &StackTerms, result: &AuctionResult) {
    let within =
        result.reserved.is_none_or(|reserved| reserved.millionths <= terms.budget.expect("one").millionths());
    assert!(within, "{result:?}");
    let total: i64 = result.fills.iter().map(|fill| fill.quantity.millionths()).sum();
    let stack = result.stack.as_ref().expect("a stack");
    assert_eq!(stack.totals.quantity.millionths(), total);
    assert!(result.fills.iter().all(|fill| fill.price <= price(480)));
    let mut by_owner = BTreeMap::new();
    for fill in &result.fills {
        *by_owner.entry(fill.participant).or_insert(0) += fill.quantity.millionths();
    }
    assert!(by_owner.values().all(|sum| *sum <= quantity(40).millionths()), "{result:?}");
}

/// A bid that stands, as its events told it.
struct StandingBid {
    bid: BidId,
    text: String,
    price: Option<Price>,
    quantity: Quantity,
}

/// The bids of an auction in order of time.
fn standing(auction: AuctionId, events: &[Event]) -> Vec<StandingBid> {
    let mut book: Vec<StandingBid> = Vec::new();
    for event in events {
        match *event {
            Event::BidAccepted { auction: a, bid, price, quantity, .. } if a == auction => {
                book.push(StandingBid { bid, text: bid.to_string(), price, quantity });
            }
            Event::BidReplaced { auction: a, bid, price, quantity, kept_priority, .. } if a == auction => {
                let at = book.iter().position(|standing| standing.bid == bid).expect("standing");
                let replaced = StandingBid { price, quantity, ..book.remove(at) };
                let to = if kept_priority { at } else { book.len() };
                book.insert(to, replaced);
            }
            Event::BidWithdrawn { auction: a, bid, .. } if a == auction => {
                book.retain(|standing| standing.bid != bid);
            }
            _ => {}
        }
    }
    book
}

/// A result is what the rule makes of the same book offline, and its checker accepts it.
fn check_result(auction: AuctionId, result: &AuctionResult, world: &World) {
    let book = standing(auction, &world.events);
    let terms = world.events.iter().rev().find_map(|event| match event {
        Event::ActionConfirmed { action: Action::AnnounceAuction { auction: announced, terms }, .. } => {
            (*announced == auction).then_some(terms)
        }
        _ => None,
    });
    let terms = terms.expect("announced");
    if let Some(stack) = terms.rule.stack() {
        check_stack(stack, result);
        return;
    }
    let Market { tick, lot, lowest, highest, .. } = market();
    let stated = terms.rule.price().expect("a price rule").clone();
    let rule = Rule { tick: Some(tick), lot: Some(lot), ..stated };
    let mut ids: Vec<BidId> = book.iter().map(|standing| standing.bid).collect();
    ids.sort_unstable();
    let rank = |bid: BidId| u32::try_from(ids.iter().position(|id| *id == bid).expect("one of them"));
    let side_of = |bid: BidId| if BUYERS.contains(&bid.identity) { Side::Buy } else { Side::Sell };
    let mut orders: Vec<Order<'_>> = book
        .iter()
        .map(|standing| Order {
            id: standing.text.as_bytes(),
            rank: rank(standing.bid).expect("few"),
            side: side_of(standing.bid),
            price: standing.price,
            quantity: standing.quantity,
            min_quantity: Quantity::ZERO,
            received: 0,
        })
        .collect();
    if let AuctionKind::Support { per_period, .. } = terms.kind {
        // The programme buys at the floor's price.
        let price = Some(floor_terms().price);
        let (id, rank, side) = (&b"programme"[..], u32::MAX, Side::Buy);
        let min_quantity = Quantity::ZERO;
        orders.push(Order { id, rank, side, price, quantity: per_period, min_quantity, received: 0 });
    }
    let seed = result.draw.map(|draw| draw.seed().0);
    let seed = seed.as_ref().map(|seed| &seed[..]);
    let outcome = clear(&orders, &rule, seed).expect("a book that was admitted");
    assert_eq!(check::check(&orders, &rule, seed, &outcome), Ok(()));
    if outcome.price().is_some_and(|price| price < lowest || price > highest) {
        assert_eq!(result.price(), None, "a price outside the market's band is none");
        return;
    }
    let (public, private) = certificate(&orders, &rule, seed, &outcome).expect("as before");
    assert_eq!(*result.certificate, public);
    let (mut standings, mut told) = (Vec::new(), Vec::new());
    let (mut fills, mut unfilled) = (result.fills.iter().peekable(), result.unfilled.iter().peekable());
    for standing in &book {
        if let Some(fill) = fills.next_if(|fill| fill.bid == standing.bid) {
            standings.push((fill.quantity, fill.reason));
            told.push(None);
        } else {
            let next = unfilled.next_if(|unfilled| unfilled.bid == standing.bid);
            let next = next.expect("every bid is told of, in order of time");
            standings.push((Quantity::ZERO, next.reason));
            assert_ne!(next.winning_limit, WinningLimit::NotLookedFor);
            told.push(next.winning_limit.limit());
            continue;
        }
    }
    assert!(fills.next().is_none() && unfilled.next().is_none());
    let expected: Vec<_> = private.iter().map(|standing| (standing.given, standing.reason)).collect();
    assert_eq!(standings, expected[..book.len()]);
    let mut limits = winning_limits(&orders, &rule, seed, &outcome).expect("as before");
    for limit in &mut limits {
        *limit = limit.filter(|limit| (lowest..=highest).contains(limit));
    }
    assert_eq!(told, limits[..book.len()]);
    assert!(result.fills.iter().all(|fill| Some(fill.price) == result.price()));
    assert_eq!(result.reserved.is_some(), outcome.price().is_some() && orders.len() > book.len());
}
