//! Random days on a board, against a model that shares no code with the engine: who may do what, what is promised to whom, and what
//! becomes a deal. After each command the model says whether it is taken and what stands then, and the engine's events say the same.

use std::collections::{BTreeMap, BTreeSet};

use crate::common::boards::*;
use crate::common::money::id;
use crate::common::*;
use golv_engine::bilateral::{DealTerms, Party, RoundSolution, hold_round, round_board, round_names};
use golv_engine::book::Side;
use golv_engine::command::Command;
use golv_engine::event::Event;
use golv_engine::id::*;
use golv_engine::num::Price;
use golv_engine::participant::Role;
use golv_engine::time::Instant;
use proptest::prelude::*;
use proptest::strategy::ValueTree;

/// Sells and buys.
const TRADER: IdentityId = IdentityId(20);
/// Buys, and has the first supplier's owner.
const SUBSIDIARY: IdentityId = IdentityId(21);

const EVERYBODY: [IdentityId; 8] =
    [SUPPLIERS[0], SUPPLIERS[1], SUPPLIERS[2], BUYERS[0], BUYERS[1], BUYERS[2], TRADER, SUBSIDIARY];

fn owner(who: IdentityId) -> u32 {
    if who == SUBSIDIARY { SUPPLIERS[0].0 } else { who.0 }
}

fn sells(who: IdentityId) -> bool {
    SUPPLIERS.contains(&who) || who == TRADER
}

fn buys(who: IdentityId) -> bool {
    !SUPPLIERS.contains(&who)
}

/// What somebody tries. Numbers choose among what there is, and what there is not.
#[derive(Clone, Debug)]
enum Step {
    Post { who: usize, sells: bool, amount: u32, limit: i64, is_group: bool },
    Replace { who: usize, entry: u32, amount: u32, limit: i64 },
    Withdraw { who: usize, entry: u32 },
    Join { who: usize, entry: u32, amount: u32, limit: i64 },
    Leave { entry: u32, which: usize, by: Option<usize> },
    Negotiate { who: usize, entry: u32, with: u32, chosen: bool, price: Option<i64>, amount: u32 },
    Counter { other: bool, which: usize, turn: u32, price: i64, amount: u32 },
    Accept { other: bool, which: usize, turn: u32 },
    End { other: bool, which: usize },
    Call,
    Propose,
    Wait { hours: u32 },
    Halt { who: usize },
}

fn a_step() -> impl Strategy<Value = Step> {
    let who = || 0..EVERYBODY.len();
    let entry = || 1_u32..9;
    let limit = || (9_i64..=14).prop_map(|tens| tens * 10);
    let amount = || 1_u32..=8;
    // Mostly the turn that stands.
    let turn = || prop_oneof![8 => Just(u32::MAX), 1 => 0_u32..4];
    prop_oneof![
        8 => (who(), any::<bool>(), amount(), limit(), prop::bool::weighted(0.3)).prop_map(
            |(who, sells, amount, limit, is_group)| Step::Post { who, sells, amount, limit, is_group }
        ),
        2 => (who(), entry(), amount(), limit())
            .prop_map(|(who, entry, amount, limit)| Step::Replace { who, entry, amount, limit }),
        1 => (who(), entry()).prop_map(|(who, entry)| Step::Withdraw { who, entry }),
        4 => (who(), entry(), amount(), limit())
            .prop_map(|(who, entry, amount, limit)| Step::Join { who, entry, amount, limit }),
        2 => (entry(), 0_usize..4, prop::option::weighted(0.4, who()))
            .prop_map(|(entry, which, by)| Step::Leave { entry, which, by }),
        10 => (who(), entry(), entry(), prop::bool::weighted(0.2), prop::option::weighted(0.8, limit()), amount())
            .prop_map(|(who, entry, with, chosen, price, amount)| {
                Step::Negotiate { who, entry, with, chosen, price, amount }
            }),
        6 => (prop::bool::weighted(0.3), 0_usize..20, turn(), limit(), amount()).prop_map(
            |(other, which, turn, price, amount)| Step::Counter { other, which, turn, price, amount }
        ),
        8 => (prop::bool::weighted(0.3), 0_usize..20, turn())
            .prop_map(|(other, which, turn)| Step::Accept { other, which, turn }),
        2 => (any::<bool>(), 0_usize..20).prop_map(|(other, which)| Step::End { other, which }),
        2 => Just(Step::Call),
        4 => Just(Step::Propose),
        3 => (0_u32..30).prop_map(|hours| Step::Wait { hours }),
        1 => who().prop_map(|who| Step::Halt { who }),
    ]
}

