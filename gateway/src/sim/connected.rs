//! An exchange elsewhere to play on: a rehearsal that was just founded, and certificates for everybody.
//!
//! Who plays acts for everybody, so the exchange must be its own from the founding on. That is looked at before anything is sent. The
//! protocol does not tell a rehearsal from a live exchange: a live one refuses the play's first command, which sets the clock, and
//! nothing else is sent.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};

use clap::Args;
use golv_client::client::ClientError;
use golv_client::tls::Credentials;
use golv_engine::id::IdentityId;
use golv_engine::reject::Reject;
use golv_engine::time::Instant;
use golv_sim::desk::{DeskError, OPERATORS};
use golv_sim::play::{AUDITOR, PlayError, identities, start};
use tokio::runtime::Runtime;

use super::run::{NoDay, Played, Stage};
use crate::command_line::{ConnectionOptions, ServerAddress};
use crate::remote;
use crate::venue::{QuicVenue, Way};

/// What the options stand under in help.
const ELSEWHERE: &str = "An exchange across a network";

/// How an exchange elsewhere is reached.
#[derive(Args, Debug)]
pub(super) struct Connected {
    /// Play it on this exchange: a rehearsal that was founded and not used
    #[arg(long, value_name = "HOST:PORT", help_heading = ELSEWHERE, requires_all = ["ca", "certificates"])]
    server: Option<ServerAddress>,
    /// The name that the exchange's certificate must be issued to; the host of --server if not given
    #[arg(long, value_name = "NAME", help_heading = ELSEWHERE, requires = "server")]
    server_name: Option<String>,
    /// The certificate, in PEM, of the authority that must have issued the exchange's certificate
    #[arg(long, value_name = "FILE", help_heading = ELSEWHERE, requires = "server")]
    ca: Option<PathBuf>,
    /// The directory that golv sim identities has filled: identity-1.pem with identity-1.key.pem, and so on
    #[arg(long, value_name = "DIR", help_heading = ELSEWHERE, requires = "server")]
    certificates: Option<PathBuf>,
}

/// Why an exchange is not played on.
#[derive(Debug, thiserror::Error)]
enum ConnectedError {
    #[error(
        "{} speaks for identity {found} there and not for operator {wanted}: found the exchange with --operators identity-1.pem \
         identity-2.pem, in this order",
        file.display()
    )]
    NotOperator { file: PathBuf, found: IdentityId, wanted: IdentityId },
    #[error(
        "the exchange has been used: it stands at sequence {sequence}, and a play begins right after the founding; found another \
         with golv found --rehearsal"
    )]
    Used { sequence: u64 },
    #[error(
        "the exchange is live, and a play sets its clock: found a rehearsal with golv found --rehearsal {start}"
    )]
    Live { start: Instant },
    #[error("the exchange's clock stands at {now}: found it with --rehearsal {start}, when the play begins")]
    Late { now: Instant, start: Instant },
}

impl Connected {
    /// `None` if it is not to be played elsewhere.
    pub(super) fn given(&self) -> Option<Reached<'_>> {
        // The command line asks for all of them or none.
        let (server, ca) = (self.server.clone()?, self.ca.clone()?);
        let options = ConnectionOptions {
            server,
            server_name: self.server_name.clone(),
            certificate: PathBuf::new(),
            key: PathBuf::new(),
            ca,
            acknowledged: None,
        };
        Some(Reached { options, certificates: self.certificates.as_deref()? })
    }
}

/// The name of an identity's files, without their ends.
pub(super) fn name(identity: IdentityId) -> String {
    format!("identity-{identity}")
}

/// An exchange elsewhere.
pub(super) struct Reached<'a> {
    /// As whom somebody connects: all but the certificate and the key.
    options: ConnectionOptions,
    certificates: &'a Path,
}

impl Reached<'_> {
    /// Plays it there.
    pub(super) fn play(&self, stage: &Stage<'_>) -> Result<Played, Box<dyn Error>> {
        let start = start(stage.scenario).ok_or(NoDay)?;
        let mut credentials = BTreeMap::new();
        for identity in OPERATORS.into_iter().chain(identities(stage.scenario)) {
            let ConnectionOptions { certificate, key, .. } = self.of(identity);
            credentials.insert(identity, Credentials::load(&certificate, &key)?);
        }
        let way = Runtime::new()?.block_on(self.way())?;
        let venue = QuicVenue::new(way, credentials, IdentityId(AUDITOR), None)?;
        match stage.play(venue) {
            Ok((played, venue)) => {
                venue.close();
                Ok(played)
            }
            Err(error) => Err(told(error, start)),
        }
    }

    /// Looks whether the exchange is as it was founded, and how it is reached.
    async fn way(&self) -> Result<Way, Box<dyn Error>> {
        for wanted in OPERATORS {
            let options = self.of(wanted);
            let session = remote::Session::begin(&options).await?;
            let (found, sequence) = (session.who().identity, session.who().position.sequence.0);
            session.close().await;
            if found != wanted {
                return Err(ConnectedError::NotOperator { file: options.certificate, found, wanted }.into());
            }
            if sequence > 1 {
                return Err(ConnectedError::Used { sequence }.into());
            }
        }
        let connector = remote::connector(&self.of(OPERATORS[0])).await?;
        Ok(Way { server: connector.server, server_name: connector.server_name, trust: connector.trust })
    }

    /// How an identity connects.
    fn of(&self, identity: IdentityId) -> ConnectionOptions {
        let name = name(identity);
        let certificate = self.certificates.join(format!("{name}.pem"));
        let key = self.certificates.join(format!("{name}.key.pem"));
        ConnectionOptions { certificate, key, ..self.options.clone() }
    }
}

/// What is said of a play that failed: of the clock, what would have been right.
fn told(error: PlayError<ClientError>, start: Instant) -> Box<dyn Error> {
    match error {
        PlayError::Desk(DeskError::Refused { reason: Reject::NotARehearsal, .. }) => {
            ConnectedError::Live { start }.into()
        }
        PlayError::Desk(DeskError::Refused { reason: Reject::ClockBackwards { now }, .. }) => {
            ConnectedError::Late { now, start }.into()
        }
        error => error.into(),
    }
}
