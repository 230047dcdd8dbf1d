//! The bytes of headers and frames, as `docs/formats.md` draws them.
//!
//! Here is all that knows an offset. Nothing here reads or writes a file.

use golv_engine::id::Sequence;
use golv_protocol::batch::BATCH_MAX;

/// The largest payload of a frame, in bytes: the longest batch that decodes.
pub const PAYLOAD_MAX: u32 = {
    assert!(BATCH_MAX <= u32::MAX as usize);
    BATCH_MAX as u32
};

/// The length of a segment's header in bytes: where its first frame begins.
pub const SEGMENT_HEADER: usize = 128;
/// Bytes before a frame's payload.
pub const FRAME_HEADER: usize = 64;
/// The longest frame, in bytes.
pub(crate) const FRAME_MAX: u64 = FRAME_HEADER as u64 + PAYLOAD_MAX as u64;

const MAGIC: [u8; 8] = *b"GOLVJRNL";
pub(crate) const FORMAT: u16 = 6;
/// Who may write, once a log can have more than one writer. The file of one process has one.
const EPOCH: u64 = 0;

/// Whether a journal is of the world or of a rehearsal. Fixed when it is created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Stamps come from the clock, random bytes from the system.
    Live,
    /// Stamps come from the operator, random bytes from a seed.
    Rehearsal {
        /// The root of everything random.
        seed: u64,
    },
}

/// How long a segment is unless its journal was created with another length, in bytes: long enough that a busy writer
/// fills several a second at most, short enough that the next one is prepared in some tens of milliseconds.
pub const SEGMENT_BYTES: u32 = 16 * 1024 * 1024;

/// The longest that segments can be made, in bytes: a header is believed that far.
pub const SEGMENT_BYTES_MAX: u32 = 1024 * 1024 * 1024;

/// What is settled when a journal is created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Live or rehearsal.
    pub mode: Mode,
    /// The version of the rules at the journal's beginning.
    pub rules_version: u32,
    /// How long a segment is made before it is used, in bytes. A frame that does not fit in what is left begins the
    /// next segment; one that is longer than a whole segment makes its own longer. At most [`SEGMENT_BYTES_MAX`].
    pub segment_bytes: u32,
}

/// What a segment says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// What was settled at the journal's creation.
    pub settings: Settings,
    /// The segment's number, counted from 1.
    pub segment: u32,
    /// The sequence of its first command.
    pub first: Sequence,
    /// The chain before its first batch.
    pub chain: [u8; 32],
}

/// Why 128 bytes are not a segment's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BadHeader {
    Magic,
    Format(u16),
    Checksum,
    /// The checksum holds, but a field has a value that this format does not know.
    Field,
}