#[derive(Clone, Debug, PartialEq)]
struct Entry {
    side: Side,
    lead: IdentityId,
    quantity: u32,
    limit: i64,
    /// Of a group: what each member wants and pays.
    members: Option<BTreeMap<IdentityId, (u32, i64)>>,
    valid_until: Instant,
}

#[derive(Clone, Debug, PartialEq)]
struct Talk {
    seller: (IdentityId, Option<EntryId>, bool),
    buyer: (IdentityId, Option<EntryId>, bool),
    price: Option<i64>,
    amount: u32,
    turn: u32,
    until: Instant,
    is_rounds: bool,
}

/// A deal: its sides, whether both had agreed, price and amount.
type Made = (IdentityId, IdentityId, i64, u32);

/// A round: until when, what takes part, and the deals that were proposed.
type Called = (Instant, BTreeSet<EntryId>, Vec<(EntryId, EntryId, i64, u32)>);

/// What a board should be.
#[derive(Clone, Debug, Default)]
struct Model {
    entries: BTreeMap<EntryId, Entry>,
    talks: BTreeMap<NegotiationId, Talk>,
    opened: BTreeMap<(EntryId, Counterparty), u32>,
    deals: BTreeMap<NegotiationId, Made>,
    round: Option<Called>,
    halted: BTreeSet<IdentityId>,
    newest: u32,
}

impl Talk {
    fn sides(&self) -> [&(IdentityId, Option<EntryId>, bool); 2] {
        [&self.seller, &self.buyer]
    }

    /// What it holds of an entry.
    fn holds(&self, entry: EntryId) -> u32 {
        let of = |(_, own, agreed): &&(IdentityId, Option<EntryId>, bool)| {
            *own == Some(entry) && ((*agreed && self.price.is_some()) || self.is_rounds)
        };
        if self.sides().iter().any(of) { self.amount } else { 0 }
    }

    fn is_about(&self, entry: EntryId) -> bool {
        self.sides().iter().any(|(_, own, _)| *own == Some(entry))
    }

    fn side_of(&self, who: IdentityId) -> Option<Side> {
        if self.seller.0 == who { Some(Side::Sell) } else { (self.buyer.0 == who).then_some(Side::Buy) }
    }
}

impl Model {
    fn held(&self, entry: EntryId) -> u32 {
        self.talks.values().map(|talk| talk.holds(entry)).sum()
    }

    fn free(&self, entry: EntryId) -> u32 {
        self.entries.get(&entry).map_or(0, |it| it.quantity - self.held(entry))
    }

    fn is_still(&self, entry: EntryId) -> bool {
        self.round.as_ref().is_some_and(|(_, entries, _)| entries.contains(&entry))
    }

    fn owners(&self, entry: &Entry) -> BTreeSet<u32> {
        let members = entry.members.iter().flat_map(|members| members.keys());
        members.chain([&entry.lead]).map(|who| owner(*who)).collect()
    }

    /// Whether somebody may come onto the board, alone or in a group.
    fn may_enter(&self, who: IdentityId, with_others: bool) -> bool {
        !self
            .entries
            .values()
            .any(|entry| self.owners(entry).contains(&owner(who)) && (with_others || entry.members.is_some()))
    }

