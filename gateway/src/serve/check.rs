//! `golv serve --check`: whether an exchange could be served with a configuration, without serving it or changing anything.
//!
//! What is looked at: that certificates, key and authority can be read, belong together and are valid now; that the
//! addresses can be listened on; and that the journal's directory is an exchange that this process may write. What is not:
//! the journal's content, which `golv journal verify` reads to its end.

use std::fs;
use std::net::{TcpListener, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use golv_client::tls::{Credentials, TrustAnchor};
use golv_engine::id::Sequence;
use golv_engine::time::Instant;
use golv_journal::inventory::Inventory;
use golv_journal::restart::{self, RestartError};
use golv_journal::{OpenError, RecoverError, scan_from};
use rustix::fs::{Access, access};
use serde_json::{Map, Value, json};

use super::configuration::Configuration;
use crate::logs::with_sources;
use crate::pki;
use crate::print;

const NANOSECONDS_PER_DAY: u64 = 86_400 * 1_000_000_000;

/// The permission of everybody to read a file.
const READ_BY_ALL: u32 = 0o004;

/// How the exchange could not be served.
#[derive(Debug, thiserror::Error)]
#[error("the exchange cannot be served so: what is marked as wrong above must be put right ({wrong} in all)")]
pub(super) struct CheckError {
    wrong: usize,
}

/// What was found of one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Right,
    /// The exchange can be served, and somebody should look.
    Note,
    Wrong,
}

impl Verdict {
    const fn name(self) -> &'static str {
        match self {
            Self::Right => "right",
            Self::Note => "note",
            Self::Wrong => "wrong",
        }
    }
}

