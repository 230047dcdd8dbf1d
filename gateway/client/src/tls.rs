//! Who one is, and whom one believes: certificates and keys from PEM files.
//!
//! TLS 1.3 alone, with ring's cryptography. Both ends show a certificate and verify the other's against the same
//! kind of [`TrustAnchor`].
//!
//! Deliberately absent: the system's trust store, since an exchange has a certificate authority of its own;
//! resumption, so that each connection shows its certificate anew; and revocation lists: a key is taken out
//! of use by ending its binding in the exchange.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use golv_engine::key::KeyFingerprint;
use golv_protocol::message::ALPN;
use rustls::RootCertStore;
use rustls::client::Resumption;
use rustls::crypto::{CryptoProvider, ring};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls_pki_types::pem::{self, PemObject};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use sha2::{Digest, Sha256};
use webpki::EndEntityCert;

/// A certificate with its chain, and the private key that belongs to it. Cheap to clone.
#[derive(Clone)]
pub struct Credentials {
    certified: Arc<SingleCertAndKey>,
    fingerprint: KeyFingerprint,
}

/// The certificate authorities whose certificates are believed; at least one. Cheap to clone.
#[derive(Clone, Debug)]
pub struct TrustAnchor(Arc<RootCertStore>);

/// Why PEM files did not give [`Credentials`] or a [`TrustAnchor`].
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A file was not read.
    #[error("{} cannot be read", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file is not PEM.
    #[error("{} is damaged, or not a PEM file", path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// Where the text is wrong.
        source: pem::Error,
    },
    /// A file has no certificate in it.
    #[error("{} holds no certificate; it needs a section BEGIN CERTIFICATE", path.display())]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
    /// A file has no private key in it.
    #[error("{} holds no private key; it needs a section BEGIN PRIVATE KEY, not encrypted", path.display())]
    NoKey {
        /// The file.
        path: PathBuf,
    },
    /// A file holds something in the place of a certificate that is none.
    #[error("the certificate in {} cannot be used; have it issued again", path.display())]
    Certificate {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: rustls::Error,
    },
    /// The key is of a kind that is not supported, or belongs to another certificate.
    #[error("the key in {} does not serve the certificate in {}", key.display(), certificate.display())]
    Key {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// What is wrong with it.
        source: rustls::Error,
    },
}

impl Credentials {
    /// Loads a certificate, with the certificates between it and the authority after it if there are any, from one
    /// PEM file and its private key from another.
    ///
    /// Whether the certificate has expired is for the peer to judge.
    ///
    /// # Errors
    /// If a file is not readable, not PEM, or lacks its part; or if the key is not the certificate's.
    pub fn load(certificate: &Path, key: &Path) -> Result<Self, LoadError> {
        let chain = certificates(certificate)?;
        let private = PrivateKeyDer::from_pem_slice(&read(key)?).map_err(|source| match source {
            pem::Error::NoItemsFound => LoadError::NoKey { path: key.into() },
            source => LoadError::Pem { path: key.into(), source },
        })?;
        let leaf = chain.first().expect("a file without certificates was refused");
        let fingerprint = fingerprint(leaf)
            .map_err(|source| LoadError::Certificate { path: certificate.into(), source })?;
        let certified = CertifiedKey::from_der(chain, private, &provider())
            .map_err(|source| LoadError::Key { certificate: certificate.into(), key: key.into(), source })?;
        Ok(Self { certified: Arc::new(certified.into()), fingerprint })
    }

    /// The fingerprint of the key, by which the exchange knows its holder.
    pub fn fingerprint(&self) -> KeyFingerprint {
        self.fingerprint
    }

    /// What rustls shows to a peer.
    pub fn certified(&self) -> Arc<SingleCertAndKey> {
        self.certified.clone()
    }
}

impl std::fmt::Debug for Credentials {
    /// Shows the fingerprint: a private key has no business in a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("fingerprint", &self.fingerprint).finish_non_exhaustive()
    }
}

