//! The untyped client, which calls methods of any JSON-RPC 2.0 server by name.

use std::fmt;
use std::slice;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use crate::ambient::Current;
use crate::batch::Batch;
use crate::call_meta::CallerMeta;
use crate::call_trace;
use crate::client_error::ClientError;
use crate::request::{self, BodyShape, RequestObject};
use crate::response::{self, RawResult};
use crate::retry::{Retry, RetryState};
use crate::stream::CallStreams;
use crate::transport::{BodyIds, DynTransport, Transport, TransportRequest};

/// A client for any JSON-RPC 2.0 server. Cheap to clone; clones share their connections and their
/// retry budget.
///
/// To change a setting for a single call, change it on a clone: `client.with_deadline(…).call(…)`.
///
/// The client repeats a call that never ran, by the rules of [`Retry`]: when the server could not
/// be reached, or when it rejected the call ([`ClientError::Rejected`]). It does not repeat a call
/// that may have run, unless the client is [`idempotent`](Self::idempotent).
///
/// A call made within a method of a callbox service ends at the deadline of that method at the
/// latest.
///
/// ```no_run
/// use std::time::Duration;
/// use callbox::client::{Client, ClientError};
/// use serde_json::json;
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let client = Client::builder("http://127.0.0.1:5000/api").token("hello_world").build()?;
/// let greeting: String = client.call("say_hello", json!({ "name": "world" })).await?;
/// let sum: u64 = client.with_deadline(Duration::from_millis(100)).call("add", [1, 2]).await?;
/// client.notify("log", json!({ "text": greeting, "sum": sum })).await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Client {
    pub(crate) transport: Arc<dyn DynTransport>,
    retries: Arc<RetryState>,
    ids: Arc<AtomicU64>,
    token: Option<Arc<str>>,
    deadline: Option<Duration>,
    /// The deadline that the server applies by itself, if the method is known.
    method_deadline: Option<Duration>,
    retrying: bool,
    idempotent: bool,
}

/// The deadline of calls without another setting: the default of callbox's methods.
const DEADLINE: Duration = Duration::from_secs(30);

impl Client {
    /// Makes a client with your own transport. See [`Transport`].
    pub fn with_transport(transport: impl Transport) -> Self {
        Self::with_dyn_transport(Arc::new(transport))
    }

    pub(crate) fn with_dyn_transport(transport: Arc<dyn DynTransport>) -> Self {
        call_trace::note_client();
        Self {
            transport,
            retries: Arc::new(RetryState::new(Retry::default())),
            ids: Arc::new(AtomicU64::new(1)),
            token: None,
            deadline: None,
            method_deadline: None,
            retrying: true,
            idempotent: false,
        }
    }

    /// Returns the same client with this token. Default: none.
    #[must_use]
    pub fn with_token(&self, token: impl Into<Arc<str>>) -> Self {
        Self { token: Some(token.into()), ..self.clone() }
    }

    /// Returns the same client with this deadline for each call, counted from its start, retries
    /// included. Default: 30 s.
    ///
    /// The server receives the deadline, so that it does not work for a caller that no longer
    /// waits. A shorter deadline of the method itself takes precedence.
    #[must_use]
    pub fn with_deadline(&self, deadline: Duration) -> Self {
        Self { deadline: Some(deadline), ..self.clone() }
    }

    /// Returns the same client with these rules for retries, and with a retry budget of its own.
    #[must_use]
    pub fn with_retry(&self, retry: Retry) -> Self {
        Self { retries: Arc::new(RetryState::new(retry)), retrying: true, ..self.clone() }
    }

    /// Returns the same client without retries.
    #[must_use]
    pub fn without_retry(&self) -> Self {
        Self { retrying: false, ..self.clone() }
    }

    /// Returns the same client for calls that may run twice without harm. It also repeats calls
    /// whose connection broke before the response arrived.
    #[must_use]
    pub fn idempotent(&self) -> Self {
        Self { idempotent: true, ..self.clone() }
    }

    /// Calls a method and waits for its result.
    ///
    /// `params` is an object, an array, or `()` for none. `T` may be [`serde_json::Value`], or
    /// `Box<RawValue>` for the JSON of the result as the server sent it. Dropping the future gives
    /// up the call.
    ///
    /// # Errors
    /// See [`ClientError`].
    ///
    /// # Panics
    /// Panics outside a tokio runtime.
    pub async fn call<T: DeserializeOwned>(&self, method: &str, params: impl Serialize) -> Result<T, ClientError> {
        // The request is written here, so that the future does not hold the parameters across
        // awaits.
        let request = self.request(method, &params, true);
        drop(params);
        response::value(self.send_single(request).await)
    }

