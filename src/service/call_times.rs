//! How long the calls of a request waited and ran, for its line in the access log.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The longest times of the calls of one request. Written where the calls end, on any thread.
#[derive(Debug, Default)]
pub(crate) struct CallTimes {
    wait: LongestTime,
    run: LongestTime,
}

/// A number of microseconds, plus one; 0 before there is any.
#[derive(Debug, Default)]
struct LongestTime(AtomicU64);

impl CallTimes {
    /// Notes the times of a call that has ended. `run` is `None` if it never started.
    pub(crate) fn note(&self, wait: Duration, run: Option<Duration>) {
        self.wait.note(wait);
        if let Some(run) = run {
            self.run.note(run);
        }
    }

    /// Returns the longest time from the arrival of a call to its start, or to its end if it never
    /// started, in microseconds. `None` if no call has ended.
    pub(crate) fn wait_us(&self) -> Option<u64> {
        self.wait.micros()
    }

    /// Returns the longest duration of a run, in microseconds. `None` if no call has run.
    pub(crate) fn run_us(&self) -> Option<u64> {
        self.run.micros()
    }
}

impl LongestTime {
    fn note(&self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.0.fetch_max(micros.saturating_add(1), Ordering::Relaxed);
    }

    fn micros(&self) -> Option<u64> {
        self.0.load(Ordering::Relaxed).checked_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_times_of_several_calls_count() {
        let times = CallTimes::default();
        assert_eq!((times.wait_us(), times.run_us()), (None, None));
        times.note(Duration::ZERO, None);
        assert_eq!((times.wait_us(), times.run_us()), (Some(0), None));
        times.note(Duration::from_micros(7), Some(Duration::from_micros(5)));
        times.note(Duration::from_micros(3), Some(Duration::from_micros(9)));
        assert_eq!((times.wait_us(), times.run_us()), (Some(7), Some(9)));
    }
}
