//! Rules by their names, from files, and with flags that change them.

use std::path::{Path, PathBuf};

use clap::Args;
use golv_engine::clearing::{Allocation, Candidates, Criterion, Quote, Rule, RuleError};
use golv_engine::num::{Price, Quantity};
use golv_engine::support::{SupportRule, SupportRuleError};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The rule files that are built in, by name.
pub(super) const PRESETS: [(&str, &str); 12] = [
    ("asx", include_str!("../../../engine/rules/asx.toml")),
    ("bnb", include_str!("../../../engine/rules/bnb.toml")),
    ("euronext", include_str!("../../../engine/rules/euronext.toml")),
    ("iex", include_str!("../../../engine/rules/iex.toml")),
    ("krx", include_str!("../../../engine/rules/krx.toml")),
    ("moex", include_str!("../../../engine/rules/moex.toml")),
    ("nse", include_str!("../../../engine/rules/nse.toml")),
    ("pay-as-bid", include_str!("../../../engine/rules/pay-as-bid.toml")),
    ("pay-as-clear", include_str!("../../../engine/rules/pay-as-clear.toml")),
    ("us-treasury", include_str!("../../../engine/rules/us-treasury.toml")),
    ("xetra-continuous-auction", include_str!("../../../engine/rules/xetra-continuous-auction.toml")),
    ("xetra-equities", include_str!("../../../engine/rules/xetra-equities.toml")),
];

/// The support rules that are built in, by name.
const SUPPORT_PRESETS: [(&str, &str); 6] = [
    ("by-budget", include_str!("../../../engine/rules/support/by-budget.toml")),
    ("by-volume", include_str!("../../../engine/rules/support/by-volume.toml")),
    ("european-hydrogen-bank", include_str!("../../../engine/rules/support/european-hydrogen-bank.toml")),
    ("pay-as-bid", include_str!("../../../engine/rules/support/pay-as-bid.toml")),
    ("pay-as-clear", include_str!("../../../engine/rules/support/pay-as-clear.toml")),
    ("stacked-budget", include_str!("../../../engine/rules/support/stacked-budget.toml")),
];

/// The rule of a call auction where none is named.
pub(crate) const CALL: &str = "xetra-equities";

/// The rule of a support auction where none is named.
pub(crate) const SUPPORT: &str = "pay-as-clear";

/// The rule of a sale where none is named: the highest bids, each at its own price.
pub(crate) const SALE: &str = "pay-as-bid";

