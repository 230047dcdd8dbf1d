//! Exchanges in this process, from outside, as one program: each file for itself would be linked with everything again.
//!
//! No test here begins another process: that has for a moment the files that others have open, and with them the lock of a journal
//! that was closed meanwhile.

mod common;
mod crowd;
mod lossy;
mod metrics;
mod pipeline;
mod quic;
mod restart;
mod streams;
