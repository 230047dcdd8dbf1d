//! What an exchange counts and measures, for whoever looks after it: `docs/metrics.md` explains each.
//!
//! Everything is an atomic behind a handle that is made once, so counting neither locks nor allocates. The writer
//! counts once a batch and never once a command. Reading is for the few who ask: [`Metrics::text`] takes the
//! registry's lock, which nobody who counts takes.
//!
//! Deliberately absent: anything of a bid. What is told here is told of batches, sessions and refusals' reasons, never
//! of an auction, a participant or a price.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use golv_engine::id::Sequence;
use golv_engine::reject::Reject;
use golv_engine::time::Instant;
use golv_engine::{Answer, RulesVersion};
use golv_journal::FRAME_HEADER;
use golv_protocol::message::Closing;
use prometheus::core::Collector;
use prometheus::{
    Gauge, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, Opts, Registry, TextEncoder,
};

/// Upper bounds of the histograms of durations, in seconds: a batch of one takes microseconds, a slow disk seconds.
const SECONDS: [f64; 21] = [
    1e-6, 2e-6, 5e-6, 1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 2e-2, 5e-2, 0.1, 0.2, 0.5,
    1.0, 2.0, 5.0,
];

/// Upper bounds of the histogram of commands in a batch: up to what a batch holds.
const COMMANDS: [f64; 11] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0];

/// Upper bounds of the histogram of a batch's bytes: 64 B to 256 KiB, where a writer stops gathering.
const BYTES: [f64; 7] = [64.0, 256.0, 1024.0, 4096.0, 16_384.0, 65_536.0, 262_144.0];

/// Upper bounds of the histogram of requests that wait: up to the ring's capacity.
const REQUESTS: [f64; 10] = [0.0, 1.0, 4.0, 16.0, 64.0, 256.0, 1024.0, 4096.0, 16_384.0, 65_536.0];

/// One more than the highest number of a refusal.
const REJECTS: usize = {
    let table = Reject::TABLE;
    table[table.len() - 1].0 as usize + 1
};

/// What somebody should be woken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alarm {
    /// A client was told what this exchange has not, or not so: it runs on another journal than it once did.
    ServerBehind,
    /// The second exchange ended: no more snapshots are taken, or it came to something else than the writer.
    Snapshots,
    /// The journal's end was torn and cut. What was cut may have been acknowledged.
    TornTail,
}

impl Alarm {
    const ALL: [Self; 3] = [Self::ServerBehind, Self::Snapshots, Self::TornTail];

    const fn label(self) -> &'static str {
        match self {
            Self::ServerBehind => "server_behind",
            Self::Snapshots => "snapshots",
            Self::TornTail => "torn_tail",
        }
    }
}

/// What a batch did and how long it took, for [`Metrics::count_batch`].
pub(super) struct Batch<'a> {
    pub(super) last: Sequence,
    pub(super) at: Instant,
    /// The payload's length.
    pub(super) bytes: usize,
    pub(super) answers: &'a [Answer],
    pub(super) events: usize,
    /// Executing it and going on with the chain.
    pub(super) applied: Duration,
    /// From then until it was durable.
    pub(super) waited: Duration,
}

