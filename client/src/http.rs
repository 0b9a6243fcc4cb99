//! The HTTP transport, with reqwest.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use reqwest::{Response, StatusCode, Url, redirect, retry};

use crate::client_error::BoxError;

use crate::address::Address;
use crate::client_error::Cause;
use crate::retry::Retry;
use crate::transport::{Transport, TransportError, TransportRequest, TransportResponse};
use crate::untyped::Client;

/// Builder of a [`Client`] over HTTP. See [`Client::builder`].
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
#[must_use = "call `build` to make the client"]
pub struct ClientBuilder {
    url: Address,
    token: Option<Token>,
    token_header: Option<String>,
    deadline: Option<Duration>,
    retry: Retry,
    connect_timeout: Duration,
    response_limit: usize,
    #[cfg(feature = "tls")]
    certificates: Vec<Vec<u8>>,
}

/// A token. Its `Debug` hides it from logs.
#[derive(Clone)]
struct Token(Arc<str>);

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

/// The error of [`ClientBuilder::build`]: the URL, the name of the token header, or a certificate
/// is not valid.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct BuildError(Cause);

impl BuildError {
    fn new(cause: impl Into<BoxError>) -> Self {
        Self(Cause::new(cause))
    }
}

/// Time to keep an idle connection for the next body.
///
/// Shorter than the time for which servers keep one: 75 s for callbox by default, and at least 5 s
/// for most others. A body on a connection that the server is about to close would be lost, and
/// could not be repeated.
const IDLE_TIMEOUT: Duration = Duration::from_secs(4);

impl Client {
    /// Returns a builder of a client for the endpoint at this URL, with its path:
    /// `http://127.0.0.1:5000/api`. [`build`](ClientBuilder::build) checks the URL.
    pub fn builder(url: impl Into<String>) -> ClientBuilder {
        ClientBuilder {
            url: Address(url.into()),
            token: None,
            token_header: None,
            deadline: None,
            retry: Retry::default(),
            connect_timeout: Duration::from_secs(5),
            response_limit: 16 * 1024 * 1024,
            #[cfg(feature = "tls")]
            certificates: Vec::new(),
        }
    }

    /// Makes a client for the endpoint at this URL, with all defaults of [`ClientBuilder`].
    ///
    /// # Errors
    /// Returns an error if the URL is not a valid `http://` or `https://` URL.
    pub fn new(url: impl Into<String>) -> Result<Self, BuildError> {
        Self::builder(url).build()
    }
}

impl ClientBuilder {
    /// Sets the caller's token. Default: none.
    pub fn token(mut self, token: impl Into<Arc<str>>) -> Self {
        self.token = Some(Token(token.into()));
        self
    }

    /// Sets the header that carries the token, for example `X-Api-Token`, which then has the token
    /// as its whole value. Default: `Authorization: Bearer …`.
    pub fn token_header(mut self, name: impl Into<String>) -> Self {
        self.token_header = Some(name.into());
        self
    }

    /// Sets the deadline of each call, retries included. Default: 30 s, or that of the method for a
    /// typed client. See [`Client::with_deadline`].
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Sets the rules for repeating calls that never ran. Default: [`Retry::default`].
    pub fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// Sets the maximum time to establish a connection. Default: 5 s.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Sets the maximum size of a response body, in bytes. Default: 16 MiB. A longer one is
    /// [`ClientError::BadResponse`](crate::ClientError::BadResponse).
    pub fn response_limit(mut self, bytes: usize) -> Self {
        self.response_limit = bytes;
        self
    }

    /// Trusts a certificate, or all certificates of an authority, in addition to those that the
    /// system trusts. The format is PEM. [`build`](Self::build) checks it. Needs the feature `tls`.
    #[cfg(feature = "tls")]
    pub fn trust(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.certificates.push(pem.into());
        self
    }

