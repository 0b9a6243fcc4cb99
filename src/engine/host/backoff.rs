//! When to retry after failures: at once a few times, then with a growing pause.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// Maximum number of restarts within [`WITHIN`] before the service counts as down.
const MAX_RESTARTS: usize = 5;

/// See [`MAX_RESTARTS`].
const WITHIN: Duration = Duration::from_secs(5);
/// The first pause. Each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// The recent restarts of a service or of its host.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    recent: VecDeque<Instant>,
    pauses: u32,
}

impl Backoff {
    /// Records a restart. Returns false if there have been too many recently.
    pub(crate) fn record(&mut self, now: Instant) -> bool {
        while self.recent.front().is_some_and(|then| now.duration_since(*then) > WITHIN) {
            self.recent.pop_front();
        }
        if self.recent.is_empty() {
            self.pauses = 0;
        }
        self.recent.push_back(now);
        self.recent.len() <= MAX_RESTARTS
    }

    /// Returns the pause before the next attempt.
    pub(crate) fn pause(&mut self) -> Duration {
        let pause = FIRST_PAUSE.saturating_mul(1 << self.pauses.min(10)).min(LONGEST_PAUSE);
        self.pauses += 1;
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_restarts_in_five_seconds_are_allowed_and_a_sixth_is_not() {
        let (mut restarts, start) = (Backoff::default(), Instant::now());
        assert!((0..5).all(|n| restarts.record(start + Duration::from_millis(n * 100))));
        assert!(!restarts.record(start + Duration::from_secs(4)));
        assert!(restarts.record(start + Duration::from_secs(60)), "a minute later it is allowed again");
    }

    #[test]
    fn pauses_double_up_to_a_bound_and_begin_anew_after_a_quiet_time() {
        let (mut restarts, start) = (Backoff::default(), Instant::now());
        restarts.record(start);
        let pauses: Vec<_> = (0..8).map(|_| restarts.pause().as_millis()).collect();
        assert_eq!(pauses, [500, 1000, 2000, 4000, 8000, 16000, 30000, 30000]);
        restarts.record(start + Duration::from_secs(60));
        assert_eq!(restarts.pause(), FIRST_PAUSE);
    }
}
