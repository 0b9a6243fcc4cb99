//! What a call of a method usually costs: the measured time that it holds a thread.

use std::time::Duration;

use tokio::time::Instant;

use crate::sync::{AtomicU64, Ordering};

/// Maximum time that a call may usually hold its thread to run inline. Several times the 5–8 µs
/// that an inline run saves, because no other thread has to be woken.
const SHORT_RUN: Duration = Duration::from_micros(50);

/// Time for which a method goes to the host after a run longer than [`SHORT_RUN`], unless it has
/// [`credit`](Cost::credit).
const LONG_RUN_PENALTY: Duration = Duration::from_secs(1);

/// Credit that a method starts with.
const INITIAL_CREDIT: Duration = Duration::from_millis(1);
/// Maximum credit of a method.
const MAX_CREDIT: Duration = Duration::from_millis(10);

/// Number of samples up to which each counts in full.
const WARM_UP_SAMPLES: u64 = 8;
/// Number of samples above which they are no longer counted.
const MAX_SAMPLES: u64 = 64;

/// The measured cost of one method.
///
/// Updates are plain loads and stores: when two threads update at once, one sample may be lost,
/// which an estimate can bear. All callers' threads read these values for each call, so a value
/// that has hardly changed is not written: the write would take the cache line from all readers.
#[derive(Debug)]
pub(crate) struct Cost {
    epoch: Instant,
    samples: AtomicU64,
    /// Exponential moving average of the time on the thread, in nanoseconds: each sample counts an
    /// eighth.
    usual: AtomicU64,
    /// Until when the method does not count as short, in nanoseconds since `epoch`.
    long_until: AtomicU64,
    /// How long its long runs may still take, in nanoseconds.
    ///
    /// When the system takes a thread off its core, its run looks long. That happens to every
    /// method, even a few times in a row. So short runs earn what long runs spend: only a method
    /// that is long for more of its time than it is short runs out of credit.
    credit: AtomicU64,
    /// Number of runs of the method when it last was not short.
    runs_when_long: AtomicU64,
}

impl Cost {
    pub(crate) fn new() -> Self {
        Self {
            epoch: Instant::now(),
            samples: AtomicU64::new(0),
            usual: AtomicU64::new(0),
            long_until: AtomicU64::new(0),
            credit: AtomicU64::new(nanos(INITIAL_CREDIT)),
            runs_when_long: AtomicU64::new(0),
        }
    }

    /// Records one call that held a thread for `total`, all its polls together.
    #[inline]
    pub(crate) fn record_run(&self, total: Duration) {
        let (samples, sample) = (self.samples.load(Ordering::Relaxed), nanos(total));
        let usual = self.usual.load(Ordering::Relaxed);
        // An interrupted run says little about the method, so one sample is capped at four times
        // the average. If the method has really become slow, more samples will say so.
        let sample = if samples >= WARM_UP_SAMPLES { sample.min(usual.saturating_mul(4).max(1000)) } else { sample };
        let next = if samples == 0 { sample } else { usual - usual / 8 + sample / 8 };
        // A short method's time need not be known more exactly than that it is short.
        if next >= nanos(SHORT_RUN) || next.abs_diff(usual) > usual / 16 || samples < MAX_SAMPLES {
            self.usual.store(next, Ordering::Relaxed);
        }
        if samples < MAX_SAMPLES {
            self.samples.store(samples + 1, Ordering::Relaxed);
        }
    }

    /// Records a run, or one poll, that held a thread for `time` until `now`. `runs` returns how
    /// often the method has run; it is called for long runs only.
    #[inline]
    pub(crate) fn record_hold(&self, time: Duration, now: Instant, runs: impl FnOnce() -> u64) {
        if time < SHORT_RUN {
            return;
        }
        let runs = runs();
        let before = self.runs_when_long.swap(runs, Ordering::Relaxed);
        let earned = self.usual.load(Ordering::Relaxed).saturating_mul(runs.saturating_sub(before));
        let credit = self.credit.load(Ordering::Relaxed).saturating_add(earned).min(nanos(MAX_CREDIT));
        let left = credit.checked_sub(nanos(time));
        self.credit.store(left.unwrap_or(0), Ordering::Relaxed);
        if left.is_none() {
            self.penalize(now);
        }
    }

    /// Records that a run has held its thread for longer than any credit allows, and has not ended
    /// yet.
    pub(crate) fn record_overlong_hold(&self, now: Instant) {
        self.penalize(now);
    }

    fn penalize(&self, now: Instant) {
        let until = nanos(now.duration_since(self.epoch) + LONG_RUN_PENALTY);
        self.long_until.fetch_max(until, Ordering::Relaxed);
    }

    /// Whether the method is known to hold a thread for a short time only: on average, and without
    /// a recent long run that exceeded its credit.
    #[inline]
    pub(crate) fn is_short(&self, now: Instant) -> bool {
        self.samples.load(Ordering::Relaxed) > 0
            && self.usual.load(Ordering::Relaxed) < nanos(SHORT_RUN)
            && nanos(now.duration_since(self.epoch)) >= self.long_until.load(Ordering::Relaxed)
    }

