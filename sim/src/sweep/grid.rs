//! A grid over parameters of a scenario: any value of its file, each with the others.

use std::str::FromStr;

use crate::scenario::{Scenario, ScenarioError};

/// A value of a scenario file and what is tried for it: `policy.floor.strike=95000,105000`.
///
/// The path names tables by their keys, and elements of lists by their number from 0: `shock.0.share`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// The keys that lead to the value.
    pub path: String,
    /// What is tried, in order; never empty.
    pub values: Vec<String>,
}

/// Why a text is no parameter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a parameter such as policy.floor.strike=95000,105000")]
pub struct ParseParameterError(pub String);

impl FromStr for Parameter {
    type Err = ParseParameterError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || ParseParameterError(text.to_owned());
        let (path, values) = text.split_once('=').ok_or_else(wrong)?;
        let values: Vec<String> = values.split(',').map(|value| value.trim().to_owned()).collect();
        let is_whole = |text: &str| !text.is_empty() && !text.split('.').any(str::is_empty);
        if !is_whole(path.trim()) || values.iter().any(String::is_empty) {
            return Err(wrong());
        }
        Ok(Self { path: path.trim().to_owned(), values })
    }
}

/// A point of a grid: a value for each parameter, in their order.
pub type Point = Vec<String>;

/// All points, the last parameter changing fastest; one point without any values where there is no parameter.
pub fn points(parameters: &[Parameter]) -> Vec<Point> {
    parameters.iter().fold(vec![Vec::new()], |points, parameter| {
        let with = |point: &Point, value: &String| point.iter().chain([value]).cloned().collect();
        points.iter().flat_map(|point| parameter.values.iter().map(move |value| with(point, value))).collect()
    })
}

/// Why a point is no scenario.
#[derive(Debug, thiserror::Error)]
pub enum PointError {
    /// The file cannot be read to begin with.
    #[error("the scenario is not TOML: {0}")]
    Toml(String),
    /// A path leads nowhere.
    #[error("'{path}' leads nowhere in the scenario: there is no '{key}'")]
    NoSuchPath {
        /// The path.
        path: String,
        /// The key that is missing.
        key: String,
    },
    /// The scenario makes no sense with these values. Lines are of the file as it is written anew.
    #[error("with {settings}")]
    Scenario {
        /// The values.
        settings: String,
        /// What is wrong.
        source: Box<ScenarioError>,
    },
}

/// The scenario of a point: the file's text with the point's values in it, written anew. Without parameters it is the file as it stands.
///
/// # Errors
/// [`PointError`].
pub fn scenario_at(
    text: &str,
    parameters: &[Parameter],
    point: &Point,
    open: &dyn Fn(&str) -> Result<String, std::io::Error>,
) -> Result<Scenario, PointError> {
    let settings: Vec<String> = parameters
        .iter()
        .zip(point)
        .map(|(parameter, value)| format!("{}={value}", parameter.path))
        .collect();
    let settings = settings.join(", ");
    let anew = if parameters.is_empty() {
        text.to_owned()
    } else {
        let mut table: toml::Table =
            toml::from_str(text).map_err(|error| PointError::Toml(error.message().to_owned()))?;
        for (parameter, value) in parameters.iter().zip(point) {
            set(&mut table, &parameter.path, value)?;
        }
        toml::to_string(&table).map_err(|error| PointError::Toml(error.to_string()))?
    };
    Scenario::read(&anew, open).map_err(|source| PointError::Scenario { settings, source: Box::new(source) })
}

/// Puts a value at the end of a path; all but the last key must be there.
fn set(table: &mut toml::Table, path: &str, value: &str) -> Result<(), PointError> {
    let nowhere = |key: &str| PointError::NoSuchPath { path: path.to_owned(), key: key.to_owned() };
    // Whole numbers are numbers, since some keys take nothing else; all others are texts.
    let value = value.parse().map_or_else(|_| toml::Value::String(value.to_owned()), toml::Value::Integer);
    let mut keys = path.split('.').peekable();
    let first = keys.next().unwrap_or_default();
    if keys.peek().is_none() {
        table.insert(first.to_owned(), value);
        return Ok(());
    }
    let mut at = table.get_mut(first).ok_or_else(|| nowhere(first))?;
    while let Some(key) = keys.next() {
        let is_last = keys.peek().is_none();
        at = match at {
            toml::Value::Table(table) if is_last => {
                table.insert(key.to_owned(), value);
                return Ok(());
            }
            toml::Value::Table(table) => table.get_mut(key).ok_or_else(|| nowhere(key))?,
            toml::Value::Array(list) => {
                let place = key.parse().ok().filter(|place: &usize| *place < list.len());
                let element = &mut list[place.ok_or_else(|| nowhere(key))?];
                if is_last {
                    *element = value;
                    return Ok(());
                }
                element
            }
            _ => return Err(nowhere(key)),
        };
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{Kind, library};

    fn no_file(_: &str) -> Result<String, std::io::Error> {
        Err(std::io::Error::other("no file"))
    }

    fn parameters(texts: &[&str]) -> Vec<Parameter> {
        texts.iter().map(|text| text.parse().expect("a parameter")).collect()
    }

    #[test]
    fn a_grid_has_each_value_with_each_other() {
        let grid = parameters(&["a.b=1,2", "c=x,y,z"]);
        let points = points(&grid);
        assert_eq!(points.len(), 6);
        assert_eq!(
            (&points[0], &points[5]),
            (&vec!["1".to_owned(), "x".to_owned()], &vec!["2".to_owned(), "z".to_owned()])
        );
        assert_eq!(super::points(&[]), [Vec::<String>::new()]);
        for wrong in ["a", "=1", "a=", "a.=1", "a=1,,2"] {
            assert!(wrong.parse::<Parameter>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_point_changes_the_values_it_names() {
        let lithium = library().iter().find(|ready| ready.name == "lithium").expect("there").text;
        let grid =
            parameters(&["policy.floor.strike=95000", "producer.pohjola.cost.0.price=50000", "seed=9"]);
        let point = points(&grid).remove(0);
        let scenario = scenario_at(lithium, &grid, &point, &no_file).expect("a scenario");
        let Some(Kind::Contracts(floor)) = scenario.policy("floor").map(|policy| policy.kind.clone()) else {
            panic!("a floor")
        };
        assert_eq!((floor.strike, scenario.seed), ("95000".parse().expect("a price"), 9));
        let plain = scenario_at(lithium, &[], &Vec::new(), &no_file).expect("a scenario");
        assert_ne!(plain.hash, scenario.hash);
        let error = |text: &str| {
            let grid = parameters(&[text]);
            let point = points(&grid).remove(0);
            scenario_at(lithium, &grid, &point, &no_file).expect_err("refused").to_string()
        };
        assert_eq!(
            error("policy.flor.strike=1"),
            "'policy.flor.strike' leads nowhere in the scenario: there is no 'flor'"
        );
        assert_eq!(
            error("producer.pohjola.cost.7.price=1"),
            "'producer.pohjola.cost.7.price' leads nowhere in the scenario: there is no '7'"
        );
        assert_eq!(error("policy.floor.strik=1"), "with policy.floor.strik=1");
    }
}
