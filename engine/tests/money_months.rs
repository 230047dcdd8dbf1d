//! Random months of auctions, settlement runs, corrections, payments, defaults and make-goods, against a model that adds up
//! what was told.
//!
//! After every command: money is conserved; the balances are what the postings told add up to; every default takes from the pots in
//! the order of the waterfall what a naive model takes; a capped programme has spent no more than it was funded with; and
//! everybody has been given, or is promised, what its fills and settlement lines come to, once. At the end everything is paid, and no
//! claim is left.

use std::collections::{BTreeMap, BTreeSet};

use crate::common::*;
use golv_engine::auction::{AuctionKind, AuctionTerms};
use golv_engine::book::Side;
use golv_engine::cfd::{ContractTerms, Payoff, Upside};
use golv_engine::clearing::{Allocation, Candidates, Criterion, Rule};
use golv_engine::command::{Action, Command, NewBid};
use golv_engine::event::Event;
use golv_engine::id::*;
use golv_engine::ledger::{Account, Posting};
use golv_engine::market::FloorTerms;
use golv_engine::money::{Backing, ClearingTerms, Pot, PotUse, ProgrammeTerms, StockOrder, StockRule};
use golv_engine::num::{Currency, Money, Price, Share};
use golv_engine::participant::Standing;
use golv_engine::time::Month;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

const CONTRACTS: FloorId = FloorId(3);
const GUARANTEED: ProgrammeId = ProgrammeId(2);
const TRADERS: [IdentityId; 6] = [SUPPLIERS[0], SUPPLIERS[1], SUPPLIERS[2], BUYERS[0], BUYERS[1], BUYERS[2]];

#[derive(Clone, Debug)]
enum Step {
    /// An auction from its announcement to its end, with these bids: who, at which price in tens, how many lots.
    Auction {
        bids: Vec<(usize, i64, u32)>,
        stock: Option<(Side, u32)>,
    },
    /// The next month is priced, and both floors are settled.
    Settle(i64),
    /// A month that was settled is priced anew.
    Correct(u8, i64),
    /// Somebody pays a share of what it owes, in hundredths, or more.
    Pay(usize, u32),
    PayOut(usize),
    Deposit(usize, i64),
    Contribute(usize, i64),
    OwnResources(i64),
    Fund(bool, i64),
    Novate(u32, usize),
    Terminate(u32),
    Stress(i64),
    Halt(usize),
    Readmit(usize),
    Days(u32),
    ReturnCollateral(usize, i64),
    ReturnContribution(usize, i64),
    /// Other terms: due and notice days, cover of debts in tenths, days of cover, how much of the waterfall.
    Terms(u8, u8, u32, u16),
    /// An auction that is announced and cancelled later, with an order for stock.
    Pledge(u32),
    CancelOldest,
    /// A stack with a bond: who offers, at which price in tens, how many lots, and who accepts.
    Stack(Vec<(usize, i64, u32, bool)>, u32),
}

