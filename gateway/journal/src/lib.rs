//! The journal: the one order of the world, in an append-only file.
//!
//! A directory holds the file `lock` and segments, `00000001.journal` and so on. So far there is
//! one segment; its name, its header and every frame carry its number, so that more can come without a change
//! of format. Integers are little endian, and none has the machine's width.
//!
//! ```text
//! segment header, 128 bytes            frame, 64 bytes and the payload
//! offset  bytes                        offset  bytes
//!      0      8  "GOLVJRNL"                 0      4  CRC-32C of all that follows
//!      8      2  format, 0                  4      4  length of the payload
//!     10      1  mode: 0 live,              8      4  segment number
//!                1 rehearsal               12      8  sequence of the first command
//!     11      1  zero                      20      8  epoch, 0
//!     12      4  rules version             28      4  count of commands
//!     16      8  seed; 0 if live           32     32  chain up to the batch before
//!     24      8  first sequence            64         payload
//!     32     32  chain before it
//!     64      4  segment number        A batch has length ≥ count ≥ 1.
//!     68     56  zeros                 A seal has length and count 0; its sequence is
//!    124      4  CRC-32C of 0..124     the next, its chain that after the last batch.
//! ```
//!
//! # What is promised
//!
//! - **Durable** is what a [`Flusher::flush`] covers that began after [`Journal::append`] returned, and all
//!   that a journal held when [`Opened::into_journal`] returned: recovery flushes what it read.
//! - **One frame in doubt.** A batch is appended only after the one before is durable. So a power loss can
//!   damage one frame, the last. Recovery relies on it: a writer that runs ahead of its flushes loses
//!   nothing silently, but may find its journal refused.
//! - **A failure is final.** After a failed or short write, or a failed flush, everything is refused. A flush
//!   is never tried again: the system reports a lost page once and then calls it clean.
//! - **Damage gets a verdict**, never a silent end; see [`Verdict`].
//!
//! # What damage can be told from what
//!
//! | damaged | verdict |
//! |---|---|
//! | nothing | [`Verdict::Clean`], with whether a seal ends it |
//! | any frame before the last, such as a batch before a seal | [`Corruption::FrameFollows`] |
//! | whole frames missing from the middle, doubled or moved | [`Verdict::Gap`] |
//! | a whole frame of another segment | [`Corruption::OtherSegment`] |
//! | an end longer than one frame can be | [`Corruption::LongTail`] |
//! | any end shorter than that: the last frame or several, or a file cut within a frame | [`Verdict::TornTail`] |
//!
//! A torn tail is the one doubtful case, and recovery cuts it. A write that a crash interrupted looks like
//! it, and was never acknowledged; a last batch that decayed after it was flushed looks the same. A seal is
//! the difference: after an orderly stop the last frame is a seal, which holds no command, and damage to a
//! batch before it is corruption. If the seal itself is damaged, cutting it loses the knowledge of the
//! orderly stop and nothing else. A torn tail after a seal is what an interrupted first batch after a restart
//! leaves; the seal then vouches for all before it. A file cut exactly between two frames is clean; only the
//! missing seal shows.
//!
//! A checksum is no signature. A command holds text that its sender chose, and a sender who guesses segment
//! and sequence can put a valid frame in it; if just that batch is then torn, the journal is refused although
//! it could be cut. The error is on the safe side, and it needs an operator.
//!
//! Deliberately absent: computing or checking the chain, decoding payloads and replaying them, which belong
//! to those who know commands and events; rotation; preallocation; and repair. After a failed flush the
//! system's cache may show data that the disk lacks, and no program that reads through the cache can know:
//! the machine should be restarted before the journal is opened again.

#![forbid(unsafe_code)]

pub mod copy;
mod directory;
pub mod execute;
mod format;
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

pub use format::{Header, Mode, PAYLOAD_MAX, SEGMENT_BYTES, SEGMENT_HEADER, Settings};
pub use reader::{
    Content, Corruption, Frame, Gap, ReadError, Reader, ScanError, Verdict, scan, scan_from, scan_range,
    scan_up_to,
};
pub use recovery::{Locked, OpenError, Opened, RecoverError};
pub use writer::{AppendError, CreateError, FlushError, Flusher, Journal, SealError};
