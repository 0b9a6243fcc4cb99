//! HTTP as a transport, by reqwest.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use reqwest::{Response, StatusCode, Url, redirect, retry};

use crate::start_error::BoxError;

use super::address::Address;
use super::error::Cause;
use super::retry::Retry;
use super::transport::{Incoming, Outgoing, Transport, TransportError};
use super::untyped::Client;

/// How a [`Client`] over HTTP is made. See [`Client::builder`].
///
/// ```
/// use std::time::Duration;
/// use callbox::client::{Client, Retry};
///
/// let client = Client::builder("https://example.org/api")
///     .token("hello_world")
///     .deadline(Duration::from_secs(2))
///     .retry(Retry::default().attempts(2))
///     .connect_timeout(Duration::from_millis(500))
///     .build();
/// assert!(client.is_ok());
/// assert!(Client::new("nowhere").is_err());
/// ```
#[derive(Clone, Debug)]
#[must_use = "a client comes of `build`"]
pub struct ClientBuilder {
    url: Address,
    token: Option<Token>,
    token_header: Option<String>,
    deadline: Option<Duration>,
    retry: Retry,
    connect_timeout: Duration,
    answer_limit: usize,
    certificates: Vec<Vec<u8>>,
}

/// A token that no log shows.
#[derive(Clone)]
struct Token(Arc<str>);

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

/// Why a client cannot be made: the URL is none, a header's name is none, a certificate cannot be read.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct BuildError(Cause);

impl BuildError {
    fn new(cause: impl Into<BoxError>) -> Self {
        Self(Cause::new(cause))
    }
}

/// Shorter than the time for which servers keep an idle connection: callbox does for 5 s, as most others at least. A body
/// on a connection that the server is about to close would be lost, and could not be sent again.
const IDLE: Duration = Duration::from_secs(4);

impl Client {
    /// A client for the endpoint at this URL, with its path: `http://127.0.0.1:5000/api`.
    pub fn builder(url: impl Into<String>) -> ClientBuilder {
        ClientBuilder {
            url: Address(url.into()),
            token: None,
            token_header: None,
            deadline: None,
            retry: Retry::default(),
            connect_timeout: Duration::from_secs(5),
            answer_limit: 16 * 1024 * 1024,
            certificates: Vec::new(),
        }
    }

    /// A client for the endpoint at this URL, with all defaults.
    ///
    /// # Errors
    /// If the URL is none.
    pub fn new(url: impl Into<String>) -> Result<Self, BuildError> {
        Self::builder(url).build()
    }
}

impl ClientBuilder {
    /// The caller's token. Default: none.
    pub fn token(mut self, token: impl Into<Arc<str>>) -> Self {
        self.token = Some(Token(token.into()));
        self
    }

    /// The header that carries the token, as `X-Api-Token`. Default: `Authorization: Bearer …`.
    pub fn token_header(mut self, name: impl Into<String>) -> Self {
        self.token_header = Some(name.into());
        self
    }

    /// How long an answer is waited for. See [`Client::with_deadline`].
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// When calls that never ran are made again.
    pub fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// How long a connection may take to come about. Default: 5 s.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// The most bytes of an answer. Default: 16 MiB.
    pub fn answer_limit(mut self, bytes: usize) -> Self {
        self.answer_limit = bytes;
        self
    }

    /// Trusts a certificate, or the authority that it belongs to, beside those that the system trusts. In PEM.
    pub fn trust(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.certificates.push(pem.into());
        self
    }

