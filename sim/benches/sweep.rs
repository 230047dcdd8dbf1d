//! How long plays take: a large scenario once, and sweeps of more and more paths on one thread and on all.
//!
//! `cargo bench -p golv-sim --bench sweep` prints two tables; under `cargo test` it shows in a second that it works. Time per path must not grow
//! with their number, and the rows on all threads must be those on one, which is checked here.

use std::time::Instant;

use golv_sim::play::{PricePath, play_on_engine};
use golv_sim::scenario::{Scenario, library};
use golv_sim::sweep::{Method, Sweep};

/// More paths than these are played on all threads alone: on one they would take a quarter of an hour.
const ALONE_MAX: u64 = 10_000;

fn no_file(_: &str) -> Result<String, std::io::Error> {
    Err(std::io::Error::other("no file"))
}

/// Ten years of monthly auctions with 30 producers and 20 buyers under a floor.
fn large() -> Scenario {
    let mut text = r#"title = "Large"
[market]
material = "Lithium metal"
unit = "t"
currency = "USD"
tick = 50
lowest = 50
highest = 1000000
[prices]
series = "lithium-metal"
[time]
first = "2015-01"
last = "2024-12"
[policy.floor]
kind = "floor"
strike = 105000
stress = 60000
volume = 200
budget = 2000000000
origins = ["FI"]
"#
    .to_owned();
    for number in 0..30 {
        let origin = if number % 2 == 0 { "FI" } else { "CN" };
        let cost = 60_000 + number * 1_500;
        text.push_str(&format!(
            "[producer.p{number:02}]\nname = \"Producer {number}\"\norigin = \"{origin}\"\ncapacity = \"10..30\"\n\
             cost = [{{ part = \"0.5\", price = {cost} }}, {{ part = \"0.5\", index = \"0.9{number:02}\" }}]\n"
        ));
    }
    for number in 0..20 {
        text.push_str(&format!(
            "[buyer.b{number:02}]\nname = \"Buyer {number}\"\ndemand = \"10..30\"\n\
             worth = [{{ part = \"0.5\", index = \"1.2{number:02}\" }}, {{ part = \"0.5\", index = \"1.0{number:02}\" }}]\n"
        ));
    }
    Scenario::read(&text, &no_file).expect("a scenario")
}

fn rows(sweep: &Sweep, threads: usize) -> (Vec<u8>, f64) {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
    let mut out = Vec::new();
    let start = Instant::now();
    pool.install(|| sweep.run(0, &mut out, &mut |_| ())).expect("played");
    (out, start.elapsed().as_secs_f64())
}

fn main() {
    // As the other benches: `cargo bench` passes `--bench`, and without it nothing is measured.
    let is_short = !std::env::args().any(|argument| argument == "--bench");
    let scenario = large();
    let (path, _) = PricePath::historic(&scenario).expect("whole");
    let policy = scenario.policy("floor").expect("there");
    let start = Instant::now();
    let (outcome, venue) = play_on_engine(&scenario, policy, &path).expect("played");
    let seconds = start.elapsed().as_secs_f64();
    assert!(venue.exchange().is_conserved() && outcome.trades.iter().all(|trade| trade.price.is_some()));
    println!(
        "ten years, 50 participants: {:.0} ms, {} commands",
        seconds * 1e3,
        venue.exchange().sequence().0
    );

    let text = library().iter().find(|ready| ready.name == "dumping").expect("there").text;
    let policies = ["none", "floor"].map(str::to_owned);
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    println!("seven years, 8 participants, two policies on each path, {threads} threads");
    println!("{:>8} {:>14} {:>14} {:>11}", "paths", "1 thread, ms", "all, ms", "efficiency");
    let counts: &[u64] = if is_short { &[10] } else { &[100, 1_000, 10_000, 100_000] };
    for &paths in counts {
        let method = Method::Bootstrap { block: 12 };
        let sweep = Sweep::new(text, Vec::new(), &policies, method, paths, None, &no_file).expect("a sweep");
        let (all, together) = rows(&sweep, threads);
        let each = |seconds: f64| seconds * 1e3 / paths as f64;
        if paths > ALONE_MAX {
            println!("{paths:>8} {:>14} {:>14.3}", "", each(together));
            continue;
        }
        let (one, alone) = rows(&sweep, 1);
        assert_eq!(one, all, "the rows are the same on any number of threads");
        println!(
            "{paths:>8} {:>14.3} {:>14.3} {:>10.0}%",
            each(alone),
            each(together),
            alone / together / threads as f64 * 100.0
        );
    }
}
