//! The server that a load is sent to over HTTP or WebSockets.

use std::fmt;
use std::net::SocketAddr;

use reqwest::Url;

use super::target::{TargetError, resolve_host};

/// The address of a server and the path of its endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebTarget {
    address: SocketAddr,
    /// The value of the `Host` header.
    pub host: String,
    /// The path, with the query if there is one.
    pub path: String,
    is_websocket: bool,
}

impl WebTarget {
    /// Resolves the host of a URL. It must be this machine, unless `allow_remote` is set.
    ///
    /// # Errors
    ///
    /// If the URL cannot be the target of a load.
    pub fn resolve(url: &Url, allow_remote: bool) -> Result<Self, TargetError> {
        let is_websocket = url.scheme() == "ws";
        if !is_websocket && url.scheme() != "http" {
            return Err(TargetError::Scheme(url.scheme().to_owned()));
        }
        let name = url.host_str().ok_or_else(|| TargetError::Host("(none)".to_owned()))?;
        let port = url.port_or_known_default().unwrap_or(80);
        let address = resolve_host(name, port, allow_remote)?;
        let host = url.port().map_or_else(|| name.to_owned(), |port| format!("{name}:{port}"));
        let path = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
        Ok(Self { address, host, path, is_websocket })
    }

    /// Whether calls go over WebSockets.
    pub fn is_websocket(&self) -> bool {
        self.is_websocket
    }

    /// Returns the address of the server.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl fmt::Display for WebTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The query is hidden, because it may contain a secret.
        let scheme = if self.is_websocket { "ws" } else { "http" };
        match self.path.split_once('?') {
            Some((path, _)) => write!(f, "{scheme}://{}{path}?…", self.host),
            None => write!(f, "{scheme}://{}{}", self.host, self.path),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(url: &str, allow_remote: bool) -> Result<WebTarget, TargetError> {
        WebTarget::resolve(&url.parse().unwrap(), allow_remote)
    }

    #[test]
    fn only_this_machine_is_a_target_unless_others_are_allowed() {
        for url in
            ["http://127.0.0.1:5000/api", "http://127.1.2.3/api", "http://[::1]:5000/api", "http://[::ffff:127.0.0.1]/"]
        {
            assert!(resolve(url, false).is_ok(), "{url}");
        }
        for url in
            ["http://192.0.2.1/api", "http://0.0.0.0:5000/api", "http://[2001:db8::1]/", "http://[::ffff:192.0.2.1]/"]
        {
            assert!(matches!(resolve(url, false), Err(TargetError::Remote(_))), "{url}");
            assert!(resolve(url, true).is_ok(), "{url}");
        }
        for scheme in ["https", "wss"] {
            let url = format!("{scheme}://127.0.0.1/api");
            assert_eq!(resolve(&url, true), Err(TargetError::Scheme(scheme.to_owned())));
        }
    }

    #[test]
    fn a_target_keeps_what_the_url_says() {
        let target = resolve("http://127.0.0.1:5000/a/b?c=d", false).unwrap();
        assert_eq!((target.host.as_str(), target.path.as_str()), ("127.0.0.1:5000", "/a/b?c=d"));
        assert_eq!(target.to_string(), "http://127.0.0.1:5000/a/b?…");
        assert_eq!(resolve("http://[::1]/", false).unwrap().host, "[::1]");
        let socket = resolve("ws://127.0.0.1:5000/api", false).unwrap();
        assert_eq!((socket.to_string().as_str(), socket.is_websocket()), ("ws://127.0.0.1:5000/api", true));
    }
}
