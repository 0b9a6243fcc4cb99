//! An async call among those that the scheduler polls.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::future::LocalBoxFuture;

use crate::log::Harmless;
use crate::mailbox::CallerWake;

/// An async call that runs.
pub(super) struct AsyncRun {
    pub(super) future: Harmless<LocalBoxFuture<'static, CallerWake>>,
    /// Whether it holds the state alone.
    pub(super) writer: bool,
}

impl Future for AsyncRun {
    type Output = (CallerWake, bool);

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let writer = self.writer;
        let future = self.future.get_mut();
        future.map_or(Poll::Pending, |future| future.as_mut().poll(cx).map(|release| (release, writer)))
    }
}
