//! `golv found` and `golv serve`: an exchange is founded once, and then served from its journal.

use std::error::Error;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use golv_client::tls::{Credentials, TrustAnchor};
use golv_engine::command::{Command, Operator};
use golv_engine::id::{IdentityId, ParticipantId};
use golv_engine::text::Name;
use golv_engine::time::Instant;
use golv_journal::Verdict;
use golv_protocol::message::Closing;
use quinn::VarInt;
use tokio::signal::unix::{SignalKind, signal};
use tracing::{error, info, warn};

use crate::alarm;
use crate::command_line::instant::parse_instant;
use crate::logs;
use crate::pipeline::metrics::Metrics;
use crate::pipeline::{Creation, Opening, Pipeline, Waiting};
use crate::pki;
use crate::print;
use crate::scrape::Scrape;
use crate::server::{
    self,
    endpoint::{Endpoint, Limits},
};

/// How long connections may take to end when the exchange stops.
const FAREWELL: Duration = Duration::from_secs(2);

/// The centre, which every exchange is founded with.
const CENTRE: ParticipantId = ParticipantId(1);

/// What an exchange is founded with.
#[derive(Args, Debug)]
pub struct Found {
    /// The directory for its journal: new or empty
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The name of the centre that operates it
    #[arg(long)]
    name: Name,
    /// The certificates of the first two operators, who become identities 1 and 2
    #[arg(long, num_args = 2, required = true, value_names = ["FIRST", "SECOND"])]
    operators: Vec<PathBuf>,
    /// Make it a rehearsal, whose clock begins at this instant and is set by operators
    #[arg(long, value_name = "INSTANT", value_parser = parse_instant)]
    rehearsal: Option<Instant>,
    /// What a rehearsal's random bytes are drawn from
    #[arg(long, requires = "rehearsal", default_value_t = 1)]
    seed: u64,
}

/// How an exchange is served.
#[derive(Args, Debug)]
pub struct Serve {
    /// The directory of its journal
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The address to listen on
    #[arg(long, default_value = "127.0.0.1:4433")]
    listen: SocketAddr,
    /// The server's certificate chain, PEM
    #[arg(long, value_name = "FILE")]
    certificate: PathBuf,
    /// The server's private key, PEM
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The authority that participants' certificates are signed by, PEM
    #[arg(long, value_name = "FILE")]
    ca: PathBuf,
    /// How the writer waits for the next command
    #[arg(long, value_enum, default_value_t = WaitingChoice::Park)]
    waiting: WaitingChoice,
    /// Answer GET /metrics over HTTP on this address, for Prometheus; such as 127.0.0.1:9464
    #[arg(long, value_name = "ADDRESS")]
    metrics: Option<SocketAddr>,
    /// How the log on standard error is written
    #[arg(long, value_enum, default_value_t = logs::Format::Text)]
    log: logs::Format,
    /// The least that is logged
    #[arg(long, value_enum, default_value_t = logs::Level::Info)]
    log_level: logs::Level,
}

/// How the writer waits, as it is named on the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum WaitingChoice {
    /// Sleep until woken: no processor while idle
    Park,
    /// Ask again and again: the lowest latency, and a processor of its own
    Spin,
}

/// Founds an exchange and stops: its journal holds the founding command.
///
/// # Errors
/// If a certificate cannot be read, or the journal cannot be created.
pub fn found(options: &Found) -> Result<(), Box<dyn Error>> {
    let mut keys = Vec::new();
    for path in &options.operators {
        keys.push(pki::show(path)?.fingerprint);
    }
    let [first, second] = keys[..] else { return Err("an exchange is founded with two operators".into()) };
    let operators = [(1, first), (2, second)]
        .map(|(identity, key)| Operator { identity: IdentityId(identity), key: Some(key) });
    let founding = Command::Found { participant: CENTRE, name: options.name.clone(), operators };
    let creation = match options.rehearsal {
        Some(start) => Creation::Rehearsal { seed: options.seed, start },
        None => Creation::Live,
    };
    let stopped = Pipeline::create(&options.data, creation, founding, Waiting::Park)?.stop()?;
    print::line(format_args!("founded in {}", options.data.display()));
    for Operator { identity, key } in operators {
        let key = key.map(|key| key.to_string()).unwrap_or_default();
        print::line(format_args!("operator {identity} speaks with key {key}"));
    }
    print::line(format_args!("state digest {}", stopped.state));
    print::line(format_args!("chain digest {}", stopped.chain));
    Ok(())
}

