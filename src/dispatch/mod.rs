//! One body in, one body out, for any transport.
//!
//! A body is parsed into an envelope. The auth actor identifies the caller, if any method in the
//! body needs to know. Each call is routed, checked against its access rule, and started. The
//! outcomes are written in the dialect of the endpoint.

mod batch;
mod body_context;
mod cutoff;
mod held_members;
mod request_log;
mod resolved_request;
mod session;
mod stopping;

use std::any::Any;
use std::fmt;
use std::future::{poll_fn, ready};
use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::time::Duration;

use futures::FutureExt;
use futures::future::Either;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::auth::{AuthHandle, Caller, NotChecked};
use crate::jsonrpc::{Dialect, Draft, Envelope, Id, Limits, ResponseBudget, RpcError, RpcRequest};
use crate::log::panic_text;
use crate::mailbox::DeferredWake;
use crate::measure::{Carrier, RefusedRequests};
use crate::route::{CallOutcome, CallStart};
use crate::router::Router;
use crate::service::{Access, LazyRequest};
use crate::sync::Arc;
use crate::trace::Sampling;

use body_context::{BodyContext, count_refused};
use cutoff::{cut_off, unless_cut};
pub(crate) use request_log::{AccessLine, RequestLog, RequestLogging};
use resolved_request::ResolvedRequest;
#[cfg(feature = "nats")]
pub(crate) use session::CANCEL;
use session::CallStreams;
pub(crate) use session::{Frame, Outbox, Session, SessionClient, SessionContext, SessionLimits, SessionToken, Urgency};
pub(crate) use stopping::Stopping;

/// What all endpoints of a server share.
pub(crate) struct Dispatch {
    pub(crate) router: Arc<Router>,
    pub(crate) auth: Option<AuthHandle>,
    pub(crate) refused: Arc<RefusedRequests>,
    pub(crate) limits: Limits,
    /// Maximum size of the results in one response, in bytes.
    pub(crate) response_limit: usize,
    /// Becomes true when the drain ends: calls that have not been answered by then are cut off.
    pub(crate) cut: watch::Receiver<bool>,
}

/// What a transport knows about a body.
pub(crate) struct RequestMeta<'a> {
    pub(crate) token: Option<&'a str>,
    /// Address of the peer: of the connection, or of the client that trusted proxies name. Other
    /// headers do not count: a caller can write any address into them.
    pub(crate) peer: Option<IpAddr>,
    /// How long the caller waits for the response. This can only shorten a method's deadline.
    pub(crate) timeout: Option<Duration>,
    /// The services of other processes that wait for the response, if the transport knows them.
    pub(crate) chain: Option<&'a str>,
    pub(crate) dialect: Dialect,
    /// Whether the calls are recorded.
    pub(crate) sampling: Sampling,
    /// The request, for methods that read it.
    pub(crate) request: &'a LazyRequest<'a>,
    /// What the log knows of the request, if its lines are to have the id.
    pub(crate) log: Option<&'a RequestLog>,
    /// What carries the body.
    pub(crate) carrier: Carrier,
    /// The connection, if it has more than one answer for each body.
    pub(crate) session: Option<SessionContext<'a>>,
}

/// Whose attempts a wrong token counts among.
#[derive(Clone, Copy)]
enum TokenPeer {
    /// Those of this address; without one there is no limit.
    Address(Option<IpAddr>),
    /// Those of everybody, since the transport does not say who sends it.
    Shared,
}

impl RequestMeta<'_> {
    fn token_peer(&self) -> TokenPeer {
        match self.carrier {
            Carrier::Nats => TokenPeer::Shared,
            Carrier::Http | Carrier::WebSocket => TokenPeer::Address(self.peer),
        }
    }
}

/// The response to a body.
pub(crate) struct RpcResponse {
    /// The body, or `None` if there is nothing to answer.
    pub(crate) body: Option<Vec<u8>>,
    /// The error code, if the response is a single error.
    pub(crate) error: Option<i32>,
    /// When a retry may succeed.
    pub(crate) retry_after: Option<Duration>,
}

