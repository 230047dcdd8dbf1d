//! A scenario by its name in the library or by its file, and policies by their keys.

use std::io;
use std::path::{Path, PathBuf};

use golv_sim::prices::text_of;
use golv_sim::scenario::{Policy, Scenario, ScenarioError, library};

use crate::command_line::words::nearest;

/// Why there is no such scenario or policy.
#[derive(Debug, thiserror::Error)]
pub(super) enum SourceError {
    #[error(
        "there is no scenario '{name}'{}; golv sim scenarios lists those that come with golv, and a file of your own ends in .toml",
        meant(near.as_deref())
    )]
    NoScenario { name: String, near: Option<String> },
    #[error("{} cannot be read", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("{name}")]
    Wrong { name: String, source: Box<ScenarioError> },
    #[error("the scenario has no policy '{key}': it has {}", has.join(", "))]
    NoPolicy { key: String, has: Vec<String> },
}

pub(super) fn meant(near: Option<&str>) -> String {
    near.map_or_else(String::new, |near| format!(" (is {near} meant?)"))
}

/// The text of a scenario, and where files stand that it names.
pub(super) struct Source {
    name: String,
    pub(super) text: String,
    dir: PathBuf,
}

impl Source {
    /// A scenario of the library, or else a file that ends in `.toml`.
    pub(super) fn find(name: &str) -> Result<Self, SourceError> {
        if let Some(ready) = library().iter().find(|ready| ready.name == name) {
            return Ok(Self { name: name.to_owned(), text: ready.text.to_owned(), dir: PathBuf::new() });
        }
        let path = Path::new(name);
        if path.extension().is_none_or(|end| end != "toml") {
            let near = nearest(name, library().iter().map(|ready| ready.name.to_owned()));
            return Err(SourceError::NoScenario { name: name.to_owned(), near });
        }
        let text = std::fs::read_to_string(path)
            .map_err(|source| SourceError::Read { path: path.into(), source })?;
        let dir = path.parent().unwrap_or(Path::new("")).to_owned();
        Ok(Self { name: name.to_owned(), text, dir })
    }

    /// The scenario, read.
    pub(super) fn scenario(&self) -> Result<Scenario, SourceError> {
        Scenario::read(&self.text, &|file| self.open(file))
            .map_err(|source| SourceError::Wrong { name: self.name.clone(), source: source.into() })
    }

    /// Opens a file that it names: beside it.
    pub(super) fn open(&self, file: &str) -> io::Result<String> {
        text_of(&self.dir.join(file))
    }
}

/// A policy by its key.
pub(super) fn policy<'a>(scenario: &'a Scenario, key: &str) -> Result<&'a Policy, SourceError> {
    scenario.policy(key).ok_or_else(|| SourceError::NoPolicy {
        key: key.to_owned(),
        has: scenario.policies.iter().map(|policy| policy.key.clone()).collect(),
    })
}

/// Policies by their keys, all of them without any.
pub(super) fn policies<'a>(scenario: &'a Scenario, keys: &[String]) -> Result<Vec<&'a Policy>, SourceError> {
    if keys.is_empty() {
        return Ok(scenario.policies.iter().collect());
    }
    keys.iter().map(|key| policy(scenario, key)).collect()
}
