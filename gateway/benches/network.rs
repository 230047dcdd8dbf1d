//! What the network costs beside what it cannot do without: commands over QUIC to a durable answer, beside a bare echo over
//! the same connections, and a bare append of the same bytes.
//!
//! `cargo bench -p golv-gateway --bench network [-- --dir DIR] [--spin]` prints the tables of `docs/performance.md`. DIR is where the
//! journals are written, by default in the target directory; they are removed afterwards. With `--spin` the exchange's writer does not
//! sleep while it waits for commands.
//!
//! In each round all three are measured one after another, so that a machine that is slow for a while is slow for all:
//!
//! - **Golv**: the exchange as `golv serve` runs it. A command counts when its answer has come, which is durable.
//! - **echo**: an endpoint as the exchange has it, with the same certificates and settings, which answers each request with
//!   an answer as long as the exchange's, all that came in one read in one write, and knows nothing else.
//! - **append**: the frames that the exchange wrote in this round, each with one write and one `fdatasync`, in this thread.
//!
//! The client is the same for the first two: it sends the same bytes, encoded before the clock starts, and looks at the
//! frames that come back no further than it must to know an answer. It is no `golv_client`, whose work would be counted
//! to both and make them more alike. The exchange tells each bid as an event beside its answer, and so sends twice as
//! many frames as the echo: that is in its price.

mod common;

use std::collections::VecDeque;
use std::iter::repeat_n;
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant as Clock};

use common::bare::{append_bare, frames};
use common::{IDENTITIES, ROUND, command, open_auctions, spread, thousands};
use golv_client::endpoint::connect;
use golv_client::tls::{Credentials, TrustAnchor};
use golv_engine::Answer;
use golv_engine::digest::Digest;
use golv_engine::id::{CommandId, Sequence};
use golv_gateway::pipeline::Waiting;
use golv_gateway::pki::{self, Kind, Validity};
use golv_gateway::server::endpoint::{Admitted, ConnectionLimits, Endpoint, Handshake};
use golv_gateway::server::serve;
use golv_gateway::server::session::limits;
use golv_protocol::frame::{Frames, write_frame};
use golv_protocol::message::{ClientMessage, Logon, Position, ServerMessage};
use hdrhistogram::Histogram;
use quinn::{Connection, RecvStream, SendStream, VarInt};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

/// The name on the server's certificate.
const HOST: &str = "localhost";

/// Bytes read from a stream at once, as the exchange's sessions do.
const READ: usize = 16 * 1024;

/// How long connections may take to end.
const FAREWELL: Duration = Duration::from_secs(2);

/// Connections, requests that each has under way, and requests that each sends.
struct Load {
    connections: u64,
    window: usize,
    warm_up: u64,
    requests: u64,
}

/// How much is measured.
struct Plan {
    repeats: usize,
    loads: [Load; 3],
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let load = |connections, window, warm_up, requests| Load { connections, window, warm_up, requests };
    let plan = if common::is_short(&arguments) {
        Plan { repeats: 1, loads: [load(1, 1, 5, 20), load(2, 1, 5, 20), load(2, 64, 100, 1_000)] }
    } else {
        Plan {
            repeats: 9,
            loads: [load(1, 1, 200, 1_500), load(8, 1, 100, 1_000), load(8, 256, 2_000, 25_000)],
        }
    };
    let dir = Path::new(common::option(&arguments, "--dir").unwrap_or(env!("CARGO_TARGET_TMPDIR")));
    let certificates = Certificates::issue(&plan);
    // As `golv serve` has one; and one thread for the client, so that it takes one processor at most.
    let server = Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let client = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let waiting = common::waiting(&arguments);
    let bench = Bench { certificates, server, client, waiting };

    let mut measured: Vec<Vec<Round>> = plan.loads.iter().map(|_| Vec::new()).collect();
    for _ in 0..plan.repeats {
        for (rounds, round) in measured.iter_mut().zip(bench.round(dir, &plan)) {
            rounds.push(round);
        }
    }
    for (load, rounds) in plan.loads.iter().zip(&measured) {
        print(load, rounds);
    }
}

/// What one system did under one load.
struct Measured {
    latencies: Histogram<u64>,
    /// From the first request to the last answer, over all connections.
    took: Duration,
}

/// All three under one load, one after another.
struct Round {
    golv: Measured,
    echo: Measured,
    append: Measured,
    commands: u64,
    frames: usize,
}

impl Measured {
    fn p50_us(&self) -> f64 {
        self.latencies.value_at_quantile(0.5) as f64 / 1_000.0
    }
}

