//! A timer of a connection.

use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use tokio::task::unconstrained;
use tokio::time::{Instant, Sleep, sleep_until};

/// A timer that is polled often before it is due.
#[derive(Debug)]
pub(super) struct Timer {
    at: Instant,
    sleep: Pin<Box<Sleep>>,
    /// The waker that it wakes.
    waker: Option<Waker>,
}

impl Timer {
    pub(super) fn new(at: Instant) -> Self {
        Self { at, sleep: Box::pin(sleep_until(at)), waker: None }
    }

    pub(super) fn reset(&mut self, at: Instant) {
        self.sleep.as_mut().reset(at);
        (self.at, self.waker) = (at, None);
    }

    /// Whether the timer wakes this task.
    pub(super) fn wakes(&self, cx: &Context<'_>) -> bool {
        self.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker()))
    }

    /// Polls the timer itself only if it is due, or would wake another task.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.wakes(cx) && Instant::now() < self.at {
            return Poll::Pending;
        }
        // Without this, tokio registers no waker once a task has done much in one poll.
        let polled = pin!(unconstrained(self.sleep.as_mut())).poll(cx);
        self.waker = polled.is_pending().then(|| cx.waker().clone());
        polled
    }
}
