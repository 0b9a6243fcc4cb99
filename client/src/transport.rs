//! The interface of transports, which carry bodies to a server and responses back.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;

use crate::client_error::{BoxError, Cause};
use crate::request::BodyShape;
use crate::stream::{CallStreams, Feed, FeedStart};
use crate::trace_context::TraceContext;

/// Carries bodies to a server. callbox has one for HTTP and one for WebSockets; implement this
/// trait for another transport. One of your own carries calls, but no subscriptions and no reports
/// of progress.
///
/// The [`Client`](super::Client) handles deadlines, retries, batches and ids for every transport.
/// This transport, for a test, returns the same response to every request:
///
/// ```
/// use callbox::client::{Client, TransportResponse, TransportRequest, Transport, TransportError};
///
/// struct FixedResponse(&'static str);
///
/// impl Transport for FixedResponse {
///     async fn send(&self, _: TransportRequest) -> Result<TransportResponse, TransportError> {
///         Ok(TransportResponse::new(self.0))
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let client = Client::with_transport(FixedResponse(r#"{"jsonrpc":"2.0","result":3,"id":1}"#));
/// assert_eq!(client.call::<u64>("add", [1, 2]).await.unwrap(), 3);
/// # }
/// ```
pub trait Transport: Send + Sync + 'static {
    /// Sends one body and waits for the response. Dropping the future gives up the exchange.
    ///
    /// # Errors
    /// Return [`TransportError::never_sent`] only if the server certainly received nothing of the
    /// body, because the client then repeats the calls in it. When in doubt, return
    /// [`TransportError::lost`].
    fn send(&self, request: TransportRequest)
    -> impl Future<Output = Result<TransportResponse, TransportError>> + Send;
}

/// One body for the server.
#[derive(Clone)]
#[non_exhaustive]
pub struct TransportRequest {
    /// A request object, or an array of them, as JSON.
    pub body: Vec<u8>,
    /// The caller's token, if it has one.
    pub token: Option<Arc<str>>,
    /// The time until the caller stops waiting. A transport passes it to the server, and does not
    /// have to enforce it.
    pub timeout: Duration,
    /// The services that wait for the response, for the header `Callbox-Chain`, if a method of a
    /// callbox service makes the call. A service among them that would be called again rejects the
    /// call.
    pub chain: Option<String>,
    /// The id of the request that led to this one, for the header `X-Request-Id`, if a method of a
    /// callbox service makes the call.
    pub request_id: Option<Arc<str>>,
    /// The trace that this request belongs to, for the headers `traceparent` and `tracestate`, if a
    /// method of a callbox service makes the call as a part of a trace.
    pub trace: Option<TraceContext>,
    /// The same body with what the caller says of itself in the parameters, for a transport that
    /// has no other place for it.
    #[cfg_attr(not(feature = "websocket"), expect(dead_code, reason = "over HTTP there are headers"))]
    pub(crate) body_with_meta: Option<Vec<u8>>,
    /// The ids in the body.
    #[cfg_attr(not(any(feature = "http", feature = "websocket")), expect(dead_code, reason = "no transport reads it"))]
    pub(crate) ids: BodyIds,
    /// What the only call in the body gets besides its response.
    #[cfg_attr(
        not(any(feature = "http", feature = "nats", feature = "websocket")),
        expect(dead_code, reason = "no transport has any")
    )]
    pub(crate) streams: CallStreams,
}

/// The ids of the calls in a body, for a transport that matches responses to them.
#[derive(Clone, Debug)]
pub(crate) struct BodyIds {
    /// In the order of the calls. A notification has none.
    #[cfg_attr(not(any(feature = "http", feature = "websocket")), expect(dead_code, reason = "no transport reads it"))]
    pub(crate) calls: Vec<u64>,
    /// Whether the body is an array, and so is its response.
    #[cfg_attr(not(feature = "websocket"), expect(dead_code, reason = "over HTTP it makes no difference"))]
    pub(crate) is_batch: bool,
}

/// The response to one body.
///
/// ```
/// use callbox::client::TransportResponse;
///
/// let response = TransportResponse::new("the gateway is busy").with_remark("status 502");
/// ```
#[derive(Clone, Debug)]
pub struct TransportResponse {
    pub(crate) body: Vec<u8>,
    pub(crate) remark: Option<String>,
}