impl Header {
    pub(crate) fn to_bytes(self) -> [u8; SEGMENT_HEADER] {
        let (mode, seed) = match self.settings.mode {
            Mode::Live => (0, 0),
            Mode::Rehearsal { seed } => (1, seed),
        };
        let mut bytes = [0; SEGMENT_HEADER];
        let mut rest = bytes.as_mut_slice();
        put(&mut rest, MAGIC);
        put(&mut rest, FORMAT.to_le_bytes());
        put(&mut rest, [mode, 0]);
        put(&mut rest, self.settings.rules_version.to_le_bytes());
        put(&mut rest, seed.to_le_bytes());
        put(&mut rest, self.first.0.to_le_bytes());
        put(&mut rest, self.chain);
        put(&mut rest, self.segment.to_le_bytes());
        put(&mut rest, self.settings.segment_bytes.to_le_bytes());
        put(&mut rest, [0; 52]);
        let crc = crc32c::crc32c(&bytes[..SEGMENT_HEADER - 4]);
        bytes[SEGMENT_HEADER - 4..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Magic and format come before the checksum, so that a later format may have another header.
    pub(crate) fn from_bytes(bytes: &[u8; SEGMENT_HEADER]) -> Result<Self, BadHeader> {
        let mut rest = bytes.as_slice();
        if take(&mut rest) != MAGIC {
            return Err(BadHeader::Magic);
        }
        let format = u16::from_le_bytes(take(&mut rest));
        if format != FORMAT {
            return Err(BadHeader::Format(format));
        }
        let [mode, zero] = take(&mut rest);
        let rules_version = u32::from_le_bytes(take(&mut rest));
        let seed = u64::from_le_bytes(take(&mut rest));
        let first = Sequence(u64::from_le_bytes(take(&mut rest)));
        let chain = take(&mut rest);
        let segment = u32::from_le_bytes(take(&mut rest));
        let segment_bytes = u32::from_le_bytes(take(&mut rest));
        let zeros: [u8; 52] = take(&mut rest);
        if u32::from_le_bytes(take(&mut rest)) != crc32c::crc32c(&bytes[..SEGMENT_HEADER - 4]) {
            return Err(BadHeader::Checksum);
        }
        let mode = match (mode, seed) {
            (0, 0) => Mode::Live,
            (1, seed) => Mode::Rehearsal { seed },
            _ => return Err(BadHeader::Field),
        };
        let empty = zero == 0 && zeros == [0; 52];
        if !empty || first.0 == 0 || segment == 0 || segment_bytes > SEGMENT_BYTES_MAX {
            return Err(BadHeader::Field);
        }
        Ok(Self { settings: Settings { mode, rules_version, segment_bytes }, segment, first, chain })
    }
}

/// What a frame is, as its count and length tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FrameKind {
    Batch,
    Seal,
    Skip,
}

/// What stands before a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FrameHeader {
    pub(crate) crc: u32,
    pub(crate) length: u32,
    pub(crate) segment: u32,
    pub(crate) sequence: u64,
    pub(crate) epoch: u64,
    pub(crate) count: u32,
    pub(crate) chain: [u8; 32],
}

impl FrameHeader {
    pub(crate) fn from_bytes(bytes: &[u8; FRAME_HEADER]) -> Self {
        let mut rest = bytes.as_slice();
        Self {
            crc: u32::from_le_bytes(take(&mut rest)),
            length: u32::from_le_bytes(take(&mut rest)),
            segment: u32::from_le_bytes(take(&mut rest)),
            sequence: u64::from_le_bytes(take(&mut rest)),
            epoch: u64::from_le_bytes(take(&mut rest)),
            count: u32::from_le_bytes(take(&mut rest)),
            chain: take(&mut rest),
        }
    }

    /// Whether a writer can have meant this: not too long, a command takes at least a byte, and sequences do not
    /// overflow.
    pub(crate) fn is_plausible(&self) -> bool {
        self.length <= PAYLOAD_MAX
            && self.count <= self.length
            && self.sequence.checked_add(u64::from(self.count)).is_some()
    }

    /// Header and payload, in bytes.
    pub(crate) fn frame_length(&self) -> u64 {
        FRAME_HEADER as u64 + u64::from(self.length)
    }

    pub(crate) const fn kind(&self) -> FrameKind {
        match (self.count, self.length) {
            (0, 0) => FrameKind::Seal,
            (0, _) => FrameKind::Skip,
            _ => FrameKind::Batch,
        }
    }
}

/// Replaces what is in `buffer` by a whole frame. A seal has no commands and no payload, a skip no commands.
pub(crate) fn write_frame(
    buffer: &mut Vec<u8>,
    segment: u32,
    sequence: Sequence,
    count: u32,
    chain: &[u8; 32],
    payload: &[u8],
) {
    let length = u32::try_from(payload.len()).expect("a payload is at most PAYLOAD_MAX");
    buffer.clear();
    buffer.extend_from_slice(&[0; 4]);
    buffer.extend_from_slice(&length.to_le_bytes());
    buffer.extend_from_slice(&segment.to_le_bytes());
    buffer.extend_from_slice(&sequence.0.to_le_bytes());
    buffer.extend_from_slice(&EPOCH.to_le_bytes());
    buffer.extend_from_slice(&count.to_le_bytes());
    buffer.extend_from_slice(chain);
    buffer.extend_from_slice(payload);
    let crc = crc32c::crc32c(&buffer[4..]);
    buffer[..4].copy_from_slice(&crc.to_le_bytes());
}