/// Prints the tables of a load.
fn print(load: &Load, rounds: &[Round]) {
    let Load { connections, window, .. } = load;
    let commands = rounds.iter().map(|round| round.commands).sum::<u64>() as f64;
    let in_a_frame = commands / rounds.iter().map(|round| round.frames).sum::<usize>() as f64;
    println!(
        "{connections} connections with {window} under way each; {in_a_frame:.1} commands in a frame of the journal:"
    );
    println!();
    println!("| of {} rounds | median | least | greatest |", rounds.len());
    println!("|---|--:|--:|--:|");
    let row = |name: &str, value: &dyn Fn(&Round) -> f64, text: fn(f64) -> String| {
        let (median, least, greatest) = spread(rounds.iter().map(value).collect());
        println!("| {name} | {} | {} | {} |", text(median), text(least), text(greatest));
    };
    let ratio = |ratio| format!("{ratio:.2}");
    if *window == 1 {
        row("Golv, p50 µs", &|round| round.golv.p50_us(), thousands);
        row("echo, p50 µs", &|round| round.echo.p50_us(), thousands);
        row("append of the same frames, p50 µs", &|round| round.append.p50_us(), thousands);
        let sum = |round: &Round| round.echo.p50_us() + round.append.p50_us();
        row("Golv ÷ (echo + append)", &|round| round.golv.p50_us() / sum(round), ratio);
    } else {
        let rate = |round: &Round, measured: &Measured| round.commands as f64 / measured.took.as_secs_f64();
        row("Golv, commands/s", &|round| rate(round, &round.golv), thousands);
        row("echo, requests/s", &|round| rate(round, &round.echo), thousands);
        row("append of the same frames, commands/s", &|round| rate(round, &round.append), thousands);
        let slower = |round: &Round| rate(round, &round.echo).min(rate(round, &round.append));
        row("Golv ÷ the slower of the two", &|round| rate(round, &round.golv) / slower(round), ratio);
    }
    println!();
}

/// Everybody's certificate.
struct Certificates {
    server: Credentials,
    clients: Vec<Credentials>,
    trust: TrustAnchor,
}

impl Certificates {
    fn issue(plan: &Plan) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let dir = dir.path();
        pki::init(dir).expect("an authority");
        let issue = |name: &str, kind: &Kind| {
            let issued = pki::issue(dir, name, kind, Validity::from_now(1)).expect("issued");
            Credentials::load(&issued.certificate, &issued.key).expect("what was issued")
        };
        let most = plan.loads.iter().map(|load| load.connections).max().expect("there are loads");
        Self {
            server: issue("server", &Kind::Server { hosts: vec![HOST.to_owned()] }),
            clients: (0..most).map(|number| issue(&format!("client-{number}"), &Kind::Client)).collect(),
            trust: TrustAnchor::load(&dir.join("ca.pem")).expect("the authority's certificate"),
        }
    }
}

/// Requests as they are sent, one after another.
struct Requests {
    bytes: Vec<u8>,
    /// Where each ends.
    ends: Vec<usize>,
}

impl Requests {
    /// A range of what the stream's identity of this number sends.
    fn encode(connection: u64, turns: Range<u64>) -> Self {
        let mut requests = Self { bytes: Vec::new(), ends: Vec::new() };
        for turn in turns {
            let (_, id, command) = command(turn * IDENTITIES + connection);
            write_frame(&ClientMessage::Submit { id, command }, &mut requests.bytes).expect("short");
            requests.ends.push(requests.bytes.len());
        }
        requests
    }

    fn bytes(&self, numbers: Range<usize>) -> &[u8] {
        let begins = numbers.start.checked_sub(1).map_or(0, |before| self.ends[before]);
        let ends = numbers.end.checked_sub(1).map_or(0, |last| self.ends[last]);
        &self.bytes[begins..ends]
    }
}

/// A frame with the answer to a command that was done.
fn answer_frame() -> Vec<u8> {
    let position = Position { sequence: Sequence(1), chain: Digest([7; 32]) };
    let answer = Answer { sequence: Sequence(1), outcome: Ok(()) };
    let mut frame = Vec::new();
    let message = ServerMessage::Answered { id: CommandId(1), answer, position };
    write_frame(&message, &mut frame).expect("short");
    frame
}

struct Bench {
    certificates: Certificates,
    server: Runtime,
    client: Runtime,
    waiting: Waiting,
}

