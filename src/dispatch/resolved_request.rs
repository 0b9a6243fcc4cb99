//! One request with its route: who may call it, and how it is started.

use std::sync::OnceLock;
use std::time::Duration;

use crate::auth::{Caller, NotChecked};
use crate::jsonrpc::{Id, RpcError, RpcRequest, may_have_meta, truncated};
use crate::route::{CallStart, Route, waits_for_itself};
use crate::service::{
    Access, CallContext, CallTrace, CallerPlace, CancelFlag, MethodOptions, OwnTrace, RequestInfo, StreamUse, admits,
    has_clients,
};
use crate::sync::Arc;
use crate::trace::{self, NewCall, OTHER, Sampling};

use super::body_context::BodyContext;
use super::request_log::short_id;
use super::session::{CANCEL, CallStreams, SessionContext};

/// A request with its route, which is looked up once.
pub(super) struct ResolvedRequest<'a> {
    pub(super) parsed: RpcRequest<'a>,
    /// The route, or `None` if there is no such method.
    pub(super) route: Option<&'a Arc<dyn Route>>,
    /// The id of the response, or `None` for a notification.
    pub(super) id: Option<Id<'a>>,
}

impl<'a> ResolvedRequest<'a> {
    /// Whether the response depends on the caller.
    #[inline]
    pub(super) fn asks_caller(&self) -> bool {
        self.route.is_some_and(|route| route.options().asks_caller)
    }

    /// Whether the transport starts the call once more, with a session: that of a subscription to a
    /// client that takes several answers. Then its caller is asked for only once, by the session.
    #[inline]
    pub(super) fn starts_again(&self, context: &BodyContext<'_>) -> bool {
        let is_subscription =
            self.route.is_some_and(|route| matches!(route.options().streams, StreamUse::Subscribes(_)));
        is_subscription && self.id.is_some() && context.meta.session.is_none() && context.meta.request.takes_events()
    }

    /// Returns the name of the method, if there is such a method.
    pub(super) fn method(&self) -> Option<&'static str> {
        self.route.map(|route| route.name())
    }

    /// Whether it asks a session to cancel a call.
    pub(super) fn is_cancellation(&self) -> bool {
        self.id.is_none() && self.parsed.method == CANCEL
    }

    /// Starts a call that does not wait for a slot.
    pub(super) fn start(&self, context: &BodyContext<'_>, streams: &mut CallStreams, out: &mut Vec<u8>) -> CallStart {
        if self.is_for_session(context) {
            return CallStart::Done(Ok(()));
        }
        if self.starts_again(context) {
            return CallStart::Done(Err(RpcError::no_subscriptions()));
        }
        let (route, mut call) = match self.authorize_logged(context) {
            Ok(authorized) => authorized,
            Err(error) => return CallStart::Done(Err(error)),
        };
        *streams = match self.streams(route, &mut call, context) {
            Ok(streams) => streams,
            Err(error) => return CallStart::Done(Err(error)),
        };
        match route.start(call, self.parsed.params, context.start_context(true, streams, out)) {
            CallStart::NoRoom(no_room) => {
                let (call, rejection) = *no_room;
                route.reject(call, &rejection);
                CallStart::Done(Err(rejection.error))
            }
            started => started,
        }
    }

    /// Whether it is a message to the session itself, and not to a method. Then it was handled.
    #[inline]
    pub(super) fn is_for_session(&self, context: &BodyContext<'_>) -> bool {
        let Some(session) = context.meta.session.filter(|_| self.route.is_none() && self.id.is_none()) else {
            return false;
        };
        session.takes(&self.parsed)
    }

    /// Whether the caller says something about this call in its parameters, which only a session
    /// reads.
    pub(super) fn may_have_meta(&self, context: &BodyContext<'_>) -> bool {
        let named = self.parsed.params.filter(|_| context.meta.session.is_some());
        named.is_some_and(|params| may_have_meta(params.as_bytes()))
    }

    /// Applies what the caller says about the call, and returns what takes more of it than its
    /// reply, if it has a session. Then the call begins, and so does its span.
    #[inline]
    pub(super) fn streams(
        &self,
        route: &Arc<dyn Route>,
        call: &mut CallContext,
        context: &BodyContext<'_>,
    ) -> Result<CallStreams, RpcError> {
        let streams = match context.meta.session {
            Some(session) => session.streams(self.parsed.params, route, call).inspect(|_| note_request(context, call)),
            None => Ok(CallStreams::default()),
        };
        if context.meta.sampling != Sampling::Off && streams.is_ok() {
            self.begin_trace(&**route, call, context);
        }
        streams
    }

    #[cold]
    fn begin_trace(&self, route: &dyn Route, call: &mut CallContext, context: &BodyContext<'_>) {
        // Without a session it is refused, and maybe started again with one.
        if context.meta.session.is_none() && matches!(route.options().streams, StreamUse::Subscribes(_)) {
            return;
        }
        let sent = call.request.get().and_then(|request| request.trace());
        call.trace = OwnTrace(match context.meta.sampling.of_call(sent) {
            Sampling::Off => CallTrace::Off,
            Sampling::Unsampled { .. } => CallTrace::Unsampled,
            Sampling::Sampled => {
                let id = self.id_of_span();
                trace::begin(&NewCall { service: route.service(), method: route.name(), id: id.as_deref(), sent })
            }
        });
        // The line of a batch has the trace of its request.
        if let Some(log) = context.meta.log.filter(|log| !log.is_batch())
            && let Some(span) = call.trace.0.span()
        {
            log.note_trace(span.context());
        }
    }

    /// Returns the id that its span has: none for `null`, which tells nothing.
    fn id_of_span(&self) -> Option<String> {
        self.id.filter(|id| *id != Id::NULL).and_then(short_id)
    }

    /// Records a request that reaches no method.
    #[cold]
    fn trace_refused(&self, error: &RpcError, context: &BodyContext<'_>) {
        let (request, id) = (context.meta.request.brief(), self.id_of_span());
        let service = self.route.and_then(|route| route.service());
        let (method, original) = match self.route {
            Some(route) => (route.name(), None),
            // An unknown name may be as long as a body.
            None => (OTHER, Some(truncated(&self.parsed.method, 100))),
        };
        let refused = NewCall { service, method, id: id.as_deref(), sent: request.trace() };
        trace::refused(&refused, original, error.code());
    }

    /// Authorizes the call, and logs a refusal.
    #[inline]
    pub(super) fn authorize_logged(
        &self,
        context: &BodyContext<'_>,
    ) -> Result<(&'a Arc<dyn Route>, CallContext), RpcError> {
        self.authorize(context).inspect_err(|error| {
            // An unknown name may be as long as a body.
            let method = truncated(&self.parsed.method, 100);
            log_debug!(method, notification = self.id.is_none(), code = error.code(), "call refused");
            context.count_refused(error);
            if context.meta.sampling == Sampling::Sampled {
                self.trace_refused(error, context);
            }
        })
    }

    /// Returns the route and the context of the call, if its caller may make it.
    #[inline]
    pub(super) fn authorize(&self, context: &BodyContext<'_>) -> Result<(&'a Arc<dyn Route>, CallContext), RpcError> {
        let route = self.route.ok_or_else(RpcError::method_not_found)?;
        let options = route.options();
        let caller = allowed_caller(options, context)?;
        let notification = self.id.is_none();
        if context.meta.session.is_some_and(SessionContext::is_stopping) {
            return Err(RpcError::unavailable());
        }
        if options.streams == StreamUse::Unsubscribes && context.meta.session.is_none() {
            return Err(RpcError::method_not_found());
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
            deadline: context.arrived + options.deadline.min(patience),
            notification,
            chain: chain.cloned(),
            services: None,
            progress: None,
            cancelled: CancelFlag::default(),
            place: CallerPlace::default(),
            request: match context.meta.log {
                _ if reads_request => context.meta.request.info().into(),
                Some(log) => Arc::clone(log.request()).into(),
                None if context.meta.sampling == Sampling::Sampled => context.meta.request.brief().into(),
                None => context.traced_request(),
            },
            number: Some(context.meta.request.number()),
            trace: OwnTrace::default(),
        };
        Ok((route, call))
    }
}

