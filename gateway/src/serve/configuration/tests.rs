//! Which source wins, what is wrong where, and that the example, the page and the help say the same as the program.

use clap::{CommandFactory, Parser};
use proptest::prelude::*;
use tempfile::TempDir;

use super::*;

#[derive(Parser)]
struct Golv {
    #[command(flatten)]
    serve: Serve,
}

/// A file `golv.toml` in a directory of its own.
fn file(text: &str) -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let file = dir.path().join("golv.toml");
    fs::write(&file, text).expect("a file");
    (dir, file)
}

/// What flags, variables and a file come to; in messages the file is `golv.toml`.
fn read(flags: &[&str], variables: &[(&str, &str)], text: &str) -> Result<Configuration, String> {
    let (dir, file) = file(text);
    let file = file.to_str().expect("UTF-8");
    let arguments = ["golv", "--config", file].into_iter().chain(flags.iter().copied());
    let golv = Golv::try_parse_from(arguments).expect("flags that there are");
    let environment: Environment =
        variables.iter().map(|(name, value)| ((*name).to_owned(), OsString::from(value))).collect();
    Configuration::read(&golv.serve, &environment)
        .map_err(|error| error.to_string().replace(&format!("{}/", dir.path().display()), ""))
}

/// A file with everything that somebody must set.
const NEEDED: &str = "data = '/d'\ncertificate = '/c.pem'\nkey = '/k.pem'\nca = '/ca.pem'\n";

fn origin(configuration: &Configuration, name: &str) -> String {
    let set = configuration.in_force.iter().find(|set| set.name == name).expect("a key");
    let kind = set.origin.kind();
    format!("{kind} {}", set.origin).replace("default default", "default")
}

/// What a key can be, in the file's notation, none of it the default.
fn values(key: &Key) -> [&'static str; 3] {
    match key.name {
        "waiting" => ["\"spin\"", "\"park\"", "\"spin\""],
        "log" => ["\"json\"", "\"text\"", "\"json\""],
        "log_level" => ["\"error\"", "\"warn\"", "\"debug\""],
        "listen" | "metrics" => ["\"127.0.0.1:1\"", "\"127.0.0.1:2\"", "\"[::1]:3\""],
        _ if key.is_number() => ["11", "12", "13"],
        _ => ["\"/a\"", "\"/b\"", "\"/c\""],
    }
}

proptest! {
    /// For every key by itself: the flag wins, then the variable, then the file, then the default.
    #[test]
    fn the_nearest_source_wins(sources in proptest::collection::vec((any::<bool>(), any::<bool>(), any::<bool>()), KEYS.len())) {
        let (mut flags, mut variables, mut text, mut expected) = (Vec::new(), Vec::new(), String::new(), Vec::new());
        for (key, (in_flag, in_variable, in_file)) in KEYS.iter().zip(sources) {
            let [flag, variable, file] = values(key);
            let in_file = in_file || (key.default.is_none() && !in_flag && !in_variable);
            if in_flag {
                flags.extend([key.flag(), flag.trim_matches('"').to_owned()]);
            }
            if in_variable {
                variables.push((key.variable(), variable.trim_matches('"').to_owned()));
            }
            if in_file {
                text += &format!("{} = {file}\n", key.name);
            }
            let default = key.default.unwrap_or_default();
            expected.push(match (in_flag, in_variable, in_file) {
                (true, ..) => (flag.trim_matches('"'), "flag"),
                (false, true, _) => (variable.trim_matches('"'), "environment"),
                (false, false, true) => (file.trim_matches('"'), "file"),
                (false, false, false) => (default, "default"),
            });
        }
        let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
        let variables: Vec<(&str, &str)> =
            variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let configuration = read(&flags, &variables, &text).expect("right values");
        let found: Vec<(&str, &str)> =
            configuration.in_force.iter().map(|set| (set.value.as_str(), set.origin.kind())).collect();
        prop_assert_eq!(found, expected);
    }
}

#[test]
fn what_is_in_force_is_what_is_used() {
    let text = format!("{NEEDED}log_level = 'debug'\nmetrics = '127.0.0.1:9'\nconnections_max = 7\n");
    let variables = [("GOLV_METRICS", "none"), ("GOLV_HANDSHAKE_SECONDS", "9")];
    let configuration = read(&["--listen", "[::1]:5"], &variables, &text).expect("right");
    assert_eq!(configuration.listen, "[::1]:5".parse().expect("an address"));
    assert_eq!(configuration.metrics, None);
    assert_eq!(configuration.log_level, logs::Level::Debug);
    let limits = ConnectionLimits {
        connections_max: 7,
        handshake: Duration::from_secs(9),
        ..ConnectionLimits::default()
    };
    assert_eq!(configuration.limits, limits);
    assert_eq!(configuration.waiting, WaitingChoice::Park);
    assert_eq!(origin(&configuration, "listen"), "flag --listen");
    assert_eq!(origin(&configuration, "metrics"), "environment GOLV_METRICS");
    assert!(origin(&configuration, "log_level").ends_with("golv.toml:5:13"));
    assert_eq!(origin(&configuration, "log"), "default");
}

