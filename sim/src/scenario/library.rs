//! The scenarios that come with the project, from `sim/scenarios`.

use super::{Scenario, ScenarioError};

/// A scenario that comes with the project.
#[derive(Clone, Copy, Debug)]
pub struct Ready {
    /// The name that it is asked for by.
    pub name: &'static str,
    /// Its file.
    pub text: &'static str,
}

impl Ready {
    /// The scenario, read.
    pub fn scenario(&self) -> Scenario {
        Self::read(self.text).expect("what comes with the project reads, as a test checks")
    }

    /// Reads a text that names no file.
    pub(super) fn read(text: &str) -> Result<Scenario, ScenarioError> {
        Scenario::read(text, &|_| Err(std::io::Error::other("a scenario of the library names no file")))
    }
}

/// All of them.
pub fn library() -> &'static [Ready] {
    LIBRARY
}

macro_rules! ready {
    ($($name:literal),* $(,)?) => {
        const LIBRARY: &[Ready] = &[$(Ready {
            name: $name,
            text: include_str!(concat!("../../scenarios/", $name, ".toml")),
        }),*];
    };
}

ready!["lithium", "ndpr-floor", "ndpr-lynas", "gallium", "germanium", "dumping"];
