//! Load over NATS from this process.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use callbox::client::{Client, ClientError};
use callbox_benches::closed_loop::latencies;
use futures::future::join_all;
use hdrhistogram::Histogram;

/// What became of the calls.
pub(crate) struct Outcome {
    /// Durations of the calls that were answered, in nanoseconds.
    pub(crate) latencies: Histogram<u64>,
    pub(crate) errors: Vec<ClientError>,
}

impl Outcome {
    /// Returns the number of all calls.
    pub(crate) fn calls(&self) -> u64 {
        self.latencies.len() + self.errors.len() as u64
    }

    /// Returns a quantile of the durations, in milliseconds.
    pub(crate) fn quantile(&self, q: f64) -> f64 {
        self.latencies.value_at_quantile(q) as f64 / 1e6
    }
}

/// Runs async code with a runtime of two threads.
pub(crate) fn run<T>(work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?.block_on(work)
}

/// Sends so many calls a second, whatever becomes of those before, until `stop` is set.
pub(crate) async fn open_loop(client: &Client, method: &'static str, rate: f64, stop: Arc<AtomicBool>) -> Outcome {
    let mut ticks = tokio::time::interval(Duration::from_secs_f64(1.0 / rate));
    let mut calls = Vec::new();
    while !stop.load(Ordering::Acquire) {
        ticks.tick().await;
        let client = client.clone();
        calls.push(tokio::spawn(async move {
            let begin = Instant::now();
            client.call::<bool>(method, ()).await.map(|_| begin.elapsed())
        }));
    }
    let mut outcome = Outcome { latencies: latencies(), errors: Vec::new() };
    for ended in join_all(calls).await.into_iter().flatten() {
        match ended {
            Ok(time) => outcome.latencies.saturating_record(time.as_nanos() as u64),
            Err(error) => outcome.errors.push(error),
        }
    }
    outcome
}

/// Returns the flag of a load that ends after this time.
pub(crate) fn stop_after(time: Duration) -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let stops = Arc::clone(&stop);
    tokio::spawn(async move {
        tokio::time::sleep(time).await;
        stops.store(true, Ordering::Release);
    });
    stop
}

/// Connects to the service `work`.
pub(crate) async fn connect(url: &str) -> io::Result<Client> {
    let nats = callbox::client::Nats::connect(url).await.map_err(io::Error::other)?;
    Ok(nats.service("work"))
}