impl Dispatch {
    /// Answers one body, which was parsed. Dropping the future gives its calls up.
    ///
    /// The future of a single call is kept small, for the quick way of the memory allocator: what
    /// it holds is captured once, which the arguments of an async function are not, and what few
    /// calls need is in boxes.
    #[inline]
    pub(crate) fn handle<'a>(
        &'a self,
        envelope: Result<Envelope<'a>, RpcError>,
        meta: RequestMeta<'a>,
    ) -> impl Future<Output = RpcResponse> + use<'a> {
        let (arrived, dialect) = (Instant::now(), meta.dialect);
        let resolve = |request| self.resolve(request, dialect);
        match envelope {
            Ok(Envelope::Single(Ok(request))) => {
                let request = resolve(request);
                if let Some(log) = meta.log.filter(|_| !request.is_cancellation()) {
                    log.note_call(request.method(), request.id);
                }
                let mut context =
                    BodyContext::new(arrived, meta, ResponseBudget::new(self.response_limit), &self.refused);
                Either::Left(async move {
                    if request.asks_caller() && !request.starts_again(&context) {
                        // An authenticator may take long.
                        let who = self.who(context.meta.token, context.meta.token_peer());
                        context.who = match context.meta.session.zip(request.id) {
                            None => who.await,
                            Some((session, id)) => {
                                match Box::pin(session.in_flight().unless_cancelled(id, None, who)).await {
                                    Some(who) => who,
                                    None => return RpcResponse::error(dialect, id, &RpcError::cancelled()),
                                }
                            }
                        };
                    }
                    self.single(&request, &context).await
                })
            }
            Ok(Envelope::Batch(members)) => {
                let members: Vec<_> = members.into_iter().map(|member| member.map(resolve)).collect();
                if let Some(log) = meta.log {
                    log.note_batch(members.iter().map(|member| member.as_ref().ok()?.method()));
                }
                let mut context =
                    BodyContext::new(arrived, meta, ResponseBudget::of_batch(self.response_limit), &self.refused);
                Either::Right(Either::Left(Box::pin(async move {
                    // Without a token everybody is anonymous, and no member needs to be looked at.
                    let asks_caller = || members.iter().flatten().any(ResolvedRequest::asks_caller);
                    let mut cancelled = Vec::new();
                    if context.meta.token.is_some() && asks_caller() {
                        (context.who, cancelled) = self.identify(&members, &context).await;
                    }
                    self.batch(&members, &context, cancelled).await
                })))
            }
            Ok(Envelope::Single(Err(invalid))) => {
                count_refused(&self.refused, &meta, &invalid.error());
                Either::Right(Either::Right(ready(RpcResponse::error(dialect, invalid.id, &invalid.error()))))
            }
            Err(error) => {
                count_refused(&self.refused, &meta, &error);
                Either::Right(Either::Right(ready(RpcResponse::error(dialect, Id::NULL, &error))))
            }
        }
    }

    /// As [`handle`](Self::handle), for a transport that goes on after a panic outside of any
    /// method. That is a bug in callbox, but the client must still get a response and keep its
    /// connection.
    pub(crate) async fn handle_caught(
        &self,
        envelope: Result<Envelope<'_>, RpcError>,
        meta: RequestMeta<'_>,
    ) -> RpcResponse {
        let dialect = meta.dialect;
        let response = AssertUnwindSafe(self.handle(envelope, meta)).catch_unwind().await;
        response.unwrap_or_else(|panic| Self::after_panic(dialect, &*panic))
    }

    /// Returns the response after a panic outside of any method.
    pub(crate) fn after_panic(dialect: Dialect, panic: &(dyn Any + Send)) -> RpcResponse {
        let error = RpcError::internal(&format_args!("the dispatch panicked: {}", panic_text(panic)));
        RpcResponse::new(Self::refuse(dialect, &error), Some(&error))
    }

    #[inline]
    fn resolve<'a>(&'a self, request: RpcRequest<'a>, dialect: Dialect) -> ResolvedRequest<'a> {
        ResolvedRequest { route: self.router.find(&request.method), id: dialect.reply_id(&request), parsed: request }
    }

    /// Identifies the caller with this token. Callers are anonymous without a token, with an
    /// unknown one, and if the server checks none.
    ///
    /// # Errors
    /// If the token was not checked.
    async fn who(&self, token: Option<&str>, peer: TokenPeer) -> Result<Caller, NotChecked> {
        let (Some(token), Some(auth)) = (token, &self.auth) else { return Ok(Caller::anonymous()) };
        // In a box, so that the future of a request without a token stays small.
        match peer {
            TokenPeer::Address(peer) => Box::pin(auth.authenticate(token, peer)).await,
            TokenPeer::Shared => Box::pin(auth.authenticate_shared(token)).await,
        }
    }

    /// Identifies the caller of something that is no method, but has an access rule as methods do.
    ///
    /// # Errors
    /// That of a call which may not be made: access denied, or the token could not be checked.
    pub(crate) async fn authorize(
        &self,
        access: Access,
        token: Option<&str>,
        peer: Option<IpAddr>,
    ) -> Result<Caller, RpcError> {
        resolved_request::allowed(access, &self.who(token, TokenPeer::Address(peer)).await)
    }

    /// Returns the body of an error that concerns no call in particular.
    pub(crate) fn refuse(dialect: Dialect, error: &RpcError) -> Vec<u8> {
        let mut body = Vec::new();
        dialect.error(&mut body, Id::NULL, error);
        body
    }

    async fn single(&self, request: &ResolvedRequest<'_>, context: &BodyContext<'_>) -> RpcResponse {
        let dialect = context.meta.dialect;
        let deferred_wake = DeferredWake::begin();
        let (mut body, mut streams) = (Vec::new(), CallStreams::default());
        let Some(id) = request.id else {
            request.start(context, &mut streams, &mut body);
            deferred_wake.yield_to_others().await;
            return RpcResponse::nothing(dialect.notification());
        };
        let draft = Draft::reply(dialect, id, &request.parsed, &mut body);
        let outcome = match request.start(context, &mut streams, &mut body) {
            CallStart::Done(outcome) => outcome,
            CallStart::Pending(mut call) => {
                let out = &mut body;
                // It has the call, which ends where this is dropped. It may be cancelled from now
                // on, also by a message that came with it.
                let reply = context.unless_cancelled(id, None, async move {
                    deferred_wake.yield_to_others().await;
                    poll_fn(move |cx| call.as_mut().poll(cx, out)).await
                });
                let reply = Box::pin(async { unless_cut(&self.cut, pin!(reply)).await }).await;
                reply.unwrap_or_else(|| Err(cut_off()))
            }
            CallStart::Sent | CallStart::NoRoom(..) => unreachable!("a call with an id is not sent, and was rejected"),
        };
        let error = draft.close(&mut body, outcome);
        RpcResponse::new(body, error.as_ref())
    }
}

