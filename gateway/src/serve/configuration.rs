//! What `golv serve` is told, and by whom: a flag, else a variable of the environment, else the configuration file,
//! else the default.
//!
//! Every key is in [`KEYS`], once. Its flag and its variable follow from its name: `log_level` is `--log-level` and
//! `GOLV_LOG_LEVEL`. All four sources give texts, which are read by the same functions, so that a key means the same
//! wherever it is set; what is wrong is told with its source, and all of it at once.
//!
//! Deliberately absent: keys for what the protocol promises to clients (how many commands may be under way, how long
//! anybody may be silent), which is the same in every exchange; and changing anything while the exchange runs.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt::{self, Display};
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::ops::{Range, RangeInclusive};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::ValueEnum;
use golv_protocol::pace;
use toml::de::{DeTable, DeValue};

use super::{Serve, WaitingChoice};
use crate::command_line::words::nearest;
use crate::logs;
use crate::server::endpoint::ConnectionLimits;
use crate::server::session;

/// The variable that names the configuration file if `--config` does not.
pub(super) const FILE_VARIABLE: &str = "GOLV_CONFIG";

/// What the names of all variables begin with.
const PREFIX: &str = "GOLV_";

/// How many connections an operator may allow. At the most they may take 200 GiB for stream data.
const CONNECTIONS: RangeInclusive<u64> = 1..=100_000;

/// How many seconds a handshake may be allowed. A minute is longer than any that still comes about.
const HANDSHAKE: RangeInclusive<u64> = 1..=60;

/// How many commands a second an identity may be allowed.
const PER_SECOND: RangeInclusive<u64> = 1..=1_000_000;

/// One thing that can be set.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Key {
    /// What it is called in the file.
    pub(super) name: &'static str,
    /// What holds if nobody sets it; `None` if somebody must.
    pub(super) default: Option<&'static str>,
    /// A right value, as it stands in the file.
    pub(super) example: &'static str,
}

const fn key(name: &'static str, default: Option<&'static str>, example: &'static str) -> Key {
    Key { name, default, example }
}

/// All keys, in the order of `golv serve --help`. docs/operations.md says of each what it is and why its default.
pub(super) const KEYS: [Key; 15] = [
    key("data", None, "\"/var/lib/golv/journal\""),
    key("listen", Some("127.0.0.1:4433"), "\"0.0.0.0:4433\""),
    key("certificate", None, "\"/etc/golv/server.pem\""),
    key("key", None, "\"/etc/golv/server.key.pem\""),
    key("ca", None, "\"/etc/golv/ca.pem\""),
    key("waiting", Some("park"), "\"park\""),
    key("metrics", Some("none"), "\"127.0.0.1:9464\""),
    key("log", Some("text"), "\"json\""),
    key("log_level", Some("info"), "\"info\""),
    key("connections_max", Some("1024"), "1024"),
    key("connections_per_address_max", Some("256"), "256"),
    key("handshake_seconds", Some("5"), "5"),
    key("commands_per_second", Some("2000"), "2000"),
    key("withdrawals_per_second", Some("8000"), "8000"),
    key("certificate_warning_days", Some("30"), "30"),
];

impl Key {
    pub(super) fn flag(&self) -> String {
        format!("--{}", self.name.replace('_', "-"))
    }

    pub(super) fn variable(&self) -> String {
        format!("{PREFIX}{}", self.name.to_ascii_uppercase())
    }

    /// Numbers stand in the file without quotes, and everything else with them.
    fn is_number(&self) -> bool {
        !self.example.starts_with('"')
    }
}

/// A place in the configuration file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    file: PathBuf,
    line: usize,
    column: usize,
}

impl Place {
    fn new(file: &Path, text: &str, span: Option<Range<usize>>) -> Self {
        let before = span.and_then(|span| text.get(..span.start)).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |end| end + 1);
        let line = before.matches('\n').count() + 1;
        Self { file: file.to_owned(), line, column: before[line_start..].chars().count() + 1 }
    }
}

impl Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file.display(), self.line, self.column)
    }
}

/// Who set a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// A flag of the command line.
    Flag(String),
    /// A variable of the environment.
    Environment(String),
    /// The configuration file.
    File(Place),
    /// Nobody.
    Default,
}

