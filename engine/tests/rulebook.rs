//! Rules with names: each rule of `docs/rules.md` is cited where it is kept and by the tests that hold it, and no other is cited.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// For each rule, who cites it.
type Citing = BTreeMap<String, BTreeSet<String>>;

/// Who cites what: the items of code, as `file::item`, the tests by their names, and the files all together.
#[derive(Default)]
struct Citations {
    code: Citing,
    tests: Citing,
    files: Citing,
}

/// The numbers in a text: `R`, three capital letters and three digits.
fn names(text: &str) -> Vec<String> {
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-');
    let is_name = |word: &&str| {
        let mut parts = word.split('-');
        let is = |part: Option<&str>, of: fn(&char) -> bool| {
            part.is_some_and(|part| part.len() == 3 && part.chars().all(|letter| of(&letter)))
        };
        parts.next() == Some("R")
            && is(parts.next(), char::is_ascii_uppercase)
            && is(parts.next(), char::is_ascii_digit)
            && parts.next().is_none()
    };
    words.filter(is_name).map(str::to_owned).collect()
}

/// What a line defines: the name after `fn`, or else after `struct`, `enum` or `const`.
fn item(line: &str) -> Option<&str> {
    let words: Vec<&str> = line.split(|letter: char| !letter.is_alphanumeric() && letter != '_').collect();
    let after = |keyword| words.iter().position(|word| *word == keyword).map(|place| place + 1);
    let place = ["fn", "struct", "enum", "const"].into_iter().find_map(after)?;
    words.get(place).copied()
}

impl Citations {
    /// Reads a source: comments above an item are the item's.
    fn read(&mut self, path: &str, text: &str) {
        let is_code = path.contains("src/") && !path.contains("/tests/") && !path.ends_with("/tests.rs");
        let (mut in_tests, mut is_test, mut cited) = (!is_code, false, Vec::new());
        for line in text.lines().map(str::trim) {
            in_tests |= line == "mod tests {";
            if line.starts_with("//") {
                cited.extend(names(line));
            } else if line.starts_with("#[") {
                is_test |= line == "#[test]";
            } else {
                for name in cited.drain(..) {
                    self.files.entry(name.clone()).or_default().insert(path.to_owned());
                    let Some(item) = item(line) else { continue };
                    if is_test {
                        self.tests.entry(name).or_default().insert(item.to_owned());
                    } else if !in_tests {
                        let path = path.trim_start_matches("engine/src/");
                        self.code.entry(name).or_default().insert(format!("{path}::{item}"));
                    }
                }
                is_test = false;
            }
        }
    }
}

/// What is wrong, a sentence each.
fn faults(page: &str, citations: &Citations) -> Vec<String> {
    let mut faults = Vec::new();
    let mut last: BTreeMap<String, String> = BTreeMap::new();
    let mut known = BTreeSet::new();
    for cells in page.lines().map(|line| line.split('|').map(str::trim).collect::<Vec<_>>()) {
        let [_, name, _, kept, _, tests, _] = cells[..] else { continue };
        if names(name) != [name] {
            continue;
        }
        let before = last.insert(name[..5].to_owned(), name.to_owned());
        if let Some(before) = before.filter(|before| before.as_str() >= name) {
            faults.push(format!("{name} comes after {before}: numbers rise."));
        }
        known.insert(name.to_owned());
        for (what, cell, citing) in
            [("kept by", kept, &citations.code), ("held by the test", tests, &citations.tests)]
        {
            let said: BTreeSet<String> = cell.split('`').skip(1).step_by(2).map(str::to_owned).collect();
            let found = citing.get(name).cloned().unwrap_or_default();
            if found.is_empty() {
                faults.push(format!("{name} is {what} nothing that cites it."));
            }
            for one in said.symmetric_difference(&found) {
                let where_ = if said.contains(one) { "the page, and it does not cite it" } else { "no page" };
                faults.push(format!("{name} is {what} {one} by {where_}."));
            }
        }
    }
    let unknown = citations.files.iter().filter(|(name, _)| !known.contains(*name));
    faults.extend(unknown.map(|(name, files)| format!("{name} is no rule of the page; {files:?} cite it.")));
    faults
}

/// Hands all files below a folder that end so to a reader, by their paths below `root`.
fn walk(root: &Path, folder: &str, end: &str, read: &mut impl FnMut(&str, &str)) {
    for entry in fs::read_dir(root.join(folder)).expect("a folder") {
        let entry = entry.expect("an entry");
        let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
        if entry.file_type().expect("a type").is_dir() {
            if !path.ends_with("/target") {
                walk(root, &path, end, read);
            }
        } else if path.ends_with(end) {
            read(&path, &fs::read_to_string(entry.path()).expect("a text"));
        }
    }
}

#[test]
fn every_rule_is_kept_and_held() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut citations = Citations::default();
    for folder in ["engine", "sim", "gateway", "fuzz"] {
        walk(&root, folder, ".rs", &mut |path, text| citations.read(path, text));
    }
    walk(&root, "docs", ".md", &mut |path, text| {
        for name in names(text) {
            citations.files.entry(name).or_default().insert(path.to_owned());
        }
    });
    let page = fs::read_to_string(root.join("docs/rules.md")).expect("the page");
    let faults = faults(&page, &citations);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn each_fault_is_found() {
    let mut citations = Citations::default();
    citations.read(
        "engine/src/a.rs",
        "/// What it is.\n// Rules: R-XAB-001, R-XAB-002.\n#[inline]\npub const fn f() {}\n",
    );
    citations
        .read("engine/tests/t.rs", "/// Rules: R-XAB-001.\n#[test]\nfn one() {}\n// R-XAB-003\nfn g() {}\n");
    let row =
        |name: &str, kept: &str, tests: &str| format!("| {name} | holds | {kept} | a book | {tests} |\n");
    let good = row("R-XAB-001", "`a.rs::f`", "`one`");
    let told = |page: &str| faults(page, &citations).join(" ");
    let others = "R-XAB-002 is no rule of the page; {\"engine/src/a.rs\"} cite it. \
                  R-XAB-003 is no rule of the page; {\"engine/tests/t.rs\"} cite it.";
    assert_eq!(told(&good), others);
    assert!(told(&row("R-XAB-001", "`a.rs::g`", "`one`")).contains("kept by a.rs::g by the page, and"));
    assert!(told(&row("R-XAB-001", "`a.rs::f`", "")).contains("held by the test one by no page."));
    let more = row("R-XAB-002", "`a.rs::f`", "`two`") + &row("R-XAB-003", "", "");
    let more = told(&(more + &good));
    assert!(more.contains("R-XAB-002 is held by the test nothing that cites it."));
    assert!(more.contains("R-XAB-003 is kept by nothing that cites it."));
    assert!(more.contains("R-XAB-001 comes after R-XAB-003: numbers rise."));
    assert!(told(&good.repeat(2)).contains("R-XAB-001 comes after R-XAB-001"));
    assert_eq!(names("R-XAB-0011 XR-XAB-001 R-xab-001 R-XAB-… (R-XAB-001)"), ["R-XAB-001"]);
}
