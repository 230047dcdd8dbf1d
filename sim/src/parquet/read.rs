//! Reading prices: any column that a period or a price can be read from exactly becomes the text that it would be in CSV.

use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;
use parquet::basic::{ConvertedType, LogicalType, Repetition};
use parquet::data_type::Decimal;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use parquet::schema::types::Type;

use super::ParquetError;

/// The prices of a Parquet file as the CSV that [`crate::prices::Series::parse`] reads, and checks: the columns `month` or `year`, and
/// `price`. Texts, whole numbers and decimals are taken as they are, and floating-point numbers as the shortest decimal that reads back as the
/// same. A row is a line of the CSV after its header; one without a value is empty there.
///
/// # Errors
/// [`ParquetError`].
pub fn price_csv(bytes: Vec<u8>) -> Result<String, ParquetError> {
    // The library panics on some damaged files, and then its message is printed beside our error. All that it was reading is dropped, so
    // nothing half done is seen afterwards.
    catch_unwind(AssertUnwindSafe(|| read(bytes))).unwrap_or(Err(ParquetError::Damaged))
}

fn read(bytes: Vec<u8>) -> Result<String, ParquetError> {
    let reader = SerializedFileReader::new(Bytes::from(bytes)).map_err(ParquetError::Read)?;
    let schema = reader.metadata().file_metadata().schema_descr_ptr();
    let fields = schema.root_schema().get_fields();
    let names: Vec<&str> = fields.iter().map(|field| field.name()).collect();
    if !matches!(names[..], ["month" | "year", "price"]) {
        return Err(ParquetError::Columns(names.into_iter().map(str::to_owned).collect()));
    }
    // The library panics at types that it cannot show, and shows some by the number that stands for them.
    if let Some(field) = fields.iter().find(|field| !is_readable(field)) {
        return Err(ParquetError::Type(field.name().to_owned()));
    }
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record(&names).expect("writing to memory does not fail");
    for row in reader.get_row_iter(None).map_err(ParquetError::Read)? {
        let row = row.map_err(ParquetError::Read)?;
        let text = |(name, value): (&String, &Field)| text(value).ok_or(ParquetError::Type(name.clone()));
        let texts = row.get_column_iter().map(text).collect::<Result<Vec<_>, _>>()?;
        csv.write_record(&texts).expect("each row has two fields, and writing to memory does not fail");
    }
    let csv = csv.into_inner().expect("writing to memory does not fail");
    Ok(String::from_utf8(csv).expect("text was written"))
}

fn is_readable(column: &Type) -> bool {
    use ConvertedType::{
        DECIMAL, INT_8, INT_16, INT_32, INT_64, NONE, UINT_8, UINT_16, UINT_32, UINT_64, UTF8,
    };
    let of = column.get_basic_info();
    let kinds = [NONE, UTF8, DECIMAL, INT_8, INT_16, INT_32, INT_64, UINT_8, UINT_16, UINT_32, UINT_64];
    column.is_primitive()
        && of.repetition() != Repetition::REPEATED
        && kinds.contains(&of.converted_type())
        && matches!(
            of.logical_type_ref(),
            None | Some(LogicalType::String | LogicalType::Integer(_) | LogicalType::Decimal(_))
        )
}

/// A value as CSV has it.
fn text(value: &Field) -> Option<String> {
    Some(match value {
        Field::Null => String::new(),
        Field::Str(text) => text.clone(),
        Field::Byte(number) => number.to_string(),
        Field::Short(number) => number.to_string(),
        Field::Int(number) => number.to_string(),
        Field::Long(number) => number.to_string(),
        Field::UByte(number) => number.to_string(),
        Field::UShort(number) => number.to_string(),
        Field::UInt(number) => number.to_string(),
        Field::ULong(number) => number.to_string(),
        // Rust writes floating-point numbers as the shortest decimal that reads back as the same, never with an exponent.
        Field::Float(number) => number.to_string(),
        Field::Double(number) => number.to_string(),
        Field::Decimal(number) => decimal(number)?,
        _ => return None,
    })
}

/// A decimal in digits, without zeros at its end; `None` where it has more digits than the format's usual 38.
fn decimal(number: &Decimal) -> Option<String> {
    let bytes = number.data();
    let scale = usize::try_from(number.scale()).ok().filter(|scale| *scale <= 38)?;
    let is_negative = bytes.first()? >> 7 == 1;
    // Big-endian two's complement, as long as the column says.
    let mut whole = [if is_negative { u8::MAX } else { 0 }; 16];
    whole.get_mut(16_usize.checked_sub(bytes.len())?..)?.copy_from_slice(bytes);
    let unscaled = i128::from_be_bytes(whole);
    let digits = format!("{:0>width$}", unscaled.unsigned_abs(), width = scale + 1);
    let (whole, decimals) = digits.split_at(digits.len() - scale);
    let decimals = decimals.trim_end_matches('0');
    let (sign, point) = (if is_negative { "-" } else { "" }, if decimals.is_empty() { "" } else { "." });
    Some(format!("{sign}{whole}{point}{decimals}"))
}
