//! The codec: how a value becomes bytes, on the wire and in the journal.
//!
//! Integers have a fixed width and are little endian, an enum's variant is a `u32`, an option's tag a byte, a
//! length a `u64`. So a value has exactly one encoding, which matters wherever bytes are hashed, compared
//! or signed. (A set is encoded in order; one that arrives out of order or with a repetition decodes all the same.)
//!
//! Invariants:
//!
//! - No other crate names the library that does the work. Its bytes are those of several others, so leaving
//!   it changes this module alone, and nothing that was written.
//! - [`decode`] is for bytes from anywhere. Neither its memory nor its time grows with what a length claims,
//!   and bytes that it accepts are used to the last one.
//! - [`decode_from`] is for values of any length, such as a snapshot. It claims memory as bytes arrive.
//! - What [`encode`] accepts, [`decode`] accepts: both know the one limit [`MESSAGE_MAX`].
//!
//! Deliberately absent: formats without a fixed width, whose numbers have more than one encoding; and any
//! limit on the number of elements that take no bytes, so **no message may hold a list of empty elements**
//! such as `Vec<()>`.
//!
//! A message goes over a stream as one frame, and comes out of it however its bytes are cut:
//!
//! ```
//! use golv_engine::command::Command;
//! use golv_engine::id::CommandId;
//! use golv_protocol::decode;
//! use golv_protocol::frame::{Frames, write_frame};
//! use golv_protocol::message::ClientMessage;
//!
//! let message = ClientMessage::Submit { id: CommandId(9), command: Command::WithdrawAll };
//! let mut bytes = Vec::new();
//! write_frame(&message, &mut bytes)?;
//! assert_eq!(bytes, [16, 0, 0, 0, 1, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0]);
//!
//! let mut frames = Frames::default();
//! frames.push(&bytes[..7]);
//! assert_eq!(frames.next_frame()?, None);
//! frames.push(&bytes[7..]);
//! let frame = frames.next_frame()?.expect("all of it has come");
//! assert_eq!(decode::<ClientMessage>(frame)?, message);
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]

use std::io;

use bincode::config::{Configuration, Fixint, Limit, LittleEndian};
use bincode::enc::write::Writer;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub mod batch;
pub mod frame;
pub mod message;
pub mod pace;

/// The largest encoding of one message, in bytes. An event that is larger is downloaded on a stream of its own.
pub const MESSAGE_MAX: usize = 64 * 1024;

/// The limit bounds the memory that a decoder claims. Encoding is not limited by it.
const CODEC: Configuration<LittleEndian, Fixint, Limit<MESSAGE_MAX>> =
    bincode::config::standard().with_little_endian().with_fixed_int_encoding().with_limit::<MESSAGE_MAX>();