/// Everything that is counted and measured. Counters begin at 0 with the process.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    ring: IntGauge,
    gathered: Histogram,
    batch_commands: Histogram,
    batch_bytes: Histogram,
    flush: Histogram,
    apply: Histogram,
    flush_wait: Histogram,
    commands: IntCounter,
    /// A counter for each refusal, with the refusal's number.
    refusals: Vec<(u16, IntCounter)>,
    busy: IntCounter,
    events: IntCounter,
    last_sequence: IntGauge,
    last_stamp: Gauge,
    journal_bytes: IntCounter,
    journal_poisoned: IntGauge,
    snapshot_sequence: IntGauge,
    logons: IntCounter,
    sessions: IntGauge,
    /// In the order of [`Closing::ALL`].
    closed: Vec<IntCounter>,
    connections_refused: IntCounter,
    handshakes_failed: IntCounter,
    certificate_end: IntGauge,
    /// In the order of [`Alarm::ALL`].
    alarms: Vec<IntCounter>,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// Metrics of an exchange that begins now.
    pub fn new() -> Self {
        let make = Maker(Registry::new());
        let started = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64());
        make.gauge("golv_process_start_time_seconds", "When the process began, in seconds since 1970.")
            .set(started);
        let build = Opts::new("golv_build_info", "Always 1; the labels say which build this is.")
            .const_label("version", env!("CARGO_PKG_VERSION"))
            .const_label("rules_version", RulesVersion::NEWEST.number().to_string());
        make.register(IntGauge::with_opts(build)).set(1);
        let reasons: Vec<&'static str> = Reject::TABLE.iter().map(|(_, name, _)| *name).collect();
        let refusals = make.counters(
            "golv_refusals_total",
            "Commands journalled and refused, by the refusal's name.",
            "reason",
            &reasons,
        );
        let closings = Closing::ALL.map(|reason| format!("{reason:?}"));
        Self {
            ring: make
                .int_gauge("golv_ring_requests", "Requests that wait for the writer at the moment of asking."),
            gathered: make.histogram(
                "golv_ring_depth_requests",
                "Requests that wait for the writer each time that it begins to gather a batch.",
                &REQUESTS,
            ),
            batch_commands: make.histogram("golv_batch_commands", "Commands in a batch.", &COMMANDS),
            batch_bytes: make.histogram("golv_batch_bytes", "Bytes of a batch's commands.", &BYTES),
            flush: make.histogram(
                "golv_flush_seconds",
                "How long the disk takes to make a batch durable.",
                &SECONDS,
            ),
            apply: make.histogram(
                "golv_apply_seconds",
                "How long the engine takes to execute a batch, with the chain digest after it.",
                &SECONDS,
            ),
            flush_wait: make.histogram(
                "golv_flush_wait_seconds",
                "How long the writer waits for the disk after a batch is executed; near 0 while the engine is the slower.",
                &SECONDS,
            ),
            commands: make.counter(
                "golv_commands_total",
                "Commands journalled and executed, refused ones and the system's ticks included.",
            ),
            refusals: Reject::TABLE.iter().map(|(code, _, _)| *code).zip(refusals).collect(),
            busy: make.counter(
                "golv_busy_total",
                "Requests that were turned away because the ring was full; they were not journalled.",
            ),
            events: make.counter("golv_events_total", "Events that commands made happen."),
            last_sequence: make.int_gauge("golv_last_sequence", "The last command's sequence."),
            last_stamp: make.gauge(
                "golv_last_stamp_seconds",
                "The last command's stamp, in seconds since 1970; in a rehearsal its own time.",
            ),
            journal_bytes: make
                .counter("golv_journal_bytes_total", "Bytes of batches appended to the journal, with their frames."),
            journal_poisoned: make.int_gauge(
                "golv_journal_poisoned",
                "1 after a failed write or flush: nothing is executed any more, and the process ends.",
            ),
            snapshot_sequence: make.int_gauge(
                "golv_snapshot_sequence",
                "The last command in the newest snapshot; 0 if there is none. A start replays what came after it.",
            ),
            logons: make.counter("golv_logons_total", "Sessions over the network that were logged on."),
            sessions: make.int_gauge("golv_sessions", "Sessions over the network that are logged on."),
            closed: make.counters(
                "golv_sessions_closed_total",
                "Sessions over the network that ended, logged on or not, by the reason.",
                "reason",
                &closings,
            ),
            connections_refused: make.counter(
                "golv_connections_refused_total",
                "Connections refused because there were as many as may be.",
            ),
            handshakes_failed: make.counter(
                "golv_handshakes_failed_total",
                "Connections that did not come about: no trusted certificate, another protocol, given up or too slow.",
            ),
            certificate_end: make.int_gauge(
                "golv_certificate_end_seconds",
                "When the server's certificate ends, in seconds since 1970; 0 if there is none.",
            ),
            alarms: make.counters(
                "golv_alarms_total",
                "What somebody should look into at once, by its kind.",
                "kind",
                &Alarm::ALL.map(Alarm::label),
            ),
            registry: make.0,
        }
    }

    /// Everything in Prometheus's text format, version 0.0.4.
    pub fn text(&self) -> String {
        TextEncoder::new()
            .encode_to_string(&self.registry.gather())
            .expect("every metric has a name and at least one value")
    }

    /// Raises an alarm.
    pub fn raise(&self, alarm: Alarm) {
        let raised = Alarm::ALL.iter().zip(&self.alarms).filter(|(kind, _)| **kind == alarm);
        raised.for_each(|(_, counter)| counter.inc());
    }

    pub(super) fn set_snapshot(&self, last: Sequence) {
        self.snapshot_sequence.set(last.0.try_into().unwrap_or(i64::MAX));
    }

    pub(crate) fn set_certificate_end(&self, end: Instant) {
        self.certificate_end.set(end.0 / 1_000_000_000);
    }

    pub(super) fn set_ring(&self, waiting: usize) {
        self.ring.set(waiting.try_into().unwrap_or(i64::MAX));
    }

    pub(super) fn count_busy(&self) {
        self.busy.inc();
    }

    /// The writer begins to gather, and so many requests wait.
    pub(super) fn count_gathering(&self, waiting: usize) {
        self.gathered.observe(waiting as f64);
    }

    /// Where the order stands.
    pub(super) fn set_last(&self, last: Sequence, at: Instant) {
        self.last_sequence.set(last.0.try_into().unwrap_or(i64::MAX));
        self.last_stamp.set(at.0 as f64 / 1e9);
    }

    /// A batch has become durable.
    pub(super) fn count_batch(&self, batch: &Batch<'_>) {
        let commands = batch.answers.len();
        self.batch_commands.observe(commands as f64);
        self.batch_bytes.observe(batch.bytes as f64);
        self.apply.observe(batch.applied.as_secs_f64());
        self.flush_wait.observe(batch.waited.as_secs_f64());
        self.commands.inc_by(commands as u64);
        self.events.inc_by(batch.events as u64);
        self.journal_bytes.inc_by((FRAME_HEADER + batch.bytes) as u64);
        self.set_last(batch.last, batch.at);
        self.count_refusals(batch.answers);
    }

    /// Refusals come by the thousand in a batch, so each counter is added to once.
    fn count_refusals(&self, answers: &[Answer]) {
        let mut counts = [0_u64; REJECTS];
        for reject in answers.iter().filter_map(|answer| answer.outcome.err()) {
            counts[usize::from(reject.code())] += 1;
        }
        for (code, counter) in &self.refusals {
            let count = counts[usize::from(*code)];
            if count > 0 {
                counter.inc_by(count);
            }
        }
    }

    /// The histogram of flushes, for the thread that flushes.
    pub(super) fn flush(&self) -> Histogram {
        self.flush.clone()
    }

    /// The journal takes nothing any more.
    pub(super) fn set_poisoned(&self) {
        self.journal_poisoned.set(1);
    }

    pub(crate) fn count_logon(&self) {
        self.logons.inc();
        self.sessions.inc();
    }

    /// The session of a logon that was counted has ended.
    pub(crate) fn count_logoff(&self) {
        self.sessions.dec();
    }

    pub(crate) fn count_closed(&self, reason: Closing) {
        let closed = Closing::ALL.iter().zip(&self.closed).filter(|(of, _)| **of == reason);
        closed.for_each(|(_, counter)| counter.inc());
    }

    pub(crate) fn count_refused_connection(&self) {
        self.connections_refused.inc();
    }

    pub(crate) fn count_failed_handshake(&self) {
        self.handshakes_failed.inc();
    }
}

