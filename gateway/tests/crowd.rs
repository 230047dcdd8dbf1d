//! Two hundred traders at once, each with a certificate and a connection of its own, and one who floods the exchange:
//! everybody is answered and told exactly its own.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::common::replayed::{Replayed, assert_own};
use crate::common::served::Served;
use crate::common::*;
use golv_client::client::{Client, Events};
use golv_engine::Answer;
use golv_engine::command::{Action, Command};
use golv_engine::event::Event;
use golv_engine::id::*;
use golv_engine::participant::Role;
use golv_gateway::pipeline::{Creation, Message, Pipeline, Waiting};
use golv_protocol::message::Numbered;
use tokio::sync::{Barrier, Notify};

const TRADERS: std::ops::Range<u32> = 1_001..1_201;
const FLOODER: u32 = BUYERS[0];

/// How often each trader replaces its bid before the flood, and as often during it.
const REPLACEMENTS: u32 = 5;

/// Commands that the flooder has under way: more than the exchange reads of one session before it answers.
const FLOOD: u64 = 512;

fn name(identity: u32) -> String {
    format!("identity-{identity}")
}

fn role(identity: u32) -> Role {
    if identity.is_multiple_of(2) { Role::Buyer } else { Role::Supplier }
}

/// Founds an exchange and registers everybody. The operators' commands are all on their way at once and not over the
/// network, which is not what is tried here.
fn founded(bench: &Bench) -> Pipeline {
    let creation = Creation::Rehearsal { seed: 1, start: start() };
    let pipeline =
        Pipeline::create(&bench.path("data"), creation, bench.founding(), Waiting::Park).expect("created");
    let mut session = pipeline.connect().expect("running");
    let mut asked = 0;
    for identity in TRADERS {
        let participant = ParticipantId(identity);
        let key = bench.issue(&name(identity)).fingerprint();
        let register = Action::RegisterParticipant {
            participant,
            name: format!("Participant {identity}").parse().expect("a name"),
            owner_group: OwnerGroup(identity),
            roles: [role(identity)].into(),
        };
        let add = Action::AddIdentity { identity: IdentityId(identity), participant };
        let bind = Action::BindKey { identity: IdentityId(identity), key, others_end_at: None };
        for action in [register, add, bind] {
            asked += 1;
            let [proposes, confirms] = OPERATORS.map(IdentityId);
            let proposal = ProposalId { identity: proposes, command: CommandId(asked) };
            session.send(proposes, CommandId(asked), Command::Propose { action }).expect("room");
            session.send(confirms, CommandId(asked), Command::Confirm { proposal }).expect("room");
        }
    }
    let mut answered = 0;
    while answered < 2 * asked {
        if let Message::Answered { answers, .. } = session.receive().expect("running") {
            assert!(answers.iter().all(|answered| answered.answer.outcome.is_ok()));
            answered += answers.len() as u64;
        }
    }
    pipeline
}

/// What a trader was told, and how long it waited for it.
#[derive(Default)]
struct Told {
    answers: Vec<Answer>,
    events: Vec<Numbered>,
    calm: Vec<Duration>,
    flooded: Vec<Duration>,
}

/// A trader at work. Everybody goes on to the next part of the day at once.
struct Trader {
    identity: u32,
    client: Client,
    events: Events,
    parts: Arc<Barrier>,
    told: Told,
}

impl Trader {
    /// Submits a command that will be done; tells how long its answer took.
    async fn submit(&mut self, command: Command) -> Duration {
        let began = Instant::now();
        let answer = bounded(self.client.submit(command)).await.expect("answered");
        let took = began.elapsed();
        assert_eq!(answer.outcome, Ok(()), "identity {}", self.identity);
        self.told.answers.push(answer);
        took
    }

    /// The bid that the trader places first, in its own command 1.
    fn bid(&self) -> BidId {
        BidId { identity: IdentityId(self.identity), command: CommandId(1) }
    }

    fn replacement(&self, lots: u32) -> Command {
        Command::ReplaceBid {
            auction: AUCTION,
            bid: self.bid(),
            price: Some(price(500)),
            quantity: quantity(lots),
        }
    }

    async fn trade(mut self) -> (u32, Told) {
        bounded(self.client.logged_on()).await.expect("logged on");
        bounded(self.parts.wait()).await;
        let bid = if role(self.identity) == Role::Buyer { buy(510, 1) } else { sell(490, 1) };
        self.submit(bid).await;
        for lots in 2..2 + REPLACEMENTS {
            let took = self.submit(self.replacement(lots)).await;
            self.told.calm.push(took);
        }
        bounded(self.parts.wait()).await;
        // The flood begins.
        bounded(self.parts.wait()).await;
        for lots in 12..12 + REPLACEMENTS {
            let took = self.submit(self.replacement(lots)).await;
            self.told.flooded.push(took);
        }
        if withdraws(self.identity) {
            let bid = self.bid();
            self.submit(Command::WithdrawBid { auction: AUCTION, bid }).await;
        }
        bounded(self.parts.wait()).await;
        self.told.events = bounded(until_cleared(&mut self.events)).await;
        self.client.close().await;
        (self.identity, self.told)
    }
}

fn withdraws(identity: u32) -> bool {
    identity % 10 < 2
}

