//! The gallium round of the market day: one supplier, three requests, one of them a purchasing group's.
//!
//! Gallium has no auction here, since one supplier makes none. What it offers and what buyers request stands on a board without
//! names; a round matches it, and each deal is proposed to its two sides. The group accepts and splits what it gets, one buyer counters
//! and is accepted, the third declines, and what fell through is back on the board.
//!
//! There is never enough for all: what the group or the last buyer is not given makes the price.
//!
//! The parties are invented. They look to the real price of 2018 within the ranges below, drawn from the seed, in USD per kilogram:
//!
//! | party | limit, of the year's price | quantity, kg |
//! |---|---|---|
//! | Elbe Gallium (DE) offers | 80 to 90 % | 620–660 |
//! | Lumen Diodes (NL) requests | 110 to 150 % | 230–300 |
//! | Radar Wafers (FR) requests | 110 to 150 % | 230–300 |
//! | Sol Films (IT) leads a group with Adria Magnets (SI) and Tatra Optics (SK) | 105 to 130 % each | 70–100 each |

use golv_engine::bilateral::{
    BoardTerms, Deal, DealTerms, Goods, Listing, Preference, PriceRule, RoundProof, RoundRule, RoundSolution,
    hold_round, round_board, round_names,
};

use super::*;
use crate::random::Stream;
use golv_engine::id::{BoardId, Counterparty, EntryId, NegotiationId};
use golv_engine::time::Day;

const GALLIUM: MarketId = MarketId(2);
const BOARD: BoardId = BoardId(1);
/// No deal is made below it: three quarters of the year's price.
const RESERVE_USD: i64 = 139;
/// How many partial choices the operators' matching looks at; a board without least quantities needs none.
const NODES: u64 = 1_000;

/// What a round proposes to a request: how much, at which price.
type ToRequest = (EntryId, Quantity, Price);

/// A party of the round: its participant and identity, its name and country.
type Party = (u32, &'static str, &'static str);

const SUPPLIER: Party = (301, "Elbe Gallium", "DE");
const DIODES: Party = (302, "Lumen Diodes", "NL");
const WAFERS: Party = (303, "Radar Wafers", "FR");
const GROUP: [Party; 3] =
    [(304, "Sol Films", "IT"), (305, "Adria Magnets", "SI"), (306, "Tatra Optics", "SK")];

/// The price that everybody looks to: gallium of 99.99 %, average of 2018, in USD per kilogram.
pub const YEARS_PRICE_USD: i64 = 185;
/// Whose that price is, as it is to be cited.
pub const SOURCE: &str =
    "U.S. Geological Survey, Mineral Commodity Summaries 2023: gallium, 99.99 %, average of 2018";

/// A round as it was played.
#[derive(Clone, Debug)]
pub struct GalliumRound {
    /// Who offers.
    pub supplier: &'static str,
    /// How much.
    pub offered: Quantity,
    /// What it takes at least, a kilogram.
    pub ask: Price,
    /// What was requested.
    pub requests: Vec<Wanted>,
    /// What the round matched.
    pub matched: Quantity,
    /// Whether nothing better can be matched.
    pub proof: RoundProof,
    /// What came of each deal that it proposed.
    pub proposals: Vec<Proposal>,
    /// What the supplier has left on the board.
    pub left: Quantity,
}

/// A request, of a buyer or of a group.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Who requests; of a group, its lead.
    pub buyer: &'static str,
    /// How much.
    pub quantity: Quantity,
    /// What it pays at most, a kilogram; of a group, the least of what its members do.
    pub limit: Price,
    /// A group's members, with what each wants and pays at most; empty for a buyer alone.
    pub members: Vec<(&'static str, Quantity, Price)>,
}

/// A deal that the round proposed, and what came of it.
#[derive(Clone, Debug)]
pub struct Proposal {
    /// To whom; of a group, its lead.
    pub buyer: &'static str,
    /// How much.
    pub quantity: Quantity,
    /// At what price a kilogram.
    pub price: Price,
    /// What the buyer answered with instead.
    pub countered: Option<Price>,
    /// The deal; `None` where the buyer declined.
    pub deal: Option<Deal>,
}

