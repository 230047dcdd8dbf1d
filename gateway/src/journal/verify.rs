//! `golv journal verify`: a journal is read to its end and replayed, and its snapshots are compared with the replay.

use std::path::Path;

use golv_journal::inventory::SnapshotFile;
use golv_journal::replay::Replay;
use golv_journal::{Header, Verdict, scan_from, snapshot};

use super::{Begin, JournalError, Tracked, print_end, print_mode, print_verdict, refuse_damage};
use crate::print::{self, grouped};

/// Verifies a journal and prints what it is; with `commands`, a line for each command first.
pub(super) fn verify(dir: &Path, commands: bool) -> Result<(), JournalError> {
    let (mut tracked, begin) = Tracked::begin(dir)?;
    let mut reader = scan_from(dir, begin.segment)?;
    let settings = *reader.settings();
    let mut snapshots = Snapshots::new(&tracked, begin.snapshot);
    let mut batches = 0_u64;
    let mut entered = begin.segment;
    while let Some(frame) = reader.next_frame()? {
        while entered < frame.segment {
            entered += 1;
            enter(&tracked, &mut snapshots, entered)?;
        }
        let Some(batch) = tracked.frame(&frame)? else { continue };
        batches += 1;
        if commands {
            for (sequence, entry) in (batch.header.first.0..).zip(&batch.entries) {
                print::line(format_args!(
                    "{sequence} {} {} {}",
                    entry.sender,
                    entry.id,
                    entry.command.name()
                ));
            }
        }
    }
    let verdict = reader.finish()?;
    if matches!(verdict, Verdict::Clean { .. } | Verdict::TornTail { .. }) {
        // Segments that were begun and have no frame yet.
        let last = tracked.inventory.segments.last().map_or(entered, |segment| segment.number);
        while entered < last {
            entered += 1;
            enter(&tracked, &mut snapshots, entered)?;
        }
        snapshots.rest_has_no_segment();
    }

    let exchange = tracked.replay.exchange();
    print_mode(&settings);
    print_begin(&begin);
    let before = begin.snapshot.map_or(0, |(_, sequence)| sequence.0);
    print::line(format_args!(
        "commands  {} in {} batches",
        grouped(&(exchange.sequence().0 - before).to_string()),
        grouped(&batches.to_string())
    ));
    print::line(format_args!("last      sequence {}, stamped {}", exchange.sequence(), exchange.at()));
    print_end(&verdict);
    let last = match verdict {
        Verdict::Clean { sealed: true, .. } => "",
        _ => "; after the last there is none yet",
    };
    print::line(format_args!(
        "replay    every batch comes to the chain that the frame after it carries{last}"
    ));
    for line in &snapshots.lines {
        print::line(format_args!("snapshot  {line}"));
    }
    print_verdict(&verdict);
    print_digests(&tracked.replay);
    let passed_over = tracked.inventory.segments.iter().filter(|file| file.number < begin.segment).count();
    if passed_over > 0 {
        print::line(format_args!(
            "not read  {passed_over} segments before segment {}, since those before them are missing",
            begin.segment
        ));
        refuse_damage(verdict)?;
        return Err(JournalError::NotRead { count: passed_over });
    }
    refuse_damage(verdict)?;
    match snapshots.disagreeing {
        0 => Ok(()),
        count => Err(JournalError::Snapshots { count }),
    }
}

fn print_begin(begin: &Begin) {
    if let Some((segment, sequence)) = begin.snapshot {
        print::line(format_args!(
            "begins    with the snapshot of segment {segment}, after sequence {sequence}: earlier segments are missing, \
             and nothing vouches for it but itself"
        ));
    }
}

pub(super) fn print_digests(replay: &Replay) {
    print::line(format_args!("state digest {}", replay.exchange().state_digest()));
    print::line(format_args!("chain digest {}", replay.chain()));
}

/// Compares the place that replay has reached with the segment that begins there, and with its snapshot.
fn enter(tracked: &Tracked, snapshots: &mut Snapshots, segment: u32) -> Result<(), JournalError> {
    let header = tracked.inventory.segments.iter().find(|file| file.number == segment);
    if let Some(Ok((_, header))) = header.map(|file| &file.content) {
        tracked.replay.begins(header).map_err(tracked.failed(segment, 0))?;
        snapshots.compare(&tracked.replay, header);
    }
    Ok(())
}

/// Snapshots that were not looked at yet, and what was found of the others.
struct Snapshots {
    left: Vec<SnapshotFile>,
    lines: Vec<String>,
    disagreeing: usize,
}

impl Snapshots {
    fn new(tracked: &Tracked, begun: Option<(u32, golv_engine::id::Sequence)>) -> Self {
        let files = &tracked.inventory.snapshots;
        // The one that replay began with is compared with nothing.
        let left = files.iter().filter(|file| begun.is_none_or(|(segment, _)| segment != file.segment));
        let left =
            left.map(|SnapshotFile { segment, file }| SnapshotFile { segment: *segment, file: file.clone() });
        Self { left: left.collect(), lines: Vec::new(), disagreeing: 0 }
    }

    /// Compares the snapshot of a segment, if there is one, with a replay that stands at the segment's beginning.
    fn compare(&mut self, replay: &Replay, header: &Header) {
        let Some(place) = self.left.iter().position(|snapshot| snapshot.segment == header.segment) else {
            return;
        };
        let SnapshotFile { segment, file } = self.left.remove(place);
        let snapshot = match snapshot::read(&file) {
            Ok(snapshot) => snapshot,
            // An exchange in use deletes its older snapshots.
            Err(_) if !file.exists() => return self.put_away(segment),
            Err(error) => return self.disagrees(format!("of segment {segment} is of no use: {error}")),
        };
        let found = &snapshot.replayed;
        let sequence = replay.exchange().sequence();
        let differs = [
            ("segment", snapshot.segment == segment),
            ("sequence", found.exchange.sequence() == sequence),
            ("chain", found.chain == replay.chain()),
            ("state digest", snapshot.state == replay.exchange().state_digest()),
            ("event counts", found.counts == *replay.counts()),
            ("time", found.now == replay.now()),
        ];
        let differs: Vec<_> = differs.iter().filter(|(_, equal)| !equal).map(|(what, _)| *what).collect();
        if differs.is_empty() {
            self.lines.push(format!("of segment {segment} agrees, after sequence {sequence}"));
        } else {
            let differs = differs.join(", ");
            self.disagrees(format!(
                "of segment {segment} does not agree after sequence {sequence}: {differs} ({})",
                file.display()
            ));
        }
    }

    /// At the end of a whole journal, what is left is of segments that are not there.
    fn rest_has_no_segment(&mut self) {
        for SnapshotFile { segment, file } in std::mem::take(&mut self.left) {
            if !file.exists() {
                self.put_away(segment);
                continue;
            }
            self.disagrees(format!(
                "of segment {segment} does not agree: no such segment was replayed ({})",
                file.display()
            ));
        }
    }

    fn put_away(&mut self, segment: u32) {
        self.lines.push(format!("of segment {segment} was put away meanwhile"));
    }

    fn disagrees(&mut self, line: String) {
        self.lines.push(line);
        self.disagreeing += 1;
    }
}