fn a_step() -> impl Strategy<Value = Step> {
    let bids = prop::collection::vec((0_usize..6, 36_i64..56, 1_u32..40), 0..8);
    let stock = prop::option::weighted(0.4, (prop_oneof![Just(Side::Buy), Just(Side::Sell)], 1_u32..30));
    let trader = 0_usize..6;
    prop_oneof![
        5 => (bids, stock).prop_map(|(bids, stock)| Step::Auction { bids, stock }),
        5 => (5_i64..80).prop_map(Step::Settle),
        3 => (1_u8..7, 5_i64..80).prop_map(|(month, tens)| Step::Correct(month, tens)),
        5 => (trader.clone(), 1_u32..150).prop_map(|(who, share)| Step::Pay(who, share)),
        2 => trader.clone().prop_map(Step::PayOut),
        3 => (trader.clone(), 1_i64..5_000).prop_map(|(who, amount)| Step::Deposit(who, amount)),
        2 => (trader.clone(), 1_i64..2_000).prop_map(|(who, amount)| Step::Contribute(who, amount)),
        1 => (1_i64..3_000).prop_map(Step::OwnResources),
        2 => (any::<bool>(), 1_i64..20_000).prop_map(|(guaranteed, amount)| Step::Fund(guaranteed, amount)),
        1 => (1_u32..6, 0_usize..3).prop_map(|(which, to)| Step::Novate(which, to)),
        1 => (1_u32..6).prop_map(Step::Terminate),
        1 => (10_i64..45).prop_map(Step::Stress),
        1 => trader.clone().prop_map(Step::Halt),
        2 => trader.prop_map(Step::Readmit),
        4 => (1_u32..6).prop_map(Step::Days),
        1 => (0_usize..6, 1_i64..3_000).prop_map(|(who, amount)| Step::ReturnCollateral(who, amount)),
        1 => (0_usize..6, 1_i64..2_000).prop_map(|(who, amount)| Step::ReturnContribution(who, amount)),
        1 => (0_u8..5, 1_u8..5, 0_u32..10, 0_u16..40).prop_map(|(due, notice, cover, days)| Step::Terms(due, notice, cover, days)),
        1 => (1_u32..30).prop_map(Step::Pledge),
        1 => Just(Step::CancelOldest),
        2 => (prop::collection::vec((0_usize..3, 30_i64..48, 1_u32..20, any::<bool>()), 1..5), 1_u32..20)
            .prop_map(|(offers, days)| Step::Stack(offers, days)),
    ]
}

/// The world, and what it should have come to.
struct Months {
    world: World,
    auctions: u32,
    pledges: Vec<AuctionId>,
    /// Every balance, added up from what was told.
    told: BTreeMap<(Currency, Account), i128>,
    /// What everybody was given or promised, by fills, lines and payments.
    due: BTreeMap<ParticipantId, i128>,
    fills: BTreeMap<AuctionId, Vec<(ParticipantId, i128)>>,
    proposed: BTreeMap<ProposalId, Action>,
    /// How many months were settled.
    settled: u8,
    seen: BTreeSet<&'static str>,
    /// Whether the capped programme carried claims when it last told.
    claims_wait: bool,
}

fn trader(who: usize) -> ParticipantId {
    ParticipantId(TRADERS[who].0)
}

fn minor(price: Price, lots: golv_engine::num::Quantity) -> i128 {
    price.times(lots, Currency::Usd).expect("fits").amount.millionths.into()
}

impl Months {
    fn new() -> Self {
        let world = World::furnished(1);
        let mut months = Self {
            world,
            auctions: 10,
            pledges: Vec::new(),
            told: BTreeMap::new(),
            due: BTreeMap::new(),
            fills: BTreeMap::new(),
            proposed: BTreeMap::new(),
            settled: 0,
            seen: BTreeSet::new(),
            claims_wait: false,
        };
        let happened = std::mem::take(&mut months.world.events);
        months.add_up(&happened, &BTreeMap::new());
        let terms = ClearingTerms {
            holidays: vec!["2019-01-01".parse().expect("a day")],
            due_days: 2,
            notice_days: 1,
            debt_cover: "0.1".parse().expect("a share"),
            contract_cover_days: 21,
            waterfall: Pot::STANDARD.into(),
        };
        months.agree(Action::SetClearingTerms { currency: Currency::Usd, terms: Box::new(terms) });
        let name = "Guaranteed".parse().expect("a name");
        let backing = Backing::Guaranteed { by: "Member states".parse().expect("a name") };
        let terms = ProgrammeTerms { name, currency: Currency::Usd, backing };
        months.agree(Action::OpenProgramme { programme: GUARANTEED, terms });
        let upside = Upside { above: None, share: Share::WHOLE, annual_cap: None, condition: None };
        let payoff = Payoff { upside: Some(upside), ..Payoff::floor() };
        let contract = Box::new(ContractTerms { payoff, ..ContractTerms::monthly_floor() });
        let terms = FloorTerms { programme: GUARANTEED, contract, ..floor_terms() };
        months.agree(Action::SetFloor { floor: CONTRACTS, terms });
        months.agree(fund(dollars(26_000)));
        months.fund(GUARANTEED, 30_000);
        for (floor, who, lots) in [(FLOOR, 0, 10), (FLOOR, 1, 7), (CONTRACTS, 1, 9), (CONTRACTS, 2, 11)] {
            months.agree(Action::GrantEntitlement { floor, holder: trader(who), per_period: quantity(lots) });
        }
        let rule = StockRule {
            buys_at: price(400),
            holds_most: quantity(60),
            releases_at: price(520),
            releases_most: quantity(30),
        };
        months.agree(Action::SetStockRule { programme: PROGRAMME, market: MARKET, rule });
        months
    }

