//! What a trader links to talk to a Golv exchange: no server, no engine run, no simulator.
//!
//! [`client::Client`] keeps a session with the exchange through every connection: it submits commands and waits for
//! their durable answers, and gives every event once, in order. [`session::ClientSession`] is the same
//! without a network, for whoever has a runtime of their own. [`quic::QuicConnector`] makes the connections,
//! with [`tls::Credentials`] from PEM files.

#![forbid(unsafe_code)]

mod beside;
pub mod client;
pub mod endpoint;
pub mod quic;
pub mod session;
pub mod tls;
pub mod transport;
