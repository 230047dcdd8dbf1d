//! Bilateral matching where suppliers are few: a board of offers and requests, and the round that proposes deals between them.
//!
//! A deal needs two sides that are *compatible*: the same material; grade, place and origin that do not contradict each other;
//! delivery windows that overlap; different owners; and a request that pays what the offer asks and no less than the floor. A
//! round matches the most quantity, and then
//!
//! | rule | what is best |
//! |---|---|
//! | `surplus` | Σ quantity × (request's limit − offer's limit) |
//! | `priority` | the quantity of one sector after the other in a stated order, before all else; then the surplus |
//! | `pro-rata` | the requests' shares (given ÷ wanted): the least share as great as can be, then the next; then the surplus |
//!
//! with ties by id. Nobody trades above its quantity. A share of what is matched can be the most that one origin delivers, or one owner
//! takes. A deal is never smaller than either side's least quantity.
//!
//! # How it is found
//!
//! What is worth more depends on the request or the offer alone, and never on who meets whom. So the best quantities of
//! requests are found one request after another, the best first, each given as much as can flow to it without taking from
//! those before it; those of offers likewise; and both are met by one flow (Mendelsohn and Dulmage, *Some generalizations of
//! the problem of distinct representatives*, Canadian Journal of Mathematics 10, 1958; the greedy order is right since what can be
//! given is a polymatroid). No prices on ways are needed, and a thousand offers and requests take milliseconds. Where origins are capped
//! it does matter whose lots are whose, and the flow is found by cheapest ways. The largest
//! quantity under caps that are shares of it is found from above: each round of caps is a bound on the next. Of two choices of
//! shares that are alike, the one that gives the higher limits more is taken, and then the surplus is as great as it can be.
//!
//! Least quantities make it a choice: a deal that is smaller than it may be is either forbidden or made as large as its
//! least, and the better is looked for (`search.rs`), up to a stated number of nodes; then the best found stands beside what
//! nothing can exceed.
//!
//! | step | where |
//! |---|---|
//! | who can deal with whom | here |
//! | the flow and its greedy order | `flow.rs`, `network.rs` |
//! | least quantities | `search.rs`, `tighten.rs` |
//! | prices of deals | `price.rs` |
//! | dual prices, and what a result is checked by | `check.rs` |
//! | matching by preference lists, without prices | `stable.rs` |
//!
//! # In an exchange
//!
//! | what | where |
//! |---|---|
//! | boards, and the offers and requests on them | `board.rs` |
//! | buyers who request together | `group.rs` |
//! | a round: called, solved outside, checked, proposed to its sides | `round.rs` |
//! | from a proposal to a deal, or to nothing | `negotiation.rs` |
//! | deals, with a stock too, and contracts for difference on them | `deal.rs` |

mod board;
mod check;
mod deal;
mod flow;
mod group;
mod negotiation;
mod network;
mod price;
mod round;
mod search;
pub mod stable;
#[cfg(test)]
mod stored;
#[cfg(test)]
mod tests;
mod tighten;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::num::{Price, Share};
use crate::text::Country;
use crate::time::Day;
pub(crate) use board::Boards;
pub use board::{BoardTerms, EntryEnd, EntryOwner, Goods, Listing, Party};
pub use check::{DualPrices, Fault, check};
pub use deal::Deal;
pub use negotiation::{Consent, DealTerms, NegotiationEnd, Sides};
pub use price::PriceRule;
pub use round::{RoundEntry, RoundProof, RoundSolution, round_board, round_names};
use search::Search;

/// An offer or a request, as it stands on a board.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// Its name: no two of a board are the same, and ties are settled by it.
    pub id: &'a [u8],
    /// Whose it is.
    pub party: u32,
    /// Its beneficial owner: no deal is made between parties of one.
    pub owner: u32,
    /// What it is of.
    pub material: &'a str,
    /// Its grade; empty where any will do.
    pub grade: &'a str,
    /// How pure an offer is, or a request wants it at least; `None` where that is not stated.
    pub purity: Option<Share>,
    /// Where it is delivered; empty where any place will do.
    pub place: &'a str,
    /// Where it comes from, or must; `None` for anywhere.
    pub origin: Option<Country>,
    /// The first day of delivery.
    pub first: Day,
    /// The last day of delivery.
    pub last: Day,
    /// The least lots of a deal; 0 where any number will do.
    pub minimum: i64,
    /// How many lots, over all deals.
    pub quantity: i64,
    /// The least that an offer takes, the most that a request pays, for a unit.
    pub limit: Price,
    /// For the rule `priority`: the place of its sector in the order, those without one behind all others.
    pub sector: u32,
}

