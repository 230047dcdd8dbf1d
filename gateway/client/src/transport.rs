//! What both ends of a connection set alike, in one place.
//!
//! Every buffer here has a bound, so that a peer that does not read, or sends without end, is slowed down and
//! does not fill the memory of the other. A connection takes at most [`RECEIVE_WINDOW`] + [`SEND_WINDOW`] bytes
//! of stream data, 2 MiB, on each side.
//!
//! Deliberately absent: 0-RTT, whose data an attacker can send again; datagrams, since over lossy lines they
//! gain little on streams and every command would need a retry of its own; and settings for the user. Whoever
//! has measured a better value changes it here, for both ends.

use std::time::Duration;

use quinn::{AckFrequencyConfig, TransportConfig, VarInt};

/// How long a connection may be silent before it is given up: 15 s. Three keep-alives may be lost. Shorter
/// finds a dead peer sooner and drops more live ones on a bad line.
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(15);

/// How often a client makes a silent connection speak: every 5 s. It proves that the peer's machine is alive,
/// not that its trader is.
pub const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(5);

/// How many bytes of one stream may arrive unread: 256 KiB, four of the longest messages. More allows more
/// throughput over long distances, this divided by the round trip: 2.5 MiB/s at 100 ms.
pub const STREAM_RECEIVE_WINDOW: u32 = 256 * 1024;

/// How many bytes may arrive unread on all streams of a connection together: 1 MiB. Without a bound a peer
/// decides how much memory the other uses.
pub const RECEIVE_WINDOW: u32 = 1024 * 1024;

/// How many written bytes a connection keeps until the peer has acknowledged them: 1 MiB. Beyond it a writer
/// waits, which is how a slow reader is noticed.
pub const SEND_WINDOW: u64 = 1024 * 1024;

/// How long the peer may hold back an acknowledgement: 2 ms, instead of QUIC's 25. The sooner the loss of a lone
/// packet is seen, the sooner it is sent again; it costs a few more packets. Works only with a peer that has
/// the extension for it.
pub const ACK_DELAY_MAX: Duration = Duration::from_millis(2);

/// A transport configuration with all that both ends set alike. The peer may open no stream yet.
pub fn transport() -> TransportConfig {
    let mut ack_frequency = AckFrequencyConfig::default();
    ack_frequency.max_ack_delay(Some(ACK_DELAY_MAX));
    let mut transport = TransportConfig::default();
    transport
        .max_concurrent_bidi_streams(VarInt::from_u32(0))
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .max_idle_timeout(Some(IDLE_TIMEOUT.try_into().expect("15 s fit a variable-length integer")))
        .stream_receive_window(VarInt::from_u32(STREAM_RECEIVE_WINDOW))
        .receive_window(VarInt::from_u32(RECEIVE_WINDOW))
        .send_window(SEND_WINDOW)
        // Streams of one priority are served one after another: what was written first arrives whole first.
        .send_fairness(false)
        .ack_frequency_config(Some(ack_frequency))
        // Without this an unread megabyte of datagrams would be kept for each connection.
        .datagram_receive_buffer_size(None);
    transport
}
