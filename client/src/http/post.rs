//! Posting bodies to one URL.

use std::sync::Arc;
use std::time::Duration;

use http::header::{ACCEPT, CONTENT_TYPE, HeaderName};
use reqwest::{Response, StatusCode, Url};

use crate::builder::{INVALID_TOKEN, token_value};
use crate::trace_context::TraceContext;
use crate::transport::{TransportError, TransportResponse};

use super::event_reader::EventReader;

/// Where bodies are posted to, and how.
#[derive(Debug)]
pub(super) struct Endpoint {
    pub(super) http: reqwest::Client,
    pub(super) url: Url,
    pub(super) token_header: HeaderName,
    /// Maximum size of a response, or of a message in one, in bytes.
    pub(super) response_limit: usize,
    /// Maximum time without a byte in a stream of events.
    pub(super) silence: Duration,
}

/// One body, and what goes with it in the headers.
#[derive(Clone)]
pub(super) struct Post {
    pub(super) body: Vec<u8>,
    pub(super) token: Option<Arc<str>>,
    pub(super) timeout: Duration,
    pub(super) chain: Option<String>,
    pub(super) request_id: Option<Arc<str>>,
    pub(super) trace: Option<TraceContext>,
    /// Whether the response may be a stream of events.
    pub(super) takes_events: bool,
}

/// The response to a body.
pub(super) enum Received {
    Body(TransportResponse),
    Events(Box<EventReader>),
}

const EVENT_STREAM: &str = "text/event-stream";

/// The types of responses to a call that may have more than one answer.
const EVENTS_OR_JSON: &str = "text/event-stream, application/json";

impl Endpoint {
    /// Posts a body, and waits for the response: all of it, or the head of a stream of events.
    pub(super) async fn post(&self, post: Post) -> Result<Received, TransportError> {
        let Post { body, token, timeout, chain, request_id, trace, takes_events } = post;
        let mut request = self.http.post(self.url.clone()).header(CONTENT_TYPE, "application/json");
        // The header has microseconds. Less than one would be written as zero, which is not a valid
        // timeout.
        request = request.header("request-timeout", format!("{:.6}", timeout.as_secs_f64().max(0.000_001)));
        if takes_events {
            request = request.header(ACCEPT, EVENTS_OR_JSON);
        }
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
        if let Some(trace) = trace {
            request = request.header("traceparent", trace.traceparent());
            if let Some(state) = trace.tracestate() {
                request = request.header("tracestate", state);
            }
        }
        let response = request.body(body).send().await.map_err(transport_error)?;
        if takes_events && response.status().is_success() && has_events(&response) {
            let reader = EventReader::new(response, self.response_limit, self.silence);
            return Ok(Received::Events(Box::new(reader)));
        }
        let status = response.status();
        let received = TransportResponse::new(self.body(response).await?);
        Ok(Received::Body(if status.is_success() { received } else { received.with_remark(remark(status)) }))
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

/// Whether the content type is that of server-sent events.
fn has_events(response: &Response) -> bool {
    let sent = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    sent.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(EVENT_STREAM)
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
