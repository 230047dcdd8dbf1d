//! `golv serve` as a process, and the command lines of those who use it.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, Command as Process, Output, Stdio};

use super::Bench;

pub fn golv(bench: &Bench, arguments: &[&str]) -> Output {
    let mut process = Process::new(env!("CARGO_BIN_EXE_golv"));
    process.current_dir(bench.path("")).args(arguments).output().expect("golv runs")
}

/// What a call that must succeed prints.
pub fn done(bench: &Bench, arguments: &[&str]) -> String {
    let output = golv(bench, arguments);
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "golv {}\n{out}{err}", arguments.join(" "));
    out
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

/// A server process, and where it listens.
pub struct Server {
    process: Child,
    pub address: SocketAddr,
    stdout: BufReader<std::process::ChildStdout>,
}

impl Server {
    pub fn start(bench: &Bench, listen: &str) -> Self {
        Self::start_with(bench, listen, &[], Stdio::null())
    }

    /// With metrics, and everything that can be logged in the file `log`.
    pub fn start_watched(bench: &Bench, listen: &str) -> Self {
        let log = std::fs::File::create(bench.path("log")).expect("a file");
        let options = ["--metrics", "127.0.0.1:0", "--log", "json", "--log-level", "debug"];
        Self::start_with(bench, listen, &options, log.into())
    }

    pub fn start_with(bench: &Bench, listen: &str, options: &[&str], stderr: Stdio) -> Self {
        Self::run(bench, listen, Process::new(env!("CARGO_BIN_EXE_golv")), options, stderr)
    }

    /// Starts it where no file may be longer than so many blocks of 512 bytes. A write beyond that fails, as one on a full
    /// disk does; the signal that would end the process first is ignored.
    pub fn start_limited(bench: &Bench, blocks: u32) -> Self {
        let mut shell = Process::new("sh");
        let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
        shell.args(["-c", &script, env!("CARGO_BIN_EXE_golv")]);
        Self::run(bench, "127.0.0.1:0", shell, &[], Stdio::piped())
    }

    pub fn run(bench: &Bench, listen: &str, mut golv: Process, options: &[&str], stderr: Stdio) -> Self {
        let mut process = golv
            .current_dir(bench.path(""))
            .args(["serve", "--data", "data", "--listen", listen, "--certificate", "pki/server.pem"])
            .args(["--key", "pki/server.key.pem", "--ca", "pki/ca.pem"])
            .args(options)
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn()
            .expect("golv runs");
        let mut stdout = BufReader::new(process.stdout.take().expect("piped"));
        let mut line = String::new();
        stdout.read_line(&mut line).expect("text");
        let address = line.trim().rsplit(' ').next().and_then(|address| address.parse().ok());
        Self { process, address: address.unwrap_or_else(|| panic!("serving … on …: {line:?}")), stdout }
    }

    /// Sends SIGTERM, and gives what is printed until the end.
    pub fn terminate(mut self) -> String {
        let id = self.process.id().to_string();
        assert!(Process::new("kill").args(["-TERM", &id]).status().expect("kill runs").success());
        let mut printed = String::new();
        self.stdout.read_to_string(&mut printed).expect("text");
        assert!(self.process.wait().expect("ended").success());
        printed
    }

    /// Waits for it to end by itself, and gives its exit code and what it complained of.
    pub fn ended(mut self) -> (Option<i32>, String) {
        let mut complaints = String::new();
        let mut stderr = self.process.stderr.take().expect("piped");
        stderr.read_to_string(&mut complaints).expect("text");
        (self.process.wait().expect("ended").code(), complaints)
    }

    pub fn kill(self) {
        // Dropped, which kills it.
    }
}

/// A test that fails leaves no server behind.
impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The command lines of two operators, a supplier (4) and a buyer (7).
pub struct Desk<'a> {
    bench: &'a Bench,
    address: String,
}

impl<'a> Desk<'a> {
    /// With a market in which both can trade.
    pub fn furnished(bench: &'a Bench, server: &Server) -> Self {
        let desk = Self { bench, address: server.address.to_string() };
        desk.register(4, "supplier");
        desk.register(7, "buyer,group-lead");
        desk.agree(
            "markets define 1 --name Lithium --unit t --currency USD --lot 1 --tick 10 --lowest 0 --highest 1000 --largest 100",
        );
        desk
    }

    /// A participant in one role, with an identity of the same number.
    pub fn register(&self, identity: u32, role: &str) {
        let fingerprint = self.bench.of(identity).fingerprint();
        self.agree(&format!(
            "participants register {identity} --name Trader-{identity} --owner-group {identity} --roles {role}"
        ));
        self.agree(&format!("identities add {identity} --participant {identity}"));
        self.agree(&format!("identities bind-key {identity} --fingerprint {fingerprint}"));
    }

    pub fn run(&self, command: &str, identity: u32, arguments: &str) -> Output {
        let (certificate, key) =
            (format!("pki/identity-{identity}.pem"), format!("pki/identity-{identity}.key.pem"));
        let connection = [
            command,
            "--server",
            &self.address,
            "--server-name",
            "localhost",
            "--certificate",
            &certificate,
            "--key",
            &key,
            "--ca",
            "pki/ca.pem",
        ]
        .map(str::to_owned);
        let words: Vec<String> = connection.into_iter().chain(shell_words(arguments)).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        golv(self.bench, &words)
    }

    /// What is printed by what must be done.
    pub fn does(&self, command: &str, identity: u32, arguments: &str) -> String {
        let output = self.run(command, identity, arguments);
        let said = text(&output.stdout);
        assert!(output.status.success(), "{arguments}\n{said}{}", text(&output.stderr));
        said
    }

    /// The first operator proposes, and its answer names what the second confirms.
    pub fn agree(&self, arguments: &str) {
        let proposal = last_word_of_first_line(&self.does("admin", 1, arguments));
        self.does("admin", 2, &format!("proposals confirm {proposal}"));
    }

    pub fn bid(&self, identity: u32, arguments: &str) -> String {
        last_word_of_first_line(&self.does("trade", identity, &format!("place {arguments}")))
    }

    pub fn clock(&self, instant: &str) {
        self.does("admin", 1, &format!("clock set {instant}"));
    }
}

pub fn found(bench: &Bench) {
    let found = ["found", "--data", "data", "--name", "The centre", "--rehearsal", "2019-01-01T00:00:00Z"];
    done(bench, &[&found[..], &["--operators", "pki/identity-1.pem", "pki/identity-2.pem"]].concat());
}

/// What the next call needs of an answer: the proposal to confirm, or the bid's name.
pub fn last_word_of_first_line(said: &str) -> String {
    said.lines().next().and_then(|line| line.rsplit(' ').next()).expect("an answer").to_owned()
}

/// Splits at spaces: no argument here needs quoting.
pub fn shell_words(arguments: &str) -> impl Iterator<Item = String> {
    arguments.split(' ').map(str::to_owned)
}
