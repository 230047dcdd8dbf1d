//! The figures of an exposure: what they are made of, and how they are printed.

use golv_engine::id::ProgrammeId;
use golv_engine::num::{Currency, HalfWay, Share};
use serde_json::{Map, Value};

use super::costs::Cost;
use crate::print::{self, Format, grouped, sum, table};

/// Everything that is printed. Amounts are in millionths.
pub(super) struct Figures {
    pub(super) programme: ProgrammeId,
    pub(super) currency: Currency,
    pub(super) free: i128,
    pub(super) reserved: i128,
    pub(super) contracts: usize,
    pub(super) periods: usize,
    pub(super) worst: i128,
    pub(super) stress: i128,
    pub(super) paths: OfPaths,
}

/// The costs of all paths; there is one at least.
pub(super) struct OfPaths {
    /// What is paid on each, the least first.
    paid: Vec<i128>,
    /// What holders give, summed over all.
    given: i128,
}

impl OfPaths {
    pub(super) fn new(costs: Vec<Cost>) -> Self {
        let given = costs.iter().map(|cost| cost.given).sum();
        let mut paid: Vec<i128> = costs.iter().map(|cost| cost.paid).collect();
        paid.sort_unstable();
        Self { paid, given }
    }

    /// The smallest cost such that at least so many of a hundred paths cost no more.
    fn quantile(&self, percent: usize) -> i128 {
        let rank = (self.paid.len() * percent).div_ceil(100);
        self.paid[rank.saturating_sub(1)]
    }

    fn most(&self) -> i128 {
        self.quantile(100)
    }

    /// A sum over all paths, for one of them: rounded half to even to the currency's minor unit.
    fn mean(&self, total: i128, currency: Currency) -> i128 {
        let minor = i128::from(currency.minor_unit());
        let units = HalfWay::Even.divide(total, self.paid.len() as i128 * minor);
        units.expect("there is a path") * minor
    }

    /// How many paths cost more than there is.
    fn above(&self, money: i128) -> usize {
        self.paid.len() - self.paid.partition_point(|paid| *paid <= money)
    }
}

/// What a figure is.
enum Figure {
    Amount(i128),
    Count(usize),
    Part(Share),
}

impl Figures {
    /// Whether some path costs more than the worst case.
    pub(super) fn exceed_worst_case(&self) -> bool {
        self.paths.most() > self.worst
    }

    /// All figures: their names for programs and for people, and what they are.
    fn all(&self) -> [(&'static str, &'static str, Figure); 17] {
        use Figure::{Amount, Count, Part};
        let paths = &self.paths;
        let short = paths.above(self.free + self.reserved);
        let part = HalfWay::Even.divide(short as i128 * 1_000_000, paths.paid.len() as i128);
        let part = part.and_then(|part| u32::try_from(part).ok()).and_then(Share::from_millionths);
        [
            ("programme", "programme", Count(self.programme.0 as usize)),
            ("free", "money, free", Amount(self.free)),
            ("reserved", "money, reserved", Amount(self.reserved)),
            ("money", "money, both", Amount(self.free + self.reserved)),
            ("contracts", "contracts with periods left", Count(self.contracts)),
            ("periods", "periods left, over all contracts", Count(self.periods)),
            ("worst_case", "worst case", Amount(self.worst)),
            ("stress", "at stress prices", Amount(self.stress)),
            ("paths", "paths", Count(paths.paid.len())),
            ("mean", "on average over the paths", Amount(paths.mean(paths.paid.iter().sum(), self.currency))),
            ("least", "least of a path", Amount(paths.paid[0])),
            ("quantile_95", "no more in 95 % of the paths", Amount(paths.quantile(95))),
            ("quantile_99", "no more in 99 % of the paths", Amount(paths.quantile(99))),
            ("most", "most of a path", Amount(paths.most())),
            ("given_mean", "given by holders, on average", Amount(paths.mean(paths.given, self.currency))),
            ("short", "paths that it does not suffice for", Count(short)),
            ("short_share", "their share of all paths", Part(part.expect("a part of all paths"))),
        ]
    }

    pub(super) fn text(&self, format: Format) -> String {
        let currency = self.currency;
        let row = |name: &str, figure: &Figure| {
            let (value, currency) = match figure {
                Figure::Amount(millionths) => (sum(*millionths, currency), currency.code()),
                Figure::Count(count) => (count.to_string(), ""),
                Figure::Part(share) => (share.to_string(), ""),
            };
            vec![name.to_owned(), value, currency.to_owned()]
        };
        match format {
            Format::Csv => {
                let rows = self.all().into_iter().map(|(name, _, figure)| row(name, &figure));
                print::csv(&["figure", "amount", "currency"], rows)
            }
            Format::Table => {
                let rows = self.all().into_iter().map(|(_, title, figure)| {
                    let mut row = row(title, &figure);
                    row[1] = grouped(&row[1]);
                    row
                });
                table(&["figure", ">amount", "currency"], rows).to_string()
            }
            Format::Json => {
                let value = |figure| match figure {
                    Figure::Amount(millionths) => Value::from(sum(millionths, currency)),
                    Figure::Count(count) => Value::from(count),
                    Figure::Part(share) => Value::from(share.to_string()),
                };
                let figures =
                    self.all().into_iter().map(|(name, _, figure)| (name.to_owned(), value(figure)));
                let currency = ("currency".to_owned(), Value::from(currency.code()));
                Value::Object([currency].into_iter().chain(figures).collect::<Map<_, _>>()).to_string()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(paid: impl IntoIterator<Item = i128>) -> OfPaths {
        OfPaths::new(paid.into_iter().map(|paid| Cost { paid, given: 0 }).collect())
    }

    /// By the definition: the smallest cost that at least that share of the paths does not exceed.
    #[test]
    fn a_quantile_is_a_cost_by_its_rank() {
        for (count, of_95, of_99) in
            [(1, 1, 1), (2, 2, 2), (19, 19, 19), (20, 19, 20), (100, 95, 99), (101, 96, 100)]
        {
            let paths = paths((1..=count).rev());
            assert_eq!(
                (paths.quantile(95), paths.quantile(99), paths.most()),
                (of_95, of_99, count),
                "{count}"
            );
        }
    }

    #[test]
    fn a_mean_is_in_minor_units_and_money_that_is_just_enough_suffices() {
        let paths = paths([0, 10_000, 10_000, 40_000]);
        assert_eq!(paths.mean(60_000, Currency::Eur), 20_000, "1.5 cents lie half way, and 2 is even");
        assert_eq!(paths.mean(100_000, Currency::Eur), 20_000, "and so do 2.5");
        assert_eq!([9_999, 10_000, 40_000].map(|money| paths.above(money)), [3, 1, 0]);
    }
}