/// Whatever the library has to say. Boxed, so that its types are no part of this crate's interface.
type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why a value was not encoded.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// The encoding would be longer than what takes it: [`MESSAGE_MAX`], or [`message::ASSEMBLED_MAX`] for an event.
    #[error("the encoding is longer than a message, or an event that is downloaded, may be")]
    TooLong,
    /// The value is of a kind that has no encoding, such as a list whose length is not known at its start.
    #[error("the value has no encoding")]
    NotEncodable(#[source] Cause),
    /// The writer that takes the bytes failed. Some of them may have been written.
    #[error("the encoding was not written")]
    Write(#[source] io::Error),
}

/// Why a value was not decoded.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// There are more bytes than [`MESSAGE_MAX`]. None were looked at.
    #[error("{length} bytes are more than a message may have, {MESSAGE_MAX}")]
    TooLong {
        /// How many there are.
        length: usize,
    },
    /// The bytes are no encoding of such a value, or end before it does.
    #[error("the bytes are no encoding of the value expected")]
    Malformed(#[source] Cause),
    /// The value ended before the bytes did.
    #[error("{trailing} bytes follow the value")]
    Trailing {
        /// How many bytes follow.
        trailing: usize,
    },
    /// The reader that gives the bytes failed. Some of them may have been read.
    #[error("the bytes were not read")]
    Read(#[source] io::Error),
}

/// Appends the encoding of a value to `out`. On an error `out` is left as it was.
///
/// # Errors
///
/// When the encoding is longer than [`MESSAGE_MAX`], or there is none.
pub fn encode<T: Serialize>(value: &T, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    let start = out.len();
    let writer = Bounded { out, end: start + MESSAGE_MAX };
    bincode::serde::encode_into_writer(value, writer, CODEC).map_err(|error| {
        out.truncate(start);
        match error {
            // Only the writer says this.
            bincode::error::EncodeError::UnexpectedEnd => EncodeError::TooLong,
            other => EncodeError::NotEncodable(other.into()),
        }
    })
}

/// Writes the encoding of a value, however long it is.
///
/// For what is hashed or kept and not sent: [`decode`] refuses what is longer than [`MESSAGE_MAX`], and [`decode_from`]
/// reads it.
///
/// # Errors
///
/// When the writer fails, or the value has no encoding. Part of it may have been written then.
pub fn encode_to<T: Serialize>(value: &T, writer: &mut impl io::Write) -> Result<(), EncodeError> {
    match bincode::serde::encode_into_std_write(value, writer, CODEC) {
        Ok(_) => Ok(()),
        Err(bincode::error::EncodeError::Io { inner, .. }) => Err(EncodeError::Write(inner)),
        Err(other) => Err(EncodeError::NotEncodable(other.into())),
    }
}

/// Decodes a value from exactly these bytes.
///
/// # Errors
///
/// When there are more bytes than [`MESSAGE_MAX`], when they are no encoding of a `T`, and when any are left.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeError> {
    if bytes.len() > MESSAGE_MAX {
        return Err(DecodeError::TooLong { length: bytes.len() });
    }
    exactly(bytes, bincode::serde::decode_from_slice(bytes, CODEC))
}

/// Decodes a value of any length from a reader, and reads no byte past it.
///
/// Memory grows with the bytes that arrive, and a list takes at most a mebibyte ahead of them, whatever a length claims.
/// **A `T` that holds a `String` or a byte buffer of serde's is not for this function**: the library takes room for
/// those at once. Texts that read themselves byte by byte, as [`golv_engine::text::Name`] does, are. Bytes
/// are read in small pieces: let the reader be buffered.
///
/// # Errors
///
/// When the reader fails, or its bytes are no encoding of a `T` or end before it does.
pub fn decode_from<T: DeserializeOwned>(reader: &mut impl io::Read) -> Result<T, DecodeError> {
    const UNLIMITED: Configuration<LittleEndian, Fixint> =
        bincode::config::standard().with_little_endian().with_fixed_int_encoding();
    bincode::serde::decode_from_std_read(reader, UNLIMITED).map_err(|error| match error {
        bincode::error::DecodeError::Io { inner, .. } if inner.kind() != io::ErrorKind::UnexpectedEof => {
            DecodeError::Read(inner)
        }
        other => DecodeError::Malformed(other.into()),
    })
}

/// Decodes a value that travelled in parts, from exactly these bytes.
pub(crate) fn decode_assembled<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeError> {
    // Lists take more memory than bytes, but never as much as this allows.
    const ASSEMBLED: Configuration<LittleEndian, Fixint, Limit<{ 4 * message::ASSEMBLED_MAX }>> =
        bincode::config::standard()
            .with_little_endian()
            .with_fixed_int_encoding()
            .with_limit::<{ 4 * message::ASSEMBLED_MAX }>();
    exactly(bytes, bincode::serde::decode_from_slice(bytes, ASSEMBLED))
}

/// The value, if it took all the bytes.
fn exactly<T>(
    bytes: &[u8],
    decoded: Result<(T, usize), bincode::error::DecodeError>,
) -> Result<T, DecodeError> {
    let (value, used) = decoded.map_err(|error| DecodeError::Malformed(error.into()))?;
    match bytes.len() - used {
        0 => Ok(value),
        trailing => Err(DecodeError::Trailing { trailing }),
    }
}

/// Appends to a vector up to a length, so that encoding stops where it passes the limit.
struct Bounded<'a> {
    out: &'a mut Vec<u8>,
    end: usize,
}

impl Writer for Bounded<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<(), bincode::error::EncodeError> {
        if bytes.len() > self.end - self.out.len() {
            return Err(bincode::error::EncodeError::UnexpectedEnd);
        }
        self.out.extend_from_slice(bytes);
        Ok(())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use serde::Deserialize;

