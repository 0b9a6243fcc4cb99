//! What became of all calls, counted as it happens: memory does not grow with the number of calls.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;

use super::outcome::Outcome;

/// In nanoseconds: longer than any run.
const MAX_LATENCY_NANOS: u64 = 2 * 3_600_000_000_000;

/// A server that makes up codes does not get a histogram for each of them.
const MAX_OUTCOMES: usize = 32;

/// Times, to three digits.
#[derive(Clone, Debug)]
pub struct LatencyHistogram(Histogram<u64>);

impl Default for LatencyHistogram {
    fn default() -> Self {
        Self(Histogram::new_with_bounds(1, MAX_LATENCY_NANOS, 3).expect("these bounds are possible"))
    }
}

impl LatencyHistogram {
    pub fn record(&mut self, time: Duration) {
        self.0.saturating_record(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
    }

    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// What a part of them did not exceed; `None` if there are none.
    pub fn quantile(&self, quantile: f64) -> Option<Duration> {
        let known = !self.0.is_empty();
        known.then(|| Duration::from_nanos(self.0.value_at_quantile(quantile).min(self.0.max())))
    }

    pub fn max(&self) -> Option<Duration> {
        (!self.0.is_empty()).then(|| Duration::from_nanos(self.0.max()))
    }

    pub fn add(&mut self, other: &Self) {
        self.0.add(&other.0).expect("the bounds are the same");
    }

    pub fn clear(&mut self) {
        self.0.clear();
    }
}

/// Calls of one kind, by what became of them.
#[derive(Clone, Debug, Default)]
pub struct OutcomeHistograms(BTreeMap<Outcome, LatencyHistogram>);

impl OutcomeHistograms {
    /// `latency` is that from when the call was due.
    pub fn record(&mut self, outcome: Outcome, latency: Duration) {
        let known = self.0.contains_key(&outcome) || self.0.len() < MAX_OUTCOMES;
        let outcome = if known { outcome } else { Outcome::OtherError };
        self.0.entry(outcome).or_default().record(latency);
    }

    pub fn add(&mut self, other: &Self) {
        for (outcome, latencies) in &other.0 {
            self.0.entry(*outcome).or_default().add(latencies);
        }
    }

    /// In the order of a table's rows.
    pub fn outcomes(&self) -> impl Iterator<Item = (Outcome, &LatencyHistogram)> {
        self.0.iter().map(|(outcome, latencies)| (*outcome, latencies))
    }

    /// The times of those outcomes together.
    pub fn latencies(&self, of: impl Fn(Outcome) -> bool) -> LatencyHistogram {
        let mut sum = LatencyHistogram::default();
        self.0.iter().filter(|(outcome, _)| of(**outcome)).for_each(|(_, latencies)| sum.add(latencies));
        sum
    }

    pub fn count(&self, of: impl Fn(Outcome) -> bool) -> u64 {
        self.0.iter().filter(|(outcome, _)| of(**outcome)).map(|(_, latencies)| latencies.count()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_server_makes_it_grow_without_end() {
        let mut histograms = OutcomeHistograms::default();
        (0..10_000).for_each(|code| histograms.record(Outcome::Error(code), Duration::from_millis(1)));
        assert_eq!(histograms.outcomes().count(), MAX_OUTCOMES + 1);
        assert_eq!(histograms.count(|_| true), 10_000);
    }

    #[test]
    fn quantiles_never_exceed_the_longest_time() {
        let mut latencies = LatencyHistogram::default();
        assert_eq!((latencies.quantile(0.5), latencies.max()), (None, None));
        for micros in [1, 2, 3, 1_000_003] {
            latencies.record(Duration::from_micros(micros));
        }
        assert_eq!(latencies.quantile(1.0), latencies.max());
        assert!(latencies.quantile(0.5).unwrap().abs_diff(Duration::from_micros(2)) < Duration::from_nanos(20));
    }
}
