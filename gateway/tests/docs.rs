//! Every command in the documentation is run: the blocks of a page one after another, as a reader pastes them, in a folder of
//! its own, by bash, which stops at the first that fails.
//!
//! What a block is, its fence says:
//!
//! | fence | what it is |
//! |---|---|
//! | `sh` | commands, which are run |
//! | `sh terminal` | a command that goes on, such as a server: run beside the others until the page ends. They go on when it has printed a line |
//! | `text` after a block that is run, with no other fence or heading between | what that block prints, compared line by line; `…` stands for anything, alone on a line for any lines |
//! | `console` | commands that no test can run: each begins as one of [`NOT_RUN`]. The arguments of golv are looked at all the same |
//! | another language | no commands |
//!
//! `<!-- first: PAGE#HEADING -->` in a page says where it goes on: the blocks below that heading of the other page are run first.
//!
//! The folder has links to the repository's, and `golv`, `cargo run --release --` and `curl` are what [`SHIMS`] say. An exchange
//! listens on a free port where the page says 4433 (metrics: 9464).

use std::fs;
use std::net::{TcpListener, UdpSocket};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command as Process, Stdio};
use std::sync::Mutex;

/// How commands begin that are not run, and why not.
const NOT_RUN: [(&str, &str); 13] = [
    ("bash .ci/", "the gate runs this test"),
    ("cd ", "is a folder of the reader's, where a test has one already"),
    ("export ", "says where golv is, which a test knows"),
    ("cargo ", "compiles, tests or measures what is run here"),
    ("chown ", ROOT),
    ("cp ", ROOT),
    (
        "golv ",
        "with a machine's own paths, or with … in place of what was said before: how-to pages have the same in a folder",
    ),
    ("install ", ROOT),
    ("mkdir ", ROOT),
    ("mv ", ROOT),
    ("podman ", "needs a container engine, and the network"),
    ("systemctl ", ROOT),
    ("useradd ", ROOT),
];

/// Why an operator's commands on a machine of its own are not run.
const ROOT: &str = "is done as root, on a machine that is an exchange's own";

/// What a command of golv says that cannot be run anywhere.
const ELSEWHERE: [&str; 5] = ["…", "/var/lib/golv", "/etc/golv", "/backup/golv", "exchange.example"];

/// Words that stand for a value in commands that are not run, and such a value.
const STAND_INS: [(&str, &str); 5] = [
    ("COMMAND", "clear"),
    ("INSTANT", "2026-01-01T00:00:00Z"),
    ("SEQUENCE", "7"),
    ("VERSION", "1"),
    ("FINGERPRINT", "0000000000000000000000000000000000000000000000000000000000000000"),
];

/// Programs of pages that are others here, and what they are.
const SHIMS: [(&str, &str); 2] = [
    // What cargo would compile is there.
    (
        "cargo",
        r#"#!/usr/bin/env bash
case "$*" in
    "run --release -- "*) shift 3 ;;
    "run --quiet --release -- "*) shift 4 ;;
    *) echo "a test of the documentation cannot run: cargo $*"; exit 1 ;;
esac
exec golv "$@"
"#,
    ),
    // Not every machine has it. A page asks it for http://ADDRESS:PORT/PATH, the last argument.
    (
        "curl",
        r#"#!/usr/bin/env bash
url=${!#}; url=${url#http://}; address=${url%%/*}
exec 3<> "/dev/tcp/${address%:*}/${address#*:}"
printf 'GET /%s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n' "${url#*/}" "$address" >&3
sed '1,/^\r$/d' <&3
"#,
    ),
];

/// A test that hangs ends after so many seconds. It is no bound on how long a page may take.
const HANG_SECONDS: &str = "600";

/// What the output of a block ends with.
const MARK: char = '\u{1e}';

