//! The exchange that is loaded by default: a rehearsal in this process, on loopback.

use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use golv_client::quic::QuicConnector;
use golv_client::tls::{Credentials, TrustAnchor};
use golv_engine::auction::{AuctionKind, AuctionTerms};
use golv_engine::clearing::{Allocation, Candidates, Criterion, Rule};
use golv_engine::command::{Action, Command, Operator};
use golv_engine::id::{AuctionId, CommandId, IdentityId, MarketId, OwnerGroup, ParticipantId, ProposalId};
use golv_engine::key::KeyFingerprint;
use golv_engine::market::{Market, Unit};
use golv_engine::num::{Currency, Price, Quantity};
use golv_engine::participant::Role;
use golv_engine::time::Instant;
use golv_protocol::message::Closing;
use quinn::VarInt;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::stream::{COMMANDS_PER_AUCTION, Ground};
use super::{Load, Target};
use crate::pipeline::{Creation, LocalSession, Message, Pipeline, SubmitError, Waiting};
use crate::pki::{self, Kind, Validity};
use crate::server::endpoint::{ConnectionLimits, Endpoint};
use crate::server::serve;
use crate::server::session;

/// The name on the server's certificate.
const HOST: &str = "localhost";

/// More commands a second than any machine sends.
const UNLIMITED: u32 = 1_000_000_000;

/// How long connections may take to end.
const FAREWELL: Duration = Duration::from_secs(2);

const OPERATORS: [IdentityId; 2] = [IdentityId(1), IdentityId(2)];
const MARKET: MarketId = MarketId(1);
/// The first trader's identity and participant; the others follow.
const FIRST_TRADER: u32 = 1_001;

/// Prices are 0 to 1,000 in ticks of 1, quantities 1 to 100 in lots of 1.
const HIGHEST: i64 = 1_000;
const LARGEST: u32 = 100;

/// How long the auctions are open in the rehearsal's time, which nobody sets while they are loaded.
const OPEN_SECONDS: u32 = 36_000;

/// A rehearsal that is served.
pub(super) struct Rehearsal {
    pipeline: Pipeline,
    runtime: Runtime,
    endpoint: Arc<Endpoint>,
    address: SocketAddr,
    certificates: TempDir,
    traders: u32,
    auctions: Vec<AuctionId>,
    /// Thrown away with it.
    _throwaway: Option<TempDir>,
}

impl Rehearsal {
    /// Founds an exchange with all traders registered, and auctions open that have room for so many commands; serves it.
    pub(super) fn found(options: &Load, commands: u64) -> Result<Self, Box<dyn Error>> {
        let (dir, throwaway) = match &options.data {
            Some(dir) => (dir.clone(), None),
            None => {
                let throwaway = tempfile::tempdir()?;
                (throwaway.path().join("journal"), Some(throwaway))
            }
        };
        let certificates = tempfile::tempdir()?;
        let pki = certificates.path();
        pki::init(pki)?;
        let server = Kind::Server { hosts: vec![HOST.to_owned()] };
        pki::issue(pki, "server", &server, Validity::from_now(1))?;
        let keys = (0..options.traders)
            .map(|trader| {
                Ok(pki::issue(pki, &name(trader), &Kind::Client, Validity::from_now(1))?.fingerprint)
            })
            .collect::<Result<Vec<_>, pki::IssueError>>()?;
        let auctions = u32::try_from(commands / COMMANDS_PER_AUCTION)?;
        let auctions: Vec<_> = (1..=auctions + 1).map(AuctionId).collect();

        let start = start();
        let creation = Creation::Rehearsal { seed: options.seed, start };
        let founding = Command::Found {
            participant: ParticipantId(1),
            name: "The centre".parse().expect("a name"),
            operators: OPERATORS.map(|identity| Operator::local(identity.0)),
        };
        let pipeline = Pipeline::create(&dir, creation, founding, Waiting::Park)?;
        let mut centre = Centre { session: pipeline.connect()?, asked: 0 };
        centre.furnish(&keys, &auctions)?;

        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let credentials = credentials(pki, "server")?;
        let trust = TrustAnchor::load(&pki.join("ca.pem"))?;
        let room = ConnectionLimits::default().connections_max.max(2 * options.traders as usize);
        // All traders come from this machine.
        let limits = ConnectionLimits {
            connections_max: room,
            connections_per_address_max: room,
            ..ConnectionLimits::default()
        };
        let endpoint = runtime.block_on(async {
            Endpoint::bind((Ipv4Addr::LOCALHOST, 0).into(), &credentials, &trust, limits)
        })?;
        let address = endpoint.local_addr();
        let endpoint = Arc::new(endpoint);
        let (accepting, gate) = (Arc::clone(&endpoint), pipeline.gate());
        // What is asked for is what the exchange takes, and not what it would let one trader send.
        let pace = session::limits(UNLIMITED, UNLIMITED);
        runtime.spawn(async move { serve(&accepting, gate, pace).await });
        let traders = options.traders;
        Ok(Self {
            pipeline,
            runtime,
            endpoint,
            address,
            certificates,
            traders,
            auctions,
            _throwaway: throwaway,
        })
    }

