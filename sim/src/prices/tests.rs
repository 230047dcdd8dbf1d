//! Series as they come and as somebody asks for them.

use super::*;
use proptest::prelude::*;

fn month(text: &str) -> Month {
    text.parse().expect("a month")
}

fn series(text: &str) -> Series {
    Series::parse("own".to_owned(), Currency::Usd, Mass::Tonne, text).expect("a series")
}

/// Span and extremes as published: see `data/SOURCES.md`.
#[test]
fn lithium_metal_is_whole() {
    let series = Series::lithium_metal();
    let prices = series.points();
    let shown = |(month, price): (Month, Price)| format!("{month} {price}");
    assert_eq!(prices.len(), 160);
    assert_eq!(shown(prices[0]), "2012-06 63643.22");
    assert_eq!(shown(prices[159]), "2025-09 84644.21");
    let by_price = |&&(_, price): &&(Month, Price)| price;
    assert_eq!(prices.iter().min_by_key(by_price).copied().map(shown), Some("2015-02 62376.58".into()));
    assert_eq!(prices.iter().max_by_key(by_price).copied().map(shown), Some("2022-04 490008.18".into()));
    let sum: i64 = prices.iter().map(|(_, price)| price.millionths()).sum();
    assert_eq!(Price::from_millionths(sum).to_string(), "20819964.93");
    assert_eq!(series.gaps(), []);
}

#[test]
fn a_month_is_found_only_within_the_series() {
    let series = Series::lithium_metal();
    assert_eq!(series.price(month("2018-12")), "119539.94".parse().ok());
    assert_eq!(series.price(month("2012-05")), None);
    assert_eq!(series.price(month("2025-10")), None);
    let contract = series.range(month("2019-01"), month("2025-09")).expect("in the series");
    assert_eq!((contract.len(), contract[0].0, contract[80].0), (81, month("2019-01"), month("2025-09")));
    assert_eq!(series.range(month("2019-01"), month("2025-10")), None);
    assert_eq!(series.range(month("2012-05"), month("2025-09")), None);
    assert_eq!(series.range(month("2019-03"), month("2019-01")), None);
    let part = series.within(month("2010-01"), month("2012-08")).expect("three months");
    assert_eq!((part.first(), part.last()), (month("2012-06"), month("2012-08")));
    assert!(series.within(month("2010-01"), month("2012-05")).is_none());
}

/// A yearly average stands for each month of its year, and for no other.
#[test]
fn a_year_is_a_step() {
    let series = Series::named("ndpr-oxide").expect("in the catalogue");
    for (at, price) in [("2021-01", "92"), ("2022-12", "124"), ("2024-07", "55"), ("2025-12", "69")] {
        assert_eq!(series.price(month(at)), price.parse().ok(), "{at}");
    }
    assert_eq!((series.first(), series.last()), (month("2021-01"), month("2025-12")));
    assert_eq!(series.price(month("2026-01")), None);
    assert_eq!(series.range(month("2022-03"), month("2024-05")).map(<[_]>::len), Some(3));
    assert_eq!(series.range(month("2022-12"), month("2023-01")).map(<[_]>::len), Some(2));
}

#[test]
fn what_is_missing_is_told_and_stays_missing() {
    let series = series("month,price\n2012-11,10\n2013-02,40\n2013-03,1\n2013-05,3\n");
    let gap = |first, last| Gap { first: month(first), last: month(last) };
    assert_eq!(series.gaps(), [gap("2012-12", "2013-01"), gap("2013-04", "2013-04")]);
    assert_eq!(series.price(month("2012-12")), None);
    assert_eq!(series.range(month("2012-11"), month("2013-02")), None);
    let (last, made) = series.filled(Fill::Last);
    assert_eq!(made, ["2012-12", "2013-01", "2013-04"].map(month));
    assert_eq!(last.price(month("2013-01")), "10".parse().ok());
    let (linear, _) = series.filled(Fill::Linear);
    assert_eq!(linear.price(month("2012-12")), "20".parse().ok());
    assert_eq!(linear.price(month("2013-01")), "30".parse().ok());
    assert_eq!(linear.gaps(), []);
    let years = tests::series("year,price\n2012,10\n2015,40\n");
    assert_eq!(years.gaps(), [gap("2013-01", "2014-12")]);
    assert_eq!(years.filled(Fill::Linear).0.price(month("2014-06")), "30".parse().ok());
}