    /// One variant for each shape that messages are made of.
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    pub(crate) enum Sample {
        Unit,
        Text(String),
        Fields { flag: bool, price: i64, note: Option<String> },
        List(Vec<(u16, Option<i64>)>),
        Nested(Vec<Sample>),
        Bytes([u8; 32]),
    }

    pub(crate) fn sample() -> impl Strategy<Value = Sample> {
        let leaf = prop_oneof![
            Just(Sample::Unit),
            "\\PC{0,40}".prop_map(Sample::Text),
            (any::<bool>(), any::<i64>(), proptest::option::of("\\PC{0,10}"))
                .prop_map(|(flag, price, note)| Sample::Fields { flag, price, note }),
            vec(any::<(u16, Option<i64>)>(), 0..20).prop_map(Sample::List),
            any::<[u8; 32]>().prop_map(Sample::Bytes),
        ];
        leaf.prop_recursive(3, 30, 4, |inner| vec(inner, 0..4).prop_map(Sample::Nested))
    }

    fn encoded<T: Serialize>(value: &T) -> Vec<u8> {
        let mut out = Vec::new();
        encode(value, &mut out).expect("a short value");
        out
    }

    #[test]
    fn the_bytes_are_as_documented() {
        let value = Sample::Fields { flag: true, price: -2, note: Some("hé".to_owned()) };
        #[rustfmt::skip]
        let expected = [
            2, 0, 0, 0, // the third variant
            1, // flag
            0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, // price
            1, // some note
            3, 0, 0, 0, 0, 0, 0, 0, // of three bytes
            b'h', 0xc3, 0xa9,
        ];
        assert_eq!(encoded(&value), expected);
    }

    #[test]
    fn the_longest_message_passes_and_one_byte_more_does_not() {
        let longest = "x".repeat(MESSAGE_MAX - 8);
        let bytes = encoded(&longest);
        assert_eq!(bytes.len(), MESSAGE_MAX);
        assert_eq!(decode::<String>(&bytes).expect("as long as allowed"), longest);

        let mut out = vec![7, 7];
        let refused = encode(&"x".repeat(MESSAGE_MAX - 7), &mut out);
        assert!(matches!(refused, Err(EncodeError::TooLong)), "{refused:?}");
        assert_eq!(out, [7, 7], "left as it was");

        let refused = decode::<String>(&vec![0; MESSAGE_MAX + 1]);
        assert!(matches!(refused, Err(DecodeError::TooLong { length }) if length == MESSAGE_MAX + 1));
    }

    #[test]
    fn small_elements_fill_a_message_too() {
        // The memory limit counts encoded bytes, not the larger elements that they become.
        let many: Vec<Option<u64>> = vec![None; MESSAGE_MAX - 8];
        assert_eq!(decode::<Vec<Option<u64>>>(&encoded(&many)).expect("as long as allowed"), many);
    }

    #[test]
    fn a_length_is_not_believed() {
        for claimed in [1 << 17, 1 << 40, u64::MAX] {
            let mut bytes = encoded(&claimed);
            bytes.extend([1; 64]);
            assert!(matches!(decode::<Vec<[u64; 2]>>(&bytes), Err(DecodeError::Malformed(_))));
            assert!(matches!(decode::<String>(&bytes), Err(DecodeError::Malformed(_))));
        }
    }

