//! Three instances are replaced one after the other, under load.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use callbox_test_support::nats_server::NatsServer;

use crate::Bench;
use crate::instances::Kind;
use crate::load::{connect, open_loop, run as run_async};

pub(crate) const NAME: &str = "restarts";

const CALLS: &str = "calls";
const P99: &str = "p99 ms";
const CALLBOX: &str = "callbox";

/// Number of calls a second.
const RATE: f64 = 1000.0;

pub(crate) fn run(bench: &mut Bench) -> io::Result<()> {
    let pause = Duration::from_millis(bench.pick(200, 1_000));
    for _ in 0..bench.rounds(3) {
        let nats = NatsServer::start(&[]);
        let mut instances = Kind::Callbox.start_all(&nats, [Duration::ZERO; 3])?;
        let outcome = run_async(async {
            let client = connect(&nats.url()).await?;
            let stop = Arc::new(AtomicBool::new(false));
            let stops = Arc::clone(&stop);
            let load = tokio::spawn(async move { open_loop(&client, "ping", RATE, stops).await });
            tokio::task::block_in_place(|| -> io::Result<()> {
                for _ in 0..3 {
                    std::thread::sleep(pause);
                    instances.push(Kind::Callbox.start(&nats, Duration::ZERO)?);
                    instances.remove(0).terminate()?;
                }
                std::thread::sleep(pause);
                Ok(())
            })?;
            stop.store(true, Ordering::Release);
            load.await.map_err(io::Error::other)
        })?;
        if let Some(error) = outcome.errors.first() {
            return Err(io::Error::other(format!("{} calls failed: {error}", outcome.errors.len())));
        }
        bench.report.note(NAME, CALLBOX, CALLS, outcome.calls() as f64);
        bench.report.note(NAME, CALLBOX, P99, outcome.quantile(0.99));
    }
    bench.report.print(NAME, "Three instances replaced one after the other, under 1,000 calls a second");
    Ok(())
}
