//! Which rules are in force: behaviour has a version.
//!
//! The version changes when the same commands would give another result. A journal says which one it began with, and from
//! then on it changes by a command alone, [`Action::ChangeRules`](crate::command::Action::ChangeRules); so whoever replays
//! a journal knows at each command by which rules it was judged. From the first release on an old rule stays callable for
//! ever. Until then the number stays 0 and no old rule is kept.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::reject::Reject;

/// A version of the rules that this engine knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u32")]
pub struct RulesVersion(u32);

/// A number that is no version which this engine knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "rules version {found} is not known to this engine, which knows {} to {}",
    RulesVersion::OLDEST,
    RulesVersion::NEWEST
)]
pub struct UnknownRulesVersion {
    /// The number.
    pub found: u32,
}

impl RulesVersion {
    /// The oldest version that this engine still keeps.
    pub const OLDEST: Self = Self(0);
    /// The newest version that this engine knows: what a new exchange begins with.
    pub const NEWEST: Self = Self(0);

    /// The version's number.
    pub const fn number(self) -> u32 {
        self.0
    }

    /// The version that a change to `wanted` leads to, on an engine that knows versions up to `newest`; refuses one that it
    /// does not know, and one that is not newer than this.
    // Rules: R-MON-053.
    pub(crate) fn change(self, wanted: u32, newest: u32) -> Result<Self, Reject> {
        if wanted > newest {
            return Err(Reject::UnknownRules { newest });
        }
        if wanted <= self.0 { Err(Reject::RulesNotNewer { current: self.0 }) } else { Ok(Self(wanted)) }
    }
}

impl TryFrom<u32> for RulesVersion {
    type Error = UnknownRulesVersion;
    fn try_from(found: u32) -> Result<Self, Self::Error> {
        let known = Self::OLDEST.0..=Self::NEWEST.0;
        if known.contains(&found) { Ok(Self(found)) } else { Err(UnknownRulesVersion { found }) }
    }
}

impl fmt::Display for RulesVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_one_that_the_engine_knows() {
        let known = RulesVersion::OLDEST.number()..=RulesVersion::NEWEST.number();
        for version in known {
            assert_eq!(RulesVersion::try_from(version).map(RulesVersion::number), Ok(version));
        }
        let found = RulesVersion::NEWEST.number() + 1;
        let unknown = RulesVersion::try_from(found).expect_err("from a later engine");
        assert_eq!(unknown, UnknownRulesVersion { found });
        assert_eq!(unknown.to_string(), "rules version 1 is not known to this engine, which knows 0 to 0");
    }

    /// Rules: R-MON-053.
    #[test]
    fn a_change_is_to_a_newer_version_that_is_known() {
        let current = RulesVersion(2);
        assert_eq!(current.change(3, 4), Ok(RulesVersion(3)));
        assert_eq!(current.change(4, 4), Ok(RulesVersion(4)), "versions may be passed over");
        assert_eq!(current.change(5, 4), Err(Reject::UnknownRules { newest: 4 }));
        assert_eq!(current.change(2, 4), Err(Reject::RulesNotNewer { current: 2 }));
        assert_eq!(current.change(1, 4), Err(Reject::RulesNotNewer { current: 2 }));
    }
}
