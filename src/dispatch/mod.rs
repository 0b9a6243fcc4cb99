//! One body in, one body out, for any transport.
//!
//! A body is parsed into an envelope. The auth actor identifies the caller, if any method in the
//! body needs to know. Each call is routed, checked against its access rule, and started. The
//! outcomes are written in the dialect of the endpoint.

mod batch;
mod cutoff;
mod session;

use std::any::Any;
use std::fmt;
use std::future::poll_fn;
use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::sync::OnceLock;
use std::time::Duration;

use futures::FutureExt;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::auth::{AuthHandle, AuthUnavailable, Caller};
use crate::jsonrpc::{Dialect, Draft, Envelope, Id, Limits, ResponseBudget, RpcError, RpcRequest, truncated};
use crate::log::panic_text;
use crate::mailbox::DeferredWake;
use crate::route::{CallOutcome, CallStart, Route, StartContext, Subscriber};
use crate::router::Router;
use crate::service::{Access, CallContext, LazyRequest, Link, StreamUse, admits};
use crate::sync::Arc;

use cutoff::{cut_off, unless_cut};
use session::CancellableCall;
pub(crate) use session::{Frame, Outbox, Session, SessionClient, SessionContext, SessionLimits, SessionToken};

/// What all endpoints of a server share.
pub(crate) struct Dispatch {
    pub(crate) router: Arc<Router>,
    pub(crate) auth: Option<AuthHandle>,
    pub(crate) limits: Limits,
    /// Maximum size of the results in one response, in bytes.
    pub(crate) response_limit: usize,
    /// Becomes true when the drain ends: calls that have not been answered by then are cut off.
    pub(crate) cut: watch::Receiver<bool>,
}

/// What a transport knows about a body.
pub(crate) struct RequestMeta<'a> {
    pub(crate) token: Option<&'a str>,
    /// Address of the peer, as the transport itself knows it. Headers do not count: a caller can
    /// write any address into them.
    pub(crate) peer: Option<IpAddr>,
    /// How long the caller waits for the response. This can only shorten a method's deadline.
    pub(crate) timeout: Option<Duration>,
    /// The services of other processes that wait for the response, if the transport knows them.
    pub(crate) chain: Option<&'a str>,
    pub(crate) dialect: Dialect,
    /// The request, for methods that read it.
    pub(crate) request: &'a LazyRequest<'a>,
    /// The connection, if it has more than one answer for each body.
    pub(crate) session: Option<SessionContext<'a>>,
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

/// What all calls of one body have in common.
struct BodyContext<'a> {
    arrived: Instant,
    meta: RequestMeta<'a>,
    who: Result<Caller, AuthUnavailable>,
    /// The services of other processes that wait for the calls.
    chain: Option<Arc<Link>>,
    budget: Rc<ResponseBudget>,
}

/// A request with its route, which is looked up once.
struct ResolvedRequest<'a> {
    parsed: RpcRequest<'a>,
    /// The route, or `None` if there is no such method.
    route: Option<&'a Arc<dyn Route>>,
    /// The id of the response, or `None` for a notification.
    id: Option<Id<'a>>,
}

