//! A certificate authority for development: `golv pki`.
//!
//! It gets a rehearsal or a test bench going in two commands. **It is not for production**: its key lies
//! unencrypted in a directory, it keeps no list of what it issued and it can take nothing back. An exchange with
//! real members takes the certificates of its centre's own authority; all that it asks of them is below.
//!
//! | certificate | extended key usage | subject alternative names |
//! |---|---|---|
//! | a server's | `serverAuth` | each DNS name and IP address under which clients connect |
//! | a client's | `clientAuth` | none needed: a client is known by its key's fingerprint |
//!
//! In a directory, `ca.pem` is the authority and `ca.key.pem` its key; `NAME.pem` and `NAME.key.pem` are what it
//! issued. Keys are P-256, and only the owner may read their files. Nothing is ever overwritten.
//!
//! Deliberately absent: requests signed elsewhere (CSR), intermediate authorities and revocation.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use golv_client::tls;
use golv_engine::key::KeyFingerprint;
use golv_engine::time::Instant;
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    IsCa, Issuer, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PKCS_ED25519, PublicKeyData, SanType,
};
use rustls_pki_types::pem::{self, PemObject};
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName};
use time::OffsetDateTime;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;

/// The name of the authority's own files.
const AUTHORITY: &str = "ca";

/// The authority is valid for ten years: longer than any rehearsal, so that it is never the one that expires.
const AUTHORITY_DAYS: u16 = 3652;

const NANOSECONDS_PER_DAY: i64 = 86_400 * 1_000_000_000;

/// What a certificate is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Shown by a server to those who connect.
    Server {
        /// The DNS names and IP addresses under which clients connect to it; at least one.
        hosts: Vec<String>,
    },
    /// Shown by whoever connects.
    Client,
}

/// From when until when a certificate is valid, to the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// The first instant.
    pub not_before: Instant,
    /// The last instant.
    pub not_after: Instant,
}

impl Validity {
    /// From now on, for so many days.
    pub fn from_now(days: u16) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is past 1970");
        let now = i64::try_from(now.as_nanos()).expect("the clock is before 2262");
        let later = now.saturating_add(i64::from(days) * NANOSECONDS_PER_DAY);
        Self { not_before: Instant(now), not_after: Instant(later) }
    }
}

/// A certificate that was issued, and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issued {
    /// The certificate's file.
    pub certificate: PathBuf,
    /// The private key's file.
    pub key: PathBuf,
    /// The key's fingerprint, by which the exchange knows its holder.
    pub fingerprint: KeyFingerprint,
}

/// What a certificate says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Whose it is.
    pub subject: String,
    /// Who issued it.
    pub issuer: String,
    /// The DNS names and IP addresses that it is for; none for a client's.
    pub hosts: Vec<String>,
    /// From when until when it is valid.
    pub validity: Validity,
    /// The key's fingerprint.
    pub fingerprint: KeyFingerprint,
}

/// Why an authority was not made.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// The directory was not made.
    #[error("cannot create the directory {}", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file was not written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The key or the certificate was not made.
    #[error("cannot make the authority's certificate")]
    Make(#[source] rcgen::Error),
}

/// Why a certificate was not issued.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// The name does not serve as a file's name and a certificate's subject.
    #[error(
        "{name:?} is no name for a certificate: 1 to 64 ASCII letters, digits, - _ . of which the first is a letter or digit"
    )]
    Name {
        /// The name.
        name: String,
    },
    /// A server is to have no host.
    #[error("a server's certificate needs at least one host name or IP address")]
    NoHost,
    /// A host is neither a DNS name nor an IP address.
    #[error("{host:?} is neither a DNS name nor an IP address")]
    Host {
        /// The host.
        host: String,
    },
    /// The certificate would end before it begins, or after its authority.
    #[error(
        "a certificate ends after it begins and before its authority does, at {authority_ends}; choose fewer days"
    )]
    Validity {
        /// When the authority's certificate ends.
        authority_ends: Instant,
    },
    /// The authority's certificate is missing or damaged.
    #[error("there is no authority that could issue it; create one in the directory first")]
    Authority(#[from] ShowError),
    /// The authority's key was not read.
    #[error("cannot read the authority's key, {}", path.display())]
    ReadKey {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The authority's key is damaged, or of a kind that is not supported.
    #[error("{} holds no key that can be used", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: rcgen::Error,
    },
    /// The authority's key belongs to another certificate.
    #[error("{} is not the key of the authority beside it", path.display())]
    Mismatch {
        /// The key's file.
        path: PathBuf,
    },
    /// A file was not written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The key or the certificate was not made.
    #[error("cannot make the certificate")]
    Make(#[source] rcgen::Error),
}

/// Why a file was not written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// It is there already.
    #[error("{} exists and is not overwritten; choose another name or directory, or remove it", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The system refused.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// Why a certificate cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum ShowError {
    /// The file was not read, or holds no certificate.
    #[error("{} cannot be read as a certificate", path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: pem::Error,
    },
    /// What the file holds is not an X.509 certificate, or names instants past the year 2262.
    #[error("the certificate in {} is damaged", path.display())]
    Certificate {
        /// The file.
        path: PathBuf,
    },
}

