//! A bad line: a UDP proxy that drops, duplicates, delays and so reorders datagrams, and can change the address that
//! the server sees of each client, or let nothing come back to it.
//!
//! ```text
//!  client ──▶ front, where clients send to ──▶ a socket for each client ──▶ server
//! ```
//!
//! What happens to the nth datagram of a client, and to the nth of those to it, follows from the seed. Which bytes are
//! in that datagram does not: they depend on how fast each side is.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::task::AbortHandle;

/// How bad the line is. Each way alike.
#[derive(Clone, Copy, Debug)]
pub struct Faults {
    pub seed: u64,
    /// Of a hundred datagrams.
    pub lost: u64,
    /// Of a hundred datagrams that are not lost.
    pub doubled: u64,
    /// Each datagram takes from nothing to so many milliseconds, and so overtakes others.
    pub delay_ms_max: u64,
}

/// What became of datagrams, both ways.
#[derive(Debug, Default)]
pub struct Counts {
    pub passed: AtomicU64,
    pub lost: AtomicU64,
    pub doubled: AtomicU64,
}

/// How the ways that there are come to be of no use. A client that connects again, from another port, has a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Break {
    /// The server sees a new address, and the old one is gone, as after a restart of the router between them.
    NewAddress,
    /// The server sees a new address, and what it still sends to the old one arrives.
    NewAddressBesideOld,
    /// What the client sends arrives, and nothing comes back.
    NothingComesBack,
}

/// The client's end of the line is `address`. All ends with the test's runtime.
pub struct Proxy {
    pub address: SocketAddr,
    line: Arc<Line>,
}

struct Line {
    front: UdpSocket,
    server: SocketAddr,
    faults: Faults,
    counts: Counts,
    flows: Mutex<HashMap<SocketAddr, Flow>>,
}

/// One client's way to the server, by the address that it sends from.
struct Flow {
    upstream: Arc<UdpSocket>,
    dice: Dice,
    downward: AbortHandle,
}

impl Proxy {
    pub async fn start(server: SocketAddr, faults: Faults) -> Self {
        let front = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let address = front.local_addr().expect("bound");
        let line = Line { front, server, faults, counts: Counts::default(), flows: Mutex::default() };
        let line = Arc::new(line);
        tokio::spawn(Arc::clone(&line).upward());
        Self { address, line }
    }

    /// Breaks the way of each client.
    pub fn break_all(&self, how: Break) {
        let mut flows = self.line.flows.lock().expect("no panic");
        for (client, flow) in flows.iter_mut() {
            if how != Break::NewAddressBesideOld {
                flow.downward.abort();
            }
            if how != Break::NothingComesBack {
                let Dice(state) = flow.dice;
                *flow = self.line.flow(*client, state);
            }
        }
    }

    pub fn counts(&self) -> &Counts {
        &self.line.counts
    }
}

impl Line {
    async fn upward(self: Arc<Self>) {
        let mut buffer = vec![0; 65_536];
        loop {
            // What the system says of an earlier datagram that did not arrive is no end of the line.
            let Ok((length, client)) = self.front.recv_from(&mut buffer).await else { continue };
            let (upstream, fate) = {
                let mut flows = self.flows.lock().expect("no panic");
                let number = flows.len() as u64;
                let seed = self.faults.seed.wrapping_mul(1_000_003).wrapping_add(number);
                let flow = flows.entry(client).or_insert_with(|| self.flow(client, seed));
                (Arc::clone(&flow.upstream), flow.dice.fate(&self.faults, &self.counts))
            };
            for delay in fate.into_iter().flatten() {
                let (upstream, datagram) = (Arc::clone(&upstream), buffer[..length].to_vec());
                tokio::spawn(async move {
                    tokio::time::sleep(delay).await;
                    // A datagram that cannot be sent is a lost one.
                    let _ = upstream.send(&datagram).await;
                });
            }
        }
    }

    /// A new address for this client.
    fn flow(self: &Arc<Self>, client: SocketAddr, seed: u64) -> Flow {
        let socket = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        socket.set_nonblocking(true).expect("a socket");
        socket.connect(self.server).expect("loopback");
        let upstream = Arc::new(UdpSocket::from_std(socket).expect("within a runtime"));
        let downward = tokio::spawn(Arc::clone(self).downward(Arc::clone(&upstream), client, Dice(!seed)));
        Flow { upstream, dice: Dice(seed), downward: downward.abort_handle() }
    }

    async fn downward(self: Arc<Self>, upstream: Arc<UdpSocket>, client: SocketAddr, mut dice: Dice) {
        let mut buffer = vec![0; 65_536];
        loop {
            let Ok(length) = upstream.recv(&mut buffer).await else { continue };
            for delay in dice.fate(&self.faults, &self.counts).into_iter().flatten() {
                let (line, datagram) = (Arc::clone(&self), buffer[..length].to_vec());
                tokio::spawn(async move {
                    tokio::time::sleep(delay).await;
                    let _ = line.front.send_to(&datagram, client).await;
                });
            }
        }
    }
}

/// SplitMix64: a few lines, and good enough to throw dice with.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }

    /// After which delays the next datagram is sent: never, once, or twice.
    fn fate(&mut self, faults: &Faults, counts: &Counts) -> [Option<Duration>; 2] {
        // As many throws for each datagram, so that the fate of one does not depend on the faults chosen for others.
        let [lost, doubled] = [(); 2].map(|()| self.below(100));
        let delays = [(); 2].map(|()| Duration::from_millis(self.below(faults.delay_ms_max + 1)));
        let add = |count: &AtomicU64| count.fetch_add(1, Ordering::Relaxed);
        if lost < faults.lost {
            add(&counts.lost);
            return [None; 2];
        }
        add(&counts.passed);
        if doubled < faults.doubled {
            add(&counts.doubled);
            return delays.map(Some);
        }
        [Some(delays[0]), None]
    }
}