/// The checksum that a frame with this header and payload must carry.
pub(crate) fn frame_crc(header: &[u8; FRAME_HEADER], payload: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&header[4..]), payload)
}

pub(crate) fn put<const N: usize>(rest: &mut &mut [u8], field: [u8; N]) {
    let (head, tail) =
        std::mem::take(rest).split_first_chunk_mut().expect("the fields add up to the header's length");
    *head = field;
    *rest = tail;
}

pub(crate) fn take<const N: usize>(rest: &mut &[u8]) -> [u8; N] {
    let (field, tail) = rest.split_first_chunk().expect("the fields add up to the header's length");
    *rest = tail;
    *field
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn header() -> Header {
        Header {
            settings: Settings {
                mode: Mode::Rehearsal { seed: 0x1122_3344 },
                rules_version: 5,
                segment_bytes: 0x0100_0000,
            },
            segment: 1,
            first: Sequence(1),
            chain: [0xc0; 32],
        }
    }

    #[test]
    fn a_header_is_as_documented() {
        let expected = [
            "474f4c564a524e4c", // magic
            "0600",             // format
            "01",               // rehearsal
            "00",               //
            "05000000",         // rules version
            "4433221100000000", // seed
            "0100000000000000", // first sequence
            &"c0".repeat(32),   // chain
            "01000000",         // segment
            "00000001",         // segment's length
            &"00".repeat(52),   //"00".repeat(52),   //
            "3574707e",         // CRC-32C
        ];
        assert_eq!(hex(&header().to_bytes()), expected.concat());
        assert_eq!(Header::from_bytes(&header().to_bytes()), Ok(header()));
    }

    #[test]
    fn a_segment_is_as_long_as_may_be_and_no_longer() {
        let long = |segment_bytes| {
            let header = header();
            Header { settings: Settings { segment_bytes, ..header.settings }, ..header }
        };
        let longest = long(SEGMENT_BYTES_MAX);
        assert_eq!(Header::from_bytes(&longest.to_bytes()), Ok(longest));
        assert_eq!(Header::from_bytes(&long(SEGMENT_BYTES_MAX + 1).to_bytes()), Err(BadHeader::Field));
    }

    #[test]
    fn a_frame_is_as_documented() {
        let mut buffer = vec![9; 3];
        write_frame(&mut buffer, 1, Sequence(0x0203), 2, &[0xab; 32], b"payload");
        let expected = [
            "8db31fe0",         // CRC-32C
            "07000000",         // length
            "01000000",         // segment
            "0302000000000000", // sequence
            "0000000000000000", // epoch
            "02000000",         // count
            &"ab".repeat(32),   // chain
            "7061796c6f6164",   // payload
        ];
        assert_eq!(hex(&buffer), expected.concat());
    }

    #[test]
    fn a_header_with_a_valid_checksum_and_an_unknown_value_is_refused() {
        // A mode that is none, a seed in a live journal, bytes that must be zero, a first sequence and a segment of 0, segments
        // that are too long.
        for (offset, value) in [(10, 2), (10, 0), (11, 1), (72, 1), (123, 1), (24, 0), (64, 0), (71, 0x41)] {
            let mut bytes = header().to_bytes();
            bytes[offset] = value;
            let crc = crc32c::crc32c(&bytes[..124]);
            bytes[124..].copy_from_slice(&crc.to_le_bytes());
            assert_eq!(Header::from_bytes(&bytes), Err(BadHeader::Field), "offset {offset}");
        }
    }
}
