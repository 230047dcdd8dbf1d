//! What a shell and a manual are told of the command line.

use std::fs;
use std::process::{Command as Process, Output};

fn golv(arguments: &[&str]) -> Output {
    Process::new(env!("CARGO_BIN_EXE_golv")).args(arguments).output().expect("golv runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

/// The names of all subcommands, as the help lists them.
fn subcommands() -> Vec<String> {
    let help = text(&golv(&["--help"]).stdout);
    let (_, after) = help.split_once("Commands:\n").expect("a list of commands");
    let list = after.split("\n\n").next().expect("a list");
    let names = list.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    names.filter(|name| !name.is_empty() && *name != "help").map(str::to_owned).collect()
}

#[test]
fn completions_name_every_subcommand() {
    let subcommands = subcommands();
    assert!(subcommands.len() > 10, "{subcommands:?}");
    for shell in ["bash", "zsh", "fish"] {
        let output = golv(&["completions", shell]);
        assert!(output.status.success());
        let script = text(&output.stdout);
        for name in subcommands.iter().map(String::as_str).chain(["bind-key", "log-level"]) {
            assert!(script.contains(name), "{shell}: {name}");
        }
    }
}

/// The shell can at least read it.
#[test]
fn completions_are_a_script() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("golv");
    fs::write(&file, golv(&["completions", "bash"]).stdout).expect("a file");
    let read = Process::new("bash").arg("-n").arg(&file).status().expect("bash runs");
    assert!(read.success());
}

#[test]
fn manual_pages_name_every_subcommand() {
    let dir = tempfile::tempdir().expect("a directory");
    let into = dir.path().join("man1");
    let page = text(&golv(&["man"]).stdout).replace("\\-", "-");
    assert!(page.contains(".TH golv 1"), "{page}");
    assert!(golv(&["man", "--out", into.to_str().expect("UTF-8")]).status.success());
    for name in subcommands() {
        assert!(page.contains(&format!("golv-{name}(1)")), "{name}\n{page}");
        let own = fs::read_to_string(into.join(format!("golv-{name}.1"))).expect("a page");
        assert!(own.contains(".SH SYNOPSIS"), "{own}");
    }
    assert!(into.join("golv-admin-identities-bind-key.1").exists());
}