impl TrustAnchor {
    /// Loads all certificates of a PEM file as authorities.
    ///
    /// # Errors
    /// If the file is not readable, not PEM, or holds no certificate or a broken one.
    pub fn load(path: &Path) -> Result<Self, LoadError> {
        let mut roots = RootCertStore::empty();
        for certificate in certificates(path)? {
            roots.add(certificate).map_err(|source| LoadError::Certificate { path: path.into(), source })?;
        }
        Ok(Self(Arc::new(roots)))
    }

    /// The authorities as rustls takes them.
    pub fn roots(&self) -> Arc<RootCertStore> {
        self.0.clone()
    }
}

/// The fingerprint of a certificate's key.
///
/// # Errors
/// If the bytes are not an X.509 certificate of version 3.
pub fn fingerprint(certificate: &CertificateDer<'_>) -> Result<KeyFingerprint, rustls::Error> {
    let certificate = EndEntityCert::try_from(certificate)
        .map_err(|_| rustls::Error::InvalidCertificate(rustls::CertificateError::BadEncoding))?;
    Ok(KeyFingerprint(Sha256::digest(certificate.subject_public_key_info()).into()))
}

/// The cryptography that both ends use.
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// The client's side of TLS.
pub(crate) fn client(credentials: &Credentials, trust: &TrustAnchor) -> rustls::ClientConfig {
    let mut config = rustls::ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("ring has cipher suites for TLS 1.3")
        .with_root_certificates(trust.roots())
        .with_client_cert_resolver(credentials.certified());
    config.alpn_protocols = vec![ALPN.to_vec()];
    config.resumption = Resumption::disabled();
    config.enable_early_data = false;
    config
}

/// All certificates of a PEM file, in order; at least one.
fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, LoadError> {
    let certificates = CertificateDer::pem_slice_iter(&read(path)?)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|source| LoadError::Pem { path: path.into(), source })?;
    if certificates.is_empty() {
        Err(LoadError::NoCertificate { path: path.into() })
    } else {
        Ok(certificates)
    }
}

fn read(path: &Path) -> Result<Vec<u8>, LoadError> {
    fs::read(path).map_err(|source| LoadError::Read { path: path.into(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    const KEY: &str = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";

    /// A directory with `certificate.pem` and `key.pem` of these texts, and what loading them says.
    fn load(certificate: Option<&str>, key: Option<&str>) -> (LoadError, PathBuf, PathBuf) {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let paths = [dir.path().join("certificate.pem"), dir.path().join("key.pem")];
        for (path, text) in paths.iter().zip([certificate, key]) {
            if let Some(text) = text {
                fs::write(path, text).expect("a file in a fresh directory");
            }
        }
        let [certificate, key] = paths;
        let error = Credentials::load(&certificate, &key).expect_err("none of these are credentials");
        (error, certificate, key)
    }

    #[test]
    fn an_error_names_the_file_that_is_wrong() {
        let torn = "-----BEGIN CERTIFICATE-----\nAAAA\n";
        let cases = [
            (None, Some(KEY), "certificate", "cannot be read"),
            (Some(CERTIFICATE), None, "key", "cannot be read"),
            (Some(torn), Some(KEY), "certificate", "damaged"),
            (Some("no PEM at all"), Some(KEY), "certificate", "holds no certificate"),
            (Some(KEY), Some(KEY), "certificate", "holds no certificate"),
            (Some(CERTIFICATE), Some(CERTIFICATE), "key", "holds no private key"),
            (Some(CERTIFICATE), Some(KEY), "certificate", "cannot be used"),
        ];
        for (certificate, key, wrong, says) in cases {
            let (error, certificate, key) = load(certificate, key);
            let (named, other) = if wrong == "key" { (key, certificate) } else { (certificate, key) };
            let text = error.to_string();
            assert!(text.contains(&named.display().to_string()), "{text}");
            assert!(!text.contains(&other.display().to_string()), "{text}");
            assert!(text.contains(says), "{text}");
        }
    }

    #[test]
    fn a_trust_anchor_is_a_file_of_certificates() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("ca.pem");
        let load = |text: &str| {
            fs::write(&path, text).expect("a file in a temporary directory");
            TrustAnchor::load(&path).expect_err("none of these is a trust anchor").to_string()
        };
        assert!(load(KEY).contains("ca.pem holds no certificate"));
        assert!(load(CERTIFICATE).contains("ca.pem cannot be used"));
    }
}
