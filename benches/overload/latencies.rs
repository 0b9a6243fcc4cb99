//! Latencies of recorded calls.

use std::time::Duration;

use hdrhistogram::Histogram;

use crate::load::{CallRecord, Outcome};

/// Largest latency that the histogram can hold, in nanoseconds: longer than any call.
const HOUR: u64 = 3_600_000_000_000;

/// A histogram of latencies, with three significant digits.
pub(crate) struct LatencyHistogram(Histogram<u64>);

impl LatencyHistogram {
    pub(crate) fn of<'a>(records: impl IntoIterator<Item = &'a CallRecord>) -> Self {
        Self::of_times(records.into_iter().map(|record| record.latency))
    }

    pub(crate) fn of_times(times: impl IntoIterator<Item = Duration>) -> Self {
        let mut histogram = Histogram::new_with_bounds(1, HOUR, 3).expect("these bounds are possible");
        for time in times {
            histogram.saturating_record(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
        }
        Self(histogram)
    }

    /// Returns a quantile in milliseconds; NaN if there are no calls.
    pub(crate) fn quantile(&self, quantile: f64) -> f64 {
        if self.0.is_empty() { f64::NAN } else { self.0.value_at_quantile(quantile) as f64 / 1e6 }
    }

    pub(crate) fn p99(&self) -> f64 {
        self.quantile(0.99)
    }
}

/// Returns the calls of one class.
pub(crate) fn class(records: &[CallRecord], class: usize) -> impl Iterator<Item = &CallRecord> + Clone {
    records.iter().filter(move |record| record.class == class)
}

/// Returns the calls that were due in a part of the run.
pub(crate) fn due(records: &[CallRecord], from: Duration, to: Duration) -> impl Iterator<Item = &CallRecord> + Clone {
    records.iter().filter(move |record| record.due >= from && record.due < to)
}

pub(crate) fn count<'a>(records: impl Iterator<Item = &'a CallRecord>, outcome: Outcome) -> f64 {
    records.filter(|record| record.outcome == outcome).count() as f64
}

/// Returns the 99th percentile of the latency of the calls that were due in each interval: seconds
/// at the middle of the interval, milliseconds.
pub(crate) fn over_time<'a>(records: impl Iterator<Item = &'a CallRecord>, stretch: Duration) -> Vec<(f64, f64)> {
    let mut stretches: Vec<Vec<Duration>> = Vec::new();
    for record in records {
        let index = (record.due.as_nanos() / stretch.as_nanos()) as usize;
        if stretches.len() <= index {
            stretches.resize(index + 1, Vec::new());
        }
        stretches[index].push(record.latency);
    }
    let middle = |index: usize| (index as f64 + 0.5) * stretch.as_secs_f64();
    let known = stretches.into_iter().enumerate().filter(|(_, times)| !times.is_empty());
    known.map(|(index, times)| (middle(index), LatencyHistogram::of_times(times).p99())).collect()
}
