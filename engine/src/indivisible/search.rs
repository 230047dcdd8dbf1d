//! Branch and bound over the orders that have a minimum.
//!
//! A partial choice says of some of them that they are accepted or rejected. Its *relaxation* lets all others take any part of
//! their quantity. Then one walk down both sides in merit order finds the greatest welfare, and among that the greatest
//! volume, in whole millionths: accepted orders take their minimums, the side that took less takes more until it balances,
//! and then the best that is left of both sides trades while no seller wants more than the buyer pays. No completion of
//! the choice is better than that. An accepted sell order bars cheaper buy orders from the walk, and an accepted buy
//! order dearer sell orders, so whatever comes out has a price that supports it. At most one order is *split*, given less
//! than its minimum; where none is, the relaxation is itself the best completion.
//!
//! The first pass decides the order that was split, and finds the greatest welfare and volume. The second looks for what
//! ties with them: it decides orders in time, accepting before rejecting, so the first of several that reject as few is the
//! earliest. It skips orders that every tie decides as the first pass did.
//!
//! Both passes keep what is still to be looked at in a list of their own, so a large book needs no deep stack.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::price::PriceRule;
use super::{Chosen, Proof, Welfare};
use crate::book::Side;
use crate::clearing::{Order, Rule};
use crate::num::Price;

/// What the search found.
pub(super) struct Found {
    pub(super) chosen: Option<Chosen>,
    pub(super) worth: Worth,
    pub(super) proof: Proof,
    /// What each row was given, in millionths; no rows where nothing trades.
    pub(super) given: Vec<i64>,
    pub(super) paradoxically_rejected: Vec<u32>,
    pub(super) nodes: u64,
}

/// What a choice is worth: by the first two objectives, in this order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Worth {
    /// In millionths of a millionth.
    pub(super) welfare: i128,
    /// In millionths.
    pub(super) volume: i64,
}

/// An order that can trade within the rule's bounds. Numbers are millionths.
struct Entry {
    row: u32,
    received: i64,
    limit: Option<i64>,
    /// The limit, or what a market order counts as.
    value: i64,
    quantity: i64,
    /// Zero where any part will do.
    minimum: i64,
    /// The next earlier order that is alike, and the next later one.
    earlier: Option<usize>,
    later: Option<usize>,
}

/// What the walk looks at of an entry.
#[derive(Clone, Copy)]
struct Line {
    value: i64,
    /// What it can take beyond the minimum of an accepted order.
    room: i64,
}

/// What is said of an order. Those without a minimum stay open.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Choice {
    Open,
    Accepted,
    Rejected,
}

/// What all accepted orders take at least, and what they leave of the prices.
#[derive(Clone, Copy)]
struct Accepted {
    bought: i64,
    sold: i64,
    welfare: i128,
    lowest: i64,
    highest: i64,
}

/// The best completion of a partial choice, did minimums bind only the orders that it accepts.
#[derive(Clone, Copy)]
struct Relaxed {
    worth: Worth,
    /// The welfare, did steps not bind either.
    by_merit: i128,
    /// The order that would take something and less than its minimum.
    split: Option<usize>,
}

/// A partial choice to be looked at: one decision more than the first `depth` of the trail.
struct Node<T> {
    depth: usize,
    entry: usize,
    choice: Choice,
    of: T,
}

/// The best of the first pass.
struct First {
    worth: Worth,
    /// Which entries with a minimum are accepted.
    accepts: Vec<bool>,
    /// What no choice is worth more than.
    bound: i128,
}

/// A whole choice with its price.
struct Tie {
    chosen: Option<Chosen>,
    given: Vec<i64>,
    paradoxically_rejected: Vec<u32>,
}

/// A book, and a partial choice among its orders.
pub(super) struct Search {
    /// How many orders the book has.
    rows: usize,
    /// Buy orders from the best limit to the worst, market orders first and those of one limit in time; then sell orders
    /// likewise.
    entries: Vec<Entry>,
    /// One for each entry.
    lines: Vec<Line>,
    /// How many of them buy.
    buys: usize,
    /// Whatever is traded is a whole multiple of it.
    step: i64,
    /// Those with a minimum, in time.
    in_time: Vec<usize>,
    choices: Vec<Choice>,
    accepted: Accepted,
    /// The entries that were decided, each with what was accepted before it.
    trail: Vec<(usize, Accepted)>,
    nodes: u64,
    node_limit: u64,
}