/// Creates an authority, `ca.pem` and `ca.key.pem`, in a directory that is created too if it is not there.
///
/// # Errors
/// If one of the files exists already, or cannot be written.
pub fn init(dir: &Path) -> Result<Issued, InitError> {
    fs::create_dir_all(dir).map_err(|source| InitError::Directory { path: dir.into(), source })?;
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(InitError::Make)?;
    let mut params = params(Validity::from_now(AUTHORITY_DAYS));
    // A name of its own: of two authorities with one name, a stranger's certificate would be told apart by a bad
    // signature only, and the error would not say that its issuer is unknown.
    let [a, b, c, d, ..] = params.key_identifier(&key)[..] else { unreachable!("it has 20 bytes") };
    let name = format!("Golv development CA {:08x}", u32::from_be_bytes([a, b, c, d]));
    params.distinguished_name = common_name(&name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let certificate = params.self_signed(&key).map_err(InitError::Make)?;
    Ok(write(dir, AUTHORITY, &certificate, &key)?)
}

/// Issues a certificate and its key, `NAME.pem` and `NAME.key.pem`, signed by the authority in the directory.
///
/// # Errors
/// If the name, a host or the validity does not serve, the authority is missing or damaged, or a file exists
/// already or cannot be written.
pub fn issue(dir: &Path, name: &str, kind: &Kind, validity: Validity) -> Result<Issued, IssueError> {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(IssueError::Make)?;
    issue_for(&key, dir, name, kind, validity)
}

/// A key that is always the same for the same 32 bytes, for rehearsals that are to be repeated: Ed25519, as PKCS #8
/// holds it (RFC 8410, section 7).
///
/// # Errors
/// If the bytes are no key, which no 32 bytes are not.
pub fn key_from_seed(seed: [u8; 32]) -> Result<KeyPair, IssueError> {
    const PKCS8: [u8; 16] =
        [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
    let der = PrivatePkcs8KeyDer::from([&PKCS8[..], &seed].concat());
    KeyPair::from_pkcs8_der_and_sign_algo(&der, &PKCS_ED25519).map_err(IssueError::Make)
}

/// Issues a certificate as [`issue`] does, for a key that is there already.
///
/// # Errors
/// As [`issue`].
pub fn issue_for(
    key: &KeyPair,
    dir: &Path,
    name: &str,
    kind: &Kind,
    validity: Validity,
) -> Result<Issued, IssueError> {
    if !is_name(name) {
        return Err(IssueError::Name { name: name.into() });
    }
    let mut params = params(validity);
    params.distinguished_name = common_name(name);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.use_authority_key_identifier_extension = true;
    match kind {
        Kind::Server { hosts } if hosts.is_empty() => return Err(IssueError::NoHost),
        Kind::Server { hosts } => {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
            params.subject_alt_names =
                hosts.iter().map(|host| alternative_name(host)).collect::<Result<_, _>>()?;
        }
        Kind::Client => params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth],
    }

    let authority = authority(dir, validity)?;
    let certificate = params.signed_by(key, &authority).map_err(IssueError::Make)?;
    Ok(write(dir, name, &certificate, key)?)
}

/// Reads what the first certificate of a PEM file says, without judging it.
///
/// # Errors
/// If the file cannot be read or holds no certificate.
pub fn show(path: &Path) -> Result<Shown, ShowError> {
    read(&first_certificate(path)?).ok_or_else(|| ShowError::Certificate { path: path.into() })
}

/// Reads what each certificate of a PEM file says, in their order, without judging it; at least one.
///
/// # Errors
/// If the file cannot be read or holds no certificate.
pub fn show_all(path: &Path) -> Result<Vec<Shown>, ShowError> {
    let pem = |source| ShowError::Pem { path: path.into(), source };
    let all = CertificateDer::pem_file_iter(path).map_err(pem)?;
    let all =
        all.map(|der| read(&der.map_err(pem)?).ok_or_else(|| ShowError::Certificate { path: path.into() }));
    let all = all.collect::<Result<Vec<_>, _>>()?;
    if all.is_empty() { Err(pem(pem::Error::NoItemsFound)) } else { Ok(all) }
}

fn read(der: &CertificateDer<'_>) -> Option<Shown> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let names = certificate.subject_alternative_name().ok()?;
    Some(Shown {
        subject: certificate.subject().to_string(),
        issuer: certificate.issuer().to_string(),
        hosts: names.map_or_else(Vec::new, |names| names.value.general_names.iter().map(host).collect()),
        validity: valid(&certificate)?,
        fingerprint: tls::fingerprint(der).ok()?,
    })
}

fn host(name: &GeneralName<'_>) -> String {
    match name {
        GeneralName::DNSName(name) => (*name).to_owned(),
        GeneralName::IPAddress(bytes) => match (<[u8; 4]>::try_from(*bytes), <[u8; 16]>::try_from(*bytes)) {
            (Ok(v4), _) => IpAddr::from(v4).to_string(),
            (_, Ok(v6)) => IpAddr::from(v6).to_string(),
            _ => name.to_string(),
        },
        other => other.to_string(),
    }
}

/// The authority of a directory, if it may issue a certificate of this validity.
fn authority(dir: &Path, validity: Validity) -> Result<Issuer<'static, KeyPair>, IssueError> {
    let (path, key_path) = paths(dir, AUTHORITY);
    let der = first_certificate(&path)?;
    let damaged = || ShowError::Certificate { path: path.clone() };
    let (_, certificate) = X509Certificate::from_der(&der).map_err(|_| damaged())?;
    let authority_ends = valid(&certificate).ok_or_else(damaged)?.not_after;
    if validity.not_before > validity.not_after || validity.not_after > authority_ends {
        return Err(IssueError::Validity { authority_ends });
    }

    let text = fs::read_to_string(&key_path)
        .map_err(|source| IssueError::ReadKey { path: key_path.clone(), source })?;
    let key =
        KeyPair::from_pem(&text).map_err(|source| IssueError::Key { path: key_path.clone(), source })?;
    if key.subject_public_key_info() != certificate.public_key().raw {
        return Err(IssueError::Mismatch { path: key_path });
    }
    Issuer::from_ca_cert_der(&der, key).map_err(IssueError::Make)
}