    fn fund(&mut self, programme: ProgrammeId, units: i64) {
        let funder = "Treasury".parse().expect("a name");
        self.try_agree(Action::FundProgramme { programme, funder, amount: dollars(units) });
    }

    fn balance(&self, account: Account) -> i128 {
        self.world.exchange.ledger().balance(Currency::Usd, account)
    }

    fn agree(&mut self, action: Action) {
        assert!(self.try_agree(action.clone()), "{action:?}");
    }

    fn try_agree(&mut self, action: Action) -> bool {
        let Some(command) = self.send(OPERATORS[0], Command::Propose { action: action.clone() }) else {
            return false;
        };
        let proposal = ProposalId { identity: OPERATORS[0], command };
        self.proposed.insert(proposal, action);
        self.send(OPERATORS[1], Command::Confirm { proposal }).is_some()
    }

    /// Sends a command, and checks all that must hold after it and after the ticks that follow.
    fn send(&mut self, sender: IdentityId, command: Command) -> Option<CommandId> {
        let before: BTreeMap<_, _> =
            self.world.exchange.ledger().balances().map(|(_, account, balance)| (account, balance)).collect();
        let paid = match &command {
            Command::Confirm { proposal } => self.proposed.remove(proposal),
            _ => None,
        };
        let outcome = self.world.send(sender, command);
        match outcome {
            Ok(_) => {}
            Err(reject) => {
                self.seen.insert(reject.name());
            }
        }
        if outcome.is_ok() {
            match paid {
                Some(Action::TakePayment { participant: Some(from), amount }) => {
                    self.add_due(from, amount.millionths.into())
                }
                Some(Action::PayOut { participant: Some(to), amount }) => {
                    self.add_due(to, -i128::from(amount.millionths))
                }
                _ => {}
            }
        }
        let happened = std::mem::take(&mut self.world.events);
        self.add_up(&happened, &before);
        self.check();
        outcome.ok()
    }

    fn add_due(&mut self, participant: ParticipantId, millionths: i128) {
        *self.due.entry(participant).or_default() += millionths;
    }

