//! What a price is for a unit of, how often it is published, and what stands for what.

use std::fmt;
use std::str::FromStr;

/// The mass that a price is per.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mass {
    /// Kilogram.
    Kilogram,
    /// Tonne, 1,000 kg.
    Tonne,
    /// Pound avoirdupois, 0.45359237 kg exactly (International Yard and Pound Agreement, 1959).
    Pound,
    /// Metric ton unit: 10 kg of what the ore or concentrate is paid for, such as tungsten trioxide.
    MetricTonUnit,
}

/// A text that is not a unit of mass.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a unit of mass: kg, t, lb or mtu")]
pub struct ParseMassError(pub String);

impl Mass {
    /// All units.
    pub const ALL: [Self; 4] = [Self::Kilogram, Self::Tonne, Self::Pound, Self::MetricTonUnit];

    /// `kg`, `t`, `lb` or `mtu`.
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Kilogram => "kg",
            Self::Tonne => "t",
            Self::Pound => "lb",
            Self::MetricTonUnit => "mtu",
        }
    }

    /// Its mass in hundredths of a milligram, which makes each a whole number.
    pub(super) const fn hundredths_of_milligram(self) -> i128 {
        match self {
            Self::Kilogram => 100_000_000,
            Self::Tonne => 100_000_000_000,
            Self::Pound => 45_359_237,
            Self::MetricTonUnit => 1_000_000_000,
        }
    }
}

impl fmt::Display for Mass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.symbol())
    }
}

impl FromStr for Mass {
    type Err = ParseMassError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|mass| mass.symbol() == text)
            .ok_or_else(|| ParseMassError(text.to_owned()))
    }
}

/// How often a series has a price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frequency {
    /// An average of each month.
    Monthly,
    /// An average of each calendar year: shown by month it is a step, which says nothing of what prices did within the year.
    Yearly,
}

impl Frequency {
    /// How many months a price is the average of.
    pub const fn months(self) -> i64 {
        match self {
            Self::Monthly => 1,
            Self::Yearly => 12,
        }
    }

    /// `monthly` or `yearly`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Monthly => "monthly",
            Self::Yearly => "yearly",
        }
    }

    /// The name of the first column of its files.
    pub const fn column(self) -> &'static str {
        match self {
            Self::Monthly => "month",
            Self::Yearly => "year",
        }
    }
}
