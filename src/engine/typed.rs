//! Calls from this process: typed messages, without JSON.
//!
//! They follow the rules of calls over the wire. A message or an output that JSON cannot hold (NaN,
//! a map whose keys are not strings) is an error here as well, so that a caller gets the same
//! result whichever way it calls.

use std::any::Any;
use std::sync::OnceLock;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::time::Instant;

use crate::auth::Caller;
use crate::jsonrpc::{RpcError, Unrepresentable, check};
use crate::log::{caught, discard, panic_text};
use crate::mailbox::{Call, MethodEntry};
use crate::measure::CallRecord;
use crate::route::waits_for_itself;
use crate::service::{
    Awaited, CallContext, CallerPlace, CancelFlag, Current, Directory, Handles, Message, OwnTrace, ProgressSlot, Ready,
    Reply, RequestInfo, Service, note_client, trace_for_calls,
};
use crate::sync::Arc;
use crate::trace::{self, End, Failure, NewCall as TracedCall};

use super::begin::{Begun, Entrance, NewCall, Payload, begin};
use super::core::{AnyCore, Core};
use super::host::start_circle::{StartWait, note_circle};
use super::lifecycle::Status;

/// The caller of typed calls, and how long these may take.
#[derive(Clone, Debug)]
pub(crate) struct CallOptions {
    pub(crate) caller: Caller,
    /// Maximum time for each call. The method's own deadline holds if it is shorter.
    pub(crate) max_time: Option<Duration>,
}

/// An admitted call.
pub(super) enum StartedCall<M: Message> {
    Ended(Reply<M>),
    /// With the wait for a service that is starting, if the caller is one as well.
    Waits(Arc<Call<M>>, Option<StartWait>),
}

/// Calls a method and waits for its reply.
pub(crate) async fn call<S: Handles<M>, M: Message>(core: &Arc<Core<S>>, by: &CallOptions, message: M) -> Reply<M> {
    check_message(&message)?;
    finish(start(core, by, message, false, None)?).await
}

/// Asks a service why it is not ready, if it is one that says so.
pub(crate) fn ask_ready<S: Service>(core: &Arc<Core<S>>) -> Option<BoxFuture<'static, Option<String>>> {
    // A constant, so that the call is compiled only for services that are asked.
    if !S::CHECKS_READY {
        return None;
    }
    let core = Arc::clone(core);
    Some(Box::pin(async move {
        let by = CallOptions { caller: Caller::anonymous(), max_time: None };
        call(&core, &by, Ready {}).await.unwrap_or_else(|error| Some(error.to_string()))
    }))
}

/// Waits for the reply of a call.
pub(super) async fn finish<M: Message>(started: StartedCall<M>) -> Reply<M> {
    let reply = match started {
        StartedCall::Ended(reply) => reply,
        StartedCall::Waits(call, _wait) => Awaited::new(call.context().chain.clone(), call.reply()).await,
    };
    checked::<M>(reply)
}

/// Rejects an output that JSON cannot hold.
pub(super) fn checked<M: Message>(reply: Reply<M>) -> Reply<M> {
    if M::SUBSCRIPTION.is_some() {
        return reply;
    }
    reply.and_then(check_output::<M>)
}

/// Sends a notification.
pub(crate) fn notify<S: Handles<M>, M: Message>(
    core: &Arc<Core<S>>,
    by: &CallOptions,
    message: M,
) -> Result<(), RpcError> {
    check_message(&message)?;
    start(core, by, message, true, None).map(drop)
}

/// Starts a call whose message is known to have a form in JSON, if its parameters keep their rules.
pub(super) fn start<S: Handles<M>, M: Message>(
    core: &Arc<Core<S>>,
    by: &CallOptions,
    message: M,
    notification: bool,
    progress: Option<Arc<ProgressSlot>>,
) -> Result<StartedCall<M>, RpcError> {
    let entry = core.table.entry::<M>().ok_or_else(RpcError::method_not_found)?;
    message.validate()?;
    let wait = if notification { None } else { start_wait(&**core)? };
    let mut call = context(&**core, by, entry, notification)?;
    call.progress = progress;
    let message = Payload::Parsed(message);
    let incoming = NewCall { call, message, bytes: 0, entrance: Entrance::Process, batch: None };
    match begin(core, entry, incoming) {
        Begun::Ended(reply) => Ok(StartedCall::Ended(reply)),
        Begun::Queued(call) => Ok(StartedCall::Waits(call, wait)),
        Begun::Runs(_) => unreachable!("only where a transport waits for it does a call run across awaits"),
        Begun::Rejected(rejection) => Err(rejection.error),
        Begun::NoRoom(no_room) => {
            let (call, rejection) = *no_room;
            CallRecord::outside(&**entry, call).reject(&rejection);
            Err(rejection.error)
        }
    }
}

