//! The arguments of `golv pki`, and what it prints.

use std::error::Error;
use std::path::PathBuf;

use clap::{Subcommand, value_parser};

use crate::pki::{self, Kind, Validity};
use crate::print;

/// What can be asked of the development authority.
#[derive(Clone, Debug, Subcommand)]
pub enum PkiCommand {
    /// Create an authority in a directory: ca.pem and ca.key.pem.
    ///
    /// It is for development: its key lies unencrypted beside what it issues.
    Init {
        /// The directory, which is created if it is not there.
        dir: PathBuf,
    },
    /// Issue a certificate and its key: NAME.pem and NAME.key.pem.
    ///
    /// Without --server it is a participant's. Its fingerprint is printed; operators bind it to an identity.
    Issue {
        /// The directory of the authority.
        dir: PathBuf,
        /// The name of the files, and the certificate's subject.
        name: String,
        /// Issue a server's certificate, for these host names and addresses.
        #[arg(long, value_name = "HOST", value_delimiter = ',')]
        server: Vec<String>,
        /// For how many days it is valid.
        #[arg(long, default_value_t = 365, value_parser = value_parser!(u16).range(1..))]
        days: u16,
    },
    /// Show what a certificate says.
    Show {
        /// The certificate, in PEM.
        file: PathBuf,
    },
}

/// Does it, and prints what was made.
///
/// # Errors
/// If files cannot be read or written, or what was asked for cannot be issued.
pub fn run(command: &PkiCommand) -> Result<(), Box<dyn Error>> {
    match command {
        PkiCommand::Init { dir } => print_issued(&pki::init(dir)?),
        PkiCommand::Issue { dir, name, server, days } => {
            let kind = if server.is_empty() { Kind::Client } else { Kind::Server { hosts: server.clone() } };
            print_issued(&pki::issue(dir, name, &kind, Validity::from_now(*days))?);
        }
        PkiCommand::Show { file } => {
            let shown = pki::show(file)?;
            print::line(format_args!("subject      {}", shown.subject));
            print::line(format_args!("issuer       {}", shown.issuer));
            if !shown.hosts.is_empty() {
                print::line(format_args!("hosts        {}", shown.hosts.join(", ")));
            }
            print::line(format_args!("valid from   {}", shown.validity.not_before));
            print::line(format_args!("valid until  {}", shown.validity.not_after));
            print::line(format_args!("fingerprint  {}", shown.fingerprint));
        }
    }
    Ok(())
}

fn print_issued(issued: &pki::Issued) {
    print::line(format_args!("certificate  {}", issued.certificate.display()));
    print::line(format_args!("key          {}", issued.key.display()));
    print::line(format_args!("fingerprint  {}", issued.fingerprint));
}