    /// Returns how many runs in a row usually fit into the time of one short run; at least one.
    #[inline]
    pub(crate) fn runs_per_short_slice(&self) -> usize {
        let runs = nanos(SHORT_RUN) / self.usual.load(Ordering::Relaxed).max(1);
        usize::try_from(runs).unwrap_or(usize::MAX).max(1)
    }

    /// Returns the usual time on the thread; zero before the first call.
    #[inline]
    pub(crate) fn usual(&self) -> Duration {
        Duration::from_nanos(self.usual.load(Ordering::Relaxed))
    }

    /// Whether a run that begins now would usually end after `until`, or its cost is not known. A
    /// method that is short by far never does, which saves the addition.
    #[inline]
    pub(crate) fn may_end_after(&self, until: Instant, now: Instant) -> bool {
        let usual = self.usual();
        self.samples() == 0 || (usual > SHORT_RUN / 8 && now + usual >= until)
    }

    /// Returns how many calls were measured, at most [`MAX_SAMPLES`].
    #[inline]
    pub(crate) fn samples(&self) -> u64 {
        self.samples.load(Ordering::Relaxed)
    }
}

#[inline]
pub(crate) fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_is_short_after_its_first_short_run() {
        let (cost, now) = (Cost::new(), Instant::now());
        assert!(!cost.is_short(now));
        cost.record_run(Duration::from_micros(3));
        assert!(cost.is_short(now));
    }

    #[test]
    fn one_long_run_keeps_a_method_on_the_host_for_a_second() {
        let (cost, now) = (Cost::new(), Instant::now());
        cost.record_run(Duration::from_micros(1));
        cost.record_hold(Duration::from_millis(3), now, || 1);
        cost.record_hold(Duration::from_micros(1), now, || 2);
        assert!(!cost.is_short(now + Duration::from_millis(999)));
        assert!(cost.is_short(now + Duration::from_millis(1001)));
    }

    #[test]
    fn rare_long_runs_of_a_short_method_count_as_interruptions() {
        let (cost, now) = (Cost::new(), Instant::now());
        cost.record_run(Duration::from_micros(10));
        cost.record_hold(Duration::from_millis(3), now, || 200);
        assert!(cost.is_short(now), "2 ms in 200 runs, and 1 ms to begin with");
        for run in 301..=305 {
            cost.record_hold(Duration::from_micros(200), now, || run);
            assert!(cost.is_short(now), "1 ms in a further hundred runs");
        }
        cost.record_hold(Duration::from_micros(70), now, || 306);
        assert!(!cost.is_short(now), "that is used up");
        let later = now + LONG_RUN_PENALTY;
        cost.record_hold(Duration::from_millis(11), later, || 10_000);
        assert!(!cost.is_short(later), "no credit is enough for a run as long as this");
    }

    #[test]
    fn a_run_that_does_not_end_keeps_its_method_on_the_host() {
        let (cost, now) = (Cost::new(), Instant::now());
        (0..100).for_each(|_| cost.record_run(Duration::from_micros(1)));
        for look in 0..1000 {
            let now = now + Duration::from_millis(5 * look);
            cost.record_overlong_hold(now);
            assert!(!cost.is_short(now + Duration::from_millis(999)));
        }
        assert!(cost.is_short(now + Duration::from_millis(4995) + LONG_RUN_PENALTY));
    }

    #[test]
    fn a_method_that_is_usually_long_stays_on_the_host() {
        let (cost, now) = (Cost::new(), Instant::now());
        cost.record_run(Duration::from_millis(5));
        cost.record_hold(Duration::from_millis(5), now, || 1);
        assert!(!cost.is_short(now + Duration::from_secs(60)));
        (0..50).for_each(|_| cost.record_run(Duration::from_micros(1)));
        assert!(cost.is_short(now + Duration::from_secs(60)));
    }

    #[test]
    fn a_short_slice_holds_as_many_runs_as_fit_and_at_least_one() {
        for (micros, runs) in [(10, 5), (20, 2), (49, 1), (5000, 1)] {
            let cost = Cost::new();
            cost.record_run(Duration::from_micros(micros));
            assert_eq!(cost.runs_per_short_slice(), runs, "{micros} µs each");
        }
    }

    #[test]
    fn the_usual_time_follows_the_samples_and_not_a_single_one() {
        let cost = Cost::new();
        (0..100).for_each(|_| cost.record_run(Duration::from_micros(2)));
        cost.record_run(Duration::from_millis(40));
        assert!(cost.usual() < Duration::from_micros(4), "{:?}", cost.usual());
        (0..100).for_each(|_| cost.record_run(Duration::from_millis(5)));
        assert!(cost.usual() > Duration::from_micros(4900) && cost.usual() <= Duration::from_millis(5));
    }
}
