//! `golv sim scenarios`: the library.

use clap::Args;
use golv_sim::scenario::library;

use super::source::{Source, SourceError};
use crate::print::{self, table};

/// Which scenario's file to print.
#[derive(Args, Debug)]
pub struct Scenarios {
    /// Print the file of this one
    #[arg(value_name = "NAME")]
    name: Option<String>,
}

/// Lists the library, or prints a file of it.
pub(super) fn run(options: &Scenarios) -> Result<(), SourceError> {
    if let Some(name) = &options.name {
        print::line(Source::find(name)?.text.trim_end());
        return Ok(());
    }
    let rows = library().iter().map(|ready| {
        let scenario = ready.scenario();
        let keys: Vec<&str> = scenario.policies.iter().map(|policy| policy.key.as_str()).collect();
        let months = format!("{} to {}", scenario.first, scenario.last);
        vec![ready.name.to_owned(), months, keys.join(", "), scenario.title]
    });
    print::line(table(&["name", "months", "policies", "title"], rows));
    Ok(())
}
