//! What takes two operators: the table in the documentation is the one in the code.

use golv_engine::command::Action;

/// Rules: R-MON-042.
#[test]
fn the_documented_table_is_complete() {
    let page = include_str!("../../docs/decisions/two-operators.md");
    let documented: Vec<(&str, &str)> = page
        .lines()
        .filter_map(|line| {
            let (name, rest) = line.strip_prefix("| `")?.split_once("` | ")?;
            Some((name, rest.split_once(" |")?.0))
        })
        .collect();
    let known: Vec<(&str, &str)> =
        Action::TABLE.iter().map(|(name, effect)| (*name, effect.word())).collect();
    assert_eq!(documented, known);
}
