//! The journal: the one order of the world, in an append-only log; and the way back from it to an exchange.
//!
//! A directory holds the file `lock`, segments `00000001.journal` and so on, snapshots `00000002.snapshot` and so on, each
//! of the state that the segment of its number begins with, and the folder `archive` with the segments that no snapshot
//! needs. `docs/formats.md` draws each of them; all of it is little endian, and no number has the
//! machine's width.
//!
//! | module | what it does |
//! |---|---|
//! | `format`, `directory` | bytes of headers and frames; names of files |
//! | [`disk`] | everything that changes what is on the disk |
//! | `writer`, `shared`, `spare` | appending and flushing; what the two share; the next segment, filled with zeros ahead |
//! | `segment`, `reader` | reading one segment, and all of them to a verdict |
//! | `recovery` | the lock, the cut of a torn tail, and a journal to append to |
//! | [`execute`], [`replay`] | executing a batch, for whoever writes or replays it; the chain |
//! | [`snapshot`], [`keeper`], [`restart`] | states on the disk; who writes them; starting from them |
//! | [`skip`] | setting commands aside that make the engine fail |
//! | [`copy`], [`inventory`] | a copy of a journal's beginning; what a directory holds, damaged or not |
//!
//! # What is promised
//!
//! - **Durable** is what a [`Flusher::flush`] covers that began after [`Journal::append`] returned, and all
//!   that a journal held when [`Opened::into_journal`] returned: recovery flushes what it read.
//! - **One write and one flush a batch.** A segment has its length and its blocks before it is used, so a flush changes
//!   nothing but the frame's bytes. A file that is named like a segment has a whole header.
//! - **One frame in doubt.** A batch is appended only after the one before is durable, and a segment begun only after the
//!   one before is. So a power loss can damage one frame, the last. Recovery relies on it: a writer that runs ahead of
//!   its flushes loses nothing silently, but may find its journal refused.
//! - **A failure is final.** After a failed or short write, a failed flush, or a next segment that could not be begun,
//!   everything is refused. A flush is never tried again: the system reports a lost page once and then calls it clean.
//! - **Damage gets a verdict**, never a silent end; see [`Verdict`].
//! - **Snapshots are worth nothing but time.** Each is compared with the journal when it is read, and passed over for an
//!   older one, or the founding, if it is damaged or does not fit.
//!
//! # What damage can be told from what
//!
//! | damaged | verdict |
//! |---|---|
//! | nothing | [`Verdict::Clean`], with whether a seal ends it |
//! | any frame with a whole one after it in its segment, such as a batch before a seal | [`Corruption::FrameFollows`] |
//! | any other place of a segment that another follows | [`Corruption::SegmentFollows`] |
//! | a whole frame of another segment; a segment of another journal | [`Corruption::OtherSegment`], [`Corruption::OtherJournal`] |
//! | the end of a closed segment that is read by itself | [`Corruption::ClosedSegment`] |
//! | an end longer than one frame can be | [`Corruption::LongTail`] |
//! | whole frames or segments missing, doubled or moved | [`Verdict::Gap`] |
//! | any end shorter than that: the last frame or several | [`Verdict::TornTail`] |
//!
//! A torn tail is the one doubtful case, and recovery cuts it. A write that a crash interrupted looks like
//! it, and was never acknowledged; a last batch that decayed after it was flushed looks the same. A seal is
//! the difference: after an orderly stop the last frame is a seal, which holds no command, and damage to a
//! batch before it is corruption. If the seal itself is damaged, cutting it loses the knowledge of the
//! orderly stop and nothing else. A torn tail after a seal is what an interrupted first batch after a restart
//! leaves; the seal then vouches for all before it. Where frames at the end were lost whole, and with them any trace, the
//! journal is clean; what then finds the loss is the position that clients were told with their last answers.
//!
//! Bytes that are missing at a file's end count as the zeros that stood there.
//!
//! A checksum is no signature. A command holds text that its sender chose, and a sender who guesses segment
//! and sequence can put a valid frame in it; if just that batch is then torn, the journal is refused although
//! it could be cut. The error is on the safe side, and it needs an operator.
//!
//! After a failed flush the system's cache may show data that the disk lacks, and call it clean. That can be the last
//! frame alone, so recovery writes it once more where it is, and flushes it, before it believes it.
//!
//! Deliberately absent: repair, and deleting segments.
//!
//! # A journal is written and read
//!
//! ```
//! use golv_engine::id::Sequence;
//! use golv_journal::{Journal, Mode, Settings, Verdict, scan};
//!
//! # let temp = tempfile::tempdir()?;
//! # let dir = temp.path();
//! let mode = Mode::Rehearsal { seed: 1 };
//! let settings = Settings { mode, rules_version: 0, segment_bytes: golv_journal::SEGMENT_BYTES };
//! let (genesis, after) = ([0; 32], [1; 32]);
//! let mut journal = Journal::create(dir, settings, genesis)?;
//! // Two commands in one batch, which is durable after the flush.
//! journal.append(Sequence(1), 2, &genesis, b"two commands, encoded")?;
//! journal.flusher().flush()?;
//! journal.seal(&after)?;
//!
//! let verdict = scan(dir)?.finish()?;
//! assert!(matches!(verdict, Verdict::Clean { sealed: true, last: Sequence(2), .. }));
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]

pub mod copy;
mod directory;
pub mod disk;
pub mod execute;
mod format;
#[cfg(all(test, not(loom)))]
mod golden;
pub mod inventory;
pub mod keeper;
mod reader;
mod recovery;
pub mod replay;
pub mod restart;
mod segment;
mod shared;
pub mod skip;
pub mod snapshot;
mod spare;
#[cfg(all(test, not(loom)))]
mod tests;
mod writer;

pub use format::{
    FRAME_HEADER, Header, Mode, PAYLOAD_MAX, SEGMENT_BYTES, SEGMENT_BYTES_MAX, SEGMENT_HEADER, Settings,
};
pub use reader::{
    Content, Corruption, Frame, Gap, ReadError, Reader, ScanError, Verdict, scan, scan_from, scan_range,
    scan_up_to,
};
pub use recovery::{Locked, OpenError, Opened, RecoverError};
pub use writer::{AppendError, CreateError, FlushError, Flusher, Journal, SealError};
