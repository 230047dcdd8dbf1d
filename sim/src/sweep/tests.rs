//! Sweeps of the library, small.

use super::*;
use crate::scenario::library;
use proptest::prelude::*;

fn no_file(_: &str) -> Result<String, io::Error> {
    Err(io::Error::other("no file"))
}

fn sweep(paths: u64, method: Method) -> Sweep {
    let text = library().iter().find(|ready| ready.name == "dumping").expect("there").text;
    let parameters = vec!["policy.floor.strike=2000,2100".parse().expect("a parameter")];
    let policies = ["none", "floor"].map(str::to_owned);
    Sweep::new(text, parameters, &policies, method, paths, Some(7), &no_file).expect("a sweep")
}

fn rows_on(threads: usize, sweep: &Sweep, from: u64) -> String {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
    let mut out = Vec::new();
    pool.install(|| sweep.run(from, &mut out, &mut |_| ())).expect("played");
    String::from_utf8(out).expect("text")
}

#[test]
fn the_rows_are_the_same_on_any_number_of_threads() {
    for method in [Method::Bootstrap { block: 12 }, Method::Jumps] {
        let sweep = sweep(5, method);
        let one = rows_on(1, &sweep, 0);
        assert_eq!(one.lines().count(), 2 * 5 * 2);
        for threads in [2, 3, 8] {
            assert_eq!(rows_on(threads, &sweep, 0), one, "{threads} threads");
        }
    }
}

/// Wherever a sweep is broken off, within a line even, it goes on to the same bytes.
#[test]
fn a_sweep_goes_on_where_it_stopped() {
    let sweep = sweep(3, Method::Bootstrap { block: 6 });
    let whole = format!("{}{}", sweep.header().line(), rows_on(2, &sweep, 0));
    for end in (0..=whole.len()).step_by(37).chain([whole.len()]) {
        let (jobs, bytes) = standing(&sweep, &whole[..end]).expect("its own");
        let header = if bytes == 0 { sweep.header().line() } else { String::new() };
        let rest = rows_on(2, &sweep, jobs);
        assert_eq!(format!("{}{header}{rest}", &whole[..bytes]), whole, "broken off at {end}");
    }
    assert_eq!(standing(&sweep, &whole).expect("its own"), (sweep.jobs(), whole.len()));
}

#[test]
fn the_rows_of_another_sweep_are_refused() {
    let own = sweep(3, Method::Bootstrap { block: 6 });
    let rows = format!("{}{}", own.header().line(), rows_on(2, &own, 0));
    let text = library().iter().find(|ready| ready.name == "dumping").expect("there").text;
    let other = |parameters: &[&str], seed| {
        let parameters = parameters.iter().map(|text| text.parse().expect("a parameter")).collect();
        let policies = ["none", "floor"].map(str::to_owned);
        let method = Method::Bootstrap { block: 6 };
        let other =
            Sweep::new(text, parameters, &policies, method, 3, Some(seed), &no_file).expect("a sweep");
        standing(&other, &rows).expect_err("refused").to_string()
    };
    assert!(other(&["policy.floor.strike=2000,2100"], 8).starts_with("line 2 is of another sweep"));
    assert!(other(&["policy.floor.strike=1900,2100"], 7).starts_with("line 2 is of another sweep"));
    assert_eq!(other(&["policy.floor.volume=2000"], 7), "line 1 is not the header of a sweep's rows");
    // More rows than there are to be.
    let more = format!("{rows}{}", rows.lines().last().expect("a row"));
    assert!(standing(&own, &more).expect_err("refused").to_string().contains("another sweep"));
}

#[test]
fn a_summary_is_of_each_point_and_policy() {
    let sweep = sweep(4, Method::Bootstrap { block: 12 });
    let text = format!("{}{}", sweep.header().line(), rows_on(2, &sweep, 0));
    let done = read(&text).expect("its own");
    assert_eq!(done.parameters, ["policy.floor.strike"]);
    let summaries = summarise(&done);
    let named: Vec<_> =
        summaries.iter().map(|summary| (summary.point[0].as_str(), summary.policy.as_str())).collect();
    assert_eq!(named, [("2000", "none"), ("2000", "floor"), ("2100", "none"), ("2100", "floor")]);
    assert!(summaries.iter().all(|summary| summary.cost.count() == 4));
    let cost = |place: usize| summaries[place].cost.mean();
    assert_eq!((cost(0), cost(2)), (0.0, 0.0), "nothing is paid without support");
    // Common random numbers: without support a strike changes nothing at all.
    let none = |point: &str| -> Vec<Row> {
        let of = |row: &&Row| row.point[0] == point && row.policy == "none";
        done.rows
            .iter()
            .filter(of)
            .cloned()
            .map(|mut row| {
                row.point.clear();
                row
            })
            .collect()
    };
    assert_eq!(none("2000"), none("2100"));
}

#[test]
fn a_policy_that_is_not_there_is_refused() {
    let text = library()[0].text;
    let refused = Sweep::new(text, Vec::new(), &["flor".to_owned()], Method::History, 1, None, &no_file);
    assert_eq!(
        refused.err().map(|error| error.to_string()).as_deref(),
        Some("the scenario has no policy 'flor'")
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// Whatever the seed and the path: the figures are numbers, and read back as they were.
    #[test]
    fn any_path_has_figures(seed: u64) {
        let text = library().iter().find(|ready| ready.name == "lithium").expect("there").text;
        for method in [Method::Bootstrap { block: 3 }, Method::Jumps] {
            let sweep = Sweep::new(text, Vec::new(), &[], method, 1, Some(seed), &no_file).expect("a sweep");
            let text = format!("{}{}", sweep.header().line(), rows_on(1, &sweep, 0));
            let done = read(&text).expect("its own");
            prop_assert_eq!(done.rows.len(), sweep.policies.len());
            prop_assert_eq!(summarise(&done).len(), sweep.policies.len());
        }
    }
}