    fn own(&self, entry: u32, who: IdentityId) -> Option<&Entry> {
        self.entries.get(&EntryId(entry)).filter(|it| it.lead == who && !self.halted.contains(&who))
    }

    /// Whether somebody can promise so much of an entry, of which the same talk holds `own`.
    fn can_promise(&self, entry: Option<EntryId>, price: Option<i64>, amount: u32, own: u32) -> bool {
        let (Some(entry), Some(price)) = (entry, price) else { return true };
        let Some(it) = self.entries.get(&entry) else { return false };
        amount <= self.free(entry) + own
            && (amount <= own || !self.is_still(entry))
            && (it.members.is_none() || price <= it.limit)
    }

    fn end(&mut self, talk: NegotiationId) {
        self.talks.remove(&talk);
    }

    fn close(&mut self, entry: EntryId) {
        self.talks.retain(|_, talk| !talk.is_about(entry));
        self.entries.remove(&entry);
    }

    fn pool(&mut self, entry: EntryId) {
        let Some(it) = self.entries.get_mut(&entry) else { return };
        let Some(members) = &it.members else { return };
        if members.is_empty() {
            self.close(entry);
            return;
        }
        it.quantity = members.values().map(|(amount, _)| amount).sum();
        it.limit = members.values().map(|(_, limit)| *limit).min().unwrap_or(0);
    }

    /// Both have agreed.
    fn deal(&mut self, id: NegotiationId) {
        let Some(talk) = self.talks.remove(&id) else { return };
        assert!(talk.seller.2 && talk.buyer.2, "a deal has both consents");
        let price = talk.price.expect("a deal has a price");
        self.deals.insert(id, (talk.seller.0, talk.buyer.0, price, talk.amount));
        for entry in talk.sides().iter().filter_map(|(_, entry, _)| *entry) {
            let Some(it) = self.entries.get_mut(&entry) else { continue };
            let wanted = it.quantity;
            it.quantity -= talk.amount;
            if let Some(members) = &mut it.members {
                // Largest remainder, ties to the lower number.
                let parts: Vec<u32> =
                    members.values().map(|(amount, _)| talk.amount * amount / wanted).collect();
                let mut rests: Vec<(u32, usize)> = members
                    .values()
                    .enumerate()
                    .map(|(place, (amount, _))| (talk.amount * amount % wanted, place))
                    .collect();
                rests.sort_by_key(|(rest, place)| (std::cmp::Reverse(*rest), *place));
                let left = talk.amount - parts.iter().sum::<u32>();
                let more: BTreeSet<usize> =
                    rests.iter().take(left as usize).map(|(_, place)| *place).collect();
                for (place, (amount, _)) in members.values_mut().enumerate() {
                    *amount -= parts[place] + u32::from(more.contains(&place));
                }
                members.retain(|_, (amount, _)| *amount > 0);
            }
            if it.quantity == 0 {
                self.close(entry);
            } else {
                self.pool(entry);
            }
        }
    }

    fn open(&mut self, from: EntryId, with: Counterparty, talk: Talk) {
        let number = self.opened.entry((from, with)).or_insert(0);
        *number += 1;
        let id = NegotiationId { entry: from, with, number: *number };
        self.talks.insert(id, talk);
    }

    /// Lets what is due happen, in its order.
    fn pass(&mut self, now: Instant) {
        loop {
            let round = self.round.as_ref().map(|(until, _, _)| (*until, 0, None, None));
            let talks = self.talks.iter().map(|(id, talk)| (talk.until, 1, Some(*id), None));
            let entries = self.entries.iter().map(|(id, it)| (it.valid_until, 2, None, Some(*id)));
            let Some(due) = round.into_iter().chain(talks).chain(entries).min() else { return };
            if due.0 > now {
                return;
            }
            match due {
                (_, _, Some(talk), _) => self.end(talk),
                (_, _, _, Some(entry)) => self.close(entry),
                _ => self.propose(now),
            }
        }
    }

