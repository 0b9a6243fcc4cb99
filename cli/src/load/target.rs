//! What a load is sent to.

use std::fmt;
use std::net::{SocketAddr, ToSocketAddrs};

use reqwest::Url;

use super::nats_target::NatsTarget;
use super::web_target::WebTarget;

/// What a load is sent to.
#[derive(Clone, Debug)]
pub enum Target {
    /// A server, over HTTP or WebSockets.
    Web(WebTarget),
    /// A service on NATS.
    Nats(Box<NatsTarget>),
}

/// The reason why an address cannot be the target of a load.
#[derive(Debug, PartialEq, Eq)]
pub enum TargetError {
    /// The scheme is neither `http` nor `ws`. A load over TLS would also measure its own
    /// encryption.
    Scheme(String),
    /// The host has no address.
    Host(String),
    /// The address is on another machine, and `--allow-remote` is not set.
    Remote(SocketAddr),
}

impl Target {
    /// Resolves the host of a URL. It must be this machine, unless `allow_remote` is set.
    ///
    /// # Errors
    ///
    /// If the URL cannot be the target of a load.
    pub fn resolve(url: &Url, allow_remote: bool) -> Result<Self, TargetError> {
        WebTarget::resolve(url, allow_remote).map(Self::Web)
    }

    /// Whether calls go over WebSockets.
    pub fn is_websocket(&self) -> bool {
        matches!(self, Self::Web(target) if target.is_websocket())
    }

    /// Whether calls go over NATS.
    pub fn is_nats(&self) -> bool {
        matches!(self, Self::Nats(_))
    }
}

/// Returns the address of a host. It must be this machine, unless `allow_remote` is set.
///
/// # Errors
///
/// If there is no address, or it is one of another machine.
pub(super) fn resolve_host(name: &str, port: u16, allow_remote: bool) -> Result<SocketAddr, TargetError> {
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    let found = (bare, port).to_socket_addrs().map(Iterator::collect::<Vec<_>>).unwrap_or_default();
    // If a name has addresses of both IP versions, servers mostly listen on IPv4.
    let address = found.iter().find(|address| address.is_ipv4()).or(found.first()).copied();
    let address = address.ok_or_else(|| TargetError::Host(name.to_owned()))?;
    if !address.ip().to_canonical().is_loopback() && !allow_remote {
        return Err(TargetError::Remote(address));
    }
    Ok(address)
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Web(target) => target.fmt(f),
            Self::Nats(target) => target.fmt(f),
        }
    }
}

impl fmt::Display for TargetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scheme(scheme) => {
                write!(
                    f,
                    "the scheme is {scheme}, but a load is sent over plain http or ws: use the port behind the TLS proxy"
                )
            }
            Self::Host(host) => write!(f, "the host {host} has no address: check its name"),
            Self::Remote(address) => write!(
                f,
                "{} is not this machine: load on a server without its owner's consent is an attack; with consent, add --allow-remote",
                address.ip()
            ),
        }
    }
}