    pub(super) fn target(&self) -> Result<Target, Box<dyn Error>> {
        let pki = self.certificates.path();
        let trust = TrustAnchor::load(&pki.join("ca.pem"))?;
        let connector = |trader| {
            let name = name(trader);
            let connector = QuicConnector {
                server: self.address,
                server_name: HOST.to_owned(),
                credentials: credentials(pki, &name)?,
                trust: trust.clone(),
            };
            Ok((name, connector))
        };
        let connectors = (0..self.traders).map(connector).collect::<Result<_, Box<dyn Error>>>()?;
        let ground = Ground { auctions: self.auctions.clone(), market: market(), side: None };
        Ok(Target { connectors, ground })
    }

    /// Stops it; tells how often it was busy.
    pub(super) fn stop(self) -> Result<u64, Box<dyn Error>> {
        let Self { pipeline, runtime, endpoint, .. } = self;
        let metrics = pipeline.gate().metrics_text();
        let busy = metrics.lines().find_map(|line| line.strip_prefix("golv_busy_total "));
        let busy = busy.and_then(|value| value.parse().ok()).expect("it is counted");
        pipeline.stop()?;
        let reason = Closing::Stopping;
        let reason = (VarInt::from_u32(reason.code()), reason.to_string());
        runtime.block_on(endpoint.close(FAREWELL, reason.0, reason.1.as_bytes()));
        Ok(busy)
    }
}

fn name(trader: u32) -> String {
    format!("trader-{}", FIRST_TRADER + trader)
}

fn credentials(pki: &Path, name: &str) -> Result<Credentials, golv_client::tls::LoadError> {
    Credentials::load(&pki.join(format!("{name}.pem")), &pki.join(format!("{name}.key.pem")))
}

fn start() -> Instant {
    Instant::at_midnight(2026, 1, 1).expect("a day")
}

fn after(seconds: u32) -> Instant {
    start().plus_seconds(seconds).expect("within the years that there are")
}

fn market() -> Market {
    let price = |units| Price::from_units(units).expect("small");
    let quantity = |units| Quantity::from_units(units).expect("small");
    Market {
        name: "Lithium".parse().expect("a name"),
        unit: Unit::Tonne,
        currency: Currency::Eur,
        lot: quantity(1),
        tick: price(1),
        lowest: price(0),
        highest: price(HIGHEST),
        largest: quantity(LARGEST),
    }
}

/// Both operators.
struct Centre {
    session: LocalSession,
    asked: u64,
}

impl Centre {
    /// Registers everybody and opens the auctions.
    fn furnish(&mut self, keys: &[KeyFingerprint], auctions: &[AuctionId]) -> Result<(), Box<dyn Error>> {
        for (&key, number) in keys.iter().zip(FIRST_TRADER..) {
            let (participant, identity) = (ParticipantId(number), IdentityId(number));
            self.agree(Action::RegisterParticipant {
                participant,
                name: format!("Trader {number}").parse()?,
                owner_group: OwnerGroup(number),
                roles: [Role::Supplier, Role::Buyer].into(),
            })?;
            self.agree(Action::AddIdentity { identity, participant })?;
            self.agree(Action::BindKey { identity, key, others_end_at: None })?;
        }
        self.agree(Action::DefineMarket { market: MARKET, terms: market() })?;
        for &auction in auctions {
            let terms = AuctionTerms {
                kind: AuctionKind::Call { market: MARKET, stock: None },
                opens_at: after(60),
                closes_at: after(OPEN_SECONDS),
                challenge_seconds: NonZeroU32::new(60).expect("positive"),
                rule: Rule::new(
                    Candidates::Limits,
                    vec![Criterion::MostVolume, Criterion::Highest],
                    Allocation::ProRata,
                )
                .into(),
                draw_commitment: None,
            };
            self.agree(Action::AnnounceAuction { auction, terms })?;
        }
        self.asked += 1;
        self.session.send(OPERATORS[0], CommandId(self.asked), Command::SetClock { to: after(120) })?;
        self.wait_for(1)
    }

    fn agree(&mut self, action: Action) -> Result<(), Box<dyn Error>> {
        self.asked += 1;
        let id = CommandId(self.asked);
        let [proposes, confirms] = OPERATORS;
        let proposal = ProposalId { identity: proposes, command: id };
        self.session.send(proposes, id, Command::Propose { action })?;
        self.session.send(confirms, id, Command::Confirm { proposal })?;
        self.wait_for(2)
    }

    fn wait_for(&mut self, answers: usize) -> Result<(), Box<dyn Error>> {
        let mut left = answers;
        while left > 0 {
            match self.session.receive()? {
                Message::Answered { answers, .. } => {
                    for one in &answers {
                        one.answer.outcome?;
                        left -= 1;
                    }
                }
                Message::Closing(_) => return Err(SubmitError::Disconnected.into()),
                _ => {}
            }
        }
        Ok(())
    }
}
