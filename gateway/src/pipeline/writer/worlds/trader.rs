//! Somebody who takes part: a client's session, what its process has written down, and what it does next.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::time::Duration;

use golv_client::session::{Beginning, ClientSession, Copied, Notice};
use golv_engine::Answer;
use golv_engine::auction::{AuctionKind, AuctionTerms};
use golv_engine::book::Side;
use golv_engine::clearing::{Allocation, Candidates, Criterion, Rule};
use golv_engine::command::{Action, Command, NewBid};
use golv_engine::event::Event;
use golv_engine::id::{AuctionId, BidId, CommandId, IdentityId, MarketId, ParticipantId, ProposalId};
use golv_engine::key::KeyFingerprint;
use golv_engine::num::{Price, Quantity};
use golv_engine::time::Instant;
use golv_protocol::message::{Closing, Numbered, Position, Purpose, WhenLost};

use super::draw::Draw;

pub(super) const MARKET: MarketId = MarketId(1);

/// Auctions of a world at most.
const AUCTIONS: u32 = 8;
/// Prices that are one bid's alone, at each of fifty levels.
const PRICES: i64 = 4_096;
/// Commands of one who trades at most.
const COMMANDS: usize = 60;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Business {
    Operator,
    Supplier,
    Buyer,
    /// Reads everything that is over, and sends nothing.
    Auditor,
}

pub(super) struct Trader {
    pub(super) identity: IdentityId,
    pub(super) participant: ParticipantId,
    pub(super) business: Business,
    purpose: Purpose,
    pub(super) session: ClientSession,
    /// When to connect next, without a line.
    pub(super) connects_at: Duration,
    /// Why no session will come any more.
    pub(super) ended: Option<Closing>,
    /// All commands that were sent.
    pub(super) sent: BTreeMap<CommandId, Command>,
    /// Those that were written down and have no answer.
    pub(super) unanswered: BTreeSet<CommandId>,
    /// Those of them that an earlier process sent, and this one is to send again before any other.
    again: BTreeSet<CommandId>,
    /// Those that came faster than the limits allow, and were not executed.
    pub(super) refused: BTreeSet<CommandId>,
    pub(super) answers: BTreeMap<CommandId, Answer>,
    pub(super) told: Vec<Numbered>,
    pub(super) copies: Vec<Copied>,
    /// The position that was claimed at the latest logon.
    pub(super) claims: Option<Position>,
    /// Whether events that it was told are gone, and nobody has noticed.
    pub(super) is_led_astray: bool,
    /// What it makes of what it was told.
    auctions: BTreeMap<AuctionId, Phase>,
    bids: Vec<(AuctionId, BidId)>,
    proposals: BTreeSet<ProposalId>,
    proposed: u32,
    /// Prices that were drawn.
    priced: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Open,
    Closed,
    Cleared,
}

impl Trader {
    pub(super) fn new(number: u32, business: Business, purpose: Purpose) -> Self {
        let participant = if business == Business::Operator { 1 } else { number };
        Self {
            identity: IdentityId(number),
            participant: ParticipantId(participant),
            business,
            purpose,
            session: ClientSession::beginning(Beginning { purpose, ..Beginning::default() }),
            connects_at: Duration::ZERO,
            ended: None,
            sent: BTreeMap::new(),
            unanswered: BTreeSet::new(),
            again: BTreeSet::new(),
            refused: BTreeSet::new(),
            answers: BTreeMap::new(),
            told: Vec::new(),
            copies: Vec::new(),
            claims: None,
            is_led_astray: false,
            auctions: BTreeMap::new(),
            bids: Vec::new(),
            proposals: BTreeSet::new(),
            proposed: 0,
            priced: 0,
        }
    }

    pub(super) fn key(&self) -> KeyFingerprint {
        key(self.identity)
    }

    pub(super) fn reads_all(&self) -> bool {
        matches!(self.business, Business::Operator | Business::Auditor)
    }

    pub(super) fn withdraws_when_lost(&self) -> bool {
        self.purpose == Purpose::Commands(WhenLost::Withdraw)
    }

    pub(super) fn is_drop_copy(&self) -> bool {
        self.purpose == Purpose::DropCopy
    }