    /// Adds up what was told; `before` is what the pots held before it.
    fn add_up(&mut self, happened: &[Event], before: &BTreeMap<Account, i128>) {
        let mut pots = before.clone();
        for event in happened {
            match event {
                Event::Posted { postings, .. } => {
                    for &Posting { from, to, amount } in postings {
                        assert!(amount.millionths > 0, "a posting moves something");
                        *self.told.entry((amount.currency, from)).or_default() -=
                            i128::from(amount.millionths);
                        *self.told.entry((amount.currency, to)).or_default() += i128::from(amount.millionths);
                    }
                }
                Event::AuctionCleared { result, .. } if result.stack.is_some() => {}
                Event::AuctionCleared { auction, result, .. } => {
                    let fills = result.fills.iter().map(|fill| {
                        let amount = minor(fill.price, fill.quantity);
                        (fill.participant, if fill.side == Side::Buy { -amount } else { amount })
                    });
                    self.fills.insert(*auction, fills.collect());
                }
                Event::AuctionFinalised { auction } => {
                    for (participant, amount) in self.fills.remove(auction).unwrap_or_default() {
                        self.add_due(participant, amount);
                    }
                }
                Event::SettlementRunCompleted { run } => {
                    let paid = |event: &Event| matches!(event, Event::ClaimsPaid { programme, .. } if *programme == PROGRAMME);
                    if run.floor == FLOOR && !happened.iter().any(paid) {
                        self.claims_wait = false;
                    }
                    self.seen.insert(if run.number > 1 { "Corrected" } else { "Settled" });
                    for line in &run.lines {
                        self.add_due(line.holder, (line.delta.millionths + line.interest.millionths).into());
                    }
                }
                Event::Defaulted { participant, owed, uncovered, uses } => {
                    self.seen.insert(if uncovered.is_zero() { "Covered" } else { "Uncovered" });
                    // Bonds that were given back in the same command are collateral again.
                    let own = uses.iter().find(|used| used.pot == Pot::Collateral);
                    let own = own.map_or(0, |used| i128::from(used.amount.millionths));
                    let there = pots.get(&Account::Collateral(*participant)).copied().unwrap_or(0);
                    let from_bonds = (own - there).max(0);
                    *pots.entry(Account::Bonds(*participant)).or_default() -= from_bonds;
                    assert!(pots[&Account::Bonds(*participant)] >= 0);
                    *pots.entry(Account::Collateral(*participant)).or_default() += from_bonds;
                    assert_eq!(uses, &drawn(&mut pots, *participant, *owed), "the pots in their order");
                    let used: i64 = uses.iter().map(|used| used.amount.millionths).sum();
                    assert_eq!(used + uncovered.millionths, owed.millionths);
                    self.seen.extend(uses.iter().map(|used| match used.pot {
                        Pot::Collateral => "Collateral",
                        Pot::Contribution => "Contribution",
                        Pot::OwnResources => "OwnResources",
                        Pot::DefaultFund => "DefaultFund",
                    }));
                    self.add_due(*participant, used.into());
                }
                Event::DefaultMadeGood { participant, returned, .. } => {
                    for used in returned {
                        self.seen.insert("Recovered");
                        *pots.entry(pot_account(used)).or_default() += i128::from(used.amount.millionths);
                        self.add_due(*participant, -i128::from(used.amount.millionths));
                    }
                }
                Event::ClaimsPaid { programme, carried, .. } => {
                    if !carried.is_empty() {
                        self.seen.insert("Carried");
                    }
                    if *programme == PROGRAMME {
                        self.claims_wait = !carried.is_empty();
                    }
                }
                Event::BidWithdrawn { .. } => {
                    self.seen.insert("Withdrawn");
                }
                Event::AwardDeclined { forfeited: Some(_), .. } => {
                    self.seen.insert("Forfeited");
                }
                Event::SellersPaid { carried, .. } if !carried.is_empty() => {
                    self.seen.insert("SellersWait");
                }
                Event::StockTraded { trade, .. } => {
                    self.seen.insert(if trade.side == Side::Buy { "Bought" } else { "Released" });
                }
                Event::InvoiceLate { .. } => {
                    self.seen.insert("Late");
                }
                Event::NoticeFollowed { .. } => {
                    self.seen.insert("Followed");
                }
                Event::NoticeServed { breach: golv_engine::money::Breach::Collateral { .. }, .. } => {
                    self.seen.insert("Called");
                }
                Event::ProgrammeLevel { level, .. } => {
                    self.seen.insert(match level {
                        golv_engine::money::Level::Normal => "Normal",
                        golv_engine::money::Level::High => "High",
                        golv_engine::money::Level::Full => "Full",
                    });
                }
                _ => {}
            }
        }
    }

