//! Histograms with the buckets that Prometheus shows.

use std::time::Duration;

use crate::measure::Histogram;

/// Upper ends of the exported buckets, as powers of two of nanoseconds. Each is the end of a bucket
/// of the statistics, so no duration is counted in a wrong one: from 4 µs to 69 s.
const EXPONENTS: [u32; 16] = [12, 14, 16, 17, 18, 19, 20, 21, 22, 23, 25, 27, 29, 31, 33, 36];

/// Returns the sum in seconds, the count, and for each bucket its upper end in seconds and how many
/// durations are in it. The last bucket has no end: Prometheus computes no quantile without it, and
/// the encoder of OpenMetrics does not add it.
pub(super) fn exported(histogram: &Histogram) -> (f64, u64, Vec<(f64, u64)>) {
    let mut counted = histogram.buckets().peekable();
    let mut buckets = Vec::with_capacity(EXPONENTS.len() + 1);
    buckets.extend(EXPONENTS.map(|exponent| {
        let upper = Duration::from_nanos(1 << exponent);
        let mut count = 0;
        while let Some((_, more)) = counted.next_if(|(end, _)| *end < upper) {
            count += more;
        }
        (upper.as_secs_f64(), count)
    }));
    buckets.push((f64::INFINITY, counted.map(|(_, count)| count).sum()));
    (histogram.sum().as_secs_f64(), histogram.count(), buckets)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::AtomicHistogram;

    #[test]
    fn each_duration_is_in_the_first_bucket_that_it_fits() {
        for exponent in 3..40_u32 {
            for nanos in [(1 << exponent) - 1, 1 << exponent, (1 << exponent) + 1] {
                let histogram = AtomicHistogram::default();
                histogram.record(Duration::from_nanos(nanos), 3);
                let (sum, count, buckets) = exported(&Histogram::of([&histogram].into_iter()));
                assert_eq!((sum, count), (Duration::from_nanos(3 * nanos).as_secs_f64(), 3), "{nanos}");
                let seconds = Duration::from_nanos(nanos).as_secs_f64();
                for (at, (upper, count)) in buckets.iter().enumerate() {
                    let lower = if at == 0 { 0.0 } else { buckets[at - 1].0 };
                    let expected = if (lower..*upper).contains(&seconds) { 3 } else { 0 };
                    assert_eq!(*count, expected, "{nanos} ns in the bucket up to {upper} s");
                }
            }
        }
    }
}
