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

    /// Whether the timer is not due, and is going to wake this task.
    pub(super) fn waits(&self, cx: &Context<'_>) -> bool {
        self.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) && Instant::now() < self.at
    }

    /// Polls the timer itself only if it is due, or would wake another task.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.waits(cx) {
            return Poll::Pending;
        }
        // Without this, tokio registers no waker once a task has done much in one poll.
        let polled = pin!(unconstrained(self.sleep.as_mut())).poll(cx);
        self.waker = polled.is_pending().then(|| cx.waker().clone());
        polled
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures::task::noop_waker_ref;
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_timer_waits_once_it_was_polled_and_until_it_is_due() {
        let cx = &mut Context::from_waker(noop_waker_ref());
        let second = Duration::from_secs(1);
        let mut timer = Timer::new(Instant::now() + second);
        assert!(!timer.waits(cx), "it wakes nobody");
        assert!(timer.poll(cx).is_pending() && timer.waits(cx));
        // It has woken the task, and does not wake it again.
        advance(second * 2).await;
        assert!(!timer.waits(cx) && timer.poll(cx).is_ready());
        timer.reset(Instant::now() + second);
        assert!(!timer.waits(cx) && timer.poll(cx).is_pending() && timer.waits(cx));
    }
}