impl Bench {
    /// Measures all loads once, in an exchange of its own.
    fn round(&self, dir: &Path, plan: &Plan) -> Vec<Round> {
        let place = tempfile::tempdir_in(dir).expect("room for a journal");
        let journal = place.path().join("journal");
        let keys: Vec<_> = self.certificates.clients.iter().map(Credentials::fingerprint).collect();
        let pipeline = open_auctions(&journal, self.waiting, &keys);
        let gate = pipeline.gate();
        // No limit that a session could reach: what is measured is the way, and not the refusal.
        let pace = limits(1_000_000_000, 1_000_000_000);
        let served = self.listen(|endpoint| async move { serve(&endpoint, gate, pace).await });
        let echo = self.listen(|endpoint| async move {
            while let Some(handshake) = endpoint.accept(|| {}).await {
                tokio::spawn(echo(handshake));
            }
        });

        let mut measured = Vec::new();
        let mut turn = 0_u64;
        for load in &plan.loads {
            // A connection that is new in this load knows no bids of an earlier round.
            let begins = turn.next_multiple_of(ROUND);
            let (warm_up, turns) = (begins..begins + load.warm_up, load.requests);
            let requests = |turns: &Range<u64>| -> Vec<Arc<Requests>> {
                let encode = |connection| Arc::new(Requests::encode(connection, turns.clone()));
                (0..load.connections).map(encode).collect()
            };
            turn = warm_up.end + turns;
            let [warm_up, measure] = [warm_up.clone(), warm_up.end..turn].map(|turns| requests(&turns));
            let measure = |server: &Listening, logs_on| {
                self.client.block_on(self.load(
                    server.endpoint.local_addr(),
                    logs_on,
                    load,
                    &warm_up,
                    &measure,
                ))
            };
            let (golv, sequences) = measure(&served, true);
            let (echo, _) = measure(&echo, false);
            measured.push((golv, echo, sequences));
        }
        // Stopped before the journal is read: what it has written must be whole.
        pipeline.stop().expect("stopped");
        [served, echo].into_iter().for_each(|listening| self.close(listening));

        let rounds = measured.into_iter().map(|(golv, echo, sequences)| {
            let frames = frames(&journal, sequences.start, sequences.end);
            let mut latencies = histogram();
            let took = append_bare(&place.path().join("bare"), &frames, |took| {
                latencies.saturating_record(took.as_nanos() as u64);
            });
            let append = Measured { latencies, took };
            let commands = frames.iter().map(|frame| frame.commands).sum();
            Round { golv, echo, append, commands, frames: frames.len() }
        });
        rounds.collect()
    }

    /// Loads a server over connections of their own; also tells after which command's sequence, and up to which, what was
    /// measured is in the journal.
    async fn load(
        &self,
        address: SocketAddr,
        logs_on: bool,
        load: &Load,
        warm_up: &[Arc<Requests>],
        measure: &[Arc<Requests>],
    ) -> (Measured, Range<u64>) {
        let Certificates { clients, trust, .. } = &self.certificates;
        let mut lines = Vec::new();
        for (number, credentials) in clients[..warm_up.len()].iter().enumerate() {
            lines.push(Line::connect(number, address, credentials, trust, logs_on).await);
        }
        let (lines, _, before) = at_once(lines, warm_up, load.window).await;
        let begin = Clock::now();
        let (lines, latencies, last) = at_once(lines, measure, load.window).await;
        let took = begin.elapsed();
        lines.into_iter().for_each(|line| line.connection.close(VarInt::from_u32(0), b""));
        (Measured { latencies, took }, before..last)
    }

    fn listen<F: Future<Output = ()> + Send + 'static>(
        &self,
        accept: impl FnOnce(Arc<Endpoint>) -> F,
    ) -> Listening {
        let Certificates { server, trust, .. } = &self.certificates;
        let _runtime = self.server.enter();
        let address = (Ipv4Addr::LOCALHOST, 0).into();
        let endpoint =
            Endpoint::bind(address, server, trust, ConnectionLimits::default()).expect("a free port");
        let endpoint = Arc::new(endpoint);
        self.server.spawn(accept(Arc::clone(&endpoint)));
        Listening { endpoint }
    }

    fn close(&self, listening: Listening) {
        self.server.block_on(listening.endpoint.close(FAREWELL, VarInt::from_u32(0), b""));
    }
}

struct Listening {
    endpoint: Arc<Endpoint>,
}

