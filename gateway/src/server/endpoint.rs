//! The server's end of QUIC: who gets a connection, and how much of this machine it may use.
//!
//! ```text
//!  packet ──▶ room for one more? ──▶ sender's address proved? ──▶ handshake ──▶ connection and key
//!             no: refused            no: Retry, nothing kept       no certificate of ours: closed
//! ```
//!
//! Invariants:
//!
//! - Whoever gets through holds the private key of a certificate that the trusted authority issued for clients
//!   and that is valid now. Which key that is, is told by its fingerprint; whose it is, the exchange knows.
//! - Nothing is kept for a sender that has not proved its address, so forged packets cost no memory.
//! - Connections, and the bytes that each may leave unread or unacknowledged, are bounded.
//!
//! - No address has more than its share of the connections, so that one host cannot keep all others out.
//!
//! Deliberately absent: 0-RTT and session tickets, so each connection shows its certificate anew; migration, so
//! that a connection stays at the address it came from (a client whose address changes connects again); and a
//! limit for each key. Who may have how many sessions is decided where sessions are known.

use std::collections::BTreeMap;
use std::future::IntoFuture;
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use golv_client::tls::{self, Credentials, TrustAnchor};
use golv_client::transport::transport;
use golv_engine::key::KeyFingerprint;
use golv_protocol::message::ALPN;
use quinn::crypto::rustls::QuicServerConfig;
use quinn::{Connection, ConnectionError, IncomingFuture, VarInt};
use rustls::server::WebPkiClientVerifier;
use rustls_pki_types::CertificateDer;

/// How many streams a client may have open at a time: 8, all of them bidirectional. The session uses one; the
/// others are for downloads and for what is public. More would not use more memory, since
/// [`RECEIVE_WINDOW`](golv_client::transport::RECEIVE_WINDOW) bounds all streams together, but more tasks.
/// One-way streams are not allowed at all: a command without an answer has no place in the protocol.
pub const STREAMS_MAX: u32 = 8;

/// How many first packets may wait for [`Endpoint::accept`]: 1,024, beyond which QUIC refuses by itself.
const INCOMING_MAX: usize = 1024;

/// How many bytes those who wait may have sent after their first packet: 16 MiB together.
const INCOMING_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// How much of the machine all connections may use. What a client is promised by the protocol, such as how many
/// commands may be under way, is not among them: it is the same in every exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// How many connections there may be at a time, those in their handshake or just closed included; one more
    /// is refused. Default 1,024. More serves more traders; each may take 2 MiB for stream data (see
    /// [`golv_client::transport`]), so 1,024 may take 2 GiB at worst.
    pub connections_max: usize,
    /// How many of them one address may have, which for IPv6 is a network of 64 bits: that many are given to one host. One more
    /// is refused. Default 256: many traders may sit behind one address.
    pub connections_per_address_max: usize,
    /// How long a client may take from its proved address to the end of the handshake. Default 5 s; it needs one
    /// round trip. Longer lets those who stall hold more of the places that traders need.
    pub handshake: Duration,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self { connections_max: 1024, connections_per_address_max: 256, handshake: Duration::from_secs(5) }
    }
}

/// A socket on which clients are let in. Connections outlive it when it is dropped; [`close`](Self::close) ends
/// them.
pub struct Endpoint {
    quinn: quinn::Endpoint,
    limits: ConnectionLimits,
    local_addr: SocketAddr,
    places: Arc<Places>,
}

/// How many connections each address has.
#[derive(Debug, Default)]
struct Places(Mutex<BTreeMap<IpAddr, usize>>);

/// One connection of an address, until it is dropped.
#[derive(Debug)]
pub struct Place {
    of: IpAddr,
    places: Arc<Places>,
}

impl Place {
    /// A place among the connections of an address, if it has fewer than so many.
    fn take(places: &Arc<Places>, address: IpAddr, most: usize) -> Option<Self> {
        let of = match address.to_canonical() {
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
            }
            address => address,
        };
        let mut taken = places.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = taken.entry(of).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        drop(taken);
        Some(Self { of, places: Arc::clone(places) })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(&self.of) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.of);
            }
        }
    }
}

/// A client that got through.
#[derive(Debug)]
pub struct Admitted {
    /// Its connection.
    pub connection: Connection,
    /// The fingerprint of the key that it has proved to hold.
    pub key: KeyFingerprint,
    /// Its place among the connections of its address. To be kept as long as the connection.
    pub place: Place,
}

