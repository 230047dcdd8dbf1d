//! `golv found` and `golv serve`: an exchange is founded once, and then served from its journal.

mod check;
mod configuration;
mod notify;

use std::collections::BTreeMap;
use std::error::Error;
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
use crate::server::{self, endpoint::Endpoint};
use configuration::{Configuration, name_of};

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

/// How an exchange is served. The configuration says what holds where a flag is not given.
#[derive(Args, Debug, Default)]
pub struct Serve {
    /// Read what neither a flag nor a variable sets from this TOML file; GOLV_CONFIG names one too
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The directory of its journal
    #[arg(long, value_name = "DIR")]
    data: Option<String>,
    /// The address to listen on, UDP [default: 127.0.0.1:4433]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// The server's certificate chain, PEM
    #[arg(long, value_name = "FILE")]
    certificate: Option<String>,
    /// The server's private key, PEM
    #[arg(long, value_name = "FILE")]
    key: Option<String>,
    /// The authority that participants' certificates are signed by, PEM
    #[arg(long, value_name = "FILE")]
    ca: Option<String>,
    /// How the writer waits for the next command [default: park]
    #[arg(long, value_enum)]
    waiting: Option<WaitingChoice>,
    /// Answer GET /metrics over HTTP on this address, for Prometheus, such as 127.0.0.1:9464 [default: none]
    #[arg(long, value_name = "ADDRESS")]
    metrics: Option<String>,
    /// How the log on standard error is written [default: text]
    #[arg(long, value_enum)]
    log: Option<logs::Format>,
    /// The least that is logged [default: info]
    #[arg(long, value_enum)]
    log_level: Option<logs::Level>,
    /// How many connections there may be at a time [default: 1024]
    #[arg(long, value_name = "COUNT")]
    connections_max: Option<String>,
    /// How many of them one address may have; for IPv6, a network of 64 bits [default: 256]
    #[arg(long, value_name = "COUNT")]
    connections_per_address_max: Option<String>,
    /// How long a client may take to show its certificate [default: 5]
    #[arg(long, value_name = "SECONDS")]
    handshake_seconds: Option<String>,
    /// How many commands an identity may send in a second, in the long run; twice as many at once [default: 2000]
    #[arg(long, value_name = "COUNT")]
    commands_per_second: Option<String>,
    /// How many withdrawals it may send beside those [default: 8000]
    #[arg(long, value_name = "COUNT")]
    withdrawals_per_second: Option<String>,
    /// Warn at the start and in --check if a certificate ends within so many days [default: 30]
    #[arg(long, value_name = "DAYS")]
    certificate_warning_days: Option<String>,
    /// Look at the configuration, files, certificates, addresses and the journal's directory, and stop
    ///
    /// Prints what holds and who set it. Changes nothing. Exits with 1 if the exchange could not be served so.
    #[arg(long)]
    check: bool,
    /// Print what --check finds as JSON
    #[arg(long, requires = "check")]
    json: bool,
}

impl Serve {
    /// What was given of [`KEYS`](configuration::KEYS).
    fn texts(&self) -> BTreeMap<&'static str, String> {
        let given = [
            ("data", self.data.clone()),
            ("listen", self.listen.clone()),
            ("certificate", self.certificate.clone()),
            ("key", self.key.clone()),
            ("ca", self.ca.clone()),
            ("waiting", self.waiting.as_ref().map(name_of)),
            ("metrics", self.metrics.clone()),
            ("log", self.log.as_ref().map(name_of)),
            ("log_level", self.log_level.as_ref().map(name_of)),
            ("connections_max", self.connections_max.clone()),
            ("connections_per_address_max", self.connections_per_address_max.clone()),
            ("handshake_seconds", self.handshake_seconds.clone()),
            ("commands_per_second", self.commands_per_second.clone()),
            ("withdrawals_per_second", self.withdrawals_per_second.clone()),
            ("certificate_warning_days", self.certificate_warning_days.clone()),
        ];
        given.into_iter().filter_map(|(name, text)| Some((name, text?))).collect()
    }
}

/// How the writer waits, as it is named on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
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

/// Serves an exchange until it is told to stop (SIGTERM or SIGINT), or its journal fails; or looks whether it could be
/// served.
///
/// # Errors
/// If its configuration is wrong, it cannot be started, or its journal fails.
pub fn serve(flags: &Serve) -> Result<(), Box<dyn Error>> {
    let configuration = Configuration::read(flags, &configuration::environment())?;
    if flags.check {
        return Ok(check::check(&configuration, flags.json)?);
    }
    run(&configuration)
}

fn run(configuration: &Configuration) -> Result<(), Box<dyn Error>> {
    logs::start(configuration.log, configuration.log_level);
    for variable in &configuration.strange_variables {
        warn!("{variable}");
    }
    let credentials = Credentials::load(&configuration.certificate, &configuration.key)?;
    let trust = TrustAnchor::load(&configuration.ca)?;
    let waiting = match configuration.waiting {
        WaitingChoice::Park => Waiting::Park,
        WaitingChoice::Spin => Waiting::Spin,
    };
    let (pipeline, opening) = Pipeline::open(&configuration.data, waiting)?;
    log_start(configuration, pipeline.metrics(), &opening);
    log_certificate(configuration, pipeline.metrics());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let stopped = runtime
        .block_on(async {
            let endpoint = Endpoint::bind(configuration.listen, &credentials, &trust, configuration.limits)?;
            info!(address = %endpoint.local_addr(), "listening");
            let metrics = match configuration.metrics {
                Some(address) => Some(Scrape::bind(address).await?),
                None => None,
            };
            if let Some(metrics) = metrics {
                info!(address = %metrics.local_addr(), "metrics");
                tokio::spawn(metrics.serve(pipeline.gate()));
            }
            let mut terminate = signal(SignalKind::terminate())?;
            let mut interrupt = signal(SignalKind::interrupt())?;
            // Whoever starts the process waits for one of these.
            print::line(format_args!(
                "serving {} on {}",
                configuration.data.display(),
                endpoint.local_addr()
            ));
            notify::ready();
            tokio::select! {
                () = server::serve(&endpoint, pipeline.gate(), configuration.pace) => {}
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

/// Tells when the certificate ends, and warns if that is soon.
fn log_certificate(configuration: &Configuration, metrics: &Metrics) {
    // What cannot be read here was read a moment ago; clients will tell.
    let Ok(shown) = pki::show(&configuration.certificate) else { return };
    metrics.set_certificate_end(shown.validity.not_after);
    let left = check::days_left(shown.validity.not_after, check::now());
    if left.is_none_or(|days| days < configuration.certificate_warning_days) {
        warn!(until = %shown.validity.not_after, "the server's certificate has ended or ends soon; issue another and restart");
    }
}

/// Logs where the exchange begins, and what an operator should know of its journal.
fn log_start(configuration: &Configuration, metrics: &Metrics, opening: &Opening) {
    let Opening { verdict, snapshot, passed_over, position, state: _ } = opening;
    for error in passed_over {
        warn!(reason = logs::with_sources(error), "a snapshot is of no use and was passed over");
    }
    let dir = configuration.data.display();
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