/// Each series reads, names a source and a licence, and has an id of its own; only the ones that say so have gaps.
#[test]
fn the_catalogue_is_whole() {
    let mut ids: Vec<&str> = catalogue().iter().map(|entry| entry.id).collect();
    assert!(ids.len() >= 41);
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), catalogue().len());
    for entry in catalogue() {
        let series = entry.series();
        assert!(series.points().iter().all(|(_, price)| *price > Price::ZERO), "{}", entry.id);
        assert_eq!(series.gaps(), [], "{}", entry.id);
        for said in [series.form, series.basis, series.source, series.licence] {
            assert!(!said.is_empty(), "{}", entry.id);
        }
    }
}

/// First, last and number of prices of some series, as USGS prints them.
#[test]
fn yearly_series_are_what_usgs_prints() {
    for (id, first, last, count) in [
        ("germanium-metal", "1792", "4100", 11),
        ("gallium-us-imports", "277", "580", 5),
        ("gallium-4n", "124", "290", 7),
        ("lithium-carbonate", "6690", "46000", 10),
        ("tungsten-concentrate", "261", "380", 8),
    ] {
        let series = Series::named(id).expect("in the catalogue");
        let points = series.points();
        let ends = [points[0].1, points[points.len() - 1].1].map(|price| price.to_string());
        assert_eq!((ends, points.len()), ([first.to_owned(), last.to_owned()], count), "{id}");
    }
}

/// The metal costs six to nine times the carbonate in most years, which is why every label says metal.
#[test]
fn lithium_metal_is_not_carbonate() {
    let (metal, carbonate) = (Series::lithium_metal(), Series::named("lithium-carbonate").expect("there"));
    assert!(metal.label().contains("metal"));
    let mut ratios: Vec<i64> = Vec::new();
    for &(year, price) in carbonate.points() {
        let Some(months) = metal.range(year, month(&format!("{}-12", year.year()))) else { continue };
        let sum: i64 = months.iter().map(|(_, price)| price.millionths()).sum();
        ratios.push(sum / 12 * 10 / price.millionths());
    }
    assert_eq!(ratios.len(), 10);
    let usual = ratios.iter().filter(|ratio| (50..=100).contains(*ratio)).count();
    assert!(usual >= 7, "{ratios:?}");
}

proptest! {
    /// Whatever is left out of a series is a gap, and filling leaves what was there as it was.
    #[test]
    fn gaps_are_what_was_left_out(kept in prop::collection::vec(any::<bool>(), 1..60)) {
        let all: Vec<Month> = (0..kept.len()).map(|step| super::month(24_150 + step as i64)).collect();
        let rows: Vec<&Month> = all.iter().zip(&kept).filter(|(_, kept)| **kept).map(|(month, _)| month).collect();
        prop_assume!(!rows.is_empty());
        let text: String = rows.iter().enumerate().map(|(step, month)| format!("{month},{}\n", step * step)).collect();
        let series = series(&format!("month,price\n{text}"));
        let missing: u32 = series.gaps().iter().map(|gap| gap.first.through(gap.last)).sum();
        let span = series.first().through(series.last());
        prop_assert_eq!(span as usize, rows.len() + missing as usize);
        for fill in [Fill::Last, Fill::Linear] {
            let (filled, made) = series.filled(fill);
            prop_assert_eq!(made.len(), missing as usize);
            prop_assert!(filled.gaps().is_empty());
            prop_assert!(series.points().iter().all(|&(month, price)| filled.price(month) == Some(price)));
            prop_assert!(made.iter().all(|month| series.price(*month).is_none()));
        }
    }
}

/// A build without Parquet says how to get one with it.
#[test]
fn a_parquet_file_is_known_by_its_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let read = |name: &str| {
        let file = folder.path().join(name);
        fs::write(&file, "month,price\n2012-06,1\n").expect("written");
        text_of(&file)
    };
    assert_eq!(read("my.csv").expect("text"), "month,price\n2012-06,1\n");
    let refused = read("my.parquet").expect_err("it is CSV").to_string();
    let expected = if cfg!(feature = "parquet") { "not a Parquet file" } else { "--features parquet" };
    assert!(refused.contains(expected), "{refused}");
    let missing = text_of(&folder.path().join("none.parquet")).expect_err("there is none");
    assert_eq!(missing.kind(), io::ErrorKind::NotFound);
}
