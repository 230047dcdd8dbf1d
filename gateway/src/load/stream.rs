//! What is sent: the commands of a load, each a function of the seed, the trader and its number.

use golv_engine::book::{PLACES_MAX, Side};
use golv_engine::command::{Command, NewBid};
use golv_engine::id::{AuctionId, BidId, CommandId, IdentityId};
use golv_engine::market::Market;
use golv_engine::num::{Price, Quantity};

/// What a trader does, over and over: four bids, then it lowers the quantity of two, and withdraws all four. So at most four
/// bids of each stand, however long it lasts.
const ROUND: u64 = 10;
const BIDS: u64 = 4;
const LOWERED: u64 = 2;

/// A bid's place in its book stays when it is withdrawn, so a book is good for so many commands: a tenth less, since rounds
/// of many traders end late.
pub(super) const COMMANDS_PER_AUCTION: u64 = PLACES_MAX as u64 * ROUND / BIDS * 9 / 10;

/// Levels between which bids are at most, near the middle of the market.
const LEVELS: u64 = 1_000;
/// Lots of a bid at most.
const LOTS: u64 = 100;

/// Where bids go.
pub(super) struct Ground {
    /// One after another, each for [`COMMANDS_PER_AUCTION`].
    pub auctions: Vec<AuctionId>,
    pub market: Market,
    /// The side of every bid; either if `None`.
    pub side: Option<Side>,
}

/// An endless stream of commands. Traders send in turn.
pub(super) struct Stream {
    pub seed: u64,
    pub traders: u64,
    pub ground: Ground,
}

impl Stream {
    /// The trader who sends the command of this number, and which of its own commands it is, both counted from 0.
    pub(super) fn sender(&self, number: u64) -> (usize, u64) {
        ((number % self.traders) as usize, number / self.traders)
    }

    /// A trader's command: of its commands the one with this number, if its first has the id `first`.
    pub(super) fn command(&self, trader: usize, own: u64, identity: IdentityId, first: CommandId) -> Command {
        let step = own % ROUND;
        let auction = self.auction(own - step);
        let placed =
            |before: u64| BidId { identity, command: CommandId(first.0.saturating_add(own - before)) };
        if step < BIDS {
            return Command::PlaceBid { auction, bid: self.bid(trader, own) };
        }
        if step < BIDS + LOWERED {
            let bid = self.bid(trader, own - BIDS);
            let quantity = bid.quantity.checked_sub(self.ground.market.lot).filter(|less| !less.is_zero());
            let quantity = quantity.unwrap_or(bid.quantity);
            return Command::ReplaceBid { auction, bid: placed(BIDS), price: bid.price, quantity };
        }
        Command::WithdrawBid { auction, bid: placed(BIDS + LOWERED) }
    }

    /// Where a round that begins with this own number is.
    fn auction(&self, own: u64) -> AuctionId {
        let place = own.saturating_mul(self.traders) / COMMANDS_PER_AUCTION;
        let auctions = &self.ground.auctions;
        let last = auctions.len() - 1;
        auctions[usize::try_from(place).map_or(last, |place| place.min(last))]
    }

    fn bid(&self, trader: usize, own: u64) -> NewBid {
        let random = mixed(mixed(self.seed.wrapping_add(trader as u64)).wrapping_add(own));
        let Market { lot, tick, lowest, highest, largest, .. } = &self.ground.market;
        let either = if random.is_multiple_of(2) { Side::Buy } else { Side::Sell };
        let side = self.ground.side.unwrap_or(either);
        let levels = lowest.distance(*highest) / tick.millionths().unsigned_abs();
        let band = levels.min(LEVELS);
        // The sum of two dice: most are near the middle.
        let die = |shift: u32| (random >> shift) % (band / 2 + 1);
        let level = (levels - band) / 2 + die(8) + die(24);
        let lots_max = (largest.millionths() / lot.millionths()).unsigned_abs().clamp(1, LOTS);
        let lots = 1 + (random >> 40) % lots_max;
        NewBid {
            side,
            price: Some(at(*lowest, *tick, level.min(levels))),
            quantity: of(*lot, lots),
            origin: (side == Side::Sell).then(|| "FI".parse().expect("a country")),
            details: None,
        }
    }
}

fn at(lowest: Price, tick: Price, level: u64) -> Price {
    let level = i64::try_from(level).expect("a market has at most 4 million levels");
    Price::from_millionths(lowest.millionths() + tick.millionths() * level)
}

fn of(lot: Quantity, lots: u64) -> Quantity {
    let lots = i64::try_from(lots).expect("at most 100");
    Quantity::from_millionths(lot.millionths() * lots).expect("no more than the market's largest quantity")
}

/// A bit mixer: what looks random and is the same each time.
fn mixed(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
