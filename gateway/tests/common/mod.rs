//! An exchange to connect to: certificates, a market, an auction that is open, and everybody's clients.

#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    reason = "shared by test files, each of which uses its own part"
)]

pub mod desk;
pub mod proxy;
pub mod replayed;
pub mod served;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use golv_client::client::{Client, Events};
use golv_client::endpoint::connect;
use golv_client::quic::QuicConnector;
use golv_client::session::Beginning;
use golv_client::tls::{Credentials, TrustAnchor};
use golv_engine::auction::{AuctionKind, AuctionTerms};
use golv_engine::book::Side;
use golv_engine::clearing::{Allocation, Candidates, Criterion, Rule};
use golv_engine::command::{Action, Command, NewBid, Operator};
use golv_engine::event::Event;
use golv_engine::id::*;
use golv_engine::key::KeyFingerprint;
use golv_engine::market::{Market, Unit};
use golv_engine::num::{Currency, Price, Quantity};
use golv_engine::participant::Role;
use golv_engine::time::Instant;
use golv_gateway::pki::{self, Kind, Validity};
use golv_protocol::frame::{Frames, write_frame};
use golv_protocol::message::{ClientMessage, Closing, Logon, Numbered, Position, ServerMessage};
use quinn::{Connection, RecvStream, SendStream, WriteError};

pub const OPERATORS: [u32; 2] = [1, 2];
pub const SUPPLIERS: [u32; 2] = [4, 5];
pub const BUYERS: [u32; 2] = [7, 8];
pub const AUCTION: AuctionId = AuctionId(1);
const MARKET: MarketId = MarketId(1);

/// No test hangs longer than this; none waits for it.
pub async fn bounded<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), what).await.expect("it comes to an end")
}

pub fn price(units: i64) -> Price {
    Price::from_units(units).expect("fits")
}

pub fn quantity(units: u32) -> Quantity {
    Quantity::from_units(units).expect("fits")
}

pub fn start() -> Instant {
    Instant::at_midnight(2019, 1, 1).expect("a day")
}

pub fn after(seconds: u32) -> Instant {
    start().plus_seconds(seconds).expect("fits")
}

pub fn buy(units: i64, lots: u32) -> Command {
    let bid = NewBid {
        side: Side::Buy,
        price: Some(price(units)),
        quantity: quantity(lots),
        origin: None,
        details: None,
    };
    Command::PlaceBid { auction: AUCTION, bid }
}

pub fn sell(units: i64, lots: u32) -> Command {
    let origin = Some("FI".parse().expect("a country"));
    let bid = NewBid {
        side: Side::Sell,
        price: Some(price(units)),
        quantity: quantity(lots),
        origin,
        details: None,
    };
    Command::PlaceBid { auction: AUCTION, bid }
}

/// A directory with an authority, the server's certificate, and everybody's.
pub struct Bench {
    dir: tempfile::TempDir,
}

