//! Parquet files: a sweep's rows as one, and price series from one.
//!
//! Both go by way of the CSV that the simulator writes and reads anyway, so rows and series are checked in one place. It is all behind the
//! feature `parquet`, which brings some fifteen crates; without it the functions are there and say how to build with it.
//!
//! | to find … | look in |
//! |---|---|
//! | columns and their types, writing rows | `write.rs` |
//! | prices from columns of any fitting type | `read.rs` |
//!
//! Deliberately absent: going on with a sweep in a Parquet file, whose directory of parts comes at its end. A sweep is kept as CSV, and
//! written as Parquet once it is done.

#[cfg(feature = "parquet")]
mod read;
#[cfg(feature = "parquet")]
mod write;

use std::path::Path;

#[cfg(feature = "parquet")]
use ::parquet::errors::ParquetError as LibraryError;

#[cfg(feature = "parquet")]
pub use read::price_csv;
#[cfg(feature = "parquet")]
pub use write::write_rows;

/// Why a Parquet file cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum ParquetError {
    /// This was built without the feature.
    #[cfg(not(feature = "parquet"))]
    #[error("this was built without Parquet: cargo build --release --features parquet builds with it")]
    NotBuilt,
    /// What is to be written is not a sweep's rows.
    #[cfg(feature = "parquet")]
    #[error(transparent)]
    Rows(#[from] crate::sweep::RowsError),
    /// The rows cannot be written.
    #[cfg(feature = "parquet")]
    #[error("the Parquet file cannot be written")]
    Write(#[from] LibraryError),
    /// It is not Parquet, or compressed with something else than Snappy.
    #[cfg(feature = "parquet")]
    #[error("not a Parquet file that can be read here, which is one uncompressed or compressed with Snappy")]
    Read(#[source] LibraryError),
    /// It says of itself what cannot be.
    #[cfg(feature = "parquet")]
    #[error("the Parquet file is damaged")]
    Damaged,
    /// The columns are not those of a series.
    #[cfg(feature = "parquet")]
    #[error("the columns must be 'month' or 'year', and 'price', and not {}", named(.0))]
    Columns(Vec<String>),
    /// A column of which periods or prices cannot be read.
    #[cfg(feature = "parquet")]
    #[error("column '{0}' must hold texts, numbers or decimals of up to 38 digits")]
    Type(String),
}

#[cfg(feature = "parquet")]
fn named(columns: &[String]) -> String {
    if columns.is_empty() { "none".to_owned() } else { format!("'{}'", columns.join("', '")) }
}

/// Whether a file is Parquet by its name: it ends in `.parquet`.
pub fn is_parquet(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "parquet")
}

/// Whether files can be read and written, for whoever wants to know it before long work.
///
/// # Errors
/// `ParquetError::NotBuilt` where this was built without the feature.
pub fn available() -> Result<(), ParquetError> {
    #[cfg(feature = "parquet")]
    return Ok(());
    #[cfg(not(feature = "parquet"))]
    Err(ParquetError::NotBuilt)
}

/// Writes a sweep's rows, header and all, as a Parquet file.
///
/// # Errors
/// [`ParquetError::NotBuilt`].
#[cfg(not(feature = "parquet"))]
pub fn write_rows(_csv: &str, _out: impl std::io::Write + Send) -> Result<(), ParquetError> {
    Err(ParquetError::NotBuilt)
}

/// The prices of a Parquet file as CSV.
///
/// # Errors
/// [`ParquetError::NotBuilt`].
#[cfg(not(feature = "parquet"))]
pub fn price_csv(_bytes: Vec<u8>) -> Result<String, ParquetError> {
    Err(ParquetError::NotBuilt)
}

#[cfg(all(test, feature = "parquet"))]
mod tests;