/// Why the server does not listen.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on UDP {addr}; see whether the address is this machine's and the port is free")]
pub struct BindError {
    /// Where it was to listen.
    pub addr: SocketAddr,
    /// What the system says.
    pub source: io::Error,
}

/// A client with a proved address, about to show its certificate.
pub struct Handshake {
    connecting: IncomingFuture,
    remote: SocketAddr,
    limit: Duration,
    place: Place,
}

/// Why a client did not get through. Nothing of it is left when this is returned.
#[derive(Debug, thiserror::Error)]
pub enum HandshakeError {
    /// It gave up, spoke another protocol, or its certificate was refused.
    #[error("no connection with {remote}")]
    Failed {
        /// The client's address.
        remote: SocketAddr,
        /// What went wrong; a refused certificate shows as the TLS alert that the client was sent.
        source: ConnectionError,
    },
    /// It took longer than [`ConnectionLimits::handshake`].
    #[error("{remote} did not finish its handshake within {} s", limit.as_secs())]
    Slow {
        /// The client's address.
        remote: SocketAddr,
        /// How long it may take.
        limit: Duration,
    },
}

impl Endpoint {
    /// Listens on a UDP address; port 0 takes a free one. Must be called within a tokio runtime.
    ///
    /// The server shows `credentials`, and lets in whom an authority in `trust` has issued a certificate for
    /// clients.
    ///
    /// # Errors
    /// If the socket cannot be opened there.
    pub fn bind(
        addr: SocketAddr,
        credentials: &Credentials,
        trust: &TrustAnchor,
        limits: ConnectionLimits,
    ) -> Result<Self, BindError> {
        let failed = |source| BindError { addr, source };
        let quinn = quinn::Endpoint::server(config(credentials, trust), addr).map_err(failed)?;
        let local_addr = quinn.local_addr().map_err(failed)?;
        Ok(Self { quinn, limits, local_addr, places: Arc::default() })
    }

    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// The next client to shake hands with, or `None` once the endpoint is closed.
    ///
    /// Does not wait for handshakes: finish each in a task of its own, so that one client that stalls does not keep
    /// the others out. To be called by one task, or a few connections more than the limit may get in. Dropping
    /// the future loses no client. `refused` is called for each client for whom there is no room.
    pub async fn accept(&self, refused: impl Fn()) -> Option<Handshake> {
        loop {
            let incoming = self.quinn.accept().await?;
            if self.quinn.open_connections() >= self.limits.connections_max {
                incoming.refuse();
                refused();
            } else if !incoming.remote_address_validated() {
                incoming.retry().expect("a client with an unproved address may be sent a Retry");
            } else {
                let remote = incoming.remote_address();
                let most = self.limits.connections_per_address_max;
                let Some(place) = Place::take(&self.places, remote.ip(), most) else {
                    incoming.refuse();
                    refused();
                    continue;
                };
                // The handshake begins here and not where it is awaited, so that it counts from now on.
                let limit = self.limits.handshake;
                return Some(Handshake { connecting: incoming.into_future(), remote, limit, place });
            }
        }
    }

    /// Waits until all connections have ended by themselves, at most so long; closes those that are left with a code
    /// and a reason, and waits until their clients are told or have been silent too long. From now on
    /// [`accept`](Self::accept) returns `None`.
    pub async fn close(&self, patience: Duration, code: VarInt, reason: &[u8]) {
        // Whoever is still there after that is told at once.
        let _ = tokio::time::timeout(patience, self.quinn.wait_idle()).await;
        self.quinn.close(code, reason);
        self.quinn.wait_idle().await;
    }
}

impl Handshake {
    /// Waits until the client has proved its key.
    ///
    /// # Errors
    /// If the client shows no certificate, or none that is trusted and valid now; if it does not speak the
    /// protocol; if it gives up or takes too long.
    pub async fn finish(self) -> Result<Admitted, HandshakeError> {
        let Self { connecting, remote, limit, place } = self;
        let connection = tokio::time::timeout(limit, connecting)
            .await
            .map_err(|_| HandshakeError::Slow { remote, limit })?
            .map_err(|source| HandshakeError::Failed { remote, source })?;
        let identity = connection.peer_identity().expect("TLS lets nobody in without a certificate");
        let chain = identity
            .downcast::<Vec<CertificateDer<'static>>>()
            .expect("rustls tells a peer's identity as its chain of certificates");
        let leaf = chain.first().expect("a chain that was verified begins with the client's certificate");
        let key = tls::fingerprint(leaf).expect("a certificate that was verified can be read");
        Ok(Admitted { connection, key, place })
    }
}

