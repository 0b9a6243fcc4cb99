//! Lets callers wait until a service is idle.

use std::future::Future;

use tokio::sync::watch;

use crate::sync::{AtomicU64, Ordering};

/// Numbers the requests to wait, and holds the last number for which the host has confirmed that
/// the service was idle.
///
/// The host reads the number of requests before it looks for work. What it finds confirms only the
/// requests made before that, because a later request may be about a call that arrived in between.
#[derive(Debug)]
pub(crate) struct Idle {
    requests: AtomicU64,
    confirmed: watch::Sender<u64>,
}

impl Default for Idle {
    fn default() -> Self {
        Self { requests: AtomicU64::new(0), confirmed: watch::Sender::new(0) }
    }
}

impl Idle {
    /// Waits until the host confirms this request or a later one.
    pub(crate) fn wait(&self) -> impl Future<Output = ()> + use<> {
        let request = self.requests.fetch_add(1, Ordering::AcqRel) + 1;
        let mut confirmed = self.confirmed.subscribe();
        async move {
            // An error is impossible: whoever waits has a reference to the service.
            let _ = confirmed.wait_for(|confirmed| *confirmed >= request).await;
        }
    }

    /// Returns the number of requests so far.
    pub(crate) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Acquire)
    }

    /// Confirms that the service was idle after this many requests.
    pub(crate) fn confirm(&self, requests: u64) {
        self.confirmed.send_if_modified(|confirmed| std::mem::replace(confirmed, requests) != requests);
    }

    /// Confirms this and all later requests, since the service has ended. A method that could not
    /// be interrupted may still run.
    pub(crate) fn end(&self) {
        self.confirm(u64::MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_look_is_no_answer_to_a_request_that_comes_after_it() {
        let idle = Idle::default();
        let mut first = Box::pin(idle.wait());
        let seen = idle.requests();
        let mut second = Box::pin(idle.wait());
        idle.confirm(seen);
        assert!(futures::poll!(&mut first).is_ready());
        assert!(futures::poll!(&mut second).is_pending());
        idle.confirm(idle.requests());
        assert!(futures::poll!(&mut second).is_ready());
    }

    #[tokio::test]
    async fn a_service_that_has_ended_is_idle_for_good() {
        let idle = Idle::default();
        let mut before = Box::pin(idle.wait());
        assert!(futures::poll!(&mut before).is_pending());
        idle.end();
        assert!(futures::poll!(&mut before).is_ready() && futures::poll!(Box::pin(idle.wait())).is_ready());
    }
}
