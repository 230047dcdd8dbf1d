//! The page `docs/metrics.md` and the program name the same metrics.

use std::collections::BTreeMap;

use golv_gateway::pipeline::metrics::Metrics;

/// Each metric's type and meaning, by name.
type Described = BTreeMap<String, (String, String)>;

fn told_by_the_program() -> Described {
    let text = Metrics::new().text();
    let described = |kind: &str| -> BTreeMap<String, String> {
        let lines = text.lines().filter_map(|line| line.strip_prefix(kind)?.split_once(' '));
        lines.map(|(name, what)| (name.to_owned(), what.to_owned())).collect()
    };
    let (mut types, meanings) = (described("# TYPE "), described("# HELP "));
    let both = |(name, meaning)| {
        let of_type = types.remove(&name).expect("each has a type");
        (name, (of_type, meaning))
    };
    meanings.into_iter().map(both).collect()
}

fn told_by_the_page() -> Described {
    let page = include_str!("../../docs/metrics.md");
    let row = |line: &str| {
        let cells: Vec<&str> = line.strip_prefix("| `golv_")?.split(" | ").collect();
        let [name, of_type, meaning, _alarm] = cells[..] else { panic!("four cells: {line}") };
        let name = name.split(['`', '{']).next().expect("a name");
        Some((format!("golv_{name}"), (of_type.to_owned(), meaning.to_owned())))
    };
    page.lines().filter_map(row).collect()
}

#[test]
fn the_page_names_every_metric_with_its_type_and_meaning() {
    let program = told_by_the_program();
    assert!(program.len() > 20, "{program:?}");
    assert_eq!(told_by_the_page(), program);
}
