//! Those who wait for a service to have nothing to do.

use std::future::Future;

use tokio::sync::watch;

use crate::sync::{AtomicU64, Ordering};

/// Questions whether all is done, counted, and up to which of them the answer was yes.
///
/// The host reads the count before it looks: what it finds is no answer to a question that comes after its look, for the
/// question may be about a call that came in between.
#[derive(Debug)]
pub(crate) struct Settled {
    asked: AtomicU64,
    told: watch::Sender<u64>,
}

impl Default for Settled {
    fn default() -> Self {
        Self { asked: AtomicU64::new(0), told: watch::Sender::new(0) }
    }
}

impl Settled {
    /// Asks. Completes once the host has told that question, or a later one.
    pub(crate) fn ask(&self) -> impl Future<Output = ()> + use<> {
        let question = self.asked.fetch_add(1, Ordering::AcqRel) + 1;
        let mut told = self.told.subscribe();
        async move {
            // If the service itself is gone, so is all that it had to do.
            let _ = told.wait_for(|told| *told >= question).await;
        }
    }

    /// How many have asked.
    pub(crate) fn asked(&self) -> u64 {
        self.asked.load(Ordering::Acquire)
    }

    /// All was done when so many had asked.
    pub(crate) fn tell(&self, asked: u64) {
        self.told.send_if_modified(|told| std::mem::replace(told, asked) != asked);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_look_is_no_answer_to_a_question_that_comes_after_it() {
        let settled = Settled::default();
        let mut first = Box::pin(settled.ask());
        let look = settled.asked();
        let mut second = Box::pin(settled.ask());
        settled.tell(look);
        assert!(futures::poll!(&mut first).is_ready());
        assert!(futures::poll!(&mut second).is_pending());
        settled.tell(settled.asked());
        assert!(futures::poll!(&mut second).is_ready());
    }
}