impl Origin {
    /// The kind of source, for programs.
    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::Flag(_) => "flag",
            Self::Environment(_) => "environment",
            Self::File(_) => "file",
            Self::Default => "default",
        }
    }
}

impl Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(name) | Self::Environment(name) => f.write_str(name),
            Self::File(place) => place.fmt(f),
            Self::Default => f.write_str("default"),
        }
    }
}

/// A key's value, as a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Set {
    pub(super) name: &'static str,
    pub(super) value: String,
    pub(super) origin: Origin,
}

/// What an exchange is served with.
#[derive(Debug)]
pub(super) struct Configuration {
    pub(super) data: PathBuf,
    pub(super) listen: SocketAddr,
    pub(super) certificate: PathBuf,
    pub(super) key: PathBuf,
    pub(super) ca: PathBuf,
    pub(super) waiting: WaitingChoice,
    pub(super) metrics: Option<SocketAddr>,
    pub(super) log: logs::Format,
    pub(super) log_level: logs::Level,
    pub(super) limits: ConnectionLimits,
    /// What each identity may send.
    pub(super) pace: pace::Limits,
    pub(super) certificate_warning_days: u64,
    /// All of that once more as texts, in the order of [`KEYS`].
    pub(super) in_force: Vec<Set>,
    /// Variables that look like ours and name no key. They are no error, since a container's platform may set some
    /// after the name of a service, but worth a warning.
    pub(super) strange_variables: Vec<StrangeVariable>,
}

/// A variable that looks like a key's and is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the variable {name} names no key and is ignored{}", near(nearest.as_deref()))]
pub(super) struct StrangeVariable {
    name: String,
    nearest: Option<String>,
}

/// Something that is wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Problem {
    /// The file has a key that there is not.
    #[error("{place}: there is no key {name}{}", near(nearest.as_deref()))]
    Unknown {
        /// Where it stands.
        place: Place,
        /// The key.
        name: String,
        /// The key that may have been meant.
        nearest: Option<String>,
    },
    /// A value is not one that the key can have.
    #[error("{origin}: {name} cannot be {value}; {right}")]
    Wrong {
        /// Who set it.
        origin: Origin,
        /// The key.
        name: &'static str,
        /// The value.
        value: String,
        /// What it could be.
        right: String,
    },
    /// Nobody set a key that somebody must.
    #[error("{name} is missing: give {flag} or {variable}, or {name} = {example} in the file of --config")]
    Missing {
        /// The key.
        name: &'static str,
        /// Its flag.
        flag: String,
        /// Its variable.
        variable: String,
        /// A right value.
        example: &'static str,
    },
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConfigurationError {
    /// The file was not read.
    #[error("cannot read the configuration file {}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file is not TOML.
    #[error("{place}: {message}")]
    Toml {
        /// Where it is wrong.
        place: Place,
        /// What is wrong.
        message: String,
    },
    /// What was set is not right.
    #[error("{}", lines(.0))]
    Wrong(Vec<Problem>),
}

fn near(nearest: Option<&str>) -> String {
    match nearest {
        Some(nearest) => format!("; is {nearest} meant?"),
        None => "; see golv serve --help for all of them".to_owned(),
    }
}

fn lines(problems: &[Problem]) -> String {
    problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n")
}

/// Variables whose names begin with `GOLV_`, by their names. An empty one counts as not set.
pub(super) type Environment = BTreeMap<String, OsString>;

/// The variables of this process.
pub(super) fn environment() -> Environment {
    let ours = |(name, value): (OsString, OsString)| {
        let name = name.into_string().ok().filter(|name| name.starts_with(PREFIX))?;
        (!value.is_empty()).then_some((name, value))
    };
    std::env::vars_os().filter_map(ours).collect()
}

