//! `GET /metrics` over HTTP/1.1, for Prometheus.
//!
//! A request is answered and its connection closed. Connections, the bytes of a request's head and the time that each may
//! take are bounded, and what a scrape costs does not grow with the exchange. Who may ask is decided by the address
//! that it listens on: there is no TLS and no password, so it should be the machine's own or a network of operators.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::{ALLOW, CONTENT_TYPE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use prometheus::TEXT_FORMAT;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tracing::debug;

use crate::pipeline::Gate;

/// Connections at a time; whoever comes after waits until one has ended. One Prometheus needs one.
const CONNECTIONS_MAX: usize = 8;

/// How long a connection may take from its first byte to its last.
const PATIENCE: Duration = Duration::from_secs(5);

/// Bytes of a request's head, the least that hyper takes.
const HEAD_MAX: usize = 8192;

/// How long nobody is let in after the system could not: it may be out of files.
const RESPITE: Duration = Duration::from_millis(100);

/// Why metrics are not served.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot listen on TCP {addr} for metrics; see whether the address is this machine's and the port is free"
)]
pub(crate) struct BindError {
    addr: SocketAddr,
    source: io::Error,
}

/// A socket on which metrics are asked for.
pub(crate) struct Scrape {
    listener: TcpListener,
    local_addr: SocketAddr,
}

impl Scrape {
    /// Listens on a TCP address; port 0 takes a free one.
    pub(crate) async fn bind(addr: SocketAddr) -> Result<Self, BindError> {
        let failed = |source| BindError { addr, source };
        let listener = TcpListener::bind(addr).await.map_err(failed)?;
        let local_addr = listener.local_addr().map_err(failed)?;
        Ok(Self { listener, local_addr })
    }

    /// Where it listens.
    pub(crate) fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Answers until it is dropped.
    pub(crate) async fn serve(self, gate: Gate) {
        let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        loop {
            let place = Arc::clone(&places).acquire_owned().await.expect("the semaphore is never closed");
            match self.listener.accept().await {
                Ok((stream, _)) => {
                    let gate = gate.clone();
                    tokio::spawn(async move {
                        answer(stream, &gate).await;
                        drop(place);
                    });
                }
                Err(error) => {
                    debug!(reason = %error, "nobody can ask for metrics");
                    sleep(RESPITE).await;
                }
            }
        }
    }
}

/// Answers one request.
async fn answer(stream: TcpStream, gate: &Gate) {
    let respond = |request: Request<Incoming>| {
        let response = respond(request.method(), request.uri().path(), gate);
        async { Ok::<_, Infallible>(response) }
    };
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .max_buf_size(HEAD_MAX)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service_fn(respond));
    // What is no HTTP has been answered with 400, and who takes too long is let go: neither is of interest.
    let _ = timeout(PATIENCE, connection).await;
}

fn respond(method: &Method, path: &str, gate: &Gate) -> Response<String> {
    let response = Response::builder();
    let response = match (path, method) {
        ("/metrics", &Method::GET) => response.header(CONTENT_TYPE, TEXT_FORMAT).body(gate.metrics_text()),
        ("/metrics", _) => {
            response.status(StatusCode::METHOD_NOT_ALLOWED).header(ALLOW, "GET").body(String::new())
        }
        _ => response.status(StatusCode::NOT_FOUND).body(String::new()),
    };
    response.expect("the headers are constants")
}
