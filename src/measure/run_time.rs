//! How long a run of an async method usually takes, its awaits included.
//!
//! [`Cost`](super::cost::Cost) has the time on the thread, which is what the scheduler shares out.
//! A caller waits for the awaits of the runs in front as well.

use std::time::Duration;

use tokio::time::Instant;

use crate::sync::{AtomicU64, Ordering};

use super::cost::nanos;

/// Number of runs from which on the average means something.
const MIN_SAMPLES: u64 = 8;

/// The usual time of a run. As in [`Cost`](super::cost::Cost), an update that meets another may be
/// lost.
#[derive(Debug, Default)]
pub(crate) struct RunTime {
    /// Number of runs, at most [`MIN_SAMPLES`].
    samples: AtomicU64,
    /// Exponential moving average, in nanoseconds: each run counts an eighth.
    usual: AtomicU64,
}

impl RunTime {
    /// Measures a run until it ends or is dropped.
    pub(crate) fn begin(&self) -> MeasuredRun<'_> {
        MeasuredRun { of: self, began: Instant::now(), has_ended: false }
    }

    /// Returns the usual time of a run; zero after too few runs.
    pub(crate) fn usual(&self) -> Duration {
        if self.samples.load(Ordering::Relaxed) < MIN_SAMPLES {
            return Duration::ZERO;
        }
        Duration::from_nanos(self.usual.load(Ordering::Relaxed))
    }

    pub(crate) fn record(&self, time: Duration) {
        let (samples, usual) = (self.samples.load(Ordering::Relaxed), self.usual.load(Ordering::Relaxed));
        let next = if samples == 0 { nanos(time) } else { usual - usual / 8 + nanos(time) / 8 };
        self.usual.store(next, Ordering::Relaxed);
        if samples < MIN_SAMPLES {
            self.samples.store(samples + 1, Ordering::Relaxed);
        }
    }
}

/// A run that is measured.
pub(crate) struct MeasuredRun<'a> {
    of: &'a RunTime,
    began: Instant,
    has_ended: bool,
}

impl MeasuredRun<'_> {
    /// Notes that the run has come to its end.
    pub(crate) fn end(&mut self) {
        self.has_ended = true;
    }
}

impl Drop for MeasuredRun<'_> {
    fn drop(&mut self) {
        let time = self.began.elapsed();
        // A run that was cut off would have taken longer: how much, nobody knows.
        if self.has_ended || time > Duration::from_nanos(self.of.usual.load(Ordering::Relaxed)) {
            self.of.record(time);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn runs_count_when_they_end_or_take_longer_than_usual() {
        let time = RunTime::default();
        let run = async |ms, ends| {
            let mut run = time.begin();
            tokio::time::advance(Duration::from_millis(ms)).await;
            if ends {
                run.end();
            }
        };
        for _ in 0..MIN_SAMPLES {
            assert_eq!(time.usual(), Duration::ZERO);
            run(8, true).await;
        }
        assert_eq!(time.usual(), Duration::from_millis(8));
        run(1, false).await;
        assert_eq!(time.usual(), Duration::from_millis(8), "it might have taken longer");
        run(16, false).await;
        assert_eq!(time.usual(), Duration::from_millis(9), "it would have taken longer still");
    }
}
