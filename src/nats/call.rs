//! One message: a call, a notification, or the start of a subscription.

use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::time::Duration;

use async_nats::Message;
use futures::FutureExt;
use tokio::task::spawn_local;
use tokio::time::Instant;

use crate::dispatch::{AccessLine, RequestLog, RequestMeta, RpcResponse};
use crate::jsonrpc::{Dialect, Envelope, RpcError, RpcRequest};
use crate::log::panic_text;
use crate::measure::Carrier;
use crate::route::Route;
use crate::service::{CallTransport, DescribeRequest, LazyRequest, WithinRequest};
use crate::sync::Arc;
use crate::trace::Sampling;

use super::front::Front;
use super::headers::{CallHeaders, may_receive};
use super::{events, reply};

/// Takes a message for this method. Its call is begun, and has most often ended, when this returns:
/// so no message waits for the call of another.
pub(super) fn take(front: &Rc<Front>, route: &Arc<dyn Route>, message: Message) {
    let under_way = front.begin();
    let (front, route) = (Rc::clone(front), Arc::clone(route));
    let mut call = Box::pin(async move {
        let _under_way = under_way;
        // A panic outside of any method is a bug of callbox, which must not end the membership.
        if let Err(panic) = AssertUnwindSafe(answer(front, route, message)).catch_unwind().await {
            log_error!(panic = panic_text(&*panic), "the answer to a message panicked");
        }
    });
    if call.as_mut().now_or_never().is_none() {
        spawn_local(call);
    }
}

/// Answers a message for this method.
async fn answer(front: Rc<Front>, route: Arc<dyn Route>, message: Message) {
    let (logging, headers) = (front.logging, CallHeaders::of(&message));
    if !logging.ids && !headers.has_id() {
        run(&front, &route, message, None).await;
        return;
    }
    let described = headers.brief().into_brief();
    let log = Rc::new(RequestLog::new(Arc::new(if logging.access { described.with_times() } else { described })));
    log.note_body(message.payload.len());
    let line = logging.access.then(|| {
        // The line has the id, so the request must have one.
        log.request().id();
        AccessLine::new(Rc::clone(&log), CallTransport::Nats, None)
    });
    let size = WithinRequest::new(Some(log.request().clone()), run(&front, &route, message, Some(&log))).await;
    if let Some(line) = line {
        line.answered(None, size);
    }
}

/// Returns the size of the reply, if there is one.
async fn run(
    front: &Rc<Front>,
    route: &Arc<dyn Route>,
    message: Message,
    log: Option<&Rc<RequestLog>>,
) -> Option<usize> {
    let headers = CallHeaders::of(&message);
    let has_room = front.check_size(&message.payload);
    let prefix = &front.connection.prefix;
    if message.reply.as_ref().is_some_and(|reply| !may_receive(reply, prefix)) {
        let reply = message.reply.as_deref();
        log_throttled!(WARN, reply, "a message whose reply would be a call, or one for NATS itself, is ignored");
        return None;
    }
    let Some(reply) = message.reply.clone() else {
        has_room.ok()?;
        respond(front, route.name(), &message, headers, log).await;
        return Some(0);
    };
    let takes_events = headers.events(prefix).is_some();
    let has_streams = has_room.and_then(|()| if takes_events { front.check_streams(route.name()) } else { Ok(()) });
    if let Err(error) = has_streams {
        return Some(reply::send(front, reply, RpcResponse::refused(&error), None).await);
    }
    let age = front.pauses.age(Instant::now());
    if !age.is_zero() && headers.timeout().unwrap_or(Duration::MAX).min(route.options().deadline) <= age {
        return Some(reply::send(front, reply, RpcResponse::refused(&RpcError::unavailable()), None).await);
    }
    if takes_events {
        return events::answer(front, route, message, log).await;
    }
    // Others may cancel it under the subject of its reply.
    let response = respond(front, route.name(), &message, headers, log);
    let response = front.open_calls.unless_cancelled(&reply, response).await;
    let response = response.unwrap_or_else(|| RpcResponse::refused(&RpcError::cancelled()));
    if let Some(log) = log {
        log.note_code(response.error);
    }
    Some(reply::send(front, reply, response, None).await)
}

/// Runs the call in a message that takes no more than one reply.
async fn respond(
    front: &Front,
    method: &'static str,
    message: &Message,
    headers: CallHeaders<'_>,
    log: Option<&Rc<RequestLog>>,
) -> RpcResponse {
    let lazy_request = match log {
        Some(log) => LazyRequest::new(&headers).logged_as(log.request()),
        None => LazyRequest::new(&headers),
    };
    let timeout = headers.timeout();
    let meta = RequestMeta {
        token: headers.token(&front.token_header),
        peer: None,
        timeout,
        // Who sends the chain sends the time that is left, too.
        chain: timeout.and_then(|_| headers.chain()),
        dialect: Dialect::Jsonrpc,
        sampling: Sampling::decide(|| lazy_request.trace()),
        request: &lazy_request,
        log: log.map(Rc::as_ref),
        carrier: Carrier::Nats,
        session: None,
    };
    let request = RpcRequest::of_parts(method, &message.payload, message.reply.is_some(), &front.dispatch.limits);
    front.dispatch.handle_caught(request.map(|request| Envelope::Single(Ok(request))), meta).await
}
