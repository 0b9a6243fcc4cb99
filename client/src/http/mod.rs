//! The HTTP transport, with reqwest.
//!
//! [`transport`] posts a body and returns its response. A call that may have more than one answer
//! asks for server-sent events: a response with one message in each event, which goes on until the
//! last of them. Closing its connection ends the subscription, or cancels the call.
//!
//! - [`post`] writes requests and reads responses.
//! - [`event_reader`] has the messages in a response of events, and [`event_parser`] finds them in
//!   the bytes.
//! - [`event_items`] are the items of a subscription, which opens the connection again when it is
//!   lost.

mod event_items;
mod event_parser;
mod event_reader;
mod post;
mod transport;

use std::sync::Arc;
use std::time::Duration;

use reqwest::{Url, redirect, retry};

use crate::build_error::BuildError;
use crate::builder::{ClientBuilder, USER_AGENT};
use crate::untyped::Client;

use post::Endpoint;
use transport::HttpTransport;

/// Time to keep an idle connection for the next body.
///
/// Shorter than the time for which servers keep one: 75 s for callbox by default, and at least 5 s
/// for most others. A body on a connection that the server is about to close would be lost, and
/// could not be repeated.
const IDLE_TIMEOUT: Duration = Duration::from_secs(4);

/// Maximum size of a response body by default, in bytes.
const RESPONSE_LIMIT: usize = 16 * 1024 * 1024;

impl Client {
    /// Makes a client for the endpoint at this URL, with all defaults of [`ClientBuilder`].
    ///
    /// # Errors
    /// Returns an error if the URL is not a valid `http://` or `https://` URL.
    pub fn new(url: impl Into<String>) -> Result<Self, BuildError> {
        Self::builder(url).build()
    }
}

impl ClientBuilder {
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
            return Err(self.needs_tls());
        }
        let token_header = self.header_of_token()?;
        let mut http = reqwest::Client::builder()
            .user_agent(USER_AGENT)
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
        let response_limit = self.response_limit.unwrap_or(RESPONSE_LIMIT);
        let endpoint = Endpoint { http, url, token_header, response_limit, silence: self.silence_timeout };
        Ok(self.apply(&Client::with_dyn_transport(Arc::new(HttpTransport(Arc::new(endpoint))))))
    }
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    address.map_or(host == "localhost", |address| address.is_loopback())
}

#[cfg(test)]
mod tests;