impl Dispatch {
    /// Answers one body. Dropping the future gives its calls up.
    pub(crate) async fn handle(&self, body: &[u8], meta: RequestMeta<'_>) -> RpcResponse {
        let (arrived, dialect) = (Instant::now(), meta.dialect);
        let resolve = |request| self.resolve(request, dialect);
        match Envelope::parse(body, &self.limits) {
            Ok(Envelope::Single(Ok(request))) => {
                let request = resolve(request);
                let budget = ResponseBudget::new(self.response_limit);
                let session = meta.session.filter(|_| meta.token.is_some());
                let context = self.body_context(arrived, meta, budget, request.asks_caller());
                // An authenticator may take long.
                let context = match session.zip(request.id) {
                    Some((session, id)) => session.in_flight().unless_cancelled(id, context).await.ok_or(id),
                    None => Ok(context.await),
                };
                match context {
                    Ok(context) => self.single(&request, &context).await,
                    Err(id) => RpcResponse::error(dialect, id, &RpcError::cancelled()),
                }
            }
            Ok(Envelope::Batch(members)) => {
                let members: Vec<_> = members.into_iter().map(|member| member.map(resolve)).collect();
                let asks_caller = || members.iter().flatten().any(ResolvedRequest::asks_caller);
                let budget = ResponseBudget::of_batch(self.response_limit);
                // Without a token everybody is anonymous, and no member needs to be looked at.
                let asks_caller = meta.token.is_some() && asks_caller();
                let context = self.body_context(arrived, meta, budget, asks_caller).await;
                self.batch(&members, &context).await
            }
            Ok(Envelope::Single(Err(invalid))) => RpcResponse::error(dialect, invalid.id, &invalid.error()),
            Err(error) => RpcResponse::error(dialect, Id::NULL, &error),
        }
    }

    /// As [`handle`](Self::handle), for a transport that goes on after a panic outside of any
    /// method. That is a bug in callbox, but the client must still get a response and keep its
    /// connection.
    pub(crate) async fn handle_caught(&self, body: &[u8], meta: RequestMeta<'_>) -> RpcResponse {
        let dialect = meta.dialect;
        let response = AssertUnwindSafe(self.handle(body, meta)).catch_unwind().await;
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

    /// Returns what the calls of a body have in common. The caller is identified only if a response
    /// depends on it, because that may take a round trip to an authenticator.
    async fn body_context<'a>(
        &self,
        arrived: Instant,
        meta: RequestMeta<'a>,
        budget: ResponseBudget,
        asks_caller: bool,
    ) -> BodyContext<'a> {
        let who = match meta.token.filter(|_| asks_caller) {
            Some(token) => self.who(Some(token), meta.peer).await,
            None => Ok(Caller::anonymous()),
        };
        let chain = meta.chain.and_then(Link::from_header);
        BodyContext { arrived, meta, who, chain, budget: Rc::new(budget) }
    }

    /// Identifies the caller with this token. Callers are anonymous without a token, with an
    /// unknown one, and if the server checks none.
    ///
    /// # Errors
    /// If the authenticator cannot decide.
    pub(crate) async fn who(&self, token: Option<&str>, peer: Option<IpAddr>) -> Result<Caller, AuthUnavailable> {
        match (token, &self.auth) {
            (Some(token), Some(auth)) => auth.authenticate(token, peer).await,
            _ => Ok(Caller::anonymous()),
        }
    }

    /// Returns the body of an error that concerns no call in particular.
    pub(crate) fn refuse(dialect: Dialect, error: &RpcError) -> Vec<u8> {
        let mut body = Vec::new();
        dialect.error(&mut body, Id::NULL, error);
        body
    }

    /// Checks whether a caller may see what a valid token gives access to. Where no tokens are
    /// checked, everybody may: callers cannot be distinguished there.
    ///
    /// # Errors
    /// -32001 if not, -32003 if the authenticator cannot decide.
    pub(crate) async fn admits(&self, token: Option<&str>, peer: Option<IpAddr>) -> Result<(), RpcError> {
        let Some(auth) = &self.auth else { return Ok(()) };
        let token = token.ok_or_else(RpcError::access_denied)?;
        let caller = auth.authenticate(token, peer).await.map_err(|AuthUnavailable| RpcError::unavailable())?;
        if admits(Access::Private, &caller) { Ok(()) } else { Err(RpcError::access_denied()) }
    }

    async fn single(&self, request: &ResolvedRequest<'_>, context: &BodyContext<'_>) -> RpcResponse {
        let dialect = context.meta.dialect;
        let deferred_wake = DeferredWake::begin();
        let mut body = Vec::new();
        let Some(id) = request.id else {
            request.start(context, &mut body);
            deferred_wake.yield_to_others().await;
            return RpcResponse::nothing(dialect.notification());
        };
        let draft = Draft::reply(dialect, id, &request.parsed, &mut body);
        let outcome = match request.start(context, &mut body) {
            CallStart::Done(outcome) => outcome,
            started => {
                deferred_wake.yield_to_others().await;
                let reply = context.unless_cancelled(id, ended(started, &mut body));
                unless_cut(&self.cut, reply).await.unwrap_or_else(|| Err(cut_off()))
            }
        };
        let error = draft.close(&mut body, outcome);
        RpcResponse::new(body, error.as_ref())
    }
}

