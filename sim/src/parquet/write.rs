//! Writing a sweep's rows: labels as text, `seed` and `path` as unsigned, `worst_year` as signed whole numbers, figures as doubles.

use std::io::Write;
use std::str::FromStr;
use std::sync::Arc;

use csv::StringRecord;
use parquet::basic::{Compression, LogicalType, Repetition, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::errors::ParquetError as LibraryError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::{Type, TypePtr};

use super::ParquetError;
use crate::sweep::{Header, RowsError};

/// Rows of a group, all of which are held at once: some 15 MB.
const GROUP: usize = 65_536;

/// The key of the file's metadata that has the scenarios' hashes.
pub(super) const SCENARIO: &str = "golv.scenario";

/// What a column holds.
#[derive(Clone, Copy)]
enum Kind {
    Text,
    Unsigned,
    Signed,
    Figure,
}

/// Writes a sweep's rows, header and all, as a Parquet file. The file's metadata has the scenario's hash as `golv.scenario`; where a grid
/// made several, all of them in the order of their rows, with spaces between.
///
/// The same rows make the same bytes.
///
/// # Errors
/// [`ParquetError`]; part of the file may have been written before.
pub fn write_rows(csv: &str, out: impl Write + Send) -> Result<(), ParquetError> {
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let header = Header::read(&mut reader)?;
    let kinds: Vec<Kind> =
        header.columns().iter().enumerate().map(|(place, name)| kind(&header, place, name)).collect();
    let fields = header.columns().iter().zip(&kinds).map(|(name, kind)| field(name, *kind));
    let fields = fields.collect::<Result<Vec<TypePtr>, LibraryError>>()?;
    let schema = Arc::new(Type::group_type_builder("sweep").with_fields(fields).build()?);
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let mut writer = SerializedFileWriter::new(out, schema, Arc::new(properties))?;

    let mut scenarios: Vec<String> = Vec::new();
    let mut records = reader.into_records().peekable();
    while records.peek().is_some() {
        let rows = records.by_ref().take(GROUP).collect::<Result<Vec<_>, _>>().map_err(RowsError::from)?;
        for scenario in rows.iter().filter_map(|row| row.get(0)) {
            if scenarios.last().is_none_or(|last| last != scenario) {
                scenarios.push(scenario.to_owned());
            }
        }
        let mut group = writer.next_row_group()?;
        for (place, kind) in kinds.iter().enumerate() {
            column(&mut group, &header, &rows, place, *kind)?;
        }
        group.close()?;
    }
    writer.append_key_value_metadata(KeyValue::new(SCENARIO.to_owned(), scenarios.join(" ")));
    writer.close()?;
    Ok(())
}

fn kind(header: &Header, place: usize, name: &str) -> Kind {
    // By place where it is a label, since a parameter may have any name.
    let from_policy = header.labels() - 1;
    match name {
        _ if place + 2 == from_policy || place + 1 == from_policy => Kind::Unsigned,
        _ if place <= from_policy => Kind::Text,
        "largest_origin" => Kind::Text,
        "worst_year" => Kind::Signed,
        _ => Kind::Figure,
    }
}

fn field(name: &str, kind: Kind) -> Result<TypePtr, LibraryError> {
    let (physical, logical) = match kind {
        Kind::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
        Kind::Unsigned => (Physical::INT64, Some(LogicalType::integer(64, false))),
        Kind::Signed => (Physical::INT64, None),
        Kind::Figure => (Physical::DOUBLE, None),
    };
    let field = Type::primitive_type_builder(name, physical).with_repetition(Repetition::REQUIRED);
    Ok(Arc::new(field.with_logical_type(logical).build()?))
}

fn column<W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    header: &Header,
    rows: &[StringRecord],
    place: usize,
    kind: Kind,
) -> Result<(), ParquetError> {
    let mut column = group.next_column()?.expect("there are as many as in the schema");
    match kind {
        Kind::Text => {
            let texts: Vec<ByteArray> =
                rows.iter().map(|row| row.get(place).unwrap_or_default().into()).collect();
            column.typed::<ByteArrayType>().write_batch(&texts, None, None)?;
        }
        Kind::Unsigned => {
            let numbers: Vec<u64> = numbers(header, rows, place)?;
            let numbers: Vec<i64> = numbers.into_iter().map(u64::cast_signed).collect();
            column.typed::<Int64Type>().write_batch(&numbers, None, None)?;
        }
        Kind::Signed => {
            column.typed::<Int64Type>().write_batch(&numbers(header, rows, place)?, None, None)?;
        }
        Kind::Figure => {
            column.typed::<DoubleType>().write_batch(&numbers(header, rows, place)?, None, None)?;
        }
    }
    column.close()?;
    Ok(())
}

/// A column's numbers.
fn numbers<T: FromStr>(header: &Header, rows: &[StringRecord], place: usize) -> Result<Vec<T>, RowsError> {
    let number = |row: &StringRecord| {
        let text = row.get(place).unwrap_or_default();
        text.parse().map_err(|_| RowsError::Number {
            line: row.position().map_or(0, csv::Position::line),
            column: header.columns()[place].clone(),
            text: text.to_owned(),
        })
    };
    rows.iter().map(number).collect()
}