/// Why there is no rule.
#[derive(Debug, thiserror::Error)]
pub enum NoRule {
    /// No preset has this name.
    #[error("there is no {what} '{name}', but {known}")]
    Unknown {
        /// What was asked for.
        what: &'static str,
        /// The name.
        name: String,
        /// Those there are.
        known: String,
    },
    /// The file cannot be read.
    #[error("{} cannot be read", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is no rule.
    #[error("{} is no rule: {reason}", file.display())]
    Toml {
        /// The file.
        file: PathBuf,
        /// Where and why.
        reason: String,
    },
    /// The rule makes no sense, with the flags that change it.
    #[error(transparent)]
    Rule(#[from] RuleError),
    /// The support rule makes no sense.
    #[error(transparent)]
    Support(#[from] SupportRuleError),
}

/// Which rule.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleChoice {
    /// The rule's name [default: xetra-equities; pay-as-clear where producers are supported, pay-as-bid in a sale]
    #[arg(long, value_name = "NAME", conflicts_with = "rule_file")]
    rule: Option<String>,
    /// A rule of one's own, as TOML; golv clear --print-rule shows how one looks
    #[arg(long, value_name = "FILE")]
    rule_file: Option<PathBuf>,
}

impl RuleChoice {
    /// The rule that was asked for, or else the one with a name, with changes.
    pub(crate) fn rule(&self, default: &str, changes: &Changes) -> Result<Rule, NoRule> {
        match &self.rule_file {
            Some(file) => from_file(file, changes),
            None => named(self.rule.as_deref().unwrap_or(default), changes),
        }
    }
}

/// Which support rule.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
pub struct SupportChoice {
    /// Offers stand in a stack and are awarded support by the rule of this name, such as european-hydrogen-bank or by-budget
    #[arg(long, value_name = "NAME", conflicts_with_all = ["support_file", "rule", "rule_file"])]
    support: Option<String>,
    /// The same by a rule of one's own, as TOML
    #[arg(long, value_name = "FILE", conflicts_with_all = ["rule", "rule_file"])]
    support_file: Option<PathBuf>,
}

impl SupportChoice {
    /// The rule that was asked for, if one was. It may have no limit yet: an exchange's auction adds its own.
    pub(crate) fn rule(&self) -> Result<Option<SupportRule>, NoRule> {
        let rule: SupportRule = match (&self.support, &self.support_file) {
            (_, Some(file)) => read(file)?,
            (Some(name), None) => preset("support rule", name, &SUPPORT_PRESETS)?,
            (None, None) => return Ok(None),
        };
        match rule.check() {
            Ok(()) | Err(SupportRuleError::Unlimited) => Ok(Some(rule)),
            Err(error) => Err(error.into()),
        }
    }
}

/// Flags that change a rule.
#[derive(Args, Debug, Default, PartialEq, Eq)]
pub(crate) struct Changes {
    /// Which prices are candidates: limits, ticks or interval
    #[arg(long)]
    candidates: Option<Candidates>,
    /// The criteria in their order, separated by commas
    #[arg(long, value_delimiter = ',', value_name = "CRITERION")]
    cascade: Option<Vec<Criterion>>,
    /// Who gets what at the margin: price-time, pro-rata, quantity-priority, round-up, minimum-fill or seeded-draw
    #[arg(long)]
    allocation: Option<Allocation>,
    /// The reference price
    #[arg(long, value_name = "PRICE", allow_negative_numbers = true)]
    reference_price: Option<Price>,
    /// Prices are whole multiples of it
    #[arg(long, value_name = "PRICE")]
    tick: Option<Price>,
    /// Quantities are whole multiples of it
    #[arg(long, value_name = "QUANTITY")]
    lot: Option<Quantity>,
    /// No trade below it
    #[arg(long, value_name = "PRICE", allow_negative_numbers = true)]
    floor: Option<Price>,
    /// No trade above it
    #[arg(long, value_name = "PRICE", allow_negative_numbers = true)]
    ceiling: Option<Price>,
    /// A quote, outside which nothing trades
    #[arg(long, value_name = "BID:ASK", allow_hyphen_values = true)]
    quote: Option<Quote>,
}

impl Changes {
    /// Another reference price, if there is one.
    pub(crate) fn reference_price(reference_price: Option<Price>) -> Self {
        Self { reference_price, ..Self::default() }
    }

    /// The tick, if nothing else was asked for.
    pub(super) fn tick_alone(&self) -> Option<Option<Price>> {
        let tick = self.tick;
        (*self == Self { tick, ..Self::default() }).then_some(tick)
    }