impl<'a> ResolvedRequest<'a> {
    /// Whether the response depends on the caller.
    #[inline]
    fn asks_caller(&self) -> bool {
        self.route.is_some_and(|route| route.options().asks_caller)
    }

    /// Starts a call that does not wait for a slot.
    fn start(&self, context: &BodyContext<'_>, out: &mut Vec<u8>) -> CallStart {
        if self.is_for_session(context) {
            return CallStart::Done(Ok(()));
        }
        let (route, call) = match self.authorize_logged(context) {
            Ok(authorized) => authorized,
            Err(error) => return CallStart::Done(Err(error)),
        };
        let subscriber = match self.subscriber(route, context) {
            Ok(subscriber) => subscriber,
            Err(error) => return CallStart::Done(Err(error)),
        };
        match route.start(call, self.parsed.params, context.start_context(true, subscriber.as_ref(), out)) {
            CallStart::NoRoom(call, rejection) => {
                route.reject(call, &rejection);
                CallStart::Done(Err(rejection.error))
            }
            started => started,
        }
    }

    /// Whether it is a message to the session itself, and not to a method. Then it was handled.
    #[inline]
    fn is_for_session(&self, context: &BodyContext<'_>) -> bool {
        let Some(session) = context.meta.session.filter(|_| self.route.is_none() && self.id.is_none()) else {
            return false;
        };
        session.takes(&self.parsed)
    }

    /// Returns who takes the items, if the method starts a subscription.
    #[inline]
    fn subscriber(
        &self,
        route: &Arc<dyn Route>,
        context: &BodyContext<'_>,
    ) -> Result<Option<Rc<dyn Subscriber>>, RpcError> {
        match context.meta.session {
            Some(session) if route.options().streams != StreamUse::Nothing => {
                session.subscriber(self.parsed.params).map(|subscriber| Some(Rc::new(subscriber) as Rc<dyn Subscriber>))
            }
            _ => Ok(None),
        }
    }

    /// Authorizes the call, and logs a refusal.
    #[inline]
    fn authorize_logged(&self, context: &BodyContext<'_>) -> Result<(&'a Arc<dyn Route>, CallContext), RpcError> {
        self.authorize(context).inspect_err(|error| {
            // An unknown name may be as long as a body.
            let method = truncated(&self.parsed.method, 100);
            log_debug!(method, notification = self.id.is_none(), code = error.code(), "call refused");
        })
    }

    /// Returns the route and the context of the call, if its caller may make it.
    #[inline]
    fn authorize(&self, context: &BodyContext<'_>) -> Result<(&'a Arc<dyn Route>, CallContext), RpcError> {
        let route = self.route.ok_or_else(RpcError::method_not_found)?;
        let caller = allowed_caller(route, context)?;
        let notification = self.id.is_none();
        if context.meta.session.is_some_and(SessionContext::is_stopping) {
            return Err(RpcError::unavailable());
        }
        if route.options().streams != StreamUse::Nothing {
            may_stream(route, notification, context)?;
        }
        // Nobody waits for a notification, so the caller's timeout does not apply.
        let patience = context.meta.timeout.filter(|_| !notification).unwrap_or(Duration::MAX);
        let reads_request = route.reads_request();
        // Nobody waits for a notification, so it closes no circle.
        let chain = context.chain.as_ref().filter(|_| !notification);
        if let Some(chain) = chain.filter(|chain| route.waits_in(chain)) {
            return Err(waits_for_itself(chain, route.name()));
        }
        let call = CallContext {
            method: route.name(),
            caller,
            arrived: context.arrived,
            deadline: context.arrived + route.options().deadline.min(patience),
            notification,
            chain: chain.cloned(),
            services: None,
            request: if reads_request { Arc::clone(context.meta.request.info()).into() } else { OnceLock::new() },
        };
        Ok((route, call))
    }
}

