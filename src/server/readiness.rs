//! Whether a service is ready, asked at most once a second.

use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

/// For how long an answer counts. Orchestrators and balancers ask often, and from several places.
const MAX_AGE: Duration = Duration::from_secs(1);

/// The last answer of a service.
#[derive(Debug, Default)]
pub(super) struct Readiness(Mutex<Option<(Instant, bool)>>);

impl Readiness {
    /// Returns the last answer, or asks if it is too old. Those who ask at the same time get the
    /// same answer.
    pub(super) async fn get(&self, ask: impl Future<Output = bool>) -> bool {
        let mut last = self.0.lock().await;
        if let Some((at, ready)) = *last
            && at.elapsed() < MAX_AGE
        {
            return ready;
        }
        let ready = ask.await;
        *last = Some((Instant::now(), ready));
        ready
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use futures::future::join;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_service_is_asked_once_a_second_whoever_asks() {
        let (readiness, asked) = (Readiness::default(), Cell::new(0));
        let ask = || async {
            tokio::time::sleep(Duration::from_millis(10)).await;
            asked.set(asked.get() + 1);
            asked.get() % 2 == 1
        };
        assert_eq!(join(readiness.get(ask()), readiness.get(ask())).await, (true, true));
        assert_eq!(asked.get(), 1);
        tokio::time::advance(Duration::from_millis(900)).await;
        assert!(readiness.get(ask()).await);
        tokio::time::advance(Duration::from_millis(101)).await;
        assert!(!readiness.get(ask()).await);
        assert_eq!(asked.get(), 2);
    }
}