    /// Makes the client. It connects with its first call.
    ///
    /// The client uses the proxies of the environment, but not for loopback addresses. It does not
    /// follow redirects, because they would send the token to another server.
    ///
    /// # Errors
    /// Returns an error if the URL, the name of the token header, or a certificate is not valid.
    pub fn build(self) -> Result<Client, BuildError> {
        let url = Url::parse(&self.url.0)
            .map_err(|error| BuildError::new(format!("the URL `{}` is not valid: {error}", self.url)))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(BuildError::new(format!("the URL `{}` must begin with http:// or https://", self.url)));
        }
        if url.scheme() == "https" && cfg!(not(feature = "tls")) {
            let fix = "switch on the feature `tls` of callbox-client, or `client-tls` of callbox";
            return Err(BuildError::new(format!("the URL `{}` needs TLS: {fix}", self.url)));
        }
        let token_header = match &self.token_header {
            Some(name) => name.parse().map_err(|_| BuildError::new(format!("`{name}` is not a valid header name")))?,
            None => AUTHORIZATION,
        };
        let mut http = reqwest::Client::builder()
            .user_agent(concat!("callbox/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            // The client decides itself which calls it may repeat.
            .retry(retry::never())
            .connect_timeout(self.connect_timeout)
            .pool_idle_timeout(IDLE_TIMEOUT);
        if is_loopback(&url) {
            http = http.no_proxy();
            #[cfg(feature = "tls")]
            if url.scheme() == "http" {
                // Reading the system's certificates would take longer than the one call that many
                // programs make.
                http = http.tls_certs_only([]);
            }
        }
        #[cfg(feature = "tls")]
        for pem in &self.certificates {
            let certificate =
                reqwest::Certificate::from_pem(pem).map_err(|error| BuildError::new(error.without_url()))?;
            http = http.add_root_certificate(certificate);
        }
        let http = http.build().map_err(BuildError::new)?;
        let mut client =
            Client::with_transport(HttpTransport { http, url, token_header, response_limit: self.response_limit });
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
struct HttpTransport {
    http: reqwest::Client,
    url: Url,
    token_header: HeaderName,
    response_limit: usize,
}

impl Transport for HttpTransport {
    async fn send(&self, request: TransportRequest) -> Result<TransportResponse, TransportError> {
        let TransportRequest { body, token, timeout, chain, request_id } = request;
        let mut request = self.http.post(self.url.clone()).header(CONTENT_TYPE, "application/json");
        // The header has microseconds. Less than one would be written as zero, which is not a valid
        // timeout.
        request = request.header("request-timeout", format!("{:.6}", timeout.as_secs_f64().max(0.000_001)));
        if let Some(token) = token {
            request = request.header(self.token_header.clone(), self.token(&token)?);
        }
        if let Some(chain) = chain {
            request = request.header("callbox-chain", chain);
        }
        if let Some(id) = request_id {
            request = request.header("x-request-id", &*id);
        }
        let response = request.body(body).send().await.map_err(transport_error)?;
        let status = response.status();
        let received = TransportResponse::new(self.body(response).await?);
        Ok(if status.is_success() { received } else { received.with_remark(remark(status)) })
    }
}

impl HttpTransport {
    fn token(&self, token: &str) -> Result<HeaderValue, TransportError> {
        let bearer = self.token_header == AUTHORIZATION;
        let written = if bearer { format!("Bearer {token}") } else { token.to_owned() };
        let mut value = HeaderValue::from_str(&written)
            .map_err(|_| TransportError::never_sent("the token has characters that are not allowed in a header"))?;
        value.set_sensitive(true);
        Ok(value)
    }

    async fn body(&self, mut response: Response) -> Result<Vec<u8>, TransportError> {
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| TransportError::lost(error.without_url()))? {
            if chunk.len() > self.response_limit - body.len() {
                let limit = self.response_limit;
                return Err(TransportError::bad_response(format!(
                    "it is longer than {limit} bytes: raise ClientBuilder::response_limit"
                )));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

/// Converts an error of sending. Without a connection the server received nothing. For any other
/// error it is not known how much it received.
fn transport_error(error: reqwest::Error) -> TransportError {
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
    fn errors_and_debug_output_hide_the_secrets_of_a_url() {
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
