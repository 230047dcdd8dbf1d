//! The codec: how a value becomes bytes, on the wire and in the journal.
//!
//! Integers have a fixed width and are little endian, an enum's variant is a `u32`, an option's tag a byte, a
//! length a `u64`. So a value has exactly one encoding, which matters wherever bytes are hashed, compared
//! or signed. (A set is encoded in order; one that arrives out of order or with a repetition decodes all the same.)
//!
//! Invariants:
//!
//! - No other crate names the library that does the work. Its bytes are those of several others, so leaving
//!   it changes two functions here and no file.
//! - [`decode`] is for bytes from anywhere. Neither its memory nor its time grows with what a length claims,
//!   and bytes that it accepts are used to the last one.
//! - What [`encode`] accepts, [`decode`] accepts: both know the one limit [`MESSAGE_MAX`].
//!
//! Deliberately absent: formats without a fixed width, whose numbers have more than one encoding; and any
//! limit on the number of elements that take no bytes, so **no message may hold a list of empty elements**
//! such as `Vec<()>`.

#![forbid(unsafe_code)]

use std::io;

use bincode::config::{Configuration, Fixint, Limit, LittleEndian};
use bincode::enc::write::Writer;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub mod batch;
pub mod frame;
pub mod message;

/// The largest encoding of one message, in bytes. What is larger travels in parts.
pub const MESSAGE_MAX: usize = 64 * 1024;

/// The limit bounds the memory that a decoder claims. Encoding is not limited by it.
const CODEC: Configuration<LittleEndian, Fixint, Limit<MESSAGE_MAX>> =
    bincode::config::standard().with_little_endian().with_fixed_int_encoding().with_limit::<MESSAGE_MAX>();

/// Whatever the library has to say. Boxed, so that its types are no part of this crate's interface.
type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why a value was not encoded.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// The encoding would be longer than [`MESSAGE_MAX`].
    #[error("the encoding is longer than {MESSAGE_MAX} bytes")]
    TooLong,
    /// The value is of a kind that has no encoding, such as a list whose length is not known at its start.
    #[error("the value has no encoding")]
    NotEncodable(#[source] Cause),
    /// The writer that takes the bytes failed. Some of them may have been written.
    #[error("the encoding was not written")]
    Write(#[source] io::Error),
}

/// Why bytes were not decoded.
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
/// For what is hashed and not sent: [`decode`] refuses what is longer than [`MESSAGE_MAX`].
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
            prop_assert_eq!(written, bytes);
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
