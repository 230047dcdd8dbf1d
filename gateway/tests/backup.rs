//! A backup of an exchange in use, made by the commands of docs/operations.md, verifies and can be served.

use std::path::Path;
use std::process::{Command as Process, Output};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};

use crate::common::*;
use golv_engine::command::Command;
use golv_engine::id::*;
use golv_gateway::pipeline::{Creation, LocalSession, Message, Pipeline, Waiting};

/// Few commands fill a segment, so that segments move to the archive while they are copied.
const SEGMENT_BYTES: u32 = 1024;

/// The first block of commands under a title of the page, for these directories and this binary.
fn commands_of_the_page(title: &str, data: &Path, copy: &Path) -> String {
    let page = include_str!("../../docs/operations.md");
    let (_, section) = page.split_once(&format!("\n## {title}\n")).expect("a section");
    let block =
        section.split("```").nth(1).and_then(|block| block.strip_prefix("console\n")).expect("a block");
    let golv = format!("golv() {{ {} \"$@\"; }}\n", env!("CARGO_BIN_EXE_golv"));
    let directories = [("/var/lib/golv/journal", data), ("/backup/golv", copy)];
    directories
        .iter()
        .fold(golv + block, |text, (named, dir)| text.replace(named, &dir.display().to_string()))
}

fn sh(script: &str) -> Output {
    Process::new("sh").args(["-c", script]).output().expect("a shell")
}

/// Sends a command and waits until it is answered, which is when it is durable.
fn set_clock(session: &mut LocalSession, id: u64) -> Sequence {
    let to = after(u32::try_from(id).expect("small"));
    let (sender, id) = (IdentityId(OPERATORS[0]), CommandId(id));
    session.send(sender, id, Command::SetClock { to }).expect("room in the ring");
    loop {
        if let Message::Answered { answers, .. } = session.receive().expect("running")
            && let [answered, ..] = &*answers
        {
            return answered.answer.sequence;
        }
    }
}

fn digest(dir: &Path, at: Sequence) -> String {
    let golv = Process::new(env!("CARGO_BIN_EXE_golv"))
        .args(["journal", "digest", "--at", &at.0.to_string()])
        .arg(dir)
        .output()
        .expect("golv runs");
    assert!(golv.status.success(), "{}", String::from_utf8_lossy(&golv.stderr));
    String::from_utf8(golv.stdout).expect("UTF-8")
}

#[test]
fn a_copy_that_is_made_as_the_page_says_verifies_and_can_be_served() {
    let bench = Bench::new();
    let (data, copy) = (bench.path("data"), bench.path("copy"));
    let creation = Creation::Rehearsal { seed: 1, start: start() };
    let pipeline =
        Pipeline::create_in_segments(&data, creation, SEGMENT_BYTES, bench.founding(), Waiting::Park)
            .expect("created");
    let mut session = pipeline.connect().expect("running");

    // Commands come all the time; the test goes on once segments have moved to the archive.
    let stop = Arc::new(AtomicBool::new(false));
    let (archived, when_archived) = mpsc::channel();
    let trading = {
        let (stop, archive) = (Arc::clone(&stop), data.join("archive"));
        std::thread::spawn(move || {
            let mut last = Sequence(0);
            for id in 1.. {
                last = set_clock(&mut session, id);
                if archive.read_dir().is_ok_and(|mut segments| segments.next().is_some()) {
                    // Sent many times and heard once.
                    let _ = archived.send(last);
                }
                if stop.load(Ordering::Relaxed) {
                    break;
                }
            }
            last
        })
    };
    let before = when_archived.recv().expect("segments are archived");

    let script = commands_of_the_page("Back up", &data, &copy);
    assert!(script.contains("journal verify"), "{script}");
    // A copy that the writer has overtaken is made again, as the page says.
    let mut output = sh(&script);
    for _ in 0..5 {
        if output.status.success() {
            break;
        }
        std::fs::remove_dir_all(&copy).expect("it was made");
        output = sh(&script);
    }
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{printed}{}", String::from_utf8_lossy(&output.stderr));
    stop.store(true, Ordering::Relaxed);
    let last = trading.join().expect("no panic");
    pipeline.stop().expect("stopped");

    assert!(copy.join("archive").read_dir().expect("copied").next().is_some(), "{printed}");
    let (served, opening) = Pipeline::open(&copy, Waiting::Park).expect("the copy can be served");
    let reached = opening.position.sequence;
    assert!(before <= reached && reached <= last, "{before} {reached} {last}");
    served.stop().expect("stopped");
    assert_eq!(digest(&copy, reached), digest(&data, reached));
}