/// A page of the documentation.
struct Page {
    /// From the repository's root.
    name: String,
    blocks: Vec<Block>,
    /// What is run before: of another page.
    before: Vec<Block>,
    /// What stands between its blocks.
    sentences: String,
    /// What is wrong with its fences.
    faults: Vec<String>,
}

/// A fenced block.
struct Block {
    kind: Kind,
    /// Of its fence, from 1.
    line: usize,
    lines: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// `sh`
    Run,
    /// `sh terminal`
    Terminal,
    /// `text` after what is run.
    Printed,
    /// `console`
    NotRun,
    /// Nothing that this test looks at.
    Other,
}

impl Page {
    fn read(root: &Path, name: String) -> Self {
        let text = fs::read_to_string(root.join(&name)).expect("a page");
        let (blocks, sentences, faults) = blocks(&name, &text);
        let first = text.lines().find_map(|line| line.strip_prefix("<!-- first: ")?.strip_suffix(" -->"));
        let before = first.map(|first| {
            let (other, heading) = first.split_once('#').expect("a page and a heading");
            let text = fs::read_to_string(root.join(&name).with_file_name(other)).expect("another page");
            self::blocks(other, &section(&text, heading)).0
        });
        Self { name, blocks, before: before.unwrap_or_default(), sentences, faults }
    }

    fn is_run(&self) -> bool {
        self.blocks.iter().any(|block| block.kind == Kind::Run)
    }

    fn of(&self, kind: Kind) -> impl Iterator<Item = (usize, &str)> {
        let blocks = self.blocks.iter().filter(move |block| block.kind == kind);
        blocks.flat_map(|block| (block.line + 1..).zip(block.lines.iter().map(String::as_str)))
    }
}

/// The blocks of a page, what stands between them, and what is wrong with its fences.
fn blocks(name: &str, text: &str) -> (Vec<Block>, String, Vec<String>) {
    let (mut blocks, mut sentences, mut faults) = (Vec::<Block>::new(), String::new(), Vec::new());
    let (mut is_open, mut follows_run) = (false, false);
    for (number, line) in (1..).zip(text.lines()) {
        let fence = line.strip_prefix("```");
        match (fence, blocks.last_mut().filter(|_| is_open)) {
            (Some(_), Some(block)) => {
                follows_run = block.kind == Kind::Run;
                is_open = false;
            }
            (None, Some(block)) => block.lines.push(line.to_owned()),
            (Some(info), None) => {
                let mut words = info.split(' ');
                let kind = match (words.next(), words.next()) {
                    (Some("sh"), None) => Kind::Run,
                    (Some("sh"), Some("terminal")) => Kind::Terminal,
                    (Some("text"), None) if follows_run => Kind::Printed,
                    (Some("console"), None) => Kind::NotRun,
                    (Some("text" | "toml" | "yaml" | "rust" | "csv" | "json" | "promql"), _) => Kind::Other,
                    _ => {
                        faults.push(format!(
                            "{name}:{number}: a fence says what it holds: sh, text, console or another"
                        ));
                        Kind::Other
                    }
                };
                blocks.push(Block { kind, line: number, lines: Vec::new() });
                is_open = true;
            }
            (None, None) => {
                if line.trim_start().starts_with("```") {
                    faults.push(format!("{name}:{number}: a fence stands at the beginning of its line"));
                }
                follows_run &= !line.starts_with('#');
                sentences += line;
                sentences.push('\n');
            }
        }
    }
    (blocks, sentences, faults)
}

/// What stands below a heading, up to the next of its depth.
fn section(text: &str, heading: &str) -> String {
    let is_it = |line: &&str| line.starts_with('#') && anchor(line.trim_start_matches('#').trim()) == heading;
    let lines: Vec<&str> = text.lines().skip_while(|line| !is_it(line)).collect();
    let depth = lines.first().expect("there is such a heading").split(' ').next().expect("its depth");
    let ends = |line: &&str| line.split(' ').next() == Some(depth);
    lines.iter().skip(1).take_while(|line| !ends(line)).map(|line| format!("{line}\n")).collect()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace").to_owned()
}

