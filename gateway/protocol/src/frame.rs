//! Frames on a stream: `u32` little-endian length, then that many bytes, at most [`MESSAGE_MAX`].
//!
//! A length is looked at before anything is kept, so a peer that claims more is refused after four bytes.

use crate::{EncodeError, MESSAGE_MAX, encode};
use serde::Serialize;

/// Bytes of a frame's length.
const PREFIX: usize = 4;

/// A frame claims to be longer than a message may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a frame of {length} bytes is longer than a message may be, {MESSAGE_MAX}")]
pub struct FrameTooLong {
    /// What it claims.
    pub length: u32,
}

/// Bytes of a stream as they come, taken apart into frames. Keeps at most one frame and what came with it.
#[derive(Debug, Default)]
pub struct Frames {
    bytes: Vec<u8>,
    /// How much of `bytes` was taken.
    taken: usize,
}

impl Frames {
    /// Adds bytes that arrived.
    pub fn push(&mut self, bytes: &[u8]) {
        // What was taken goes before more comes, so memory stays within a frame and one read.
        self.bytes.drain(..self.taken);
        self.taken = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// The next whole frame, or `None` until more bytes have arrived.
    ///
    /// # Errors
    /// If it claims to be too long; nothing more can be read from the stream then.
    pub fn next_frame(&mut self) -> Result<Option<&[u8]>, FrameTooLong> {
        let rest = &self.bytes[self.taken..];
        let Some((prefix, rest)) = rest.split_first_chunk::<PREFIX>() else { return Ok(None) };
        let length = u32::from_le_bytes(*prefix);
        let wanted = length as usize;
        if wanted > MESSAGE_MAX {
            return Err(FrameTooLong { length });
        }
        match rest.get(..wanted) {
            Some(frame) => {
                self.taken += PREFIX + wanted;
                Ok(Some(frame))
            }
            None => Ok(None),
        }
    }

    /// Whether a frame has begun that is not whole.
    pub fn is_partial(&self) -> bool {
        self.taken < self.bytes.len()
    }
}

/// Appends a value as one frame.
///
/// # Errors
/// As [`encode`]; `out` is left as it was.
pub fn write_frame<T: Serialize>(value: &T, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    let start = out.len();
    out.extend_from_slice(&[0; PREFIX]);
    if let Err(error) = encode(value, out) {
        out.truncate(start);
        return Err(error);
    }
    let length = u32::try_from(out.len() - start - PREFIX).expect("an encoding is at most MESSAGE_MAX bytes");
    out[start..start + PREFIX].copy_from_slice(&length.to_le_bytes());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// However the bytes are cut on their way, the same frames come out.
        #[test]
        fn frames_come_out_as_they_went_in(
            values in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..20),
            cut in 1_usize..50,
        ) {
            let mut stream = Vec::new();
            values.iter().for_each(|value| write_frame(value, &mut stream).expect("short"));
            let mut frames = Frames::default();
            let mut out: Vec<Vec<u8>> = Vec::new();
            for bytes in stream.chunks(cut) {
                frames.push(bytes);
                while let Some(frame) = frames.next_frame().expect("short") {
                    out.push(crate::decode(frame).expect("an encoding"));
                }
            }
            prop_assert_eq!(out, values);
            prop_assert!(!frames.is_partial());
        }
    }

    #[test]
    fn a_length_that_is_too_long_is_refused_at_once() {
        let mut frames = Frames::default();
        frames.push(&(MESSAGE_MAX as u32 + 1).to_le_bytes());
        assert_eq!(frames.next_frame(), Err(FrameTooLong { length: MESSAGE_MAX as u32 + 1 }));
        let mut frames = Frames::default();
        frames.push(&(MESSAGE_MAX as u32).to_le_bytes());
        assert_eq!(frames.next_frame(), Ok(None));
        assert!(frames.is_partial());
    }
}