/// Offers and requests that a round is held of.
#[derive(Clone, Debug, Default)]
pub struct Board<'a> {
    /// The offers.
    pub offers: Vec<Entry<'a>>,
    /// The requests.
    pub requests: Vec<Entry<'a>>,
}

/// Which matching of most quantity is best.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Preference {
    /// Of most surplus.
    Surplus,
    /// Of most quantity for the first sector, then the second, and so on; then of most surplus.
    Priority,
    /// Of shares as equal as can be; then of most surplus.
    ProRata,
}

/// How a round is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct RoundRule {
    /// Which matching is best.
    pub preference: Preference,
    /// What a deal's price is.
    pub price: PriceRule,
    /// No deal is made below it.
    pub floor: Option<Price>,
    /// The most of what is matched that comes from one country; offers that name none count for none.
    pub origin_cap: Option<Share>,
    /// The most of what is matched that goes to one owner; its requests share that in proportion to what they want.
    pub owner_cap: Option<Share>,
}

/// A deal that a round proposes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProposedDeal {
    /// The offer's place on the board.
    pub offer: u32,
    /// The request's place on the board.
    pub request: u32,
    /// How many lots.
    pub quantity: i64,
    /// At which price.
    pub price: Price,
}

/// What a matching is worth, in the order in which it counts. Equal are those of which neither is better.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Worth {
    /// Lots in all.
    pub quantity: i64,
    /// By the rule `priority`: lots of each sector, in their order.
    sectors: Vec<i64>,
    /// By the rule `pro-rata`: each request's lots given and wanted, the least share first.
    shares: Vec<(i64, i64)>,
    /// Σ lots × (request's limit − offer's limit), in millionths.
    pub surplus: i128,
}

impl Ord for Worth {
    // Rules: R-BIL-032.
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let shares = self.shares.iter().zip(&other.shares).map(|(one, other)| compare_shares(one, other));
        let sectors = || self.sectors.cmp(&other.sectors);
        // The order of sectors goes before all else; in sum, most of each is most of all.
        sectors()
            .then(self.quantity.cmp(&other.quantity))
            .then_with(|| shares.into_iter().find(|order| order.is_ne()).unwrap_or(std::cmp::Ordering::Equal))
            .then(self.surplus.cmp(&other.surplus))
    }
}

impl Worth {
    /// What a choice of deals is worth: lots by the places of offer and request on the board.
    pub(crate) fn of(board: &Board<'_>, rule: &RoundRule, lots: &[(u32, u32, i64)]) -> Self {
        let at = |row: u32| usize::try_from(row).unwrap_or(usize::MAX);
        let mut given: Vec<Given> = board.requests.iter().map(Given::nothing).collect();
        let mut surplus = 0_i128;
        for &(offer, request, lots) in lots {
            let (Some(ask), Some(bid)) = (board.offers.get(at(offer)), board.requests.get(at(request)))
            else {
                continue;
            };
            if let Some(given) = given.get_mut(at(request)) {
                given.lots = given.lots.saturating_add(lots);
            }
            surplus = surplus.saturating_add(gain(ask, bid).saturating_mul(lots.into()));
        }
        let sectors: BTreeSet<u32> = board.requests.iter().map(|request| request.sector).collect();
        Self::given(rule.preference, &sectors.into_iter().collect::<Vec<_>>(), &given, surplus)
    }

    /// What it is worth that requests are given so much, with the surplus of it; `sectors` are those of the whole board, in their order.
    fn given(preference: Preference, sectors: &[u32], requests: &[Given], surplus: i128) -> Self {
        let quantity = requests.iter().fold(0_i64, |sum, given| sum.saturating_add(given.lots));
        let mut worth = Self { quantity, surplus, ..Self::default() };
        match preference {
            Preference::Surplus => {}
            Preference::Priority => {
                worth.sectors = vec![0; sectors.len()];
                for given in requests {
                    let sum = sectors.binary_search(&given.sector).ok();
                    if let Some(sum) = sum.and_then(|place| worth.sectors.get_mut(place)) {
                        *sum = sum.saturating_add(given.lots);
                    }
                }
            }
            Preference::ProRata => {
                worth.shares = requests.iter().map(|given| (given.lots, given.wanted)).collect();
                worth.shares.sort_by(compare_shares);
            }
        }
        worth
    }
}

/// What a request is given.
#[derive(Clone, Copy, Debug)]
struct Given {
    lots: i64,
    wanted: i64,
    sector: u32,
}

impl Given {
    fn nothing(request: &Entry<'_>) -> Self {
        Self { lots: 0, wanted: request.quantity, sector: request.sector }
    }
}

