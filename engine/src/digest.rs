//! The canonical stream of fixed-width bytes that a value is, and its SHA-256.
//!
//! Any type that serde can serialise has one such stream: integers little-endian at their full width, a
//! `bool` or an option's tag as one byte, an enum's variant as its `u32` position, a length as `u64`, text
//! and bytes behind their length, fields and elements in order, nothing in between. It does not depend on
//! the codec of any message or file, so a change of format leaves the digests as they are. A snapshot is read
//! back through another encoding of the same types; that the digest is the same after it is what shows that nothing was lost.
//!
//! Deliberately absent: floats, and sequences of unknown length; both are refused, which is a mistake in
//! a type of ours and not in anything from outside.

use std::fmt;
use std::str::FromStr;

use serde::ser::{self, Serialize};
use sha2::{Digest as _, Sha256};

use crate::text::bytes_of_hex;

/// A SHA-256 digest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// The digest of one value's canonical stream.
    pub fn of(value: &impl Serialize) -> Self {
        let mut feed = Feed::default();
        feed.add(value);
        feed.finish()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

/// A text that is no digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a digest is 64 hexadecimal digits")]
pub struct ParseDigestError;

impl FromStr for Digest {
    type Err = ParseDigestError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        bytes_of_hex(text).map(Self).ok_or(ParseDigestError)
    }
}

/// A digest in the making: values are added one after another.
#[derive(Default)]
pub struct Feed(Sha256);

impl Feed {
    /// Appends a value's canonical stream.
    pub fn add(&mut self, value: &impl Serialize) {
        let outcome = value.serialize(Stream(&mut self.0));
        assert!(outcome.is_ok(), "engine types hold no floats and know their lengths: {outcome:?}");
    }

    /// The digest of all that was added.
    pub fn finish(self) -> Digest {
        Digest(self.0.finalize().into())
    }
}

/// The serializer behind [`Feed`]: writes each value's bytes straight into the hash.
struct Stream<'a>(&'a mut Sha256);

/// What the canonical stream cannot hold.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct NotCanonical(String);

impl ser::Error for NotCanonical {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

impl Stream<'_> {
    fn length(&mut self, length: usize) -> Result<(), NotCanonical> {
        let length = u64::try_from(length).map_err(ser::Error::custom)?;
        self.0.update(length.to_le_bytes());
        Ok(())
    }
}

macro_rules! fixed_width {
    ($($method:ident($type:ty);)*) => {$(
        fn $method(self, value: $type) -> Result<(), NotCanonical> {
            self.0.update(value.to_le_bytes());
            Ok(())
        }
    )*};
}

impl<'a> ser::Serializer for Stream<'a> {
    type Ok = ();
    type Error = NotCanonical;
    type SerializeSeq = Self;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Self;
    type SerializeTupleVariant = Self;
    type SerializeMap = Self;
    type SerializeStruct = Self;
    type SerializeStructVariant = Self;

    fixed_width! {
        serialize_i8(i8);
        serialize_i16(i16);
        serialize_i32(i32);
        serialize_i64(i64);
        serialize_i128(i128);
        serialize_u8(u8);
        serialize_u16(u16);
        serialize_u32(u32);
        serialize_u64(u64);
        serialize_u128(u128);
    }

    fn serialize_bool(self, value: bool) -> Result<(), NotCanonical> {
        self.serialize_u8(u8::from(value))
    }

    fn serialize_char(self, value: char) -> Result<(), NotCanonical> {
        self.serialize_u32(u32::from(value))
    }

    fn serialize_f32(self, _: f32) -> Result<(), NotCanonical> {
        Err(ser::Error::custom("a float"))
    }

    fn serialize_f64(self, _: f64) -> Result<(), NotCanonical> {
        Err(ser::Error::custom("a float"))
    }

    fn serialize_str(self, value: &str) -> Result<(), NotCanonical> {
        self.serialize_bytes(value.as_bytes())
    }

    fn serialize_bytes(mut self, value: &[u8]) -> Result<(), NotCanonical> {
        self.length(value.len())?;
        self.0.update(value);
        Ok(())
    }