impl fmt::Debug for Dispatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dispatch").field("router", &self.router).field("auth", &self.auth).finish_non_exhaustive()
    }
}

impl BodyContext<'_> {
    /// Returns the context in which one of the calls starts. Its result is appended to `out`.
    fn start_context<'a>(
        &'a self,
        inline: bool,
        subscriber: Option<&'a Rc<dyn Subscriber>>,
        out: &'a mut Vec<u8>,
    ) -> StartContext<'a> {
        StartContext { budget: &self.budget, inline, subscriber, out }
    }

    /// Registers a call that waits for its start, so that its caller can cancel it.
    fn cancellable(&self, id: Option<Id<'_>>) -> Option<CancellableCall<'_>> {
        self.meta.session.zip(id).map(|(session, id)| session.in_flight().register(id))
    }

    /// Waits for the reply of a call, unless its caller cancels it.
    async fn unless_cancelled(&self, id: Id<'_>, reply: impl Future<Output = CallOutcome>) -> CallOutcome {
        match self.meta.session {
            None => reply.await,
            Some(session) => {
                let reply = session.in_flight().unless_cancelled(id, reply).await;
                reply.unwrap_or_else(|| Err(RpcError::cancelled()))
            }
        }
    }
}

/// Checks whether a call that starts or ends a subscription has a connection for it, and a reply.
#[cold]
fn may_stream(route: &Arc<dyn Route>, notification: bool, context: &BodyContext<'_>) -> Result<(), RpcError> {
    match route.options().streams {
        StreamUse::Unsubscribes if context.meta.session.is_none() => Err(RpcError::method_not_found()),
        StreamUse::Subscribes(_) if context.meta.session.is_none() => Err(RpcError::no_subscriptions()),
        StreamUse::Subscribes(_) if notification => {
            Err(RpcError::invalid_request(&"a subscription has an id, since its reply has the id of its items"))
        }
        _ => Ok(()),
    }
}

/// Returns the error of a call that would come back to a service that waits for it.
#[cold]
fn waits_for_itself(chain: &Link, method: &'static str) -> RpcError {
    let cause = format_args!("the call {chain} → {method} would wait for itself: no service may be visited twice");
    RpcError::internal_in(method, &cause)
}

/// Returns the caller as the method sees it, if the access rule admits it.
#[inline]
fn allowed_caller(route: &Arc<dyn Route>, context: &BodyContext<'_>) -> Result<Caller, RpcError> {
    let options = route.options();
    if !options.asks_caller {
        return Ok(Caller::anonymous());
    }
    let caller = context.who.as_ref().map_err(|AuthUnavailable| RpcError::unavailable())?;
    if admits(options.access, caller) { Ok(caller.clone()) } else { Err(RpcError::access_denied()) }
}

/// Waits for the end of a call, whose result is then appended to `out`.
async fn ended(started: CallStart, out: &mut Vec<u8>) -> CallOutcome {
    match started {
        CallStart::Done(outcome) => outcome,
        CallStart::Pending(mut call) => poll_fn(|cx| call.as_mut().poll(cx, out)).await,
        CallStart::NoRoom(_, rejection) => Err(rejection.error),
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

    fn nothing(body: Option<&'static [u8]>) -> Self {
        Self { body: body.map(<[u8]>::to_vec), error: None, retry_after: None }
    }
}