fn first_certificate(path: &Path) -> Result<CertificateDer<'static>, ShowError> {
    CertificateDer::from_pem_file(path).map_err(|source| ShowError::Pem { path: path.into(), source })
}

fn valid(certificate: &X509Certificate<'_>) -> Option<Validity> {
    let instant = |seconds: i64| seconds.checked_mul(1_000_000_000).map(Instant);
    Some(Validity {
        not_before: instant(certificate.validity().not_before.timestamp())?,
        not_after: instant(certificate.validity().not_after.timestamp())?,
    })
}

/// A host as a certificate names it.
fn alternative_name(host: &str) -> Result<SanType, IssueError> {
    let wrong = || IssueError::Host { host: host.into() };
    match ServerName::try_from(host).map_err(|_| wrong())? {
        ServerName::IpAddress(address) => Ok(SanType::IpAddress(address.into())),
        _ => Ok(SanType::DnsName(host.try_into().map_err(|_| wrong())?)),
    }
}

/// Writes a certificate and its key where neither is yet.
fn write(dir: &Path, name: &str, made: &Certificate, key: &KeyPair) -> Result<Issued, WriteError> {
    let fingerprint = tls::fingerprint(made.der()).expect("a certificate just made is one");
    let (certificate, key_path) = paths(dir, name);
    // Looked at before anything is written, so that a refusal leaves no half of a pair behind.
    if let Some(path) = [&certificate, &key_path].into_iter().find(|path| path.exists()) {
        return Err(WriteError::Exists { path: path.clone() });
    }
    create(&key_path, 0o600, &key.serialize_pem())?;
    create(&certificate, 0o644, &made.pem())?;
    Ok(Issued { certificate, key: key_path, fingerprint })
}

