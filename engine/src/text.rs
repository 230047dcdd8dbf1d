//! Short texts from outside, checked where they come in: names and country codes.
//!
//! A name is encoded as the list of its bytes, not as serde's text: a decoder may take room for a text at once, as much as
//! its length claims, and it takes a list element by element. In the digest and in messages the two are the
//! same bytes.

use std::fmt;
use std::str::FromStr;

use serde::de::{self, Deserializer, SeqAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};

/// A name for people to read: 1 to 64 bytes, no control characters, no space at either end.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(String);

/// A country by its two ISO 3166-1 letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "[u8; 2]", into = "[u8; 2]")]
pub struct Country([u8; 2]);

/// A text that does not serve as a name or country.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Empty, or longer than 64 bytes.
    #[error("a name has 1 to {} bytes", Name::BYTES_MAX)]
    Length,
    /// A control character, or space at an end.
    #[error("a name has no control characters and no space at either end")]
    Characters,
    /// Not two capital letters.
    #[error("a country is two capital letters, such as FI")]
    Country,
}

impl Name {
    /// The longest name, in bytes.
    pub const BYTES_MAX: usize = 64;

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Name {
    type Error = TextError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text.is_empty() || text.len() > Self::BYTES_MAX {
            return Err(TextError::Length);
        }
        if text.trim() != text || text.chars().any(char::is_control) {
            return Err(TextError::Characters);
        }
        Ok(Self(text))
    }
}

impl FromStr for Name {
    type Err = TextError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.to_owned().try_into()
    }
}

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.as_bytes())
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Bytes)
    }
}

/// Reads a name's bytes, and none past the longest name.
struct Bytes;

impl<'de> Visitor<'de> for Bytes {
    type Value = Name;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a name of at most {} bytes", Name::BYTES_MAX)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Name, A::Error> {
        let mut bytes = Vec::with_capacity(Name::BYTES_MAX);
        while let Some(byte) = elements.next_element()? {
            if bytes.len() == Name::BYTES_MAX {
                return Err(de::Error::custom(TextError::Length));
            }
            bytes.push(byte);
        }
        String::from_utf8(bytes).map_err(de::Error::custom)?.try_into().map_err(de::Error::custom)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl TryFrom<[u8; 2]> for Country {
    type Error = TextError;
    fn try_from(letters: [u8; 2]) -> Result<Self, Self::Error> {
        if letters.iter().all(u8::is_ascii_uppercase) { Ok(Self(letters)) } else { Err(TextError::Country) }
    }
}

impl FromStr for Country {
    type Err = TextError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        <[u8; 2]>::try_from(text.as_bytes()).map_err(|_| TextError::Country)?.try_into()
    }
}

impl From<Country> for [u8; 2] {
    fn from(country: Country) -> Self {
        country.0
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text: String = self.0.iter().copied().map(char::from).collect();
        f.pad(&text)
    }
}

/// The bytes that 64 hexadecimal digits write.
pub(crate) fn bytes_of_hex(text: &str) -> Option<[u8; 32]> {
    let digits: Vec<u8> =
        text.chars().map(|digit| u8::try_from(digit.to_digit(16)?).ok()).collect::<Option<_>>()?;
    let bytes: Vec<u8> = digits
        .chunks(2)
        .map(|pair| match pair {
            [high, low] => high.checked_mul(16)?.checked_add(*low),
            _ => None,
        })
        .collect::<Option<_>>()?;
    bytes.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_and_printable() {
        assert!("Keliber Oy".parse::<Name>().is_ok());
        assert_eq!("".parse::<Name>(), Err(TextError::Length));
        assert_eq!("x".repeat(65).parse::<Name>(), Err(TextError::Length));
        assert_eq!(" x".parse::<Name>(), Err(TextError::Characters));
        assert_eq!("a\u{7}b".parse::<Name>(), Err(TextError::Characters));
    }

    #[test]
    fn countries_are_two_capital_letters() {
        assert_eq!("FI".parse::<Country>().map(|c| c.to_string()), Ok("FI".into()));
        for text in ["", "F", "fi", "FIN", "F1", "É"] {
            assert_eq!(text.parse::<Country>(), Err(TextError::Country));
        }
    }
}
