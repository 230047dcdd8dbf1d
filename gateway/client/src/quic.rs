//! Connections over QUIC for [`crate::client::Client`].

use std::error::Error;
use std::io;
use std::net::SocketAddr;

use golv_protocol::message::Closing;
use quinn::{ConnectionError, RecvStream, SendStream};
use tokio::io::{Join, join};

use crate::client::{Connect, Connection, Ended, is_final};
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
    type Connection = quinn::Connection;

    async fn connect(&self) -> io::Result<Self::Connection> {
        connect(self.server, &self.server_name, &self.credentials, &self.trust)
            .await
            .map_err(io::Error::other)
    }

    /// In TLS 1.3 a refused certificate shows as an error of the first read, and a message of the exchange that ends a
    /// session can be lost to the closing of its connection, which then carries the same reason.
    fn is_final(&self, error: &io::Error) -> Option<Ended> {
        let error = connection_error(error)?;
        match error {
            ConnectionError::ApplicationClosed(close) => {
                let reason =
                    u32::try_from(close.error_code.into_inner()).ok().and_then(Closing::from_code)?;
                is_final(reason).then_some(Ended::ByExchange(reason))
            }
            // What TLS refuses, it would refuse again.
            ConnectionError::ConnectionClosed(close) if is_tls(close.error_code.into()) => {
                Some(Ended::Refused(error.to_string()))
            }
            ConnectionError::TransportError(failed) if is_tls(failed.code.into()) => {
                Some(Ended::Refused(error.to_string()))
            }
            _ => None,
        }
    }
}

impl Connection for quinn::Connection {
    type Stream = Join<RecvStream, SendStream>;

    async fn open(&self) -> io::Result<Self::Stream> {
        let (send, receive) = self.open_bi().await?;
        Ok(join(receive, send))
    }
}

/// Whether an error code of QUIC is an alert of TLS (RFC 9001, section 4.8).
fn is_tls(code: u64) -> bool {
    (0x100..0x200).contains(&code)
}

/// The connection's error behind an error of connecting or of a stream.
fn connection_error(error: &io::Error) -> Option<&ConnectionError> {
    let mut cause: &(dyn Error + 'static) = error.get_ref()?;
    loop {
        if let Some(found) = cause.downcast_ref() {
            return Some(found);
        }
        cause = cause.source()?;
    }
}
