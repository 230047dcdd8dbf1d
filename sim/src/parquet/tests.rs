//! What is written reads back; prices are those of the CSV; what is damaged is refused.

use std::sync::Arc;

use bytes::Bytes;
use golv_engine::num::Currency;
use parquet::basic::Compression;
use parquet::data_type::{
    ByteArray, ByteArrayType, DataType, DoubleType, FixedLenByteArray, FixedLenByteArrayType, FloatType,
    Int32Type, Int64Type,
};
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::writer::SerializedFileWriter;
use parquet::record::Field;
use parquet::schema::parser::parse_message_type;
use proptest::prelude::*;

use super::*;
use crate::prices::{Mass, Series};
use crate::scenario::library;
use crate::sweep::{Method, Sweep};

/// Two points on some paths, whose labels, figures and origins differ.
fn rows(paths: u64) -> String {
    let text = library().iter().find(|ready| ready.name == "dumping").expect("there").text;
    let parameters = vec!["policy.floor.strike=2000,2100".parse().expect("a parameter")];
    let method = Method::Bootstrap { block: 12 };
    let no_file = |_: &str| Err(std::io::Error::other("no file"));
    let sweep = Sweep::new(text, parameters, &[], method, paths, Some(u64::MAX), &no_file).expect("a sweep");
    let mut out = sweep.header().line().into_bytes();
    sweep.run(0, &mut out, &mut |_| ()).expect("played");
    String::from_utf8(out).expect("text")
}

fn written(csv: &str) -> Vec<u8> {
    let mut out = Vec::new();
    write_rows(csv, &mut out).expect("a sweep's rows");
    out
}

/// A file of two columns, as their types are written in a schema, with the second column's values.
fn two_columns<A: DataType, B: DataType>(
    [first, second]: [&str; 2],
    periods: &[A::T],
    prices: &[B::T],
    levels: Option<&[i16]>,
) -> Vec<u8> {
    let schema = parse_message_type(&format!("message prices {{ {first}; {second}; }}")).expect("a schema");
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let mut out = Vec::new();
    let mut writer =
        SerializedFileWriter::new(&mut out, Arc::new(schema), Arc::new(properties)).expect("begun");
    let mut group = writer.next_row_group().expect("begun");
    let mut column = group.next_column().expect("begun").expect("the first");
    column.typed::<A>().write_batch(periods, None, None).expect("written");
    column.close().expect("closed");
    let mut column = group.next_column().expect("begun").expect("the second");
    column.typed::<B>().write_batch(prices, levels, None).expect("written");
    column.close().expect("closed");
    group.close().expect("closed");
    writer.close().expect("closed");
    out
}

const MONTH: &str = "required binary month (UTF8)";

fn texts(texts: &[&str]) -> Vec<ByteArray> {
    texts.iter().map(|text| (*text).into()).collect()
}

fn months() -> Vec<ByteArray> {
    texts(&["2012-06", "2012-07", "2012-09"])
}

/// A small file as others write it.
fn sample() -> Vec<u8> {
    two_columns::<ByteArrayType, DoubleType>(
        [MONTH, "required double price"],
        &months(),
        &[0.1, 63643.22, 70000.0],
        None,
    )
}

#[test]
fn what_is_written_reads_back() {
    let csv = rows(3);
    let file = SerializedFileReader::new(Bytes::from(written(&csv))).expect("Parquet");
    let mut lines = csv::Reader::from_reader(csv.as_bytes());
    let columns = lines.headers().expect("a header").clone();
    let schema = file.metadata().file_metadata().schema_descr_ptr();
    assert!(schema.columns().iter().map(|column| column.name()).eq(columns.iter()));
    let mut read = file.get_row_iter(None).expect("rows");
    let (mut scenarios, mut kinds) = (Vec::new(), std::collections::BTreeSet::new());
    for line in lines.records() {
        let (line, row) = (line.expect("a line"), read.next().expect("as many").expect("a row"));
        for ((name, value), text) in row.get_column_iter().zip(&line) {
            let back = match value {
                Field::Str(text) => text.clone(),
                Field::Long(number) => number.to_string(),
                Field::ULong(number) => number.to_string(),
                Field::Double(number) => number.to_string(),
                other => panic!("{name} is {other}"),
            };
            assert_eq!(back, text, "{name}");
            let kind = match value {
                Field::Str(_) => "text",
                Field::Long(_) => "signed",
                Field::ULong(_) => "unsigned",
                _ => "double",
            };
            kinds.insert((kind, name.clone()));
        }
        scenarios.push(line[0].to_owned());
    }
    assert!(read.next().is_none());
    let of = |kind: &str| -> Vec<&str> {
        kinds.iter().filter(|(of, _)| *of == kind).map(|(_, name)| name.as_str()).collect()
    };
    assert_eq!(of("text"), ["largest_origin", "policy", "policy.floor.strike", "scenario"]);
    assert_eq!((of("unsigned"), of("signed")), (vec!["path", "seed"], vec!["worst_year"]));
    scenarios.dedup();
    assert_eq!(scenarios.len(), 2, "one for each strike");
    let metadata = file.metadata().file_metadata().key_value_metadata().expect("there is some");
    let hashes = metadata.iter().find(|pair| pair.key == write::SCENARIO).and_then(|pair| pair.value.clone());
    assert_eq!(hashes, Some(scenarios.join(" ")));
}

