//! A queued call as the scheduler sees it: a job that can be started.

use std::fmt;
use std::time::Duration;

use futures::future::LocalBoxFuture;
use tokio::time::Instant;

use crate::mailbox::{CallerWake, MethodEntry, QueueItem};
use crate::route::Rejection;
use crate::sync::Arc;

/// A call of any method of one service. `C` has what it needs to run.
pub(crate) trait Job<C: ?Sized>: Send + Sync {
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

    /// Takes what the method needs, and starts it. A sync method has ended when this returns.
    fn start(self: Arc<Self>, core: &Arc<C>, now: Instant) -> JobStart;
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

/// An item of a mailbox.
pub(crate) struct QueuedJob<C: ?Sized>(pub(crate) Arc<dyn Job<C>>);

impl<C: ?Sized> Clone for QueuedJob<C> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<C: ?Sized> QueueItem for QueuedJob<C> {
    fn is_live(&self) -> bool {
        self.0.is_queued()
    }
}

impl<C: ?Sized> fmt::Debug for QueuedJob<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("QueuedJob")
    }
}
