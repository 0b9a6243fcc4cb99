//! The transport: from a request object to a message for a service, and from its reply to a
//! response object.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use async_nats::{HeaderMap, HeaderName, HeaderValue};
use futures_util::future::BoxFuture;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::request::BodyShape;
use crate::rpc_error::RpcError;
use crate::stream::{CallStreams, Feed, FeedStart, Handoff};
use crate::trace_context::TraceContext;
use crate::transport::{DynTransport, TransportError, TransportRequest, TransportResponse};

use super::connection::Connection;
use super::items::{NatsCall, items};
use super::replies::WaitingCall;
use super::reply::{Reply, error_response};
use super::service_target::Target;
use super::wire::{ControlMessage, header};

/// Maximum time that a client which is closed waits for its last messages to be sent.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// Calls one service, whose instances share the work.
pub(super) struct NatsTransport {
    calls: Arc<ServiceCalls>,
}

/// The way to one service.
pub(super) struct ServiceCalls {
    pub(super) connection: Arc<Connection>,
    target: Box<dyn Target>,
}

/// What goes with a call in the headers.
#[derive(Clone)]
pub(super) struct CallHeaders {
    token: Option<Arc<str>>,
    pub(super) timeout: Duration,
    chain: Option<String>,
    request_id: Option<Arc<str>>,
    trace: Option<TraceContext>,
}

/// A request object, as the client has written it.
#[derive(Deserialize)]
struct Request<'a> {
    #[serde(borrow)]
    method: Cow<'a, str>,
    #[serde(borrow, default)]
    params: Option<&'a RawValue>,
    id: Option<u64>,
}

impl NatsTransport {
    pub(super) fn new(connection: Arc<Connection>, target: impl Target) -> Self {
        Self { calls: Arc::new(ServiceCalls { connection, target: Box::new(target) }) }
    }
}

impl DynTransport for NatsTransport {
    fn send_boxed(&self, request: TransportRequest) -> BoxFuture<'_, Result<TransportResponse, TransportError>> {
        Box::pin(self.send(request))
    }

    fn is_group(&self) -> bool {
        true
    }

    fn closed(&self) -> BoxFuture<'static, ()> {
        let connection = Arc::clone(&self.calls.connection);
        Box::pin(async move { connection.flush(CLOSE_TIMEOUT).await })
    }

    fn has_streams(&self, shape: BodyShape) -> bool {
        shape == BodyShape::Single
    }

    fn open_feed(&self, start: FeedStart) -> Option<(Feed, CallStreams)> {
        Some(Handoff::open(start))
    }
}

impl NatsTransport {
    async fn send(&self, request: TransportRequest) -> Result<TransportResponse, TransportError> {
        let TransportRequest { body, token, timeout, chain, request_id, trace, streams, .. } = request;
        let call: Request<'_> = serde_json::from_slice(&body).map_err(TransportError::unsupported)?;
        let headers = CallHeaders { token, timeout, chain, request_id, trace };
        let params = call.params.map_or("", RawValue::get);
        let Some(id) = call.id else {
            self.calls.notify(&call.method, params, &headers).await?;
            return Ok(TransportResponse::new(""));
        };
        if streams.is_empty() {
            return Ok(match self.calls.call(&call.method, params, &headers, None).await? {
                Ok(reply) => reply.response(id)?,
                Err(error) => error_response(id, &error),
            });
        }
        // The services that wait for the call do not wait for the items.
        let again = CallHeaders { chain: None, ..headers.clone() };
        let mut events = self.calls.connection.inbox.stream();
        let waiting = NatsCall { calls: &self.calls, headers: &headers, events: &mut events };
        let reply = match waiting.reply(&call.method, params, id, streams.progress.as_deref()).await? {
            Ok(reply) => reply,
            Err(error) => return Ok(error_response(id, &error)),
        };
        let response = reply.response(id)?;
        if let Some(handoff) = streams.items
            && reply.error().is_none()
        {
            match reply.instance() {
                Some(instance) => {
                    let subscription = Arc::clone(&handoff.subscription);
                    handoff.put(items(Arc::clone(&self.calls), again, subscription, (reply.subject, instance), events));
                }
                None if handoff.subscription.start.is_subscription => {
                    return Err(TransportError::bad_response("the service has started no subscription"));
                }
                // It was a plain call.
                None => {}
            }
        }
        Ok(response)
    }
}

impl ServiceCalls {
    /// Sends a notification.
    async fn notify(&self, method: &str, params: &str, headers: &CallHeaders) -> Result<(), TransportError> {
        self.check_connection()?;
        let subject = self.target.subject(method, &self.connection).await;
        let subject = subject.map_err(|error| TransportError::never_sent(error.to_string()))?;
        let headers = headers.to_map(None)?;
        let sent = self.connection.client.publish_with_headers(subject, headers, params.as_bytes().to_vec().into());
        sent.await.map_err(|error| not_sent(&error))
    }