impl TransportResponse {
    /// Makes a response with this body. The body is empty if there was no response, as for a
    /// notification.
    pub fn new(body: impl Into<Vec<u8>>) -> Self {
        Self { body: body.into(), remark: None }
    }

    /// Adds a remark about a response that is not as expected, such as its HTTP status. If the body
    /// is not a JSON-RPC response, the remark becomes part of the error. With a remark, an empty
    /// body is an error even for a notification.
    #[must_use]
    pub fn with_remark(self, remark: impl Into<String>) -> Self {
        Self { remark: Some(remark.into()), ..self }
    }
}

/// The error of a transport: why it has no response.
///
/// ```
/// use callbox::client::{ClientError, TransportError};
///
/// assert!(ClientError::from(TransportError::never_sent("no route")).never_ran());
/// assert!(!ClientError::from(TransportError::lost("the connection was reset")).never_ran());
/// ```
#[derive(Debug, thiserror::Error)]
#[error("{cause}")]
pub struct TransportError {
    pub(crate) kind: FailureKind,
    pub(crate) cause: Cause,
}

/// How far the body got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FailureKind {
    NeverSent,
    Lost,
    BadResponse,
    #[cfg(any(feature = "nats", feature = "websocket"))]
    Unsupported,
}

impl TransportError {
    /// Makes an error for a body of which the server received nothing, because there is no
    /// connection. The client may repeat the calls in it.
    pub fn never_sent(cause: impl Into<BoxError>) -> Self {
        Self { kind: FailureKind::NeverSent, cause: Cause::new(cause) }
    }

    /// Makes an error for a body that may have reached the server, at least in part, and has no
    /// response.
    pub fn lost(cause: impl Into<BoxError>) -> Self {
        Self { kind: FailureKind::Lost, cause: Cause::new(cause) }
    }

    /// Makes an error for a response that cannot be used, because it is too large for example.
    pub fn bad_response(cause: impl Into<BoxError>) -> Self {
        Self { kind: FailureKind::BadResponse, cause: Cause::new(cause) }
    }

    /// Makes an error for a body that this transport cannot send, however often it tries.
    #[cfg(any(feature = "nats", feature = "websocket"))]
    pub(crate) fn unsupported(cause: impl Into<BoxError>) -> Self {
        Self { kind: FailureKind::Unsupported, cause: Cause::new(cause) }
    }
}

#[cfg(feature = "http")]
impl TransportResponse {
    /// Returns the body. It is empty if it is not UTF-8.
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap_or_default()
    }
}

// By hand, because the token must not get into a log.
impl std::fmt::Debug for TransportRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TransportRequest")
            .field("body", &String::from_utf8_lossy(&self.body))
            .field("has_token", &self.token.is_some())
            .field("timeout", &self.timeout)
            .field("chain", &self.chain)
            .field("request_id", &self.request_id)
            .field("trace", &self.trace)
            .finish()
    }
}

/// A [`Transport`] as a trait object.
pub(crate) trait DynTransport: Send + Sync {
    fn send_boxed(&self, request: TransportRequest) -> BoxFuture<'_, Result<TransportResponse, TransportError>>;

    /// Whether deadline, chain, id of the request and trace go into the parameters of each call, if
    /// the server reads them there, since this transport has no other place for them. Default: no.
    fn puts_meta_into_params(&self) -> bool {
        false
    }

    /// Whether it reaches any instance of one service, and not one server: then each call is a
    /// request of its own, names of methods have no namespace, and the first retry comes at once.
    /// Default: no.
    fn is_group(&self) -> bool {
        false
    }

    /// Waits until nothing of the connection is left, once all clients and subscriptions are
    /// dropped. Default: at once, for a transport without a connection of its own.
    fn closed(&self) -> BoxFuture<'static, ()> {
        Box::pin(std::future::ready(()))
    }

    /// Whether the calls in a body of this shape may start subscriptions, and a single one may have
    /// reports of its progress. Default: no.
    fn has_streams(&self, shape: BodyShape) -> bool {
        let _ = shape;
        false
    }

    /// Returns where the items of a subscription will arrive, before the call that starts it is
    /// sent, and what that call takes with it. Default: nothing.
    fn open_feed(&self, start: FeedStart) -> Option<(Feed, CallStreams)> {
        drop(start);
        None
    }
}

impl<T: Transport> DynTransport for T {
    fn send_boxed(&self, request: TransportRequest) -> BoxFuture<'_, Result<TransportResponse, TransportError>> {
        Box::pin(self.send(request))
    }
}
