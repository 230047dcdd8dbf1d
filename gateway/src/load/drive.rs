//! Sends commands when they are due, whether or not earlier ones were answered, and keeps what came of them.

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::{Duration, Instant};

use golv_client::client::{Client, ClientError};
use golv_client::session::Who;
use golv_engine::Answer;
use golv_engine::id::{CommandId, IdentityId};
use hdrhistogram::Histogram;
use tokio::sync::{Notify, mpsc};

use super::Plan;
use super::stream::Stream;
use crate::logs::with_sources;
use crate::server::session::IN_FLIGHT_MAX;

/// How long to wait for answers after the last command was due.
const PATIENCE: Duration = Duration::from_secs(30);

/// The longest latency that is told apart from longer ones.
const LONGEST: Duration = Duration::from_secs(600);

/// Somebody who is logged on.
pub(super) struct Trader {
    client: Arc<Client>,
    identity: IdentityId,
    /// The id of its first command here.
    first: CommandId,
}

impl Trader {
    pub(super) fn new(client: Client, who: Who) -> Self {
        let first = CommandId(who.highest.0.saturating_add(1));
        Self { client: Arc::new(client), identity: who.identity, first }
    }
}

/// What came of a load. All but `unanswered` and `failure` is of the commands that count.
#[derive(Clone)]
pub(super) struct Told {
    /// From the planned instant to the answer, in nanoseconds.
    pub latencies: Histogram<u64>,
    pub answered: u64,
    /// How often each refusal came.
    pub refusals: BTreeMap<&'static str, u64>,
    /// Commands that were due while their trader had as many under way as the exchange reads of one session.
    pub over_limit: u64,
    /// Commands without an answer, those of the warm-up included.
    pub unanswered: u64,
    /// Why the first of them has none, if that is known.
    pub failure: Option<String>,
    /// From when the first command was due to the last answer.
    pub took: Duration,
}

/// What is known so far.
struct Tally {
    told: Told,
    /// From when what counts is due.
    counts_from: Instant,
    /// Commands that have come to an end, one way or the other.
    ended: u64,
}

/// What all traders share.
struct Course {
    stream: Stream,
    plan: Plan,
    tally: Mutex<Tally>,
    /// All commands have come to an end.
    done: Notify,
}

impl Course {
    fn tally(&self) -> MutexGuard<'_, Tally> {
        // Whoever panicked is told by the runtime; counts are counts.
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, number: u64, planned: Instant, outcome: Result<Answer, ClientError>) {
        let now = Instant::now();
        let mut tally = self.tally();
        match outcome {
            Ok(answer) => {
                tally.told.unanswered -= 1;
                if number >= self.plan.warm_up {
                    tally.told.answered += 1;
                    if let Err(reject) = answer.outcome {
                        *tally.told.refusals.entry(reject.name()).or_default() += 1;
                    }
                    let latency = u64::try_from((now - planned).as_nanos()).unwrap_or(u64::MAX);
                    tally.told.latencies.saturating_record(latency);
                    tally.told.took = now.saturating_duration_since(tally.counts_from);
                }
            }
            Err(error) => {
                tally.told.failure.get_or_insert_with(|| with_sources(&error).to_string());
            }
        }
        tally.ended += 1;
        if tally.ended == self.plan.commands {
            self.done.notify_one();
        }
    }
}

/// A command that is due.
struct Due {
    number: u64,
    own: u64,
    planned: Instant,
}

/// Sends all commands of a plan, and waits for their answers.
pub(super) async fn drive(plan: Plan, stream: Stream, traders: Vec<Trader>) -> Told {
    let began = Instant::now();
    let told = Told {
        latencies: Histogram::new_with_bounds(1, LONGEST.as_nanos() as u64, 3).expect("bounds in order"),
        answered: 0,
        refusals: BTreeMap::new(),
        over_limit: 0,
        unanswered: plan.commands,
        failure: None,
        took: Duration::ZERO,
    };
    let tally = Tally { told, counts_from: began + plan.due(plan.warm_up), ended: 0 };
    let course = Arc::new(Course { stream, plan, tally: Mutex::new(tally), done: Notify::new() });
    let clients: Vec<_> = traders.iter().map(|trader| Arc::clone(&trader.client)).collect();
    let queues: Vec<_> = traders
        .into_iter()
        .enumerate()
        .map(|(place, trader)| {
            let (queue, due) = mpsc::unbounded_channel();
            tokio::spawn(send(Arc::clone(&course), place, trader, due));
            queue
        })
        .collect();
    let dispatching = {
        let course = Arc::clone(&course);
        // A thread of its own: the runtime's timers are a millisecond apart, which is longer than an answer takes.
        tokio::task::spawn_blocking(move || dispatch(&course, &queues, began))
    };
    dispatching.await.expect("it does not panic");
    // What has no answer by then is told to have none, and not that its client was closed.
    let _ = tokio::time::timeout(PATIENCE, course.done.notified()).await;
    let told = course.tally().told.clone();
    for client in clients {
        client.close().await;
    }
    told
}

/// Hands each command to its trader when it is due.
fn dispatch(course: &Course, queues: &[mpsc::UnboundedSender<Due>], began: Instant) {
    for number in 0..course.plan.commands {
        let planned = began + course.plan.due(number);
        loop {
            let early = planned.saturating_duration_since(Instant::now());
            if early.is_zero() {
                break;
            }
            std::thread::sleep(early);
        }
        let (trader, own) = course.stream.sender(number);
        // A trader goes when its queue has ended, and not before.
        let _ = queues[trader].send(Due { number, own, planned });
    }
}

/// A trader at work: sends what is due.
async fn send(course: Arc<Course>, place: usize, trader: Trader, mut due: mpsc::UnboundedReceiver<Due>) {
    let Trader { client, identity, first } = trader;
    // Held by each command until it is answered.
    let under_way = Arc::new(());
    while let Some(Due { number, own, planned }) = due.recv().await {
        if Arc::strong_count(&under_way) > IN_FLIGHT_MAX && number >= course.plan.warm_up {
            course.tally().told.over_limit += 1;
        }
        let command = course.stream.command(place, own, identity, first);
        // An exchange elsewhere says where ids begin, and may say the last.
        let id = CommandId(first.0.saturating_add(own));
        let (client, course, under_way) = (Arc::clone(&client), Arc::clone(&course), Arc::clone(&under_way));
        let mut submitting = Box::pin(async move {
            let outcome = client.submit_as(id, command).await;
            drop(under_way);
            course.note(number, planned, outcome);
        });
        // Its first poll gives it its turn among the client's requests, so that a trader's commands leave in order.
        if !is_ready_at_once(submitting.as_mut()).await {
            tokio::spawn(submitting);
        }
    }
}

async fn is_ready_at_once(future: impl Future<Output = ()>) -> bool {
    let mut future = pin!(future);
    poll_fn(|context| Poll::Ready(future.as_mut().poll(context).is_ready())).await
}