/// The defaults of the library and of the configuration are the same.
#[test]
fn the_defaults_are_those_of_the_endpoint() {
    let configuration = read(&[], &[], NEEDED).expect("right");
    assert_eq!(configuration.limits, ConnectionLimits::default());
    let pace = session::limits(session::COMMANDS_PER_SECOND, session::WITHDRAWALS_PER_SECOND);
    assert_eq!(configuration.pace, pace);
}

#[test]
fn a_path_in_the_file_counts_from_the_file_and_any_other_does_not() {
    let text = NEEDED.replace("'/d'", "'journal'");
    let configuration = read(&["--ca", "ca.pem"], &[("GOLV_KEY", "k.pem")], &text).expect("right");
    assert!(configuration.data.is_absolute() && configuration.data.ends_with("journal"));
    assert_eq!(configuration.ca, Path::new("ca.pem"));
    assert_eq!(configuration.key, Path::new("k.pem"));
}

/// Flags, variables, the file's text, and what is said of them.
type Case<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)], &'a str, &'a [&'a str]);

#[test]
fn what_is_wrong_is_told_with_its_place_and_with_what_would_be_right() {
    let cases: [Case<'_>; 13] = [
        (&[], &[], "lissten = '[::1]:1'", &["golv.toml:5:1: there is no key lissten; is listen meant?"]),
        (&[], &[], "log-level = 'info'", &["golv.toml:5:1: there is no key log-level; is log_level meant?"]),
        (&[], &[], "colour = 'red'", &["no key colour; see golv serve --help"]),
        (&[], &[], "[limits]\nconnections_max = 1", &["golv.toml:5:2: there is no key limits"]),
        (
            &[],
            &[],
            "listen = 4433",
            &["golv.toml:5:10: listen", "of type integer", "listen = \"0.0.0.0:4433\""],
        ),
        (&[], &[], "connections_max = '9'", &["golv.toml:5:19:", "of type string", "connections_max = 1024"]),
        (&[], &[], "connections_max = 0", &["cannot be \"0\"; it is a whole number from 1 to 100000"]),
        (&[], &[], "\n  listen = 'here'", &["golv.toml:6:12: listen cannot be \"here\"", "127.0.0.1:4433"]),
        (&[], &[], "listen = ", &["golv.toml:5:"]),
        (&[], &[], "ca = '/other'", &["golv.toml:5:1: duplicate key"]),
        (&[], &[("GOLV_LOG", "loud")], "", &["GOLV_LOG: log cannot be \"loud\"; it is one of text, json"]),
        (
            &["--metrics", "9464"],
            &[],
            "",
            &["--metrics: metrics cannot be \"9464\"; it is none, or an address"],
        ),
        (&["--handshake-seconds", "1h"], &[], "", &["from 1 to 60"]),
    ];
    for (flags, variables, text, says) in cases {
        let error = read(flags, variables, &format!("{NEEDED}{text}\n")).map(|_| ()).expect_err("wrong");
        for part in says {
            assert!(error.contains(part), "{text}: {error}");
        }
        assert!(!error.contains("is missing"), "{text}: {error}");
    }
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let error = read(&[], &[("GOLV_WAITING", "sit")], "keys = 'k.pem'\ncertificate = 1\n").map(|_| ());
    let error = error.expect_err("wrong");
    let lines: Vec<&str> = error.lines().collect();
    let expected = [
        "golv.toml:1:1: there is no key keys; is key meant?",
        "golv.toml:2:15: certificate cannot be of type integer; it is a text in quotes, such as certificate = \
         \"/etc/golv/server.pem\"",
        "data is missing: give --data or GOLV_DATA, or data = \"/var/lib/golv/journal\" in the file of --config",
        "key is missing: give --key or GOLV_KEY, or key = \"/etc/golv/server.key.pem\" in the file of --config",
        "ca is missing: give --ca or GOLV_CA, or ca = \"/etc/golv/ca.pem\" in the file of --config",
        "GOLV_WAITING: waiting cannot be \"sit\"; it is one of park, spin",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn the_file_is_named_by_a_flag_or_a_variable() {
    let (_dir, path) = file(NEEDED);
    let environment =
        |path: &Path| Environment::from([(FILE_VARIABLE.to_owned(), path.as_os_str().to_owned())]);
    let named = Configuration::read(&Serve::default(), &environment(&path)).expect("the variable's file");
    assert_eq!(named.data, Path::new("/d"));
    let flags = Serve { config: Some(path), ..Serve::default() };
    Configuration::read(&flags, &environment(Path::new("/nowhere"))).expect("the flag's file");
    let error = Configuration::read(&Serve::default(), &environment(Path::new("/nowhere"))).map(|_| ());
    let error = error.expect_err("no such file").to_string();
    assert!(error.contains("cannot read the configuration file /nowhere"), "{error}");
}

#[test]
fn a_variable_that_names_no_key_is_told_and_stops_nobody() {
    let variables = [("GOLV_LOGLEVEL", "debug"), ("GOLV_PORT_4433_UDP_ADDR", "10.0.0.1")];
    let configuration = read(&[], &variables, NEEDED).expect("right");
    let told: Vec<String> = configuration.strange_variables.iter().map(ToString::to_string).collect();
    assert!(told[0].contains("GOLV_LOGLEVEL names no key") && told[0].contains("is GOLV_LOG_LEVEL meant?"));
    assert!(told[1].contains("GOLV_PORT_4433_UDP_ADDR names no key"), "{}", told[1]);
}

/// Every key is a flag, and every flag but those of the command itself is a key; the help tells the defaults.
#[test]
fn every_key_is_a_flag_with_its_default_in_the_help() {
    let golv = Golv::command();
    let flags: Vec<&clap::Arg> = golv
        .get_arguments()
        .filter(|argument| !["config", "check", "json"].contains(&argument.get_id().as_str()))
        .collect();
    let names: Vec<&str> = flags.iter().map(|flag| flag.get_id().as_str()).collect();
    assert_eq!(names, KEYS.map(|key| key.name));
    for (flag, key) in flags.iter().zip(&KEYS) {
        assert_eq!(flag.get_long().map(|long| format!("--{long}")), Some(key.flag()));
        let help = flag.get_help().map(ToString::to_string).unwrap_or_default();
        let default = key.default.map(|default| format!("[default: {default}]"));
        assert_eq!(help.find('[').map(|at| help[at..].to_owned()), default, "{help}");
    }
}

const EXAMPLE: &str = include_str!("../../../../deploy/golv.toml");

/// The example holds every key once, in the order of the table, and what is commented out is the default.
#[test]
fn the_example_names_every_key_once() {
    let assignments: Vec<(&str, &str)> = EXAMPLE
        .lines()
        .filter(|line| !line.starts_with("# ") && !line.is_empty())
        .map(|line| line.split_once(" = ").unwrap_or_else(|| panic!("a key and its value: {line}")))
        .collect();
    let names: Vec<&str> = assignments.iter().map(|(name, _)| name.trim_start_matches('#')).collect();
    assert_eq!(names, KEYS.map(|key| key.name));
    for ((name, value), key) in assignments.iter().zip(&KEYS) {
        let expected = if name.starts_with('#') { key.default } else { Some(key.example.trim_matches('"')) };
        assert_eq!(Some(value.trim_matches('"')), expected, "{name}");
    }
    let configuration = read(&[], &[], EXAMPLE).expect("the example is right");
    assert_eq!(configuration.data, Path::new("/var/lib/golv/journal"));
    // With the comments taken away it is right as well.
    let all = assignments.iter().map(|(name, value)| format!("{} = {value}\n", name.trim_start_matches('#')));
    let all: String = all.collect();
    let configuration = read(&[], &[], &all).expect("right");
    assert!(configuration.in_force.iter().all(|set| set.origin.kind() == "file"), "{all}");
}

/// The table in docs/operations.md has a row for each key: its name, flag, variable and default.
#[test]
fn the_page_has_every_key() {
    let page = include_str!("../../../../docs/operations.md");
    let rows: Vec<String> = page
        .lines()
        .filter(|line| line.contains("| `GOLV_") && line.contains("| `--"))
        .map(|line| line.split('|').take(5).map(str::trim).collect::<Vec<_>>().join("|"))
        .collect();
    let expected = KEYS.map(|key| {
        let default = key.default.map_or_else(|| "–".to_owned(), |default| format!("`{default}`"));
        format!("|`{}`|`{}`|`{}`|{default}", key.name, key.flag(), key.variable())
    });
    assert_eq!(rows, expected);
}
