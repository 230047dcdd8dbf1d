//! `golv sim identities`: certificates for everybody in a scenario, and what to do with them.

use std::error::Error;
use std::path::PathBuf;

use clap::Args;
use golv_engine::id::IdentityId;
use golv_sim::desk::OPERATORS;
use golv_sim::play::{identities, start};
use golv_sim::scenario::Scenario;

use super::connected::name;
use super::run::NoDay;
use super::source::Source;
use crate::pki::{self, Kind, Validity};
use crate::print::{self, table};

/// For how long a certificate is valid: a rehearsal's are made anew.
const DAYS: u16 = 365;

/// For whom, and where to.
#[derive(Args, Debug)]
pub struct Identities {
    /// The scenario: a name of golv sim scenarios, or a file that ends in .toml
    #[arg(value_name = "SCENARIO")]
    scenario: String,
    /// The directory: of an authority that golv pki has made, or new; certificates that are there stay as they are
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// Makes the certificates and says what to do next.
pub(super) fn run(options: &Identities) -> Result<(), Box<dyn Error>> {
    let scenario = Source::find(&options.scenario)?.scenario()?;
    let start = start(&scenario).ok_or(NoDay)?;
    let dir = &options.out;
    if !dir.join("ca.pem").exists() {
        pki::init(dir)?;
    }
    let mut rows = Vec::new();
    for (identity, who) in named(&scenario) {
        let name = name(identity);
        let certificate = dir.join(format!("{name}.pem"));
        if !certificate.exists() {
            pki::issue(dir, &name, &Kind::Client, Validity::from_now(DAYS))?;
        }
        rows.push(vec![identity.to_string(), who, certificate.display().to_string()]);
    }
    print::line(table(&[">identity", "who", "certificate"], rows));
    let (dir, scenario) = (dir.display(), &options.scenario);
    print::line(format_args!(
        "Found a rehearsal and serve it:\n\n\
         golv pki issue {dir} server --server localhost\n\
         golv found --data data --name \"The centre\" --rehearsal {start} --operators {dir}/identity-1.pem {dir}/identity-2.pem\n\
         golv serve --data data --certificate {dir}/server.pem --key {dir}/server.key.pem --ca {dir}/ca.pem\n\n\
         and play on it:\n\n\
         golv sim run {scenario} --server localhost:4433 --ca {dir}/ca.pem --certificates {dir}"
    ));
    Ok(())
}

/// Everybody with a connection of their own, by name.
fn named(scenario: &Scenario) -> Vec<(IdentityId, String)> {
    let others = ["publisher of the index", "auditor"].map(str::to_owned).into_iter();
    let producers = scenario.producers.iter().map(|producer| producer.name.to_string());
    let buyers = scenario.buyers.iter().map(|buyer| buyer.name.to_string());
    let operators = OPERATORS.map(|identity| (identity, "operator".to_owned())).into_iter();
    operators.chain(identities(scenario).into_iter().zip(others.chain(producers).chain(buyers))).collect()
}
