//! A batch: the commands that the journal stores, and the engine applies, as one.
//!
//! ```text
//! offset  bytes
//!      0      8  first     sequence of the first entry; the others follow without a gap
//!      8      8  at        the batch's stamp, in nanoseconds since 1970 in UTC
//!     16     32  entropy   random bytes, so that a hash of the batch tells nothing about what is in it
//!     48      4  count     of entries, at least 1
//!     52         count times: length u32 | entry, of which
//!                  4  sender   identity
//!                  8  id       the sender's number for the command
//!                     command
//! ```
//!
//! Each entry is encoded on its own, under [`MESSAGE_MAX`], so that a batch may be longer than a message
//! and yet no entry costs more to decode than a message does.
//!
//! Deliberately absent: any knowledge of commands, hence the parameter `C`; and checksums, which are
//! the journal's.

use golv_engine::id::{CommandId, IdentityId, Sequence};
use golv_engine::time::Instant;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::{DecodeError, EncodeError, MESSAGE_MAX, decode, encode};

/// The longest batch that is decoded, in bytes. Larger than what a writer gathers, so that a later writer may
/// gather more without older readers refusing it.
pub const BATCH_MAX: usize = 1024 * 1024;

/// Where a writer stops gathering, in bytes of payload.
pub const GATHER_BYTES: usize = 256 * 1024;

/// Where a writer stops gathering, in entries.
pub const GATHER_ENTRIES: u32 = 1024;

const HEADER_LENGTH: usize = 48;
const COUNT_LENGTH: usize = 4;
/// A length, a sender and an id: the entry of a command without content.
const ENTRY_LENGTH_MIN: usize = 16;

// An empty batch takes any entry, so a writer always gets on.
const _: () = assert!(HEADER_LENGTH + COUNT_LENGTH + 4 + MESSAGE_MAX <= GATHER_BYTES);
const _: () = assert!(GATHER_BYTES <= BATCH_MAX);

/// What the entries of a batch have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchHeader {
    /// The sequence of the first entry.
    pub first: Sequence,
    /// When the batch was stamped.
    pub at: Instant,
    /// Random bytes, drawn for this batch.
    pub entropy: [u8; 32],
}

/// A command, and who asked for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry<C> {
    /// The identity that asked.
    pub sender: IdentityId,
    /// The sender's number for the command.
    pub id: CommandId,
    /// What was asked.
    pub command: C,
}

/// A batch as it was read. It holds at least one entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch<C> {
    /// What the entries have in common.
    pub header: BatchHeader,
    /// The commands, in the order of their sequence.
    pub entries: Vec<Entry<C>>,
}

