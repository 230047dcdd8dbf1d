//! Connects to an exchange, places a bid, and prints what happens until the session ends.
//!
//! ```text
//! cargo run -p golv-client --example bid -- localhost 127.0.0.1:4433 pki/ca.pem pki/trader.pem pki/trader.key.pem
//! ```

use golv_client::client::Client;
use golv_client::quic::QuicConnector;
use golv_client::tls::{Credentials, TrustAnchor};
use golv_engine::book::Side;
use golv_engine::command::{Command, NewBid};
use golv_engine::id::AuctionId;
use golv_engine::num::{Price, Quantity};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let mut next = |what| args.next().ok_or(format!("give the {what}"));
    let (server_name, server) = (next("server's name")?, next("server's address")?.parse()?);
    let trust = TrustAnchor::load(next("authority's certificate")?.as_ref())?;
    let credentials = Credentials::load(next("own certificate")?.as_ref(), next("own key")?.as_ref())?;

    // It connects at once, and again by itself whenever it has to.
    let (client, mut events) = Client::start(QuicConnector { server, server_name, credentials, trust });
    println!("logged on: {:?}", client.logged_on().await?);

    let (price, quantity): (Price, Quantity) = ("600".parse()?, "5".parse()?);
    let bid = NewBid { side: Side::Buy, price: Some(price), quantity, origin: None, details: None };
    // The answer is durable, and the same however often the connection was cut. A refusal is an answer, too.
    let answer = client.submit(Command::PlaceBid { auction: AuctionId(1), bid }).await?;
    println!("answered: {answer:?}");

    // Each event that this participant may see, once and in order, from the first.
    loop {
        println!("happened: {:?}", events.next().await?);
    }
}