    /// The round is over.
    fn propose(&mut self, now: Instant) {
        let Some((_, _, deals)) = self.round.take() else { return };
        for (offer, request, price, amount) in deals {
            if self.free(offer) < amount || self.free(request) < amount {
                continue;
            }
            let seat = |model: &Self, entry: EntryId| (model.entries[&entry].lead, Some(entry), false);
            let talk = Talk {
                seller: seat(self, offer),
                buyer: seat(self, request),
                price: Some(price),
                amount,
                turn: 0,
                until: now.plus_seconds(hours(24)).expect("fits"),
                is_rounds: true,
            };
            self.open(request, Counterparty::Entry(offer), talk);
        }
    }
}

/// An engine with its model.
struct Day {
    world: World,
    model: Model,
    /// What the events say stands: entries' quantities, negotiations' turn and time, deals.
    entries: BTreeMap<EntryId, u32>,
    talks: BTreeMap<NegotiationId, (u32, Instant)>,
    deals: BTreeMap<NegotiationId, Made>,
    read: usize,
    seen: BTreeSet<&'static str>,
}

fn tens(price: Price) -> i64 {
    price.millionths() / 1_000_000
}

impl Day {
    fn begin() -> Self {
        let mut world = with_board();
        let trader = [Role::Supplier, Role::Buyer, Role::GroupLead];
        admit(&mut world, TRADER, owner(TRADER), &trader);
        admit(&mut world, SUBSIDIARY, owner(SUBSIDIARY), &[Role::Buyer, Role::GroupLead]);
        let read = world.events.len();
        Self {
            world,
            model: Model::default(),
            entries: BTreeMap::new(),
            talks: BTreeMap::new(),
            deals: BTreeMap::new(),
            read,
            seen: BTreeSet::new(),
        }
    }