    /// A reader that gives some bytes and then fails.
    struct Failing<'a>(&'a [u8]);

    impl io::Read for Failing<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            match io::Read::read(&mut self.0, buffer)? {
                0 => Err(io::Error::other("the disk is gone")),
                read => Ok(read),
            }
        }
    }

    /// Lists, maps and names that claim to be long, with few bytes behind it: refused without taking room for them.
    #[test]
    fn a_length_is_not_believed_by_a_reader_either() {
        use golv_engine::text::Name;
        use std::any::type_name;
        use std::collections::{BTreeMap, BTreeSet, VecDeque};
        fn refused<T: DeserializeOwned>(mut bytes: &[u8]) {
            let outcome = decode_from::<T>(&mut bytes).map(drop);
            assert!(matches!(outcome, Err(DecodeError::Malformed(_))), "{}: {outcome:?}", type_name::<T>());
        }
        for claimed in [1 << 17, 1 << 40, 1 << 60, u64::MAX] {
            let mut bytes = encoded(&claimed);
            bytes.extend([1; 200]);
            refused::<Vec<[u64; 2]>>(&bytes);
            refused::<Vec<u8>>(&bytes);
            refused::<VecDeque<[u8; 32]>>(&bytes);
            refused::<BTreeMap<u64, [u64; 4]>>(&bytes);
            refused::<BTreeSet<u64>>(&bytes);
            refused::<Vec<Vec<Vec<u8>>>>(&bytes);
            refused::<Name>(&bytes);
            refused::<BTreeMap<u32, Name>>(&bytes);
        }
    }

    #[test]
    fn a_name_takes_no_more_bytes_than_a_name_has() {
        use golv_engine::text::Name;
        let name: Name = "Pohjola Lithium".parse().expect("a name");
        assert_eq!(encoded(&name), encoded(&"Pohjola Lithium"), "a list of bytes is encoded as a text is");
        let mut bytes = encoded(&u64::MAX);
        bytes.extend([b'x'; 1000]);
        let mut reader = bytes.as_slice();
        assert!(decode_from::<Name>(&mut reader).is_err());
        assert_eq!(reader.len(), 1000 - Name::BYTES_MAX - 1, "it stops at the first byte too many");
        assert!(decode::<Name>(&encoded(&[0xff_u8, 0xff].as_slice())).is_err(), "not UTF-8");
    }

    #[test]
    fn a_failing_reader_is_reported() {
        let bytes = encoded(&vec![1_u64, 2, 3]);
        let outcome = decode_from::<Vec<u64>>(&mut Failing(&bytes[..20]));
        assert!(matches!(outcome, Err(DecodeError::Read(_))), "{outcome:?}");
        assert!(decode_from::<Vec<u64>>(&mut Failing(&bytes)).is_ok(), "nothing is asked for past the value");
    }

    #[test]
    fn a_failing_writer_is_reported() {
        let mut room = [0_u8; 4];
        let result = encode_to(&"longer than four", &mut room.as_mut_slice());
        assert!(matches!(result, Err(EncodeError::Write(_))), "{result:?}");
    }

    #[test]
    fn a_value_without_encoding_is_refused() {
        struct Endless;
        impl Serialize for Endless {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use serde::ser::SerializeSeq;
                serializer.serialize_seq(None)?.end()
            }
        }
        let mut out = vec![7];
        assert!(matches!(encode(&(1_u8, Endless), &mut out), Err(EncodeError::NotEncodable(_))));
        assert_eq!(out, [7]);
    }

    proptest! {
        #[test]
        fn what_is_encoded_decodes_to_itself(value in sample()) {
            let bytes = encoded(&value);
            prop_assert_eq!(decode::<Sample>(&bytes).expect("just encoded"), value.clone());
            let mut written = Vec::new();
            encode_to(&value, &mut written).expect("a vector takes everything");
            prop_assert_eq!(&written, &bytes);
            written.extend([7; 9]);
            let mut reader = written.as_slice();
            prop_assert_eq!(decode_from::<Sample>(&mut reader).expect("just encoded"), value);
            prop_assert_eq!(reader, [7; 9], "what follows is left");
        }

        #[test]
        fn no_prefix_and_no_extension_decodes(value in sample(), more in vec(any::<u8>(), 1..10)) {
            let mut bytes = encoded(&value);
            for length in 0..bytes.len() {
                prop_assert!(matches!(decode::<Sample>(&bytes[..length]), Err(DecodeError::Malformed(_))));
            }
            bytes.extend(&more);
            let refused = decode::<Sample>(&bytes);
            let trailing = match refused {
                Err(DecodeError::Trailing { trailing }) => trailing,
                _ => 0,
            };
            prop_assert_eq!(trailing, more.len());
        }

        /// Whatever arrives is refused, or is the one encoding of what it decodes to.
        #[test]
        fn arbitrary_bytes_never_panic(mut bytes in vec(any::<u8>(), 0..200), small in any::<bool>()) {
            if small && bytes.len() >= 4 {
                // A valid variant, to get past the first refusal.
                let variant = u32::from(bytes[0] % 6);
                bytes[..4].copy_from_slice(&variant.to_le_bytes());
            }
            if let Ok(value) = decode::<Sample>(&bytes) {
                prop_assert_eq!(encoded(&value), bytes);
            }
        }
    }
}