/// Everything that was found: verdict, key, and a sentence.
#[derive(Default)]
struct Findings(Vec<(Verdict, &'static str, String)>);

impl Findings {
    fn add(&mut self, verdict: Verdict, key: &'static str, says: String) {
        self.0.push((verdict, key, says));
    }

    /// What is right says so itself; an error is wrong.
    fn add_result(&mut self, key: &'static str, result: Result<String, impl std::error::Error + 'static>) {
        match result {
            Ok(says) => self.add(Verdict::Right, key, says),
            Err(error) => self.add(Verdict::Wrong, key, with_sources(&error)),
        }
    }
}

/// Looks, and prints what holds and what was found.
///
/// # Errors
/// If the exchange could not be served.
pub(super) fn check(configuration: &Configuration, json: bool) -> Result<(), CheckError> {
    let mut findings = Findings::default();
    for variable in &configuration.strange_variables {
        findings.add(Verdict::Note, "environment", variable.to_string());
    }
    look_at_journal(configuration, &mut findings);
    look_at_certificates(configuration, &mut findings);
    look_at_addresses(configuration, &mut findings);
    let wrong = findings.0.iter().filter(|(verdict, ..)| *verdict == Verdict::Wrong).count();
    if json {
        print::line(as_json(configuration, &findings, wrong == 0));
    } else {
        let rows = configuration.in_force.iter();
        let rows = rows.map(|set| vec![set.name.to_owned(), set.value.clone(), set.origin.to_string()]);
        print::line(print::table(&["key", "value", "set by"], rows));
        for (verdict, key, says) in &findings.0 {
            print::line(format_args!("{:<6} {key:<12} {says}", verdict.name()));
        }
    }
    if wrong == 0 { Ok(()) } else { Err(CheckError { wrong }) }
}

fn as_json(configuration: &Configuration, findings: &Findings, served: bool) -> Value {
    let keys: Map<String, Value> = configuration
        .in_force
        .iter()
        .map(|set| {
            let (kind, by) = (set.origin.kind(), set.origin.to_string());
            (set.name.to_owned(), json!({"value": set.value, "source": kind, "set_by": by}))
        })
        .collect();
    let found: Vec<Value> = findings
        .0
        .iter()
        .map(|(verdict, key, says)| json!({"verdict": verdict.name(), "key": key, "says": says}))
        .collect();
    json!({"configuration": keys, "findings": found, "can_be_served": served})
}

fn look_at_journal(configuration: &Configuration, findings: &mut Findings) {
    let dir = &configuration.data;
    findings.add_result("data", look_into(dir));
    // The directory gets new files, and the last segment is gone on with.
    let last = Inventory::take(dir).ok().and_then(|inventory| Some(inventory.segments.last()?.file.clone()));
    let needed = [(dir.clone(), Access::WRITE_OK | Access::EXEC_OK)]
        .into_iter()
        .chain(last.map(|segment| (segment, Access::READ_OK | Access::WRITE_OK)));
    for (path, needed) in needed {
        if path.exists() && access(&path, needed).is_err() {
            let says = format!("{} cannot be written by this user; see who owns it", path.display());
            findings.add(Verdict::Wrong, "data", says);
        }
    }
}

/// As far as the founding or the snapshot that a start begins with.
fn look_into(dir: &Path) -> Result<String, RestartError> {
    let begun = restart::begin(dir)?;
    let mut sequence = begun.replay.exchange().sequence();
    if sequence == Sequence(0) {
        let mut replay = begun.replay;
        let mut reader = scan_from(dir, replay.segment()).map_err(OpenError::from)?;
        if let Some(frame) = reader.next_frame().map_err(RecoverError::from)? {
            replay.frame(&frame)?;
        }
        sequence = replay.exchange().sequence();
    }
    if sequence == Sequence(0) {
        return Err(RestartError::NotFounded { dir: dir.to_owned() });
    }
    let segments = Inventory::take(dir).map_err(OpenError::from)?.segments.len();
    Ok(format!(
        "{} is an exchange with {segments} segment{}; a start replays what came after sequence {sequence}",
        dir.display(),
        if segments == 1 { "" } else { "s" },
    ))
}

fn look_at_certificates(configuration: &Configuration, findings: &mut Findings) {
    let Configuration { certificate, key, ca, .. } = configuration;
    let loaded = Credentials::load(certificate, key);
    let loaded = loaded.map(|_| format!("{} is the key of {}", key.display(), certificate.display()));
    findings.add_result("key", loaded);
    let mode = fs::metadata(key).map_or(0, |metadata| metadata.permissions().mode());
    if mode & READ_BY_ALL != 0 {
        let says = format!("{} can be read by everybody; take that away with chmod o= of it", key.display());
        findings.add(Verdict::Note, "key", says);
    }
    let trust = TrustAnchor::load(ca);
    findings.add_result("ca", trust.map(|_| format!("{} holds an authority", ca.display())));
    for (name, path) in [("certificate", certificate), ("ca", ca)] {
        match pki::show_all(path) {
            Ok(all) => {
                if name == "certificate" {
                    findings.add_hosts(path, all.first());
                }
                for shown in all {
                    findings.add_validity(name, path, &shown, configuration.certificate_warning_days);
                }
            }
            Err(error) => findings.add(Verdict::Wrong, name, with_sources(&error)),
        }
    }
}

impl Findings {
    fn add_hosts(&mut self, path: &Path, shown: Option<&pki::Shown>) {
        let hosts = shown.map(|shown| shown.hosts.join(", ")).unwrap_or_default();
        if hosts.is_empty() {
            let says = format!(
                "{} names no host, so no client can connect; have one issued for a server",
                path.display()
            );
            self.add(Verdict::Wrong, "certificate", says);
        } else {
            self.add(Verdict::Right, "certificate", format!("clients connect to it as {hosts}"));
        }
    }

    fn add_validity(&mut self, key: &'static str, path: &Path, shown: &pki::Shown, warning_days: u64) {
        let (whose, path) = (&shown.subject, path.display());
        let pki::Validity { not_before, not_after } = shown.validity;
        let now = now();
        let (verdict, says) = match days_left(not_after, now) {
            None => (Verdict::Wrong, format!("ended at {not_after}; have another issued")),
            Some(_) if not_before > now => {
                (Verdict::Wrong, format!("is valid from {not_before} only; see whether the clock is right"))
            }
            Some(days) if days < warning_days => {
                (Verdict::Note, format!("ends at {not_after}, in {days} days; have another issued"))
            }
            Some(days) => (Verdict::Right, format!("is valid until {not_after}, {days} days more")),
        };
        self.add(verdict, key, format!("{whose} in {path} {says}"));
    }
}

fn look_at_addresses(configuration: &Configuration, findings: &mut Findings) {
    let mut add = |key, network, address, bound: std::io::Result<()>| match bound {
        Ok(()) => findings.add(Verdict::Right, key, format!("{network} {address} can be listened on")),
        Err(error) => {
            let says = format!(
                "cannot listen on {network} {address}: {error}; see whether the address is this machine's and the port is free, \
                 or whether the exchange is being served already"
            );
            findings.add(Verdict::Wrong, key, says);
        }
    };
    let listen = configuration.listen;
    add("listen", "UDP", listen, UdpSocket::bind(listen).map(drop));
    if let Some(address) = configuration.metrics {
        add("metrics", "TCP", address, TcpListener::bind(address).map(drop));
    }
}

/// The time now.
pub(super) fn now() -> Instant {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
    Instant(i64::try_from(since).unwrap_or(i64::MAX))
}

/// How many whole days there are until an end; `None` if it has passed.
pub(super) fn days_left(end: Instant, now: Instant) -> Option<u64> {
    (now <= end).then(|| now.0.abs_diff(end.0) / NANOSECONDS_PER_DAY)
}
