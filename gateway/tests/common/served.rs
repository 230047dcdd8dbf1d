//! An exchange that is served over QUIC within the test's own process.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use golv_gateway::pipeline::{Creation, Pipeline, Waiting};
use golv_gateway::server::endpoint::{ConnectionLimits, Endpoint};
use golv_gateway::server::serve;
use golv_gateway::server::session::{self, COMMANDS_PER_SECOND, WITHDRAWALS_PER_SECOND};
use golv_protocol::pace;
use quinn::VarInt;

use super::*;

/// An exchange that is served.
pub struct Served {
    pub pipeline: Pipeline,
    endpoint: Arc<Endpoint>,
    pub address: SocketAddr,
}

impl Served {
    pub fn found(bench: &Bench) -> Self {
        let creation = Creation::Rehearsal { seed: 1, start: start() };
        let pipeline = Pipeline::create(&bench.path("data"), creation, bench.founding(), Waiting::Park)
            .expect("created");
        Self::serve(bench, pipeline, (Ipv4Addr::LOCALHOST, 0).into())
    }

    /// With segments of 64 KiB, which some hundred bids fill.
    pub fn found_in_short_segments(bench: &Bench) -> Self {
        let creation = Creation::Rehearsal { seed: 1, start: start() };
        let (dir, founding) = (bench.path("data"), bench.founding());
        let pipeline = Pipeline::create_in_segments(&dir, creation, 64 * 1024, founding, Waiting::Park);
        Self::serve(bench, pipeline.expect("created"), (Ipv4Addr::LOCALHOST, 0).into())
    }

    pub fn reopen(bench: &Bench, address: SocketAddr) -> Self {
        let (pipeline, _) = Pipeline::open(&bench.path("data"), Waiting::Park).expect("opened");
        Self::serve(bench, pipeline, address)
    }

    pub fn serve(bench: &Bench, pipeline: Pipeline, address: SocketAddr) -> Self {
        Self::serve_at(bench, pipeline, address, session::limits(COMMANDS_PER_SECOND, WITHDRAWALS_PER_SECOND))
    }

    /// With limits of its own.
    pub fn serve_at(bench: &Bench, pipeline: Pipeline, address: SocketAddr, pace: pace::Limits) -> Self {
        let endpoint = Endpoint::bind(
            address,
            &bench.credentials("server"),
            &bench.trust(),
            ConnectionLimits::default(),
        )
        .expect("bound");
        let address = endpoint.local_addr();
        let endpoint = Arc::new(endpoint);
        let (accepting, gate) = (Arc::clone(&endpoint), pipeline.gate());
        tokio::spawn(async move { serve(&accepting, gate, pace).await });
        Self { pipeline, endpoint, address }
    }

    /// How many sessions were logged on so far.
    pub fn logons(&self) -> u64 {
        let text = self.pipeline.gate().metrics_text();
        let sample = text.lines().find_map(|line| line.strip_prefix("golv_logons_total "));
        sample.and_then(|value| value.parse().ok()).expect("it is counted")
    }

    pub async fn stop(self) {
        let Self { pipeline, endpoint, .. } = self;
        tokio::task::spawn_blocking(|| pipeline.stop()).await.expect("no panic").expect("stopped");
        bounded(endpoint.close(Duration::from_secs(5), VarInt::from_u32(0), b"")).await;
        let address = endpoint.local_addr();
        drop(endpoint);
        // The socket goes with the last task that holds a connection.
        bounded(async {
            while UdpSocket::bind(address).is_err() {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
}
