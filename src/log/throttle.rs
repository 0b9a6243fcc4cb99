//! Warnings that may be due thousands of times a second, and are given once.

use std::time::Duration;

use tokio::time::Instant;

use crate::sync::{AtomicU64, Ordering};

/// One kind of warning: given at once, and then once in a `pause` at most, with the number of times that it was due.
#[derive(Debug)]
pub(crate) struct LogThrottle {
    pause: Duration,
    epoch: Instant,
    /// Nanoseconds since `epoch`, before which it is not given again.
    not_before: AtomicU64,
    due: AtomicU64,
}

impl LogThrottle {
    pub(crate) fn new(pause: Duration) -> Self {
        Self { pause, epoch: Instant::now(), not_before: AtomicU64::new(0), due: AtomicU64::new(0) }
    }

    /// The same as [`record`](Self::record), at the time that it is.
    pub(crate) fn record_now(&self) -> Option<u64> {
        self.record(Instant::now())
    }

    /// Notes that the warning is due. If it is to be given now: how many times it was due since it last was, this one
    /// included.
    pub(crate) fn record(&self, now: Instant) -> Option<u64> {
        self.due.fetch_add(1, Ordering::Relaxed);
        let now = nanos(now.duration_since(self.epoch));
        let not_before = self.not_before.load(Ordering::Relaxed);
        if now < not_before {
            return None;
        }
        let next = now + nanos(self.pause);
        // Of several threads that come at once, one gives it.
        self.not_before.compare_exchange(not_before, next, Ordering::Relaxed, Ordering::Relaxed).ok()?;
        Some(self.due.swap(0, Ordering::Relaxed))
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSE: Duration = Duration::from_secs(1);

    #[test]
    fn a_warning_is_given_at_once_and_then_once_a_second_with_the_times_that_it_was_due() {
        let (throttle, start) = (LogThrottle::new(PAUSE), Instant::now());
        assert_eq!(throttle.record(start), Some(1));
        for millis in 0..999 {
            assert_eq!(throttle.record(start + Duration::from_millis(millis)), None);
        }
        assert_eq!(throttle.record(start + Duration::from_secs(1)), Some(1000));
        assert_eq!(throttle.record(start + Duration::from_millis(1500)), None);
        assert_eq!(throttle.record(start + Duration::from_secs(60)), Some(2));
    }

    #[test]
    fn of_several_threads_one_gives_the_warning() {
        let (throttle, now) = (LogThrottle::new(PAUSE), Instant::now());
        let given: Vec<u64> = std::thread::scope(|scope| {
            let threads: Vec<_> =
                (0..8).map(|_| scope.spawn(|| (0..1000).filter_map(|_| throttle.record(now)).sum())).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).filter(|given| *given > 0).collect()
        });
        assert_eq!(given.len(), 1, "{given:?}");
        assert_eq!(throttle.record(now + PAUSE), Some(8001 - given[0]));
    }
}