    fn check(&mut self) {
        let exchange = &self.world.exchange;
        assert!(exchange.is_conserved(), "money is conserved");
        let balances: BTreeMap<_, _> = exchange
            .ledger()
            .balances()
            .map(|(currency, account, balance)| ((currency, account), balance))
            .collect();
        for (account, told) in &self.told {
            assert_eq!(balances.get(account), Some(told), "{account:?} is what was told of it");
        }
        assert_eq!(balances.values().sum::<i128>(), 0);
        let told = |account: &(Currency, Account)| self.told.contains_key(account);
        assert!(
            balances.iter().all(|(account, balance)| *balance == 0 || told(account)),
            "every posting is told"
        );
        // A capped programme lives within its money.
        let of = |account| balances.get(&(Currency::Usd, account)).copied().unwrap_or(0);
        assert_eq!(of(Account::Shortfall(PROGRAMME)), 0);
        assert!(
            of(Account::ProgrammeSpent(PROGRAMME)) + of(Account::Stock(PROGRAMME))
                <= -of(Account::Funders(PROGRAMME))
        );
        assert!(of(Account::ProgrammeFree(PROGRAMME)) >= 0 && of(Account::ProgrammeReserved(PROGRAMME)) >= 0);
        // Nothing that is free is kept from who waits, and what auctions pledged is there.
        let waits = (0..TRADERS.len()).any(|who| of(Account::Claims(trader(who))) > 0);
        if waits && self.claims_wait {
            assert!(of(Account::ProgrammeFree(PROGRAMME)) < 10_000, "what is free is paid to who waits");
        }
        // A guaranteed one leaves no claim.
        for who in 0..TRADERS.len() {
            let id = trader(who);
            let has = of(Account::Participant(id)) + of(Account::Claims(id));
            assert_eq!(
                has,
                self.due.get(&id).copied().unwrap_or(0),
                "participant {id} has what it was due, once"
            );
        }
    }

    fn days(&mut self, days: u32) {
        let to = self.world.now.plus_seconds(hours(24 * days)).expect("fits");
        self.send(OPERATORS[0], Command::SetClock { to }).expect("time goes forward");
    }

    fn auction(&mut self, bids: &[(usize, i64, u32)], stock: Option<(Side, u32)>) {
        self.auctions += 1;
        let auction = AuctionId(self.auctions);
        let opens_at = self.world.now.plus_seconds(1).expect("fits");
        let closes_at = self.world.now.plus_seconds(hours(5)).expect("fits");
        let cascade =
            vec![Criterion::MostVolume, Criterion::LeastSurplus, Criterion::Midpoint, Criterion::Highest];
        let rule = Rule {
            reference_price: Some(price(450)),
            floor: stock.filter(|(side, _)| *side == Side::Buy).map(|_| price(400)),
            ..Rule::new(Candidates::Ticks, cascade, Allocation::ProRata)
        };
        let stock = stock.map(|(side, lots)| StockOrder {
            programme: PROGRAMME,
            side,
            price: if side == Side::Buy { price(400) } else { price(520) },
            quantity: quantity(lots),
            budget: None,
        });
        let kind = AuctionKind::Call { market: MARKET, stock };
        let terms = AuctionTerms { rule: rule.into(), ..terms(kind, opens_at, closes_at) };
        if !self.try_agree(Action::AnnounceAuction { auction, terms }) {
            return;
        }
        self.send(OPERATORS[0], Command::SetClock { to: opens_at }).expect("opened");
        for &(who, tens, lots) in bids {
            let bid: NewBid = if who < 3 { sell(tens * 10, lots) } else { buy(tens * 10, lots) };
            self.send(TRADERS[who], Command::PlaceBid { auction, bid });
        }
        self.send(OPERATORS[0], Command::SetClock { to: closes_at }).expect("closed");
        self.send(OPERATORS[0], Command::ClearAuction { auction, secret: None }).expect("cleared");
        self.days(1);
    }

