//! The best matching without least quantities: greedy on both sides, met by one flow.

use std::collections::BTreeMap;

use super::network::{ArcId, Network};
use super::{Board, Entry, Given, Preference, RoundRule, Worth, are_compatible, compare_shares, gain};
use crate::num::{Price, Share};
use crate::text::Country;

/// A board as the search sees it: rows in the order of their ids, and who can deal with whom.
pub(super) struct Ways<'a> {
    pub(super) rule: &'a RoundRule,
    /// Offers in the order of their ids.
    pub(super) offers: Vec<(u32, Entry<'a>)>,
    /// Requests in the order of their ids.
    pub(super) requests: Vec<(u32, Entry<'a>)>,
    /// Places of compatible offers and requests in those lists.
    pub(super) pairs: Vec<(usize, usize)>,
    /// All sectors, in their order; none but by the rule `priority`.
    sectors: Vec<u32>,
}

/// Places of offers, requests and pairs that make a part of a board.
#[derive(Default)]
pub(super) struct Part {
    pub(super) offers: Vec<usize>,
    pub(super) requests: Vec<usize>,
    pub(super) pairs: Vec<usize>,
}

/// What a partial choice says of some pairs.
#[derive(Clone, Debug, Default)]
pub(super) struct Choice {
    /// At least so many lots of a pair.
    pub(super) required: BTreeMap<usize, i64>,
    /// None of these pairs.
    pub(super) forbidden: Vec<bool>,
    /// The most lots of each offer and of each request, or nothing where their quantities stand.
    pub(super) most: [Vec<i64>; 2],
}

/// A matching: lots by pair.
#[derive(Clone, Debug)]
pub(super) struct Matching {
    pub(super) lots: Vec<i64>,
    pub(super) worth: Worth,
}

/// So many parts of a share are told apart before lots are given one by one.
const LEVELS: i128 = 1 << 32;

impl<'a> Ways<'a> {
    pub(super) fn new(board: &Board<'a>, rule: &'a RoundRule) -> Self {
        let by_id = |entries: &[Entry<'a>]| {
            let mut rows: Vec<(u32, Entry<'a>)> = (0_u32..).zip(entries.iter().copied()).collect();
            rows.sort_by(|(_, one), (_, other)| one.id.cmp(other.id));
            rows
        };
        let (offers, requests) = (by_id(&board.offers), by_id(&board.requests));
        let mut pairs = Vec::new();
        for (place, (_, offer)) in offers.iter().enumerate() {
            let fits =
                |(_, (_, request)): &(usize, &(u32, Entry<'_>))| are_compatible(offer, request, rule.floor);
            pairs.extend(requests.iter().enumerate().filter(fits).map(|(request, _)| (place, request)));
        }
        let mut sectors = Vec::new();
        if rule.preference == Preference::Priority {
            sectors = requests.iter().map(|(_, request)| request.sector).collect();
            sectors.sort_unstable();
            sectors.dedup();
        }
        Self { rule, offers, requests, pairs, sectors }
    }

    /// The same of some of the offers, requests and pairs between them, all in their order.
    pub(super) fn part(&self, part: &Part) -> Self {
        let rows = |rows: &[(u32, Entry<'a>)], places: &[usize]| {
            places.iter().filter_map(|place| rows.get(*place)).copied().collect()
        };
        let pairs = part.pairs.iter().filter_map(|pair| {
            let (offer, request) = self.pairs.get(*pair)?;
            Some((part.offers.binary_search(offer).ok()?, part.requests.binary_search(request).ok()?))
        });
        Self {
            rule: self.rule,
            offers: rows(&self.offers, &part.offers),
            requests: rows(&self.requests, &part.requests),
            pairs: pairs.collect(),
            sectors: self.sectors.clone(),
        }
    }

    pub(super) fn offer(&self, pair: usize) -> Option<&Entry<'a>> {
        self.offers.get(self.pairs.get(pair)?.0).map(|(_, entry)| entry)
    }

    pub(super) fn request(&self, pair: usize) -> Option<&Entry<'a>> {
        self.requests.get(self.pairs.get(pair)?.1).map(|(_, entry)| entry)
    }

    /// The best matching that keeps to a choice; `None` where none can.
    pub(super) fn best(&self, choice: &Choice) -> Option<Matching> {
        let caps = [self.rule.origin_cap, self.rule.owner_cap];
        let work = Work::new(self, choice, None)?;
        let (given, _) = work.give(self);
        if caps.iter().all(Option::is_none) {
            return Some(work.finish(self, &given));
        }
        let mut total = given.iter().sum::<i64>();
        loop {
            let work = Work::new(self, choice, Some(total))?;
            let (given, network) = work.give(self);
            // Under the caps of a total no more than that can be matched; where as much can, it is the largest that can.
            if given.iter().sum::<i64>() >= total {
                return Some(work.finish(self, &given));
            }
            total = work.most_through_cut(self, &given, &network, total);
        }
    }

    pub(super) fn worth(&self, lots: &[i64]) -> Worth {
        let mut given: Vec<Given> =
            self.requests.iter().map(|(_, request)| Given::nothing(request)).collect();
        let mut surplus = 0_i128;
        for (pair, &lots) in lots.iter().enumerate() {
            let (Some(&(_, to)), Some(offer), Some(request)) =
                (self.pairs.get(pair), self.offer(pair), self.request(pair))
            else {
                continue;
            };
            if let Some(given) = given.get_mut(to) {
                given.lots = given.lots.saturating_add(lots);
            }
            surplus = surplus.saturating_add(gain(offer, request).saturating_mul(lots.into()));
        }
        Worth::given(self.rule.preference, &self.sectors, &given, surplus)
    }
}

/// What matchings of parts of a board that have no entry in common are worth together.
pub(super) fn together(worths: impl IntoIterator<Item = Worth>) -> Worth {
    let mut all = Worth::default();
    for worth in worths {
        all.quantity = all.quantity.saturating_add(worth.quantity);
        all.surplus = all.surplus.saturating_add(worth.surplus);
        all.sectors.resize(all.sectors.len().max(worth.sectors.len()), 0);
        for (sum, lots) in all.sectors.iter_mut().zip(worth.sectors) {
            *sum = sum.saturating_add(lots);
        }
        all.shares.extend(worth.shares);
    }
    all.shares.sort_by(compare_shares);
    all
}

/// Capacities that are left after what a choice requires, under the caps of a total.
struct Work {
    required: Vec<i64>,
    is_open: Vec<bool>,
    /// What requests are given so far: what is required.
    given: Vec<i64>,
    wanted: Vec<i64>,
    offered: Vec<i64>,
    origins: BTreeMap<Country, i64>,
}

/// Parts of a millionth in which the slope of what caps let through is counted, rounded up.
const PARTS: i128 = 1 << 32;

/// What of an owner's requests goes through a cut, in lots.
#[derive(Default)]
struct InCut {
    /// What all of them want.
    all: i128,
    /// What those in the cut want.
    wanted: i128,
    /// What those in the cut are given.
    given: i128,
    /// How many there are.
    requests: i128,
}

impl InCut {
    /// Adds a request, and what it is given if it is in the cut.
    fn add(&mut self, quantity: i64, given: Option<i64>) {
        self.all = self.all.saturating_add(quantity.into());
        self.requests = self.requests.saturating_add(1);
        if let Some(given) = given {
            self.wanted = self.wanted.saturating_add(quantity.into());
            self.given = self.given.saturating_add(given.into());
        }
    }

    /// How many lots more than it is given it can have beside a part of the owner's cap, and that part in [`PARTS`]; nothing where
    /// the cap leaves the owner all that it wants.
    fn line(&self, cap: i128) -> Option<(i128, i128)> {
        let Self { all, wanted, given, requests } = *self;
        if all <= cap {
            return None;
        }
        if given == cap {
            return Some((given.saturating_neg(), PARTS));
        }
        // By largest quotients, fewer than wanted × (cap + requests) ÷ all.
        let part = |of: i128| of.saturating_mul(wanted).checked_add(all)?.checked_sub(1)?.checked_div(all);
        Some((part(requests)?.saturating_sub(given), part(PARTS)?))
    }
}

/// What each request may be given under a cap by owner of some total: an owner's part is shared by its requests in proportion to what
/// they want. No request's part falls when the total rises, which largest remainders would not promise (the Alabama paradox; Balinski and
/// Young, *Fair Representation*, 1982) and which the search for the largest total relies on.
// Rules: R-BIL-035.
pub(super) fn within_owner_cap(requests: &[Entry<'_>], cap: Share, total: i64) -> Vec<i64> {
    let most = capped(cap, total);
    let mut wanted: Vec<i64> = requests.iter().map(|request| request.quantity).collect();
    let mut owners = BTreeMap::<u32, Vec<usize>>::new();
    for (place, request) in requests.iter().enumerate() {
        owners.entry(request.owner).or_default().push(place);
    }
    for mut places in owners.into_values() {
        // Ties go by id, whatever the order of the rows.
        places.sort_by_key(|place| requests.get(*place).map(|request| request.id));
        let quantities: Vec<i64> = places.iter().filter_map(|place| wanted.get(*place).copied()).collect();
        for (place, share) in places.into_iter().zip(by_largest_quotient(most, &quantities)) {
            if let Some(wanted) = wanted.get_mut(place) {
                *wanted = share;
            }
        }
    }
    wanted
}

/// Shares lots one after the other, each to whom has the largest amount ÷ (lots so far + 1), ties to the first (the method of Jefferson and
/// D'Hondt).
// Rules: R-BIL-035.
fn by_largest_quotient(available: i64, amounts: &[i64]) -> Vec<i64> {
    /// A part of each amount is told apart in so many steps before the last lots are given one by one.
    const STEPS: i128 = 1 << 50;
    let total: i128 = amounts.iter().map(|amount| i128::from(*amount)).sum();
    if i128::from(available) >= total {
        return amounts.to_vec();
    }
    let parts = |steps: i128| -> Vec<i64> {
        let part = |amount: &i64| i128::from(*amount).saturating_mul(steps).checked_div(STEPS);
        amounts.iter().map(|amount| part(amount).and_then(|part| part.try_into().ok()).unwrap_or(0)).collect()
    };
    let sum = |parts: &[i64]| parts.iter().map(|part| i128::from(*part)).sum::<i128>();
    // The most steps at which all have their part: that is where one lot after the other comes to as well.
    let (mut low, mut high) = (0_i128, STEPS);
    while high.saturating_sub(low) > 1 {
        let middle = low.saturating_add(high).checked_div(2).unwrap_or(low);
        if sum(&parts(middle)) <= available.into() { low = middle } else { high = middle }
    }
    let mut shares = parts(low);
    for _ in 0..i128::from(available).saturating_sub(sum(&shares)) {
        let next = (0..amounts.len()).reduce(|best, other| {
            let of = |row: usize| {
                let amount = amounts.get(row).copied().unwrap_or(0);
                (i128::from(amount), i128::from(shares.get(row).copied().unwrap_or(0)).saturating_add(1))
            };
            let ((amount, lots), (more, others)) = (of(best), of(other));
            if more.saturating_mul(lots) > amount.saturating_mul(others) { other } else { best }
        });
        if let Some(share) = next.and_then(|row| shares.get_mut(row)) {
            *share = share.saturating_add(1);
        }
    }
    shares
}

/// What of a total a cap leaves.
// Rules: R-BIL-034.
fn capped(cap: Share, total: i64) -> i64 {
    let part = i128::from(total).saturating_mul(cap.millionths().into());
    part.checked_div(Share::WHOLE.millionths().into())
        .and_then(|part| i64::try_from(part).ok())
        .unwrap_or(total)
}

fn take(left: Option<&mut i64>, lots: i64) -> Option<()> {
    let left = left?;
    *left = left.checked_sub(lots).filter(|left| *left >= 0)?;
    Some(())
}

impl Work {
    fn new(ways: &Ways<'_>, choice: &Choice, total: Option<i64>) -> Option<Self> {
        let quantities =
            |entries: &[(u32, Entry<'_>)]| entries.iter().map(|(_, entry)| entry.quantity).collect();
        let forbidden = choice.forbidden.iter().copied().chain(std::iter::repeat(false));
        let mut work = Self {
            required: vec![0; ways.pairs.len()],
            is_open: ways.pairs.iter().zip(forbidden).map(|(_, forbidden)| !forbidden).collect(),
            given: vec![0; ways.requests.len()],
            wanted: quantities(&ways.requests),
            offered: quantities(&ways.offers),
            origins: BTreeMap::new(),
        };
        if let (Some(total), Some(cap)) = (total, ways.rule.owner_cap) {
            let requests: Vec<Entry<'_>> = ways.requests.iter().map(|(_, request)| *request).collect();
            work.wanted = within_owner_cap(&requests, cap, total);
        }
        if let (Some(total), Some(cap)) = (total, ways.rule.origin_cap) {
            let origins = ways.offers.iter().filter_map(|(_, offer)| offer.origin);
            work.origins = origins.map(|origin| (origin, capped(cap, total))).collect();
        }
        let [of_offers, of_requests] = &choice.most;
        for (left, most) in work.offered.iter_mut().zip(of_offers) {
            *left = (*left).min(*most);
        }
        for (left, most) in work.wanted.iter_mut().zip(of_requests) {
            *left = (*left).min(*most);
        }
        for (&pair, &lots) in &choice.required {
            let &(offer, request) = ways.pairs.get(pair)?;
            take(work.offered.get_mut(offer), lots)?;
            take(work.wanted.get_mut(request), lots)?;
            if let Some(left) = ways.offer(pair)?.origin.and_then(|origin| work.origins.get_mut(&origin)) {
                take(Some(left), lots)?;
            }
            *work.required.get_mut(pair)? = lots;
            let given = work.given.get_mut(request)?;
            *given = given.saturating_add(lots);
        }
        Some(work)
    }

    /// The best quantities of requests, in the order of their ids, and the flow that gives them: nobody's is taken from whoever comes
    /// before it.
    fn give(&self, ways: &Ways<'_>) -> (Vec<i64>, Network) {
        let [offers, requests] =
            [ways.offers.len(), ways.requests.len()].map(|n| u32::try_from(n).unwrap_or(u32::MAX));
        let origins: Vec<Country> = self.origins.keys().copied().collect();
        let first_origin = requests.saturating_add(offers);
        let end = first_origin.saturating_add(u32::try_from(origins.len()).unwrap_or(0));
        let mut network = Network::with_nodes(end.saturating_add(1));
        for (&(offer, request), is_open) in ways.pairs.iter().zip(&self.is_open) {
            if *is_open {
                let [offer, request] = [offer, request].map(|place| u32::try_from(place).unwrap_or(u32::MAX));
                network.add(request, requests.saturating_add(offer), i64::MAX);
            }
        }
        for ((place, (_, offer)), left) in (requests..).zip(&ways.offers).zip(&self.offered) {
            let origin = offer.origin.and_then(|origin| origins.binary_search(&origin).ok());
            let to = origin
                .and_then(|place| u32::try_from(place).ok())
                .map_or(end, |place| first_origin.saturating_add(place));
            network.add(place, to, *left);
        }
        for (place, left) in (first_origin..).zip(self.origins.values()) {
            network.add(place, end, *left);
        }
        match ways.rule.preference {
            Preference::Surplus | Preference::Priority => self.give_best_first(ways, network, end),
            Preference::ProRata => self.give_shares(ways, network, end),
        }
    }

    fn give_best_first(&self, ways: &Ways<'_>, mut network: Network, end: u32) -> (Vec<i64>, Network) {
        let mut order: Vec<usize> = (0..ways.requests.len()).collect();
        let is_by_sector = ways.rule.preference == Preference::Priority;
        order.sort_by_key(|&place| {
            let request = ways.requests.get(place).map(|(_, request)| request);
            request.map(|request| {
                (if is_by_sector { request.sector } else { 0 }, std::cmp::Reverse(request.limit), place)
            })
        });
        let mut given = self.given.clone();
        for place in order {
            let Some(&wanted) = self.wanted.get(place) else { continue };
            let more = network.augment(u32::try_from(place).unwrap_or(u32::MAX), end, wanted);
            if let Some(given) = given.get_mut(place) {
                *given = given.saturating_add(more);
            }
        }
        (given, network)
    }

    /// Raises all shares together until somebody's can rise no more, and then those of the others.
    fn give_shares(&self, ways: &Ways<'_>, network: Network, end: u32) -> (Vec<i64>, Network) {
        let wants: Vec<Want> = ways
            .requests
            .iter()
            .zip(self.wanted.iter().zip(&self.given))
            .map(|((_, request), (wanted, given))| Want {
                whole: request.quantity,
                most: wanted.saturating_add(*given),
                limit: request.limit,
            })
            .collect();
        let mut raised = Raised { given: self.given.clone(), network, end };
        let mut is_active = vec![true; wants.len()];
        let mut level = 0_i128;
        while level < LEVELS && is_active.iter().any(|active| *active) {
            // The highest level that all who are still raised can have.
            let (mut low, mut high) = (level, LEVELS.saturating_add(1));
            while high.saturating_sub(low) > 1 {
                let middle = low.saturating_add(high).checked_div(2).unwrap_or(low);
                let targets = raised.targets(&wants, &is_active, middle);
                if raised.clone().raise(&targets) { low = middle } else { high = middle }
            }
            level = low;
            let targets = raised.targets(&wants, &is_active, level);
            raised.raise(&targets);
            if level < LEVELS {
                let next = raised.targets(&wants, &is_active, level.saturating_add(1));
                raised.raise_by_lots(&wants, &next, &mut is_active);
            }
        }
        (raised.given, raised.network)
    }

    /// No more than so many lots can be matched where the caps of a total let fewer than that through: what was given fills a cut of the
    /// network, and the caps in the cut fall with the total. A total that they let through is at most fixed + slope × total, so at most
    /// fixed ÷ (1 − slope) (Newton's method; Radzik, *Fractional combinatorial optimization*, in the Handbook of Combinatorial
    /// Optimization, 1998). Going from a total to what it lets through takes millions of steps where the caps add up to nearly
    /// all, as three of 0.333333 do.
    // Rules: R-BIL-034, R-BIL-035.
    fn most_through_cut(&self, ways: &Ways<'_>, given: &[i64], network: &Network, total: i64) -> i64 {
        let caps = [ways.rule.origin_cap, ways.rule.owner_cap];
        let [origin, owner] = caps.map(|cap| i128::from(cap.map_or(0, Share::millionths)));
        let [of_origin, of_owner] = caps.map(|cap| cap.map_or(i128::MAX, |cap| capped(cap, total).into()));
        let through = given.iter().sum::<i64>();
        let required = self.given.iter();
        let wanted = self.wanted.iter().zip(required).map(|(left, required)| left.saturating_add(*required));
        let lacking = (0_u32..).zip(given.iter().zip(wanted)).filter(|(_, (given, wanted))| *given < wanted);
        let is_behind = network.reach(lacking.map(|(place, _)| place));
        let (mut fixed, mut slope) = (i128::from(through), 0_i128);
        let first_origin = ways.requests.len().saturating_add(ways.offers.len());
        let origins = is_behind.iter().skip(first_origin).take(self.origins.len());
        for _ in origins.filter(|is_behind| **is_behind) {
            fixed = fixed.saturating_sub(of_origin);
            slope = slope.saturating_add(origin.saturating_mul(PARTS));
        }
        let mut owners = BTreeMap::<u32, InCut>::new();
        for (((_, request), given), is_behind) in ways.requests.iter().zip(given).zip(&is_behind) {
            owners.entry(request.owner).or_default().add(request.quantity, (!is_behind).then_some(*given));
        }
        for (more, weight) in owners.values().filter_map(|in_cut| in_cut.line(of_owner)) {
            fixed = fixed.saturating_add(more);
            slope = slope.saturating_add(owner.saturating_mul(weight));
        }
        let whole = i128::from(Share::WHOLE.millionths()).saturating_mul(PARTS);
        let bound = whole.checked_sub(slope).filter(|rest| *rest > 0);
        let bound = bound.and_then(|rest| fixed.max(0).saturating_mul(whole).checked_div(rest));
        bound.and_then(|bound| i64::try_from(bound).ok()).map_or(through, |bound| bound.min(through))
    }

    /// The flow that is worth the most of those that give requests what they were given or, by the caps of origins, as much in all.
    fn finish(&self, ways: &Ways<'_>, given: &[i64]) -> Matching {
        let [offers, requests] =
            [ways.offers.len(), ways.requests.len()].map(|n| u32::try_from(n).unwrap_or(u32::MAX));
        let origins: Vec<Country> = self.origins.keys().copied().collect();
        let first_origin = offers.saturating_add(requests);
        let end = first_origin.saturating_add(u32::try_from(origins.len()).unwrap_or(0));
        let start = end.saturating_add(1);
        let mut network = Network::with_nodes(start.saturating_add(1));
        let place = |place: usize| u32::try_from(place).unwrap_or(u32::MAX);
        let arcs: Vec<Option<ArcId>> = ways
            .pairs
            .iter()
            .zip(&self.is_open)
            .map(|(&(offer, request), is_open)| {
                is_open.then(|| network.add(offers.saturating_add(place(request)), place(offer), i64::MAX))
            })
            .collect();
        let left = given.iter().zip(&self.given).map(|(given, required)| given.saturating_sub(*required));
        if origins.is_empty() {
            self.sell_cheapest_first(ways, &mut network, left, (offers, start));
        } else {
            // Whose lots are whose matters where origins are capped: then costs are looked at along each way.
            for ((node, left), (wanted, (_, request))) in
                (offers..).zip(left).zip(self.wanted.iter().zip(&ways.requests))
            {
                let worth = i128::from(request.limit.millionths()).saturating_neg();
                let (most, cost) = match ways.rule.preference {
                    Preference::Surplus => (*wanted, (0, worth)),
                    Preference::Priority => (*wanted, (i64::from(request.sector), worth)),
                    Preference::ProRata => (left, (0, 0)),
                };
                network.add_at(start, node, most, cost);
            }
            for ((node, (_, offer)), left) in (0_u32..).zip(&ways.offers).zip(&self.offered) {
                let origin = offer.origin.and_then(|origin| origins.binary_search(&origin).ok());
                let to = origin.map_or(end, |origin| first_origin.saturating_add(place(origin)));
                network.add_at(node, to, *left, (0, offer.limit.millionths().into()));
            }
            for (node, left) in (first_origin..).zip(self.origins.values()) {
                network.add(node, end, *left);
            }
            network.augment_cheapest(start, end, i64::MAX);
        }
        let flows = arcs.iter().map(|arc| arc.map_or(0, |arc| network.flow(arc)));
        let lots: Vec<i64> =
            flows.zip(&self.required).map(|(flow, required)| flow.saturating_add(*required)).collect();
        let worth = ways.worth(&lots);
        Matching { lots, worth }
    }

    /// Takes lots of the cheapest offers first, each as many as can flow to what requests are given.
    fn sell_cheapest_first(
        &self,
        ways: &Ways<'_>,
        network: &mut Network,
        given: impl Iterator<Item = i64>,
        (offers, start): (u32, u32),
    ) {
        for (node, given) in (offers..).zip(given) {
            network.add(start, node, given);
        }
        let mut order: Vec<(Price, u32)> =
            (0_u32..).zip(&ways.offers).map(|(node, (_, offer))| (offer.limit, node)).collect();
        order.sort_unstable();
        for (_, node) in order {
            let left = usize::try_from(node).ok().and_then(|place| self.offered.get(place)).copied();
            network.augment(start, node, left.unwrap_or(0));
        }
    }
}

/// What a request wants of a round by shares.
struct Want {
    /// All of it: what its share is of.
    whole: i64,
    /// The most that it may be given.
    most: i64,
    limit: Price,
}

/// Requests that are being raised together.
#[derive(Clone)]
struct Raised {
    given: Vec<i64>,
    network: Network,
    end: u32,
}

impl Raised {
    /// What everybody has at a level who is still raised.
    fn targets(&self, wants: &[Want], is_active: &[bool], level: i128) -> Vec<i64> {
        let rows = self.given.iter().zip(wants).zip(is_active);
        rows.map(|((given, want), active)| {
            let parts = i128::from(want.whole).saturating_mul(level.min(LEVELS));
            let lots = parts.saturating_add(LEVELS.saturating_sub(1)).checked_div(LEVELS).unwrap_or(0);
            let lots = i64::try_from(lots).unwrap_or(want.most).min(want.most);
            if *active { lots.max(*given) } else { *given }
        })
        .collect()
    }

    /// Raises requests to what they are to have; false where some cannot have it.
    fn raise(&mut self, targets: &[i64]) -> bool {
        let mut all = true;
        for ((place, given), target) in (0_u32..).zip(self.given.iter_mut()).zip(targets) {
            let wanted = target.saturating_sub(*given);
            if wanted > 0 {
                let more = self.network.augment(place, self.end, wanted);
                *given = given.saturating_add(more);
                all &= more == wanted;
            }
        }
        all
    }

    /// Raises requests to what they are to have one after the other, the least share first; of equal ones that whose next share is the
    /// greater, then that of the higher limit. Who cannot have it is raised no more.
    fn raise_by_lots(&mut self, wants: &[Want], targets: &[i64], is_active: &mut [bool]) {
        let mut order: Vec<usize> =
            (0..wants.len()).filter(|place| targets.get(*place) > self.given.get(*place)).collect();
        let share = |given: i64, want: &Want, of: i64, other: &Want| {
            let one = i128::from(given).saturating_mul(other.whole.into());
            one.cmp(&i128::from(of).saturating_mul(want.whole.into()))
        };
        order.sort_by(|one, other| {
            let (Some(want), Some(wants_too)) = (wants.get(*one), wants.get(*other)) else {
                return one.cmp(other);
            };
            let given = |place: &usize| self.given.get(*place).copied().unwrap_or(0);
            let (has, have) = (given(one), given(other));
            share(has, want, have, wants_too)
                .then(share(have.saturating_add(1), wants_too, has.saturating_add(1), want))
                .then(wants_too.limit.cmp(&want.limit))
                .then(one.cmp(other))
        });
        for place in order {
            let (Some(given), Some(target)) = (self.given.get_mut(place), targets.get(place)) else {
                continue;
            };
            let wanted = target.saturating_sub(*given);
            let more = self.network.augment(u32::try_from(place).unwrap_or(u32::MAX), self.end, wanted);
            *given = given.saturating_add(more);
            if let Some(active) = is_active.get_mut(place).filter(|_| more < wanted) {
                *active = false;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::tests::{a_preference, a_row, board, rule};
    use super::*;

    /// The most lots under the caps, by going down from all that can be matched, each time to what the caps then let through.
    fn most_step_by_step(ways: &Ways<'_>) -> i64 {
        let most = |total| {
            let work = Work::new(ways, &Choice::default(), total).expect("nothing is required");
            work.give(ways).0.iter().sum::<i64>()
        };
        let mut total = most(None);
        loop {
            match most(Some(total)) {
                fewer if fewer < total => total = fewer,
                _ => return total,
            }
        }
    }

    /// By largest remainder the first would have 1 of 6, and nothing of 7.
    /// Rules: R-BIL-035.
    #[test]
    fn nobody_loses_where_all_have_more() {
        let shares: Vec<_> = (5..=7).map(|available| by_largest_quotient(available, &[1, 7, 5])).collect();
        assert_eq!(shares, [[0, 3, 2], [0, 4, 2], [0, 4, 3]]);
        assert_eq!(by_largest_quotient(2, &[1, 1, 1]), [1, 1, 0], "ties go to the first");
        assert_eq!(by_largest_quotient(9, &[1, 7]), [1, 7], "nobody gets more than its amount");
    }

    proptest! {
        /// All of what there is goes out, as one lot after the other would, and no share falls when there is more.
        /// Rules: R-BIL-035.
        #[test]
        fn shares_rise_with_what_there_is(
            available in 0_i64..60,
            amounts in prop::collection::vec(1_i64..30, 1..8),
            scale in prop::sample::select(vec![1_i64, 1 << 40]),
        ) {
            let total: i64 = amounts.iter().sum();
            let shares = by_largest_quotient(available, &amounts);
            prop_assert_eq!(shares.iter().sum::<i64>(), available.min(total));
            let mut one_by_one = vec![0; amounts.len()];
            for _ in 0..available.min(total) {
                let quotient = |row: &usize| -> (i64, i64) { (amounts[*row], one_by_one[*row] + 1) };
                let mut best = 0;
                for row in 1..amounts.len() {
                    let ((one, of), (other, than)) = (quotient(&best), quotient(&row));
                    if other * of > one * than { best = row }
                }
                one_by_one[best] += 1;
            }
            prop_assert_eq!(&shares, &one_by_one);
            let large: Vec<i64> = amounts.iter().map(|amount| amount * scale).collect();
            let [fewer, more] = [0, 1].map(|more| by_largest_quotient(available * scale + more, &large));
            prop_assert!(fewer.iter().zip(&more).all(|(fewer, more)| fewer <= more));
        }

        /// What cuts say of a total passes over none that the caps let through.
        /// Rules: R-BIL-034, R-BIL-035.
        #[test]
        fn the_largest_total_under_caps_is_found(
            offers in prop::collection::vec(a_row(5_000), 1..6),
            requests in prop::collection::vec(a_row(5_000), 1..6),
            preference in a_preference(),
            caps in (prop::option::of(100_000_u32..990_000), prop::option::of(100_000_u32..990_000)),
        ) {
            let board = board(&offers, &requests, false);
            let [origin_cap, owner_cap] = [caps.0, caps.1].map(|cap| cap.and_then(Share::from_millionths));
            let rule = RoundRule { origin_cap, owner_cap, ..rule(preference) };
            let ways = Ways::new(&board, &rule);
            let best = ways.best(&Choice::default()).expect("nothing is required");
            prop_assert_eq!(best.worth.quantity, most_step_by_step(&ways));
        }
    }
}
