//! An exchange that is served elsewhere, and the traders who are registered there.

use std::collections::BTreeMap;
use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use golv_engine::auction::AuctionKind;
use golv_engine::book::Side;
use golv_engine::command::Action;
use golv_engine::event::Event;
use golv_engine::id::AuctionId;

use super::stream::{COMMANDS_PER_AUCTION, Ground};
use super::{Load, Target};
use crate::command_line::ConnectionOptions;
use crate::remote;

/// The side that all bid on, as it is named on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SideChoice {
    /// The traders are buyers
    Buy,
    /// The traders are suppliers; what they sell is from Finland
    Sell,
    /// The traders are buyers and suppliers
    Both,
}

/// Why a running exchange is not loaded.
#[derive(Debug, thiserror::Error)]
enum RunningError {
    #[error("{} cannot be listed", dir.display())]
    List { dir: PathBuf, source: io::Error },
    #[error(
        "{} has {found} certificates with their keys (NAME.pem and NAME.key.pem) where {asked} traders were asked for; give \
         --traders {found}, or put more there",
        dir.display()
    )]
    TooFew { dir: PathBuf, found: usize, asked: usize },
    #[error("there is no auction {auction} that traders may see; golv trade watch --from-start lists them")]
    NoAuction { auction: AuctionId },
    #[error("auction {auction} is no call auction; choose one that was announced with announce-call")]
    OtherKind { auction: AuctionId },
    #[error("auction {auction} is not open; load it between its opening and its close")]
    NotOpen { auction: AuctionId },
    #[error(
        "{commands} commands need more places than the book of one auction has; {COMMANDS_PER_AUCTION} fit: choose a lower \
         --rate or fewer --seconds"
    )]
    TooLong { commands: u64 },
}

/// What was given of a running exchange.
pub(super) struct Running<'a> {
    /// As whom each trader connects: all but the certificate and the key.
    options: ConnectionOptions,
    certificates: &'a Path,
    auction: AuctionId,
    side: Option<Side>,
}

impl<'a> Running<'a> {
    /// `None` if a rehearsal is to be loaded.
    pub(super) fn given(options: &'a Load) -> Option<Self> {
        // The command line asks for all of them or none.
        let (server, ca) = (options.server.clone()?, options.ca.clone()?);
        let (certificates, auction) = (options.certificates.as_deref()?, options.auction?);
        let side = match options.side {
            SideChoice::Buy => Some(Side::Buy),
            SideChoice::Sell => Some(Side::Sell),
            SideChoice::Both => None,
        };
        let options = ConnectionOptions {
            server,
            server_name: options.server_name.clone(),
            certificate: PathBuf::new(),
            key: PathBuf::new(),
            ca,
            acknowledged: None,
        };
        Some(Self { options, certificates, auction, side })
    }

    /// Finds the traders' certificates, and the auction's market as the first of them is told it.
    pub(super) async fn target(&self, traders: u32, commands: u64) -> Result<Target, Box<dyn Error>> {
        if commands > COMMANDS_PER_AUCTION {
            return Err(RunningError::TooLong { commands }.into());
        }
        let names = names(self.certificates)
            .map_err(|source| RunningError::List { dir: self.certificates.into(), source })?;
        let (found, asked) = (names.len(), traders as usize);
        if found < asked {
            let dir = self.certificates.into();
            return Err(RunningError::TooFew { dir, found, asked }.into());
        }
        let mut connectors = Vec::new();
        for name in names.into_iter().take(asked) {
            let connector = remote::connector(&self.of(&name)).await?;
            connectors.push((name, connector));
        }
        // There is one at least.
        let first = self.of(&connectors[0].0);
        let ground = self.ground(&first).await?;
        Ok(Target { connectors, ground })
    }

    /// How a trader connects.
    fn of(&self, name: &str) -> ConnectionOptions {
        let certificate = self.certificates.join(format!("{name}.pem"));
        let key = self.certificates.join(format!("{name}.key.pem"));
        ConnectionOptions { certificate, key, ..self.options.clone() }
    }

    async fn ground(&self, options: &ConnectionOptions) -> Result<Ground, Box<dyn Error>> {
        let auction = self.auction;
        let (mut markets, mut announced, mut is_open) = (BTreeMap::new(), None, false);
        let session = remote::Session::begin(options).await?;
        session
            .read(|numbered| match &numbered.event {
                Event::ActionConfirmed { action: Action::DefineMarket { market, terms }, .. } => {
                    markets.insert(*market, terms.clone());
                }
                Event::ActionConfirmed { action: Action::AnnounceAuction { auction: id, terms }, .. }
                    if *id == auction =>
                {
                    announced = Some(terms.kind);
                }
                Event::AuctionOpened { auction: id } if *id == auction => is_open = true,
                Event::AuctionClosed { auction: id }
                | Event::ActionConfirmed { action: Action::CancelAuction { auction: id }, .. }
                    if *id == auction =>
                {
                    is_open = false;
                }
                _ => {}
            })
            .await?;
        let market = match announced {
            None => return Err(RunningError::NoAuction { auction }.into()),
            Some(AuctionKind::Call { market, .. }) => market,
            Some(_) => return Err(RunningError::OtherKind { auction }.into()),
        };
        if !is_open {
            return Err(RunningError::NotOpen { auction }.into());
        }
        let market = markets.remove(&market).expect("an auction's market is defined before it is announced");
        Ok(Ground { auctions: vec![auction], market, side: self.side })
    }
}

/// The names in a directory of which there are both files, in order.
fn names(dir: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let file = entry?.file_name();
        let name = file.to_str().and_then(|file| file.strip_suffix(".key.pem"));
        if let Some(name) = name.filter(|name| dir.join(format!("{name}.pem")).is_file()) {
            names.push(name.to_owned());
        }
    }
    names.sort();
    Ok(names)
}
