//! A queued call as the scheduler sees it: something that can be started.

use std::fmt;
use std::time::Duration;

use futures::future::LocalBoxFuture;
use tokio::time::Instant;

use crate::mailbox::{Entry, Queued, Release};
use crate::route::Rejection;
use crate::sync::Arc;

/// A call of any method of one service, and what it needs to run is in `C`.
pub(crate) trait Job<C: ?Sized>: Send + Sync {
    fn entry(&self) -> &Arc<Entry>;

    /// Whether it waits to be started.
    fn is_queued(&self) -> bool;

    /// When it came in.
    fn arrived(&self) -> Instant;

    /// Answers with this rejection if it has not started.
    fn turn_away(&self, rejection: Rejection);

    /// Answers -32603 if it runs.
    fn cut_off(&self);

    /// Takes what the method needs and starts it; sync methods have ended when this returns.
    fn start(self: Arc<Self>, core: &Arc<C>, now: Instant) -> Start;
}

/// What came of a try to start a call.
pub(crate) enum Start {
    /// The state, or a place among the calls in flight, is not to be had; the call still waits.
    Blocked,
    /// There was nothing to start: its caller left, or its deadline has passed.
    Over,
    /// It ran, and held the thread for so long until then.
    Ran { release: Release, took: Duration, at: Instant },
    /// It runs. The future ends with its answer.
    Runs(LocalBoxFuture<'static, Release>),
    /// It runs on the worker pool.
    Handed,
}

/// An item of a mailbox.
pub(crate) struct QueuedJob<C: ?Sized>(pub(crate) Arc<dyn Job<C>>);

impl<C: ?Sized> Clone for QueuedJob<C> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<C: ?Sized> Queued for QueuedJob<C> {
    fn is_live(&self) -> bool {
        self.0.is_queued()
    }
}

impl<C: ?Sized> fmt::Debug for QueuedJob<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("QueuedJob")
    }
}