    /// Takes a step on both; the engine does what the model says.
    fn step(&mut self, step: &Step) {
        let sender = |who: usize| EVERYBODY[who];
        let now = self.world.now;
        let month = now.plus_seconds(hours(24 * 14)).expect("fits");
        let answer = now.plus_seconds(hours(24)).expect("fits");
        let mut next = self.model.clone();
        let on_grid = |limit: i64, is_buy: bool| !is_buy || limit >= 100;
        let (who, command, expected) = match *step {
            Step::Post { who, sells: is_sale, amount, limit, is_group } => {
                let who = sender(who);
                let side = if is_sale { Side::Sell } else { Side::Buy };
                let may = if is_sale { sells(who) && !is_group } else { buys(who) };
                let taken = may && on_grid(limit, !is_sale) && self.model.may_enter(who, is_group);
                if taken && !self.model.halted.contains(&who) {
                    next.newest += 1;
                    let members = is_group.then(|| BTreeMap::from([(who, (amount, limit))]));
                    let entry =
                        Entry { side, lead: who, quantity: amount, limit, members, valid_until: month };
                    next.entries.insert(EntryId(next.newest), entry);
                }
                let listing = Box::new(listing(&self.world, side, amount));
                (who, Command::PostEntry { board: BOARD, listing, limit: price(limit), is_group }, taken)
            }
            Step::Replace { who, entry, amount, limit } => {
                let (who, number) = (sender(who), EntryId(entry));
                let mut taken = false;
                let mut side = Side::Sell;
                if let Some(it) = self.model.own(entry, who) {
                    side = it.side;
                    let held = self.model.held(number);
                    let others: u32 = it
                        .members
                        .iter()
                        .flatten()
                        .filter(|(member, _)| **member != who)
                        .map(|(_, (amount, _))| amount)
                        .sum();
                    let whole = amount + others;
                    taken = on_grid(limit, it.side == Side::Buy)
                        && !self.model.is_still(number)
                        && whole >= held
                        && (it.members.is_none() || held == 0);
                    if taken && let Some(it) = next.entries.get_mut(&number) {
                        (it.quantity, it.limit, it.valid_until) = (amount, limit, month);
                        if let Some(members) = &mut it.members {
                            members.insert(who, (amount, limit));
                        }
                        next.pool(number);
                    }
                }
                let listing = Box::new(listing(&self.world, side, amount));
                (who, Command::ReplaceEntry { entry: number, listing, limit: price(limit) }, taken)
            }
            Step::Withdraw { who, entry } => {
                let (who, number) = (sender(who), EntryId(entry));
                let taken = self.model.own(entry, who).is_some() && !self.model.is_still(number);
                if taken {
                    next.close(number);
                }
                (who, Command::WithdrawEntry { entry: number }, taken)
            }
            Step::Join { who, entry, amount, limit } => {
                let (who, number) = (sender(who), EntryId(entry));
                let is_group = self.model.entries.get(&number).is_some_and(|it| it.members.is_some());
                let taken = is_group
                    && buys(who)
                    && limit >= 100
                    && !self.model.is_still(number)
                    && self.model.held(number) == 0
                    && self.model.may_enter(who, true)
                    && !self
                        .model
                        .talks
                        .values()
                        .any(|talk| talk.is_about(number) && owner(talk.seller.0) == owner(who))
                    && !self.model.halted.contains(&who);
                if taken {
                    let members = next.entries.get_mut(&number).and_then(|it| it.members.as_mut());
                    members.expect("a group").insert(who, (amount, limit));
                    next.pool(number);
                }
                (
                    who,
                    Command::JoinGroup { entry: number, quantity: quantity(amount), limit: price(limit) },
                    taken,
                )
            }
            Step::Leave { entry, which, by } => {
                let number = EntryId(entry);
                let members = self.model.entries.get(&number).and_then(|it| it.members.as_ref());
                let member = members.and_then(|members| members.keys().nth(which % members.len()));
                let Some(&member) = member else { return };
                let who = by.map_or(member, sender);
                let taken = self.model.entries.get(&number).is_some_and(|it| {
                    let is_member = it.members.as_ref().is_some_and(|members| members.contains_key(&member));
                    buys(who)
                        && is_member
                        && member != it.lead
                        && (who == member || who == it.lead)
                        && !self.model.is_still(number)
                        && self.model.held(number) == 0
                }) && !self.model.halted.contains(&who);
                if taken {
                    let members = next.entries.get_mut(&number).and_then(|it| it.members.as_mut());
                    members.expect("a group").remove(&member);
                    next.pool(number);
                }
                (who, Command::LeaveGroup { entry: number, member: id(member) }, taken)
            }
            Step::Negotiate { who, entry, with, chosen, price: limit, amount } => {
                let (who, number) = (sender(who), EntryId(entry));
                let asked = sender(with as usize % EVERYBODY.len());
                let with = if chosen {
                    Counterparty::Participant(id(asked))
                } else {
                    Counterparty::Entry(EntryId(with))
                };
                let taken = self.negotiable(entry, who, with, asked, limit, amount);
                if taken && let Some(it) = self.model.entries.get(&number) {
                    let own = (who, Some(number), true);
                    let other = match with {
                        Counterparty::Entry(other) => (self.model.entries[&other].lead, Some(other), false),
                        Counterparty::Participant(_) => (asked, None, false),
                    };
                    let (seller, buyer) = if it.side == Side::Sell { (own, other) } else { (other, own) };
                    let (turn, until, is_rounds) = (0, answer, false);
                    next.open(
                        number,
                        with,
                        Talk { seller, buyer, price: limit, amount, turn, until, is_rounds },
                    );
                }
                let terms = DealTerms { price: limit.map(price), ..deal_terms(0, amount) };
                (who, Command::Negotiate { entry: number, with, terms }, taken)
            }
            Step::Counter { other, which, turn, price: limit, amount } => {
                let Some((negotiation, talk, who)) = self.chosen(which, other) else { return };
                let turn = if turn == u32::MAX { talk.turn } else { turn };
                let (side, entry, own) = seat(&talk, who);
                let taken = limit >= 100
                    && turn == talk.turn
                    && !agreed(&talk, side)
                    && talk.turn < 3
                    && self.model.can_promise(entry, Some(limit), amount, own);
                if taken && let Some(talk) = next.talks.get_mut(&negotiation) {
                    (talk.price, talk.amount, talk.turn, talk.until) =
                        (Some(limit), amount, turn + 1, answer);
                    (talk.seller.2, talk.buyer.2) = (side == Side::Sell, side == Side::Buy);
                    talk.is_rounds = false;
                }
                (who, Command::CounterTerms { negotiation, turn, terms: deal_terms(limit, amount) }, taken)
            }
            Step::Accept { other, which, turn } => {
                let Some((negotiation, talk, who)) = self.chosen(which, other) else { return };
                let turn = if turn == u32::MAX { talk.turn } else { turn };
                let (side, entry, own) = seat(&talk, who);
                let taken = turn == talk.turn
                    && talk.price.is_some()
                    && !agreed(&talk, side)
                    && self.model.can_promise(entry, talk.price, talk.amount, own);
                if taken && let Some(talk) = next.talks.get_mut(&negotiation) {
                    match side {
                        Side::Sell => talk.seller.2 = true,
                        Side::Buy => talk.buyer.2 = true,
                    }
                    if talk.seller.2 && talk.buyer.2 {
                        next.deal(negotiation);
                    }
                }
                (who, Command::AcceptTerms { negotiation, turn }, taken)
            }
            Step::End { other, which } => {
                let Some((negotiation, _, who)) = self.chosen(which, other) else { return };
                next.end(negotiation);
                (who, Command::EndNegotiation { negotiation }, true)
            }
            Step::Call => {
                let taken = self.model.round.is_none();
                if taken {
                    let entries = self.model.entries.keys().copied();
                    let open = entries.filter(|entry| self.model.free(*entry) > 0).collect();
                    next.round = Some((now.plus_seconds(600).expect("fits"), open, Vec::new()));
                }
                (OPERATORS[0], Command::CallRound { board: BOARD }, taken)
            }
            Step::Propose => {
                let Some((_, open, deals)) = &mut next.round else { return };
                let (digest, entries) = self.world.round_book();
                assert_eq!(&entries.iter().map(|entry| entry.entry).collect::<BTreeSet<_>>(), open);
                let rule = board_terms().rule;
                let solution = RoundSolution::of(&entries, digest, &rule, 100).expect("a board");
                let names = round_names(&entries);
                let board = round_board(&entries, &names);
                let entry = |name: &[u8]| EntryId(u32::from_be_bytes(name.try_into().expect("four bytes")));
                let found = hold_round(&board, &rule, 100).expect("a board");
                *deals = found
                    .deals
                    .iter()
                    .map(|deal| {
                        let offer = entry(board.offers[deal.offer as usize].id);
                        let request = entry(board.requests[deal.request as usize].id);
                        (offer, request, tens(deal.price), deal.quantity as u32)
                    })
                    .collect();
                let solution = Box::new(solution);
                (OPERATORS[1], Command::ProposeDeals { board: BOARD, solution }, true)
            }
            Step::Wait { hours: time } => {
                let to = now.plus_seconds(hours(time)).expect("fits");
                next.pass(to);
                (OPERATORS[0], Command::SetClock { to }, true)
            }
            Step::Halt { who } => {
                let who = sender(who);
                let own: Vec<EntryId> =
                    next.entries.iter().filter(|(_, it)| it.lead == who).map(|(id, _)| *id).collect();
                for entry in own {
                    next.close(entry);
                }
                let is_member =
                    |it: &Entry| it.members.as_ref().is_some_and(|members| members.contains_key(&who));
                let groups: Vec<EntryId> =
                    next.entries.iter().filter(|(_, it)| is_member(it)).map(|(id, _)| *id).collect();
                for entry in groups {
                    next.talks.retain(|_, talk| !talk.is_about(entry));
                    if let Some(members) = next.entries.get_mut(&entry).and_then(|it| it.members.as_mut()) {
                        members.remove(&who);
                    }
                    next.pool(entry);
                }
                next.talks.retain(|_, talk| talk.side_of(who).is_none());
                next.halted.insert(who);
                (OPERATORS[0], Command::Halt { participant: id(who) }, true)
            }
        };
        let taken = expected && !self.model.halted.contains(&who);
        let name = command.name();
        let outcome = self.world.send(who, command);
        assert_eq!(outcome.is_ok(), taken, "{step:?}: {outcome:?}");
        if taken {
            self.model = next;
            self.seen.insert(name);
        }
        self.read_events();
        self.compare();
    }

