//! Connections over QUIC for [`crate::client::Client`].

use std::io;
use std::net::SocketAddr;

use quinn::{RecvStream, SendStream};
use tokio::io::{Join, join};

use crate::client::Connect;
use crate::endpoint::connect;
use crate::tls::{Credentials, TrustAnchor};

/// Connects to one exchange, always as the same participant.
#[derive(Clone, Debug)]
pub struct QuicConnector {
    /// Where the exchange listens.
    pub server: SocketAddr,
    /// The name that its certificate carries.
    pub server_name: String,
    /// What the participant shows.
    pub credentials: Credentials,
    /// Whom the participant believes.
    pub trust: TrustAnchor,
}

impl Connect for QuicConnector {
    type Stream = Join<RecvStream, SendStream>;

    async fn connect(&self) -> io::Result<Self::Stream> {
        let connection = connect(self.server, &self.server_name, &self.credentials, &self.trust)
            .await
            .map_err(io::Error::other)?;
        // The streams keep the connection; it ends with them.
        let (send, receive) = connection.open_bi().await?;
        Ok(join(receive, send))
    }
}