    /// The rule with these flags over it.
    fn over(&self, rule: Rule) -> Rule {
        Rule {
            candidates: self.candidates.unwrap_or(rule.candidates),
            cascade: self.cascade.clone().unwrap_or(rule.cascade),
            allocation: self.allocation.unwrap_or(rule.allocation),
            reference_price: self.reference_price.or(rule.reference_price),
            tick: self.tick.or(rule.tick),
            lot: self.lot.or(rule.lot),
            floor: self.floor.or(rule.floor),
            ceiling: self.ceiling.or(rule.ceiling),
            quote: self.quote.or(rule.quote),
            ..rule
        }
    }
}

/// A rule by its name, with changes.
pub(super) fn named(name: &str, changes: &Changes) -> Result<Rule, NoRule> {
    checked(preset("rule", name, &PRESETS)?, changes)
}

/// A rule from a file, with changes.
pub(super) fn from_file(file: &Path, changes: &Changes) -> Result<Rule, NoRule> {
    checked(read(file)?, changes)
}

/// A preset of a kind by its name.
pub(crate) fn preset<T: DeserializeOwned>(
    what: &'static str,
    name: &str,
    presets: &[(&str, &str)],
) -> Result<T, NoRule> {
    let preset = presets.iter().find(|(preset, _)| *preset == name);
    let known = || presets.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    let unknown = || NoRule::Unknown { what, name: name.to_owned(), known: known() };
    let (_, text) = preset.ok_or_else(unknown)?;
    parsed(text, Path::new(name))
}

/// What a file holds.
pub(crate) fn read<T: DeserializeOwned>(file: &Path) -> Result<T, NoRule> {
    let read = std::fs::read_to_string(file);
    let text = read.map_err(|source| NoRule::File { file: file.to_owned(), source })?;
    parsed(&text, file)
}

fn parsed<T: DeserializeOwned>(text: &str, file: &Path) -> Result<T, NoRule> {
    toml::from_str(text)
        .map_err(|error: toml::de::Error| NoRule::Toml { file: file.to_owned(), reason: error.to_string() })
}

fn checked(rule: Rule, changes: &Changes) -> Result<Rule, NoRule> {
    let rule = changes.over(rule);
    rule.check()?;
    Ok(rule)
}

/// A rule as the text of a rule file.
pub(crate) fn text(rule: &impl Serialize) -> String {
    toml::to_string(rule).expect("a rule has names, numbers and texts alone")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_is_a_rule_and_is_printed_as_one() {
        for (name, _) in PRESETS {
            let rule = named(name, &Changes::default()).expect("a rule");
            let file = tempfile::NamedTempFile::new().expect("a file");
            std::fs::write(file.path(), text(&rule)).expect("written");
            assert_eq!(from_file(file.path(), &Changes::default()).expect("a rule"), rule, "{name}");
        }
        for default in [CALL, SUPPORT, SALE] {
            assert!(PRESETS.iter().any(|(name, _)| *name == default));
        }
    }

    #[test]
    fn every_support_preset_is_a_rule_and_is_printed_as_one() {
        for (name, _) in SUPPORT_PRESETS {
            let choice = SupportChoice { support: Some(name.to_owned()), support_file: None };
            let rule = choice.rule().expect("a rule").expect("one was asked for");
            let file = tempfile::NamedTempFile::new().expect("a file");
            std::fs::write(file.path(), text(&rule)).expect("written");
            let again = SupportChoice { support: None, support_file: Some(file.path().to_owned()) };
            assert_eq!(again.rule().expect("a rule"), Some(rule), "{name}");
        }
        let unknown = SupportChoice { support: Some("ehb".to_owned()), support_file: None };
        let said = unknown.rule().expect_err("no such rule").to_string();
        assert!(said.contains("european-hydrogen-bank"), "{said}");
    }

    #[test]
    fn flags_override_and_what_makes_no_sense_is_refused() {
        let price = |text: &str| Some(text.parse().expect("a price"));
        let changes =
            Changes { floor: price("5"), allocation: Some(Allocation::ProRata), ..Changes::default() };
        let rule = named(CALL, &changes).expect("a rule");
        assert_eq!((rule.floor, rule.allocation), (price("5"), Allocation::ProRata));
        let crossed = Changes { ceiling: price("4"), ..changes };
        assert!(matches!(named(CALL, &crossed), Err(NoRule::Rule(RuleError::BoundsCrossed { .. }))));
        let unknown = named("nyse", &Changes::default()).expect_err("no such rule").to_string();
        assert!(unknown.contains("xetra-equities"), "{unknown}");
    }

    #[test]
    fn a_file_with_a_mistake_is_named_with_its_place() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(
            file.path(),
            "candidates = \"limits\"\ncascade = [\"most-volume\"]\nalocation = \"x\"\n",
        )
        .expect("written");
        let said = from_file(file.path(), &Changes::default()).expect_err("no rule").to_string();
        assert!(said.contains("alocation") && said.contains("line 3"), "{said}");
    }
}