    /// Sends a call, and waits for its reply. `events` takes what comes besides it.
    ///
    /// # Errors
    /// The inner one is why no instance has the call.
    pub(super) async fn call(
        &self,
        method: &str,
        params: &str,
        headers: &CallHeaders,
        events: Option<&str>,
    ) -> Result<Result<Reply, RpcError>, TransportError> {
        self.check_connection()?;
        let subject = match self.target.subject(method, &self.connection).await {
            Ok(subject) => subject,
            Err(error) => return Ok(Err(error)),
        };
        let headers = headers.to_map(events)?;
        let mut open = OpenCall { of: self, waiting: self.connection.inbox.call(), is_sent: false };
        let reply_subject = open.waiting.subject();
        let payload = params.as_bytes().to_vec().into();
        let sent =
            self.connection.client.publish_with_reply_and_headers(subject, reply_subject.clone(), headers, payload);
        sent.await.map_err(|error| not_sent(&error))?;
        open.is_sent = true;
        let reply = open.waiting.reply().await;
        open.is_sent = false;
        let message = reply.ok_or_else(|| TransportError::lost("the connection to NATS was lost"))?;
        // Nobody takes calls at the subject.
        if message.status.is_some() {
            self.target.forget(method);
            return Ok(Err(RpcError::unavailable()));
        }
        Ok(Ok(Reply { message, subject: reply_subject }))
    }

    /// Returns an error unless there is a connection: a message would wait for one, for longer than
    /// its caller maybe.
    fn check_connection(&self) -> Result<(), TransportError> {
        if self.connection.is_connected() {
            Ok(())
        } else {
            Err(TransportError::never_sent("there is no connection to NATS"))
        }
    }
}

/// A call that was sent, and is cancelled if nobody waits for it any more.
struct OpenCall<'a> {
    of: &'a ServiceCalls,
    waiting: WaitingCall,
    is_sent: bool,
}

impl Drop for OpenCall<'_> {
    fn drop(&mut self) {
        let Some(subject) = self.of.target.cancel_subject().filter(|_| self.is_sent) else { return };
        // Every instance hears of it, since only NATS knows which of them has the call.
        if let Ok(message) = serde_json::to_vec(&ControlMessage::Cancel(self.waiting.subject())) {
            self.of.connection.publish_later(subject.to_owned(), message);
        }
    }
}

impl CallHeaders {
    /// Returns the same for a caller who waits so long.
    pub(super) fn with_timeout(&self, timeout: Duration) -> Self {
        Self { timeout, ..self.clone() }
    }

    fn to_map(&self, events: Option<&str>) -> Result<HeaderMap, TransportError> {
        let mut headers = HeaderMap::new();
        // Less than a microsecond would be written as zero, which is not a valid timeout.
        let timeout = format!("{:.6}", self.timeout.as_secs_f64().max(0.000_001));
        headers.insert(HeaderName::from_static(header::REQUEST_TIMEOUT), HeaderValue::from(timeout));
        let mut add = |name, value: Option<&str>| {
            let Some(value) = value else { return Ok(()) };
            let value: HeaderValue = value.parse().map_err(|_| TransportError::never_sent(INVALID_HEADER))?;
            headers.insert(HeaderName::from_static(name), value);
            Ok(())
        };
        let bearer = self.token.as_ref().map(|token| format!("Bearer {token}"));
        add(header::AUTHORIZATION, bearer.as_deref())?;
        add(header::CHAIN, self.chain.as_deref())?;
        add(header::REQUEST_ID, self.request_id.as_deref())?;
        let trace = self.trace.as_ref();
        add(header::TRACEPARENT, trace.map(TraceContext::traceparent).as_deref())?;
        add(header::TRACESTATE, trace.and_then(TraceContext::tracestate))?;
        add(header::EVENTS, events)?;
        Ok(headers)
    }
}

/// The cause of the error of a call whose token has a line end.
const INVALID_HEADER: &str = "the token has characters that a header of NATS cannot have";

/// Returns the error of a message that was not sent.
fn not_sent(error: &async_nats::client::PublishError) -> TransportError {
    match error.kind() {
        async_nats::client::PublishErrorKind::MaxPayloadExceeded => {
            TransportError::unsupported(format!("{error}: raise max_payload of the NATS server"))
        }
        _ => TransportError::never_sent(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_with_a_call_is_in_its_headers() {
        let headers = CallHeaders {
            token: Some("t".into()),
            timeout: Duration::from_millis(1500),
            chain: Some("a".to_owned()),
            request_id: None,
            trace: None,
        };
        let map = headers.to_map(None).unwrap();
        let get = |name| map.get(name).map(HeaderValue::as_str);
        assert_eq!((get("Authorization"), get("Request-Timeout")), (Some("Bearer t"), Some("1.500000")));
        assert_eq!((get("Callbox-Chain"), map.len()), (Some("a"), 3));
        let broken = CallHeaders { token: Some("a\r\nb".into()), ..headers };
        assert_eq!(broken.to_map(None).unwrap_err().to_string(), INVALID_HEADER);
    }
}
