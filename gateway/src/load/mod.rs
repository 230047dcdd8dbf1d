//! `golv load`: what an exchange takes, and how long it lets wait.
//!
//! The load is open: every command has a planned instant, and its latency counts from there and not from when it was
//! sent. A system that stands still for a while is charged with all that should have come meanwhile; a load that
//! waits for answers before it sends more would not notice.
//!
//! ```text
//!  dispatcher: sleeps until a command is due ──▶ its trader ──▶ golv_client ──QUIC──▶ exchange
//!  tally ◀────────────────────────────────────── answer, which is durable ◀───────────┘
//! ```
//!
//! By default the exchange is a rehearsal within the process, and its processors are the traders' too. What it
//! takes at most is asked by raising the rate until the rate achieved falls behind.
//!
//! Deliberately absent: several machines that load together, and a load that follows what the market does.

mod drive;
mod rehearsal;
mod report;
mod running;
mod stream;

use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use golv_client::client::{Client, Ended};
use golv_client::quic::QuicConnector;
use golv_engine::id::AuctionId;

use crate::command_line::ServerAddress;
use drive::Trader;
use rehearsal::Rehearsal;
use running::Running;
pub use running::SideChoice;
use stream::{Ground, Stream};

/// What the options of a running exchange stand under in help.
const RUNNING: &str = "A running exchange";

/// Traders that connect at once at most, so that handshakes do not wait for each other longer than the exchange lets them.
const AT_ONCE: usize = 50;

/// How long to wait for a logon.
const LOGON: Duration = Duration::from_secs(30);

/// Commands of a run at most: what a few books can hold, and a machine's memory.
const COMMANDS_MAX: f64 = 1e9;

/// How to load an exchange.
#[derive(Args, Debug)]
pub struct Load {
    /// How many traders, each with a certificate and a connection of its own
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    traders: u32,
    /// Commands a second, all traders together
    #[arg(long, default_value_t = 1_000.0, value_parser = positive)]
    rate: f64,
    /// For how many seconds
    #[arg(long, default_value_t = 10.0, value_parser = positive)]
    seconds: f64,
    /// For how many seconds before that, which are not counted
    #[arg(long, value_name = "SECONDS", default_value_t = 2.0, value_parser = not_negative)]
    warm_up: f64,
    /// What the commands are drawn from: the same seed sends the same
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Keep the rehearsal's journal in this new or empty directory; by default it is thrown away
    ///
    /// How long a flush takes is the disk's: choose a directory on the one that you want to know about. The default is the
    /// system's for temporary files, which may be in memory.
    #[arg(long, value_name = "DIR", conflicts_with = "server")]
    data: Option<PathBuf>,
    /// Print one JSON object instead of a table
    #[arg(long)]
    json: bool,
    /// Write how the latencies are distributed into this CSV file
    #[arg(long, value_name = "FILE")]
    histogram: Option<PathBuf>,
    /// Where the exchange listens, such as exchange.example:4433
    #[arg(long, value_name = "HOST:PORT", help_heading = RUNNING, requires_all = ["ca", "auction", "certificates"])]
    server: Option<ServerAddress>,
    /// The name that the exchange's certificate must be issued to; the host of --server if not given
    #[arg(long, value_name = "NAME", help_heading = RUNNING, requires = "server")]
    server_name: Option<String>,
    /// The certificate, in PEM, of the authority that must have issued the exchange's certificate
    #[arg(long, value_name = "FILE", help_heading = RUNNING, requires = "server")]
    ca: Option<PathBuf>,
    /// The call auction to bid in, which must be open
    #[arg(long, value_name = "ID", help_heading = RUNNING, requires = "server", value_parser = auction)]
    auction: Option<AuctionId>,
    /// A directory with NAME.pem and NAME.key.pem of each trader; the first --traders by name are used
    ///
    /// Their keys must be bound, and nobody else may be logged on with them: the newest session of an identity wins.
    #[arg(long, value_name = "DIR", help_heading = RUNNING, requires = "server")]
    certificates: Option<PathBuf>,
    /// The side that all of them bid on; both in a rehearsal
    #[arg(long, value_enum, help_heading = RUNNING, requires = "server", default_value = "buy")]
    side: SideChoice,
}

fn positive(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(number) if number > 0.0 && number <= COMMANDS_MAX => Ok(number),
        _ => Err("give a number above 0, such as 250 or 0.5".into()),
    }
}

