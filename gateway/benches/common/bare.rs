//! The least that a durable exchange has to do: the frames that it wrote, appended and flushed once more, and nothing else.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, Instant as Clock};

use golv_journal::{Content, scan};

/// A frame as it is in the journal.
pub struct Written {
    pub bytes: Vec<u8>,
    pub commands: u64,
}

/// The frames of a journal whose first command comes after a sequence and not after another. What is before their payload
/// is as long as in the journal, and zeros.
pub fn frames(journal: &Path, after: u64, up_to: u64) -> Vec<Written> {
    const FRAME_HEADER: usize = 64;
    let mut reader = scan(journal).expect("a journal");
    let mut frames = Vec::new();
    while let Some(frame) = reader.next_frame().expect("whole") {
        if let Content::Batch { count, payload, .. } = frame.content
            && (after + 1..=up_to).contains(&frame.sequence.0)
        {
            let mut bytes = vec![0; FRAME_HEADER];
            bytes.extend_from_slice(payload);
            frames.push(Written { bytes, commands: u64::from(count) });
        }
    }
    frames
}

/// Writes and flushes frame after frame to a file that was filled with zeros, and nothing else; how long it took. Tells how
/// long each frame took.
pub fn append_bare(path: &Path, frames: &[Written], mut took: impl FnMut(Duration)) -> Duration {
    let length = frames.iter().map(|frame| frame.bytes.len()).sum();
    std::fs::write(path, vec![0; length]).expect("room for a file");
    let file = File::options().write(true).open(path).expect("just written");
    file.sync_all().expect("flushed");
    let begin = Clock::now();
    let mut offset = 0;
    let mut last = begin;
    for frame in frames {
        file.write_all_at(&frame.bytes, offset).expect("written");
        file.sync_data().expect("flushed");
        offset += frame.bytes.len() as u64;
        let now = Clock::now();
        took(now - last);
        last = now;
    }
    begin.elapsed()
}