    fn negotiable(
        &self,
        entry: u32,
        who: IdentityId,
        with: Counterparty,
        asked: IdentityId,
        price: Option<i64>,
        amount: u32,
    ) -> bool {
        let Some(it) = self.model.own(entry, who) else { return false };
        let owners = self.model.owners(it);
        let fits = match with {
            Counterparty::Entry(other) => self.model.entries.get(&other).is_some_and(|other_entry| {
                let talks = self.model.talks.values().filter(|talk| talk.is_about(other));
                let with_owner =
                    talks.filter(|talk| talk.sides().iter().any(|(party, _, _)| owner(*party) == owner(who)));
                other_entry.side != it.side
                    && self.model.owners(other_entry).is_disjoint(&owners)
                    && with_owner.count() < 8
            }),
            Counterparty::Participant(_) => {
                let may = if it.side == Side::Sell { buys(asked) } else { sells(asked) };
                let talks = self.model.talks.keys();
                let times = talks.filter(|id| id.entry == EntryId(entry) && id.with == with).count();
                may && !self.model.halted.contains(&asked) && !owners.contains(&owner(asked)) && times < 8
            }
        };
        let opened = self.model.talks.keys().filter(|id| id.entry == EntryId(entry)).count();
        fits && opened < 64
            && price.is_none_or(|price| price >= 100)
            && self.model.can_promise(Some(EntryId(entry)), price, amount, 0)
    }