    /// Sends a notification: the method runs, and its outcome is not reported.
    ///
    /// When this returns `Ok`, the server has received the notification, as far as the transport
    /// knows.
    ///
    /// # Errors
    /// See [`ClientError`]. The result of the method itself is never among them.
    ///
    /// # Panics
    /// Panics outside a tokio runtime.
    pub async fn notify(&self, method: &str, params: impl Serialize) -> Result<(), ClientError> {
        let request = self.request(method, &params, false);
        drop(params);
        self.send_single(request).await.map(drop)
    }

    /// Returns an empty batch, which sends several calls in one body.
    pub fn batch(&self) -> Batch {
        Batch::new(self.clone())
    }

    /// Closes the connection of a client over a WebSocket, and waits until that is done: for at
    /// most a second, if the server does not answer. A program that ends without it leaves the
    /// server to notice that the client is gone. Over NATS it waits until everything was sent, such
    /// as a notification, or word that a call is given up.
    ///
    /// Other clones of the client, and subscriptions, keep the connection open: drop them before.
    /// Over HTTP there is nothing to wait for.
    ///
    /// ```no_run
    /// # use callbox::client::Client;
    /// # #[cfg(feature = "websocket")]
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// let client = Client::connect("ws://127.0.0.1:5000/api").await?;
    /// let greeting: String = client.call("say_hello", ["world"]).await?;
    /// client.close().await;
    /// # drop(greeting);
    /// # Ok(()) }
    /// ```
    pub async fn close(self) {
        let closed = self.transport.closed();
        drop(self);
        closed.await;
    }

    /// Makes the request object of a call, or of a notification.
    pub(crate) fn request<P: Serialize + ?Sized>(
        &self,
        method: &str,
        params: &P,
        is_call: bool,
    ) -> Result<RequestObject, ClientError> {
        let params = request::params(params)?;
        let id = is_call.then(|| self.ids.fetch_add(1, Ordering::Relaxed));
        Ok(RequestObject { params, idempotent: self.idempotent, ..RequestObject::new(method, id) })
    }

    /// Sends one request in a body of its own.
    pub(crate) async fn send_single(&self, request: Result<RequestObject, ClientError>) -> RawResult {
        let mut results = self.send_with_retries(vec![request?], BodyShape::Single).await;
        results.pop().unwrap_or_else(|| Err(ClientError::bad_response("the response is missing")))
    }

    /// Sends requests in one body, and repeats those that may be repeated. Returns the results in
    /// the order of the requests.
    pub(crate) async fn send_with_retries(&self, requests: Vec<RequestObject>, shape: BodyShape) -> Vec<RawResult> {
        let deadline = self.deadline();
        let mut results: Vec<Option<RawResult>> = requests.iter().map(|_| None).collect();
        // The indexes of the requests without a final result.
        let mut pending: Vec<usize> = (0..requests.len()).collect();
        let mut tries = 0;
        self.retries.count_call();
        loop {
            let body: Vec<&RequestObject> = pending.iter().map(|at| &requests[*at]).collect();
            let responses = match tokio::time::timeout_at(deadline, self.exchange(&body, shape, deadline)).await {
                Ok(responses) => responses,
                Err(_) => response::repeat(&ClientError::Deadline(None), body.len()),
            };
            tries += 1;
            let (mut repeat, mut retry_after, mut only_rejected) = (Vec::new(), Duration::ZERO, true);
            for (at, result) in pending.into_iter().zip(responses) {
                if let Err(error) = &result
                    && may_repeat(error, requests[at].idempotent)
                {
                    repeat.push(at);
                    only_rejected &= matches!(error, ClientError::Rejected(_));
                    retry_after = retry_after.max(error.retry_after().unwrap_or_default());
                }
                results[at] = Some(result);
            }
            if repeat.is_empty() || !self.retrying {
                break;
            }
            // Another instance may have room.
            let is_elsewhere = tries == 1 && self.transport.is_group() && only_rejected;
            let retry_after = Some(retry_after).filter(|_| !is_elsewhere);
            let Some(pause) = self.retries.pause(tries, retry_after, Instant::now(), deadline) else { break };
            log_debug!(calls = repeat.len(), tries, ?pause, "retrying calls");
            tokio::time::sleep(pause).await;
            pending = repeat;
        }
        let missing = || Err(ClientError::bad_response("the response is missing"));
        results.into_iter().map(|result| result.unwrap_or_else(missing)).collect()
    }

