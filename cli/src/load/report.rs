//! The report of a run.

use std::time::Duration;

use serde_json::{Value, json};

use super::histogram::{LatencyHistogram, OutcomeHistograms};
use super::outcome::Outcome;

/// The figures of a run.
#[derive(Debug)]
pub struct Report {
    /// The URL of the server, without its query.
    pub url: String,
    /// Requested rate, in calls per second.
    pub rate: f64,
    /// Number of connections.
    pub connections: usize,
    /// Number of calls that each connection carries at a time.
    pub in_flight: usize,
    /// The time during which calls were due.
    pub load_duration: Duration,
    /// The time until the last response, or until the drain timeout.
    pub elapsed: Duration,
    /// The outcomes of the calls of each method.
    pub methods: Vec<(String, OutcomeHistograms)>,
    /// How late the generator itself sent the calls that did not wait for a connection.
    pub send_delays: LatencyHistogram,
    /// Number of calls that found all connections in use when they were due.
    pub waited_for_connection: u64,
    /// The figures over time.
    pub intervals: Vec<Interval>,
}

/// The figures of a part of a run.
#[derive(Clone, Debug, Default)]
pub struct Interval {
    /// The end of the interval, counted from the start of the run.
    pub end: Duration,
    /// The length of the interval.
    pub length: Duration,
    /// Number of calls that ended with a result.
    pub results: u64,
    /// Number of calls that ended otherwise.
    pub errors: u64,
    /// Median latency; `None` if no call ended.
    pub p50: Option<Duration>,
    /// 99th percentile of the latency; `None` if no call ended.
    pub p99: Option<Duration>,
}

impl Interval {
    /// Returns the number of calls that ended per second.
    pub fn rate(&self) -> f64 {
        (self.results + self.errors) as f64 / self.length.as_secs_f64().max(1e-9)
    }
}

impl Report {
    /// Returns the outcomes of all methods together.
    pub fn total(&self) -> OutcomeHistograms {
        let mut total = OutcomeHistograms::default();
        self.methods.iter().for_each(|(_, histograms)| total.add(histograms));
        total
    }

    /// Returns the report as JSON. Times are in microseconds.
    pub fn to_json(&self) -> Value {
        let total = self.total();
        let methods = self.methods.iter().map(|(method, histograms)| (method.clone(), outcomes_json(histograms)));
        json!({
            "url": self.url,
            "rate": self.rate,
            "connections": self.connections,
            "in_flight": self.in_flight,
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