#[test]
fn the_same_rows_make_the_same_bytes() {
    let csv = rows(2);
    assert_eq!(written(&csv), written(&csv));
    let header = csv.lines().next().expect("a header");
    let empty = SerializedFileReader::new(Bytes::from(written(header))).expect("Parquet");
    assert_eq!(empty.metadata().file_metadata().num_rows(), 0);
}

/// More rows than a group holds; a parameter may have the name of another column.
#[test]
fn rows_beyond_a_group_are_kept() {
    let csv = rows(1);
    let (header, row) = (csv.lines().next().expect("a header"), csv.lines().nth(1).expect("a row"));
    let header = header.replace("policy.floor.strike", "seed");
    let count = 65_537;
    let many = format!("{header}\n{}", format!("{row}\n").repeat(count));
    let file = SerializedFileReader::new(Bytes::from(written(&many))).expect("Parquet");
    assert_eq!(file.num_row_groups(), 2);
    assert_eq!(file.get_row_iter(None).expect("rows").count(), count);
}

#[test]
fn rows_that_are_not_a_sweeps_are_refused() {
    let csv = rows(1);
    let error = |csv: &str| write_rows(csv, Vec::new()).expect_err("refused").to_string();
    assert_eq!(error("month,price\n2012-06,1\n"), "line 1 is not the header of a sweep's rows");
    let line = csv.lines().nth(1).expect("a row");
    let wrong = csv.replacen(line, &line.replacen(&u64::MAX.to_string(), "seven", 1), 1);
    assert_eq!(error(&wrong), "line 2, column 'seed': 'seven' is not a number");
    let short = csv.replacen(line, &line[..line.len() / 2], 1);
    assert_eq!(error(&short), "the rows are not CSV");
}

#[test]
fn prices_are_those_of_the_csv() {
    let csv = "month,price\n2012-06,0.1\n2012-07,63643.22\n2012-09,70000\n";
    let double = sample();
    assert_eq!(price_csv(double.clone()).expect("prices"), csv);
    let float = two_columns::<ByteArrayType, FloatType>(
        [MONTH, "required float price"],
        &months(),
        &[0.1, 63643.22, 70000.0],
        None,
    );
    let text = two_columns::<ByteArrayType, ByteArrayType>(
        [MONTH, "required binary price (UTF8)"],
        &months(),
        &texts(&["0.1", "63643.22", "70000"]),
        None,
    );
    let long = two_columns::<ByteArrayType, Int64Type>(
        [MONTH, "required int64 price (DECIMAL(12, 4))"],
        &months(),
        &[1000, 636_432_200, 700_000_000],
        None,
    );
    let fixed = |value: i128| FixedLenByteArray::from(value.to_be_bytes().to_vec());
    let fixed = two_columns::<ByteArrayType, FixedLenByteArrayType>(
        [MONTH, "required fixed_len_byte_array(16) price (DECIMAL(38, 2))"],
        &months(),
        &[fixed(10), fixed(6_364_322), fixed(7_000_000)],
        None,
    );
    let fixed = price_csv(fixed).expect("prices");
    for file in [double, float, text, long] {
        assert_eq!(price_csv(file).expect("prices"), csv);
    }
    assert_eq!(fixed, csv);
    let years = two_columns::<Int32Type, Int32Type>(
        ["required int32 year", "required int32 price"],
        &[2012, 2013],
        &[5, -6],
        None,
    );
    assert_eq!(price_csv(years).expect("prices"), "year,price\n2012,5\n2013,-6\n");
}