/// Answers each request with an answer, all that came in one read in one write.
async fn echo(handshake: Handshake) {
    let Admitted { connection, place: _place, .. } = handshake.finish().await.expect("a certificate of ours");
    let (mut send, mut receive) = connection.accept_bi().await.expect("the client opens a stream");
    let answer = answer_frame();
    let mut frames = Frames::default();
    let (mut buffer, mut output) = (vec![0; READ], Vec::new());
    // Until the client has gone.
    while let Ok(Some(length)) = receive.read(&mut buffer).await {
        frames.push(&buffer[..length]);
        while frames.next_frame().expect("short").is_some() {
            output.extend_from_slice(&answer);
        }
        if send.write_all(&output).await.is_err() {
            return;
        }
        output.clear();
    }
}

fn histogram() -> Histogram<u64> {
    let minute = Duration::from_secs(60).as_nanos() as u64;
    Histogram::new_with_bounds(1, minute, 3).expect("bounds in order")
}

/// Sends requests over all lines at once; gives the lines back, the latencies, and the highest sequence of an answer.
async fn at_once(
    lines: Vec<Line>,
    requests: &[Arc<Requests>],
    window: usize,
) -> (Vec<Line>, Histogram<u64>, u64) {
    let mut asking = JoinSet::new();
    for (mut line, requests) in lines.into_iter().zip(requests.iter().cloned()) {
        asking.spawn(async move {
            let (latencies, last) = line.ask(&requests, window).await;
            (line, latencies, last)
        });
    }
    let (mut lines, mut latencies, mut last) = (Vec::new(), histogram(), 0);
    while let Some(asked) = asking.join_next().await {
        let (line, own, sequence) = asked.expect("no panic");
        latencies.add(own).expect("equal bounds");
        last = last.max(sequence);
        lines.push(line);
    }
    lines.sort_by_key(|line| line.number);
    (lines, latencies, last)
}

/// A client's connection with its one stream.
struct Line {
    number: usize,
    connection: Connection,
    send: SendStream,
    receive: RecvStream,
    frames: Frames,
    buffer: Vec<u8>,
    /// How a frame with a good answer begins, and how long it is.
    begins: [u8; 4],
    length: usize,
}

impl Line {
    async fn connect(
        number: usize,
        address: SocketAddr,
        credentials: &Credentials,
        trust: &TrustAnchor,
        logs_on: bool,
    ) -> Self {
        let connection = connect(address, HOST, credentials, trust).await.expect("connected");
        let (send, receive) = connection.open_bi().await.expect("a stream");
        let answer = answer_frame();
        let (_, answer) = answer.split_first_chunk::<4>().expect("a length");
        let begins = *answer.first_chunk().expect("a variant");
        let length = answer.len();
        let (frames, buffer) = (Frames::default(), vec![0; READ]);
        let mut line = Self { number, connection, send, receive, frames, buffer, begins, length };
        if logs_on {
            line.log_on().await;
        }
        line
    }

    async fn log_on(&mut self) {
        let mut bytes = Vec::new();
        write_frame(&ClientMessage::Logon(Logon::NEW), &mut bytes).expect("short");
        self.send.write_all(&bytes).await.expect("the exchange reads");
        loop {
            while let Some(frame) = self.frames.next_frame().expect("short") {
                if let ServerMessage::LoggedOn { .. } = golv_protocol::decode(frame).expect("a message") {
                    return;
                }
            }
            self.read().await;
        }
    }

    async fn read(&mut self) {
        let read = self.receive.read(&mut self.buffer).await.expect("connected");
        self.frames.push(&self.buffer[..read.expect("the server goes on")]);
    }

    /// Sends requests with at most so many under way; tells how long each took, and the last answer's sequence.
    async fn ask(&mut self, requests: &Requests, window: usize) -> (Histogram<u64>, u64) {
        let mut latencies = histogram();
        let mut began = VecDeque::new();
        let (all, mut sent, mut answered, mut last) = (requests.ends.len(), 0, 0, Vec::new());
        while answered < all {
            let until = all.min(answered + window);
            if sent < until {
                began.extend(repeat_n(Clock::now(), until - sent));
                self.send.write_all(requests.bytes(sent..until)).await.expect("the server reads");
                sent = until;
            }
            self.read().await;
            let now = Clock::now();
            while let Some(frame) = self.frames.next_frame().expect("short") {
                if frame.starts_with(&self.begins) {
                    assert_eq!(frame.len(), self.length, "the stream's commands are all done");
                    answered += 1;
                    let began = began.pop_front().expect("an answer to each request");
                    latencies.saturating_record((now - began).as_nanos() as u64);
                    if answered == all {
                        last = frame.to_vec();
                    }
                }
            }
        }
        match golv_protocol::decode(&last).expect("a message") {
            ServerMessage::Answered { answer, .. } => (latencies, answer.sequence.0),
            other => panic!("{other:?}"),
        }
    }
}
