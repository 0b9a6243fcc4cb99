//! The builder of clients: the options that all transports share.

use std::sync::Arc;
use std::time::Duration;

#[cfg(feature = "websocket")]
use http::HeaderMap;
use http::header::{AUTHORIZATION, HeaderName, HeaderValue};

use crate::address::Address;
use crate::build_error::BuildError;
use crate::retry::Retry;
use crate::untyped::Client;
#[cfg(feature = "websocket")]
use crate::websocket::{ConnectionEvent, ConnectionHandler};

/// Builder of a [`Client`] over HTTP or over a WebSocket. See [`Client::builder`].
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
#[must_use = "call `build` or `connect` to make the client"]
pub struct ClientBuilder {
    pub(crate) url: Address,
    token: Option<Token>,
    token_header: Option<String>,
    deadline: Option<Duration>,
    retry: Retry,
    pub(crate) connect_timeout: Duration,
    #[cfg(feature = "http")]
    pub(crate) silence_timeout: Duration,
    pub(crate) response_limit: Option<usize>,
    #[cfg(feature = "tls")]
    pub(crate) certificates: Vec<Vec<u8>>,
    #[cfg(feature = "websocket")]
    pub(crate) connection_handler: Option<ConnectionHandler>,
}

/// A token. Its `Debug` hides it from logs.
#[derive(Clone)]
struct Token(Arc<str>);

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

impl Client {
    /// Returns a builder of a client for the endpoint at this URL, with its path:
    /// `http://127.0.0.1:5000/api`, or `ws://127.0.0.1:5000/api` for a WebSocket. The function that
    /// makes the client checks the URL.
    pub fn builder(url: impl Into<String>) -> ClientBuilder {
        ClientBuilder {
            url: Address(url.into()),
            token: None,
            token_header: None,
            deadline: None,
            retry: Retry::default(),
            connect_timeout: Duration::from_secs(5),
            #[cfg(feature = "http")]
            silence_timeout: Duration::from_secs(60),
            response_limit: None,
            #[cfg(feature = "tls")]
            certificates: Vec::new(),
            #[cfg(feature = "websocket")]
            connection_handler: None,
        }
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

    /// Sets the maximum time without a byte in a response of server-sent events, after which the
    /// connection counts as lost. Default: 60 s, which is three times the interval in which a
    /// server of callbox sends something by default (`--websocket-ping`).
    ///
    /// It holds for subscriptions over HTTP, which are then started again, and for calls with
    /// [reports of their progress](crate::Call::on_progress). A WebSocket has pings of its own.
    #[cfg(feature = "http")]
    pub fn silence_timeout(mut self, timeout: Duration) -> Self {
        self.silence_timeout = timeout;
        self
    }

    /// Sets the maximum size of a response body, in bytes. Default: 16 MiB. A longer one is
    /// [`ClientError::BadResponse`](crate::ClientError::BadResponse), and so is a longer message of
    /// a subscription, which ends with it.
    ///
    /// Over a WebSocket it is the maximum size of each message, and the default is 64 MiB. There a
    /// longer one ends the connection, which is then opened again.
    pub fn response_limit(mut self, bytes: usize) -> Self {
        self.response_limit = Some(bytes);
        self
    }

    /// Trusts a certificate, or all certificates of an authority, in addition to those that the
    /// system trusts. The format is PEM. [`build`](Self::build) checks it. Needs the feature `tls`.
    #[cfg(feature = "tls")]
    pub fn trust(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.certificates.push(pem.into());
        self
    }

    /// Calls this function when a WebSocket is lost, and when it is open again. It runs within the
    /// task that serves the connection, so it must be short. Default: none. No effect
    /// over HTTP.
    ///
    /// ```
    /// use callbox::client::Client;
    ///
    /// let builder = Client::builder("ws://127.0.0.1:5000/api")
    ///     .on_connection(|event| eprintln!("connection: {event:?}"));
    /// # drop(builder);
    /// ```
    #[cfg(feature = "websocket")]
    pub fn on_connection(mut self, handle: impl Fn(&ConnectionEvent) + Send + Sync + 'static) -> Self {
        self.connection_handler = Some(ConnectionHandler::new(handle));
        self
    }

    /// Returns the header that carries the token.
    pub(crate) fn header_of_token(&self) -> Result<HeaderName, BuildError> {
        match &self.token_header {
            Some(name) => name.parse().map_err(|_| BuildError::new(format!("`{name}` is not a valid header name"))),
            None => Ok(AUTHORIZATION),
        }
    }

    /// Returns the token.
    #[cfg(feature = "websocket")]
    pub(crate) fn token_text(&self) -> Option<Arc<str>> {
        self.token.as_ref().map(|Token(token)| Arc::clone(token))
    }

    /// Returns the headers of the request that opens a WebSocket.
    #[cfg(feature = "websocket")]
    pub(crate) fn headers(&self) -> Result<HeaderMap, BuildError> {
        let mut headers = HeaderMap::new();
        headers.insert(http::header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
        let name = self.header_of_token()?;
        if let Some(Token(token)) = &self.token {
            let value = token_value(&name, token).ok_or_else(|| BuildError::new(INVALID_TOKEN))?;
            headers.insert(name, value);
        }
        Ok(headers)
    }

    /// Makes the options of a client its own.
    pub(crate) fn apply(self, client: &Client) -> Client {
        let mut client = client.with_retry(self.retry);
        if let Some(Token(token)) = self.token {
            client = client.with_token(token);
        }
        if let Some(deadline) = self.deadline {
            client = client.with_deadline(deadline);
        }
        client
    }

    /// Returns the error of a URL of this kind, which needs TLS.
    pub(crate) fn needs_tls(&self) -> BuildError {
        let fix = "switch on the feature `tls` of callbox-client, or `client-tls` of callbox";
        BuildError::new(format!("the URL `{}` needs TLS: {fix}", self.url))
    }
}

/// The name and version of this client, as servers log it.
pub(crate) const USER_AGENT: &str = concat!("callbox/", env!("CARGO_PKG_VERSION"));

/// The error of a token that cannot be sent.
pub(crate) const INVALID_TOKEN: &str = "the token has characters that are not allowed in a header";

/// Returns the value of the header that carries a token; nothing if the token has characters that
/// are not allowed there.
pub(crate) fn token_value(header: &HeaderName, token: &str) -> Option<HeaderValue> {
    let written = if *header == AUTHORIZATION { format!("Bearer {token}") } else { token.to_owned() };
    let mut value = HeaderValue::from_str(&written).ok()?;
    value.set_sensitive(true);
    Some(value)
}