/// Why bytes are not a batch. Offsets are in bytes from the beginning of the batch.
#[derive(Debug, thiserror::Error)]
pub enum DecodeBatchError {
    /// There are more bytes than [`BATCH_MAX`]. None were looked at.
    #[error("{length} bytes are more than a batch may have, {BATCH_MAX}")]
    TooLong {
        /// How many there are.
        length: usize,
    },
    /// The bytes end within the header or an entry.
    #[error("the batch ends within what begins at offset {offset}")]
    Truncated {
        /// Where the part begins that is not complete.
        offset: usize,
    },
    /// The batch says that it has no entry.
    #[error("the batch is empty")]
    Empty,
    /// The header does not decode.
    #[error("the batch's header does not decode")]
    Header(#[source] DecodeError),
    /// An entry does not decode.
    #[error("entry {index} of the batch, at offset {offset}, does not decode")]
    Entry {
        /// Which one, counted from 0.
        index: u32,
        /// Where its length stands.
        offset: usize,
        /// What is wrong with it.
        source: DecodeError,
    },
    /// Bytes follow the last entry.
    #[error("{trailing} bytes follow the batch")]
    Trailing {
        /// How many.
        trailing: usize,
    },
}

impl<C: DeserializeOwned> Batch<C> {
    /// Decodes a batch from exactly these bytes.
    ///
    /// # Errors
    ///
    /// When the bytes are too many, too few, or no batch of commands `C`.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeBatchError> {
        if bytes.len() > BATCH_MAX {
            return Err(DecodeBatchError::TooLong { length: bytes.len() });
        }
        let truncated_at = |offset| DecodeBatchError::Truncated { offset };
        let (header, rest) = bytes.split_at_checked(HEADER_LENGTH).ok_or(truncated_at(0))?;
        let header = decode(header).map_err(DecodeBatchError::Header)?;
        let (count, mut rest) = rest.split_first_chunk().ok_or(truncated_at(HEADER_LENGTH))?;
        let count = u32::from_le_bytes(*count);
        if count == 0 {
            return Err(DecodeBatchError::Empty);
        }
        // The count is not believed further than the bytes reach.
        let mut entries = Vec::with_capacity((count as usize).min(rest.len() / ENTRY_LENGTH_MIN));
        for index in 0..count {
            let offset = bytes.len() - rest.len();
            let (length, after) = rest.split_first_chunk().ok_or(truncated_at(offset))?;
            let length = u32::from_le_bytes(*length) as usize;
            let (entry, after) = after.split_at_checked(length).ok_or(truncated_at(offset))?;
            let entry = decode(entry).map_err(|source| DecodeBatchError::Entry { index, offset, source })?;
            entries.push(entry);
            rest = after;
        }
        match rest.len() {
            0 => Ok(Self { header, entries }),
            trailing => Err(DecodeBatchError::Trailing { trailing }),
        }
    }
}

/// Gathers a batch in a buffer that serves again for the next, so that a busy writer allocates nothing.
#[derive(Debug)]
pub struct BatchWriter {
    buffer: Vec<u8>,
    len: u32,
}

impl BatchWriter {
    /// A writer with an empty batch.
    pub fn new(header: BatchHeader) -> Self {
        let mut writer = Self { buffer: Vec::new(), len: 0 };
        writer.restart(header);
        writer
    }

    /// Forgets the entries and begins the next batch.
    pub fn restart(&mut self, header: BatchHeader) {
        self.buffer.clear();
        self.len = 0;
        encode(&header, &mut self.buffer).expect("a header has an encoding of fixed length");
        debug_assert_eq!(self.buffer.len(), HEADER_LENGTH);
        self.buffer.extend_from_slice(&self.len.to_le_bytes());
    }

    /// Adds an entry; `false` if it would take the batch past [`GATHER_ENTRIES`] or [`GATHER_BYTES`]. It
    /// belongs in the next batch then, and this one is as it was. An empty batch takes any entry.
    ///
    /// # Errors
    ///
    /// When the entry's encoding is longer than [`MESSAGE_MAX`], or there is none. The batch is as it was.
    pub fn push<C: Serialize>(&mut self, entry: &Entry<C>) -> Result<bool, EncodeError> {
        if self.len == GATHER_ENTRIES {
            return Ok(false);
        }
        let start = self.buffer.len();
        self.buffer.extend_from_slice(&[0; 4]);
        if let Err(error) = encode(entry, &mut self.buffer) {
            self.buffer.truncate(start);
            return Err(error);
        }
        if self.buffer.len() > GATHER_BYTES {
            self.buffer.truncate(start);
            return Ok(false);
        }
        let length = u32::try_from(self.buffer.len() - start - 4).expect("an entry is at most MESSAGE_MAX");
        self.buffer[start..start + 4].copy_from_slice(&length.to_le_bytes());
        self.len += 1;
        let count = &mut self.buffer[HEADER_LENGTH..HEADER_LENGTH + COUNT_LENGTH];
        count.copy_from_slice(&self.len.to_le_bytes());
        Ok(true)
    }

    /// How many entries the batch has.
    pub fn len(&self) -> u32 {
        self.len
    }

