//! How long it takes to start an exchange from its journal: from the founding, and from the newest snapshot; and beside
//! it how fast the same commands were taken in.
//!
//! `cargo bench -p golv-gateway --bench recovery [-- --dir DIR] [--most COMMANDS]` prints the table of
//! `docs/performance.md`. DIR is where the journals are written, by default in the target directory; they are removed
//! afterwards. The longest takes some gigabytes of memory and disk.

mod common;

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant as Clock};

use common::{start, thousands};
use golv_gateway::pipeline::Waiting;
use golv_journal::restart::Restart;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let lengths: &[u64] =
        if common::is_short(&arguments) { &[1_000, 10_000] } else { &[100_000, 1_000_000, 10_000_000] };
    let most = common::option(&arguments, "--most").map(|most| most.parse().expect("a number of commands"));
    let dir = Path::new(common::option(&arguments, "--dir").unwrap_or(env!("CARGO_TARGET_TMPDIR")));
    println!(
        "| commands | taken in, commands/s | replayed from the founding, commands/s | ns a command | \
         of them behind the newest snapshot | started from it in ms |"
    );
    println!("|--:|--:|--:|--:|--:|--:|");
    for commands in lengths.iter().copied().filter(|commands| most.is_none_or(|most| *commands <= most)) {
        measure(dir, commands);
    }
}

/// Writes a journal of so many commands, starts from it in both ways, and prints a row.
fn measure(dir: &Path, commands: u64) {
    let place = tempfile::tempdir_in(dir).expect("room for a journal");
    let (journal, aside) = (place.path().join("journal"), place.path().join("snapshots"));
    let (pipeline, mut client) = start(&journal, Waiting::Park);
    let intake = client.saturate(0..commands);
    drop(client);
    // Ends when the second exchange has written its last snapshot, so that nothing runs beside what follows.
    let stopped = pipeline.stop().expect("stopped");

    let restart = || {
        let begin = Clock::now();
        let restart = Restart::begin(&journal).expect("a journal");
        let from = restart.begun.snapshot.map_or(0, |(_, sequence)| sequence.0);
        let restarted = restart.finish(|_| {}).expect("a whole journal");
        let took = begin.elapsed();
        // What it is good for, too: the same state.
        assert_eq!(restarted.replayed.exchange.state_digest(), stopped.state);
        (stopped.sequence.0 - from, took)
    };
    move_snapshots(&journal, &aside);
    let (replayed, whole) = restart();
    assert_eq!(replayed, stopped.sequence.0, "without snapshots everything is replayed");
    move_snapshots(&aside, &journal);
    let (behind, latest) = restart();

    let per_second = |commands: u64, took: Duration| thousands(commands as f64 / took.as_secs_f64());
    println!(
        "| {} | {} | {} | {} | {} | {} |",
        thousands(commands as f64),
        per_second(commands, intake),
        per_second(replayed, whole),
        thousands(whole.as_nanos() as f64 / replayed as f64),
        thousands(behind as f64),
        thousands(latest.as_secs_f64() * 1_000.0),
    );
}

fn move_snapshots(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a directory");
    for entry in fs::read_dir(from).expect("a directory") {
        let path = entry.expect("listed").path();
        if path.extension() == Some(OsStr::new("snapshot")) {
            fs::rename(&path, to.join(path.file_name().expect("it has an extension"))).expect("moved");
        }
    }
}