impl fmt::Debug for Dispatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dispatch").field("router", &self.router).field("auth", &self.auth).finish_non_exhaustive()
    }
}

/// Waits for the end of a call, whose result is then appended to `out`.
async fn ended(started: CallStart, out: &mut Vec<u8>) -> CallOutcome {
    match started {
        CallStart::Done(outcome) => outcome,
        CallStart::Pending(mut call) => poll_fn(|cx| call.as_mut().poll(cx, out)).await,
        CallStart::NoRoom(no_room) => Err(no_room.1.error),
        // A notification, whose result nobody writes.
        CallStart::Sent => Ok(()),
    }
}

impl RpcResponse {
    /// Returns a response with one body, and the error in it.
    fn new(body: Vec<u8>, error: Option<&RpcError>) -> Self {
        Self { body: Some(body), error: error.map(RpcError::code), retry_after: error.and_then(RpcError::retry_after) }
    }

    fn error(dialect: Dialect, id: Id<'_>, error: &RpcError) -> Self {
        let mut body = Vec::new();
        dialect.error(&mut body, id, error);
        Self::new(body, Some(error))
    }

    /// Returns the response to a call without an id that is not made, or not waited for.
    #[cfg(feature = "nats")]
    pub(crate) fn refused(error: &RpcError) -> Self {
        Self::error(Dialect::Jsonrpc, Id::NULL, error)
    }

    fn nothing(body: Option<&'static [u8]>) -> Self {
        Self { body: body.map(<[u8]>::to_vec), error: None, retry_after: None }
    }
}
