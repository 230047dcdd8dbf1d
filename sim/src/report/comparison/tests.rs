//! Pages of the library's scenarios.

use super::front::unbeaten;
use super::*;
use crate::play::{PricePath, play_on_engine};
use crate::scenario::library;
use crate::sweep::{Method, Sweep, read, summarise};

fn comparison(name: &str, paths: u64) -> Comparison {
    let ready = library().iter().find(|ready| ready.name == name).expect("there");
    let scenario = ready.scenario();
    let (path, _) = PricePath::historic(&scenario).expect("whole");
    let path = path.shocked(&scenario);
    let played: Vec<PlayedPolicy<'_>> = scenario
        .policies
        .iter()
        .map(|policy| {
            let (outcome, _) = play_on_engine(&scenario, policy, &path).expect("played");
            let metrics = Metrics::of(&scenario, policy, &outcome);
            PlayedPolicy { policy, outcome, metrics }
        })
        .collect();
    let mut summaries = Vec::new();
    if paths > 0 {
        let no_file = |_: &str| Err(std::io::Error::other("no file"));
        let method = Method::Bootstrap { block: 6 };
        let sweep = Sweep::new(ready.text, Vec::new(), &[], method, paths, None, &no_file).expect("a sweep");
        let mut out = sweep.header().line().into_bytes();
        sweep.run(0, &mut out, &mut |_| ()).expect("played");
        summaries = summarise(&read(&String::from_utf8(out).expect("text")).expect("its own"));
    }
    Comparison::of(&scenario, &played, &summaries)
}

/// Each tag is closed in its order, and nothing but known names stands between brackets.
fn assert_well_formed(text: &str) {
    let mut open: Vec<&str> = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        let end = start + rest[start..].find('>').expect("a tag ends");
        let tag = &rest[start + 1..end];
        rest = &rest[end + 1..];
        if tag.starts_with('!') || tag.ends_with('/') {
            continue;
        }
        let name = tag.trim_start_matches('/').split(' ').next().unwrap_or_default();
        if ["meta"].contains(&name) {
            continue;
        }
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name), "near {}", &rest[..rest.len().min(80)]);
        } else {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

#[test]
fn every_scenario_has_a_page_with_every_chart() {
    for ready in library() {
        let comparison = comparison(ready.name, 0);
        let page = comparison_html(&comparison);
        assert_well_formed(&page);
        for chart in [
            "Public cost by policy",
            "Public cost against survival",
            "Where supply comes from",
            "supply and demand",
            "Reference price and payments",
        ] {
            assert!(
                page.contains(&format!("<title>{chart}")) || page.contains(&format!("{chart}</title>")),
                "{} {chart}",
                ready.name
            );
        }
        assert!(
            !page.contains("<script") && !page.contains("src=") && !page.contains("url(http"),
            "{}",
            ready.name
        );
        assert!(!page.contains("NaN") && !page.contains("inf"), "{}", ready.name);
        assert_eq!(page.contains("Prices are yearly averages"), comparison.is_step, "{}", ready.name);
    }
}

#[test]
fn labels_say_that_lithium_is_the_metal() {
    let page = comparison_html(&comparison("lithium", 0));
    assert!(page.contains("Lithium, metal, at least 99 %, battery grade"));
    assert!(page.contains("six to nine times the price of lithium carbonate"));
}

#[test]
fn with_paths_the_distribution_is_drawn_and_told() {
    let comparison = comparison("dumping", 12);
    assert_eq!(comparison.paths, 12);
    let page = comparison_html(&comparison);
    assert_well_formed(&page);
    assert!(page.contains("over 12 paths") && page.contains("no more in 95 %"));
    let files = files(&comparison);
    let names: std::collections::BTreeSet<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names.len(), files.len(), "no name twice");
    // Each chart has its numbers.
    for name in names.iter().filter(|name| name.ends_with(".svg")) {
        assert!(names.contains(&*name.replace(".svg", ".csv")), "{name}");
    }
    for (name, text) in files.iter().filter(|(name, _)| name.ends_with(".csv")) {
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        assert!(reader.records().all(|record| record.is_ok()), "{name}");
    }
}

#[test]
fn the_same_plays_make_the_same_bytes() {
    assert_eq!(files(&comparison("gallium", 3)), files(&comparison("gallium", 3)));
}

#[test]
fn nobody_beats_who_is_unbeaten() {
    assert_eq!(unbeaten(&[(0.0, 0.2), (5.0, 0.8), (6.0, 0.8), (5.0, 0.9), (-1.0, 0.1)]), [0, 3, 4]);
    assert_eq!(unbeaten(&[(1.0, 1.0), (1.0, 1.0)]), [0, 1]);
    assert!(unbeaten(&[]).is_empty());
}