    fn pledge(&mut self, lots: u32) {
        self.auctions += 1;
        let auction = AuctionId(self.auctions);
        let opens_at = self.world.now.plus_seconds(hours(24 * 900)).expect("fits");
        let closes_at = opens_at.plus_seconds(60).expect("fits");
        let rule = Rule {
            floor: Some(price(400)),
            ..Rule::new(
                Candidates::Ticks,
                vec![Criterion::MostVolume, Criterion::Lowest],
                Allocation::ProRata,
            )
        };
        let (programme, side, quantity) = (PROGRAMME, Side::Buy, quantity(lots));
        let stock = Some(StockOrder { programme, side, price: price(400), quantity, budget: None });
        let kind = AuctionKind::Call { market: MARKET, stock };
        let terms = AuctionTerms { rule: rule.into(), ..terms(kind, opens_at, closes_at) };
        if self.try_agree(Action::AnnounceAuction { auction, terms }) {
            self.pledges.push(auction);
            self.seen.insert("Pledged");
        }
    }

    fn stack(&mut self, offers: &[(usize, i64, u32, bool)], days: u32) {
        self.auctions += 1;
        let auction = AuctionId(self.auctions);
        let opens_at = self.world.now.plus_seconds(1).expect("fits");
        let closes_at = self.world.now.plus_seconds(hours(24 * days)).expect("fits");
        let kind = AuctionKind::Support {
            floor: if days.is_multiple_of(2) { FLOOR } else { CONTRACTS },
            per_period: quantity(20),
        };
        let mut rule = stack();
        rule.budget = "9000".parse().ok();
        let terms = AuctionTerms { rule: rule.into(), ..terms(kind, opens_at, closes_at) };
        if !self.try_agree(Action::AnnounceAuction { auction, terms }) {
            return;
        }
        self.send(OPERATORS[0], Command::SetClock { to: opens_at }).expect("opened");
        let mut placed = Vec::new();
        for &(who, tens, lots, accepts) in offers {
            let details = golv_engine::auction::BidDetails {
                technology: Some(0),
                quality: quantity(1),
                ..Default::default()
            };
            let bid = NewBid { details: Some(details), ..sell(tens * 10, lots) };
            if let Some(command) = self.send(TRADERS[who], Command::PlaceBid { auction, bid }) {
                placed.push((BidId { identity: TRADERS[who], command }, accepts));
                self.seen.insert("Bonded");
            }
        }
        self.send(OPERATORS[0], Command::SetClock { to: closes_at }).expect("closed");
        if self.send(OPERATORS[0], Command::ClearAuction { auction, secret: None }).is_none() {
            return;
        }
        self.days(1);
        for (bid, accepts) in placed {
            if accepts && self.send(bid.identity, Command::AcceptAward { auction, bid }).is_some() {
                self.seen.insert("Accepted");
            }
        }
        self.days(4);
    }

    fn price_month(&mut self, month: Month, tens: i64) -> bool {
        self.send(PUBLISHER, publish(INDEX, month.last_day(), price(tens * 10))).is_some()
    }

