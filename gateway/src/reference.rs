//! `golv completions` and `golv man`: what a shell and a manual know of the command line, made from the command line itself.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::Command;
use clap_complete::Shell;
use clap_mangen::Man;

use crate::print;

/// Why manual pages were not written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write manual pages into {}", dir.display())]
pub struct ManError {
    dir: PathBuf,
    source: io::Error,
}

/// Prints the script with which a shell completes the arguments.
pub fn completions(mut golv: Command, shell: Shell) {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut golv, "golv", &mut script);
    print_bytes(&script);
}

/// Prints the first manual page, or writes a page for every subcommand into a directory, which is created if it is not there.
///
/// # Errors
/// If the directory or a page cannot be written.
pub fn man(golv: Command, into: Option<&Path>) -> Result<(), ManError> {
    match into {
        Some(dir) => fs::create_dir_all(dir)
            .and_then(|()| clap_mangen::generate_to(golv, dir))
            .map_err(|source| ManError { dir: dir.to_owned(), source }),
        None => {
            let mut page = Vec::new();
            Man::new(golv).render(&mut page).expect("memory takes all");
            print_bytes(&page);
            Ok(())
        }
    }
}

/// Both are made as bytes and are text.
fn print_bytes(bytes: &[u8]) {
    print::line(String::from_utf8_lossy(bytes).trim_end());
}
