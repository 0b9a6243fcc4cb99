//! A call as the scheduler and the worker pool see it.

use std::any::Any;
use std::time::Duration;

use futures::future::LocalBoxFuture;
use tokio::time::Instant;

use crate::mailbox::{CallerWake, MethodEntry};
use crate::route::Rejection;
use crate::sync::Arc;

/// A call of any method of any service.
pub(crate) trait Job: Any + Send + Sync {
    /// Returns the entry of its method.
    fn entry(&self) -> &Arc<MethodEntry>;

    /// Whether it waits to be started.
    fn is_queued(&self) -> bool;

    /// Returns the time of its arrival.
    fn arrived(&self) -> Instant;

    /// Answers with this rejection if it has not started.
    fn reject(&self, rejection: Rejection);

    /// Answers -32603 if it runs.
    fn cut_off(&self);
}

/// The result of an attempt to start a call.
pub(crate) enum JobStart {
    /// The state is taken, the limit of calls in flight is reached, or the worker pool takes no
    /// more calls of the service. The call still waits.
    Blocked,
    /// There was nothing to start: the caller has left, the call would end too late, or its batch
    /// has no room for the result.
    Nothing,
    /// It ran, held the thread for `took`, and ended at `at`.
    Ran { release: CallerWake, took: Duration, at: Instant },
    /// It runs as this future, which ends with the reply.
    Runs(LocalBoxFuture<'static, CallerWake>),
    /// It runs on the worker pool.
    OnPool,
}