    fn serialize_none(self) -> Result<(), NotCanonical> {
        self.serialize_u8(0)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), NotCanonical> {
        self.0.update([1]);
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), NotCanonical> {
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), NotCanonical> {
        Ok(())
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
    ) -> Result<(), NotCanonical> {
        self.serialize_u32(index)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), NotCanonical> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
        value: &T,
    ) -> Result<(), NotCanonical> {
        self.0.update(index.to_le_bytes());
        value.serialize(self)
    }

    fn serialize_seq(mut self, length: Option<usize>) -> Result<Self, NotCanonical> {
        self.length(length.ok_or_else(|| NotCanonical("a sequence of unknown length".into()))?)?;
        Ok(self)
    }

    fn serialize_tuple(self, _: usize) -> Result<Self, NotCanonical> {
        Ok(self)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self, NotCanonical> {
        Ok(self)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self, NotCanonical> {
        self.0.update(index.to_le_bytes());
        Ok(self)
    }

    fn serialize_map(self, length: Option<usize>) -> Result<Self, NotCanonical> {
        self.serialize_seq(length)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self, NotCanonical> {
        Ok(self)
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Self, NotCanonical> {
        self.serialize_tuple_variant(name, index, variant, length)
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

/// The compound forms all do the same: each element or field goes to the stream in its turn.
macro_rules! compound {
    ($($trait:ident::$method:ident($($key:ty)?);)*) => {$(
        impl ser::$trait for Stream<'_> {
            type Ok = ();
            type Error = NotCanonical;
            fn $method<T: Serialize + ?Sized>(&mut self, $(_: $key,)? value: &T) -> Result<(), NotCanonical> {
                value.serialize(Stream(self.0))
            }
            fn end(self) -> Result<(), NotCanonical> {
                Ok(())
            }
        }
    )*};
}

compound! {
    SerializeSeq::serialize_element();
    SerializeTuple::serialize_element();
    SerializeTupleStruct::serialize_field();
    SerializeTupleVariant::serialize_field();
    SerializeStruct::serialize_field(&'static str);
    SerializeStructVariant::serialize_field(&'static str);
}

impl ser::SerializeMap for Stream<'_> {
    type Ok = ();
    type Error = NotCanonical;
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), NotCanonical> {
        key.serialize(Stream(self.0))
    }
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NotCanonical> {
        value.serialize(Stream(self.0))
    }
    fn end(self) -> Result<(), NotCanonical> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[derive(serde::Serialize)]
    enum Shape {
        Point,
        Named { width: u16, label: &'static str },
    }

    fn sha256(bytes: &[u8]) -> Digest {
        Digest(Sha256::digest(bytes).into())
    }

    /// The stream of each form of value, byte for byte: this is the format.
    #[test]
    fn streams_are_as_documented() {
        assert_eq!(Digest::of(&(1_u8, -2_i32, true)), sha256(&[1, 0xfe, 0xff, 0xff, 0xff, 1]));
        assert_eq!(Digest::of(&Shape::Point), sha256(&[0, 0, 0, 0]));
        let named = [1, 0, 0, 0, 7, 0, 2, 0, 0, 0, 0, 0, 0, 0, b'o', b'k'];
        assert_eq!(Digest::of(&Shape::Named { width: 7, label: "ok" }), sha256(&named));
        assert_eq!(Digest::of(&(None::<u8>, Some(3_u8))), sha256(&[0, 1, 3]));
        let map = BTreeMap::from([(2_u8, 20_u8), (1, 10)]);
        assert_eq!(Digest::of(&map), sha256(&[2, 0, 0, 0, 0, 0, 0, 0, 1, 10, 2, 20]));
    }

    #[test]
    #[should_panic(expected = "hold no floats")]
    fn a_float_is_a_mistake() {
        Digest::of(&1.0_f64);
    }

    #[test]
    fn prints_as_hex() {
        let expected = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(Feed::default().finish().to_string(), expected);
    }
}