/// All pages: those of the root, and those of `docs` and the folders below.
fn pages() -> Vec<Page> {
    let root = root();
    let mut names = Vec::new();
    let mut folders = vec![String::new(), "docs/".to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root.join(&folder)).expect("a folder") {
            let entry = entry.expect("an entry");
            let name = format!("{folder}{}", entry.file_name().to_string_lossy());
            if name.ends_with(".md") {
                names.push(name);
            } else if !folder.is_empty() && entry.file_type().expect("a type").is_dir() {
                folders.push(name + "/");
            }
        }
    }
    names.sort();
    names.into_iter().map(|name| Page::read(&root, name)).collect()
}

/// Whether a text is what was expected, where `…` stands for anything.
fn is_like(expected: &str, line: &str) -> bool {
    let (expected, mut line) = (expected.trim_end(), line.trim_end());
    let Some((first, others)) = expected.split_once('…') else { return expected == line };
    let Some(after) = line.strip_prefix(first) else { return false };
    line = after;
    let mut parts: Vec<&str> = others.split('…').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        let Some(at) = line.find(part) else { return false };
        line = &line[at + part.len()..];
    }
    line.ends_with(last)
}

/// Whether lines are what was expected, where `…` alone on a line stands for any lines.
fn are_like(expected: &[String], lines: &[&str]) -> bool {
    match expected.split_first() {
        None => lines.is_empty(),
        Some((first, others)) if first.trim() == "…" => {
            (0..=lines.len()).any(|from| are_like(others, &lines[from..]))
        }
        Some((first, others)) => {
            lines.split_first().is_some_and(|(line, more)| is_like(first, line) && are_like(others, more))
        }
    }
}

/// What bash is told: the blocks one after another, each ended by a mark. What terminals print is kept in a folder.
fn script(page: &Page, terminals: &Path) -> String {
    let mut script = "set -euo pipefail\nexec 2>&1\n".to_owned();
    for (number, block) in page.before.iter().chain(&page.blocks).enumerate() {
        let text = block.lines.join("\n");
        match block.kind {
            Kind::Run => script += &format!("{text}\n"),
            // `tail` waits for the file and follows it until the command ends; `grep` leaves at the first line.
            Kind::Terminal => {
                let out = terminals.join(format!("terminal-{number}")).display().to_string();
                let log = format!("{out}.log");
                script += &format!(
                    "( {text}\n) > {out} 2> {log} &\n\
                     grep -q -m 1 '' <(tail -n +1 -F --pid=$! {out} 2> /dev/null) || {{ cat {log}; exit 1; }}\n"
                );
            }
            Kind::Printed | Kind::NotRun | Kind::Other => continue,
        }
        script += &format!("printf '{MARK}'\n");
    }
    script
}

/// A free port of this machine, for UDP and for TCP.
fn free_port() -> u16 {
    let udp = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let port = udp.local_addr().expect("an address").port();
    // Somebody may have it for TCP.
    TcpListener::bind(("127.0.0.1", port)).map_or_else(|_| free_port(), |_| port)
}

