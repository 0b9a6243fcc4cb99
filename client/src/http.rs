//! The HTTP transport, with reqwest.

use std::time::Duration;

use http::header::{CONTENT_TYPE, HeaderName};
use reqwest::{Response, StatusCode, Url, redirect, retry};

use crate::builder::{BuildError, ClientBuilder, INVALID_TOKEN, USER_AGENT, token_value};
use crate::transport::{Transport, TransportError, TransportRequest, TransportResponse};
use crate::untyped::Client;

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
        let transport = HttpTransport { http, url, token_header, response_limit };
        Ok(self.apply(&Client::with_transport(transport)))
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
        let TransportRequest { body, token, timeout, chain, request_id, .. } = request;
        let mut request = self.http.post(self.url.clone()).header(CONTENT_TYPE, "application/json");
        // The header has microseconds. Less than one would be written as zero, which is not a valid
        // timeout.
        request = request.header("request-timeout", format!("{:.6}", timeout.as_secs_f64().max(0.000_001)));
        if let Some(token) = token {
            let value = token_value(&self.token_header, &token);
            let value = value.ok_or_else(|| TransportError::never_sent(INVALID_TOKEN))?;
            request = request.header(self.token_header.clone(), value);
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
