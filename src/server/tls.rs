//! Whether a server uses TLS, and with which files.

use crate::settings::Settings;
use crate::start_error::{Result, StartError};

#[cfg(feature = "tls")]
pub(super) use crate::http::Tls;

/// Without the feature `tls` no value of this type exists.
#[cfg(not(feature = "tls"))]
pub(super) use std::convert::Infallible as Tls;

/// Opens the certificate and its key, if the settings name them.
///
/// # Errors
/// If only one of the two files is named, if a file cannot be used, and if the program was built
/// without the feature `tls`.
pub(super) fn open(settings: &Settings) -> Result<Option<Tls>> {
    match (&settings.tls_cert, &settings.tls_key) {
        (None, None) => Ok(None),
        #[cfg(feature = "tls")]
        (Some(certificate), Some(key)) => Tls::open(certificate, key).map(Some),
        #[cfg(not(feature = "tls"))]
        (Some(_), Some(_)) => {
            let fix = "enable the feature of callbox in Cargo.toml, features = [\"tls\"], or leave out --tls-cert and --tls-key";
            Err(StartError::new("this program was built without TLS", fix))
        }
        (Some(_), None) => Err(alone("certificate", settings.source("tls_cert"), "its key with --tls-key")),
        (None, Some(_)) => Err(alone("key", settings.source("tls_key"), "its certificate with --tls-cert")),
    }
}

fn alone(what: &str, origin: impl std::fmt::Display, missing: &str) -> StartError {
    let what = format_args!("TLS has a {what} ({origin}), but not the other of the two files");
    StartError::new(what, format_args!("name the file of {missing} as well, or neither"))
}
