//! Histograms of durations, recorded by many threads at once.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::sync::{AtomicU64, Ordering};

use super::cost::nanos;

/// Number of buckets for each doubling of the duration: a bucket is at most a quarter wider than
/// its lower end.
const STEPS: u64 = 4;
/// Number of buckets. They reach up to 2^42 ns, more than an hour; longer durations count in the
/// last one.
const BUCKETS: usize = 42 * STEPS as usize;

/// A histogram that threads record to.
pub(crate) struct AtomicHistogram {
    counts: [AtomicU64; BUCKETS],
    /// The sum of all durations, in nanoseconds: enough for 584 years.
    sum: AtomicU64,
}

impl Default for AtomicHistogram {
    fn default() -> Self {
        Self { counts: [const { AtomicU64::new(0) }; BUCKETS], sum: AtomicU64::new(0) }
    }
}

impl AtomicHistogram {
    pub(crate) fn record(&self, time: Duration, times: u64) {
        let nanos = nanos(time);
        self.counts[bucket(nanos)].fetch_add(times, Ordering::Relaxed);
        self.sum.fetch_add(nanos.wrapping_mul(times), Ordering::Relaxed);
    }
}

impl fmt::Debug for AtomicHistogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Histogram::of([self].into_iter()).fmt(f)
    }
}

/// Returns the bucket of a duration: its doubling, and the step within it.
fn bucket(nanos: u64) -> usize {
    let nanos = nanos.max(STEPS);
    let doubling = u64::from(nanos.ilog2());
    let step = (nanos >> (doubling - STEPS.ilog2() as u64)) & (STEPS - 1);
    usize::try_from(doubling * STEPS + step).unwrap_or(usize::MAX).min(BUCKETS - 1)
}

/// Returns the longest duration that counts in a bucket.
fn upper(bucket: usize) -> Duration {
    let (doubling, step) = (bucket as u64 / STEPS, bucket as u64 % STEPS);
    Duration::from_nanos(((STEPS + step + 1) << doubling) / STEPS - 1)
}

/// A histogram of durations: a snapshot.
///
/// Durations are exact to a quarter: what is returned is the upper end of the bucket in which a
/// duration was counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram {
    buckets: Vec<(Duration, u64)>,
    sum: Duration,
}

impl Histogram {
    /// Returns what several histograms have counted together.
    pub(crate) fn of<'a>(histograms: impl Iterator<Item = &'a AtomicHistogram>) -> Self {
        let mut counts = [0; BUCKETS];
        let mut nanos = 0_u64;
        for histogram in histograms {
            nanos = nanos.wrapping_add(histogram.sum.load(Ordering::Relaxed));
            for (sum, count) in counts.iter_mut().zip(&histogram.counts) {
                *sum += count.load(Ordering::Relaxed);
            }
        }
        let counted = counts.into_iter().enumerate().filter(|(_, count)| *count > 0);
        Self { buckets: counted.map(|(at, count)| (upper(at), count)).collect(), sum: Duration::from_nanos(nanos) }
    }

    /// Returns what was recorded since an earlier snapshot of the same histograms.
    pub(crate) fn since(&self, earlier: &Self) -> Self {
        let mut before = earlier.buckets.iter().peekable();
        let more = |&(upper, count): &(Duration, u64)| {
            let known = before.next_if(|(known, _)| *known == upper).map_or(0, |(_, count)| *count);
            Some((upper, count.saturating_sub(known))).filter(|(_, more)| *more > 0)
        };
        let sum = self.sum.saturating_sub(earlier.sum);
        Self { buckets: self.buckets.iter().filter_map(more).collect(), sum }
    }

    /// Returns how many durations were recorded.
    pub fn count(&self) -> u64 {
        self.buckets.iter().map(|(_, count)| count).sum()
    }

    /// Returns the sum of the recorded durations, which is exact.
    pub fn sum(&self) -> Duration {
        self.sum
    }

    /// Returns the duration that a fraction `q` of the recorded durations did not exceed: 0.5 for
    /// the median, 1.0 for the maximum. Returns `None` if nothing was recorded.
    ///
    /// # Panics
    /// If `q` is not between 0 and 1.
    pub fn quantile(&self, q: f64) -> Option<Duration> {
        assert!((0.0..=1.0).contains(&q), "a quantile is between 0 and 1, not {q}");
        let rank = (self.count() as f64 * q).ceil().max(1.0) as u64;
        let mut seen = 0;
        let reaches = |(_, count): &&(Duration, u64)| {
            seen += count;
            seen >= rank
        };
        self.buckets.iter().find(reaches).map(|(upper, _)| *upper)
    }

    /// Returns the upper end of each bucket that is not empty, and how many durations are in it, in
    /// ascending order.
    pub fn buckets(&self) -> impl Iterator<Item = (Duration, u64)> {
        self.buckets.iter().copied()
    }
}

