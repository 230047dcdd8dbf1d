//! The exchange on loopback, and everybody with a QUIC connection and a certificate of their own, as the market
//! day's venue.

use std::collections::BTreeMap;
use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use golv_client::client::{Client, ClientError, Ended, Events};
use golv_client::quic::QuicConnector;
use golv_client::tls::{Credentials, TrustAnchor};
use golv_engine::Answer;
use golv_engine::command::Command;
use golv_engine::event::Event;
use golv_engine::id::{CommandId, IdentityId};
use golv_engine::key::KeyFingerprint;
use golv_protocol::message::Closing;
use golv_sim::venue::Venue;
use quinn::VarInt;
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::Acknowledge;
use crate::pipeline::Gate;
use crate::pki::{self, Kind, Validity};
use crate::server::endpoint::{Endpoint, Limits};
use crate::server::serve;
use crate::server::session::{self, COMMANDS_PER_SECOND, WITHDRAWALS_PER_SECOND};

/// The name on the server's certificate.
const HOST: &str = "localhost";

/// How long connections may take to end.
const FAREWELL: Duration = Duration::from_secs(2);

/// Everybody's certificate, made for one day. Their keys come from the seed, so that the same day has the same
/// journal.
pub(super) struct Certificates {
    dir: TempDir,
    credentials: BTreeMap<IdentityId, Credentials>,
}

impl Certificates {
    pub(super) fn issue(
        seed: u64,
        identities: impl IntoIterator<Item = IdentityId>,
    ) -> Result<Self, Box<dyn Error>> {
        let dir = tempfile::tempdir()?;
        pki::init(dir.path())?;
        let server = Kind::Server { hosts: vec![HOST.to_owned()] };
        pki::issue(dir.path(), "server", &server, Validity::from_now(1))?;
        let mut credentials = BTreeMap::new();
        for identity in identities {
            let seed = Sha256::new()
                .chain_update(b"golv demo key")
                .chain_update(seed.to_le_bytes())
                .chain_update(identity.0.to_le_bytes())
                .finalize();
            let key = pki::key_from_seed(seed.into())?;
            let name = format!("identity-{identity}");
            let issued = pki::issue_for(&key, dir.path(), &name, &Kind::Client, Validity::from_now(1))?;
            credentials.insert(identity, Credentials::load(&issued.certificate, &issued.key)?);
        }
        Ok(Self { dir, credentials })
    }

    pub(super) fn key(&self, identity: IdentityId) -> Option<KeyFingerprint> {
        self.credentials.get(&identity).map(Credentials::fingerprint)
    }
}

/// The exchange on loopback with its clients. Whoever sends for the first time connects.
pub(super) struct QuicVenue {
    runtime: Runtime,
    endpoint: Arc<Endpoint>,
    server: SocketAddr,
    trust: TrustAnchor,
    certificates: Certificates,
    clients: BTreeMap<IdentityId, Client>,
    /// Whose session is told everything, and what it was told.
    auditor: IdentityId,
    events: Option<Events>,
    acknowledge: Option<Acknowledge>,
}

impl QuicVenue {
    /// Serves an exchange on loopback.
    pub(super) fn serve(
        gate: Gate,
        certificates: Certificates,
        auditor: IdentityId,
        acknowledge: Option<Acknowledge>,
    ) -> Result<Self, Box<dyn Error>> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let file = |name: &str| certificates.dir.path().join(name);
        let trust = TrustAnchor::load(&file("ca.pem"))?;
        let credentials = Credentials::load(&file("server.pem"), &file("server.key.pem"))?;
        let endpoint = runtime.block_on(async {
            Endpoint::bind((Ipv4Addr::LOCALHOST, 0).into(), &credentials, &trust, Limits::default())
        })?;
        let server = endpoint.local_addr();
        let endpoint = Arc::new(endpoint);
        let accepting = Arc::clone(&endpoint);
        let pace = session::limits(COMMANDS_PER_SECOND, WITHDRAWALS_PER_SECOND);
        runtime.spawn(async move { serve(&accepting, gate, pace).await });
        Ok(Self {
            runtime,
            endpoint,
            server,
            trust,
            certificates,
            clients: BTreeMap::new(),
            auditor,
            events: None,
            acknowledge,
        })
    }

    /// Ends every session. Returns how many there were.
    pub(super) fn close(self) -> usize {
        let Self { runtime, endpoint, clients, .. } = self;
        runtime.block_on(async {
            for client in clients.values() {
                client.close().await;
            }
            let reason = Closing::Stopping;
            endpoint.close(FAREWELL, VarInt::from_u32(reason.code()), reason.to_string().as_bytes()).await;
        });
        clients.len()
    }

    /// Connects an identity if it is not connected yet.
    fn connect(&mut self, identity: IdentityId) {
        if self.clients.contains_key(&identity) {
            return;
        }
        let connector = QuicConnector {
            server: self.server,
            server_name: HOST.to_owned(),
            credentials: self.certificates.credentials[&identity].clone(),
            trust: self.trust.clone(),
        };
        let (client, events) = self.runtime.block_on(async { Client::start(connector) });
        if identity == self.auditor {
            self.events = Some(events);
        }
        self.clients.insert(identity, client);
    }
}

impl Venue for QuicVenue {
    type Error = ClientError;

    fn submit(&mut self, sender: IdentityId, id: CommandId, command: Command) -> Result<Answer, ClientError> {
        self.connect(sender);
        let client = &self.clients[&sender];
        let answer = self.runtime.block_on(client.submit_as(id, command))?;
        if let Some(acknowledge) = self.acknowledge {
            let position = client.acknowledged().expect("an answer tells a position");
            acknowledge(sender, id, &answer, position);
        }
        Ok(answer)
    }

    fn key(&self, identity: IdentityId) -> Option<KeyFingerprint> {
        self.certificates.key(identity)
    }

    fn next_event(&mut self) -> Result<Event, ClientError> {
        self.connect(self.auditor);
        let events = self.events.as_mut().ok_or(Ended::Closed)?;
        Ok(self.runtime.block_on(events.next())?.event)
    }
}