const NOTHING: Worth = Worth { welfare: 0, volume: 0 };

impl Search {
    pub(super) fn new(orders: &[Order<'_>], rule: &Rule, node_limit: u64) -> Self {
        let lowest = rule.lowest_price().map(Price::millionths);
        let highest = rule.highest_price().map(Price::millionths);
        let can_trade = |order: &Order<'_>| match (order.side, order.price.map(Price::millionths)) {
            (_, None) => true,
            (Side::Buy, Some(limit)) => lowest.is_none_or(|lowest| limit >= lowest),
            (Side::Sell, Some(limit)) => highest.is_none_or(|highest| limit <= highest),
        };
        let trading: Vec<(u32, &Order<'_>)> =
            (0..).zip(orders).filter(|(_, order)| !order.quantity.is_zero() && can_trade(order)).collect();
        let limits = trading.iter().filter_map(|(_, order)| order.price.map(Price::millionths));
        let mut prices: Vec<i64> = limits.chain(lowest).chain(highest).collect();
        prices.sort_unstable();
        // Where there is no price at all, market orders trade with each other and gain nothing.
        let best_buy = prices.last().copied().unwrap_or(0);
        let best_sell = prices.first().copied().unwrap_or(0);

        let side = |of: Side, market: i64| {
            let of_side = trading.iter().filter(|(_, order)| order.side == of);
            let mut side: Vec<Entry> = of_side.map(|(row, order)| Entry::new(*row, order, market)).collect();
            side.sort_unstable_by_key(|entry| {
                let value = i128::from(entry.value);
                let merit = if of == Side::Buy { value.saturating_neg() } else { value };
                (merit, entry.limit.is_some(), entry.received, entry.row)
            });
            side
        };
        let mut entries = side(Side::Buy, best_buy);
        let buys = entries.len();
        entries.extend(side(Side::Sell, best_sell));
        let mut in_time: Vec<(i64, u32, usize)> = (0..)
            .zip(&entries)
            .filter(|(_, entry)| entry.minimum > 0)
            .map(|(place, entry)| (entry.received, entry.row, place))
            .collect();
        in_time.sort_unstable();
        let in_time: Vec<usize> = in_time.into_iter().map(|(_, _, place)| place).collect();
        link_alike(&mut entries, buys, &in_time);
        let step = step(&entries, buys);
        Self {
            rows: orders.len(),
            choices: vec![Choice::Open; entries.len()],
            lines: entries.iter().map(|entry| Line { value: entry.value, room: entry.quantity }).collect(),
            entries,
            buys,
            step,
            in_time,
            accepted: Accepted {
                bought: 0,
                sold: 0,
                welfare: 0,
                lowest: lowest.unwrap_or(i64::MIN),
                highest: highest.unwrap_or(i64::MAX),
            },
            trail: Vec::new(),
            nodes: 0,
            node_limit,
        }
    }

    /// Looks for the best choice until nothing is left to be looked at, or the limit is reached.
    pub(super) fn run(mut self, rule: &PriceRule<'_>) -> Found {
        let root = self.relaxed();
        let first = self.first_pass(root);
        if first.worth.volume == 0 {
            let tie = Tie { chosen: None, given: Vec::new(), paradoxically_rejected: Vec::new() };
            return self.found(tie, &first, first.bound <= 0);
        }
        self.undo(0);
        for place in self.in_time.clone() {
            self.decide(
                place,
                if first.accepts.get(place) == Some(&true) { Choice::Accepted } else { Choice::Rejected },
            );
        }
        let tie = self.tie(rule);
        if first.bound > first.worth.welfare {
            return self.found(tie, &first, false);
        }
        // Where a price leaves nobody in the money who is not filled, merit order does no better.
        let fewest = usize::from(root.is_some_and(|root| root.by_merit > first.worth.welfare));
        let (tie, is_finished) = self.second_pass(&first, tie, fewest, rule);
        self.found(tie, &first, is_finished)
    }

    fn found(self, tie: Tie, first: &First, is_optimal: bool) -> Found {
        let Tie { chosen, given, paradoxically_rejected } = tie;
        let proof = if is_optimal { Proof::Optimal } else { Proof::Bound(Welfare::from_raw(first.bound)) };
        Found { chosen, worth: first.worth, proof, given, paradoxically_rejected, nodes: self.nodes }
    }

    /// The greatest welfare, and among that the greatest volume.
    fn first_pass(&mut self, root: Option<Relaxed>) -> First {
        let nothing = vec![false; self.entries.len()];
        let mut best = First { worth: NOTHING, accepts: nothing, bound: 0 };
        let mut open: Vec<Node<(Worth, usize)>> = Vec::new();
        let mut next = root.and_then(|root| self.improve(&mut best, root));
        loop {
            if let Some((worth, entry)) = next {
                let depth = self.trail.len();
                let mut branches = Vec::with_capacity(2);
                for choice in [Choice::Accepted, Choice::Rejected] {
                    if self.nodes >= self.node_limit {
                        let left = open.iter().map(|node| node.of.0.welfare);
                        best.bound = left.chain([worth.welfare]).fold(best.worth.welfare, i128::max);
                        return best;
                    }
                    let relaxed = if self.decide(entry, choice) { self.relaxed() } else { None };
                    if let Some(of) = relaxed.and_then(|relaxed| self.improve(&mut best, relaxed)) {
                        branches.push(Node { depth, entry, choice, of });
                    }
                    self.undo(depth);
                }
                // The better one is looked at first: the last in the list.
                branches.sort_by_key(|node| node.of.0);
                open.extend(branches);
            }
            let Some(node) = open.pop() else {
                best.bound = best.worth.welfare;
                return best;
            };
            next = None;
            if node.of.0 > best.worth {
                self.undo(node.depth);
                self.decide(node.entry, node.choice);
                next = Some(node.of);
            }
        }
    }

    /// Takes a better choice as the best. A partial one that may become better is given back, with the order to be decided.
    fn improve(&self, best: &mut First, relaxed: Relaxed) -> Option<(Worth, usize)> {
        if relaxed.worth <= best.worth {
            return None;
        }
        if let Some(split) = relaxed.split {
            return Some((relaxed.worth, split));
        }
        best.worth = relaxed.worth;
        best.accepts = self.given().into_iter().map(|amount| amount > 0).collect();
        None
    }

    /// The tie with the first that rejects the fewest orders paradoxically, `fewest` at the least, and of those the earliest;
    /// and whether all were looked at.
    fn second_pass(&mut self, first: &First, tie: Tie, fewest: usize, rule: &PriceRule<'_>) -> (Tie, bool) {
        self.undo(0);
        let Some(free) = self.settle(first) else {
            return (tie, false);
        };
        let mut best = tie;
        // More would be no better than what was found.
        let mut most = best.paradoxically_rejected.len();
        let mut open: Vec<Node<usize>> = Vec::new();
        let mut next = Some(0);
        loop {
            let undecided = |from: usize| {
                let is_open = |number: &usize| free.get(*number).is_some_and(|&place| self.is_open(place));
                (from..free.len()).find(is_open)
            };
            match next.map(|from| undecided(from).and_then(|number| Some((number, *free.get(number)?)))) {
                None => {}
                Some(None) => {
                    let found = self.tie(rule);
                    let rejected = found.paradoxically_rejected.len();
                    if rejected <= most {
                        best = found;
                        match rejected.checked_sub(1).filter(|fewer| *fewer >= fewest) {
                            Some(fewer) => most = fewer,
                            None => return (best, true),
                        }
                    }
                }
                Some(Some((number, entry))) => {
                    let depth = self.trail.len();
                    // What is accepted is looked at first: the last in the list.
                    for choice in [Choice::Rejected, Choice::Accepted] {
                        if self.nodes >= self.node_limit {
                            return (best, false);
                        }
                        if self.ties(entry, choice, first.worth) && self.rejected_at_least() <= most {
                            open.push(Node { depth, entry, choice, of: number });
                        }
                        self.undo(depth);
                    }
                }
            }
            let Some(node) = open.pop() else {
                return (best, true);
            };
            self.undo(node.depth);
            self.decide(node.entry, node.choice);
            next = (self.rejected_at_least() <= most).then_some(node.of);
        }
    }

    /// Decides every order that all ties decide as the first pass did, and returns the others, in time; `None` if the limit
    /// was reached meanwhile.
    fn settle(&mut self, first: &First) -> Option<Vec<usize>> {
        let mut free = Vec::new();
        for place in self.in_time.clone() {
            if !self.is_open(place) {
                continue;
            }
            if self.nodes >= self.node_limit {
                return None;
            }
            let (as_before, otherwise) = if first.accepts.get(place) == Some(&true) {
                (Choice::Accepted, Choice::Rejected)
            } else {
                (Choice::Rejected, Choice::Accepted)
            };
            let depth = self.trail.len();
            let is_free = self.ties(place, otherwise, first.worth);
            self.undo(depth);
            if is_free {
                free.push(place);
            } else {
                self.decide(place, as_before);
            }
        }
        Some(free)
    }

    /// Decides an order and says whether a completion can still be worth as much.
    fn ties(&mut self, place: usize, choice: Choice, worth: Worth) -> bool {
        self.decide(place, choice) && self.relaxed().is_some_and(|relaxed| relaxed.worth >= worth)
    }

    /// How many orders are rejected paradoxically whatever the rest is: by every price that accepted orders leave.
    fn rejected_at_least(&self) -> usize {
        let is_rejected = |place: &&usize| self.choices.get(**place) == Some(&Choice::Rejected);
        let is_better = |place: &&usize| {
            let limit = self.entries.get(**place).map(|entry| entry.limit);
            limit.is_some_and(|limit| match limit {
                None => true,
                Some(limit) if **place < self.buys => limit > self.accepted.highest,
                Some(limit) => limit < self.accepted.lowest,
            })
        };
        self.in_time.iter().filter(is_rejected).filter(is_better).count()
    }

    /// The whole choice that the decided orders and, among the others, merit make.
    fn tie(&self, rule: &PriceRule<'_>) -> Tie {
        let amounts = self.given();
        let given = || self.entries.iter().zip(&amounts).enumerate();
        let mut by_row = vec![0; self.rows];
        for (_, (entry, amount)) in given() {
            if let Some(place) = usize::try_from(entry.row).ok().and_then(|row| by_row.get_mut(row)) {
                *place = *amount;
            }
        }
        let chosen = rule.choose(&by_row);
        assert!(chosen.is_some(), "a trade that some price supports gets one");
        let price = chosen.map_or(0, |chosen| chosen.price.millionths());
        let is_in_the_money = |place: usize, entry: &Entry| {
            entry.limit.is_none_or(|limit| if place < self.buys { limit > price } else { limit < price })
        };
        let rejected = given()
            .filter(|(place, (entry, amount))| **amount < entry.quantity && is_in_the_money(*place, entry))
            .map(|(_, (entry, _))| entry.row);
        Tie { chosen, paradoxically_rejected: rejected.collect(), given: by_row }
    }

    fn is_open(&self, place: usize) -> bool {
        self.choices.get(place) == Some(&Choice::Open)
    }

    /// Accepts or rejects an order, and with it those alike that must follow; false where one of them was decided otherwise.
    /// What was decided on the way stays on the trail.
    fn decide(&mut self, place: usize, choice: Choice) -> bool {
        let mut place = Some(place);
        while let Some(at) = place {
            match self.choices.get(at) {
                Some(Choice::Open) => place = self.set(at, choice),
                // Those beyond it followed when it was decided.
                decided => return decided == Some(&choice),
            }
        }
        true
    }

    /// Decides one order that is open, and names the one alike that must follow: what comes before an accepted one, what
    /// comes after a rejected one.
    fn set(&mut self, place: usize, choice: Choice) -> Option<usize> {
        let entry = self.entries.get(place)?;
        self.trail.push((place, self.accepted));
        *self.choices.get_mut(place)? = choice;
        let line = self.lines.get_mut(place)?;
        if choice == Choice::Rejected {
            line.room = 0;
            return entry.later;
        }
        line.room = entry.quantity.saturating_sub(entry.minimum);
        // Sums of a book whose totals fit.
        let accepted = &mut self.accepted;
        let worth = worth(entry.value, entry.minimum);
        if place < self.buys {
            accepted.bought = accepted.bought.saturating_add(entry.minimum);
            accepted.welfare = accepted.welfare.saturating_add(worth);
            accepted.highest = entry.limit.map_or(accepted.highest, |limit| accepted.highest.min(limit));
        } else {
            accepted.sold = accepted.sold.saturating_add(entry.minimum);
            accepted.welfare = accepted.welfare.saturating_sub(worth);
            accepted.lowest = entry.limit.map_or(accepted.lowest, |limit| accepted.lowest.max(limit));
        }
        entry.earlier
    }

    /// Takes back all decisions but the first so many.
    fn undo(&mut self, depth: usize) {
        while self.trail.len() > depth
            && let Some((place, before)) = self.trail.pop()
        {
            self.accepted = before;
            let quantity = self.entries.get(place).map(|entry| entry.quantity);
            if let (Some(choice), Some(line), Some(quantity)) =
                (self.choices.get_mut(place), self.lines.get_mut(place), quantity)
            {
                *choice = Choice::Open;
                line.room = quantity;
            }
        }
    }

    /// The relaxation of the partial choice; `None` where it has no completion. Each one is a node.
    fn relaxed(&mut self) -> Option<Relaxed> {
        self.nodes = self.nodes.saturating_add(1);
        self.walk(|_, _| {})
    }

    /// What each entry takes in the relaxation.
    fn given(&self) -> Vec<i64> {
        let minimum =
            |(entry, choice): (&Entry, &Choice)| if *choice == Choice::Accepted { entry.minimum } else { 0 };
        let mut given: Vec<i64> = self.entries.iter().zip(&self.choices).map(minimum).collect();
        self.walk(|place, more| {
            if let Some(amount) = given.get_mut(place) {
                *amount = amount.saturating_add(more);
            }
        });
        given
    }

    /// Walks down both sides, and tells what each entry takes beyond the minimum of an accepted one.
    fn walk(&self, mut take: impl FnMut(usize, i64)) -> Option<Relaxed> {
        let Accepted { mut bought, mut sold, mut welfare, lowest, highest } = self.accepted;
        if lowest > highest {
            return None;
        }
        let (buys, sells) = self.lines.split_at_checked(self.buys)?;
        // Who would trade at a price that the accepted orders leave. Market orders count as no worse.
        let buys = buys.get(..buys.partition_point(|line| line.value >= lowest))?;
        let sells = sells.get(..sells.partition_point(|line| line.value <= highest))?;
        let mut buys = Cursor { lines: buys, place: 0, taken: 0 };
        let mut sells = Cursor { lines: sells, place: 0, taken: 0 };
        // What the last pair gained with each unit.
        let mut last_gain = None;
        loop {
            let (buy, sell) = (buys.next(), sells.next());
            // Who has taken less must catch up; then both trade as long as neither loses.
            let (more_bought, more_sold) = match bought.cmp(&sold) {
                Ordering::Less => (buy?.room.min(sold.saturating_sub(bought)), 0),
                Ordering::Greater => (0, sell?.room.min(bought.saturating_sub(sold))),
                Ordering::Equal => match buy.zip(sell) {
                    Some((buy, sell)) if buy.value >= sell.value => {
                        last_gain = Some(worth(buy.value, 1).saturating_sub(worth(sell.value, 1)));
                        let both = buy.room.min(sell.room);
                        (both, both)
                    }
                    _ => break,
                },
            };
            if let Some(buy) = buy.filter(|_| more_bought > 0) {
                take(buys.place, more_bought);
                buys.taken = buys.taken.saturating_add(more_bought);
                bought = bought.saturating_add(more_bought);
                welfare = welfare.saturating_add(worth(buy.value, more_bought));
            }
            if let Some(sell) = sell.filter(|_| more_sold > 0) {
                take(self.buys.saturating_add(sells.place), more_sold);
                sells.taken = sells.taken.saturating_add(more_sold);
                sold = sold.saturating_add(more_sold);
                welfare = welfare.saturating_sub(worth(sell.value, more_sold));
            }
        }
        let split = self.split(buys.place, buys.taken);
        let split = split.or_else(|| self.split(self.buys.saturating_add(sells.place), sells.taken));
        let worth = self.in_steps(Worth { welfare, volume: bought }, last_gain)?;
        Some(Relaxed { worth, by_merit: welfare, split })
    }

    /// The most that is worth where only whole steps are traded: the rest of a step is taken back, at a loss of what the last
    /// pair gained at the least. More is never traded, since beyond the last pair sellers want more than buyers pay.
    fn in_steps(&self, most: Worth, last_gain: Option<i128>) -> Option<Worth> {
        let beyond = most.volume.checked_rem(self.step).unwrap_or(0);
        if beyond == 0 {
            return Some(most);
        }
        // Where no pair traded, minimums alone make the volume, and nothing can be taken back.
        let loss = last_gain?.saturating_mul(i128::from(beyond));
        Some(Worth { welfare: most.welfare.saturating_sub(loss), volume: most.volume.saturating_sub(beyond) })
    }

    /// The order at a place, if what it takes is less than its minimum.
    fn split(&self, place: usize, taken: i64) -> Option<usize> {
        let minimum = self.entries.get(place)?.minimum;
        (taken > 0 && taken < minimum && self.is_open(place)).then_some(place)
    }
}

/// A place on the way down a side.
struct Cursor<'a> {
    lines: &'a [Line],
    place: usize,
    /// What the line there took on the way.
    taken: i64,
}