    fn settle(&mut self, month: Month) {
        let version = self.world.exchange.data_version();
        for floor in [FLOOR, CONTRACTS] {
            self.try_agree(Action::Settle { floor, period: month.first_day(), version });
        }
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Auction { ref bids, stock } => self.auction(bids, stock),
            Step::Settle(tens) => {
                if self.settled < 6 {
                    self.settled += 1;
                    let next = month(2019, self.settled);
                    let over = next.end().expect("in reach").max(self.world.now);
                    self.send(OPERATORS[0], Command::SetClock { to: over }).expect("time goes forward");
                    self.price_month(next, tens);
                    self.settle(next);
                }
            }
            Step::Correct(number, tens) => {
                if number <= self.settled && self.price_month(month(2019, number), tens) {
                    self.settle(month(2019, number));
                }
            }
            Step::Pay(who, share) => {
                let owes = -self.balance(Account::Participant(trader(who)));
                let cents = i64::try_from(owes.max(0) * i128::from(share) / 1_000_000).expect("fits");
                let amount = Money { currency: Currency::Usd, millionths: cents * 10_000 };
                self.try_agree(Action::TakePayment { participant: Some(trader(who)), amount });
            }
            Step::PayOut(who) => {
                let balance = self.balance(Account::Participant(trader(who)));
                let amount =
                    Money { currency: Currency::Usd, millionths: i64::try_from(balance).expect("fits") };
                self.try_agree(Action::PayOut { participant: Some(trader(who)), amount });
            }
            Step::Deposit(who, units) => {
                self.agree(Action::DepositCollateral { participant: trader(who), amount: dollars(units) });
            }
            Step::Contribute(who, units) => {
                self.agree(Action::ContributeToDefaultFund {
                    participant: trader(who),
                    amount: dollars(units),
                });
            }
            Step::OwnResources(units) => self.agree(Action::SetOwnResourcesAside { amount: dollars(units) }),
            Step::Fund(guaranteed, units) => {
                self.fund(if guaranteed { GUARANTEED } else { PROGRAMME }, units);
            }
            Step::Novate(which, to) => {
                let entitlement = EntitlementId(which);
                self.try_agree(Action::NovateEntitlement { entitlement, to: trader(to) });
            }
            Step::Terminate(which) => {
                let last = month(2019, 5).last_day();
                self.try_agree(Action::TerminateEntitlement { entitlement: EntitlementId(which), last });
            }
            Step::Stress(tens) => {
                // It stands while an auction under the floor is not final.
                self.try_agree(Action::SetStressPrice { floor: FLOOR, price: price(tens * 10) });
            }
            Step::Halt(who) => {
                self.send(OPERATORS[0], Command::Halt { participant: trader(who) });
            }
            Step::Readmit(who) => {
                self.try_agree(Action::SetStanding { participant: trader(who), standing: Standing::Active });
            }
            Step::Days(days) => self.days(days),
            Step::ReturnCollateral(who, units) => {
                self.try_agree(Action::ReturnCollateral { participant: trader(who), amount: dollars(units) });
            }
            Step::ReturnContribution(who, units) => {
                self.try_agree(Action::ReturnContribution {
                    participant: trader(who),
                    amount: dollars(units),
                });
            }
            Step::Terms(due_days, notice_days, tenths, contract_cover_days) => {
                let terms = ClearingTerms {
                    holidays: Vec::new(),
                    due_days,
                    notice_days,
                    debt_cover: format!("0.{tenths}").parse().expect("a share"),
                    contract_cover_days,
                    waterfall: Pot::STANDARD.into(),
                };
                self.agree(Action::SetClearingTerms { currency: Currency::Usd, terms: Box::new(terms) });
            }
            Step::Pledge(lots) => self.pledge(lots),
            Step::CancelOldest => {
                if let Some(auction) = self.pledges.pop() {
                    self.try_agree(Action::CancelAuction { auction });
                }
            }
            Step::Stack(ref offers, days) => self.stack(offers, days),
        }
    }

    /// Everybody pays, and programmes are funded, until nothing is owed.
    fn make_good(&mut self) {
        self.days(60);
        let debts = |months: &Self| -> Vec<(ParticipantId, i128)> {
            let traders = (0..TRADERS.len())
                .map(|who| (trader(who), -months.balance(Account::Participant(trader(who)))));
            traders.filter(|(_, owes)| *owes > 0).collect()
        };
        while let Some((participant, owes)) = debts(self).first().copied() {
            let amount = Money { currency: Currency::Usd, millionths: i64::try_from(owes).expect("fits") };
            self.agree(Action::TakePayment { participant: Some(participant), amount });
        }
        self.days(60);
        for programme in [PROGRAMME, GUARANTEED] {
            self.fund(programme, 10_000_000);
        }
        for who in 0..TRADERS.len() {
            assert_eq!(self.balance(Account::Claims(trader(who))), 0, "no claim is lost");
        }
        for programme in [PROGRAMME, GUARANTEED] {
            assert_eq!(self.balance(Account::Shortfall(programme)), 0);
            assert_eq!(self.balance(Account::Receivable(programme)), 0);
        }
    }
}

