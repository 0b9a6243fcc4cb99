//! What a run has shown.

use std::time::Duration;

use serde_json::{Value, json};

use super::histogram::{LatencyHistogram, OutcomeHistograms};
use super::outcome::Outcome;

/// The figures of a run.
#[derive(Debug)]
pub struct Report {
    pub url: String,
    /// Calls a second, as they were asked for.
    pub rate: f64,
    pub connections: usize,
    /// For how long calls were due.
    pub load_duration: Duration,
    /// Until the last answer, or until there was no patience left.
    pub elapsed: Duration,
    /// Each method with its calls.
    pub methods: Vec<(String, OutcomeHistograms)>,
    pub send_delays: LatencyHistogram,
    pub waited_for_connection: u64,
    pub intervals: Vec<Interval>,
}

/// Some part of a run.
#[derive(Clone, Debug, Default)]
pub struct Interval {
    /// From the begin of the run.
    pub end: Duration,
    pub length: Duration,
    pub results: u64,
    pub errors: u64,
    pub p50: Option<Duration>,
    pub p99: Option<Duration>,
}

impl Interval {
    /// Calls that ended, a second.
    pub fn rate(&self) -> f64 {
        (self.results + self.errors) as f64 / self.length.as_secs_f64().max(1e-9)
    }
}

impl Report {
    /// All methods together.
    pub fn total(&self) -> OutcomeHistograms {
        let mut total = OutcomeHistograms::default();
        self.methods.iter().for_each(|(_, histograms)| total.add(histograms));
        total
    }

    /// For programs. Times are in microseconds.
    pub fn to_json(&self) -> Value {
        let total = self.total();
        let methods = self.methods.iter().map(|(method, histograms)| (method.clone(), outcomes_json(histograms)));
        json!({
            "url": self.url,
            "rate": self.rate,
            "connections": self.connections,
            "loaded_s": self.load_duration.as_secs_f64(),
            "elapsed_s": self.elapsed.as_secs_f64(),
            "calls": total.count(|_| true),
            "answered": total.count(|outcome| outcome == Outcome::Result),
            "errors": total.count(|outcome| outcome != Outcome::Result),
            "outcomes": outcomes_json(&total),
            "methods": methods.collect::<serde_json::Map<_, _>>(),
            "waited_for_a_connection": self.waited_for_connection,
            "load_late_us": quantiles_json(&self.send_delays),
            "over_time": self.intervals.iter().map(Interval::to_json).collect::<Vec<_>>(),
        })
    }
}

impl Interval {
    fn to_json(&self) -> Value {
        json!({
            "end_s": self.end.as_secs_f64(),
            "results": self.results,
            "errors": self.errors,
            "p50_us": self.p50.map(micros),
            "p99_us": self.p99.map(micros),
        })
    }
}

fn outcomes_json(histograms: &OutcomeHistograms) -> Value {
    let outcomes = histograms.outcomes().map(|(outcome, latencies)| {
        let code = match outcome {
            Outcome::Error(code) => Some(code),
            _ => None,
        };
        json!({ "outcome": outcome.to_string(), "code": code, "calls": latencies.count(), "latency_us": quantiles_json(latencies) })
    });
    outcomes.collect()
}

fn quantiles_json(latencies: &LatencyHistogram) -> Value {
    let at = |quantile| latencies.quantile(quantile).map(micros);
    json!({
        "p50": at(0.5), "p75": at(0.75), "p90": at(0.9), "p99": at(0.99), "p99_9": at(0.999),
        "max": latencies.max().map(micros),
    })
}

fn micros(time: Duration) -> f64 {
    time.as_nanos() as f64 / 1e3
}