/// A decimal is exact where a double would not be, in bytes of any length and below zero.
#[test]
fn decimals_are_exact() {
    let schema = "required binary price (DECIMAL(38, 6))";
    let prices: Vec<ByteArray> =
        [vec![0xff], 9_000_000_000_000_000_001_i64.to_be_bytes().to_vec(), vec![0; 16]]
            .into_iter()
            .map(ByteArray::from)
            .collect();
    let file = two_columns::<ByteArrayType, ByteArrayType>([MONTH, schema], &months(), &prices, None);
    let csv = "month,price\n2012-06,-0.000001\n2012-07,9000000000000.000001\n2012-09,0\n";
    assert_eq!(price_csv(file).expect("prices"), csv);
    let long = vec![ByteArray::from(vec![1; 17]); 3];
    let file = two_columns::<ByteArrayType, ByteArrayType>([MONTH, schema], &months(), &long, None);
    let error = price_csv(file).expect_err("refused").to_string();
    assert_eq!(error, "column 'price' must hold texts, numbers or decimals of up to 38 digits");
}

#[test]
fn columns_and_types_that_are_no_series_are_refused() {
    let of = |columns: [&str; 2]| {
        let file = two_columns::<ByteArrayType, Int64Type>(columns, &months(), &[1, 2, 3], None);
        price_csv(file).expect_err("refused").to_string()
    };
    assert_eq!(
        of(["required binary date (UTF8)", "required int64 price"]),
        "the columns must be 'month' or 'year', and 'price', and not 'date', 'price'"
    );
    let wrong = "column 'price' must hold texts, numbers or decimals of up to 38 digits";
    for of_time in ["TIMESTAMP_MICROS", "TIMESTAMP(NANOS, false)", "TIME_MICROS"] {
        assert_eq!(of([MONTH, &format!("required int64 price ({of_time})")]), wrong, "{of_time}");
    }
    let bytes = of(["required binary month", "required int64 price"]);
    assert_eq!(bytes, wrong.replace("price", "month"));
}

/// What CSV would refuse is refused in the same words; a row is a line after the header.
#[test]
fn a_series_is_checked_as_csv_is() {
    let parse = |months: &[&str], price: f64| {
        let prices = vec![price; months.len()];
        let columns = [MONTH, "required double price"];
        let file = two_columns::<ByteArrayType, DoubleType>(columns, &texts(months), &prices, None);
        let csv = price_csv(file).expect("prices");
        Series::parse("my.parquet".to_owned(), Currency::Eur, Mass::Tonne, &csv)
    };
    let error = |months: &[&str], price| {
        let error = parse(months, price).expect_err("refused");
        let source = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
        format!("{error} {source}")
    };
    assert_eq!(parse(&["2012-06", "2012-07"], 1.5).expect("a series").points().len(), 2);
    let crossed = "line 3, column 'month': 2012-05 does not come after 2012-06; a series has every month once, \
                   in order ";
    assert_eq!(error(&["2012-06", "2012-05"], 1.0), crossed);
    assert!(error(&["2012-06"], f64::NAN).starts_with("line 2, column 'price' 'NaN' is not a plain decimal"));
    assert!(error(&["2012-06"], 1.0 / 3.0).ends_with("has more than six decimals"));
    assert!(error(&["2012-06"], 1e300).ends_with("is larger than can be held (about 9.2 trillion)"));
    assert!(error(&["2012-06,\"\n"], 1.0).starts_with("line 2, column 'month'"));
    assert_eq!(error(&[], 1.0), "the series is empty ");
    let missing = two_columns::<ByteArrayType, DoubleType>(
        [MONTH, "optional double price"],
        &months(),
        &[1.0, 2.0],
        Some(&[1, 0, 1]),
    );
    assert_eq!(price_csv(missing).expect("prices"), "month,price\n2012-06,1\n2012-07,\n2012-09,2\n");
}

/// Whatever a byte of a file is changed to and wherever a file ends, it is read or refused.
#[test]
fn a_damaged_file_is_refused() {
    let sample = sample();
    for place in 0..sample.len() {
        for change in 1..=u8::MAX {
            let mut file = sample.clone();
            file[place] ^= change;
            let _ = price_csv(file);
        }
        assert!(price_csv(sample[..place].to_vec()).is_err(), "broken off at {place}");
    }
    // One of the places where the library itself panics.
    let damaged = (0..sample.len()).any(|place| {
        let mut file = sample.clone();
        file[place] ^= 0xff;
        matches!(price_csv(file), Err(ParquetError::Damaged))
    });
    assert!(damaged);
}

proptest! {
    /// The same of several bytes, and of bytes between a file's marks.
    #[test]
    fn whatever_is_read_is_read_or_refused(changes: Vec<(prop::sample::Index, u8)>, between: Vec<u8>) {
        let mut file = sample();
        for (place, byte) in changes {
            let place = place.index(file.len());
            file[place] = byte;
        }
        let _ = price_csv(file);
        let length = u32::try_from(between.len()).expect("short").to_le_bytes();
        let file = [b"PAR1", &between[..], &length, b"PAR1"].concat();
        prop_assert!(price_csv(file).is_err());
    }
}