fn config(credentials: &Credentials, trust: &TrustAnchor) -> quinn::ServerConfig {
    let provider = tls::provider();
    let verifier = WebPkiClientVerifier::builder_with_provider(trust.roots(), provider.clone())
        .build()
        .expect("a trust anchor holds at least one authority");
    let mut tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("ring has cipher suites for TLS 1.3")
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(credentials.certified());
    tls.alpn_protocols = vec![ALPN.to_vec()];
    // 0-RTT data can be sent again by whoever recorded it, and a ticket would stand in for the certificate.
    tls.max_early_data_size = 0;
    tls.send_tls13_tickets = 0;
    let tls = QuicServerConfig::try_from(tls).expect("ring has the cipher suite that QUIC begins with");

    let mut transport = transport();
    transport.max_concurrent_bidi_streams(VarInt::from_u32(STREAMS_MAX));
    let mut config = quinn::ServerConfig::with_crypto(Arc::new(tls));
    config
        .transport_config(Arc::new(transport))
        .migration(false)
        .max_incoming(INCOMING_MAX)
        .incoming_buffer_size_total(INCOMING_BYTES_MAX);
    config
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::path::Path;
    use std::sync::atomic::{AtomicU64, Ordering};

    use golv_client::endpoint::{ConnectError, connect};
    use golv_engine::time::Instant;
    use quinn::crypto::rustls::QuicClientConfig;
    use quinn::{ClientConfig, ReadError, TransportErrorCode};
    use rustls::AlertDescription;
    use tempfile::TempDir;

    use super::*;
    use crate::pki::{self, Kind, Validity};

    /// A certificate authority in a directory of its own, with a server for `localhost`.
    struct Authority(TempDir);

    impl Authority {
        fn new() -> Self {
            let dir = tempfile::tempdir().expect("a temporary directory");
            pki::init(dir.path()).expect("an authority in an empty directory");
            Self(dir)
        }

        fn dir(&self) -> &Path {
            self.0.path()
        }

        fn trust(&self) -> TrustAnchor {
            TrustAnchor::load(&self.dir().join("ca.pem")).expect("the authority's certificate")
        }

        fn issue(&self, name: &str, kind: &Kind, validity: Validity) -> Credentials {
            let issued = pki::issue(self.dir(), name, kind, validity).expect("a certificate");
            let credentials = Credentials::load(&issued.certificate, &issued.key).expect("what was issued");
            assert_eq!(credentials.fingerprint(), issued.fingerprint);
            credentials
        }

        fn client(&self, name: &str) -> Credentials {
            self.issue(name, &Kind::Client, Validity::from_now(1))
        }

        fn server(&self, limits: ConnectionLimits) -> Endpoint {
            let kind = Kind::Server { hosts: vec!["localhost".into()] };
            let credentials = self.issue("server", &kind, Validity::from_now(1));
            Endpoint::bind(loopback(), &credentials, &self.trust(), limits).expect("a free port")
        }
    }

    fn loopback() -> SocketAddr {
        (Ipv4Addr::LOCALHOST, 0).into()
    }

    /// No test hangs longer than this; none waits for it.
    async fn bounded<T>(future: impl Future<Output = T>) -> T {
        tokio::time::timeout(Duration::from_secs(30), future).await.expect("it comes to an end")
    }

    async fn next(server: &Endpoint) -> Result<(Connection, KeyFingerprint), HandshakeError> {
        let Admitted { connection, key, .. } =
            server.accept(|| ()).await.expect("the endpoint is open").finish().await?;
        Ok((connection, key))
    }

    /// What becomes of a client that believes itself connected: it opens a stream, writes, and reads.
    async fn converse(connection: &Connection) -> Result<Vec<u8>, ConnectionError> {
        let (mut send, mut receive) = connection.open_bi().await?;
        // Whether the write still succeeds depends on when the refusal arrives; the read always tells.
        let _ = send.write_all(b"ping").await;
        let _ = send.finish();
        match receive.read_to_end(64).await {
            Ok(answer) => Ok(answer),
            Err(quinn::ReadToEndError::Read(ReadError::ConnectionLost(error))) => Err(error),
            Err(error) => panic!("the stream failed and not the connection: {error}"),
        }
    }

    /// A client's own TLS, for what [`connect`] would never do.
    async fn connect_with(
        tls: rustls::ClientConfig,
        addr: SocketAddr,
    ) -> Result<Connection, ConnectionError> {
        let tls = QuicClientConfig::try_from(tls).expect("ring has the cipher suite that QUIC begins with");
        let endpoint = quinn::Endpoint::client(loopback()).expect("a free port");
        let config = ClientConfig::new(Arc::new(tls));
        endpoint.connect_with(config, addr, "localhost").expect("a good address").await
    }

    fn client_tls(
        trust: &TrustAnchor,
    ) -> rustls::ConfigBuilder<rustls::ClientConfig, rustls::client::WantsClientCert> {
        rustls::ClientConfig::builder_with_provider(tls::provider())
            .with_protocol_versions(&[&rustls::version::TLS13])
            .expect("ring has cipher suites for TLS 1.3")
            .with_root_certificates(trust.roots())
    }

    /// The error that a client sees whose peer ended the handshake with this alert.
    fn is_alert(error: &ConnectionError, alert: AlertDescription) -> bool {
        matches!(error, ConnectionError::ConnectionClosed(close)
            if close.error_code == TransportErrorCode::crypto(alert.into()))
    }

    /// A client whose certificate the server refuses: connecting succeeds all the same, since in TLS 1.3 the client
    /// is ready first, and the refusal comes with the first read.
    async fn assert_refused_late(
        server: &Endpoint,
        client: impl Future<Output = Connection>,
        alert: AlertDescription,
    ) {
        let client = async {
            let connection = client.await;
            converse(&connection).await.expect_err("the server refused the certificate")
        };
        let (yielded, error) = bounded(async { tokio::join!(next(server), client) }).await;
        let yielded = yielded.expect_err("no client without a good certificate gets through");
        assert!(matches!(yielded, HandshakeError::Failed { .. }), "{yielded:?}");
        assert!(is_alert(&error, alert), "{error:?}");
    }

    async fn assert_credentials_refused(
        authority: &Authority,
        credentials: &Credentials,
        alert: AlertDescription,
    ) {
        let server = authority.server(ConnectionLimits::default());
        let trust = authority.trust();
        let client = async {
            connect(server.local_addr(), "localhost", credentials, &trust)
                .await
                .expect("this succeeds: the trap")
        };
        assert_refused_late(&server, client, alert).await;
    }

    #[tokio::test]
    async fn a_good_client_gets_through_and_is_known_by_its_key() {
        let authority = Authority::new();
        let server = authority.server(ConnectionLimits::default());
        let alice = authority.client("alice");
        let serve = async {
            let (connection, key) = next(&server).await.expect("a good client");
            let (mut send, mut receive) = connection.accept_bi().await.expect("a stream");
            assert_eq!(receive.read_to_end(64).await.expect("a question"), b"ping");
            send.write_all(b"pong").await.expect("a client that reads");
            send.finish().expect("a stream that is still open");
            connection.closed().await;
            key
        };
        let trust = authority.trust();
        let trade = async {
            let connection =
                connect(server.local_addr(), "localhost", &alice, &trust).await.expect("a connection");
            assert_eq!(converse(&connection).await.expect("an answer"), b"pong");
        };
        let (key, ()) = bounded(async { tokio::join!(serve, trade) }).await;
        assert_eq!(key, alice.fingerprint());
    }

    #[tokio::test]
    async fn a_client_without_a_certificate_does_not_get_through() {
        let authority = Authority::new();
        let server = authority.server(ConnectionLimits::default());
        let mut tls = client_tls(&authority.trust()).with_no_client_auth();
        tls.alpn_protocols = vec![ALPN.to_vec()];
        let addr = server.local_addr();
        let client = async { connect_with(tls, addr).await.expect("this succeeds: the trap") };
        assert_refused_late(&server, client, AlertDescription::CertificateRequired).await;
    }

    #[tokio::test]
    async fn a_certificate_of_another_authority_does_not_get_through() {
        let stranger = Authority::new().client("alice");
        assert_credentials_refused(&Authority::new(), &stranger, AlertDescription::UnknownCA).await;
    }

    #[tokio::test]
    async fn an_expired_certificate_does_not_get_through() {
        let authority = Authority::new();
        let day = |day| Instant::at_midnight(2020, 1, day).expect("a day");
        let past = Validity { not_before: day(1), not_after: day(2) };
        let expired = authority.issue("alice", &Kind::Client, past);
        assert_credentials_refused(&authority, &expired, AlertDescription::CertificateExpired).await;
    }

    #[tokio::test]
    async fn a_certificate_for_servers_does_not_let_a_client_through() {
        let authority = Authority::new();
        let kind = Kind::Server { hosts: vec!["elsewhere".into()] };
        let other = authority.issue("other", &kind, Validity::from_now(1));
        assert_credentials_refused(&authority, &other, AlertDescription::UnsupportedCertificate).await;
    }

    #[tokio::test]
    async fn another_protocol_is_refused_in_the_handshake() {
        let authority = Authority::new();
        let server = authority.server(ConnectionLimits::default());
        let mut tls =
            client_tls(&authority.trust()).with_client_cert_resolver(authority.client("alice").certified());
        tls.alpn_protocols = vec![b"golv/0".to_vec()];
        let client = connect_with(tls, server.local_addr());
        let (yielded, refused) = bounded(async { tokio::join!(next(&server), client) }).await;
        yielded.expect_err("a client of another protocol");
        let error = refused.expect_err("a server of another protocol");
        assert!(is_alert(&error, AlertDescription::NoApplicationProtocol), "{error:?}");
    }

    #[tokio::test]
    async fn the_client_refuses_a_server_of_another_name_or_authority() {
        let authority = Authority::new();
        let server = authority.server(ConnectionLimits::default());
        let alice = authority.client("alice");
        for (name, trust) in [("other.example", authority.trust()), ("localhost", Authority::new().trust())] {
            let client = connect(server.local_addr(), name, &alice, &trust);
            let (yielded, refused) = bounded(async { tokio::join!(next(&server), client) }).await;
            yielded.expect_err("a client that went away");
            let error = refused.expect_err("a server that is not the one asked for");
            assert!(
                matches!(&error, ConnectError::Handshake { source: ConnectionError::TransportError(_), .. }),
                "{error:?}"
            );
        }
    }

    /// `accept` yields nobody while a client is refused for want of a place, which is counted.
    async fn assert_refused(server: &Endpoint, client: &Credentials, trust: &TrustAnchor) {
        let refusals = AtomicU64::new(0);
        let count = || {
            refusals.fetch_add(1, Ordering::Relaxed);
        };
        tokio::select! {
            _ = server.accept(count) => panic!("there is no place"),
            refused = connect(server.local_addr(), "localhost", client, trust) => {
                let error = refused.expect_err("there is no place");
                assert!(matches!(error, ConnectError::Refused { .. }), "{error:?}");
            }
        }
        assert_eq!(refusals.into_inner(), 1);
    }

    #[tokio::test]
    async fn one_client_more_than_the_limit_is_refused_until_another_leaves() {
        let authority = Authority::new();
        let server = authority.server(ConnectionLimits { connections_max: 1, ..ConnectionLimits::default() });
        let trust = authority.trust();
        let (alice, bob) = (authority.client("alice"), authority.client("bob"));
        let addr = server.local_addr();
        bounded(async {
            let first = connect(addr, "localhost", &alice, &trust);
            let (served, connected) = tokio::join!(next(&server), first);
            let ((served, _), connected) = (served.expect("a place"), connected.expect("a connection"));

            assert_refused(&server, &bob, &trust).await;
            connected.close(VarInt::from_u32(0), b"");
            served.closed().await;
            drop(served);
            server.quinn.wait_idle().await;
            let (served, connected) = tokio::join!(next(&server), connect(addr, "localhost", &bob, &trust));
            assert_eq!(served.expect("a place again").1, bob.fingerprint());
            connected.expect("a connection");
        })
        .await;
    }

    /// One address takes no more places than are its own, and gets one back when a connection of it ends.
    #[tokio::test]
    async fn no_address_has_more_than_its_share() {
        let authority = Authority::new();
        let server = authority
            .server(ConnectionLimits { connections_per_address_max: 1, ..ConnectionLimits::default() });
        let trust = authority.trust();
        let (alice, bob) = (authority.client("alice"), authority.client("bob"));
        let addr = server.local_addr();
        let admit = async || server.accept(|| ()).await.expect("the endpoint is open").finish().await;
        bounded(async {
            let (first, _alice) = tokio::join!(admit(), connect(addr, "localhost", &alice, &trust));
            let first = first.expect("a place");
            assert_refused(&server, &bob, &trust).await;
            drop(first);
            let (second, _bob) = tokio::join!(admit(), connect(addr, "localhost", &bob, &trust));
            assert_eq!(second.expect("a place again").key, bob.fingerprint());
        })
        .await;
    }

    /// A host has a whole network of IPv6 addresses, and one IPv4 address however it is written.
    #[test]
    fn a_network_of_ipv6_is_one_address() {
        let places = Arc::default();
        let take = |address: &str| Place::take(&places, address.parse().expect("an address"), 1);
        let first = take("2001:db8:0:1::1").expect("the first");
        assert!(take("2001:db8:0:1:ffff::2").is_none());
        let _other = take("2001:db8:0:2::1").expect("another network");
        drop(first);
        let _again = take("2001:db8:0:1::3").expect("its place is free again");
        let _fourth = take("192.0.2.1").expect("another address");
        assert!(take("::ffff:192.0.2.1").is_none());
    }

    #[tokio::test]
    async fn a_client_gets_as_many_streams_as_agreed_and_none_of_the_other_kind() {
        let authority = Authority::new();
        let server = authority.server(ConnectionLimits::default());
        let (alice, trust) = (authority.client("alice"), authority.trust());
        let client = connect(server.local_addr(), "localhost", &alice, &trust);
        let (served, connected) = bounded(async { tokio::join!(next(&server), client) }).await;
        let ((served, _), client) = (served.expect("a good client"), connected.expect("a connection"));
        let mut open = Vec::new();
        bounded(async {
            for _ in 0..STREAMS_MAX {
                open.push(client.open_bi().await.expect("a stream within the limit"));
            }
        })
        .await;
        // Opening waits for leave that the server has already given or not: one look at the future tells.
        assert!(ready(client.open_bi()).await.is_none());
        assert!(ready(client.open_uni()).await.is_none());
        assert!(ready(served.open_bi()).await.is_none());
        assert!(ready(served.open_uni()).await.is_none());
    }

    /// What the future gives at once, if it does.
    async fn ready<T>(future: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            output = future => Some(output),
            () = std::future::ready(()) => None,
        }
    }

    #[tokio::test]
    async fn a_closed_endpoint_tells_its_clients_and_yields_nobody() {
        let authority = Authority::new();
        let server = authority.server(ConnectionLimits::default());
        let (alice, trust) = (authority.client("alice"), authority.trust());
        bounded(async {
            let client = connect(server.local_addr(), "localhost", &alice, &trust);
            let (served, connected) = tokio::join!(next(&server), client);
            let (_served, connected) = (served.expect("a good client"), connected.expect("a connection"));
            let ((), told) = tokio::join!(
                server.close(Duration::ZERO, VarInt::from_u32(7), b"the day is over"),
                connected.closed()
            );
            match told {
                ConnectionError::ApplicationClosed(close) => {
                    assert_eq!(close.error_code, VarInt::from_u32(7));
                    assert_eq!(&close.reason[..], b"the day is over");
                }
                // On a machine so busy that the client looks up after the server has forgotten it.
                ConnectionError::Reset => {}
                other => panic!("{other:?}"),
            }
            assert!(server.accept(|| ()).await.is_none());
        })
        .await;
    }

    #[tokio::test]
    async fn a_port_in_use_is_named() {
        let authority = Authority::new();
        let server = authority.server(ConnectionLimits::default());
        let kind = Kind::Server { hosts: vec!["localhost".into()] };
        let credentials = authority.issue("second", &kind, Validity::from_now(1));
        let again = Endpoint::bind(
            server.local_addr(),
            &credentials,
            &authority.trust(),
            ConnectionLimits::default(),
        );
        let error = again.err().expect("the port is in use");
        assert!(error.to_string().contains(&server.local_addr().to_string()), "{error}");
    }
}