/// Replaces one bid as fast as the exchange takes it, until it is to stop.
struct Flood {
    stop: AtomicBool,
    answered: AtomicU64,
    runs: Notify,
}

impl Flood {
    async fn run(self: Arc<Self>, client: Client, mut events: Events) -> Vec<Numbered> {
        bounded(client.submit(buy(500, 1))).await.expect("answered").outcome.expect("done");
        let bid = BidId { identity: IdentityId(FLOODER), command: CommandId(1) };
        let client = Arc::new(client);
        let reading = tokio::spawn(async move { until_cleared(&mut events).await });
        let mut flooding = tokio::task::JoinSet::new();
        for _ in 0..FLOOD {
            let (flood, client) = (Arc::clone(&self), Arc::clone(&client));
            flooding.spawn(async move {
                for lots in (1..10).cycle() {
                    if flood.stop.load(Ordering::Relaxed) {
                        break;
                    }
                    let (price, quantity) = (Some(price(500)), quantity(lots));
                    let command = Command::ReplaceBid { auction: AUCTION, bid, price, quantity };
                    // Once the auction is closed they are refused, which is an answer, too.
                    let _ = bounded(client.submit(command)).await.expect("answered");
                    if flood.answered.fetch_add(1, Ordering::Relaxed) == FLOOD {
                        flood.runs.notify_one();
                    }
                }
            });
        }
        flooding.join_all().await;
        let events = bounded(reading).await.expect("no panic");
        client.close().await;
        events
    }
}

/// The median, the 99th percentile and the longest, in milliseconds.
fn summary(mut waits: Vec<Duration>) -> String {
    waits.sort_unstable();
    let at = |percent: usize| waits[(waits.len() - 1) * percent / 100].as_secs_f64() * 1_000.0;
    format!("{} answers, p50 {:.1} ms, p99 {:.1} ms, max {:.1} ms", waits.len(), at(50), at(99), at(100))
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_traders_are_answered_and_told_their_own_while_one_floods() {
    let bench = Bench::new();
    // It waits for answers without the runtime.
    let pipeline = tokio::task::block_in_place(|| founded(&bench));
    let served = Served::serve(&bench, pipeline, (Ipv4Addr::LOCALHOST, 0).into());
    let centre = Centre::connect(&bench, served.address);
    centre.furnish(&bench).await;
    let parts = Arc::new(Barrier::new(TRADERS.len() + 1));
    let trading: Vec<_> = TRADERS
        .map(|identity| {
            let (client, events) = bench.connect(served.address, identity);
            let (parts, told) = (Arc::clone(&parts), Told::default());
            tokio::spawn(Trader { identity, client, events, parts, told }.trade())
        })
        .collect();
    // All are logged on, and then all have replaced their bids.
    bounded(parts.wait()).await;
    bounded(parts.wait()).await;
    let flood =
        Arc::new(Flood { stop: AtomicBool::new(false), answered: AtomicU64::new(0), runs: Notify::new() });
    let (flooder, flooder_events) = bench.connect(served.address, FLOODER);
    let flooding = tokio::spawn(Arc::clone(&flood).run(flooder, flooder_events));
    bounded(flood.runs.notified()).await;
    let at_first = flood.answered.load(Ordering::Relaxed);
    bounded(parts.wait()).await;
    bounded(parts.wait()).await;
    let flooded = flood.answered.load(Ordering::Relaxed) - at_first;
    // It floods through the close and the clearing.
    centre.clear().await;
    let mut told = BTreeMap::new();
    for trading in trading {
        let (identity, trader) = bounded(trading).await.expect("no panic");
        told.insert(identity, trader);
    }
    flood.stop.store(true, Ordering::Relaxed);
    let flooder_events = bounded(flooding).await.expect("no panic");
    let (logons, metrics) = (served.logons(), served.pipeline.gate().metrics_text());
    served.stop().await;

    let replayed = Replayed::read(&bench.path("data"));
    for (identity, told) in &told {
        let answers: Vec<_> = replayed.answers_of(*identity).into_values().collect();
        assert_eq!(told.answers, answers, "identity {identity}");
        assert_own(&told.events, *identity);
        let due = replayed.events_of(*identity);
        assert_eq!(told.events, due[..told.events.len()], "identity {identity}");
        let Some(Numbered { event: Event::AuctionCleared { result, .. }, .. }) = told.events.last() else {
            panic!("identity {identity} was not told the result")
        };
        let standing = result.fills.len() + result.unfilled.len();
        assert_eq!(standing, usize::from(!withdraws(*identity)), "identity {identity}: its one bid");
    }
    assert_eq!(flooder_events, replayed.events_of(FLOODER)[..flooder_events.len()]);
    let answered = flood.answered.load(Ordering::Relaxed);
    // One more is the bid.
    assert_eq!(replayed.answers_of(FLOODER).len() as u64, answered + 1);
    assert!(flooded > 0, "the flood went on while the others traded");

    let waits = |of: fn(&Told) -> &Vec<Duration>| summary(told.values().flat_map(of).copied().collect());
    println!("before the flood: {}", waits(|told| &told.calm));
    println!("during the flood: {}", waits(|told| &told.flooded));
    let busy = metrics.lines().find(|line| line.starts_with("golv_busy_total")).unwrap_or("nobody told Busy");
    println!(
        "the flooder was answered {answered} times, {flooded} of them meanwhile; {logons} logons; {busy}"
    );
}
