//! `golv-instructions CASE` prepares a case and does its work once, `golv-instructions CASE --prepare` only prepares it, and the difference
//! is what the work takes. Without a case it prints them all. `.ci/instructions` counts, and compares with what is kept;
//! `docs/performance.md` has the method.

use std::hint::black_box;

use golv_instructions::CASES;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some(name) = arguments.first() else {
        CASES.iter().for_each(|(name, ..)| println!("{name}"));
        return;
    };
    let Some((_, prepare, expected)) = CASES.iter().find(|(case, ..)| case == name) else {
        eprintln!("no such case: {name}");
        std::process::exit(2);
    };
    let mut work = black_box(prepare());
    if arguments.get(1).is_none_or(|argument| argument != "--prepare") {
        assert_eq!(black_box(work()), *expected, "all of the work is done");
    }
    // Nothing is dropped on the way out: that would be counted in both runs, but not alike.
    std::process::exit(0);
}