    /// Sends one body and reads its response. A failure of the whole body is the result of each
    /// request.
    async fn exchange(&self, requests: &[&RequestObject], shape: BodyShape, deadline: Instant) -> Vec<RawResult> {
        if shape == BodyShape::Batch && self.transport.is_group() {
            let each = requests
                .iter()
                .map(|request| self.exchange_body(slice::from_ref(request), BodyShape::Single, deadline));
            return join_all(each).await.concat();
        }
        self.exchange_body(requests, shape, deadline).await
    }

    /// Sends one body through the transport, and reads its response.
    async fn exchange_body(&self, requests: &[&RequestObject], shape: BodyShape, deadline: Instant) -> Vec<RawResult> {
        let current = Current::of_thread();
        let is_within_method = current.is_some();
        let trace = call_trace::trace_for_calls(current.as_ref());
        let request_id = current.as_ref().and_then(|current| current.request.id());
        // Nobody waits for notifications.
        let waits = requests.iter().any(|request| request.id.is_some());
        let chain = current.filter(|_| waits).map(|current| current.link().to_header());
        let timeout = deadline.saturating_duration_since(Instant::now());
        let body_with_meta = if self.transport.puts_meta_into_params() {
            // Most calls have nothing to say that the server does not know, and pay nothing.
            let says_time = is_within_method || self.is_shorter_than_method();
            let caller = CallerMeta {
                timeout: says_time.then_some(timeout),
                chain: chain.as_deref(),
                request_id: request_id.as_deref(),
                trace: trace.as_ref(),
            };
            request::body_of_caller(requests, shape, caller)
        } else {
            None
        };
        let body = request::body(requests, shape).map(|body| TransportRequest {
            body,
            body_with_meta,
            token: self.token.clone(),
            timeout,
            chain,
            request_id,
            trace,
            ids: BodyIds {
                calls: requests.iter().filter_map(|request| request.id).collect(),
                is_batch: shape == BodyShape::Batch,
            },
            streams: match requests {
                [only] => only.streams.clone(),
                _ => CallStreams::default(),
            },
        });
        let received = match body {
            Ok(body) => self.transport.send_boxed(body).await.map_err(ClientError::from),
            Err(error) => Err(error),
        };
        match received {
            Ok(received) => response::read(&received, requests, shape),
            Err(error) => response::repeat(&error, requests.len()),
        }
    }

    /// Returns the deadline of this client, if one was set.
    pub(crate) fn explicit_deadline(&self) -> Option<Duration> {
        self.deadline
    }

    /// Returns the time that a call of this client has, unless the method around it has less.
    pub(crate) fn full_deadline(&self) -> Duration {
        self.deadline.or(self.method_deadline).unwrap_or(DEADLINE)
    }

    /// Returns the same client for calls to which the server gives so much time. That is their
    /// deadline, unless the client has its own.
    pub(crate) fn for_method(&self, deadline: Duration) -> Self {
        Self { method_deadline: Some(deadline), ..self.clone() }
    }

    /// Returns the same client for a batch to whose calls the server gives so much time, as no call
    /// of it has another deadline.
    pub(crate) fn for_methods(&self, longest: Duration) -> Self {
        Self { deadline: None, ..self.for_method(longest) }
    }

    /// Whether the server would give a call more time than this client has.
    fn is_shorter_than_method(&self) -> bool {
        self.deadline.is_some_and(|own| self.method_deadline.is_none_or(|method| own < method))
    }

    /// Returns the time at which a call that starts now ends: at its deadline, or at that of the
    /// method that makes the call.
    fn deadline(&self) -> Instant {
        let now = Instant::now();
        // Capped at a year, because an `Instant` further in the future may overflow.
        let own = now + self.full_deadline().min(Duration::from_secs(365 * 24 * 3600));
        Current::of_thread().map_or(own, |around| own.min(around.deadline))
    }
}

/// Whether a call with this error may be repeated.
fn may_repeat(error: &ClientError, idempotent: bool) -> bool {
    match error {
        ClientError::Rejected(_) | ClientError::Unreachable(_) => true,
        ClientError::Lost(_) => idempotent,
        _ => false,
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("has_token", &self.token.is_some())
            .field("deadline", &self.deadline)
            .field("retries", &self.retries)
            .finish_non_exhaustive()
    }
}
