//! The NATS server is stopped for a while: HTTP goes on, and calls over NATS come back.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use callbox::client::Client;
use callbox_benches::closed_loop::latencies;
use callbox_test_support::nats_server::NatsServer;

use crate::Bench;
use crate::instances::Kind;
use crate::load::{connect, run as run_async};

pub(crate) const NAME: &str = "outage";

pub(crate) const BACK: &str = "back after ms";
pub(crate) const P99: &str = "HTTP p99 ms";
pub(crate) const FAILED: &str = "failed over HTTP";
pub(crate) const CALLBOX: &str = "callbox";
pub(crate) const BEFORE: &str = "before";
pub(crate) const DURING: &str = "without NATS";

pub(crate) fn run(bench: &mut Bench) -> io::Result<()> {
    let time = Duration::from_secs(bench.pick(1, 10));
    for _ in 0..bench.rounds(3) {
        let mut nats = NatsServer::start(&[]);
        let instance = Kind::Callbox.start(&nats, Duration::ZERO)?;
        let url = format!("http://{}/api", instance.address);
        run_async(async {
            let client = connect(&nats.url()).await?;
            client.call::<bool>("ping", ()).await.map_err(io::Error::other)?;
            let http = Client::new(&*url).map_err(io::Error::other)?;
            let stop = Arc::new(AtomicBool::new(false));
            calls(&http, time / 5, &stop).await;
            let before = calls(&http, time, &stop).await;
            let stops = Arc::clone(&stop);
            let load = tokio::spawn(async move { calls(&http, Duration::MAX, &stops).await });
            tokio::task::block_in_place(|| {
                nats.stop();
                std::thread::sleep(time);
                nats.start_again();
            });
            let back = Instant::now();
            while client.call::<bool>("ping", ()).await.is_err() {
                if back.elapsed() > Duration::from_secs(30) {
                    return Err(io::Error::other("calls over NATS do not come back"));
                }
            }
            let back = back.elapsed();
            stop.store(true, Ordering::Release);
            let during = load.await.map_err(io::Error::other)?;
            bench.report.note(NAME, CALLBOX, BACK, back.as_secs_f64() * 1e3);
            for (subject, (p99, failed)) in [(BEFORE, before), (DURING, during)] {
                bench.report.note(NAME, subject, P99, p99);
                bench.report.note(NAME, subject, FAILED, failed as f64);
            }
            Ok(())
        })?;
    }
    bench.report.print(NAME, "The NATS server stopped, and started again");
    Ok(())
}

/// Calls over HTTP one after the other, for this time or until `stop` is set. Returns the time that
/// one of a hundred exceeds, in milliseconds, and the number of those that failed.
async fn calls(http: &Client, time: Duration, stop: &AtomicBool) -> (f64, u64) {
    let (begin, mut latencies, mut failed) = (Instant::now(), latencies(), 0);
    while begin.elapsed() < time && !stop.load(Ordering::Acquire) {
        let sent = Instant::now();
        match http.call::<bool>("ping", ()).await {
            Ok(_) => latencies.saturating_record(sent.elapsed().as_nanos() as u64),
            Err(_) => failed += 1,
        }
        // As many callers do, and so that both measurements have a like number of calls.
        tokio::time::sleep(Duration::from_micros(500)).await;
    }
    (latencies.value_at_quantile(0.99) as f64 / 1e6, failed)
}
