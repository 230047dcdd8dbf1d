//! `golv sim report`: the page of a scenario, and its charts and numbers as files.

use std::error::Error;
use std::path::PathBuf;
use std::{fs, io};

use clap::Args;
use golv_sim::report::comparison::files;

use super::compare::Compared;
use crate::print;

/// What to report, and where to.
#[derive(Args, Debug)]
pub struct Report {
    #[command(flatten)]
    compared: Compared,
    /// The directory for report.html and the other files; files of the same names are written over
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// Why the report is not written.
#[derive(Debug, thiserror::Error)]
enum ReportError {
    #[error("{} cannot be created", path.display())]
    Create { path: PathBuf, source: io::Error },
    #[error("{} cannot be written", path.display())]
    Write { path: PathBuf, source: io::Error },
}

/// Plays everything and writes the files.
pub(super) fn run(options: &Report) -> Result<(), Box<dyn Error>> {
    let comparison = options.compared.comparison()?;
    let dir = &options.out;
    fs::create_dir_all(dir).map_err(|source| ReportError::Create { path: dir.clone(), source })?;
    let files = files(&comparison);
    for (name, content) in &files {
        let path = dir.join(name);
        fs::write(&path, content).map_err(|source| ReportError::Write { path, source })?;
    }
    print::line(format_args!("{} files; begin with {}", files.len(), dir.join("report.html").display()));
    Ok(())
}
