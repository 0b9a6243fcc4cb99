//! The URL of a server, as it is written on a command line.

use std::ffi::OsStr;
use std::fmt;
use std::ops::Deref;

use clap::builder::TypedValueParser;
use clap::error::ErrorKind;
use clap::{Arg, Command};
use reqwest::Url;

/// The URL of an endpoint. What is shown of it has nothing that may be secret: no user, no password, no query.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Endpoint(Url);

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
        // A slash in a password that is not escaped makes the rest of it a path.
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

/// Reads an [`Endpoint`] for clap. Clap's own errors quote the value, and here that may have a password in it.
#[derive(Clone, Debug)]
pub(crate) struct EndpointParser;

impl TypedValueParser for EndpointParser {
    type Value = Endpoint;

    fn parse_ref(&self, command: &Command, _: Option<&Arg>, value: &OsStr) -> Result<Endpoint, clap::Error> {
        let parsed = value.to_str().ok_or_else(|| "it is no text".to_owned()).and_then(parse);
        parsed.map_err(|reason| {
            let line = format!("the URL of the server is wrong: {reason}\n");
            clap::Error::raw(ErrorKind::ValueValidation, line).with_cmd(command)
        })
    }
}

/// Reads a URL of an endpoint. `localhost:5000` or `:5000` will do: http and this machine are meant, and without a path `/api`.
fn parse(text: &str) -> Result<Endpoint, String> {
    let full = match text {
        _ if text.contains("://") => text.to_owned(),
        _ if text.starts_with(':') => format!("http://127.0.0.1{text}"),
        _ => format!("http://{text}"),
    };
    let url = Url::parse(&full).map_err(|error| format!("{error}: give a URL such as http://127.0.0.1:5000/api"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("a server is called by http:// or https://".to_owned());
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
    fn what_is_left_out_is_what_a_server_has_by_default() {
        for (text, expected) in [
            ("http://127.0.0.1:5000/api", "http://127.0.0.1:5000/api"),
            ("http://127.0.0.1:5000", "http://127.0.0.1:5000/api"),
            ("127.0.0.1:5000", "http://127.0.0.1:5000/api"),
            (":5000", "http://127.0.0.1:5000/api"),
            ("localhost:5000/rpc", "http://localhost:5000/rpc"),
            ("http://localhost:5000/", "http://localhost:5000/"),
            ("https://example.org", "https://example.org/api"),
            ("http://[::1]:5000", "http://[::1]:5000/api"),
        ] {
            assert_eq!(parse(text).map(|url| url.as_str().to_owned()), Ok(expected.to_owned()), "{text}");
        }
        for text in ["", "ftp://localhost/api", "http://", "http://a b/", "localhost:99999"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn nothing_that_may_be_secret_is_shown_of_a_url() {
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