/// What a lot of an offer and a request is worth, in millionths.
fn gain(offer: &Entry<'_>, request: &Entry<'_>) -> i128 {
    i128::from(request.limit.millionths()).saturating_sub(offer.limit.millionths().into())
}

/// Which of two shares, given ÷ wanted, is less.
fn compare_shares((given, wanted): &(i64, i64), (other, whole): &(i64, i64)) -> std::cmp::Ordering {
    let one = i128::from(*given).saturating_mul((*whole).into());
    one.cmp(&i128::from(*other).saturating_mul((*wanted).into()))
}

impl PartialEq for Worth {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Worth {}

impl PartialOrd for Worth {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// What is known of how good a matching is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// None is better.
    Optimal,
    /// The search was stopped; none is better than this.
    Bound(Worth),
}

/// What a round comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Round {
    /// The deals, in the order of the offers' and then the requests' ids.
    pub deals: Vec<ProposedDeal>,
    /// What they are worth.
    pub worth: Worth,
    /// Whether anything could be better.
    pub proof: Proof,
    /// Dual prices that prove it, by the rule `surplus` without caps and where no least quantity binds.
    pub duals: Option<DualPrices>,
    /// How many partial choices were looked at; where the board falls into parts, one of each part at a time. The same board, rule and limit give the same number.
    pub nodes: u64,
}

/// Why a board cannot be matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BoardError {
    /// An entry's numbers make no sense.
    #[error(
        "entry {row}: quantities are positive, a least quantity is no more, and a window does not end before it begins"
    )]
    Entry {
        /// Its place, offers first.
        row: u32,
    },
    /// Two entries have one id.
    #[error("entry {row} has the id of another")]
    Id {
        /// Its place, offers first.
        row: u32,
    },
    /// A number does not fit.
    #[error("quantities or amounts are larger than can be held")]
    TooLarge,
}

/// The most lots on one side of a board: sums of shares and amounts fit then.
const LOTS_MAX: i128 = 1 << 48;

/// Whether two texts can mean the same.
fn agrees(one: &str, other: &str) -> bool {
    one.is_empty() || other.is_empty() || one == other
}

/// Whether an offer and a request can deal with each other.
// Rules: R-BIL-009, R-BIL-036.
pub fn are_compatible(offer: &Entry<'_>, request: &Entry<'_>, floor: Option<Price>) -> bool {
    let least = floor.map_or(offer.limit, |floor| floor.max(offer.limit));
    let needed = offer.minimum.max(request.minimum);
    offer.material == request.material
        && agrees(offer.grade, request.grade)
        && offer.purity.is_none_or(|purity| request.purity.is_none_or(|least| purity >= least))
        && agrees(offer.place, request.place)
        && offer.origin.is_none_or(|from| request.origin.is_none_or(|wanted| wanted == from))
        && offer.first <= request.last
        && request.first <= offer.last
        && offer.owner != request.owner
        && request.limit >= least
        && needed <= offer.quantity.min(request.quantity)
}

/// Holds a round: the best deals on a board, looked for in up to `node_limit` partial choices where there are least quantities.
///
/// # Errors
/// [`BoardError`] if an entry makes no sense, or numbers are too large.
// Rules: R-BIL-037.
pub fn hold_round(board: &Board<'_>, rule: &RoundRule, node_limit: u64) -> Result<Round, BoardError> {
    check_board(board)?;
    let mut search = Search::new(board, rule);
    let found = search.run(node_limit);
    let duals = search.duals(&found);
    let deals = price::priced(board, rule, &found.lots);
    Ok(Round { deals, worth: found.worth, proof: found.proof, duals, nodes: found.nodes })
}

/// Refuses entries that no round can take.
fn check_board(board: &Board<'_>) -> Result<(), BoardError> {
    let entries = || (0_u32..).zip(board.offers.iter().chain(&board.requests));
    for (row, entry) in entries() {
        let fits = entry.quantity > 0 && entry.minimum >= 0 && entry.minimum <= entry.quantity;
        if !fits || entry.last < entry.first {
            return Err(BoardError::Entry { row });
        }
    }
    let mut ids: Vec<(&[u8], u32)> = entries().map(|(row, entry)| (entry.id, row)).collect();
    ids.sort_unstable();
    let twice = ids.iter().zip(ids.iter().skip(1)).find(|((one, _), (next, _))| one == next);
    if let Some((_, (_, row))) = twice {
        return Err(BoardError::Id { row: *row });
    }
    for side in [&board.offers, &board.requests] {
        let lots: i128 = side.iter().map(|entry| i128::from(entry.quantity)).sum();
        if lots > LOTS_MAX {
            return Err(BoardError::TooLarge);
        }
    }
    Ok(())
}