    /// A line is there.
    pub(super) fn connected(&mut self, now: Duration) {
        self.claims = self.session.acknowledged();
        self.session.connected(now);
    }

    /// Its process ends, and another goes on with what it has written down.
    pub(super) fn restart(&mut self) {
        let beginning = Beginning {
            events_seen: self.session.events_seen(),
            acknowledged: self.session.acknowledged(),
            purpose: self.purpose,
        };
        self.session = ClientSession::beginning(beginning);
        self.again.clone_from(&self.unanswered);
    }

    /// Takes bytes and notices; `true` if the line is of no more use.
    pub(super) fn receive(&mut self, bytes: &[u8], now: Duration, draw: &mut Draw) -> bool {
        if let Err(violation) = self.session.received(bytes, now) {
            panic!("to identity {} {violation:?}", self.identity);
        }
        self.note(now, draw)
    }

    /// Lets time pass; `true` if the line is of no more use.
    pub(super) fn passed(&mut self, now: Duration, draw: &mut Draw) -> bool {
        if self.session.wakes_at().is_some_and(|at| now >= at) {
            self.session.passed(now);
        }
        self.note(now, draw)
    }

    fn note(&mut self, now: Duration, draw: &mut Draw) -> bool {
        let mut is_over = false;
        while let Some(notice) = self.session.next_notice() {
            match notice {
                Notice::LoggedOn(who) => {
                    assert_eq!((who.identity, who.participant), (self.identity, self.participant));
                    while let Some(id) = self.again.pop_first() {
                        let command = self.sent[&id].clone();
                        self.session.submit_as(id, command).expect("as it was taken at first");
                    }
                }
                Notice::Answered { id, answer, .. } => {
                    assert!(self.unanswered.remove(&id), "a command is answered once");
                    self.answers.insert(id, answer);
                }
                Notice::OverLimit { id, .. } => {
                    assert!(self.unanswered.remove(&id), "a command is answered once");
                    self.refused.insert(id);
                }
                Notice::Copied(copied) => self.copies.push(copied),
                Notice::Happened(numbered) => {
                    self.learn(&numbered.event);
                    self.told.push(numbered);
                }
                Notice::Announced(number) => panic!("event {number} of a small world is long"),
                Notice::UpToDate => {}
                Notice::Closed(reason) => {
                    is_over = true;
                    match reason {
                        Closing::ServerBehind | Closing::UnknownKey => self.ended = Some(reason),
                        Closing::Malformed
                        | Closing::OtherVersion
                        | Closing::HistoryGone
                        | Closing::Fault => {
                            panic!("identity {} was sent away: {reason}", self.identity)
                        }
                        _ => {}
                    }
                    self.connects_at = now + Duration::from_millis(50 + draw.below(2_000));
                }
            }
        }
        is_over
    }

    /// The line is gone.
    pub(super) fn disconnected(&mut self, now: Duration, draw: &mut Draw) {
        self.session.disconnected();
        self.connects_at = now + Duration::from_millis(50 + draw.below(2_000));
    }

    fn learn(&mut self, event: &Event) {
        match event {
            Event::ActionProposed { proposal, .. } if proposal.identity != self.identity => {
                self.proposals.insert(*proposal);
            }
            Event::ActionConfirmed { proposal, .. } => {
                self.proposals.remove(proposal);
            }
            Event::AuctionOpened { auction } => {
                self.auctions.insert(*auction, Phase::Open);
            }
            Event::AuctionClosed { auction } => {
                self.auctions.insert(*auction, Phase::Closed);
            }
            Event::AuctionCleared { auction, .. } => {
                self.auctions.insert(*auction, Phase::Cleared);
            }
            Event::BidAccepted { auction, bid, participant, .. } if *participant == self.participant => {
                self.bids.push((*auction, *bid));
            }
            _ => {}
        }
    }

    /// Does something, or nothing.
    pub(super) fn act(&mut self, at: Instant, draw: &mut Draw) {
        if !self.session.can_submit() || self.is_drop_copy() || !self.again.is_empty() {
            return;
        }
        let command = match self.business {
            Business::Operator => self.operate(at, draw),
            Business::Supplier => self.trade(Side::Sell, draw),
            Business::Buyer => self.trade(Side::Buy, draw),
            Business::Auditor => None,
        };
        if let Some(command) = command {
            let id = self.session.submit(command.clone()).expect("there is room");
            // An id that was refused is free, and a new process may come by it again.
            self.refused.remove(&id);
            self.sent.insert(id, command);
            self.unanswered.insert(id);
        }
    }