impl Configuration {
    /// Reads what the flags, the environment and the file that one of them names say.
    ///
    /// # Errors
    /// If the file cannot be read, or anything in one of the three is wrong or missing.
    pub(super) fn read(flags: &Serve, environment: &Environment) -> Result<Self, ConfigurationError> {
        let file = flags.config.clone().or_else(|| environment.get(FILE_VARIABLE).map(PathBuf::from));
        let mut problems = Vec::new();
        let in_file = match &file {
            Some(file) => read_file(file, &mut problems)?,
            None => BTreeMap::new(),
        };
        let mut layers =
            Layers { flags: flags.texts(), environment, in_file, problems, in_force: Vec::new() };

        let data = layers.get("data", path);
        let listen = layers.get("listen", address);
        let certificate = layers.get("certificate", path);
        let key = layers.get("key", path);
        let ca = layers.get("ca", path);
        let waiting = layers.get("waiting", one_of::<WaitingChoice>);
        let metrics = layers.get("metrics", address_or_none);
        let log = layers.get("log", one_of::<logs::Format>);
        let log_level = layers.get("log_level", one_of::<logs::Level>);
        let connections_max = layers.get("connections_max", |set| number(set, CONNECTIONS));
        let per_address = layers.get("connections_per_address_max", |set| number(set, CONNECTIONS));
        let handshake = layers.get("handshake_seconds", |set| number(set, HANDSHAKE));
        let commands = layers.get("commands_per_second", |set| number(set, PER_SECOND));
        let withdrawals = layers.get("withdrawals_per_second", |set| number(set, PER_SECOND));
        let warning = layers.get("certificate_warning_days", |set| number(set, 0..=365));

        let Layers { problems, in_force, .. } = layers;
        let strange_variables = strange_variables(environment);
        let configuration = || {
            let limits = ConnectionLimits {
                connections_max: usize::try_from(connections_max?).ok()?,
                connections_per_address_max: usize::try_from(per_address?).ok()?,
                handshake: Duration::from_secs(handshake?),
            };
            let pace = session::limits(u32::try_from(commands?).ok()?, u32::try_from(withdrawals?).ok()?);
            Some(Self {
                data: data?,
                listen: listen?,
                certificate: certificate?,
                key: key?,
                ca: ca?,
                waiting: waiting?,
                metrics: metrics?,
                log: log?,
                log_level: log_level?,
                limits,
                pace,
                certificate_warning_days: warning?,
                in_force,
                strange_variables,
            })
        };
        match configuration() {
            Some(configuration) if problems.is_empty() => Ok(configuration),
            _ => Err(ConfigurationError::Wrong(problems)),
        }
    }
}

/// The sources of a configuration, and what was found in them so far.
struct Layers<'a> {
    flags: BTreeMap<&'static str, String>,
    environment: &'a Environment,
    in_file: BTreeMap<&'static str, Set>,
    problems: Vec<Problem>,
    in_force: Vec<Set>,
}

impl Layers<'_> {
    /// A key's value from the first source that has one; `None` if there is a problem with it.
    fn get<T>(&mut self, name: &'static str, read: impl Fn(&mut Set) -> Result<T, String>) -> Option<T> {
        let key =
            KEYS.iter().find(|key| key.name == name).expect("every key that is asked for is in the table");
        let Some(mut set) = self.first(key) else {
            let (flag, variable) = (key.flag(), key.variable());
            self.problems.push(Problem::Missing { name, flag, variable, example: key.example });
            return None;
        };
        let value = match read(&mut set) {
            Ok(value) => Some(value),
            Err(right) => {
                let value = format!("{:?}", set.value);
                self.problems.push(Problem::Wrong { origin: set.origin.clone(), name, value, right });
                None
            }
        };
        self.in_force.push(set);
        value
    }

    fn first(&mut self, key: &Key) -> Option<Set> {
        let name = key.name;
        if let Some(value) = self.flags.remove(name) {
            return Some(Set { name, value, origin: Origin::Flag(key.flag()) });
        }
        if let Some(value) = self.environment.get(&key.variable()) {
            // What is not UTF-8 fits no key but a path, and there the system finds no such file.
            let value = value.to_string_lossy().into_owned();
            return Some(Set { name, value, origin: Origin::Environment(key.variable()) });
        }
        if let Some(set) = self.in_file.remove(name) {
            return Some(set);
        }
        key.default.map(|value| Set { name, value: value.to_owned(), origin: Origin::Default })
    }
}

