//! What a caller is told whose call did not run, or not in time.

use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

use crate::jsonrpc::{RpcError, code};
use crate::route::{RejectReason, Rejection};
use crate::service::CallContext;

use super::backlog::Backlog;
use super::quota::LimitReached;

/// What waits before it would take longer than the call has.
pub(crate) fn hopeless(method: &str, capacity: usize, backlog: Backlog) -> Rejection {
    Rejection {
        reason: RejectReason::Hopeless,
        error: busy(method, "cannot start before its deadline", capacity, backlog),
    }
}

/// It has waited longer than it may, or would, in a mailbox that is overloaded.
pub(crate) fn overdue(method: &str, capacity: usize, backlog: Backlog) -> Rejection {
    Rejection {
        reason: RejectReason::Overdue,
        error: busy(method, "overloaded: calls wait longer than they may", capacity, backlog),
    }
}

/// Its mailbox, or its service, holds as many calls or bytes as it may.
pub(crate) fn full(method: &str, full: LimitReached, capacity: usize, backlog: Backlog) -> Rejection {
    let reason = match full {
        LimitReached::Mailbox => RejectReason::Full,
        LimitReached::Service => RejectReason::ServiceFull,
        LimitReached::Bytes => RejectReason::BytesFull,
    };
    Rejection { reason, error: busy(method, full.reason(), capacity, backlog) }
}

/// -32000.
fn busy(method: &str, reason: &str, capacity: usize, backlog: Backlog) -> RpcError {
    #[derive(Serialize)]
    struct Data<'a> {
        method: &'a str,
        reason: &'a str,
        depth: usize,
        capacity: usize,
        retry_after_ms: u64,
    }
    let (depth, retry_after) = (backlog.depth, backlog.retry_after());
    let error = RpcError::new(code::BUSY, "Server busy").with_retry_after(retry_after);
    error.with_data(&Data { method, reason, depth, capacity, retry_after_ms: millis(retry_after) })
}

/// -32002. `started` is when the call left its mailbox, or now if it has not.
pub(crate) fn deadline_error(call: &CallContext, started: Instant) -> RpcError {
    #[derive(Serialize)]
    struct Data {
        queued_ms: u64,
        deadline_ms: u64,
    }
    RpcError::new(code::DEADLINE, "Deadline exceeded").with_data(&Data {
        queued_ms: millis(started.duration_since(call.arrived)),
        deadline_ms: millis(call.deadline.duration_since(call.arrived)),
    })
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
