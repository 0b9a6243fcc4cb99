//! The options of a connection to NATS.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_nats::ConnectOptions;

use crate::build_error::BuildError;

use super::address::NatsAddress;
use super::connection::{Connection, Nats, OptionsError};
use super::subject::{DEFAULT_PREFIX, is_prefix};

/// Builder of a connection to NATS. See [`Nats`].
///
/// ```no_run
/// use callbox::client::Nats;
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let builder = Nats::builder("tls://nats.example.org").credentials_file("shop.creds");
/// let nats = builder.name("shop").connect().await?;
/// # drop(nats);
/// # Ok(()) }
/// ```
#[derive(Clone)]
#[must_use = "call `connect` to open the connection"]
pub struct NatsBuilder {
    address: String,
    pub(super) prefix: String,
    credentials: Option<PathBuf>,
    authority: Option<PathBuf>,
    certificate: Option<(PathBuf, PathBuf)>,
    name: Option<String>,
    pub(super) connect_timeout: Duration,
    /// What runs first on the thread of the connection.
    pub(super) begin: Arc<dyn Fn() + Send + Sync>,
}

impl NatsBuilder {
    pub(super) fn new(address: &str) -> Self {
        Self {
            address: address.to_owned(),
            prefix: DEFAULT_PREFIX.to_owned(),
            credentials: None,
            authority: None,
            certificate: None,
            name: None,
            connect_timeout: Duration::from_secs(5),
            begin: Arc::new(|| ()),
        }
    }

    /// Sets the first token of all subjects, or several with dots between. Default: `callbox`. It
    /// must be that of the services.
    pub fn prefix(mut self, prefix: &str) -> Self {
        prefix.clone_into(&mut self.prefix);
        self
    }

    /// Sets the file of credentials, as `nsc` writes it: a JWT and the key of a user. Default: what
    /// the address says.
    pub fn credentials_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.credentials = Some(path.into());
        self
    }

    /// Trusts the authorities in this PEM file instead of those that the system trusts.
    pub fn trust_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.authority = Some(path.into());
        self
    }

    /// Sets the PEM files of the certificate that this client presents, and of its key. Default:
    /// none.
    pub fn client_certificate(mut self, certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        self.certificate = Some((certificate.into(), key.into()));
        self
    }

    /// Sets the name of the connection in the lists of the NATS server. Default: none.
    pub fn name(mut self, name: &str) -> Self {
        self.name = Some(name.to_owned());
        self
    }

    /// Sets the maximum time to open the connection. Default: 5 s.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Runs this first on the thread of the connection.
    #[doc(hidden)]
    pub fn begin_thread(mut self, begin: impl Fn() + Send + Sync + 'static) -> Self {
        self.begin = Arc::new(begin);
        self
    }

    /// Opens the connection.
    ///
    /// # Errors
    /// If the address or the prefix is not valid, if a file cannot be used, and if no server can be
    /// reached or lets the program in.
    pub async fn connect(self) -> Result<Nats, BuildError> {
        Connection::open(self).await
    }

    pub(super) fn address(&self) -> Result<NatsAddress, BuildError> {
        if !is_prefix(&self.prefix) {
            let prefix = &self.prefix;
            return Err(BuildError::new(format!("the prefix `{prefix}` may have letters, digits, `-`, `_` and dots")));
        }
        NatsAddress::parse(&self.address)
    }

    /// Returns what all of this is for NATS.
    pub(super) async fn options(&self, address: &NatsAddress) -> Result<ConnectOptions, OptionsError> {
        let mut options = address.authenticate(ConnectOptions::new().connection_timeout(self.connect_timeout));
        if let Some(path) = &self.credentials {
            let of_file = |error: OptionsError| named(path, &error);
            options = options.credentials_file(path).await.map_err(of_file)?;
        }
        if let Some(path) = &self.authority {
            // NATS reads it only when a server wants TLS.
            std::fs::metadata(path).map_err(|error| named(path, &error))?;
            options = options.add_root_certificates(path.clone());
        }
        if let Some((certificate, key)) = &self.certificate {
            options = options.add_client_certificate(certificate.clone(), key.clone());
        }
        if let Some(name) = &self.name {
            options = options.name(name);
        }
        Ok(options)
    }
}

fn named(path: &Path, error: &OptionsError) -> OptionsError {
    OptionsError::new(error.kind(), format!("{}: {error}", path.display()))
}

// By hand, since the address may have a password.
impl fmt::Debug for NatsBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NatsBuilder").field("prefix", &self.prefix).field("name", &self.name).finish_non_exhaustive()
    }
}
