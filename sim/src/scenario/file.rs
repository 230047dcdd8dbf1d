//! A scenario file as it is written: tables and keys, not checked against each other yet.

use std::collections::BTreeMap;

use golv_engine::num::{Amount, Currency, Price, Quantity, Share};
use golv_engine::text::{Country, Name};
use golv_engine::time::Month;
use serde::Deserialize;
use toml::Spanned;

use super::value::{Drawn, Ratio, Text};

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct File {
    pub(super) title: String,
    #[serde(default)]
    pub(super) summary: String,
    #[serde(default = "one")]
    pub(super) seed: u64,
    pub(super) discount_rate: Option<Text<Share>>,
    pub(super) market: Spanned<MarketTable>,
    pub(super) prices: Spanned<PricesTable>,
    pub(super) time: Spanned<TimeTable>,
    #[serde(default)]
    pub(super) producer: BTreeMap<String, Spanned<ProducerTable>>,
    #[serde(default)]
    pub(super) buyer: BTreeMap<String, Spanned<BuyerTable>>,
    #[serde(default)]
    pub(super) policy: BTreeMap<String, Spanned<PolicyTable>>,
    #[serde(default)]
    pub(super) shock: Vec<Spanned<ShockTable>>,
}

const fn one() -> u64 {
    1
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct MarketTable {
    pub(super) material: Text<Name>,
    pub(super) unit: UnitWord,
    pub(super) currency: Text<Currency>,
    pub(super) lot: Option<Text<Quantity>>,
    pub(super) tick: Text<Price>,
    pub(super) lowest: Text<Price>,
    pub(super) highest: Text<Price>,
    #[serde(default)]
    pub(super) trade: TradeWord,
}

#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) enum UnitWord {
    #[serde(rename = "kg")]
    Kilogram,
    #[serde(rename = "t")]
    Tonne,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum TradeWord {
    #[default]
    Call,
    Rounds,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct PricesTable {
    pub(super) series: Spanned<String>,
    pub(super) currency: Option<Text<Currency>>,
    pub(super) unit: Option<Spanned<String>>,
    pub(super) fill: Option<FillWord>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum FillWord {
    Last,
    Linear,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct TimeTable {
    pub(super) first: Text<Month>,
    pub(super) last: Text<Month>,
    #[serde(default)]
    pub(super) every: EveryWord,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum EveryWord {
    #[default]
    Month,
    Quarter,
    Year,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct ProducerTable {
    pub(super) name: Text<Name>,
    pub(super) origin: Text<Country>,
    pub(super) owner: Option<String>,
    pub(super) capacity: Text<Drawn<Quantity>>,
    pub(super) cost: Vec<StepTable>,
    pub(super) elsewhere: Option<Text<Ratio>>,
    pub(super) fixed: Option<Text<Amount>>,
    pub(super) reserves: Option<Text<Amount>>,
    pub(super) behaviour: Option<BehaviourTable>,
    pub(super) investment: Option<InvestmentTable>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct StepTable {
    pub(super) part: Option<Text<Share>>,
    pub(super) price: Option<Text<Drawn<Price>>>,
    pub(super) index: Option<Text<Drawn<Ratio>>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct InvestmentTable {
    pub(super) capital: Text<Amount>,
    pub(super) years: u8,
    #[serde(default)]
    pub(super) build_months: u16,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct BuyerTable {
    pub(super) name: Text<Name>,
    pub(super) demand: Text<Drawn<Quantity>>,
    pub(super) worth: Vec<StepTable>,
    pub(super) behaviour: Option<BehaviourTable>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct BehaviourTable {
    pub(super) kind: BehaviourWord,
    pub(super) rule: Option<StrategyWord>,
    pub(super) margin: Option<Text<Share>>,
    pub(super) step: Option<Text<Share>>,
    pub(super) keep: Option<Text<Share>>,
    pub(super) ask: Option<Text<Ratio>>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum BehaviourWord {
    Truthful,
    Shaded,
    Strategic,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum StrategyWord {
    LastPrice,
    Withhold,
    Dump,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct PolicyTable {
    pub(super) name: Option<String>,
    pub(super) kind: PolicyWord,
    pub(super) budget: Option<Text<Amount>>,
    #[serde(default)]
    pub(super) backing: BackingWord,
    pub(super) first: Option<Text<Month>>,
    pub(super) last: Option<Text<Month>>,
    #[serde(default)]
    pub(super) origins: Vec<Text<Country>>,
    pub(super) strike: Option<Text<Price>>,
    pub(super) stress: Option<Text<Price>>,
    pub(super) settle: Option<SettleWord>,
    pub(super) measure: Option<MeasureWord>,
    pub(super) cap: Option<Text<Price>>,
    pub(super) threshold: Option<Text<Price>>,
    pub(super) share: Option<Text<Share>>,
    pub(super) annual_cap: Option<Text<Amount>>,
    pub(super) volume: Option<Text<Quantity>>,
    pub(super) origin_cap: Option<Text<Share>>,
    pub(super) grants: Option<BTreeMap<Spanned<String>, Text<Quantity>>>,
    pub(super) ceiling: Option<Text<Price>>,
    pub(super) worst_sale: Option<Text<Price>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum PolicyWord {
    NoSupport,
    Floor,
    TwoWay,
    Collar,
    UpsideShare,
    Intermediary,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum BackingWord {
    #[default]
    Capped,
    Guaranteed,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum SettleWord {
    Month,
    Quarter,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum MeasureWord {
    Metered,
    Fixed,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct ShockTable {
    pub(super) kind: ShockWord,
    pub(super) first: Text<Month>,
    pub(super) last: Text<Month>,
    pub(super) share: Text<Share>,
    pub(super) origin: Option<Text<Country>>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum ShockWord {
    PriceWar,
    ExportBan,
    DemandDrop,
}