fn context(core: &AnyCore, by: &CallOptions, entry: &MethodEntry, notification: bool) -> Result<CallContext, RpcError> {
    let arrived = Instant::now();
    let mut deadline = arrived + entry.options.deadline.min(by.max_time.unwrap_or(Duration::MAX));
    // The sender of a notification does not wait, so the notification neither closes a cycle nor
    // has to fit into the sender's deadline.
    let current = Current::of_thread();
    if current.as_ref().is_some_and(|current| current.request.known().is_none()) {
        // From the next request on, a method that calls others knows the trace that it is in.
        note_client();
    }
    let sent = trace_for_calls(current.as_ref());
    let traced = TracedCall { service: Some(core.name), method: entry.name, id: None, sent: sent.as_ref() };
    let trace = trace::begin_in_process(current.as_ref().map(|current| &current.trace), &traced);
    let number = current.as_ref().and_then(|current| current.request.number());
    let cause = current.as_ref().and_then(|current| current.request.known().cloned());
    let around = current.filter(|_| !notification);
    let chain = match around {
        None => None,
        Some(around) => {
            deadline = deadline.min(around.deadline);
            let closes_circle = around.waits_for(core.id, core.name);
            let link = around.link();
            if closes_circle {
                note_circle(core.id, &format_args!("{link} → {}", core.name));
                let error = waits_for_itself(&link, entry.name);
                trace::ended(&trace, &End { error: Some(Failure::Code(error.code())), ran: None });
                return Err(error);
            }
            Some(link)
        }
    };
    let caller = by.caller.clone();
    let place = entry.caller_limit.as_ref().map(|limit| CallerPlace::of(limit, &caller, None)).unwrap_or_default();
    let mut request = OnceLock::new();
    // Also for a method that does not read it, which may call one that does.
    if reads_request(core, entry) || cause.is_some() || sent.is_some() {
        request = Arc::new(RequestInfo::in_process(cause.as_deref(), sent).numbered(number)).into();
    }
    Ok(CallContext {
        method: entry.name,
        caller,
        arrived,
        deadline,
        notification,
        chain,
        request,
        number,
        services: services_of(core, entry),
        progress: None,
        cancelled: CancelFlag::default(),
        place,
        trace: OwnTrace(trace),
    })
}

/// Returns the other services, if a parameter of the method needs one, or something else of the
/// server.
pub(super) fn services_of(core: &AnyCore, entry: &MethodEntry) -> Option<Arc<Directory>> {
    if entry.options.needs.is_empty() { None } else { core.surroundings.services().cloned() }
}

/// Whether a call has to know its request.
pub(super) fn reads_request(core: &AnyCore, entry: &MethodEntry) -> bool {
    entry.options.reads_request || core.has_clients.load(Ordering::Relaxed)
}

/// Notes that the method or the start that runs on this thread waits for a service that is
/// starting.
///
/// # Errors
/// If both would wait for each other.
fn start_wait(core: &AnyCore) -> Result<Option<StartWait>, RpcError> {
    if core.lifecycle.status() != Status::Starting {
        return Ok(None);
    }
    let Some(current) = Current::of_thread() else { return Ok(None) };
    let wait = StartWait::begin(current.service, current.name, core.id);
    wait.map(Some).map_err(|circle| RpcError::internal_in(current.method, &circle))
}

/// Rejects a message that JSON cannot hold.
#[inline]
pub(super) fn check_message<M: Message>(message: &M) -> Result<(), RpcError> {
    check(message).map_err(|error: Unrepresentable| RpcError::invalid_params(error.field(), error.reason()))
}

/// Rejects an output that JSON cannot hold. A panic in the user's `Serialize` is an internal error.
#[inline]
fn check_output<M: Message>(output: M::Output) -> Reply<M> {
    let error = match caught(|| check(&output)) {
        Ok(Ok(())) => return Ok(output),
        Ok(Err(error)) => RpcError::unwritable(M::NAME, &error),
        Err(panic) => writing_panicked(M::NAME, panic),
    };
    discard(output);
    Err(error)
}

/// Returns -32603 for a method whose result panicked while it was serialised.
#[cold]
pub(super) fn writing_panicked(method: &'static str, panic: Box<dyn Any + Send>) -> RpcError {
    let cause = panic_text(&*panic);
    let error =
        RpcError::internal_in(method, &format_args!("the result of {method} panicked while it was written: {cause}"));
    discard(panic);
    error
}
