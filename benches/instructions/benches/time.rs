//! How long the hot paths take whose instructions are counted: placing ten thousand bids through the engine's one door, clearing their book,
//! settling a month of a thousand contracts, a round of a hundred offers and requests, and the codec both ways.
//!
//! `cargo bench -p golv-instructions` prints criterion's estimates, with how they have changed since the last run on this machine. They are beside
//! nothing: for what peers and bare memory take, see the engine's own benches. Where `.ci/instructions` says that a path takes more
//! instructions, this says what that costs.

use std::time::Duration;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use golv_instructions::CASES;

fn hot_paths(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("hot paths");
    group.sample_size(20).measurement_time(Duration::from_secs(8));
    for (name, prepare, does) in CASES {
        group.throughput(Throughput::Elements(does as u64));
        // To prepare a case takes longer than to do it, and is not timed; nor is dropping it.
        group.bench_function(name, |bencher| {
            bencher.iter_batched_ref(prepare, |work| work(), BatchSize::PerIteration);
        });
    }
    group.finish();
}

criterion_group!(benches, hot_paths);
criterion_main!(benches);
