//! The pauses before a lost connection is opened again.

use std::time::Duration;

use crate::retry::random_up_to;

/// The longest first pause.
const FIRST: Duration = Duration::from_millis(100);

/// The longest pause of all.
const LONGEST: Duration = Duration::from_secs(10);

/// The pauses between attempts to connect: their limit doubles each time. Half of a pause is
/// random, so that the clients of a server that was restarted do not all come back at once.
#[derive(Debug)]
pub(crate) struct Backoff {
    limit: Duration,
}

impl Backoff {
    pub(crate) fn new() -> Self {
        Self { limit: FIRST }
    }

    /// Begins again with the first pause.
    pub(crate) fn reset(&mut self) {
        self.limit = FIRST;
    }

    /// Returns the next pause.
    pub(crate) fn next_pause(&mut self) -> Duration {
        let half = self.limit / 2;
        self.limit = (self.limit * 2).min(LONGEST);
        half + random_up_to(half)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_ten_seconds_and_half_of_each_is_random() {
        let mut backoff = Backoff::new();
        for limit in [100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000] {
            let (pause, limit) = (backoff.next_pause(), Duration::from_millis(limit));
            assert!((limit / 2..=limit).contains(&pause), "{pause:?} of {limit:?}");
        }
        backoff.reset();
        assert!(backoff.next_pause() <= FIRST);
    }
}
