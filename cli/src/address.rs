//! Where the services are that a command calls: at a server, or on NATS.

use std::ffi::OsStr;
use std::fmt;

use callbox::client::NatsAddress;
use clap::builder::TypedValueParser;
use clap::error::ErrorKind;
use clap::{Arg, Command};

use crate::endpoint::{self, Endpoint};

/// The address of a server, or of NATS. Its text form omits what may be secret.
#[derive(Clone, Debug)]
pub(crate) enum Address {
    /// A server over HTTP or a WebSocket.
    Web(Endpoint),
    /// All services on NATS.
    Nats(NatsAddress),
}

impl Address {
    /// Whether calls go over a WebSocket.
    pub(crate) fn is_websocket(&self) -> bool {
        matches!(self, Self::Web(endpoint) if endpoint.is_websocket())
    }

    /// Returns the address at which a subscription is best made: over a WebSocket, or on NATS.
    pub(crate) fn for_subscriptions(&self) -> Self {
        match self {
            Self::Web(endpoint) => Self::Web(endpoint.to_websocket()),
            Self::Nats(_) => self.clone(),
        }
    }

    /// Whether this is an address of NATS.
    pub(crate) fn is_nats(&self) -> bool {
        matches!(self, Self::Nats(_))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Web(endpoint) => endpoint.fmt(f),
            Self::Nats(address) => address.fmt(f),
        }
    }
}

/// Parses an address.
///
/// # Errors
///
/// If it is none. The error does not quote the address, which may contain a password.
pub(crate) fn parse(text: &str) -> Result<Address, String> {
    if ["nats://", "tls://"].iter().any(|scheme| text.starts_with(scheme)) {
        NatsAddress::parse(text).map(Address::Nats).map_err(|error| error.to_string())
    } else {
        endpoint::parse(text).map(Address::Web)
    }
}

/// Parses an address for clap. clap's own errors quote the value, which may contain a password.
#[derive(Clone, Debug)]
pub(crate) struct AddressParser<T>(pub(crate) fn(&str) -> Result<T, String>);

impl<T: Clone + Send + Sync + 'static> TypedValueParser for AddressParser<T> {
    type Value = T;

    fn parse_ref(&self, command: &Command, _: Option<&Arg>, value: &OsStr) -> Result<T, clap::Error> {
        let parsed = value.to_str().ok_or_else(|| "it is not valid UTF-8".to_owned()).and_then(self.0);
        parsed.map_err(|reason| {
            let line = format!("the URL of the server is invalid: {reason}\n");
            clap::Error::raw(ErrorKind::ValueValidation, line).with_cmd(command)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scheme_says_where_the_services_are() {
        for (text, is_nats, shown) in [
            ("nats://127.0.0.1:4222", true, "nats://127.0.0.1:4222"),
            ("tls://shop:s3cret@a.example.org,nats://b.example.org", true, "tls://a.example.org,nats://b.example.org"),
            (":5000", false, "http://127.0.0.1:5000/api"),
            ("wss://example.org/rpc", false, "wss://example.org/rpc"),
        ] {
            let address = parse(text).unwrap();
            assert_eq!((address.is_nats(), address.to_string().as_str()), (is_nats, shown), "{text}");
        }
        for text in ["nats://", "nats://s3cret@", "nats://me:s3,cret@host", "nats://host,http://me:s3cret@host"] {
            let reason = parse(text).unwrap_err();
            assert!(!reason.contains("s3") && !reason.contains("cret"), "{text}: {reason}");
        }
    }
}