    fn operate(&mut self, at: Instant, draw: &mut Draw) -> Option<Command> {
        let is_first = self.identity == IdentityId(1);
        if let Some(proposal) = self.proposals.pop_first() {
            return Some(Command::Confirm { proposal });
        }
        let closed = self.auctions.iter().find(|(_, phase)| **phase == Phase::Closed);
        if let Some((&auction, _)) = closed
            && draw.one_in(4)
        {
            return Some(Command::ClearAuction { auction, secret: None });
        }
        if is_first && self.proposed < AUCTIONS && draw.one_in(8) {
            self.proposed += 1;
            let seconds = |least, more| u32::try_from(least + more).expect("a few");
            let opens_at = at.plus_seconds(seconds(1, draw.below(4))).expect("fits");
            let terms = AuctionTerms {
                kind: AuctionKind::Call { market: MARKET, stock: None },
                opens_at,
                closes_at: opens_at.plus_seconds(seconds(2, draw.below(8))).expect("fits"),
                challenge_seconds: NonZeroU32::new(2).expect("positive"),
                rule: Rule::new(
                    Candidates::Limits,
                    vec![Criterion::MostVolume, Criterion::Highest],
                    Allocation::ProRata,
                )
                .into(),
                draw_commitment: None,
            };
            let action = Action::AnnounceAuction { auction: AuctionId(self.proposed), terms };
            return Some(Command::Propose { action });
        }
        None
    }

    fn trade(&mut self, side: Side, draw: &mut Draw) -> Option<Command> {
        if self.sent.len() >= COMMANDS {
            return None;
        }
        let open: Vec<AuctionId> = self
            .auctions
            .iter()
            .filter(|(_, phase)| **phase == Phase::Open)
            .map(|(auction, _)| *auction)
            .collect();
        let auction = match open.as_slice() {
            [] if draw.one_in(20) => AuctionId(99),
            [] => return None,
            open => open[draw.below(open.len() as u64) as usize],
        };
        let quantity = Quantity::from_units(u32::try_from(1 + draw.below(20)).expect("few")).expect("fits");
        let bids: Vec<BidId> =
            self.bids.iter().filter(|(of, _)| *of == auction).map(|(_, bid)| *bid).collect();
        let earlier = (!bids.is_empty()).then(|| bids[draw.below(bids.len() as u64) as usize]);
        Some(match (draw.below(10), earlier) {
            (0, Some(bid)) => Command::WithdrawBid { auction, bid },
            (1 | 2, Some(bid)) => {
                Command::ReplaceBid { auction, bid, price: Some(self.price(draw)), quantity }
            }
            (3, _) if draw.one_in(4) => Command::WithdrawAll,
            _ => {
                let origin = (side == Side::Sell).then(|| "FI".parse().expect("a country"));
                let price = Some(self.price(draw));
                Command::PlaceBid { auction, bid: NewBid { side, price, quantity, origin, details: None } }
            }
        })
    }

    /// A price that was never bid in this world: where it is seen, it was told.
    fn price(&mut self, draw: &mut Draw) -> Price {
        // Identities are below 16.
        let number = self.priced * 16 + i64::from(self.identity.0);
        self.priced += 1;
        assert!(number < PRICES, "more bids than there are prices");
        // Apart, since a result shows what is wanted and offered a tick beside its price.
        Price::from_units(100_000 + 4 * (PRICES * draw.below(50) as i64 + number)).expect("fits")
    }

    /// The prices of its own bids, with the auctions in which they stood.
    pub(super) fn prices(&self) -> impl Iterator<Item = (AuctionId, Price)> {
        self.sent.values().filter_map(|command| match command {
            Command::PlaceBid { auction, bid } => bid.price.map(|price| (*auction, price)),
            Command::ReplaceBid { auction, price, .. } => price.map(|price| (*auction, price)),
            _ => None,
        })
    }
}

pub(super) fn key(identity: IdentityId) -> KeyFingerprint {
    KeyFingerprint([u8::try_from(identity.0).expect("few identities"); 32])
}