/// Runs a page, and says what went wrong.
fn run(page: &Page) -> Option<String> {
    let (temp, root) = (tempfile::tempdir().expect("a folder"), root());
    let (bin, folder) = (temp.path().join("bin"), temp.path().join("folder"));
    for dir in [&bin, &folder] {
        fs::create_dir(dir).expect("a folder");
    }
    for name in ["benches", "deploy", "docs", "engine", "gateway", "sim"] {
        symlink(root.join(name), folder.join(name)).expect("a link");
    }
    symlink(env!("CARGO_BIN_EXE_golv"), bin.join("golv")).expect("a link");
    for (name, text) in SHIMS {
        fs::write(bin.join(name), text).expect("written");
        fs::set_permissions(bin.join(name), fs::Permissions::from_mode(0o755)).expect("executable");
    }
    let ports = [(":4433", format!(":{}", free_port())), (":9464", format!(":{}", free_port()))];
    let text = ports.iter().fold(script(page, temp.path()), |text, (said, free)| text.replace(said, free));
    fs::write(temp.path().join("script"), text).expect("written");
    let printed = temp.path().join("printed");

    let path = std::env::var("PATH").unwrap_or_default();
    let mut bash = Process::new("timeout");
    bash.args(["--signal=KILL", HANG_SECONDS, "bash", "../script"])
        .current_dir(&folder)
        .env("PATH", format!("{}:{path}", bin.display()))
        .env("HOME", temp.path())
        .env("GOLV_LISTEN", format!("127.0.0.1{}", ports[0].1))
        .stdin(Stdio::null())
        .stdout(fs::File::create(&printed).expect("a file"));
    let mut child = bash.spawn().expect("bash runs");
    let status = child.wait().expect("ended");
    // `timeout` leads a group, in which the page's servers still are; if there are none, there is no group.
    let _ = Process::new("kill")
        .args(["-KILL", "--", &format!("-{}", child.id())])
        .stderr(Stdio::null())
        .status();

    let printed = String::from_utf8_lossy(&fs::read(&printed).expect("a file")).into_owned();
    let printed = ports.iter().fold(printed, |text, (said, free)| text.replace(free, said));
    let mut outputs = printed.split(MARK);
    let mut last: Vec<&str> = Vec::new();
    for (block, is_before) in
        page.before.iter().map(|it| (it, true)).chain(page.blocks.iter().map(|it| (it, false)))
    {
        match block.kind {
            Kind::Printed if is_before => {}
            Kind::Run | Kind::Terminal => {
                let output = outputs.next().unwrap_or_default();
                last = output.lines().collect();
                // What comes after the last mark is of a block that was not ended.
                if outputs.clone().next().is_none() {
                    return Some(format!("{}:{}: {status}\n{output}", page.name, block.line));
                }
            }
            Kind::Printed if !are_like(&block.lines, &last) => {
                return Some(format!("{}:{}: this is printed:\n{}", page.name, block.line, last.join("\n")));
            }
            _ => {}
        }
    }
    None
}

/// Pages take their time in turns of two: the machine may have no more processors.
#[test]
fn every_command_of_the_documentation_does_what_is_said() {
    let pages = pages();
    let runs = Mutex::new(pages.iter().filter(|page| page.is_run()));
    let faults = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(page) = { runs.lock().expect("no panic").next() } {
                    faults.lock().expect("no panic").extend(run(page));
                }
            });
        }
    });
    let faults = faults.into_inner().expect("no panic");
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
}

/// A command without the variables that are set for it, such as `NAME=value`.
fn without_variables(line: &str) -> &str {
    match line.split_once(' ') {
        Some((first, command)) if first.contains('=') => without_variables(command),
        _ => line,
    }
}

