//! The client's end of a QUIC connection.
//!
//! A connection that [`connect`] returns has verified the server. It has **not** been accepted by it: in TLS 1.3
//! the client is ready before the server has judged the client's certificate. A certificate that is refused shows
//! as an error of the first read, so a client knows itself accepted only when the server has answered it.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use quinn::crypto::rustls::QuicClientConfig;
use quinn::{ClientConfig, Connection, ConnectionError, Endpoint, TransportErrorCode};

use crate::tls::{self, Credentials, TrustAnchor};
use crate::transport::{KEEP_ALIVE_INTERVAL, transport};

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// No socket could be opened on this machine.
    #[error("cannot open a UDP socket")]
    Socket(#[source] io::Error),
    /// The attempt could not begin, as with a server name that no certificate can carry, or port 0.
    #[error("cannot connect to {addr} as {server_name:?}; give a host name or IP address, and a port")]
    Begin {
        /// The server's address.
        addr: SocketAddr,
        /// The name that its certificate was to carry.
        server_name: String,
        /// What is wrong.
        source: quinn::ConnectError,
    },
    /// The server takes no more connections at the moment.
    #[error("the server at {addr} takes no more connections; try again later")]
    Refused {
        /// The server's address.
        addr: SocketAddr,
    },
    /// The server did not answer in time, speaks another protocol, or is not the one that was asked for.
    #[error(
        "no connection with {server_name} at {addr}; check the address, the name and the trusted authority"
    )]
    Handshake {
        /// The server's address.
        addr: SocketAddr,
        /// The name that its certificate was to carry.
        server_name: String,
        /// What went wrong.
        source: ConnectionError,
    },
}

/// Connects to a server whose certificate carries `server_name` and comes from an authority in `trust`.
///
/// Must be called within a tokio runtime. Takes two round trips; if nobody answers it gives up after
/// [`IDLE_TIMEOUT`](crate::transport::IDLE_TIMEOUT). Each connection has a UDP socket of its own, which it closes
/// when it is done.
///
/// # Errors
/// If the server cannot be reached, refuses, or is not the one asked for. **That the server refuses the
/// credentials is not among them**: it shows when the connection is first read from.
pub async fn connect(
    addr: SocketAddr,
    server_name: &str,
    credentials: &Credentials,
    trust: &TrustAnchor,
) -> Result<Connection, ConnectError> {
    let local: SocketAddr = match addr {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let endpoint = Endpoint::client(local).map_err(ConnectError::Socket)?;
    let connecting = endpoint
        .connect_with(config(credentials, trust), addr, server_name)
        .map_err(|source| ConnectError::Begin { addr, server_name: server_name.into(), source })?;
    connecting.await.map_err(|source| match source {
        ConnectionError::ConnectionClosed(close)
            if close.error_code == TransportErrorCode::CONNECTION_REFUSED =>
        {
            ConnectError::Refused { addr }
        }
        source => ConnectError::Handshake { addr, server_name: server_name.into(), source },
    })
}

fn config(credentials: &Credentials, trust: &TrustAnchor) -> ClientConfig {
    let tls = QuicClientConfig::try_from(tls::client(credentials, trust))
        .expect("ring has the cipher suite that QUIC begins with");
    let mut transport = transport();
    transport.keep_alive_interval(Some(KEEP_ALIVE_INTERVAL));
    let mut config = ClientConfig::new(Arc::new(tls));
    config.transport_config(Arc::new(transport));
    config
}