impl Cursor<'_> {
    /// The next line that can take something, with what it can take yet.
    fn next(&mut self) -> Option<Line> {
        loop {
            let line = self.lines.get(self.place)?;
            if line.room > self.taken {
                return Some(Line { room: line.room.saturating_sub(self.taken), ..*line });
            }
            self.place = self.place.saturating_add(1);
            self.taken = 0;
        }
    }
}

impl Entry {
    fn new(row: u32, order: &Order<'_>, market: i64) -> Self {
        let limit = order.price.map(Price::millionths);
        Self {
            row,
            received: order.received,
            limit,
            value: limit.unwrap_or(market),
            quantity: order.quantity.millionths(),
            minimum: order.min_quantity.millionths(),
            earlier: None,
            later: None,
        }
    }
}

/// Ties each order with a minimum to those that are alike before and after it in time.
fn link_alike(entries: &mut [Entry], buys: usize, in_time: &[usize]) {
    let mut last = BTreeMap::new();
    for &place in in_time {
        let Some(entry) = entries.get_mut(place) else {
            continue;
        };
        let kind = (place < buys, entry.limit, entry.quantity, entry.minimum);
        let earlier = last.insert(kind, place);
        entry.earlier = earlier;
        if let Some(entry) = earlier.and_then(|earlier| entries.get_mut(earlier)) {
            entry.later = Some(place);
        }
    }
}

/// What every traded volume is a whole multiple of: where all orders of a side are filled whole or not at all, what their
/// quantities have in common. At most the whole book's.
fn step(entries: &[Entry], buys: usize) -> i64 {
    let (buy, sell) = entries.split_at_checked(buys).unwrap_or((entries, &[]));
    let of_side = |side: &[Entry]| {
        let is_whole = side.iter().all(|entry| entry.minimum == entry.quantity);
        let common = side.iter().fold(0, |common, entry| greatest_common_divisor(common, entry.quantity));
        if is_whole { common.max(1) } else { 1 }
    };
    let (buy, sell) = (of_side(buy), of_side(sell));
    let common = greatest_common_divisor(buy, sell);
    // Beyond what fits nothing is traded at all.
    buy.checked_div(common).and_then(|times| times.checked_mul(sell)).unwrap_or(i64::MAX)
}

fn greatest_common_divisor(mut one: i64, mut other: i64) -> i64 {
    while other != 0 {
        (one, other) = (other, one.checked_rem(other).unwrap_or(0));
    }
    one
}

/// Value × quantity: 64 bits by 63, so it fits.
fn worth(value: i64, quantity: i64) -> i128 {
    i128::from(value).saturating_mul(i128::from(quantity))
}