    /// Makes the client. No connection is made yet.
    ///
    /// Proxies are taken from the environment, but not for loopback addresses. Redirects are not followed: they would carry
    /// the token to somebody else.
    ///
    /// # Errors
    /// If the URL, the name of the token's header, or a certificate cannot be read.
    pub fn build(self) -> Result<Client, BuildError> {
        let url = Url::parse(&self.url.0).map_err(|error| BuildError::new(format!("`{}`: {error}", self.url)))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(BuildError::new(format!("`{}` is neither http:// nor https://", self.url)));
        }
        let token_header = match &self.token_header {
            Some(name) => name.parse().map_err(|_| BuildError::new(format!("`{name}` cannot be a header's name")))?,
            None => AUTHORIZATION,
        };
        let mut http = reqwest::Client::builder()
            .user_agent(concat!("callbox/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            // What may be sent again is decided here and nowhere else.
            .retry(retry::never())
            .connect_timeout(self.connect_timeout)
            .pool_idle_timeout(IDLE);
        if is_loopback(&url) {
            http = http.no_proxy();
            if url.scheme() == "http" {
                // Reading the system's certificates takes longer than many a program that only makes one call.
                http = http.tls_certs_only([]);
            }
        }
        for pem in &self.certificates {
            let certificate =
                reqwest::Certificate::from_pem(pem).map_err(|error| BuildError::new(error.without_url()))?;
            http = http.add_root_certificate(certificate);
        }
        let http = http.build().map_err(BuildError::new)?;
        let mut client = Client::with_transport(Http { http, url, token_header, answer_limit: self.answer_limit });
        client = client.with_retry(self.retry);
        if let Some(Token(token)) = self.token {
            client = client.with_token(token);
        }
        if let Some(deadline) = self.deadline {
            client = client.with_deadline(deadline);
        }
        Ok(client)
    }
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    address.map_or(host == "localhost", |address| address.is_loopback())
}

/// Posts bodies to one URL.
struct Http {
    http: reqwest::Client,
    url: Url,
    token_header: HeaderName,
    answer_limit: usize,
}

impl Transport for Http {
    async fn send(&self, outgoing: Outgoing) -> Result<Incoming, TransportError> {
        let Outgoing { body, token, timeout } = outgoing;
        let mut request = self.http.post(self.url.clone()).header(CONTENT_TYPE, "application/json");
        // What is left of the last microsecond is nothing, and nothing is no timeout.
        request = request.header("request-timeout", format!("{:.6}", timeout.as_secs_f64().max(0.000_001)));
        if let Some(token) = token {
            request = request.header(self.token_header.clone(), self.token(&token)?);
        }
        let response = request.body(body).send().await.map_err(not_answered)?;
        let status = response.status();
        let incoming = Incoming::new(self.body(response).await?);
        Ok(if status.is_success() { incoming } else { incoming.with_remark(remark(status)) })
    }
}

impl Http {
    fn token(&self, token: &str) -> Result<HeaderValue, TransportError> {
        let bearer = self.token_header == AUTHORIZATION;
        let written = if bearer { format!("Bearer {token}") } else { token.to_owned() };
        let mut value = HeaderValue::from_str(&written)
            .map_err(|_| TransportError::never_sent("the token has characters that cannot be in a header"))?;
        value.set_sensitive(true);
        Ok(value)
    }

    async fn body(&self, mut response: Response) -> Result<Vec<u8>, TransportError> {
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| TransportError::lost(error.without_url()))? {
            if chunk.len() > self.answer_limit - body.len() {
                let limit = self.answer_limit;
                return Err(TransportError::bad_answer(format!("it is longer than the limit of {limit} bytes")));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

/// Without a connection nothing was sent; of all else that can go wrong it is not known how far it got.
fn not_answered(error: reqwest::Error) -> TransportError {
    let never_sent = error.is_connect() || error.is_builder();
    let cause = error.without_url();
    if never_sent { TransportError::never_sent(cause) } else { TransportError::lost(cause) }
}

fn remark(status: StatusCode) -> String {
    format!("HTTP status {status}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_error_and_no_debugging_tells_what_is_secret_in_a_url() {
        for url in [
            "http://user:s3cret@host:99999/api",
            "ftp://user:s3cret@host/api",
            "user:s3cret@host/api",
            "http://user:s3/cret@host/api",
            "http://user:s3cret@host/api?key=s3cret",
        ] {
            let builder = Client::builder(url).token("s3cret");
            let mut shown = format!("{builder:?}");
            match builder.build() {
                Ok(client) => shown += &format!("{client:?}"),
                Err(error) => shown += &format!("{error} {error:?}"),
            }
            assert!(!shown.contains("s3") && !shown.contains("cret"), "{url}: {shown}");
        }
    }
}
