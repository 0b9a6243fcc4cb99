//! What a run has shown.

use std::time::Duration;

use serde_json::{Value, json};

use super::outcome::Outcome;
use super::tally::{Latencies, Tally};

/// The figures of a run.
#[derive(Debug)]
pub struct Report {
    pub url: String,
    /// Calls a second, as they were asked for.
    pub rate: f64,
    pub connections: usize,
    /// For how long calls were due.
    pub loaded: Duration,
    /// Until the last answer, or until there was no patience left.
    pub elapsed: Duration,
    /// Each method with its calls.
    pub methods: Vec<(String, Tally)>,
    pub late: Latencies,
    pub waited: u64,
    pub stretches: Vec<Stretch>,
}

/// Some part of a run.
#[derive(Clone, Debug, Default)]
pub struct Stretch {
    /// From the begin of the run.
    pub end: Duration,
    pub length: Duration,
    pub results: u64,
    pub errors: u64,
    pub p50: Option<Duration>,
    pub p99: Option<Duration>,
}

impl Stretch {
    /// Calls that ended, a second.
    pub fn rate(&self) -> f64 {
        (self.results + self.errors) as f64 / self.length.as_secs_f64().max(1e-9)
    }
}

impl Report {
    /// All methods together.
    pub fn total(&self) -> Tally {
        let mut total = Tally::default();
        self.methods.iter().for_each(|(_, tally)| total.add(tally));
        total
    }

    /// For programs. Times are in microseconds.
    pub fn to_json(&self) -> Value {
        let total = self.total();
        let methods = self.methods.iter().map(|(method, tally)| (method.clone(), told(tally)));
        json!({
            "url": self.url,
            "rate": self.rate,
            "connections": self.connections,
            "loaded_s": self.loaded.as_secs_f64(),
            "elapsed_s": self.elapsed.as_secs_f64(),
            "calls": total.count(|_| true),
            "answered": total.count(|outcome| outcome == Outcome::Result),
            "errors": total.count(|outcome| outcome != Outcome::Result),
            "outcomes": told(&total),
            "methods": methods.collect::<serde_json::Map<_, _>>(),
            "waited_for_a_connection": self.waited,
            "load_late_us": times(&self.late),
            "over_time": self.stretches.iter().map(Stretch::to_json).collect::<Vec<_>>(),
        })
    }
}

impl Stretch {
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

fn told(tally: &Tally) -> Value {
    let outcomes = tally.outcomes().map(|(outcome, latencies)| {
        let code = match outcome {
            Outcome::Error(code) => Some(code),
            _ => None,
        };
        json!({ "outcome": outcome.to_string(), "code": code, "calls": latencies.count(), "latency_us": times(latencies) })
    });
    outcomes.collect()
}

fn times(latencies: &Latencies) -> Value {
    let at = |quantile| latencies.quantile(quantile).map(micros);
    json!({
        "p50": at(0.5), "p75": at(0.75), "p90": at(0.9), "p99": at(0.99), "p99_9": at(0.999),
        "max": latencies.max().map(micros),
    })
}

fn micros(time: Duration) -> f64 {
    time.as_nanos() as f64 / 1e3
}