impl Bench {
    pub fn new() -> Self {
        let bench = Self { dir: tempfile::tempdir().expect("a directory") };
        pki::init(&bench.path("pki")).expect("an authority");
        let hosts = vec!["localhost".to_owned()];
        pki::issue(&bench.path("pki"), "server", &Kind::Server { hosts }, Validity::from_now(1))
            .expect("issued");
        for identity in OPERATORS.into_iter().chain(SUPPLIERS).chain(BUYERS) {
            bench.issue(&format!("identity-{identity}"));
        }
        bench
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn pem(&self, name: &str) -> PathBuf {
        self.path("pki").join(name)
    }

    pub fn issue(&self, name: &str) -> Credentials {
        pki::issue(&self.path("pki"), name, &Kind::Client, Validity::from_now(1)).expect("issued");
        self.credentials(name)
    }

    pub fn credentials(&self, name: &str) -> Credentials {
        let files = [format!("{name}.pem"), format!("{name}.key.pem")].map(|file| self.pem(&file));
        Credentials::load(&files[0], &files[1]).expect("what was issued")
    }

    pub fn of(&self, identity: u32) -> Credentials {
        self.credentials(&format!("identity-{identity}"))
    }

    pub fn trust(&self) -> TrustAnchor {
        TrustAnchor::load(&self.pem("ca.pem")).expect("the authority's certificate")
    }

    pub fn founding(&self) -> Command {
        Command::Found {
            participant: ParticipantId(1),
            name: "The centre".parse().expect("a name"),
            operators: OPERATORS.map(|identity| Operator {
                identity: IdentityId(identity),
                key: Some(self.of(identity).fingerprint()),
            }),
        }
    }

    pub fn connector(&self, server: SocketAddr, credentials: Credentials) -> QuicConnector {
        QuicConnector { server, server_name: "localhost".to_owned(), credentials, trust: self.trust() }
    }

    pub fn connect(&self, server: SocketAddr, identity: u32) -> (Client, Events) {
        self.resume(server, identity, None)
    }

    /// Connects an identity that an earlier process of it had told this position.
    pub fn resume(
        &self,
        server: SocketAddr,
        identity: u32,
        acknowledged: Option<Position>,
    ) -> (Client, Events) {
        {
            let beginning = Beginning { acknowledged, ..Beginning::default() };
            Client::resuming(self.connector(server, self.of(identity)), beginning)
        }
    }
}

/// The two operators at work.
pub struct Centre {
    pub operators: [Client; 2],
}

impl Centre {
    pub fn connect(bench: &Bench, server: SocketAddr) -> Self {
        Self { operators: OPERATORS.map(|identity| bench.connect(server, identity).0) }
    }

    pub async fn send(&self, command: Command) {
        bounded(self.operators[0].submit(command)).await.expect("answered").outcome.expect("done");
    }

    pub async fn set_clock(&self, to: Instant) {
        self.send(Command::SetClock { to }).await;
    }

    /// Closes the auction that [`Centre::furnish`] opened, and clears it.
    pub async fn clear(&self) {
        self.set_clock(after(36_000)).await;
        self.send(Command::ClearAuction { auction: AUCTION, secret: None }).await;
    }

    /// One proposes, the other confirms.
    pub async fn agree(&self, action: Action) {
        let highest = bounded(self.operators[0].logged_on()).await.expect("logged on").highest;
        // Ids of this session go on above what it had used; the test knows them by counting.
        let id = CommandId(self.next_id(highest).await);
        let proposed = bounded(self.operators[0].submit_as(id, Command::Propose { action })).await;
        proposed.expect("answered").outcome.expect("proposed");
        let proposal = ProposalId { identity: IdentityId(OPERATORS[0]), command: id };
        let confirmed = bounded(self.operators[1].submit(Command::Confirm { proposal })).await;
        confirmed.expect("answered").outcome.expect("confirmed");
    }

    async fn next_id(&self, highest: CommandId) -> u64 {
        use std::sync::atomic::{AtomicU64, Ordering};
        static IDS: AtomicU64 = AtomicU64::new(1_000);
        IDS.fetch_add(1_000, Ordering::Relaxed).max(highest.0 + 1)
    }

    pub async fn register(&self, identity: u32, role: Role, key: KeyFingerprint) {
        let participant = ParticipantId(identity);
        let name = format!("Participant {identity}").parse().expect("a name");
        let (owner_group, roles) = (OwnerGroup(identity), [role].into());
        self.agree(Action::RegisterParticipant { participant, name, owner_group, roles }).await;
        let identity = IdentityId(identity);
        self.agree(Action::AddIdentity { identity, participant }).await;
        self.agree(Action::BindKey { identity, key, others_end_at: None }).await;
    }

