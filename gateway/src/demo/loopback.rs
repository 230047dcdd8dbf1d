//! The exchange on loopback for a day, and certificates for everybody who takes part.

use std::collections::BTreeMap;
use std::error::Error;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use golv_client::tls::{Credentials, TrustAnchor};
use golv_engine::id::IdentityId;
use golv_engine::key::KeyFingerprint;
use golv_protocol::message::Closing;
use quinn::VarInt;
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::pipeline::Gate;
use crate::pki::{self, Kind, Validity};
use crate::server::endpoint::{ConnectionLimits, Endpoint};
use crate::server::serve;
use crate::server::session::{self, COMMANDS_PER_SECOND, WITHDRAWALS_PER_SECOND};
use crate::venue::Way;

/// The name on the server's certificate.
const HOST: &str = "localhost";

/// How long connections may take to end.
const FAREWELL: Duration = Duration::from_secs(2);

/// Everybody's certificate, made for one day. Their keys come from the seed, so that the same day has the same
/// journal.
pub(super) struct Certificates {
    dir: TempDir,
    pub(super) credentials: BTreeMap<IdentityId, Credentials>,
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

/// An exchange that is served on loopback.
pub(super) struct Loopback {
    runtime: Runtime,
    endpoint: Arc<Endpoint>,
}

impl Loopback {
    /// Serves an exchange, and tells how it is reached.
    pub(super) fn serve(gate: Gate, certificates: &Certificates) -> Result<(Self, Way), Box<dyn Error>> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let file = |name: &str| certificates.dir.path().join(name);
        let trust = TrustAnchor::load(&file("ca.pem"))?;
        let credentials = Credentials::load(&file("server.pem"), &file("server.key.pem"))?;
        let endpoint = runtime.block_on(async {
            Endpoint::bind((Ipv4Addr::LOCALHOST, 0).into(), &credentials, &trust, ConnectionLimits::default())
        })?;
        let way = Way { server: endpoint.local_addr(), server_name: HOST.to_owned(), trust };
        let endpoint = Arc::new(endpoint);
        let accepting = Arc::clone(&endpoint);
        let pace = session::limits(COMMANDS_PER_SECOND, WITHDRAWALS_PER_SECOND);
        runtime.spawn(async move { serve(&accepting, gate, pace).await });
        Ok((Self { runtime, endpoint }, way))
    }

    /// Ends every connection.
    pub(super) fn close(self) {
        let reason = Closing::Stopping;
        let text = reason.to_string();
        let closed = self.endpoint.close(FAREWELL, VarInt::from_u32(reason.code()), text.as_bytes());
        self.runtime.block_on(closed);
    }
}