fn not_negative(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(number) if (0.0..=COMMANDS_MAX).contains(&number) => Ok(number),
        _ => Err("give a number from 0 on, such as 2".into()),
    }
}

fn auction(text: &str) -> Result<AuctionId, String> {
    text.parse().map(AuctionId).map_err(|_| "give an auction's number, such as 1".into())
}

/// The plan has more commands than can be.
#[derive(Debug, thiserror::Error)]
#[error("{0} commands are more than {COMMANDS_MAX}; choose a lower --rate or fewer --seconds")]
struct TooMany(f64);

/// A trader did not get a session.
#[derive(Debug, thiserror::Error)]
enum LogonError {
    #[error(
        "{name} was not logged on within {} s; see whether the exchange can be reached, whether it lets so many connect \
         (--connections-max of golv serve), and whether this machine lets a process have so many sockets (ulimit -n)",
        LOGON.as_secs()
    )]
    Late { name: String },
    #[error("{name} was not logged on; see whether its key is bound in this exchange")]
    Ended {
        name: String,
        #[source]
        source: Ended,
    },
}

/// How many commands there are, and when.
#[derive(Clone, Copy, Debug)]
struct Plan {
    rate: f64,
    /// Commands that come first and are not counted.
    warm_up: u64,
    /// Those and the ones that are counted.
    commands: u64,
}

impl Plan {
    fn new(options: &Load) -> Result<Self, TooMany> {
        let all = options.rate * (options.warm_up + options.seconds);
        if all > COMMANDS_MAX {
            return Err(TooMany(all.round()));
        }
        let warm_up = (options.rate * options.warm_up).round() as u64;
        // At least one, or there would be nothing to tell.
        let counted = ((options.rate * options.seconds).round() as u64).max(1);
        Ok(Self { rate: options.rate, warm_up, commands: warm_up + counted })
    }

    /// When a command is due, after the first.
    fn due(&self, number: u64) -> Duration {
        Duration::from_secs_f64(number as f64 / self.rate)
    }

    fn counted(&self) -> u64 {
        self.commands - self.warm_up
    }
}

/// An exchange to load.
struct Target {
    /// Everybody's way in, by name.
    connectors: Vec<(String, QuicConnector)>,
    ground: Ground,
}

/// Loads an exchange and prints how it did; returns whether all commands were answered.
///
/// # Errors
/// If the exchange cannot be founded or reached, or what is found cannot be written.
pub fn run(options: &Load) -> Result<bool, Box<dyn Error>> {
    let plan = Plan::new(options)?;
    let traders = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let (told, busy) = match Running::given(options) {
        Some(running) => {
            let target = traders.block_on(running.target(options.traders, plan.commands))?;
            (traders.block_on(load(options, plan, target))?, None)
        }
        None => {
            let rehearsal = Rehearsal::found(options, plan.commands)?;
            let told = traders.block_on(load(options, plan, rehearsal.target()?));
            // If the journal failed, that is the reason for whatever else went wrong.
            let busy = rehearsal.stop()?;
            (told?, Some(busy))
        }
    };
    if let Some(file) = &options.histogram {
        std::fs::write(file, report::distribution(&told))
            .map_err(|error| format!("{} cannot be written: {error}", file.display()))?;
    }
    report::print(options, plan, &told, busy);
    Ok(told.unanswered == 0)
}

async fn load(options: &Load, plan: Plan, target: Target) -> Result<drive::Told, LogonError> {
    let Target { connectors, ground } = target;
    let mut traders = Vec::new();
    let mut connectors = connectors.into_iter().peekable();
    while connectors.peek().is_some() {
        let connecting: Vec<_> = connectors
            .by_ref()
            .take(AT_ONCE)
            // Events that nobody reads would hold up the answers.
            .map(|(name, connector)| (name, Client::start(connector).0))
            .collect();
        for (name, client) in connecting {
            let who = match tokio::time::timeout(LOGON, client.logged_on()).await {
                Ok(Ok(who)) => who,
                Ok(Err(source)) => return Err(LogonError::Ended { name, source }),
                Err(_) => return Err(LogonError::Late { name }),
            };
            traders.push(Trader::new(client, who));
        }
    }
    let stream = Stream { seed: options.seed, traders: traders.len() as u64, ground };
    Ok(drive::drive(plan, stream, traders).await)
}
