//! What a caller says of itself with one call, where there are no headers for that.

use std::sync::Arc;
use std::time::Duration;

use crate::jsonrpc::{CallMeta, RpcError};
use crate::route::{Route, waits_for_itself};
use crate::service::{CallContext, Link, RequestInfo};

/// Applies how long the caller waits, which services wait with it, the id of its request, and the
/// trace that it belongs to.
///
/// The rules are those of HTTP's headers: anybody may say it, since it can only shorten the
/// deadline of this call, refuse this call, and name it in the log and in traces. A value that is
/// not usable counts as not sent.
///
/// # Errors
/// -32603 if the call would come back to a service that waits for it.
pub(super) fn apply(
    meta: &CallMeta<'_>,
    of_connection: &Arc<RequestInfo>,
    route: &dyn Route,
    call: &mut CallContext,
) -> Result<(), RpcError> {
    let trace = meta.trace();
    // With a trace the request is needed, even if nothing has needed that of the connection so far.
    let known = call.request.get().or(trace.as_ref().map(|_| of_connection)).cloned();
    if let Some(known) = known {
        let named = meta.request_id.as_ref().and_then(|id| known.with_id(id));
        let traced = trace.map(|trace| named.as_ref().unwrap_or(&known).with_trace(trace));
        if let Some(request) = traced.or(named) {
            call.request = Arc::new(request).into();
        }
    }
    // Nobody waits for a notification.
    let Some(timeout) = meta.timeout_ms.filter(|timeout| *timeout > 0 && !call.notification) else { return Ok(()) };
    if let Some(until) = call.arrived.checked_add(Duration::from_millis(timeout)) {
        call.deadline = call.deadline.min(until);
    }
    // As over HTTP, it is read only beside the time.
    let chain = meta.chain.as_deref().and_then(Link::from_header);
    if let Some(chain) = &chain
        && route.waits_in(chain)
    {
        return Err(waits_for_itself(chain, route.name()));
    }
    call.chain = chain.or(call.chain.take());
    Ok(())
}
