//! The stop of the server, for connections.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use futures::future::LocalBoxFuture;
use tokio::sync::watch;
use tokio::task::unconstrained;

/// A future that completes when the server begins to stop.
///
/// A connection polls it with everything that it receives or sends. Nearly all of these polls look
/// at the version of a value, and no more.
pub(crate) struct Stopping {
    /// Becomes true.
    value: watch::Receiver<bool>,
    began: LocalBoxFuture<'static, ()>,
    /// The waker with which `began` was last polled.
    waker: Option<Waker>,
}

impl Stopping {
    /// `value` becomes true when the server begins to stop.
    pub(crate) fn new(value: watch::Receiver<bool>) -> Self {
        let mut until = value.clone();
        // An error means that the server is gone. Tokio must let it register its waker even if the
        // task has done much, since it is polled once for each waker.
        let began = unconstrained(async move { _ = until.wait_for(|stopping| *stopping).await });
        Self { value, began: Box::pin(began), waker: None }
    }

    /// Whether the server has begun to stop.
    pub(crate) fn has_begun(&self) -> bool {
        *self.value.borrow()
    }
}

impl Future for Stopping {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let wakes_us = self.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker()));
        if wakes_us && matches!(self.value.has_changed(), Ok(false)) {
            return Poll::Pending;
        }
        let began = self.began.as_mut().poll(cx);
        self.waker = began.is_pending().then(|| cx.waker().clone());
        began
    }
}