    /// Whether the batch has no entry yet.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The batch's encoding, as the journal stores it.
    ///
    /// # Panics
    ///
    /// If the batch is empty: there is no such batch.
    pub fn payload(&self) -> &[u8] {
        assert!(!self.is_empty(), "a batch holds at least one entry");
        &self.buffer
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{Sample, sample};
    use proptest::collection::vec;
    use proptest::prelude::*;

    fn header() -> BatchHeader {
        BatchHeader { first: Sequence(0x0102), at: Instant(-2), entropy: [0xee; 32] }
    }

    fn entry<C>(id: u64, command: C) -> Entry<C> {
        Entry { sender: IdentityId(7), id: CommandId(id), command }
    }

    fn written<C: Serialize>(entries: &[Entry<C>]) -> Vec<u8> {
        let mut writer = BatchWriter::new(header());
        for entry in entries {
            assert!(writer.push(entry).expect("a short entry"), "room for a few");
        }
        writer.payload().to_vec()
    }

    #[test]
    fn the_bytes_are_as_documented() {
        let bytes = written(&[entry(1, Sample::Unit), entry(0x0203, Sample::Text("ab".to_owned()))]);
        let mut expected = Vec::new();
        expected.extend([0x02, 0x01, 0, 0, 0, 0, 0, 0]); // first
        expected.extend([0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]); // at
        expected.extend([0xee; 32]); // entropy
        expected.extend([2, 0, 0, 0]); // count
        expected.extend([16, 0, 0, 0]); // length
        expected.extend([7, 0, 0, 0]); // sender
        expected.extend([1, 0, 0, 0, 0, 0, 0, 0]); // id
        expected.extend([0, 0, 0, 0]); // Unit
        expected.extend([26, 0, 0, 0]); // length
        expected.extend([7, 0, 0, 0]); // sender
        expected.extend([0x03, 0x02, 0, 0, 0, 0, 0, 0]); // id
        expected.extend([1, 0, 0, 0]); // Text
        expected.extend([2, 0, 0, 0, 0, 0, 0, 0, b'a', b'b']);
        assert_eq!(bytes, expected);
    }

    #[test]
    fn a_batch_stops_at_its_entries() {
        let mut writer = BatchWriter::new(header());
        for id in 0..u64::from(GATHER_ENTRIES) {
            assert!(writer.push(&entry(id, ())).expect("a short entry"));
        }
        let full = writer.payload().to_vec();
        assert!(!writer.push(&entry(9999, ())).expect("a short entry"));
        assert_eq!(writer.payload(), full);
        assert_eq!(writer.len(), GATHER_ENTRIES);
    }

    #[test]
    fn a_batch_stops_at_its_bytes_and_refuses_a_long_entry() {
        // The longest command: an entry's fixed part and a text's length take the rest.
        let longest = "x".repeat(MESSAGE_MAX - 12 - 8);
        let mut writer = BatchWriter::new(header());
        let mut pushed = 0;
        while writer.push(&entry(pushed, &longest)).expect("as long as allowed") {
            pushed += 1;
        }
        assert_eq!(pushed, 3);
        let payload = writer.payload().to_vec();
        assert!(payload.len() <= GATHER_BYTES);
        let refused = writer.push(&entry(9, format!("{longest}x")));
        assert!(matches!(refused, Err(EncodeError::TooLong)), "{refused:?}");
        assert_eq!(writer.payload(), payload, "left as it was");
        // What did not fit still does when it is shorter, and a batch longer than a message decodes.
        assert!(writer.push(&entry(9, "short".to_owned())).expect("short"));
        let batch = Batch::<String>::decode(writer.payload()).expect("just written");
        assert_eq!(batch.entries.len(), 4);
        assert_eq!(batch.entries[3], entry(9, "short".to_owned()));
    }

    #[test]
    fn a_writer_starts_again_without_allocating() {
        let mut writer = BatchWriter::new(header());
        assert!(writer.push(&entry(1, "something")).expect("short"));
        let capacity = writer.buffer.capacity();
        let next = BatchHeader { first: Sequence(3), ..header() };
        writer.restart(next);
        assert!(writer.is_empty());
        assert!(writer.push(&entry(2, "else")).expect("short"));
        assert_eq!(writer.buffer.capacity(), capacity);
        let batch = Batch::<String>::decode(writer.payload()).expect("just written");
        assert_eq!(batch, Batch { header: next, entries: vec![entry(2, "else".to_owned())] });
    }

    #[test]
    fn an_empty_or_a_long_batch_is_refused() {
        let empty = BatchWriter::new(header()).buffer;
        assert!(matches!(Batch::<Sample>::decode(&empty), Err(DecodeBatchError::Empty)));
        let long = vec![0; BATCH_MAX + 1];
        assert!(matches!(Batch::<Sample>::decode(&long), Err(DecodeBatchError::TooLong { .. })));
    }

    #[test]
    fn neither_a_count_nor_a_length_is_believed() {
        let good = written(&[entry(1, Sample::Unit)]);
        for offset in [HEADER_LENGTH, HEADER_LENGTH + COUNT_LENGTH] {
            let mut bytes = good.clone();
            bytes[offset..offset + 4].copy_from_slice(&u32::MAX.to_le_bytes());
            let refused = Batch::<Sample>::decode(&bytes);
            assert!(matches!(refused, Err(DecodeBatchError::Truncated { .. })), "{refused:?}");
        }
    }

    #[test]
    fn an_entry_is_decoded_under_the_limit_of_a_message() {
        let mut bytes = written(&[entry(1, Sample::Unit)]);
        bytes.truncate(HEADER_LENGTH + COUNT_LENGTH);
        let length = u32::try_from(MESSAGE_MAX + 1).expect("fits");
        bytes.extend(length.to_le_bytes());
        bytes.resize(bytes.len() + MESSAGE_MAX + 1, 0);
        let refused = Batch::<Sample>::decode(&bytes);
        assert!(
            matches!(
                refused,
                Err(DecodeBatchError::Entry { index: 0, offset: 52, source: DecodeError::TooLong { .. } })
            ),
            "{refused:?}"
        );
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(commands in vec(sample(), 1..20)) {
            let entries: Vec<_> = (0..).zip(commands).map(|(id, command)| entry(id, command)).collect();
            let bytes = written(&entries);
            let expected = Batch { header: header(), entries };
            prop_assert_eq!(Batch::decode(&bytes).expect("just written"), expected);
        }

        #[test]
        fn no_prefix_and_no_extension_is_a_batch(
            commands in vec(sample(), 1..5),
            more in vec(any::<u8>(), 1..10),
        ) {
            let entries: Vec<_> = (0..).zip(commands).map(|(id, command)| entry(id, command)).collect();
            let mut bytes = written(&entries);
            for length in 0..bytes.len() {
                let refused = Batch::<Sample>::decode(&bytes[..length]);
                prop_assert!(matches!(refused, Err(DecodeBatchError::Truncated { .. })), "{:?}", refused);
            }
            bytes.extend(&more);
            let refused = Batch::<Sample>::decode(&bytes);
            let trailing = match refused {
                Err(DecodeBatchError::Trailing { trailing }) => trailing,
                _ => 0,
            };
            prop_assert_eq!(trailing, more.len());
        }

        #[test]
        fn arbitrary_bytes_never_panic(tail in vec(any::<u8>(), 0..300), count in 0_u32..5) {
            let mut bytes = written(&[entry(1, Sample::Unit)]);
            bytes.truncate(HEADER_LENGTH);
            bytes.extend(count.to_le_bytes());
            bytes.extend(&tail);
            // The result does not matter, that there is one does.
            let _ = Batch::<Sample>::decode(&bytes);
            let _ = Batch::<Sample>::decode(&tail);
        }
    }
}
