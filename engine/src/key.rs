//! Keys: which identity a public key speaks for, and until when.
//!
//! A key is known by its fingerprint. It is bound to one identity for good; rotation binds a new key and says when
//! the older ones end. Keys are no part of the state digest: which certificate a trader uses changes nothing
//! that a market does.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::id::IdentityId;
use crate::reject::Reject;
use crate::text::bytes_of_hex;
use crate::time::Instant;

/// The SHA-256 of a public key's DER SubjectPublicKeyInfo.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyFingerprint(pub [u8; 32]);

/// A text that is not a fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a key's fingerprint is 64 hexadecimal digits")]
pub struct ParseFingerprintError;

impl fmt::Display for KeyFingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for KeyFingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyFingerprint({self})")
    }
}

impl FromStr for KeyFingerprint {
    type Err = ParseFingerprintError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        bytes_of_hex(text).map(Self).ok_or(ParseFingerprintError)
    }
}

/// A key that was bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Key {
    identity: IdentityId,
    /// From this instant on it speaks for nobody.
    ends_at: Option<Instant>,
}

/// All keys that were ever bound.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Keys(BTreeMap<KeyFingerprint, Key>);

impl Keys {
    /// For whom a key speaks at an instant.
    pub(crate) fn identity(&self, key: KeyFingerprint, at: Instant) -> Option<IdentityId> {
        let key = self.0.get(&key)?;
        key.ends_at.is_none_or(|ends_at| at < ends_at).then_some(key.identity)
    }

    pub(crate) fn ends_at(&self, key: KeyFingerprint) -> Option<Instant> {
        self.0.get(&key)?.ends_at
    }

    // Rules: R-MON-052.
    pub(crate) fn check_bind(&self, key: KeyFingerprint) -> Result<(), Reject> {
        if self.0.contains_key(&key) { Err(Reject::KeyTaken) } else { Ok(()) }
    }

    /// Binds a key; with `others_end_at`, the identity's other keys end then, or earlier if they did.
    // Rules: R-MON-052.
    pub(crate) fn bind(&mut self, key: KeyFingerprint, identity: IdentityId, others_end_at: Option<Instant>) {
        if let Some(end) = others_end_at {
            for other in self.0.values_mut().filter(|other| other.identity == identity) {
                other.ends_at = Some(other.ends_at.map_or(end, |earlier| earlier.min(end)));
            }
        }
        let before = self.0.insert(key, Key { identity, ends_at: None });
        assert!(before.is_none(), "a key was checked to be free");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_are_64_hexadecimal_digits() {
        let text = "00ff".repeat(16);
        let fingerprint: KeyFingerprint = text.parse().expect("hexadecimal");
        assert_eq!(fingerprint.to_string(), text);
        assert_eq!(text.to_uppercase().parse(), Ok(fingerprint));
        for wrong in ["", "00", &"0".repeat(63), &"0".repeat(66), &"xy".repeat(32), &"é".repeat(64)] {
            assert_eq!(wrong.parse::<KeyFingerprint>(), Err(ParseFingerprintError), "{wrong}");
        }
    }

    /// Rules: R-MON-052.
    #[test]
    fn a_new_key_ends_the_older_ones_when_it_says() {
        let mut keys = Keys::default();
        let [old, new, other] = [1, 2, 3].map(|byte| KeyFingerprint([byte; 32]));
        keys.bind(old, IdentityId(1), None);
        keys.bind(other, IdentityId(2), None);
        keys.bind(new, IdentityId(1), Some(Instant(10)));
        assert_eq!(keys.identity(old, Instant(9)), Some(IdentityId(1)));
        assert_eq!(keys.identity(old, Instant(10)), None);
        assert_eq!(keys.identity(new, Instant(10)), Some(IdentityId(1)));
        assert_eq!(keys.identity(other, Instant(10)), Some(IdentityId(2)));
        assert_eq!(keys.check_bind(old), Err(Reject::KeyTaken));
    }
}