/// Makes metrics and enters each in a registry.
struct Maker(Registry);

impl Maker {
    fn register<C: Collector + Clone + 'static>(&self, made: prometheus::Result<C>) -> C {
        let metric = made.expect("names, labels and bounds are constants that the tests have seen");
        self.0.register(Box::new(metric.clone())).expect("each name is used once");
        metric
    }

    fn counter(&self, name: &str, help: &str) -> IntCounter {
        self.register(IntCounter::new(name, help))
    }

    fn int_gauge(&self, name: &str, help: &str) -> IntGauge {
        self.register(IntGauge::new(name, help))
    }

    fn gauge(&self, name: &str, help: &str) -> Gauge {
        self.register(Gauge::new(name, help))
    }

    fn histogram(&self, name: &str, help: &str, bounds: &[f64]) -> Histogram {
        self.register(Histogram::with_opts(HistogramOpts::new(name, help).buckets(bounds.to_vec())))
    }

    /// A counter for each value of a label, in their order. Each is there from the beginning, with 0.
    fn counters(&self, name: &str, help: &str, label: &str, values: &[impl AsRef<str>]) -> Vec<IntCounter> {
        let counters = self.register(IntCounterVec::new(Opts::new(name, help), &[label]));
        values.iter().map(|value| counters.with_label_values(&[value.as_ref()])).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_counted_once_and_its_refusals_by_reason() {
        let metrics = Metrics::new();
        let answer = |outcome| Answer { sequence: Sequence(1), outcome };
        let answers = [
            answer(Ok(())),
            answer(Err(Reject::NotPermitted)),
            answer(Err(Reject::NotPermitted)),
            answer(Err(Reject::UnknownSender)),
        ];
        metrics.count_batch(&Batch {
            last: Sequence(7),
            at: Instant(1_500_000_000),
            bytes: 100,
            answers: &answers,
            events: 3,
            applied: Duration::from_micros(3),
            waited: Duration::ZERO,
        });
        let text = metrics.text();
        let lines: Vec<&str> = text.lines().collect();
        for line in [
            "golv_commands_total 4",
            "golv_refusals_total{reason=\"NotPermitted\"} 2",
            "golv_refusals_total{reason=\"UnknownSender\"} 1",
            "golv_refusals_total{reason=\"TooOld\"} 0",
            "golv_events_total 3",
            "golv_last_sequence 7",
            "golv_last_stamp_seconds 1.5",
            "golv_journal_bytes_total 164",
            "golv_batch_commands_bucket{le=\"2\"} 0",
            "golv_batch_commands_bucket{le=\"4\"} 1",
            "golv_apply_seconds_bucket{le=\"0.000002\"} 0",
            "golv_apply_seconds_bucket{le=\"0.000005\"} 1",
            "golv_flush_wait_seconds_count 1",
        ] {
            assert!(lines.contains(&line), "{line}\n{text}");
        }
    }

    #[test]
    fn every_refusal_reason_and_alarm_has_a_counter_of_its_own() {
        let metrics = Metrics::new();
        Closing::ALL.into_iter().for_each(|reason| metrics.count_closed(reason));
        Alarm::ALL.into_iter().for_each(|alarm| metrics.raise(alarm));
        let text = metrics.text();
        let ones =
            |name: &str| text.lines().filter(|line| line.starts_with(name) && line.ends_with("} 1")).count();
        assert_eq!(ones("golv_sessions_closed_total"), Closing::ALL.len());
        assert_eq!(ones("golv_alarms_total"), Alarm::ALL.len());
        let refusals = text.lines().filter(|line| line.starts_with("golv_refusals_total{"));
        assert_eq!(refusals.count(), Reject::TABLE.len());
    }
}
