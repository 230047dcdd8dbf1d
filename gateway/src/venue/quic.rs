//! An exchange over QUIC as a venue, everybody with a connection and a certificate of their own.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;

use golv_client::client::{Client, ClientError, Ended, Events};
use golv_client::quic::QuicConnector;
use golv_client::tls::{Credentials, TrustAnchor};
use golv_engine::Answer;
use golv_engine::command::Command;
use golv_engine::event::Event;
use golv_engine::id::{CommandId, IdentityId};
use golv_engine::key::KeyFingerprint;
use golv_sim::venue::Venue;
use tokio::runtime::Runtime;

use super::Acknowledge;

/// How an exchange is reached.
pub(crate) struct Way {
    pub(crate) server: SocketAddr,
    /// The name that its certificate must be issued to.
    pub(crate) server_name: String,
    pub(crate) trust: TrustAnchor,
}

/// An exchange with its clients. Whoever sends for the first time connects.
pub(crate) struct QuicVenue {
    runtime: Runtime,
    way: Way,
    credentials: BTreeMap<IdentityId, Credentials>,
    clients: BTreeMap<IdentityId, Client>,
    /// Whose session is told everything, and what it was told.
    auditor: IdentityId,
    events: Option<Events>,
    acknowledge: Option<Acknowledge>,
}

impl QuicVenue {
    pub(crate) fn new(
        way: Way,
        credentials: BTreeMap<IdentityId, Credentials>,
        auditor: IdentityId,
        acknowledge: Option<Acknowledge>,
    ) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let clients = BTreeMap::new();
        Ok(Self { runtime, way, credentials, clients, auditor, events: None, acknowledge })
    }

    /// Ends every session. Returns how many there were.
    pub(crate) fn close(self) -> usize {
        self.runtime.block_on(async {
            for client in self.clients.values() {
                client.close().await;
            }
        });
        self.clients.len()
    }

    /// Connects an identity if it is not connected yet.
    fn connect(&mut self, identity: IdentityId) {
        if self.clients.contains_key(&identity) {
            return;
        }
        let connector = QuicConnector {
            server: self.way.server,
            server_name: self.way.server_name.clone(),
            credentials: self.credentials[&identity].clone(),
            trust: self.way.trust.clone(),
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
        self.credentials.get(&identity).map(Credentials::fingerprint)
    }

    fn next_event(&mut self) -> Result<Event, ClientError> {
        self.connect(self.auditor);
        let events = self.events.as_mut().ok_or(Ended::Closed)?;
        Ok(self.runtime.block_on(events.next())?.event)
    }
}