    /// Some negotiation, and one of its sides: the one whose turn it is, or the other.
    fn chosen(&self, which: usize, other: bool) -> Option<(NegotiationId, Talk, IdentityId)> {
        let count = self.model.talks.len();
        let (id, talk) = self.model.talks.iter().nth(which % count.max(1))?;
        let [seller, buyer] = talk.sides();
        let who = if seller.2 == other { seller.0 } else { buyer.0 };
        Some((*id, talk.clone(), who))
    }

    /// What the engine told, as an observer of everything adds it up.
    fn read_events(&mut self) {
        for event in &self.world.events[self.read..] {
            match event {
                Event::EntryPosted { entry, listing, .. } | Event::EntryReplaced { entry, listing, .. } => {
                    self.entries.insert(*entry, (listing.quantity.millionths() / 1_000_000) as u32);
                }
                Event::EntryQuantity { entry, quantity, .. } => {
                    self.entries.insert(*entry, (quantity.millionths() / 1_000_000) as u32);
                }
                Event::EntryClosed { entry, .. } => {
                    self.entries.remove(entry);
                }
                Event::NegotiationOpened { negotiation, until, by, .. } => {
                    self.talks.insert(*negotiation, (0, *until));
                    self.seen.insert(if by.is_none() { "Proposed by a round" } else { "Proposed" });
                }
                Event::TermsCountered { negotiation, turn, until, .. } => {
                    self.talks.insert(*negotiation, (*turn, *until));
                }
                Event::NegotiationEnded { negotiation, end, .. } => {
                    assert!(self.talks.remove(negotiation).is_some(), "it ended once");
                    self.seen.insert(match end {
                        golv_engine::bilateral::NegotiationEnd::Declined => "Declined",
                        golv_engine::bilateral::NegotiationEnd::Withdrawn => "Withdrawn",
                        golv_engine::bilateral::NegotiationEnd::Lapsed => "Lapsed",
                        golv_engine::bilateral::NegotiationEnd::EntryGone => "EntryGone",
                    });
                }
                Event::DealMade { negotiation, deal } => {
                    assert!(self.talks.remove(negotiation).is_some(), "a deal comes of a negotiation");
                    let who = |party: Party| IdentityId(party.participant().expect("a participant").0);
                    let amount = (deal.quantity.millionths() / 1_000_000) as u32;
                    let made = (who(deal.seller), who(deal.buyer), tens(deal.price), amount);
                    assert!(self.deals.insert(*negotiation, made).is_none());
                    self.seen.insert(if deal.shares.len() > 1 { "Shared" } else { "Deal" });
                }
                _ => {}
            }
        }
        self.read = self.world.events.len();
    }

