//! Whether a server speaks TLS, and with which files.

use std::path::PathBuf;

use crate::settings::Settings;
use crate::start_error::{Result, StartError};

use super::Server;

#[cfg(feature = "tls")]
pub(super) use crate::http::Tls;

/// Without the feature there is none.
#[cfg(not(feature = "tls"))]
pub(super) use std::convert::Infallible as Tls;

/// # Errors
/// If one of the two files is not named or cannot be used, and if the program was built without TLS.
pub(super) fn open(settings: &Settings) -> Result<Option<Tls>> {
    match (&settings.tls_cert, &settings.tls_key) {
        (None, None) => Ok(None),
        #[cfg(feature = "tls")]
        (Some(certificate), Some(key)) => Tls::open(certificate, key).map(Some),
        #[cfg(not(feature = "tls"))]
        (Some(_), Some(_)) => {
            let fix =
                "give callbox the feature in Cargo.toml, features = [\"tls\"], or leave out --tls-cert and --tls-key";
            Err(StartError::new("this program was built without TLS", fix))
        }
        (Some(_), None) => Err(alone("certificate", settings.origin("tls_cert"), "its key with --tls-key")),
        (None, Some(_)) => Err(alone("key", settings.origin("tls_key"), "its certificate with --tls-cert")),
    }
}

fn alone(what: &str, origin: impl std::fmt::Display, missing: &str) -> StartError {
    let what = format_args!("TLS has a {what} ({origin}) and not the other half");
    StartError::new(what, format_args!("name the file of {missing} as well, or neither"))
}

impl Server {
    /// Speaks TLS, with a certificate and its key from two PEM files: `.tls("cert.pem", "key.pem")`. Default: none, plain HTTP.
    ///
    /// The certificate's file has the server's own first, then those that vouch for it. When the files change, new connections
    /// get the new pair within some seconds; if it is broken, the one before stays, and the log has an error. TLS 1.2 and 1.3,
    /// HTTP/1.1.
    ///
    /// Needs the feature `tls`; without it, and if the files cannot be used, the server does not start. A server in a test
    /// ([`testing::start`](crate::testing::start)) never speaks TLS.
    pub fn tls(mut self, certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        self.layer.tls_cert = Some(Some(certificate.into()));
        self.layer.tls_key = Some(Some(key.into()));
        self
    }
}