/// Serves an exchange until it is told to stop (SIGTERM or SIGINT), or its journal fails.
///
/// # Errors
/// If it cannot be started, or its journal fails.
pub fn serve(options: &Serve) -> Result<(), Box<dyn Error>> {
    logs::start(options.log, options.log_level);
    let credentials = Credentials::load(&options.certificate, &options.key)?;
    let trust = TrustAnchor::load(&options.ca)?;
    let waiting = match options.waiting {
        WaitingChoice::Park => Waiting::Park,
        WaitingChoice::Spin => Waiting::Spin,
    };
    let (pipeline, opening) = Pipeline::open(&options.data, waiting)?;
    log_start(options, pipeline.metrics(), &opening);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let stopped = runtime
        .block_on(async {
            let endpoint = Endpoint::bind(options.listen, &credentials, &trust, Limits::default())?;
            info!(address = %endpoint.local_addr(), "listening");
            let metrics = match options.metrics {
                Some(address) => Some(Scrape::bind(address).await?),
                None => None,
            };
            if let Some(metrics) = metrics {
                info!(address = %metrics.local_addr(), "metrics");
                tokio::spawn(metrics.serve(pipeline.gate()));
            }
            let mut terminate = signal(SignalKind::terminate())?;
            let mut interrupt = signal(SignalKind::interrupt())?;
            // Whoever starts the process waits for this line.
            print::line(format_args!("serving {} on {}", options.data.display(), endpoint.local_addr()));
            tokio::select! {
                () = server::serve(&endpoint, pipeline.gate()) => {}
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
                () = pipeline.ended() => {}
            }
            // Sessions are told by the writer as it stops, and then have a moment to pass it on.
            let stopped = tokio::task::spawn_blocking(|| pipeline.stop()).await?;
            let reason = Closing::Stopping;
            endpoint.close(FAREWELL, VarInt::from_u32(reason.code()), reason.to_string().as_bytes()).await;
            Ok::<_, Box<dyn Error>>(stopped)
        })?
        .inspect_err(|failed| error!(reason = logs::with_sources(failed), "the exchange failed"))?;
    info!(sequence = stopped.sequence.0, chain = %stopped.chain, "stopped");
    print::line(format_args!("stopped after sequence {}", stopped.sequence));
    print::line(format_args!("state digest {}", stopped.state));
    print::line(format_args!("chain digest {}", stopped.chain));
    Ok(())
}

/// Logs where the exchange begins, and what an operator should know of its journal.
fn log_start(options: &Serve, metrics: &Metrics, opening: &Opening) {
    let Opening { verdict, snapshot, passed_over, position, state: _ } = opening;
    for error in passed_over {
        warn!(reason = logs::with_sources(error), "a snapshot is of no use and was passed over");
    }
    let dir = options.data.display();
    let (sequence, chain, snapshot) = (position.sequence.0, position.chain, snapshot.map(|(_, last)| last.0));
    match verdict {
        Verdict::TornTail { file, sequence: torn, offset, bytes } => {
            alarm::torn_tail(metrics, file, *torn, *offset, *bytes);
            warn!(%dir, sequence, %chain, snapshot, "started from a journal whose end was cut");
        }
        Verdict::Clean { sealed, .. } => {
            info!(%dir, sealed, sequence, %chain, snapshot, "started from a clean journal");
        }
        Verdict::Corrupt(_) | Verdict::Gap(_) => unreachable!("a damaged journal is not opened"),
    }
}