impl Proposal {
    /// What each member of a group took, by name.
    pub fn shares(&self) -> Vec<(&'static str, Quantity)> {
        let shares = self.deal.iter().flat_map(|deal| &deal.shares);
        shares.filter_map(|(member, share)| Some((party(member.0)?.1, *share))).collect()
    }
}

/// The parties of the round, as participants and as identities.
pub fn parties() -> impl Iterator<Item = u32> {
    [SUPPLIER, DIODES, WAFERS].into_iter().chain(GROUP).map(|(id, ..)| id)
}

fn party(id: u32) -> Option<Party> {
    [SUPPLIER, DIODES, WAFERS].into_iter().chain(GROUP).find(|(of, ..)| *of == id)
}

/// The gallium market's terms.
pub fn market() -> Market {
    Market {
        name: name("Gallium, 99.99 %"),
        unit: Unit::Kilogram,
        currency: Currency::Usd,
        lot: kilograms(1),
        tick: dollars(1),
        lowest: dollars(1),
        highest: dollars(2_000),
        largest: kilograms(10_000),
    }
}

/// The board's terms.
pub fn board() -> BoardTerms {
    BoardTerms {
        name: name("Gallium, supply"),
        market: GALLIUM,
        rule: RoundRule {
            preference: Preference::Surplus,
            price: PriceRule::Uniform,
            floor: Some(dollars(RESERVE_USD)),
            origin_cap: None,
            owner_cap: None,
        },
        sectors: Vec::new(),
        solution_seconds: seconds(HOUR),
        answer_seconds: seconds(2 * DAY),
        counters_most: 2,
    }
}

impl<V: Venue> MarketDay<V> {
    /// Plays the gallium round to its end.
    ///
    /// # Errors
    /// If the venue fails, or refuses what the day cannot do without.
    pub fn gallium_round(&mut self) -> Result<GalliumRound, DayError<V::Error>> {
        self.set_clock(instant(2018, 12, 10, 9))?;
        for (id, label, _) in [SUPPLIER, DIODES, WAFERS].into_iter().chain(GROUP) {
            let roles: &[Role] = match id {
                id if id == SUPPLIER.0 => &[Role::Supplier],
                id if id == GROUP[0].0 => &[Role::Buyer, Role::GroupLead],
                _ => &[Role::Buyer],
            };
            self.admit(id, label, roles)?;
        }
        self.agree("the gallium market", Action::DefineMarket { market: GALLIUM, terms: market() })?;
        self.agree("the gallium board", Action::OpenBoard { board: BOARD, terms: board() })?;

        let (offered, ask) = self.draw(SUPPLIER, [620, 660], [80, 90]);
        let offer = self.post(SUPPLIER, Side::Sell, offered, ask, false)?;
        let mut requests = Vec::new();
        let mut entries = Vec::new();
        for buyer in [DIODES, WAFERS] {
            let (quantity, limit) = self.draw(buyer, [230, 300], [110, 150]);
            entries.push(self.post(buyer, Side::Buy, quantity, limit, false)?);
            requests.push(Wanted { buyer: buyer.1, quantity, limit, members: Vec::new() });
        }
        let (group, wanted) = self.gather()?;
        entries.push(group);
        requests.push(wanted);

        let (solution, prices) = self.solve()?;
        self.done(
            "the round's deals",
            OPERATORS[1],
            Command::ProposeDeals { board: BOARD, solution: Box::new(solution) },
        )?;
        self.set_clock(instant(2018, 12, 10, 10))?;
        let (matched, proof) = self.until(|event| match event {
            Event::RoundHeld { lots, proof, .. } => Some((*lots, *proof)),
            _ => None,
        })?;
        let mut proposals = Vec::new();
        for (buyer, entry) in [DIODES, WAFERS, GROUP[0]].into_iter().zip(&entries) {
            let proposed = prices.iter().find(|(request, ..)| request == entry);
            if let Some(&(_, quantity, price)) = proposed {
                let negotiation =
                    NegotiationId { entry: *entry, with: Counterparty::Entry(offer), number: 1 };
                proposals.push(self.answer(buyer, negotiation, quantity, price)?);
            }
        }
        let taken = proposals.iter().filter_map(|proposal| proposal.deal.as_ref());
        let left = taken.fold(offered, |left, deal| left.checked_sub(deal.quantity).unwrap_or(left));
        let matched = market().quantity(matched).expect("some hundred kilograms");
        Ok(GalliumRound { supplier: SUPPLIER.1, offered, ask, requests, matched, proof, proposals, left })
    }

