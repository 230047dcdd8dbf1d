//! What came of a load, for people and for programs.

use serde_json::{Map, Value, json};

use super::drive::Told;
use super::{Load, Plan};
use crate::print::{self, grouped};

/// Which latencies are printed.
const QUANTILES: [(&str, f64); 5] =
    [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999), ("max", 1.0)];

/// Steps of a distribution in each half of what is left of it.
const STEPS: u32 = 5;

/// Prints it as the options say. `busy` is how often the exchange took nothing more, where that is known.
pub(super) fn print(options: &Load, plan: Plan, told: &Told, busy: Option<u64>) {
    if options.json {
        print::line(as_json(options, plan, told, busy));
    } else {
        table(options, plan, told, busy);
    }
    if told.unanswered > 0 {
        let failure = told.failure.as_deref().unwrap_or("no answer came in time; try a lower --rate");
        eprintln!("golv: {} commands were not answered: {failure}", told.unanswered);
    }
}

fn achieved(told: &Told) -> f64 {
    let seconds = told.took.as_secs_f64();
    if seconds > 0.0 { told.answered as f64 / seconds } else { 0.0 }
}

fn refused(told: &Told) -> u64 {
    told.refusals.values().sum()
}

fn microseconds(told: &Told, quantile: f64) -> f64 {
    told.latencies.value_at_quantile(quantile) as f64 / 1_000.0
}

fn table(options: &Load, plan: Plan, told: &Told, busy: Option<u64>) {
    let count = |count: u64| grouped(&count.to_string());
    let whole = |number: f64| grouped(&format!("{number:.0}"));
    let row = |name: &str, value: String| vec![name.to_owned(), value];
    let mut rows = vec![
        row("traders", count(u64::from(options.traders))),
        row("commands/s asked", whole(plan.rate)),
        row("commands/s achieved", whole(achieved(told))),
        row("commands", count(plan.counted())),
        row("answered", count(told.answered)),
        row("refused", count(refused(told))),
        row("over a session's limit when due", count(told.over_limit)),
        row("busy", busy.map_or_else(|| "not known here".to_owned(), count)),
    ];
    rows.extend(
        QUANTILES.map(|(name, quantile)| row(&format!("{name} µs"), whole(microseconds(told, quantile)))),
    );
    print::line(print::table(&["what", ">value"], rows));
    for (name, times) in &told.refusals {
        print::line(format_args!("refused as {name}: {}", count(*times)));
    }
}

fn as_json(options: &Load, plan: Plan, told: &Told, busy: Option<u64>) -> Value {
    let latency: Map<_, _> = QUANTILES
        .into_iter()
        .map(|(name, quantile)| (name.to_owned(), json!(microseconds(told, quantile))))
        .collect();
    json!({
        "seed": options.seed,
        "traders": options.traders,
        "seconds": options.seconds,
        "warm_up_commands": plan.warm_up,
        "rate_asked": plan.rate,
        "rate_achieved": achieved(told),
        "commands": plan.counted(),
        "answered": told.answered,
        "unanswered": told.unanswered,
        "refused": refused(told),
        "refusals": told.refusals,
        "over_limit": told.over_limit,
        "busy": busy,
        "latency_us": latency,
    })
}

/// How the latencies are distributed, as CSV: so many commands, this share of all, took at most so long.
pub(super) fn distribution(told: &Told) -> String {
    let mut commands = 0;
    let rows = told.latencies.iter_quantiles(STEPS).map(|step| {
        commands += step.count_since_last_iteration();
        vec![
            format!("{:.3}", step.value_iterated_to() as f64 / 1_000.0),
            format!("{:.5}", step.quantile_iterated_to() * 100.0),
            commands.to_string(),
        ]
    });
    print::csv(&["latency_us", "percent", "commands"], rows) + "\n"
}
