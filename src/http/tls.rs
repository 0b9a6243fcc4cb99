//! TLS with rustls: a certificate and its key from two files, which may change while the server
//! runs. The only protocol inside is `http/1.1`.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{Error, ServerConfig};
use sha2::{Digest, Sha256};

use crate::regular_file;
use crate::start_error::StartError;

/// Time between two checks of the files.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// A server's certificate and key, with the files that they are loaded from.
#[derive(Debug)]
pub(crate) struct Tls {
    files: TlsFiles,
    /// Fingerprint of the files when they were last loaded successfully.
    loaded: Fingerprint,
    current: Arc<CurrentCertificate>,
}

#[derive(Clone, Debug)]
struct TlsFiles {
    certificate: PathBuf,
    key: PathBuf,
}

/// A hash of the contents of both files. It serves to detect changes without a second copy of the
/// key.
type Fingerprint = [u8; 32];

/// The certificate and key that new connections get.
struct CurrentCertificate(RwLock<Arc<CertifiedKey>>);

impl fmt::Debug for CurrentCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CurrentCertificate").finish_non_exhaustive()
    }
}

impl ResolvesServerCert for CurrentCertificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read()))
    }
}

impl Tls {
    /// Loads the certificate and the key.
    ///
    /// # Errors
    /// If a file cannot be read or parsed, and if the key does not belong to the certificate.
    pub(crate) fn open(certificate: &Path, key: &Path) -> Result<Self, StartError> {
        let files = TlsFiles { certificate: certificate.to_owned(), key: key.to_owned() };
        let (loaded, pair) = files.read();
        Ok(Self { files, loaded, current: Arc::new(CurrentCertificate(RwLock::new(Arc::new(pair?)))) })
    }

    /// Returns the configuration for TLS handshakes.
    ///
    /// # Errors
    /// If rustls supports no protocol version with this cryptography provider.
    pub(crate) fn config(&self) -> Result<ServerConfig, StartError> {
        let builder = ServerConfig::builder_with_provider(Arc::new(default_provider()));
        let builder = builder.with_safe_default_protocol_versions().map_err(|error| {
            StartError::new("TLS cannot be set up", "build with the features of rustls that callbox names")
                .with_source(error)
        })?;
        let mut config = builder.with_no_client_auth().with_cert_resolver(Arc::clone(&self.current) as _);
        // Sessions are not resumed: a resumed session presents no certificate, so after a change a
        // client would continue with the old one.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }

    /// Reloads the certificate and the key whenever the files have changed. Runs until it is
    /// dropped.
    pub(crate) async fn watch(mut self) {
        let (mut last, mut reported) = (self.loaded, None);
        loop {
            tokio::time::sleep(CHECK_INTERVAL).await;
            let files = self.files.clone();
            let Ok((fingerprint, pair)) = tokio::task::spawn_blocking(move || files.read()).await else { continue };
            match pair {
                _ if fingerprint == self.loaded => reported = None,
                Ok(pair) => {
                    *self.current.0.write() = Arc::new(pair);
                    (self.loaded, reported) = (fingerprint, None);
                    log_info!(file = %self.files.certificate.display(), "new connections get the new certificate");
                }
                // Only an error that is the same at two checks is logged: while the two files are
                // replaced one after the other, they do not match for a moment.
                Err(error) if fingerprint == last && reported != Some(fingerprint) => {
                    log_error!(%error, "cannot load the changed certificate; the previous one stays in use");
                    reported = Some(fingerprint);
                }
                Err(_) => {}
            }
            last = fingerprint;
        }
    }
}

impl TlsFiles {
    fn read(&self) -> (Fingerprint, Result<CertifiedKey, StartError>) {
        let (certificate, key) = (regular_file::read(&self.certificate), regular_file::read(&self.key));
        let mut fingerprint = Sha256::new();
        for content in [&certificate, &key] {
            match content {
                // The length comes first, so that bytes cannot move from the end of one file to the
                // start of the next without a change of the hash.
                Ok(bytes) => {
                    fingerprint.update(bytes.len().to_le_bytes());
                    fingerprint.update(bytes);
                }
                Err(error) => fingerprint.update(error.to_string()),
            }
        }
        let pair = certificate.map_err(|error| (&self.certificate, "certificate", "--tls-cert", error));
        let pair = pair.and_then(|certificate| match key {
            Ok(key) => Ok((certificate, key)),
            Err(error) => Err((&self.key, "key", "--tls-key", error)),
        });
        let pair = pair.map_err(|(path, what, flag, error)| {
            let what = format_args!("the {what} {} cannot be read ({error})", path.display());
            StartError::new(what, format_args!("put the file there, or name another with {flag}"))
        });
        (fingerprint.finalize().into(), pair.and_then(|(certificate, key)| self.parse(&certificate, &key)))
    }

    /// Parses the contents of the files. Errors never quote them, as they may be the key.
    fn parse(&self, certificate: &[u8], key: &[u8]) -> Result<CertifiedKey, StartError> {
        let (at, key_at) = (self.certificate.display(), self.key.display());
        let no_certificate = || {
            let fix = "give PEM, `-----BEGIN CERTIFICATE-----`: the server's own first, then the intermediate ones";
            StartError::new(format_args!("{at} holds no certificate that can be used"), fix)
        };
        let no_key = || {
            let fix = "give PEM, `-----BEGIN PRIVATE KEY-----`, without a password: RSA, ECDSA or Ed25519";
            StartError::new(format_args!("{key_at} holds no key that can be used"), fix)
        };
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(certificate).collect();
        let chain = chain.ok().filter(|chain| !chain.is_empty()).ok_or_else(no_certificate)?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| no_key())?;
        CertifiedKey::from_der(chain, key, &default_provider()).map_err(|error| match error {
            Error::InconsistentKeys(_) => {
                let fix = "give the key that the certificate was made for, and the server's own certificate first";
                StartError::new(format_args!("the key {key_at} does not belong to the certificate {at}"), fix)
            }
            Error::InvalidCertificate(_) => no_certificate(),
            _ => no_key(),
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::regular_file::tests::{at_once, make_pipe};

    use super::*;

    #[test]
    fn a_pipe_in_place_of_either_file_is_an_error_at_once() {
        let directory = tempfile::tempdir().unwrap();
        let [pipe, file] = ["pipe.pem", "file.pem"].map(|name| directory.path().join(name));
        make_pipe(&pipe);
        std::fs::write(&file, "").unwrap();
        for (certificate, key, what) in [(&pipe, &file, "certificate"), (&file, &pipe, "key")] {
            let (certificate, key) = (certificate.clone(), key.clone());
            let error = at_once(move || Tls::open(&certificate, &key)).unwrap_err().to_string();
            assert!(error.contains(&format!("the {what} ")), "{error}");
            assert!(error.contains("pipe.pem cannot be read (it is a named pipe, not a regular file)"), "{error}");
        }
    }
}
