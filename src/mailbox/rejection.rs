//! The rejections of admission and shedding, and the error of an expired deadline.

use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

use crate::jsonrpc::{RpcError, code};
use crate::route::{RejectReason, Rejection};
use crate::service::CallContext;

use super::backlog::Backlog;
use super::quota::LimitReached;

/// The backlog and the call itself usually take longer than the call has left.
pub(crate) fn hopeless(method: &str, capacity: usize, backlog: Backlog) -> Rejection {
    Rejection {
        reason: RejectReason::Hopeless,
        error: busy(method, "cannot start before its deadline", capacity, backlog),
    }
}

/// The call has more bytes of parameters than may wait in the whole service.
pub(crate) fn never_fits(method: &str, capacity: usize, backlog: Backlog) -> Rejection {
    Rejection {
        reason: RejectReason::NeverFits,
        error: busy(method, "more bytes of parameters than may wait", capacity, backlog),
    }
}

/// The call has waited longer than `max_wait`, or would, in an overloaded mailbox.
pub(crate) fn overdue(method: &str, capacity: usize, backlog: Backlog) -> Rejection {
    Rejection {
        reason: RejectReason::Overdue,
        error: busy(method, "overloaded: calls wait longer than they may", capacity, backlog),
    }
}

/// The mailbox, or the service, holds as many calls or bytes as it may.
pub(crate) fn full(method: &str, full: LimitReached, capacity: usize, backlog: Backlog) -> Rejection {
    let reason = match full {
        LimitReached::Mailbox => RejectReason::Full,
        LimitReached::Service => RejectReason::ServiceFull,
        LimitReached::Bytes => RejectReason::BytesFull,
    };
    Rejection { reason, error: busy(method, full.reason(), capacity, backlog) }
}

/// The caller has as many calls in the method as it may, which is `max`.
pub(crate) fn too_many_of_caller(method: &str, max: usize, backlog: Backlog) -> Rejection {
    Rejection { reason: RejectReason::Caller, error: busy(method, "caller", max, Backlog { depth: max, ..backlog }) }
}

/// Builds the error -32000, with the state of the mailbox and when to retry.
fn busy(method: &str, reason: &str, capacity: usize, backlog: Backlog) -> RpcError {
    #[derive(Serialize)]
    struct BusyData<'a> {
        method: &'a str,
        reason: &'a str,
        depth: usize,
        capacity: usize,
        retry_after_ms: u64,
    }
    let (depth, retry_after) = (backlog.depth, backlog.retry_after());
    let error = RpcError::new(code::BUSY, "Server busy").with_retry_after(retry_after);
    error.with_data(&BusyData { method, reason, depth, capacity, retry_after_ms: millis(retry_after) })
}

/// Builds the error -32002. `started` is when the call left its mailbox, or now if it did not.
pub(crate) fn deadline_error(call: &CallContext, started: Instant) -> RpcError {
    #[derive(Serialize)]
    struct DeadlineData {
        queued_ms: u64,
        deadline_ms: u64,
    }
    RpcError::new(code::DEADLINE, "Deadline exceeded").with_data(&DeadlineData {
        queued_ms: millis(started.duration_since(call.arrived)),
        deadline_ms: millis(call.deadline.duration_since(call.arrived)),
    })
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