    /// Registers everybody, and opens an auction that closes after ten hours.
    pub async fn furnish(&self, bench: &Bench) {
        for (identities, role) in [(SUPPLIERS, Role::Supplier), (BUYERS, Role::Buyer)] {
            for identity in identities {
                self.register(identity, role, bench.of(identity).fingerprint()).await;
            }
        }
        let terms = Market {
            name: "Lithium".parse().expect("a name"),
            unit: Unit::Tonne,
            currency: Currency::Usd,
            lot: quantity(1),
            tick: price(10),
            lowest: price(0),
            highest: price(1_000),
            largest: quantity(100),
        };
        self.agree(Action::DefineMarket { market: MARKET, terms }).await;
        let terms = AuctionTerms {
            kind: AuctionKind::Call { market: MARKET, stock: None },
            opens_at: after(60),
            closes_at: after(36_000),
            challenge_seconds: NonZeroU32::new(60).expect("positive"),
            rule: Rule::new(
                Candidates::Limits,
                vec![Criterion::MostVolume, Criterion::Highest],
                Allocation::ProRata,
            )
            .into(),
            draw_commitment: None,
        };
        self.agree(Action::AnnounceAuction { auction: AUCTION, terms }).await;
        self.set_clock(after(120)).await;
    }
}

/// A participant's events up to the auction's result.
pub async fn until_cleared(events: &mut Events) -> Vec<Numbered> {
    let mut told = Vec::new();
    loop {
        let numbered = events.next().await.expect("the session goes on");
        let is_last = matches!(numbered.event, Event::AuctionCleared { .. });
        told.push(numbered);
        if is_last {
            return told;
        }
    }
}

/// How often each of a participant's bids was told to be accepted, over all events so far known.
pub fn accepted(events: &[Event]) -> BTreeMap<BidId, usize> {
    let mut times = BTreeMap::new();
    for event in events {
        if let Event::BidAccepted { bid, .. } = event {
            *times.entry(*bid).or_default() += 1;
        }
    }
    times
}

/// A client that says what a test wants it to.
pub struct Raw {
    pub connection: Connection,
    pub send: SendStream,
    pub receive: RecvStream,
    pub frames: Frames,
    /// Every byte that was received.
    pub recorded: Vec<u8>,
}

impl Raw {
    pub async fn connect(bench: &Bench, address: SocketAddr, identity: u32) -> Self {
        let (credentials, trust) = (bench.of(identity), bench.trust());
        let connection =
            bounded(connect(address, "localhost", &credentials, &trust)).await.expect("connected");
        let (send, receive) = bounded(connection.open_bi()).await.expect("a stream");
        Self { connection, send, receive, frames: Frames::default(), recorded: Vec::new() }
    }

    pub async fn log_on(bench: &Bench, address: SocketAddr, identity: u32) -> Self {
        let mut raw = Self::connect(bench, address, identity).await;
        raw.say(&ClientMessage::Logon(Logon::NEW)).await;
        let Some(ServerMessage::LoggedOn { .. }) = raw.hear().await else { panic!("logged on") };
        raw
    }

    pub async fn say(&mut self, message: &ClientMessage) {
        self.try_say(message).await.expect("sent");
    }

    pub async fn try_say(&mut self, message: &ClientMessage) -> Result<(), WriteError> {
        let mut bytes = Vec::new();
        write_frame(message, &mut bytes).expect("short");
        self.send.write_all(&bytes).await
    }

    /// The next message, or `None` once the stream has ended.
    pub async fn hear(&mut self) -> Option<ServerMessage> {
        let mut buffer = [0; 4096];
        loop {
            if let Some(frame) = self.frames.next_frame().expect("a frame") {
                return Some(golv_protocol::decode(frame).expect("a message"));
            }
            match bounded(self.receive.read(&mut buffer)).await {
                Ok(Some(length)) => {
                    self.recorded.extend_from_slice(&buffer[..length]);
                    self.frames.push(&buffer[..length]);
                }
                _ => return None,
            }
        }
    }

    /// What the session ends with.
    pub async fn closing(&mut self) -> Option<Closing> {
        let mut closing = None;
        while let Some(message) = self.hear().await {
            if let ServerMessage::Closing(reason) = message {
                closing = Some(reason);
            }
        }
        closing
    }
}