impl BodyContext<'_> {
    /// Returns the request if it is a part of a trace, and if the method may call somebody to whom
    /// the trace goes on.
    #[inline]
    fn traced_request(&self) -> OnceLock<Arc<RequestInfo>> {
        let is_needed = match self.meta.sampling {
            // Known already, so that the headers are searched once.
            Sampling::Unsampled { in_trace } => in_trace,
            _ => has_clients() && self.meta.request.trace().is_some(),
        };
        if is_needed { self.meta.request.brief().into() } else { OnceLock::new() }
    }
}

/// Tells the log of the request of a call, which may differ from that of its connection.
#[inline]
fn note_request(context: &BodyContext<'_>, call: &CallContext) {
    if let Some(log) = context.meta.log.filter(|log| !log.is_batch())
        && let Some(request) = call.request.get()
    {
        log.note_request(request);
    }
}

/// Returns the caller as the method sees it, if the access rule admits it.
#[inline]
fn allowed_caller(options: &MethodOptions, context: &BodyContext<'_>) -> Result<Caller, RpcError> {
    if !options.asks_caller {
        return Ok(Caller::anonymous());
    }
    allowed(options.access, &context.who)
}

/// Returns the caller, if an access rule admits it.
#[inline]
pub(super) fn allowed(access: Access, who: &Result<Caller, NotChecked>) -> Result<Caller, RpcError> {
    match who {
        Ok(caller) if admits(access, caller) => Ok(caller.clone()),
        Ok(_) => Err(RpcError::access_denied()),
        Err(not_checked) => caller_of_unchecked_token(access, *not_checked),
    }
}

/// Returns the caller if the token was not checked. Then it is anonymous, at most.
#[cold]
fn caller_of_unchecked_token(access: Access, not_checked: NotChecked) -> Result<Caller, RpcError> {
    match not_checked {
        NotChecked::Unavailable => Err(RpcError::unavailable()),
        NotChecked::Limited { retry_after } => {
            let anonymous = Caller::anonymous();
            if admits(access, &anonymous) { Ok(anonymous) } else { Err(RpcError::too_many_wrong_tokens(retry_after)) }
        }
    }
}
