//! How many commands a second become durable, how that compares with a bare append of the same bytes, and how long a
//! command takes from the instant at which it was to be sent to its answer.
//!
//! `cargo bench -p golv-gateway --bench latency [-- --dir DIR] [--memory DIR] [--spin]` prints the tables of
//! `docs/performance.md`. DIR is where the journals are written, by default in the target directory; they are removed
//! afterwards. The second is where a flush costs nothing.
//!
//! The load is open: every command has a planned instant, and its latency counts from there and not from when it was
//! sent, so a system that stands still is charged with all that should have come meanwhile.

mod common;

use std::path::Path;
use std::time::Duration;

use common::bare::{append_bare, frames};
use common::{spread, start, thousands};
use golv_gateway::pipeline::Waiting;
use hdrhistogram::Histogram;

/// How much is measured.
struct Plan {
    /// How often a saturated run and a bare append are repeated.
    repeats: usize,
    /// Commands that come before what is measured, in every run.
    warm_up: u64,
    /// Commands of a saturated run.
    saturated: u64,
    /// How long a run at a planned rate is.
    on_time: Duration,
    waiting: Waiting,
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let waiting = common::waiting(&arguments);
    let plan = if common::is_short(&arguments) {
        Plan { repeats: 1, warm_up: 1_000, saturated: 10_000, on_time: Duration::from_millis(200), waiting }
    } else {
        Plan { repeats: 7, warm_up: 100_000, saturated: 500_000, on_time: Duration::from_secs(5), waiting }
    };
    let disk = common::option(&arguments, "--dir").unwrap_or(env!("CARGO_TARGET_TMPDIR"));
    let memory = common::option(&arguments, "--memory").unwrap_or("/dev/shm");
    let most = durable_rate(Path::new(disk), &plan);
    println!();
    println!("| flush | load | commands/s | p50 µs | p90 µs | p99 µs | p99.9 µs | max µs |");
    println!("|---|--:|--:|--:|--:|--:|--:|--:|");
    for (name, dir) in [("disk", disk), ("memory", memory)] {
        if !Path::new(dir).is_dir() {
            eprintln!("{dir} is no directory: its rows are left out");
            continue;
        }
        for percent in [10.0, 50.0, 90.0] {
            let per_second = most * percent / 100.0;
            let latencies = latencies(Path::new(dir), &plan, per_second);
            let at = |quantile| thousands(latencies.value_at_quantile(quantile) as f64 / 1_000.0);
            println!(
                "| {name} | {percent} % | {} | {} | {} | {} | {} | {} |",
                thousands(per_second),
                at(0.5),
                at(0.9),
                at(0.99),
                at(0.999),
                thousands(latencies.max() as f64 / 1_000.0),
            );
        }
    }
}

/// Measures saturated runs and bare appends of what they wrote, in turns; prints both, and returns the median of the
/// first in commands a second.
fn durable_rate(dir: &Path, plan: &Plan) -> f64 {
    let mut durable = Vec::new();
    let mut bare = Vec::new();
    let mut ratios = Vec::new();
    let mut commands_a_frame = 0.0;
    let mut bytes_a_command = 0.0;
    for _ in 0..plan.repeats {
        let place = tempfile::tempdir_in(dir).expect("room for a journal");
        let journal = place.path().join("journal");
        let (pipeline, mut client) = start(&journal, plan.waiting);
        client.saturate(0..plan.warm_up);
        let took = client.saturate(plan.warm_up..plan.warm_up + plan.saturated);
        drop(client);
        let last = pipeline.stop().expect("stopped").sequence.0;
        let per_second = plan.saturated as f64 / took.as_secs_f64();
        durable.push(per_second);

        let frames = frames(&journal, last - plan.saturated, last);
        let commands: u64 = frames.iter().map(|frame| frame.commands).sum();
        let bytes: usize = frames.iter().map(|frame| frame.bytes.len()).sum();
        commands_a_frame = commands as f64 / frames.len() as f64;
        bytes_a_command = bytes as f64 / commands as f64;
        let took = append_bare(&place.path().join("bare"), &frames, |_| {});
        let bare_per_second = commands as f64 / took.as_secs_f64();
        bare.push(bare_per_second);
        ratios.push(per_second / bare_per_second);
    }
    let row = |name: &str, values: Vec<f64>, text: fn(f64) -> String| {
        let (median, least, greatest) = spread(values);
        println!("| {name} | {} | {} | {} |", text(median), text(least), text(greatest));
        median
    };
    println!("| of {} runs | median | least | greatest |", plan.repeats);
    println!("|---|--:|--:|--:|");
    let most = row("durable commands/s, saturated", durable, thousands);
    row("bare append of the same frames, commands/s", bare, thousands);
    row("ratio of the two, run by run", ratios, |ratio| format!("{ratio:.2}"));
    println!();
    println!(
        "In the last run a frame had {commands_a_frame:.0} commands, and a command took {bytes_a_command:.0} bytes."
    );
    most
}

/// The latencies at a planned rate, in nanoseconds.
fn latencies(dir: &Path, plan: &Plan, per_second: f64) -> Histogram<u64> {
    let place = tempfile::tempdir_in(dir).expect("room for a journal");
    let (pipeline, mut client) = start(&place.path().join("journal"), plan.waiting);
    client.saturate(0..plan.warm_up);
    let commands = (per_second * plan.on_time.as_secs_f64()) as u64;
    let minute = Duration::from_secs(60).as_nanos() as u64;
    let mut latencies = Histogram::new_with_bounds(1, minute, 3).expect("bounds in order");
    client.send_on_time(plan.warm_up..plan.warm_up + commands, per_second, |latency| {
        latencies.saturating_record(latency.as_nanos() as u64);
    });
    drop(client);
    pipeline.stop().expect("stopped");
    latencies
}
