//! What `golv admin` and `golv trade` take from their arguments, and how they print what comes back.
//!
//! Everything here is a function from text to values or from values to text. An argument vector becomes a
//! [`Command`](golv_engine::command::Command) of the engine, or says what would be right; an event, an answer or a
//! statement becomes a line for a person or a JSON object for a program. What an argument alone cannot tell, such as
//! whether a market exists or a price is on its tick, is left to the exchange and its numbered refusals.
//!
//! Deliberately absent: connections, clocks and output; whoever connects calls this. Files are read where an argument names one (rules, terms,
//! certificates, the secret of a draw), and certificates and such a secret are written.

pub mod account;
pub mod admin;
pub mod auctions;
pub mod balances;
pub mod boards;
pub mod contracts;
pub mod instant;
pub mod money;
mod parse;
pub mod pki;
pub mod show;
pub mod statement;
pub mod trade;
pub(crate) mod words;

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use golv_protocol::message::Position;

/// What the connection's options stand under in help; said at each, so that options after them are not drawn in.
const CONNECTION: &str = "Connection";

/// How to reach an exchange, and as whom. The options come before the subcommand.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub struct ConnectionOptions {
    /// Where the exchange listens, such as exchange.example:4433.
    #[arg(long, value_name = "HOST:PORT", help_heading = CONNECTION)]
    pub server: ServerAddress,
    /// The name that the exchange's certificate must be issued to; the host of --server if not given.
    #[arg(long, value_name = "NAME", help_heading = CONNECTION)]
    pub server_name: Option<String>,
    /// Your certificate, in PEM: its key tells the exchange who you are.
    #[arg(long, value_name = "FILE", help_heading = CONNECTION)]
    pub certificate: PathBuf,
    /// The private key of your certificate, in PEM.
    #[arg(long, value_name = "FILE", help_heading = CONNECTION)]
    pub key: PathBuf,
    /// The certificate, in PEM, of the authority that must have issued the exchange's certificate.
    #[arg(long, value_name = "FILE", help_heading = CONNECTION)]
    pub ca: PathBuf,
    /// What an earlier call printed as acknowledged: an exchange that has lost it refuses the session and alarms its
    /// operators.
    #[arg(long, value_name = "SEQUENCE:CHAIN", help_heading = CONNECTION)]
    pub acknowledged: Option<Position>,
}

impl ConnectionOptions {
    /// The name that the exchange's certificate must be issued to.
    pub fn server_name(&self) -> &str {
        self.server_name.as_deref().unwrap_or(&self.server.host)
    }
}

/// A host with a port, not yet looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerAddress {
    /// A name or an address; an IPv6 address without its brackets.
    pub host: String,
    /// The UDP port.
    pub port: u16,
}

/// A text that is not a host with a port.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a host with a port such as exchange.example:4433 or [::1]:4433")]
pub struct ParseServerError(pub String);

impl FromStr for ServerAddress {
    type Err = ParseServerError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || {
            let (host, port) = text.rsplit_once(':')?;
            let host = match host.strip_prefix('[') {
                Some(bracketed) => bracketed.strip_suffix(']')?,
                // Without brackets nobody knows where an IPv6 address ends and its port begins.
                None if host.contains(':') => return None,
                None => host,
            };
            // `u16` would take a plus sign.
            let digits = port.bytes().all(|byte| byte.is_ascii_digit());
            let port = port.parse().ok().filter(|_| digits)?;
            (!host.is_empty()).then(|| Self { host: host.to_owned(), port })
        };
        parse().ok_or_else(|| ParseServerError(text.to_owned()))
    }
}

impl fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{CommandFactory, Parser};

    #[derive(Parser)]
    struct Golv {
        #[command(flatten)]
        connection: ConnectionOptions,
        /// Stands beside every command, and rows as CSV conflict with it.
        #[arg(long, global = true)]
        json: bool,
        #[command(subcommand)]
        command: admin::AdminCommand,
    }

    #[test]
    fn the_arguments_are_consistent() {
        Golv::command().debug_assert();
    }

    #[test]
    fn connection_options_come_before_the_subcommand() {
        let options = "golv --server [::1]:4433 --certificate c.pem --key k.pem --ca ca.pem auctions clear 2";
        let golv = Golv::try_parse_from(options.split(' ')).expect("all that is required");
        assert_eq!(golv.connection.server, ServerAddress { host: "::1".into(), port: 4433 });
        assert_eq!(golv.connection.server_name(), "::1");
        assert_eq!(golv.connection.key, PathBuf::from("k.pem"));
        assert!(matches!(golv.command, admin::AdminCommand::Auctions(_)));

        assert_eq!(golv.connection.acknowledged, None);

        let position = format!("12:{}", "5a".repeat(32));
        let resumed = options.replace("--ca", &format!("--acknowledged {position} --ca"));
        let golv = Golv::try_parse_from(resumed.split(' ')).expect("all that is required");
        assert_eq!(golv.connection.acknowledged.map(|position| position.to_string()), Some(position.clone()));
        let cut = resumed.replace(&position, &position[..10]);
        let error = Golv::try_parse_from(cut.split(' ')).map(|_| ()).expect_err("no position").to_string();
        assert!(error.contains("64 hexadecimal digits"), "{error}");

        let named = options.replace("--ca", "--server-name exchange --ca");
        let golv = Golv::try_parse_from(named.split(' ')).expect("all that is required");
        assert_eq!(golv.connection.server_name(), "exchange");
        assert!(Golv::try_parse_from(["golv", "auctions", "clear", "2"]).is_err());
    }

    #[test]
    fn a_server_is_a_host_with_a_port() {
        for text in ["localhost:4433", "127.0.0.1:1", "[::1]:65535"] {
            assert_eq!(text.parse::<ServerAddress>().map(|server| server.to_string()), Ok(text.to_owned()));
        }
        for text in [
            "",
            "localhost",
            ":4433",
            "localhost:",
            "localhost:+1",
            "localhost:65536",
            "::1:4433",
            "[::1:4433",
        ] {
            assert_eq!(text.parse::<ServerAddress>(), Err(ParseServerError(text.into())));
        }
    }
}