#[test]
fn what_is_not_run_has_a_reason() {
    let pages = pages();
    let mut faults: Vec<String> = pages.iter().flat_map(|page| page.faults.clone()).collect();
    let is_quiet = |line: &str| line.is_empty() || line.starts_with('#');
    for page in &pages {
        for (number, line) in page.of(Kind::NotRun).filter(|(_, line)| !is_quiet(line)) {
            let is_known =
                NOT_RUN.iter().any(|(beginning, _)| without_variables(line).starts_with(beginning));
            let is_ours = line.starts_with("golv ") || line.starts_with("cargo run ");
            let could_run = is_ours && !ELSEWHERE.iter().any(|word| line.contains(word));
            if !is_known || could_run {
                faults.push(format!("{}:{number}: nothing says why this is not run: {line}", page.name));
            }
        }
    }
    let all = || pages.iter().flat_map(|page| page.of(Kind::NotRun));
    let unused = NOT_RUN.iter().filter(|(beginning, _)| !all().any(|(_, line)| line.starts_with(beginning)));
    faults.extend(unused.map(|(beginning, _)| format!("no page has a command that begins with {beginning}")));
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// What is not run, in a block or in a sentence, is at least asked for rightly: `--help` is given with it, and nothing is done.
#[test]
fn golv_knows_the_arguments_of_what_is_not_run() {
    let temp = tempfile::tempdir().expect("a folder");
    let golv = env!("CARGO_BIN_EXE_golv");
    let mut faults = Vec::new();
    for page in pages() {
        let in_blocks = page.of(Kind::NotRun).map(|(_, line)| line);
        let in_sentences = page.sentences.split('`');
        for said in in_blocks.chain(in_sentences).filter(|said| said.starts_with("golv ")) {
            let line = said.split([';', '>', '|', '#']).next().unwrap_or_default().replace(['…', '\n'], " ");
            let line = STAND_INS.iter().fold(line, |line, (word, value)| line.replace(word, value));
            let script = format!("golv() {{ '{golv}' \"$@\" --help; }}\n{line}");
            let output = Process::new("bash").args(["-c", &script]).current_dir(temp.path()).output();
            let output = output.expect("bash runs");
            if !output.status.success() {
                faults.push(format!("{}: {said}\n{}", page.name, String::from_utf8_lossy(&output.stderr)));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// What a forge makes of a heading, to link to it.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter));
    kept.map(|letter| if letter == ' ' { '-' } else { letter }).collect::<String>().to_lowercase()
}

/// `.ci/links` looks whether the file is there; here it is the heading.
#[test]
fn a_link_into_a_page_leads_to_a_heading() {
    let root = root();
    let mut faults = Vec::new();
    for Page { name, .. } in pages() {
        let path = root.join(&name);
        let text = fs::read_to_string(&path).expect("a page");
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let Some((to, wanted)) = link.split_once('#').filter(|_| !link.contains("://")) else { continue };
            let target = if to.is_empty() { path.clone() } else { path.with_file_name(to) };
            let text = fs::read_to_string(&target).unwrap_or_default();
            let headings = text.lines().filter(|line| line.starts_with('#'));
            if !headings
                .map(|line| anchor(line.trim_start_matches('#').trim()))
                .any(|anchor| anchor == wanted)
            {
                faults.push(format!("{name}: {link}"));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn a_block_is_what_its_fence_says() {
    let text =
        "```sh\none\n```\nprints\n```text\ntwo\n```\n# Title\n```text\nthree\n```\n```\nfour\n```\n ```sh\n";
    let (blocks, sentences, faults) = blocks("page", text);
    let kinds: Vec<Kind> = blocks.iter().map(|block| block.kind).collect();
    assert_eq!(sentences, "prints\n# Title\n ```sh\n");
    assert!(kinds == [Kind::Run, Kind::Printed, Kind::Other, Kind::Other]);
    assert_eq!(faults.len(), 2, "{faults:?}");
    assert!(faults[0].starts_with("page:12: ") && faults[1].starts_with("page:15: "), "{faults:?}");
}

#[test]
fn what_is_left_out_stands_for_anything() {
    let like = |expected: &str, printed: &str| {
        let expected: Vec<String> = expected.lines().map(str::to_owned).collect();
        are_like(&expected, &printed.lines().collect::<Vec<_>>())
    };
    assert!(like("one\n…\nfour", "one\ntwo\nthree\nfour"));
    assert!(like("one\n…", "one"));
    assert!(like("digest … of …d", "digest 12ab of 7d  "));
    assert!(!like("one", "one\ntwo"));
    assert!(!like("one\n…\nfour", "one\nfour\nfive"));
    assert!(!like("digest … of …d", "digest 12ab"));
}