fn pot_account(used: &PotUse) -> Account {
    match (used.pot, used.of) {
        (Pot::Collateral, Some(id)) => Account::Collateral(id),
        (_, Some(id)) => Account::Contribution(id),
        (_, None) => Account::OwnResources,
    }
}

/// What the standard waterfall gives for a defaulter's debts, worked out unit by unit.
fn drawn(pots: &mut BTreeMap<Account, i128>, defaulter: ParticipantId, owed: Money) -> Vec<PotUse> {
    const CENT: i128 = 10_000;
    let mut left = i128::from(owed.millionths) / CENT;
    let mut uses = Vec::new();
    let mut take = |pots: &mut BTreeMap<Account, i128>, pot: Pot, of: Option<ParticipantId>, cents: i128| {
        let amount =
            Money { currency: owed.currency, millionths: i64::try_from(cents * CENT).expect("fits") };
        let used = PotUse { pot, of, amount };
        if cents > 0 {
            *pots.entry(pot_account(&used)).or_default() -= cents * CENT;
            uses.push(used);
        }
        cents
    };
    for (pot, of) in
        [(Pot::Collateral, Some(defaulter)), (Pot::Contribution, Some(defaulter)), (Pot::OwnResources, None)]
    {
        let account = pot_account(&PotUse { pot, of, amount: owed });
        let there = pots.get(&account).copied().unwrap_or(0) / CENT;
        left -= take(pots, pot, of, there.min(left));
    }
    let others: Vec<(ParticipantId, i128)> = pots
        .iter()
        .filter_map(|(account, balance)| match account {
            Account::Contribution(id) if *id != defaulter => Some((*id, balance / CENT)),
            _ => None,
        })
        .collect();
    let total: i128 = others.iter().map(|(_, there)| there).sum();
    let wanted = left.min(total);
    let mut shares: Vec<i128> =
        others.iter().map(|(_, there)| if total > 0 { wanted * there / total } else { 0 }).collect();
    while shares.iter().sum::<i128>() < wanted {
        // The cent goes to whoever is furthest below its exact share.
        let behind = |row: usize| wanted * others[row].1 - shares[row] * total;
        let most =
            (0..others.len()).max_by_key(|row| (behind(*row), std::cmp::Reverse(*row))).expect("somebody");
        shares[most] += 1;
    }
    for ((id, _), share) in others.iter().zip(shares) {
        take(pots, Pot::DefaultFund, Some(*id), share);
    }
    uses
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Rules: R-MON-001, R-MON-002, R-MON-019.
    #[test]
    fn whatever_the_months_bring_money_is_where_it_should_be(steps in prop::collection::vec(a_step(), 0..60)) {
        let mut months = Months::new();
        steps.iter().for_each(|step| months.step(step));
        months.make_good();
    }
}

/// The months above are worth something only if they bring what is hard to bring.
#[test]
fn the_months_bring_everything() {
    let mut runner = TestRunner::deterministic();
    let steps = prop::collection::vec(a_step(), 60);
    let mut seen = BTreeSet::new();
    for _ in 0..1_000 {
        let mut months = Months::new();
        steps.new_tree(&mut runner).expect("a tree").current().iter().for_each(|step| months.step(step));
        seen.extend(months.seen);
    }
    for wanted in [
        "Settled",
        "Corrected",
        "Covered",
        "Uncovered",
        "Collateral",
        "Contribution",
        "OwnResources",
        "DefaultFund",
        "Recovered",
        "Carried",
        "SellersWait",
        "Bought",
        "Released",
        "Late",
        "Followed",
        "Called",
        "Normal",
        "High",
        "Full",
        "InDefault",
        "ParticipantSuspended",
        "ProgrammeShort",
    ] {
        assert!(seen.contains(wanted), "{wanted} was never reached: {seen:?}");
    }
}
