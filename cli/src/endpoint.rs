//! The URL of a server, as it is written on the command line.

use std::fmt;
use std::ops::Deref;

use reqwest::Url;

/// The URL of an endpoint. Its text form omits what may be secret: user, password and query.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Endpoint(Url);

impl Endpoint {
    /// Whether calls go over a WebSocket.
    pub(crate) fn is_websocket(&self) -> bool {
        matches!(self.0.scheme(), "ws" | "wss")
    }

    /// Returns the same endpoint over a WebSocket: `ws://` for `http://`, and `wss://` for
    /// `https://`.
    pub(crate) fn to_websocket(&self) -> Self {
        let mut url = self.0.clone();
        let scheme = if matches!(url.scheme(), "https" | "wss") { "wss" } else { "ws" };
        // Both schemes have the same rules, so this cannot fail.
        let _ = url.set_scheme(scheme);
        Self(url)
    }
}

impl Deref for Endpoint {
    type Target = Url;

    fn deref(&self) -> &Url {
        &self.0
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = &self.0;
        write!(f, "{}://{}", url.scheme(), url.host_str().unwrap_or_default())?;
        if let Some(port) = url.port() {
            write!(f, ":{port}")?;
        }
        // An unescaped slash in a password makes the rest of it a part of the path.
        match url.path().rsplit_once('@') {
            Some((_, path)) => write!(f, "/…@{path}")?,
            None => f.write_str(url.path())?,
        }
        f.write_str(if url.query().is_some() { "?…" } else { "" })
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

/// Parses the URL of an endpoint. In `localhost:5000` and `:5000` the defaults are http and this
/// machine, and without a path it is `/api`.
pub(crate) fn parse(text: &str) -> Result<Endpoint, String> {
    let full = match text {
        _ if text.contains("://") => text.to_owned(),
        _ if text.starts_with(':') => format!("http://127.0.0.1{text}"),
        _ => format!("http://{text}"),
    };
    let url = Url::parse(&full).map_err(|error| format!("{error}: give a URL such as http://127.0.0.1:5000/api"))?;
    if !matches!(url.scheme(), "http" | "https" | "ws" | "wss") {
        return Err("its scheme must be http://, https://, ws:// or wss://".to_owned());
    }
    let (_, rest) = full.split_once("://").unwrap_or_default();
    let mut url = url;
    if !rest.contains(['/', '?', '#']) {
        url.set_path("/api");
    }
    Ok(Endpoint(url))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn omitted_parts_have_the_defaults_of_a_server() {
        for (text, expected) in [
            ("http://127.0.0.1:5000/api", "http://127.0.0.1:5000/api"),
            ("http://127.0.0.1:5000", "http://127.0.0.1:5000/api"),
            ("127.0.0.1:5000", "http://127.0.0.1:5000/api"),
            (":5000", "http://127.0.0.1:5000/api"),
            ("localhost:5000/rpc", "http://localhost:5000/rpc"),
            ("http://localhost:5000/", "http://localhost:5000/"),
            ("https://example.org", "https://example.org/api"),
            ("http://[::1]:5000", "http://[::1]:5000/api"),
            ("ws://localhost:5000", "ws://localhost:5000/api"),
            ("wss://example.org/rpc", "wss://example.org/rpc"),
        ] {
            assert_eq!(parse(text).map(|url| url.as_str().to_owned()), Ok(expected.to_owned()), "{text}");
        }
        for text in ["", "ftp://localhost/api", "http://", "http://a b/", "localhost:99999"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_endpoint_is_the_same_over_a_websocket() {
        for (text, expected) in [
            (":5000", "ws://127.0.0.1:5000/api"),
            ("https://example.org/rpc?key=1", "wss://example.org/rpc?key=1"),
            ("wss://example.org:444", "wss://example.org:444/api"),
        ] {
            let url = parse(text).unwrap().to_websocket();
            assert_eq!((url.as_str(), url.is_websocket()), (expected, true), "{text}");
        }
        assert!(!parse(":5000").unwrap().is_websocket());
    }

    #[test]
    fn the_secrets_of_a_url_are_hidden() {
        for (text, shown) in [
            ("http://user:s3cret@host/api", "http://host/api"),
            ("user:s3cret@host:5000", "http://host:5000/api"),
            ("https://host/api?key=s3cret#s3cret", "https://host/api?…"),
            ("http://user:123/s3cret@host/api", "http://user:123/…@host/api"),
            ("http://[::1]:5000", "http://[::1]:5000/api"),
        ] {
            let url = parse(text).unwrap();
            assert_eq!((url.to_string(), format!("{url:?}")), (shown.to_owned(), format!("\"{shown}\"")), "{text}");
        }
        for text in ["http://user:s3cret@host:99999/", "s3cret://host", "http://user:s3/cret@host/"] {
            let reason = parse(text).unwrap_err();
            assert!(!reason.contains("s3") && !reason.contains("cret"), "{text}: {reason}");
        }
    }
}
