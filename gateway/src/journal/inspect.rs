//! `golv journal inspect`: what is in a journal's directory, frame by frame and file by file, without executing anything.

use std::path::Path;

use golv_engine::digest::Digest;
use golv_engine::id::Sequence;
use golv_journal::inventory::{Inventory, SegmentFile, SnapshotFile};
use golv_journal::skip::Skip;
use golv_journal::snapshot::SnapshotHeader;
use golv_journal::{Content, Frame, Header, Verdict, restart, scan, scan_range};

use super::{JournalError, Short, print_end, print_mode, print_verdict, refuse_damage};
use crate::print::{self, grouped};

/// What a segment holds, as far as it is whole.
#[derive(Default)]
struct Tally {
    batches: u64,
    commands: u64,
    seals: u64,
    skips: u64,
    /// Where the last whole frame ends, in bytes.
    used: u64,
}

/// Lists what there is, then says how it ends.
pub(super) fn inspect(dir: &Path, frames: bool) -> Result<(), JournalError> {
    let inventory = Inventory::take(dir)?;
    let mut rows = Vec::new();
    for segment in &inventory.segments {
        rows.push(segment_row(dir, segment, frames)?);
    }
    let columns = [
        ">segment",
        "where",
        ">first",
        ">last",
        ">batches",
        ">commands",
        ">seals",
        ">skips",
        ">used",
        ">length",
        "chain before",
        "state",
    ];
    print::line(print::table(&columns, rows));
    if inventory.snapshots.is_empty() {
        print::line("no snapshots");
    } else {
        let columns = [">snapshot", ">sequence", ">bytes", "state digest", "of use"];
        let rows = inventory.snapshots.iter().map(|snapshot| snapshot_row(dir, snapshot));
        print::line(print::table(&columns, rows));
    }
    let reader = scan(dir)?;
    print_mode(reader.settings());
    print::line(format_args!(
        "segments  {} bytes each",
        grouped(&reader.settings().segment_bytes.to_string())
    ));
    let verdict = reader.finish()?;
    print_end(&verdict);
    print_verdict(&verdict);
    refuse_damage(verdict).map(|_| ())
}

fn segment_row(dir: &Path, segment: &SegmentFile, frames: bool) -> Result<Vec<String>, JournalError> {
    let place = if segment.archived { "archive" } else { "journal" };
    let number = segment.number;
    let (length, Header { first, chain, .. }) = match &segment.content {
        Ok(content) => content,
        Err(error) => {
            let mut row = vec![number.to_string(), place.to_owned()];
            row.resize(11, String::new());
            row.push(error.to_string());
            return Ok(row);
        }
    };
    // Each for itself, so that damage in one hides nothing of the next.
    let mut reader = scan_range(dir, number, number.saturating_add(1))?;
    let mut tally = Tally { used: golv_journal::SEGMENT_HEADER as u64, ..Tally::default() };
    while let Some(frame) = reader.next_frame()? {
        if frames {
            print::line(frame_line(&frame));
        }
        tally.used = frame.end();
        match frame.content {
            Content::Batch { count, .. } => {
                tally.batches += 1;
                tally.commands += u64::from(count);
            }
            Content::Seal => tally.seals += 1,
            Content::Skip { .. } => tally.skips += 1,
        }
    }
    let state = match reader.finish()? {
        Verdict::Clean { .. } => "whole".to_owned(),
        Verdict::TornTail { offset, .. } => format!("ends in damage at offset {offset}"),
        Verdict::Corrupt(_) | Verdict::Gap(_) => format!("damaged at offset {}", tally.used),
    };
    let last = first.0 + tally.commands - 1;
    Ok(vec![
        number.to_string(),
        place.to_owned(),
        grouped(&first.to_string()),
        if tally.commands == 0 { "–".to_owned() } else { grouped(&last.to_string()) },
        grouped(&tally.batches.to_string()),
        grouped(&tally.commands.to_string()),
        tally.seals.to_string(),
        tally.skips.to_string(),
        grouped(&tally.used.to_string()),
        grouped(&length.to_string()),
        Short(*chain).to_string(),
        state,
    ])
}

fn frame_line(frame: &Frame<'_>) -> String {
    let Frame { sequence, epoch, chain, segment, segment_chain: _, offset, content } = frame;
    let (kind, count) = match content {
        Content::Batch { count, .. } => ("batch", *count),
        Content::Skip { .. } => ("skip", 0),
        Content::Seal => ("seal", 0),
    };
    let line = format!(
        "segment {segment} offset {offset} {kind} sequence {sequence} count {count} payload {} epoch {epoch} chain {}",
        frame.payload_length(),
        Digest(*chain)
    );
    match content {
        Content::Skip { payload } => line + &skip_text(payload),
        Content::Batch { .. } | Content::Seal => line,
    }
}

fn skip_text(payload: &[u8]) -> String {
    match Skip::decode(payload) {
        Ok(Skip { at, sequences, reason }) => {
            let sequences: Vec<_> = sequences.iter().map(Sequence::to_string).collect();
            // Quoted, with what is no letter escaped: a reason is one person's text in another's terminal.
            format!(" sets aside {} at {at} because {reason:?}", sequences.join(", "))
        }
        Err(error) => format!(" does not decode: {error}"),
    }
}

fn snapshot_row(dir: &Path, snapshot: &SnapshotFile) -> Vec<String> {
    let bytes = std::fs::metadata(&snapshot.file).map(|metadata| grouped(&metadata.len().to_string()));
    let (sequence, state) = match SnapshotHeader::read(&snapshot.file) {
        Ok(header) => (grouped(&header.sequence.to_string()), Short(header.state.0).to_string()),
        Err(_) => (String::new(), String::new()),
    };
    let of_use = match restart::fitting(dir, &snapshot.file) {
        Ok(_) => "yes".to_owned(),
        Err(error) => format!("no: {error}"),
    };
    vec![snapshot.segment.to_string(), sequence, bytes.unwrap_or_default(), state, of_use]
}

#[cfg(test)]
mod tests {
    use super::*;
    use golv_engine::time::Instant;

    #[test]
    fn a_skip_tells_what_was_set_aside_when_and_why() {
        let reason = "incident 12\u{1b}[2J".to_owned();
        let skip = Skip { at: Instant(0), sequences: vec![Sequence(7), Sequence(9)], reason };
        let mut payload = Vec::new();
        golv_protocol::encode(&skip, &mut payload).expect("it has an encoding");
        let content = Content::Skip { payload: &payload };
        let frame = Frame {
            sequence: Sequence(11),
            epoch: 0,
            chain: [0x5a; 32],
            segment: 1,
            segment_chain: [0; 32],
            offset: 128,
            content,
        };
        let chain = "5a".repeat(32);
        let length = payload.len();
        assert_eq!(
            frame_line(&frame),
            format!(
                "segment 1 offset 128 skip sequence 11 count 0 payload {length} epoch 0 chain {chain} sets aside 7, 9 at \
                 1970-01-01T00:00:00Z because \"incident 12\\u{{1b}}[2J\""
            )
        );
        let cut = Content::Skip { payload: &payload[..3] };
        assert!(frame_line(&Frame { content: cut, ..frame }).contains("does not decode"));
    }
}