/// Serialized as
/// `{"count":2,"p50_us":1.5,"p90_us":…,"p99_us":…,"max_us":…,"buckets":[[upper_us,count],…]}`.
impl Serialize for Histogram {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct HistogramJson {
            count: u64,
            p50_us: Option<f64>,
            p90_us: Option<f64>,
            p99_us: Option<f64>,
            max_us: Option<f64>,
            buckets: Vec<(f64, u64)>,
        }
        let micros = |time: Duration| nanos(time) as f64 / 1000.0;
        let at = |q| self.quantile(q).map(micros);
        let buckets = self.buckets().map(|(upper, count)| (micros(upper), count)).collect();
        let json = HistogramJson {
            count: self.count(),
            p50_us: at(0.5),
            p90_us: at(0.9),
            p99_us: at(0.99),
            max_us: at(1.0),
            buckets,
        };
        json.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(histogram: &AtomicHistogram) -> Histogram {
        Histogram::of([histogram].into_iter())
    }

    #[test]
    fn a_recorded_time_is_exact_to_a_quarter() {
        for nanos in (4..5000).chain([1_000_000, 123_456_789, 1 << 41]) {
            let histogram = AtomicHistogram::default();
            histogram.record(Duration::from_nanos(nanos), 1);
            let upper = times(&histogram).quantile(1.0).unwrap().as_nanos() as u64;
            assert!(upper >= nanos && upper <= nanos + nanos / 4, "{nanos} is recorded as {upper}");
        }
    }

    #[test]
    fn quantiles_are_where_the_counts_reach_them() {
        let histogram = AtomicHistogram::default();
        assert_eq!(times(&histogram).quantile(0.5), None);
        for micros in 1..=100 {
            histogram.record(Duration::from_micros(micros), 1);
        }
        let times = times(&histogram);
        assert_eq!(times.count(), 100);
        let near = |q, micros: u64| {
            let upper = times.quantile(q).unwrap().as_micros() as u64;
            assert!(upper >= micros && upper <= micros + micros / 4 + 1, "{q}: {upper}");
        };
        near(0.0, 1);
        near(0.5, 50);
        near(0.99, 99);
        near(1.0, 100);
    }

    #[test]
    fn the_difference_of_two_snapshots_is_what_was_recorded_in_between() {
        let histogram = AtomicHistogram::default();
        let record =
            |micros: &[u64]| micros.iter().for_each(|&micros| histogram.record(Duration::from_micros(micros), 1));
        record(&[10, 10, 1000]);
        let earlier = times(&histogram);
        assert_eq!(times(&histogram).since(&earlier), Histogram::default());
        record(&[1, 10, 50_000]);
        let alone = AtomicHistogram::default();
        [1, 10, 50_000].iter().for_each(|&micros| alone.record(Duration::from_micros(micros), 1));
        assert_eq!(times(&histogram).since(&earlier), times(&alone));
        assert_eq!(times(&histogram).since(&Histogram::default()), times(&histogram));
    }

    #[test]
    fn no_time_is_too_short_or_too_long() {
        let histogram = AtomicHistogram::default();
        histogram.record(Duration::ZERO, 1);
        histogram.record(Duration::MAX, 1);
        assert_eq!(times(&histogram).count(), 2);
    }
}
