//! What a caller says of itself with one call, where there are no headers for that.

use std::sync::Arc;
use std::time::Duration;

use crate::jsonrpc::{CallMeta, RpcError};
use crate::route::Route;
use crate::service::{CallContext, Link};

use super::super::resolved_request::waits_for_itself;

/// Applies how long the caller waits, which services wait with it, and the id of its request.
///
/// The rules are those of HTTP's headers: anybody may say it, since it can only shorten the
/// deadline of this call, refuse this call, and name it in the log. A value that is not usable
/// counts as not sent.
///
/// # Errors
/// -32603 if the call would come back to a service that waits for it.
pub(super) fn apply(meta: &CallMeta<'_>, route: &dyn Route, call: &mut CallContext) -> Result<(), RpcError> {
    if let Some(id) = &meta.request_id
        && let Some(request) = call.request.get().and_then(|request| request.with_id(id))
    {
        call.request = Arc::new(request).into();
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
