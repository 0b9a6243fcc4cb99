//! The options of a connection to NATS.

use std::env;
use std::path::PathBuf;

use callbox::client::{Nats, NatsAddress, NatsBuilder};

use crate::address::Address;
use crate::exit::{Exit, Failure};

/// The part of `--help` that lists these flags.
const HEADING: &str = "NATS";

/// The flags for addresses with `nats://` or `tls://`. The environment variables are those of a
/// service, so that both can share them.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct NatsFlags {
    /// Begin of the subjects of calls, as the services have it [default: CALLBOX_NATS_PREFIX, else
    /// callbox]
    #[arg(long, value_name = "PREFIX", help_heading = HEADING)]
    nats_prefix: Option<String>,
    /// File of credentials, as nsc writes it [default: CALLBOX_NATS_CREDS]
    #[arg(long, value_name = "FILE", help_heading = HEADING)]
    nats_creds: Option<PathBuf>,
    /// PEM file of the authorities to trust instead of those of the system
    /// [default: CALLBOX_NATS_CA]
    #[arg(long, value_name = "FILE", help_heading = HEADING)]
    nats_ca: Option<PathBuf>,
    /// PEM file of the certificate for servers that ask for one, with --nats-key
    /// [default: CALLBOX_NATS_CERT]
    #[arg(long, value_name = "FILE", help_heading = HEADING)]
    nats_cert: Option<PathBuf>,
    /// PEM file of the key of that certificate [default: CALLBOX_NATS_KEY]
    #[arg(long, value_name = "FILE", help_heading = HEADING)]
    nats_key: Option<PathBuf>,
}

impl NatsFlags {
    /// Checks that the flags are given only where they mean something.
    ///
    /// # Errors
    ///
    /// If there is one for an address that is not on NATS.
    pub(crate) fn check(&self, address: &Address) -> Result<(), Failure> {
        let Self { nats_prefix, nats_creds, nats_ca, nats_cert, nats_key } = self;
        let given = [
            ("--nats-prefix", nats_prefix.is_some()),
            ("--nats-creds", nats_creds.is_some()),
            ("--nats-ca", nats_ca.is_some()),
            ("--nats-cert", nats_cert.is_some()),
            ("--nats-key", nats_key.is_some()),
        ];
        match given.into_iter().find(|(_, is_given)| *is_given && !address.is_nats()) {
            Some((flag, _)) => {
                let line = format!("{flag} is for services on NATS: give an address such as nats://127.0.0.1:4222");
                Err(Failure::new(Exit::Usage, line))
            }
            None => Ok(()),
        }
    }

    /// Returns the builder of a connection with these options.
    ///
    /// # Errors
    ///
    /// If a certificate has no key.
    pub(crate) fn builder(&self, address: &NatsAddress) -> Result<NatsBuilder, Failure> {
        let mut builder = Nats::builder(address.as_str()).name("callbox command line");
        let set = |name| env::var_os(name).filter(|value| !value.is_empty());
        let prefix = self.nats_prefix.clone();
        let prefix = prefix.or_else(|| set("CALLBOX_NATS_PREFIX").map(|prefix| prefix.to_string_lossy().into_owned()));
        if let Some(prefix) = prefix {
            builder = builder.prefix(&prefix);
        }
        let file = |flag: &Option<PathBuf>, name| flag.clone().or_else(|| set(name).map(PathBuf::from));
        if let Some(file) = file(&self.nats_creds, "CALLBOX_NATS_CREDS") {
            builder = builder.credentials_file(file);
        }
        if let Some(file) = file(&self.nats_ca, "CALLBOX_NATS_CA") {
            builder = builder.trust_file(file);
        }
        match (file(&self.nats_cert, "CALLBOX_NATS_CERT"), file(&self.nats_key, "CALLBOX_NATS_KEY")) {
            (Some(certificate), Some(key)) => Ok(builder.client_certificate(certificate, key)),
            (None, None) => Ok(builder),
            _ => {
                Err(Failure::new(Exit::Usage, "a certificate for NATS needs its key: pass --nats-cert and --nats-key"))
            }
        }
    }

    /// Opens a connection.
    ///
    /// # Errors
    ///
    /// If that is not possible.
    pub(crate) async fn connect(&self, address: &NatsAddress) -> Result<Nats, Failure> {
        let connected = self.builder(address)?.connect().await;
        connected.map_err(|error| Failure::new(Exit::Unreachable, with_hint(error.to_string())))
    }
}

/// Adds to an error of NATS what its user can do.
fn with_hint(error: String) -> String {
    if error.contains("authorization violation") {
        return error + ": put the user and the password into the address, or pass --nats-creds";
    }
    if error.contains("CertificateRequired") {
        return error + ": pass --nats-cert and --nats-key";
    }
    error
}