fn paths(dir: &Path, name: &str) -> (PathBuf, PathBuf) {
    (dir.join(format!("{name}.pem")), dir.join(format!("{name}.key.pem")))
}

fn create(path: &Path, mode: u32, text: &str) -> Result<(), WriteError> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists => WriteError::Exists { path: path.into() },
            _ => WriteError::Write { path: path.into(), source },
        })
}

/// Whether a name serves as a file's name anywhere and as a subject: no separators, not hidden, and not taken for
/// an option.
fn is_name(name: &str) -> bool {
    let inner = |c: u8| c.is_ascii_alphanumeric() || b"-_.".contains(&c);
    // 64 is X.509's bound for a common name.
    (1..=64).contains(&name.len())
        && name.bytes().all(inner)
        && name.starts_with(|first: char| first.is_ascii_alphanumeric())
}

fn common_name(name: &str) -> DistinguishedName {
    let mut subject = DistinguishedName::new();
    subject.push(DnType::CommonName, name);
    subject
}

fn params(validity: Validity) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.not_before = whole_seconds(validity.not_before);
    params.not_after = whole_seconds(validity.not_after);
    params
}

/// The instant as a certificate holds it: to the second, rounded down.
fn whole_seconds(instant: Instant) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(instant.0.div_euclid(1_000_000_000))
        .expect("an instant is within the years 1677 to 2262")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use golv_client::tls::{Credentials, LoadError, TrustAnchor};
    use tempfile::TempDir;

    use super::*;

    fn authority() -> TempDir {
        let dir = tempfile::tempdir().expect("a temporary directory");
        init(dir.path()).expect("an authority in an empty directory");
        dir
    }

    fn client(dir: &TempDir, name: &str) -> Result<Issued, IssueError> {
        issue(dir.path(), name, &Kind::Client, Validity::from_now(1))
    }

    #[test]
    fn what_is_issued_loads_and_says_what_was_asked() {
        let dir = authority();
        TrustAnchor::load(&dir.path().join("ca.pem")).expect("an authority");
        let kind = Kind::Server { hosts: ["localhost", "127.0.0.1", "::1"].map(Into::into).to_vec() };
        let day = |day| Instant::at_midnight(2026, 5, day).expect("a day");
        let validity = Validity { not_before: day(1), not_after: day(31) };
        let issued = issue(dir.path(), "floor-1", &kind, validity).expect("a certificate");
        let loaded = Credentials::load(&issued.certificate, &issued.key).expect("credentials");
        assert_eq!(loaded.fingerprint(), issued.fingerprint);

        let authority = show(&dir.path().join("ca.pem")).expect("a certificate");
        assert_eq!(authority.subject, authority.issuer);
        let shown = show(&issued.certificate).expect("a certificate");
        assert_eq!(
            shown,
            Shown {
                subject: "CN=floor-1".into(),
                issuer: authority.subject,
                hosts: ["localhost", "127.0.0.1", "::1"].map(Into::into).to_vec(),
                validity,
                fingerprint: issued.fingerprint,
            }
        );
        let client = client(&dir, "alice").expect("a certificate");
        assert_eq!(show(&client.certificate).expect("a certificate").hosts, Vec::<String>::new());
        assert_ne!(client.fingerprint, issued.fingerprint);
    }

    #[test]
    fn only_the_owner_may_read_a_key() {
        let dir = authority();
        let issued = client(&dir, "alice").expect("a certificate");
        for key in [dir.path().join("ca.key.pem"), issued.key] {
            let mode = key.metadata().expect("a key's file").permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{}", key.display());
        }
    }

    #[test]
    fn nothing_is_overwritten() {
        let dir = authority();
        let read = |name: &str| fs::read(dir.path().join(name)).expect("a file that was written");
        let before = (read("ca.pem"), read("ca.key.pem"));
        let again = init(dir.path()).expect_err("an authority that is there already");
        assert!(matches!(again, InitError::Write(WriteError::Exists { .. })), "{again:?}");
        let posing = client(&dir, "ca").expect_err("the authority's own name");
        assert!(matches!(posing, IssueError::Write(WriteError::Exists { .. })), "{posing:?}");
        assert_eq!((read("ca.pem"), read("ca.key.pem")), before);

        // Even half a pair stays as it is, and is not completed.
        let issued = client(&dir, "alice").expect("a certificate");
        fs::remove_file(&issued.key).expect("a file of ours");
        let error = client(&dir, "alice").expect_err("a certificate that is there already");
        assert!(error.to_string().contains("alice.pem exists"), "{error}");
        assert!(!issued.key.exists());
    }

    #[test]
    fn names_stay_within_the_directory() {
        let dir = authority();
        let long = "a".repeat(65);
        for name in ["", ".", "..", "../x", "a/b", "/x", ".hidden", "-x", "a b", "é", "a\0b", "a\\b", &long]
        {
            let error = client(&dir, name).expect_err("no name for a file");
            assert!(matches!(error, IssueError::Name { .. }), "{name}: {error:?}");
        }
        for name in ["a", "A.b-c_9", "7", &long[1..]] {
            client(&dir, name).expect("a good name");
        }
    }

    #[test]
    fn hosts_and_validity_are_checked() {
        let dir = authority();
        let server = |hosts: &[&str]| {
            let hosts = hosts.iter().map(|&host| host.to_owned()).collect();
            issue(dir.path(), "server", &Kind::Server { hosts }, Validity::from_now(1)).expect_err("no hosts")
        };
        assert!(matches!(server(&[]), IssueError::NoHost));
        for host in ["", "a b", "a..b", "10.0.0.0/8", "https://a"] {
            assert!(
                matches!(server(&["localhost", host]), IssueError::Host { host: named } if named == host)
            );
        }
        let now = Validity::from_now(1);
        let backwards = Validity { not_before: now.not_after, not_after: now.not_before };
        for validity in [backwards, Validity::from_now(3660), Validity::from_now(u16::MAX)] {
            let error = issue(dir.path(), "alice", &Kind::Client, validity).expect_err("no such validity");
            assert!(matches!(error, IssueError::Validity { .. }), "{error:?}");
        }
    }

    #[test]
    fn an_authority_is_whole_or_not_used() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let error = client(&dir, "alice").expect_err("there is no authority");
        assert!(matches!(error, IssueError::Authority(ShowError::Pem { .. })), "{error:?}");

        let dir = authority();
        let other = authority();
        let key = dir.path().join("ca.key.pem");
        fs::copy(other.path().join("ca.key.pem"), &key).expect("a file of ours");
        let error = client(&dir, "alice").expect_err("the key of another authority");
        assert!(matches!(&error, IssueError::Mismatch { path } if *path == key), "{error:?}");
        fs::write(&key, "no key").expect("a file of ours");
        let error = client(&dir, "alice").expect_err("no key");
        assert!(matches!(&error, IssueError::Key { path, .. } if *path == key), "{error:?}");
        fs::remove_file(&key).expect("a file of ours");
        let error = client(&dir, "alice").expect_err("a missing key");
        assert!(matches!(&error, IssueError::ReadKey { path, .. } if *path == key), "{error:?}");
        assert!(!dir.path().join("alice.pem").exists());
    }

    #[test]
    fn a_key_serves_its_own_certificate_alone() {
        let dir = authority();
        let (alice, bob) = (client(&dir, "alice"), client(&dir, "bob"));
        let (alice, bob) = (alice.expect("a certificate"), bob.expect("a certificate"));
        let error = Credentials::load(&alice.certificate, &bob.key).expect_err("the key of another");
        assert!(matches!(error, LoadError::Key { .. }), "{error:?}");
    }
}
