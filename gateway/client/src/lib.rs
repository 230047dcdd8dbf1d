//! What a trader links to talk to a Golv exchange: no server, no engine run, no simulator.
//!
//! [`client::Client`] keeps a session with the exchange through every connection: it submits commands and waits for
//! their durable answers, and gives every event once, in order. [`session::ClientSession`] is the same
//! without a network, for whoever has a runtime of their own. [`quic::QuicConnector`] makes the connections,
//! with [`tls::Credentials`] from PEM files.
//!
//! A drop copy is told what happens to its participant and what all of its identities are answered, and sends nothing itself:
//!
//! ```no_run
//! use golv_client::client::Client;
//! use golv_client::quic::QuicConnector;
//! use golv_client::session::Beginning;
//! use golv_client::tls::{Credentials, TrustAnchor};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let connector = QuicConnector {
//!     server: "127.0.0.1:4433".parse()?,
//!     server_name: "localhost".to_owned(),
//!     credentials: Credentials::load("pki/trader.pem".as_ref(), "pki/trader.key.pem".as_ref())?,
//!     trust: TrustAnchor::load("pki/ca.pem".as_ref())?,
//! };
//! // It connects at once, and again by itself whenever it has to.
//! let (_client, mut events, mut copies) = Client::drop_copy(connector, Beginning::default());
//! loop {
//!     tokio::select! {
//!         event = events.next() => println!("happened: {:?}", event?),
//!         copied = copies.next() => println!("answered: {:?}", copied?),
//!     }
//! }
//! # }
//! ```

#![forbid(unsafe_code)]

mod beside;
pub mod client;
pub mod endpoint;
pub mod quic;
pub mod session;
pub mod tls;
pub mod transport;
