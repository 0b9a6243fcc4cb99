//! Latency histograms by outcome. Their memory does not grow with the number of calls.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;

use super::outcome::Outcome;

/// Largest latency that a histogram can hold, in nanoseconds: longer than any run.
const MAX_LATENCY_NANOS: u64 = 2 * 3_600_000_000_000;

/// Maximum number of outcomes with their own histogram, so that a server that invents error codes
/// cannot use up the memory.
const MAX_OUTCOMES: usize = 32;

/// A histogram of latencies, with three significant digits.
#[derive(Clone, Debug)]
pub struct LatencyHistogram(Histogram<u64>);

impl Default for LatencyHistogram {
    fn default() -> Self {
        Self(Histogram::new_with_bounds(1, MAX_LATENCY_NANOS, 3).expect("these bounds are possible"))
    }
}

impl LatencyHistogram {
    /// Records a latency.
    pub fn record(&mut self, time: Duration) {
        self.0.saturating_record(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
    }

    /// Returns the number of calls.
    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// Returns the latency that a fraction `quantile` of the calls did not exceed; `None` if there
    /// are no calls.
    pub fn quantile(&self, quantile: f64) -> Option<Duration> {
        let known = !self.0.is_empty();
        known.then(|| Duration::from_nanos(self.0.value_at_quantile(quantile).min(self.0.max())))
    }

    /// Returns the longest latency; `None` if there are no calls.
    pub fn max(&self) -> Option<Duration> {
        (!self.0.is_empty()).then(|| Duration::from_nanos(self.0.max()))
    }

    /// Adds all latencies of another histogram.
    pub fn add(&mut self, other: &Self) {
        self.0.add(&other.0).expect("the bounds are the same");
    }

    /// Removes all latencies.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

/// The calls of one method, by outcome.
#[derive(Clone, Debug, Default)]
pub struct OutcomeHistograms(BTreeMap<Outcome, LatencyHistogram>);

impl OutcomeHistograms {
    /// Records a call. `latency` counts from the moment at which the call was due.
    pub fn record(&mut self, outcome: Outcome, latency: Duration) {
        let known = self.0.contains_key(&outcome) || self.0.len() < MAX_OUTCOMES;
        let outcome = if known { outcome } else { Outcome::OtherError };
        self.0.entry(outcome).or_default().record(latency);
    }

    /// Adds all calls of another set of histograms.
    pub fn add(&mut self, other: &Self) {
        for (outcome, latencies) in &other.0 {
            self.0.entry(*outcome).or_default().add(latencies);
        }
    }

    /// Returns the outcomes with their latencies, in the order of the rows of a table.
    pub fn outcomes(&self) -> impl Iterator<Item = (Outcome, &LatencyHistogram)> {
        self.0.iter().map(|(outcome, latencies)| (*outcome, latencies))
    }

    /// Returns the latencies of all calls whose outcome satisfies `of`.
    pub fn latencies(&self, of: impl Fn(Outcome) -> bool) -> LatencyHistogram {
        let mut sum = LatencyHistogram::default();
        self.0.iter().filter(|(outcome, _)| of(**outcome)).for_each(|(_, latencies)| sum.add(latencies));
        sum
    }

    /// Returns the number of calls whose outcome satisfies `of`.
    pub fn count(&self, of: impl Fn(Outcome) -> bool) -> u64 {
        self.0.iter().filter(|(outcome, _)| of(**outcome)).map(|(_, latencies)| latencies.count()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_histograms_is_bounded() {
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