    /// Opens the purchasing group, which the others join.
    fn gather(&mut self) -> Result<(EntryId, Wanted), DayError<V::Error>> {
        let drawn = GROUP.map(|member| self.draw(member, [70, 100], [105, 130]));
        let (quantity, limit) = drawn[0];
        let group = self.post(GROUP[0], Side::Buy, quantity, limit, true)?;
        for ((id, ..), (quantity, limit)) in GROUP.into_iter().zip(drawn).skip(1) {
            let join = Command::JoinGroup { entry: group, quantity, limit };
            self.done("joining the group", IdentityId(id), join)?;
        }
        let members: Vec<_> = GROUP.iter().zip(drawn).map(|((_, name, _), (q, l))| (*name, q, l)).collect();
        let sum = |sum: Quantity, (_, quantity, _): &(_, Quantity, _)| sum.checked_add(*quantity);
        let quantity = members.iter().try_fold(Quantity::ZERO, sum).expect("some hundred kilograms");
        let limit = members.iter().map(|(_, _, limit)| *limit).min().expect("a group has members");
        Ok((group, Wanted { buyer: GROUP[0].1, quantity, limit, members }))
    }

    /// Calls the round and matches what takes part, as the operators' own program does; tells what it proposes to each request.
    fn solve(&mut self) -> Result<(RoundSolution, Vec<ToRequest>), DayError<V::Error>> {
        self.done("the gallium round", OPERATORS[0], Command::CallRound { board: BOARD })?;
        let (digest, entries) = self.until(|event| match event {
            Event::RoundBook { digest, entries, .. } => Some((*digest, entries.clone())),
            _ => None,
        })?;
        let rule = board().rule;
        let solution = RoundSolution::of(&entries, digest, &rule, NODES).expect("the exchange told it");
        let names = round_names(&entries);
        let round = hold_round(&round_board(&entries, &names), &rule, NODES).expect("the exchange told it");
        let lots = |lots: i64| market().quantity(lots).expect("some hundred kilograms");
        let deals = solution.deals.iter().zip(&round.deals);
        let prices = deals.map(|((_, request, quantity), deal)| (*request, lots(*quantity), deal.price));
        let prices = prices.collect();
        Ok((solution, prices))
    }

    /// A buyer's answer to what the round proposed, and the supplier's to that.
    fn answer(
        &mut self,
        buyer: Party,
        negotiation: NegotiationId,
        quantity: Quantity,
        price: Price,
    ) -> Result<Proposal, DayError<V::Error>> {
        let (identity, supplier) = (IdentityId(buyer.0), IdentityId(SUPPLIER.0));
        let mut proposal = Proposal { buyer: buyer.1, quantity, price, countered: None, deal: None };
        if buyer == DIODES {
            // It has stock for longer than it thought.
            self.done("declining", identity, Command::EndNegotiation { negotiation })?;
            return Ok(proposal);
        }
        if buyer == WAFERS {
            // A twentieth less, in whole dollars, and the supplier agrees.
            let less = price.millionths() / dollars(1).millionths() * 19 / 20;
            let countered = dollars(less.max(RESERVE_USD));
            let terms = terms(countered, quantity);
            let counter = Command::CounterTerms { negotiation, turn: 0, terms };
            self.done("a counter", identity, counter)?;
            self.done("accepting the counter", supplier, Command::AcceptTerms { negotiation, turn: 1 })?;
            proposal.countered = Some(countered);
        } else {
            // The lead would pay more than some of its members, and may not.
            let more = terms(market().highest, quantity);
            let (_, answer) =
                self.send(identity, Command::CounterTerms { negotiation, turn: 0, terms: more })?;
            if let Err(reason) = answer.outcome {
                let tried = format!("gallium: {} kg at {} USD/kg for its group", quantity, market().highest);
                self.refusals.push(Refusal { trader: buyer.1, tried, reason });
            }
            self.done("accepting", identity, Command::AcceptTerms { negotiation, turn: 0 })?;
            self.done("accepting", supplier, Command::AcceptTerms { negotiation, turn: 0 })?;
        }
        proposal.deal = Some(self.until(|event| match event {
            Event::DealMade { negotiation: made, deal } if *made == negotiation => Some(deal.clone()),
            _ => None,
        })?);
        Ok(proposal)
    }

