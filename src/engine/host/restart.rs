//! How often something may be made anew before it counts as down, and when it is tried again.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// So many restarts are borne ...
const MOST: usize = 5;
/// ... within this time.
const WITHIN: Duration = Duration::from_secs(5);
/// The first pause; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

#[derive(Debug, Default)]
pub(crate) struct Restarts {
    recent: VecDeque<Instant>,
    pauses: u32,
}

impl Restarts {
    /// Notes a restart. False if there were too many of late.
    pub(crate) fn note(&mut self, now: Instant) -> bool {
        while self.recent.front().is_some_and(|then| now.duration_since(*then) > WITHIN) {
            self.recent.pop_front();
        }
        if self.recent.is_empty() {
            self.pauses = 0;
        }
        self.recent.push_back(now);
        self.recent.len() <= MOST
    }

    /// How long to wait before the next try.
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
    fn five_restarts_in_five_seconds_are_borne_and_a_sixth_is_not() {
        let (mut restarts, start) = (Restarts::default(), Instant::now());
        assert!((0..5).all(|n| restarts.note(start + Duration::from_millis(n * 100))));
        assert!(!restarts.note(start + Duration::from_secs(4)));
        assert!(restarts.note(start + Duration::from_secs(60)), "and later it is again");
    }

    #[test]
    fn pauses_double_up_to_a_bound_and_begin_anew_after_a_quiet_time() {
        let (mut restarts, start) = (Restarts::default(), Instant::now());
        restarts.note(start);
        let pauses: Vec<_> = (0..8).map(|_| restarts.pause().as_millis()).collect();
        assert_eq!(pauses, [500, 1000, 2000, 4000, 8000, 16000, 30000, 30000]);
        restarts.note(start + Duration::from_secs(60));
        assert_eq!(restarts.pause(), FIRST_PAUSE);
    }
}