    fn compare(&self) {
        let entries: BTreeMap<EntryId, u32> =
            self.model.entries.iter().map(|(id, it)| (*id, it.quantity)).collect();
        assert_eq!(self.entries, entries);
        let talks: BTreeMap<NegotiationId, (u32, Instant)> =
            self.model.talks.iter().map(|(id, talk)| (*id, (talk.turn, talk.until))).collect();
        assert_eq!(self.talks, talks);
        assert_eq!(self.deals, self.model.deals);
        for (entry, it) in &self.model.entries {
            assert!(self.model.held(*entry) <= it.quantity, "nothing is promised twice");
            assert!(it.valid_until > self.world.now, "nothing is left after its time");
        }
        assert!(self.model.talks.values().all(|talk| talk.until > self.world.now));
        assert!(self.world.exchange.is_conserved(), "what stands on the board hangs together");
    }
}

fn seat(talk: &Talk, who: IdentityId) -> (Side, Option<EntryId>, u32) {
    let side = talk.side_of(who).expect("a side");
    let (_, entry, _) = if side == Side::Sell { talk.seller } else { talk.buyer };
    (side, entry, entry.map_or(0, |entry| talk.holds(entry)))
}

fn agreed(talk: &Talk, side: Side) -> bool {
    if side == Side::Sell { talk.seller.2 } else { talk.buyer.2 }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    /// Model and engine agree at each step; no deal is made without both consents, nothing is promised twice, and nothing is left after
    /// its time.
    /// Rules: R-BIL-011, R-BIL-043, R-BIL-047, R-BIL-048.
    #[test]
    fn a_board_does_what_its_model_does(steps in prop::collection::vec(a_step(), 1..80)) {
        let mut day = Day::begin();
        for step in &steps {
            day.step(step);
        }
        // Everything ends by itself.
        day.step(&Step::Wait { hours: 24 * 15 });
        prop_assert!(day.talks.is_empty() && day.entries.is_empty());
    }
}

/// The steps above reach what there is to reach.
#[test]
fn the_steps_reach_everything() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut seen = BTreeSet::new();
    for _ in 0..300 {
        let steps = prop::collection::vec(a_step(), 80).new_tree(&mut runner).expect("steps").current();
        let mut day = Day::begin();
        for step in &steps {
            day.step(step);
        }
        seen.append(&mut day.seen);
    }
    for needed in [
        "PostEntry",
        "ReplaceEntry",
        "WithdrawEntry",
        "JoinGroup",
        "LeaveGroup",
        "Negotiate",
        "CounterTerms",
        "AcceptTerms",
        "EndNegotiation",
        "CallRound",
        "ProposeDeals",
        "Proposed by a round",
        "Proposed",
        "Declined",
        "Withdrawn",
        "Lapsed",
        "EntryGone",
        "Deal",
        "Shared",
    ] {
        assert!(seen.contains(needed), "{needed} is never reached");
    }
}