    /// Quantity and limit of a party, drawn from the seed: kilograms, and the limit in hundredths of the year's price.
    fn draw(&self, (id, ..): Party, amount: [i64; 2], of_price: [i64; 2]) -> (Quantity, Price) {
        let mut stream = Stream::new(self.seed, &format!("gallium {id}"));
        let mut between = |[low, high]: [i64; 2]| stream.between(low, high);
        let (amount, of_price) = (between(amount), between(of_price));
        let amount = u32::try_from(amount).expect("some hundred kilograms");
        (kilograms(amount), dollars(YEARS_PRICE_USD * of_price / 100))
    }

    /// Posts an entry; tells its number.
    fn post(
        &mut self,
        (id, _, country): Party,
        side: Side,
        quantity: Quantity,
        limit: Price,
        is_group: bool,
    ) -> Result<EntryId, DayError<V::Error>> {
        let origin = (side == Side::Sell).then(|| country.parse().expect("the table holds country codes"));
        let purity = "0.9999".parse().ok();
        let (first, last) = window();
        let listing = Listing {
            side,
            goods: Goods { purity, origin, ..Goods::default() },
            minimum: Quantity::ZERO,
            quantity,
            first,
            last,
            sector: None,
            valid_until: instant(2019, 1, 31, 17),
        };
        let (board, listing) = (BOARD, Box::new(listing));
        self.done("an entry", IdentityId(id), Command::PostEntry { board, listing, limit, is_group })?;
        self.until(|event| match event {
            Event::EntryPosted { entry, .. } => Some(*entry),
            _ => None,
        })
    }
}

/// The first half of 2019.
fn window() -> (Day, Day) {
    (month(2019, 1).first_day(), month(2019, 6).last_day())
}

fn terms(price: Price, quantity: Quantity) -> DealTerms {
    let (first, last) = window();
    DealTerms { price: Some(price), quantity, first, last }
}

fn kilograms(units: u32) -> Quantity {
    Quantity::from_units(units).expect("the round's quantities are some hundred")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::venue::EngineVenue;
    use golv_engine::{Exchange, Mode, RulesVersion};

    /// Whatever is drawn: three deals are proposed; one is declined, one countered and made, one made and split among the group.
    #[test]
    fn any_seed_tells_the_same_story() {
        for seed in 0..40 {
            let exchange = Exchange::new(Mode::Rehearsal, RulesVersion::NEWEST);
            let mut day = MarketDay::new(EngineVenue::found(exchange, start(), &founding(|_| None)), seed);
            let round = day.gallium_round().expect("played");
            assert_eq!(round.proof, RoundProof::Proved);
            let wanted: i64 = round.requests.iter().map(|wanted| wanted.quantity.millionths()).sum();
            assert!(round.matched == round.offered && wanted > round.offered.millionths(), "scarce");
            let lowest = round.requests.iter().map(|wanted| wanted.limit).min();
            assert_eq!(Some(round.proposals[0].price), lowest, "the highest limit that was refused");
            let [diodes, wafers, group] = &round.proposals[..] else { panic!("three: {round:?}") };
            assert!(diodes.deal.is_none() && diodes.countered.is_none());
            let wafers_deal = wafers.deal.as_ref().expect("a deal");
            assert_eq!(wafers.countered, Some(wafers_deal.price));
            assert!(wafers_deal.price < wafers.price && wafers_deal.shares.is_empty());
            let group_deal = group.deal.as_ref().expect("a deal");
            assert_eq!((group_deal.price, group.shares().len()), (group.price, 3));
            let shared: i64 = group.shares().iter().map(|(_, share)| share.millionths()).sum();
            assert_eq!(shared, group_deal.quantity.millionths());
            assert_eq!(day.refusals().last().map(|refusal| refusal.reason.name()), Some("GroupLimit"));
            let dealt = wafers_deal.quantity.checked_add(group_deal.quantity).expect("some hundred");
            assert_eq!(round.left.checked_add(dealt), Some(round.offered));
            assert!(day.into_venue().exchange().is_conserved());
        }
    }
}
