//! A throttle for log lines that may occur thousands of times a second.

#![expect(missing_docs, reason = "public for the engine of callbox alone")]

use std::time::Duration;

use tokio::time::Instant;

use std::sync::atomic::{AtomicU64, Ordering};

/// Limits how often a line is logged: at once, and then at most once per `interval`. Counts the
/// occurrences between.
#[derive(Debug)]
pub struct LogThrottle {
    interval: Duration,
    epoch: Instant,
    /// Time before which the line is not logged again, in nanoseconds since `epoch`.
    not_before: AtomicU64,
    /// Number of occurrences since the line was last logged.
    occurrences: AtomicU64,
}

impl LogThrottle {
    pub fn new(interval: Duration) -> Self {
        let (not_before, occurrences) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { interval, epoch: Instant::now(), not_before, occurrences }
    }

    /// Records an occurrence like [`record`](Self::record), at the current time.
    pub fn record_now(&self) -> Option<u64> {
        self.record(Instant::now())
    }

    /// Records an occurrence. If the line is to be logged now, returns the number of occurrences
    /// since it was last logged, including this one.
    pub fn record(&self, now: Instant) -> Option<u64> {
        self.occurrences.fetch_add(1, Ordering::Relaxed);
        let now = nanos(now.duration_since(self.epoch));
        let not_before = self.not_before.load(Ordering::Relaxed);
        if now < not_before {
            return None;
        }
        let next = now + nanos(self.interval);
        // If several threads arrive at the same time, the exchange succeeds for one of them.
        self.not_before.compare_exchange(not_before, next, Ordering::Relaxed, Ordering::Relaxed).ok()?;
        Some(self.occurrences.swap(0, Ordering::Relaxed))
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_secs(1);

    #[test]
    fn a_line_is_logged_at_once_and_then_once_a_second_with_the_number_of_occurrences() {
        let (throttle, start) = (LogThrottle::new(INTERVAL), Instant::now());
        assert_eq!(throttle.record(start), Some(1));
        for millis in 0..999 {
            assert_eq!(throttle.record(start + Duration::from_millis(millis)), None);
        }
        assert_eq!(throttle.record(start + Duration::from_secs(1)), Some(1000));
        assert_eq!(throttle.record(start + Duration::from_millis(1500)), None);
        assert_eq!(throttle.record(start + Duration::from_secs(60)), Some(2));
    }

    #[test]
    fn one_of_several_threads_logs_the_line() {
        let (throttle, now) = (LogThrottle::new(INTERVAL), Instant::now());
        let given: Vec<u64> = std::thread::scope(|scope| {
            let threads: Vec<_> =
                (0..8).map(|_| scope.spawn(|| (0..1000).filter_map(|_| throttle.record(now)).sum())).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).filter(|given| *given > 0).collect()
        });
        assert_eq!(given.len(), 1, "{given:?}");
        assert_eq!(throttle.record(now + INTERVAL), Some(8001 - given[0]));
    }
}