/// What a configuration file sets. Keys that there are not and values of the wrong type are added to the problems.
fn read_file(
    file: &Path,
    problems: &mut Vec<Problem>,
) -> Result<BTreeMap<&'static str, Set>, ConfigurationError> {
    let text = fs::read_to_string(file)
        .map_err(|source| ConfigurationError::Read { file: file.to_owned(), source })?;
    let table = DeTable::parse(&text).map_err(|error| ConfigurationError::Toml {
        place: Place::new(file, &text, error.span()),
        message: error.message().to_owned(),
    })?;
    let mut entries: Vec<_> = table.get_ref().iter().collect();
    entries.sort_by_key(|(name, _)| name.span().start);
    let mut found = BTreeMap::new();
    for (name, value) in entries {
        let Some(key) = KEYS.iter().find(|key| key.name == name.get_ref().as_ref()) else {
            let nearest = nearest(name.get_ref(), KEYS.iter().map(|key| key.name.to_owned()));
            let place = Place::new(file, &text, Some(name.span()));
            problems.push(Problem::Unknown { place, name: name.get_ref().to_string(), nearest });
            continue;
        };
        let origin = Origin::File(Place::new(file, &text, Some(value.span())));
        let text = match value.get_ref() {
            DeValue::String(text) if !key.is_number() => text.to_string(),
            DeValue::Integer(number) if key.is_number() => number.to_string(),
            wrong => {
                let kind = if key.is_number() { "a whole number without quotes" } else { "a text in quotes" };
                problems.push(Problem::Wrong {
                    origin,
                    name: key.name,
                    value: format!("of type {}", wrong.type_str()),
                    right: format!("it is {kind}, such as {} = {}", key.name, key.example),
                });
                // So that it is not missed as well; whatever it is, there is no configuration.
                let stand_in = key.example.trim_matches('"').to_owned();
                let set = Set { name: key.name, value: stand_in, origin: Origin::Default };
                found.insert(key.name, set);
                continue;
            }
        };
        found.insert(key.name, Set { name: key.name, value: text, origin });
    }
    Ok(found)
}

fn strange_variables(environment: &Environment) -> Vec<StrangeVariable> {
    let known: Vec<String> = KEYS.iter().map(Key::variable).chain([FILE_VARIABLE.to_owned()]).collect();
    let strange = environment.keys().filter(|name| !known.contains(name));
    strange
        .map(|name| StrangeVariable { name: name.clone(), nearest: nearest(name, known.iter().cloned()) })
        .collect()
}

/// A path. In the file it counts from the file's directory, so that it is the same from wherever the file is used.
fn path(set: &mut Set) -> Result<PathBuf, String> {
    if set.value.is_empty() {
        return Err("it is a path".to_owned());
    }
    let path = match &set.origin {
        Origin::File(place) => place.file.parent().unwrap_or(Path::new("")).join(&set.value),
        _ => PathBuf::from(&set.value),
    };
    set.value = path.display().to_string();
    Ok(path)
}

fn address(set: &mut Set) -> Result<SocketAddr, String> {
    let right = || "it is an address with a port, such as 127.0.0.1:4433 or [::1]:4433".to_owned();
    set.value.parse().map_err(|_| right())
}

fn address_or_none(set: &mut Set) -> Result<Option<SocketAddr>, String> {
    if set.value == "none" {
        return Ok(None);
    }
    let right = || "it is none, or an address with a port such as 127.0.0.1:9464".to_owned();
    set.value.parse().map(Some).map_err(|_| right())
}

fn number(set: &mut Set, range: RangeInclusive<u64>) -> Result<u64, String> {
    let right = || format!("it is a whole number from {} to {}", range.start(), range.end());
    set.value.parse().ok().filter(|number| range.contains(number)).ok_or_else(right)
}

fn one_of<T: ValueEnum>(set: &mut Set) -> Result<T, String> {
    T::from_str(&set.value, false).map_err(|_| {
        let names: Vec<String> = T::value_variants().iter().map(name_of).collect();
        format!("it is one of {}", names.join(", "))
    })
}

/// What a choice is called.
pub(super) fn name_of<T: ValueEnum>(choice: &T) -> String {
    choice.to_possible_value().expect("no choice is hidden").get_name().to_owned()
}

#[cfg(test)]
mod tests;
